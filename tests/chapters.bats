# What holds for the program of every chapter.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    local one
    programs=
    for one in "$KIT"/chapters/ch[0-9][0-9]*-*.c; do
        one=${one##*/} one=${one%%-*}
        [[ $one == ch02b ]] || programs+=" $one" # it does not compile, as chapter 2 says
    done
    export programs
    # shellcheck disable=SC2086 # they are words
    kit_build $programs
}

# refused TEXT: the program ended with 2, and this is how all it said begins.
refused() {
    assert_output --regexp "^$1"
    refute_output --partial "broken:" # the first words of what most do
}

@test "each chapter's program tells how it is used, and starts nothing" {
    local one many=0
    for one in $programs; do
        kit_run -0 "$one" --help
        refused "usage: \./$one( |\$)"
        many=$((many + 1))
    done
    kit_that 'many >= 19'
}

@test "what a chapter's program does not know it refuses, with its usage, and starts nothing" {
    local one
    for one in $programs; do
        kit_run -2 "$one" --nonsense
        refused "usage: \./$one"
        kit_run -2 "$one" ""
        refused "(usage: \./$one|'': give a number)"
        kit_run -2 "$one" --help more
        refused "usage: \./$one"
    done
}

@test "a SCALE that is no number of seconds is told before anything runs" {
    local one
    for one in $programs; do
        SCALE=fast kit_run -2 "$one"
        refused "SCALE=fast: "
    done
}
