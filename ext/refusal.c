/*
** refusal.c: what is said when a row of a graph is refused.
**
** Which row, where in the documents, which other row is missing, and what to do.
*/
#include "relate_int.h"

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

void refuse_key_alone(Persisting *persisting, const Table *table) {
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
  failure_set_text(failure, SQLITE_CONSTRAINT_FOREIGNKEY, text);
}

/* A foreign key that refers to a row which comes later. */
static const Tie *early_tie(const Object *object) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if ((tie->said || tie->made) && tie_parent(tie) != object &&
        !tie_parent(tie)->kept)
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

/* Fails if what is said refers to a row that is not there. */
static void demand_parents(Failure *missing, Persisting *persisting,
                           const Table *table) {
  for (int i = 0; i < table->key_count && !missing->code; i++) {
    const ForeignKey *foreign = &table->keys[i];
    Value values[8] = {{.type = SQLITE_NULL}};
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
    key_demand(missing, persisting->connection, &key);
  }
}

/* Replaces the failure by the name of the row that is missing. */
static void explain_foreign_key(Persisting *persisting, const Object *object) {
  Failure missing = {0, NULL};
  if (early_tie(object)) {
    explain_circle(persisting->failure, early_tie(object));
    return;
  }
  demand_parents(&missing, persisting, object->frame->table);
  if (!missing.code) return;
  failure_clear(persisting->failure);
  *persisting->failure = missing;
}

/* Says in front of the failure of which row it is. */
static void refusal_prefix(Persisting *persisting, const Object *object) {
  Failure *failure = persisting->failure, ignored = {0, NULL};
  if (!object->found) {
    failure_prefix(failure, "a new row of %s: ", object->frame->table->name);
    return;
  }
  Key key = object_row_key(&ignored, persisting->arena, object);
  if (!ignored.code) key_prefix(failure, &key);
  failure_clear(&ignored);
}

static bool gives_key(const Object *object) {
  const Columns *key = &object->frame->table->row_key;
  for (int i = 0; i < key->count; i++)
    if (form_place(object->form, key->list[i]) < 0) return false;
  return true;
}

void refusal_explain(Persisting *persisting, const Object *object) {
  Failure *failure = persisting->failure;
  if (!failure->code) return;
  if (failure->code == SQLITE_CONSTRAINT_FOREIGNKEY)
    explain_foreign_key(persisting, object);
  if (!object->found &&
      (failure->code == SQLITE_CONSTRAINT_UNIQUE ||
       (failure->code == SQLITE_CONSTRAINT_PRIMARYKEY && !gives_key(object))))
    failure_append(failure, "; to change the row that is there, give its key");
  if (failure->code == SQLITE_MISMATCH)
    failure_append(failure, "; its key is an INTEGER");
  if ((failure->code & 0xff) == SQLITE_CONSTRAINT ||
      failure->code == SQLITE_MISMATCH)
    refusal_prefix(persisting, object);
  object_prefix(failure, persisting->graph, object, NULL);
}

/* Does nothing where a failure says more. */
void refuse_gone(Persisting *persisting, const Object *object) {
  failure_set(
      persisting->failure, SQLITE_CONSTRAINT,
      "its row of %s is gone: removed by a trigger, or since a list does "
      "not have it",
      object->frame->table->name);
}

void refuse_missing(Persisting *persisting, Object *object) {
  if (!object->frame->table->may_defer) return;
  say_given(persisting, object);
  demand_parents(persisting->failure, persisting, object->frame->table);
  if (!persisting->failure->code) return;
  refusal_prefix(persisting, object);
  object_prefix(persisting->failure, persisting->graph, object, NULL);
}
