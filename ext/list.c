/*
** list.c: the lists of what there is.
**
**     SELECT name, cardinality, because FROM relationship_list;
**     SELECT name, base, relationship FROM relationship_function_list;
**
** Two read-only tables that exist on every connection.  A scan takes the model
** of each schema when it begins and holds on to it, so a schema that changes
** meanwhile leaves it alone.  Nothing is built beforehand: a row is a place in
** one of these models, and a column is read from there when it is asked for.
**
**     list                          rows
**     --------------------------    ------------------------------------------
**     relationship_list             every relationship of every schema; of a
**                                   schema that can't be read, one that says
**                                   why
**     relationship_function_list    every function that main declares
**
** Ownership: a module, and each table connected to it, hold a reference to the
** Connection; a cursor holds one to each of its models.
*/
#include "relate_int.h"

/* One schema, as a scan found it. */
typedef struct ListPart {
  const char *schema;
  Model *model;        /* NULL: see problem */
  const char *problem; /* why the schema can't be read */
} ListPart;

/* What a row is about, and where writing a column of it may fail. */
typedef struct ListRow {
  Failure *failure;
  Connection *connection;
  const ListPart *part;
  const Relationship *relationship; /* NULL: a schema that can't be read */
  const DeclaredFunction *function;
} ListRow;

typedef struct ListColumn {
  const char *definition;
  /* Writes the value; where nothing is written it is NULL. */
  void (*write)(sqlite3_str *text, const ListRow *row);
  bool (*flag)(const ListRow *row); /* instead of write */
} ListColumn;

typedef struct List {
  const char *name;
  const ListColumn *columns;
  int column_count;
  bool everywhere; /* of every attached schema, not only main */
  int (*count)(const ListPart *part);
  void (*find)(ListRow *row, int index); /* row number `index` of row->part */
} List;

typedef struct ListTable {
  sqlite3_vtab base;
  Connection *connection;
  const List *list;
} ListTable;

typedef struct ListCursor {
  sqlite3_vtab_cursor base;
  Arena *arena; /* of parts */
  int part_count;
  ListPart *parts;
  int part, index; /* where the row is: at the end part is part_count */
  sqlite3_int64 rowid;
} ListCursor;

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- relationship_list: rows ---- */

static int list_count_relationships(const ListPart *part) {
  return part->model ? part->model->relationship_count : 1;
}

static void list_find_relationship(ListRow *row, int index) {
  const Model *model = row->part->model;
  row->relationship = model ? &model->relationships[index] : NULL;
}

/* What a declaration speaks of that has lost its tables or its key; else
** NULL. */
static const Direction *lost_direction(const Relationship *relationship) {
  bool lost = relationship->declaration && !relationship->target;
  return lost ? &relationship->declaration->direction : NULL;
}

/* The association table, or NULL. */
static const char *through_of(const Relationship *relationship) {
  const Direction *lost = lost_direction(relationship);
  const Table *link = relationship->link;
  if (lost)
    return lost->source_columns && lost->target_columns ? lost->link : NULL;
  bool own = link == relationship->source || link == relationship->target;
  return own || !link ? NULL : link->name;
}

/* ---- relationship_list: columns ---- */

static void write_text(sqlite3_str *text, const char *value) {
  if (value) sqlite3_str_appendall(text, value);
}

static void write_name(sqlite3_str *text, const ListRow *row) {
  if (row->relationship) write_text(text, row->relationship->full_name);
}

static void write_cardinality(sqlite3_str *text, const ListRow *row) {
  const Relationship *relationship = row->relationship;
  if (relationship && !lost_direction(relationship))
    write_text(text, cardinality_name(relationship->cardinality));
}

static void write_target(sqlite3_str *text, const ListRow *row) {
  const Relationship *relationship = row->relationship;
  if (!relationship) return;
  const Direction *lost = lost_direction(relationship);
  if (lost) {
    write_text(text, lost->target);
  } else if (relationship->target) {
    write_text(text, relationship->target->name);
  } else if (relationship->target_foreign) {
    write_text(text, relationship->target_foreign->parent_name);
  }
}

static void write_inverse(sqlite3_str *text, const ListRow *row) {
  const Relationship *relationship = row->relationship;
  if (relationship && relationship->inverse)
    write_text(text, relationship->inverse->full_name);
}

static void write_through(sqlite3_str *text, const ListRow *row) {
  if (row->relationship) write_text(text, through_of(row->relationship));
}

static void write_because(sqlite3_str *text, const ListRow *row) {
  if (row->relationship) write_text(text, row->relationship->because);
}

static void write_exact_name(sqlite3_str *text, const ListRow *row) {
  const Relationship *relationship = row->relationship;
  if (!relationship || lost_direction(relationship)) return;
  if (!name_equal(row->part->schema, "main")) {
    name_append(text, row->part->schema);
    sqlite3_str_appendall(text, ":");
  }
  name_append(text, relationship->source->name);
  sqlite3_str_appendall(text, ".");
  name_append(text, relationship->exact_name);
}

static void write_schema(sqlite3_str *text, const ListRow *row) {
  write_text(text, row->part->schema);
}

static void write_source(sqlite3_str *text, const ListRow *row) {
  if (row->relationship) write_text(text, row->relationship->source->name);
}

static void write_source_key(sqlite3_str *text, const ListRow *row) {
  if (row->relationship)
    columns_append(text, &row->relationship->source_key, ", ");
}

static void write_target_key(sqlite3_str *text, const ListRow *row) {
  if (row->relationship)
    columns_append(text, &row->relationship->target_key, ", ");
}

/* The columns of the link that hold a foreign key. */
static void write_link_columns(sqlite3_str *text, const ListRow *row) {
  const Relationship *relationship = row->relationship;
  if (!relationship) return;
  if (relationship->source_foreign)
    columns_append(text, &relationship->source_link, ", ");
  if (relationship->source_foreign && relationship->target_foreign)
    sqlite3_str_appendall(text, ", ");
  if (relationship->target_foreign)
    columns_append(text, &relationship->target_link, ", ");
}

static void write_payload(sqlite3_str *text, const ListRow *row) {
  if (row->relationship)
    columns_append(text, &row->relationship->payload, ", ");
}

/* The key that decides what becomes of a link when the row it refers to goes:
** the one to the source, or the only one there is. */
static const ForeignKey *deciding_key(const ListRow *row) {
  const Relationship *relationship = row->relationship;
  if (!relationship) return NULL;
  return relationship->source_foreign ? relationship->source_foreign
                                      : relationship->target_foreign;
}

/* A declared option; NULL if it was not given. */
static const char *option_of(const ListRow *row, Arena *arena,
                             const Relationship *relationship,
                             const char *name) {
  if (!relationship || !relationship->declaration) return NULL;
  return catalog_option(row->failure, arena, row->connection->db,
                        relationship->declaration->options, name);
}

/* What is declared goes before what the key says; in capitals, as there.  Both
** directions of one key may declare it. */
static void write_action(sqlite3_str *text, const ListRow *row,
                         const char *name, const char *otherwise) {
  const Relationship *relationship = row->relationship;
  Arena *arena = arena_new(row->failure);
  const char *action = option_of(row, arena, relationship, name);
  if (!action && relationship && relationship->cardinality != MANY_TO_MANY)
    action = option_of(row, arena, relationship->inverse, name);
  if (!action) action = otherwise;
  for (const char *c = action; c && *c; c++)
    sqlite3_str_appendchar(
        text, 1, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
  arena_free(arena);
}

static void write_on_delete(sqlite3_str *text, const ListRow *row) {
  const ForeignKey *key = deciding_key(row);
  write_action(text, row, "on_delete", key ? key->on_delete : NULL);
}

static void write_on_update(sqlite3_str *text, const ListRow *row) {
  const ForeignKey *key = deciding_key(row);
  write_action(text, row, "on_update", key ? key->on_update : NULL);
}

static void write_path(sqlite3_str *text, const ListRow *row) {
  const Relationship *relationship = row->relationship;
  if (relationship && relationship->step_count)
    derivation_append(text, relationship->steps, relationship->step_count);
}

static void write_option(sqlite3_str *text, const ListRow *row,
                         const char *name) {
  Arena *arena = arena_new(row->failure);
  write_text(text, option_of(row, arena, row->relationship, name));
  arena_free(arena);
}

static void write_where(sqlite3_str *text, const ListRow *row) {
  write_option(text, row, "where");
}

static void write_order_by(sqlite3_str *text, const ListRow *row) {
  write_option(text, row, "order_by");
}

static void write_view(sqlite3_str *text, const ListRow *row) {
  write_option(text, row, "view");
}

static void write_comment(sqlite3_str *text, const ListRow *row) {
  write_option(text, row, "comment");
}

static bool deletes_orphans(const ListRow *row) {
  Arena *arena = arena_new(row->failure);
  bool deletes =
      option_of(row, arena, row->relationship, "delete_orphan") != NULL;
  arena_free(arena);
  return deletes;
}

static bool is_declared(const ListRow *row) {
  return row->relationship && row->relationship->declaration;
}

static void write_problem(sqlite3_str *text, const ListRow *row) {
  write_text(text, row->relationship ? row->relationship->problem
                                     : row->part->problem);
}

/* ---- relationship_list: the example ---- */

/* Writes a name as it is written in SQL: quoted only where it must be. */
static void append_sql_name(sqlite3_str *text, const char *name) {
  if (name_is_plain(name) && !sqlite3_keyword_check(name, (int)strlen(name))) {
    sqlite3_str_appendall(text, name);
  } else {
    sqlite3_str_appendf(text, "\"%w\"", name);
  }
}

static void append_sql_names(sqlite3_str *text, const Columns *columns) {
  for (int i = 0; i < columns->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    append_sql_name(text, columns->list[i]->name);
  }
}

/* What a reader knows a row by: its first text that is part of no key, else
** its key. */
static void append_label(sqlite3_str *text, const Relationship *relationship) {
  const Table *source = relationship->source;
  for (int i = 0; i < source->column_count; i++) {
    const Column *column = &source->columns[i];
    if (column->affinity != 'B' ||
        columns_contain(&relationship->source_key, column) ||
        columns_contain(&relationship->target_link, column))
      continue;
    append_sql_name(text, column->name);
    return;
  }
  append_sql_names(text, &relationship->source_key);
}

/* related_count('students.courses', id: the call without its end. */
static void append_call(sqlite3_str *text, const char *function,
                        const Relationship *relationship) {
  bool single = relationship->source_key.count == 1;
  sqlite3_str_appendf(text, "%s(%Q, %s", function, relationship->full_name,
                      single ? "" : "json_array(");
  append_sql_names(text, &relationship->source_key);
  if (!single) sqlite3_str_appendall(text, ")");
}

/* The key of some row, to be replaced by one that interests the reader. */
static void append_some_key(sqlite3_str *text, const Columns *key) {
  if (key->count != 1) sqlite3_str_appendall(text, "json_array(");
  for (int i = 0; i < key->count; i++)
    sqlite3_str_appendf(text, "%s%s", i ? ", " : "",
                        key->list[i]->affinity == 'B' ? "'1'" : "1");
  if (key->count != 1) sqlite3_str_appendall(text, ")");
}

/* True if `name` alone means something of temp and not the table of main. */
static bool is_shadowed(const ListRow *row, const char *name) {
  sqlite3_stmt *statement = statement_prepare(
      row->failure, row->connection->db, STATEMENT_PLAIN,
      "SELECT 1 FROM temp.sqlite_schema"
      " WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')");
  statement_bind_text(row->failure, statement, 1, name);
  bool shadowed = statement_step(row->failure, statement);
  sqlite3_finalize(statement);
  return shadowed;
}

static void append_source(sqlite3_str *text, const ListRow *row) {
  const char *table = row->relationship->source->name;
  const char *schema = row->part->schema;
  sqlite3_str_appendall(text, " FROM ");
  if (!name_equal(schema, "main") || is_shadowed(row, table)) {
    append_sql_name(text, schema);
    sqlite3_str_appendall(text, ".");
  }
  append_sql_name(text, table);
}

/* SELECT name, related_count('students.courses', id) FROM students */
static void append_count(sqlite3_str *text, const ListRow *row) {
  append_label(text, row->relationship);
  sqlite3_str_appendall(text, ", ");
  append_call(text, "related_count", row->relationship);
  sqlite3_str_appendall(text, ")");
  append_source(text, row);
}

/* SELECT name FROM car_models WHERE related('car_models.brand', id, 1) */
static void append_member(sqlite3_str *text, const ListRow *row) {
  append_label(text, row->relationship);
  append_source(text, row);
  sqlite3_str_appendall(text, " WHERE ");
  append_call(text, "related", row->relationship);
  sqlite3_str_appendall(text, ", ");
  append_some_key(text, &row->relationship->target_key);
  sqlite3_str_appendall(text, ")");
}

static void write_example(sqlite3_str *text, const ListRow *row) {
  const Relationship *relationship = row->relationship;
  if (!relationship || relationship->problem) return;
  sqlite3_str_appendall(text, "SELECT ");
  if (relationship->cardinality == ONE_TO_MANY ||
      relationship->cardinality == MANY_TO_MANY) {
    append_count(text, row);
  } else {
    append_member(text, row);
  }
}

static const ListColumn relationship_columns[] = {
    {"name TEXT", write_name, NULL},
    {"cardinality TEXT", write_cardinality, NULL},
    {"target TEXT", write_target, NULL},
    {"inverse TEXT", write_inverse, NULL},
    {"through TEXT", write_through, NULL},
    {"because TEXT", write_because, NULL},
    {"example TEXT", write_example, NULL},
    {"exact_name TEXT", write_exact_name, NULL},
    {"schema TEXT", write_schema, NULL},
    {"source TEXT", write_source, NULL},
    {"source_key TEXT", write_source_key, NULL},
    {"target_key TEXT", write_target_key, NULL},
    {"link_columns TEXT", write_link_columns, NULL},
    {"payload TEXT", write_payload, NULL},
    {"on_delete TEXT", write_on_delete, NULL},
    {"on_update TEXT", write_on_update, NULL},
    {"delete_orphan INTEGER", NULL, deletes_orphans},
    {"path TEXT", write_path, NULL},
    {"\"where\" TEXT", write_where, NULL},
    {"order_by TEXT", write_order_by, NULL},
    {"view TEXT", write_view, NULL},
    {"comment TEXT", write_comment, NULL},
    {"declared INTEGER", NULL, is_declared},
    {"problem TEXT", write_problem, NULL}};

static const List relationship_list = {.name = "relationship_list",
                                       .columns = relationship_columns,
                                       .column_count =
                                           LENGTH(relationship_columns),
                                       .everywhere = true,
                                       .count = list_count_relationships,
                                       .find = list_find_relationship};

/* ---- relationship_function_list ---- */

static int list_count_functions(const ListPart *part) {
  return part->model->function_count;
}

static void list_find_function(ListRow *row, int index) {
  row->function = &row->part->model->functions[index];
}

static void write_function(sqlite3_str *text, const ListRow *row) {
  write_text(text, row->function->declaration->name);
}

static void write_base(sqlite3_str *text, const ListRow *row) {
  write_text(text, row->function->declaration->base);
}

static void write_relationship(sqlite3_str *text, const ListRow *row) {
  const Relationship *relationship = row->function->relationship;
  if (relationship) write_text(text, relationship->full_name);
}

static void write_preset(sqlite3_str *text, const ListRow *row) {
  write_text(text, row->function->declaration->preset);
}

/* What is wrong with the declaration, else with its name here and now. */
static void write_function_problem(sqlite3_str *text, const ListRow *row) {
  const FunctionDeclaration *declaration = row->function->declaration;
  const Function *function = function_find(row->connection, declaration->name);
  if (row->function->problem) {
    write_text(text, row->function->problem);
  } else if (base_find(declaration->base) == BASE_NONE) {
    sqlite3_str_appendf(text, "%s is no function that can be given a name",
                        declaration->base);
  } else if (!function || !function->declared) {
    write_text(text, "something else of this connection has the name");
  } else {
    write_text(text, function->problem);
  }
}

static const ListColumn function_list_columns[] = {
    {"name TEXT", write_function, NULL},
    {"base TEXT", write_base, NULL},
    {"relationship TEXT", write_relationship, NULL},
    {"preset TEXT", write_preset, NULL},
    {"problem TEXT", write_function_problem, NULL}};

static const List function_list = {.name = "relationship_function_list",
                                   .columns = function_list_columns,
                                   .column_count =
                                       LENGTH(function_list_columns),
                                   .everywhere = false,
                                   .count = list_count_functions,
                                   .find = list_find_function};

/* ---- the parts of a scan ---- */

/* Not the schema's fault, so no row can say it. */
static bool failure_ends_scan(const Failure *failure) {
  int code = failure->code & 0xff;
  return code == SQLITE_NOMEM || code == SQLITE_INTERRUPT;
}

static void part_read(Failure *failure, Connection *connection, Arena *arena,
                      ListPart *part) {
  Failure own = {0, NULL};
  if (failure->code) return;
  Model *model = connection_enter(&own, connection, part->schema);
  if (!own.code) {
    model_retain(model);
    part->model = model;
  } else if (name_equal(part->schema, "main") || failure_ends_scan(&own)) {
    *failure = own;
  } else {
    part->problem = arena_text(failure, arena, own.message);
    failure_clear(&own);
  }
  connection_leave(connection, model);
}

/* Main is the first schema that SQLite lists. */
static void cursor_find_parts(Failure *failure, ListCursor *cursor, sqlite3 *db,
                              bool everywhere) {
  sqlite3_stmt *statement =
      statement_prepare(failure, db, 0, "PRAGMA database_list");
  cursor->arena = arena_new(failure);
  while ((everywhere || !cursor->part_count) &&
         statement_step(failure, statement)) {
    const char *schema = statement_text(failure, statement, 1);
    cursor->parts = arena_extend(failure, cursor->arena, cursor->parts,
                                 cursor->part_count, sizeof(*cursor->parts));
    schema = arena_text(failure, cursor->arena, schema);
    if (!failure->code)
      cursor->parts[cursor->part_count++] = (ListPart){schema, NULL, NULL};
  }
  sqlite3_finalize(statement);
}

static void cursor_clear(ListCursor *cursor) {
  for (int i = 0; i < cursor->part_count; i++)
    model_release(cursor->parts[i].model);
  arena_free(cursor->arena);
  cursor->arena = NULL;
  cursor->parts = NULL;
  cursor->part_count = 0;
}

/* Moves on to the first row at or behind the place where the cursor is. */
static void cursor_settle(ListCursor *cursor) {
  const ListTable *table = (const ListTable *)cursor->base.pVtab;
  while (cursor->part < cursor->part_count &&
         cursor->index >= table->list->count(&cursor->parts[cursor->part])) {
    cursor->part++;
    cursor->index = 0;
  }
}

/* ---- the virtual table ---- */

static void list_declare(Failure *failure, sqlite3 *db, const List *list) {
  sqlite3_str *text = sqlite3_str_new(db);
  sqlite3_str_appendall(text, "CREATE TABLE list(");
  for (int i = 0; i < list->column_count; i++)
    sqlite3_str_appendf(text, "%s%s", i ? ", " : "",
                        list->columns[i].definition /* safe: a literal */);
  sqlite3_str_appendall(text, ")");
  char *sql = failure_text(failure, text);
  if (sql && sqlite3_declare_vtab(db, sql)) failure_from_db(failure, db);
  sqlite3_free(sql);
}

static int list_connect(sqlite3 *db, Connection *connection, const List *list,
                        sqlite3_vtab **vtab, char **message) {
  Failure failure = {0, NULL};
  list_declare(&failure, db, list);
  ListTable *table = failure.code ? NULL : sqlite3_malloc64(sizeof(*table));
  if (!table) {
    failure_memory(&failure);
    *message = failure.message;
    return failure.code;
  }
  /* A file must not come to depend on the extension. */
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  connection_retain(connection);
  *table = (ListTable){.connection = connection, .list = list};
  *vtab = &table->base;
  return SQLITE_OK;
}

static int relationship_list_connect(sqlite3 *db, void *connection, int argc,
                                     const char *const *argv,
                                     sqlite3_vtab **vtab, char **message) {
  (void)argc, (void)argv;
  return list_connect(db, connection, &relationship_list, vtab, message);
}

static int function_list_connect(sqlite3 *db, void *connection, int argc,
                                 const char *const *argv, sqlite3_vtab **vtab,
                                 char **message) {
  (void)argc, (void)argv;
  return list_connect(db, connection, &function_list, vtab, message);
}

static int list_disconnect(sqlite3_vtab *vtab) {
  ListTable *table = (ListTable *)vtab;
  connection_release(table->connection);
  sqlite3_free(table);
  return SQLITE_OK;
}

/* Always the whole list; its length is known once a model has been read. */
static int list_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  const ListTable *table = (const ListTable *)vtab;
  sqlite3_int64 rows = 1;
  for (const Watch *watch = table->connection->watches; watch;
       watch = watch->next)
    if (watch->model)
      rows += table->list->everywhere ? watch->model->relationship_count
                                      : watch->model->function_count;
  info->estimatedRows = rows;
  info->estimatedCost = 1000 + (double)rows;
  return SQLITE_OK;
}

static int list_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **opened) {
  (void)vtab;
  ListCursor *cursor = sqlite3_malloc64(sizeof(*cursor));
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, sizeof(*cursor));
  *opened = &cursor->base;
  return SQLITE_OK;
}

static int list_close(sqlite3_vtab_cursor *base) {
  cursor_clear((ListCursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int list_filter(sqlite3_vtab_cursor *base, int number,
                       const char *string, int argc, sqlite3_value **argv) {
  ListCursor *cursor = (ListCursor *)base;
  const ListTable *table = (const ListTable *)base->pVtab;
  Failure failure = {0, NULL};
  (void)number, (void)string, (void)argc, (void)argv;

  cursor_clear(cursor);
  cursor_find_parts(&failure, cursor, table->connection->db,
                    table->list->everywhere);
  for (int i = 0; i < cursor->part_count; i++)
    part_read(&failure, table->connection, cursor->arena, &cursor->parts[i]);
  if (failure.code) cursor_clear(cursor);
  cursor->part = cursor->index = 0;
  cursor->rowid = 1;
  cursor_settle(cursor);
  failure_prefix(&failure, "%s: ", table->list->name);
  return failure_to_table(&failure, base->pVtab);
}

static int list_next(sqlite3_vtab_cursor *base) {
  ListCursor *cursor = (ListCursor *)base;
  cursor->index++;
  cursor->rowid++;
  cursor_settle(cursor);
  return SQLITE_OK;
}

static int list_eof(sqlite3_vtab_cursor *base) {
  const ListCursor *cursor = (const ListCursor *)base;
  return cursor->part >= cursor->part_count;
}

static int list_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                       int number) {
  const ListCursor *cursor = (const ListCursor *)base;
  const ListTable *table = (const ListTable *)base->pVtab;
  const ListColumn *column = &table->list->columns[number];
  Failure failure = {0, NULL};
  ListRow row = {.failure = &failure,
                 .connection = table->connection,
                 .part = &cursor->parts[cursor->part]};

  table->list->find(&row, cursor->index);
  if (column->flag) {
    sqlite3_result_int(context, column->flag(&row));
    return SQLITE_OK;
  }
  sqlite3_str *text = sqlite3_str_new(table->connection->db);
  column->write(text, &row);
  bool empty = sqlite3_str_length(text) == 0;
  char *value = failure_text(&failure, text);
  if (empty) {
    sqlite3_free(value);
  } else if (value) {
    sqlite3_result_text(context, value, -1, sqlite3_free);
  }
  return failure_to_table(&failure, base->pVtab);
}

static int list_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((const ListCursor *)base)->rowid;
  return SQLITE_OK;
}

/* Without xCreate they exist by themselves, and can't be created. */
#define LIST_MODULE(connect)                                                  \
  {                                                                           \
    .xConnect = (connect), .xBestIndex = list_best_index,                     \
    .xDisconnect = list_disconnect, .xOpen = list_open, .xClose = list_close, \
    .xFilter = list_filter, .xNext = list_next, .xEof = list_eof,             \
    .xColumn = list_column, .xRowid = list_rowid                              \
  }

static void list_add(Failure *failure, Connection *connection, const List *list,
                     const sqlite3_module *module) {
  connection_retain(connection);
  module_register(failure, connection->db, list->name, module, connection,
                  connection_release);
}

void list_register(Failure *failure, Connection *connection) {
  static const sqlite3_module relationships =
      LIST_MODULE(relationship_list_connect);
  static const sqlite3_module functions = LIST_MODULE(function_list_connect);
  list_add(failure, connection, &relationship_list, &relationships);
  list_add(failure, connection, &function_list, &functions);
}
