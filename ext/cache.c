/*
** cache.c: the prepared statements of one connection.
**
** A statement is taken out, used, and given back:
**
**     sqlite3_stmt *statement = cache_take(cache, serial, KIND, NULL);
**     if (!statement)
**       statement = cache_add(&failure, cache, serial, KIND, NULL,
**                             STATEMENT_PLAIN, generate_...());
**     ... bind and step ...
**     cache_give(cache, statement);
**
** One that is out is not given to a second taker: a trigger may call the same
** function again, and gets a statement of its own.
**
** sqlite3_close() refuses while a statement is left, and looks before it frees
** functions and modules; but it disconnects virtual tables first.  So the
** statements belong to an eponymous virtual table, _relationship_cache, whose
** xDisconnect finalizes them.  It is connected at load, and again when it is
** missing (after a close that failed).
**
** Ownership: the connection, the module and the connected table each hold a
** reference to the Cache.  The entries are in the order of their last use.
*/
#include "relate_int.h"

#define CACHE_LIMIT 64

typedef struct Entry {
  struct Entry *next;
  sqlite3_int64 subject;
  int kind;
  bool taken;
  bool stale; /* to be finalized when it is given back */
  char *detail;
  sqlite3_stmt *statement;
} Entry;

typedef struct Pin {
  struct Pin *next;
  sqlite3_stmt **place;
} Pin;

struct Cache {
  int references;
  sqlite3 *db;
  bool connected; /* xDisconnect will come before the connection closes */
  int count;
  Entry *entries;
  Pin *pins;
};

Cache *cache_new(Failure *failure, sqlite3 *db) {
  if (failure->code) return NULL;
  Cache *cache = sqlite3_malloc64(sizeof(*cache));
  if (!cache) {
    failure_memory(failure);
    return NULL;
  }
  memset(cache, 0, sizeof(*cache));
  cache->references = 1;
  cache->db = db;
  return cache;
}

static void entry_free(Entry *entry) {
  sqlite3_finalize(entry->statement);
  sqlite3_free(entry->detail);
  sqlite3_free(entry);
}

/* Finalizes the entries that are not taken, all or those about a subject. */
static void cache_sweep(Cache *cache, bool all) {
  Entry **link = &cache->entries;
  while (*link) {
    Entry *entry = *link;
    if (entry->taken) entry->stale |= all || entry->subject;
    if (!entry->taken && (all || entry->subject)) {
      *link = entry->next;
      cache->count--;
      entry_free(entry);
    } else {
      link = &entry->next;
    }
  }
}

static void cache_empty(Cache *cache) {
  cache_sweep(cache, true);
  while (cache->pins) {
    Pin *pin = cache->pins;
    cache->pins = pin->next;
    sqlite3_finalize(*pin->place);
    *pin->place = NULL;
    sqlite3_free(pin);
  }
}

static void cache_retain(Cache *cache) { cache->references++; }

void cache_release(Cache *cache) {
  if (!cache || --cache->references) return;
  cache_empty(cache);
  sqlite3_free(cache);
}

sqlite3 *cache_db(Cache *cache) { return cache->db; }

/* ---- the table that owns the statements ---- */

typedef struct CacheTable {
  sqlite3_vtab base;
  Cache *cache;
} CacheTable;

static int cache_connect(sqlite3 *db, void *pAux, int argc,
                         const char *const *argv, sqlite3_vtab **ppVtab,
                         char **pzErr) {
  Cache *cache = pAux;
  (void)argc, (void)argv, (void)pzErr;
  int code = sqlite3_declare_vtab(db, "CREATE TABLE x(nil)");
  if (code) return code;
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  CacheTable *table = sqlite3_malloc64(sizeof(*table));
  if (!table) return SQLITE_NOMEM;
  memset(table, 0, sizeof(*table));
  table->cache = cache;
  cache_retain(cache);
  cache->connected = true;
  *ppVtab = &table->base;
  return SQLITE_OK;
}

static int cache_disconnect(sqlite3_vtab *pVtab) {
  CacheTable *table = (CacheTable *)pVtab;
  table->cache->connected = false;
  cache_empty(table->cache);
  cache_release(table->cache);
  sqlite3_free(table);
  return SQLITE_OK;
}

static void cache_release_module(void *cache) { cache_release(cache); }

static const sqlite3_module cache_module = {
    .iVersion = 0,
    .xConnect = cache_connect,
    .xBestIndex = hollow_best_index,
    .xDisconnect = cache_disconnect,
    .xOpen = hollow_open,
    .xClose = hollow_close,
    .xFilter = hollow_filter,
    .xEof = hollow_eof,
};

/* Connects the table unless it is: without it nothing may be kept. */
static void cache_attach(Failure *failure, Cache *cache) {
  if (failure->code || cache->connected) return;
  module_connect(failure, cache->db, CACHE_TABLE);
  if (!cache->connected)
    failure_set(failure, SQLITE_ERROR,
                "a table in temp hides " CACHE_TABLE "; drop it");
}

void cache_register(Failure *failure, Cache *cache) {
  cache_retain(cache);
  module_register(failure, cache->db, CACHE_TABLE, &cache_module, cache,
                  cache_release_module);
}

/* ---- statements ---- */

static bool entry_is(const Entry *entry, sqlite3_int64 subject, int kind,
                     const char *detail) {
  if (entry->taken || entry->subject != subject || entry->kind != kind)
    return false;
  if (!detail || !entry->detail) return detail == entry->detail;
  return strcmp(detail, entry->detail) == 0;
}

static void cache_to_front(Cache *cache, Entry **link) {
  Entry *entry = *link;
  *link = entry->next;
  entry->next = cache->entries;
  cache->entries = entry;
}

/* The statement if it is here and nobody has taken it, else NULL. */
sqlite3_stmt *cache_take(Cache *cache, sqlite3_int64 subject, int kind,
                         const char *detail) {
  for (Entry **link = &cache->entries; *link; link = &(*link)->next) {
    if (!entry_is(*link, subject, kind, detail)) continue;
    cache_to_front(cache, link);
    cache->entries->taken = true;
    return cache->entries->statement;
  }
  return NULL;
}

/* Sees to it that there are no more than `most`, as far as they are not taken:
** finalizes what was not used for the longest time. */
static void cache_evict(Cache *cache, int most) {
  Entry **last = NULL;
  if (cache->count <= most) return;
  for (Entry **link = &cache->entries; *link; link = &(*link)->next)
    if (!(*link)->taken) last = link;
  if (!last) return;
  Entry *entry = *last;
  *last = entry->next;
  cache->count--;
  entry_free(entry);
}

/* Prepares `sql`, which it frees (NULL: no memory), as a statement that is
** taken.  NULL once *failure is set. */
sqlite3_stmt *cache_add(Failure *failure, Cache *cache, sqlite3_int64 subject,
                        int kind, const char *detail, unsigned flags,
                        char *sql) {
  if (!sql) failure_memory(failure);
  cache_attach(failure, cache);
  sqlite3_stmt *statement = statement_prepare(
      failure, cache->db, flags | STATEMENT_KEPT, failure->code ? "" : sql);
  sqlite3_free(sql);
  if (!statement) return NULL;
  Entry *entry = sqlite3_malloc64(sizeof(*entry));
  char *copy = detail ? sqlite3_mprintf("%s", detail) : NULL;
  if (!entry || (detail && !copy)) {
    failure_memory(failure);
    sqlite3_finalize(statement);
    sqlite3_free(entry);
    sqlite3_free(copy);
    return NULL;
  }
  cache_evict(cache, CACHE_LIMIT - 1);
  *entry = (Entry){.next = cache->entries,
                   .subject = subject,
                   .kind = kind,
                   .taken = true,
                   .detail = copy,
                   .statement = statement};
  cache->entries = entry;
  cache->count++;
  return statement;
}

/* Takes, or prepares and takes, a statement whose text never changes. */
sqlite3_stmt *cache_sql(Failure *failure, Cache *cache, int kind,
                        const char *sql) {
  if (failure->code) return NULL;
  sqlite3_stmt *statement = cache_take(cache, 0, kind, NULL);
  if (statement) return statement;
  return cache_add(failure, cache, 0, kind, NULL, 0,
                   sqlite3_mprintf("%s", sql));
}

sqlite3_stmt *cache_text(Failure *failure, Cache *cache, int kind, char *sql) {
  if (!sql) failure_memory(failure);
  sqlite3_stmt *statement =
      failure->code ? NULL : cache_take(cache, 0, kind, sql);
  if (!statement && !failure->code)
    statement =
        cache_add(failure, cache, 0, kind, sql, 0, sqlite3_mprintf("%s", sql));
  sqlite3_free(sql);
  return statement;
}

/* Resets the statement and takes it back.  NULL is fine. */
void cache_give(Cache *cache, sqlite3_stmt *statement) {
  Entry **link = &cache->entries;
  if (!statement) return;
  while (*link && (*link)->statement != statement) link = &(*link)->next;
  Entry *entry = *link;
  if (!entry) return;
  entry->taken = false;
  if (entry->stale) {
    *link = entry->next;
    cache->count--;
    entry_free(entry);
  } else {
    sqlite3_reset(statement); /* who takes it binds every parameter anew */
    cache_evict(cache, CACHE_LIMIT);
  }
}

/* Forgets what is bound, which may have been borrowed: somebody may want to see the
** statements of the connection. */
void cache_unbind(Cache *cache) {
  for (Entry *entry = cache->entries; entry; entry = entry->next)
    if (!entry->taken) sqlite3_clear_bindings(entry->statement);
}

/* Forgets every statement about a subject. */
void cache_clear(Cache *cache) { cache_sweep(cache, false); }

/* Prepares *place, which is NULL, to stay until the connection closes. */
void cache_pin(Failure *failure, Cache *cache, sqlite3_stmt **place,
               const char *sql) {
  cache_attach(failure, cache);
  Pin *pin = failure->code ? NULL : sqlite3_malloc64(sizeof(*pin));
  if (!pin) {
    failure_memory(failure);
    return;
  }
  *place = statement_prepare(failure, cache->db, STATEMENT_KEPT, sql);
  if (!*place) {
    sqlite3_free(pin);
    return;
  }
  pin->place = place;
  pin->next = cache->pins;
  cache->pins = pin;
}

/* Finalizes *place; it becomes NULL. */
void cache_unpin(Cache *cache, sqlite3_stmt **place) {
  for (Pin **link = &cache->pins; *link; link = &(*link)->next) {
    Pin *pin = *link;
    if (pin->place != place) continue;
    *link = pin->next;
    sqlite3_free(pin);
    break;
  }
  sqlite3_finalize(*place);
  *place = NULL;
}
