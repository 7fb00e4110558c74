# POOL_SPAWN: main() runs again until it reaches the pool, or does not.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build compile SOURCE=tests/spawn.c PROGRAM=build/spawn
}

# astray HOW WORDS: in the new run main goes astray; the first run is told so and leaves nothing.
astray() {
    kit_run -1 build/spawn "$1"
    kit_holds "pool_open: " "$2"
}

# in_order LINE...: $output has exactly these lines once it is sorted.
in_order() {
    assert_equal "$(LC_ALL=C sort <<<"$output")" "$(printf '%s\n' "$@")"
}

@test "spawn: main runs a second time, up to pool_open" {
    kit_run -0 build/spawn bare
    in_order "2 arguments" "<$KIT/build/spawn><bare>" "main runs" "main runs"
}

@test "spawn: with pool_freeze_support() first it runs once; arguments that were set before are there" {
    kit_run -0 build/spawn guarded "two words" "" last
    in_order "5 arguments" "<$KIT/build/spawn><guarded><two words><><last>" "main runs"
}

@test "spawn: the new run ends before it reaches the pool" {
    astray exit "ended with exit code 3 before it reached the pool; call pool_freeze_support() first in main()"
}

@test "spawn: the new run dies before it reaches the pool" {
    astray abort "was killed by SIGABRT before it reached the pool"
}

@test "spawn: the new run never reaches the pool" {
    astray loop "after 3 s the new run of this program has not reached the pool; call pool_freeze_support() first"
}

@test "spawn: the new run has something else where the shared memory is to lie" {
    astray taken "something else where the shared region is to lie"
}

@test "spawn: the new run has closed what it was to have, and its own file there is left alone" {
    kit_run -1 build/spawn closed "$BATS_TEST_TMPDIR/file"
    kit_holds "pool_open: " "ended with exit code 1 before it reached the pool; call pool_freeze_support() first"
    assert [ -e "$BATS_TEST_TMPDIR/file" ]
    assert [ ! -s "$BATS_TEST_TMPDIR/file" ]
}

@test "spawn: the program is killed before its new run reaches the pool: nothing is left" {
    kit_run build/spawn orphan
    assert_failure $((128 + 9))
}

@test "spawn: a program whose file was replaced meanwhile runs again as it was" {
    cp "$KIT/build/spawn" "$BATS_TEST_TMPDIR/program"
    cat >"$BATS_TEST_TMPDIR/script" <<'END'
exec 3<"$1/program"
rm "$1/program"
exec /proc/self/fd/3 guarded
END
    run -0 "$KIT/build/run" -l sh "$BATS_TEST_TMPDIR/script" "$BATS_TEST_TMPDIR"
    assert_output --regexp '2 arguments$'
}

# As the program is its own first process there, whoever started it cannot be named.
@test "spawn: into another PID namespace" {
    unshare -p true 2>/dev/null || skip "this user cannot make a PID namespace"
    run -0 "$KIT/build/run" -l unshare -p "$KIT/build/spawn" guarded "two words"
    in_order "3 arguments" "<$KIT/build/spawn><guarded><two words>" "main runs"
}

# Whoever starts it may choose what is in the environment, but not what a program does that has more rights.
@test "spawn: a program with more rights than its user does not look at the environment" {
    local there
    [[ $(id -u) == 0 ]] && command -v setpriv >/dev/null || skip "only root can lend rights, with setpriv"
    cat >"$BATS_TEST_TMPDIR/program.c" <<'END'
#include "pool.h"
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1 });
    printf("main goes on with %s rights\n", getuid() == geteuid() ? "its user's" : "more");
    pool_free(pool);
}
END
    there=$(mktemp -d) && chmod 777 "$there"
    gcc -I"$KIT/pool" -o "$there/program" "$BATS_TEST_TMPDIR/program.c" "$KIT/build/libpool.a"
    chmod 4755 "$there/program"
    run -0 setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'cd "$1" || exit
        POOL_TRACE=$1/trace.csv POOL_NURSERY="$$ 0 0 0x1000 4096" exec ./program' sh "$there"
    [[ $output == *"more rights" ]] || [[ $output != *"its user's"* ]] || skip "set-user-ID means nothing here"
    assert_output "main goes on with more rights"
    run ls "$there"
    assert_output program
    rm -r "$there"
}
