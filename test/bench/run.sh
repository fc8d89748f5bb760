#!/bin/sh
# run.sh LIBRARY ?ONLY? ?LINKS?: what relate costs beside hand-written SQL, on a
# file and in memory; see bench.c.
set -eu

library=$1
only=${2:-}
links=${3:-1000000}
folder=$(dirname "$library")
case $library in /*) ;; *) library=./$library ;; esac

${CC:-gcc} -std=gnu99 -O2 -Wall -Wextra -Wno-missing-field-initializers \
  test/bench/*.c -o "$folder/bench" -lsqlite3
"$folder/bench" "$library" "$folder/bench.db" "$links" "$only"
rm -f "$folder/bench.db"
echo
"$folder/bench" "$library" :memory: "$links" "$only"
