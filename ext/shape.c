/*
** shape.c: what is to be loaded.
**
**     name, courses(title, grade, teacher(name); where open; order by title)
**
**     shape    item , item ... ; where expression ; order by terms ; limit n
**     item     column                 of the table, or payload of the link
**              *                      all columns of the table
**              path                   a column at the end of to-one steps
**              path(shape)            what it leads to: an array, or an object
**              path                   the same, of all columns
**              name*(shape)           and what that leads to, to the end
**              count(path)            sum, avg, min, max: what is related
**              json(column)           a column that holds JSON
**              alias: item            under another key
**
** A text is read against a model into a tree of shapes.  Each has one statement,
** which reads the rows that one row around it leads to, with the columns that
** its items show and the keys from which the shapes inside it start.
**
** Pure but for memory: nothing is run.
*/
#include "relate_int.h"

#define SHAPE_DEPTH_LIMIT 100 /* of shapes in shapes */
#define SHAPE_JOIN_LIMIT 30   /* of shapes in one statement; SQLite takes 64 */
#define SHAPE_NEAR 20         /* bytes of the text that an error shows */

typedef struct ShapeReader {
  Failure *failure;
  Arena *arena;
  const Model *model;
  const char *text, *at;
  int statements;
  int depth;
} ShapeReader;

/* ---- what is wrong ---- */

static bool byte_continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

static void shape_place(ShapeReader *reader, const char *at) {
  int characters = 0, size = (int)strlen(at);
  for (const char *c = reader->text; c < at; c++)
    if (!byte_continues(*c)) characters++;
  if (size > SHAPE_NEAR)
    for (size = SHAPE_NEAR; size > 0 && byte_continues(at[size]);) size--;
  failure_prefix(reader->failure, "at character %d, '%.*s': ", characters + 1,
                 size, at);
}

static void shape_fail(ShapeReader *reader, const char *at,
                       const char *message) {
  if (reader->failure->code) return;
  failure_set(reader->failure, SQLITE_ERROR, "%s", message);
  shape_place(reader, at);
}

/* ---- lexemes ---- */

static void shape_space(ShapeReader *reader) {
  reader->at += strspn(reader->at, " \t\n\f\r");
}

static bool shape_takes(ShapeReader *reader, char mark) {
  shape_space(reader);
  if (*reader->at != mark) return false;
  reader->at++;
  return true;
}

static bool shape_takes_word(ShapeReader *reader, const char *word) {
  Lexeme lexeme = lexeme_read(reader->at);
  if (!lexeme_is_word(&lexeme, word)) return false;
  reader->at = lexeme.text + lexeme.size;
  return true;
}

/* name, name.name, name* as it is written; the name without its quotes in *name
** where it is one name alone.  NULL if there is none. */
static const char *shape_path(ShapeReader *reader, const char **name,
                              bool *repeat) {
  shape_space(reader);
  const char *start = reader->at;
  *name = NULL;
  *repeat = false;
  for (int parts = 1;; parts++) {
    Lexeme lexeme = lexeme_read(reader->at);
    if (lexeme.text != reader->at || !lexeme_is_name(&lexeme) ||
        lexeme.kind == LEXEME_STRING) {
      shape_fail(reader, reader->at, "a name is wanted here");
      return NULL;
    }
    *name = parts == 1 ? lexeme_name(reader->failure, reader->arena, &lexeme)
                       : NULL;
    reader->at += lexeme.size;
    *repeat = *reader->at == '*';
    if (*repeat) reader->at++;
    if (*reader->at != '.') break;
    reader->at++;
  }
  int length = (int)(reader->at - start) - (*repeat ? 1 : 0);
  return arena_format(reader->failure, reader->arena, "%.*s", length, start);
}

/* ---- columns ---- */

/* The shape in whose statement the columns are. */
static Shape *shape_host(Shape *shape) {
  while (shape->joined) shape = shape->around;
  return shape;
}

static int shape_column(ShapeReader *reader, Shape *shape, ShapeColumn column) {
  if (!column.alias) column.alias = shape->alias;
  shape = shape_host(shape);
  for (int i = 0; i < shape->column_count; i++) {
    const ShapeColumn *other = &shape->columns[i];
    if (other->column == column.column && other->json == column.json &&
        strcmp(other->alias, column.alias) == 0)
      return i;
  }
  shape->columns = arena_extend(reader->failure, reader->arena, shape->columns,
                                shape->column_count, sizeof(*shape->columns));
  if (reader->failure->code) return 0;
  shape->columns[shape->column_count] = column;
  return shape->column_count++;
}

/* Where the columns of a key of the shape's table are. */
static const int *shape_key(ShapeReader *reader, Shape *shape,
                            const Columns *key) {
  int *places = arena_take(reader->failure, reader->arena,
                           (sqlite3_int64)sizeof(int) * (key->count + 1));
  for (int i = 0; places && i < key->count; i++)
    places[i] =
        shape_column(reader, shape, (ShapeColumn){.column = key->list[i]});
  return places;
}

/* The column of that name: of the table, else payload of the link. */
static bool shape_find_column(const Shape *shape, const char *name,
                              ShapeColumn *found) {
  const Relationship *link =
      shape->route.count ? route_link(&shape->route) : NULL;
  *found = (ShapeColumn){.column = table_member(shape->table, name)};
  for (int i = 0; link && !found->column && i < link->payload.count; i++)
    if (name_equal(link->payload.list[i]->name, name))
      *found = (ShapeColumn){.column = link->payload.list[i],
                             .alias = select_link(link)};
  return found->column != NULL;
}

/* ---- items ---- */

static ShapeItem *shape_add(ShapeReader *reader, Shape *shape, const char *key,
                            const char *at) {
  for (int i = 0; key && i < shape->item_count; i++)
    if (strcmp(shape->items[i].key, key) == 0)
      shape_fail(reader, at,
                 "this key is there already; give one of them an alias");
  shape->items = arena_extend(reader->failure, reader->arena, shape->items,
                              shape->item_count, sizeof(*shape->items));
  sqlite3_str *lead = sqlite3_str_new(NULL);
  sqlite3_str_appendall(lead, shape->item_count ? "," : "{");
  name_append_json(lead, key ? key : "");
  sqlite3_str_appendall(lead, ":");
  const char *text = arena_string(reader->failure, reader->arena, lead);
  if (reader->failure->code) return NULL;
  ShapeItem *item = &shape->items[shape->item_count++];
  *item = (ShapeItem){.key = key, .lead = text, .lead_size = (int)strlen(text)};
  return item;
}

static bool shape_has_key(const Shape *shape, const char *key) {
  for (int i = 0; i < shape->item_count; i++)
    if (strcmp(shape->items[i].key, key) == 0) return true;
  return false;
}

static void shape_add_column(ShapeReader *reader, Shape *shape, const char *key,
                             const char *at, ShapeColumn column) {
  int place = shape_column(reader, shape, column);
  ShapeItem *item = shape_add(reader, shape, key, at);
  if (!item) return;
  item->kind = column.json ? SHAPE_JSON : SHAPE_COLUMN;
  item->place = place;
}

/* All columns of the table that are not there yet. */
static void shape_add_all(ShapeReader *reader, Shape *shape, const char *at) {
  for (int i = 0; i < shape->table->column_count; i++) {
    const Column *column = &shape->table->columns[i];
    if (!shape_has_key(shape, column->name))
      shape_add_column(reader, shape, column->name, at,
                       (ShapeColumn){.column = column});
  }
}

/* The way that a path leads from the shape's table. */
static Route shape_route(ShapeReader *reader, const Shape *shape,
                         const char *text, PathEnd end, const char *at) {
  if (reader->failure->code) return (Route){0};
  Path path = path_read_from(reader->failure, shape->table->name, text);
  path.schema = reader->model->schema->name;
  Route route =
      path_route(reader->failure, reader->arena, reader->model, &path, end);
  path_free(&path);
  if (reader->failure->code) shape_place(reader, at);
  return route;
}

static void shape_add_value(ShapeReader *reader, Shape *shape, const char *key,
                            const char *at, Route route, const char *function) {
  if (reader->failure->code) return;
  const int *sources = shape_key(reader, shape, route_start(&route));
  ShapeItem *item = shape_add(reader, shape, key, at);
  if (!item) return;
  item->kind = SHAPE_VALUE;
  item->route = route;
  item->function = function;
  item->sources = sources;
  item->number = reader->statements++;
}

static void shape_body(ShapeReader *reader, Shape *shape);

/* True if what is in the parentheses that begin before `at` has clauses. */
static bool body_has_clauses(const char *at) {
  int depth = 0;
  for (Lexeme lexeme = lexeme_read(at);
       lexeme.kind != LEXEME_END && lexeme.kind != LEXEME_OPEN;
       lexeme = lexeme_read(lexeme.text + lexeme.size)) {
    if (lexeme_is_mark(&lexeme, '(')) depth++;
    if (lexeme_is_mark(&lexeme, ')') && --depth < 0) break;
    if (lexeme_is_mark(&lexeme, ';') && !depth) return true;
  }
  return false;
}

/* True if the route is no more than a foreign key that the row has. */
static bool route_is_own_key(const Route *route) {
  const Relationship *link = route_link(route);
  return link && route_is_to_one(route) && link_is_source(link) &&
         !route->steps[0].where;
}

static Shape *shape_new(ShapeReader *reader, Shape *around, const Route *route,
                        bool repeat, bool body) {
  Shape *shape = arena_take(reader->failure, reader->arena, sizeof(*shape));
  if (!shape) return NULL;
  *shape = (Shape){.route = *route,
                   .table = route->target,
                   .around = around,
                   .number = reader->statements++,
                   .alias = "target",
                   .to_one = route_is_to_one(route) && !repeat,
                   .repeat = repeat};
  shape->joined = !repeat && route_is_own_key(route) &&
                  shape_host(around)->joins < SHAPE_JOIN_LIMIT &&
                  !(body && body_has_clauses(reader->at));
  if (!shape->joined) return shape;
  const Relationship *link = route_link(route);
  shape->alias =
      arena_format(reader->failure, reader->arena, "one_%d", shape->number);
  if (shape->alias)
    shape->found = shape_column(
        reader, shape, (ShapeColumn){.column = link->target_key.list[0]});
  shape_host(shape)->joins++;
  return reader->failure->code ? NULL : shape;
}

static void shape_repeats(ShapeReader *reader, Shape *shape, const char *at) {
  if (shape->table != shape->route.source)
    shape_fail(reader, at,
               "this can't repeat: it does not lead back to its own table");
  shape->again = shape_key(reader, shape, route_start(&shape->route));
}

/* `body`: in parentheses, and the first of them is read. */
static void shape_add_nested(ShapeReader *reader, Shape *shape, const char *key,
                             const char *at, Route route, bool repeat,
                             bool body) {
  if (reader->failure->code) return;
  const int *sources = shape_key(reader, shape, route_start(&route));
  ShapeItem *item = shape_add(reader, shape, key, at);
  Shape *nested = item ? shape_new(reader, shape, &route, repeat, body) : NULL;
  if (!nested) return;
  int number = shape->item_count - 1; /* items may move */
  item->kind = SHAPE_NESTED;
  item->sources = sources;
  item->shape = nested;
  if (++reader->depth > SHAPE_DEPTH_LIMIT)
    shape_fail(reader, at, "shapes are nested too deep");
  nested->lead = item->lead + 1;
  if (repeat) shape_repeats(reader, nested, at);
  if (body) {
    shape_body(reader, nested);
    if (!reader->failure->code && !shape_takes(reader, ')'))
      shape_fail(reader, reader->at, "a comma, a ; or a ) is wanted here");
  } else {
    shape_add_all(reader, nested, at);
  }
  reader->depth--;
  if (nested->repeat && shape_has_key(nested, shape->items[number].key))
    shape_fail(reader, at,
               "what repeats has the key of the name that repeats; give that "
               "an alias");
}

static const char *aggregate_function(const char *name) {
  static const char *const names[] = {"count", "sum", "avg", "min", "max"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (name_equal(names[i], name)) return names[i];
  return NULL;
}

/* Behind count( and its like. */
static void shape_add_aggregate(ShapeReader *reader, Shape *shape,
                                const char *alias, const char *at,
                                const char *function) {
  const char *name;
  bool repeat, counts = strcmp(function, "count") == 0;
  if (!alias) shape_fail(reader, at, "this needs an alias, as in n: count(x)");
  shape_space(reader);
  const char *start = reader->at;
  const char *path = shape_path(reader, &name, &repeat);
  if (path && repeat)
    path = arena_format(reader->failure, reader->arena, "%s*",
                        path /* safe: a path */);
  Route route = {0};
  if (path)
    route = shape_route(reader, shape, path,
                        counts ? PATH_TO_TABLE : PATH_TO_COLUMN, start);
  if (!reader->failure->code && !shape_takes(reader, ')'))
    shape_fail(reader, reader->at, "a ) is wanted here");
  shape_add_value(reader, shape, alias, at, route, function);
}

/* Behind json(. */
static void shape_add_json(ShapeReader *reader, Shape *shape, const char *alias,
                           const char *at) {
  const char *name;
  bool repeat;
  ShapeColumn column;
  shape_space(reader);
  const char *start = reader->at;
  const char *path = shape_path(reader, &name, &repeat);
  if (!path) return;
  if (!name || repeat || !shape_find_column(shape, name, &column)) {
    shape_fail(reader, start, "a column that holds JSON is wanted here");
    return;
  }
  if (!shape_takes(reader, ')'))
    shape_fail(reader, reader->at, "a ) is wanted here");
  column.json = true;
  shape_add_column(reader, shape, alias ? alias : name, at, column);
}

static void shape_fail_name(ShapeReader *reader, const Shape *shape,
                            const char *at, const char *name) {
  const Relationship *link =
      shape->route.count ? route_link(&shape->route) : NULL;
  if (reader->failure->code) return;
  path_fail_name(reader->failure, reader->model, shape->table,
                 link ? &link->payload : NULL, name);
  shape_place(reader, at);
}

/* A path without parentheses: a column, a value at its end, or a shape. */
static void shape_add_path(ShapeReader *reader, Shape *shape, const char *alias,
                           const char *at, const char *path, const char *name,
                           bool repeat) {
  ShapeColumn column;
  const char *key = alias ? alias : name ? name : path;
  if (name && !repeat && shape_find_column(shape, name, &column)) {
    shape_add_column(reader, shape, key, at, column);
    return;
  }
  if (name && !repeat && !model_find(reader->model, shape->table->name, name)) {
    shape_fail_name(reader, shape, at, name);
    return;
  }
  Route route = shape_route(reader, shape, path,
                            repeat ? PATH_TO_TABLE : PATH_TO_EITHER, at);
  if (reader->failure->code) return;
  if (!route.column) {
    shape_add_nested(reader, shape, key, at, route, repeat, false);
  } else if (route_is_to_one(&route)) {
    shape_add_value(reader, shape, key, at, route, NULL);
  } else {
    shape_fail(reader, at,
               "this leads to several rows; write path(column), or min(), "
               "max() of it");
  }
}

static void shape_call(ShapeReader *reader, Shape *shape, const char *alias,
                       const char *at, const char *path, const char *name,
                       bool repeat) {
  const char *function = name ? aggregate_function(name) : NULL;
  if (function && !repeat) {
    shape_add_aggregate(reader, shape, alias, at, function);
  } else if (name_equal(name, "json") && !repeat) {
    shape_add_json(reader, shape, alias, at);
  } else {
    Route route = shape_route(reader, shape, path, PATH_TO_TABLE, at);
    shape_add_nested(reader, shape,
                     alias  ? alias
                     : name ? name
                            : path,
                     at, route, repeat, true);
  }
}

static void shape_item(ShapeReader *reader, Shape *shape) {
  const char *alias = NULL, *name;
  bool repeat;
  shape_space(reader);
  const char *at = reader->at;
  if (shape_takes(reader, '*')) {
    shape_add_all(reader, shape, at);
    return;
  }
  const char *path = shape_path(reader, &name, &repeat);
  if (path && name && !repeat && shape_takes(reader, ':')) {
    alias = name;
    path = shape_path(reader, &name, &repeat);
  }
  if (!path) return;
  if (shape_takes(reader, '(')) {
    shape_call(reader, shape, alias, at, path, name, repeat);
  } else {
    shape_add_path(reader, shape, alias, at, path, name, repeat);
  }
}

/* ---- what follows a ; ---- */

static const Inlined *shape_inline(ShapeReader *reader, Shape *shape) {
  int shift = route_start(&shape->route)->count;
  Inlined *inlined =
      arena_take(reader->failure, reader->arena, sizeof(*inlined));
  if (!inlined) return NULL;
  const char *at = reader->at;
  const Relationship *link = route_link(&shape->route);
  *inlined = expression_inline(reader->failure, reader->arena, shape->table,
                               link ? &link->payload : NULL, shift, at);
  if (inlined->problem) shape_fail(reader, at, inlined->problem);
  if (inlined->parameters > shape->parameters)
    shape->parameters = inlined->parameters;
  reader->at = inlined->end;
  return inlined;
}

/* A number that is not below the least. */
static int shape_number(ShapeReader *reader, int least) {
  shape_space(reader);
  const char *at = reader->at;
  int number = 0;
  while (byte_is_digit(*reader->at) && number < 100000000)
    number = number * 10 + (*reader->at++ - '0');
  if (reader->at == at) shape_fail(reader, at, "a number is wanted here");
  if (byte_is_digit(*reader->at))
    shape_fail(reader, at, "this number is too large");
  if (number < least) shape_fail(reader, at, "this number begins with 1");
  return number;
}

static void shape_limit(ShapeReader *reader, Shape *shape) {
  shape_space(reader);
  bool parameter = *reader->at == '?';
  if (parameter) reader->at++;
  int number = shape_number(reader, parameter ? 1 : 0);
  if (parameter && number > shape->parameters) shape->parameters = number;
  if (parameter) number += route_start(&shape->route)->count;
  shape->limit = arena_format(reader->failure, reader->arena,
                              parameter ? "?%d" : "%d", number);
}

static void shape_clause(ShapeReader *reader, Shape *shape) {
  shape_space(reader);
  const char *at = reader->at;
  if (!shape->route.count) {
    shape_fail(reader, at, "only what is in parentheses has clauses");
  } else if (!shape->where && shape_takes_word(reader, "where")) {
    shape->where = shape_inline(reader, shape);
  } else if (!shape->order_by && shape_takes_word(reader, "order")) {
    if (!shape_takes_word(reader, "by"))
      shape_fail(reader, reader->at, "order by is wanted here");
    shape->order_by = shape_inline(reader, shape);
  } else if (!shape->limit && shape_takes_word(reader, "limit")) {
    shape_limit(reader, shape);
  } else if (shape->repeat && !shape->depth &&
             shape_takes_word(reader, "depth")) {
    shape->depth = shape_number(reader, 1);
  } else {
    shape_fail(reader, at,
               shape->repeat
                   ? "where, order by, limit or depth is wanted here, each once"
                   : "where, order by or limit is wanted here, each once");
  }
}

static void shape_body(ShapeReader *reader, Shape *shape) {
  do {
    shape_item(reader, shape);
  } while (!reader->failure->code && shape_takes(reader, ','));
  while (!reader->failure->code && shape_takes(reader, ';'))
    shape_clause(reader, shape);
}

Shape *shape_read(Failure *failure, Arena *arena, const Model *model,
                  const Table *table, const char *text) {
  ShapeReader reader = {failure, arena, model, text, text, 1, 0};
  Shape *shape = arena_take(failure, arena, sizeof(*shape));
  if (!shape) return NULL;
  *shape = (Shape){.table = table, .to_one = true, .alias = "target"};
  shape_body(&reader, shape);
  shape_space(&reader);
  if (!failure->code && *reader.at)
    shape_fail(&reader, reader.at, "a comma, or the end, is wanted here");
  shape->statements = reader.statements;
  return failure->code ? NULL : shape;
}

/* ---- the statement ---- */

static void append_shape_columns(sqlite3_str *text, const Shape *shape,
                                 bool named) {
  if (!shape->column_count) sqlite3_str_appendall(text, "NULL");
  for (int i = 0; i < shape->column_count; i++) {
    const ShapeColumn *column = &shape->columns[i];
    if (i) sqlite3_str_appendall(text, ", ");
    if (column->json) sqlite3_str_appendall(text, "json(");
    clause_column(text, column->alias, column->column);
    if (column->json) sqlite3_str_appendall(text, ")");
    if (named) sqlite3_str_appendf(text, " AS c%d", i);
  }
}

static bool shape_reads_link(const Shape *shape) {
  for (int i = 0; i < shape->column_count; i++)
    if (strcmp(shape->columns[i].alias, "link") == 0) return true;
  return false;
}

static bool inlined_speaks(const Inlined *inlined, bool link) {
  return inlined && (link ? inlined->link : inlined->source);
}

/* What a foreign key without a partner leads to is no row; a row of an
** association table is a link all the same. */
static void append_shape_found(sqlite3_str *text, const Relationship *link) {
  if (link->cardinality == MANY_TO_MANY || select_link_is_target(link)) return;
  sqlite3_str_appendall(text, " AND ");
  clause_column(text, "target", link->target_key.list[0]);
  sqlite3_str_appendall(text, " IS NOT NULL");
}

/* FROM and WHERE.  Where one row is reached, and nothing is asked of the link,
** its key says which. */
static void append_shape_rows(sqlite3_str *text, const Shape *shape) {
  const Expression *order = shape->route.order_by;
  bool link = inlined_speaks(shape->where, true) ||
              inlined_speaks(shape->order_by, true) || (order && order->link);
  bool source = inlined_speaks(shape->where, false) ||
                inlined_speaks(shape->order_by, false);
  int rows = ROWS_TARGET | (link ? ROWS_LINK : 0) | (source ? ROWS_SOURCE : 0);
  if (route_link(&shape->route) &&
      (!shape->to_one || link || source || shape_reads_link(shape))) {
    select_from_links(text, &shape->route, rows);
    append_shape_found(text, route_link(&shape->route));
  } else {
    select_from_targets(text, &shape->route);
  }
}

static void append_shape_end(sqlite3_str *text, const Shape *shape) {
  if (shape->where)
    sqlite3_str_appendf(text, " AND (%s)",
                        shape->where->text /* safe: of the caller */);
  if (shape->order_by)
    sqlite3_str_appendf(text, " ORDER BY %s",
                        shape->order_by->text /* safe: of the caller */);
  if (!shape->order_by && shape->route.order_by)
    sqlite3_str_appendf(text, " ORDER BY %s",
                        shape->route.order_by->text /* safe: analysed */);
  if (shape->limit)
    sqlite3_str_appendf(text, " LIMIT %s",
                        shape->limit /* safe: a number or a parameter */);
}

/* LEFT JOIN of the rows that foreign keys lead to, those of others behind those
** that have them. */
static void append_shape_joins(sqlite3_str *text, const Shape *shape) {
  for (int i = 0; i < shape->item_count; i++) {
    const Shape *one = shape->items[i].shape;
    if (!one || !one->joined) continue;
    const Relationship *link = route_link(&one->route);
    sqlite3_str_appendall(text, " LEFT JOIN ");
    clause_table(text, one->table, one->alias);
    for (int j = 0; j < link->target_key.count; j++) {
      const Column *key = link->target_key.list[j];
      const Column *held = link->target_link.list[j];
      sqlite3_str_appendall(text, j ? " AND " : " ON ");
      clause_column(text, one->alias, key);
      sqlite3_str_appendall(text,
                            key->affinity == held->affinity ? " = " : " = +");
      clause_column(text, shape->alias, held);
    }
    append_shape_joins(text, one);
  }
}

/* Writes `rows`, FROM ... WHERE ..., with the joins before the WHERE. */
static void append_joined_rows(sqlite3_str *text, const Shape *shape,
                               const char *rows) {
  static const char where[] = " WHERE ";
  const char *at = rows;
  while (*at && strncmp(at, where, sizeof(where) - 1) != 0)
    at = name_token_end(at);
  sqlite3_str_append(text, rows, (int)(at - rows));
  append_shape_joins(text, shape);
  sqlite3_str_appendall(text, at);
}

char *shape_sql(const Shape *shape, const Columns *key, bool named) {
  sqlite3_str *text = sqlite3_str_new(NULL), *rows = sqlite3_str_new(NULL);
  if (shape->route.count) {
    append_shape_rows(rows, shape);
  } else {
    sqlite3_str_appendall(rows, " FROM ");
    clause_table(rows, shape->table, "target");
    sqlite3_str_appendall(rows, " WHERE ");
    clause_key(rows, "target", key, 1);
  }
  char *from = sqlite3_str_finish(rows);
  sqlite3_str_appendall(text, "SELECT ");
  append_shape_columns(text, shape, named);
  if (from) append_joined_rows(text, shape, from);
  append_shape_end(text, shape);
  bool lost = !from || sqlite3_str_errcode(text);
  sqlite3_free(from);
  char *sql = sqlite3_str_finish(text);
  if (!lost) return sql;
  sqlite3_free(sql);
  return NULL;
}
