/*
** writing.c: links made, removed and looked for; see bench.c.
*/
#include "bench.h"

#define STUDENTS 100000
#define COURSES 10000
#define CALLS 10000
#define BULK 50000
#define LINKED 20000

#define INSERT "INSERT OR IGNORE INTO student_course(student_id, course_id) "
#define ONE INSERT "VALUES (?1, ?2)"
#define EXISTS                                                             \
  "SELECT EXISTS (SELECT 1 FROM student_course WHERE student_id = ?1 AND " \
  "course_id = ?2)"

static int linked[LINKED][2]; /* pairs that are linked */

/* ---- how ---- */

static double time_calls(const Bench *bench, sqlite3_stmt *statement,
                         unsigned from, int of_linked) {
  pick_from(from);
  double start = now();
  for (int i = 0; i < bench->calls; i++) {
    int source = pick(STUDENTS), target = pick(COURSES);
    const int *pair = linked[source % LINKED];
    sqlite3_bind_int(statement, 1, of_linked ? pair[0] : source);
    if (bench->parameters > 1)
      sqlite3_bind_int(statement, 2, of_linked ? pair[1] : target);
    while (sqlite3_step(statement) == SQLITE_ROW)
      ;
    if (sqlite3_reset(statement)) die(sqlite3_sql(statement));
  }
  return (now() - start) / bench->calls;
}

/* Of any pair: few are linked. */
static double calls(const Bench *bench, sqlite3_stmt *statement,
                    unsigned from) {
  return time_calls(bench, statement, from, 0);
}

static double calls_of_linked(const Bench *bench, sqlite3_stmt *statement,
                              unsigned from) {
  return time_calls(bench, statement, from, 1);
}

/* One statement over many rows. */
static double whole(const Bench *bench, sqlite3_stmt *statement,
                    unsigned from) {
  (void)from;
  double start = now();
  while (sqlite3_step(statement) == SQLITE_ROW)
    ;
  if (sqlite3_reset(statement)) die(sqlite3_sql(statement));
  return (now() - start) / bench->calls;
}

/* ---- the database ---- */

static void fill_table(const char *table, int rows) {
  run("INSERT INTO %s(id) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM n WHERE i < %d) SELECT i FROM n",
      table, rows);
}

/* So many random pairs; those that are there already are skipped. */
static void fill_random(const char *sql, int rows) {
  sqlite3_stmt *insert = prepare(sql);
  run("BEGIN");
  for (int i = 0; i < rows; i++) {
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
  fill_random("INSERT INTO pairs VALUES (?, ?)", BULK);
  run("DELETE FROM pairs WHERE rowid NOT IN (SELECT min(rowid) FROM pairs "
      "GROUP BY s, c) OR EXISTS (SELECT 1 FROM student_course WHERE student_id "
      "= s AND course_id = c);"
      "CREATE TABLE ordered AS SELECT * FROM pairs ORDER BY s, c");
}

static void fill(int links) {
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
  fill_table("students", STUDENTS);
  fill_table("courses", COURSES);
  fill_random(ONE, links);
  sample_links();
  fill_pairs();
}

/* ---- what ---- */

static const Bench benches[] = {
    {"SELECT enroll(?, ?)", 1.15, calls, ONE, "SELECT enroll(?1, ?2)", 2,
     CALLS},
    {"INSERT INTO enroll VALUES (?, ?)", 1.15, calls, ONE,
     "INSERT INTO enroll VALUES (?1, ?2)", 2, CALLS},
    {"SELECT relate('students.courses', ?, ?)", 1.2, calls, ONE,
     "SELECT relate('students.courses', ?1, ?2)", 2, CALLS},
    {"SELECT unenroll(?, ?)", 1.15, calls_of_linked,
     "DELETE FROM student_course WHERE student_id = ?1 AND course_id = ?2",
     "SELECT unenroll(?1, ?2)", 2, CALLS},
    {"SELECT enrolled(?, ?), linked", 1.15, calls_of_linked, EXISTS,
     "SELECT enrolled(?1, ?2)", 2, CALLS},
    {"SELECT enrolled(?, ?), not linked", 1.15, calls, EXISTS,
     "SELECT enrolled(?1, ?2)", 2, CALLS},
    {"SELECT course_count(?)", 1.15, calls,
     "SELECT count(*) FROM student_course WHERE student_id = ?1",
     "SELECT course_count(?1)", 1, CALLS},
    {"INSERT INTO enroll SELECT, random order", 1.2, whole,
     INSERT "SELECT s, c FROM pairs",
     "INSERT INTO enroll SELECT s, c FROM pairs", 0, BULK},
    {"SELECT enroll(s, c) FROM, random order", 1.2, whole,
     INSERT "SELECT s, c FROM pairs", "SELECT enroll(s, c) FROM pairs", 0,
     BULK},
    {"INSERT INTO enroll SELECT, key order", 2.0, whole,
     INSERT "SELECT s, c FROM ordered",
     "INSERT INTO enroll SELECT s, c FROM ordered", 0, BULK},
    {"SELECT enroll(s, c) FROM, key order", 2.0, whole,
     INSERT "SELECT s, c FROM ordered", "SELECT enroll(s, c) FROM ordered", 0,
     BULK},
};

const Group writing = {fill, sizeof(benches) / sizeof(*benches), benches};
