# fault.tcl: what every file of faults begins with.
#
#     source [file join [file dirname [info script]] fault.tcl]
#
#     scenario {link a pair} {campus} {
#       db eval {SELECT relate('students.courses', 1, 2)}
#     }
#
#     finish
#
# scenario name ?option value ...? setup body
#
# bare and built, at the end of this file, are what a setup begins with.
#
# Before each try `setup` makes a new file and opens `db` on it; then the first
# allocation that `body` asks for fails, in the next try the second, and so on
# until the body runs through.  All of this twice: the allocation fails once,
# and it and all later ones fail.  That is two tests.  At every point:
#
#     the body succeeds all the same, or its error is "out of memory";
#     what the file holds is what it held before the body, or what it holds
#     after a body that nothing disturbed, and after a success it is the latter;
#     with memory back, the same connection can do it;
#     integrity_check and foreign_key_check are clean, every connection closes,
#     no file is left open and no byte is left in use.
#
#     -faults {memory}     kinds: memory, file (which fails with any error)
#     -check {script}      holds at every point, with memory back
#     -errors {pattern}    other texts that its error may have
#     -again {script}      what to do instead of the body with memory back
#
# Of a body that asks for thousands of allocations the first 200 fail one by
# one, of the later ones every 10th or so.  RELATE_FAULTS=all: each of them,
# which takes a quarter of an hour.

source [file join [file dirname [file dirname [file normalize \
  [info script]]]] common.tcl]

if {![llength [info commands fault]]} {
  puts "faults need build/fixture as the interpreter"
  puts "total 0 1 0"
  exit 1
}

set relate::fault_passed 0
set relate::fault_failed 0

# Everything the file holds, as a connection without the extension sees it.
proc relate::contents {path} {
  sqlite3 relate_reader $path
  set contents {}
  foreach {type name sql} [relate_reader eval {
    SELECT type, name, sql FROM sqlite_schema ORDER BY type, name
  }] {
    lappend contents $type $name $sql
    if {$type eq "table" && ![string match sqlite_* $name]} {
      lappend contents [lsort [relate::all_rows relate_reader $name]]
    }
  }
  relate_reader close
  return $contents
}

proc relate::all_rows {reader name} {
  set rows {}
  $reader eval "SELECT * FROM [odd::sql $name]" row {
    lappend rows [relate::row row]
  }
  return $rows
}

proc relate::expected {message patterns} {
  foreach pattern [list "out of memory" {*}$patterns] {
    if {[string match $pattern $message]} { return 1 }
  }
  return 0
}

# One try.  Returns what is wrong, and sets in the caller: hits, reported.
proc relate::try_point {kind mode point setup body options before after} {
  upvar 1 hits hits reported reported
  set wrong {}
  set start [relate::live]
  uplevel #0 $setup
  fault $kind $point $mode
  set failed [catch {uplevel #0 $body} message]
  set hits [fault hits]
  set code [fault code db]
  fault none
  set reported [expr {$failed && $hits > 0}]
  if {$failed && $hits == 0} { lappend wrong "fails by itself: $message" }
  if {$reported && $kind eq "memory" && ($code & 255) != 7 &&
      ![relate::expected $message [dict get $options -errors]]} {
    lappend wrong "reported as $code: $message"
  }
  if {[dict get $options -check] ne "" &&
      [catch {uplevel #0 [dict get $options -check]} message]} {
    lappend wrong $message
  }
  set contents [relate::contents $::file]
  if {$contents ne $after && ($contents ne $before || !$failed)} {
    lappend wrong "left half-done: $contents"
  }
  if {$reported && $kind eq "memory" &&
      [catch {uplevel #0 [dict get $options -again]} message]} {
    lappend wrong "then, with memory back: $message"
  }
  relate::close_all
  lappend wrong {*}[relate::inspect $::file {} mentions]
  set left [relate::left_open]
  if {$left ne ""} { lappend wrong "still open: $left" }
  set bytes [expr {[relate::live] - $start}]
  if {$bytes} { lappend wrong "$bytes bytes still in use" }
  return $wrong
}

# What the file holds before the body and after it.
proc relate::undisturbed {setup body} {
  uplevel #0 $setup
  set before [relate::contents $::file]
  uplevel #0 $body
  set after [relate::contents $::file]
  relate::close_all
  return [list $before $after]
}

proc relate::stride {point} {
  if {[relate::setting RELATE_FAULTS short] eq "all"} { return 1 }
  return [expr {$point < 200 ? 1 : 7 + $point % 7}]
}

proc relate::every {kind mode name setup body options} {
  lassign [relate::undisturbed $setup $body] before after
  set points 0
  set count 0
  set wrong {}
  for {set point 1} {1} {incr point [relate::stride $point]} {
    set wrong [relate::try_point $kind $mode $point $setup $body $options \
      $before $after]
    if {$hits == 0 || [llength $wrong]} break
    incr points
    incr count $reported
  }
  puts [format "%-6s %-7s %5d points, %5d reported  %s" $kind $mode $points \
    $count $name]
  return [expr {[llength $wrong]
    ? "at point $point: [join $wrong "\n    "]"
    : $points == 0 ? "nothing to fail" : ""}]
}

proc scenario {name args} {
  lassign [lrange $args end-1 end] setup body
  set options [dict merge [list -faults memory -check "" -errors {} \
    -again $body] [lrange $args 0 end-2]]
  foreach kind [dict get $options -faults] {
    foreach mode {once persist} {
      if {[catch {
        relate::every $kind $mode $name $setup $body $options
      } wrong]} {
        fault none
        relate::close_all
        set wrong "can't be tried: $::errorInfo"
      }
      if {$wrong eq ""} {
        incr relate::fault_passed
      } else {
        incr relate::fault_failed
        puts "FAILED $kind $mode $name, $wrong"
      }
      flush stdout
    }
  }
}

proc finish {} {
  relate::close_all
  file delete -force $relate::folder
  puts "total $relate::fault_passed $relate::fault_failed 0"
  exit [expr {$relate::fault_failed > 0}]
}

# ---- what setups begin with ----

# `db` without the extension, on a new file.
proc bare {{schema ""}} {
  relate::close_all
  relate::delete $::file
  plain db
  db eval $schema
}

# `db` with the extension, on a copy of the file that the SQL makes.  The file
# is made once, so that a long setup costs little at every point.
proc built {sql} {
  variable relate::made
  if {![info exists made($sql)]} {
    fresh $sql
    relate::close_all
    set made($sql) [file join $relate::folder made-[array size made].db]
    file rename -force $::file $made($sql)
  }
  relate::close_all
  relate::delete $::file
  file copy $made($sql) $::file
  reopen
}
array set relate::made {}
