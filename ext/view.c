/*
** view.c: a relationship as a view.
**
**     students.current, a part of students.courses
**
**     CREATE VIEW "current_courses" AS
**     SELECT link."student_id" AS "source_key", target.*, link."grade" AS "grade"
**     FROM "student_course" AS link
**     LEFT JOIN "courses" AS target ON target."id" = link."course_id"
**     WHERE true AND (link.grade IS NULL)
**
** A row is a link: the key of its source, the target, the payload, which is
** called link_grade where the target has a grade too.  Of several steps, or one
** that is repeated, a row is a target that the source reaches, each once.
**
** The view stays in the file, so its text is plain SQL, and names no schema: the
** file may be attached under any name.  Columns of the target are not listed, so
** that they can come and go.  A view has no order.
**
** Pure: makes text, runs nothing.
*/
#include "relate_int.h"

/* ---- its columns ---- */

static void append_key_name(sqlite3_str *text, const Columns *key, int i) {
  if (key->count == 1) {
    sqlite3_str_appendall(text, " AS \"source_key\", ");
  } else {
    sqlite3_str_appendf(text, " AS \"source_key_%d\", ", i + 1);
  }
}

/* The payload column under a name that no other column has. */
static void append_payload(sqlite3_str *text, const Relationship *r,
                           const Column *column) {
  bool clashes = table_column(r->target, column->name) != NULL ||
                 name_starts(column->name, "source_key");
  sqlite3_str_appendall(text, ", ");
  clause_column(text, select_link(r), column);
  sqlite3_str_appendf(text, clashes ? " AS \"link_%w\"" : " AS \"%w\"",
                      column->name);
}

/* ---- its rows ---- */

static void append_view_of_links(sqlite3_str *text, const Step *step) {
  const Relationship *r = step->relationship;
  const char *from;
  const Columns *sources = select_source_columns(r, &from);
  int rows = strcmp(from, "source") ? ROWS_TARGET : ROWS_TARGET | ROWS_SOURCE;
  for (int i = 0; i < sources->count; i++) {
    clause_column(text, from, sources->list[i]);
    append_key_name(text, sources, i);
  }
  sqlite3_str_appendall(text, "target.*");
  for (int i = 0; i < r->payload.count; i++)
    append_payload(text, r, r->payload.list[i]);
  sqlite3_str_appendall(text, " FROM ");
  select_rows(text, step, rows);
  sqlite3_str_appendall(text, " WHERE ");
  select_is_linked(text, step);
  select_is_link(text, step);
}

static void append_view_of_targets(sqlite3_str *text, const Route *route) {
  const Columns *key = &route->steps[0].relationship->source_key;
  for (int i = 0; i < key->count; i++) {
    sqlite3_str_appendf(text, "pair.s%d", i + 1);
    append_key_name(text, key, i);
  }
  sqlite3_str_appendall(text, "target.*");
  select_from_pairs(text, route);
}

/* Writes `sql` without the name of the schema in front of its tables. */
static void append_unqualified(sqlite3_str *text, const char *sql,
                               const char *schema) {
  char *quoted = sqlite3_mprintf("\"%w\"", schema);
  int length = quoted ? (int)strlen(quoted) : 0;
  while (quoted && *sql) {
    const char *end = name_token_end(sql);
    bool schema_name = end - sql == length && *end == '.' &&
                       strncmp(sql, quoted, (size_t)length) == 0;
    if (schema_name) {
      end++;
    } else {
      sqlite3_str_append(text, sql, (int)(end - sql));
    }
    sql = end;
  }
  sqlite3_free(quoted);
}

char *view_sql(const Relationship *relationship, const char *name) {
  Step plain = {.relationship = relationship};
  Route route = {.source = relationship->source,
                 .target = relationship->target,
                 .count = relationship->derived ? relationship->step_count : 1,
                 .steps = relationship->derived ? (Step *)relationship->steps
                                                : &plain};
  sqlite3_str *rows = sqlite3_str_new(NULL);
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (route_link(&route)) {
    append_view_of_links(rows, &route.steps[0]);
  } else {
    append_view_of_targets(rows, &route);
  }
  char *sql = sqlite3_str_finish(rows);
  sqlite3_str_appendf(text, "\"%w\" AS SELECT ", name);
  if (sql) append_unqualified(text, sql, relationship->source->schema->name);
  bool lost = !sql || sqlite3_str_errcode(text);
  char *view = sqlite3_str_finish(text);
  sqlite3_free(sql);
  if (!lost) return view;
  sqlite3_free(view);
  return NULL;
}
