/*
** uphold.c: what happens to the links of a row that is deleted.
**
** SQLite can't change the action of a foreign key that exists.  A key without
** one, NO ACTION, gets a trigger on its parent, of plain SQL, that does what
** the key would do:
**
**     CREATE TRIGGER "_relationship_cars_brand_id_on_delete"
**     AFTER DELETE ON "brands" BEGIN
**       DELETE FROM "cars" WHERE OLD."id" = "cars"."brand_id";
**     END
**
** The key itself is judged at the end of the statement, when the trigger has
** done its work; so both agree.
**
** A trigger does not start itself again unless recursive_triggers is on.  So a
** cascade in a table that refers to itself deletes the whole subtree at once,
** by a recursive query; and a cascade that would come back to its own table by
** way of others is refused.
**
** Invariants
**   1. Stored SQL names no schema: the file must be readable when attached.
**   2. A declaration has at most one trigger of this kind.
**   3. Values are compared as the foreign key compares them: with the affinity
**      and the collation of the parent's column.
*/
#include "relate_int.h"

static const char *const actions[] = {"NO ACTION", "CASCADE", "SET NULL",
                                      "SET DEFAULT", "RESTRICT"};

#define ACTION_COUNT ((int)(sizeof(actions) / sizeof(actions[0])))

/* The action that `text` means, in any letter case, as SQL has it. */
const char *uphold_action(Failure *failure, const char *option,
                          const char *text) {
  for (int i = 0; i < ACTION_COUNT; i++)
    if (name_equal(actions[i], text)) return actions[i];
  failure_set(failure, SQLITE_ERROR,
              "%s is cascade, set null, set default, restrict or no action; "
              "not '%.40s'",
              option, text);
  return NULL;
}

/* ---- comparisons ---- */

/* 'A' without affinity, 'B' text, 'C' numbers. */
static char affinity_class(const Column *column) {
  return column->affinity > 'C' ? 'C' : column->affinity;
}

/* Writes the column of the child so that it compares as the foreign key does,
** with OLD.parent to its left. */
static void effect_child_column(sqlite3_str *sql, const Column *parent,
                                const Column *child) {
  char class = affinity_class(parent);
  bool differs = class != affinity_class(child);
  const char *format = differs && class == 'B'   ? "CAST(\"%w\".\"%w\" AS TEXT)"
                       : differs && class == 'A' ? "+\"%w\".\"%w\""
                                                 : "\"%w\".\"%w\"";
  sqlite3_str_appendf(sql, format, child->table->name, child->name);
}

static void effect_old_column(sqlite3_str *sql, const Column *parent,
                              const Column *child) {
  bool cast = affinity_class(parent) == 'C' && affinity_class(child) != 'C';
  sqlite3_str_appendf(sql, cast ? "CAST(OLD.\"%w\" AS NUMERIC)" : "OLD.\"%w\"",
                      parent->name);
}

/* OLD."id" = "cars"."brand_id" AND ... */
static void effect_match(sqlite3_str *sql, const ForeignKey *key) {
  for (int i = 0; i < key->columns.count; i++) {
    const Column *parent = key->parent_columns.list[i];
    const Column *child = key->columns.list[i];
    if (i) sqlite3_str_appendall(sql, " AND ");
    effect_old_column(sql, parent, child);
    sqlite3_str_appendall(sql, " = ");
    effect_child_column(sql, parent, child);
  }
}

/* ---- the bodies of triggers ---- */

static void effect_columns(sqlite3_str *sql, const Columns *columns,
                           const char *prefix) {
  for (int i = 0; i < columns->count; i++) {
    sqlite3_str_appendall(sql, i ? ", " : "");
    sqlite3_str_appendall(sql, prefix);
    sqlite3_str_appendf(sql, "\"%w\"", columns->list[i]->name);
  }
}

/* The columns of the key as the left side of IN. */
static void effect_key_value(sqlite3_str *sql, const ForeignKey *key) {
  for (int i = 0; i < key->columns.count; i++) {
    const Column *parent = key->parent_columns.list[i];
    const Column *child = key->columns.list[i];
    if (i) sqlite3_str_appendall(sql, ", ");
    effect_child_column(sql, parent, child);
    if (!name_equal(parent->collation, child->collation))
      sqlite3_str_appendf(sql, " COLLATE \"%w\"", parent->collation);
  }
}

/* Every row below the deleted one, found by the keys that are gone. */
static void effect_subtree(sqlite3_str *sql, const ForeignKey *key) {
  const char *table = key->table->name;
  sqlite3_str_appendf(sql, "DELETE FROM \"%w\" WHERE (", table);
  effect_key_value(sql, key);
  sqlite3_str_appendall(sql, ") IN (\n    WITH RECURSIVE _relationship_gone(");
  effect_columns(sql, &key->parent_columns, "");
  sqlite3_str_appendall(sql, ") AS (\n      SELECT ");
  for (int i = 0; i < key->columns.count; i++) {
    if (i) sqlite3_str_appendall(sql, ", ");
    effect_old_column(sql, key->parent_columns.list[i], key->columns.list[i]);
  }
  sqlite3_str_appendall(sql, "\n      UNION SELECT ");
  for (int i = 0; i < key->columns.count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\".\"%w\"", i ? ", " : "", table,
                        key->parent_columns.list[i]->name);
  sqlite3_str_appendf(sql,
                      "\n      FROM _relationship_gone"
                      " JOIN \"%w\" ON (",
                      table);
  effect_key_value(sql, key);
  sqlite3_str_appendall(sql, ") = (");
  effect_columns(sql, &key->parent_columns, "_relationship_gone.");
  sqlite3_str_appendall(sql, ")\n    ) SELECT * FROM _relationship_gone)");
}

static void effect_cascade(sqlite3_str *sql, const ForeignKey *key) {
  if (key->table == key->parent) {
    effect_subtree(sql, key);
  } else {
    sqlite3_str_appendf(sql, "DELETE FROM \"%w\" WHERE ", key->table->name);
    effect_match(sql, key);
  }
}

static void effect_update(sqlite3_str *sql, const ForeignKey *key,
                          bool to_default) {
  sqlite3_str_appendf(sql, "UPDATE \"%w\" SET ", key->table->name);
  for (int i = 0; i < key->columns.count; i++) {
    const Column *column = key->columns.list[i];
    bool value = to_default && column->otherwise;
    sqlite3_str_appendf(sql, "%s\"%w\" = %s", i ? ", " : "", column->name,
                        value ? column->otherwise /* safe: a literal */
                              : "NULL");
  }
  sqlite3_str_appendall(sql, " WHERE ");
  effect_match(sql, key);
}

static void effect_refusal(sqlite3_str *sql, const ForeignKey *key) {
  sqlite3_str *message = sqlite3_str_new(NULL);
  sqlite3_str_appendf(message, "%s(", key->table->name);
  columns_append(message, &key->columns, ", ");
  sqlite3_str_appendf(message, ") still refers to this row of %s",
                      key->parent->name);
  char *text = sqlite3_str_finish(message);
  sqlite3_str_appendf(sql, "SELECT RAISE(ABORT, %Q)", text ? text : "");
  sqlite3_str_appendf(sql, " FROM \"%w\" WHERE ", key->table->name);
  effect_match(sql, key);
  sqlite3_free(text);
}

static void effect_append(sqlite3_str *sql, const ForeignKey *key,
                          const char *action) {
  if (name_equal(action, "CASCADE")) {
    effect_cascade(sql, key);
  } else if (name_equal(action, "RESTRICT")) {
    effect_refusal(sql, key);
  } else {
    effect_update(sql, key, name_equal(action, "SET DEFAULT"));
  }
}

/* ---- what a trigger can't do ---- */

/* A number, or text in single quotes. */
static bool sql_is_literal(const char *sql) {
  const char *c = sql;
  if (*c == '\'') {
    for (c++; *c && (*c != '\'' || *++c == '\''); c++) continue;
    return !*c;
  }
  if (*c == '-' || *c == '+') c++;
  for (; *c; c++)
    if ((*c < '0' || *c > '9') && *c != '.') return false;
  return c > sql;
}

static void trigger_check_column(Failure *failure, const Column *column,
                                 const char *action) {
  bool to_default = name_equal(action, "SET DEFAULT");
  const char *value = to_default ? column->otherwise : NULL;
  if (value && !name_equal(value, "NULL") && !sql_is_literal(value))
    failure_set(failure, SQLITE_ERROR,
                "on_delete %s takes a number or a text in single quotes as "
                "DEFAULT of %s.%s, not %s",
                "set default", column->table->name, column->name, value);
  if (column->not_null && (!value || name_equal(value, "NULL")))
    failure_set(failure, SQLITE_ERROR,
                "on_delete %s can't be upheld: %s.%s is NOT NULL%s",
                to_default ? "set default" : "set null", column->table->name,
                column->name, to_default ? " and has no DEFAULT" : "");
}

static void trigger_check(Failure *failure, const ForeignKey *key,
                          const char *action) {
  const char *table = key->table->name;
  if (name_equal(table, "old") || name_equal(table, "new"))
    failure_set(failure, SQLITE_ERROR,
                "no trigger can speak of a table named %s; rename it", table);
  if (name_equal(action, "SET NULL") || name_equal(action, "SET DEFAULT"))
    for (int i = 0; i < key->columns.count; i++)
      trigger_check_column(failure, key->columns.list[i], action);
}

static void fail_contradiction(Failure *failure, sqlite3 *db,
                               const ForeignKey *key, const char *event,
                               const char *has, const char *action) {
  if (failure->code) return;
  char *script = rebuild_action(failure, db, key, event, action);
  sqlite3_str *columns = sqlite3_str_new(NULL);
  columns_append(columns, &key->columns, ", ");
  char *names = failure_text(failure, columns);
  failure_set(failure, SQLITE_ERROR,
              "the foreign key %s(%s) says ON %s %s, not %s, and SQLite can't "
              "change that; this would make the table anew:\n%s",
              key->table->name, names, event, has, action, script);
  sqlite3_free(names);
  sqlite3_free(script);
}

/* ---- the trigger ---- */

#define UPHOLD_KIND "_on_delete" /* how the name of the trigger ends */

static const char *made_trigger(const Make *make) {
  return make_recorded_trigger(make, UPHOLD_KIND);
}

/* CREATE TRIGGER as SQLite keeps it; main is named only when it is run. */
static char *effect_trigger(Failure *failure, const char *schema,
                            const char *name, const ForeignKey *key,
                            const char *action) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(sql,
                      "CREATE TRIGGER %s\"%w\"\n"
                      "AFTER DELETE ON \"%w\" BEGIN\n  ",
                      schema /* safe: a literal of this file */, name,
                      key->parent->name);
  effect_append(sql, key, action);
  sqlite3_str_appendall(sql, ";\nEND");
  return failure_text(failure, sql);
}

static void trigger_make(Failure *failure, Make *make, const ForeignKey *key,
                         const char *action) {
  const char *name =
      make_trigger_name(failure, make, key->table, &key->columns, UPHOLD_KIND);
  if (failure->code) return;
  make_trigger(failure, make, name,
               effect_trigger(failure, "main.", name, key, action));
}

static void trigger_uphold(Failure *failure, Make *make, const ForeignKey *key,
                           const char *action) {
  const char *name = made_trigger(make);
  trigger_check(failure, key, action);
  if (name) {
    char *sql = effect_trigger(failure, "", name, key, action);
    bool same = make_exists(failure, make, "trigger", name, sql);
    sqlite3_free(sql);
    if (same) return;
    make_drop(failure, make, "trigger", name);
  }
  trigger_make(failure, make, key, action);
}

/* Sees to it that `action` is what happens to the rows that hold `key` when
** the row they refer to is deleted; NULL: what the key says by itself. */
void uphold_delete(Failure *failure, Make *make, const ForeignKey *key,
                   const char *action) {
  if (failure->code) return;
  bool free = name_equal(key->on_delete, "NO ACTION");
  if (action && !free && !name_equal(action, key->on_delete))
    fail_contradiction(failure, make->db, key, "DELETE", key->on_delete,
                       action);
  if (action && free && !name_equal(action, "NO ACTION")) {
    trigger_uphold(failure, make, key, action);
  } else if (made_trigger(make)) {
    make_drop(failure, make, "trigger", made_trigger(make));
  }
}

/* Fails unless `key` says so by itself. */
void uphold_update(Failure *failure, sqlite3 *db, const ForeignKey *key,
                   const char *action) {
  if (failure->code || !action || name_equal(action, key->on_update)) return;
  fail_contradiction(failure, db, key, "UPDATE", key->on_update, action);
}

/* ---- circles ---- */

/* Where a DELETE goes on, by keys that cascade and by triggers of ours. */
typedef struct Cascades {
  const Schema *schema;
  int count;
  const ForeignKey **upheld; /* by a trigger */
  bool *reached;             /* table i of the schema */
} Cascades;

/* The key that on_delete and on_update of a relationship speak of. */
const ForeignKey *uphold_key(const Relationship *relationship) {
  return relationship->source_foreign ? relationship->source_foreign
                                      : relationship->target_foreign;
}

static void cascades_add(Failure *failure, Arena *arena, sqlite3 *db,
                         Cascades *cascades, const Relationship *relationship) {
  const Declaration *declaration = relationship->declaration;
  const ForeignKey *key = uphold_key(relationship);
  if (!declaration || declaration->problem || relationship->derived || !key ||
      !key->parent)
    return;
  const char *option =
      catalog_option(failure, arena, db, declaration->options, "on_delete");
  if (!option || !name_equal(option, "cascade") ||
      !name_equal(key->on_delete, "NO ACTION"))
    return;
  cascades->upheld = arena_extend(failure, arena, (void *)cascades->upheld,
                                  cascades->count, sizeof(*cascades->upheld));
  if (!failure->code) cascades->upheld[cascades->count++] = key;
}

static bool cascades_along(const Cascades *cascades, const ForeignKey *key) {
  for (int i = 0; i < cascades->count; i++)
    if (cascades->upheld[i] == key) return true;
  return name_equal(key->on_delete, "CASCADE");
}

/* Marks the tables one step further on from `start` and those that are marked,
** but not along `key` itself; true if there was one. */
static bool cascades_spread(Cascades *cascades, const ForeignKey *start) {
  bool more = false;
  for (int i = 0; i < cascades->schema->table_count; i++) {
    const Table *table = &cascades->schema->tables[i];
    for (int j = 0; j < table->key_count && !cascades->reached[i]; j++) {
      const ForeignKey *key = &table->keys[j];
      if (key == start || key->problem || !cascades_along(cascades, key))
        continue;
      if (key->parent == start->table ||
          cascades->reached[key->parent - cascades->schema->tables])
        cascades->reached[i] = more = true;
    }
  }
  return more;
}

static void cascades_check(Failure *failure, Cascades *cascades,
                           const ForeignKey *key) {
  const Schema *schema = cascades->schema;
  memset(cascades->reached, 0, (size_t)schema->table_count);
  while (cascades_spread(cascades, key)) continue;
  if (cascades->reached[key->parent - schema->tables])
    failure_set(failure, SQLITE_ERROR,
                "on_delete cascade from %s to %s would come back to %s, and "
                "SQLite lets a trigger start itself again only with "
                "recursive_triggers; give one of the keys of that circle "
                "ON DELETE CASCADE of its own, or another on_delete",
                key->parent->name, key->table->name, key->parent->name);
}

/* Fails if a trigger that cascades can come back to its own table. */
void uphold_check_circles(Failure *failure, Arena *arena, sqlite3 *db,
                          const Model *model) {
  Cascades cascades = {model->schema, 0, NULL, NULL};
  for (int i = 0; i < model->relationship_count && !failure->code; i++)
    cascades_add(failure, arena, db, &cascades, &model->relationships[i]);
  cascades.reached = arena_take(failure, arena, model->schema->table_count + 1);
  for (int i = 0; i < cascades.count && !failure->code; i++)
    cascades_check(failure, &cascades, cascades.upheld[i]);
}
