/*
** navigator.c: relationships as tables.
**
**     SELECT title, grade FROM students__courses(1) ORDER BY title;
**     SELECT s.name, c.title FROM students s JOIN "students.courses"(s.id) c;
**     SELECT name, depth FROM "employees.reports*"(1);
**
** Each direction of each relationship is an eponymous virtual table.  Its names
** are those of the relationship, as in a path, and with two underscores for the
** dot where nobody has that name; what a relationship between a table and itself
** leads to again and again is a table too, with * or __all behind.  Which names
** there are is for atlas.c; what one means is looked up in the model when it is
** connected, and again when there is a new model.
** The rows are those of one statement, which plan.c has made when the query was
** prepared and which comes along in idxStr.
**
** SQLite prepares a query again when the schema has changed, but keeps the
** columns of a virtual table until its module is registered again.  With each
** new model that is done for those that are connected and have other columns
** now; but not while SQLite compiles a query, which may be about one of them.  A
** query that was prepared on the former columns is told so by its plan, and says
** SQLITE_SCHEMA when it begins: SQLite then prepares it once more.
**
** Ownership: the atlas owns the navigators, which live as long as the connection.
** A module and a connected table each hold a reference to the connection.
*/
#include "relate_int.h"

/* The kind of the statement that makes a link_key grows with its columns. */
enum { KIND_NAVIGATE = -170, KIND_LINK_KEY = 200 };

/* One name, and what it means in the present model. */
struct Navigator {
  Connection *connection;
  const char *name; /* of the virtual table */
  const char *schema, *table, *relationship;
  bool travels;
  char *connected; /* the shape that SQLite has been told, or NULL */
  Model *model;    /* that what follows belongs to, or NULL */
  Arena *arena;
  const Relationship *meaning;
  Route route;
  Fields fields;
  Estimate estimate;
  char *columns; /* as SQLite is to be told */
  char *shape;   /* those, and what counting leaves out; NULL: see problem */
  Failure problem;
};

/* What the navigator was when it was connected; a query that runs on may find
** that it means something else by now. */
typedef struct NavigatorTable {
  sqlite3_vtab base;
  Navigator *navigator;
  char *shape;
  const char *uncounted; /* in the shape: SELECT, of what counting left out */
  int field_count;
  int key_count;      /* of the source */
  int identity_count; /* of the target, where it travels */
  int node_key_count; /* 0: the identity is the key */
  int source_field;   /* the first of the source's key */
  int link_field;     /* -1: there is no link_key */
  int link_key_count; /* columns that it is made of */
  int *row_place;     /* of each field among these, or -1 */
  char *key_affinity; /* of each column of the source's key */
  bool single;        /* its rows are the links of one step */
  unsigned flags;     /* of its statements */
} NavigatorTable;

typedef struct NavigatorCursor {
  sqlite3_vtab_cursor base;
  Cache *cache;
  const char *plan; /* idxStr that the statements are of */
  bool loose;       /* without its loose part */
  sqlite3_stmt *statement;
  sqlite3_stmt *sources; /* to travel from, where none is given */
  Travel *travel;
  int idxNum;
  bool end;
  int row_first;      /* where the columns of link_key begin */
  sqlite3_int64 left; /* of rows that are counted */
  sqlite3_int64 rowid;
} NavigatorCursor;

/* ---- what a name means ---- */

static void navigator_unbind(Navigator *navigator) {
  model_release(navigator->model);
  arena_free(navigator->arena);
  sqlite3_free(navigator->columns);
  sqlite3_free(navigator->shape);
  failure_clear(&navigator->problem);
  navigator->model = NULL;
  navigator->arena = NULL;
  navigator->columns = navigator->shape = NULL;
  navigator->route = (Route){0};
  navigator->fields = (Fields){0, NULL, 0, -1};
}

/* The relationship of that name; the failure is the problem to be told. */
static const Relationship *navigator_find(Failure *failure,
                                          const Navigator *navigator,
                                          const Model *model) {
  PathPart part = {navigator->relationship, false};
  Path path = {.schema = navigator->schema,
               .table = navigator->table,
               .name = part.name,
               .count = 1,
               .parts = &part};
  return path_relationship(failure, model, &path);
}

/* The source's key, and the link's. */
static char *uncounted_text(Failure *failure, const Navigator *navigator) {
  const Fields *fields = &navigator->fields;
  Reading reading = {.route = &navigator->route,
                     .fields = fields,
                     .keyed = true,
                     .travels = navigator->travels};
  for (int i = 0; i < fields->count && i < 63; i++)
    if (fields->list[i].origin == FIELD_SOURCE)
      reading.used |= (sqlite3_uint64)1 << i;
  sqlite3_str *text = sqlite3_str_new(NULL);
  reading_select(text, &reading);
  return failure_text(failure, text);
}

/* What the relationship looks like as a table. */
static void navigator_describe(Failure *failure, Navigator *navigator,
                               const Relationship *relationship) {
  Route *route = &navigator->route;
  navigator->meaning = relationship;
  *route = route_of(failure, navigator->arena, relationship);
  navigator->fields =
      fields_of(failure, navigator->arena, route, navigator->travels);
  if (failure->code) return;
  navigator->estimate =
      plan_estimate(failure, navigator->connection->db, route);
  navigator->columns = fields_declaration(failure, &navigator->fields);
  char *uncounted = uncounted_text(failure, navigator);
  if (!failure->code)
    navigator->shape = sqlite3_mprintf("%s\n%s", navigator->columns, uncounted);
  if (!failure->code && !navigator->shape) failure_memory(failure);
  sqlite3_free(uncounted);
}

/* A name that means nothing now is bound to the problem. */
static void navigator_bind(Failure *failure, Navigator *navigator,
                           Model *model) {
  if (failure->code || navigator->model == model) return;
  Failure trouble = {0, NULL};
  navigator_unbind(navigator);
  navigator->arena = arena_new(&trouble);
  const Relationship *found = navigator_find(&trouble, navigator, model);
  if (found) navigator_describe(&trouble, navigator, found);
  if (trouble.code == SQLITE_NOMEM) {
    failure_memory(failure);
    failure_clear(&trouble);
    navigator_unbind(navigator);
    return;
  }
  navigator->problem = trouble;
  navigator->model = model;
  model_retain(model);
}

static bool navigator_is_stale(const Navigator *navigator) {
  return !navigator->connected || !navigator->shape ||
         strcmp(navigator->connected, navigator->shape) != 0;
}

/* ---- connecting ---- */

/* connection_enter and connection_leave, for SQLite that compiles a query. */
static Model *navigator_enter(Failure *failure, Navigator *navigator) {
  Connection *connection = navigator->connection;
  connection->compiling++;
  Model *model = connection_enter(failure, connection, navigator->schema);
  navigator_bind(failure, navigator, model);
  return model;
}

static void navigator_leave(Navigator *navigator, Model *model) {
  connection_leave(navigator->connection, model);
  navigator->connection->compiling--;
}

static void table_measure(NavigatorTable *table) {
  const Route *route = &table->navigator->route;
  const Columns *key = &route->steps[0].relationship->source_key;
  const Columns *identity =
      &route->steps[route->count - 1].relationship->target_key;
  const Fields *fields = &table->navigator->fields;
  table->single = route_link(route) && !table->navigator->travels;
  table->flags = route_flags(route);
  table->field_count = fields->count;
  for (int i = 0; i < fields->count; i++)
    table->row_place[i] =
        reading_row_place(route, &fields->list[i], table->navigator->travels);
  table->key_count = key->count;
  table->source_field = fields->source;
  table->link_field = fields->link;
  table->link_key_count = table->single ? route_link(route)->link->row_key.count
                                        : key->count + identity->count;
  table->identity_count = identity->count;
  table->node_key_count = columns_same(identity, key) ? 0 : key->count;
  for (int i = 0; i < key->count; i++)
    table->key_affinity[i] = field_affinity(&fields->list[fields->source + i]);
}

/* Room for a table with its arrays behind it, and its shape. */
static NavigatorTable *table_make(const Navigator *navigator) {
  const Route *route = &navigator->route;
  size_t fields = (size_t)navigator->fields.count;
  size_t keys = (size_t)route->steps[0].relationship->source_key.count;
  NavigatorTable *table =
      sqlite3_malloc64(sizeof(*table) + sizeof(int) * fields + keys);
  if (!table) return NULL;
  memset(table, 0, sizeof(*table));
  table->row_place = (int *)(table + 1);
  table->key_affinity = (char *)(table->row_place + fields);
  table->shape = sqlite3_mprintf("%s", navigator->shape);
  if (table->shape) return table;
  sqlite3_free(table);
  return NULL;
}

static NavigatorTable *table_new(Failure *failure, Navigator *navigator) {
  if (failure->code) return NULL;
  NavigatorTable *table = table_make(navigator);
  char *connected = sqlite3_mprintf("%s", navigator->shape);
  if (!table || !connected) {
    failure_memory(failure);
    if (table) sqlite3_free(table->shape);
    sqlite3_free(table);
    sqlite3_free(connected);
    return NULL;
  }
  sqlite3_free(navigator->connected);
  navigator->connected = connected;
  table->uncounted = table->shape + strlen(navigator->columns) + 1;
  table->navigator = navigator;
  connection_retain(navigator->connection);
  table_measure(table);
  return table;
}

static int navigator_connect(sqlite3 *db, void *pAux, int argc,
                             const char *const *argv, sqlite3_vtab **ppVtab,
                             char **pzErr) {
  Navigator *navigator = pAux;
  Failure failure = {0, NULL};
  (void)argc, (void)argv;
  Model *model = navigator_enter(&failure, navigator);
  if (!failure.code && navigator->problem.code)
    failure_set(&failure, navigator->problem.code, "%s",
                navigator->problem.message);
  if (!failure.code && sqlite3_declare_vtab(db, navigator->columns))
    failure_from_db(&failure, db);
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  NavigatorTable *table = table_new(&failure, navigator);
  *ppVtab = table ? &table->base : NULL;
  navigator_leave(navigator, model);
  int code = failure.code;
  if (code) *pzErr = failure_take(&failure);
  return code;
}

static int navigator_disconnect(sqlite3_vtab *pVtab) {
  NavigatorTable *table = (NavigatorTable *)pVtab;
  connection_release(table->navigator->connection);
  sqlite3_free(table->shape);
  sqlite3_free(table);
  return SQLITE_OK;
}

/* ---- planning ---- */

static bool table_is_stale(const NavigatorTable *table) {
  const char *shape = table->navigator->shape;
  return !shape || strcmp(table->shape, shape) != 0;
}

/* A query on columns that are no longer so is not worth planning. */
static void plan_stale(sqlite3_index_info *info) {
  info->idxNum = PLAN_STALE;
  info->estimatedCost = 1;
}

static int navigator_best_index(sqlite3_vtab *pVtab, sqlite3_index_info *info) {
  Navigator *navigator = ((NavigatorTable *)pVtab)->navigator;
  Failure failure = {0, NULL};
  Model *model = navigator_enter(&failure, navigator);
  if (!failure.code && table_is_stale((NavigatorTable *)pVtab)) {
    plan_stale(info);
  } else if (!failure.code) {
    plan_make(&failure, info, &navigator->route, &navigator->fields,
              &navigator->estimate, navigator->travels);
  }
  navigator_leave(navigator, model);
  failure_prefix(&failure, "%s: ", navigator->name);
  return failure_to_table(&failure, pVtab);
}

/* ---- reading ---- */

static int navigator_open(sqlite3_vtab *pVtab, sqlite3_vtab_cursor **ppCursor) {
  NavigatorCursor *cursor = sqlite3_malloc64(sizeof(*cursor));
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, sizeof(*cursor));
  cursor->cache = ((NavigatorTable *)pVtab)->navigator->connection->cache;
  *ppCursor = &cursor->base;
  return SQLITE_OK;
}

static void cursor_give(NavigatorCursor *cursor) {
  cache_give(cursor->cache, cursor->statement);
  cache_give(cursor->cache, cursor->sources);
  cursor->statement = cursor->sources = NULL;
  cursor->plan = NULL;
}

static int navigator_close(sqlite3_vtab_cursor *base) {
  NavigatorCursor *cursor = (NavigatorCursor *)base;
  cursor_give(cursor);
  travel_free(cursor->travel);
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static Navigator *cursor_navigator(const NavigatorCursor *cursor) {
  return ((NavigatorTable *)cursor->base.pVtab)->navigator;
}

/* Takes the statement of that text, which it frees, or prepares it. */
static sqlite3_stmt *cursor_prepare(Failure *failure, NavigatorCursor *cursor,
                                    char *sql) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  if (!sql) failure_memory(failure);
  sqlite3_stmt *statement =
      sql ? cache_take(cursor->cache, 1, KIND_NAVIGATE, sql) : NULL;
  if (!statement && sql)
    statement = cache_add(failure, cursor->cache, 1, KIND_NAVIGATE, sql,
                          table->flags, sqlite3_mprintf("%s", sql));
  sqlite3_free(sql);
  return statement;
}

/* Prepares the statements of the plan. */
static void cursor_take(Failure *failure, NavigatorCursor *cursor,
                        const char *plan, bool loose) {
  bool lists = cursor->idxNum & PLAN_TRAVELS;
  int tail = PLAN_LOOSE_LENGTH(cursor->idxNum);
  int length = (int)strlen(plan);
  if (loose || lists) length -= lists ? tail + 2 : tail;
  cursor->statement =
      cursor_prepare(failure, cursor, sqlite3_mprintf("%.*s", length, plan));
  if (lists)
    cursor->sources = cursor_prepare(
        failure, cursor, sqlite3_mprintf("%s", plan + strlen(plan) - tail));
  cursor->plan = failure->code ? NULL : plan;
  cursor->loose = loose;
}

static bool value_is_number(sqlite3_value *value) {
  int type = sqlite3_value_type(value);
  return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* True if a key that compares as a text is given as a number. */
static bool key_is_number(const NavigatorCursor *cursor, sqlite3_value **argv) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  if (!(cursor->idxNum & PLAN_KEY_LOOSE)) return false;
  for (int i = 0; i < table->key_count; i++)
    if (table->key_affinity[i] == 'B' && value_is_number(argv[i])) return true;
  return false;
}

/* True if something that compares as a text is a number, see plan.c. */
static bool is_loose(const NavigatorCursor *cursor, int argc,
                     sqlite3_value **argv) {
  int idxNum = cursor->idxNum;
  if (!PLAN_LOOSE_LENGTH(idxNum) || (idxNum & PLAN_TRAVELS)) return false;
  for (int i = PLAN_FIRST_LOOSE(idxNum); i < argc; i++)
    if (value_is_number(argv[i])) return true;
  return key_is_number(cursor, argv);
}

/* Of what is not a single link the key can't be left out of the statement. */
static void check_key(Failure *failure, const NavigatorCursor *cursor,
                      sqlite3_value **argv) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  if (!table->single && key_is_number(cursor, argv))
    failure_set(failure, SQLITE_MISMATCH,
                "the key is a text, and a number was given; give "
                "CAST(... AS TEXT)");
}

/* ---- travelling ---- */

/* The greatest depth that is asked for. */
static sqlite3_int64 depth_limit(int idxNum, int argc, sqlite3_value **argv) {
  if (!(idxNum & PLAN_DEPTH)) return (sqlite3_int64)1 << 60;
  sqlite3_value *value = argv[argc - 1];
  int type = sqlite3_value_numeric_type(value);
  if (type == SQLITE_NULL) return 0;
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT)
    return (sqlite3_int64)1 << 60; /* a text is greater than any number */
  double limit = sqlite3_value_double(value);
  if (limit > 1e15) return (sqlite3_int64)1 << 60;
  if (limit < 0) return 0;
  sqlite3_int64 whole = (sqlite3_int64)limit;
  return (idxNum & PLAN_BELOW) && (double)whole == limit ? whole - 1 : whole;
}

/* Goes on from the next of all sources; false at the end. */
static bool cursor_next_source(Failure *failure, NavigatorCursor *cursor) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  if (!cursor->sources || !statement_step(failure, cursor->sources))
    return false;
  sqlite3_uint64 size =
      sizeof(sqlite3_value *) * (sqlite3_uint64)table->key_count;
  sqlite3_value **key = sqlite3_malloc64(size);
  if (!key) failure_memory(failure);
  for (int i = 0; key && i < table->key_count; i++)
    key[i] = sqlite3_column_value(cursor->sources, i);
  if (key)
    travel_begin(failure, cursor->travel, table->key_count, key, cursor->left);
  sqlite3_free(key);
  return !failure->code;
}

static void cursor_travel_on(Failure *failure, NavigatorCursor *cursor) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  while (!travel_next(failure, cursor->travel, cursor->statement,
                      table->field_count)) {
    if (cursor_next_source(failure, cursor)) continue;
    cursor->end = true;
    return;
  }
}

static void cursor_travel(Failure *failure, NavigatorCursor *cursor, int argc,
                          sqlite3_value **argv) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  if (!cursor->travel)
    cursor->travel =
        travel_new(failure, table->identity_count, table->node_key_count);
  cursor->left = depth_limit(cursor->idxNum, argc, argv);
  if (failure->code) return;
  cursor->end = false;
  travel_begin(failure, cursor->travel, 0, NULL, 0);
  sqlite3_reset(cursor->sources);
  for (int i = 0; (cursor->idxNum & PLAN_KEYED) && i < table->key_count; i++)
    sqlite3_bind_value(cursor->sources, i + 1, argv[i]);
  cursor_travel_on(failure, cursor);
}

/* ---- rows ---- */

static void cursor_bind(NavigatorCursor *cursor, int argc,
                        sqlite3_value **argv) {
  int parameters = sqlite3_bind_parameter_count(cursor->statement);
  for (int i = 0; i < argc && i < parameters; i++)
    sqlite3_bind_value(cursor->statement, i + 1, argv[i]);
}

static void cursor_first(Failure *failure, NavigatorCursor *cursor) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  cursor->row_first =
      sqlite3_column_count(cursor->statement) - table->link_key_count;
  cursor->end = !statement_step(failure, cursor->statement);
  if (cursor->end || !(cursor->idxNum & PLAN_COUNTED)) return;
  cursor->left = sqlite3_column_int64(cursor->statement, 0);
  cursor->end = cursor->left == 0;
}

/* Looks whether the columns are still those that the query was compiled for;
** SQLITE_SCHEMA if they are not: SQLite compiles it anew. */
static int cursor_look(NavigatorCursor *cursor) {
  NavigatorTable *table = (NavigatorTable *)cursor->base.pVtab;
  Navigator *navigator = table->navigator;
  Failure failure = {0, NULL};
  Model *model =
      connection_enter(&failure, navigator->connection, navigator->schema);
  navigator_bind(&failure, navigator, model);
  connection_leave(navigator->connection, model);
  if (failure.code) return failure_to_table(&failure, &table->base);
  return table_is_stale(table) ? SQLITE_SCHEMA : SQLITE_OK;
}

/* Takes the statement that is at hand; false if there is none. */
static bool cursor_take_known(NavigatorCursor *cursor, const char *plan,
                              bool loose) {
  if (loose || (cursor->idxNum & PLAN_TRAVELS)) return false;
  cursor->statement = cache_take(cursor->cache, 1, KIND_NAVIGATE, plan);
  cursor->plan = cursor->statement ? plan : NULL;
  cursor->loose = false;
  return cursor->statement != NULL;
}

/* Runs the statement that is at hand.  Where SQLite did not prepare it again, the
** schema is the one that it and the model were made for; otherwise a look tells
** whether the columns are, too. */
static int cursor_run_known(Failure *failure, NavigatorCursor *cursor, int argc,
                            sqlite3_value **argv) {
  cursor_bind(cursor, argc, argv);
  cursor_first(failure, cursor);
  bool sure =
      !sqlite3_stmt_status(cursor->statement, SQLITE_STMTSTATUS_REPREPARE, 0);
  return sure ? SQLITE_OK : cursor_look(cursor);
}

static int cursor_run(Failure *failure, NavigatorCursor *cursor,
                      const char *plan, int argc, sqlite3_value **argv) {
  bool loose = is_loose(cursor, argc, argv);
  if (cursor->plan != plan || cursor->loose != loose) {
    cursor_give(cursor);
    if (cursor_take_known(cursor, plan, loose))
      return cursor_run_known(failure, cursor, argc, argv);
    int code = cursor_look(cursor);
    if (code) return code;
    cursor_take(failure, cursor, plan, loose);
  }
  if (failure->code) return SQLITE_OK;
  sqlite3_reset(cursor->statement);
  if (cursor->idxNum & PLAN_TRAVELS) {
    cursor_travel(failure, cursor, argc, argv);
  } else {
    cursor_bind(cursor, argc, argv);
    cursor_first(failure, cursor);
  }
  return SQLITE_OK;
}

static int navigator_filter(sqlite3_vtab_cursor *base, int idxNum,
                            const char *idxStr, int argc,
                            sqlite3_value **argv) {
  NavigatorCursor *cursor = (NavigatorCursor *)base;
  Failure failure = {0, NULL};
  int code = SQLITE_OK;
  cursor->idxNum = idxNum;
  cursor->end = true;
  if (idxNum & PLAN_STALE) {
    code = cursor_look(cursor);
    return code ? code : SQLITE_SCHEMA;
  }
  check_key(&failure, cursor, argv);
  if (!failure.code) code = cursor_run(&failure, cursor, idxStr, argc, argv);
  failure_prefix(&failure, "%s: ", cursor_navigator(cursor)->name);
  if (code) failure_clear(&failure);
  return code ? code : failure_to_table(&failure, base->pVtab);
}

static int navigator_next(sqlite3_vtab_cursor *base) {
  NavigatorCursor *cursor = (NavigatorCursor *)base;
  cursor->rowid++;
  if (cursor->idxNum & PLAN_COUNTED) {
    cursor->end = --cursor->left == 0;
    return SQLITE_OK;
  }
  Failure failure = {0, NULL};
  if (cursor->idxNum & PLAN_TRAVELS) {
    cursor_travel_on(&failure, cursor);
  } else {
    cursor->end = !statement_step(&failure, cursor->statement);
  }
  if (!failure.code) return SQLITE_OK;
  cursor->end = true;
  failure_prefix(&failure, "%s: ", cursor_navigator(cursor)->name);
  return failure_to_table(&failure, base->pVtab);
}

static int navigator_eof(sqlite3_vtab_cursor *base) {
  return ((NavigatorCursor *)base)->end;
}

/* What is not in the node's statement: from where, and how far. */
static void travelled_column(const NavigatorCursor *cursor,
                             sqlite3_context *context, int place) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  if (place == table->key_count) {
    sqlite3_result_int64(context, travel_depth(cursor->travel));
  } else {
    Value value = travel_source(cursor->travel, place);
    value_result_copy(context, &value);
  }
}

/* Hands over a value that a statement of ours stands on.  A copy of text that ends
** where its NUL is takes the room of the row before, and is ready to be read;
** sqlite3_result_value would take room anew for each row. */
static void result_column(sqlite3_context *context, sqlite3_stmt *statement,
                          int column) {
  sqlite3_value *value = sqlite3_column_value(statement, column);
  int type = sqlite3_value_type(value);
  const char *text =
      type == SQLITE_TEXT ? (const char *)sqlite3_value_text(value) : NULL;
  if (type == SQLITE_INTEGER) {
    sqlite3_result_int64(context, sqlite3_value_int64(value));
  } else if (text && strlen(text) == (size_t)sqlite3_value_bytes(value)) {
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
  } else {
    sqlite3_result_value(context, value);
  }
}

/* SQLite wants to know more of rows that were only counted: reads them instead,
** up to the present one. */
static void cursor_uncount(Failure *failure, NavigatorCursor *cursor) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  sqlite3_stmt *counted = cursor->statement;
  const char *from = strstr(sqlite3_sql(counted), " FROM ");
  sqlite3_int64 row = sqlite3_column_int64(counted, 0) - cursor->left;
  cursor->statement = cursor_prepare(
      failure, cursor, sqlite3_mprintf("%s%s", table->uncounted, from));
  for (int i = 0; cursor->statement && i < table->key_count; i++)
    sqlite3_bind_value(cursor->statement, i + 1,
                       sqlite3_column_value(counted, 1 + i));
  cache_give(cursor->cache, counted);
  cursor->idxNum &= ~PLAN_COUNTED;
  cursor->plan = NULL;
  if (failure->code) return;
  cursor_first(failure, cursor);
  while (row-- && !cursor->end)
    cursor->end = !statement_step(failure, cursor->statement);
}

/* The source's key of rows that are counted, as it was given, if that is how an
** integer is stored. */
static bool counted_column(const NavigatorCursor *cursor,
                           sqlite3_context *context, int field) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  int place = field - table->source_field;
  sqlite3_stmt *counted = cursor->statement;
  if (place < 0 || place >= table->key_count ||
      table->key_affinity[place] == 'E' ||
      sqlite3_column_type(counted, 1 + place) != SQLITE_INTEGER)
    return false;
  sqlite3_result_int64(context, sqlite3_column_int64(counted, 1 + place));
  return true;
}

/* Part `i` of the link_key: at the end of the statement, or, of what is
** travelled, the source's key and the identity. */
static void bind_link_part(const NavigatorCursor *cursor,
                           sqlite3_stmt *statement, int i) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  Failure ignored = {0, NULL};
  int first = sqlite3_column_count(cursor->statement) - table->link_key_count;
  if (cursor->idxNum & PLAN_TRAVELS)
    first = table->field_count - table->key_count;
  if ((cursor->idxNum & PLAN_TRAVELS) && i < table->key_count) {
    Value value = travel_source(cursor->travel, i);
    value_bind(&ignored, statement, i + 1, &value);
  } else {
    sqlite3_bind_value(statement, i + 1,
                       sqlite3_column_value(cursor->statement, first + i));
  }
}

/* [1,'x']: the values as SQL writes them, to be taken apart again. */
static char *link_key_sql(int count) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 1; i <= count; i++)
    sqlite3_str_appendf(
        text, i > 1 ? " || ',' || quote(?%d)" : "SELECT '[' || quote(?%d)", i);
  sqlite3_str_appendall(text, " || ']'");
  return sqlite3_str_finish(text);
}

static void compose_link_key(Failure *failure, const NavigatorCursor *cursor,
                             sqlite3_context *context, int count) {
  int kind = KIND_LINK_KEY + count;
  sqlite3_stmt *statement = cache_take(cursor->cache, 0, kind, NULL);
  if (!statement)
    statement = cache_add(failure, cursor->cache, 0, kind, NULL, 0,
                          link_key_sql(count));
  for (int i = 0; statement && i < count; i++)
    bind_link_part(cursor, statement, i);
  if (statement_step(failure, statement))
    sqlite3_result_value(context, sqlite3_column_value(statement, 0));
  cache_give(cursor->cache, statement);
}

static void link_key_column(Failure *failure, const NavigatorCursor *cursor,
                            sqlite3_context *context) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  if (table->link_key_count == 1) {
    sqlite3_result_value(
        context, sqlite3_column_value(cursor->statement, cursor->row_first));
  } else {
    compose_link_key(failure, cursor, context, table->link_key_count);
  }
}

/* A column of the statement: the field's own, or one of link_key's. */
static void read_column(const NavigatorCursor *cursor, sqlite3_context *context,
                        int field) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  int place = table->row_place[field];
  result_column(context, cursor->statement,
                place < 0 ? field : cursor->row_first + place);
}

/* What is not just read. */
static void special_column(Failure *failure, NavigatorCursor *cursor,
                           sqlite3_context *context, int field) {
  const NavigatorTable *table = (const NavigatorTable *)cursor->base.pVtab;
  if (sqlite3_vtab_nochange(context)) return;
  if (cursor->idxNum & PLAN_COUNTED) {
    if (counted_column(cursor, context, field)) return;
    cursor_uncount(failure, cursor);
  }
  if (failure->code) return;
  if (field == table->link_field) {
    link_key_column(failure, cursor, context);
  } else if ((cursor->idxNum & PLAN_TRAVELS) && field >= table->source_field) {
    travelled_column(cursor, context, field - table->source_field);
  } else {
    read_column(cursor, context, field);
  }
}

static int navigator_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                            int field) {
  NavigatorCursor *cursor = (NavigatorCursor *)base;
  const NavigatorTable *table = (const NavigatorTable *)base->pVtab;
  Failure failure = {0, NULL};
  if (field != table->link_field &&
      !(cursor->idxNum & (PLAN_COUNTED | PLAN_TRAVELS | PLAN_UPDATES))) {
    read_column(cursor, context, field);
    return SQLITE_OK;
  }
  special_column(&failure, cursor, context, field);
  failure_to_result(&failure, context);
  return SQLITE_OK;
}

static int navigator_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((const NavigatorCursor *)base)->rowid;
  return SQLITE_OK;
}

/* ---- writing ---- */

static void check_writes(Failure *failure, const NavigatorTable *table) {
  if (failure->code) return;
  if (table->navigator->travels)
    failure_set(failure, SQLITE_READONLY,
                "can only be read: it is what can be reached, by any number of "
                "links");
}

/* SQLite then compiles the statement anew, and begins again; but what OR FAIL has
** left of it would be done twice. */
static int stale_code(const NavigatorTable *table, Failure *failure) {
  if (sqlite3_vtab_on_conflict(table->navigator->connection->db) != SQLITE_FAIL)
    return SQLITE_SCHEMA;
  failure_set(failure, SQLITE_ERROR,
              "the columns have changed; run the statement again");
  return SQLITE_ERROR;
}

/* What is written may set off what binds the navigator to a newer model; it keeps
** the fields of this one until it is done. */
static bool navigator_write(Failure *failure, Navigator *navigator,
                            Model *model, int argc, sqlite3_value **argv) {
  Arena *arena = navigator->arena;
  Fields fields = navigator->fields;
  navigator->arena = NULL;
  bool changed = write_row(failure, navigator->connection, navigator->meaning,
                           &fields, argc, argv);
  if (navigator->model == model && !navigator->arena) {
    navigator->arena = arena;
  } else {
    arena_free(arena);
  }
  return changed;
}

/* OR IGNORE does not count what changes nothing. */
static int update_code(const NavigatorTable *table, int code, bool changed) {
  sqlite3 *db = table->navigator->connection->db;
  if (!code && !changed && sqlite3_vtab_on_conflict(db) == SQLITE_IGNORE)
    return SQLITE_CONSTRAINT;
  return module_conflict(db, code);
}

static int navigator_update(sqlite3_vtab *pVtab, int argc, sqlite3_value **argv,
                            sqlite3_int64 *pRowid) {
  NavigatorTable *table = (NavigatorTable *)pVtab;
  Navigator *navigator = table->navigator;
  Connection *connection = navigator->connection;
  Failure failure = {0, NULL};
  int stale = 0;
  bool changed = false;
  Model *model = connection_enter(&failure, connection, navigator->schema);
  navigator_bind(&failure, navigator, model);
  if (!failure.code && table_is_stale(table))
    stale = stale_code(table, &failure);
  check_writes(&failure, table);
  if (!failure.code && !stale)
    changed = navigator_write(&failure, navigator, model, argc, argv);
  connection_leave(connection, model);
  *pRowid = sqlite3_last_insert_rowid(connection->db);
  failure_prefix(&failure, "%s: ", navigator->name);
  int code = failure_to_table(&failure, pVtab);
  return stale ? stale : update_code(table, code, changed);
}

static const sqlite3_module navigator_module = {
    .iVersion = 0,
    .xConnect = navigator_connect,
    .xBestIndex = navigator_best_index,
    .xDisconnect = navigator_disconnect,
    .xOpen = navigator_open,
    .xClose = navigator_close,
    .xFilter = navigator_filter,
    .xNext = navigator_next,
    .xEof = navigator_eof,
    .xColumn = navigator_column,
    .xRowid = navigator_rowid,
    .xUpdate = navigator_update,
};

/* ---- a name, registered ---- */

/* The names are copied behind it. */
static Navigator *navigator_make(Failure *failure, const char *name,
                                 const Relationship *relationship,
                                 const char *called) {
  const char *texts[] = {name, relationship->model->schema->name,
                         relationship->source->name, called};
  size_t size = sizeof(Navigator);
  for (int i = 0; i < 4; i++) size += strlen(texts[i]) + 1;
  Navigator *navigator = failure->code ? NULL : sqlite3_malloc64(size);
  if (!navigator) {
    failure_memory(failure);
    return NULL;
  }
  memset(navigator, 0, sizeof(*navigator));
  char *place = (char *)(navigator + 1);
  for (int i = 0; i < 4; i++) {
    size_t length = strlen(texts[i]) + 1;
    memcpy(place, texts[i], length);
    texts[i] = place;
    place += length;
  }
  navigator->name = texts[0];
  navigator->schema = texts[1];
  navigator->table = texts[2];
  navigator->relationship = texts[3];
  return navigator;
}

void navigator_free(Navigator *navigator) {
  if (!navigator) return;
  navigator_unbind(navigator);
  sqlite3_free(navigator->connected);
  sqlite3_free(navigator);
}

static void navigator_release(void *pAux) {
  connection_release(((Navigator *)pAux)->connection);
}

/* Registered again, SQLite forgets the columns. */
static void navigator_register(Failure *failure, Navigator *navigator) {
  Connection *connection = navigator->connection;
  if (failure->code) return;
  connection_retain(connection);
  module_register(failure, connection->db, navigator->name, &navigator_module,
                  navigator, navigator_release);
}

/* NULL once *failure is set.  It has to live as long as the connection. */
Navigator *navigator_new(Failure *failure, Connection *connection,
                         const char *name, const Relationship *relationship,
                         const char *called, bool travels) {
  Navigator *navigator = navigator_make(failure, name, relationship, called);
  if (!navigator) return NULL;
  navigator->connection = connection;
  navigator->travels = travels;
  navigator_register(failure, navigator);
  if (!failure->code) return navigator;
  navigator_free(navigator);
  return NULL;
}

const char *navigator_name(const Navigator *navigator) {
  return navigator->name;
}

/* There is a new model: if the columns that SQLite was told are no longer so, it
** is made to ask again. */
void navigator_refresh(Failure *failure, Navigator *navigator, Model *model) {
  if (!navigator->connected ||
      !name_equal(navigator->schema, model->schema->name))
    return;
  navigator_bind(failure, navigator, model);
  if (failure->code || !navigator_is_stale(navigator)) return;
  navigator_register(failure, navigator);
  if (failure->code) return;
  sqlite3_free(navigator->connected);
  navigator->connected = NULL;
}
