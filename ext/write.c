/*
** write.c: a row of a navigator, written.
**
**     INSERT INTO posts__tags(source_key, name) VALUES (1, 'sqlite');
**     UPDATE students__courses SET grade = 'A' WHERE source_key = 1 AND id = 7;
**     DELETE FROM students__courses WHERE source_key = 1 AND id = 7;
**
** INSERT links the source with a target: the row whose key is given, else the one
** that a UNIQUE key finds, else a new row made of the columns that are given.
** What is said of a target that is there already must be so.  UPDATE changes the
** target's columns and the payload; DELETE removes the link and no other row.
**
** A NULL in an INSERT means that the column is not given.  The link is made by
** link.c, as relate() does it.
**
** One order takes several statements: they are made one by steps.c, so that
** SQLite undoes all if one fails.
*/
#include "relate_int.h"

enum { KIND_WRITE = 1000 };

/* One order, while it is carried out. */
typedef struct Write {
  Failure *failure;
  Connection *connection;
  const Relationship *relationship;
  const Fields *fields;
  int argc;
  sqlite3_value **argv;
  bool replaces; /* OR REPLACE */
  Arena *arena;
  LinkOrder order;
} Write;

static sqlite3_value *write_value(const Write *write, int field) {
  return write->argv[2 + field];
}

/* ---- statements ---- */

/* Takes the statement of that text, which it frees, or prepares it. */
static sqlite3_stmt *write_prepare(Write *write, char *sql) {
  Cache *cache = write->connection->cache;
  sqlite3_int64 serial = write->relationship->serial;
  if (!sql) failure_memory(write->failure);
  sqlite3_stmt *statement =
      write->failure->code ? NULL : cache_take(cache, serial, KIND_WRITE, sql);
  if (!statement && !write->failure->code)
    statement = cache_add(write->failure, cache, serial, KIND_WRITE, sql, 0,
                          sqlite3_mprintf("%s", sql));
  sqlite3_free(sql);
  return statement;
}

static void write_bind(Write *write, sqlite3_stmt *statement, int parameter,
                       sqlite3_value *value) {
  if (!write->failure->code && sqlite3_bind_value(statement, parameter, value))
    failure_from_db(write->failure, write->connection->db);
}

static void write_give(Write *write, sqlite3_stmt *statement) {
  cache_give(write->connection->cache, statement);
}

/* Keeps the columns of the row that `statement` stands on as a key. */
static void write_keep_key(Write *write, sqlite3_stmt *statement, int first,
                           const Table *table, const Columns *columns,
                           Key *key) {
  Failure *failure = write->failure;
  *key = (Key){.table = table, .columns = columns};
  Value *values = arena_take(failure, write->arena,
                             columns->count * (sqlite3_int64)sizeof(Value));
  for (int i = 0; i < columns->count && !failure->code; i++) {
    values[i] = value_of_column(failure, statement, first + i);
    if (!values[i].bytes) continue;
    char *copy = arena_take(failure, write->arena, values[i].size + 1);
    if (copy) memcpy(copy, values[i].bytes, (size_t)values[i].size);
    values[i].bytes = copy;
  }
  if (failure->code) return;
  if (columns->count == 1) {
    key->single = values[0];
  } else {
    key->values = values; /* of the arena: not to be freed */
  }
}

/* WHERE row."a" = ?first AND ... */
static void append_key_where(sqlite3_str *text, const char *row,
                             const Columns *key, int first) {
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, row, key, first);
}

/* ---- what is given ---- */

static int field_of(const Write *write, FieldOrigin origin,
                    const Column *column) {
  for (int i = 0; i < write->fields->count; i++)
    if (write->fields->list[i].origin == origin &&
        write->fields->list[i].column == column)
      return i;
  return -1;
}

/* True if an INSERT has given the field. */
static bool is_given(const Write *write, int field) {
  return field >= 0 &&
         sqlite3_value_type(write_value(write, field)) != SQLITE_NULL;
}

/* True if an UPDATE has not left the field alone. */
static bool is_changed(const Write *write, int field) {
  return !sqlite3_value_nochange(write_value(write, field));
}

static bool are_given(const Write *write, const Columns *columns) {
  for (int i = 0; i < columns->count; i++)
    if (!is_given(write, field_of(write, FIELD_TARGET, columns->list[i])))
      return false;
  return columns->count > 0;
}

/* The key of the source: borrowed from argv. */
static void source_given(Write *write, Key *key) {
  const Columns *columns = &write->relationship->source_key;
  int first = write->fields->source;
  *key = (Key){.table = write->relationship->source, .columns = columns};
  Value *values = arena_take(write->failure, write->arena,
                             columns->count * (sqlite3_int64)sizeof(Value));
  for (int i = 0; i < columns->count && !write->failure->code; i++) {
    if (!is_given(write, first + i))
      failure_set(write->failure, SQLITE_CONSTRAINT_NOTNULL,
                  "%s is not given: the key of the row of %s that is to be "
                  "linked",
                  write->fields->list[first + i].name,
                  write->relationship->source->name);
    values[i] = value_of(write->failure, write_value(write, first + i));
  }
  if (write->failure->code) return;
  key->single = values[0];
  if (columns->count > 1) key->values = values;
}

/* The payload that is given, for the order. */
static void payload_given(Write *write) {
  LinkOrder *order = &write->order;
  const Columns *payload = &write->relationship->payload;
  sqlite3_int64 room = payload->count + 1;
  const Column **list =
      arena_take(write->failure, write->arena, room * (int)sizeof(*list));
  Value *values =
      arena_take(write->failure, write->arena, room * (int)sizeof(*values));
  order->payload = (Columns){0, list};
  order->payload_values = values;
  for (int i = 0; i < payload->count && !write->failure->code; i++) {
    int field = field_of(write, FIELD_PAYLOAD, payload->list[i]);
    if (!is_given(write, field)) continue;
    values[order->payload.count] =
        value_of(write->failure, write_value(write, field));
    list[order->payload.count++] = payload->list[i];
  }
}

/* ---- the target of an INSERT ---- */

/* The columns by which the target can be found: its key as the relationship has
** it, its primary key, or one that is UNIQUE, all of it given; or NULL. */
static const Columns *target_is_found_by(const Write *write) {
  const Table *target = write->relationship->target;
  if (are_given(write, &write->relationship->target_key))
    return &write->relationship->target_key;
  if (are_given(write, &target->primary_key)) return &target->primary_key;
  for (int i = 0; i < target->index_count; i++) {
    const Index *index = &target->indexes[i];
    if (index->unique && index->plain && are_given(write, &index->columns))
      return &index->columns;
  }
  return NULL;
}

static void bind_columns(Write *write, sqlite3_stmt *statement,
                         const Columns *columns) {
  for (int i = 0; i < columns->count; i++)
    write_bind(
        write, statement, i + 1,
        write_value(write, field_of(write, FIELD_TARGET, columns->list[i])));
}

/* SELECT its key, and each column that is given, FROM target WHERE ... */
static char *find_sql(const Write *write, const Columns *by) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "target", &write->relationship->target_key);
  for (int i = 0; i < write->fields->count; i++) {
    const Field *field = &write->fields->list[i];
    if (field->origin != FIELD_TARGET || !is_given(write, i)) continue;
    sqlite3_str_appendall(text, ", ");
    clause_column(text, "target", field->column);
    sqlite3_str_appendf(text, " IS ?%d", by->count + i + 1);
  }
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, write->relationship->target, "target");
  append_key_where(text, "target", by, 1);
  return sqlite3_str_finish(text);
}

static void fail_differs(Write *write, const Field *field, int i) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  Value value = value_of(write->failure, write_value(write, i));
  value_describe(text, &value);
  char *given = failure_text(write->failure, text);
  failure_set(write->failure, SQLITE_CONSTRAINT,
              "%s: the row of %s that is to be linked has another %s than %s; "
              "leave it out, or UPDATE the row",
              write->relationship->full_name, write->relationship->target->name,
              field->name, given);
  sqlite3_free(given);
}

/* What is said of a row that is there must be so. */
static void check_equal(Write *write, sqlite3_stmt *statement) {
  int column = write->relationship->target_key.count;
  for (int i = 0; i < write->fields->count; i++) {
    const Field *field = &write->fields->list[i];
    if (field->origin != FIELD_TARGET || !is_given(write, i)) continue;
    if (!sqlite3_column_int(statement, column++)) fail_differs(write, field, i);
  }
}

/* True if the target is there; *key is its key. */
static bool target_find(Write *write, Key *key) {
  const Columns *by = target_is_found_by(write);
  if (!by || write->failure->code) return false;
  sqlite3_stmt *statement = write_prepare(write, find_sql(write, by));
  bind_columns(write, statement, by);
  for (int i = 0; i < write->fields->count; i++)
    if (write->fields->list[i].origin == FIELD_TARGET && is_given(write, i))
      write_bind(write, statement, by->count + i + 1, write_value(write, i));
  bool found = statement_step(write->failure, statement);
  if (found) {
    write_keep_key(write, statement, 0, write->relationship->target,
                   &write->relationship->target_key, key);
    check_equal(write, statement);
  }
  write_give(write, statement);
  return found;
}

/* True if the row is made together with its link: it holds the foreign key. */
static bool target_holds_key(const Relationship *relationship) {
  return select_link_is_target(relationship);
}

/* Column `field` is set by the INSERT of the target. */
static bool is_set(const Write *write, int field) {
  const Field *f = &write->fields->list[field];
  const Relationship *r = write->relationship;
  return f->origin == FIELD_TARGET && is_given(write, field) &&
         !(target_holds_key(r) && columns_contain(&r->source_link, f->column));
}

/* INSERT INTO target(columns given, the foreign key) ... RETURNING its key */
static char *make_sql(const Write *write) {
  const Relationship *r = write->relationship;
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(r);
  int count = 0, first = 1 + (target_holds_key(r) ? source.key->count : 0);
  sqlite3_str_appendf(text, "INSERT INTO \"%w\".\"%w\"(",
                      r->target->schema->name, r->target->name);
  for (int i = 0; i < write->fields->count; i++)
    if (is_set(write, i))
      sqlite3_str_appendf(text, count++ ? ", \"%w\"" : "\"%w\"",
                          write->fields->list[i].column->name);
  for (int i = 0; target_holds_key(r) && i < source.link->count; i++)
    sqlite3_str_appendf(text, count++ ? ", \"%w\"" : "\"%w\"",
                        source.link->list[i]->name);
  sqlite3_str_appendall(text, ") VALUES (");
  count = 0;
  for (int i = 0; i < write->fields->count; i++)
    if (is_set(write, i))
      sqlite3_str_appendf(text, count++ ? ", ?%d" : "?%d", first + i);
  for (int i = 0; target_holds_key(r) && i < source.link->count; i++) {
    if (count++) sqlite3_str_appendall(text, ", ");
    clause_value(text, &source, i);
  }
  sqlite3_str_appendall(text, ") RETURNING ");
  for (int i = 0; i < r->target_key.count; i++)
    sqlite3_str_appendf(text, i ? ", \"%w\"" : "\"%w\"",
                        r->target_key.list[i]->name);
  return sqlite3_str_finish(text);
}

static void fail_no_column(Write *write) {
  failure_set(
      write->failure, SQLITE_ERROR,
      "%s: nothing is given of the row of %s that is to be linked: give "
      "its key, or its columns",
      write->relationship->full_name, write->relationship->target->name);
}

static bool gives_target(const Write *write) {
  for (int i = 0; i < write->fields->count; i++)
    if (write->fields->list[i].origin == FIELD_TARGET && is_given(write, i))
      return true;
  return false;
}

/* A foreign key has refused the new row: perhaps the source is missing. */
static void target_explain(Write *write, const Key *source) {
  Failure missing = {0, NULL};
  key_demand(&missing, write->connection, source);
  if (!missing.code) return;
  failure_clear(write->failure);
  *write->failure = missing;
}

static void target_make(Write *write, const Key *source, Key *key) {
  const Relationship *r = write->relationship;
  if (write->failure->code) return;
  if (!gives_target(write)) {
    fail_no_column(write);
    return;
  }
  sqlite3_stmt *statement = write_prepare(write, make_sql(write));
  int first = 1;
  if (target_holds_key(r))
    first = key_bind(write->failure, statement, 1, source);
  for (int i = 0; i < write->fields->count; i++)
    if (is_set(write, i))
      write_bind(write, statement, first + i, write_value(write, i));
  if (statement_step(write->failure, statement)) {
    write_keep_key(write, statement, 0, r->target, &r->target_key, key);
    while (statement_step(write->failure, statement)) continue;
  } else {
    failure_set(write->failure, SQLITE_CONSTRAINT_TRIGGER,
                "a trigger skips the new row of %s", r->target->name);
  }
  write_give(write, statement);
  if (write->failure->code == SQLITE_CONSTRAINT_FOREIGNKEY)
    target_explain(write, source);
  failure_prefix(write->failure, "%s: ", r->full_name);
}

/* ---- INSERT ---- */

static void write_insert(Write *write) {
  Key source, target;
  source_given(write, &source);
  payload_given(write);
  if (write->failure->code) return;
  bool found = target_find(write, &target);
  if (!found) target_make(write, &source, &target);
  if (write->failure->code) return;
  if (found || !target_holds_key(write->relationship))
    link_keys(write->failure, &write->order, &source, &target, write->replaces);
}

/* ---- the link of an UPDATE or DELETE ---- */

static void skip_space(const char **cursor) {
  while (**cursor == ' ') ++*cursor;
}

/* Binds the values of a link_key of several columns, as quote() wrote them. */
static void bind_literals(Write *write, sqlite3_stmt *statement, int parameter,
                          const char *text) {
  const Columns *key = &write->relationship->link->row_key;
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendall(sql, "SELECT ");
  const char *cursor = text + 1;
  for (int i = 0; i < key->count; i++) {
    const char *start = cursor;
    while (*cursor && *cursor != ',' && !(*cursor == ']' && !cursor[1]))
      cursor = name_token_end(cursor);
    if (i) sqlite3_str_appendall(sql, ", ");
    sqlite3_str_append(sql, start, (int)(cursor - start));
    if (*cursor == ',') cursor++;
    skip_space(&cursor);
  }
  char *finished = failure_text(write->failure, sql);
  sqlite3_stmt *literals = statement_prepare(
      write->failure, write->connection->db, STATEMENT_PLAIN, finished);
  if (statement_step(write->failure, literals))
    for (int i = 0; i < key->count; i++)
      write_bind(write, statement, parameter + i,
                 sqlite3_column_value(literals, i));
  sqlite3_finalize(literals);
  sqlite3_free(finished);
}

/* Binds argv[0], the link_key of the row that is changed. */
static void bind_link(Write *write, sqlite3_stmt *statement, int parameter) {
  const Columns *key = &write->relationship->link->row_key;
  if (write->failure->code) return;
  if (key->count == 1) {
    write_bind(write, statement, parameter, write->argv[0]);
    return;
  }
  const char *text = (const char *)sqlite3_value_text(write->argv[0]);
  if (!text) {
    failure_memory(write->failure);
  } else {
    bind_literals(write, statement, parameter, text);
  }
}

/* SELECT the keys of both ends FROM the link's row */
static char *ends_sql(const Relationship *r) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "l", &r->source_link);
  sqlite3_str_appendall(text, ", ");
  clause_columns(text, "l", &r->target_link);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, r->link, "l");
  append_key_where(text, "l", &r->link->row_key, 1);
  return sqlite3_str_finish(text);
}

/* False if the link is no longer there. */
static bool write_ends(Write *write, Key *source, Key *target) {
  const Relationship *r = write->relationship;
  sqlite3_stmt *statement = write_prepare(write, ends_sql(r));
  bind_link(write, statement, 1);
  bool found = statement_step(write->failure, statement);
  if (found) {
    write_keep_key(write, statement, 0, r->source, &r->source_key, source);
    write_keep_key(write, statement, r->source_link.count, r->target,
                   &r->target_key, target);
  }
  write_give(write, statement);
  return found;
}

/* ---- DELETE ---- */

static void write_delete(Write *write) {
  Key source, target;
  if (!write_ends(write, &source, &target)) return;
  sqlite3_stmt *statement = NULL;
  if (generate_can_unlink(write->relationship)) {
    statement = write_prepare(write, generate_unlink_row(write->relationship));
    bind_link(write, statement, 1);
  }
  link_dissolve(write->failure, &write->order, &source, &target, statement);
  write_give(write, statement);
}

/* ---- UPDATE ---- */

static bool is_fixed(const Write *write, int field) {
  const Field *f = &write->fields->list[field];
  if (f->origin == FIELD_TARGET)
    return f->column->generated ||
           columns_contain(&write->relationship->target_key, f->column) ||
           (target_holds_key(write->relationship) &&
            columns_contain(&write->relationship->source_link, f->column));
  return f->origin != FIELD_PAYLOAD;
}

/* What can't be changed here may only be said as it is. */
static void check_fixed(Write *write) {
  for (int i = 0; i < write->fields->count && !write->failure->code; i++) {
    const Field *field = &write->fields->list[i];
    if (!is_changed(write, i) || !is_fixed(write, i)) continue;
    if (field->origin == FIELD_TARGET && field->column->generated) continue;
    failure_set(write->failure, SQLITE_ERROR, "%s can't be changed here%s",
                field->name,
                field->origin == FIELD_TARGET
                    ? ": it is the key of a row; UPDATE the table"
                    : "; link another row with relate_move, or by DELETE and "
                      "INSERT");
  }
}

static bool is_updated(const Write *write, int field, FieldOrigin origin) {
  return write->fields->list[field].origin == origin &&
         is_changed(write, field) && !is_fixed(write, field);
}

/* The row of the target, by its key; or that of the link, by its own. */
static char *update_sql(const Write *write, FieldOrigin origin) {
  const Relationship *r = write->relationship;
  const Table *table = origin == FIELD_TARGET ? r->target : r->link;
  int count = 0;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "UPDATE ");
  clause_table(text, table, "l");
  for (int i = 0; i < write->fields->count; i++)
    if (is_updated(write, i, origin))
      sqlite3_str_appendf(text,
                          count++ ? ", \"%w\" = ?%d" : " SET \"%w\" = ?%d",
                          write->fields->list[i].column->name, i + 1);
  append_key_where(text, "l",
                   origin == FIELD_TARGET ? &r->target_key : &r->link->row_key,
                   write->fields->count + 1);
  char *sql = sqlite3_str_finish(text);
  if (count) return sql;
  sqlite3_free(sql);
  return NULL;
}

static bool any_updated(const Write *write, FieldOrigin origin) {
  for (int i = 0; i < write->fields->count; i++)
    if (is_updated(write, i, origin)) return true;
  return false;
}

static void write_update_one(Write *write, FieldOrigin origin,
                             const Key *target) {
  if (write->failure->code || !any_updated(write, origin)) return;
  sqlite3_stmt *statement = write_prepare(write, update_sql(write, origin));
  for (int i = 0; i < write->fields->count; i++)
    if (is_updated(write, i, origin))
      write_bind(write, statement, i + 1, write_value(write, i));
  int next = write->fields->count + 1;
  if (origin == FIELD_TARGET) {
    key_bind(write->failure, statement, next, target);
  } else {
    bind_link(write, statement, next);
  }
  while (statement_step(write->failure, statement)) continue;
  write_give(write, statement);
  failure_prefix(write->failure, "%s: ", write->relationship->full_name);
}

static void write_update(Write *write) {
  Key source, target;
  check_fixed(write);
  if (write->failure->code || !write_ends(write, &source, &target)) return;
  write_update_one(write, FIELD_TARGET, &target);
  write_update_one(write, FIELD_PAYLOAD, NULL);
}

/* ---- one order ---- */

/* The second step is there so that SQLite has several rows to undo. */
static void write_step(Failure *failure, void *argument, int step) {
  Write *write = argument;
  (void)failure;
  if (step) return;
  if (write->argc == 1) {
    write_delete(write);
  } else if (sqlite3_value_type(write->argv[0]) == SQLITE_NULL) {
    write_insert(write);
  } else {
    write_update(write);
  }
}

static void check_writable(Failure *failure, const Relationship *relationship,
                           const Fields *fields) {
  const char *why =
      relationship->derived ? "it is declared by a path or a condition"
      : !name_equal(relationship->model->schema->name, "main")
          ? "it is in an attached database"
      : fields->link < 0 ? "the rows of its links can't be told apart"
                         : NULL;
  if (why)
    failure_set(failure, SQLITE_READONLY, "%s can only be read: %s",
                relationship->full_name, why);
}

void write_row(Failure *failure, Connection *connection,
               const Relationship *relationship, const Fields *fields, int argc,
               sqlite3_value **argv) {
  Write write = {.failure = failure,
                 .connection = connection,
                 .relationship = relationship,
                 .fields = fields,
                 .argc = argc,
                 .argv = argv};
  write.order.connection = connection;
  write.order.relationship = relationship;
  /* asked before a statement of ours is an INSERT, too */
  write.replaces = sqlite3_vtab_on_conflict(connection->db) == SQLITE_REPLACE;
  check_writable(failure, relationship, fields);
  write.arena = arena_new(failure);
  if (!failure->code) steps_run(failure, connection, write_step, &write);
  arena_free(write.arena);
}
