# rules.tcl: random worlds, rules and writes, and a checker of rules in Tcl.
#
#     rules::start 7              every number after this is random
#     rules::world                a file with rules on `db`, its twin without
#     rules::step                 one write to both; "" or what is wrong
#     rules::report $wrong        a script that shows it
#
# The writers have no extension: `writer` is on the file whose rules are upheld
# by triggers, `free` on its twin, which has the same tables and rows and no
# rules.  What a statement does to the twin is what it would do, and the checker
# judges that from the contents of the tables alone.
#
# An expression of a rule is a tree, told as SQL and evaluated here:
#
#     {col source p}  {num 2}  {<= a b}  {+ a b}  {and a b}  {or a b}
#     {null a}  {agg sum a}  {agg count}
#
# NULL is "".  Values of payload are small integers or NULL.  A table is a dict:
#
#     name
#     columns    name -> pool of SQL literals to choose from
#     keys       columns of its key, perhaps rowid
#     numbered   1 if there is a rowid to be set
#     payload    columns that rules read
#     unique     columns to name in ON CONFLICT
#
# and a world holds: source, target, link (names of tables), sourcelink and
# targetlink (columns of the link), folds (how the keys compare: a list of
# int, text, nocase), tables, path.

namespace eval rules {
  variable state 1
  variable world       ;# the tables and the relationship
  variable rules       ;# a list of dicts
  variable script      ;# SQL that led here
  variable recursive   ;# PRAGMA recursive_triggers
  variable lossy       ;# OR REPLACE has run without DELETE triggers
  variable inside      ;# 1 within a transaction
  variable strictly    ;# only what must have been judged is held against it
  variable over        ;# nothing more to see in this world
  variable counts [dict create accepted 0 refused 0 failed 0 excused 0 \
    commits 0 lost 0 declared 0 declined 0 unexplained 0]
}

# ---- chance ----

proc rules::start {seed} {
  variable state [expr {($seed * 2654435761 + 12345) & 0xffffffff}]
  below 7
}

proc rules::below {limit} {
  variable state
  set state [expr {($state * 6364136223846793005 + 1442695040888963407)
    & 0xffffffffffffffff}]
  return [expr {($state >> 33) % $limit}]
}

proc rules::chance {percent} { expr {[below 100] < $percent} }

proc rules::pick {list} { lindex $list [below [llength $list]] }

proc rules::tally {what} {
  variable counts
  dict incr counts $what
}

# ---- worlds ----

# {type, fold, pool, odd ways to write a value of it}
set rules::flavours {
  {INTEGER int {1 2 3 4}}
  {INTEGER int {1 2 3 4}}
  {TEXT text {'a' 'b' 'A' 'c'}}
  {{TEXT COLLATE NOCASE} nocase {'a' 'b' 'A' 'C' 'c'}}
}

set rules::pool {NULL 0 1 2 3 1 2}

# Columns of payload, as SQL and as names.
proc rules::payload {} {
  set text [pick {
    {p, q} {p INTEGER, q INTEGER} {p NUMERIC, q} {p REAL, q INTEGER}
  }]
  if {[chance 25]} { return [list "$text, g AS (p + q)" {p q} {p q g}] }
  return [list $text {p q} {p q}]
}

# A table with a key of its own: {sql, table, flavours of its key}
proc rules::end {name} {
  variable flavours
  variable pool
  lassign [payload] text plain payload
  set table [dict create name $name payload $payload numbered 1 columns {}]
  set kind [pick {single single single without composite unique}]
  set one [pick $flavours]
  lassign $one type fold values
  set kinds [list $one]
  switch $kind {
    single { set sql "id $type NOT NULL PRIMARY KEY, $text)" }
    without {
      set sql "id $type NOT NULL PRIMARY KEY, $text) WITHOUT ROWID"
      dict set table numbered 0
    }
    unique { set sql "nr INTEGER PRIMARY KEY, id $type UNIQUE, $text)" }
    composite {
      lassign [pick $flavours] type2 fold2 values2
      set sql "id $type NOT NULL, k $type2 NOT NULL, $text, PRIMARY KEY(id, k))"
      lappend kinds [list $type2 $fold2 $values2]
    }
  }
  if {$kind eq "unique"} { dict set table columns nr {1 2 3 4 5} }
  dict set table columns id $values
  if {$kind eq "composite"} { dict set table columns k [lindex $kinds 1 2] }
  foreach column $plain { dict set table columns $column $pool }
  dict set table keys [expr {$kind eq "composite" ? {id k} : {id}}]
  dict set table unique [dict get $table keys]
  return [list "CREATE TABLE ${name}($sql" $table $kinds]
}

# Columns that refer to an end: {SQL of columns, of the key, names, pools}
proc rules::reference {prefix end kinds not_null} {
  set names {}
  set columns {}
  set pools {}
  foreach key [dict get $end keys] kind $kinds {
    set name $prefix$key
    lassign $kind type fold values
    if {[chance 25]} { set type "" }
    if {$fold eq "nocase" && [chance 50]} { set type TEXT }
    lappend columns "$name $type [expr {$not_null ? "NOT NULL" : ""}]"
    lappend names $name
    if {$type eq "" && $fold eq "int"} { lappend values '2' '3' }
    if {!$not_null} { lappend values NULL }
    lappend pools $values
  }
  set key "FOREIGN KEY([join $names ,]) REFERENCES [dict get $end name]([join \
    [dict get $end keys] ,])"
  set actions [list "" "ON DELETE CASCADE" "ON DELETE CASCADE"]
  if {!$not_null} { lappend actions "ON DELETE SET NULL" }
  append key " [pick $actions] [pick {{} {ON UPDATE CASCADE}}]"
  if {[chance 20]} { append key " DEFERRABLE INITIALLY DEFERRED" }
  return [list [join $columns ", "] $key $names $pools]
}

proc rules::folds {kinds} { lmap kind $kinds { lindex $kind 1 } }

# Two tables, or one, and an association table.
proc rules::world_of_many {} {
  variable pool
  set self [chance 30]
  lassign [end s] s_sql s s_kinds
  lassign [end [expr {$self ? "s" : "t"}]] t_sql t t_kinds
  if {$self} { set t $s; set t_kinds $s_kinds }
  set kind [pick {pair pair without surrogate repeated}]
  set not_null [expr {$kind ni {pair repeated} || [chance 50]}]
  lassign [reference a_ $s $s_kinds $not_null] a a_key a_names a_pools
  lassign [reference b_ $t $t_kinds $not_null] b b_key b_names b_pools
  lassign [payload] text plain payload
  set both [list {*}$a_names {*}$b_names]
  set link [dict create name l payload $payload unique $both columns {} \
    numbered [expr {$kind ne "without"}]]
  set own ""
  set key "PRIMARY KEY([join $both ,])"
  switch $kind {
    surrogate {
      set own "id INTEGER PRIMARY KEY, "
      set key "UNIQUE([join $both ,])"
      dict set link columns id {1 2 3 4 5 6 7 8}
    }
    repeated {
      set own "id INTEGER PRIMARY KEY, "
      set key ""
      dict set link columns id {1 2 3 4 5 6 7 8}
      dict set link unique id
    }
  }
  foreach name $both values [list {*}$a_pools {*}$b_pools] {
    dict set link columns $name $values
  }
  foreach column $plain { dict set link columns $column $pool }
  set parts [lmap part [list $own$a $b $text $key $a_key $b_key] {
    if {$part eq ""} continue
    set part
  }]
  set sql "CREATE TABLE l([join $parts ", "])"
  if {$kind eq "without"} { append sql " WITHOUT ROWID" }
  set script [list $s_sql]
  if {!$self} { lappend script $t_sql }
  lappend script $sql
  set path "s.[dict get $t name]_via_l"
  if {$self} { append path "_by_[join $b_names _]" }
  set declares ""
  if {$kind eq "repeated"} {
    set path s.things
    set declares "SELECT relationship('s.things', 'inverse', '[dict get $t \
      name].back', 'through', 'l', 'foreign_key', '[join $both {, }]')"
  }
  return [dict create script $script declares $declares path $path \
    tables [dict create s $s [dict get $t name] $t l $link] \
    source s target [dict get $t name] link l \
    sourcekey [dict get $s keys] targetkey [dict get $t keys] \
    sourcelink $a_names targetlink $b_names \
    sourcefolds [folds $s_kinds] targetfolds [folds $t_kinds] \
    foreign [list $a_names $b_names]]
}

# One foreign key, from either end.
proc rules::world_of_one {} {
  variable pool
  set self [chance 30]
  lassign [end s] s_sql s s_kinds
  if {$self} {
    set names [lmap key [dict get $s keys] { set _ up_$key }]
    lassign [reference up_ $s $s_kinds 0] up key names pools
    set t $s
    foreach name $names values $pools { dict set t columns $name $values }
    # Columns come before the constraints of the table.
    set composite [string first ", PRIMARY KEY(" $s_sql]
    set close [string last ")" $s_sql]
    if {$composite > 0} {
      set s_sql "[string range $s_sql 0 $composite-1], $up[string range \
        $s_sql $composite $close-1], $key[string range $s_sql $close end]"
    } else {
      set s_sql "[string range $s_sql 0 $close-1], $up, $key[string range \
        $s_sql $close end]"
    }
    set script [list $s_sql]
    set s $t
    set t_kinds $s_kinds
    set child s
    # At the end that holds the foreign key, a row is known by its own key.
    if {[dict exists $t columns nr]} {
      set own {nr}
      set own_folds int
    } else {
      set own [dict get $t keys]
      set own_folds [folds $s_kinds]
    }
  } else {
    lassign [payload] text plain payload
    lassign [reference up_ $s $s_kinds [chance 30]] up key names pools
    set child t
    set own [pick {id id rowid}]
    set own_folds int
    set t [dict create name t payload $payload numbered 1 columns {} unique {}]
    if {$own eq "id"} {
      dict set t columns id {1 2 3 4 5 6}
      dict set t unique id
    }
    foreach name $names values $pools { dict set t columns $name $values }
    foreach column $plain { dict set t columns $column $pool }
    set unique ""
    if {[chance 15]} {
      set unique ", UNIQUE([join $names ,])"
      dict set t unique $names
    }
    set script [list $s_sql "CREATE TABLE t([expr {$own eq "id" ?
      "id INTEGER PRIMARY KEY, " : ""}]$up, $text$unique, $key)"]
  }
  set tables [dict create s $s $child $t]
  set down [dict create script $script declares "" tables $tables link $child]
  set column [join $names _]
  if {[chance 60]} {
    return [dict merge $down [dict create path "s.${child}_by_$column" \
      source s target $child \
      sourcekey [dict get $s keys] targetkey $own \
      sourcelink $names targetlink $own \
      sourcefolds [folds $s_kinds] targetfolds $own_folds \
      foreign [list $names {}]]]
  }
  return [dict merge $down [dict create path "$child.${column}_s" \
    source $child target s sourcekey $own targetkey [dict get $s keys] \
    sourcelink $own targetlink $names \
    sourcefolds $own_folds targetfolds [folds $s_kinds] \
    foreign [list {} $names]]]
}

# ---- expressions ----

proc rules::column {roles} {
  variable world
  set role [pick $roles]
  set table [dict get $world tables [dict get $world $role]]
  return [list col $role [pick [dict get $table payload]]]
}

proc rules::value {roles} {
  switch [below 4] {
    0 { return [list num [below 4]] }
    1 { return [list + [column $roles] [column $roles]] }
    default { return [column $roles] }
  }
}

proc rules::condition {roles} {
  switch [below 6] {
    0 { return [list and [condition $roles] [condition $roles]] }
    1 { return [list or [condition $roles] [condition $roles]] }
    2 { return [list null [column $roles]] }
    default { return [list <= [column $roles] [value $roles]] }
  }
}

proc rules::having {} {
  set limit [pick [list {num 3} {num 5} [column source]]]
  set sum [list agg sum [column {target link}]]
  switch [below 4] {
    0 { return [list <= $limit $sum] }
    1 { return [list and [list <= {agg count} {num 3}] [list <= $sum {num 6}]] }
    default { return [list <= $sum $limit] }
  }
}

proc rules::sql {tree} {
  lassign $tree what a b
  switch $what {
    "" { return "" }
    col { return "$a.$b" }
    num { return $a }
    null { return "[sql $a] IS NULL" }
    agg { return [expr {$a eq "count" ? "count(*)" : "${a}([sql $b])"}] }
    default { return "([sql $a] [string toupper $what] [sql $b])" }
  }
}

# The columns of a role that a tree reads.
proc rules::reads {tree role} {
  lassign $tree what a b
  switch $what {
    col { return [expr {$a eq $role ? [list $b] : {}}] }
    "" - num { return {} }
    null { return [reads $a $role] }
    agg { return [expr {$a eq "count" ? {} : [reads $b $role]}] }
    default { return [list {*}[reads $a $role] {*}[reads $b $role]] }
  }
}

# `rows` is a dict from role to row, `group` a list of them for aggregates.  A
# row that is not there has NULL in every column.
proc rules::evaluate {tree rows {group {}}} {
  lassign $tree what a b
  switch $what {
    col {
      if {![dict exists $rows $a $b]} { return "" }
      return [dict get $rows $a $b]
    }
    num { return $a }
    null { return [expr {[evaluate $a $rows] eq ""}] }
    agg {
      if {$a eq "count"} { return [llength $group] }
      set sum ""
      foreach member $group {
        set value [evaluate $b $member]
        if {$value ne ""} { set sum [expr {$sum eq "" ? $value : $sum + $value}] }
      }
      return $sum
    }
  }
  set a [evaluate $a $rows $group]
  set b [evaluate $b $rows $group]
  switch $what {
    <= { return [expr {$a eq "" || $b eq "" ? "" : $a <= $b}] }
    + { return [expr {$a eq "" || $b eq "" ? "" : $a + $b}] }
    and {
      if {$a eq "0" || $b eq "0"} { return 0 }
      return [expr {$a eq "" || $b eq "" ? "" : 1}]
    }
    or {
      if {$a eq "1" || $b eq "1"} { return 1 }
      return [expr {$a eq "" || $b eq "" ? "" : 0}]
    }
  }
}

# ---- rules ----

proc rules::rule {name} {
  variable world
  set self [expr {[dict get $world source] eq [dict get $world target]}]
  set kinds {check check leaving max_count max_count min_count min_count having
    having no_overlap no_overlap}
  if {$self} { lappend kinds acyclic acyclic acyclic }
  # Where a row is known by another key than the one that refers to it, there
  # is no acyclic.
  if {[dict get $world sourcekey] ne [dict get $world targetkey]} {
    set kinds [lsearch -all -inline -not $kinds acyclic]
  }
  set kind [pick $kinds]
  set all {source target link}
  set rule [dict create name $name kind $kind expression {} end {} where {} \
    per {} when always]
  switch $kind {
    check - leaving { dict set rule expression [condition $all] }
    max_count {
      dict set rule expression [pick [list {num 1} {num 2} [column source]]]
    }
    min_count {
      dict set rule expression [pick [list {num 1} {num 1} [column source]]]
    }
    having { dict set rule expression [having] }
    no_overlap {
      dict set rule expression [column {target link}]
      dict set rule end [column {target link source}]
    }
  }
  if {$kind in {max_count min_count having no_overlap} && [chance 30]} {
    dict set rule where [condition $all]
  }
  if {$kind in {max_count having no_overlap} && [chance 30]} {
    dict set rule per [column {target link}]
    if {[chance 30]} {
      dict set rule per [list + [column {target link}] [column source]]
    }
  }
  if {$kind ni {min_count leaving acyclic}} {
    dict set rule when [expr {[chance 75] ? "always" : "link"}]
  }
  return $rule
}

proc rules::declaration {rule} {
  variable world
  set kind [dict get $rule kind]
  set text [sql [dict get $rule expression]]
  if {$kind eq "no_overlap"} { append text ", [sql [dict get $rule end]]" }
  set expression [expr {$kind eq "acyclic" ? "NULL" : "'$text'"}]
  set options {}
  foreach option {where per} {
    if {[dict get $rule $option] ne ""} {
      append options ", '$option', '[sql [dict get $rule $option]]'"
    }
  }
  if {$kind eq "leaving"} {
    set kind check
    append options ", 'on', 'unrelate'"
  } elseif {$kind ni {min_count acyclic}} {
    append options ", 'when', '[dict get $rule when]'"
  }
  return "SELECT relationship_rule('[dict get $world path]', '[dict get \
    $rule name]', '$kind', $expression$options)"
}

# ---- contents ----

proc rules::fold {values folds} {
  lmap value $values fold $folds {
    switch $fold {
      int { expr {[string is entier -strict $value] ? $value + 0 : $value} }
      nocase { string tolower $value }
      default { set value }
    }
  }
}

proc rules::pluck {row columns} {
  lmap column $columns { dict get $row $column }
}

proc rules::table_rows {connection name} {
  variable world
  set rowid [expr {[dict get $world tables $name numbered] ?
    "rowid AS rowid, " : ""}]
  set rows {}
  $connection eval "SELECT $rowid* FROM $name" row {
    set one [dict create]
    foreach column $row(*) { dict set one $column $row($column) }
    lappend rows $one
  }
  return $rows
}

# {rows of each table, rows of the ends by key, links}
proc rules::contents {connection} {
  variable world
  set tables [dict create]
  dict for {name table} [dict get $world tables] {
    dict set tables $name [table_rows $connection $name]
  }
  set ends [dict create source {} target {}]
  foreach end {source target} {
    foreach row [dict get $tables [dict get $world $end]] {
      set key [pluck $row [dict get $world ${end}key]]
      if {"" in $key} continue
      dict set ends $end [fold $key [dict get $world ${end}folds]] $row
    }
  }
  set links {}
  foreach row [dict get $tables [dict get $world link]] {
    set foreign [list {*}[lindex [dict get $world foreign] 0] \
      {*}[lindex [dict get $world foreign] 1]]
    if {"" in [pluck $row $foreign]} continue
    set link [dict create link $row]
    foreach end {source target} {
      set key [fold [pluck $row [dict get $world ${end}link]] \
        [dict get $world ${end}folds]]
      dict set link ${end}key $key
      if {[dict exists $ends $end $key]} {
        dict set link $end [dict get $ends $end $key]
      }
    }
    lappend links $link
  }
  return [dict create tables $tables ends $ends links $links]
}

# What can be compared with the contents of another time or place.
proc rules::gist {contents} {
  set gist {}
  dict for {name rows} [dict get $contents tables] {
    lappend gist $name [lsort $rows]
  }
  return $gist
}

# ---- judgement ----

proc rules::is_counted {rule link} {
  set where [dict get $rule where]
  return [expr {$where eq "" || [evaluate $where $link] eq "1"}]
}

# Until COMMIT there may be links without a source or target, which need not have
# been judged.
proc rules::is_dangling {link} {
  return [expr {![dict exists $link source] || ![dict exists $link target]}]
}

# The links of each source and value of per: lists of links.
proc rules::groups {rule contents} {
  set groups [dict create]
  variable strictly
  set per [dict get $rule per]
  foreach link [dict get $contents links] {
    if {![is_counted $rule $link]} continue
    if {$strictly && [is_dangling $link]} continue
    set value [expr {$per eq "" ? "" : [evaluate $per $link]}]
    if {$per ne "" && $value eq ""} continue
    dict lappend groups [list [dict get $link sourcekey] \
      [expr {$value eq "" ? "" : double($value)}]] $link
  }
  return [dict values $groups]
}

proc rules::breaks_of_check {rule contents} {
  set breaks {}
  set tree [dict get $rule expression]
  foreach link [dict get $contents links] {
    set lost 0
    foreach role {source target} {
      if {[llength [reads $tree $role]] && ![dict exists $link $role]} {
        set lost 1
      }
    }
    if {!$lost && [evaluate $tree $link] eq "0"} { lappend breaks [list $link] }
  }
  return $breaks
}

proc rules::breaks_of_max_count {rule contents} {
  set breaks {}
  foreach group [groups $rule $contents] {
    set first [lindex $group 0]
    set most [evaluate [dict get $rule expression] $first]
    if {$most ne "" && [llength $group] > $most} { lappend breaks $group }
  }
  return $breaks
}

proc rules::breaks_of_min_count {rule contents} {
  set breaks {}
  set counts [dict create]
  foreach link [dict get $contents links] {
    if {[is_counted $rule $link]} {
      dict incr counts [dict get $link sourcekey]
    }
  }
  dict for {key row} [dict get $contents ends source] {
    set least [evaluate [dict get $rule expression] [dict create source $row]]
    set count [expr {[dict exists $counts $key] ? [dict get $counts $key] : 0}]
    if {$least ne "" && $count < $least} { lappend breaks {} }
  }
  return $breaks
}

proc rules::breaks_of_having {rule contents} {
  set breaks {}
  foreach group [groups $rule $contents] {
    set tree [dict get $rule expression]
    set first [lindex $group 0]
    if {[evaluate $tree $first $group] eq "0"} { lappend breaks $group }
  }
  return $breaks
}

proc rules::overlap {rule a b} {
  set a_start [evaluate [dict get $rule expression] $a]
  set a_end [evaluate [dict get $rule end] $a]
  set b_start [evaluate [dict get $rule expression] $b]
  set b_end [evaluate [dict get $rule end] $b]
  if {"" in [list $a_start $a_end $b_start $b_end]} { return 0 }
  return [expr {$a_start < $a_end && $b_start < $b_end && $a_start < $b_end &&
    $b_start < $a_end}]
}

proc rules::breaks_of_no_overlap {rule contents} {
  set breaks {}
  foreach group [groups $rule $contents] {
    for {set i 0} {$i < [llength $group]} {incr i} {
      for {set j 0} {$j < $i} {incr j} {
        set a [lindex $group $i]
        set b [lindex $group $j]
        if {[overlap $rule $a $b]} { lappend breaks [list $a $b] }
      }
    }
  }
  return $breaks
}

proc rules::breaks_of_acyclic {rule contents} {
  variable strictly
  set next [dict create]
  foreach link [dict get $contents links] {
    if {$strictly && [is_dangling $link]} continue
    dict lappend next [dict get $link sourcekey] [dict get $link targetkey]
  }
  set breaks {}
  dict for {start _} $next {
    set seen [dict create]
    set front [dict get $next $start]
    while {[llength $front]} {
      set front [lassign $front node]
      if {[dict exists $seen $node]} continue
      dict set seen $node 1
      if {[dict exists $next $node]} { lappend front {*}[dict get $next $node] }
    }
    if {[dict exists $seen $start]} { lappend breaks {} }
  }
  return $breaks
}

# What a rule that judges links only when they are made may tell apart.
proc rules::signature {rule link} {
  set columns {}
  foreach part {expression end where per} {
    lappend columns {*}[reads [dict get $rule $part] link]
  }
  return [list [dict get $link sourcekey] [dict get $link targetkey] \
    [pluck [dict get $link link] $columns]]
}

# 1 if the links have one that was not there before, though its ends were.
# (Another named exception: a link that is made before the row that it leads to,
# in one statement or under a deferred foreign key.)
proc rules::is_news {rule before links} {
  variable world
  set old [lmap link [dict get $before links] { signature $rule $link }]
  foreach link $links {
    if {[signature $rule $link] in $old} continue
    set there 1
    foreach end {source target} {
      if {[dict get $world $end] eq [dict get $world link] &&
          [dict get $world ${end}link] eq [dict get $world ${end}key]} continue
      if {![dict exists $before ends $end [dict get $link ${end}key]]} {
        set there 0
      }
    }
    if {$there} { return 1 }
  }
  return 0
}

# The links that went while both ends were there, and did not pass.
proc rules::breaks_of_leaving {rule before after} {
  set breaks {}
  set kept [dict create]
  foreach link [dict get $after links] {
    dict incr kept [list [dict get $link sourcekey] [dict get $link targetkey]]
  }
  set tree [dict get $rule expression]
  foreach link [dict get $before links] {
    set pair [list [dict get $link sourcekey] [dict get $link targetkey]]
    if {[dict exists $kept $pair]} continue
    foreach end {source target} key $pair {
      if {![dict exists $before ends $end $key]} { set pair {} }
      if {![dict exists $after ends $end $key]} { set pair {} }
    }
    if {![llength $pair]} continue
    if {[evaluate $tree $link] eq "0"} { lappend breaks [list $link] }
  }
  return $breaks
}

# The rules that are broken.  Strictly: by what must have been judged between
# the two times; else by anything that is there.
proc rules::broken {before after strict} {
  variable rules
  variable strictly $strict
  set broken {}
  foreach rule $rules {
    set kind [dict get $rule kind]
    if {$kind eq "leaving"} {
      if {$strictly} {
        set breaks [breaks_of_leaving $rule $before $after]
      } else {
        set breaks [breaks_of_check $rule $before]
      }
    } else {
      set breaks [breaks_of_$kind $rule $after]
      if {$strictly && [dict get $rule when] eq "link"} {
        set breaks [lmap links $breaks {
          if {![is_news $rule $before $links]} continue
          set links
        }]
      }
    }
    if {[llength $breaks]} { lappend broken [dict get $rule name] }
  }
  return $broken
}

proc rules::kinds_of {names} {
  variable rules
  lmap rule $rules {
    if {[dict get $rule name] ni $names} continue
    dict get $rule kind
  }
}

# ---- statements ----

proc rules::literal {table column} {
  variable world
  return [pick [dict get $world tables $table columns $column]]
}

proc rules::condition_on {table} {
  variable world
  set columns [dict keys [dict get $world tables $table columns]]
  switch [below 5] {
    0 { return "" }
    1 {
      set column [pick $columns]
      return " WHERE $column >= [literal $table $column]"
    }
    default {
      set column [pick $columns]
      return " WHERE $column IS [literal $table $column]"
    }
  }
}

proc rules::tuple {table columns} {
  return "([join [lmap column $columns { literal $table $column }] {, }])"
}

proc rules::columns_to_insert {table} {
  variable world
  set columns [dict keys [dict get $world tables $table columns]]
  if {"id" in $columns && [dict get $world link] eq $table &&
      "id" ni [dict get $world sourcelink] && [chance 50]} {
    set columns [lsearch -all -inline -not -exact $columns id]
  }
  return $columns
}

proc rules::assignments {table} {
  variable world
  set columns [dict keys [dict get $world tables $table columns]]
  if {[dict get $world tables $table numbered] && [chance 8]} {
    return "rowid = [pick {1 2 3 4 5 {rowid + 10}}]"
  }
  set count [expr {[chance 70] ? 1 : 2}]
  set set {}
  for {set i 0} {$i < $count} {incr i} {
    set column [pick $columns]
    if {[chance 15] && $column in {p q}} {
      dict set set $column "$column + 1"
    } else {
      dict set set $column [literal $table $column]
    }
  }
  set text {}
  dict for {column value} $set { lappend text "$column = $value" }
  return [join $text ", "]
}

proc rules::conflict {} {
  pick {"" "" "" "" "" "OR IGNORE " "OR IGNORE " "OR REPLACE " "OR REPLACE "
    "OR REPLACE " "OR ABORT " "OR ABORT " "OR FAIL "}
}

proc rules::insert {table} {
  variable world
  set columns [columns_to_insert $table]
  set tuples {}
  for {set i [pick {1 1 1 1 2 3}]} {$i > 0} {incr i -1} {
    lappend tuples [tuple $table $columns]
  }
  set into "${table}([join $columns {, }])"
  set unique [dict get $world tables $table unique]
  if {[llength $unique] && [chance 20]} {
    set upsert " ON CONFLICT([join $unique {, }]) DO [pick [list NOTHING \
      "UPDATE SET [assignments $table]"]]"
    return "INSERT INTO $into VALUES [join $tuples {, }]$upsert"
  }
  if {[chance 20]} {
    return "INSERT [conflict]INTO $into SELECT * FROM (VALUES [join \
      $tuples {, }])"
  }
  return "INSERT [conflict]INTO $into VALUES [join $tuples {, }]"
}

proc rules::statement {} {
  variable world
  set table [pick [list [dict get $world link] [dict get $world link] \
    {*}[dict keys [dict get $world tables]]]]
  switch [below 9] {
    0 - 1 - 2 - 3 { return [insert $table] }
    4 - 5 - 6 {
      set where [condition_on $table]
      return "UPDATE [conflict]$table SET [assignments $table]$where"
    }
    default { return "DELETE FROM $table[condition_on $table]" }
  }
}

# ---- a world and its rules ----

proc rules::run_all {connection} {
  variable recursive
  $connection eval "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers =
    $recursive"
}

proc rules::world {} {
  variable world
  variable rules {}
  variable script {}
  variable recursive [expr {[chance 50] ? "ON" : "OFF"}]
  variable inside 0
  variable lossy 0
  variable over 0
  fresh
  set twin [file join $relate::folder twin.db]
  relate::delete $twin
  set world [expr {[chance 50] ? [world_of_many] : [world_of_one]}]
  plain free $twin
  foreach sql [dict get $world script] {
    lappend script $sql
    db eval $sql
    free eval $sql
  }
  run_all db
  run_all free
  for {set i 0} {$i < 14} {incr i} {
    set tables [dict keys [dict get $world tables]]
    set sql [insert [expr {$i < 7 ? [lindex $tables [expr {$i % 2 &&
      [llength $tables] > 1}]] : [dict get $world link]}]]
    lappend script $sql
    if {[catch {db eval $sql}] != [catch {free eval $sql}]} {
      return "one of the twins has refused: $sql"
    }
  }
  # SQLite counts foreign keys of a table with itself otherwise where the table
  # has triggers; so the twin has some, which do nothing.
  foreach table [dict keys [dict get $world tables]] {
    foreach event {INSERT UPDATE DELETE} {
      free eval "CREATE TRIGGER ${table}_$event AFTER $event ON $table
        BEGIN SELECT 1; END"
    }
  }
  if {[dict get $world declares] ne ""} {
    lappend script [dict get $world declares]
    db eval [dict get $world declares]
  }
  plain writer
  set wanted [pick {1 1 2 3}]
  for {set i 0} {$i < 12 && [llength $rules] < $wanted} {incr i} {
    set wrong [declare [rule r$i]]
    if {$wrong ne ""} { return $wrong }
  }
  run_all writer
  variable over [expr {![llength $rules]}]
  return ""
}

# Says a rule.  It is refused if, and only if, something breaks it already.
proc rules::declare {rule} {
  variable rules
  variable script
  # After REPLACE SQLite may let a foreign key of a table with itself lead
  # nowhere; what it counts from then on is nobody's business.
  if {[llength [free eval {PRAGMA foreign_key_check}]]} { return "" }
  set others $rules
  set contents [contents free]
  set rules [list $rule]
  set broken [broken $contents $contents 0]
  if {[dict get $rule kind] eq "leaving"} { set broken {} }
  set rules $others
  set sql [declaration $rule]
  lappend script $sql
  if {[catch {db eval $sql} message]} {
    tally declined
    if {![string match {*break*it already*} $message]} {
      return "not declared: $message"
    }
    if {![llength $broken]} { return "nothing breaks it: $message" }
    return ""
  }
  tally declared
  if {[llength $broken]} { return "declared, though broken" }
  lappend rules $rule
  return ""
}

# ---- steps ----

# How many rows differ.
proc rules::changed {before after} {
  set gone 0
  set come 0
  dict for {name rows} [dict get $before tables] {
    set others [dict get $after tables $name]
    foreach row $rows { if {$row ni $others} { incr gone } }
    foreach row $others { if {$row ni $rows} { incr come } }
  }
  return [expr {max($gone, $come)}]
}

proc rules::is_replacing {sql} { string match {*OR REPLACE*} $sql }

proc rules::is_updating {sql} {
  expr {[string match UPDATE* $sql] || [string match {*DO UPDATE*} $sql]}
}

# Named exceptions.  What triggers can't hold:
#
#   a link that OR REPLACE takes away without a DELETE trigger, since
#   recursive_triggers is off, is missed by what asks for it; a source that is
#   taken away so may owe something for ever, that is until ROLLBACK
#
#   rules with `when` link, by an UPDATE of several rows, where the first are
#   judged before the last have changed
#
#   a link that goes with a row of either end, in whose place OR REPLACE puts
#   another of the same key, does not go while both ends are there
proc rules::is_lost {sql kinds} {
  variable recursive
  if {![is_replacing $sql]} { return 0 }
  foreach kind $kinds {
    if {$kind eq "leaving"} continue
    if {$recursive eq "ON" || $kind ni {min_count having}} { return 0 }
  }
  return 1
}

# And what they refuse though the whole statement would have been right: they
# judge after each row.
proc rules::is_row_by_row {sql before after} {
  variable rules
  set many [expr {[changed $before $after] > 1}]
  set rows [string match {*), (*} $sql]
  # (Of several rows that become one by OR REPLACE only one may seem to change.)
  if {[is_updating $sql]} {
    return [expr {$many || $rows || [is_replacing $sql]}]
  }
  if {[is_replacing $sql] && $rows} { return 1 }
  set kinds [lmap rule $rules { dict get $rule kind }]
  if {"leaving" in $kinds && [is_replacing $sql] && $many} { return 1 }
  return [expr {"having" in $kinds && ($many || [is_replacing $sql])}]
}

proc rules::without_min_count {names} {
  variable rules
  lmap rule $rules {
    if {[dict get $rule name] ni $names} continue
    if {[dict get $rule kind] eq "min_count"} continue
    dict get $rule name
  }
}

proc rules::only_always {names} {
  variable rules
  lmap rule $rules {
    if {[dict get $rule name] ni $names} continue
    if {[dict get $rule when] ne "always"} continue
    dict get $rule name
  }
}

# What is wrong after a statement that both have run.
proc rules::judge_accepted {sql before after} {
  variable inside
  variable over
  if {[gist [contents writer]] ne [gist $after]} {
    return "the twins differ after: $sql"
  }
  set broken [broken $before $after 1]
  if {$inside} { set broken [without_min_count $broken] }
  if {[is_updating $sql] && [changed $before $after] > 1} {
    set broken [only_always $broken]
  }
  if {![llength $broken]} {
    tally accepted
    return ""
  }
  if {[is_lost $sql [kinds_of $broken]]} {
    tally lost
    set over 1
    return ""
  }
  return "broken: $broken, by: $sql"
}

# What is wrong after a statement that only the rules have refused.
proc rules::judge_refused {sql before after message} {
  variable inside
  set reason [broken $before $after 0]
  if {$inside} { set reason [without_min_count $reason] }
  if {[llength $reason] || [llength [free eval {PRAGMA foreign_key_check}]]} {
    tally refused
    return ""
  }
  # SQLite may count wrong: 'a' refers to 'A' of the same row, under NOCASE.
  if {!$inside && [catch {free eval COMMIT}]} {
    tally failed
    return ""
  }
  if {[is_row_by_row $sql $before $after]} {
    tally excused
    return ""
  }
  return "refused without a reason: $sql: $message"
}

proc rules::step {} {
  variable script
  variable inside
  if {$inside && [chance 25]} { return [commit] }
  if {!$inside && [chance 20]} {
    set inside 1
    variable lossy 0
    lappend script BEGIN
    writer eval BEGIN
    free eval BEGIN
    if {[chance 20]} {
      lappend script {PRAGMA defer_foreign_keys = ON}
      writer eval {PRAGMA defer_foreign_keys = ON}
      free eval {PRAGMA defer_foreign_keys = ON}
    }
  }
  return [write [statement]]
}

proc rules::write {sql} {
  variable script
  variable inside
  variable recursive
  variable lossy
  if {$recursive eq "OFF" && [is_replacing $sql]} { set lossy 1 }
  lappend script $sql
  set before [contents free]
  if {!$inside} { free eval BEGIN }
  set free_failed [catch {free eval $sql} free_message]
  set after [contents free]
  set failed [catch {writer eval $sql} message]
  if {$failed && !$free_failed} {
    set wrong [judge_refused $sql $before $after $message]
    if {$wrong eq "" && [gist [contents writer]] ne [gist $before] &&
        ![string match {*OR FAIL*} $sql]} {
      set wrong "something is left of: $sql"
    }
    roll_back
    end_of_fail $sql
    return $wrong
  }
  if {$free_failed} {
    set wrong ""
    # What a cascade does to the row that REPLACE is at depends on triggers.
    if {!$failed && $free_message ne "constraint failed"} {
      set wrong "the twin has refused: $sql: $free_message"
    }
    tally failed
    roll_back
    end_of_fail $sql
    return $wrong
  }
  set wrong [judge_accepted $sql $before $after]
  if {!$inside && [catch {free eval COMMIT} message] && $wrong eq ""} {
    set wrong "the twin has not committed: $sql: $message"
  }
  if {!$inside && $wrong eq ""} { set wrong [debts] }
  return $wrong
}

# OR FAIL keeps what came first, of which the twin knows nothing.
proc rules::end_of_fail {sql} {
  variable over
  if {[string match {*OR FAIL*} $sql]} { set over 1 }
}

proc rules::debts {} {
  if {![writer onecolumn {SELECT count(*) FROM sqlite_schema
      WHERE name = '_relationship_debt'}]} { return "" }
  set debts [writer eval {SELECT * FROM _relationship_debt}]
  return [expr {[llength $debts] ? "debts are left: $debts" : ""}]
}

# Both are as they were before the transaction; but for a writer to whom
# something has happened in autocommit that did not happen to the twin.
proc rules::roll_back {} {
  variable inside
  variable script
  variable over
  if {$inside} { lappend script ROLLBACK }
  catch {writer eval ROLLBACK}
  catch {free eval ROLLBACK}
  set inside 0
  if {[gist [contents writer]] ne [gist [contents free]]} { set over 1 }
}

proc rules::commit {} {
  variable inside
  variable script
  lappend script COMMIT
  set contents [contents free]
  set dangling [free eval {PRAGMA foreign_key_check}]
  set failed [catch {writer eval COMMIT} message]
  set free_failed [catch {free eval COMMIT} free_message]
  set inside 0
  tally commits
  set broken [broken $contents $contents 1]
  if {$free_failed || ($failed && [llength $dangling])} {
    catch {writer eval ROLLBACK}
    catch {free eval ROLLBACK}
    return [expr {$failed ? "" : "the twin has not committed: $free_message"}]
  }
  if {!$failed} {
    if {[llength $broken]} {
      variable lossy
      if {!$lossy || [lsort -unique [kinds_of $broken]] ne "min_count"} {
        return "committed, though broken: $broken"
      }
      tally lost
      variable over 1
    }
    return [debts]
  }
  writer eval ROLLBACK
  variable over 1
  tally refused
  # (A source that OR REPLACE has taken away without a DELETE trigger may still
  # owe something.)
  variable lossy
  if {"min_count" ni [kinds_of $broken] && !$lossy} {
    return "not committed without a reason: $message"
  }
  return ""
}

# A script of what led here.
proc rules::report {wrong} {
  variable script
  variable recursive
  return "-- $wrong\nPRAGMA foreign_keys = ON; PRAGMA recursive_triggers =\
    $recursive;\n[join $script ";\n"];"
}
