# Chapter 11, with a real terminal: tty.exp presses the keys, and the kernel makes SIGINT of them.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch11
}

expected() {
    cat <<'END'
6 items that never end, 5 workers; a second is 50 ms here
broken: the caller catches SIGINT, and waits on
  after 0 Ctrl+C: 5 items begun, 0 answered, 0 new workers
  after 1 Ctrl+C: 6 items begun, 0 answered, 5 new workers
  after 2 Ctrl+C: 6 items begun, 0 answered, 10 new workers
  after 3 Ctrl+C: 6 items begun, 0 answered, 15 new workers
  it still runs, and kill -9 ends it
caught: the document's cure: the workers catch it
  after 0 Ctrl+C: 5 items begun, 0 answered, 0 new workers
  after 1 Ctrl+C: 6 items begun, 5 answered, 5 new workers
  after 2 Ctrl+C: 6 items begun, 6 answered, 6 new workers
  it has ended, and nothing is left
cured: the caller looks at its flag
  after 0 Ctrl+C: 5 items begun, 0 answered, 0 new workers
  after 1 Ctrl+C: 5 items begun, 0 answered, 0 new workers
  it has ended, and nothing is left
pool: our pool, with pool_interrupt() in the handler
  after 0 Ctrl+C: 5 items begun, 0 answered, 0 new workers
  pool_map: interrupted by pool_interrupt
  after 1 Ctrl+C: 5 items begun, 0 answered, 0 new workers
  it has ended, and nothing is left
END
}

# by_hand STATUS PART [STEP]...: runs the part on a terminal. The steps begin when five items are under way.
by_hand() {
    local judge=-l
    [ "$2" != broken ] || judge=-r # killed by the last key, it cannot wait for its workers
    kit_run "-$1" -t30 "$judge" tests/tty.exp -e 1 -e 2 -e 3 -e 4 -e 5 "${@:3}" -- "$KIT/ch11" "$2"
    assert_line -n 0 --partial 'press Ctrl+C. Ctrl+\ ends it, and after 60 s it ends itself'
}

@test "ch11: prints what happens in all four parts, and leaves nothing behind" {
    kit_run -0 ch11
    diff -u <(expected) <(echo "$output")
}

@test "ch11: prints the same on a busy machine, run after run" {
    kit_busy 6 ch11 < <(expected)
}

@test "ch11: a program without a handler dies of Ctrl+C" {
    run -130 "$KIT/build/run" -l "$KIT/tests/tty.exp" -e ready -c -- sh -c 'echo ready; exec sleep 20'
}

@test "ch11: on its terminal, too, what a program leaves behind is found, and one that ends too early" {
    run -99 "$KIT/build/run" -l "$KIT/tests/tty.exp" -e ready -- sh -c 'echo ready; sleep 20 & exit 3'
    assert_output --partial 'the command itself ended with status 3'
    run -125 "$KIT/build/run" -l "$KIT/tests/tty.exp" -e ready -e steady -c -- echo ready
    assert_output --partial "the program ended while waiting for 'steady'"
}

@test "ch11: broken: Ctrl+C begins item 6; SIGINT to the caller alone changes nothing; Ctrl+\\ ends it" {
    by_hand 131 broken -c -e 6 -s -e 6 -q
}

@test "ch11: caught: the first Ctrl+C begins item 6, the second ends it; all is answered" {
    by_hand 0 caught -c -e 6 -c
}

@test "ch11: cured: Ctrl+C ends it, status 130; SIGINT to the caller alone is not seen" {
    by_hand 130 cured -c
    by_hand 130 cured -s -e 1 -e 2 -e 3 -e 4 -e 5 -c
}

@test "ch11: pool: Ctrl+C ends it, no item is begun any more, and nothing is left" {
    by_hand 130 pool -c
    kit_holds "^C" "pool_map: interrupted by pool_interrupt"
    output=${output#*itself}
    refute_output --partial 6
}

@test "ch11: pool: SIGINT to the caller alone ends it, and nothing is left" {
    by_hand 130 pool -s
    assert_output --partial "pool_map: interrupted by pool_interrupt"
}

@test "ch11: a part it does not know, and a SCALE that is no number, are refused" {
    kit_run -2 ch11 nonsense
    assert_output "usage: ./ch11 [broken | caught | cured | pool]"
    for part in "" broken pool; do
        SCALE=fast kit_run -2 ch11 $part
        assert_output --partial "SCALE=fast: how many seconds shall a second last?"
    done
}
