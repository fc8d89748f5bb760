/*
** targets.c: the targets that a source has.
**
** relate_set() compares what is linked with what shall be.  The keys that are
** linked are read as they are stored; then each key of the list is looked up in
** the database, which knows how keys compare, and what it finds is kept:
**
**     linked   1  2  3        targets_add, for each; targets_index
**     list     2  3  4        targets_keep, for what the database finds
**     to go    1              targets_next
**
** A key that was found is the one that was read to the byte, so it is found
** again by a hash of its bytes.
*/
#include "relate_int.h"

void targets_free(Targets *targets) {
  values_free(&targets->keys);
  sqlite3_free(targets->list);
  sqlite3_free(targets->buckets);
}

/* Appends the key that `statement` stands on; where it begins. */
static sqlite3_int64 targets_read(Failure *failure, Targets *targets,
                                  sqlite3_stmt *statement, int columns) {
  sqlite3_int64 offset = targets->keys.size;
  for (int i = 0; i < columns; i++) {
    Value value = value_of_column(failure, statement, i);
    values_add(failure, &targets->keys, &value);
  }
  return offset;
}

static void targets_room(Failure *failure, Targets *targets) {
  if (targets->count < targets->room) return;
  int room = targets->room ? 2 * targets->room : 16;
  void *list =
      sqlite3_realloc64(targets->list, sizeof(Target) * (sqlite3_uint64)room);
  if (!list) {
    failure_memory(failure);
    return;
  }
  targets->list = list;
  targets->room = room;
}

void targets_add(Failure *failure, Targets *targets, sqlite3_stmt *statement,
                 int columns) {
  targets_room(failure, targets);
  sqlite3_int64 offset = targets_read(failure, targets, statement, columns);
  if (failure->code) return;
  targets->list[targets->count++] =
      (Target){offset, targets->keys.size - offset, -1, false};
}

void targets_index(Failure *failure, Targets *targets) {
  if (failure->code || !targets->count) return;
  targets->buckets =
      sqlite3_malloc64(sizeof(int) * (sqlite3_uint64)targets->room);
  if (!targets->buckets) {
    failure_memory(failure);
    return;
  }
  for (int i = 0; i < targets->room; i++) targets->buckets[i] = -1;
  for (int i = 0; i < targets->count; i++) {
    Target *target = &targets->list[i];
    sqlite3_uint64 bucket =
        values_hash(targets->keys.data + target->offset, target->size) %
        (sqlite3_uint64)targets->room;
    target->next = targets->buckets[bucket];
    targets->buckets[bucket] = i;
  }
}

static void targets_mark(Targets *targets, sqlite3_int64 offset) {
  sqlite3_int64 size = targets->keys.size - offset;
  const char *data = targets->keys.data;
  sqlite3_uint64 bucket =
      values_hash(data + offset, size) % (sqlite3_uint64)targets->room;
  for (int i = targets->buckets[bucket]; i >= 0; i = targets->list[i].next) {
    Target *target = &targets->list[i];
    if (target->size == size &&
        memcmp(data + target->offset, data + offset, (size_t)size) == 0)
      target->kept = true;
  }
}

void targets_keep(Failure *failure, Targets *targets, sqlite3_stmt *statement,
                  int columns) {
  if (failure->code || !targets->count) return;
  sqlite3_int64 offset = targets_read(failure, targets, statement, columns);
  if (!failure->code) targets_mark(targets, offset);
  targets->keys.size = offset;
}

bool targets_next(const Targets *targets, int *place, Value *values,
                  int columns) {
  while (*place < targets->count && targets->list[*place].kept) ++*place;
  if (*place == targets->count) return false;
  sqlite3_int64 cursor = targets->list[*place].offset;
  for (int i = 0; i < columns; i++)
    values_next(&targets->keys, &cursor, &values[i]);
  ++*place;
  return true;
}
