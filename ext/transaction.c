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
#define UNDO_LIMIT 3

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
** needs no memory now.  Its own troubles are not told twice.  True if it was
** interrupted. */
static bool transaction_step(sqlite3_stmt *statement) {
  if (!statement) return false;
  int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  return code == SQLITE_INTERRUPT;
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

static sqlite3_stmt *transaction_take_begin(Failure *failure, Cache *cache) {
  return cache_sql(failure, cache, KIND_BEGIN, "BEGIN IMMEDIATE");
}

static void transaction_own(Failure *failure, Transaction *transaction) {
  Cache *cache = transaction->cache;
  /* Only a writing statement that is half done has a write transaction open
  ** in autocommit. */
  if (sqlite3_txn_state(cache_db(cache), NULL) == SQLITE_TXN_WRITE)
    transaction_probe(failure, cache);
  transaction->finish = cache_sql(failure, cache, KIND_COMMIT, "COMMIT");
  transaction->undo = cache_sql(failure, cache, KIND_ROLLBACK, "ROLLBACK");
  transaction->begin = transaction_take_begin(failure, cache);
  while (statement_step(failure, transaction->begin)) continue;
  if (transaction->begin) sqlite3_reset(transaction->begin);
  transaction->open = !failure->code;
}

static void transaction_savepoint(Failure *failure, Transaction *transaction) {
  Cache *cache = transaction->cache;
  transaction->finish = savepoint_take_release(failure, cache);
  transaction->undo =
      cache_sql(failure, cache, KIND_UNDO, "ROLLBACK TO _relationship");
  transaction->begin = transaction_take_begin(failure, cache);
  transaction->inner = true;
  savepoint_open(failure, cache);
  transaction->open = !failure->code;
}

Transaction transaction_begin(Failure *failure, Cache *cache, bool several) {
  Transaction transaction = {cache, false, false, NULL, NULL, NULL};
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

/* A transaction that SQLite has rolled back by itself is over already.  While
** an interrupt is pending no statement runs, not even ROLLBACK; but SQLite
** rolls everything back when it interrupts a statement that writes, and BEGIN
** IMMEDIATE is one.  (If the interrupt has passed by then, it is refused.) */
static void transaction_undo(Transaction *transaction) {
  sqlite3 *db = cache_db(transaction->cache);
  for (int i = 0; i < UNDO_LIMIT && !sqlite3_get_autocommit(db); i++) {
    if (!transaction_step(transaction->undo)) break;
    transaction_step(transaction->begin);
  }
  if (transaction->inner && !sqlite3_get_autocommit(db))
    transaction_step(transaction->finish);
}

/* COMMIT was refused.  If it is for a row of DEBT_TABLE, says so: SQLite's own
** sentence can't. */
static void transaction_explain(Failure *failure, sqlite3 *db) {
  Failure own = {0, NULL};
  if (failure->code != SQLITE_CONSTRAINT_FOREIGNKEY) return;
  sqlite3_stmt *statement =
      statement_prepare(&own, db, STATEMENT_PLAIN,
                        "SELECT min(d.rule), quote(d.key), count(*)"
                        " FROM main.\"" DEBT_TABLE "\" AS d");
  const char *rule = NULL;
  if (statement_step(&own, statement))
    rule = statement_text(&own, statement, 0);
  int others = rule ? sqlite3_column_int(statement, 2) - 1 : 0;
  if (rule)
    failure_append(failure,
                   "; rule %s: too few links of the row with the key %s", rule,
                   statement_text(&own, statement, 1));
  if (others > 0) failure_append(failure, " and of %d more", others);
  sqlite3_finalize(statement);
  failure_clear(&own);
}

void transaction_end(Failure *failure, Transaction *transaction) {
  if (transaction->open) {
    bool whole = !failure->code;
    while (statement_step(failure, transaction->finish)) continue;
    if (whole) transaction_explain(failure, cache_db(transaction->cache));
    if (transaction->finish) sqlite3_reset(transaction->finish);
    if (failure->code) transaction_undo(transaction);
  }
  cache_give(transaction->cache, transaction->finish);
  cache_give(transaction->cache, transaction->undo);
  cache_give(transaction->cache, transaction->begin);
  transaction->open = false;
  transaction->finish = transaction->undo = transaction->begin = NULL;
}
