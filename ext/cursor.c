/*
** cursor.c: the rows of a navigator.
**
**     SELECT title, grade FROM students__courses(1) ORDER BY title;
**     SELECT name, depth FROM "employees.reports*"(1);
**
** They are those of one statement, which plan.c has made when the query was
** prepared and which comes along in idxStr; of what is travelled, those that
** travel.c finds with it.  Rows that are only counted are not read.
**
** SQLite prepares a query again when the schema has changed, but keeps the columns
** of a virtual table until its module is registered again.  A query that was
** prepared on the former columns is told so here: SQLITE_SCHEMA when it begins, and
** SQLite prepares it once more.
*/
#include "relate_int.h"

/* The kind of the statement that makes a link_key grows with its columns. */
enum { KIND_NAVIGATE = -170, KIND_LINK_KEY = 200 };

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

bool navigator_table_is_stale(const NavigatorTable *table) {
  const char *shape = table->navigator->shape;
  return !shape || strcmp(table->shape, shape) != 0;
}

/* ---- reading ---- */

int navigator_open(sqlite3_vtab *pVtab, sqlite3_vtab_cursor **ppCursor) {
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

int navigator_close(sqlite3_vtab_cursor *base) {
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
  return navigator_table_is_stale(table) ? SQLITE_SCHEMA : SQLITE_OK;
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

int navigator_filter(sqlite3_vtab_cursor *base, int idxNum, const char *idxStr,
                     int argc, sqlite3_value **argv) {
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

int navigator_next(sqlite3_vtab_cursor *base) {
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

int navigator_eof(sqlite3_vtab_cursor *base) {
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

int navigator_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
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

int navigator_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((const NavigatorCursor *)base)->rowid;
  return SQLITE_OK;
}
