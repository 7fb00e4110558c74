# Exercise 17: pipeline() has threads read and processes scale, and neither holds up the other.
#
# The pictures are real JPEGs in FIFOs, which the witness feeds (tools/grade/witness.c): so a file keeps its reader waiting
# for as long as a test wants. A thumbnail's number follows from its dots, and the witness's answer from that number:
# nobody in the box knows it who has not decoded the picture.
#
# The lock comes first: a mistake that leaves it locked would else stop any other test, now and then.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 17
    tool pictures -ljpeg
}

# pictures COUNT: sets `number` to what the thumbnails of so many new pictures have, and `picture` to their files.
pictures() {
    local i seed=()
    for ((i = 0; i < $1; i++)); do random seed[i] 1 4000000000; done
    mkdir -p "$BATS_TEST_TMPDIR/pictures"
    mapfile -t number < <("$BATS_FILE_TMPDIR/pictures" "$BATS_TEST_TMPDIR/pictures" "${seed[@]}")
    ((${#number[@]} == $1)) || return 1
    picture=()
    for ((i = 0; i < $1; i++)); do picture[i]=$BATS_TEST_TMPDIR/pictures/$i.jpg; done
}

# feed I [WHAT]: file I has its picture at once, or when WHAT.
feed() {
    rule+=("feed $1.jpg ${picture[$1]}${2:+ when $2}")
}

# feed_others: all files that are not fed yet have theirs at once.
feed_others() {
    local i
    for i in "${!picture[@]}"; do
        [[ "${rule[*]}" == *"feed $i.jpg "* ]] || feed "$i"
    done
}

# pipeline READERS SCALERS: runs it for all pictures. The C library would reserve 64 MiB for each thread that allocates.
pipeline() {
    local i file=() options=(-m 512 -e MALLOC_ARENA_MAX=1)
    for i in "${!picture[@]}"; do file+=("$i.jpg"); done
    feed_others
    "${how:-ask}" "$1" "$2" "${file[@]}"
}

# thumbnails [I]...: each file has its thumbnail, but these have none.
thumbnails() {
    local i line=()
    answers_to "${number[@]/#/ask }"
    for i in "${!number[@]}"; do
        [[ " $* " != *" $i "* ]] || answer[i]=0
        line+=("$i -> ${answer[i]}")
    done
    [[ $# == 0 ]] || line=("pipeline returned -1" "${line[@]}")
    printed "${line[@]}"
}

# came_true EXPECTED GOT: nothing was held for ever.
came_true() {
    want overlap yes
    [[ -z ${seen[gave-up]-} ]] || wrong "$1" "$2"
}

# read_at_once N: so many files were being read at once, no more. The log has a line when a reading begins, and one when
# the picture is there.
read_at_once() {
    local most
    most=$(awk '/^w[0-9]+ read / { if (++n > most) most = n } /^feed / { n-- } END { print most + 0 }' "$run/log")
    want readers "$1"
    want reading "$most"
    ((most == $1)) || wrong "$1 files are being read at once" "$most"
}

# read_by_host: each file is read once, in the program itself.
read_by_host() {
    local host others
    host=$(sed -n 's/ begin$//p' "$run/log")
    others=$(grep -E '^w[0-9]+ read ' "$run/log" | grep -cv "^$host " || true)
    want reading-elsewhere "$others"
    ((others == 0)) || wrong "threads of the program read" "$others files are read in other processes"
    ! grep -qE '^times ([2-9]|[1-9][0-9]+) read ' "$run/seen" || wrong "each file is read once" "some are read twice"
}

# bats test_tags=points:2
@test "lock-at-fork: a lock that a reader holds just now is no harm to those who scale" {
    pictures 3
    rules "hold fork until asked prepare" "hold prepare until asked forked"
    pipeline 2 2
    want no-fork yes
    ! grep -q '^times [0-9]* forked' "$run/seen" || wrong "there are no threads yet at a fork()" "there are"
    answers_to "ask ${number[0]}"
    printf '%s\n' "${lines[@]}" | grep -qx -- "0 -> ${answer[0]}" || wrong "0 -> ${answer[0]}" "${lines[0]-nothing}"
}

# bats test_tags=points:2
@test "every-picture: each file has its own thumbnail, the first and the last" {
    for shape in '5 2 3' '1 3 2' '6 1 1'; do
        read -r count readers scalers <<<"$shape"
        pictures "$count"
        rules
        pipeline "$readers" "$scalers"
        returned 0
        thumbnails
        asked_once "$count"
    done
}

# bats test_tags=points:2
@test "readers: threads of the program read, as many as there are to be" {
    for readers in 4 3; do
        pictures 8
        rules
        for ((i = 0; i < readers; i++)); do feed "$i" "asked read:$(((i + 1) % readers))+300"; done
        pipeline "$readers" 2
        read_by_host
        read_at_once "$readers"
        returned 0
        thumbnails
    done
}

# bats test_tags=points:2
@test "scalers: processes scale, as many as there are to be, each picture once" {
    for scalers in 3 2; do
        pictures 6
        rules "hold ask until $scalers inside"
        pipeline 2 "$scalers"
        in_workers
        inside "$scalers"
        workers "$scalers"
        returned 0
        thumbnails
        asked_once 6
    done
}

# bats test_tags=points:2
@test "overlap: the first picture is scaled while the last is still being read" {
    for readers in 3 1; do
        pictures 5
        rules
        feed 4 "answered ${number[0]}"
        pipeline "$readers" 2
        came_true "thumbnail 0 is made while file 4 keeps its reader waiting" "all files are read first"
        returned 0
        thumbnails
    done
}

# bats test_tags=points:2
@test "slow-first: a file that keeps its reader waiting holds up no other" {
    pictures 9
    rules
    feed 0 "answered ${number[8]}"
    pipeline 2 2
    came_true "thumbnail 8 is made while file 0 keeps its reader waiting" "file 0 is waited for"
    returned 0
    thumbnails
}

# bats test_tags=points:2
@test "bad-picture: a file that cannot be read or scaled is told, and the others are done" {
    pictures 7
    rules
    head -c 900 "${picture[1]}" >"$BATS_TEST_TMPDIR/half" && mv "$BATS_TEST_TMPDIR/half" "${picture[1]}"
    echo "this is no picture" >"${picture[2]}"
    head -c 20000 /dev/zero >"${picture[4]}" # too large
    pipeline 2 2
    returned -1
    thumbnails 1 2 4
}

# bats test_tags=points:1
@test "deadly-picture: a picture that kills whoever scales it costs no other" {
    pictures 5
    rules "kill ${number[2]} always"
    pipeline 2 2
    returned -1
    thumbnails 2
    asked_once 5
}

# bats test_tags=points:1
@test "many: seventy files" {
    pictures 70
    rules
    pipeline 3 2
    returned 0 70
    thumbnails
    asked_once 70
}

# The C library keeps up to 40 MiB of stacks for threads to come.
# bats test_tags=points:2
@test "nothing-left: no process, descriptor or memory is left" {
    pictures 4
    rules
    pipeline 2 2
    returned 0
    nothing_left 45000
    echo 'no picture' >"${picture[3]}"
    pipeline 2 2
    returned -1
    nothing_left 45000
}

# bats test_tags=points:1
@test "sound: no memory is used that was freed or is another's, and none is lost" {
    pictures 6
    rules
    how=ask_soundly pipeline 2 2
    returned 0
    thumbnails
}
