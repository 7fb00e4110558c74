#!/bin/sh
# coverage.sh - which lines of pool/ the library's tests execute; `make coverage` builds what it needs first.
#
# usage: sh tools/coverage.sh BUILD PERCENT
#
# What is built with gcc's --coverage lies in BUILD/coverage.
#
# Runs the library's tests, built with gcc's --coverage, and prints for each file how many lines there are to execute,
# which part of them was, and the numbers of those that were not. Ends with 1 if a test fails, or if less than PERCENT
# (95) of all lines were executed.

set -eu
cd "$(dirname "$0")/.."
BUILD=$1/coverage
least=$2

rm -f "$BUILD"/*.gcda "$BUILD"/*.gcov
failed=0
# Left out is a spawn beside threads that hold locks: gcov wants one of these, too, where the library wants none; and
# what limits the size of files or lets many processes exit at once: gcov writes files then, and complains.
UNIT_SLOW=1 "$BUILD/unit" '^S13 H4 pools are spawned' '^G16 limits on files' '^a limit for the size of files' \
    '^exit and its like' >"$BUILD/unit.tap" || failed=1
grep -A 20 '^not ok' "$BUILD/unit.tap" | grep -v '^ok' || true
tail -n 1 "$BUILD/unit.tap"

for file in pool/*.c; do
    gcov -t -o "$BUILD" "$file" >"$BUILD/$(basename "$file").gcov" 2>/dev/null
done
awk -F : -v least="$least" '
function span() { return from == to ? from : from "-" to }
function end_of_file() {
    if (!file) return
    if (to) missed = missed " " span()
    printf "%-18s %5d lines %6.1f %%  %s\n", file, lines, lines ? 100 * hit / lines : 100, missed
    all += lines; all_hit += hit
}
FNR == 1 { end_of_file(); file = lines = hit = to = 0; missed = "" }
$3 == "Source" && !file { file = $4 }
{ sub(/^ */, "", $1); line = $2 + 0 }
$1 ~ /^#####|^=====/ { lines++; if (to) { if (last == to) to = line; else { missed = missed " " span(); from = to = line } }
                       else from = to = line; last = line }
$1 ~ /^[0-9]/ { lines++; hit++; last = line }
END {
    end_of_file()
    printf "%-18s %5d lines %6.1f %%  at least %s are wanted\n", "all", all, 100 * all_hit / all, least
    exit 100 * all_hit / all < least
}' "$BUILD"/*.c.gcov || failed=1
exit $failed
