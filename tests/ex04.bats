# Exercise 4: settle() finds out what became of each job.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 04
}

# outcomes [NUMBER LINE]...: all are done, but these numbers, whose lines are given.
outcomes() {
    local i line=()
    local -A other=()
    while (($# > 0)); do other[$1]=$2 && shift 2; done
    answers_to "${number[@]/#/ask }"
    for i in "${!number[@]}"; do
        line+=("${other[${number[i]}]-${number[i]}: done, ${answer[i]}}")
    done
    ((${#other[@]} == 0)) || line=("settle returned -1" "${line[@]}")
    printed "${line[@]}"
}

# bats test_tags=points:2
@test "waits: what comes in time is done" {
    numbers 5 50000 3000000000
    rules "hold ${number[1]} until asked ${number[1]}+300" "hold ${number[4]} until asked ${number[4]}+300"
    ask 5 60 "${number[@]}"
    returned 0
    outcomes
}

# bats test_tags=points:2
@test "kinds: what failed is not late, and what is late has not failed" {
    numbers 2 1 1000000
    random secret 1000 9999
    rules "fail ${number[1]} nobody may know number $secret"
    ask 2 60 "${number[@]}"
    outcomes "${number[1]}" "${number[1]}: failed, item 0: nobody may know number $secret"
    rules "never ${number[1]}"
    ask 2 0.5 "${number[@]}"
    outcomes "${number[1]}" "${number[1]}: late"
}

# bats test_tags=points:2
@test "neighbours: behind one that failed the others are looked at" {
    numbers 6 1 1000000
    rules "fail ${number[0]} not this one" "fail ${number[3]} nor this"
    ask 3 60 "${number[@]}"
    outcomes "${number[0]}" "${number[0]}: failed, item 0: not this one" \
        "${number[3]}" "${number[3]}: failed, item 0: nor this"
}

# bats test_tags=points:2
@test "slow-first: behind one that is late the others are looked at" {
    numbers 6 1 1000000
    rules "never ${number[0]}"
    ask 6 1 "${number[@]}"
    outcomes "${number[0]}" "${number[0]}: late"
}

# bats test_tags=points:2
@test "one-budget: the seconds are for all of them together" {
    numbers 40 1 1000000
    rules "never ask"
    ask 2 1 "${number[@]}"
    returned -1
    local each late=()
    for each in "${number[@]}"; do late+=("$each: late"); done
    printed "settle returned -1" "${late[@]}"
}

# bats test_tags=points:1
@test "lost-worker: what a worker died of has failed, and in the pool's own words" {
    numbers 3 1 1000000
    rules "kill ${number[1]}"
    ask 2 60 "${number[@]}"
    returned -1
    [[ ${lines[2]-} == "${number[1]}: failed, item 0: "*SIGKILL* ]] ||
        wrong "${number[1]}: failed, item 0: ... SIGKILL ..." "${lines[2]-nothing}"
}

# bats test_tags=points:1
@test "sound: no memory is used that was freed or is another's, and none is lost" {
    numbers 8 1 1000000
    ask_soundly 2 60 "${number[@]}"
    returned 0
    outcomes
}
