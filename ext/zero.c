/*
** zero.c: zero bytes in a document.
**
** JSON writes U+0000 as \u0000, and SQLite before 3.53 cuts a string off there.  So
** a character that the document does not have stands in for it while SQLite reads:
**
**     {"name": "a\u0000b"}   is given to SQLite as   {"name": "a\ue000b"}
**
** and what it makes of that gets the zero byte back: the bytes of U+E000 in a text,
** the escape \ue000 in a text of JSON.
**
** The stand-in is a character for private use, of which there are 6400.
**
** Pure but for memory.
*/
#include "relate_int.h"

#define PRIVATE_FIRST 0xE000
#define PRIVATE_COUNT 6400
#define ESCAPE_SIZE 6 /* of \u0000 */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The code of \uXXXX; -1 if that is not what begins here. */
static int escape_code(const char *at, const char *end) {
  int code = 0;
  if (end - at < ESCAPE_SIZE || at[0] != '\\' || at[1] != 'u') return -1;
  for (int i = 2; i < ESCAPE_SIZE; i++) {
    if (hex_digit(at[i]) < 0) return -1;
    code = code * 16 + hex_digit(at[i]);
  }
  return code;
}

/* The code of three bytes of UTF-8; -1 if they are none. */
static int bytes_code(const char *at, const char *end) {
  if (end - at < 3 || (at[0] & 0xF0) != 0xE0) return -1;
  return (at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F);
}

/* How far to the next: a backslash and what it escapes are passed together. */
static int zero_step(const char *at, const char *end) {
  return *at == '\\' && end - at > 1 ? 2 : 1;
}

/* Marks the private characters that are there, written in either way. */
static void zero_mark(const char *at, const char *end, bool *there) {
  for (; at < end; at += zero_step(at, end)) {
    int code = *at == '\\' ? escape_code(at, end) : bytes_code(at, end);
    if (code >= PRIVATE_FIRST && code < PRIVATE_FIRST + PRIVATE_COUNT)
      there[code - PRIVATE_FIRST] = true;
  }
}

static void zero_choose(Failure *failure, Zero *zero, const char *text,
                        const char *end) {
  bool there[PRIVATE_COUNT] = {false};
  int code = 0;
  zero_mark(text, end, there);
  while (code < PRIVATE_COUNT && there[code]) code++;
  if (code == PRIVATE_COUNT)
    failure_set(failure, SQLITE_ERROR,
                "the document has \\u0000, and all characters for private use "
                "as well");
  zero->code = PRIVATE_FIRST + code;
  sqlite3_snprintf(sizeof(zero->escape), zero->escape, "\\u%04x", zero->code);
}

Value zero_hide(Failure *failure, Arena *arena, const Value *json, Zero *zero) {
  *zero = (Zero){.code = 0};
  if (failure->code || !strstr(json->bytes, "\\u0000")) return *json;
  char *copy = arena_take(failure, arena, (sqlite3_int64)json->size + 1);
  if (!copy) return *json;
  memcpy(copy, json->bytes, (size_t)json->size);
  const char *end = copy + json->size;
  zero_choose(failure, zero, copy, end);
  for (char *at = copy; at < end; at += zero_step(at, end))
    if (escape_code(at, end) == 0) memcpy(at, zero->escape, ESCAPE_SIZE);
  Value hidden = *json;
  hidden.bytes = copy;
  return hidden;
}

void zero_show(const Zero *zero, Value *text) {
  if (!zero->code || text->type != SQLITE_TEXT) return;
  char *to = (char *)text->bytes;
  const char *end = text->bytes + text->size;
  for (const char *at = text->bytes; at < end; at++) {
    bool is = bytes_code(at, end) == zero->code;
    *to++ = is ? '\0' : *at;
    if (is) at += 2;
  }
  text->size = (int)(to - text->bytes);
}

void zero_show_json(const Zero *zero, Value *text) {
  const char *end = text->bytes + text->size;
  if (!zero->code || text->type != SQLITE_TEXT) return;
  for (char *at = (char *)text->bytes; at < end; at += zero_step(at, end))
    if (escape_code(at, end) == zero->code) memcpy(at, "\\u0000", ESCAPE_SIZE);
}
