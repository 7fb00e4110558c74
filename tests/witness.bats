# The witness: what it can be told to do with a question, and what it sees.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build build/box
    cat >"$BATS_FILE_TMPDIR/asks.c" <<'END'
/* asks N: forks N children, of which child i asks "ask i" and prints the answer; "asks N home": asks itself. */
#include <errno.h>
#include <signal.h>
#define pool_fail(format, text) (printf("failed: " format "\n", text), 1)
#include "witness.h"
#include <sys/wait.h>
static void on_winch(int sig) { (void)sig; }
int main(int argc, char **argv)
{
    char question[64];
    long answer;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGWINCH, &(struct sigaction){ .sa_handler = on_winch }, NULL);
    witness_tell("begin");
    for (int i = 0; i < atoi(argv[1]); i++) {
        if (argc == 2 && fork() != 0)
            continue;
        snprintf(question, sizeof question, "ask %d", i);
        if (witness_ask(question, 0, &answer) == 0)
            printf("%d: %ld\n", i, answer);
        if (argc == 2)
            _exit(0);
    }
    if (argc >= 4 && fork() == 0) /* one that lingers, one that nobody waits for, a descriptor, memory */
        pause();
    if (argc >= 4 && fork() == 0)
        _exit(0);
    if (argc >= 4)
        dup(1), *(char *volatile *)question = malloc(1 << 20);
    while (argc < 4 && wait(NULL) > 0)
        ;
    witness_tell(argc == 5 ? "end open" : "end");
}
END
    gcc -O1 -w -I"$KIT/exercises" -o "$BATS_FILE_TMPDIR/asks" "$BATS_FILE_TMPDIR/asks.c"
}

# asks [-l] "RULE..." ARG...: runs it with these rules, a line each; then output is its stdout, and `dir` has the facts.
asks() {
    local options=(-w -) rule
    [[ $1 != -l ]] || { options+=(-l); shift; }
    while read -r rule; do options+=(-w "$rule"); done <<<"${1:--}"
    dir=$BATS_TEST_TMPDIR/box
    mkdir -p "$dir"
    run -0 "$KIT/build/run" -l -t30 "$KIT/build/box" -s 7 "${options[@]}" -f "$BATS_FILE_TMPDIR/asks" "$dir" ./asks "${@:2}"
    run -0 sort "$dir/out"
}

# saw FACT...: these lines are among the facts.
saw() {
    local fact
    for fact; do run -0 grep -x -- "$fact" "$dir/seen"; done
}

@test "without rules each question has its answer, which the same seed gives again" {
    asks '' 3
    run -0 diff <(printf 'ask %d\n' 0 1 2 | "$KIT/build/box" -a 7) <(sed 's/.*: //' <<<"$output")
    saw 'asked 3' 'askers 3' 'host-asked 0' 'gone 3' 'left-alive 0' 'left-zombies 0' 'returned 1' 'times 1 ask 2'
    assert [ "$("$KIT/build/box" -a 8 <<<'ask 0')" != "$("$KIT/build/box" -a 7 <<<'ask 0')" ]
    assert [ "$("$KIT/build/box" -a 8 <<<'ask 0')" -gt 4294967296 ]
}

@test "it holds until so many processes are inside; one process can not be several" {
    asks 'hold ask until 4 inside' 4
    assert_equal "${#lines[@]}" 4
    saw 'inside 4' 'workers 4'
    run -1 grep gave-up "$dir/seen"
    asks 'hold ask until 2 inside' 2 home
    assert_equal "${#lines[@]}" 2
    saw 'inside 0' 'host-asked 2' 'gave-up hold ask until 2 inside'
}

@test "it answers in the order it was told" {
    asks $'hold 0 until answered 1\nhold 1 until answered 2+20\nhold 2 until 3 asked' 3
    assert_equal "$(grep -o '^answer ask [0-9]' "$dir/log" | tr -d '\n')" "answer ask 2answer ask 1answer ask 0"
}

@test "a task fails, is given a number, has no answer; an asker is killed" {
    asks $'fail 0 so it is\nvalue 1 42\nkill 2' 4
    assert_line 'failed: so it is'
    assert_line '1: 42'
    assert_line --regexp '^3: '
    refute_line --regexp '^2: '
    saw 'killed 1' 'gone 4'
    DEADLINE=1 asks 'never 1' 2
    saw 'ended timeout'
}

@test "it sees what is left: who runs, who is dead and was not waited for" {
    asks '' 1 home lingers
    saw 'left-alive 1' 'left-zombies 1' 'left-descriptors 1' 'left-memory 1028' 'left-names asks asks'
    asks -l '' 1 home lingers
    saw 'left-alive 1' 'left-zombies 1' 'left-descriptors 1'
    asks '' 1
    saw 'left-alive 0' 'left-zombies 0' 'left-descriptors 0' 'left-memory 0'
    asks '' 1 home lingers open # the pool is to be there still
    saw 'left-alive 0' 'left-zombies 0' 'left-descriptors 0' 'left-memory 0' 'returned 1'
}

@test "a signal is sent when it is time" {
    asks $'hold ask until 2 inside\nsignal KILL host when 2 inside' 2
    saw 'ended signal 9'
    asks $'hold ask until 2 inside+50\nsignal WINCH host when 2 inside' 2
    assert_equal "${#lines[@]}" 2
    saw 'ended exit 0'
}

# reads FIFO...: what is read there one after the other, by a process of its own that asks first.
reads() {
    cat >"$BATS_TEST_TMPDIR/reads" <<'END'
#!/bin/sh
./asks 1
for fifo; do cat "$fifo"; done
END
    chmod 755 "$BATS_TEST_TMPDIR/reads"
    local rule options=()
    while read -r rule; do options+=(-w "$rule"); done <<<"$1"
    dir=$BATS_TEST_TMPDIR/box
    mkdir -p "$dir"
    run -0 "$KIT/build/run" -l -t30 "$KIT/build/box" -s 7 "${options[@]}" -f "$BATS_FILE_TMPDIR/asks" -f "$BATS_TEST_TMPDIR/reads" \
        ${how:-} "$dir" ./reads "${@:2}"
    run -0 cat "$dir/out"
}

@test "a file is fed when it is time, once, whatever its size, with walls and without" {
    seq 20000 >"$BATS_TEST_TMPDIR/a file"
    echo short >"$BATS_TEST_TMPDIR/short"
    rules="feed long $BATS_TEST_TMPDIR/a file when answered 0+100"$'\n'"feed now $BATS_TEST_TMPDIR/short"
    for how in '' -l; do
        reads "$rules" now long
        run -0 diff <(cat "$BATS_TEST_TMPDIR/short" "$BATS_TEST_TMPDIR/a file") <(tail -n +2 "$dir/out")
        saw 'ended exit 0'
        run -0 grep -c '^feed ' "$dir/log"
        assert_output 2
        run -1 grep gave-up "$dir/seen"
    done
    how='-t 2' reads "$rules" now now
    assert_equal "${lines[*]:1}" short
    saw 'ended timeout'
}

@test "what is fed too late to be read holds up nobody; a feed that can never come is given up" {
    echo short >"$BATS_TEST_TMPDIR/short"
    reads "feed never $BATS_TEST_TMPDIR/short when answered 5"
    saw 'ended exit 0'
    reads "feed late $BATS_TEST_TMPDIR/short when answered 5" late
    assert_line short
    saw 'ended exit 0' "gave-up feed late $BATS_TEST_TMPDIR/short when answered 5"
    for rule in "feed a $BATS_TEST_TMPDIR/none" "feed a/b $BATS_TEST_TMPDIR/short" 'feed a' "feed a $BATS_TEST_TMPDIR/short when it rains"; do
        run -125 "$KIT/build/box" -w "$rule" "$dir" true
        assert_output --partial "does not understand the rule 'feed a"
    done
}

@test "the same without walls" {
    asks -l 'hold ask until 4 inside' 4
    assert_equal "${#lines[@]}" 4
    saw 'inside 4' 'workers 4' 'left-alive 0' 'left-zombies 0'
    asks -l $'hold ask until 2 inside\nsignal KILL host when 2 inside' 2
    saw 'ended signal 9'
}
