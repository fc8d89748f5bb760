#!/bin/sh
# versions.sh WHICH LIBRARY INTERPRETER: runs the suite on another SQLite than
# the system's.  The npm package better-sqlite3 brings SQLite's source along; it
# becomes a libsqlite3.so.0, kept in build/sqlite-WHICH, that takes the place of
# the system's.
#
#   newest    the newest there is
#   debug     the newest, with SQLite's own assertions about how its API is used
#   oldest    3.37.0, the first that relate works with
set -eu

which=$1
library=$2
interpreter=$3
folder=build/sqlite-$which
package=12.11.1
flags='-O1'
case $which in
  debug)
    flags='-O0 -DSQLITE_DEBUG -DSQLITE_ENABLE_API_ARMOR'
    flags="$flags -DSQLITE_STRICT_SUBTYPE=1"
    ;;
  oldest) package=7.4.6 ;;
esac

if [ "$(uname -s)" != Linux ]; then
  echo "versions.sh: knows only how to replace a shared library on Linux"
  echo "0 passed, 0 failed"
  exit 0
fi

# sqlite3.c and its headers; older packages have them in an archive.
fetch() {
  mkdir -p "$folder"
  (
    cd "$folder"
    archive=$(npm pack --silent "better-sqlite3@$package" 2>/dev/null |
      tail -n 1)
    tar -xzf "$archive"
    if [ -f package/deps/sqlite3.tar.gz ]; then
      tar -xzf package/deps/sqlite3.tar.gz
    else
      cp package/deps/sqlite3/sqlite3*.[ch] .
    fi
    rm -rf "$archive" package
  )
}

# The system's Tcl binding wants every function that it was linked with.
fill_in() {
  [ "$which" = oldest ] || return 0
  echo 'int sqlite3_error_offset(sqlite3 *db) { return db ? -1 : -1; }' \
    >> "$folder/sqlite3.c"
}

# With what Debian's has, so that everything linked with that runs on this.
build() {
  # shellcheck disable=SC2086
  gcc $flags -w -shared -fPIC -Wl,-soname,libsqlite3.so.0 \
    -DSQLITE_THREADSAFE=1 -DSQLITE_USE_URI -DSQLITE_SECURE_DELETE \
    -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_PREUPDATE_HOOK \
    -DSQLITE_ENABLE_SESSION -DSQLITE_ENABLE_UNLOCK_NOTIFY \
    -DSQLITE_ENABLE_FTS3 -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS5 \
    -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_DBSTAT_VTAB \
    -DSQLITE_ENABLE_STMTVTAB -DSQLITE_ENABLE_LOAD_EXTENSION \
    -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_ENABLE_JSON1 \
    -DSQLITE_MAX_VARIABLE_NUMBER=250000 \
    "$folder/sqlite3.c" -o "$folder/libsqlite3.so.0.part" -lm -ldl -lpthread
  mv "$folder/libsqlite3.so.0.part" "$folder/libsqlite3.so.0"
  echo "$package" > "$folder/package"
}

if [ "$(cat "$folder/package" 2>/dev/null)" != "$package" ]; then
  rm -rf "$folder"
  fetch
  fill_in
  build
fi

echo "SQLite $(sed -n 's/^#define SQLITE_VERSION  *"\(.*\)"/\1/p' \
  "$folder/sqlite3.h")"
LD_LIBRARY_PATH=$PWD/$folder RELATE_LIBRARY=$library \
  RELATE_INTERPRETER=$interpreter tclsh test/run.tcl ${FILES:-}
