# Exercise 3: ask_each() hands all numbers over, then fetches all answers.
#
# The order of the tests: each is passed by the mistakes that a later one names.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 03
}

# lines_of: sets `line` to what is to be printed, one for each number.
lines_of() {
    local i
    answers_to "${number[@]/#/ask }"
    line=()
    for i in "${!number[@]}"; do line+=("${number[i]} -> ${answer[i]}"); done
}

# bats test_tags=points:2
@test "all-started: all numbers are handed over before any is waited for" {
    for workers in 4 3; do
        numbers $((workers + 2)) 1 1000000
        rules "hold ask until $workers inside"
        ask "$workers" "${number[@]}"
        inside "$workers"
        in_workers
    done
}

# bats test_tags=points:2
@test "every-result: each result is waited for, also one that comes last" {
    numbers 6 1 1000000
    rules "hold ${number[0]} until answered ${number[5]}+300"
    ask 6 "${number[@]}"
    answers_to "${number[@]/#/ask }"
    for one in "${answer[@]}"; do
        printf '%s\n' "${lines[@]}" | grep -q -- "-> $one\$" || wrong "$one is among the answers" "it is not"
    done
    returned 0
}

# bats test_tags=points:2
@test "in-order: each number has its own answer, in whichever order they come" {
    numbers 6 50000 3000000000
    rules
    for i in 0 1 2 3 4; do rule+=("hold ${number[i]} until answered ${number[i + 1]}"); done
    ask 6 "${number[@]}"
    returned 0
    lines_of
    printed "${line[@]}"
    asked_once 6
}

# bats test_tags=points:1
@test "neighbours: a number without an answer is told, and the others have theirs" {
    numbers 5 1 1000000
    rules "fail ${number[1]} nobody knows that one"
    ask 2 "${number[@]}"
    returned -1
    lines_of
    line[1]="${number[1]} -> 0"
    printed "ask_each returned -1" "${line[@]}"
}

# bats test_tags=points:1
@test "many: two hundred numbers, three workers" {
    numbers 200 1 1000000
    ask 3 "${number[@]}"
    returned 0 200
    lines_of
    printed "${line[@]}"
    asked_once 200
}

# bats test_tags=points:1
@test "sound: no memory is used that was freed or is another's, and none is lost" {
    numbers 8 1 1000000
    ask_soundly 2 "${number[@]}"
    returned 0
    lines_of
    printed "${line[@]}"
}
