/*
** verb_table.c: relate() and its family, as tables.
**
**     INSERT INTO enroll SELECT id, 7 FROM students ORDER BY name LIMIT 20;
**     INSERT INTO enroll(source, target, grade) VALUES (1, 2, 'A');
**     INSERT INTO relate VALUES ('students.courses', 1, 2);
**
** One statement, all or nothing in every mode, with the locks and the place in
** the caller's transaction that any INSERT has.
**
**     enroll    source, target, then one HIDDEN column for each payload column
**     relate    relationship, source, target, HIDDEN payload (a JSON object)
**
** A NULL in a payload column means that it is not given.  The table can't be
** read: the links are in the link table.
*/
#include "relate_int.h"

typedef struct VerbTable {
  sqlite3_vtab base;
  Function *function;
  Arena *arena;
  int payload_count; /* of a declared function */
  const char **payload;
} VerbTable;

/* ---- its columns ---- */

#define PREFIX "link_"

static bool is_key_column(const char *name) {
  return name_equal(name, "source") || name_equal(name, "target");
}

static bool is_prefixed(const char *column, int prefixes, const char *name) {
  for (; prefixes; prefixes--, column += strlen(PREFIX))
    if (!name_starts(column, PREFIX)) return false;
  return name_equal(column, name);
}

/* A payload column that has a key column's name: link_source, or with as many
** prefixes as make it different from all others. */
static void append_prefixes(sqlite3_str *text, const Columns *payload,
                            const char *name) {
  int prefixes = 1;
  for (int i = 0; i < payload->count; i++) {
    if (!is_prefixed(payload->list[i]->name, prefixes, name)) continue;
    prefixes++;
    i = -1;
  }
  while (prefixes--) sqlite3_str_appendall(text, PREFIX);
}

/* The columns as they are declared to SQLite; the caller frees. */
static char *verb_table_sql(Failure *failure, const Function *function) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (!function->declared) {
    sqlite3_str_appendall(text,
                          "CREATE TABLE x(relationship, source, target, "
                          "payload HIDDEN)");
    return failure_text(failure, text);
  }
  sqlite3_str_appendall(text, "CREATE TABLE x(source, target");
  const Relationship *relationship = function->relationship;
  bool payload = relationship && function->base == BASE_RELATE;
  for (int i = 0; payload && i < relationship->payload.count; i++) {
    const char *name = relationship->payload.list[i]->name;
    sqlite3_str *column = sqlite3_str_new(NULL);
    if (is_key_column(name))
      append_prefixes(column, &relationship->payload, name);
    sqlite3_str_appendall(column, name);
    char *finished = failure_text(failure, column);
    sqlite3_str_appendf(text, ", \"%w\" HIDDEN", finished);
    sqlite3_free(finished);
  }
  sqlite3_str_appendall(text, ")");
  return failure_text(failure, text);
}

/* Copies the names: the model may be gone before the table is. */
static void verb_table_payload(Failure *failure, VerbTable *table) {
  const Relationship *relationship = table->function->relationship;
  if (!table->function->declared || !relationship ||
      table->function->base != BASE_RELATE)
    return;
  int count = relationship->payload.count;
  table->payload =
      arena_take(failure, table->arena,
                 (sqlite3_int64)sizeof(char *) * (count ? count : 1));
  for (int i = 0; i < count && !failure->code; i++)
    table->payload[i] =
        arena_text(failure, table->arena, relationship->payload.list[i]->name);
  table->payload_count = count;
}

static void verb_table_free(VerbTable *table) {
  if (!table) return;
  arena_free(table->arena);
  function_release(table->function);
  sqlite3_free(table);
}

static VerbTable *verb_table_new(Failure *failure, Function *function) {
  if (failure->code) return NULL;
  VerbTable *table = sqlite3_malloc64(sizeof(*table));
  if (!table) {
    failure_memory(failure);
    return NULL;
  }
  memset(table, 0, sizeof(*table));
  function->references++;
  table->function = function;
  table->arena = arena_new(failure);
  if (table->arena) verb_table_payload(failure, table);
  if (!failure->code) return table;
  verb_table_free(table);
  return NULL;
}

static int verb_table_connect(sqlite3 *db, void *pAux, int argc,
                              const char *const *argv, sqlite3_vtab **ppVtab,
                              char **pzErr) {
  Failure failure = {0, NULL};
  (void)argc, (void)argv;
  char *sql = verb_table_sql(&failure, pAux);
  if (sql && sqlite3_declare_vtab(db, sql)) failure_from_db(&failure, db);
  sqlite3_free(sql);
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  VerbTable *table = verb_table_new(&failure, pAux);
  *ppVtab = table ? &table->base : NULL;
  int code = failure.code;
  if (code) *pzErr = failure_take(&failure);
  return code;
}

static int verb_table_disconnect(sqlite3_vtab *pVtab) {
  verb_table_free((VerbTable *)pVtab);
  return SQLITE_OK;
}

/* ---- insert ---- */

/* One row to be inserted, while it is. */
typedef struct Row {
  Failure *failure;
  VerbTable *table;
  LinkOrder order;
  Arena *arena; /* for the payload, NULL until there is some */
  int room;
  sqlite3_int64 changed;
} Row;

static void row_room(Row *row, int room) {
  if (row->failure->code || room <= row->room) return;
  if (!row->arena) row->arena = arena_new(row->failure);
  if (!row->arena) return;
  const Column **list = arena_take(row->failure, row->arena,
                                   (sqlite3_int64)sizeof(Column *) * room);
  Value *values =
      arena_take(row->failure, row->arena, (sqlite3_int64)sizeof(Value) * room);
  if (row->failure->code) return;
  int count = row->order.payload.count;
  if (count) {
    memcpy((void *)list, row->order.payload.list,
           sizeof(*list) * (size_t)count);
    memcpy(values, row->order.payload_values, sizeof(*values) * (size_t)count);
  }
  row->order.payload.list = list;
  row->order.payload_values = values;
  row->room = room;
}

/* A value for a payload column; a later one wins over a preset. */
static void row_set(Row *row, const Column *column, const Value *value) {
  int place = 0, count = row->order.payload.count;
  while (place < count && row->order.payload.list[place] != column) place++;
  if (place == row->room) row_room(row, 2 * row->room + 4);
  if (row->failure->code) return;
  row->order.payload.list[place] = column;
  ((Value *)row->order.payload_values)[place] = *value;
  if (place == count) row->order.payload.count++;
}

static void row_preset(Row *row) {
  const Function *function = row->table->function;
  sqlite3_int64 cursor = 0;
  Value value;
  for (int i = 0; i < function->preset_count; i++)
    if (values_next(&function->preset_values, &cursor, &value))
      row_set(row, function->preset[i], &value);
}

/* The hidden columns of a declared function: argv[4] and on. */
static void row_columns(Row *row, sqlite3_value **argv) {
  const VerbTable *table = row->table;
  for (int i = 0; i < table->payload_count && !row->failure->code; i++) {
    Value value = value_of(row->failure, argv[4 + i]);
    if (value.type == SQLITE_NULL) continue;
    const Column *column =
        link_payload(row->failure, row->order.relationship, table->payload[i]);
    if (column) row_set(row, column, &value);
  }
}

/* The text of a JSON object lives in the arena until the row is inserted. */
static void row_json_value(Row *row, sqlite3_stmt *each) {
  const char *name = statement_text(row->failure, each, 1);
  Value value = value_of_column(row->failure, each, 0);
  row_room(row, 4);
  if (value.bytes && !row->failure->code) {
    char *copy = arena_take(row->failure, row->arena, value.size + 1);
    if (copy) memcpy(copy, value.bytes, (size_t)value.size);
    value.bytes = copy;
  }
  if (row->failure->code || value.type == SQLITE_NULL) return;
  const Column *column =
      link_payload(row->failure, row->order.relationship, name ? name : "");
  if (column) row_set(row, column, &value);
}

/* The payload of relate: a JSON object. */
static void row_json(Row *row, sqlite3_value *argument) {
  Value json = value_of(row->failure, argument);
  if (json.type == SQLITE_NULL || row->failure->code) return;
  if (json_members(row->failure, row->order.connection, &json, "object") < 0)
    failure_set(row->failure, SQLITE_MISMATCH,
                "%s: the payload is no JSON object, such as '{\"grade\": "
                "\"A\"}'",
                row->order.relationship->full_name);
  sqlite3_stmt *each = json_open(row->failure, row->order.connection, &json);
  while (statement_step(row->failure, each)) row_json_value(row, each);
  cache_give(row->order.connection->cache, each);
}

static void row_read(Row *row, Model *model, sqlite3_value **argv) {
  Failure *failure = row->failure;
  Function *function = row->table->function;
  int key = function->declared ? 2 : 3;
  Value path = value_of(failure, argv[2]);
  row->order.connection = function->connection;
  row->order.relationship =
      function_relationship(failure, function, model, &path);
  if (!row->order.relationship) return;
  row->order.source = value_of(failure, argv[key]);
  row->order.target = value_of(failure, argv[key + 1]);
  if (function->declared) {
    row_preset(row);
    row_columns(row, argv);
  } else if (function->base == BASE_RELATE) {
    row_json(row, argv[5]);
  } else if (sqlite3_value_type(argv[5]) != SQLITE_NULL) {
    failure_set(failure, SQLITE_ERROR, "%s: takes no payload",
                row->order.relationship->full_name);
  }
}

static void row_apply(Row *row) {
  row->changed +=
      link_apply(row->failure, row->table->function->base, &row->order);
}

/* The second step is there so that SQLite has several rows to undo. */
static void row_step(Failure *failure, void *argument, int step) {
  (void)failure;
  if (step == 0) row_apply(argument);
}

static void row_insert(Row *row) {
  if (row->failure->code) return;
  if (link_is_several(row->table->function->base, row->order.relationship)) {
    steps_run(row->failure, row->order.connection, row_step, row);
  } else {
    row_apply(row);
  }
}

/* How many links that has made, removed or changed. */
static sqlite3_int64 insert_thoroughly(Failure *failure, VerbTable *table,
                                       sqlite3_value **argv) {
  Connection *connection = table->function->connection;
  Row row = {.failure = failure, .table = table};
  Model *model = connection_enter(failure, connection, "main");
  if (!failure->code) row_read(&row, model, argv);
  row_insert(&row);
  connection_leave(connection, model);
  arena_free(row.arena);
  return row.changed;
}

/* A pair without payload, see link_quickly. */
static bool insert_quickly(Failure *failure, const Function *function, int argc,
                           sqlite3_value **argv, sqlite3_int64 *changed) {
  int count = function->declared ? 2 : 3;
  Value arguments[3];
  if (failure->code) return false;
  for (int i = 2 + count; i < argc; i++)
    if (sqlite3_value_type(argv[i]) != SQLITE_NULL) return false;
  for (int i = 0; i < count; i++) arguments[i] = value_of(failure, argv[2 + i]);
  return link_quickly(failure, function, arguments, changed);
}

static int verb_table_end(VerbTable *table, Failure *failure, bool changed) {
  sqlite3 *db = table->function->connection->db;
  bool ignores = sqlite3_vtab_on_conflict(db) == SQLITE_IGNORE;
  bool skipped = ignores && !failure->code && !changed;
  failure_prefix(failure, "%s: ", table->function->name);
  int code = failure_to_table(failure, &table->base);
  if (skipped) return SQLITE_CONSTRAINT; /* not counted by changes() */
  return module_conflict(db, code);
}

static int verb_table_update(sqlite3_vtab *pVtab, int argc,
                             sqlite3_value **argv, sqlite3_int64 *pRowid) {
  VerbTable *table = (VerbTable *)pVtab;
  Function *function = table->function;
  Failure failure = {0, NULL};
  sqlite3_int64 changed = 0;
  if (argc < 3 || sqlite3_value_type(argv[0]) != SQLITE_NULL)
    failure_set(&failure, SQLITE_READONLY, "this table is for INSERT only");
  if (!insert_quickly(&failure, function, argc, argv, &changed))
    changed = insert_thoroughly(&failure, table, argv);
  *pRowid = sqlite3_last_insert_rowid(function->connection->db);
  return verb_table_end(table, &failure, changed != 0);
}

static int verb_table_filter(sqlite3_vtab_cursor *cursor, int idxNum,
                             const char *idxStr, int argc,
                             sqlite3_value **argv) {
  VerbTable *table = (VerbTable *)cursor->pVtab;
  (void)idxNum, (void)idxStr, (void)argc, (void)argv;
  Failure failure = {0, NULL};
  failure_set(&failure, SQLITE_ERROR,
              "%s: this table is for INSERT only; read the links from the "
              "link table, see relationship_list",
              table->function->name);
  return failure_to_table(&failure, &table->base);
}

static const sqlite3_module verb_table_module = {
    .iVersion = 0,
    .xConnect = verb_table_connect,
    .xBestIndex = hollow_best_index,
    .xDisconnect = verb_table_disconnect,
    .xOpen = hollow_open,
    .xClose = hollow_close,
    .xFilter = verb_table_filter,
    .xEof = hollow_eof,
    .xUpdate = verb_table_update,
};

/* Makes the function's name a table, or gives that table its present
** columns. */
void verb_table_register(Failure *failure, Function *function) {
  char *sql = verb_table_sql(failure, function);
  sqlite3 *db = function->connection->db;
  if (!sql || (function->table_sql && strcmp(function->table_sql, sql) == 0)) {
    sqlite3_free(sql);
    return;
  }
  function->references++;
  module_register(failure, db, function->name, &verb_table_module, function,
                  function_release);
  if (failure->code) {
    sqlite3_free(sql);
    return;
  }
  sqlite3_free(function->table_sql);
  function->table_sql = sql;
  /* An authorizer that is set already may refuse: the first INSERT tells. */
  module_connect(failure, db, function->name);
  if (failure->code != SQLITE_NOMEM) failure_clear(failure);
}
