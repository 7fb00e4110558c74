# Chapter 2: S01 one argument, S11 several of them, S26 arguments by name; texts.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch02
}

@test "a width of int gives [3, 5, 7] without a word; pairs give [3, 7, 11]" {
    kit_run -0 ch02
    diff -u --label expected - --label output <(echo "$output") >&2 <<'END'
broken: starmap, sizeof(int)      [3, 5, 7]
cured: map, sizeof *pairs         [3, 7, 11]
map_async, one struct             [3, 7, 11]
starmap_async, two arrays         [3, 7, 11]
id 7: posts 1 to 200
id 7: posts 401 to 600
id 7: posts 41 to 60
broken: char *, made later        [0, 0]
cured: char[16] in a struct       [7, 6]
END
}

@test "a text that was there before the pool was opened may be handed over by its address" {
    kit_altered ch02 'static char late[2][16]; /* empty when' 'static char late[2][16] = { "book.md", "README" }; /* full when'
    kit_run -0 build/ch02-altered
    assert_line --regexp '^broken: char \*, made later +\[7, 6\]$'
}

# compile COMPILER <C: with the kit's own warnings.
compile() {
    run "$1" -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -I "$KIT/pool" -x c -
}

# does_not_compile COMPILER: the file is refused for its one fault, and is right but for that.
does_not_compile() {
    compile "$1" <"$KIT/chapters/ch02b-does-not-compile.c"
    assert_failure 1
    assert_equal "$(grep -c 'error:.*incompatible.* pointer type' <<<"$output")" 1
    assert_equal "$(grep -c ' error: ' <<<"$output")" 1
    local message=${output//  / }
    compile "$1" < <(sed 's/pool_map(pool, do_add,/(void)do_add, pool_map(pool, (pool_task *)NULL,/' \
        "$KIT/chapters/ch02b-does-not-compile.c")
    assert_success
    refute_output
    output=$message
}

@test "gcc refuses a function of two numbers and names both types" {
    command -v gcc || skip "no gcc"
    LC_ALL=C does_not_compile gcc
    assert_output --partial "expected 'int (*)(const void *, void *)' but argument is of type 'int (*)(int, int)'"
}

@test "clang refuses it too" {
    command -v clang || skip "no clang"
    does_not_compile clang
    assert_output --partial "passing 'int (int, int)' to parameter of type 'pool_task *'"
    assert_output --partial "(aka 'int (*)(const void *, void *)')"
}
