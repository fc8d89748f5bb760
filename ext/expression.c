/*
** expression.c: SQL that a declaration brings along.
**
** A condition, or the terms of an ORDER BY, over the rows `source`, `target`
** and `link`.  A user gives it, or a file, which may come from anyone:
**
**     target.open AND link.grade BETWEEN 0 AND 4
**     NOT EXISTS (SELECT 1 FROM bans WHERE bans.student_id = source.id)
**     target.title COLLATE NOCASE, link.since DESC NULLS LAST
**
** What is accepted may be put as (<text>), or behind ORDER BY, into a larger
** query with those aliases, and into stored views and triggers.
**
** How it works
**
**   1. The text is cut into lexemes, not parsed.  Parentheses must be balanced
**      and quotes closed; comments, parameters and semicolons are refused.  So
**      what is put around the text stays around it.
**   2. On a private connection, an empty copy is made of each table that the
**      text may be about: names only, since types and collations don't change
**      what can be accepted.  There is one copy for each of source, target and
**      link, be they the same table, so that it is known which is read.
**   3. The text becomes part of a view on these copies, and a SELECT on the
**      view is prepared, never run.  SQLite refuses what it can't make code
**      for; an authorizer hears of every function and column.
**   4. All of it is rolled back.
**
** What SQLite is made to refuse by where the text stands
**
**     WHERE (0 OR <text>)                 takes one expression, no SELECT, no
**                                         aggregate, no window function
**     HAVING (0 OR <text>)                the same, but for aggregates
**     row_number() OVER (ORDER BY <text>, 1 ASC)
**                                         likewise, and no LIMIT or frame
**     FROM "x.source" AS source, "x.source"
**                                         makes unqualified names ambiguous
**     a view in a schema called x         other schemas can't be named in it;
**                                         x is random, so it can't either
**
** A column without its table breaks as soon as another table gets one of that
** name.  So wherever the text has a bare word that is a column of one table,
** all the copies get a column of that name: in a subquery too the word is
** ambiguous then, or it is read from a table that does not have it, unless the
** subquery has that one table only, where it is safe.  (NATURAL, * and the names
** that a subquery gives to its own results are not looked at.)
**
** The file must not make loading slow either.  SQLite copies an expression of a
** subquery into the outer query, and a WITH table to each place of its use; from
** level to level that multiplies.  So a text may have one WITH table, or one
** subquery in a FROM clause, and a limited length.
**
** Invariants
**   1. No SQL of the file is executed, here least of all.
**   2. No name of the private schema gets into a message.
**   3. After a failure the private connection is closed; the next use opens
**      another.  So it is always outside of a transaction when not in use.
**
** Opening the connection runs auto-extensions, perhaps our own entry point:
** that finds an empty database, in which nothing is declared.  The functions
** they bring are not built in, and their tables are taken away.
*/
#include "relate_int.h"

#define TEXT_LIMIT 10000 /* bytes of an expression */
#define TABLE_LIMIT 30   /* that one expression may be about */
#define NESTING_LIMIT 50 /* of its parentheses */
#define DEPTH_LIMIT 200  /* of its tree; the query around it needs some too */
#define SECRET_SIZE 16
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

struct Analyser {
  const Schema *schema;
  sqlite3 *db;                  /* NULL: not open */
  char secret[SECRET_SIZE + 1]; /* the schema of the copies, and what their
                                ** names begin with, before a dot */
  Arena *arena;
  const char **functions; /* that are built in; in the arena */
  int function_count;
};

/* A name in the text. */
typedef struct Word {
  const char *name; /* without quotes */
  bool bare;        /* it may be a column without its table */
} Word;

/* The empty copy of a table. */
typedef struct Skeleton {
  const Table *table;
  Role role;
  const char *name; /* in the private schema */
} Skeleton;

/* One text on its way. */
typedef struct Analysis {
  Failure *failure;
  Arena *arena;
  Analyser *analyser;
  const Scope *scope;
  ExpressionKind kind;
  const char *problem; /* the first thing that is wrong */
  Word *words;
  int word_count;
  Skeleton *skeletons;
  int skeleton_count;
  const char **widened; /* names that every copy has a column of */
  int widened_count;
  Expression *expression;
} Analysis;

static const char *const role_names[] = {"source", "target", "link"};

static const Table *scope_table(const Scope *scope, Role role) {
  return role == ROLE_SOURCE   ? scope->source
         : role == ROLE_TARGET ? scope->target
                               : scope->link;
}

/* Sets the problem, unless there is one. */
static void analysis_refuse(Analysis *analysis, const char *format, ...) {
  if (analysis->problem || analysis->failure->code) return;
  va_list arguments;
  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (!text) failure_memory(analysis->failure);
  analysis->problem = arena_text(analysis->failure, analysis->arena, text);
  sqlite3_free(text);
}

static bool analysis_is_over(const Analysis *analysis) {
  return analysis->problem || analysis->failure->code;
}

/* ---- the text as a whole ---- */

typedef struct Scan {
  Analysis *analysis;
  Lexeme lexeme, before;
  int depth;                    /* of parentheses */
  bool from[NESTING_LIMIT + 1]; /* at each depth: tables are being listed */
  int derived_count;            /* WITH tables, and subqueries among tables */
  bool named; /* this term has a column, or calls a function */
} Scan;

static void scan_term_end(Scan *scan) {
  Analysis *analysis = scan->analysis;
  if (analysis->kind != EXPRESSION_ORDER) return;
  if (!scan->named)
    analysis_refuse(analysis,
                    "every term must name a column and whose it is, "
                    "such as target.name");
  scan->named = false;
}

static void scan_comma(Scan *scan) {
  if (scan->depth) return;
  ExpressionKind kind = scan->analysis->kind;
  if (kind == EXPRESSION_CONDITION || kind == EXPRESSION_HAVING)
    analysis_refuse(scan->analysis,
                    "one condition is wanted, not a list; join them by AND");
  if (kind == EXPRESSION_VALUE)
    analysis_refuse(scan->analysis, "one expression is wanted, not a list");
  scan_term_end(scan);
}

/* A subquery behind this parenthesis would be a table. */
static bool scan_is_table(const Scan *scan) {
  const Lexeme *before = &scan->before;
  if (lexeme_is_word(before, "as") || lexeme_is_word(before, "materialized"))
    return true;
  return scan->from[scan->depth] &&
         (lexeme_is_word(before, "from") || lexeme_is_word(before, "join") ||
          lexeme_is_mark(before, ',') || lexeme_is_mark(before, '('));
}

static void scan_open(Scan *scan) {
  bool is_table = scan_is_table(scan);
  if (scan->depth == NESTING_LIMIT) {
    analysis_refuse(scan->analysis, "parentheses are nested more than %d deep",
                    NESTING_LIMIT);
  } else {
    scan->from[++scan->depth] = is_table;
  }
}

static void scan_close(Scan *scan) {
  if (--scan->depth < 0)
    analysis_refuse(scan->analysis, "there is a ) without its (");
}

/* A name before a dot or a parenthesis is not a column without its table. */
static void scan_after_name(Scan *scan) {
  if (!lexeme_is_name(&scan->before)) return;
  scan->named = true;
  Analysis *analysis = scan->analysis;
  if (analysis->word_count)
    analysis->words[analysis->word_count - 1].bare = false;
}

static void scan_mark(Scan *scan) {
  Analysis *analysis = scan->analysis;
  const char *mark = scan->lexeme.text;
  if (*mark == '.' || *mark == '(') scan_after_name(scan);
  if (*mark == ',') scan_comma(scan);
  if (*mark == '(') scan_open(scan);
  if (*mark == ')') scan_close(scan);
  if (*mark == ';')
    analysis_refuse(analysis, "there is a ; in it; write one expression");
  if (strchr("?:@$#", *mark))
    analysis_refuse(analysis,
                    "%!.20s: there are no parameters here; write the value",
                    mark);
  if (strncmp(mark, "--", 2) == 0 || strncmp(mark, "/*", 2) == 0)
    analysis_refuse(analysis, "there is a comment in it; leave it out");
}

static bool word_is_reserved(const char *name) {
  return name_starts(name, "sqlite_") || name_starts(name, "pragma_");
}

static bool collation_is_built_in(const char *name) {
  return name_equal(name, "BINARY") || name_equal(name, "NOCASE") ||
         name_equal(name, "RTRIM");
}

static void scan_check_name(Scan *scan, const char *name) {
  if (word_is_reserved(name) && !lexeme_is_mark(&scan->before, '.'))
    analysis_refuse(scan->analysis,
                    "%s: what begins with sqlite_ or pragma_ is SQLite's own "
                    "and can't be used here",
                    name);
  if (lexeme_is_word(&scan->before, "collate") && !collation_is_built_in(name))
    analysis_refuse(scan->analysis,
                    "%s is not a collation of SQLite's own; use BINARY, "
                    "NOCASE or RTRIM",
                    name);
}

static void scan_name(Scan *scan) {
  Analysis *analysis = scan->analysis;
  char *name = lexeme_name(analysis->failure, analysis->arena, &scan->lexeme);
  analysis->words =
      arena_extend(analysis->failure, analysis->arena, analysis->words,
                   analysis->word_count, sizeof(*analysis->words));
  if (analysis->failure->code) return;
  bool bare =
      scan->lexeme.kind != LEXEME_STRING && !lexeme_is_mark(&scan->before, '.');
  analysis->words[analysis->word_count++] = (Word){name, bare};
  scan_check_name(scan, name);
}

static bool lexeme_is_one_of(const Lexeme *lexeme, const char *const *words) {
  while (*words && !lexeme_is_word(lexeme, *words)) words++;
  return *words != NULL;
}

/* Where a list of tables begins and, for certain, ends. */
static void scan_clause(Scan *scan) {
  static const char *const queries[] = {"select", "values", "with", NULL};
  static const char *const lists[] = {"from", "join", NULL};
  static const char *const ends[] = {"select",    "where", "group", "having",
                                     "order",     "limit", "union", "except",
                                     "intersect", NULL};
  bool *from = &scan->from[scan->depth];
  if (lexeme_is_one_of(&scan->lexeme, queries) &&
      lexeme_is_mark(&scan->before, '(') && *from)
    scan->derived_count++;
  if (lexeme_is_one_of(&scan->lexeme, lists)) *from = true;
  if (lexeme_is_one_of(&scan->lexeme, ends)) *from = false;
}

static void scan_lexeme(Scan *scan) {
  if (scan->lexeme.kind == LEXEME_MARK) scan_mark(scan);
  if (scan->lexeme.kind == LEXEME_WORD) scan_clause(scan);
  if (lexeme_is_name(&scan->lexeme)) scan_name(scan);
  if (scan->lexeme.kind == LEXEME_OPEN)
    analysis_refuse(scan->analysis, "a quote is not closed: %!.20s",
                    scan->lexeme.text);
}

static void scan_end(Scan *scan) {
  Analysis *analysis = scan->analysis;
  if (scan->before.kind == LEXEME_END) analysis_refuse(analysis, "it is empty");
  if (scan->depth) analysis_refuse(analysis, "there is a ( without its )");
  if (scan->derived_count > 1)
    analysis_refuse(analysis,
                    "there can be one WITH table, or one subquery "
                    "among tables; write conditions with EXISTS or IN");
  scan_term_end(scan);
}

/* Gathers the words.  Refuses what must not stand inside other SQL. */
static void analysis_scan(Analysis *analysis, const char *text) {
  Scan scan = {.analysis = analysis};
  if (strlen(text) > TEXT_LIMIT)
    analysis_refuse(analysis, "it is longer than %d bytes", TEXT_LIMIT);
  if (strstr(text, BYTE_ORDER_MARK)) /* which is a space, to SQLite */
    analysis_refuse(analysis, "there is a byte order mark in it");
  const char *at = text;
  while (!analysis_is_over(analysis)) {
    scan.lexeme = lexeme_read(at);
    if (scan.lexeme.kind == LEXEME_END) break;
    scan_lexeme(&scan);
    at = scan.lexeme.text + scan.lexeme.size;
    scan.before = scan.lexeme;
  }
  scan_end(&scan);
}

/* Where the comma between the two expressions of `text` is; -1 if these are not
** exactly two. */
int expression_comma(const char *text) {
  int depth = 0, comma = -1;
  Lexeme lexeme = lexeme_read(text);
  while (lexeme.kind != LEXEME_END && lexeme.kind != LEXEME_OPEN) {
    if (lexeme_is_mark(&lexeme, '(')) depth++;
    if (lexeme_is_mark(&lexeme, ')')) depth--;
    if (lexeme_is_mark(&lexeme, ',') && depth == 0) {
      if (comma >= 0) return -1;
      comma = (int)(lexeme.text - text);
    }
    lexeme = lexeme_read(lexeme.text + lexeme.size);
  }
  return comma;
}

/* ---- which tables are copied ---- */

static const Skeleton *analysis_skeleton(const Analysis *analysis,
                                         const char *name) {
  for (int i = 0; i < analysis->skeleton_count; i++)
    if (name_equal(analysis->skeletons[i].name, name))
      return &analysis->skeletons[i];
  return NULL;
}

static void analysis_add_skeleton(Analysis *analysis, const Table *table,
                                  Role role, const char *name) {
  if (analysis_skeleton(analysis, name)) return;
  if (analysis->skeleton_count == TABLE_LIMIT)
    analysis_refuse(analysis, "it is about more than %d tables", TABLE_LIMIT);
  analysis->skeletons =
      arena_extend(analysis->failure, analysis->arena, analysis->skeletons,
                   analysis->skeleton_count, sizeof(*analysis->skeletons));
  if (analysis_is_over(analysis)) return;
  analysis->skeletons[analysis->skeleton_count++] =
      (Skeleton){table, role, name};
}

/* The tables in scope, under names that no text knows; and those that some
** word of the text names, though it may mean something else. */
static void analysis_choose_tables(Analysis *analysis) {
  for (Role role = ROLE_SOURCE; role < ROLE_OTHER; role++) {
    const Table *table = scope_table(analysis->scope, role);
    if (!table) continue;
    const char *name =
        arena_format(analysis->failure, analysis->arena, "%s.%s",
                     analysis->analyser->secret, role_names[role]);
    if (name) analysis_add_skeleton(analysis, table, role, name);
  }
  for (int i = 0; i < analysis->word_count && !analysis_is_over(analysis);
       i++) {
    const char *name = analysis->words[i].name;
    const Table *table = schema_table(analysis->analyser->schema, name);
    if (table) analysis_add_skeleton(analysis, table, ROLE_OTHER, table->name);
  }
}

static bool name_is_rowid(const char *name) {
  return name_equal(name, "rowid") || name_equal(name, "_rowid_") ||
         name_equal(name, "oid");
}

static bool analysis_is_column(const Analysis *analysis, const char *name) {
  for (int i = 0; i < analysis->skeleton_count; i++)
    if (table_column(analysis->skeletons[i].table, name)) return true;
  return name_is_rowid(name);
}

static bool analysis_is_widened(const Analysis *analysis, const char *name) {
  for (int i = 0; i < analysis->widened_count; i++)
    if (name_equal(analysis->widened[i], name)) return true;
  return false;
}

/* Bare words that are columns somewhere become columns everywhere. */
static void analysis_choose_columns(Analysis *analysis) {
  for (int i = 0; i < analysis->word_count && !analysis_is_over(analysis);
       i++) {
    const char *name = analysis->words[i].name;
    if (!analysis->words[i].bare || analysis_is_widened(analysis, name) ||
        !analysis_is_column(analysis, name))
      continue;
    analysis->widened = arena_extend(analysis->failure, analysis->arena,
                                     (void *)analysis->widened,
                                     analysis->widened_count, sizeof(char *));
    if (!analysis->failure->code)
      analysis->widened[analysis->widened_count++] = name;
  }
}

/* ---- the private connection ---- */

Analyser *analyser_new(Failure *failure, const Schema *schema) {
  if (failure->code) return NULL;
  Analyser *analyser = sqlite3_malloc64(sizeof(*analyser));
  if (!analyser) {
    failure_memory(failure);
    return NULL;
  }
  memset(analyser, 0, sizeof(*analyser));
  analyser->schema = schema;
  return analyser;
}

static void analyser_close(Analyser *analyser) {
  sqlite3_close_v2(analyser->db);
  arena_free(analyser->arena);
  analyser->db = NULL;
  analyser->arena = NULL;
  analyser->functions = NULL;
  analyser->function_count = 0;
}

void analyser_free(Analyser *analyser) {
  if (!analyser) return;
  analyser_close(analyser);
  sqlite3_free(analyser);
}

/* The schema is trusted: the list of functions is stricter than that, and until
** 3.41 SQLite did not trust its own functions for JSON. */
static void analyser_restrict(sqlite3 *db) {
  static const char *const kept[] = {"json_each", "json_tree", NULL};
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, (int *)NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL);
  sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, DEPTH_LIMIT);
  sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, TABLE_LIMIT);
  sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, 0);
  sqlite3_drop_modules(db, (const char **)kept);
}

/* A name that nobody can write into a text beforehand. */
static void analyser_make_secret(Analyser *analyser) {
  unsigned char noise[SECRET_SIZE];
  sqlite3_randomness(sizeof(noise), noise);
  for (int i = 0; i < SECRET_SIZE; i++)
    analyser->secret[i] = (char)('a' + noise[i] % 26);
}

/* Those of SQLite itself, without the ones that may not stand in a view. */
static void analyser_list_functions(Failure *failure, Analyser *analyser) {
  sqlite3_stmt *statement =
      statement_format(failure, analyser->db, 0,
                       "SELECT DISTINCT f.name FROM pragma_function_list AS f"
                       " WHERE f.builtin AND NOT f.flags & %d",
                       SQLITE_DIRECTONLY);
  while (statement_step(failure, statement)) {
    analyser->functions =
        arena_extend(failure, analyser->arena, (void *)analyser->functions,
                     analyser->function_count, sizeof(char *));
    const char *name = arena_text(failure, analyser->arena,
                                  statement_text(failure, statement, 0));
    if (name) analyser->functions[analyser->function_count++] = name;
  }
  sqlite3_finalize(statement);
}

static void analyser_attach(Failure *failure, Analyser *analyser) {
  sqlite3_stmt *statement =
      statement_format(failure, analyser->db, 0, "ATTACH ':memory:' AS \"%w\"",
                       analyser->secret);
  statement_step(failure, statement);
  sqlite3_finalize(statement);
}

static void analyser_open(Failure *failure, Analyser *analyser) {
  if (failure->code || analyser->db) return;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
              SQLITE_OPEN_PRIVATECACHE;
  if (sqlite3_open_v2(":memory:", &analyser->db, flags, NULL))
    failure_from_db(failure, analyser->db);
  failure_prefix(failure, "no connection to look at an expression with: ");
  analyser->arena = arena_new(failure);
  if (failure->code) return;
  analyser_restrict(analyser->db);
  analyser_make_secret(analyser);
  analyser_list_functions(failure, analyser);
  analyser_attach(failure, analyser);
}

static bool analyser_has_function(const Analyser *analyser, const char *name) {
  for (int i = 0; i < analyser->function_count; i++)
    if (name_equal(analyser->functions[i], name)) return true;
  return false;
}

/* ---- the copies and the view ---- */

static bool table_is_numbered(const Table *table) {
  for (int i = 0; i < table->index_count; i++)
    if (table->indexes[i].origin == 'p') return false;
  return table->primary_key.count == 1 &&
         name_equal(table->primary_key.list[0]->type, "INTEGER");
}

static void analysis_run(Analysis *analysis, sqlite3_str *sql) {
  char *text = failure_text(analysis->failure, sql);
  statement_run(analysis->failure, analysis->analyser->db, text);
  sqlite3_free(text);
}

/* Only the number of a row needs its type: rowid is another name of it. */
static void analysis_create_table(Analysis *analysis,
                                  const Skeleton *skeleton) {
  const Table *table = skeleton->table;
  bool numbered = table_is_numbered(table);
  sqlite3_str *sql = sqlite3_str_new(analysis->analyser->db);
  sqlite3_str_appendf(sql, "CREATE TABLE \"%w\".\"%w\"(",
                      analysis->analyser->secret, skeleton->name);
  for (int i = 0; i < table->column_count; i++) {
    bool number = numbered && table->columns[i].key_position;
    sqlite3_str_appendf(sql, "%s\"%w\"%s", i ? ", " : "",
                        table->columns[i].name,
                        number ? " INTEGER PRIMARY KEY" : "");
  }
  for (int i = 0; i < analysis->widened_count; i++)
    if (!table_column(table, analysis->widened[i]))
      sqlite3_str_appendf(sql, ", \"%w\"", analysis->widened[i]);
  sqlite3_str_appendall(sql, ")");
  analysis_run(analysis, sql);
}

static void analysis_append_from(const Analysis *analysis, sqlite3_str *sql) {
  const char *separator = " FROM ";
  for (int i = 0; i < analysis->skeleton_count; i++) {
    const Skeleton *skeleton = &analysis->skeletons[i];
    if (skeleton->role == ROLE_OTHER) continue;
    sqlite3_str_appendf(sql, "%s\"%w\" AS %s, \"%w\"",
                        separator /* safe: a literal */, skeleton->name,
                        role_names[skeleton->role] /* safe: a literal */,
                        skeleton->name);
    separator = ", ";
  }
}

/* LIMIT keeps SQLite from leaving out the order. */
static void analysis_create_view(Analysis *analysis, const char *text) {
  const char *secret = analysis->analyser->secret;
  sqlite3_str *sql = sqlite3_str_new(analysis->analyser->db);
  sqlite3_str_appendf(sql, "CREATE VIEW \"%w\".\"%w.view\" AS SELECT 1", secret,
                      secret);
  analysis_append_from(analysis, sql);
  if (analysis->kind == EXPRESSION_ORDER) {
    sqlite3_str_appendf(sql,
                        " ORDER BY row_number() OVER (ORDER BY %s, 1 ASC)"
                        " LIMIT 1",
                        text /* safe: scanned, and never run */);
  } else {
    const char *clause =
        analysis->kind == EXPRESSION_HAVING ? "GROUP BY NULL HAVING" : "WHERE";
    sqlite3_str_appendf(sql, " %s (0 OR %s) LIMIT 1",
                        clause /* safe: a literal */,
                        text /* safe: scanned, and never run */);
  }
  analysis_run(analysis, sql);
}

/* ---- what the authorizer hears ---- */

static void expression_use(Expression *expression, Role role) {
  if (role == ROLE_SOURCE) expression->source = true;
  if (role == ROLE_TARGET) expression->target = true;
  if (role == ROLE_LINK) expression->link = true;
}

static void analysis_add_column(Analysis *analysis, Role role,
                                const Column *column) {
  Expression *expression = analysis->expression;
  ExpressionColumn *columns = (ExpressionColumn *)expression->columns;
  for (int i = 0; i < expression->column_count; i++)
    if (columns[i].column == column && columns[i].role == role) return;
  columns = arena_extend(analysis->failure, analysis->arena, columns,
                         expression->column_count, sizeof(*columns));
  if (analysis->failure->code) return;
  columns[expression->column_count++] = (ExpressionColumn){role, column};
  expression->columns = columns;
  expression_use(expression, role);
}

/* ROWID is what SQLite says for a rowid that no column is another name of. */
static void analysis_read(Analysis *analysis, const Skeleton *skeleton,
                          const char *name) {
  const Table *table = skeleton->table;
  const Column *column = table_column(table, name);
  if (!column && analysis_is_widened(analysis, name)) {
    analysis_refuse(analysis, "%s: write whose column it is, such as target.%s",
                    name, name);
  } else if (!column && !table->rowid.name) {
    analysis_refuse(analysis,
                    "rowid: the rows of %s are known by its primary key; "
                    "use that",
                    table->name);
  } else {
    analysis_add_column(analysis, skeleton->role,
                        column ? column : &table->rowid);
  }
}

/* No column: SQLite says so of tables of which none is read. */
static void analysis_judge_read(Analysis *analysis, const char *table,
                                const char *column) {
  const Skeleton *skeleton = analysis_skeleton(analysis, table);
  if (!*column) return;
  if (skeleton) {
    analysis_read(analysis, skeleton, column);
  } else if (!name_equal(table, "json_each") &&
             !name_equal(table, "json_tree")) {
    analysis_refuse(analysis, "%s is not an ordinary table", table);
  }
}

static void analysis_judge_function(Analysis *analysis, const char *name) {
  if (!analyser_has_function(analysis->analyser, name))
    analysis_refuse(analysis,
                    "unsafe use of %s(); only harmless functions of SQLite's "
                    "own can be used",
                    name);
}

static int analysis_judge(void *context, int action, const char *first,
                          const char *second, const char *schema,
                          const char *view) {
  Analysis *analysis = context;
  (void)schema, (void)view;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE: break;
    case SQLITE_READ: analysis_judge_read(analysis, first, second); break;
    case SQLITE_FUNCTION: analysis_judge_function(analysis, second); break;
    default: analysis_refuse(analysis, "it does more than to read");
  }
  return analysis_is_over(analysis) ? SQLITE_DENY : SQLITE_OK;
}

/* ---- what SQLite says ---- */

/* What to do about it, by how SQLite's message begins. */
static const char *message_advice(const char *message) {
  static const char *const advice[][2] = {
      {"no such column: ", "write columns as source.x, target.x or link.x"},
      {"ambiguous column name: ",
       "write whose column it is, as in source.x, target.x or link.x"},
      {"no such function: ",
       "only harmless functions of SQLite's own can be used"},
      {"no such table: ", "only ordinary tables of the same file can be used"},
      {"unsafe use of ", "only harmless functions of SQLite's own can be used"},
      {"misuse of aggregate", "put it into a subquery"},
      {"misuse of window function", "put it into a subquery"},
  };
  for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
    if (name_starts(message, advice[i][0])) return advice[i][1];
  return NULL;
}

/* Takes every "<secret>." out of the message, and a question of later versions
** off its end. */
static void message_forget(char *message, const char *secret) {
  char *found = strstr(message, " - should this be a string");
  if (found) *found = 0;
  while ((found = strstr(message, secret)) != NULL) {
    char *rest = found + SECRET_SIZE;
    if (*rest == '.') rest++;
    memmove(found, rest, strlen(rest) + 1);
  }
}

/* What SQLite refuses is a problem of the text, and not a failure. */
static void analysis_settle(Analysis *analysis) {
  Failure *failure = analysis->failure;
  int code = failure->code & 0xff;
  if (code != SQLITE_ERROR && code != SQLITE_AUTH && code != SQLITE_TOOBIG)
    return;
  char *message = failure_take(failure);
  message_forget(message, analysis->analyser->secret);
  const char *advice = message_advice(message);
  if (strstr(message, "cannot reference objects in database")) {
    analysis_refuse(analysis,
                    "a table is named with its schema; leave the "
                    "schema out");
  } else {
    analysis_refuse(analysis, "%s%s%s", message, advice ? "; " : "",
                    advice ? advice : "");
  }
  sqlite3_free(message);
}

/* ---- all of it ---- */

static void analysis_prepare(Analysis *analysis) {
  sqlite3 *db = analysis->analyser->db;
  const char *secret = analysis->analyser->secret;
  if (analysis_is_over(analysis)) return;
  sqlite3_set_authorizer(db, analysis_judge, analysis);
  sqlite3_finalize(statement_format(analysis->failure, db, 0,
                                    "SELECT count(*) FROM \"%w\".\"%w.view\"",
                                    secret, secret));
  sqlite3_set_authorizer(db, NULL, NULL);
}

static void analysis_try(Analysis *analysis, const char *text) {
  sqlite3 *db = analysis->analyser->db;
  statement_run(analysis->failure, db, "BEGIN");
  for (int i = 0; i < analysis->skeleton_count; i++)
    analysis_create_table(analysis, &analysis->skeletons[i]);
  analysis_create_view(analysis, text);
  analysis_prepare(analysis);
  analysis_settle(analysis);
  statement_run(analysis->failure, db, "ROLLBACK");
}

/* The tables of `scope`, one of them at least, are of the analyser's schema.
** `text` must have been given whole: it ends with its first NUL. */
const Expression *expression_read(Failure *failure, Arena *arena,
                                  Analyser *analyser, const Scope *scope,
                                  ExpressionKind kind, const char *text,
                                  const char **problem) {
  *problem = NULL;
  Expression *expression = arena_take(failure, arena, sizeof(*expression));
  if (!expression) return NULL;
  expression->text = arena_text(failure, arena, text);
  Analysis analysis = {.failure = failure,
                       .arena = arena,
                       .analyser = analyser,
                       .scope = scope,
                       .kind = kind,
                       .expression = expression};
  analysis_scan(&analysis, text);
  if (!analysis.problem) analyser_open(failure, analyser);
  analysis_choose_tables(&analysis);
  analysis_choose_columns(&analysis);
  if (!analysis_is_over(&analysis)) analysis_try(&analysis, text);
  if (failure->code) analyser_close(analyser);
  if (!failure->code) *problem = analysis.problem;
  return analysis_is_over(&analysis) ? NULL : expression;
}
