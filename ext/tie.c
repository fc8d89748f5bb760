/*
** tie.c: the links of a graph, made and removed.
**
** A tie is made as relate() would, by link.c.  Where all links of a row are listed,
** those that are there and not listed go: they are read, then those that are listed
** are kept, as in relate_set().  In a relationship that may link a pair several times
** a link is known by its own row, and by the payload that is given.
*/
#include "relate_int.h"

enum { KIND_TIE_LINKS = -320, KIND_TIE_LINK };

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
                       KIND_TIE_LINK, link_rows_sql(r, &tie->payload));
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
static void tie_check_key(Persisting *persisting, const Object *holder,
                          const Tie *tie) {
  const Columns *columns = tie_columns(tie), *key = tie_key(tie);
  for (int i = 0; i < columns->count && !persisting->failure->code; i++) {
    int place = form_place(holder->form, columns->list[i]);
    const Value *value = object_value(tie_parent(tie), key->list[i]);
    if (place >= 0 && value &&
        !value_matches(key->list[i], &holder->values[place], value))
      agreement_fail_key(persisting->failure, persisting->graph, holder,
                         tie->listing->relationship, columns->list[i],
                         &holder->values[place], value);
  }
}

/* Sees to it that the two are linked. */
void tie_make(Persisting *persisting, Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  const Object *holder = tie_holder(tie);
  Failure *failure = persisting->failure;
  if (failure->code || tie->made) return;
  if (holder) tie_check_key(persisting, holder, tie);
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
    ledger_note(persisting, linked ? "updated" : "linked", r->full_name,
                &source, &target, tie->target);
}

/* ---- links that are not listed ---- */

/* A target of the relationship goes with its last link. */
static bool takes_orphans(Persisting *persisting, const Relationship *r) {
  return r->declaration && r->declaration->options &&
         strstr(r->declaration->options, "delete_orphan") &&
         catalog_option(persisting->failure, persisting->arena,
                        persisting->connection->db, r->declaration->options,
                        "delete_orphan");
}

/* Where a target goes with its last link, it gets the new one first. */
void tie_hold(Persisting *persisting, Tie *tie) {
  if (!tie_holder(tie) && object_of(tie->listing->source)->kept &&
      object_of(tie->target)->kept &&
      takes_orphans(persisting, tie->listing->relationship))
    tie_make(persisting, tie);
}

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
                       KIND_TIE_LINKS, link_rows_sql(r, NULL));
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
  key_prefix(failure, target);
  if (was_skipped(persisting)) return;
  persisting->removes = true;
  ledger_note(persisting, "deleted", leaving->relationship->target->name,
              target, NULL, NULL);
}

/* A trigger may have removed the row. */
static void note_orphan(Persisting *persisting, const Key *target) {
  if (!key_exists(persisting->failure, persisting->connection, target))
    ledger_note(persisting, "deleted", target->table->name, target, NULL, NULL);
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
                           KIND_TIE_LINK, generate_unlink_row(r));
    key_bind(failure, statement, 1, target);
  }
  link_dissolve(failure, &order, &leaving->source, target, statement);
  cache_give(persisting->connection->cache, statement);
  if (was_skipped(persisting)) return;
  if (leaving->orphans || r->cardinality == MANY_TO_MANY)
    persisting->removes = true;
  ledger_note(persisting, "unlinked", r->full_name, &leaving->source, target,
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
void listing_leave(Persisting *persisting, const Listing *listing) {
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
