/*
** plan.c: what SQLite asks of a navigator.
**
** xBestIndex is told which comparisons, order and limit a query has, and which
** columns it uses; the answer is the statement of reading.c, in idxStr, and how
** many rows to expect.  EXPLAIN QUERY PLAN shows that statement.
**
**   bits of idxNum   meaning                              argv[], in this order
**   --------------   ----------------------------------   ---------------------
**   0x01             the columns have changed: prepare    -
**                    the statement again
**   0x02             the rows are counted, not read       -
**   0x04             a repeated step: see travel.c        -
**   0x08             the source's key is given            key[0..n-1]
**   0x10, 0x20       the greatest depth; the one above    depth, the last
**   0x40             the key is text                      -
**   0x80             every column may be asked for, by    -
**                    an UPDATE
**   bits 8 to 13     comparisons                          exact, then from here
**                                                         on loose ones
**   bits 14 to 30    length of the loose part of idxStr   -
**                    LIMIT, OFFSET                        limit, offset
**
** SQLite checks every comparison again, but for LIMIT and OFFSET and the key of
** what is counted.  So a statement may read too much, never too little.  A
** comparison in it may only differ from SQLite's where the other side has a
** type of its own, which nobody tells us: a column of numbers compares with one
** of texts as numbers, so '07' = 7; our parameter would compare as a text.  A
** comparison of a text is therefore loose: where the value turns out to be a
** number, its part of the statement is cut off.  Columns without a type are not
** compared by the statement, but for keys.
*/
#include "relate_int.h"

#define LOOSE_LIMIT 0x3f     /* arguments before the first loose one */
#define LENGTH_LIMIT 0x1ffff /* of the loose part */
#define COMPARISON_LIMIT 40
#define ORDER_LIMIT 20
#define LINKS_UNKNOWN 1048576 /* what SQLite takes a table for */
#define SOME 10               /* and what it takes to be equal */

/* ---- how many ---- */

/* The numbers that ANALYZE has left about an index; false if there are none. */
static bool stat_read(Failure *failure, sqlite3 *db, const Table *table,
                      const char *index, int columns, double *rows,
                      double *equal) {
  Failure ignored = {0, NULL};
  sqlite3_stmt *statement = statement_format(
      &ignored, db, STATEMENT_PLAIN,
      "SELECT s.stat FROM \"%w\".sqlite_stat1 AS s WHERE s.tbl = ?1"
      " COLLATE NOCASE AND s.idx IS ?2 COLLATE NOCASE",
      table->schema->name);
  statement_bind_text(&ignored, statement, 1, table->name);
  statement_bind_text(&ignored, statement, 2, index);
  long long numbers[4] = {0, 0, 0, 0};
  int found = 0;
  if (statement_step(&ignored, statement)) {
    const char *text = statement_text(&ignored, statement, 0);
    for (; text && found < 4 && *text >= '0' && *text <= '9'; found++) {
      while (*text >= '0' && *text <= '9' && numbers[found] < 1000000000000)
        numbers[found] = numbers[found] * 10 + (*text++ - '0');
      while (*text == ' ') text++;
    }
  }
  sqlite3_finalize(statement);
  if (ignored.code == SQLITE_NOMEM) failure_memory(failure);
  failure_clear(&ignored);
  if (columns > 3 || found <= columns) return false;
  *rows = (double)numbers[0];
  *equal = (double)numbers[columns];
  return true;
}

/* How many rows of `table` are equal in `columns`; *rows: how many there are.
** All of them, where no index tells. */
static double estimate_equal(Failure *failure, sqlite3 *db, const Table *table,
                             const Columns *columns, double *rows) {
  const Index *index = table_index_under(table, columns);
  double all = LINKS_UNKNOWN, equal = SOME;
  if (table_is_unique(table, columns)) return 1;
  if (!index) return *rows;
  if (!stat_read(failure, db, table, index->name, columns->count, &all, &equal))
    return SOME;
  *rows = all;
  return equal;
}

Estimate plan_estimate(Failure *failure, sqlite3 *db, const Route *route) {
  Estimate estimate = {LINKS_UNKNOWN, 1, 1};
  for (int i = 0; i < route->count && !failure->code; i++) {
    const Step *step = &route->steps[i];
    const Relationship *r = step->relationship;
    double rows = LINKS_UNKNOWN;
    if (!r->link) {
      estimate.of_source *= SOME;
      continue;
    }
    double of_target =
        estimate_equal(failure, db, r->link, &r->target_link, &rows);
    double of_source =
        estimate_equal(failure, db, r->link, &r->source_link, &rows);
    if (i == 0) estimate.links = rows;
    estimate.of_source *= of_source;
    estimate.of_target *= of_target;
  }
  return estimate;
}

/* ---- the question ---- */

/* One call of xBestIndex. */
typedef struct Plan {
  Failure *failure;
  sqlite3_index_info *info;
  const Route *route;
  const Fields *fields;
  const Estimate *estimate;
  Reading reading;
  int keys[COMPARISON_LIMIT]; /* constraints on the source's key, by place */
  int exact_count, loose_count;
  int exact[COMPARISON_LIMIT]; /* constraints */
  int loose[COMPARISON_LIMIT];
  int depth, limit, offset; /* constraints, -1: none */
  bool all_claimed;
  double rows;
} Plan;

static const char *operator_text(int op) {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ: return "=";
    case SQLITE_INDEX_CONSTRAINT_GT: return ">";
    case SQLITE_INDEX_CONSTRAINT_LE: return "<=";
    case SQLITE_INDEX_CONSTRAINT_LT: return "<";
    case SQLITE_INDEX_CONSTRAINT_GE: return ">=";
    case SQLITE_INDEX_CONSTRAINT_NE: return "<>";
    case SQLITE_INDEX_CONSTRAINT_IS:
    case SQLITE_INDEX_CONSTRAINT_ISNULL: return "IS";
    case SQLITE_INDEX_CONSTRAINT_ISNOT:
    case SQLITE_INDEX_CONSTRAINT_ISNOTNULL: return "IS NOT";
  }
  return NULL;
}

static const Relationship *plan_step(const Plan *plan) {
  return plan->route->steps[0].relationship;
}

/* True if the other side is known, and is a text. */
static bool is_text(sqlite3_index_info *info, int constraint) {
  sqlite3_value *value = NULL;
  return sqlite3_libversion_number() >= 3038000 &&
         sqlite3_vtab_rhs_value(info, constraint, &value) == SQLITE_OK &&
         sqlite3_value_type(value) == SQLITE_TEXT;
}

static bool compares_alike(const Column *a, const Column *b) {
  return a->affinity == b->affinity && name_equal(a->collation, b->collation);
}

/* True if the statement can compare the field by itself. */
static bool can_compare(const Plan *plan, const Field *field) {
  const Relationship *r = plan_step(plan);
  if (!field->column || field_affinity(field) == 'A') return false;
  if (plan->reading.travels) return false;
  if (field->origin != FIELD_SOURCE) return true;
  return route_link(plan->route) &&
         compares_alike(field->column, r->source_link.list[field->place]);
}

static bool is_key(const Plan *plan, const Field *field, int constraint) {
  int op = plan->info->aConstraint[constraint].op;
  const char *collation = sqlite3_vtab_collation(plan->info, constraint);
  return op == SQLITE_INDEX_CONSTRAINT_EQ && field->origin == FIELD_SOURCE &&
         field->place < COMPARISON_LIMIT && plan->keys[field->place] < 0 &&
         name_equal(collation, field_collation(field));
}

static bool is_depth(const Field *field, int op) {
  return field->origin == FIELD_DEPTH &&
         (op == SQLITE_INDEX_CONSTRAINT_EQ ||
          op == SQLITE_INDEX_CONSTRAINT_LE || op == SQLITE_INDEX_CONSTRAINT_LT);
}

/* What makes LIMIT and inequality safe to take.  Before 3.50 SQLite offers LIMIT
** though there are conditions that it has not told, such as a comparison of two
** columns, and then even forgets them; and it offers an inequality that is in the
** ON of a LEFT JOIN to a table on the left of it. */
static bool sqlite_is_careful(void) {
  return sqlite3_libversion_number() >= 3050000;
}

static bool is_inequality(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_NE ||
         op == SQLITE_INDEX_CONSTRAINT_ISNOT ||
         op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL;
}

/* A comparison, on the list it belongs to; false: it is left to SQLite. */
static bool plan_comparison(Plan *plan, const Field *field, int constraint) {
  int op = plan->info->aConstraint[constraint].op;
  bool loose = field_affinity(field) == 'B' &&
               op != SQLITE_INDEX_CONSTRAINT_ISNULL &&
               op != SQLITE_INDEX_CONSTRAINT_ISNOTNULL &&
               !is_text(plan->info, constraint);
  if (!operator_text(op) || !can_compare(plan, field) ||
      (is_inequality(op) && !sqlite_is_careful()) ||
      plan->exact_count + plan->loose_count == COMPARISON_LIMIT)
    return false;
  if (loose) {
    plan->loose[plan->loose_count++] = constraint;
  } else {
    plan->exact[plan->exact_count++] = constraint;
  }
  return true;
}

static bool plan_constraint(Plan *plan, int constraint) {
  int place = plan->info->aConstraint[constraint].iColumn;
  int op = plan->info->aConstraint[constraint].op;
  if (!plan->info->aConstraint[constraint].usable) return false;
  if (op == SQLITE_INDEX_CONSTRAINT_LIMIT) {
    plan->limit = constraint;
    return true;
  }
  if (op == SQLITE_INDEX_CONSTRAINT_OFFSET) {
    plan->offset = constraint;
    return true;
  }
  if (place < 0 || place >= plan->fields->count) return false;
  const Field *field = &plan->fields->list[place];
  if (is_key(plan, field, constraint)) {
    plan->keys[field->place] = constraint;
    return true;
  }
  if (plan->reading.travels && is_depth(field, op) && plan->depth < 0) {
    plan->depth = constraint;
    return true;
  }
  return plan_comparison(plan, field, constraint);
}

/* What SQLite compares by itself has to be read: before 3.39 it does not say so
** of an argument of the call. */
static void plan_read(Plan *plan, int constraint) {
  int field = plan->info->aConstraint[constraint].iColumn;
  plan->reading.used |= (sqlite3_uint64)1
                        << (field >= 0 && field < 63 ? field : 63);
}

static void plan_leave(Plan *plan, int constraint) {
  plan->all_claimed = false;
  plan_read(plan, constraint);
}

static void plan_constraints(Plan *plan) {
  plan->depth = plan->limit = plan->offset = -1;
  plan->all_claimed = true;
  for (int i = 0; i < COMPARISON_LIMIT; i++) plan->keys[i] = -1;
  for (int i = 0; i < plan->info->nConstraint; i++)
    if (!plan_constraint(plan, i)) plan_leave(plan, i);
}

/* A part of the key alone is compared like any other field. */
static void plan_key(Plan *plan) {
  int count = plan_step(plan)->source_key.count, given = 0;
  for (int i = 0; i < count && i < COMPARISON_LIMIT; i++)
    given += plan->keys[i] >= 0;
  plan->reading.keyed = given == count;
  for (int i = 0; i < count && i < COMPARISON_LIMIT; i++) {
    int constraint = plan->keys[i];
    if (plan->reading.keyed || constraint < 0) continue;
    plan->keys[i] = -1;
    const Field *field = &plan->fields->list[plan->fields->source + i];
    if (!plan_comparison(plan, field, constraint)) plan_leave(plan, constraint);
  }
  for (int i = 0; plan->reading.keyed && i < count; i++)
    if (plan->fields->list[plan->fields->source + i].column->affinity == 'B' &&
        !is_text(plan->info, plan->keys[i]))
      plan->reading.key_is_loose = true;
}

/* True if SQLite knows the collation that the field's column has. */
static bool is_collated(const Field *field) {
  return !field->column ||
         name_equal(field_collation(field), field->column->collation);
}

/* An untyped key reads more than it should, and so does one of a collation that
** SQLite has lost. */
static bool key_is_exact(const Plan *plan) {
  const Columns *key = &plan_step(plan)->source_key;
  if (plan->reading.key_is_loose) return false;
  for (int i = 0; i < key->count; i++)
    if (key->list[i]->affinity == 'A' ||
        !is_collated(&plan->fields->list[plan->fields->source + i]))
      return false;
  return true;
}

/* ---- the answer ---- */

static void plan_use(Plan *plan, int constraint, int argument, bool omit) {
  if (!omit) plan_read(plan, constraint);
  plan->info->aConstraintUsage[constraint].argvIndex = argument;
  plan->info->aConstraintUsage[constraint].omit = omit;
}

static void plan_compare(Plan *plan, int constraint, int argument) {
  sqlite3_index_info *info = plan->info;
  Reading *reading = &plan->reading;
  reading->comparisons[reading->comparison_count++] =
      (Comparison){operator_text(info->aConstraint[constraint].op),
                   sqlite3_vtab_collation(info, constraint),
                   info->aConstraint[constraint].iColumn, argument};
  plan_use(plan, constraint, argument, false);
}

static bool can_order(const Plan *plan) {
  const sqlite3_index_info *info = plan->info;
  if (!info->nOrderBy || info->nOrderBy > ORDER_LIMIT ||
      plan->reading.travels || plan->loose_count || plan->reading.key_is_loose)
    return false;
  for (int i = 0; i < info->nOrderBy; i++) {
    int place = info->aOrderBy[i].iColumn;
    if (place < 0 || place >= plan->fields->count) return false;
    const Field *field = &plan->fields->list[place];
    if (!field->column || !is_collated(field)) return false;
    if (field->origin == FIELD_SOURCE && !can_compare(plan, field))
      return false;
  }
  return true;
}

static void plan_order(Plan *plan) {
  const sqlite3_index_info *info = plan->info;
  if (!can_order(plan)) return;
  for (int i = 0; i < info->nOrderBy; i++)
    plan->reading.orders[i] =
        (Order){info->aOrderBy[i].iColumn, info->aOrderBy[i].desc != 0};
  plan->reading.order_count = info->nOrderBy;
  plan->info->orderByConsumed = 1;
}

/* SQLite itself counts no further than it is told to, and skips no row it has
** not been given: only what is read exactly, in the order asked for, may be cut
** short. */
static bool can_limit(const Plan *plan) {
  return sqlite_is_careful() && (plan->limit >= 0 || plan->offset >= 0) &&
         plan->all_claimed && !plan->loose_count && !plan->reading.travels &&
         (!plan->reading.keyed || key_is_exact(plan)) &&
         (!plan->info->nOrderBy || plan->info->orderByConsumed);
}

/* True if the field is the source's key, and equal keys look alike. */
static bool is_same_for_all(const Field *field) {
  return field->origin == FIELD_SOURCE &&
         name_equal(field->column->collation, "BINARY");
}

/* Nothing is read but the key that is given, of every row. */
static bool can_count(const Plan *plan) {
  if (plan->reading.travels || !plan->reading.keyed || !key_is_exact(plan) ||
      !plan->all_claimed || plan->exact_count || plan->loose_count ||
      plan->limit >= 0 || plan->offset >= 0 || plan->info->nOrderBy)
    return false;
  for (int i = 0; i < plan->fields->count; i++)
    if (reading_uses(&plan->reading, i) &&
        !is_same_for_all(&plan->fields->list[i]))
      return false;
  return true;
}

static void plan_arguments(Plan *plan) {
  Reading *reading = &plan->reading;
  int argument = 0, keys = plan_step(plan)->source_key.count;
  for (int i = 0; reading->keyed && i < keys; i++)
    plan_use(plan, plan->keys[i], ++argument, key_is_exact(plan));
  for (int i = 0; i < plan->exact_count; i++)
    plan_compare(plan, plan->exact[i], ++argument);
  reading->first_loose = reading->comparison_count;
  int flags = (argument < LOOSE_LIMIT ? argument : LOOSE_LIMIT) << 8;
  for (int i = 0; i < plan->loose_count; i++)
    plan_compare(plan, plan->loose[i], ++argument);
  if (can_limit(plan) && plan->limit >= 0)
    plan_use(plan, plan->limit, reading->limit = ++argument, true);
  if (can_limit(plan) && plan->offset >= 0)
    plan_use(plan, plan->offset, reading->offset = ++argument, true);
  if (plan->depth >= 0) {
    int op = plan->info->aConstraint[plan->depth].op;
    plan_use(plan, plan->depth, ++argument, false);
    flags |=
        op == SQLITE_INDEX_CONSTRAINT_LT ? PLAN_DEPTH | PLAN_BELOW : PLAN_DEPTH;
  }
  plan->info->idxNum = flags;
}

/* Appends the statement that lists the sources to travel from; its length. */
static int plan_add_sources(Plan *plan) {
  char *sources = reading_sources(plan->route, plan->reading.keyed);
  char *both = plan->info->idxStr && sources
                   ? sqlite3_mprintf("%s; %s", plan->info->idxStr, sources)
                   : NULL;
  int length = sources ? (int)strlen(sources) : 0;
  if (!both) failure_memory(plan->failure);
  sqlite3_free(sources);
  sqlite3_free(plan->info->idxStr);
  plan->info->idxStr = both;
  return length;
}

static void plan_statement(Plan *plan) {
  int loose = 0;
  Reading *reading = &plan->reading;
  char *sql = reading_sql(reading, &loose);
  if (!sql) failure_memory(plan->failure);
  plan->info->idxStr = sql;
  plan->info->needToFreeIdxStr = 1;
  if (!plan->loose_count && !reading->key_is_loose) loose = 0;
  if (reading->travels) loose = plan_add_sources(plan);
  plan->info->idxNum |= loose << 14;
  if (loose > LENGTH_LIMIT)
    failure_set(plan->failure, SQLITE_TOOBIG, "the statement is too long");
  if (reading->keyed) plan->info->idxNum |= PLAN_KEYED;
  if (reading->counted) plan->info->idxNum |= PLAN_COUNTED;
  if (reading->travels) plan->info->idxNum |= PLAN_TRAVELS;
  if (reading->key_is_loose) plan->info->idxNum |= PLAN_KEY_LOOSE;
  if (reading->used == ~(sqlite3_uint64)0) plan->info->idxNum |= PLAN_UPDATES;
}

/* ---- what it costs ---- */

static bool is_target_key(const Plan *plan, int constraint) {
  const Columns *key =
      &plan->route->steps[plan->route->count - 1].relationship->target_key;
  const Field *field =
      &plan->fields->list[plan->info->aConstraint[constraint].iColumn];
  return field->origin == FIELD_TARGET && key->count == 1 &&
         columns_contain(key, field->column);
}

static void plan_cost(Plan *plan) {
  const Estimate *estimate = plan->estimate;
  double rows = plan->reading.keyed ? estimate->of_source : estimate->links;
  double read = rows;
  for (int i = 0; i < plan->exact_count + plan->loose_count; i++) {
    int constraint = i < plan->exact_count ? plan->exact[i]
                                           : plan->loose[i - plan->exact_count];
    int op = plan->info->aConstraint[constraint].op;
    bool equal = op == SQLITE_INDEX_CONSTRAINT_EQ;
    if (equal && is_target_key(plan, constraint)) {
      rows = plan->reading.keyed ? 1 : estimate->of_target;
      read = rows < read ? rows : read;
    } else {
      rows /= equal ? SOME : 2;
    }
  }
  if (plan->info->nOrderBy && plan->info->orderByConsumed) read *= 2;
  if (plan->reading.travels) read = rows *= SOME;
  plan->info->estimatedRows = (sqlite3_int64)(rows < 1 ? 1 : rows);
  plan->info->estimatedCost = 5 + 3 * read;
}

static void plan_answer(Plan *plan) {
  plan_key(plan);
  plan->reading.counted = can_count(plan);
  plan_order(plan);
  plan_arguments(plan);
  plan_statement(plan);
  plan_cost(plan);
}

void plan_make(Failure *failure, sqlite3_index_info *info, const Route *route,
               const Fields *fields, const Estimate *estimate, bool travels) {
  Comparison comparisons[COMPARISON_LIMIT];
  Order orders[ORDER_LIMIT];
  Plan plan = {failure,
               info,
               route,
               fields,
               estimate,
               .reading = {.route = route,
                           .fields = fields,
                           .used = info->colUsed,
                           .travels = travels,
                           .comparisons = comparisons,
                           .orders = orders}};
  plan_constraints(&plan);
  plan_answer(&plan);
}
