/*
** why.c: related_why(), what the rules say before anything is tried.
**
**     SELECT rule, ok, message FROM related_why('students.courses', 1, 2);
**     SELECT rule, ok FROM related_why('unenroll', 1, 2);
**
** A row for each rule, of the relationship or its inverse, that would judge the
** link if the pair were linked; or unlinked, where a declared function is named
** that unlinks.  Nothing is changed.
*/
#include "relate_int.h"

#define PAYLOAD_LIMIT 20 /* columns that can be given */

/* What is asked. */
typedef struct Why {
  Connection *connection;
  Model *model;
  Path path;
  const Function *function; /* declared, or NULL */
  const Relationship *relationship;
  Key source, target;
  bool leaving;
  int payload_count;
  const Column *payload[PAYLOAD_LIMIT];
  Value values[PAYLOAD_LIMIT];
  Values *rows;
} Why;

static const char *why_name(Failure *failure, const Value *value) {
  if (failure->code) return "";
  if (value->type == SQLITE_TEXT) return value->bytes;
  failure_set(failure, SQLITE_MISMATCH,
              "the first argument is the name of a relationship or of a "
              "function");
  return "";
}

/* A declared function, else a relationship. */
static void why_find(Failure *failure, Why *why, const Value *given) {
  const char *name = why_name(failure, given);
  const Function *function = function_find(why->connection, name);
  if (failure->code) return;
  if (function && function->declared) {
    why->function = function;
    why->relationship = function->relationship;
    if (function->problem)
      failure_set(failure, SQLITE_ERROR, "%s: %s", name, function->problem);
    if (!failure->code && !base_writes(function->base))
      failure_set(failure, SQLITE_ERROR, "%s changes no links", name);
    why->leaving = function->base == BASE_UNRELATE;
  } else {
    why->path = path_read(failure, name);
    if (!failure->code && !name_equal(why->path.schema, "main"))
      failure_set(failure, SQLITE_ERROR,
                  "%s is not in main: only relationships of main have rules",
                  name);
    why->relationship = path_relationship(failure, why->model, &why->path);
  }
  function_check_links(failure, failure->code ? NULL : why->relationship);
}

static void why_add_payload(Failure *failure, Why *why, const Column *column,
                            const Value *value) {
  for (int i = 0; i < why->payload_count; i++)
    if (why->payload[i] == column) {
      why->values[i] = *value;
      return;
    }
  if (why->payload_count == PAYLOAD_LIMIT) {
    failure_set(failure, SQLITE_ERROR, "more than %d columns", PAYLOAD_LIMIT);
    return;
  }
  why->payload[why->payload_count] = column;
  why->values[why->payload_count++] = *value;
}

/* What the function gives by itself, then what the call gives. */
static void why_payload(Failure *failure, Why *why, int argc,
                        const Value *argv) {
  Value value;
  sqlite3_int64 place = 0;
  if (why->function)
    for (int i = 0; i < why->function->preset_count; i++)
      if (values_next(&why->function->preset_values, &place, &value))
        why_add_payload(failure, why, why->function->preset[i], &value);
  if (argc % 2 == 0)
    failure_set(failure, SQLITE_ERROR, "a column has no value");
  for (int i = 3; i + 1 < argc && !failure->code; i += 2) {
    const char *name = argv[i].type == SQLITE_TEXT ? argv[i].bytes : "";
    const Column *column = link_payload(failure, why->relationship, name);
    if (column) why_add_payload(failure, why, column, &argv[i + 1]);
  }
}

static void why_keys(Failure *failure, Why *why, const Value *argv) {
  const Relationship *r = why->relationship;
  if (failure->code) return;
  key_read(failure, why->connection, r->source, &r->source_key, &argv[1],
           &why->source);
  key_read(failure, why->connection, r->target, &r->target_key, &argv[2],
           &why->target);
  if (failure->code) return;
  key_demand(failure, why->connection, &why->source);
  key_demand(failure, why->connection, &why->target);
}

/* ---- the rows ---- */

static void why_row(Failure *failure, void *argument, const Verdict *verdict) {
  const Why *why = argument;
  const Rule *rule = verdict->rule;
  const char *kind = rule->problem ? NULL : rule_kind_name(rule->kind);
  Value nothing = {.type = SQLITE_NULL};
  answer_text(failure, why->rows, rule->relationship->full_name);
  answer_text(failure, why->rows, rule->declaration->name);
  answer_text(failure, why->rows, kind);
  values_add(failure, why->rows, verdict->said ? &verdict->holds : &nothing);
  answer_text(failure, why->rows,
              rule->problem ? rule->problem : rule->message);
  values_add(failure, why->rows, verdict->said ? &verdict->have : &nothing);
  values_add(failure, why->rows, verdict->said ? &verdict->allowed : &nothing);
}

static void why_answer(Failure *failure, Why *why) {
  VerdictQuestion question = {.relationship = why->relationship,
                              .leaving = why->leaving,
                              .source = key_values(&why->source),
                              .target = key_values(&why->target),
                              .payload = {why->payload_count, why->payload},
                              .payload_values = why->values};
  if (!failure->code)
    verdict_each(failure, why->connection, &question, why_row, why);
}

static void why_free(Why *why) {
  if (why->source.columns) key_free(&why->source);
  if (why->target.columns) key_free(&why->target);
  path_free(&why->path);
}

static void why_ask(Failure *failure, Connection *connection, int argc,
                    const Value *argv, Values *rows) {
  Why why = {.connection = connection, .rows = rows};
  if (argc < 3)
    failure_set(failure, SQLITE_MISUSE,
                "takes a relationship or a function, a source and a target, "
                "then columns and their values");
  why.model = connection_enter(failure, connection, "main");
  if (!failure->code) {
    why_find(failure, &why, &argv[0]);
    why_keys(failure, &why, argv);
    why_payload(failure, &why, argc, argv);
    why_answer(failure, &why);
  }
  why_free(&why);
  connection_leave(connection, why.model);
}

#define PAIR(n) ", column_" #n " HIDDEN, value_" #n " HIDDEN"

void why_register(Failure *failure, Connection *connection) {
  static const Answer why = {
      .name = "related_why",
      .declaration =
          "CREATE TABLE why(relationship TEXT, rule TEXT, kind TEXT,"
          " ok INTEGER, message TEXT, have, allowed,"
          " asked HIDDEN, source HIDDEN, target HIDDEN" PAIR(1) PAIR(2) PAIR(3)
              PAIR(4) PAIR(5) PAIR(6) PAIR(7) PAIR(8) PAIR(9) PAIR(10) PAIR(11)
                  PAIR(12) PAIR(13) PAIR(14) PAIR(15) PAIR(16) PAIR(17) PAIR(18)
                      PAIR(19) PAIR(20) ")",
      .column_count = 7,
      .argument_count = 3 + 2 * PAYLOAD_LIMIT,
      .find = why_ask};
  answer_register(failure, connection, &why);
}
