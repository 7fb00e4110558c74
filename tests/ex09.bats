# Exercise 9: open_for_leaky() opens a pool whose workers are replaced in time, and not earlier.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 09
}

# answers: each number has its own.
answers() {
    local i line=()
    answers_to "${number[@]/#/ask }"
    for i in "${!number[@]}"; do line+=("${number[i]} -> ${answer[i]}"); done
    printed "${line[@]}"
}

# lives FIT WORKERS: no process ran more than FIT tasks, and no more processes were needed than that makes necessary.
lives() {
    local least=$(((${#number[@]} + $1 - 1) / $1))
    want fit "$1"
    want most-asks "${seen[most-asks]}"
    ((${seen[most-asks]} <= $1)) || wrong "a worker does $1 tasks at most" "${seen[most-asks]}"
    want lives-most $((least + $2 - 1))
    want lives "${seen[askers]}"
    ((${seen[askers]} <= least + $2 - 1)) || wrong "at most $((least + $2 - 1)) processes do the work" "${seen[askers]}"
}

# sizes FIT: sets leak and limit so that FIT tasks fit into a process, with more than half of one to spare.
sizes() {
    random leak 100 900
    limit=$(($1 * leak + leak * 3 / 4))
}

# bats test_tags=points:3
@test "nobody-out-of-memory: no worker does more tasks than fit into it" {
    random fit 2 6
    sizes "$fit"
    numbers $((fit * 3)) 1 3000000000
    ask "$leak" "$limit" 1 "${number[@]}"
    returned 0
    answers
    numbers 9 1 1000000
    ask 250 1000 2 "${number[@]}" # exactly four
    returned 0
    answers
}

# bats test_tags=points:3
@test "no-needless-restarts: a worker lives as long as a task fits into it" {
    random fit 3 6
    sizes "$fit"
    numbers $((fit * 4)) 1 1000000
    ask "$leak" "$limit" 1 "${number[@]}"
    returned 0
    lives "$fit" 1
    numbers 24 1 1000000 # lives of less than 8: the library makes first lives of a longer kind shorter
    ask 100 700 3 "${number[@]}"
    returned 0
    lives 7 3
    answers
}

# bats test_tags=points:2
@test "all-workers: there are as many as there are to be" {
    numbers 8 1 1000000
    rules "hold ask until 4 inside"
    ask 10 1000 4 "${number[@]}"
    inside 4
    workers 4
    returned 0
    answers
}

# bats test_tags=points:1
@test "no-leak: a task that does not leak needs no new workers" {
    numbers 20 1 1000000
    ask 0 100 2 "${number[@]}"
    returned 0
    lives 20 2
    answers
}

# bats test_tags=points:1
@test "no-room: where not even one task fits no pool is opened, and errno says why" {
    numbers 3 1 1000000
    ask 1001 1000 2 "${number[@]}"
    returned -1
    grep -q "^errno is 12:" "$run/err" ||
        wrong "errno is ENOMEM" "$(grep '^errno is' "$run/err" || echo "nothing on stderr")"
    ask 1000 1000 1 "${number[@]}" # just one
    returned 0
    answers
}
