# Chapter 14: S03 a process per task or a pool, S08 memory, S29 ten pages served one at a time, S43 the size found by
# trying. What is measured is not judged; but sleeps never end early, so that some times have a lower bound.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch14
}

setup() {
    [[ $BATS_TEST_DESCRIPTION == *"without GMP"* ]] || echo '#include <gmp.h>' | gcc -E - >/dev/null 2>&1 ||
        skip "needs libgmp-dev"
}


@test "ch14: processes, memory, pages and sizes: all tables are complete, and what is certain is so; the plot is drawn" {
    [ -r /proc/self/smaps_rollup ] || skip "needs a kernel that tells of PSS"
    local plot=$BATS_TEST_TMPDIR/plot.svg
    if command -v gnuplot; then
        kit_run -0 -t60 ch14 "$plot"
        for word in ideal waits in_turn computes prefers-color-scheme '</svg>'; do
            grep -q "$word" "$plot"
        done
    else
        kit_run -0 -t60 ch14
    fi
    { # each row once: what is measured is a hole
        echo "idle: 2.0 of 2 cores"
        echo "1000 factorials                  right  processes  each takes"
        echo "slow: a process per task           1000       1000   <time> us"
        echo "cured: a pool, chunks of 1         1000          4     <time> us"
        echo "cured: a pool, chunks of 50        1000          4     <time> us"
        echo "cured: long-lived loops            1000          4     <time> us"
        echo "memory in MiB: workers  counted    RSS    PSS  written  CPU ms"
        echo "                     1        1    <ms>    <ms>      <ms>  <ms>"
        echo "                     4        4    <ms>    <ms>      <ms>  <ms>"
        echo "                    50       50   <ms>    <ms>     <ms>  <ms>"
        echo "                   100      100  <ms>    <ms>    <ms>  <ms>"
        echo "10 pages: workers  together  served at once   takes  document"
        echo "                1         1               1   <ms>     10.30"
        echo "                4         4               1    <ms>      7.64"
        echo "               10        10               1    <ms>      7.64"
        echo "              100        10               1    <ms>      8.24"
        echo "32 tasks, how much faster than with one worker?"
        echo "  workers    waits  in_turn computes"
        for size in 1 2 4 8 16 32 64; do
            echo " $size <ms> <ms> <ms>"
        done
        echo "   enough <ms> <ms> <ms>"
    } | kit_match - 'like=/^idle: [0-9.]+ of [0-9]+ cores/'
    output=$(tail -n +2 <<<"$output")
    for row in 7 8 9 10; do # written: at least a MiB of its own for each; and RSS counts what is shared each time
        awk -v row=$row 'NR == row && !($5 >= $1 && $5 > $4 && $3 > $4) { exit 1 }' <<<"$output"
    done
    for row in 12 13 14 15; do # two latencies and one turn after the other, and no less
        awk -v row=$row 'NR == row && $4 < (row == 12 ? 10.22 : 7.61) { exit 1 }' <<<"$output"
    done
}

@test "ch14: an argument that is no file's name, and a SCALE that is no number, are refused" {
    kit_run -2 ch14 plot
    assert_output "usage: ./ch14 [FILE.svg]"
    SCALE=fast kit_run -2 ch14
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}

@test "ch14: built without GMP it names the package and the command, status 77" {
    kit_without ch14 gmp.h GMP libgmp-dev
}
