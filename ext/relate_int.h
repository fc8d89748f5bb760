/*
** relate_int.h: the map of the house.
**
** One banner for each file, lowest layer first.  A file calls only files of
** lower layers; files of one layer never call each other.  `make lint` reads
** the banners and holds the object files against them.
*/
#ifndef RELATE_INT_H
#define RELATE_INT_H

#include "relate.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#ifndef SQLITE_CORE
SQLITE_EXTENSION_INIT3
#endif

#ifndef SQLITE_SUBTYPE
#define SQLITE_SUBTYPE 0x000100000
#endif
#ifndef SQLITE_RESULT_SUBTYPE
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif

/* In the one-file build every function of ours but the entry point is
** static. */
#ifndef RELATE_PRIVATE
#define RELATE_PRIVATE
#endif

/* ---- layer 0: failure.c: an error that travels ---- */

/* {0, 0} is fine.  The first failure wins: to set a second one does nothing.
** Whoever declares a Failure reports it or clears it. */
typedef struct Failure {
  int code;      /* SQLite's extended result code, 0 while all is well */
  char *message; /* owned; NULL if there was no memory even for it */
} Failure;

RELATE_PRIVATE void failure_set(Failure *failure, int code, const char *format,
                                ...);
RELATE_PRIVATE void failure_memory(Failure *failure);
RELATE_PRIVATE void failure_from_db(Failure *failure, sqlite3 *db);
RELATE_PRIVATE void failure_prefix(Failure *failure, const char *format, ...);
RELATE_PRIVATE void failure_append(Failure *failure, const char *format, ...);
RELATE_PRIVATE void failure_clear(Failure *failure);
RELATE_PRIVATE char *failure_take(Failure *failure);
RELATE_PRIVATE void failure_to_result(Failure *failure,
                                      sqlite3_context *context);
RELATE_PRIVATE int failure_to_table(Failure *failure, sqlite3_vtab *table);
RELATE_PRIVATE char *failure_text(Failure *failure, sqlite3_str *text);
/* The message is `text`, which it finishes. */
RELATE_PRIVATE void failure_set_text(Failure *failure, int code,
                                     sqlite3_str *text);

/* ---- layer 0: real.c: numbers as decimal digits, exactly ---- */

#define REAL_SIZE 32 /* what real_write needs at most */

/* With as many of 17 digits as there are, and a point or an exponent; 9e999 for an
** infinite one. */
RELATE_PRIVATE void real_write(double real, char text[REAL_SIZE]);
/* The REAL that is written so: digits, a point, an exponent. */
RELATE_PRIVATE double real_read(const char *text, int size);
/* False where there are too many digits for 64 bits, or other signs. */
RELATE_PRIVATE bool integer_read(const char *text, int size,
                                 sqlite3_int64 *integer);

/* ---- layer 1: arena.c: memory that is freed all at once ---- */

typedef struct Arena Arena;

RELATE_PRIVATE Arena *arena_new(Failure *failure);
RELATE_PRIVATE void arena_free(Arena *arena);
RELATE_PRIVATE void *arena_take(Failure *failure, Arena *arena,
                                sqlite3_int64 size);
RELATE_PRIVATE char *arena_text(Failure *failure, Arena *arena,
                                const char *text);
RELATE_PRIVATE char *arena_format(Failure *failure, Arena *arena,
                                  const char *format, ...);
RELATE_PRIVATE char *arena_string(Failure *failure, Arena *arena,
                                  sqlite3_str *text);
RELATE_PRIVATE void *arena_extend(Failure *failure, Arena *arena, void *list,
                                  int count, sqlite3_int64 size);

/* ---- layer 1: name.c: identifiers as people write them ---- */

RELATE_PRIVATE bool name_equal(const char *a, const char *b);
RELATE_PRIVATE bool name_starts(const char *name, const char *prefix);
RELATE_PRIVATE bool name_is_plain(const char *name);
RELATE_PRIVATE void name_append(sqlite3_str *text, const char *name);
RELATE_PRIVATE void name_append_json(sqlite3_str *text, const char *name);
RELATE_PRIVATE void text_append_json(sqlite3_str *text, const char *bytes,
                                     int size);
RELATE_PRIVATE bool name_read(const char **cursor, sqlite3_str *name);
RELATE_PRIVATE int name_stem(const char *column);
RELATE_PRIVATE void name_singular(sqlite3_str *text, const char *table);
RELATE_PRIVATE const char *name_token_end(const char *sql);
RELATE_PRIVATE int name_distance(const char *a, const char *b);

#define JSON_SUBTYPE 74 /* what SQLite's own JSON functions set */

/* ---- layer 1: value.c: values kept for later ---- */

/* One SQL value.  Borrowed: text and BLOB belong to where it came from. */
typedef struct Value {
  int type;  /* SQLITE_INTEGER, _FLOAT, _TEXT, _BLOB or _NULL */
  bool json; /* text that carries SQLite's JSON subtype */
  sqlite3_int64 integer;
  double real;
  const char *bytes; /* text or BLOB; text has a NUL after its last byte */
  int size;          /* of bytes, without that NUL */
} Value;

/* Values packed one after another in one growing block.  The first block may be
** the caller's, for the few values of most calls: then `borrowed` is set. */
typedef struct Values {
  char *data;
  sqlite3_int64 size, room;
  bool borrowed;
} Values;

RELATE_PRIVATE Value value_of(Failure *failure, sqlite3_value *value);
RELATE_PRIVATE Value value_of_column(Failure *failure, sqlite3_stmt *statement,
                                     int column);
RELATE_PRIVATE void value_bind(Failure *failure, sqlite3_stmt *statement,
                               int parameter, const Value *value);
RELATE_PRIVATE void value_result(sqlite3_context *context, const Value *value);
RELATE_PRIVATE void value_result_copy(sqlite3_context *context,
                                      const Value *value);
RELATE_PRIVATE void value_describe(sqlite3_str *text, const Value *value);
/* Writes the value as SQL has it, whole. */
RELATE_PRIVATE void value_append_sql(sqlite3_str *text, const Value *value);
RELATE_PRIVATE bool value_unquote(char **cursor, Value *value);
RELATE_PRIVATE bool value_same(const Value *a, const Value *b);
RELATE_PRIVATE void values_add(Failure *failure, Values *values,
                               const Value *value);
RELATE_PRIVATE bool values_next(const Values *values, sqlite3_int64 *cursor,
                                Value *value);
RELATE_PRIVATE void values_free(Values *values);
RELATE_PRIVATE sqlite3_uint64 values_hash(const char *data, sqlite3_int64 size);

/* ---- layer 1: module.c: virtual tables ---- */

RELATE_PRIVATE void module_register(Failure *failure, sqlite3 *db,
                                    const char *name,
                                    const sqlite3_module *module, void *owner,
                                    void (*release)(void *));
RELATE_PRIVATE void module_connect(Failure *failure, sqlite3 *db,
                                   const char *name);
RELATE_PRIVATE bool module_exists(Failure *failure, sqlite3 *db,
                                  const char *name);
RELATE_PRIVATE int module_conflict(sqlite3 *db, int code);
/* The constraint by which the column is given, or -1.  *unusable is set where it
** can't be known yet. */
RELATE_PRIVATE int module_constraint(const sqlite3_index_info *info, int column,
                                     bool *unusable);
/* The methods of a table without rows. */
RELATE_PRIVATE int hollow_best_index(sqlite3_vtab *pVtab,
                                     sqlite3_index_info *info);
RELATE_PRIVATE int hollow_open(sqlite3_vtab *pVtab,
                               sqlite3_vtab_cursor **ppCursor);
RELATE_PRIVATE int hollow_close(sqlite3_vtab_cursor *cursor);
RELATE_PRIVATE int hollow_filter(sqlite3_vtab_cursor *cursor, int idxNum,
                                 const char *idxStr, int argc,
                                 sqlite3_value **argv);
RELATE_PRIVATE int hollow_eof(sqlite3_vtab_cursor *cursor);

/* ---- layer 1: statement.c: running SQL ---- */

#define STATEMENT_KEPT 1   /* for the cache: SQLITE_PREPARE_PERSISTENT */
#define STATEMENT_PLAIN 2  /* reads base tables only: SQLITE_PREPARE_NO_VTAB */
#define STATEMENT_STRICT 4 /* never prepared anew: see statement_run_strict */

RELATE_PRIVATE sqlite3_stmt *statement_prepare(Failure *failure, sqlite3 *db,
                                               unsigned flags, const char *sql);
RELATE_PRIVATE sqlite3_stmt *statement_format(Failure *failure, sqlite3 *db,
                                              unsigned flags,
                                              const char *format, ...);
RELATE_PRIVATE void statement_bind_text(Failure *failure,
                                        sqlite3_stmt *statement, int parameter,
                                        const char *text);
RELATE_PRIVATE bool statement_step(Failure *failure, sqlite3_stmt *statement);
RELATE_PRIVATE bool statement_run_strict(Failure *failure,
                                         sqlite3_stmt *statement);
RELATE_PRIVATE const char *statement_text(Failure *failure,
                                          sqlite3_stmt *statement, int column);
RELATE_PRIVATE void statement_run(Failure *failure, sqlite3 *db,
                                  const char *sql);

/* ---- layer 2: json.c: well-formed JSON cut into values ---- */

/* Bytes, which may have NULs among them. */
typedef struct Text {
  const char *bytes;
  int size;
} Text;

/* `at` is in a text that json() has made, and that may be changed. */
RELATE_PRIVATE char *json_space_end(char *at);
/* Behind the value that begins at `at`. */
RELATE_PRIVATE char *json_end(char *at);
/* The string that begins at `at`, decoded in its place: it can't be read once
** more. */
RELATE_PRIVATE Text json_string(char *at);
/* The value between `at` and `end`.  true is 1, {"hex":"..."} may be a BLOB; another
** object, and an array, is a text that is JSON.  A string stays where it is, the rest
** is in the arena. */
RELATE_PRIVATE Value json_value(Failure *failure, Arena *arena, char *at,
                                const char *end, bool blobs);

/* ---- layer 2: lexeme.c: SQL cut into lexemes ---- */

typedef enum LexemeKind {
  LEXEME_END,
  LEXEME_WORD,
  LEXEME_QUOTED, /* "name", [name], `name` */
  LEXEME_STRING, /* 'text', which in places may be a name too */
  LEXEME_NUMBER, /* or a part of one */
  LEXEME_MARK,   /* one byte of any other kind */
  LEXEME_OPEN    /* a quote that is not closed */
} LexemeKind;

typedef struct Lexeme {
  LexemeKind kind;
  const char *text;
  int size;
} Lexeme;

RELATE_PRIVATE bool byte_is_digit(char c);
/* The lexeme at `at`, or behind the space there. */
RELATE_PRIVATE Lexeme lexeme_read(const char *at);
RELATE_PRIVATE bool lexeme_is_mark(const Lexeme *lexeme, char mark);
RELATE_PRIVATE bool lexeme_is_word(const Lexeme *lexeme, const char *word);
RELATE_PRIVATE bool lexeme_is_name(const Lexeme *lexeme);
/* What it stands for as a name, without its quotes, in the arena. */
RELATE_PRIVATE char *lexeme_name(Failure *failure, Arena *arena,
                                 const Lexeme *lexeme);

/* ---- layer 2: cache.c: prepared statements of one connection ---- */

#define CACHE_TABLE "_relationship_cache"

typedef struct Cache Cache;

RELATE_PRIVATE Cache *cache_new(Failure *failure, sqlite3 *db);
RELATE_PRIVATE void cache_release(Cache *cache);
RELATE_PRIVATE void cache_register(Failure *failure, Cache *cache);
RELATE_PRIVATE sqlite3 *cache_db(Cache *cache);
/* A statement is known by the thing it is about (a serial number), the kind of
** statement, and a detail such as a column list (NULL for none). */
RELATE_PRIVATE sqlite3_stmt *cache_take(Cache *cache, sqlite3_int64 subject,
                                        int kind, const char *detail);
RELATE_PRIVATE sqlite3_stmt *cache_add(Failure *failure, Cache *cache,
                                       sqlite3_int64 subject, int kind,
                                       const char *detail, unsigned flags,
                                       char *sql);
RELATE_PRIVATE sqlite3_stmt *cache_sql(Failure *failure, Cache *cache, int kind,
                                       const char *sql);
/* Takes, or prepares and takes, the statement of that text, which it frees. */
RELATE_PRIVATE sqlite3_stmt *cache_text(Failure *failure, Cache *cache,
                                        int kind, char *sql);
RELATE_PRIVATE void cache_give(Cache *cache, sqlite3_stmt *statement);
RELATE_PRIVATE void cache_unbind(Cache *cache);
RELATE_PRIVATE void cache_clear(Cache *cache);
/* A statement that stays until the connection closes; *place becomes NULL
** when it is finalized. */
RELATE_PRIVATE void cache_pin(Failure *failure, Cache *cache,
                              sqlite3_stmt **place, const char *sql);
RELATE_PRIVATE void cache_unpin(Cache *cache, sqlite3_stmt **place);

/* ---- layer 3: transaction.c: all or nothing ---- */

/* What has to be mended before COMMIT: a row for each source with too few links
** for a rule, with a deferred foreign key to what is never there. */
#define DEBT_TABLE "_relationship_debt"

typedef struct Transaction {
  Cache *cache;
  bool open;
  bool inner;           /* a savepoint in a transaction of the caller */
  sqlite3_stmt *finish; /* taken from the cache before anything is written */
  sqlite3_stmt *undo;
  sqlite3_stmt *begin; /* to be interrupted, see transaction_undo */
} Transaction;

/* Refuses inside a writing statement.  In autocommit: BEGIN IMMEDIATE.  In a
** transaction of the caller: a savepoint if `several` statements will write,
** else nothing, since one statement is atomic by itself. */
RELATE_PRIVATE Transaction transaction_begin(Failure *failure, Cache *cache,
                                             bool several);
/* Commits, or undoes everything if *failure is set or the commit fails. */
RELATE_PRIVATE void transaction_end(Failure *failure, Transaction *transaction);

/* ---- layer 3: schema.c: the tables of one schema, as they are ---- */

typedef struct Table Table;

typedef struct Column {
  const Table *table;
  const char *name;
  const char *type;      /* as declared, "" for none */
  const char *collation; /* "BINARY" if none is said */
  const char *otherwise; /* DEFAULT, as SQL text, or NULL */
  char affinity;         /* 'A' BLOB, 'B' TEXT, 'C' NUMERIC, 'D' INTEGER,
                         ** 'E' REAL */
  bool not_null;
  bool generated;
  int key_position; /* in the primary key, from 1; 0: not part of it */
} Column;

/* Some columns of one table, in an order that means something. */
typedef struct Columns {
  int count;
  const Column **list;
} Columns;

typedef struct Index {
  const char *name;
  bool unique;
  bool partial;
  bool plain;        /* columns only, each with its own collation */
  char origin;       /* 'p' PRIMARY KEY, 'u' UNIQUE, 'c' CREATE INDEX */
  Columns columns;   /* of a plain index; otherwise its leading plain columns */
  unsigned descends; /* bits of the first of these that say DESC */
} Index;

typedef struct ForeignKey {
  const Table *table;      /* that holds it */
  const Table *parent;     /* NULL: broken */
  const char *parent_name; /* as written */
  Columns columns;         /* of table */
  Columns parent_columns;  /* of parent, canonical; empty when broken */
  const char *on_delete;   /* "NO ACTION", "CASCADE", ... */
  const char *on_update;
  const char *problem; /* why it can't be used, or NULL */
} ForeignKey;

typedef struct Schema Schema;

struct Table {
  const Schema *schema;
  const char *name;
  const char *sql; /* the CREATE statement */
  bool without_rowid;
  bool may_defer; /* its text speaks of DEFERRED keys */
  int column_count, index_count, key_count;
  Column *columns;
  Index *indexes;
  ForeignKey *keys;
  Columns primary_key; /* empty: none declared */
  Columns row_key;     /* primary key, else rowid; empty: none can be named */
  Column rowid;        /* name NULL when all its spellings are taken */
};

/* Immutable once built. */
struct Schema {
  const char *name; /* "main", "temp", or the name it is attached under */
  int table_count;
  Table *tables; /* ordinary tables, sorted by name */
};

RELATE_PRIVATE const Schema *schema_read(Failure *failure, Arena *arena,
                                         sqlite3 *db, const char *name);
RELATE_PRIVATE const Table *schema_table(const Schema *schema,
                                         const char *name);
RELATE_PRIVATE const Column *table_column(const Table *table, const char *name);
/* That, or the rowid where it is the row's key. */
RELATE_PRIVATE const Column *table_member(const Table *table, const char *name);
/* A name of the rowid that no column has taken; NULL: none, or there is no rowid. */
RELATE_PRIVATE const char *table_rowid_name(const Table *table);
RELATE_PRIVATE bool table_is_strict(Failure *failure, sqlite3 *db,
                                    const Table *table);
RELATE_PRIVATE bool columns_contain(const Columns *columns,
                                    const Column *column);
RELATE_PRIVATE bool columns_same(const Columns *a, const Columns *b);
RELATE_PRIVATE bool columns_same_set(const Columns *a, const Columns *b);
RELATE_PRIVATE void columns_append(sqlite3_str *text, const Columns *columns,
                                   const char *separator);
RELATE_PRIVATE bool table_is_unique(const Table *table, const Columns *columns);
RELATE_PRIVATE const Index *table_index_under(const Table *table,
                                              const Columns *columns);

/* ---- layer 4: storage.c: a value as a column stores it ---- */

/* True if the column stores them alike. */
RELATE_PRIVATE bool value_is_alike(const Column *column, const Value *a,
                                   const Value *b);
/* True if the column, in a key, takes one for the other: 1.0 for 1, and what its
** collation does. */
RELATE_PRIVATE bool value_matches(const Column *column, const Value *a,
                                  const Value *b);
/* Adds the value such that what matches is the same bytes. */
RELATE_PRIVATE void values_add_stored(Failure *failure, Values *values,
                                      const Column *column, const Value *given);

/* ---- layer 4: direction.c: a relationship as tables and columns ---- */

typedef struct Relationship Relationship;

/* One direction of a relationship, by tables and columns: a row of the link
** table `link` holds `source_columns` (NULL: the source row is the link) and
** `target_columns` (NULL: the target row is the link).  The column lists are
** JSON arrays of names. */
typedef struct Direction {
  const char *source;
  const char *target;
  const char *link;
  const char *source_columns;
  const char *target_columns;
} Direction;

RELATE_PRIVATE bool direction_same(const Direction *a, const Direction *b);
RELATE_PRIVATE const char *direction_columns(Failure *failure, Arena *arena,
                                             const Columns *columns);
RELATE_PRIVATE Direction direction_of(Failure *failure, Arena *arena,
                                      const Relationship *relationship);
/* Why there is nothing any more in a direction that is declared. */
RELATE_PRIVATE const char *direction_lost(Failure *failure, Arena *arena,
                                          const Schema *schema,
                                          const Direction *direction);
RELATE_PRIVATE int direction_find(Failure *failure, Arena *scratch,
                                  const Relationship *list, int count,
                                  const Direction *direction);

/* ---- layer 4: catalog.c: what is declared, as the file tells it ---- */

/* A row of _relationship. */
typedef struct Declaration {
  Direction direction;
  const char *name;    /* without the table */
  const char *options; /* a JSON object: on_delete, on_update, cardinality,
                       ** where, order_by, view, comment */
  const char *made;    /* a JSON array of [type, name] */
  const char *path;    /* of a derived one: its steps, see derivation.c; NULL:
                       ** the one relationship of the direction */
  const char *problem; /* what is wrong with the row itself, or NULL */
} Declaration;

/* A row of _relationship_function. */
typedef struct FunctionDeclaration {
  const char *name;
  const char *base;
  Direction direction;
  const char *preset; /* a JSON object of payload */
  const char *path; /* as in a Declaration, perhaps with a column at the end */
  const char *problem;
} FunctionDeclaration;

/* A row of _relationship_rule. */
typedef struct RuleDeclaration {
  Direction direction;
  const char *relationship; /* its exact name, without the table */
  const char *name;
  const char *options; /* a JSON object: kind, expression, message, ... */
  const char *made;    /* a JSON array of [type, name] */
  const char *problem;
} RuleDeclaration;

typedef struct Catalog {
  int declaration_count, function_count, rule_count;
  Declaration *declarations;
  FunctionDeclaration *functions;
  RuleDeclaration *rules;
} Catalog;

#define CATALOG_TABLE_COUNT 4 /* tables of ours in the file */

/* Reads what is declared in main.  A file without declarations, or whose
** tables of these names are not ours, gives an empty catalog. */
RELATE_PRIVATE const Catalog *catalog_read(Failure *failure, Arena *arena,
                                           sqlite3 *db, const Schema *schema);
RELATE_PRIVATE const char *catalog_option(Failure *failure, Arena *arena,
                                          sqlite3 *db, const char *options,
                                          const char *name);
RELATE_PRIVATE const char *catalog_with_option(Failure *failure, Arena *arena,
                                               sqlite3 *db, const char *options,
                                               const char *name,
                                               const char *value);
RELATE_PRIVATE void catalog_create(Failure *failure, sqlite3 *db,
                                   const Schema *schema);
RELATE_PRIVATE void catalog_create_rules(Failure *failure, sqlite3 *db,
                                         const Schema *schema);
/* True if DEBT_TABLE is there, and ours. */
RELATE_PRIVATE bool catalog_has_debts(const Schema *schema);
RELATE_PRIVATE void catalog_create_debts(Failure *failure, sqlite3 *db,
                                         const Schema *schema);
/* By which a rule is known in DEBT_TABLE. */
RELATE_PRIVATE void catalog_append_debtor(sqlite3_str *text,
                                          const RuleDeclaration *rule);
RELATE_PRIVATE void catalog_forget_debts(Failure *failure, sqlite3 *db,
                                         const Schema *schema,
                                         const RuleDeclaration *rule);
RELATE_PRIVATE const char *catalog_table(const Schema *schema, int index);
RELATE_PRIVATE void catalog_store(Failure *failure, sqlite3 *db,
                                  const Declaration *declaration);
RELATE_PRIVATE void catalog_remove(Failure *failure, sqlite3 *db,
                                   const char *source, const char *name);
RELATE_PRIVATE void catalog_store_function(Failure *failure, sqlite3 *db,
                                           const FunctionDeclaration *function);
RELATE_PRIVATE void catalog_remove_function(Failure *failure, sqlite3 *db,
                                            const char *name);
RELATE_PRIVATE void catalog_store_rule(Failure *failure, sqlite3 *db,
                                       const RuleDeclaration *rule);
RELATE_PRIVATE void catalog_remove_rule(Failure *failure, sqlite3 *db,
                                        const RuleDeclaration *rule);
/* True if main has anything of that name. */
RELATE_PRIVATE bool catalog_taken(Failure *failure, sqlite3 *db,
                                  const char *name);
/* Rings the bell: moves the schema's cookie so that every connection looks at
** the catalog again. */
RELATE_PRIVATE void catalog_announce(Failure *failure, sqlite3 *db);

/* ---- layer 4: expression.c: SQL that a declaration brings along ---- */

typedef enum ExpressionKind {
  EXPRESSION_CONDITION, /* one value: true, false or NULL */
  EXPRESSION_VALUE,     /* one value */
  EXPRESSION_HAVING,    /* a condition on all links of a source: aggregates */
  EXPRESSION_ORDER      /* the terms of an ORDER BY */
} ExpressionKind;

/* The row that a column of an expression belongs to. */
typedef enum Role {
  ROLE_SOURCE,
  ROLE_TARGET,
  ROLE_LINK,
  ROLE_OTHER /* a row of a subquery's own table */
} Role;

/* The tables behind the names source, target and link; NULL: there is no such
** name. */
typedef struct Scope {
  const Table *source, *target, *link;
} Scope;

typedef struct ExpressionColumn {
  Role role;
  const Column *column;
} ExpressionColumn;

/* SQL that may be put, as (text) or behind ORDER BY, into a query with these
** names, and into stored views and triggers.  Tables in its subqueries have no
** schema: where temp may hide them, that is the caller's business. */
typedef struct Expression {
  const char *text;
  bool source, target, link; /* which names it uses */
  int column_count;
  const ExpressionColumn *columns; /* that it reads, each once */
} Expression;

/* Looks at expressions about the tables of one schema, which must outlive it,
** on a private connection. */
typedef struct Analyser Analyser;

/* Cheap: the connection is opened by the first expression_read. */
RELATE_PRIVATE Analyser *analyser_new(Failure *failure, const Schema *schema);
RELATE_PRIVATE void analyser_free(Analyser *analyser);
/* NULL, with a sentence in *problem, where the text can't be accepted; NULL
** without one only once *failure is set.  Everything is in the arena. */
RELATE_PRIVATE const Expression *expression_read(
    Failure *failure, Arena *arena, Analyser *analyser, const Scope *scope,
    ExpressionKind kind, const char *text, const char **problem);
RELATE_PRIVATE int expression_comma(const char *text);

/* ---- layer 4: inline.c: SQL that a caller brings along ---- */

/* Made fit for a query about links. */
typedef struct Inlined {
  const char *text;  /* columns of the target have its name in front */
  const char *end;   /* behind it, in what was given */
  int parameters;    /* the greatest number of one */
  bool source, link; /* rows that it speaks of */
  const char *problem;
} Inlined;

/* Reads an expression, or several with commas between them, up to a ; or ) that
** is not its own.  A bare name is a column of the target, else of the link's
** `payload`, which may be NULL.  Parameters are numbered on behind `shift`
** others. */
RELATE_PRIVATE Inlined expression_inline(Failure *failure, Arena *arena,
                                         const Table *target,
                                         const Columns *payload, int shift,
                                         const char *text);

/* ---- layer 5: model.c: relationships ---- */

typedef enum Cardinality {
  ONE_TO_ONE,
  ONE_TO_MANY,
  MANY_TO_ONE,
  MANY_TO_MANY
} Cardinality;

typedef struct Model Model;

/* One step of a way through the model. */
typedef struct Step {
  const Relationship *relationship; /* plain, or derived and repeated */
  const Expression *where; /* only links for which it is true, or NULL */
  bool repeat;             /* as often as it leads on */
} Step;

/* One direction of travel.  Whatever the cardinality, a link is a row of
** `link` in which `source_link` is compared with `source_key` of the source
** and `target_link` with `target_key` of the target:
**
**                   link           source_link          target_link
**   many-to-many    association    key to the source    key to the target
**   one-to-many     target         key to the source    target's own key
**   many-to-one     source         source's own key     key to the target
*/
struct Relationship {
  const Model *model;
  sqlite3_int64 serial; /* different for every relationship of a connection */
  Cardinality cardinality;
  const Table *source, *target, *link; /* target NULL: broken */
  Columns source_key, target_key;
  Columns source_link, target_link;
  Columns payload; /* of an association table */
  const ForeignKey *source_foreign, *target_foreign; /* NULL: no such key */
  bool pair_unique;      /* a pair is linked once at most */
  bool linked_by_source; /* the link is the source's own row */
  const Relationship *inverse;
  const char *exact_name; /* without the table */
  const char *short_name;
  const char *name;               /* the one to show, without the table */
  const char *full_name;          /* as a path: students.courses */
  const char *because;            /* the evidence, in a sentence */
  const char *problem;            /* why it can't be used, or NULL */
  bool short_is_shared;           /* with another relationship of the source */
  const Declaration *declaration; /* NULL: reflected */
  const Expression *order_by;     /* in which targets come, or NULL */
  /* A derived relationship is declared by a path or a condition.  It can be
  ** read only, and has no inverse.  What is said above of links and keys is that
  ** of the only step; of several, or one that is repeated, there are the first
  ** one's source and the last one's target, and link is NULL. */
  bool derived;
  int step_count; /* 0: not derived, or it can't be used */
  const Step *steps;
};

/* A way from a table to another, as a path describes it. */
typedef struct Route {
  const Table *source, *target;
  int count;
  Step *steps;
  const Column *column; /* named at the end, or NULL */
  bool in_link;         /* which is payload of the only step */
  const Expression *order_by;
} Route;

/* A function that the file declares. */
typedef struct DeclaredFunction {
  const FunctionDeclaration *declaration;
  const Relationship *relationship; /* NULL: see problem.  For a path it is a
                                    ** derived one that is in no list */
  Route route;
  const char *problem;
} DeclaredFunction;

/* The relationships of one schema.  Immutable, counted, one per connection and
** schema at a time; who holds a reference may go on with an old one. */
struct Model {
  int references;
  Arena *arena;
  const Schema *schema;
  const Catalog *catalog;
  int relationship_count, function_count;
  Relationship *relationships; /* in the order of source and exact name */
  DeclaredFunction *functions;
  const Relationship **by_short_name; /* in the order of source, short name */
};

RELATE_PRIVATE void model_retain(Model *model);
RELATE_PRIVATE void model_release(Model *model);
/* The relationship `name` of `table`: by exact, declared or short name.
** NULL: there is none, or several share the short name. */
RELATE_PRIVATE const Relationship *model_find(const Model *model,
                                              const char *table,
                                              const char *name);
RELATE_PRIVATE const Relationship *model_direction(Failure *failure,
                                                   const Model *model,
                                                   const Direction *direction);
RELATE_PRIVATE const char *cardinality_name(Cardinality cardinality);
/* The link's row is that of its source, or of its target. */
RELATE_PRIVATE bool link_is_source(const Relationship *r);
RELATE_PRIVATE bool link_is_target(const Relationship *r);
RELATE_PRIVATE bool relationship_is_to_one(const Relationship *r);

/* ---- layer 5: reflection.c: relationships out of foreign keys ---- */

/* A model in the making. */
typedef struct Builder {
  Failure *failure;
  Model *model;
  Arena *arena;
  sqlite3 *db;
  sqlite3_int64 *serial;
  Analyser *analyser; /* opened by the first expression */
  int count;
  Relationship *list; /* the two directions of a pair stand together */
} Builder;

/* Adds so many empty relationships; NULL once *failure is set. */
RELATE_PRIVATE Relationship *builder_add(Builder *builder, int count);
RELATE_PRIVATE void reflection_add_table(Builder *builder, const Table *table);
RELATE_PRIVATE void reflection_add_through(Builder *builder,
                                           const ForeignKey *first,
                                           const ForeignKey *second,
                                           bool unique);

/* ---- layer 5: route.c: a way through the model ---- */

RELATE_PRIVATE void route_add(Failure *failure, Arena *arena, Route *route,
                              Step step);
RELATE_PRIVATE void route_follow(Failure *failure, Arena *arena, Route *route,
                                 const Relationship *relationship);
RELATE_PRIVATE Route route_of(Failure *failure, Arena *arena,
                              const Relationship *relationship);
RELATE_PRIVATE const Relationship *route_link(const Route *route);
RELATE_PRIVATE bool route_end(Route *route, const char *name);
RELATE_PRIVATE bool step_is_to_one(const Step *step);
RELATE_PRIVATE bool route_is_to_one(const Route *route);
/* The key from which its first step starts. */
RELATE_PRIVATE const Columns *route_start(const Route *route);
RELATE_PRIVATE unsigned route_flags(const Route *route);

/* ---- layer 6: derivation.c: relationships out of others ---- */

/* Makes `to`, which has a source and a declaration, what that says.  Expects
** the model's relationships to be in order and to have their names. */
RELATE_PRIVATE void derivation_complete(Builder *builder, Relationship *to);
/* Reads in which order the targets of a declared relationship come. */
RELATE_PRIVATE void derivation_order(Builder *builder, Relationship *to);
/* The same for what a function is declared by. */
RELATE_PRIVATE void derivation_function(Builder *builder,
                                        DeclaredFunction *function);
/* The steps as they are stored, in the arena.  Fails if they can't be. */
RELATE_PRIVATE const char *derivation_path(Failure *failure, Arena *arena,
                                           const Route *route);
/* The steps as a path, by the names that are shown: courses.students */
RELATE_PRIVATE void derivation_append(sqlite3_str *text, const Step *steps,
                                      int count);

/* ---- layer 6: rule.c: what a relationship allows ---- */

typedef enum RuleKind {
  RULE_CHECK,
  RULE_MAX_COUNT,
  RULE_MIN_COUNT,
  RULE_HAVING,
  RULE_NO_OVERLAP,
  RULE_ACYCLIC
} RuleKind;

typedef struct Rule {
  const RuleDeclaration *declaration;
  const Relationship *relationship; /* NULL: see problem */
  RuleKind kind;
  const char *text;             /* of its expression as given, or NULL */
  const Expression *expression; /* NULL: acyclic; of no_overlap the start */
  const Expression *end;        /* of no_overlap */
  const Expression *where;      /* only links for which it is true, or NULL */
  const Expression *per;        /* counted for each value of it, or NULL */
  bool always;  /* judged also when a row that it reads changes */
  bool leaving; /* judged when a link goes, and only then */
  const char *message;
  const char *problem; /* why it can't be used, or NULL */
} Rule;

RELATE_PRIVATE const char *rule_kind_name(RuleKind kind);
/* True if it judges all links of a source together. */
RELATE_PRIVATE bool rule_is_about_all(const Rule *rule);
/* Everything is in the arena.  NULL once *failure is set. */
RELATE_PRIVATE Rule *rule_read(Failure *failure, Arena *arena, sqlite3 *db,
                               Analyser *analyser, const Model *model,
                               const RuleDeclaration *declaration);

/* ---- layer 6: path.c: what a path names ---- */

typedef struct PathPart {
  const char *name;
  bool repeat; /* followed by * */
} PathPart;

/* `aux:students.courses.title` taken apart.  Free with path_free. */
typedef struct Path {
  Arena *arena;
  const char *schema; /* "main" unless given */
  const char *table;
  const char *name; /* of the first part; NULL: only a table was given */
  int count;
  PathPart *parts;
} Path;

/* What may stand at the end of a path. */
typedef enum PathEnd { PATH_TO_TABLE, PATH_TO_COLUMN, PATH_TO_EITHER } PathEnd;

RELATE_PRIVATE Path path_read(Failure *failure, const char *text);
/* The name of a table, as an argument; what it leads to is said in `where`, the
** shape or the document. */
RELATE_PRIVATE Path path_read_table(Failure *failure, const Value *name,
                                    const char *where);
RELATE_PRIVATE Path path_read_from(Failure *failure, const char *table,
                                   const char *text);
RELATE_PRIVATE void path_free(Path *path);
/* The relationship that the path names, usable; else a failure that offers the
** nearest names, or the exact names of those that share a short one. */
RELATE_PRIVATE const Relationship *path_relationship(Failure *failure,
                                                     const Model *model,
                                                     const Path *path);
/* The failure of a name that is neither a column of the table, or payload (which
** may be NULL), nor a relationship: it offers the nearest of all. */
RELATE_PRIVATE void path_fail_name(Failure *failure, const Model *model,
                                   const Table *table, const Columns *payload,
                                   const char *name);
RELATE_PRIVATE const Table *path_table(Failure *failure, const Model *model,
                                       const char *table);
/* The way that the path describes; its steps are in the arena. */
RELATE_PRIVATE Route path_route(Failure *failure, Arena *arena,
                                const Model *model, const Path *path,
                                PathEnd end);

/* ---- layer 6: clause.c: pieces of SQL about one link ---- */

/* One end of a relationship: a key, its parameters, the link's columns. */
typedef struct End {
  const Columns *link;
  const Columns *key;
  const Table *table; /* at home */
  int parameter;      /* of its first column */
  const char *alias;  /* of the link's row */
} End;

RELATE_PRIVATE End end_of_source(const Relationship *relationship);
RELATE_PRIVATE End end_of_target(const Relationship *relationship);
/* True if the link's columns compare as the key's do. */
RELATE_PRIVATE bool end_is_alike(const End *end);
RELATE_PRIVATE bool clause_same_value(const Column *a, const Column *b);
RELATE_PRIVATE void clause_table(sqlite3_str *text, const Table *table,
                                 const char *alias);
RELATE_PRIVATE void clause_column(sqlite3_str *text, const char *alias,
                                  const Column *column);
/* SELECT of the columns of the row with that key, bound from 1 on. */
RELATE_PRIVATE char *clause_row(const Table *table, const Columns *columns,
                                const Columns *key);
/* Whether the column has what the parameter would be stored as; whether it differs
** in the row of another alias. */
RELATE_PRIVATE void clause_same(sqlite3_str *text, const char *alias,
                                const Column *column, int parameter);
RELATE_PRIVATE void clause_differs(sqlite3_str *text, const char *alias,
                                   const char *other, const Column *column);
RELATE_PRIVATE void clause_columns(sqlite3_str *text, const char *alias,
                                   const Columns *columns);
/* That those of the columns that may be NULL are not; `separator` comes before the
** first. */
RELATE_PRIVATE void clause_filled(sqlite3_str *text, const char *separator,
                                  const char *alias, const Columns *columns);
RELATE_PRIVATE void clause_key(sqlite3_str *text, const char *alias,
                               const Columns *key, int parameter);
RELATE_PRIVATE void clause_value(sqlite3_str *text, const End *end, int i);
RELATE_PRIVATE void clause_compared(sqlite3_str *text, const End *end, int i);
RELATE_PRIVATE void clause_match(sqlite3_str *text, const End *end);
RELATE_PRIVATE void clause_exists(sqlite3_str *text, const char *separator,
                                  const Relationship *relationship,
                                  const End *end);
RELATE_PRIVATE void clause_not_null(sqlite3_str *text,
                                    const Relationship *relationship,
                                    const char *alias);

/* ---- layer 7: builder.c: a model in the making ---- */

/* Reads the schema called `name` and makes its model, with one reference.
** *serial numbers the relationships of all models of a connection. */
RELATE_PRIVATE Model *model_new(Failure *failure, sqlite3 *db, const char *name,
                                sqlite3_int64 *serial);

/* ---- layer 7: field.c: what can be read along a route ---- */

typedef enum FieldOrigin {
  FIELD_TARGET,  /* a column of the target */
  FIELD_PAYLOAD, /* of the link */
  FIELD_SOURCE,  /* of the source's key */
  FIELD_LINK,    /* the key of the link's row */
  FIELD_DEPTH    /* how many steps it took */
} FieldOrigin;

typedef struct Field {
  const char *name;
  FieldOrigin origin;
  const Column *column; /* FIELD_SOURCE: of the source's own key.  NULL: of a
                        ** link_key of several columns, of depth */
  int place;            /* in the source's key */
} Field;

typedef struct Fields {
  int count;
  Field *list;
  int source; /* where the fields of the source's key begin */
  int link;   /* where link_key is, or -1 */
} Fields;

RELATE_PRIVATE Fields fields_of(Failure *failure, Arena *arena,
                                const Route *route, bool travels);
RELATE_PRIVATE char field_affinity(const Field *field);
RELATE_PRIVATE const char *field_collation(const Field *field);
RELATE_PRIVATE char *fields_declaration(Failure *failure, const Fields *fields);

/* ---- layer 7: generate.c: SQL about links ---- */

/* What can be prepared about a relationship; the kind of its cached statement.
** GENERATE_LINK is cached with its payload columns as the detail. */
enum {
  GENERATE_COUNT = 1,
  GENERATE_MEMBER,
  GENERATE_TARGETS,
  GENERATE_LINK,
  GENERATE_LINK_ROWS,
  GENERATE_UNLINK,
  GENERATE_DISPLACE,
  GENERATE_MOVE,
  GENERATE_LINK_PAIR,  /* LINK without payload, as STATEMENT_STRICT */
  GENERATE_UNLINK_PAIR /* UNLINK, likewise */
};

/* Pure: they make text and run nothing.  Parameters: the source key first,
** then the target key, then what else is said.  The caller frees the text;
** NULL means no memory. */
RELATE_PRIVATE char *generate_count(const Relationship *relationship);
RELATE_PRIVATE char *generate_member(const Relationship *relationship);
RELATE_PRIVATE char *generate_targets(const Relationship *relationship);
/* `payload`: columns to set, then bound after the keys. */
RELATE_PRIVATE char *generate_link(const Relationship *relationship,
                                   const Columns *payload);
RELATE_PRIVATE char *generate_link_pair(const Relationship *relationship);
#define ROWS_TABLE "_relationship_rows" /* of rows.c */

/* The pairs of that table, in one statement. */
RELATE_PRIVATE char *generate_link_rows(const Relationship *relationship);
RELATE_PRIVATE char *generate_unlink(const Relationship *relationship);
/* The one link whose row has the key that is bound. */
RELATE_PRIVATE char *generate_unlink_row(const Relationship *relationship);
/* Another link that stands in the way of a one-to-one is dissolved. */
RELATE_PRIVATE char *generate_displace(const Relationship *relationship);
/* All links of the source, which has one at most, are dissolved. */
RELATE_PRIVATE char *generate_vacate(const Relationship *relationship);
/* After both keys, the key of the new target. */
RELATE_PRIVATE char *generate_move(const Relationship *relationship);
RELATE_PRIVATE char *generate_exists(const Table *table, const Columns *key);
/* The key of at most two rows in which `given` are what is bound. */
RELATE_PRIVATE char *generate_find(const Table *table, const Columns *key,
                                   const Columns *given);
RELATE_PRIVATE bool generate_asks_rows(const Relationship *relationship);
/* Whether a link can be made without changing the key of a row, and dissolved
** without deleting a row. */
RELATE_PRIVATE bool generate_can_link(const Relationship *relationship);
RELATE_PRIVATE bool generate_can_unlink(const Relationship *relationship);
/* True if unlinking sets the column of the foreign key to NULL. */
RELATE_PRIVATE bool generate_clears(const Relationship *relationship,
                                    const Column *column);

/* ---- layer 7: select.c: SQL that reads along a route ---- */

/* Pure, as generate.c; the source key is bound from parameter 1. */
RELATE_PRIVATE char *select_aggregate(const Route *route, const char *function);
RELATE_PRIVATE char *select_value(const Route *route);
RELATE_PRIVATE char *select_member(const Route *route);

/* The pieces of it.  What a step's link is called: source, target or link. */
RELATE_PRIVATE const char *select_link(const Relationship *relationship);
RELATE_PRIVATE bool select_link_is_target(const Relationship *relationship);
/* Rows beside the link's own that are asked for. */
enum { ROWS_SOURCE = 1, ROWS_TARGET = 2, ROWS_LINK = 4 };

RELATE_PRIVATE void select_rows(sqlite3_str *text, const Step *step, int rows);
/* The key of the source, from the link where that has the very values; *row is
** where from: then it is the link's row, else source. */
RELATE_PRIVATE const Columns *select_source_columns(const Relationship *r,
                                                    const char **row);
RELATE_PRIVATE void select_is_link(sqlite3_str *text, const Step *step);
/* FROM and WHERE: of the links of the only step, with these rows; or of targets,
** each once. */
RELATE_PRIVATE void select_from_links(sqlite3_str *text, const Route *route,
                                      int rows);
RELATE_PRIVATE void select_from_targets(sqlite3_str *text, const Route *route);
RELATE_PRIVATE void select_is_linked(sqlite3_str *text, const Step *step);
RELATE_PRIVATE void select_from_pairs(sqlite3_str *text, const Route *route);

/* ---- layer 7: draft.c: what breaks a rule, as SQL ---- */

/* What stands between a parenthesis and an expression of the rule. */
#define DRAFT_RULE_MARK "/*rule*/ "
#define DRAFT_END_MARK "/*end*/ "
#define DRAFT_WHERE_MARK "/*where*/ "
#define DRAFT_PER_MARK "/*per*/ "

/* A supposed link is a row of DRAFT_LINK; with it, or without it where it is to
** go, the links of its source are DRAFT_LINKS.  See suppose.c. */
#define DRAFT_LINK "_relationship_link"
#define DRAFT_LINKS "_relationship_links"

/* Which rows of a link a piece of SQL needs. */
enum { NEEDS_SOURCE = 1, NEEDS_TARGET = 2, NEEDS_LINK = 4 };

/* A text in the making. */
typedef struct Draft {
  sqlite3_str *text;
  const Rule *rule;
  const Relationship *relationship;
  const char *schema; /* of the tables, NULL in what is stored */
  bool supposed;      /* the link that is judged is not there */
  bool lost;          /* there was no memory for a part of it */
} Draft;

/* A row by its alias, and the columns in it that hold some key. */
typedef struct Holder {
  const char *alias;
  const Columns *columns;
} Holder;

RELATE_PRIVATE Draft draft_of(const Rule *rule, const char *schema);
/* The caller frees it; NULL means no memory. */
RELATE_PRIVATE char *draft_finish(Draft *draft);
RELATE_PRIVATE void draft_say(Draft *draft, const char *text);
RELATE_PRIVATE void draft_table(Draft *draft, const Table *table,
                                const char *alias);
RELATE_PRIVATE void draft_column(Draft *draft, const char *alias,
                                 const Column *column);
RELATE_PRIVATE void draft_columns(Draft *draft, Holder holder);
RELATE_PRIVATE void draft_expression(Draft *draft,
                                     const Expression *expression);
/* key = other, as the key compares. */
RELATE_PRIVATE void draft_match(Draft *draft, Holder key, Holder other);
/* The columns in `alias`, a link, that refer to `end` hold `key`. */
RELATE_PRIVATE void draft_linked(Draft *draft, End end, const char *alias,
                                 Holder key);
RELATE_PRIVATE Holder draft_source_of(const Draft *draft, const char *link);
RELATE_PRIVATE Holder draft_target_of(const Draft *draft, const char *link);
/* The source whose links are judged, as it is called around them. */
RELATE_PRIVATE Holder draft_owner(const Draft *draft);
/* Tables; and that they are the rows of the link `judged`.  `before` comes
** before the first. */
RELATE_PRIVATE void draft_rows(Draft *draft, unsigned rows, const char *before);
RELATE_PRIVATE void draft_rows_of(Draft *draft, unsigned rows,
                                  const char *judged, const char *before);
RELATE_PRIVATE int draft_is_link(Draft *draft, const char *alias,
                                 const char *before);
/* FROM the links of the source that `key` holds; of those only the ones with
** the (per) of `judged`. */
RELATE_PRIVATE unsigned draft_links_need(const Rule *rule);
RELATE_PRIVATE void draft_links(Draft *draft, Holder key, unsigned rows);
RELATE_PRIVATE void draft_same_per(Draft *draft, const char *judged);
/* The source that `key` holds has links that break the rule; of those like
** `judged`, or NULL. */
RELATE_PRIVATE void draft_links_break(Draft *draft, Holder key,
                                      const char *judged);
RELATE_PRIVATE bool draft_ends_are_alike(const Relationship *r);
/* The rows that a rule needs beside the link `judged`; the key of its source
** by these; that it breaks the rule. */
RELATE_PRIVATE unsigned draft_judged_needs(const Rule *rule);
RELATE_PRIVATE Holder draft_judged_key(const Draft *draft, const char *judged,
                                       unsigned rows);
RELATE_PRIVATE void draft_link_breaks(Draft *draft, const char *judged,
                                      unsigned rows);
/* The keys of the sources, or of both ends of the links, that break the rule. */
RELATE_PRIVATE char *draft_breaking_sql(const Rule *rule);

/* ---- layer 7: form.c: rows of which the same columns are given ---- */

typedef struct Frame Frame;

/* Some columns of a table that are given. */
typedef struct Form {
  struct Form *next; /* of the bucket */
  Frame *frame;
  Columns columns;
  sqlite3_stmt *insert, *compare, *update; /* NULL: not needed so far */
} Form;

/* What all forms of a table share. */
struct Frame {
  Frame *next;
  const Table *table;
  Columns kept; /* what is remembered of each row; the row's key comes first */
  bool is_numbered;    /* SQLite makes a key where none is given */
  bool by_rowid;       /* and nothing else is kept */
  sqlite3_int64 given; /* the greatest number that is not to be made */
  int triggers;        /* whether the table has some; 0: not asked so far */
  sqlite3_stmt **find; /* by the number of a key */
};

#define FORMS_BUCKETS 256
#define FORMS_TAKEN 40 /* statements at once; the cache keeps some more */

/* No frames at first. */
typedef struct Forms {
  Arena *arena;
  const Model *model;
  Cache *cache;
  Frame *frames;
  Form *buckets[FORMS_BUCKETS]; /* by their columns */
  int taken_count;
  sqlite3_stmt **taken[FORMS_TAKEN]; /* where statements of the cache are */
} Forms;

RELATE_PRIVATE Frame *forms_frame(Failure *failure, Forms *forms,
                                  const Table *table);
RELATE_PRIVATE Form *forms_form(Failure *failure, Forms *forms, Frame *frame,
                                int count, const Column *const *list);
/* The place of the column among those that are kept, or given; -1: it is not. */
RELATE_PRIVATE int frame_place(const Frame *frame, const Column *column);
RELATE_PRIVATE int form_place(const Form *form, const Column *column);
/* By which a row can be known: number 0 is the primary key, else the rowid, 1 and
** on are the indexes; NULL: that one does not tell rows apart. */
RELATE_PRIVATE const Columns *frame_key(const Frame *frame, int number);
/* Statements.  Bound are the values of the key or the form from parameter 1, and
** behind those of a form the key of the row.  Reset them; these are given back by
** forms_release.  What is kept of the row with that key: */
RELATE_PRIVATE sqlite3_stmt *frame_find(Failure *failure, Forms *forms,
                                        const Frame *frame, int number);
/* What is kept of the row whose rowid is bound, to be given back to the cache; NULL
** where rows have none, or no name for it. */
RELATE_PRIVATE sqlite3_stmt *frame_find_number(Failure *failure,
                                               const Forms *forms,
                                               const Frame *frame);
/* A new row; gives what is kept of it, unless that is the rowid. */
RELATE_PRIVATE sqlite3_stmt *form_insert(Failure *failure, Forms *forms,
                                         Form *form);
/* For each column whether it is as given. */
RELATE_PRIVATE sqlite3_stmt *form_compare(Failure *failure, Forms *forms,
                                          Form *form);
/* Gives what is kept of the row. */
RELATE_PRIVATE sqlite3_stmt *form_update(Failure *failure, Forms *forms,
                                         Form *form);
RELATE_PRIVATE void forms_release(Forms *forms);
/* To be given back to the cache.  Whether the column of a row, whose key is bound
** behind it, holds JSON that says the same as parameter 1. */
RELATE_PRIVATE sqlite3_stmt *frame_compare_json(Failure *failure,
                                                const Forms *forms,
                                                const Frame *frame,
                                                const Column *column);
/* What the column of the row with that key has. */
RELATE_PRIVATE sqlite3_stmt *frame_column(Failure *failure, const Forms *forms,
                                          const Frame *frame,
                                          const Column *column);
/* The row with that key goes. */
RELATE_PRIVATE sqlite3_stmt *frame_delete(Failure *failure, const Forms *forms,
                                          const Frame *frame);

/* ---- layer 7: rebuild.c: the SQL that would make a table anew ---- */

/* Scripts for an error to offer; nothing is run.  The caller frees them. */
RELATE_PRIVATE char *rebuild_action(Failure *failure, sqlite3 *db,
                                    const ForeignKey *key, const char *event,
                                    const char *action);
RELATE_PRIVATE char *rebuild_key(Failure *failure, sqlite3 *db,
                                 const Table *table, const char *columns,
                                 const char *constraint);

/* ---- layer 8: trigger.c: a rule as triggers ---- */

typedef enum TriggerEvent {
  TRIGGER_LINK_INSERT,
  TRIGGER_LINK_UPDATE,
  TRIGGER_LINK_DELETE,
  TRIGGER_SOURCE_INSERT,
  TRIGGER_SOURCE_UPDATE,
  TRIGGER_SOURCE_DELETE,
  TRIGGER_TARGET_INSERT,
  TRIGGER_TARGET_UPDATE
} TriggerEvent;

#define TRIGGER_EVENT_COUNT 8

/* Pure, for rules without a problem.  The caller frees the text; NULL means no
** memory. */
RELATE_PRIVATE bool trigger_is_wanted(const Rule *rule, TriggerEvent event);
RELATE_PRIVATE void trigger_append_name(sqlite3_str *text, const Rule *rule,
                                        TriggerEvent event);
/* The text of CREATE TRIGGER behind these words. */
RELATE_PRIVATE char *trigger_sql(const Rule *rule, TriggerEvent event,
                                 const char *name);

/* ---- layer 8: suppose.c: what a rule would say of a link ---- */

/* True if the rule judges a link that is made, or one that goes. */
RELATE_PRIVATE bool suppose_concerns(const Rule *rule, bool leaving);
/* Whether the rule would hold, how many links there are, and how many are allowed
** or wanted; if the pair whose keys are bound were linked, with `payload` bound
** behind them, or unlinked. */
RELATE_PRIVATE char *suppose_sql(const Rule *rule, bool leaving,
                                 const Columns *payload);

/* ---- layer 8: shape.c: what is to be loaded ---- */

typedef struct Shape Shape;

typedef enum ShapeItemKind {
  SHAPE_COLUMN,
  SHAPE_JSON,  /* a column that holds JSON */
  SHAPE_VALUE, /* at the end of a path, or an aggregate there */
  SHAPE_NESTED
} ShapeItemKind;

typedef struct ShapeItem {
  ShapeItemKind kind;
  const char *key;  /* in the object that is made */
  const char *lead; /* as JSON: {"key": or, behind another, ,"key": */
  int lead_size;
  int place;          /* of a column, in the statement of its shape */
  const int *sources; /* of the key from which route or shape start, likewise */
  Route route;        /* of a value */
  const char *function; /* of an aggregate, or NULL */
  int number;           /* of a value, among all statements of the whole */
  Shape *shape;         /* nested */
} ShapeItem;

/* A column that the statement of a shape reads, and of which row. */
typedef struct ShapeColumn {
  const Column *column;
  const char *alias; /* NULL while it is looked for: of the shape's own row */
  bool json;
} ShapeColumn;

struct Shape {
  Route route; /* from the shape around it; without steps for the outermost */
  const Table *table;
  int number; /* among all statements of the whole */
  bool to_one;
  Shape *around; /* NULL: outermost */
  /* One row that a foreign key leads to is joined in the statement around it:
  ** that has the columns, `found` where the row's key is. */
  bool joined;
  int found;
  int joins;         /* others that are joined in its statement */
  const char *alias; /* of its row */
  bool repeat;       /* each row has the rows that it leads to itself */
  int depth;         /* how far it repeats; 0: to the end */
  const int *again;  /* of the key from which it repeats, in its statement */
  const char *lead;  /* under which it repeats */
  int item_count, column_count;
  ShapeItem *items;
  ShapeColumn *columns;
  const Inlined *where, *order_by;
  const char *limit; /* SQL, or NULL */
  int parameters;    /* the greatest number of one */
  int statements;    /* of the whole, in the outermost */
};

/* The shape `text` of rows of `table`, in the arena. */
RELATE_PRIVATE Shape *shape_read(Failure *failure, Arena *arena,
                                 const Model *model, const Table *table,
                                 const char *text);
/* The statement of one shape: bound are the key from which it starts, then the
** parameters of its text.  Its columns may be named c0, c1 and so on.  The caller
** frees it. */
RELATE_PRIVATE char *shape_sql(const Shape *shape, const Columns *key,
                               bool named);

/* ---- layer 8: view.c: a relationship as a view ---- */

/* The text of CREATE VIEW behind these words.  Pure; the caller frees it. */
RELATE_PRIVATE char *view_sql(const Relationship *relationship,
                              const char *name);

/* ---- layer 8: travel.c: everything that can be reached ---- */

typedef struct Travel Travel;

/* `identity`: how many columns tell one row from another; `key`: of the source
** of its links, 0 if they are the same. */
RELATE_PRIVATE Travel *travel_new(Failure *failure, int identity, int key);
RELATE_PRIVATE void travel_free(Travel *travel);
/* Starts from the source with that key; no further than `limit` steps. */
RELATE_PRIVATE void travel_begin(Failure *failure, Travel *travel, int argc,
                                 sqlite3_value **argv, sqlite3_int64 limit);
/* Moves `statement`, which reads the links of the key bound to it, to the next
** row that has not been reached.  Behind `fields` columns it has the identity
** of the row, and the key.  False at the end. */
RELATE_PRIVATE bool travel_next(Failure *failure, Travel *travel,
                                sqlite3_stmt *statement, int fields);
RELATE_PRIVATE sqlite3_int64 travel_depth(const Travel *travel);
/* A column of the key it started from; borrowed until it goes on. */
RELATE_PRIVATE Value travel_source(const Travel *travel, int place);

/* ---- layer 8: reading.c: the statement that reads a navigator ---- */

/* field operator ?parameter */
typedef struct Comparison {
  const char *operator;  /* of SQL */
  const char *collation; /* that SQLite compares by */
  int field;
  int parameter;
} Comparison;

typedef struct Order {
  int field;
  bool descending;
} Order;

/* What is asked of a navigator. */
typedef struct Reading {
  const Route *route;
  const Fields *fields;
  sqlite3_uint64 used; /* fields by bits, as in colUsed */
  bool keyed;          /* the source's key is bound from parameter 1 */
  bool key_is_loose;
  bool counted; /* how many rows, instead of the rows */
  bool travels; /* what one row leads to, for travel.c */
  bool packed;  /* just what a user sees, or the route's column */
  int comparison_count, order_count;
  Comparison *comparisons;
  Order *orders;
  int first_loose;   /* the comparisons from here on come last, see plan.c */
  int limit, offset; /* parameters, 0: not given */
} Reading;

/* The caller frees it.  *tail becomes the length of what has to be cut off to
** read without the loose comparisons. */
RELATE_PRIVATE char *reading_sql(const Reading *reading, int *tail);
#define READING_COUNT "SELECT count(*)"

/* SELECT and the columns, without FROM. */
RELATE_PRIVATE void reading_select(sqlite3_str *text, const Reading *reading);
/* Where the field stands among the columns of link_key, or -1. */
RELATE_PRIVATE int reading_row_place(const Route *route, const Field *field,
                                     bool travels);
RELATE_PRIVATE bool reading_uses(const Reading *reading, int field);
/* The keys of all sources to travel from; keyed: of the one whose key is bound,
** or of some more. */
RELATE_PRIVATE char *reading_sources(const Route *route, bool keyed);

/* ---- layer 8: writing.c: the statements that write a navigator's rows ---- */

#define WRITING_SAID '+'
#define WRITING_UNSAID '-'

/* What is said of a row of a navigator. */
typedef struct Writing {
  const Relationship *relationship;
  const Fields *fields;
  char *said; /* WRITING_SAID for each field that has a value, a NUL behind */
} Writing;

/* In all statements the value of field i is parameter i + 1; the key of the
** link's row, or where it is said so of the target, follows behind the last
** field.  The caller frees the text; NULL means no memory. */
RELATE_PRIVATE bool writing_is_said(const Writing *writing, int field);
RELATE_PRIVATE bool writing_has(const Writing *writing, FieldOrigin origin);
RELATE_PRIVATE int writing_foreign_place(const Writing *writing,
                                         const Column *column);
/* The first key, from *number (0 at first), by which the target can be found;
** NULL: there is none. */
RELATE_PRIVATE const Columns *writing_key(const Writing *writing, int *number);
/* The target that has that key: its key as the relationship has it, then for
** each compared field whether it is so. */
RELATE_PRIVATE bool writing_is_compared(const Writing *writing, int field);
RELATE_PRIVATE char *writing_find(const Writing *writing, const Columns *by);
/* Whether each column that is said of the foreign key agrees with the source. */
RELATE_PRIVATE char *writing_agreement(const Writing *writing);
/* Makes the target; a row with its key, unless it was not made. */
RELATE_PRIVATE char *writing_make(const Writing *writing);
/* True if UPDATE can't change the field. */
RELATE_PRIVATE bool writing_is_fixed(const Writing *writing, int field);
/* The keys of both ends of a link, as its row has them. */
RELATE_PRIVATE char *writing_ends(const Writing *writing);
/* These, then for each field that is said, link_key aside, whether it is so. */
RELATE_PRIVATE char *writing_compare(const Writing *writing);
/* FIELD_TARGET: of the target, whose key is behind; FIELD_PAYLOAD: of the
** link. */
RELATE_PRIVATE char *writing_update(const Writing *writing, FieldOrigin origin);

/* ---- layer 9: shape_query.c: a shape as one query ---- */

/* The query that gives the object of one row, whose key is bound first, then
** the parameters of the shape.  The caller frees it. */
RELATE_PRIVATE char *shape_query(Failure *failure, const Shape *shape,
                                 const Columns *key);

/* ---- layer 9: plan.c: what SQLite asks of a navigator ---- */

/* Bits of idxNum. */
enum {
  PLAN_STALE = 0x01,   /* the columns have changed */
  PLAN_COUNTED = 0x02, /* the one row has the number of rows at its end */
  PLAN_TRAVELS = 0x04, /* a step that is repeated; the key, if any, is first */
  PLAN_KEYED = 0x08,   /* argv begins with the source's key */
  PLAN_DEPTH = 0x10,   /* the last of argv is the greatest depth */
  PLAN_BELOW = 0x20,   /* or the depth above that */
  PLAN_KEY_LOOSE = 0x40, /* the key is text, and must not be a number */
  PLAN_UPDATES = 0x80,   /* all columns are asked for, as only UPDATE does */
};
/* How long the loose part is, or the statement that lists sources. */
#define PLAN_FIRST_LOOSE(idxNum) (((idxNum) >> 8) & 0x3f)
#define PLAN_LOOSE_LENGTH(idxNum) ((idxNum) >> 14)

/* How many rows there are, as far as SQLite knows. */
typedef struct Estimate {
  double links;
  double of_source, of_target; /* links of one; of a target from all sources */
} Estimate;

RELATE_PRIVATE Estimate plan_estimate(Failure *failure, sqlite3 *db,
                                      const Route *route);
RELATE_PRIVATE void plan_make(Failure *failure, sqlite3_index_info *info,
                              const Route *route, const Fields *fields,
                              const Estimate *estimate, bool travels);

/* ---- layer 10: connection.c: what this connection knows ---- */

typedef struct Connection Connection;
typedef struct Function Function;
typedef struct Navigator Navigator;
typedef struct Atlas Atlas;

/* One of several writes that are to be undone together. */
typedef void StepFunction(Failure *failure, void *argument, int step);

/* The model of one attached schema, and a statement that notices changes. */
typedef struct Watch {
  struct Watch *next;
  char *schema;
  sqlite3_stmt *statement;
  int reprepared; /* SQLITE_STMTSTATUS_REPREPARE when the model was read */
  bool announced; /* the model, to the connection's announce */
  Model *model;
} Watch;

struct Connection {
  int references;
  sqlite3 *db;
  Cache *cache;
  Watch *watches;      /* main is always the first */
  Function *functions; /* every SQL function of ours on this connection */
  Atlas *atlas;        /* of the names in atlas.c, or NULL */
  void (*atlas_free)(Atlas *atlas);
  int depth;     /* calls of ours that are running, one in another */
  int compiling; /* of them those that SQLite makes to compile a query */
  sqlite3_int64 serial;
  const Values *rows; /* of rows.c, while it is read */
  StepFunction *step; /* of steps.c, while it runs */
  void *step_argument;
  Failure *step_failure;
  /* Called with each new model: registers functions and navigators. */
  void (*announce)(Failure *failure, struct Connection *connection,
                   Model *model);
};

RELATE_PRIVATE Connection *connection_new(Failure *failure, sqlite3 *db);
RELATE_PRIVATE void connection_retain(Connection *connection);
RELATE_PRIVATE void connection_release(void *connection);
/* The model of `schema` as of now, and a read transaction that keeps it so
** until connection_leave.  NULL once *failure is set; leave all the same. */
RELATE_PRIVATE Model *connection_enter(Failure *failure, Connection *connection,
                                       const char *schema);
/* The same with a model that may be out of date, for a STATEMENT_STRICT, which
** tells whether it was.  Nothing is looked at.  Leave it likewise. */
RELATE_PRIVATE void connection_trust(Failure *failure, Connection *connection,
                                     Model *model);
RELATE_PRIVATE void connection_leave(Connection *connection, Model *model);
RELATE_PRIVATE bool connection_foreign_keys(Connection *connection);
/* A statement of generate.c, taken from the cache: give it back. */
RELATE_PRIVATE sqlite3_stmt *connection_statement(
    Failure *failure, Connection *connection, const Relationship *relationship,
    int kind);

/* ---- layer 11: key.c: which row is meant ---- */

/* The values of a key, one for each of its columns. */
typedef struct Key {
  const Table *table;
  const Columns *columns;
  Value single;  /* a plain value, where `values` is NULL */
  Value *values; /* owned; their text is in `storage` */
  Values storage;
} Key;

/* Reads `given` as the key of a row of `table`: a plain value, or JSON: an
** array for a composite key, an object that picks one row by its columns. */
RELATE_PRIVATE void key_read(Failure *failure, Connection *connection,
                             const Table *table, const Columns *columns,
                             const Value *given, Key *key);
/* Puts the row in front of a failure's message. */
RELATE_PRIVATE void key_prefix(Failure *failure, const Key *key);
RELATE_PRIVATE void key_free(Key *key);
RELATE_PRIVATE const Value *key_values(const Key *key);
RELATE_PRIVATE int key_bind(Failure *failure, sqlite3_stmt *statement,
                            int parameter, const Key *key);
/* True if the row is there. */
RELATE_PRIVATE bool key_exists(Failure *failure, Connection *connection,
                               const Key *key);
RELATE_PRIVATE void key_demand(Failure *failure, Connection *connection,
                               const Key *key);
/* The members of a JSON text, value and name, taken from the cache. */
RELATE_PRIVATE sqlite3_stmt *json_open(Failure *failure, Connection *connection,
                                       const Value *json);
RELATE_PRIVATE int json_members(Failure *failure, Connection *connection,
                                const Value *json, const char *type);
/* courses with id = 99 */
RELATE_PRIVATE void key_describe_row(sqlite3_str *text, const Key *key);

/* ---- layer 11: navigator.c: a name under which a relationship is a table ---- */

/* One name, and what it means in the present model. */
struct Navigator {
  Connection *connection;
  const char *name; /* of the virtual table */
  const char *schema, *table, *relationship;
  bool travels;
  char *connected; /* the shape that SQLite has been told, or NULL */
  Model *model;    /* that what follows belongs to, or NULL */
  Arena *arena;
  const Relationship *meaning;
  Route route;
  Fields fields;
  Estimate estimate;
  char *columns; /* as SQLite is to be told */
  char *shape;   /* those, and what counting leaves out; NULL: see problem */
  Failure problem;
};

/* Makes what it means that of the model; a name that means nothing now is bound to
** the problem. */
RELATE_PRIVATE void navigator_bind(Failure *failure, Navigator *navigator,
                                   Model *model);
/* SQLite has been told other columns, or none. */
RELATE_PRIVATE bool navigator_is_stale(const Navigator *navigator);
RELATE_PRIVATE Navigator *navigator_make(Failure *failure, const char *name,
                                         const Relationship *relationship,
                                         const char *called);
RELATE_PRIVATE void navigator_free(Navigator *navigator);
RELATE_PRIVATE const char *navigator_name(const Navigator *navigator);

/* ---- layer 11: function.c: a SQL function and what it stands for ---- */

typedef enum Base {
  BASE_RELATE,
  BASE_UNRELATE,
  BASE_RELATE_SET,
  BASE_RELATE_MOVE,
  BASE_RELATED,
  BASE_RELATED_COUNT,
  BASE_RELATED_SUM,
  BASE_RELATED_AVG,
  BASE_RELATED_MIN,
  BASE_RELATED_MAX,
  BASE_RELATED_VALUE,
  BASE_NONE
} Base;

/* SQLite can't replace or remove a function while a statement runs, so each
** name is registered once, for good, and looks here for what it means now. */
struct Function {
  int references;
  Function *next; /* of the connection */
  Connection *connection;
  char *name;
  Base base;
  bool declared; /* by the file; else one of the built-in names */
  char *problem; /* why a declared one can't be called now, or NULL */
  char *path;    /* of a built-in one: the path it was last called with */
  Model *model;  /* that what follows belongs to, or NULL */
  const Relationship *relationship;
  Route route;      /* of a declared one; borrowed from the model */
  int preset_count; /* payload that the declaration gives */
  const Column **preset;
  Values preset_values;
  char *table_sql; /* the columns of its virtual table, as registered */
};

RELATE_PRIVATE Base base_find(const char *name);
RELATE_PRIVATE const char *base_name(Base base);
RELATE_PRIVATE bool base_writes(Base base);
RELATE_PRIVATE PathEnd base_path_end(Base base);
RELATE_PRIVATE Function *function_new(Failure *failure, Connection *connection,
                                      const char *name, Base base);
RELATE_PRIVATE void function_release(void *function);
RELATE_PRIVATE Function *function_find(const Connection *connection,
                                       const char *name);
/* A schema must not call ours: what a file contains has to work without us, and
** a file from a stranger must not write through us. */
#define FUNCTION_FLAGS \
  (SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_SUBTYPE | SQLITE_RESULT_SUBTYPE)

/* What a declared function means in `model`; declared NULL: it was dropped. */
RELATE_PRIVATE void function_bind(Failure *failure, Function *function,
                                  Model *model,
                                  const DeclaredFunction *declared);
/* Fails if the links of the relationship can't be changed.  NULL is fine. */
RELATE_PRIVATE void function_check_links(Failure *failure,
                                         const Relationship *relationship);
/* The relationship whose links a call is to change, in `model`: the declared
** one, else the one that `path`, the first argument, names. */
RELATE_PRIVATE const Relationship *function_relationship(Failure *failure,
                                                         Function *function,
                                                         Model *model,
                                                         const Value *path);
RELATE_PRIVATE const Relationship *function_remembered(const Function *function,
                                                       const Value *path);
/* The way that a call of a function that reads is about, in any schema: the
** declared one, else that of `path`.  Enters its model, to be left; what the
** route points to is the model's or in the arena. */
RELATE_PRIVATE Route function_route(Failure *failure, Function *function,
                                    Arena *arena, const Value *path,
                                    Model **model);

/* ---- layer 11: steps.c: several writes as one statement ---- */

#define STEPS_TABLE "_relationship_steps"

RELATE_PRIVATE void steps_register(Failure *failure, Connection *connection);
/* Calls step(argument, 0), then step(argument, 1), inside one INSERT
** statement, so that SQLite itself undoes both if one fails, even inside a
** writing statement. */
RELATE_PRIVATE void steps_run(Failure *failure, Connection *connection,
                              StepFunction *step, void *argument);

/* ---- layer 11: verdict.c: what the rules say of one link ---- */

/* A pair that would be linked or, leaving, unlinked. */
typedef struct VerdictQuestion {
  const Relationship *relationship;
  bool leaving;
  const Value *source, *target; /* keys */
  Columns payload;              /* that would be set */
  const Value *payload_values;
} VerdictQuestion;

typedef struct Verdict {
  const Rule *rule;
  bool said;           /* else the rule has a problem */
  Value holds;         /* 1, 0 or NULL */
  Value have, allowed; /* links of its source; NULL where none are counted */
  Values values;       /* that these are borrowed from */
} Verdict;

typedef void VerdictFunction(Failure *failure, void *argument,
                             const Verdict *verdict);

/* Calls each(argument, verdict) for every rule that would judge the link. */
RELATE_PRIVATE void verdict_each(Failure *failure, Connection *connection,
                                 const VerdictQuestion *question,
                                 VerdictFunction *each, void *argument);
/* True if what a trigger has raised is the message of a rule that refuses. */
RELATE_PRIVATE bool verdict_refuses(Connection *connection,
                                    const Failure *failure,
                                    const VerdictQuestion *question);
/* Adds numbers and the rule's name to what a trigger has raised. */
RELATE_PRIVATE void verdict_explain(Failure *failure, Connection *connection,
                                    const VerdictQuestion *question);

/* ---- layer 11: answer.c: a table whose rows are found out when asked ---- */

typedef struct Answer {
  const char *name;
  const char *declaration; /* CREATE TABLE, arguments HIDDEN and last */
  int column_count;        /* without arguments */
  int argument_count;      /* that may be given */
  bool acts;               /* asking does something */
  /* Adds the values of all rows. */
  void (*find)(Failure *failure, Connection *connection, int argc,
               const Value *argv, Values *rows);
} Answer;

RELATE_PRIVATE void answer_register(Failure *failure, Connection *connection,
                                    const Answer *answer);
/* Adds a text, or NULL. */
RELATE_PRIVATE void answer_text(Failure *failure, Values *rows,
                                const char *text);

/* ---- layer 11: trees.c: related_json() as a table ---- */

RELATE_PRIVATE void trees_register(Failure *failure, Connection *connection);

/* ---- layer 11: rows.c: gathered rows as a table ---- */

RELATE_PRIVATE void rows_register(Failure *failure, Connection *connection);

/* ---- layer 11: targets.c: the targets that a source has ---- */

typedef struct Target {
  sqlite3_int64 offset; /* of its key in `keys` */
  sqlite3_int64 size;
  int next;  /* of the same hash, -1 at the end */
  bool kept; /* not to go */
} Target;

/* All zeros at first. */
typedef struct Targets {
  Values keys; /* as they are stored, one after another */
  int count, room;
  Target *list;
  int *buckets; /* as many as `room` */
} Targets;

RELATE_PRIVATE void targets_free(Targets *targets);
/* Adds the key of so many columns that `statement` stands on. */
RELATE_PRIVATE void targets_add(Failure *failure, Targets *targets,
                                sqlite3_stmt *statement, int columns);
/* When all are added. */
RELATE_PRIVATE void targets_index(Failure *failure, Targets *targets);
/* The target whose key `statement` stands on is not to go. */
RELATE_PRIVATE void targets_keep(Failure *failure, Targets *targets,
                                 sqlite3_stmt *statement, int columns);
/* The key of the next that is to go, from *place (0 at first); false at the
** end.  Borrowed until targets_free. */
RELATE_PRIVATE bool targets_next(const Targets *targets, int *place,
                                 Value *values, int columns);

/* ---- layer 11: graph.c: rows and links that are to be ---- */

typedef struct Tie Tie;

/* How far an object has come, see persist.c. */
typedef enum ObjectState {
  OBJECT_WAITS,
  OBJECT_ENTERED, /* rows that it refers to are being written */
  OBJECT_WRITTEN
} ObjectState;

/* A JSON object: a row. */
typedef struct Object {
  struct Object *next;         /* in the order of the text */
  const struct Object *around; /* in which it stands; NULL: at the top */
  const char *name;            /* under which member of that; or NULL */
  int index;                   /* in an array, or -1 */
  int document;                /* from 1 */
  Frame *frame;
  Form *form; /* of what is given */
  Value *values;
  struct Object *same; /* that stands for its row; NULL: itself */
  Tie *held;           /* for which its row holds the foreign key */
  struct Listing *listings;
  Value *kept; /* what the frame keeps of its row; NULL: not known */
  ObjectState state;
  /* see agreement.c: */
  Tie *claims;   /* a one-to-one that refers to it */
  Tie *arriving; /* a link of an association table that leads to it */
  Tie *linked;   /* the first that leads to it, of the listing `linked_by` */
  const struct Listing *linked_by;
  bool settled; /* see identity.c */
  bool found;   /* its row was there before */
  bool rekeyed; /* what others refer to has changed */
  bool gone;    /* and has gone with its last link, as the documents say */
  sqlite3_uint64 found_by; /* the numbers of keys that have found it, as bits */
} Object;

/* What an object says of a relationship: some links of its row, or all. */
typedef struct Listing {
  struct Listing *next;      /* in the order of the text */
  struct Listing *of_object; /* another one of the object */
  const Relationship *relationship;
  const char *name; /* in the document, or NULL */
  Object *source;
  bool whole; /* there are to be no other links */
  bool empty; /* a to-one leads to no row */
  bool same;  /* another listing of the row says it all, see identity.c */
  Tie *ties, *last;
} Listing;

/* A link that is to be. */
struct Tie {
  struct Tie *next;      /* of the listing */
  struct Tie *of_holder; /* another one whose foreign key is in that row */
  struct Tie *of_target; /* another one that arrives there */
  struct Tie *of_parent; /* another one that claims the same row */
  Listing *listing;
  Object *target;
  Columns payload;
  Value *payload_values;
  bool said; /* it is in the statement that is to be run */
  bool made;
  bool late;  /* a new row is inserted before the one that it refers to */
  bool plain; /* it is given by the columns of a foreign key, see reference.c */
};

typedef struct Identity Identity;

typedef struct Graph {
  Forms forms;
  int documents; /* that have been read */
  bool several;  /* there are to be: messages have their numbers */
  bool alone;    /* in a transaction of their own */
  Object *objects, *last_object;
  Listing *listings, *last_listing;
  Identity *identity; /* see identity.c */
} Graph;

RELATE_PRIVATE Object *graph_add_object(Failure *failure, Graph *graph,
                                        Frame *frame, const Object *around,
                                        const char *name, int index);
RELATE_PRIVATE Listing *graph_add_listing(Failure *failure, Graph *graph,
                                          Object *source,
                                          const Relationship *relationship,
                                          bool whole);
RELATE_PRIVATE Tie *graph_add_tie(Failure *failure, Graph *graph,
                                  Listing *listing, Object *target);
/* Says in front of a failure which of several documents is read. */
RELATE_PRIVATE void graph_prefix_document(Failure *failure, const Graph *graph);
/* Says in front of a failure where it is: in `around`, NULL for the document, under
** a name or NULL, at an index or -1. */
RELATE_PRIVATE void graph_prefix_place(Failure *failure, const Graph *graph,
                                       int document, const Object *around,
                                       const char *name, int index);
/* $.courses[2], and of which of several documents. */
RELATE_PRIVATE void object_append_path(sqlite3_str *text, const Object *object);
RELATE_PRIVATE void graph_append_object(sqlite3_str *text, const Graph *graph,
                                        const Object *object);
/* Says in front of a failure where in the documents it is: at the object, or at
** a member of it. */
RELATE_PRIVATE void object_prefix(Failure *failure, const Graph *graph,
                                  const Object *object, const Column *column);
RELATE_PRIVATE void listing_prefix(Failure *failure, const Graph *graph,
                                   const Listing *listing);

/* The object that stands for the row. */
RELATE_PRIVATE Object *object_of(Object *object);
/* What is kept or given of it, or NULL. */
RELATE_PRIVATE const Value *object_value(const Object *object,
                                         const Column *column);
/* Copies, in the arena, of the columns that `statement` stands on. */
RELATE_PRIVATE void values_keep(Failure *failure, Arena *arena,
                                sqlite3_stmt *statement, Value *values,
                                int count);
/* Keeps the row that `statement` stands on. */
RELATE_PRIVATE void object_keep(Failure *failure, Arena *arena, Object *object,
                                sqlite3_stmt *statement);
/* The object whose row holds the foreign key, NULL: none does; the one that it
** refers to; the columns of the key, and of that which they refer to. */
RELATE_PRIVATE Object *tie_holder(const Tie *tie);
RELATE_PRIVATE Object *tie_parent(const Tie *tie);
RELATE_PRIVATE const Columns *tie_columns(const Tie *tie);
RELATE_PRIVATE const Columns *tie_key(const Tie *tie);
/* True if both are about one foreign key. */
RELATE_PRIVATE bool tie_is_of(const Tie *tie, const Relationship *relationship);
/* The key to which the tie's foreign key refers is known. */
RELATE_PRIVATE bool tie_parent_is_given(const Tie *tie);
/* The row that holds the foreign key can be inserted without it. */
RELATE_PRIVATE bool tie_can_wait(const Tie *tie);
/* A to-one is to lead to no row, by a foreign key of the object's own. */
RELATE_PRIVATE bool listing_clears(const Listing *listing);
/* The column is part of a key that has found the object's row. */
RELATE_PRIVATE bool object_is_found_by(const Object *object,
                                       const Column *column);
/* The key of the object's row, of these columns, which are kept; those of a link. */
RELATE_PRIVATE Key object_key(Failure *failure, Arena *arena,
                              const Object *object, const Columns *columns);
RELATE_PRIVATE Key object_row_key(Failure *failure, Arena *arena,
                                  const Object *object);
RELATE_PRIVATE Key tie_source_key(Failure *failure, Arena *arena,
                                  const Tie *tie);
RELATE_PRIVATE Key tie_target_key(Failure *failure, Arena *arena,
                                  const Tie *tie);

/* ---- layer 12: cursor.c: the rows of a navigator ---- */

/* What the navigator was when it was connected; a query that runs on may find
** that it means something else by now. */
typedef struct NavigatorTable {
  sqlite3_vtab base;
  Navigator *navigator;
  char *shape;
  const char *uncounted; /* in the shape: SELECT, of what counting left out */
  int field_count;
  int key_count;      /* of the source */
  int identity_count; /* of the target, where it travels */
  int node_key_count; /* 0: the identity is the key */
  int source_field;   /* the first of the source's key */
  int link_field;     /* -1: there is no link_key */
  int link_key_count; /* columns that it is made of */
  int *row_place;     /* of each field among these, or -1 */
  char *key_affinity; /* of each column of the source's key */
  bool single;        /* its rows are the links of one step */
  unsigned flags;     /* of its statements */
} NavigatorTable;

RELATE_PRIVATE bool navigator_table_is_stale(const NavigatorTable *table);
/* Methods of its module. */
RELATE_PRIVATE int navigator_open(sqlite3_vtab *pVtab,
                                  sqlite3_vtab_cursor **ppCursor);
RELATE_PRIVATE int navigator_close(sqlite3_vtab_cursor *base);
RELATE_PRIVATE int navigator_filter(sqlite3_vtab_cursor *base, int idxNum,
                                    const char *idxStr, int argc,
                                    sqlite3_value **argv);
RELATE_PRIVATE int navigator_next(sqlite3_vtab_cursor *base);
RELATE_PRIVATE int navigator_eof(sqlite3_vtab_cursor *base);
RELATE_PRIVATE int navigator_column(sqlite3_vtab_cursor *base,
                                    sqlite3_context *context, int field);
RELATE_PRIVATE int navigator_rowid(sqlite3_vtab_cursor *base,
                                   sqlite3_int64 *rowid);

/* ---- layer 12: link.c: links made, removed and moved ---- */

/* One order to change the links of a source. */
typedef struct LinkOrder {
  Connection *connection;
  const Relationship *relationship;
  Value source, target;
  Value other;     /* relate_move: the new target; relate_set: the JSON list */
  Columns payload; /* columns to set */
  const Value *payload_values;
} LinkOrder;

/* True if the order takes several statements, which are only together all or
** nothing. */
RELATE_PRIVATE bool link_is_several(Base base,
                                    const Relationship *relationship);
/* Carries the order out.  How many links were made, removed or changed. */
RELATE_PRIVATE sqlite3_int64 link_apply(Failure *failure, Base base,
                                        const LinkOrder *order);
/* Links or unlinks one pair without a look at the schema.  `arguments` are the
** path, unless the function is declared, the source and the target.  False:
** nothing was done, and it takes link_apply. */
RELATE_PRIVATE bool link_quickly(Failure *failure, const Function *function,
                                 const Value *arguments,
                                 sqlite3_int64 *changed);
/* Fails unless foreign keys are enforced. */
RELATE_PRIVATE void link_check(Failure *failure, Connection *connection);
/* Links two rows whose keys are known, in the order's connection and with its
** payload, as relate does; but refuses a pair that is linked, unless its payload
** is to be replaced.  How many links were made or changed. */
RELATE_PRIVATE sqlite3_int64 link_keys(Failure *failure, const LinkOrder *order,
                                       const Key *source, const Key *target,
                                       bool replaces);
/* A statement that was to link the two, or unlink them, has failed: says of which
** rows, and why. */
RELATE_PRIVATE void link_explain_pair(Failure *failure, const LinkOrder *order,
                                      const Key *source, const Key *target);
/* Runs `statement`, which removes one link of the two rows; refuses where a link
** can't be removed. */
RELATE_PRIVATE void link_dissolve(Failure *failure, const LinkOrder *order,
                                  const Key *source, const Key *target,
                                  sqlite3_stmt *statement);
/* True if pairs of plain values can be linked all in one statement. */
RELATE_PRIVATE bool link_in_bulk(const Relationship *relationship);
/* Links the pairs of `rows`, sources and targets in turn, all or nothing. */
RELATE_PRIVATE sqlite3_int64 link_rows(Failure *failure, Connection *connection,
                                       const Relationship *relationship,
                                       const Values *rows);
/* The payload column of that name; else a failure that lists them. */
RELATE_PRIVATE const Column *link_payload(Failure *failure,
                                          const Relationship *relationship,
                                          const char *name);

/* ---- layer 12: document.c: JSON read as rows and links ---- */

/* A document, and how it is to be read. */
typedef struct DocumentOrder {
  const Table *table; /* of the objects at the top */
  Value json;
  bool replaces; /* a relationship that is listed has no other links */
  bool ignores;  /* names that mean nothing */
} DocumentOrder;

/* Adds what the last of `documents` says. */
RELATE_PRIVATE void document_read(Failure *failure, Connection *connection,
                                  Graph *graph, const DocumentOrder *order);

/* ---- layer 12: identity.c: which row an object is ---- */

/* Finds the rows of all objects, and makes those one that are the same. */
RELATE_PRIVATE void graph_identify(Failure *failure, Graph *graph);
/* The object that gives the key of that number, or whose row was there with it.
** NULL: none. */
RELATE_PRIVATE Object *graph_find(Failure *failure, const Graph *graph,
                                  const Frame *frame, int number,
                                  const Value *const *values);
RELATE_PRIVATE void graph_forget(Graph *graph);
/* ---- layer 12: ledger.c: what relate_save() has done ---- */

#define LEDGER_COLUMNS 5 /* of an entry */

/* A graph on its way into the database. */
typedef struct Persisting {
  Failure *failure;
  Connection *connection;
  Graph *graph;
  Arena *arena;
  Values *log; /* the entries, or NULL */
  sqlite3_int64 count;
  bool patient;               /* what is refused is tried once more, later */
  sqlite3_int64 changes;      /* of the connection, before the statement */
  struct OrphanMemo *orphans; /* see parting.c */
  bool rekeys;     /* what others refer to has changed in some rows */
  bool removes;    /* rows have gone */
  int depth, room; /* of the objects that are entered */
  Object **entered;
  /* what is said of the row that is written */
  int said;
  const Column **columns;
  Value *values;
} Persisting;

/* The entry for a row, or for a link to `target`: what was done, the name of the
** table or relationship, the key, that of the target, and where `object` stands; the
** last two may be NULL. */
RELATE_PRIVATE void ledger_note(Persisting *persisting, const char *action,
                                const char *name, const Key *key,
                                const Key *target, const Object *object);
RELATE_PRIVATE void ledger_note_row(Persisting *persisting, const char *action,
                                    const Object *object);
/* Before a statement that may be refused; and whether it was by what may be right
** later, and has left nothing (RAISE(FAIL) does): then there is no failure any
** more. */
RELATE_PRIVATE void persisting_start(Persisting *persisting);
RELATE_PRIVATE bool persisting_waits(Persisting *persisting);

/* ---- layer 12: make.c: what a declaration has made in the file ---- */

/* One thing that was made: its type, and its name or table.column. */
typedef struct Made {
  const char *type;
  const char *name;
} Made;

/* Makes things in main, and keeps the record of one declaration. */
typedef struct Make {
  sqlite3 *db;
  Arena *arena;
  sqlite3_stmt *guard; /* stands on a row while nothing is dropped; or NULL */
  bool changed;        /* something was made or dropped */
  const char *view;    /* that the declaration names, or NULL */
  int count;
  Made *list;
} Make;

/* A foreign key to be made, to the primary key of `parent`. */
typedef struct MakeKey {
  const Table *parent;
  const char *const *columns; /* a name for each column of the primary key */
  const char *on_delete;      /* "CASCADE", ..., NULL: not said */
  const char *on_update;
} MakeKey;

RELATE_PRIVATE void make_read(Failure *failure, Make *make,
                              const Declaration *declaration);
RELATE_PRIVATE const char *make_text(Failure *failure, const Make *make);
RELATE_PRIVATE bool make_has(const Make *make, const char *type,
                             const char *name);
RELATE_PRIVATE void make_append_column(Failure *failure, sqlite3_str *sql,
                                       sqlite3 *db, const char *name,
                                       const Column *key, const Table *child);
RELATE_PRIVATE void make_append_references(sqlite3_str *sql,
                                           const MakeKey *key);
RELATE_PRIVATE void make_association(Failure *failure, Make *make,
                                     const char *name, const MakeKey *source,
                                     const MakeKey *target);
RELATE_PRIVATE void make_column(Failure *failure, Make *make,
                                const Table *child, const MakeKey *key);
RELATE_PRIVATE void make_indexes(Failure *failure, Make *make,
                                 const Relationship *relationship);
RELATE_PRIVATE void make_unique(Failure *failure, Make *make,
                                const Relationship *relationship);
RELATE_PRIVATE const char *make_trigger_name(Failure *failure, const Make *make,
                                             const Table *table,
                                             const Columns *columns,
                                             const char *kind);
RELATE_PRIVATE const char *make_recorded_trigger(const Make *make,
                                                 const char *kind);
/* `stem` with our prefix, such that nothing in main has the name. */
RELATE_PRIVATE const char *make_unused_name(Failure *failure, const Make *make,
                                            sqlite3_str *stem);
RELATE_PRIVATE void make_trigger(Failure *failure, Make *make, const char *name,
                                 char *sql);
RELATE_PRIVATE bool make_exists(Failure *failure, const Make *make,
                                const char *type, const char *name,
                                const char *sql);
/* Sees to it that the view `name` is what `sql` says; NULL: that there is
** none. */
RELATE_PRIVATE void make_view(Failure *failure, Make *make, const char *name,
                              const char *sql);
RELATE_PRIVATE void make_drop(Failure *failure, Make *make, const char *type,
                              const char *name);
RELATE_PRIVATE void make_drop_all(Failure *failure, Make *make);
RELATE_PRIVATE void make_drop_triggers(Failure *failure, Make *make);
RELATE_PRIVATE void make_drop_table(Failure *failure, Make *make,
                                    const char *name);
RELATE_PRIVATE void make_find(Failure *failure, Make *make);

/* ---- layer 13: verb.c: relate() and its family, as functions ---- */

RELATE_PRIVATE void verb_step(sqlite3_context *context, int argc,
                              sqlite3_value **argv);
RELATE_PRIVATE void verb_final(sqlite3_context *context);

/* ---- layer 13: verb_table.c: relate() and its family, as tables ---- */

/* Makes the function's name a table too, or gives that table the columns that
** the relationship now has. */
RELATE_PRIVATE void verb_table_register(Failure *failure, Function *function);

/* ---- layer 13: scalar.c: functions that read ---- */

RELATE_PRIVATE void scalar_function(sqlite3_context *context, int argc,
                                    sqlite3_value **argv);

/* ---- layer 13: write.c: a row of a navigator, written ---- */

/* INSERT, UPDATE or DELETE, as xUpdate gets it.  Every failure leaves nothing
** behind.  False if a trigger has skipped the link of an INSERT. */
RELATE_PRIVATE bool write_row(Failure *failure, Connection *connection,
                              const Relationship *relationship,
                              const Fields *fields, int argc,
                              sqlite3_value **argv);

/* ---- layer 13: reference.c: foreign keys that are given as columns ---- */

/* Those that refer to a row of the documents become ties as well. */
RELATE_PRIVATE void graph_refer(Failure *failure, Graph *graph);

/* ---- layer 13: agreement.c: documents that contradict themselves ---- */

/* Fails if what the objects say of links can't all be; what is said of one link
** several times becomes one. */
RELATE_PRIVATE void graph_agree(Failure *failure, const Graph *graph);
/* A link to a row that has NULL for the column of its key. */
RELATE_PRIVATE void agreement_fail_no_key(Failure *failure,
                                          const Relationship *relationship,
                                          const Column *column);
/* The column of the object's foreign key would be `said`, and `value` by the
** relationship. */
RELATE_PRIVATE void agreement_fail_key(Failure *failure, const Graph *graph,
                                       const Object *object,
                                       const Relationship *relationship,
                                       const Column *column, const Value *said,
                                       const Value *value);

/* ---- layer 13: parting.c: one link of a graph, removed ---- */

/* A target of the relationship goes with its last link; it, or a source, does. */
RELATE_PRIVATE bool parting_orphans(Persisting *persisting,
                                    const Relationship *relationship);
RELATE_PRIVATE bool parting_deletes(Persisting *persisting,
                                    const Relationship *relationship);
/* The row, which holds the foreign key, is an object that says what that is to be,
** and so gets it by its own statement. */
RELATE_PRIVATE bool parting_moves(Persisting *persisting,
                                  const Relationship *relationship,
                                  const Key *target);
/* Removes the link to a target; in a relationship where a pair may be linked several
** times `link` is the key of its row.  True if the source has gone with it. */
RELATE_PRIVATE bool parting_unlink(Persisting *persisting,
                                   const Relationship *relationship,
                                   const Key *source, const Key *link);
/* The target of a to-one, in the arena; false: there is none. */
RELATE_PRIVATE bool parting_find(Persisting *persisting,
                                 const Relationship *relationship,
                                 const Key *source, Key *target);
/* Notes the row as deleted if it has gone; true if it has. */
RELATE_PRIVATE bool parting_note(Persisting *persisting, const Key *row);
/* Removes the link that is in the way of a one-to-one. */
RELATE_PRIVATE void parting_make_room(Persisting *persisting, const Tie *tie);

/* ---- layer 13: load.c: related_json() ---- */

RELATE_PRIVATE void load_register(Failure *failure, Connection *connection);

/* ---- layer 13: why.c: related_why() ---- */

RELATE_PRIVATE void why_register(Failure *failure, Connection *connection);

/* ---- layer 13: recipe.c: related_sql() ---- */

RELATE_PRIVATE void recipe_function(sqlite3_context *context, int argc,
                                    sqlite3_value **argv);

/* ---- layer 13: diagram.c: relationship_diagram() ---- */

/* The user data of this function, of that above, and of those in declare.c, is the
** Connection. */
RELATE_PRIVATE void diagram_function(sqlite3_context *context, int argc,
                                     sqlite3_value **argv);

/* ---- layer 13: enactment.c: what a rule has made in the file ---- */

typedef enum EnactmentState {
  ENACTMENT_INSTALLED,
  ENACTMENT_DIFFERS, /* a trigger is not what the rule wants */
  ENACTMENT_LOST     /* a trigger is missing */
} EnactmentState;

typedef struct EnactedTrigger {
  TriggerEvent event;
  const char *name;  /* on the record, or NULL */
  const char *found; /* its text in the file, or NULL */
} EnactedTrigger;

typedef struct Enactment {
  Make made; /* the record */
  int count; /* triggers that the rule wants; 0 where it has a problem */
  EnactedTrigger triggers[TRIGGER_EVENT_COUNT];
  EnactmentState state;
} Enactment;

/* Everything is in the arena. */
RELATE_PRIVATE Enactment enactment_of(Failure *failure, Arena *arena,
                                      sqlite3 *db, const Rule *rule);
RELATE_PRIVATE const char *enactment_state_name(EnactmentState state);
/* CREATE TRIGGER, with "main." or nothing as the schema; the caller frees. */
RELATE_PRIVATE char *enactment_sql(Failure *failure, const Rule *rule,
                                   TriggerEvent event, const char *name,
                                   const char *schema);

/* ---- layer 13: list.c: relationship_list, relationship_function_list ---- */

RELATE_PRIVATE void list_register(Failure *failure, Connection *connection);

/* ---- layer 13: uphold.c: what happens to the links of a deleted row ---- */

/* "CASCADE" for any spelling of it, ...; a failure names `option`. */
RELATE_PRIVATE const char *uphold_action(Failure *failure, const char *option,
                                         const char *text);
RELATE_PRIVATE const ForeignKey *uphold_key(const Relationship *relationship);
RELATE_PRIVATE void uphold_delete(Failure *failure, Make *make,
                                  const ForeignKey *key, const char *action);
RELATE_PRIVATE void uphold_update(Failure *failure, sqlite3 *db,
                                  const ForeignKey *key, const char *action);
RELATE_PRIVATE void uphold_check_circles(Failure *failure, Arena *arena,
                                         sqlite3 *db, const Model *model);

/* ---- layer 13: orphan.c: what becomes of a target without links ---- */

/* Sees to it that targets go with their last link, or that they stay. */
RELATE_PRIVATE void orphan_uphold(Failure *failure, Make *make,
                                  const Relationship *r, bool wanted);

/* ---- layer 14: saying.c: what is said of the row of an object ---- */

/* Takes the room for it. */
RELATE_PRIVATE void saying_open(Persisting *persisting);
/* Said anew is all that is given of a new row, without foreign keys that have to
** wait; or, of a row that is there, what is given besides links and keys. */
RELATE_PRIVATE void say_given(Persisting *persisting, const Object *object);
RELATE_PRIVATE void say_rest(Persisting *persisting, const Object *object);
/* Adds the foreign keys of ties that need not wait; and those that become NULL. */
RELATE_PRIVATE void say_ties(Persisting *persisting, const Object *object);
RELATE_PRIVATE void say_links(Persisting *persisting, const Object *object);
RELATE_PRIVATE void say_column(Persisting *persisting, const Column *column,
                               const Value *value);
/* Only what differs stays said; false if the row is gone. */
RELATE_PRIVATE bool say_differences(Persisting *persisting,
                                    const Object *object);
/* The place of the column in what is said, or -1; whether one of them is. */
RELATE_PRIVATE int said_place(const Persisting *persisting,
                              const Column *column);
RELATE_PRIVATE bool said_some(const Persisting *persisting,
                              const Columns *columns);
RELATE_PRIVATE Form *said_form(Persisting *persisting, const Object *object);
/* The number of the next parameter. */
RELATE_PRIVATE int said_bind(Persisting *persisting, sqlite3_stmt *statement);
RELATE_PRIVATE void said_bind_row(Persisting *persisting,
                                  sqlite3_stmt *statement, int parameter,
                                  const Object *object);
/* What has been said is so. */
RELATE_PRIVATE void ties_are_made(const Object *object);
/* A row that is there is known by it, so it stays. */
RELATE_PRIVATE bool column_stays(const Object *object, const Column *column);
/* It is part of a foreign key that is given as a link, too. */
RELATE_PRIVATE bool column_is_tied(const Object *object, const Column *column);

/* ---- layer 14: tie.c: links of association tables; lists that are whole ---- */

/* Sees to it that the two, whose rows are there, are linked. */
RELATE_PRIVATE void tie_make(Persisting *persisting, Tie *tie);
/* One of the two might otherwise go as an orphan. */
RELATE_PRIVATE bool tie_holds(Persisting *persisting, const Tie *tie);
/* Where all links are listed, removes the others: of relationships that delete
** orphans, or of those that don't. */
RELATE_PRIVATE void listing_leave(Persisting *persisting,
                                  const Listing *listing, bool orphans);

/* ---- layer 14: navigator_table.c: relationships as tables ---- */

/* Registers the table of that name on the connection: the relationship that is
** `called` so, or what it leads to when it is repeated.  It has to live as long as
** the connection. */
RELATE_PRIVATE Navigator *navigator_new(Failure *failure,
                                        Connection *connection,
                                        const char *name,
                                        const Relationship *relationship,
                                        const char *called, bool travels);
/* There is a new model: if the columns that SQLite was told are no longer so, it
** is made to ask again. */
RELATE_PRIVATE void navigator_refresh(Failure *failure, Navigator *navigator,
                                      Model *model);

/* ---- layer 14: check.c: relationship_check ---- */

RELATE_PRIVATE void check_register(Failure *failure, Connection *connection);

/* ---- layer 14: salvage.c: a rule out of its triggers ---- */

/* What `lost`, whose names are not there any more, says with those that its
** triggers have now; in the arena.  False if they don't tell. */
RELATE_PRIVATE bool salvage_rule(Failure *failure, Arena *arena, sqlite3 *db,
                                 const Model *model,
                                 const RuleDeclaration *lost,
                                 RuleDeclaration *found);

/* ---- layer 14: rule_list.c: relationship_rule_list ---- */

RELATE_PRIVATE void rule_list_register(Failure *failure,
                                       Connection *connection);

/* ---- layer 14: registry.c: the functions that have a base ---- */

/* Registers a function, and its table where the base has one. */
RELATE_PRIVATE void registry_add(Failure *failure, Connection *connection,
                                 const char *name, Base base, bool declared);
/* The functions of the connection become those of the new model. */
RELATE_PRIVATE void registry_announce(Failure *failure, Connection *connection,
                                      Model *model);

/* ---- layer 14: resolve.c: which relationship a declaration means ---- */

typedef enum Option {
  OPTION_INVERSE,
  OPTION_THROUGH,
  OPTION_TARGET,
  OPTION_FOREIGN_KEY,
  OPTION_PATH,
  OPTION_CARDINALITY, /* this one and what follows is kept */
  OPTION_ON_DELETE,
  OPTION_ON_UPDATE,
  OPTION_DELETE_ORPHAN,
  OPTION_WHERE,
  OPTION_ORDER_BY,
  OPTION_VIEW,
  OPTION_COMMENT,
  OPTION_COUNT
} Option;

/* One call of relationship(). */
typedef struct Request {
  Connection *connection;
  Arena *arena;
  Model *model; /* of main, as it is now */
  Path path;    /* what is declared */
  Path inverse; /* empty: not given */
  bool given[OPTION_COUNT];
  const char *values[OPTION_COUNT]; /* NULL: not given, or to be reset */
  /* made of the values by request_read: */
  const char *target, *through; /* tables; NULL: not said */
  int column_count;             /* of foreign_key */
  const char **columns;
  int cardinality; /* -1: not said */
  Make make;
} Request;

RELATE_PRIVATE const char *option_name(Option option);
RELATE_PRIVATE void request_read(Failure *failure, Request *request);
RELATE_PRIVATE void request_check(Failure *failure, const Request *request,
                                  const Relationship *relationship);
RELATE_PRIVATE Direction request_resolve(Failure *failure, Request *request);
RELATE_PRIVATE const Relationship *request_choose(Failure *failure,
                                                  const Request *request);

/* ---- layer 15: refusal.c: what is said when a row is refused ---- */

/* An object that only names a row, which is not there. */
RELATE_PRIVATE void refuse_key_alone(Persisting *persisting,
                                     const Table *table);
RELATE_PRIVATE void refuse_gone(Persisting *persisting, const Object *object);
/* Fails if a foreign key that is given, and is checked at the end, refers to no
** row. */
RELATE_PRIVATE void refuse_missing(Persisting *persisting, Object *object);
/* Adds to a failure of the statement that was to write what is said. */
RELATE_PRIVATE void refusal_explain(Persisting *persisting,
                                    const Object *object);

/* ---- layer 15: atlas.c: the names under which relationships are tables ---- */

/* Registers the names of a new model, and anew those whose columns have
** changed. */
RELATE_PRIVATE void atlas_announce(Failure *failure, Connection *connection,
                                   Model *model);
RELATE_PRIVATE void atlas_free(Atlas *atlas);

/* ---- layer 15: derive.c: what is said of a derived relationship ---- */

/* True if a relationship that is not declared yet is to be a derived one. */
RELATE_PRIVATE bool derive_asked(const Request *request);
/* Fails if an option can't be said of the derived relationship that is declared
** under the request's name, or is to be (NULL). */
RELATE_PRIVATE void derive_check(Failure *failure, const Request *request,
                                 const Relationship *relationship);
/* The row for the steps that the request describes, in its arena. */
RELATE_PRIVATE Declaration derive_declaration(Failure *failure,
                                              const Request *request);

/* ---- layer 16: record.c: one row of a graph, written ---- */

/* Writes a row that is new, or what differs of one that is there, with its foreign
** keys as far as they can be known.  False if a constraint refuses it, and there is
** patience. */
RELATE_PRIVATE bool record_insert(Persisting *persisting, Object *object);
RELATE_PRIVATE bool record_update(Persisting *persisting, Object *object);
/* Gives a row the foreign keys that had to wait. */
RELATE_PRIVATE void record_complete(Persisting *persisting, Object *object);
/* Of a row that is there, writes what others refer to; true if that has changed. */
RELATE_PRIVATE bool record_rekey(Persisting *persisting, Object *object);
/* A row that has changed with what it refers to is known as it is now; true if it may
** have been. */
RELATE_PRIVATE bool record_follow(Persisting *persisting, Object *object);
/* Fails if the row, which was there, has gone. */
RELATE_PRIVATE void record_check(Persisting *persisting, const Object *object);

/* ---- layer 16: declare.c: relationship() and relationship_drop() ---- */

/* What the declaring functions have in common: arguments, and a transaction
** after which this connection knows what is declared. */
typedef struct Undertaking {
  Connection *connection;
  Transaction transaction;
  sqlite3_stmt *guard; /* see make.c */
} Undertaking;

RELATE_PRIVATE const char *declare_text(Failure *failure, sqlite3_value *value,
                                        const char *what);
RELATE_PRIVATE Path declare_path(Failure *failure, const char *text);
RELATE_PRIVATE Undertaking declare_begin(Failure *failure,
                                         Connection *connection);
RELATE_PRIVATE void declare_end(Failure *failure, Undertaking *undertaking,
                                sqlite3_context *context, char *result);

/* Says what is declared under that name once more: makes what is missing.  True
** if something was. */
RELATE_PRIVATE bool declare_again(Failure *failure, Connection *connection,
                                  sqlite3_stmt *guard, const char *table,
                                  const char *name);
RELATE_PRIVATE void declare_relationship(sqlite3_context *context, int argc,
                                         sqlite3_value **argv);
RELATE_PRIVATE void declare_drop(sqlite3_context *context, int argc,
                                 sqlite3_value **argv);

/* ---- layer 17: persist.c: rows and links of documents, written ---- */

/* Makes the database say what the graph says.  How many rows and links were made,
** changed or removed; of each `log`, unless it is NULL, has an entry. */
RELATE_PRIVATE sqlite3_int64 graph_persist(Failure *failure,
                                           Connection *connection, Graph *graph,
                                           Values *log);

/* ---- layer 17: regulate.c: relationship_rule() and its drop ---- */

RELATE_PRIVATE void regulate_rule(sqlite3_context *context, int argc,
                                  sqlite3_value **argv);
RELATE_PRIVATE void regulate_rule_drop(sqlite3_context *context, int argc,
                                       sqlite3_value **argv);

/* If the row of a rule names what is not there any more, and its triggers have
** other names, writes these into the row, which is then `found`. */
RELATE_PRIVATE bool regulate_salvage(Failure *failure, Connection *connection,
                                     Arena *arena, const Model *model,
                                     const RuleDeclaration *lost,
                                     RuleDeclaration *found);
/* The same for a rule that is declared. */
RELATE_PRIVATE bool regulate_again(Failure *failure, Connection *connection,
                                   sqlite3_stmt *guard,
                                   const RuleDeclaration *rule);

/* ---- layer 17: define.c: relationship_function() and its drop ---- */

RELATE_PRIVATE void declare_function(sqlite3_context *context, int argc,
                                     sqlite3_value **argv);
RELATE_PRIVATE void declare_function_drop(sqlite3_context *context, int argc,
                                          sqlite3_value **argv);

/* ---- layer 18: save.c: relate_save() ---- */

RELATE_PRIVATE void save_register(Failure *failure, Connection *connection);

/* ---- layer 18: repair.c: relationship_repair() ---- */

RELATE_PRIVATE void repair_function(sqlite3_context *context, int argc,
                                    sqlite3_value **argv);

/* ---- layer 19: relate.c: the entry point ---- */

#endif
