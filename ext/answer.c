/*
** answer.c: a table whose rows are found out when it is asked.
**
**     SELECT * FROM relationship_rule_list;
**     SELECT * FROM related_why('students.courses', 1, 2);
**
** An Answer says what the columns are, and has a function that finds all rows
** of one question at once.  They are kept until the cursor moves on to another
** question, so the function may do what it likes, is never half-way, and is called
** once where a join asks the same again and again.  Where asking does something, all
** questions of a cursor are kept.
**
** Arguments are HIDDEN columns behind the others.  They are given from the first
** on without a gap; a scan has the rows of its own arguments.
*/
#include "relate_int.h"

#define ARGUMENT_LIMIT 100

typedef struct AnswerTable {
  sqlite3_vtab base;
  Connection *connection;
  const Answer *answer;
} AnswerTable;

/* A question, and all its rows. */
typedef struct Answered {
  struct Answered *next; /* of the bucket */
  sqlite3_uint64 hash;   /* of the arguments */
  Values arguments;
  Values rows;
} Answered;

#define ANSWER_BUCKETS 1024

typedef struct AnswerCursor {
  sqlite3_vtab_cursor base;
  Answered *buckets[ANSWER_BUCKETS];
  Answered *answered;  /* the question that it is at, or NULL */
  sqlite3_int64 place; /* in rows, behind the row it stands on */
  sqlite3_int64 rowid; /* 0: at the end */
  Value *row;          /* borrowed from rows */
} AnswerCursor;

/* What a module of ours knows. */
typedef struct AnswerOwner {
  Connection *connection;
  const Answer *answer;
} AnswerOwner;

/* ---- the table ---- */

static int answer_connect(sqlite3 *db, void *owner, int argc,
                          const char *const *argv, sqlite3_vtab **vtab,
                          char **message) {
  const AnswerOwner *own = owner;
  (void)argc, (void)argv, (void)message;
  int code = sqlite3_declare_vtab(db, own->answer->declaration);
  if (code) return code;
  AnswerTable *table = sqlite3_malloc64(sizeof(*table));
  if (!table) return SQLITE_NOMEM;
  /* A file must not come to depend on the extension. */
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  connection_retain(own->connection);
  *table = (AnswerTable){.connection = own->connection, .answer = own->answer};
  *vtab = &table->base;
  return SQLITE_OK;
}

static int answer_disconnect(sqlite3_vtab *vtab) {
  AnswerTable *table = (AnswerTable *)vtab;
  connection_release(table->connection);
  sqlite3_free(table);
  return SQLITE_OK;
}

static int answer_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  const Answer *answer = ((const AnswerTable *)vtab)->answer;
  int given = 0;
  bool unusable = false;
  for (int i = 0; i < answer->argument_count; i++) {
    int constraint =
        module_constraint(info, answer->column_count + i, &unusable);
    if (constraint < 0) continue;
    if (i != given) {
      sqlite3_free(vtab->zErrMsg);
      vtab->zErrMsg = sqlite3_mprintf(
          "%s: an argument is missing before "
          "another",
          answer->name);
      return unusable ? SQLITE_CONSTRAINT : SQLITE_ERROR;
    }
    info->aConstraintUsage[constraint].argvIndex = ++given;
    info->aConstraintUsage[constraint].omit = 1;
  }
  if (unusable) return SQLITE_CONSTRAINT;
  info->estimatedCost = 1000;
  info->estimatedRows = 10;
  return SQLITE_OK;
}

/* ---- the cursor ---- */

static int answer_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **opened) {
  const Answer *answer = ((const AnswerTable *)vtab)->answer;
  sqlite3_uint64 row = (sqlite3_uint64)answer->column_count * sizeof(Value);
  AnswerCursor *cursor = sqlite3_malloc64(sizeof(*cursor) + row);
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, sizeof(*cursor) + row);
  cursor->row = (Value *)(cursor + 1);
  *opened = &cursor->base;
  return SQLITE_OK;
}

static void answered_free(Answered *answered) {
  values_free(&answered->rows);
  values_free(&answered->arguments);
  sqlite3_free(answered);
}

static void answer_clear(AnswerCursor *cursor) {
  for (int i = 0; i < ANSWER_BUCKETS; i++)
    while (cursor->buckets[i]) {
      Answered *answered = cursor->buckets[i];
      cursor->buckets[i] = answered->next;
      answered_free(answered);
    }
  cursor->answered = NULL;
}

static int answer_close(sqlite3_vtab_cursor *base) {
  answer_clear((AnswerCursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

/* Reads the row that comes next. */
static void answer_step(AnswerCursor *cursor) {
  const Answer *answer = ((const AnswerTable *)cursor->base.pVtab)->answer;
  bool more = true;
  for (int i = 0; i < answer->column_count && more; i++)
    more =
        values_next(&cursor->answered->rows, &cursor->place, &cursor->row[i]);
  cursor->rowid = more ? cursor->rowid + 1 : 0;
}

/* The same question, asked before; or NULL. */
static Answered *answer_find(const AnswerCursor *cursor,
                             const Values *arguments, sqlite3_uint64 hash) {
  Answered *answered = cursor->buckets[hash % ANSWER_BUCKETS];
  while (answered &&
         (answered->hash != hash ||
          answered->arguments.size != arguments->size ||
          (arguments->size && memcmp(answered->arguments.data, arguments->data,
                                     (size_t)arguments->size) != 0)))
    answered = answered->next;
  return answered;
}

/* Finds the rows of a new question. */
static Answered *answer_ask(Failure *failure, AnswerCursor *cursor, int argc,
                            const Value *argv, sqlite3_uint64 hash) {
  const AnswerTable *table = (const AnswerTable *)cursor->base.pVtab;
  Answered **bucket = &cursor->buckets[hash % ANSWER_BUCKETS];
  Answered *answered = sqlite3_malloc64(sizeof(*answered));
  if (!answered) {
    failure_memory(failure);
    return NULL;
  }
  if (!table->answer->acts) answer_clear(cursor);
  *answered = (Answered){.hash = hash};
  table->answer->find(failure, table->connection, argc, argv, &answered->rows);
  answered->next = *bucket;
  return *bucket = answered;
}

/* Moves on to a question; takes the arguments. */
static void answer_turn(Failure *failure, AnswerCursor *cursor, int argc,
                        const Value *argv, Values *arguments) {
  sqlite3_uint64 hash =
      arguments->size ? values_hash(arguments->data, arguments->size) : 0;
  cursor->place = cursor->rowid = 0;
  cursor->answered = answer_find(cursor, arguments, hash);
  if (cursor->answered) return;
  cursor->answered = answer_ask(failure, cursor, argc, argv, hash);
  if (!cursor->answered) return;
  cursor->answered->arguments = *arguments;
  *arguments = (Values){0};
}

static int answer_filter(sqlite3_vtab_cursor *base, int number,
                         const char *string, int argc, sqlite3_value **argv) {
  AnswerCursor *cursor = (AnswerCursor *)base;
  Value given[ARGUMENT_LIMIT];
  Values arguments = {0};
  Failure failure = {0, NULL};
  (void)number, (void)string;
  for (int i = 0; i < argc; i++) {
    given[i] = value_of(&failure, argv[i]);
    values_add(&failure, &arguments, &given[i]);
  }
  if (!failure.code) answer_turn(&failure, cursor, argc, given, &arguments);
  values_free(&arguments);
  if (failure.code) {
    answer_clear(cursor);
  } else {
    answer_step(cursor);
  }
  failure_prefix(&failure,
                 "%s: ", ((const AnswerTable *)base->pVtab)->answer->name);
  return failure_to_table(&failure, base->pVtab);
}

static int answer_next(sqlite3_vtab_cursor *base) {
  answer_step((AnswerCursor *)base);
  return SQLITE_OK;
}

static int answer_eof(sqlite3_vtab_cursor *base) {
  return ((const AnswerCursor *)base)->rowid == 0;
}

static int answer_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                         int number) {
  const AnswerCursor *cursor = (const AnswerCursor *)base;
  const Answer *answer = ((const AnswerTable *)base->pVtab)->answer;
  if (number < answer->column_count) {
    value_result_copy(context, &cursor->row[number]);
    return SQLITE_OK;
  }
  Value argument = {SQLITE_NULL, false, 0, 0, NULL, 0};
  sqlite3_int64 place = 0;
  for (int i = answer->column_count; i <= number; i++)
    if (!values_next(&cursor->answered->arguments, &place, &argument))
      return SQLITE_OK;
  value_result_copy(context, &argument);
  return SQLITE_OK;
}

static int answer_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((const AnswerCursor *)base)->rowid;
  return SQLITE_OK;
}

/* Without xCreate it exists by itself, and can't be created. */
static const sqlite3_module answer_module = {
    .xConnect = answer_connect,
    .xBestIndex = answer_best_index,
    .xDisconnect = answer_disconnect,
    .xOpen = answer_open,
    .xClose = answer_close,
    .xFilter = answer_filter,
    .xNext = answer_next,
    .xEof = answer_eof,
    .xColumn = answer_column,
    .xRowid = answer_rowid,
};

static void answer_release(void *owner) {
  connection_release(((AnswerOwner *)owner)->connection);
  sqlite3_free(owner);
}

void answer_register(Failure *failure, Connection *connection,
                     const Answer *answer) {
  AnswerOwner *owner = failure->code ? NULL : sqlite3_malloc64(sizeof(*owner));
  if (!owner) {
    failure_memory(failure);
    return;
  }
  connection_retain(connection);
  *owner = (AnswerOwner){connection, answer};
  module_register(failure, connection->db, answer->name, &answer_module, owner,
                  answer_release);
}

/* ---- rows ---- */

void answer_text(Failure *failure, Values *rows, const char *text) {
  Value value = {.type = text ? SQLITE_TEXT : SQLITE_NULL, .bytes = text};
  if (text) value.size = (int)strlen(text);
  values_add(failure, rows, &value);
}
