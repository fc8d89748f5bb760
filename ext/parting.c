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

bool parting_orphans(Persisting *persisting, const Relationship *r) {
  return r->declaration && r->declaration->options &&
         strstr(r->declaration->options, "delete_orphan") &&
         catalog_option(persisting->failure, persisting->arena,
                        persisting->connection->db, r->declaration->options,
                        "delete_orphan");
}

bool parting_note(Persisting *persisting, const Key *row) {
  Failure *failure = persisting->failure;
  if (key_exists(failure, persisting->connection, row) || failure->code)
    return false;
  persisting->removes = true;
  ledger_note(persisting, "deleted", row->table->name, row, NULL, NULL);
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
  persisting->removes = true;
  ledger_note(persisting, "deleted", target->table->name, target, NULL, NULL);
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

void parting_unlink(Persisting *persisting, const Relationship *r,
                    const Key *source, const Key *target) {
  Failure *failure = persisting->failure;
  bool orphans = parting_orphans(persisting, r);
  LinkOrder order = {.connection = persisting->connection, .relationship = r};
  if (orphans && !generate_can_unlink(r)) {
    delete_target(persisting, target);
    return;
  }
  sqlite3_stmt *statement = unlink_statement(persisting, r, source, target);
  link_dissolve(failure, &order, source, target, statement);
  cache_give(persisting->connection->cache, statement);
  if (failure->code == SQLITE_CONSTRAINT_NOTNULL && link_is_target(r))
    failure_append(
        failure, "; with relationship('%s', 'delete_orphan', 1) it is deleted",
        r->full_name);
  if (was_skipped(persisting)) return;
  if (r->cardinality == MANY_TO_MANY) persisting->removes = true;
  ledger_note(persisting, "unlinked", r->full_name, source, target, NULL);
  if (orphans && r->pair_unique) parting_note(persisting, target);
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
  for (int i = 0; found && values && i < columns->count; i++)
    values[i] = value_keep(failure, persisting->arena,
                           value_of_column(failure, targets, i));
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
  if (r->cardinality != ONE_TO_ONE) return;
  if (link_is_source(r)) r = r->inverse;
  if (!r || !tie_parent(tie)->kept || !generate_can_unlink(r)) return;
  Key partner, parent = object_key(persisting->failure, persisting->arena,
                                   tie_parent(tie), &r->source_key);
  if (parting_find(persisting, r, &parent, &partner) &&
      !is_own_row(tie_holder(tie), &partner))
    parting_unlink(persisting, r, &parent, &partner);
}
