# Chapter 13: S23, the factorials of 1 to 100, what it took to have them, and when a pool pays. What is measured is not
# judged: only that all of it is there, and that the results are right (the program ends with status 1 if they are not).
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch13
}

setup() {
    [[ $BATS_TEST_DESCRIPTION == *"without GMP"* ]] || echo '#include <gmp.h>' | gcc -E - >/dev/null 2>&1 ||
        skip "needs libgmp-dev"
}

# lines_match REGEX...: $output has one line for each regex, which matches all of it.
lines_match() {
    local i=0 regex
    [ ${#lines[@]} -eq $# ] || { echo "$# lines expected, got ${#lines[@]}: $output" >&2; return 1; }
    for regex; do
        [[ ${lines[i]} =~ ^$regex$ ]] || { echo "line $((i + 1)): ${lines[i]}, not $regex" >&2; return 1; }
        i=$((i + 1))
    done
}

@test "ch13: both tables are complete, with the document's figures; the factorials are right; the plot is drawn" {
    local plot=$BATS_TEST_TMPDIR/plot.svg
    if command -v gnuplot; then
        kit_run -0 -t60 ch13 "$plot"
        for word in ideal apply apply_async map in_chunks own_pool prefers-color-scheme '</svg>'; do
            grep -q "$word" "$plot"
        done
    else
        kit_run -0 -t60 ch13
    fi
    cores=$(awk '$1 == "map" { print $2 }' <<<"$output") n=' +[0-9]+\.[0-9]+' row=' +[0-9.]+( +[0-9]+\.[0-9][0-9]){5}'
    lines_match '100! = 93326215443944152681\.\.\., 158 digits: [0-9.]+ us \(29\.1 us\)' \
        'idle: [0-9]+\.[0-9] of [0-9]+ cores(, so times will not be as in the book)?' \
        'broken: one stopwatch; in brackets the document.s figures' \
        "  handed a pool of 50, it uses $cores workers: [0-9.]+ ms \(165 ms\)" \
        "  handed a pool of  1, it uses $cores workers: [0-9.]+ ms \(152 ms\)" \
        'cured: three stopwatches, in ms' \
        '100 tasks by +workers +open, join +hand over +with work +document' \
        "loop +- +- +-$n +0\.594" \
        "apply +$cores$n$n$n +130" \
        "apply_async +$cores$n$n$n +156" \
        "map +$cores$n$n$n +166" \
        "in_chunks +$cores$n$n$n +144" \
        "apply_async +50$n$n$n +165" \
        "apply_async +1$n$n$n +152" \
        "when does a pool of $cores pay\? times as fast as the loop:" \
        ' us_per_task +apply +apply_async +map +in_chunks +own_pool' \
        "$row" "$row" "$row" "$row" "$row" "$row" "$row" "$row" "$row" \
        ' +pays from( +(never|[0-9]+\.[0-9][0-9])){5}'
    # it pays from the row after the last one in which it was not a tenth faster; 1.10 may be either, rounded
    awk '/us_per_task/ { rows = 1; next }
         /pays from/ { for (way = 2; way <= 6; way++)
                           for (row in cost) {
                               late = $(way + 1) == "never" || cost[row] < $(way + 1)
                               if (!late && gain[row, way] < 1.1) exit 1
                               if (late && (row == 9 || cost[row + 1] == $(way + 1)) && gain[row, way] > 1.1) exit 1
                           } }
         rows { n++; cost[n] = $1; for (way = 2; way <= 6; way++) gain[n, way] = $way }' <<<"$output"
}

@test "ch13: without gnuplot, or a file to write, it says so before it measures" {
    run -77 env PATH=/nowhere "$KIT/build/run" -l "$KIT/ch13" "$BATS_TEST_TMPDIR/plot.svg"
    assert_output "ch13 draws with gnuplot: apt-get install gnuplot-nox, then the same again"
    assert [ ! -e "$BATS_TEST_TMPDIR/plot.svg" ]
    command -v gnuplot || skip "needs gnuplot-nox"
    kit_run -1 ch13 /nowhere/plot.svg
    assert_output "/nowhere/plot.svg: No such file or directory"
}

@test "ch13: what is no file's name is refused" {
    for arguments in "-x" "plot" "a.svg b.svg"; do
        kit_run -2 ch13 $arguments
        assert_output "usage: ./ch13 [FILE.svg]"
    done
}

@test "ch13: built without GMP it names the package and the command, status 77" {
    kit_without ch13 gmp.h GMP libgmp-dev
}
