# Chapter 11, with a real terminal: build/tty presses the keys, and the kernel makes SIGINT of them.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch11 build/tty
}

expected() {
    cat <<'END'
6 items that never end, 5 workers; a second is 50 ms here
broken: the caller catches SIGINT, and waits on
  Ctrl+C 1: 5 workers died, 0 answered; of 5 new ones one prints 6 6 6 ...
  Ctrl+C 2: 5 workers died, 0 answered; of 5 new ones none finds an item
  Ctrl+C 3: 5 workers died, 0 answered; of 5 new ones none finds an item
  still running, and ended with kill -9
caught: the document's cure: the workers catch it
  Ctrl+C 1: 0 workers died, 5 answered; of 5 new ones one prints 6 6 6 ...
  Ctrl+C 2: the loop is over, 6 of 6 items answered
  exit status 0, nothing is left
cured: the caller looks at its flag
  Ctrl+C 1: the loop is over, 0 of 6 items answered
  exit status 130, nothing is left
pool: our pool, with pool_interrupt() in the handler
  Ctrl+C 1: pool_map: interrupted by pool_interrupt
  exit status 130, nothing is left
END
}

# by_hand STATUS PART [STEP]...: runs the part on a terminal. The steps begin when all is under way.
by_hand() {
    local judge=-l
    [ "$2" != broken ] || judge=-r # killed by the last key, it cannot wait for its workers
    kit_run "-$1" -t30 "$judge" build/tty -e "the caller waits" -e 1 -e 2 -e 3 -e 4 -e 5 "${@:3}" \
        -- "$KIT/ch11" "$2"
}

@test "ch11: prints what happens in all four parts, and leaves nothing behind" {
    kit_run -0 ch11
    diff -u <(expected) <(echo "$output")
}

@test "ch11: prints the same on a busy machine, run after run" {
    local i busy=()
    for i in 1 2 3 4; do
        timeout 60 sh -c 'while :; do :; done' 3>&- &
        busy+=($!)
    done
    for i in 1 2 3 4 5 6; do
        kit_run ch11
        diff -u <(expected) <(echo "$output") || break
    done
    kill "${busy[@]}"
    diff -u <(expected) <(echo "$output")
}

@test "ch11: a program without a handler dies of Ctrl+C" {
    run -130 "$KIT/build/run" -l "$KIT/build/tty" -e ready -c -- sh -c 'echo ready; exec sleep 20'
}

@test "ch11: broken: survives Ctrl+C and SIGINT to the caller alone; Ctrl+\\ ends it" {
    by_hand 131 broken -c -e 6 -s -c -e "nothing to do" -q
    [[ $output == "broken: press Ctrl+C. Ctrl+\\ ends it, and after 60 s it ends by itself."* ]]
}

@test "ch11: caught: the first Ctrl+C begins item 6, the second ends it" {
    by_hand 0 caught -c -e 6 -c
    [[ $output == *"the loop is over, 6 of 6 items answered" ]]
}

@test "ch11: cured: Ctrl+C ends it, status 130" {
    by_hand 130 cured -c
    [[ $output == *"^Cthe loop is over, 0 of 6 items answered" ]]
}

@test "ch11: cured: SIGINT to the caller alone ends it, status 130" {
    by_hand 130 cured -s
    [[ $output == *"the loop is over, 0 of 6 items answered" ]]
}

@test "ch11: pool: Ctrl+C ends it, and nothing is left" {
    by_hand 130 pool -c
    [[ $output == *"^C"*"pool_map: interrupted by pool_interrupt"* ]]
    [[ ${output##*answers} != *6* ]] # no item is begun any more
}

@test "ch11: pool: SIGINT to the caller alone ends it, and nothing is left" {
    by_hand 130 pool -s
    [[ $output == *"pool_map: interrupted by pool_interrupt"* ]]
}

@test "ch11: a part it does not know, and a SCALE that is no number, are refused" {
    kit_run -2 ch11 nonsense
    [ "$output" = "usage: ./ch11 [broken | caught | cured | pool]" ]
    SCALE=fast kit_run -2 ch11
    [[ $output == *"SCALE=fast"* ]]
}
