-- campus.sql: students, courses, and who takes what.
--
--     mkdir -p instance
--     sqlite3 instance/courses.db ".load build/relate" ".read sql/campus.sql"
--
-- Needs the extension.  It can be run again: tables that are there stay, their
-- rows and what was declared go, and the story begins anew.

SELECT relationship_drop('*') AS dropped;

-- Two ordinary tables, in plain SQL, unless they are there.  `repr` is a
-- readable text for a row.  It is computed when it is read, so it takes no room
-- and is never out of date; and as it is a column it comes along wherever the
-- row is read, by navigators, paths, and programs without the extension.

CREATE TABLE IF NOT EXISTS students(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT UNIQUE,
  repr TEXT AS (printf('<Student %d: %s>', id, name)) VIRTUAL
);
CREATE TABLE IF NOT EXISTS courses(
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  detail TEXT,
  repr TEXT AS (printf('<Course %d: %s>', id, title)) VIRTUAL
);

-- A student has many courses, a course has many students.  The association
-- table that this takes is made unless it is there.

SELECT relationship('students.courses', 'inverse', 'courses.students',
                    'through', 'student_course') AS declared;

-- What relate sees, and why.

SELECT name, cardinality, because FROM relationship_list;

-- Begin with nobody.  The links go with the students and courses.

DELETE FROM students;
DELETE FROM courses;
SELECT count(*) AS links FROM student_course;

-- Two students.  Courses are appended to the courses of a student: one that is
-- not there is made, one whose key is given is linked.

BEGIN;
INSERT INTO students(name) VALUES ('Alice'), ('Bob');
INSERT INTO students__courses(source_key, title) VALUES
  (1, 'Math'),
  (1, 'Science');
INSERT INTO students__courses(source_key, id) VALUES (2, 1);
COMMIT;

-- All courses of Alice, that is, of the first student of that name; and all
-- students in Math.

SELECT title FROM students__courses(
  (SELECT id FROM students WHERE name = 'Alice' ORDER BY id LIMIT 1)
) ORDER BY id;
SELECT name FROM courses__students(
  (SELECT id FROM courses WHERE title = 'Math' ORDER BY id LIMIT 1)
) ORDER BY id;

-- Of everybody it is a join.

SELECT s.name, c.title
FROM students AS s
JOIN students__courses(s.id) AS c
ORDER BY s.id, c.id;

-- The other way round a student is appended to the students of a course.  The
-- links are the same, so what is written from one side is read from the other.
-- To delete from a navigator removes links, and no student and no course.

INSERT INTO courses__students(source_key, name, email) VALUES
  (2, 'Carol', 'carol@example.org');
SELECT title FROM students__courses(3);
DELETE FROM students__courses WHERE source_key = 3;

-- More rows to play with.  The key of First Aid is 7.

UPDATE students SET email = lower(name) || '@example.org' WHERE email IS NULL;
INSERT INTO students(name) VALUES ('Dan');
INSERT INTO courses(id, title, detail) VALUES
  (3, 'History', 'How things came about'),
  (7, 'First Aid', 'One evening; everybody is welcome');
SELECT repr FROM students;
SELECT repr FROM courses__students(1);

-- Give the relationship words of its own: functions that can be used again.
-- They stay in the file.

SELECT relationship_function('enroll', 'relate', 'students.courses') AS a,
       relationship_function('unenroll', 'unrelate', 'students.courses') AS b;
SELECT relationship_function('course_count', 'related_count',
                             'students.courses') AS a,
       relationship_function('student_count', 'related_count',
                             'courses.students') AS b,
       relationship_function('takes', 'related', 'students.courses') AS c;

-- Enroll by key.  1: a link was made.  The second time there is none to make.
-- enroll(3, 1) is short for relate('students.courses', 3, 1).

SELECT enroll(3, 1) AS made;
SELECT enroll(3, 1) AS made;
SELECT relate('students.courses', 3, 1) AS made;

-- Enroll by what you know of a row, if it tells which one is meant.

SELECT enroll(json_object('name', 'Dan'),
              json_object('title', 'Science')) AS made;
SELECT enroll(json_object('email', 'carol@example.org'),
              json_object('title', 'Science')) AS made;

-- How many courses does each student take, and how many students has each
-- course?

SELECT name, course_count(id) AS courses FROM students;
SELECT title, student_count(id) AS students FROM courses;

-- Who takes Math, and who takes what Alice takes?

SELECT name FROM students WHERE takes(id, json_object('title', 'Math'));
SELECT s.name, c.title
FROM students AS s
JOIN students__courses(s.id) AS c
WHERE takes(json_object('name', 'Alice'), c.id) AND s.name <> 'Alice'
ORDER BY s.name, c.title;

-- Enroll by a criterion: everybody with fewer than two courses takes First
-- Aid.  The function's name is also a table to insert into.

INSERT INTO enroll SELECT id, 7 FROM students WHERE course_count(id) < 2;
SELECT changes() AS enrolled;

-- As a function the same takes one SELECT, which tells how many links it made.

SELECT enroll(id, 3) AS made FROM students WHERE course_count(id) < 3;
SELECT name, course_count(id) AS courses FROM students;

-- Unenroll: 1 link less; the second time there is none to remove.

SELECT unenroll(json_object('name', 'Bob'),
                json_object('title', 'Math')) AS removed;
SELECT unenroll(json_object('name', 'Bob'),
                json_object('title', 'Math')) AS removed;

-- What can't be is refused, and the message says why.

SELECT enroll(1, 99) AS made;
SELECT enroll(json_object('name', 'Zoe'), 1) AS made;

-- All or nothing: course 99 is refused, so nobody was enrolled in 1 either.

INSERT INTO enroll VALUES (2, 1), (4, 1), (4, 99);
SELECT title, student_count(id) AS students FROM courses;

-- A query to use again: the students who share a course with a student.  It is
-- read like any relationship, and is also a view in the file, for programs
-- without the extension.

SELECT relationship('students.classmates', 'path', 'courses.students',
                    'view', 'classmates') AS declared;
SELECT repr FROM students__classmates(2) WHERE id <> 2 ORDER BY id;

-- What stands behind a path is a statement of plain SQL, to take along.

SELECT related_sql('students.courses.title') AS sql;
