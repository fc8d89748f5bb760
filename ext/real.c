/*
** real.c: REALs as decimal numbers, exactly.
**
** Seventeen digits tell one double from every other; but SQLite before 3.53 writes
** the last of them wrong where the exponent is large, and reads it wrong.  The C
** library does both right, with the decimal point of the locale: so no point is
** given to it, and what it writes for one is replaced.
**
** Pure.
*/
#include "relate_int.h"

#include <stdio.h>
#include <stdlib.h>

#define REAL_DIGITS 40 /* that are read; more are SQLite's business */

static bool is_of_number(char c) {
  return byte_is_digit(c) || c == '-' || c == '+' || c == 'e';
}

void real_write(double real, char text[REAL_SIZE]) {
  char written[REAL_SIZE + 16];
  bool whole = true; /* so far it would be read as an INTEGER */
  snprintf(written, sizeof(written), "%.17g", real);
  for (const char *at = written; *at; at++) {
    if (is_of_number(*at)) {
      whole = whole && *at != 'e';
      *text++ = *at;
    } else if (whole) { /* the point, in one or more bytes */
      whole = false;
      *text++ = '.';
    }
  }
  memcpy(text, whole ? ".0" : "", whole ? 3 : 1);
}

/* What follows the e; 0 if that is not short. */
static int read_exponent(const char *text, int size) {
  int exponent = 0, at = size > 0 && (*text == '-' || *text == '+');
  for (int i = at; i < size && i < 7; i++)
    exponent = exponent * 10 + (text[i] - '0');
  return size > 0 && *text == '-' ? -exponent : exponent;
}

bool real_read(const char *text, int size, double *real) {
  char number[REAL_DIGITS + 20];
  int count = 0, behind = 0, at = 0;
  bool point = false;
  for (; at < size && text[at] != 'e' && text[at] != 'E'; at++) {
    if (count == REAL_DIGITS) return false;
    if (text[at] != '.') number[count++] = text[at];
    if (text[at] != '.' && point) behind++;
    if (text[at] == '.') point = true;
  }
  if (!point && at == size) return false;
  int exponent = read_exponent(text + at + 1, size - at - 1);
  snprintf(number + count, sizeof(number) - (size_t)count, "e%d",
           exponent - behind);
  *real = strtod(number, NULL);
  return true;
}
