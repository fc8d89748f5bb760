/*
** scalar.c: functions that read.
**
**     SELECT related('students.courses', 1, 2);           -- 1: is linked
**     SELECT related_count('students.courses', id) FROM students;
**     SELECT related_avg('car_brand.models.cars.price', id) FROM car_brand;
**     SELECT related_value('car_info.model.brand.name', id) FROM car_info;
**     SELECT name, course_count(id) FROM students;        -- declared
**
** Each steps one cached statement along the way that its path describes.
** About a row that is not there related() and related_count() say 0, the others
** NULL.
**
** Most calls have been made before, with plain values for keys: the statement
** is found by the path's text.  Where SQLite then runs it without preparing it
** again, the schema is the one that it was made for, and there is nothing else
** to look at.
*/
#include "relate_int.h"

/* One call. */
typedef struct Question {
  Failure failure;
  Function *function;
  Arena *arena; /* of the route; opened for the long way only */
  Model *model;
  Route route;
  Value path; /* NULL: of a declared function */
  int argc;   /* keys */
  sqlite3_value **argv;
} Question;

/* The kinds of statements in the cache, one for each base. */
enum { KIND_READ = -150 };

/* A declared function is known by its name, others by their path. */
static const char *question_detail(const Question *question) {
  return question->function->declared ? question->function->name
                                      : question->path.bytes;
}

static int question_kind(const Question *question) {
  const Function *function = question->function;
  return KIND_READ + (int)function->base +
         (function->declared ? (int)BASE_NONE : 0);
}

/* True for a function that answers 0 where there is nothing. */
static bool counts(const Function *function) {
  return function->base == BASE_RELATED || function->base == BASE_RELATED_COUNT;
}

/* ---- arguments ---- */

static int keys_needed(const Function *function) {
  return function->base == BASE_RELATED ? 2 : 1;
}

static void question_check(Question *question, int argc) {
  const Function *function = question->function;
  int needed = keys_needed(function);
  if (argc == needed + (function->declared ? 0 : 1)) return;
  failure_set(&question->failure, SQLITE_MISUSE,
              "%d argument%s; it is called as %s(%s%s)", argc,
              argc == 1 ? "" : "s", function->name,
              function->declared ? "" : "path, ",
              needed == 2 ? "source, target" : "source");
}

static Question question_open(sqlite3_context *context, int argc,
                              sqlite3_value **argv) {
  Question question = {.function = sqlite3_user_data(context),
                       .path = {.type = SQLITE_NULL},
                       .argc = argc,
                       .argv = argv};
  question_check(&question, argc);
  if (question.failure.code || question.function->declared) return question;
  question.path = value_of(&question.failure, argv[0]);
  question.argc--;
  question.argv++;
  return question;
}

static bool any_null(const Question *question) {
  for (int i = 0; i < question->argc; i++)
    if (sqlite3_value_type(question->argv[i]) == SQLITE_NULL) return true;
  return false;
}

/* ---- the answer ---- */

/* What the statement says; a NULL from min() and its like has lost nothing. */
static void question_result(Question *question, sqlite3_context *context,
                            sqlite3_stmt *statement) {
  bool row = statement_step(&question->failure, statement);
  if (question->failure.code) return;
  if (question->function->base == BASE_RELATED) {
    sqlite3_result_int(context, row);
  } else if (row) {
    sqlite3_result_value(context, sqlite3_column_value(statement, 0));
  }
}

/* ---- the quick way ---- */

static bool quick_bind(Question *question, sqlite3_stmt *statement) {
  if (sqlite3_bind_parameter_count(statement) != question->argc) return false;
  for (int i = 0; i < question->argc; i++) {
    Value value = value_of(&question->failure, question->argv[i]);
    if (value.type == SQLITE_NULL || value.json) return false;
    value_bind(&question->failure, statement, i + 1, &value);
  }
  return !question->failure.code;
}

/* False: it has to be done the long way. */
static bool quick_answer(Question *question, sqlite3_context *context) {
  const Function *function = question->function;
  Cache *cache = function->connection->cache;
  if (question->failure.code || function->problem ||
      (!function->declared && question->path.type != SQLITE_TEXT))
    return false;
  sqlite3_stmt *statement =
      cache_take(cache, 1, question_kind(question), question_detail(question));
  if (!statement) return false;
  bool sure = quick_bind(question, statement);
  if (sure) question_result(question, context, statement);
  sure = sure && !question->failure.code &&
         !sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0);
  cache_give(cache, statement);
  failure_clear(&question->failure);
  return sure;
}

/* ---- the long way ---- */

static void question_check_value(Question *question) {
  if (question->failure.code || question->function->base != BASE_RELATED_VALUE)
    return;
  for (int i = 0; i < question->route.count; i++)
    if (!step_is_to_one(&question->route.steps[i]))
      failure_set(&question->failure, SQLITE_ERROR,
                  "%s%s may lead to several rows of %s; ask related_min or "
                  "related_max, or read the navigator",
                  question->route.steps[i].relationship->full_name,
                  question->route.steps[i].repeat ? "*" : "",
                  question->route.steps[i].relationship->target->name);
}

static char *question_sql(const Question *question) {
  static const char *const aggregates[] = {
      [BASE_RELATED_COUNT] = "count", [BASE_RELATED_SUM] = "sum",
      [BASE_RELATED_AVG] = "avg",     [BASE_RELATED_MIN] = "min",
      [BASE_RELATED_MAX] = "max",
  };
  const Route *route = &question->route;
  const Step *step = &route->steps[0];
  Base base = question->function->base;
  bool plain = route_link(route) && !step->where;
  if (base == BASE_RELATED_VALUE) return select_value(route);
  if (base == BASE_RELATED_COUNT && plain)
    return generate_count(step->relationship);
  if (base == BASE_RELATED && plain) return generate_member(step->relationship);
  return base == BASE_RELATED ? select_member(route)
                              : select_aggregate(route, aggregates[base]);
}

static sqlite3_stmt *question_statement(Question *question) {
  Failure *failure = &question->failure;
  Cache *cache = question->function->connection->cache;
  int kind = question_kind(question);
  const char *detail = question_detail(question);
  if (failure->code) return NULL;
  sqlite3_stmt *statement = cache_take(cache, 1, kind, detail);
  if (statement) return statement;
  return cache_add(failure, cache, 1, kind, detail,
                   route_flags(&question->route), question_sql(question));
}

/* Steps the statement with the keys that are given. */
static void question_ask(Question *question, sqlite3_context *context) {
  Failure *failure = &question->failure;
  Connection *connection = question->function->connection;
  const Relationship *first = question->route.steps[0].relationship;
  const Relationship *last =
      question->route.steps[question->route.count - 1].relationship;
  const Table *tables[] = {first->source, last->target};
  const Columns *columns[] = {&first->source_key, &last->target_key};
  Key keys[2];
  sqlite3_stmt *statement = question_statement(question);
  int next = 1;
  for (int i = 0; i < question->argc && i < 2; i++) {
    Value given = value_of(failure, question->argv[i]);
    key_read(failure, connection, tables[i], columns[i], &given, &keys[i]);
    next = key_bind(failure, statement, next, &keys[i]);
  }
  question_result(question, context, statement);
  cache_give(connection->cache, statement);
  for (int i = 0; i < question->argc && i < 2; i++) key_free(&keys[i]);
}

static void question_close(Question *question, sqlite3_context *context) {
  Failure *failure = &question->failure;
  const Function *function = question->function;
  bool found = question->route.count != 0;
  if (found && function->declared)
    failure_prefix(failure, "%s: ", function->relationship->full_name);
  if (found && !function->declared)
    failure_prefix(failure, "%s: ", question->path.bytes);
  connection_leave(function->connection, question->model);
  arena_free(question->arena);
  failure_prefix(failure, "%s: ", function->name);
  failure_to_result(failure, context);
}

static void question_answer(Question *question, sqlite3_context *context) {
  Failure *failure = &question->failure;
  question->arena = arena_new(failure);
  question->route = function_route(failure, question->function, question->arena,
                                   &question->path, &question->model);
  question_check_value(question);
  if (failure->code) return;
  if (counts(question->function)) sqlite3_result_int(context, 0);
  if (!any_null(question)) question_ask(question, context);
}

/* related, related_count, related_sum, ...: (path, key ...) */
void scalar_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Question question = question_open(context, argc, argv);
  if (quick_answer(&question, context)) return;
  question_answer(&question, context);
  question_close(&question, context);
}
