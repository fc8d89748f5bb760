/*
** catalog.c: what is declared, as the file tells it.
**
** Declarations are rows of three ordinary tables in main, which the first
** declaration makes and the last relationship_drop('*') removes:
**
**     SELECT source, name, link FROM _relationship;
**     students|courses|student_course
**     courses|students|student_course
**     SELECT name, base FROM _relationship_function;
**     enroll|relate
**     SELECT source, name, path FROM _relationship WHERE path IS NOT NULL;
**     students|classmates|[{"source":"students","link":"student_course",...},
**                          {"source":"courses",...}]
**     SELECT source, relationship, name, options FROM _relationship_rule;
**     students|courses_via_student_course|load|{"kind":"max_count",...}
**
** A row refers to tables and columns, never to the name of a relationship: it
** has the Direction of the one that is meant, see direction.c.
**
** The tables are WITHOUT ROWID: a declaration leaves last_insert_rowid() alone.
**
** Invariants
**   1. The file may come from anyone.  What is read here is data: it is
**      compared and bound, never run, and no trust is put in its shape.
**   2. A row that can't be used has a `problem`; it never fails the reading.
**   3. Strings of a Declaration are never NULL but for problem, path and the
**      two column lists; what could not be read is "".
**   4. Without a problem options and preset are JSON objects, made is a JSON
**      array, path is one that begins with an object, and the column lists are
**      such that begin with a name.
**
** Everything lives in the arena that the caller gives.
*/
#include "relate_int.h"

#define CATALOG_TABLE "_relationship"
#define CATALOG_FUNCTION_TABLE "_relationship_function"
#define CATALOG_RULE_TABLE "_relationship_rule"
#define CATALOG_BELL "_relationship_bell"

#define NAME_LIMIT 10000   /* bytes of one name */
#define JSON_LIMIT 1000000 /* bytes of a list or an object */

static const char *const declaration_columns[] = {
    "source",  "name", "link", "source_columns", "target_columns", "target",
    "options", "made", "path"};

static const char *const function_columns[] = {
    "source", "name", "link", "source_columns", "target_columns", "target",
    "preset", "base", "path"};

/* The relationship is there by its exact name, as a part of the key: columns may
** be NULL. */
static const char *const rule_columns[] = {
    "source", "name",    "link", "source_columns", "target_columns",
    "target", "options", "made", "relationship"};

#define COLUMN_COUNT 9 /* of each of them, and in the order of enum below */

enum {
  COLUMN_SOURCE,
  COLUMN_NAME,
  COLUMN_LINK,
  COLUMN_SOURCE_COLUMNS,
  COLUMN_TARGET_COLUMNS,
  COLUMN_TARGET,
  COLUMN_OBJECT, /* options, preset */
  COLUMN_OTHER,  /* made, base */
  COLUMN_PATH,
  COLUMN_RELATIONSHIP = COLUMN_PATH
};

/* ---- JSON, by SQLite's own functions ---- */

/* Runs `sql`, which reads ?1 and perhaps ?2, and stands on its row.  The caller
** finalizes. */
static sqlite3_stmt *json_ask(Failure *failure, sqlite3 *db, const char *sql,
                              const char *json, const char *second) {
  sqlite3_stmt *statement =
      statement_prepare(failure, db, STATEMENT_PLAIN, sql);
  statement_bind_text(failure, statement, 1, json);
  if (second) statement_bind_text(failure, statement, 2, second);
  statement_step(failure, statement);
  return statement;
}

/* True if the part of `json` at `path` is there and of that type.  json_valid()
** is not asked: short of memory it says no. */
static bool json_is(Failure *failure, sqlite3 *db, const char *json,
                    const char *path, const char *type) {
  if (failure->code) return false;
  sqlite3_stmt *statement =
      json_ask(failure, db, "SELECT json_type(?1, ?2)", json, path);
  const char *is = statement_text(failure, statement, 0);
  bool same = is && strcmp(is, type) == 0;
  sqlite3_finalize(statement);
  if (failure->code == SQLITE_ERROR) failure_clear(failure);
  return same;
}

/* True if the column holds text, and all of it would survive as a C string. */
static bool statement_is_name(sqlite3_stmt *statement, int column) {
  if (sqlite3_column_type(statement, column) != SQLITE_TEXT) return false;
  const char *text = (const char *)sqlite3_column_text(statement, column);
  return !text ||
         (size_t)sqlite3_column_bytes(statement, column) == strlen(text);
}

/* The value of one option as text; NULL if it is not given. */
const char *catalog_option(Failure *failure, Arena *arena, sqlite3 *db,
                           const char *options, const char *name) {
  const char *path = arena_format(failure, arena, "$.\"%w\"", name);
  sqlite3_stmt *statement =
      json_ask(failure, db, "SELECT json_extract(?1, ?2)", options, path);
  const char *value =
      arena_text(failure, arena, statement_text(failure, statement, 0));
  sqlite3_finalize(statement);
  return value;
}

/* `options` with one of them set, or taken out where `value` is NULL. */
const char *catalog_with_option(Failure *failure, Arena *arena, sqlite3 *db,
                                const char *options, const char *name,
                                const char *value) {
  sqlite3_stmt *statement =
      statement_prepare(failure, db, STATEMENT_PLAIN,
                        "SELECT json_patch(?1, json_object(?2, ?3))");
  statement_bind_text(failure, statement, 1, options);
  statement_bind_text(failure, statement, 2, name);
  statement_bind_text(failure, statement, 3, value);
  statement_step(failure, statement);
  const char *changed =
      arena_text(failure, arena, statement_text(failure, statement, 0));
  sqlite3_finalize(statement);
  return changed;
}

/* ---- reading ---- */

/* One row as it is read. */
typedef struct CatalogRow {
  Arena *arena;
  sqlite3 *db;
  sqlite3_stmt *statement;
  const char *const *columns; /* their names */
  const char *problem;        /* the first one found */
} CatalogRow;

static void catalog_row_problem(Failure *failure, CatalogRow *row, int column,
                                const char *what) {
  if (!row->problem)
    row->problem = arena_format(failure, row->arena, "its %s in the file %s",
                                row->columns[column], what);
}

/* Text of the row; "", and a problem, for anything else. */
static const char *catalog_row_text(Failure *failure, CatalogRow *row,
                                    int column, int limit) {
  if (failure->code) return "";
  if (sqlite3_column_type(row->statement, column) == SQLITE_NULL) {
    catalog_row_problem(failure, row, column, "is NULL");
  } else if (!statement_is_name(row->statement, column)) {
    catalog_row_problem(failure, row, column, "is not text");
  } else if (sqlite3_column_bytes(row->statement, column) > limit) {
    catalog_row_problem(failure, row, column, "is too long");
  } else {
    const char *text = statement_text(failure, row->statement, column);
    text = arena_text(failure, row->arena, text);
    if (text) return text;
  }
  return "";
}

static const char *catalog_row_name(Failure *failure, CatalogRow *row,
                                    int column) {
  const char *name = catalog_row_text(failure, row, column, NAME_LIMIT);
  if (!*name) catalog_row_problem(failure, row, column, "is empty");
  return name;
}

/* A list of column names; NULL for NULL or what is none. */
static const char *catalog_row_columns(Failure *failure, CatalogRow *row,
                                       int column) {
  if (failure->code) return NULL;
  if (sqlite3_column_type(row->statement, column) == SQLITE_NULL) return NULL;
  const char *json = catalog_row_text(failure, row, column, JSON_LIMIT);
  /* To look at the others too could take minutes; what is compared is the
  ** text as a whole. */
  if (json_is(failure, row->db, json, "$[0]", "text")) return json;
  catalog_row_problem(failure, row, column, "is not a list of columns");
  return NULL;
}

static const char *catalog_row_object(Failure *failure, CatalogRow *row,
                                      int column) {
  const char *json = catalog_row_text(failure, row, column, JSON_LIMIT);
  if (json_is(failure, row->db, json, "$", "object")) return json;
  catalog_row_problem(failure, row, column, "is not a JSON object");
  return "{}";
}

static const char *catalog_row_array(Failure *failure, CatalogRow *row,
                                     int column) {
  const char *json = catalog_row_text(failure, row, column, JSON_LIMIT);
  if (json_is(failure, row->db, json, "$", "array")) return json;
  catalog_row_problem(failure, row, column, "is not a JSON array");
  return "[]";
}

/* A list of steps; NULL for NULL or what is none. */
static const char *catalog_row_path(Failure *failure, CatalogRow *row) {
  if (failure->code) return NULL;
  if (sqlite3_column_type(row->statement, COLUMN_PATH) == SQLITE_NULL)
    return NULL;
  const char *json = catalog_row_text(failure, row, COLUMN_PATH, JSON_LIMIT);
  if (json_is(failure, row->db, json, "$[0]", "object")) return json;
  catalog_row_problem(failure, row, COLUMN_PATH, "is not a list of steps");
  return NULL;
}

/* A path says more than one direction could. */
static Direction catalog_row_direction(Failure *failure, CatalogRow *row,
                                       const char *path) {
  Direction direction = {
      .source = catalog_row_name(failure, row, COLUMN_SOURCE),
      .target = catalog_row_name(failure, row, COLUMN_TARGET),
      .link = catalog_row_name(failure, row, COLUMN_LINK),
      .source_columns =
          catalog_row_columns(failure, row, COLUMN_SOURCE_COLUMNS),
      .target_columns =
          catalog_row_columns(failure, row, COLUMN_TARGET_COLUMNS)};
  if (path) direction.source_columns = direction.target_columns = NULL;
  if (!path && !direction.source_columns && !direction.target_columns)
    catalog_row_problem(failure, row, COLUMN_SOURCE_COLUMNS,
                        "is NULL, and so is its target_columns");
  return direction;
}

static Declaration catalog_row_declaration(Failure *failure, CatalogRow *row) {
  Declaration declaration = {.path = catalog_row_path(failure, row)};
  declaration.direction = catalog_row_direction(failure, row, declaration.path);
  declaration.name = catalog_row_name(failure, row, COLUMN_NAME);
  declaration.options = catalog_row_object(failure, row, COLUMN_OBJECT);
  declaration.made = catalog_row_array(failure, row, COLUMN_OTHER);
  declaration.problem = row->problem;
  return declaration;
}

static FunctionDeclaration catalog_row_function(Failure *failure,
                                                CatalogRow *row) {
  FunctionDeclaration function = {.path = catalog_row_path(failure, row)};
  function.direction = catalog_row_direction(failure, row, function.path);
  function.name = catalog_row_name(failure, row, COLUMN_NAME);
  function.base = catalog_row_name(failure, row, COLUMN_OTHER);
  function.preset = catalog_row_object(failure, row, COLUMN_OBJECT);
  function.problem = row->problem;
  return function;
}

static RuleDeclaration catalog_row_rule(Failure *failure, CatalogRow *row) {
  return (RuleDeclaration){
      .direction = catalog_row_direction(failure, row, NULL),
      .name = catalog_row_name(failure, row, COLUMN_NAME),
      .options = catalog_row_object(failure, row, COLUMN_OBJECT),
      .made = catalog_row_array(failure, row, COLUMN_OTHER),
      .relationship = catalog_row_name(failure, row, COLUMN_RELATIONSHIP),
      .problem = row->problem};
}

static bool catalog_has_columns(const Schema *schema, const char *name,
                                const char *const *columns, int count) {
  const Table *table = schema_table(schema, name);
  if (!table) return false;
  for (int i = 0; i < count; i++) {
    const Column *column = table_column(table, columns[i]);
    if (!column || column->generated) return false;
  }
  return true;
}

/* True if `name` is an ordinary table that has the columns of ours. */
static bool catalog_has(const Schema *schema, const char *name,
                        const char *const *columns) {
  return catalog_has_columns(schema, name, columns, COLUMN_COUNT);
}

bool catalog_has_debts(const Schema *schema) {
  static const char *const columns[] = {"rule", "key", "owed", "paid"};
  return catalog_has_columns(schema, DEBT_TABLE, columns, 4);
}

/* Rows of a table of ours, in the order of their key.  NULL, without failure,
** if SQLite can't read the table, which is not ours then. */
static sqlite3_stmt *catalog_select(Failure *failure, sqlite3 *db,
                                    const char *table,
                                    const char *const *columns) {
  if (failure->code) return NULL;
  sqlite3_str *sql = sqlite3_str_new(db);
  sqlite3_str_appendall(sql, "SELECT ");
  for (int i = 0; i < COLUMN_COUNT; i++)
    sqlite3_str_appendf(sql, "%st.\"%w\"", i ? ", " : "", columns[i]);
  sqlite3_str_appendf(sql,
                      " FROM main.\"%w\" AS t ORDER BY"
                      " t.source COLLATE NOCASE, t.name COLLATE NOCASE,"
                      " t.\"%w\" COLLATE NOCASE",
                      table, columns[COLUMN_PATH]);
  char *text = failure_text(failure, sql);
  sqlite3_stmt *statement =
      statement_prepare(failure, db, STATEMENT_PLAIN, text);
  sqlite3_free(text);
  if ((failure->code & 0xff) == SQLITE_ERROR) failure_clear(failure);
  return statement;
}

static int catalog_count(Failure *failure, sqlite3 *db, const char *table) {
  sqlite3_stmt *statement = statement_format(
      failure, db, STATEMENT_PLAIN, "SELECT count(*) FROM main.\"%w\"", table);
  int count = 0;
  if (statement_step(failure, statement))
    count = sqlite3_column_int(statement, 0);
  sqlite3_finalize(statement);
  return count;
}

static void catalog_read_declarations(Failure *failure, CatalogRow row,
                                      Catalog *catalog) {
  row.columns = declaration_columns;
  row.statement = catalog_select(failure, row.db, CATALOG_TABLE, row.columns);
  if (!row.statement) return;
  int room = catalog_count(failure, row.db, CATALOG_TABLE);
  Declaration *list =
      arena_take(failure, row.arena, room * (sqlite3_int64)sizeof(*list));
  int count = 0;
  while (count < room && statement_step(failure, row.statement)) {
    row.problem = NULL;
    list[count++] = catalog_row_declaration(failure, &row);
  }
  sqlite3_finalize(row.statement);
  catalog->declarations = list;
  catalog->declaration_count = failure->code ? 0 : count;
}

static void catalog_read_functions(Failure *failure, CatalogRow row,
                                   Catalog *catalog) {
  row.columns = function_columns;
  row.statement =
      catalog_select(failure, row.db, CATALOG_FUNCTION_TABLE, row.columns);
  if (!row.statement) return;
  int room = catalog_count(failure, row.db, CATALOG_FUNCTION_TABLE);
  FunctionDeclaration *list =
      arena_take(failure, row.arena, room * (sqlite3_int64)sizeof(*list));
  int count = 0;
  while (count < room && statement_step(failure, row.statement)) {
    row.problem = NULL;
    list[count++] = catalog_row_function(failure, &row);
  }
  sqlite3_finalize(row.statement);
  catalog->functions = list;
  catalog->function_count = failure->code ? 0 : count;
}

static void catalog_read_rules(Failure *failure, CatalogRow row,
                               Catalog *catalog) {
  row.columns = rule_columns;
  row.statement =
      catalog_select(failure, row.db, CATALOG_RULE_TABLE, row.columns);
  if (!row.statement) return;
  int room = catalog_count(failure, row.db, CATALOG_RULE_TABLE);
  RuleDeclaration *list =
      arena_take(failure, row.arena, room * (sqlite3_int64)sizeof(*list));
  int count = 0;
  while (count < room && statement_step(failure, row.statement)) {
    row.problem = NULL;
    list[count] = catalog_row_rule(failure, &row);
    list[count++].problem = row.problem;
  }
  sqlite3_finalize(row.statement);
  catalog->rules = list;
  catalog->rule_count = failure->code ? 0 : count;
}

/* What is declared in main, whose tables are `schema`.  Tables of these names
** that are not ours declare nothing. */
const Catalog *catalog_read(Failure *failure, Arena *arena, sqlite3 *db,
                            const Schema *schema) {
  Catalog *catalog = arena_take(failure, arena, sizeof(*catalog));
  CatalogRow row = {arena, db, NULL, NULL, NULL};
  if (!catalog) return NULL;
  if (catalog_has(schema, CATALOG_TABLE, declaration_columns))
    catalog_read_declarations(failure, row, catalog);
  if (catalog_has(schema, CATALOG_FUNCTION_TABLE, function_columns))
    catalog_read_functions(failure, row, catalog);
  if (catalog_has(schema, CATALOG_RULE_TABLE, rule_columns))
    catalog_read_rules(failure, row, catalog);
  return failure->code ? NULL : catalog;
}

/* ---- writing ---- */

/* True if main has anything of that name. */
bool catalog_taken(Failure *failure, sqlite3 *db, const char *name) {
  sqlite3_stmt *statement = statement_prepare(
      failure, db, STATEMENT_PLAIN,
      "SELECT 1 FROM main.sqlite_schema WHERE name = ?1 COLLATE NOCASE");
  statement_bind_text(failure, statement, 1, name);
  bool taken = statement_step(failure, statement);
  sqlite3_finalize(statement);
  return taken;
}

static void catalog_refuse_taken(Failure *failure, sqlite3 *db,
                                 const char *name) {
  if (catalog_taken(failure, db, name))
    failure_set(failure, SQLITE_ERROR,
                "%s is the name of something else in this file; declarations "
                "are kept in a table of that name: rename it",
                name);
}

static void catalog_create_table(Failure *failure, sqlite3 *db,
                                 const Schema *schema, const char *name,
                                 const char *const *columns, const char *sql) {
  if (catalog_has(schema, name, columns)) return;
  catalog_refuse_taken(failure, db, name);
  statement_run(failure, db, sql);
}

/* Makes the tables in main that are missing from `schema`. */
void catalog_create(Failure *failure, sqlite3 *db, const Schema *schema) {
  catalog_create_table(failure, db, schema, CATALOG_TABLE, declaration_columns,
                       "CREATE TABLE main.\"" CATALOG_TABLE
                       "\" (\n"
                       "  source TEXT NOT NULL COLLATE NOCASE,\n"
                       "  name TEXT NOT NULL COLLATE NOCASE,\n"
                       "  link TEXT NOT NULL,\n"
                       "  source_columns TEXT,\n"
                       "  target_columns TEXT,\n"
                       "  target TEXT NOT NULL,\n"
                       "  options TEXT NOT NULL DEFAULT '{}',\n"
                       "  made TEXT NOT NULL DEFAULT '[]',\n"
                       "  path TEXT,\n"
                       "  PRIMARY KEY (source, name)\n"
                       ") WITHOUT ROWID");
  catalog_create_table(failure, db, schema, CATALOG_FUNCTION_TABLE,
                       function_columns,
                       "CREATE TABLE main.\"" CATALOG_FUNCTION_TABLE
                       "\" (\n"
                       "  name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,\n"
                       "  base TEXT NOT NULL,\n"
                       "  source TEXT NOT NULL,\n"
                       "  link TEXT NOT NULL,\n"
                       "  source_columns TEXT,\n"
                       "  target_columns TEXT,\n"
                       "  target TEXT NOT NULL,\n"
                       "  preset TEXT NOT NULL DEFAULT '{}',\n"
                       "  path TEXT\n"
                       ") WITHOUT ROWID");
}

/* The same for the table of rules, which only files with rules have. */
void catalog_create_rules(Failure *failure, sqlite3 *db, const Schema *schema) {
  catalog_create_table(failure, db, schema, CATALOG_RULE_TABLE, rule_columns,
                       "CREATE TABLE main.\"" CATALOG_RULE_TABLE
                       "\" (\n"
                       "  source TEXT NOT NULL COLLATE NOCASE,\n"
                       "  relationship TEXT NOT NULL COLLATE NOCASE,\n"
                       "  name TEXT NOT NULL COLLATE NOCASE,\n"
                       "  link TEXT NOT NULL,\n"
                       "  source_columns TEXT,\n"
                       "  target_columns TEXT,\n"
                       "  target TEXT NOT NULL,\n"
                       "  options TEXT NOT NULL DEFAULT '{}',\n"
                       "  made TEXT NOT NULL DEFAULT '[]',\n"
                       "  PRIMARY KEY (source, relationship, name)\n"
                       ") WITHOUT ROWID");
}

/* The rows of this table stand for what has to be mended before COMMIT: each
** refers to what is never there.  It refers to itself, so that one table is
** enough. */
void catalog_create_debts(Failure *failure, sqlite3 *db, const Schema *schema) {
  if (catalog_has_debts(schema)) return;
  catalog_refuse_taken(failure, db, DEBT_TABLE);
  statement_run(failure, db,
                "CREATE TABLE main.\"" DEBT_TABLE
                "\" (\n"
                "  rule TEXT NOT NULL,\n"
                "  key NOT NULL,\n"
                "  owed INTEGER NOT NULL DEFAULT 1"
                " REFERENCES \"" DEBT_TABLE
                "\" (paid)"
                " DEFERRABLE INITIALLY DEFERRED,\n"
                "  paid INTEGER UNIQUE CHECK (paid IS NULL),\n"
                "  PRIMARY KEY (rule, key)\n"
                ") WITHOUT ROWID");
}

void catalog_append_debtor(sqlite3_str *text, const RuleDeclaration *rule) {
  name_append(text, rule->direction.source);
  sqlite3_str_appendall(text, ".");
  name_append(text, rule->relationship);
  sqlite3_str_appendall(text, ".");
  name_append(text, rule->name);
}

/* Nobody owes anything to the rule any more. */
void catalog_forget_debts(Failure *failure, sqlite3 *db, const Schema *schema,
                          const RuleDeclaration *rule) {
  if (failure->code || !catalog_has_debts(schema)) return;
  sqlite3_stmt *statement =
      statement_prepare(failure, db, STATEMENT_PLAIN,
                        "DELETE FROM main.\"" DEBT_TABLE "\" WHERE rule = ?1");
  sqlite3_str *text = sqlite3_str_new(NULL);
  catalog_append_debtor(text, rule);
  char *debtor = failure_text(failure, text);
  statement_bind_text(failure, statement, 1, debtor);
  statement_step(failure, statement);
  sqlite3_finalize(statement);
  sqlite3_free(debtor);
}

/* The names of the tables, from `index` 0; NULL for one that is missing or not
** ours. */
const char *catalog_table(const Schema *schema, int index) {
  static const char *const names[CATALOG_TABLE_COUNT] = {
      CATALOG_TABLE, CATALOG_FUNCTION_TABLE, CATALOG_RULE_TABLE, DEBT_TABLE};
  static const char *const *const columns[CATALOG_TABLE_COUNT] = {
      declaration_columns, function_columns, rule_columns, NULL};
  if (!columns[index]) return catalog_has_debts(schema) ? names[index] : NULL;
  return catalog_has(schema, names[index], columns[index]) ? names[index]
                                                           : NULL;
}

/* Text that could not be read back is not written. */
static void catalog_bind(Failure *failure, sqlite3_stmt *statement,
                         int parameter, const char *text, int limit) {
  if (text && strlen(text) > (size_t)limit)
    failure_set(failure, SQLITE_TOOBIG, "'%.40s...' is too long", text);
  statement_bind_text(failure, statement, parameter, text);
}

static void catalog_bind_direction(Failure *failure, sqlite3_stmt *statement,
                                   const Direction *direction) {
  catalog_bind(failure, statement, 1, direction->source, NAME_LIMIT);
  catalog_bind(failure, statement, 3, direction->link, NAME_LIMIT);
  catalog_bind(failure, statement, 4, direction->source_columns, JSON_LIMIT);
  catalog_bind(failure, statement, 5, direction->target_columns, JSON_LIMIT);
  catalog_bind(failure, statement, 6, direction->target, NAME_LIMIT);
}

/* Writes the row, over the one of the same table and name. */
void catalog_store(Failure *failure, sqlite3 *db,
                   const Declaration *declaration) {
  sqlite3_stmt *statement = statement_prepare(
      failure, db, STATEMENT_PLAIN,
      "INSERT OR REPLACE INTO main.\"" CATALOG_TABLE
      "\" (source, name, link, "
      "source_columns, target_columns, target, options, made, path) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  catalog_bind_direction(failure, statement, &declaration->direction);
  catalog_bind(failure, statement, 2, declaration->name, NAME_LIMIT);
  catalog_bind(failure, statement, 7, declaration->options, JSON_LIMIT);
  catalog_bind(failure, statement, 8, declaration->made, JSON_LIMIT);
  catalog_bind(failure, statement, 9, declaration->path, JSON_LIMIT);
  statement_step(failure, statement);
  sqlite3_finalize(statement);
}

void catalog_remove(Failure *failure, sqlite3 *db, const char *source,
                    const char *name) {
  sqlite3_stmt *statement =
      statement_prepare(failure, db, STATEMENT_PLAIN,
                        "DELETE FROM main.\"" CATALOG_TABLE
                        "\""
                        " WHERE source = ?1 COLLATE NOCASE"
                        " AND name = ?2 COLLATE NOCASE");
  statement_bind_text(failure, statement, 1, source);
  statement_bind_text(failure, statement, 2, name);
  statement_step(failure, statement);
  sqlite3_finalize(statement);
}

void catalog_store_function(Failure *failure, sqlite3 *db,
                            const FunctionDeclaration *function) {
  sqlite3_stmt *statement = statement_prepare(
      failure, db, STATEMENT_PLAIN,
      "INSERT OR REPLACE INTO main.\"" CATALOG_FUNCTION_TABLE
      "\" (source, "
      "name, link, source_columns, target_columns, target, preset, base, path) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  catalog_bind_direction(failure, statement, &function->direction);
  catalog_bind(failure, statement, 2, function->name, NAME_LIMIT);
  catalog_bind(failure, statement, 7, function->preset, JSON_LIMIT);
  catalog_bind(failure, statement, 8, function->base, NAME_LIMIT);
  catalog_bind(failure, statement, 9, function->path, JSON_LIMIT);
  statement_step(failure, statement);
  sqlite3_finalize(statement);
}

void catalog_remove_function(Failure *failure, sqlite3 *db, const char *name) {
  sqlite3_stmt *statement =
      statement_prepare(failure, db, STATEMENT_PLAIN,
                        "DELETE FROM main.\"" CATALOG_FUNCTION_TABLE
                        "\""
                        " WHERE name = ?1 COLLATE NOCASE");
  statement_bind_text(failure, statement, 1, name);
  statement_step(failure, statement);
  sqlite3_finalize(statement);
}

void catalog_store_rule(Failure *failure, sqlite3 *db,
                        const RuleDeclaration *rule) {
  sqlite3_stmt *statement = statement_prepare(
      failure, db, STATEMENT_PLAIN,
      "INSERT OR REPLACE INTO main.\"" CATALOG_RULE_TABLE
      "\" (source, name, link, source_columns, target_columns, target, "
      "options, made, relationship) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  catalog_bind_direction(failure, statement, &rule->direction);
  catalog_bind(failure, statement, 2, rule->name, NAME_LIMIT);
  catalog_bind(failure, statement, 7, rule->options, JSON_LIMIT);
  catalog_bind(failure, statement, 8, rule->made, JSON_LIMIT);
  catalog_bind(failure, statement, 9, rule->relationship, NAME_LIMIT);
  statement_step(failure, statement);
  sqlite3_finalize(statement);
}

void catalog_remove_rule(Failure *failure, sqlite3 *db,
                         const RuleDeclaration *rule) {
  sqlite3_stmt *statement =
      statement_prepare(failure, db, STATEMENT_PLAIN,
                        "DELETE FROM main.\"" CATALOG_RULE_TABLE
                        "\""
                        " WHERE source = ?1 COLLATE NOCASE"
                        " AND relationship = ?2 COLLATE NOCASE"
                        " AND name = ?3 COLLATE NOCASE");
  statement_bind_text(failure, statement, 1, rule->direction.source);
  statement_bind_text(failure, statement, 2, rule->relationship);
  statement_bind_text(failure, statement, 3, rule->name);
  statement_step(failure, statement);
  sqlite3_finalize(statement);
}

/* ---- the bell ---- */

static void catalog_order(Failure *failure, sqlite3 *db, const char *format,
                          const char *name) {
  sqlite3_stmt *statement = statement_format(failure, db, 0, format, name);
  statement_step(failure, statement);
  sqlite3_finalize(statement);
}

/* A change of rows goes unnoticed by connections that hold a model; a change
** of the schema does not.  So a view is made and dropped at once: unlike DROP
** TABLE, that is allowed inside a statement that reads. */
void catalog_announce(Failure *failure, sqlite3 *db) {
  char *name = sqlite3_mprintf("%s", CATALOG_BELL);
  for (int i = 1; name && catalog_taken(failure, db, name); i++) {
    sqlite3_free(name);
    name = sqlite3_mprintf("%s_%d", CATALOG_BELL, i);
  }
  if (!name) failure_memory(failure);
  catalog_order(failure, db, "CREATE VIEW main.\"%w\" AS SELECT 1", name);
  catalog_order(failure, db, "DROP VIEW main.\"%w\"", name);
  sqlite3_free(name);
}
