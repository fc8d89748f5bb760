/*
** builder.c: a model in the making.
**
** The model is made of the foreign keys of one schema and of what is declared
** there:
**
**   1. reflection.c adds what the keys make.
**   2. What is declared is found among that and gets its row of the catalog; a
**      table may also be declared to link.  What is not found is listed too,
**      with a problem.  Of a derived one there is only its name as yet.
**   3. All are sorted, each learns its inverse, and the name it is shown by.
**   4. derivation.c makes the derived ones out of the others.
**   5. Declared functions learn what they are about.
**
** Invariants
**   1. Every usable relationship that is not derived has an inverse;
**      inverse->inverse is itself.
**   2. Column i of one end is compared with column i of the other.
**   3. The relationships of one table stand together.
*/
#include "relate_int.h"

#include <stdlib.h>

/* ---- declarations ---- */

/* The key of `table` to `parent` whose columns are the JSON list. */
static const ForeignKey *declared_key(Builder *builder, const Table *table,
                                      const char *parent, const char *columns) {
  for (int i = 0; i < table->key_count; i++) {
    const ForeignKey *key = &table->keys[i];
    if (key->problem || !name_equal(key->parent->name, parent)) continue;
    if (name_equal(
            direction_columns(builder->failure, builder->arena, &key->columns),
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
  reflection_add_through(builder, first, second, false);
  return true;
}

/* Adds a relationship of which only the declaration is known. */
static Relationship *builder_add_declared(Builder *builder,
                                          const Declaration *declaration) {
  const Schema *schema = builder->model->schema;
  const Direction *way = &declaration->direction;
  const char *source = way->source ? way->source : "";
  const char *link = way->link ? way->link : "";
  Relationship *to = builder_add(builder, 1);
  Table *stand_in =
      arena_take(builder->failure, builder->arena, 2 * sizeof(*stand_in));
  if (!stand_in) return NULL;
  stand_in[0] = (Table){.schema = schema, .name = source, .sql = ""};
  stand_in[1] = (Table){.schema = schema, .name = link, .sql = ""};
  to->source = schema_table(schema, source);
  to->link = schema_table(schema, link);
  if (!to->source) to->source = &stand_in[0];
  if (!to->link) to->link = &stand_in[1];
  to->exact_name = to->short_name = ""; /* found by what is declared */
  to->declaration = declaration;
  to->derived = declaration->path != NULL;
  return to;
}

/* A declaration without what it speaks of is shown, and can't be used. */
static void builder_add_lost(Builder *builder, const Declaration *declaration,
                             const char *problem) {
  Relationship *lost = builder_add_declared(builder, declaration);
  if (lost) lost->because = lost->problem = problem;
}

static void builder_declare(Builder *builder, const Declaration *declaration) {
  const Direction *way = &declaration->direction;
  Failure *failure = builder->failure;
  int found = direction_find(failure, builder->arena, builder->list,
                             builder->count, way);
  if (found < 0 && builder_declare_through(builder, way))
    found = builder->count - 2;
  if (failure->code) return;
  if (found < 0) {
    builder_add_lost(
        builder, declaration,
        direction_lost(failure, builder->arena, builder->model->schema, way));
  } else if (builder->list[found].declaration) {
    builder_add_lost(builder, declaration, "declared twice");
  } else {
    builder->list[found].declaration = declaration;
  }
}

/* The relationship of that table and exact or declared name, or NULL. */
static const Relationship *builder_find(const Builder *builder,
                                        const char *table, const char *name) {
  for (int i = 0; i < builder->count; i++) {
    const Relationship *other = &builder->list[i];
    if (name_equal(other->source->name, table) &&
        (name_equal(other->exact_name, name) ||
         (other->declaration && name_equal(other->declaration->name, name))))
      return other;
  }
  return NULL;
}

/* Exact names don't change, so a derived relationship can't take one. */
static void builder_derive(Builder *builder, const Declaration *declaration) {
  const char *name = declaration->name;
  const Relationship *other =
      builder_find(builder, declaration->direction.source, name);
  if (other) {
    const char *problem = arena_format(
        builder->failure, builder->arena,
        "%s is the name of another relationship (%s); drop this and declare it "
        "under another name",
        name, other->because);
    builder_add_lost(builder, declaration, problem);
    return;
  }
  Relationship *to = builder_add_declared(builder, declaration);
  if (!to) return;
  to->exact_name = to->short_name = name;
  to->because = "declared";
}

/* The derived ones last, when all other names are known. */
static void builder_declare_all(Builder *builder) {
  const Catalog *catalog = builder->model->catalog;
  for (int i = 0; i < catalog->declaration_count; i++) {
    const Declaration *declaration = &catalog->declarations[i];
    if (declaration->problem) {
      builder_add_lost(builder, declaration, declaration->problem);
    } else if (!declaration->path) {
      builder_declare(builder, declaration);
    }
  }
  for (int i = 0; i < catalog->declaration_count; i++)
    if (catalog->declarations[i].path && !catalog->declarations[i].problem)
      builder_derive(builder, &catalog->declarations[i]);
}

/* ---- order, inverses, names ---- */

static int compare_exact(const void *left, const void *right) {
  const Relationship *a = left, *b = right;
  int order = sqlite3_stricmp(a->source->name, b->source->name);
  if (!order) order = sqlite3_stricmp(a->exact_name, b->exact_name);
  return order ? order : a->serial < b->serial ? -1 : a->serial > b->serial;
}

/* A derived relationship makes no short name ambiguous. */
static int compare_short(const void *left, const void *right) {
  const Relationship *a = *(const Relationship *const *)left;
  const Relationship *b = *(const Relationship *const *)right;
  int order = sqlite3_stricmp(a->source->name, b->source->name);
  if (!order) order = sqlite3_stricmp(a->short_name, b->short_name);
  return order ? order : (int)a->derived - (int)b->derived;
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
  return arena_string(builder->failure, builder->arena, text);
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

/* Out of the others, once these have their names. */
static void builder_derivations(Builder *builder) {
  Model *model = builder->model;
  for (int i = 0; i < model->relationship_count; i++) {
    Relationship *to = &model->relationships[i];
    if (!to->declaration || to->problem) continue;
    if (to->derived) derivation_complete(builder, to);
    if (!to->problem) derivation_order(builder, to);
  }
}

static void builder_function(Builder *builder, DeclaredFunction *function) {
  const Model *model = builder->model;
  const Direction *way = &function->declaration->direction;
  Step *step = arena_take(builder->failure, builder->arena, sizeof(*step));
  const Relationship *to = model_direction(builder->failure, model, way);
  if (!step || builder->failure->code) return;
  function->relationship = to;
  if (!to) {
    function->problem =
        direction_lost(builder->failure, builder->arena, model->schema, way);
    return;
  }
  function->problem = to->problem;
  step->relationship = to;
  function->route = (Route){.source = to->source,
                            .target = to->target,
                            .count = 1,
                            .steps = step,
                            .order_by = to->order_by};
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
    DeclaredFunction *function = &model->functions[i];
    function->declaration = &model->catalog->functions[i];
    function->problem = function->declaration->problem;
    if (function->problem) continue;
    if (function->declaration->path) {
      derivation_function(builder, function);
    } else {
      builder_function(builder, function);
    }
  }
}

/* ---- the model ---- */

static const Catalog *model_catalog(Builder *builder) {
  static const Catalog nothing = {.rules = NULL};
  const Schema *schema = builder->model->schema;
  if (builder->failure->code || !name_equal(schema->name, "main"))
    return &nothing;
  return catalog_read(builder->failure, builder->arena, builder->db, schema);
}

static void model_build(Builder *builder, const char *name) {
  Model *model = builder->model;
  model->schema =
      schema_read(builder->failure, builder->arena, builder->db, name);
  model->catalog = model_catalog(builder);
  if (builder->failure->code) return;
  for (int i = 0; i < model->schema->table_count; i++)
    reflection_add_table(builder, &model->schema->tables[i]);
  builder_declare_all(builder);
  builder_sort(builder);
  builder_exact_names(builder);
  builder_short_names(builder);
  if (builder->failure->code) return;
  builder_shown_names(builder);
  builder_derivations(builder);
  builder_functions(builder);
}

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
  Builder builder = {.failure = failure,
                     .model = model,
                     .arena = arena,
                     .db = db,
                     .serial = serial};
  model_build(&builder, name);
  analyser_free(builder.analyser);
  if (!failure->code) return model;
  arena_free(arena);
  return NULL;
}
