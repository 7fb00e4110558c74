# Exercise 10: ask_all_stubborn() asks again about what a death took along, and about nothing else.
#
# The witness kills those who ask. Which number was asked about, how often and in which order, is seen from outside.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 10
}

# answers [I]...: each number has its answer, but these have none.
answers() {
    local i line=()
    answers_to "${number[@]/#/ask }"
    for i in "${!number[@]}"; do
        [[ " $* " != *" $i "* ]] || answer[i]=0
        line+=("${number[i]} -> ${answer[i]}")
    done
    [[ $# == 0 ]] || line=("ask_all_stubborn returned -1" "${line[@]}")
    printed "${line[@]}"
}

# tried TIMES [I]...: each of these numbers was tried so many times.
tried() {
    local i times
    for i in "${@:2}"; do
        times=$(sed -n "s/^times \([0-9]*\) ask ${number[i]}\$/\1/p" "$run/seen")
        ((times != $1)) || continue
        want item "${number[i]}"
        want tries "$1"
        want tried "${times:-0}"
        grep -q "^kill w[0-9]* ask ${number[i]}\$" "$run/log" || want innocent yes
        wrong "tries of ${number[i]}: $1" "${times:-0}"
    done
}

# bats test_tags=points:2
@test "every-answer: each number has its own answer, the first and the last" {
    for shape in '5 2' '1 3' '6 1'; do
        read -r count workers <<<"$shape"
        numbers "$count" 1 1000000
        ask "$workers" 3 "${number[@]}"
        returned 0
        in_workers
        answers
        asked_once "$count"
    done
}

# bats test_tags=points:2
@test "at-once: as many are tried at once as there are workers" {
    for workers in 4 3; do
        numbers 8 1 1000000
        rules "hold ask until $workers inside"
        ask "$workers" 3 "${number[@]}"
        inside "$workers"
        workers "$workers"
        returned 0
        answers
    done
}

# bats test_tags=points:2
@test "second-try: a number that was lost has its answer all the same" {
    for lost in 0 5 2; do
        numbers 6 1 1000000
        rules "kill ${number[lost]}"
        ask 2 2 "${number[@]}"
        in_workers
        returned 0
        answers
    done
}

# bats test_tags=points:2
@test "innocents-once: what was not lost is not tried again" {
    numbers 8 1 1000000
    rules "kill ${number[1]}" "kill ${number[4]}" "kill ${number[7]}"
    ask 2 3 "${number[@]}"
    returned 0
    answers
    tried 1 0 2 3 5 6
    tried 2 1 4 7
}

# bats test_tags=points:2
@test "failure-is-an-answer: a number for which ask() fails is not tried again" {
    numbers 6 1 1000000
    rules "fail ${number[2]} nobody knows" "kill ${number[3]}"
    ask 2 3 "${number[@]}"
    tried 1 2
    returned -1
    answers 2
}

# So that a worker is not killed for ever, the witness gives in at some time.
# bats test_tags=points:2
@test "poison-three-times: what is lost each time is given up after that many tries" {
    for tries in 3 1 5; do
        numbers 5 1 1000000
        rules "kill ${number[1]} 12"
        ask 2 "$tries" "${number[@]}"
        tried "$tries" 1
        tried 1 0 2 3 4
        returned -1
        answers 1
    done
}

# bats test_tags=points:1
@test "last-try: the last try counts as much as the first" {
    numbers 5 1 1000000
    rules "kill ${number[0]} 3" "kill ${number[4]} 2"
    ask 2 4 "${number[@]}"
    returned 0
    answers
    tried 4 0
    tried 3 4
}

# bats test_tags=points:2
@test "in-rounds: no number is tried again before the round is over" {
    for lost in 0 3; do
        numbers 5 1 1000000
        rules "kill ${number[lost]} 2" "hold ${number[1]} until asked ${number[lost]}+500"
        ask 2 3 "${number[@]}"
        if sed "/^answer ask ${number[1]} /,\$d" "$run/log" | grep -c "^kill w[0-9]* ask" | grep -qx 2; then
            want early "${number[lost]}"
            wrong "${number[1]} has its answer before ${number[lost]} is tried again" "${number[lost]} does not wait"
        fi
        returned 0
        answers
    done
}

# bats test_tags=points:1
@test "again-at-once: if several were lost, they are tried again at once" {
    numbers 6 1 1000000
    rules
    for i in 0 2 3; do rule+=("kill ${number[i]}" "hold ${number[i]} until 9 asked"); done
    ask 3 3 "${number[@]}"
    want together 3
    [[ -z ${seen[gave-up]-} ]] || wrong "3 second tries at once" "one waits for another"
    returned 0
    answers
}

# bats test_tags=points:1
@test "many: sixty numbers, nine of them lost, one of them for good, one failed" {
    numbers 60 1 1000000
    rules "fail ${number[30]} nobody knows" "kill ${number[31]} 12"
    for i in 3 8 15 22 29 40 51 59; do rule+=("kill ${number[i]} $((1 + i % 2))"); done
    ask 3 3 "${number[@]}"
    returned -1 60
    answers 30 31
}

# bats test_tags=points:1
@test "sound: no memory is used that was freed or is another's, and none is lost" {
    numbers 6 1 1000000
    rules "kill ${number[1]}" "fail ${number[4]} nobody knows"
    ask_soundly 2 3 "${number[@]}"
    returned -1
    answers 4
}
