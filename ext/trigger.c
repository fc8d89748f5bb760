/*
** trigger.c: a rule as triggers.
**
**     SELECT relationship_rule('courses.students', 'capacity', 'max_count',
**                              'source.capacity');
**
**     CREATE TRIGGER "_relationship_student_course_capacity_insert"
**     AFTER INSERT ON "student_course" BEGIN
**       SELECT RAISE(ABORT, 'courses.students: no more than ...')
**       FROM "courses" AS source
**       WHERE source."id" = NEW."course_id"
**         AND (SELECT count(*) FROM "student_course" AS link
**              WHERE link."course_id" = source."id") > (source.capacity);
**     END
**
** A rule has a trigger for each event by which it can come to be broken, on the
** link's table, and on those of source and target if it reads their columns.
** They are AFTER triggers, which judge what is there when OR REPLACE, OR IGNORE
** and UPSERT have done their work; but a link that leaves is looked at while it
** is there.
**
** What is judged
**
**     a link        NEW, or a row `this` of the link's table: check,
**                   no_overlap, acyclic
**     a source      by the links it has: max_count, having
**
** Everywhere the names source, target and link mean what the expressions of the
** rule mean by them.  A subquery over all links of a source has a scope of its
** own, where link and target are one of them after another; `(per)` of the
** link that is judged is looked up outside of it.
**
** min_count is judged at COMMIT, as only a deferred foreign key is.  A source
** with too few links has a row in a table of ours, whose foreign key refers to
** what is never there.
**
** Invariants
**   1. What is stored names no schema, and uses nothing but SQLite's own SQL.
**   2. The text depends on the rule and the schema alone.
**   3. A column is compared as its foreign key compares it.
**
** Pure: makes text, runs nothing.  Where it will be run at once, tables have
** their schema.
*/
#include "relate_int.h"

#define READS_LIMIT 60 /* columns of one table in UPDATE OF */

/* Which rows of a link a piece of SQL needs. */
enum { NEEDS_SOURCE = 1, NEEDS_TARGET = 2, NEEDS_LINK = 4 };

/* A text in the making. */
typedef struct Draft {
  sqlite3_str *text;
  const Rule *rule;
  const Relationship *relationship;
  const char *schema; /* of the tables, NULL in what is stored */
  bool supposed;      /* the link that is judged is not there, see below */
  bool lost;          /* no memory for a part of it */
} Draft;

/* A row by its alias, and the columns in it that hold some key. */
typedef struct Holder {
  const char *alias;
  const Columns *columns;
} Holder;

static void say(Draft *draft, const char *text) {
  sqlite3_str_appendall(draft->text, text);
}

static Draft draft_of(const Rule *rule, const char *schema) {
  return (Draft){
      sqlite3_str_new(NULL), rule, rule->relationship, schema, false, false};
}

static char *draft_finish(Draft *draft) {
  bool lost = draft->lost || sqlite3_str_errcode(draft->text) != SQLITE_OK;
  char *text = sqlite3_str_finish(draft->text);
  if (!lost) return text;
  sqlite3_free(text);
  return NULL;
}

/* The link's row is that of its source, or of its target. */
static bool link_is_source(const Relationship *r) {
  return r->cardinality != MANY_TO_MANY && r->linked_by_source;
}

static bool link_is_target(const Relationship *r) {
  return r->cardinality != MANY_TO_MANY && !r->linked_by_source;
}

/* ---- names ---- */

static void say_table(Draft *draft, const Table *table, const char *alias) {
  if (draft->schema) sqlite3_str_appendf(draft->text, "\"%w\".", draft->schema);
  sqlite3_str_appendf(draft->text, "\"%w\" AS ", table->name);
  say(draft, alias);
}

/* A supposed link is a row of SUPPOSED_LINK; with it, or without it where it is
** to go, the links of its source are SUPPOSED_LINKS. */
#define SUPPOSED_LINK "_relationship_link"
#define SUPPOSED_LINKS "_relationship_links"

static void say_link_table(Draft *draft, const char *supposed,
                           const char *alias) {
  if (!draft->supposed) {
    say_table(draft, draft->relationship->link, alias);
    return;
  }
  say(draft, supposed);
  say(draft, " AS ");
  say(draft, alias);
}

static void say_column(Draft *draft, const char *alias, const Column *column) {
  clause_column(draft->text, alias, column);
}

/* (expression), marked in what is stored: when a column that it names is renamed
** SQLite writes the new name into the trigger, and salvage.c finds it there. */
static void say_expression(Draft *draft, const Expression *expression) {
  const Rule *rule = draft->rule;
  const char *mark = expression == rule->where ? TRIGGER_WHERE_MARK
                     : expression == rule->per ? TRIGGER_PER_MARK
                     : expression == rule->end ? TRIGGER_END_MARK
                                               : TRIGGER_RULE_MARK;
  say(draft, "(");
  if (!draft->schema) say(draft, mark);
  say(draft, expression->text);
  say(draft, ")");
}

/* The key at that end, compared by its own collation: source."id" = NEW."c" */
static void say_match(Draft *draft, Holder key, Holder other) {
  for (int i = 0; i < key.columns->count; i++) {
    if (i) say(draft, " AND ");
    say_column(draft, key.alias, key.columns->list[i]);
    say(draft, " = ");
    say_column(draft, other.alias, other.columns->list[i]);
  }
}

/* The columns of a link that hold the key of `end`: link."course_id" = ... */
static void say_linked(Draft *draft, End end, const char *alias, Holder key) {
  end.alias = alias;
  for (int i = 0; i < end.link->count; i++) {
    if (i) say(draft, " AND ");
    clause_compared(draft->text, &end, i);
    say(draft, " = ");
    say_column(draft, key.alias, key.columns->list[i]);
  }
}

static Holder source_of(const Draft *draft, const char *link) {
  return (Holder){link, &draft->relationship->source_link};
}

static Holder target_of(const Draft *draft, const char *link) {
  return (Holder){link, &draft->relationship->target_link};
}

/* ---- the rows of one link ---- */

static unsigned needs(const Expression *expression) {
  if (!expression) return 0;
  return (expression->source ? NEEDS_SOURCE : 0u) |
         (expression->target ? NEEDS_TARGET : 0u) |
         (expression->link ? NEEDS_LINK : 0u);
}

/* Writes the tables of the rows, with `before` in front of the first. */
static void say_rows(Draft *draft, unsigned rows, const char *before) {
  const Relationship *r = draft->relationship;
  const Table *tables[] = {r->link, r->source, r->target};
  static const unsigned bits[] = {NEEDS_LINK, NEEDS_SOURCE, NEEDS_TARGET};
  static const char *const aliases[] = {"link", "source", "target"};
  for (int i = 0; i < 3; i++) {
    if (!(rows & bits[i])) continue;
    say(draft, before);
    if (bits[i] == NEEDS_LINK) say_link_table(draft, SUPPOSED_LINK, "link");
    if (bits[i] != NEEDS_LINK) say_table(draft, tables[i], aliases[i]);
    before = ", ";
  }
}

/* Says which rows they are: those of the link `judged`. */
static void say_rows_of(Draft *draft, unsigned rows, const char *judged,
                        const char *before) {
  const Relationship *r = draft->relationship;
  const Columns *row = &r->link->row_key;
  if ((rows & NEEDS_LINK) && !draft->supposed) {
    say(draft, before);
    say_match(draft, (Holder){"link", row}, (Holder){judged, row});
    before = " AND ";
  }
  if (rows & NEEDS_SOURCE) {
    say(draft, before);
    say_match(draft, (Holder){"source", &r->source_key},
              source_of(draft, judged));
    before = " AND ";
  }
  if (rows & NEEDS_TARGET) {
    say(draft, before);
    say_match(draft, (Holder){"target", &r->target_key},
              target_of(draft, judged));
  }
}

/* The value of an expression for the link `judged`. */
static void say_value_of(Draft *draft, const Expression *expression,
                         const char *judged) {
  unsigned rows = needs(expression);
  if (!rows) {
    say_expression(draft, expression);
    return;
  }
  say(draft, "(SELECT ");
  say_expression(draft, expression);
  say_rows(draft, rows, " FROM ");
  say_rows_of(draft, rows, judged, " WHERE ");
  say(draft, ")");
}

/* A foreign key with a NULL in it links nothing. */
static int say_is_link(Draft *draft, const char *alias, const char *before) {
  const Relationship *r = draft->relationship;
  const Columns *columns[2] = {r->source_foreign ? &r->source_link : NULL,
                               r->target_foreign ? &r->target_link : NULL};
  int count = 0;
  for (int end = 0; end < 2; end++)
    for (int i = 0; columns[end] && i < columns[end]->count; i++) {
      if (columns[end]->list[i]->not_null) continue;
      say(draft, count++ ? " AND " : before);
      say_column(draft, alias, columns[end]->list[i]);
      say(draft, " IS NOT NULL");
    }
  return count;
}

/* ---- all links of one source ---- */

/* FROM the links of the source whose key is `key`, for which `where` is so.
** If they need the source, it is there by that name already, or is joined. */
static void say_links(Draft *draft, Holder key, unsigned rows) {
  const Relationship *r = draft->relationship;
  const Rule *rule = draft->rule;
  const Holder source = {"source", &r->source_key};
  bool joins = (rows & NEEDS_SOURCE) && strcmp(key.alias, "source") != 0;
  say(draft, " FROM ");
  say_link_table(draft, SUPPOSED_LINKS, "link");
  if (joins) {
    say(draft, " JOIN ");
    say_table(draft, r->source, "source");
    say(draft, " ON ");
    say_match(draft, source, source_of(draft, "link"));
  }
  if (rows & NEEDS_TARGET) {
    say(draft, " LEFT JOIN ");
    say_table(draft, r->target, "target");
    say(draft, " ON ");
    say_match(draft, (Holder){"target", &r->target_key},
              target_of(draft, "link"));
  }
  say(draft, " WHERE ");
  if (joins) {
    say_match(draft, source, key);
  } else {
    say_linked(draft, end_of_source(r), "link", key);
  }
  clause_not_null(draft->text, r, "link");
  if (!rule->where) return;
  say(draft, " AND ");
  say_expression(draft, rule->where);
}

/* Only links with the same (per) as `judged`. */
static void say_same_per(Draft *draft, const char *judged) {
  if (!draft->rule->per) return;
  say(draft, " AND ");
  say_expression(draft, draft->rule->per);
  say(draft, " = ");
  say_value_of(draft, draft->rule->per, judged);
}

/* What all links of one source have in common is broken: as an aggregate. */
static void say_excess(Draft *draft) {
  const Rule *rule = draft->rule;
  if (rule->kind == RULE_HAVING) {
    say(draft, "NOT ");
    say_expression(draft, rule->expression);
  } else {
    say(draft, "count(*) > ");
    say_expression(draft, rule->expression);
  }
}

static unsigned needs_of_links(const Rule *rule) {
  unsigned rows = needs(rule->where) | needs(rule->per);
  if (rule->kind == RULE_HAVING) rows |= needs(rule->expression);
  return rows;
}

/* An aggregate belongs to the query whose columns it reads, and GROUP BY reads
** no others.  So with having or per the source is joined to its links, and what
** is outside has another name. */
static bool links_join_source(const Rule *rule) {
  return rule->kind == RULE_HAVING && (needs_of_links(rule) & NEEDS_SOURCE);
}

static Holder outer_source(const Draft *draft) {
  const Rule *rule = draft->rule;
  bool inside = rule->kind == RULE_HAVING || rule->per;
  return (Holder){inside ? "owner" : "source",
                  &draft->relationship->source_key};
}

/* The source with that key has links for which the rule does not hold. */
static void say_links_break(Draft *draft, Holder key, const char *judged) {
  const Rule *rule = draft->rule;
  unsigned rows = needs_of_links(rule);
  if (rule->per && !judged) {
    say(draft, "EXISTS (SELECT 1");
    say_links(draft, key, rows | needs(rule->expression));
    say(draft, " GROUP BY ");
    say_expression(draft, rule->per);
    say(draft, " HAVING ");
    say_expression(draft, rule->per);
    say(draft, " IS NOT NULL AND ");
    say_excess(draft);
    say(draft, ")");
    return;
  }
  say(draft, rule->kind == RULE_HAVING ? "(SELECT count(*) > 0 AND "
                                       : "(SELECT count(*)");
  if (rule->kind == RULE_HAVING) say_excess(draft);
  say_links(draft, key, rows);
  if (judged) say_same_per(draft, judged);
  say(draft, ")");
  if (rule->kind == RULE_HAVING) return;
  say(draft, rule->kind == RULE_MIN_COUNT ? " < " : " > ");
  say_expression(draft, rule->expression);
}

/* ---- one link ---- */

/* (SELECT ... AS starts, ... AS ends ...) AS span, of the link `judged` */
static void say_span(Draft *draft, const char *judged) {
  const Rule *rule = draft->rule;
  unsigned rows = needs(rule->expression) | needs(rule->end);
  say(draft, "(SELECT ");
  say_expression(draft, rule->expression);
  say(draft, " AS starts, ");
  say_expression(draft, rule->end);
  say(draft, " AS ends");
  say_rows(draft, rows, " FROM ");
  say_rows_of(draft, rows, judged, " WHERE ");
  say(draft, ") AS span");
}

/* Another link of the source `key` overlaps with `judged`.  What is empty, or
** ends before it starts, has nothing in common with anything. */
static void say_overlap(Draft *draft, const char *judged, Holder key) {
  const Rule *rule = draft->rule;
  const Columns *row = &draft->relationship->link->row_key;
  say(draft, "EXISTS (SELECT 1 FROM ");
  say_span(draft, judged);
  say(draft, " WHERE span.starts < span.ends AND EXISTS (SELECT 1");
  say_links(draft, key,
            needs_of_links(rule) | needs(rule->expression) | needs(rule->end));
  if (!draft->supposed) {
    say(draft, " AND NOT (");
    say_match(draft, (Holder){"link", row}, (Holder){judged, row});
    say(draft, ")");
  }
  say_same_per(draft, judged);
  say(draft, " AND ");
  say_expression(draft, rule->expression);
  say(draft, " < span.ends AND span.starts < ");
  say_expression(draft, rule->end);
  say(draft, " AND ");
  say_expression(draft, rule->expression);
  say(draft, " < ");
  say_expression(draft, rule->end);
  say(draft, "))");
}

static void say_columns(Draft *draft, Holder holder) {
  clause_columns(draft->text, holder.alias, holder.columns);
}

#define REACHED "_relationship_reached"

/* ("a") or ("a", "b") of the rows reached so far. */
static void say_reached_names(Draft *draft, int count) {
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(draft->text, "%sk%d", i ? ", " : "", i + 1);
}

/* The row has a key that is reached: here."id" = _relationship_reached.k1 */
static void say_reached(Draft *draft, Holder row) {
  for (int i = 0; i < row.columns->count; i++) {
    if (i) say(draft, " AND ");
    say_column(draft, row.alias, row.columns->list[i]);
    sqlite3_str_appendf(draft->text, " = " REACHED ".k%d", i + 1);
  }
}

/* Both ends hold the key as the table itself does, so values can be compared
** as they are: ("a") IN (WITH RECURSIVE ...) */
static void say_cycle_of_values(Draft *draft, const char *judged,
                                const End *from, const End *to) {
  say(draft, "(");
  say_columns(draft, (Holder){judged, from->link});
  say(draft, ") IN (WITH RECURSIVE " REACHED "(");
  say_reached_names(draft, to->link->count);
  say(draft, ") AS (SELECT ");
  say_columns(draft, (Holder){judged, to->link});
  say(draft, " UNION SELECT ");
  say_columns(draft, (Holder){"link", to->link});
  say(draft, " FROM " REACHED " JOIN ");
  say_table(draft, draft->relationship->link, "link");
  say(draft, " ON ");
  say_reached(draft, (Holder){"link", from->link});
  say(draft, ") SELECT * FROM " REACHED ")");
}

/* Else by way of the table itself: what is reached are its own keys. */
static void say_cycle_of_rows(Draft *draft, const char *judged, const End *from,
                              const End *to) {
  const Holder node = {"node", to->key};
  const Holder here = {"here", from->key};
  say(draft, "EXISTS (WITH RECURSIVE " REACHED "(");
  say_reached_names(draft, to->key->count);
  say(draft, ") AS (");
  say(draft, "SELECT ");
  say_columns(draft, node);
  say(draft, " FROM ");
  say_table(draft, to->table, "node");
  say(draft, " WHERE ");
  say_match(draft, node, (Holder){judged, to->link});
  say(draft, " UNION SELECT ");
  say_columns(draft, node);
  say(draft, " FROM " REACHED " JOIN ");
  say_table(draft, from->table, "here");
  say(draft, " ON ");
  say_reached(draft, here);
  say(draft, " JOIN ");
  say_table(draft, draft->relationship->link, "link");
  say(draft, " ON ");
  say_linked(draft, *from, "link", here);
  say(draft, " JOIN ");
  say_table(draft, to->table, "node");
  say(draft, " ON ");
  say_match(draft, node, (Holder){"link", to->link});
  say(draft, ") SELECT 1 FROM " REACHED " JOIN ");
  say_table(draft, from->table, "here");
  say(draft, " ON ");
  say_reached(draft, here);
  say(draft, " WHERE ");
  say_match(draft, here, (Holder){judged, from->link});
  say(draft, ")");
}

static bool ends_are_alike(const Relationship *r) {
  const End source = end_of_source(r), target = end_of_target(r);
  return end_is_alike(&source) && end_is_alike(&target);
}

/* One gets from the link's one end to the other by links.  Along a foreign key
** of the table itself one goes up, where each row has one parent. */
static void say_cycle(Draft *draft, const char *judged) {
  const Relationship *r = draft->relationship;
  End from = end_of_source(r), to = end_of_target(r);
  if (link_is_target(r)) {
    from = end_of_target(r);
    to = end_of_source(r);
  }
  if (ends_are_alike(r)) {
    say_cycle_of_values(draft, judged, &from, &to);
  } else {
    say_cycle_of_rows(draft, judged, &from, &to);
  }
}

/* ---- what is judged ---- */

/* The rows that the rule needs beside the link `judged`. */
static unsigned needs_of_judged(const Rule *rule) {
  const End source = end_of_source(rule->relationship);
  unsigned rows = needs(rule->where);
  if (rule->kind == RULE_CHECK) rows |= needs(rule->expression);
  if (rule->kind == RULE_MAX_COUNT || rule->kind == RULE_MIN_COUNT)
    rows |= needs(rule->expression);
  if (rule->leaving) rows |= NEEDS_SOURCE | NEEDS_TARGET;
  if (rule->kind != RULE_CHECK && rule->kind != RULE_ACYCLIC &&
      !end_is_alike(&source))
    rows |= NEEDS_SOURCE;
  return rows;
}

/* The key of the source of `judged`, in the source's row if that is there. */
static Holder judged_key(const Draft *draft, const char *judged,
                         unsigned rows) {
  bool row = (rows & NEEDS_SOURCE) && !links_join_source(draft->rule);
  return row ? (Holder){"source", &draft->relationship->source_key}
             : source_of(draft, judged);
}

/* The link `judged` breaks the rule; its rows are `rows`. */
static void say_link_breaks(Draft *draft, const char *judged, unsigned rows) {
  const Rule *rule = draft->rule;
  Holder key = judged_key(draft, judged, rows);
  if (rule->where) {
    say_expression(draft, rule->where);
    say(draft, " AND ");
  }
  switch (rule->kind) {
    case RULE_CHECK:
      say(draft, "NOT ");
      say_expression(draft, rule->expression);
      break;
    case RULE_NO_OVERLAP: say_overlap(draft, judged, key); break;
    case RULE_ACYCLIC: say_cycle(draft, judged); break;
    case RULE_MAX_COUNT:
    case RULE_MIN_COUNT:
    case RULE_HAVING: say_links_break(draft, key, judged); break;
  }
}

/* ---- statements of a trigger ---- */

static void say_raise(Draft *draft) {
  sqlite3_str_appendf(draft->text, "  SELECT RAISE(ABORT, %Q)\n  ",
                      draft->rule->message);
}

/* The link NEW, or OLD where it leaves. */
static void say_judge_link(Draft *draft, const char *judged) {
  unsigned rows = needs_of_judged(draft->rule);
  say_raise(draft);
  say_rows(draft, rows, "FROM ");
  say_rows_of(draft, rows, judged, rows ? "\n  WHERE " : "");
  say(draft, rows ? "\n    AND " : "WHERE ");
  say_link_breaks(draft, judged, rows);
  say(draft, ";\n");
}

/* The links of the row NEW at `end`, each as `this`: tables, then conditions.
** Where its key compares otherwise there, NEW is looked up as `given`. */
static void say_links_at(Draft *draft, const End *end) {
  say(draft, "FROM ");
  say_table(draft, draft->relationship->link, "this");
  if (end_is_alike(end)) return;
  say(draft, ", ");
  say_table(draft, end->table, "given");
}

static void say_are_links_at(Draft *draft, const End *end) {
  Holder row = {"NEW", end->key};
  say(draft, "\n  WHERE ");
  if (!end_is_alike(end)) {
    say_match(draft, (Holder){"given", end->key}, row);
    say(draft, " AND ");
    row.alias = "given";
  }
  say_linked(draft, *end, "this", row);
}

/* FROM the source that `key` holds; without a key, of the links of the target
** NEW all sources. */
static void say_sources(Draft *draft, const Holder *key) {
  const Relationship *r = draft->relationship;
  const Holder source = outer_source(draft);
  const End target = end_of_target(r);
  if (key) {
    say(draft, "FROM ");
    say_table(draft, r->source, source.alias);
    say(draft, "\n  WHERE ");
    say_match(draft, source, *key);
    return;
  }
  say_links_at(draft, &target);
  say(draft, ", ");
  say_table(draft, r->source, source.alias);
  say_are_links_at(draft, &target);
  say(draft, " AND ");
  say_match(draft, source, source_of(draft, "this"));
}

/* Sources, each by all its links. */
static void say_judge_sources(Draft *draft, const Holder *key) {
  say_raise(draft);
  say_sources(draft, key);
  say(draft, "\n    AND ");
  say_links_break(draft, outer_source(draft), NULL);
  say(draft, ";\n");
}

/* The links of the row NEW at `end`, one by one. */
static void say_judge_links(Draft *draft, End end) {
  unsigned rows = needs_of_judged(draft->rule);
  say_raise(draft);
  say_links_at(draft, &end);
  say_rows(draft, rows, ", ");
  say_are_links_at(draft, &end);
  say_is_link(draft, "this", " AND ");
  say_rows_of(draft, rows, "this", " AND ");
  say(draft, "\n    AND ");
  say_link_breaks(draft, "this", rows);
  say(draft, ";\n");
}

/* ---- min_count: what is owed until COMMIT ---- */

/* The key as one value. */
static void say_key_value(Draft *draft, Holder key) {
  if (key.columns->count == 1) {
    say_columns(draft, key);
    return;
  }
  for (int i = 0; i < key.columns->count; i++) {
    say(draft, i ? " || ',' || quote(" : "quote(");
    say_column(draft, key.alias, key.columns->list[i]);
    say(draft, ")");
  }
}

static void say_debtor(Draft *draft) {
  sqlite3_str *name = sqlite3_str_new(NULL);
  catalog_append_debtor(name, draft->rule->declaration);
  if (sqlite3_str_errcode(name)) draft->lost = true;
  char *text = sqlite3_str_finish(name);
  sqlite3_str_appendf(draft->text, "%Q", text ? text : "");
  sqlite3_free(text);
}

/* Nothing is owed by the source that is gone, whose key is `key`. */
static void say_forget(Draft *draft, Holder key) {
  say(draft, "  DELETE FROM \"" DEBT_TABLE "\" WHERE rule = ");
  say_debtor(draft);
  say(draft, " AND key = ");
  say_key_value(draft, key);
  say(draft, ";\n");
}

/* What sources owe is found out anew. */
static void say_reckon(Draft *draft, const Holder *key) {
  const Holder source = outer_source(draft);
  say(draft, "  DELETE FROM \"" DEBT_TABLE "\" WHERE rule = ");
  say_debtor(draft);
  say(draft, " AND key IN (SELECT ");
  say_key_value(draft, source);
  say(draft, " ");
  say_sources(draft, key);
  say(draft,
      ");\n  INSERT INTO \"" DEBT_TABLE "\" (rule, key) SELECT DISTINCT ");
  say_debtor(draft);
  say(draft, ", ");
  say_key_value(draft, source);
  say(draft, "\n  ");
  say_sources(draft, key);
  say(draft, "\n    AND ");
  say_links_break(draft, source, NULL);
  say(draft, ";\n");
}

/* One more link of the source that `key` holds: what it owes may be paid.  Where
** it owes nothing its links are not counted. */
static void say_settle(Draft *draft, const Holder *key) {
  const Holder source = outer_source(draft);
  bool same = true;
  for (int i = 0; i < key->columns->count; i++)
    if (!clause_same_value(key->columns->list[i], source.columns->list[i]))
      same = false;
  say(draft, "  DELETE FROM \"" DEBT_TABLE "\" WHERE rule = ");
  say_debtor(draft);
  say(draft, same ? " AND key = " : " AND key IN (SELECT ");
  say_key_value(draft, same ? *key : source);
  if (!same) {
    say(draft, " ");
    say_sources(draft, key);
    say(draft, ")");
  }
  say(draft, "\n    AND EXISTS (SELECT 1 ");
  say_sources(draft, key);
  say(draft, " AND ");
  say_key_value(draft, source);
  say(draft, " = \"" DEBT_TABLE "\".key\n    AND NOT (");
  say_links_break(draft, source, NULL);
  say(draft, "));\n");
}

static void say_reckon_all(Draft *draft, TriggerEvent event) {
  const Relationship *r = draft->relationship;
  const Holder old_row = {"OLD", &r->source_key};
  const Holder new_row = {"NEW", &r->source_key};
  const Holder old_link = source_of(draft, "OLD");
  const Holder new_link = source_of(draft, "NEW");
  bool own = link_is_source(r);
  switch (event) {
    case TRIGGER_LINK_INSERT:
      if (own) say_reckon(draft, &new_link);
      if (!own) say_settle(draft, &new_link);
      break;
    case TRIGGER_LINK_DELETE:
      if (own) say_forget(draft, old_row);
      if (!own) say_reckon(draft, &old_link);
      break;
    case TRIGGER_LINK_UPDATE:
      if (own) say_forget(draft, old_row);
      if (!own) say_reckon(draft, &old_link);
      say_reckon(draft, &new_link);
      break;
    case TRIGGER_SOURCE_INSERT: say_reckon(draft, &new_row); break;
    case TRIGGER_SOURCE_UPDATE:
      say_forget(draft, old_row);
      say_reckon(draft, &new_row);
      break;
    case TRIGGER_SOURCE_DELETE: say_forget(draft, old_row); break;
    case TRIGGER_TARGET_INSERT:
    case TRIGGER_TARGET_UPDATE: say_reckon(draft, NULL); break;
  }
}

/* ---- which columns are read ---- */

/* Columns of one table, without doubles. */
typedef struct Reads {
  int count;
  const Column *list[READS_LIMIT];
  bool too_many; /* any UPDATE may change one of them */
} Reads;

static void reads_add(Reads *reads, const Column *column) {
  for (int i = 0; i < reads->count; i++)
    if (reads->list[i] == column) return;
  if (reads->count == READS_LIMIT) {
    reads->too_many = true;
  } else {
    reads->list[reads->count++] = column;
  }
}

static void reads_add_columns(Reads *reads, const Columns *columns) {
  for (int i = 0; i < columns->count; i++) reads_add(reads, columns->list[i]);
}

/* What the rule's expressions read of the rows that have the role. */
static void reads_add_role(Reads *reads, const Rule *rule, Role role) {
  const Expression *expressions[] = {rule->expression, rule->end, rule->where,
                                     rule->per};
  for (int i = 0; i < 4; i++) {
    const Expression *expression = expressions[i];
    for (int j = 0; expression && j < expression->column_count; j++)
      if (expression->columns[j].role == role)
        reads_add(reads, expression->columns[j].column);
  }
}

static Reads reads_of_link(const Rule *rule) {
  const Relationship *r = rule->relationship;
  Reads reads = {.count = 0};
  reads_add_columns(&reads, &r->source_link);
  reads_add_columns(&reads, &r->target_link);
  if (rule->leaving) return reads;
  reads_add_role(&reads, rule, ROLE_LINK);
  if (rule->always && link_is_source(r))
    reads_add_role(&reads, rule, ROLE_SOURCE);
  if (rule->always && link_is_target(r))
    reads_add_role(&reads, rule, ROLE_TARGET);
  return reads;
}

/* True if nothing is found out about links as long as their source is not
** there, whether the expressions read it or not. */
static bool needs_source_key(const Rule *rule) {
  const Relationship *r = rule->relationship;
  Reads target = {.count = 0};
  reads_add_role(&target, rule, ROLE_TARGET);
  return rule->kind == RULE_MIN_COUNT ||
         (needs_of_judged(rule) & NEEDS_SOURCE) ||
         (rule_is_about_all(rule) && target.count) ||
         (rule->kind == RULE_ACYCLIC && r->cardinality == MANY_TO_MANY &&
          !ends_are_alike(r));
}

/* Its key too: a row that takes a key may find links there, which were made
** under a deferred foreign key. */
static Reads reads_of_end(const Rule *rule, Role role) {
  const Relationship *r = rule->relationship;
  bool source = role == ROLE_SOURCE;
  Reads reads = {.count = 0};
  reads_add_role(&reads, rule, role);
  if (reads.count || (source && needs_source_key(rule)))
    reads_add_columns(&reads, source ? &r->source_key : &r->target_key);
  return reads;
}

static Reads reads_of(const Rule *rule, TriggerEvent event) {
  return event == TRIGGER_LINK_UPDATE ? reads_of_link(rule)
         : event == TRIGGER_SOURCE_UPDATE || event == TRIGGER_SOURCE_INSERT
             ? reads_of_end(rule, ROLE_SOURCE)
             : reads_of_end(rule, ROLE_TARGET);
}

/* ---- one trigger ---- */

bool trigger_is_wanted(const Rule *rule, TriggerEvent event) {
  const Relationship *r = rule->relationship;
  bool counts = rule->kind == RULE_MIN_COUNT;
  switch (event) {
    case TRIGGER_LINK_INSERT: return !rule->leaving;
    case TRIGGER_LINK_UPDATE: return true;
    case TRIGGER_LINK_DELETE:
      return counts || rule->leaving ||
             (rule->kind == RULE_HAVING && rule->always);
    case TRIGGER_SOURCE_DELETE: return counts && !link_is_source(r);
    case TRIGGER_SOURCE_INSERT:
    case TRIGGER_SOURCE_UPDATE:
      return rule->always && !link_is_source(r) &&
             reads_of(rule, event).count > 0;
    case TRIGGER_TARGET_INSERT:
    case TRIGGER_TARGET_UPDATE:
      return rule->always && !link_is_target(r) &&
             reads_of(rule, event).count > 0;
  }
  return false;
}

/* The rowid, or a column that is another name for it: SET rowid = 1 changes it
** too, and UPDATE OF goes by names. */
static bool column_is_rowid(const Column *column) {
  const Table *table = column->table;
  return column == &table->rowid ||
         (!table->without_rowid && table->primary_key.count == 1 &&
          table->primary_key.list[0] == column &&
          name_equal(column->type, "INTEGER"));
}

/* UPDATE OF the columns; without a list where any UPDATE may matter. */
static void say_update_of(Draft *draft, const Reads *reads) {
  bool all = reads->too_many;
  int count = 0;
  for (int i = 0; i < reads->count; i++)
    if (reads->list[i]->generated || column_is_rowid(reads->list[i]))
      all = true;
  say(draft, "UPDATE");
  for (int i = 0; i < reads->count && !all; i++)
    sqlite3_str_appendf(draft->text, "%s\"%w\"", count++ ? ", " : " OF ",
                        reads->list[i]->name);
}

static const char *event_name(TriggerEvent event) {
  static const char *const names[] = {
      "insert",        "update",        "delete",        "source_insert",
      "source_update", "source_delete", "target_insert", "target_update"};
  return names[event];
}

static const Table *event_table(const Relationship *r, TriggerEvent event) {
  return event <= TRIGGER_LINK_DELETE     ? r->link
         : event <= TRIGGER_SOURCE_DELETE ? r->source
                                          : r->target;
}

static bool event_is_update(TriggerEvent event) {
  return event == TRIGGER_LINK_UPDATE || event == TRIGGER_SOURCE_UPDATE ||
         event == TRIGGER_TARGET_UPDATE;
}

static void say_event(Draft *draft, TriggerEvent event) {
  const Relationship *r = draft->relationship;
  say(draft, draft->rule->leaving ? "BEFORE " : "AFTER ");
  if (event_is_update(event)) {
    Reads reads = reads_of(draft->rule, event);
    say_update_of(draft, &reads);
  } else {
    bool gone = event == TRIGGER_LINK_DELETE || event == TRIGGER_SOURCE_DELETE;
    say(draft, gone ? "DELETE" : "INSERT");
  }
  sqlite3_str_appendf(draft->text, " ON \"%w\"", event_table(r, event)->name);
}

/* The column has changed; bytes count, not how they compare.  Without a type it
** may be 1 and become 1.0, which is another thing to divide. */
static void say_column_changed(Draft *draft, const Column *column) {
  say_column(draft, "OLD", column);
  say(draft, " IS NOT ");
  say_column(draft, "NEW", column);
  say(draft, " COLLATE BINARY");
  if (column->affinity != 'A') return;
  say(draft, " OR typeof(");
  say_column(draft, "OLD", column);
  say(draft, ") <> typeof(");
  say_column(draft, "NEW", column);
  say(draft, ")");
}

/* WHEN something that is read has changed.  Returns the text that joins a
** further condition. */
static const char *say_changed(Draft *draft, const Reads *reads) {
  if (reads->too_many) return " WHEN ";
  say(draft, " WHEN (");
  for (int i = 0; i < reads->count; i++) {
    if (i) say(draft, " OR ");
    say_column_changed(draft, reads->list[i]);
  }
  say(draft, ")");
  return " AND ";
}

static void say_when(Draft *draft, TriggerEvent event) {
  const Rule *rule = draft->rule;
  bool links = rule->kind != RULE_MIN_COUNT && !rule->leaving;
  if (event_is_update(event)) {
    Reads reads = reads_of(rule, event);
    const char *before = say_changed(draft, &reads);
    if (event == TRIGGER_LINK_UPDATE && links && rule->kind != RULE_HAVING)
      say_is_link(draft, "NEW", before);
  } else if (event == TRIGGER_LINK_INSERT && links) {
    say_is_link(draft, "NEW", " WHEN ");
  }
}

static void say_judge(Draft *draft, TriggerEvent event) {
  const Rule *rule = draft->rule;
  const Relationship *r = draft->relationship;
  const Holder old_link = source_of(draft, "OLD");
  const Holder new_row = {"NEW", &r->source_key};
  bool all = rule_is_about_all(rule);
  switch (event) {
    case TRIGGER_LINK_INSERT: say_judge_link(draft, "NEW"); break;
    case TRIGGER_LINK_UPDATE:
      say_judge_link(draft, rule->leaving ? "OLD" : "NEW");
      if (rule->kind == RULE_HAVING && rule->always)
        say_judge_sources(draft, &old_link);
      break;
    case TRIGGER_LINK_DELETE:
      if (rule->leaving) say_judge_link(draft, "OLD");
      if (!rule->leaving) say_judge_sources(draft, &old_link);
      break;
    case TRIGGER_SOURCE_INSERT:
    case TRIGGER_SOURCE_UPDATE:
      if (all) say_judge_sources(draft, &new_row);
      if (!all) say_judge_links(draft, end_of_source(r));
      break;
    case TRIGGER_TARGET_INSERT:
    case TRIGGER_TARGET_UPDATE:
      if (all) say_judge_sources(draft, NULL);
      if (!all) say_judge_links(draft, end_of_target(r));
      break;
    case TRIGGER_SOURCE_DELETE: break;
  }
}

char *trigger_sql(const Rule *rule, TriggerEvent event, const char *name) {
  Draft draft = draft_of(rule, NULL);
  sqlite3_str_appendf(draft.text, "\"%w\"\n", name);
  say_event(&draft, event);
  say_when(&draft, event);
  say(&draft, " BEGIN\n");
  if (rule->kind == RULE_MIN_COUNT) {
    say_reckon_all(&draft, event);
  } else {
    say_judge(&draft, event);
  }
  say(&draft, "END");
  return draft_finish(&draft);
}

/* A name for it, behind a prefix. */
void trigger_append_name(sqlite3_str *text, const Rule *rule,
                         TriggerEvent event) {
  sqlite3_str_appendf(text, "%s_%s_%s", rule->relationship->link->name,
                      rule->declaration->name, event_name(event));
}

/* ---- what breaks a rule already ---- */

/* The links that break it, as the keys of both ends. */
static void say_breaking_links(Draft *draft) {
  unsigned rows = needs_of_judged(draft->rule);
  say(draft, "SELECT ");
  say_columns(draft, source_of(draft, "this"));
  say(draft, ", ");
  say_columns(draft, target_of(draft, "this"));
  say(draft, " FROM ");
  say_table(draft, draft->relationship->link, "this");
  say_rows(draft, rows, ", ");
  say(draft, " WHERE true");
  say_is_link(draft, "this", " AND ");
  say_rows_of(draft, rows, "this", " AND ");
  say(draft, " AND ");
  say_link_breaks(draft, "this", rows);
}

/* The sources that break it, as their keys.  To one whose key is NULL nothing
** can be linked, and no trigger judges it. */
static void say_breaking_sources(Draft *draft) {
  const Relationship *r = draft->relationship;
  const Holder source = outer_source(draft);
  say(draft, "SELECT ");
  say_columns(draft, source);
  say(draft, " FROM ");
  say_table(draft, r->source, source.alias);
  say(draft, " WHERE ");
  for (int i = 0; i < source.columns->count; i++) {
    say_column(draft, source.alias, source.columns->list[i]);
    say(draft, " IS NOT NULL AND ");
  }
  say_links_break(draft, source, NULL);
}

char *trigger_breaking_sql(const Rule *rule) {
  Draft draft = draft_of(rule, rule->relationship->source->schema->name);
  if (rule_is_about_all(rule)) {
    say_breaking_sources(&draft);
  } else {
    say_breaking_links(&draft);
  }
  return draft_finish(&draft);
}

/* ---- what would break a rule ---- */

bool trigger_is_concerned(const Rule *rule, bool leaving) {
  if (!leaving) return !rule->leaving;
  return rule->leaving || rule->kind == RULE_MIN_COUNT ||
         (rule->kind == RULE_HAVING && rule->always);
}

/* The row that would have the supposed link: of an association the pair's, if it
** is linked; else that of one end. */
static void say_supposed_from(Draft *draft) {
  const Relationship *r = draft->relationship;
  const Holder source = {"s", &r->source_key}, target = {"t", &r->target_key};
  say(draft, " FROM ");
  say_table(draft, r->source, "s");
  say(draft, " JOIN ");
  say_table(draft, r->target, "t");
  if (r->cardinality == MANY_TO_MANY && r->pair_unique) {
    say(draft, " LEFT JOIN ");
    say_table(draft, r->link, "l");
    say(draft, " ON ");
    say_match(draft, source, source_of(draft, "l"));
    say(draft, " AND ");
    say_match(draft, target, target_of(draft, "l"));
  }
  say(draft, " WHERE ");
  clause_key(draft->text, "s", &r->source_key, 1);
  say(draft, " AND ");
  clause_key(draft->text, "t", &r->target_key, 1 + r->source_key.count);
}

static int place_of(const Columns *columns, const Column *column) {
  for (int i = 0; columns && i < columns->count; i++)
    if (columns->list[i] == column) return i;
  return -1;
}

/* NULL, unless the DEFAULT is a number or a text. */
static void say_default(Draft *draft, const Column *column) {
  const char *text = column->otherwise;
  bool literal =
      text && (*text == '\'' || *text == '-' || (*text >= '0' && *text <= '9'));
  for (const char *c = text; literal && *c; c++)
    if (*text != '\'' && !strchr("0123456789.-", *c)) literal = false;
  if (literal && *text == '\'' && name_token_end(text)[0]) literal = false;
  say(draft, literal ? text : "NULL");
}

/* The value that the column of an association's new row would have, or has where
** the pair is linked. */
static void say_new_value(Draft *draft, const Column *column,
                          const Columns *payload) {
  const Relationship *r = draft->relationship;
  int given = place_of(payload, column);
  if (given >= 0) {
    int keys = r->source_key.count + r->target_key.count;
    sqlite3_str_appendf(draft->text, "?%d", keys + 1 + given);
  } else if (!r->pair_unique) {
    say_default(draft, column);
  } else {
    say(draft, "iif(");
    say_column(draft, "l", r->source_link.list[0]);
    say(draft, " IS NULL, ");
    say_default(draft, column);
    say(draft, ", ");
    say_column(draft, "l", column);
    say(draft, ")");
  }
}

static void say_cast(Draft *draft, const Column *column, const Columns *payload,
                     const char *type) {
  say(draft, "CAST(");
  say_new_value(draft, column, payload);
  sqlite3_str_appendf(draft->text, " AS %s)", type /* safe: a literal */);
}

/* Likewise, as it would be stored: a column of numbers makes one of what looks
** like it, and leaves the rest.  And by its collation, which no expression has
** by itself. */
static void say_stored_value(Draft *draft, const Column *column,
                             const Columns *payload) {
  const char *const numbers[] = {column->affinity == 'E' ? "REAL" : "INTEGER",
                                 "NUMERIC"};
  if (column->affinity == 'B') {
    say_cast(draft, column, payload, "TEXT");
  } else if (column->affinity > 'B') {
    say(draft, "CASE ");
    say_new_value(draft, column, payload);
    for (int i = 0; i < 2; i++) {
      say(draft, " WHEN ");
      say_cast(draft, column, payload, numbers[i]);
      say(draft, " THEN ");
      say_cast(draft, column, payload, numbers[i]);
    }
    say(draft, " ELSE ");
    say_new_value(draft, column, payload);
    say(draft, " END");
  } else {
    say_new_value(draft, column, payload);
  }
  sqlite3_str_appendf(draft->text, " COLLATE \"%w\"", column->collation);
}

/* The value that the column of the link would have. */
static void say_supposed_value(Draft *draft, const Column *column,
                               const Columns *payload) {
  const Relationship *r = draft->relationship;
  int source = r->source_foreign ? place_of(&r->source_link, column) : -1;
  int target = r->target_foreign ? place_of(&r->target_link, column) : -1;
  if (source >= 0) {
    say_column(draft, "s", r->source_key.list[source]);
  } else if (target >= 0) {
    say_column(draft, "t", r->target_key.list[target]);
  } else if (r->cardinality != MANY_TO_MANY) {
    say_column(draft, r->linked_by_source ? "s" : "t", column);
  } else if (column == &r->link->rowid) {
    say(draft, "NULL");
  } else {
    say_stored_value(draft, column, payload);
  }
}

/* True if the rows of the link are known by a rowid that no column shows. */
static bool link_has_rowid(const Relationship *r) {
  return r->link->row_key.list[0] == &r->link->rowid;
}

static void say_column_as(Draft *draft, const Column *column) {
  sqlite3_str_appendf(draft->text, " AS \"%w\"", column->name);
}

/* The supposed link as a row; where it is to go, as it is. */
static void say_supposed_link(Draft *draft, bool leaving,
                              const Columns *payload) {
  const Table *link = draft->relationship->link;
  say(draft, "WITH " SUPPOSED_LINK " AS (SELECT ");
  for (int i = 0; i < link->column_count; i++) {
    const Column *column = &link->columns[i];
    if (i) say(draft, ", ");
    if (leaving) say_column(draft, "l", column);
    if (!leaving) say_supposed_value(draft, column, payload);
    say_column_as(draft, column);
  }
  if (link_has_rowid(draft->relationship)) {
    say(draft, ", ");
    if (leaving) say_column(draft, "l", &link->rowid);
    if (!leaving) say_supposed_value(draft, &link->rowid, payload);
    say_column_as(draft, &link->rowid);
  }
}

static void say_leaving_from(Draft *draft) {
  const Relationship *r = draft->relationship;
  say(draft, " FROM ");
  say_table(draft, r->link, "l");
  say(draft, ", ");
  say_table(draft, r->source, "s");
  say(draft, ", ");
  say_table(draft, r->target, "t");
  say(draft, " WHERE ");
  clause_key(draft->text, "s", &r->source_key, 1);
  say(draft, " AND ");
  clause_key(draft->text, "t", &r->target_key, 1 + r->source_key.count);
  say(draft, " AND ");
  say_match(draft, (Holder){"s", &r->source_key}, source_of(draft, "l"));
  say(draft, " AND ");
  say_match(draft, (Holder){"t", &r->target_key}, target_of(draft, "l"));
}

/* All links of the source but the supposed one, or those that are to go. */
static void say_other_links(Draft *draft, bool leaving) {
  const Relationship *r = draft->relationship;
  const Table *link = r->link;
  say(draft, SUPPOSED_LINKS " AS (SELECT ");
  for (int i = 0; i < link->column_count; i++) {
    if (i) say(draft, ", ");
    say_column(draft, "l", &link->columns[i]);
  }
  if (link_has_rowid(r)) {
    say(draft, ", ");
    say_column(draft, "l", &link->rowid);
  }
  say(draft, " FROM ");
  say_table(draft, link, "l");
  say(draft, ", (SELECT * FROM " SUPPOSED_LINK " LIMIT 1) AS this WHERE ");
  /* What a source has one of gives way. */
  if (r->cardinality == MANY_TO_ONE || r->cardinality == ONE_TO_ONE) {
    say(draft, "0");
    return;
  }
  say_linked(draft, end_of_source(r), "l", source_of(draft, "this"));
  if (r->cardinality == MANY_TO_MANY && !r->pair_unique && !leaving) return;
  say(draft, " AND NOT (");
  say_linked(draft, end_of_target(r), "l", target_of(draft, "this"));
  say(draft, ")");
}

/* (SELECT count(*) ... of the links that there are, or would be */
static void say_count(Draft *draft, Holder key, bool supposed) {
  draft->supposed = supposed;
  say(draft, "(SELECT count(*)");
  say_links(draft, key, needs_of_links(draft->rule));
  draft->supposed = true;
}

/* How many links there are, and may be. */
static void say_numbers(Draft *draft, Holder key) {
  const Rule *rule = draft->rule;
  bool counts = rule->kind == RULE_MAX_COUNT || rule->kind == RULE_MIN_COUNT;
  if (!counts) {
    say(draft, ", NULL, NULL");
    return;
  }
  say(draft, ", ");
  say_count(draft, key, false);
  say_same_per(draft, "this");
  say(draft, "), ");
  say_expression(draft, rule->expression);
}

/* What the supposed link breaks.  One that is made owes nothing, but one that
** changes may cease to count. */
static void say_supposed_breaks(Draft *draft, bool leaving, Holder key,
                                unsigned rows) {
  const Rule *rule = draft->rule;
  draft->supposed = true;
  if (leaving ? !rule->leaving : rule->kind == RULE_MIN_COUNT) {
    say_links_break(draft, key, NULL);
  } else {
    say_link_breaks(draft, "this", rows);
  }
  if (leaving || rule->kind != RULE_MIN_COUNT) return;
  say(draft, " AND ");
  say_count(draft, key, true);
  say(draft, ") < ");
  say_count(draft, key, false);
  say(draft, ")");
}

char *trigger_verdict_sql(const Rule *rule, bool leaving,
                          const Columns *payload) {
  const Relationship *r = rule->relationship;
  Draft draft = draft_of(rule, r->source->schema->name);
  unsigned rows = needs_of_judged(rule);
  Holder key = judged_key(&draft, "this", rows);
  say_supposed_link(&draft, leaving, payload);
  if (leaving) say_leaving_from(&draft);
  if (!leaving) say_supposed_from(&draft);
  say(&draft, leaving ? "), " : " LIMIT 1), ");
  say_other_links(&draft, leaving);
  if (!leaving && rule_is_about_all(rule))
    say(&draft, " UNION ALL SELECT * FROM " SUPPOSED_LINK);
  say(&draft, ") SELECT NOT (");
  say_supposed_breaks(&draft, leaving, key, rows);
  say(&draft, ")");
  say_numbers(&draft, key);
  say(&draft, " FROM " SUPPOSED_LINK " AS this");
  say_rows(&draft, rows, ", ");
  say_rows_of(&draft, rows, "this", " WHERE ");
  /* Of several that go at once, one that may not. */
  if (leaving) say(&draft, " ORDER BY 1 NULLS LAST");
  return draft_finish(&draft);
}
