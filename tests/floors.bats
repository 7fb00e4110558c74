# The house of pool/: who may call whom, who sees what, and how much there is to read.

bats_require_minimum_version 1.5.0
load kit

setup_file() { kit_build check-floors; }

setup() { cd "$KIT"; }

# functions_over LINES FILE...: each function that has more lines, its head included.
functions_over() {
    awk -v most="$1" '
    FNR == 1 { head = 0 }
    /^[A-Za-z_].*\(/ && !/;$/ && !head {
        head = FNR
        name = $0
        sub(/^__attribute__\(\(.*\)\) */, "", name)
        sub(/\(.*/, "", name)
        sub(/.*[ *]/, "", name)
    }
    /^}/ && head { if (FNR - head + 1 > most) print FILENAME ": " name "() has " FNR - head + 1 " lines"; head = 0 }
    ' "${@:2}"
}

@test "no function calls upwards, and one that did would be told" {
    run -0 make -s check-floors
    refute_output
    run -1 sh tools/floors.sh build/wait.o build/error.o build/region.o # as if waiting were the ground floor
    assert_line 'wait.o calls up: error_set() is in error.o'
    assert_line --regexp '^wait.o calls up: futex_wait\(\) is in region.o'
    printf 'static int low(void) { return 0; }\nint high(void);\nint (*later(void))(void) { return low() ? 0 : high; }\n' |
        gcc -c -xc -o "$BATS_TEST_TMPDIR/low.o" -
    printf 'int high(void) { return 1; }\n' | gcc -c -xc -o "$BATS_TEST_TMPDIR/high.o" -
    run -1 sh tools/floors.sh "$BATS_TEST_TMPDIR/low.o" "$BATS_TEST_TMPDIR/high.o" # an address is as good as a call
    assert_output 'low.o calls up: high() is in high.o'
    run -0 sh tools/floors.sh "$BATS_TEST_TMPDIR/high.o" "$BATS_TEST_TMPDIR/low.o"
}

@test "each file of the library has its floor" {
    floors=$(sed -n '/^FLOORS/,/[^\\]$/p' Makefile | sed 's/.*= *//; s/\\$//' | xargs -n 1)
    assert_equal "$(sort <<<"$floors")" "$(printf '%s\n' pool/*.c | sed 's|pool/||; s|\.c$||' | sort)"
}

@test "the opening of submit.c names each file of the library" {
    output=$(sed '/^ \*\/$/q' pool/submit.c)
    for file in pool/*.c; do
        [ "$file" = pool/submit.c ] || assert_output --regexp "[ (]${file#pool/}"
    done
}

@test "the workers' side sees nothing of the caller's, nor uses what lies below it but is the caller's" {
    for file in region ticket note trace guard run once heal worker nursery; do
        output=$(gcc -MM -Ipool "pool/$file.c")
        assert_output --partial "pool/$file.c"
        refute_output --partial caller.h
        output=$(nm -u "build/$file.o")
        for name in $(nm -g --defined-only --format=posix build/machine.o build/memory.o | sed '/:$/d; s/ .*//'); do
            refute_output --regexp " $name\$"
        done
    done
}

@test "the library does not grow, the way of one task through it has at most 1,250 lines" {
    all=$(cat pool/*.[ch] | wc -l)
    way=$(cat pool/region.h pool/{ticket,submit,worker,run,heal,wait}.c | wc -l)
    kit_that 'all <= 7600' # it is to shrink to 6,200
    kit_that 'way <= 1250'
}

@test "the Makefile that one opens has at most 120 lines, and what it includes is there" {
    makefile=$(wc -l <Makefile)
    kit_that 'makefile <= 120'
    run -0 make -n check-asan install book bench
}

@test "no function has more than 45 lines, and one that had would be told" {
    run -0 functions_over 45 pool/*.c
    refute_output
    printf '%s\n' '/* Text (in' 'brackets) */' 'int short_one(void)' '{' '}' '' 'struct a *' 'long_one(int x,' '         int y)' \
        '{' '    while (x)' '        ;' '}' >"$BATS_TEST_TMPDIR/some.c"
    run -0 functions_over 5 "$BATS_TEST_TMPDIR/some.c"
    assert_output "$BATS_TEST_TMPDIR/some.c: long_one() has 6 lines"
    run -0 functions_over 6 "$BATS_TEST_TMPDIR/some.c"
    refute_output
}
