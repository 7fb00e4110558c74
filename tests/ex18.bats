# Exercise 18: consumer() gets items from a queue, one of several that do; nothing waits for ever.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 18
}

# answers [NUMBER]...: each number has its answer, but these have failed. Whether the consumers have ended is for all-end to
# judge.
answers() {
    local i line=() not_ended="not all consumers have ended"
    [[ ${lines[-1]-} != "$not_ended" ]] || unset "lines[-1]"
    answers_to "${number[@]/#/ask }"
    for i in "${!number[@]}"; do
        if [[ " $* " == *" ${number[i]} "* ]]; then
            line+=("${number[i]} -> failed")
        else
            line+=("${number[i]} -> ${answer[i]}")
        fi
    done
    printed "${line[@]}"
}

# bats test_tags=points:2
@test "every-item: each item is asked about once, and reported" {
    numbers 14 1 3000000000
    ask 3 "${number[@]}"
    returned 0
    answers
    asked_once 14
}

# bats test_tags=points:2
@test "side-by-side: the consumers work at the same time" {
    numbers 9 1 1000000
    rules "hold ask until 4 inside"
    ask 4 "${number[@]}"
    inside 4
    returned 0
    answers
}

# bats test_tags=points:3
@test "failing-item: what fails is reported, dealt with, and ends nobody" {
    numbers 12 1 1000000
    rules "fail ${number[0]} bad" "fail ${number[4]} bad" "fail ${number[5]} bad" "fail ${number[11]} bad"
    ask 3 "${number[@]}"
    returned 0
    answers "${number[0]}" "${number[4]}" "${number[5]}" "${number[11]}"
    asked_once 12
}

# bats test_tags=points:3
@test "join-means-done: when join returns, the last item has its answer" {
    numbers 6 1 1000000
    rules "hold ${number[5]} until asked joined+100"
    ask 3 "${number[@]}"
    local joined last
    joined=$(grep -nE '^w[0-9]+ joined' "$run/log" | cut -d: -f1 | head -n 1)
    last=$(grep -nE "^answer ask ${number[5]}( |$)" "$run/log" | cut -d: -f1 | head -n 1)
    want joined-early $((${joined:-9999} < ${last:-0}))
    ((${joined:-9999} > ${last:-0})) || wrong "join returns when the last item has its answer" "it returned before"
    returned 0
    answers
}

# bats test_tags=points:3
@test "all-end: one sentinel ends all of them" {
    for workers in 1 2 5; do
        numbers 7 1 1000000
        ask "$workers" "${number[@]}"
        returned 0
        want not-ended "$(grep -c "^not all consumers" "$run/out" || true)"
        [[ ${lines[-1]} != "not all"* ]] || wrong "all $workers consumers end" "${lines[-1]}"
        answers
    done
}
