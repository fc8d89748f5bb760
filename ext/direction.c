/*
** direction.c: a relationship as tables and columns.
**
** What the file keeps of a relationship names no relationship, since names may
** come to mean something else.  It says from which table to which, and by which
** columns of the link table:
**
**     source    link            source_columns   target_columns  target
**     students  student_course  ["student_id"]   ["course_id"]   courses
**     brands    car_models      ["brand_id"]     NULL            car_models
**     car_models car_models     NULL             ["brand_id"]    brands
**
** Column lists are JSON, and compared as text.
*/
#include "relate_int.h"

bool direction_same(const Direction *a, const Direction *b) {
  return name_equal(a->source, b->source) && name_equal(a->target, b->target) &&
         name_equal(a->link, b->link) &&
         name_equal(a->source_columns, b->source_columns) &&
         name_equal(a->target_columns, b->target_columns);
}

/* ["student_id"] */
const char *direction_columns(Failure *failure, Arena *arena,
                              const Columns *columns) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "[");
  for (int i = 0; i < columns->count; i++) {
    if (i) sqlite3_str_appendall(text, ",");
    name_append_json(text, columns->list[i]->name);
  }
  sqlite3_str_appendall(text, "]");
  return arena_string(failure, arena, text);
}

/* That of a relationship which is not derived. */
Direction direction_of(Failure *failure, Arena *arena,
                       const Relationship *relationship) {
  const Relationship *r = relationship;
  bool many = r->cardinality == MANY_TO_MANY;
  Direction direction = {r->source->name, r->target ? r->target->name : NULL,
                         r->link->name, NULL, NULL};
  if (many || !r->linked_by_source)
    direction.source_columns =
        direction_columns(failure, arena, &r->source_link);
  if (many || r->linked_by_source)
    direction.target_columns =
        direction_columns(failure, arena, &r->target_link);
  return direction;
}

const char *direction_lost(Failure *failure, Arena *arena, const Schema *schema,
                           const Direction *direction) {
  const Direction *way = direction;
  const char *missing = !schema_table(schema, way->source)   ? way->source
                        : !schema_table(schema, way->target) ? way->target
                        : !schema_table(schema, way->link)   ? way->link
                                                             : NULL;
  if (missing)
    return arena_format(failure, arena,
                        "declared, but the table %s is gone; drop this and "
                        "declare it anew",
                        missing);
  return arena_format(failure, arena,
                      "declared, but %s no longer has the foreign key; drop "
                      "this and declare it anew",
                      way->link);
}

/* The relationship of a list that goes in `direction`, or -1. */
int direction_find(Failure *failure, Arena *scratch, const Relationship *list,
                   int count, const Direction *direction) {
  for (int i = 0; i < count && !failure->code; i++) {
    if (list[i].derived ||
        !name_equal(list[i].source->name, direction->source) ||
        !name_equal(list[i].link->name, direction->link))
      continue;
    Direction other = direction_of(failure, scratch, &list[i]);
    if (direction_same(&other, direction)) return i;
  }
  return -1;
}
