/*
** ledger.c: what relate_save() has done.
**
** Each row that is inserted, updated or deleted, and each link that is made, changed
** or removed, is an entry: it counts, and where somebody asks for the log it is a row
** of that.
*/
#include "relate_int.h"

static void log_part(sqlite3_str *text, const Value *value) {
  char digits[REAL_SIZE];
  if (value->type == SQLITE_TEXT) {
    text_append_json(text, value->bytes, value->size);
  } else if (value->type == SQLITE_BLOB) {
    sqlite3_str_appendall(text, "{\"hex\":\"");
    for (int i = 0; i < value->size; i++)
      sqlite3_str_appendf(text, "%02x", (unsigned char)value->bytes[i]);
    sqlite3_str_appendall(text, "\"}");
  } else if (value->type == SQLITE_NULL) {
    sqlite3_str_appendall(text, "null");
  } else if (value->type == SQLITE_INTEGER) {
    sqlite3_str_appendf(text, "%lld", value->integer);
  } else {
    real_write(value->real, digits);
    sqlite3_str_appendall(text, digits);
  }
}

/* A key of several columns as a JSON array. */
static void log_key(Persisting *persisting, const Key *key) {
  Failure *failure = persisting->failure;
  if (key->columns->count == 1) {
    values_add(failure, persisting->log, key_values(key));
    return;
  }
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < key->columns->count; i++) {
    const Value *value = &key_values(key)[i];
    sqlite3_str_appendall(text, i ? "," : "[");
    log_part(text, value);
  }
  sqlite3_str_appendall(text, "]");
  char *array = failure_text(failure, text);
  answer_text(failure, persisting->log, array);
  sqlite3_free(array);
}

static void log_path(Persisting *persisting, const Object *object) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (object) object_append_path(text, object);
  char *path = failure_text(persisting->failure, text);
  answer_text(persisting->failure, persisting->log, object ? path : NULL);
  sqlite3_free(path);
}

/* Of a row, or of a link to `target`; at an object, if one says so. */
void ledger_note(Persisting *persisting, const char *action, const char *name,
                 const Key *key, const Key *target, const Object *object) {
  if (persisting->failure->code) return;
  persisting->count++;
  if (!persisting->log) return;
  answer_text(persisting->failure, persisting->log, action);
  answer_text(persisting->failure, persisting->log, name);
  log_key(persisting, key);
  if (target) {
    log_key(persisting, target);
  } else {
    answer_text(persisting->failure, persisting->log, NULL);
  }
  log_path(persisting, object);
}

void ledger_note_row(Persisting *persisting, const char *action,
                     const Object *object) {
  if (persisting->failure->code) return;
  Key key = object_row_key(persisting->failure, persisting->arena, object);
  ledger_note(persisting, action, object->frame->table->name, &key, NULL,
              object);
}

/* ---- patience ---- */

void persisting_start(Persisting *persisting) {
  persisting->changes = sqlite3_total_changes64(persisting->connection->db);
}

bool persisting_waits(Persisting *persisting) {
  sqlite3 *db = persisting->connection->db;
  int code = persisting->failure->code;
  if (!persisting->patient || sqlite3_get_autocommit(db) ||
      sqlite3_total_changes64(db) != persisting->changes)
    return false;
  if (code != SQLITE_CONSTRAINT_UNIQUE &&
      code != SQLITE_CONSTRAINT_PRIMARYKEY &&
      code != SQLITE_CONSTRAINT_TRIGGER && code != SQLITE_CONSTRAINT_FOREIGNKEY)
    return false;
  failure_clear(persisting->failure);
  return true;
}
