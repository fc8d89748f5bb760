/*
** record.c: one row of a graph, written.
**
** One statement writes the columns of a row and its foreign keys: a CHECK, a UNIQUE
** key and a trigger see the row as it is to be.  A new row is inserted with all that
** is said of it, but for foreign keys that have to wait, see persist.c.  Of a row that
** is there only what differs is updated.  A one-to-one makes room first.
*/
#include "relate_int.h"

#include <stdint.h>

static void make_room(Persisting *persisting, const Object *object) {
  Failure *failure = persisting->failure;
  for (const Tie *tie = object->held; tie && !failure->code;
       tie = tie->of_holder) {
    if (!tie->said) continue;
    parting_make_room(persisting, tie);
    object_prefix(failure, persisting->graph, tie->target, NULL);
  }
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
    if (link_is_source(listing->relationship) &&
        !(listing->ties && listing->ties->plain))
      return false;
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

static void check_new(Persisting *persisting, const Object *object) {
  Failure *failure = persisting->failure;
  const Table *table = object->frame->table;
  if (failure->code) return;
  if (is_key_alone(object)) {
    refuse_key_alone(persisting, table);
  } else if (says_nothing(object)) {
    failure_set(failure, SQLITE_ERROR,
                "nothing is given of the row of %s: give its key, or its "
                "columns",
                table->name);
  }
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

/* The table has triggers, and others refer to more than the key of its rows. */
static bool has_triggers(Persisting *persisting, Frame *frame) {
  if (frame->kept.count == frame->table->row_key.count) return false;
  if (frame->triggers) return frame->triggers > 0;
  sqlite3_stmt *statement = statement_format(
      persisting->failure, persisting->connection->db, STATEMENT_PLAIN,
      "SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger'"
      " AND lower(tbl_name) = lower(%Q)",
      frame->table->name);
  frame->triggers = statement_step(persisting->failure, statement) ? 1 : -1;
  sqlite3_finalize(statement);
  return frame->triggers > 0;
}

/* A trigger may have changed a key after RETURNING has seen it. */
static void check_kept(Persisting *persisting, Object *object) {
  const Columns *kept = &object->frame->kept,
                *key = &object->frame->table->row_key;
  bool complete = true;
  for (int i = 0; i < kept->count; i++)
    complete = complete && object->kept[i].type != SQLITE_NULL;
  if (complete && !has_triggers(persisting, object->frame)) return;
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
  said_bind(persisting, insert);
  persisting_start(persisting);
  bool made = insert && keep_inserted(persisting, object, insert);
  if (!made)
    failure_set(failure, SQLITE_CONSTRAINT_TRIGGER,
                "a trigger skips it, or ON CONFLICT IGNORE");
  if (insert) sqlite3_reset(insert);
}

/* The greatest key that SQLite would not make again. */
static sqlite3_int64 greatest_key(Persisting *persisting, const Table *table) {
  bool counts = sqlite3_strlike("%autoincrement%", table->sql, 0) == 0;
  const char *name = table->row_key.list[0]->name;
  sqlite3_stmt *statement =
      counts ? statement_format(
                   persisting->failure, persisting->connection->db, 0,
                   "SELECT max(coalesce(max(\"%w\"), 0), coalesce((SELECT seq"
                   " FROM main.sqlite_sequence WHERE name = %Q), 0))"
                   " FROM main.\"%w\"",
                   name, table->name, table->name)
             : statement_format(persisting->failure, persisting->connection->db,
                                0, "SELECT max(\"%w\") FROM main.\"%w\"", name,
                                table->name);
  sqlite3_int64 greatest = statement_step(persisting->failure, statement)
                               ? sqlite3_column_int64(statement, 0)
                               : 0;
  sqlite3_finalize(statement);
  return greatest;
}

/* SQLite is to make no key that is given of a row which comes later, or that a row
** had which has gone. */
static void say_number(Persisting *persisting, const Object *object) {
  Frame *frame = object->frame;
  const Column *key = frame->table->row_key.list[0];
  if (!frame->given || said_place(persisting, key) >= 0 ||
      persisting->failure->code)
    return;
  const Value number = {.type = SQLITE_INTEGER, .integer = frame->given + 1};
  if (greatest_key(persisting, frame->table) < frame->given &&
      frame->given < INT64_MAX)
    say_column(persisting, key, &number);
  frame->given = 0;
}

bool record_insert(Persisting *persisting, Object *object) {
  say_given(persisting, object);
  say_links(persisting, object);
  check_new(persisting, object);
  say_number(persisting, object);
  if (persisting->failure->code) return true;
  make_room(persisting, object);
  insert_row(persisting, object);
  if (persisting_waits(persisting)) return false;
  refusal_explain(persisting, object);
  ties_are_made(object);
  ledger_note_row(persisting, "inserted", object);
  return true;
}

/* ---- a row that is there ---- */

/* The foreign key gets another value. */
static bool tie_changes(const Persisting *persisting, const Tie *tie) {
  return tie->said && said_some(persisting, tie_columns(tie));
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
    if (!listing_clears(listing) || !said_some(persisting, &r->target_link))
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
  if ((!changed && !cleared) || failure->code == SQLITE_CONSTRAINT_CHECK ||
      failure->code == SQLITE_CONSTRAINT_FOREIGNKEY) {
    refusal_explain(persisting, object);
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
                          said_some(persisting, &r->source_link) &&
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
  if (!say_differences(persisting, object)) refuse_gone(persisting, object);
  refusal_explain(persisting, object);
  if (!persisting->said || failure->code) return true;
  const Cleared *cleared = find_cleared(persisting, object);
  sqlite3_stmt *update = NULL;
  Form *form = said_form(persisting, object);
  if (form) update = form_update(failure, &persisting->graph->forms, form);
  int next = said_bind(persisting, update);
  said_bind_row(persisting, update, next, object);
  persisting_start(persisting);
  bool changed = statement_step(failure, update);
  if (changed) object_keep(failure, persisting->arena, object, update);
  while (changed && statement_step(failure, update)) continue;
  if (!changed && takes_place(persisting, object))
    failure_set(failure, SQLITE_CONSTRAINT_TRIGGER,
                "a trigger skips it, and another link would be lost");
  if (update) sqlite3_reset(update);
  if (persisting_waits(persisting)) return false;
  explain_update(persisting, object, cleared);
  if (!changed || failure->code) return true;
  note_update(persisting, object, cleared);
  note_orphan(persisting, object);
  return true;
}

bool record_update(Persisting *persisting, Object *object) {
  say_rest(persisting, object);
  say_links(persisting, object);
  make_room(persisting, object);
  if (!write_differences(persisting, object)) return false;
  ties_are_made(object);
  return true;
}

void record_complete(Persisting *persisting, Object *object) {
  persisting->said = 0;
  say_ties(persisting, object);
  write_differences(persisting, object);
  ties_are_made(object);
}

/* What others refer to is given, and differs. */
static bool is_rekeyed(const Object *object) {
  const Columns *kept = &object->frame->kept;
  for (int i = 0; i < kept->count; i++) {
    int place = form_place(object->form, kept->list[i]);
    if (place >= 0 && !column_stays(object, kept->list[i]) &&
        !value_is_alike(kept->list[i], &object->values[place],
                        &object->kept[i]))
      return true;
  }
  return false;
}

bool record_rekey(Persisting *persisting, Object *object) {
  sqlite3_int64 count = persisting->count;
  if (!is_rekeyed(object)) return false;
  record_update(persisting, object);
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

/* It has kept a column that refers to what has changed. */
static bool may_follow(const Object *object) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    for (int i = 0; tie_parent(tie)->rekeyed && i < tie_key(tie)->count; i++)
      if (frame_place(object->frame, tie_columns(tie)->list[i]) >= 0)
        return true;
  return false;
}

/* Keeps the row with that key; false if there is none. */
static bool keep_found(Persisting *persisting, Object *object, const Key *key) {
  Forms *forms = &persisting->graph->forms;
  sqlite3_stmt *find = frame_find(persisting->failure, forms, object->frame, 0);
  key_bind(persisting->failure, find, 1, key);
  bool found = statement_step(persisting->failure, find);
  if (found) object_keep(persisting->failure, persisting->arena, object, find);
  if (find) sqlite3_reset(find);
  return found;
}

bool record_follow(Persisting *persisting, Object *object) {
  if (object->rekeyed || !may_follow(object)) return false;
  Key before = object_row_key(persisting->failure, persisting->arena, object);
  Key after = followed_key(persisting, object);
  object->rekeyed = keep_found(persisting, object, &before) ||
                    keep_found(persisting, object, &after);
  return object->rekeyed;
}

/* What stands in the documents has not gone with what does not. */
void record_check(Persisting *persisting, const Object *object) {
  if (persisting->failure->code || object->gone) return;
  Key key = object_row_key(persisting->failure, persisting->arena, object);
  if (key_exists(persisting->failure, persisting->connection, &key)) return;
  refuse_gone(persisting, object);
  refusal_explain(persisting, object);
}
