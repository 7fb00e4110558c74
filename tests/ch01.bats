# Chapter 1: S05 the smallest pool, S18 the same list from a loop and from a pool, S21 the default size,
# S22 one pid.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch01
}

# as_told CORES: the whole output is what the chapter says, on so many cores.
as_told() {
    {
        printf '%s\n' "Squares  : [1, 4, 9]" "Default  : $1, the cores this program may use" \
            "Inputs   : [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]" "Loop     : [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]"
        printf 'Starting PoolWorker-%d\n' $(seq $((2 * $1)))
        printf '%s\n' "Pool     : [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]" "Own pid  : <pid:own>" \
            "Loop pids: [<pid:own>, <pid:own>, <pid:own>, <pid:own>, <pid:own>]" \
            "Pool pids: [<pid>, <pid>, <pid>, <pid>, <pid>]"
    } | kit_match - 'unordered=/^Starting/'
}

@test "squares, doubles, each worker once, one pid in the loop; nothing is left" {
    kit_run -0 ch01
    cores=$(sed -n 's/^Default  : \([0-9]*\),.*/\1/p' <<<"$output")
    most=$(nproc)
    kit_that 'cores >= 1 && cores <= most'
    as_told "$cores"
}

@test "the loop runs in the program itself, the pool in five other processes" {
    kit_run -0 ch01
    own=$(sed -n 's/^Own pid  : //p' <<<"$output")
    assert_equal "$(grep '^Loop pids' <<<"$output")" "Loop pids: [$own, $own, $own, $own, $own]"
    output=" $(grep '^Pool pids' <<<"$output" | tr -c '0-9' ' ')"
    refute_output --partial " $own "
    assert_equal "$(xargs -n 1 <<<"$output" | sort -u | grep -c .)" 5
}

@test "the default size is the cores one may use: on one core it is 1" {
    allowed=$(taskset -pc "$BASHPID")
    allowed=${allowed##* }
    taskset -pc "${allowed%%[,-]*}" "$BASHPID" >/dev/null
    kit_run -0 ch01
    as_told 1
}
