/*
** key.c: which row is meant.
**
**     7                                          the row with that key
**     json_array('KA', 12)                       a key of two columns
**     json_object('email', 'ann@example.org')    the one row that has it
**
** JSON is known by SQLite's subtype, never by the look of a text, so that a
** row's own text can't pretend to be a key of another kind.
**
** Ownership: a Key borrows a plain value from its caller and owns everything
** else; key_free in the end.
*/
#include "relate_int.h"

enum { KIND_JSON = -90, KIND_FIND, KIND_MEMBERS, KIND_EXISTS };

static void append_key_columns(sqlite3_str *text, const Columns *columns) {
  sqlite3_str_appendall(text, columns->count == 1 ? "" : "(");
  columns_append(text, columns, ", ");
  sqlite3_str_appendall(text, columns->count == 1 ? "" : ")");
}

const Value *key_values(const Key *key) {
  return key->values ? key->values : &key->single;
}

/* Writes `id = 7` or `(a, b) = (1, 2)`. */
static void key_describe(sqlite3_str *text, const Key *key) {
  const char *separator = key->columns->count == 1 ? " = " : " = (";
  append_key_columns(text, key->columns);
  for (int i = 0; i < key->columns->count; i++) {
    sqlite3_str_appendall(text, separator);
    value_describe(text, &key_values(key)[i]);
    separator = ", ";
  }
  if (key->columns->count != 1) sqlite3_str_appendall(text, ")");
}

/* Writes `courses with id = 7`. */
void key_describe_row(sqlite3_str *text, const Key *key) {
  sqlite3_str_appendf(text, "%s with ", key->table->name);
  key_describe(text, key);
}

void key_prefix(Failure *failure, const Key *key) {
  Failure ignored = {0, NULL};
  if (!failure->code) return;
  sqlite3_str *text = sqlite3_str_new(NULL);
  key_describe_row(text, key);
  char *row = failure_text(&ignored, text);
  failure_prefix(failure, "%s: ", row ? row : key->table->name);
  sqlite3_free(row);
  failure_clear(&ignored);
}

void key_free(Key *key) {
  sqlite3_free(key->values);
  values_free(&key->storage);
  key->values = NULL;
}

/* Binds the key's values from `parameter` on; the next free parameter. */
int key_bind(Failure *failure, sqlite3_stmt *statement, int parameter,
             const Key *key) {
  for (int i = 0; i < key->columns->count && !failure->code; i++)
    value_bind(failure, statement, parameter + i, &key_values(key)[i]);
  return parameter + key->columns->count;
}

bool key_exists(Failure *failure, Connection *connection, const Key *key) {
  if (failure->code) return false;
  sqlite3_stmt *statement =
      cache_text(failure, connection->cache, KIND_EXISTS,
                 generate_exists(key->table, key->columns));
  key_bind(failure, statement, 1, key);
  bool found = statement_step(failure, statement);
  cache_give(connection->cache, statement);
  return found;
}

static bool looks_like_json(const Key *key) {
  const Value *value = key_values(key);
  return key->columns->count == 1 && value->type == SQLITE_TEXT &&
         (value->bytes[0] == '{' || value->bytes[0] == '[');
}

/* Fails if the row is not there. */
void key_demand(Failure *failure, Connection *connection, const Key *key) {
  if (key_exists(failure, connection, key)) return;
  sqlite3_str *text = sqlite3_str_new(NULL);
  key_describe(text, key);
  char *described = failure_text(failure, text);
  failure_set(
      failure, SQLITE_CONSTRAINT_FOREIGNKEY, "no row of %s has %s%s",
      key->table->name, described,
      looks_like_json(key)
          ? "; a key in JSON is given by json_object() or json_array(), "
            "or wrapped in json()"
          : "");
  sqlite3_free(described);
}

/* ---- JSON ---- */

static void fail_count(Failure *failure, const Key *key, int given) {
  sqlite3_str *names = sqlite3_str_new(NULL);
  columns_append(names, key->columns, ", ");
  char *list = failure_text(failure, names);
  failure_set(failure, SQLITE_MISMATCH,
              "%d value%s for the key of %s, which has %d column%s: give "
              "json_array(%s)",
              given, given == 1 ? "" : "s", key->table->name,
              key->columns->count, key->columns->count == 1 ? "" : "s", list);
  sqlite3_free(list);
}

static void fail_null(Failure *failure, const Key *key) {
  sqlite3_str *names = sqlite3_str_new(NULL);
  append_key_columns(names, key->columns);
  char *list = failure_text(failure, names);
  failure_set(failure, SQLITE_MISMATCH, "NULL is no key: give the %s of %s",
              list, key->table->name);
  sqlite3_free(list);
}

/* What is in key->storage becomes the key's values. */
static void key_unpack(Failure *failure, Key *key) {
  if (failure->code) return;
  key->values = sqlite3_malloc64(sizeof(Value) *
                                 (sqlite3_uint64)(key->columns->count + 1));
  if (!key->values) {
    failure_memory(failure);
    return;
  }
  sqlite3_int64 cursor = 0;
  int count = 0;
  Value value;
  while (values_next(&key->storage, &cursor, &value)) {
    if (value.type == SQLITE_NULL) fail_null(failure, key);
    if (count < key->columns->count) key->values[count] = value;
    count++;
  }
  if (count != key->columns->count) fail_count(failure, key, count);
}

sqlite3_stmt *json_open(Failure *failure, Connection *connection,
                        const Value *json) {
  sqlite3_stmt *each = cache_sql(failure, connection->cache, KIND_JSON,
                                 "SELECT value, key FROM temp.json_each(?1)");
  value_bind(failure, each, 1, json);
  return each;
}

/* An array, or a plain value that is JSON. */
static void key_read_array(Failure *failure, Connection *connection,
                           const Value *given, Key *key) {
  sqlite3_stmt *each = json_open(failure, connection, given);
  while (statement_step(failure, each)) {
    Value value = value_of_column(failure, each, 0);
    values_add(failure, &key->storage, &value);
  }
  cache_give(connection->cache, each);
  key_unpack(failure, key);
}

/* How many members `json` has, a JSON text of that type; -1 for other text.
** (json_valid() would say no where there is no memory.) */
int json_members(Failure *failure, Connection *connection, const Value *json,
                 const char *type) {
  int length = -1;
  sqlite3_stmt *statement =
      cache_sql(failure, connection->cache, KIND_MEMBERS,
                "SELECT (SELECT count(*) FROM temp.json_each(?1))"
                " WHERE json_type(?1) = ?2");
  value_bind(failure, statement, 1, json);
  statement_bind_text(failure, statement, 2, type);
  if (json->type == SQLITE_TEXT && statement_step(failure, statement))
    length = sqlite3_column_int(statement, 0);
  if (failure->code == SQLITE_ERROR) failure_clear(failure); /* malformed */
  cache_give(connection->cache, statement);
  return length;
}

/* ---- an object picks a row ---- */

/* Columns, and the values they are to have. */
typedef struct Pick {
  Arena *arena;
  Columns columns;
  Values values;
} Pick;

static const Column *pick_column(Failure *failure, const Table *table,
                                 const char *name) {
  const Column *column = table_column(table, name);
  if (!column && table->rowid.name && name_equal(table->rowid.name, name))
    column = &table->rowid;
  if (!column)
    failure_set(failure, SQLITE_ERROR, "%s has no column %s to be found by",
                table->name, name);
  return column;
}

static void pick_read(Failure *failure, Connection *connection,
                      const Table *table, const Value *given, Pick *pick) {
  sqlite3_stmt *each = json_open(failure, connection, given);
  while (statement_step(failure, each)) {
    const char *name = statement_text(failure, each, 1);
    Value value = value_of_column(failure, each, 0);
    pick->columns.list =
        arena_extend(failure, pick->arena, (void *)pick->columns.list,
                     pick->columns.count, sizeof(Column *));
    if (failure->code) break;
    pick->columns.list[pick->columns.count++] =
        pick_column(failure, table, name);
    values_add(failure, &pick->values, &value);
  }
  cache_give(connection->cache, each);
  if (!pick->columns.count)
    failure_set(failure, SQLITE_ERROR, "{} picks no row of %s", table->name);
}

static void pick_fail(Failure *failure, const Table *table, const Value *given,
                      bool several) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  value_describe(text, given);
  char *described = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR,
              several ? "several rows of %s have %s; give more columns, or the "
                        "key"
                      : "no row of %s has %s",
              table->name, described);
  sqlite3_free(described);
}

static void pick_find(Failure *failure, Connection *connection,
                      const Pick *pick, const Value *given, Key *key) {
  if (failure->code) return;
  sqlite3_stmt *find =
      cache_text(failure, connection->cache, KIND_FIND,
                 generate_find(key->table, key->columns, &pick->columns));
  Value value;
  sqlite3_int64 cursor = 0;
  for (int i = 1; values_next(&pick->values, &cursor, &value); i++)
    value_bind(failure, find, i, &value);
  if (!statement_step(failure, find)) {
    pick_fail(failure, key->table, given, false);
  } else {
    for (int i = 0; i < key->columns->count; i++) {
      value = value_of_column(failure, find, i);
      values_add(failure, &key->storage, &value);
    }
    if (statement_step(failure, find))
      pick_fail(failure, key->table, given, true);
  }
  cache_give(connection->cache, find);
}

static void key_read_object(Failure *failure, Connection *connection,
                            const Value *given, Key *key) {
  Pick pick = {arena_new(failure), {0, NULL}, {NULL, 0, 0, false}};
  if (pick.arena) pick_read(failure, connection, key->table, given, &pick);
  pick_find(failure, connection, &pick, given, key);
  key_unpack(failure, key);
  values_free(&pick.values);
  arena_free(pick.arena);
}

/* ---- the key ---- */

static char first_letter(const Value *value) {
  const char *c = value->bytes;
  while (*c == ' ' || *c == '\t' || *c == '\n' || *c == '\r') c++;
  return *c;
}

/* `given` is borrowed until key_free. */
void key_read(Failure *failure, Connection *connection, const Table *table,
              const Columns *columns, const Value *given, Key *key) {
  *key = (Key){.table = table, .columns = columns, .single = *given};
  if (failure->code) return;
  if (given->json && first_letter(given) == '{') {
    key_read_object(failure, connection, given, key);
  } else if (given->json) {
    key_read_array(failure, connection, given, key);
  } else if (given->type == SQLITE_NULL) {
    fail_null(failure, key);
  } else if (columns->count != 1) {
    fail_count(failure, key, 1);
  }
}
