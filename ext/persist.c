/*
** persist.c: rows and links of documents, written.
**
** The objects have been read (graph.c), and it is known which rows are there
** (identity.c).  Then, for all documents together:
**
**     moves       what is there gets the foreign key that is listed; where that
**                 leads to a new row, that is made first
**     removals    where all links are listed, the others go
**     rows        new ones are inserted, a row that is referred to before those
**                 that refer to it; what differs in the others is updated
**     links       of association tables; and foreign keys that had to wait
**
** So a row that moves is never without its place, and one that goes makes room
** before another comes.
**
** New rows may refer to each other in a circle.  One of them is then inserted
** without its foreign key, if that may be NULL, and gets it in the end; or at once,
** if the key that it is to have is given.
**
** What is as it is given is not written.
*/
#include "relate_int.h"

enum { KIND_PERSIST_LINKS = -320, KIND_PERSIST_LINK };

typedef struct Persisting {
  Failure *failure;
  Connection *connection;
  Graph *graph;
  Arena *arena;
  Values *log; /* of what is done, or NULL */
  sqlite3_int64 count;
  bool removes;    /* rows have gone */
  int depth, room; /* of the objects that are entered */
  Object **entered;
  /* what is said of the row that is written */
  int said;
  const Column **columns;
  Value *values;
} Persisting;

/* ---- what has been done ---- */

static void log_part(sqlite3_str *text, const Value *value) {
  if (value->type == SQLITE_TEXT) {
    name_append_json(text, value->bytes);
  } else if (value->type == SQLITE_BLOB) {
    sqlite3_str_appendall(text, "{\"hex\":\"");
    for (int i = 0; i < value->size; i++)
      sqlite3_str_appendf(text, "%02x", (unsigned char)value->bytes[i]);
    sqlite3_str_appendall(text, "\"}");
  } else if (value->type == SQLITE_NULL) {
    sqlite3_str_appendall(text, "null");
  } else {
    value_describe(text, value);
  }
}

/* A key of several columns as a JSON array. */
static void log_key(Persisting *persisting, const Key *key) {
  Failure *failure = persisting->failure;
  if (key->columns->count == 1) {
    values_add(failure, persisting->log, key_values(key));
    return;
  }
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < key->columns->count; i++) {
    const Value *value = &key_values(key)[i];
    sqlite3_str_appendall(text, i ? "," : "[");
    log_part(text, value);
  }
  sqlite3_str_appendall(text, "]");
  char *array = failure_text(failure, text);
  answer_text(failure, persisting->log, array);
  sqlite3_free(array);
}

static void log_path(Persisting *persisting, const Object *object) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (object) object_append_path(text, object);
  char *path = failure_text(persisting->failure, text);
  answer_text(persisting->failure, persisting->log, object ? path : NULL);
  sqlite3_free(path);
}

/* Of a row, or of a link to `target`; at an object, if one says so. */
static void persist_note(Persisting *persisting, const char *action,
                         const char *name, const Key *key, const Key *target,
                         const Object *object) {
  if (persisting->failure->code) return;
  persisting->count++;
  if (!persisting->log) return;
  answer_text(persisting->failure, persisting->log, action);
  answer_text(persisting->failure, persisting->log, name);
  log_key(persisting, key);
  if (target) {
    log_key(persisting, target);
  } else {
    answer_text(persisting->failure, persisting->log, NULL);
  }
  log_path(persisting, object);
}

/* ---- keys ---- */

/* The key of the object's row, of these columns, which are kept. */
static Key object_key(Persisting *persisting, const Object *object,
                      const Columns *columns) {
  Key key = {.table = object->frame->table, .columns = columns};
  if (columns->count == 1) {
    key.single = object->kept[frame_place(object->frame, columns->list[0])];
    return key;
  }
  key.values = arena_take(persisting->failure, persisting->arena,
                          columns->count * (sqlite3_int64)sizeof(Value));
  for (int i = 0; key.values && i < columns->count; i++)
    key.values[i] = object->kept[frame_place(object->frame, columns->list[i])];
  return key;
}

static Key object_row_key(Persisting *persisting, const Object *object) {
  return object_key(persisting, object, &object->frame->table->row_key);
}

static void note_row(Persisting *persisting, const char *action,
                     const Object *object) {
  if (persisting->failure->code) return;
  Key key = object_row_key(persisting, object);
  persist_note(persisting, action, object->frame->table->name, &key, NULL,
               object);
}

/* A target of the relationship goes with its last link. */
static bool takes_orphans(Persisting *persisting, const Relationship *r) {
  return r->declaration && r->declaration->options &&
         strstr(r->declaration->options, "delete_orphan") &&
         catalog_option(persisting->failure, persisting->arena,
                        persisting->connection->db, r->declaration->options,
                        "delete_orphan");
}

/* ---- what is said of a row ---- */

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

static void fail_two_keys(Persisting *persisting, const Object *object,
                          const Relationship *r, const Column *column,
                          const Value *said, const Value *value) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s would be ", column->name);
  value_describe(text, said);
  sqlite3_str_appendall(text, ", and ");
  value_describe(text, value);
  sqlite3_str_appendf(text, " by %s: leave one of them out", r->full_name);
  char *message = failure_text(persisting->failure, text);
  failure_set(persisting->failure, SQLITE_CONSTRAINT, "%s",
              message ? message : "");
  sqlite3_free(message);
  object_prefix(persisting->failure, persisting->graph, object, NULL);
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
      fail_two_keys(persisting, object, tie->listing->relationship,
                    columns->list[i], &persisting->values[place], value);
    }
  }
  return true;
}

static bool parent_is_given(const Tie *tie) {
  const Columns *key = tie_key(tie);
  for (int i = 0; i < key->count; i++)
    if (!object_value(tie_parent(tie), key->list[i])) return false;
  return true;
}

/* The row can be inserted without it. */
static bool tie_can_wait(const Tie *tie) {
  return generate_can_unlink(tie->listing->relationship);
}

/* Links that have to wait: in a circle; and in a one-to-one, where relate() makes
** room. */
static bool tie_waits(const Tie *tie) {
  const Object *parent = tie_parent(tie);
  if (!tie_can_wait(tie)) return false;
  if (parent == tie_holder(tie)) return !parent_is_given(tie);
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

static void prefix_key(Failure *failure, const Key *key) {
  Failure ignored = {0, NULL};
  if (!failure->code) return;
  sqlite3_str *text = sqlite3_str_new(NULL);
  key_describe_row(text, key);
  char *row = failure_text(&ignored, text);
  failure_prefix(failure, "%s: ", row ? row : key->table->name);
  sqlite3_free(row);
  failure_clear(&ignored);
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
  if (!ignored.code) prefix_key(failure, &key);
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

static void insert_row(Persisting *persisting, Object *object) {
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
  note_row(persisting, "inserted", object);
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
static void fail_gone(Persisting *persisting, const Object *object) {
  failure_set(
      persisting->failure, SQLITE_CONSTRAINT,
      "its row of %s is gone: removed by a trigger, or since a list does "
      "not have it",
      object->frame->table->name);
}

static void update_row(Persisting *persisting, Object *object) {
  Failure *failure = persisting->failure;
  say_rest(persisting, object);
  if (!persisting->said) return;
  if (!say_differences(persisting, object)) fail_gone(persisting, object);
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
  if (changed) note_row(persisting, "updated", object);
}

/* ---- rows in order ---- */

static void enter(Persisting *persisting, Object *object) {
  if (persisting->depth == persisting->room) {
    persisting->entered = arena_extend(persisting->failure, persisting->arena,
                                       persisting->entered, persisting->depth,
                                       sizeof(*persisting->entered));
    persisting->room = persisting->room ? 2 * persisting->room : 4;
  }
  if (persisting->failure->code) return;
  object->state = OBJECT_ENTERED;
  persisting->entered[persisting->depth++] = object;
}

static void fail_circle(Persisting *persisting, const Object *object,
                        const Tie *tie) {
  bool itself = tie_parent(tie) == object;
  failure_set(persisting->failure, SQLITE_CONSTRAINT,
              itself ? "%s: a new row refers to itself, and %s(%s) is NOT "
                       "NULL: give its key"
                     : "%s: new rows refer to each other in a circle, and "
                       "%s(%s) is NOT NULL: give their keys, and make the "
                       "foreign key DEFERRABLE INITIALLY DEFERRED",
              tie->listing->relationship->full_name, object->frame->table->name,
              tie_columns(tie)->list[0]->name);
  object_prefix(persisting->failure, persisting->graph, object, NULL);
}

/* The foreign key of a new row that refers to one which is not there yet; to one
** that is entered itself, if there is no other.  NULL: it can be inserted. */
static Tie *object_needs(const Object *object) {
  Tie *circle = NULL;
  for (Tie *tie = object->held; tie; tie = tie->of_holder) {
    const Object *parent = tie_parent(tie);
    if (parent->kept || tie->late) continue;
    if (parent->state == OBJECT_WAITS) return tie;
    if (!tie_can_wait(tie)) circle = tie;
  }
  return circle;
}

/* True if the row can be inserted without a reference to the other. */
static bool object_spares(Object *object, const Object *parent) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (tie_parent(tie) == parent && !tie_can_wait(tie)) return false;
  for (Tie *tie = object->held; tie; tie = tie->of_holder)
    if (tie_parent(tie) == parent) tie->late = true;
  return true;
}

/* The row that is entered last refers to `parent`, which is entered, too.  One
** between the two is to go on without the next, if there is one that can. */
static bool break_circle(Persisting *persisting, const Object *parent) {
  Object **entered = persisting->entered;
  int place = persisting->depth - 1;
  while (place > 0 && entered[place] != parent &&
         !object_spares(entered[place - 1], entered[place]))
    place--;
  if (place <= 0 || entered[place] == parent) return false;
  for (int i = place; i < persisting->depth; i++)
    entered[i]->state = OBJECT_WAITS;
  persisting->depth = place;
  return true;
}

static void persist_entered(Persisting *persisting, Object *object) {
  if (object->found) {
    update_row(persisting, object);
  } else {
    insert_row(persisting, object);
  }
  object->state = OBJECT_WRITTEN;
  persisting->depth--;
}

/* Writes the row, and before it new ones that it refers to. */
static void persist_row(Persisting *persisting, Object *first) {
  if (first->state != OBJECT_WAITS) return;
  int bottom = persisting->depth;
  enter(persisting, first);
  while (persisting->depth > bottom && !persisting->failure->code) {
    Object *object = persisting->entered[persisting->depth - 1];
    Tie *tie = object->found ? NULL : object_needs(object);
    if (tie && tie_parent(tie)->state == OBJECT_WAITS) {
      enter(persisting, tie_parent(tie));
    } else if (!tie || !break_circle(persisting, tie_parent(tie))) {
      if (tie && !parent_is_given(tie)) fail_circle(persisting, object, tie);
      persist_entered(persisting, object);
    }
  }
}

/* ---- links ---- */

static LinkOrder tie_order(const Persisting *persisting, const Tie *tie) {
  return (LinkOrder){.connection = persisting->connection,
                     .relationship = tie->listing->relationship,
                     .payload = tie->payload,
                     .payload_values = tie->payload_values};
}

static Key tie_source_key(Persisting *persisting, const Tie *tie) {
  return object_key(persisting, object_of(tie->listing->source),
                    &tie->listing->relationship->source_key);
}

static Key tie_target_key(Persisting *persisting, const Tie *tie) {
  return object_key(persisting, object_of(tie->target),
                    &tie->listing->relationship->target_key);
}

/* The keys of the links' rows between a source and a target, with that payload:
** for a relationship in which a pair may be linked several times. */
static char *link_rows_sql(const Relationship *r, const Columns *payload) {
  End source = end_of_source(r), target = end_of_target(r);
  int next = 1 + source.key->count;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "l", &r->link->row_key);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, r->link, "l");
  sqlite3_str_appendall(text, " WHERE ");
  clause_match(text, &source);
  if (payload) {
    sqlite3_str_appendall(text, " AND ");
    clause_match(text, &target);
    next += target.key->count;
  }
  for (int i = 0; payload && i < payload->count; i++) {
    sqlite3_str_appendall(text, " AND ");
    clause_column(text, "l", payload->list[i]);
    sqlite3_str_appendf(text, " IS ?%d", next + i);
  }
  return sqlite3_str_finish(text);
}

/* The links that are those of the tie. */
static sqlite3_stmt *tie_links(Persisting *persisting, const Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  Key source = tie_source_key(persisting, tie);
  Key target = tie_target_key(persisting, tie);
  sqlite3_stmt *links =
      r->pair_unique
          ? connection_statement(persisting->failure, persisting->connection, r,
                                 GENERATE_MEMBER)
          : cache_text(persisting->failure, persisting->connection->cache,
                       KIND_PERSIST_LINK, link_rows_sql(r, &tie->payload));
  int next = key_bind(persisting->failure, links, 1, &source);
  next = key_bind(persisting->failure, links, next, &target);
  for (int i = 0; !r->pair_unique && i < tie->payload.count; i++)
    value_bind(persisting->failure, links, next + i, &tie->payload_values[i]);
  return links;
}

static bool tie_is_linked(Persisting *persisting, const Tie *tie) {
  sqlite3_stmt *links = tie_links(persisting, tie);
  bool linked = statement_step(persisting->failure, links);
  cache_give(persisting->connection->cache, links);
  return linked;
}

/* What is given of a foreign key is what the row it refers to says. */
static void persist_check_agreement(Persisting *persisting,
                                    const Object *holder, const Tie *tie) {
  const Columns *columns = tie_columns(tie), *key = tie_key(tie);
  for (int i = 0; i < columns->count && !persisting->failure->code; i++) {
    int place = form_place(holder->form, columns->list[i]);
    const Value *value = object_value(tie_parent(tie), key->list[i]);
    if (place >= 0 && value &&
        !value_matches(key->list[i], &holder->values[place], value))
      fail_two_keys(persisting, holder, tie->listing->relationship,
                    columns->list[i], &holder->values[place], value);
  }
}

/* Sees to it that the two are linked. */
static void persist_tie(Persisting *persisting, Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  const Object *holder = tie_holder(tie);
  Failure *failure = persisting->failure;
  if (failure->code || tie->made) return;
  if (holder) persist_check_agreement(persisting, holder, tie);
  bool asks = !r->pair_unique || (persisting->log && tie->payload.count);
  bool linked = asks && tie_is_linked(persisting, tie);
  tie->made = true;
  if (failure->code || (linked && !r->pair_unique)) return;
  LinkOrder order = tie_order(persisting, tie);
  Key source = tie_source_key(persisting, tie);
  Key target = tie_target_key(persisting, tie);
  sqlite3_int64 made =
      failure->code ? 0 : link_keys(failure, &order, &source, &target, true);
  object_prefix(failure, persisting->graph, tie->target, NULL);
  if (made)
    persist_note(persisting, linked ? "updated" : "linked", r->full_name,
                 &source, &target, tie->target);
}

/* ---- foreign keys ---- */

/* A foreign key that is to refer to no row is not given as one that does. */
static void persist_check_empty(Persisting *persisting,
                                const Listing *listing) {
  const Relationship *r = listing->relationship;
  const Object *holder = object_of(listing->source);
  const Columns *columns = &r->target_link;
  const Value *value = NULL, null = {.type = SQLITE_NULL};
  if (!listing->empty || !link_is_source(r) || persisting->failure->code)
    return;
  for (int i = 0; i < columns->count; i++) {
    int place = form_place(holder->form, columns->list[i]);
    value = place >= 0 ? &holder->values[place] : &null;
    if (value->type == SQLITE_NULL) return;
  }
  fail_two_keys(persisting, holder, r, columns->list[columns->count - 1], value,
                &null);
}

/* A row that is there gets its foreign key. */
static void persist_move(Persisting *persisting, Tie *tie) {
  const Object *holder = tie_holder(tie);
  if (!holder || !holder->found) return;
  if (!tie_parent(tie)->kept) persist_row(persisting, tie_parent(tie));
  if (tie_parent(tie)->kept) persist_tie(persisting, tie);
}

/* Where a target goes with its last link, it gets the new one first. */
static void persist_hold(Persisting *persisting, Tie *tie) {
  if (!tie_holder(tie) && object_of(tie->listing->source)->kept &&
      object_of(tie->target)->kept &&
      takes_orphans(persisting, tie->listing->relationship))
    persist_tie(persisting, tie);
}

/* ---- links that are not listed ---- */

/* What a link that goes is known by. */
typedef struct Leaving {
  const Listing *listing;
  const Relationship *relationship;
  Key source;
  const Columns *columns; /* of the links' rows */
  bool orphans;           /* a target without links goes, too */
} Leaving;

static sqlite3_stmt *leaving_links(Persisting *persisting,
                                   const Leaving *leaving) {
  const Relationship *r = leaving->relationship;
  sqlite3_stmt *links =
      r->pair_unique
          ? connection_statement(persisting->failure, persisting->connection, r,
                                 GENERATE_TARGETS)
          : cache_text(persisting->failure, persisting->connection->cache,
                       KIND_PERSIST_LINKS, link_rows_sql(r, NULL));
  key_bind(persisting->failure, links, 1, &leaving->source);
  return links;
}

static void leaving_read(Persisting *persisting, const Leaving *leaving,
                         Targets *targets) {
  Cache *cache = persisting->connection->cache;
  sqlite3_stmt *links = leaving_links(persisting, leaving);
  while (statement_step(persisting->failure, links))
    targets_add(persisting->failure, targets, links, leaving->columns->count);
  cache_give(cache, links);
  targets_index(persisting->failure, targets);
  for (const Tie *tie = leaving->listing->ties;
       tie && !persisting->failure->code; tie = tie->next) {
    if (!object_of(tie->target)->kept) continue;
    links = tie_links(persisting, tie);
    while (statement_step(persisting->failure, links))
      targets_keep(persisting->failure, targets, links,
                   leaving->columns->count);
    cache_give(cache, links);
  }
}

/* A trigger has kept the row from going. */
static bool was_skipped(const Persisting *persisting) {
  return !persisting->failure->code &&
         !sqlite3_changes64(persisting->connection->db);
}

/* The row that holds the foreign key goes. */
static void leaving_delete(Persisting *persisting, const Leaving *leaving,
                           const Key *target) {
  Failure *failure = persisting->failure;
  const Frame *frame = forms_frame(failure, &persisting->graph->forms,
                                   leaving->relationship->target);
  sqlite3_stmt *statement =
      frame ? frame_delete(failure, &persisting->graph->forms, frame) : NULL;
  key_bind(failure, statement, 1, target);
  while (statement_step(failure, statement)) continue;
  cache_give(persisting->connection->cache, statement);
  prefix_key(failure, target);
  if (was_skipped(persisting)) return;
  persisting->removes = true;
  persist_note(persisting, "deleted", leaving->relationship->target->name,
               target, NULL, NULL);
}

/* A trigger may have removed the row. */
static void note_orphan(Persisting *persisting, const Key *target) {
  Failure missing = {0, NULL};
  if (persisting->failure->code) return;
  key_demand(&missing, persisting->connection, target);
  if (missing.code == SQLITE_CONSTRAINT_FOREIGNKEY)
    persist_note(persisting, "deleted", target->table->name, target, NULL,
                 NULL);
  failure_clear(&missing);
}

static void leaving_unlink(Persisting *persisting, const Leaving *leaving,
                           const Key *target) {
  const Relationship *r = leaving->relationship;
  Failure *failure = persisting->failure;
  LinkOrder order = {.connection = persisting->connection, .relationship = r};
  sqlite3_stmt *statement = NULL;
  if (r->pair_unique && generate_can_unlink(r)) {
    statement = connection_statement(failure, persisting->connection, r,
                                     GENERATE_UNLINK);
    int next = key_bind(failure, statement, 1, &leaving->source);
    key_bind(failure, statement, next, target);
  } else if (!r->pair_unique) {
    statement = cache_text(failure, persisting->connection->cache,
                           KIND_PERSIST_LINK, generate_unlink_row(r));
    key_bind(failure, statement, 1, target);
  }
  link_dissolve(failure, &order, &leaving->source, target, statement);
  cache_give(persisting->connection->cache, statement);
  if (was_skipped(persisting)) return;
  if (leaving->orphans || r->cardinality == MANY_TO_MANY)
    persisting->removes = true;
  persist_note(persisting, "unlinked", r->full_name, &leaving->source, target,
               NULL);
  if (leaving->orphans && r->pair_unique) note_orphan(persisting, target);
}

static void leaving_go(Persisting *persisting, const Leaving *leaving,
                       const Targets *targets) {
  const Relationship *r = leaving->relationship;
  int place = 0, count = leaving->columns->count;
  Value *values = arena_take(persisting->failure, persisting->arena,
                             count * (sqlite3_int64)sizeof(Value));
  while (!persisting->failure->code &&
         targets_next(targets, &place, values, count)) {
    Key target = {.table = r->pair_unique ? r->target : r->link,
                  .columns = r->pair_unique ? &r->target_key : leaving->columns,
                  .single = values[0],
                  .values = count == 1 ? NULL : values};
    if (leaving->orphans && !generate_can_unlink(r)) {
      leaving_delete(persisting, leaving, &target);
    } else {
      leaving_unlink(persisting, leaving, &target);
    }
  }
}

/* Where all links are listed, the others go. */
static void persist_leaving(Persisting *persisting, const Listing *listing) {
  const Relationship *r = listing->relationship;
  const Object *source = object_of(listing->source);
  if (!listing->whole || !source->found || persisting->failure->code) return;
  if (link_is_source(r) && listing->ties) return; /* it has moved */
  Targets targets = {{NULL, 0, 0, false}, 0, 0, NULL, NULL};
  Leaving leaving = {.listing = listing,
                     .relationship = r,
                     .source = object_key(persisting, source, &r->source_key),
                     .columns =
                         r->pair_unique ? &r->target_link : &r->link->row_key,
                     .orphans = takes_orphans(persisting, r)};
  leaving_read(persisting, &leaving, &targets);
  leaving_go(persisting, &leaving, &targets);
  targets_free(&targets);
  if (!persisting->failure->code) return;
  failure_prefix(persisting->failure,
                 "%s is to have no other rows: ", r->full_name);
  object_prefix(persisting->failure, persisting->graph, listing->source, NULL);
}

/* What stands in the documents has not gone with what does not. */
static void check_there(Persisting *persisting, const Object *object) {
  Failure missing = {0, NULL};
  if (persisting->failure->code) return;
  Key key = object_row_key(persisting, object);
  key_demand(&missing, persisting->connection, &key);
  if (!missing.code) return;
  failure_clear(&missing);
  fail_gone(persisting, object);
  object_prefix(persisting->failure, persisting->graph, object, NULL);
}

/* ---- all of it ---- */

static void each_tie(Persisting *persisting,
                     void (*act)(Persisting *persisting, Tie *tie)) {
  for (Listing *listing = persisting->graph->listings; listing;
       listing = listing->next)
    for (Tie *tie = listing->ties; tie && !persisting->failure->code;
         tie = tie->next)
      act(persisting, tie);
}

/* Room for everything that can be said of a row. */
static void persist_open(Persisting *persisting) {
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

sqlite3_int64 graph_persist(Failure *failure, Connection *connection,
                            Graph *graph, Values *log) {
  Persisting persisting = {.failure = failure,
                           .connection = connection,
                           .graph = graph,
                           .arena = graph->forms.arena,
                           .log = log};
  persist_open(&persisting);
  for (Listing *listing = graph->listings; listing; listing = listing->next)
    persist_check_empty(&persisting, listing);
  each_tie(&persisting, persist_move);
  each_tie(&persisting, persist_hold);
  for (Listing *listing = graph->listings; listing; listing = listing->next)
    persist_leaving(&persisting, listing);
  for (Object *object = graph->objects; object && !failure->code;
       object = object->next)
    if (!object->same) persist_row(&persisting, object);
  each_tie(&persisting, persist_tie);
  for (Object *object = graph->objects; object && persisting.removes;
       object = object->next)
    if (object->found && !object->same) check_there(&persisting, object);
  return persisting.count;
}
