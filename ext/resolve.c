/*
** resolve.c: which relationship a declaration means.
**
**     relationship('students.courses', 'through', 'student_course')
**
** names a relationship and says something about it; the rest is found.  Of the
** relationships that the foreign keys of the source make, those are candidates
** that fit every option that is given:
**
**     target, inverse    the table at the other end
**     through            the association table
**     foreign_key        the columns, in the order of their key; of an
**                        association table those of the source, then those of
**                        the target
**     cardinality        one-to-one fits what UNIQUE would make one-to-one
**
** One candidate is adopted.  Of several, the one whose name is the declared
** one, or whose inverse has the inverse's name.  Where no option says more than
** the cardinality the name itself must be known.  Where there is no candidate,
** a table named by through is taken as it is if it has the two keys; else an
** association table or a foreign key's column is made, if enough is said.
**
** What comes out is a Direction: tables and columns, no names.
*/
#include "relate_int.h"

/* What the SQL calls it. */
const char *option_name(Option option) {
  static const char *const names[] = {
      "inverse",     "through",   "target",    "foreign_key",   "path",
      "cardinality", "on_delete", "on_update", "delete_orphan", "where",
      "order_by",    "view",      "comment"};
  return names[option];
}

/* ---- reading the options ---- */

/* The table that an option names, as it is or as in a path. */
static const char *option_table(Failure *failure, const Request *request,
                                const char *text) {
  if (failure->code || schema_table(request->model->schema, text)) return text;
  Failure ignored = {0, NULL};
  Path path = path_read(&ignored, text);
  if (!ignored.code && !path.name && name_equal(path.schema, "main"))
    text = arena_text(failure, request->arena, path.table);
  failure_clear(&ignored);
  path_free(&path);
  return text;
}

static void request_read_target(Failure *failure, Request *request) {
  const char *text = request->values[OPTION_TARGET];
  const char *other = request->inverse.table;
  if (text) request->target = option_table(failure, request, text);
  if (request->target && other && !name_equal(request->target, other))
    failure_set(failure, SQLITE_ERROR,
                "target is %s, but the inverse %s.%s starts from another table",
                request->target, other, request->inverse.name);
  if (!request->target) request->target = other;
  if (request->target) path_table(failure, request->model, request->target);
}

static void request_read_cardinality(Failure *failure, Request *request) {
  const char *text = request->values[OPTION_CARDINALITY];
  request->cardinality = -1;
  for (int i = ONE_TO_ONE; text && i <= MANY_TO_MANY; i++)
    if (name_equal(text, cardinality_name((Cardinality)i)))
      request->cardinality = i;
  if (text && request->cardinality < 0)
    failure_set(failure, SQLITE_ERROR,
                "cardinality is one-to-one, one-to-many, many-to-one or "
                "many-to-many; not '%.40s'",
                text);
}

static const char *skip_spaces(const char *c) {
  while (*c == ' ' || (*c >= '\t' && *c <= '\r')) c++;
  return c;
}

/* Adds the name at *cursor to the foreign key; false if there is none. */
static bool foreign_key_name(Failure *failure, Request *request,
                             const char **cursor) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  bool found = name_read(cursor, text);
  const char *name = arena_string(failure, request->arena, text);
  request->columns =
      arena_extend(failure, request->arena, (void *)request->columns,
                   request->column_count, sizeof(*request->columns));
  if (failure->code || !found) return false;
  request->columns[request->column_count++] = name;
  return true;
}

static void request_read_foreign_key(Failure *failure, Request *request) {
  const char *cursor = request->values[OPTION_FOREIGN_KEY];
  if (!cursor) return;
  for (;;) {
    cursor = skip_spaces(cursor);
    if (!foreign_key_name(failure, request, &cursor)) break;
    cursor = skip_spaces(cursor);
    if (!*cursor) return;
    if (*cursor++ != ',') break;
  }
  failure_set(failure, SQLITE_ERROR,
              "foreign_key is a list of columns, such as 'student_id, "
              "course_id', odd names in double quotes; not '%.40s'",
              request->values[OPTION_FOREIGN_KEY]);
}

/* Takes the options apart, as far as they say which relationship is meant. */
void request_read(Failure *failure, Request *request) {
  if (failure->code) return;
  const char *through = request->values[OPTION_THROUGH];
  path_table(failure, request->model, request->path.table);
  request_read_target(failure, request);
  request_read_cardinality(failure, request);
  request_read_foreign_key(failure, request);
  if (through) request->through = option_table(failure, request, through);
}

/* ---- what fits ---- */

static bool columns_are(const Columns *columns, const char *const *names) {
  for (int i = 0; i < columns->count; i++)
    if (!name_equal(columns->list[i]->name, names[i])) return false;
  return true;
}

/* True if foreign_key, which is given, lists the columns of these keys. */
static bool request_lists(const Request *request, const ForeignKey *first,
                          const ForeignKey *second) {
  int count = first ? first->columns.count : 0;
  int other = second ? second->columns.count : 0;
  return request->column_count == count + other &&
         (!first || columns_are(&first->columns, request->columns)) &&
         (!second || columns_are(&second->columns, request->columns + count));
}

static bool cardinality_fits(int wanted, const Relationship *relationship) {
  Cardinality is = relationship->cardinality;
  if (wanted == MANY_TO_MANY || is == MANY_TO_MANY) return wanted == (int)is;
  if (wanted == ONE_TO_MANY) return !relationship->linked_by_source;
  if (wanted == MANY_TO_ONE) return relationship->linked_by_source;
  return true;
}

/* The first option that the relationship does not fit, OPTION_COUNT if it fits
** all that are given. */
static Option request_misfit(const Request *request,
                             const Relationship *relationship) {
  const Relationship *r = relationship;
  if (request->target &&
      !(r->target && name_equal(r->target->name, request->target)))
    return request->values[OPTION_TARGET] ? OPTION_TARGET : OPTION_INVERSE;
  if (request->through && !(r->cardinality == MANY_TO_MANY && r->link &&
                            name_equal(r->link->name, request->through)))
    return OPTION_THROUGH;
  if (request->column_count &&
      !request_lists(request, r->source_foreign, r->target_foreign))
    return OPTION_FOREIGN_KEY;
  if (request->cardinality >= 0 && !cardinality_fits(request->cardinality, r))
    return OPTION_CARDINALITY;
  return OPTION_COUNT;
}

typedef struct Candidates {
  int count;
  const Relationship **list;
  const Relationship *declared; /* one that fits and has a name already */
} Candidates;

/* `named`: those that are declared are as good as the others. */
static Candidates request_candidates(Failure *failure, const Request *request,
                                     bool named) {
  const Model *model = request->model;
  Candidates candidates = {0, NULL, NULL};
  for (int i = 0; i < model->relationship_count && !failure->code; i++) {
    const Relationship *relationship = &model->relationships[i];
    if (!relationship->target || relationship->derived ||
        !name_equal(relationship->source->name, request->path.table) ||
        request_misfit(request, relationship) != OPTION_COUNT)
      continue;
    if (relationship->declaration && !named) {
      candidates.declared = relationship;
      continue;
    }
    candidates.list =
        arena_extend(failure, request->arena, (void *)candidates.list,
                     candidates.count, sizeof(*candidates.list));
    if (!failure->code) candidates.list[candidates.count++] = relationship;
  }
  return candidates;
}

/* ---- one of several ---- */

static bool is_named(const Relationship *relationship, const char *name) {
  return relationship && name &&
         (name_equal(relationship->exact_name, name) ||
          name_equal(relationship->short_name, name) ||
          name_equal(relationship->name, name));
}

/* friends goes to the end that friend_id refers to */
static const char *request_singular(Failure *failure, const Request *request) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  name_singular(text, request->path.name);
  return arena_string(failure, request->arena, text);
}

/* The only candidate of that name, or whose inverse has it; NULL if none or
** several. */
static const Relationship *candidates_only(const Candidates *candidates,
                                           const char *name, bool inverse) {
  const Relationship *only = NULL;
  for (int i = 0; i < candidates->count; i++) {
    const Relationship *relationship = candidates->list[i];
    if (!is_named(inverse ? relationship->inverse : relationship, name))
      continue;
    if (only) return NULL;
    only = relationship;
  }
  return only;
}

static const Relationship *candidates_choose(Failure *failure,
                                             const Request *request,
                                             const Candidates *candidates) {
  const char *singular = request_singular(failure, request);
  if (candidates->count == 1) return candidates->list[0];
  const Relationship *chosen =
      candidates_only(candidates, request->path.name, false);
  if (!chosen)
    chosen = candidates_only(candidates, request->inverse.name, true);
  if (!chosen) chosen = candidates_only(candidates, singular, false);
  return chosen;
}

static const char *deciding_option(const Candidates *candidates) {
  const Relationship *a = candidates->list[0], *b = candidates->list[1];
  if (a->target != b->target) return "target";
  if (a->link != b->link && a->cardinality == MANY_TO_MANY) return "through";
  if (a->cardinality != b->cardinality) return "cardinality";
  return "foreign_key";
}

static void fail_several(Failure *failure, const Request *request,
                         const Candidates *candidates) {
  if (failure->code) return;
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < candidates->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    name_append(text, candidates->list[i]->exact_name);
  }
  char *list = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR,
              "%d relationships of %s fit: %s; %s would tell which",
              candidates->count, request->path.table, list,
              deciding_option(candidates));
  sqlite3_free(list);
}

/* ---- directions ---- */

static const char *names_json(Failure *failure, const Request *request,
                              int count, const char *const *names) {
  if (failure->code) return NULL;
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < count; i++) {
    sqlite3_str_appendall(text, i ? "," : "[");
    name_append_json(text, names[i]);
  }
  sqlite3_str_appendall(text, "]");
  return arena_string(failure, request->arena, text);
}

static const char *const *column_names(Failure *failure, const Request *request,
                                       const Columns *columns) {
  const char **names = arena_take(
      failure, request->arena, columns->count * (sqlite3_int64)sizeof(*names));
  for (int i = 0; names && i < columns->count; i++)
    names[i] = columns->list[i]->name;
  return names;
}

/* A copy that outlives the model. */
static Direction direction_copy(Failure *failure, Arena *arena,
                                Direction direction) {
  return (Direction){arena_text(failure, arena, direction.source),
                     arena_text(failure, arena, direction.target),
                     arena_text(failure, arena, direction.link),
                     arena_text(failure, arena, direction.source_columns),
                     arena_text(failure, arena, direction.target_columns)};
}

/* ---- through a table that is no association by itself ---- */

typedef struct KeyPair {
  int count; /* how many fit */
  const ForeignKey *source, *target;
} KeyPair;

static bool pair_fits(const Request *request, const ForeignKey *source,
                      const ForeignKey *target) {
  return source != target && !source->problem && !target->problem &&
         name_equal(source->parent->name, request->path.table) &&
         (!request->target ||
          name_equal(target->parent->name, request->target)) &&
         (!request->column_count || request_lists(request, source, target));
}

/* True if the column of the target end is named as the relationship is. */
static bool pair_is_named(const ForeignKey *target, const char *singular) {
  const char *column = target->columns.list[0]->name;
  int length = name_stem(column);
  return target->columns.count == 1 && (int)strlen(singular) == length &&
         sqlite3_strnicmp(column, singular, length) == 0;
}

static KeyPair through_pair(Failure *failure, const Request *request,
                            const Table *through, bool by_name) {
  const char *singular = request_singular(failure, request);
  KeyPair pair = {0, NULL, NULL};
  for (int i = 0; i < through->key_count && !failure->code; i++)
    for (int j = 0; j < through->key_count; j++) {
      const ForeignKey *source = &through->keys[i], *target = &through->keys[j];
      if (!pair_fits(request, source, target) ||
          (by_name && !pair_is_named(target, singular)))
        continue;
      pair.source = source;
      pair.target = target;
      pair.count++;
    }
  return pair;
}

static Direction resolve_through(Failure *failure, const Request *request,
                                 const Table *through) {
  KeyPair pair = through_pair(failure, request, through, false);
  if (pair.count > 1) {
    KeyPair named = through_pair(failure, request, through, true);
    if (named.count == 1) pair = named;
  }
  if (pair.count == 0)
    failure_set(failure, SQLITE_ERROR,
                "%s has no two foreign keys, one to %s and one to %s",
                through->name, request->path.table,
                request->target ? request->target : "another table");
  if (pair.count > 1)
    failure_set(failure, SQLITE_ERROR,
                "%s links %s by more than two foreign keys; %s would tell "
                "which",
                through->name, request->path.table,
                request->target ? "foreign_key, such as 'student_id, "
                                  "course_id',"
                                : "target");
  if (failure->code) return (Direction){0};
  const Columns *source = &pair.source->columns;
  const Columns *target = &pair.target->columns;
  return (Direction){request->path.table, pair.target->parent->name,
                     through->name,
                     names_json(failure, request, source->count,
                                column_names(failure, request, source)),
                     names_json(failure, request, target->count,
                                column_names(failure, request, target))};
}

/* ---- making ---- */

/* The key column's name behind a stem: student + id. */
static const char **default_names(Failure *failure, const Request *request,
                                  const char *stem, const Columns *key) {
  const char **names = arena_take(failure, request->arena,
                                  key->count * (sqlite3_int64)sizeof(*names));
  for (int i = 0; names && i < key->count; i++)
    names[i] = arena_format(failure, request->arena, "%s_%s", stem,
                            key->list[i]->name);
  return names;
}

static const char *table_singular(Failure *failure, const Request *request,
                                  const char *table) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  name_singular(text, table);
  return arena_string(failure, request->arena, text);
}

static const char *request_action(Failure *failure, const Request *request,
                                  Option option) {
  const char *text = request->values[option];
  return text ? uphold_action(failure, option_name(option), text) : NULL;
}

static void check_parent(Failure *failure, const Table *parent) {
  if (parent && !parent->primary_key.count)
    failure_set(failure, SQLITE_ERROR,
                "%s has no PRIMARY KEY that a foreign key could refer to",
                parent->name);
}

static void check_count(Failure *failure, const Request *request, int count) {
  if (request->column_count && request->column_count != count)
    failure_set(failure, SQLITE_ERROR,
                "foreign_key lists %d columns, but the keys that are to be "
                "referred to have %d",
                request->column_count, count);
}

static void check_distinct(Failure *failure, int count,
                           const char *const *names) {
  for (int i = 0; i < count && !failure->code; i++)
    for (int j = 0; j < i; j++)
      if (name_equal(names[i], names[j]))
        failure_set(failure, SQLITE_ERROR,
                    "two columns would be named %s; foreign_key gives others, "
                    "those of the source first",
                    names[i]);
}

/* The columns of the association table: those of the source, those of the
** target. */
static const char **association_names(Failure *failure, const Request *request,
                                      const Table *source,
                                      const Table *target) {
  int first = source->primary_key.count, count = first;
  count += target->primary_key.count;
  check_count(failure, request, count);
  if (request->column_count) return request->columns;
  const char **names = arena_take(failure, request->arena,
                                  count * (sqlite3_int64)sizeof(*names));
  const char **of_source = default_names(
      failure, request, table_singular(failure, request, source->name),
      &source->primary_key);
  const char **of_target = default_names(
      failure, request,
      table_singular(failure, request,
                     source == target ? request->path.name : target->name),
      &target->primary_key);
  for (int i = 0; i < count && !failure->code; i++)
    names[i] = i < first ? of_source[i] : of_target[i - first];
  return names;
}

static void check_association(Failure *failure, const Request *request) {
  if (request->cardinality >= 0 && request->cardinality != MANY_TO_MANY)
    failure_set(failure, SQLITE_ERROR, "through makes a many-to-many, not a %s",
                cardinality_name((Cardinality)request->cardinality));
  if (!failure->code &&
      catalog_taken(failure, request->connection->db, request->through))
    failure_set(failure, SQLITE_ERROR,
                "%s is not a table that could hold links", request->through);
  if (!request->target)
    failure_set(failure, SQLITE_ERROR,
                "there is no table %s; to make it, say the target, or the "
                "inverse",
                request->through);
}

static void check_link_action(Failure *failure, const char *option,
                              const char *action) {
  if (action &&
      (name_equal(action, "SET NULL") || name_equal(action, "SET DEFAULT")))
    failure_set(failure, SQLITE_ERROR,
                "%s can't be %s: the columns of an association table are "
                "NOT NULL",
                option, action);
}

static Direction resolve_new_through(Failure *failure, Request *request) {
  check_association(failure, request);
  if (failure->code) return (Direction){0};
  const Schema *schema = request->model->schema;
  const Table *source = schema_table(schema, request->path.table);
  const Table *target = schema_table(schema, request->target);
  const char *on_delete = request_action(failure, request, OPTION_ON_DELETE);
  const char *on_update = request_action(failure, request, OPTION_ON_UPDATE);
  check_link_action(failure, "on_delete", on_delete);
  check_link_action(failure, "on_update", on_update);
  check_parent(failure, source);
  check_parent(failure, target);
  if (failure->code) return (Direction){0};
  const char **names = association_names(failure, request, source, target);
  int first = source->primary_key.count, second = target->primary_key.count;
  check_distinct(failure, first + second, names);
  if (failure->code) return (Direction){0};
  MakeKey keys[] = {
      {source, names, on_delete ? on_delete : "CASCADE", on_update},
      {target, names + first, "CASCADE", NULL}};
  make_association(failure, &request->make, request->through, &keys[0],
                   &keys[1]);
  return (Direction){source->name, target->name, request->through,
                     names_json(failure, request, first, names),
                     names_json(failure, request, second, names + first)};
}

/* ---- a foreign key's column ---- */

static void append_constraint(sqlite3_str *sql, const MakeKey *key) {
  sqlite3_str_appendall(sql, ",\n  FOREIGN KEY (");
  for (int i = 0; i < key->parent->primary_key.count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", key->columns[i]);
  sqlite3_str_appendall(sql, ")");
  make_append_references(sql, key);
}

static void append_missing_columns(Failure *failure, sqlite3_str *sql,
                                   sqlite3 *db, const Table *child,
                                   const MakeKey *key) {
  for (int i = 0; i < key->parent->primary_key.count; i++) {
    if (table_column(child, key->columns[i])) continue;
    sqlite3_str_appendall(sql, ",\n  ");
    make_append_column(failure, sql, db, key->columns[i],
                       key->parent->primary_key.list[i], child);
  }
}

/* ALTER TABLE can't make this key: offers the script that would. */
static void fail_rebuild(Failure *failure, const Request *request,
                         const Table *child, const MakeKey *key,
                         const char *why) {
  if (failure->code) return;
  sqlite3 *db = request->connection->db;
  sqlite3_str *columns = sqlite3_str_new(NULL);
  sqlite3_str *constraint = sqlite3_str_new(NULL);
  append_missing_columns(failure, columns, db, child, key);
  append_constraint(constraint, key);
  char *added = failure_text(failure, columns);
  char *foreign = failure_text(failure, constraint);
  char *script = rebuild_key(failure, db, child, added, foreign);
  failure_set(failure, SQLITE_ERROR,
              "%s; this would make the table %s anew, with it:\n%s", why,
              child->name, script);
  sqlite3_free(added);
  sqlite3_free(foreign);
  sqlite3_free(script);
}

static void check_column(Failure *failure, const Request *request,
                         const Table *child, const MakeKey *key) {
  int count = key->parent->primary_key.count;
  const char *name = key->columns[0];
  if (count > 1) {
    fail_rebuild(failure, request, child, key,
                 "SQLite can't add a foreign key of several columns");
  } else if (table_column(child, name)) {
    char *why = sqlite3_mprintf("%s.%s is there, but is no foreign key to %s",
                                child->name, name, key->parent->name);
    if (!why) failure_memory(failure);
    fail_rebuild(failure, request, child, key, why);
    sqlite3_free(why);
  }
}

static const char **key_names(Failure *failure, const Request *request,
                              const Table *parent, bool at_source) {
  const char *stem = at_source               ? request->path.name
                     : request->inverse.name ? request->inverse.name
                                             : NULL;
  check_parent(failure, parent);
  check_count(failure, request, parent->primary_key.count);
  if (request->column_count) return request->columns;
  if (!stem) stem = table_singular(failure, request, request->path.table);
  return default_names(failure, request, stem, &parent->primary_key);
}

/* Adds the foreign key at the end that has one link at most: the source of a
** many-to-one, the target of a one-to-many and of a one-to-one. */
static Direction resolve_key(Failure *failure, Request *request) {
  const Schema *schema = request->model->schema;
  const Table *source = schema_table(schema, request->path.table);
  const Table *target = schema_table(schema, request->target);
  bool at_source = request->cardinality == MANY_TO_ONE;
  const Table *child = at_source ? source : target;
  const Table *parent = at_source ? target : source;
  MakeKey key = {parent, key_names(failure, request, parent, at_source),
                 request_action(failure, request, OPTION_ON_DELETE),
                 request_action(failure, request, OPTION_ON_UPDATE)};
  if (!failure->code) check_column(failure, request, child, &key);
  if (failure->code) return (Direction){0};
  make_column(failure, &request->make, child, &key);
  const char *json = names_json(failure, request, 1, key.columns);
  return (Direction){source->name, target->name, child->name,
                     at_source ? NULL : json, at_source ? json : NULL};
}

/* ---- nothing fits ---- */

static void fail_nothing_said(Failure *failure, const Request *request) {
  Failure known = {0, NULL};
  path_relationship(&known, request->model, &request->path);
  failure_set(failure, SQLITE_ERROR,
              "%s; to name or make another, say its target or inverse, "
              "through or foreign_key",
              known.message ? known.message : "not known");
  failure_clear(&known);
}

static void fail_nothing_fits(Failure *failure, const Request *request,
                              const Candidates *candidates) {
  if (candidates->declared) {
    failure_set(failure, SQLITE_ERROR,
                "this relationship is declared as %s; drop that name first, or "
                "give foreign_key to mean another key",
                candidates->declared->full_name);
  } else if (!request->target) {
    failure_set(failure, SQLITE_ERROR,
                "no foreign key fits; to make one, say the target, or the "
                "inverse");
  } else if (request->cardinality == MANY_TO_MANY) {
    failure_set(failure, SQLITE_ERROR,
                "no association table joins %s and %s; name with through the "
                "one that is to be made",
                request->path.table, request->target);
  } else {
    failure_set(failure, SQLITE_ERROR,
                "no foreign key that fits joins %s and %s; to make one, say "
                "cardinality, or name an association table with through",
                request->path.table, request->target);
  }
}

static Direction resolve_missing(Failure *failure, Request *request,
                                 const Candidates *candidates) {
  const Table *through =
      request->through ? schema_table(request->model->schema, request->through)
                       : NULL;
  bool key = request->target && request->cardinality >= 0 &&
             request->cardinality != MANY_TO_MANY && !candidates->declared;
  if (failure->code) return (Direction){0};
  if (through && !candidates->declared)
    return resolve_through(failure, request, through);
  if (request->through && !through)
    return resolve_new_through(failure, request);
  if (key) return resolve_key(failure, request);
  fail_nothing_fits(failure, request, candidates);
  return (Direction){0};
}

/* Only the name is known, and perhaps the cardinality: that tells apart the two
** directions of a key between a table and itself. */
static Direction resolve_name(Failure *failure, const Request *request) {
  const Relationship *relationship =
      model_find(request->model, request->path.table, request->path.name);
  if (!relationship) {
    Candidates candidates = request_candidates(failure, request, false);
    relationship = candidates_only(&candidates, request->path.name, false);
  }
  if (!relationship || !relationship->target || relationship->derived) {
    fail_nothing_said(failure, request);
    return (Direction){0};
  }
  request_check(failure, request, relationship);
  return direction_of(failure, request->arena, relationship);
}

/* Fails if an option contradicts what the relationship is. */
void request_check(Failure *failure, const Request *request,
                   const Relationship *relationship) {
  Option option = request_misfit(request, relationship);
  if (failure->code || option == OPTION_COUNT) return;
  failure_set(failure, SQLITE_ERROR,
              "%s '%.100s' contradicts what it is, a %s: %s; drop the "
              "declaration first if another is meant",
              option_name(option), request->values[option],
              cardinality_name(relationship->cardinality),
              relationship->because);
}

/* The relationship that is meant among those that there are, declared or not;
** else a failure. */
const Relationship *request_choose(Failure *failure, const Request *request) {
  if (failure->code) return NULL;
  Candidates candidates = request_candidates(failure, request, true);
  const Relationship *chosen =
      candidates.count ? candidates_choose(failure, request, &candidates)
                       : NULL;
  if (!candidates.count)
    failure_set(
        failure, SQLITE_ERROR,
        "no relationship of %s fits; a where is a condition on one that "
        "is there",
        request->path.table);
  if (!chosen) fail_several(failure, request, &candidates);
  if (chosen && chosen->problem)
    failure_set(failure, SQLITE_ERROR, "%s can't be used: %s",
                chosen->full_name, chosen->problem);
  return failure->code ? NULL : chosen;
}

/* The direction that is meant; makes the table or the column if there is none.
** It lives in the request's arena. */
Direction request_resolve(Failure *failure, Request *request) {
  Direction direction = {0};
  if (failure->code) return direction;
  bool said = request->target || request->through || request->column_count > 0;
  Candidates candidates = {0, NULL, NULL};
  if (said) candidates = request_candidates(failure, request, false);
  if (!said) {
    direction = resolve_name(failure, request);
  } else if (!candidates.count) {
    direction = resolve_missing(failure, request, &candidates);
  } else {
    const Relationship *chosen =
        candidates_choose(failure, request, &candidates);
    if (!chosen) {
      fail_several(failure, request, &candidates);
    } else {
      direction = direction_of(failure, request->arena, chosen);
    }
  }
  return direction_copy(failure, request->arena, direction);
}
