# Exercise 5: first_hit() takes what comes from a stream, and stops.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 05
}

# hit N: the witness answers `wanted` to this number, and to no other.
hit() {
    random wanted 4294967296 3000000000000
    rules "value $1 $wanted"
}

# bats test_tags=points:2
@test "hit: the number whose answer is wanted, be it the first or the last" {
    for each in 4 1 9; do
        hit "$each"
        ask 3 "$wanted" 9
        returned 0
        printed "found: $each"
        in_workers
    done
}

# bats test_tags=points:1
@test "no-hit: when all answers have come and none is wanted, it is -1" {
    random wanted 4294967296 3000000000
    rules "value * 7"
    ask 3 "$wanted" 9
    returned -1
    asked_once 9
}

# bats test_tags=points:2
@test "endless-input: the numbers need not end, and only a few are taken ahead" {
    hit 6
    ask 3 "$wanted"
    returned 0
    printed "found: 6"
    pulled=$(grep -c '^times [0-9]* pull ' "$run/seen")
    ((pulled <= 100)) || wrong "a few numbers are taken from the source" "$pulled were"
}

# bats test_tags=points:1
@test "bad-number: one that fails is passed over" {
    hit 5
    rule+=("fail 1 no" "fail 3 no, again")
    ask 2 "$wanted" 9
    returned 0
    printed "found: 5"
}

# bats test_tags=points:2
@test "slow-first-item: a number without an answer does not hold up the others" {
    hit 5
    rule+=("hold 1 until asked end")
    ask 2 "$wanted"
    [[ -z ${seen[gave-up]-} ]] || wrong "the answer to 5 is taken while 1 has none" "1 is waited for"
    returned 0
    printed "found: 5"
}

# bats test_tags=points:2
@test "half-way-close: when it returns, the stream is closed" {
    hit 1
    rule+=("hold ask until asked end" "fail ask too late to be of use")
    ask 2 "$wanted"
    returned 0
    [[ ${lines[*]} != *"nobody looked"* ]] ||
        wrong "nobody asks for what was still under way" "the pool, at its end: ${lines[-1]}"
    printed "found: 1"
}

# bats test_tags=points:1
@test "sound: no memory is used that was freed or is another's, and none is lost" {
    hit 6
    ask_soundly 2 "$wanted" 9
    returned 0
    printed "found: 6"
}
