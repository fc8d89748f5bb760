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
    record_update(persisting, object);
  } else {
    record_insert(persisting, object);
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
      if (tie && !tie_parent_is_given(tie))
        fail_circle(persisting, object, tie);
      persist_entered(persisting, object);
    }
  }
}

/* A row that is there gets its foreign key. */
static void persist_move(Persisting *persisting, Tie *tie) {
  const Object *holder = tie_holder(tie);
  if (!holder || !holder->found) return;
  if (!tie_parent(tie)->kept) persist_row(persisting, tie_parent(tie));
  if (tie_parent(tie)->kept) tie_make(persisting, tie);
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

sqlite3_int64 graph_persist(Failure *failure, Connection *connection,
                            Graph *graph, Values *log) {
  Persisting persisting = {.failure = failure,
                           .connection = connection,
                           .graph = graph,
                           .arena = graph->forms.arena,
                           .log = log};
  record_open(&persisting);
  each_tie(&persisting, persist_move);
  each_tie(&persisting, tie_hold);
  for (Listing *listing = graph->listings; listing; listing = listing->next)
    listing_leave(&persisting, listing);
  for (Object *object = graph->objects; object && !failure->code;
       object = object->next)
    if (!object->same) persist_row(&persisting, object);
  each_tie(&persisting, tie_make);
  for (Object *object = graph->objects; object && persisting.removes;
       object = object->next)
    if (object->found && !object->same) record_check(&persisting, object);
  return persisting.count;
}
