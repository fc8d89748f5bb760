/*
** model.c: relationships.
**
** A Relationship is one direction of travel between two tables:
**
**     students.courses          students --< student_course >-- courses
**     source = students         students.id = student_course.student_id
**     target = courses          student_course.course_id = courses.id
**
** The model is all of them that are in one schema.  It is made by builder.c, and
** nothing changes it afterwards; here it is asked.
**
** Names
**   exact    car_models_by_brand_id   made of the key alone: never changes
**   short    car_models               works while no other of the table has it
**   declared models                   what relationship() gave
** An exact name is looked up first, then a declared, then a short one.
**
** Ownership: everything lives in the model's arena.  A caller that goes on
** after connection_leave holds a reference; a schema change may then replace
** the model without pulling it away.
*/
#include "relate_int.h"

const char *cardinality_name(Cardinality cardinality) {
  static const char *const names[] = {"one-to-one", "one-to-many",
                                      "many-to-one", "many-to-many"};
  return names[cardinality];
}

static const Relationship *find_exact(const Model *model, const char *table,
                                      const char *name) {
  int low = 0, high = model->relationship_count - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    const Relationship *relationship = &model->relationships[middle];
    int order = sqlite3_stricmp(table, relationship->source->name);
    if (!order) order = sqlite3_stricmp(name, relationship->exact_name);
    if (!order) return relationship;
    if (order < 0) {
      high = middle - 1;
    } else {
      low = middle + 1;
    }
  }
  return NULL;
}

static const Relationship *find_declared(const Model *model, const char *table,
                                         const char *name) {
  if (!model->catalog->declaration_count) return NULL;
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *relationship = &model->relationships[i];
    if (relationship->declaration && relationship->declaration->name &&
        name_equal(relationship->declaration->name, name) &&
        name_equal(relationship->source->name, table))
      return relationship;
  }
  return NULL;
}

static const Relationship *find_short(const Model *model, const char *table,
                                      const char *name) {
  int low = 0, high = model->relationship_count - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    const Relationship *relationship = model->by_short_name[middle];
    int order = sqlite3_stricmp(table, relationship->source->name);
    if (!order) order = sqlite3_stricmp(name, relationship->short_name);
    if (!order) return relationship->short_is_shared ? NULL : relationship;
    if (order < 0) {
      high = middle - 1;
    } else {
      low = middle + 1;
    }
  }
  return NULL;
}

const Relationship *model_find(const Model *model, const char *table,
                               const char *name) {
  const Relationship *found = find_exact(model, table, name);
  if (!found) found = find_declared(model, table, name);
  if (!found) found = find_short(model, table, name);
  return found;
}

const Relationship *model_direction(Failure *failure, const Model *model,
                                    const Direction *direction) {
  if (failure->code) return NULL;
  Arena *scratch = arena_new(failure);
  int found = direction_find(failure, scratch, model->relationships,
                             model->relationship_count, direction);
  arena_free(scratch);
  return failure->code || found < 0 ? NULL : &model->relationships[found];
}

void model_retain(Model *model) { model->references++; }

void model_release(Model *model) {
  if (model && --model->references == 0) arena_free(model->arena);
}

bool link_is_source(const Relationship *r) {
  return r->cardinality != MANY_TO_MANY && r->linked_by_source;
}

bool link_is_target(const Relationship *r) {
  return r->cardinality != MANY_TO_MANY && !r->linked_by_source;
}

bool relationship_is_to_one(const Relationship *r) {
  return r->cardinality == ONE_TO_ONE || r->cardinality == MANY_TO_ONE;
}
