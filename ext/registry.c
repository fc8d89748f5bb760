/*
** registry.c: the functions that have a base.
**
**     relate, related_count, ...     built in
**     enroll, course_count, ...      declared by the file
**
** All are registered alike: verbs as aggregates, and with a table of the same
** name; the others as scalars.  A name is registered once on a connection, for
** good; with each new model the declared ones are bound to what they now mean,
** and those that are gone say so.
**
** A name from a file is untrusted: it must not take the place of a function or
** virtual table that is there already.
*/
#include "relate_int.h"

static Function *registry_create(Failure *failure, Connection *connection,
                                 const char *name, Base base, bool declared) {
  Function *function = function_new(failure, connection, name, base);
  if (!function) return NULL;
  function->declared = declared;
  bool writes = base_writes(base);
  if (sqlite3_create_function_v2(
          connection->db, name, -1, FUNCTION_FLAGS, function,
          writes ? NULL : scalar_function, writes ? verb_step : NULL,
          writes ? verb_final : NULL, function_release)) {
    failure_from_db(failure, connection->db); /* and has released it */
    return NULL;
  }
  return function;
}

static bool has_table(Base base) {
  return base == BASE_RELATE || base == BASE_UNRELATE;
}

void registry_add(Failure *failure, Connection *connection, const char *name,
                  Base base, bool declared) {
  Function *function =
      registry_create(failure, connection, name, base, declared);
  if (function && has_table(base)) verb_table_register(failure, function);
}

/* Asked of the compiler: to list all functions takes much longer. */
static bool is_function(Failure *failure, sqlite3 *db, const char *name) {
  Failure refused = {0, NULL};
  sqlite3_stmt *statement =
      statement_format(&refused, db, 0, "SELECT \"%w\"()", name);
  sqlite3_finalize(statement);
  bool unknown =
      refused.message && name_starts(refused.message, "no such function");
  if (refused.code == SQLITE_NOMEM) failure_memory(failure);
  failure_clear(&refused);
  return !unknown;
}

/* True if the name is of a function or virtual table that is not ours. */
static bool name_is_taken(Failure *failure, sqlite3 *db, const char *name) {
  return name_starts(name, "sqlite_") || name_starts(name, "pragma_") ||
         name_starts(name, "json_") || is_function(failure, db, name) ||
         module_exists(failure, db, name);
}

static void declared_register(Failure *failure, Connection *connection,
                              Model *model, const DeclaredFunction *declared) {
  const char *name = declared->declaration->name;
  Base base = declared->declaration->base
                  ? base_find(declared->declaration->base)
                  : BASE_NONE;
  if (!name || !*name || base == BASE_NONE || declared->declaration->problem)
    return;
  Function *function = function_find(connection, name);
  if (function && !function->declared) return;
  if (!function) {
    if (name_is_taken(failure, connection->db, name)) return;
    function = registry_create(failure, connection, name, base, true);
  }
  if (!function) return;
  function_bind(failure, function, model, declared);
  if (has_table(function->base)) verb_table_register(failure, function);
}

static const DeclaredFunction *declared_find(const Model *model,
                                             const char *name) {
  for (int i = 0; i < model->function_count; i++) {
    const char *declared = model->functions[i].declaration->name;
    if (declared && name_equal(declared, name)) return &model->functions[i];
  }
  return NULL;
}

/* The functions of this connection become those of the new model.  One that
** can't be registered now is tried again with the next model; but where memory
** ran out, no module may be registered any more. */
void registry_announce(Failure *failure, Connection *connection, Model *model) {
  for (int i = 0; i < model->function_count && !failure->code; i++) {
    declared_register(failure, connection, model, &model->functions[i]);
    if (failure->code != SQLITE_NOMEM) failure_clear(failure);
  }
  Function *function = connection->functions;
  for (; function && !failure->code; function = function->next)
    if (function->declared && !declared_find(model, function->name))
      function_bind(failure, function, model, NULL);
}
