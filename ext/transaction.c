/*
** transaction.c: all or nothing.
**
**     Transaction transaction = transaction_begin(&failure, cache, true);
**     ... write ...
**     transaction_end(&failure, &transaction);
**
** In autocommit the writes run in a transaction of their own.  In a
** transaction of the caller they run in a savepoint, or in nothing where one
** statement does it all.  Inside a statement that writes neither is possible:
** SQLite refuses the savepoint, and a BEGIN there could not be committed.
*/
#include "relate_int.h"

enum {
  KIND_SAVEPOINT = -100,
  KIND_RELEASE,
  KIND_UNDO,
  KIND_BEGIN,
  KIND_COMMIT,
  KIND_ROLLBACK
};

#define LOOK_LIMIT 16

static void transaction_run(Failure *failure, Cache *cache, int kind,
                            const char *sql) {
  sqlite3_stmt *statement = cache_sql(failure, cache, kind, sql);
  while (statement_step(failure, statement)) continue;
  cache_give(cache, statement);
}

static void savepoint_open(Failure *failure, Cache *cache) {
  transaction_run(failure, cache, KIND_SAVEPOINT, "SAVEPOINT _relationship");
  if ((failure->code & 0xff) != SQLITE_BUSY) return;
  failure_clear(failure);
  failure_set(failure, SQLITE_MISUSE,
              "can't write inside a statement that writes; call it in a plain "
              "SELECT");
}

static sqlite3_stmt *savepoint_take_release(Failure *failure, Cache *cache) {
  return cache_sql(failure, cache, KIND_RELEASE, "RELEASE _relationship");
}

/* Runs a statement that was taken before anything was written, so that it
** needs no memory now.  Its own troubles are not told twice. */
static void transaction_step(sqlite3_stmt *statement) {
  if (!statement) return;
  sqlite3_step(statement);
  sqlite3_reset(statement);
}

/* Whether a statement that writes is half done.  A look at a few statements
** costs less than a savepoint; where there are many, -1 is the answer. */
static int transaction_look(sqlite3 *db) {
  sqlite3_stmt *statement = sqlite3_next_stmt(db, NULL);
  for (int i = 0; statement && i < LOOK_LIMIT; i++) {
    if (sqlite3_stmt_busy(statement) && !sqlite3_stmt_readonly(statement))
      return 1;
    statement = sqlite3_next_stmt(db, statement);
  }
  return statement ? -1 : 0;
}

/* Fails inside a statement that writes: a savepoint can't be opened there. */
static void transaction_probe(Failure *failure, Cache *cache) {
  if (transaction_look(cache_db(cache)) == 0) return;
  sqlite3_stmt *release = savepoint_take_release(failure, cache);
  savepoint_open(failure, cache);
  if (!failure->code) transaction_step(release);
  cache_give(cache, release);
}

static void transaction_own(Failure *failure, Transaction *transaction) {
  Cache *cache = transaction->cache;
  /* Only a writing statement that is half done has a write transaction open
  ** in autocommit. */
  if (sqlite3_txn_state(cache_db(cache), NULL) == SQLITE_TXN_WRITE)
    transaction_probe(failure, cache);
  transaction->finish = cache_sql(failure, cache, KIND_COMMIT, "COMMIT");
  transaction->undo = cache_sql(failure, cache, KIND_ROLLBACK, "ROLLBACK");
  transaction_run(failure, cache, KIND_BEGIN, "BEGIN IMMEDIATE");
  transaction->open = !failure->code;
}

static void transaction_savepoint(Failure *failure, Transaction *transaction) {
  Cache *cache = transaction->cache;
  transaction->finish = savepoint_take_release(failure, cache);
  transaction->undo =
      cache_sql(failure, cache, KIND_UNDO, "ROLLBACK TO _relationship");
  transaction->inner = true;
  savepoint_open(failure, cache);
  transaction->open = !failure->code;
}

Transaction transaction_begin(Failure *failure, Cache *cache, bool several) {
  Transaction transaction = {cache, false, false, NULL, NULL};
  if (failure->code) return transaction;
  if (sqlite3_get_autocommit(cache_db(cache))) {
    transaction_own(failure, &transaction);
  } else if (several) {
    transaction_savepoint(failure, &transaction);
  } else {
    transaction_probe(failure, cache);
  }
  return transaction;
}

/* A transaction that SQLite has rolled back by itself is over already. */
static void transaction_undo(Transaction *transaction) {
  if (sqlite3_get_autocommit(cache_db(transaction->cache))) return;
  transaction_step(transaction->undo);
  if (transaction->inner) transaction_step(transaction->finish);
}

void transaction_end(Failure *failure, Transaction *transaction) {
  if (transaction->open) {
    while (statement_step(failure, transaction->finish)) continue;
    if (transaction->finish) sqlite3_reset(transaction->finish);
    if (failure->code) transaction_undo(transaction);
  }
  cache_give(transaction->cache, transaction->finish);
  cache_give(transaction->cache, transaction->undo);
  transaction->open = false;
  transaction->finish = transaction->undo = NULL;
}
