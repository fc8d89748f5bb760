# lint.tcl BUILD: everything that can be said about the source without running
# it.  Prints a line for each check, what it found below it, and at last
# `N passed, N failed`.
#
#   COMPILE         the compiler with its flags
#   SQLITE_CFLAGS   where sqlite3ext.h is

package require Tcl 8.6

set build [lindex $argv 0]
set lint [file dirname [info script]]
set sources [lsort [glob ext/*.c]]
set headers [lsort [glob ext/*.h]]
set fixtures [lsort [glob -nocomplain test/*/*.c]]
set objects [lsort [glob $build/obj/*.o]]
set compile [split [string trim $env(COMPILE)]]
set compile [lsearch -all -inline -not -exact $compile ""]
set sqlite [expr {[info exists env(SQLITE_CFLAGS)] ? $env(SQLITE_CFLAGS) : ""}]
set scratch $build/lint
file mkdir $scratch

set passed 0
set failed 0

proc check {name args} {
  global passed failed
  set start [clock milliseconds]
  set bad [catch {exec -ignorestderr {*}$args </dev/null 2>@1} output]
  regsub {\nchild process exited abnormally$} $output "" output
  incr [expr {$bad ? "failed" : "passed"}]
  puts [format "%-6s %-44s %6.1f s" [expr {$bad ? "FAILED" : "ok"}] $name \
    [expr {([clock milliseconds] - $start) / 1e3}]]
  if {$bad} { puts "  [string map {\n "\n  "} $output]" }
  flush stdout
}

# The command once for each file, two at a time.
proc each {command files} {
  return [list printf {%s\n} {*}$files | xargs -n 1 -P 2 {*}$command]
}

check "clang-format (make format)" sh -c {
  for file; do
    clang-format "$file" | diff -u "$file" - || status=1
  done
  exit ${status:-0}
} clang-format {*}$sources {*}$headers {*}$fixtures

check "cppcheck" cppcheck -q --std=c99 --inline-suppr --error-exitcode=1 \
  --enable=warning,performance,portability \
  --suppress=missingIncludeSystem --suppress=missingInclude \
  -j 2 {*}$sources

check "clang-tidy" {*}[each [list sh -c \
  "clang-tidy --quiet \"\$0\" -- -std=c99 $sqlite 2>/dev/null"] $sources]

# As in .clang-tidy: NULL goes together with a Failure, which it can't see.
check "gcc -fanalyzer" {*}[each [list {*}$compile -O2 -fanalyzer \
  -Wno-analyzer-null-dereference -Wno-analyzer-null-argument \
  -c -o /dev/null] $sources]

check "amalgamation, loadable" {*}$compile -O1 -shared $build/relate.c \
  -o $scratch/relate.so
check "amalgamation, linked in" {*}$compile -O1 -DSQLITE_CORE -c \
  $build/relate.c -o $scratch/relate.o

check "layers" tclsh $lint/layers.tcl ext {*}$objects
check "one exported symbol, no written static data" \
  tclsh $lint/symbols.tcl [glob $build/relate.{so,dylib}] {*}$objects
check "SQL is quoted" tclsh $lint/sql.tcl {*}$sources
check "each of these can fail" tclsh $lint/selftest.tcl

puts "$passed passed, $failed failed"
exit [expr {$failed > 0}]
