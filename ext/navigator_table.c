/*
** navigator_table.c: relationships as tables.
**
**     SELECT s.name, c.title FROM students s JOIN "students.courses"(s.id) c;
**     DELETE FROM students__courses WHERE source_key = 1 AND id = 7;
**
** What a name means is in navigator.c, what a query asks for in plan.c, how rows are
** read in cursor.c, and written in write.c; here is what SQLite calls.
**
** With each new model the modules of those navigators that are connected and have
** other columns now are registered again; but not while SQLite compiles a query,
** which may be about one of them.
**
** Ownership: a module and a connected table each hold a reference to the
** connection.
*/
#include "relate_int.h"

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

/* ---- connecting ---- */

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

/* A query on columns that are no longer so is not worth planning. */
static void plan_stale(sqlite3_index_info *info) {
  info->idxNum = PLAN_STALE;
  info->estimatedCost = 1;
}

static int navigator_best_index(sqlite3_vtab *pVtab, sqlite3_index_info *info) {
  Navigator *navigator = ((NavigatorTable *)pVtab)->navigator;
  Failure failure = {0, NULL};
  Model *model = navigator_enter(&failure, navigator);
  if (!failure.code && navigator_table_is_stale((NavigatorTable *)pVtab)) {
    plan_stale(info);
  } else if (!failure.code) {
    plan_make(&failure, info, &navigator->route, &navigator->fields,
              &navigator->estimate, navigator->travels);
  }
  navigator_leave(navigator, model);
  failure_prefix(&failure, "%s: ", navigator->name);
  return failure_to_table(&failure, pVtab);
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
  if (!failure.code && navigator_table_is_stale(table))
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
