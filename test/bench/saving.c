/*
** saving.c: graphs of rows written by relate_save(), beside prepared INSERTs by
** hand; see bench.c.
**
** Ten authors have nine books each, and a book has ten chapters: 1,000 rows.  Or
** twenty students are enrolled in 49 of the courses that there are.  By hand the
** values are at hand; relate_save() gets them as a text.
*/
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define AUTHORS 10
#define BOOKS 9
#define CHAPTERS 10
#define STUDENTS 20
#define TAKEN 49
#define COURSES 2000

/* ---- documents ---- */

static sqlite3_str *document;

static void say(const char *text) { sqlite3_str_appendall(document, text); }

static char *library_document(void) {
  document = sqlite3_str_new(NULL);
  for (int a = 0; a < AUTHORS; a++) {
    sqlite3_str_appendf(
        document, "%s{\"name\":\"author %d\",\"email\":\"%d@example.org\",",
        a ? "," : "[", a, a);
    for (int b = 0; b < BOOKS; b++) {
      sqlite3_str_appendf(document,
                          "%s{\"title\":\"book %d of %d\",\"year\":%d,",
                          b ? "," : "\"books\":[", b, a, 1990 + b);
      for (int c = 0; c < CHAPTERS; c++)
        sqlite3_str_appendf(document,
                            "%s{\"title\":\"chapter %d\",\"pages\":%d}",
                            c ? "," : "\"chapters\":[", c, c);
      say("]}");
    }
    say("]}");
  }
  say("]");
  return sqlite3_str_finish(document);
}

static char *campus_document(void) {
  document = sqlite3_str_new(NULL);
  for (int s = 0; s < STUDENTS; s++) {
    sqlite3_str_appendf(document, "%s{\"name\":\"student %d\",", s ? "," : "[",
                        s);
    for (int c = 1; c <= TAKEN; c++)
      sqlite3_str_appendf(document, "%s{\"id\":%d,\"grade\":\"A\"}",
                          c > 1 ? "," : "\"courses\":[", s * TAKEN + c);
    say("]}");
  }
  say("]");
  return sqlite3_str_finish(document);
}

/* ---- by hand ---- */

static void bind_text(sqlite3_stmt *statement, int parameter,
                      const char *format, int first, int second) {
  char text[60];
  snprintf(text, sizeof(text), format, first, second);
  sqlite3_bind_text(statement, parameter, text, -1, SQLITE_TRANSIENT);
}

static sqlite3_int64 insert(sqlite3_stmt *statement) {
  sqlite3_step(statement);
  if (sqlite3_reset(statement)) die(sqlite3_sql(statement));
  return sqlite3_last_insert_rowid(db);
}

static void insert_library(sqlite3_stmt *author, sqlite3_stmt **others) {
  sqlite3_stmt *book = others[0], *chapter = others[1];
  for (int a = 0; a < AUTHORS; a++) {
    bind_text(author, 1, "author %d", a, 0);
    bind_text(author, 2, "%d@example.org", a, 0);
    sqlite3_int64 author_id = insert(author);
    for (int b = 0; b < BOOKS; b++) {
      bind_text(book, 1, "book %d of %d", b, a);
      sqlite3_bind_int(book, 2, 1990 + b);
      sqlite3_bind_int64(book, 3, author_id);
      sqlite3_int64 book_id = insert(book);
      for (int c = 0; c < CHAPTERS; c++) {
        bind_text(chapter, 1, "chapter %d", c, 0);
        sqlite3_bind_int(chapter, 2, c);
        sqlite3_bind_int64(chapter, 3, book_id);
        insert(chapter);
      }
    }
  }
}

static void insert_campus(sqlite3_stmt *student, sqlite3_stmt **others) {
  sqlite3_stmt *link = others[0];
  for (int s = 0; s < STUDENTS; s++) {
    bind_text(student, 1, "student %d", s, 0);
    sqlite3_int64 student_id = insert(student);
    for (int c = 1; c <= TAKEN; c++) {
      sqlite3_bind_int64(link, 1, student_id);
      sqlite3_bind_int(link, 2, s * TAKEN + c);
      insert(link);
    }
  }
}

/* ---- how ---- */

/* How one graph is written. */
typedef struct Graph {
  char *(*document)(void);
  void (*by_hand)(sqlite3_stmt *first, sqlite3_stmt **others);
  const char *others[2]; /* statements by hand */
  const char *clear;
} Graph;

static const Graph library = {
    library_document,
    insert_library,
    {"INSERT INTO books(title, year, author_id) VALUES (?1, ?2, ?3)",
     "INSERT INTO chapters(title, pages, book_id) VALUES (?1, ?2, ?3)"},
    "DELETE FROM chapters WHERE id > 10000;"
    "DELETE FROM books WHERE id > 1000; DELETE FROM authors WHERE id > 100"};

static const Graph campus = {
    campus_document,
    insert_campus,
    {"INSERT INTO student_course(student_id, course_id, grade)"
     " VALUES (?1, ?2, 'A')",
     "SELECT 1"},
    "DELETE FROM student_course WHERE student_id > 1000;"
    "DELETE FROM students WHERE id > 1000"};

static void save_once(const Graph *graph, sqlite3_stmt *statement,
                      const char *text, sqlite3_stmt **others) {
  if (sqlite3_stmt_readonly(statement)) {
    sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
    sqlite3_step(statement);
    if (sqlite3_reset(statement)) die(sqlite3_errmsg(db));
  } else {
    graph->by_hand(statement, others);
  }
}

static double save(const Bench *bench, sqlite3_stmt *statement,
                   const Graph *graph) {
  double spent = 0;
  char *text = graph->document();
  sqlite3_stmt *others[2] = {prepare(graph->others[0]),
                             prepare(graph->others[1])};
  for (int i = 0; i < bench->calls; i++) {
    double start = now();
    save_once(graph, statement, text, others);
    spent += now() - start;
    run("%s", graph->clear);
  }
  sqlite3_finalize(others[0]);
  sqlite3_finalize(others[1]);
  sqlite3_free(text);
  return spent / bench->calls;
}

static double save_library(const Bench *bench, sqlite3_stmt *statement,
                           unsigned from) {
  (void)from;
  return save(bench, statement, &library);
}

static double save_campus(const Bench *bench, sqlite3_stmt *statement,
                          unsigned from) {
  (void)from;
  return save(bench, statement, &campus);
}

/* ---- the database ---- */

static void count_up(const char *sql, int rows) {
  run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) %s",
      rows, sql);
}

static void fill(int links) {
  (void)links;
  run("CREATE TABLE authors(id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
      " email TEXT UNIQUE);"
      "CREATE TABLE books(id INTEGER PRIMARY KEY, title TEXT NOT NULL,"
      " year INTEGER, author_id INTEGER NOT NULL REFERENCES authors);"
      "CREATE INDEX books_by_author ON books(author_id);"
      "CREATE TABLE chapters(id INTEGER PRIMARY KEY, title TEXT NOT NULL,"
      " pages INTEGER, book_id INTEGER NOT NULL REFERENCES books);"
      "CREATE INDEX chapters_by_book ON chapters(book_id);"
      "CREATE TABLE students(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
      "CREATE TABLE courses(id INTEGER PRIMARY KEY, title TEXT NOT NULL);"
      "CREATE TABLE student_course("
      " student_id INTEGER NOT NULL REFERENCES students,"
      " course_id INTEGER NOT NULL REFERENCES courses, grade TEXT,"
      " PRIMARY KEY (student_id, course_id)) WITHOUT ROWID;"
      "CREATE INDEX student_course_by_course"
      " ON student_course(course_id, student_id);");
  count_up("INSERT INTO authors SELECT i, 'a' || i, i || '@x.org' FROM n", 100);
  count_up("INSERT INTO books SELECT i, 'b' || i, 1990, 1 + i % 100 FROM n",
           1000);
  count_up("INSERT INTO chapters SELECT i, 'c' || i, 9, 1 + i % 1000 FROM n",
           10000);
  count_up("INSERT INTO students SELECT i, 's' || i FROM n", 1000);
  count_up("INSERT INTO courses SELECT i, 'c' || i FROM n", COURSES);
  count_up(
      "INSERT INTO student_course SELECT 1 + i % 1000, 1 + i / 50, 'B' FROM n",
      50000);
}

/* ---- what ---- */

static const Bench benches[] = {
    {"relate_save, 1,000 new rows", 1.5, save_library,
     "INSERT INTO authors(name, email) VALUES (?1, ?2)",
     "SELECT relate_save('authors', ?1)", 1, 20},
    {"relate_save, 980 links", 2.4, save_campus,
     "INSERT INTO students(name) VALUES (?1)",
     "SELECT relate_save('students', ?1)", 1, 20},
};

const Group saving = {fill, sizeof(benches) / sizeof(*benches), benches};
