/*
** select.c: SQL that reads along a route.
**
** One step counts links, so it reads the link's row, with the target beside it:
**
**     students.courses
**       SELECT target."title", link."grade"
**       FROM "main"."student_course" AS link
**       LEFT JOIN "main"."courses" AS target
**         ON target."id" = link."course_id"
**       WHERE link."student_id" = ?1
**
** Several steps reach each target once.  Each step is the set of keys that it
** leads to, and the next looks into it; a set of one is a value:
**
**     students.courses.students
**       SELECT target."name" FROM "main"."students" AS target
**       WHERE target."id" IN (
**         SELECT link."student_id" FROM "main"."student_course" AS link
**         WHERE link."course_id" IN (
**           SELECT link."course_id" FROM "main"."student_course" AS link
**           WHERE link."student_id" = ?1))
**
** A step that is repeated is a recursive query; and where no source is given,
** a route is the set of its pairs, of a source and a target.
**
** Each step has a scope of its own, in which its rows are called source, target
** and link, as in the conditions that declarations bring along.  The row that
** holds a foreign key is the link too: it is called source or target.
**
** Pure: makes text, runs nothing.
*/
#include "relate_int.h"

/* What the row of a step's link is called. */
const char *select_link(const Relationship *relationship) {
  if (relationship->cardinality == MANY_TO_MANY) return "link";
  return relationship->linked_by_source ? "source" : "target";
}

bool select_link_is_target(const Relationship *relationship) {
  return relationship->cardinality != MANY_TO_MANY &&
         !relationship->linked_by_source;
}

static End select_source_end(const Relationship *relationship) {
  End end = end_of_source(relationship);
  end.alias = select_link(relationship);
  return end;
}

/* ---- the rows of a step ---- */

/* ON row."id" = link."course_id" AND ... */
static void append_on(sqlite3_str *text, const char *row, const Columns *key,
                      const char *link, const Columns *columns) {
  for (int i = 0; i < key->count; i++) {
    bool same = key->list[i]->affinity == columns->list[i]->affinity;
    sqlite3_str_appendall(text, i ? " AND " : " ON ");
    clause_column(text, row, key->list[i]);
    /* Compared as the foreign key is: as the type of the key says. */
    sqlite3_str_appendall(text, same ? " = " : " = +");
    clause_column(text, link, columns->list[i]);
  }
}

static void append_join(sqlite3_str *text, const char *how, const Table *table,
                        const char *row) {
  sqlite3_str_appendall(text, how);
  clause_table(text, table, row);
}

/* The link's row, and beside it the rows that the condition speaks of.  Asked
** for: the target's row; the link's own under the name link.  A link whose
** target is missing is still a link. */
void select_rows(sqlite3_str *text, const Step *step, int rows) {
  const Relationship *r = step->relationship;
  const Expression *where = step->where;
  const char *link = select_link(r);
  clause_table(text, r->link, link);
  if (((rows & ROWS_TARGET) || (where && where->target)) &&
      !select_link_is_target(r)) {
    append_join(text, " LEFT JOIN ", r->target, "target");
    append_on(text, "target", &r->target_key, link, &r->target_link);
  }
  if (((rows & ROWS_SOURCE) || (where && where->source)) &&
      !r->linked_by_source) {
    append_join(text, " JOIN ", r->source, "source");
    append_on(text, "source", &r->source_key, link, &r->source_link);
  }
  if (((rows & ROWS_LINK) || (where && where->link)) &&
      r->cardinality != MANY_TO_MANY) {
    append_join(text, " JOIN ", r->link, "link");
    append_on(text, "link", &r->link->row_key, link, &r->link->row_key);
  }
}

static void append_condition(sqlite3_str *text, const Step *step) {
  if (step->where)
    sqlite3_str_appendf(text, " AND (%s)", /* safe: has been analysed */
                        step->where->text);
}

/* AND what else makes a row a link of this step, its source aside. */
void select_is_link(sqlite3_str *text, const Step *step) {
  clause_not_null(text, step->relationship, select_link(step->relationship));
  append_condition(text, step);
}

/* The same of its source, where none is given. */
void select_is_linked(sqlite3_str *text, const Step *step) {
  const Relationship *r = step->relationship;
  sqlite3_str_appendall(text, "true");
  for (int i = 0; r->source_foreign && i < r->source_link.count; i++) {
    if (r->source_link.list[i]->not_null) continue;
    sqlite3_str_appendall(text, " AND ");
    clause_column(text, select_link(r), r->source_link.list[i]);
    sqlite3_str_appendall(text, " IS NOT NULL");
  }
}

/* True if what is compared with a link's columns would be compared likewise with
** the key: '7' is 7 to the key of a number, but not to a column without a type. */
static bool columns_compare_alike(const Columns *link, const Columns *key) {
  for (int i = 0; i < key->count; i++)
    if (key->list[i]->affinity >= 'C' && link->list[i]->affinity < 'C')
      return false;
  return true;
}

/* True if the link's row has the columns of the target that are wanted. */
static bool link_has(const Relationship *relationship, const Columns *wanted) {
  return columns_same(wanted, &relationship->target_key) &&
         columns_compare_alike(&relationship->target_link,
                               &relationship->target_key);
}

/* ROWS_TARGET if columns of the target have to be read from the target. */
static int needs_target(const Relationship *relationship,
                        const Columns *wanted) {
  bool has =
      select_link_is_target(relationship) || link_has(relationship, wanted);
  return has ? 0 : ROWS_TARGET;
}

/* `wanted` columns of the target, and from which row they come. */
static const Columns *target_columns(const Relationship *relationship,
                                     const Columns *wanted, const char **row) {
  bool own = needs_target(relationship, wanted);
  *row = own ? "target" : select_link(relationship);
  return link_has(relationship, wanted) ? &relationship->target_link : wanted;
}

/* ---- pairs of a source and a target ---- */

/* row.t1 */
static void append_end(sqlite3_str *text, const char *row, char letter,
                       int number) {
  sqlite3_str_appendf(text, "%s.%c%d", row, letter, number);
}

/* row.s1, row.s2 */
static void append_ends(sqlite3_str *text, const char *row, char letter,
                        int count) {
  for (int i = 1; i <= count; i++) {
    if (i > 1) sqlite3_str_appendall(text, ", ");
    append_end(text, row, letter, i);
  }
}

/* link."student_id" AS s1 */
static void append_named(sqlite3_str *text, const char *row,
                         const Columns *columns, char letter) {
  for (int i = 0; i < columns->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    clause_column(text, row, columns->list[i]);
    sqlite3_str_appendf(text, " AS %c%d", letter, i + 1);
  }
}

static void append_pairs(sqlite3_str *text, const Step *steps, int count,
                         const Columns *wanted);

/* True if a link has the values of the keys, and not just what is equal. */
static bool columns_stand_in(const Columns *link, const Columns *key) {
  for (int i = 0; i < key->count; i++)
    if (!clause_same_value(link->list[i], key->list[i])) return false;
  return true;
}

const Columns *select_source_columns(const Relationship *r, const char **row) {
  bool own =
      r->linked_by_source || columns_stand_in(&r->source_link, &r->source_key);
  *row = own ? select_link(r) : "source";
  return own ? &r->source_link : &r->source_key;
}

/* The same of the target. */
static const Columns *paired_columns(const Relationship *r,
                                     const Columns *wanted, const char **row) {
  bool own = columns_same(wanted, &r->target_key) &&
             !select_link_is_target(r) &&
             !columns_stand_in(&r->target_link, &r->target_key);
  if (!own) return target_columns(r, wanted, row);
  *row = "target";
  return wanted;
}

/* All links of a step that is not repeated, as s1 ... and t1 ..., which are
** `wanted` columns of the target.  A pair is to be there once, so these are the
** very keys. */
static void append_link_pairs(sqlite3_str *text, const Step *step,
                              const Columns *wanted) {
  const Relationship *r = step->relationship;
  const char *from, *to;
  const Columns *sources = select_source_columns(r, &from);
  const Columns *targets = paired_columns(r, wanted, &to);
  int rows = strcmp(to, "target") ? 0 : ROWS_TARGET;
  sqlite3_str_appendall(text, "SELECT ");
  append_named(text, from, sources, 's');
  sqlite3_str_appendall(text, ", ");
  append_named(text, to, targets, 't');
  sqlite3_str_appendall(text, " FROM ");
  select_rows(text, step, strcmp(from, "source") ? rows : rows | ROWS_SOURCE);
  sqlite3_str_appendall(text, " WHERE ");
  select_is_linked(text, step);
  select_is_link(text, step);
}

static void append_once_pairs(sqlite3_str *text, const Step *step,
                              const Columns *wanted) {
  const Relationship *r = step->relationship;
  if (r->step_count > 1) {
    append_pairs(text, r->steps, r->step_count, wanted);
  } else {
    append_link_pairs(text, step, wanted);
  }
}

/* once.s1 = reached.t1 AND ... */
static void append_ends_meet(sqlite3_str *text, const char *first,
                             const char *second, int count) {
  for (int i = 1; i <= count; i++) {
    if (i > 1) sqlite3_str_appendall(text, " AND ");
    append_end(text, second, 's', i);
    sqlite3_str_appendall(text, " = ");
    append_end(text, first, 't', i);
  }
}

/* JOIN "main"."courses" AS target ON target."id" = row.t1 AND ... */
static void append_join_target(sqlite3_str *text, const Table *table,
                               const Columns *key, const char *row) {
  append_join(text, " JOIN ", table, "target");
  for (int i = 0; i < key->count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " ON ");
    clause_column(text, "target", key->list[i]);
    sqlite3_str_appendall(text, " = ");
    append_end(text, row, 't', i + 1);
  }
}

/* The keys reached are those that the next link starts from; at the end the
** target's row gives the columns that are wanted. */
static void append_repeated_pairs(sqlite3_str *text, const Step *step,
                                  const Columns *wanted) {
  const Relationship *r = step->relationship;
  const Columns *key = &r->source_key;
  sqlite3_str_appendall(text, "WITH RECURSIVE reached(");
  for (int i = 0; i < key->count; i++)
    sqlite3_str_appendf(text, i ? ", s%d" : "s%d", i + 1);
  for (int i = 0; i < key->count; i++)
    sqlite3_str_appendf(text, ", t%d", i + 1);
  sqlite3_str_appendall(text, ") AS (");
  append_once_pairs(text, step, key);
  sqlite3_str_appendall(text, " UNION SELECT ");
  append_ends(text, "reached", 's', key->count);
  sqlite3_str_appendall(text, ", ");
  append_ends(text, "once", 't', key->count);
  sqlite3_str_appendall(text, " FROM reached JOIN (");
  append_once_pairs(text, step, key);
  sqlite3_str_appendall(text, ") AS once ON ");
  append_ends_meet(text, "reached", "once", key->count);
  sqlite3_str_appendall(text, ") SELECT ");
  append_ends(text, "reached", 's', key->count);
  sqlite3_str_appendall(text, ", ");
  append_named(text, "target", wanted, 't');
  sqlite3_str_appendall(text, " FROM reached");
  append_join_target(text, r->target, key, "reached");
}

static void append_step_pairs(sqlite3_str *text, const Step *step,
                              const Columns *wanted) {
  if (step->repeat) {
    append_repeated_pairs(text, step, wanted);
  } else {
    append_link_pairs(text, step, wanted);
  }
}

/* The pairs of several steps: each is a table of pairs, step_1, step_2, ... */
static void append_pairs(sqlite3_str *text, const Step *steps, int count,
                         const Columns *wanted) {
  int sources = steps[0].relationship->source_key.count;
  for (int i = 0; i < count; i++) {
    const Columns *next =
        i + 1 < count ? &steps[i + 1].relationship->source_key : wanted;
    if (i == 0) {
      sqlite3_str_appendall(text, "SELECT ");
      append_ends(text, "step_1", 's', sources);
      for (int j = 1; j <= wanted->count; j++)
        sqlite3_str_appendf(text, ", step_%d.t%d", count, j);
    }
    sqlite3_str_appendall(text, i ? " JOIN (" : " FROM (");
    append_step_pairs(text, &steps[i], next);
    sqlite3_str_appendf(text, ") AS step_%d", i + 1);
    for (int j = 1; i && j <= steps[i].relationship->source_key.count; j++)
      sqlite3_str_appendf(text, "%s step_%d.s%d = step_%d.t%d",
                          j > 1 ? " AND" : " ON", i + 1, j, i, j);
  }
}

/* FROM and WHERE of all pairs of a source and a target, each once. */
void select_from_pairs(sqlite3_str *text, const Route *route) {
  const Relationship *last = route->steps[route->count - 1].relationship;
  sqlite3_str_appendall(text, " FROM (SELECT DISTINCT * FROM (");
  append_pairs(text, route->steps, route->count, &last->target_key);
  sqlite3_str_appendall(text, ")) AS pair");
  append_join_target(text, last->target, &last->target_key, "pair");
  sqlite3_str_appendall(text, " WHERE true");
}

/* ---- sets of keys ---- */

/* True if the first `count` steps lead to one row at most. */
static bool leads_to_one(const Route *route, int count) {
  for (int i = 0; i < count; i++)
    if (!step_is_to_one(&route->steps[i])) return false;
  return true;
}

static void append_set(sqlite3_str *text, const Route *route, int count,
                       const Columns *wanted);

/* ... = (set) or ... IN (set): `count` steps lead there, to the columns of
** `wanted`. */
static void append_in_set(sqlite3_str *text, const Route *route, int count,
                          const Columns *wanted) {
  sqlite3_str_appendall(text, leads_to_one(route, count) ? " = (" : " IN (");
  append_set(text, route, count, wanted);
  sqlite3_str_appendall(text, ")");
}

/* (link."a", link."b") IN (...): a link starts where `count` steps lead. */
static void append_end_in_set(sqlite3_str *text, const Route *route, int count,
                              const End *end) {
  bool several = end->link->count > 1;
  if (several) sqlite3_str_appendall(text, "(");
  for (int i = 0; i < end->link->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    clause_compared(text, end, i);
  }
  if (several) sqlite3_str_appendall(text, ")");
  append_in_set(text, route, count, end->key);
}

/* A link of step number `count` starts from where the steps before it lead. */
static void append_start(sqlite3_str *text, const Route *route, int count) {
  End end = select_source_end(route->steps[count].relationship);
  if (count) {
    append_end_in_set(text, route, count, &end);
  } else {
    clause_match(text, &end);
  }
}

/* The same of pairs. */
static void append_start_of_pairs(sqlite3_str *text, const Route *route,
                                  int count) {
  const Columns *key = &route->steps[count].relationship->source_key;
  for (int i = 1; !count && i <= key->count; i++)
    sqlite3_str_appendf(text, i > 1 ? " AND pair.s%d = ?%d" : "pair.s%d = ?%d",
                        i, i);
  if (!count) return;
  if (key->count > 1) sqlite3_str_appendall(text, "(");
  append_ends(text, "pair", 's', key->count);
  if (key->count > 1) sqlite3_str_appendall(text, ")");
  append_in_set(text, route, count, key);
}

/* Where the links of step number `count` lead, from where the steps before it
** do. */
static void append_once_set(sqlite3_str *text, const Route *route, int count,
                            const Columns *wanted) {
  const Step *step = &route->steps[count];
  const Relationship *r = step->relationship;
  const char *row;
  sqlite3_str_appendall(text, "SELECT ");
  if (r->step_count > 1) {
    append_ends(text, "pair", 't', wanted->count);
    sqlite3_str_appendall(text, " FROM (");
    append_pairs(text, r->steps, r->step_count, wanted);
    sqlite3_str_appendall(text, ") AS pair WHERE ");
    append_start_of_pairs(text, route, count);
    return;
  }
  const Columns *columns = target_columns(r, wanted, &row);
  clause_columns(text, row, columns);
  sqlite3_str_appendall(text, " FROM ");
  select_rows(text, step, needs_target(r, wanted));
  sqlite3_str_appendall(text, " WHERE ");
  append_start(text, route, count);
  append_condition(text, step);
}

/* SELECT ... FROM reached, then the next link */
static void append_recursion(sqlite3_str *text, const Step *step,
                             const char *reached) {
  const Relationship *r = step->relationship;
  const char *row;
  const Columns *columns = target_columns(r, &r->source_key, &row);
  sqlite3_str_appendall(text, " UNION SELECT ");
  if (r->step_count > 1) {
    append_ends(text, "pair", 't', r->source_key.count);
    sqlite3_str_appendf(text, " FROM %s CROSS JOIN (", /* safe: made here */
                        reached);
    append_pairs(text, r->steps, r->step_count, &r->source_key);
    sqlite3_str_appendall(text, ") AS pair WHERE ");
    append_ends_meet(text, reached, "pair", r->source_key.count);
    return;
  }
  clause_columns(text, row, columns);
  sqlite3_str_appendf(text, " FROM %s CROSS JOIN ", /* safe: made here */
                      reached);
  select_rows(text, step, needs_target(r, &r->source_key));
  End end = select_source_end(r);
  for (int i = 0; i < r->source_link.count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " WHERE ");
    clause_compared(text, &end, i);
    sqlite3_str_appendf(text, " = %s.t%d", /* safe: made here */ reached,
                        i + 1);
  }
  append_condition(text, step);
}

/* A recursive query.  Those of several steps have names of their own. */
static void append_repeated_set(sqlite3_str *text, const Route *route,
                                int count, const Columns *wanted) {
  const Step *step = &route->steps[count];
  const Columns *key = &step->relationship->source_key;
  char reached[30];
  sqlite3_snprintf(sizeof(reached), reached, "reached_%d", count + 1);
  sqlite3_str_appendf(text, "WITH RECURSIVE %s(", /* safe */ reached);
  for (int i = 1; i <= key->count; i++)
    sqlite3_str_appendf(text, i > 1 ? ", t%d" : "t%d", i);
  sqlite3_str_appendall(text, ") AS (");
  append_once_set(text, route, count, key);
  append_recursion(text, step, reached);
  sqlite3_str_appendall(text, ") SELECT ");
  if (columns_same(wanted, key)) {
    append_ends(text, reached, 't', key->count);
    sqlite3_str_appendf(text, " FROM %s", /* safe: made here */ reached);
    return;
  }
  clause_columns(text, "target", wanted);
  sqlite3_str_appendf(text, " FROM %s", /* safe: made here */ reached);
  append_join_target(text, step->relationship->target, key, reached);
}

/* SELECT of what the first `count` steps lead to: `wanted` columns there. */
static void append_set(sqlite3_str *text, const Route *route, int count,
                       const Columns *wanted) {
  if (route->steps[count - 1].repeat) {
    append_repeated_set(text, route, count - 1, wanted);
  } else {
    append_once_set(text, route, count - 1, wanted);
  }
}

/* ---- what a route leads to, from a source that is given ---- */

void select_from_links(sqlite3_str *text, const Route *route, int rows) {
  sqlite3_str_appendall(text, " FROM ");
  select_rows(text, &route->steps[0], rows);
  sqlite3_str_appendall(text, " WHERE ");
  append_start(text, route, 0);
  select_is_link(text, &route->steps[0]);
}

/* FROM and WHERE of the targets of several steps, or of one that is repeated,
** each once.  The row of a target that holds the last step's foreign key tells
** by itself whether it is one. */
void select_from_targets(sqlite3_str *text, const Route *route) {
  const Step *last = &route->steps[route->count - 1];
  const Relationship *r = last->relationship;
  sqlite3_str_appendall(text, " FROM ");
  if (!last->repeat && select_link_is_target(r)) {
    select_rows(text, last, ROWS_TARGET);
    sqlite3_str_appendall(text, " WHERE ");
    append_start(text, route, route->count - 1);
    append_condition(text, last);
    return;
  }
  End end = {&r->target_key, &r->target_key, r->target, 1, "target"};
  clause_table(text, r->target, "target");
  sqlite3_str_appendall(text, " WHERE ");
  append_end_in_set(text, route, route->count, &end);
}

static void append_from(sqlite3_str *text, const Route *route, bool target) {
  if (route_link(route) && !route_is_to_one(route)) {
    select_from_links(text, route, target ? ROWS_TARGET : 0);
  } else {
    select_from_targets(text, route);
  }
}

/* count(*), or an aggregate of the route's column.  Of several steps it has a
** count beside it: alone, min() and max() of a column that is compared with a set
** end with the first row that SQLite (3.40) finds, which need not be the one. */
char *select_aggregate(const Route *route, const char *function) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  const Relationship *link = route_link(route);
  sqlite3_str_appendf(text, "SELECT %s(", /* safe: a literal */ function);
  if (route->column) {
    clause_column(text, route->in_link ? select_link(link) : "target",
                  route->column);
  } else {
    sqlite3_str_appendall(text, "*");
  }
  sqlite3_str_appendall(text, link || !route->column ? ")" : "), count(*)");
  if (link && !route->column) {
    select_from_links(text, route, 0);
  } else {
    append_from(text, route, !route->in_link);
  }
  return sqlite3_str_finish(text);
}

/* The column of the one row that the route leads to. */
char *select_value(const Route *route) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_column(text, "target", route->column);
  select_from_targets(text, route);
  return sqlite3_str_finish(text);
}

/* A row if the target is reached, whose key is bound after the source's. */
char *select_member(const Route *route) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  const Relationship *last = route->steps[route->count - 1].relationship;
  sqlite3_str_appendall(text, "SELECT 1");
  append_from(text, route, true);
  sqlite3_str_appendall(text, " AND ");
  clause_key(text, "target", &last->target_key,
             1 + route->steps[0].relationship->source_key.count);
  sqlite3_str_appendall(text, " LIMIT 1");
  return sqlite3_str_finish(text);
}
