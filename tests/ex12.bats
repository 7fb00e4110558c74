# Exercise 12: green_read() gives way while nothing is there, and touches nothing that is others' too.
#
# A coroutine is in green_read(). Another one, on the same thread, tells the witness "turn N" when N bytes have come and
# nothing more; only then are the next bytes written ("give"). So they come only if others have the thread meanwhile.
# The one that looks on also says if bytes, or the end, are there and not returned ("stuck").

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 12
}

# gated BYTES PIECE [PLACE]: each piece for this reader, up to so many bytes, is written when all before it have come
# and all coroutines have had turns since.
gated() {
    local at give=$((${3:-0} * 100))
    for ((at = 0; at < $1; at += $2)); do rule+=("hold give:$((++give)) until asked turn:$at"); done
}

# has_asked NAME: something has told this to the witness.
has_asked() {
    grep -qE "^times [0-9]+ $1( |\$)" "$run/seen"
}

# read_on TURNS PIECE SIZE NUMBER...: runs it; whatever was there was returned.
read_on() {
    run_answer "$@"
    if has_asked stuck; then
        want stuck yes
        wrong "what is there, be it the end, is returned" "it is not, though green_read() has turn after turn"
    fi
    came_to_an_end
}

# gave_way: no byte came because the witness gave up.
gave_way() {
    want way yes
    [[ -z ${seen[gave-up]-} ]] || wrong "the others have their turns while nothing is there to read" "they have none"
}

# waited: it did not return 0 at once, which is the end.
waited() {
    [[ $(sed -n 's/^w[0-9]* got //p' "$run/log" | head -n 1) == 0 ]] || return 0
    want returned 0
    wrong "it returns when something is there" "it returned 0 before"
}

# got RETURNED...: this was returned, one after the other.
got() {
    local is
    is=$(sed -n 's/^w[0-9]* got //p' "$run/log" | tr '\n' ' ')
    is=${is% }
    [[ $is != "$*" ]] || return 0
    want returned "$is"
    wrong "green_read() returns $*" "${is:-nothing}"
}

# answers [I]...: each reader has its answer, but these have none.
answers() {
    local i line=()
    answers_to "${number[@]/#/ask }"
    for i in "${!number[@]}"; do
        [[ " $* " != *" $i "* ]] || answer[i]=0
        line+=("${number[i]} -> ${answer[i]}")
    done
    printed "${line[@]}"
}

# bats test_tags=points:2
@test "patch-all: while nothing is there to read, other coroutines have their turns" {
    numbers 1 1 1000000
    gated 8 8
    read_on 20 8 8 "${number[@]}"
    gave_way
    waited
    returned 0
    answers
}

# bats test_tags=points:1
@test "no-nap: it does not sleep meanwhile, not even for a moment" {
    numbers 1 1 1000000
    gated 8 8
    read_on 50 8 8 "${number[@]}"
    if has_asked slept; then
        want napped yes
        wrong "the thread does not sleep while 50 turns are taken" "$(sed -n 's/^times 1 slept //p' "$run/seen") times"
    fi
    returned 0
    answers
}

# bats test_tags=points:2
@test "byte-by-byte: it returns what is there, and gives way again" {
    numbers 1 1 1000000
    gated 8 1
    read_on 20 1 8 "${number[@]}"
    gave_way
    got 1 1 1 1 1 1 1 1
    returned 0
    answers
}

# bats test_tags=points:1
@test "for-long: it gives way for as long as it takes" {
    numbers 1 1 1000000
    random turns 30000 60000
    gated 8 8
    read_on "$turns" 8 8 "${number[@]}"
    gave_way
    returned 0
    answers
}

# bats test_tags=points:1
@test "at-most: it returns no more than was asked for, and loses nothing" {
    numbers 1 1 1000000
    gated 8 8
    read_on 20 8 3 "${number[@]}"
    got 3 3 2
    returned 0
    answers
}

# bats test_tags=points:2
@test "others-descriptor: the flags stay as they are, for other processes have them, too" {
    numbers 2 1 1000000
    gated 8 1
    read_on 20 1 8 "${number[0]}"
    if has_asked changed; then
        want flags yes
        wrong "F_GETFL says the same to all, all the time" "another process saw other flags"
    fi
    returned 0
    number=("${number[0]}")
    answers
}

# bats test_tags=points:2
@test "writer-gone: the end is returned, whether or not something came before" {
    for killed in 1 4; do
        numbers 1 1 1000000
        rules
        gated 8 1
        rule+=("kill give:$killed")
        read_on 20 1 8 "${number[@]}"
        case $killed in 1) got 0 ;; 4) got 1 1 1 0 ;; esac
        returned 0
        answers 0
    done
}

# bats test_tags=points:2
@test "two-readers: each waits for its own pipe, whichever has something first" {
    for first in 1 0; do
        numbers 2 1 1000000
        rules
        gated 8 4 "$first"
        rule+=("hold give:$(((1 - first) * 100 + 1)) until asked turn:8")
        read_on 20 4 8 "${number[@]}"
        gave_way
        returned 0
        answers
    done
}

# bats test_tags=points:1
@test "not-open: what read() refuses is told, with its errno" {
    number=(0)
    rules
    read_on 20 8 8 0
    returned -1
    grep -q '^errno is 9: ' "$run/err" || wrong "errno is EBADF" "$(sed -n 's/^errno is //p' "$run/err")"
}

# bats test_tags=points:1
@test "many: eight readers, of which each has its own" {
    numbers 8 1 1000000
    rules
    for i in 0 1 2 3 4 5 6 7; do rule+=("hold give:$((i * 100 + 2)) until asked turn:24"); done
    read_on 20 3 5 "${number[@]}"
    gave_way
    returned 0
    answers
}

# The C library keeps up to 40 MiB of stacks, if there was a thread.
# bats test_tags=points:1
@test "nothing-left: no descriptor and no process is left" {
    numbers 1 1 1000000
    gated 8 1
    read_on 20 1 8 "${number[@]}"
    returned 0
    nothing_left 45000
}

# bats test_tags=points:1
@test "sound: no memory is used that was freed or is another's, and none is lost" {
    numbers 2 1 1000000
    ask_soundly 20 3 5 "${number[@]}"
    returned 0
    answers
}
