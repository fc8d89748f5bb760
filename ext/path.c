/*
** path.c: what a path names.
**
**     students.courses              a relationship of main
**     students.courses.teacher      one step after another
**     car_info.model.brand.name     and a column at the end
**     employees.reports*            a step, as often as it leads on
**     "odd name".courses            a name in SQL's quotes
**     aux:students.courses          a table of an attached database
**
** This grammar holds wherever a path is written.  path_read takes the text
** apart; path_route finds what it means in a model.  A name that is not found
** gives an error that says at which step, and offers what is near.
**
** A step over a derived relationship stands for the steps that it is declared
** by, so a Route has plain ones only; but for one that is repeated as a whole.
*/
#include "relate_int.h"

#define PATH_OFFERS 5
#define PATH_STEPS_LIMIT 1000

/* ---- reading ---- */

/* The name at *cursor; NULL if there is none. */
static const char *path_name(Failure *failure, Path *path,
                             const char **cursor) {
  sqlite3_str *name = sqlite3_str_new(NULL);
  bool found = name_read(cursor, name);
  const char *text = arena_string(failure, path->arena, name);
  return found ? text : NULL;
}

static void path_malformed(Failure *failure, const char *text) {
  failure_set(failure, SQLITE_ERROR,
              "'%.100s' is not a path: write table.relationship, such as "
              "students.courses; odd names in double quotes",
              text);
}

/* Adds what follows a dot; false if that is no name. */
static bool path_part(Failure *failure, Path *path, const char **cursor) {
  const char *name = path_name(failure, path, cursor);
  if (!name || failure->code) return false;
  path->parts = arena_extend(failure, path->arena, path->parts, path->count,
                             sizeof(*path->parts));
  if (failure->code) return false;
  bool repeat = **cursor == '*';
  if (repeat) ++*cursor;
  path->parts[path->count++] = (PathPart){name, repeat};
  if (path->count > PATH_STEPS_LIMIT)
    failure_set(failure, SQLITE_ERROR, "a path has at most %d steps",
                PATH_STEPS_LIMIT);
  return true;
}

static void path_parts(Failure *failure, Path *path, const char *text,
                       const char *cursor) {
  bool well = true;
  while (well && *cursor == '.') {
    cursor++;
    well = path_part(failure, path, &cursor);
  }
  if (!well || *cursor) path_malformed(failure, text);
  path->name = path->count ? path->parts[0].name : NULL;
}

/* Takes the text apart; what it names may not exist.  Free with path_free. */
Path path_read(Failure *failure, const char *text) {
  Path path = {.arena = arena_new(failure), .schema = "main"};
  const char *cursor = text;
  if (failure->code) return path;
  path.table = path_name(failure, &path, &cursor);
  if (path.table && *cursor == ':') {
    cursor++;
    path.schema = path.table;
    path.table = path_name(failure, &path, &cursor);
  }
  if (path.table) {
    path_parts(failure, &path, text, cursor);
  } else {
    path_malformed(failure, text);
  }
  return path;
}

/* The same of a text that begins with the first step from `table`. */
/* A name that is no path is taken as it stands. */
Path path_read_table(Failure *failure, const Value *name, const char *where) {
  Failure odd = {0, NULL};
  if (name->type != SQLITE_TEXT) {
    failure_set(failure, SQLITE_MISMATCH, "the name of a table is not text");
  } else if (strlen(name->bytes) != (size_t)name->size) {
    failure_set(failure, SQLITE_MISMATCH,
                "the name of a table has a NUL in it");
  }
  if (failure->code) return (Path){.schema = "main"};
  Path path = path_read(&odd, name->bytes);
  if (odd.code == SQLITE_ERROR)
    path.table = arena_text(failure, path.arena, name->bytes);
  if (odd.code && odd.code != SQLITE_ERROR) failure_memory(failure);
  if (!odd.code && path.count)
    failure_set(failure, SQLITE_ERROR,
                "the first argument is a table; what it leads to is said in "
                "the %s",
                where);
  failure_clear(&odd);
  return path;
}

Path path_read_from(Failure *failure, const char *table, const char *text) {
  sqlite3_str *whole = sqlite3_str_new(NULL);
  name_append(whole, table);
  sqlite3_str_appendf(whole, ".%s", text);
  char *finished = failure_text(failure, whole);
  Path path = path_read(failure, finished ? finished : "");
  sqlite3_free(finished);
  return path;
}

void path_free(Path *path) {
  arena_free(path->arena);
  *path = (Path){NULL, NULL, NULL, NULL, 0, NULL};
}

/* ---- what is near ---- */

/* The names that resemble `wanted` most, nearest first. */
typedef struct Offers {
  const char *wanted;
  int count;
  const char *names[PATH_OFFERS];
  int distances[PATH_OFFERS];
} Offers;

static void offers_add(Offers *offers, const char *name) {
  int distance = name_distance(offers->wanted, name), place = offers->count;
  for (int i = 0; i < offers->count; i++)
    if (name_equal(offers->names[i], name)) return;
  while (place > 0 && offers->distances[place - 1] > distance) place--;
  if (place == PATH_OFFERS) return;
  if (offers->count < PATH_OFFERS) offers->count++;
  for (int i = offers->count - 1; i > place; i--) {
    offers->names[i] = offers->names[i - 1];
    offers->distances[i] = offers->distances[i - 1];
  }
  offers->names[place] = name;
  offers->distances[place] = distance;
}

static void offers_fail(Failure *failure, const Offers *offers,
                        const char *message, const char *none) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, message);
  sqlite3_str_appendall(text, offers->count ? "; there is " : none);
  for (int i = 0; i < offers->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    name_append(text, offers->names[i]);
  }
  char *finished = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR, "%s", finished);
  sqlite3_free(finished);
}

static void fail_table(Failure *failure, const Schema *schema,
                       const char *table) {
  Offers offers = {.wanted = table};
  for (int i = 0; i < schema->table_count; i++)
    if (!name_starts(schema->tables[i].name, "_relationship"))
      offers_add(&offers, schema->tables[i].name);
  char *message = sqlite3_mprintf("no table %s in %s", table, schema->name);
  if (!message) failure_memory(failure);
  offers_fail(failure, &offers, message, ", which has none");
  sqlite3_free(message);
}

static void fail_ambiguous(Failure *failure, const Model *model,
                           const Table *table, const char *name) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  const char *separator = "";
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *relationship = &model->relationships[i];
    if (relationship->source != table ||
        !name_equal(relationship->short_name, name))
      continue;
    sqlite3_str_appendall(text, separator);
    name_append(text, relationship->exact_name);
    separator = ", ";
  }
  char *list = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR,
              "%s.%s is ambiguous; say which: %s, or declare a name for it",
              table->name, name, list);
  sqlite3_free(list);
}

static bool short_is_shared(const Model *model, const Table *table,
                            const char *name) {
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *relationship = &model->relationships[i];
    if (relationship->source == table && relationship->short_is_shared &&
        name_equal(relationship->short_name, name))
      return true;
  }
  return false;
}

static void fail_relationship(Failure *failure, const Model *model,
                              const Table *table, const char *name) {
  Offers offers = {.wanted = name};
  if (short_is_shared(model, table, name)) {
    fail_ambiguous(failure, model, table, name);
    return;
  }
  for (int i = 0; i < model->relationship_count; i++)
    if (model->relationships[i].source == table)
      offers_add(&offers, model->relationships[i].name);
  char *message =
      sqlite3_mprintf("%s has no relationship %s", table->name, name);
  if (!message) failure_memory(failure);
  offers_fail(failure, &offers, message,
              ", and no foreign key that would make one; see "
              "relationship_list");
  sqlite3_free(message);
}

static void fail_column(Failure *failure, const Table *table,
                        const Columns *payload, const char *name) {
  Offers offers = {.wanted = name};
  for (int i = 0; i < table->column_count; i++)
    offers_add(&offers, table->columns[i].name);
  for (int i = 0; i < payload->count; i++)
    offers_add(&offers, payload->list[i]->name);
  char *message = sqlite3_mprintf("%s has no column %s", table->name, name);
  if (!message) failure_memory(failure);
  offers_fail(failure, &offers, message, "");
  sqlite3_free(message);
}

/* A name alone, which could be of a column or of a relationship. */
void path_fail_name(Failure *failure, const Model *model, const Table *table,
                    const Columns *payload, const char *name) {
  Offers offers = {.wanted = name};
  if (failure->code) return;
  if (short_is_shared(model, table, name)) {
    fail_ambiguous(failure, model, table, name);
    return;
  }
  for (int i = 0; i < table->column_count; i++)
    offers_add(&offers, table->columns[i].name);
  for (int i = 0; payload && i < payload->count; i++)
    offers_add(&offers, payload->list[i]->name);
  for (int i = 0; i < model->relationship_count; i++)
    if (model->relationships[i].source == table)
      offers_add(&offers, model->relationships[i].name);
  char *message =
      sqlite3_mprintf("%s has no column or relationship %s", table->name, name);
  if (!message) failure_memory(failure);
  offers_fail(failure, &offers, message, "");
  sqlite3_free(message);
}

/* ---- what a path names ---- */

const Table *path_table(Failure *failure, const Model *model,
                        const char *table) {
  if (failure->code) return NULL;
  const Table *found = schema_table(model->schema, table);
  if (!found) fail_table(failure, model->schema, table);
  return found;
}

/* The usable relationship of that name, or a failure. */
static const Relationship *path_step(Failure *failure, const Model *model,
                                     const char *from, const char *name) {
  if (failure->code) return NULL;
  const Relationship *found = model_find(model, from, name);
  if (found && !found->problem) return found;
  const Table *table = found ? NULL : path_table(failure, model, from);
  if (found) {
    failure_set(failure, SQLITE_ERROR, "%s can't be used: %s", found->full_name,
                found->problem);
  } else if (table) {
    fail_relationship(failure, model, table, name);
  }
  return NULL;
}

static void fail_no_step(Failure *failure, const Path *path) {
  failure_set(failure, SQLITE_ERROR,
              "'%s' is a table; name a relationship of it, such as "
              "students.courses",
              path->table);
}

const Relationship *path_relationship(Failure *failure, const Model *model,
                                      const Path *path) {
  if (failure->code) return NULL;
  if (!path->count) fail_no_step(failure, path);
  if (path->count > 1 || (path->count && path->parts[0].repeat))
    failure_set(failure, SQLITE_ERROR,
                "a path; name one relationship, such as %s.%s", path->table,
                path->name);
  return path_step(failure, model, path->table, path->name);
}

/* ---- a path as steps ---- */

typedef struct Router {
  Failure *failure;
  Arena *arena;
  const Model *model;
  Route *route;
} Router;

static void router_repeat(Router *router, const Relationship *relationship) {
  Step step = {.relationship = relationship, .repeat = true};
  if (relationship->source != relationship->target)
    failure_set(router->failure, SQLITE_ERROR,
                "%s* can't repeat: it leads from %s to %s, not back to the "
                "same table",
                relationship->full_name, relationship->source->name,
                relationship->target->name);
  if (relationship->step_count == 1) {
    step = relationship->steps[0];
    step.repeat = true;
  }
  route_add(router->failure, router->arena, router->route, step);
}

static void router_part(Router *router, const PathPart *part) {
  Route *route = router->route;
  const Relationship *relationship = path_step(router->failure, router->model,
                                               route->target->name, part->name);
  if (!relationship) return;
  if (part->repeat) {
    router_repeat(router, relationship);
  } else {
    route_follow(router->failure, router->arena, route, relationship);
  }
  route->order_by = part->repeat ? NULL : relationship->order_by;
  route->target = relationship->target;
}

static void router_column(Router *router, const char *name) {
  static const Columns none = {0, NULL};
  Route *route = router->route;
  const Relationship *link = route_link(route);
  if (router->failure->code) return;
  if (!route_end(route, name))
    fail_column(router->failure, route->target, link ? &link->payload : &none,
                name);
}

/* True if the part is a step rather than the column at the end. */
static bool is_step(const Router *router, const Path *path, int i,
                    PathEnd end) {
  const PathPart *part = &path->parts[i];
  Route ahead = *router->route;
  if (i < path->count - 1 || end == PATH_TO_TABLE) return true;
  if (end == PATH_TO_COLUMN || part->repeat) return part->repeat;
  return model_find(router->model, router->route->target->name, part->name) ||
         !route_end(&ahead, part->name);
}

static void check_column_end(Failure *failure, const Path *path,
                             const Route *route, PathEnd end) {
  if (failure->code || end != PATH_TO_COLUMN || route->column) return;
  failure_set(failure, SQLITE_ERROR,
              "the path ends at the table %s; name a column of it at the end",
              route->target ? route->target->name : path->table);
}

Route path_route(Failure *failure, Arena *arena, const Model *model,
                 const Path *path, PathEnd end) {
  Route route = {0};
  Router router = {failure, arena, model, &route};
  if (failure->code) return route;
  if (!path->count || (path->count == 1 && end == PATH_TO_COLUMN))
    fail_no_step(failure, path);
  /* The table of a declaration that is lost is gone: the step tells more. */
  if (path->count && !schema_table(model->schema, path->table))
    path_step(failure, model, path->table, path->name);
  route.source = route.target = path_table(failure, model, path->table);
  for (int i = 0; i < path->count && !failure->code; i++) {
    if (is_step(&router, path, i, end)) {
      router_part(&router, &path->parts[i]);
    } else {
      router_column(&router, path->parts[i].name);
    }
  }
  check_column_end(failure, path, &route, end);
  if (failure->code) route.count = 0;
  return route;
}
