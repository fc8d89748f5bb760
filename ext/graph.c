/*
** graph.c: JSON read as rows and links.
**
**     {"name": "Ann", "courses": [{"id": 7, "grade": "A"}]}
**
**       object $              students(name)
**       listing $.courses     students.courses of it
**       tie                   from $ to $.courses[0], payload grade
**       object $.courses[0]   courses(id)
**
** SQLite takes the text apart (json_tree); one row of that is a member or an
** element, and comes after the object or array that it stands in.  What a name
** means is found once for each place in the tree, not for each object.
**
** Nothing of the database is looked at: which rows the objects are is the
** business of identity.c.
**
** A column may hold JSON.  Its text is not given by the first scan, where it
** would be made for every object, but by a second one that is made only then.
*/
#include "relate_int.h"

enum { KIND_GRAPH_TREE = -300, KIND_GRAPH_TEXTS };

/* What a name means in the objects of one place. */
typedef struct Meaning {
  const char *name;
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

typedef enum OpenKind { OPEN_OBJECT, OPEN_ARRAY, OPEN_SKIPPED } OpenKind;

/* Some columns and their values, as they come. */
typedef struct Given {
  int count;
  const Column **columns;
  Value *values;
} Given;

/* An object or array whose members are read. */
typedef struct Open {
  sqlite3_int64 id; /* in the tree */
  OpenKind kind;
  Place *place;
  Object *object;   /* of an array: in which it stands, or NULL */
  const char *name; /* of an array: under which */
  Listing *listing; /* of an array, or NULL at the top */
  Tie *tie;         /* that leads to the object, or NULL */
  Given given, payload;
} Open;

/* A value whose text is to be fetched: of an object, or of a tie. */
typedef struct Wanted {
  sqlite3_int64 id;
  Object *object;
  Tie *tie;
  int number;
} Wanted;

typedef struct Reader {
  Failure *failure;
  Connection *connection;
  Graph *graph;
  Arena *arena;
  const GraphOrder *order;
  Zero zero;          /* of the document */
  const char *number; /* where the next one is looked for in its text */
  int passed;         /* numbers of the tree, since */
  int depth;
  Open *stack; /* the outermost first */
  int wanted_count;
  Wanted *wanted;
} Reader;

/* ---- where it stands, for a message ---- */

static void append_member(sqlite3_str *text, const char *name) {
  if (name_is_plain(name)) {
    sqlite3_str_appendf(text, ".%s", name);
  } else {
    sqlite3_str_appendall(text, ".");
    name_append_json(text, name);
  }
}

static void append_place(sqlite3_str *text, const Object *around,
                         const char *name, int index) {
  if (around) {
    append_place(text, around->around, around->name, around->index);
  } else {
    sqlite3_str_appendall(text, "$");
  }
  if (name) append_member(text, name);
  if (index >= 0) sqlite3_str_appendf(text, "[%d]", index);
}

void object_append_path(sqlite3_str *text, const Object *object) {
  append_place(text, object->around, object->name, object->index);
}

static void prefix_place(Failure *failure, const Graph *graph, int document,
                         const Object *around, const char *name, int index) {
  Failure ignored = {0, NULL};
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (graph->documents > 1)
    sqlite3_str_appendf(text, "document %d: ", document);
  append_place(text, around, name, index);
  char *place = failure_text(&ignored, text);
  failure_prefix(failure, "%s: ", place ? place : "$");
  sqlite3_free(place);
  failure_clear(&ignored);
}

void object_prefix(Failure *failure, const Graph *graph, const Object *object,
                   const Column *column) {
  if (!failure->code) return;
  if (column) {
    prefix_place(failure, graph, object->document, object, column->name, -1);
  } else {
    prefix_place(failure, graph, object->document, object->around, object->name,
                 object->index);
  }
}

/* Says of what stands under `name` in `open` that something is wrong. */
static void reader_prefix(Reader *reader, const Open *open, const char *name,
                          int index) {
  const Object *around = open ? open->object : NULL;
  const char *member = open && open->kind == OPEN_ARRAY ? open->name : name;
  prefix_place(reader->failure, reader->graph, reader->graph->documents, around,
               member, index);
}

/* ---- what names mean ---- */

static Place *place_new(Reader *reader, const Table *table,
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

static const Column *table_column_or_rowid(const Table *table,
                                           const char *name) {
  const Column *column = table_column(table, name);
  if (!column && table->rowid.name && name_equal(table->rowid.name, name))
    column = &table->rowid;
  return column;
}

/* Finds out what the name means. */
static Meaning *place_add(Reader *reader, Place *place, const char *name) {
  const Table *table = place->frame->table;
  place->meanings =
      arena_extend(reader->failure, reader->arena, place->meanings,
                   place->count, sizeof(*place->meanings));
  const char *copy = arena_text(reader->failure, reader->arena, name);
  if (reader->failure->code) return NULL;
  Meaning *meaning = &place->meanings[place->count++];
  *meaning = (Meaning){
      .name = copy,
      .column = table_column_or_rowid(table, name),
      .relationship = model_find(reader->graph->forms.model, table->name, name),
  };
  if (!meaning->column) {
    meaning->column = payload_column(place->relationship, name);
    meaning->is_payload = meaning->column != NULL;
  }
  return meaning;
}

/* Objects of one place have the same names in the same order, mostly. */
static Meaning *place_meaning(Reader *reader, Place *place, const char *name) {
  for (int i = 0; i < place->count; i++) {
    int at = (place->next + i) % place->count;
    if (strcmp(place->meanings[at].name, name)) continue;
    place->next = at + 1;
    return &place->meanings[at];
  }
  place->next = place->count + 1;
  return place_add(reader, place, name);
}

/* The place of what the relationship leads to. */
static Place *meaning_place(Reader *reader, Meaning *meaning) {
  if (meaning->place) return meaning->place;
  meaning->place =
      place_new(reader, meaning->relationship->target, meaning->relationship);
  return meaning->place;
}

/* ---- what is given ---- */

static void given_add(Reader *reader, Given *given, const Column *column,
                      const Value *value) {
  for (int i = 0; i < given->count; i++)
    if (given->columns[i] == column) {
      failure_set(reader->failure, SQLITE_ERROR, "it is given twice");
      return;
    }
  given->columns =
      arena_extend(reader->failure, reader->arena, (void *)given->columns,
                   given->count, sizeof(*given->columns));
  given->values = arena_extend(reader->failure, reader->arena, given->values,
                               given->count, sizeof(*given->values));
  if (reader->failure->code) return;
  given->columns[given->count] = column;
  given->values[given->count++] = *value;
}

/* The value, its bytes copied. */
static Value reader_value(Reader *reader, sqlite3_stmt *tree, int column) {
  Value value = value_of_column(reader->failure, tree, column);
  if (!value.bytes || reader->failure->code) return value;
  char *copy = arena_take(reader->failure, reader->arena, value.size + 1);
  if (!copy) return value;
  memcpy(copy, value.bytes, (size_t)value.size);
  value.bytes = copy;
  return value;
}

/* ---- the stack ---- */

static Open *reader_top(Reader *reader) {
  return reader->depth ? &reader->stack[reader->depth - 1] : NULL;
}

static void reader_push(Reader *reader, const Open *open) {
  reader->stack = arena_extend(reader->failure, reader->arena, reader->stack,
                               reader->depth, sizeof(*reader->stack));
  if (!reader->failure->code) reader->stack[reader->depth++] = *open;
}

/* The object is complete: it gets its form. */
static void reader_close_object(Reader *reader, Open *open) {
  open->object->values = open->given.values;
  open->object->form =
      forms_form(reader->failure, &reader->graph->forms, open->place->frame,
                 open->given.count, open->given.columns);
  if (!open->tie) return;
  open->tie->payload = (Columns){open->payload.count, open->payload.columns};
  open->tie->payload_values = open->payload.values;
}

static void reader_pop(Reader *reader) {
  Open *open = reader_top(reader);
  if (open->kind == OPEN_OBJECT && !reader->failure->code)
    reader_close_object(reader, open);
  reader->depth--;
}

static void reader_skip(Reader *reader, sqlite3_int64 id) {
  reader_push(reader, &(Open){.id = id, .kind = OPEN_SKIPPED});
}

/* ---- objects, listings and ties ---- */

static Object *graph_add_object(Reader *reader, Frame *frame,
                                const Object *around, const char *name,
                                int index) {
  Graph *graph = reader->graph;
  Object *object = arena_take(reader->failure, reader->arena, sizeof(*object));
  if (!object) return NULL;
  *object = (Object){.around = around,
                     .name = name,
                     .index = index,
                     .document = graph->documents,
                     .frame = frame};
  *(graph->last_object ? &graph->last_object->next : &graph->objects) = object;
  graph->last_object = object;
  return object;
}

static bool relationship_is_to_one(const Relationship *r) {
  return r->cardinality == ONE_TO_ONE || r->cardinality == MANY_TO_ONE;
}

static Listing *graph_add_listing(Reader *reader, Open *open,
                                  const Relationship *relationship) {
  Graph *graph = reader->graph;
  for (Listing *other = open->object->listings; other; other = other->of_object)
    if (other->relationship == relationship)
      failure_set(reader->failure, SQLITE_ERROR, "%s is given twice",
                  relationship->full_name);
  Listing *listing =
      arena_take(reader->failure, reader->arena, sizeof(*listing));
  if (!listing) return NULL;
  *listing = (Listing){.relationship = relationship,
                       .source = open->object,
                       .of_object = open->object->listings,
                       .whole = reader->order->replaces ||
                                relationship_is_to_one(relationship)};
  *(graph->last_listing ? &graph->last_listing->next : &graph->listings) =
      listing;
  graph->last_listing = listing;
  open->object->listings = listing;
  return listing;
}

static Tie *graph_add_tie(Reader *reader, Listing *listing, Object *target) {
  Tie *tie = arena_take(reader->failure, reader->arena, sizeof(*tie));
  if (!tie) return NULL;
  *tie = (Tie){.listing = listing, .target = target};
  *(listing->last ? &listing->last->next : &listing->ties) = tie;
  listing->last = tie;
  const Relationship *r = listing->relationship;
  Object *holder = link_is_source(r)   ? listing->source
                   : link_is_target(r) ? target
                                       : NULL;
  Tie **end = holder ? &holder->held : NULL;
  while (end && *end) end = &(*end)->of_holder;
  if (end) *end = tie;
  return tie;
}

/* An object in an array, or to which a to-one leads; `around` is no pointer into
** the stack, which may move. */
static void reader_open_object(Reader *reader, sqlite3_int64 id, Place *place,
                               const Object *around, const char *name,
                               int index, Listing *listing) {
  if (!place) return;
  Object *object = graph_add_object(reader, place->frame, around, name, index);
  Tie *tie = object && listing ? graph_add_tie(reader, listing, object) : NULL;
  reader_push(reader, &(Open){.id = id,
                              .kind = OPEN_OBJECT,
                              .place = place,
                              .object = object,
                              .tie = tie});
  place->next = 0;
}

/* ---- members ---- */

/* One row of the tree. */
typedef struct Item {
  sqlite3_int64 id;
  const char *key; /* of a member */
  int index;       /* of an element */
  char type;       /* the first letter: o for an object, a for an array */
} Item;

static bool item_is_container(const Item *item) {
  return item->type == 'o' || item->type == 'a';
}

static bool column_is_set_by_itself(const Column *column) {
  return column->generated;
}

/* A NULL for a member of the primary key says nothing. */
static bool says_nothing(const Meaning *meaning, const Item *item) {
  return !meaning->is_payload && item->type == 'n' &&
         (meaning->column->key_position ||
          meaning->column == &meaning->column->table->rowid);
}

static void reader_want(Reader *reader, const Item *item, const Open *open,
                        bool payload) {
  reader->wanted = arena_extend(reader->failure, reader->arena, reader->wanted,
                                reader->wanted_count, sizeof(*reader->wanted));
  if (reader->failure->code) return;
  const Given *given = payload ? &open->payload : &open->given;
  reader->wanted[reader->wanted_count++] =
      (Wanted){.id = item->id,
               .object = open->object,
               .tie = payload ? open->tie : NULL,
               .number = given->count - 1};
}

/* The next number in the text from there on; its end if there is none. */
static const char *next_number(const char *at) {
  for (; *at && *at != '-' && !byte_is_digit(*at); at++) {
    if (*at != '"') continue;
    for (at++; *at && *at != '"'; at++)
      if (*at == '\\' && at[1]) at++;
    if (!*at) break;
  }
  return at;
}

/* Reads the REAL exactly, if its text is found: it is as many numbers further on
** as there are in the tree.  (Where SQLite takes more for JSON than JSON is, it
** may not be; then its text and its value differ.) */
static void reader_real(Reader *reader, Value *value) {
  double real = 0;
  size_t size = 0;
  const char *at = reader->number;
  for (; reader->passed; reader->passed--) {
    at = next_number(at + size);
    size = strspn(at, "0123456789+-.eE");
  }
  reader->number = at + size;
  if (!real_read(at, (int)size, &real)) return;
  double off = real > value->real ? real - value->real : value->real - real;
  if (off < 1e-300 || off < (real < 0 ? -real : real) * 1e-14)
    value->real = real;
}

static void member_column(Reader *reader, const Meaning *meaning,
                          const Item *item, sqlite3_stmt *tree) {
  Open *open = reader_top(reader);
  Value value = reader_value(reader, tree, 4);
  if (item->type == 'r') reader_real(reader, &value);
  zero_show(&reader->zero, &value);
  value.json = item_is_container(item);
  bool given =
      !column_is_set_by_itself(meaning->column) && !says_nothing(meaning, item);
  if (given)
    given_add(reader, meaning->is_payload ? &open->payload : &open->given,
              meaning->column, &value);
  if (given && value.json) reader_want(reader, item, open, meaning->is_payload);
  if (value.json) reader_skip(reader, item->id);
}

static void check_writable(Failure *failure, const Relationship *r) {
  if (r->problem)
    failure_set(failure, SQLITE_ERROR, "%s can't be used: %s", r->full_name,
                r->problem);
  if (r->derived)
    failure_set(failure, SQLITE_READONLY,
                "%s can only be read: it is declared by a path or a "
                "condition; leave it out, or say 'unknown', 'ignore'",
                r->full_name);
}

static void fail_kind(Reader *reader, const Relationship *r) {
  bool to_one = relationship_is_to_one(r);
  failure_set(reader->failure, SQLITE_MISMATCH,
              to_one ? "%s leads to one row of %s: give an object, or null"
                     : "%s leads to rows of %s: give an array of objects",
              r->full_name, r->target ? r->target->name : "");
}

static void member_relationship(Reader *reader, Meaning *meaning,
                                const Item *item) {
  const Relationship *r = meaning->relationship;
  Open *open = reader_top(reader);
  bool to_one = relationship_is_to_one(r);
  check_writable(reader->failure, r);
  if (!(to_one ? item->type == 'o' || item->type == 'n' : item->type == 'a'))
    fail_kind(reader, r);
  if (reader->failure->code) return;
  const char *name = meaning->name;
  Object *object = open->object;
  Place *place = meaning_place(reader, meaning);
  Listing *listing = graph_add_listing(reader, open, r);
  if (item->type == 'o')
    reader_open_object(reader, item->id, place, object, name, -1, listing);
  if (item->type == 'a')
    reader_push(reader, &(Open){.id = item->id,
                                .kind = OPEN_ARRAY,
                                .place = place,
                                .object = object,
                                .name = name,
                                .listing = listing});
}

/* Neither a column nor a relationship. */
static void member_unknown(Reader *reader, const Item *item) {
  static const Columns none = {0, NULL};
  const Place *place = reader_top(reader)->place;
  const Table *table = place->frame->table;
  if (reader->order->ignores) {
    if (item_is_container(item)) reader_skip(reader, item->id);
    return;
  }
  sqlite3_str *text = sqlite3_str_new(NULL);
  name_append(text, item->key);
  char *name = failure_text(reader->failure, text);
  if (name && item_is_container(item)) {
    Path path = path_read_from(reader->failure, table->name, name);
    if (!reader->failure->code)
      path_relationship(reader->failure, reader->graph->forms.model, &path);
    path_free(&path);
  }
  sqlite3_free(name);
  path_fail_column(reader->failure, table,
                   place->relationship ? &place->relationship->payload : &none,
                   item->key);
}

/* A name that is both leads on where an object or array says so. */
static void reader_member(Reader *reader, const Item *item,
                          sqlite3_stmt *tree) {
  Open *open = reader_top(reader);
  Meaning *meaning = place_meaning(reader, open->place, item->key);
  if (!meaning) return;
  const Relationship *r = meaning->relationship;
  bool leads = r && (item_is_container(item) || !meaning->column) &&
               !(reader->order->ignores && (r->derived || r->problem));
  if (leads) {
    member_relationship(reader, meaning, item);
  } else if (meaning->column) {
    member_column(reader, meaning, item, tree);
  } else {
    member_unknown(reader, item);
  }
}

static void fail_no_object(Reader *reader, const Open *open) {
  const Table *table = open->place->frame->table;
  sqlite3_str *key = sqlite3_str_new(NULL);
  columns_append(key, &table->row_key, "\": ..., \"");
  char *names = failure_text(reader->failure, key);
  failure_set(reader->failure, SQLITE_MISMATCH,
              "a row of %s is an object, such as {\"%s\": ...}", table->name,
              names ? names : "");
  sqlite3_free(names);
}

static void reader_element(Reader *reader, const Item *item) {
  const Open *open = reader_top(reader);
  if (item->type != 'o') {
    fail_no_object(reader, open);
    return;
  }
  reader_open_object(reader, item->id, open->place, open->object, open->name,
                     item->index, open->listing);
}

static void reader_root(Reader *reader, const Item *item) {
  Place *place = place_new(reader, reader->order->table, NULL);
  if (!place) return;
  if (item->type == 'o') {
    reader_open_object(reader, item->id, place, NULL, NULL, -1, NULL);
  } else if (item->type == 'a') {
    reader_push(reader,
                &(Open){.id = item->id, .kind = OPEN_ARRAY, .place = place});
  } else {
    failure_set(reader->failure, SQLITE_MISMATCH,
                "the document is an object, or an array of objects");
  }
}

static void reader_item(Reader *reader, const Item *item, sqlite3_stmt *tree) {
  Open *open = reader_top(reader);
  const char *name = NULL;
  int index = -1;
  Open around = open ? *open : (Open){.id = 0}; /* the stack may move */
  if (!open) {
    reader_root(reader, item);
  } else if (open->kind == OPEN_SKIPPED) {
    if (item_is_container(item)) reader_skip(reader, item->id);
  } else if (open->kind == OPEN_ARRAY) {
    index = item->index;
    reader_element(reader, item);
  } else {
    name = item->key;
    reader_member(reader, item, tree);
  }
  if (reader->failure->code)
    reader_prefix(reader, open ? &around : NULL, name, index);
}

/* ---- a document ---- */

static void reader_scan(Reader *reader, const Value *json) {
  sqlite3_stmt *tree =
      cache_sql(reader->failure, reader->connection->cache, KIND_GRAPH_TREE,
                "SELECT id, parent, key, type, atom FROM temp.json_tree(?1)");
  value_bind(reader->failure, tree, 1, json);
  while (statement_step(reader->failure, tree)) {
    sqlite3_int64 parent = sqlite3_column_int64(tree, 1);
    const char *type = (const char *)sqlite3_column_text(tree, 3);
    while (reader->depth && reader_top(reader)->id != parent)
      reader_pop(reader);
    Item item = {.id = sqlite3_column_int64(tree, 0), .type = type ? *type : 0};
    const Open *open = reader_top(reader);
    if (open && open->kind == OPEN_ARRAY) {
      item.index = sqlite3_column_int(tree, 2);
    } else if (open) {
      item.key = statement_text(reader->failure, tree, 2);
    }
    reader->passed += item.type == 'i' || item.type == 'r';
    if (!reader->failure->code) reader_item(reader, &item, tree);
  }
  while (reader->depth) reader_pop(reader);
  cache_give(reader->connection->cache, tree);
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* {"hex":"00ff"} is a BLOB, as related_json() writes it. */
static void value_read_blob(Value *value) {
  static const char start[] = "{\"hex\":\"";
  int lead = (int)sizeof(start) - 1, size = value->size - lead - 2;
  if (size < 0 || size % 2 || memcmp(value->bytes, start, (size_t)lead) ||
      memcmp(value->bytes + value->size - 2, "\"}", 2))
    return;
  const char *digits = value->bytes + lead;
  for (int i = 0; i < size; i++)
    if (digit_of(digits[i]) < 0) return;
  char *bytes = (char *)value->bytes; /* ours, and longer than the BLOB */
  for (int i = 0; i < size / 2; i++)
    bytes[i] =
        (char)(digit_of(digits[2 * i]) << 4 | digit_of(digits[2 * i + 1]));
  *value = (Value){.type = SQLITE_BLOB, .bytes = bytes, .size = size / 2};
}

static void wanted_set(const Wanted *wanted, Value value) {
  value.json = true;
  value_read_blob(&value);
  if (wanted->tie) {
    wanted->tie->payload_values[wanted->number] = value;
  } else {
    wanted->object->values[wanted->number] = value;
  }
}

/* Fetches the texts that are wanted, which come in the order of the tree. */
static void reader_fetch(Reader *reader, const Value *json) {
  if (reader->failure->code || !reader->wanted_count) return;
  sqlite3_str *list = sqlite3_str_new(NULL);
  for (int i = 0; i < reader->wanted_count; i++)
    sqlite3_str_appendf(list, i ? ",%lld" : "[%lld", reader->wanted[i].id);
  sqlite3_str_appendall(list, "]");
  char *ids = failure_text(reader->failure, list);
  sqlite3_stmt *texts = cache_sql(
      reader->failure, reader->connection->cache, KIND_GRAPH_TEXTS,
      "SELECT value FROM temp.json_tree(?1) WHERE type IN ('object', 'array')"
      " AND id IN (SELECT value FROM temp.json_each(?2))");
  value_bind(reader->failure, texts, 1, json);
  statement_bind_text(reader->failure, texts, 2, ids);
  for (int i = 0;
       i < reader->wanted_count && statement_step(reader->failure, texts);
       i++) {
    Value text = reader_value(reader, texts, 0);
    zero_show_json(&reader->zero, &text);
    wanted_set(&reader->wanted[i], text);
  }
  cache_give(reader->connection->cache, texts);
  sqlite3_free(ids);
}

static void explain_malformed(Failure *failure) {
  if (failure->code != SQLITE_ERROR || !failure->message ||
      strcmp(failure->message, "malformed JSON"))
    return;
  failure_clear(failure);
  failure_set(failure, SQLITE_ERROR, "the document is not well-formed JSON");
}

void graph_read(Failure *failure, Connection *connection, Graph *graph,
                const GraphOrder *order) {
  Reader reader = {.failure = failure,
                   .connection = connection,
                   .graph = graph,
                   .arena = graph->forms.arena,
                   .order = order};
  graph->documents++;
  if (order->json.type != SQLITE_TEXT)
    failure_set(failure, SQLITE_MISMATCH,
                "the document is %s: give JSON, an object or an array of "
                "objects, as text",
                order->json.type == SQLITE_NULL ? "NULL" : "no text");
  Value json = zero_hide(failure, reader.arena, &order->json, &reader.zero);
  reader.number = json.bytes;
  reader_scan(&reader, &json);
  reader_fetch(&reader, &json);
  explain_malformed(failure);
}
