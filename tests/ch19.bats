# Chapter 19: S04 the document's program, S35 four bad URLs, S37 what BLPOP loses; BLMOVE and LREM lose nothing, whoever
# is killed: the program, or Redis.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch19 server
}

setup() {
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
    [[ $BATS_TEST_DESCRIPTION == *without* ]] || sh "$KIT/tools/needs.sh" missing "$KIT"/chapters/ch19-redis.c >/dev/null ||
        skip "needs $(sh "$KIT/tools/needs.sh" missing "$KIT"/chapters/ch19-redis.c)"
}

# How many are done when the program has been killed eight times differs each time; that none is lost does not.
expected() {
    cat <<'END'
the document's program, while nothing fails
  at the end: 60 pushed = 60 done + 0 bad + 0 still listed + 0 lost
broken: each fourth URL is bad
  put 36, got 16, 4 of them bad: the queue is full for ever
broken: BLPOP takes, and the program is killed
  then: 60 pushed = 0 done + 0 bad + 35 still listed + 25 lost
cured: BLMOVE, LREM when done; killed 8 times
  then: 60 pushed = <ms> done + <ms> bad + <ms> still listed + 0 lost
  at the end: 60 pushed = 45 done + 15 bad + 0 still listed + 0 lost
cured: Redis is killed, and is back after a second
  at the end: 60 pushed = 45 done + 15 bad + 0 still listed + 0 lost
END
}

@test "ch19: the queue fills for ever, BLPOP loses 25, BLMOVE none; nothing is left, also in the file system" {
    kit_run -0 ch19
    kit_match <(expected)
    run -0 ls "$TMPDIR"
    refute_output
}

@test "ch19: prints the same on a busy machine, run after run" {
    kit_busy 4 ch19 < <(expected)
}

@test "ch19: kill -9 of the program, 20 times in the middle of a long list, loses nothing" {
    kit_run -0 -t100 tests/ch19-kills.bash "$KIT" 20
    assert_output "20 kills: 0 lost each time; at the end 300 done, 0 listed"
}

@test "ch19: with BLPOP the same kills lose something" {
    kit_altered ch19 'redis_socket = given;' 'redis_socket = given, careful = false;'
    kit_run -1 -t100 tests/ch19-kills.bash "$KIT" 3 build/ch19-altered
    assert_output --regexp '^3 kills: [1-9][0-9]* lost'
}

@test "ch19: Ctrl+C ends it, and its Redis, and its server; kill -9 of the program does" {
    mkdir -p "$BATS_TEST_TMPDIR/scratch" && cd "$BATS_TEST_TMPDIR/scratch"
    run -130 "$KIT/build/run" -r -w . "$KIT/tests/tty.exp" -e 'broken: BLPOP' -c -- "$KIT/ch19"
    run -137 "$KIT/build/run" -r -w . bash -c '"$1" >"$2" & until grep -q "broken: BLPOP" "$2"; do sleep 0.01; done
        kill -KILL $!; wait $!' - "$KIT/ch19" "$BATS_TEST_TMPDIR/out"
}

@test "ch19: a socket on which nobody listens is told" {
    kit_run -1 -t30 ch19 nobody.sock
    assert_output "nobody.sock: Redis does not answer"
}

@test "ch19: built without hiredis it names the packages and the command, status 77" {
    kit_without ch19 hiredis/hiredis.h "libcurl and hiredis" "libcurl4-openssl-dev libhiredis-dev redis-server"
}

@test "ch19: without redis-server it names the package, status 77" {
    run -77 "$KIT/build/run" -l /usr/bin/env PATH=/nowhere "$KIT/ch19"
    assert_output "ch19 needs redis-server: apt-get install redis-server, then the same again"
}
