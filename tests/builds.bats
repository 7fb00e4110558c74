# The library builds without a warning, and works, with other compilers and flags than those of the Makefile.

bats_require_minimum_version 1.5.0
load kit

BUILDS='gcc -O0
gcc -Og
gcc -O1
gcc -O3
gcc -Os
gcc -flto
clang -O0
clang -O3
clang -Os
clang -flto
musl-gcc -O2
musl-gcc -static'

# All at once, as many as there are cores; each leaves what make said, and whether it was content.
setup_file() {
    kit_build lib
    mkdir -p "$KIT/build/with"
    # shellcheck disable=SC2016 # it is the other shell's
    printf '%s\n' "$BUILDS" | xargs -P "$(nproc)" -L 1 sh -c '
        command -v "$1" >/dev/null || exit 0
        to=build/with/$1$2
        make -s -C "$0" CC="$1" EXTRA="$2" BUILD="$to" SOURCE=examples/squares.c PROGRAM="$to/squares" compile \
            >"$0/$to.log" 2>&1 && touch "$0/$to.built" || rm -f "$0/$to.built"' "$KIT" 3>&-
}

works() {
    local to=build/with/$1$2
    command -v "$1" >/dev/null || skip "there is no $1 here (package ${3-$1})"
    [[ -e $KIT/$to.built ]] || { cat "$KIT/$to.log" >&2; return 1; }
    kit_run -0 "$to/squares"
    assert_output "[1, 4, 9]"
}

@test "builds: gcc -O0" { works gcc -O0; }
@test "builds: gcc -Og" { works gcc -Og; }
@test "builds: gcc -O1" { works gcc -O1; }
@test "builds: gcc -O3" { works gcc -O3; }
@test "builds: gcc -Os" { works gcc -Os; }
@test "builds: gcc -flto" { works gcc -flto; }
@test "builds: clang -O0" { works clang -O0; }
@test "builds: clang -O3" { works clang -O3; }
@test "builds: clang -Os" { works clang -Os; }
@test "builds: clang -flto" { works clang -flto; }
@test "builds: with musl" { works musl-gcc -O2 musl-tools; }
@test "builds: with musl, static" { works musl-gcc -static musl-tools; }

# No header of the C library's need be there for it to be said.
@test "builds: for 32 bits it says that it cannot" {
    [[ $(uname -m) == x86_64 ]] || skip "this machine has no 32 bits to build for"
    run gcc -m32 -fsyntax-only -I"$KIT/pool" "$KIT/pool/region.c"
    kit_that 'status != 0'
    assert_output --partial "Many Hands needs a 64-bit processor"
}
