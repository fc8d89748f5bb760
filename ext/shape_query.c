/*
** shape_query.c: a shape as one query.
**
**     SELECT related_sql('students', 'name, courses(title)');
**
**     SELECT json_object('name', r0.c0, 'courses', json((
**       SELECT json_group_array(json_object('title', r1.c0))
**       FROM (SELECT target.title AS c0 FROM ... = r0.c1) AS r1)))
**     FROM (SELECT target.name AS c0, target.id AS c1 FROM ... = ?1) AS r0
**
** It is what one would write by hand, runs without the extension, and says the
** same as related_json(); but numbers and BLOBs are written as SQLite's own
** functions for JSON write them.  Each statement of the shape is a subquery, in
** which the key from which it starts is a column of the row around it.
**
** Pure: makes text, runs nothing.
*/
#include "relate_int.h"

typedef struct Outline {
  sqlite3_str *text;
  const Shape *outermost;
  const Columns *key;  /* of the outermost: parameters */
  const char *problem; /* why it can't be said */
} Outline;

/* Where the key of a statement comes from. */
typedef struct OutlineKey {
  int row;            /* number of the row around, -1: parameters */
  const int *sources; /* columns in it */
  int count;
} OutlineKey;

/* Writes the parameter, which stands for a column of the row around, or for
** what a caller gives. */
static const char *outline_parameter(Outline *outline, const OutlineKey *key,
                                     const char *at) {
  int number = 0;
  for (at++; byte_is_digit(*at); at++) number = number * 10 + (*at - '0');
  if (number > key->count || key->row < 0) {
    int shift = key->row < 0 ? 0 : outline->key->count - key->count;
    sqlite3_str_appendf(outline->text, "?%d", number + shift);
  } else {
    sqlite3_str_appendf(outline->text, "r%d.c%d", key->row,
                        key->sources[number - 1]);
  }
  return at;
}

static void outline_sql(Outline *outline, const OutlineKey *key, char *sql) {
  if (!sql) {
    outline->problem = "out of memory";
    return;
  }
  for (const char *at = sql; *at;) {
    const char *end =
        *at == '?' ? outline_parameter(outline, key, at) : name_token_end(at);
    if (*at != '?') sqlite3_str_append(outline->text, at, (int)(end - at));
    at = end;
  }
  sqlite3_free(sql);
}

/* ---- what an object is made of ---- */

static void outline_object(Outline *outline, const Shape *shape, int row);
static void outline_nested(Outline *outline, const Shape *shape,
                           const OutlineKey *key);

/* SQLite's JSON holds no BLOB. */
static void outline_column(Outline *outline, const ShapeColumn *column, int row,
                           int place) {
  bool blob = column->column->affinity == 'A' && !column->json;
  if (column->json) {
    sqlite3_str_appendf(outline->text, "json(r%d.c%d)", row, place);
  } else if (blob) {
    sqlite3_str_appendf(outline->text,
                        "CASE typeof(r%d.c%d) WHEN 'blob' THEN "
                        "json_object('hex', lower(hex(r%d.c%d))) "
                        "ELSE r%d.c%d END",
                        row, place, row, place, row, place);
  } else {
    sqlite3_str_appendf(outline->text, "r%d.c%d", row, place);
  }
}

/* An aggregate along several steps has a count beside it, see select.c. */
static void outline_value(Outline *outline, const ShapeItem *item, int row) {
  const Route *route = &item->route;
  bool two = item->function && route->column && !route_link(route);
  OutlineKey key = {row, item->sources,
                    route->steps[0].relationship->source_key.count};
  sqlite3_str_appendall(outline->text, two ? "(WITH v(a, b) AS (" : "(");
  outline_sql(outline, &key,
              item->function ? select_aggregate(route, item->function)
                             : select_value(route));
  sqlite3_str_appendall(outline->text, two ? ") SELECT a FROM v)" : ")");
}

static const Shape *shape_with_columns(const Shape *shape) {
  while (shape->joined) shape = shape->around;
  return shape;
}

static void outline_item(Outline *outline, const Shape *shape,
                         const ShapeItem *item, int row) {
  const Shape *nested = item->shape;
  if (item->kind == SHAPE_VALUE) {
    outline_value(outline, item, row);
  } else if (item->kind != SHAPE_NESTED) {
    outline_column(outline, &shape_with_columns(shape)->columns[item->place],
                   row, item->place);
  } else if (nested->joined) {
    sqlite3_str_appendf(outline->text,
                        "json(CASE WHEN r%d.c%d IS NOT NULL THEN ", row,
                        nested->found);
    outline_object(outline, nested, row);
    sqlite3_str_appendall(outline->text, " END)");
  } else {
    OutlineKey key = {row, item->sources, route_start(&nested->route)->count};
    outline_nested(outline, nested, &key);
  }
}

static void outline_object(Outline *outline, const Shape *shape, int row) {
  sqlite3_str_appendall(outline->text, "json_object(");
  for (int i = 0; i < shape->item_count && !outline->problem; i++) {
    sqlite3_str_appendf(outline->text, "%s%Q, ", i ? ", " : "",
                        shape->items[i].key);
    outline_item(outline, shape, &shape->items[i], row);
  }
  sqlite3_str_appendall(outline->text, ")");
}

/* FROM the rows of the shape, as r1 with its columns c0, c1 and so on. */
static void outline_rows(Outline *outline, const Shape *shape,
                         const OutlineKey *key) {
  sqlite3_str_appendall(outline->text, " FROM (");
  outline_sql(outline, key, shape_sql(shape, outline->key, true));
  sqlite3_str_appendf(outline->text, ") AS r%d", shape->number);
}

static void outline_nested(Outline *outline, const Shape *shape,
                           const OutlineKey *key) {
  if (shape->repeat)
    outline->problem =
        "what repeats can't be said in one query; load it by "
        "related_json()";
  sqlite3_str_appendall(outline->text, shape->to_one
                                           ? "json((SELECT "
                                           : "json((SELECT json_group_array(");
  outline_object(outline, shape, shape->number);
  if (!shape->to_one) sqlite3_str_appendall(outline->text, ")");
  outline_rows(outline, shape, key);
  sqlite3_str_appendall(outline->text, shape->to_one ? " LIMIT 1))" : "))");
}

char *shape_query(Failure *failure, const Shape *shape, const Columns *key) {
  OutlineKey parameters = {-1, NULL, key->count};
  Outline outline = {sqlite3_str_new(NULL), shape, key, NULL};
  sqlite3_str_appendall(outline.text, "SELECT ");
  outline_object(&outline, shape, 0);
  outline_rows(&outline, shape, &parameters);
  char *text = failure_text(failure, outline.text);
  if (outline.problem && !failure->code)
    failure_set(failure, SQLITE_ERROR, "%s", outline.problem);
  if (!failure->code) return text;
  sqlite3_free(text);
  return NULL;
}
