/*
** enactment.c: what a rule has made in the file, and whether it is there still.
**
** A rule binds by its triggers.  A program that makes a table anew drops them
** with the old one; somebody may drop or write one by hand.  So what the rule
** wants is compared with what the file has, word for word.
*/
#include "relate_int.h"

/* The trigger of that name, as main has it; NULL if it is not there. */
static const char *trigger_found(Failure *failure, Arena *arena, sqlite3 *db,
                                 const char *name) {
  if (failure->code || !name) return NULL;
  sqlite3_stmt *statement = statement_prepare(
      failure, db, STATEMENT_PLAIN,
      "SELECT s.sql FROM main.sqlite_schema AS s"
      " WHERE s.type = 'trigger' AND s.name = ?1 COLLATE NOCASE");
  statement_bind_text(failure, statement, 1, name);
  const char *sql = NULL;
  if (statement_step(failure, statement))
    sql = arena_text(failure, arena, statement_text(failure, statement, 0));
  sqlite3_finalize(statement);
  return sql;
}

char *enactment_sql(Failure *failure, const Rule *rule, TriggerEvent event,
                    const char *name, const char *schema) {
  if (failure->code) return NULL;
  char *text = trigger_sql(rule, event, name);
  char *sql = text ? sqlite3_mprintf("CREATE TRIGGER %s%s",
                                     schema /* safe: a literal */,
                                     text /* safe: ours */)
                   : NULL;
  sqlite3_free(text);
  if (!sql) failure_memory(failure);
  return sql;
}

/* The name of trigger `number` on the record, or NULL. */
static const char *recorded_trigger(const Make *made, int number) {
  for (int i = 0; i < made->count; i++)
    if (name_equal(made->list[i].type, "trigger") && number-- == 0)
      return made->list[i].name;
  return NULL;
}

static void enactment_add(Failure *failure, Arena *arena, sqlite3 *db,
                          const Rule *rule, TriggerEvent event,
                          Enactment *enactment) {
  EnactedTrigger *trigger = &enactment->triggers[enactment->count];
  trigger->event = event;
  trigger->name = recorded_trigger(&enactment->made, enactment->count);
  enactment->count++;
  trigger->found = trigger_found(failure, arena, db, trigger->name);
  if (!trigger->found) {
    enactment->state = ENACTMENT_LOST;
    return;
  }
  char *wanted = enactment_sql(failure, rule, event, trigger->name, "");
  if (wanted && strcmp(wanted, trigger->found) != 0 &&
      enactment->state == ENACTMENT_INSTALLED)
    enactment->state = ENACTMENT_DIFFERS;
  sqlite3_free(wanted);
}

Enactment enactment_of(Failure *failure, Arena *arena, sqlite3 *db,
                       const Rule *rule) {
  Enactment enactment = {.made = {.db = db, .arena = arena}};
  const Declaration record = {.made = rule->declaration->made, .options = "{}"};
  if (failure->code || rule->declaration->problem) return enactment;
  make_read(failure, &enactment.made, &record);
  for (int i = 0; i < TRIGGER_EVENT_COUNT && !rule->problem; i++)
    if (!failure->code && trigger_is_wanted(rule, (TriggerEvent)i))
      enactment_add(failure, arena, db, rule, (TriggerEvent)i, &enactment);
  return enactment;
}

const char *enactment_state_name(EnactmentState state) {
  static const char *const names[] = {"installed", "differs", "lost"};
  return names[state];
}
