/*
** rows.c: gathered rows as a table.
**
** An aggregate that has gathered a million pairs links them by one statement,
** not by a million:
**
**     INSERT INTO student_course ... SELECT r.source, r.target
**     FROM _relationship_rows AS r
**
** The table reads what connection->rows points to, pair by pair.  It is empty
** for everybody else.
*/
#include "relate_int.h"

typedef struct RowsTable {
  sqlite3_vtab base;
  Connection *connection;
} RowsTable;

typedef struct RowsCursor {
  sqlite3_vtab_cursor base;
  const Values *rows;
  sqlite3_int64 place; /* in rows, of what comes next */
  sqlite3_int64 number;
  bool end;
  Value pair[2];
} RowsCursor;

static int rows_connect(sqlite3 *db, void *pAux, int argc,
                        const char *const *argv, sqlite3_vtab **ppVtab,
                        char **pzErr) {
  (void)argc, (void)argv, (void)pzErr;
  int code = sqlite3_declare_vtab(db, "CREATE TABLE x(source, target)");
  if (code) return code;
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  RowsTable *table = sqlite3_malloc64(sizeof(*table));
  if (!table) return SQLITE_NOMEM;
  memset(table, 0, sizeof(*table));
  table->connection = pAux;
  connection_retain(table->connection);
  *ppVtab = &table->base;
  return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *pVtab) {
  RowsTable *table = (RowsTable *)pVtab;
  connection_release(table->connection);
  sqlite3_free(table);
  return SQLITE_OK;
}

static int rows_best_index(sqlite3_vtab *pVtab, sqlite3_index_info *info) {
  (void)pVtab;
  info->estimatedCost = 1000;
  info->estimatedRows = 1000;
  return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *pVtab, sqlite3_vtab_cursor **ppCursor) {
  (void)pVtab;
  RowsCursor *cursor = sqlite3_malloc64(sizeof(*cursor));
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, sizeof(*cursor));
  *ppCursor = &cursor->base;
  return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *cursor) {
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base) {
  RowsCursor *cursor = (RowsCursor *)base;
  cursor->number++;
  cursor->end = !cursor->rows ||
                !values_next(cursor->rows, &cursor->place, &cursor->pair[0]) ||
                !values_next(cursor->rows, &cursor->place, &cursor->pair[1]);
  return SQLITE_OK;
}

static int rows_filter(sqlite3_vtab_cursor *base, int idxNum,
                       const char *idxStr, int argc, sqlite3_value **argv) {
  RowsCursor *cursor = (RowsCursor *)base;
  (void)idxNum, (void)idxStr, (void)argc, (void)argv;
  Connection *connection = ((RowsTable *)base->pVtab)->connection;
  cursor->rows = connection->rows;
  connection->rows = NULL; /* they are read once */
  cursor->place = 0;
  cursor->number = 0;
  return rows_next(base);
}

static int rows_eof(sqlite3_vtab_cursor *base) {
  return ((RowsCursor *)base)->end;
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                       int column) {
  value_result(context, &((RowsCursor *)base)->pair[column]);
  return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *pRowid) {
  *pRowid = ((RowsCursor *)base)->number;
  return SQLITE_OK;
}

static const sqlite3_module rows_module = {
    .iVersion = 0,
    .xConnect = rows_connect,
    .xBestIndex = rows_best_index,
    .xDisconnect = rows_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_filter,
    .xNext = rows_next,
    .xEof = rows_eof,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

void rows_register(Failure *failure, Connection *connection) {
  connection_retain(connection);
  module_register(failure, connection->db, ROWS_TABLE, &rows_module, connection,
                  connection_release);
}
