# What the ex*.bats files have in common: they put questions to an answer and judge what it prints.
#
#     bats_require_minimum_version 1.5.0
#     load exercise
#     setup_file() { exercise 01; }
#     @test "big-numbers: ..." { ask 1 50000; [[ ... ]] || wrong EXPECTED GOT LIKELY; }
#
# Whose answer: EX=DIR names the folder it lies in; the kit's own solutions if nothing is said.
# tools/grade.sh has it compiled already (ANSWER=PROGRAM), wants long questions kept (QUESTIONS=DIR), and
# reads what `wrong` tells. The questions are drawn anew for each run. The first test that fails is the
# student's next step, so those behind it are skipped.

load kit

DEADLINE=${DEADLINE:-20} # seconds for one question

# exercise NN: builds the answer.
exercise() {
    local dir=${EX:-solutions}
    export EXERCISE=$1
    [[ -z ${ANSWER-} ]] || return 0
    [[ $dir == /* ]] || dir=$KIT/$dir
    export ANSWER=build/answers/${dir##*/}/ex$1
    mkdir -p "$KIT/${ANSWER%/*}"
    kit_build compile SOURCE="$(echo "$dir/ex$1"-*.c)" PROGRAM="$ANSWER"
}

setup() {
    [[ ! -e $BATS_FILE_TMPDIR/failed ]] || skip "first '$(<"$BATS_FILE_TMPDIR/failed")'"
}

teardown() {
    [[ -z $BATS_TEST_COMPLETED && -z $BATS_TEST_SKIPPED ]] || return 0
    echo "${BATS_TEST_DESCRIPTION%%:*}" >"$BATS_FILE_TMPDIR/failed"
}

# random NAME LEAST MOST: sets the variable to a number between them, both included.
random() {
    printf -v "$1" %d $(($2 + (RANDOM << 45 ^ RANDOM << 30 ^ RANDOM << 15 ^ RANDOM) % ($3 - $2 + 1)))
}

# ask [ARG...]: runs the answer. Sets output, lines and status, and what the runner found left in `left`.
# ask_from FILE [ARG...]: the same, with a file as its input.
ask() {
    ask_from /dev/null "$@"
}

ask_from() {
    local file=$1 from=
    shift
    [[ $file == /dev/null ]] || from=" <${file#"$KIT/"}"
    asked="./ex$EXERCISE${*:+ $*}$from"
    kit_run "-t$DEADLINE" -i "$ANSWER" "$@" <"$file"
    left=$(grep '^run: ' <<<"$output") || true
    output=$(grep -v '^run: ' <<<"$output") || true
    mapfile -t lines <<<"$output"
    came_to_an_end
}

# came_to_an_end: the answer neither had to be stopped nor crashed.
came_to_an_end() {
    local signal
    if ((status == 124)); then
        verdict=timeout wrong "it ends" "it still ran after $DEADLINE seconds and was killed" \
            "a loop without an end, or a wait for something that never happens"
    elif ((status > 128)); then
        signal=SIG$(kill -l $((status - 128)))
        verdict="crash ($signal)" wrong "it ends" "it was killed by $signal" \
            "a pointer that is NULL: what does pool_open return when it fails?"
    fi
}

# wrong EXPECTED GOT LIKELY: fails the test and tells the student why.
wrong() {
    printf '%-9s %s\n' verdict: "${verdict:-fail}" ran: "$asked" expected: "$1" got: "$2" likely: "$3" \
        repeat: "make ex$EXERCISE && $asked"
    return 1
} >&2

# answered: the function under test returned 0; else says why not.
answered() {
    local likely="the text says what the pool found wrong"
    [[ ${lines[0]} == *" returned -1: "* ]] || return 0
    if [[ ${lines[0]} == *TODO ]]; then
        likely="the body is still to be written: look for TODO in exercises/ex$EXERCISE-*.c"
    fi
    wrong "it returns 0" "${lines[0]}" "$likely"
}

# nothing_left: no process and no descriptor of the pool is there any more when the function has returned.
nothing_left() {
    local expected="left: no child process, 0 descriptors" seen
    local likely="pool_close, pool_join and pool_free, on every way out"
    seen=$(grep '^left: ' <<<"$output") || seen="no such line"
    [[ $seen == "$expected" ]] || wrong "$expected" "$seen" "$likely"
    [[ -z $left ]] || wrong "nothing runs when the program has ended" "$left" "$likely"
}
