/*
** failure.c: an error that travels.
**
** A function that can fail takes a Failure first.  It does nothing when the
** failure is already set, so callers write straight on and look once, at the
** end:
**
**     Failure failure = {0, 0};
**     sqlite3_stmt *statement = statement_prepare(&failure, db, 0, sql);
**     value_bind(&failure, statement, 1, &value);
**     while (statement_step(&failure, statement)) ...
**     sqlite3_finalize(statement);
**     failure_to_result(&failure, context);
**
** Invariants
**   1. The first failure wins.
**   2. code is 0 exactly as long as all is well.
**   3. Without memory for its message a failure is SQLITE_NOMEM.
*/
#include "relate_int.h"

/* Sets code and message, unless one is set. */
void failure_set(Failure *failure, int code, const char *format, ...) {
  if (failure->code) return;
  va_list arguments;
  va_start(arguments, format);
  failure->message = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  failure->code = failure->message ? code : SQLITE_NOMEM;
}

void failure_memory(Failure *failure) {
  if (failure->code) return;
  failure->code = SQLITE_NOMEM;
}

/* Takes over what `db` says of its last call. */
void failure_from_db(Failure *failure, sqlite3 *db) {
  int code = sqlite3_extended_errcode(db);
  if ((code & 0xff) == SQLITE_NOMEM) {
    failure_memory(failure);
  } else {
    failure_set(failure, code ? code : SQLITE_ERROR, "%s", sqlite3_errmsg(db));
  }
}

/* Replaces the message; a message that could not be made means no memory. */
static void failure_replace(Failure *failure, char *message) {
  sqlite3_free(failure->message);
  failure->message = message;
  if (!message) failure->code = SQLITE_NOMEM;
}

/* Puts text before, or after, the message of a failure that is set.  A message
** that begins with it already, from a call inside a call, stays as it is. */
void failure_prefix(Failure *failure, const char *format, ...) {
  if (!failure->code || failure->code == SQLITE_NOMEM) return;
  va_list arguments;
  va_start(arguments, format);
  char *prefix = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (prefix &&
      sqlite3_strnicmp(failure->message, prefix, (int)strlen(prefix)) == 0) {
    sqlite3_free(prefix);
    return;
  }
  char *message =
      prefix ? sqlite3_mprintf("%s%s", prefix, failure->message) : NULL;
  sqlite3_free(prefix);
  failure_replace(failure, message);
}

void failure_append(Failure *failure, const char *format, ...) {
  if (!failure->code || failure->code == SQLITE_NOMEM) return;
  va_list arguments;
  va_start(arguments, format);
  char *suffix = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  char *message =
      suffix ? sqlite3_mprintf("%s%s", failure->message, suffix) : NULL;
  sqlite3_free(suffix);
  failure_replace(failure, message);
}

void failure_clear(Failure *failure) {
  sqlite3_free(failure->message);
  failure->code = 0;
  failure->message = NULL;
}

/* Clears the failure and hands its message to the caller, who frees it. */
char *failure_take(Failure *failure) {
  char *message = failure->message;
  failure->code = 0;
  failure->message = NULL;
  return message;
}

/* Reports the failure, if there is one, as the result of a function, and
** clears it. */
void failure_to_result(Failure *failure, sqlite3_context *context) {
  if (failure->code == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(context);
  } else if (failure->code) {
    sqlite3_result_error(context, failure->message, -1);
    sqlite3_result_error_code(context, failure->code);
  }
  failure_clear(failure);
}

/* Reports the failure as that of a virtual table's method: gives the table the
** message, clears the failure and returns its code, SQLITE_OK if none. */
int failure_to_table(Failure *failure, sqlite3_vtab *table) {
  int code = failure->code;
  if (code && failure->message) {
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = failure_take(failure);
  }
  failure_clear(failure);
  return code;
}

/* Finishes `text`; the caller frees it.  NULL once *failure is set; "" where
** nothing was written. */
char *failure_text(Failure *failure, sqlite3_str *text) {
  int code = sqlite3_str_errcode(text);
  char *result = sqlite3_str_finish(text);
  if (code == SQLITE_TOOBIG) {
    failure_set(failure, SQLITE_TOOBIG, "string or blob too big");
  } else if (code) {
    failure_memory(failure);
  }
  if (!result && !failure->code) {
    result = sqlite3_mprintf("");
    if (!result) failure_memory(failure);
  }
  if (failure->code) {
    sqlite3_free(result);
    result = NULL;
  }
  return result;
}

void failure_set_text(Failure *failure, int code, sqlite3_str *text) {
  char *message = failure_text(failure, text);
  if (message) failure_set(failure, code, "%s", message);
  sqlite3_free(message);
}
