/*
** draft.c: what breaks a rule, as SQL.
**
**     a link     (SELECT count(*) FROM "student_course" AS link
**                 WHERE link."course_id" = source."id") > (source.capacity)
**
** A Draft is a text about one rule in the making.  The same pieces are said in
** triggers (trigger.c), of what the file has (below), and of a link that is only
** supposed (suppose.c).
**
** What is judged
**
**     a link        by the alias `judged` of its row: NEW, OLD, or a row `this`
**                   of the link's table: check, no_overlap, acyclic
**     a source      by all its links: max_count, min_count, having
**
** Everywhere the names source, target and link mean what the expressions of the
** rule mean by them.  A subquery over all links of a source has a scope of its
** own, where link and target are one of them after another; `(per)` of the
** link that is judged is looked up outside of it.
**
** Invariants
**   1. A draft without a schema names none, and uses nothing but SQLite's own
**      SQL: it may be stored.  Where it will be run at once, tables have their
**      schema.
**   2. The text depends on the rule and the schema alone.
**   3. A column is compared as its foreign key compares it.
**
** Pure: makes text, runs nothing.
*/
#include "relate_int.h"

void draft_say(Draft *draft, const char *text) {
  sqlite3_str_appendall(draft->text, text);
}

Draft draft_of(const Rule *rule, const char *schema) {
  return (Draft){.text = sqlite3_str_new(NULL),
                 .rule = rule,
                 .relationship = rule->relationship,
                 .schema = schema};
}

char *draft_finish(Draft *draft) {
  bool lost = draft->lost || sqlite3_str_errcode(draft->text) != SQLITE_OK;
  char *text = sqlite3_str_finish(draft->text);
  if (!lost) return text;
  sqlite3_free(text);
  return NULL;
}

/* ---- names ---- */

void draft_table(Draft *draft, const Table *table, const char *alias) {
  if (draft->schema) sqlite3_str_appendf(draft->text, "\"%w\".", draft->schema);
  sqlite3_str_appendf(draft->text, "\"%w\" AS ", table->name);
  draft_say(draft, alias);
}

static void draft_link_table(Draft *draft, const char *supposed,
                             const char *alias) {
  if (!draft->supposed) {
    draft_table(draft, draft->relationship->link, alias);
    return;
  }
  draft_say(draft, supposed);
  draft_say(draft, " AS ");
  draft_say(draft, alias);
}

void draft_column(Draft *draft, const char *alias, const Column *column) {
  clause_column(draft->text, alias, column);
}

/* (expression), marked in what is stored: when a column that it names is renamed
** SQLite writes the new name into the trigger, and salvage.c finds it there. */
void draft_expression(Draft *draft, const Expression *expression) {
  const Rule *rule = draft->rule;
  const char *mark = expression == rule->where ? DRAFT_WHERE_MARK
                     : expression == rule->per ? DRAFT_PER_MARK
                     : expression == rule->end ? DRAFT_END_MARK
                                               : DRAFT_RULE_MARK;
  draft_say(draft, "(");
  if (!draft->schema) draft_say(draft, mark);
  draft_say(draft, expression->text);
  draft_say(draft, ")");
}

/* The key at that end, compared by its own collation: source."id" = NEW."c" */
void draft_match(Draft *draft, Holder key, Holder other) {
  for (int i = 0; i < key.columns->count; i++) {
    if (i) draft_say(draft, " AND ");
    draft_column(draft, key.alias, key.columns->list[i]);
    draft_say(draft, " = ");
    draft_column(draft, other.alias, other.columns->list[i]);
  }
}

/* The columns of a link that hold the key of `end`: link."course_id" = ... */
void draft_linked(Draft *draft, End end, const char *alias, Holder key) {
  end.alias = alias;
  for (int i = 0; i < end.link->count; i++) {
    if (i) draft_say(draft, " AND ");
    clause_compared(draft->text, &end, i);
    draft_say(draft, " = ");
    draft_column(draft, key.alias, key.columns->list[i]);
  }
}

Holder draft_source_of(const Draft *draft, const char *link) {
  return (Holder){link, &draft->relationship->source_link};
}

Holder draft_target_of(const Draft *draft, const char *link) {
  return (Holder){link, &draft->relationship->target_link};
}

/* ---- the rows of one link ---- */

static unsigned rows_of_expression(const Expression *expression) {
  if (!expression) return 0;
  return (expression->source ? NEEDS_SOURCE : 0u) |
         (expression->target ? NEEDS_TARGET : 0u) |
         (expression->link ? NEEDS_LINK : 0u);
}

/* Writes the tables of the rows, with `before` in front of the first. */
void draft_rows(Draft *draft, unsigned rows, const char *before) {
  const Relationship *r = draft->relationship;
  const Table *tables[] = {r->link, r->source, r->target};
  static const unsigned bits[] = {NEEDS_LINK, NEEDS_SOURCE, NEEDS_TARGET};
  static const char *const aliases[] = {"link", "source", "target"};
  for (int i = 0; i < 3; i++) {
    if (!(rows & bits[i])) continue;
    draft_say(draft, before);
    if (bits[i] == NEEDS_LINK) draft_link_table(draft, DRAFT_LINK, "link");
    if (bits[i] != NEEDS_LINK) draft_table(draft, tables[i], aliases[i]);
    before = ", ";
  }
}

/* Says which rows they are: those of the link `judged`. */
void draft_rows_of(Draft *draft, unsigned rows, const char *judged,
                   const char *before) {
  const Relationship *r = draft->relationship;
  const Columns *row = &r->link->row_key;
  if ((rows & NEEDS_LINK) && !draft->supposed) {
    draft_say(draft, before);
    draft_match(draft, (Holder){"link", row}, (Holder){judged, row});
    before = " AND ";
  }
  if (rows & NEEDS_SOURCE) {
    draft_say(draft, before);
    draft_match(draft, (Holder){"source", &r->source_key},
                draft_source_of(draft, judged));
    before = " AND ";
  }
  if (rows & NEEDS_TARGET) {
    draft_say(draft, before);
    draft_match(draft, (Holder){"target", &r->target_key},
                draft_target_of(draft, judged));
  }
}

/* The value of an expression for the link `judged`. */
static void draft_value_of(Draft *draft, const Expression *expression,
                           const char *judged) {
  unsigned rows = rows_of_expression(expression);
  if (!rows) {
    draft_expression(draft, expression);
    return;
  }
  draft_say(draft, "(SELECT ");
  draft_expression(draft, expression);
  draft_rows(draft, rows, " FROM ");
  draft_rows_of(draft, rows, judged, " WHERE ");
  draft_say(draft, ")");
}

/* A foreign key with a NULL in it links nothing. */
int draft_is_link(Draft *draft, const char *alias, const char *before) {
  const Relationship *r = draft->relationship;
  const Columns *columns[2] = {r->source_foreign ? &r->source_link : NULL,
                               r->target_foreign ? &r->target_link : NULL};
  int count = 0;
  for (int end = 0; end < 2; end++)
    for (int i = 0; columns[end] && i < columns[end]->count; i++) {
      if (columns[end]->list[i]->not_null) continue;
      draft_say(draft, count++ ? " AND " : before);
      draft_column(draft, alias, columns[end]->list[i]);
      draft_say(draft, " IS NOT NULL");
    }
  return count;
}

/* ---- all links of one source ---- */

/* FROM the links of the source whose key is `key`, for which `where` is so.
** If they need the source, it is there by that name already, or is joined. */
void draft_links(Draft *draft, Holder key, unsigned rows) {
  const Relationship *r = draft->relationship;
  const Rule *rule = draft->rule;
  const Holder source = {"source", &r->source_key};
  bool joins = (rows & NEEDS_SOURCE) && strcmp(key.alias, "source") != 0;
  draft_say(draft, " FROM ");
  draft_link_table(draft, DRAFT_LINKS, "link");
  if (joins) {
    draft_say(draft, " JOIN ");
    draft_table(draft, r->source, "source");
    draft_say(draft, " ON ");
    draft_match(draft, source, draft_source_of(draft, "link"));
  }
  if (rows & NEEDS_TARGET) {
    draft_say(draft, " LEFT JOIN ");
    draft_table(draft, r->target, "target");
    draft_say(draft, " ON ");
    draft_match(draft, (Holder){"target", &r->target_key},
                draft_target_of(draft, "link"));
  }
  draft_say(draft, " WHERE ");
  if (joins) {
    draft_match(draft, source, key);
  } else {
    draft_linked(draft, end_of_source(r), "link", key);
  }
  clause_not_null(draft->text, r, "link");
  if (!rule->where) return;
  draft_say(draft, " AND ");
  draft_expression(draft, rule->where);
}

/* Only links with the same (per) as `judged`. */
void draft_same_per(Draft *draft, const char *judged) {
  if (!draft->rule->per) return;
  draft_say(draft, " AND ");
  draft_expression(draft, draft->rule->per);
  draft_say(draft, " = ");
  draft_value_of(draft, draft->rule->per, judged);
}

/* The number of links, to be compared with the expression: as a number with '9',
** where a column of texts may hold that. */
static void draft_count(Draft *draft) {
  const Expression *expression = draft->rule->expression;
  bool texts = false;
  for (int i = 0; i < expression->column_count; i++)
    if (expression->columns[i].column->affinity < 'C') texts = true;
  draft_say(draft, texts ? "CAST(count(*) AS INTEGER)" : "count(*)");
}

/* What all links of one source have in common is broken: as an aggregate. */
static void draft_excess(Draft *draft) {
  const Rule *rule = draft->rule;
  if (rule->kind == RULE_HAVING) {
    draft_say(draft, "NOT ");
  } else {
    draft_count(draft);
    draft_say(draft, " > ");
  }
  draft_expression(draft, rule->expression);
}

unsigned draft_links_need(const Rule *rule) {
  unsigned rows =
      rows_of_expression(rule->where) | rows_of_expression(rule->per);
  if (rule->kind == RULE_HAVING) rows |= rows_of_expression(rule->expression);
  return rows;
}

/* An aggregate belongs to the query whose columns it reads, and GROUP BY reads
** no others.  So with having or per the source is joined to its links, and what
** is outside has another name. */
static bool links_join_source(const Rule *rule) {
  return rule->kind == RULE_HAVING && (draft_links_need(rule) & NEEDS_SOURCE);
}

Holder draft_owner(const Draft *draft) {
  const Rule *rule = draft->rule;
  bool inside = rule->kind == RULE_HAVING || rule->per;
  return (Holder){inside ? "owner" : "source",
                  &draft->relationship->source_key};
}

/* The source with that key has links for which the rule does not hold. */
void draft_links_break(Draft *draft, Holder key, const char *judged) {
  const Rule *rule = draft->rule;
  unsigned rows = draft_links_need(rule);
  if (rule->per && !judged) {
    draft_say(draft, "EXISTS (SELECT 1");
    draft_links(draft, key, rows | rows_of_expression(rule->expression));
    draft_say(draft, " GROUP BY ");
    draft_expression(draft, rule->per);
    draft_say(draft, " HAVING ");
    draft_expression(draft, rule->per);
    draft_say(draft, " IS NOT NULL AND ");
    draft_excess(draft);
    draft_say(draft, ")");
    return;
  }
  draft_say(draft, "(SELECT ");
  if (rule->kind == RULE_HAVING) {
    draft_say(draft, "count(*) > 0 AND ");
    draft_excess(draft);
  } else {
    draft_count(draft);
  }
  draft_links(draft, key, rows);
  if (judged) draft_same_per(draft, judged);
  draft_say(draft, ")");
  if (rule->kind == RULE_HAVING) return;
  draft_say(draft, rule->kind == RULE_MIN_COUNT ? " < " : " > ");
  draft_expression(draft, rule->expression);
}

/* ---- one link ---- */

/* (SELECT ... AS starts, ... AS ends ...) AS span, of the link `judged` */
static void draft_span(Draft *draft, const char *judged) {
  const Rule *rule = draft->rule;
  unsigned rows =
      rows_of_expression(rule->expression) | rows_of_expression(rule->end);
  draft_say(draft, "(SELECT ");
  draft_expression(draft, rule->expression);
  draft_say(draft, " AS starts, ");
  draft_expression(draft, rule->end);
  draft_say(draft, " AS ends");
  draft_rows(draft, rows, " FROM ");
  draft_rows_of(draft, rows, judged, " WHERE ");
  draft_say(draft, ") AS span");
}

/* Another link of the source `key` overlaps with `judged`.  What is empty, or
** ends before it starts, has nothing in common with anything. */
static void draft_overlap(Draft *draft, const char *judged, Holder key) {
  const Rule *rule = draft->rule;
  const Columns *row = &draft->relationship->link->row_key;
  draft_say(draft, "EXISTS (SELECT 1 FROM ");
  draft_span(draft, judged);
  draft_say(draft, " WHERE span.starts < span.ends AND EXISTS (SELECT 1");
  draft_links(draft, key,
              draft_links_need(rule) | rows_of_expression(rule->expression) |
                  rows_of_expression(rule->end));
  if (!draft->supposed) {
    draft_say(draft, " AND NOT (");
    draft_match(draft, (Holder){"link", row}, (Holder){judged, row});
    draft_say(draft, ")");
  }
  draft_same_per(draft, judged);
  draft_say(draft, " AND ");
  draft_expression(draft, rule->expression);
  draft_say(draft, " < span.ends AND span.starts < ");
  draft_expression(draft, rule->end);
  draft_say(draft, " AND ");
  draft_expression(draft, rule->expression);
  draft_say(draft, " < ");
  draft_expression(draft, rule->end);
  draft_say(draft, "))");
}

void draft_columns(Draft *draft, Holder holder) {
  clause_columns(draft->text, holder.alias, holder.columns);
}

#define REACHED "_relationship_reached"

/* ("a") or ("a", "b") of the rows reached so far. */
static void draft_reached_names(Draft *draft, int count) {
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(draft->text, "%sk%d", i ? ", " : "", i + 1);
}

/* The row has a key that is reached: here."id" = _relationship_reached.k1 */
static void draft_reached(Draft *draft, Holder row) {
  for (int i = 0; i < row.columns->count; i++) {
    if (i) draft_say(draft, " AND ");
    draft_column(draft, row.alias, row.columns->list[i]);
    sqlite3_str_appendf(draft->text, " = " REACHED ".k%d", i + 1);
  }
}

/* Both ends hold the key as the table itself does, so values can be compared
** as they are: ("a") IN (WITH RECURSIVE ...) */
static void draft_cycle_of_values(Draft *draft, const char *judged,
                                  const End *from, const End *to) {
  draft_say(draft, "(");
  draft_columns(draft, (Holder){judged, from->link});
  draft_say(draft, ") IN (WITH RECURSIVE " REACHED "(");
  draft_reached_names(draft, to->link->count);
  draft_say(draft, ") AS (SELECT ");
  draft_columns(draft, (Holder){judged, to->link});
  draft_say(draft, " UNION SELECT ");
  draft_columns(draft, (Holder){"link", to->link});
  draft_say(draft, " FROM " REACHED " JOIN ");
  draft_table(draft, draft->relationship->link, "link");
  draft_say(draft, " ON ");
  draft_reached(draft, (Holder){"link", from->link});
  draft_say(draft, ") SELECT * FROM " REACHED ")");
}

/* Else by way of the table itself: what is reached are its own keys. */
static void draft_cycle_of_rows(Draft *draft, const char *judged,
                                const End *from, const End *to) {
  const Holder node = {"node", to->key};
  const Holder here = {"here", from->key};
  draft_say(draft, "EXISTS (WITH RECURSIVE " REACHED "(");
  draft_reached_names(draft, to->key->count);
  draft_say(draft, ") AS (");
  draft_say(draft, "SELECT ");
  draft_columns(draft, node);
  draft_say(draft, " FROM ");
  draft_table(draft, to->table, "node");
  draft_say(draft, " WHERE ");
  draft_match(draft, node, (Holder){judged, to->link});
  draft_say(draft, " UNION SELECT ");
  draft_columns(draft, node);
  draft_say(draft, " FROM " REACHED " JOIN ");
  draft_table(draft, from->table, "here");
  draft_say(draft, " ON ");
  draft_reached(draft, here);
  draft_say(draft, " JOIN ");
  draft_table(draft, draft->relationship->link, "link");
  draft_say(draft, " ON ");
  draft_linked(draft, *from, "link", here);
  draft_say(draft, " JOIN ");
  draft_table(draft, to->table, "node");
  draft_say(draft, " ON ");
  draft_match(draft, node, (Holder){"link", to->link});
  draft_say(draft, ") SELECT 1 FROM " REACHED " JOIN ");
  draft_table(draft, from->table, "here");
  draft_say(draft, " ON ");
  draft_reached(draft, here);
  draft_say(draft, " WHERE ");
  draft_match(draft, here, (Holder){judged, from->link});
  draft_say(draft, ")");
}

bool draft_ends_are_alike(const Relationship *r) {
  const End source = end_of_source(r), target = end_of_target(r);
  return end_is_alike(&source) && end_is_alike(&target);
}

/* One gets from the link's one end to the other by links.  Along a foreign key
** of the table itself one goes up, where each row has one parent. */
static void draft_cycle(Draft *draft, const char *judged) {
  const Relationship *r = draft->relationship;
  End from = end_of_source(r), to = end_of_target(r);
  if (link_is_target(r)) {
    from = end_of_target(r);
    to = end_of_source(r);
  }
  if (draft_ends_are_alike(r)) {
    draft_cycle_of_values(draft, judged, &from, &to);
  } else {
    draft_cycle_of_rows(draft, judged, &from, &to);
  }
}

/* ---- what is judged ---- */

/* The rows that the rule needs beside the link `judged`. */
unsigned draft_judged_needs(const Rule *rule) {
  const End source = end_of_source(rule->relationship);
  unsigned rows = rows_of_expression(rule->where);
  if (rule->kind == RULE_CHECK) rows |= rows_of_expression(rule->expression);
  if (rule->kind == RULE_MAX_COUNT || rule->kind == RULE_MIN_COUNT)
    rows |= rows_of_expression(rule->expression);
  if (rule->leaving) rows |= NEEDS_SOURCE | NEEDS_TARGET;
  if (rule->kind != RULE_CHECK && rule->kind != RULE_ACYCLIC &&
      !end_is_alike(&source))
    rows |= NEEDS_SOURCE;
  return rows;
}

/* The key of the source of `judged`, in the source's row if that is there. */
Holder draft_judged_key(const Draft *draft, const char *judged, unsigned rows) {
  bool row = (rows & NEEDS_SOURCE) && !links_join_source(draft->rule);
  return row ? (Holder){"source", &draft->relationship->source_key}
             : draft_source_of(draft, judged);
}

/* The link `judged` breaks the rule; its rows are `rows`. */
void draft_link_breaks(Draft *draft, const char *judged, unsigned rows) {
  const Rule *rule = draft->rule;
  Holder key = draft_judged_key(draft, judged, rows);
  if (rule->where) {
    draft_expression(draft, rule->where);
    draft_say(draft, " AND ");
  }
  switch (rule->kind) {
    case RULE_CHECK:
      draft_say(draft, "NOT ");
      draft_expression(draft, rule->expression);
      break;
    case RULE_NO_OVERLAP: draft_overlap(draft, judged, key); break;
    case RULE_ACYCLIC: draft_cycle(draft, judged); break;
    case RULE_MAX_COUNT:
    case RULE_MIN_COUNT:
    case RULE_HAVING: draft_links_break(draft, key, judged); break;
  }
}

/* ---- what breaks a rule already ---- */

/* The links that break it, as the keys of both ends. */
static void draft_breaking_links(Draft *draft) {
  unsigned rows = draft_judged_needs(draft->rule);
  draft_say(draft, "SELECT ");
  draft_columns(draft, draft_source_of(draft, "this"));
  draft_say(draft, ", ");
  draft_columns(draft, draft_target_of(draft, "this"));
  draft_say(draft, " FROM ");
  draft_table(draft, draft->relationship->link, "this");
  draft_rows(draft, rows, ", ");
  draft_say(draft, " WHERE true");
  draft_is_link(draft, "this", " AND ");
  draft_rows_of(draft, rows, "this", " AND ");
  draft_say(draft, " AND ");
  draft_link_breaks(draft, "this", rows);
}

/* The sources that break it, as their keys.  To one whose key is NULL nothing
** can be linked, and no trigger judges it. */
static void draft_breaking_sources(Draft *draft) {
  const Relationship *r = draft->relationship;
  const Holder source = draft_owner(draft);
  draft_say(draft, "SELECT ");
  draft_columns(draft, source);
  draft_say(draft, " FROM ");
  draft_table(draft, r->source, source.alias);
  draft_say(draft, " WHERE ");
  for (int i = 0; i < source.columns->count; i++) {
    draft_column(draft, source.alias, source.columns->list[i]);
    draft_say(draft, " IS NOT NULL AND ");
  }
  draft_links_break(draft, source, NULL);
}

char *draft_breaking_sql(const Rule *rule) {
  Draft draft = draft_of(rule, rule->relationship->source->schema->name);
  if (rule_is_about_all(rule)) {
    draft_breaking_sources(&draft);
  } else {
    draft_breaking_links(&draft);
  }
  return draft_finish(&draft);
}
