#!/bin/sh
# coverage.sh FOLDER INTERPRETER: runs the suite on the extension of the
# folder, which is compiled with --coverage, and prints for each file the
# branches that were taken, then the sums of lines and branches, then the
# counts of the suite.
set -u

folder=$1
interpreter=$2
log=$folder/suite.log

find "$folder" -name '*.gcda' -exec rm -f {} +
RELATE_LIBRARY=$folder/relate.so RELATE_INTERPRETER=$interpreter \
  tclsh test/run.tcl > "$log" 2>&1
status=$?
if [ $status != 0 ]; then cat "$log"; fi

# A failing gcovr must not look like a suite that has passed.
gcovr --root . --object-directory "$folder/obj" "$folder/obj" --filter ext/ \
  --branches --print-summary --exclude-throw-branches || status=1
tail -n 1 "$log"
exit $status
