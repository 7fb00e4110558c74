# Exercise 2: sums() packs pairs and maps.
#
# The first two tests leave the last pair out of account, and in the first one all sums would be the same: so each of
# the first three names one mistake.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 02
}

# ask_pairs COUNT: puts so many random pairs to the answer, in a file.
ask_pairs() {
    numbers $((2 * $1)) -1000000 1000000
    input=$BATS_TEST_TMPDIR/pairs
    ((${#number[@]} == 0)) || printf '%s %s\n' "${number[@]}" >"$input"
    (($1 > 0)) || : >"$input"
    ask -
}

# sums [COUNT]: each pair has the sum that the witness gave for it; COUNT: of the last ones so many are not looked at.
sums() {
    local i line=() question=() n=$((${#number[@]} / 2))
    for ((i = 0; i < n; i++)); do question+=("ask ${number[2 * i]} ${number[2 * i + 1]}"); done
    ((n == 0)) || answers_to "${question[@]}"
    for ((i = 0; i < n; i++)); do line+=("${number[2 * i]} + ${number[2 * i + 1]} = ${answer[i]}"); done
    [[ -z ${1-} ]] || { lines=("${lines[@]:0:n-$1}") line=("${line[@]:0:n-$1}"); }
    printed "${line[@]}"
}

# bats test_tags=points:2
@test "pairs-stay-together: each sum is of one whole pair" {
    ask_pairs 40
    returned 0 40
    [[ -z $(strangers) ]] || want strangers 1
    [[ -z $(strangers) ]] || wrong "add() gets the pairs that were given" "it got another: $(strangers)"
}

# strangers: the first pair that was asked, but not given. (Of 0 and 0 somebody forgot to fill it in: that is another mistake.)
strangers() {
    sed -n 's/^times [0-9]* ask //p' "$run/seen" | grep -vxF -e '0 0' -f "$input" | head -n 1 | grep .
}

# bats test_tags=points:2
@test "own-argument: each item is a pair of its own" {
    ask_pairs 40
    returned 0 40
    sums 1
}

# bats test_tags=points:1
@test "last-pair: the last pair is added too, be there one or a thousand" {
    for count in 1 2 1000; do
        ask_pairs "$count"
        returned 0 "$count"
        sums
        asked_once "$count"
    done
}

# bats test_tags=points:1
@test "no-pairs: with n = 0 there is nothing to do, and that is no failure" {
    ask_pairs 0
    returned 0 0
    printed
    nothing_left
}

# bats test_tags=points:1
@test "in-workers: the adding is done in one pool's workers" {
    ask_pairs 25
    returned 0
    in_workers
    one_pool
}

# one_pool: no more processes worked than one pool has workers.
one_pool() {
    local cores
    cores=$(nproc)
    ((cores <= 8)) || cores=8
    want workers "$cores"
    ((${seen[askers]} <= cores)) || wrong "at most $cores workers, one pool's" "${seen[askers]} processes worked"
}

# bats test_tags=points:2
@test "nothing-left: when it returns, nothing of the pool is left" {
    ask_pairs 25
    returned 0
    nothing_left
}

# bats test_tags=points:1
@test "bad-pair: a sum that fails is told, and nothing is left then" {
    numbers 6 1 1000
    rules "fail ${number[2]} this sum is a secret"
    ask "${number[@]}"
    returned -1
    nothing_left
}

# bats test_tags=points:1
@test "sound: no memory is used that was freed or is another's, and none is lost" {
    numbers 40 1 1000
    ask_soundly "${number[@]}"
    returned 0
    sums
}
