# odd.tcl: the same test with odd names.
#
#     matrix verb-7 {a pair is linked once} {students courses id} {
#       fresh {
#         CREATE TABLE @students@(@id@ INTEGER PRIMARY KEY);
#         ...
#       }
#       db eval {SELECT relate('@students.courses@', 1, 2)}
#     } 1
#
# is a check for each spelling: verb-7-plain, verb-7-spaces, ...  The list holds
# the words to be spelled.  Between two @ stands one of them, or several joined
# by dots:
#
#     @students@               as an identifier of SQL, in double quotes
#     @students.courses@       as a path: quoted where the path grammar asks
#     @.students@              a path of one name
#     @=students@              as it is
#     '@students.courses@'     likewise as text of SQL: single quotes are
#     '@=students@'            doubled; '@students@' is a path of one name
#     @students.{courses}_via_{link}@   a name made of spelled words
#     @spelling@               which one it is: plain, spaces, ...
#
# In `expected` each element of the list is replaced by itself.  The options of
# check are taken, and two more: `-only list` and `-except list` of spellings.
#
#     foreach_names words ?-only list? ?-except list? body
#
# evaluates the whole body, with its checks, for each spelling.

namespace eval odd {
  # Odd at the front, so that a word ends as it did: rules about -s and _id
  # find the same in every spelling but `keyword`.
  variable prefixes [dict create \
    plain    "" \
    spaces   "the  odd " \
    quotes   "a \"b\" " \
    quote    "it's " \
    dots     "main.x." \
    keyword  "" \
    letters  "\u00fcber\u0436\u4e2d_" \
    brackets "\[a\]`b`" \
    percents "%s%n%q%w" \
    comment  "1--;/*?1:a" \
    long     [string repeat "long_" 50]]

  # Reserved words, without and with a meaning of their own in many places.
  variable keywords {
    select from where group order table index values set join on create
    primary references default check unique null
  }
}

proc odd::spellings {} {
  variable prefixes
  return [dict keys $prefixes]
}

# The spelling of the word at `position` of its list.
proc odd::spell {spelling word position} {
  variable prefixes
  variable keywords
  if {$spelling eq "keyword"} {
    if {$position >= [llength $keywords]} {
      error "more words than keywords"
    }
    return [lindex $keywords $position]
  }
  return [dict get $prefixes $spelling]$word
}

proc odd::sql {name} {
  return "\"[string map {\" \"\"} $name]\""
}

proc odd::path {args} {
  set parts {}
  foreach name $args {
    if {![regexp {^[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*$} $name]} {
      set name [odd::sql $name]
    }
    lappend parts $name
  }
  return [join $parts .]
}

# A part of a placeholder: a word, or text with words in braces.
proc odd::part {part names} {
  if {[dict exists $names $part]} { return [dict get $names $part] }
  set spelled $part
  foreach {match word} [regexp -all -inline {\{(\w+)\}} $part] {
    if {![dict exists $names $word]} { error "no such word: $word" }
    set spelled [string map [list $match [dict get $names $word]] $spelled]
  }
  if {$spelled eq $part} { error "no such word: $part" }
  return $spelled
}

proc odd::placeholder {quote mode text names} {
  set parts [lmap part [split $text .] { odd::part $part $names }]
  if {$mode eq "="} {
    set value [join $parts .]
  } elseif {[llength $parts] == 1 && "$quote$mode" eq ""} {
    return [odd::sql [lindex $parts 0]]
  } else {
    set value [odd::path {*}$parts]
  }
  if {$quote ne ""} { set value '[string map {' ''} $value] }
  return $value
}

proc odd::substitute {text names} {
  set result ""
  set at 0
  foreach {whole quote mode inner} \
      [regexp -all -inline -indices {('?)@([=.]?)([A-Za-z0-9_.\{\}]+)@} $text] {
    append result [string range $text $at [lindex $whole 0]-1]
    append result [odd::placeholder [string range $text {*}$quote] \
      [string range $text {*}$mode] [string range $text {*}$inner] $names]
    set at [expr {[lindex $whole 1] + 1}]
  }
  return $result[string range $text $at end]
}

# The names of one spelling, as a dict from word to name.
proc odd::names {spelling words} {
  set names [dict create]
  set position 0
  foreach word $words {
    dict set names $word [odd::spell $spelling $word $position]
    incr position
  }
  return $names
}

proc odd::chosen {options} {
  set chosen {}
  foreach spelling [odd::spellings] {
    if {[dict exists $options -only] &&
        $spelling ni [dict get $options -only]} continue
    if {[dict exists $options -except] &&
        $spelling in [dict get $options -except]} continue
    lappend chosen $spelling
  }
  return $chosen
}

proc foreach_names {words args} {
  set body [string trim [lindex $args end] \n]
  foreach spelling [odd::chosen [lrange $args 0 end-1]] {
    set text [string map [list @spelling@ $spelling] $body]
    uplevel 1 [odd::substitute $text [odd::names $spelling $words]]
  }
}

proc matrix {name description args} {
  set expected [lindex $args end]
  lassign [lrange $args end-2 end-1] words body
  set options [lrange $args 0 end-3]
  set passed_on [dict remove $options -only -except]
  foreach spelling [odd::chosen $options] {
    set names [odd::names $spelling $words]
    set here [list @spelling@ $spelling]
    check $name-$spelling "$description, $spelling" {*}$passed_on \
      [odd::substitute [string map $here $body] $names] \
      [odd::expected [string map $here $expected] $names]
  }
}

# Replaces in each element of a list; in text that is none, as a whole.
proc odd::expected {expected names} {
  if {[string first @ $expected] < 0} { return $expected }
  if {[catch {llength $expected} length] || $length == 1} {
    return [odd::substitute $expected $names]
  }
  return \n[lmap element $expected { odd::substitute $element $names }]
}
