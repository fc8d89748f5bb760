/*
** bench.c: what relate costs beside the SQL an expert would write.
**
**     bench LIBRARY DATABASE LINKS [ONLY]
**
** Each line is one thing done both ways in one run, prepared through the C API,
** on the same database: LINKS links (a million) between 100,000 students and
** 10,000 courses, foreign keys enforced, inside a transaction that is rolled
** back.  The two ways take turns, batch by batch; a ratio is the median of the
** batches' ratios, so that a machine whose speed drifts does not matter.
**
** DATABASE is a file that is made anew, with SQLite's default cache of 2 MB as
** in most programs, or :memory:, where the SQL itself costs least and what
** relate adds shows most.  ONLY is a part of the names of the lines wanted.
*/
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCHES 15

sqlite3 *db;

double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
  exit(2);
}

void run(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *sql = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (sqlite3_exec(db, sql, NULL, NULL, NULL)) die(sql);
  sqlite3_free(sql);
}

sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) die(sql);
  return statement;
}

static unsigned long long seed = 1;

void pick_from(unsigned from) { seed = from; }

/* splitmix64: neighbours have nothing to do with each other */
int pick(int limit) {
  unsigned long long z = seed += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return 1 + (int)((z ^ (z >> 31)) % (unsigned)limit);
}

/* ---- one bench ---- */

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double once(const Bench *bench, sqlite3_stmt *statement, unsigned from) {
  run("BEGIN");
  double time = bench->way(bench, statement, from);
  run("ROLLBACK");
  return time;
}

static void report(const Bench *bench, double *hand, double *ratio) {
  qsort(hand, BATCHES, sizeof(*hand), compare);
  qsort(ratio, BATCHES, sizeof(*ratio), compare);
  double median = ratio[BATCHES / 2];
  printf("%-42s %9.0f ns  %5.2f  (%.2f-%.2f, limit %.2f)%s\n", bench->name,
         hand[BATCHES / 2], median, ratio[0], ratio[BATCHES - 1], bench->limit,
         median > bench->limit ? "  OVER" : "");
  fflush(stdout);
}

/* Both ways in turn, the first of them changing from batch to batch. */
static void measure(const Bench *bench) {
  double hand[BATCHES], ratio[BATCHES];
  sqlite3_stmt *a = prepare(bench->by_hand), *b = prepare(bench->by_relate);
  once(bench, a, 1);
  once(bench, b, 1);
  for (int i = 0; i < BATCHES; i++) {
    unsigned from = (unsigned)i * 7919u + 3u;
    double second = i % 2 ? once(bench, b, from) : 0;
    hand[i] = once(bench, a, from);
    if (i % 2 == 0) second = once(bench, b, from);
    ratio[i] = second / hand[i];
  }
  sqlite3_finalize(a);
  sqlite3_finalize(b);
  report(bench, hand, ratio);
}

/* ---- all of them ---- */

static void open_database(const char *library, const char *file) {
  char *message = NULL;
  remove(file);
  if (sqlite3_open(file, &db)) die("open");
  sqlite3_enable_load_extension(db, 1);
  if (sqlite3_load_extension(db, library, NULL, &message)) {
    fprintf(stderr, "%s: %s\n", library, message);
    exit(2);
  }
}

static int is_wanted(const Group *group, const char *only) {
  for (int i = 0; i < group->count; i++)
    if (strstr(group->benches[i].name, only)) return 1;
  return 0;
}

static void measure_group(const Group *group, const char *library,
                          const char *file, int links, const char *only) {
  if (!is_wanted(group, only)) return;
  open_database(library, file);
  run("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000");
  group->fill(links);
  run("PRAGMA synchronous = FULL; PRAGMA cache_size = -2000");
  for (int i = 0; i < group->count; i++)
    if (strstr(group->benches[i].name, only)) measure(&group->benches[i]);
  if (sqlite3_close(db)) die("close");
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: bench LIBRARY DATABASE LINKS [ONLY]\n");
    return 2;
  }
  int links = atoi(argv[3]);
  const char *only = argc > 4 ? argv[4] : "";
  printf("SQLite %s, %s, %d links: time by hand, and the ratio to it\n",
         sqlite3_libversion(), argv[2], links);
  measure_group(&writing, argv[1], argv[2], links, only);
  measure_group(&rules, argv[1], argv[2], links, only);
  measure_group(&reading, argv[1], argv[2], links, only);
  measure_group(&json, argv[1], argv[2], links, only);
  measure_group(&saving, argv[1], argv[2], links, only);
  measure_group(&preparing, argv[1], argv[2], links, only);
  return 0;
}
