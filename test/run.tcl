# run.tcl: runs the suite.
#
#   tclsh test/run.tcl ?pattern ...?      test/*.test, or those that match
#
# Every file runs in a process and a folder of its own, two at a time.  A line
# is printed for each, below it the difference of every test that failed, and
# at last `N passed, N failed`.  A file that crashes, hangs, or ends before its
# `finish` counts as a failure.
#
#   RELATE_LIBRARY       the extension            (build/relate.so)
#   RELATE_INTERPRETER   what runs the files      (build/fixture)
#   RELATE_SUITE         the folder of the files  (test)
#   RELATE_SCRATCH       where their folders are  (/dev/shm, else /tmp)
#   RELATE_TIMEOUT       seconds for one file     (300)
#   RELATE_JOBS          files at a time          (2)

package require Tcl 8.6

set test_folder [file dirname [file normalize [info script]]]
set top [file dirname $test_folder]

proc setting {name default} {
  if {[info exists ::env($name)] && $::env($name) ne ""} {
    return $::env($name)
  }
  return $default
}

set library [file normalize [setting RELATE_LIBRARY $top/build/relate.so]]
set interpreter [setting RELATE_INTERPRETER $top/build/fixture]
if {[file exists $interpreter]} {
  set interpreter [file normalize $interpreter]
}
set timeout [setting RELATE_TIMEOUT 300]
set jobs [setting RELATE_JOBS 2]
set shared_memory [expr {[file writable /dev/shm] ? "/dev/shm" : "/tmp"}]
set scratch [setting RELATE_SCRATCH $shared_memory]/relate-test-[pid]
set env(RELATE_LIBRARY) $library

set passed 0
set failed 0
set skipped 0
set running 0

# A process of one test file: what it has printed, when it began.
proc start {file} {
  global scratch interpreter timeout running processes
  set name [file tail $file]
  set folder [file join $scratch [file rootname $name]]
  file mkdir $folder
  set ::env(RELATE_FOLDER) $folder
  set channel [open |[list $interpreter $file 2>@1] r]
  fconfigure $channel -blocking 0 -encoding utf-8
  set watchdog [after [expr {$timeout * 1000}] [list hang $channel]]
  set processes($channel) [dict create name $name output "" hung 0 \
    began [clock milliseconds] watchdog $watchdog folder $folder]
  fileevent $channel readable [list progress $channel]
  incr running
}

proc hang {channel} {
  global processes
  dict set processes($channel) hung 1
  foreach process [pid $channel] { catch {exec kill -9 $process} }
}

proc progress {channel} {
  global processes running
  dict append processes($channel) output [read $channel]
  if {[eof $channel]} {
    fconfigure $channel -blocking 1
    set status ""
    catch {close $channel} status
    after cancel [dict get $processes($channel) watchdog]
    report $processes($channel) $status
    unset processes($channel)
    incr running -1
    next
  }
}

# A test file prints `begin NAME` before each test, and `total PASSED FAILED
# SKIPPED` as its last line; the rest is about what failed.
proc report {process status} {
  global passed failed skipped
  set output [dict get $process output]
  set counts {0 1 0}
  set remark ""
  if {[dict get $process hung]} {
    set remark "took longer than $::timeout s"
  } elseif {![regexp -line {^total (\d+) (\d+) (\d+)$} $output line good bad no]} {
    set remark "ended before its finish"
    set begun [lindex [regexp -all -inline -line {^begin .*$} $output] end]
    if {$begun ne ""} { append remark ", in [lindex $begun 1]" }
  } elseif {$good + $bad + $no == 0} {
    set remark "has no test"
  } else {
    set counts [list $good $bad $no]
    if {$status ne "" && $bad == 0} {
      lset counts 1 1
      set remark "failed at its exit"
    }
  }
  if {$remark ne "" && $status ne ""} { append remark ": $status" }
  lassign $counts good bad no
  incr passed $good
  incr failed $bad
  incr skipped $no
  set seconds [expr {([clock milliseconds] - [dict get $process began]) / 1e3}]
  puts [format "%-6s %-24s %4d passed%s%s %6.1f s" \
    [expr {$bad ? "FAILED" : "ok"}] [dict get $process name] $good \
    [expr {$bad ? ", $bad failed" : ""}] \
    [expr {$no ? ", $no skipped" : ""}] $seconds]
  if {$remark ne ""} { puts "  [dict get $process name] $remark" }
  regsub -line -all {^(total|begin) .*\n?} $output "" output
  regsub -line -all {^==== \S+ FAILED$} $output "" output
  regsub -all {\n{2,}} [string trim $output] "\n\n" output
  if {$output ne ""} { puts "  [string map {\n "\n  "} $output]" }
  flush stdout
}

proc bgerror {message} {
  puts stderr $::errorInfo
  exit 1
}

proc next {} {
  global waiting running jobs done
  while {$running < $jobs && [llength $waiting]} {
    set waiting [lassign $waiting file]
    start $file
  }
  if {$running == 0} { set done 1 }
}

set waiting {}
set suite [setting RELATE_SUITE $test_folder]
foreach file [lsort [glob -nocomplain -directory $suite *.test]] {
  set name [file rootname [file tail $file]]
  foreach pattern [expr {[llength $argv] ? $argv : "*"}] {
    if {[string match [file rootname [file tail $pattern]] $name]} {
      lappend waiting $file
      break
    }
  }
}
file mkdir $scratch
next
if {![info exists done]} { vwait done }
file delete -force $scratch

if {$skipped} { puts "$skipped skipped" }
if {$passed + $failed == 0} { puts "no test was run" }
puts "$passed passed, $failed failed"
exit [expr {$failed > 0 || $passed == 0}]
