# Exercise 11: wait_for() reaps, replaces, and stops on Ctrl+C.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 11
}

# answers [NUMBER]...: each number has its answer, but these have none.
answers() {
    local i line=() status=()
    answers_to "${number[@]/#/ask }"
    for i in "${!number[@]}"; do
        [[ " $* " != *" ${number[i]} "* ]] || answer[i]=0
        line+=("${number[i]} -> ${answer[i]}")
    done
    is=$(returned_line)
    [[ -z $is ]] || status=("$is")
    printed "${status[@]}" "${line[@]}"
}

returned_line() {
    [[ ${lines[0]-} != *" returned "* ]] || echo "${lines[0]}"
}

# bats test_tags=points:2
@test "all-done: it waits for all workers, also for the last" {
    numbers 5 1 1000000
    rules "hold ${number[4]} until answered ${number[3]}+1500"
    ask "${number[@]}"
    returned 0
    answers
    asked_once 5
}

# bats test_tags=points:1
@test "failure-is-an-end: a worker that fails has ended, and is not replaced" {
    numbers 4 1 1000000
    rules "fail ${number[1]} nobody knows"
    ask "${number[@]}"
    returned 0
    answers "${number[1]}"
    asked_once 4
}

# bats test_tags=points:2
@test "replaced: a worker that is killed has a successor at once" {
    numbers 5 1 1000000
    rules "kill ${number[2]} 2" "hold ${number[0]} until answered ${number[2]}"
    ask "${number[@]}"
    [[ -z ${seen[gave-up]-} ]] || wrong "the killed one has a successor while others work" "it has none"
    returned 0
    answers
    ((${seen[asked]} == 7)) || wrong "7 questions, 3 of them the same" "${seen[asked]}"
}

# bats test_tags=points:2
@test "sigint-ends: SIGINT ends it while all workers wait" {
    numbers 5 1 1000000
    rules "never ask" "signal INT host when 5 inside"
    ask "${number[@]}"
    returned 130
    answers "${number[@]}"
}

# bats test_tags=points:1
@test "ctrl-c: when the workers get it, too, none is replaced" {
    numbers 5 1 1000000
    rules "never ask" "signal INT group when 5 inside"
    ask "${number[@]}"
    returned 130
    asked_once 5
}

# bats test_tags=points:1
@test "other-signal: another signal changes nothing" {
    numbers 5 1 1000000
    rules "signal WINCH host when 5 inside" "hold ask until 5 inside+300"
    ask "${number[@]}"
    returned 0
    answers
}

# bats test_tags=points:2
@test "none-unreaped: after SIGINT no worker is left, and no zombie" {
    numbers 6 1 1000000
    rules "never ask" "signal INT host when 6 inside"
    ask "${number[@]}"
    returned 130
    nothing_left
}

# bats test_tags=points:1
@test "early-sigint: it need not come at the right moment" {
    numbers 3 1 1000000
    rules "never ask" "signal INT host when 1 asked"
    ask "${number[@]}"
    returned 130
    nothing_left
}

# bats test_tags=points:1
@test "sound: no memory is used that was freed or is another's, and none is lost" {
    numbers 4 1 1000000
    ask_soundly "${number[@]}"
    returned 0
    answers
}
