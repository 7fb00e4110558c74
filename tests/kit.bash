# What every bats file here begins with:
#
#     bats_require_minimum_version 1.5.0
#     load kit
#     setup_file() { kit_build ch03; }
#
# Every program of the kit is started by kit_run, never bare: bats waits for whoever still holds its pipes, so
# one forgotten child of a program would stop all tests, and its time limit does not reach orphans.

# What is expected is said with bats-assert, which tells what came instead. The grader does without.
[[ -n ${GRADING-} ]] || { bats_load_library bats-support && bats_load_library bats-assert; }

KIT=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd) # the repository's root

# kit_build TARGET...: makes the targets, and the runner. Says nothing unless it fails. Test files run side by
# side, so one at a time may build.
kit_build() {
    mkdir -p "$KIT/build"
    flock "$KIT/build" make -s -C "$KIT" build/run "$@" >"$BATS_RUN_TMPDIR/make.$$" 2>&1 3>&- && return
    echo "cannot build $*:"
    cat "$BATS_RUN_TMPDIR/make.$$"
    return 1
} >&2

# kit_run [-N] [RUNNER OPTION...] NAME [ARG...]: bats' run of the root's program NAME, under the runner
# (build/run -h tells its options, written as one word here: -t60), in an empty folder. Judges nothing but -N,
# the status expected: 99 tells that a process was left behind, 98 a file, 124 that it hung.
kit_run() {
    local expect=() options=(-l -w .) scratch=$BATS_TEST_TMPDIR/scratch
    [[ $1 != -[0-9]* ]] || { expect=("$1"); shift; }
    while [[ $1 == -* ]]; do options+=("$1"); shift; done
    mkdir -p "$scratch"
    pushd "$scratch" >/dev/null || return
    run "${expect[@]}" "$KIT/build/run" "${options[@]}" "$KIT/$1" "${@:2}"
    popd >/dev/null || return
}

# kit_holds TEXT...: $output holds these texts, in this order.
kit_holds() {
    local rest=$output text last=
    for text; do
        [[ $rest == *"$text"* ]] || { printf "'%s' is not behind '%s' in:\n%s\n" "$text" "$last" "$output"; return 1; }
        rest=${rest#*"$text"} last=$text
    done
} >&2

# kit_that EXPRESSION: this arithmetic is true; else it is told, and what its names are. kit_that 'seconds >= 9'
kit_that() {
    local name
    (($1)) && return
    echo "it does not hold: $1"
    for name in $(grep -oE '[a-z_]+(\[[0-9]+\])?' <<<"$1"); do echo "$name is ${!name-unset}"; done
    return 1
} >&2

# kit_match FILE [OPTION...]: $output is what FILE says (-: stdin), which may hold <pid>, <ms> and so on, as
# the transcripts in the book may; tools/book/match.awk tells the options. kit_match - unordered=/^hello/ <<'END'
# ... END
kit_match() {
    local expected=$1
    shift
    [[ $expected != - ]] || { expected=$BATS_TEST_TMPDIR/expected; cat >"$expected"; }
    printf %s "$output" | awk -f "$KIT/tools/book/match.awk" match "$expected" "$@" >&2
}

# kit_busy RUNS NAME [OPTION...] <EXPECTED: runs the root's program NAME so often beside four busy loops; each time it
# ends with status 0 and prints what EXPECTED says (kit_match's options).
kit_busy() {
    local runs=$1 name=$2 expected=$BATS_TEST_TMPDIR/busy failed=0 loops=() i
    shift 2
    cat >"$expected"
    for i in 1 2 3 4; do
        timeout 60 sh -c 'while :; do :; done' 3>&- &
        loops+=($!)
    done
    for ((i = 0; i < runs && !failed; i++)); do
        kit_run "$name"
        ((status == 0)) && kit_match "$expected" "$@" || failed=1
    done
    kill "${loops[@]}"
    return $failed
}

# kit_altered NAME FROM TO [FROM TO]...: the chapter's program NAME with pieces of its text replaced, each of which
# stands there once, as build/NAME-altered.
kit_altered() {
    local name=$1 source=$BATS_TEST_TMPDIR/$1.c
    shift
    cp "$KIT"/chapters/"$name"-*.c "$source"
    while (($# > 0)); do
        [ "$(grep -cF -- "$1" "$source")" = 1 ] || { echo "'$1' does not stand once in $name" >&2; return 1; }
        FROM=$1 TO=$2 perl -pi -e 's/\Q$ENV{FROM}/$ENV{TO}/' "$source"
        shift 2
    done
    kit_build compile SOURCE="$source" PROGRAM="build/$name-altered"
}

# kit_without NAME HEADER NAMED PACKAGE: the chapter's program NAME, built where that header is missing, says in one line which
# package brings what it needs, and how to have it.
kit_without() {
    local there=$BATS_TEST_TMPDIR/chapters
    cp -r "$KIT/chapters" "$there"
    sed -i "s|<$2>|<no-such-header.h>|" "$there"/*.[ch]
    sed -i '/^ \* Packages: /d' "$there/$1"-*.c
    kit_build compile SOURCE="$(echo "$there/$1"-*.c)" PROGRAM="build/$1-without"
    kit_run -77 "build/$1-without"
    assert_output "$1 needs $3: apt-get install $4, then make $1 again"
}

# kit_cut_off NAME: the root's program NAME leaves nobody alive when somebody closes its output early.
kit_cut_off() {
    local lines
    for lines in 1 2 3 4 5; do
        run -0 "$KIT/build/run" -r sh -c "\"$KIT/$1\" | head -n $lines"
    done
}
