/*
** link.c: links made, removed and moved.
**
**     relate        make the link; where it is, change its payload
**     unrelate      remove it
**     relate_set    make these the links of the source, by difference
**     relate_move   put another target in the place of one
**
** A link is a row of an association table, or a foreign key that is not NULL
** in a row of its own: there, to link is to UPDATE that key, and a row on the
** to-one side loses the link it had.
**
** Each order is one statement where that is possible, so that it is atomic by
** itself; link_is_several tells where it is not, and the caller then sees to
** all or nothing.  What went wrong is found out afterwards: an order that
** succeeds pays for no check.
*/
#include "relate_int.h"

/* An order with its keys read. */
typedef struct Link {
  Failure *failure;
  const LinkOrder *order;
  Connection *connection;
  const Relationship *relationship;
  Key source, target;
  bool by_navigator;
} Link;

static Link link_open(Failure *failure, const LinkOrder *order) {
  Link link = {.failure = failure,
               .order = order,
               .connection = order->connection,
               .relationship = order->relationship};
  const Relationship *relationship = order->relationship;
  key_read(failure, order->connection, relationship->source,
           &relationship->source_key, &order->source, &link.source);
  return link;
}

static void link_read_target(Link *link, const Value *target) {
  key_read(link->failure, link->connection, link->relationship->target,
           &link->relationship->target_key, target, &link->target);
}

static void link_close(Link *link) {
  key_free(&link->source);
  key_free(&link->target);
}

/* ---- what is said when something is wrong ---- */

/* Fails if the row is not there. */
static void link_demand(Link *link, const Key *key) {
  key_demand(link->failure, link->connection, key);
}

static char *link_pair(Link *link) {
  Failure ignored = {0, NULL};
  sqlite3_str *text = sqlite3_str_new(NULL);
  key_describe_row(text, &link->source);
  sqlite3_str_appendall(text, " and ");
  key_describe_row(text, &link->target);
  char *pair = failure_text(&ignored, text);
  failure_clear(&ignored);
  return pair;
}

static VerdictQuestion link_question(Link *link, bool leaving) {
  return (VerdictQuestion){.relationship = link->relationship,
                           .leaving = leaving,
                           .source = key_values(&link->source),
                           .target = key_values(&link->target),
                           .payload = link->order->payload,
                           .payload_values = link->order->payload_values};
}

/* A trigger has refused it: if it is that of a rule, say how many there are. */
static void link_explain_rule(Link *link) {
  VerdictQuestion question = link_question(link, false);
  verdict_explain(link->failure, link->connection, &question);
}

/* True if a rule has refused to let the link go. */
static bool link_is_held(Link *link) {
  VerdictQuestion question = link_question(link, true);
  return verdict_refuses(link->connection, link->failure, &question);
}

/* A constraint has refused the statement: say of which rows, and, where a row
** is missing, which. */
static void link_explain(Link *link) {
  Failure *failure = link->failure;
  if ((failure->code & 0xff) != SQLITE_CONSTRAINT) return;
  if (failure->code == SQLITE_CONSTRAINT_FOREIGNKEY) {
    Failure missing = {0, NULL};
    Link asking = *link;
    asking.failure = &missing;
    link_demand(&asking, &link->source);
    link_demand(&asking, &link->target);
    if (missing.code) {
      failure_clear(failure);
      *failure = missing;
      return;
    }
  }
  link_explain_rule(link);
  char *pair = link_pair(link);
  failure_prefix(failure, "%s: ", pair ? pair : "");
  if (failure->code == SQLITE_CONSTRAINT_NOTNULL &&
      link->relationship->payload.count)
    failure_append(
        failure,
        link->by_navigator
            ? "; give it a value, or a DEFAULT"
            : "; give it a value after the keys of relate(), or a DEFAULT");
  sqlite3_free(pair);
}

/* The columns of the foreign key, for a message. */
static char *link_key_columns(Link *link) {
  const Relationship *relationship = link->relationship;
  sqlite3_str *text = sqlite3_str_new(NULL);
  columns_append(text,
                 relationship->linked_by_source ? &relationship->target_link
                                                : &relationship->source_link,
                 ", ");
  return failure_text(link->failure, text);
}

static void link_refuse_unlink(Link *link) {
  const char *table = link->relationship->link->name;
  char *columns = link_key_columns(link);
  char *pair = link_pair(link);
  failure_set(link->failure, SQLITE_CONSTRAINT_NOTNULL,
              generate_can_link(link->relationship)
                  ? "%s can't be unlinked: %s(%s) is NOT NULL; relate the row "
                    "of %s to another, or delete it"
                  : "%s can't be unlinked: %s(%s) is the key of its row; "
                    "delete the row of %s",
              pair ? pair : "", table, columns, table);
  sqlite3_free(columns);
  sqlite3_free(pair);
}

static void link_refuse_key(Link *link) {
  const char *table = link->relationship->link->name;
  link_demand(link, &link->source);
  link_demand(link, &link->target);
  char *columns = link_key_columns(link);
  char *pair = link_pair(link);
  failure_set(link->failure, SQLITE_CONSTRAINT,
              "%s can't be linked: %s(%s) is the key of its row; INSERT a row "
              "of %s, or UPDATE its key",
              pair ? pair : "", table, columns, table);
  sqlite3_free(columns);
  sqlite3_free(pair);
}

/* The link's columns that both ends share, a tenant for example, and in which
** the two rows differ; "" where there are none. */
static char *link_difference(Link *link) {
  const Columns *source = &link->relationship->source_link;
  const Columns *target = &link->relationship->target_link;
  sqlite3_str *text = sqlite3_str_new(NULL);
  const char *separator = "";
  for (int i = 0; i < source->count; i++)
    for (int j = 0; j < target->count; j++) {
      if (source->list[i] != target->list[j] ||
          value_same(&key_values(&link->source)[i],
                     &key_values(&link->target)[j]))
        continue;
      sqlite3_str_appendall(text, separator);
      sqlite3_str_appendall(text, source->list[i]->name);
      separator = ", ";
    }
  return failure_text(link->failure, text);
}

static void link_refuse_difference(Link *link, const char *columns) {
  char *pair = link_pair(link);
  failure_set(link->failure, SQLITE_CONSTRAINT,
              "%s can't be linked: they differ in %s, which %s has once for "
              "both",
              pair ? pair : "", columns, link->relationship->link->name);
  sqlite3_free(pair);
}

/* ---- statements ---- */

static sqlite3_stmt *link_statement(Link *link, int kind) {
  sqlite3_stmt *statement = connection_statement(
      link->failure, link->connection, link->relationship, kind);
  int next = key_bind(link->failure, statement, 1, &link->source);
  if (kind != GENERATE_TARGETS)
    key_bind(link->failure, statement, next, &link->target);
  return statement;
}

/* Runs a statement that writes; how many rows it changed. */
static sqlite3_int64 link_write(Link *link, sqlite3_stmt *statement) {
  while (statement_step(link->failure, statement)) continue;
  sqlite3_int64 changes =
      link->failure->code ? 0 : sqlite3_changes64(link->connection->db);
  cache_give(link->connection->cache, statement);
  return changes;
}

static bool link_exists(Link *link) {
  sqlite3_stmt *statement = link_statement(link, GENERATE_MEMBER);
  bool found = statement_step(link->failure, statement);
  cache_give(link->connection->cache, statement);
  return found;
}

/* ---- relate ---- */

/* The statement that links, with the payload as its detail. */
static sqlite3_stmt *link_statement_of_payload(Link *link) {
  Cache *cache = link->connection->cache;
  const Columns *payload = &link->order->payload;
  sqlite3_int64 serial = link->relationship->serial;
  char *detail = NULL;
  if (payload->count) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    columns_append(text, payload, "\n");
    detail = failure_text(link->failure, text);
  }
  if (link->failure->code) return NULL;
  sqlite3_stmt *statement = cache_take(cache, serial, GENERATE_LINK, detail);
  if (!statement)
    statement = cache_add(link->failure, cache, serial, GENERATE_LINK, detail,
                          0, generate_link(link->relationship, payload));
  sqlite3_free(detail);
  return statement;
}

static sqlite3_int64 link_insert_or_point(Link *link) {
  const LinkOrder *order = link->order;
  sqlite3_stmt *statement = link_statement_of_payload(link);
  int next = key_bind(link->failure, statement, 1, &link->source);
  next = key_bind(link->failure, statement, next, &link->target);
  for (int i = 0; i < order->payload.count; i++)
    value_bind(link->failure, statement, next + i, &order->payload_values[i]);
  return link_write(link, statement);
}

/* No row was changed: is the pair linked, is there no such row, can't these two
** be linked?  Or a trigger has skipped the row, which is no error. */
static void link_why_nothing(Link *link) {
  if (link->failure->code || link_exists(link)) return;
  link_demand(link, &link->source);
  link_demand(link, &link->target);
  char *columns = link_difference(link);
  if (columns && *columns) link_refuse_difference(link, columns);
  sqlite3_free(columns);
}

/* A one-to-one makes room first; how many links that has cost.  Where it can't,
** the UNIQUE key refuses. */
static sqlite3_int64 link_displace(Link *link) {
  if (link->relationship->cardinality != ONE_TO_ONE ||
      !generate_can_unlink(link->relationship))
    return 0;
  return link_write(link, link_statement(link, GENERATE_DISPLACE));
}

/* A link has gone to make room, and a trigger has skipped the one that was to
** take its place: then neither. */
static void link_refuse_loss(Link *link) {
  if (link->failure->code || link_exists(link)) return;
  char *pair = link_pair(link);
  failure_set(link->failure, SQLITE_CONSTRAINT_TRIGGER,
              "%s can't be linked: a trigger skips the row, and another link "
              "would be lost",
              pair ? pair : "");
  sqlite3_free(pair);
}

static void link_explain_taken(Link *link) {
  int code = link->failure->code;
  if (link->relationship->cardinality == ONE_TO_ONE &&
      (code == SQLITE_CONSTRAINT_UNIQUE ||
       code == SQLITE_CONSTRAINT_PRIMARYKEY))
    failure_append(link->failure,
                   "; one of them is linked to another row, and the key is NOT "
                   "NULL: delete that row, or relate it to another, first");
}

static sqlite3_int64 link_make(Link *link) {
  const Relationship *relationship = link->relationship;
  if (link->failure->code) return 0;
  if (!generate_can_link(relationship)) {
    if (!link_exists(link)) link_refuse_key(link);
    return 0;
  }
  sqlite3_int64 displaced = link_displace(link);
  sqlite3_int64 made = link_insert_or_point(link);
  link_explain(link);
  link_explain_taken(link);
  if (!made && generate_asks_rows(relationship)) link_why_nothing(link);
  if (!made && displaced) link_refuse_loss(link);
  return made;
}

/* ---- unrelate ---- */

static sqlite3_int64 link_remove(Link *link) {
  if (link->failure->code) return 0;
  if (!generate_can_unlink(link->relationship)) {
    if (link_exists(link)) link_refuse_unlink(link);
    return 0;
  }
  sqlite3_int64 removed =
      link_write(link, link_statement(link, GENERATE_UNLINK));
  link_explain(link);
  return removed;
}

/* ---- relate_move ---- */

/* The link's row has a column that tells the target and not the source. */
static bool moves_in_place(const Relationship *relationship) {
  const Columns *target = &relationship->target_link;
  if (relationship->cardinality != MANY_TO_MANY &&
      relationship->cardinality != MANY_TO_ONE)
    return false;
  for (int i = 0; i < target->count; i++)
    if (!columns_contain(&relationship->source_link, target->list[i]))
      return true;
  return false;
}

/* The link's row gets another target. */
static sqlite3_int64 link_move_in_place(Link *link, Link *other) {
  sqlite3_stmt *statement = link_statement(link, GENERATE_MOVE);
  key_bind(link->failure, statement,
           1 + link->source.columns->count + link->target.columns->count,
           &other->target);
  sqlite3_int64 moved = link_write(link, statement);
  link_explain(link_is_held(link) ? link : other);
  if (!moved && !link->failure->code && link_exists(link))
    link_why_nothing(other);
  if (link->failure->code == SQLITE_CONSTRAINT_UNIQUE ||
      link->failure->code == SQLITE_CONSTRAINT_PRIMARYKEY)
    failure_append(link->failure,
                   "; they are linked already: unrelate the "
                   "other link instead");
  return moved;
}

/* True if both are linked, and it is one link. */
static bool link_is(Link *link, Link *other) {
  sqlite3_stmt *first = link_statement(link, GENERATE_MEMBER);
  sqlite3_stmt *second = link_statement(other, GENERATE_MEMBER);
  bool same = statement_step(link->failure, first) &&
              statement_step(link->failure, second);
  for (int i = 0; same && i < link->relationship->target_link.count; i++) {
    Value a = value_of_column(link->failure, first, i);
    Value b = value_of_column(link->failure, second, i);
    same = value_same(&a, &b);
  }
  cache_give(link->connection->cache, first);
  cache_give(link->connection->cache, second);
  return same;
}

/* The link is dissolved, and another one made. */
static sqlite3_int64 link_move_over(Link *link, Link *other) {
  bool linked = link_exists(other);
  if (link_is(link, other) || !link_remove(link)) return 0;
  sqlite3_int64 moved = link_make(other);
  if (!moved && !linked) link_refuse_loss(other);
  if (moved || link->failure->code) return moved;
  char *pair = link_pair(other);
  failure_set(link->failure, SQLITE_CONSTRAINT,
              "%s are linked already: unrelate the other link instead",
              pair ? pair : "");
  sqlite3_free(pair);
  return 0;
}

static sqlite3_int64 link_move(Link *link) {
  Link other = *link;
  other.target = (Key){.values = NULL};
  link_read_target(&other, &link->order->other);
  sqlite3_int64 moved = 0;
  if (link->failure->code) {
    moved = 0;
  } else if (moves_in_place(link->relationship)) {
    moved = link_move_in_place(link, &other);
  } else {
    moved = link_move_over(link, &other);
  }
  key_free(&other.target);
  return moved;
}

/* ---- relate_set ---- */

enum { KIND_LIST = -70 };

static void link_load(Link *link, Targets *targets) {
  int columns = link->relationship->target_link.count;
  sqlite3_stmt *statement = link_statement(link, GENERATE_TARGETS);
  while (statement_step(link->failure, statement))
    targets_add(link->failure, targets, statement, columns);
  cache_give(link->connection->cache, statement);
  targets_index(link->failure, targets);
}

/* Asks the database whether the target is linked.  With `targets`: and keeps
** its links. */
static bool link_keep(Link *link, Targets *targets) {
  bool found = false;
  int columns = link->relationship->target_link.count;
  sqlite3_stmt *statement = link_statement(link, GENERATE_MEMBER);
  while (statement_step(link->failure, statement)) {
    found = true;
    if (!targets) break;
    targets_keep(link->failure, targets, statement, columns);
  }
  cache_give(link->connection->cache, statement);
  return found;
}

/* Goes through the list.  With `targets`: marks those that are in it; else
** links those that are not linked, and counts them. */
static sqlite3_int64 link_each(Link *link, Targets *targets) {
  sqlite3_int64 made = 0;
  sqlite3_stmt *each =
      cache_sql(link->failure, link->connection->cache, KIND_LIST,
                "SELECT value, type IN ('array', 'object') "
                "FROM temp.json_each(?1)");
  value_bind(link->failure, each, 1, &link->order->other);
  while (statement_step(link->failure, each)) {
    Value target = value_of_column(link->failure, each, 0);
    target.json = sqlite3_column_int(each, 1) != 0;
    link_read_target(link, &target);
    if (!link->failure->code && !link_keep(link, targets) && !targets)
      made += link_make(link);
    key_free(&link->target);
  }
  cache_give(link->connection->cache, each);
  return made;
}

static sqlite3_int64 link_remove_rest(Link *link, const Targets *targets) {
  sqlite3_int64 removed = 0;
  int place = 0, columns = link->relationship->target_link.count;
  Value *values = sqlite3_malloc64(sizeof(Value) * (sqlite3_uint64)columns);
  if (!values) failure_memory(link->failure);
  while (!link->failure->code &&
         targets_next(targets, &place, values, columns)) {
    link->target = (Key){.table = link->relationship->target,
                         .columns = &link->relationship->target_key,
                         .values = values};
    removed += link_remove(link);
  }
  link->target = (Key){.values = NULL};
  sqlite3_free(values);
  return removed;
}

/* How many keys are in the list; fails where it is none. */
static int link_list_length(Link *link) {
  int length = json_members(link->failure, link->connection,
                            &link->order->other, "array");
  if (length < 0)
    failure_set(link->failure, SQLITE_MISMATCH,
                "the list of keys is a JSON array, such as '[1, 2, 3]'; '[]' "
                "unlinks all");
  return length;
}

static sqlite3_int64 link_set(Link *link) {
  Targets targets = {{NULL, 0, 0, false}, 0, 0, NULL, NULL};
  int length = link_list_length(link);
  bool to_one = relationship_is_to_one(link->relationship);
  if (to_one && length > 1)
    failure_set(link->failure, SQLITE_CONSTRAINT,
                "leads to one row of %s, and %d keys were given; give one, or "
                "'[]'",
                link->relationship->target->name, length);
  sqlite3_int64 changed = 0;
  if (!to_one || length == 0) {
    link_load(link, &targets);
    link_each(link, &targets);
    changed = link_remove_rest(link, &targets);
  }
  changed += link_each(link, NULL);
  if (length == 0 && !changed) link_demand(link, &link->source);
  targets_free(&targets);
  return changed;
}

/* ---- one pair ---- */

static bool is_plain(const Value *value) {
  return value->type != SQLITE_NULL && !value->json;
}

/* Two plain values, and no payload, to be linked or unlinked. */
static bool order_is_pair(Base base, const LinkOrder *order) {
  return (base == BASE_RELATE || base == BASE_UNRELATE) &&
         !order->payload.count && is_plain(&order->source) &&
         is_plain(&order->target);
}

static int pair_kind(Base base) {
  return base == BASE_RELATE ? GENERATE_LINK_PAIR : GENERATE_UNLINK_PAIR;
}

/* True if that takes one statement, and no question. */
static bool pair_is_simple(Base base, const Relationship *relationship) {
  return relationship->source_key.count == 1 &&
         relationship->target_key.count == 1 &&
         (base == BASE_RELATE ? !generate_asks_rows(relationship)
                              : generate_can_unlink(relationship));
}

static void pair_explain(Failure *failure, const LinkOrder *order) {
  Link link = link_open(failure, order);
  link_read_target(&link, &order->target);
  link_explain(&link);
  failure_prefix(failure, "%s: ", order->relationship->full_name);
  link_close(&link);
}

/* Gives the statement back.  False: the schema is another, and nothing was
** done. */
static bool pair_run(Failure *failure, const LinkOrder *order,
                     sqlite3_stmt *statement, sqlite3_int64 *changed) {
  value_bind(failure, statement, 1, &order->source);
  value_bind(failure, statement, 2, &order->target);
  bool run = statement_run_strict(failure, statement);
  *changed =
      run && !failure->code ? sqlite3_changes64(order->connection->db) : 0;
  cache_give(order->connection->cache, statement);
  if (failure->code) pair_explain(failure, order);
  return run;
}

static bool pair_apply(Failure *failure, Base base, const LinkOrder *order,
                       sqlite3_int64 *changed) {
  if (!order_is_pair(base, order) || !pair_is_simple(base, order->relationship))
    return false;
  sqlite3_stmt *statement = connection_statement(
      failure, order->connection, order->relationship, pair_kind(base));
  return statement && pair_run(failure, order, statement, changed);
}

/* A statement that is at hand was prepared by pair_apply, for the schema of then
** and with foreign keys enforced.  If SQLite runs it, both are still so. */
bool link_quickly(Failure *failure, const Function *function,
                  const Value *arguments, sqlite3_int64 *changed) {
  const Value *keys = function->declared ? arguments : arguments + 1;
  LinkOrder order = {.connection = function->connection,
                     .relationship = function_remembered(function, arguments),
                     .source = keys[0],
                     .target = keys[1]};
  if (failure->code || !order.relationship || function->preset_count ||
      !order_is_pair(function->base, &order))
    return false;
  sqlite3_stmt *statement =
      cache_take(order.connection->cache, order.relationship->serial,
                 pair_kind(function->base), NULL);
  if (!statement) return false;
  Model *model = function->model;
  connection_trust(failure, order.connection, model);
  bool run = pair_run(failure, &order, statement, changed);
  connection_leave(order.connection, model);
  return run;
}

/* ---- orders ---- */

bool link_is_several(Base base, const Relationship *relationship) {
  if (base == BASE_RELATE_SET) return true;
  if (base == BASE_RELATE_MOVE) return !moves_in_place(relationship);
  return base == BASE_RELATE && relationship->cardinality == ONE_TO_ONE;
}

void link_check(Failure *failure, Connection *connection) {
  if (failure->code || connection_foreign_keys(connection)) return;
  failure_set(failure, SQLITE_ERROR,
              "foreign keys are not enforced on this connection: run PRAGMA "
              "foreign_keys = ON, outside a transaction");
}

sqlite3_int64 link_apply(Failure *failure, Base base, const LinkOrder *order) {
  sqlite3_int64 changed = 0;
  if (failure->code) return 0;
  link_check(failure, order->connection);
  if (pair_apply(failure, base, order, &changed)) return changed;
  Link link = link_open(failure, order);
  if (base == BASE_RELATE_SET) {
    if (!failure->code) changed = link_set(&link);
  } else {
    link_read_target(&link, &order->target);
    if (base == BASE_RELATE) changed = link_make(&link);
    if (base == BASE_UNRELATE) changed = link_remove(&link);
    if (base == BASE_RELATE_MOVE) changed = link_move(&link);
  }
  failure_prefix(failure, "%s: ", order->relationship->full_name);
  link_close(&link);
  return changed;
}

/* A Link between two keys that are known. */
static Link link_of(Failure *failure, const LinkOrder *order, const Key *source,
                    const Key *target) {
  return (Link){.failure = failure,
                .order = order,
                .connection = order->connection,
                .relationship = order->relationship,
                .source = *source,
                .target = *target,
                .by_navigator = true};
}

static void link_refuse_twice(Link *link) {
  char *pair = link_pair(link);
  failure_set(link->failure, SQLITE_CONSTRAINT_UNIQUE,
              "%s are linked already%s", pair ? pair : "",
              link->relationship->payload.count
                  ? "; INSERT OR REPLACE sets the payload"
                  : "");
  sqlite3_free(pair);
}

sqlite3_int64 link_keys(Failure *failure, const LinkOrder *order,
                        const Key *source, const Key *target, bool replaces) {
  Link link = link_of(failure, order, source, target);
  if (order->relationship->pair_unique && !replaces && link_exists(&link))
    link_refuse_twice(&link);
  sqlite3_int64 made = failure->code ? 0 : link_make(&link);
  failure_prefix(failure, "%s: ", order->relationship->full_name);
  return made;
}

void link_explain_pair(Failure *failure, const LinkOrder *order,
                       const Key *source, const Key *target) {
  Link link = link_of(failure, order, source, target);
  link_explain(&link);
  link_explain_taken(&link);
  failure_prefix(failure, "%s: ", order->relationship->full_name);
}

void link_dissolve(Failure *failure, const LinkOrder *order, const Key *source,
                   const Key *target, sqlite3_stmt *statement) {
  Link link = link_of(failure, order, source, target);
  if (!failure->code && !generate_can_unlink(order->relationship)) {
    link_refuse_unlink(&link);
  } else if (!failure->code) {
    while (statement_step(failure, statement)) continue;
    link_explain(&link);
  }
  failure_prefix(failure, "%s: ", order->relationship->full_name);
}

bool link_in_bulk(const Relationship *relationship) {
  return relationship->pair_unique && pair_is_simple(BASE_RELATE, relationship);
}

sqlite3_int64 link_rows(Failure *failure, Connection *connection,
                        const Relationship *relationship, const Values *rows) {
  const Values *outer = connection->rows;
  link_check(failure, connection);
  connection->rows = rows;
  sqlite3_stmt *insert = connection_statement(failure, connection, relationship,
                                              GENERATE_LINK_ROWS);
  while (statement_step(failure, insert)) continue;
  if (connection->rows) /* nobody has read them */
    failure_set(failure, SQLITE_ERROR,
                "a table in temp hides " ROWS_TABLE "; drop it");
  sqlite3_int64 made = failure->code ? 0 : sqlite3_changes64(connection->db);
  cache_give(connection->cache, insert);
  connection->rows = outer;
  return made;
}

const Column *link_payload(Failure *failure, const Relationship *relationship,
                           const char *name) {
  const Columns *payload = &relationship->payload;
  if (failure->code) return NULL;
  for (int i = 0; i < payload->count; i++)
    if (name_equal(payload->list[i]->name, name)) return payload->list[i];
  sqlite3_str *text = sqlite3_str_new(NULL);
  columns_append(text, payload, ", ");
  char *list = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR, "%s: no payload column %s: a link has %s",
              relationship->full_name, name,
              list && *list ? list : "none besides its keys");
  sqlite3_free(list);
  return NULL;
}
