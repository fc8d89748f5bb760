/*
** name.c: identifiers as people write them.
**
**     students            a name
**     "odd name"          a name that must be quoted in a path and in SQL
**     teacher_id          stem: teacher
**     categories          singular: category
**
** Names compare as SQLite compares them: letters of ASCII in either case.
*/
#include "relate_int.h"

/* NULL is equal to NULL alone. */
bool name_equal(const char *a, const char *b) {
  return sqlite3_stricmp(a, b) == 0;
}

bool name_starts(const char *name, const char *prefix) {
  return sqlite3_strnicmp(name, prefix, (int)strlen(prefix)) == 0;
}

static bool letter(char byte) {
  unsigned char c = (unsigned char)byte;
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c >= 0x80;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

static bool later(char c) { return letter(c) || digit(c) || c == '$'; }

/* True if `name` needs no quotes in a path. */
bool name_is_plain(const char *name) {
  if (!letter(*name)) return false;
  while (later(*name)) name++;
  return *name == 0;
}

/* Writes `name` as it is written in a path: quoted only where it must be. */
void name_append(sqlite3_str *text, const char *name) {
  if (name_is_plain(name)) {
    sqlite3_str_appendall(text, name);
  } else {
    sqlite3_str_appendf(text, "\"%w\"", name);
  }
}

/* Writes `name` as a JSON string. */
void text_append_json(sqlite3_str *text, const char *bytes, int size) {
  sqlite3_str_appendchar(text, 1, '"');
  for (int i = 0; i < size; i++) {
    if (bytes[i] == '"' || bytes[i] == '\\') {
      sqlite3_str_appendf(text, "\\%c", bytes[i]);
    } else if ((unsigned char)bytes[i] < 0x20) {
      sqlite3_str_appendf(text, "\\u%04x", bytes[i]);
    } else {
      sqlite3_str_appendchar(text, 1, bytes[i]);
    }
  }
  sqlite3_str_appendchar(text, 1, '"');
}

void name_append_json(sqlite3_str *text, const char *name) {
  text_append_json(text, name, (int)strlen(name));
}

static bool name_read_quoted(const char **cursor, sqlite3_str *name) {
  const char *c = *cursor + 1;
  for (; *c; c++) {
    if (*c == '"' && *++c != '"') {
      *cursor = c;
      return true;
    }
    sqlite3_str_appendchar(name, 1, *c);
  }
  return false;
}

/* Reads the name at *cursor, plain or quoted, and moves behind it.  False if
** there is none, or its closing quote is missing. */
bool name_read(const char **cursor, sqlite3_str *name) {
  if (**cursor == '"') return name_read_quoted(cursor, name);
  const char *start = *cursor, *end = start;
  if (letter(*end))
    while (later(*end)) end++;
  sqlite3_str_append(name, start, (int)(end - start));
  *cursor = end;
  return end > start;
}

/* The length of a key column's name without its suffix: teacher_id, teacherId
** and teacherID all have the stem teacher.  The whole length if it has none;
** 0 if nothing else is left. */
int name_stem(const char *column) {
  int length = (int)strlen(column);
  if (name_equal(column, "id")) return 0;
  if (length >= 3 && name_equal(column + length - 3, "_id")) return length - 3;
  if (length < 3) return length;
  const char *end = column + length - 2;
  bool suffix = strcmp(end, "Id") == 0 || strcmp(end, "ID") == 0;
  bool small = (end[-1] >= 'a' && end[-1] <= 'z') || digit(end[-1]);
  return suffix && small ? length - 2 : length;
}

static bool name_ends(const char *name, int length, const char *suffix) {
  int size = (int)strlen(suffix);
  return length > size &&
         sqlite3_strnicmp(name + length - size, suffix, size) == 0;
}

/* Writes the singular of a table's name: students -> student. */
void name_singular(sqlite3_str *text, const char *table) {
  int length = (int)strlen(table);
  if (name_ends(table, length, "ies")) {
    bool capital = table[length - 1] == 'S';
    sqlite3_str_append(text, table, length - 3);
    sqlite3_str_appendchar(text, 1, capital ? 'Y' : 'y');
    return;
  }
  if (name_ends(table, length, "sses") || name_ends(table, length, "shes") ||
      name_ends(table, length, "ches") || name_ends(table, length, "xes")) {
    length -= 2;
  } else if (name_ends(table, length, "s") && !name_ends(table, length, "ss")) {
    length -= 1;
  }
  sqlite3_str_append(text, table, length);
}

#define DISTANCE_LENGTH 64

static int smaller(int a, int b) { return a < b ? a : b; }

static char folded(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How many letters must be inserted, removed or replaced to make one name of
** the other; of long names the beginning is compared. */
int name_distance(const char *a, const char *b) {
  int row[DISTANCE_LENGTH + 1];
  int length = smaller((int)strlen(b), DISTANCE_LENGTH);
  for (int j = 0; j <= length; j++) row[j] = j;
  for (int i = 1; a[i - 1] && i <= DISTANCE_LENGTH; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= length; j++) {
      int replaced = diagonal + (folded(a[i - 1]) != folded(b[j - 1]));
      diagonal = row[j];
      row[j] = smaller(replaced, smaller(row[j], row[j - 1]) + 1);
    }
  }
  return row[length];
}

/* Behind the quoted name or text, or else the one character, at `sql`. */
const char *name_token_end(const char *sql) {
  char quote = *sql++;
  if (quote != '"' && quote != '\'') return sql;
  while (*sql && (*sql != quote || sql[1] == quote))
    sql += *sql == quote ? 2 : 1;
  return *sql ? sql + 1 : sql;
}
