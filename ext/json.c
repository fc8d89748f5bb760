/*
** json.c: well-formed JSON cut into values.
**
** SQLite parses JSON; its function json() gives a text that is known to be well
** formed.  Here such a text is only cut: where a value ends, and which string stands
** there.  A string is decoded in its place, where a NUL takes the place of the quote
** behind it.
*/
#include "relate_int.h"

char *json_space_end(char *at) {
  while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') at++;
  return at;
}

static char *string_end(char *at) {
  for (at++; *at && *at != '"'; at++)
    if (*at == '\\' && at[1]) at++;
  return *at ? at + 1 : at;
}

char *json_end(char *at) {
  int depth = 0;
  do {
    if (*at == '"') {
      at = string_end(at);
      continue;
    }
    if (*at == '{' || *at == '[') depth++;
    if (*at == '}' || *at == ']') depth--;
    at++;
    while (!depth && *at && !strchr(",:]} \t\n\r", *at)) at++;
  } while (depth && *at);
  return at;
}

/* ---- strings ---- */

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number that four digits are, or -1. */
static int unit_at(const char *at) {
  int unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = digit_of(at[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

/* What stands behind \u, which is two such units for a code beyond 16 bits. */
static int code_at(const char **at) {
  int code = unit_at(*at);
  if (code < 0) return code;
  *at += 4;
  if (code >= 0xd800 && code < 0xdc00 && (*at)[0] == '\\' && (*at)[1] == 'u') {
    int low = unit_at(*at + 2);
    if (low >= 0xdc00 && low < 0xe000) {
      *at += 6;
      code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
    }
  }
  return code;
}

static char *put_code(char *out, int code) {
  if (code < 0x80) {
    *out++ = (char)code;
    return out;
  }
  int behind = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static const int leads[] = {0, 0xc0, 0xe0, 0xf0};
  *out++ = (char)(leads[behind] | code >> (6 * behind));
  while (behind--) *out++ = (char)(0x80 | (code >> (6 * behind) & 0x3f));
  return out;
}

/* The byte that an escape of one letter stands for. */
static char escaped(char letter) {
  static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
  const char *found = strchr(letters, letter);
  return found ? bytes[found - letters] : letter;
}

Text json_string(char *at) {
  char *start = ++at, *out = at;
  while (*at && *at != '"') {
    if (*at != '\\') {
      *out++ = *at++;
      continue;
    }
    char letter = at[1];
    at += 2;
    const char *digits = at;
    int code = letter == 'u' ? code_at(&digits) : -1;
    if (code >= 0) {
      at += digits - at;
      out = put_code(out, code);
    } else {
      *out++ = escaped(letter);
    }
  }
  *out = 0;
  return (Text){start, (int)(out - start)};
}

/* ---- values ---- */

/* {"hex":"00ff"} is a BLOB, as related_json() writes it. */
static bool read_blob(Failure *failure, Arena *arena, const char *at,
                      const char *end, Value *value) {
  static const char start[] = "{\"hex\":\"";
  sqlite3_int64 lead = (sqlite3_int64)sizeof(start) - 1, size = end - at;
  if (size < lead + 2 || size % 2 || memcmp(at, start, (size_t)lead) != 0 ||
      memcmp(end - 2, "\"}", 2) != 0)
    return false;
  const char *digits = at + lead;
  for (const char *c = digits; c < end - 2; c++)
    if (digit_of(*c) < 0) return false;
  size = (size - lead - 2) / 2;
  char *bytes = arena_take(failure, arena, size + 1);
  for (sqlite3_int64 i = 0; bytes && i < size; i++)
    bytes[i] =
        (char)(16 * digit_of(digits[2 * i]) + digit_of(digits[2 * i + 1]));
  *value = (Value){.type = SQLITE_BLOB,
                   .json = true,
                   .bytes = bytes ? bytes : "",
                   .size = (int)size};
  return true;
}

static Value value_of_json(Failure *failure, Arena *arena, const char *at,
                           const char *end) {
  Value value = {
      .type = SQLITE_TEXT, .json = true, .bytes = "", .size = (int)(end - at)};
  char *copy = arena_take(failure, arena, value.size + 1);
  if (!copy) return value;
  memcpy(copy, at, (size_t)value.size);
  value.bytes = copy;
  return value;
}

Value json_value(Failure *failure, Arena *arena, char *at, const char *end,
                 bool blobs) {
  Value value = {.type = SQLITE_NULL};
  if (*at == '"') {
    Text text = json_string(at);
    value =
        (Value){.type = SQLITE_TEXT, .bytes = text.bytes, .size = text.size};
  } else if (*at == 't' || *at == 'f') {
    value = (Value){.type = SQLITE_INTEGER, .integer = *at == 't'};
  } else if (*at == '{' || *at == '[') {
    if (!blobs || !read_blob(failure, arena, at, end, &value))
      value = value_of_json(failure, arena, at, end);
  } else if (*at != 'n') {
    value.type = SQLITE_INTEGER;
    if (!integer_read(at, (int)(end - at), &value.integer))
      value =
          (Value){.type = SQLITE_FLOAT, .real = real_read(at, (int)(end - at))};
  }
  return value;
}
