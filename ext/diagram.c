/*
** diagram.c: a schema as a drawing.
**
**     SELECT relationship_diagram('mermaid');          for Markdown
**     SELECT relationship_diagram('dot', 'aux');       for Graphviz
**
**     erDiagram
**       courses {
**         INTEGER id PK
**         TEXT title
**       }
**       students {
**         INTEGER id PK
**         TEXT name
**       }
**       courses }o--o{ students : "students / courses"
**
** Every table is a box and every relationship a line that bears its names:
** first what it is called at the end where the line begins.
**
**     a foreign key           parent --< child         "models / brand"
**     an association table    one >--< other           "courses / students
**                                                      (student_course)"
**     one with more to show   one --< table >-- other  each line is named as
**                                                      what lies behind the box
**     a broken foreign key    a dashed line            what is wrong with it
**
** A box is known by the table's name where that is safe in both languages, else
** by t and a number, or g for a table that a broken key looks for in vain; the
** name itself is then a label.
**
** Invariants
**   1. The drawing depends on the schema alone, and its order too.
**   2. No name gets out of its place: everything but letters, digits and what
**      means nothing in the language is escaped.
*/
#include "relate_int.h"

/* One end of a line: how many rows may be there. */
typedef enum DiagramEnd { END_ONE, END_MAYBE, END_MANY } DiagramEnd;

typedef struct DiagramBox {
  char kind; /* 't', or 'g' for one that is not there */
  int number;
  const char *name;
} DiagramBox;

typedef struct DiagramLine {
  DiagramBox from, to;
  DiagramEnd from_end, to_end;
  const char *there; /* its name at `from` */
  const char *back;  /* its name at `to`, or NULL */
  const char *note;  /* or NULL */
  const char *rules; /* that bind its links, or NULL */
  bool broken;
} DiagramLine;

typedef struct DiagramFormat {
  const char *name;
  const char *begin, *end;
  void (*table)(sqlite3_str *text, const DiagramBox *box, const Table *table,
                const Relationship *association);
  void (*ghost)(sqlite3_str *text, const DiagramBox *box);
  void (*line)(sqlite3_str *text, const DiagramLine *line);
} DiagramFormat;

typedef struct Diagram {
  Failure *failure;
  sqlite3 *db;
  Arena *arena;
  const DiagramFormat *format;
  const Model *model;
  sqlite3_str *text;
} Diagram;

/* ---- names ---- */

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_numeral(char c) { return c >= '0' && c <= '9'; }

static bool is_word(char c) {
  return is_letter(c) || is_numeral(c) || c == '_';
}

/* True for t1, G22: the names that boxes get. */
static bool is_number(const char *name) {
  if (!strchr("tTgG", *name++) || !*name) return false;
  while (is_numeral(*name)) name++;
  return *name == 0;
}

static bool is_language_word(const char *name) {
  static const char *const words[] = {
      /* mermaid */
      "accdescr", "acctitle", "class", "classdef", "direction", "end",
      "erdiagram", "many", "one", "only", "optionally", "style", "title", "to",
      "u", "zero",
      /* dot, and subgraph of both */
      "digraph", "edge", "graph", "node", "strict", "subgraph"};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (name_equal(name, words[i])) return true;
  return false;
}

/* True if the name of a table can be the name of its box. */
static bool is_safe(const char *name) {
  const char *c = name;
  if (!is_letter(*c) || is_number(name) || is_language_word(name)) return false;
  while (is_word(*c)) c++;
  return *c == 0;
}

static void append_box(sqlite3_str *text, const DiagramBox *box) {
  if (is_safe(box->name)) {
    sqlite3_str_appendall(text, box->name);
  } else {
    sqlite3_str_appendf(text, "%c%d", box->kind, box->number);
  }
}

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* courses / students (student_course); capacity: max_count source.capacity; in
** pieces that `append` escapes. */
static void append_line_names(sqlite3_str *text, const DiagramLine *line,
                              void (*append)(sqlite3_str *, const char *)) {
  append(text, line->there);
  if (line->back) {
    sqlite3_str_appendall(text, " / ");
    append(text, line->back);
  }
  if (line->note) {
    sqlite3_str_appendall(text, " (");
    append(text, line->note);
    sqlite3_str_appendall(text, ")");
  }
  if (line->rules) {
    sqlite3_str_appendall(text, "; ");
    append(text, line->rules);
  }
}

static bool is_foreign(const Column *column) {
  for (int i = 0; i < column->table->key_count; i++)
    if (columns_contain(&column->table->keys[i].columns, column)) return true;
  return false;
}

/* ---- mermaid ---- */

/* The space in `direction LR`, which mermaid obeys even inside a string. */
static bool is_direction(const char *text, const char *c) {
  return *c == ' ' && c - text >= 9 && name_starts(c - 9, "direction");
}

static void mermaid_escape(sqlite3_str *text, const char *value) {
  if (!*value) sqlite3_str_appendall(text, "#quot;#quot;");
  for (const char *c = value; *c; c++) {
    bool plain = is_word(*c) || strchr(" .,:()/-", *c) || (*c & 0x80);
    if (plain && !is_direction(value, c)) {
      sqlite3_str_appendchar(text, 1, *c);
    } else if (*c == '"') {
      sqlite3_str_appendall(text, "#quot;");
    } else if (*c < ' ' || *c == 0x7f) {
      sqlite3_str_appendall(text, REPLACEMENT);
    } else {
      sqlite3_str_appendf(text, "#%d;", *c);
    }
  }
}

/* True for PK, FK(3) and the like, which mermaid takes for a mark. */
static bool is_mark(const char *word) {
  return *word && strchr("pPfFuU", *word) &&
         (word[1] == 'k' || word[1] == 'K') && !is_word(word[2]);
}

/* Writes `value` as one word, with _ for what can't be in it; false if that is
** not the same. */
static bool mermaid_word(sqlite3_str *text, const char *value,
                         const char *also) {
  bool same = (is_letter(*value) || *value == '_') && !is_mark(value);
  bool gap = !same;
  if (gap) sqlite3_str_appendchar(text, 1, '_');
  for (const char *c = value; *c; c++) {
    bool plain = is_word(*c) || strchr(also, *c);
    if (plain || !gap) sqlite3_str_appendchar(text, 1, plain ? *c : '_');
    gap = !plain;
    same = same && plain;
  }
  return same;
}

/* INTEGER student_id PK, FK "the name, where it is another" */
static void mermaid_column(sqlite3_str *text, const Column *column) {
  bool foreign = is_foreign(column);
  sqlite3_str_appendall(text, "    ");
  mermaid_word(text, *column->type ? column->type : "any", "()");
  sqlite3_str_appendall(text, " ");
  bool same = mermaid_word(text, column->name, "");
  if (column->key_position) sqlite3_str_appendall(text, " PK");
  if (foreign)
    sqlite3_str_appendall(text, column->key_position ? ", FK" : " FK");
  if (!same) {
    sqlite3_str_appendall(text, " \"");
    mermaid_escape(text, column->name);
    sqlite3_str_appendall(text, "\"");
  }
  sqlite3_str_appendall(text, "\n");
}

static void mermaid_box(sqlite3_str *text, const DiagramBox *box) {
  sqlite3_str_appendall(text, "  ");
  append_box(text, box);
  if (is_safe(box->name)) return;
  sqlite3_str_appendall(text, "[\"");
  mermaid_escape(text, box->name);
  sqlite3_str_appendall(text, "\"]");
}

static void mermaid_table(sqlite3_str *text, const DiagramBox *box,
                          const Table *table, const Relationship *association) {
  (void)association;
  mermaid_box(text, box);
  sqlite3_str_appendall(text, " {\n");
  for (int i = 0; i < table->column_count; i++)
    mermaid_column(text, &table->columns[i]);
  sqlite3_str_appendall(text, "  }\n");
}

static void mermaid_ghost(sqlite3_str *text, const DiagramBox *box) {
  mermaid_box(text, box);
  sqlite3_str_appendall(text, "\n");
}

static void mermaid_line(sqlite3_str *text, const DiagramLine *line) {
  static const char *const from[] = {"||", "|o", "}o"};
  static const char *const to[] = {"||", "o|", "o{"};
  sqlite3_str_appendall(text, "  ");
  append_box(text, &line->from);
  sqlite3_str_appendf(text, " %s%s%s ", from[line->from_end],
                      line->broken ? ".." : "--", to[line->to_end]);
  append_box(text, &line->to);
  sqlite3_str_appendall(text, " : \"");
  append_line_names(text, line, mermaid_escape);
  sqlite3_str_appendall(text, "\"\n");
}

/* ---- dot ---- */

/* True for U+FFFE and U+FFFF, which XML can't have. */
static bool is_noncharacter(const char *c) {
  return strncmp(c, "\xEF\xBF\xBE", 3) == 0 ||
         strncmp(c, "\xEF\xBF\xBF", 3) == 0;
}

static void dot_escape(sqlite3_str *text, const char *value) {
  if (!*value) sqlite3_str_appendall(text, "&quot;&quot;");
  for (const char *c = value; *c; c++) {
    if (*c == '&') {
      sqlite3_str_appendall(text, "&amp;");
    } else if (*c == '<') {
      sqlite3_str_appendall(text, "&lt;");
    } else if (*c == '>') {
      sqlite3_str_appendall(text, "&gt;");
    } else if (*c == '"') {
      sqlite3_str_appendall(text, "&quot;");
    } else if (*c == '\\') {
      sqlite3_str_appendall(text, "\\\\"); /* \N would be the box's name */
    } else if ((*c > 0 && *c < ' ') || *c == 0x7f) {
      sqlite3_str_appendall(text, REPLACEMENT);
    } else if (is_noncharacter(c)) {
      sqlite3_str_appendall(text, REPLACEMENT);
      c += 2;
    } else {
      sqlite3_str_appendchar(text, 1, *c);
    }
  }
}

static void dot_column(sqlite3_str *text, const Column *column) {
  bool key = column->key_position != 0, foreign = is_foreign(column);
  sqlite3_str_appendall(text, "    <tr><td align=\"left\">");
  dot_escape(text, column->name);
  sqlite3_str_appendall(text, "</td><td align=\"left\">");
  if (*column->type) dot_escape(text, column->type);
  sqlite3_str_appendf(text, "</td><td>%s%s%s</td></tr>\n", key ? "PK" : "",
                      key && foreign ? " " : "", foreign ? "FK" : "");
}

/* Of an association only what it adds to the two ends: they say the rest. */
static void dot_table(sqlite3_str *text, const DiagramBox *box,
                      const Table *table, const Relationship *association) {
  const char *style = association ? "i" : "b";
  sqlite3_str_appendall(text, "  ");
  append_box(text, box);
  sqlite3_str_appendf(text,
                      " [label=<<table border=\"0\" cellborder=\"1\""
                      " cellspacing=\"0\">\n"
                      "    <tr><td colspan=\"3\" bgcolor=\"#e6ecf2\"><%s>",
                      style);
  dot_escape(text, table->name);
  sqlite3_str_appendf(text, "</%s></td></tr>\n", style);
  for (int i = 0; i < table->column_count; i++)
    if (!association ||
        columns_contain(&association->payload, &table->columns[i]))
      dot_column(text, &table->columns[i]);
  sqlite3_str_appendall(text, "    </table>>]\n");
}

static void dot_ghost(sqlite3_str *text, const DiagramBox *box) {
  sqlite3_str_appendall(text, "  ");
  append_box(text, box);
  sqlite3_str_appendall(text, " [shape=box style=dashed label=<");
  dot_escape(text, box->name);
  sqlite3_str_appendall(text, ">]\n");
}

static void dot_line(sqlite3_str *text, const DiagramLine *line) {
  static const char *const ends[] = {"teetee", "teeodot", "crowodot"};
  sqlite3_str_appendall(text, "  ");
  append_box(text, &line->from);
  sqlite3_str_appendall(text, " -> ");
  append_box(text, &line->to);
  sqlite3_str_appendf(text, " [arrowtail=%s arrowhead=%s%s label=<",
                      ends[line->from_end], ends[line->to_end],
                      line->broken ? " style=dashed" : "");
  append_line_names(text, line, dot_escape);
  sqlite3_str_appendall(text, ">]\n");
}

/* ---- what is drawn ---- */

/* The tables where declarations are kept are no part of the picture. */
static bool is_ours(const Table *table) {
  return name_starts(table->name, "_relationship");
}

static DiagramBox box_of(const Diagram *diagram, const Table *table) {
  const Table *first = diagram->model->schema->tables;
  return (DiagramBox){'t', (int)(table - first) + 1, table->name};
}

/* The same box for every key that looks for a table of this name. */
static DiagramBox box_of_parent(const Diagram *diagram, const ForeignKey *key) {
  const Model *model = diagram->model;
  const Table *parent = schema_table(model->schema, key->parent_name);
  int number = 0;
  if (parent) return box_of(diagram, parent);
  for (; number < model->relationship_count; number++) {
    const Relationship *other = &model->relationships[number];
    if (!other->target && other->target_foreign &&
        name_equal(other->target_foreign->parent_name, key->parent_name))
      return (DiagramBox){'g', number + 1, other->target_foreign->parent_name};
  }
  return (DiagramBox){'g', 0, key->parent_name};
}

/* The many-to-many that goes through `table`, or NULL. */
static const Relationship *association_of(const Model *model,
                                          const Table *table) {
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *relationship = &model->relationships[i];
    if (relationship->cardinality == MANY_TO_MANY && !relationship->derived &&
        relationship->link == table)
      return relationship;
  }
  return NULL;
}

/* True if the key is one of the two that an association is made of. */
static bool is_leg(const Relationship *association, const ForeignKey *key) {
  return association && key &&
         (key == association->source_foreign ||
          key == association->target_foreign);
}

/* True if `key` is drawn as part of a many-to-many. */
static bool is_any_leg(const Model *model, const ForeignKey *key) {
  for (int i = 0; i < model->relationship_count; i++)
    if (model->relationships[i].cardinality == MANY_TO_MANY &&
        is_leg(&model->relationships[i], key))
      return true;
  return false;
}

/* True if the table has nothing to show but the link it makes: it is a line
** then, and no box. */
static bool is_line(const Model *model, const Table *table) {
  const Relationship *association = association_of(model, table);
  if (!association || association->payload.count) return false;
  for (int i = 0; i < model->relationship_count; i++) {
    const Relationship *relationship = &model->relationships[i];
    bool touches =
        relationship->source == table || relationship->target == table;
    if (!touches || relationship->derived) continue;
    if (!is_leg(association, relationship->source_foreign) &&
        !is_leg(association, relationship->target_foreign))
      return false;
  }
  return true;
}

static void diagram_line(const Diagram *diagram, DiagramLine line) {
  diagram->format->line(diagram->text, &line);
}

static DiagramEnd parent_end(const ForeignKey *key) {
  for (int i = 0; i < key->columns.count; i++) {
    const Column *column = key->columns.list[i];
    if (!column->not_null && !column->key_position) return END_MAYBE;
  }
  return END_ONE;
}

/* capacity: max_count source.capacity; and so on, of one direction. */
static void diagram_add_rules(const Diagram *diagram, sqlite3_str *text,
                              const Relationship *relationship) {
  const Catalog *catalog = diagram->model->catalog;
  for (int i = 0; i < catalog->rule_count; i++) {
    const RuleDeclaration *rule = &catalog->rules[i];
    if (rule->problem || model_direction(diagram->failure, diagram->model,
                                         &rule->direction) != relationship)
      continue;
    const char *kind = catalog_option(diagram->failure, diagram->arena,
                                      diagram->db, rule->options, "kind");
    const char *expression =
        catalog_option(diagram->failure, diagram->arena, diagram->db,
                       rule->options, "expression");
    sqlite3_str_appendf(text, "%s%s: %s%s%s",
                        sqlite3_str_length(text) ? "; " : "", rule->name,
                        kind ? kind : "", expression ? " " : "",
                        expression ? expression /* safe: to be read */ : "");
  }
}

/* The rules of one direction, or of both; NULL for none. */
static const char *diagram_rules(const Diagram *diagram,
                                 const Relationship *relationship,
                                 const Relationship *inverse) {
  if (!diagram->model->catalog->rule_count) return NULL;
  sqlite3_str *text = sqlite3_str_new(diagram->db);
  diagram_add_rules(diagram, text, relationship);
  if (inverse) diagram_add_rules(diagram, text, inverse);
  const char *rules = arena_string(diagram->failure, diagram->arena, text);
  return rules && *rules ? rules : NULL;
}

static void diagram_broken(const Diagram *diagram,
                           const Relationship *relationship) {
  const ForeignKey *key = relationship->target_foreign;
  diagram_line(diagram, (DiagramLine){.from = box_of_parent(diagram, key),
                                      .to = box_of(diagram, key->table),
                                      .from_end = parent_end(key),
                                      .to_end = END_MANY,
                                      .there = relationship->name,
                                      .note = relationship->problem,
                                      .broken = true});
}

static void diagram_key(const Diagram *diagram,
                        const Relationship *relationship) {
  bool many = relationship->cardinality == ONE_TO_MANY;
  if (is_any_leg(diagram->model, relationship->source_foreign)) return;
  diagram_line(
      diagram,
      (DiagramLine){.from = box_of(diagram, relationship->source),
                    .to = box_of(diagram, relationship->target),
                    .from_end = parent_end(relationship->source_foreign),
                    .to_end = many ? END_MANY : END_MAYBE,
                    .there = relationship->name,
                    .back = relationship->inverse->name,
                    .rules = diagram_rules(diagram, relationship,
                                           relationship->inverse)});
}

/* The two lines through the box between them. */
static void diagram_legs(const Diagram *diagram,
                         const Relationship *relationship) {
  DiagramBox link = box_of(diagram, relationship->link);
  diagram_line(
      diagram,
      (DiagramLine){.from = box_of(diagram, relationship->source),
                    .to = link,
                    .from_end = parent_end(relationship->source_foreign),
                    .to_end = END_MANY,
                    .there = relationship->name,
                    .rules = diagram_rules(diagram, relationship, NULL)});
  diagram_line(diagram,
               (DiagramLine){.from = link,
                             .to = box_of(diagram, relationship->target),
                             .from_end = END_MANY,
                             .to_end = parent_end(relationship->target_foreign),
                             .there = relationship->inverse->name,
                             .rules = diagram_rules(
                                 diagram, relationship->inverse, NULL)});
}

static void diagram_association(const Diagram *diagram,
                                const Relationship *relationship) {
  if (relationship > relationship->inverse) return;
  if (!is_line(diagram->model, relationship->link)) {
    diagram_legs(diagram, relationship);
    return;
  }
  diagram_line(diagram,
               (DiagramLine){.from = box_of(diagram, relationship->source),
                             .to = box_of(diagram, relationship->target),
                             .from_end = END_MANY,
                             .to_end = END_MANY,
                             .there = relationship->name,
                             .back = relationship->inverse->name,
                             .note = relationship->link->name,
                             .rules = diagram_rules(diagram, relationship,
                                                    relationship->inverse)});
}

/* Each pair once, in the direction in which its line is drawn.  A derived one
** goes along the lines of others. */
static void diagram_relationship(const Diagram *diagram,
                                 const Relationship *relationship) {
  if (relationship->derived) return;
  if (!relationship->target) {
    if (relationship->target_foreign) diagram_broken(diagram, relationship);
  } else if (relationship->cardinality == MANY_TO_MANY) {
    diagram_association(diagram, relationship);
  } else if (!relationship->linked_by_source) {
    diagram_key(diagram, relationship);
  }
}

static void diagram_table(const Diagram *diagram, const Table *table) {
  const Model *model = diagram->model;
  DiagramBox box = box_of(diagram, table);
  if (is_ours(table) || is_line(model, table)) return;
  diagram->format->table(diagram->text, &box, table,
                         association_of(model, table));
}

/* The tables that broken keys look for in vain. */
static void diagram_ghost(const Diagram *diagram, int number) {
  const Relationship *relationship = &diagram->model->relationships[number];
  if (relationship->target || !relationship->target_foreign) return;
  DiagramBox box = box_of_parent(diagram, relationship->target_foreign);
  if (box.kind == 'g' && box.number == number + 1)
    diagram->format->ghost(diagram->text, &box);
}

static void diagram_draw(const Diagram *diagram) {
  const Model *model = diagram->model;
  sqlite3_str_appendall(diagram->text, diagram->format->begin);
  for (int i = 0; i < model->schema->table_count; i++)
    diagram_table(diagram, &model->schema->tables[i]);
  for (int i = 0; i < model->relationship_count; i++) diagram_ghost(diagram, i);
  for (int i = 0; i < model->relationship_count; i++)
    diagram_relationship(diagram, &model->relationships[i]);
  sqlite3_str_appendall(diagram->text, diagram->format->end);
}

/* ---- the function ---- */

static const DiagramFormat *format_find(Failure *failure, const char *name) {
  static const DiagramFormat formats[] = {
      {"mermaid", "erDiagram\n", "", mermaid_table, mermaid_ghost,
       mermaid_line},
      {"dot",
       "digraph relationships {\n"
       "  graph [rankdir=LR]\n"
       "  node [shape=plain fontname=\"sans-serif\"]\n"
       "  edge [dir=both fontname=\"sans-serif\" fontsize=10]\n",
       "}\n", dot_table, dot_ghost, dot_line}};
  for (size_t i = 0; name && i < sizeof(formats) / sizeof(formats[0]); i++)
    if (name_equal(name, formats[i].name)) return &formats[i];
  failure_set(failure, SQLITE_ERROR,
              "no format %s%.100s%s; there are 'mermaid' and 'dot'",
              name ? "'" : "", name ? name : "NULL", name ? "'" : "");
  return NULL;
}

static void check_schema(Failure *failure, sqlite3 *db, const char *schema) {
  if (sqlite3_db_readonly(db, schema) < 0 && !name_equal(schema, "temp"))
    failure_set(failure, SQLITE_ERROR, "no schema %s is attached", schema);
}

static char *diagram_text(Failure *failure, const DiagramFormat *format,
                          sqlite3 *db, const Model *model) {
  Arena *arena = arena_new(failure);
  if (!format || !model || !arena) {
    arena_free(arena);
    return NULL;
  }
  Diagram diagram = {failure, db, arena, format, model, sqlite3_str_new(db)};
  diagram_draw(&diagram);
  char *text = failure_text(failure, diagram.text);
  arena_free(arena);
  return text;
}

/* The text of an argument; NULL for NULL, or where it was not given. */
static const char *given_text(Failure *failure, int argc, sqlite3_value **argv,
                              int position) {
  if (failure->code || position >= argc) return NULL;
  const char *text = (const char *)sqlite3_value_text(argv[position]);
  if (!text && sqlite3_value_type(argv[position]) != SQLITE_NULL)
    failure_memory(failure);
  return text;
}

/* relationship_diagram(format [, schema]) */
void diagram_function(sqlite3_context *context, int argc,
                      sqlite3_value **argv) {
  Connection *connection = sqlite3_user_data(context);
  Failure failure = {0, NULL};
  if (argc < 1 || argc > 2)
    failure_set(&failure, SQLITE_MISUSE,
                "%d arguments; it is called as "
                "relationship_diagram(format [, schema])",
                argc);
  const char *format_name = given_text(&failure, argc, argv, 0);
  const char *schema = given_text(&failure, argc, argv, 1);
  const DiagramFormat *format = format_find(&failure, format_name);
  if (!schema) schema = "main";
  check_schema(&failure, connection->db, schema);
  Model *model = connection_enter(&failure, connection, schema);
  char *text = diagram_text(&failure, format, connection->db, model);
  connection_leave(connection, model);
  if (text) sqlite3_result_text(context, text, -1, sqlite3_free);
  failure_prefix(&failure, "relationship_diagram: ");
  failure_to_result(&failure, context);
}
