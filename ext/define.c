/*
** define.c: relationship_function() and relationship_function_drop().
**
**     SELECT relationship_function('enroll', 'relate', 'students.courses');
**     SELECT relationship_function('withdraw', 'relate', 'students.courses',
**                                  'status', 'W');
**     SELECT withdraw(1, 2);
**     SELECT relationship_function_drop('withdraw');
**
** A declared function is one of ours with its first argument filled in.  What
** is written here is a row of the catalog; the functions themselves are
** registered when a connection reads the model, this one at the end of the
** call, every other with its next look at the file.
**
** A name that anybody has already is refused: SQLite would let the new function
** take its place, on every connection that opens the file.
*/
#include "relate_int.h"

#define FUNCTION_NAME_LIMIT 255 /* bytes; SQLite registers no longer one */

/* One call of relationship_function(). */
typedef struct Definition {
  Connection *connection;
  Arena *arena;
  Model *model;
  Path path;
  const char *name;
  Base base;
  Route route;
  const Relationship *relationship; /* the only step, if it is a plain one */
  const char *preset;               /* JSON */
} Definition;

static void definition_open(Failure *failure, Definition *definition) {
  Connection *connection = definition->connection;
  if (failure->code) return;
  definition->model =
      model_new(failure, connection->db, "main", &connection->serial);
}

static void definition_free(Definition *definition) {
  model_release(definition->model);
  path_free(&definition->path);
  arena_free(definition->arena);
}

/* ---- names ---- */

/* True if `name` is the first column of a row of the pragma. */
static bool pragma_has(Failure *failure, sqlite3 *db, const char *pragma,
                       const char *name) {
  sqlite3_stmt *statement = statement_prepare(failure, db, 0, pragma);
  bool found = false;
  while (!found && statement_step(failure, statement)) {
    const char *listed = statement_text(failure, statement, 0);
    found = listed && name_equal(listed, name);
  }
  sqlite3_finalize(statement);
  return found;
}

static bool main_has_table(Failure *failure, sqlite3 *db, const char *name) {
  sqlite3_stmt *statement = statement_prepare(
      failure, db, STATEMENT_PLAIN,
      "SELECT 1 FROM main.sqlite_schema AS s"
      " WHERE s.name = ?1 COLLATE NOCASE AND s.type IN ('table', 'view')");
  statement_bind_text(failure, statement, 1, name);
  bool has = statement_step(failure, statement);
  sqlite3_finalize(statement);
  return has;
}

static bool name_is_reserved(const char *name) {
  static const char *const prefixes[] = {"relate",  "unrelate", "relationship",
                                         "sqlite_", "pragma_",  "json_"};
  for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
    if (name_starts(name, prefixes[i])) return true;
  return false;
}

/* What has the name that a new function would take; NULL if nothing. */
static const char *name_owner(Failure *failure, const Definition *definition) {
  sqlite3 *db = definition->connection->db;
  const char *name = definition->name;
  bool table =
      definition->base == BASE_RELATE || definition->base == BASE_UNRELATE;
  if (name_is_reserved(name)) return "is reserved";
  if (table && main_has_table(failure, db, name))
    return "is a table of this file";
  if (function_find(definition->connection, name)) return NULL;
  if (pragma_has(failure, db, "PRAGMA function_list", name))
    return "is a function already";
  if (table && pragma_has(failure, db, "PRAGMA module_list", name))
    return "is a virtual table already";
  return NULL;
}

static void check_function_name(Failure *failure,
                                const Definition *definition) {
  if (failure->code) return;
  size_t length = strlen(definition->name);
  if (!length || length > FUNCTION_NAME_LIMIT) {
    failure_set(failure, SQLITE_ERROR,
                "a function's name has from 1 to %d bytes, this one %d",
                FUNCTION_NAME_LIMIT, (int)length);
    return;
  }
  const char *owner = name_owner(failure, definition);
  if (owner)
    failure_set(failure, SQLITE_ERROR, "the name %s; choose another", owner);
}

/* ---- arguments ---- */

static Base argument_base(Failure *failure, const char *name) {
  if (failure->code) return BASE_NONE;
  Base base = base_find(name);
  if (base != BASE_NONE) return base;
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < BASE_NONE; i++)
    sqlite3_str_appendf(text, "%s%s", i ? ", " : "", base_name((Base)i));
  char *list = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR,
              "no function '%.40s' to begin with; it is "
              "one of %s",
              name, list);
  sqlite3_free(list);
  return BASE_NONE;
}

/* One that only reads goes along a path of any length. */
static Path definition_path(Failure *failure, Base base, const char *text) {
  if (failure->code || base_writes(base)) return declare_path(failure, text);
  Path path = path_read(failure, text);
  if (!failure->code && !name_equal(path.schema, "main"))
    failure_set(failure, SQLITE_ERROR,
                "'%.100s' is in an attached database; functions are declared "
                "for main",
                text);
  return path;
}

static void definition_arguments(Failure *failure, Definition *definition,
                                 int argc, sqlite3_value **argv) {
  if (argc < 3)
    failure_set(failure, SQLITE_ERROR,
                "takes a name, one of our functions and a relationship, then "
                "columns and their values");
  if (failure->code) return;
  definition->name = declare_text(failure, argv[0], "the name of the function");
  definition->base = argument_base(
      failure, declare_text(failure, argv[1], "the function to begin with"));
  definition->path = definition_path(
      failure, definition->base,
      declare_text(failure, argv[2], "the name of the relationship"));
  if (argc % 2 == 0)
    failure_set(failure, SQLITE_ERROR,
                "a column has no value; what follows the relationship are "
                "pairs of column and value");
  if (argc > 3 && !failure->code && definition->base != BASE_RELATE)
    failure_set(failure, SQLITE_ERROR,
                "only a function that begins with relate sets columns, not %s",
                base_name(definition->base));
}

/* ---- the way ---- */

static const Relationship *plain_step(const Route *route) {
  const Relationship *link = route_link(route);
  return link && !route->steps[0].where && !route->column ? link : NULL;
}

static void definition_find(Failure *failure, Definition *definition) {
  if (failure->code) return;
  Base base = definition->base;
  definition->route = path_route(failure, definition->arena, definition->model,
                                 &definition->path, base_path_end(base));
  definition->relationship = plain_step(&definition->route);
  if (!failure->code && base_writes(base))
    function_check_links(failure, path_relationship(failure, definition->model,
                                                    &definition->path));
  if (!failure->code && base == BASE_RELATED_VALUE &&
      !route_is_to_one(&definition->route))
    failure_set(failure, SQLITE_ERROR,
                "the path may lead to several rows; begin with related_min or "
                "related_max");
}

/* ---- preset payload ---- */

/* A number as JSON that gives the same number back. */
static char *real_text(Failure *failure, double real) {
  char *text = sqlite3_mprintf("%!.17g", real);
  if (!text) failure_memory(failure);
  if (text && (*text == 'I' || text[1] == 'I'))
    failure_set(failure, SQLITE_ERROR, "an infinite value can't be kept");
  return text;
}

/* The value as JSON, by json_quote(); the caller frees it. */
static char *value_json(Failure *failure, sqlite3 *db, const Value *value) {
  if (value->type == SQLITE_BLOB)
    failure_set(failure, SQLITE_ERROR,
                "a BLOB can't be kept as a preset; give it in the call");
  if (failure->code) return NULL;
  if (value->type == SQLITE_FLOAT) return real_text(failure, value->real);
  sqlite3_stmt *statement =
      statement_prepare(failure, db, STATEMENT_PLAIN, "SELECT json_quote(?1)");
  value_bind(failure, statement, 1, value);
  statement_step(failure, statement);
  const char *json = statement_text(failure, statement, 0);
  char *copy = json ? sqlite3_mprintf("%s", json) : NULL;
  if (!copy) failure_memory(failure);
  sqlite3_finalize(statement);
  return copy;
}

/* Writes "column":value, unless the column is in `done`, which it joins. */
static void preset_add(Failure *failure, Definition *definition,
                       sqlite3_str *text, Columns *done, const Column *column,
                       const Value *value) {
  if (failure->code) return;
  if (columns_contain(done, column))
    failure_set(failure, SQLITE_ERROR, "the column %s is given twice",
                column->name);
  char *json = value_json(failure, definition->connection->db, value);
  sqlite3_str_appendall(text, done->count ? "," : "{");
  name_append_json(text, column->name);
  sqlite3_str_appendf(text, ":%s", json);
  sqlite3_free(json);
  done->list = arena_extend(failure, definition->arena, (void *)done->list,
                            done->count, sizeof(*done->list));
  if (!failure->code) done->list[done->count++] = column;
}

static void definition_preset(Failure *failure, Definition *definition,
                              int argc, sqlite3_value **argv) {
  sqlite3_str *text = sqlite3_str_new(definition->connection->db);
  Columns done = {0, NULL};
  for (int i = 3; i < argc && !failure->code; i += 2) {
    const char *name = declare_text(failure, argv[i], "the name of a column");
    const Column *column =
        link_payload(failure, definition->relationship, name);
    Value value = value_of(failure, argv[i + 1]);
    preset_add(failure, definition, text, &done, column, &value);
  }
  sqlite3_str_appendall(text, done.count ? "}" : "{}");
  definition->preset = arena_string(failure, definition->arena, text);
}

/* ---- relationship_function() ---- */

static const FunctionDeclaration *function_declared(const Model *model,
                                                    const char *name) {
  for (int i = 0; i < model->catalog->function_count; i++)
    if (name_equal(model->catalog->functions[i].name, name))
      return &model->catalog->functions[i];
  return NULL;
}

static bool same_function(const FunctionDeclaration *a,
                          const FunctionDeclaration *b) {
  return !a->problem && name_equal(a->base, b->base) &&
         strcmp(a->preset, b->preset) == 0 &&
         strcmp(a->path ? a->path : "", b->path ? b->path : "") == 0 &&
         direction_same(&a->direction, &b->direction);
}

/* Says which way the function goes: one plain relationship by its direction,
** any other by its steps. */
static void definition_describe(Failure *failure, const Definition *definition,
                                FunctionDeclaration *function) {
  const Route *route = &definition->route;
  if (definition->relationship) {
    function->direction =
        direction_of(failure, definition->arena, definition->relationship);
    return;
  }
  function->path = derivation_path(failure, definition->arena, route);
  if (failure->code) return;
  function->direction =
      (Direction){.source = route->source->name,
                  .target = route->target->name,
                  .link = route->steps[0].relationship->link->name};
}

static void definition_store(Failure *failure, const Definition *definition) {
  if (failure->code) return;
  sqlite3 *db = definition->connection->db;
  const FunctionDeclaration *before =
      function_declared(definition->model, definition->name);
  FunctionDeclaration function = {.name = definition->name,
                                  .base = base_name(definition->base),
                                  .preset = definition->preset};
  definition_describe(failure, definition, &function);
  if (failure->code || (before && same_function(before, &function))) return;
  if (before) {
    failure_set(failure, SQLITE_ERROR,
                "already is %s on %s; relationship_function_drop('%q') first",
                before->base, before->direction.source, before->name);
    return;
  }
  catalog_create(failure, db, definition->model->schema);
  catalog_store_function(failure, db, &function);
  catalog_announce(failure, db);
}

/* relationship_function(name, base, path [, column, value, ...]) */
void declare_function(sqlite3_context *context, int argc,
                      sqlite3_value **argv) {
  Failure failure = {0, NULL};
  Definition definition = {.connection = sqlite3_user_data(context),
                           .arena = arena_new(&failure)};
  definition_arguments(&failure, &definition, argc, argv);
  Undertaking undertaking = declare_begin(&failure, definition.connection);
  check_function_name(&failure, &definition);
  definition_open(&failure, &definition);
  definition_find(&failure, &definition);
  definition_preset(&failure, &definition, argc, argv);
  definition_store(&failure, &definition);
  declare_end(&failure, &undertaking, context,
              failure.code ? NULL : sqlite3_mprintf("%s", definition.name));
  if (definition.name) failure_prefix(&failure, "%s: ", definition.name);
  failure_prefix(&failure, "relationship_function: ");
  failure_to_result(&failure, context);
  definition_free(&definition);
}

/* ---- relationship_function_drop() ---- */

static void fail_no_function(Failure *failure, const Catalog *catalog) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < catalog->function_count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    sqlite3_str_appendall(text, catalog->functions[i].name);
  }
  char *list = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR, "is not declared; there is %s",
              list && *list ? list : "no declared function");
  sqlite3_free(list);
}

static void definition_drop(Failure *failure, const Definition *definition) {
  sqlite3 *db = definition->connection->db;
  if (failure->code) return;
  if (!function_declared(definition->model, definition->name)) {
    fail_no_function(failure, definition->model->catalog);
    return;
  }
  catalog_remove_function(failure, db, definition->name);
  catalog_announce(failure, db);
}

/* relationship_function_drop(name) */
void declare_function_drop(sqlite3_context *context, int argc,
                           sqlite3_value **argv) {
  Failure failure = {0, NULL};
  Definition definition = {.connection = sqlite3_user_data(context),
                           .arena = arena_new(&failure)};
  if (argc != 1)
    failure_set(&failure, SQLITE_ERROR,
                "takes one argument, the name of a declared function");
  if (!failure.code)
    definition.name =
        declare_text(&failure, argv[0], "the name of the function");
  Undertaking undertaking = declare_begin(&failure, definition.connection);
  definition_open(&failure, &definition);
  definition_drop(&failure, &definition);
  declare_end(&failure, &undertaking, context,
              failure.code ? NULL : sqlite3_mprintf("%s", definition.name));
  if (definition.name) failure_prefix(&failure, "%s: ", definition.name);
  failure_prefix(&failure, "relationship_function_drop: ");
  failure_to_result(&failure, context);
  definition_free(&definition);
}
