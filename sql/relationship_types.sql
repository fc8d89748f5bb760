-- relationship_types.sql: the four types of relationship, how each is told,
-- and ten pairs of tables from real life.
--
--     sqlite3 types.db ".load build/relate" ".read sql/relationship_types.sql"
--
-- Needs the extension.  It can be run again: it makes its tables anew.

.mode box --wrap 0

-- Begin anew: what an earlier run has declared goes, then its tables.

SELECT relationship_drop('*') AS dropped;
DROP TABLE IF EXISTS profile;
DROP TABLE IF EXISTS user;
DROP TABLE IF EXISTS child_table;
DROP TABLE IF EXISTS parent_table;
DROP TABLE IF EXISTS author_book;
DROP TABLE IF EXISTS patient_doctor;
DROP TABLE IF EXISTS student_course;
DROP TABLE IF EXISTS employee;
DROP TABLE IF EXISTS company;
DROP TABLE IF EXISTS car_model;
DROP TABLE IF EXISTS car_brand;
DROP TABLE IF EXISTS book;
DROP TABLE IF EXISTS library;
DROP TABLE IF EXISTS student;
DROP TABLE IF EXISTS classroom;
DROP TABLE IF EXISTS capital;
DROP TABLE IF EXISTS country;
DROP TABLE IF EXISTS passport;
DROP TABLE IF EXISTS person;
DROP TABLE IF EXISTS office;
DROP TABLE IF EXISTS doctor;
DROP TABLE IF EXISTS course;
DROP TABLE IF EXISTS author;
DROP TABLE IF EXISTS patient;

-- ---- One-to-many ----
--
-- The foreign key is in the table at the "many" end.

CREATE TABLE parent_table(id INTEGER PRIMARY KEY);
CREATE TABLE child_table(
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES parent_table(id)
);

-- By itself it gives each direction a name, made of tables and columns.

SELECT name, cardinality, because FROM relationship_list;

-- A declaration gives better ones: parent.children, child.parent.

SELECT relationship('parent_table.children', 'inverse', 'child_table.parent')
  AS declared;
SELECT name, cardinality, because FROM relationship_list;

INSERT INTO parent_table(id) VALUES (1), (2);
INSERT INTO child_table(id, parent_id) VALUES (1, 1), (2, 1), (3, 2);
SELECT id FROM parent_table__children(1);
SELECT id, related_value('child_table.parent.id', id) AS parent
FROM child_table;

-- The foreign key keeps it true: a parent has to be there.

INSERT INTO child_table(id, parent_id) VALUES (4, 99);

-- ---- Many-to-one ----
--
-- The same foreign key, followed from the table that has it.

CREATE TABLE car_brand(id INTEGER PRIMARY KEY);
CREATE TABLE car_model(
  id INTEGER PRIMARY KEY,
  brand_id INTEGER REFERENCES car_brand(id)
);
SELECT relationship('car_model.brand', 'inverse', 'car_brand.models')
  AS declared;
SELECT name, cardinality, because FROM relationship_list
WHERE source IN ('car_brand', 'car_model');

INSERT INTO car_brand(id) VALUES (1), (2);
INSERT INTO car_model(id, brand_id) VALUES (1, 1);

-- A model has one brand: another takes the place of the first.

SELECT relate('car_model.brand', 1, 2) AS made;
SELECT id, related_value('car_model.brand.id', id) AS brand FROM car_model;

-- ---- One-to-one ----
--
-- A user has one profile; but nothing in these tables says so, and so it is
-- a one-to-many.

CREATE TABLE user(id INTEGER PRIMARY KEY);
CREATE TABLE profile(
  id INTEGER PRIMARY KEY,
  user_id INTEGER REFERENCES user(id)
);
SELECT name, cardinality, because FROM relationship_list
WHERE source IN ('user', 'profile');

-- To say it in one program (SQLAlchemy's uselist=False) binds that program
-- alone.  To say it here makes a UNIQUE index, which binds all of them.

SELECT relationship('user.profile', 'inverse', 'profile.user',
                    'cardinality', 'one-to-one') AS declared;
SELECT name, cardinality, because FROM relationship_list
WHERE source IN ('user', 'profile');
SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'profile';

INSERT INTO user(id) VALUES (1), (2);
INSERT INTO profile(id, user_id) VALUES (1, 1);

-- A second profile of user 1 is refused, whoever writes it.

INSERT INTO profile(id, user_id) VALUES (2, 1);

-- relate() makes room where it may: the former profile stays, without a user.

INSERT INTO profile(id) VALUES (2);
SELECT relate('user.profile', 1, 2) AS made;
SELECT * FROM profile;

-- ---- Many-to-many ----
--
-- A table of two foreign keys that together are its primary key.

CREATE TABLE student(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE TABLE course(
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL
);
CREATE TABLE student_course(
  student_id INTEGER NOT NULL REFERENCES student(id),
  course_id INTEGER NOT NULL REFERENCES course(id),
  PRIMARY KEY (student_id, course_id)
);
SELECT relationship('student.courses', 'inverse', 'course.students',
                    'through', 'student_course') AS declared;
SELECT name, cardinality, because FROM relationship_list
WHERE source IN ('student', 'course', 'student_course');

-- So two one-to-manys make a many-to-many: one from each of the two tables, to
-- the association table that they share.

SELECT name, cardinality, target FROM relationship_list
WHERE source IN ('student', 'course')
ORDER BY target = 'student_course' DESC, name;

-- ---- The four of them side by side ----

SELECT r.cardinality AS "Relationship Type",
       r.source || ', ' || r.target AS "Example Tables",
       coalesce(r.through,
                (SELECT r.source FROM pragma_foreign_key_list(r.source) AS f
                 WHERE f."table" = r.target),
                r.target) AS "Foreign Key Location",
       substr(r.name, length(r.source) + 2) AS "Name in the First",
       substr(r.inverse, length(r.target) + 2) AS "Name in the Second",
       iif(r.through IS NULL, 'No', 'Yes') AS "Association Table"
FROM relationship_list AS r
WHERE r.name IN ('parent_table.children', 'child_table.parent',
                 'user.profile', 'student.courses')
ORDER BY instr('one-to-many many-to-one one-to-one many-to-many',
               r.cardinality);

-- ---- The association as a class ----
--
-- The rows of student_course can be objects of their own, too.  Then
-- student.courses leads to them, and from them student and course lead on.
-- The name is taken, so that one declaration goes and two others come.

SELECT relationship_drop('student.courses') AS dropped;
SELECT relationship('student.courses', 'inverse', 'student_course.student')
  AS declared;
SELECT relationship('course.students', 'inverse', 'student_course.course')
  AS declared;
SELECT name, cardinality, target FROM relationship_list
WHERE source IN ('student', 'course', 'student_course') AND declared;

-- A student, a course and the enrollment: all three or nothing.

BEGIN;
INSERT INTO student(id, name) VALUES (1, 'Alice');
INSERT INTO course(id, title) VALUES (1, 'Math 101');
INSERT INTO student__courses(source_key, course_id) VALUES (1, 1);
COMMIT;

-- The enrollments of Alice, and through them the courses.

SELECT * FROM student__courses(1);
SELECT c.title
FROM student__courses(1) AS e
JOIN student_course__course(e.student_id, e.course_id) AS c;
SELECT name, related_count('student.courses.course', id) AS courses
FROM student;

-- The way back: the students of a course.

SELECT s.name
FROM course__students(1) AS e
JOIN student_course__student(e.student_id, e.course_id) AS s;

-- What else is known of an enrollment is a column of its row.

ALTER TABLE student_course ADD COLUMN enrolled TEXT;
ALTER TABLE student_course ADD COLUMN grade TEXT;
UPDATE student_course SET enrolled = '2024-09-02', grade = 'A'
WHERE student_id = 1 AND course_id = 1;
SELECT * FROM student__courses(1);

-- The declarations go, and student.courses may name the courses again.  Then
-- an enrollment's columns come along with the course, and one INSERT makes the
-- course and the enrollment.  student_course keeps its rows all the while.

SELECT relationship_drop('student.courses') AS dropped;
SELECT relationship_drop('course.students') AS dropped;
SELECT relationship('student.courses', 'inverse', 'course.students',
                    'through', 'student_course') AS declared;
INSERT INTO student__courses(source_key, title, enrolled)
VALUES (1, 'Art 101', '2025-02-03');
SELECT title, enrolled, grade FROM student__courses(1);

-- Without a name of its own the association is a step of a path.

SELECT name, related_count('student.student_course.course', id) AS courses
FROM student;

-- ---- Ten pairs from real life ----
--
-- First the tables above go.

SELECT relationship_drop('*') AS dropped;
DROP TABLE student_course;
DROP TABLE student;
DROP TABLE course;
DROP TABLE profile;
DROP TABLE user;
DROP TABLE car_model;
DROP TABLE car_brand;
DROP TABLE child_table;
DROP TABLE parent_table;

-- One-to-many, and many-to-one: a foreign key.

CREATE TABLE company(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE employee(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  company_id INTEGER NOT NULL REFERENCES company(id)
);
CREATE TABLE car_brand(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE car_model(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  brand_id INTEGER NOT NULL REFERENCES car_brand(id)
);
CREATE TABLE library(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE book(
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  library_id INTEGER NOT NULL REFERENCES library(id)
);
CREATE TABLE classroom(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE student(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  classroom_id INTEGER NOT NULL REFERENCES classroom(id)
);

-- One-to-one: a foreign key that is UNIQUE.

CREATE TABLE country(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE capital(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  country_id INTEGER NOT NULL UNIQUE REFERENCES country(id)
);
CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE passport(
  id INTEGER PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  person_id INTEGER NOT NULL UNIQUE REFERENCES person(id)
);
CREATE TABLE doctor(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE office(
  id INTEGER PRIMARY KEY,
  room TEXT NOT NULL,
  doctor_id INTEGER NOT NULL UNIQUE REFERENCES doctor(id)
);

-- Many-to-many: an association table.

CREATE TABLE course(id INTEGER PRIMARY KEY, title TEXT NOT NULL);
CREATE TABLE student_course(
  student_id INTEGER NOT NULL REFERENCES student(id),
  course_id INTEGER NOT NULL REFERENCES course(id),
  PRIMARY KEY (student_id, course_id)
);
CREATE TABLE author(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE author_book(
  author_id INTEGER NOT NULL REFERENCES author(id),
  book_id INTEGER NOT NULL REFERENCES book(id),
  PRIMARY KEY (author_id, book_id)
);
CREATE TABLE patient(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE patient_doctor(
  patient_id INTEGER NOT NULL REFERENCES patient(id),
  doctor_id INTEGER NOT NULL REFERENCES doctor(id),
  PRIMARY KEY (patient_id, doctor_id)
);

-- Nothing is declared.  What each pair is, the tables tell.

WITH pairs(number, source, target) AS (
  VALUES (1, 'company', 'employee'), (2, 'car_brand', 'car_model'),
         (3, 'library', 'book'), (4, 'student', 'classroom'),
         (5, 'country', 'capital'), (6, 'person', 'passport'),
         (7, 'doctor', 'office'), (8, 'student', 'course'),
         (9, 'author', 'book'), (10, 'patient', 'doctor')
)
SELECT p.source || ' & ' || p.target AS pair, r.cardinality, r.because
FROM pairs AS p
LEFT JOIN relationship_list AS r
  ON r.source = p.source AND r.target = p.target
ORDER BY p.number;

-- One row of each, and what goes with it.

INSERT INTO company(id, name) VALUES (1, 'Acme');
INSERT INTO employee(name, company_id) VALUES ('Ann', 1);
INSERT INTO car_brand(id, name) VALUES (1, 'Toyota');
INSERT INTO car_model(name, brand_id) VALUES ('Corolla', 1);
INSERT INTO library(id, name) VALUES (1, 'City Library');
INSERT INTO book(id, title, library_id) VALUES (1, 'Good Omens', 1);
INSERT INTO classroom(id, name) VALUES (1, '4b');
INSERT INTO student(id, name, classroom_id) VALUES (1, 'Alice', 1);
INSERT INTO country(id, name) VALUES (1, 'France');
INSERT INTO capital(name, country_id) VALUES ('Paris', 1);
INSERT INTO person(id, name) VALUES (1, 'Bob');
INSERT INTO passport(id, number, person_id) VALUES (1, 'X1', 1);
INSERT INTO doctor(id, name) VALUES (1, 'Dr. Ito');
INSERT INTO office(room, doctor_id) VALUES ('12', 1);
INSERT INTO course(id, title) VALUES (1, 'Math 101');
INSERT INTO student_course(student_id, course_id) VALUES (1, 1);
INSERT INTO author(id, name) VALUES (1, 'Terry'), (2, 'Neil');
INSERT INTO author_book(author_id, book_id) VALUES (1, 1);
INSERT INTO patient(id, name) VALUES (1, 'Carol');
INSERT INTO patient_doctor(patient_id, doctor_id) VALUES (1, 1);

-- Allowed: at a "many" end there may be a second one.

INSERT INTO company__employee(source_key, name) VALUES (1, 'Ben');
INSERT INTO car_brand__car_model(source_key, name) VALUES (1, 'Camry');
INSERT INTO library__book(source_key, title) VALUES (1, 'Emma');
INSERT INTO classroom__student(source_key, name) VALUES (1, 'Bob');
INSERT INTO student__course(source_key, title) VALUES (1, 'Art 101');
INSERT INTO course__student(source_key, id) VALUES (1, 2);
INSERT INTO author__book(source_key, id) VALUES (2, 1);
INSERT INTO patient__doctor(source_key, id, name) VALUES (1, 2, 'Dr. Kim');
INSERT INTO doctor__patient(source_key, name) VALUES (1, 'Dan');

WITH counts(whose, path, count) AS (
  VALUES
    ('Acme', 'company.employee', related_count('company.employee', 1)),
    ('Toyota', 'car_brand.car_model', related_count('car_brand.car_model', 1)),
    ('City Library', 'library.book', related_count('library.book', 1)),
    ('4b', 'classroom.student', related_count('classroom.student', 1)),
    ('France', 'country.capital', related_count('country.capital', 1)),
    ('Bob', 'person.passport', related_count('person.passport', 1)),
    ('Dr. Ito', 'doctor.office', related_count('doctor.office', 1)),
    ('Alice', 'student.course', related_count('student.course', 1)),
    ('Math 101', 'course.student', related_count('course.student', 1)),
    ('Good Omens', 'book.author', related_count('book.author', 1)),
    ('Carol', 'patient.doctor', related_count('patient.doctor', 1)),
    ('Dr. Ito', 'doctor.patient', related_count('doctor.patient', 1))
)
SELECT * FROM counts;

-- Refused: a second one at a "one" end,

INSERT INTO capital(name, country_id) VALUES ('Lyon', 1);
INSERT INTO passport(number, person_id) VALUES ('X2', 1);
INSERT INTO office(room, doctor_id) VALUES ('13', 1);

-- also for relate(), where the first one may not be left alone;

INSERT INTO person(id, name) VALUES (2, 'Eve');
INSERT INTO passport(id, number, person_id) VALUES (2, 'X2', 2);
SELECT relate('person.passport', 1, 2) AS made;

-- a second link of the same two rows (relate() finds that there is one);

INSERT INTO student_course(student_id, course_id) VALUES (1, 1);
INSERT INTO author_book(author_id, book_id) VALUES (1, 1);
INSERT INTO patient_doctor(patient_id, doctor_id) VALUES (1, 1);
SELECT relate('student.course', 1, 1) AS made;

-- a row that belongs to one that is not there;

INSERT INTO employee(name, company_id) VALUES ('Cy', 99);
INSERT INTO book(title, library_id) VALUES ('Lost', 99);
INSERT INTO company__employee(source_key, name) VALUES (99, 'Cy');
SELECT relate('student.course', 1, 99) AS made;

-- one that belongs to none, where the key is NOT NULL;

INSERT INTO capital(name) VALUES ('Atlantis City');
INSERT INTO student(name) VALUES ('Dan');
SELECT unrelate('employee.company', 1, 1) AS removed;

-- and to take away what others belong to.

DELETE FROM car_brand WHERE name = 'Toyota';
DELETE FROM doctor WHERE id = 1;
