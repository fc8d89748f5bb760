/*
** json.c: trees of related rows as JSON, beside json_object() and
** json_group_array(); see bench.c.
**
** 20,000 students have 50 courses each, of 2,000; a course has 5 lessons and a
** teacher.
*/
#include "bench.h"

#define STUDENTS 20000
#define COURSES 2000
#define LESSONS 5
#define TEACHERS 200

/* ---- how ---- */

static void fetch(sqlite3_stmt *statement) {
  while (sqlite3_step(statement) == SQLITE_ROW)
    sqlite3_column_text(statement, 0);
  if (sqlite3_reset(statement)) die(sqlite3_sql(statement));
}

static double roots(const Bench *bench, sqlite3_stmt *statement,
                    unsigned from) {
  pick_from(from);
  double start = now();
  for (int i = 0; i < bench->calls; i++) {
    sqlite3_bind_int(statement, 1, pick(STUDENTS));
    fetch(statement);
  }
  return (now() - start) / bench->calls;
}

static double teachers(const Bench *bench, sqlite3_stmt *statement,
                       unsigned from) {
  pick_from(from);
  double start = now();
  for (int i = 0; i < bench->calls; i++) {
    sqlite3_bind_int(statement, 1, pick(TEACHERS));
    fetch(statement);
  }
  return (now() - start) / bench->calls;
}

/* ---- the database ---- */

static void count_up(const char *sql, int rows) {
  run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) %s",
      rows, sql);
}

static void fill(int links) {
  int each = links / STUDENTS > 0 ? links / STUDENTS : 1;
  run("CREATE TABLE teachers(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
      "CREATE TABLE students(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
      "CREATE TABLE courses(id INTEGER PRIMARY KEY, title TEXT NOT NULL,"
      " credits INTEGER NOT NULL, teacher_id INTEGER REFERENCES teachers);"
      "CREATE INDEX courses_by_teacher ON courses(teacher_id);"
      "CREATE TABLE lessons(id INTEGER PRIMARY KEY, topic TEXT NOT NULL,"
      " course_id INTEGER REFERENCES courses);"
      "CREATE INDEX lessons_by_course ON lessons(course_id);"
      "CREATE TABLE student_course("
      " student_id INTEGER NOT NULL REFERENCES students,"
      " course_id INTEGER NOT NULL REFERENCES courses,"
      " grade TEXT, PRIMARY KEY (student_id, course_id)) WITHOUT ROWID;");
  count_up("INSERT INTO teachers SELECT i, 'teacher ' || i FROM n", TEACHERS);
  count_up("INSERT INTO students SELECT i, 'student ' || i FROM n", STUDENTS);
  count_up(
      "INSERT INTO courses SELECT i, 'course ' || i, i % 8, 1 + i % 200"
      " FROM n",
      COURSES);
  count_up(
      "INSERT INTO lessons(topic, course_id) SELECT 'topic ' || i,"
      " 1 + i % 2000 FROM n",
      COURSES * LESSONS);
  run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
      " INSERT OR IGNORE INTO student_course SELECT s.id,"
      " 1 + (s.id * 7919 + i * 977) %% 2000, char(65 + i %% 5)"
      " FROM students s, n",
      each);
}

/* ---- what ---- */

#define COURSE \
  "json_object('title', c.title, 'credits', c.credits, 'grade', l.grade"
#define TAKEN                                                          \
  " FROM student_course l JOIN courses c ON c.id = l.course_id WHERE " \
  "l.student_id = s.id"
#define TWO_LEVELS                                         \
  "SELECT json_object('name', s.name, 'courses', (SELECT " \
  "json_group_array(" COURSE "))" TAKEN ")) FROM students s WHERE "
#define SHAPE_OF_TWO "'name, courses(title, credits, grade)'"

static const Bench benches[] = {
    {"related_json, 50 children", 0.95, roots, TWO_LEVELS "s.id = ?1",
     "SELECT related_json('students', ?1, " SHAPE_OF_TWO ")", 1, 300},
    {"related_json, three levels", 0.9, roots,
     "SELECT json_object('name', s.name, 'courses', (SELECT "
     "json_group_array(" COURSE ", 'lessons', (SELECT json_group_array("
     "json_object('topic', t.topic)) FROM lessons t WHERE t.course_id = "
     "c.id), 'teacher', (SELECT json_object('name', t.name) FROM teachers t "
     "WHERE t.id = c.teacher_id)))" TAKEN ")) FROM students s WHERE s.id = ?1",
     "SELECT related_json('students', ?1, 'name, courses(title, credits, "
     "grade, lessons(topic), teacher(name))')",
     1, 60},
    {"related_json, 10 children", 1.1, teachers,
     "SELECT json_object('name', t.name, 'courses', (SELECT "
     "json_group_array(json_object('title', c.title)) FROM courses c WHERE "
     "c.teacher_id = t.id)) FROM teachers t WHERE t.id = ?1",
     "SELECT related_json('teachers', ?1, 'name, courses(title)')", 1, 2000},
    {"related_json of 10,000 roots", 0.95, roots,
     TWO_LEVELS "s.id % 2 AND ?1 > 0",
     "SELECT related_json('students', id, " SHAPE_OF_TWO ") FROM students"
     " WHERE id % 2 AND ?1 > 0",
     1, 1},
};

const Group json = {fill, sizeof(benches) / sizeof(*benches), benches};
