/*
** recipe.c: related_sql(), the SQL behind a path.
**
**     SELECT related_sql('students.courses');
**     SELECT target.id, target.title, link.grade
**     FROM main.student_course AS link ... WHERE link.student_id = ?1
**
** It is the statement that a navigator runs, of all columns or of the one at the
** end of the path, with the source's key as ?1.  It needs no extension.
**
**     SELECT related_sql('students', 'name, courses(title)');
**
** is the query that says what related_json() says.
*/
#include "relate_int.h"

/* Writes the name between two quotes without them, where it needs none. */
static bool recipe_bare(Failure *failure, sqlite3_str *text, const char *quoted,
                        int length) {
  char *name = sqlite3_mprintf("%.*s", length - 2, quoted + 1);
  if (!name) failure_memory(failure);
  bool bare =
      name && name_is_plain(name) && !sqlite3_keyword_check(name, length - 2);
  if (bare) sqlite3_str_appendall(text, name);
  sqlite3_free(name);
  return bare;
}

/* `sql` with no more quotes around names than they need; the caller frees. */
static char *recipe_unquote(Failure *failure, const char *sql) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  while (!failure->code && *sql) {
    const char *end = name_token_end(sql);
    int length = (int)(end - sql);
    if (*sql != '"' || !recipe_bare(failure, text, sql, length))
      sqlite3_str_append(text, sql, length);
    sql = end;
  }
  return failure_text(failure, text);
}

static char *recipe_sql(Failure *failure, Arena *arena, const Route *route) {
  Fields fields = fields_of(failure, arena, route, false);
  Reading reading = {
      .route = route, .fields = &fields, .keyed = true, .packed = true};
  int loose;
  if (failure->code) return NULL;
  char *sql = reading_sql(&reading, &loose);
  if (!sql) failure_memory(failure);
  char *plain = failure->code ? NULL : recipe_unquote(failure, sql);
  sqlite3_free(sql);
  return plain;
}

/* The query of a shape of rows of the table that the path names. */
static char *recipe_shape(Failure *failure, Arena *arena, const Model *model,
                          const Path *path, const char *text) {
  const Table *table = path_table(failure, model, path->table);
  if (failure->code) return NULL;
  Shape *shape = shape_read(failure, arena, model, table, text);
  char *sql = shape ? shape_query(failure, shape, &table->row_key) : NULL;
  char *plain = sql ? recipe_unquote(failure, sql) : NULL;
  sqlite3_free(sql);
  return plain;
}

static char *recipe_path(Failure *failure, Arena *arena, const Model *model,
                         const Path *path) {
  Route route = path_route(failure, arena, model, path, PATH_TO_EITHER);
  return failure->code ? NULL : recipe_sql(failure, arena, &route);
}

/* related_sql(path), related_sql(table, shape) */
void recipe_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Connection *connection = sqlite3_user_data(context);
  Failure failure = {0, NULL};
  if (argc < 1 || argc > 2 || sqlite3_value_type(argv[0]) != SQLITE_TEXT ||
      sqlite3_value_type(argv[argc - 1]) != SQLITE_TEXT)
    failure_set(&failure, SQLITE_MISUSE,
                "takes a path, such as 'students.courses', or a table and a "
                "shape");
  Value given = argc ? value_of(&failure, argv[0]) : (Value){0};
  Path path = {.schema = "main"};
  if (!failure.code)
    path = argc == 2 ? path_read_table(&failure, &given, "shape")
                     : path_read(&failure, given.bytes);
  Model *model = connection_enter(&failure, connection, path.schema);
  Arena *arena = arena_new(&failure);
  char *sql = failure.code ? NULL
              : argc == 2
                  ? recipe_shape(&failure, arena, model, &path,
                                 (const char *)sqlite3_value_text(argv[1]))
                  : recipe_path(&failure, arena, model, &path);
  if (sql) /* what stands in the clauses of a shape SQLite alone knows */
    sqlite3_finalize(statement_prepare(&failure, connection->db, 0, sql));
  if (failure.code) {
    sqlite3_free(sql);
  } else {
    sqlite3_result_text(context, sql, -1, sqlite3_free);
  }
  connection_leave(connection, model);
  path_free(&path);
  arena_free(arena);
  failure_prefix(&failure, "related_sql: ");
  failure_to_result(&failure, context);
}
