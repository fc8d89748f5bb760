/*
** path.c: names written in a path.
**
**     students.courses              a relationship of main
**     "odd name".courses            a name in SQL's quotes
**     aux:students.courses          a table of an attached database
**
** A name that is not found gives an error that offers what is near.
*/
#include "relate_int.h"

#define PATH_OFFERS 5

static char *path_part(Failure *failure, const char **cursor) {
  sqlite3_str *name = sqlite3_str_new(NULL);
  bool found = name_read(cursor, name);
  char *text = failure_text(failure, name);
  if (found || failure->code) return text;
  sqlite3_free(text);
  return NULL;
}

static void path_malformed(Failure *failure, const char *text) {
  failure_set(failure, SQLITE_ERROR,
              "'%.100s' is not a relationship: write table.name, such as "
              "students.courses; odd names in double quotes",
              text);
}

/* Takes the text apart; what it names may not exist. */
Path path_read(Failure *failure, const char *text) {
  Path path = {NULL, NULL, NULL};
  const char *cursor = text;
  if (failure->code) return path;
  path.table = path_part(failure, &cursor);
  if (path.table && *cursor == ':') {
    cursor++;
    path.schema = path.table;
    path.table = path_part(failure, &cursor);
  } else if (path.table) {
    path.schema = sqlite3_mprintf("main");
    if (!path.schema) failure_memory(failure);
  }
  if (path.table && *cursor == '.') {
    cursor++;
    path.name = path_part(failure, &cursor);
    if (!path.name) path_malformed(failure, text);
  }
  if (!path.table || *cursor) path_malformed(failure, text);
  return path;
}

void path_free(Path *path) {
  sqlite3_free(path->schema);
  sqlite3_free(path->table);
  sqlite3_free(path->name);
  *path = (Path){NULL, NULL, NULL};
}

/* ---- what is near ---- */

/* The names that resemble `wanted` most, nearest first. */
typedef struct Offers {
  const char *wanted;
  int count;
  const char *names[PATH_OFFERS];
  int distances[PATH_OFFERS];
} Offers;

static void offers_add(Offers *offers, const char *name) {
  int distance = name_distance(offers->wanted, name), place = offers->count;
  while (place > 0 && offers->distances[place - 1] > distance) place--;
  if (place == PATH_OFFERS) return;
  if (offers->count < PATH_OFFERS) offers->count++;
  for (int i = offers->count - 1; i > place; i--) {
    offers->names[i] = offers->names[i - 1];
    offers->distances[i] = offers->distances[i - 1];
  }
  offers->names[place] = name;
  offers->distances[place] = distance;
}

static void offers_fail(Failure *failure, const Offers *offers,
                        const char *message, const char *none) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, message);
  sqlite3_str_appendall(text, offers->count ? "; there is " : none);
  for (int i = 0; i < offers->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    name_append(text, offers->names[i]);
  }
  char *finished = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR, "%s", finished);
  sqlite3_free(finished);
}

static void fail_table(Failure *failure, const Schema *schema,
                       const char *table) {
  Offers offers = {.wanted = table};
  for (int i = 0; i < schema->table_count; i++)
    if (!name_starts(schema->tables[i].name, "_relationship"))
      offers_add(&offers, schema->tables[i].name);
  char *message = sqlite3_mprintf("no table %s in %s", table, schema->name);
  if (!message) failure_memory(failure);
  offers_fail(failure, &offers, message, ", which has none");
  sqlite3_free(message);
}

static void fail_ambiguous(Failure *failure, const Model *model,
                           const Table *table, const char *name) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  const char *separator = "";
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *relationship = &model->relationships[i];
    if (relationship->source != table ||
        !name_equal(relationship->short_name, name))
      continue;
    sqlite3_str_appendall(text, separator);
    name_append(text, relationship->exact_name);
    separator = ", ";
  }
  char *list = failure_text(failure, text);
  failure_set(failure, SQLITE_ERROR,
              "%s.%s is ambiguous; say which: %s, or declare a name for it",
              table->name, name, list);
  sqlite3_free(list);
}

static bool short_is_shared(const Model *model, const Table *table,
                            const char *name) {
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *relationship = &model->relationships[i];
    if (relationship->source == table && relationship->short_is_shared &&
        name_equal(relationship->short_name, name))
      return true;
  }
  return false;
}

static void fail_relationship(Failure *failure, const Model *model,
                              const Table *table, const char *name) {
  Offers offers = {.wanted = name};
  if (short_is_shared(model, table, name)) {
    fail_ambiguous(failure, model, table, name);
    return;
  }
  for (int i = 0; i < model->relationship_count; i++)
    if (model->relationships[i].source == table)
      offers_add(&offers, model->relationships[i].name);
  char *message =
      sqlite3_mprintf("%s has no relationship %s", table->name, name);
  if (!message) failure_memory(failure);
  offers_fail(failure, &offers, message,
              ", and no foreign key that would make one; see "
              "relationship_list");
  sqlite3_free(message);
}

/* ---- what a path names ---- */

const Table *path_table(Failure *failure, const Model *model,
                        const char *table) {
  if (failure->code) return NULL;
  const Table *found = schema_table(model->schema, table);
  if (!found) fail_table(failure, model->schema, table);
  return found;
}

const Relationship *path_relationship(Failure *failure, const Model *model,
                                      const Path *path) {
  if (failure->code) return NULL;
  if (!path->name) {
    failure_set(failure, SQLITE_ERROR,
                "'%s' is a table; name a relationship of it, such as "
                "students.courses",
                path->table);
    return NULL;
  }
  const Relationship *found = model_find(model, path->table, path->name);
  if (found && !found->problem) return found;
  const Table *table = path_table(failure, model, path->table);
  if (found) {
    failure_set(failure, SQLITE_ERROR, "%s can't be used: %s", found->full_name,
                found->problem);
  } else if (table) {
    fail_relationship(failure, model, table, path->name);
  }
  return NULL;
}
