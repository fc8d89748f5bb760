/*
** record.c: one row of a graph, written.
**
** What is said of a row are the columns that its object gives, and its foreign keys
** as the rows that they refer to have it, all in one statement: a CHECK, a UNIQUE
** key and a trigger see the row as it is to be.  A new row is inserted with all of it,
** but for foreign keys that have to wait, see persist.c.  Of a row that is there only
** what differs is updated, and never the columns by which it is known.
**
** A one-to-one makes room first.
*/
#include "relate_int.h"

static void say_column(Persisting *persisting, const Column *column,
                       const Value *value) {
  Value said = *value;
  if (column->affinity == 'E' && said.type == SQLITE_INTEGER)
    said = (Value){.type = SQLITE_FLOAT, .real = (double)said.integer};
  persisting->columns[persisting->said] = column;
  persisting->values[persisting->said++] = said;
}

static int said_place(const Persisting *persisting, const Column *column) {
  for (int i = 0; i < persisting->said; i++)
    if (persisting->columns[i] == column) return i;
  return -1;
}

/* ---- foreign keys ---- */

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

/* It has to, in a circle. */
static bool tie_waits(const Tie *tie) {
  if (!tie_can_wait(tie)) return false;
  if (tie_parent(tie) == tie_holder(tie)) return !tie_parent_is_given(tie);
  return !tie_parent(tie)->kept;
}

/* The column is given with a foreign key that has to wait. */
static bool column_waits(const Object *object, const Column *column) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (!tie->made && columns_contain(tie_columns(tie), column) &&
        !column->not_null && !column->key_position && tie_waits(tie))
      return true;
  return false;
}

/* A row that is there is known by it, so it stays. */
static bool column_stays(const Object *object, const Column *column) {
  const Table *table = object->frame->table;
  return object->found &&
         (columns_contain(&table->primary_key, column) ||
          column == &table->rowid ||
          columns_contain(frame_key(object->frame, object->by), column));
}

/* The row has another key than the one that it would have to have. */
static void refuse_key(Persisting *persisting, const Tie *tie) {
  Failure *failure = persisting->failure;
  Key source = tie_source_key(failure, persisting->arena, tie);
  Key target = tie_target_key(failure, persisting->arena, tie);
  LinkOrder order = {.connection = persisting->connection,
                     .relationship = tie->listing->relationship};
  if (!failure->code) link_keys(failure, &order, &source, &target, true);
  object_prefix(failure, persisting->graph, tie->target, NULL);
}

static void fail_no_key(Persisting *persisting, const Object *object,
                        const Tie *tie, const Column *column) {
  const Table *parent = tie_parent(tie)->frame->table;
  failure_set(persisting->failure, SQLITE_CONSTRAINT,
              "%s: the row of %s has no %s, by which it would be linked: give "
              "it one",
              tie->listing->relationship->full_name, parent->name,
              column->name);
  object_prefix(persisting->failure, persisting->graph, object, NULL);
}

/* One column of the foreign key has the value that the parent has. */
static void say_reference(Persisting *persisting, const Object *object,
                          const Tie *tie, int i) {
  const Column *column = tie_columns(tie)->list[i];
  const Column *key = tie_key(tie)->list[i];
  const Value *value = tie->plain
                           ? &object->values[form_place(object->form, column)]
                           : object_value(tie_parent(tie), key);
  int place = said_place(persisting, column);
  if (value->type == SQLITE_NULL) {
    fail_no_key(persisting, object, tie, key);
  } else if (place >= 0) {
    if (!value_matches(key, &persisting->values[place], value))
      agreement_fail_key(persisting->failure, persisting->graph, object,
                         tie->listing->relationship, column,
                         &persisting->values[place], value);
  } else if (!column_stays(object, column)) {
    say_column(persisting, column, value);
  } else if (object_value(object, column) &&
             !value_matches(key, object_value(object, column), value)) {
    refuse_key(persisting, tie);
  }
}

/* What is given of the key is what the row it refers to says. */
static void check_given(Persisting *persisting, const Object *object,
                        const Tie *tie) {
  const Columns *columns = tie_columns(tie), *key = tie_key(tie);
  for (int i = 0; i < columns->count && !persisting->failure->code; i++) {
    int place = form_place(object->form, columns->list[i]);
    const Value *value = object_value(tie_parent(tie), key->list[i]);
    if (place >= 0 &&
        !value_matches(key->list[i], &object->values[place], value))
      agreement_fail_key(persisting->failure, persisting->graph, object,
                         tie->listing->relationship, columns->list[i],
                         &object->values[place], value);
  }
}

static void say_tie(Persisting *persisting, const Object *object, Tie *tie) {
  tie->said = !tie->made && !tie_waits(tie) && tie_parent_is_given(tie);
  if (!tie->said) return;
  check_given(persisting, object, tie);
  for (int i = 0; i < tie_key(tie)->count && !persisting->failure->code; i++)
    say_reference(persisting, object, tie, i);
}

/* A to-one that is to lead to no row. */
static bool is_cleared(const Listing *listing) {
  return listing->empty && link_is_source(listing->relationship);
}

/* ... of a row that is there, by a foreign key that can't be NULL. */
static void refuse_clearing(Persisting *persisting, const Object *object,
                            const Listing *listing) {
  const Columns *columns = &listing->relationship->target_link;
  if (!object->found || generate_can_unlink(listing->relationship)) return;
  const Column *column = columns->list[0];
  failure_set(persisting->failure, SQLITE_CONSTRAINT_NOTNULL,
              column_stays(object, column)
                  ? "%s can't be null: %s(%s) is the key of its row"
                  : "%s can't be null: %s(%s) is NOT NULL",
              listing->relationship->full_name, object->frame->table->name,
              column->name);
  listing_prefix(persisting->failure, persisting->graph, listing);
}

static void say_cleared(Persisting *persisting, const Object *object) {
  const Value null = {.type = SQLITE_NULL};
  for (const Listing *listing = object->listings; listing;
       listing = listing->of_object) {
    if (!is_cleared(listing)) continue;
    const Relationship *r = listing->relationship;
    refuse_clearing(persisting, object, listing);
    for (int i = 0; i < r->target_link.count; i++)
      if (generate_clears(r, r->target_link.list[i]) &&
          said_place(persisting, r->target_link.list[i]) < 0)
        say_column(persisting, r->target_link.list[i], &null);
  }
}

static void say_links(Persisting *persisting, const Object *object) {
  for (Tie *tie = object->held; tie && !persisting->failure->code;
       tie = tie->of_holder)
    say_tie(persisting, object, tie);
  say_cleared(persisting, object);
}

/* What has been said is so. */
static void ties_are_made(const Object *object) {
  for (Tie *tie = object->held; tie; tie = tie->of_holder) {
    tie->made |= tie->said;
    tie->said = false;
  }
}

/* A UNIQUE key, or a rule, may allow it when other rows have gone. */
static bool has_patience(Persisting *persisting) {
  int code = persisting->failure->code;
  if (!persisting->patient ||
      sqlite3_get_autocommit(persisting->connection->db))
    return false;
  if (code != SQLITE_CONSTRAINT_UNIQUE &&
      code != SQLITE_CONSTRAINT_PRIMARYKEY && code != SQLITE_CONSTRAINT_TRIGGER)
    return false;
  failure_clear(persisting->failure);
  return true;
}

/* ---- what is run ---- */

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

static void make_room(Persisting *persisting, const Object *object) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (tie->said) parting_make_room(persisting, tie);
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
  failure_set_text(failure, SQLITE_CONSTRAINT_FOREIGNKEY, text);
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

static void explain_row(Persisting *persisting, const Object *object) {
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
    prefix_row(persisting, object);
  object_prefix(failure, persisting->graph, object, NULL);
}

/* The columns that are kept, of the row that was inserted last. */
static void keep_again(Persisting *persisting, Object *object) {
  Forms *forms = &persisting->graph->forms;
  const Value number = {
      .type = SQLITE_INTEGER,
      .integer = sqlite3_last_insert_rowid(persisting->connection->db)};
  sqlite3_stmt *find =
      frame_find_number(persisting->failure, forms, object->frame);
  if (!find) return;
  value_bind(persisting->failure, find, 1, &number);
  if (statement_step(persisting->failure, find))
    object_keep(persisting->failure, persisting->arena, object, find);
  cache_give(persisting->connection->cache, find);
}

/* A trigger may have made a key after RETURNING has seen that there is none. */
static void check_kept(Persisting *persisting, Object *object) {
  const Columns *kept = &object->frame->kept,
                *key = &object->frame->table->row_key;
  bool complete = true;
  for (int i = 0; i < kept->count; i++)
    complete = complete && object->kept[i].type != SQLITE_NULL;
  if (complete) return;
  keep_again(persisting, object);
  for (int i = 0; i < key->count && !persisting->failure->code; i++)
    if (object->kept[i].type == SQLITE_NULL)
      failure_set(persisting->failure, SQLITE_CONSTRAINT_NOTNULL,
                  "it has no %s, which is its key: give it one",
                  key->list[i]->name);
}

/* What is kept of the row that has been inserted; false if a trigger has skipped
** it. */
static bool keep_inserted(Persisting *persisting, Object *object,
                          sqlite3_stmt *insert) {
  Failure *failure = persisting->failure;
  if (!object->frame->by_rowid) {
    if (!statement_step(failure, insert)) return false;
    object_keep(failure, persisting->arena, object, insert);
    while (statement_step(failure, insert)) continue;
    if (!failure->code) check_kept(persisting, object);
    return true;
  }
  sqlite3 *db = persisting->connection->db;
  statement_step(failure, insert);
  if (failure->code || !sqlite3_changes64(db)) return false;
  object->kept = arena_take(failure, persisting->arena, sizeof(Value));
  if (object->kept)
    *object->kept = (Value){.type = SQLITE_INTEGER,
                            .integer = sqlite3_last_insert_rowid(db)};
  return true;
}

static void insert_row(Persisting *persisting, Object *object) {
  Failure *failure = persisting->failure;
  sqlite3_stmt *insert = NULL;
  Form *form = failure->code ? NULL : said_form(persisting, object);
  if (form) insert = form_insert(failure, &persisting->graph->forms, form);
  bind_said(persisting, insert);
  bool made = insert && keep_inserted(persisting, object, insert);
  if (!made)
    failure_set(failure, SQLITE_CONSTRAINT_TRIGGER, "a trigger skips it");
  if (insert) sqlite3_reset(insert);
}

bool record_insert(Persisting *persisting, Object *object) {
  persisting->said = 0;
  for (int i = 0; i < object->form->columns.count; i++)
    if (!column_waits(object, object->form->columns.list[i]))
      say_column(persisting, object->form->columns.list[i], &object->values[i]);
  say_links(persisting, object);
  check_new(persisting, object);
  if (persisting->failure->code) return true;
  make_room(persisting, object);
  insert_row(persisting, object);
  if (has_patience(persisting)) return false;
  explain_row(persisting, object);
  ties_are_made(object);
  ledger_note_row(persisting, "inserted", object);
  return true;
}

/* ---- a row that is there ---- */

/* The column is part of a foreign key that is given as a link, too. */
static bool column_is_tied(const Object *object, const Column *column) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (columns_contain(tie_columns(tie), column)) return true;
  return false;
}

static void say_rest(Persisting *persisting, const Object *object) {
  persisting->said = 0;
  for (int i = 0; i < object->form->columns.count; i++) {
    const Column *column = object->form->columns.list[i];
    if (!column_stays(object, column) && !column_is_tied(object, column))
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

/* A foreign key that the parent's collation takes for the same. */
static bool reference_is_same(Persisting *persisting, const Object *object,
                              int place) {
  const Column *column = persisting->columns[place], *key = NULL;
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    for (int i = 0; tie->said && !tie->plain && i < tie_key(tie)->count; i++)
      if (tie_columns(tie)->list[i] == column) key = tie_key(tie)->list[i];
  if (!key || persisting->values[place].type != SQLITE_TEXT ||
      name_equal(key->collation, "BINARY"))
    return false;
  sqlite3_stmt *statement = frame_column(
      persisting->failure, &persisting->graph->forms, object->frame, column);
  bind_row(persisting, statement, 1, object);
  bool same = false;
  if (statement_step(persisting->failure, statement)) {
    Value stored = value_of_column(persisting->failure, statement, 0);
    same = value_matches(key, &stored, &persisting->values[place]);
  }
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
    if (!sqlite3_column_int(compare, i) &&
        !json_is_same(persisting, object, i) &&
        !reference_is_same(persisting, object, i))
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

/* The statement updates one of the columns. */
static bool some_said(const Persisting *persisting, const Columns *columns) {
  for (int i = 0; i < columns->count; i++)
    if (said_place(persisting, columns->list[i]) >= 0) return true;
  return false;
}

/* The foreign key gets another value. */
static bool tie_changes(const Persisting *persisting, const Tie *tie) {
  return tie->said && some_said(persisting, tie_columns(tie));
}

/* Another link of a one-to-one may have gone for this one. */
static bool takes_place(const Persisting *persisting, const Object *object) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (tie_changes(persisting, tie) &&
        tie->listing->relationship->cardinality == ONE_TO_ONE)
      return true;
  return false;
}

/* What a foreign key that becomes NULL has referred to. */
typedef struct Cleared {
  struct Cleared *next;
  const Listing *listing;
  Key source, target;
} Cleared;

static Cleared *find_cleared(Persisting *persisting, const Object *object) {
  Cleared *first = NULL;
  for (const Listing *listing = object->listings; listing;
       listing = listing->of_object) {
    const Relationship *r = listing->relationship;
    if (!is_cleared(listing) || !some_said(persisting, &r->target_link))
      continue;
    Cleared *cleared =
        arena_take(persisting->failure, persisting->arena, sizeof(*cleared));
    if (!cleared) break;
    *cleared = (Cleared){.next = first, .listing = listing};
    cleared->source = object_key(persisting->failure, persisting->arena, object,
                                 &r->source_key);
    if (parting_find(persisting, r, &cleared->source, &cleared->target))
      first = cleared;
  }
  return first;
}

/* Something is updated that is no link of the documents. */
static bool changes_columns(const Persisting *persisting, const Object *object,
                            const Cleared *cleared) {
  int links = 0;
  for (int i = 0; i < persisting->said; i++) {
    bool link = false;
    for (const Tie *tie = object->held; tie && !link; tie = tie->of_holder)
      link = tie->said && !tie->plain &&
             columns_contain(tie_columns(tie), persisting->columns[i]);
    for (const Cleared *one = cleared; one && !link; one = one->next)
      link = columns_contain(&one->listing->relationship->target_link,
                             persisting->columns[i]);
    links += link;
  }
  return links < persisting->said;
}

/* The documents say the same link from the other end as well. */
static bool is_again(const Object *object, const Tie *tie) {
  const Tie *first = object->held;
  while (first->plain || !tie_is_of(first, tie->listing->relationship))
    first = first->of_holder;
  return first != tie;
}

/* Notes what an UPDATE has done. */
static void note_update(Persisting *persisting, const Object *object,
                        const Cleared *cleared) {
  Failure *failure = persisting->failure;
  for (const Tie *tie = object->held; tie && !failure->code;
       tie = tie->of_holder) {
    if (tie->plain || !tie_changes(persisting, tie) || is_again(object, tie))
      continue;
    Key source = tie_source_key(failure, persisting->arena, tie);
    Key target = tie_target_key(failure, persisting->arena, tie);
    ledger_note(persisting, "linked", tie->listing->relationship->full_name,
                &source, &target, tie->target);
  }
  for (const Cleared *one = cleared; one; one = one->next)
    ledger_note(persisting, "unlinked", one->listing->relationship->full_name,
                &one->source, &one->target, NULL);
  if (changes_columns(persisting, object, cleared))
    ledger_note_row(persisting, "updated", object);
}

/* Says of which link it was, if it was of one. */
static void explain_update(Persisting *persisting, const Object *object,
                           const Cleared *cleared) {
  Failure *failure = persisting->failure;
  if (!failure->code) return;
  const Tie *changed = NULL;
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (!tie->plain && tie_changes(persisting, tie)) changed = tie;
  if ((!changed && !cleared) || failure->code == SQLITE_CONSTRAINT_CHECK) {
    explain_row(persisting, object);
    return;
  }
  Failure none = {0, NULL};
  LinkOrder order = {.connection = persisting->connection,
                     .relationship = changed ? changed->listing->relationship
                                             : cleared->listing->relationship};
  Key source = changed ? tie_source_key(&none, persisting->arena, changed)
                       : cleared->source;
  Key target = changed ? tie_target_key(&none, persisting->arena, changed)
                       : cleared->target;
  if (!none.code) link_explain_pair(failure, &order, &source, &target);
  failure_clear(&none);
  object_prefix(failure, persisting->graph, changed ? changed->target : object,
                NULL);
}

/* The row may go with its last link, where that is how orphans end. */
static void note_orphan(Persisting *persisting, Object *object) {
  const Model *model = persisting->graph->forms.model;
  bool cleared = false, orphans = false;
  for (int i = 0; i < persisting->said; i++)
    cleared = cleared || persisting->values[i].type == SQLITE_NULL;
  for (int i = 0; cleared && i < model->relationship_count; i++) {
    const Relationship *r = &model->relationships[i];
    orphans = orphans || (r->target == object->frame->table &&
                          link_is_target(r) && !r->problem && !r->derived &&
                          some_said(persisting, &r->source_link) &&
                          parting_orphans(persisting, r));
  }
  if (!orphans || persisting->failure->code) return;
  Key row = object_row_key(persisting->failure, persisting->arena, object);
  object->gone = parting_note(persisting, &row);
}

/* Updates what is said and differs. */
static bool write_differences(Persisting *persisting, Object *object) {
  Failure *failure = persisting->failure;
  if (!persisting->said || failure->code) return true;
  if (!say_differences(persisting, object))
    record_fail_gone(persisting, object);
  explain_row(persisting, object);
  if (!persisting->said || failure->code) return true;
  make_room(persisting, object);
  const Cleared *cleared = find_cleared(persisting, object);
  sqlite3_stmt *update = NULL;
  Form *form = said_form(persisting, object);
  if (form) update = form_update(failure, &persisting->graph->forms, form);
  int next = bind_said(persisting, update);
  bind_row(persisting, update, next, object);
  bool changed = statement_step(failure, update);
  if (changed) object_keep(failure, persisting->arena, object, update);
  while (changed && statement_step(failure, update)) continue;
  if (!changed && takes_place(persisting, object))
    failure_set(failure, SQLITE_CONSTRAINT_TRIGGER,
                "a trigger skips it, and another link would be lost");
  if (update) sqlite3_reset(update);
  if (has_patience(persisting)) return false;
  explain_update(persisting, object, cleared);
  if (!changed || failure->code) return true;
  note_update(persisting, object, cleared);
  note_orphan(persisting, object);
  return true;
}

bool record_update(Persisting *persisting, Object *object) {
  say_rest(persisting, object);
  say_links(persisting, object);
  if (!write_differences(persisting, object)) return false;
  ties_are_made(object);
  return true;
}

void record_complete(Persisting *persisting, Object *object) {
  persisting->said = 0;
  for (Tie *tie = object->held; tie && !persisting->failure->code;
       tie = tie->of_holder)
    say_tie(persisting, object, tie);
  write_differences(persisting, object);
  ties_are_made(object);
}

bool record_rekey(Persisting *persisting, Object *object) {
  const Columns *kept = &object->frame->kept;
  sqlite3_int64 count = persisting->count;
  persisting->said = 0;
  for (int i = 0; i < kept->count; i++) {
    int place = form_place(object->form, kept->list[i]);
    if (place >= 0 && !column_stays(object, kept->list[i]) &&
        !column_is_tied(object, kept->list[i]))
      say_column(persisting, kept->list[i], &object->values[place]);
  }
  write_differences(persisting, object);
  object->rekeyed = persisting->count > count;
  return object->rekeyed;
}

/* The row's own key, as what it refers to has it now. */
static Key followed_key(Persisting *persisting, const Object *object) {
  Key key = object_row_key(persisting->failure, persisting->arena, object);
  Value *values = arena_take(persisting->failure, persisting->arena,
                             key.columns->count * (sqlite3_int64)sizeof(Value));
  for (int i = 0; values && i < key.columns->count; i++) {
    values[i] = key_values(&key)[i];
    for (const Tie *tie = object->held; tie; tie = tie->of_holder)
      for (int j = 0; tie_parent(tie)->rekeyed && j < tie_key(tie)->count; j++)
        if (tie_columns(tie)->list[j] == key.columns->list[i])
          values[i] = *object_value(tie_parent(tie), tie_key(tie)->list[j]);
  }
  key.values = values;
  return key;
}

void record_follow(Persisting *persisting, Object *object) {
  bool follows = false;
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    for (int i = 0; tie_parent(tie)->rekeyed && i < tie_key(tie)->count; i++)
      if (frame_place(object->frame, tie_columns(tie)->list[i]) >= 0)
        follows = true;
  if (!follows) return;
  Key before = object_row_key(persisting->failure, persisting->arena, object);
  Key after = followed_key(persisting, object);
  if (key_exists(persisting->failure, persisting->connection, &before) ||
      !key_exists(persisting->failure, persisting->connection, &after))
    return;
  for (int i = 0; i < after.columns->count; i++)
    object->kept[i] = after.values[i];
}

/* What stands in the documents has not gone with what does not. */
void record_check(Persisting *persisting, const Object *object) {
  if (persisting->failure->code || object->gone) return;
  Key key = object_row_key(persisting->failure, persisting->arena, object);
  if (key_exists(persisting->failure, persisting->connection, &key)) return;
  record_fail_gone(persisting, object);
  explain_row(persisting, object);
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
