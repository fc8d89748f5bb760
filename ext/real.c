/*
** real.c: numbers as decimal digits, exactly.
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

#define REAL_DIGITS \
  40 /* that are read; of others only whether they are zeros */
#define REAL_EXPONENT 99999 /* beyond every REAL */

static bool is_decimal(char c) { return c >= '0' && c <= '9'; }

static bool is_of_number(char c) {
  return is_decimal(c) || c == '-' || c == '+' || c == 'e';
}

void real_write(double real, char text[REAL_SIZE]) {
  char written[REAL_SIZE + 16];
  if (real - real != 0) { /* no number is infinite, but this one is read so */
    (void)snprintf(text, REAL_SIZE, "%s", real > 0 ? "9e999" : "-9e999");
    return;
  }
  bool whole = true; /* so far it would be read as an INTEGER */
  (void)snprintf(written, sizeof(written), "%.17g", real);
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

/* The digits of a number, without leading zeros, and how far the point is off. */
typedef struct Decimal {
  char digits[REAL_DIGITS + 30]; /* with room for a sign and an exponent */
  int count;
  int exponent;
} Decimal;

static void decimal_add(Decimal *decimal, char digit, bool behind) {
  bool zero = digit == '0';
  if (decimal->count < REAL_DIGITS) {
    if (decimal->count || !zero) decimal->digits[decimal->count++] = digit;
    decimal->exponent -= behind;
  } else {
    if (!zero)
      decimal->digits[REAL_DIGITS - 1] |= 1; /* 5 is more than a half */
    decimal->exponent += !behind;
  }
}

static int read_exponent(const char *at, const char *end) {
  bool negative = at < end && *at == '-';
  int exponent = 0;
  for (at += at < end && !is_decimal(*at); at < end; at++)
    if (exponent < REAL_EXPONENT) exponent = exponent * 10 + (*at - '0');
  return negative ? -exponent : exponent;
}

double real_read(const char *text, int size) {
  const char *at = text, *end = text + size;
  Decimal decimal = {.count = 0};
  bool negative = at < end && *at == '-', behind = false;
  for (at += negative; at < end && *at != 'e' && *at != 'E'; at++) {
    if (*at == '.') behind = true;
    if (is_decimal(*at)) decimal_add(&decimal, *at, behind);
  }
  if (at < end) decimal.exponent += read_exponent(at + 1, end);
  if (!decimal.count) return negative ? -0.0 : 0.0;
  (void)snprintf(decimal.digits + decimal.count,
                 sizeof(decimal.digits) - (size_t)decimal.count, "e%d",
                 decimal.exponent);
  double real = strtod(decimal.digits, NULL);
  return negative ? -real : real;
}

bool integer_read(const char *text, int size, sqlite3_int64 *integer) {
  const char *at = text, *end = text + size;
  bool negative = at < end && *at == '-';
  sqlite3_uint64 number = 0, most = ((sqlite3_uint64)1 << 63) - !negative;
  for (at += negative; at < end; at++) {
    unsigned digit = (unsigned)(*at - '0');
    if (!is_decimal(*at) || number > (most - digit) / 10) return false;
    number = number * 10 + digit;
  }
  *integer = (sqlite3_int64)(negative ? 0 - number : number);
  return true;
}
