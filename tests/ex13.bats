# Exercise 13: chunk_for() says how many items a worker is to take at a time.
#
# Whatever satisfies the three rules is right: so an answer is compared with the least and the most that they allow, not
# with what the solution says.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 13
}

# question TASK HANDING N WORKERS: one more; all of them are put in one run.
question() {
    questions+=("$*")
}

# judge [LOW] [HIGH]: runs it, and looks whether each answer is at least what the third rule says, and at most what the second
# says; without LOW or HIGH at least 1 or at most n will do.
judge() {
    local i least most rule is items
    # shellcheck disable=SC2068 # each question is four arguments
    ask ${questions[@]}
    for i in "${!questions[@]}"; do
        read -r least most < <(awk -v q="${questions[i]}" 'BEGIN {
            split(q, a, " ")
            most = int(a[3] / (4 * a[4]))
            wanted = 100 * a[2] / a[1] - 1e-6
            least = wanted > int(wanted) ? int(wanted) + 1 : int(wanted)
            if (most < 1) most = 1
            if (least > most) least = most
            if (least < 1) least = 1
            printf "%.0f %.0f\n", least, most
        }')
        [[ " $* " == *" LOW "* ]] || least=1
        read -r _ _ items _ <<<"${questions[i]}"
        [[ " $* " == *" HIGH "* ]] || most=$items
        is=${lines[i]-nothing}
        [[ $is =~ ^[0-9]+$ ]] || is=-1
        ((is >= least && is <= most)) && continue
        want chunk "$is"
        want chunk-least "$least"
        want chunk-most "$most"
        asked="${asked%% *} ${questions[i]}"
        rule="from $least to $most"
        ((least < most)) || rule=$least
        wrong "a chunk: $rule" "${lines[i]-nothing}"
    done
    ((${#lines[@]} == ${#questions[@]})) || wrong "a line for each question, no more" "${#lines[@]} lines"
}

# bats test_tags=points:2
@test "at-least-one: a chunk has at least one item, however few there are" {
    random n 1 7
    questions=()
    question 5 0.5 "$n" 2
    question 0.1 30 1 1
    question 10 0 3 8
    judge
}

# bats test_tags=points:3
@test "four-chunks-each: there are four chunks for each worker" {
    questions=()
    for workers in 1 2 5 16; do
        random n $((4 * workers)) $((900 * workers))
        question 0.5 1000000 "$n" "$workers"
    done
    judge HIGH
}

# bats test_tags=points:3
@test "one-per-cent: handing over takes at most a hundredth, where there are enough items" {
    questions=()
    for handing in 0.04 0.15 3.7 25; do
        random n 400000 900000
        random tenths 1 99
        question "${tenths%?}.${tenths: -1}1" "$handing" "$n" 2
    done
    question 400 12 100000 2
    judge LOW
}

# bats test_tags=points:2
@test "as-near-as-can-be: where a hundredth cannot be had, the chunk is as large as the others allow" {
    questions=()
    random n 300 900
    question 1 20 "$n" 3
    question 0.2 0.9 "$n" 1
    judge LOW HIGH
}

# bats test_tags=points:2
@test "all-sorts: a hundred questions" {
    questions=()
    for ((i = 0; i < 100; i++)); do
        random task 1 99999
        random handing 0 9999
        random n 1 20000
        random workers 1 24
        question "$((task / 1000)).$((1000 + task % 1000))" "$((handing / 100)).$((10 + handing % 90))" "$n" "$workers"
    done
    judge LOW HIGH
}
