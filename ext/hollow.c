/*
** hollow.c: a virtual table without rows.
**
** Some tables are there to be connected or inserted into, never to be read.
** These are the methods of their reading side: every scan is empty, so xNext,
** xColumn and xRowid are never called and may be NULL.
*/
#include "relate_int.h"

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
