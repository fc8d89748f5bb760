/*
** rule.c: what a relationship allows, as the file declares it.
**
**     SELECT source, relationship, name, options FROM _relationship_rule;
**     courses|students_via_student_course|capacity|
**         {"kind":"max_count","expression":"source.capacity"}
**
** A rule belongs to one direction of a relationship that is not derived.  Its
** expressions are about the rows of a link: source, target and link.
**
** Rules bind by the triggers that were made of them, see trigger.c, and not by
** what is read here.  So a model has no rules; who wants to show or explain
** them reads them.
**
** Invariants
**   1. What is read here is data: expressions are analysed, words are looked up.
**      A rule that can't be used has a problem.
**   2. Without a problem a rule has all that its kind needs.
*/
#include "relate_int.h"

static const char *const kinds[] = {"check",  "max_count",  "min_count",
                                    "having", "no_overlap", "acyclic"};

#define KIND_COUNT ((int)(sizeof(kinds) / sizeof(kinds[0])))

const char *rule_kind_name(RuleKind kind) { return kinds[kind]; }

bool rule_is_about_all(const Rule *rule) {
  return rule->kind == RULE_MAX_COUNT || rule->kind == RULE_MIN_COUNT ||
         rule->kind == RULE_HAVING;
}

/* One rule on its way. */
typedef struct RuleReading {
  Failure *failure;
  Arena *arena;
  sqlite3 *db;
  Analyser *analyser;
  Rule *rule;
} RuleReading;

static bool reading_is_over(const RuleReading *reading) {
  return reading->failure->code || reading->rule->problem;
}

static void rule_refuse(RuleReading *reading, const char *format, ...) {
  if (reading_is_over(reading)) return;
  va_list arguments;
  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (!text) failure_memory(reading->failure);
  reading->rule->problem = arena_text(reading->failure, reading->arena, text);
  sqlite3_free(text);
}

static const char *rule_option(RuleReading *reading, const char *name) {
  return catalog_option(reading->failure, reading->arena, reading->db,
                        reading->rule->declaration->options, name);
}

/* ---- words ---- */

static void rule_read_kind(RuleReading *reading) {
  const char *word = rule_option(reading, "kind");
  for (int i = 0; i < KIND_COUNT; i++)
    if (name_equal(kinds[i], word)) {
      reading->rule->kind = (RuleKind)i;
      return;
    }
  rule_refuse(reading,
              "the kind of a rule is check, max_count, min_count, having, "
              "no_overlap or acyclic%s%.40s",
              word ? ", not " : "", word ? word : "");
}

/* True if the option is `second`, false if it is `first` or not given. */
static bool rule_read_choice(RuleReading *reading, const char *option,
                             const char *first, const char *second,
                             bool otherwise) {
  const char *word = rule_option(reading, option);
  if (!word || reading->failure->code) return otherwise;
  if (name_equal(word, second)) return true;
  if (!name_equal(word, first))
    rule_refuse(reading, "%s is %s or %s, not '%.40s'", option, first, second,
                word);
  return false;
}

static void rule_read_words(RuleReading *reading) {
  Rule *rule = reading->rule;
  bool check = rule->kind == RULE_CHECK;
  rule->leaving = rule_read_choice(reading, "on", "relate", "unrelate", false);
  rule->always = rule_read_choice(reading, "when", "link", "always", !check);
  if (rule->leaving && !check)
    rule_refuse(reading, "on unrelate is for a check");
  if (rule->leaving && rule->always)
    rule_refuse(reading,
                "a check on unrelate is judged when a link goes; "
                "leave when out");
  if (rule->kind == RULE_MIN_COUNT && !rule->always)
    rule_refuse(reading, "a min_count is always judged; leave when out");
}

/* ---- expressions ---- */

static const Expression *rule_expression(RuleReading *reading, const char *what,
                                         const Scope *scope,
                                         ExpressionKind kind,
                                         const char *text) {
  const char *problem = NULL;
  if (reading_is_over(reading) || !text) return NULL;
  const Expression *expression =
      expression_read(reading->failure, reading->arena, reading->analyser,
                      scope, kind, text, &problem);
  if (problem) rule_refuse(reading, "its %s can't be used: %s", what, problem);
  return expression;
}

static void rule_read_interval(RuleReading *reading, const Scope *scope,
                               const char *text) {
  Rule *rule = reading->rule;
  int comma = expression_comma(text);
  if (comma < 0)
    rule_refuse(reading,
                "a no_overlap takes two expressions, the start and "
                "the end: target.starts, target.ends");
  if (reading_is_over(reading)) return;
  const char *start =
      arena_format(reading->failure, reading->arena, "%.*s", comma, text);
  const char *end = text + comma + 1;
  while (*end == ' ') end++;
  rule->expression =
      rule_expression(reading, "start", scope, EXPRESSION_VALUE, start);
  rule->end = rule_expression(reading, "end", scope, EXPRESSION_VALUE, end);
}

static void rule_read_expression(RuleReading *reading, const Scope *scope) {
  Rule *rule = reading->rule;
  const Scope source = {scope->source, NULL, NULL};
  const char *text = rule_option(reading, "expression");
  if (text && rule->kind == RULE_ACYCLIC)
    rule_refuse(reading, "acyclic takes no expression; give NULL");
  if (!text && rule->kind != RULE_ACYCLIC)
    rule_refuse(reading, "%s needs an expression", kinds[rule->kind]);
  if (reading_is_over(reading)) return;
  rule->text = text;
  switch (rule->kind) {
    case RULE_CHECK:
      rule->expression = rule_expression(reading, "expression", scope,
                                         EXPRESSION_CONDITION, text);
      break;
    case RULE_MAX_COUNT:
    case RULE_MIN_COUNT:
      rule->expression = rule_expression(reading, "expression", &source,
                                         EXPRESSION_VALUE, text);
      break;
    case RULE_HAVING:
      rule->expression = rule_expression(reading, "expression", scope,
                                         EXPRESSION_HAVING, text);
      break;
    case RULE_NO_OVERLAP: rule_read_interval(reading, scope, text); break;
    case RULE_ACYCLIC: break;
  }
}

static void rule_read_counted(RuleReading *reading, const Scope *scope) {
  Rule *rule = reading->rule;
  const char *where = rule_option(reading, "where");
  const char *per = rule_option(reading, "per");
  if (where && rule->kind == RULE_CHECK)
    rule_refuse(reading,
                "a check takes no where; write NOT (<where>) OR "
                "(<expression>)");
  if ((where || per) && rule->kind == RULE_ACYCLIC)
    rule_refuse(reading, "acyclic is about all links; leave %s out",
                where ? "where" : "per");
  if (per && (rule->kind == RULE_CHECK || rule->kind == RULE_MIN_COUNT))
    rule_refuse(reading, "per is for max_count, having and no_overlap");
  rule->where =
      rule_expression(reading, "where", scope, EXPRESSION_CONDITION, where);
  rule->per = rule_expression(reading, "per", scope, EXPRESSION_VALUE, per);
  if (rule->per && !rule->per->target && !rule->per->link)
    rule_refuse(reading,
                "per is a value of the target or the link, such as "
                "target.term");
}

/* ---- the relationship ---- */

static bool table_is_old_or_new(const Table *table) {
  return name_equal(table->name, "old") || name_equal(table->name, "new");
}

static void rule_check_acyclic(RuleReading *reading) {
  const Relationship *r = reading->rule->relationship;
  if (r->source != r->target)
    rule_refuse(reading,
                "acyclic is for a relationship between a table and "
                "itself; this one leads from %s to %s",
                r->source->name, r->target->name);
  if (!columns_same(&r->source_key, &r->target_key))
    rule_refuse(reading, "acyclic needs both ends to be known by the same key");
}

static void rule_find(RuleReading *reading, const Model *model) {
  Rule *rule = reading->rule;
  const Direction *way = &rule->declaration->direction;
  const Relationship *r = model_direction(reading->failure, model, way);
  if (reading->failure->code) return;
  if (!r) {
    rule->problem =
        direction_lost(reading->failure, reading->arena, model->schema, way);
    return;
  }
  rule->relationship = r;
  if (r->problem) rule_refuse(reading, "%s", r->problem);
  if (!r->target || reading_is_over(reading)) return;
  if (!r->link->row_key.count)
    rule_refuse(reading,
                "the rows of %s can't be told apart: columns hide "
                "every name of its rowid",
                r->link->name);
  if (table_is_old_or_new(r->source) || table_is_old_or_new(r->target) ||
      table_is_old_or_new(r->link))
    rule_refuse(reading,
                "no trigger can speak of a table named old or new; "
                "rename it");
}

/* ---- what it says ---- */

static void rule_read_message(RuleReading *reading) {
  static const char *const formats[] = {
      "%s: not allowed unless %s (rule %s)",
      "%s: no more than %s (rule %s)",
      "%s: no fewer than %s (rule %s)",
      "%s: not allowed unless %s (rule %s)",
      "%s: no two may overlap in %s (rule %s)",
      "%s: no cycles%s (rule %s)"};
  Rule *rule = reading->rule;
  rule->message = rule_option(reading, "message");
  if (rule->message || reading_is_over(reading)) return;
  rule->message =
      arena_format(reading->failure, reading->arena, formats[rule->kind],
                   rule->relationship->full_name, rule->text ? rule->text : "",
                   rule->declaration->name);
}

Rule *rule_read(Failure *failure, Arena *arena, sqlite3 *db, Analyser *analyser,
                const Model *model, const RuleDeclaration *declaration) {
  Rule *rule = arena_take(failure, arena, sizeof(*rule));
  if (!rule) return NULL;
  rule->declaration = declaration;
  rule->problem = declaration->problem;
  RuleReading reading = {failure, arena, db, analyser, rule};
  if (!reading_is_over(&reading)) rule_find(&reading, model);
  if (!reading_is_over(&reading)) rule_read_kind(&reading);
  if (reading_is_over(&reading)) return failure->code ? NULL : rule;
  const Relationship *r = rule->relationship;
  const Scope scope = {r->source, r->target, r->link};
  rule_read_words(&reading);
  rule_read_expression(&reading, &scope);
  rule_read_counted(&reading, &scope);
  if (rule->kind == RULE_ACYCLIC) rule_check_acyclic(&reading);
  rule_read_message(&reading);
  return failure->code ? NULL : rule;
}
