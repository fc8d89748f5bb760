# symbols.tcl LIBRARY OBJECT ...: the library exports its entry point and
# nothing else; no file has static data that can be written, but for the
# pointer to SQLite's functions.

set objects [lassign $argv library]

foreach line [split [exec nm -P -D --defined-only $library] \n] {
  set symbol [string trimleft [lindex $line 0] _]
  if {$symbol ne "sqlite3_relate_init"} {
    lappend wrong "$symbol is exported"
  }
}
if {![regexp sqlite3_relate_init [exec nm -P -D --defined-only $library]]} {
  lappend wrong "sqlite3_relate_init is not exported"
}

# A constant table of pointers is in .data.rel.ro: written by the loader only.
foreach object $objects {
  foreach line [split [exec nm -f sysv $object] \n] {
    set fields [lmap field [split $line |] { string trim $field }]
    if {[llength $fields] != 7} continue
    lassign $fields symbol value class type size number section
    if {$symbol eq "sqlite3_api" || ![string match -nocase {[bdcs]} $class]} {
      continue
    }
    if {[string match .data.rel.ro* $section]} continue
    # What the sanitizers and gcov add is not in these builds.
    lappend wrong "[file rootname [file tail $object]].c: $symbol can be written"
  }
}

if {[info exists wrong]} {
  puts [join $wrong \n]
  exit 1
}
