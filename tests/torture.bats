# A short form of `make torture`: processes are killed, held, and refused what they ask for; everything is answered.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build build/torture build/steps build/held build/killed build/calls build/wake
}

# where_ptrace SECONDS NAME...: runs build/NAME, which needs ptrace.
where_ptrace() {
    kit_run -t"$1" "build/${@:2}"
    ((status != 77)) || skip "ptrace is not allowed here"
    assert_success
}

@test "torture: processes killed at random: every item is answered, and failed only by a kill" {
    kit_run -0 -t120 build/torture 500
    assert_output --partial " kills, "
}

@test "steps: a worker, and its successor, killed after single instructions" {
    where_ptrace 200 steps 149
    kit_holds "worker: killed " "successor: killed " "putter: killed " "getter: killed " "waking: killed " \
        "closer: killed " "lock: held " "opener: killed " "timer: killed "
}

@test "held: a worker, or the nursery, held at single instructions while everybody else goes on" {
    where_ptrace 200 held 149
    kit_holds "record: held " "putter: held " "getter: held " "rival: held " "joiner: held " "innocent: " \
        "woken: held " "condemned: " "orphan: "
}

@test "killed: the caller, the nursery and the workers killed after single instructions of what they do" {
    where_ptrace 200 killed 1
    assert_output --partial "0 not clean"
}

@test "calls: system calls of the caller, the nursery and the workers that fail once: a clean error, and nothing is left" {
    where_ptrace 200 calls 41
    kit_holds "forked: " "traced: " "spawned: " "threads: " "orphaned: " "0 not clean"
}

@test "wake: a model of who wakes whom loses no job, but for each variant in which a step is left out" {
    kit_run -0 -t200 build/wake
    assert_output --partial "as it is: "
}
