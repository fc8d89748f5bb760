/*
** agreement.c: documents that contradict themselves.
**
**     [{"id": 1, "lines": [{"id": 7}]}, {"id": 2, "lines": [{"id": 7}]}]
**
** A line has one order: what this says can't be.  Nor can it be that one end lists a
** link, and the other lists all of its links without it; that a foreign key is null
** and leads to a row; that a row of a one-to-one is linked to two; or that a link
** has two payloads.  Where a pair is linked once, what is listed of it several times,
** also from both ends, is one link, which has the payload that any of them gives.
**
** What the objects are is known (identity.c), and nothing is written yet.
*/
#include "relate_int.h"

typedef struct Agreement {
  Failure *failure;
  const Graph *graph;
  Arena *arena;
} Agreement;

/* ---- what one list says of one link ---- */

static void fail_two_payloads(Agreement *agreement, const Tie *first,
                              const Tie *second, int place, const Value *said) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  value_describe(text, &second->payload_values[place]);
  sqlite3_str_appendall(text, ", but ");
  graph_append_object(text, agreement->graph, first->target);
  sqlite3_str_appendall(text, " says ");
  value_describe(text, said);
  sqlite3_str_appendall(text, " of the same link");
  failure_set_text(agreement->failure, SQLITE_ERROR, text);
  object_prefix(agreement->failure, agreement->graph, second->target,
                second->payload.list[place]);
}

static void tie_add_payload(Agreement *agreement, Tie *tie,
                            const Column *column, const Value *value) {
  tie->payload.list = arena_extend(
      agreement->failure, agreement->arena, (void *)tie->payload.list,
      tie->payload.count, sizeof(*tie->payload.list));
  tie->payload_values =
      arena_extend(agreement->failure, agreement->arena, tie->payload_values,
                   tie->payload.count, sizeof(*tie->payload_values));
  if (agreement->failure->code) return;
  tie->payload.list[tie->payload.count] = column;
  tie->payload_values[tie->payload.count++] = *value;
}

/* The first of two that are one link has what is given of either. */
static void tie_unite(Agreement *agreement, Tie *first, Tie *second) {
  for (int i = 0; i < second->payload.count && !agreement->failure->code; i++) {
    const Column *column = second->payload.list[i];
    const Value *value = &second->payload_values[i];
    int place = 0;
    while (place < first->payload.count && first->payload.list[place] != column)
      place++;
    if (place == first->payload.count) {
      tie_add_payload(agreement, first, column, value);
    } else if (!value_is_alike(column, &first->payload_values[place], value)) {
      fail_two_payloads(agreement, first, second, i,
                        &first->payload_values[place]);
    }
  }
  second->made = true;
}

static void tie_arrive(Tie *tie) {
  Object *target = object_of(tie->target);
  if (tie->listing->relationship->cardinality != MANY_TO_MANY) return;
  tie->of_target = target->arriving;
  target->arriving = tie;
}

/* Marks what is listed.  Where a pair is linked once, it is listed once. */
static void listing_unite(Agreement *agreement, const Listing *listing) {
  for (Tie *tie = listing->ties; tie && !agreement->failure->code;
       tie = tie->next) {
    Object *target = object_of(tie->target);
    if (target->linked_by != listing) {
      target->linked_by = listing;
      target->linked = tie;
    } else if (!tie->made && listing->relationship->pair_unique) {
      tie_unite(agreement, target->linked, tie);
    }
  }
}

static void fail_unlisted(Agreement *agreement, const Tie *tie,
                          const Listing *listing) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s leads here, and %s does not list ",
                      tie->listing->relationship->full_name,
                      listing->relationship->full_name);
  graph_append_object(text, agreement->graph, object_of(tie->listing->source));
  sqlite3_str_appendall(text, ": leave one of them out");
  failure_set_text(agreement->failure, SQLITE_CONSTRAINT, text);
  object_prefix(agreement->failure, agreement->graph, tie->target, NULL);
}

/* What is listed from the other side is the same link, and must not be missing
** where the list is the whole one.  The ties of the listing are marked. */
static void listing_meet(Agreement *agreement, const Listing *listing) {
  Tie *tie = object_of(listing->source)->arriving;
  for (; tie && !agreement->failure->code; tie = tie->of_target) {
    const Object *source = object_of(tie->listing->source);
    if (tie->listing->relationship != listing->relationship->inverse) continue;
    if (source->linked_by != listing) {
      if (listing->whole) fail_unlisted(agreement, tie, listing);
    } else if (listing->relationship->pair_unique && !tie->made &&
               !source->linked->made) {
      tie_unite(agreement, source->linked, tie);
    }
  }
}

static void agree_on_links(Agreement *agreement, const Listing *listing) {
  if (listing->relationship->cardinality != MANY_TO_MANY || listing->same)
    return;
  listing_unite(agreement, listing);
  listing_meet(agreement, listing);
}

/* ---- what the documents say of one foreign key ---- */

static bool is_of_key(const Listing *listing, const Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  return listing->relationship == r || listing->relationship == r->inverse;
}

/* Another row to which the same foreign key is to refer, or NULL. */
static const Object *tie_rival(const Object *holder, const Tie *tie) {
  for (const Tie *other = holder->held; other; other = other->of_holder)
    if (is_of_key(other->listing, tie) && tie_parent(other) != tie_parent(tie))
      return tie_parent(other);
  return NULL;
}

/* What says of the row that holds the foreign key that it refers to none. */
static const Listing *tie_denial(const Object *holder, const Tie *tie) {
  for (const Listing *listing = holder->listings; listing;
       listing = listing->of_object)
    if (link_is_source(listing->relationship) && is_of_key(listing, tie) &&
        listing->empty)
      return listing;
  return NULL;
}

static bool holder_is_in(const Object *holder, const Listing *listing) {
  for (const Tie *tie = holder->held; tie; tie = tie->of_holder)
    if (tie->listing == listing) return true;
  for (const Tie *tie = listing->ties; tie; tie = tie->next)
    if (object_of(tie->target) == holder) return true;
  return false;
}

/* A whole list of the row that is referred to, in which the holder is not. */
static const Listing *tie_omission(const Object *holder, const Tie *tie) {
  for (const Listing *listing = tie_parent(tie)->listings; listing;
       listing = listing->of_object)
    if (listing->whole && link_is_target(listing->relationship) &&
        is_of_key(listing, tie) &&
        (listing->empty || !holder_is_in(holder, listing)))
      return listing;
  return NULL;
}

/* Two places say different things of the holder's foreign key. */
static void fail_two_places(Agreement *agreement, const Object *holder,
                            const Tie *tie, const Object *rival,
                            const Listing *other) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  columns_append(text, tie_columns(tie), ", ");
  sqlite3_str_appendall(text, " is to refer to ");
  graph_append_object(text, agreement->graph, tie_parent(tie));
  if (rival) {
    sqlite3_str_appendall(text, ", and to ");
    graph_append_object(text, agreement->graph, rival);
  } else if (link_is_source(other->relationship)) {
    sqlite3_str_appendf(text, ", and %s is null",
                        other->relationship->full_name);
  } else {
    sqlite3_str_appendf(text, ", where %s does not list it",
                        other->relationship->full_name);
  }
  sqlite3_str_appendall(text, ": leave one of them out");
  failure_set_text(agreement->failure, SQLITE_CONSTRAINT, text);
  object_prefix(agreement->failure, agreement->graph, holder, NULL);
}

static void agree_on_key(Agreement *agreement, Tie *tie) {
  const Object *holder = tie_holder(tie);
  if (!holder) return;
  const Object *rival = tie_rival(holder, tie);
  const Listing *other = tie_denial(holder, tie);
  if (!other) other = tie_omission(holder, tie);
  if (rival || other) fail_two_places(agreement, holder, tie, rival, other);
}

void agreement_fail_no_key(Failure *failure, const Relationship *r,
                           const Column *column) {
  failure_set(failure, SQLITE_CONSTRAINT,
              "%s: the row of %s has no %s, by which it would be linked: give "
              "it one",
              r->full_name, column->table->name, column->name);
}

void agreement_fail_key(Failure *failure, const Graph *graph,
                        const Object *object, const Relationship *r,
                        const Column *column, const Value *said,
                        const Value *value) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s would be ", column->name);
  value_describe(text, said);
  sqlite3_str_appendall(text, ", and ");
  value_describe(text, value);
  sqlite3_str_appendf(text, " by %s: leave one of them out", r->full_name);
  failure_set_text(failure, SQLITE_CONSTRAINT, text);
  object_prefix(failure, graph, object, NULL);
}

/* A foreign key that is to refer to no row is not given as one that does. */
static void agree_on_empty(Agreement *agreement, const Listing *listing) {
  const Relationship *r = listing->relationship;
  const Object *holder = object_of(listing->source);
  const Columns *columns = &r->target_link;
  const Value *value = NULL, null = {.type = SQLITE_NULL};
  if (!listing_clears(listing) || agreement->failure->code) return;
  for (int i = 0; i < columns->count; i++) {
    int place = form_place(holder->form, columns->list[i]);
    value = place >= 0 ? &holder->values[place] : &null;
    if (value->type == SQLITE_NULL) return;
  }
  agreement_fail_key(agreement->failure, agreement->graph, holder, r,
                     columns->list[columns->count - 1], value, &null);
}

/* ---- one-to-one ---- */

/* One row refers to the other by that key. */
static void agree_on_one(Agreement *agreement, Tie *tie) {
  if (tie->listing->relationship->cardinality != ONE_TO_ONE) return;
  Object *parent = tie_parent(tie), *holder = tie_holder(tie);
  const Tie *other = parent->claims;
  while (other && !columns_same(tie_columns(other), tie_columns(tie)))
    other = other->of_parent;
  if (!other) {
    tie->of_parent = parent->claims;
    parent->claims = tie;
  }
  if (!other || tie_holder(other) == holder) return;
  sqlite3_str *text = sqlite3_str_new(NULL);
  graph_append_object(text, agreement->graph, holder);
  sqlite3_str_appendall(text, " and ");
  graph_append_object(text, agreement->graph, tie_holder(other));
  sqlite3_str_appendf(text, " are to be linked to it, and %s is one-to-one",
                      tie->listing->relationship->full_name);
  failure_set_text(agreement->failure, SQLITE_CONSTRAINT, text);
  object_prefix(agreement->failure, agreement->graph, parent, NULL);
}

/* ---- all of it ---- */

static void agree_on_each(Agreement *agreement,
                          void (*check)(Agreement *agreement, Tie *tie)) {
  for (Listing *listing = agreement->graph->listings; listing;
       listing = listing->next)
    for (Tie *tie = listing->ties; tie && !agreement->failure->code;
         tie = tie->next)
      check(agreement, tie);
}

void graph_agree(Failure *failure, const Graph *graph) {
  Agreement agreement = {failure, graph, graph->forms.arena};
  agree_on_each(&agreement, agree_on_key);
  agree_on_each(&agreement, agree_on_one);
  for (const Listing *listing = graph->listings; listing;
       listing = listing->next)
    for (Tie *tie = listing->ties; tie; tie = tie->next) tie_arrive(tie);
  for (const Listing *listing = graph->listings; listing;
       listing = listing->next) {
    agree_on_links(&agreement, listing);
    agree_on_empty(&agreement, listing);
  }
}
