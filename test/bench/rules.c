/*
** rules.c: links made under a rule, beside the trigger an expert would write for
** the same rule, and beside no rule; see bench.c.
**
** Each bench has two link tables with the same links: `h_...` with the trigger by
** hand, `r_...` with the rule.
*/
#include "bench.h"

#define STUDENTS 100000
#define COURSES 10000
#define CALLS 5000

/* ---- how ---- */

static double calls(const Bench *bench, sqlite3_stmt *statement,
                    unsigned from) {
  pick_from(from);
  double start = now();
  for (int i = 0; i < bench->calls; i++) {
    sqlite3_bind_int(statement, 1, pick(STUDENTS));
    sqlite3_bind_int(statement, 2, pick(COURSES));
    if (sqlite3_step(statement) != SQLITE_DONE) die(sqlite3_sql(statement));
    sqlite3_reset(statement);
  }
  return (now() - start) / bench->calls;
}

/* ---- the database ---- */

static void link_table(const char *name, int links) {
  run("CREATE TABLE %s(student_id INTEGER NOT NULL REFERENCES students,"
      " course_id INTEGER NOT NULL REFERENCES courses,"
      " PRIMARY KEY (student_id, course_id)) WITHOUT ROWID;"
      "CREATE INDEX %s_course ON %s(course_id);",
      name, name, name);
  char *sql = sqlite3_mprintf("INSERT OR IGNORE INTO %s VALUES (?1, ?2)", name);
  sqlite3_stmt *insert = prepare(sql);
  pick_from(7);
  run("BEGIN");
  for (int i = 0; i < links; i++) {
    sqlite3_bind_int(insert, 1, pick(STUDENTS));
    sqlite3_bind_int(insert, 2, pick(COURSES));
    sqlite3_step(insert);
    sqlite3_reset(insert);
  }
  run("COMMIT");
  sqlite3_finalize(insert);
  sqlite3_free(sql);
}

/* Both tables of a bench: the trigger's text, and the rule's arguments. */
static void pair(const char *kind, int links, const char *trigger,
                 const char *rule) {
  char *hand = sqlite3_mprintf("h_%s", kind);
  char *relate = sqlite3_mprintf("r_%s", kind);
  link_table(hand, links);
  link_table(relate, links);
  run("CREATE TRIGGER t_%s AFTER INSERT ON h_%s %s", kind, kind, trigger);
  run("SELECT relationship_rule('%s.%s_via_r_%s', '%s', %s)",
      kind[0] == 'c' ? "courses" : "students",
      kind[0] == 'c' ? "students" : "courses", kind, kind, rule);
  sqlite3_free(hand);
  sqlite3_free(relate);
}

#define RAISES " BEGIN SELECT RAISE(ABORT, 'no'); END"

static void fill_pairs(int links) {
  pair("open", links,
       "WHEN NOT (SELECT open FROM courses WHERE id = NEW.course_id)" RAISES,
       "'check', 'target.open'");
  pair("capacity", links,
       "WHEN (SELECT count(*) FROM h_capacity WHERE course_id = NEW.course_id)"
       " > (SELECT capacity FROM courses WHERE id = NEW.course_id)" RAISES,
       "'max_count', 'source.capacity'");
  pair("having", links,
       "WHEN (SELECT sum(c.credits) FROM h_having l JOIN courses c ON c.id ="
       " l.course_id WHERE l.student_id = NEW.student_id) > (SELECT max_credits"
       " FROM students WHERE id = NEW.student_id)" RAISES,
       "'having', 'sum(target.credits) <= source.max_credits'");
  pair("overlap", links,
       "WHEN EXISTS (SELECT 1 FROM courses n JOIN h_overlap l JOIN courses c"
       " ON c.id = l.course_id WHERE n.id = NEW.course_id AND l.student_id ="
       " NEW.student_id AND l.course_id <> NEW.course_id AND c.starts < n.ends"
       " AND n.starts < c.ends)" RAISES,
       "'no_overlap', 'target.starts, target.ends'");
  pair("least", links,
       "BEGIN DELETE FROM owed WHERE student = NEW.student_id AND 1 <= (SELECT"
       " count(*) FROM h_least WHERE student_id = owed.student); END",
       "'min_count', 1, 'existing', 'keep'");
}

/* Everybody has a manager a little further up. */
static void fill_trees(void) {
  for (int i = 0; i < 2; i++)
    run("CREATE TABLE %s(id INTEGER PRIMARY KEY, up_id INTEGER REFERENCES %s,"
        " n INTEGER);"
        "CREATE INDEX %s_up ON %s(up_id);"
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO %s SELECT i, nullif(i / 4, 0), i FROM n;",
        i ? "r_tree" : "h_tree", i ? "r_tree" : "h_tree",
        i ? "r_tree" : "h_tree", i ? "r_tree" : "h_tree", STUDENTS,
        i ? "r_tree" : "h_tree");
  run("CREATE TRIGGER t_tree AFTER INSERT ON h_tree WHEN NEW.up_id IS NOT NULL"
      " AND NEW.id IN (WITH RECURSIVE r(k) AS (SELECT NEW.up_id UNION SELECT h.up_id"
      " FROM r JOIN h_tree h ON h.id = r.k) SELECT k FROM r)" RAISES);
  run("SELECT relationship_rule('r_tree.up', 'tree', 'acyclic', NULL)");
}

static void fill(int links) {
  run("CREATE TABLE students(id INTEGER PRIMARY KEY, max_credits INTEGER);"
      "CREATE TABLE courses(id INTEGER PRIMARY KEY, open INTEGER DEFAULT 1,"
      " capacity INTEGER DEFAULT 100000, credits INTEGER DEFAULT 1,"
      " starts INTEGER, ends INTEGER);"
      "CREATE TABLE never(id INTEGER PRIMARY KEY);"
      "CREATE TABLE owed(student INTEGER PRIMARY KEY, due INTEGER NOT NULL"
      " DEFAULT 1 REFERENCES never DEFERRABLE INITIALLY DEFERRED);"
      "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
      " INSERT INTO students SELECT i, 10000 FROM n;"
      "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
      " INSERT INTO courses(id, starts, ends) SELECT i, i * 10, i * 10 + 5"
      " FROM n;",
      STUDENTS, COURSES);
  fill_pairs(links / 5);
  fill_trees();
  link_table("h_none", links);
  link_table("r_full", links);
  run("SELECT relationship_rule('students.courses_via_r_full', 'full',"
      " 'max_count', 30)");
}

/* ---- what ---- */

#define LINK(table) "INSERT OR IGNORE INTO " table " VALUES (?1, ?2)"
#define NODE(table) "INSERT INTO " table "(up_id, n) VALUES (?1, ?2)"

static const Bench benches[] = {
    {"rule check", 1.05, calls, LINK("h_open"), LINK("r_open"), 2, CALLS},
    {"rule max_count, from a column", 1.05, calls, LINK("h_capacity"),
     LINK("r_capacity"), 2, CALLS},
    {"rule having", 1.05, calls, LINK("h_having"), LINK("r_having"), 2, CALLS},
    {"rule no_overlap", 1.05, calls, LINK("h_overlap"), LINK("r_overlap"), 2,
     CALLS},
    {"rule min_count", 1.05, calls, LINK("h_least"), LINK("r_least"), 2, CALLS},
    {"rule acyclic", 1.05, calls, NODE("h_tree"), NODE("r_tree"), 2, CALLS},
    {"rule max_count 30, beside no rule", 2.5, calls, LINK("h_none"),
     LINK("r_full"), 2, CALLS},
};

const Group rules = {fill, sizeof(benches) / sizeof(*benches), benches};
