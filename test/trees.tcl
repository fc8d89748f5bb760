# trees.tcl: random trees of related_json(), beside what plain SQL says.
#
#     trees::start 7           the seed
#     trees::world             a new database: tables, keys, links, values
#     trees::compare           one random shape; "" or what is wrong
#
# A shape is made as text and, at the same time, as a plan: a list of items, each
# {key kind ...}.  The plan is carried out row by row with queries that know the
# foreign keys only; what that gives is compared with related_json()'s answer
# after both have the same form:
#
#     {i 5} {r 0.5} {s text} {n} {a {value ...}} {o {key value ...}}
#
# Every row has a number `u` of its own in its table, and every row of an
# association table one, `lu`, so that a row can be spoken of without its key.

namespace eval trees {
  variable tables    ;# name -> {columns of the primary key}
  variable ways      ;# list of dicts: from name to one link on row
  variable asked 0
  variable objects 0 ;# that were compared
}

proc trees::start {seed} { expr {srand($seed * 7919 + 17)} ; expr {rand()} ; return }
proc trees::number {below} { return [expr {int(rand() * $below)}] }
proc trees::chance {percent} { return [expr {rand() * 100 < $percent}] }
proc trees::pick {list} { return [lindex $list [number [llength $list]]] }

# ---- JSON, read ----

# Moves the variable `at` in the caller behind the value there.
proc trees::parse {text} {
  set at 0
  set value [parse_value $text at]
  if {$at != [string length $text]} { error "more JSON at $at: $text" }
  return $value
}

proc trees::parse_value {text atvar} {
  upvar 1 $atvar at
  switch -- [string index $text $at] {
    \{ { return [list o [parse_list $text at \} 1]] }
    \[ { return [list a [parse_list $text at \] 0]] }
    \" { return [list s [parse_string $text at]] }
  }
  if {![regexp -start $at {\A(null|-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?)} \
      $text word - point exponent]} {
    error "no JSON at $at: [string range $text $at $at+30]"
  }
  incr at [string length $word]
  if {$word eq "null"} { return n }
  if {$point eq "" && $exponent eq ""} { return [list i $word] }
  return [list r [real $word]]
}

# As Tcl reads it; beyond a double it is infinite.
proc trees::real {word} {
  if {[catch {expr {double($word)}} value]} {
    return [expr {[string index $word 0] eq "-" ? "-Inf" : "Inf"}]
  }
  return $value
}

proc trees::parse_list {text atvar end keyed} {
  upvar 1 $atvar at
  set list {}
  incr at
  if {[string index $text $at] eq $end} { incr at; return {} }
  while 1 {
    if {$keyed} {
      lappend list [parse_string $text at]
      if {[string index $text $at] ne ":"} { error "no colon at $at" }
      incr at
    }
    lappend list [parse_value $text at]
    set mark [string index $text $at]
    incr at
    if {$mark eq $end} { return $list }
    if {$mark ne ","} { error "no comma at $at: $text" }
  }
}

proc trees::parse_string {text atvar} {
  upvar 1 $atvar at
  if {![regexp -start $at {\A"((?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*)"} \
      $text whole inner]} {
    error "no string at $at: [string range $text $at $at+30]"
  }
  incr at [string length $whole]
  return [subst -nocommands -novariables $inner]
}

# ---- a world ----

proc trees::literal {} {
  switch [number 9] {
    0 { return NULL }
    1 { return [expr {[number 2000] - 1000}] }
    2 { return [pick {9223372036854775807 -9223372036854775808
      9007199254740993 -1 0}] }
    3 { return [format %.17e [expr {(rand() - 0.5) * pow(10, [number 600] - 300)}]] }
    4 { return [pick {0.1 1e22 1e23 -2.5 5e-324 1.7976931348623157e308
      123456789012345680.0 100.0 9e999 -9e999 2.2250738585072014e-308}] }
    5 { return "x'[string range [format %08x [number 0x7fffffff]] 0 [pick {-1 1 3 7}]]'" }
    6 { return "'a''b\"c\\d/\ue9\u4e2d' || char([expr {1 + [number 31]}], 127, 8232, 10)" }
    7 { return "''" }
  }
  return "'text [number 100]'"
}

# The primary keys that a table may have: columns with types, and what is behind
# the table.
proc trees::key_kinds {} {
  return {
    {{id INTEGER} {}}
    {{id INTEGER} {}}
    {{code TEXT} {WITHOUT ROWID}}
    {{a INTEGER b TEXT} {}}
    {{a TEXT b INTEGER} {WITHOUT ROWID}}
  }
}

proc trees::shuffled {count} {
  set numbers {}
  for {set i 1} {$i <= $count} {incr i} {
    set numbers [linsert $numbers [number $i] $i]
  }
  return $numbers
}

proc trees::key_value {type u} {
  return [expr {$type eq "TEXT" ? "'k$u'" : $u * 10}]
}

# The type of what refers to a key, which need not be the same.
proc trees::reference {type} {
  return [expr {$type eq "TEXT" || [chance 70] ? $type : [pick {TEXT {} REAL}]}]
}

# AND of equal columns.
proc trees::equal {one ones other others} {
  return [join [lmap a $ones b $others { set _ "$one.$a = $other.$b" }] " AND "]
}

proc trees::way {args} {
  variable ways
  lappend ways $args
}

proc trees::world {} {
  variable tables [dict create]
  variable types [dict create]
  variable ways {}
  variable sizes [dict create]
  variable dangling [chance 40]
  fresh
  db eval {PRAGMA foreign_keys = OFF}
  set names [lrange {t0 t1 t2 t3} 0 [expr {1 + [number 3]}]]
  foreach name $names {
    lassign [pick [key_kinds]] key tail
    dict set tables $name [dict keys $key]
    dict set types $name $key
    dict set tails $name $tail
  }
  foreach name $names { make_table $name $names [dict get $tails $name] }
  for {set i 0} {$i < 1 + [number 3]} {incr i} {
    make_links l$i [pick $names] [pick $names]
  }
  if {!$dangling} mend
}

# Foreign keys without a partner: of several steps, those lead on although there
# is no row, which the plan can't; so there are none where such paths are made.
proc trees::mend {} {
  foreach {table rowid target id} [db eval {PRAGMA foreign_key_check}] {
    lappend broken($table) $target
  }
  foreach table [array names broken] {
    set links [regexp {^l} $table]
    db eval "SELECT id, \"table\" AS target, group_concat(\"from\") AS held
        FROM pragma_foreign_key_list('$table') GROUP BY id" {
      variable tables
      set key [join [dict get $tables $target] ,]
      set missing "($held) NOT IN (SELECT $key FROM $target)"
      set sets [join [lmap column [split $held ,] { set _ "$column = NULL" }] ,]
      db eval [expr {$links ? "DELETE FROM $table WHERE $missing" :
        "UPDATE $table SET $sets WHERE $missing"}]
    }
  }
}

proc trees::make_table {name names tail} {
  variable tables
  variable types
  variable sizes
  set key [dict get $types $name]
  set columns [lmap {column type} $key { set _ "$column $type NOT NULL" }]
  lappend columns "u INTEGER" "w INTEGER" "tag TEXT" v
  set foreign {}
  set keys {}
  for {set i 0} {$i < [number 3]} {incr i} {
    set target [pick $names]
    set held {}
    foreach {column type} [dict get $types $target] {
      lappend columns "f${i}_$column [reference $type]"
      lappend held f${i}_$column
    }
    lappend foreign "FOREIGN KEY([join $held ,]) REFERENCES $target"
    set unique [chance 20]
    if {$unique} { lappend foreign "UNIQUE([join $held ,])" }
    lappend keys [list $target $held [expr {$unique ? [shuffled 7] : ""}]]
    set target_key [dict get $tables $target]
    way from $name name [join $held _]_$target to $target one 1 link "" \
      on [equal t $target_key s $held] row s held $held
    way from $target name ${name}_by_[join $held _] to $name one $unique link "" \
      on [equal t $held s $target_key] row t held ""
  }
  db eval "CREATE TABLE ${name}([join [list {*}$columns \
    "PRIMARY KEY([join [dict keys $key] ,])" {*}$foreign] ,]) $tail"
  dict set sizes $name [number 7]
  for {set u 1} {$u <= [dict get $sizes $name]} {incr u} {
    set values [lmap {column type} $key { key_value $type $u }]
    lappend values $u [pick {NULL 1 2 3 4 5}] [pick {NULL 'x' 'y' 'z'}] [literal]
    foreach held $keys {
      lassign $held target - distinct
      set to [expr {1 + [number 7]}]
      if {[llength $distinct]} { set to [lindex $distinct $u-1] }
      foreach {column type} [dict get $types $target] {
        lappend values [expr {[chance 15] ? "NULL" : [key_value $type $to]}]
      }
    }
    db eval "INSERT INTO $name VALUES([join $values ,])"
  }
}

proc trees::make_links {name one other} {
  variable tables
  variable types
  variable sizes
  set columns {}
  foreach {letter table} [list a $one b $other] {
    foreach {column type} [dict get $types $table] {
      lappend columns "${letter}_$column [reference $type] NOT NULL"
      lappend ends($letter) ${letter}_$column
    }
  }
  lappend columns "lu INTEGER" "w INTEGER" "p TEXT"
  db eval "CREATE TABLE ${name}([join $columns ,],
    PRIMARY KEY([join [concat $ends(a) $ends(b)] ,]),
    FOREIGN KEY([join $ends(a) ,]) REFERENCES $one,
    FOREIGN KEY([join $ends(b) ,]) REFERENCES $other) [pick {{} {WITHOUT ROWID}}]"
  foreach {from to near far} [list $one $other a b $other $one b a] {
    set via ${to}_via_$name
    if {$one eq $other} { append via _by_[join $ends($far) _] }
    way from $from name $via to $to one 0 link $name row l held "" \
      on [equal l $ends($near) s [dict get $tables $from]] \
      beside [equal t [dict get $tables $to] l $ends($far)]
  }
  for {set lu 1} {$lu <= [number 16]} {incr lu} {
    set values {}
    foreach table [list $one $other] {
      set u [expr {1 + [number 7]}]
      foreach {column type} [dict get $types $table] {
        lappend values [key_value $type $u]
      }
    }
    lappend values $lu [pick {NULL 1 2 3 4 5}] [pick {NULL 'x' 'y' 'z'}]
    db eval "INSERT OR IGNORE INTO $name VALUES([join $values ,])"
  }
}

# ---- a shape ----

# The text of a shape; its plan in `planvar`.  `way` leads to it, or "".
proc trees::shape {table way depth planvar} {
  upvar 1 $planvar plan
  set plan {}
  set texts {}
  set keys {}
  for {set i 0} {$i < 1 + [number 5]} {incr i} {
    set text [item $table $way $depth item]
    if {$text eq ""} continue
    set key [lindex $item 0]
    if {$key in $keys || $key eq "*"} {
      if {$key ne "*"} continue
      if {[llength $keys]} continue
      lappend keys {*}[columns $table]
    }
    lappend keys $key
    lappend texts $text
    lappend plan $item
  }
  if {![llength $texts]} {
    lappend texts u
    lappend plan {u column u}
  }
  return [join $texts [pick {, ", " " ,\n"}]]
}

proc trees::columns {table} {
  return [db eval {SELECT name FROM pragma_table_info($table)}]
}

proc trees::alias {} { variable aliases; return x[incr aliases] }

proc trees::from {table {filter 1}} {
  variable ways
  set found {}
  foreach way $ways {
    if {[dict get $way from] eq $table && [expr $filter]} { lappend found $way }
  }
  return $found
}

proc trees::item {table way depth itemvar} {
  upvar 1 $itemvar item
  set kind [pick {column column column all payload nested nested nested nested
    repeat count aggregate value}]
  if {$depth <= 0 && $kind in {nested repeat}} { set kind column }
  switch $kind {
    column {
      set column [pick [columns $table]]
      set key [expr {[chance 20] ? [alias] : $column}]
      set item [list $key column $column]
      return [expr {$key eq $column ? $column : "$key: $column"}]
    }
    all {
      set item [list * all]
      return *
    }
    payload {
      if {$way eq "" || [dict get $way link] eq ""} { return "" }
      set item [list [set key [pick {lu p}]] payload $key]
      return $key
    }
  }
  set steps [path $table [expr {$kind eq "value"}] [expr {$kind eq "repeat"}]]
  if {![llength $steps]} { return "" }
  set path [join [lmap step $steps { dict get $step name }] .]
  set target [dict get [lindex $steps end] to]
  set key [alias]
  switch $kind {
    count {
      set item [list $key count $steps]
      return "$key: count($path)"
    }
    aggregate {
      set function [pick {sum avg min max}]
      set item [list $key aggregate $steps $function [set column [pick {w tag}]]]
      if {$column eq "tag" && $function in {sum avg}} { return "" }
      return "$key: ${function}($path.$column)"
    }
    value {
      set item [list $key value $steps [set column [pick {w tag u}]]]
      return "$key: $path.$column"
    }
  }
  set repeat [expr {$kind eq "repeat"}]
  set text [shape $target [expr {[llength $steps] == 1 ? [lindex $steps 0] : ""}] \
    [expr {$depth - 1}] inner]
  append text [clauses $steps $repeat clauses]
  set item [list $key nested $steps $repeat $inner $clauses]
  return "$key: $path[expr {$repeat ? "*" : ""}]($text)"
}

# One step or two; only to one, or one that leads back, if that is asked for.
proc trees::path {table one back} {
  set filter [expr {$one ? {[dict get $way one]} :
    $back ? {[dict get $way from] eq [dict get $way to]} : 1}]
  set found [from $table $filter]
  if {![llength $found]} { return {} }
  set steps [list [pick $found]]
  variable dangling
  if {!$back && !$dangling && [chance 30]} {
    set found [from [dict get [lindex $steps 0] to] $filter]
    if {[llength $found]} { lappend steps [pick $found] }
  }
  return $steps
}

# The clauses as text; in `planvar` {where order limit depth}, in SQL about s, t
# and l.
proc trees::clauses {steps repeat planvar} {
  upvar 1 $planvar plan
  variable parameters
  set text ""
  set plan {where 1 order t.u limit -1 depth 0}
  set step [lindex $steps end]
  set single [expr {[llength $steps] == 1}]
  set many [expr {$single && [dict get $step link] ne ""}]
  set one [expr {!$repeat && [dict get [lindex $steps 0] one] &&
    [dict get $step one]}]
  if {$one && [chance 60]} { return "" }
  if {[chance 50]} {
    set conditions {
      {w > 2} {t.w > 2}
      {tag = 'x' OR w IS NULL} {t.tag = 'x' OR t.w IS NULL}
      {"w" + 0 < 4 and length(tag) = 1} {t.w + 0 < 4 AND length(t.tag) = 1}
      {target.w in (select w from t1)} {t.w IN (SELECT w FROM t1)}
      {u <> (select max(u) from t0)} {t.u <> (SELECT max(u) FROM t0)}
      {cast(w as text) < '4' ; } {CAST(t.w AS TEXT) < '4'}
    }
    if {$single} {
      set row [dict get $step row]
      lappend conditions {source.w <= w} {s.w <= t.w} {link.w > 1} "$row.w > 1" \
        {source.tag is link.tag} "s.tag IS $row.tag"
      if {$many} {
        set conditions [lrange $conditions 0 end-2]
        lappend conditions {p <> 'x'} {l.p <> 'x'}
      }
    }
    set i [expr {[number [expr {[llength $conditions] / 2}]] * 2}]
    append text "; where [string trimright [lindex $conditions $i] { ;}]"
    dict set plan where [lindex $conditions $i+1]
  } elseif {[chance 20]} {
    lappend parameters [number 5]
    set at [llength $parameters]
    append text "; where w >= ?$at"
    dict set plan where "t.w >= [lindex $parameters end]"
  }
  set order {t.u}
  set said u
  if {[chance 40]} { set order "t.w DESC, t.u"; set said "w desc, target.u" }
  if {$many} { append order ", l.lu"; append said ", link.lu" }
  dict set plan order $order
  append text "; order by $said"
  if {[chance 30]} {
    set limit [number 4]
    dict set plan limit $limit
    if {[chance 40]} {
      lappend parameters $limit
      append text "; limit ?[llength $parameters]"
    } else {
      append text " ; limit $limit"
    }
  }
  if {$repeat && [chance 50]} {
    dict set plan depth [expr {1 + [number 3]}]
    append text "; depth [dict get $plan depth]"
  }
  return $text
}

# ---- what it should be ----

proc trees::value {type value} {
  switch $type {
    null { return n }
    integer { return [list i $value] }
    real { return [list r [real $value]] }
    blob {
      return [list o [list hex [list s [string tolower $value]]]]
    }
  }
  return [list s $value]
}

# An expression about a row of `table`, or NULL if there is none.
proc trees::column {table rowid number column} {
  if {$number eq ""} { return n }
  db eval "SELECT typeof($column) AS type, CASE typeof($column)
      WHEN 'blob' THEN hex($column)
      WHEN 'real' THEN $column
      ELSE $column END AS value FROM $table WHERE $rowid = $number" {
    return [value $type $value]
  }
  return n
}

# Pairs of u and lu that the steps lead to from row u of their table.
proc trees::follow {steps u clauses} {
  if {$u eq ""} { return {} }
  dict with clauses {}
  if {[llength $steps] == 1} {
    set step [lindex $steps 0]
    set from "[dict get $step from] s"
    if {[dict get $step link] ne ""} {
      set sql "SELECT t.u AS u, l.lu AS lu FROM $from
        JOIN [dict get $step link] l ON [dict get $step on]
        LEFT JOIN [dict get $step to] t ON [dict get $step beside]"
    } else {
      set sql "SELECT t.u AS u, NULL AS lu FROM $from
        JOIN [dict get $step to] t ON [dict get $step on]"
    }
    return [db eval "$sql WHERE s.u = $u AND ($where) ORDER BY $order LIMIT $limit"]
  }
  set reached $u
  foreach step $steps {
    set next {}
    foreach one $reached {
      foreach {to lu} [follow [list $step] $one \
          {where 1 order t.u limit -1 depth 0}] {
        if {$to ne "" && $to ni $next} { lappend next $to }
      }
    }
    set reached $next
  }
  if {![llength $reached]} { return {} }
  return [db eval "SELECT t.u, NULL FROM [dict get $step to] t
    WHERE t.u IN ([join $reached ,]) AND ($where) ORDER BY $order LIMIT $limit"]
}

# Row u of the table, reached by the row lu of `link`, as the plan says.
proc trees::object {plan table u link lu} {
  variable objects
  incr objects
  set pairs {}
  foreach item $plan {
    lassign $item key kind
    switch $kind {
      all {
        foreach column [columns $table] {
          lappend pairs $column [column $table u $u $column]
        }
      }
      default {
        lappend pairs $key [{*}[list expected_$kind] {*}[lrange $item 2 end] \
          $table $u $link $lu]
      }
    }
  }
  return $pairs
}

proc trees::expected_column {column table u link lu} {
  return [column $table u $u $column]
}

proc trees::expected_payload {column table u link lu} {
  return [column $link lu $lu $column]
}

set trees::everything {where 1 order t.u limit -1 depth 0}

# A link whose target is missing counts, if it is the only step.
proc trees::expected_count {steps table u link lu} {
  variable everything
  set step [lindex $steps 0]
  if {[llength $steps] == 1 && [dict get $step held] ne "" && $u ne ""} {
    set held [join [lmap column [dict get $step held] {
      set _ "$column IS NOT NULL" }] " AND "]
    return [list i [db onecolumn "SELECT $held FROM $table WHERE u = $u"]]
  }
  return [list i [expr {[llength [follow $steps $u $everything]] / 2}]]
}

proc trees::expected_aggregate {steps function column table u link lu} {
  variable everything
  set reached {}
  foreach {to -} [follow $steps $u $everything] {
    if {$to ne ""} { lappend reached $to }
  }
  db eval "SELECT typeof(x) AS type, x AS value FROM (
      SELECT ${function}($column) AS x FROM [dict get [lindex $steps end] to]
      WHERE u IN ([join $reached ,]))" {
    return [value $type $value]
  }
}

proc trees::expected_value {steps column table u link lu} {
  variable everything
  set to [lindex [follow $steps $u $everything] 0]
  return [column [dict get [lindex $steps end] to] u $to $column]
}

proc trees::expected_nested {steps repeat plan clauses table u link lu} {
  set step [lindex $steps end]
  set one [expr {!$repeat}]
  foreach part $steps { if {![dict get $part one]} { set one 0 } }
  if {$repeat} {
    upvar 1 key key
    return [repeated $step $plan $clauses $key $u [list $u] 1]
  }
  set inner [expr {[llength $steps] == 1 ? [dict get $step link] : ""}]
  set objects {}
  foreach {to lu} [follow $steps $u $clauses] {
    lappend objects [list o [object $plan [dict get $step to] $to $inner $lu]]
  }
  if {!$one} { return [list a $objects] }
  return [expr {[llength $objects] ? [lindex $objects 0] : "n"}]
}

proc trees::repeated {step plan clauses key u around depth} {
  set objects {}
  set table [dict get $step to]
  set link [dict get $step link]
  foreach {to lu} [follow [list $step] $u $clauses] {
    if {$to in $around && $to ne ""} continue
    set pairs [object $plan $table $to $link $lu]
    if {[dict get $clauses depth] == 0 || $depth < [dict get $clauses depth]} {
      lappend pairs $key [repeated $step $plan $clauses $key $to \
        [list {*}$around $to] [expr {$depth + 1}]]
    }
    lappend objects [list o $pairs]
  }
  return [list a $objects]
}

# ---- both ----

proc trees::compare {} {
  variable tables
  variable types
  variable sizes
  variable aliases 0
  variable parameters {}
  variable asked
  incr asked
  set table [pick [dict keys $tables]]
  set text [shape $table "" 3 plan]
  set wrong {}
  for {set u 1} {$u <= [dict get $sizes $table]} {incr u} {
    set key [lmap {column type} [dict get $types $table] { key_value $type $u }]
    set key [expr {[llength $key] > 1 ? "json_array([join $key ,])" : $key}]
    set sql "SELECT related_json('$table', $key, '[string map {' ''} $text]'"
    foreach value $parameters { append sql ", $value" }
    append sql )
    if {[catch {db onecolumn $sql} json]} { return "$sql;\n$json" }
    set expected [list o [object $plan $table $u "" ""]]
    if {[catch {parse $json} result]} { return "$sql;\n$json\n$result" }
    if {$result ne $expected} {
      return "$sql;\n$json\n$result\nexpected\n$expected"
    }
    if {![db onecolumn {SELECT json_valid($json)}] &&
        ![string match *9e999* $json]} {
      return "$sql;\n$json\nis not valid"
    }
  }
  return ""
}

proc trees::differences {first rounds shapes} {
  for {set round $first} {$round < $first + $rounds} {incr round} {
    start $round
    world
    for {set i 0} {$i < $shapes} {incr i} {
      set wrong [compare]
      if {$wrong ne ""} { return "RELATE_SEED=$round\n$wrong" }
    }
  }
  return ""
}
