/*
** clause.c: pieces of SQL about one link.
**
** Pure, as all that makes SQL text: nothing is run.  Every name is quoted, every
** table has its schema and an alias, so that neither a table in temp nor a
** misspelt name can mean something else.
**
** A value that is given as a key compares as the key's own column compares.
** Where a link column has another affinity or collation than the key it
** refers to, the value is looked up at its home first: (SELECT k."id" FROM
** students AS k WHERE k."id" = ?1).
*/
#include "relate_int.h"

End end_of_source(const Relationship *relationship) {
  return (End){&relationship->source_link, &relationship->source_key,
               relationship->source, 1, "l"};
}

End end_of_target(const Relationship *relationship) {
  return (End){&relationship->target_link, &relationship->target_key,
               relationship->target, 1 + relationship->source_key.count, "l"};
}

void clause_table(sqlite3_str *text, const Table *table, const char *alias) {
  sqlite3_str_appendf(text, "\"%w\".\"%w\" AS ", table->schema->name,
                      table->name);
  sqlite3_str_appendall(text, alias);
}

void clause_column(sqlite3_str *text, const char *alias, const Column *column) {
  sqlite3_str_appendall(text, alias);
  sqlite3_str_appendf(text, ".\"%w\"", column->name);
}

/* s."id" = ?1 AND ... */
void clause_key(sqlite3_str *text, const char *alias, const Columns *key,
                int parameter) {
  for (int i = 0; i < key->count; i++) {
    if (i) sqlite3_str_appendall(text, " AND ");
    clause_column(text, alias, key->list[i]);
    sqlite3_str_appendf(text, " = ?%d", parameter + i);
  }
}

char *clause_row(const Table *table, const Columns *columns,
                 const Columns *key) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "t", columns);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, table, "t");
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, "t", key, 1);
  return sqlite3_str_finish(text);
}

/* A column with a type converts what it stores; one without keeps 1 and 1.0
** apart. */
void clause_same(sqlite3_str *text, const char *alias, const Column *column,
                 int parameter) {
  clause_column(text, alias, column);
  sqlite3_str_appendf(text, " IS ?%d COLLATE BINARY", parameter);
  if (column->affinity != 'A') return;
  sqlite3_str_appendall(text, " AND typeof(");
  clause_column(text, alias, column);
  sqlite3_str_appendf(text, ") = typeof(?%d)", parameter);
}

void clause_differs(sqlite3_str *text, const char *alias, const char *other,
                    const Column *column) {
  clause_column(text, alias, column);
  sqlite3_str_appendall(text, " IS NOT ");
  clause_column(text, other, column);
  sqlite3_str_appendall(text, " COLLATE BINARY");
  if (column->affinity != 'A') return;
  sqlite3_str_appendall(text, " OR typeof(");
  clause_column(text, alias, column);
  sqlite3_str_appendall(text, ") <> typeof(");
  clause_column(text, other, column);
  sqlite3_str_appendall(text, ")");
}

static bool alike(const Column *a, const Column *b) {
  return a == b ||
         (a->affinity == b->affinity && name_equal(a->collation, b->collation));
}

/* True if equal values of these columns can't be told apart. */
bool clause_same_value(const Column *a, const Column *b) {
  return a == b || (a->affinity == b->affinity && a->affinity != 'A' &&
                    name_equal(a->collation, "BINARY") &&
                    name_equal(b->collation, "BINARY"));
}

bool end_is_alike(const End *end) {
  for (int i = 0; i < end->key->count; i++)
    if (!alike(end->link->list[i], end->key->list[i])) return false;
  return true;
}

/* The value that column `i` of the link has where it points to the end. */
void clause_value(sqlite3_str *text, const End *end, int i) {
  if (end_is_alike(end)) {
    sqlite3_str_appendf(text, "?%d", end->parameter + i);
    return;
  }
  sqlite3_str_appendall(text, "(SELECT ");
  clause_column(text, "k", end->key->list[i]);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, end->table, "k");
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, "k", end->key, end->parameter);
  sqlite3_str_appendall(text, ")");
}

/* Column `i` of the link, to be compared as the foreign key compares: with the
** collation of the column that it refers to. */
void clause_compared(sqlite3_str *text, const End *end, int i) {
  const char *collation = end->key->list[i]->collation;
  clause_column(text, end->alias, end->link->list[i]);
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
      clause_value(text, end, i);
    } else {
      clause_column(text, end->alias, end->link->list[i]);
    }
  }
  sqlite3_str_appendall(text, "))");
}

/* l."student_id" = ?1 AND ... */
void clause_match(sqlite3_str *text, const End *end) {
  for (int i = 0; i < end->link->count; i++) {
    if (i) sqlite3_str_appendall(text, " AND ");
    if (may_hold_texts(end, i)) {
      append_match_texts(text, end, i);
      continue;
    }
    clause_compared(text, end, i);
    sqlite3_str_appendall(text, " = ");
    clause_value(text, end, i);
  }
}

/* Asks for the row of the end, where the foreign key would not, or not yet. */
void clause_exists(sqlite3_str *text, const char *separator,
                   const Relationship *relationship, const End *end) {
  if (!relationship->link->may_defer && end_is_alike(end)) return;
  sqlite3_str_appendall(text, separator);
  sqlite3_str_appendall(text, "EXISTS (SELECT 1 FROM ");
  clause_table(text, end->table, "e");
  sqlite3_str_appendall(text, " WHERE ");
  clause_key(text, "e", end->key, end->parameter);
  sqlite3_str_appendall(text, ")");
}

void clause_filled(sqlite3_str *text, const char *separator, const char *alias,
                   const Columns *columns) {
  for (int i = 0; i < columns->count; i++) {
    if (columns->list[i]->not_null) continue;
    sqlite3_str_appendall(text, separator);
    clause_column(text, alias, columns->list[i]);
    sqlite3_str_appendall(text, " IS NOT NULL");
    separator = " AND ";
  }
}

/* A foreign key with a NULL in it links nothing. */
void clause_not_null(sqlite3_str *text, const Relationship *relationship,
                     const char *alias) {
  if (relationship->target_foreign)
    clause_filled(text, " AND ", alias, &relationship->target_link);
}

void clause_columns(sqlite3_str *text, const char *alias,
                    const Columns *columns) {
  for (int i = 0; i < columns->count; i++) {
    if (i) sqlite3_str_appendall(text, ", ");
    clause_column(text, alias, columns->list[i]);
  }
}
