/*
** verb.c: relate() and its family, as functions.
**
**     SELECT relate('students.courses', 1, 2);
**     SELECT enroll(id, 7) FROM students;
**
** They are aggregates.  xStep only keeps its arguments; xFinal, when the scan
** that gives them is over, carries all orders out in one transaction.  So one
** SELECT is one commit, sees nothing of what it writes, and an error of ours
** undoes it whole.  (SQLite finalizes an aggregate also when another expression
** of the statement fails, and there is no way to learn that.)
*/
#include "relate_int.h"

/* What has been gathered: `rows` times `argc` values. */
typedef struct Gathered {
  Failure failure;
  int argc;
  bool special; /* some value is NULL or JSON */
  sqlite3_int64 rows;
  Values values;
  char few[40]; /* two numbers, and more */
} Gathered;

/* The arguments of one row, taken apart. */
typedef struct Call {
  Failure *failure;
  Function *function;
  Model *model;
  Arena *arena; /* for the payload; NULL where there is none */
  int argc;
  const Value *argv;
} Call;

/* How many arguments there are before the payload. */
static int arguments_needed(const Function *function) {
  int keys = function->base == BASE_RELATE_MOVE ? 3 : 2;
  return keys + (function->declared ? 0 : 1);
}

static bool takes_payload(const Function *function) {
  return function->base == BASE_RELATE;
}

static const char *arguments_text(const Function *function) {
  static const char *const texts[] = {
      [BASE_RELATE] = "source, target [, column, value, ...]",
      [BASE_UNRELATE] = "source, target",
      [BASE_RELATE_SET] = "source, json_array_of_targets",
      [BASE_RELATE_MOVE] = "source, from_target, to_target",
  };
  return texts[function->base];
}

static void check_arguments(Failure *failure, const Function *function,
                            int argc) {
  int rest = argc - arguments_needed(function);
  if (rest == 0 || (rest > 0 && takes_payload(function) && rest % 2 == 0))
    return;
  failure_set(failure, SQLITE_MISUSE, "%d argument%s; it is called as %s(%s%s)",
              argc, argc == 1 ? "" : "s", function->name,
              function->declared ? "" : "relationship, ",
              arguments_text(function));
}

void verb_step(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Gathered *gathered = sqlite3_aggregate_context(context, sizeof(*gathered));
  if (!gathered) {
    sqlite3_result_error_nomem(context);
    return;
  }
  Failure *failure = &gathered->failure;
  if (!gathered->rows) {
    check_arguments(failure, sqlite3_user_data(context), argc);
    gathered->values = (Values){gathered->few, 0, sizeof(gathered->few), true};
  }
  gathered->argc = argc;
  gathered->rows++;
  for (int i = 0; i < argc && !failure->code; i++) {
    Value value = value_of(failure, argv[i]);
    gathered->special |= value.type == SQLITE_NULL || value.json;
    values_add(failure, &gathered->values, &value);
  }
}

/* ---- one row ---- */

static void call_column(Call *call, const Relationship *relationship,
                        const Value *name, const Value *value,
                        LinkOrder *order) {
  int count = order->payload.count;
  if (name->type != SQLITE_TEXT) {
    failure_set(call->failure, SQLITE_MISMATCH,
                "%s: after the keys come pairs of a column's name and its "
                "value",
                relationship->full_name);
    return;
  }
  const Column *column = link_payload(call->failure, relationship, name->bytes);
  if (call->failure->code) return;
  Value *values = (Value *)order->payload_values;
  for (int i = 0; i < count; i++) {
    if (order->payload.list[i] != column) continue;
    values[i] = *value; /* given twice: the later wins, as over a preset */
    return;
  }
  order->payload.list[count] = column;
  values[count] = *value;
  order->payload.count++;
}

/* The payload: what the declaration presets, then what the call gives. */
static void call_payload(Call *call, const Relationship *relationship,
                         int first, LinkOrder *order) {
  const Function *function = call->function;
  int room = function->preset_count + (call->argc - first) / 2;
  if (!room) return;
  if (!call->arena) call->arena = arena_new(call->failure);
  order->payload.list = arena_take(call->failure, call->arena,
                                   (sqlite3_int64)sizeof(Column *) * room);
  order->payload_values = arena_take(call->failure, call->arena,
                                     (sqlite3_int64)sizeof(Value) * room);
  if (call->failure->code) return;
  sqlite3_int64 cursor = 0;
  for (int i = 0; i < function->preset_count; i++) {
    order->payload.list[i] = function->preset[i];
    values_next(&function->preset_values, &cursor,
                (Value *)&order->payload_values[i]);
    order->payload.count++;
  }
  for (int i = first; i + 1 < call->argc; i += 2)
    call_column(call, relationship, &call->argv[i], &call->argv[i + 1], order);
}

static sqlite3_int64 call_run(Call *call) {
  Function *function = call->function;
  const Value *argv = call->argv;
  const Relationship *relationship =
      function_relationship(call->failure, function, call->model, &argv[0]);
  if (!relationship) return 0;
  if (!function->declared) argv++;
  LinkOrder order = {.connection = function->connection,
                     .relationship = relationship,
                     .source = argv[0]};
  if (function->base == BASE_RELATE_SET) {
    order.other = argv[1];
  } else {
    order.target = argv[1];
    if (function->base == BASE_RELATE_MOVE) order.other = argv[2];
  }
  call_payload(call, relationship, arguments_needed(function), &order);
  return link_apply(call->failure, function->base, &order);
}

/* ---- all rows ---- */

/* Several statements in a transaction of the caller need a savepoint. */
static void gathered_protect(Call *call, Transaction *transaction) {
  const Relationship *relationship = function_relationship(
      call->failure, call->function, call->model, &call->argv[0]);
  if (!relationship || transaction->open) return;
  if (link_is_several(call->function->base, relationship))
    *transaction = transaction_begin(call->failure,
                                     call->function->connection->cache, true);
}

static sqlite3_int64 gathered_rows(Call *call, Transaction *transaction,
                                   const Gathered *gathered, Value *argv) {
  sqlite3_int64 cursor = 0, changed = 0;
  for (sqlite3_int64 row = 0; row < gathered->rows; row++) {
    for (int i = 0; i < gathered->argc; i++)
      values_next(&gathered->values, &cursor, &argv[i]);
    if (row == 0) gathered_protect(call, transaction);
    if (call->failure->code) break;
    changed += call_run(call);
  }
  return changed;
}

/* Many plain pairs are linked by one statement.  False if that can't be done,
** or a constraint refuses: then row by row, to learn which one it was; but not
** without the transaction, where a trigger has rolled that back. */
static bool gathered_bulk(Call *call, const Gathered *gathered,
                          sqlite3_int64 *changed) {
  Failure refused = {0, NULL};
  const Function *function = call->function;
  const Relationship *relationship = function->relationship;
  if (gathered->rows < 2 || gathered->special || gathered->argc != 2 ||
      !function->declared || function->problem || function->preset_count ||
      function->base != BASE_RELATE || !link_in_bulk(relationship))
    return false;
  *changed = link_rows(&refused, function->connection, relationship,
                       &gathered->values);
  if ((refused.code & 0xff) == SQLITE_CONSTRAINT &&
      !sqlite3_get_autocommit(function->connection->db)) {
    failure_clear(&refused);
    return false;
  }
  failure_prefix(&refused, "%s: ", relationship->full_name);
  *call->failure = refused;
  return true;
}

/* One pair without payload, see link_quickly. */
static bool gathered_quickly(Call *call, const Gathered *gathered, Value *argv,
                             sqlite3_int64 *changed) {
  const Function *function = call->function;
  sqlite3_int64 cursor = 0;
  if (gathered->rows > 1 || gathered->argc != arguments_needed(function))
    return false;
  for (int i = 0; i < gathered->argc; i++)
    values_next(&gathered->values, &cursor, &argv[i]);
  return link_quickly(call->failure, function, argv, changed);
}

/* Looks at the schema first. */
static sqlite3_int64 gathered_thoroughly(Call *call, Transaction *transaction,
                                         const Gathered *gathered,
                                         Value *argv) {
  Connection *connection = call->function->connection;
  sqlite3_int64 changed = 0;
  call->model = connection_enter(call->failure, connection, "main");
  if (!call->failure->code && !gathered_bulk(call, gathered, &changed))
    changed = gathered_rows(call, transaction, gathered, argv);
  connection_leave(connection, call->model);
  return changed;
}

static sqlite3_int64 gathered_transact(Call *call, const Gathered *gathered,
                                       Value *argv) {
  Connection *connection = call->function->connection;
  /* A savepoint also for one statement that makes many links: RAISE(FAIL) in
  ** a trigger leaves those made before. */
  Transaction transaction =
      transaction_begin(call->failure, connection->cache, gathered->rows > 1);
  sqlite3_int64 changed = 0;
  if (!gathered_quickly(call, gathered, argv, &changed))
    changed = gathered_thoroughly(call, &transaction, gathered, argv);
  transaction_end(call->failure, &transaction);
  return changed;
}

/* Two keys and no payload, the common call, need no memory of their own.  But
** the look at what is declared now may find a payload to preset. */
static sqlite3_int64 gathered_run(Failure *failure, Function *function,
                                  const Gathered *gathered) {
  Value few[4];
  int argc = gathered->argc;
  Call call = {failure, function, NULL, NULL, argc, few};
  Value *argv = few;
  if (argc > 4) {
    call.arena = arena_new(failure);
    argv = arena_take(failure, call.arena, (sqlite3_int64)sizeof(Value) * argc);
    call.argv = argv;
  }
  sqlite3_int64 changed =
      failure->code ? 0 : gathered_transact(&call, gathered, argv);
  arena_free(call.arena);
  return changed;
}

/* What the table of the same name can do and the function can't: write inside
** a statement that writes; wait for who else writes, since it does that before
** a statement reads. */
static void explain_table(Failure *failure, const Function *function) {
  if (function->base != BASE_RELATE && function->base != BASE_UNRELATE) return;
  if (failure->code == SQLITE_MISUSE)
    failure_append(failure, ", or INSERT INTO %s", function->name);
  if ((failure->code & 0xff) == SQLITE_BUSY)
    failure_append(failure,
                   "; once a query reads SQLite does not wait for a lock: "
                   "INSERT INTO %s does, or try again",
                   function->name);
}

void verb_final(sqlite3_context *context) {
  Function *function = sqlite3_user_data(context);
  Gathered *gathered = sqlite3_aggregate_context(context, 0);
  if (!gathered) {
    sqlite3_result_int(context, 0); /* no rows */
    return;
  }
  Failure failure = gathered->failure;
  gathered->failure = (Failure){0, NULL};
  sqlite3_int64 changed = 0;
  if (!failure.code) {
    changed = gathered_run(&failure, function, gathered);
    explain_table(&failure, function);
  }
  values_free(&gathered->values);
  failure_prefix(&failure, "%s: ", function->name);
  if (failure.code) {
    failure_to_result(&failure, context);
  } else {
    sqlite3_result_int64(context, changed);
  }
}
