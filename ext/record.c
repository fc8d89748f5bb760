/*
** record.c: one row of a graph, written.
**
** What is said of a row are the columns that its object gives, and its foreign keys
** as the rows say that they refer to.  A new row is inserted with all of it, but for
** foreign keys that have to wait: those are made as links, see tie.c.  Of a row that
** is there only what differs is updated.
*/
#include "relate_int.h"

static void say_column(Persisting *persisting, const Column *column,
                       const Value *value) {
  persisting->columns[persisting->said] = column;
  persisting->values[persisting->said++] = *value;
}

static int said_place(const Persisting *persisting, const Column *column) {
  for (int i = 0; i < persisting->said; i++)
    if (persisting->columns[i] == column) return i;
  return -1;
}

/* What the foreign key has, as the row it refers to says; false if that is not
** known so far. */
static bool say_foreign_key(Persisting *persisting, const Object *object,
                            const Tie *tie) {
  const Columns *columns = tie_columns(tie), *key = tie_key(tie);
  const Object *parent = tie_parent(tie);
  for (int i = 0; i < key->count; i++)
    if (!object_value(parent, key->list[i])) return false;
  for (int i = 0; i < key->count; i++) {
    const Value *value = object_value(parent, key->list[i]);
    int place = said_place(persisting, columns->list[i]);
    if (place < 0) {
      say_column(persisting, columns->list[i], value);
    } else if (!value_matches(key->list[i], &persisting->values[place],
                              value)) {
      agreement_fail_key(persisting->failure, persisting->graph, object,
                         tie->listing->relationship, columns->list[i],
                         &persisting->values[place], value);
    }
  }
  return true;
}

bool tie_parent_is_given(const Tie *tie) {
  const Columns *key = tie_key(tie);
  for (int i = 0; i < key->count; i++)
    if (!object_value(tie_parent(tie), key->list[i])) return false;
  return true;
}

/* The row can be inserted without it. */
bool tie_can_wait(const Tie *tie) {
  return generate_can_unlink(tie->listing->relationship);
}

/* Links that have to wait: in a circle; and in a one-to-one, where relate() makes
** room. */
static bool tie_waits(const Tie *tie) {
  const Object *parent = tie_parent(tie);
  if (!tie_can_wait(tie)) return false;
  if (parent == tie_holder(tie)) return !tie_parent_is_given(tie);
  return !parent->kept ||
         (parent->found &&
          tie->listing->relationship->cardinality == ONE_TO_ONE);
}

/* The column is given with a foreign key that has to wait. */
static bool column_waits(const Object *object, const Column *column) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (!tie->made && columns_contain(tie_columns(tie), column) &&
        !column->not_null && !column->key_position && tie_waits(tie))
      return true;
  return false;
}

static void say_row(Persisting *persisting, const Object *object) {
  persisting->said = 0;
  for (int i = 0; i < object->form->columns.count; i++)
    if (!column_waits(object, object->form->columns.list[i]))
      say_column(persisting, object->form->columns.list[i], &object->values[i]);
  for (Tie *tie = object->held; tie; tie = tie->of_holder)
    if (!tie->made && !tie_waits(tie))
      tie->made = say_foreign_key(persisting, object, tie);
}

/* The form of what is said. */
static Form *said_form(Persisting *persisting, const Object *object) {
  return forms_form(persisting->failure, &persisting->graph->forms,
                    object->frame, persisting->said, persisting->columns);
}

/* The number of the next parameter. */
static int bind_said(Persisting *persisting, sqlite3_stmt *statement) {
  for (int i = 0; i < persisting->said; i++)
    value_bind(persisting->failure, statement, i + 1, &persisting->values[i]);
  return persisting->said + 1;
}

static void bind_row(Persisting *persisting, sqlite3_stmt *statement,
                     int parameter, const Object *object) {
  for (int i = 0; i < object->frame->table->row_key.count; i++)
    value_bind(persisting->failure, statement, parameter + i, &object->kept[i]);
}

/* ---- a new row ---- */

/* An object that only names a row. */
static bool is_key_alone(const Object *object) {
  const Table *table = object->frame->table;
  const Columns *given = &object->form->columns;
  for (int i = 0; i < given->count; i++)
    if (!columns_contain(&table->row_key, given->list[i])) return false;
  for (const Listing *listing = object->listings; listing;
       listing = listing->of_object)
    if (link_is_source(listing->relationship)) return false;
  int others = 0;
  for (int i = 0; i < table->column_count; i++)
    others += !table->columns[i].generated &&
              !columns_contain(&table->row_key, &table->columns[i]);
  return given->count > 0 && others > 0;
}

static bool says_nothing(const Object *object) {
  if (object->form->columns.count) return false;
  for (const Listing *listing = object->listings; listing;
       listing = listing->of_object)
    if (listing->ties) return false;
  return true;
}

/* What is said of the columns, as far as it is. */
static Key said_key(Persisting *persisting, const Table *table,
                    const Columns *columns) {
  Arena *arena = persisting->arena;
  sqlite3_int64 count = columns->count;
  Columns *said = arena_take(persisting->failure, arena, sizeof(*said));
  const Column **list = arena_take(persisting->failure, arena,
                                   count * (sqlite3_int64)sizeof(*list));
  Key key = {.table = table, .columns = said};
  key.values = arena_take(persisting->failure, arena,
                          count * (sqlite3_int64)sizeof(Value));
  if (persisting->failure->code) return key;
  *said = (Columns){0, list};
  for (int i = 0; i < columns->count; i++) {
    int place = said_place(persisting, columns->list[i]);
    if (place < 0) continue;
    key.values[said->count] = persisting->values[place];
    list[said->count++] = columns->list[i];
  }
  return key;
}

static void fail_key_alone(Persisting *persisting, const Table *table) {
  Failure *failure = persisting->failure;
  const Columns *whole = &table->row_key;
  Key key = said_key(persisting, table, whole);
  if (failure->code) return;
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (key.columns->count == whole->count) {
    sqlite3_str_appendall(text, "there are no ");
    key_describe_row(text, &key);
    sqlite3_str_appendall(text, "; give more columns to make that row");
  } else {
    key_describe_row(text, &key);
    sqlite3_str_appendall(text, " is a part of the key (");
    columns_append(text, whole, ", ");
    sqlite3_str_appendall(text, "): give all of it, or more columns");
  }
  char *message = failure_text(failure, text);
  failure_set(failure, SQLITE_CONSTRAINT_FOREIGNKEY, "%s",
              message ? message : "");
  sqlite3_free(message);
}

static void check_new(Persisting *persisting, const Object *object) {
  Failure *failure = persisting->failure;
  const Table *table = object->frame->table;
  if (failure->code) return;
  if (is_key_alone(object)) {
    fail_key_alone(persisting, table);
  } else if (says_nothing(object)) {
    failure_set(failure, SQLITE_ERROR,
                "nothing is given of the row of %s: give its key, or its "
                "columns",
                table->name);
  }
  object_prefix(failure, persisting->graph, object, NULL);
}

/* A foreign key that refers to a row which comes later. */
static const Tie *early_tie(const Object *object) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (tie->made && tie_parent(tie) != object && !tie_parent(tie)->kept)
      return tie;
  return NULL;
}

static void explain_circle(Failure *failure, const Tie *tie) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  columns_append(text, tie_columns(tie), ", ");
  failure_clear(failure);
  char *names = failure_text(failure, text);
  failure_set(failure, SQLITE_CONSTRAINT_FOREIGNKEY,
              "%s: new rows refer to each other in a circle, and the foreign "
              "key (%s) is checked at once: make it DEFERRABLE INITIALLY "
              "DEFERRED",
              tie->listing->relationship->full_name, names ? names : "");
  sqlite3_free(names);
}

/* Replaces the failure by the name of the row that is missing. */
static void explain_foreign_key(Persisting *persisting, const Object *object) {
  const Table *table = object->frame->table;
  if (early_tie(object)) {
    explain_circle(persisting->failure, early_tie(object));
    return;
  }
  Failure missing = {0, NULL};
  for (int i = 0; i < table->key_count && !missing.code; i++) {
    const ForeignKey *foreign = &table->keys[i];
    Value values[8];
    int count = foreign->columns.count;
    bool said = foreign->parent && count <= 8;
    for (int j = 0; said && j < count; j++) {
      int place = said_place(persisting, foreign->columns.list[j]);
      said = place >= 0 && persisting->values[place].type != SQLITE_NULL;
      if (said) values[j] = persisting->values[place];
    }
    if (!said) continue;
    Key key = {.table = foreign->parent,
               .columns = &foreign->parent_columns,
               .single = values[0],
               .values = count == 1 ? NULL : values};
    key_demand(&missing, persisting->connection, &key);
  }
  if (!missing.code) return;
  failure_clear(persisting->failure);
  *persisting->failure = missing;
}

/* Says in front of the failure of which row it is. */
static void prefix_row(Persisting *persisting, const Object *object) {
  Failure *failure = persisting->failure, ignored = {0, NULL};
  if (!object->found) {
    failure_prefix(failure, "a new row of %s: ", object->frame->table->name);
    return;
  }
  persisting->failure = &ignored;
  Key key = object_row_key(persisting, object);
  persisting->failure = failure;
  if (!ignored.code) key_prefix(failure, &key);
  failure_clear(&ignored);
}

static void explain_row(Persisting *persisting, const Object *object) {
  Failure *failure = persisting->failure;
  if (!failure->code) return;
  if (failure->code == SQLITE_CONSTRAINT_FOREIGNKEY)
    explain_foreign_key(persisting, object);
  if (!object->found && (failure->code == SQLITE_CONSTRAINT_UNIQUE ||
                         failure->code == SQLITE_CONSTRAINT_PRIMARYKEY))
    failure_append(failure, "; to change the row that is there, give its key");
  if (failure->code == SQLITE_MISMATCH)
    failure_append(failure, "; its key is an INTEGER");
  if ((failure->code & 0xff) == SQLITE_CONSTRAINT ||
      failure->code == SQLITE_MISMATCH)
    prefix_row(persisting, object);
  object_prefix(failure, persisting->graph, object, NULL);
}

/* What is kept of the row that has been inserted; false if a trigger has skipped
** it. */
static bool keep_inserted(Persisting *persisting, Object *object,
                          sqlite3_stmt *insert) {
  sqlite3 *db = persisting->connection->db;
  if (!object->frame->by_rowid) {
    if (!statement_step(persisting->failure, insert)) return false;
    object_keep(persisting->failure, persisting->arena, object, insert);
    while (statement_step(persisting->failure, insert)) continue;
    return true;
  }
  while (statement_step(persisting->failure, insert)) continue;
  if (persisting->failure->code || !sqlite3_changes64(db)) return false;
  object->kept =
      arena_take(persisting->failure, persisting->arena, sizeof(Value));
  if (object->kept)
    *object->kept = (Value){.type = SQLITE_INTEGER,
                            .integer = sqlite3_last_insert_rowid(db)};
  return true;
}

void record_insert(Persisting *persisting, Object *object) {
  Failure *failure = persisting->failure;
  say_row(persisting, object);
  check_new(persisting, object);
  if (failure->code) return;
  sqlite3_stmt *insert = NULL;
  Form *form = said_form(persisting, object);
  if (form) insert = form_insert(failure, &persisting->graph->forms, form);
  bind_said(persisting, insert);
  bool made = insert && keep_inserted(persisting, object, insert);
  if (!made)
    failure_set(failure, SQLITE_CONSTRAINT_TRIGGER, "a trigger skips it");
  explain_row(persisting, object);
  if (insert) sqlite3_reset(insert);
  ledger_note_row(persisting, "inserted", object);
}

/* ---- a row that is there ---- */

/* The column is part of a foreign key that is given as a link, too. */
static bool column_is_tied(const Object *object, const Column *column) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (columns_contain(tie_columns(tie), column)) return true;
  return false;
}

/* The columns by which it is known stay as they are. */
static void say_rest(Persisting *persisting, const Object *object) {
  const Table *table = object->frame->table;
  const Columns *by = frame_key(object->frame, object->by);
  persisting->said = 0;
  for (int i = 0; i < object->form->columns.count; i++) {
    const Column *column = object->form->columns.list[i];
    if (!columns_contain(&table->primary_key, column) &&
        !columns_contain(by, column) && column != &table->rowid &&
        !column_is_tied(object, column))
      say_column(persisting, column, &object->values[i]);
  }
}

/* A column with JSON that says the same in other words. */
static bool json_is_same(Persisting *persisting, const Object *object,
                         int place) {
  if (!persisting->values[place].json) return false;
  sqlite3_stmt *statement =
      frame_compare_json(persisting->failure, &persisting->graph->forms,
                         object->frame, persisting->columns[place]);
  value_bind(persisting->failure, statement, 1, &persisting->values[place]);
  bind_row(persisting, statement, 2, object);
  bool same = statement_step(persisting->failure, statement) &&
              sqlite3_column_int(statement, 0);
  cache_give(persisting->connection->cache, statement);
  return same;
}

/* Only what differs stays said; false if the row is gone. */
static bool say_differences(Persisting *persisting, const Object *object) {
  Form *form = said_form(persisting, object);
  sqlite3_stmt *compare =
      form ? form_compare(persisting->failure, &persisting->graph->forms, form)
           : NULL;
  int next = bind_said(persisting, compare);
  bind_row(persisting, compare, next, object);
  bool there = statement_step(persisting->failure, compare);
  int count = persisting->said;
  persisting->said = 0;
  for (int i = 0; there && i < count; i++)
    if (!sqlite3_column_int(compare, i) && !json_is_same(persisting, object, i))
      say_column(persisting, persisting->columns[i], &persisting->values[i]);
  if (compare) sqlite3_reset(compare);
  return there;
}

/* Does nothing where a failure says more. */
static void record_fail_gone(Persisting *persisting, const Object *object) {
  failure_set(
      persisting->failure, SQLITE_CONSTRAINT,
      "its row of %s is gone: removed by a trigger, or since a list does "
      "not have it",
      object->frame->table->name);
}

void record_update(Persisting *persisting, Object *object) {
  Failure *failure = persisting->failure;
  say_rest(persisting, object);
  if (!persisting->said) return;
  if (!say_differences(persisting, object))
    record_fail_gone(persisting, object);
  sqlite3_stmt *update = NULL;
  Form *form =
      persisting->said && !failure->code ? said_form(persisting, object) : NULL;
  if (form) update = form_update(failure, &persisting->graph->forms, form);
  int next = bind_said(persisting, update);
  bind_row(persisting, update, next, object);
  bool changed = statement_step(failure, update);
  if (changed) object_keep(failure, persisting->arena, object, update);
  while (changed && statement_step(failure, update)) continue;
  explain_row(persisting, object);
  if (update) sqlite3_reset(update);
  if (changed) ledger_note_row(persisting, "updated", object);
}

/* What stands in the documents has not gone with what does not. */
void record_check(Persisting *persisting, const Object *object) {
  if (persisting->failure->code) return;
  Key key = object_row_key(persisting, object);
  if (key_exists(persisting->failure, persisting->connection, &key)) return;
  record_fail_gone(persisting, object);
  object_prefix(persisting->failure, persisting->graph, object, NULL);
}

/* Room for everything that can be said of a row. */
void record_open(Persisting *persisting) {
  sqlite3_int64 most = 1;
  for (const Frame *frame = persisting->graph->forms.frames; frame;
       frame = frame->next)
    if (frame->table->column_count >= most)
      most = frame->table->column_count + 1;
  persisting->columns =
      arena_take(persisting->failure, persisting->arena,
                 most * (sqlite3_int64)sizeof(*persisting->columns));
  persisting->values =
      arena_take(persisting->failure, persisting->arena,
                 most * (sqlite3_int64)sizeof(*persisting->values));
}
