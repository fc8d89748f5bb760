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
#define HELD_FEW 20          /* statements, for which there is room */
#define LOAD_DEPTH_LIMIT 500 /* of objects in objects */
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

/* A statement of the shape, for as long as the call lasts. */
typedef struct Held {
  sqlite3_stmt *statement; /* NULL: not needed so far */
  bool busy;               /* it stands on a row */
} Held;

/* What has been written. */
typedef struct LoadedText {
  char *data;
  sqlite3_int64 size, room;
} LoadedText;

/* One call. */
typedef struct Loading {
  Failure *failure;
  Loader *loader;
  LoadedShape *loaded;
  LoadedText text;
  Held *held; /* by number */
  int argc;   /* parameters of the shape */
  sqlite3_value **argv;
  int depth;
} Loading;

/* ---- text ---- */

/* Makes room for so many bytes; false once there is none. */
static bool text_grow(Loading *loading, sqlite3_int64 size) {
  LoadedText *text = &loading->text;
  sqlite3_int64 limit =
      sqlite3_limit(loading->loader->connection->db, SQLITE_LIMIT_LENGTH, -1);
  if (loading->failure->code) return false;
  if (text->size + size > limit) {
    failure_set(loading->failure, SQLITE_TOOBIG,
                "the result would be longer than %lld bytes", limit);
    return false;
  }
  sqlite3_int64 room = 2 * text->room + size + 200;
  char *data = sqlite3_realloc64(text->data, (sqlite3_uint64)room);
  if (!data) {
    failure_memory(loading->failure);
    return false;
  }
  text->data = data;
  text->room = room;
  return true;
}

static inline void load_bytes(Loading *loading, const void *bytes,
                              sqlite3_int64 size) {
  LoadedText *text = &loading->text;
  if (text->room - text->size <= size && !text_grow(loading, size)) return;
  if (size) memcpy(text->data + text->size, bytes, (size_t)size);
  text->size += size;
}

static inline void load_byte(Loading *loading, char byte) {
  load_bytes(loading, &byte, 1);
}

static void load_text(Loading *loading, const char *text) {
  load_bytes(loading, text, (sqlite3_int64)strlen(text));
}

/* ---- values ---- */

/* A byte that can't stand in a string as it is. */
static inline bool is_escaped(unsigned char c) {
  return c < 0x20 || c == '"' || c == '\\';
}

static void load_escape(Loading *loading, unsigned char c) {
  static const char named[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
  const char *found = c ? strchr(named, c) : NULL;
  char escape[8];
  sqlite3_snprintf(sizeof(escape), escape, found ? "\\%c" : "\\u%04x",
                   found ? letters[found - named] : c);
  load_text(loading, escape);
}

static void load_string(Loading *loading, const unsigned char *bytes,
                        int size) {
  int from = 0;
  load_byte(loading, '"');
  for (int i = 0; i < size; i++) {
    if (!is_escaped(bytes[i])) continue;
    load_bytes(loading, bytes + from, i - from);
    load_escape(loading, bytes[i]);
    from = i + 1;
  }
  load_bytes(loading, bytes + from, size - from);
  load_byte(loading, '"');
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

static void load_real(Loading *loading, double real) {
  char decimal[40];
  sqlite3_snprintf(sizeof(decimal), decimal, "%!.15g", real);
  if (real - real != 0 || !decimal_is(decimal, real)) real_write(real, decimal);
  load_text(loading, decimal);
}

static void load_blob(Loading *loading, const unsigned char *bytes, int size) {
  static const char digits[] = "0123456789abcdef";
  load_text(loading, "{\"hex\":\"");
  for (int i = 0; i < size; i++) {
    load_byte(loading, digits[bytes[i] >> 4]);
    load_byte(loading, digits[bytes[i] & 15]);
  }
  load_text(loading, "\"}");
}

static void load_integer(Loading *loading, sqlite3_int64 integer) {
  char digits[24];
  int at = sizeof(digits);
  sqlite3_uint64 rest =
      integer < 0 ? 0 - (sqlite3_uint64)integer : (sqlite3_uint64)integer;
  do {
    digits[--at] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (integer < 0) digits[--at] = '-';
  load_bytes(loading, digits + at, (int)sizeof(digits) - at);
}

/* Writes a column of the row that `statement` stands on.  As a value it is asked
** for once: each question about a column takes the connection's lock, which who
** calls a function holds already. */
static void load_value(Loading *loading, sqlite3_stmt *statement, int column,
                       bool json) {
  sqlite3_value *value = sqlite3_column_value(statement, column);
  int type = sqlite3_value_type(value);
  if (type == SQLITE_INTEGER) {
    load_integer(loading, sqlite3_value_int64(value));
  } else if (type == SQLITE_FLOAT) {
    load_real(loading, sqlite3_value_double(value));
  } else if (type == SQLITE_NULL) {
    load_text(loading, "null");
  } else {
    const unsigned char *bytes = type == SQLITE_TEXT
                                     ? sqlite3_value_text(value)
                                     : sqlite3_value_blob(value);
    int size = sqlite3_value_bytes(value);
    if (!bytes && (size || type == SQLITE_TEXT)) {
      failure_memory(loading->failure);
    } else if (type == SQLITE_BLOB) {
      load_blob(loading, bytes, size);
    } else if (json) {
      load_bytes(loading, bytes, size);
    } else {
      load_string(loading, bytes, size);
    }
  }
}

/* ---- statements ---- */

/* The SQL of a statement: of a shape, or of a value in it. */
static char *load_sql(const Loading *loading, const Shape *shape,
                      const ShapeItem *value) {
  if (shape) return shape_sql(shape, &loading->loaded->source->row_key, false);
  return value->function ? select_aggregate(&value->route, value->function)
                         : select_value(&value->route);
}

/* A statement that stands on no row.  One of a shape that repeats may be in use
** further out; then there is another. */
static sqlite3_stmt *load_take(Loading *loading, int number, const Shape *shape,
                               const ShapeItem *value) {
  Cache *cache = loading->loader->connection->cache;
  sqlite3_int64 serial = loading->loaded->serial;
  Held *held = &loading->held[number];
  if (held->statement && !held->busy) {
    held->busy = true;
    return held->statement;
  }
  sqlite3_stmt *statement = cache_take(cache, serial, KIND_LOAD - number, NULL);
  if (!statement)
    statement = cache_add(loading->failure, cache, serial, KIND_LOAD - number,
                          NULL, value ? route_flags(&value->route) : 0,
                          load_sql(loading, shape, value));
  if (!held->statement) *held = (Held){statement, true};
  return statement;
}

static void load_give(Loading *loading, int number, sqlite3_stmt *statement) {
  Held *held = &loading->held[number];
  if (statement && held->statement == statement) {
    sqlite3_reset(statement);
    held->busy = false;
  } else {
    cache_give(loading->loader->connection->cache, statement);
  }
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
    if (sqlite3_bind_value(statement, keys + i + 1, loading->argv[i]))
      failure_from_db(loading->failure, loading->loader->connection->db);
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
  sqlite3_stmt *statement = load_take(loading, item->number, NULL, item);
  load_bind(loading, statement, around, item->sources,
            route_start(route)->count);
  if (statement_step(loading->failure, statement)) {
    load_value(loading, statement, 0, false);
  } else {
    load_text(loading, counts ? "0" : "null");
  }
  load_give(loading, item->number, statement);
}

static void load_row(Loading *loading, const Shape *shape,
                     sqlite3_stmt *statement, const LoadedRow *row, int depth);

/* One that is joined is in the row that `statement` stands on. */
static void load_shape(Loading *loading, const ShapeItem *item,
                       sqlite3_stmt *statement) {
  const Shape *shape = item->shape;
  Failure *failure = loading->failure;
  if (!shape->joined) {
    load_nested(loading, shape, statement, item->sources, NULL, 1);
  } else if (sqlite3_column_type(statement, shape->found) == SQLITE_NULL) {
    load_text(loading, "null");
  } else {
    load_row(loading, shape, statement, NULL, 1);
  }
  if (failure->code == SQLITE_ERROR || failure->code == SQLITE_MISMATCH)
    failure_prefix(failure, "in %s: ", item->key);
}

static void load_item(Loading *loading, const ShapeItem *item,
                      sqlite3_stmt *statement) {
  switch (item->kind) {
    case SHAPE_COLUMN:
      load_value(loading, statement, item->place, false);
      break;
    case SHAPE_JSON: load_value(loading, statement, item->place, true); break;
    case SHAPE_VALUE: load_along(loading, item, statement); break;
    case SHAPE_NESTED: load_shape(loading, item, statement); break;
  }
}

/* The row that `statement` stands on; `row` where its shape repeats, at that
** depth and under that key. */
static void load_row(Loading *loading, const Shape *shape,
                     sqlite3_stmt *statement, const LoadedRow *row, int depth) {
  for (int i = 0; i < shape->item_count && !loading->failure->code; i++) {
    load_bytes(loading, shape->items[i].lead, shape->items[i].lead_size);
    load_item(loading, &shape->items[i], statement);
  }
  if (row && !(shape->depth && depth >= shape->depth)) {
    load_byte(loading, ',');
    load_text(loading, shape->lead);
    load_nested(loading, shape, statement, shape->again, row, depth + 1);
  }
  load_byte(loading, '}');
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
                 route_start(&shape->route)->count);
  bool inside = !loading->failure->code && loaded_row_is_inside(&row);
  if (!inside && !loading->failure->code) {
    if (!first) load_byte(loading, ',');
    load_row(loading, shape, statement, &row, depth);
  }
  values_free(&row.key);
  return !inside;
}

static void load_rows(Loading *loading, const Shape *shape,
                      sqlite3_stmt *statement, const LoadedRow *row,
                      int depth) {
  bool first = true;
  if (!shape->to_one) load_byte(loading, '[');
  while (statement_step(loading->failure, statement)) {
    if (shape->repeat) {
      first =
          !load_again(loading, shape, statement, row, depth, first) && first;
    } else {
      if (!first) load_byte(loading, ',');
      load_row(loading, shape, statement, NULL, depth);
      first = false;
    }
    if (shape->to_one) break;
  }
  if (shape->to_one && first) load_text(loading, "null");
  if (!shape->to_one) load_byte(loading, ']');
}

static void load_nested(Loading *loading, const Shape *shape,
                        sqlite3_stmt *around, const int *places,
                        const LoadedRow *row, int depth) {
  int keys = route_start(&shape->route)->count;
  LoadedRow start = {.around = NULL};
  sqlite3_stmt *statement = load_take(loading, shape->number, shape, NULL);
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
  load_give(loading, shape->number, statement);
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
  sqlite3_stmt *statement = load_take(loading, shape->number, shape, NULL);
  key_bind(loading->failure, statement, 1, key);
  if (statement_step(loading->failure, statement)) {
    load_row(loading, shape, statement, NULL, 1);
    if (!loading->failure->code) {
      sqlite3_result_text64(context, loading->text.data,
                            (sqlite3_uint64)loading->text.size, sqlite3_free,
                            SQLITE_UTF8);
      sqlite3_result_subtype(context, JSON_SUBTYPE);
      loading->text.data = NULL;
    }
  }
  if (loading->failure->message &&
      strcmp(loading->failure->message, "malformed JSON") == 0)
    key_prefix(loading->failure, key);
  load_give(loading, shape->number, statement);
}

/* Room for the statements: `few`, if they are. */
static Held *load_hold(Failure *failure, const LoadedShape *loaded, Held *few) {
  int count = loaded->shape->statements;
  if (count <= HELD_FEW) return few;
  sqlite3_uint64 size = (sqlite3_uint64)count * sizeof(Held);
  Held *held = sqlite3_malloc64(size);
  if (held) memset(held, 0, size);
  if (!held) failure_memory(failure);
  return held;
}

static void load_release(Loading *loading, Held *few) {
  Cache *cache = loading->loader->connection->cache;
  int count = loading->held ? loading->loaded->shape->statements : 0;
  for (int i = 0; i < count; i++)
    if (loading->held[i].statement)
      cache_give(cache, loading->held[i].statement);
  if (loading->held != few) sqlite3_free(loading->held);
}

static const char *load_argument(Failure *failure, sqlite3_value *value,
                                 const char *what) {
  if (failure->code) return "";
  const char *text = sqlite3_value_type(value) == SQLITE_TEXT
                         ? (const char *)sqlite3_value_text(value)
                         : NULL;
  if (!text) failure_set(failure, SQLITE_MISMATCH, "%s is not text", what);
  if (text && strlen(text) != (size_t)sqlite3_value_bytes(value))
    failure_set(failure, SQLITE_MISMATCH, "%s has a NUL in it", what);
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
                     .argc = argc - 3,
                     .argv = argv + 3};
  Held few[HELD_FEW] = {{NULL, false}};
  Key key;
  Value given = value_of(failure, argv[1]);
  loading.held = load_hold(failure, loaded, few);
  key_read(failure, loader->connection, loaded->source,
           &loaded->source->row_key, &given, &key);
  if (!failure->code) load_root(&loading, &key, context);
  key_free(&key);
  load_release(&loading, few);
  sqlite3_free(loading.text.data);
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
                "%d argument%s; it is called as related_json(table, key, shape "
                "[, parameter, ...])",
                argc, argc == 1 ? "" : "s");
  } else {
    Value name = value_of(&failure, argv[0]);
    path = path_read_table(&failure, &name, "shape");
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
