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
** min_count is judged at COMMIT, as only a deferred foreign key is.  A source
** with too few links has a row in a table of ours, whose foreign key refers to
** what is never there.
**
** What breaks a rule is said by draft.c.
**
** Pure: makes text, runs nothing.
*/
#include "relate_int.h"

#define READS_LIMIT 60 /* columns of one table in UPDATE OF */

/* ---- statements of a trigger ---- */

static void trigger_raise(Draft *draft) {
  sqlite3_str_appendf(draft->text, "  SELECT RAISE(ABORT, %Q)\n  ",
                      draft->rule->message);
}

/* The link NEW, or OLD where it leaves. */
static void trigger_judge_link(Draft *draft, const char *judged) {
  unsigned rows = draft_judged_needs(draft->rule);
  trigger_raise(draft);
  draft_rows(draft, rows, "FROM ");
  draft_rows_of(draft, rows, judged, rows ? "\n  WHERE " : "");
  draft_say(draft, rows ? "\n    AND " : "WHERE ");
  draft_link_breaks(draft, judged, rows);
  draft_say(draft, ";\n");
}

/* The links of the row NEW at `end`, each as `this`: tables, then conditions.
** Where its key compares otherwise there, NEW is looked up as `given`. */
static void trigger_links_at(Draft *draft, const End *end) {
  draft_say(draft, "FROM ");
  draft_table(draft, draft->relationship->link, "this");
  if (end_is_alike(end)) return;
  draft_say(draft, ", ");
  draft_table(draft, end->table, "given");
}

static void trigger_are_links_at(Draft *draft, const End *end) {
  Holder row = {"NEW", end->key};
  draft_say(draft, "\n  WHERE ");
  if (!end_is_alike(end)) {
    draft_match(draft, (Holder){"given", end->key}, row);
    draft_say(draft, " AND ");
    row.alias = "given";
  }
  draft_linked(draft, *end, "this", row);
}

/* FROM the source that `key` holds; without a key, of the links of the target
** NEW all sources. */
static void trigger_sources(Draft *draft, const Holder *key) {
  const Relationship *r = draft->relationship;
  const Holder source = draft_owner(draft);
  const End target = end_of_target(r);
  if (key) {
    draft_say(draft, "FROM ");
    draft_table(draft, r->source, source.alias);
    draft_say(draft, "\n  WHERE ");
    draft_match(draft, source, *key);
    return;
  }
  trigger_links_at(draft, &target);
  draft_say(draft, ", ");
  draft_table(draft, r->source, source.alias);
  trigger_are_links_at(draft, &target);
  draft_say(draft, " AND ");
  draft_match(draft, source, draft_source_of(draft, "this"));
}

/* Sources, each by all its links. */
static void trigger_judge_sources(Draft *draft, const Holder *key) {
  trigger_raise(draft);
  trigger_sources(draft, key);
  draft_say(draft, "\n    AND ");
  draft_links_break(draft, draft_owner(draft), NULL);
  draft_say(draft, ";\n");
}

/* The links of the row NEW at `end`, one by one. */
static void trigger_judge_links(Draft *draft, End end) {
  unsigned rows = draft_judged_needs(draft->rule);
  trigger_raise(draft);
  trigger_links_at(draft, &end);
  draft_rows(draft, rows, ", ");
  trigger_are_links_at(draft, &end);
  draft_is_link(draft, "this", " AND ");
  draft_rows_of(draft, rows, "this", " AND ");
  draft_say(draft, "\n    AND ");
  draft_link_breaks(draft, "this", rows);
  draft_say(draft, ";\n");
}

/* ---- min_count: what is owed until COMMIT ---- */

/* The key as one value. */
static void trigger_key_value(Draft *draft, Holder key) {
  if (key.columns->count == 1) {
    draft_columns(draft, key);
    return;
  }
  for (int i = 0; i < key.columns->count; i++) {
    draft_say(draft, i ? " || ',' || quote(" : "quote(");
    draft_column(draft, key.alias, key.columns->list[i]);
    draft_say(draft, ")");
  }
}

static void trigger_debtor(Draft *draft) {
  sqlite3_str *name = sqlite3_str_new(NULL);
  catalog_append_debtor(name, draft->rule->declaration);
  char *text = sqlite3_str_finish(name);
  if (!text) draft->lost = true;
  sqlite3_str_appendf(draft->text, "%Q", text ? text : "");
  sqlite3_free(text);
}

/* Nothing is owed by the source that is gone, whose key is `key`. */
static void trigger_forget(Draft *draft, Holder key) {
  draft_say(draft, "  DELETE FROM \"" DEBT_TABLE "\" WHERE rule = ");
  trigger_debtor(draft);
  draft_say(draft, " AND key = ");
  trigger_key_value(draft, key);
  draft_say(draft, ";\n");
}

/* What sources owe is found out anew. */
static void trigger_reckon(Draft *draft, const Holder *key) {
  const Holder source = draft_owner(draft);
  draft_say(draft, "  DELETE FROM \"" DEBT_TABLE "\" WHERE rule = ");
  trigger_debtor(draft);
  draft_say(draft, " AND key IN (SELECT ");
  trigger_key_value(draft, source);
  draft_say(draft, " ");
  trigger_sources(draft, key);
  draft_say(draft, ");\n  INSERT INTO \"" DEBT_TABLE
                   "\" (rule, key) SELECT DISTINCT ");
  trigger_debtor(draft);
  draft_say(draft, ", ");
  trigger_key_value(draft, source);
  draft_say(draft, "\n  ");
  trigger_sources(draft, key);
  draft_say(draft, "\n    AND ");
  draft_links_break(draft, source, NULL);
  draft_say(draft, ";\n");
}

/* One more link of the source that `key` holds: what it owes may be paid.  Where
** it owes nothing its links are not counted. */
static void trigger_settle(Draft *draft, const Holder *key) {
  const Holder source = draft_owner(draft);
  bool same = true;
  for (int i = 0; i < key->columns->count; i++)
    if (!clause_same_value(key->columns->list[i], source.columns->list[i]))
      same = false;
  draft_say(draft, "  DELETE FROM \"" DEBT_TABLE "\" WHERE rule = ");
  trigger_debtor(draft);
  draft_say(draft, same ? " AND key = " : " AND key IN (SELECT ");
  trigger_key_value(draft, same ? *key : source);
  if (!same) {
    draft_say(draft, " ");
    trigger_sources(draft, key);
    draft_say(draft, ")");
  }
  draft_say(draft, "\n    AND EXISTS (SELECT 1 ");
  trigger_sources(draft, key);
  draft_say(draft, " AND ");
  trigger_key_value(draft, source);
  draft_say(draft, " = \"" DEBT_TABLE "\".key\n    AND NOT (");
  draft_links_break(draft, source, NULL);
  draft_say(draft, "));\n");
}

static void trigger_reckon_all(Draft *draft, TriggerEvent event) {
  const Relationship *r = draft->relationship;
  const Holder old_row = {"OLD", &r->source_key};
  const Holder new_row = {"NEW", &r->source_key};
  const Holder old_link = draft_source_of(draft, "OLD");
  const Holder new_link = draft_source_of(draft, "NEW");
  bool own = link_is_source(r);
  switch (event) {
    case TRIGGER_LINK_INSERT:
      if (own) trigger_reckon(draft, &new_link);
      if (!own) trigger_settle(draft, &new_link);
      break;
    case TRIGGER_LINK_DELETE:
      if (own) trigger_forget(draft, old_row);
      if (!own) trigger_reckon(draft, &old_link);
      break;
    case TRIGGER_LINK_UPDATE:
      if (own) trigger_forget(draft, old_row);
      if (!own) trigger_reckon(draft, &old_link);
      trigger_reckon(draft, &new_link);
      break;
    case TRIGGER_SOURCE_INSERT: trigger_reckon(draft, &new_row); break;
    case TRIGGER_SOURCE_UPDATE:
      trigger_forget(draft, old_row);
      trigger_reckon(draft, &new_row);
      break;
    case TRIGGER_SOURCE_DELETE: trigger_forget(draft, old_row); break;
    case TRIGGER_TARGET_INSERT:
    case TRIGGER_TARGET_UPDATE: trigger_reckon(draft, NULL); break;
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
         (draft_judged_needs(rule) & NEEDS_SOURCE) ||
         (rule_is_about_all(rule) && target.count) ||
         (rule->kind == RULE_ACYCLIC && r->cardinality == MANY_TO_MANY &&
          !draft_ends_are_alike(r));
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
static void trigger_update_of(Draft *draft, const Reads *reads) {
  bool all = reads->too_many;
  int count = 0;
  for (int i = 0; i < reads->count; i++)
    if (reads->list[i]->generated || column_is_rowid(reads->list[i]))
      all = true;
  draft_say(draft, "UPDATE");
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

static void trigger_event(Draft *draft, TriggerEvent event) {
  const Relationship *r = draft->relationship;
  draft_say(draft, draft->rule->leaving ? "BEFORE " : "AFTER ");
  if (event_is_update(event)) {
    Reads reads = reads_of(draft->rule, event);
    trigger_update_of(draft, &reads);
  } else {
    bool gone = event == TRIGGER_LINK_DELETE || event == TRIGGER_SOURCE_DELETE;
    draft_say(draft, gone ? "DELETE" : "INSERT");
  }
  sqlite3_str_appendf(draft->text, " ON \"%w\"", event_table(r, event)->name);
}

/* The column has changed; bytes count, not how they compare.  Without a type it
** may be 1 and become 1.0, which is another thing to divide. */
static void trigger_column_changed(Draft *draft, const Column *column) {
  draft_column(draft, "OLD", column);
  draft_say(draft, " IS NOT ");
  draft_column(draft, "NEW", column);
  draft_say(draft, " COLLATE BINARY");
  if (column->affinity != 'A') return;
  draft_say(draft, " OR typeof(");
  draft_column(draft, "OLD", column);
  draft_say(draft, ") <> typeof(");
  draft_column(draft, "NEW", column);
  draft_say(draft, ")");
}

/* WHEN something that is read has changed.  Returns the text that joins a
** further condition. */
static const char *trigger_changed(Draft *draft, const Reads *reads) {
  if (reads->too_many) return " WHEN ";
  draft_say(draft, " WHEN (");
  for (int i = 0; i < reads->count; i++) {
    if (i) draft_say(draft, " OR ");
    trigger_column_changed(draft, reads->list[i]);
  }
  draft_say(draft, ")");
  return " AND ";
}

static void trigger_when(Draft *draft, TriggerEvent event) {
  const Rule *rule = draft->rule;
  bool links = rule->kind != RULE_MIN_COUNT && !rule->leaving;
  if (event_is_update(event)) {
    Reads reads = reads_of(rule, event);
    const char *before = trigger_changed(draft, &reads);
    if (event == TRIGGER_LINK_UPDATE && links && rule->kind != RULE_HAVING)
      draft_is_link(draft, "NEW", before);
  } else if (event == TRIGGER_LINK_INSERT && links) {
    draft_is_link(draft, "NEW", " WHEN ");
  }
}

static void trigger_judge(Draft *draft, TriggerEvent event) {
  const Rule *rule = draft->rule;
  const Relationship *r = draft->relationship;
  const Holder old_link = draft_source_of(draft, "OLD");
  const Holder new_row = {"NEW", &r->source_key};
  bool all = rule_is_about_all(rule);
  switch (event) {
    case TRIGGER_LINK_INSERT: trigger_judge_link(draft, "NEW"); break;
    case TRIGGER_LINK_UPDATE:
      trigger_judge_link(draft, rule->leaving ? "OLD" : "NEW");
      if (rule->kind == RULE_HAVING && rule->always)
        trigger_judge_sources(draft, &old_link);
      break;
    case TRIGGER_LINK_DELETE:
      if (rule->leaving) trigger_judge_link(draft, "OLD");
      if (!rule->leaving) trigger_judge_sources(draft, &old_link);
      break;
    case TRIGGER_SOURCE_INSERT:
    case TRIGGER_SOURCE_UPDATE:
      if (all) trigger_judge_sources(draft, &new_row);
      if (!all) trigger_judge_links(draft, end_of_source(r));
      break;
    case TRIGGER_TARGET_INSERT:
    case TRIGGER_TARGET_UPDATE:
      if (all) trigger_judge_sources(draft, NULL);
      if (!all) trigger_judge_links(draft, end_of_target(r));
      break;
    case TRIGGER_SOURCE_DELETE: break;
  }
}

char *trigger_sql(const Rule *rule, TriggerEvent event, const char *name) {
  Draft draft = draft_of(rule, NULL);
  sqlite3_str_appendf(draft.text, "\"%w\"\n", name);
  trigger_event(&draft, event);
  trigger_when(&draft, event);
  draft_say(&draft, " BEGIN\n");
  if (rule->kind == RULE_MIN_COUNT) {
    trigger_reckon_all(&draft, event);
  } else {
    trigger_judge(&draft, event);
  }
  draft_say(&draft, "END");
  return draft_finish(&draft);
}

/* A name for it, behind a prefix. */
void trigger_append_name(sqlite3_str *text, const Rule *rule,
                         TriggerEvent event) {
  sqlite3_str_appendf(text, "%s_%s_%s", rule->relationship->link->name,
                      rule->declaration->name, event_name(event));
}
