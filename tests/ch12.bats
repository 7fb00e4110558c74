# Chapter 12: a host that replaces functions, and one that hands on a signal mask and an ignored signal.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch12
}

expected() {
    cat <<'END'
nothing         answers 0 1 4 9 16 25 36 49 64 81
socket          answers 0 1 4 9 16 25 36 49 64 81
ssl             answers 0 1 4 9 16 25 36 49 64 81
thread          HANGS: all 5 asleep, 0 context switches
all             HANGS: all 5 asleep, 0 context switches
all but thread  answers 0 1 4 9 16 25 36 49 64 81
all, and read   answers 0 1 4 9 16 25 36 49 64 81
all: our pool   answers 0 1 4 9 16 25 36 49 64 81
inherited: SIGTERM blocked, SIGCHLD ignored
                      at SIGTERM it   and its caller learns
a worker as it is     is still there  No child processes
its mask emptied      ends            No child processes
and SIGCHLD as usual  ends            Terminated
our pool's worker     ends            Terminated
our pool, to the end: answers 0 1 4 9 16 25 36 49 64 81
END
}

# heir NAIVE EMPTIED USUAL [OPTION]...: runs ./ch12 heir under env. The three tell what a naive worker does,
# and what its caller learns. With our pool it is always the same.
heir() {
    local naive=$1 emptied=$2 usual=$3
    shift 3
    run -0 "$KIT/build/run" -l env "$@" "$KIT/ch12" heir
    [ "${lines[2]}" = "a worker as it is     $naive" ]
    [ "${lines[3]}" = "its mask emptied      $emptied" ]
    [ "${lines[4]}" = "and SIGCHLD as usual  $usual" ]
    [ "${lines[5]}" = "our pool's worker     ends            Terminated" ]
    [ "${lines[6]}" = "our pool, to the end: answers 0 1 4 9 16 25 36 49 64 81" ]
}

@test "ch12: finds the patch and both cures, shows what is inherited, leaves nothing behind" {
    kit_run -0 ch12
    diff -u <(expected) <(echo "$output")
}

@test "ch12: prints the same on a busy machine, run after run" {
    local i busy=()
    for i in 1 2 3 4; do
        timeout 60 sh -c 'while :; do :; done' 3>&- &
        busy+=($!)
    done
    for i in 1 2 3 4 5; do
        kit_run ch12
        diff -u <(expected) <(echo "$output") || break
    done
    kill "${busy[@]}"
    diff -u <(expected) <(echo "$output")
}

@test "ch12 heir: nothing inherited: all workers end and are seen" {
    heir "ends            Terminated" "ends            Terminated" "ends            Terminated"
    [ "${lines[0]}" = "inherited: SIGTERM not blocked, SIGCHLD not ignored" ]
}

@test "ch12 heir: SIGTERM blocked: the worker is deaf until its mask is emptied" {
    heir "is still there  Exited" "ends            Terminated" "ends            Terminated" \
        --block-signal=TERM
    [ "${lines[0]}" = "inherited: SIGTERM blocked, SIGCHLD not ignored" ]
}

@test "ch12 heir: SIGCHLD ignored: how the worker ended is lost until the default is back" {
    heir "ends            No child processes" "ends            No child processes" \
        "ends            Terminated" \
        --ignore-signal=CHLD
    [ "${lines[0]}" = "inherited: SIGTERM not blocked, SIGCHLD ignored" ]
}

@test "ch12: an argument it does not know is refused" {
    kit_run -2 ch12 nonsense
    [ "$output" = "usage: ./ch12 [heir]" ]
}
