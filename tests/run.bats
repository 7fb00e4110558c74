# The runner itself (run.c): whatever a program does, the test goes on, says what happened, and nothing is
# left.

bats_require_minimum_version 1.5.0
load kit

setup_file() { kit_build; }

setup() {
    RUN=$KIT/build/run
    cd "$BATS_TEST_TMPDIR"
}

# A child that ended and was not waited for, when its parent ends: ./zombie; ./zombie KILL: is killed instead.
build_zombie() {
    cat >zombie.c <<'END'
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    siginfo_t how;
    pid_t child = fork();
    (void)argv;
    if (child == 0)
        _exit(0);
    waitid(P_PID, (id_t)child, &how, WEXITED | WNOWAIT);
    return argc > 1 ? raise(SIGKILL) : 0;
}
END
    "${CC:-gcc}" -o zombie zombie.c
}

# No process is left that was started with MARK in its environment.
none_survives() {
    ! grep -qz "^MARK=$BATS_TEST_TMPDIR$" /proc/[0-9]*/environ 2>/dev/null
}

# Waits until a file has something in it; each program here that is waited for has a deadline.
await() {
    for ((i = 0; i < 2000; i++)); do
        [ ! -s "$1" ] || return 0
        sleep 0.01
    done
    return 1
}

@test "the exit status is carried over" {
    run -0 "$RUN" true
    run -77 "$RUN" sh -c 'exit 77'
}

@test "a signal N is carried over as 128+N" {
    run -137 "$RUN" sh -c 'kill -KILL $$'
    run -139 "$RUN" sh -c 'kill -SEGV $$'
}

@test "a command that is not there is 127, one that cannot be run 126, and both are named" {
    run -127 "$RUN" ./nowhere
    assert_output --partial "./nowhere: No such file"
    echo text >file
    run -126 "$RUN" ./file
    assert_output --partial "./file: Permission denied"
}

@test "misuse is 125 and says what was wrong" {
    run -125 "$RUN"
    assert_output --regexp '^usage:'
    run -125 "$RUN" -x true
    assert_output --partial usage:
    for seconds in 0 -1 1s "" nan 1e9; do
        run -125 "$RUN" -t "$seconds" true
        assert_output --partial -- "-t $seconds: not a number of seconds"
    done
    run -125 "$RUN" -w ./nowhere true
    assert_output --partial "./nowhere: No such file"
}

@test "stdin is empty" {
    run -0 "$RUN" cat <<<"typed"
    refute_output
}

@test "-i keeps stdin" {
    run -0 "$RUN" -i cat <<<"typed"
    assert_output typed
}

@test "only descriptors 0 to 2 are handed on" {
    run -0 "$RUN" ls /proc/self/fd 7</dev/null
    assert_output "$(printf '0\n1\n2\n3')" # 3 is ls looking
}

@test "a forged test result on descriptor 3 comes to nothing" {
    run "$RUN" sh -c 'echo "ok 1 forged" >&3'
    assert_failure
    exec 5>forged
    run "$RUN" bash -c 'echo "ok 1 forged" >&5'
    assert_failure
    exec 5>&-
    assert [ ! -s forged ]
}

@test "the command leads a session of its own and has default signals" {
    run -0 bash -c 'trap "" TERM INT; exec "$1" sh -c "cut -d\  -f1,6 /proc/\$\$/stat; grep SigIgn /proc/self/status"' - "$RUN"
    read -r pid session <<<"${lines[0]}"
    assert_equal "$pid" "$session"
    # signals 32 and 33 are the C library's own, and make leaves them ignored
    assert_line -n 1 --regexp '^SigIgn:[[:space:]]0+(180000000)?$'
}

@test "the deadline ends a command that hangs" {
    MARK=$BATS_TEST_TMPDIR run -124 "$RUN" -t 0.2 sleep 30
    assert_output --partial "deadline of 0.2 s is over"
    none_survives
}

@test "the deadline ends a command that ignores TERM, INT and HUP" {
    MARK=$BATS_TEST_TMPDIR run -124 "$RUN" -t 0.2 sh -c 'trap "" TERM INT HUP; while :; do sleep 30; done'
    none_survives
}

@test "a daemon, forked twice in a session of its own, does not escape" {
    MARK=$BATS_TEST_TMPDIR run -5 "$RUN" sh -c 'setsid sh -c "setsid sleep 30 & :" >/dev/null 2>&1 & wait; exit 5'
    none_survives
}

@test "a bomb of 63 processes, each in a session of its own and deaf, does not escape" {
    cat >bomb <<'END'
trap "" TERM INT HUP
if [ "$1" -gt 0 ]; then
    setsid bash bomb $(($1 - 1)) &
    setsid bash bomb $(($1 - 1)) &
fi
echo >>exploded
while :; do sleep 30; done >/dev/null 2>&1
END
    MARK=$BATS_TEST_TMPDIR run -99 "$RUN" -l bash -c 'bash bomb 5 >/dev/null 2>&1 & until [ "$(wc -l <exploded)" -eq 63 ]; do :; done'
    assert_equal "$(grep -c "left behind: [0-9]* bash$" <<<"$output")" 63
    none_survives
}

@test "-l: nothing left behind is no complaint" {
    run -0 "$RUN" -l sh -c 'sleep 0.1 & wait'
    refute_output
}

@test "-l names each process left behind" {
    MARK=$BATS_TEST_TMPDIR run -99 "$RUN" -l sh -c 'sleep 30 >/dev/null 2>&1 & setsid sleep 30 >/dev/null 2>&1 & exit 3'
    assert_equal "$(grep -c '^run: left behind: [0-9]* sleep$' <<<"$output")" 2
    assert_output --partial "the command itself ended with status 3"
    none_survives
}

@test "-l names what a process left behind had started, too" {
    MARK=$BATS_TEST_TMPDIR run -99 "$RUN" -l sh -c 'setsid sh -c "sleep 30 & sleep 30; :" >/dev/null 2>&1 & :'
    assert_equal "$(grep -c '^run: left behind: ' <<<"$output")" 3
    none_survives
}

@test "-l gives a second's grace to what ends by itself" {
    run -0 "$RUN" -l sh -c 'sleep 0.2 & :'
    refute_output
}

@test "-l names a child that was not waited for" {
    build_zombie
    run -99 "$RUN" -l ./zombie
    assert_output --regexp '^run: left behind: [0-9]+ zombie \(zombie\)$'
}

@test "a command killed by a signal could not wait, and -r does not ask" {
    build_zombie
    run -137 "$RUN" -l ./zombie KILL
    assert_output ""
    run -0 "$RUN" -r ./zombie
    run -99 "$RUN" -r sh -c 'sleep 30 >/dev/null 2>&1 & :'
}

@test "an orphan that ended before the command did is not mentioned" {
    run -0 "$RUN" -l sh -c '(sleep 0.05 & echo $! >pid); while kill -0 $(cat pid) 2>/dev/null; do sleep 0.01; done'
    refute_output
}

@test "-w names new files, in the folder and in /dev/shm" {
    mkdir folder
    touch folder/first
    shm=kit-test-$$-$BATS_TEST_NUMBER
    run -98 "$RUN" -w folder sh -c "touch folder/first folder/second /dev/shm/$shm; exit 4"
    rm "/dev/shm/$shm"
    assert_output --partial "run: new file: folder/second"
    assert_output --partial "run: new file: /dev/shm/$shm"
    refute_output --partial first
    assert_output --partial "the command itself ended with status 4"
    run -4 "$RUN" -w folder sh -c 'touch folder/first folder/second; exit 4'
}

@test "a runner that is told to stop kills everything and says by which signal" {
    for signal in INT TERM HUP; do
        MARK=$BATS_TEST_TMPDIR "$RUN" sh -c 'trap "" INT TERM HUP; sleep 30 & echo >ready; wait' 3>&- &
        runner=$!
        await ready
        rm ready
        kill "-$signal" "$runner"
        status=0
        wait "$runner" || status=$?
        assert_equal "$status" $((128 + $(kill -l "$signal")))
        none_survives
    done
}

@test "when the runner itself is killed, the command dies with it" {
    "$RUN" sh -c 'echo $$ >pid; exec sleep 30' 3>&- &
    runner=$!
    await pid
    kill -KILL "$runner"
    status=0
    wait "$runner" || status=$?
    assert_equal "$status" 137
    for i in $(seq 500); do
        grep -q . "/proc/$(cat pid)/cmdline" 2>/dev/null || return 0
        sleep 0.01
    done
    return 1
}

@test "-p gives a terminal of 80 columns, with line ends as they were written" {
    run -0 "$RUN" -p sh -c 'test -t 0 && test -t 1 && test -t 2 && stty size'
    assert_output "24 80"
}

@test "-p: what is left behind is found there too" {
    run -99 "$RUN" -l -p sh -c 'sleep 30 & :'
    kit_holds "left behind: " sleep
}

@test "-p -i: a key pressed is a signal to the foreground" {
    run -7 "$RUN" -p -i sh -c 'trap "exit 7" INT; echo ready | tee ready; while :; do sleep 0.01; done' < <(
        await ready
        printf '\003'
    )
    assert_output --partial ready
}

@test "-p: nothing that was printed is lost, not at the end and not at the deadline" {
    run -0 "$RUN" -p seq 5000
    assert_output "$(seq 5000)"
    run -124 "$RUN" -t 0.3 -p sh -c 'echo before; sleep 30'
    assert_output --partial before
}

@test "kit_run: a program of the root, in an empty folder, which must be left so" {
    kit_run -0 build/run pwd
    assert_output "$BATS_TEST_TMPDIR/scratch"
    kit_run -98 build/run touch file
    assert_output --partial "new file: ./file"
    kit_run -124 -t0.2 build/run sleep 30
    kit_run build/run false
    assert_failure 1
    assert_equal "$PWD" "$BATS_TEST_TMPDIR"
}

@test "kit_build: silent if it can, loud if it cannot" {
    run -0 kit_build
    refute_output
    run -1 kit_build no-such-target
    kit_holds "cannot build no-such-target" "There is no 'no-such-target'"
}

@test "kit_holds and kit_that: what holds is silent, what does not is told" {
    output="one two three" answer=42
    kit_holds one two three
    kit_that 'answer == 42 && answer < 43'
    run -1 kit_holds three tw
    assert_output --partial "'tw' is not behind 'three' in"
    run -1 kit_that 'answer > 43 || answer[1]'
    assert_line 'it does not hold: answer > 43 || answer[1]'
    assert_line 'answer is 42'
}
