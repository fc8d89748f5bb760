/*
** storage.c: a value as a column stores it, and as a key compares it.
**
** '7' is 7 where the column holds numbers, 7 is '7' where it holds text, and a key
** takes 'Ann' for 'ann' if its collation does.  To look into the database for that
** would cost a statement for each pair; these are SQLite's rules, said once more.
**
** A collation of one's own counts as BINARY, and a REAL given for a text is the
** text that SQLite makes of it unless told otherwise.  Where they differ, two values
** that the column takes for one count as two.
**
** Pure.
*/
#include "relate_int.h"

#define STORED_SIZE 40 /* of a number that becomes text */

/* ---- numbers ---- */

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The digits at `at`. */
static int digits_size(const char *at, const char *end) {
  const char *start = at;
  while (at < end && byte_is_digit(*at)) at++;
  return (int)(at - start);
}

/* The number that all of the text is, with space around it. */
static bool text_number(const Value *text, Value *number) {
  const char *at = text->bytes, *end = at + text->size;
  while (at < end && is_space(*at)) at++;
  while (at < end && is_space(end[-1])) end--;
  bool negative = at < end && *at == '-';
  at += at < end && *at == '+';
  const char *start = at;
  at += negative;
  int digits = digits_size(at, end);
  at += digits;
  if (digits && at == end &&
      integer_read(start, (int)(end - start), &number->integer)) {
    number->type = SQLITE_INTEGER;
    return true;
  }
  if (at < end && *at == '.') {
    int behind = digits_size(++at, end);
    digits += behind;
    at += behind;
  }
  if (digits && at < end && (*at == 'e' || *at == 'E')) {
    at++;
    at += at < end && (*at == '-' || *at == '+');
    int exponent = digits_size(at, end);
    if (!exponent) return false;
    at += exponent;
  }
  if (!digits || at != end) return false;
  number->type = SQLITE_FLOAT;
  number->real = real_read(start, (int)(end - start));
  return true;
}

/* A REAL that is whole compares as that INTEGER. */
static void make_whole(Value *value) {
  if (value->type != SQLITE_FLOAT || !(value->real >= -9223372036854775808.0 &&
                                       value->real < 9223372036854775808.0))
    return;
  sqlite3_int64 integer = (sqlite3_int64)value->real;
  if ((double)integer == value->real)
    *value = (Value){.type = SQLITE_INTEGER, .integer = integer};
}

/* ---- storing ---- */

static void store_text(Value *value, char room[STORED_SIZE]) {
  if (value->type == SQLITE_INTEGER) {
    sqlite3_snprintf(STORED_SIZE, room, "%lld", value->integer);
  } else if (value->type == SQLITE_FLOAT) {
    sqlite3_snprintf(STORED_SIZE, room, "%!.15g", value->real);
  } else {
    return;
  }
  *value =
      (Value){.type = SQLITE_TEXT, .bytes = room, .size = (int)strlen(room)};
}

static void store_number(Value *value, bool is_real) {
  Value number = {.type = SQLITE_NULL};
  if (value->type == SQLITE_TEXT && text_number(value, &number))
    *value = number;
  if (!is_real) make_whole(value);
  if (is_real && value->type == SQLITE_INTEGER)
    *value = (Value){.type = SQLITE_FLOAT, .real = (double)value->integer};
}

/* What the column makes of it. */
static Value value_stored(const Column *column, const Value *given,
                          char room[STORED_SIZE]) {
  Value value = *given;
  value.json = false;
  if (column->affinity == 'B') {
    store_text(&value, room);
  } else if (column->affinity != 'A') {
    store_number(&value, column->affinity == 'E');
  }
  return value;
}

bool value_is_alike(const Column *column, const Value *a, const Value *b) {
  char room[STORED_SIZE], other[STORED_SIZE];
  Value first = value_stored(column, a, room),
        second = value_stored(column, b, other);
  return value_same(&first, &second);
}

/* ---- comparing ---- */

/* What NOCASE takes for the same; changes the bytes, which are a copy. */
static void fold(char *bytes, int size) {
  for (int i = 0; i < size; i++)
    if (bytes[i] >= 'A' && bytes[i] <= 'Z') bytes[i] += 'a' - 'A';
}

void values_add_stored(Failure *failure, Values *values, const Column *column,
                       const Value *given) {
  char room[STORED_SIZE];
  Value value = value_stored(column, given, room);
  make_whole(&value);
  if (name_equal(column->collation, "RTRIM") && value.type == SQLITE_TEXT)
    while (value.size && value.bytes[value.size - 1] == ' ') value.size--;
  values_add(failure, values, &value);
  if (name_equal(column->collation, "NOCASE") && value.type == SQLITE_TEXT &&
      !failure->code)
    fold(values->data + values->size - 1 - value.size, value.size);
}

bool value_matches(const Column *column, const Value *a, const Value *b) {
  Failure failure = {0, NULL};
  Values first = {0}, second = {0};
  if (value_is_alike(column, a, b)) return true;
  values_add_stored(&failure, &first, column, a);
  values_add_stored(&failure, &second, column, b);
  bool same = !failure.code && first.size == second.size &&
              memcmp(first.data, second.data, (size_t)first.size) == 0;
  values_free(&first);
  values_free(&second);
  failure_clear(&failure);
  return same;
}
