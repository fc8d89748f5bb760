/*
** reference.c: foreign keys that are given as columns.
**
**     [{"id": 1, "boss_id": 2}, {"id": 2, "name": "Ann"}]
**
** says the same as {"id": 1, "boss": {"id": 2}}: such a column becomes a tie, too,
** if the row that it refers to is in the documents.  So rows are written in the order
** that their foreign keys need, and a list that does not have the row is found to
** contradict it.
*/
#include "relate_int.h"

/* A foreign key of a frame's table, and which key of another frame it refers to. */
typedef struct Reference {
  struct Reference *next;
  const Relationship *relationship;
  const Frame *parent;
  int number;
} Reference;

typedef struct References {
  struct References *next;
  const Frame *frame;
  Reference *first;
} References;

typedef struct Referring {
  Failure *failure;
  Graph *graph;
  References *frames; /* so far */
} Referring;

/* The key of the frame that has these columns, in whatever order; or -1. */
static int key_number(const Frame *frame, const Columns *columns) {
  for (int number = 0; number <= frame->table->index_count; number++) {
    const Columns *key = frame_key(frame, number);
    bool same = key && key->count == columns->count;
    for (int i = 0; same && i < key->count; i++)
      same = columns_contain(columns, key->list[i]);
    if (same) return number;
  }
  return -1;
}

static void add_reference(Referring *referring, References *references,
                          const Relationship *r, const Frame *parent) {
  int number = key_number(parent, &r->target_key);
  Reference *reference = arena_take(
      referring->failure, referring->graph->forms.arena, sizeof(*reference));
  if (!reference || number < 0) return;
  *reference = (Reference){references->first, r, parent, number};
  references->first = reference;
}

static References *new_references(Referring *referring, const Frame *frame) {
  const Forms *forms = &referring->graph->forms;
  References *references =
      arena_take(referring->failure, forms->arena, sizeof(*references));
  if (!references) return NULL;
  *references = (References){.next = referring->frames, .frame = frame};
  referring->frames = references;
  for (int i = 0; i < forms->model->relationship_count; i++) {
    const Relationship *r = &forms->model->relationships[i];
    if (r->source != frame->table || r->derived || r->problem ||
        !link_is_source(r))
      continue;
    for (const Frame *parent = forms->frames; parent; parent = parent->next)
      if (parent->table == r->target)
        add_reference(referring, references, r, parent);
  }
  return references;
}

static References *references_of(Referring *referring, const Frame *frame) {
  References *references = referring->frames;
  while (references && references->frame != frame)
    references = references->next;
  return references ? references : new_references(referring, frame);
}

/* What the object gives for the column of the key that is referred to, or NULL. */
static const Value *given_value(const Object *object, const Relationship *r,
                                const Column *key) {
  for (int i = 0; i < r->target_key.count; i++) {
    if (r->target_key.list[i] != key) continue;
    int place = form_place(object->form, r->target_link.list[i]);
    const Value *value = place < 0 ? NULL : &object->values[place];
    return value && value->type != SQLITE_NULL ? value : NULL;
  }
  return NULL;
}

/* The row of the documents that the columns refer to, or NULL. */
static Object *referred_object(Referring *referring, const Object *object,
                               const Reference *reference) {
  const Columns *key = frame_key(reference->parent, reference->number);
  const Value *values[16];
  if (key->count > 16) return NULL;
  for (int i = 0; i < key->count; i++) {
    values[i] = given_value(object, reference->relationship, key->list[i]);
    if (!values[i]) return NULL;
  }
  return graph_find(referring->failure, referring->graph, reference->parent,
                    reference->number, values);
}

static bool is_said(const Object *object, const Relationship *r) {
  for (const Tie *tie = object->held; tie; tie = tie->of_holder)
    if (tie_is_of(tie, r)) return true;
  for (const Listing *listing = object->listings; listing;
       listing = listing->of_object)
    if (listing->relationship == r) return true;
  return false;
}

static void object_refer(Referring *referring, Object *object) {
  Failure *failure = referring->failure;
  Graph *graph = referring->graph;
  const References *references = references_of(referring, object->frame);
  const Reference *reference = references ? references->first : NULL;
  for (; reference && !failure->code; reference = reference->next) {
    const Relationship *r = reference->relationship;
    Object *parent = is_said(object, r)
                         ? NULL
                         : referred_object(referring, object, reference);
    if (!parent) continue;
    Listing *listing = graph_add_listing(failure, graph, object, r, false);
    Tie *tie = listing ? graph_add_tie(failure, graph, listing, parent) : NULL;
    if (tie) tie->plain = true;
  }
}

void graph_refer(Failure *failure, Graph *graph) {
  Referring referring = {.failure = failure, .graph = graph};
  for (Object *object = graph->objects; object && !failure->code;
       object = object->next)
    if (!object->same) object_refer(&referring, object);
}
