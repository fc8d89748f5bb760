/*
** steps.c: several writes as one statement.
**
** Inside a writing statement no savepoint can be opened.  But a statement that
** inserts several rows is undone by SQLite itself when one of them fails, and
** what its rows do is undone with it.  So the writes are made the rows of an
** insert into a virtual table that stores nothing:
**
**     INSERT INTO _relationship_steps(step) VALUES (0), (1)
**
** Its xUpdate calls step(0), then step(1).
*/
#include "relate_int.h"

enum { KIND_STEPS = -80 };

typedef struct StepsTable {
  sqlite3_vtab base;
  Connection *connection;
} StepsTable;

static int steps_connect(sqlite3 *db, void *pAux, int argc,
                         const char *const *argv, sqlite3_vtab **ppVtab,
                         char **pzErr) {
  (void)argc, (void)argv, (void)pzErr;
  int code = sqlite3_declare_vtab(db, "CREATE TABLE x(step)");
  if (code) return code;
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  StepsTable *table = sqlite3_malloc64(sizeof(*table));
  if (!table) return SQLITE_NOMEM;
  memset(table, 0, sizeof(*table));
  table->connection = pAux;
  connection_retain(table->connection);
  *ppVtab = &table->base;
  return SQLITE_OK;
}

static int steps_disconnect(sqlite3_vtab *pVtab) {
  StepsTable *table = (StepsTable *)pVtab;
  connection_release(table->connection);
  sqlite3_free(table);
  return SQLITE_OK;
}

static int steps_update(sqlite3_vtab *pVtab, int argc, sqlite3_value **argv,
                        sqlite3_int64 *pRowid) {
  Connection *connection = ((StepsTable *)pVtab)->connection;
  StepFunction *step = connection->step;
  if (!step || argc < 3) return SQLITE_READONLY;
  int number = sqlite3_value_int(argv[2]);
  connection->step = NULL; /* what the step sets off is no step */
  step(connection->step_failure, connection->step_argument, number);
  *pRowid = sqlite3_last_insert_rowid(connection->db);
  if (number == 0) connection->step = step;
  return connection->step_failure->code ? SQLITE_ERROR : SQLITE_OK;
}

static const sqlite3_module steps_module = {
    .iVersion = 0,
    .xConnect = steps_connect,
    .xBestIndex = hollow_best_index,
    .xDisconnect = steps_disconnect,
    .xOpen = hollow_open,
    .xClose = hollow_close,
    .xFilter = hollow_filter,
    .xEof = hollow_eof,
    .xUpdate = steps_update,
};

void steps_register(Failure *failure, Connection *connection) {
  connection_retain(connection);
  module_register(failure, connection->db, STEPS_TABLE, &steps_module,
                  connection, connection_release);
}

/* Calls step(argument, 0) and step(argument, 1), both or none. */
void steps_run(Failure *failure, Connection *connection, StepFunction *step,
               void *argument) {
  StepFunction *outer_step = connection->step;
  void *outer_argument = connection->step_argument;
  Failure *outer_failure = connection->step_failure;
  sqlite3_stmt *insert =
      cache_sql(failure, connection->cache, KIND_STEPS,
                "INSERT INTO temp.\"" STEPS_TABLE "\"(step) VALUES (0), (1)");
  connection->step = step;
  connection->step_argument = argument;
  connection->step_failure = failure;
  while (statement_step(failure, insert)) continue;
  if (connection->step) /* no step was called */
    failure_set(failure, SQLITE_ERROR,
                "a table in temp hides " STEPS_TABLE "; drop it");
  connection->step = outer_step;
  connection->step_argument = outer_argument;
  connection->step_failure = outer_failure;
  cache_give(connection->cache, insert);
}
