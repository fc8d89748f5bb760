/*
** check.c: relationship_check, what is wrong in main.
**
**     SELECT * FROM relationship_check;
**
** A row for each thing that is not as it should be: what is declared and gone,
** rules whose triggers are lost, rows that break a rule or refer to nothing,
** foreign keys without an index, indexes that are there twice, keys that
** compare otherwise at their two ends.  Where a statement would mend it, the row
** has it as `fix`.  Nothing is changed.
*/
#include "relate_int.h"

#define LISTED_LIMIT 100 /* rows of one problem that are listed */

/* One scan. */
typedef struct Check {
  Failure *failure;
  Connection *connection;
  Arena *arena;
  Analyser *analyser;
  const Model *model;
  Values *rows;
} Check;

/* A row of the table; what is NULL is NULL there. */
typedef struct Finding {
  const char *table, *key, *relationship, *problem, *message, *fix;
} Finding;

static void check_find(Check *check, Finding finding) {
  const char *parts[] = {finding.table,   finding.key,     finding.relationship,
                         finding.problem, finding.message, finding.fix};
  for (int i = 0; i < 6; i++)
    answer_text(check->failure, check->rows, parts[i]);
}

static const char *check_text(Check *check, sqlite3_str *text) {
  return arena_string(check->failure, check->arena, text);
}

/* ---- this connection ---- */

static void check_enforcement(Check *check) {
  if (connection_foreign_keys(check->connection)) return;
  check_find(check,
             (Finding){.problem = "foreign keys are off",
                       .message = "this connection does not enforce foreign "
                                  "keys, nor what min_count rules want",
                       .fix = "PRAGMA foreign_keys = ON"});
}

/* ---- what is declared ---- */

static void check_relationship(Check *check, const Relationship *r) {
  if (!r->problem) return;
  const char *fix = NULL;
  if (r->declaration)
    fix = arena_format(check->failure, check->arena,
                       "SELECT relationship_drop('%q')",
                       r->full_name /* safe: between quotes */);
  check_find(check,
             (Finding){.table = r->link ? r->link->name : r->source->name,
                       .relationship = r->full_name,
                       .problem = r->declaration ? "declaration lost"
                                                 : "key is broken",
                       .message = r->problem,
                       .fix = fix});
}

static void check_function(Check *check, const DeclaredFunction *function) {
  const char *name = function->declaration->name;
  if (!function->problem) return;
  check_find(check, (Finding){.table = function->declaration->direction.source,
                              .relationship = name,
                              .problem = "declaration lost",
                              .message = function->problem,
                              .fix = arena_format(
                                  check->failure, check->arena,
                                  "SELECT relationship_function_drop('%q')",
                                  name /* safe: between quotes */)});
}

/* ---- rows by their keys ---- */

/* "a" = 1 AND "b" = 'x' */
static void append_row_condition(sqlite3_str *text, const Columns *key,
                                 const Value *values) {
  for (int i = 0; i < key->count; i++) {
    sqlite3_str_appendf(text, "%s\"%w\" %s ", i ? " AND " : "",
                        key->list[i]->name,
                        values[i].type == SQLITE_NULL ? "IS" : "=");
    value_append_sql(text, &values[i]);
  }
}

static void append_values(sqlite3_str *text, const Columns *key,
                          const Value *values) {
  for (int i = 0; i < key->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    value_describe(text, &values[i]);
  }
}

/* The values of a key in the row that `statement` stands on, borrowed. */
static Value *row_values(Check *check, sqlite3_stmt *statement, int from,
                         int count) {
  Value *values = arena_take(check->failure, check->arena,
                             (sqlite3_int64)sizeof(Value) * (count + 1));
  for (int i = 0; values && i < count; i++)
    values[i] = value_of_column(check->failure, statement, from + i);
  return values;
}

/* Runs `sql`, frees it, and has each row told by find(), up to a limit; what is
** beyond is told as a number, in a row with the rest of `more`. */
static void check_rows(Check *check, char *sql, Finding more,
                       void (*find)(Check *check, const void *about,
                                    sqlite3_stmt *statement),
                       const void *about) {
  sqlite3_int64 count = 0;
  if (!sql) failure_memory(check->failure);
  sqlite3_stmt *statement =
      statement_prepare(check->failure, check->connection->db, 0, sql);
  for (; statement_step(check->failure, statement); count++)
    if (count < LISTED_LIMIT) find(check, about, statement);
  sqlite3_finalize(statement);
  sqlite3_free(sql);
  if (count <= LISTED_LIMIT || check->failure->code) return;
  more.message = arena_format(check->failure, check->arena, "and %lld more",
                              count - LISTED_LIMIT);
  check_find(check, more);
}

/* ---- orphans ---- */

static void find_orphan(Check *check, const void *about,
                        sqlite3_stmt *statement) {
  const Relationship *r = about;
  sqlite3_str *text = sqlite3_str_new(NULL), *fix = sqlite3_str_new(NULL);
  const Value *values = row_values(check, statement, 0, r->target_key.count);
  if (values) append_values(text, &r->target_key, values);
  sqlite3_str_appendf(fix, "DELETE FROM \"%w\" WHERE ", r->target->name);
  if (values) append_row_condition(fix, &r->target_key, values);
  check_find(check,
             (Finding){.table = r->target->name,
                       .key = check_text(check, text),
                       .relationship = r->full_name,
                       .problem = "orphan",
                       .message = "no link leads to it, and it is to go with "
                                  "its last one (delete_orphan)",
                       .fix = check_text(check, fix)});
}

/* The targets that no link leads to. */
static char *orphans_sql(const Relationship *r) {
  const Columns *child = &r->source_link;
  bool own = link_is_target(r);
  sqlite3_str *text = sqlite3_str_new(NULL);
  End end = end_of_target(r);
  end.alias = "link";
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "target", &r->target_key);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, r->target, "target");
  sqlite3_str_appendall(text, " WHERE ");
  for (int i = 0; i < child->count && own; i++) {
    if (i) sqlite3_str_appendall(text, " OR ");
    clause_column(text, "target", child->list[i]);
    sqlite3_str_appendall(text, " IS NULL");
  }
  if (own) return sqlite3_str_finish(text);
  sqlite3_str_appendall(text, "NOT EXISTS (SELECT 1 FROM ");
  clause_table(text, r->link, "link");
  for (int i = 0; i < end.link->count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " WHERE ");
    clause_compared(text, &end, i);
    sqlite3_str_appendall(text, " = ");
    clause_column(text, "target", end.key->list[i]);
  }
  clause_filled(text, " AND ", "link", &r->source_link);
  sqlite3_str_appendall(text, ")");
  return sqlite3_str_finish(text);
}

static void check_orphans(Check *check, const Relationship *r) {
  if (r->problem || r->derived || !r->declaration) return;
  if (!catalog_option(check->failure, check->arena, check->connection->db,
                      r->declaration->options, "delete_orphan"))
    return;
  const Finding more = {.table = r->target->name,
                        .relationship = r->full_name,
                        .problem = "orphan"};
  check_rows(check, orphans_sql(r), more, find_orphan, r);
}

/* ---- rules ---- */

static void find_breaking(Check *check, const void *about,
                          sqlite3_stmt *statement) {
  const Rule *rule = about;
  const Relationship *r = rule->relationship;
  bool all = rule_is_about_all(rule);
  sqlite3_str *text = sqlite3_str_new(NULL);
  const Value *source = row_values(check, statement, 0, r->source_key.count);
  const Value *target = all ? NULL
                            : row_values(check, statement, r->source_key.count,
                                         r->target_key.count);
  if (source) append_values(text, &r->source_key, source);
  if (target) sqlite3_str_appendall(text, ", ");
  if (target) append_values(text, &r->target_key, target);
  check_find(check, (Finding){.table = all ? r->source->name : r->link->name,
                              .key = check_text(check, text),
                              .relationship = r->full_name,
                              .problem = "breaks a rule",
                              .message = rule->message});
}

static bool reads_only_link(const Expression *expression) {
  for (int i = 0; i < expression->column_count; i++)
    if (expression->columns[i].role != ROLE_LINK) return false;
  return true;
}

/* A check that is judged when the link is made may be false later, and no harm is
** done; unless it is about the link alone. */
static bool rule_says_what_is(const Rule *rule) {
  return !rule->leaving && (rule->kind != RULE_CHECK || rule->always ||
                            reads_only_link(rule->expression));
}

static void check_state(Check *check, const Rule *rule) {
  const Relationship *r = rule->relationship;
  Enactment enactment =
      enactment_of(check->failure, check->arena, check->connection->db, rule);
  if (enactment.state == ENACTMENT_INSTALLED) return;
  const char *message = arena_format(
      check->failure, check->arena,
      enactment.state == ENACTMENT_LOST
          ? "a trigger of the rule %s is gone, so that it does not bind"
          : "a trigger of the rule %s is not what the rule says",
      rule->declaration->name);
  check_find(check, (Finding){.table = r->link->name,
                              .relationship = r->full_name,
                              .problem = enactment.state == ENACTMENT_LOST
                                             ? "rule lost"
                                             : "rule differs",
                              .message = message,
                              .fix = "SELECT relationship_repair()"});
}

static void check_rule(Check *check, const RuleDeclaration *declaration) {
  const Rule *rule =
      rule_read(check->failure, check->arena, check->connection->db,
                check->analyser, check->model, declaration);
  if (!rule) return;
  if (rule->problem) {
    const char *name =
        arena_format(check->failure, check->arena, "%s.%s",
                     declaration->direction.source, declaration->relationship);
    check_find(check, (Finding){.table = declaration->direction.link,
                                .relationship = name,
                                .problem = "rule can't be used",
                                .message = arena_format(
                                    check->failure, check->arena, "rule %s: %s",
                                    declaration->name, rule->problem),
                                .fix = "SELECT relationship_repair()"});
    return;
  }
  check_state(check, rule);
  const Relationship *r = rule->relationship;
  const Finding more = {.table = rule_is_about_all(rule) ? r->source->name
                                                         : r->link->name,
                        .relationship = r->full_name,
                        .problem = "breaks a rule"};
  if (rule_says_what_is(rule))
    check_rows(check, draft_breaking_sql(rule), more, find_breaking, rule);
}

/* ---- what min_count rules wait for ---- */

static void find_debt(Check *check, const void *about,
                      sqlite3_stmt *statement) {
  (void)about;
  const char *rule = statement_text(check->failure, statement, 0);
  const char *key = statement_text(check->failure, statement, 1);
  check_find(check,
             (Finding){.table = DEBT_TABLE,
                       .key = key,
                       .relationship = rule,
                       .problem = "left owed",
                       .message = "left behind while foreign keys were off; "
                                  "it can hide one source with too few links",
                       .fix = "SELECT relationship_repair()"});
}

/* Inside a transaction they may still be paid. */
static void check_debts(Check *check) {
  sqlite3 *db = check->connection->db;
  const Finding more = {.table = DEBT_TABLE, .problem = "left owed"};
  if (!catalog_has_debts(check->model->schema) || !sqlite3_get_autocommit(db))
    return;
  check_rows(
      check,
      sqlite3_mprintf("SELECT d.rule, d.key FROM main.\"" DEBT_TABLE "\" AS d"),
      more, find_debt, NULL);
}

/* ---- foreign keys ---- */

static const char *key_text(Check *check, const ForeignKey *key) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s(", key->table->name);
  columns_append(text, &key->columns, ", ");
  sqlite3_str_appendall(text, ")");
  return check_text(check, text);
}

static void append_index_columns(sqlite3_str *text, const Columns *columns) {
  for (int i = 0; i < columns->count; i++)
    sqlite3_str_appendf(text, "%s\"%w\"", i ? ", " : "",
                        columns->list[i]->name);
}

static bool index_name_is_taken(Check *check, const char *name) {
  sqlite3_stmt *statement = statement_prepare(
      check->failure, check->connection->db, STATEMENT_PLAIN,
      "SELECT 1 FROM main.sqlite_schema AS s WHERE s.name = ?1 COLLATE NOCASE");
  statement_bind_text(check->failure, statement, 1, name);
  bool taken = statement_step(check->failure, statement);
  sqlite3_finalize(statement);
  return taken;
}

/* b_a_id, or b_a_id_2 if there is something of that name. */
static const char *index_free_name(Check *check, const char *name) {
  const char *is_free = name ? name : "";
  for (int i = 2; index_name_is_taken(check, is_free); i++)
    is_free = arena_format(check->failure, check->arena, "%s_%d", name, i);
  return is_free;
}

static void check_index(Check *check, const ForeignKey *key) {
  const Table *table = key->table;
  if (table_is_unique(table, &key->columns) ||
      table_index_under(table, &key->columns))
    return;
  sqlite3_str *name = sqlite3_str_new(NULL), *fix = sqlite3_str_new(NULL);
  sqlite3_str_appendf(name, "%s_", table->name);
  columns_append(name, &key->columns, "_");
  const char *index = index_free_name(check, check_text(check, name));
  sqlite3_str_appendf(fix, "CREATE INDEX \"%w\" ON \"%w\" (",
                      index ? index : "", table->name);
  append_index_columns(fix, &key->columns);
  sqlite3_str_appendall(fix, ")");
  check_find(check, (Finding){.table = table->name,
                              .problem = "key without index",
                              .message = arena_format(
                                  check->failure, check->arena,
                                  "%s has no index: to delete a row of %s, and "
                                  "to go the way back, reads all of %s",
                                  key_text(check, key), key->parent->name,
                                  table->name),
                              .fix = check_text(check, fix)});
}

/* Numbers compare alike, whatever they are called. */
static char comparison_class(const Column *column) {
  return column->affinity > 'C' ? 'C' : column->affinity;
}

static void check_types(Check *check, const ForeignKey *key) {
  for (int i = 0; i < key->columns.count; i++) {
    const Column *child = key->columns.list[i];
    const Column *parent = key->parent_columns.list[i];
    bool type = comparison_class(child) != comparison_class(parent);
    if (!type && name_equal(child->collation, parent->collation)) continue;
    const char *is = type ? child->type : child->collation;
    const char *refers = type ? parent->type : parent->collation;
    check_find(
        check,
        (Finding){.table = child->table->name,
                  .problem = type ? "types differ" : "collations differ",
                  .message = arena_format(
                      check->failure, check->arena,
                      "%s.%s is %s, and refers to %s.%s, which is %s: indexes "
                      "can't be used for it as they could",
                      child->table->name, child->name, *is ? is : "of no type",
                      parent->table->name, parent->name,
                      *refers ? refers : "of no type")});
  }
}

/* The statement that takes the reference away: the row, where it must have
** one. */
static const char *dangling_fix(Check *check, const ForeignKey *key,
                                const Value *values) {
  const Table *table = key->table;
  sqlite3_str *fix = sqlite3_str_new(NULL);
  const Column *free = NULL;
  for (int i = 0; i < key->columns.count; i++)
    if (!key->columns.list[i]->not_null && !key->columns.list[i]->key_position)
      free = key->columns.list[i];
  if (free) {
    sqlite3_str_appendf(fix, "UPDATE \"%w\" SET \"%w\" = NULL WHERE ",
                        table->name, free->name);
  } else {
    sqlite3_str_appendf(fix, "DELETE FROM \"%w\" WHERE ", table->name);
  }
  append_row_condition(fix, &table->row_key, values);
  return check_text(check, fix);
}

static void find_dangling(Check *check, const void *about,
                          sqlite3_stmt *statement) {
  const ForeignKey *key = about;
  int count = key->table->row_key.count;
  sqlite3_str *text = sqlite3_str_new(NULL);
  const Value *values = row_values(check, statement, 0, count);
  if (values) append_values(text, &key->table->row_key, values);
  check_find(check, (Finding){.table = key->table->name,
                              .key = check_text(check, text),
                              .problem = "refers to nothing",
                              .message = arena_format(
                                  check->failure, check->arena,
                                  "%s refers to a row of %s that is not there",
                                  key_text(check, key), key->parent->name),
                              .fix = values ? dangling_fix(check, key, values)
                                            : NULL});
}

/* The rows that refer to nothing. */
static char *dangling_sql(const ForeignKey *key) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "child", &key->table->row_key);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, key->table, "child");
  sqlite3_str_appendall(text, " WHERE ");
  for (int i = 0; i < key->columns.count; i++) {
    clause_column(text, "child", key->columns.list[i]);
    sqlite3_str_appendall(text, " IS NOT NULL AND ");
  }
  sqlite3_str_appendall(text, "NOT EXISTS (SELECT 1 FROM ");
  clause_table(text, key->parent, "parent");
  for (int i = 0; i < key->columns.count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " WHERE ");
    clause_column(text, "parent", key->parent_columns.list[i]);
    sqlite3_str_appendall(text, " = ");
    clause_column(text, "child", key->columns.list[i]);
  }
  sqlite3_str_appendall(text, ")");
  return sqlite3_str_finish(text);
}

static void check_foreign_key(Check *check, const ForeignKey *key) {
  if (key->problem || name_starts(key->table->name, "_relationship")) return;
  check_index(check, key);
  check_types(check, key);
  const Finding more = {.table = key->table->name,
                        .problem = "refers to nothing"};
  if (key->table->row_key.count)
    check_rows(check, dangling_sql(key), more, find_dangling, key);
}

/* ---- indexes ---- */

/* True if the other index does all that this one does. */
static bool index_is_covered(const Index *index, const Index *other) {
  if (other == index || other->partial || !other->plain ||
      index->columns.count > other->columns.count)
    return false;
  for (int i = 0; i < index->columns.count; i++)
    if (index->columns.list[i] != other->columns.list[i] ||
        (i < 32 && ((index->descends ^ other->descends) >> i & 1)))
      return false;
  bool same = index->columns.count == other->columns.count;
  if (index->unique && !(same && other->unique)) return false;
  /* Of two that do the same the later one is named, and no constraint. */
  return !same || other->origin != 'c' || index->unique != other->unique ||
         index > other;
}

static void check_table(Check *check, const Table *table) {
  for (int i = 0; i < table->key_count; i++)
    check_foreign_key(check, &table->keys[i]);
  for (int i = 0; i < table->index_count; i++) {
    const Index *index = &table->indexes[i];
    if (index->origin != 'c' || index->partial || !index->plain ||
        name_starts(index->name, "_relationship_"))
      continue;
    const Index *other = NULL;
    for (int j = 0; j < table->index_count && !other; j++)
      if (index_is_covered(index, &table->indexes[j]))
        other = &table->indexes[j];
    if (!other) continue;
    check_find(
        check,
        (Finding){.table = table->name,
                  .problem = "index is there twice",
                  .message = arena_format(check->failure, check->arena,
                                          "%s does all that %s does; it costs "
                                          "room, and time with each write",
                                          other->name, index->name),
                  .fix = arena_format(check->failure, check->arena,
                                      "DROP INDEX \"%w\"", index->name)});
  }
}

/* ---- all of it ---- */

static void check_all(Check *check) {
  const Model *model = check->model;
  const Schema *schema = model->schema;
  Failure *failure = check->failure;
  check_enforcement(check);
  for (int i = 0; i < model->relationship_count && !failure->code; i++) {
    check_relationship(check, &model->relationships[i]);
    check_orphans(check, &model->relationships[i]);
  }
  for (int i = 0; i < model->function_count && !failure->code; i++)
    check_function(check, &model->functions[i]);
  for (int i = 0; i < model->catalog->rule_count && !failure->code; i++)
    check_rule(check, &model->catalog->rules[i]);
  check_debts(check);
  for (int i = 0; i < schema->table_count && !failure->code; i++)
    check_table(check, &schema->tables[i]);
}

static void check_answer(Failure *failure, Connection *connection, int argc,
                         const Value *argv, Values *rows) {
  (void)argc, (void)argv;
  Model *model = connection_enter(failure, connection, "main");
  Check check = {.failure = failure,
                 .connection = connection,
                 .arena = arena_new(failure),
                 .model = model,
                 .rows = rows};
  if (!failure->code) check.analyser = analyser_new(failure, model->schema);
  if (!failure->code) check_all(&check);
  analyser_free(check.analyser);
  arena_free(check.arena);
  connection_leave(connection, model);
}

void check_register(Failure *failure, Connection *connection) {
  static const Answer check = {
      .name = "relationship_check",
      .declaration =
          "CREATE TABLE checked(\"table\" TEXT, key TEXT,"
          " relationship TEXT, problem TEXT, message TEXT,"
          " fix TEXT)",
      .column_count = 6,
      .find = check_answer};
  answer_register(failure, connection, &check);
}
