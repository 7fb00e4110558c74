# The book's page "An exercise of your own": what stands there is a whole exercise, and works.

bats_require_minimum_version 1.5.0
load kit

# block N: the Nth program of that page, which is indented.
block() {
    awk -v wanted="$1" '/^###? / { here = $0 == "### An exercise of your own" }
        !here { next }
        /^    / { count += !inside; inside = 1 }
        /^[^ ]/ { inside = 0 }
        inside && count == wanted { sub(/^    /, ""); print }' "$KIT/book.md"
}

# course: a copy of what grading needs, in which exercise 90 is the only one.
course() {
    kit_build grader
    course=$BATS_TEST_TMPDIR/course
    mkdir -p "$course"
    (cd "$KIT" && cp -R Makefile book.md chapters exercises pool tools "$course")
    mkdir -p "$course/tests" "$course/build" "$course/solutions"
    cp "$KIT"/tests/exercise.bash "$KIT"/tests/kit.bash "$KIT"/tests/check.mk "$course/tests"
    cp -R "$KIT"/build/box "$KIT"/build/likely "$KIT"/build/run "$KIT"/build/libpool.a "$KIT"/build/sanitize "$course/build"
    cd "$course"
    rm exercises/fresh/*
    block 1 >exercises/fresh/ex90-count-even.c
    block 3 >tests/ex90.bats
}

@test "the exercise in the book: the solution passes, the stub and a serial loop fail by their tests" {
    course
    for text in "$(block 2)" "    int count = 0, even;
    for (int i = 0; i < n; i++)
        count += is_even(&in[i], &even) == 0 ? even : 0;
    return count;"; do
        HOLE=$text awk '/---- and ends here ----/ { print ENVIRON["HOLE"]; inside = 0 } !inside { print }
            /---- your code begins here ----/ { inside = 1 }' exercises/fresh/ex90-count-even.c >"$BATS_TEST_TMPDIR/answer.c"
        run build/run -t60 sh tools/grade/one.sh 90 "$BATS_TEST_TMPDIR/answer.c" "$BATS_TEST_TMPDIR/out"
        cat "$BATS_TEST_TMPDIR/out/report"
        verdicts+=("$(cat "$BATS_TEST_TMPDIR/out/verdict"), $(awk -F '\t' '$2 == "fail" { print $1; exit }' "$BATS_TEST_TMPDIR/out/tests.tsv")")
    done
    run build/run -t60 sh tools/grade/one.sh 90 exercises/fresh/ex90-count-even.c "$BATS_TEST_TMPDIR/out"
    verdicts+=("$(cat "$BATS_TEST_TMPDIR/out/verdict")")
    assert_equal "${verdicts[*]}" "pass,  fail, counts fail"
    run -0 grep -q 'look for TODO' "$BATS_TEST_TMPDIR/out/report"
}

@test "an exercise whose package is missing is not graded, and names it; nobody fails for that" {
    course
    sed -i 's|^ \*/| * Packages: libc6-dev (-lm), no-such-package (-lnosuch), sh\n */|' exercises/fresh/ex90-count-even.c
    cp exercises/fresh/ex90-count-even.c exercises/
    export PROGRESS=$BATS_TEST_TMPDIR/progress
    run -77 sh tools/grade.sh 90
    assert_line 'exercise 90, count-even: not graded'
    assert_line '  to have: apt-get install no-such-package'
    run ! grep -s pass "$PROGRESS"
    run -1 sh tools/grade.sh
    assert_line '90 count-even            not graded'
    assert_line --partial 'to have: apt-get install no-such-package'
    refute_output --partial 'next: edit'
    mkdir -p class/ann
    cp exercises/ex90-count-even.c class/ann/
    run -77 sh tools/grade/class.sh class "$BATS_TEST_TMPDIR/grades"
    assert_output --partial 'packages that are not on this machine: apt-get install no-such-package'
}
