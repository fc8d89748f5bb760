/*
** scalar.c: functions that read.
**
**     SELECT related('students.courses', 1, 2);           -- 1: is linked
**     SELECT related_count('students.courses', id) FROM students;
**     SELECT name, course_count(id) FROM students;        -- declared
**
** Each steps one cached statement.  About a row that is not there they say 0.
*/
#include "relate_int.h"

/* One call of a function that reads, and what it needs. */
typedef struct Question {
  Failure failure;
  Function *function;
  Model *model;
  const Relationship *relationship;
  int next; /* argument */
} Question;

static void question_check(Question *question, int argc, int keys,
                           const char *names) {
  const Function *function = question->function;
  if (argc == keys + (function->declared ? 0 : 1)) return;
  failure_set(&question->failure, SQLITE_MISUSE,
              "%d argument%s; it is called as %s(%s%s)", argc,
              argc == 1 ? "" : "s", function->name,
              function->declared ? "" : "relationship, ", names);
}

static void question_open(Question *question, sqlite3_context *context,
                          int argc, sqlite3_value **argv, int keys,
                          const char *names) {
  Value path = {SQLITE_NULL, false, 0, 0, NULL, 0};
  *question = (Question){.function = sqlite3_user_data(context)};
  question_check(question, argc, keys, names);
  if (!question->function->declared && argc) {
    path = value_of(&question->failure, argv[0]);
    question->next = 1;
  }
  question->relationship = function_enter(
      &question->failure, question->function, &path, &question->model);
}

static void question_key(Question *question, const Table *table,
                         const Columns *columns, sqlite3_value **argv,
                         Key *key) {
  Value given = value_of(&question->failure, argv[question->next++]);
  key_read(&question->failure, question->function->connection, table, columns,
           &given, key);
}

static void question_close(Question *question, sqlite3_context *context) {
  if (question->relationship)
    failure_prefix(&question->failure,
                   "%s: ", question->relationship->full_name);
  connection_leave(question->function->connection, question->model);
  failure_prefix(&question->failure, "%s: ", question->function->name);
  failure_to_result(&question->failure, context);
}

static bool any_null(int argc, sqlite3_value **argv, int first) {
  for (int i = first; i < argc; i++)
    if (sqlite3_value_type(argv[i]) == SQLITE_NULL) return true;
  return false;
}

static sqlite3_int64 question_answer(Question *question, int kind,
                                     const Key *source, const Key *target) {
  Failure *failure = &question->failure;
  Connection *connection = question->function->connection;
  sqlite3_stmt *statement =
      connection_statement(failure, connection, question->relationship, kind);
  int next = key_bind(failure, statement, 1, source);
  if (target) key_bind(failure, statement, next, target);
  bool row = statement_step(failure, statement);
  sqlite3_int64 answer = row;
  if (row && kind == GENERATE_COUNT)
    answer = sqlite3_column_int64(statement, 0);
  cache_give(connection->cache, statement);
  return answer;
}

/* ---- the quick way ---- */

/* A plain value for a key of one column. */
static bool quick_value(Question *question, const Columns *columns,
                        sqlite3_value *argument, Value *value) {
  if (columns->count != 1) return false;
  *value = value_of(&question->failure, argument);
  return value->type != SQLITE_NULL && !value->json;
}

/* The relationship that the function had at its last call. */
static const Relationship *quick_relationship(Question *question, int argc,
                                              sqlite3_value **argv) {
  Function *function = question->function;
  Value path = {SQLITE_NULL, false, 0, 0, NULL, 0};
  question->next = function->declared ? 0 : 1;
  if (!function->declared && argc) path = value_of(&question->failure, argv[0]);
  return function_remembered(function, &path);
}

/* Where the statement is at hand and SQLite runs it without preparing it again,
** the schema is the one that it and the model were made for, and there is
** nothing to be looked at first.  False: it has to be done the long way. */
static bool quick_answer(sqlite3_context *context, int argc,
                         sqlite3_value **argv, int kind, int keys) {
  Question question = {.function = sqlite3_user_data(context)};
  const Relationship *relationship = quick_relationship(&question, argc, argv);
  Cache *cache = question.function->connection->cache;
  Value values[2];
  if (!relationship || argc != question.next + keys) return false;
  argv += question.next;
  if (!quick_value(&question, &relationship->source_key, argv[0], &values[0]))
    return false;
  if (keys == 2 &&
      !quick_value(&question, &relationship->target_key, argv[1], &values[1]))
    return false;
  sqlite3_stmt *statement = cache_take(cache, relationship->serial, kind, NULL);
  if (!statement) return false;
  for (int i = 0; i < keys; i++)
    value_bind(&question.failure, statement, i + 1, &values[i]);
  bool row = statement_step(&question.failure, statement);
  bool sure = !question.failure.code &&
              !sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0);
  if (sure && kind == GENERATE_COUNT) {
    sqlite3_result_int64(context, sqlite3_column_int64(statement, 0));
  } else if (sure) {
    sqlite3_result_int(context, row);
  }
  cache_give(cache, statement);
  failure_clear(&question.failure);
  return sure;
}

/* ---- the functions ---- */

/* related(relationship, source, target): 1 if they are linked, else 0 */
void scalar_related(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Question question;
  sqlite3_int64 answer = 0;
  if (quick_answer(context, argc, argv, GENERATE_MEMBER, 2)) return;
  question_open(&question, context, argc, argv, 2, "source, target");
  const Relationship *relationship = question.relationship;
  if (relationship && !any_null(argc, argv, question.next)) {
    Key source, target;
    question_key(&question, relationship->source, &relationship->source_key,
                 argv, &source);
    question_key(&question, relationship->target, &relationship->target_key,
                 argv, &target);
    answer = question_answer(&question, GENERATE_MEMBER, &source, &target);
    key_free(&source);
    key_free(&target);
  }
  sqlite3_result_int64(context, answer);
  question_close(&question, context);
}

/* related_count(relationship, source): how many links it has */
void scalar_count(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Question question;
  sqlite3_int64 answer = 0;
  if (quick_answer(context, argc, argv, GENERATE_COUNT, 1)) return;
  question_open(&question, context, argc, argv, 1, "source");
  const Relationship *relationship = question.relationship;
  if (relationship && !any_null(argc, argv, question.next)) {
    Key source;
    question_key(&question, relationship->source, &relationship->source_key,
                 argv, &source);
    answer = question_answer(&question, GENERATE_COUNT, &source, NULL);
    key_free(&source);
  }
  sqlite3_result_int64(context, answer);
  question_close(&question, context);
}
