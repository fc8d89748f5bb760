/*
** route.c: a way through the model.
**
**     students.courses.students.name
**
**     source    students
**     steps     students.courses, courses.students
**     target    students
**     column    name
**
** A step over a derived relationship stands for the steps that it is declared
** by, so a route has plain ones only; but for one that is repeated as a whole.
**
** Ownership: the steps are in the arena of whoever makes the route.
*/
#include "relate_int.h"

/* Adds a step; where the route then leads is the caller's to say. */
void route_add(Failure *failure, Arena *arena, Route *route, Step step) {
  route->steps = arena_extend(failure, arena, route->steps, route->count,
                              sizeof(*route->steps));
  if (!failure->code) route->steps[route->count++] = step;
}

/* Adds the steps that a relationship stands for. */
void route_follow(Failure *failure, Arena *arena, Route *route,
                  const Relationship *relationship) {
  for (int i = 0; i < relationship->step_count; i++)
    route_add(failure, arena, route, relationship->steps[i]);
  if (!relationship->step_count)
    route_add(failure, arena, route, (Step){.relationship = relationship});
}

/* The way that is only this relationship. */
Route route_of(Failure *failure, Arena *arena,
               const Relationship *relationship) {
  Route route = {.source = relationship->source,
                 .target = relationship->target,
                 .order_by = relationship->order_by};
  route_follow(failure, arena, &route, relationship);
  return route;
}

/* The relationship whose links the route is about: its only step, not
** repeated.  NULL for any other route, which is about targets. */
const Relationship *route_link(const Route *route) {
  return route->count == 1 && !route->steps[0].repeat
             ? route->steps[0].relationship
             : NULL;
}

/* Ends the route with a column of the target, or else of the link where each
** link counts; false if there is none of that name. */
bool route_end(Route *route, const char *name) {
  const Table *target = route->target;
  const Relationship *link = route_link(route);
  route->in_link = false;
  route->column = table_column(target, name);
  if (!route->column && target->rowid.name &&
      name_equal(target->rowid.name, name))
    route->column = &target->rowid;
  for (int i = 0; link && !route->column && i < link->payload.count; i++)
    if (name_equal(link->payload.list[i]->name, name)) {
      route->column = link->payload.list[i];
      route->in_link = true;
    }
  return route->column != NULL;
}

bool step_is_to_one(const Step *step) {
  Cardinality cardinality = step->relationship->cardinality;
  return !step->repeat &&
         (cardinality == MANY_TO_ONE || cardinality == ONE_TO_ONE);
}

/* True if no more than one row is reached. */
bool route_is_to_one(const Route *route) {
  for (int i = 0; i < route->count; i++)
    if (!step_is_to_one(&route->steps[i])) return false;
  return true;
}

static bool steps_have_where(const Step *steps, int count) {
  for (int i = 0; i < count; i++) {
    const Relationship *relationship = steps[i].relationship;
    if (steps[i].where ||
        steps_have_where(relationship->steps, relationship->step_count))
      return true;
  }
  return false;
}

/* How a statement about the route is prepared: what a declaration brings along
** may use json_each. */
unsigned route_flags(const Route *route) {
  bool plain =
      !route->order_by && !steps_have_where(route->steps, route->count);
  return plain ? STATEMENT_PLAIN : 0;
}

const Columns *route_start(const Route *route) {
  return &route->steps[0].relationship->source_key;
}
