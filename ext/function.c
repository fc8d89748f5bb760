/*
** function.c: a SQL function and what it stands for.
**
**     relate         built in: its first argument is a path
**     enroll         declared: relate('students.courses', ...)
**
** A Function is the user data of the SQL function of that name, and of its
** virtual table.  When the model is read anew, each declared function is bound
** to the relationship it now means, or gets the problem that a call will tell.
**
** Ownership: the SQL function holds one reference, a virtual table of the name
** one more.  The connection's list holds none: a function leaves it when it
** is freed.
*/
#include "relate_int.h"

static const struct {
  const char *name;
  bool writes;
  PathEnd path_end;
} bases[] = {
    [BASE_RELATE] = {"relate", true, PATH_TO_TABLE},
    [BASE_UNRELATE] = {"unrelate", true, PATH_TO_TABLE},
    [BASE_RELATE_SET] = {"relate_set", true, PATH_TO_TABLE},
    [BASE_RELATE_MOVE] = {"relate_move", true, PATH_TO_TABLE},
    [BASE_RELATED] = {"related", false, PATH_TO_TABLE},
    [BASE_RELATED_COUNT] = {"related_count", false, PATH_TO_TABLE},
    [BASE_RELATED_SUM] = {"related_sum", false, PATH_TO_COLUMN},
    [BASE_RELATED_AVG] = {"related_avg", false, PATH_TO_COLUMN},
    [BASE_RELATED_MIN] = {"related_min", false, PATH_TO_COLUMN},
    [BASE_RELATED_MAX] = {"related_max", false, PATH_TO_COLUMN},
    [BASE_RELATED_VALUE] = {"related_value", false, PATH_TO_COLUMN},
};

/* BASE_NONE if there is none of that name. */
Base base_find(const char *name) {
  for (int base = 0; base < BASE_NONE; base++)
    if (name_equal(bases[base].name, name)) return (Base)base;
  return BASE_NONE;
}

const char *base_name(Base base) { return bases[base].name; }

bool base_writes(Base base) { return bases[base].writes; }

/* What a path that is given to it ends with. */
PathEnd base_path_end(Base base) { return bases[base].path_end; }

/* With one reference, on the connection's list; NULL once *failure is set. */
Function *function_new(Failure *failure, Connection *connection,
                       const char *name, Base base) {
  if (failure->code) return NULL;
  Function *function = sqlite3_malloc64(sizeof(*function));
  char *copy = sqlite3_mprintf("%s", name);
  if (!function || !copy) {
    sqlite3_free(function);
    sqlite3_free(copy);
    failure_memory(failure);
    return NULL;
  }
  memset(function, 0, sizeof(*function));
  function->references = 1;
  function->name = copy;
  function->base = base;
  function->connection = connection;
  connection_retain(connection);
  function->next = connection->functions;
  connection->functions = function;
  return function;
}

static void function_unbind(Function *function) {
  model_release(function->model);
  sqlite3_free(function->problem);
  sqlite3_free(function->path);
  sqlite3_free((void *)function->preset);
  values_free(&function->preset_values);
  function->model = NULL;
  function->relationship = NULL;
  function->route = (Route){0};
  function->problem = function->path = NULL;
  function->preset = NULL;
  function->preset_count = 0;
}

/* Fits where SQLite wants a destructor. */
void function_release(void *pAux) {
  Function *function = pAux;
  if (!function || --function->references) return;
  Function **link = &function->connection->functions;
  while (*link != function) link = &(*link)->next;
  *link = function->next;
  function_unbind(function);
  connection_release(function->connection);
  sqlite3_free(function->table_sql);
  sqlite3_free(function->name);
  sqlite3_free(function);
}

Function *function_find(const Connection *connection, const char *name) {
  Function *function = connection->functions;
  while (function && !name_equal(function->name, name))
    function = function->next;
  return function;
}

/* ---- what a declared function means ---- */

static void function_preset(Failure *failure, Function *function,
                            const char *json) {
  sqlite3_stmt *each =
      statement_prepare(failure, function->connection->db, 0,
                        "SELECT value, key FROM temp.json_each(?1)");
  statement_bind_text(failure, each, 1, json);
  while (statement_step(failure, each)) {
    const Columns *payload = &function->relationship->payload;
    const char *name = statement_text(failure, each, 1);
    Value value = value_of_column(failure, each, 0);
    sqlite3_uint64 room = (sqlite3_uint64)function->preset_count + 1;
    void *list =
        sqlite3_realloc64((void *)function->preset, sizeof(Column *) * room);
    if (!list) {
      failure_memory(failure);
      break;
    }
    function->preset = list;
    const Column *column = NULL;
    for (int i = 0; name && i < payload->count; i++)
      if (name_equal(payload->list[i]->name, name)) column = payload->list[i];
    if (!column) {
      failure_set(failure, SQLITE_ERROR, "%s has no payload column %s any more",
                  function->relationship->full_name, name ? name : "NULL");
      break;
    }
    function->preset[function->preset_count++] = column;
    values_add(failure, &function->preset_values, &value);
  }
  sqlite3_finalize(each);
}

static void function_problem(Failure *failure, Function *function,
                             const char *problem) {
  function->problem = sqlite3_mprintf("%s", problem);
  if (!function->problem) failure_memory(failure);
}

/* What keeps a function that is declared from being called; NULL: nothing. */
static const char *bind_problem(const Function *function,
                                const DeclaredFunction *declared) {
  bool column = declared->route.column != NULL;
  bool wanted = base_path_end(function->base) == PATH_TO_COLUMN;
  if (base_find(declared->declaration->base) != function->base)
    return "means something else since this connection was opened; open it "
           "again";
  if (base_writes(function->base) && declared->relationship->derived)
    return "changes links, but its path can only be read";
  if (column && !wanted) return "its path in the file ends with a column";
  if (wanted && !column) return "its path in the file ends without a column";
  return NULL;
}

void function_bind(Failure *failure, Function *function, Model *model,
                   const DeclaredFunction *declared) {
  function_unbind(function);
  if (!declared) {
    function_problem(failure, function,
                     "was dropped; declare it again with "
                     "relationship_function");
    return;
  }
  if (declared->problem) {
    function_problem(failure, function, declared->problem);
    return;
  }
  Failure trouble = {0, NULL};
  model_retain(model);
  function->model = model;
  function->relationship = declared->relationship;
  function->route = declared->route;
  const char *problem = bind_problem(function, declared);
  if (problem) function_problem(failure, function, problem);
  function_preset(&trouble, function, declared->declaration->preset);
  if (trouble.code && trouble.message && !function->problem)
    function_problem(failure, function, trouble.message);
  if (trouble.code == SQLITE_NOMEM) failure_memory(failure);
  failure_clear(&trouble);
}

/* ---- the relationship of a call ---- */

static const Relationship *declared_relationship(Failure *failure,
                                                 const Function *function) {
  if (function->problem || !function->relationship) {
    failure_set(failure, SQLITE_ERROR, "%s",
                function->problem ? function->problem : "is not bound");
    return NULL;
  }
  return function->relationship;
}

static bool remembers(const Function *function, const Model *model,
                      const Value *path) {
  return function->path && function->model == model &&
         path->type == SQLITE_TEXT && strcmp(function->path, path->bytes) == 0;
}

/* What the function meant at its last call, with this path; NULL if that is not
** known.  The schema may have changed since. */
const Relationship *function_remembered(const Function *function,
                                        const Value *path) {
  if (function->declared)
    return function->problem ? NULL : function->relationship;
  return remembers(function, function->model, path) ? function->relationship
                                                    : NULL;
}

/* Keeps what a path was found to mean: most calls name the same one. */
static void remember(Failure *failure, Function *function, Model *model,
                     const char *path, const Relationship *relationship) {
  if (failure->code) return;
  function_unbind(function);
  function->path = sqlite3_mprintf("%s", path);
  if (!function->path) {
    failure_memory(failure);
    return;
  }
  model_retain(model);
  function->model = model;
  function->relationship = relationship;
}

static bool path_is_text(Failure *failure, const Value *path) {
  if (path->type == SQLITE_TEXT) return true;
  failure_set(failure, SQLITE_MISMATCH,
              "a relationship is given by its name, such as "
              "'students.courses'");
  return false;
}

void function_check_links(Failure *failure, const Relationship *relationship) {
  if (relationship && relationship->derived)
    failure_set(failure, SQLITE_ERROR,
                "%s can only be read: it is declared by a path or a condition; "
                "change the links of %s",
                relationship->full_name,
                relationship->step_count == 1
                    ? relationship->steps[0].relationship->full_name
                    : "its steps");
}

/* The relationship that a declared function changes. */
static const Relationship *declared_links(Failure *failure,
                                          const Function *function) {
  const Relationship *relationship = declared_relationship(failure, function);
  function_check_links(failure, relationship);
  return failure->code ? NULL : relationship;
}

const Relationship *function_relationship(Failure *failure, Function *function,
                                          Model *model, const Value *path) {
  if (failure->code) return NULL;
  if (function->declared) return declared_links(failure, function);
  if (remembers(function, model, path)) return function->relationship;
  if (!path_is_text(failure, path)) return NULL;
  Path read = path_read(failure, path->bytes);
  if (!failure->code && !name_equal(read.schema, model->schema->name))
    failure_set(failure, SQLITE_ERROR,
                "%s is not in main: links of an attached database can be "
                "read, not changed",
                path->bytes);
  const Relationship *found = path_relationship(failure, model, &read);
  function_check_links(failure, found);
  path_free(&read);
  if (found) remember(failure, function, model, path->bytes, found);
  return failure->code ? NULL : found;
}

Route function_route(Failure *failure, Function *function, Arena *arena,
                     const Value *path, Model **model) {
  Path read = {.schema = "main"};
  if (!failure->code && !function->declared && path_is_text(failure, path))
    read = path_read(failure, path->bytes);
  *model = connection_enter(failure, function->connection, read.schema);
  Route route = {0};
  if (!failure->code && function->declared) {
    if (declared_relationship(failure, function)) route = function->route;
  } else if (!failure->code) {
    route = path_route(failure, arena, *model, &read,
                       base_path_end(function->base));
  }
  path_free(&read);
  return route;
}
