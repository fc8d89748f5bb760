/*
** form.c: rows of which the same columns are given.
**
** What relate_save() reads is sorted by form: a table, and the columns that an
** object gives.  All objects of one form are written by the same statements:
**
**     {"name": "Ann", "year": 2}      form: students(name, year)
**
**       SELECT t."id" FROM "main"."students" AS t WHERE t."name" = ?1
**       INSERT INTO "main"."students"("name", "year") VALUES (?1, ?2)
**         RETURNING "id"
**       SELECT t."name" IS ?1 ..., t."year" IS ?2 ...
**         FROM "main"."students" AS t WHERE t."id" = ?3
**       UPDATE "main"."students" AS t SET "name" = ?1, "year" = ?2
**         WHERE t."id" = ?3
**
** A frame is what all forms of a table share.  Of each row its columns `kept` are
** remembered: by which it is known, and to which links refer.
**
** A statement is taken from the cache when it is first needed, and given back with
** all the others; until then who uses it resets it, before another is asked for.
*/
#include "relate_int.h"

#include <stdint.h>

enum { KIND_FORM = -310 };

/* ---- frames ---- */

static void kept_add(Failure *failure, Arena *arena, Columns *kept,
                     const Columns *more) {
  for (int i = 0; i < more->count; i++) {
    if (columns_contain(kept, more->list[i])) continue;
    kept->list = arena_extend(failure, arena, (void *)kept->list, kept->count,
                              sizeof(*kept->list));
    if (failure->code) return;
    kept->list[kept->count++] = more->list[i];
  }
}

/* True if the key is SQLite's own number of the row. */
static bool key_is_rowid(const Table *table) {
  const Columns *key = &table->row_key;
  if (table->without_rowid || key->count != 1) return false;
  if (key->list[0] == &table->rowid) return true;
  for (int i = 0; i < table->index_count; i++)
    if (table->indexes[i].origin == 'p') return false; /* of its own */
  return name_equal(key->list[0]->type, "INTEGER");
}

static Frame *frame_new(Failure *failure, Forms *forms, const Table *table) {
  Frame *frame = arena_take(failure, forms->arena, sizeof(*frame));
  if (!frame) return NULL;
  frame->table = table;
  kept_add(failure, forms->arena, &frame->kept, &table->row_key);
  for (int i = 0; i < forms->model->relationship_count; i++) {
    const Relationship *r = &forms->model->relationships[i];
    if (r->source == table && !r->problem && !r->derived)
      kept_add(failure, forms->arena, &frame->kept, &r->source_key);
  }
  frame->is_numbered = key_is_rowid(table);
  frame->by_rowid = frame->is_numbered && frame->kept.count == 1;
  frame->find = arena_take(failure, forms->arena,
                           (table->index_count + 1) *
                               (sqlite3_int64)sizeof(*frame->find));
  if (!frame->find) return NULL;
  frame->next = forms->frames;
  forms->frames = frame;
  return frame;
}

Frame *forms_frame(Failure *failure, Forms *forms, const Table *table) {
  for (Frame *frame = forms->frames; frame; frame = frame->next)
    if (frame->table == table) return frame;
  return failure->code ? NULL : frame_new(failure, forms, table);
}

int frame_place(const Frame *frame, const Column *column) {
  for (int i = 0; i < frame->kept.count; i++)
    if (frame->kept.list[i] == column) return i;
  return -1;
}

const Columns *frame_key(const Frame *frame, int number) {
  const Table *table = frame->table;
  if (number == 0)
    return table->primary_key.count ? &table->primary_key : &table->row_key;
  const Index *index = &table->indexes[number - 1];
  return index->unique && index->plain && index->origin != 'p' ? &index->columns
                                                               : NULL;
}

/* ---- forms ---- */

static bool form_is(const Form *form, const Frame *frame, int count,
                    const Column *const *list) {
  return form->frame == frame && form->columns.count == count &&
         (!count ||
          memcmp(form->columns.list, list, (size_t)count * sizeof(*list)) == 0);
}

static Form *form_new(Failure *failure, Forms *forms, Frame *frame, int count,
                      const Column *const *list) {
  Form *form = arena_take(failure, forms->arena, sizeof(*form));
  const Column **copy = arena_take(failure, forms->arena,
                                   (count + 1) * (sqlite3_int64)sizeof(*copy));
  if (!copy) return NULL;
  if (count) memcpy(copy, list, (size_t)count * sizeof(*copy));
  *form = (Form){.frame = frame, .columns = {count, copy}};
  return form;
}

/* Where forms of these columns are. */
static Form **forms_bucket(Forms *forms, int count, const Column *const *list) {
  sqlite3_uint64 hash = (sqlite3_uint64)count;
  for (int i = 0; i < count; i++)
    hash = 31 * hash + (sqlite3_uint64)(uintptr_t)list[i];
  hash ^= hash >> 16;
  return &forms->buckets[hash % FORMS_BUCKETS];
}

Form *forms_form(Failure *failure, Forms *forms, Frame *frame, int count,
                 const Column *const *list) {
  Form **bucket = forms_bucket(forms, count, list), **place = bucket;
  while (*place && !form_is(*place, frame, count, list))
    place = &(*place)->next;
  Form *form = *place;
  if (form) *place = form->next;
  if (!form && !failure->code)
    form = form_new(failure, forms, frame, count, list);
  if (!form) return NULL;
  form->next = *bucket; /* the next object has the same, mostly */
  return *bucket = form;
}

int form_place(const Form *form, const Column *column) {
  for (int i = 0; i < form->columns.count; i++)
    if (form->columns.list[i] == column) return i;
  return -1;
}

/* ---- statements ---- */

static void form_append_table(sqlite3_str *text, const Table *table) {
  sqlite3_str_appendf(text, "\"%w\".\"%w\"", table->schema->name, table->name);
}

static void form_append_names(sqlite3_str *text, const Columns *columns) {
  for (int i = 0; i < columns->count; i++)
    sqlite3_str_appendf(text, i ? ", \"%w\"" : "\"%w\"",
                        columns->list[i]->name);
}

static void form_append_row(sqlite3_str *text, const Table *table,
                            int parameter) {
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, "t", &table->row_key, parameter);
}

static void form_append_returning(sqlite3_str *text, const Frame *frame) {
  sqlite3_str_appendall(text, " RETURNING ");
  form_append_names(text, &frame->kept);
}

static char *form_insert_sql(const Form *form) {
  int count = form->columns.count;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "INSERT INTO ");
  form_append_table(text, form->frame->table);
  if (count) {
    sqlite3_str_appendall(text, "(");
    form_append_names(text, &form->columns);
    sqlite3_str_appendall(text, ") VALUES (");
    for (int i = 1; i <= count; i++)
      sqlite3_str_appendf(text, i > 1 ? ", ?%d" : "?%d", i);
    sqlite3_str_appendall(text, ")");
  } else {
    sqlite3_str_appendall(text, " DEFAULT VALUES");
  }
  if (!form->frame->by_rowid) form_append_returning(text, form->frame);
  return sqlite3_str_finish(text);
}

static char *form_compare_sql(const Form *form) {
  int count = form->columns.count;
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < count; i++) {
    sqlite3_str_appendall(text, i ? ", " : "SELECT ");
    clause_same(text, "t", form->columns.list[i], i + 1);
  }
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, form->frame->table, "t");
  form_append_row(text, form->frame->table, count + 1);
  return sqlite3_str_finish(text);
}

static char *form_compare_json_sql(const Frame *frame, const Column *column) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text,
                        "SELECT CASE"
                        " WHEN typeof(c) = 'blob'"
                        " THEN ?1 IS '{\"hex\":\"' || lower(hex(c)) || '\"}'"
                        " WHEN NOT json_valid(c) THEN 0"
                        " WHEN typeof(?1) = 'blob' THEN lower(json(c)) IS"
                        " '{\"hex\":\"' || lower(hex(?1)) || '\"}'"
                        " ELSE json(c) IS json(?1) END FROM (SELECT ");
  clause_column(text, "t", column);
  sqlite3_str_appendall(text, " AS c FROM ");
  clause_table(text, frame->table, "t");
  form_append_row(text, frame->table, 2);
  sqlite3_str_appendall(text, ")");
  return sqlite3_str_finish(text);
}

static char *form_update_sql(const Form *form) {
  int count = form->columns.count;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "UPDATE ");
  clause_table(text, form->frame->table, "t");
  for (int i = 0; i < count; i++) {
    sqlite3_str_appendall(text, i ? ", " : " SET ");
    sqlite3_str_appendf(text, "\"%w\" = ?%d", form->columns.list[i]->name,
                        i + 1);
  }
  form_append_row(text, form->frame->table, count + 1);
  form_append_returning(text, form->frame);
  return sqlite3_str_finish(text);
}

static char *form_delete_sql(const Frame *frame) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "DELETE FROM ");
  clause_table(text, frame->table, "t");
  form_append_row(text, frame->table, 1);
  return sqlite3_str_finish(text);
}

/* *place, which is NULL, taken.  If too many are, all others are given back. */
static sqlite3_stmt *forms_take(Failure *failure, Forms *forms,
                                sqlite3_stmt **place, char *sql) {
  if (forms->taken_count == FORMS_TAKEN) forms_release(forms);
  *place = cache_text(failure, forms->cache, KIND_FORM, sql);
  if (*place) forms->taken[forms->taken_count++] = place;
  return *place;
}

sqlite3_stmt *frame_find(Failure *failure, Forms *forms, const Frame *frame,
                         int number) {
  if (frame->find[number]) return frame->find[number];
  return forms_take(
      failure, forms, &frame->find[number],
      clause_row(frame->table, &frame->kept, frame_key(frame, number)));
}

sqlite3_stmt *frame_find_number(Failure *failure, const Forms *forms,
                                const Frame *frame) {
  const Column number = {.name = table_rowid_name(frame->table)};
  const Column *list = &number;
  const Columns key = {1, &list};
  if (!number.name) return NULL;
  return cache_text(failure, forms->cache, KIND_FORM,
                    clause_row(frame->table, &frame->kept, &key));
}

sqlite3_stmt *form_insert(Failure *failure, Forms *forms, Form *form) {
  if (form->insert) return form->insert;
  return forms_take(failure, forms, &form->insert, form_insert_sql(form));
}

sqlite3_stmt *form_compare(Failure *failure, Forms *forms, Form *form) {
  if (form->compare) return form->compare;
  return forms_take(failure, forms, &form->compare, form_compare_sql(form));
}

sqlite3_stmt *form_update(Failure *failure, Forms *forms, Form *form) {
  if (form->update) return form->update;
  return forms_take(failure, forms, &form->update, form_update_sql(form));
}

sqlite3_stmt *frame_compare_json(Failure *failure, const Forms *forms,
                                 const Frame *frame, const Column *column) {
  return cache_text(failure, forms->cache, KIND_FORM,
                    form_compare_json_sql(frame, column));
}

sqlite3_stmt *frame_column(Failure *failure, const Forms *forms,
                           const Frame *frame, const Column *column) {
  const Columns columns = {1, &column};
  return cache_text(failure, forms->cache, KIND_FORM,
                    clause_row(frame->table, &columns, &frame->table->row_key));
}

sqlite3_stmt *frame_delete(Failure *failure, const Forms *forms,
                           const Frame *frame) {
  return cache_text(failure, forms->cache, KIND_FORM, form_delete_sql(frame));
}

void forms_release(Forms *forms) {
  while (forms->taken_count) {
    sqlite3_stmt **place = forms->taken[--forms->taken_count];
    cache_give(forms->cache, *place);
    *place = NULL;
  }
}
