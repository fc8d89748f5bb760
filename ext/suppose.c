/*
** suppose.c: what a rule would say of a link that is only supposed.
**
**     WITH _relationship_link AS (the link, if the pair were linked),
**       _relationship_links AS (all links of its source, and that one)
**     SELECT NOT (what breaks the rule), how many, how many may be
**     FROM _relationship_link AS this
**
** If the pair were unlinked: the link as it is, and the links without it.
**
** A column that nobody has given a value has that of the link that is there; else
** its DEFAULT, if that is a number or a text.
**
** Pure: makes text, runs nothing.
*/
#include "relate_int.h"

bool suppose_concerns(const Rule *rule, bool leaving) {
  if (!leaving) return !rule->leaving;
  return rule->leaving || rule->kind == RULE_MIN_COUNT ||
         (rule->kind == RULE_HAVING && rule->always);
}

/* The row that would have the supposed link: of an association the pair's, if it
** is linked; else that of one end. */
static void suppose_supposed_from(Draft *draft) {
  const Relationship *r = draft->relationship;
  const Holder source = {"s", &r->source_key}, target = {"t", &r->target_key};
  draft_say(draft, " FROM ");
  draft_table(draft, r->source, "s");
  draft_say(draft, " JOIN ");
  draft_table(draft, r->target, "t");
  if (r->cardinality == MANY_TO_MANY && r->pair_unique) {
    draft_say(draft, " LEFT JOIN ");
    draft_table(draft, r->link, "l");
    draft_say(draft, " ON ");
    draft_match(draft, source, draft_source_of(draft, "l"));
    draft_say(draft, " AND ");
    draft_match(draft, target, draft_target_of(draft, "l"));
  }
  draft_say(draft, " WHERE ");
  clause_key(draft->text, "s", &r->source_key, 1);
  draft_say(draft, " AND ");
  clause_key(draft->text, "t", &r->target_key, 1 + r->source_key.count);
}

static int place_of(const Columns *columns, const Column *column) {
  for (int i = 0; columns && i < columns->count; i++)
    if (columns->list[i] == column) return i;
  return -1;
}

/* NULL, unless the DEFAULT is a number or a text. */
static void suppose_default(Draft *draft, const Column *column) {
  const char *text = column->otherwise;
  bool literal =
      text && (*text == '\'' || *text == '-' || (*text >= '0' && *text <= '9'));
  for (const char *c = text; literal && *c; c++)
    if (*text != '\'' && !strchr("0123456789.-", *c)) literal = false;
  if (literal && *text == '\'' && name_token_end(text)[0]) literal = false;
  draft_say(draft, literal ? text : "NULL");
}

/* The value that the column of an association's new row would have, or has where
** the pair is linked. */
static void suppose_new_value(Draft *draft, const Column *column,
                              const Columns *payload) {
  const Relationship *r = draft->relationship;
  int given = place_of(payload, column);
  if (given >= 0) {
    int keys = r->source_key.count + r->target_key.count;
    sqlite3_str_appendf(draft->text, "?%d", keys + 1 + given);
  } else if (!r->pair_unique) {
    suppose_default(draft, column);
  } else {
    draft_say(draft, "iif(");
    draft_column(draft, "l", r->source_link.list[0]);
    draft_say(draft, " IS NULL, ");
    suppose_default(draft, column);
    draft_say(draft, ", ");
    draft_column(draft, "l", column);
    draft_say(draft, ")");
  }
}

static void suppose_cast(Draft *draft, const Column *column,
                         const Columns *payload, const char *type) {
  draft_say(draft, "CAST(");
  suppose_new_value(draft, column, payload);
  sqlite3_str_appendf(draft->text, " AS %s)", type /* safe: a literal */);
}

/* Likewise, as it would be stored: a column of numbers makes one of what looks
** like it, and leaves the rest.  And by its collation, which no expression has
** by itself. */
static void suppose_stored_value(Draft *draft, const Column *column,
                                 const Columns *payload) {
  const char *const numbers[] = {column->affinity == 'E' ? "REAL" : "INTEGER",
                                 "NUMERIC"};
  if (column->affinity == 'B') {
    suppose_cast(draft, column, payload, "TEXT");
  } else if (column->affinity > 'B') {
    draft_say(draft, "CASE ");
    suppose_new_value(draft, column, payload);
    for (int i = 0; i < 2; i++) {
      draft_say(draft, " WHEN ");
      suppose_cast(draft, column, payload, numbers[i]);
      draft_say(draft, " THEN ");
      suppose_cast(draft, column, payload, numbers[i]);
    }
    draft_say(draft, " ELSE ");
    suppose_new_value(draft, column, payload);
    draft_say(draft, " END");
  } else {
    suppose_new_value(draft, column, payload);
  }
  sqlite3_str_appendf(draft->text, " COLLATE \"%w\"", column->collation);
}

/* The value that the column of the link would have. */
static void suppose_supposed_value(Draft *draft, const Column *column,
                                   const Columns *payload) {
  const Relationship *r = draft->relationship;
  int source = r->source_foreign ? place_of(&r->source_link, column) : -1;
  int target = r->target_foreign ? place_of(&r->target_link, column) : -1;
  if (source >= 0) {
    draft_column(draft, "s", r->source_key.list[source]);
  } else if (target >= 0) {
    draft_column(draft, "t", r->target_key.list[target]);
  } else if (r->cardinality != MANY_TO_MANY) {
    draft_column(draft, r->linked_by_source ? "s" : "t", column);
  } else if (column == &r->link->rowid) {
    draft_say(draft, "NULL");
  } else {
    suppose_stored_value(draft, column, payload);
  }
}

/* True if the rows of the link are known by a rowid that no column shows. */
static bool link_has_rowid(const Relationship *r) {
  return r->link->row_key.list[0] == &r->link->rowid;
}

static void suppose_column_as(Draft *draft, const Column *column) {
  sqlite3_str_appendf(draft->text, " AS \"%w\"", column->name);
}

/* The supposed link as a row; where it is to go, as it is. */
static void suppose_supposed_link(Draft *draft, bool leaving,
                                  const Columns *payload) {
  const Table *link = draft->relationship->link;
  draft_say(draft, "WITH " DRAFT_LINK " AS (SELECT ");
  for (int i = 0; i < link->column_count; i++) {
    const Column *column = &link->columns[i];
    if (i) draft_say(draft, ", ");
    if (leaving) draft_column(draft, "l", column);
    if (!leaving) suppose_supposed_value(draft, column, payload);
    suppose_column_as(draft, column);
  }
  if (link_has_rowid(draft->relationship)) {
    draft_say(draft, ", ");
    if (leaving) draft_column(draft, "l", &link->rowid);
    if (!leaving) suppose_supposed_value(draft, &link->rowid, payload);
    suppose_column_as(draft, &link->rowid);
  }
}

static void suppose_leaving_from(Draft *draft) {
  const Relationship *r = draft->relationship;
  draft_say(draft, " FROM ");
  draft_table(draft, r->link, "l");
  draft_say(draft, ", ");
  draft_table(draft, r->source, "s");
  draft_say(draft, ", ");
  draft_table(draft, r->target, "t");
  draft_say(draft, " WHERE ");
  clause_key(draft->text, "s", &r->source_key, 1);
  draft_say(draft, " AND ");
  clause_key(draft->text, "t", &r->target_key, 1 + r->source_key.count);
  draft_say(draft, " AND ");
  draft_match(draft, (Holder){"s", &r->source_key},
              draft_source_of(draft, "l"));
  draft_say(draft, " AND ");
  draft_match(draft, (Holder){"t", &r->target_key},
              draft_target_of(draft, "l"));
}

/* All links of the source but the supposed one, or those that are to go. */
static void suppose_other_links(Draft *draft, bool leaving) {
  const Relationship *r = draft->relationship;
  const Table *link = r->link;
  draft_say(draft, DRAFT_LINKS " AS (SELECT ");
  for (int i = 0; i < link->column_count; i++) {
    if (i) draft_say(draft, ", ");
    draft_column(draft, "l", &link->columns[i]);
  }
  if (link_has_rowid(r)) {
    draft_say(draft, ", ");
    draft_column(draft, "l", &link->rowid);
  }
  draft_say(draft, " FROM ");
  draft_table(draft, link, "l");
  draft_say(draft, ", (SELECT * FROM " DRAFT_LINK " LIMIT 1) AS this WHERE ");
  /* What a source has one of gives way. */
  if (r->cardinality == MANY_TO_ONE || r->cardinality == ONE_TO_ONE) {
    draft_say(draft, "0");
    return;
  }
  draft_linked(draft, end_of_source(r), "l", draft_source_of(draft, "this"));
  if (r->cardinality == MANY_TO_MANY && !r->pair_unique && !leaving) return;
  draft_say(draft, " AND NOT (");
  draft_linked(draft, end_of_target(r), "l", draft_target_of(draft, "this"));
  draft_say(draft, ")");
}

/* (SELECT count(*) ... of the links that there are, or would be */
static void suppose_count(Draft *draft, Holder key, bool supposed) {
  draft->supposed = supposed;
  draft_say(draft, "(SELECT count(*)");
  draft_links(draft, key, draft_links_need(draft->rule));
  draft->supposed = true;
}

/* How many links there are, and may be. */
static void suppose_numbers(Draft *draft, Holder key) {
  const Rule *rule = draft->rule;
  bool counts = rule->kind == RULE_MAX_COUNT || rule->kind == RULE_MIN_COUNT;
  if (!counts) {
    draft_say(draft, ", NULL, NULL");
    return;
  }
  draft_say(draft, ", ");
  suppose_count(draft, key, false);
  draft_same_per(draft, "this");
  draft_say(draft, "), ");
  draft_expression(draft, rule->expression);
}

/* What the supposed link breaks.  One that is made owes nothing, but one that
** changes may cease to count. */
static void suppose_supposed_breaks(Draft *draft, bool leaving, Holder key,
                                    unsigned rows) {
  const Rule *rule = draft->rule;
  draft->supposed = true;
  if (leaving ? !rule->leaving : rule->kind == RULE_MIN_COUNT) {
    draft_links_break(draft, key, NULL);
  } else {
    draft_link_breaks(draft, "this", rows);
  }
  if (leaving || rule->kind != RULE_MIN_COUNT) return;
  draft_say(draft, " AND ");
  suppose_count(draft, key, true);
  draft_say(draft, ") < ");
  suppose_count(draft, key, false);
  draft_say(draft, ")");
}

char *suppose_sql(const Rule *rule, bool leaving, const Columns *payload) {
  const Relationship *r = rule->relationship;
  Draft draft = draft_of(rule, r->source->schema->name);
  unsigned rows = draft_judged_needs(rule);
  Holder key = draft_judged_key(&draft, "this", rows);
  suppose_supposed_link(&draft, leaving, payload);
  if (leaving) suppose_leaving_from(&draft);
  if (!leaving) suppose_supposed_from(&draft);
  draft_say(&draft, leaving ? "), " : " LIMIT 1), ");
  suppose_other_links(&draft, leaving);
  if (!leaving && rule_is_about_all(rule))
    draft_say(&draft, " UNION ALL SELECT * FROM " DRAFT_LINK);
  /* Whether there is a circle is never unknown, though keys on the way are NULL. */
  bool known = rule->kind == RULE_ACYCLIC;
  draft_say(&draft, known ? ") SELECT (" : ") SELECT NOT (");
  suppose_supposed_breaks(&draft, leaving, key, rows);
  draft_say(&draft, known ? ") IS NOT TRUE" : ")");
  suppose_numbers(&draft, key);
  draft_say(&draft, " FROM " DRAFT_LINK " AS this");
  draft_rows(&draft, rows, ", ");
  draft_rows_of(&draft, rows, "this", " WHERE ");
  /* Of several that go at once, one that may not. */
  if (leaving) draft_say(&draft, " ORDER BY 1 NULLS LAST");
  return draft_finish(&draft);
}
