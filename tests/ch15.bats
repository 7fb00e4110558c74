# Chapter 15: S15 one word, S33 why processes in C, S43 what switching the kind tells.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch15
}

expected() {
    cat <<'END'
idle: 2.0 of 2 cores
a loop      78498 primes in <time> s, on a core for <time> % of it
2 threads   78498 primes in <time> s
2 processes 78498 primes in <time> s
a loop          8 waits in <time> s, on a core for <time> % of it
2 threads       8 waits in <time> s
2 processes     8 waits in <time> s
processes, strtok:       6 and 4 words, in 600 of 600 runs
broken: threads, strtok: 3 and 2 words, in 600 of 600 runs
cured: strtok_r:         6 and 4 words, in 600 of 600 runs
broken: threads: item 1 crashes when 3 have answered
  the whole program is gone: Segmentation fault
cured: processes: item 1 crashes when 3 have answered
  item 1: worker <pid> was killed by SIGSEGV (a bad pointer, or the stack is full)
  the answers: 0, 4, 9
END
}

@test "ch15: one word, the same counts wrong in 600 runs, a crash in each kind; nothing is left" {
    kit_run -0 ch15
    expected | kit_match - 'like=/^idle: [0-9.]+ of [0-9]+ cores/'
}

@test "ch15: prints the same on a busy machine" {
    kit_busy 1 ch15 'like=/^idle: [0-9.]+ of [0-9]+ cores/' < <(expected)
}

# Its time on a core tells the work that computes from the work that waits, however busy the machine is.
@test "ch15: the loop that computes is on a core for longer than the loop that waits" {
    kit_run -0 ch15
    share=($(sed -n 's/^a loop.* for \([0-9]*\) %.*/\1/p' <<<"$output"))
    echo "${share[*]} %"
    kit_that 'share[0] > share[1] && share[1] < 10'
}

@test "ch15: in two threads the words come to the tasks as the book's picture says" {
    kit_altered ch15 'sem_post(&board->turn[1 - me]);' \
        'printf("turn: %d %s\n", me, word ? word : "no more"); sem_post(&board->turn[1 - me]);'
    kit_run -0 build/ch15-altered
    diff -u <(printf 'turn: %s\n' '0 to' '1 that' '0 is' '1 the' '0 question' '1 no more' '0 no more') \
        <(sed -n '/^processes, strtok/,$p' <<<"$output" | sed -n '2,8p')
}

@test "ch15: a SCALE that is no number is refused" {
    SCALE=fast kit_run -2 ch15
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}
