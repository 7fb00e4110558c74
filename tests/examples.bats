# What README.md shows and what lies in examples/.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    mkdir -p "$KIT/build/examples"
    for name in squares pcksum; do
        kit_build compile SOURCE="examples/$name.c" PROGRAM="build/examples/$name"
    done
}

@test "README: every listing is the file it says" {
    cd "$KIT"
    run -0 awk -f tests/match.awk -f tests/book.awk check README.md
}

@test "squares: the shortest program, also at the head of pool.h" {
    kit_run -0 build/examples/squares
    [[ $output == "[1, 4, 9]" ]]
    grep '^ \*     ' "$KIT/pool/pool.h" | sed 's/^ \*     //' >"$BATS_TEST_TMPDIR/in-the-header"
    grep . "$KIT/examples/squares.c" >"$BATS_TEST_TMPDIR/in-the-file"
    while IFS= read -r line; do
        grep -qxF -- "$line" "$BATS_TEST_TMPDIR/in-the-header" || { echo "not in pool.h: $line" >&2; return 1; }
    done <"$BATS_TEST_TMPDIR/in-the-file"
}

@test "pcksum: the same sums as cksum, in the order of the files" {
    kit_run -0 build/examples/pcksum "$KIT"/pool/*.c /dev/null
    diff <(cksum "$KIT"/pool/*.c /dev/null) - <<<"$output"
}

@test "pcksum: a file that cannot be read costs its own line only" {
    kit_run -1 build/examples/pcksum "$KIT/LICENSE" /no/such/file "$KIT/Makefile"
    [[ ${lines[0]} == *LICENSE || ${lines[1]} == *LICENSE ]]
    [[ $output == *"/no/such/file: No such file or directory"* ]]
    ((${#lines[@]} == 3))
}
