# common.tcl: what every test file begins with.
#
#     source [file join [file dirname [info script]] common.tcl]
#
#     check verb-1 {a pair is linked once} {
#       fresh {
#         CREATE TABLE students(id INTEGER PRIMARY KEY);
#         ...
#       }
#       db eval {SELECT relate('students.courses', 1, 2)}
#     } 1
#
#     check verb-2 {a source that is not there} {
#       fails {db eval {SELECT relate('students.courses', 99, 2)}}
#     } {CONSTRAINT_FOREIGNKEY: relate: students.courses: ...}
#
#     finish
#
# fresh ?schema?        `db`, with the extension, on a new and empty file $file
# reopen                `db` closed and opened again on the same file
# another name ?file?   one more connection with the extension
# plain name ?file?     one without it
# extend name           loads the extension into a connection
# fails ?name? script   "CODE: message" of the error that it must end with
# rows ?name? sql       a list for each row; its columns need different names
# shell argument ...    the sqlite3 shell, as a program of its own
# python script ?argument ...?   python3; `-needs {[relate::python] ne ""}`
# child script          a process of its own, begun with this file; its output
# matrix, foreach_names see odd.tcl: the same test with odd names
#
# A check begins with `db` open on the file of the last `fresh`: what is in the
# file stays from check to check, what is in the connection does not.  A result
# is compared as it is; if `expected` spans lines, as a list, in which white
# space does not matter.
#
# After every check, whatever it was about: no schema mentions a function or a
# table of ours, integrity_check and foreign_key_check are clean, all
# connections close and leave no journal, no file is left open and no memory in
# use.  Where a check means to leave such a thing behind it says so:
# `check name description -allow {dangling} body expected`
#
#     mentions    a schema that speaks of ours
#     dangling    foreign keys without a partner
#     corrupt     a file that can't be read, or only in part; it is deleted
#     journal     a journal or WAL beside the file
#     memory      memory, files
#
# `-needs {expression}` skips the check where the expression is false;
# `-needs {[since 3.39]}` where SQLite is older.

package require Tcl 8.6
package require tcltest 2.3
package require sqlite3

namespace eval relate {
  variable folder    ;# of databases; each test file has its own
  variable library   ;# the extension
  variable files {}  ;# that this check has opened
  variable built_in  ;# functions and modules that are not ours
}

proc relate::setting {name default} {
  if {[info exists ::env($name)]} { return $::env($name) }
  return $default
}

set relate::test_folder [file dirname [file normalize [info script]]]
set relate::library [relate::setting RELATE_LIBRARY \
  [file join [file dirname $relate::test_folder] build relate.so]]
set relate::folder [relate::setting RELATE_FOLDER /tmp/relate-test-[pid]]
set file [file join $relate::folder test.db]

# Whether SQLite, which need not be the system's, is of this version or later.
proc since {version} {
  sqlite3 relate_version :memory:
  set is [relate_version onecolumn {SELECT sqlite_version()}]
  relate_version close
  return [expr {[package vcompare $is $version] >= 0}]
}

# ---- connections ----

# The connections that are open, by name: {file, whether the extension is in}.
set relate::connections [dict create]

proc relate::open {name path extended} {
  variable connections
  variable files
  variable library
  if {[dict exists $connections $name]} { relate::close $name }
  sqlite3 $name $path
  dict set connections $name [list $path $extended]
  if {$path ni $files} { lappend files $path }
  if {$extended} { extend $name }
}

proc relate::close {name} {
  variable connections
  if {[llength [info commands ::$name]]} { ::$name close }
  dict unset connections $name
}

proc relate::close_all {} {
  variable connections
  dict for {name description} $connections { relate::close $name }
}

proc relate::delete {path} {
  foreach suffix {"" -journal -wal -shm} { file delete -force $path$suffix }
}

# Loads the extension into a connection that is open.
proc extend {name} {
  if {[llength [info commands ::fault]]} {
    fault load $name $relate::library
    return
  }
  $name enable_load_extension 1
  $name eval {SELECT load_extension($relate::library)}
  $name enable_load_extension 0
}

proc fresh {{schema ""}} {
  relate::close_all
  file mkdir $relate::folder
  relate::delete $::file
  relate::open db $::file 1
  db eval $schema
  return
}

proc reopen {} {
  relate::open db $::file 1
}

proc another {name {path ""}} {
  relate::open $name [expr {$path eq "" ? $::file : $path}] 1
}

proc plain {name {path ""}} {
  relate::open $name [expr {$path eq "" ? $::file : $path}] 0
}

# ---- results ----

set relate::codes [dict create]
foreach {number name} {
  1 ERROR 2 INTERNAL 3 PERM 4 ABORT 5 BUSY 6 LOCKED 7 NOMEM 8 READONLY
  9 INTERRUPT 10 IOERR 11 CORRUPT 12 NOTFOUND 13 FULL 14 CANTOPEN 15 PROTOCOL
  16 EMPTY 17 SCHEMA 18 TOOBIG 19 CONSTRAINT 20 MISMATCH 21 MISUSE 22 NOLFS
  23 AUTH 24 FORMAT 25 RANGE 26 NOTADB
} {
  dict set relate::codes $number $name
}
foreach {number name} {
  1 ERROR_MISSING_COLLSEQ 1 BUSY_RECOVERY 1 LOCKED_SHAREDCACHE
  1 READONLY_RECOVERY 1 ABORT_ROLLBACK 1 CORRUPT_VTAB 1 CANTOPEN_NOTEMPDIR
  1 CONSTRAINT_CHECK 2 ERROR_RETRY 2 BUSY_SNAPSHOT 2 LOCKED_VTAB
  2 ABORT_ROLLBACK 2 READONLY_CANTLOCK 2 CORRUPT_SEQUENCE 2 CANTOPEN_ISDIR
  2 CONSTRAINT_COMMITHOOK 3 ERROR_SNAPSHOT 3 BUSY_TIMEOUT 3 READONLY_ROLLBACK
  3 CORRUPT_INDEX 3 CANTOPEN_FULLPATH 3 CONSTRAINT_FOREIGNKEY
  4 READONLY_DBMOVED 4 CONSTRAINT_FUNCTION 5 READONLY_CANTINIT
  5 CONSTRAINT_NOTNULL 6 READONLY_DIRECTORY 6 CONSTRAINT_PRIMARYKEY
  7 CONSTRAINT_TRIGGER 8 CONSTRAINT_UNIQUE 9 CONSTRAINT_VTAB
  10 CONSTRAINT_ROWID 11 CONSTRAINT_PINNED 12 CONSTRAINT_DATATYPE
  12 IOERR_NOMEM 1 IOERR_READ 2 IOERR_SHORT_READ 3 IOERR_WRITE 4 IOERR_FSYNC
} {
  set primary [lindex [split $name _] 0]
  dict for {code known} $relate::codes {
    if {$known eq $primary} {
      dict set relate::codes [expr {$code | ($number << 8)}] $name
      break
    }
  }
}

# The extended code where build/fixture runs this, else the primary one.
proc relate::code {name} {
  variable codes
  if {[llength [info commands ::fault]]} {
    set code [fault code $name]
  } else {
    set code [$name errorcode]
  }
  return [expr {[dict exists $codes $code] ? [dict get $codes $code] : $code}]
}

proc fails {args} {
  set name [expr {[llength $args] > 1 ? [lindex $args 0] : "db"}]
  if {![catch {uplevel 1 [lindex $args end]} message]} {
    return "no error: $message"
  }
  return "[relate::code $name]: $message"
}

proc rows {args} {
  set name [expr {[llength $args] > 1 ? [lindex $args 0] : "db"}]
  upvar 1 relate_rows rows relate_row row
  set rows {}
  uplevel 1 [list $name eval [lindex $args end] relate_row {
    lappend relate_rows [relate::row relate_row]
  }]
  set result $rows
  unset -nocomplain rows row
  return $result
}

proc relate::row {array} {
  upvar 1 $array row
  return [lmap column $row(*) { set row($column) }]
}

# ---- other programs ----

# Other programs belong to the system's SQLite, whichever the suite runs on.
set relate::library_path [relate::setting LD_LIBRARY_PATH ""]
unset -nocomplain env(LD_LIBRARY_PATH)

proc shell {args} {
  exec sqlite3 {*}$args
}

# The first python3 whose sqlite3 can load extensions, and that has `module` if
# one is asked for; or "".
proc relate::python {{module ""}} {
  variable python
  if {![info exists python($module)]} {
    set python($module) ""
    set probe "import sqlite3 [expr {$module eq "" ? "" : ", $module"}];\
      sqlite3.connect(':memory:').enable_load_extension(True)"
    foreach candidate {python3 /usr/bin/python3} {
      if {![catch {exec $candidate -c $probe 2>@1}]} {
        set python($module) $candidate
        break
      }
    }
  }
  return $python($module)
}

proc python {script args} {
  exec [relate::python] -c $script {*}$args 2>@1
}

proc child {script} {
  variable relate::test_folder
  set common [file join $relate::test_folder common.tcl]
  set path [file join $relate::folder child.tcl]
  set channel [::open $path w]
  puts $channel "[list source $common]\n$script\nrelate::close_all"
  ::close $channel
  exec env LD_LIBRARY_PATH=$relate::library_path \
    [info nameofexecutable] $path 2>@1
}

# ---- what holds after every check ----

proc relate::registered {name} {
  $name eval {
    SELECT lower(name) FROM pragma_function_list WHERE NOT builtin
    UNION SELECT lower(name) FROM pragma_module_list
    WHERE name NOT GLOB 'pragma_*' AND name NOT GLOB 'json_*'
  }
}

# The functions and tables that the extension has given to a connection, as
# the keys of a dict.
proc relate::ours {name} {
  variable built_in
  set ours [dict create]
  foreach word [relate::registered $name] {
    if {![dict exists $built_in $word]} { dict set ours $word 1 }
  }
  return $ours
}

# SQL as a list of words, lower case and without quotes; no comments, strings.
proc relate::words {sql} {
  set words {}
  set pattern {--[^\n]*|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|'(?:[^']|'')*'}
  append pattern {|"(?:[^"]|"")*"|`[^`]*`|\[[^]]*\]|\w+|[^\s\w]}
  foreach word [regexp -all -inline -- $pattern $sql] {
    switch -glob -- $word {
      --?* - /\\*?* - '* continue
      \"?* - `?* - \\\[?* { set word [string range $word 1 end-1] }
    }
    lappend words [string tolower $word]
  }
  return $words
}

# The words of `ours` that the SQL calls, or reads from as a table.
proc relate::mentioned {sql ours tables} {
  set found {}
  set before ""
  set word ""
  foreach after [list {*}[relate::words $sql] ""] {
    if {[dict exists $ours $word]} {
      set reads [expr {$before in {from join into update}}]
      set names [expr {$before in {table references on exists with index}}]
      if {$reads ? $word ni $tables : ($after eq "(" && !$names)} {
        lappend found $word
      }
    }
    set before $word
    set word $after
  }
  return $found
}

proc relate::mentions {name schema ours} {
  set found {}
  set tables [$name eval "SELECT lower(name) FROM $schema
    WHERE type IN ('table', 'view')"]
  $name eval "SELECT type, name AS thing, sql FROM $schema
      WHERE sql IS NOT NULL" {
    foreach word [relate::mentioned $sql $ours $tables] {
      lappend found "the $type $thing mentions $word"
    }
  }
  return $found
}

# Asked while the connections are open: what is ours, what they have attached,
# what their temp schemas say.
proc relate::survey {allowed} {
  variable connections
  variable files
  set all [dict create]
  set problems {}
  dict for {name description} $connections {
    if {![llength [info commands ::$name]]} continue
    lassign $description path extended
    catch {
      foreach {number schema attached} [$name eval {PRAGMA database_list}] {
        if {$attached ne "" && $attached ni $files} { lappend files $attached }
      }
    }
    if {!$extended || [catch {relate::ours $name} ours]} continue
    set all [dict merge $all $ours]
    if {"mentions" ni $allowed} {
      catch {lappend problems {*}[relate::mentions $name temp.sqlite_schema $ours]}
    }
  }
  return [list $all $problems]
}

# Asked of a file when nobody has it open, by a connection of its own without
# the extension.
proc relate::inspect {path ours allowed} {
  set problems {}
  sqlite3 relate_inspector $path -readonly 1
  try {
    if {"mentions" ni $allowed} {
      lappend problems {*}[relate::mentions relate_inspector sqlite_schema $ours]
    }
    set report [relate_inspector eval {PRAGMA integrity_check}]
    if {$report ne "ok"} { lappend problems "integrity_check: $report" }
    if {"dangling" ni $allowed} {
      set report [relate_inspector eval {PRAGMA foreign_key_check}]
      if {$report ne ""} { lappend problems "foreign_key_check: $report" }
    }
  } on error {message} {
    lappend problems "$path: $message"
  } finally {
    relate_inspector close
  }
  return $problems
}

# Files of ours that this process still has open.
proc relate::left_open {} {
  variable folder
  if {[llength [info commands ::fault]]} {
    set count [fault files]
    return [expr {$count ? "$count files of SQLite's" : ""}]
  }
  set left {}
  foreach link [glob -nocomplain /proc/self/fd/*] {
    if {![catch {file readlink $link} target] &&
        [string match $folder/* $target]} {
      lappend left [file tail $target]
    }
  }
  return $left
}

proc relate::live {} {
  return [expr {[llength [info commands ::fault]] ? [fault live] : 0}]
}

proc relate::verify {allowed} {
  variable files
  variable live_before
  lassign [relate::survey $allowed] ours problems
  relate::close_all
  foreach path $files {
    if {"journal" in $allowed} continue
    foreach suffix {-journal -wal} {
      if {[file exists $path$suffix]} {
        lappend problems "[file tail $path]$suffix is left"
      }
    }
  }
  if {"memory" ni $allowed} {
    set left [relate::left_open]
    if {$left ne ""} { lappend problems "still open: $left" }
    set live [expr {[relate::live] - $live_before}]
    if {$live} { lappend problems "$live bytes still in use" }
  }
  foreach path $files {
    if {"corrupt" in $allowed} {
      relate::delete $path
    } elseif {[file isfile $path]} {
      lappend problems {*}[relate::inspect $path $ours $allowed]
    }
  }
  set files {}
  return $problems
}

# ---- checks ----

proc relate::begin {} {
  variable files
  set files {}
  if {[file exists $::file]} reopen
}

proc relate::run {body allowed} {
  variable live_before
  set live_before [relate::live]
  if {[catch {relate::begin; uplevel #0 $body} result options]} {
    set result "error: [relate::trace $options]"
  }
  set problems [relate::verify $allowed]
  if {[llength $problems]} {
    append result "\nand afterwards: [join $problems "\n"]"
  }
  return $result
}

# Where an error came from, as far as it is in the test file.
proc relate::trace {options} {
  set trace [dict get $options -errorinfo]
  regsub {\n    \("uplevel" body.*} $trace "" trace
  return $trace
}

proc relate::same {expected result} {
  if {$expected eq $result} { return 1 }
  if {[string first \n $expected] < 0} { return 0 }
  if {[catch {list {*}$expected} a] || [catch {list {*}$result} b]} {
    return 0
  }
  return [expr {$a eq $b}]
}
tcltest::customMatch relate relate::same

proc check {name description args} {
  set expected [lindex $args end]
  set body [lindex $args end-1]
  set options [dict merge {-allow {} -needs 1} [lrange $args 0 end-2]]
  tcltest::testConstraint needed [uplevel #0 [list expr [dict get $options -needs]]]
  puts "begin $name"
  tcltest::test $name $description -constraints needed -match relate \
    -body [list relate::run $body [dict get $options -allow]] -result $expected
}

# Prints the counts for run.tcl.
proc finish {} {
  array set counts [array get tcltest::numTests]
  relate::close_all
  file delete -force $relate::folder
  puts "total $counts(Passed) $counts(Failed) $counts(Skipped)"
  exit [expr {$counts(Failed) > 0}]
}

tcltest::configure -verbose {} -singleproc 1
file mkdir $relate::folder
source [file join $relate::test_folder odd.tcl]

# What this SQLite brings along; and whatever is allocated once for all is
# allocated now.
apply {{} {
  sqlite3 warm_up :memory:
  foreach word [relate::registered warm_up] {
    dict set relate::built_in $word 1
  }
  warm_up close
  set path [file join $relate::folder warm_up-[pid].db]
  relate::open warm_up $path 1
  warm_up eval {CREATE TABLE t(a)}
  relate::close_all
  relate::delete $path
}}
