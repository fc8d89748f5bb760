/*
** lexeme.c: SQL cut into lexemes.
**
**     target.open AND link."grade" > 'A'
**
**     word . word   word   word . quoted   mark   string
**
** Nothing is parsed: who reads lexemes wants to know where names, quotes and
** parentheses are, and leaves the rest to SQLite.
*/
#include "relate_int.h"

bool byte_is_digit(char c) { return c >= '0' && c <= '9'; }

/* As SQLite has it: every byte beyond ASCII is a letter. */
static bool byte_is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '$' || byte_is_digit(c) || (unsigned char)c >= 0x80;
}

/* The size of what begins with a quote; 0 if it is not closed. */
static int quoted_size(const char *text) {
  char close = text[0];
  if (close == '[') close = ']';
  for (const char *at = text + 1; *at; at++) {
    if (*at != close) continue;
    if (close == ']' || at[1] != close) return (int)(at - text) + 1;
    at++;
  }
  return 0;
}

static Lexeme lexeme_quoted(const char *at) {
  Lexeme lexeme = {LEXEME_QUOTED, at, quoted_size(at)};
  if (*at == '\'') lexeme.kind = LEXEME_STRING;
  if (!lexeme.size) lexeme.kind = LEXEME_OPEN;
  return lexeme;
}

/* The lexeme at `at`, or behind the space there. */
Lexeme lexeme_read(const char *at) {
  at += strspn(at, " \t\n\f\r");
  if (!*at) return (Lexeme){LEXEME_END, at, 0};
  if (strchr("'\"[`", *at)) return lexeme_quoted(at);
  if (!byte_is_word(*at) || *at == '$') return (Lexeme){LEXEME_MARK, at, 1};
  Lexeme lexeme = {byte_is_digit(*at) ? LEXEME_NUMBER : LEXEME_WORD, at, 0};
  while (byte_is_word(at[lexeme.size])) lexeme.size++;
  return lexeme;
}

bool lexeme_is_mark(const Lexeme *lexeme, char mark) {
  return lexeme->kind == LEXEME_MARK && *lexeme->text == mark;
}

bool lexeme_is_word(const Lexeme *lexeme, const char *word) {
  return lexeme->kind == LEXEME_WORD && (size_t)lexeme->size == strlen(word) &&
         sqlite3_strnicmp(lexeme->text, word, lexeme->size) == 0;
}

bool lexeme_is_name(const Lexeme *lexeme) {
  return lexeme->kind == LEXEME_WORD || lexeme->kind == LEXEME_QUOTED ||
         lexeme->kind == LEXEME_STRING;
}

/* What the lexeme stands for as a name: without its quotes. */
char *lexeme_name(Failure *failure, Arena *arena, const Lexeme *lexeme) {
  char *name = arena_take(failure, arena, lexeme->size + 1);
  if (!name) return NULL;
  if (lexeme->kind == LEXEME_WORD)
    return memcpy(name, lexeme->text, (size_t)lexeme->size);
  char quote = *lexeme->text, *end = name;
  if (quote == '[') quote = ']';
  for (int i = 1; i < lexeme->size - 1; i++) {
    *end++ = lexeme->text[i];
    if (lexeme->text[i] == quote) i++; /* it is written twice */
  }
  return name;
}
