/*
** orphan.c: what becomes of a target whose last link goes.
**
**     SELECT relationship('orders.lines', 'delete_orphan', 1);
**
**     CREATE TRIGGER "_relationship_lines_order_id_orphaned_by_update"
**     AFTER UPDATE OF "order_id" ON "lines"
**     WHEN OLD."order_id" IS NOT NULL AND (NEW."order_id" IS NULL) BEGIN
**       DELETE FROM "lines" WHERE "lines"."id" = NEW."id";
**     END
**
** With delete_orphan a target goes when the last link of this relationship that
** leads to it goes, whoever removes that: a row of the association table that is
** deleted, or leads to another; the foreign key of a child that becomes NULL.  A
** target that has never been linked stays.
**
** A trigger does not start itself again unless recursive_triggers is on.  So
** between a table and itself, where a target that goes takes links along, this
** can't be upheld.
**
** Invariants
**   1. Stored SQL names no schema.
**   2. There is one trigger for each event at most, by the end of its name.
*/
#include "relate_int.h"

typedef enum OrphanEvent {
  ORPHAN_DELETE, /* of the link's row */
  ORPHAN_UPDATE
} OrphanEvent;

static const char *const orphan_kinds[] = {"_orphaned", "_orphaned_by_update"};

/* ---- the text ---- */

static void orphan_columns(sqlite3_str *sql, const char *row,
                           const Columns *columns, const char *after,
                           const char *separator) {
  for (int i = 0; i < columns->count; i++) {
    if (i) sqlite3_str_appendall(sql, separator);
    clause_column(sql, row, columns->list[i]);
    sqlite3_str_appendall(sql, after);
  }
}

/* "lines"."id" = NEW."id" AND ... */
static void orphan_match(sqlite3_str *sql, const Table *table,
                         const Columns *key, const char *row,
                         const Columns *columns) {
  for (int i = 0; i < key->count; i++) {
    sqlite3_str_appendf(sql, "%s\"%w\".\"%w\" = ", i ? " AND " : "",
                        table->name, key->list[i]->name);
    clause_column(sql, row, columns->list[i]);
  }
}

/* A link ends where a column of it leads to another row, or becomes NULL. */
static void orphan_event(sqlite3_str *sql, OrphanEvent event,
                         const Relationship *r) {
  const char *separator = " OF ";
  sqlite3_str_appendall(sql, event == ORPHAN_DELETE ? "DELETE" : "UPDATE");
  if (event == ORPHAN_DELETE) return;
  for (int i = 0; i < r->link->column_count; i++) {
    const Column *column = &r->link->columns[i];
    bool ends = link_is_target(r)
                    ? columns_contain(&r->source_link, column)
                    : columns_contain(&r->target_link, column) ||
                          (columns_contain(&r->source_link, column) &&
                           !column->not_null);
    if (!ends) continue;
    sqlite3_str_appendf(sql, "%s\"%w\"", /* safe: a literal */ separator,
                        column->name);
    separator = ", ";
  }
}

/* A child that has lost its foreign key. */
static void orphan_child(sqlite3_str *sql, const Relationship *r) {
  const Columns *key = &r->link->row_key;
  sqlite3_str_appendall(sql, "\nWHEN ");
  orphan_columns(sql, "OLD", &r->source_link, " IS NOT NULL", " AND ");
  sqlite3_str_appendall(sql, " AND (");
  orphan_columns(sql, "NEW", &r->source_link, " IS NULL", " OR ");
  sqlite3_str_appendf(sql, ") BEGIN\n  DELETE FROM \"%w\" WHERE ",
                      r->link->name);
  orphan_match(sql, r->link, key, "NEW", key);
}

/* A target to which no other link leads. */
static void orphan_target(sqlite3_str *sql, const Relationship *r) {
  End end = end_of_target(r);
  end.alias = "link";
  clause_filled(sql, "\nWHEN ", "OLD", &r->source_link);
  sqlite3_str_appendf(sql, " BEGIN\n  DELETE FROM \"%w\" WHERE ",
                      r->target->name);
  orphan_match(sql, r->target, &r->target_key, "OLD", &r->target_link);
  sqlite3_str_appendf(sql,
                      "\n    AND NOT EXISTS (SELECT 1 FROM \"%w\" AS link"
                      " WHERE ",
                      r->link->name);
  for (int i = 0; i < end.link->count; i++) {
    if (i) sqlite3_str_appendall(sql, " AND ");
    clause_compared(sql, &end, i);
    sqlite3_str_appendall(sql, " = ");
    clause_column(sql, "OLD", end.link->list[i]);
  }
  clause_filled(sql, " AND ", "link", &r->source_link);
  sqlite3_str_appendall(sql, ")");
}

/* CREATE TRIGGER as SQLite keeps it; main is named only when it is run. */
static char *orphan_sql(Failure *failure, const char *schema, const char *name,
                        const Relationship *r, OrphanEvent event) {
  bool child = link_is_target(r);
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(sql, "CREATE TRIGGER %s\"%w\"\nAFTER ",
                      schema /* safe: a literal of this file */, name);
  orphan_event(sql, event, r);
  sqlite3_str_appendf(sql, " ON \"%w\"", r->link->name);
  if (child) {
    orphan_child(sql, r);
  } else {
    orphan_target(sql, r);
  }
  sqlite3_str_appendall(sql, ";\nEND");
  return failure_text(failure, sql);
}

/* ---- the triggers ---- */

static void orphan_check(Failure *failure, const Relationship *r) {
  const Table *tables[] = {r->link, r->target};
  if (r->source == r->target)
    failure_set(failure, SQLITE_ERROR,
                "delete_orphan can't be upheld between a table and itself: a "
                "trigger does not start itself again");
  if (!r->link->row_key.count)
    failure_set(failure, SQLITE_ERROR,
                "the rows of %s can't be told apart: columns hide every name "
                "of its rowid",
                r->link->name);
  for (int i = 0; i < 2; i++)
    if (name_equal(tables[i]->name, "old") ||
        name_equal(tables[i]->name, "new"))
      failure_set(failure, SQLITE_ERROR,
                  "no trigger can speak of a table named %s; rename it",
                  tables[i]->name);
}

static void orphan_make(Failure *failure, Make *make, const Relationship *r,
                        OrphanEvent event) {
  const Columns *columns =
      link_is_target(r) ? &r->source_link : &r->target_link;
  const char *name =
      make_trigger_name(failure, make, r->link, columns, orphan_kinds[event]);
  if (failure->code) return;
  make_trigger(failure, make, name,
               orphan_sql(failure, "main.", name, r, event));
}

/* True if the trigger is there as it is to be; one that is not is dropped. */
static bool orphan_stands(Failure *failure, Make *make, const Relationship *r,
                          OrphanEvent event, bool wanted) {
  const char *name = make_recorded_trigger(make, orphan_kinds[event]);
  if (!name || failure->code) return false;
  char *sql = wanted ? orphan_sql(failure, "", name, r, event) : NULL;
  bool same = sql && make_exists(failure, make, "trigger", name, sql);
  sqlite3_free(sql);
  if (!same) make_drop(failure, make, "trigger", name);
  return same;
}

void orphan_uphold(Failure *failure, Make *make, const Relationship *r,
                   bool wanted) {
  if (failure->code) return;
  if (wanted) orphan_check(failure, r);
  for (int event = ORPHAN_DELETE; event <= ORPHAN_UPDATE; event++) {
    bool has = wanted && !(link_is_target(r) && event == ORPHAN_DELETE);
    if (!orphan_stands(failure, make, r, (OrphanEvent)event, has) && has &&
        !failure->code)
      orphan_make(failure, make, r, (OrphanEvent)event);
  }
}
