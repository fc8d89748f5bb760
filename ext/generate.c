/*
** generate.c: SQL text.
**
** The statement an expert would write for each thing that is done with a
** link.  Pure: makes text, runs nothing.
**
**     students.courses   count   SELECT count(*) FROM "main"."student_course"
**                                AS l WHERE l."student_id" = ?1
**
** Parameters are numbered: the source key from 1, then the target key, then
** what else there is.  Every name is quoted, every table has its schema and an
** alias, so that neither a table in temp nor a misspelt name can mean
** something else.
**
** A value that is given as a key compares as the key's own column compares.
** Where a link column has another affinity or collation than the key it
** refers to, the value is looked up at its home first: (SELECT k."id" FROM
** students AS k WHERE k."id" = ?1).
*/
#include "relate_int.h"

/* One end of a relationship: a key, its parameters, the link's columns. */
typedef struct End {
  const Columns *link;
  const Columns *key;
  const Table *table; /* at home */
  int parameter;      /* of its first column */
} End;

static End end_of_source(const Relationship *relationship) {
  return (End){&relationship->source_link, &relationship->source_key,
               relationship->source, 1};
}

static End end_of_target(const Relationship *relationship) {
  return (End){&relationship->target_link, &relationship->target_key,
               relationship->target, 1 + relationship->source_key.count};
}

/* Of a relationship that is one foreign key: the end it refers to, and the
** end whose row holds it. */
static End end_of_parent(const Relationship *relationship) {
  return relationship->linked_by_source ? end_of_target(relationship)
                                        : end_of_source(relationship);
}

static End end_of_holder(const Relationship *relationship) {
  return relationship->linked_by_source ? end_of_source(relationship)
                                        : end_of_target(relationship);
}

/* ---- pieces ---- */

static void append_table(sqlite3_str *text, const Table *table, char alias) {
  sqlite3_str_appendf(text, "\"%w\".\"%w\" AS %c", table->schema->name,
                      table->name, alias);
}

static void append_column(sqlite3_str *text, char alias, const Column *column) {
  sqlite3_str_appendf(text, "%c.\"%w\"", alias, column->name);
}

/* s."id" = ?1 AND ... */
static void append_key_match(sqlite3_str *text, char alias, const Columns *key,
                             int parameter) {
  for (int i = 0; i < key->count; i++) {
    if (i) sqlite3_str_appendall(text, " AND ");
    append_column(text, alias, key->list[i]);
    sqlite3_str_appendf(text, " = ?%d", parameter + i);
  }
}

static bool alike(const Column *a, const Column *b) {
  return a == b ||
         (a->affinity == b->affinity && name_equal(a->collation, b->collation));
}

static bool end_is_alike(const End *end) {
  for (int i = 0; i < end->key->count; i++)
    if (!alike(end->link->list[i], end->key->list[i])) return false;
  return true;
}

/* The value that column `i` of the link has where it points to the end. */
static void append_value(sqlite3_str *text, const End *end, int i) {
  if (end_is_alike(end)) {
    sqlite3_str_appendf(text, "?%d", end->parameter + i);
    return;
  }
  sqlite3_str_appendall(text, "(SELECT ");
  append_column(text, 'k', end->key->list[i]);
  sqlite3_str_appendall(text, " FROM ");
  append_table(text, end->table, 'k');
  sqlite3_str_appendall(text, " WHERE ");
  append_key_match(text, 'k', end->key, end->parameter);
  sqlite3_str_appendall(text, ")");
}

/* Column `i` of the link, to be compared as the foreign key compares: with the
** collation of the column that it refers to. */
static void append_compared(sqlite3_str *text, const End *end, int i) {
  const char *collation = end->key->list[i]->collation;
  append_column(text, 'l', end->link->list[i]);
  if (!name_equal(end->link->list[i]->collation, collation))
    sqlite3_str_appendf(text, " COLLATE \"%w\"", collation);
}

/* A column without a type that refers to numbers.  It may hold '7', which the
** foreign key compares as 7, but the order of an index does not. */
static bool may_hold_texts(const End *end, int i) {
  return end->link->list[i]->affinity == 'A' &&
         end->key->list[i]->affinity >= 'C';
}

/* Numbers are found by an index; and so are texts, all of them, to be compared
** one by one: l."c" = +k OR (l."c" >= '' AND l."c" < x'' AND l."c" = k) */
static void append_match_texts(sqlite3_str *text, const End *end, int i) {
  static const char *const parts[] = {"(",           " = +",        " OR (",
                                      " >= '' AND ", " < x'' AND ", " = "};
  for (int part = 0; part < 6; part++) {
    sqlite3_str_appendall(text, parts[part]);
    if (part == 1 || part == 5) {
      append_value(text, end, i);
    } else {
      append_column(text, 'l', end->link->list[i]);
    }
  }
  sqlite3_str_appendall(text, "))");
}

/* l."student_id" = ?1 AND ... */
static void append_match(sqlite3_str *text, const End *end) {
  for (int i = 0; i < end->link->count; i++) {
    if (i) sqlite3_str_appendall(text, " AND ");
    if (may_hold_texts(end, i)) {
      append_match_texts(text, end, i);
      continue;
    }
    append_compared(text, end, i);
    sqlite3_str_appendall(text, " = ");
    append_value(text, end, i);
  }
}

static void append_exists(sqlite3_str *text, const End *end) {
  sqlite3_str_appendall(text, " AND EXISTS (SELECT 1 FROM ");
  append_table(text, end->table, 'e');
  sqlite3_str_appendall(text, " WHERE ");
  append_key_match(text, 'e', end->key, end->parameter);
  sqlite3_str_appendall(text, ")");
}

static void append_from_link(sqlite3_str *text,
                             const Relationship *relationship) {
  sqlite3_str_appendall(text, " FROM ");
  append_table(text, relationship->link, 'l');
  sqlite3_str_appendall(text, " WHERE ");
}

/* A foreign key with a NULL in it links nothing. */
static void append_not_null(sqlite3_str *text,
                            const Relationship *relationship) {
  if (!relationship->target_foreign) return;
  for (int i = 0; i < relationship->target_link.count; i++) {
    const Column *column = relationship->target_link.list[i];
    if (column->not_null) continue;
    sqlite3_str_appendall(text, " AND ");
    append_column(text, 'l', column);
    sqlite3_str_appendall(text, " IS NOT NULL");
  }
}

static void append_link_columns(sqlite3_str *text, const Columns *columns) {
  for (int i = 0; i < columns->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    append_column(text, 'l', columns->list[i]);
  }
}

/* ---- reading ---- */

char *generate_count(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship);
  sqlite3_str_appendall(text, "SELECT count(*)");
  append_from_link(text, relationship);
  append_match(text, &source);
  append_not_null(text, relationship);
  return sqlite3_str_finish(text);
}

/* The target as the link stores it: a row if the pair is linked. */
char *generate_member(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship),
      target = end_of_target(relationship);
  sqlite3_str_appendall(text, "SELECT ");
  append_link_columns(text, target.link);
  append_from_link(text, relationship);
  append_match(text, &source);
  sqlite3_str_appendall(text, " AND ");
  append_match(text, &target);
  return sqlite3_str_finish(text);
}

/* All targets of a source, as the links store them. */
char *generate_targets(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship);
  sqlite3_str_appendall(text, "SELECT ");
  append_link_columns(text, &relationship->target_link);
  append_from_link(text, relationship);
  append_match(text, &source);
  append_not_null(text, relationship);
  return sqlite3_str_finish(text);
}

char *generate_exists(const Table *table, const Columns *key) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT 1 FROM ");
  append_table(text, table, 'e');
  sqlite3_str_appendall(text, " WHERE ");
  append_key_match(text, 'e', key, 1);
  return sqlite3_str_finish(text);
}

char *generate_find(const Table *table, const Columns *key,
                    const Columns *given) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  append_link_columns(text, key);
  sqlite3_str_appendall(text, " FROM ");
  append_table(text, table, 'l');
  for (int i = 0; i < given->count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " WHERE ");
    append_column(text, 'l', given->list[i]);
    sqlite3_str_appendf(text, " IS ?%d", i + 1);
  }
  sqlite3_str_appendall(text, " LIMIT 2");
  return sqlite3_str_finish(text);
}

/* ---- a row of an association table ---- */

/* True if linking finds the rows by itself, and so changes nothing where one is
** missing: a foreign key in a row of its own; columns that both ends share, a
** tenant for example, which must agree; values that have to be looked up at
** home; a foreign key that would complain at COMMIT only. */
bool generate_asks_rows(const Relationship *relationship) {
  End source = end_of_source(relationship),
      target = end_of_target(relationship);
  if (relationship->cardinality != MANY_TO_MANY) return true;
  for (int i = 0; i < target.link->count; i++)
    if (columns_contain(source.link, target.link->list[i])) return true;
  return relationship->link->may_defer || !end_is_alike(&source) ||
         !end_is_alike(&target);
}

static void append_names(sqlite3_str *text, const Columns *columns,
                         const Columns *but, const char *separator) {
  for (int i = 0; i < columns->count; i++) {
    if (but && columns_contain(but, columns->list[i])) continue;
    sqlite3_str_appendf(text, "%s\"%w\"", /* safe: a literal */ separator,
                        columns->list[i]->name);
    separator = ", ";
  }
}

static void append_insert_columns(sqlite3_str *text,
                                  const Relationship *relationship,
                                  const Columns *payload) {
  sqlite3_str_appendall(text, "INSERT INTO ");
  append_table(text, relationship->link, 'l');
  append_names(text, &relationship->source_link, NULL, "(");
  append_names(text, &relationship->target_link, &relationship->source_link,
               ", ");
  append_names(text, payload, NULL, ", ");
  sqlite3_str_appendall(text, ")");
}

static void append_payload_parameters(sqlite3_str *text,
                                      const Relationship *relationship,
                                      const Columns *payload) {
  int first =
      1 + relationship->source_key.count + relationship->target_key.count;
  for (int i = 0; i < payload->count; i++)
    sqlite3_str_appendf(text, ", ?%d", first + i);
}

static void append_insert_values(sqlite3_str *text,
                                 const Relationship *relationship,
                                 const Columns *payload) {
  int count = relationship->source_key.count + relationship->target_key.count;
  sqlite3_str_appendall(text, " VALUES (");
  for (int i = 1; i <= count; i++)
    sqlite3_str_appendf(text, i > 1 ? ", ?%d" : "?%d", i);
  append_payload_parameters(text, relationship, payload);
  sqlite3_str_appendall(text, ")");
}

static void append_insert_rows(sqlite3_str *text,
                               const Relationship *relationship,
                               const Columns *payload) {
  End source = end_of_source(relationship),
      target = end_of_target(relationship);
  sqlite3_str_appendall(text, " SELECT ");
  for (int i = 0; i < source.key->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    append_column(text, 's', source.key->list[i]);
  }
  for (int i = 0; i < target.key->count; i++) {
    if (columns_contain(source.link, target.link->list[i])) continue;
    sqlite3_str_appendall(text, ", ");
    append_column(text, 't', target.key->list[i]);
  }
  append_payload_parameters(text, relationship, payload);
  sqlite3_str_appendall(text, " FROM ");
  append_table(text, source.table, 's');
  sqlite3_str_appendall(text, ", ");
  append_table(text, target.table, 't');
  sqlite3_str_appendall(text, " WHERE ");
  append_key_match(text, 's', source.key, source.parameter);
  sqlite3_str_appendall(text, " AND ");
  append_key_match(text, 't', target.key, target.parameter);
  for (int i = 0; i < target.link->count; i++)
    for (int j = 0; j < source.link->count; j++) {
      if (target.link->list[i] != source.link->list[j]) continue;
      sqlite3_str_appendall(text, " AND ");
      append_column(text, 's', source.key->list[j]);
      sqlite3_str_appendall(text, " = ");
      append_column(text, 't', target.key->list[i]);
    }
}

/* A pair that is linked already gets the payload, where it differs. */
static void append_conflict(sqlite3_str *text, const Relationship *relationship,
                            const Columns *payload) {
  sqlite3_str_appendall(text, " ON CONFLICT");
  append_names(text, &relationship->source_link, NULL, "(");
  append_names(text, &relationship->target_link, &relationship->source_link,
               ", ");
  sqlite3_str_appendall(text,
                        payload->count ? ") DO UPDATE SET " : ") DO NOTHING");
  for (int i = 0; i < payload->count; i++) {
    const char *name = payload->list[i]->name;
    sqlite3_str_appendf(
        text, i ? ", \"%w\" = excluded.\"%w\"" : "\"%w\" = excluded.\"%w\"",
        name, name);
  }
  for (int i = 0; i < payload->count; i++) {
    sqlite3_str_appendall(text, i ? " OR " : " WHERE ");
    append_column(text, 'l', payload->list[i]);
    sqlite3_str_appendf(text, " IS NOT excluded.\"%w\" COLLATE BINARY",
                        payload->list[i]->name);
  }
}

static char *generate_insert(const Relationship *relationship,
                             const Columns *payload) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  append_insert_columns(text, relationship, payload);
  if (generate_asks_rows(relationship)) {
    append_insert_rows(text, relationship, payload);
  } else {
    append_insert_values(text, relationship, payload);
  }
  if (relationship->pair_unique) append_conflict(text, relationship, payload);
  return sqlite3_str_finish(text);
}

char *generate_link_rows(const Relationship *relationship) {
  static const Columns no_payload = {0, NULL};
  sqlite3_str *text = sqlite3_str_new(NULL);
  append_insert_columns(text, relationship, &no_payload);
  sqlite3_str_appendall(text,
                        " SELECT r.source, r.target FROM "
                        "temp.\"" ROWS_TABLE "\" AS r WHERE true");
  append_conflict(text, relationship, &no_payload);
  return sqlite3_str_finish(text);
}

/* ---- a foreign key in a row of its own ---- */

/* A column of the foreign key that is also one of the row's key can't be
** changed to link: it has to agree. */
static bool is_own_key(const End *holder, const Column *column) {
  return columns_contain(holder->link, column);
}

static void append_update(sqlite3_str *text, const Relationship *relationship) {
  sqlite3_str_appendall(text, "UPDATE ");
  append_table(text, relationship->link, 'l');
  sqlite3_str_appendall(text, " SET ");
}

/* "brand_id" = ?1, ...: the foreign key points to `parent`. */
static void append_assignments(sqlite3_str *text, const End *parent,
                               const Columns *fixed) {
  const char *separator = "";
  for (int i = 0; i < parent->link->count; i++) {
    const Column *column = parent->link->list[i];
    if (columns_contain(fixed, column)) continue;
    sqlite3_str_appendf(text, "%s\"%w\" = ", /* safe: a literal */ separator,
                        column->name);
    append_value(text, parent, i);
    separator = ", ";
  }
}

/* The columns that must agree do; and another one differs. */
static void append_agreement(sqlite3_str *text, const End *parent,
                             const Columns *fixed) {
  for (int i = 0; i < parent->link->count; i++) {
    const Column *column = parent->link->list[i];
    if (!columns_contain(fixed, column)) continue;
    sqlite3_str_appendall(text, " AND ");
    append_compared(text, parent, i);
    sqlite3_str_appendall(text, " = ");
    append_value(text, parent, i);
  }
  bool some = false;
  for (int i = 0; i < parent->link->count; i++) {
    const Column *column = parent->link->list[i];
    if (columns_contain(fixed, column)) continue;
    sqlite3_str_appendall(text, some ? " OR " : " AND (");
    append_compared(text, parent, i);
    sqlite3_str_appendall(text, " IS NOT ");
    append_value(text, parent, i);
    some = true;
  }
  if (some) sqlite3_str_appendall(text, ")");
}

static char *generate_point(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End parent = end_of_parent(relationship),
      holder = end_of_holder(relationship);
  append_update(text, relationship);
  append_assignments(text, &parent, holder.link);
  sqlite3_str_appendall(text, " WHERE ");
  append_match(text, &holder);
  append_agreement(text, &parent, holder.link);
  if (relationship->link->may_defer || !end_is_alike(&parent))
    append_exists(text, &parent);
  return sqlite3_str_finish(text);
}

static bool can_be_null(const End *holder, const Column *column) {
  return !column->not_null && !is_own_key(holder, column) &&
         !column->key_position;
}

bool generate_can_link(const Relationship *relationship) {
  End parent = end_of_parent(relationship),
      holder = end_of_holder(relationship);
  if (relationship->cardinality == MANY_TO_MANY) return true;
  for (int i = 0; i < parent.link->count; i++)
    if (!is_own_key(&holder, parent.link->list[i])) return true;
  return false;
}

bool generate_can_unlink(const Relationship *relationship) {
  End parent = end_of_parent(relationship),
      holder = end_of_holder(relationship);
  if (relationship->cardinality == MANY_TO_MANY) return true;
  for (int i = 0; i < parent.link->count; i++)
    if (can_be_null(&holder, parent.link->list[i])) return true;
  return false;
}

/* One NULL in a foreign key is enough; columns that may be NULL become so. */
static void append_nulls(sqlite3_str *text, const Relationship *relationship) {
  End parent = end_of_parent(relationship),
      holder = end_of_holder(relationship);
  const char *separator = "";
  for (int i = 0; i < parent.link->count; i++) {
    if (!can_be_null(&holder, parent.link->list[i])) continue;
    sqlite3_str_appendf(text, "%s\"%w\" = NULL", /* safe: a literal */
                        separator, parent.link->list[i]->name);
    separator = ", ";
  }
}

/* ---- writing ---- */

char *generate_link(const Relationship *relationship, const Columns *payload) {
  return relationship->cardinality == MANY_TO_MANY
             ? generate_insert(relationship, payload)
             : generate_point(relationship);
}

char *generate_unlink(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship),
      target = end_of_target(relationship);
  if (relationship->cardinality == MANY_TO_MANY) {
    sqlite3_str_appendall(text, "DELETE");
    append_from_link(text, relationship);
  } else {
    append_update(text, relationship);
    append_nulls(text, relationship);
    sqlite3_str_appendall(text, " WHERE ");
  }
  append_match(text, &source);
  sqlite3_str_appendall(text, " AND ");
  append_match(text, &target);
  return sqlite3_str_finish(text);
}

char *generate_displace(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End parent = end_of_parent(relationship),
      holder = end_of_holder(relationship);
  append_update(text, relationship);
  append_nulls(text, relationship);
  sqlite3_str_appendall(text, " WHERE ");
  append_match(text, &parent);
  sqlite3_str_appendall(text, " AND NOT (");
  append_match(text, &holder);
  sqlite3_str_appendall(text, ")");
  return sqlite3_str_finish(text);
}

char *generate_move(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship),
      target = end_of_target(relationship);
  End other = target;
  other.parameter += target.key->count;
  append_update(text, relationship);
  append_assignments(text, &other, source.link);
  sqlite3_str_appendall(text, " WHERE ");
  append_match(text, &source);
  sqlite3_str_appendall(text, " AND ");
  append_match(text, &target);
  append_agreement(text, &other, source.link);
  if (relationship->link->may_defer || !end_is_alike(&other))
    append_exists(text, &other);
  return sqlite3_str_finish(text);
}
