# The bench's report, of made-up rounds.

bats_require_minimum_version 1.5.0
load kit

# report ROUND...: what the report says of these rounds and the goals on stdin.
report() {
    cat >"$BATS_TEST_TMPDIR/goals"
    printf '%s\n' case,system,ns "$@" >"$BATS_TEST_TMPDIR/rounds.csv"
    run -0 awk -v csv="$BATS_TEST_TMPDIR/bench.csv" -v systems='pool glib' -v short="${short:-0}" \
        -f "$KIT/tools/bench/report.awk" "$BATS_TEST_TMPDIR/goals" "$BATS_TEST_TMPDIR/rounds.csv"
}

# says LINE...: the report has these lines, whatever the blanks.
says() {
    for line; do
        grep -qxF -- "$line" < <(tr -s ' ' <<<"$output" | sed 's/ $//') || {
            printf 'not in the report: %s\n%s\n' "$line" "$output" >&2
            return 1
        }
    done
}

@test "each figure has its median, and under it the least and the most, in one unit" {
    report map,pool,900 map,pool,1100 map,pool,20 map,pool,5000 map,glib,2e6 <<<'# no goals'
    says 'map 1.00 us 2.00 ms' ' 0.02..5.00 2.00..2.00'
    [ "$(cat "$BATS_TEST_TMPDIR/bench.csv")" = 'case,system,min,median,max
map,pool,20.00,1000.00,5000.00
map,glib,2000000.00,2000000.00,2000000.00' ]
}

@test "a goal is met or missed by the ratio of the medians" {
    report map,pool,100 map,glib,390 apply,pool,100 apply,glib,410 <<<'map glib pool >= 4
apply glib pool >= 4'
    says 'map glib / pool 3.90 >= 4 missed' 'apply glib / pool 4.10 >= 4 met' '1 of 2 goals met.'
}

@test "a goal can be about another case, or about the figure itself" {
    report map,pool,100 imap,pool,290 progress,pool,2e6 worker,pool,102400 <<<'imap pool map:pool <= 3
progress pool ms <= 1
worker pool KiB <= 200'
    says 'imap pool / map:pool 2.90 <= 3 met' 'progress pool, ms 2.00 <= 1 missed' 'worker 100 KiB -' \
        'worker pool, KiB 100 <= 200 met'
}

@test "what was not measured is not judged, nor is a short run" {
    report imap,pool,290 <<<'imap pool map:pool <= 3
imap glib pool >= 2'
    says 'imap pool / map:pool - (map:pool was not measured)' 'imap glib / pool - (glib was not measured)' \
        '0 of 0 goals met.'
    short=1 report imap,pool,290 <<<'imap pool ns <= 1'
    says 'imap pool, ns 290 <= 1 -'
    [[ $output != *'goals met'* ]] || { echo "goals of a short run: $output" >&2; return 1; }
}
