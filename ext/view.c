/*
** view.c: a relationship as a view.
**
**     students.current, a part of students.courses
**
**     CREATE VIEW "current_courses" AS
**     SELECT source."id" AS "source_key", target.*, link."grade" AS "grade"
**     FROM "students" AS source
**     JOIN "student_course" AS link ON source."id" = link."student_id"
**     JOIN "courses" AS target ON target."id" = link."course_id"
**     WHERE (link.grade IS NULL)
**
** A row is a link: the key of its source, the target, the payload, which is
** called link_grade where the target has a grade too.  Of several steps, or one
** that is repeated, a row is a target that the source reaches, each once: every
** step is a table of pairs, of the keys s1 ... that it starts from and t1 ...
** that it leads to.
**
**     SELECT pair.s1 AS "source_key", target.*
**     FROM (SELECT DISTINCT step1.s1, step2.t1
**           FROM (SELECT source."id" AS s1, target."id" AS t1 FROM ...) AS step1
**           JOIN (SELECT ...) AS step2 ON step2.s1 = step1.t1) AS pair
**     JOIN "students" AS target ON target."id" = pair.t1
**
** The view stays in the file, so its text is plain SQL, and names no schema: the
** file may be attached under any name.  Columns of the target are not listed, so
** that they can come and go.  A view has no order.
**
** Pure: makes text, runs nothing.
*/
#include "relate_int.h"

/* ---- the rows of one step ---- */

static void view_table(sqlite3_str *text, const Table *table,
                       const char *alias) {
  sqlite3_str_appendf(text, "\"%w\" AS %s", table->name,
                      alias /* safe: a literal */);
}

/* JOIN "courses" AS target ON key."id" = other."course_id" AND ...; the key's
** side says how to compare. */
static void view_join(sqlite3_str *text, const Table *table, const char *alias,
                      const char *key_alias, const Columns *key,
                      const char *other_alias, const Columns *other) {
  sqlite3_str_appendall(text, "\nJOIN ");
  view_table(text, table, alias);
  for (int i = 0; i < key->count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " ON ");
    clause_column(text, key_alias, key->list[i]);
    sqlite3_str_appendall(text, " = ");
    clause_column(text, other_alias, other->list[i]);
  }
}

/* A link that is a row of the source or the target stands there once more, if
** the condition asks it by this name. */
static void view_link_again(sqlite3_str *text, const Step *step,
                            const char *row) {
  const Table *link = step->relationship->link;
  if (step->where && step->where->link)
    view_join(text, link, "link", "link", &link->row_key, row, &link->row_key);
}

/* Behind FROM ... "students" AS source: what is linked to that row. */
static void view_linked(sqlite3_str *text, const Step *step) {
  const Relationship *r = step->relationship;
  if (r->cardinality == MANY_TO_MANY) {
    view_join(text, r->link, "link", "source", &r->source_key, "link",
              &r->source_link);
    view_join(text, r->target, "target", "target", &r->target_key, "link",
              &r->target_link);
  } else if (r->linked_by_source) {
    view_join(text, r->target, "target", "target", &r->target_key, "source",
              &r->target_link);
    view_link_again(text, step, "source");
  } else {
    view_join(text, r->target, "target", "source", &r->source_key, "target",
              &r->source_link);
    view_link_again(text, step, "target");
  }
  if (step->where)
    sqlite3_str_appendf(text, "\nWHERE (%s)",
                        step->where->text /* safe: has been analysed */);
}

static void view_rows(sqlite3_str *text, const Step *step) {
  sqlite3_str_appendall(text, "\nFROM ");
  view_table(text, step->relationship->source, "source");
  view_linked(text, step);
}

/* ---- pairs ---- */

/* Writes `row`.t1, ... */
static void view_names(sqlite3_str *text, const char *row, char letter,
                       int count) {
  for (int i = 1; i <= count; i++)
    sqlite3_str_appendf(text, "%s%s%c%d", i > 1 ? ", " : "",
                        row /* safe: literals */, letter, i);
}

/* Writes row."id" AS t1, ... */
static void view_named_columns(sqlite3_str *text, const char *row,
                               const Columns *columns, char letter) {
  for (int i = 0; i < columns->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    clause_column(text, row, columns->list[i]);
    sqlite3_str_appendf(text, " AS %c%d", letter, i + 1);
  }
}

/* Writes source."id" = reached.n1 AND ... */
static void view_meeting(sqlite3_str *text, const char *row,
                         const Columns *columns, const char *other,
                         char letter) {
  for (int i = 0; i < columns->count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " ON ");
    clause_column(text, row, columns->list[i]);
    sqlite3_str_appendf(text, " = %s.%c%d", other /* safe: a literal */, letter,
                        i + 1);
  }
}

/* `wanted` columns of the target, from the keys of the source. */
static void view_pairs_once(sqlite3_str *text, const Step *step,
                            const Columns *wanted) {
  sqlite3_str_appendall(text, "SELECT ");
  view_named_columns(text, "source", &step->relationship->source_key, 's');
  sqlite3_str_appendall(text, ", ");
  view_named_columns(text, "target", wanted, 't');
  view_rows(text, step);
}

#define REACHED "_relationship_reached"

/* Everything that a step leads to when it is repeated: t1 ... are the keys that
** the next repetition starts from. */
static void view_reached(sqlite3_str *text, const Step *step) {
  const Relationship *r = step->relationship;
  const Columns *key = &r->source_key;
  sqlite3_str_appendall(text, "WITH RECURSIVE " REACHED "(");
  view_names(text, "", 's', key->count);
  sqlite3_str_appendall(text, ", ");
  view_names(text, "", 't', key->count);
  sqlite3_str_appendall(text, ") AS (\n");
  view_pairs_once(text, step, key);
  sqlite3_str_appendall(text, "\nUNION\nSELECT ");
  view_names(text, REACHED ".", 's', key->count);
  sqlite3_str_appendall(text, ", ");
  view_named_columns(text, "target", key, 't');
  sqlite3_str_appendall(text, "\nFROM " REACHED "\nJOIN ");
  view_table(text, r->source, "source");
  view_meeting(text, "source", key, REACHED, 't');
  view_linked(text, step);
  sqlite3_str_appendall(text, ")\n");
}

static void view_pairs_repeated(sqlite3_str *text, const Step *step,
                                const Columns *wanted) {
  const Relationship *r = step->relationship;
  view_reached(text, step);
  sqlite3_str_appendall(text, "SELECT ");
  view_names(text, REACHED ".", 's', r->source_key.count);
  sqlite3_str_appendall(text, ", ");
  view_named_columns(text, "target", wanted, 't');
  sqlite3_str_appendall(text, "\nFROM " REACHED "\nJOIN ");
  view_table(text, r->target, "target");
  view_meeting(text, "target", &r->source_key, REACHED, 't');
}

/* (SELECT ...) AS step2 ON step2.s1 = step1.t1 */
static void view_step(sqlite3_str *text, const Step *steps, int i,
                      const Columns *wanted) {
  sqlite3_str_appendall(text, i ? "\nJOIN (" : "\nFROM (");
  if (steps[i].repeat) {
    view_pairs_repeated(text, &steps[i], wanted);
  } else {
    view_pairs_once(text, &steps[i], wanted);
  }
  sqlite3_str_appendf(text, ") AS step%d", i + 1);
  for (int j = 1; i && j <= steps[i].relationship->source_key.count; j++)
    sqlite3_str_appendf(text, "%s step%d.s%d = step%d.t%d",
                        j > 1 ? " AND" : " ON", i + 1, j, i, j);
}

/* The pairs of source and target of all steps, each once. */
static void view_pairs(sqlite3_str *text, const Relationship *r) {
  sqlite3_str_appendall(text, "SELECT DISTINCT ");
  view_names(text, "step1.", 's', r->source_key.count);
  for (int j = 1; j <= r->target_key.count; j++)
    sqlite3_str_appendf(text, ", step%d.t%d", r->step_count, j);
  for (int i = 0; i < r->step_count; i++)
    view_step(text, r->steps, i,
              i + 1 < r->step_count ? &r->steps[i + 1].relationship->source_key
                                    : &r->target_key);
}

/* ---- the columns of the view ---- */

static void view_key_name(sqlite3_str *text, const Columns *key, int i) {
  if (key->count == 1) {
    sqlite3_str_appendall(text, " AS \"source_key\"");
  } else {
    sqlite3_str_appendf(text, " AS \"source_key_%d\"", i + 1);
  }
}

/* Writes the payload column under a name that no other column has. */
static void view_payload(sqlite3_str *text, const Relationship *r,
                         const Column *column) {
  bool clashes = table_column(r->target, column->name) != NULL ||
                 name_starts(column->name, "source_key");
  sqlite3_str_appendall(text, ", ");
  clause_column(text, "link", column);
  sqlite3_str_appendf(text, clashes ? " AS \"link_%w\"" : " AS \"%w\"",
                      column->name);
}

static void view_link_view(sqlite3_str *text, const Relationship *r,
                           const Step *step) {
  for (int i = 0; i < r->source_key.count; i++) {
    clause_column(text, i ? ", source" : "source", r->source_key.list[i]);
    view_key_name(text, &r->source_key, i);
  }
  sqlite3_str_appendall(text, ", target.*");
  for (int i = 0; i < r->payload.count; i++)
    view_payload(text, r, r->payload.list[i]);
  view_rows(text, step);
}

static void view_pair_view(sqlite3_str *text, const Relationship *r) {
  for (int i = 0; i < r->source_key.count; i++) {
    sqlite3_str_appendf(text, "%spair.s%d", i ? ", " : "", i + 1);
    view_key_name(text, &r->source_key, i);
  }
  sqlite3_str_appendall(text, ", target.*\nFROM (");
  view_pairs(text, r);
  sqlite3_str_appendall(text, ") AS pair\nJOIN ");
  view_table(text, r->target, "target");
  view_meeting(text, "target", &r->target_key, "pair", 't');
}

char *view_sql(const Relationship *relationship, const char *name) {
  const Relationship *r = relationship;
  Step plain = {.relationship = r};
  const Step *step = r->derived ? &r->steps[0] : &plain;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "\"%w\" AS\nSELECT ", name);
  if (r->step_count > 1 || step->repeat) {
    view_pair_view(text, r);
  } else {
    view_link_view(text, r, step);
  }
  return sqlite3_str_finish(text);
}
