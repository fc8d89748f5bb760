/*
** schema.c: the tables of one schema, as they are.
**
** A snapshot of what SQLite's own pragmas tell: tables, columns, keys,
** indexes and foreign keys, with every name resolved to a pointer:
**
**     student_course.course_id --> courses.id
**
** A foreign key whose other end can't be found stays in the snapshot with a
** `problem` that says why.
**
** Invariants
**   1. Immutable once built; everything lives in the arena it was given.
**   2. Tables are sorted by name, as SQLite compares names.
**   3. columns[i] and parent_columns[i] of a foreign key belong together.
**   4. Indexes and collations are read for tables that hold a foreign key or
**      are referred to by one: nobody asks for those of others.
*/
#include "relate_int.h"

typedef struct Reader {
  Failure *failure;
  Arena *arena;
  sqlite3 *db;
  Schema *schema;
} Reader;

/* ---- questions ---- */

const Table *schema_table(const Schema *schema, const char *name) {
  int low = 0, high = schema->table_count - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    int order = sqlite3_stricmp(name, schema->tables[middle].name);
    if (order == 0) return &schema->tables[middle];
    if (order < 0) {
      high = middle - 1;
    } else {
      low = middle + 1;
    }
  }
  return NULL;
}

const Column *table_column(const Table *table, const char *name) {
  for (int i = 0; i < table->column_count; i++)
    if (name_equal(table->columns[i].name, name)) return &table->columns[i];
  return NULL;
}

bool columns_contain(const Columns *columns, const Column *column) {
  for (int i = 0; i < columns->count; i++)
    if (columns->list[i] == column) return true;
  return false;
}

/* True if both are the same columns in the same order. */
bool columns_same(const Columns *a, const Columns *b) {
  if (a->count != b->count) return false;
  for (int i = 0; i < a->count; i++)
    if (a->list[i] != b->list[i]) return false;
  return true;
}

bool columns_same_set(const Columns *a, const Columns *b) {
  for (int i = 0; i < a->count; i++)
    if (!columns_contain(b, a->list[i])) return false;
  for (int i = 0; i < b->count; i++)
    if (!columns_contain(a, b->list[i])) return false;
  return true;
}

/* Writes the names with `separator` between them. */
void columns_append(sqlite3_str *text, const Columns *columns,
                    const char *separator) {
  for (int i = 0; i < columns->count; i++) {
    if (i) sqlite3_str_appendall(text, separator);
    sqlite3_str_appendall(text, columns->list[i]->name);
  }
}

/* The primary key of a table whose rowid it is has no index. */
static bool table_rowid_is(const Table *table, const Columns *columns) {
  for (int i = 0; i < table->index_count; i++)
    if (table->indexes[i].origin == 'p') return false;
  return table->primary_key.count == 1 &&
         columns_same_set(&table->primary_key, columns);
}

/* True if no two rows can have the same (not NULL) values in `columns`:
** together they are the primary key or a plain UNIQUE key. */
bool table_is_unique(const Table *table, const Columns *columns) {
  if (table_rowid_is(table, columns)) return true;
  for (int i = 0; i < table->index_count; i++) {
    const Index *index = &table->indexes[i];
    if (index->unique && index->plain &&
        columns_same_set(&index->columns, columns))
      return true;
  }
  return false;
}

/* An index that begins with `columns`, in any order, and serves every row;
** NULL if there is none, or none is needed since they begin the rowid. */
const Index *table_index_under(const Table *table, const Columns *columns) {
  for (int i = 0; i < table->index_count; i++) {
    const Index *index = &table->indexes[i];
    Columns leading = {columns->count, index->columns.list};
    if (!index->partial && index->columns.count >= columns->count &&
        columns_same_set(&leading, columns))
      return index;
  }
  return NULL;
}

/* ---- reading ---- */

/* SQLite's rules for the affinity of a declared type. */
static char type_affinity(const char *type) {
  static const struct {
    const char *part;
    char affinity;
  } rules[] = {{"INT", 'D'},  {"CHAR", 'B'}, {"CLOB", 'B'}, {"TEXT", 'B'},
               {"BLOB", 'A'}, {"REAL", 'E'}, {"FLOA", 'E'}, {"DOUB", 'E'}};
  if (!*type) return 'A';
  for (size_t rule = 0; rule < sizeof(rules) / sizeof(rules[0]); rule++)
    for (const char *c = type; *c; c++)
      if (name_starts(c, rules[rule].part)) return rules[rule].affinity;
  return 'C';
}

static sqlite3_stmt *reader_pragma(Reader *reader, const char *pragma,
                                   const char *name) {
  return statement_format(reader->failure, reader->db, 0,
                          "PRAGMA \"%w\".%s(\"%w\")", reader->schema->name,
                          pragma /* safe: a literal of this file */, name);
}

static char *reader_text(Reader *reader, sqlite3_stmt *statement, int column) {
  const char *text = statement_text(reader->failure, statement, column);
  return arena_text(reader->failure, reader->arena, text);
}

/* Every list of columns is made here: count pointers, to be filled. */
static Columns reader_columns(Reader *reader, int count) {
  Columns columns = {count, NULL};
  columns.list =
      arena_take(reader->failure, reader->arena,
                 (sqlite3_int64)sizeof(Column *) * (count ? count : 1));
  if (!columns.list) columns.count = 0;
  return columns;
}

static void reader_add_column(Reader *reader, Table *table,
                              sqlite3_stmt *statement) {
  table->columns = arena_extend(reader->failure, reader->arena, table->columns,
                                table->column_count, sizeof(*table->columns));
  Column column = {.table = table, .collation = "BINARY"};
  column.name = reader_text(reader, statement, 1);
  column.type = reader_text(reader, statement, 2);
  column.not_null = sqlite3_column_int(statement, 3) != 0;
  column.otherwise = reader_text(reader, statement, 4);
  column.key_position = sqlite3_column_int(statement, 5);
  column.generated = sqlite3_column_int(statement, 6) > 1;
  if (reader->failure->code) return;
  if (!column.type) column.type = "";
  column.affinity = type_affinity(column.type);
  table->columns[table->column_count++] = column;
}

static void reader_primary_key(Reader *reader, Table *table) {
  int count = 0;
  for (int i = 0; i < table->column_count; i++)
    if (table->columns[i].key_position) count++;
  table->primary_key = reader_columns(reader, count);
  if (reader->failure->code) return;
  int found = 0; /* positions have gaps where a key names a column twice */
  for (int position = 1; found < count; position++)
    for (int i = 0; i < table->column_count; i++)
      if (table->columns[i].key_position == position)
        table->primary_key.list[found++] = &table->columns[i];
}

const char *table_rowid_name(const Table *table) {
  static const char *const names[] = {"rowid", "_rowid_", "oid"};
  for (int i = 0; i < 3 && !table->without_rowid; i++)
    if (!table_column(table, names[i])) return names[i];
  return NULL;
}

/* The row key is the primary key, else the rowid under the first of its
** names that no column has taken. */
static void reader_row_key(Reader *reader, Table *table) {
  table->row_key = table->primary_key;
  if (table->primary_key.count) return;
  table->rowid = (Column){.table = table,
                          .type = "INTEGER",
                          .collation = "BINARY",
                          .affinity = 'D',
                          .not_null = true};
  table->rowid.name = table_rowid_name(table);
  if (!table->rowid.name) return;
  table->row_key = reader_columns(reader, 1);
  if (table->row_key.count) table->row_key.list[0] = &table->rowid;
}

const Column *table_member(const Table *table, const char *name) {
  const Column *column = table_column(table, name);
  if (!column && table->rowid.name && name_equal(table->rowid.name, name))
    column = &table->rowid;
  return column;
}

bool table_is_strict(Failure *failure, sqlite3 *db, const Table *table) {
  sqlite3_stmt *statement =
      statement_format(failure, db, 0, "PRAGMA \"%w\".table_list(\"%w\")",
                       table->schema->name, table->name);
  bool strict = statement_step(failure, statement) &&
                sqlite3_column_int(statement, 5) != 0;
  sqlite3_finalize(statement);
  return strict;
}

/* ANY leaves values as they are, in a table that is STRICT. */
static void reader_any(Reader *reader, Table *table) {
  bool strict = false, asked = false;
  for (int i = 0; i < table->column_count; i++) {
    if (!name_equal(table->columns[i].type, "ANY")) continue;
    if (!asked) strict = table_is_strict(reader->failure, reader->db, table);
    asked = true;
    if (strict) table->columns[i].affinity = 'A';
  }
}

static void reader_table_columns(Reader *reader, Table *table) {
  sqlite3_stmt *statement = reader_pragma(reader, "table_xinfo", table->name);
  while (statement_step(reader->failure, statement))
    reader_add_column(reader, table, statement);
  sqlite3_finalize(statement);
  reader_any(reader, table);
  reader_primary_key(reader, table);
  reader_row_key(reader, table);
}

/* The rows of PRAGMA foreign_key_list: id, seq, table, from, to, ... */
static void reader_add_key(Reader *reader, Table *table,
                           sqlite3_stmt *statement) {
  table->keys = arena_extend(reader->failure, reader->arena, table->keys,
                             table->key_count, sizeof(*table->keys));
  ForeignKey key = {.table = table};
  key.parent_name = reader_text(reader, statement, 2);
  key.on_update = reader_text(reader, statement, 5);
  key.on_delete = reader_text(reader, statement, 6);
  if (!reader->failure->code) table->keys[table->key_count++] = key;
}

/* One column of the last key.  The name of the parent's column is kept in a
** Column of its own until the parent is known. */
static void reader_add_key_column(Reader *reader, Table *table,
                                  sqlite3_stmt *statement) {
  Failure *failure = reader->failure;
  if (failure->code) return;
  ForeignKey *key = &table->keys[table->key_count - 1];
  const char *from = statement_text(failure, statement, 3);
  Column *named = arena_take(failure, reader->arena, sizeof(*named));
  key->columns.list =
      arena_extend(failure, reader->arena, (void *)key->columns.list,
                   key->columns.count, sizeof(Column *));
  key->parent_columns.list =
      arena_extend(failure, reader->arena, (void *)key->parent_columns.list,
                   key->columns.count, sizeof(Column *));
  const char *to = reader_text(reader, statement, 4);
  if (failure->code) return;
  const Column *column = from ? table_column(table, from) : NULL;
  if (!column) key->problem = "its own column is missing";
  named->name = to;
  key->columns.list[key->columns.count] = column;
  key->parent_columns.list[key->columns.count] = named;
  key->columns.count++;
  if (to) key->parent_columns.count = key->columns.count;
}

/* PRAGMA foreign_key_list counts from the last key to the first. */
static void keys_reverse(Table *table) {
  for (int i = 0, j = table->key_count - 1; i < j; i++, j--) {
    ForeignKey key = table->keys[i];
    table->keys[i] = table->keys[j];
    table->keys[j] = key;
  }
}

static void reader_table_keys(Reader *reader, Table *table) {
  sqlite3_stmt *statement =
      reader_pragma(reader, "foreign_key_list", table->name);
  while (statement_step(reader->failure, statement)) {
    if (sqlite3_column_int(statement, 1) == 0)
      reader_add_key(reader, table, statement);
    reader_add_key_column(reader, table, statement);
  }
  sqlite3_finalize(statement);
  if (!reader->failure->code) keys_reverse(table);
}

static void reader_tables(Reader *reader) {
  Schema *schema = reader->schema;
  sqlite3_stmt *statement = statement_format(
      reader->failure, reader->db, STATEMENT_PLAIN,
      "SELECT s.name, s.sql FROM \"%w\".sqlite_schema AS s WHERE"
      " s.type = 'table' AND s.name NOT LIKE 'sqlite\\_%%' ESCAPE '\\'"
      " AND s.sql NOT LIKE 'CREATE VIRTUAL %%'"
      " ORDER BY s.name COLLATE NOCASE",
      schema->name);
  while (statement_step(reader->failure, statement)) {
    schema->tables =
        arena_extend(reader->failure, reader->arena, schema->tables,
                     schema->table_count, sizeof(*schema->tables));
    Table table = {.schema = schema};
    table.name = reader_text(reader, statement, 0);
    table.sql = reader_text(reader, statement, 1);
    if (reader->failure->code || !table.name || !table.sql) continue;
    table.may_defer = sqlite3_strlike("%DEFERRED%", table.sql, 0) == 0;
    schema->tables[schema->table_count++] = table;
  }
  sqlite3_finalize(statement);
}

/* ---- indexes ---- */

static Column *table_column_at(const Table *table, int position) {
  if (position < 0 || position >= table->column_count) return NULL;
  return &table->columns[position];
}

/* The index of a primary key ends with the rowid, unless the table has none. */
static void reader_index_columns(Reader *reader, Table *table, Index *index) {
  bool leading = true;
  if (index->origin == 'p') table->without_rowid = true;
  sqlite3_stmt *statement = reader_pragma(reader, "index_xinfo", index->name);
  while (statement_step(reader->failure, statement)) {
    int position = sqlite3_column_int(statement, 1);
    if (index->origin == 'p' && position == -1) table->without_rowid = false;
    if (!sqlite3_column_int(statement, 5)) continue; /* not of its key */
    const char *collation = statement_text(reader->failure, statement, 4);
    const Column *column = table_column_at(table, position);
    leading = leading && column && collation &&
              name_equal(collation, column->collation);
    if (!leading) continue;
    if (sqlite3_column_int(statement, 3) && index->columns.count < 32)
      index->descends |= 1u << index->columns.count;
    index->columns.list = arena_extend(reader->failure, reader->arena,
                                       (void *)index->columns.list,
                                       index->columns.count, sizeof(Column *));
    if (!reader->failure->code)
      index->columns.list[index->columns.count++] = column;
  }
  sqlite3_finalize(statement);
  index->plain = leading && !index->partial;
}

static void reader_add_index(Reader *reader, Table *table,
                             sqlite3_stmt *statement) {
  table->indexes = arena_extend(reader->failure, reader->arena, table->indexes,
                                table->index_count, sizeof(*table->indexes));
  Index index = {.name = reader_text(reader, statement, 1)};
  index.unique = sqlite3_column_int(statement, 2) != 0;
  const char *origin = statement_text(reader->failure, statement, 3);
  index.origin = origin ? *origin : 'c';
  index.partial = sqlite3_column_int(statement, 4) != 0;
  reader_index_columns(reader, table, &index);
  if (!reader->failure->code) table->indexes[table->index_count++] = index;
}

static void reader_collations(Reader *reader, Table *table) {
  for (int i = 0; i < table->column_count; i++) {
    const char *collation = NULL;
    if (sqlite3_table_column_metadata(reader->db, reader->schema->name,
                                      table->name, table->columns[i].name, NULL,
                                      &collation, NULL, NULL, NULL))
      failure_from_db(reader->failure, reader->db);
    if (!collation || name_equal(collation, "BINARY")) continue;
    char *copy = arena_text(reader->failure, reader->arena, collation);
    if (copy) table->columns[i].collation = copy;
  }
}

static void reader_table_indexes(Reader *reader, Table *table) {
  reader_collations(reader, table);
  sqlite3_stmt *statement = reader_pragma(reader, "index_list", table->name);
  while (statement_step(reader->failure, statement))
    reader_add_index(reader, table, statement);
  sqlite3_finalize(statement);
}

/* ---- foreign keys find their parents ---- */

/* Replaces the named columns by the parent's own. */
static void key_resolve_columns(Reader *reader, ForeignKey *key) {
  if (!key->parent_columns.count) {
    key->parent_columns = key->parent->primary_key;
    if (!key->parent_columns.count) {
      key->problem = arena_format(reader->failure, reader->arena,
                                  "%s has no primary key", key->parent->name);
    } else if (key->parent_columns.count != key->columns.count) {
      key->problem = arena_format(
          reader->failure, reader->arena,
          "%s has a primary key of %d column%s, the key refers to %d",
          key->parent->name, key->parent_columns.count,
          key->parent_columns.count == 1 ? "" : "s", key->columns.count);
    }
    return;
  }
  for (int i = 0; i < key->columns.count; i++) {
    const char *name = key->parent_columns.list[i]->name;
    const Column *column = name ? table_column(key->parent, name) : NULL;
    if (!column) {
      key->problem =
          arena_format(reader->failure, reader->arena, "%s has no column %s",
                       key->parent->name, name ? name : "");
      return;
    }
    key->parent_columns.list[i] = column;
  }
}

static void key_break(ForeignKey *key) {
  key->parent = NULL;
  key->parent_columns = (Columns){0, NULL};
}

static void key_resolve(Reader *reader, ForeignKey *key) {
  key->parent = schema_table(reader->schema, key->parent_name);
  if (!key->problem && !key->parent)
    key->problem = arena_format(reader->failure, reader->arena,
                                "there is no table %s", key->parent_name);
  if (!key->problem && key->parent) key_resolve_columns(reader, key);
  if (key->problem) key_break(key);
}

/* A key must refer to a primary key or a UNIQUE one. */
static void key_check(Reader *reader, ForeignKey *key) {
  if (key->problem || table_is_unique(key->parent, &key->parent_columns))
    return;
  sqlite3_str *names = sqlite3_str_new(reader->db);
  columns_append(names, &key->parent_columns, ", ");
  const char *list = arena_string(reader->failure, reader->arena, names);
  key->problem = arena_format(reader->failure, reader->arena,
                              "%s(%s) is neither its primary key nor UNIQUE",
                              key->parent->name, list);
  key_break(key);
}

static void reader_each_key(Reader *reader,
                            void (*work)(Reader *, ForeignKey *)) {
  Schema *schema = reader->schema;
  for (int i = 0; i < schema->table_count && !reader->failure->code; i++)
    for (int j = 0; j < schema->tables[i].key_count; j++)
      if (!reader->failure->code) work(reader, &schema->tables[i].keys[j]);
}

static void reader_indexes(Reader *reader) {
  Schema *schema = reader->schema;
  for (int i = 0; i < schema->table_count && !reader->failure->code; i++)
    reader_table_indexes(reader, &schema->tables[i]);
}

/* Reads the tables of the schema called `name`.  NULL once *failure is set. */
const Schema *schema_read(Failure *failure, Arena *arena, sqlite3 *db,
                          const char *name) {
  Schema *schema = arena_take(failure, arena, sizeof(*schema));
  if (!schema) return NULL;
  schema->name = arena_text(failure, arena, name);
  Reader reader = {failure, arena, db, schema};
  reader_tables(&reader);
  for (int i = 0; i < schema->table_count && !failure->code; i++) {
    reader_table_columns(&reader, &schema->tables[i]);
    reader_table_keys(&reader, &schema->tables[i]);
  }
  reader_each_key(&reader, key_resolve);
  reader_indexes(&reader);
  reader_each_key(&reader, key_check);
  return failure->code ? NULL : schema;
}
