-- blog.sql: users and their posts; students, courses and enrollments.
--
--     sqlite3 example.db ".load build/relate" ".read sql/blog.sql"
--
-- Needs the extension.  It can be run again: it makes its tables anew.

.mode box --wrap 0

SELECT relationship_drop('*') AS dropped;
DROP TABLE IF EXISTS posts;
DROP TABLE IF EXISTS users;
DROP TABLE IF EXISTS enrollments;
DROP TABLE IF EXISTS students;
DROP TABLE IF EXISTS courses;

-- One table, and a row that is created, read, changed and deleted.  Each change
-- is a transaction; others see it once it is committed.

CREATE TABLE users(
  id INTEGER PRIMARY KEY,
  name TEXT
);

BEGIN;
INSERT INTO users(name) VALUES ('Alice');
COMMIT;

SELECT * FROM users WHERE name = 'Alice' ORDER BY id LIMIT 1;

BEGIN;
UPDATE users SET name = 'Bob' WHERE name = 'Alice';
COMMIT;
SELECT * FROM users;

BEGIN;
DELETE FROM users WHERE name = 'Bob';
COMMIT;
SELECT count(*) AS users FROM users;

-- A post has a user, a user has many posts.  The foreign key alone makes a
-- relationship, both ways.

CREATE TABLE posts(
  id INTEGER PRIMARY KEY,
  title TEXT,
  user_id INTEGER REFERENCES users(id)
);
SELECT name, cardinality, because FROM relationship_list;

-- One declaration names both directions, from whichever end it is said.  From
-- the other end it is the same once more, and changes nothing.

SELECT relationship('posts.user', 'inverse', 'users.posts') AS declared;
SELECT relationship('users.posts', 'inverse', 'posts.user') AS declared;
SELECT name, cardinality, inverse FROM relationship_list WHERE declared;

-- Write along it: posts of user 1, and a user for a post that has none.

INSERT INTO users(id, name) VALUES (1, 'Alice'), (2, 'Bob'), (3, 'Carol');
INSERT INTO users__posts(source_key, title) VALUES
  (1, 'Hello'),
  (1, 'Trees'),
  (2, 'Hello');
INSERT INTO posts(id, title) VALUES (4, 'Draft');
SELECT relate('posts.user', json_object('title', 'Draft'),
              json_object('name', 'Carol')) AS made;

-- user.posts, and post.user.

SELECT id, title FROM users__posts(1);
SELECT id, title, related_value('posts.user.name', id) AS user FROM posts;

-- Join, with a condition on the post.

SELECT u.id, u.name, p.id AS post_id, p.title
FROM users AS u
JOIN users__posts(u.id) AS p
WHERE p.title = 'Hello'
ORDER BY u.id, p.id;

-- Count the posts of user 1; by a path, and in plain SQL.

SELECT related_count('users.posts', 1) AS posts;
SELECT count(id) AS posts FROM posts WHERE user_id = 1;

-- Count for everybody, and add up.

SELECT name, related_count('users.posts', id) AS posts FROM users;
SELECT sum(related_count('users.posts', id)) AS posts FROM users;

-- A subquery: who has more posts than the average user?

SELECT name
FROM users
WHERE related_count('users.posts', id) >
      (SELECT avg(related_count('users.posts', id)) FROM users);

-- A subquery to join with: the last post of each user.

SELECT u.name, p.title
FROM users AS u
JOIN (SELECT source_key, max(id) AS id FROM users__posts GROUP BY source_key)
  AS last ON last.source_key = u.id
JOIN posts AS p ON p.id = last.id
ORDER BY u.id;

-- A user who has posts can't be deleted, unless it is said what becomes of
-- them.  Here they stay, without a user; a trigger in the file sees to it.

DELETE FROM users WHERE name = 'Carol';
SELECT relationship('users.posts', 'on_delete', 'set null') AS declared;
DELETE FROM users WHERE name = 'Carol';
SELECT * FROM posts;

-- Many to many: the enrollments link students and courses.  Two foreign keys
-- that together are the key of a table make it an association, so there is
-- nothing to declare.

CREATE TABLE courses(
  id INTEGER PRIMARY KEY,
  name TEXT
);
CREATE TABLE students(
  id INTEGER PRIMARY KEY,
  name TEXT
);
CREATE TABLE enrollments(
  student_id INTEGER NOT NULL REFERENCES students(id),
  course_id INTEGER NOT NULL REFERENCES courses(id),
  PRIMARY KEY (student_id, course_id)
);
SELECT name, cardinality, because FROM relationship_list
WHERE source IN ('students', 'courses', 'enrollments');

-- students.courses leads to the courses.  The index for the way back is not
-- there by itself: a declaration makes it.

SELECT relationship('students.courses', 'inverse', 'courses.students')
  AS declared;
INSERT INTO students(name) VALUES ('Alice'), ('Bob');
INSERT INTO courses(name) VALUES ('Math'), ('Science');
SELECT relate('students.courses', json_object('name', 'Alice'), id) AS made
FROM courses;
SELECT relate('courses.students', json_object('name', 'Math'),
              json_object('name', 'Bob')) AS made;
SELECT s.name, c.name AS course
FROM students AS s
JOIN students__courses(s.id) AS c
ORDER BY s.id, c.id;

-- students.enrollments leads to the enrollments, which are rows like any
-- other: they can be read, and have a student and a course of their own.

SELECT * FROM students__enrollments(1);
SELECT student_id, course_id,
       related_value('enrollments.student.name',
                     json_array(student_id, course_id)) AS student,
       related_value('enrollments.course.name',
                     json_array(student_id, course_id)) AS course
FROM enrollments;
