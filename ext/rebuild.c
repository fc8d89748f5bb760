/*
** rebuild.c: the SQL that would make a table anew.
**
** SQLite can't change a foreign key of a table that exists.  What is asked for
** and can't be done comes back as an error, with the script that would do it:
**
**     PRAGMA foreign_keys = OFF;
**     PRAGMA legacy_alter_table = ON;
**     BEGIN;
**     CREATE TABLE _new_cars(id INTEGER PRIMARY KEY,
**       brand_id INTEGER REFERENCES brands(id) ON DELETE CASCADE);
**     INSERT INTO _new_cars(id, brand_id)
**       SELECT id, brand_id FROM cars;
**     DROP TABLE cars;
**     ALTER TABLE _new_cars RENAME TO cars;
**     COMMIT;
**     PRAGMA legacy_alter_table = OFF;
**     PRAGMA foreign_keys = ON;
**
** The CREATE statement is the table's own text, edited in one place: defaults,
** checks, comments and layout stay as they are.  To find the place the text is
** read by tokens; at depth 1, inside the outermost parenthesis, an item that
** doesn't begin with the keyword of a table constraint defines a column.
**
** The old way of renaming is asked for since the new one fails while a view
** or a trigger speaks of the table that is away.
**
** Nothing here is run.  The caller frees the text; NULL once *failure is set.
*/
#include "relate_int.h"

/* ---- tokens ---- */

typedef enum TokenKind {
  TOKEN_END,
  TOKEN_WORD,   /* a keyword or a plain name */
  TOKEN_QUOTED, /* "name", [name], `name` or 'text' */
  TOKEN_OPEN,
  TOKEN_CLOSE,
  TOKEN_COMMA,
  TOKEN_OTHER
} TokenKind;

typedef struct Token {
  TokenKind kind;
  const char *start, *end;
  const char *behind; /* the end of the token before it */
} Token;

static bool token_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool token_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '$' || (c >= '0' && c <= '9') || (c & 0x80);
}

/* Behind spaces and comments. */
static const char *token_skip_space(const char *c) {
  for (;;) {
    if (token_space(*c)) {
      c++;
    } else if (c[0] == '-' && c[1] == '-') {
      while (*c && *c != '\n') c++;
    } else if (c[0] == '/' && c[1] == '*') {
      const char *end = strstr(c + 2, "*/");
      c = end ? end + 2 : c + strlen(c);
    } else {
      return c;
    }
  }
}

/* The end of what is quoted from `c` on.  A doubled quote stands for itself,
** but not in brackets. */
static const char *token_skip_quoted(const char *c) {
  char quote = *c == '[' ? ']' : *c;
  for (c++; *c; c++) {
    if (*c != quote) continue;
    if (quote == ']' || c[1] != quote) return c + 1;
    c++;
  }
  return c;
}

static Token token_at(const char *text) {
  const char *start = token_skip_space(text), *end = start;
  TokenKind kind = TOKEN_OTHER;
  if (!*start) {
    kind = TOKEN_END;
  } else if (strchr("\"'`[", *start)) {
    kind = TOKEN_QUOTED;
    end = token_skip_quoted(start);
  } else if (token_word(*start)) {
    kind = TOKEN_WORD;
    while (token_word(*end)) end++;
  } else {
    if (*start == '(') kind = TOKEN_OPEN;
    if (*start == ')') kind = TOKEN_CLOSE;
    if (*start == ',') kind = TOKEN_COMMA;
    end++;
  }
  return (Token){kind, start, end, text};
}

static void token_next(Token *token) { *token = token_at(token->end); }

static bool token_is(const Token *token, const char *keyword) {
  int length = (int)(token->end - token->start);
  return token->kind == TOKEN_WORD && length == (int)strlen(keyword) &&
         sqlite3_strnicmp(token->start, keyword, length) == 0;
}

/* Moves on if the token is `keyword`. */
static bool token_take(Token *token, const char *keyword) {
  if (!token_is(token, keyword)) return false;
  token_next(token);
  return true;
}

/* True if the token, as an identifier, is `name`. */
static bool token_names(const Token *token, const char *name) {
  const char *c = token->start, *end = token->end;
  char quote = 0;
  if (token->kind == TOKEN_QUOTED) {
    quote = *c == '[' ? 0 : *c;
    c++;
    end--;
  } else if (token->kind != TOKEN_WORD) {
    return false;
  }
  for (; c < end && *name; c++, name++) {
    if (sqlite3_strnicmp(c, name, 1)) return false;
    if (quote && *c == quote) c++;
  }
  return c >= end && !*name;
}

/* From an opening parenthesis to behind the one that closes it. */
static void token_skip_parenthesis(Token *token) {
  int depth = 0;
  do {
    if (token->kind == TOKEN_OPEN) depth++;
    if (token->kind == TOKEN_CLOSE) depth--;
    token_next(token);
  } while (depth && token->kind != TOKEN_END);
}

/* True at the end of a column's or a constraint's definition. */
static bool token_ends_item(const Token *token) {
  return token->kind == TOKEN_COMMA || token->kind == TOKEN_CLOSE ||
         token->kind == TOKEN_END;
}

/* ---- places in a CREATE TABLE statement ---- */

/* `text` is to stand in place of what is there. */
typedef struct Edit {
  const char *start, *end; /* NULL: the place was not found */
  const char *text;
} Edit;

/* The parenthesis that opens the table's body. */
static Token body_open(const Table *table) {
  Token token = token_at(table->sql);
  while (token.kind != TOKEN_OPEN && token.kind != TOKEN_END)
    token_next(&token);
  return token;
}

static bool begins_constraint(const Token *token) {
  static const char *const keywords[] = {"CONSTRAINT", "PRIMARY", "UNIQUE",
                                         "CHECK", "FOREIGN"};
  for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
    if (token_is(token, keywords[i])) return true;
  return false;
}

/* The place behind the last column. */
static const char *columns_end(const Table *table) {
  Token token = body_open(table);
  const char *end = token.end;
  token_next(&token);
  while (token.kind != TOKEN_END && !begins_constraint(&token)) {
    while (!token_ends_item(&token))
      if (token.kind == TOKEN_OPEN) {
        token_skip_parenthesis(&token);
      } else {
        token_next(&token);
      }
    end = token.behind;
    if (token.kind != TOKEN_COMMA) break;
    token_next(&token);
  }
  return end;
}

/* The place before the parenthesis that closes the body. */
static const char *body_close(const Table *table) {
  Token token = body_open(table);
  if (token.kind == TOKEN_END) return token.start;
  token_skip_parenthesis(&token);
  return token.behind - 1;
}

/* Reads (a, b) and moves behind it; true if these are the columns. */
static bool token_lists(Token *token, const Columns *columns) {
  Token name = *token;
  bool same = true;
  token_skip_parenthesis(token);
  for (int i = 0; i < columns->count; i++) {
    token_next(&name);
    same = same && token_names(&name, columns->list[i]->name);
    token_next(&name);
  }
  return same && name.kind == TOKEN_CLOSE;
}

/* Behind REFERENCES parent(...): where `event`, DELETE or UPDATE, has its
** action, or could have one. */
static Edit action_place(Token *token, const char *event) {
  Edit place = {token->behind, token->behind, NULL};
  for (;;) {
    const char *start = token->behind;
    bool match = token_take(token, "MATCH");
    if (!match && !token_take(token, "ON")) return place;
    bool wanted = !match && token_is(token, event);
    if (!match) token_next(token);
    if (!token_take(token, "SET")) token_take(token, "NO");
    token_next(token);
    if (wanted) place = (Edit){start, token->behind, NULL};
  }
}

/* Reads a REFERENCES clause to its end; says where its action is if it refers
** to the parent of `key`. */
static Edit references_place(Token *token, const ForeignKey *key,
                             const char *event) {
  bool same = token_names(token, key->parent_name);
  token_next(token);
  if (token->kind == TOKEN_OPEN) token_skip_parenthesis(token);
  Edit place = action_place(token, event);
  return same ? place : (Edit){NULL, NULL, NULL};
}

/* Reads one item of the body to its end; says where the action of `key` is if
** the item defines it. */
static Edit item_place(Token *token, const ForeignKey *key, const char *event) {
  Edit found = {NULL, NULL, NULL};
  bool ours = !begins_constraint(token) && key->columns.count == 1 &&
              token_names(token, key->columns.list[0]->name);
  while (!token_ends_item(token)) {
    if (token_take(token, "FOREIGN")) {
      token_take(token, "KEY");
      ours = token_lists(token, &key->columns);
    } else if (token_take(token, "REFERENCES")) {
      Edit place = references_place(token, key, event);
      if (ours && !found.start) found = place;
    } else if (token->kind == TOKEN_OPEN) {
      token_skip_parenthesis(token);
    } else {
      token_next(token);
    }
  }
  return found;
}

static Edit key_place(const ForeignKey *key, const char *event) {
  Token token = body_open(key->table);
  Edit place = {NULL, NULL, NULL};
  while (!place.start && token.kind != TOKEN_END && token.kind != TOKEN_CLOSE) {
    token_next(&token);
    place = item_place(&token, key, event);
  }
  return place;
}

/* ---- the script ---- */

/* The text of the table from its parenthesis on, edited. */
static void append_body(sqlite3_str *script, const Table *table,
                        const Edit *edits, int count) {
  const char *from = body_open(table).start;
  for (int i = 0; i < count; i++) {
    sqlite3_str_append(script, from, (int)(edits[i].start - from));
    sqlite3_str_appendall(script, edits[i].text);
    from = edits[i].end;
  }
  sqlite3_str_appendall(script, from);
  sqlite3_str_appendall(script, ";\n");
}

static void append_column_names(sqlite3_str *script, const Table *table) {
  const char *separator = "";
  for (int i = 0; i < table->column_count; i++) {
    if (table->columns[i].generated) continue;
    sqlite3_str_appendall(script, separator);
    sqlite3_str_appendf(script, "\"%w\"", table->columns[i].name);
    separator = ", ";
  }
}

/* What goes away with the old table: its indexes and triggers. */
static void append_dependents(Failure *failure, sqlite3_str *script,
                              sqlite3 *db, const Table *table) {
  sqlite3_stmt *statement = statement_prepare(
      failure, db, STATEMENT_PLAIN,
      "SELECT s.sql FROM main.sqlite_schema AS s"
      " WHERE s.tbl_name = ?1 COLLATE NOCASE AND s.sql IS NOT NULL"
      " AND s.type IN ('index', 'trigger') ORDER BY s.type, s.name");
  statement_bind_text(failure, statement, 1, table->name);
  while (statement_step(failure, statement)) {
    const char *sql = statement_text(failure, statement, 0);
    if (sql) sqlite3_str_appendall(script, sql);
    sqlite3_str_appendall(script, ";\n");
  }
  sqlite3_finalize(statement);
}

static char *rebuild_script(Failure *failure, sqlite3 *db, const Table *table,
                            const Edit *edits, int count) {
  if (failure->code) return NULL;
  sqlite3_str *script = sqlite3_str_new(db);
  sqlite3_str_appendall(script,
                        "PRAGMA foreign_keys = OFF;\n"
                        "PRAGMA legacy_alter_table = ON;\nBEGIN;\n");
  sqlite3_str_appendf(script, "CREATE TABLE \"_new_%w\"", table->name);
  append_body(script, table, edits, count);
  sqlite3_str_appendf(script, "INSERT INTO \"_new_%w\" (", table->name);
  append_column_names(script, table);
  sqlite3_str_appendall(script, ") SELECT ");
  append_column_names(script, table);
  sqlite3_str_appendf(script, " FROM \"%w\";\nDROP TABLE \"%w\";\n",
                      table->name, table->name);
  sqlite3_str_appendf(script, "ALTER TABLE \"_new_%w\" RENAME TO \"%w\";\n",
                      table->name, table->name);
  append_dependents(failure, script, db, table);
  sqlite3_str_appendall(script,
                        "COMMIT;\nPRAGMA legacy_alter_table = OFF;\n"
                        "PRAGMA foreign_keys = ON;");
  return failure_text(failure, script);
}

/* The script after which `key` has `action` on `event`, DELETE or UPDATE; ""
** if its place in the table's text is not found. */
char *rebuild_action(Failure *failure, sqlite3 *db, const ForeignKey *key,
                     const char *event, const char *action) {
  Edit edit = key_place(key, event);
  char *text = sqlite3_mprintf(edit.start ? " ON %s %s" : "", event, action);
  if (!text) failure_memory(failure);
  edit.text = text;
  char *script = edit.start ? rebuild_script(failure, db, key->table, &edit, 1)
                            : failure_text(failure, sqlite3_str_new(db));
  sqlite3_free(text);
  return script;
}

/* The script after which `table` has the columns and the constraint that are
** given as SQL, each preceded by a comma; "" for none. */
char *rebuild_key(Failure *failure, sqlite3 *db, const Table *table,
                  const char *columns, const char *constraint) {
  const char *last = columns_end(table), *close = body_close(table);
  Edit edits[] = {{last, last, columns}, {close, close, constraint}};
  return rebuild_script(failure, db, table, edits, 2);
}
