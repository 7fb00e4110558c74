# What the ex*.bats files have in common: they run an answer in the box, and judge what came of it.
#
#     bats_require_minimum_version 1.5.0
#     load exercise
#     setup_file() { exercise 01; }
#     @test "four-at-once: ..." { rules "hold ask until 4 inside"; ask 4 1 2 3 4; returned 0; inside 4; }
#
# The test is outside, the answer inside; nothing in the box knows what is expected. tools/grade/README.md tells how
# an exercise is made. Whose answer: GRADING is a directory where compile.sh has put it (tools/grade/one.sh does so); without
# it, the kit's own solution. SEED decides all questions and answers. The first test that fails is the student's next
# step, so those behind it are skipped; EVERY=1 runs them all.

load kit

DEADLINE=${DEADLINE:-10} # seconds for one run
declare -gA seen
export SEED=${SEED:-$RANDOM}

# --- Before a test ----------------------------------------------------------------------------------

# exercise NN: has the answer compiled, unless it is already.
exercise() {
    export EXERCISE=$1
    [[ -z ${GRADING-} ]] || return 0
    local missing
    missing=$(sh "$KIT/tools/needs.sh" missing "$KIT/exercises/fresh/ex$1"-*.c) || skip "needs $missing"
    kit_build grader
    export GRADING=$BATS_FILE_TMPDIR/grading
    compile "$1" "$KIT/solutions/ex$1"-*.c
}

compile() {
    (cd "$KIT" && sh tools/grade/compile.sh "$1" "$2" "$GRADING" "${@:3}") 3>&- && return
    cat "$GRADING/errors"
    return 1
} >&2

# tool NAME [-lLIBRARY...]: compiles tools/grade/NAME.c, which asks or answers for a test, to $BATS_FILE_TMPDIR/NAME.
tool() {
    (cd "$KIT" && ${CC:-gcc} -std=gnu11 -O1 -Iexercises -o "$BATS_FILE_TMPDIR/$1" "tools/grade/$1.c" "${@:2}") 3>&-
}

setup() {
    local failed=$BATS_FILE_TMPDIR/failed
    [[ ! -e $failed || -n ${EVERY-} ]] || skip "behind $(<"$failed")"
    read -r RANDOM _ < <(cksum <<<"$SEED $BATS_TEST_DESCRIPTION")
    rule=() program=answer options=() input=
}

teardown() {
    [[ -z $BATS_TEST_COMPLETED && -z $BATS_TEST_SKIPPED ]] || return 0
    [[ -e $BATS_FILE_TMPDIR/failed ]] || echo "${BATS_TEST_DESCRIPTION%%:*}" >"$BATS_FILE_TMPDIR/failed"
}

# --- What is beside an answer, outside the box -------------------------------------------------------

# ours NAME [ARG...]: runs a program of the course's own, build/NAME.
ours() {
    "$KIT/build/$1" "${@:2}"
}

# beside NAME [ARG...]: starts a server for the next run, the course's own build/NAME or one of the system's, for a minute at
# most; `beside` is its process.
beside() {
    local command=$1
    [[ ! -x $KIT/build/$1 ]] || command=$KIT/build/$1
    "$KIT/build/run" -t 60 "$command" "${@:2}" >/dev/null 2>&1 3>&- &
    beside=$!
}

# no_more_beside: ends it.
no_more_beside() {
    kill "$beside"
    wait "$beside" || true
}

# --- Questions --------------------------------------------------------------------------------------

# random NAME LEAST MOST: sets the variable to a number between them, both included.
random() {
    printf -v "$1" %d $(($2 + (RANDOM << 45 ^ RANDOM << 30 ^ RANDOM << 15 ^ RANDOM) % ($3 - $2 + 1)))
}

# numbers COUNT LEAST MOST: sets `number` to so many different random ones.
numbers() {
    local one
    local -A had=()
    number=()
    while ((${#number[@]} < $1)); do
        random one "$2" "$3"
        [[ -n ${had[$one]-} ]] || number+=("$one")
        had[$one]=1
    done
}

# answers_to QUESTION...: sets `answer` to what the witness will answer to these.
answers_to() {
    mapfile -t answer < <(printf '%s\n' "$@" | "$KIT/build/box" -a "$SEED")
}

# rules RULE...: what the witness is to do in the next runs (tools/grade/witness.c has the words); none: it answers at once.
rules() {
    rule=("$@")
}

# --- Running ----------------------------------------------------------------------------------------

# run_answer [ARG...]: runs the answer in the box, and judges nothing. Sets `lines` to its stdout, seen[NAME] to each fact
# (box.c, witness.c), and `ended`; all of it is in the directory `run`. input=FILE: its stdin. options=(...): of the box.
run_answer() {
    local each witness=(-w -)
    run=$BATS_TEST_TMPDIR/run asked="./ex$EXERCISE${*:+ $*}${input:+ <${input##*/}}"
    rm -rf "$run" && mkdir -p "$run"
    for each in "${rule[@]}"; do witness+=(-w "$each"); done
    "$KIT/build/box" -t "$DEADLINE" -s "$SEED" "${witness[@]}" ${input:+-i "$input"} \
        -f "$GRADING/$program=ex$EXERCISE" "${options[@]}" "$run" "./ex$EXERCISE" "$@" 3>&-
    mapfile -t lines <"$run/out"
    look_up
}

# Sets seen[NAME] to each fact that the box and the witness wrote down.
look_up() {
    local name value
    seen=()
    while read -r name value; do
        [[ $name == times ]] || seen[$name]=$value
    done <"$run/seen"
    ended=${seen[ended]}
}

# ask [ARG...]: the same, and the answer neither crashed nor had to be stopped.
ask() {
    run_answer "$@"
    came_to_an_end
}

# ask_soundly [ARG...]: the same, with each access to memory checked, and whether all of it is freed.
ask_soundly() {
    local program=answer-sanitize options=("${options[@]}" -A -m 1024)
    [[ -e $GRADING/$program ]] || compile "$EXERCISE" "" sanitize || skip "this compiler has no sanitizers"
    options+=(-e ASAN_OPTIONS=abort_on_error=0:exitcode=66 -e UBSAN_OPTIONS=exitcode=66)
    run_answer "$@"
    came_to_an_end
    [[ $ended == 'exit 66' ]] || return 0
    verdict=crash
    ! grep -q LeakSanitizer "$run/err" || verdict=leftovers
    wrong "nothing but its own memory is used, and all of it is freed" \
        "$(grep -oE 'SUMMARY: .*Sanitizer: [a-z0-9-]+|runtime error: .*' "$run/err" | head -n 1)$(where)"
}

# The first line of the student's that a sanitizer names.
where() {
    sed -nE "s/.*(exercises\/ex$EXERCISE[^ ]*\.c:[0-9]+).*/, \1/p" "$run/err" | head -n 1
}

# --- Judging ----------------------------------------------------------------------------------------

# wrong EXPECTED GOT: fails the test and tells the student why. verdict=WORD: other than fail.
wrong() {
    local name
    printf '%-9s %s\n' verdict: "${verdict:-fail}" ran: "$asked" expected: "$1" got: "${2//[^[:print:]]/?}" \
        likely: "$("$KIT/build/likely" "$run")"
    for name in out err; do tell "$name"; done
    return 1
} >&2

# tell out|err: the first lines it printed, the last ones of stderr; process ids would be others each time.
tell() {
    local end=head name=printed:
    [[ $1 == out ]] || end=tail name=stderr:
    "$end" -n 3 "$run/$1" | cut -c1-300 | tr -cd '[:print:]\n' |
        sed -E "/^left behind/d; s/(process|pid|worker) [0-9]+/\1 .../g; s/==[0-9]+==/==.../; s/0x[0-9a-f]+/0x.../g
                s/^/$name   /"
}

# want NAME VALUE: tells what was wanted, for whoever looks for the cause.
want() {
    echo "$*" >>"$run/wanted"
}

# came_to_an_end: it neither had to be stopped nor crashed.
came_to_an_end() {
    case $ended in
    timeout) verdict=timeout wrong "it ends" "it still ran after $DEADLINE seconds, and was stopped" ;;
    overflow) verdict=overflow wrong "some lines" "more than 1 MiB, and no end" ;;
    memory) verdict="crash (memory)" wrong "it needs little memory" "it took more than 256 MiB" ;;
    signal*) verdict="crash ($(signal_name))" wrong "it ends" "it was killed by $(signal_name)" ;;
    esac
}

signal_name() {
    echo "SIG$(kill -l "${ended#signal }")"
}

# returned STATUS [ITEMS]: the function returned this; ITEMS: about so many items it was asked.
returned() {
    local is=0
    want returns "$1"
    [[ -z ${2-} ]] || want items "$2"
    [[ ${lines[0]-} != *" returned "* ]] || is=${lines[0]##* }
    ((${seen[returned]})) || wrong "the function returns $1" "it did not return: the program ended (${ended})"
    [[ $is == "$1" ]] || wrong "the function returns $1" "it returned $is"
}

# printed LINE...: these lines were printed on stdout, and no others.
printed() {
    local i expected=("$@")
    want lines $#
    (($# == 0)) || printf '%s\n' "$@" >"$run/expected"
    for ((i = 0; i < $# || i < ${#lines[@]}; i++)); do
        [[ ${lines[i]-nothing more} == "${expected[i]-nothing more}" ]] ||
            wrong "${expected[i]-nothing more}" "${lines[i]-nothing more}"
    done
}

# inside N: so many different processes were waiting for an answer at once.
inside() {
    want inside "$1"
    ((${seen[inside]} >= $1)) || wrong "$1 items inside at once" "${seen[inside]}"
}

# workers N: so many workers there were, no more. Needs a rule that holds, for they are counted when it lets go.
workers() {
    want workers "$1"
    ((${seen[workers]} <= $1 && ${seen[inside]} <= $1)) || wrong "$1 workers" "${seen[workers]}"
}

# asked_once N: N questions were put, each of them once.
asked_once() {
    want once yes
    ! grep -qE '^times ([2-9]|[1-9][0-9]+) ask ' "$run/seen" || wrong "each item is asked once" "some were asked twice"
    ((${seen[asked]} == $1)) || wrong "$1 items are asked" "${seen[asked]} were"
}

# in_workers: no task ran in the program itself.
in_workers() {
    ((${seen[host-asked]} == 0)) || wrong "all tasks run in workers" "${seen[host-asked]} ran in the program itself"
}

# nothing_left [KIB]: when the function had returned, there was no process, no descriptor and no memory more than before; KIB:
# so much memory may be (64).
nothing_left() {
    want nothing-left yes
    local alive zombies descriptors memory got=
    alive=${seen[left-alive]} zombies=${seen[left-zombies]}
    descriptors=${seen[left-descriptors]} memory=${seen[left-memory]}
    ((alive + zombies == 0)) || got+=", $alive running and $zombies dead processes (${seen[left-names]})"
    ((descriptors <= 0)) || got+=", $descriptors descriptors"
    ((memory <= ${1:-64})) || got+=", $memory KiB of memory"
    [[ -z $got ]] || verdict=leftovers wrong "nothing is left when the function has returned" "${got#, }"
}
