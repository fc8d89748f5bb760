#!/bin/sh
# stages.sh STAGE ...: runs `make test-STAGE` for each, one after another, and
# ends with the sum of what they counted.  A stage that fails without counting
# a failure, or ends without `N passed, N failed`, is one failure.
set -u

make=${MAKE:-make}
passed=0
failed=0
log=$(mktemp)
status=$(mktemp)
trap 'rm -f "$log" "$status"' EXIT

for stage in "$@"; do
  echo "---- $stage ----"
  { $make -s --no-print-directory "test-$stage" 2>&1; echo $? > "$status"; } |
    tee "$log"
  counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" |
    tail -n 1)
  good=${counts%% *}
  bad=${counts##* }
  if [ -z "$counts" ] || { [ "$(cat "$status")" != 0 ] && [ "$bad" = 0 ]; }
  then
    echo "the stage $stage did not end well"
    bad=$((${bad:-0} + 1))
  fi
  passed=$((passed + ${good:-0}))
  failed=$((failed + bad))
done

echo "---- all of it ----"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
