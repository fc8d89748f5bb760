-- registrar.sql: the rules of a registrar, kept in the file.
--
--     sqlite3 registrar.db ".load build/relate" ".read sql/registrar.sql"
--
-- Needs the extension to declare; at the end the file is opened without it.  It
-- can be run again: it makes its tables anew.

.mode box --wrap 0

SELECT relationship_drop('*') AS dropped;
DROP TABLE IF EXISTS registrations;
DROP TABLE IF EXISTS sections;
DROP TABLE IF EXISTS prerequisites;
DROP TABLE IF EXISTS courses;
DROP TABLE IF EXISTS students;

-- A course is given in sections, and students register for these.

CREATE TABLE students(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  year INTEGER NOT NULL,
  max_credits INTEGER,
  hold INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE courses(
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL UNIQUE
);
CREATE TABLE prerequisites(
  course_id INTEGER NOT NULL REFERENCES courses,
  needs_id INTEGER NOT NULL REFERENCES courses,
  PRIMARY KEY (course_id, needs_id)
);
CREATE TABLE sections(
  id INTEGER PRIMARY KEY,
  course_id INTEGER NOT NULL REFERENCES courses,
  term TEXT NOT NULL,
  starts TEXT,
  ends TEXT,
  credits INTEGER NOT NULL,
  capacity INTEGER,
  for_seniors INTEGER NOT NULL DEFAULT 0,
  open INTEGER NOT NULL DEFAULT 1,
  drop_until TEXT
);
CREATE TABLE registrations(
  student_id INTEGER NOT NULL REFERENCES students,
  section_id INTEGER NOT NULL REFERENCES sections,
  grade INTEGER CHECK (grade BETWEEN 0 AND 4),
  PRIMARY KEY (student_id, section_id)
);

INSERT INTO students VALUES
  (1, 'Ann', 2, 12, 0),
  (2, 'Ben', 1, 8, 0),
  (3, 'Cleo', 1, 12, 1),
  (4, 'Dora', 4, 12, 0),
  (5, 'Eli', 3, 12, 0);
INSERT INTO courses VALUES
  (1, 'Calculus'), (2, 'Statistics'), (3, 'Databases'), (4, 'Drawing'),
  (5, 'Chess');
INSERT INTO prerequisites VALUES (2, 1);
INSERT INTO sections VALUES
  (10, 1, 'fall',   'Mon 09:00', 'Mon 11:00', 4, 9, 0, 1, '2000-10-01'),
  (20, 1, 'spring', 'Thu 09:00', 'Thu 11:00', 4, 9, 0, 1, '9999-01-01'),
  (21, 1, 'spring', 'Tue 09:00', 'Tue 11:00', 4, 9, 0, 1, '9999-01-01'),
  (22, 2, 'spring', 'Mon 10:00', 'Mon 12:00', 4, 2, 0, 1, '9999-01-01'),
  (23, 3, 'spring', 'Mon 11:00', 'Mon 13:00', 4, 3, 1, 1, '2000-02-01'),
  (24, 4, 'spring', 'Wed 09:00', 'Wed 12:00', 2, 9, 0, 0, '9999-01-01'),
  (25, 5, 'spring', NULL,        NULL,        1, 9, 0, 1, '9999-01-01');

-- What was taken last term, with the grades of it.

INSERT INTO registrations VALUES (1, 10, 3), (2, 10, 1), (5, 10, 4);

SELECT relationship('students.sections', 'inverse', 'sections.students',
                    'through', 'registrations') AS declared;
SELECT relationship_function('register', 'relate', 'students.sections') AS a,
       relationship_function('withdraw', 'unrelate', 'students.sections') AS b;

-- A section has so many seats, and may keep some of them for seniors: so there
-- is a limit for all, and a lower one for those who are none.

SELECT relationship_rule('sections.students', 'capacity', 'max_count',
  'source.capacity', 'message', 'the section is full') AS rule;
SELECT relationship_rule('sections.students', 'reserved', 'max_count',
  'source.capacity - source.for_seniors', 'where', 'source.for_seniors > 0 AND target.year < 4',
  'message', 'the seats that are left are for seniors') AS rule;

-- A student takes three sections a term at most, one of each course, and no
-- more credits than are allowed to that student.  What has a grade is over, and
-- is not counted: a course may be taken again.

SELECT relationship_rule('students.sections', 'load', 'max_count', 3,
  'per', 'target.term', 'where', 'link.grade IS NULL',
  'message', 'three sections a term') AS rule;
SELECT relationship_rule('students.sections', 'one section', 'max_count', 1,
  'per', 'target.course_id', 'where', 'link.grade IS NULL',
  'message', 'one section of a course') AS rule;
SELECT relationship_rule('students.sections', 'credits', 'having',
  'sum(target.credits) <= source.max_credits', 'where', 'link.grade IS NULL',
  'message', 'too many credits') AS rule;

-- Two sections of one term must not meet at the same time.

SELECT relationship_rule('students.sections', 'times', 'no_overlap',
  'target.starts, target.ends', 'per', 'target.term',
  'message', 'another section meets at that time') AS rule;

-- The section must be open, the student not on hold, and what the course builds
-- upon must be passed, with a 2 or better.

SELECT relationship_rule('students.sections', 'open', 'check', 'target.open',
  'message', 'the section is closed') AS rule;
SELECT relationship_rule('students.sections', 'hold', 'check',
  'NOT source.hold', 'message', 'the student is on hold') AS rule;
SELECT relationship_rule('students.sections', 'prerequisites', 'check',
  'NOT EXISTS (
     SELECT 1 FROM prerequisites AS p
     WHERE p.course_id = target.course_id AND NOT EXISTS (
       SELECT 1 FROM registrations AS r
       JOIN sections AS s ON s.id = r.section_id
       WHERE r.student_id = source.id AND s.course_id = p.needs_id
         AND r.grade >= 2))',
  'message', 'a prerequisite is not passed') AS rule;

-- On the way out: until a day, and not with a grade.

SELECT relationship_rule('students.sections', 'deadline', 'check',
  'date(''now'') <= target.drop_until AND link.grade IS NULL',
  'on', 'unrelate', 'message', 'it is too late to withdraw') AS rule;

SELECT relationship, rule, kind, state FROM relationship_rule_list;

-- Ann has passed Calculus and takes Statistics.  Databases begins before that
-- ends.  She takes Calculus again, but not in two sections.

SELECT register(1, 22) AS made;
SELECT register(1, 23) AS made;
SELECT register(1, 21) AS made;
SELECT register(1, 20) AS made;

-- Ben had a 1 in Calculus, so there is no Statistics for him.  He takes Calculus
-- again, and Chess; more than eight credits he may not.

SELECT register(2, 22) AS made;
INSERT INTO register VALUES (2, 20), (2, 25);
SELECT register(2, 23) AS made;
UPDATE students SET max_credits = 12 WHERE name = 'Ben';
SELECT register(2, 23) AS made;

-- Drawing is closed.

SELECT register(5, 24) AS made;

-- Databases has three seats, and keeps one for seniors.  Ben has one, Eli takes
-- another; there is none for Ann, who leaves Statistics for nothing, and one for
-- Dora.

SELECT register(5, 23) AS made;
SELECT withdraw(1, 22) AS removed;
SELECT register(1, 23) AS made;
SELECT register(4, 23) AS made;

-- Many at once: all or nobody.

INSERT INTO register SELECT id, 25 FROM students WHERE id <> 2;
SELECT related_count('sections.students', 25) AS players;

-- Ann goes back to Statistics, and gets the last seat, for it has moved to a
-- smaller room.  Why can't Cleo have it?  All reasons at once, and nothing is
-- tried.

UPDATE sections SET capacity = 1 WHERE id = 22;
SELECT register(1, 22) AS made;
SELECT register(json_object('name', 'Cleo'), 22) AS made;
SELECT rule, kind, message, have, allowed
FROM related_why('register', json_object('name', 'Cleo'), 22)
WHERE NOT ok;

-- Which sections could Dora still have?

SELECT s.id, c.title
FROM sections AS s
JOIN courses AS c ON c.id = s.course_id
WHERE s.term = 'spring' AND NOT related('students.sections', 4, s.id)
  AND NOT EXISTS (SELECT 1 FROM related_why('register', 4, s.id) WHERE NOT ok);

-- Withdraw while there is time.  For Databases it is over, and what has a grade
-- stays.

SELECT withdraw(2, 25) AS removed;
SELECT withdraw(2, 23) AS removed;
SELECT withdraw(1, 10) AS removed;

-- Rules look at what is changed elsewhere, too: a smaller room, another hour,
-- a course of more credits.

UPDATE sections SET capacity = 2 WHERE id = 23;
UPDATE sections SET starts = 'Mon 11:00', ends = 'Mon 13:00' WHERE id = 21;
UPDATE sections SET credits = 9 WHERE id = 20;

-- A program without the extension is bound as well.

.open registrar.db
.mode box --wrap 0
SELECT count(*) AS functions FROM pragma_function_list WHERE name LIKE 'relat%';
PRAGMA foreign_keys = ON;
INSERT INTO registrations(student_id, section_id) VALUES (3, 25);
INSERT INTO registrations(student_id, section_id) VALUES (2, 22);
INSERT OR REPLACE INTO registrations(student_id, section_id) VALUES (5, 24);
UPDATE registrations SET section_id = 20 WHERE student_id = 5 AND section_id = 23;
DELETE FROM registrations WHERE section_id = 23;
SELECT s.name, c.title, x.term
FROM registrations AS r
JOIN students AS s ON s.id = r.student_id
JOIN sections AS x ON x.id = r.section_id
JOIN courses AS c ON c.id = x.course_id
WHERE r.grade IS NULL
ORDER BY s.name, c.title;
