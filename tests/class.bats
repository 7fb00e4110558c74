# A class: make gradebook, and make handout.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build grader
    (cd "$KIT" && make -s build/gradebook >/dev/null) 3>&-
}

setup() {
    cd "$KIT"
    class=$BATS_TEST_TMPDIR/class grades=$BATS_TEST_TMPDIR/grades
    mkdir "$class"
    export BUILD=build SEED=7
}

gradebook() {
    run "-$1" build/run -r -t300 sh tools/grade/class.sh "$class" "$grades"
}

@test "folders, an archive, an empty folder, rubbish, difficult names: each is told as it is" {
    mkdir -p "$class/anna" "$class/bo's \"own\"; folder/exercises" "$class/dave"
    cp solutions/ex01-first-pool.c "$class/anna"
    cp solutions/ex01-first-pool.c "$class/anna/ex01-first-pool-old.c"
    sed 's/ and passes nothing/&/; s/^ \* Returns 0 if every/ * Returns 0 when every/' solutions/ex01-first-pool.c \
        >"$class/bo's \"own\"; folder/exercises/ex01-first-pool.c"
    mkdir -p "$BATS_TEST_TMPDIR/c/work"
    echo '#include "nonsense' >"$BATS_TEST_TMPDIR/c/work/ex01-first-pool.c"
    cp exercises/fresh/ex02-one-argument.c "$BATS_TEST_TMPDIR/c/work"
    tar -C "$BATS_TEST_TMPDIR/c" -czf "$class/carl.tar.gz" work
    head -c 3000 /dev/urandom >"$class/zoe.tar.gz"
    echo 'not an answer' >"$class/readme.txt"
    gradebook 0
    assert_line --regexp '^anna +10 +- .* 10 of '
    assert_line --regexp '^bo\?s \?own\?\? folder +10 +- '
    assert_line --regexp '^ +note on 01: line [0-9]+, outside the hole, was changed'
    assert_line --regexp '^carl.tar.gz +0 +0 +- '
    assert_line --regexp '^dave +- +- '
    assert_line --regexp '^zoe.tar.gz +- +- '
    refute_output --partial readme
    run -0 cat "$grades/grades.csv"
    assert_line -n 0 --regexp '^student,ex01,ex01 verdict,ex02,'
    assert_line --partial '"anna",10,"pass",0,"not handed in"'
    assert_line --partial '"carl.tar.gz",0,"does not compile",'
    run -0 xmllint --noout "$grades/junit.xml"
    run -0 grep -c '<testsuite ' "$grades/junit.xml"
    assert_output 5
    run -0 cat "$grades/001/results.json"
    assert_output --regexp '"score": 10, "tests": \['
    assert_output --partial '"name": "ex01 big-numbers: '
    run -0 xmllint --html --noout "$grades/index.html"
    run -0 grep -o 'dave: 0 of' "$grades/index.html"
}

@test "what was graded is not graded again, unless the answer is another" {
    mkdir "$class/anna" "$class/bob"
    cp exercises/fresh/ex01-first-pool.c "$class/anna"
    gradebook 0
    first=$output
    gradebook 0
    assert_line --partial '0 answers to grade'
    assert_equal "$(grep '^anna' <<<"$output")" "$(grep '^anna' <<<"$first")"
    cp solutions/ex01-first-pool.c "$class/anna"
    gradebook 0
    assert_line --partial '1 answers to grade'
    assert_line --regexp '^anna +10 '
    rm -r "$class/anna"
    gradebook 0
    refute_line --regexp '^anna'
}

@test "no folder, no class, an archive of nothing: it says so" {
    run -2 sh tools/grade/class.sh "$class/none" "$grades"
    assert_output --partial "$class/none is not a folder"
    gradebook 2
    assert_output --partial 'there is no folder and no archive in'
    run -2 sh tools/grade/class.sh
    assert_output --partial 'usage: make gradebook SUBMISSIONS=DIR'
}

# pool_of STATUS LINES COMMAND: build/gradebook with so many lines, 1 2 3 ..., and this shell text as the command; $dir is a folder.
pool_of() {
    dir=$BATS_TEST_TMPDIR/dir
    mkdir -p "$dir"
    seq "$2" >"$BATS_TEST_TMPDIR/list"
    printf '%s\n' "dir='$dir'" "$3" >"$BATS_TEST_TMPDIR/command"
    run "-$1" build/run -l -t60 build/gradebook "sh '$BATS_TEST_TMPDIR/command'" "$BATS_TEST_TMPDIR/list"
}

@test "as many answers at once as there are cores" {
    (($(nproc) > 1)) || skip "one core"
    pool_of 0 2 'touch "$dir/in-$1"; until [ -e "$dir/in-1" ] && [ -e "$dir/in-2" ]; do sleep 0.05; done; touch "$dir/out-$1"'
    run -0 ls "$dir"
    assert_output $'in-1\nin-2\nout-1\nout-2'
}

@test "a killed worker costs nothing: its answer is graded again" {
    pool_of 0 3 '
        echo "$1" >>"$dir/graded"
        [ "$1" = 2 ] && [ ! -e "$dir/killed" ] || exit 0
        touch "$dir/killed"
        pid=$$
        until grep -q ^PoolWorker /proc/$pid/comm; do pid=$(sed -n "s/^PPid:.//p" /proc/$pid/status); done
        kill -9 "$pid"
        sleep 60'
    run -0 sort "$dir/graded"
    assert_output $'1\n2\n2\n3'
}

@test "if the grader fails for one answer it is told, and the others are graded" {
    pool_of 125 3 'touch "$dir/$1"; [ "$1" != 2 ] || exit 3'
    assert_line --partial '2: the grader failed with status 3'
    run -0 ls "$dir"
    assert_output $'1\n2\n3'
}

@test "killed half-way it leaves nothing running, and what is done stays done" {
    pool_of 137 9 '
        [ "$1" = 3 ] || { touch "$dir/done-$1"; exit 0; }
        pid=$$
        until grep -q ^gradebook /proc/$pid/comm; do
            last=$pid pid=$(sed -n "s/^PPid:.//p" /proc/$pid/status)
        done
        kill -9 "$pid"
        sleep 60'
    run -0 ls "$dir/done-1" "$dir/done-2"
}

@test "handout: it works by itself, and has nothing that is not for students" {
    run -0 make -s handout BUILD="$BATS_TEST_TMPDIR"
    run -0 tar -tzf "$BATS_TEST_TMPDIR/many-hands.tar.gz"
    refute_output --regexp 'solutions|tests/answers|tests/cheats|\.git/|\.progress'
    tar -C "$BATS_TEST_TMPDIR" -xzf "$BATS_TEST_TMPDIR/many-hands.tar.gz"
    cd "$BATS_TEST_TMPDIR/many-hands"
    unset BUILD PROGRESS
    run -1 grep -x '## For teachers' book.md
    run -0 grep -c TODO exercises/ex01-first-pool.c
    run -0 "$KIT/build/run" -l -t120 make -s ch01
    run -0 ./ch01
    run -2 "$KIT/build/run" -l -t120 make -s grade-01
    assert_line --partial 'exercise 01, first-pool: fail'
    assert_line --partial 'look for TODO'
}
