# Chapter 4: S26, S27 and S39 the get, S06 done and late, S40 a freed pool cuts its tasks, S34 errors nobody asks for.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch04
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
broken: errors are kept for one who asks
  50 Starting, 0 Finish, exit status 0
cured: a join that counts them
  pool_join: 50 jobs failed and nobody looked; the first: item 0: No such file or directory
  50 Starting, 0 Finish, exit status 1
END
}

@test "ch04: each handle is asked, one second is shared, slow pages are cut, 50 errors are counted" {
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

@test "ch04: one who only waits has not asked, and a handle given back is counted; one who gets has asked" {
    local from='check(pool_apply_async(pool, fetch, NULL, 0, 0, NULL));'
    local job=${from#check(} unseen="  pool_join: 50 jobs failed and nobody looked; "
    job=${job%);}
    kit_altered ch04 "$from" "check(pool_result_wait($job, POOL_FOREVER) == 0);"
    kit_run -0 build/ch04-altered
    assert_output --partial "$unseen"
    kit_altered ch04 "$from" "pool_result_free($job);"
    kit_run -0 build/ch04-altered
    assert_output --partial "$unseen"
    kit_altered ch04 "$from" "check(pool_result_get($job, NULL, POOL_FOREVER) == -1);"
    kit_run -0 build/ch04-altered
    refute_output --partial "$unseen"
    assert_equal "${lines[-1]}" "  50 Starting, 0 Finish, exit status 0"
}

@test "ch04: a SCALE that is no number of seconds is refused" {
    SCALE=fast kit_run -2 ch04
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}
