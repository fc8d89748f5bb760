/*
** bench.c: what relate costs beside the SQL an expert would write.
**
**     bench LIBRARY DATABASE [LINKS]
**
** Each line is one thing done both ways in one run, prepared through the C
** API, on the same database of 100,000 students, 10,000 courses and LINKS links
** (a million) in random order, foreign keys enforced, inside a transaction that
** is rolled back.  The two ways take turns, batch by batch; a ratio is the
** median of the batches' ratios, so that a machine whose speed drifts does not
** matter.
**
** DATABASE is a file that is made anew, with SQLite's default cache of 2 MB as
** in most programs, or :memory:, where the SQL itself costs least and what
** relate adds shows most.
*/
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STUDENTS 100000
#define COURSES 10000
#define BATCHES 15
#define CALLS 10000
#define BULK 50000
#define LINKED 20000

static sqlite3 *db;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
  exit(2);
}

static void run(const char *sql) {
  if (sqlite3_exec(db, sql, NULL, NULL, NULL)) die(sql);
}

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) die(sql);
  return statement;
}

static unsigned long long seed = 1;

static int linked[LINKED][2]; /* pairs that are linked */

/* splitmix64: neighbours have nothing to do with each other */
static int pick(int limit) {
  unsigned long long z = seed += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return 1 + (int)((z ^ (z >> 31)) % (unsigned)limit);
}

/* ---- one call, many times ---- */

static double time_calls(sqlite3_stmt *statement, int parameters, unsigned from,
                         int of_linked) {
  seed = from;
  double start = now();
  for (int i = 0; i < CALLS; i++) {
    int source = pick(STUDENTS), target = pick(COURSES);
    const int *pair = linked[source % LINKED];
    sqlite3_bind_int(statement, 1, of_linked ? pair[0] : source);
    if (parameters > 1)
      sqlite3_bind_int(statement, 2, of_linked ? pair[1] : target);
    while (sqlite3_step(statement) == SQLITE_ROW)
      ;
    if (sqlite3_reset(statement)) die(sqlite3_sql(statement));
  }
  return (now() - start) / CALLS;
}

/* Of any pair: few are linked. */
static double calls(sqlite3_stmt *statement, int parameters, unsigned from) {
  return time_calls(statement, parameters, from, 0);
}

static double calls_of_linked(sqlite3_stmt *statement, int parameters,
                              unsigned from) {
  return time_calls(statement, parameters, from, 1);
}

/* One statement over many rows. */
static double whole(sqlite3_stmt *statement, int parameters, unsigned from) {
  (void)parameters, (void)from;
  double start = now();
  while (sqlite3_step(statement) == SQLITE_ROW)
    ;
  if (sqlite3_reset(statement)) die(sqlite3_sql(statement));
  return (now() - start) / BULK;
}

typedef double Way(sqlite3_stmt *statement, int parameters, unsigned from);

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double once(Way *way, sqlite3_stmt *statement, int parameters,
                   unsigned from) {
  run("BEGIN");
  double time = way(statement, parameters, from);
  run("ROLLBACK");
  return time;
}

/* Both ways in turn, the first of them changing from batch to batch. */
static void pair(const char *name, double limit, Way *way, int parameters,
                 const char *by_hand, const char *by_relate) {
  double hand[BATCHES], ratio[BATCHES];
  sqlite3_stmt *a = prepare(by_hand), *b = prepare(by_relate);
  once(way, a, parameters, 1);
  once(way, b, parameters, 1);
  for (int i = 0; i < BATCHES; i++) {
    unsigned from = (unsigned)i * 7919u + 3u;
    double second = i % 2 ? once(way, b, parameters, from) : 0;
    hand[i] = once(way, a, parameters, from);
    if (i % 2 == 0) second = once(way, b, parameters, from);
    ratio[i] = second / hand[i];
  }
  sqlite3_finalize(a);
  sqlite3_finalize(b);
  qsort(hand, BATCHES, sizeof(*hand), compare);
  qsort(ratio, BATCHES, sizeof(*ratio), compare);
  int over = ratio[BATCHES / 2] > limit;
  printf("%-40s %8.0f ns  %5.2f  (%.2f-%.2f, limit %.2f)%s\n", name,
         hand[BATCHES / 2], ratio[BATCHES / 2], ratio[0], ratio[BATCHES - 1],
         limit, over ? "  OVER" : "");
  fflush(stdout);
}

/* ---- the database ---- */

static void fill(const char *table, int rows) {
  char sql[200];
  snprintf(sql, sizeof(sql),
           "INSERT INTO %s(id) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
           "FROM n WHERE i < %d) SELECT i FROM n",
           table, rows);
  run(sql);
}

static void fill_links(int links) {
  sqlite3_stmt *insert = prepare(
      "INSERT OR IGNORE INTO student_course(student_id, course_id) VALUES (?, "
      "?)");
  run("BEGIN");
  for (int i = 0; i < links; i++) {
    sqlite3_bind_int(insert, 1, pick(STUDENTS));
    sqlite3_bind_int(insert, 2, pick(COURSES));
    sqlite3_step(insert);
    sqlite3_reset(insert);
  }
  run("COMMIT");
  sqlite3_finalize(insert);
}

static void sample_links(void) {
  sqlite3_stmt *sample = prepare(
      "SELECT student_id, course_id FROM student_course ORDER BY "
      "student_id * 7919 % 100003 LIMIT ?1");
  sqlite3_bind_int(sample, 1, LINKED);
  for (int i = 0; i < LINKED && sqlite3_step(sample) == SQLITE_ROW; i++) {
    linked[i][0] = sqlite3_column_int(sample, 0);
    linked[i][1] = sqlite3_column_int(sample, 1);
  }
  sqlite3_finalize(sample);
}

/* Pairs that are not linked yet, in random order and in the order of the key. */
static void fill_pairs(void) {
  run("CREATE TABLE pairs(s INTEGER, c INTEGER)");
  sqlite3_stmt *insert = prepare("INSERT INTO pairs VALUES (?, ?)");
  run("BEGIN");
  for (int i = 0; i < BULK; i++) {
    sqlite3_bind_int(insert, 1, pick(STUDENTS));
    sqlite3_bind_int(insert, 2, pick(COURSES));
    sqlite3_step(insert);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  run("DELETE FROM pairs WHERE rowid NOT IN (SELECT min(rowid) FROM pairs "
      "GROUP BY s, c) OR EXISTS (SELECT 1 FROM student_course WHERE student_id "
      "= s AND course_id = c); COMMIT;"
      "CREATE TABLE ordered AS SELECT * FROM pairs ORDER BY s, c");
}

static void open_database(const char *library, const char *file, int links) {
  char *message = NULL;
  if (sqlite3_open(file, &db)) die("open");
  sqlite3_enable_load_extension(db, 1);
  if (sqlite3_load_extension(db, library, NULL, &message)) {
    fprintf(stderr, "%s: %s\n", library, message);
    exit(2);
  }
  run("CREATE TABLE students(id INTEGER PRIMARY KEY, name TEXT);"
      "CREATE TABLE courses(id INTEGER PRIMARY KEY, title TEXT);"
      "SELECT relationship('students.courses', 'inverse', 'courses.students',"
      " 'through', 'student_course');"
      "SELECT relationship_function('enroll', 'relate', 'students.courses');"
      "SELECT relationship_function('unenroll', 'unrelate',"
      " 'students.courses');"
      "SELECT relationship_function('enrolled', 'related', 'students.courses');"
      "SELECT relationship_function('course_count', 'related_count',"
      " 'students.courses')");
  run("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000");
  fill("students", STUDENTS);
  fill("courses", COURSES);
  fill_links(links);
  sample_links();
  fill_pairs();
  run("PRAGMA synchronous = FULL; PRAGMA cache_size = -2000");
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: bench LIBRARY DATABASE [LINKS]\n");
    return 2;
  }
  int links = argc > 3 ? atoi(argv[3]) : 1000000;
  remove(argv[2]);
  open_database(argv[1], argv[2], links);
  printf("SQLite %s, %s, %d links: time by hand, and the ratio to it\n",
         sqlite3_libversion(), argv[2], links);
  const char *insert =
      "INSERT OR IGNORE INTO student_course(student_id, course_id) ";
  char one[200], random_order[200], key_order[200];
  snprintf(one, sizeof(one), "%sVALUES (?1, ?2)", insert);
  snprintf(random_order, sizeof(random_order), "%sSELECT s, c FROM pairs",
           insert);
  snprintf(key_order, sizeof(key_order), "%sSELECT s, c FROM ordered", insert);
  pair("SELECT enroll(?, ?)", 1.15, calls, 2, one, "SELECT enroll(?1, ?2)");
  pair("INSERT INTO enroll VALUES (?, ?)", 1.15, calls, 2, one,
       "INSERT INTO enroll VALUES (?1, ?2)");
  pair("SELECT relate('students.courses', ?, ?)", 1.2, calls, 2, one,
       "SELECT relate('students.courses', ?1, ?2)");
  pair("SELECT unenroll(?, ?)", 1.15, calls_of_linked, 2,
       "DELETE FROM student_course WHERE student_id = ?1 AND course_id = ?2",
       "SELECT unenroll(?1, ?2)");
  const char *exists =
      "SELECT EXISTS (SELECT 1 FROM student_course WHERE student_id = ?1 AND "
      "course_id = ?2)";
  pair("SELECT enrolled(?, ?), linked", 1.15, calls_of_linked, 2, exists,
       "SELECT enrolled(?1, ?2)");
  pair("SELECT enrolled(?, ?), not linked", 1.15, calls, 2, exists,
       "SELECT enrolled(?1, ?2)");
  pair("SELECT course_count(?)", 1.15, calls, 1,
       "SELECT count(*) FROM student_course WHERE student_id = ?1",
       "SELECT course_count(?1)");
  pair("INSERT INTO enroll SELECT, random order", 1.2, whole, 0, random_order,
       "INSERT INTO enroll SELECT s, c FROM pairs");
  pair("SELECT enroll(s, c) FROM, random order", 1.2, whole, 0, random_order,
       "SELECT enroll(s, c) FROM pairs");
  pair("INSERT INTO enroll SELECT, key order", 2.0, whole, 0, key_order,
       "INSERT INTO enroll SELECT s, c FROM ordered");
  pair("SELECT enroll(s, c) FROM, key order", 2.0, whole, 0, key_order,
       "SELECT enroll(s, c) FROM ordered");
  if (sqlite3_close(db)) die("close");
  return 0;
}
