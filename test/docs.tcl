# docs.tcl: the examples of README.md and docs/, run as a reader would.
#
#     tclsh test/docs.tcl --update FILE ...     writes what they print now
#
# A document is a story in the sqlite3 shell: its ```sql blocks run from top to
# bottom on one database, campus.db, with the extension in build/relate.  What
# a block prints is the ```text (or ```mermaid) block right behind it; without
# one it prints nothing.
#
#     ```sql                   the shell's list mode
#     ```sql box               its box mode
#     ```sql plain             a shell of its own, without the extension
#     ```sql norun, REASON     not run
#     <!-- reopen -->          closes the shell and opens the file again
#     <!-- fresh -->           likewise, on a new and empty file
#     ```tcl, ```python ...    docs.test knows what to do with them
#
# The ```python blocks of a page about an ORM are one program, on a database of
# its own.  What a block prints is the ```text block right behind it; without
# one it is what the ```sql block right behind it prints, unless it prints
# nothing.
#
# In an error the shell says where in its input it was; that is left out.

package require Tcl 8.6

namespace eval docs {
  variable marker "---- docs.tcl ----"
}

proc docs::read_file {path} {
  set channel [open $path]
  fconfigure $channel -encoding utf-8
  set text [read $channel]
  close $channel
  return $text
}

proc docs::write_file {path text} {
  set channel [open $path w]
  fconfigure $channel -encoding utf-8
  puts -nonewline $channel $text
  close $channel
}

# The blocks of a document, each a dictionary:
#
#     line           of its first ```, from 1
#     language       sql, text, ...
#     words          behind the language
#     text           what is in it
#     start          fresh, reopen, or "" (goes on in the same shell)
#     expected       the text of the output block behind it, "" for none
#     first, last    lines of that output block, 0 for none
proc docs::blocks {path} {
  set blocks {}
  set start fresh
  set number 0
  set inside 0
  set adjacent 0
  foreach line [split [read_file $path] \n] {
    incr number
    if {$inside} {
      if {$line ne "```"} { lappend text $line; continue }
      set inside 0
      if {$language in {text mermaid} && $adjacent} {
        set block [lindex $blocks end]
        dict set block expected [join $text \n]
        dict set block first $begin
        dict set block last $number
        lset blocks end $block
        set adjacent 0
        continue
      }
      lappend blocks [dict create line $begin language $language words $words \
        text [join $text \n] start $start expected "" first 0 last 0 \
        end $number]
      if {$language eq "sql" && [lindex $words 0] ne "norun,"} { set start "" }
      set adjacent [expr {$language ne "text"}]
    } elseif {[regexp {^```(\w+) ?(.*)$} $line - language words]} {
      set inside 1
      set begin $number
      set text {}
    } elseif {[regexp {^<!-- (fresh|reopen) -->$} $line - word]} {
      set start $word
      set adjacent 0
    } elseif {[string trim $line] ne ""} {
      set adjacent 0
    }
  }
  if {$inside} { error "$path: the block of line $begin does not end" }
  return $blocks
}

# As documents have it: no blanks at the ends of lines, no line numbers.
proc docs::normal {output} {
  regsub -all -line {^(Runtime error|Parse error|Error)( near line \d+|: near line \d+)?: } \
    $output {Runtime error: } output
  regsub -all -line {[ \t]+$} $output "" output
  return [string trim $output \n]
}

# Runs blocks in one shell; their outputs.
proc docs::shell {folder blocks plain} {
  variable marker
  set script ".bail off\n"
  if {!$plain} { append script ".load build/relate\n" }
  foreach block $blocks {
    set mode [expr {"box" in [dict get $block words] ?
      "box --wrap 0" : "list"}]
    append script ".mode $mode\n[dict get $block text]\n.print $marker\n"
  }
  set here [pwd]
  cd $folder
  try {
    write_file script.sql $script
    catch {exec sqlite3 -batch campus.db < script.sql 2>@1} output
  } finally {
    cd $here
  }
  return [parts $output $blocks]
}

# What each of the blocks has printed.
proc docs::parts {output blocks} {
  variable marker
  regsub {\nchild process exited abnormally$} $output "" output
  set outputs {}
  foreach block $blocks {
    set end [string first $marker $output]
    if {$end < 0} { set end [string length $output] }
    lappend outputs [normal [string range $output 0 $end-1]]
    set output [string range $output $end+[string length $marker] end]
  }
  return $outputs
}

# Runs the SQL blocks in `folder`, which has a build/relate; a list that has
# for each block its output, "" for one that is not run.
proc docs::run {folder blocks} {
  set outputs [lrepeat [llength $blocks] ""]
  set batch {}
  set plain 0
  for {set i 0} {$i <= [llength $blocks]} {incr i} {
    set block [lindex $blocks $i]
    set last [expr {$i == [llength $blocks]}]
    if {!$last && ([dict get $block language] ne "sql" ||
        [lindex [dict get $block words] 0] eq "norun,")} continue
    if {$last || [dict get $block start] ne "" ||
        ("plain" in [dict get $block words]) != $plain} {
      set chosen [lmap j $batch {lindex $blocks $j}]
      foreach j $batch output [shell $folder $chosen $plain] {
        lset outputs $j $output
      }
      set batch {}
    }
    if {$last} break
    if {[dict get $block start] eq "fresh"} {
      file delete $folder/campus.db $folder/campus.db-wal \
        $folder/campus.db-journal
    }
    set plain [expr {"plain" in [dict get $block words]}]
    lappend batch $i
  }
  return $outputs
}

# Runs the Python blocks as one program, as docs::run does those of SQL.
proc docs::python {interpreter folder blocks} {
  variable marker
  set script ""
  foreach block $blocks {
    if {[dict get $block language] eq "python"} {
      append script "[dict get $block text]\n"
    }
    append script "print('$marker')\n"
  }
  set here [pwd]
  cd $folder
  try {
    write_file program.py $script
    catch {exec $interpreter -u program.py 2>@1} output
  } finally {
    cd $here
  }
  return [parts $output $blocks]
}

# A folder as the documents see it.
proc docs::folder {path library} {
  file mkdir $path/build
  file copy -force $library $path/build
}

proc docs::update {path library} {
  set folder /tmp/relate-docs-[pid]
  folder $folder $library
  set lines [split [read_file $path] \n]
  set blocks [blocks $path]
  set pairs [lmap block $blocks output [run $folder $blocks] {
    list $block $output
  }]
  foreach pair [lreverse $pairs] {
    lassign $pair block output
    dict with block {}
    if {$language ne "sql" || [lindex $words 0] eq "norun,"} continue
    if {$output eq $expected} continue
    puts "$path:$line"
    if {$first} {
      set lines [lreplace $lines $first $last-2 {*}[split $output \n]]
    } else {
      set lines [linsert $lines $end "```text" {*}[split $output \n] "```"]
    }
  }
  write_file $path [join $lines \n]
  file delete -force $folder
}

if {[info exists ::argv0] && [file normalize $::argv0] eq
    [file normalize [info script]]} {
  set library [file join [file dirname [file dirname \
    [file normalize [info script]]]] build relate.so]
  if {[info exists env(RELATE_LIBRARY)]} { set library $env(RELATE_LIBRARY) }
  if {[lindex $argv 0] ne "--update"} {
    puts stderr "usage: tclsh test/docs.tcl --update FILE ..."
    exit 2
  }
  foreach path [lrange $argv 1 end] { docs::update $path $library }
}
