/*
** module.c: virtual tables.
**
** All tables of ours are eponymous: they exist on a connection once their
** module is registered under their name, and are connected when that name is
** first compiled.
**
** Some are there to be connected or inserted into, never to be read.  The
** hollow_ methods are the reading side of these: every scan is empty, so xNext,
** xColumn and xRowid are never called and may be NULL.
*/
#include "relate_int.h"

/* True where memory ran out earlier in a statement that still runs, and SQLite
** remembers that.  (The code alone may be of a call long ago.) */
static bool memory_is_lost(sqlite3 *db) {
  if (sqlite3_errcode(db) != SQLITE_NOMEM) return false;
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(db, "SELECT 1", -1, &statement, NULL);
  sqlite3_finalize(statement);
  return code == SQLITE_NOMEM;
}

/* Registers the table `name`; again, and SQLite forgets the columns it knew.
** Takes over one reference to `owner`, also when it fails.  While it remembers
** lost memory SQLite would register the module, say that it had not, and give
** up the owner: then nothing is registered. */
void module_register(Failure *failure, sqlite3 *db, const char *name,
                     const sqlite3_module *module, void *owner,
                     void (*release)(void *)) {
  if (!failure->code && memory_is_lost(db)) failure_memory(failure);
  if (failure->code) {
    release(owner);
  } else if (sqlite3_create_module_v2(db, name, module, owner, release)) {
    failure_from_db(failure, db);
  }
}

/* Connects the table now.  For that SQLite asks the authorizer for the right to
** change the schema; an application that grants less, later, shall find it
** connected.  It is asked for in temp, where no file can put a table of the
** same name. */
void module_connect(Failure *failure, sqlite3 *db, const char *name) {
  if (failure->code) return;
  char *sql = sqlite3_mprintf("SELECT 1 FROM temp.\"%w\"", name);
  sqlite3_stmt *statement = NULL;
  if (!sql) {
    failure_memory(failure);
  } else if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) {
    failure_from_db(failure, db);
  }
  sqlite3_finalize(statement);
  sqlite3_free(sql);
}

/* True if there is a virtual table of that name, of ours or of anybody. */
bool module_exists(Failure *failure, sqlite3 *db, const char *name) {
  sqlite3_stmt *statement = NULL;
  if (failure->code) return false;
  if (sqlite3_prepare_v2(db,
                         "SELECT 1 FROM temp.pragma_module_list"
                         " WHERE name = ?1 COLLATE NOCASE",
                         -1, &statement, NULL) ||
      sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC))
    failure_from_db(failure, db);
  int code = failure->code ? SQLITE_DONE : sqlite3_step(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) failure_from_db(failure, db);
  sqlite3_finalize(statement);
  return code == SQLITE_ROW;
}

/* The code of an xUpdate that ended with `code`: OR IGNORE skips what a
** uniqueness, NOT NULL or CHECK constraint refuses, and nothing else; SQLite
** would skip every constraint. */
int module_conflict(sqlite3 *db, int code) {
  bool skips = code == SQLITE_CONSTRAINT_UNIQUE ||
               code == SQLITE_CONSTRAINT_PRIMARYKEY ||
               code == SQLITE_CONSTRAINT_NOTNULL ||
               code == SQLITE_CONSTRAINT_CHECK;
  return sqlite3_vtab_on_conflict(db) != SQLITE_IGNORE || skips ||
                 (code & 0xff) != SQLITE_CONSTRAINT
             ? code
             : SQLITE_ERROR;
}

/* ---- a table without rows ---- */

int hollow_best_index(sqlite3_vtab *pVtab, sqlite3_index_info *info) {
  (void)pVtab;
  info->estimatedCost = 0;
  info->estimatedRows = 0;
  return SQLITE_OK;
}

int hollow_open(sqlite3_vtab *pVtab, sqlite3_vtab_cursor **ppCursor) {
  (void)pVtab;
  *ppCursor = sqlite3_malloc64(sizeof(**ppCursor));
  if (!*ppCursor) return SQLITE_NOMEM;
  memset(*ppCursor, 0, sizeof(**ppCursor));
  return SQLITE_OK;
}

int hollow_close(sqlite3_vtab_cursor *cursor) {
  sqlite3_free(cursor);
  return SQLITE_OK;
}

int hollow_filter(sqlite3_vtab_cursor *cursor, int idxNum, const char *idxStr,
                  int argc, sqlite3_value **argv) {
  (void)cursor, (void)idxNum, (void)idxStr, (void)argc, (void)argv;
  return SQLITE_OK;
}

int hollow_eof(sqlite3_vtab_cursor *cursor) {
  (void)cursor;
  return 1;
}

int module_constraint(const sqlite3_index_info *info, int column,
                      bool *unusable) {
  for (int i = 0; i < info->nConstraint; i++) {
    if (info->aConstraint[i].iColumn != column ||
        info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
      continue;
    if (info->aConstraint[i].usable) return i;
    *unusable = true;
  }
  return -1;
}
