/*
** arena.c: memory that is freed all at once.
**
** A model and everything it points to live in one arena: built once, never
** changed, freed together.
**
**     Arena *arena = arena_new(&failure);
**     char *name = arena_text(&failure, arena, "students");
**     arena_free(arena);
**
** Memory is handed out from blocks, zeroed and aligned for any type.  A
** request larger than a block has a block of its own.
*/
#include "relate_int.h"

#define ARENA_BLOCK 8000

typedef struct Block {
  struct Block *next;
  sqlite3_int64 used, size; /* of what follows this header */
} Block;

struct Arena {
  Block *blocks; /* the one to take from comes first */
};

Arena *arena_new(Failure *failure) {
  if (failure->code) return NULL;
  Arena *arena = sqlite3_malloc64(sizeof(*arena));
  if (!arena) {
    failure_memory(failure);
    return NULL;
  }
  arena->blocks = NULL;
  return arena;
}

void arena_free(Arena *arena) {
  if (!arena) return;
  while (arena->blocks) {
    Block *next = arena->blocks->next;
    sqlite3_free(arena->blocks);
    arena->blocks = next;
  }
  sqlite3_free(arena);
}

static Block *arena_grow(Failure *failure, Arena *arena, sqlite3_int64 size) {
  sqlite3_int64 room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
  Block *block = sqlite3_malloc64(sizeof(*block) + (sqlite3_uint64)room);
  if (!block) {
    failure_memory(failure);
    return NULL;
  }
  memset(block, 0, sizeof(*block) + (size_t)room);
  block->size = room;
  block->next = arena->blocks;
  arena->blocks = block;
  return block;
}

/* `size` bytes of zeros; NULL once *failure is set. */
void *arena_take(Failure *failure, Arena *arena, sqlite3_int64 size) {
  if (failure->code) return NULL;
  sqlite3_int64 rounded = (size + 15) & ~(sqlite3_int64)15;
  Block *block = arena->blocks;
  if (!block || block->size - block->used < rounded)
    block = arena_grow(failure, arena, rounded);
  if (!block) return NULL;
  void *memory = (char *)(block + 1) + block->used;
  block->used += rounded;
  return memory;
}

/* A copy of `text`; NULL for NULL. */
char *arena_text(Failure *failure, Arena *arena, const char *text) {
  if (!text) return NULL;
  size_t size = strlen(text) + 1;
  char *copy = arena_take(failure, arena, (sqlite3_int64)size);
  if (copy) memcpy(copy, text, size);
  return copy;
}

char *arena_format(Failure *failure, Arena *arena, const char *format, ...) {
  if (failure->code) return NULL;
  va_list arguments;
  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (!text) failure_memory(failure);
  char *copy = arena_text(failure, arena, text);
  sqlite3_free(text);
  return copy;
}

/* Finishes `text` and moves it into the arena; "" where it is empty. */
char *arena_string(Failure *failure, Arena *arena, sqlite3_str *text) {
  char *finished = failure_text(failure, text);
  char *copy = arena_text(failure, arena, finished);
  sqlite3_free(finished);
  return copy;
}

/* A list of `count` items of `size` bytes, with room for one more: `list`
** itself, or a larger copy.  Lists double, so pointers to items are to be
** taken when the list is complete. */
void *arena_extend(Failure *failure, Arena *arena, void *list, int count,
                   sqlite3_int64 size) {
  if (failure->code) return list;
  if (count && (count < 4 || (count & (count - 1)))) return list;
  int room = count ? 2 * count : 4;
  void *larger = arena_take(failure, arena, room * size);
  if (!larger) return list;
  if (count) memcpy(larger, list, (size_t)(count * size));
  return larger;
}
