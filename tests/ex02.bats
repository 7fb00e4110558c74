# Exercise 2: sums() packs pairs and maps.
#
# The first two tests with numbers leave the last pair out of account, and in the first one all sums are the same:
# so each of them names one mistake.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 02
}

# pairs COUNT [SUM]: sets a and b to so many random numbers; if SUM is given, each pair has this sum.
pairs() {
    a=() b=()
    for ((i = 0; i < $1; i++)); do
        random "a[i]" -1000000 1000000
        random "b[i]" -1000000 1000000
        [[ -z ${2-} ]] || b[i]=$(($2 - a[i]))
    done
}

# ask_pairs: puts the question, by way of a file, so that the student can repeat it.
ask_pairs() {
    question=$KIT/build/ex02-question
    for i in "${!a[@]}"; do echo "${a[i]} ${b[i]}"; done >"$question"
    ask_from "$question" -
    answered
}

# sums FIRST LAST LIKELY: the sums from the first to the last pair are right.
sums() {
    for ((i = $1; i <= $2; i++)); do
        expected="${a[i]} + ${b[i]} = $((a[i] + b[i]))"
        [[ ${lines[i]} == "$expected" ]] || wrong "$expected" "${lines[i]}" "$3"
    done
}

@test "pairs-stay-together: each sum is of one whole pair" {
    random sum 1000 1000000
    pairs 40 "$sum"
    ask_pairs
    sums 0 38 "a width is the step from one pair to the next: sizeof *pairs"
}

@test "own-argument: each item is a pair of its own" {
    pairs 40
    ask_pairs
    sums 0 38 "all items share one struct: pack an array of them, one for each item"
}

@test "last-pair: the last pair is added too, be there one or a thousand" {
    for count in 1 2 1000; do
        pairs "$count"
        ask_pairs
        sums 0 $((count - 1)) "n pairs have the indices 0 to n - 1; all n are packed and mapped"
    done
}

@test "no-pairs: with n = 0 there is nothing to do, and that is no failure" {
    pairs 0
    ask_pairs
    [[ ${lines[0]} == added:* ]] || wrong "no sums" "${lines[0]}" "n may be 0, and malloc(0) may return NULL"
}

@test "in-workers: the adding is done in the pool's workers" {
    pairs 25
    ask_pairs
    [[ $output == *"added: 0 in the program itself, 25 in workers"* ]] ||
        wrong "added: 0 in the program itself, 25 in workers" "$(grep ^added: <<<"$output")" "hand the pairs to pool_map"
}

@test "nothing-left: when it returns, nothing of the pool is left" {
    pairs 25
    ask_pairs
    nothing_left
}

@test "bad-pair: a sum that fails is told, and nothing is left then" {
    random some 1 1000
    ask 1 2 9223372036854775807 "$some" 5 6
    [[ ${lines[0]} == "sums returned -1: "* ]] ||
        wrong "sums returned -1" "${lines[0]}" "what pool_map returns is what sums has to return"
    nothing_left
}
