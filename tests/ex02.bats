# Exercise 2: sums() packs pairs and maps.
#
# The first two tests leave the last pair out of account, and in the first one all sums are the same: so each
# of the first three names one mistake.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 02
}

# ask_pairs COUNT [SUM]: puts so many random pairs to the answer; if SUM is given, each pair has this sum.
# They lie in a file, so that the student can repeat it.
ask_pairs() {
    question=${QUESTIONS:-$BATS_TEST_TMPDIR}/ex02-question
    awk -v n="$1" -v sum="${2-}" -v seed="$RANDOM$RANDOM" '
        function random() { return int(rand() * 2000001) - 1000000 }
        BEGIN {
            for (srand(seed); n > 0; n--) {
                a = random()
                print a, sum == "" ? random() : sum - a
            }
        }' >"$question"
    ask_from "$question" -
    answered
}

# sums COUNT LIKELY: the sums of the first pairs are right.
sums() {
    awk -v n="$1" '{ expected[NR] = sprintf("%d + %d = %d", $1, $2, $1 + $2) } NR == n { exit }
        END { while (++i <= n) print expected[i] }' "$question" >"$BATS_TEST_TMPDIR/expected"
    head -n "$1" <<<"$output" | diff "$BATS_TEST_TMPDIR/expected" - >"$BATS_TEST_TMPDIR/differ" ||
        wrong "$(grep -m 1 '^<' "$BATS_TEST_TMPDIR/differ" | cut -c3-)" \
            "$(grep -m 1 '^>' "$BATS_TEST_TMPDIR/differ" | cut -c3-)" "$2"
}

@test "pairs-stay-together: each sum is of one whole pair" {
    random sum 1000 1000000
    ask_pairs 40 "$sum"
    sums 39 "a width is the step from one pair to the next: sizeof *pairs"
}

@test "own-argument: each item is a pair of its own" {
    ask_pairs 40
    sums 39 "all items share one struct: pack an array of them, one for each item"
}

@test "last-pair: the last pair is added too, be there one or a thousand" {
    for count in 1 2 1000; do
        ask_pairs "$count"
        sums "$count" "n pairs have the indices 0 to n - 1; all n are packed and mapped"
    done
}

@test "no-pairs: with n = 0 there is nothing to do, and that is no failure" {
    ask_pairs 0
    [[ ${lines[0]} == added:* ]] || wrong "no sums" "${lines[0]}" "n may be 0, and malloc(0) may return NULL"
}

@test "in-workers: the adding is done in the pool's workers" {
    ask_pairs 25
    expected="added: 0 in the program itself, 25 in workers"
    [[ $output == *"$expected"* ]] ||
        wrong "$expected" "$(grep ^added: <<<"$output")" "hand the pairs to pool_map"
}

@test "nothing-left: when it returns, nothing of the pool is left" {
    ask_pairs 25
    nothing_left
}

@test "bad-pair: a sum that fails is told, and nothing is left then" {
    random some 1 1000
    ask 1 2 9223372036854775807 "$some" 5 6
    [[ ${lines[0]} == "sums returned -1: "* ]] ||
        wrong "sums returned -1" "${lines[0]}" "what pool_map returns is what sums has to return"
    nothing_left
}
