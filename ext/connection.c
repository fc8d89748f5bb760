/*
** connection.c: what this connection knows.
**
** A call of ours begins with connection_enter and ends with connection_leave.
** Between them the model it gets is the schema as it is: a read transaction is
** open, so no other connection can change it.  (The common calls have no need:
** see link_quickly, and quick_answer in scalar.c.)
**
** A change is noticed by a statement that is never prepared anew by us:
** stepping it opens the read transaction, and SQLite prepares it again, and
** counts that, exactly when the schema is not the one it was prepared for,
** whoever changed it.  That costs a tenth of a microsecond inside a
** transaction.  A declaration moves the schema's cookie, so it counts as well.
**
** Invariants
**   1. watches is never empty; the first is that of main.
**   2. A watch without a statement has no model that may be used.
**
** Ownership: each function, module and table of ours holds a reference.  The
** statements belong to the cache, which finalizes them before a connection is
** closed; a watch then has statement NULL and starts again.
*/
#include "relate_int.h"

#define CONNECTION_DEPTH 100

static Watch *watch_new(Failure *failure, const char *schema) {
  if (failure->code) return NULL;
  size_t size = strlen(schema) + 1;
  Watch *watch = sqlite3_malloc64(sizeof(*watch) + size);
  if (!watch) {
    failure_memory(failure);
    return NULL;
  }
  memset(watch, 0, sizeof(*watch));
  watch->schema = memcpy(watch + 1, schema, size);
  return watch;
}

/* With one reference; NULL once *failure is set. */
Connection *connection_new(Failure *failure, sqlite3 *db) {
  Connection *connection =
      failure->code ? NULL : sqlite3_malloc64(sizeof(*connection));
  if (!connection) {
    failure_memory(failure);
    return NULL;
  }
  memset(connection, 0, sizeof(*connection));
  connection->references = 1;
  connection->db = db;
  connection->cache = cache_new(failure, db);
  connection->watches = watch_new(failure, "main");
  if (!failure->code) return connection;
  connection_release(connection);
  return NULL;
}

void connection_retain(Connection *connection) { connection->references++; }

/* Fits where SQLite wants a destructor. */
void connection_release(void *pAux) {
  Connection *connection = pAux;
  if (!connection || --connection->references) return;
  while (connection->watches) {
    Watch *watch = connection->watches;
    connection->watches = watch->next;
    cache_unpin(connection->cache, &watch->statement);
    model_release(watch->model);
    sqlite3_free(watch);
  }
  if (connection->atlas_free) connection->atlas_free(connection->atlas);
  cache_release(connection->cache);
  sqlite3_free(connection);
}

static Watch *connection_watch(Failure *failure, Connection *connection,
                               const char *schema) {
  Watch *watch = connection->watches;
  while (watch && !name_equal(watch->schema, schema)) watch = watch->next;
  if (watch) return watch;
  watch = watch_new(failure, schema);
  if (!watch) return NULL;
  watch->next = connection->watches->next;
  connection->watches->next = watch;
  return watch;
}

/* Its first row comes before anything is read; but the schema is checked. */
static void watch_prepare(Failure *failure, Connection *connection,
                          Watch *watch) {
  char *sql = sqlite3_mprintf(
      "SELECT 1 UNION ALL SELECT 1 FROM \"%w\".sqlite_schema", watch->schema);
  if (!sql) {
    failure_memory(failure);
    return;
  }
  cache_pin(failure, connection->cache, &watch->statement, sql);
  sqlite3_free(sql);
  watch->reprepared = -1;
}

/* Not attached, or not any more. */
static void watch_explain(Failure *failure, const Watch *watch) {
  if (!failure->message || !name_starts(failure->message, "no such table"))
    return;
  failure_clear(failure);
  failure_set(failure, SQLITE_ERROR, "no database %s is attached",
              watch->schema);
}

static void watch_forget(Connection *connection, Watch *watch) {
  model_release(watch->model);
  watch->model = NULL;
  cache_clear(connection->cache);
}

static void watch_read(Failure *failure, Connection *connection, Watch *watch) {
  watch_forget(connection, watch);
  watch->model =
      model_new(failure, connection->db, watch->schema, &connection->serial);
  watch->announced = false;
}

/* While SQLite compiles a statement, no module that it may have looked up can
** be registered anew. */
static void watch_announce(Failure *failure, Connection *connection,
                           Watch *watch) {
  if (failure->code || watch->announced || connection->compiling) return;
  watch->announced = true; /* what is called may enter again */
  connection->announce(failure, connection, watch->model);
  if (failure->code) watch->announced = false;
}

/* Opens the read transaction, and reads the schema if it is not the one that
** is known. */
static void watch_look(Failure *failure, Connection *connection, Watch *watch) {
  if (!watch->statement) watch_prepare(failure, connection, watch);
  if (!statement_step(failure, watch->statement)) {
    sqlite3_reset(watch->statement);
    watch_explain(failure, watch);
    return;
  }
  int reprepared =
      sqlite3_stmt_status(watch->statement, SQLITE_STMTSTATUS_REPREPARE, 0);
  if (watch->model && reprepared == watch->reprepared) return;
  watch_read(failure, connection, watch);
  watch->reprepared = failure->code ? -1 : reprepared;
}

/* What can't be prepared is not kept: its schema may not exist. */
static void connection_forget(Connection *connection, Watch *watch) {
  Watch **link = &connection->watches->next;
  while (*link && *link != watch) link = &(*link)->next;
  if (!*link || watch->statement) return;
  *link = watch->next;
  model_release(watch->model);
  sqlite3_free(watch);
}

static void fail_depth(Failure *failure) {
  failure_set(failure, SQLITE_ERROR,
              "called from its own triggers more than %d times deep",
              CONNECTION_DEPTH);
}

/* True if there is no need to look.  Where an outer call has the watch open,
** nothing can have changed; but the schema may have been unreadable.  A query
** that is compiled is not run yet: what it runs looks. */
static bool watch_is_good(const Connection *connection, const Watch *watch) {
  return watch->model && watch->statement &&
         (connection->compiling || sqlite3_stmt_busy(watch->statement));
}

static void connection_deepen(Failure *failure, Connection *connection) {
  connection->depth++;
  if (connection->depth > CONNECTION_DEPTH) fail_depth(failure);
}

void connection_trust(Failure *failure, Connection *connection, Model *model) {
  connection_deepen(failure, connection);
  model_retain(model);
}

Model *connection_enter(Failure *failure, Connection *connection,
                        const char *schema) {
  connection_deepen(failure, connection);
  Watch *watch =
      failure->code ? NULL : connection_watch(failure, connection, schema);
  if (!watch) return NULL;
  if (!watch_is_good(connection, watch)) watch_look(failure, connection, watch);
  watch_announce(failure, connection, watch);
  Model *model = failure->code ? NULL : watch->model;
  if (!model) {
    connection_forget(connection, watch);
    return NULL;
  }
  model_retain(model);
  return model;
}

/* Ends what connection_enter began, also one that gave NULL. */
void connection_leave(Connection *connection, Model *model) {
  connection->depth--;
  for (Watch *watch = connection->watches; watch; watch = watch->next)
    if (connection->depth == 0 && sqlite3_stmt_busy(watch->statement))
      sqlite3_reset(watch->statement);
  model_release(model);
}

/* True while SQLite enforces foreign keys on this connection. */
bool connection_foreign_keys(Connection *connection) {
  int enforced = 0;
  sqlite3_db_config(connection->db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &enforced);
  return enforced != 0;
}

typedef char *Generate(const Relationship *relationship);

sqlite3_stmt *connection_statement(Failure *failure, Connection *connection,
                                   const Relationship *relationship, int kind) {
  static Generate *const generate[] = {
      [GENERATE_COUNT] = generate_count,
      [GENERATE_MEMBER] = generate_member,
      [GENERATE_TARGETS] = generate_targets,
      [GENERATE_LINK_ROWS] = generate_link_rows,
      [GENERATE_UNLINK] = generate_unlink,
      [GENERATE_DISPLACE] = generate_displace,
      [GENERATE_MOVE] = generate_move,
      [GENERATE_LINK_PAIR] = generate_link_pair,
      [GENERATE_UNLINK_PAIR] = generate_unlink,
  };
  if (failure->code) return NULL;
  sqlite3_stmt *statement =
      cache_take(connection->cache, relationship->serial, kind, NULL);
  if (statement) return statement;
  /* A write may fire triggers that use virtual tables, full text for one. */
  unsigned flags = kind < GENERATE_LINK         ? STATEMENT_PLAIN
                   : kind >= GENERATE_LINK_PAIR ? STATEMENT_STRICT
                                                : 0;
  return cache_add(failure, connection->cache, relationship->serial, kind, NULL,
                   flags, generate[kind](relationship));
}
