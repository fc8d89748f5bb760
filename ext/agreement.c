/*
** agreement.c: documents that contradict themselves.
**
**     [{"id": 1, "lines": [{"id": 7}]}, {"id": 2, "lines": [{"id": 7}]}]
**
** A line has one order: what this says can't be.  Nor can it be that one end lists a
** link, and the other end lists all its links without it; that a foreign key leads
** to two rows; that a row of a one-to-one is linked to two; or that a link has two
** payloads.
**
** What the objects are is known (identity.c), and nothing is written yet.
*/
#include "relate_int.h"

typedef struct Agreement {
  Failure *failure;
  const Graph *graph;
} Agreement;

/* What the tie says is not what `other` says; of the payload's column, or NULL. */
static void fail_otherwise(const Agreement *agreement, const Tie *tie,
                           const Column *column, const Listing *other) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (agreement->graph->documents > 1)
    sqlite3_str_appendf(text, "document %d, ", other->source->document);
  object_append_path(text, other->source);
  char *place = failure_text(agreement->failure, text);
  failure_set(agreement->failure, SQLITE_CONSTRAINT,
              column ? "%s has this, but %s of %s says otherwise"
                     : "%s leads here, but %s of %s says otherwise",
              tie->listing->relationship->full_name,
              other->relationship->full_name, place ? place : "");
  sqlite3_free(place);
  object_prefix(agreement->failure, agreement->graph, tie->target, column);
}

/* The two are of one link. */
static void check_payload(const Agreement *agreement, const Tie *tie,
                          const Tie *other) {
  const Columns *a = &tie->payload, *b = &other->payload;
  for (int i = 0; i < a->count; i++)
    for (int j = 0; j < b->count; j++)
      if (a->list[i] == b->list[j] &&
          !value_is_alike(a->list[i], &tie->payload_values[i],
                          &other->payload_values[j]))
        fail_otherwise(agreement, tie, a->list[i], other->listing);
}

static const Tie *listing_find(const Listing *listing, const Object *object) {
  const Tie *tie = listing->ties;
  while (tie && object_of(tie->target) != object) tie = tie->next;
  return tie;
}

/* One of the links may be listed twice, where several objects are one row. */
static void check_twice(const Agreement *agreement, const Listing *listing,
                        const Tie *tie) {
  Object *target = object_of(tie->target);
  if (target->listed == listing && listing->relationship->pair_unique)
    check_payload(agreement, tie, target->listed_by);
  target->listed = listing;
  target->listed_by = tie;
}

/* The target, if it lists all its links, lists this one. */
static void check_inverse(const Agreement *agreement, const Tie *tie) {
  const Relationship *inverse = tie->listing->relationship->inverse;
  const Listing *listing = object_of(tie->target)->listings;
  while (listing && listing->relationship != inverse)
    listing = listing->of_object;
  if (!listing || !(listing->whole || tie->payload.count)) return;
  const Tie *other = listing_find(listing, object_of(tie->listing->source));
  if (other && tie->listing->relationship->pair_unique)
    check_payload(agreement, tie, other);
  if (!other && listing->whole) fail_otherwise(agreement, tie, NULL, listing);
}

static bool is_same_key(const Tie *a, const Tie *b) {
  const Columns *first = tie_columns(a), *second = tie_columns(b);
  for (int i = 0; i < first->count; i++)
    if (first->count != second->count || first->list[i] != second->list[i])
      return false;
  return true;
}

/* A foreign key leads to one row. */
static void check_holder(const Agreement *agreement, const Object *holder) {
  for (const Tie *tie = holder->held; tie; tie = tie->of_holder) {
    const Tie *first = holder->held;
    while (!is_same_key(first, tie)) first = first->of_holder;
    if (tie_parent(first) != tie_parent(tie))
      fail_otherwise(agreement, tie, NULL, first->listing);
  }
}

/* The row is linked to one other. */
static void check_one(const Agreement *agreement, Tie *tie) {
  Object *parent = tie_parent(tie);
  for (const Tie *other = parent->claims; other; other = other->of_parent)
    if (is_same_key(other, tie) && tie_holder(other) != tie_holder(tie)) {
      fail_otherwise(agreement, tie, NULL, other->listing);
      return;
    }
  tie->of_parent = parent->claims;
  parent->claims = tie;
}

void graph_agree(Failure *failure, const Graph *graph) {
  Agreement agreement = {failure, graph};
  for (const Listing *listing = graph->listings; listing;
       listing = listing->next)
    for (Tie *tie = listing->ties; tie && !failure->code; tie = tie->next) {
      check_twice(&agreement, listing, tie);
      check_inverse(&agreement, tie);
      if (listing->relationship->cardinality == ONE_TO_ONE)
        check_one(&agreement, tie);
    }
  for (const Object *object = graph->objects; object && !failure->code;
       object = object->next)
    check_holder(&agreement, object);
}
