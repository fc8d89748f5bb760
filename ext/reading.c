/*
** reading.c: the statement that reads a navigator's rows.
**
**     SELECT title FROM students__courses(1) WHERE grade = 'A' ORDER BY title
**
**       SELECT NULL, target."title", link."grade"
**       FROM "main"."student_course" AS link
**       LEFT JOIN "main"."courses" AS target
**         ON target."id" = link."course_id"
**       WHERE link."student_id" = ?1 AND link."grade" = ?2
**       ORDER BY target."title"
**
** Column i of it is field i; a field that nobody reads is NULL, and what follows
** the last one that is read is left out.  At the end come the columns of
** link_key, of which a field may be one.  The target's table is read only for
** what the link does not have: the key that both have comes from the link.
**
** Pure: makes text, runs nothing.
*/
#include "relate_int.h"

/* How the rows are had. */
typedef enum Manner {
  MANNER_LINKS,   /* of the only step */
  MANNER_TARGETS, /* each once, from a source that is given */
  MANNER_PAIRS    /* each target once for each source */
} Manner;

static Manner reading_manner(const Reading *reading) {
  if (route_link(reading->route)) return MANNER_LINKS;
  return reading->keyed || reading->travels ? MANNER_TARGETS : MANNER_PAIRS;
}

static const Relationship *first_step(const Reading *reading) {
  return reading->route->steps[0].relationship;
}

static const Relationship *last_step(const Reading *reading) {
  return reading->route->steps[reading->route->count - 1].relationship;
}

/* ---- fields ---- */

/* The link's column that has the value of this column of the target; NULL if
** none has. */
static const Column *stand_in(const Relationship *r, const Column *column) {
  for (int i = 0; i < r->target_key.count; i++)
    if (r->target_key.list[i] == column &&
        clause_same_value(column, r->target_link.list[i]))
      return r->target_link.list[i];
  return NULL;
}

static bool is_own_source(const Relationship *r, int place) {
  return r->source_key.list[place]->affinity ==
         r->source_link.list[place]->affinity;
}

/* The column of the link's row that the field is, or NULL. */
static const Column *link_column(const Relationship *r, const Field *field) {
  switch (field->origin) {
    case FIELD_TARGET:
      return select_link_is_target(r) ? field->column
                                      : stand_in(r, field->column);
    case FIELD_PAYLOAD: return field->column;
    case FIELD_SOURCE:
      return is_own_source(r, field->place) ? r->source_link.list[field->place]
                                            : NULL;
    case FIELD_LINK:
    case FIELD_DEPTH: break;
  }
  return NULL;
}

int reading_row_place(const Route *route, const Field *field, bool travels) {
  const Relationship *link = travels ? NULL : route_link(route);
  const Column *column = link ? link_column(link, field) : NULL;
  for (int i = 0; column && i < link->link->row_key.count; i++)
    if (link->link->row_key.list[i] == column) return i;
  return -1;
}

/* True if the field is read from the target's row, where that is another than
** the link's. */
static bool reads_target(const Reading *reading, int field) {
  const Field *f = &reading->fields->list[field];
  const Relationship *r = first_step(reading);
  return f->origin == FIELD_TARGET && !select_link_is_target(r) &&
         !stand_in(r, f->column);
}

static void append_target_field(sqlite3_str *text, const Reading *reading,
                                const Column *column) {
  const Relationship *r = first_step(reading);
  const Column *link =
      reading_manner(reading) == MANNER_LINKS && !select_link_is_target(r)
          ? stand_in(r, column)
          : NULL;
  if (link) {
    clause_column(text, select_link(r), link);
  } else {
    clause_column(text, "target", column);
  }
}

/* A link that holds '7' where the key is 7 has the key as its source has it; a
** link without a source has what it holds. */
static void append_source_key(sqlite3_str *text, const Relationship *r,
                              int place) {
  const Column *key = r->source_key.list[place];
  const Column *held = r->source_link.list[place];
  bool same = is_own_source(r, place);
  if (!same) {
    sqlite3_str_appendall(text, "coalesce((SELECT ");
    clause_column(text, "k", key);
    sqlite3_str_appendall(text, " FROM ");
    clause_table(text, r->source, "k");
    for (int i = 0; i < r->source_key.count; i++) {
      sqlite3_str_appendall(text, i ? " AND " : " WHERE ");
      clause_column(text, "k", r->source_key.list[i]);
      sqlite3_str_appendall(text, " = +");
      clause_column(text, select_link(r), r->source_link.list[i]);
    }
    sqlite3_str_appendall(text, "), ");
  }
  clause_column(text, select_link(r), held);
  if (!same) sqlite3_str_appendall(text, ")");
}

static void append_source_field(sqlite3_str *text, const Reading *reading,
                                int place) {
  const Relationship *r = first_step(reading);
  switch (reading_manner(reading)) {
    case MANNER_LINKS: append_source_key(text, r, place); break;
    case MANNER_TARGETS: sqlite3_str_appendf(text, "?%d", place + 1); break;
    case MANNER_PAIRS: sqlite3_str_appendf(text, "pair.s%d", place + 1); break;
  }
}

static void append_field(sqlite3_str *text, const Reading *reading, int field) {
  const Field *f = &reading->fields->list[field];
  const Relationship *r = first_step(reading);
  switch (f->origin) {
    case FIELD_TARGET: append_target_field(text, reading, f->column); break;
    case FIELD_PAYLOAD: clause_column(text, select_link(r), f->column); break;
    case FIELD_SOURCE: append_source_field(text, reading, f->place); break;
    case FIELD_LINK: /* compared, and ordered by, if it is one column */
      clause_column(text, select_link(r), f->column);
      break;
    case FIELD_DEPTH: sqlite3_str_appendall(text, "NULL"); break;
  }
}

/* The last bit stands for all fields from there on. */
bool reading_uses(const Reading *reading, int field) {
  return (reading->used >> (field < 63 ? field : 63)) & 1;
}

/* True if the statement reads the field.  While it travels, the source's key and
** the depth are known elsewhere; what is part of link_key comes with that. */
static bool is_read(const Reading *reading, int field) {
  const Field *f = &reading->fields->list[field];
  const Column *only = reading->route->column;
  bool shown = f->origin == FIELD_TARGET || f->origin == FIELD_PAYLOAD;
  if (reading->packed) return shown && (!only || f->column == only);
  if (f->origin == FIELD_LINK ||
      reading_row_place(reading->route, f, reading->travels) >= 0)
    return false;
  return reading_uses(reading, field) &&
         !(reading->travels && f->origin != FIELD_TARGET);
}

static void append_fields(sqlite3_str *text, const Reading *reading) {
  int last = -1, written = 0;
  for (int i = 0; i < reading->fields->count; i++)
    if (is_read(reading, i)) last = i;
  if (reading->travels) last = reading->fields->count - 1;
  for (int i = 0; i <= last; i++) {
    bool read = is_read(reading, i);
    if (!read && reading->packed) continue;
    if (written++) sqlite3_str_appendall(text, ", ");
    if (read) {
      append_field(text, reading, i);
    } else {
      sqlite3_str_appendall(text, "NULL");
    }
  }
  if (!written) sqlite3_str_appendall(text, "NULL");
}

/* Behind the fields: what link_key is made of.  SQLite asks for it although it has
** not said so, to delete a row, to put together the rows of an OR, or to look for
** those that a RIGHT JOIN has left. */
static void append_link_row(sqlite3_str *text, const Reading *reading) {
  const Relationship *r = first_step(reading);
  if (reading->packed || reading->travels || reading->fields->link < 0) return;
  if (reading_manner(reading) == MANNER_LINKS) {
    sqlite3_str_appendall(text, ", ");
    clause_columns(text, select_link(r), &r->link->row_key);
    return;
  }
  for (int i = 0; i < r->source_key.count; i++) {
    sqlite3_str_appendall(text, ", ");
    append_source_field(text, reading, i);
  }
  sqlite3_str_appendall(text, ", ");
  clause_columns(text, "target", &last_step(reading)->target_key);
}

void reading_select(sqlite3_str *text, const Reading *reading) {
  sqlite3_str_appendall(text, "SELECT ");
  append_fields(text, reading);
  append_link_row(text, reading);
}

/* No field, but the number of rows and the key as it was given. */
static void append_counted(sqlite3_str *text, const Reading *reading) {
  int keys = first_step(reading)->source_key.count;
  sqlite3_str_appendall(text, READING_COUNT);
  for (int i = 1; i <= keys; i++) sqlite3_str_appendf(text, ", ?%d", i);
}

/* Behind the fields: what tells the target from others, and its key as the
** source of the next links where that is another. */
static void append_node(sqlite3_str *text, const Reading *reading) {
  const Columns *identity = &last_step(reading)->target_key;
  const Columns *key = &first_step(reading)->source_key;
  sqlite3_str_appendall(text, ", ");
  clause_columns(text, "target", identity);
  if (columns_same(identity, key)) return;
  sqlite3_str_appendall(text, ", ");
  clause_columns(text, "target", key);
}

/* ---- where from ---- */

static bool reading_needs_target(const Reading *reading) {
  for (int i = 0; i < reading->fields->count; i++)
    if (is_read(reading, i) && reads_target(reading, i)) return true;
  for (int i = 0; i < reading->comparison_count; i++)
    if (reads_target(reading, reading->comparisons[i].field)) return true;
  for (int i = 0; i < reading->order_count; i++)
    if (reads_target(reading, reading->orders[i].field)) return true;
  return reading->travels;
}

/* The order that was declared, where none is asked for. */
static const Expression *declared_order(const Reading *reading) {
  bool ordered = reading->keyed && !reading->order_count && !reading->counted &&
                 !reading->travels;
  return ordered ? reading->route->order_by : NULL;
}

/* A column without a type may hold the same as a number and as a text, and what
** it is compared with decides.  Nothing that might be equal is left out. */
static void append_untyped(sqlite3_str *text, const char *row,
                           const Column *column, int parameter) {
  sqlite3_str_appendall(text, "(");
  clause_column(text, row, column);
  sqlite3_str_appendf(text, " = ?%d OR (typeof(?%d) IN ('integer', 'real')",
                      parameter, parameter);
  for (int i = 0; i < 3; i++) {
    static const char *const parts[] = {" >= '' AND ", " < x'' AND CAST(",
                                        " AS NUMERIC)"};
    if (i == 0) sqlite3_str_appendall(text, " AND ");
    clause_column(text, row, column);
    sqlite3_str_appendall(text, parts[i]);
  }
  sqlite3_str_appendf(text, " = ?%d) OR (typeof(?%d) = 'text' AND ", parameter,
                      parameter);
  clause_column(text, row, column);
  sqlite3_str_appendall(text, " < '' AND CAST(");
  clause_column(text, row, column);
  sqlite3_str_appendf(text, " AS TEXT) = ?%d))", parameter);
}

/* row."a" = ?1 AND ..., with columns without a type as they may compare. */
static void append_key_given(sqlite3_str *text, const char *row,
                             const Columns *columns) {
  for (int i = 0; i < columns->count; i++) {
    if (i) sqlite3_str_appendall(text, " AND ");
    if (columns->list[i]->affinity == 'A') {
      append_untyped(text, row, columns->list[i], i + 1);
    } else {
      clause_column(text, row, columns->list[i]);
      sqlite3_str_appendf(text, " = ?%d", i + 1);
    }
  }
}

/* The links of the source that is given; a journey gives keys as they are. */
static void append_source_match(sqlite3_str *text, const Reading *reading) {
  const Relationship *r = first_step(reading);
  End end = end_of_source(r);
  end.alias = select_link(r);
  if (reading->travels || !end_is_alike(&end)) {
    clause_match(text, &end);
  } else {
    append_key_given(text, end.alias, end.link);
  }
}

static void append_from_link_rows(sqlite3_str *text, const Reading *reading) {
  const Step *step = &reading->route->steps[0];
  const Expression *order = declared_order(reading);
  bool keyed = reading->travels || (reading->keyed && !reading->key_is_loose);
  sqlite3_str_appendall(text, " FROM ");
  int rows = order && order->link ? ROWS_LINK : 0;
  if (reading_needs_target(reading) || (order && order->target))
    rows |= ROWS_TARGET;
  select_rows(text, step, rows);
  sqlite3_str_appendall(text, " WHERE ");
  if (keyed) {
    append_source_match(text, reading);
  } else {
    select_is_linked(text, step);
  }
  select_is_link(text, step);
}

static void append_from_shape(sqlite3_str *text, const Reading *reading) {
  switch (reading_manner(reading)) {
    case MANNER_LINKS: append_from_link_rows(text, reading); break;
    case MANNER_TARGETS: select_from_targets(text, reading->route); break;
    case MANNER_PAIRS: select_from_pairs(text, reading->route); break;
  }
}

/* ---- which, and in which order ---- */

static void append_comparison(sqlite3_str *text, const Reading *reading,
                              const Comparison *comparison) {
  const Field *field = &reading->fields->list[comparison->field];
  sqlite3_str_appendall(text, " AND ");
  append_field(text, reading, comparison->field);
  if (field->column &&
      !name_equal(comparison->collation, field->column->collation))
    sqlite3_str_appendf(text, " COLLATE \"%w\"", comparison->collation);
  sqlite3_str_appendf(text, " %s ?%d", /* safe: a literal */
                      comparison->operator, comparison->parameter);
}

static void append_order(sqlite3_str *text, const Reading *reading) {
  const Expression *declared = declared_order(reading);
  for (int i = 0; i < reading->order_count; i++) {
    sqlite3_str_appendall(text, i ? ", " : " ORDER BY ");
    append_field(text, reading, reading->orders[i].field);
    if (reading->orders[i].descending) sqlite3_str_appendall(text, " DESC");
  }
  if (declared)
    sqlite3_str_appendf(text, " ORDER BY %s", /* safe: has been analysed */
                        declared->text);
}

static void append_limit(sqlite3_str *text, const Reading *reading) {
  if (reading->limit) {
    sqlite3_str_appendf(text, " LIMIT ?%d", reading->limit);
  } else if (reading->offset) {
    sqlite3_str_appendall(text, " LIMIT -1");
  }
  if (reading->offset)
    sqlite3_str_appendf(text, " OFFSET ?%d", reading->offset);
}

static void append_loose(sqlite3_str *text, const Reading *reading) {
  if (reading->key_is_loose) {
    sqlite3_str_appendall(text, " AND ");
    append_source_match(text, reading);
  }
  for (int i = reading->first_loose; i < reading->comparison_count; i++)
    append_comparison(text, reading, &reading->comparisons[i]);
}

char *reading_sql(const Reading *reading, int *tail) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (reading->counted) {
    append_counted(text, reading);
  } else {
    reading_select(text, reading);
  }
  if (reading->travels) append_node(text, reading);
  append_from_shape(text, reading);
  for (int i = 0; i < reading->first_loose; i++)
    append_comparison(text, reading, &reading->comparisons[i]);
  int length = sqlite3_str_length(text);
  append_loose(text, reading);
  append_order(text, reading);
  append_limit(text, reading);
  *tail = sqlite3_str_length(text) - length;
  return sqlite3_str_finish(text);
}

char *reading_sources(const Route *route, bool keyed) {
  const Relationship *r = route->steps[0].relationship;
  const Columns *key = &r->source_key;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "SELECT ");
  clause_columns(text, "source", key);
  sqlite3_str_appendall(text, " FROM ");
  clause_table(text, r->source, "source");
  if (keyed) {
    sqlite3_str_appendall(text, " WHERE ");
    append_key_given(text, "source", key);
  }
  return sqlite3_str_finish(text);
}
