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
    clause_same(text, "l", payload->list[i], next + i);
  }
  return sqlite3_str_finish(text);
}

/* The links that are those of the tie. */
static sqlite3_stmt *tie_links(Persisting *persisting, const Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  Key source = tie_source_key(persisting->failure, persisting->arena, tie);
  Key target = tie_target_key(persisting->failure, persisting->arena, tie);
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

static void tie_check_key(Persisting *persisting, const Tie *tie,
                          const Key *key) {
  for (int i = 0; i < key->columns->count; i++)
    if (key_values(key)[i].type == SQLITE_NULL)
      agreement_fail_no_key(persisting->failure, tie->listing->relationship,
                            key->columns->list[i]);
}

void tie_make(Persisting *persisting, Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  Failure *failure = persisting->failure;
  if (failure->code || tie->made || tie_holder(tie)) return;
  bool asks = !r->pair_unique || (persisting->log && tie->payload.count);
  bool linked = asks && tie_is_linked(persisting, tie);
  tie->made = true;
  if (failure->code || (linked && !r->pair_unique)) return;
  LinkOrder order = tie_order(persisting, tie);
  Key source = tie_source_key(failure, persisting->arena, tie);
  Key target = tie_target_key(failure, persisting->arena, tie);
  tie_check_key(persisting, tie, &source);
  tie_check_key(persisting, tie, &target);
  persisting_start(persisting);
  sqlite3_int64 made =
      failure->code ? 0 : link_keys(failure, &order, &source, &target, true);
  if (persisting_waits(persisting)) tie->made = false;
  object_prefix(failure, persisting->graph, tie->target, NULL);
  if (made)
    ledger_note(persisting, linked ? "updated" : "linked", r->full_name,
                &source, &target, tie->target);
}

/* ---- links that are not listed ---- */

bool tie_holds(Persisting *persisting, const Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  if (tie_holder(tie)) return false;
  return (object_of(tie->target)->kept && parting_orphans(persisting, r)) ||
         (object_of(tie->listing->source)->kept &&
          parting_orphans(persisting, r->inverse));
}

/* What a link that goes is known by. */
typedef struct Leaving {
  const Listing *listing;
  const Relationship *relationship;
  Key source;
  const Columns *columns; /* of the links' rows */
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

/* True if the source has gone with its last link. */
static bool leaving_go(Persisting *persisting, const Leaving *leaving,
                       const Targets *targets) {
  const Relationship *r = leaving->relationship;
  int place = 0, count = leaving->columns->count;
  bool gone = false;
  Value *values = arena_take(persisting->failure, persisting->arena,
                             count * (sqlite3_int64)sizeof(Value));
  while (!persisting->failure->code &&
         targets_next(targets, &place, values, count)) {
    Key target = {.table = r->pair_unique ? r->target : r->link,
                  .columns = r->pair_unique ? &r->target_key : leaving->columns,
                  .single = values[0],
                  .values = count == 1 ? NULL : values};
    if (!parting_moves(persisting, r, &target))
      gone |= parting_unlink(persisting, r, &leaving->source, &target);
  }
  return gone;
}

void listing_leave(Persisting *persisting, const Listing *listing,
                   bool orphans) {
  const Relationship *r = listing->relationship;
  Failure *failure = persisting->failure;
  Object *source = object_of(listing->source);
  if (failure->code || !listing->whole || !source->found || link_is_source(r) ||
      parting_deletes(persisting, r) != orphans)
    return;
  Targets targets = {{NULL, 0, 0, false}, 0, 0, NULL, NULL};
  Leaving leaving = {
      .listing = listing,
      .relationship = r,
      .source = object_key(failure, persisting->arena, source, &r->source_key),
      .columns = r->pair_unique ? &r->target_link : &r->link->row_key};
  leaving_read(persisting, &leaving, &targets);
  source->gone |= leaving_go(persisting, &leaving, &targets);
  targets_free(&targets);
  if (!failure->code) return;
  failure_prefix(failure, "%s is to have no other rows: ", r->full_name);
  listing_prefix(failure, persisting->graph, listing);
}
