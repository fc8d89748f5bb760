#!/bin/sh
# demo.sh LIBRARY ?DATABASE?: tells the story of sql/campus.sql in the sqlite3
# shell, with every command and its answer, then opens the file again, with the
# extension and without it.  DATABASE (build/instance/courses.db) is made anew.
set -eu

library=${1%.*}
database=${2:-build/instance/courses.db}
case $library in /*) ;; *) library=./$library ;; esac

# Into a pipe, too, an error is printed below its command.
shell=${SQLITE3:-sqlite3}
if command -v stdbuf > /dev/null; then shell="stdbuf -oL $shell"; fi

# A newcomer sees why, if the shell can't load extensions.
$shell :memory: ".load $library" 'SELECT relate_version();' > /dev/null

# session TITLE ?command ...?: commands and answers; an error is part of the
# story, so that the shell's own exit code says nothing.
session() {
  printf '\n==== %s ====\n\n' "$1"
  shift
  {
    printf '%s\n' '.mode box --wrap 34 --wordwrap on' "$@" '.echo on'
    cat
  } | $shell -batch "$database" 2>&1 || true
}

mkdir -p "$(dirname "$database")"
rm -f "$database" "$database"-journal "$database"-wal
session "sqlite3 $database, with .load $library" ".load $library" \
  < sql/campus.sql

session 'the same file, opened again, with .load' ".load $library" <<'END'
SELECT name, course_count(id) AS courses FROM students;
END

session 'the same file, in a shell without the extension' <<'END'
-- The links are rows of an ordinary table: read them, write them, change it.

SELECT s.name, c.title
FROM students AS s
JOIN student_course AS l ON l.student_id = s.id
JOIN courses AS c ON c.id = l.course_id
ORDER BY s.name, c.title;
SELECT repr FROM classmates WHERE source_key = 2 AND id <> 2 ORDER BY id;

INSERT INTO student_course VALUES (2, 1);
ALTER TABLE courses RENAME COLUMN detail TO description;
ALTER TABLE student_course ADD COLUMN grade TEXT;

-- What a dump says of it is plain SQL.

.dump student_course
PRAGMA integrity_check;
END

session 'and once more with .load' ".load $library" <<'END'
SELECT enroll(2, 1, 'grade', 'A') AS changed;
SELECT name, course_count(id) AS courses FROM students;
END
