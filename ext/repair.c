/*
** repair.c: relationship_repair().
**
**     SELECT relationship_repair();
**     students.courses: made again what was missing
**     courses.students: rule capacity: made its triggers anew
**
** A program that makes a table anew, as many do to change one, drops its
** triggers and indexes with the old one.  Repairing says every declaration and
** every rule once more, as the file has it: what is there stays, what is missing
** is made.  No row of a user's table is touched.
**
** It answers with a line for each thing that it has done, and with none if there
** was nothing to do.
*/
#include "relate_int.h"

/* One call. */
typedef struct Repair {
  Connection *connection;
  sqlite3_stmt *guard;
  Arena *arena;
  Model *model; /* of main, as it was when the call began */
  sqlite3_str *done;
} Repair;

/* A line of the answer. */
static void repair_say(Repair *repair, const char *name, const char *what) {
  if (sqlite3_str_length(repair->done))
    sqlite3_str_appendall(repair->done, "\n");
  sqlite3_str_appendf(repair->done, "%s: %s", name, what);
}

/* A failure about one thing is an answer too: the others are repaired all the
** same.  Not so where nothing can go on. */
static bool repair_refused(Failure *failure, Repair *repair, Failure *own,
                           const char *name) {
  int code = own->code & 0xff;
  if (!own->code) return false;
  if (code != SQLITE_ERROR && code != SQLITE_CONSTRAINT) {
    *failure = *own;
  } else {
    repair_say(repair, name, own->message ? own->message : "can't be repaired");
    failure_clear(own);
  }
  return true;
}

static void repair_relationship(Failure *failure, Repair *repair,
                                const Relationship *r) {
  Failure own = {0, NULL};
  if (failure->code || !r->declaration || r->problem) return;
  bool changed = declare_again(&own, repair->connection, repair->guard,
                               r->source->name, r->declaration->name);
  if (!repair_refused(failure, repair, &own, r->full_name) && changed)
    repair_say(repair, r->full_name, "made again what was missing");
}

/* students.courses_via_student_course: rule open */
static const char *rule_name(Failure *failure, const Repair *repair,
                             const RuleDeclaration *rule) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  name_append(text, rule->direction.source);
  sqlite3_str_appendall(text, ".");
  name_append(text, rule->relationship);
  sqlite3_str_appendf(text, ": rule %s", rule->name);
  return arena_string(failure, repair->arena, text);
}

static void repair_rule(Failure *failure, Repair *repair,
                        const RuleDeclaration *lost) {
  Failure own = {0, NULL};
  RuleDeclaration found;
  if (failure->code || lost->problem) return;
  bool renamed = regulate_salvage(failure, repair->connection, repair->arena,
                                  repair->model, lost, &found);
  const RuleDeclaration *rule = renamed ? &found : lost;
  const char *name = rule_name(failure, repair, rule);
  if (failure->code) return;
  bool changed = regulate_again(&own, repair->connection, repair->guard, rule);
  if (repair_refused(failure, repair, &own, name)) return;
  if (renamed) {
    repair_say(repair, name, "took over the names that its triggers have");
  } else if (changed) {
    repair_say(repair, name, "made its triggers anew");
  }
}

/* What is left owed is taken away in a transaction of its own: inside another it
** could hide that something is owed there. */
static void repair_debts(Failure *failure, Repair *repair, bool own) {
  sqlite3 *db = repair->connection->db;
  if (failure->code || !catalog_has_debts(repair->model->schema)) return;
  sqlite3_stmt *statement =
      statement_prepare(failure, db, STATEMENT_PLAIN,
                        own ? "DELETE FROM main.\"" DEBT_TABLE "\""
                            : "SELECT 1 FROM main.\"" DEBT_TABLE "\"");
  bool more = statement_step(failure, statement);
  sqlite3_finalize(statement);
  if (failure->code) return;
  if (own && sqlite3_changes(db) > 0)
    repair_say(repair, DEBT_TABLE, "took away what was left owed");
  if (more)
    repair_say(repair, DEBT_TABLE,
               "something is owed; if it was left there, repair outside of a "
               "transaction");
}

static void repair_all(Failure *failure, Repair *repair, bool own) {
  Connection *connection = repair->connection;
  if (failure->code) return;
  repair->model =
      model_new(failure, connection->db, "main", &connection->serial);
  if (failure->code) return;
  const Model *model = repair->model;
  repair_debts(failure, repair, own);
  for (int i = 0; i < model->relationship_count; i++)
    repair_relationship(failure, repair, &model->relationships[i]);
  for (int i = 0; i < model->catalog->rule_count; i++)
    repair_rule(failure, repair, &model->catalog->rules[i]);
}

/* relationship_repair() */
void repair_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Failure failure = {0, NULL};
  Repair repair = {.connection = sqlite3_user_data(context),
                   .arena = arena_new(&failure),
                   .done = sqlite3_str_new(NULL)};
  bool own = sqlite3_get_autocommit(repair.connection->db) != 0;
  (void)argv;
  if (argc) failure_set(&failure, SQLITE_ERROR, "takes no argument");
  Undertaking undertaking = declare_begin(&failure, repair.connection);
  repair.guard = undertaking.guard;
  repair_all(&failure, &repair, own);
  char *done = failure_text(&failure, repair.done);
  declare_end(&failure, &undertaking, context, done);
  failure_prefix(&failure, "relationship_repair: ");
  failure_to_result(&failure, context);
  model_release(repair.model);
  arena_free(repair.arena);
}
