/*
** reading.c: rows read along relationships; see bench.c.
**
** Each kind of student has about a third of the links: few have 5,000 courses,
** some 50, most 5.  In the tree of employees there are ten of the second level,
** with 11,110 others below each.  Every row is fetched, column by column.
*/
#include "bench.h"

#define STUDENTS 100000
#define COURSES 10000
#define TREE_ROOTS 10
#define TREE_LEVELS 5
#define TREE_WIDTH 10

enum { KINDS = 3 };

/* Sources of so many links each have neighbouring keys. */
typedef struct Kind {
  int fan_out;
  int share; /* of the links, in percent */
  int first, count;
} Kind;

static Kind kinds[KINDS] = {{5000, 30, 0, 0}, {50, 40, 0, 0}, {5, 30, 0, 0}};

static const Kind *kind_of(int fan_out) {
  const Kind *kind = kinds;
  while (kind->fan_out != fan_out) kind++;
  return kind;
}

/* ---- how ---- */

static void fetch(sqlite3_stmt *statement) {
  int columns = sqlite3_column_count(statement);
  while (sqlite3_step(statement) == SQLITE_ROW)
    for (int i = 0; i < columns; i++)
      if (sqlite3_column_type(statement, i) == SQLITE_INTEGER) {
        sqlite3_column_int64(statement, i);
      } else {
        sqlite3_column_text(statement, i);
      }
  if (sqlite3_reset(statement)) die(sqlite3_sql(statement));
}

static double fetches(const Bench *bench, sqlite3_stmt *statement,
                      unsigned from, int first, int count) {
  pick_from(from);
  double start = now();
  for (int i = 0; i < bench->calls; i++) {
    sqlite3_bind_int(statement, 1, first + pick(count) - 1);
    fetch(statement);
  }
  return (now() - start) / bench->calls;
}

static double of_students(const Bench *bench, sqlite3_stmt *statement,
                          unsigned from) {
  const Kind *kind = kind_of(bench->fan_out);
  return fetches(bench, statement, from, kind->first, kind->count);
}

/* Of a student and the 99 behind him. */
static double of_hundred_students(const Bench *bench, sqlite3_stmt *statement,
                                  unsigned from) {
  const Kind *kind = kind_of(bench->fan_out);
  return fetches(bench, statement, from, kind->first,
                 kind->count > 100 ? kind->count - 99 : 1);
}

static double of_roots(const Bench *bench, sqlite3_stmt *statement,
                       unsigned from) {
  return fetches(bench, statement, from, 2, TREE_ROOTS);
}

/* Employees numbered as breadth finds them: the last have no reports. */
static double of_leaves(const Bench *bench, sqlite3_stmt *statement,
                        unsigned from) {
  return fetches(bench, statement, from, 11112, 100000);
}

/* The statement itself is only the text that is prepared. */
static double preparations(const Bench *bench, sqlite3_stmt *statement,
                           unsigned from) {
  (void)from;
  double start = now();
  for (int i = 0; i < bench->calls; i++)
    sqlite3_finalize(prepare(sqlite3_sql(statement)));
  return (now() - start) / bench->calls;
}

/* ---- the database ---- */

static void fill_tables(void) {
  run("CREATE TABLE students(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
      "CREATE TABLE courses(id INTEGER PRIMARY KEY, title TEXT NOT NULL,"
      " credits INTEGER NOT NULL);"
      "CREATE TABLE student_course("
      " student_id INTEGER NOT NULL REFERENCES students ON DELETE CASCADE,"
      " course_id INTEGER NOT NULL REFERENCES courses ON DELETE CASCADE,"
      " grade TEXT, PRIMARY KEY (student_id, course_id)) WITHOUT ROWID;"
      "CREATE INDEX student_course_by_course"
      " ON student_course(course_id, student_id);"
      "CREATE TABLE employees(id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
      " manager_id INTEGER REFERENCES employees);"
      "CREATE INDEX employees_by_manager ON employees(manager_id);");
  run("INSERT INTO students WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM n WHERE i < %d) SELECT i, 'student ' || i FROM n",
      STUDENTS);
  run("INSERT INTO courses WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM n WHERE i < %d) SELECT i, 'course ' || i, i %% 8 FROM n",
      COURSES);
}

/* Each course once: a step that has no divisor in common with their number
** comes by all of them. */
static void fill_student(sqlite3_stmt *insert, int student, int fan_out) {
  int course = pick(COURSES), step = 2 * pick(COURSES / 2) - 1;
  while (step % 5 == 0) step += 2;
  for (int i = 0; i < fan_out; i++) {
    sqlite3_bind_int(insert, 1, student);
    sqlite3_bind_int(insert, 2, 1 + course % COURSES);
    sqlite3_step(insert);
    sqlite3_reset(insert);
    course += step;
  }
}

static void fill_links(int links) {
  int student = 1;
  sqlite3_stmt *insert =
      prepare("INSERT INTO student_course VALUES (?1, ?2, char(65 + ?2 % 5))");
  run("BEGIN");
  for (Kind *kind = kinds; kind < kinds + KINDS; kind++) {
    kind->first = student;
    kind->count = 1 + (int)((double)links * kind->share / 100 / kind->fan_out);
    for (int i = 0; i < kind->count; i++)
      fill_student(insert, student++, kind->fan_out);
  }
  run("COMMIT");
  sqlite3_finalize(insert);
}

/* Ten for each, level by level, so that the manager of i is (i - 2) / 10 + 1. */
static void fill_tree(void) {
  int last = 1;
  for (int i = 0, width = 1; i < TREE_LEVELS; i++) last += width *= TREE_WIDTH;
  run("INSERT INTO employees WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM n WHERE i < %d) SELECT i, 'employee ' || i,"
      " CASE WHEN i > 1 THEN (i - 2) / %d + 1 END FROM n",
      last, TREE_WIDTH);
}

/* So that the tables made since the extension was loaded have navigators. */
static void know(void) { run("SELECT count(*) FROM relationship_list"); }

static void fill(int links) {
  fill_tables();
  fill_links(links);
  fill_tree();
  run("SELECT relationship('students.classmates', 'path',"
      " 'courses.students')");
  know();
}

/* A thousand tables, each of which refers to the one before. */
static void fill_schema(int links) {
  fill(links / 100);
  run("CREATE TABLE t0(id INTEGER PRIMARY KEY)");
  for (int i = 1; i < 1000; i++)
    run("CREATE TABLE t%d(id INTEGER PRIMARY KEY, name TEXT,"
        " before_id INTEGER REFERENCES t%d)",
        i, i - 1);
  know();
}

/* ---- what ---- */

#define JOIN                                                           \
  " FROM student_course AS l JOIN courses AS c ON c.id = l.course_id " \
  "WHERE l.student_id = ?1"
#define COLUMNS "SELECT c.id, c.title, c.credits, l.grade"
#define ALL_BY_RELATE \
  "SELECT id, title, credits, grade FROM \"students.courses\"(?1)"
#define CLASSMATES                                         \
  "SELECT DISTINCT s.id, s.name"                           \
  " FROM student_course AS a"                              \
  " JOIN student_course AS b ON b.course_id = a.course_id" \
  " JOIN students AS s ON s.id = b.student_id WHERE a.student_id = ?1"
#define CLASSMATES_BY_RELATE "SELECT id, name FROM \"students.classmates\"(?1)"
#define HUNDRED "s.id BETWEEN ?1 AND ?1 + 99"

static const Bench benches[] = {
    {"navigator, four columns, fan-out 5", 1.5, of_students, COLUMNS JOIN,
     ALL_BY_RELATE, 1, 2000, 5},
    {"navigator, four columns, fan-out 50", 1.5, of_students, COLUMNS JOIN,
     ALL_BY_RELATE, 1, 400, 50},
    {"navigator, four columns, fan-out 5,000", 1.65, of_students, COLUMNS JOIN,
     ALL_BY_RELATE, 1, 5, 5000},
    {"navigator, one column", 1.45, of_students, "SELECT c.title" JOIN,
     "SELECT title FROM \"students.courses\"(?1)", 1, 400, 50},
    {"navigator, keys only", 0.7, of_students, "SELECT c.id" JOIN,
     "SELECT id FROM \"students.courses\"(?1)", 1, 400, 50},
    {"navigator, count(*)", 1.5, of_students,
     "SELECT count(*) FROM student_course WHERE student_id = ?1",
     "SELECT count(*) FROM \"students.courses\"(?1)", 1, 2000, 50},
    {"navigator, of 100 sources, fan-out 5", 1.3, of_hundred_students,
     "SELECT s.name, c.title FROM students AS s"
     " JOIN student_course AS l ON l.student_id = s.id"
     " JOIN courses AS c ON c.id = l.course_id WHERE " HUNDRED,
     "SELECT s.name, c.title FROM students AS s"
     " JOIN \"students.courses\"(s.id) AS c WHERE " HUNDRED,
     1, 20, 5},
    {"navigator, of 100 sources, fan-out 50", 1.3, of_hundred_students,
     "SELECT s.name, c.title FROM students AS s"
     " JOIN student_course AS l ON l.student_id = s.id"
     " JOIN courses AS c ON c.id = l.course_id WHERE " HUNDRED,
     "SELECT s.name, c.title FROM students AS s"
     " JOIN \"students.courses\"(s.id) AS c WHERE " HUNDRED,
     1, 5, 50},
    {"navigator *, 11,110 rows below", 1.0, of_roots,
     "WITH RECURSIVE below(id, name) AS ("
     " SELECT id, name FROM employees WHERE manager_id = ?1"
     " UNION SELECT e.id, e.name FROM below"
     " JOIN employees AS e ON e.manager_id = below.id)"
     " SELECT id, name FROM below",
     "SELECT id, name FROM \"employees.employees*\"(?1)", 1, 1},
    {"navigator, two steps, fan-out 50 and 100", 0.65, of_students, CLASSMATES,
     CLASSMATES_BY_RELATE, 1, 20, 50},
    {"navigator, two steps, fan-out 5,000 and 100", 0.65, of_students,
     CLASSMATES, CLASSMATES_BY_RELATE, 1, 1, 5000},
    {"related_count(one step)", 1.15, of_students,
     "SELECT count(*) FROM student_course WHERE student_id = ?1",
     "SELECT related_count('students.courses', ?1)", 1, 2000, 50},
    {"related_count(two steps)", 0.65, of_students,
     "SELECT count(DISTINCT s.id) FROM student_course AS a"
     " JOIN student_course AS b ON b.course_id = a.course_id"
     " JOIN students AS s ON s.id = b.student_id WHERE a.student_id = ?1",
     "SELECT related_count('students.courses.students', ?1)", 1, 20, 5},
    {"related_value(two steps)", 1.3, of_leaves,
     "SELECT (SELECT b.name FROM employees AS e"
     " JOIN employees AS a ON a.id = e.manager_id"
     " JOIN employees AS b ON b.id = a.manager_id WHERE e.id = ?1)",
     "SELECT related_value('employees.manager.manager.name', ?1)", 1, 5000},
};

static const Bench preparations_of[] = {
    {"navigator, to prepare, among 1,000 tables", 2.0, preparations,
     COLUMNS JOIN, ALL_BY_RELATE, 1, 500},
};

const Group reading = {fill, sizeof(benches) / sizeof(*benches), benches};
const Group preparing = {fill_schema,
                         sizeof(preparations_of) / sizeof(*preparations_of),
                         preparations_of};
