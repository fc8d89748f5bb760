/*
** inline.c: SQL that a caller brings along for a query about links.
**
**     price < ?1 AND link.amount > 0
**
**     target.price < ?3 AND link.amount > 0
**
** A bare name that is a column of the target gets that name in front, since the
** link's row is in the same query and may have a column of that name; else one
** that is payload gets the link's, since rows that are joined may have it, too.
** Not so in a subquery, whose tables come first.  Parameters are numbered on behind those
** that the query has.
**
** The text comes from who calls, as the whole query does, and is not analysed;
** but it must end where it seems to: parentheses are balanced, quotes closed,
** comments refused.
*/
#include "relate_int.h"

#define NESTING_LIMIT 50 /* of parentheses */

static bool lexeme_begins_query(const Lexeme *lexeme) {
  return lexeme_is_word(lexeme, "select") || lexeme_is_word(lexeme, "values") ||
         lexeme_is_word(lexeme, "with");
}

/* True if the lexeme may be a column by itself: not as a function, a collation,
** a type, a BLOB's x or a part of a longer name. */
static bool lexeme_is_bare_name(const Lexeme *lexeme, const Lexeme *before) {
  const char *end = lexeme->text + lexeme->size;
  Lexeme behind = lexeme_read(end);
  if (lexeme->kind != LEXEME_WORD && lexeme->kind != LEXEME_QUOTED)
    return false;
  if (lexeme->kind == LEXEME_WORD &&
      (*end == '\'' || sqlite3_keyword_check(lexeme->text, lexeme->size)))
    return false;
  return !lexeme_is_mark(before, '.') && !lexeme_is_word(before, "collate") &&
         !lexeme_is_word(before, "as") && !lexeme_is_mark(&behind, '.') &&
         !lexeme_is_mark(&behind, '(');
}

/* How a piece of SQL is put into a query. */
typedef struct Inlining {
  sqlite3_str *text;
  Failure *failure;
  Arena *arena;
  const Table *target;
  const Columns *payload; /* of the link, or NULL */
  int shift;              /* of parameters */
  int depth;
  unsigned long long query; /* bit of each depth: a subquery is there */
  Inlined inlined;
} Inlining;

static void inline_problem(Inlining *inlining, const char *problem) {
  if (!inlining->inlined.problem) inlining->inlined.problem = problem;
}

/* ?1, which becomes ?3 where two parameters come before.  The size of it. */
static int inline_parameter(Inlining *inlining, const char *at) {
  int size = 1, number = 0;
  while (byte_is_digit(at[size]) && number < 100000)
    number = number * 10 + (at[size++] - '0');
  if (!number) inline_problem(inlining, "parameters are ?1, ?2, and so on");
  if (number > inlining->inlined.parameters)
    inlining->inlined.parameters = number;
  sqlite3_str_appendf(inlining->text, "?%d", number + inlining->shift);
  return size;
}

static void inline_mark(Inlining *inlining, const char *at) {
  bool comment = strncmp(at, "--", 2) == 0 || strncmp(at, "/*", 2) == 0;
  if (comment) inline_problem(inlining, "there is a comment in it");
  if (strchr(":@$#", *at))
    inline_problem(inlining,
                   "parameters are ?1, ?2, "
                   "and so on");
  if (*at == '(') {
    Lexeme next = lexeme_read(at + 1);
    bool inner = (inlining->query >> inlining->depth) & 1;
    if (inlining->depth == NESTING_LIMIT) {
      inline_problem(inlining, "parentheses are nested too deep");
    } else {
      inlining->depth++;
    }
    unsigned long long bit = 1ull << inlining->depth;
    inlining->query &= ~bit;
    if (inner || lexeme_begins_query(&next)) inlining->query |= bit;
  }
  if (*at == ')' && inlining->depth > 0) inlining->depth--;
}

/* Whose column a bare name is: what is put in front of it. */
static const char *inline_owner(Inlining *inlining, const Lexeme *lexeme) {
  const Columns *payload = inlining->payload;
  const char *name = lexeme_name(inlining->failure, inlining->arena, lexeme);
  if (!name) return "";
  if (table_column(inlining->target, name)) return "target.";
  for (int i = 0; payload && i < payload->count; i++)
    if (name_equal(payload->list[i]->name, name)) return "link.";
  return "";
}

static void inline_word(Inlining *inlining, const Lexeme *lexeme,
                        const Lexeme *before) {
  Lexeme behind = lexeme_read(lexeme->text + lexeme->size);
  if (lexeme_is_mark(&behind, '.')) {
    if (lexeme_is_word(lexeme, "link")) inlining->inlined.link = true;
    if (lexeme_is_word(lexeme, "source")) inlining->inlined.source = true;
  }
  if (!((inlining->query >> inlining->depth) & 1) &&
      lexeme_is_bare_name(lexeme, before))
    sqlite3_str_appendall(inlining->text, inline_owner(inlining, lexeme));
}

/* Up to the end of the text, or a ; or ) that is not its own. */
Inlined expression_inline(Failure *failure, Arena *arena, const Table *target,
                          const Columns *payload, int shift, const char *text) {
  Inlining inlining = {.text = sqlite3_str_new(NULL),
                       .failure = failure,
                       .arena = arena,
                       .target = target,
                       .payload = payload,
                       .shift = shift,
                       .inlined = {.end = text}};
  Lexeme before = {LEXEME_END, text, 0};
  while (!failure->code && !inlining.inlined.problem) {
    Lexeme lexeme = lexeme_read(inlining.inlined.end);
    bool ends = lexeme.kind == LEXEME_END ||
                (!inlining.depth && (lexeme_is_mark(&lexeme, ';') ||
                                     lexeme_is_mark(&lexeme, ')')));
    if (ends) break;
    if (lexeme_is_mark(&lexeme, ';'))
      inline_problem(&inlining, "there is a ( without its )");
    if (lexeme.kind == LEXEME_OPEN)
      inline_problem(&inlining, "a quote is not closed");
    bool apart = lexeme.text > before.text + before.size ||
                 (*before.text == '?' && lexeme_is_name(&lexeme));
    if (before.kind != LEXEME_END && apart)
      sqlite3_str_appendall(inlining.text, " ");
    int size = lexeme.size;
    if (lexeme_is_mark(&lexeme, '?')) {
      size = inline_parameter(&inlining, lexeme.text);
    } else {
      if (lexeme.kind == LEXEME_MARK) inline_mark(&inlining, lexeme.text);
      if (lexeme_is_name(&lexeme)) inline_word(&inlining, &lexeme, &before);
      sqlite3_str_append(inlining.text, lexeme.text, size);
    }
    before = lexeme;
    before.size = size;
    inlining.inlined.end = lexeme.text + size;
  }
  if (inlining.depth > 0)
    inline_problem(&inlining,
                   "there is a ( without "
                   "its )");
  if (before.kind == LEXEME_END) inline_problem(&inlining, "it is empty");
  inlining.inlined.text = arena_string(failure, arena, inlining.text);
  return inlining.inlined;
}
