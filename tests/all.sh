#!/bin/sh
# all.sh - runs all tests and counts them; `make test` builds what it needs first.
#
# Files of tests run side by side, one for each core: the library's (build/unit), and each tests/*.bats. A line tells
# how each went; whatever failed is shown in full at the end. The last line counts tests: "N passed, N failed".

set -u
BUILD=${BUILD:-build}
out=$BUILD/test
rm -rf "$out"
mkdir -p "$out"

# What xargs runs: one file of tests. A file that breaks off without a failed test counts as one.
cat >"$out/one.sh" <<'END'
name=$(basename "$2")
case $2 in
*.bats) bats --tap "$2" >"$1/$name.tap" 2>&1 ;;
*) "$2" >"$1/$name.tap" 2>&1 ;;
esac
status=$?
passed=$(grep -c '^ok ' "$1/$name.tap")
failed=$(grep -c '^not ok ' "$1/$name.tap")
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    failed=1
    echo "not ok: $name ended with status $status" >>"$1/$name.tap"
fi
echo "$passed $failed" >"$1/$name.count"
printf '%-12s %3d passed, %d failed\n' "$name" "$passed" "$failed"
END

echo 'tests:'
{
    echo "$BUILD/unit"
    ls tests/*.bats
} | xargs -P "$(nproc)" -n 1 sh "$out/one.sh" "$out"

for count in "$out"/*.count; do
    read -r _ failed <"$count"
    [ "$failed" -eq 0 ] || {
        echo "--- $(basename "$count" .count)"
        grep -v '^ok ' "${count%.count}.tap"
    }
done
cat "$out"/*.count | awk '{ passed += $1; failed += $2 }
    END { printf "%d passed, %d failed\n", passed, failed; exit failed || !passed }'
