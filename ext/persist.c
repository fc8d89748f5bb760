/*
** persist.c: rows and links of documents, written.
**
** The objects have been read (document.c), and it is known which rows are there
** (identity.c).  Then, for all documents together:
**
**     keys        what others refer to changes first, in the rows that are there
**     unlinking   where all links are listed, the others go
**     rows        that are there: what differs is updated, foreign keys too
**     deleting    where a target goes with its link, those that are not listed go
**     new rows    and those that had no room before
**     links       of association tables; and foreign keys that had to wait
**
** So one that goes makes room before another comes, and a row that moves is never
** without its place, nor deleted with what it moves away from.  One that finds no room
** yet waits for the deletions.
**
** A row that is referred to is written before those that refer to it.  New rows may
** refer to each other in a circle.  One of them is then inserted without its foreign
** key, if that may be NULL, and gets it in the end; or at once, if the key that it is
** to have is given.
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

/* False: it has to be tried once more, as have those that wait for it. */
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
  if (object->found) record_follow(persisting, object);
}

static bool is_waiting(const Object *object) {
  return object->found && !object->same && object->state == OBJECT_WAITS;
}

/* Tries each that waits, from the last to the first and back again. */
static int try_again(Persisting *persisting, Object **waiting, int count) {
  int left = 0;
  for (int i = count - 1; i >= 0; i--) persist_row(persisting, waiting[i]);
  for (int i = count - 1; i >= 0; i--)
    if (is_waiting(waiting[i])) waiting[left++] = waiting[i];
  return left;
}

/* Updates rows that are there, as long as one makes room for another. */
static void persist_found(Persisting *persisting) {
  Object **waiting = NULL;
  int count = 0, tried = 0;
  persisting->patient = true;
  for (Object *object = persisting->graph->objects; object;
       object = object->next) {
    if (!is_waiting(object)) continue;
    persist_row(persisting, object);
    if (persisting->failure->code) break;
    if (!is_waiting(object)) continue;
    waiting = arena_extend(persisting->failure, persisting->arena, waiting,
                           count, sizeof(*waiting));
    if (!waiting) break;
    waiting[count++] = object;
  }
  while (count && count != tried && !persisting->failure->code) {
    tried = count;
    count = try_again(persisting, waiting, count);
  }
  persisting->patient = false;
}

static bool has_number(const Object *object) {
  return object->found || !object->frame->is_numbered ||
         form_place(object->form, object->frame->table->row_key.list[0]) >= 0;
}

static void persist_count(Persisting *persisting, Object *object) {
  (void)persisting;
  if (!has_number(object)) object->frame->makes_keys = true;
}

/* Before SQLite makes a key, those that are given of rows of the table are there. */
static void persist_known(Persisting *persisting, Object *object) {
  if (object->frame->makes_keys && has_number(object))
    persist_row(persisting, object);
}

/* What may go as an orphan is linked before. */
static void persist_hold(Persisting *persisting, Tie *tie) {
  if (!tie_holds(persisting, tie)) return;
  persist_row(persisting, object_of(tie->listing->source));
  persist_row(persisting, object_of(tie->target));
  tie_make(persisting, tie);
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
  persisting.patient = true;
  each_object(&persisting, persist_key);
  persisting.patient = false;
  if (persisting.rekeys) each_object(&persisting, persist_follow);
  persist_leaving(&persisting, false);
  persist_check(&persisting);
  persist_found(&persisting);
  each_tie(&persisting, persist_hold);
  persist_leaving(&persisting, true);
  persist_check(&persisting);
  persist_found(&persisting);
  each_object(&persisting, persist_count);
  each_object(&persisting, persist_known);
  each_object(&persisting, persist_row);
  each_tie(&persisting, persist_late);
  each_tie(&persisting, tie_make);
  persist_check(&persisting);
  if (graph->alone && has_deferred(connection->db))
    each_object(&persisting, refuse_missing);
  return persisting.count;
}
