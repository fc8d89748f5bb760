#!/bin/sh
# newest.sh LIBRARY INTERPRETER: runs the suite on a newer SQLite than the
# system's.  The npm package better-sqlite3 brings the source along; it becomes
# a libsqlite3.so.0, kept in build/newest, that takes the place of the system's.
#
#   NEWEST=debug    built with SQLite's own assertions about how its API is used
set -eu

library=$1
interpreter=$2
version=12.11.1
folder=build/newest
flags='-O1'
if [ "${NEWEST:-}" = debug ]; then
  folder=build/newest-debug
  flags='-O0 -DSQLITE_DEBUG -DSQLITE_ENABLE_API_ARMOR -DSQLITE_STRICT_SUBTYPE=1'
fi

if [ "$(uname -s)" != Linux ]; then
  echo "newest.sh: knows only how to replace a shared library on Linux"
  echo "0 passed, 0 failed"
  exit 0
fi

fetch() {
  mkdir -p build/newest-source
  (
    cd build/newest-source
    archive=$(npm pack --silent "better-sqlite3@$version" 2>/dev/null | tail -n 1)
    tar -xzf "$archive" --strip-components=3 package/deps/sqlite3
    rm -f "$archive"
    echo "$version" > version
  )
}

build() {
  mkdir -p "$folder"
  # What Debian's has, so that everything linked with that runs on this.
  # shellcheck disable=SC2086
  gcc $flags -w -shared -fPIC -Wl,-soname,libsqlite3.so.0 \
    -DSQLITE_THREADSAFE=1 -DSQLITE_USE_URI -DSQLITE_SECURE_DELETE \
    -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_PREUPDATE_HOOK \
    -DSQLITE_ENABLE_SESSION -DSQLITE_ENABLE_UNLOCK_NOTIFY \
    -DSQLITE_ENABLE_FTS3 -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS5 \
    -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_DBSTAT_VTAB \
    -DSQLITE_ENABLE_STMTVTAB -DSQLITE_ENABLE_LOAD_EXTENSION \
    -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_MAX_VARIABLE_NUMBER=250000 \
    build/newest-source/sqlite3.c -o "$folder/libsqlite3.so.0.part" \
    -lm -ldl -lpthread
  cp build/newest-source/sqlite3.h build/newest-source/sqlite3ext.h "$folder"
  mv "$folder/libsqlite3.so.0.part" "$folder/libsqlite3.so.0"
}

if [ "$(cat build/newest-source/version 2>/dev/null)" != "$version" ]; then
  rm -rf build/newest build/newest-debug
  fetch
fi
if [ ! -f "$folder/libsqlite3.so.0" ]; then build; fi

echo "SQLite $(sed -n 's/^#define SQLITE_VERSION  *"\(.*\)"/\1/p' \
  "$folder/sqlite3.h")"
LD_LIBRARY_PATH=$PWD/$folder RELATE_LIBRARY=$library \
  RELATE_INTERPRETER=$interpreter tclsh test/run.tcl ${FILES:-}
