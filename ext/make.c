/*
** make.c: what a declaration has made in the file.
**
** Where the database lacks what a relationship needs, it is made:
**
**     CREATE TABLE main."student_course" (
**       "student_id" INTEGER NOT NULL,
**       "course_id" INTEGER NOT NULL,
**       PRIMARY KEY ("student_id", "course_id"),
**       FOREIGN KEY ("student_id") REFERENCES "students" ("id")
**         ON DELETE CASCADE,
**       FOREIGN KEY ("course_id") REFERENCES "courses" ("id")
**         ON DELETE CASCADE
**     ) WITHOUT ROWID
**     CREATE INDEX main."_relationship_student_course_course_id"
**       ON "student_course" ("course_id")
**
** What is made is ordinary and of built-in SQL.  Indexes and triggers have a
** name that begins with _relationship_; tables and columns are the user's from
** then on.  A view has the name that the user gave it.  Each thing is recorded in the declaration, as a pair of its type
** and its name, so that relationship_drop() knows what it may take away:
**
**     [["table","student_course"],["index","_relationship_student_..."]]
**
** The record comes from the file.  So nothing is dropped that lacks the prefix,
** whatever the record says; but for the view that the declaration's options
** name.
**
** Every function does nothing once *failure is set; the caller's transaction
** undoes what was made before.  Where memory has run out inside a SQL function,
** SQLite runs no statement any more that it must prepare again, not even
** ROLLBACK; but it rolls back when a statement that reads is reset then.  So
** the caller keeps one standing on a row, the guard.  SQLite drops no index
** while a statement reads: for that moment a ROLLBACK that is prepared takes
** the place of the guard.
*/
#include "relate_int.h"

/* ---- the record ---- */

#define MAKE_PREFIX "_relationship_"
#define MAKE_LIMIT 100 /* things of one record */

/* True if the record has a thing of that type and name. */
bool make_has(const Make *make, const char *type, const char *name) {
  for (int i = 0; i < make->count; i++)
    if (name_equal(make->list[i].type, type) &&
        name_equal(make->list[i].name, name))
      return true;
  return false;
}

static void make_add(Failure *failure, Make *make, const char *type,
                     const char *name) {
  if (failure->code || make_has(make, type, name)) return;
  make->list = arena_extend(failure, make->arena, make->list, make->count,
                            sizeof(*make->list));
  Made made = {arena_text(failure, make->arena, type),
               arena_text(failure, make->arena, name)};
  if (!failure->code) make->list[make->count++] = made;
}

static int make_length(Failure *failure, sqlite3 *db, const char *json) {
  sqlite3_stmt *statement = statement_prepare(failure, db, STATEMENT_PLAIN,
                                              "SELECT json_array_length(?1)");
  statement_bind_text(failure, statement, 1, json);
  int length =
      statement_step(failure, statement) ? sqlite3_column_int(statement, 0) : 0;
  sqlite3_finalize(statement);
  return length;
}

/* Adds to the record what the declaration has of it.  No declaration makes more
** than a few things; a file that says so does not keep us long. */
void make_read(Failure *failure, Make *make, const Declaration *declaration) {
  const char *json = declaration->made;
  make->view = catalog_option(failure, make->arena, make->db,
                              declaration->options, "view");
  int length = make_length(failure, make->db, json);
  sqlite3_stmt *statement =
      statement_prepare(failure, make->db, STATEMENT_PLAIN,
                        "SELECT json_extract(?1, '$[' || ?2 || '][0]'),"
                        " json_extract(?1, '$[' || ?2 || '][1]')");
  statement_bind_text(failure, statement, 1, json);
  for (int i = 0; i < length && i < MAKE_LIMIT && !failure->code; i++) {
    sqlite3_bind_int(statement, 2, i);
    statement_step(failure, statement);
    const char *type = statement_text(failure, statement, 0);
    const char *name = statement_text(failure, statement, 1);
    if (type && name) make_add(failure, make, type, name);
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
}

/* The record as a JSON array, in the arena. */
const char *make_text(Failure *failure, const Make *make) {
  sqlite3_str *text = sqlite3_str_new(make->db);
  sqlite3_str_appendall(text, "[");
  for (int i = 0; i < make->count; i++) {
    sqlite3_str_appendall(text, i ? ",[" : "[");
    name_append_json(text, make->list[i].type);
    sqlite3_str_appendall(text, ",");
    name_append_json(text, make->list[i].name);
    sqlite3_str_appendall(text, "]");
  }
  sqlite3_str_appendall(text, "]");
  return arena_string(failure, make->arena, text);
}

/* ---- running ---- */

/* Runs `sql`, frees it, and records what it has made. */
static void make_run(Failure *failure, Make *make, char *sql, const char *type,
                     const char *name) {
  statement_run(failure, make->db, sql);
  sqlite3_free(sql);
  make_add(failure, make, type, name);
  make->changed = true;
}

const char *make_unused_name(Failure *failure, const Make *make,
                             sqlite3_str *stem) {
  const char *text = arena_string(failure, make->arena, stem);
  const char *name = arena_format(failure, make->arena, MAKE_PREFIX "%s", text);
  for (int i = 2; !failure->code && catalog_taken(failure, make->db, name); i++)
    name = arena_format(failure, make->arena, MAKE_PREFIX "%s_%d", text, i);
  return name;
}

/* The same for what is about some columns of a table. */
static const char *make_name(Failure *failure, const Make *make,
                             const Table *table, const Columns *columns,
                             const char *kind) {
  sqlite3_str *stem = sqlite3_str_new(make->db);
  sqlite3_str_appendf(stem, "%s_", table->name);
  columns_append(stem, columns, "_");
  sqlite3_str_appendall(stem, kind);
  return make_unused_name(failure, make, stem);
}

static void make_append_names(sqlite3_str *sql, int count,
                              const char *const *names) {
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", names[i]);
}

static void make_append_columns(sqlite3_str *sql, const Columns *columns) {
  for (int i = 0; i < columns->count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", columns->list[i]->name);
}

/* ---- columns that refer to a key ---- */

static bool type_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (c >= '0' && c <= '9');
}

/* True if the declared type can be written as it is: words, and at most one
** pair of parentheses with numbers.  No word is a keyword of SQL: a type that
** was written in quotes may hold a whole constraint. */
static bool type_is_plain(const char *type) {
  const char *c = type;
  while (type_word(*c) || *c == ' ') {
    const char *word = c;
    while (type_word(*c)) c++;
    if (sqlite3_keyword_check(word, (int)(c - word))) return false;
    if (c == word) c++;
  }
  if (*c == '(' && c > type) {
    for (c++; (*c >= '0' && *c <= '9') || *c == ',' || *c == ' ';) c++;
    return *c == ')' && !c[1];
  }
  return !*c && c > type;
}

static const char *type_strict(const Column *key) {
  switch (key->affinity) {
    case 'B': return "TEXT";
    case 'D': return "INTEGER";
    case 'E': return "REAL";
    default: return "ANY";
  }
}

static const char *type_of_affinity(const Column *key) {
  switch (key->affinity) {
    case 'B': return "TEXT";
    case 'C': return "NUMERIC";
    case 'D': return "INTEGER";
    case 'E': return "REAL";
    default: return *key->type ? "BLOB" : "";
  }
}

/* The collation of a column; a model tells those of foreign keys only. */
static const char *column_collation(sqlite3 *db, const Column *column) {
  const char *collation = NULL;
  sqlite3_table_column_metadata(db, "main", column->table->name, column->name,
                                NULL, &collation, NULL, NULL, NULL);
  return collation ? collation : "BINARY";
}

/* Writes name, type and collation of a column that refers to `key`; `child` is
** the table that gets it, NULL for a new one. */
void make_append_column(Failure *failure, sqlite3_str *sql, sqlite3 *db,
                        const char *name, const Column *key,
                        const Table *child) {
  const char *collation = column_collation(db, key);
  const char *type = child && table_is_strict(failure, db, child)
                         ? type_strict(key)
                     : type_is_plain(key->type) ? key->type
                                                : type_of_affinity(key);
  sqlite3_str_appendf(sql, "\"%w\"", name);
  if (*type) sqlite3_str_appendf(sql, " %s", type /* safe: words */);
  if (!name_equal(collation, "BINARY"))
    sqlite3_str_appendf(sql, " COLLATE \"%w\"", collation);
}

/* Writes REFERENCES and what follows. */
void make_append_references(sqlite3_str *sql, const MakeKey *key) {
  sqlite3_str_appendf(sql, " REFERENCES \"%w\" (", key->parent->name);
  make_append_columns(sql, &key->parent->primary_key);
  sqlite3_str_appendall(sql, ")");
  if (key->on_delete)
    sqlite3_str_appendf(sql, " ON DELETE %s",
                        key->on_delete /* safe: a word of SQL */);
  if (key->on_update)
    sqlite3_str_appendf(sql, " ON UPDATE %s",
                        key->on_update /* safe: a word of SQL */);
}

static void make_append_link_columns(Failure *failure, sqlite3_str *sql,
                                     sqlite3 *db, const MakeKey *key) {
  const Columns *parent = &key->parent->primary_key;
  for (int i = 0; i < parent->count; i++) {
    sqlite3_str_appendall(sql, "  ");
    make_append_column(failure, sql, db, key->columns[i], parent->list[i],
                       NULL);
    sqlite3_str_appendall(sql, " NOT NULL,\n");
  }
}

static void make_append_link_key(sqlite3_str *sql, const MakeKey *key) {
  sqlite3_str_appendall(sql, ",\n  FOREIGN KEY (");
  make_append_names(sql, key->parent->primary_key.count, key->columns);
  sqlite3_str_appendall(sql, ")");
  make_append_references(sql, key);
}

/* Makes the association table `name` between two tables that have a primary
** key. */
void make_association(Failure *failure, Make *make, const char *name,
                      const MakeKey *source, const MakeKey *target) {
  if (failure->code) return;
  sqlite3_str *sql = sqlite3_str_new(make->db);
  sqlite3_str_appendf(sql, "CREATE TABLE main.\"%w\" (\n", name);
  make_append_link_columns(failure, sql, make->db, source);
  make_append_link_columns(failure, sql, make->db, target);
  sqlite3_str_appendall(sql, "  PRIMARY KEY (");
  make_append_names(sql, source->parent->primary_key.count, source->columns);
  sqlite3_str_appendall(sql, ", ");
  make_append_names(sql, target->parent->primary_key.count, target->columns);
  sqlite3_str_appendall(sql, ")");
  make_append_link_key(sql, source);
  make_append_link_key(sql, target);
  sqlite3_str_appendall(sql, "\n) WITHOUT ROWID");
  make_run(failure, make, failure_text(failure, sql), "table", name);
}

/* Adds one column to `child`, which refers to a primary key of one column. */
void make_column(Failure *failure, Make *make, const Table *child,
                 const MakeKey *key) {
  if (failure->code) return;
  const char *path =
      arena_format(failure, make->arena, "%s.%s", child->name, key->columns[0]);
  sqlite3_str *sql = sqlite3_str_new(make->db);
  sqlite3_str_appendf(sql, "ALTER TABLE main.\"%w\" ADD COLUMN ", child->name);
  make_append_column(failure, sql, make->db, key->columns[0],
                     key->parent->primary_key.list[0], child);
  make_append_references(sql, key);
  make_run(failure, make, failure_text(failure, sql), "column", path);
}

/* ---- indexes ---- */

static void make_index(Failure *failure, Make *make, const Table *table,
                       const Columns *columns, const Columns *covered,
                       bool unique) {
  const char *name =
      make_name(failure, make, table, columns, unique ? "_unique" : "");
  if (failure->code) return;
  sqlite3_str *sql = sqlite3_str_new(make->db);
  sqlite3_str_appendf(sql, "CREATE %sINDEX main.\"%w\" ON \"%w\" (",
                      unique ? "UNIQUE " : "", name, table->name);
  make_append_columns(sql, columns);
  for (int i = 0; i < covered->count; i++)
    if (!columns_contain(columns, covered->list[i]))
      sqlite3_str_appendf(sql, ", \"%w\"", covered->list[i]->name);
  sqlite3_str_appendall(sql, ")");
  make_run(failure, make, failure_text(failure, sql), "index", name);
}

static void make_index_under(Failure *failure, Make *make,
                             const Relationship *relationship,
                             const Columns *columns, const Columns *other) {
  const Table *link = relationship->link;
  Columns covered = {0, NULL};
  if (table_is_unique(link, columns) || table_index_under(link, columns))
    return;
  if (relationship->cardinality == MANY_TO_MANY && !link->without_rowid)
    covered = *other;
  make_index(failure, make, link, columns, &covered, false);
}

/* Sees to it that an index is under each foreign key of the relationship.
** That of an association table holds the other key as well, so that the way
** back need not look at the row. */
void make_indexes(Failure *failure, Make *make,
                  const Relationship *relationship) {
  const Relationship *r = relationship;
  if (r->source_foreign)
    make_index_under(failure, make, r, &r->source_link, &r->target_link);
  if (r->target_foreign)
    make_index_under(failure, make, r, &r->target_link, &r->source_link);
}

/* Describes the first values that occur more than once in `columns`. */
static char *make_repeated(Failure *failure, const Make *make,
                           const Table *table, const Columns *columns) {
  sqlite3_str *sql = sqlite3_str_new(make->db);
  sqlite3_str *text = sqlite3_str_new(make->db);
  sqlite3_str_appendall(sql, "SELECT ");
  make_append_columns(sql, columns);
  sqlite3_str_appendf(sql, " FROM main.\"%w\" WHERE ", table->name);
  for (int i = 0; i < columns->count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\" IS NOT NULL", i ? " AND " : "",
                        columns->list[i]->name);
  sqlite3_str_appendall(sql, " GROUP BY ");
  make_append_columns(sql, columns);
  sqlite3_str_appendall(sql, " HAVING count(*) > 1 LIMIT 3");
  char *query = failure_text(failure, sql);
  sqlite3_stmt *statement =
      statement_prepare(failure, make->db, STATEMENT_PLAIN, query);
  for (int row = 0; statement_step(failure, statement); row++) {
    if (row) sqlite3_str_appendall(text, ", ");
    if (columns->count > 1) sqlite3_str_appendall(text, "(");
    for (int i = 0; i < columns->count; i++) {
      Value value = value_of_column(failure, statement, i);
      if (i) sqlite3_str_appendall(text, ", ");
      value_describe(text, &value);
    }
    if (columns->count > 1) sqlite3_str_appendall(text, ")");
  }
  sqlite3_finalize(statement);
  sqlite3_free(query);
  return failure_text(failure, text);
}

static void fail_repeated(Failure *failure, const Table *table,
                          const Columns *columns, const char *values) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  columns_append(text, columns, ", ");
  char *names = failure_text(failure, text);
  failure_set(failure, SQLITE_CONSTRAINT_UNIQUE,
              "can't be one-to-one: several rows of %s have the %s %s",
              table->name, names, values);
  sqlite3_free(names);
}

/* Makes the foreign key of a relationship, which is not many-to-many,
** UNIQUE. */
void make_unique(Failure *failure, Make *make,
                 const Relationship *relationship) {
  const Columns *columns = relationship->source_foreign
                               ? &relationship->source_link
                               : &relationship->target_link;
  const Columns nothing = {0, NULL};
  const Table *link = relationship->link;
  char *repeated = make_repeated(failure, make, link, columns);
  if (repeated && *repeated) fail_repeated(failure, link, columns, repeated);
  sqlite3_free(repeated);
  make_index(failure, make, link, columns, &nothing, true);
}

/* ---- triggers ---- */

/* A name for a trigger about these columns, in the arena; `kind` is its end. */
const char *make_trigger_name(Failure *failure, const Make *make,
                              const Table *table, const Columns *columns,
                              const char *kind) {
  return make_name(failure, make, table, columns, kind);
}

/* True if the name ends with `kind`, and perhaps the number of make_unused_name
** behind that. */
static bool name_is_of_kind(const char *name, const char *kind) {
  size_t length = strlen(name), end = length, size = strlen(kind);
  while (end && name[end - 1] >= '0' && name[end - 1] <= '9') end--;
  if (end < length && end && name[end - 1] == '_') length = end - 1;
  return length > size && strncmp(name + length - size, kind, size) == 0;
}

/* The trigger of that kind on the record, or NULL. */
const char *make_recorded_trigger(const Make *make, const char *kind) {
  for (int i = 0; i < make->count; i++)
    if (name_equal(make->list[i].type, "trigger") &&
        name_is_of_kind(make->list[i].name, kind))
      return make->list[i].name;
  return NULL;
}

/* Runs `sql`, which creates the trigger `name`, and frees it. */
void make_trigger(Failure *failure, Make *make, const char *name, char *sql) {
  make_run(failure, make, sql, "trigger", name);
}

/* ---- away with it ---- */

/* The statement that drops a thing of that type; NULL if it stays. */
static const char *drop_format(const char *type) {
  if (name_equal(type, "index")) return "DROP INDEX main.\"%w\"";
  if (name_equal(type, "trigger")) return "DROP TRIGGER main.\"%w\"";
  if (name_equal(type, "view")) return "DROP VIEW main.\"%w\"";
  return NULL;
}

/* True if main has the thing; with `sql`, if its text is exactly that. */
bool make_exists(Failure *failure, const Make *make, const char *type,
                 const char *name, const char *sql) {
  sqlite3_stmt *statement = statement_prepare(
      failure, make->db, STATEMENT_PLAIN,
      "SELECT 1 FROM main.sqlite_schema AS s WHERE s.type = ?1 COLLATE NOCASE"
      " AND s.name = ?2 COLLATE NOCASE AND (?3 IS NULL OR s.sql = ?3)");
  statement_bind_text(failure, statement, 1, type);
  statement_bind_text(failure, statement, 2, name);
  statement_bind_text(failure, statement, 3, sql);
  bool exists = statement_step(failure, statement);
  sqlite3_finalize(statement);
  return exists;
}

/* Runs `statement`, which drops something, while the guard does not stand on a
** row. */
static void make_drop_run(Failure *failure, Make *make,
                          sqlite3_stmt *statement) {
  sqlite3_stmt *undo = statement_prepare(failure, make->db, 0, "ROLLBACK");
  if (!failure->code && make->guard) sqlite3_reset(make->guard);
  statement_step(failure, statement);
  statement_step(failure, make->guard);
  if ((failure->code & 0xff) == SQLITE_NOMEM && undo) sqlite3_step(undo);
  sqlite3_finalize(undo);
  make->changed = true;
}

static void make_drop_thing(Failure *failure, Make *make, const char *type,
                            const char *name) {
  const char *format = drop_format(type);
  bool named = name_equal(type, "view") && name_equal(make->view, name);
  bool ours = named || name_starts(name, MAKE_PREFIX);
  if (!format || !ours || !make_exists(failure, make, type, name, NULL)) return;
  sqlite3_stmt *statement =
      statement_format(failure, make->db, 0, format, name);
  make_drop_run(failure, make, statement);
  sqlite3_finalize(statement);
}

/* Drops a table of declarations. */
void make_drop_table(Failure *failure, Make *make, const char *name) {
  sqlite3_stmt *statement =
      statement_format(failure, make->db, 0, "DROP TABLE main.\"%w\"", name);
  make_drop_run(failure, make, statement);
  sqlite3_finalize(statement);
}

/* Drops one thing, if it is there, and takes it off the record. */
void make_drop(Failure *failure, Make *make, const char *type,
               const char *name) {
  int kept = 0;
  make_drop_thing(failure, make, type, name);
  for (int i = 0; i < make->count; i++)
    if (!name_equal(make->list[i].type, type) ||
        !name_equal(make->list[i].name, name))
      make->list[kept++] = make->list[i];
  make->count = kept;
}

/* Drops every index, trigger and view of the record. */
void make_drop_all(Failure *failure, Make *make) {
  for (int i = 0; i < make->count; i++)
    make_drop_thing(failure, make, make->list[i].type, make->list[i].name);
  make->count = 0;
}

/* Drops the triggers of the record, and takes off it what is gone. */
void make_drop_triggers(Failure *failure, Make *make) {
  int kept = 0;
  for (int i = 0; i < make->count; i++) {
    const char *type = make->list[i].type, *name = make->list[i].name;
    if (name_equal(type, "trigger")) {
      make_drop_thing(failure, make, type, name);
    } else if (make_exists(failure, make, type, name, NULL)) {
      make->list[kept++] = make->list[i];
    }
  }
  make->count = kept;
}

/* ---- views ---- */

/* True if main has the view already, as it is to be. */
static bool view_is(Failure *failure, const Make *make, const char *name,
                    const char *sql) {
  char *text = sqlite3_mprintf("CREATE VIEW %s", sql /* safe: ours */);
  if (!text) failure_memory(failure);
  bool is = text && make_exists(failure, make, "view", name, text);
  sqlite3_free(text);
  return is;
}

static void check_view_name(Failure *failure, const Make *make,
                            const char *name) {
  if (!failure->code && !*name)
    failure_set(failure, SQLITE_ERROR, "a view needs a name");
  if (catalog_taken(failure, make->db, name))
    failure_set(failure, SQLITE_ERROR,
                "%s is the name of something else in this file; choose another "
                "for the view",
                name);
  /* The view would stand before it. */
  if (module_exists(failure, make->db, name))
    failure_set(failure, SQLITE_ERROR,
                "%s is a virtual table already; choose another name for the "
                "view",
                name);
}

/* SQLite looks into a view when it is read. */
static void check_view(Failure *failure, const Make *make, const char *name) {
  sqlite3_finalize(statement_format(failure, make->db, 0,
                                    "SELECT 1 FROM main.\"%w\"", name));
  failure_prefix(failure, "the view %s can't be made: ", name);
}

/* The first view on the record that is not called `name`, or NULL. */
static const char *other_view(const Make *make, const char *name) {
  for (int i = 0; i < make->count; i++)
    if (name_equal(make->list[i].type, "view") &&
        !(name && name_equal(make->list[i].name, name)))
      return make->list[i].name;
  return NULL;
}

void make_view(Failure *failure, Make *make, const char *name,
               const char *sql) {
  if (failure->code) return;
  const char *other;
  while ((other = other_view(make, name)) != NULL)
    make_drop(failure, make, "view", other);
  if (!name || failure->code) return;
  if (make_has(make, "view", name)) {
    if (view_is(failure, make, name, sql)) return;
    make_drop(failure, make, "view", name);
  }
  check_view_name(failure, make, name);
  if (failure->code) return;
  char *create = sqlite3_mprintf("CREATE VIEW main.%s", sql /* safe: ours */);
  if (!create) failure_memory(failure);
  make_run(failure, make, create, "view", name);
  check_view(failure, make, name);
}

/* Puts on the record every index, trigger and view of main that has our
** prefix. */
void make_find(Failure *failure, Make *make) {
  sqlite3_stmt *statement = statement_prepare(
      failure, make->db, STATEMENT_PLAIN,
      "SELECT s.type, s.name FROM main.sqlite_schema AS s"
      " WHERE s.type IN ('index', 'trigger', 'view')"
      " AND s.name LIKE '\\_relationship\\_%' ESCAPE '\\' ORDER BY s.name");
  while (statement_step(failure, statement))
    make_add(failure, make, statement_text(failure, statement, 0),
             statement_text(failure, statement, 1));
  sqlite3_finalize(statement);
}
