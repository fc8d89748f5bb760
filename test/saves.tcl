# saves.tcl: random databases, and documents that are read from them and saved.
#
#     saves::start 7        every number after this is random
#     saves::world          a database on `db`, and the same on `twin`
#     saves::round          all properties of it; "" or what is wrong
#     saves::report $wrong  a script that shows it
#
# What a document must do to a database is told by another database: documents are
# read from `twin`, by related_json(), and saved to `db`, by relate_save().  Where
# they tell everything, both databases must be the same afterwards; where they
# tell some of it, the same documents must be read from both.
#
# A table is a dict:
#
#     name
#     columns   name -> kind, see saves::literal
#     key       columns of its PRIMARY KEY
#     refer     columns to which foreign keys refer
#     foreign   list of {columns parent null unique}
#     json      columns that hold JSON
#     fixed     columns that can't be set
#     rows      list of dicts from column to SQL literal
#
# and a relationship:
#
#     name source target kind many inverse payload through
#     own       its name, with the table
#     foreign   the foreign key that its source holds, or {}
#
# A document is bytes in UTF-8, and as a tree {o {name tree ...}}, {a {tree ...}}
# or {s literal}, with names and literals as they are written.

namespace eval saves {
  variable state 1
  variable tables      ;# name -> table
  variable leads       ;# name of a table -> list of relationships
  variable circles     ;# rows may refer to each other in a circle
  variable spelling    ;# of names, see odd.tcl
  variable words       ;# how many names there are
  variable fresh       ;# number of the last value that is used once
  variable script      ;# SQL that made the world
  variable trail       ;# what has been saved since
  variable plainly 0    ;# shapes say each link in one way only
  variable trying 0     ;# there is a transaction
  variable counts [dict create]
}

# ---- chance ----

proc saves::start {seed} {
  variable state [expr {($seed * 2654435761 + 12345) & 0xffffffff}]
  below 7
}

proc saves::below {limit} {
  variable state
  set state [expr {($state * 6364136223846793005 + 1442695040888963407)
    & 0xffffffffffffffff}]
  return [expr {($state >> 33) % $limit}]
}

proc saves::chance {percent} { expr {[below 100] < $percent} }

proc saves::pick {list} {
  if {![llength $list]} return
  return [lindex $list [below [llength $list]]]
}

proc saves::shuffle {list} {
  for {set i [llength $list]} {$i > 1} {} {
    set j [below $i]
    incr i -1
    set kept [lindex $list $i]
    lset list $i [lindex $list $j]
    lset list $j $kept
  }
  return $list
}

proc saves::tally {what} {
  variable counts
  dict incr counts $what
}

# ---- values ----

# Texts, as bytes of UTF-8 in hexadecimal digits.
set saves::texts {
  "" 61 4142 6974277320 2271227122 5c 615c6e0a0d09 00 780079 0000 01021f 7f
  c3a9 e4b8ad f09f9880 ee8080 5c7530303030 5b315d 7b2261223a317d 6e756c6c 37
  2d30 312e30 7b22686578223a223030227d ee8081ee808000 efbfbf c280 e280a8 2027
}

# JSON as it is stored; some of it in other words than it would be written.
set saves::jsons {
  '[]' '{}' '[1,2]' '{"a":1}' '[1.5,"x",null,true]' '{"a":{"b":[{}]}}'
  '{ "a" : [ 1, 2 ] }' '["a\\u0000b"]' '{"\\u0000":"\\u0000"}' '["\\\\u0000"]'
  '["\\ue000\\u0000"]' '{"x":"\\"","y":[[],{}]}' '[12345678901234567890,0.1]'
}

set saves::integers {
  0 1 -1 7 42 -1000000 4294967296 9007199254740993 9223372036854775807
  -9223372036854775808
}

set saves::reals {
  0.1 -2.5 3.0 1e100 1.7976931348623157e308 2.2250738585072014e-308 5e-324
  9e999 -9e999 0.30000000000000004 123456789.12345679 1e22 1e23
  9007199254740993.0 -1e-7
}

set saves::blobs {x'' x'00' x'ff00' x'7b7d' x'deadbeef00'}

proc saves::text_literal {digits} {
  if {$digits eq ""} { return '' }
  return "CAST(x'$digits' AS TEXT)"
}

proc saves::real_literal {} {
  variable reals
  if {[chance 50]} { return [pick $reals] }
  set exponent [expr {[below 4] ? [below 40] - 20 : [below 600] - 300}]
  return "[pick {- {}}][below 10].[below 1000000000][below 100000000]e$exponent"
}

proc saves::literal {kind} {
  variable texts
  variable jsons
  variable integers
  variable blobs
  switch $kind {
    integer { return [expr {[chance 50] ? [pick $integers] : [below 100]}] }
    real { return [real_literal] }
    text { return [text_literal [pick $texts]] }
    blob { return [pick $blobs] }
    json { return [pick $jsons] }
    null { return NULL }
    any { return [literal [pick {integer real text blob null}]] }
  }
}

# A value that no other row has.
proc saves::unused {kind} {
  variable fresh
  variable texts
  incr fresh
  switch $kind {
    integer { return $fresh }
    real { return $fresh.25 }
    text { return [text_literal [pick $texts][binary encode hex -$fresh]] }
    word { return [text_literal [binary encode hex [pick {a B 9 ' \"}]-$fresh]] }
    nocase { return '[pick {key Key KEY}]$fresh' }
    blob { return x'00[format %04x $fresh]' }
    any { return [unused [pick {integer text blob}]] }
  }
}

# The same key, in another letter case perhaps.
proc saves::respelled {kind literal} {
  if {$kind ne "nocase" || [chance 50]} { return $literal }
  return [pick [list [string tolower $literal] [string toupper $literal]]]
}

# ---- names ----

proc saves::named {word} {
  variable spelling
  return [odd::spell $spelling $word 0]
}

proc saves::quoted {names} {
  return [join [lmap name $names { odd::sql $name }] ", "]
}

proc saves::bytes {text} { encoding convertto utf-8 $text }

# ---- schemas ----

set saves::types [dict create integer INTEGER real REAL text TEXT word TEXT \
  nocase {TEXT COLLATE NOCASE} blob BLOB any "" json TEXT]

proc saves::type {kind strict} {
  variable types
  if {$strict && $kind eq "any"} { return ANY }
  if {!$strict && $kind eq "json"} { return [pick {TEXT JSON {}}] }
  if {!$strict && $kind eq "integer"} { return [pick {INTEGER INT NUMERIC}] }
  return [dict get $types $kind]
}

proc saves::add_column {tableName name kind sql {constraint ""}} {
  upvar 1 $tableName table
  dict set table columns $name $kind
  dict lappend table sql "[odd::sql $name] $sql $constraint"
  return $name
}

# A foreign key of the table to `parent`; the names of its columns.  Where it is
# no part of a key, its columns may have another collation than those it refers to.
proc saves::add_foreign {tableName parent tag null unique} {
  upvar 1 $tableName table
  variable tables
  set other [expr {$parent eq [dict get $table name] ? $table :
    [dict get $tables $parent]}]
  set loose [expr {!$unique && $null}]
  set columns {}
  foreach column [dict get $other refer] {
    set kind [dict get $other columns $column]
    set type [dict get [dict merge $saves::types {any {}}] $kind]
    if {$type eq "" && [dict get $table strict]} { set type ANY }
    if {$kind eq "nocase" && $loose && [chance 50]} { set type TEXT }
    lappend columns [add_column table [named ${tag}_[llength $columns]] $kind \
      $type [expr {$null ? "" : "NOT NULL"}]]
  }
  dict lappend table foreign [list $columns $parent $null $unique]
  set sql "FOREIGN KEY ([quoted $columns]) REFERENCES [odd::sql $parent]"
  append sql "([quoted [dict get $other refer]])"
  append sql " " [pick {{} {} {ON DELETE CASCADE} {ON UPDATE CASCADE}}]
  append sql " " [pick {{} {} {} {DEFERRABLE INITIALLY DEFERRED}}]
  dict lappend table constraints $sql
  if {$unique} { dict lappend table constraints "UNIQUE ([quoted $columns])" }
  return $columns
}

proc saves::set_key {tableName columns} {
  upvar 1 $tableName table
  dict set table key $columns
  dict set table refer $columns
  dict lappend table constraints "PRIMARY KEY ([quoted $columns])"
}

# Its columns up to the key.
proc saves::add_key {tableName} {
  upvar 1 $tableName table
  variable tables
  set earlier [dict keys $tables]
  set style [pick {
    rowid rowid rowid single single composite unique weak shared
  }]
  set owners [lmap name $earlier {
    if {[tells_apart [dict get $tables $name] refer]} { set name } else continue
  }]
  if {$style in {weak shared} && ![llength $owners]} { set style rowid }
  set id [named id]
  switch $style {
    rowid - unique {
      add_column table $id integer "INTEGER PRIMARY KEY"
      dict set table key $id
      dict set table refer [list $id]
      dict set table key [list $id]
      dict set table auto 1
      if {$style eq "rowid"} return
      set kind [pick {text nocase blob integer}]
      set code [add_column table [named code] $kind [dict get $saves::types \
        $kind] "NOT NULL UNIQUE"]
      dict set table once $code $kind
      dict set table refer [list $code]
      return
    }
    single {
      set kind [pick {integer text nocase blob any word}]
      set type [type $kind [dict get $table strict]]
      if {$kind eq "integer" && $type eq "INTEGER"} { set type INT }
      add_column table $id $kind $type "NOT NULL"
      set_key table [list $id]
    }
    composite {
      set columns [lmap name {k1 k2} kind [list integer [pick {
        integer word nocase
      }]] {
        add_column table [named $name] $kind [dict get $saves::types $kind] \
          "NOT NULL"
      }]
      set_key table $columns
    }
    weak {
      set columns [add_foreign table [pick $owners] own 0 0]
      lappend columns [add_column table [named nr] integer INTEGER "NOT NULL"]
      set_key table $columns
    }
    shared { set_key table [add_foreign table [pick $owners] own 0 0] }
  }
  if {[chance 30]} { dict set table without 1 }
}

# Columns that are no keys.
proc saves::add_data {tableName count tag} {
  upvar 1 $tableName table
  for {set i 1} {$i <= $count} {incr i} {
    set kind [pick {integer real text text blob any json}]
    set name [named $tag$i]
    set type [type $kind [dict get $table strict]]
    set more [pick {{} {} {} {NOT NULL} {DEFAULT 7} UNIQUE}]
    if {$kind in {any json} && $more ne "NOT NULL"} { set more "" }
    if {$more eq "DEFAULT 7" && $kind in {json blob}} { set more "" }
    add_column table $name $kind $type $more
    dict set table null $name [expr {$more ne "NOT NULL"}]
    if {$more eq "UNIQUE"} { dict set table once $name $kind }
    if {$kind eq "json"} {
      dict lappend table json $name
      lappend saves::opaque \"[bytes [string map {\\ \\\\ \" \\\"} $name]]\"
    }
    # In SQLite 3.37 a STRICT table that has one takes no 3.0 for a REAL.
    if {$kind eq "integer" && [chance 15] &&
        (![dict get $table strict] || [since 3.38])} {
      set fixed [named ${tag}${i}g]
      dict lappend table sql \
        "[odd::sql $fixed] INTEGER AS ([odd::sql $name] IS NULL) [pick {
          {} STORED}]"
      dict lappend table fixed $fixed
    }
  }
}

proc saves::table_new {name} {
  set strict [chance 15]
  return [dict create name $name columns {} key {} refer {} foreign {} json {} \
    fixed {} rows {} sql {} constraints {} strict $strict without 0 auto 0 \
    once {} null {}]
}

proc saves::add_table {table} {
  variable tables
  variable script
  set name [dict get $table name]
  set options {}
  if {[dict get $table without]} { lappend options "WITHOUT ROWID" }
  if {[dict get $table strict]} { lappend options STRICT }
  lappend script "CREATE TABLE [odd::sql $name](\n  [join [list \
    {*}[dict get $table sql] {*}[dict get $table constraints]] ",\n  "])\
    [join $options ", "]"
  dict set tables $name $table
}

proc saves::entity {name} {
  variable tables
  set table [table_new $name]
  add_key table
  set parents [dict keys $tables]
  for {set i [below 3]} {$i > 0} {incr i -1} {
    set self [expr {![llength $parents] || [chance 30]}]
    set null [expr {$self || [chance 60]}]
    add_foreign table [expr {$self ? $name : [pick $parents]}] f$i $null \
      [chance 25]
  }
  add_data table [below 4] d
  add_table $table
}

proc saves::association {name} {
  variable tables
  set table [table_new $name]
  set ends [lmap end [dict keys $tables] {
    if {[is_association $end]} continue
    set end
  }]
  set surrogate [chance 30]
  if {$surrogate} {
    add_column table [named id] integer "INTEGER PRIMARY KEY"
    dict set table key [list [named id]]
    dict set table refer [list [named id]]
    dict set table auto 1
  }
  set pair [list {*}[add_foreign table [pick $ends] a 0 0] \
    {*}[add_foreign table [pick $ends] b 0 0]]
  if {$surrogate} {
    dict lappend table constraints "UNIQUE ([quoted $pair])"
  } else {
    set_key table $pair
    dict set table without [chance 40]
  }
  add_data table [below 3] $name
  add_table $table
}

# True if related_json() can be given these columns as a key, a JSON array.
proc saves::tells_apart {table columns} {
  foreach column [dict get $table $columns] {
    if {[dict get $table columns $column] ni {integer word nocase}} { return 0 }
  }
  return 1
}

proc saves::is_association {name} { string match {*[xy]} $name }

# The tables whose rows can be read as documents.
proc saves::readable {} {
  variable tables
  set names {}
  dict for {name table} $tables {
    if {[llength [dict get $table key]] == 1 || [tells_apart $table key]} {
      lappend names $name
    }
  }
  return $names
}

# ---- rows ----

# The literals of a foreign key that refers to the row, or NULL.
proc saves::reference {foreign row} {
  variable tables
  lassign $foreign columns parent null unique
  set other [dict get $tables $parent]
  set literals {}
  foreach column $columns key [dict get $other refer] {
    dict set literals $column [expr {$row eq "" ? "NULL" : [respelled \
      [dict get $other columns $key] [dict get $row $key]]}]
  }
  return $literals
}

# Literals for a new row; {} if it can't be.
proc saves::row_new {name} {
  variable tables
  set table [dict get $tables $name]
  set row {}
  foreach foreign [dict get $table foreign] {
    lassign $foreign columns parent null unique
    set rows [dict get $tables $parent rows]
    set none [expr {![llength $rows] || [chance 20]}]
    if {$none && !$null} { return {} }
    set row [dict merge $row [reference $foreign \
      [expr {$none ? "" : [pick $rows]}]]]
  }
  dict for {column kind} [dict get $table columns] {
    if {[dict exists $row $column]} continue
    if {$column in [dict get $table key] || [dict exists $table once $column]} {
      dict set row $column [unused [expr {$kind eq "json" ? "text" : $kind}]]
    } else {
      dict set row $column [literal_of $table $column]
    }
  }
  return $row
}

proc saves::literal_of {table column} {
  set kind [dict get $table columns $column]
  if {[dict get $table null $column] && [chance 15]} { return NULL }
  set literal [literal $kind]
  if {$literal eq "NULL" && ![dict get $table null $column]} { return 0 }
  return $literal
}

proc saves::insert_sql {name row} {
  return "INSERT INTO [odd::sql $name]([quoted [dict keys $row]]) VALUES\
    ([join [dict values $row] ", "])"
}

# The row, known by its key.
proc saves::where {table row} {
  return [join [lmap column [dict get $table key] {
    set _ "[odd::sql $column] IS [dict get $row $column]"
  }] " AND "]
}

proc saves::add_row {name} {
  variable tables
  variable script
  set row [row_new $name]
  if {$row eq ""} return
  set sql [insert_sql $name $row]
  if {[catch {db eval $sql}]} return
  lappend script $sql
  dict with tables $name { lappend rows $row }
}

# Lets a foreign key lead anywhere, so that there are circles.
proc saves::bend {} {
  variable tables
  variable script
  set name [pick [dict keys $tables]]
  set table [dict get $tables $name]
  set foreign [pick [dict get $table foreign]]
  if {$foreign eq "" || ![llength [dict get $table rows]]} return
  lassign $foreign columns parent null unique
  if {!$null || ![llength [dict get $tables $parent rows]]} return
  set literals [reference $foreign [pick [dict get $tables $parent rows]]]
  set sql "UPDATE [odd::sql $name] SET [join [lmap {column literal} $literals {
    set _ "[odd::sql $column] = $literal"
  }] ", "] WHERE [where $table [pick [dict get $table rows]]]"
  if {![catch {db eval $sql}]} { lappend script $sql }
}

# ---- relationships ----

proc saves::last_name {table path} {
  set name [string range $path [string length [odd::path $table]]+1 end]
  if {[string index $name 0] ne "\""} { return $name }
  return [string map {\"\" \"} [string range $name 1 end-1]]
}

proc saves::find_relationships {} {
  variable leads {}
  variable tables
  db eval {SELECT * FROM relationship_list WHERE problem IS NULL} r {
    set through $r(through)
    set lead [dict create name [last_name $r(source) $r(exact_name)] \
      source $r(source) target $r(target) \
      many [expr {[string match *-to-many $r(cardinality)]}] \
      inverse $r(inverse) own $r(name) payload {} through $through \
      kind $r(cardinality) foreign {}]
    foreach foreign [dict get $tables $r(source) foreign] {
      lassign $foreign columns parent
      if {[dict get $lead name] eq "[join $columns _]_$parent"} {
        dict set lead foreign $foreign
      }
    }
    if {$r(cardinality) eq "many-to-many"} {
      set pairs {}
      foreach foreign [dict get $tables $through foreign] {
        lappend pairs {*}[lindex $foreign 0]
      }
      dict set lead payload [lmap column \
          [dict keys [dict get $tables $through columns]] {
        if {$column in $pairs} continue
        if {$column in [dict get $tables $through key]} continue
        if {[dict exists $tables $r(target) columns $column]} continue
        set column
      }]
      dict set lead json [dict get $tables $through json]
    }
    dict lappend leads $r(source) $lead
  }
}

# ---- a world ----

proc saves::world {} {
  variable tables {}
  variable script {}
  variable trail {}
  variable opaque {}
  variable fresh 10
  variable circles [chance 50]
  variable spelling plain
  if {[chance 25]} {
    set spelling [pick {
      spaces quotes quote dots letters brackets percents comment
    }]
  }
  set count [expr {[below 3] + 1}]
  foreach word [lrange {p q r} 0 $count-1] { entity [named $word] }
  foreach word [lrange {x y} 0 [below 3]-1] { association [named $word] }
  fresh [join $script ";\n"]
  foreach name [dict keys $tables] {
    for {set i [below 5]} {$i > 0} {incr i -1} { add_row $name }
  }
  if {$circles} {
    for {set i 0} {$i < 6} {incr i} { bend }
  }
  find_relationships
  make_twin 1
}

# `twin`, with the same rows or none.
proc saves::make_twin {filled} {
  variable script
  set path [file join $relate::folder twin.db]
  relate::close twin
  relate::delete $path
  another twin $path
  foreach sql $script {
    if {$filled || [string match CREATE* $sql]} { twin eval $sql }
  }
}

# ---- contents ----

proc saves::typed {column fold} {
  set name [odd::sql $column]
  if {$fold} { set name "lower($name)" }
  return "CASE typeof($name) WHEN 'text' THEN '''' || hex($name)\
    WHEN 'blob' THEN 'x' || hex($name) WHEN 'null' THEN 'NULL' ELSE $name END,\
    typeof($name)"
}

# Everything that is stored: a dict from table to its rows, sorted.  With `fold`
# keys that compare as the same are the same.
proc saves::dump {database {fold 0}} {
  variable tables
  set dump {}
  dict for {name table} $tables {
    set columns [lmap column [dict keys [dict get $table columns]] {
      typed $column [expr {$fold &&
        [dict get $table columns $column] eq "nocase"}]
    }]
    set rows {}
    $database eval "SELECT [join $columns ,] FROM [odd::sql $name]" row {
      set values {}
      foreach {value type} [lmap field $row(*) { set row($field) }] {
        lappend values $value
      }
      lappend rows $values
    }
    dict set dump $name [lsort $rows]
  }
  return $dump
}

proc saves::differences {before after} {
  set differences {}
  dict for {name rows} $before {
    foreach row $rows {
      if {$row ni [dict get $after $name]} { lappend differences "-$name $row" }
    }
    foreach row [dict get $after $name] {
      if {$row ni $rows} { lappend differences "+$name $row" }
    }
  }
  return [join $differences \n]
}

proc saves::unsound {database} {
  set report [$database eval {PRAGMA foreign_key_check}]
  if {$report ne ""} { return "foreign_key_check: $report" }
  set report [$database eval {PRAGMA integrity_check}]
  if {$report ne "ok"} { return "integrity_check: $report" }
}

# ---- trees ----

proc saves::parse {json} {
  set tokens [regexp -all -inline \
    {"(?:[^"\\]|\\.)*"|[][{},:]|[^][{},:\s"]+} $json]
  set at 0
  return [parse_value]
}

proc saves::parse_value {} {
  upvar 1 tokens tokens at at
  set token [lindex $tokens $at]
  incr at
  if {$token ne "\{" && $token ne "\["} { return [list s $token] }
  set members {}
  while {[lindex $tokens $at] ne "\}" && [lindex $tokens $at] ne "\]"} {
    if {[lindex $tokens $at] eq ","} { incr at }
    if {$token eq "\{"} {
      lappend members [lindex $tokens $at]
      incr at 2
    }
    lappend members [parse_value]
  }
  incr at
  return [list [expr {$token eq "\{" ? "o" : "a"}] $members]
}

proc saves::write {tree} {
  lassign $tree kind body
  switch $kind {
    s { return $body }
    a { return "\[[join [lmap member $body { write $member }] ,]\]" }
    o {
      return "{[join [lmap {name member} $body {
        set _ "$name:[write $member]"
      }] ,]}"
    }
  }
}

# The same for documents that say the same.
proc saves::normal {tree} {
  lassign $tree kind body
  switch $kind {
    s { return $body }
    a { return "\[[join [lsort [lmap member $body { normal $member }]] ,]\]" }
    o {
      return "{[join [lsort [lmap {name member} $body {
        set _ "$name:[normal $member]"
      }]] ,]}"
    }
  }
}

# Members in any order; rows of an array, too; but nothing in a column of JSON.
proc saves::jumbled {tree} {
  variable opaque
  lassign $tree kind body
  switch $kind {
    s { return $tree }
    a { return [list a [shuffle [lmap member $body { jumbled $member }]]] }
    o {
      set names [shuffle [dict keys $body]]
      set members {}
      foreach name $names {
        set member [dict get $body $name]
        if {$name ni $opaque} { set member [jumbled $member] }
        lappend members $name $member
      }
      return [list o $members]
    }
  }
}

# Everything that `part` says, `tree` says, too.
proc saves::contains {tree part} {
  lassign $tree kind body
  lassign $part part_kind part_body
  if {$kind ne $part_kind} { return 0 }
  if {$kind eq "s"} { return [expr {$body eq $part_body}] }
  if {$kind eq "o"} {
    dict for {name member} $part_body {
      if {![dict exists $body $name]} { return 0 }
      if {![contains [dict get $body $name] $member]} { return 0 }
    }
    return 1
  }
  foreach member $part_body {
    set found 0
    foreach other $body {
      if {[contains $other $member]} { set found 1; break }
    }
    if {!$found} { return 0 }
  }
  return 1
}

# ---- shapes ----

# Columns of a table, as items of a shape.
proc saves::column_items {table} {
  set items {}
  foreach column [dict get $table json] {
    lappend items "json([odd::path $column])"
  }
  return [list {*}$items *]
}

# The key, and perhaps some other columns.
proc saves::some_items {table percent} {
  set items [lmap column [dict get $table key] { odd::path $column }]
  dict for {column kind} [dict get $table columns] {
    if {$column in [dict get $table key] || ![chance $percent]} continue
    if {$column in [dict get $table json]} {
      lappend items "json([odd::path $column])"
    } else {
      lappend items [odd::path $column]
    }
  }
  return $items
}

proc saves::payload_items {lead} {
  return [lmap column [dict get $lead payload] {
    expr {$column in [dict get $lead json] ? "json([odd::path $column])" :
      [odd::path $column]}
  }]
}

# What follows relationships to that depth; those of the kinds `repeats` to the end.
proc saves::shape {name depth {lead ""} {repeats {}}} {
  variable plainly
  variable tables
  variable leads
  set table [dict get $tables $name]
  set items [expr {[chance 60] ? [column_items $table] :
    [some_items $table 50]}]
  if {$plainly} { set items [own_items $table] }
  if {$lead ne ""} { lappend items {*}[payload_items $lead] }
  if {$depth > 0 && [dict exists $leads $name]} {
    foreach other [dict get $leads $name] {
      if {![chance 45] || ($plainly && [dict get $other kind] eq "one-to-many" &&
          [is_association [dict get $other target]])} continue
      lappend items [shape_item $other $depth $repeats]
    }
  }
  return [join $items ", "]
}

proc saves::shape_item {lead depth repeats} {
  set path [odd::path [dict get $lead name]]
  set target [dict get $lead target]
  if {[dict get $lead kind] in $repeats && $target eq [dict get $lead source]
      && [chance 60]} {
    return "$path*([shape $target 0 $lead])"
  }
  return "$path\([shape $target [expr {$depth - 1}] $lead $repeats])"
}

# Everything about a row: its columns, and the links from it.  Rows that it is
# linked to are told by keys, or by a shape; with `links`, those of association
# tables too.
proc saves::whole_shape {name links} {
  variable tables
  variable leads
  set table [dict get $tables $name]
  set items [column_items $table]
  if {[chance 50]} { set items [own_items $table] }
  if {[dict exists $leads $name]} {
    foreach lead [dict get $leads $name] {
      if {[dict get $lead kind] eq "one-to-many" && ([chance 60] ||
          [dict get $lead target] ni [readable] ||
          (!$links && [is_association [dict get $lead target]]))} continue
      lappend items [whole_item $lead]
    }
  }
  return [join $items ", "]
}

# All columns but the foreign keys, as far as they are not part of the key.
proc saves::own_items {table} {
  set foreign {}
  foreach key [dict get $table foreign] { lappend foreign {*}[lindex $key 0] }
  set items {}
  foreach column [dict keys [dict get $table columns]] {
    if {$column in $foreign && $column ni [dict get $table key]} continue
    if {$column in [dict get $table json]} {
      lappend items "json([odd::path $column])"
    } else {
      lappend items [odd::path $column]
    }
  }
  return $items
}

proc saves::whole_item {lead} {
  variable tables
  set table [dict get $tables [dict get $lead target]]
  if {[chance 70]} {
    set items [lmap column [dict get $table [pick {key refer}]] {
      odd::path $column
    }]
  } else {
    set items [column_items $table]
  }
  lappend items {*}[payload_items $lead]
  return "[odd::path [dict get $lead name]]([join $items ", "])"
}

# ---- reading and saving ----

proc saves::key_sql {table} {
  set columns [dict get $table key]
  if {[llength $columns] == 1} { return [odd::sql [lindex $columns 0]] }
  return "json_array([quoted $columns])"
}

# The documents of those rows of a table.
proc saves::read {database name shape {limit -1} {offset 0}} {
  variable tables
  set path [odd::path $name]
  return [$database eval "SELECT CAST(related_json(\$path,\
    [key_sql [dict get $tables $name]], \$shape) AS BLOB) FROM\
    [odd::sql $name] ORDER BY [quoted [dict get $tables $name key]]\
    LIMIT $limit OFFSET $offset"]
}

# Saves documents, {table json ...}, in one call: what it returns, and how many
# changes SQLite has counted.
proc saves::save {documents mode {logged 0}} {
  variable trail
  lappend trail [list $mode $documents]
  db eval {
    CREATE TEMP TABLE IF NOT EXISTS documents(name, json);
    DELETE FROM temp.documents;
  }
  foreach {name json} $documents {
    set json [binary format a* $json]
    set path [odd::path $name]
    db eval {INSERT INTO temp.documents VALUES ($path, CAST(@json AS TEXT))}
  }
  set before [db total_changes]
  variable log {}
  if {$logged || ([llength $documents] == 2 && [chance 50])} {
    variable log [rows {
      SELECT r.*, iif(typeof(r.key) = 'text',
        'CAST(x''' || hex(r.key) || ''' AS TEXT)', quote(r.key)) AS literal
      FROM temp.documents AS d,
        relate_save(d.name, d.json, 'mode', $mode) AS r
    }]
    set count [llength $log]
  } else {
    set count [db eval {
      SELECT relate_save(name, json, 'mode', $mode)
      FROM (SELECT name, json FROM temp.documents ORDER BY rowid)
    }]
  }
  return [list $count [expr {[db total_changes] - $before}]]
}

# Runs the script and takes back what it has done.
proc saves::on_trial {script} {
  variable trying 1
  db eval {SAVEPOINT trial}
  set code [catch {uplevel 1 $script} result options]
  set trying 0
  db eval {ROLLBACK TO trial; RELEASE trial}
  return -options $options $result
}

# ---- 1: what is read and saved is the same ----

proc saves::property_same {} {
  variable circles
  set name [pick [readable]]
  set mode [pick {merge replace}]
  # A row is not written again inside itself, so a link that leads back is missing.
  set repeats {}
  if {!$circles} { set repeats one-to-many }
  if {$mode eq "merge"} { set repeats {one-to-many many-to-many} }
  set shape [shape $name [below 4] "" $repeats]
  set documents {}
  foreach json [read db $name $shape] { lappend documents $name $json }
  if {[chance 30]} { set documents [lrange $documents 0 1] }
  set before [dump db]
  lassign [save $documents $mode] count changes
  tally same
  set wrong [differences $before [dump db]]
  if {$wrong ne "" || $count || $changes} {
    return "$mode $name $shape: $count done, $changes changes $wrong"
  }
}

# ---- 2: what is saved into an empty database ----

proc saves::whole_documents {database {links 1}} {
  set documents {}
  foreach name [readable] {
    set rows {}
    foreach json [read $database $name [whole_shape $name $links]] {
      lappend rows [parse $json]
    }
    if {![llength $rows]} continue
    if {[chance 40]} {
      lappend documents [list $name [list a $rows]]
    } else {
      foreach row $rows { lappend documents [list $name $row] }
    }
  }
  if {[chance 70]} { set documents [shuffle $documents] }
  set jumbles [chance 50]
  set list {}
  foreach document $documents {
    lassign $document name tree
    if {$jumbles} { set tree [jumbled $tree] }
    lappend list $name [write $tree]
  }
  return $list
}

proc saves::empty_db {} {
  variable script
  set path [file join $relate::folder empty.db]
  relate::close db
  relate::delete $path
  another db $path
  foreach sql [lsearch -all -inline $script CREATE*] { db eval $sql }
}

proc saves::property_copied {} {
  set documents [whole_documents twin]
  empty_db
  set mode [pick {merge replace}]
  lassign [save $documents $mode] count changes
  tally copied
  set wrong [differences [dump twin 1] [dump db 1]]
  if {$wrong ne ""} { return "$mode, copied: $wrong" }
  lassign [save $documents $mode] count changes
  if {$count || $changes} {
    return "$mode, copied again: $count done, $changes changes [differences \
      [dump twin 1] [dump db 1]]"
  }
  return [unsound db]
}

# ---- 3: what is edited ----

# A random change of `twin` that SQLite accepts.
proc saves::edit {deletes} {
  variable tables
  set name [pick [dict keys $tables]]
  set table [dict get $tables $name]
  set row [pick [dict get $table rows]]
  set kind [pick {column column column foreign foreign row row delete}]
  if {$kind eq "row"} {
    set row [row_new $name]
    if {$row ne "" && ![catch {twin eval [insert_sql $name $row]}]} {
      dict with tables $name { lappend rows $row }
    }
    return
  }
  if {$row eq ""} return
  if {$kind eq "delete"} {
    if {$deletes || [is_association $name]} {
      catch {twin eval "DELETE FROM [odd::sql $name] WHERE [where $table $row]"}
    }
    return
  }
  set changes [expr {$kind eq "foreign" ? [foreign_change $table] :
    [column_change $table]}]
  if {![llength $changes]} return
  catch {twin eval "UPDATE [odd::sql $name] SET [join [lmap {column literal} \
    $changes { set _ "[odd::sql $column] = $literal" }] ", "] WHERE [where \
    $table $row]"}
}

proc saves::column_change {table} {
  set columns [dict keys [dict get $table null]]
  if {![llength $columns]} return
  set column [pick $columns]
  if {[dict exists $table once $column]} {
    return [list $column [unused [dict get $table columns $column]]]
  }
  return [list $column [literal_of $table $column]]
}

proc saves::foreign_change {table} {
  variable tables
  set foreign [pick [dict get $table foreign]]
  if {$foreign eq ""} return
  lassign $foreign columns parent null unique
  foreach column $columns {
    if {$column in [dict get $table key]} return
  }
  set rows [dict get $tables $parent rows]
  if {$null && [chance 30]} { return [reference $foreign ""] }
  if {[llength $rows]} { return [reference $foreign [pick $rows]] }
}

proc saves::edits {deletes} {
  for {set i [expr {[below 6] + 1}]} {$i > 0} {incr i -1} { edit $deletes }
}

# What is so already is not done again.
proc saves::saved_again {documents mode} {
  variable log
  set before [dump db]
  set first $log
  if {[catch {save $documents $mode} done]} { return "again: error: $done" }
  if {$done ne {0 0}} {
    set wrong "$mode, again: $done done [differences $before [dump db]]"
    if {![llength $log]} { set log $first }
    return $wrong
  }
}

# Saves, and sees to it that a failure leaves nothing; true if it has not failed.
proc saves::saved {documents mode wrongName {again 1}} {
  upvar 1 $wrongName wrong
  set before [dump db]
  set wrong ""
  if {![catch {save $documents $mode} message]} {
    variable trying
    if {!$trying} { set wrong [unsound db] } ;# a deferred key may be owed
    if {$again && $wrong eq ""} { set wrong [saved_again $documents $mode] }
    return 1
  }
  set left [differences $before [dump db]]
  tally "failed"
  if {[info exists ::env(SAVES_FAILURES)]} { puts "  failed: $message" }
  if {$left ne ""} { set wrong "$message, and yet: $left" }
  return 0
}

proc saves::property_synchronized {} {
  edits 0
  set documents [whole_documents twin 0]
  if {![saved $documents replace wrong]} { return $wrong }
  tally synchronized
  if {$wrong ne ""} { return $wrong }
  set wrong [differences [dump twin 1] [dump db 1]]
  if {$wrong ne ""} { return "synchronized: $wrong" }
}

# A shape, and documents.
proc saves::some_documents {{database twin}} {
  variable plainly
  set name [pick [readable]]
  while {$plainly && [is_association $name]} { set name [pick [readable]] }
  set shape [shape $name [expr {[below 3] + 1}]]
  set list [read $database $name $shape]
  if {[chance 60]} {
    set list [lrange $list 0 0]
  }
  return [list $name $shape $list]
}

# Documents to be compared.  Keys that compare as the same are the same.
proc saves::comparable {list} {
  variable tables
  foreach table [dict values $tables] {
    if {"nocase" in [dict values [dict get $table columns]]} {
      return [lmap json $list { parse [string tolower $json] }]
    }
  }
  return [lmap json $list { parse $json }]
}

proc saves::normals {list} {
  return [lsort [lmap tree [comparable $list] { normal $tree }]]
}

proc saves::property_edited {} {
  edits 1
  lassign [some_documents] name shape list
  set documents {}
  foreach json $list { lappend documents $name $json }
  if {![llength $list]} return
  return [on_trial {edited_replaced $name $shape $list $documents}][on_trial {
    edited_merged $name $shape $list $documents
  }]
}

proc saves::edited_replaced {name shape list documents} {
  if {![saved $documents replace wrong]} { return $wrong }
  tally replaced
  if {$wrong ne ""} { return $wrong }
  set now [normals [read db $name $shape]]
  foreach wanted [normals $list] {
    if {$wanted ni $now} { return "replaced, $shape: not $wanted in $now" }
  }
}

proc saves::edited_merged {name shape list documents} {
  if {![saved $documents merge wrong]} { return $wrong }
  tally merged
  if {$wrong ne ""} { return $wrong }
  set now [list a [comparable [read db $name $shape]]]
  foreach tree [comparable $list] {
    if {![contains $now [list a [list $tree]]]} {
      return "merged, $shape: not [write $tree]"
    }
  }
}

# What two databases say, mixed: it is refused, or it is not contradictory.
proc saves::property_mixed {} {
  variable plainly 1
  edits 1
  set documents {}
  foreach database {db twin db twin} {
    lassign [some_documents $database] name shape list
    foreach json [lrange $list [below 2] end] { lappend documents $name $json }
    if {[chance 40]} break
  }
  set plainly 0
  if {![llength $documents]} return
  saved $documents [pick {merge replace replace}] wrong
  tally mixed
  return $wrong
}

# ---- new rows, without keys where SQLite numbers them ----

# What is to be planted: {name columns payload items}; an item is {lead plan}.
proc saves::plan {name depth {lead ""}} {
  variable tables
  variable leads
  set table [dict get $tables $name]
  set columns [dict keys [dict get $table columns]]
  set tied {}
  foreach foreign [dict get $table foreign] { lappend tied {*}[lindex $foreign 0] }
  set columns [lmap column $columns {
    if {$column in $tied} continue
    if {[dict get $table auto] && $column in [dict get $table key]} continue
    set column
  }]
  if {![plantable $name]} { error "nothing can be said of $name" }
  set items {}
  set others [expr {[dict exists $leads $name] ? [dict get $leads $name] : {}}]
  foreach other $others {
    if {$lead ne "" && [dict get $other own] eq [dict get $lead inverse]} continue
    if {![plan_has $table $other $depth]} continue
    lappend items [list $other \
      [plan [dict get $other target] [expr {$depth - 1}] $other]]
  }
  return [list $name $columns [expr {$lead eq "" ? {} :
    [dict get $lead payload]}] $items]
}

# Something must be said of a new row beside its keys.
proc saves::plantable {name} {
  variable tables
  return [llength [dict get $tables $name null]]
}

# Whether the plan goes on along the relationship: where the row needs it, always.
proc saves::plan_has {table lead depth} {
  if {[is_association [dict get $lead target]]} { return 0 }
  set foreign [dict get $lead foreign]
  if {[llength $foreign] && ![lindex $foreign 2]} { return 1 }
  return [expr {$depth > 0 && [plantable [dict get $lead target]] && [chance 40]}]
}

proc saves::item_of {table column} {
  if {$column ni [dict get $table json]} { return [odd::path $column] }
  return "json([odd::path $column])"
}

proc saves::plan_shape {plan {lead ""}} {
  variable tables
  lassign $plan name columns payload items
  set table [dict get $tables $name]
  set list [lmap column $columns { item_of $table $column }]
  if {$lead ne ""} { lappend list {*}[payload_items $lead] }
  foreach item $items {
    lassign $item other inner
    lappend list "[odd::path [dict get $other name]]([plan_shape $inner $other])"
  }
  return [join $list ", "]
}

proc saves::name_token {name} {
  return "\"[bytes [string map {\\ \\\\ \" \\\"} $name]]\""
}

# An object of new rows; counts them.
proc saves::plant {plan countName {lead ""}} {
  variable tables
  upvar 1 $countName count
  incr count
  lassign $plan name columns payload items
  set table [dict get $tables $name]
  set members {}
  foreach column $columns {
    lappend members [name_token $column] [planted_value $table $column]
  }
  foreach column $payload {
    set through [dict get $tables [dict get $lead through]]
    lappend members [name_token $column] [planted_value $through $column]
  }
  foreach item $items {
    lassign $item other inner
    lappend members [name_token [dict get $other name]] \
      [plant_item $table $other $inner count]
  }
  return [list o [shuffle_members $members]]
}

proc saves::shuffle_members {members} {
  set shuffled {}
  foreach name [shuffle [dict keys $members]] {
    lappend shuffled $name [dict get $members $name]
  }
  return $shuffled
}

proc saves::plant_item {table lead plan countName} {
  upvar 1 $countName count
  if {![dict get $lead many]} {
    if {![plan_has $table $lead 0] && [chance 25]} { return {s null} }
    return [plant $plan count $lead]
  }
  set objects {}
  for {set i [below 4]} {$i > 0} {incr i -1} {
    lappend objects [plant $plan count $lead]
  }
  return [list a $objects]
}

proc saves::planted_value {table column} {
  set kind [dict get $table columns $column]
  if {$column in [dict get $table key] || [dict exists $table once $column]} {
    return [token [unused $kind]]
  }
  if {$kind eq "json"} {
    return [parse [pick {
      {[]} {{}} {[1,2]} {{"a":[{"b":null}]}} {["\u0000","\\u0000"]} {{"\u0000":0.1}}
    }]]
  }
  return [token [literal_of $table $column]]
}

# A literal of SQL as a tree.
proc saves::token {literal} {
  if {$literal eq "NULL"} { return {s null} }
  if {[regexp {^-?\d+$} $literal]} { return [list s $literal] }
  if {[regexp {^x'(.*)'$} $literal match digits]} {
    return [list o [list {"hex"} [list s "\"$digits\""]]]
  }
  if {[regexp {^CAST\(x'(.*)' AS TEXT\)$} $literal match digits]} {
    return [list s [text_token [binary decode hex $digits]]]
  }
  if {[regexp {^'(.*)'$} $literal match text]} {
    return [list s [text_token $text]]
  }
  if {![regexp {^\d+\.25$} $literal]} {
    set literal [pick {0.1 -2.5 3.0 0.30000000000000004 123456789.12345679}]
  }
  return [list s $literal]
}

# As related_json() writes it.
proc saves::text_token {bytes} {
  set token [string map [list \\ \\\\ \" \\\" \b \\b \f \\f \n \\n \r \\r \t \\t] \
    $bytes]
  set written ""
  foreach c [split $token ""] {
    scan $c %c code
    append written [expr {$code < 32 ? [format {\u%04x} $code] : $c}]
  }
  return "\"$written\""
}

# The same in other escapes.
proc saves::respell_token {token} {
  set written ""
  foreach c [regexp -all -inline \
      {\\u....|\\.|[\xc0-\xdf].|[\xe0-\xef]..|[\xf0-\xf7]...|.} $token] {
    if {[string length $c] == 1 && ($c eq "\"" || [chance 60])} {
      append written $c
    } elseif {[string index $c 0] eq "\\"} {
      append written $c
    } else {
      append written [escape_code [code_of $c]]
    }
  }
  return $written
}

proc saves::code_of {bytes} {
  binary scan $bytes cu* codes
  if {[llength $codes] == 1} { return $codes }
  set code [expr {[lindex $codes 0] & (0x7f >> [llength $codes])}]
  foreach next [lrange $codes 1 end] {
    set code [expr {($code << 6) | ($next & 0x3f)}]
  }
  return $code
}

proc saves::escape_code {code} {
  set form [pick {{\u%04x} {\u%04X}}]
  if {$code < 0x10000} { return [format $form $code] }
  incr code -0x10000
  return [format $form [expr {0xd800 | ($code >> 10)}]][format $form \
    [expr {0xdc00 | ($code & 0x3ff)}]]
}

proc saves::respelled_tree {tree} {
  variable opaque
  lassign $tree kind body
  switch $kind {
    s {
      if {[string index $body 0] ne "\""} { return $tree }
      return [list s [respell_token $body]]
    }
    a { return [list a [lmap member $body { respelled_tree $member }]] }
    o {
      set members {}
      foreach {name member} $body {
        if {$name ni $opaque && $name ne {"hex"}} {
          set member [respelled_tree $member]
        }
        lappend members $name $member
      }
      return [list o $members]
    }
  }
}

proc saves::property_planted {} { return [on_trial planted] }

proc saves::planted {} {
  variable log
  variable tables
  set name [pick [readable]]
  if {[is_association $name]} return
  if {[catch {plan $name [expr {[below 3] + 1}]} plan]} return
  set count 0
  set tree [plant $plan count]
  set shape [plan_shape $plan]
  save [list $name [write [respelled_tree $tree]]] [pick {merge replace}] 1
  tally planted
  set inserted 0
  foreach line $log {
    lassign $line action table key target path literal
    if {$action eq "inserted"} { incr inserted }
    if {$action eq "inserted" && $path eq "\$"} { set root $literal }
  }
  if {$inserted != $count} { return "planted $count rows, $inserted inserted" }
  set path [odd::path $name]
  set key [expr {[llength [dict get $tables $name key]] == 1 ? $root :
    "json($root)"}]
  set read [db eval "SELECT CAST(related_json(\$path, $key, \$shape) AS BLOB)"]
  if {[normal [parse [lindex $read 0]]] ne [normal $tree]} {
    return "planted: $shape: not [write $tree] but $read"
  }
}

# ---- 4: what fails leaves nothing ----

# A document that is damaged somewhere.
proc saves::damaged {json} {
  switch [pick {cut cut byte node node node}] {
    cut { return [string range $json 0 [below [string length $json]]-1] }
    byte {
      set at [below [string length $json]]
      return [string replace $json $at $at [pick {\{ \} \[ \] , : \" 0 n \\}]]
    }
    node { return [write [damaged_tree [parse $json]]] }
  }
}

proc saves::damaged_tree {tree} {
  lassign $tree kind body
  if {$kind ne "s" && [llength $body] && [chance 75]} {
    set at [below [llength $body]]
    if {$kind eq "o"} { set at [expr {$at | 1}] }
    lset body $at [damaged_tree [lindex $body $at]]
    return [list $kind $body]
  }
  if {$kind eq "o" && [chance 60]} {
    lappend body [pick {{"nothing"} {""} {"\u0000"}}] {s 1}
    return [list o $body]
  }
  return [pick {{s null} {s 1} {s "text"} {a {}} {o {}} {a {{s 1}}} {a {{o {}}}}}]
}

# A trigger that refuses something, in one of the ways there are.
proc saves::refusing_trigger {} {
  variable tables
  set name [pick [dict keys $tables]]
  set raise [pick {ABORT ABORT FAIL IGNORE ROLLBACK}]
  set text [expr {$raise eq "IGNORE" ? "" : ", 'refused'"}]
  set sql "CREATE TRIGGER refuse [pick {BEFORE AFTER}] [pick {
    INSERT INSERT UPDATE DELETE}] ON [odd::sql $name] [pick {{} {
      WHEN (SELECT count(*) FROM sqlite_schema) < random() }}]
    BEGIN SELECT RAISE($raise$text); END"
  regsub {WHEN.*random\(\) } $sql "WHEN (SELECT count(*) FROM [odd::sql \
    $name]) % 2 " sql
  db eval $sql
  return $raise
}

proc saves::property_refused {} {
  variable trying
  edits 1
  set before [dump db]
  set raise ""
  if {[chance 40]} { set raise [refusing_trigger] }
  set documents [lindex [list [whole_documents twin] [lindex \
    [some_documents_named] 0]] [chance 50]]
  if {![llength $documents]} return
  if {$raise eq "" || [chance 10]} {
    set at [expr {[below [expr {[llength $documents] / 2}]] * 2 + 1}]
    lset documents $at [damaged [lindex $documents $at]]
  }
  set around [pick {{} BEGIN SAVEPOINT}]
  if {$around ne ""} {
    db eval [expr {$around eq "BEGIN" ? "BEGIN" : "SAVEPOINT mine"}]
    if {$raise eq ""} { catch {db eval [insert_sql {*}[some_new_row]]} }
    set trying 1
  }
  if {$raise eq "ROLLBACK"} { return [refused_rolled_back $documents $before] }
  saved $documents [pick {merge replace}] wrong 0
  set trying 0
  set after [dump db]
  if {$around ne ""} {
    if {[catch {db eval [expr {$around eq "BEGIN" ? "COMMIT" :
        "RELEASE mine"}]} message]} {
      if {![string match "FOREIGN KEY*" $message]} {
        return "$wrong $message"
      }
      db eval ROLLBACK
      set after [dump db]
    }
  }
  if {$wrong eq "" && [dump db] ne $after} { set wrong "commit changes it" }
  return $wrong[unsound db]
}

# The trigger has ended the transaction.
proc saves::refused_rolled_back {documents before} {
  variable trying 0
  set failed [catch {save $documents [pick {merge replace}]} message]
  catch {db eval ROLLBACK}
  if {$failed && [string match *refused $message]} {
    set left [differences $before [dump db]]
    if {$left ne ""} { return "rolled back, and yet: $left" }
  }
  return [unsound db]
}

proc saves::some_new_row {} {
  variable tables
  set name [pick [dict keys $tables]]
  return [list $name [row_new $name]]
}

proc saves::some_documents_named {} {
  lassign [some_documents] name shape list
  set documents {}
  foreach json $list { lappend documents $name $json }
  return [list $documents]
}

# ---- a round ----

proc saves::attempt {property} {
  if {[catch {property_$property} wrong]} {
    set wrong "$property: error: $wrong"
  }
  return $wrong
}

# `db` and `twin` as they were in the beginning.
proc saves::restart {} {
  variable script
  empty_db
  foreach sql $script {
    if {![string match CREATE* $sql]} { db eval $sql }
  }
  make_twin 1
}

proc saves::round {} {
  world
  variable tables
  set first $tables
  foreach property {
    same same same same edited edited planted planted mixed refused synchronized
    copied
  } {
    variable trail {}
    set wrong [attempt $property]
    if {$wrong ne ""} { return $wrong }
    if {$tables ne $first || $property in {mixed refused synchronized}} {
      set tables $first
      restart
    }
  }
}

proc saves::report {wrong} {
  variable script
  variable trail
  set lines [list "-- $wrong" {*}[lmap sql $script { set _ "$sql;" }]]
  foreach saved $trail {
    lassign $saved mode documents
    foreach {name json} $documents {
      lappend lines "-- $mode [odd::path $name] $json"
    }
  }
  variable log
  return [join [list {*}$lines {*}[lmap line $log { set _ "-- $line" }]] \n]
}
