/*
** derive.c: what is said of a derived relationship.
**
**     relationship('students.classmates', 'path', 'courses.students')
**     relationship('students.current', 'target', 'courses',
**                  'where', 'link.grade IS NULL')
**
** A path, or a condition, makes a name one of a derived relationship.  With a
** path the steps are those that it leads along; otherwise the other options
** tell the one relationship that is meant, among those that are there: nothing
** is made for a derived one.
**
** What can be said of it afterwards is its condition, its order, its view and a
** comment.
*/
#include "relate_int.h"

bool derive_asked(const Request *request) {
  return request->values[OPTION_PATH] || request->values[OPTION_WHERE];
}

/* ---- what may be said ---- */

static void check_read_only(Failure *failure, const Request *request) {
  static const Option writing[] = {OPTION_INVERSE, OPTION_CARDINALITY,
                                   OPTION_ON_DELETE, OPTION_ON_UPDATE,
                                   OPTION_DELETE_ORPHAN};
  for (size_t i = 0; i < sizeof(writing) / sizeof(writing[0]); i++)
    if (request->values[writing[i]] && !failure->code)
      failure_set(failure, SQLITE_ERROR,
                  "%s can't be said of a path or a condition, which can only "
                  "be read; say it of the relationship that it leads along",
                  option_name(writing[i]));
}

static void check_only_path(Failure *failure, const Request *request) {
  static const Option others[] = {OPTION_THROUGH, OPTION_TARGET,
                                  OPTION_FOREIGN_KEY};
  if (!request->values[OPTION_PATH]) return;
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    if (request->values[others[i]] && !failure->code)
      failure_set(failure, SQLITE_ERROR,
                  "path says which relationships are meant; leave %s out",
                  option_name(others[i]));
}

/* ---- the steps ---- */

static Route route_by_path(Failure *failure, const Request *request) {
  Path path = path_read_from(failure, request->path.table,
                             request->values[OPTION_PATH]);
  Route route =
      path_route(failure, request->arena, request->model, &path, PATH_TO_TABLE);
  path_free(&path);
  failure_prefix(failure, "path: ");
  return route;
}

static Route route_by_options(Failure *failure, const Request *request) {
  if (!request->target && !request->through && !request->column_count)
    failure_set(failure, SQLITE_ERROR,
                "of which relationship is this a part? say its path, or "
                "through, target or foreign_key");
  const Relationship *chosen = request_choose(failure, request);
  return chosen ? route_of(failure, request->arena, chosen) : (Route){0};
}

static Route derive_route(Failure *failure, const Request *request) {
  if (failure->code) return (Route){0};
  return request->values[OPTION_PATH] ? route_by_path(failure, request)
                                      : route_by_options(failure, request);
}

/* ---- the row ---- */

Declaration derive_declaration(Failure *failure, const Request *request) {
  Declaration declaration = {.name = request->path.name, .options = "{}"};
  Route route = derive_route(failure, request);
  if (failure->code) return declaration;
  declaration.path = derivation_path(failure, request->arena, &route);
  if (failure->code) return declaration;
  declaration.direction =
      (Direction){.source = route.source->name,
                  .target = route.target->name,
                  .link = route.steps[0].relationship->link->name};
  return declaration;
}

static void check_same_path(Failure *failure, const Request *request,
                            const Relationship *relationship) {
  if (!request->given[OPTION_PATH]) return;
  Route route = {0};
  if (request->values[OPTION_PATH]) route = derive_route(failure, request);
  const char *path =
      route.count ? derivation_path(failure, request->arena, &route) : "";
  if (!failure->code && strcmp(path, relationship->declaration->path) != 0)
    failure_set(failure, SQLITE_ERROR,
                "it is declared by another path; drop it first");
}

void derive_check(Failure *failure, const Request *request,
                  const Relationship *relationship) {
  check_read_only(failure, request);
  check_only_path(failure, request);
  if (!failure->code && relationship) {
    request_check(failure, request, relationship);
    check_same_path(failure, request, relationship);
  }
}
