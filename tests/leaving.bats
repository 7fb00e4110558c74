# C++ exceptions, and pthread_exit() over destructors, out of tasks, initializers, callbacks and sources.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build lib
    command -v g++ >/dev/null || return 0
    g++ -std=c++17 -O1 -g -Wall -Wextra -I"$KIT/pool" -o "$KIT/build/leaving" "$KIT/tests/leaving.cc" \
        "$KIT/build/libpool.a" -pthread
}

setup() { command -v g++ >/dev/null || skip "there is no C++ compiler here (package g++)"; }

# all_is_well WHAT: nothing is told but that.
all_is_well() {
    kit_run -0 build/leaving "$1"
    assert_output "handlers and destructors elsewhere: 0"
}

# in_processes HOW: what leaves a task ends the worker, and comes to no handler and no destructor of main's.
in_processes() {
    kit_run -0 build/leaving "$1"
    assert_output --partial "was killed by SIGABRT (abort: a failed assertion, a corrupted heap, or a C++ exception)"
    assert_output --partial "bad beginning"
    assert_output --partial "bad record"
    assert_output --partial "ended itself with exit code 0 in the middle of it"
    assert_output --partial "handlers and destructors elsewhere: 0"
    refute_output --partial "not so"
    refute_output --partial "main() has caught it"
}

@test "leaving: processes" { in_processes process; }
@test "leaving: spawned processes" { in_processes spawn; }

@test "leaving: an exception in a thread ends the program, as in any thread" {
    kit_run build/leaving thread
    kit_that 'status == 128 + 6'
    assert_output --partial "bad record"
}

@test "leaving: tasks and initializers of inline pools" { all_is_well inline; }
@test "leaving: callbacks" { all_is_well callback; }
@test "leaving: sources" { all_is_well source; }
