# The red team: answers that want a verdict they do not deserve, or to do harm (tests/cheats/). Each is graded as any other. None
# gets what it has not earned; nothing of the kit is another than before; nothing outlives its verdict; and none delays it.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build grader
    (cd "$KIT" && make -s build/gradebook >/dev/null) 3>&-
    cheats >"$BATS_FILE_TMPDIR/titles"
    checksums >"$BATS_FILE_TMPDIR/before"
    count=$(grep -c . "$BATS_FILE_TMPDIR/titles")
    for ((i = 1; i <= count; i++)); do
        mkdir "$BATS_FILE_TMPDIR/$i"
        make_cheat "$i" >"$BATS_FILE_TMPDIR/$i/cheat.c"
        echo "$i"
    done >"$BATS_FILE_TMPDIR/list"
    printf '%s\n' "cd '$KIT' || exit 3" "export DEADLINE=3 SEED=5 TMPDIR='$BATS_FILE_TMPDIR'" \
        'begin=$(date +%s)' \
        "sh tools/grade/one.sh 01 '$BATS_FILE_TMPDIR'/\$1/cheat.c '$BATS_FILE_TMPDIR'/\$1/out; status=\$?" \
        "echo \$((\$(date +%s) - begin)) >'$BATS_FILE_TMPDIR'/\$1/seconds; exit \$status" >"$BATS_FILE_TMPDIR/command"
    (cd "$KIT" && build/run -r -t400 build/gradebook "sh '$BATS_FILE_TMPDIR/command'" "$BATS_FILE_TMPDIR/list") \
        >"$BATS_FILE_TMPDIR/said" 2>&1 3>&- || echo "status $?" >>"$BATS_FILE_TMPDIR/said"
}

cheats() {
    sed -n 's|^/\* cheat: \(.*\) \*/$|\1|p' "$KIT/tests/cheats/ex01.c"
}

# make_cheat N: the exercise with the Nth cheat in its hole.
make_cheat() {
    awk -v number="$1" -v kit="$KIT" '
        FNR == 1 { files++ }
        files == 1 && /^\/\* cheat: .*\*\/$/ { count++; next }
        files == 1 { if (count == number) { gsub(/KIT/, kit); hole = hole $0 "\n" }; next }
        /---- and ends here ----/ { printf "%s", hole; inside = 0 }
        !inside { print }
        /---- your code begins here ----/ { inside = 1 }' "$KIT/tests/cheats/ex01.c" "$KIT"/exercises/fresh/ex01-*.c
}

# Of all files but what is built.
checksums() {
    (cd "$KIT" && find . -path ./build -prune -o -path ./.git -prune -o -type f ! -name '.progress*' ! -name 'ch[0-9][0-9]' ! -name 'ch[0-9][0-9][a-z]' \
        ! -name 'ex[0-9][0-9]' ! -name lanes -print | sort | xargs -d '\n' cksum)
}

@test "the grader graded them all" {
    run -0 cat "$BATS_FILE_TMPDIR/said"
    refute_output --partial gradebook:
    refute_output --partial status
}

# The serial loop does answer, and that is all it is given for.
@test "none passes, nor passes the first test, but the loop that does answer" {
    i=0 got=()
    while read -r title; do
        i=$((i + 1)) verdict=$(<"$BATS_FILE_TMPDIR/$i/out/verdict")
        first=$(head -n 1 "$BATS_FILE_TMPDIR/$i/out/tests.tsv" | cut -f 2)
        echo "$title: $verdict, $(<"$BATS_FILE_TMPDIR/$i/seconds") s"
        [[ $title != 'a serial loop'* ]] || first=$(sed -n 2p "$BATS_FILE_TMPDIR/$i/out/tests.tsv" | cut -f 2)
        [[ $verdict != pass && $first != pass ]] || got+=("$title")
    done <"$BATS_FILE_TMPDIR/titles"
    assert_equal "${got[*]}" ""
}

@test "each gets the verdict that is true of it" {
    i=0
    while read -r title; do
        i=$((i + 1)) verdict=$(<"$BATS_FILE_TMPDIR/$i/out/verdict")
        case $title in
        'prints without end') assert_equal "$verdict" overflow ;;
        'runs for ever'* | 'stops whoever'*) assert_equal "$title: $verdict" "$title: timeout" ;;
        'reads the solution'* | 'lets the assembler'* | 'a source'* | 'has a main'*)
            assert_equal "$title: $verdict" "$title: does not compile" ;;
        esac
    done <"$BATS_FILE_TMPDIR/titles"
}

@test "nothing of the kit has changed" {
    checksums >"$BATS_TEST_TMPDIR/after"
    run -0 diff "$BATS_FILE_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    run -2 ls "$KIT/red-team" /tmp/red-team-0 /tmp/solved
}

# left: prints what a cheat has left running.
left() {
    for file in /proc/[0-9]*/cmdline; do { tr "\0" " " <"$file"; } 2>/dev/null || true; echo; done | grep "red-team-[l]eft" || true
}

@test "nothing outlives its verdict" {
    assert_equal "$(left)" ""
}

@test "none delays its verdict beyond the deadline of a run and what the compiler may take" {
    for file in "$BATS_FILE_TMPDIR"/*/seconds; do
        echo "$file: $(<"$file")"
        assert [ "$(<"$file")" -le 30 ]
    done
}

@test "without walls: they get no points either, and nothing outlives its verdict" {
    for title in 'prints what is expected' 'says that all' 'asks for the answers' 'leaves a daemon' 'prints without end' \
        'runs for ever'; do
        grep -n "^$title" "$BATS_FILE_TMPDIR/titles" | cut -d : -f 1
    done >"$BATS_TEST_TMPDIR/list"
    sed 's|/out|/limits|; s/export/export BOX=limits/' "$BATS_FILE_TMPDIR/command" >"$BATS_TEST_TMPDIR/command"
    cd "$KIT"
    run -0 build/run -l -t200 build/gradebook "sh '$BATS_TEST_TMPDIR/command'" "$BATS_TEST_TMPDIR/list"
    while read -r i; do
        run -0 head -n 1 "$BATS_FILE_TMPDIR/$i/limits/tests.tsv"
        refute_output --regexp '^[a-z-]+	pass'
    done <"$BATS_TEST_TMPDIR/list"
    assert_equal "$(left)" ""
}
