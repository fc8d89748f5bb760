/*
** verdict.c: what the rules say of one link.
**
** The rules of a relationship, and those of its inverse, are asked what they
** would say if a pair were linked, or unlinked.  Nothing is tried: each is a
** query on the rows that are there and one that is supposed.
**
** A message of a trigger can't hold numbers.  So when one has refused a link,
** who tells the user asks here how many there are and how many may be.
*/
#include "relate_int.h"

static void verdict_bind(Failure *failure, sqlite3_stmt *statement,
                         const VerdictQuestion *question, const Rule *rule) {
  const Relationship *r = question->relationship;
  bool turned = rule->relationship != r;
  const Value *first = turned ? question->target : question->source;
  const Value *second = turned ? question->source : question->target;
  int count = turned ? r->target_key.count : r->source_key.count;
  int keys = r->source_key.count + r->target_key.count;
  for (int i = 0; i < count; i++)
    value_bind(failure, statement, i + 1, &first[i]);
  for (int i = count; i < keys; i++)
    value_bind(failure, statement, i + 1, &second[i - count]);
  if (question->leaving) return;
  for (int i = 0; i < question->payload.count; i++)
    value_bind(failure, statement, keys + i + 1, &question->payload_values[i]);
}

static void verdict_ask(Failure *failure, sqlite3 *db,
                        const VerdictQuestion *question, Verdict *verdict) {
  char *sql = suppose_sql(verdict->rule, question->leaving, &question->payload);
  if (!sql) failure_memory(failure);
  sqlite3_stmt *statement = statement_prepare(failure, db, 0, sql);
  verdict_bind(failure, statement, question, verdict->rule);
  verdict->said = statement_step(failure, statement);
  verdict->holds = (Value){.type = SQLITE_NULL};
  for (int i = 0; i < 3 && verdict->said; i++) {
    Value value = value_of_column(failure, statement, i);
    values_add(failure, &verdict->values, &value);
  }
  sqlite3_int64 place = 0;
  Value *parts[] = {&verdict->holds, &verdict->have, &verdict->allowed};
  for (int i = 0; i < 3 && !failure->code && verdict->said; i++)
    values_next(&verdict->values, &place, parts[i]);
  sqlite3_finalize(statement);
  sqlite3_free(sql);
}

/* True if the rule is about the links of the relationship, in either way. */
static bool rule_is_of(const Rule *rule, const Relationship *relationship) {
  return rule->relationship && (rule->relationship == relationship ||
                                rule->relationship == relationship->inverse);
}

void verdict_each(Failure *failure, Connection *connection,
                  const VerdictQuestion *question, VerdictFunction *each,
                  void *argument) {
  const Model *model = question->relationship->model;
  Arena *arena = arena_new(failure);
  Analyser *analyser =
      failure->code ? NULL : analyser_new(failure, model->schema);
  int count = failure->code ? 0 : model->catalog->rule_count;
  for (int i = 0; i < count && !failure->code; i++) {
    Verdict verdict = {.rule =
                           rule_read(failure, arena, connection->db, analyser,
                                     model, &model->catalog->rules[i])};
    if (failure->code || !rule_is_of(verdict.rule, question->relationship))
      continue;
    if (!verdict.rule->problem) {
      if (!suppose_concerns(verdict.rule, question->leaving)) continue;
      verdict_ask(failure, connection->db, question, &verdict);
      if (!verdict.said) continue;
    }
    if (!failure->code) each(failure, argument, &verdict);
    values_free(&verdict.values);
  }
  analyser_free(analyser);
  arena_free(arena);
}

/* ---- in an error ---- */

typedef struct Explanation {
  const char *message; /* that the trigger has raised */
  sqlite3_str *text;
  bool refuses; /* a rule with that message does not hold */
} Explanation;

static void explain_verdict(Failure *failure, void *argument,
                            const Verdict *verdict) {
  Explanation *explanation = argument;
  const Rule *rule = verdict->rule;
  (void)failure;
  if (!rule->problem && strcmp(rule->message, explanation->message) == 0 &&
      verdict->holds.type == SQLITE_INTEGER && !verdict->holds.integer)
    explanation->refuses = true;
  if (rule->problem || sqlite3_str_length(explanation->text) ||
      strcmp(rule->message, explanation->message) != 0)
    return;
  if (verdict->have.type != SQLITE_NULL) {
    sqlite3_str_appendall(explanation->text, ": ");
    value_describe(explanation->text, &verdict->have);
    sqlite3_str_appendall(explanation->text, " of ");
    value_describe(explanation->text, &verdict->allowed);
  }
  if (!strstr(rule->message, "(rule "))
    sqlite3_str_appendf(explanation->text, " (rule %s)",
                        rule->declaration->name);
}

bool verdict_refuses(Connection *connection, const Failure *failure,
                     const VerdictQuestion *question) {
  Failure own = {0, NULL};
  if (failure->code != SQLITE_CONSTRAINT_TRIGGER || !failure->message)
    return false;
  Explanation explanation = {failure->message, sqlite3_str_new(NULL), false};
  verdict_each(&own, connection, question, explain_verdict, &explanation);
  sqlite3_free(sqlite3_str_finish(explanation.text));
  failure_clear(&own);
  return explanation.refuses;
}

/* Some orders both make a link and let another go: either may be refused. */
void verdict_explain(Failure *failure, Connection *connection,
                     const VerdictQuestion *question) {
  Failure own = {0, NULL};
  VerdictQuestion asked = *question;
  if (failure->code != SQLITE_CONSTRAINT_TRIGGER || !failure->message) return;
  Explanation explanation = {failure->message, sqlite3_str_new(NULL), false};
  for (int leaving = 0; leaving < 2; leaving++) {
    asked.leaving = leaving != 0;
    if (!sqlite3_str_length(explanation.text))
      verdict_each(&own, connection, &asked, explain_verdict, &explanation);
  }
  char *text = failure_text(&own, explanation.text);
  if (text) failure_append(failure, "%s", text);
  sqlite3_free(text);
  failure_clear(&own);
}
