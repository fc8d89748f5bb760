/*
** value.c: values kept for later.
**
** A Value is a small copy of what SQLite hands over in an argument or a column,
** with its text borrowed.  Values is a block in which many are packed one
** after another: an aggregate keeps its rows there until the scan that gives
** them has ended.
**
**     byte   type, plus VALUE_JSON for text that is JSON by subtype
**     ...    INTEGER, REAL: 8 bytes; TEXT, BLOB: 4 bytes of size, the bytes,
**            a NUL; NULL: nothing
*/
#include "relate_int.h"

#define VALUE_JSON 0x10

/* The argument `value`.  Its text is borrowed until the argument changes. */
Value value_of(Failure *failure, sqlite3_value *value) {
  Value result = {sqlite3_value_type(value), false, 0, 0, NULL, 0};
  if (result.type == SQLITE_INTEGER) {
    result.integer = sqlite3_value_int64(value);
  } else if (result.type == SQLITE_FLOAT) {
    result.real = sqlite3_value_double(value);
  } else if (result.type == SQLITE_TEXT) {
    result.bytes = (const char *)sqlite3_value_text(value);
    result.size = sqlite3_value_bytes(value);
    result.json = sqlite3_value_subtype(value) == JSON_SUBTYPE;
    if (!result.bytes) failure_memory(failure);
  } else if (result.type == SQLITE_BLOB) {
    result.bytes = sqlite3_value_blob(value);
    result.size = sqlite3_value_bytes(value);
    if (!result.bytes) {
      if (result.size) failure_memory(failure);
      result.bytes = "";
    }
  }
  return result;
}

/* A column of the row that `statement` stands on, borrowed until it moves. */
Value value_of_column(Failure *failure, sqlite3_stmt *statement, int column) {
  Value result = {SQLITE_NULL, false, 0, 0, NULL, 0};
  if (failure->code) return result;
  result.type = sqlite3_column_type(statement, column);
  if (result.type == SQLITE_INTEGER) {
    result.integer = sqlite3_column_int64(statement, column);
  } else if (result.type == SQLITE_FLOAT) {
    result.real = sqlite3_column_double(statement, column);
  } else if (result.type == SQLITE_TEXT) {
    result.bytes = (const char *)sqlite3_column_text(statement, column);
    result.size = sqlite3_column_bytes(statement, column);
    if (!result.bytes) failure_memory(failure);
  } else if (result.type == SQLITE_BLOB) {
    result.bytes = sqlite3_column_blob(statement, column);
    result.size = sqlite3_column_bytes(statement, column);
    if (!result.bytes) {
      if (result.size) failure_memory(failure);
      result.bytes = "";
    }
  }
  return result;
}

/* Binds without copying: the value outlives the statement's next step. */
void value_bind(Failure *failure, sqlite3_stmt *statement, int parameter,
                const Value *value) {
  int code = SQLITE_OK;
  if (failure->code || !statement) return;
  if (value->type == SQLITE_INTEGER) {
    code = sqlite3_bind_int64(statement, parameter, value->integer);
  } else if (value->type == SQLITE_FLOAT) {
    code = sqlite3_bind_double(statement, parameter, value->real);
  } else if (value->type == SQLITE_TEXT) {
    code = sqlite3_bind_text(statement, parameter, value->bytes, value->size,
                             SQLITE_STATIC);
  } else if (value->type == SQLITE_BLOB) {
    code = sqlite3_bind_blob(statement, parameter, value->bytes, value->size,
                             SQLITE_STATIC);
  } else {
    code = sqlite3_bind_null(statement, parameter);
  }
  if (code) failure_from_db(failure, sqlite3_db_handle(statement));
}

/* Results in the value without copying: it outlives the statement. */
void value_result(sqlite3_context *context, const Value *value) {
  if (value->type == SQLITE_INTEGER) {
    sqlite3_result_int64(context, value->integer);
  } else if (value->type == SQLITE_FLOAT) {
    sqlite3_result_double(context, value->real);
  } else if (value->type == SQLITE_TEXT) {
    sqlite3_result_text(context, value->bytes, value->size, SQLITE_STATIC);
  } else if (value->type == SQLITE_BLOB) {
    sqlite3_result_blob(context, value->bytes, value->size, SQLITE_STATIC);
  }
}

/* Results in a copy. */
void value_result_copy(sqlite3_context *context, const Value *value) {
  if (value->type == SQLITE_TEXT) {
    sqlite3_result_text(context, value->bytes, value->size, SQLITE_TRANSIENT);
  } else if (value->type == SQLITE_BLOB) {
    sqlite3_result_blob(context, value->bytes, value->size, SQLITE_TRANSIENT);
  } else {
    value_result(context, value);
  }
}

/* No literal is infinite, but one that is too large is read so. */
static void append_real(sqlite3_str *text, double real) {
  if (real - real != 0) {
    sqlite3_str_appendall(text, real > 0 ? "9e999" : "-9e999");
  } else {
    sqlite3_str_appendf(text, "%!.17g", real);
  }
}

/* 'it''s', or ('a'||char(0)||'b') */
static void append_text(sqlite3_str *text, const char *bytes, int size) {
  const char *end = bytes + size, *zero = memchr(bytes, 0, (size_t)size);
  if (zero) sqlite3_str_appendall(text, "(");
  for (; zero; zero = memchr(bytes, 0, (size_t)(end - bytes))) {
    sqlite3_str_appendf(text, "'%.*q'||char(0)||", (int)(zero - bytes), bytes);
    bytes = zero + 1;
    size = -1;
  }
  sqlite3_str_appendf(text, "'%.*q'", (int)(end - bytes), bytes);
  if (size < 0) sqlite3_str_appendall(text, ")");
}

void value_append_sql(sqlite3_str *text, const Value *value) {
  if (value->type == SQLITE_INTEGER) {
    sqlite3_str_appendf(text, "%lld", value->integer);
  } else if (value->type == SQLITE_FLOAT) {
    append_real(text, value->real);
  } else if (value->type == SQLITE_TEXT) {
    append_text(text, value->bytes, value->size);
  } else if (value->type == SQLITE_BLOB) {
    sqlite3_str_appendall(text, "x'");
    for (int i = 0; i < value->size; i++)
      sqlite3_str_appendf(text, "%02x", (unsigned char)value->bytes[i]);
    sqlite3_str_appendall(text, "'");
  } else {
    sqlite3_str_appendall(text, "NULL");
  }
}

#define DESCRIBE_LENGTH 40

/* Writes the value for a message: 7, 'Ann', x'01ff', NULL; long ones cut. */
void value_describe(sqlite3_str *text, const Value *value) {
  int size = value->size > DESCRIBE_LENGTH ? DESCRIBE_LENGTH : value->size;
  const char *rest = value->size > DESCRIBE_LENGTH ? "..." : "";
  if (value->type == SQLITE_INTEGER) {
    sqlite3_str_appendf(text, "%lld", value->integer);
  } else if (value->type == SQLITE_FLOAT) {
    sqlite3_str_appendf(text, "%!.15g", value->real);
  } else if (value->type == SQLITE_TEXT && value->json) {
    sqlite3_str_appendf(text, "%.*s%s", size, value->bytes, rest);
  } else if (value->type == SQLITE_TEXT) {
    /* cut between characters, not inside one */
    while (size < value->size && (value->bytes[size] & 0xc0) == 0x80) size++;
    sqlite3_str_appendf(text, "'%.*q%s'", size, value->bytes, rest);
  } else if (value->type == SQLITE_BLOB) {
    sqlite3_str_appendall(text, "x'");
    for (int i = 0; i < size; i++)
      sqlite3_str_appendf(text, "%02x", (unsigned char)value->bytes[i]);
    sqlite3_str_appendf(text, "%s'", rest);
  } else {
    sqlite3_str_appendall(text, "NULL");
  }
}

/* ---- what quote() has written ---- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 'it''s', from the first quote on. */
static char *unquote_text(char *in, Value *value) {
  char *out = in;
  value->type = SQLITE_TEXT;
  value->bytes = out;
  for (in++; *in && (*in != '\'' || *++in == '\''); in++) *out++ = *in;
  value->size = (int)(out - value->bytes);
  return in;
}

/* x'00ff', from the first quote on. */
static char *unquote_blob(char *in, Value *value) {
  char *out = in;
  value->type = SQLITE_BLOB;
  value->bytes = out;
  for (in++; hex_digit(in[0]) >= 0 && hex_digit(in[1]) >= 0; in += 2)
    *out++ = (char)(hex_digit(in[0]) << 4 | hex_digit(in[1]));
  value->size = (int)(out - value->bytes);
  return *in == '\'' ? in + 1 : in;
}

/* SQLite before 3.41 writes Inf. */
static double unquote_real(const char *text, int size) {
  if (!memchr(text, 'I', (size_t)size)) return real_read(text, size);
  return *text == '-' ? -real_read("9e999", 5) : real_read("9e999", 5);
}

static char *unquote_number(char *in, Value *value) {
  bool negative = *in == '-';
  sqlite3_uint64 number = 0;
  value->type = SQLITE_INTEGER;
  const char *start = in;
  for (in += negative; *in && *in != ',' && *in != ']'; in++) {
    if (*in < '0' || *in > '9') value->type = SQLITE_FLOAT;
    number = number * 10 + (sqlite3_uint64)(*in - '0');
  }
  value->integer = (sqlite3_int64)(negative ? 0 - number : number);
  if (value->type == SQLITE_FLOAT)
    value->real = unquote_real(start, (int)(in - start));
  return in;
}

/* Reads the value at *cursor as quote() writes it and moves on behind the comma
** or bracket that follows; false at the end.  Text and BLOB are decoded in place. */
bool value_unquote(char **cursor, Value *value) {
  char *in = *cursor;
  *value = (Value){SQLITE_NULL, false, 0, 0, NULL, 0};
  if (!*in) return false;
  if (*in == '\'') {
    in = unquote_text(in, value);
  } else if (*in == 'X' || *in == 'x') {
    in = unquote_blob(in + 1, value);
  } else if (*in == 'N') {
    in += strlen("NULL");
  } else {
    in = unquote_number(in, value);
  }
  *cursor = *in ? in + 1 : in;
  return true;
}

/* True if both are stored alike: same type, same bytes. */
bool value_same(const Value *a, const Value *b) {
  if (a->type != b->type) return false;
  if (a->type == SQLITE_INTEGER) return a->integer == b->integer;
  if (a->type == SQLITE_FLOAT) return a->real == b->real;
  if (a->type == SQLITE_NULL) return true;
  return a->size == b->size && memcmp(a->bytes, b->bytes, (size_t)a->size) == 0;
}

static void values_room(Failure *failure, Values *values, sqlite3_int64 size) {
  sqlite3_int64 room = 2 * values->room + size + 32;
  char *data = sqlite3_realloc64(values->borrowed ? NULL : values->data,
                                 (sqlite3_uint64)room);
  if (!data) {
    failure_memory(failure);
    return;
  }
  if (values->borrowed) memcpy(data, values->data, (size_t)values->size);
  values->data = data;
  values->room = room;
  values->borrowed = false;
}

/* Where the next `size` bytes go; NULL once *failure is set. */
static char *values_grow(Failure *failure, Values *values, sqlite3_int64 size) {
  if (values->size + size > values->room) values_room(failure, values, size);
  if (failure->code) return NULL;
  char *place = values->data + values->size;
  values->size += size;
  return place;
}

/* Appends a copy of `value`. */
void values_add(Failure *failure, Values *values, const Value *value) {
  if (failure->code) return;
  bool number = value->type == SQLITE_INTEGER || value->type == SQLITE_FLOAT;
  bool bytes = value->type == SQLITE_TEXT || value->type == SQLITE_BLOB;
  sqlite3_int64 size = number ? 9 : bytes ? value->size + 6 : 1;
  char *place = values_grow(failure, values, size);
  if (!place) return;
  place[0] = (char)(value->type | (value->json ? VALUE_JSON : 0));
  if (value->type == SQLITE_INTEGER) {
    memcpy(place + 1, &value->integer, sizeof(value->integer));
  } else if (value->type == SQLITE_FLOAT) {
    memcpy(place + 1, &value->real, sizeof(value->real));
  } else if (bytes) {
    memcpy(place + 1, &value->size, sizeof(value->size));
    memcpy(place + 5, value->bytes, (size_t)value->size);
    place[5 + value->size] = 0;
  }
}

/* Reads the value at *cursor (0 is the first) and moves on; false at the end.
** Its text is borrowed until values_add or values_free. */
bool values_next(const Values *values, sqlite3_int64 *cursor, Value *value) {
  if (*cursor >= values->size) return false;
  const char *place = values->data + *cursor;
  memset(value, 0, sizeof(*value));
  value->type = place[0] & 0x0f;
  value->json = (place[0] & VALUE_JSON) != 0;
  *cursor += 1;
  if (value->type == SQLITE_INTEGER) {
    memcpy(&value->integer, place + 1, sizeof(value->integer));
    *cursor += 8;
  } else if (value->type == SQLITE_FLOAT) {
    memcpy(&value->real, place + 1, sizeof(value->real));
    *cursor += 8;
  } else if (value->type != SQLITE_NULL) {
    memcpy(&value->size, place + 1, sizeof(value->size));
    value->bytes = place + 5;
    *cursor += 5 + value->size;
  }
  return true;
}

void values_free(Values *values) {
  if (!values->borrowed) sqlite3_free(values->data);
  *values = (Values){NULL, 0, 0, false};
}

/* Of packed values. */
sqlite3_uint64 values_hash(const char *data, sqlite3_int64 size) {
  sqlite3_uint64 hash = 14695981039346656037u;
  for (sqlite3_int64 i = 0; i < size; i++)
    hash = (hash ^ (unsigned char)data[i]) * 1099511628211u;
  return hash ^ hash >> 29;
}
