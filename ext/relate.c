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

typedef void PlainFunction(sqlite3_context *context, int argc,
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
  PlainFunction *call;
} functions[] = {
    {"relate_version", 0, version_function},
    {"relationship", -1, declare_relationship},
    {"relationship_drop", -1, declare_drop},
    {"relationship_function", -1, declare_function},
    {"relationship_function_drop", -1, declare_function_drop},
    {"relationship_rule", -1, regulate_rule},
    {"relationship_rule_drop", -1, regulate_rule_drop},
    {"relationship_repair", -1, repair_function},
    {"relationship_diagram", -1, diagram_function},
    {"related_sql", -1, recipe_function},
};

static void register_functions(Failure *failure, Connection *connection) {
  sqlite3 *db = connection->db;
  int count = (int)(sizeof(functions) / sizeof(functions[0]));
  for (int i = 0; i < count && !failure->code; i++) {
    connection_retain(connection);
    if (sqlite3_create_function_v2(
            db, functions[i].name, functions[i].argc, FUNCTION_FLAGS,
            connection, functions[i].call, NULL, NULL, connection_release))
      failure_from_db(failure, db);
  }
  for (int base = 0; base < BASE_NONE && !failure->code; base++)
    registry_add(failure, connection, base_name((Base)base), (Base)base, false);
}

static void register_all(Failure *failure, Connection *connection) {
  cache_register(failure, connection->cache);
  steps_register(failure, connection);
  rows_register(failure, connection);
  list_register(failure, connection);
  rule_list_register(failure, connection);
  why_register(failure, connection);
  check_register(failure, connection);
  register_functions(failure, connection);
  load_register(failure, connection);
  trees_register(failure, connection);
  save_register(failure, connection);
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

/* Comes after all registration: connecting may lose memory, and no module can
** be registered then. */
static void connect_tables(sqlite3 *db) {
  static const char *const tables[] = {CACHE_TABLE,
                                       STEPS_TABLE,
                                       ROWS_TABLE,
                                       "relationship_list",
                                       "relationship_function_list",
                                       "relationship_rule_list",
                                       "related_why",
                                       "relationship_check",
                                       "related_json",
                                       "relate_save"};
  Failure ignored = {0, NULL};
  for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
    module_connect(&ignored, db, tables[i]);
    if (ignored.code != SQLITE_NOMEM) failure_clear(&ignored);
  }
  failure_clear(&ignored);
}

/* Functions are declared in main; navigators are of every schema. */
static void announce(Failure *failure, Connection *connection, Model *model) {
  if (name_equal(model->schema->name, "main"))
    registry_announce(failure, connection, model);
  atlas_announce(failure, connection, model);
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
    connection->atlas_free = atlas_free;
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
