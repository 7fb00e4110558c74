# Exercise 1: ask_all() opens a pool, maps, closes, joins.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 01
}

# numbers COUNT LEAST MOST: sets `number` to so many random ones.
numbers() {
    number=()
    for ((i = 0; i < $1; i++)); do random "number[i]" "$2" "$3"; done
}

# squares: each number is answered with its square, in the order of the questions.
squares() {
    local i expected
    for i in "${!number[@]}"; do
        expected="${number[i]} -> $((number[i] * number[i]))"
        [[ ${lines[i]} == "$expected" ]] || wrong "$expected" "${lines[i]}" "$1"
    done
}

@test "big-numbers: the answers come back whole, in the order of the questions" {
    numbers 7 50000 3000000000
    ask 1 "${number[@]}"
    answered
    squares "a result is a long: what is sizeof *out? And is the last number among them?"
}

@test "four-at-once: as many items are inside at once as there are workers" {
    random some 2 6
    for workers in 4 "$some"; do
        random few 1 "$workers"
        for count in $((2 * workers)) "$few"; do
            numbers "$count" 1 1000000
            ask "$workers" "${number[@]}"
            answered
            inside=$((count < workers ? count : workers))
            [[ ${lines[count]} == "inside: $inside at once" ]] ||
                wrong "inside: $inside at once" "${lines[count]}" \
                    "each item is waited for before the next one is handed over"
            squares "in[i] is answered in out[i]"
        done
    done
}

@test "nothing-left: when it returns, nothing of the pool is left" {
    numbers 9 1 1000000
    ask 3 "${number[@]}"
    answered
    nothing_left
}

@test "bad-number: a number without an answer is told, and nothing is left then" {
    numbers 5 1 1000000
    random "number[2]" 4000000000 9000000000
    ask 1 "${number[@]}"
    [[ ${lines[0]} == "ask_all returned -1: "* ]] ||
        wrong "ask_all returned -1" "${lines[0]}" "what pool_map returns is what ask_all has to return"
    nothing_left
}

@test "no-pool: a pool that cannot be opened is told" {
    ask 1000000 1 2 3
    [[ ${lines[0]} == "ask_all returned -1: "* ]] ||
        wrong "ask_all returned -1" "${lines[0]}" "pool_open returns NULL when it fails"
    nothing_left
}
