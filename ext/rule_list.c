/*
** rule_list.c: relationship_rule_list, the rules that main declares.
**
**     SELECT relationship, rule, kind, expression, state
**     FROM relationship_rule_list;
**     courses.students|capacity|max_count|source.capacity|installed
*/
#include "relate_int.h"

/* Names a relationship that is not there any more by its exact name. */
static const char *relationship_name(Failure *failure, Arena *arena,
                                     const Rule *rule) {
  const RuleDeclaration *declaration = rule->declaration;
  if (rule->relationship) return rule->relationship->full_name;
  return arena_format(failure, arena, "%s.%s", declaration->direction.source,
                      declaration->relationship);
}

static void add_option(Failure *failure, Arena *arena, sqlite3 *db,
                       const Rule *rule, const char *option, Values *rows) {
  const char *options = rule->declaration->options;
  const char *value =
      catalog_option(failure, arena, db, *options ? options : "{}", option);
  answer_text(failure, rows, value);
}

/* The texts of the triggers as the file has them. */
static void add_triggers(Failure *failure, const Enactment *enactment,
                         Values *rows) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < enactment->count; i++) {
    if (!enactment->triggers[i].found) continue;
    sqlite3_str_appendall(text, enactment->triggers[i].found);
    sqlite3_str_appendall(text, ";\n");
  }
  char *sql = failure_text(failure, text);
  answer_text(failure, rows, sql && *sql ? sql : NULL);
  sqlite3_free(sql);
}

static void add_rule(Failure *failure, Arena *arena, sqlite3 *db,
                     const Rule *rule, Values *rows) {
  static const char *const options[] = {
      "kind", "expression", "message", "where", "per", "when", "on"};
  Enactment enactment = enactment_of(failure, arena, db, rule);
  answer_text(failure, rows, relationship_name(failure, arena, rule));
  answer_text(failure, rows, rule->declaration->name);
  for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
    add_option(failure, arena, db, rule, options[i], rows);
  answer_text(failure, rows,
              rule->problem ? NULL : enactment_state_name(enactment.state));
  answer_text(failure, rows, rule->problem);
  add_triggers(failure, &enactment, rows);
}

static void rule_list_find(Failure *failure, Connection *connection, int argc,
                           const Value *argv, Values *rows) {
  (void)argc, (void)argv;
  Model *model = connection_enter(failure, connection, "main");
  Arena *arena = arena_new(failure);
  Analyser *analyser =
      failure->code ? NULL : analyser_new(failure, model->schema);
  int count = failure->code ? 0 : model->catalog->rule_count;
  for (int i = 0; i < count && !failure->code; i++) {
    const Rule *rule = rule_read(failure, arena, connection->db, analyser,
                                 model, &model->catalog->rules[i]);
    if (rule) add_rule(failure, arena, connection->db, rule, rows);
  }
  analyser_free(analyser);
  arena_free(arena);
  connection_leave(connection, model);
}

void rule_list_register(Failure *failure, Connection *connection) {
  static const Answer rule_list = {
      .name = "relationship_rule_list",
      .declaration =
          "CREATE TABLE list(relationship TEXT, rule TEXT,"
          " kind TEXT, expression TEXT, message TEXT,"
          " \"where\" TEXT, per TEXT, \"when\" TEXT, \"on\" TEXT,"
          " state TEXT, problem TEXT, sql TEXT)",
      .column_count = 12,
      .find = rule_list_find};
  answer_register(failure, connection, &rule_list);
}
