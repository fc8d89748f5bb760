#!/bin/sh
# run.sh LIBRARY ?LINKS?: what relate costs beside hand-written SQL, on a file
# and in memory; see bench.c.
set -eu

library=$1
folder=$(dirname "$library")
links=${2:-1000000}
case $library in /*) ;; *) library=./$library ;; esac

${CC:-gcc} -std=gnu99 -O2 -Wall -Wextra test/bench/bench.c \
  -o "$folder/bench" -lsqlite3
"$folder/bench" "$library" "$folder/bench.db" "$links"
rm -f "$folder/bench.db"
echo
"$folder/bench" "$library" :memory: "$links"
