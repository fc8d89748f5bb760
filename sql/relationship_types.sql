-- relationship_types.sql: the four types of relationships, where each of them
-- is to be found in a schema, and ten examples.
--
--     sqlite3 types.db ".load build/relate" ".read sql/relationship_types.sql"
--
-- Needs the extension.  It can be run again: it makes its tables anew.

.mode box --wrap 0

SELECT relationship_drop('*') AS dropped;
DROP TABLE IF EXISTS child_table;
DROP TABLE IF EXISTS parent_table;
DROP TABLE IF EXISTS car_model;
DROP TABLE IF EXISTS car_brand;
DROP TABLE IF EXISTS profile;
DROP TABLE IF EXISTS user;
DROP TABLE IF EXISTS student_course;
DROP TABLE IF EXISTS student;
DROP TABLE IF EXISTS course;
DROP TABLE IF EXISTS classroom;
DROP TABLE IF EXISTS employee;
DROP TABLE IF EXISTS company;
DROP TABLE IF EXISTS author_book;
DROP TABLE IF EXISTS author;
DROP TABLE IF EXISTS book;
DROP TABLE IF EXISTS library;
DROP TABLE IF EXISTS capital;
DROP TABLE IF EXISTS country;
DROP TABLE IF EXISTS passport;
DROP TABLE IF EXISTS person;
DROP TABLE IF EXISTS patient_doctor;
DROP TABLE IF EXISTS patient;
DROP TABLE IF EXISTS office;
DROP TABLE IF EXISTS doctor;

-- ---- One to many ----
--
-- A foreign key is in the table at the "many" end.  It makes a relationship
-- both ways, and refuses a child whose parent is not there.

CREATE TABLE parent_table(
  id INTEGER PRIMARY KEY
);
CREATE TABLE child_table(
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES parent_table(id)
);
SELECT name, cardinality, because FROM relationship_list;

-- What leads to many gets a plural name, what leads to one a singular.  The
-- inverse of one is the other, so both are said at once.

SELECT relationship('parent_table.children', 'inverse', 'child_table.parent')
  AS declared;
SELECT name, cardinality, inverse FROM relationship_list;

INSERT INTO parent_table(id) VALUES (1), (2);
INSERT INTO parent_table__children(source_key, id) VALUES (1, 10), (1, 11);
INSERT INTO child_table(id, parent_id) VALUES (12, 2), (13, NULL);
INSERT INTO child_table(id, parent_id) VALUES (14, 3);
SELECT id FROM parent_table__children(1);
SELECT id, related_value('child_table.parent.id', id) AS parent
FROM child_table;

-- ---- Many to one ----
--
-- The same, seen from the other end: a model has one brand.

CREATE TABLE car_brand(
  id INTEGER PRIMARY KEY
);
CREATE TABLE car_model(
  id INTEGER PRIMARY KEY,
  brand_id INTEGER REFERENCES car_brand(id)
);
SELECT relationship('car_model.brand', 'inverse', 'car_brand.models')
  AS declared;
SELECT name, cardinality, because FROM relationship_list
WHERE source IN ('car_brand', 'car_model');

-- To give a model another brand replaces the one it had.

INSERT INTO car_brand(id) VALUES (1), (2);
INSERT INTO car_model(id) VALUES (1);
SELECT relate('car_model.brand', 1, 1) AS made;
SELECT relate('car_model.brand', 1, 2) AS made;
SELECT * FROM car_model;

-- ---- One to one ----
--
-- A user is to have one profile.  Nothing in these tables says so: two rows of
-- profile may have the same user_id, and what is reflected is one-to-many.

CREATE TABLE user(
  id INTEGER PRIMARY KEY
);
CREATE TABLE profile(
  id INTEGER PRIMARY KEY,
  user_id INTEGER REFERENCES user(id)
);
SELECT name, cardinality, because FROM relationship_list
WHERE source IN ('user', 'profile');
INSERT INTO user(id) VALUES (1), (2);
INSERT INTO profile(id, user_id) VALUES (1, 1), (2, 1);

-- What makes it one-to-one is a UNIQUE index, which the declaration makes,
-- once the rows are so.

SELECT relationship('user.profile', 'inverse', 'profile.user',
                    'cardinality', 'one-to-one') AS declared;
DELETE FROM profile WHERE id = 2;
SELECT relationship('user.profile', 'inverse', 'profile.user',
                    'cardinality', 'one-to-one') AS declared;
SELECT name, cardinality, because FROM relationship_list
WHERE source IN ('user', 'profile');
SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'profile';

-- Now a second profile is refused, whoever writes it.

INSERT INTO profile(id, user_id) VALUES (2, 1);
INSERT INTO profile(id, user_id) VALUES (2, 2);
SELECT id, related_value('user.profile.id', id) AS profile FROM user;

-- ---- Many to many, by an association table ----
--
-- Its two foreign keys together are its primary key, so that a pair is there
-- once at most.

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

-- Two one-to-manys that meet in one table are a many-to-many: these two rows,
-- and the two directions of what follows from them.

SELECT name, cardinality, because FROM relationship_list
WHERE source IN ('student', 'course') AND because LIKE 'student_course%'
ORDER BY cardinality DESC, name;

-- So the courses of a student, and the students of a course.

SELECT relationship('student.courses', 'inverse', 'course.students',
                    'through', 'student_course') AS declared;
SELECT name, cardinality, target, through FROM relationship_list
WHERE source IN ('student', 'course') AND declared;

-- ---- The four types in one table ----
--
-- Where the foreign key is tells them apart: in an association table, which is
-- `through`; in the source, so that it leads to one; or in the target, so that
-- it leads to many, or to one if the key is UNIQUE.

WITH shown(number, name) AS (
  VALUES (1, 'parent_table.children'), (2, 'child_table.parent'),
         (3, 'user.profile'), (4, 'student.courses')
)
SELECT r.cardinality AS type,
       r.source || ', ' || r.target AS tables,
       coalesce(r.through, iif(EXISTS (
         SELECT 1 FROM pragma_foreign_key_list(r.source) AS f
         WHERE f."table" = r.target AND f."from" = r.link_columns),
         r.source, r.target)) AS foreign_key_in,
       substr(r.name, length(r.source) + 2) AS name,
       substr(r.inverse, length(r.target) + 2) AS inverse,
       iif(r.through IS NULL, 'no', 'yes') AS association_table
FROM shown
JOIN relationship_list AS r ON r.name = shown.name
ORDER BY shown.number;

-- ---- Many to many, by an association class ----
--
-- The rows of student_course can be what student.courses leads to: each is a
-- thing of its own, with a student and a course.  Take the name away from the
-- courses, and give it to these rows.

SELECT relationship_drop('student.courses') AS dropped;
SELECT relationship('student.courses', 'inverse', 'student_course.student')
  AS declared;
SELECT relationship('course.students', 'inverse', 'student_course.course')
  AS declared;
SELECT name, cardinality, target FROM relationship_list
WHERE source IN ('student', 'course', 'student_course')
ORDER BY declared DESC, name;

-- A new student, a new course, and the enrollment, in one transaction.

BEGIN;
INSERT INTO student(id, name) VALUES (1, 'Alice');
INSERT INTO course(id, title) VALUES (1, 'Math 101');
INSERT INTO student__courses(source_key, course_id) VALUES (1, 1);
COMMIT;
SELECT * FROM student__courses(1);

-- A path goes through these rows, from a student to the courses and from a
-- course to the students.  The short names work as before: student_course for
-- the rows, and course for what is behind them.

SELECT related_count('student.courses.course', 1) AS courses,
       related_count('student.student_course.course', 1) AS by_short_names,
       related_count('student.course', 1) AS in_one_step,
       related_count('course.students.student', 1) AS students;

-- To read along a path, give it a name.

SELECT relationship('student.taken', 'path', 'courses.course') AS declared;
SELECT relationship('course.takers', 'path', 'students.student') AS declared;
SELECT s.name, c.title FROM student AS s JOIN student__taken(s.id) AS c;
SELECT c.title, s.name FROM course AS c JOIN course__takers(c.id) AS s;

-- What is known of an enrollment is in columns of its row.

ALTER TABLE student_course ADD COLUMN enrollment_date TEXT;
ALTER TABLE student_course ADD COLUMN grade TEXT;
SELECT relate('student.course', 1, 1, 'enrollment_date', '2024-09-01',
              'grade', 'A') AS changed;
SELECT title, enrollment_date, grade FROM student__course(1);

-- ---- Ten examples ----
--
-- car_brand, car_model, student and course are there already.

CREATE TABLE company(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE TABLE employee(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  company_id INTEGER NOT NULL REFERENCES company(id)
);
CREATE TABLE library(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE TABLE book(
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  library_id INTEGER NOT NULL REFERENCES library(id)
);
CREATE TABLE classroom(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
ALTER TABLE student
  ADD COLUMN classroom_id INTEGER REFERENCES classroom(id);
CREATE TABLE country(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE TABLE capital(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  country_id INTEGER NOT NULL UNIQUE REFERENCES country(id)
);
CREATE TABLE person(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE TABLE passport(
  id INTEGER PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  person_id INTEGER NOT NULL UNIQUE REFERENCES person(id)
);
CREATE TABLE doctor(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE TABLE office(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  doctor_id INTEGER NOT NULL UNIQUE REFERENCES doctor(id)
);
CREATE TABLE author(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE TABLE author_book(
  author_id INTEGER NOT NULL REFERENCES author(id),
  book_id INTEGER NOT NULL REFERENCES book(id),
  PRIMARY KEY (author_id, book_id)
);
CREATE TABLE patient(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE TABLE patient_doctor(
  patient_id INTEGER NOT NULL REFERENCES patient(id),
  doctor_id INTEGER NOT NULL REFERENCES doctor(id),
  PRIMARY KEY (patient_id, doctor_id)
);

-- The keys tell which type each of them is.

WITH pair(number, source, target) AS (
  VALUES (1, 'company', 'employee'), (2, 'car_brand', 'car_model'),
         (3, 'library', 'book'), (4, 'student', 'classroom'),
         (5, 'country', 'capital'), (6, 'person', 'passport'),
         (7, 'doctor', 'office'), (8, 'student', 'course'),
         (9, 'author', 'book'), (10, 'patient', 'doctor')
)
SELECT pair.source || ' & ' || pair.target AS pair, r.cardinality AS type,
       r.because
FROM pair
JOIN relationship_list AS r
  ON r.source = pair.source AND r.target = pair.target AND r.path IS NULL
ORDER BY pair.number;

-- One to many: a second employee is allowed; one of a company that is not there
-- is refused, and so is one of no company.

INSERT INTO company(id, name) VALUES (1, 'Acme');
INSERT INTO company__employee(source_key, name) VALUES (1, 'Ann'), (1, 'Ben');
INSERT INTO company__employee(source_key, name) VALUES (2, 'Cy');
INSERT INTO employee(name) VALUES ('Cy');
INSERT INTO car_brand__models(source_key, id) VALUES (1, 2), (1, 3);
INSERT INTO car_model(id, brand_id) VALUES (4, 3);
INSERT INTO library(id, name) VALUES (1, 'Central');
INSERT INTO library__book(source_key, title) VALUES (1, 'Trees'), (1, 'Links');
INSERT INTO book(title, library_id) VALUES ('Paths', 2);

-- Many to one: a classroom has many students, a student one classroom.

INSERT INTO student(id, name) VALUES (2, 'Bob');
INSERT INTO classroom(id, name) VALUES (1, 'Room 1'), (2, 'Room 2');
SELECT relate('student.classroom', id, 1) AS made FROM student;
SELECT relate('student.classroom', 2, 2) AS made;
SELECT relate('student.classroom', 2, 3) AS made;
SELECT name, related_value('student.classroom.name', id) AS classroom
FROM student;

-- One to one: a second capital is refused, and so is a second country for a
-- capital that would take it from another; likewise passports and offices.

INSERT INTO country(id, name) VALUES (1, 'France'), (2, 'Italy');
INSERT INTO capital(name, country_id) VALUES ('Paris', 1), ('Rome', 2);
INSERT INTO capital(name, country_id) VALUES ('Lyon', 1);
UPDATE capital SET country_id = 1 WHERE name = 'Rome';
INSERT INTO person(id, name) VALUES (1, 'Dora');
INSERT INTO passport(number, person_id) VALUES ('X1', 1);
INSERT INTO passport(number, person_id) VALUES ('X2', 1);
INSERT INTO passport(number) VALUES ('X2');
INSERT INTO doctor(id, name) VALUES (1, 'Dr. Eve'), (2, 'Dr. Fox');
INSERT INTO office(name, doctor_id) VALUES ('First floor', 1);
INSERT INTO office(name, doctor_id) VALUES ('Second floor', 1);

-- UNIQUE says: one at most.  One at least is a rule, which is judged at COMMIT;
-- there SQLite has no other words than that a foreign key has failed.  Before
-- it, relationship_check tells which.

SELECT relationship_rule('country.capital', 'has one', 'min_count', 1) AS rule;
INSERT INTO country(id, name) VALUES (3, 'Spain');
BEGIN;
INSERT INTO country(id, name) VALUES (3, 'Spain');
SELECT "table", "key", relationship, message FROM relationship_check
WHERE problem = 'breaks a rule';
INSERT INTO capital(name, country_id) VALUES ('Madrid', 3);
COMMIT;
SELECT name, related_value('country.capital.name', id) AS capital FROM country;

-- Many to many: a second course and a second author are allowed, the same pair
-- twice is not.

INSERT INTO course(id, title) VALUES (2, 'Science 101');
INSERT INTO relate VALUES ('student.course', 1, 2), ('student.course', 2, 1);
INSERT INTO student_course(student_id, course_id) VALUES (1, 1);
INSERT INTO author(id, name) VALUES (1, 'Gil'), (2, 'Hal');
INSERT INTO author__book(source_key, id) VALUES (1, 1), (1, 2);
INSERT INTO book__author(source_key, id) VALUES (1, 2);
INSERT INTO author__book(source_key, id) VALUES (1, 1);
INSERT INTO patient(id, name) VALUES (1, 'Ida'), (2, 'Jo');
INSERT INTO patient_doctor VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO patient_doctor VALUES (1, 1);
INSERT INTO patient_doctor VALUES (3, 1);

-- What there is now.

SELECT name, related_count('company.employee', id) AS employees FROM company;
SELECT name, related_count('student.course', id) AS courses FROM student;
SELECT title, related_count('book.author', id) AS authors FROM book;
SELECT name, related_count('patient.doctor', id) AS doctors FROM patient;
SELECT name, related_count('doctor.patient', id) AS patients,
       related_value('doctor.office.name', id) AS office
FROM doctor;

-- Last, indexes.  The key of an association table begins with one of its two
-- foreign keys, and UNIQUE has made one, too.  A declaration has seen to those
-- of car_model and of student_course.  Which are missing, this list tells.

SELECT "table", problem, fix FROM relationship_check;
