# sql.tcl FILE ...: no unquoted name gets into SQL.
#
# Every string literal that looks like SQL is held against three rules:
#
#     "%w"      in double quotes: an identifier
#     %Q        a value, which brings its own quotes
#     %s %z %q  only with a comment in the same statement, one for each, that
#               says why it is safe:  /* safe: a literal of this file */
#               What chooses between two literals says so itself:
#               i ? ", " : ""
#
# Text looks like SQL if it has a word of SQL in capitals or a quoted "%w", or
# if it is appended to something called sql or script.  Messages do not count:
# what goes to a failure_ function is read by people.

# `SELECT`, but not `NOT NULL`, which messages speak of too.
set words {
  SELECT|INSERT INTO|INSERT OR|UPDATE|DELETE|CREATE|DROP|ALTER TABLE|FROM
  |WHERE|JOIN|PRAGMA|VALUES|SAVEPOINT|RELEASE|ROLLBACK|REFERENCES|ORDER BY
  |GROUP BY|COLLATE|ON CONFLICT|TRIGGER|BEGIN|UNION|RETURNING|EXISTS|SET|AND
}
regsub -all {\s*\n\s*} [string trim $words] "" words

# The file as statements {line text}, up to each ; { or } outside of literals
# and comments.
proc statements {text} {
  set statements {}
  set begin 0
  set token {"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[;\{\}]|}
  append token {/\*[^*]*\*+(?:[^/*][^*]*\*+)*/}
  set line 1
  foreach range [regexp -all -inline -indices -- $token $text] {
    lassign $range first last
    if {[string index $text $first] in {; \{ \}}} {
      # A comment behind the end of a statement belongs to it.
      regexp -indices -start [expr {$last + 1}] {\A[ ]*/\*[^\n]*?\*/} $text rest
      if {[info exists rest]} {
        set last [lindex $rest 1]
        unset rest
      }
      if {$last < $begin} continue
      lappend statements $line [string range $text $begin $last]
      incr line [regexp -all \n [string range $text $begin $last]]
      set begin [expr {$last + 1}]
    }
  }
  return $statements
}

# The literals of a statement, neighbours joined.
proc literals {statement} {
  regsub -all {/\*.*?\*/} $statement "" bare
  regsub -all {PRI\w+} $bare "" bare
  set literals {}
  foreach run [regexp -all -inline -- \
      {"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*} $bare] {
    regsub -all {"\s*"} [string range $run 1 end-1] "" run
    lappend literals $run
  }
  return $literals
}

proc looks_like_sql {literal statement} {
  global words
  if {[regexp "(^|\[^A-Za-z_\])($words)(\[^A-Za-z_\]|\$)" $literal]} { return 1 }
  if {[string first %w $literal] >= 0} { return 1 }
  return [regexp {\(\s*(&?\w+->)?(sql|script)\s*,} $statement]
}

# How many conversions of a statement have a reason.
proc reasons {statement} {
  set comments [regexp -all {/\*\s*safe:\s*[^\s*]} $statement]
  set choices [regexp -all {\?\s*"[^"%]*"\s*:\s*"[^"%]*"} $statement]
  return [expr {$comments + $choices}]
}

# What is wrong with a statement, or "".
proc verdict {statement} {
  if {[regexp {\mfailure_(set|prefix|append)\s*\(} $statement]} { return "" }
  set bare {}
  foreach literal [literals $statement] {
    if {![looks_like_sql $literal $statement]} continue
    # Whatever is inside quotes that hold a %w is well.
    regsub -all {\\"[^"\\%]*%w[^"\\%]*\\"} $literal "" rest
    if {[string first %w $rest] >= 0} {
      return "%w outside of double quotes"
    }
    lappend bare {*}[regexp -all -inline {%[-+0-9.*]*[sqz]} $rest]
  }
  if {[llength $bare] > [reasons $statement]} {
    return "[join $bare { and }] without /* safe: why */"
  }
  return ""
}

foreach path $argv {
  set channel [open $path]
  set text [read $channel]
  close $channel
  foreach {line statement} [statements $text] {
    set fault [verdict $statement]
    if {$fault ne ""} {
      regexp {\A\s*} $statement blank
      incr line [regexp -all \n $blank]
      lappend wrong "$path:$line: $fault"
    }
  }
}

if {[info exists wrong]} {
  puts [join $wrong \n]
  exit 1
}
