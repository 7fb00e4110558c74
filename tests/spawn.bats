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
