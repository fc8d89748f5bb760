/*
** persist.c: rows and links of documents, written.
**
** The objects have been read (document.c), and it is known which rows are there
** (identity.c).  Then, for all documents together:
**
**     keys        what others refer to changes first, in the rows that are there
**     unlinking   where all links are listed, the others go
**     rows        that are there: what differs is updated, foreign keys too
**     deleting    what goes with its last link, where it is not listed
**     new rows    each behind those that it refers to; and what had no room before
**     links       of association tables; and foreign keys that had to wait
**
** So one that goes makes room before another comes, and a row that moves is never
** without its place, nor deleted with what it moves away from.  What a UNIQUE key, a
** foreign key or a trigger refuses may be right when others have moved: rows that
** are there, and links, wait and are tried again as long as something comes of it.
**
** New rows may refer to each other in a circle.  One of them is then inserted without
** its foreign key, if that may be NULL, and gets it in the end; or at once, if the key
** that it is to have is given.
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

/* The foreign key that refers to a new row which is not there yet; to one that is
** entered itself, if there is no other.  NULL: the row can be written. */
static Tie *object_needs(const Object *object) {
  Tie *circle = NULL;
  for (Tie *tie = object->held; tie; tie = tie->of_holder) {
    const Object *parent = tie_parent(tie);
    if (parent->kept || tie->late ||
        (parent == object && tie_parent_is_given(tie)))
      continue;
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

/* False: the row has been refused for now, and so have those that wait for it. */
static bool persist_entered(Persisting *persisting, Object *object) {
  bool written = object->found ? record_update(persisting, object)
                               : record_insert(persisting, object);
  object->state = OBJECT_WRITTEN;
  if (written) persisting->depth--;
  return written;
}

static void leave_entered(Persisting *persisting, int bottom) {
  while (persisting->depth > bottom)
    persisting->entered[--persisting->depth]->state = OBJECT_WAITS;
}

/* Writes the row, and before it new ones that it refers to. */
static void persist_row(Persisting *persisting, Object *first) {
  if (first->state != OBJECT_WAITS || persisting->failure->code) return;
  int bottom = persisting->depth;
  enter(persisting, first);
  while (persisting->depth > bottom && !persisting->failure->code) {
    Object *object = persisting->entered[persisting->depth - 1];
    Tie *tie = object_needs(object);
    if (tie && tie_parent(tie)->state == OBJECT_WAITS) {
      enter(persisting, tie_parent(tie));
    } else if (!tie || !break_circle(persisting, tie_parent(tie))) {
      if (tie && !tie_parent_is_given(tie))
        fail_circle(persisting, object, tie);
      if (!persist_entered(persisting, object))
        leave_entered(persisting, bottom);
    }
  }
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

static void each_object(Persisting *persisting,
                        void (*act)(Persisting *persisting, Object *object)) {
  for (Object *object = persisting->graph->objects;
       object && !persisting->failure->code; object = object->next)
    if (!object->same) act(persisting, object);
}

static void persist_leaving(Persisting *persisting, bool orphans) {
  for (Listing *listing = persisting->graph->listings; listing;
       listing = listing->next)
    listing_leave(persisting, listing, orphans);
}

static void persist_key(Persisting *persisting, Object *object) {
  if (object->found && object->frame->kept.count > 1 &&
      record_rekey(persisting, object))
    persisting->rekeys = true;
}

static void persist_follow(Persisting *persisting, Object *object) {
  if (object->found && record_follow(persisting, object))
    persisting->rekeys = true;
}

/* Keys that others refer to; what they change may be referred to in turn. */
static void persist_keys(Persisting *persisting) {
  persisting->patient = true;
  each_object(persisting, persist_key);
  persisting->patient = false;
  while (persisting->rekeys && !persisting->failure->code) {
    persisting->rekeys = false;
    each_object(persisting, persist_follow);
  }
}

/* What has been refused so far, and may be right later. */
typedef struct Waiting {
  int count;
  void **things;
} Waiting;

static void waiting_add(Persisting *persisting, Waiting *waiting, void *thing) {
  waiting->things =
      arena_extend(persisting->failure, persisting->arena, waiting->things,
                   waiting->count, sizeof(*waiting->things));
  if (!persisting->failure->code) waiting->things[waiting->count++] = thing;
}

static void waiting_turn(Waiting *waiting) {
  for (int i = 0, j = waiting->count - 1; i < j; i++, j--) {
    void *thing = waiting->things[i];
    waiting->things[i] = waiting->things[j];
    waiting->things[j] = thing;
  }
}

/* Tries again, from the last to the first and then the other way, as long as
** something comes of it: rows that all move up by one take two turns. */
static void persist_again(Persisting *persisting, Waiting *waiting,
                          bool (*attempt)(Persisting *persisting,
                                          void *thing)) {
  int tried = 0;
  while (waiting->count && waiting->count != tried &&
         !persisting->failure->code) {
    int left = 0;
    tried = waiting->count;
    for (int i = tried - 1; i >= 0; i--)
      if (!attempt(persisting, waiting->things[i]))
        waiting->things[tried - ++left] = waiting->things[i];
    waiting_turn(waiting);
    waiting->count = left;
  }
}

/* True unless the row waits for another to make room. */
static bool attempt_row(Persisting *persisting, void *thing) {
  Object *object = thing;
  persist_row(persisting, object);
  return object->state != OBJECT_WAITS;
}

/* Updates rows that are there, as long as one makes room for another. */
static void persist_found(Persisting *persisting) {
  Waiting waiting = {0};
  persisting->patient = true;
  for (Object *object = persisting->graph->objects;
       object && !persisting->failure->code; object = object->next)
    if (object->found && !object->same && !attempt_row(persisting, object))
      waiting_add(persisting, &waiting, object);
  persist_again(persisting, &waiting, attempt_row);
  persisting->patient = false;
}

/* Remembers the greatest number that is given of a new row. */
static void persist_count(Persisting *persisting, Object *object) {
  Frame *frame = object->frame;
  (void)persisting;
  if (object->found || !frame->is_numbered) return;
  int place = form_place(object->form, frame->table->row_key.list[0]);
  if (place >= 0 && object->values[place].type == SQLITE_INTEGER &&
      object->values[place].integer > frame->given)
    frame->given = object->values[place].integer;
}

/* What may go as an orphan is linked before. */
static void persist_hold(Persisting *persisting, Tie *tie) {
  Object *source = object_of(tie->listing->source);
  Object *target = object_of(tie->target);
  if (!tie_holds(persisting, tie)) return;
  if (!source->kept) persist_row(persisting, source);
  if (!target->kept) persist_row(persisting, target);
  if (source->kept && target->kept) tie_make(persisting, tie);
}

/* True unless the link waits for another to make room. */
static bool attempt_tie(Persisting *persisting, void *thing) {
  Tie *tie = thing;
  tie_make(persisting, tie);
  return tie->made;
}

/* Links of association tables, as long as one makes room for another. */
static void persist_ties(Persisting *persisting) {
  Waiting waiting = {0};
  persisting->patient = true;
  for (Listing *listing = persisting->graph->listings; listing;
       listing = listing->next)
    for (Tie *tie = listing->ties; tie && !persisting->failure->code;
         tie = tie->next)
      if (!tie_holder(tie) && !attempt_tie(persisting, tie))
        waiting_add(persisting, &waiting, tie);
  persist_again(persisting, &waiting, attempt_tie);
  persisting->patient = false;
  each_tie(persisting, tie_make);
}

static void persist_late(Persisting *persisting, Tie *tie) {
  Object *holder = tie_holder(tie);
  if (!tie->made && holder) record_complete(persisting, holder);
}

static void check_object(Persisting *persisting, Object *object) {
  if (object->found) record_check(persisting, object);
}

/* What stands in the documents has not gone with what does not.  To be asked before
** a new row can have the same key. */
static void persist_check(Persisting *persisting) {
  if (persisting->removes) each_object(persisting, check_object);
  persisting->removes = false;
}

/* Foreign keys that are checked at the end are not right so far. */
static bool has_deferred(sqlite3 *db) {
  int count = 0, most = 0;
  sqlite3_db_status(db, SQLITE_DBSTATUS_DEFERRED_FKS, &count, &most, 0);
  return count != 0;
}

sqlite3_int64 graph_persist(Failure *failure, Connection *connection,
                            Graph *graph, Values *log) {
  Persisting persisting = {.failure = failure,
                           .connection = connection,
                           .graph = graph,
                           .arena = graph->forms.arena,
                           .log = log};
  saying_open(&persisting);
  each_object(&persisting, persist_count);
  persist_keys(&persisting);
  persist_leaving(&persisting, false);
  persist_check(&persisting);
  persist_found(&persisting);
  persisting.patient = true;
  each_tie(&persisting, persist_hold);
  persisting.patient = false;
  persist_leaving(&persisting, true);
  persist_check(&persisting);
  persist_found(&persisting);
  each_object(&persisting, persist_row);
  each_tie(&persisting, persist_late);
  persist_ties(&persisting);
  persist_check(&persisting);
  if (graph->alone && has_deferred(connection->db))
    each_object(&persisting, refuse_missing);
  return persisting.count;
}
