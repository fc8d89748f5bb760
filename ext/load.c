/*
** load.c: related_json(), a tree of related rows as JSON.
**
**     SELECT related_json('students', 1, 'name, courses(title, teacher(name))');
**     {"name":"Alice","courses":[{"title":"Math","teacher":{"name":"Ito"}}]}
**
** A shape is read once, and kept with the connection.  Each of its shapes has one
** statement, which is stepped for each row around it; what it gives is written
** down as JSON at once.  So nothing is gathered, joined or sorted out, and no row
** is read twice.
**
** Values: INTEGER and REAL are numbers, which read back as the same number; TEXT
** is a string; NULL is null; a BLOB is {"hex":"..."}, which no text can pretend
** to be.
**
** Where a shape repeats, a row that is being written already, further out, is not
** written again inside itself; so a circle ends.
*/
#include "relate_int.h"

#define LOAD_KEPT 16         /* shapes of a connection */
#define LOAD_DEPTH_LIMIT 500 /* of objects in objects */
#define JSON_SUBTYPE_MARK 74 /* what SQLite's own JSON functions set */
enum { KIND_LOAD = -2000 };  /* and downwards, one for each statement */

/* A shape as it was read. */
typedef struct LoadedShape {
  char *table, *text;
  Model *model;
  Arena *arena;
  Shape *shape;
  const Table *source;
  sqlite3_int64 serial; /* of its statements in the cache */
  int busy;             /* calls that use it */
  unsigned used;        /* when it was last */
} LoadedShape;

/* What the function knows. */
typedef struct Loader {
  Connection *connection;
  unsigned clock;
  LoadedShape kept[LOAD_KEPT];
} Loader;

/* A row that is being written, and those around it. */
typedef struct LoadedRow {
  const struct LoadedRow *around;
  Values key;
} LoadedRow;

/* One call. */
typedef struct Loading {
  Failure *failure;
  Loader *loader;
  LoadedShape *loaded;
  sqlite3_str *text;
  int argc; /* parameters of the shape */
  sqlite3_value **argv;
  int depth;
} Loading;

/* ---- values ---- */

/* A byte that can't stand in a string as it is. */
static bool is_escaped(unsigned char c) {
  return c < 0x20 || c == '"' || c == '\\';
}

static void load_escape(sqlite3_str *text, unsigned char c) {
  static const char named[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
  const char *found = c ? strchr(named, c) : NULL;
  if (found) {
    sqlite3_str_appendf(text, "\\%c", letters[found - named]);
  } else {
    sqlite3_str_appendf(text, "\\u%04x", c);
  }
}

static void load_string(sqlite3_str *text, const unsigned char *bytes,
                        int size) {
  int from = 0;
  sqlite3_str_append(text, "\"", 1);
  for (int i = 0; i < size; i++) {
    if (!is_escaped(bytes[i])) continue;
    sqlite3_str_append(text, (const char *)bytes + from, i - from);
    load_escape(text, bytes[i]);
    from = i + 1;
  }
  sqlite3_str_append(text, (const char *)bytes + from, size - from);
  sqlite3_str_append(text, "\"", 1);
}

/* True if the decimal number is exactly `real`: 15 digits with a small exponent
** are a product of two numbers that a double holds exactly. */
static bool decimal_is(const char *decimal, double real) {
  double mantissa = 0, scale = 1;
  int exponent = 0, written = 0, behind = 0;
  const char *c = decimal;
  if (*c == '-') c++;
  for (bool point = false; *c && *c != 'e'; c++) {
    if (*c == '.') {
      point = true;
    } else {
      mantissa = mantissa * 10 + (*c - '0');
      behind += point;
    }
  }
  if (*c == 'e') {
    bool negative = c[1] == '-';
    for (c += c[1] == '-' || c[1] == '+' ? 2 : 1; *c; c++)
      written = written * 10 + (*c - '0');
    if (negative) written = -written;
  }
  exponent = written - behind;
  if (exponent > 22 || exponent < -22 || mantissa > 9007199254740992.0)
    return false;
  for (int i = exponent < 0 ? -exponent : exponent; i > 0; i--) scale *= 10;
  mantissa = exponent < 0 ? mantissa / scale : mantissa * scale;
  return (*decimal == '-' ? -mantissa : mantissa) == real;
}

static void load_real(sqlite3_str *text, double real) {
  char decimal[40];
  if (real > 1.7976931348623157e308 || real < -1.7976931348623157e308) {
    sqlite3_str_appendall(text, real > 0 ? "9e999" : "-9e999");
    return;
  }
  sqlite3_snprintf(sizeof(decimal), decimal, "%!.15g", real);
  if (!decimal_is(decimal, real))
    sqlite3_snprintf(sizeof(decimal), decimal, "%!.17g", real);
  sqlite3_str_appendall(text, decimal);
}

static void load_blob(sqlite3_str *text, const unsigned char *bytes, int size) {
  static const char digits[] = "0123456789abcdef";
  sqlite3_str_appendall(text, "{\"hex\":\"");
  for (int i = 0; i < size; i++) {
    sqlite3_str_append(text, &digits[bytes[i] >> 4], 1);
    sqlite3_str_append(text, &digits[bytes[i] & 15], 1);
  }
  sqlite3_str_appendall(text, "\"}");
}

static void load_integer(sqlite3_str *text, sqlite3_int64 integer) {
  char digits[24];
  int at = sizeof(digits);
  sqlite3_uint64 rest =
      integer < 0 ? 0 - (sqlite3_uint64)integer : (sqlite3_uint64)integer;
  do {
    digits[--at] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (integer < 0) digits[--at] = '-';
  sqlite3_str_append(text, digits + at, (int)sizeof(digits) - at);
}

/* Writes a column of the row that `statement` stands on. */
static void load_value(Loading *loading, sqlite3_stmt *statement, int column,
                       bool json) {
  sqlite3_str *text = loading->text;
  int type = sqlite3_column_type(statement, column);
  if (type == SQLITE_INTEGER) {
    load_integer(text, sqlite3_column_int64(statement, column));
  } else if (type == SQLITE_FLOAT) {
    load_real(text, sqlite3_column_double(statement, column));
  } else if (type == SQLITE_NULL) {
    sqlite3_str_appendall(text, "null");
  } else {
    const unsigned char *bytes = type == SQLITE_TEXT
                                     ? sqlite3_column_text(statement, column)
                                     : sqlite3_column_blob(statement, column);
    int size = sqlite3_column_bytes(statement, column);
    if (!bytes && (size || type == SQLITE_TEXT)) {
      failure_memory(loading->failure);
    } else if (type == SQLITE_BLOB) {
      load_blob(text, bytes, size);
    } else if (json) {
      sqlite3_str_append(text, (const char *)bytes, size);
    } else {
      load_string(text, bytes, size);
    }
  }
}

/* ---- statements ---- */

static sqlite3_stmt *load_statement(Loading *loading, int number,
                                    unsigned flags, char *sql) {
  Cache *cache = loading->loader->connection->cache;
  return cache_add(loading->failure, cache, loading->loaded->serial,
                   KIND_LOAD - number, NULL, flags, sql);
}

static sqlite3_stmt *load_take(const Loading *loading, int number) {
  return cache_take(loading->loader->connection->cache, loading->loaded->serial,
                    KIND_LOAD - number, NULL);
}

/* Binds the key that the row around has. */
static void load_bind(Loading *loading, sqlite3_stmt *statement,
                      sqlite3_stmt *around, const int *places, int count) {
  for (int i = 0; i < count && !loading->failure->code; i++)
    if (sqlite3_bind_value(statement, i + 1,
                           sqlite3_column_value(around, places[i])))
      failure_from_db(loading->failure, loading->loader->connection->db);
}

static void load_bind_parameters(Loading *loading, sqlite3_stmt *statement,
                                 const Shape *shape, int keys) {
  if (shape->parameters > loading->argc && !loading->failure->code)
    failure_set(loading->failure, SQLITE_RANGE,
                "the shape has ?%d, and %d value%s given behind it",
                shape->parameters, loading->argc,
                loading->argc == 1 ? " is" : "s are");
  for (int i = 0; i < shape->parameters && !loading->failure->code; i++)
    sqlite3_bind_value(statement, keys + i + 1, loading->argv[i]);
}

static const Columns *route_from(const Route *route) {
  return &route->steps[0].relationship->source_key;
}

/* ---- rows ---- */

static void load_nested(Loading *loading, const Shape *shape,
                        sqlite3_stmt *around, const int *places,
                        const LoadedRow *row, int depth);

/* What is at the end of a path, or an aggregate of it. */
static void load_along(Loading *loading, const ShapeItem *item,
                       sqlite3_stmt *around) {
  const Route *route = &item->route;
  bool counts = item->function && strcmp(item->function, "count") == 0;
  sqlite3_stmt *statement = load_take(loading, item->number);
  if (!statement)
    statement =
        load_statement(loading, item->number, route_flags(route),
                       item->function ? select_aggregate(route, item->function)
                                      : select_value(route));
  load_bind(loading, statement, around, item->sources,
            route_from(route)->count);
  if (statement_step(loading->failure, statement)) {
    load_value(loading, statement, 0, false);
  } else {
    sqlite3_str_appendall(loading->text, counts ? "0" : "null");
  }
  cache_give(loading->loader->connection->cache, statement);
}

static void load_item(Loading *loading, const ShapeItem *item,
                      sqlite3_stmt *statement) {
  switch (item->kind) {
    case SHAPE_COLUMN:
      load_value(loading, statement, item->place, false);
      break;
    case SHAPE_JSON: load_value(loading, statement, item->place, true); break;
    case SHAPE_VALUE: load_along(loading, item, statement); break;
    case SHAPE_NESTED:
      load_nested(loading, item->shape, statement, item->sources, NULL, 1);
      break;
  }
}

/* The row that `statement` stands on; `row` where its shape repeats, at that
** depth and under that key. */
static void load_row(Loading *loading, const Shape *shape,
                     sqlite3_stmt *statement, const LoadedRow *row, int depth) {
  sqlite3_str_append(loading->text, "{", 1);
  for (int i = 0; i < shape->item_count && !loading->failure->code; i++) {
    if (i) sqlite3_str_append(loading->text, ",", 1);
    sqlite3_str_appendall(loading->text, shape->items[i].lead);
    load_item(loading, &shape->items[i], statement);
  }
  if (row && !(shape->depth && depth >= shape->depth)) {
    if (shape->item_count) sqlite3_str_append(loading->text, ",", 1);
    sqlite3_str_appendall(loading->text, shape->lead);
    load_nested(loading, shape, statement, shape->again, row, depth + 1);
  }
  sqlite3_str_append(loading->text, "}", 1);
}

static void loaded_row_key(Loading *loading, LoadedRow *row,
                           sqlite3_stmt *statement, const int *places,
                           int count) {
  for (int i = 0; i < count; i++) {
    Value value = value_of_column(loading->failure, statement, places[i]);
    values_add(loading->failure, &row->key, &value);
  }
}

/* True if one of the rows around is the same. */
static bool loaded_row_is_inside(const LoadedRow *row) {
  for (const LoadedRow *other = row->around; other; other = other->around)
    if (other->key.size == row->key.size &&
        memcmp(other->key.data, row->key.data, (size_t)row->key.size) == 0)
      return true;
  return false;
}

/* A row of a shape that repeats; false if it is being written already. */
static bool load_again(Loading *loading, const Shape *shape,
                       sqlite3_stmt *statement, const LoadedRow *around,
                       int depth, bool first) {
  LoadedRow row = {.around = around};
  loaded_row_key(loading, &row, statement, shape->again,
                 route_from(&shape->route)->count);
  bool inside = !loading->failure->code && loaded_row_is_inside(&row);
  if (!inside && !loading->failure->code) {
    if (!first) sqlite3_str_append(loading->text, ",", 1);
    load_row(loading, shape, statement, &row, depth);
  }
  values_free(&row.key);
  return !inside;
}

static void load_rows(Loading *loading, const Shape *shape,
                      sqlite3_stmt *statement, const LoadedRow *row,
                      int depth) {
  bool first = true;
  if (!shape->to_one) sqlite3_str_append(loading->text, "[", 1);
  while (statement_step(loading->failure, statement)) {
    if (shape->repeat) {
      first =
          !load_again(loading, shape, statement, row, depth, first) && first;
    } else {
      if (!first) sqlite3_str_append(loading->text, ",", 1);
      load_row(loading, shape, statement, NULL, depth);
      first = false;
    }
    if (shape->to_one) break;
  }
  if (shape->to_one && first) sqlite3_str_appendall(loading->text, "null");
  if (!shape->to_one) sqlite3_str_append(loading->text, "]", 1);
}

static void load_nested(Loading *loading, const Shape *shape,
                        sqlite3_stmt *around, const int *places,
                        const LoadedRow *row, int depth) {
  int keys = route_from(&shape->route)->count;
  LoadedRow start = {.around = NULL};
  sqlite3_stmt *statement = load_take(loading, shape->number);
  if (!statement)
    statement =
        load_statement(loading, shape->number, 0, shape_sql(shape, NULL));
  if (++loading->depth > LOAD_DEPTH_LIMIT)
    failure_set(loading->failure, SQLITE_TOOBIG,
                "objects are nested more than %d deep; say ; depth n",
                LOAD_DEPTH_LIMIT);
  load_bind(loading, statement, around, places, keys);
  load_bind_parameters(loading, statement, shape, keys);
  if (shape->repeat && !row) {
    loaded_row_key(loading, &start, around, places, keys);
    row = &start;
  }
  if (!loading->failure->code) load_rows(loading, shape, statement, row, depth);
  values_free(&start.key);
  loading->depth--;
  cache_give(loading->loader->connection->cache, statement);
}

/* ---- shapes that are kept ---- */

static void loaded_free(LoadedShape *loaded) {
  sqlite3_free(loaded->table);
  sqlite3_free(loaded->text);
  model_release(loaded->model);
  arena_free(loaded->arena);
  *loaded = (LoadedShape){.table = NULL};
}

/* The place of a shape that has not been used for longest, emptied. */
static LoadedShape *loader_room(Failure *failure, Loader *loader) {
  LoadedShape *oldest = NULL;
  for (int i = 0; i < LOAD_KEPT; i++) {
    LoadedShape *loaded = &loader->kept[i];
    if (!loaded->busy && (!oldest || loaded->used < oldest->used))
      oldest = loaded;
  }
  if (!oldest) {
    failure_set(failure, SQLITE_ERROR, "too many calls, one in another");
    return NULL;
  }
  loaded_free(oldest);
  return oldest;
}

static LoadedShape *loader_find(Loader *loader, const Model *model,
                                const char *table, const char *text) {
  for (int i = 0; i < LOAD_KEPT; i++) {
    LoadedShape *loaded = &loader->kept[i];
    if (loaded->text && loaded->model == model &&
        strcmp(loaded->text, text) == 0 && strcmp(loaded->table, table) == 0)
      return loaded;
  }
  return NULL;
}

static char *loader_copy(Failure *failure, const char *text) {
  char *copy = failure->code ? NULL : sqlite3_mprintf("%s", text);
  if (!copy) failure_memory(failure);
  return copy;
}

static LoadedShape *loader_read(Failure *failure, Loader *loader, Model *model,
                                const Path *path, const char *table,
                                const char *text) {
  const Table *source = path_table(failure, model, path->table);
  LoadedShape *loaded = failure->code ? NULL : loader_room(failure, loader);
  if (!loaded) return NULL;
  if (!source->row_key.count)
    failure_set(failure, SQLITE_ERROR, "the rows of %s can't be told apart",
                source->name);
  loaded->table = loader_copy(failure, table);
  loaded->text = loader_copy(failure, text);
  loaded->arena = arena_new(failure);
  loaded->source = source;
  loaded->serial = ++loader->connection->serial;
  if (!failure->code) {
    model_retain(model);
    loaded->model = model;
    loaded->shape = shape_read(failure, loaded->arena, model, source, text);
  }
  if (!failure->code) return loaded;
  loaded_free(loaded);
  return NULL;
}

/* ---- related_json() ---- */

static void load_root(Loading *loading, const Key *key,
                      sqlite3_context *context) {
  const Shape *shape = loading->loaded->shape;
  const Columns *columns = &loading->loaded->source->row_key;
  sqlite3_stmt *statement = load_take(loading, 0);
  if (!statement)
    statement = load_statement(loading, 0, 0, shape_sql(shape, columns));
  key_bind(loading->failure, statement, 1, key);
  if (statement_step(loading->failure, statement)) {
    load_row(loading, shape, statement, NULL, 1);
    int length = sqlite3_str_length(loading->text);
    char *text = failure_text(loading->failure, loading->text);
    loading->text = NULL;
    if (text) {
      sqlite3_result_text(context, text, length, sqlite3_free);
      sqlite3_result_subtype(context, JSON_SUBTYPE_MARK);
    }
  }
  cache_give(loading->loader->connection->cache, statement);
}

static const char *load_argument(Failure *failure, sqlite3_value *value,
                                 const char *what) {
  if (failure->code) return "";
  const char *text = sqlite3_value_type(value) == SQLITE_TEXT
                         ? (const char *)sqlite3_value_text(value)
                         : NULL;
  if (!text) failure_set(failure, SQLITE_MISMATCH, "%s is not text", what);
  return text ? text : "";
}

static void load_call(Failure *failure, sqlite3_context *context,
                      Loader *loader, Model *model, const Path *path, int argc,
                      sqlite3_value **argv) {
  const char *table = load_argument(failure, argv[0], "the name of a table");
  const char *text = load_argument(failure, argv[2], "the shape");
  if (failure->code) return;
  LoadedShape *loaded = loader_find(loader, model, table, text);
  if (!loaded) loaded = loader_read(failure, loader, model, path, table, text);
  if (!loaded || sqlite3_value_type(argv[1]) == SQLITE_NULL) return;
  loaded->used = ++loader->clock;
  loaded->busy++;
  Loading loading = {.failure = failure,
                     .loader = loader,
                     .loaded = loaded,
                     .text = sqlite3_str_new(loader->connection->db),
                     .argc = argc - 3,
                     .argv = argv + 3};
  Key key;
  Value given = value_of(failure, argv[1]);
  key_read(failure, loader->connection, loaded->source,
           &loaded->source->row_key, &given, &key);
  if (!failure->code) load_root(&loading, &key, context);
  key_free(&key);
  if (loading.text) sqlite3_free(sqlite3_str_finish(loading.text));
  loaded->busy--;
}

/* related_json(table, key, shape [, parameter, ...]) */
static void load_function(sqlite3_context *context, int argc,
                          sqlite3_value **argv) {
  Failure failure = {0, NULL};
  Loader *loader = sqlite3_user_data(context);
  Path path = {.schema = "main"};
  if (argc < 3) {
    failure_set(&failure, SQLITE_MISUSE,
                "%d arguments; it is called as related_json(table, key, shape "
                "[, parameter, ...])",
                argc);
  } else {
    path = path_read(&failure,
                     load_argument(&failure, argv[0], "the name of a table"));
    if (!failure.code && path.count)
      failure_set(&failure, SQLITE_ERROR,
                  "the first argument is a table; what it leads to is said in "
                  "the shape");
  }
  Model *model = connection_enter(&failure, loader->connection, path.schema);
  if (!failure.code)
    load_call(&failure, context, loader, model, &path, argc, argv);
  connection_leave(loader->connection, model);
  path_free(&path);
  failure_prefix(&failure, "related_json: ");
  failure_to_result(&failure, context);
}

static void loader_release(void *owner) {
  Loader *loader = owner;
  for (int i = 0; i < LOAD_KEPT; i++) loaded_free(&loader->kept[i]);
  connection_release(loader->connection);
  sqlite3_free(loader);
}

void load_register(Failure *failure, Connection *connection) {
  Loader *loader = failure->code ? NULL : sqlite3_malloc64(sizeof(*loader));
  if (!loader) {
    failure_memory(failure);
    return;
  }
  memset(loader, 0, sizeof(*loader));
  connection_retain(connection);
  loader->connection = connection;
  if (sqlite3_create_function_v2(connection->db, "related_json", -1,
                                 FUNCTION_FLAGS, loader, load_function, NULL,
                                 NULL, loader_release))
    failure_from_db(failure, connection->db);
}
