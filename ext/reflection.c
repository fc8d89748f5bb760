/*
** reflection.c: relationships out of foreign keys.
**
**     student_course.student_id -> students.id
**         student_course.student    many-to-one     exactly
**                                                   student_id_students
**         students.student_course   one-to-many     student_course_by_student_id
**     two keys that together are the key of student_course
**         students.courses          many-to-many    courses_via_student_course
**         courses.students          many-to-many    students_via_student_course
**
** A foreign key gives a relationship each way; two foreign keys that together
** are the key of their table give a many-to-many each way.  Each comes with its
** exact and its short name, which are made of the key, and with the evidence in
** a sentence.
*/
#include "relate_int.h"

/* ---- text ---- */

static const char *builder_text(Builder *builder, sqlite3_str *text) {
  return arena_string(builder->failure, builder->arena, text);
}

/* table.column, or table(column, column) */
static void append_key(sqlite3_str *text, const Table *table,
                       const Columns *columns) {
  sqlite3_str_appendf(text, columns->count == 1 ? "%s." : "%s(", table->name);
  columns_append(text, columns, ", ");
  if (columns->count != 1) sqlite3_str_appendall(text, ")");
}

static const char *because_of_key(Builder *builder, const ForeignKey *key,
                                  bool unique) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  append_key(text, key->table, &key->columns);
  sqlite3_str_appendall(text, " refers to ");
  if (key->parent) {
    append_key(text, key->parent, &key->parent_columns);
  } else {
    sqlite3_str_appendall(text, key->parent_name);
  }
  if (unique && columns_same_set(&key->table->primary_key, &key->columns)) {
    sqlite3_str_appendall(text, " and is the primary key");
  } else if (unique) {
    sqlite3_str_appendall(text, " and is UNIQUE");
  }
  return builder_text(builder, text);
}

static const char *because_of_pair(Builder *builder, const ForeignKey *first,
                                   const ForeignKey *second, bool unique) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s(", first->table->name);
  columns_append(text, &first->columns, ", ");
  sqlite3_str_appendall(text, ", ");
  columns_append(text, &second->columns, ", ");
  sqlite3_str_appendall(text, unique ? "): two foreign keys that are its key"
                                     : "): two foreign keys, declared to link; "
                                       "a pair may repeat");
  return builder_text(builder, text);
}

/* ---- names ---- */

static const char *exact_to_parent(Builder *builder, const ForeignKey *key) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  columns_append(text, &key->columns, "_");
  sqlite3_str_appendf(text, "_%s",
                      key->parent ? key->parent->name : key->parent_name);
  return builder_text(builder, text);
}

static const char *exact_to_child(Builder *builder, const ForeignKey *key) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s_by_", key->table->name);
  columns_append(text, &key->columns, "_");
  return builder_text(builder, text);
}

static const char *exact_through(Builder *builder, const ForeignKey *from,
                                 const ForeignKey *to) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s_via_%s", to->parent->name, to->table->name);
  if (from->parent == to->parent) {
    sqlite3_str_appendall(text, "_by_");
    columns_append(text, &to->columns, "_");
  }
  return builder_text(builder, text);
}

/* The column without its suffix; NULL where that is no name. */
static const char *short_of_column(Builder *builder, const ForeignKey *key) {
  if (key->columns.count != 1) return NULL;
  const char *column = key->columns.list[0]->name;
  int length = name_stem(column);
  return length ? arena_format(builder->failure, builder->arena, "%.*s", length,
                               column)
                : NULL;
}

static const char *short_to_parent(Builder *builder, const ForeignKey *key) {
  const char *name = short_of_column(builder, key);
  if (name && !table_column(key->table, name)) return name;
  return key->parent ? key->parent->name : key->parent_name;
}

static const char *short_through(Builder *builder, const ForeignKey *from,
                                 const ForeignKey *to) {
  const char *name =
      from->parent == to->parent ? short_of_column(builder, to) : NULL;
  return name ? name : to->parent->name;
}

/* ---- relationships out of keys ---- */

Relationship *builder_add(Builder *builder, int count) {
  for (int i = 0; i < count; i++) {
    builder->list =
        arena_extend(builder->failure, builder->arena, builder->list,
                     builder->count, sizeof(*builder->list));
    if (builder->failure->code) return NULL;
    memset(&builder->list[builder->count], 0, sizeof(*builder->list));
    builder->list[builder->count].model = builder->model;
    builder->list[builder->count].serial = ++*builder->serial;
    builder->count++;
  }
  return &builder->list[builder->count - count];
}

static const char *no_row_key(Builder *builder, const Table *table) {
  if (table->row_key.count) return NULL;
  return arena_format(builder->failure, builder->arena,
                      "rows of %s can't be told apart: it has no primary key, "
                      "and columns have taken the names of its rowid",
                      table->name);
}

/* The direction from the row that holds the key to the row it refers to. */
static void relationship_to_parent(Builder *builder, Relationship *to,
                                   const ForeignKey *key, bool unique) {
  to->cardinality = unique ? ONE_TO_ONE : MANY_TO_ONE;
  to->source = to->link = key->table;
  to->target = key->parent;
  to->source_key = to->source_link = key->table->row_key;
  to->target_link = key->columns;
  to->target_key = key->parent_columns;
  to->target_foreign = key;
  to->linked_by_source = to->pair_unique = true;
  to->exact_name = exact_to_parent(builder, key);
  to->short_name = short_to_parent(builder, key);
  to->because = because_of_key(builder, key, unique);
  to->problem = key->problem ? key->problem : no_row_key(builder, key->table);
}

static void relationship_to_child(Builder *builder, Relationship *to,
                                  const ForeignKey *key, bool unique) {
  to->cardinality = unique ? ONE_TO_ONE : ONE_TO_MANY;
  to->source = key->parent;
  to->target = to->link = key->table;
  to->source_key = key->parent_columns;
  to->source_link = key->columns;
  to->target_key = to->target_link = key->table->row_key;
  to->source_foreign = key;
  to->pair_unique = true;
  to->exact_name = exact_to_child(builder, key);
  to->short_name = key->table->name;
  to->because = because_of_key(builder, key, unique);
  to->problem = no_row_key(builder, key->table);
}

static void builder_add_key(Builder *builder, const ForeignKey *key) {
  bool broken = key->problem != NULL;
  bool unique = !broken && table_is_unique(key->table, &key->columns);
  Relationship *pair = builder_add(builder, broken ? 1 : 2);
  if (!pair) return;
  relationship_to_parent(builder, &pair[0], key, unique);
  if (!broken) relationship_to_child(builder, &pair[1], key, unique);
}

static Columns payload_of(Builder *builder, const ForeignKey *first,
                          const ForeignKey *second) {
  const Table *table = first->table;
  Columns payload = {0, NULL};
  for (int i = 0; i < table->column_count; i++) {
    const Column *column = &table->columns[i];
    if (column->generated || columns_contain(&first->columns, column) ||
        columns_contain(&second->columns, column))
      continue;
    payload.list =
        arena_extend(builder->failure, builder->arena, (void *)payload.list,
                     payload.count, sizeof(Column *));
    if (!builder->failure->code) payload.list[payload.count++] = column;
  }
  return payload;
}

static void relationship_through(Builder *builder, Relationship *to,
                                 const ForeignKey *source_foreign,
                                 const ForeignKey *target_foreign,
                                 bool unique) {
  to->cardinality = MANY_TO_MANY;
  to->source = source_foreign->parent;
  to->target = target_foreign->parent;
  to->link = source_foreign->table;
  to->source_key = source_foreign->parent_columns;
  to->source_link = source_foreign->columns;
  to->target_key = target_foreign->parent_columns;
  to->target_link = target_foreign->columns;
  to->source_foreign = source_foreign;
  to->target_foreign = target_foreign;
  to->pair_unique = unique;
  to->payload = payload_of(builder, source_foreign, target_foreign);
  to->exact_name = exact_through(builder, source_foreign, target_foreign);
  to->short_name = short_through(builder, source_foreign, target_foreign);
}

/* Adds both directions of the many-to-many of two keys of one table. */
void reflection_add_through(Builder *builder, const ForeignKey *first,
                            const ForeignKey *second, bool unique) {
  Relationship *pair = builder_add(builder, 2);
  if (!pair) return;
  relationship_through(builder, &pair[0], first, second, unique);
  relationship_through(builder, &pair[1], second, first, unique);
  pair[0].because = pair[1].because =
      because_of_pair(builder, first, second, unique);
}

/* True if `columns` are exactly what both keys have together, and neither has
** all of them alone. */
static bool columns_are_union(const Columns *columns, const Columns *a,
                              const Columns *b) {
  int in_both = 0;
  for (int i = 0; i < columns->count; i++) {
    bool in_a = columns_contain(a, columns->list[i]);
    bool in_b = columns_contain(b, columns->list[i]);
    if (!in_a && !in_b) return false;
    if (in_a && in_b) in_both++;
  }
  return a->count + b->count - in_both == columns->count &&
         a->count < columns->count && b->count < columns->count;
}

static bool columns_not_null(const Columns *columns) {
  for (int i = 0; i < columns->count; i++)
    if (!columns->list[i]->not_null) return false;
  return true;
}

/* True if the index is a key of several columns, none of which is NULL: such
** a one two foreign keys can be together. */
static bool index_may_link(const Index *index) {
  return index->unique && index->plain && index->columns.count > 1 &&
         (index->origin == 'p' || columns_not_null(&index->columns));
}

static bool keys_are_key(const ForeignKey *first, const ForeignKey *second) {
  const Table *table = first->table;
  for (int i = 0; i < table->index_count; i++)
    if (index_may_link(&table->indexes[i]) &&
        columns_are_union(&table->indexes[i].columns, &first->columns,
                          &second->columns))
      return true;
  return false;
}

/* True if such a key has all columns of this one: asked before the pairs are,
** of which a table may have very many. */
static bool key_may_link(const ForeignKey *key) {
  const Table *table = key->table;
  for (int i = 0; i < table->index_count; i++) {
    const Columns *columns = &table->indexes[i].columns;
    int held = 0;
    if (key->problem || !index_may_link(&table->indexes[i])) continue;
    for (int j = 0; j < key->columns.count; j++)
      held += columns_contain(columns, key->columns.list[j]);
    if (held == key->columns.count) return true;
  }
  return false;
}

/* True if an earlier key of the table says the same. */
static bool key_is_repeated(const ForeignKey *key) {
  for (const ForeignKey *other = key->table->keys; other < key; other++)
    if (!key->problem && !other->problem && other->parent == key->parent &&
        columns_same(&other->columns, &key->columns) &&
        columns_same(&other->parent_columns, &key->parent_columns))
      return true;
  return false;
}

/* Adds all that the keys of `table` make. */
void reflection_add_table(Builder *builder, const Table *table) {
  if (name_equal(table->name, DEBT_TABLE)) return;
  for (int i = 0; i < table->key_count; i++) {
    const ForeignKey *first = &table->keys[i];
    if (key_is_repeated(first)) continue;
    builder_add_key(builder, first);
    if (!key_may_link(first)) continue;
    for (int j = i + 1; j < table->key_count; j++) {
      const ForeignKey *second = &table->keys[j];
      if (!second->problem && keys_are_key(first, second) &&
          !key_is_repeated(second))
        reflection_add_through(builder, first, second, true);
    }
  }
}
