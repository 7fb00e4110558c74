# The book and the programs it shows agree (book.awk), and the comparing of outputs (match.awk).

bats_require_minimum_version 1.5.0
load kit

setup_file() { kit_build; }

# A small house of its own for each test: one chapter, and a book that shows all of it.
setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir chapters build
    ln -s "$KIT/build/run" build/run
    printf 'ch01: chapters/ch01-first.sh\n\tcp chapters/ch01-first.sh ch01\n\tchmod +x ch01\n' >Makefile
    cat >chapters/ch01-first.sh <<'END'
#!/bin/sh
echo "four workers, pid $$"
echo "hello 1"
echo "hello 2"
echo "in 1.5 ms"
END
    cat >chapters/ch01-first.c <<'END'
#include <stdio.h>

/* [task] */
static int task(void)
{
    // [answer]
    return 42;
    // [/answer]
}
/* [/task] */
END
    cat >book.md <<'END'
# A book

<!-- listing: chapters/ch01-first.c task -->
```c
static int task(void)
{
    return 42;
}
```

One line of it:

<!-- listing: chapters/ch01-first.c answer -->
```c
    return 42;
```

<!-- listing: Makefile -->
```make
ch01: chapters/ch01-first.sh
	cp chapters/ch01-first.sh ch01
	chmod +x ch01
```

<!-- transcript: ./ch01 unordered=/^hello/ -->
```console
$ make ch01 && ./ch01
four workers, pid 4711
hello 2
hello 1
in 20 ms
```

<!-- listing: none it must not compile -->
```c
int x = "no";
```
END
}

book() {
    awk -f "$KIT/tools/book/match.awk" -f "$KIT/tools/book/book.awk" "$@"
}

# change FILE SED-SCRIPT (and: mv original FILE)
change() {
    cp "$1" original
    sed -i "$2" "$1"
    run -1 cmp -s original "$1"
}

# expect_red TEXT...: check fails and says each of these; and it has changed nothing.
expect_red() {
    cp book.md before
    run -1 book check
    cmp before book.md
    local text
    for text in "$@"; do
        assert_output --partial "$text"
    done
}

# picture COMMAND: the book shows a picture more, which COMMAND makes.
picture() {
    mkdir -p chapters/figures
    echo "<svg width='9'><rect/></svg>" >chapters/figures/ch01-old.svg
    printf '\n<!-- figure: %s -->\n![one bar](chapters/figures/ch01-old.svg)\n' "$1" >>book.md
}

# A mistake in the book or its marks, which only a person can mend: check and sync both fail.
expect_error() {
    expect_red "$@"
    run -1 book sync
}

# sync mends it, and there is nothing to mend a second time.
expect_mended() {
    run -0 book sync
    run -0 book check
    refute_output
    cp book.md mended
    run -0 book sync
    assert_output "book.md: 0 blocks rewritten"
    cmp mended book.md
}

# matches OUTPUT EXPECTED [OPTION...], differs OUTPUT EXPECTED [OPTION...]
matches() {
    local output=$1 expected=$2
    kit_match - "${@:3}" <<<"$expected"
}

differs() {
    run -1 matches "$@"
}

@test "a book that agrees is left alone, by check and by sync" {
    cp book.md before
    run -0 book check
    refute_output
    run -0 book sync
    assert_output "book.md: 0 blocks rewritten"
    cmp before book.md
}

@test "list names each block with its line" {
    run -0 book list
    assert_line -n 0 "book.md:4: listing: chapters/ch01-first.c task"
    assert_line -n 3 "book.md:26: transcript: ./ch01 unordered=/^hello/"
    assert_equal "${#lines[@]}" 5
}

@test "a listing whose file has changed: red, with line, both texts and what to do; sync mends it" {
    change chapters/ch01-first.c 's/42/43/'
    expect_red "book.md:7: is not what chapters/ch01-first.c [task] says" \
        "expected:     return 43;" "got:          return 42;" "make book-sync" "book.md:15:"
    expect_mended
}

@test "a listing changed by hand, too short, too long or empty: red; sync mends it" {
    for script in 7s/42/43/ 7d 8d '8s/$/\nint more;/' 5,8d; do
        change book.md "$script"
        expect_red "is not what chapters/ch01-first.c [task] says"
        expect_mended
    done
}

@test "a listing of a region that was shown before is no less checked" {
    block=$(sed -n 13,16p book.md)
    { echo "$block"; sed 3d <<<"$block"; } >>book.md
    expect_red "book.md:44: is not what chapters/ch01-first.c [answer] says"
    expect_mended
}

@test "a transcript that is not what the program prints: red; sync mends it" {
    for script in '28s/four/five/' '29d' '29s/$/\nhello 3/' '31d' '30s/^/ /'; do
        change book.md "$script"
        expect_red "is not what ./ch01 prints" "make book-sync"
        expect_mended
    done
}

@test "sync fills an empty transcript" {
    change book.md 27,31d
    expect_red 'must begin with "$ ./ch01"'
    expect_mended
    grep -qx '$ ./ch01' book.md
    grep -qx 'in 1.5 ms' book.md
}

@test "a transcript that begins with another command: red, in words" {
    change book.md '27s/ch01$/ch02/'
    expect_error 'book.md:27: the transcript must begin with "$ ./ch01"'
}

@test "the exit status must be the one expected, and sync writes nothing otherwise" {
    echo 'exit 3' >>chapters/ch01-first.sh
    expect_error "book.md:25: ./ch01 ended with exit status 3, expected 0"
    change book.md 's/transcript: .*ch01/& status=3/'
    run -0 book check
}

@test "a program that hangs, or leaves processes, is an error, and sync writes nothing" {
    echo 'sleep 30 &' >>chapters/ch01-first.sh
    expect_error "exit status 99, expected 0"
    echo 'sleep 30' >>chapters/ch01-first.sh
    change book.md 's/ -->/ deadline=1 -->/'
    expect_error "exit status 124, expected 0"
}

@test "a chapter that does not build is an error" {
    printf 'ch01:\n\tfalse\n' >Makefile
    expect_error "book.md:25: cannot build ./ch01"
}

@test "a file or region that is not there" {
    change book.md 's/ch01-first.c task/ch01-first.c tusk/'
    expect_error "book.md:3: there is no chapters/ch01-first.c [tusk]" "ch01-first.c:3: region [task] is in no listing"
    change book.md 's/ch01-first.c tusk/ch02.c/'
    expect_error "book.md:3: there is no file chapters/ch02.c"
}

@test "a region that no listing shows, also in a file the book does not name" {
    change book.md 13,16d
    expect_error "chapters/ch01-first.c:6: region [answer] is in no listing of book.md"
    for dir in chapters exercises solutions; do
        mkdir -p $dir
        printf '/* [other] */\nint x;\n/* [/other] */\n' >$dir/other.c
        expect_error "$dir/other.c:1: region [other] is in no listing of book.md"
    done
}

@test "a region that is empty, has no end or no beginning, is there twice, or is misspelt" {
    change chapters/ch01-first.c 's/    return 42;//'
    expect_error "chapters/ch01-first.c [answer] is empty"
    mv original chapters/ch01-first.c
    change chapters/ch01-first.c '/\[\/answer\]/d'
    expect_error "chapters/ch01-first.c:6: region [answer] has no end"
    mv original chapters/ch01-first.c
    change chapters/ch01-first.c '/\[answer\]/d'
    expect_error "chapters/ch01-first.c:7: mark [/answer] ends a region that was not begun"
    mv original chapters/ch01-first.c
    change chapters/ch01-first.c '$s/$/\n\/* [task] *\/\nint x;\n\/* [\/task] *\//'
    expect_error "chapters/ch01-first.c:11: region [task] is there already, in line 3"
    mv original chapters/ch01-first.c
    change chapters/ch01-first.c 's/\[answer\]/[Answer]/'
    expect_error "chapters/ch01-first.c:6: mark [Answer]: a region's name has small letters"
}

@test "a comment that shows a result in brackets is no mark" {
    change chapters/ch01-first.c '1s/$/\n\/* [1, 4, 9] *\//'
    run -0 book check
}

@test "a c or console block without a comment" {
    change book.md '3d'
    expect_error 'book.md:3: a ```c block needs a comment right above it: <!-- listing: FILE REGION -->'
    mv original book.md
    change book.md '/transcript/d'
    expect_error 'book.md:25: a ```console block needs a comment right above it: <!-- transcript: COMMAND -->'
}

@test "a comment without a block, malformed, or above a block of the wrong kind" {
    change book.md '3s/$/\n/'
    expect_error "book.md:3: there is no block right below this comment"
    mv original book.md
    change book.md '3s/$/ x/'
    expect_error "book.md:3: write <!-- listing: FILE REGION -->"
    mv original book.md
    change book.md '4s/c$/console/'
    expect_error 'book.md:4: a listing cannot be a "console" block'
    mv original book.md
    change book.md '3s/task/task twice/'
    expect_error 'book.md:3: a listing is of FILE or FILE REGION'
    mv original book.md
    change book.md 's/none .*-->/none -->/'
    expect_error "none needs a reason"
}

@test "an indented block, or one without an end" {
    change book.md '19s/^/ /'
    expect_error "book.md:19: a block must begin in the first column"
    mv original book.md
    change book.md '$d'
    sed -i s/42/43/ chapters/ch01-first.c
    expect_error "book.md:35: this block has no end"
    cmp before book.md
}

@test "a block in a block, and comments in blocks of other languages, are just text" {
    cat >>book.md <<'END'

````text
<!-- listing: nothing -->
```c
int x;
```
````
END
    run -0 book check
}

@test "a picture that is there and shown is left alone by check and sync, and list names it" {
    picture 'cp other.svg $FIGURE'
    cp book.md before
    run -0 book check
    run -0 book sync
    cmp before book.md
    assert [ ! -e build/figures ]
    run -0 book list
    assert_line -n 5 'book.md:39: figure: chapters/figures/ch01-old.svg cp other.svg $FIGURE'
}

@test "a picture without a comment, a comment without a picture, or of another kind" {
    picture 'cp other.svg $FIGURE'
    change book.md 39d
    expect_error "book.md:39: a picture needs a comment right above it: <!-- figure: COMMAND -->"
    mv original book.md
    change book.md 40d
    expect_error "book.md:39: there is nothing right below this comment"
    mv original book.md
    change book.md '39s/$/\n/'
    expect_error "book.md:39: there is no picture right below this comment"
    mv original book.md
    change book.md '39s/figure/listing/'
    expect_error "book.md:40: a picture needs a comment"
    mv original book.md
    change book.md '3s/listing/figure/'
    expect_error "book.md:3: there is no picture right below this comment"
}

@test "a picture that is missing, empty, broken off, shown twice, or nowhere" {
    picture 'cp other.svg $FIGURE'
    tail -n 3 book.md >again
    for bad in "" "no tag at all" "<svg width='9'><g></svg>" "<svg width='9'>" "<svg width='9'" "<html ></html>" \
        "<svg ></svg><svg ></svg>" "</svg>"; do
        printf %s "$bad" >chapters/figures/ch01-old.svg
        expect_error "book.md:40: " " chapters/figures/ch01-old.svg"
    done
    rm chapters/figures/ch01-old.svg
    expect_error "book.md:40: there is no file chapters/figures/ch01-old.svg"
    cat again >>book.md
    expect_error "book.md:43: chapters/figures/ch01-old.svg is shown already, in line 40"
    echo "<svg ><!-- > <a> --><g><a/>x</g></svg>" | tee chapters/figures/ch01-old.svg >chapters/figures/ch02-new.svg
    change book.md 41,43d
    expect_error "chapters/figures/ch02-new.svg:1: this picture is nowhere in book.md"
    rm chapters/figures/ch02-new.svg
    run -0 book check
}

@test "a picture without words, in the middle of a line, elsewhere, or as HTML" {
    picture 'cp other.svg $FIGURE'
    change book.md '40s/one bar//'
    expect_error "book.md:40: the picture needs words for who cannot see it"
    for script in '40s/^/See /' 's/ch01-old.svg)/ch01-old.png)/' 's:chapters/fig:fig:' \
        '40s/.*/<img src="chapters\/figures\/ch01-old.svg">/'; do
        mv original book.md
        change book.md "$script"
        expect_error "book.md:40: write ![what one sees](chapters/figures/NAME.svg), alone on its line"
    done
    mv original book.md
    echo 'This is `![a picture](x.svg)`.' >>book.md
    run -0 book check
}

@test "figures builds, runs and replaces; with names only these" {
    picture 'wc -c <ch01 >size; echo "<svg ><a>$FIGURE</a></svg>" >$FIGURE; ./ch01'
    run -0 book figures book.md ch01
    assert_output --regexp '^chapters/figures/ch01-old.svg .*made anew$'
    grep -qx '<svg ><a>build/figures/ch01-old.svg</a></svg>' chapters/figures/ch01-old.svg
    assert [ -x ch01 ]
    assert [ ! -e build/figures/ch01-old.svg ]
    run -0 book check
    change chapters/figures/ch01-old.svg s/a/b/g
    run -1 book figures book.md ch02
    assert_output --partial "there is no picture chapters/figures/ch02"
    cmp <(sed s/a/b/g original) chapters/figures/ch01-old.svg
}

@test "figures keeps the old picture when the new one is bad, and leaves out what needs a package" {
    for command in 'false' 'true' 'echo "<svg ><a></svg>" >$FIGURE' 'sleep 9 deadline=1' './ch01; sleep 9 &' \
        'echo no gnuplot; exit 77'; do
        cp book.md before
        picture "$command"
        cp chapters/figures/ch01-old.svg old
        if [[ $command == *77 ]]; then
            run -0 book figures
            assert_output --regexp 'left out: no gnuplot$'
        else
            run -1 book figures
            assert_line -n 0 --partial "book.md:39: ${command% deadline=*}"
        fi
        cmp old chapters/figures/ch01-old.svg
        mv before book.md
    done
}

@test "misuse: 2, in words" {
    run -2 book chekc
    assert_output --regexp '^usage:'
    run -2 book check nowhere.md
    assert_output --partial "cannot read nowhere.md"
    run -2 awk -f "$KIT/tools/book/match.awk" match nowhere.txt
    assert_output --partial "cannot read nowhere.txt"
    run -2 awk -f "$KIT/tools/book/match.awk" match book.md order=/x/
    assert_output --partial "no option order=/x/"
}

@test "match: the same lines, no more, no fewer" {
    matches $'a\nb' $'a\nb'
    differs $'a\nc' $'a\nb'
    kit_holds "expected:2: is not what was printed" "expected: b" "got:      c"
    differs $'a\nb\nc' $'a\nb'
    kit_holds "expected: (the end)" "got:      c"
    differs $'a' $'a\nb'
    kit_holds "expected: b" "got:      (the end)"
    differs ' a' 'a'
}

@test "match: nothing is nothing" {
    local output=
    kit_match - </dev/null
    differs "" x
    differs x ""
}

@test "match: times may differ, other numbers may not" {
    matches 'took 0.3 ms, 12us and 4 seconds' 'took 11 ms, 3us and 5.5 seconds'
    matches '   0.25 s  x' '12345.00 s  x'
    differs '4 workers' '5 workers'
    differs 'took ms' 'took 3 ms'
    matches '4 workers' '5 workers' 'numbers=/[0-9]+ workers/'
    differs '4 workers of 9' '5 workers of 8' 'numbers=/[0-9]+ workers/'
}

@test "match: a process is the same process wherever it is named" {
    matches $'pid 7\npid 8\npid 7' $'pid 100\npid 2\npid 100'
    differs $'pid 7\npid 8\npid 8' $'pid 100\npid 2\npid 100'
    differs $'pid 7\npid 7' $'pid 100\npid 2'
    matches $'<7>\n<8>\n<7>' $'<1>\n<2>\n<1>' 'pids=/<[0-9]+>/'
    differs $'<7>\n<8>\n<8>' $'<1>\n<2>\n<1>' 'pids=/<[0-9]+>/'
}

@test "match: placeholders" {
    matches $'worker 17, 3.5 long' $'worker <pid>, <ms> long'
    matches $'17 17 18' '<pid:a> <pid:a> <pid:b>'
    differs $'17 18 18' '<pid:a> <pid:a> <pid:b>'
    differs $'17 17 17' '<pid:a> <pid:a> <pid:b>'
    differs 'worker x' 'worker <pid>'
}

@test "match: lines left out" {
    matches $'a\nb\nc\nd' $'a\n...\nd'
    matches $'a\nd' $'a\n...\nd'
    matches $'a\nx\nd\nd' $'a\n...\nd'
    matches $'a\nb' $'a\n...'
    differs $'a\nb\nc' $'a\n...\nd'
    differs $'b\nd' $'a\n...\nd'
    matches $'x\npid 1\npid 2\ny\npid 2' $'...\npid 9\n...\npid 9'
}

@test "match: lines in any order, each exactly once" {
    local all=$'begin\nhello 1\nhello 2\nhello 3\nend'
    matches $'begin\nhello 3\nhello 1\nhello 2\nend' "$all" 'unordered=/^hello/'
    differs $'begin\nhello 3\nhello 1\nhello 1\nend' "$all" 'unordered=/^hello/'
    assert_output --partial "in any order"
    differs $'a\nb\nb' $'a\na\nb' 'unordered=/^[ab]/'
    differs $'begin\nhello 3\nhello 1\nend' "$all" 'unordered=/^hello/'
    differs $'begin\nhello 3\nhello 1\nhello 2\nhello 2\nend' "$all" 'unordered=/^hello/'
    differs $'hello 3\nbegin\nhello 1\nhello 2\nend' "$all" 'unordered=/^hello/'
    differs $'begin\nhello 3\nhello 1\nhello 2\nend' "$all"
}

@test "match: two groups do not mix, and placeholders find their lines" {
    matches $'b\na\nd\nc' $'a\nb\nc\nd' 'unordered=/^[ab]$/' 'unordered=/^[cd]$/'
    differs $'b\nc\nd\na' $'a\nb\nc\nd' 'unordered=/^[ab]$/' 'unordered=/^[cd]$/'
    matches $'w 5\nw 6\nlast 6' $'w <pid:a>\nw <pid:b>\nlast <pid:a>' 'unordered=/^w/'
    differs $'w 5\nw 6\nlast 7' $'w <pid:a>\nw <pid:b>\nlast <pid:a>' 'unordered=/^w/'
}

@test "match: a hundred lines alike, the last one wrong, is told at once" {
    local expected output
    output=$(for i in $(seq 100); do echo "w $i"; done; echo end)
    expected=$(for i in $(seq 100); do echo "w <pid>"; done; echo end)
    matches "$output" "$expected" 'unordered=/^w/'
    differs "${output}X" "$expected" 'unordered=/^w/'
}

@test "match: a line that stands for any of its kind" {
    matches 'PoolWorker-1 ###--' 'PoolWorker-1 #' 'like=/^PoolWorker-[0-9]/'
    differs 'MainProcess ###--' 'PoolWorker-1 #' 'like=/^PoolWorker-[0-9]/'
}

@test "the book agrees with the programs it shows" {
    cd "$KIT"
    [ -e book.md ] || skip "there is no book.md yet"
    book check
}
