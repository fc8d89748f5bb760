/*
** regulate.c: relationship_rule() and relationship_rule_drop().
**
**     SELECT relationship_rule('courses.students', 'capacity', 'max_count',
**                              'source.capacity', 'message', 'it is full');
**     SELECT relationship_rule_drop('courses.students', 'capacity');
**
** A call writes the row of the rule, reads it back as every connection will,
** looks for what breaks it already, and makes its triggers.  Saying the same
** twice writes nothing; saying another thing under the same name puts it in the
** place of the former.
*/
#include "relate_int.h"

#define SHOWN_LIMIT 3 /* of the rows that break a rule */

/* The options that are kept, in the order in which they are written. */
static const char *const option_names[] = {"message", "where", "per",
                                           "when",    "on",    "existing"};

enum {
  REGULATE_MESSAGE,
  REGULATE_WHERE,
  REGULATE_PER,
  REGULATE_WHEN,
  REGULATE_ON,
  REGULATE_EXISTING, /* is not kept */
  REGULATE_COUNT
};

/* One call. */
typedef struct Regulation {
  Connection *connection;
  Arena *arena;
  Model *model; /* of main, as it is now */
  Analyser *analyser;
  Path path;
  const char *name, *kind, *expression;
  const char *values[REGULATE_COUNT];
  bool keeps; /* what breaks the rule already may stay */
  const Relationship *relationship;
  RuleDeclaration declaration;
  const Rule *rule;
  Make make;
} Regulation;

static Regulation regulation_new(Failure *failure, Connection *connection) {
  Regulation regulation = {.connection = connection,
                           .arena = arena_new(failure)};
  regulation.make.db = regulation.connection->db;
  regulation.make.arena = regulation.arena;
  return regulation;
}

static void regulation_free(Regulation *regulation) {
  analyser_free(regulation->analyser);
  model_release(regulation->model);
  path_free(&regulation->path);
  arena_free(regulation->arena);
}

/* ---- arguments ---- */

/* An expression may be given as a number. */
static const char *argument_expression(Failure *failure, Arena *arena,
                                       sqlite3_value *value) {
  int type = sqlite3_value_type(value);
  if (failure->code || type == SQLITE_NULL) return NULL;
  if (type == SQLITE_INTEGER)
    return arena_format(failure, arena, "%lld", sqlite3_value_int64(value));
  if (type == SQLITE_FLOAT)
    return arena_format(failure, arena, "%!.17g", sqlite3_value_double(value));
  return arena_text(failure, arena,
                    declare_text(failure, value, "the expression"));
}

static void fail_option(Failure *failure, const char *name) {
  if (failure->code) return;
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < REGULATE_COUNT; i++)
    sqlite3_str_appendf(text, "%s%s", i ? ", " : "", option_names[i]);
  char *list = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR, "no option '%.40s'; there is %s", name,
              list);
  sqlite3_free(list);
}

static void regulation_option(Failure *failure, Regulation *regulation,
                              sqlite3_value **pair) {
  const char *name = declare_text(failure, pair[0], "the name of an option");
  int option = 0;
  if (failure->code) return;
  while (option < REGULATE_COUNT && !name_equal(option_names[option], name))
    option++;
  if (option == REGULATE_COUNT) {
    fail_option(failure, name);
  } else if (sqlite3_value_type(pair[1]) != SQLITE_NULL) {
    regulation->values[option] =
        arena_text(failure, regulation->arena,
                   declare_text(failure, pair[1], "the value of an option"));
  }
}

static void regulation_existing(Failure *failure, Regulation *regulation) {
  const char *existing = regulation->values[REGULATE_EXISTING];
  if (!existing || failure->code) return;
  regulation->keeps = name_equal(existing, "keep");
  if (!regulation->keeps && !name_equal(existing, "refuse"))
    failure_set(failure, SQLITE_ERROR,
                "existing is refuse or keep, not '%.40s'", existing);
}

static void regulation_names(Failure *failure, Regulation *regulation,
                             sqlite3_value **argv) {
  regulation->path = declare_path(
      failure, declare_text(failure, argv[0], "the name of the relationship"));
  regulation->name =
      arena_text(failure, regulation->arena,
                 declare_text(failure, argv[1], "the name of the rule"));
  if (!failure->code && !*regulation->name)
    failure_set(failure, SQLITE_ERROR, "a rule needs a name");
}

static void regulation_arguments(Failure *failure, Regulation *regulation,
                                 int argc, sqlite3_value **argv) {
  if (argc < 4 || argc % 2)
    failure_set(failure, SQLITE_ERROR,
                "takes a relationship, a name for the rule, its kind and "
                "expression, then options and their values");
  if (failure->code) return;
  regulation_names(failure, regulation, argv);
  regulation->kind =
      arena_text(failure, regulation->arena,
                 declare_text(failure, argv[2], "the kind of the rule"));
  regulation->expression =
      argument_expression(failure, regulation->arena, argv[3]);
  for (int i = 4; i < argc && !failure->code; i += 2)
    regulation_option(failure, regulation, argv + i);
  regulation_existing(failure, regulation);
}

/* ---- a row that is out of date ---- */

/* True if the rule can't be used as its row has it. */
static bool rule_is_lost(Failure *failure, sqlite3 *db, Arena *arena,
                         const Model *model,
                         const RuleDeclaration *declaration) {
  Analyser *analyser = analyser_new(failure, model->schema);
  const Rule *rule = failure->code ? NULL
                                   : rule_read(failure, arena, db, analyser,
                                               model, declaration);
  analyser_free(analyser);
  return rule && rule->problem;
}

bool regulate_salvage(Failure *failure, Connection *connection, Arena *arena,
                      const Model *model, const RuleDeclaration *lost,
                      RuleDeclaration *found) {
  sqlite3 *db = connection->db;
  if (failure->code || lost->problem ||
      !rule_is_lost(failure, db, arena, model, lost) ||
      !salvage_rule(failure, arena, db, model, lost, found))
    return false;
  catalog_forget_debts(failure, db, model->schema, lost);
  catalog_remove_rule(failure, db, lost);
  catalog_store_rule(failure, db, found);
  catalog_announce(failure, db);
  return true;
}

/* ---- what it is about ---- */

static void regulation_refresh(Failure *failure, Regulation *regulation) {
  Connection *connection = regulation->connection;
  analyser_free(regulation->analyser);
  regulation->analyser = NULL;
  model_release(regulation->model);
  regulation->model =
      model_new(failure, connection->db, "main", &connection->serial);
  if (!failure->code)
    regulation->analyser = analyser_new(failure, regulation->model->schema);
}

/* Rules whose tables were renamed have the names of today from here on. */
static void regulation_salvage(Failure *failure, Regulation *regulation) {
  bool found = false;
  for (int i = 0; !failure->code && i < regulation->model->catalog->rule_count;
       i++) {
    const Model *model = regulation->model;
    const RuleDeclaration *lost = &model->catalog->rules[i];
    RuleDeclaration rule;
    if (!model_direction(failure, model, &lost->direction) &&
        regulate_salvage(failure, regulation->connection, regulation->arena,
                         model, lost, &rule))
      found = true;
  }
  if (found) regulation_refresh(failure, regulation);
}

static void regulation_find(Failure *failure, Regulation *regulation) {
  regulation_refresh(failure, regulation);
  regulation_salvage(failure, regulation);
  if (failure->code) return;
  const Relationship *r =
      path_relationship(failure, regulation->model, &regulation->path);
  if (!failure->code && r->derived)
    failure_set(failure, SQLITE_ERROR,
                "it is declared by a path or a condition; say the rule of the "
                "relationship that it leads along");
  regulation->relationship = r;
}

/* The row that is there for the rule; NULL if there is none. */
static const RuleDeclaration *regulation_before(const Regulation *regulation) {
  const Catalog *catalog = regulation->model->catalog;
  for (int i = 0; i < catalog->rule_count; i++) {
    const RuleDeclaration *rule = &catalog->rules[i];
    if (name_equal(rule->name, regulation->name) &&
        name_equal(rule->direction.source,
                   regulation->relationship->source->name) &&
        name_equal(rule->relationship, regulation->relationship->exact_name))
      return rule;
  }
  return NULL;
}

/* ---- the row ---- */

static const char *with_option(Failure *failure, const Regulation *regulation,
                               const char *options, const char *name,
                               const char *value) {
  if (failure->code || !value) return options;
  return catalog_with_option(failure, regulation->arena, regulation->make.db,
                             options, name, value);
}

static void regulation_describe(Failure *failure, Regulation *regulation) {
  if (failure->code) return;
  const char *options = "{}";
  options = with_option(failure, regulation, options, "kind", regulation->kind);
  options = with_option(failure, regulation, options, "expression",
                        regulation->expression);
  for (int i = 0; i < REGULATE_EXISTING; i++)
    options = with_option(failure, regulation, options, option_names[i],
                          regulation->values[i]);
  regulation->declaration =
      (RuleDeclaration){.direction = direction_of(failure, regulation->arena,
                                                  regulation->relationship),
                        .relationship = regulation->relationship->exact_name,
                        .name = regulation->name,
                        .options = options,
                        .made = "[]"};
}

static void regulation_read(Failure *failure, Regulation *regulation) {
  if (failure->code) return;
  regulation->rule = rule_read(failure, regulation->arena, regulation->make.db,
                               regulation->analyser, regulation->model,
                               &regulation->declaration);
  if (!failure->code && regulation->rule->problem)
    failure_set(failure, SQLITE_ERROR, "%s", regulation->rule->problem);
}

/* ---- what breaks it already ---- */

static void describe_row(Failure *failure, sqlite3_str *text,
                         const Table *table, const Columns *columns,
                         sqlite3_stmt *statement, int from) {
  Key key = {.table = table, .columns = columns};
  key.values = sqlite3_malloc64((sqlite3_uint64)columns->count * sizeof(Value));
  if (!key.values) failure_memory(failure);
  for (int i = 0; i < columns->count && !failure->code; i++)
    key.values[i] = value_of_column(failure, statement, from + i);
  if (!failure->code) key_describe_row(text, &key);
  sqlite3_free(key.values);
}

static void describe_breaking(Failure *failure, sqlite3_str *text,
                              const Rule *rule, sqlite3_stmt *statement) {
  const Relationship *r = rule->relationship;
  describe_row(failure, text, r->source, &r->source_key, statement, 0);
  if (rule_is_about_all(rule)) return;
  sqlite3_str_appendall(text, " and ");
  describe_row(failure, text, r->target, &r->target_key, statement,
               r->source_key.count);
}

static void check_existing(Failure *failure, const Regulation *regulation) {
  const Rule *rule = regulation->rule;
  if (failure->code || regulation->keeps || rule->leaving) return;
  char *sql = draft_breaking_sql(rule);
  if (!sql) failure_memory(failure);
  sqlite3_stmt *statement =
      statement_prepare(failure, regulation->make.db, 0, sql);
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_int64 count = 0;
  for (; statement_step(failure, statement); count++) {
    if (count >= SHOWN_LIMIT) continue;
    if (count) sqlite3_str_appendall(text, "; ");
    describe_breaking(failure, text, rule, statement);
  }
  sqlite3_finalize(statement);
  sqlite3_free(sql);
  char *rows = failure_text(failure, text);
  if (count && !failure->code)
    failure_set(failure, SQLITE_CONSTRAINT,
                "%lld break%s it already: %s%s; mend %s, or say 'existing', "
                "'keep'",
                count, count == 1 ? "s" : "", rows,
                count > SHOWN_LIMIT ? "; ..." : "",
                count == 1 ? "that" : "them");
  sqlite3_free(rows);
}

/* ---- the triggers ---- */

/* True if another rule has that trigger on its record, even if it is lost. */
static bool is_anothers(Failure *failure, Regulation *regulation,
                        const char *name) {
  const Catalog *catalog = regulation->model->catalog;
  const RuleDeclaration *own = regulation_before(regulation);
  sqlite3_stmt *statement =
      statement_prepare(failure, regulation->make.db, STATEMENT_PLAIN,
                        "SELECT instr(lower(?1), lower(json_quote(?2)))");
  bool is = false;
  for (int i = 0; i < catalog->rule_count && !is && !failure->code; i++) {
    const RuleDeclaration *rule = &catalog->rules[i];
    if (rule == own || rule->problem) continue;
    statement_bind_text(failure, statement, 1, rule->made);
    statement_bind_text(failure, statement, 2, name);
    if (statement_step(failure, statement))
      is = sqlite3_column_int(statement, 0) != 0;
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
  return is;
}

static const char *unused_trigger(Failure *failure, Regulation *regulation,
                                  TriggerEvent event) {
  const char *name = NULL;
  for (int i = 1;
       !failure->code && (!name || is_anothers(failure, regulation, name));
       i++) {
    sqlite3_str *stem = sqlite3_str_new(NULL);
    trigger_append_name(stem, regulation->rule, event);
    if (i > 1) sqlite3_str_appendf(stem, "_%d", i);
    name = make_unused_name(failure, &regulation->make, stem);
  }
  return name;
}

static void make_rule_trigger(Failure *failure, Regulation *regulation,
                              TriggerEvent event) {
  if (failure->code || !trigger_is_wanted(regulation->rule, event)) return;
  const char *name = unused_trigger(failure, regulation, event);
  make_trigger(failure, &regulation->make, name,
               enactment_sql(failure, regulation->rule, event, name, "main."));
}

static bool indexes_stand(Failure *failure, const Make *made) {
  bool stand = true;
  for (int i = 0; i < made->count && stand && !failure->code; i++)
    stand = !name_equal(made->list[i].type, "index") ||
            make_exists(failure, made, "index", made->list[i].name, NULL);
  return stand;
}

/* True if the file has what the row, and what is said now, want. */
static bool regulation_stands(Failure *failure, const Regulation *regulation,
                              const RuleDeclaration *before) {
  Rule rule = *regulation->rule;
  rule.declaration = before;
  if (before->problem ||
      strcmp(before->options, regulation->declaration.options) != 0)
    return false;
  Enactment enactment =
      enactment_of(failure, regulation->arena, regulation->make.db, &rule);
  return enactment.state == ENACTMENT_INSTALLED &&
         indexes_stand(failure, &enactment.made);
}

static void rule_make_all(Failure *failure, Regulation *regulation) {
  sqlite3 *db = regulation->make.db;
  if (failure->code) return;
  catalog_create_rules(failure, db, regulation->model->schema);
  if (regulation->rule->kind == RULE_MIN_COUNT)
    catalog_create_debts(failure, db, regulation->model->schema);
  make_indexes(failure, &regulation->make, regulation->relationship);
  for (int i = 0; i < TRIGGER_EVENT_COUNT; i++)
    make_rule_trigger(failure, regulation, (TriggerEvent)i);
  regulation->declaration.made = make_text(failure, &regulation->make);
  catalog_store_rule(failure, db, &regulation->declaration);
  catalog_announce(failure, db);
}

/* What the row has made is on the record from here on. */
static void read_made(Failure *failure, Regulation *regulation,
                      const RuleDeclaration *before) {
  const Declaration record = {.made = before->made, .options = "{}"};
  if (!failure->code && !before->problem)
    make_read(failure, &regulation->make, &record);
}

/* Takes away how the row has bound, and what it is owed. */
static void rule_unbind(Failure *failure, Regulation *regulation,
                        const RuleDeclaration *before) {
  make_drop_triggers(failure, &regulation->make);
  catalog_forget_debts(failure, regulation->make.db, regulation->model->schema,
                       before);
}

/* Makes the index that is missing under a rule that stands: another rule may have
** taken it along when it went. */
static void rule_make_indexes(Failure *failure, Regulation *regulation,
                              const RuleDeclaration *before) {
  sqlite3 *db = regulation->make.db;
  make_indexes(failure, &regulation->make, regulation->relationship);
  if (!regulation->make.changed || failure->code) return;
  regulation->declaration = *before;
  regulation->declaration.made = make_text(failure, &regulation->make);
  catalog_store_rule(failure, db, &regulation->declaration);
  catalog_announce(failure, db);
}

/* Makes what the rule wants, unless all of it is there. */
static void regulation_install(Failure *failure, Regulation *regulation) {
  const RuleDeclaration *before = regulation_before(regulation);
  if (before) {
    bool stands = regulation_stands(failure, regulation, before);
    read_made(failure, regulation, before);
    if (stands) {
      rule_make_indexes(failure, regulation, before);
      return;
    }
    rule_unbind(failure, regulation, before);
  }
  check_existing(failure, regulation);
  rule_make_all(failure, regulation);
}

static void regulation_enact(Failure *failure, Regulation *regulation) {
  regulation_find(failure, regulation);
  regulation_describe(failure, regulation);
  regulation_read(failure, regulation);
  if (!failure->code) regulation_install(failure, regulation);
}

/* True if something was made: what is there and right is let alone. */
bool regulate_again(Failure *failure, Connection *connection,
                    sqlite3_stmt *guard, const RuleDeclaration *rule) {
  Regulation regulation = regulation_new(failure, connection);
  regulation.make.guard = guard;
  regulation.declaration = *rule;
  regulation.name = rule->name;
  regulation.keeps = true;
  regulation_refresh(failure, &regulation);
  regulation_read(failure, &regulation);
  if (!failure->code) {
    regulation.relationship = regulation.rule->relationship;
    regulation_install(failure, &regulation);
  }
  bool changed = regulation.make.changed;
  regulation_free(&regulation);
  return changed;
}

/* relationship_rule(relationship, rule, kind, expression, option, value, ...) */
void regulate_rule(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Failure failure = {0, NULL};
  Regulation regulation = regulation_new(&failure, sqlite3_user_data(context));
  regulation_arguments(&failure, &regulation, argc, argv);
  Undertaking undertaking = declare_begin(&failure, regulation.connection);
  regulation.make.guard = undertaking.guard;
  if (!failure.code) regulation_enact(&failure, &regulation);
  declare_end(&failure, &undertaking, context,
              failure.code ? NULL : sqlite3_mprintf("%s", regulation.name));
  if (regulation.name && *regulation.name)
    failure_prefix(&failure, "rule %s: ", regulation.name);
  if (regulation.path.name)
    failure_prefix(&failure, "%s.%s: ", regulation.path.table,
                   regulation.path.name);
  failure_prefix(&failure, "relationship_rule: ");
  failure_to_result(&failure, context);
  regulation_free(&regulation);
}

/* ---- relationship_rule_drop() ---- */

static void fail_no_rule(Failure *failure, const Regulation *regulation) {
  const Catalog *catalog = regulation->model->catalog;
  const Relationship *r = regulation->relationship;
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < catalog->rule_count; i++) {
    const RuleDeclaration *rule = &catalog->rules[i];
    if (!name_equal(rule->direction.source, r->source->name) ||
        !name_equal(rule->relationship, r->exact_name))
      continue;
    if (sqlite3_str_length(text)) sqlite3_str_appendall(text, ", ");
    sqlite3_str_appendall(text, rule->name);
  }
  char *list = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR, "there is no such rule; there is %s",
              list && *list ? list : "none");
  sqlite3_free(list);
}

static bool made_index(const Make *make) {
  for (int i = 0; i < make->count; i++)
    if (name_equal(make->list[i].type, "index")) return true;
  return false;
}

/* The other rules of the link table get the indexes that they want. */
static void regulation_leave_others(Failure *failure, Regulation *regulation,
                                    const RuleDeclaration *gone) {
  const Catalog *catalog = regulation->model->catalog;
  for (int i = 0; i < catalog->rule_count && !failure->code; i++) {
    const RuleDeclaration *rule = &catalog->rules[i];
    Failure own = {0, NULL}; /* of a rule that can't be used */
    if (rule == gone || rule->problem ||
        !name_equal(rule->direction.link, gone->direction.link))
      continue;
    regulate_again(&own, regulation->connection, regulation->make.guard, rule);
    if (own.code != SQLITE_ERROR && own.code) {
      *failure = own;
    } else {
      failure_clear(&own);
    }
  }
}

/* The row of a rule whose relationship is not there any more, as when a table
** has got another name: it goes by the names that it has. */
static const RuleDeclaration *regulation_lost(Failure *failure,
                                              const Regulation *regulation) {
  const Model *model = regulation->model;
  for (int i = 0; !failure->code && i < model->catalog->rule_count; i++) {
    const RuleDeclaration *rule = &model->catalog->rules[i];
    if (name_equal(rule->name, regulation->name) &&
        name_equal(rule->direction.source, regulation->path.table) &&
        name_equal(rule->relationship, regulation->path.name) &&
        !model_direction(failure, model, &rule->direction))
      return rule;
  }
  return NULL;
}

static const RuleDeclaration *regulation_to_repeal(Failure *failure,
                                                   Regulation *regulation) {
  regulation_refresh(failure, regulation);
  if (failure->code) return NULL;
  const RuleDeclaration *lost = regulation_lost(failure, regulation);
  if (lost) return lost;
  regulation_find(failure, regulation);
  if (failure->code) return NULL;
  const RuleDeclaration *before = regulation_before(regulation);
  if (!before) fail_no_rule(failure, regulation);
  return before;
}

static void regulation_repeal(Failure *failure, Regulation *regulation) {
  const RuleDeclaration *before = regulation_to_repeal(failure, regulation);
  if (!before) return;
  read_made(failure, regulation, before);
  rule_unbind(failure, regulation, before);
  bool others = made_index(&regulation->make);
  make_drop_all(failure, &regulation->make);
  catalog_remove_rule(failure, regulation->make.db, before);
  if (others) regulation_leave_others(failure, regulation, before);
  catalog_announce(failure, regulation->make.db);
}

/* relationship_rule_drop(relationship, rule) */
void regulate_rule_drop(sqlite3_context *context, int argc,
                        sqlite3_value **argv) {
  Failure failure = {0, NULL};
  Regulation regulation = regulation_new(&failure, sqlite3_user_data(context));
  if (argc != 2)
    failure_set(&failure, SQLITE_ERROR,
                "takes a relationship and the name of a rule");
  if (!failure.code) regulation_names(&failure, &regulation, argv);
  Undertaking undertaking = declare_begin(&failure, regulation.connection);
  regulation.make.guard = undertaking.guard;
  if (!failure.code) regulation_repeal(&failure, &regulation);
  declare_end(&failure, &undertaking, context,
              failure.code ? NULL : sqlite3_mprintf("%s", regulation.name));
  if (regulation.name && *regulation.name)
    failure_prefix(&failure, "rule %s: ", regulation.name);
  if (regulation.path.name)
    failure_prefix(&failure, "%s.%s: ", regulation.path.table,
                   regulation.path.name);
  failure_prefix(&failure, "relationship_rule_drop: ");
  failure_to_result(&failure, context);
  regulation_free(&regulation);
}
