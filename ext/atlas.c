/*
** atlas.c: the names under which relationships are tables.
**
**     students.courses     students__courses       by its short name
**     students.courses_via_student_course, ...     by its exact name
**     employees.reports*   employees__reports__all what can be reached
**     aux:a.b                                      in an attached database
**
** SQLite knows a virtual table by the name of its module, and can't be told of
** one when it comes upon a name.  So with each new model the names that are new
** are registered, on this connection and for good; a schema of a thousand tables
** has some ten thousand.  A name that is taken, by a module of somebody else or
** by another relationship, stays as it is.
**
** The names are in a hash; a name without a navigator is somebody else's.
*/
#include "relate_int.h"

typedef struct AtlasEntry {
  char *name; /* of somebody else; NULL: the navigator's */
  Navigator *navigator;
} AtlasEntry;

struct Atlas {
  int count, room; /* room is a power of two */
  AtlasEntry *list;
};

/* ---- the hash ---- */

static unsigned name_hash(const char *name) {
  unsigned hash = 5381;
  for (; *name; name++) {
    char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
    hash = hash * 33 ^ (unsigned char)c;
  }
  return hash ^ hash >> 15;
}

static const char *entry_name(const AtlasEntry *entry) {
  return entry->navigator ? navigator_name(entry->navigator) : entry->name;
}

/* The entry of that name, or the free one where it would be. */
static AtlasEntry *atlas_find(const Atlas *atlas, const char *name) {
  unsigned mask = (unsigned)atlas->room - 1;
  unsigned slot = name_hash(name) & mask;
  while (entry_name(&atlas->list[slot]) &&
         !name_equal(entry_name(&atlas->list[slot]), name))
    slot = (slot + 1) & mask;
  return &atlas->list[slot];
}

/* Makes room for one more. */
static void atlas_grow(Failure *failure, Atlas *atlas) {
  if (failure->code || 2 * atlas->count < atlas->room) return;
  Atlas larger = {atlas->count, atlas->room ? 2 * atlas->room : 64, NULL};
  sqlite3_uint64 size = sizeof(AtlasEntry) * (sqlite3_uint64)larger.room;
  larger.list = sqlite3_malloc64(size);
  if (!larger.list) {
    failure_memory(failure);
    return;
  }
  memset(larger.list, 0, (size_t)size);
  for (int i = 0; i < atlas->room; i++)
    if (entry_name(&atlas->list[i]))
      *atlas_find(&larger, entry_name(&atlas->list[i])) = atlas->list[i];
  sqlite3_free(atlas->list);
  *atlas = larger;
}

void atlas_free(Atlas *atlas) {
  if (!atlas) return;
  for (int i = 0; i < atlas->room; i++) {
    sqlite3_free(atlas->list[i].name);
    navigator_free(atlas->list[i].navigator);
  }
  sqlite3_free(atlas->list);
  sqlite3_free(atlas);
}

static Atlas *atlas_new(Failure *failure) {
  Atlas *atlas = failure->code ? NULL : sqlite3_malloc64(sizeof(*atlas));
  if (!atlas) {
    failure_memory(failure);
    return NULL;
  }
  memset(atlas, 0, sizeof(*atlas));
  return atlas;
}

/* ---- a new model ---- */

/* Registers what a model has, on a connection. */
typedef struct Registration {
  Failure *failure;
  Connection *connection;
  Atlas *atlas;
  const Relationship *relationship;
  const char *called; /* one of its names */
  bool looked;        /* at the modules of others */
} Registration;

/* The free entry for that name, or NULL. */
static AtlasEntry *registration_place(const Registration *registration,
                                      const char *name) {
  atlas_grow(registration->failure, registration->atlas);
  if (registration->failure->code) return NULL;
  AtlasEntry *entry = atlas_find(registration->atlas, name);
  return entry_name(entry) ? NULL : entry;
}

/* Names that could be ours and are somebody else's. */
static void registration_look(Registration *registration) {
  Failure *failure = registration->failure;
  if (registration->looked) return;
  registration->looked = true;
  sqlite3_stmt *statement =
      statement_prepare(failure, registration->connection->db, 0,
                        "SELECT m.name FROM temp.pragma_module_list AS m"
                        " WHERE instr(m.name, '__') OR instr(m.name, '.')");
  while (statement_step(failure, statement)) {
    const char *name = statement_text(failure, statement, 0);
    AtlasEntry *entry = name ? registration_place(registration, name) : NULL;
    if (!entry) continue;
    entry->name = sqlite3_mprintf("%s", name);
    if (entry->name) registration->atlas->count++;
    if (!entry->name) failure_memory(failure);
  }
  sqlite3_finalize(statement);
}

static void registration_add(Registration *registration, const char *name,
                             bool travels) {
  Failure *failure = registration->failure;
  if (failure->code || !registration_place(registration, name)) return;
  registration_look(registration);
  AtlasEntry *entry = registration_place(registration, name);
  if (!entry) return;
  entry->navigator =
      navigator_new(failure, registration->connection, name,
                    registration->relationship, registration->called, travels);
  if (entry->navigator) registration->atlas->count++;
}

/* table.name, table__name, with what comes behind for a step that is
** repeated. */
static void registration_forms(Registration *registration, bool travels) {
  static const char *const dots[] = {".", "__"};
  static const char *const ends[] = {"*", "__all"};
  const Relationship *relationship = registration->relationship;
  const char *schema = relationship->model->schema->name;
  bool in_main = name_equal(schema, "main");
  for (int form = 0; form < 2 && !registration->failure->code; form++) {
    if (form == 1 && !in_main) return;
    sqlite3_str *text = sqlite3_str_new(NULL);
    if (!in_main) sqlite3_str_appendf(text, "%s:", schema); /* safe: no SQL */
    sqlite3_str_appendall(text, relationship->source->name);
    sqlite3_str_appendall(text, dots[form]);
    sqlite3_str_appendall(text, registration->called);
    if (travels) sqlite3_str_appendall(text, ends[form]);
    char *name = failure_text(registration->failure, text);
    registration_add(registration, name, travels);
    sqlite3_free(name);
  }
}

static void registration_name(Registration *registration, const char *called) {
  const Relationship *relationship = registration->relationship;
  if (!called || !*called) return;
  registration->called = called;
  registration_forms(registration, false);
  if (relationship->source == relationship->target)
    registration_forms(registration, true);
}

static void registration_model(Registration *registration, const Model *model) {
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *relationship = &model->relationships[i];
    if (!relationship->target || registration->failure->code) continue;
    registration->relationship = relationship;
    registration_name(registration, relationship->exact_name);
    registration_name(registration, relationship->name);
    registration_name(registration, relationship->short_name);
  }
}

void atlas_announce(Failure *failure, Connection *connection, Model *model) {
  if (!connection->atlas) connection->atlas = atlas_new(failure);
  Atlas *atlas = connection->atlas;
  Registration registration = {failure, connection, atlas, NULL, NULL, false};
  if (atlas) registration_model(&registration, model);
  for (int i = 0; atlas && i < atlas->room && !failure->code; i++)
    if (atlas->list[i].navigator)
      navigator_refresh(failure, atlas->list[i].navigator, model);
  /* Where an authorizer forbids it, the names are missing. */
  if (failure->code != SQLITE_NOMEM) failure_clear(failure);
}
