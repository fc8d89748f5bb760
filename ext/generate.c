/*
** generate.c: SQL about links.
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
*/
#include "relate_int.h"

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

static void append_from_link(sqlite3_str *text,
                             const Relationship *relationship) {
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, relationship->link, "l");
  sqlite3_str_appendall(text, " WHERE ");
}

/* ---- reading ---- */

char *generate_count(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship);
  sqlite3_str_appendall(text, "SELECT count(*)");
  append_from_link(text, relationship);
  clause_match(text, &source);
  clause_not_null(text, relationship, "l");
  return sqlite3_str_finish(text);
}

/* The target as the link stores it: a row if the pair is linked. */
char *generate_member(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship),
      target = end_of_target(relationship);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "l", target.link);
  append_from_link(text, relationship);
  clause_match(text, &source);
  sqlite3_str_appendall(text, " AND ");
  clause_match(text, &target);
  return sqlite3_str_finish(text);
}

/* All targets of a source, as the links store them. */
char *generate_targets(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "l", &relationship->target_link);
  append_from_link(text, relationship);
  clause_match(text, &source);
  clause_not_null(text, relationship, "l");
  return sqlite3_str_finish(text);
}

char *generate_exists(const Table *table, const Columns *key) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT 1 FROM ");
  clause_table(text, table, "e");
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, "e", key, 1);
  return sqlite3_str_finish(text);
}

char *generate_find(const Table *table, const Columns *key,
                    const Columns *given) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "l", key);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, table, "l");
  for (int i = 0; i < given->count; i++) {
    sqlite3_str_appendall(text, i ? " AND " : " WHERE ");
    clause_column(text, "l", given->list[i]);
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
  clause_table(text, relationship->link, "l");
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
    clause_column(text, "s", source.key->list[i]);
  }
  for (int i = 0; i < target.key->count; i++) {
    if (columns_contain(source.link, target.link->list[i])) continue;
    sqlite3_str_appendall(text, ", ");
    clause_column(text, "t", target.key->list[i]);
  }
  append_payload_parameters(text, relationship, payload);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, source.table, "s");
  sqlite3_str_appendall(text, ", ");
  clause_table(text, target.table, "t");
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, "s", source.key, source.parameter);
  sqlite3_str_appendall(text, " AND ");
  clause_key(text, "t", target.key, target.parameter);
  for (int i = 0; i < target.link->count; i++)
    for (int j = 0; j < source.link->count; j++) {
      if (target.link->list[i] != source.link->list[j]) continue;
      sqlite3_str_appendall(text, " AND ");
      clause_column(text, "s", source.key->list[j]);
      sqlite3_str_appendall(text, " = ");
      clause_column(text, "t", target.key->list[i]);
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
    clause_differs(text, "l", "excluded", payload->list[i]);
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
  clause_table(text, relationship->link, "l");
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
    clause_value(text, parent, i);
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
    clause_compared(text, parent, i);
    sqlite3_str_appendall(text, " = ");
    clause_value(text, parent, i);
  }
  bool some = false;
  for (int i = 0; i < parent->link->count; i++) {
    const Column *column = parent->link->list[i];
    if (columns_contain(fixed, column)) continue;
    sqlite3_str_appendall(text, some ? " OR " : " AND (");
    clause_compared(text, parent, i);
    sqlite3_str_appendall(text, " IS NOT ");
    clause_value(text, parent, i);
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
  clause_match(text, &holder);
  append_agreement(text, &parent, holder.link);
  clause_exists(text, " AND ", relationship, &parent);
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

/* The column is part of another foreign key, too. */
static bool is_shared(const Relationship *relationship, const Column *column) {
  const Table *table = relationship->link;
  const Columns *columns = end_of_parent(relationship).link;
  for (int i = 0; i < table->key_count; i++)
    if (columns_contain(&table->keys[i].columns, column) &&
        !columns_same(&table->keys[i].columns, columns))
      return true;
  return false;
}

/* One NULL in a foreign key is enough.  Columns that may be NULL become so, but for
** those that it shares with another foreign key, unless it has no others. */
bool generate_clears(const Relationship *relationship, const Column *column) {
  End parent = end_of_parent(relationship),
      holder = end_of_holder(relationship);
  if (!columns_contain(parent.link, column) || !can_be_null(&holder, column))
    return false;
  if (!is_shared(relationship, column)) return true;
  for (int i = 0; i < parent.link->count; i++)
    if (can_be_null(&holder, parent.link->list[i]) &&
        !is_shared(relationship, parent.link->list[i]))
      return false;
  return true;
}

static void append_nulls(sqlite3_str *text, const Relationship *relationship) {
  End parent = end_of_parent(relationship);
  const char *separator = "";
  for (int i = 0; i < parent.link->count; i++) {
    if (!generate_clears(relationship, parent.link->list[i])) continue;
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

char *generate_link_pair(const Relationship *relationship) {
  static const Columns no_payload = {0, NULL};
  return generate_link(relationship, &no_payload);
}

static void append_unlink(sqlite3_str *text, const Relationship *relationship) {
  if (relationship->cardinality == MANY_TO_MANY) {
    sqlite3_str_appendall(text, "DELETE FROM ");
    clause_table(text, relationship->link, "l");
  } else {
    append_update(text, relationship);
    append_nulls(text, relationship);
  }
}

char *generate_unlink_row(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  append_unlink(text, relationship);
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, "l", &relationship->link->row_key, 1);
  return sqlite3_str_finish(text);
}

char *generate_unlink(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship),
      target = end_of_target(relationship);
  append_unlink(text, relationship);
  sqlite3_str_appendall(text, " WHERE ");
  clause_match(text, &source);
  sqlite3_str_appendall(text, " AND ");
  clause_match(text, &target);
  return sqlite3_str_finish(text);
}

char *generate_displace(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End parent = end_of_parent(relationship),
      holder = end_of_holder(relationship);
  append_update(text, relationship);
  append_nulls(text, relationship);
  sqlite3_str_appendall(text, " WHERE ");
  clause_match(text, &parent);
  sqlite3_str_appendall(text, " AND NOT (");
  clause_match(text, &holder);
  sqlite3_str_appendall(text, ")");
  return sqlite3_str_finish(text);
}

char *generate_vacate(const Relationship *relationship) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  End source = end_of_source(relationship);
  append_unlink(text, relationship);
  sqlite3_str_appendall(text, " WHERE ");
  clause_match(text, &source);
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
  clause_match(text, &source);
  sqlite3_str_appendall(text, " AND ");
  clause_match(text, &target);
  append_agreement(text, &other, source.link);
  clause_exists(text, " AND ", relationship, &other);
  return sqlite3_str_finish(text);
}
