# The grader as a student meets it: what each verdict looks like. That wrong answers fail in the test that names them, and
# other right ones pass, is in make verify.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build grader
    BOX=$("$KIT/build/box" -q | sed 's/:.*//')
    export BOX
}

setup() {
    cd "$KIT"
    export PROGRESS=$BATS_TEST_TMPDIR/progress EX=$BATS_TEST_TMPDIR/answers
    mkdir "$EX"
}

# grade STATUS [ARG...]: runs grade.sh; what it says fits 80 columns.
grade() {
    run "-$1" build/run -l -t120 tools/grade.sh "${@:2}"
    refute_line --regexp '^.{81,}$'
}

# answer NN TEXT: an answer with this text in its hole.
answer() {
    local name
    name=$(basename exercises/fresh/ex"$1"-*.c)
    HOLE=$2 awk '/---- and ends here ----/ { print ENVIRON["HOLE"]; inside = 0 } !inside { print }
        /---- your code begins here ----/ { inside = 1 }' "exercises/fresh/$name" >"$EX/$name"
}

# change NN SED: the solution of an exercise, changed, is the answer.
change() {
    local solution
    solution=$(echo solutions/ex"$1"-*.c)
    sed "$2" "$solution" >"$EX/${solution##*/}"
    run ! cmp -s "$solution" "$EX/${solution##*/}"
}

@test "every solution passes" {
    EX=solutions grade 0
    assert_line "all pass"
    refute_output --partial note:
}

@test "every stub compiles, is as it was, and fails with what is missing" {
    for fresh in exercises/fresh/ex[0-9][0-9]-*.c; do
        number=${fresh#exercises/fresh/ex}
        EX=exercises/fresh grade 1 "${number%%-*}"
        assert_line -n 0 --regexp ': fail$'
        assert_output --partial "the body is still to be written: look for TODO"
        ! grep -q TODO "exercises/${fresh##*/}" || run -0 cmp "$fresh" "exercises/${fresh##*/}" # solved here already
    done
}

@test "nothing handed in is no pass: an empty folder, none at all, one file, rubbish" {
    grade 1
    assert_line --regexp '^01 first-pool +not handed in$'
    refute_line "all pass"
    EX=/nonexistent grade 1
    assert_line --regexp '^01 first-pool +not handed in$'
    cp solutions/ex01-first-pool.c "$EX"
    grade 1
    assert_line --regexp '^01 first-pool +pass$'
    assert_line --regexp '^02 one-argument +not handed in$'
    head -c 5000 /dev/urandom >"$EX/ex02-one-argument.c"
    grade 1
    assert_line --regexp '^02 one-argument +does not compile$'
}

@test "only the exact name counts; others are named, and no name is a command" {
    cp solutions/ex01-first-pool.c "$EX/ex01-first-pool-backup.c"
    cp solutions/ex01-first-pool.c "$EX/ex01-first-pool (copy).c"
    touch "$EX/ex01-x;touch PWNED;.c"
    grade 1
    assert_line --regexp '^01 first-pool +not handed in$'
    assert_line "ignored: ex01-first-pool-backup.c"
    assert_line "ignored: ex01-x;touch PWNED;.c"
    assert [ ! -e PWNED ]
    mkdir "$EX/it's a; \"folder\""
    cp solutions/ex* "$EX/it's a; \"folder\""
    EX="$EX/it's a; \"folder\"" grade 0
}

@test "what is beside the answer, or outside the hole, changes nothing, and an edit is noted" {
    change 01 's/, in the workers of a pool/, somehow/; s/harness_end("ask_all", status, before)/true/'
    echo '#error mine' >"$EX/harness.h"
    grade 0 01
    assert_line --regexp '^note: line [0-9]+, outside the hole, was changed'
    grade 1
    assert_line --regexp '^ +note: line [0-9]+, outside the hole, was changed'
    sed -i '/and ends here/d' "$EX/ex01-first-pool.c"
    grade 1 01
    assert_line -n 0 --regexp ': does not compile$'
    assert_output --partial '"---- and ends here ----" is missing'
}

@test "what does not compile: the first error alone, in the student's lines" {
    change 01 's/    pool_close(pool);/    pool_close(pool)/; s/^\/\* The task/\n\n&/; s/return status/return stats/'
    line=$(grep -n 'pool_close(pool)' "$EX"/ex01-*.c)
    grade 1 01
    assert_line -n 0 "exercise 01, first-pool: does not compile"
    assert_line -n 1 --partial "exercises/ex01-first-pool.c:${line%%:*}:"
    refute_output --partial stats
    answer 01 'return pool_opne(in, n, out, workers);'
    grade 1 01
    assert_output --partial "pool_opne"
    answer 02 '#include "../solutions/ex02-one-argument.c"'
    grade 1 02
    assert_line -n 0 --regexp ': does not compile$'
    answer 02 '#include "/dev/stdin"'
    grade 1 02
    rm "$EX/ex02-one-argument.c"
    mkfifo "$EX/ex02-one-argument.c"
    grade 1 02
    assert_output --partial "is not a plain file"
}

@test "warnings are shown, and no failure" {
    change 01 's/    pool_close/    int nobody_needs_it;\n&/'
    grade 0 01
    assert_output --partial "unused variable"
}

@test "timeout, crash, overflow, leftovers: what was run, expected, got, likely, and how to repeat it" {
    export DEADLINE=2
    answer 01 'for (;;) pause();'
    grade 1 01
    assert_line -n 0 "exercise 01, first-pool: timeout"
    kit_holds "ran: " "expected: " "got: " "it still ran after 2 seconds" "likely: " "repeat: " "make grade-01 SEED="
    answer 01 'raise(SIGSEGV); return 0;'
    grade 1 01
    assert_line -n 0 "exercise 01, first-pool: crash (SIGSEGV)"
    answer 01 'char *p = malloc(9), *volatile q = p; free(p); free(q); return 0;'
    grade 1 01
    assert_line -n 0 "exercise 01, first-pool: crash (SIGABRT)"
    kit_holds "something is freed twice" "stderr:" "double free detected"
    answer 01 'for (;;) printf("still here\n");'
    grade 1 01
    assert_line -n 0 "exercise 01, first-pool: overflow"
    kit_holds "likely: " "a loop that prints has no end" "printed:  still here"
    change 01 '/pool_close\|pool_join\|pool_free/d'
    grade 1 01
    assert_line -n 0 "exercise 01, first-pool: leftovers"
    kit_holds "ok     big-numbers" "FAIL   nothing-left" "later  bad-number"
}

@test "one seed, one report, which says how the answer is locked in" {
    change 01 's/sizeof \*out)/sizeof(int))/'
    SEED=5 grade 1 01
    once=$output
    assert_output --partial "protection: $BOX"
    SEED=5 grade 1 01
    assert_output "$once"
    SEED=6 grade 1 01
    refute_output "$once"
}

@test "progress is kept, hints come one at a time and again, misuse is told" {
    export EX=exercises
    grade 0 progress
    assert_output "you: 0 of $(ls exercises/fresh/ex[0-9][0-9]-*.c | wc -l) exercises"
    printf '%s\n' "ex01 pass" "last ex01 (pass)" >"$PROGRESS"
    grade 0 progress
    assert_output --regexp '^you: 1 of [0-9]+ exercises, last ex01 \(pass\)$'
    for tier in 1 2 3 3; do
        grade 0 hint 02
        assert_line -n 0 "exercise 02, hint $tier of 3"
        told=${#lines[@]}
        kit_that 'told > 3'
    done
    grade 0 hints 02
    kit_holds "hint 1 of 3" "hint 2 of 3" "hint 3 of 3"
    grade 2 99
    assert_output --partial "grade.sh: there is no exercise '99'; there is: 01 02"
    grade 2 two words more
    grade 2 hint
}

@test "no test runs an answer but in the box" {
    run -1 grep -nE '\$KIT|\$GRADING|kit_run|\brun |\./ex|build/' tests/ex[0-9][0-9].bats
}
