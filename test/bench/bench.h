/*
** bench.h: what the benchmarks have in common; see bench.c.
*/
#ifndef BENCH_H
#define BENCH_H

#include <sqlite3.h>

typedef struct Bench Bench;

/* Does it so often that it can be timed; how many nanoseconds one took.  What is
** random in it is the same for the same `from`. */
typedef double Way(const Bench *bench, sqlite3_stmt *statement, unsigned from);

/* One thing, done in two ways. */
struct Bench {
  const char *name;
  double limit; /* of the ratio */
  Way *way;
  const char *by_hand, *by_relate;
  int parameters; /* that `way` binds */
  int calls;      /* of `way` */
  int fan_out;    /* of the sources that are asked about */
};

/* Benches on a database of their own. */
typedef struct Group {
  void (*fill)(int links); /* what they need; called once, before the first */
  int count;
  const Bench *benches;
} Group;

extern const Group writing, rules, reading, json, saving, preparing;

extern sqlite3 *db;

double now(void);
/* Runs SQL, made by a format of sqlite3_mprintf, or ends the program. */
void run(const char *format, ...);
sqlite3_stmt *prepare(const char *sql);
void die(const char *what);

/* Random numbers, from 1 to `limit`; the same ones after the same seed. */
void pick_from(unsigned seed);
int pick(int limit);

#endif
