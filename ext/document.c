/*
** document.c: JSON read as rows and links.
**
** SQLite parses the text: json() refuses what is no JSON, and gives it without
** space, which json.c cuts.  What a name means is found once for each place in the
** tree, not for each object.
**
** Nothing of the database is looked at: which rows the objects are is the
** business of identity.c.
*/
#include "relate_int.h"

enum { KIND_DOCUMENT = -300, KIND_DOCUMENT_PLACE };

/* What a name means in the objects of one place. */
typedef struct Meaning {
  Text name;
  const Column *column; /* of the row, or the payload of the link; or NULL */
  bool is_payload;
  const Relationship *relationship; /* or NULL */
  struct Place *place;              /* of what it leads to, once needed */
} Meaning;

/* Where objects of one kind stand: at the top, or in a relationship. */
typedef struct Place {
  Frame *frame;
  const Relationship *relationship; /* NULL: at the top */
  int count;
  Meaning *meanings;
  int next; /* where the next name is looked for first */
} Place;

/* Some columns and their values, as they come. */
typedef struct Given {
  int count, room;
  const Column **columns;
  Value *values;
} Given;

/* An object or array whose members are read. */
typedef struct Open {
  bool is_array;
  Place *place;
  Object *object;   /* of an array: in which it stands, or NULL */
  const char *name; /* of an array: under which */
  Listing *listing; /* of an array, or NULL at the top */
  int count;        /* of elements so far */
  Tie *tie;         /* that leads to the object, or NULL */
  Given given, payload;
} Open;

typedef struct DocumentReader {
  Failure *failure;
  Connection *connection;
  Graph *graph;
  Arena *arena;
  const DocumentOrder *order;
  char *at; /* in the text, which is ours: strings are decoded in place */
  int depth, room;
  Open *stack; /* the outermost first */
  Meaning nothing;
} DocumentReader;

/* Says of what stands under `name` in `open` that something is wrong. */
static void reader_prefix(DocumentReader *reader, const Open *open,
                          const char *name, int index) {
  const Object *around = open ? open->object : NULL;
  const char *member = open && open->is_array ? open->name : name;
  graph_prefix_place(reader->failure, reader->graph, reader->graph->documents,
                     around, member, index);
}

/* ---- what names mean ---- */

static Place *place_new(DocumentReader *reader, const Table *table,
                        const Relationship *relationship) {
  Place *place = arena_take(reader->failure, reader->arena, sizeof(*place));
  if (!place) return NULL;
  place->relationship = relationship;
  place->frame = forms_frame(reader->failure, &reader->graph->forms, table);
  return place->frame ? place : NULL;
}

static const Column *payload_column(const Relationship *relationship,
                                    const char *name) {
  for (int i = 0; relationship && i < relationship->payload.count; i++)
    if (name_equal(relationship->payload.list[i]->name, name))
      return relationship->payload.list[i];
  return NULL;
}

/* Finds out what the name means. */
static Meaning find_meaning(const DocumentReader *reader, const Place *place,
                            Text name) {
  const Table *table = place->frame->table;
  Meaning meaning = {
      .name = name,
      .column = table_member(table, name.bytes),
      .relationship =
          model_find(reader->graph->forms.model, table->name, name.bytes),
  };
  if (!meaning.column) {
    meaning.column = payload_column(place->relationship, name.bytes);
    meaning.is_payload = meaning.column != NULL;
  }
  return meaning;
}

/* What means nothing, and is to be passed over, is not remembered. */
static Meaning *place_add(DocumentReader *reader, Place *place, Text name) {
  Meaning meaning = find_meaning(reader, place, name);
  if (!meaning.column && !meaning.relationship && reader->order->ignores) {
    reader->nothing = meaning;
    return &reader->nothing;
  }
  place->meanings =
      arena_extend(reader->failure, reader->arena, place->meanings,
                   place->count, sizeof(*place->meanings));
  if (reader->failure->code) return NULL;
  place->meanings[place->count] = meaning;
  return &place->meanings[place->count++];
}

static bool meaning_has_name(const Meaning *meaning, Text name) {
  return meaning->name.size == name.size &&
         memcmp(meaning->name.bytes, name.bytes, (size_t)name.size) == 0;
}

/* What the name means.  Objects of one place have the same names in the same order,
** mostly. */
static Meaning *place_meaning(DocumentReader *reader, Place *place, Text name) {
  for (int i = 0; i < place->count; i++) {
    int number = place->next + i;
    if (number >= place->count) number -= place->count;
    if (!meaning_has_name(&place->meanings[number], name)) continue;
    place->next = number + 1;
    return &place->meanings[number];
  }
  if (memchr(name.bytes, 0, (size_t)name.size))
    failure_set(reader->failure, SQLITE_ERROR,
                "a name of the document has a NUL in it");
  return reader->failure->code ? NULL : place_add(reader, place, name);
}

/* The place of what the relationship leads to. */
static Place *meaning_place(DocumentReader *reader, Meaning *meaning) {
  if (meaning->place) return meaning->place;
  meaning->place =
      place_new(reader, meaning->relationship->target, meaning->relationship);
  return meaning->place;
}

/* ---- what is given ---- */

static void given_grow(DocumentReader *reader, Given *given, int room) {
  const Column **columns =
      arena_take(reader->failure, reader->arena,
                 room * (sqlite3_int64)sizeof(*given->columns));
  Value *values = arena_take(reader->failure, reader->arena,
                             room * (sqlite3_int64)sizeof(*given->values));
  if (!values) return;
  if (given->count) {
    memcpy(columns, given->columns, (size_t)given->count * sizeof(*columns));
    memcpy(values, given->values, (size_t)given->count * sizeof(*values));
  }
  *given = (Given){given->count, room, columns, values};
}

static void given_add(DocumentReader *reader, Given *given,
                      const Column *column, const Value *value) {
  for (int i = 0; i < given->count; i++)
    if (given->columns[i] == column)
      failure_set(reader->failure, SQLITE_ERROR, "it is given twice");
  if (given->count == given->room)
    given_grow(reader, given, given->room ? 2 * given->room : 4);
  if (reader->failure->code) return;
  given->columns[given->count] = column;
  given->values[given->count++] = *value;
}

/* ---- the stack ---- */

static Open *reader_top(DocumentReader *reader) {
  return reader->depth ? &reader->stack[reader->depth - 1] : NULL;
}

static void reader_push(DocumentReader *reader, const Open *open) {
  if (reader->depth == reader->room) {
    reader->stack = arena_extend(reader->failure, reader->arena, reader->stack,
                                 reader->depth, sizeof(*reader->stack));
    reader->room = reader->room ? 2 * reader->room : 4;
  }
  if (!reader->failure->code) reader->stack[reader->depth++] = *open;
}

/* The object is complete: it gets its form. */
static void reader_close_object(DocumentReader *reader, Open *open) {
  open->object->values = open->given.values;
  open->object->form =
      forms_form(reader->failure, &reader->graph->forms, open->place->frame,
                 open->given.count, open->given.columns);
  if (!open->tie) return;
  open->tie->payload = (Columns){open->payload.count, open->payload.columns};
  open->tie->payload_values = open->payload.values;
}

static void reader_pop(DocumentReader *reader) {
  Open *open = reader_top(reader);
  if (!open->is_array && !reader->failure->code)
    reader_close_object(reader, open);
  reader->depth--;
}

/* ---- objects, listings and ties ---- */

/* Fails if the object has it already. */
static Listing *reader_add_listing(DocumentReader *reader, Object *object,
                                   const char *name,
                                   const Relationship *relationship) {
  for (Listing *other = object->listings; other; other = other->of_object)
    if (other->relationship == relationship)
      failure_set(reader->failure, SQLITE_ERROR, "%s is given twice",
                  relationship->full_name);
  bool whole = reader->order->replaces || relationship_is_to_one(relationship);
  Listing *listing = graph_add_listing(reader->failure, reader->graph, object,
                                       relationship, whole);
  if (listing) listing->name = name;
  return listing;
}

/* An object in an array, or to which a to-one leads; `around` is no pointer into
** the stack, which may move. */
static void reader_open_object(DocumentReader *reader, Place *place,
                               const Object *around, const char *name,
                               int index, Listing *listing) {
  if (!place) return;
  Failure *failure = reader->failure;
  Object *object = graph_add_object(failure, reader->graph, place->frame,
                                    around, name, index);
  Tie *tie = object && listing
                 ? graph_add_tie(failure, reader->graph, listing, object)
                 : NULL;
  reader_push(reader, &(Open){.place = place, .object = object, .tie = tie});
  reader->at++;
  place->next = 0;
}

/* ---- members ---- */

static bool is_container(char first) { return first == '{' || first == '['; }

/* A NULL for a key that SQLite makes says nothing; any other is none. */
static bool is_null_key(DocumentReader *reader, const Meaning *meaning,
                        const Value *value) {
  const Column *column = meaning->column;
  if (meaning->is_payload || value->type != SQLITE_NULL) return false;
  if (column == &column->table->rowid) return true;
  if (!column->key_position) return false;
  if (!reader_top(reader)->place->frame->is_numbered)
    failure_set(reader->failure, SQLITE_MISMATCH,
                "NULL is no key: give the row's, or leave it out");
  return true;
}

/* The relationship whose foreign key has the column, or NULL. */
static const Relationship *column_relationship(const DocumentReader *reader,
                                               const Column *column) {
  const Model *model = reader->graph->forms.model;
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *r = &model->relationships[i];
    if (r->source == column->table && link_is_source(r) && !r->derived &&
        !r->problem && columns_contain(&r->target_link, column))
      return r;
  }
  return NULL;
}

/* An object is no foreign key, but may be the row that it is to refer to. */
static void check_no_row(DocumentReader *reader, const Column *column) {
  const Relationship *r = column_relationship(reader, column);
  if (r)
    failure_set(reader->failure, SQLITE_MISMATCH,
                "this is a column of a foreign key; the row that it refers to "
                "is given as \"%s\": {...}",
                r->name);
}

static void member_column(DocumentReader *reader, const Meaning *meaning) {
  Open *open = reader_top(reader);
  char *end = json_end(reader->at);
  bool blobs = sqlite3_strlike("%json%", meaning->column->type, 0) != 0;
  Value value =
      json_value(reader->failure, reader->arena, reader->at, end, blobs);
  if (value.json && value.type == SQLITE_TEXT && !meaning->is_payload)
    check_no_row(reader, meaning->column);
  if (!meaning->column->generated && !is_null_key(reader, meaning, &value))
    given_add(reader, meaning->is_payload ? &open->payload : &open->given,
              meaning->column, &value);
  reader->at = end;
}

static void member_check_relationship(Failure *failure, const Relationship *r) {
  if (r->problem)
    failure_set(failure, SQLITE_ERROR, "%s can't be used: %s", r->full_name,
                r->problem);
  if (r->derived)
    failure_set(failure, SQLITE_READONLY,
                "%s can only be read: it is declared by a path or a "
                "condition; leave it out, or say 'unknown', 'ignore'",
                r->full_name);
}

static void fail_kind(DocumentReader *reader, const Relationship *r) {
  bool to_one = relationship_is_to_one(r);
  failure_set(reader->failure, SQLITE_MISMATCH,
              to_one ? "%s leads to one row of %s: give an object, or null"
                     : "%s leads to rows of %s: give an array of objects",
              r->full_name, r->target ? r->target->name : "");
}

static void member_relationship(DocumentReader *reader, Meaning *meaning) {
  const Relationship *r = meaning->relationship;
  Open *open = reader_top(reader);
  char first = *reader->at;
  bool to_one = relationship_is_to_one(r);
  member_check_relationship(reader->failure, r);
  if (!(to_one ? first == '{' || first == 'n' : first == '['))
    fail_kind(reader, r);
  if (reader->failure->code) return;
  const char *name = meaning->name.bytes;
  Object *object = open->object;
  Place *place = meaning_place(reader, meaning);
  Listing *listing = reader_add_listing(reader, object, name, r);
  if (first == 'n') {
    if (listing) listing->empty = true;
    reader->at = json_end(reader->at);
  } else if (first == '{') {
    reader_open_object(reader, place, object, name, -1, listing);
  } else {
    reader_push(reader, &(Open){.is_array = true,
                                .place = place,
                                .object = object,
                                .name = name,
                                .listing = listing});
    reader->at++;
  }
}

static void member_unknown(DocumentReader *reader, const Meaning *meaning) {
  const Place *place = reader_top(reader)->place;
  const Relationship *link = place->relationship;
  if (reader->order->ignores) {
    reader->at = json_end(reader->at);
  } else {
    path_fail_name(reader->failure, reader->graph->forms.model,
                   place->frame->table, link ? &link->payload : NULL,
                   meaning->name.bytes);
  }
}

/* A name that is both leads on where an object or array says so. */
static void reader_member(DocumentReader *reader, Meaning *meaning) {
  const Relationship *r = meaning->relationship;
  bool leads = r && (is_container(*reader->at) || !meaning->column) &&
               !(reader->order->ignores && (r->derived || r->problem));
  if (leads) {
    member_relationship(reader, meaning);
  } else if (meaning->column) {
    member_column(reader, meaning);
  } else {
    member_unknown(reader, meaning);
  }
}

static void fail_no_object(DocumentReader *reader, const Open *open) {
  const Table *table = open->place->frame->table;
  sqlite3_str *key = sqlite3_str_new(NULL);
  columns_append(key, &table->row_key, "\": ..., \"");
  char *names = failure_text(reader->failure, key);
  failure_set(reader->failure, SQLITE_MISMATCH,
              "a row of %s is an object, such as {\"%s\": ...}", table->name,
              names ? names : "");
  sqlite3_free(names);
}

/* ---- a document ---- */

static void scan_root(DocumentReader *reader) {
  Place *place = place_new(reader, reader->order->table, NULL);
  if (!place) return;
  if (*reader->at == '{') {
    reader_open_object(reader, place, NULL, NULL, -1, NULL);
  } else if (*reader->at == '[') {
    reader_push(reader, &(Open){.is_array = true, .place = place});
    reader->at++;
  } else {
    failure_set(reader->failure, SQLITE_MISMATCH,
                "the document is an object, or an array of objects");
  }
}

static void scan_element(DocumentReader *reader, Open *open) {
  int index = open->count++;
  Open around = *open; /* the stack may move */
  if (*reader->at == '{') {
    reader_open_object(reader, open->place, open->object, open->name, index,
                       open->listing);
  } else {
    fail_no_object(reader, open);
  }
  if (reader->failure->code) reader_prefix(reader, &around, NULL, index);
}

static void scan_member(DocumentReader *reader, Open *open) {
  char *at = reader->at;
  Open around = *open;
  reader->at = json_end(at);
  Meaning *meaning = place_meaning(reader, open->place, json_string(at));
  reader->at = json_space_end(json_space_end(reader->at) + 1);
  if (reader->failure->code) return;
  const char *name = meaning->name.bytes; /* meanings may move */
  reader_member(reader, meaning);
  if (reader->failure->code) reader_prefix(reader, &around, name, -1);
}

static void reader_scan(DocumentReader *reader) {
  scan_root(reader);
  while (reader->depth && !reader->failure->code) {
    reader->at = json_space_end(reader->at);
    Open *open = reader_top(reader);
    if (*reader->at == ']' || *reader->at == '}') {
      reader_pop(reader);
      reader->at++;
    } else if (*reader->at == ',') {
      reader->at++;
    } else if (open->is_array) {
      scan_element(reader, open);
    } else {
      scan_member(reader, open);
    }
  }
}

/* The first character that makes no sense, from 1; 0: SQLite can't tell. */
static int malformed_place(Connection *connection, const Value *json) {
  Failure ignored = {0, NULL};
  int place = 0;
  sqlite3_stmt *statement =
      cache_sql(&ignored, connection->cache, KIND_DOCUMENT_PLACE,
                "SELECT json_error_position(?1)");
  value_bind(&ignored, statement, 1, json);
  if (statement_step(&ignored, statement))
    place = sqlite3_column_int(statement, 0);
  cache_give(connection->cache, statement);
  failure_clear(&ignored);
  return place;
}

static void explain_malformed(DocumentReader *reader, const Value *json) {
  Failure *failure = reader->failure;
  if (failure->code != SQLITE_ERROR || !failure->message ||
      strcmp(failure->message, "malformed JSON") != 0)
    return;
  int place = malformed_place(reader->connection, json);
  failure_clear(failure);
  if (place > 0) {
    failure_set(failure, SQLITE_ERROR,
                "at character %d the document is not well-formed JSON, or "
                "nested too deep",
                place);
  } else {
    failure_set(failure, SQLITE_ERROR,
                "the document is not well-formed JSON, or nested too deep");
  }
}

/* The document as SQLite has understood it, in the arena. */
static char *document_text(DocumentReader *reader, const Value *json) {
  Cache *cache = reader->connection->cache;
  sqlite3_stmt *statement =
      cache_sql(reader->failure, cache, KIND_DOCUMENT, "SELECT json(?1)");
  value_bind(reader->failure, statement, 1, json);
  statement_step(reader->failure, statement);
  char *text = arena_text(reader->failure, reader->arena,
                          statement_text(reader->failure, statement, 0));
  cache_give(cache, statement);
  explain_malformed(reader, json);
  return text;
}

void document_read(Failure *failure, Connection *connection, Graph *graph,
                   const DocumentOrder *order) {
  DocumentReader reader = {.failure = failure,
                           .connection = connection,
                           .graph = graph,
                           .arena = graph->forms.arena,
                           .order = order};
  if (order->json.type != SQLITE_TEXT)
    failure_set(failure, SQLITE_MISMATCH,
                "the document is %s: give JSON, an object or an array of "
                "objects, as text",
                order->json.type == SQLITE_NULL ? "NULL" : "no text");
  reader.at = document_text(&reader, &order->json);
  graph_prefix_document(failure, graph);
  if (!failure->code) reader_scan(&reader);
}
