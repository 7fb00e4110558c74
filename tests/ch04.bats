# Chapter 4: S26, S27 and S39 the get, S06 done and late, S40 a freed pool cuts its tasks, S34 errors nobody asks for.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch04 ch04b ch04c
}

expected() {
    cat <<'END'
A second lasts 50 ms here.
broken: a loop over no handles: 0 posts
cured: a loop over all of them: 2000 posts
broken: a second for each handle
  waits: LATE
  waits: DONE, 50 posts
  waits: LATE
  waits: FAILED, item 0: there is no page 11
  waits: LATE
  in <time> seconds
cured: a second for all of them
  waits: LATE
  looks: DONE, 50 posts
  looks: LATE
  looks: FAILED, item 0: there is no page 11
  looks: LATE
  in <time> seconds
freed: 3 slow pages begun, 0 finished
END
}

@test "ch04: each handle is asked, one second is shared, slow pages are cut" {
    kit_run -0 ch04
    expected | kit_match -
}

@test "ch04: prints the same on a busy machine, run after run" {
    kit_busy 6 ch04 < <(expected)
}

@test "ch04: three late handles take three seconds if each has its own, and one second if they share it" {
    export SCALE=0.02
    kit_run -0 ch04
    assert_line -n 0 'A second lasts 20 ms here.'
    read -r -d '' each together < <(sed -n 's/^  in \([0-9]*\)\.[0-9] seconds$/\1/p' <<<"$output") || true
    kit_that 'each >= 3 && together >= 1' # at least: a busy machine may take longer
}

# asked N LINE: what the N tasks of ch04b print, and LINE if the join is asked.
asked() {
    local last=$(($1 - 1))
    echo "broken: nobody looks"
    seq -f '[%g] Starting ...' 0 $last
    printf '[+] Total workers: %d\n  0 of %d finished, exit status 0\n' "$1" "$1"
    echo "cured: the join is asked"
    seq -f '[%g] Starting ...' 0 $last
    echo "pool_join: $1 jobs failed and nobody looked; the first: item 0: No such file or directory"
    printf '[+] Total workers: %d\n  0 of %d finished, exit status 1\n' "$1" "$1"
}

@test "ch04b: five tasks or fifty: all begin, none finishes, and only one who looks hears of it" {
    kit_run -0 ch04b
    kit_match <(asked 5) unordered=/Starting/
    kit_run -0 ch04b 50
    kit_match <(asked 50) unordered=/Starting/
    kit_busy 4 ch04b unordered=/Starting/ < <(asked 5)
}

@test "ch04b: what is no number of tasks is refused" {
    for tasks in 0 1001 few 5.5; do
        kit_run -2 ch04b "$tasks"
        assert_output "'$tasks': give a number from 1 to 1000"
    done
}

@test "ch04b: one who only waits has not asked, and a handle given back is counted; one who gets has asked" {
    local from='check(pool_apply_async(pool, fronter, &i, sizeof i, 0, NULL));'
    local job=${from#check(} unseen="pool_join: 5 jobs failed and nobody looked; "
    job=${job%);}
    kit_altered ch04b "$from" "check(pool_result_wait($job, POOL_FOREVER) == 0);"
    kit_run -0 build/ch04b-altered
    assert_output --partial "$unseen"
    kit_altered ch04b "$from" "pool_result_free($job);"
    kit_run -0 build/ch04b-altered
    assert_output --partial "$unseen"
    kit_altered ch04b "$from" "check(pool_result_get($job, NULL, POOL_FOREVER) == -1);"
    kit_run -0 build/ch04b-altered
    refute_output --partial "$unseen"
    assert_equal "${lines[-1]}" "  0 of 5 finished, exit status 0"
}

@test "ch04c: each failure is named; fail_fast ends the rest, and cancelling a job that hangs" {
    local expected="$BATS_TEST_TMPDIR/failures"
    cat >"$expected" <<'END'
all of them: 10 of 10 items are done, 3 of them failed
  2 3 - 4 5 - 6 7 8 -
  item 2: -1 has no root
  item 5: -4 has no root
  item 9: -9 has no root
fail_fast: 10 of 10 items are done, 8 of them failed
cancelled: 10 of 10 items are done, 10 of them failed
END
    kit_run -0 ch04c
    kit_match "$expected"
    kit_busy 4 ch04c <"$expected"
}

@test "ch04: a SCALE that is no number of seconds is refused" {
    SCALE=fast kit_run -2 ch04
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}
