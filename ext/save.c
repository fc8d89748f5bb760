/*
** save.c: relate_save(), a tree of JSON written to related rows.
**
**     SELECT relate_save('students',
**       '{"name": "Ann", "courses": [{"id": 7}, {"title": "Logic"}]}');
**     SELECT action, name, key, target FROM relate_save('students', '...');
**     SELECT relate_save('students', value) FROM json_each(?);
**
** The function is an aggregate: all its documents are one graph and one
** transaction.  What is done with them is told in document.c, identity.c, agreement.c
** and persist.c.  The table has a row for everything that is done; asked once more
** with the same arguments in one statement, it answers without doing it again.
*/
#include "relate_int.h"

/* What has been gathered: `rows` times `argc` values. */
typedef struct Documents {
  Failure failure;
  int argc;
  sqlite3_int64 rows;
  Values values;
} Documents;

/* ---- one document ---- */

static const char *save_text(Failure *failure, const Value *value,
                             const char *what) {
  if (value->type != SQLITE_TEXT)
    failure_set(failure, SQLITE_MISMATCH, "%s is not text", what);
  if (!failure->code && strlen(value->bytes) != (size_t)value->size)
    failure_set(failure, SQLITE_MISMATCH, "%s has a NUL in it", what);
  return failure->code ? "" : value->bytes;
}

/* True for `yes`, false for `no`. */
static bool save_choice(Failure *failure, const char *option, const char *text,
                        const char *yes, const char *no) {
  bool chosen = name_equal(text, yes);
  if (!chosen && !name_equal(text, no))
    failure_set(failure, SQLITE_ERROR, "%s is '%s' or '%s', not '%s'", option,
                no, yes, text);
  return chosen;
}

static void save_option(Failure *failure, DocumentOrder *order,
                        const Value *name, const Value *value) {
  const char *option = save_text(failure, name, "the name of an option");
  const char *text = save_text(failure, value, option);
  if (failure->code) return;
  if (name_equal(option, "mode")) {
    order->replaces = save_choice(failure, option, text, "replace", "merge");
  } else if (name_equal(option, "unknown")) {
    order->ignores = save_choice(failure, option, text, "ignore", "error");
  } else {
    failure_set(failure, SQLITE_ERROR,
                "no option %s: there are mode and unknown", option);
  }
}

/* Each option once. */
static void save_options(Failure *failure, DocumentOrder *order, int argc,
                         const Value *argv) {
  for (int i = 2; i < argc && !failure->code; i += 2) {
    save_option(failure, order, &argv[i], &argv[i + 1]);
    for (int j = 2; j < i && !failure->code; j += 2)
      if (name_equal(argv[i].bytes, argv[j].bytes))
        failure_set(failure, SQLITE_ERROR, "%s is given twice", argv[i].bytes);
  }
}

static const Table *save_table(Failure *failure, const Model *model,
                               const Value *name) {
  Path path = path_read_table(failure, name, "document");
  if (!failure->code && !name_equal(path.schema, "main"))
    failure_set(failure, SQLITE_READONLY,
                "%s:%s is not in main: rows of an attached database can be "
                "read, not changed",
                path.schema, path.table);
  const Table *table =
      failure->code ? NULL : path_table(failure, model, path.table);
  path_free(&path);
  if (table && !table->row_key.count)
    failure_set(failure, SQLITE_ERROR, "the rows of %s can't be told apart",
                table->name);
  return table;
}

static void save_read(Failure *failure, Connection *connection, Graph *graph,
                      int argc, const Value *argv) {
  graph->documents++;
  DocumentOrder order = {.table =
                             save_table(failure, graph->forms.model, &argv[0]),
                         .json = argv[1]};
  save_options(failure, &order, argc, argv);
  graph_prefix_document(failure, graph);
  if (!failure->code) document_read(failure, connection, graph, &order);
}

/* ---- all documents ---- */

static sqlite3_int64 save_model(Failure *failure, Connection *connection,
                                const Model *model, const Documents *documents,
                                bool alone, Values *log) {
  Graph graph = {.forms = {.arena = arena_new(failure),
                           .model = model,
                           .cache = connection->cache},
                 .several = documents->rows > 1,
                 .alone = alone};
  sqlite3_int64 cursor = 0, count = 0;
  Value *argv = arena_take(failure, graph.forms.arena,
                           documents->argc * (sqlite3_int64)sizeof(Value));
  link_check(failure, connection);
  for (sqlite3_int64 i = 0; i < documents->rows && !failure->code; i++) {
    for (int j = 0; j < documents->argc; j++)
      values_next(&documents->values, &cursor, &argv[j]);
    save_read(failure, connection, &graph, documents->argc, argv);
  }
  if (!failure->code) graph_identify(failure, &graph);
  if (!failure->code) graph_refer(failure, &graph);
  if (!failure->code) graph_agree(failure, &graph);
  if (!failure->code) count = graph_persist(failure, connection, &graph, log);
  graph_forget(&graph);
  forms_release(&graph.forms);
  cache_unbind(connection->cache);
  arena_free(graph.forms.arena);
  return count;
}

static sqlite3_int64 save_run(Failure *failure, Connection *connection,
                              const Documents *documents, Values *log) {
  sqlite3_int64 count = 0;
  bool alone = sqlite3_get_autocommit(connection->db) != 0;
  Transaction transaction = transaction_begin(failure, connection->cache, true);
  Model *model = connection_enter(failure, connection, "main");
  if (!failure->code)
    count = save_model(failure, connection, model, documents, alone, log);
  connection_leave(connection, model);
  transaction_end(failure, &transaction);
  return count;
}

static void save_check_arguments(Failure *failure, int argc) {
  if (argc >= 2 && argc % 2 == 0) return;
  failure_set(failure, SQLITE_MISUSE,
              "%d argument%s; it is called as relate_save(table, json "
              "[, option, value, ...])",
              argc, argc == 1 ? "" : "s");
}

/* ---- the function ---- */

static void save_step(sqlite3_context *context, int argc,
                      sqlite3_value **argv) {
  Documents *documents = sqlite3_aggregate_context(context, sizeof(*documents));
  if (!documents) {
    sqlite3_result_error_nomem(context);
    return;
  }
  Failure *failure = &documents->failure;
  if (!documents->rows) save_check_arguments(failure, argc);
  documents->argc = argc;
  documents->rows++;
  for (int i = 0; i < argc && !failure->code; i++) {
    Value value = value_of(failure, argv[i]);
    values_add(failure, &documents->values, &value);
  }
}

static void save_final(sqlite3_context *context) {
  Documents *documents = sqlite3_aggregate_context(context, 0);
  if (!documents) {
    sqlite3_result_int(context, 0); /* no rows */
    return;
  }
  Failure failure = documents->failure;
  documents->failure = (Failure){0, NULL};
  sqlite3_int64 count = 0;
  if (!failure.code)
    count = save_run(&failure, sqlite3_user_data(context), documents, NULL);
  values_free(&documents->values);
  failure_prefix(&failure, "relate_save: ");
  if (failure.code) {
    failure_to_result(&failure, context);
  } else {
    sqlite3_result_int64(context, count);
  }
}

/* ---- the table ---- */

static void save_find(Failure *failure, Connection *connection, int argc,
                      const Value *argv, Values *rows) {
  Documents documents = {.argc = argc, .rows = 1};
  save_check_arguments(failure, argc);
  for (int i = 0; i < argc; i++)
    values_add(failure, &documents.values, &argv[i]);
  if (!failure->code) save_run(failure, connection, &documents, rows);
  values_free(&documents.values);
}

static const Answer save_answer = {
    .name = "relate_save",
    .declaration =
        "CREATE TABLE x(action TEXT, name TEXT, key, target,"
        " path TEXT, \"table\" HIDDEN, document HIDDEN,"
        " option HIDDEN, value HIDDEN,"
        " option_2 HIDDEN, value_2 HIDDEN)",
    .column_count = LEDGER_COLUMNS,
    .argument_count = 6,
    .acts = true,
    .find = save_find,
};

void save_register(Failure *failure, Connection *connection) {
  if (failure->code) return;
  connection_retain(connection);
  if (sqlite3_create_function_v2(connection->db, "relate_save", -1,
                                 FUNCTION_FLAGS, connection, NULL, save_step,
                                 save_final, connection_release))
    failure_from_db(failure, connection->db);
  answer_register(failure, connection, &save_answer);
}
