/*
** derivation.c: relationships out of others.
**
**     SELECT relationship('students.classmates', 'path', 'courses.students');
**     SELECT relationship('students.current', 'through', 'student_course',
**                         'where', 'link.grade IS NULL');
**
** A derived relationship is a way of steps, each over a plain relationship, and
** perhaps under a condition.  The file keeps the steps as a JSON array, of
** tables and columns, as a Direction does; a declared function may name a
** column at the end:
**
**     [{"source":"students","link":"student_course",
**       "source_columns":["student_id"],"target_columns":["course_id"],
**       "target":"courses","where":"link.grade IS NULL"},
**      {"source":"courses","link":"courses","source_columns":null,
**       "target_columns":["next_id"],"target":"courses","repeat":true},
**      "title"]
**
** A step over a derived relationship is kept as the steps of that, with their
** conditions.  The condition that relationship() was given is an option of the
** declaration, and comes on top of what the last step has.
**
** Invariants
**   1. What is read here is data: steps are looked up, conditions analysed.
**      What can't be used gives the relationship a problem.
**   2. Each step starts where the one before it ends.
**   3. A derived relationship without a target is one whose steps could not be
**      found; with a target and a problem, one whose condition is no good.
*/
#include "relate_int.h"

#define STEPS_LIMIT 100 /* of one path */

/* A path as it is read. */
typedef struct Derivation {
  Builder *builder;
  const char *path; /* as JSON */
  Route route;
  const char *problem; /* the first one found */
} Derivation;

static bool derivation_is_over(const Derivation *derivation) {
  return derivation->problem || derivation->builder->failure->code;
}

/* ---- expressions ---- */

/* NULL, and a problem, where the text can't be used. */
static const Expression *builder_expression(Builder *builder,
                                            const Scope *scope,
                                            ExpressionKind kind,
                                            const char *text,
                                            const char **problem) {
  Failure *failure = builder->failure;
  const char *why = NULL;
  if (!builder->analyser)
    builder->analyser = analyser_new(failure, builder->model->schema);
  if (failure->code) return NULL;
  const Expression *expression = expression_read(
      failure, builder->arena, builder->analyser, scope, kind, text, &why);
  if (why)
    *problem =
        arena_format(failure, builder->arena, "its %s can't be used: %s",
                     kind == EXPRESSION_ORDER ? "order_by" : "where", why);
  return expression;
}

/* Gives the step one more condition. */
static void derivation_condition(Derivation *derivation, Step *step,
                                 const char *text) {
  Builder *builder = derivation->builder;
  const Relationship *r = step->relationship;
  if (derivation_is_over(derivation)) return;
  if (step->where)
    text = arena_format(builder->failure, builder->arena, "(%s) AND (%s)",
                        step->where->text /* safe: has been analysed */,
                        text /* safe: is analysed below */);
  if (!text) return;
  const Scope scope = {r->source, r->target, r->link};
  step->where = builder_expression(builder, &scope, EXPRESSION_CONDITION, text,
                                   &derivation->problem);
}

/* ---- reading the steps ---- */

/* What the elements of a path hold, one in each row. */
enum {
  STEP_TYPE,
  STEP_SOURCE,
  STEP_LINK,
  STEP_SOURCE_COLUMNS,
  STEP_TARGET_COLUMNS,
  STEP_TARGET,
  STEP_WHERE,
  STEP_REPEAT,
  STEP_TEXT /* the element itself, where it is a text */
};

/* The members are cut by one statement, for which SQLite parses the text
** once. */
static sqlite3_stmt *steps_open(Failure *failure, sqlite3 *db,
                                const char *path) {
  sqlite3_stmt *statement = statement_prepare(
      failure, db, STATEMENT_PLAIN,
      "WITH RECURSIVE place(i) AS"
      " (VALUES(0) UNION ALL SELECT i + 1 FROM place WHERE i < ?2)"
      " SELECT json_type(?1, '$[' || i || ']'),"
      " json_extract(?1, '$[' || i || '].source'),"
      " json_extract(?1, '$[' || i || '].link'),"
      " json_extract(?1, '$[' || i || '].source_columns'),"
      " json_extract(?1, '$[' || i || '].target_columns'),"
      " json_extract(?1, '$[' || i || '].target'),"
      " json_extract(?1, '$[' || i || '].where'),"
      " json_extract(?1, '$[' || i || '].repeat'),"
      " json_extract(?1, '$[' || i || ']')"
      " FROM place WHERE i < json_array_length(?1)");
  statement_bind_text(failure, statement, 1, path);
  if (!failure->code) sqlite3_bind_int(statement, 2, STEPS_LIMIT + 1);
  return statement;
}

static Direction step_direction(Failure *failure, sqlite3_stmt *statement) {
  return (Direction){
      .source = statement_text(failure, statement, STEP_SOURCE),
      .target = statement_text(failure, statement, STEP_TARGET),
      .link = statement_text(failure, statement, STEP_LINK),
      .source_columns = statement_text(failure, statement, STEP_SOURCE_COLUMNS),
      .target_columns =
          statement_text(failure, statement, STEP_TARGET_COLUMNS)};
}

/* The relationship that a stored step is over, or NULL and a problem. */
static const Relationship *step_relationship(Derivation *derivation,
                                             const Direction *way) {
  Builder *builder = derivation->builder;
  Failure *failure = builder->failure;
  if (!way->source || !way->link || !way->target) {
    derivation->problem = "its path in the file lacks a table";
    return NULL;
  }
  const Relationship *found = model_direction(failure, builder->model, way);
  if (!found)
    derivation->problem =
        direction_lost(failure, builder->arena, builder->model->schema, way);
  if (found && found->problem) derivation->problem = found->problem;
  return derivation_is_over(derivation) ? NULL : found;
}

static void derivation_add(Derivation *derivation, Step step) {
  Builder *builder = derivation->builder;
  Route *route = &derivation->route;
  if (route->count == STEPS_LIMIT) {
    derivation->problem = "its path in the file has too many steps";
    return;
  }
  route->steps = arena_extend(builder->failure, builder->arena, route->steps,
                              route->count, sizeof(Step));
  if (builder->failure->code) return;
  route->steps[route->count++] = step;
  route->target = step.relationship->target;
}

static void derivation_step(Derivation *derivation, sqlite3_stmt *statement) {
  Failure *failure = derivation->builder->failure;
  Route *route = &derivation->route;
  Direction way = step_direction(failure, statement);
  const char *where = statement_text(failure, statement, STEP_WHERE);
  Step step = {.relationship = step_relationship(derivation, &way),
               .repeat = sqlite3_column_int(statement, STEP_REPEAT) != 0};
  if (!step.relationship) return;
  if (route->column ||
      (route->count && step.relationship->source != route->target) ||
      (step.repeat && step.relationship->source != step.relationship->target))
    derivation->problem = "the steps of its path in the file don't meet";
  if (where) derivation_condition(derivation, &step, where);
  if (!route->count) route->source = step.relationship->source;
  if (!derivation_is_over(derivation)) derivation_add(derivation, step);
}

/* The column at the end: of the target; else of the only step's link. */
static void derivation_column(Derivation *derivation, const char *name) {
  Builder *builder = derivation->builder;
  Route *route = &derivation->route;
  if (derivation_is_over(derivation) || !name) return;
  if (!route->target || !route_end(route, name))
    derivation->problem = arena_format(
        builder->failure, builder->arena,
        "declared, but %s no longer has the column %s; drop this and declare "
        "it anew",
        route->target ? route->target->name : "its target", name);
}

/* Reads `path`, a JSON array. */
static Derivation derivation_read(Builder *builder, const char *path) {
  Derivation derivation = {.builder = builder, .path = path};
  Failure *failure = builder->failure;
  sqlite3_stmt *statement = steps_open(failure, builder->db, path);
  while (!derivation.problem && statement_step(failure, statement)) {
    const char *type = statement_text(failure, statement, STEP_TYPE);
    if (type && strcmp(type, "object") == 0) {
      derivation_step(&derivation, statement);
    } else if (type && strcmp(type, "text") == 0 && !derivation.route.column) {
      derivation_column(&derivation,
                        statement_text(failure, statement, STEP_TEXT));
    } else {
      derivation.problem = "its path in the file is not a list of steps";
    }
  }
  sqlite3_finalize(statement);
  return derivation;
}

/* ---- what is made of them ---- */

/* All that is said of links and keys is that of the only step. */
static void relationship_copy(Relationship *to, const Relationship *from) {
  to->cardinality = from->cardinality;
  to->link = from->link;
  to->source_key = from->source_key;
  to->target_key = from->target_key;
  to->source_link = from->source_link;
  to->target_link = from->target_link;
  to->payload = from->payload;
  to->source_foreign = from->source_foreign;
  to->target_foreign = from->target_foreign;
  to->pair_unique = from->pair_unique;
  to->linked_by_source = from->linked_by_source;
}

static void relationship_join(Relationship *to, const Route *route) {
  to->cardinality = route_is_to_one(route) ? MANY_TO_ONE : MANY_TO_MANY;
  to->link = NULL;
  to->source_key = route->steps[0].relationship->source_key;
  to->target_key = route->steps[route->count - 1].relationship->target_key;
  to->pair_unique = true;
}

static void relationship_follow(Relationship *to, const Route *route) {
  to->target = route->target;
  to->step_count = route->count;
  to->steps = route->steps;
  if (route_link(route)) {
    relationship_copy(to, route->steps[0].relationship);
  } else {
    relationship_join(to, route);
  }
}

void derivation_append(sqlite3_str *text, const Step *steps, int count) {
  for (int i = 0; i < count; i++) {
    if (i) sqlite3_str_appendall(text, ".");
    name_append(text, steps[i].relationship->name);
    if (steps[i].repeat) sqlite3_str_appendall(text, "*");
  }
}

/* declared by the path courses.students; courses where link.grade IS NULL */
static const char *because_of_steps(Builder *builder, const Route *route) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "declared by the path ");
  derivation_append(text, route->steps, route->count);
  for (int i = 0; i < route->count; i++) {
    if (!route->steps[i].where) continue;
    sqlite3_str_appendall(text, "; ");
    derivation_append(text, &route->steps[i], 1);
    sqlite3_str_appendf(text, " where %s",
                        route->steps[i].where->text /* safe: to be read */);
  }
  return arena_string(builder->failure, builder->arena, text);
}

static const char *because_of_route(Builder *builder, const Route *route) {
  const Step *step = &route->steps[0];
  if (!route_link(route) || !step->where)
    return because_of_steps(builder, route);
  return arena_format(builder->failure, builder->arena, "%s, where %s",
                      step->relationship->because, step->where->text);
}

/* ---- derived relationships ---- */

static const char *declared_text(Builder *builder, const Relationship *to,
                                 const char *option) {
  return catalog_option(builder->failure, builder->arena, builder->db,
                        to->declaration->options, option);
}

/* Of several steps each target is reached once, from whatever row leads there:
** a condition can only ask the target. */
static void derivation_where(Derivation *derivation, const char *text) {
  Route *route = &derivation->route;
  if (derivation_is_over(derivation) || !text) return;
  Step *last = &route->steps[route->count - 1];
  if (last->repeat) {
    derivation->problem =
        "its path repeats its last step, and a where would be a condition of "
        "each repetition; put it into a relationship of one step, and repeat "
        "that";
    return;
  }
  Step alone = {.relationship = last->relationship};
  derivation_condition(derivation, &alone, text);
  if (route->count > 1 && alone.where &&
      (alone.where->source || alone.where->link))
    derivation->problem =
        "its path has several steps, so its where can only speak of target; "
        "put a condition on source or link into a relationship of one step, "
        "and that into the path";
  if (last->where) {
    derivation_condition(derivation, last, text);
  } else {
    last->where = alone.where;
  }
}

/* True if the path leads from where the row says to where it says. */
static void derivation_check_ends(Derivation *derivation,
                                  const Direction *way) {
  const Route *route = &derivation->route;
  if (derivation_is_over(derivation)) return;
  if (!route->count || !name_equal(route->source->name, way->source) ||
      !name_equal(route->target->name, way->target))
    derivation->problem =
        "its path in the file leads from or to another table than its row says";
}

void derivation_complete(Builder *builder, Relationship *to) {
  const Declaration *declaration = to->declaration;
  Derivation derivation = derivation_read(builder, declaration->path);
  if (derivation.route.column)
    derivation.problem = "its path in the file ends with a column";
  derivation_check_ends(&derivation, &declaration->direction);
  if (derivation_is_over(&derivation)) {
    to->problem = to->because = derivation.problem;
    return;
  }
  derivation_where(&derivation, declared_text(builder, to, "where"));
  if (builder->failure->code) return;
  relationship_follow(to, &derivation.route);
  to->because = because_of_route(builder, &derivation.route);
  to->problem = derivation.problem;
}

void derivation_order(Builder *builder, Relationship *to) {
  const char *text = declared_text(builder, to, "order_by");
  if (!text || builder->failure->code) return;
  const Scope scope = {NULL, to->target, to->link};
  to->order_by =
      builder_expression(builder, &scope, EXPRESSION_ORDER, text, &to->problem);
}

/* ---- declared functions ---- */

/* students.courses.title */
static const char *route_text(Builder *builder, const Route *route) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  name_append(text, route->source->name);
  sqlite3_str_appendall(text, ".");
  derivation_append(text, route->steps, route->count);
  if (route->column) {
    sqlite3_str_appendall(text, ".");
    name_append(text, route->column->name);
  }
  return arena_string(builder->failure, builder->arena, text);
}

static Relationship *derivation_relationship(Builder *builder,
                                             const Route *route) {
  Relationship *to = arena_take(builder->failure, builder->arena, sizeof(*to));
  if (!to) return NULL;
  to->model = builder->model;
  to->serial = ++*builder->serial;
  to->source = route->source;
  to->derived = true;
  relationship_follow(to, route);
  to->exact_name = to->short_name = to->name = "";
  to->full_name = route_text(builder, route);
  to->because = because_of_route(builder, route);
  return to;
}

void derivation_function(Builder *builder, DeclaredFunction *function) {
  const FunctionDeclaration *declaration = function->declaration;
  Derivation derivation = derivation_read(builder, declaration->path);
  derivation_check_ends(&derivation, &declaration->direction);
  function->problem = derivation.problem;
  if (derivation_is_over(&derivation)) return;
  function->route = derivation.route;
  function->relationship = derivation_relationship(builder, &function->route);
}

/* ---- writing the steps ---- */

static void append_columns_member(sqlite3_str *text, const char *name,
                                  const char *columns) {
  sqlite3_str_appendall(text, name);
  sqlite3_str_appendall(text, columns ? columns : "null");
}

static void append_text_member(sqlite3_str *text, const char *name,
                               const char *value) {
  sqlite3_str_appendall(text, name);
  name_append_json(text, value);
}

static void append_stored_step(Failure *failure, Arena *arena,
                               sqlite3_str *text, const Step *step) {
  Direction way = direction_of(failure, arena, step->relationship);
  if (failure->code) return;
  append_text_member(text, "{\"source\":", way.source);
  append_text_member(text, ",\"link\":", way.link);
  append_columns_member(text, ",\"source_columns\":", way.source_columns);
  append_columns_member(text, ",\"target_columns\":", way.target_columns);
  append_text_member(text, ",\"target\":", way.target);
  if (step->where) append_text_member(text, ",\"where\":", step->where->text);
  sqlite3_str_appendall(text, step->repeat ? ",\"repeat\":true}" : "}");
}

static void check_route(Failure *failure, const Route *route) {
  if (!failure->code && route->count > STEPS_LIMIT)
    failure_set(failure, SQLITE_ERROR,
                "the path has %d steps; at most %d can be kept", route->count,
                STEPS_LIMIT);
  for (int i = 0; i < route->count && !failure->code; i++)
    if (route->steps[i].relationship->derived)
      failure_set(failure, SQLITE_ERROR,
                  "%s* can't be kept: what it repeats has several steps",
                  route->steps[i].relationship->full_name);
}

const char *derivation_path(Failure *failure, Arena *arena,
                            const Route *route) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  check_route(failure, route);
  for (int i = 0; i < route->count && !failure->code; i++) {
    sqlite3_str_appendall(text, i ? "," : "[");
    append_stored_step(failure, arena, text, &route->steps[i]);
  }
  if (route->column) {
    sqlite3_str_appendall(text, ",");
    name_append_json(text, route->column->name);
  }
  sqlite3_str_appendall(text, "]");
  return arena_string(failure, arena, text);
}
