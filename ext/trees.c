/*
** trees.c: related_json() as a table.
**
**     SELECT key, value
**     FROM related_json('students', 'name, courses(title)') WHERE key = 1;
**
** A row of it is a row of the table that is named, and the tree that the function
** of the same name makes of it; none is made before it is asked for.  With a key
** there is that row alone:
**
**     SELECT t."id", CASE WHEN t."id" IS NOT NULL
**       THEN related_json(?1, t."id", ?2) END
**     FROM "main"."students" AS t WHERE t."id" = ?3
**
** A key of several columns is a JSON array.  A row that has NULL in its key can't be
** found by it: it has no tree.
*/
#include "relate_int.h"

#define PARAMETER_LIMIT 20 /* of a shape */

enum { KIND_TREES = -330 };

/* Columns of the table, and places of what xFilter gets. */
enum { TREES_KEY, TREES_VALUE, TREES_TABLE, TREES_SHAPE, TREES_PARAMETER };

/* Bits of idxNum: the key is given, as the last of argv; the trees are wanted. */
#define TREES_KEYED 1
#define TREES_MADE 2

typedef struct TreesTable {
  sqlite3_vtab base;
  Connection *connection;
} TreesTable;

typedef struct TreesCursor {
  sqlite3_vtab_cursor base;
  sqlite3_stmt *statement; /* on a row; NULL: at the end */
  Values arguments;
  sqlite3_int64 rowid;
} TreesCursor;

/* ---- the table ---- */

static int trees_connect(sqlite3 *db, void *owner, int argc,
                         const char *const *argv, sqlite3_vtab **vtab,
                         char **message) {
  Connection *connection = owner;
  (void)argc, (void)argv, (void)message;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text,
                        "CREATE TABLE x(key, value, \"table\" HIDDEN,"
                        " shape HIDDEN");
  for (int i = 1; i <= PARAMETER_LIMIT; i++)
    sqlite3_str_appendf(text, ", parameter_%d HIDDEN", i);
  sqlite3_str_appendall(text, ")");
  char *declaration = sqlite3_str_finish(text);
  int code = declaration ? sqlite3_declare_vtab(db, declaration) : SQLITE_NOMEM;
  sqlite3_free(declaration);
  TreesTable *table = code ? NULL : sqlite3_malloc64(sizeof(*table));
  if (!table) return code ? code : SQLITE_NOMEM;
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  connection_retain(connection);
  *table = (TreesTable){.connection = connection};
  *vtab = &table->base;
  return SQLITE_OK;
}

static int trees_disconnect(sqlite3_vtab *vtab) {
  TreesTable *table = (TreesTable *)vtab;
  connection_release(table->connection);
  sqlite3_free(table);
  return SQLITE_OK;
}

static void trees_take(sqlite3_index_info *info, int constraint, int *given) {
  info->aConstraintUsage[constraint].argvIndex = ++*given;
  info->aConstraintUsage[constraint].omit = 1;
}

static int trees_fail(sqlite3_vtab *vtab, const char *problem) {
  sqlite3_free(vtab->zErrMsg);
  vtab->zErrMsg = sqlite3_mprintf("related_json: %s", problem);
  return SQLITE_ERROR;
}

static int trees_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  int given = 0;
  bool unusable = false, key_unusable = false;
  for (int column = TREES_TABLE; column < TREES_PARAMETER + PARAMETER_LIMIT;
       column++) {
    int constraint = module_constraint(info, column, &unusable);
    if (constraint >= 0 && column - TREES_TABLE == given) {
      trees_take(info, constraint, &given);
    } else if (constraint >= 0 && !unusable) {
      return trees_fail(vtab, "an argument is missing before another");
    }
  }
  if (unusable) return SQLITE_CONSTRAINT;
  if (given < 2) {
    return trees_fail(vtab,
                      "as a table it is called as related_json(table, shape "
                      "[, parameter, ...])");
  }
  int key = module_constraint(info, TREES_KEY, &key_unusable);
  if (key >= 0) trees_take(info, key, &given);
  info->idxNum = key >= 0 ? TREES_KEYED : 0;
  if (info->colUsed & (1u << TREES_VALUE)) info->idxNum |= TREES_MADE;
  info->estimatedCost = key >= 0 ? 100 : 1e10;
  info->estimatedRows = key >= 0 ? 1 : 1000000;
  return SQLITE_OK;
}

/* ---- the statement ---- */

/* t."id", or json_array(t."a", t."b") */
static void trees_append_key(sqlite3_str *text, const Columns *key) {
  if (key->count > 1) sqlite3_str_appendall(text, "json_array(");
  clause_columns(text, "t", key);
  if (key->count > 1) sqlite3_str_appendall(text, ")");
}

static void trees_append_is(sqlite3_str *text, const Columns *key,
                            int parameter) {
  for (int i = 0; i < key->count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " WHERE ");
    clause_column(text, "t", key->list[i]);
    if (key->count == 1) {
      sqlite3_str_appendf(text, " = ?%d", parameter);
    } else {
      sqlite3_str_appendf(text,
                          " = json_extract(CASE WHEN json_valid(?%d) THEN ?%d "
                          "END, '$[%d]')",
                          parameter, parameter, i);
    }
  }
}

/* The call for the key, if all of it is there. */
static void trees_append_call(sqlite3_str *text, const Columns *key,
                              int given) {
  sqlite3_str_appendall(text, "CASE WHEN ");
  for (int i = 0; i < key->count; i++) {
    if (i) sqlite3_str_appendall(text, " AND ");
    clause_column(text, "t", key->list[i]);
    sqlite3_str_appendall(text, " IS NOT NULL");
  }
  sqlite3_str_appendall(text, " THEN related_json(?1, ");
  trees_append_key(text, key);
  for (int i = 2; i <= given; i++) sqlite3_str_appendf(text, ", ?%d", i);
  sqlite3_str_appendall(text, ") END");
}

/* `given`: arguments of the function besides the key; `number` is idxNum. */
static char *trees_sql(const Table *table, int given, int number) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  trees_append_key(text, &table->row_key);
  sqlite3_str_appendall(text, ", ");
  if (number & TREES_MADE) {
    trees_append_call(text, &table->row_key, given);
  } else {
    sqlite3_str_appendall(text, "NULL");
  }
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, table, "t");
  if (number & TREES_KEYED) trees_append_is(text, &table->row_key, given + 1);
  return sqlite3_str_finish(text);
}

/* The table that the first argument names, in a model to be left. */
static const Table *trees_find(Failure *failure, Connection *connection,
                               const Value *name, Model **model) {
  Path path = path_read_table(failure, name, "shape");
  *model = connection_enter(failure, connection, path.schema);
  const Table *table =
      failure->code ? NULL : path_table(failure, *model, path.table);
  if (table && !table->row_key.count)
    failure_set(failure, SQLITE_ERROR, "the rows of %s can't be told apart",
                table->name);
  path_free(&path);
  return table;
}

static void trees_start(Failure *failure, TreesCursor *cursor, int argc,
                        int number) {
  Connection *connection = ((TreesTable *)cursor->base.pVtab)->connection;
  Model *model = NULL;
  sqlite3_int64 place = 0;
  Value value = {.type = SQLITE_NULL};
  values_next(&cursor->arguments, &place, &value);
  const Table *table = trees_find(failure, connection, &value, &model);
  if (!failure->code)
    cursor->statement =
        cache_text(failure, connection->cache, KIND_TREES,
                   trees_sql(table, argc - (number & TREES_KEYED), number));
  connection_leave(connection, model);
  failure_prefix(failure, "related_json: ");
  place = 0;
  int last = sqlite3_bind_parameter_count(cursor->statement);
  for (int i = 1; values_next(&cursor->arguments, &place, &value) && i <= last;
       i++)
    value_bind(failure, cursor->statement, i, &value);
}

/* ---- the cursor ---- */

static int trees_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **opened) {
  TreesCursor *cursor = sqlite3_malloc64(sizeof(*cursor));
  (void)vtab;
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, sizeof(*cursor));
  *opened = &cursor->base;
  return SQLITE_OK;
}

static void trees_finish(TreesCursor *cursor) {
  const TreesTable *table = (const TreesTable *)cursor->base.pVtab;
  cache_give(table->connection->cache, cursor->statement);
  cursor->statement = NULL;
}

static int trees_close(sqlite3_vtab_cursor *base) {
  TreesCursor *cursor = (TreesCursor *)base;
  trees_finish(cursor);
  values_free(&cursor->arguments);
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int trees_step(Failure *failure, TreesCursor *cursor) {
  if (!statement_step(failure, cursor->statement)) trees_finish(cursor);
  cursor->rowid++;
  return failure_to_table(failure, cursor->base.pVtab);
}

static int trees_filter(sqlite3_vtab_cursor *base, int number,
                        const char *string, int argc, sqlite3_value **argv) {
  TreesCursor *cursor = (TreesCursor *)base;
  Failure failure = {0, NULL};
  (void)string;
  trees_finish(cursor);
  values_free(&cursor->arguments);
  for (int i = 0; i < argc; i++) {
    Value value = value_of(&failure, argv[i]);
    values_add(&failure, &cursor->arguments, &value);
  }
  if (!failure.code) trees_start(&failure, cursor, argc, number);
  return trees_step(&failure, cursor);
}

static int trees_next(sqlite3_vtab_cursor *base) {
  Failure failure = {0, NULL};
  return trees_step(&failure, (TreesCursor *)base);
}

static int trees_eof(sqlite3_vtab_cursor *base) {
  return !((const TreesCursor *)base)->statement;
}

static int trees_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                        int number) {
  const TreesCursor *cursor = (const TreesCursor *)base;
  if (number < TREES_TABLE) {
    sqlite3_result_value(context,
                         sqlite3_column_value(cursor->statement, number));
    if (number == TREES_VALUE) sqlite3_result_subtype(context, JSON_SUBTYPE);
    return SQLITE_OK;
  }
  Value argument = {.type = SQLITE_NULL};
  sqlite3_int64 place = 0;
  for (int i = TREES_TABLE; i <= number; i++)
    if (!values_next(&cursor->arguments, &place, &argument)) return SQLITE_OK;
  value_result_copy(context, &argument);
  return SQLITE_OK;
}

static int trees_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((const TreesCursor *)base)->rowid;
  return SQLITE_OK;
}

/* Without xCreate it exists by itself, and can't be created. */
static const sqlite3_module trees_module = {
    .xConnect = trees_connect,
    .xBestIndex = trees_best_index,
    .xDisconnect = trees_disconnect,
    .xOpen = trees_open,
    .xClose = trees_close,
    .xFilter = trees_filter,
    .xNext = trees_next,
    .xEof = trees_eof,
    .xColumn = trees_column,
    .xRowid = trees_rowid,
};

void trees_register(Failure *failure, Connection *connection) {
  if (failure->code) return;
  connection_retain(connection);
  module_register(failure, connection->db, "related_json", &trees_module,
                  connection, connection_release);
}
