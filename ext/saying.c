/*
** saying.c: what is said of the row of an object.
**
** Columns that the object gives, and its foreign keys as the rows that they refer to
** have it: what a statement is to write.  A row that is there keeps the columns by
** which it is known.  Of the rest only what differs stays said; SQLite compares, since
** only it knows what a column makes of a value.
*/
#include "relate_int.h"

/* Room for everything that can be said of a row. */
void saying_open(Persisting *persisting) {
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

void say_column(Persisting *persisting, const Column *column,
                const Value *value) {
  Value said = *value;
  if (column->affinity == 'E' && said.type == SQLITE_INTEGER)
    said = (Value){.type = SQLITE_FLOAT, .real = (double)said.integer};
  persisting->columns[persisting->said] = column;
  persisting->values[persisting->said++] = said;
}

int said_place(const Persisting *persisting, const Column *column) {
  for (int i = 0; i < persisting->said; i++)
    if (persisting->columns[i] == column) return i;
  return -1;
}

/* ---- foreign keys ---- */

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
bool column_stays(const Object *object, const Column *column) {
  const Table *table = object->frame->table;
  if (!object->found) return false;
  if (columns_contain(&table->primary_key, column) || column == &table->rowid)
    return true;
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (tie_parent(tie)->rekeyed && columns_contain(tie_columns(tie), column))
      return false;
  return object_is_found_by(object, column);
}

/* The row has another key than the one that it would have to have. */
static void refuse_key(Persisting *persisting, const Tie *tie) {
  Failure *failure = persisting->failure;
  Key source = tie_source_key(failure, persisting->arena, tie);
  Key target = tie_target_key(failure, persisting->arena, tie);
  LinkOrder order = {.connection = persisting->connection,
                     .relationship = tie->listing->relationship};
  if (!failure->code) link_keys(failure, &order, &source, &target, true);
  failure_set(failure, SQLITE_CONSTRAINT, "%s: its key can't be changed",
              tie->listing->relationship->full_name);
  object_prefix(failure, persisting->graph, tie->target, NULL);
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
    agreement_fail_no_key(persisting->failure, tie->listing->relationship, key);
    object_prefix(persisting->failure, persisting->graph, object, NULL);
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

/* A row that is there is to lead to none, by a foreign key that can't be NULL. */
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
    if (!listing_clears(listing)) continue;
    const Relationship *r = listing->relationship;
    refuse_clearing(persisting, object, listing);
    for (int i = 0; i < r->target_link.count; i++)
      if (generate_clears(r, r->target_link.list[i]) &&
          said_place(persisting, r->target_link.list[i]) < 0)
        say_column(persisting, r->target_link.list[i], &null);
  }
}

void say_ties(Persisting *persisting, const Object *object) {
  for (Tie *tie = object->held; tie && !persisting->failure->code;
       tie = tie->of_holder)
    say_tie(persisting, object, tie);
}

void say_links(Persisting *persisting, const Object *object) {
  say_ties(persisting, object);
  say_cleared(persisting, object);
}

/* What has been said is so. */
void ties_are_made(const Object *object) {
  for (Tie *tie = object->held; tie; tie = tie->of_holder) {
    tie->made |= tie->said;
    tie->said = false;
  }
}

/* ---- columns ---- */

void say_given(Persisting *persisting, const Object *object) {
  persisting->said = 0;
  for (int i = 0; i < object->form->columns.count; i++)
    if (!column_waits(object, object->form->columns.list[i]))
      say_column(persisting, object->form->columns.list[i], &object->values[i]);
}

/* The column is part of a foreign key that is given as a link, too. */
bool column_is_tied(const Object *object, const Column *column) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (columns_contain(tie_columns(tie), column)) return true;
  return false;
}

void say_rest(Persisting *persisting, const Object *object) {
  persisting->said = 0;
  for (int i = 0; i < object->form->columns.count; i++) {
    const Column *column = object->form->columns.list[i];
    if (!column_stays(object, column) && !column_is_tied(object, column))
      say_column(persisting, column, &object->values[i]);
  }
}

/* The statement updates one of the columns. */
bool said_some(const Persisting *persisting, const Columns *columns) {
  for (int i = 0; i < columns->count; i++)
    if (said_place(persisting, columns->list[i]) >= 0) return true;
  return false;
}

/* ---- statements ---- */

/* The form of what is said. */
Form *said_form(Persisting *persisting, const Object *object) {
  return forms_form(persisting->failure, &persisting->graph->forms,
                    object->frame, persisting->said, persisting->columns);
}

/* The number of the next parameter. */
int said_bind(Persisting *persisting, sqlite3_stmt *statement) {
  for (int i = 0; i < persisting->said; i++)
    value_bind(persisting->failure, statement, i + 1, &persisting->values[i]);
  return persisting->said + 1;
}

void said_bind_row(Persisting *persisting, sqlite3_stmt *statement,
                   int parameter, const Object *object) {
  for (int i = 0; i < object->frame->table->row_key.count; i++)
    value_bind(persisting->failure, statement, parameter + i, &object->kept[i]);
}

/* ---- what differs ---- */

/* A column with JSON that says the same in other words. */
static bool json_is_same(Persisting *persisting, const Object *object,
                         int place) {
  if (!persisting->values[place].json) return false;
  sqlite3_stmt *statement =
      frame_compare_json(persisting->failure, &persisting->graph->forms,
                         object->frame, persisting->columns[place]);
  value_bind(persisting->failure, statement, 1, &persisting->values[place]);
  said_bind_row(persisting, statement, 2, object);
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
  said_bind_row(persisting, statement, 1, object);
  bool same = false;
  if (statement_step(persisting->failure, statement)) {
    Value stored = value_of_column(persisting->failure, statement, 0);
    same = value_matches(key, &stored, &persisting->values[place]);
  }
  cache_give(persisting->connection->cache, statement);
  return same;
}

/* Only what differs stays said; false if the row is gone. */
bool say_differences(Persisting *persisting, const Object *object) {
  Form *form = said_form(persisting, object);
  sqlite3_stmt *compare =
      form ? form_compare(persisting->failure, &persisting->graph->forms, form)
           : NULL;
  int next = said_bind(persisting, compare);
  said_bind_row(persisting, compare, next, object);
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
