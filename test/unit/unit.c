/*
** unit.c: what has no SQL of its own, for the tests.
**
** build/unit.so is relate, and in addition:
**
**     SELECT expression_read(kind, source, target, link, text, ...);
**
** looks at each text in turn with one Analyser for the tables of main, and
** answers with a line for each: its names and columns, or what is wrong.
** `kind` is condition or order; source, target and link are tables, or NULL.
**
**     SELECT auto_extension(1);      every connection from now on has relate
**     SELECT auto_extension(0);      no longer
*/
#include "relate_int.h"

static const char *text_of(sqlite3_value **argv, int index) {
  return (const char *)sqlite3_value_text(argv[index]);
}

static const Table *table_of(const Schema *schema, sqlite3_value *value) {
  const char *name = (const char *)sqlite3_value_text(value);
  return name && schema ? schema_table(schema, name) : NULL;
}

static void describe(sqlite3_str *text, const Expression *expression) {
  static const char *const names[] = {"source.", "target.", "link.", ""};
  sqlite3_str_appendf(text, "%s%s%s:", expression->source ? "source " : "",
                      expression->target ? "target " : "",
                      expression->link ? "link " : "");
  for (int i = 0; i < expression->column_count; i++) {
    const ExpressionColumn *use = &expression->columns[i];
    sqlite3_str_appendf(text, " %s%s.%s", names[use->role],
                        use->column->table->name, use->column->name);
  }
}

static void expression_function(sqlite3_context *context, int argc,
                                sqlite3_value **argv) {
  Failure failure = {0, NULL};
  sqlite3 *db = sqlite3_context_db_handle(context);
  Arena *arena = arena_new(&failure);
  const Schema *schema =
      arena ? schema_read(&failure, arena, db, "main") : NULL;
  Analyser *analyser = analyser_new(&failure, schema);
  Scope scope = {table_of(schema, argv[1]), table_of(schema, argv[2]),
                 table_of(schema, argv[3])};
  ExpressionKind kind = strcmp(text_of(argv, 0), "order") ? EXPRESSION_CONDITION
                                                          : EXPRESSION_ORDER;
  sqlite3_str *text = sqlite3_str_new(db);
  for (int i = 4; i < argc && !failure.code; i++) {
    const char *problem = NULL;
    const Expression *expression = expression_read(
        &failure, arena, analyser, &scope, kind, text_of(argv, i), &problem);
    if (i > 4) sqlite3_str_appendall(text, "\n");
    if (problem) sqlite3_str_appendf(text, "refused: %s", problem);
    if (expression) describe(text, expression);
  }
  char *answer = failure_text(&failure, text);
  if (answer) sqlite3_result_text(context, answer, -1, sqlite3_free);
  analyser_free(analyser);
  arena_free(arena);
  failure_to_result(&failure, context);
}

static void auto_extension_function(sqlite3_context *context, int argc,
                                    sqlite3_value **argv) {
  void (*entry)(void) = (void (*)(void))sqlite3_relate_init;
  (void)argc;
  sqlite3_result_int(context, sqlite3_value_int(argv[0])
                                  ? sqlite3_auto_extension(entry)
                                  : sqlite3_cancel_auto_extension(entry));
}

__attribute__((visibility("default"))) int sqlite3_unit_init(
    sqlite3 *db, char **message, const struct sqlite3_api_routines *api);

int sqlite3_unit_init(sqlite3 *db, char **message,
                      const struct sqlite3_api_routines *api) {
  int code = sqlite3_relate_init(db, message, api);
  if (code == SQLITE_OK)
    code =
        sqlite3_create_function_v2(db, "expression_read", -1, SQLITE_UTF8, NULL,
                                   expression_function, NULL, NULL, NULL);
  if (code == SQLITE_OK)
    code =
        sqlite3_create_function_v2(db, "auto_extension", 1, SQLITE_UTF8, NULL,
                                   auto_extension_function, NULL, NULL, NULL);
  return code;
}
