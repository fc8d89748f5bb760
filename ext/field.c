/*
** field.c: what can be read along a route.
**
**     students.courses     id, title, ...      the target's columns
**                          grade               payload of the link
**                          source_key          HIDDEN: the key of the source
**                          link_key            HIDDEN: the key of the link's row
**     employees.reports*   ...                 HIDDEN: depth
**
** These are the columns of a navigator, in this order.  A name that is taken
** already gets `link_` in front, as often as it takes.  Where a key has several
** columns there is a source_key_1, a source_key_2, ...
**
** A field compares as the column does that it stands for: source_key as the key
** of the source.
*/
#include "relate_int.h"

static bool fields_have(const Fields *fields, const char *name) {
  for (int i = 0; i < fields->count; i++)
    if (name_equal(fields->list[i].name, name)) return true;
  return false;
}

static void fields_add(Failure *failure, Arena *arena, Fields *fields,
                       const char *name, Field field) {
  field.name = name;
  while (name && fields_have(fields, field.name) && !failure->code)
    field.name = arena_format(failure, arena, "link_%s", field.name);
  fields->list = arena_extend(failure, arena, fields->list, fields->count,
                              sizeof(*fields->list));
  if (!failure->code) fields->list[fields->count++] = field;
}

static void fields_add_columns(Failure *failure, Arena *arena, Fields *fields,
                               const Route *route, bool travels) {
  const Relationship *link = travels ? NULL : route_link(route);
  for (int i = 0; i < route->target->column_count; i++) {
    const Column *column = &route->target->columns[i];
    fields_add(failure, arena, fields, column->name,
               (Field){.origin = FIELD_TARGET, .column = column});
  }
  for (int i = 0; link && i < link->payload.count; i++) {
    const Column *column = link->payload.list[i];
    fields_add(failure, arena, fields, column->name,
               (Field){.origin = FIELD_PAYLOAD, .column = column});
  }
}

static void fields_add_source(Failure *failure, Arena *arena, Fields *fields,
                              const Route *route) {
  const Columns *key = &route->steps[0].relationship->source_key;
  fields->source = fields->count;
  for (int i = 0; i < key->count; i++)
    fields_add(
        failure, arena, fields,
        key->count == 1 ? "source_key"
                        : arena_format(failure, arena, "source_key_%d", i + 1),
        (Field){.origin = FIELD_SOURCE, .column = key->list[i], .place = i});
}

/* The key by which SQLite tells rows apart.  A link without a key of its own has
** none. */
static void fields_add_link(Failure *failure, Arena *arena, Fields *fields,
                            const Route *route, bool travels) {
  const Relationship *link = travels ? NULL : route_link(route);
  const Columns *key = link ? &link->link->row_key : NULL;
  if (key && !key->count) return;
  fields->link = fields->count;
  fields_add(failure, arena, fields, "link_key",
             (Field){.origin = FIELD_LINK,
                     .column = key && key->count == 1 ? key->list[0] : NULL});
}

/* The fields of the route, or of what it leads to when it is repeated; they
** live in the arena. */
Fields fields_of(Failure *failure, Arena *arena, const Route *route,
                 bool travels) {
  Fields fields = {0, NULL, 0, -1};
  if (failure->code) return fields;
  fields_add_columns(failure, arena, &fields, route, travels);
  fields_add_source(failure, arena, &fields, route);
  if (travels)
    fields_add(failure, arena, &fields, "depth",
               (Field){.origin = FIELD_DEPTH});
  fields_add_link(failure, arena, &fields, route, travels);
  return fields;
}

/* ---- as SQLite is told ---- */

/* What a column compares by: 'A' BLOB, 'B' TEXT, ... as in Column. */
char field_affinity(const Field *field) {
  if (field->column) return field->column->affinity;
  return field->origin == FIELD_DEPTH ? 'D' : 'A';
}

static bool field_is_hidden(const Field *field) {
  return field->origin != FIELD_TARGET && field->origin != FIELD_PAYLOAD;
}

/* As far as SQLite knows, see field_append_hidden. */
const char *field_collation(const Field *field) {
  const char *collation = field->column ? field->column->collation : "BINARY";
  return field_is_hidden(field) && !name_equal(collation, "NOCASE") ? "BINARY"
                                                                    : collation;
}

static bool field_type_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* True if the type is words of letters that mean nothing else to the parser,
** and perhaps numbers behind: VARCHAR(40). */
static bool field_type_is_plain(const char *type) {
  const char *c = type;
  while (field_type_letter(*c)) {
    const char *word = c;
    while (field_type_letter(*c)) c++;
    int length = (int)(c - word);
    if (sqlite3_keyword_check(word, length) ||
        (length == 6 && name_starts(word, "hidden")))
      return false;
    while (*c == ' ') c++;
  }
  if (c == type || *c == 0) return *c == 0;
  return *c == '(' && strspn(c + 1, "0123456789, ") == strlen(c + 1) - 1 &&
         c[strlen(c) - 1] == ')';
}

/* The type as it was declared, which tells a client how to convert; else one of
** the same affinity. */
static const char *field_type(const Field *field) {
  static const char *const types[] = {"", "TEXT", "NUMERIC", "INTEGER", "REAL"};
  const char *type = field->column ? field->column->type : "";
  return *type && field_type_is_plain(type)
             ? type
             : types[field_affinity(field) - 'A'];
}

/* HIDDEN is a word of the type, and the affinity is that of all its words: of
** itself alone it would be NUMERIC.  When SQLite takes the word out it loses the
** collation that is behind it in memory, and finds the last six letters of the
** type in its place: NOCASE, said twice, survives; other collations do not. */
static void field_append_hidden(sqlite3_str *text, const Field *field) {
  static const char *const types[] = {"BLOB", "TEXT", "NUMERIC", "INTEGER",
                                      "REAL"};
  sqlite3_str_appendf(text, "HIDDEN %s",
                      types[field_affinity(field) - 'A']); /* safe: literals */
  if (name_equal(field_collation(field), "NOCASE"))
    sqlite3_str_appendall(text, " NOCASE");
}

/* CREATE TABLE x(...), as sqlite3_declare_vtab wants it; the caller frees.  The
** key of the link's row tells a row of the navigator from others. */
char *fields_declaration(Failure *failure, const Fields *fields) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < fields->count; i++) {
    const Field *field = &fields->list[i];
    const char *collation = field_collation(field);
    sqlite3_str_appendf(text, i ? ", \"%w\" " : "CREATE TABLE x(\"%w\" ",
                        field->name);
    if (field_is_hidden(field)) {
      field_append_hidden(text, field);
    } else {
      sqlite3_str_appendall(text, field_type(field));
    }
    if (!name_equal(collation, "BINARY"))
      sqlite3_str_appendf(text, " COLLATE \"%w\"", collation);
    if (i == fields->link) sqlite3_str_appendall(text, " NOT NULL PRIMARY KEY");
  }
  sqlite3_str_appendall(text, fields->link < 0 ? ")" : ") WITHOUT ROWID");
  return failure_text(failure, text);
}
