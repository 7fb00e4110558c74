# A short form of `make torture`: workers are killed, everything is answered.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build build/torture build/steps build/calls
}

@test "torture: 500 random kills: every item is answered, at most as many errors as kills" {
    kit_run -0 -t120 build/torture 500
    assert_output --partial "500 kills"
}

@test "steps: a worker, and its successor, killed after single instructions" {
    kit_run -t200 build/steps 149
    ((status != 77)) || skip "ptrace is not allowed here"
    assert_success
    kit_holds "a worker: killed " "a successor: killed " "a putter: killed " "a getter: killed "
}

@test "calls: system calls of the caller, the nursery and the workers that fail once: a clean error, and nothing is left" {
    kit_run -t200 build/calls 41
    ((status != 77)) || skip "ptrace is not allowed here"
    kit_holds "forked: " "traced: " "spawned: " "threads: " "orphaned: "
    assert_line "0 not clean"
    assert_success
}
