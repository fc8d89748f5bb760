/*
** write.c: a row of a navigator, written.
**
**     INSERT INTO posts__tags(source_key, name) VALUES (1, 'sqlite');
**     UPDATE students__courses SET grade = 'A' WHERE source_key = 1 AND id = 7;
**     DELETE FROM students__courses WHERE source_key = 1 AND id = 7;
**
** INSERT links the source with a target: the row whose key is given, else the one
** that a UNIQUE key finds, else a new row made of the columns that are given.
** What is said of a target that is there already must be so.  A NULL means that
** the column is not given.  UPDATE writes those columns of the target and of the
** payload that get another value.  DELETE removes the link and no other row.
**
** First the row is looked at: the target is found, or what an UPDATE changes.
** Then it is known what there is to do, and whether that takes several
** statements.  They are made one by steps.c, so that SQLite undoes all if one
** fails.  The statements are those of writing.c; the link is made by link.c, as
** relate() does it.
*/
#include "relate_int.h"

enum {
  KIND_WRITE_MAKE = 1000,
  KIND_WRITE_VACATE,
  KIND_WRITE_AGREEMENT,
  KIND_WRITE_ENDS,
  KIND_WRITE_COMPARE,
  KIND_WRITE_TARGET,
  KIND_WRITE_PAYLOAD,
  KIND_WRITE_UNLINK,
  KIND_WRITE_FIND, /* and the numbers behind it, one for each key */
};

/* One order, while it is carried out. */
typedef struct Write {
  Failure *failure;
  Connection *connection;
  const Relationship *relationship;
  const Fields *fields;
  sqlite3_value **values; /* one for each field */
  sqlite3_value *old;     /* its link_key, unless it is an INSERT */
  bool replaces;          /* OR REPLACE */
  Arena *arena;
  Writing writing;
  Key source, target; /* in the arena */
  Value *link;        /* the key of the link's row, likewise */
  LinkOrder order;
  void (*act)(struct Write *write); /* NULL: there is nothing to do */
  bool several;                     /* statements, only all together */
  bool changed;
} Write;

/* ---- statements ---- */

static char *write_sql(const Write *write, int kind, const Columns *by) {
  const Writing *writing = &write->writing;
  switch (kind) {
    case KIND_WRITE_MAKE: return writing_make(writing);
    case KIND_WRITE_VACATE: return generate_vacate(write->relationship);
    case KIND_WRITE_AGREEMENT: return writing_agreement(writing);
    case KIND_WRITE_ENDS: return writing_ends(writing);
    case KIND_WRITE_COMPARE: return writing_compare(writing);
    case KIND_WRITE_TARGET: return writing_update(writing, FIELD_TARGET);
    case KIND_WRITE_PAYLOAD: return writing_update(writing, FIELD_PAYLOAD);
    case KIND_WRITE_UNLINK: return generate_unlink_row(write->relationship);
    default: return writing_find(writing, by);
  }
}

/* Taken from the cache, where it is known by the fields that are said. */
static sqlite3_stmt *write_statement(Write *write, int kind,
                                     const Columns *by) {
  Cache *cache = write->connection->cache;
  sqlite3_int64 serial = write->relationship->serial;
  const char *said = write->writing.said;
  if (write->failure->code) return NULL;
  sqlite3_stmt *statement = cache_take(cache, serial, kind, said);
  if (statement) return statement;
  return cache_add(write->failure, cache, serial, kind, said, 0,
                   write_sql(write, kind, by));
}

static void write_give(const Write *write, sqlite3_stmt *statement) {
  cache_give(write->connection->cache, statement);
}

/* Runs a statement that writes, to its end. */
static void write_finish(Write *write, sqlite3_stmt *statement) {
  while (statement_step(write->failure, statement)) continue;
  write_give(write, statement);
}

/* Binds what is said, as far as the statement wants to know it. */
static void write_bind_said(Write *write, sqlite3_stmt *statement) {
  int parameters = statement ? sqlite3_bind_parameter_count(statement) : 0;
  for (int i = 0; i < write->fields->count && i < parameters; i++) {
    if (!writing_is_said(&write->writing, i)) continue;
    Value value = value_of(write->failure, write->values[i]);
    value_bind(write->failure, statement, i + 1, &value);
  }
}

/* ---- what is known of the rows ---- */

/* Room for a key's values. */
static Value *write_room(Write *write, int count) {
  return arena_take(write->failure, write->arena,
                    count * (sqlite3_int64)sizeof(Value));
}

static Key write_key(const Table *table, const Columns *columns,
                     Value *values) {
  Key key = {.table = table, .columns = columns};
  if (values && columns->count == 1) {
    key.single = values[0];
  } else {
    key.values = values; /* of the arena: not to be freed */
  }
  return key;
}

/* Copies text and BLOB into the arena. */
static void write_copy(Write *write, Value *value) {
  if (!value->bytes || write->failure->code) return;
  char *copy = arena_take(write->failure, write->arena, value->size + 1);
  if (!copy) return;
  memcpy(copy, value->bytes, (size_t)value->size);
  copy[value->size] = 0;
  value->bytes = copy;
}

/* Keeps the columns of the row that `statement` stands on as a key. */
static Key write_keep_key(Write *write, sqlite3_stmt *statement, int first,
                          const Table *table, const Columns *columns) {
  Value *values = write_room(write, columns->count);
  for (int i = 0; values && i < columns->count; i++) {
    values[i] = value_of_column(write->failure, statement, first + i);
    write_copy(write, &values[i]);
  }
  return write_key(table, columns, values);
}

static void write_keep_target(Write *write, sqlite3_stmt *statement,
                              int first) {
  const Relationship *r = write->relationship;
  write->target =
      write_keep_key(write, statement, first, r->target, &r->target_key);
}

static void write_keep_ends(Write *write, sqlite3_stmt *statement) {
  const Relationship *r = write->relationship;
  write->source =
      write_keep_key(write, statement, 0, r->source, &r->source_key);
  write_keep_target(write, statement, r->source_key.count);
}

/* Describes rows; the caller frees. */
static char *write_rows(const Key *first, const char *between,
                        const Key *second) {
  Failure ignored = {0, NULL};
  sqlite3_str *text = sqlite3_str_new(NULL);
  key_describe_row(text, first);
  if (second) {
    sqlite3_str_appendall(text, between);
    key_describe_row(text, second);
  }
  char *rows = failure_text(&ignored, text);
  failure_clear(&ignored);
  return rows;
}

static char *write_describe(const Write *write, int field) {
  Failure ignored = {0, NULL};
  sqlite3_str *text = sqlite3_str_new(NULL);
  Value value = value_of(&ignored, write->values[field]);
  value_describe(text, &value);
  char *said = failure_text(&ignored, text);
  failure_clear(&ignored);
  return said;
}

/* ---- what an INSERT gives ---- */

static void check_not_given(Write *write, int field) {
  const Field *f = &write->fields->list[field];
  bool generated = f->origin == FIELD_TARGET && f->column->generated;
  if (generated)
    failure_set(write->failure, SQLITE_ERROR,
                "%s can't be given: it is computed from other columns",
                f->name);
  if (f->origin == FIELD_LINK)
    failure_set(write->failure, SQLITE_ERROR,
                "%s can't be given: it is the key that the link gets", f->name);
}

static void read_given(Write *write) {
  for (int i = 0; i < write->fields->count && !write->failure->code; i++) {
    bool given = sqlite3_value_type(write->values[i]) != SQLITE_NULL;
    write->writing.said[i] = given ? WRITING_SAID : WRITING_UNSAID;
    if (given) check_not_given(write, i);
  }
}

/* The key of the source: borrowed from the arguments. */
static void read_source(Write *write) {
  const Relationship *r = write->relationship;
  int first = write->fields->source;
  Value *values = write_room(write, r->source_key.count);
  for (int i = 0; values && i < r->source_key.count; i++) {
    values[i] = value_of(write->failure, write->values[first + i]);
    if (values[i].type == SQLITE_NULL)
      failure_set(write->failure, SQLITE_CONSTRAINT_NOTNULL,
                  "%s is not given: the key of the row of %s that is to be "
                  "linked",
                  write->fields->list[first + i].name, r->source->name);
  }
  write->source = write_key(r->source, &r->source_key, values);
}

/* The payload that is given, for the order. */
static void read_payload(Write *write) {
  const Columns *payload = &write->relationship->payload;
  const Column **list =
      arena_take(write->failure, write->arena,
                 (payload->count + 1) * (sqlite3_int64)sizeof(*list));
  Value *values = write_room(write, payload->count + 1);
  int count = 0;
  for (int i = 0; i < write->fields->count && !write->failure->code; i++) {
    if (write->fields->list[i].origin != FIELD_PAYLOAD ||
        !writing_is_said(&write->writing, i))
      continue;
    list[count] = write->fields->list[i].column;
    values[count++] = value_of(write->failure, write->values[i]);
  }
  write->order = (LinkOrder){.connection = write->connection,
                             .relationship = write->relationship,
                             .payload = {count, list},
                             .payload_values = values};
}

/* ---- the target, found ---- */

/* What the target has in that column, for a message. */
static char *describe_present(Write *write, const Column *column) {
  Failure ignored = {0, NULL};
  sqlite3_str *sql = sqlite3_str_new(NULL), *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(sql, "SELECT ");
  clause_column(sql, "target", column);
  sqlite3_str_appendall(sql, " FROM ");
  clause_table(sql, write->relationship->target, "target");
  sqlite3_str_appendall(sql, " WHERE ");
  clause_key(sql, "target", write->target.columns, 1);
  char *select = failure_text(&ignored, sql);
  sqlite3_stmt *statement = statement_prepare(&ignored, write->connection->db,
                                              STATEMENT_PLAIN, select);
  key_bind(&ignored, statement, 1, &write->target);
  statement_step(&ignored, statement);
  Value value = value_of_column(&ignored, statement, 0);
  value_describe(text, &value);
  char *present = failure_text(&ignored, text);
  sqlite3_finalize(statement);
  sqlite3_free(select);
  failure_clear(&ignored);
  return present;
}

static void fail_differs(Write *write, int field) {
  const Field *f = &write->fields->list[field];
  char *row = write_rows(&write->target, "", NULL);
  char *present = describe_present(write, f->column);
  char *said = write_describe(write, field);
  failure_set(write->failure, SQLITE_CONSTRAINT,
              "%s: %s is there already, and its %s is %s, not %s; leave it "
              "out, or UPDATE the row",
              write->relationship->full_name, row ? row : "", f->name,
              present ? present : "", said ? said : "");
  sqlite3_free(row);
  sqlite3_free(present);
  sqlite3_free(said);
}

/* The field that is not as it is said, or -1. */
static int target_difference(const Write *write, sqlite3_stmt *statement) {
  int column = write->relationship->target_key.count;
  for (int i = 0; i < write->fields->count; i++)
    if (writing_is_compared(&write->writing, i) &&
        !sqlite3_column_int(statement, column++))
      return i;
  return -1;
}

static bool target_found_by(Write *write, int number, const Columns *by) {
  sqlite3_stmt *statement =
      write_statement(write, KIND_WRITE_FIND + number, by);
  write_bind_said(write, statement);
  bool found = statement_step(write->failure, statement);
  if (found) write_keep_target(write, statement, 0);
  int difference = found ? target_difference(write, statement) : -1;
  write_give(write, statement);
  if (difference >= 0 && !write->failure->code) fail_differs(write, difference);
  return found;
}

/* True if the target is there. */
static bool target_find(Write *write) {
  const Columns *by;
  for (int i = 0; (by = writing_key(&write->writing, &i)) != NULL; i++)
    if (target_found_by(write, i, by) || write->failure->code) return true;
  return false;
}

/* ---- the target, made ---- */

/* It holds the foreign key, and is linked as soon as it is made. */
static bool target_holds_key(const Write *write) {
  return select_link_is_target(write->relationship);
}

static void fail_disagrees(Write *write, int field) {
  const Field *f = &write->fields->list[field];
  char *said = write_describe(write, field);
  char *row = write_rows(&write->source, "", NULL);
  failure_set(write->failure, SQLITE_CONSTRAINT,
              "%s: %s is given as %s, and it is to refer to %s; leave it out",
              write->relationship->full_name, f->name, said ? said : "",
              row ? row : "");
  sqlite3_free(said);
  sqlite3_free(row);
}

/* What is said of the foreign key has to be what the source says. */
static void check_agreement(Write *write) {
  const Writing *writing = &write->writing;
  sqlite3_stmt *statement = NULL;
  for (int i = 0, column = 0; i < write->fields->count; i++) {
    const Field *f = &write->fields->list[i];
    if (f->origin != FIELD_TARGET || !writing_is_said(writing, i) ||
        writing_foreign_place(writing, f->column) < 0)
      continue;
    if (column == 0) {
      statement = write_statement(write, KIND_WRITE_AGREEMENT, NULL);
      write_bind_said(write, statement);
      if (!statement_step(write->failure, statement)) break;
    }
    if (!sqlite3_column_int(statement, column++)) fail_disagrees(write, i);
  }
  write_give(write, statement);
}

/* True if something is said of it that only it can have. */
static bool target_is_described(const Write *write) {
  for (int i = 0; i < write->fields->count; i++)
    if (writing_is_compared(&write->writing, i)) return true;
  return false;
}

static void fail_no_column(Write *write) {
  failure_set(write->failure, SQLITE_ERROR,
              "%s: nothing is given of the row of %s that is to be linked: "
              "give its key, or its columns",
              write->relationship->full_name,
              write->relationship->target->name);
}

/* Replaces the failure if the source is missing. */
static void target_demand_source(Write *write) {
  Failure missing = {0, NULL};
  if (!target_holds_key(write)) return;
  key_demand(&missing, write->connection, &write->source);
  if (!missing.code) return;
  failure_clear(write->failure);
  *write->failure = missing;
}

/* It was not made. */
static void target_explain(Write *write) {
  Failure *failure = write->failure;
  if (!failure->code || failure->code == SQLITE_CONSTRAINT_FOREIGNKEY)
    target_demand_source(write);
  if (!failure->code)
    failure_set(failure, SQLITE_CONSTRAINT_TRIGGER, "a trigger skips it");
  char *row = write_rows(&write->source, "", NULL);
  if ((failure->code & 0xff) == SQLITE_CONSTRAINT &&
      !name_starts(failure->message, "no row of"))
    failure_prefix(failure, "a new row of %s for %s: ",
                   write->relationship->target->name, row ? row : "");
  sqlite3_free(row);
  failure_prefix(failure, "%s: ", write->relationship->full_name);
}

/* A one-to-one makes room first, where it can. */
static void target_vacate(Write *write) {
  const Relationship *r = write->relationship;
  if (r->cardinality != ONE_TO_ONE || !target_holds_key(write) ||
      !generate_can_unlink(r))
    return;
  sqlite3_stmt *statement = write_statement(write, KIND_WRITE_VACATE, NULL);
  key_bind(write->failure, statement, 1, &write->source);
  write_finish(write, statement);
}

static void target_make(Write *write) {
  target_vacate(write);
  sqlite3_stmt *statement = write_statement(write, KIND_WRITE_MAKE, NULL);
  write_bind_said(write, statement);
  bool made = statement_step(write->failure, statement);
  if (made) write_keep_target(write, statement, 0);
  write_finish(write, statement);
  if (!made || write->failure->code) target_explain(write);
}

/* ---- INSERT ---- */

static void act_link(Write *write) {
  write->changed = link_keys(write->failure, &write->order, &write->source,
                             &write->target, write->replaces) != 0;
}

static void fail_link_skipped(Write *write) {
  char *row = write_rows(&write->source, "", NULL);
  failure_set(write->failure, SQLITE_CONSTRAINT_TRIGGER,
              "%s: a trigger skips the link of %s and a new row of %s",
              write->relationship->full_name, row ? row : "",
              write->relationship->target->name);
  sqlite3_free(row);
}

static void act_make(Write *write) {
  target_make(write);
  if (write->failure->code) return;
  write->changed = true;
  if (target_holds_key(write)) return;
  act_link(write);
  if (!write->changed && !write->failure->code) fail_link_skipped(write);
}

static void write_insert(Write *write) {
  read_given(write);
  read_source(write);
  read_payload(write);
  if (target_holds_key(write) && !write->failure->code) check_agreement(write);
  if (write->failure->code) return;
  bool found = target_find(write);
  if (!found && !target_is_described(write)) fail_no_column(write);
  bool one_to_one = write->relationship->cardinality == ONE_TO_ONE;
  write->act = found ? act_link : act_make;
  write->several = one_to_one || (!found && !target_holds_key(write));
}

/* ---- the link of an UPDATE or DELETE ---- */

/* A link_key of several columns, taken apart. */
static void read_link_parts(Write *write, int count) {
  Value text = value_of(write->failure, write->old);
  write_copy(write, &text);
  char *cursor = text.bytes ? (char *)text.bytes + 1 : "";
  for (int i = 0; i < count && !write->failure->code; i++) {
    value_unquote(&cursor, &write->link[i]);
  }
}

static void read_link(Write *write) {
  int count = write->relationship->link->row_key.count;
  write->link = write_room(write, count);
  if (!write->link) return;
  memset(write->link, 0, (size_t)count * sizeof(Value));
  if (count == 1) {
    write->link[0] = value_of(write->failure, write->old);
  } else {
    read_link_parts(write, count);
  }
}

/* SQLite lets a key be NULL, but then it is none. */
static void check_link(Write *write) {
  const Columns *key = &write->relationship->link->row_key;
  for (int i = 0; i < key->count && !write->failure->code; i++)
    if (write->link[i].type == SQLITE_NULL)
      failure_set(write->failure, SQLITE_ERROR,
                  "%s: the link's row of %s can't be told from others: its %s "
                  "is NULL; change the table itself",
                  write->relationship->full_name,
                  write->relationship->link->name, key->list[i]->name);
}

static void bind_link(Write *write, sqlite3_stmt *statement, int parameter) {
  for (int i = 0; i < write->relationship->link->row_key.count; i++)
    value_bind(write->failure, statement, parameter + i, &write->link[i]);
}

static sqlite3_stmt *link_ask(Write *write, int kind) {
  sqlite3_stmt *statement = write_statement(write, kind, NULL);
  write_bind_said(write, statement);
  bind_link(write, statement, write->fields->count + 1);
  return statement;
}

static void act_unlink(Write *write) {
  sqlite3_stmt *statement = NULL;
  if (generate_can_unlink(write->relationship)) {
    statement = write_statement(write, KIND_WRITE_UNLINK, NULL);
    bind_link(write, statement, 1);
  }
  link_dissolve(write->failure, &write->order, &write->source, &write->target,
                statement);
  write_give(write, statement);
}

/* A row that is gone meanwhile is none of its rows any more, as in any DELETE and
** UPDATE. */
static void write_delete(Write *write) {
  read_link(write);
  check_link(write);
  sqlite3_stmt *statement = link_ask(write, KIND_WRITE_ENDS);
  if (statement_step(write->failure, statement)) {
    write_keep_ends(write, statement);
    write->act = act_unlink;
  }
  write_give(write, statement);
}

/* ---- UPDATE ---- */

static void read_changes(Write *write) {
  for (int i = 0; i < write->fields->count; i++)
    write->writing.said[i] = sqlite3_value_nochange(write->values[i])
                                 ? WRITING_UNSAID
                                 : WRITING_SAID;
}

/* The link_key that is given is the one it has. */
static bool link_key_is_same(const Write *write) {
  Failure ignored = {0, NULL};
  Value old = value_of(&ignored, write->old);
  Value given = value_of(&ignored, write->values[write->fields->link]);
  failure_clear(&ignored);
  return value_same(&old, &given);
}

static void check_fixed(Write *write, int field) {
  const Field *f = &write->fields->list[field];
  if (!writing_is_fixed(&write->writing, field)) return;
  bool computed = f->origin == FIELD_TARGET && f->column->generated;
  bool key = f->origin == FIELD_TARGET && !computed &&
             writing_foreign_place(&write->writing, f->column) < 0;
  failure_set(write->failure, SQLITE_ERROR, "%s can't be changed here%s",
              f->name,
              computed ? ": it is computed from other columns"
              : key    ? ": it is the key of a row; UPDATE the table"
                    : "; link another row with relate_move, or by DELETE and "
                      "INSERT");
}

/* What is as it is said needs no writing. */
static void drop_same(Write *write, sqlite3_stmt *statement) {
  const Relationship *r = write->relationship;
  int column = r->source_key.count + r->target_key.count;
  for (int i = 0; i < write->fields->count && !write->failure->code; i++) {
    if (!writing_is_said(&write->writing, i)) continue;
    bool same = i == write->fields->link
                    ? link_key_is_same(write)
                    : sqlite3_column_int(statement, column++) != 0;
    if (!same) check_fixed(write, i);
    if (same) write->writing.said[i] = WRITING_UNSAID;
  }
}

static void update_run(Write *write, int kind) {
  sqlite3_stmt *statement = write_statement(write, kind, NULL);
  int behind = write->fields->count + 1;
  write_bind_said(write, statement);
  if (kind == KIND_WRITE_TARGET) {
    key_bind(write->failure, statement, behind, &write->target);
  } else {
    bind_link(write, statement, behind);
  }
  write_finish(write, statement);
}

static void act_update(Write *write) {
  Failure *failure = write->failure;
  if (writing_has(&write->writing, FIELD_TARGET))
    update_run(write, KIND_WRITE_TARGET);
  if (writing_has(&write->writing, FIELD_PAYLOAD))
    update_run(write, KIND_WRITE_PAYLOAD);
  if ((failure->code & 0xff) == SQLITE_CONSTRAINT) {
    char *rows = write_rows(&write->source, " and ", &write->target);
    failure_prefix(failure, "%s: ", rows ? rows : "");
    sqlite3_free(rows);
  }
  failure_prefix(failure, "%s: ", write->relationship->full_name);
}

static void write_update(Write *write) {
  read_changes(write);
  read_link(write);
  check_link(write);
  /* What is said becomes less: the statement is given back as it was taken. */
  sqlite3_stmt *statement = link_ask(write, KIND_WRITE_COMPARE);
  if (statement_step(write->failure, statement)) {
    write_keep_ends(write, statement);
    drop_same(write, statement);
  } else {
    memset(write->writing.said, WRITING_UNSAID, (size_t)write->fields->count);
  }
  write_give(write, statement);
  bool target = writing_has(&write->writing, FIELD_TARGET);
  bool payload = writing_has(&write->writing, FIELD_PAYLOAD);
  write->several = target && payload;
  if (target || payload) write->act = act_update;
}

/* ---- one order ---- */

static void check_writable(Failure *failure, const Relationship *relationship,
                           const Fields *fields) {
  const char *why =
      relationship->derived ? "it is declared by a path or a condition"
      : !name_equal(relationship->model->schema->name, "main")
          ? "it is in an attached database"
      : fields->link < 0 ? "the rows of its links can't be told apart"
                         : NULL;
  if (why) failure_set(failure, SQLITE_READONLY, "can only be read: %s", why);
}

/* An UPDATE leaves columns alone, an INSERT never does: a link whose key is NULL
** is nothing new. */
static bool is_insert(const Fields *fields, int argc, sqlite3_value **argv) {
  if (argc == 1 || sqlite3_value_type(argv[0]) != SQLITE_NULL) return false;
  for (int i = 0; i < fields->count; i++)
    if (sqlite3_value_nochange(argv[2 + i])) return false;
  return true;
}

static void write_open(Write *write) {
  int count = write->fields->count;
  check_writable(write->failure, write->relationship, write->fields);
  link_check(write->failure, write->connection);
  failure_prefix(write->failure, "%s: ", write->relationship->full_name);
  write->arena = arena_new(write->failure);
  char *said = arena_take(write->failure, write->arena, count + 1);
  write->writing = (Writing){write->relationship, write->fields, said};
  write->order = (LinkOrder){.connection = write->connection,
                             .relationship = write->relationship};
  if (!said) return;
  memset(said, WRITING_UNSAID, (size_t)count);
  said[count] = 0;
}

/* The second step is there so that SQLite has several rows to undo. */
static void write_step(Failure *failure, void *argument, int step) {
  Write *write = argument;
  (void)failure;
  if (step == 0) write->act(write);
}

static void write_run(Write *write) {
  if (write->failure->code || !write->act) return;
  if (write->several) {
    steps_run(write->failure, write->connection, write_step, write);
  } else {
    write->act(write);
  }
}

bool write_row(Failure *failure, Connection *connection,
               const Relationship *relationship, const Fields *fields, int argc,
               sqlite3_value **argv) {
  bool inserts = is_insert(fields, argc, argv);
  Write write = {.failure = failure,
                 .connection = connection,
                 .relationship = relationship,
                 .fields = fields,
                 .values = argv + 2,
                 .old = argv[0]};
  /* asked before a statement of ours is an INSERT, too */
  write.replaces = sqlite3_vtab_on_conflict(connection->db) == SQLITE_REPLACE;
  write_open(&write);
  if (!failure->code) {
    if (inserts) write_insert(&write);
    if (!inserts && argc == 1) write_delete(&write);
    if (!inserts && argc > 1) write_update(&write);
  }
  write_run(&write);
  arena_free(write.arena);
  return write.changed || !inserts;
}
