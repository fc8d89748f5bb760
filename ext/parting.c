/*
** parting.c: one link of a graph, removed.
**
** The row of an association table goes, a foreign key becomes NULL.  Where the
** relationship deletes orphans, a trigger then takes the target if that was its last
** link; a target that can't be without the link is deleted at once.  Whatever goes is
** noted.
*/
#include "relate_int.h"

enum { KIND_PARTING = -325 };

/* Whether the relationship deletes orphans, which its declaration says. */
typedef struct OrphanMemo {
  struct OrphanMemo *next;
  const Relationship *relationship;
  bool deletes;
} OrphanMemo;

static bool ask_orphans(Persisting *persisting, const Relationship *r) {
  OrphanMemo *memo = persisting->orphans;
  while (memo && memo->relationship != r) memo = memo->next;
  if (memo) return memo->deletes;
  memo = arena_take(persisting->failure, persisting->arena, sizeof(*memo));
  if (!memo) return false;
  bool deletes = catalog_option(persisting->failure, persisting->arena,
                                persisting->connection->db,
                                r->declaration->options, "delete_orphan");
  *memo = (OrphanMemo){persisting->orphans, r, deletes};
  persisting->orphans = memo;
  return deletes;
}

bool parting_orphans(Persisting *persisting, const Relationship *r) {
  return r && r->declaration && r->declaration->options &&
         strstr(r->declaration->options, "delete_orphan") &&
         ask_orphans(persisting, r);
}

bool parting_deletes(Persisting *persisting, const Relationship *r) {
  return parting_orphans(persisting, r) ||
         (r->cardinality == MANY_TO_MANY &&
          parting_orphans(persisting, r->inverse));
}

/* The object gives the columns of the foreign key: all of it, or NULL. */
static bool object_gives(const Object *object, const Relationship *r,
                         const Columns *columns) {
  int given = 0;
  for (int i = 0; i < columns->count; i++) {
    int place = form_place(object->form, columns->list[i]);
    bool null = place >= 0 && object->values[place].type == SQLITE_NULL;
    if (null && generate_clears(r, columns->list[i])) return true;
    given += place >= 0 && !null;
  }
  return given == columns->count;
}

/* The object says of the foreign key what it is to be. */
static bool object_says(const Object *object, const Relationship *r,
                        const Columns *columns) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (tie_is_of(tie, r)) return true;
  for (const Listing *listing = object->listings; listing;
       listing = listing->of_object)
    if (listing->empty && listing->relationship == r->inverse) return true;
  return object_gives(object, r, columns);
}

bool parting_moves(Persisting *persisting, const Relationship *r,
                   const Key *target) {
  const Columns *key = &r->target->row_key;
  const Value *values[16];
  const Frame *frame =
      forms_frame(persisting->failure, &persisting->graph->forms, r->target);
  if (!link_is_target(r) || !frame || key->count > 16 ||
      !columns_same(key, &r->target_key))
    return false;
  for (int i = 0; i < key->count; i++) values[i] = &key_values(target)[i];
  const Object *object =
      graph_find(persisting->failure, persisting->graph, frame, 0, values);
  return object && object_says(object, r, &r->source_link);
}

/* No new row is to have its number: something may still refer to that. */
static void note_deleted(Persisting *persisting, const Key *row) {
  Frame *frame =
      forms_frame(persisting->failure, &persisting->graph->forms, row->table);
  const Value *number = key_values(row);
  persisting->removes = true;
  if (frame && frame->is_numbered && number->type == SQLITE_INTEGER &&
      number->integer > frame->given)
    frame->given = number->integer;
  ledger_note(persisting, "deleted", row->table->name, row, NULL, NULL);
}

bool parting_note(Persisting *persisting, const Key *row) {
  Failure *failure = persisting->failure;
  if (key_exists(failure, persisting->connection, row) || failure->code)
    return false;
  note_deleted(persisting, row);
  return true;
}

/* A trigger has kept the row from going. */
static bool was_skipped(const Persisting *persisting) {
  return !persisting->failure->code &&
         !sqlite3_changes64(persisting->connection->db);
}

/* The row that holds the foreign key goes. */
static void delete_target(Persisting *persisting, const Key *target) {
  Failure *failure = persisting->failure;
  Forms *forms = &persisting->graph->forms;
  const Frame *frame = forms_frame(failure, forms, target->table);
  sqlite3_stmt *statement = frame ? frame_delete(failure, forms, frame) : NULL;
  key_bind(failure, statement, 1, target);
  while (statement_step(failure, statement)) continue;
  cache_give(persisting->connection->cache, statement);
  key_prefix(failure, target);
  if (was_skipped(persisting)) return;
  note_deleted(persisting, target);
}

/* The statement that removes the link, all bound. */
static sqlite3_stmt *unlink_statement(Persisting *persisting,
                                      const Relationship *r, const Key *source,
                                      const Key *target) {
  Failure *failure = persisting->failure;
  if (!r->pair_unique) {
    sqlite3_stmt *statement = cache_text(failure, persisting->connection->cache,
                                         KIND_PARTING, generate_unlink_row(r));
    key_bind(failure, statement, 1, target);
    return statement;
  }
  if (!generate_can_unlink(r)) return NULL;
  sqlite3_stmt *statement =
      connection_statement(failure, persisting->connection, r, GENERATE_UNLINK);
  int next = key_bind(failure, statement, 1, source);
  key_bind(failure, statement, next, target);
  return statement;
}

/* The key of the target of a link that is known by its own row, in the arena. */
static Key linked_target(Persisting *persisting, const Relationship *r,
                         const Key *row) {
  Failure *failure = persisting->failure;
  int count = r->target_link.count;
  Key target = {.table = r->target, .columns = &r->target_key};
  target.values = arena_take(failure, persisting->arena,
                             count * (sqlite3_int64)sizeof(Value));
  sqlite3_stmt *statement =
      cache_text(failure, persisting->connection->cache, KIND_PARTING,
                 clause_row(r->link, &r->target_link, row->columns));
  key_bind(failure, statement, 1, row);
  if (statement_step(failure, statement))
    values_keep(failure, persisting->arena, statement, target.values, count);
  cache_give(persisting->connection->cache, statement);
  return target;
}

/* Notes that the link has gone, and who has gone with it. */
static bool note_unlinked(Persisting *persisting, const Relationship *r,
                          const Key *source, const Key *target) {
  ledger_note(persisting, "unlinked", r->full_name, source, target, NULL);
  if (parting_orphans(persisting, r)) parting_note(persisting, target);
  return r->cardinality == MANY_TO_MANY &&
         parting_orphans(persisting, r->inverse) &&
         parting_note(persisting, source);
}

bool parting_unlink(Persisting *persisting, const Relationship *r,
                    const Key *source, const Key *link) {
  Failure *failure = persisting->failure;
  LinkOrder order = {.connection = persisting->connection, .relationship = r};
  if (!generate_can_unlink(r) && parting_orphans(persisting, r)) {
    delete_target(persisting, link);
    return false;
  }
  Key target = r->pair_unique ? *link : linked_target(persisting, r, link);
  sqlite3_stmt *statement = unlink_statement(persisting, r, source, link);
  link_dissolve(failure, &order, source, link, statement);
  cache_give(persisting->connection->cache, statement);
  if (failure->code == SQLITE_CONSTRAINT_NOTNULL && link_is_target(r))
    failure_append(
        failure, "; with relationship('%s', 'delete_orphan', 1) it is deleted",
        r->full_name);
  if (failure->code || was_skipped(persisting)) return false;
  if (r->cardinality == MANY_TO_MANY) persisting->removes = true;
  return note_unlinked(persisting, r, source, &target);
}

bool parting_find(Persisting *persisting, const Relationship *r,
                  const Key *source, Key *target) {
  Failure *failure = persisting->failure;
  const Columns *columns = &r->target_key;
  Value *values = arena_take(failure, persisting->arena,
                             columns->count * (sqlite3_int64)sizeof(Value));
  sqlite3_stmt *targets = connection_statement(failure, persisting->connection,
                                               r, GENERATE_TARGETS);
  key_bind(failure, targets, 1, source);
  bool found = statement_step(failure, targets);
  if (found)
    values_keep(failure, persisting->arena, targets, values, columns->count);
  cache_give(persisting->connection->cache, targets);
  if (!found || failure->code) return false;
  *target = (Key){.table = r->target,
                  .columns = columns,
                  .single = values[0],
                  .values = columns->count == 1 ? NULL : values};
  return true;
}

/* The row is that of the object. */
static bool is_own_row(const Object *object, const Key *row) {
  for (int i = 0; i < row->columns->count; i++) {
    const Value *value = object_value(object, row->columns->list[i]);
    if (!value || !value_same(value, &key_values(row)[i])) return false;
  }
  return object->kept != NULL;
}

void parting_make_room(Persisting *persisting, const Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  if (r->cardinality != ONE_TO_ONE || tie->plain) return;
  if (link_is_source(r)) r = r->inverse;
  if (!r || !tie_parent(tie)->kept ||
      !(generate_can_unlink(r) || parting_orphans(persisting, r)))
    return;
  Key partner, parent = object_key(persisting->failure, persisting->arena,
                                   tie_parent(tie), &r->source_key);
  if (!parting_find(persisting, r, &parent, &partner) ||
      is_own_row(tie_holder(tie), &partner) ||
      (parting_orphans(persisting, r) &&
       parting_moves(persisting, r, &partner)))
    return; /* it makes room itself */
  parting_unlink(persisting, r, &parent, &partner);
}
