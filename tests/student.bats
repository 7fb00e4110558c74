# A student's way: what comes next, what was read and passed, a hint, a fresh file, the solution; and names that are nearly right.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build grader
}

setup() {
    cd "$KIT"
    export PROGRESS=$BATS_TEST_TMPDIR/progress EX=$BATS_TEST_TMPDIR/answers
    mkdir "$EX"
}

# guide STATUS ARG...: runs guide.sh; what it says fits 80 columns.
guide() {
    run "-$1" sh tools/guide.sh "${@:2}"
    refute_line --regexp '^.{81,}$'
}

@test "next: the first chapter, then its exercise, then the next chapter" {
    guide 0 next
    assert_line -n 1 --regexp '^  next +make ch01 && ./ch01 +book.md, "Chapter 1"$'
    assert_line -n 2 --partial 'edit exercises/ex01-first-pool.c'
    run -0 sh tools/guide.sh read ch01
    guide 0 next
    assert_line -n 1 --partial 'edit exercises/ex01-first-pool.c'
    assert_line --regexp '^  then +make ch02 && ./ch02'
    echo 'ex01 pass' >>"$PROGRESS"
    guide 0 next
    assert_line -n 0 --partial 'you: 1 of'
    assert_line -n 1 --regexp '^  next +make ch02'
}

@test "a chapter without an exercise: the chapter behind it comes next" {
    printf '%s\n' 'read ch01' 'read ch02' 'read ch03' 'read ch04' 'read ch05' >"$PROGRESS"
    for number in 01 02 03 04 05; do echo "ex$number pass" >>"$PROGRESS"; done
    guide 0 next
    assert_line -n 1 --regexp '^  next +make ch06'
    assert_line -n 2 --regexp '^  then +make ch07'
}

@test "nothing is left to do: it says so" {
    for file in chapters/ch[0-9]*.c; do
        file=${file##*/} && echo "read ${file%%-*}" >>"$PROGRESS"
    done
    for number in $(sh tools/grade.sh numbers); do echo "ex$number pass" >>"$PROGRESS"; done
    guide 0 next
    assert_line -n 1 --partial 'nothing: you have read all, and every exercise passes'
}

@test "make ch01 remembers that it was read, make chapters does not" {
    run -0 make -s ch01
    run -0 grep -cx 'read ch01' "$PROGRESS"
    run -0 make -s ch01
    run -0 grep -cx 'read ch01' "$PROGRESS"
    assert_output 1
    run -0 make -n chapters
    run -1 grep -x 'read ch02' "$PROGRESS"
}

@test "list: what was read, and how each exercise stands" {
    printf '%s\n' 'read ch03' 'ex01 pass' 'ex02 crash (SIGSEGV)' >"$PROGRESS"
    guide 0 list
    assert_line --regexp '^ch01 +first-pool +20 +pass +nothing$'
    assert_line --regexp '^ch02 .* crash \(SIGSEGV\) +chapter 1$'
    assert_line --regexp '^ch03 .* read +open '
    assert_line --regexp '^ch06 .* - +chapter 3$'
}

@test "help and doctor fit a terminal of 80 columns" {
    guide 0 help
    guide 0 doctor
}

@test "a name that is nearly right is answered with the right one" {
    for pair in ch3:ch03 ex3:ex03 ex11:ex11 ch007:; do
        run -2 sh tools/guide.sh unknown "${pair%:*}"
        [[ -z ${pair#*:} ]] || assert_output "It is written make ${pair#*:}."
    done
    guide 2 unknown ch20
    assert_output 'There is no chapter 20 yet. make list shows those that there are.'
    guide 2 unknown ex7
    assert_output --partial 'There is no exercise 7. There is: 01 02'
    guide 2 unknown chapter
    assert_output --partial "There is no 'chapter' to make."
    run -2 make ch3
    assert_line 'It is written make ch03.'
}

@test "hint: the next of three each time, and all that were given once more" {
    run -0 sh tools/grade.sh hints 3
    assert_output --partial 'No hint was given yet'
    for tier in 1 2 3 3; do
        run -0 sh tools/grade.sh hint 3
        assert_line -n 0 "exercise 03, hint $tier of 3"
    done
    run -0 sh tools/grade.sh hints 3
    for tier in 1 2 3; do assert_line "exercise 03, hint $tier of 3"; done
}

@test "reset: a fresh file, and the old ones are kept" {
    run -0 sh tools/grade.sh reset 3
    run -0 cmp exercises/fresh/ex03-apply-async.c "$EX/ex03-apply-async.c"
    run -2 ls "$EX/old"
    for text in mine 'mine, too'; do
        echo "$text" >"$EX/ex03-apply-async.c"
        run -0 sh tools/grade.sh reset 3
        assert_line --partial "yours is now $EX/old/ex03-apply-async-"
        run -0 cmp exercises/fresh/ex03-apply-async.c "$EX/ex03-apply-async.c"
    done
    run -0 cat "$EX/old/ex03-apply-async-1.c" "$EX/old/ex03-apply-async-2.c"
    assert_output $'mine\nmine, too'
}

@test "solution: once the answer passes, or when asked twice" {
    run -0 sh tools/grade.sh solution 3
    assert_line --partial 'does not pass yet'
    refute_output --partial pool_apply_async
    run -0 sh tools/grade.sh solution 3
    assert_line --partial pool_apply_async
    echo 'ex04 pass' >>"$PROGRESS"
    run -0 sh tools/grade.sh solution 4
    assert_line --partial pool_result_get
}

@test "watch: grades at once, and again when the file has changed, until it passes" {
    cp exercises/fresh/ex03-apply-async.c "$EX"
    export SEED=1
    build/run -l -t120 sh -c 'sh tools/grade.sh watch 3 >"$1" 2>&1' sh "$BATS_TEST_TMPDIR/out" 3>&- &
    until grep -q '^next: edit' "$BATS_TEST_TMPDIR/out" 2>/dev/null; do sleep 0.1; done
    cp solutions/ex03-apply-async.c "$EX/new"
    mv "$EX/new" "$EX/ex03-apply-async.c"
    wait $!
    run -0 grep -c '^exercise 03, apply-async: \(fail\|pass\)$' "$BATS_TEST_TMPDIR/out"
    assert_output 2
}

@test "an exercise that is not there: every command says which there are" {
    for command in hint hints reset solution watch; do
        run -2 sh tools/grade.sh "$command" 7
        assert_output --partial "there is no exercise '7'; there is: 01 02"
    done
}
