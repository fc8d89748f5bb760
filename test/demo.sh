#!/bin/sh
# demo.sh LIBRARY: tells the story of sql/campus.sql in the sqlite3 shell, with
# every command and its answer, then opens the file again, with the extension
# and without it.
set -eu

library=${1%.*}
shell=${SQLITE3:-sqlite3}
database=build/campus.db

# A newcomer sees why, if the shell can't load extensions.
$shell :memory: ".load ./$library" 'SELECT relate_version();' > /dev/null

# session TITLE ?command ...?: commands and answers; an error is part of the
# story, so that the shell's own exit code says nothing.
session() {
  printf '\n==== %s ====\n\n' "$1"
  shift
  {
    printf '%s\n' '.mode box' "$@" '.echo on'
    cat
  } | $shell -batch "$database" 2>&1 || true
}

rm -f "$database"*
session "sqlite3 $database, with .load ./$library" ".load ./$library" \
  < sql/campus.sql

session 'the same file, opened again and with .load' ".load ./$library" <<'END'
SELECT name, course_count(id) AS courses FROM students;
END

session 'the same file, in a shell without the extension' <<'END'
SELECT s.name, c.title
FROM students s
JOIN student_course l ON l.student_id = s.id
JOIN courses c ON c.id = l.course_id
ORDER BY s.name, c.title;
PRAGMA integrity_check;
END
