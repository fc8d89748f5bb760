/*
** relate.c: the entry point.
**
** Registers everything on a connection, and looks once at the file, so that
** the functions it declares are there from the start.  The file may be empty,
** locked, corrupt or of another kind: then the first call of a function of
** ours looks again and tells what is wrong.
*/
#include "relate_int.h"

#ifndef SQLITE_CORE
#undef SQLITE_EXTENSION_INIT3
SQLITE_EXTENSION_INIT1
#endif

#define OLDEST_SQLITE 3037000

typedef void ScalarFunction(sqlite3_context *context, int argc,
                            sqlite3_value **argv);

static void look(Connection *connection) {
  Failure ignored = {0, NULL};
  Model *model = connection_enter(&ignored, connection, "main");
  connection_leave(connection, model);
  failure_clear(&ignored);
}

/* relate_version(): the version, after a look at what has changed. */
static void version_function(sqlite3_context *context, int argc,
                             sqlite3_value **argv) {
  (void)argc, (void)argv;
  look(sqlite3_user_data(context));
  sqlite3_result_text(context, RELATE_VERSION, -1, SQLITE_STATIC);
}

static const struct {
  const char *name;
  int argc;
  ScalarFunction *call;
} functions[] = {
    {"relate_version", 0, version_function},
    {"relationship", -1, declare_relationship},
    {"relationship_drop", -1, declare_drop},
    {"relationship_function", -1, declare_function},
    {"relationship_function_drop", -1, declare_function_drop},
    {"relationship_diagram", -1, diagram_function},
};

/* ---- functions with a base: built in, and declared by a file ---- */

/* A schema must not call them: what a file contains has to work without us,
** and a file from a stranger must not write through us. */
#define FUNCTION_FLAGS \
  (SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_SUBTYPE | SQLITE_RESULT_SUBTYPE)

static void based_create(Failure *failure, Connection *connection,
                         const char *name, Base base, bool declared) {
  static ScalarFunction *const scalars[] = {[BASE_RELATED] = scalar_related,
                                  [BASE_RELATED_COUNT] = scalar_count};
  Function *function = function_new(failure, connection, name, base);
  if (!function) return;
  function->declared = declared;
  bool writes = base_writes(base);
  if (sqlite3_create_function_v2(
          connection->db, name, -1, FUNCTION_FLAGS, function,
          writes ? NULL : scalars[base], writes ? verb_step : NULL,
          writes ? verb_final : NULL, function_release))
    failure_from_db(failure, connection->db);
}

static bool has_table(Base base) {
  return base == BASE_RELATE || base == BASE_UNRELATE;
}

/* Asked of the compiler: to list all functions takes fifty times as long. */
static bool is_function(sqlite3 *db, const char *name) {
  Failure refused = {0, NULL};
  sqlite3_stmt *statement =
      statement_format(&refused, db, 0, "SELECT \"%w\"()", name);
  sqlite3_finalize(statement);
  bool unknown =
      refused.message && name_starts(refused.message, "no such function");
  failure_clear(&refused);
  return !unknown;
}

static bool is_module(Failure *failure, sqlite3 *db, const char *name) {
  sqlite3_stmt *statement = statement_prepare(
      failure, db, 0,
      "SELECT 1 FROM temp.pragma_module_list WHERE name = ?1 COLLATE NOCASE");
  statement_bind_text(failure, statement, 1, name);
  bool found = statement_step(failure, statement);
  sqlite3_finalize(statement);
  return found;
}

/* True if the name is of a function or virtual table that is not ours. */
static bool name_is_taken(Failure *failure, sqlite3 *db, const char *name) {
  return name_starts(name, "sqlite_") || name_starts(name, "pragma_") ||
         name_starts(name, "json_") || is_function(db, name) ||
         is_module(failure, db, name);
}

static void declared_register(Failure *failure, Connection *connection,
                              Model *model, const DeclaredFunction *declared) {
  const char *name = declared->declaration->name;
  Base base = declared->declaration->base
                  ? base_find(declared->declaration->base)
                  : BASE_NONE;
  if (!name || !*name || base == BASE_NONE || declared->declaration->problem)
    return;
  Function *function = function_find(connection, name);
  if (function && !function->declared) return;
  if (!function) {
    if (name_is_taken(failure, connection->db, name)) return;
    based_create(failure, connection, name, base, true);
    function = failure->code ? NULL : function_find(connection, name);
  }
  if (!function) return;
  function_bind(failure, function, model, declared);
  if (has_table(function->base)) verb_table_register(failure, function);
}

static const DeclaredFunction *declared_find(const Model *model,
                                             const char *name) {
  for (int i = 0; i < model->function_count; i++) {
    const char *declared = model->functions[i].declaration->name;
    if (declared && name_equal(declared, name)) return &model->functions[i];
  }
  return NULL;
}

/* The functions of this connection become those of the new model.  One that
** can't be registered now is tried again with the next model; but where memory
** ran out, no module may be registered any more. */
static void announce(Failure *failure, Connection *connection, Model *model) {
  for (int i = 0; i < model->function_count && !failure->code; i++) {
    declared_register(failure, connection, model, &model->functions[i]);
    if (failure->code != SQLITE_NOMEM) failure_clear(failure);
  }
  Function *function = connection->functions;
  for (; function && !failure->code; function = function->next)
    if (function->declared && !declared_find(model, function->name))
      function_bind(failure, function, model, NULL);
}

/* ---- registration ---- */

static void register_functions(Failure *failure, Connection *connection) {
  sqlite3 *db = connection->db;
  int count = (int)(sizeof(functions) / sizeof(functions[0]));
  for (int i = 0; i < count && !failure->code; i++) {
    connection_retain(connection);
    if (sqlite3_create_function_v2(db, functions[i].name, functions[i].argc,
                                   FUNCTION_FLAGS, connection,
                                   functions[i].call, NULL, NULL,
                                   connection_release))
      failure_from_db(failure, db);
  }
  for (int base = 0; base < BASE_NONE && !failure->code; base++) {
    based_create(failure, connection, base_name((Base)base), (Base)base, false);
    Function *function = function_find(connection, base_name((Base)base));
    if (function && !failure->code && has_table((Base)base))
      verb_table_register(failure, function);
  }
}

static void register_all(Failure *failure, Connection *connection) {
  int code = cache_register(connection->cache);
  if (!code) code = steps_register(connection);
  if (!code) code = rows_register(connection);
  if (!code) code = list_register(connection);
  if (code) failure_from_db(failure, connection->db);
  register_functions(failure, connection);
}

static bool is_loaded(Failure *failure, sqlite3 *db) {
  Failure refused = {0, NULL};
  sqlite3_finalize(
      statement_prepare(&refused, db, 0, "SELECT relate_version()"));
  bool loaded = !refused.code;
  if (refused.code == SQLITE_NOMEM) failure_memory(failure);
  failure_clear(&refused);
  return loaded;
}

/* Where nothing is being written: SQLite counts what foreign keys are violated
** from the beginning of a transaction. */
static void enforce_foreign_keys(sqlite3 *db) {
  if (sqlite3_get_autocommit(db) &&
      sqlite3_txn_state(db, NULL) != SQLITE_TXN_WRITE)
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, (int *)NULL);
}

/* To connect a virtual table SQLite asks the authorizer for the right to change
** the schema; an application that grants less, later, shall find them
** connected.  Comes after all registration: while a statement runs, SQLite
** remembers that memory ran out, and to register a module then leaves it
** without its owner. */
static void connect_tables(sqlite3 *db) {
  static const char *const tables[] = {CACHE_TABLE,
                                       STEPS_TABLE,
                                       ROWS_TABLE,
                                       "relationship_list",
                                       "relationship_function_list",
                                       "relate",
                                       "unrelate"};
  Failure ignored = {0, NULL};
  for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
    sqlite3_finalize(statement_format(
        &ignored, db, 0, "SELECT 1 FROM temp.\"%w\"", tables[i]));
    if (ignored.code != SQLITE_NOMEM) failure_clear(&ignored);
  }
  failure_clear(&ignored);
}

static int entry(sqlite3 *db, char **message) {
  if (sqlite3_libversion_number() < OLDEST_SQLITE) {
    *message = sqlite3_mprintf("relate needs SQLite 3.37 or later, this is %s",
                               sqlite3_libversion());
    return SQLITE_ERROR;
  }
  Failure failure = {0, NULL};
  if (is_loaded(&failure, db)) return SQLITE_OK;
  Connection *connection = connection_new(&failure, db);
  if (connection) {
    connection->announce = announce;
    enforce_foreign_keys(db);
    register_all(&failure, connection);
    if (!failure.code) {
      connect_tables(db);
      look(connection);
    }
    connection_release(connection);
  }
  int code = failure.code;
  if (code) *message = failure_take(&failure);
  return code;
}

/* The API's address is stored once, under a lock: connections of several
** threads may load us at the same time. */
int sqlite3_relate_init(sqlite3 *db, char **message,
                        const struct sqlite3_api_routines *api) {
#ifdef SQLITE_CORE
  (void)api;
#else
  sqlite3_mutex *mutex = api->mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
  api->mutex_enter(mutex);
  if (!sqlite3_api) SQLITE_EXTENSION_INIT2(api);
  api->mutex_leave(mutex);
#endif
  return entry(db, message);
}
