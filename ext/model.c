/*
** model.c: relationships.
**
** A Relationship is one direction of travel between two tables:
**
**     students.courses          students --< student_course >-- courses
**     source = students         students.id = student_course.student_id
**     target = courses          student_course.course_id = courses.id
**
** The model is made of the foreign keys of one schema and of what is declared
** there.  A foreign key gives a relationship each way; two foreign keys that
** together are the key of their table give a many-to-many each way.
**
** Names
**   exact    car_models_by_brand_id   made of the key alone: never changes
**   short    car_models               works while no other of the table has it
**   declared models                   what relationship() gave
** An exact name is looked up first, then a declared, then a short one.
**
** Invariants
**   1. Every usable relationship has an inverse; inverse->inverse is itself.
**   2. Column i of one end is compared with column i of the other.
**   3. The relationships of one table stand together.
**
** Ownership: everything lives in the model's arena.  A caller that goes on
** after connection_leave holds a reference; a schema change may then replace
** the model without pulling it away.
*/
#include "relate_int.h"

#include <stdlib.h>

typedef struct Builder {
  Failure *failure;
  Model *model;
  Arena *arena;
  sqlite3_int64 *serial;
  int count;
  Relationship *list; /* the two directions of a pair stand together */
} Builder;

const char *cardinality_name(Cardinality cardinality) {
  static const char *const names[] = {"one-to-one", "one-to-many",
                                      "many-to-one", "many-to-many"};
  return names[cardinality];
}

/* ---- text ---- */

static const char *builder_text(Builder *builder, sqlite3_str *text) {
  return arena_string(builder->failure, builder->arena, text);
}

/* table.column, or table(column, column) */
static void append_key(sqlite3_str *text, const Table *table,
                       const Columns *columns) {
  sqlite3_str_appendf(text, columns->count == 1 ? "%s." : "%s(", table->name);
  columns_append(text, columns, ", ");
  if (columns->count != 1) sqlite3_str_appendall(text, ")");
}

static const char *because_of_key(Builder *builder, const ForeignKey *key,
                                  bool unique) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  append_key(text, key->table, &key->columns);
  sqlite3_str_appendall(text, " refers to ");
  if (key->parent) {
    append_key(text, key->parent, &key->parent_columns);
  } else {
    sqlite3_str_appendall(text, key->parent_name);
  }
  if (unique && columns_same_set(&key->table->primary_key, &key->columns)) {
    sqlite3_str_appendall(text, " and is the primary key");
  } else if (unique) {
    sqlite3_str_appendall(text, " and is UNIQUE");
  }
  return builder_text(builder, text);
}

static const char *because_of_pair(Builder *builder, const ForeignKey *first,
                                   const ForeignKey *second, bool unique) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s(", first->table->name);
  columns_append(text, &first->columns, ", ");
  sqlite3_str_appendall(text, ", ");
  columns_append(text, &second->columns, ", ");
  sqlite3_str_appendall(text, unique ? "): two foreign keys that are its key"
                                     : "): two foreign keys, declared to link; "
                                       "a pair may repeat");
  return builder_text(builder, text);
}

/* ---- names ---- */

static const char *exact_to_parent(Builder *builder, const ForeignKey *key) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  columns_append(text, &key->columns, "_");
  sqlite3_str_appendf(text, "_%s",
                      key->parent ? key->parent->name : key->parent_name);
  return builder_text(builder, text);
}

static const char *exact_to_child(Builder *builder, const ForeignKey *key) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s_by_", key->table->name);
  columns_append(text, &key->columns, "_");
  return builder_text(builder, text);
}

static const char *exact_through(Builder *builder, const ForeignKey *from,
                                 const ForeignKey *to) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s_via_%s", to->parent->name, to->table->name);
  if (from->parent == to->parent) {
    sqlite3_str_appendall(text, "_by_");
    columns_append(text, &to->columns, "_");
  }
  return builder_text(builder, text);
}

/* The column without its suffix; NULL where that is no name. */
static const char *short_of_column(Builder *builder, const ForeignKey *key) {
  if (key->columns.count != 1) return NULL;
  const char *column = key->columns.list[0]->name;
  int length = name_stem(column);
  return length ? arena_format(builder->failure, builder->arena, "%.*s", length,
                               column)
                : NULL;
}

static const char *short_to_parent(Builder *builder, const ForeignKey *key) {
  const char *name = short_of_column(builder, key);
  if (name && !table_column(key->table, name)) return name;
  return key->parent ? key->parent->name : key->parent_name;
}

static const char *short_through(Builder *builder, const ForeignKey *from,
                                 const ForeignKey *to) {
  const char *name =
      from->parent == to->parent ? short_of_column(builder, to) : NULL;
  return name ? name : to->parent->name;
}

/* ---- relationships out of keys ---- */

/* Room for two more, so that a pair is never torn apart. */
static Relationship *builder_add(Builder *builder, int count) {
  for (int i = 0; i < count; i++) {
    builder->list =
        arena_extend(builder->failure, builder->arena, builder->list,
                     builder->count, sizeof(*builder->list));
    if (builder->failure->code) return NULL;
    memset(&builder->list[builder->count], 0, sizeof(*builder->list));
    builder->list[builder->count].model = builder->model;
    builder->list[builder->count].serial = ++*builder->serial;
    builder->count++;
  }
  return &builder->list[builder->count - count];
}

static const char *no_row_key(Builder *builder, const Table *table) {
  if (table->row_key.count) return NULL;
  return arena_format(builder->failure, builder->arena,
                      "rows of %s can't be told apart: it has no primary key, "
                      "and columns have taken the names of its rowid",
                      table->name);
}

/* The direction from the row that holds the key to the row it refers to. */
static void relationship_to_parent(Builder *builder, Relationship *to,
                                   const ForeignKey *key, bool unique) {
  to->cardinality = unique ? ONE_TO_ONE : MANY_TO_ONE;
  to->source = to->link = key->table;
  to->target = key->parent;
  to->source_key = to->source_link = key->table->row_key;
  to->target_link = key->columns;
  to->target_key = key->parent_columns;
  to->target_foreign = key;
  to->linked_by_source = to->pair_unique = true;
  to->exact_name = exact_to_parent(builder, key);
  to->short_name = short_to_parent(builder, key);
  to->because = because_of_key(builder, key, unique);
  to->problem = key->problem ? key->problem : no_row_key(builder, key->table);
}

static void relationship_to_child(Builder *builder, Relationship *to,
                                  const ForeignKey *key, bool unique) {
  to->cardinality = unique ? ONE_TO_ONE : ONE_TO_MANY;
  to->source = key->parent;
  to->target = to->link = key->table;
  to->source_key = key->parent_columns;
  to->source_link = key->columns;
  to->target_key = to->target_link = key->table->row_key;
  to->source_foreign = key;
  to->pair_unique = true;
  to->exact_name = exact_to_child(builder, key);
  to->short_name = key->table->name;
  to->because = because_of_key(builder, key, unique);
  to->problem = no_row_key(builder, key->table);
}

static void builder_add_key(Builder *builder, const ForeignKey *key) {
  bool broken = key->problem != NULL;
  bool unique = !broken && table_is_unique(key->table, &key->columns);
  Relationship *pair = builder_add(builder, broken ? 1 : 2);
  if (!pair) return;
  relationship_to_parent(builder, &pair[0], key, unique);
  if (!broken) relationship_to_child(builder, &pair[1], key, unique);
}

static Columns payload_of(Builder *builder, const ForeignKey *first,
                          const ForeignKey *second) {
  const Table *table = first->table;
  Columns payload = {0, NULL};
  for (int i = 0; i < table->column_count; i++) {
    const Column *column = &table->columns[i];
    if (column->generated || columns_contain(&first->columns, column) ||
        columns_contain(&second->columns, column))
      continue;
    payload.list =
        arena_extend(builder->failure, builder->arena, (void *)payload.list,
                     payload.count, sizeof(Column *));
    if (!builder->failure->code) payload.list[payload.count++] = column;
  }
  return payload;
}

static void relationship_through(Builder *builder, Relationship *to,
                                 const ForeignKey *source_foreign,
                                 const ForeignKey *target_foreign,
                                 bool unique) {
  to->cardinality = MANY_TO_MANY;
  to->source = source_foreign->parent;
  to->target = target_foreign->parent;
  to->link = source_foreign->table;
  to->source_key = source_foreign->parent_columns;
  to->source_link = source_foreign->columns;
  to->target_key = target_foreign->parent_columns;
  to->target_link = target_foreign->columns;
  to->source_foreign = source_foreign;
  to->target_foreign = target_foreign;
  to->pair_unique = unique;
  to->payload = payload_of(builder, source_foreign, target_foreign);
  to->exact_name = exact_through(builder, source_foreign, target_foreign);
  to->short_name = short_through(builder, source_foreign, target_foreign);
}

static void builder_add_through(Builder *builder, const ForeignKey *first,
                                const ForeignKey *second, bool unique) {
  Relationship *pair = builder_add(builder, 2);
  if (!pair) return;
  relationship_through(builder, &pair[0], first, second, unique);
  relationship_through(builder, &pair[1], second, first, unique);
  pair[0].because = pair[1].because =
      because_of_pair(builder, first, second, unique);
}

/* True if `columns` are exactly what both keys have together, and neither has
** all of them alone. */
static bool columns_are_union(const Columns *columns, const Columns *a,
                              const Columns *b) {
  int in_both = 0;
  for (int i = 0; i < columns->count; i++) {
    bool in_a = columns_contain(a, columns->list[i]);
    bool in_b = columns_contain(b, columns->list[i]);
    if (!in_a && !in_b) return false;
    if (in_a && in_b) in_both++;
  }
  return a->count + b->count - in_both == columns->count &&
         a->count < columns->count && b->count < columns->count;
}

static bool columns_not_null(const Columns *columns) {
  for (int i = 0; i < columns->count; i++)
    if (!columns->list[i]->not_null) return false;
  return true;
}

/* True if the index is a key of several columns, none of which is NULL: such
** a one two foreign keys can be together. */
static bool index_may_link(const Index *index) {
  return index->unique && index->plain && index->columns.count > 1 &&
         (index->origin == 'p' || columns_not_null(&index->columns));
}

static bool keys_are_key(const ForeignKey *first, const ForeignKey *second) {
  const Table *table = first->table;
  for (int i = 0; i < table->index_count; i++)
    if (index_may_link(&table->indexes[i]) &&
        columns_are_union(&table->indexes[i].columns, &first->columns,
                          &second->columns))
      return true;
  return false;
}

/* True if such a key has all columns of this one: asked before the pairs are,
** of which a table may have very many. */
static bool key_may_link(const ForeignKey *key) {
  const Table *table = key->table;
  for (int i = 0; i < table->index_count; i++) {
    const Columns *columns = &table->indexes[i].columns;
    int held = 0;
    if (key->problem || !index_may_link(&table->indexes[i])) continue;
    for (int j = 0; j < key->columns.count; j++)
      held += columns_contain(columns, key->columns.list[j]);
    if (held == key->columns.count) return true;
  }
  return false;
}

/* True if an earlier key of the table says the same. */
static bool key_is_repeated(const ForeignKey *key) {
  for (const ForeignKey *other = key->table->keys; other < key; other++)
    if (!key->problem && !other->problem && other->parent == key->parent &&
        columns_same(&other->columns, &key->columns) &&
        columns_same(&other->parent_columns, &key->parent_columns))
      return true;
  return false;
}

static void builder_add_table(Builder *builder, const Table *table) {
  for (int i = 0; i < table->key_count; i++) {
    const ForeignKey *first = &table->keys[i];
    if (key_is_repeated(first)) continue;
    builder_add_key(builder, first);
    if (!key_may_link(first)) continue;
    for (int j = i + 1; j < table->key_count; j++) {
      const ForeignKey *second = &table->keys[j];
      if (!second->problem && keys_are_key(first, second) &&
          !key_is_repeated(second))
        builder_add_through(builder, first, second, true);
    }
  }
}

/* ---- declarations ---- */

static const char *json_columns(Failure *failure, Arena *arena,
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

/* What is stored of a relationship: tables and columns, no names of ours. */
Direction model_describe(Failure *failure, Arena *arena,
                         const Relationship *relationship) {
  const Relationship *r = relationship;
  bool many = r->cardinality == MANY_TO_MANY;
  Direction direction = {r->source->name, r->target ? r->target->name : NULL,
                         r->link->name, NULL, NULL};
  if (many || !r->linked_by_source)
    direction.source_columns = json_columns(failure, arena, &r->source_link);
  if (many || r->linked_by_source)
    direction.target_columns = json_columns(failure, arena, &r->target_link);
  return direction;
}

/* The relationship of a list that goes in `direction`, or -1. */
static int list_direction(Failure *failure, Arena *scratch,
                          const Relationship *list, int count,
                          const Direction *direction) {
  for (int i = 0; i < count && !failure->code; i++) {
    if (!name_equal(list[i].source->name, direction->source) ||
        !name_equal(list[i].link->name, direction->link))
      continue;
    Direction other = model_describe(failure, scratch, &list[i]);
    if (direction_same(&other, direction)) return i;
  }
  return -1;
}

const Relationship *model_direction(Failure *failure, const Model *model,
                                    const Direction *direction) {
  if (failure->code) return NULL;
  Arena *scratch = arena_new(failure);
  int found = list_direction(failure, scratch, model->relationships,
                             model->relationship_count, direction);
  arena_free(scratch);
  return failure->code || found < 0 ? NULL : &model->relationships[found];
}

/* The key of `table` to `parent` whose columns are the JSON list. */
static const ForeignKey *declared_key(Builder *builder, const Table *table,
                                      const char *parent, const char *columns) {
  for (int i = 0; i < table->key_count; i++) {
    const ForeignKey *key = &table->keys[i];
    if (key->problem || !name_equal(key->parent->name, parent)) continue;
    if (name_equal(
            json_columns(builder->failure, builder->arena, &key->columns),
            columns))
      return key;
  }
  return NULL;
}

/* A table whose keys are no key of its own may be declared to link. */
static bool builder_declare_through(Builder *builder, const Direction *way) {
  const Table *link = schema_table(builder->model->schema, way->link);
  if (!link || !way->source_columns || !way->target_columns) return false;
  const ForeignKey *first =
      declared_key(builder, link, way->source, way->source_columns);
  const ForeignKey *second =
      declared_key(builder, link, way->target, way->target_columns);
  if (!first || !second || first == second) return false;
  builder_add_through(builder, first, second, false);
  return true;
}

static const char *missing_end(Builder *builder, const Direction *way) {
  const Schema *schema = builder->model->schema;
  const char *missing = !schema_table(schema, way->source)   ? way->source
                        : !schema_table(schema, way->target) ? way->target
                        : !schema_table(schema, way->link)   ? way->link
                                                             : NULL;
  if (missing)
    return arena_format(
        builder->failure, builder->arena,
        "declared, but the table %s is gone; drop this and declare "
        "it anew",
        missing);
  return arena_format(
      builder->failure, builder->arena,
      "declared, but %s no longer has the foreign key; drop this "
      "and declare it anew",
      way->link);
}

/* A declaration without what it speaks of is shown, and can't be used. */
static void builder_add_lost(Builder *builder, const Declaration *declaration,
                             const char *problem) {
  Relationship *lost = builder_add(builder, 1);
  if (!lost) return;
  const Schema *schema = builder->model->schema;
  const Direction *way = &declaration->direction;
  const char *source = way->source ? way->source : "";
  const char *link = way->link ? way->link : "";
  Table *stand_in =
      arena_take(builder->failure, builder->arena, 2 * sizeof(*stand_in));
  if (!stand_in) return;
  stand_in[0] = (Table){.schema = schema, .name = source, .sql = ""};
  stand_in[1] = (Table){.schema = schema, .name = link, .sql = ""};
  lost->source = schema_table(schema, source);
  lost->link = schema_table(schema, link);
  if (!lost->source) lost->source = &stand_in[0];
  if (!lost->link) lost->link = &stand_in[1];
  lost->exact_name = lost->short_name = ""; /* found by what is declared */
  lost->declaration = declaration;
  lost->because = problem;
  lost->problem = problem;
}

static void builder_declare(Builder *builder, const Declaration *declaration) {
  const Direction *way = &declaration->direction;
  if (declaration->problem) {
    builder_add_lost(builder, declaration, declaration->problem);
    return;
  }
  int found = list_direction(builder->failure, builder->arena, builder->list,
                             builder->count, way);
  if (found < 0 && builder_declare_through(builder, way))
    found = builder->count - 2;
  if (builder->failure->code) return;
  if (found < 0) {
    builder_add_lost(builder, declaration, missing_end(builder, way));
  } else if (builder->list[found].declaration) {
    builder_add_lost(builder, declaration, "declared twice");
  } else {
    builder->list[found].declaration = declaration;
  }
}

/* ---- order, inverses, names ---- */

static int compare_exact(const void *left, const void *right) {
  const Relationship *a = left, *b = right;
  int order = sqlite3_stricmp(a->source->name, b->source->name);
  if (!order) order = sqlite3_stricmp(a->exact_name, b->exact_name);
  return order ? order : a->serial < b->serial ? -1 : a->serial > b->serial;
}

static int compare_short(const void *left, const void *right) {
  const Relationship *a = *(const Relationship *const *)left;
  const Relationship *b = *(const Relationship *const *)right;
  int order = sqlite3_stricmp(a->source->name, b->source->name);
  return order ? order : sqlite3_stricmp(a->short_name, b->short_name);
}

/* Before the sort two directions stand together: i and i + 1 of a pair. */
static void builder_pair(Builder *builder, const bool *paired,
                         sqlite3_int64 first_serial) {
  int *place = arena_take(builder->failure, builder->arena,
                          (sqlite3_int64)sizeof(int) * (builder->count + 1));
  if (!place) return;
  for (int i = 0; i < builder->count; i++)
    place[builder->list[i].serial - first_serial] = i;
  for (int i = 0; i + 1 < builder->count; i++) {
    if (!paired[i]) continue;
    Relationship *one = &builder->list[place[i]];
    Relationship *other = &builder->list[place[i + 1]];
    one->inverse = other;
    other->inverse = one;
  }
}

/* paired[i]: relationship i and the next are two directions of one. */
static bool *builder_pairs(Builder *builder) {
  bool *paired =
      arena_take(builder->failure, builder->arena, builder->count + 1);
  if (!paired) return NULL;
  for (int i = 0; i + 1 < builder->count; i++) {
    const Relationship *one = &builder->list[i], *other = one + 1;
    paired[i] = one->target && other->target && one->link == other->link &&
                one->source_foreign == other->target_foreign &&
                one->target_foreign == other->source_foreign;
    if (paired[i]) i++;
  }
  return paired;
}

static void builder_sort(Builder *builder) {
  Model *model = builder->model;
  if (builder->failure->code || !builder->count) return;
  sqlite3_int64 first_serial = builder->list[0].serial;
  bool *paired = builder_pairs(builder);
  if (!paired) return;
  qsort(builder->list, (size_t)builder->count, sizeof(*builder->list),
        compare_exact);
  builder_pair(builder, paired, first_serial);
  model->relationships = builder->list;
  model->relationship_count = builder->count;
}

static bool same_source(const Relationship *a, const Relationship *b) {
  return name_equal(a->source->name, b->source->name);
}

static void builder_short_names(Builder *builder) {
  Model *model = builder->model;
  int count = model->relationship_count;
  const Relationship **list =
      arena_take(builder->failure, builder->arena,
                 (sqlite3_int64)sizeof(*list) * (count ? count : 1));
  if (!list) return;
  for (int i = 0; i < count; i++) list[i] = &model->relationships[i];
  if (count) qsort(list, (size_t)count, sizeof(*list), compare_short);
  for (int i = 0; i + 1 < count; i++) {
    if (compare_short(&list[i], &list[i + 1])) continue;
    ((Relationship *)list[i])->short_is_shared = true;
    ((Relationship *)list[i + 1])->short_is_shared = true;
  }
  model->by_short_name = list;
}

/* Two keys whose exact names coincide can be used once they are declared. */
static void builder_exact_names(Builder *builder) {
  Model *model = builder->model;
  for (int i = 0; i + 1 < model->relationship_count; i++) {
    Relationship *one = &model->relationships[i], *other = one + 1;
    if (!same_source(one, other) ||
        !name_equal(one->exact_name, other->exact_name))
      continue;
    const char *problem =
        arena_format(builder->failure, builder->arena,
                     "two relationships have the exact name %s; declare it "
                     "under a name of its own",
                     one->exact_name);
    if (!one->declaration && !one->problem) one->problem = problem;
    if (!other->declaration && !other->problem) other->problem = problem;
  }
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

static const char *full_name(Builder *builder, const Relationship *to) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  const char *schema = builder->model->schema->name;
  if (!name_equal(schema, "main")) {
    name_append(text, schema);
    sqlite3_str_appendall(text, ":");
  }
  name_append(text, to->source->name);
  sqlite3_str_appendall(text, ".");
  name_append(text, to->name);
  return builder_text(builder, text);
}

static void builder_shown_names(Builder *builder) {
  Model *model = builder->model;
  for (int i = 0; i < model->relationship_count; i++) {
    Relationship *to = &model->relationships[i];
    const char *table = to->source->name;
    if (to->declaration && to->declaration->name) {
      to->name = to->declaration->name;
    } else if (model_find(model, table, to->short_name) == to) {
      to->name = to->short_name;
    } else {
      to->name = to->exact_name;
    }
    to->full_name = full_name(builder, to);
  }
}

static void builder_functions(Builder *builder) {
  Model *model = builder->model;
  int count = model->catalog->function_count;
  model->functions = arena_take(builder->failure, builder->arena,
                                (sqlite3_int64)sizeof(*model->functions) *
                                    (count ? count : 1));
  if (!model->functions) return;
  model->function_count = count;
  for (int i = 0; i < count; i++) {
    const FunctionDeclaration *declared = &model->catalog->functions[i];
    DeclaredFunction *function = &model->functions[i];
    function->declaration = declared;
    function->problem = declared->problem;
    if (function->problem) continue;
    function->relationship =
        model_direction(builder->failure, model, &declared->direction);
    if (!function->relationship) {
      function->problem = missing_end(builder, &declared->direction);
    } else {
      function->problem = function->relationship->problem;
    }
  }
}

/* ---- the model ---- */

static const Catalog *model_catalog(Builder *builder, sqlite3 *db) {
  static const Catalog nothing = {0, 0, NULL, NULL};
  const Schema *schema = builder->model->schema;
  if (builder->failure->code || !name_equal(schema->name, "main"))
    return &nothing;
  return catalog_read(builder->failure, builder->arena, db, schema);
}

static void model_build(Builder *builder, sqlite3 *db, const char *name) {
  Model *model = builder->model;
  model->schema = schema_read(builder->failure, builder->arena, db, name);
  model->catalog = model_catalog(builder, db);
  if (builder->failure->code) return;
  for (int i = 0; i < model->schema->table_count; i++)
    builder_add_table(builder, &model->schema->tables[i]);
  for (int i = 0; i < model->catalog->declaration_count; i++)
    builder_declare(builder, &model->catalog->declarations[i]);
  builder_sort(builder);
  builder_exact_names(builder);
  builder_short_names(builder);
  if (builder->failure->code) return;
  builder_shown_names(builder);
  builder_functions(builder);
}

/* Reads the schema called `name` and makes its model, with one reference.
** *serial numbers the relationships of all models of a connection. */
Model *model_new(Failure *failure, sqlite3 *db, const char *name,
                 sqlite3_int64 *serial) {
  Arena *arena = arena_new(failure);
  Model *model = arena ? arena_take(failure, arena, sizeof(*model)) : NULL;
  if (!model) {
    arena_free(arena);
    return NULL;
  }
  model->references = 1;
  model->arena = arena;
  Builder builder = {failure, model, arena, serial, 0, NULL};
  model_build(&builder, db, name);
  if (!failure->code) return model;
  arena_free(arena);
  return NULL;
}

void model_retain(Model *model) { model->references++; }

void model_release(Model *model) {
  if (model && --model->references == 0) arena_free(model->arena);
}
