/*
** identity.c: which row an object is.
**
**     [{"id": 1, "manager": {"id": 2}}, {"id": 2, "name": "Ann"}]
**
** A row is known by its primary key, where all of that is given, else by the first
** UNIQUE key of which all is given.  A foreign key is given also by the object that
** stands around, or inside: a line of an order is known by the order's number and
** its own; but UNIQUE keys that the object gives alone come before those.  A row that
** has the key in the database is found; else there is to be a new one.  The key by
** which it is found stays as it is.
**
** Objects that give the same key, or are found to be the same row, are one: the
** first of them stands for all, and has everything that is given of any.
*/
#include "relate_int.h"

/* Objects by keys. */
typedef struct Known {
  sqlite3_uint64 hash;
  sqlite3_int64 offset, size; /* of the key, in `keys` */
  Object *object;             /* NULL: an empty place */
} Known;

/* What the graph remembers of it. */
struct Identity {
  Failure *failure; /* of the call that is under way */
  Graph *graph;
  Values keys;
  int count, room; /* a power of two */
  Known *places;
};

/* ---- what is known of a row ---- */

/* What is given of it, also by what its foreign keys refer to. */
static const Value *known_value(const Object *object, const Column *column) {
  int place = form_place(object->form, column);
  const Value *value =
      place >= 0 ? &object->values[place] : object_value(object, column);
  for (const Tie *tie = object->held; tie && !value; tie = tie->of_holder) {
    const Columns *columns = tie_columns(tie);
    for (int i = 0; i < columns->count && !value; i++)
      if (columns->list[i] == column)
        value = object_value(tie_parent(tie), tie_key(tie)->list[i]);
  }
  return value;
}

/* A row that the column refers to, whose key is not known yet. */
static const Object *unknown_parent(const Object *object,
                                    const Column *column) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (columns_contain(tie_columns(tie), column)) return tie_parent(tie);
  return NULL;
}

/* All of the key, and no NULL. */
static bool object_knows_key(const Object *object, const Columns *key) {
  for (int i = 0; i < key->count; i++) {
    const Value *value = known_value(object, key->list[i]);
    if (!value || value->type == SQLITE_NULL) return false;
  }
  return key->count > 0;
}

/* All of the key, if who else refers to the same new row counts as knowing it. */
static bool object_tells_key(const Object *object, const Columns *key) {
  for (int i = 0; i < key->count; i++) {
    const Value *value = known_value(object, key->list[i]);
    if (value ? value->type == SQLITE_NULL
              : !unknown_parent(object, key->list[i]))
      return false;
  }
  return key->count > 0;
}

/* Without what its foreign keys refer to. */
static bool object_gives_key(const Object *object, const Columns *key) {
  for (int i = 0; i < key->count; i++)
    if (form_place(object->form, key->list[i]) < 0) return false;
  return true;
}

/* ---- objects by keys ---- */

static void identity_grow(Identity *identity) {
  int room = identity->room ? 2 * identity->room : 64;
  sqlite3_uint64 size = (sqlite3_uint64)room * sizeof(Known);
  Known *places = sqlite3_malloc64(size);
  if (!places) {
    failure_memory(identity->failure);
    return;
  }
  memset(places, 0, size);
  for (int i = 0; i < identity->room; i++) {
    const Known *known = &identity->places[i];
    if (!known->object) continue;
    int at = (int)(known->hash & (sqlite3_uint64)(room - 1));
    while (places[at].object) at = (at + 1) & (room - 1);
    places[at] = *known;
  }
  sqlite3_free(identity->places);
  identity->places = places;
  identity->room = room;
}

static bool known_is(const Identity *identity, const Known *known,
                     const Known *wanted) {
  const char *data = identity->keys.data;
  return known->hash == wanted->hash && known->size == wanted->size &&
         memcmp(data + known->offset, data + wanted->offset,
                (size_t)wanted->size) == 0;
}

/* The place of the key which is last in `keys`, from `offset` on: it is there, or is
** not and the place is empty. */
static Known *identity_place(const Identity *identity, const Known *wanted) {
  int at = (int)(wanted->hash & (sqlite3_uint64)(identity->room - 1));
  while (identity->places[at].object &&
         !known_is(identity, &identity->places[at], wanted))
    at = (at + 1) & (identity->room - 1);
  return &identity->places[at];
}

static Known identity_last(const Identity *identity, sqlite3_int64 offset) {
  sqlite3_int64 size = identity->keys.size - offset;
  return (Known){.hash = values_hash(identity->keys.data + offset, size),
                 .offset = offset,
                 .size = size};
}

/* The object that has the key which is last in `keys`; it is `object` now if there
** was none. */
static Object *identity_know(Identity *identity, sqlite3_int64 offset,
                             Object *object) {
  if (2 * identity->count >= identity->room) identity_grow(identity);
  if (identity->failure->code) return object;
  Known wanted = identity_last(identity, offset);
  Known *place = identity_place(identity, &wanted);
  if (place->object) {
    identity->keys.size = offset;
    return object_of(place->object);
  }
  *place = wanted;
  place->object = object;
  identity->count++;
  return object;
}

/* A key begins with what it is a key of. */
static sqlite3_int64 identity_begin(Identity *identity, const Frame *frame,
                                    int number) {
  sqlite3_int64 offset = identity->keys.size;
  Value table = {.type = SQLITE_INTEGER,
                 .integer = frame->table - frame->table->schema->tables};
  Value key = {.type = SQLITE_INTEGER, .integer = number};
  values_add(identity->failure, &identity->keys, &table);
  values_add(identity->failure, &identity->keys, &key);
  return offset;
}

/* ---- objects that are one ---- */

static void fail_two_values(Identity *identity, const Object *first,
                            const Object *second, const Column *column,
                            const Value *a, const Value *b) {
  Failure *failure = identity->failure;
  sqlite3_str *text = sqlite3_str_new(NULL);
  value_describe(text, b);
  sqlite3_str_appendall(text, ", but ");
  graph_append_object(text, identity->graph, first);
  sqlite3_str_appendall(text, " says ");
  value_describe(text, a);
  sqlite3_str_appendall(text, " of the same row");
  failure_set_text(failure, SQLITE_ERROR, text);
  object_prefix(failure, identity->graph, second, column);
}

static bool column_is_in_a_key(const Frame *frame, const Column *column) {
  for (int i = 0; i <= frame->table->index_count; i++) {
    const Columns *key = frame_key(frame, i);
    if (key && columns_contain(key, column)) return true;
  }
  return false;
}

/* Two spellings of a key, such as 'Ann' and 'ann' under NOCASE. */
static bool is_respelled(const Frame *frame, const Column *column,
                         const Value *a, const Value *b) {
  return column_is_in_a_key(frame, column) && value_matches(column, a, b);
}

/* `first` has what is given of `second`, too.  A key is spelled as by the one that
** says more of the row. */
static void object_unite(Identity *identity, Object *first,
                         const Object *second) {
  Arena *arena = identity->graph->forms.arena;
  const Columns *a = &first->form->columns, *b = &second->form->columns;
  int count = a->count;
  sqlite3_int64 room = a->count + b->count + 1;
  const Column **list =
      arena_take(identity->failure, arena, room * (sqlite3_int64)sizeof(*list));
  Value *values = arena_take(identity->failure, arena,
                             room * (sqlite3_int64)sizeof(*values));
  for (int i = 0; values && i < count; i++) {
    list[i] = a->list[i];
    values[i] = first->values[i];
  }
  for (int i = 0; values && i < b->count; i++) {
    int place = form_place(first->form, b->list[i]);
    if (place < 0) {
      list[count] = b->list[i];
      values[count++] = second->values[i];
    } else if (value_is_alike(b->list[i], &first->values[place],
                              &second->values[i])) {
      continue;
    } else if (is_respelled(first->frame, b->list[i], &first->values[place],
                            &second->values[i])) {
      if (b->count > a->count) values[place] = second->values[i];
    } else {
      fail_two_values(identity, first, second, b->list[i],
                      &first->values[place], &second->values[i]);
    }
  }
  if (identity->failure->code) return;
  first->values = values;
  if (count > a->count) {
    first->form = forms_form(identity->failure, &identity->graph->forms,
                             first->frame, count, list);
  }
}

/* What is listed of a relationship by either. */
static void object_join_listings(Object *first, Object *second) {
  while (second->listings) {
    Listing *listing = second->listings, *other = first->listings;
    second->listings = listing->of_object;
    while (other && other->relationship != listing->relationship)
      other = other->of_object;
    if (other) {
      other->whole |= listing->whole;
      other->empty |= listing->empty;
      for (Tie *tie = listing->ties; tie; tie = tie->next) tie->listing = other;
      *(other->last ? &other->last->next : &other->ties) = listing->ties;
      if (listing->last) other->last = listing->last;
      listing->ties = listing->last = NULL;
      listing->whole = listing->empty = false;
      listing->same = true;
    } else {
      listing->of_object = first->listings;
      first->listings = listing;
    }
  }
}

/* The foreign keys of either, each once. */
static void object_join_held(Object *first, Object *second) {
  while (second->held) {
    Tie *tie = second->held, **place = &first->held;
    second->held = tie->of_holder;
    while (*place &&
           ((*place)->listing->relationship != tie->listing->relationship ||
            tie_parent(*place) != tie_parent(tie)))
      place = &(*place)->of_holder;
    tie->of_holder = NULL;
    tie->made = *place != NULL;
    if (!tie->made) *place = tie;
  }
}

static Object *object_join(Identity *identity, Object *first, Object *second) {
  if (first == second || identity->failure->code) return first;
  object_unite(identity, first, second);
  object_join_held(first, second);
  object_join_listings(first, second);
  second->same = first;
  first->found_by |= second->found_by;
  first->found |= second->found;
  if (!first->kept) first->kept = second->kept;
  return first;
}

/* ---- rows that are there ---- */

static bool object_find_by(Identity *identity, Object *object, int number) {
  Forms *forms = &identity->graph->forms;
  const Frame *frame = object->frame;
  const Columns *key = frame_key(frame, number);
  sqlite3_stmt *find = frame_find(identity->failure, forms, frame, number);
  for (int i = 0; i < key->count; i++)
    value_bind(identity->failure, find, i + 1,
               known_value(object, key->list[i]));
  if (statement_step(identity->failure, find)) {
    object_keep(identity->failure, forms->arena, object, find);
    object->found = true;
    object->found_by |= (sqlite3_uint64)1 << (number & 63);
  }
  if (find) sqlite3_reset(find);
  return object->found;
}

/* The object that has the row's own key, once that is known. */
static Object *identity_of_row(Identity *identity, Object *object) {
  const Columns *key = frame_key(object->frame, 0);
  sqlite3_int64 offset = identity_begin(identity, object->frame, -1);
  for (int i = 0; i < key->count; i++)
    values_add_stored(identity->failure, &identity->keys, key->list[i],
                      &object->kept[i]);
  return identity_know(identity, offset, object);
}

/* Adds a row whose key is not known: NULL, which is in no key, and which it is. */
static void add_parent(Identity *identity, const Object *parent) {
  Value null = {.type = SQLITE_NULL};
  Value which = {.type = SQLITE_BLOB,
                 .bytes = (const char *)&parent,
                 .size = (int)sizeof(parent)};
  values_add(identity->failure, &identity->keys, &null);
  values_add(identity->failure, &identity->keys, &which);
}

static Object *identity_of_key(Identity *identity, Object *object, int number) {
  const Columns *key = frame_key(object->frame, number);
  sqlite3_int64 offset = identity_begin(identity, object->frame, number);
  for (int i = 0; i < key->count; i++) {
    const Value *value = known_value(object, key->list[i]);
    if (value) {
      values_add_stored(identity->failure, &identity->keys, key->list[i],
                        value);
    } else {
      add_parent(identity, unknown_parent(object, key->list[i]));
    }
  }
  return identity_know(identity, offset, object);
}

/* ---- objects that can't be one ---- */

/* The key by which the object's row is known. */
static Key identity_key(Identity *identity, const Object *object) {
  const Table *table = object->frame->table;
  Key key = {.table = table, .columns = frame_key(object->frame, 0)};
  key.values = arena_take(identity->failure, identity->graph->forms.arena,
                          key.columns->count * (sqlite3_int64)sizeof(Value));
  for (int i = 0; key.values && i < key.columns->count; i++)
    key.values[i] = *known_value(object, key.columns->list[i]);
  return key;
}

/* True if both are known, one of them in the database, and differ: who gives a
** primary key that is not found is no row that is. */
static bool are_two_rows(const Object *a, const Object *b) {
  const Frame *frame = a->frame;
  const Columns *key = &frame->table->row_key;
  if (!a->found && !b->found) return false;
  if (!a->found) return object_knows_key(a, frame_key(frame, 0));
  if (!b->found) return object_knows_key(b, frame_key(frame, 0));
  for (int i = 0; i < key->count; i++) {
    int place = frame_place(frame, key->list[i]);
    if (!value_same(&a->kept[place], &b->kept[place])) return true;
  }
  return false;
}

static void fail_two_rows(Identity *identity, const Object *first,
                          const Object *second, const Columns *shared) {
  Failure *failure = identity->failure;
  Key key = identity_key(identity, second),
      other = identity_key(identity, first);
  if (failure->code) return;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "this is ");
  key_describe_row(text, &key);
  sqlite3_str_appendall(text, ", but ");
  graph_append_object(text, identity->graph, first);
  sqlite3_str_appendall(text, " has the same ");
  columns_append(text, shared, ", ");
  sqlite3_str_appendall(text, " and is ");
  key_describe_row(text, &other);
  failure_set_text(failure, SQLITE_ERROR, text);
  object_prefix(failure, identity->graph, second, NULL);
}

/* The object that has this key, which is told; its row is looked up if the object
** is new, and that `finds` it. */
static Object *identity_settle_key(Identity *identity, Object *object,
                                   int number, bool finds) {
  Object *other = identity_of_key(identity, object, number);
  if (other == object && !object->found && finds &&
      object_knows_key(object, frame_key(object->frame, number)))
    object_find_by(identity, object, number);
  if (number > 0 && other != object && are_two_rows(other, object))
    fail_two_rows(identity, other, object, frame_key(object->frame, number));
  return object_join(identity, other, object);
}

/* What is given of the row's own key is what it has. */
static void check_row_key(Identity *identity, const Object *object) {
  const Columns *key = &object->frame->table->row_key;
  for (int i = 0; i < key->count && !identity->failure->code; i++) {
    int place = form_place(object->form, key->list[i]);
    if (place < 0 || object_is_found_by(object, key->list[i]) ||
        value_matches(key->list[i], &object->values[place], &object->kept[i]))
      continue;
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendf(text, "%s is ", key->list[i]->name);
    value_describe(text, &object->values[place]);
    sqlite3_str_appendall(text,
                          " in the documents, but the row that has its "
                          "other key has ");
    value_describe(text, &object->kept[i]);
    failure_set_text(identity->failure, SQLITE_CONSTRAINT, text);
    object_prefix(identity->failure, identity->graph, object, NULL);
  }
}

/* Finds its row, and the objects that are the same.  A primary key that is given
** is the only one that finds it. */
static void identity_settle(Identity *identity, Object *object) {
  const Frame *frame = object->frame;
  int keys = frame->table->index_count;
  bool finds = !object_knows_key(object, frame_key(frame, 0));
  if (object_tells_key(object, frame_key(frame, 0)))
    object = identity_settle_key(identity, object, 0, true);
  for (int i = 0; i < 2 * keys && !identity->failure->code; i++) {
    int number = i % keys + 1;
    const Columns *key = frame_key(frame, number);
    if (key && object_tells_key(object, key) &&
        object_gives_key(object, key) == (i < keys))
      object = identity_settle_key(identity, object, number, finds);
  }
  if (!object->found || identity->failure->code) return;
  object = object_join(identity, identity_of_row(identity, object), object);
  check_row_key(identity, object);
}

/* What stands around it comes first, and what its foreign keys refer to. */
static void identity_visit(Identity *identity, Object *object) {
  if (object->settled || identity->failure->code) return;
  object->settled = true;
  for (Tie *tie = object->held; tie; tie = tie->of_holder) {
    const Relationship *r = tie->listing->relationship;
    identity_visit(identity,
                   link_is_source(r) ? tie->target : tie->listing->source);
  }
  identity_settle(identity, object);
}

void graph_identify(Failure *failure, Graph *graph) {
  Identity *identity =
      arena_take(failure, graph->forms.arena, sizeof(*identity));
  if (!identity) return;
  *identity = (Identity){.failure = failure, .graph = graph};
  graph->identity = identity;
  for (Object *object = graph->objects; object && !failure->code;
       object = object->next)
    identity_visit(identity, object);
}

void graph_forget(Graph *graph) {
  if (!graph->identity) return;
  values_free(&graph->identity->keys);
  sqlite3_free(graph->identity->places);
}

/* The object of the key that is last in `keys`, which is taken out again. */
static Object *identity_find(Identity *identity, sqlite3_int64 offset) {
  if (identity->failure->code || !identity->count) return NULL;
  Known wanted = identity_last(identity, offset);
  Object *object = identity_place(identity, &wanted)->object;
  identity->keys.size = offset;
  return object ? object_of(object) : NULL;
}

static Object *find_by(Identity *identity, const Frame *frame, int number,
                       const Value *const *values) {
  sqlite3_int64 offset = identity_begin(identity, frame, number);
  const Columns *key = frame_key(frame, number < 0 ? 0 : number);
  for (int i = 0; i < key->count; i++)
    values_add_stored(identity->failure, &identity->keys, key->list[i],
                      values[i]);
  return identity_find(identity, offset);
}

Object *graph_find(Failure *failure, const Graph *graph, const Frame *frame,
                   int number, const Value *const *values) {
  graph->identity->failure = failure;
  Object *object = find_by(graph->identity, frame, number, values);
  return object || number ? object
                          : find_by(graph->identity, frame, -1, values);
}
