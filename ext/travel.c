/*
** travel.c: everything that can be reached.
**
**     SELECT name, depth FROM "employees.reports*"(1)
**
** Breadth first, so that the nearest come first, each row once: what has been
** reached is remembered, and so circles end.  The start itself is reached only
** where a circle leads back to it.
**
**     nodes    | start | a | b | c | d | e | ...      as they were reached
**                        ^       ^       ^
**                        |       |       end of this level
**                        |       whose links are read next
**                        reached is a hash of these places
**
** A node is what tells its row from others, then its key as a source, unless
** that is the same.  The list of nodes is the queue as well: there is no
** recursion, and a million of them take some ten megabytes.
*/
#include "relate_int.h"

struct Travel {
  int identity, key; /* columns; key 0: the identity is the key */
  Values nodes;
  sqlite3_int64 next;      /* the node whose links come next */
  sqlite3_int64 level_end; /* of the nodes that are as near as that one */
  sqlite3_int64 depth, limit;
  bool reading; /* the links of a node */
  sqlite3_int64 count, room;
  sqlite3_int64 *reached; /* places in nodes, plus 1; 0: free */
};

Travel *travel_new(Failure *failure, int identity, int key) {
  Travel *travel = failure->code ? NULL : sqlite3_malloc64(sizeof(*travel));
  if (!travel) {
    failure_memory(failure);
    return NULL;
  }
  memset(travel, 0, sizeof(*travel));
  travel->identity = identity;
  travel->key = key;
  return travel;
}

void travel_free(Travel *travel) {
  if (!travel) return;
  values_free(&travel->nodes);
  sqlite3_free(travel->reached);
  sqlite3_free(travel);
}

sqlite3_int64 travel_depth(const Travel *travel) { return travel->depth; }

Value travel_source(const Travel *travel, int place) {
  sqlite3_int64 cursor = 0;
  Value value = {.type = SQLITE_NULL};
  int before = travel->key ? travel->identity : 0;
  for (int i = 0; i <= before + place; i++)
    values_next(&travel->nodes, &cursor, &value);
  return value;
}

void travel_begin(Failure *failure, Travel *travel, int argc,
                  sqlite3_value **argv, sqlite3_int64 limit) {
  static const Value nothing = {.type = SQLITE_NULL};
  travel->nodes.size = travel->next = travel->level_end = 0;
  travel->depth = travel->count = 0;
  travel->limit = limit;
  travel->reading = false;
  if (travel->reached)
    memset(travel->reached, 0, sizeof(*travel->reached) * (size_t)travel->room);
  for (int i = 0; argc && travel->key && i < travel->identity; i++)
    values_add(failure, &travel->nodes, &nothing);
  for (int i = 0; i < argc; i++) {
    Value value = value_of(failure, argv[i]);
    values_add(failure, &travel->nodes, &value);
  }
}

/* ---- what has been reached ---- */

/* The length of the identity of the node at `place`. */
static sqlite3_int64 identity_size(const Travel *travel, sqlite3_int64 place) {
  sqlite3_int64 end = place;
  Value value;
  for (int i = 0; i < travel->identity; i++)
    values_next(&travel->nodes, &end, &value);
  return end - place;
}

static bool identity_same(const Travel *travel, sqlite3_int64 a,
                          sqlite3_int64 b, sqlite3_int64 size) {
  return identity_size(travel, a) == size &&
         memcmp(travel->nodes.data + a, travel->nodes.data + b, (size_t)size) ==
             0;
}

/* The slot of the node at `place`: free, or taken by its like. */
static sqlite3_int64 *reached_slot(const Travel *travel, sqlite3_int64 place) {
  sqlite3_int64 size = identity_size(travel, place);
  sqlite3_uint64 mask = (sqlite3_uint64)travel->room - 1;
  sqlite3_uint64 slot = values_hash(travel->nodes.data + place, size) & mask;
  while (travel->reached[slot] &&
         !identity_same(travel, travel->reached[slot] - 1, place, size))
    slot = (slot + 1) & mask;
  return &travel->reached[slot];
}

static void reached_grow(Failure *failure, Travel *travel) {
  sqlite3_int64 room = travel->room;
  if (failure->code || 2 * travel->count < room) return;
  sqlite3_int64 *before = travel->reached;
  sqlite3_uint64 size =
      sizeof(*before) * (sqlite3_uint64)(room ? 2 * room : 64);
  sqlite3_int64 *reached = sqlite3_malloc64(size);
  if (!reached) {
    failure_memory(failure);
    return;
  }
  memset(reached, 0, (size_t)size);
  travel->reached = reached;
  travel->room = room ? 2 * room : 64;
  for (sqlite3_int64 i = 0; i < room; i++)
    if (before[i]) *reached_slot(travel, before[i] - 1) = before[i];
  sqlite3_free(before);
}

/* Adds the row that the statement stands on; false if it was reached before, or
** is none: the link leads to nothing. */
static bool travel_reach(Failure *failure, Travel *travel,
                         sqlite3_stmt *statement, int fields) {
  sqlite3_int64 place = travel->nodes.size;
  if (sqlite3_column_type(statement, fields) == SQLITE_NULL) return false;
  for (int i = 0; i < travel->identity + travel->key; i++) {
    Value value = value_of_column(failure, statement, fields + i);
    values_add(failure, &travel->nodes, &value);
  }
  reached_grow(failure, travel);
  if (failure->code) return false;
  sqlite3_int64 *slot = reached_slot(travel, place);
  if (*slot) {
    travel->nodes.size = place;
    return false;
  }
  *slot = place + 1;
  travel->count++;
  return true;
}

/* ---- on and on ---- */

/* Binds the key of the next node; false if there is none, or it is too far. */
static bool travel_turn(Failure *failure, Travel *travel,
                        sqlite3_stmt *statement) {
  Value value;
  if (travel->next == travel->nodes.size) return false;
  if (travel->next == travel->level_end) {
    if (travel->depth >= travel->limit) return false;
    travel->level_end = travel->nodes.size;
    travel->depth++;
  }
  sqlite3_reset(statement);
  int count = travel->key ? travel->key : travel->identity;
  for (int i = 0; travel->key && i < travel->identity; i++)
    values_next(&travel->nodes, &travel->next, &value);
  for (int i = 1; i <= count; i++) {
    values_next(&travel->nodes, &travel->next, &value);
    if (value.type == SQLITE_TEXT) {
      sqlite3_bind_text64(statement, i, value.bytes, (sqlite3_uint64)value.size,
                          SQLITE_TRANSIENT, SQLITE_UTF8);
    } else if (value.type == SQLITE_BLOB) {
      sqlite3_bind_blob64(statement, i, value.bytes, (sqlite3_uint64)value.size,
                          SQLITE_TRANSIENT);
    } else {
      value_bind(failure, statement, i, &value);
    }
  }
  return !failure->code;
}

bool travel_next(Failure *failure, Travel *travel, sqlite3_stmt *statement,
                 int fields) {
  while (!failure->code) {
    if (!travel->reading && !travel_turn(failure, travel, statement))
      return false;
    travel->reading = true;
    while (statement_step(failure, statement))
      if (travel_reach(failure, travel, statement, fields)) return true;
    travel->reading = false;
  }
  return false;
}
