/*
** declare.c: relationship() and relationship_drop().
**
**     SELECT relationship('students.courses', 'inverse', 'courses.students',
**                         'through', 'student_course');
**     SELECT relationship('students.courses', 'on_delete', 'restrict');
**     SELECT relationship_drop('students.courses');
**     SELECT relationship_drop('*');
**
** A call reads its arguments, begins a transaction, reads main into a model of
** its own, finds out which relationship is meant, makes what is missing, writes
** the declaration if it is not there word for word, and commits.  Saying the
** same twice writes nothing.
**
** Invariants
**   1. All or nothing: the transaction, or savepoint, undoes what a failing
**      call has made.
**   2. No statement of ours is open while an index or a table is dropped:
**      SQLite does not do that while one reads.  At any other time the guard
**      is.
**   3. A model that is older than the last thing made is not asked again.
**
** Ownership: a Request owns its arena, its paths and a reference to its model.
** Its texts are borrowed from the arguments or live in the arena.
*/
#include "relate_int.h"

/* ---- arguments ---- */

/* The argument as text; NULL, and a failure, if it is none. */
const char *declare_text(Failure *failure, sqlite3_value *value,
                         const char *what) {
  if (failure->code) return NULL;
  if (sqlite3_value_type(value) != SQLITE_TEXT) {
    failure_set(failure, SQLITE_MISMATCH, "%s is not text%s", what,
                sqlite3_value_type(value) == SQLITE_NULL ? " but NULL" : "");
    return NULL;
  }
  const char *text = (const char *)sqlite3_value_text(value);
  if (!text) failure_memory(failure);
  if (text && strlen(text) != (size_t)sqlite3_value_bytes(value))
    failure_set(failure, SQLITE_ERROR, "%s holds a NUL", what);
  return failure->code ? NULL : text;
}

/* A path of main that names a relationship. */
Path declare_path(Failure *failure, const char *text) {
  Path path = {.name = NULL};
  if (failure->code) return path;
  path = path_read(failure, text);
  if (!failure->code && !path.name)
    failure_set(failure, SQLITE_ERROR,
                "'%.100s' is a table; name a relationship of it, such as "
                "students.courses",
                text);
  if (!failure->code && (path.count > 1 || path.parts[0].repeat))
    failure_set(failure, SQLITE_ERROR,
                "'%.100s' is a path; name one relationship, such as "
                "students.courses",
                text);
  if (!failure->code && !name_equal(path.schema, "main"))
    failure_set(failure, SQLITE_ERROR,
                "'%.100s' is in an attached database; only relationships of "
                "main are declared",
                text);
  return path;
}

static Option option_find(Failure *failure, const char *name) {
  int option = 0;
  if (failure->code) return OPTION_COUNT;
  while (option < OPTION_COUNT &&
         !name_equal(option_name((Option)option), name))
    option++;
  if (option < OPTION_COUNT) return (Option)option;
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < OPTION_COUNT; i++)
    sqlite3_str_appendf(text, "%s%s", i ? ", " : "", option_name((Option)i));
  char *list = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR, "no option '%.40s'; there is %s", name,
              list);
  sqlite3_free(list);
  return OPTION_COUNT;
}

/* 1 is kept as it is, 0 is as if nothing had been said. */
static const char *option_flag(Failure *failure, sqlite3_value *value) {
  bool number = sqlite3_value_type(value) == SQLITE_INTEGER;
  sqlite3_int64 flag = number ? sqlite3_value_int64(value) : -1;
  if (flag != 0 && flag != 1)
    failure_set(failure, SQLITE_MISMATCH, "delete_orphan is 1 or 0");
  return flag == 1 ? "1" : NULL;
}

static void request_option(Failure *failure, Request *request,
                           sqlite3_value **pair) {
  const char *name = declare_text(failure, pair[0], "the name of an option");
  Option option = option_find(failure, name);
  if (failure->code) return;
  if (request->given[option])
    failure_set(failure, SQLITE_ERROR, "the option %s is given twice",
                option_name(option));
  request->given[option] = true;
  if (sqlite3_value_type(pair[1]) == SQLITE_NULL) return;
  if (option == OPTION_DELETE_ORPHAN) {
    request->values[option] = option_flag(failure, pair[1]);
    return;
  }
  char *what = sqlite3_mprintf("the value of %s", option_name(option));
  request->values[option] = declare_text(failure, pair[1], what ? what : "");
  sqlite3_free(what);
}

static void request_arguments(Failure *failure, Request *request, int argc,
                              sqlite3_value **argv) {
  if (argc < 1)
    failure_set(failure, SQLITE_ERROR,
                "takes the name of a relationship, then options and their "
                "values");
  const char *name =
      argc < 1 ? NULL
               : declare_text(failure, argv[0], "the name of the relationship");
  request->path = declare_path(failure, name);
  if (argc > 0 && argc % 2 == 0)
    failure_set(failure, SQLITE_ERROR,
                "an option has no value; options are pairs of name and value");
  for (int i = 1; i < argc && !failure->code; i += 2)
    request_option(failure, request, argv + i);
  if (request->values[OPTION_INVERSE])
    request->inverse = declare_path(failure, request->values[OPTION_INVERSE]);
}

static Request request_new(Failure *failure, Connection *connection) {
  Request request = {
      .connection = connection, .arena = arena_new(failure), .cardinality = -1};
  request.make.db = request.connection->db;
  request.make.arena = request.arena;
  return request;
}

static void request_free(Request *request) {
  model_release(request->model);
  path_free(&request->path);
  path_free(&request->inverse);
  arena_free(request->arena);
}

/* Reads main as it is now. */
static void request_refresh(Failure *failure, Request *request) {
  Connection *connection = request->connection;
  model_release(request->model);
  request->model =
      model_new(failure, connection->db, "main", &connection->serial);
}

/* ---- the transaction ---- */

/* Begins the transaction.  The guard is prepared before, since what is in the
** cache may have to be prepared again, and stands on a row after it: a reader
** that comes first would keep BEGIN from waiting for a lock. */
Undertaking declare_begin(Failure *failure, Connection *connection) {
  Undertaking undertaking = {.connection = connection};
  undertaking.guard =
      statement_prepare(failure, connection->db, STATEMENT_PLAIN,
                        "SELECT 1 UNION ALL SELECT 1 FROM main.sqlite_schema");
  undertaking.transaction = transaction_begin(failure, connection->cache, true);
  if (failure->code == SQLITE_MISUSE) {
    failure_clear(failure);
    failure_set(failure, SQLITE_MISUSE,
                "can't declare inside a statement that writes; call it in a "
                "plain SELECT");
  }
  statement_step(failure, undertaking.guard);
  return undertaking;
}

/* SQLite's own sentence speaks of a table. */
static void say_locked(Failure *failure) {
  if (failure->code != SQLITE_LOCKED) return;
  failure_clear(failure);
  failure_set(failure, SQLITE_LOCKED,
              "nothing can be dropped while a statement reads; call it as a "
              "bare SELECT, with no other statement open");
}

/* Ends the transaction with `result`, which it frees, as that of the function.
** Before that this connection looks at the file, so that its next statement
** knows what is declared.  Once all is committed nothing can fail any more. */
void declare_end(Failure *failure, Undertaking *undertaking,
                 sqlite3_context *context, char *result) {
  Connection *connection = undertaking->connection;
  if (!result) failure_memory(failure);
  say_locked(failure);
  bool made = !failure->code;
  Model *model = made ? connection_enter(failure, connection, "main") : NULL;
  transaction_end(failure, &undertaking->transaction);
  if (made) connection_leave(connection, model);
  sqlite3_finalize(undertaking->guard);
  if (failure->code) {
    sqlite3_free(result);
  } else {
    sqlite3_result_text(context, result, -1, sqlite3_free);
  }
}

/* table.name as a path. */
static char *declared_name(Failure *failure, const char *table,
                           const char *name) {
  if (failure->code) return NULL;
  sqlite3_str *text = sqlite3_str_new(NULL);
  name_append(text, table);
  sqlite3_str_appendall(text, ".");
  name_append(text, name);
  return failure_text(failure, text);
}

/* ---- what is declared already ---- */

/* The row of the catalog; NULL if there is none. */
static const Declaration *catalog_find(const Catalog *catalog,
                                       const char *source, const char *name) {
  for (int i = 0; i < catalog->declaration_count; i++) {
    const Declaration *declaration = &catalog->declarations[i];
    if (name_equal(declaration->direction.source, source) &&
        name_equal(declaration->name, name))
      return declaration;
  }
  return NULL;
}

/* The relationship that is declared under the request's name and can be used;
** NULL if there is none. */
static const Relationship *request_declared(const Request *request) {
  const Model *model = request->model;
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *relationship = &model->relationships[i];
    if (relationship->declaration && relationship->target &&
        name_equal(relationship->source->name, request->path.table) &&
        name_equal(relationship->declaration->name, request->path.name))
      return relationship;
  }
  return NULL;
}

/* Fails if `name` is taken on the table `source` by another relationship than
** `relationship`, which may be NULL. */
static void check_name(Failure *failure, const Model *model, const char *source,
                       const Relationship *relationship, const char *name) {
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *other = &model->relationships[i];
    if (other == relationship || !name_equal(other->source->name, source))
      continue;
    if (other->declaration && !other->target) continue; /* it is lost */
    if (name_equal(other->exact_name, name) ||
        (other->declaration && name_equal(other->declaration->name, name)))
      failure_set(failure, SQLITE_ERROR,
                  "%s.%s is the name of another relationship (%s)", source,
                  name, other->because);
  }
}

static void check_unnamed(Failure *failure, const Relationship *relationship,
                          const char *name) {
  const Declaration *declaration = relationship->declaration;
  if (declaration && !name_equal(declaration->name, name))
    failure_set(failure, SQLITE_ERROR,
                "this relationship is declared as %s; drop that name first",
                relationship->full_name);
}

/* ---- the row ---- */

/* The relationship that the request is about, which has a row, in the model as
** it is now; a failure if it is not there, or can't be used. */
static const Relationship *request_relationship(Failure *failure,
                                                const Request *request) {
  if (failure->code) return NULL;
  const Relationship *relationship = request_declared(request);
  if (!relationship)
    failure_set(failure, SQLITE_ERROR,
                "the declaration was not kept; see what is in _relationship");
  if (relationship && relationship->problem)
    failure_set(failure, SQLITE_ERROR, "%s", relationship->problem);
  return failure->code ? NULL : relationship;
}

/* Writes the first row of a relationship that had none. */
static void request_enter(Failure *failure, Request *request,
                          Declaration declaration) {
  const Declaration *lost = catalog_find(
      request->model->catalog, request->path.table, request->path.name);
  if (failure->code) return;
  if (lost && !lost->problem) make_read(failure, &request->make, lost);
  declaration.made = make_text(failure, &request->make);
  catalog_create(failure, request->connection->db, request->model->schema);
  catalog_store(failure, request->connection->db, &declaration);
  request->make.changed = true;
  request_refresh(failure, request);
}

/* Finds or makes the relationship, and writes its row. */
static void request_introduce(Failure *failure, Request *request) {
  Declaration declaration = {.name = request->path.name, .options = "{}"};
  declaration.direction = request_resolve(failure, request);
  if (request->make.changed) request_refresh(failure, request);
  if (failure->code) return;
  const Relationship *relationship =
      model_direction(failure, request->model, &declaration.direction);
  if (relationship) {
    check_unnamed(failure, relationship, request->path.name);
    check_name(failure, request->model, relationship->source->name,
               relationship, request->path.name);
  }
  request_enter(failure, request, declaration);
}

static void request_derive(Failure *failure, Request *request) {
  derive_check(failure, request, NULL);
  Declaration declaration = derive_declaration(failure, request);
  if (failure->code) return;
  check_name(failure, request->model, declaration.direction.source, NULL,
             request->path.name);
  request_enter(failure, request, declaration);
}

static void check_not_derived(Failure *failure, const Request *request) {
  if (derive_asked(request))
    failure_set(failure, SQLITE_ERROR,
                "is declared as it is, without a path or a condition; give "
                "these a name of their own, or drop this one first");
}

/* Sees to it that the request is about a relationship that has a row. */
static void request_settle(Failure *failure, Request *request) {
  if (failure->code) return;
  const Relationship *relationship = request_declared(request);
  if (!relationship && derive_asked(request)) {
    request_derive(failure, request);
  } else if (!relationship) {
    request_introduce(failure, request);
  } else if (relationship->derived) {
    derive_check(failure, request, relationship);
  } else {
    check_not_derived(failure, request);
    request_check(failure, request, relationship);
  }
}

/* ---- options ---- */

static char *lower(Failure *failure, const Request *request, const char *text) {
  char *copy = arena_text(failure, request->arena, text);
  for (char *c = copy; c && *c; c++)
    if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
  return copy;
}

/* The value as it is kept: NULL to take the option out. */
static const char *option_kept(Failure *failure, const Request *request,
                               Option option) {
  const char *value = request->values[option];
  if (!value) return NULL;
  if (option == OPTION_CARDINALITY)
    return cardinality_name((Cardinality)request->cardinality);
  if (option == OPTION_ON_DELETE || option == OPTION_ON_UPDATE)
    return lower(failure, request,
                 uphold_action(failure, option_name(option), value));
  return value;
}

/* The options that are kept, after those of the request. */
static const char *request_options(Failure *failure, const Request *request,
                                   const char *options) {
  sqlite3 *db = request->connection->db;
  for (int i = OPTION_CARDINALITY; i < OPTION_COUNT; i++) {
    const char *name = option_name((Option)i);
    if (failure->code || !request->given[i]) continue;
    const char *is = catalog_option(failure, request->arena, db, options, name);
    const char *value = option_kept(failure, request, (Option)i);
    if (is == value || (is && value && strcmp(is, value) == 0)) continue;
    options =
        catalog_with_option(failure, request->arena, db, options, name, value);
  }
  return options;
}

/* ---- cardinality ---- */

static const Columns *key_columns(const Relationship *relationship) {
  return relationship->source_foreign ? &relationship->source_link
                                      : &relationship->target_link;
}

/* The unique index that this declaration has made, while nothing else makes
** the key unique; otherwise a failure that says what does. */
static const char *own_unique_index(Failure *failure, const Request *request,
                                    const Relationship *relationship) {
  const Table *table = relationship->link;
  const Columns *columns = key_columns(relationship);
  const char *own = NULL, *foreign = "the PRIMARY KEY";
  for (int i = 0; i < table->index_count; i++) {
    const Index *index = &table->indexes[i];
    if (!index->unique || !index->plain ||
        !columns_same_set(&index->columns, columns))
      continue;
    bool made = make_has(&request->make, "index", index->name);
    if (made) own = index->name;
    if (made) foreign = NULL;
    if (index->origin == 'u') foreign = "a UNIQUE constraint";
    if (index->origin == 'c' && !made) foreign = index->name;
    if (!made) break;
  }
  if (foreign)
    failure_set(failure, SQLITE_ERROR,
                "it is one-to-one, and stays so: %s of %s makes the key unique",
                foreign, table->name);
  return failure->code ? NULL : own;
}

/* What was made one-to-one by us is no longer. */
static void request_repeat(Failure *failure, Request *request,
                           const Relationship *relationship) {
  const char *index = own_unique_index(failure, request, relationship);
  if (!index) return;
  make_drop(failure, &request->make, "index",
            arena_text(failure, request->arena, index));
  request_refresh(failure, request);
}

static void request_cardinality(Failure *failure, Request *request,
                                const Relationship *relationship) {
  if (failure->code || relationship->cardinality == MANY_TO_MANY) return;
  bool is = relationship->cardinality == ONE_TO_ONE;
  bool wanted = request->cardinality == ONE_TO_ONE;
  if (wanted && !is) {
    make_unique(failure, &request->make, relationship);
    request_refresh(failure, request);
  } else if (is && request->cardinality >= 0 && !wanted) {
    request_repeat(failure, request, relationship);
  } else if (is && request->cardinality < 0) {
    Failure stays = {0, NULL};
    own_unique_index(&stays, request, relationship);
    if (!stays.code) request_repeat(failure, request, relationship);
    failure_clear(&stays);
  }
}

/* ---- what happens to links ---- */

/* The value of an option that the other direction has, about the same key. */
static const char *inverse_option(Failure *failure, const Request *request,
                                  const Relationship *relationship,
                                  const char *name) {
  const Relationship *inverse = relationship->inverse;
  if (relationship->cardinality == MANY_TO_MANY || !inverse ||
      !inverse->declaration || inverse->declaration->problem)
    return NULL;
  return catalog_option(failure, request->arena, request->connection->db,
                        inverse->declaration->options, name);
}

/* The action that an option of this direction asks for; NULL for none, or if
** the other direction sees to it. */
static const char *request_uphold(Failure *failure, const Request *request,
                                  const Relationship *relationship,
                                  Option option, const char *options) {
  const char *name = option_name(option);
  const char *value = catalog_option(failure, request->arena,
                                     request->connection->db, options, name);
  const char *other = inverse_option(failure, request, relationship, name);
  if (failure->code || !value) return NULL;
  if (other && name_equal(other, value)) return NULL;
  if (other)
    failure_set(failure, SQLITE_ERROR,
                "%s is %s for the same key by %s; change it there", name, other,
                relationship->inverse->full_name);
  return uphold_action(failure, name, value);
}

static void request_actions(Failure *failure, Request *request,
                            const Relationship *relationship,
                            const char *options) {
  const ForeignKey *key = uphold_key(relationship);
  const char *on_delete =
      request_uphold(failure, request, relationship, OPTION_ON_DELETE, options);
  const char *on_update =
      request_uphold(failure, request, relationship, OPTION_ON_UPDATE, options);
  uphold_delete(failure, &request->make, key, on_delete);
  uphold_update(failure, request->connection->db, key, on_update);
  orphan_uphold(failure, &request->make, relationship,
                catalog_option(failure, request->arena, request->connection->db,
                               options,
                               option_name(OPTION_DELETE_ORPHAN)) != NULL);
}

/* ---- the inverse ---- */

/* Takes a row away, and what it has made. */
static void declaration_drop(Failure *failure, Make *make,
                             const Declaration *declaration) {
  if (!declaration->problem) make_read(failure, make, declaration);
  make_drop_all(failure, make);
  catalog_remove(failure, make->db, declaration->direction.source,
                 declaration->name);
  make->changed = true;
}

static void request_name_inverse(Failure *failure, Request *request,
                                 const Relationship *inverse) {
  const char *name = request->inverse.name;
  check_unnamed(failure, inverse, name);
  if (failure->code || inverse->declaration) return;
  check_name(failure, request->model, inverse->source->name, inverse, name);
  Declaration declaration = {.direction =
                                 direction_of(failure, request->arena, inverse),
                             .name = name,
                             .options = "{}",
                             .made = "[]"};
  catalog_store(failure, request->connection->db, &declaration);
  request->make.changed = true;
}

static void request_inverse(Failure *failure, Request *request,
                            const Relationship *relationship) {
  const Relationship *inverse = relationship->inverse;
  if (failure->code || !request->given[OPTION_INVERSE] || !inverse) return;
  if (request->inverse.name) {
    request_name_inverse(failure, request, inverse);
  } else if (inverse->declaration) {
    Make make = {.db = request->make.db,
                 .arena = request->arena,
                 .guard = request->make.guard};
    declaration_drop(failure, &make, inverse->declaration);
    request->make.changed = true;
  }
}

/* ---- the view ---- */

/* Makes the view that the options ask for; one that was made under another name
** goes. */
static void request_view(Failure *failure, Request *request,
                         const Relationship *relationship) {
  const char *name =
      catalog_option(failure, request->arena, request->connection->db,
                     relationship->declaration->options, "view");
  char *sql = name ? view_sql(relationship, name) : NULL;
  if (name && !sql) failure_memory(failure);
  make_view(failure, &request->make, name, sql);
  sqlite3_free(sql);
}

/* ---- relationship() ---- */

/* Writes the row, unless it says so already. */
static void request_store(Failure *failure, Request *request,
                          const Declaration *before, const char *options,
                          const char *made) {
  if (failure->code || (strcmp(options, before->options) == 0 &&
                        strcmp(made, before->made) == 0))
    return;
  Declaration declaration = *before;
  declaration.options = options;
  declaration.made = made;
  catalog_store(failure, request->connection->db, &declaration);
  request->make.changed = true;
  request_refresh(failure, request);
}

/* Brings the options of the row in line with the request.  A condition that was
** no good may be replaced; what comes of it the new model says. */
static void request_keep_options(Failure *failure, Request *request) {
  const Relationship *relationship =
      failure->code ? NULL : request_declared(request);
  if (!relationship) return;
  const Declaration *before = relationship->declaration;
  make_read(failure, &request->make, before);
  const char *options = request_options(failure, request, before->options);
  request_store(failure, request, before, options, before->made);
}

static void request_keep_made(Failure *failure, Request *request) {
  const Relationship *relationship = request_relationship(failure, request);
  if (!relationship) return;
  const Declaration *before = relationship->declaration;
  request_store(failure, request, before, before->options,
                make_text(failure, &request->make));
}

/* Brings the links in line with the options. */
static void request_adjust_links(Failure *failure, Request *request) {
  const Relationship *relationship = request_relationship(failure, request);
  if (!relationship || relationship->derived) return;
  if (request->given[OPTION_CARDINALITY])
    request_cardinality(failure, request, relationship);
  relationship = request_relationship(failure, request);
  if (!relationship) return;
  make_indexes(failure, &request->make, relationship);
  request_actions(failure, request, relationship,
                  relationship->declaration->options);
  request_inverse(failure, request, relationship);
}

/* Brings file and row in line with the options. */
static void request_adjust(Failure *failure, Request *request) {
  request_keep_options(failure, request);
  request_adjust_links(failure, request);
  const Relationship *relationship = request_relationship(failure, request);
  if (!relationship) return;
  request_view(failure, request, relationship);
  request_keep_made(failure, request);
}

/* Asked at the end, when the model shows what has been declared. */
static void request_check_circles(Failure *failure, Request *request) {
  if (failure->code || !request->values[OPTION_ON_DELETE]) return;
  request_refresh(failure, request);
  if (failure->code) return;
  uphold_check_circles(failure, request->arena, request->connection->db,
                       request->model);
}

static void request_declare(Failure *failure, Request *request) {
  request_refresh(failure, request);
  request_read(failure, request);
  request_settle(failure, request);
  request_adjust(failure, request);
  if (!request->make.changed) return;
  request_check_circles(failure, request);
  catalog_announce(failure, request->connection->db);
}

bool declare_again(Failure *failure, Connection *connection,
                   sqlite3_stmt *guard, const char *table, const char *name) {
  Request request = request_new(failure, connection);
  char *path = declared_name(failure, table, name);
  request.path = declare_path(failure, path);
  request.make.guard = guard;
  if (!failure->code) request_declare(failure, &request);
  bool changed = request.make.changed;
  request_free(&request);
  sqlite3_free(path);
  return changed;
}

/* relationship(name, option, value, ...) */
void declare_relationship(sqlite3_context *context, int argc,
                          sqlite3_value **argv) {
  Failure failure = {0, NULL};
  Request request = request_new(&failure, sqlite3_user_data(context));
  request_arguments(&failure, &request, argc, argv);
  Undertaking undertaking = declare_begin(&failure, request.connection);
  request.make.guard = undertaking.guard;
  if (!failure.code) request_declare(&failure, &request);
  declare_end(&failure, &undertaking, context,
              declared_name(&failure, request.path.table, request.path.name));
  if (request.path.name)
    failure_prefix(&failure, "%s.%s: ", request.path.table, request.path.name);
  failure_prefix(&failure, "relationship: ");
  failure_to_result(&failure, context);
  request_free(&request);
}

/* ---- relationship_drop() ---- */

/* True if both rows are about the same links, one each way. */
static bool is_mirror(const Declaration *a, const Declaration *b) {
  const Direction *way = &b->direction;
  Direction turned = {way->target, way->source, way->link, way->target_columns,
                      way->source_columns};
  return !a->problem && !b->problem && !a->path && !b->path &&
         direction_same(&a->direction, &turned);
}

static void drop_pair(Failure *failure, Request *request,
                      const Declaration *declaration) {
  const Catalog *catalog = request->model->catalog;
  declaration_drop(failure, &request->make, declaration);
  for (int i = 0; i < catalog->declaration_count && !failure->code; i++) {
    const Declaration *other = &catalog->declarations[i];
    if (other != declaration && is_mirror(declaration, other))
      declaration_drop(failure, &request->make, other);
  }
}

static void fail_undeclared(Failure *failure, const Request *request) {
  const Relationship *relationship =
      path_relationship(failure, request->model, &request->path);
  if (!relationship) return;
  if (relationship->declaration) {
    failure_set(failure, SQLITE_ERROR, "its declared name is %s; drop that",
                relationship->full_name);
  } else {
    failure_set(failure, SQLITE_ERROR,
                "is not declared; it comes from the schema: %s",
                relationship->because);
  }
}

static void drop_one(Failure *failure, Request *request, const char *name) {
  request->path = declare_path(failure, name);
  request_refresh(failure, request);
  if (failure->code) return;
  const Declaration *declaration = catalog_find(
      request->model->catalog, request->path.table, request->path.name);
  if (declaration) {
    drop_pair(failure, request, declaration);
  } else {
    fail_undeclared(failure, request);
  }
  catalog_announce(failure, request->connection->db);
}

/* What all declarations have made: a view has a name that the user gave. */
static void drop_made(Failure *failure, Request *request) {
  const Catalog *catalog = request->model->catalog;
  for (int i = 0; i < catalog->declaration_count && !failure->code; i++) {
    if (catalog->declarations[i].problem) continue;
    make_read(failure, &request->make, &catalog->declarations[i]);
    make_drop_all(failure, &request->make);
  }
}

/* Everything of ours; the tables of declarations go last. */
static void drop_everything(Failure *failure, Request *request) {
  request_refresh(failure, request);
  if (failure->code) return;
  drop_made(failure, request);
  make_find(failure, &request->make);
  make_drop_all(failure, &request->make);
  for (int i = 0; i < CATALOG_TABLE_COUNT && !failure->code; i++) {
    const char *table = catalog_table(request->model->schema, i);
    if (table) make_drop_table(failure, &request->make, table);
  }
}

static void drop_named(Failure *failure, Request *request, const char *name) {
  if (failure->code) return;
  if (strcmp(name, "*") == 0) {
    drop_everything(failure, request);
  } else {
    drop_one(failure, request, name);
  }
}

/* relationship_drop(name), relationship_drop('*') */
void declare_drop(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Failure failure = {0, NULL};
  Request request = request_new(&failure, sqlite3_user_data(context));
  if (argc != 1)
    failure_set(&failure, SQLITE_ERROR,
                "takes one argument, the name of a declared relationship, or "
                "'*' for everything that is declared");
  const char *name =
      failure.code
          ? NULL
          : declare_text(&failure, argv[0], "the name of the relationship");
  Undertaking undertaking = declare_begin(&failure, request.connection);
  request.make.guard = undertaking.guard;
  drop_named(&failure, &request, name);
  declare_end(&failure, &undertaking, context,
              failure.code ? NULL : sqlite3_mprintf("%s", name));
  if (request.path.name)
    failure_prefix(&failure, "%s.%s: ", request.path.table, request.path.name);
  failure_prefix(&failure, "relationship_drop: ");
  failure_to_result(&failure, context);
  request_free(&request);
}
