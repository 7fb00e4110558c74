# Exercise 1: ask_all() opens a pool, maps, closes, joins.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 01
}

# squares: each number has its answer, in the order of the questions.
squares() {
    local i line=()
    answers_to "${number[@]/#/ask }"
    for i in "${!number[@]}"; do line+=("${number[i]} -> ${answer[i]}"); done
    printed "${line[@]}"
}

# bats test_tags=points:2
@test "big-numbers: the answers come back whole, in the order of the questions" {
    numbers 7 50000 3000000000
    ask 1 "${number[@]}"
    returned 0
    squares
    asked_once 7
}

# bats test_tags=points:2
@test "four-at-once: as many items are inside at once as there are workers" {
    random some 2 6
    for workers in 4 "$some"; do
        random few 1 "$workers"
        for count in $((2 * workers)) "$few"; do
            expected=$((count < workers ? count : workers))
            numbers "$count" 1 1000000
            rules "hold ask until $expected inside"
            ask "$workers" "${number[@]}"
            returned 0
            inside "$expected"
            in_workers
            squares
        done
    done
}

# bats test_tags=points:1
@test "no-more-workers: there are as many workers as asked for, and no more" {
    for workers in 3 1 5; do
        numbers 9 1 1000000
        rules "hold ask until $workers inside"
        ask "$workers" "${number[@]}"
        returned 0
        inside "$workers"
        workers "$workers"
    done
}

# bats test_tags=points:2
@test "nothing-left: when it returns, nothing of the pool is left" {
    numbers 9 1 1000000
    ask 3 "${number[@]}"
    returned 0
    nothing_left
}

# bats test_tags=points:1
@test "bad-number: a number without an answer is told, and nothing is left then" {
    numbers 5 1 1000000
    rules "fail ${number[2]} nobody knows that one"
    ask 1 "${number[@]}"
    returned -1
    nothing_left
}

# bats test_tags=points:1
@test "no-pool: a pool that cannot be opened is told" {
    ask 1000000 1 2 3
    returned -1
    nothing_left
}

# bats test_tags=points:1
@test "sound: no memory is used that was freed or is another's, and none is lost" {
    numbers 8 1 1000000
    ask_soundly 2 "${number[@]}"
    returned 0
    squares
}
