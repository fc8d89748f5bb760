/*
** writing.c: the statements that write a navigator's rows.
**
**     INSERT INTO posts__tags(source_key, name) VALUES (1, 'sqlite')
**
**       SELECT target."id", target."name" IS ?2
**       FROM "main"."tags" AS target WHERE target."name" = ?2
**
**       INSERT INTO "main"."tags"("name") SELECT ?2 RETURNING "id"
**
** The value that is said of field i is bound to parameter i + 1; where a row is
** known by a key, that is bound behind them all.  The link itself is made by the
** statements of generate.c.
**
** Of some of the target's columns the source's key tells the value: those of a
** foreign key that the target's row holds, and those that both ends share, a
** tenant for example.  They count as known where they are not said.
**
** Pure: makes text, runs nothing.
*/
#include "relate_int.h"

/* ---- what is known of the target ---- */

bool writing_is_said(const Writing *writing, int field) {
  return field >= 0 && writing->said[field] == WRITING_SAID;
}

static int writing_field(const Writing *writing, const Column *column) {
  for (int i = 0; i < writing->fields->count; i++)
    if (writing->fields->list[i].origin == FIELD_TARGET &&
        writing->fields->list[i].column == column)
      return i;
  return -1;
}

/* The place in the source's key of the value that this column of the target has
** where it holds the foreign key; -1: it is none of its columns. */
int writing_foreign_place(const Writing *writing, const Column *column) {
  const Relationship *r = writing->relationship;
  for (int i = 0; select_link_is_target(r) && i < r->source_link.count; i++)
    if (r->source_link.list[i] == column) return i;
  return -1;
}

/* True if a row that is there has to have the value that is said. */
bool writing_is_compared(const Writing *writing, int field) {
  return writing_is_said(writing, field) &&
         writing->fields->list[field].origin == FIELD_TARGET &&
         writing_foreign_place(writing, writing->fields->list[field].column) <
             0;
}

/* The same of a column that both ends share. */
static int shared_place(const Relationship *r, const Column *column) {
  for (int j = 0; j < r->target_key.count; j++)
    for (int i = 0; r->target_key.list[j] == column && i < r->source_link.count;
         i++)
      if (r->source_link.list[i] == r->target_link.list[j]) return i;
  return -1;
}

static bool column_is_known(const Writing *writing, const Column *column) {
  return writing_foreign_place(writing, column) >= 0 ||
         writing_is_said(writing, writing_field(writing, column)) ||
         shared_place(writing->relationship, column) >= 0;
}

/* The source's end, with its key where the fields have it. */
static End source_end(const Writing *writing) {
  End end = end_of_source(writing->relationship);
  end.parameter = writing->fields->source + 1;
  return end;
}

/* The value that is known of the column. */
static void append_known(sqlite3_str *text, const Writing *writing,
                         const Column *column) {
  int place = writing_foreign_place(writing, column);
  int field = writing_field(writing, column);
  End source = source_end(writing);
  if (place >= 0) {
    clause_value(text, &source, place);
  } else if (writing_is_said(writing, field)) {
    sqlite3_str_appendf(text, "?%d", field + 1);
  } else {
    sqlite3_str_appendf(text, "?%d",
                        source.parameter +
                            shared_place(writing->relationship, column));
  }
}

/* ---- the target of an INSERT ---- */

/* Key number 0 is that by which the relationship knows the target, 1 its primary
** key, the others are its indexes. */
static const Columns *candidate(const Table *target, const Columns *key,
                                int number) {
  if (number == 0) return key;
  if (number == 1) return &target->primary_key;
  const Index *index = &target->indexes[number - 2];
  return index->unique && index->plain ? &index->columns : NULL;
}

/* All of it, and not by the source's key alone. */
static bool key_is_known(const Writing *writing, const Columns *key) {
  bool said = false;
  for (int i = 0; i < key->count; i++) {
    if (!column_is_known(writing, key->list[i])) return false;
    said |= writing_is_compared(writing, writing_field(writing, key->list[i]));
  }
  return said;
}

const Columns *writing_key(const Writing *writing, int *number) {
  const Relationship *r = writing->relationship;
  for (; *number < r->target->index_count + 2; ++*number) {
    const Columns *key = candidate(r->target, &r->target_key, *number);
    if (key && key_is_known(writing, key)) return key;
  }
  return NULL;
}

char *writing_find(const Writing *writing, const Columns *by) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "target", &writing->relationship->target_key);
  for (int i = 0; i < writing->fields->count; i++) {
    if (!writing_is_compared(writing, i)) continue;
    sqlite3_str_appendall(text, ", ");
    clause_column(text, "target", writing->fields->list[i].column);
    sqlite3_str_appendf(text, " IS ?%d", i + 1);
  }
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, writing->relationship->target, "target");
  for (int i = 0; i < by->count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " WHERE ");
    clause_column(text, "target", by->list[i]);
    sqlite3_str_appendall(text, " = ");
    append_known(text, writing, by->list[i]);
  }
  return sqlite3_str_finish(text);
}

char *writing_agreement(const Writing *writing) {
  const Columns *key = &writing->relationship->source_key;
  sqlite3_str *text = sqlite3_str_new(NULL);
  const char *separator = "SELECT ";
  for (int i = 0; i < writing->fields->count; i++) {
    const Field *field = &writing->fields->list[i];
    int place = field->origin == FIELD_TARGET
                    ? writing_foreign_place(writing, field->column)
                    : -1;
    if (place < 0 || !writing_is_said(writing, i)) continue;
    sqlite3_str_appendall(text, separator);
    clause_column(text, "source", key->list[place]);
    sqlite3_str_appendf(text, " IS ?%d", i + 1);
    separator = ", ";
  }
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, writing->relationship->source, "source");
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, "source", key, writing->fields->source + 1);
  return sqlite3_str_finish(text);
}

/* The columns of the new row, or their values. */
static void append_new(sqlite3_str *text, const Writing *writing, bool values) {
  const Table *target = writing->relationship->target;
  const char *separator = "";
  for (int i = 0; i < target->column_count; i++) {
    const Column *column = &target->columns[i];
    if (!column_is_known(writing, column)) continue;
    sqlite3_str_appendall(text, separator);
    if (values) {
      append_known(text, writing, column);
    } else {
      sqlite3_str_appendf(text, "\"%w\"", column->name);
    }
    separator = ", ";
  }
}

char *writing_make(const Writing *writing) {
  const Relationship *r = writing->relationship;
  End source = source_end(writing);
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "INSERT INTO \"%w\".\"%w\"(",
                      r->target->schema->name, r->target->name);
  append_new(text, writing, false);
  sqlite3_str_appendall(text, ") SELECT ");
  append_new(text, writing, true);
  if (select_link_is_target(r)) clause_exists(text, " WHERE ", r, &source);
  for (int i = 0; i < r->target_key.count; i++)
    sqlite3_str_appendf(text, i ? ", \"%w\"" : " RETURNING \"%w\"",
                        r->target_key.list[i]->name);
  return sqlite3_str_finish(text);
}

/* ---- UPDATE ---- */

/* Its columns are those of a key, of the link, or computed. */
bool writing_is_fixed(const Writing *writing, int field) {
  const Field *f = &writing->fields->list[field];
  const Relationship *r = writing->relationship;
  if (f->origin != FIELD_TARGET) return f->origin != FIELD_PAYLOAD;
  return f->column->generated || columns_contain(&r->target_key, f->column) ||
         columns_contain(&r->target->primary_key, f->column) ||
         writing_foreign_place(writing, f->column) >= 0;
}

/* What has another type is another value, but for keys: SQLite converts what it
** stores in a column that has a type. */
static void append_same(sqlite3_str *text, const Writing *writing, int field) {
  const Field *f = &writing->fields->list[field];
  const Relationship *r = writing->relationship;
  const char *row = f->origin == FIELD_TARGET ? "target" : select_link(r);
  const Column *column =
      f->origin == FIELD_SOURCE ? r->source_link.list[f->place] : f->column;
  clause_column(text, row, column);
  sqlite3_str_appendf(text, " IS ?%d COLLATE BINARY", field + 1);
  if (writing_is_fixed(writing, field)) return;
  sqlite3_str_appendall(text, " AND typeof(");
  clause_column(text, row, column);
  sqlite3_str_appendf(text, ") = typeof(?%d)", field + 1);
}

static void append_behind(sqlite3_str *text, const Writing *writing,
                          const char *row, const Columns *key) {
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, row, key, writing->fields->count + 1);
}

char *writing_compare(const Writing *writing) {
  const Relationship *r = writing->relationship;
  const Step step = {.relationship = r};
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, select_link(r), &r->source_link);
  sqlite3_str_appendall(text, ", ");
  clause_columns(text, select_link(r), &r->target_link);
  for (int i = 0; i < writing->fields->count; i++) {
    if (!writing_is_said(writing, i) || i == writing->fields->link) continue;
    sqlite3_str_appendall(text, ", ");
    append_same(text, writing, i);
  }
  sqlite3_str_appendall(text, " FROM ");
  select_rows(text, &step, ROWS_TARGET);
  append_behind(text, writing, select_link(r), &r->link->row_key);
  return sqlite3_str_finish(text);
}

bool writing_has(const Writing *writing, FieldOrigin origin) {
  for (int i = 0; i < writing->fields->count; i++)
    if (writing->fields->list[i].origin == origin &&
        writing_is_said(writing, i))
      return true;
  return false;
}

char *writing_update(const Writing *writing, FieldOrigin origin) {
  const Relationship *r = writing->relationship;
  const char *separator = " SET ";
  bool target = origin == FIELD_TARGET;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "UPDATE ");
  clause_table(text, target ? r->target : r->link, "l");
  for (int i = 0; i < writing->fields->count; i++) {
    const Field *field = &writing->fields->list[i];
    if (field->origin != origin || !writing_is_said(writing, i)) continue;
    sqlite3_str_appendall(text, separator);
    sqlite3_str_appendf(text, "\"%w\" = ?%d", field->column->name, i + 1);
    separator = ", ";
  }
  append_behind(text, writing, "l",
                target ? &r->target_key : &r->link->row_key);
  return sqlite3_str_finish(text);
}

/* ---- the ends of a link ---- */

char *writing_ends(const Writing *writing) {
  const Relationship *r = writing->relationship;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "l", &r->source_link);
  sqlite3_str_appendall(text, ", ");
  clause_columns(text, "l", &r->target_link);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, r->link, "l");
  append_behind(text, writing, "l", &r->link->row_key);
  return sqlite3_str_finish(text);
}
