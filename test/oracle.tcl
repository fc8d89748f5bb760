# oracle.tcl: random schemas, and random queries told two ways.
#
#     oracle::start 7                  every number after this is random
#     oracle::world                    a database on `db`, and its oracle
#     set query [oracle::query]
#     oracle::compare $query           "" or what is wrong
#     oracle::report $query $wrong     a script that shows it
#
# The oracle of a navigator is a table in temp with the same columns, filled by
# plain joins.  A query is one text for both: what differs between them stands
# in marks, written by [oracle::both navigator oracle], and oracle::told picks
# one side.  Where the order or the type of equal values is nobody's business,
# both answers are folded before they are compared.
#
# In a world a table is a dict:
#
#     name      columns   name -> {type collation values}
#     key       columns of its PRIMARY KEY, {} for none
#     unique    columns of a UNIQUE key, {} for none
#     plain     1 for a rowid table
#     foreign   list of {columns parent parent_columns}
#     rows      list of dicts from column to SQL literal
#
# and a direction of a relationship is a dict:
#
#     source target link      names of tables
#     names                   of the navigator
#     path                    for scalars
#     fields    name -> {type collation hidden expression}, in their order
#     keys      the fields of the source's key
#     from      the plain SQL behind it
#     oracle    its table
#     kind      many-to-one, one-to-many, many-to-many, repeated
#     exact     1 where the link's columns compare as the keys do

namespace eval oracle {
  variable state 1
  variable tables      ;# name -> table
  variable directions  ;# a list of them
  variable bases       ;# names of tables to join with
  variable dangling    ;# some links lead nowhere
  variable script      ;# the SQL that made the world
  variable parameters  ;# of the query that is being written
  variable aliases     ;# how many it has
  variable folded      ;# what equal values look like does not matter
  variable ordered     ;# rows come in one order only
  variable outer [since 3.39]      ;# there may be RIGHT and FULL joins
  variable row_lists [since 3.38]  ;# and (a, b) IN (SELECT ...)
  variable counts [dict create]
}

# ---- chance ----

proc oracle::start {seed} {
  variable state [expr {($seed * 2654435761 + 12345) & 0xffffffff}]
  below 7
}

# From 0 to limit - 1.
proc oracle::below {limit} {
  variable state
  set state [expr {($state * 6364136223846793005 + 1442695040888963407)
    & 0xffffffffffffffff}]
  return [expr {($state >> 33) % $limit}]
}

proc oracle::chance {percent} { expr {[below 100] < $percent} }

proc oracle::pick {list} { lindex $list [below [llength $list]] }

# `count` different ones.
proc oracle::sample {list count} {
  set sample {}
  while {$count > 0 && [llength $list]} {
    set place [below [llength $list]]
    lappend sample [lindex $list $place]
    set list [lreplace $list $place $place]
    incr count -1
  }
  return $sample
}

proc oracle::name {name} { return "\"[string map {\" \"\"} $name]\"" }

proc oracle::text {text} { return "'[string map {' ''} $text]'" }

# ---- tables ----

# Values of one flavour differ from each other in every comparison.
set oracle::flavours {
  INTEGER BINARY {1 2 3 4 5 7 9007199254740993 9223372036854775807 -1}
  INTEGER BINARY {1 2 3 4 5 6 7}
  TEXT BINARY {'a' 'b' 'A' '7' '07' '1' {'x y'} ''}
  VARCHAR(10) NOCASE {'ann' 'Bob' 'cY' '7' 'it''s'}
  TEXT RTRIM {'a' 'b' '1' {'c d'}}
  REAL BINARY {1.0 1.5 2.0 -3.25 7.0}
  NUMERIC BINARY {1 1.5 'x' 7 2}
  {} BINARY {1 '1' 'a' x'31' 1.5 x'' 7 '7'}
  BLOB BINARY {x'01' x'ff00' 'b' 7}
  DATE BINARY {'2024-01-01' 7 2 'x'}
}

set oracle::payload_names {
  name title grade depth source_key link_key "odd \"col\"" order Value note
  link_note id2 source_key_1 "it's"
}
set oracle::table_names {
  students courses "a \"b\"" "it's" select "main.x" "\u00fcn\u00ef" "%s" Parts
  "two words"
}

proc oracle::flavour {} {
  variable flavours
  set place [expr {3 * [below [expr {[llength $flavours] / 3}]]}]
  return [lrange $flavours $place $place+2]
}

# No RTRIM: SQLite loses it on a hidden column, which then compares by the
# collation of the other side, as no column of a table does.
proc oracle::key_flavour {} {
  while 1 {
    set flavour [flavour]
    if {[lindex $flavour 1] ne "RTRIM"} { return $flavour }
  }
}

# For a foreign key to a column of `flavour`.  No numbers for a text: '7' and '07'
# are one number, and a navigator takes a link of 7 for a link of both.
proc oracle::other_flavour {flavour} {
  set other [key_flavour]
  if {[affinity [lindex $flavour 0]] eq "text" &&
      [affinity [lindex $other 0]] ne "text"} { return $flavour }
  return $other
}

proc oracle::free_name {taken names} {
  set lower [string tolower $taken]
  foreach name [sample $names [llength $names]] {
    if {[string tolower $name] ni $lower} { return $name }
  }
  return "c[llength $taken]"
}

proc oracle::add_column {table name flavour} {
  upvar 1 $table t
  dict set t columns $name $flavour
}

proc oracle::add_payload {table count} {
  variable payload_names
  upvar 1 $table t
  for {set i 0} {$i < $count} {incr i} {
    set name [free_name [dict keys [dict get $t columns]] $payload_names]
    add_column t $name [flavour]
  }
}

proc oracle::new_table {name} {
  return [dict create name $name columns {} key {} unique {} plain 1 \
    foreign {} rows {} link 0]
}

proc oracle::new_entity {name} {
  set table [new_table $name]
  set parts [expr {[chance 25] ? 2 : [chance 10] ? 3 : 1}]
  if {![chance 10]} {
    for {set i 1} {$i <= $parts} {incr i} {
      set column [expr {$parts == 1 ? "id" : "k$i"}]
      add_column table $column [key_flavour]
      dict lappend table key $column
    }
    if {[chance 25]} { dict set table plain 0 }
  }
  if {[chance 30] || [dict get $table key] eq ""} {
    add_column table code [key_flavour]
    dict set table unique code
  }
  add_payload table [below 4]
  return $table
}

# The columns a foreign key to the table may refer to.
proc oracle::key_for_reference {table} {
  set keys {}
  foreach kind {key unique} {
    if {[dict get $table $kind] ne ""} { lappend keys [dict get $table $kind] }
  }
  return [pick $keys]
}

# Columns for a foreign key to `parent`, mostly of the same type.  Of another type
# only where no link dangles: a key is looked up at its home then, where there is
# none; and not of a key without a type, which may have both 1 and '1'.
proc oracle::add_foreign {table parent} {
  variable dangling
  upvar 1 $table t
  set refers [key_for_reference $parent]
  set names {}
  foreach column $refers {
    set base [string tolower [string map {" " ""} [dict get $parent name]]]
    set name [expr {[llength $refers] == 1 ? "${base}_id" : "${base}_$column"}]
    while {[string tolower $name] in
           [string tolower [dict keys [dict get $t columns]]]} {
      append name 2
    }
    set flavour [dict get $parent columns $column]
    if {!$dangling && [lindex $flavour 0] ne "" && [chance 8]} {
      set flavour [other_flavour $flavour]
    }
    add_column t $name $flavour
    lappend names $name
  }
  dict lappend t foreign [list $names [dict get $parent name] $refers]
  return $names
}

proc oracle::new_association {name a b} {
  set table [new_table $name]
  set own [chance 30]
  if {$own} { add_column table id [list INTEGER BINARY {}] }
  set both [list {*}[add_foreign table $a] {*}[add_foreign table $b]]
  if {[chance 30]} { set both [lreverse $both] }
  if {$own} {
    dict set table key id
    dict set table unique $both
  } else {
    dict set table key $both
    if {[chance 50]} { dict set table plain 0 }
  }
  dict set table link 1
  add_payload table [below 4]
  return $table
}

# ---- rows ----

# The same key in another spelling: what a foreign key holds need only be equal.
proc oracle::respell {value flavour} {
  lassign $flavour type collation
  if {$collation eq "NOCASE" && [chance 30]} { return [string toupper $value] }
  if {$collation eq "RTRIM" && [chance 30]} {
    return "[string range $value 0 end-1] '"
  }
  return $value
}

proc oracle::foreign_values {table foreign dangling} {
  variable tables
  lassign $foreign columns parent refers
  set from [dict get $tables $parent]
  set values {}
  set rows [dict get $from rows]
  if {$dangling && [chance 10]} {
    foreach column $refers {
      lappend values [pick [lindex [dict get $from columns $column] 2]]
    }
  } elseif {![llength $rows] || (![dict get $table link] && [chance 15])} {
    foreach column $refers { lappend values NULL }
  } else {
    set row [pick $rows]
    foreach column $refers {
      lappend values [respell [dict get $row $column] \
        [dict get $from columns $column]]
    }
  }
  return $values
}

proc oracle::random_value {flavour} {
  if {[chance 15]} { return NULL }
  return [pick [lindex $flavour 2]]
}

proc oracle::random_row {table number dangling} {
  set row [dict create]
  dict for {column flavour} [dict get $table columns] {
    if {[lindex $flavour 2] eq ""} {
      dict set row $column [expr {10 + $number}]
    } elseif {$column in [dict get $table key] ||
              $column in [dict get $table unique]} {
      dict set row $column [pick [lindex $flavour 2]]
    } else {
      dict set row $column [random_value $flavour]
    }
  }
  foreach foreign [dict get $table foreign] {
    foreach column [lindex $foreign 0] \
      value [foreign_values $table $foreign $dangling] {
      dict set row $column $value
    }
  }
  return $row
}

# Rows are kept where SQLite takes them: keys are unique.
proc oracle::fill_table {name count dangling} {
  variable tables
  variable script
  for {set i 0} {$i < $count} {incr i} {
    set table [dict get $tables $name]
    set row [random_row $table $i $dangling]
    set sql "INSERT INTO main.[name $name]([join [lmap column [dict keys $row] {
      name $column}] ", "]) VALUES ([join [dict values $row] ", "])"
    if {[catch {db eval $sql}]} continue
    lappend script $sql
    dict with tables $name { lappend rows $row }
  }
}

# ---- SQL ----

proc oracle::create_sql {table} {
  set parts {}
  dict for {column flavour} [dict get $table columns] {
    lassign $flavour type collation
    set part "[name $column] $type"
    if {$collation ne "BINARY"} { append part " COLLATE $collation" }
    if {$column in [dict get $table key] ||
        $column in [dict get $table unique]} { append part " NOT NULL" }
    lappend parts $part
  }
  foreach {kind word} {key "PRIMARY KEY" unique UNIQUE} {
    set columns [lmap column [dict get $table $kind] { name $column }]
    if {[llength $columns]} { lappend parts "$word ([join $columns ", "])" }
  }
  foreach foreign [dict get $table foreign] {
    lassign $foreign columns parent refers
    lappend parts "FOREIGN KEY ([join [lmap c $columns {name $c}] ", "])\
      REFERENCES [name $parent]([join [lmap c $refers {name $c}] ", "])"
  }
  set sql "CREATE TABLE [name [dict get $table name]](\n  [join $parts ",\n  "])"
  if {![dict get $table plain]} { append sql " WITHOUT ROWID" }
  return $sql
}

proc oracle::run {sql} {
  variable script
  lappend script $sql
  db eval $sql
}

proc oracle::create_indexes {table} {
  set number 0
  foreach foreign [dict get $table foreign] {
    if {[chance 40]} continue
    set columns [lmap c [lindex $foreign 0] { name $c }]
    run "CREATE INDEX [name "[dict get $table name] [incr number]"]\
      ON [name [dict get $table name]]([join $columns ", "])"
  }
}

# ---- directions ----

# The columns that a row is known by, as {name type collation expression}.
proc oracle::row_key {table alias} {
  set columns [dict get $table columns]
  if {[dict get $table key] eq ""} {
    return [list [list rowid INTEGER BINARY $alias.rowid]]
  }
  lmap column [dict get $table key] {
    lassign [dict get $columns $column] type collation
    list $column $type $collation $alias.[name $column]
  }
}

proc oracle::referred {table columns} {
  lmap column $columns {
    lassign [dict get $table columns $column] type collation
    list $column $type $collation ""
  }
}

# What tells a row from others, for DISTINCT.
proc oracle::identity {table alias} {
  if {[dict get $table plain]} { return $alias.rowid }
  return [join [lmap key [row_key $table $alias] {
    string cat nullif(quote( [lindex $key 3] ),'NULL')}] " || ',' || "]
}

# SQLite loses the collation of a hidden column, but for NOCASE; see field.c.
proc oracle::add_field {fields name type collation hidden expression} {
  upvar 1 $fields f
  while {[string tolower $name] in [string tolower [dict keys $f]]} {
    set name link_$name
  }
  if {$hidden && $collation ne "NOCASE"} { set collation BINARY }
  dict set f $name [list $type $collation $hidden $expression]
  return $name
}

# The affinity that SQLite gives to a type.
proc oracle::affinity {type} {
  set type [string toupper $type]
  switch -glob -- $type {
    *INT* { return integer }
    *CHAR* - *CLOB* - *TEXT* { return text }
    *BLOB* - "" { return blob }
    *REAL* - *FLOA* - *DOUB* { return real }
  }
  return numeric
}

proc oracle::alike {a b} {
  return [expr {[affinity [lindex $a 0]] eq [affinity [lindex $b 0]] &&
    [lindex $a 1] eq [lindex $b 1]}]
}

# A column of the target: the link's own where it can't be told from it.
proc oracle::target_expression {target column flavour refers columns link} {
  set place [lsearch -exact $refers $column]
  if {$place < 0} { return t.[name $column] }
  set own [lindex $columns $place]
  set held [dict get $link columns $own]
  if {[alike $held $flavour] && [lindex $flavour 1] eq "BINARY" &&
      [affinity [lindex $flavour 0]] ne "blob"} { return l.[name $own] }
  return t.[name $column]
}

# As a foreign key compares: as its parent does.
proc oracle::join_condition {refers columns} {
  return [join [lmap refer $refers column $columns {
    string cat t. [name $refer] " = +l." [name $column]}] " AND "]
}

proc oracle::not_null {columns} {
  return [join [lmap column $columns {
    string cat l. [name $column] " IS NOT NULL"}] " AND "]
}

proc oracle::add_source_fields {fields sources} {
  upvar 1 $fields f
  set names {}
  set number 0
  foreach source $sources {
    incr number
    lassign $source column type collation expression
    lappend names [add_field f \
      [expr {[llength $sources] == 1 ? "source_key" : "source_key_$number"}] \
      $type $collation 1 $expression]
  }
  return $names
}

proc oracle::add_link_field {fields link} {
  upvar 1 $fields f
  set key [row_key $link l]
  if {[llength $key] == 1} {
    lassign [lindex $key 0] column type collation expression
    return [add_field f link_key $type $collation 1 $expression]
  }
  set parts [lmap part $key { string cat quote( [lindex $part 3] ) }]
  add_field f link_key "" BINARY 1 "'\[' || [join $parts " || ',' || "] || '\]'"
}

proc oracle::new_direction {kind source target link exact_name} {
  variable directions
  return [dict create kind $kind source [dict get $source name] \
    target [dict get $target name] link [dict get $link name] \
    exact_name $exact_name oracle "oracle [llength $directions]" exact 1]
}

# The source's key: its own where the link's column has another affinity.
proc oracle::source_expression {source link refer column refers columns} {
  set own l.[name $column]
  if {[affinity [lindex [dict get $link columns $column] 0]] ne
      [affinity [lindex $refer 1]]} {
    set match [join [lmap key $refers held $columns {
      string cat s. [name $key] " = +l." [name $held]}] " AND "]
    set own "coalesce((SELECT s.[name [lindex $refer 0]]\
      FROM [name [dict get $source name]] AS s WHERE $match), $own)"
  }
  return [lreplace $refer 3 3 $own]
}

# Of a child row to its parent.
proc oracle::add_to_parent {child foreign} {
  variable tables
  variable directions
  lassign $foreign columns parent_name refers
  set parent [dict get $tables $parent_name]
  set d [new_direction many-to-one $child $parent $child \
    "[join $columns _]_$parent_name"]
  set fields [dict create]
  dict for {column flavour} [dict get $parent columns] {
    add_field fields $column {*}[lrange $flavour 0 1] 0 \
      [target_expression $parent $column $flavour $refers $columns $child]
  }
  dict set d keys [add_source_fields fields [row_key $child l]]
  dict set d order [add_link_field fields $child]
  dict set d arrives $refers
  dict set d leaves [lmap key [row_key $child l] { lindex $key 0 }]
  dict set d reached [identity $parent t]
  dict set d targets [lmap column $columns { string cat l. [name $column] }]
  dict set d from "[name [dict get $child name]] AS l LEFT JOIN\
    [name $parent_name] AS t ON [join_condition $refers $columns]\
    WHERE [not_null $columns]"
  keep_direction $d $fields
}

# Of a parent to its children.
proc oracle::add_to_children {child foreign} {
  variable tables
  lassign $foreign columns parent_name refers
  set parent [dict get $tables $parent_name]
  set d [new_direction one-to-many $parent $child $child \
    "[dict get $child name]_by_[join $columns _]"]
  set fields [dict create]
  dict for {column flavour} [dict get $child columns] {
    add_field fields $column {*}[lrange $flavour 0 1] 0 l.[name $column]
  }
  set sources [lmap refer [referred $parent $refers] column $columns {
    if {![alike [dict get $child columns $column] [lrange $refer 1 2]]} {
      dict set d exact 0
    }
    source_expression $parent $child $refer $column $refers $columns
  }]
  dict set d keys [add_source_fields fields $sources]
  dict set d order [add_link_field fields $child]
  dict set d arrives [lmap key [row_key $child l] { lindex $key 0 }]
  dict set d leaves $refers
  dict set d reached [identity $child l]
  dict set d targets [lmap key [row_key $child l] { lindex $key 3 }]
  dict set d from "[name [dict get $child name]] AS l WHERE [not_null $columns]"
  keep_direction $d $fields
}

# Through an association table.
proc oracle::add_through {link from to} {
  variable tables
  lassign $from source_columns source_name source_refers
  lassign $to target_columns target_name target_refers
  set source [dict get $tables $source_name]
  set target [dict get $tables $target_name]
  set exact "${target_name}_via_[dict get $link name]"
  if {$source_name eq $target_name} {
    append exact "_by_[join $target_columns _]"
  }
  set d [new_direction many-to-many $source $target $link $exact]
  set fields [dict create]
  dict for {column flavour} [dict get $target columns] {
    add_field fields $column {*}[lrange $flavour 0 1] 0 [target_expression \
      $target $column $flavour $target_refers $target_columns $link]
  }
  dict for {column flavour} [dict get $link columns] {
    if {$column in $source_columns || $column in $target_columns} continue
    add_field fields $column {*}[lrange $flavour 0 1] 0 l.[name $column]
  }
  set sources [lmap refer [referred $source $source_refers] \
    column $source_columns {
    if {![alike [dict get $link columns $column] [lrange $refer 1 2]]} {
      dict set d exact 0
    }
    source_expression $source $link $refer $column $source_refers \
      $source_columns
  }]
  dict set d keys [add_source_fields fields $sources]
  dict set d order [add_link_field fields $link]
  dict set d arrives $target_refers
  dict set d leaves $source_refers
  dict set d reached [identity $target t]
  dict set d targets [lmap column $target_columns { string cat l. [name $column] }]
  dict set d from "[name [dict get $link name]] AS l LEFT JOIN\
    [name $target_name] AS t\
    ON [join_condition $target_refers $target_columns]\
    WHERE [not_null [list {*}$source_columns {*}$target_columns]]"
  keep_direction $d $fields
}

# Columns of the oracle that no navigator has: what the target is, for DISTINCT,
# and the link's columns that hold its key.
proc oracle::add_own_fields {fields direction} {
  upvar 1 $fields f
  dict set f ~reached [list "" BINARY 1 [dict get $direction reached]]
  set number 0
  foreach expression [dict get $direction targets] \
    column [dict get $direction arrives] {
    set flavour [column_flavour [dict get $direction target] $column]
    dict set f ~target_[incr number] \
      [list {*}[lrange $flavour 0 1] 1 $expression]
  }
}

proc oracle::column_flavour {table column} {
  variable tables
  set columns [dict get $tables $table columns]
  if {[dict exists $columns $column]} { return [dict get $columns $column] }
  return {INTEGER BINARY {1 2 3 4 5}}
}

proc oracle::keep_direction {direction fields} {
  variable directions
  set all $fields
  add_own_fields all $direction
  create_oracle [dict get $direction oracle] $all "SELECT [join [lmap field \
    [dict values $all] { lindex $field 3 }] ", "] FROM [dict get $direction from]"
  dict set direction fields $fields
  lappend directions $direction
  if {[dict get $direction source] eq [dict get $direction target]} {
    add_repeated $direction
  }
}

proc oracle::create_oracle {name fields select} {
  set columns {}
  dict for {field description} $fields {
    lassign $description type collation
    lappend columns "[name $field] $type COLLATE $collation"
  }
  run "CREATE TEMP TABLE [name $name]([join $columns ", "])"
  run "INSERT INTO temp.[name $name] $select"
}

# Everything that a relationship of a table with itself leads to.
proc oracle::add_repeated {direction} {
  variable tables
  variable directions
  set table [dict get $tables [dict get $direction source]]
  set columns [dict get $table columns]
  set base temp.[name [dict get $direction oracle]]
  set leaves [dict get $direction leaves]
  set keys [dict get $direction keys]
  set fields [dict create]
  dict for {column flavour} $columns {
    add_field fields $column {*}[lrange $flavour 0 1] 0 t.[name $column]
  }
  set own [dict create]
  set sources [lmap column $leaves {
    lassign [column_flavour [dict get $table name] $column] type collation
    list $column $type $collation s.[name $column]
  }]
  dict set direction kind repeated
  dict set direction keys [add_source_fields fields $sources]
  set depth [add_field fields depth INTEGER BINARY 1 d]
  set match [join [lmap column $leaves key $keys {
    string cat s. [name $column] " = o." [name $key]}] " AND "]
  set here [identity $table s]
  set name [name [dict get $table name]]
  set select "WITH RECURSIVE edge(a, b) AS MATERIALIZED (SELECT $here,\
    o.\"~reached\" FROM $name AS s JOIN $base AS o ON $match\
    WHERE o.\"~reached\" IS NOT NULL),\
    reach(a, b, d) AS (SELECT a, b, 1 FROM edge UNION SELECT reach.a, edge.b,\
    d + 1 FROM reach JOIN edge ON edge.a = reach.b WHERE d < 20)\
    SELECT [join [lmap field [dict values $fields] {
      lindex $field 3 }] ", "] FROM (SELECT a, b, min(d) AS d FROM reach\
    GROUP BY a, b) JOIN $name AS s ON $here = a\
    JOIN $name AS t ON [identity $table t] = b"
  dict set direction oracle "oracle [llength $directions]"
  dict set direction order $depth
  dict set direction fields $fields
  create_oracle [dict get $direction oracle] $fields $select
  lappend directions $direction
}

# ---- names of navigators ----

# From the exact names, and the shorter ones that relationship_list tells.
proc oracle::find_names {} {
  variable directions
  set short [dict create]
  db eval {SELECT exact_name AS exact, name AS other, problem
      FROM relationship_list} {
    dict set short $exact [list $other $problem]
  }
  set usable {}
  foreach d $directions {
    set source [dict get $d source]
    set exact [dict get $d exact_name]
    set path [odd::path $source $exact]
    if {![dict exists $short $path]} { error "no relationship $path" }
    lassign [dict get $short $path] other problem
    if {$problem ne ""} continue
    set names [list $exact]
    if {$other ne $path} {
      set other [string range $other [string length [odd::path $source]]+1 end]
      if {[string index $other 0] eq "\""} {
        set other [string map {\"\" \"} [string range $other 1 end-1]]
      }
      lappend names $other
    }
    dict set d paths [lmap name $names { odd::path $name }]
    set forms [expr {[dict get $d kind] eq "repeated"
      ? [list .%s* __%s__all] : [list .%s __%s]}]
    dict set d names {}
    foreach name $names {
      foreach form $forms {
        dict lappend d names $source[string map [list %s $name] $form]
      }
    }
    lappend usable $d
  }
  set directions $usable
}

# ---- a world ----

proc oracle::world {} {
  variable table_names
  variable tables [dict create]
  variable directions {}
  variable script {}
  variable bases {}
  fresh
  set entities [sample $table_names [expr {2 + [below 2]}]]
  variable dangling [chance 30]
  foreach name $entities {
    dict set tables $name [new_entity $name]
  }
  foreach name $entities {
    set table [dict get $tables $name]
    foreach parent [sample $entities [below 3]] {
      if {$parent eq $name} {
        add_foreign table $table
      } else {
        add_foreign table [dict get $tables $parent]
      }
    }
    dict set tables $name $table
  }
  foreach name [sample {links "odd link" student_course} [expr {1 + [below 2]}]] {
    dict set tables $name [new_association $name \
      [dict get $tables [pick $entities]] [dict get $tables [pick $entities]]]
  }
  dict for {name table} $tables {
    run [create_sql $table]
    create_indexes $table
    lappend bases $name
  }
  run "PRAGMA foreign_keys = [expr {!$dangling}]"
  dict for {name table} $tables {
    fill_table $name [expr {[chance 8] ? 0 : 3 + [below 6]}] $dangling
  }
  if {[chance 40]} { run ANALYZE }
  dict for {name table} $tables {
    foreach foreign [dict get $table foreign] {
      add_to_parent $table $foreign
      add_to_children $table $foreign
    }
    if {[dict get $table link]} {
      lassign [dict get $table foreign] a b
      add_through $table $a $b
      add_through $table $b $a
    }
  }
  db eval {SELECT count(*) FROM relationship_list}
  find_names
}

# ---- a text for both ----

proc oracle::both {navigator oracle} {
  return "\x01$navigator\x02$oracle\x03"
}

proc oracle::told {side text} {
  set pick [expr {$side eq "navigator" ? {\1} : {\2}}]
  return [regsub -all {\x01([^\x01\x02]*)\x02([^\x02\x03]*)\x03} $text $pick]
}

# ---- values ----

set oracle::literals {
  1 2 7 3 -1 1.0 1.5 2.0 '1' '7' '07' '1.0' '2' 'a' 'A' 'ann' 'ANN' 'Bob' {'b '}
  {'a '} '' x'31' x'' x'01' NULL 9007199254740993 9223372036854775807
  9223372036854775808.0 '2024-01-01' 'x' '7.0' 1e3 0 'it''s'
}

# A literal, or a parameter with such a value.
proc oracle::literal {{flavour ""}} {
  variable literals
  variable parameters
  set value [expr {$flavour ne "" && [lindex $flavour 2] ne "" && [chance 65]
    ? [pick [lindex $flavour 2]] : [pick $literals]}]
  if {[chance 60]} { return $value }
  set name p[dict size $parameters]
  dict set parameters $name $value
  return :$name
}

# ---- where from ----

# A source of rows is a dict: alias, columns: name -> {type collation hidden},
# text, and conditions that make a call of a navigator.

proc oracle::alias {} {
  variable aliases
  return a[incr aliases]
}

proc oracle::column_of {source column} {
  return "[dict get $source alias].[name $column]"
}

proc oracle::base_source {} {
  variable bases
  variable tables
  set name [pick $bases]
  set columns [dict create]
  dict for {column flavour} [dict get $tables $name columns] {
    dict set columns $column [lreplace $flavour 2 2 0]
  }
  set alias [alias]
  return [dict create alias $alias columns $columns base $name conditions {} \
    text "main.[name $name] AS $alias"]
}

# A navigator, called with `arguments`, {} for none.
proc oracle::navigator_source {direction arguments} {
  variable ranges
  set alias [alias]
  set columns [dict get $direction fields]
  if {![dict get $direction exact]} {
    set columns [dict remove $columns {*}[dict get $direction keys]]
  }
  set source [dict create alias $alias columns $columns \
    direction $direction conditions {}]
  set call [expr {[llength $arguments] ? "([join $arguments ", "])" : ""}]
  dict set source text [both \
    "[name [pick [dict get $direction names]]]$call AS $alias" \
    "temp.[name [dict get $direction oracle]] AS $alias"]
  foreach argument $arguments key [dict get $direction keys] {
    if {$argument eq ""} break
    dict lappend source conditions \
      "[column_of $source $key] = +($argument)"
  }
  return $source
}

# What a key may be given as: a column of a source before it, or a value.
proc oracle::arguments {direction sources} {
  set arguments {}
  foreach key [dict get $direction keys] {
    set argument ""
    if {[llength $sources] && [chance 80]} {
      set argument [fitting_column [pick $sources] [dict get $direction source] \
        $key]
    }
    if {$argument eq ""} {
      lassign [dict get $direction fields $key] type collation
      set argument [literal [list $type $collation \
        [values_of $direction $key]]]
    }
    lappend arguments $argument
  }
  return $arguments
}

# Values that the source's key may have.
proc oracle::values_of {direction key} {
  set place [lsearch -exact [dict get $direction keys] $key]
  set column [lindex [dict get $direction leaves] $place]
  return [lindex [column_flavour [dict get $direction source] $column] 2]
}

proc oracle::fitting_column {source table key} {
  if {[dict exists $source base] && [dict get $source base] eq $table &&
      [chance 70]} {
    foreach wanted {id code k1} {
      if {[dict exists $source columns $wanted]} {
        return [column_of $source $wanted]
      }
    }
  }
  return [column_of $source [pick [dict keys [dict get $source columns]]]]
}

# ---- conditions ----

proc oracle::any_column {sources} {
  set source [pick $sources]
  set column [pick [dict keys [dict get $source columns]]]
  return [list [column_of $source $column] \
    [dict get $source columns $column] $column $source]
}

proc oracle::flavour_of {column} {
  lassign $column text description name source
  lassign $description type collation
  if {[dict exists $source direction] &&
      $name in [dict get $source direction keys]} {
    return [list $type $collation [values_of [dict get $source direction] $name]]
  }
  set values {}
  variable tables
  foreach table [dict values $tables] {
    if {[dict exists $table columns $name]} {
      lappend values {*}[lindex [dict get $table columns $name] 2]
    }
  }
  return [list $type $collation $values]
}

proc oracle::operand {sources column} {
  if {[chance 25]} { return [lindex [any_column $sources] 0] }
  return [literal [flavour_of $column]]
}

proc oracle::collated {text} {
  if {[chance 88]} { return $text }
  return "$text COLLATE [pick {NOCASE BINARY RTRIM}]"
}

proc oracle::comparison {sources} {
  set column [any_column $sources]
  set text [lindex $column 0]
  set operator [pick {= = = = = == IS < <= > >= <> "IS NOT"}]
  if {[chance 20]} {
    return "[collated [operand $sources $column]] $operator [collated $text]"
  }
  return "[collated $text] $operator [collated [operand $sources $column]]"
}

proc oracle::condition {sources {depth 2}} {
  set column [any_column $sources]
  set text [lindex $column 0]
  set flavour [flavour_of $column]
  switch [pick {compare compare compare compare in between null list or and not
                like row exists exists member function true scalar}] {
    compare { return [comparison $sources] }
    in {
      return "$text IN ([join [list [literal $flavour] [literal $flavour] \
        [literal $flavour]] ", "])"
    }
    between {
      return "$text BETWEEN [literal $flavour] AND [literal $flavour]"
    }
    null { return "$text IS [expr {[chance 60] ? "NOT " : ""}]NULL" }
    list {
      set from [base_source]
      set other [listed_column $from $column]
      return "$text [expr {[chance 25] ? "NOT " : ""}]IN\
        (SELECT $other FROM [dict get $from text])"
    }
    or - and {
      if {$depth == 0} { return [comparison $sources] }
      return "([condition $sources [expr {$depth - 1}]]\
        [pick {OR OR AND}] [condition $sources [expr {$depth - 1}]])"
    }
    not {
      if {$depth == 0} { return [comparison $sources] }
      return "NOT ([condition $sources [expr {$depth - 1}]])"
    }
    like {
      return "$text [pick {LIKE GLOB "NOT LIKE"}] [pick {'a%' '%b%' '*' '7%' 'A*'}]"
    }
    row { return [row_condition $sources] }
    exists {
      if {$depth == 0} { return [comparison $sources] }
      return [exists_condition $sources]
    }
    member {
      if {$depth == 0} { return [comparison $sources] }
      lassign [subquery_from $sources] from conditions
      set wanted [listed_column $from $column]
      return "$text [expr {[chance 25] ? "NOT " : ""}]IN (SELECT $wanted FROM\
        [dict get $from text][where $conditions])"
    }
    function {
      if {[is_echoed $column]} { return [comparison $sources] }
      return "[pick {length abs lower typeof quote}]($text) =\
        [pick {length abs lower typeof quote}]([operand $sources $column])"
    }
    true { return [pick {1 true "1 = 1" "NULL IS NULL"}] }
    scalar { return "[scalar_call $sources] [pick {= > < "IS NOT"}] [pick {0 1 2 NULL}]" }
  }
}

# A column to look for another in.  SQLite forgets the type of such a column where
# it asks a virtual table for each value: it compares '07' IN (SELECT 7) as texts
# if the other is TEXT, and '7' IN (SELECT 7) as a text with a number if that has
# no type.
proc oracle::listed_column {source column} {
  set listed [any_column [list $source]]
  set text [lindex $listed 0]
  set other [affinity [lindex $column 1 0]]
  if {[affinity [lindex $listed 1 0]] eq $other} { return $text }
  switch $other {
    text { return "$text || ''" }
    blob { return "+$text" }
  }
  return $text
}

proc oracle::row_condition {sources} {
  set a [any_column $sources]
  set b [any_column $sources]
  set left "([lindex $a 0], [lindex $b 0])"
  set right "([operand $sources $a], [operand $sources $b])"
  # Before 3.38 SQLite looks at a virtual table again for each row of the list,
  # where one column of it is asked for and has the same value several times.
  variable row_lists
  if {$row_lists && [chance 30]} {
    lassign [subquery_from $sources] from conditions
    set wanted [listed_column $from $a]
    set other [listed_column $from $b]
    return "$left IN (SELECT $wanted, $other FROM\
      [dict get $from text][where $conditions])"
  }
  return "$left [pick {= = < >= <>}] $right"
}

# A navigator that depends on the rows outside.
proc oracle::subquery_from {sources} {
  variable directions
  set direction [pick $directions]
  set arguments [expr {[chance 70] ? [arguments $direction $sources] : ""}]
  set source [navigator_source $direction $arguments]
  set conditions [oracle_conditions $source]
  if {$arguments eq "" && [chance 60]} {
    foreach key [dict get $direction keys] \
      argument [arguments $direction $sources] {
      lappend conditions "[column_of $source $key] = $argument"
    }
  }
  if {[chance 30]} { lappend conditions [condition [list $source] 0] }
  return [list $source $conditions]
}

# The call of a navigator is a condition for the oracle only.
proc oracle::oracle_conditions {source} {
  return [lmap condition [dict get $source conditions] {
    string cat \x04 $condition
  }]
}

proc oracle::exists_condition {sources} {
  lassign [subquery_from $sources] from conditions
  return "[expr {[chance 30] ? "NOT " : ""}]EXISTS (SELECT [pick {1 *}] FROM\
    [dict get $from text][where $conditions])"
}

# WHERE of conditions, of which some are the oracle's alone.
proc oracle::where {conditions {word WHERE}} {
  set navigator {}
  set oracle {}
  foreach condition $conditions {
    if {[string index $condition 0] eq "\x04"} {
      lappend oracle "([string range $condition 1 end])"
    } else {
      lappend navigator "($condition)"
      lappend oracle "($condition)"
    }
  }
  if {![llength $oracle]} { return "" }
  if {$navigator eq $oracle} { return " $word [join $oracle " AND "]" }
  set own [lrange $oracle 0 end]
  set common [join $navigator " AND "]
  set call [join [lmap condition $oracle {
    if {$condition in $navigator} continue
    set condition}] " AND "]
  if {$common eq ""} { return [both "" " $word $call"] }
  return " $word [both "" "$call AND "]$common"
}

# ---- what is selected ----

# A scalar function of ours along a path, or the query that says the same.
proc oracle::scalar_call {sources} {
  variable directions
  variable folded
  set single [lmap d $directions {
    if {[dict get $d kind] eq "repeated" || [llength [dict get $d keys]] > 1 ||
        ![dict get $d exact]} continue
    set d}]
  if {![llength $single]} { return 0 }
  if {[chance 30]} {
    set call [path_call $single $sources]
    if {$call ne ""} { return $call }
  }
  set d [pick $single]
  set key [lindex [arguments $d $sources] 0]
  set from "temp.[name [dict get $d oracle]] AS o"
  set match "o.[name [lindex [dict get $d keys] 0]] = +($key)"
  set path "[odd::path [dict get $d source]].[pick [dict get $d paths]]"
  set columns [lmap {column field} [dict get $d fields] {
    if {[lindex $field 2]} continue
    set column}]
  set function [pick {count count sum avg min max value related}]
  if {$function eq "related" && [llength [dict get $d arrives]] == 1} {
    set target [literal [column_flavour [dict get $d target] \
      [lindex [dict get $d arrives] 0]]]
    return [both "related([text $path], $key, $target)" \
      "EXISTS (SELECT 1 FROM $from WHERE $match AND o.\"~target_1\" = +($target))"]
  }
  if {$function in {count related} || ![llength $columns] ||
      ($function eq "value" && [dict get $d kind] ne "many-to-one")} {
    return [both "related_count([text $path], $key)" \
      "(SELECT count(*) FROM $from WHERE $match)"]
  }
  set columns [lmap column $columns {
    if {![dict exists [dict get $d fields] $column] ||
        [column_is_payload $d $column]} continue
    set column}]
  if {![llength $columns]} { return 1 }
  set column [pick $columns]
  append path .[odd::path $column]
  # The target's own row is asked for: a link that leads to none has none.
  append match " AND o.\"~reached\" IS NOT NULL"
  if {$function eq "value"} {
    return [both "related_value([text $path], $key)" \
      "(SELECT o.[name $column] FROM $from WHERE $match)"]
  }
  set folded 1
  return [both "related_${function}([text $path], $key)" \
    "(SELECT ${function}(o.[name $column]) FROM $from WHERE $match)"]
}

# The same along a path of two or three steps, which reaches each target once; ""
# where none leads on.  Not where links dangle: a path goes over rows that exist,
# or over their keys.
proc oracle::path_call {single sources} {
  variable tables
  variable dangling
  variable folded 1
  if {$dangling} { return "" }
  set first [pick $single]
  set steps [list $first]
  set key [lindex [arguments $first $sources] 0]
  while {[llength $steps] < 3 && ([llength $steps] == 1 || [chance 30])} {
    set from [dict get [lindex $steps end] target]
    set next [lmap d $single {
      if {[dict get $d source] ne $from} continue
      set d}]
    if {![llength $next]} break
    lappend steps [pick $next]
  }
  if {[llength $steps] == 1} { return "" }
  set last o[llength $steps]
  set column [pick [dict keys [dict get $tables \
    [dict get [lindex $steps end] target] columns]]]
  set path "[odd::path [dict get $first source]].[join [lmap d $steps {
    pick [dict get $d paths] }] .]"
  set reached "SELECT DISTINCT $last.\"~reached\", $last.[name $column] AS c\
    FROM [path_from $steps] WHERE\
    o1.[name [lindex [dict get $first keys] 0]] = +($key)\
    AND $last.\"~reached\" IS NOT NULL"
  if {[chance 50]} {
    return [both "related_count([text $path], $key)" \
      "(SELECT count(*) FROM ($reached))"]
  }
  set function [pick {sum min max avg}]
  append path .[odd::path $column]
  return [both "related_${function}([text $path], $key)" \
    "(SELECT ${function}(c) FROM ($reached))"]
}

# Each step goes on from the row that the one before has reached.
proc oracle::path_from {steps} {
  set from "temp.[name [dict get [lindex $steps 0] oracle]] AS o1"
  for {set i 1} {$i < [llength $steps]} {incr i} {
    set d [lindex $steps $i]
    set leaf [lindex [dict get $d leaves] 0]
    set held "o$i.[name [expr {$leaf eq "rowid" ? "~reached" : $leaf}]]"
    append from " JOIN temp.[name [dict get $d oracle]] AS o[expr {$i + 1}]\
      ON o[expr {$i + 1}].[name [lindex [dict get $d keys] 0]] = $held"
  }
  return $from
}

proc oracle::column_is_payload {direction column} {
  variable tables
  return [expr {![dict exists $tables [dict get $direction target] \
    columns $column]}]
}

# How often something is so, in a subquery of its own.
proc oracle::scalar_subquery {sources} {
  variable folded
  lassign [subquery_from $sources] from conditions
  set column [lindex [any_column [list $from]] 0]
  set folded 1
  return "(SELECT [pick [list count(*) "count($column)" "max($column)" \
    "min($column)" "count(DISTINCT $column)" "total(1)"]]\
    FROM [dict get $from text][where $conditions])"
}

proc oracle::shown {text} {
  return [expr {[chance 75] ? "quote($text)" : $text}]
}

proc oracle::items {sources count} {
  set items {}
  for {set i 0} {$i < $count} {incr i} {
    switch [pick {column column column column column column scalar call}] {
      column { lappend items [shown_column $sources] }
      scalar { lappend items [scalar_subquery $sources] }
      call { lappend items [scalar_call $sources] }
    }
  }
  return $items
}

# True if the value may be shown as the call has given it.
proc oracle::is_echoed {column} {
  lassign $column text description name source
  return [expr {[dict exists $source direction] &&
    [dict get $source direction kind] eq "repeated" &&
    $name in [dict get $source direction keys]}]
}

proc oracle::shown_column {sources} {
  set column [any_column $sources]
  if {[is_echoed $column]} { return "[lindex $column 0] IS NULL" }
  return [shown [lindex $column 0]]
}

# ---- FROM ----

proc oracle::next_source {sources} {
  variable directions
  if {[chance 35]} { return [base_source] }
  set direction [pick $directions]
  if {[chance 60]} {
    return [navigator_source $direction [arguments $direction $sources]]
  }
  return [navigator_source $direction {}]
}

# Conditions that join a source to those before it.
# As a foreign key compares: as its parent does.
proc oracle::join_conditions {source sources} {
  set conditions {}
  if {[dict exists $source direction] && ![llength [dict get $source conditions]]
      && [chance 75]} {
    set direction [dict get $source direction]
    foreach key [dict get $direction keys] \
      argument [arguments $direction $sources] {
      lappend conditions "[column_of $source $key] = $argument"
    }
  } elseif {![dict exists $source direction] && [llength $sources]} {
    set other [lindex [any_column $sources] 0]
    lappend conditions "[lindex [any_column [list $source]] 0] = $other"
  }
  if {[chance 20]} {
    lappend conditions [condition [list {*}$sources $source] 0]
  }
  return $conditions
}

# FROM: its text, its sources, and conditions for WHERE.
proc oracle::from {} {
  variable directions
  variable outer
  set count [pick {1 1 2 2 2 3}]
  set text ""
  set sources {}
  set conditions {}
  for {set i 0} {$i < $count} {incr i} {
    set source [expr {$i == 0 && $count > 1 && [chance 60] ? [base_source]
      : $i == 0 || $i == $count - 1 ? [navigator_first $sources]
      : [next_source $sources]}]
    if {$i == 0} {
      append text [dict get $source text]
      lappend conditions {*}[oracle_conditions $source]
      lappend sources $source
      continue
    }
    set how [pick {JOIN JOIN JOIN "LEFT JOIN" "LEFT JOIN" "CROSS JOIN" ,}]
    set on [list {*}[oracle_conditions $source] \
      {*}[join_conditions $source $sources]]
    append text " $how [dict get $source text]"
    lappend sources $source
    if {$how eq ","} {
      lappend conditions {*}$on
    } else {
      append text [where $on ON]
    }
  }
  return [list $text $sources $conditions]
}

proc oracle::navigator_first {sources} {
  variable directions
  set direction [pick $directions]
  set arguments [expr {[chance 60] ? [arguments $direction $sources] : ""}]
  return [navigator_source $direction $arguments]
}

# ---- queries ----

proc oracle::select {count} {
  lassign [from] text sources conditions
  while {[chance 55]} { lappend conditions [condition $sources] }
  return [list "FROM $text[where $conditions]" $sources]
}

proc oracle::plain_query {count} {
  lassign [select $count] from sources
  return "SELECT [join [items $sources $count] ", "] $from"
}

proc oracle::distinct_query {count} {
  variable folded 1
  lassign [select $count] from sources
  return "SELECT DISTINCT [join [items $sources $count] ", "] $from"
}

proc oracle::aggregates {sources count} {
  set items {}
  for {set i 0} {$i < $count} {incr i} {
    set column [lindex [any_column $sources] 0]
    lappend items [pick [list count(*) "count($column)" "min($column)" \
      "max($column)" "count(DISTINCT $column)" "total($column IS NULL)" \
      "sum(length($column))"]]
  }
  return $items
}

proc oracle::grouped_query {count} {
  variable folded 1
  lassign [select $count] from sources
  lassign [any_column $sources] group
  set items [list $group {*}[aggregates $sources [expr {$count - 1}]]]
  set query "SELECT [join $items ", "] $from GROUP BY $group"
  if {[chance 40]} { append query " HAVING [pick {count(*) "count($group)"}]\
    [pick {> < =}] [pick {1 2}]" }
  return $query
}

proc oracle::counted_query {count} {
  variable folded 1
  lassign [select $count] from sources
  return "SELECT [join [aggregates $sources $count] ", "] $from"
}

proc oracle::window_query {count} {
  variable folded 1
  lassign [select $count] from sources
  lassign [any_column $sources] a
  lassign [any_column $sources] b
  return "SELECT $a, count(*) OVER (PARTITION BY $a), [join [lrepeat \
    [expr {$count - 2}] "max($b) OVER (ORDER BY $a)"] ", "] $from"
}

# Of rows in one order only: by what a row of a single navigator is known by.
proc oracle::ordered_query {count} {
  variable directions
  variable ordered 1
  set direction [pick [lmap d $directions {
    if {[dict get $d kind] eq "repeated"} continue
    set d}]]
  set source [navigator_first_of $direction]
  set sources [list $source]
  set conditions [oracle_conditions $source]
  while {[chance 45]} { lappend conditions [condition $sources 1] }
  set terms {}
  while {[chance 45]} {
    lappend terms "[collated [lindex [any_column $sources] 0]]\
      [pick {"" "" DESC "DESC NULLS LAST" "NULLS LAST"}]"
  }
  lappend terms "[column_of $source [dict get $direction order]][pick {"" " DESC"}]"
  set query "SELECT [join [items $sources $count] ", "]\
    FROM [dict get $source text][where $conditions] ORDER BY [join $terms ", "]"
  if {[chance 60]} { append query " LIMIT [pick {1 2 3 0 -1 :limit}]"
    if {[chance 50]} { append query " OFFSET [pick {0 1 2 :offset}]" }
  }
  return $query
}

proc oracle::navigator_first_of {direction} {
  return [navigator_source $direction \
    [expr {[chance 70] ? [arguments $direction {}] : ""}]]
}

# Everything that * means: the columns that are not hidden.
proc oracle::star_query {count} {
  variable directions
  lassign [from] text sources conditions
  set columns {}
  foreach source $sources {
    dict for {name field} [dict get $source columns] {
      if {![lindex $field 2]} { lappend columns [column_of $source $name] }
    }
  }
  variable width [llength $columns]
  while {[chance 45]} { lappend conditions [condition $sources] }
  return "SELECT [both * [join $columns ", "]] FROM $text[where $conditions]"
}

proc oracle::compound_query {count} {
  variable folded 1
  set queries {}
  for {set i 0} {$i < 2} {incr i} { lappend queries [plain_query $count] }
  return [join $queries " [pick {UNION "UNION ALL" INTERSECT EXCEPT}] "]
}

proc oracle::nested_query {count} {
  set inner [plain_query $count]
  set names {}
  for {set i 0} {$i < $count} {incr i} { lappend names c$i }
  if {[chance 50]} {
    return "WITH x([join $names ", "]) AS ($inner) SELECT [join [lmap name \
      $names { string cat a. $name }] ", "] FROM x AS a\
      [pick {"" "JOIN x AS b ON a.c0 = b.c0" "WHERE a.c0 IN (SELECT c0 FROM x)"}]"
  }
  return "WITH x([join $names ", "]) AS ($inner)\
    SELECT x.* FROM x WHERE c0 [pick {IS = < >}] [literal]"
}

# RIGHT and FULL joins: a key is given in ON or WHERE.
proc oracle::outer_query {count} {
  variable outer
  variable directions
  if {!$outer} { return [plain_query $count] }
  set a [expr {[chance 50] ? [base_source]
    : [navigator_source [pick $directions] {}]}]
  set b [navigator_source [pick $directions] {}]
  set sources [list $a $b]
  if {[chance 50]} { set sources [lreverse $sources] }
  lassign $sources a b
  set conditions [join_conditions $b [list $a]]
  if {![llength $conditions]} { set conditions [list [comparison $sources]] }
  set text "[dict get $a text] [pick {RIGHT FULL}] JOIN\
    [dict get $b text][where $conditions ON]"
  set conditions {}
  while {[chance 40]} { lappend conditions [condition $sources 1] }
  return "SELECT [join [items $sources $count] ", "] FROM $text[where $conditions]"
}

# NATURAL and USING: the columns that both show.
proc oracle::natural_query {count} {
  variable directions
  variable folded 1
  set a [expr {[chance 50] ? [base_source]
    : [navigator_source [pick $directions] {}]}]
  set b [navigator_source [pick $directions] {}]
  set seen [string tolower [visible $a]]
  set common [lmap column [visible $b] {
    if {[string tolower $column] ni $seen} continue
    set column}]
  set sources [list $a $b]
  set items [join [items $sources $count] ", "]
  if {![llength $common]} {
    return "SELECT $items FROM [dict get $a text]\
      [both NATURAL ""] JOIN [dict get $b text]"
  }
  set using "USING ([join [lmap column $common { name $column }] ", "])"
  if {[chance 50]} {
    return "SELECT $items FROM [dict get $a text] JOIN [dict get $b text] $using"
  }
  return "SELECT $items FROM [dict get $a text] [both NATURAL ""] JOIN\
    [dict get $b text] [both "" $using]"
}

proc oracle::visible {source} {
  lmap {column field} [dict get $source columns] {
    if {[lindex $field 2] eq "1"} continue
    set column
  }
}

# A query for both, and its parameters.
proc oracle::query {} {
  variable parameters [dict create]
  variable aliases 0
  variable width
  variable folded 0
  variable ordered 0
  set count [expr {1 + [below 3]}]
  set kind [pick {plain plain plain plain distinct grouped counted window ordered
    ordered ordered star compound nested outer natural}]
  if {$kind in {window grouped}} { set count 3 }
  set text [${kind}_query $count]
  foreach name {limit offset} {
    if {[string first :$name $text] >= 0} {
      dict set parameters $name [pick {0 1 2 3}]
    }
  }
  return [dict create kind $kind text $text parameters $parameters \
    folded $folded ordered $ordered width [expr {$kind eq "star" ? $width
      : $count}]]
}

# The same with other values: the statement has been prepared before.
proc oracle::with_other_values {query} {
  variable literals
  dict for {name value} [dict get $query parameters] {
    set other [expr {$name in {limit offset} ? [pick {0 1 2 3}]
      : [pick $literals]}]
    dict set query parameters $name $other
  }
  return $query
}

# A change of the schema that a query over columns by name does not see.
proc oracle::change {connection number} {
  variable tables
  variable script
  set table main.[name [pick [dict keys $tables]]]
  set column [name [pick [dict keys [dict get $tables \
    [string map {\"\" \"} [string range $table 6 end-1]] columns]]]]
  set sql [pick [list ANALYZE \
    "ALTER TABLE $table ADD COLUMN [name "added $number"]" \
    "CREATE INDEX main.[name "more $number"] ON\
      [string range $table 5 end]($column)" \
    "DROP INDEX IF EXISTS main.[name "more [expr {$number - 1}]"]" \
    "CREATE TABLE main.[name "other $number"](a)"]]
  lappend script $sql
  $connection eval $sql
}

# ---- answers ----

# The values of parameters become variables of the types that SQL gives them.
proc oracle::bind {parameters} {
  dict for {name value} $parameters {
    unset -nocomplain ::$name
    if {$value ne "NULL"} { set ::$name [db onecolumn "SELECT $value"] }
  }
}

# {0 rows}, or {1 message}.
proc oracle::ask {sql width} {
  if {[catch {uplevel #0 [list db eval $sql]} result]} {
    return [list 1 $result]
  }
  set rows {}
  for {set i 0} {$i < [llength $result]} {incr i $width} {
    lappend rows [lrange $result $i [expr {$i + $width - 1}]]
  }
  return [list 0 $rows]
}

# Equal values look alike.
proc oracle::fold {value} {
  if {[string match '*' $value]} { set value [string range $value 1 end-1] }
  if {[string is double -strict $value]} { return [format %.9g $value] }
  return [string trimright [string tolower $value]]
}

proc oracle::normal {rows query} {
  if {[dict get $query folded]} {
    set rows [lmap row $rows { lmap value $row { fold $value } }]
  }
  return [expr {[dict get $query ordered] ? $rows : [lsort $rows]}]
}

# "", or what is different.  An error is fine where both have one.
proc oracle::compare {query} {
  variable counts
  bind [dict get $query parameters]
  db nullvalue NULL
  set sql [dict get $query text]
  lassign [ask [told oracle $sql] [dict get $query width]] failed expected
  lassign [ask [told navigator $sql] [dict get $query width]] wrong rows
  dict incr counts [expr {$failed ? "refused" : "answered"}]
  if {!$failed && [llength $expected]} { dict incr counts filled }
  # A navigator that gets new columns is registered again, and SQLite then gives
  # up statements that run, where they open a table after that.
  if {$wrong && $rows eq "abort due to ROLLBACK"} {
    lassign [ask [told navigator $sql] [dict get $query width]] wrong rows
  }
  if {$failed && $wrong} { return "" }
  if {$wrong && [string match "*and a number was given*" $rows]} { return "" }
  if {$wrong && [string match "*this version of SQLite can't count*" $rows]} {
    return ""
  }
  if {$failed || $wrong} {
    return "navigator: $rows\noracle: $expected"
  }
  set expected [normal $expected $query]
  set rows [normal $rows $query]
  if {$expected eq $rows} { return "" }
  return "navigator: $rows\noracle:    $expected"
}

# What shows the difference in the sqlite3 shell.
proc oracle::report {query difference} {
  variable script
  set lines [list "-- $difference" ".load build/relate" {*}[lmap sql $script {
    string cat $sql ";" }] "SELECT count(*) FROM relationship_list;"]
  dict for {name value} [dict get $query parameters] {
    lappend lines ".parameter set :$name \"[string map {\" \"\"} $value]\""
  }
  foreach side {navigator oracle} {
    lappend lines "[told $side [dict get $query text]];"
  }
  return [join $lines \n]
}
