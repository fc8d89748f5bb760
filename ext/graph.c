/*
** graph.c: rows and links that are to be.
**
**     {"name": "Ann", "courses": [{"id": 7, "grade": "A"}]}
**
**       object $              students(name)
**       listing $.courses     students.courses of it
**       tie                   from $ to $.courses[0], payload grade
**       object $.courses[0]   courses(id)
**
** An object is a row, or one of several that stand for the same one.  A tie that is
** a foreign key is also known to the object whose row holds it.
*/
#include "relate_int.h"

/* ---- where it stands, for a message ---- */

static void append_member_name(sqlite3_str *text, const char *name) {
  if (name_is_plain(name)) {
    sqlite3_str_appendf(text, ".%s", name);
  } else {
    sqlite3_str_appendall(text, ".");
    name_append_json(text, name);
  }
}

static void append_object_place(sqlite3_str *text, const Object *around,
                                const char *name, int index) {
  if (around) {
    append_object_place(text, around->around, around->name, around->index);
  } else {
    sqlite3_str_appendall(text, "$");
  }
  if (name) append_member_name(text, name);
  if (index >= 0) sqlite3_str_appendf(text, "[%d]", index);
}

void object_append_path(sqlite3_str *text, const Object *object) {
  append_object_place(text, object->around, object->name, object->index);
}

void graph_append_object(sqlite3_str *text, const Graph *graph,
                         const Object *object) {
  if (graph->several)
    sqlite3_str_appendf(text, "document %d: ", object->document);
  object_append_path(text, object);
}

void graph_prefix_place(Failure *failure, const Graph *graph, int document,
                        const Object *around, const char *name, int index) {
  Failure ignored = {0, NULL};
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (graph->several) sqlite3_str_appendf(text, "document %d: ", document);
  append_object_place(text, around, name, index);
  char *place = failure_text(&ignored, text);
  failure_prefix(failure, "%s: ", place ? place : "$");
  sqlite3_free(place);
  failure_clear(&ignored);
}

void object_prefix(Failure *failure, const Graph *graph, const Object *object,
                   const Column *column) {
  if (!failure->code) return;
  if (column) {
    graph_prefix_place(failure, graph, object->document, object, column->name,
                       -1);
  } else {
    graph_prefix_place(failure, graph, object->document, object->around,
                       object->name, object->index);
  }
}

void listing_prefix(Failure *failure, const Graph *graph,
                    const Listing *listing) {
  const Object *source = listing->source;
  if (failure->code)
    graph_prefix_place(failure, graph, source->document, source, listing->name,
                       -1);
}

void graph_prefix_document(Failure *failure, const Graph *graph) {
  if (graph->several)
    failure_prefix(failure, "document %d: ", graph->documents);
}

/* ---- objects, listings and ties ---- */

Object *graph_add_object(Failure *failure, Graph *graph, Frame *frame,
                         const Object *around, const char *name, int index) {
  Object *object = arena_take(failure, graph->forms.arena, sizeof(*object));
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

Listing *graph_add_listing(Failure *failure, Graph *graph, Object *source,
                           const Relationship *relationship, bool whole) {
  Listing *listing = arena_take(failure, graph->forms.arena, sizeof(*listing));
  if (!listing) return NULL;
  *listing = (Listing){.relationship = relationship,
                       .source = source,
                       .of_object = source->listings,
                       .whole = whole};
  *(graph->last_listing ? &graph->last_listing->next : &graph->listings) =
      listing;
  graph->last_listing = listing;
  source->listings = listing;
  return listing;
}

Tie *graph_add_tie(Failure *failure, Graph *graph, Listing *listing,
                   Object *target) {
  Tie *tie = arena_take(failure, graph->forms.arena, sizeof(*tie));
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

/* ---- what is known of them ---- */

Object *object_of(Object *object) {
  while (object->same) object = object->same;
  return object;
}

Object *tie_holder(const Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  if (link_is_source(r)) return object_of(tie->listing->source);
  return link_is_target(r) ? object_of(tie->target) : NULL;
}

Object *tie_parent(const Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  return object_of(link_is_source(r) ? tie->target : tie->listing->source);
}

const Columns *tie_columns(const Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  return link_is_source(r) ? &r->target_link : &r->source_link;
}

const Columns *tie_key(const Tie *tie) {
  const Relationship *r = tie->listing->relationship;
  return link_is_source(r) ? &r->target_key : &r->source_key;
}

const Value *object_value(const Object *object, const Column *column) {
  int place = object->kept ? frame_place(object->frame, column) : -1;
  if (place >= 0) return &object->kept[place];
  place = form_place(object->form, column);
  return place >= 0 ? &object->values[place] : NULL;
}

void values_keep(Failure *failure, Arena *arena, sqlite3_stmt *statement,
                 Value *values, int count) {
  for (int i = 0; values && i < count; i++) {
    Value value = value_of_column(failure, statement, i);
    if (value.bytes && !failure->code) {
      char *copy = arena_take(failure, arena, value.size + 1);
      if (copy) memcpy(copy, value.bytes, (size_t)value.size);
      value.bytes = copy;
    }
    values[i] = value;
  }
}

void object_keep(Failure *failure, Arena *arena, Object *object,
                 sqlite3_stmt *statement) {
  int count = object->frame->kept.count;
  if (!object->kept)
    object->kept =
        arena_take(failure, arena, count * (sqlite3_int64)sizeof(Value));
  values_keep(failure, arena, statement, object->kept, count);
}

bool tie_is_of(const Tie *tie, const Relationship *relationship) {
  const Relationship *r = tie->listing->relationship;
  return relationship == r || relationship == r->inverse;
}

bool object_is_found_by(const Object *object, const Column *column) {
  const Frame *frame = object->frame;
  for (int number = 0; number <= frame->table->index_count; number++)
    if (object->found_by >> (number & 63) & 1 && frame_key(frame, number) &&
        columns_contain(frame_key(frame, number), column))
      return true;
  return false;
}

bool tie_parent_is_given(const Tie *tie) {
  const Columns *key = tie_key(tie);
  for (int i = 0; i < key->count; i++)
    if (!object_value(tie_parent(tie), key->list[i])) return false;
  return true;
}

bool tie_can_wait(const Tie *tie) {
  return generate_can_unlink(tie->listing->relationship);
}

bool listing_clears(const Listing *listing) {
  return listing->empty && link_is_source(listing->relationship);
}

/* ---- keys ---- */

Key object_key(Failure *failure, Arena *arena, const Object *object,
               const Columns *columns) {
  Key key = {.table = object->frame->table, .columns = columns};
  if (columns->count == 1) {
    key.single = object->kept[frame_place(object->frame, columns->list[0])];
    return key;
  }
  key.values =
      arena_take(failure, arena, columns->count * (sqlite3_int64)sizeof(Value));
  for (int i = 0; key.values && i < columns->count; i++)
    key.values[i] = object->kept[frame_place(object->frame, columns->list[i])];
  return key;
}

Key object_row_key(Failure *failure, Arena *arena, const Object *object) {
  return object_key(failure, arena, object, &object->frame->table->row_key);
}

Key tie_source_key(Failure *failure, Arena *arena, const Tie *tie) {
  return object_key(failure, arena, object_of(tie->listing->source),
                    &tie->listing->relationship->source_key);
}

Key tie_target_key(Failure *failure, Arena *arena, const Tie *tie) {
  return object_key(failure, arena, object_of(tie->target),
                    &tie->listing->relationship->target_key);
}
