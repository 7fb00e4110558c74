# Chapter 10: S08, a worker that is killed costs one item, and a caller that is killed leaves nobody.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch10
}

expected() {
    cat <<'END'
broken: one pipe for all workers, with a lock
  a busy worker is killed:  9 of 10 answers, HANGS: all 4 asleep
  an idle one is killed:    0 of 10 answers, HANGS: all 4 asleep
  the caller is killed:     8 processes live on
better: a pipe to each worker
  a busy worker is killed:  9 of 10 answers, item 5 is lost
  an idle one is killed:    10 of 10 answers
  the caller is killed:     8 processes live on
cured: our pool
  a busy worker is killed:  9 of 10 answers, 1 killed, 4 workers
    item 5: worker <pid:one> was killed by SIGKILL (by hand, or by the system because memory ran out)
  an idle one is killed:    10 of 10 answers, 1 killed, 4 workers
  a busy one, 2 retries:    10 of 10 answers, 1 killed, 4 workers
  each time, 2 retries:     9 of 10 answers, 3 killed, 4 workers
    item 5: worker <pid:two> was killed by SIGKILL (by hand, or by the system because memory ran out)
  the caller is killed:     0 processes live on
END
}

# Where a process is killed is decided by meeting points, so ten runs are alike.
@test "ch10: what a killed worker costs, and who outlives a killed caller; nothing is left, run after run" {
    for run in {1..10}; do
        kit_run -0 ch10
        expected | kit_match -
    done
}

@test "ch10: prints the same on a busy machine" {
    kit_busy 1 ch10 < <(expected)
}

@test "ch10: a SCALE that is no number is refused" {
    SCALE=fast kit_run -2 ch10
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}

@test "ch10: nobody outlives it when its output is cut off" {
    kit_cut_off ch10
}
