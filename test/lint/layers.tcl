# layers.tcl FOLDER OBJECT ...: a file calls only files of lower layers.
#
# The layers are declared once, in the banners of FOLDER/relate_int.h:
#
#     /* ---- layer 0: failure.c: an error that travels ---- */
#
# Which object defines a symbol and which ones use it is asked of nm.

set objects [lassign $argv folder]

# layer(file): its number.
set previous 0
set map [open $folder/relate_int.h]
while {[gets $map line] >= 0} {
  if {[regexp {^/\* ---- layer (\d+): (\w+)\.c: .* ---- \*/$} $line \
      -> number file]} {
    if {[info exists layer($file)]} { lappend wrong "$file.c has two banners" }
    if {$number < $previous} { lappend wrong "$file.c: banners are out of order" }
    set layer($file) $number
    set previous $number
  } elseif {[regexp -- {---- layer} $line]} {
    lappend wrong "not the form of a banner: $line"
  }
}
close $map

foreach source [glob -tails -directory $folder *.c] {
  if {![info exists layer([file rootname $source])]} {
    lappend wrong "$source has no banner in relate_int.h"
  }
}
foreach file [array names layer] {
  if {![file exists $folder/$file.c]} {
    lappend wrong "$file.c has a banner, but is not there"
  }
}

# defined(symbol): the file.  uses(file): symbols.
foreach object $objects {
  set file [file rootname [file tail $object]]
  set uses($file) {}
  foreach line [split [exec nm -P $object] \n] {
    lassign $line symbol type
    if {$type eq "U"} {
      lappend uses($file) $symbol
    } elseif {$type in {T D R B C V W G S}} {
      set defined($symbol) $file
    }
  }
}

# SQLite's own table of functions, which every file reads.
array unset defined sqlite3_api
array unset defined _sqlite3_api

foreach file [lsort [array names uses]] {
  foreach symbol $uses($file) {
    if {![info exists defined($symbol)]} continue
    set other $defined($symbol)
    if {![info exists layer($file)] || ![info exists layer($other)]} continue
    if {$layer($other) >= $layer($file)} {
      lappend wrong "$file.c (layer $layer($file)) uses $symbol of $other.c\
        (layer $layer($other))"
    }
  }
}

if {[info exists wrong]} {
  puts [join $wrong \n]
  exit 1
}
