/*
** statement.c: running SQL.
**
**     sqlite3_stmt *statement = statement_prepare(
**         &failure, db, STATEMENT_PLAIN, "SELECT name FROM main.students");
**     while (statement_step(&failure, statement))
**       name = statement_text(&failure, statement, 0);
**     sqlite3_finalize(statement);
**
** Every function does nothing once *failure is set.
*/
#include "relate_int.h"

static int prepare(sqlite3 *db, unsigned flags, const char *sql,
                   sqlite3_stmt **statement) {
  unsigned options = 0;
  if (flags & STATEMENT_STRICT) /* the older form, which has no options */
    return sqlite3_prepare(db, sql, -1, statement, NULL);
  if (flags & STATEMENT_KEPT) options |= SQLITE_PREPARE_PERSISTENT;
  if (flags & STATEMENT_PLAIN) options |= SQLITE_PREPARE_NO_VTAB;
  return sqlite3_prepare_v3(db, sql, -1, options, statement, NULL);
}

/* NULL once *failure is set.  The caller finalizes. */
sqlite3_stmt *statement_prepare(Failure *failure, sqlite3 *db, unsigned flags,
                                const char *sql) {
  sqlite3_stmt *statement = NULL;
  if (failure->code) return NULL;
  if (prepare(db, flags, sql, &statement)) failure_from_db(failure, db);
  return statement;
}

/* The same for SQL that is made here; names in it are quoted as "%w". */
sqlite3_stmt *statement_format(Failure *failure, sqlite3 *db, unsigned flags,
                               const char *format, ...) {
  if (failure->code) return NULL;
  va_list arguments;
  va_start(arguments, format);
  char *sql = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (!sql) failure_memory(failure);
  sqlite3_stmt *statement = statement_prepare(failure, db, flags, sql);
  sqlite3_free(sql);
  return statement;
}

/* Binds text that outlives the statement's next step; NULL binds NULL. */
void statement_bind_text(Failure *failure, sqlite3_stmt *statement,
                         int parameter, const char *text) {
  if (failure->code || !statement) return;
  if (sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC))
    failure_from_db(failure, sqlite3_db_handle(statement));
}

/* True while there is a row; false at the end, or once *failure is set. */
bool statement_step(Failure *failure, sqlite3_stmt *statement) {
  if (failure->code || !statement) return false;
  int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE)
    failure_from_db(failure, sqlite3_db_handle(statement));
  return false;
}

/* Runs a STATEMENT_STRICT to its end.  False: what it was prepared for, the
** schema for one, is not the same any more, and nothing was done.  (What fails
** in such a statement is told by the reset.) */
bool statement_run_strict(Failure *failure, sqlite3_stmt *statement) {
  int code = SQLITE_ROW;
  if (failure->code) return true;
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  if (code == SQLITE_DONE) return true;
  if (sqlite3_reset(statement) == SQLITE_SCHEMA) return false;
  failure_from_db(failure, sqlite3_db_handle(statement));
  return true;
}

/* The text of a column, borrowed until the statement moves; NULL for NULL. */
const char *statement_text(Failure *failure, sqlite3_stmt *statement,
                           int column) {
  if (failure->code) return NULL;
  const char *text = (const char *)sqlite3_column_text(statement, column);
  if (!text && sqlite3_column_type(statement, column) != SQLITE_NULL)
    failure_memory(failure);
  return text;
}

/* Runs one statement to its end. */
void statement_run(Failure *failure, sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement = statement_prepare(failure, db, 0, sql);
  while (statement_step(failure, statement)) continue;
  sqlite3_finalize(statement);
}
