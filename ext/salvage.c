/*
** salvage.c: a rule out of its triggers.
**
** When a table or a column is renamed, SQLite writes the new name into every
** trigger, but not into the row of _relationship_rule, which is data.  The rule
** binds as before; only what the row says is out of date.  What it was to say
** can be read from the trigger on the link's table:
**
**     AFTER UPDATE OF ... ON "student_course"     the link table
**     WHEN (OLD."student_id" IS NOT ...           the link's columns, first those
**                                                 of the source, then those of
**                                                 the target
**     (/ *rule* / target.is_open)                 the expressions, by their marks
**
** What is found is data too: it is looked up and analysed like everything that
** a file says.
*/
#include "relate_int.h"

/* ---- the trigger ---- */

typedef struct Wreck {
  Failure *failure;
  Arena *arena;
  sqlite3 *db;
  const char *table; /* that it is on */
  const char *sql;
} Wreck;

/* Finds the trigger that an UPDATE of a link sets off: the one on record that is
** on the link's table, whatever that is called now. */
static bool wreck_find(Wreck *wreck, const char *name) {
  sqlite3_stmt *statement = statement_prepare(
      wreck->failure, wreck->db, STATEMENT_PLAIN,
      "SELECT s.tbl_name, s.sql FROM main.sqlite_schema AS s"
      " WHERE s.type = 'trigger' AND s.name = ?1 COLLATE NOCASE");
  statement_bind_text(wreck->failure, statement, 1, name);
  if (statement_step(wreck->failure, statement)) {
    wreck->table = arena_text(wreck->failure, wreck->arena,
                              statement_text(wreck->failure, statement, 0));
    wreck->sql = arena_text(wreck->failure, wreck->arena,
                            statement_text(wreck->failure, statement, 1));
  }
  sqlite3_finalize(statement);
  return wreck->sql && !wreck->failure->code;
}

/* The text behind `mark` up to the parenthesis that closes it; NULL if the mark
** is not there. */
static const char *wreck_expression(const Wreck *wreck, const char *mark) {
  size_t size = strlen(mark);
  const char *at = wreck->sql;
  while (*at && strncmp(at, mark, size) != 0) at = name_token_end(at);
  if (!*at) return NULL;
  const char *start = at + size;
  int depth = 0;
  for (at = start; *at && !(*at == ')' && depth == 0);
       at = name_token_end(at)) {
    if (*at == '(') depth++;
    if (*at == ')') depth--;
  }
  return arena_format(wreck->failure, wreck->arena, "%.*s", (int)(at - start),
                      start);
}

/* Moves *at behind OLD."name" IS NOT; the name, in the arena. */
static const char *wreck_column(const Wreck *wreck, const char **at) {
  static const char before[] = "OLD.\"", behind[] = " IS NOT ";
  const char *c = *at;
  while (*c && strncmp(c, before, sizeof(before) - 1) != 0)
    c = name_token_end(c);
  if (!*c) return NULL;
  const char *name = c + sizeof(before) - 2;
  *at = name_token_end(name);
  if (strncmp(*at, behind, sizeof(behind) - 1) != 0) return NULL;
  sqlite3_str *text = sqlite3_str_new(NULL);
  name_read(&name, text);
  return arena_string(wreck->failure, wreck->arena, text);
}

/* ---- the relationship ---- */

/* True if the columns that the trigger compares are first those of one end, then
** those of the other. */
static bool wreck_is_of(const Wreck *wreck, const Relationship *r) {
  const Columns *ends[] = {&r->source_link, &r->target_link};
  Columns seen = {0, NULL};
  const char *at = wreck->sql;
  for (int end = 0; end < 2; end++)
    for (int i = 0; i < ends[end]->count; i++) {
      const Column *column = ends[end]->list[i];
      if (columns_contain(&seen, column) ||
          (end && columns_contain(ends[0], column)))
        continue;
      const char *name = wreck_column(wreck, &at);
      if (!name || !name_equal(name, column->name)) return false;
    }
  return true;
}

/* The one that goes the way that `lost` went, through the trigger's table. */
static const Relationship *wreck_relationship(const Wreck *wreck,
                                              const Model *model,
                                              const Direction *lost) {
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *r = &model->relationships[i];
    if (r->derived || !r->target || !name_equal(r->link->name, wreck->table))
      continue;
    Direction way = direction_of(wreck->failure, wreck->arena, r);
    if (wreck->failure->code) return NULL;
    if (!way.source_columns == !lost->source_columns &&
        !way.target_columns == !lost->target_columns && wreck_is_of(wreck, r))
      return r;
  }
  return NULL;
}

/* ---- the row ---- */

static const char *with_text(const Wreck *wreck, const char *options,
                             const char *name, const char *text) {
  if (!text || wreck->failure->code) return options;
  return catalog_with_option(wreck->failure, wreck->arena, wreck->db, options,
                             name, text);
}

static const char *wreck_options(const Wreck *wreck, const char *options) {
  const char *rule = wreck_expression(wreck, DRAFT_RULE_MARK);
  const char *end = wreck_expression(wreck, DRAFT_END_MARK);
  if (rule && end)
    rule = arena_format(wreck->failure, wreck->arena, "%s, %s",
                        rule /* safe: analysed before it is used */,
                        end /* safe: likewise */);
  options = with_text(wreck, options, "expression", rule);
  options = with_text(wreck, options, "where",
                      wreck_expression(wreck, DRAFT_WHERE_MARK));
  return with_text(wreck, options, "per",
                   wreck_expression(wreck, DRAFT_PER_MARK));
}

static bool salvage_from(Wreck *wreck, const Model *model,
                         const RuleDeclaration *lost, RuleDeclaration *found) {
  const Relationship *r = wreck_relationship(wreck, model, &lost->direction);
  if (!r) return false;
  *found = *lost;
  found->direction = direction_of(wreck->failure, wreck->arena, r);
  found->relationship = r->exact_name;
  found->options = wreck_options(wreck, lost->options);
  return !wreck->failure->code;
}

bool salvage_rule(Failure *failure, Arena *arena, sqlite3 *db,
                  const Model *model, const RuleDeclaration *lost,
                  RuleDeclaration *found) {
  Make made = {.db = db, .arena = arena};
  const Declaration record = {.made = lost->made, .options = "{}"};
  if (failure->code || lost->problem) return false;
  make_read(failure, &made, &record);
  for (int i = 0; i < made.count && !failure->code; i++) {
    Wreck wreck = {.failure = failure, .arena = arena, .db = db};
    if (name_equal(made.list[i].type, "trigger") &&
        wreck_find(&wreck, made.list[i].name) &&
        salvage_from(&wreck, model, lost, found))
      return true;
  }
  return false;
}
