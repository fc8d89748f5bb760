/*
** navigator.c: a name under which a relationship is a table.
**
**     students__courses    "students.courses"    "employees.reports*"
**
** Each direction of each relationship is an eponymous virtual table.  Its names
** are those of the relationship, as in a path, and with two underscores for the
** dot where nobody has that name; what a relationship between a table and itself
** leads to again and again is a table too, with * or __all behind.  Which names
** there are is for atlas.c; what one means is looked up here, in the model, when it
** is connected, and again when there is a new model.
**
** Ownership: the atlas owns the navigators, which live as long as the connection.
*/
#include "relate_int.h"

/* ---- what a name means ---- */

static void navigator_unbind(Navigator *navigator) {
  model_release(navigator->model);
  arena_free(navigator->arena);
  sqlite3_free(navigator->columns);
  sqlite3_free(navigator->shape);
  failure_clear(&navigator->problem);
  navigator->model = NULL;
  navigator->arena = NULL;
  navigator->columns = navigator->shape = NULL;
  navigator->route = (Route){0};
  navigator->fields = (Fields){0, NULL, 0, -1};
}

/* The relationship of that name; the failure is the problem to be told. */
static const Relationship *navigator_find(Failure *failure,
                                          const Navigator *navigator,
                                          const Model *model) {
  PathPart part = {navigator->relationship, false};
  Path path = {.schema = navigator->schema,
               .table = navigator->table,
               .name = part.name,
               .count = 1,
               .parts = &part};
  return path_relationship(failure, model, &path);
}

/* The source's key, and the link's. */
static char *uncounted_text(Failure *failure, const Navigator *navigator) {
  const Fields *fields = &navigator->fields;
  Reading reading = {.route = &navigator->route,
                     .fields = fields,
                     .keyed = true,
                     .travels = navigator->travels};
  for (int i = 0; i < fields->count && i < 63; i++)
    if (fields->list[i].origin == FIELD_SOURCE)
      reading.used |= (sqlite3_uint64)1 << i;
  sqlite3_str *text = sqlite3_str_new(NULL);
  reading_select(text, &reading);
  return failure_text(failure, text);
}

/* What the relationship looks like as a table. */
static void navigator_describe(Failure *failure, Navigator *navigator,
                               const Relationship *relationship) {
  Route *route = &navigator->route;
  navigator->meaning = relationship;
  *route = route_of(failure, navigator->arena, relationship);
  navigator->fields =
      fields_of(failure, navigator->arena, route, navigator->travels);
  if (failure->code) return;
  navigator->estimate =
      plan_estimate(failure, navigator->connection->db, route);
  navigator->columns = fields_declaration(failure, &navigator->fields);
  char *uncounted = uncounted_text(failure, navigator);
  if (!failure->code)
    navigator->shape = sqlite3_mprintf("%s\n%s", navigator->columns, uncounted);
  if (!failure->code && !navigator->shape) failure_memory(failure);
  sqlite3_free(uncounted);
}

void navigator_bind(Failure *failure, Navigator *navigator, Model *model) {
  if (failure->code || navigator->model == model) return;
  Failure trouble = {0, NULL};
  navigator_unbind(navigator);
  navigator->arena = arena_new(&trouble);
  const Relationship *found = navigator_find(&trouble, navigator, model);
  if (found) navigator_describe(&trouble, navigator, found);
  if (trouble.code == SQLITE_NOMEM) {
    failure_memory(failure);
    failure_clear(&trouble);
    navigator_unbind(navigator);
    return;
  }
  navigator->problem = trouble;
  navigator->model = model;
  model_retain(model);
}

bool navigator_is_stale(const Navigator *navigator) {
  return !navigator->connected || !navigator->shape ||
         strcmp(navigator->connected, navigator->shape) != 0;
}

/* ---- a name ---- */

/* The names are copied behind it. */
Navigator *navigator_make(Failure *failure, const char *name,
                          const Relationship *relationship,
                          const char *called) {
  const char *texts[] = {name, relationship->model->schema->name,
                         relationship->source->name, called};
  size_t size = sizeof(Navigator);
  for (int i = 0; i < 4; i++) size += strlen(texts[i]) + 1;
  Navigator *navigator = failure->code ? NULL : sqlite3_malloc64(size);
  if (!navigator) {
    failure_memory(failure);
    return NULL;
  }
  memset(navigator, 0, sizeof(*navigator));
  char *place = (char *)(navigator + 1);
  for (int i = 0; i < 4; i++) {
    size_t length = strlen(texts[i]) + 1;
    memcpy(place, texts[i], length);
    texts[i] = place;
    place += length;
  }
  navigator->name = texts[0];
  navigator->schema = texts[1];
  navigator->table = texts[2];
  navigator->relationship = texts[3];
  return navigator;
}

void navigator_free(Navigator *navigator) {
  if (!navigator) return;
  navigator_unbind(navigator);
  sqlite3_free(navigator->connected);
  sqlite3_free(navigator);
}

const char *navigator_name(const Navigator *navigator) {
  return navigator->name;
}
