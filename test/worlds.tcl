# worlds.tcl: one small database for each kind of relationship.
#
#     foreach_world {rowid self_tree} {
#       check link-1-@world@ {@title@} {
#         world @world@
#         act relate 1 2
#         pairs
#       } {{1 2}}
#     }
#
# Every world has a few sources and targets, each with a `tag` from 1 on, by
# which tests speak of them whatever their keys are.  The same orders exist
# three ways: as functions, as tables, and as the SQL that would be written by
# hand, so that one can be held against another.
#
# world name              a fresh database
# worlds ?kind ...?       the names of those of these kinds, all by default
# act verb tag ...        the result of SELECT verb(path, keys of the tags)
# insert verb a b         INSERT INTO verb VALUES(path, ...)
# by_hand verb tag ...    the same in plain SQL
# pairs                   the pairs of tags that are linked, in order
# contents                every row of every table
# on connection script    what `script` does is done to another connection
# campus ?name?           world `name` (without) with functions declared:
#                         enroll, leave, replace_all, swap, attends, course_count,
#                         student_count
# random n                a number from 1 to n, from the global `seed`
# tell sql                its first value, or "CODE: message" of its error
# links                   the rows of the campus's student_course
#
#     kind       of the relationship `path`, seen from its source
#     tables     the schema and the rows
#     path       back: the other way
#     a, b       a source's and a target's key; $tag stands for the tag
#     sources    how many there are; targets
#     payload    a column of the link table
#     repeats    1 where a pair can be linked twice
#     pairs      a query for the linked tags
#     link       how to link $a and $b by hand; unlink
#     move       how to put $c in the place of $b; "": unlink and link

namespace eval worlds {
  variable all [dict create]
  variable current ""
  variable connection db
}

proc define_world {name args} {
  dict set worlds::all $name [dict merge {
    sources 3 targets 3 payload "" repeats 0 move ""
  } $args]
}

# ---- many-to-many ----

set worlds::campus {
  CREATE TABLE students(id INTEGER PRIMARY KEY, tag INTEGER, name TEXT);
  CREATE TABLE courses(id INTEGER PRIMARY KEY, tag INTEGER, title TEXT);
  INSERT INTO students VALUES (10, 1, 'Ann'), (20, 2, 'Bob'), (30, 3, 'Cyd');
  INSERT INTO courses VALUES (7, 1, 'Math'), (8, 2, 'Art'), (9, 3, 'Bio');
}

proc define_campus {name title link args} {
  define_world $name title $title kind many-to-many \
    tables "$worlds::campus $link" \
    path students.courses back courses.students payload grade \
    a {(SELECT id FROM students WHERE tag = $tag)} \
    b {(SELECT id FROM courses WHERE tag = $tag)} \
    pairs {
      SELECT s.tag AS a, c.tag AS b FROM student_course l
      JOIN students s ON s.id = l.student_id
      JOIN courses c ON c.id = l.course_id ORDER BY 1, 2
    } \
    link {
      INSERT INTO student_course(student_id, course_id)
      SELECT s.id, c.id FROM students s, courses c
      WHERE s.tag = $a AND c.tag = $b AND NOT EXISTS (
        SELECT 1 FROM student_course l
        WHERE l.student_id = s.id AND l.course_id = c.id)
    } \
    unlink {
      DELETE FROM student_course WHERE
        student_id = (SELECT id FROM students WHERE tag = $a) AND
        course_id = (SELECT id FROM courses WHERE tag = $b)
    } \
    move {
      UPDATE student_course SET
        course_id = (SELECT id FROM courses WHERE tag = $c)
      WHERE student_id = (SELECT id FROM students WHERE tag = $a) AND
        course_id = (SELECT id FROM courses WHERE tag = $b)
    } {*}$args
}

define_campus rowid {a link table with rowids} {
  CREATE TABLE student_course(
    student_id INTEGER REFERENCES students,
    course_id INTEGER REFERENCES courses,
    grade TEXT, points REAL DEFAULT 1.5,
    PRIMARY KEY(student_id, course_id));
}

define_campus without {a link table without rowids} {
  CREATE TABLE student_course(
    student_id INTEGER REFERENCES students ON DELETE CASCADE,
    course_id INTEGER REFERENCES courses ON DELETE CASCADE,
    grade TEXT, points REAL DEFAULT 1.5,
    PRIMARY KEY(student_id, course_id)) WITHOUT ROWID;
  CREATE INDEX back ON student_course(course_id, student_id);
}

define_campus surrogate {a link table with a key of its own} {
  CREATE TABLE student_course(
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL REFERENCES courses,
    student_id INTEGER NOT NULL REFERENCES students,
    grade TEXT, points REAL DEFAULT 1.5,
    UNIQUE(course_id, student_id));
}

define_campus typeless {link columns without a type} {
  CREATE TABLE student_course(student_id REFERENCES students,
    course_id REFERENCES courses, grade, points DEFAULT 1.5,
    PRIMARY KEY(student_id, course_id));
}

define_campus deferred {deferred foreign keys} {
  CREATE TABLE student_course(
    student_id INTEGER REFERENCES students DEFERRABLE INITIALLY DEFERRED,
    course_id INTEGER REFERENCES courses DEFERRABLE INITIALLY DEFERRED,
    grade TEXT, points REAL DEFAULT 1.5,
    PRIMARY KEY(student_id, course_id));
}

define_campus repeating {a link table without a key, declared} {
  CREATE TABLE student_course(
    student_id INTEGER NOT NULL REFERENCES students,
    course_id INTEGER NOT NULL REFERENCES courses,
    grade TEXT, points REAL DEFAULT 1.5);
  SELECT relationship('students.courses', 'inverse', 'courses.students',
    'through', 'student_course');
} repeats 1 link {
  INSERT INTO student_course(student_id, course_id)
  SELECT s.id, c.id FROM students s, courses c
  WHERE s.tag = $a AND c.tag = $b
}

define_world names title {keys to UNIQUE columns, NOCASE} kind many-to-many \
  path people.clubs back clubs.people payload since \
  a {(SELECT upper(name) FROM people WHERE tag = $tag)} \
  b {(SELECT lower(title) FROM clubs WHERE tag = $tag)} \
  tables {
    CREATE TABLE people(id INTEGER PRIMARY KEY, tag,
      name TEXT UNIQUE COLLATE NOCASE);
    CREATE TABLE clubs(id INTEGER PRIMARY KEY, tag,
      title TEXT COLLATE NOCASE NOT NULL UNIQUE);
    CREATE TABLE members(
      person TEXT COLLATE NOCASE REFERENCES people(name),
      club TEXT REFERENCES clubs(title), since, PRIMARY KEY(person, club));
    INSERT INTO people VALUES (1, 3, 'Ann'), (2, 2, 'bob'), (3, 1, 'CYD');
    INSERT INTO clubs VALUES (1, 1, 'Chess'), (2, 2, 'Go'), (3, 3, 'Tennis');
  } \
  pairs {
    SELECT p.tag AS a, c.tag AS b FROM members m
    JOIN people p ON p.name = m.person JOIN clubs c ON c.title = m.club
    ORDER BY 1, 2
  } \
  link {
    INSERT OR IGNORE INTO members(person, club)
    SELECT p.name, c.title FROM people p, clubs c
    WHERE p.tag = $a AND c.tag = $b
  } \
  unlink {
    DELETE FROM members WHERE
      person = (SELECT name FROM people WHERE tag = $a) AND
      club = (SELECT title FROM clubs WHERE tag = $b)
  }

define_world tenants title {composite keys that share a column} \
  kind many-to-many path pupils.clubs back clubs.pupils payload since \
  a {(json_array('KA', (SELECT nr FROM pupils WHERE tag = $tag)))} \
  b {(json_array('KA', (SELECT title FROM clubs WHERE tag = $tag)))} \
  tables {
    CREATE TABLE pupils(school TEXT, nr INTEGER, tag, PRIMARY KEY(school, nr));
    CREATE TABLE clubs(school TEXT, title TEXT, tag,
      PRIMARY KEY(school, title)) WITHOUT ROWID;
    CREATE TABLE members(school TEXT, nr INTEGER, title TEXT, since,
      PRIMARY KEY(school, nr, title),
      FOREIGN KEY(school, nr) REFERENCES pupils,
      FOREIGN KEY(school, title) REFERENCES clubs);
    INSERT INTO pupils VALUES ('KA', 5, 1), ('KA', 6, 2), ('KA', 7, 3),
      ('MA', 5, 4);
    INSERT INTO clubs VALUES ('KA', 'chess', 1), ('KA', 'go', 2),
      ('KA', 'it''s "odd"', 3), ('MA', 'chess', 4);
  } \
  pairs {
    SELECT p.tag AS a, c.tag AS b FROM members m
    JOIN pupils p ON p.school = m.school AND p.nr = m.nr
    JOIN clubs c ON c.school = m.school AND c.title = m.title ORDER BY 1, 2
  } \
  link {
    INSERT OR IGNORE INTO members(school, nr, title)
    SELECT p.school, p.nr, c.title FROM pupils p, clubs c
    WHERE p.tag = $a AND c.tag = $b AND p.school = c.school
  } \
  unlink {
    DELETE FROM members WHERE school = 'KA' AND
      nr = (SELECT nr FROM pupils WHERE tag = $a) AND
      title = (SELECT title FROM clubs WHERE tag = $b)
  }

define_world self_many title {a table and itself, many-to-many} \
  kind many-to-many path parts.contained back parts.containing \
  payload amount \
  a {(SELECT code FROM parts WHERE tag = $tag)} \
  b {(SELECT code FROM parts WHERE tag = $tag)} \
  tables {
    CREATE TABLE parts(code TEXT PRIMARY KEY, tag) WITHOUT ROWID;
    CREATE TABLE assembly(containing_id TEXT REFERENCES parts,
      contained_id TEXT REFERENCES parts, amount INTEGER NOT NULL DEFAULT 1,
      PRIMARY KEY(containing_id, contained_id)) WITHOUT ROWID;
    INSERT INTO parts VALUES ('car', 1), ('wheel', 2), ('bolt', 3);
  } \
  pairs {
    SELECT p.tag AS a, q.tag AS b FROM assembly l
    JOIN parts p ON p.code = l.containing_id
    JOIN parts q ON q.code = l.contained_id ORDER BY 1, 2
  } \
  link {
    INSERT OR IGNORE INTO assembly(containing_id, contained_id)
    SELECT p.code, q.code FROM parts p, parts q
    WHERE p.tag = $a AND q.tag = $b
  } \
  unlink {
    DELETE FROM assembly WHERE
      containing_id = (SELECT code FROM parts WHERE tag = $a) AND
      contained_id = (SELECT code FROM parts WHERE tag = $b)
  }

# ---- one foreign key, from either end ----

# Two worlds of one foreign key: the source is the parent, or the child.
proc define_key {title_of parent_name child_name options} {
  dict with options {}
  set pairs "SELECT p.tag AS a, c.tag AS b FROM $parent p JOIN $child c ON $on"
  set forth [dict create tables $tables kind $kind path $path back $back \
    a $parent_key b $child_key pairs "$pairs ORDER BY 1, 2" \
    link $link unlink $unlink title "$title_of, from the parent"]
  define_world $parent_name {*}$forth
  set swap {$a $b $b $a}
  define_world $child_name {*}[dict merge $forth [dict create \
    kind [expr {$kind eq "one-to-one" ? $kind : "many-to-one"}] \
    path $back back $path a $child_key b $parent_key \
    pairs "SELECT b AS a, a AS b FROM ($pairs) ORDER BY 1, 2" \
    link [string map $swap $link] unlink [string map $swap $unlink] \
    title "$title_of, from the child"]]
}

define_key {one-to-many} one_to_many many_to_one {
  kind one-to-many path brands.models back models.brand
  parent brands child models on {p.id = c.brand_id}
  parent_key {(SELECT id FROM brands WHERE tag = $tag)}
  child_key {(SELECT id FROM models WHERE tag = $tag)}
  tables {
    CREATE TABLE brands(id INTEGER PRIMARY KEY, tag, name TEXT);
    CREATE TABLE models(id INTEGER PRIMARY KEY, tag, name TEXT,
      brand_id INTEGER REFERENCES brands);
    CREATE INDEX models_of_brand ON models(brand_id);
    INSERT INTO brands VALUES (4, 1, 'VW'), (5, 2, 'BMW'), (6, 3, 'Opel');
    INSERT INTO models VALUES (1, 1, 'Golf', NULL), (2, 2, 'Polo', NULL),
      (3, 3, 'i3', NULL);
  }
  link {
    UPDATE models SET brand_id = (SELECT id FROM brands WHERE tag = $a)
    WHERE tag = $b
  }
  unlink {
    UPDATE models SET brand_id = NULL WHERE tag = $b AND
      brand_id = (SELECT id FROM brands WHERE tag = $a)
  }
}

define_key {one-to-many by rowids} rowid_to_many many_to_rowid {
  kind one-to-many path shelves.books back books.shelf
  parent shelves child books on {p.label = c.shelf_label}
  parent_key {(SELECT label FROM shelves WHERE tag = $tag)}
  child_key {(SELECT rowid FROM books WHERE tag = $tag)}
  tables {
    CREATE TABLE shelves(tag, label TEXT NOT NULL UNIQUE);
    CREATE TABLE books(tag, shelf_label VARCHAR REFERENCES shelves(label));
    INSERT INTO shelves VALUES (1, 'A'), (2, 'B'), (3, 'C');
    INSERT INTO books VALUES (1, NULL), (2, NULL), (3, NULL);
    SELECT relationship('books.shelf', 'inverse', 'shelves.books');
  }
  link {
    UPDATE books SET shelf_label = (SELECT label FROM shelves WHERE tag = $a)
    WHERE tag = $b
  }
  unlink {
    UPDATE books SET shelf_label = NULL WHERE tag = $b AND
      shelf_label = (SELECT label FROM shelves WHERE tag = $a)
  }
}

define_key {one-to-many of composite keys that share a column} \
  tenant_to_many many_to_tenant {
  kind one-to-many path houses.guests back guests.house
  parent houses child guests on {p.town = c.town AND p.nr = c.house_nr}
  parent_key {json_array('KA', (SELECT nr FROM houses WHERE tag = $tag))}
  child_key {json_array('KA', (SELECT name FROM guests WHERE tag = $tag))}
  tables {
    CREATE TABLE houses(town TEXT, nr INTEGER, tag, PRIMARY KEY(town, nr));
    CREATE TABLE guests(town TEXT, name TEXT, house_nr INTEGER, tag,
      PRIMARY KEY(town, name), FOREIGN KEY(town, house_nr) REFERENCES houses);
    INSERT INTO houses VALUES ('KA', 1, 1), ('KA', 2, 2), ('KA', 3, 3),
      ('MA', 1, 4);
    INSERT INTO guests VALUES ('KA', 'Ann', NULL, 1), ('KA', 'Bob', NULL, 2),
      ('KA', 'Cyd', NULL, 3), ('MA', 'Ann', NULL, 4);
    SELECT relationship('guests.house', 'inverse', 'houses.guests');
  }
  link {
    UPDATE guests SET house_nr = (SELECT nr FROM houses WHERE tag = $a)
    WHERE tag = $b
  }
  unlink {
    UPDATE guests SET house_nr = NULL WHERE tag = $b AND
      house_nr = (SELECT nr FROM houses WHERE tag = $a)
  }
}

define_key {a tree} tree_down tree_up {
  kind one-to-many path employees.employees back employees.manager
  parent employees child employees on {p.id = c.manager_id}
  parent_key {(SELECT id FROM employees WHERE tag = $tag)}
  child_key {(SELECT id FROM employees WHERE tag = $tag)}
  tables {
    CREATE TABLE employees(id INTEGER PRIMARY KEY, tag,
      manager_id INTEGER REFERENCES employees);
    INSERT INTO employees VALUES (100, 1, NULL), (200, 2, NULL),
      (300, 3, NULL);
  }
  link {
    UPDATE employees SET manager_id =
      (SELECT id FROM employees WHERE tag = $a) WHERE tag = $b
  }
  unlink {
    UPDATE employees SET manager_id = NULL WHERE tag = $b AND
      manager_id = (SELECT id FROM employees WHERE tag = $a)
  }
}

define_key {one-to-one} one_to_one one_of_one {
  kind one-to-one path users.profiles back profiles.user
  parent users child profiles on {p.id = c.user_id}
  parent_key {(SELECT id FROM users WHERE tag = $tag)}
  child_key {(SELECT id FROM profiles WHERE tag = $tag)}
  tables {
    CREATE TABLE users(id INTEGER PRIMARY KEY, tag);
    CREATE TABLE profiles(id INTEGER PRIMARY KEY, tag,
      user_id INTEGER UNIQUE REFERENCES users);
    INSERT INTO users VALUES (11, 1), (12, 2), (13, 3);
    INSERT INTO profiles VALUES (21, 1, NULL), (22, 2, NULL), (23, 3, NULL);
  }
  link {
    UPDATE profiles SET user_id = NULL
      WHERE user_id = (SELECT id FROM users WHERE tag = $a);
    UPDATE profiles SET user_id = (SELECT id FROM users WHERE tag = $a)
      WHERE tag = $b
  }
  unlink {
    UPDATE profiles SET user_id = NULL WHERE tag = $b AND
      user_id = (SELECT id FROM users WHERE tag = $a)
  }
}

define_key {one-to-one within a table} spouse spouse_of {
  kind one-to-one path people.people back people.follower
  parent people child people on {p.id = c.follower_id}
  parent_key {(SELECT id FROM people WHERE tag = $tag)}
  child_key {(SELECT id FROM people WHERE tag = $tag)}
  tables {
    CREATE TABLE people(id INTEGER PRIMARY KEY, tag,
      follower_id INTEGER UNIQUE REFERENCES people);
    INSERT INTO people VALUES (1, 1, NULL), (2, 2, NULL), (3, 3, NULL);
  }
  link {
    UPDATE people SET follower_id = NULL
      WHERE follower_id = (SELECT id FROM people WHERE tag = $a);
    UPDATE people SET follower_id = (SELECT id FROM people WHERE tag = $a)
      WHERE tag = $b
  }
  unlink {
    UPDATE people SET follower_id = NULL WHERE tag = $b AND
      follower_id = (SELECT id FROM people WHERE tag = $a)
  }
}

# ---- using them ----

proc worlds {args} {
  set found {}
  dict for {name world} $worlds::all {
    if {![llength $args] || [dict get $world kind] in $args} {
      lappend found $name
    }
  }
  return $found
}

proc foreach_world {names body} {
  foreach name $names {
    uplevel 1 [string map [list @world@ $name \
      @title@ [dict get $worlds::all $name title]] $body]
  }
}

proc worlds::get {what} {
  variable all
  variable current
  return [dict get $all $current $what]
}

proc world {name} {
  set worlds::current $name
  fresh [worlds::get tables]
}

proc on {connection script} {
  set worlds::connection $connection
  try { uplevel 1 $script } finally { set worlds::connection db }
}

proc worlds::key {end tag} {
  return [string map [list \$tag $tag] [get $end]]
}

# The keys of the tags as arguments: a source, then targets; those of
# relate_set as one JSON array.
proc worlds::arguments {verb tags} {
  set tags [lassign $tags a]
  set keys [lmap tag $tags { key b $tag }]
  if {$verb eq "relate_set"} { set keys [list "json_array([join $keys ,])"] }
  return [join [list [key a $a] {*}$keys] ", "]
}

proc act {verb args} {
  $worlds::connection onecolumn "SELECT ${verb}('[worlds::get path]',
    [worlds::arguments $verb $args])"
}

proc insert {verb args} {
  $worlds::connection eval "INSERT INTO $verb VALUES ('[worlds::get path]',
    [worlds::arguments $verb $args])"
}

proc worlds::run {what a b {c ""}} {
  variable connection
  $connection eval [string map [list \$a $a \$b $b \$c $c] [get $what]]
}

proc worlds::linked_to {a} {
  lmap pair [pairs] {
    if {[lindex $pair 0] != $a} continue
    lindex $pair 1
  }
}

proc by_hand {verb a args} {
  set linked [worlds::linked_to $a]
  lassign $args b other
  switch $verb {
    relate { worlds::run link $a $b }
    unrelate { worlds::run unlink $a $b }
    relate_move {
      if {$b eq $other || $b ni $linked} return
      if {[worlds::get move] ne ""} {
        worlds::run move $a $b $other
      } else {
        worlds::run unlink $a $b
        worlds::run link $a $other
      }
    }
    relate_set {
      foreach target $linked {
        if {$target ni $args} { worlds::run unlink $a $target }
      }
      foreach target $args {
        if {$target ni $linked} { worlds::run link $a $target }
        lappend linked $target
      }
    }
  }
  return
}

proc campus {{name without}} {
  world $name
  db eval {
    SELECT relationship_function('enroll', 'relate', 'students.courses');
    SELECT relationship_function('leave', 'unrelate', 'students.courses');
    SELECT relationship_function('replace_all', 'relate_set',
      'students.courses');
    SELECT relationship_function('swap', 'relate_move', 'students.courses');
    SELECT relationship_function('attends', 'related', 'students.courses');
    SELECT relationship_function('course_count', 'related_count',
      'students.courses');
    SELECT relationship_function('student_count', 'related_count',
      'courses.students');
  }
  return
}

proc tell {sql} {
  if {[catch {$worlds::connection onecolumn $sql} result]} {
    return "[relate::code $worlds::connection]: $result"
  }
  return $result
}

proc links {} {
  $worlds::connection nullvalue NULL
  rows $worlds::connection {
    SELECT * FROM student_course ORDER BY student_id, course_id
  }
}

# Numbers that are random, and the same on every machine.
proc random {below} {
  variable seed
  set seed [expr {($seed * 1103515245 + 12345) & 0x7fffffff}]
  return [expr {($seed >> 8) % $below + 1}]
}

proc pairs {} { rows $worlds::connection [worlds::get pairs] }

proc contents {} {
  set contents {}
  foreach table [$worlds::connection eval {
    SELECT name FROM sqlite_schema WHERE type = 'table'
    AND name NOT LIKE '\_rel%' ESCAPE '\' ORDER BY name
  }] {
    lappend contents $table \
      [lsort [rows $worlds::connection "SELECT * FROM \"$table\""]]
  }
  return $contents
}
