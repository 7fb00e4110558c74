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

@test "the exercise in the book: the solution passes, the stub and a serial loop fail by their tests" {
    kit_build grader
    course=$BATS_TEST_TMPDIR/course
    mkdir -p "$course"
    (cd "$KIT" && cp -R Makefile book.md chapters exercises pool tools "$course")
    mkdir -p "$course/tests" "$course/build" "$course/solutions"
    cp "$KIT"/tests/exercise.bash "$KIT"/tests/kit.bash "$KIT"/tests/check.mk "$course/tests"
    cp -R "$KIT"/build/box "$KIT"/build/likely "$KIT"/build/run "$KIT"/build/libpool.a "$KIT"/build/sanitize "$course/build"
    cd "$course"
    block 1 >exercises/fresh/ex90-count-even.c
    block 3 >tests/ex90.bats
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
