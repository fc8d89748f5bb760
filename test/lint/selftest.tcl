# selftest.tcl: every check of ours finds what it is there to find.
#
# A small extension, made in a folder of its own, passes all of them; then one
# fault after another is planted in it, and the check must fail, and say where.

package require Tcl 8.6

set lint [file dirname [file normalize [info script]]]
set top [file dirname [file dirname $lint]]
set folder [file join /tmp relate-lint-[pid]]
set compiler [expr {[info exists env(CC)] ? $env(CC) : "cc"}]
set library $folder/relate.so

set sources [dict create \
  relate_int.h {
/* ---- layer 0: low.c: at the bottom ---- */
int low(int number);
/* ---- layer 1: left.c: one of two ---- */
int left(int number);
/* ---- layer 1: right.c: the other ---- */
int right(int number);
/* ---- layer 2: top.c: at the top ---- */
int sqlite3_relate_init(void);
} low.c {
#include "relate_int.h"
const char *const low_names[] = {"a", "b"};
int low(int number) { return number + (low_names[0] != 0); }
/* LOW */
} left.c {
#include "relate_int.h"
int left(int number) { return low(number); }
/* LEFT */
} right.c {
#include "relate_int.h"
int right(int number) { return low(number); }
} top.c {
#include "relate_int.h"
static void format(const char *text, ...) { (void)text; }
static void say(void *sql, const char *text, ...) { (void)sql, (void)text; }
static void failure_set(void *failure, int code, const char *text, ...) {
  (void)failure, (void)code, (void)text;
}
void use(void *sql, const char *name);
void use(void *sql, const char *name) {
  format("SELECT * FROM \"%w\" WHERE x = %Q", name, name);
  say(sql, "%s\"%w\"", /* safe: a literal */ ", ", name);
  failure_set(sql, 1, "no %s FROM %s", name, name); /* it's; "a */
  say(sql, " ON DELETE %s%s",
      name /* safe: a word of SQL */, name ? ", " : "");
  /* TOP */
}
__attribute__((visibility("default"))) int sqlite3_relate_init(void) {
  return left(1) + right(1);
}
}]

proc write {path text} {
  set channel [open $path w]
  puts -nonewline $channel $text
  close $channel
}

# Compiles the extension with one change; the error, or "".
proc build {file mark planted} {
  global sources folder compiler library
  file delete -force $folder
  file mkdir $folder
  dict for {name text} $sources {
    if {$name eq $file} {
      if {[string first $mark $text] < 0} { error "no $mark in $file" }
      set text [string map [list $mark $planted] $text]
    }
    write $folder/$name $text
    if {[file extension $name] eq ".c"} { lappend files $folder/$name }
  }
  foreach path $files {
    set object [file rootname $path].o
    exec $compiler -w -O1 -fPIC -fvisibility=hidden -c $path -o $object
  }
  exec $compiler -shared {*}[glob $folder/*.o] -o $library
}

proc run {check} {
  global lint folder library
  set script $lint/$check.tcl
  switch $check {
    layers { set arguments [list $folder {*}[glob $folder/*.o]] }
    symbols { set arguments [list $library {*}[glob $folder/*.o]] }
    sql { set arguments [glob $folder/*.c] }
  }
  if {[catch {exec tclsh $script {*}$arguments 2>@1} output]} {
    return $output
  }
  return ""
}

set faults {
  {layers "a call upward" low.c {/* LOW */}
    {int up(void); int up(void) { return left(1); }}
    "low.c (layer 0) uses left of left.c (layer 1)"}
  {layers "a call aside" left.c {/* LEFT */}
    {int aside(void); int aside(void) { return right(1); }}
    "left.c (layer 1) uses right of right.c (layer 1)"}
  {layers "a file without a banner" relate_int.h {layer 1: right.c} {right.c}
    "right.c has no banner"}
  {layers "a banner without a file" relate_int.h {layer 1: left.c: one of two}
    {layer 1: gone.c: not there} "gone.c has a banner, but is not there"}
  {layers "banners out of order" relate_int.h {layer 2: top.c} {layer 0: top.c}
    "out of order"}
  {layers "a banner in another form" relate_int.h {at the top ----} {at the top}
    "not the form of a banner"}
  {symbols "a second exported symbol" top.c {void use(void *sql, const char *name) \{}
    {__attribute__((visibility("default"))) void use(void *sql, const char *name) \{}
    "use is exported"}
  {symbols "no entry point" top.c {__attribute__((visibility("default"))) int} {int}
    "sqlite3_relate_init is not exported"}
  {symbols "a static variable" low.c {return number} {static int n; n += number; return n}
    "low.c: n"}
  {symbols "a variable with a value" low.c {/* LOW */} {int counter = 7;}
    "low.c: counter can be written"}
  {symbols "a table that is not constant" low.c {*const low_names} {*low_names}
    "low.c: low_names can be written"}
  {sql "a name without quotes" top.c {/* TOP */}
    {format("SELECT * FROM %w", name);} "%w outside of double quotes"}
  {sql "a name in single quotes" top.c {/* TOP */}
    {format("SELECT '%w'", name);} "%w outside of double quotes"}
  {sql "a bare %s" top.c {/* TOP */}
    {format("DELETE FROM %s", name);} "%s without"}
  {sql "a bare %s with a width" top.c {/* TOP */}
    {format("DELETE FROM \"%w\" WHERE %.*s", name, 3, name);} "%.*s without"}
  {sql "a bare %q" top.c {/* TOP */}
    {format("PRAGMA " "x = '%q'", name);} "%q without"}
  {sql "a piece of SQL" top.c {/* TOP */}
    {say(sql, ", %s", name);} "%s without"}
  {sql "safe, but said of another statement" top.c {/* TOP */}
    {use(sql, "a" /* safe: of this one */); say(sql, ", %s", name);} "%s without"}
  {sql "two, one of them safe" top.c {/* TOP */}
    {say(sql, ", %s%s", name /* safe: a word */, name);} "%s and %s without"}
  {sql "a choice that is no literal" top.c {/* TOP */}
    {say(sql, "%s\"%w\"", name ? name : "", name);} "%s without"}
  {sql "safe, but no reason" top.c {/* TOP */}
    {say(sql, ", %s", /* safe: */ name);} "%s without"}
}

set wrong {}
build low.c {/* LOW */} ""
foreach check {layers symbols sql} {
  set output [run $check]
  if {$output ne ""} { lappend wrong "$check finds fault with good code: $output" }
}
foreach fault $faults {
  lassign $fault check name file mark planted expected
  set mark [string map {\\\{ \{} $mark]
  set planted [string map {\\\{ \{} $planted]
  build $file $mark $planted
  set output [run $check]
  if {[string first $expected $output] < 0} {
    lappend wrong "$check does not find $name; it says: $output"
  }
}
file delete -force $folder

if {[llength $wrong]} {
  puts [join $wrong \n]
  exit 1
}
