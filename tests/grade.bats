# The grader and the exercises, as a student meets them: every stub fails with a message, every solution
# passes, every wrong answer below fails in the test that names it.

bats_require_minimum_version 1.5.0
load kit

setup() {
    cd "$KIT"
    export PROGRESS=$BATS_TEST_TMPDIR/progress EX=$BATS_TEST_TMPDIR/answers
    mkdir "$EX"
}

# grade STATUS [ARG...]: runs grade.sh, which runs bats: so bats' own variables must not be in its way.
grade() {
    local variable own=()
    for variable in "${!BATS_@}"; do own+=(-u "$variable"); done
    run "-$1" build/run -l -t120 env "${own[@]}" PATH="${PATH//"$BATS_LIBEXEC:"/}" tools/grade.sh "${@:2}"
}

# change NN SED: the solution of an exercise, changed, is the answer.
change() {
    local solution
    solution=$(echo solutions/ex"$1"-*.c)
    sed "$2" "$solution" >"$EX/${solution##*/}"
    run ! cmp -s "$solution" "$EX/${solution##*/}"
}

# dies NN TEST SED: the solution, changed like this, fails, and TEST is the one that tells.
dies() {
    export PATIENCE=1
    change "$1" "$3"
    grade 1 "$1"
    assert_output --partial "FAIL   $2:"
    kit_holds "expected: " "got: " "likely: " "repeat: "
}

setup_file() {
    kit_build lib
}

@test "every solution passes" {
    EX=solutions grade 0
    assert_equal "${lines[-1]}" "all pass"
}

@test "every stub compiles, and fails with what is missing" {
    for stub in exercises/ex[0-9][0-9]-*.c; do
        grep -q TODO "$stub" || continue # solved here already
        number=${stub#exercises/ex}
        EX=exercises grade 1 "${number%%-*}"
        assert_line -n 0 --regexp ': fail$'
        assert_output --partial "it has no body yet, see TODO"
    done
}

@test "outside the hole every stub is as its solution, and all have hints in three tiers" {
    outside='/---- your code begins here ----/,/---- and ends here ----/d'
    for stub in exercises/ex[0-9][0-9]-*.c; do
        diff <(sed "$outside" "$stub") <(sed "$outside" "solutions/${stub##*/}")
        number=${stub#exercises/ex}
        assert_equal "$(grep -c '^## ' "exercises/hints/${number%%-*}.md")" 3
    done
}

@test "exercise 01: each wrong answer fails in the test that names it" {
    map='pool_map(pool, ask, in, n, sizeof \*in, out, sizeof \*out);'
    each='0; for (size_t i = 0; i < n; i++) status |='
    dies 01 four-at-once "s/$map/$each pool_apply(pool, ask, \&in[i], sizeof *in, \&out[i], sizeof *out);/"
    dies 01 four-at-once "s/$map/$each ask(\&in[i], \&out[i]);/"
    dies 01 big-numbers 's/sizeof \*out)/sizeof(int))/'
    dies 01 big-numbers 's/in, n, sizeof/in, n - 1, sizeof/'
    dies 01 nothing-left '/pool_close\|pool_join\|pool_free/d'
    dies 01 bad-number 's/    pool_close/    if (status)\n        return status;\n    pool_close/'
    dies 01 no-pool 's/^ *if (!pool)/    if (!pool \&\& workers > 999)\n        return 0;\n&/'
}

@test "exercise 02: each wrong answer fails in the test that names it" {
    dies 02 pairs-stay-together 's/sizeof \*pairs, out/sizeof(long), out/'
    dies 02 own-argument 's/pairs\[i\] =/for (size_t k = 0; k < n; k++) pairs[k] =/'
    dies 02 last-pair 's/i < n; i++/i + 1 < n; i++/'
    dies 02 last-pair 's/pairs, n, sizeof/pairs, n - (n > 0), sizeof/'
    dies 02 no-pairs 's/if (pairs \&\& pool)/if (n \&\& pairs \&\& pool)/'
    each='status = 0; for (size_t i = 0; i < n; i++) status |='
    dies 02 in-workers "s/status = pool_map(.*/$each add(\&pairs[i], \&out[i]);/"
    dies 02 nothing-left '/pool_close\|pool_join\|pool_free/d'
    dies 02 bad-pair 's/return status;/return status * 0;/'
}

@test "what does not compile is told with the compiler's words, and the line is the student's" {
    change 01 's/    return status;/    return stats;/'
    line=$(grep -n 'return stats;' "$EX"/ex01-*.c)
    grade 1 01
    assert_line -n 0 "exercise 01, first-pool: does not compile"
    kit_holds "ex01-first-pool.c:${line%%:*}:" "stats"
    grade 1
    kit_holds "does not compile" "ex01-first-pool.c:${line%%:*}:" "stats"
}

@test "an answer that never ends is a timeout, one that crashes a crash; nothing is left of either" {
    export DEADLINE=2
    change 01 's/    return status;/    while (status == 0)\n        pause();\n&/'
    grade 1 01
    assert_line -n 0 "exercise 01, first-pool: timeout"
    kit_holds "got: " "it still ran after 2 seconds"
    change 01 's/    return status;/    raise(SIGSEGV);\n&/; s/^#include "harness.h"/&\n#include <signal.h>/'
    grade 1 01
    assert_line -n 0 "exercise 01, first-pool: crash (SIGSEGV)"
}

@test "progress is kept, hints come one at a time, misuse is told" {
    export EX=exercises
    grade 0 progress
    assert_output "you: 0 of $(ls exercises/ex[0-9][0-9]-*.c | wc -l) exercises"
    printf '%s\n' "ex01 pass" "last ex01 (pass)" >"$PROGRESS"
    grade 0 progress
    assert_output --regexp '^you: 1 of [0-9]+ exercises, last ex01 \(pass\)$'
    for tier in 1 2 3 3; do
        grade 0 hint 02
        assert_line -n 0 "exercise 02, hint $tier of 3"
        told=${#lines[@]}
        kit_that 'told > 3'
    done
    grade 2 99
    assert_output --partial "grade.sh: there is no exercise '99' in exercises; there is: 01 02 "
    grade 2 two words more
    grade 2 hint
}

@test "a change outside the hole is noted" {
    export EX=solutions
    grade 0 1
    refute_output --partial note:
    EX=$BATS_TEST_TMPDIR/answers
    change 01 's/, one after another\|at once/at first/'
    grade 1 ex01
    assert_output --partial "note: $EX/ex01-first-pool.c was changed outside the hole too"
}
