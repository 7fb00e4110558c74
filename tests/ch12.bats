# Chapter 12: a host that replaces functions, and one that hands on a signal mask and an ignored signal.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch12
}

expected() {
    cat <<'END'
nothing         answers 0 1 4 9 16 25 36 49 64 81 (2 threads)
socket          answers 0 1 4 9 16 25 36 49 64 81 (2 threads)
thread          HANGS: all 5 asleep, 0 context switches
all             HANGS: all 5 asleep, 0 context switches
all but thread  answers 0 1 4 9 16 25 36 49 64 81 (2 threads)
all, and read   answers 0 1 4 9 16 25 36 49 64 81 (0 threads)
all: our pool   answers 0 1 4 9 16 25 36 49 64 81 (0 threads)
once more, with SIGTERM blocked and SIGCHLD ignored:
                      after SIGTERM   its caller is told
a naive worker        still there     No child processes
with cure 1           gone            No child processes
with cures 1 and 2    gone            Terminated
our pool's worker     gone            Terminated
END
}

# heir NAIVE EMPTIED USUAL [OPTION]...: runs ./ch12 heir under env. The three tell what a naive worker does,
# and what its caller learns. With our pool it is always the same.
heir() {
    local naive=$1 emptied=$2 usual=$3
    shift 3
    run -0 "$KIT/build/run" -l env "$@" "$KIT/ch12" heir
    diff -u <(
        echo "                      after SIGTERM   its caller is told"
        echo "a naive worker        $naive"
        echo "with cure 1           $emptied"
        echo "with cures 1 and 2    $usual"
        echo "our pool's worker     gone            Terminated"
    ) <(echo "$output")
}

@test "ch12: shows the patch, two cures, and what is inherited, and leaves nothing behind" {
    kit_run -0 ch12
    diff -u <(expected) <(echo "$output")
}

@test "ch12 patches: the first half alone" {
    kit_run -0 ch12 patches
    diff -u <(expected | head -n 7) <(echo "$output")
}

@test "ch12: prints the same on a busy machine, run after run" {
    kit_busy 5 ch12 < <(expected)
}

@test "ch12 heir: nothing inherited: all workers end and are seen" {
    heir "gone            Terminated" "gone            Terminated" "gone            Terminated"
}

@test "ch12 heir: SIGTERM blocked: the worker is deaf until its mask is emptied" {
    heir "still there     Exited" "gone            Terminated" "gone            Terminated" \
        --block-signal=TERM
}

@test "ch12 heir: SIGCHLD ignored: how the worker ended is lost until the default is back" {
    heir "gone            No child processes" "gone            No child processes" \
        "gone            Terminated" \
        --ignore-signal=CHLD
}

@test "ch12: an argument it does not know, and a SCALE that is no number, are refused" {
    kit_run -2 ch12 nonsense
    assert_output "usage: ./ch12 [patches | heir]"
    SCALE=fast kit_run -2 ch12
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}

@test "ch12: whoever starts threads is counted, in the pool, too" {
    kit_altered ch12 'static void our_pool(void)' '#define pool_open(none) pool_open(&(struct pool_options){ .kind = POOL_THREADS, .processes = 2 })
static void our_pool(void)'
    kit_run -0 build/ch12-altered patches
    assert_line --regexp '^all: our pool   answers .* \(2 threads\)$'
}
