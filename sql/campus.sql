-- campus.sql: students, courses, and who takes what.
--
-- Needs the extension.  It can be run again: tables, rows and declarations
-- that are there stay, and the story begins anew with nobody enrolled.

-- Two ordinary tables and some rows, in plain SQL.

CREATE TABLE IF NOT EXISTS students(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT UNIQUE
);
CREATE TABLE IF NOT EXISTS courses(
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  detail TEXT
);
INSERT OR IGNORE INTO students(id, name, email) VALUES
  (1, 'Alice', 'alice@example.org'),
  (2, 'Bob', 'bob@example.org'),
  (3, 'Carol', 'carol@example.org'),
  (4, 'Dan', 'dan@example.org');
INSERT OR IGNORE INTO courses(id, title, detail) VALUES
  (1, 'Math', 'Sets, numbers and proofs'),
  (2, 'Science', 'How things work'),
  (3, 'History', 'How things came about'),
  (7, 'First Aid', 'One evening; everybody is welcome');

-- A student has many courses, a course has many students.  The association
-- table that this takes is made unless it is there.

SELECT relationship('students.courses', 'inverse', 'courses.students',
                    'through', 'student_course') AS declared;

-- What relate sees, and why.

SELECT name, cardinality, because FROM relationship_list;

-- Give the relationship words of its own.  They stay in the file.

SELECT relationship_function('enroll', 'relate', 'students.courses') AS a,
       relationship_function('unenroll', 'unrelate', 'students.courses') AS b;
SELECT relationship_function('course_count', 'related_count',
                             'students.courses') AS a,
       relationship_function('student_count', 'related_count',
                             'courses.students') AS b;

-- student_course is a table like any other: empty it, and begin.

DELETE FROM student_course;

-- Enroll by key.  1: a link was made.  The second time there is none to make.

SELECT enroll(1, 1) AS made;
SELECT enroll(1, 1) AS made;

-- Enroll by what you know of a row, if it tells which one is meant.

SELECT enroll(json_object('name', 'Alice'),
              json_object('title', 'Science')) AS made;
SELECT enroll(json_object('email', 'bob@example.org'),
              json_object('title', 'Math')) AS made;

-- How many courses does each student take, and how many students has each
-- course?

SELECT name, course_count(id) AS courses FROM students;
SELECT title, student_count(id) AS students FROM courses;

-- All courses of Alice, and all students in Math.

SELECT title FROM courses
WHERE related('courses.students', id, json_object('name', 'Alice'));
SELECT name FROM students
WHERE related('students.courses', id, json_object('title', 'Math'));

-- Enroll by a criterion: everybody with fewer than two courses takes First
-- Aid.  The function's name is also a table to insert into.

INSERT INTO enroll SELECT id, 7 FROM students WHERE course_count(id) < 2;
SELECT changes() AS enrolled;

-- As a function the same takes one SELECT, which tells how many links it made.

SELECT enroll(id, 3) AS made FROM students WHERE course_count(id) < 2;
SELECT name, course_count(id) AS courses FROM students;

-- Unenroll: 1 link less; the second time there is none to remove.

SELECT unenroll(json_object('name', 'Bob'),
                json_object('title', 'Math')) AS removed;
SELECT unenroll(json_object('name', 'Bob'),
                json_object('title', 'Math')) AS removed;

-- What can't be is refused, and the message says why.

SELECT enroll(1, 99) AS made;
SELECT enroll(json_object('name', 'Zoe'), 1) AS made;

-- All or nothing: course 99 is refused, so nobody was enrolled in 2 either.

INSERT INTO enroll VALUES (3, 2), (4, 2), (4, 99);

SELECT title, student_count(id) AS students FROM courses;
