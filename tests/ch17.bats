# Chapter 17: S16 thumbnails by a loop and by map, S32 threads that read for processes, S38 which of the two comes first;
# and what is wrong with one picture is nobody else's affair. What is measured is not judged.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch17
}

setup() {
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
    [[ $BATS_TEST_DESCRIPTION == *"without libjpeg"* ]] || printf '#include <stdio.h>\n#include <jpeglib.h>\n' |
        gcc -E - >/dev/null 2>&1 || skip "needs libjpeg-dev"
}

expected() {
    cat <<'END'
60 photographs of 3000x2000, made in <time> s
a loop <time> s
map, <time> processes <time> s, <time> times as fast; 60 are the same
map, <time> threads <time> s, <time> times as fast; 60 are the same
16 pictures              at once    each read waits 20 ms
map, <time> processes <time> s <time> s
<time> threads, <time> processes <time> s <time> s
map, <time> processes <time> s <time> s
A reader holds a lock all the time. Two processes scale:
broken: threads, then processes       0 of 8, and all are asleep
cured: processes, then threads        8 of 8
  and a new process for each picture  8 of 8
cured: threads, then new runs (spawn) 8 of 8
broken: 4 of 8 pictures are bad, and libjpeg ends the process
Premature end of JPEG file
Not a JPEG file: starts with 0x54 0x68
Empty input file
  item 3: worker <pid> ended itself with exit code 1 in the middle of it
  item 5: worker <pid> ended itself with exit code 1 in the middle of it
  item 7: folder.jpg: Is a directory
  thumbnails: 5, whole: 5
cured: it comes back into the task
  item 1: damaged.jpg: Premature end of JPEG file
  item 3: text.jpg: Not a JPEG file: starts with 0x54 0x68
  item 5: empty.jpg: Empty input file
  item 7: folder.jpg: Is a directory
  thumbnails: 4, whole: 4
broken: written under their names; the writers are killed
  thumbnails: 8, whole: 0
cured: written beside, and then renamed
  thumbnails: 0, whole: 0
  and tried again
  thumbnails: 8, whole: 8
END
}

# part FIRST LAST: these lines of what is expected.
part() {
    expected | sed -n "1p;$1,$2p"
}

# altered FILE FROM TO: build/ch17-altered, of a chapter in one of whose files a piece of text, which stands there once,
# is replaced.
altered() {
    local there=$BATS_TEST_TMPDIR/altered
    rm -rf "$there"
    mkdir "$there"
    cp -r "$KIT/chapters" "$KIT/examples" "$there"
    [ "$(grep -cF -- "$2" "$there/chapters/$1")" = 1 ] || { echo "'$2' does not stand once in $1" >&2; return 1; }
    FROM=$2 TO=$3 perl -pi -e 's/\Q$ENV{FROM}/$ENV{TO}/' "$there/chapters/$1"
    kit_build compile SOURCE="$there/chapters/ch17-thumbnails.c" PROGRAM=build/ch17-altered
}

# photographer FOLDER N: does what make photos does, in a folder of its own.
photographer() {
    kit_build compile SOURCE=tools/photos.c PROGRAM=build/photographer
    run -0 "$KIT/build/photographer" "$@"
}

@test "ch17: loop and maps make the same; threads first hangs, pool first does not; bad pictures fail alone; nothing is left" {
    kit_run -0 -t60 ch17
    expected | kit_match -
    assert_equal "$(ls "$TMPDIR")" ""
}

@test "ch17: prints the same on a busy machine, run after run" {
    expected >"$BATS_TEST_TMPDIR/all"
    kit_busy 2 ch17 <"$BATS_TEST_TMPDIR/all"
}

@test "ch17: a sleep is no computing: with two processes sixteen reads wait one after the other, with many together" {
    kit_run -0 -t60 ch17 late
    part 5 8 | kit_match -
    cores=$(sed -n 's/^map, *\([0-9]*\) processes.*/\1/p' <<<"$output" | head -n 1)
    awk -v cores="$cores" '/^map, / && !seen++ && $(NF - 1) < 0.02 * 16 / cores { exit 1 }' <<<"$output"
}

@test "ch17: a long run has a bar on a terminal, made of the pool's progress, and wipes it out" {
    kit_run -0 -p -t60 ch17 61
    kit_holds "photographs [" "processes [#" "%  " " of 61" "61 are the same" "threads [#" "61 are the same"
    kit_run -0 -t60 ch17 61
    refute_output --partial "["
}

@test "ch17: threads first: its two processes wait for the lock for ever, and end with their pool" {
    kit_run -0 -t60 ch17 order
    part 9 13 | kit_match -
}

@test "ch17: without the lock nothing hangs, whoever is first" {
    altered ch17-mixed.h 'holding = 1;' \
        'pthread_mutex_unlock(&lock); holding = 1; wait_until(&let_go, 1); return 0;'
    kit_run -0 -t60 build/ch17-altered order
    part 9 13 | sed 's/0 of 8, and all are asleep/8 of 8/' | kit_match -
}

@test "ch17: a picture that cannot be read, or scaled, fails alone where threads read for processes, too, and is named" {
    altered ch17-mixed.h 'write_to("late");' 'spoil("late"); remove(job[5].photo);'
    sed -i 's/#include "ch17-jobs.h"/#include "ch17-bad.h"/' "$BATS_TEST_TMPDIR/altered/chapters/ch17-mixed.h"
    sed -i 's/check(both(second, first, scale_picture) == pictures)/printf("%d made\\n", both(second, first, scale_picture))/' \
        "$BATS_TEST_TMPDIR/altered/chapters/ch17-mixed.h"
    sed -i 's/check(pool_map(first, .*/(void)(pool_map(first, make_thumbnail, job, (size_t)pictures,/' \
        "$BATS_TEST_TMPDIR/altered/chapters/ch17-mixed.h"
    kit_build compile SOURCE="$BATS_TEST_TMPDIR/altered/chapters/ch17-thumbnails.c" PROGRAM=build/ch17-altered
    kit_run -0 -t60 build/ch17-altered late
    assert_equal "$(grep -c '^12 made' <<<"$output")" 2
    for text in 'damaged.jpg: Premature end of JPEG file' 'text.jpg: Not a JPEG file: starts with 0x54 0x68' \
        'empty.jpg: No such file or directory' 'folder.jpg: Is a directory'; do
        assert_equal "$(grep -c "^ch17: item [0-9]*: $text" <<<"$output")" 2
    done
}

@test "ch17: bad pictures: what libjpeg does by itself, and what the task makes of it" {
    kit_run -0 -t60 ch17 bad
    part 14 27 | kit_match -
}

@test "ch17: killed in its first row, in its last, or when all is written: no half of a thumbnail has its name" {
    for row in 0 100 249; do
        altered ch17-bad.h 'killed_in_row = 240;' "killed_in_row = $row;"
        kit_run -0 -t60 build/ch17-altered half
        part 28 33 | kit_match -
    done
    altered thumbnail.h 'if (!failed && !under_its_name)' 'if (killed_in_row > 0 && pool_attempt() == 1) raise(SIGKILL);
        if (!failed && !under_its_name)'
    sed -i 's/y == killed_in_row/y < 0/' "$BATS_TEST_TMPDIR/altered/chapters/thumbnail.h"
    kit_build compile SOURCE="$BATS_TEST_TMPDIR/altered/chapters/ch17-thumbnails.c" PROGRAM=build/ch17-altered
    kit_run -0 -t60 build/ch17-altered half
    part 28 33 | sed '0,/whole: 0/s//whole: 8/' | kit_match - # closed: under its name it is whole by now
}

# halves FOLDER: while the last job of the shell runs, how many looks find half a thumbnail in the program's FOLDER.
halves() {
    local job=$! found=0 looks=0 file end
    while kill -0 $job 2>/dev/null; do
        for file in "$TMPDIR"/ch17-*/"$1"/*.jpg; do
            end=$(tail -c 2 "$file" 2>/dev/null | od -An -tx1) || continue
            [[ -e $file ]] || continue
            looks=$((looks + 1))
            [ "$end" = ' ff d9' ] || found=$((found + 1))
        done
    done
    wait $job
    echo "$found of $looks"
}

@test "ch17: thirty writers of each picture are killed, each a few rows further: whoever looks never sees a half" {
    altered thumbnail.h 'if (y == killed_in_row && pool_attempt() == 1)' \
        'if (killed_in_row > 0 && y == 8 * pool_attempt() && usleep(3000) == 0)'
    sed -i 's/run_few(0, 0)/run_few(0, 100)/; s/run_few(0, 1)/run_few(0, 100)/' \
        "$BATS_TEST_TMPDIR/altered/chapters/ch17-bad.h"
    kit_build compile SOURCE="$BATS_TEST_TMPDIR/altered/chapters/ch17-thumbnails.c" PROGRAM=build/ch17-altered
    "$KIT/build/run" -l -t60 "$KIT/build/ch17-altered" half >"$BATS_TEST_TMPDIR/out" 3>&- &
    run halves beside
    cat "$BATS_TEST_TMPDIR/out"
    assert_output --regexp '^0 of [1-9]'
    assert_equal "$(grep -c 'thumbnails: 8, whole: 8' "$BATS_TEST_TMPDIR/out")" 3
    "$KIT/build/run" -l -t60 "$KIT/build/ch17-altered" half >"$BATS_TEST_TMPDIR/out" 3>&- &
    run halves direct # who writes under the name itself is caught: so the look is sharp
    refute_output --regexp '^0 of'
}

@test "ch17: Ctrl+C, or a kill of the program, leaves no process and no photograph" {
    for signal in INT TERM; do
        run -124 "$KIT/build/run" -l -w "$TMPDIR" timeout -s $signal 1 "$KIT/ch17" 1000
        assert_output ""
    done
    run "$KIT/build/run" -l -w "$TMPDIR" timeout --foreground -s TERM 1 "$KIT/ch17" 1000
    kit_that 'status == 124 || status == 143'
    assert_equal "$(ls "$TMPDIR")" ""
}

@test "ch17: photographs that make photos has left are taken as they are, if there are enough" {
    mkdir -p "$BATS_TEST_TMPDIR/scratch/build"
    photographer "$BATS_TEST_TMPDIR/scratch/build/photos" 16
    assert_output "16 photographs in $BATS_TEST_TMPDIR/scratch/build/photos, 16 of them new"
    kit_run -0 -t60 ch17 16
    assert_line -n 0 "16 photographs of 3000x2000, from build/photos"
    kit_run -0 -t60 ch17 17
    assert_line -n 0 --partial "17 photographs of 3000x2000, made in"
    assert_equal "$(ls "$BATS_TEST_TMPDIR/scratch/build/photos" | wc -l)" 16
}

@test "make photos: each is another one, the same number makes the same again; what is there stays" {
    photos=$BATS_TEST_TMPDIR/photos
    photographer "$photos" 5
    assert_output "5 photographs in $photos, 5 of them new"
    assert_equal "$(md5sum "$photos"/*.jpg | cut -d' ' -f1 | sort -u | wc -l)" 5
    for file in "$photos"/*.jpg; do
        assert_equal "$(head -c 2 "$file" | od -An -tx1)" " ff d8"
        assert_equal "$(tail -c 2 "$file" | od -An -tx1)" " ff d9"
        kit_that "$(stat -c %s "$file") < 600000"
    done
    mv "$photos/000003.jpg" "$BATS_TEST_TMPDIR/third"
    photographer "$photos" 6
    assert_output "6 photographs in $photos, 2 of them new"
    cmp "$photos/000003.jpg" "$BATS_TEST_TMPDIR/third"
    for count in 0 x 100001 ''; do
        run -2 "$KIT/build/photographer" "$photos" $count
        assert_output "usage: make photos N=60: at least 1, at most 100000"
    done
    run -1 "$KIT/build/photographer" /nowhere/photos 1
    assert_output "make photos: item 0: photograph 0 in /nowhere/photos: No such file or directory"
}

@test "ch17: where there is no room, or no folder, it says so" {
    TMPDIR=/nowhere kit_run -1 ch17
    assert_output --regexp '^ch17: /nowhere/ch17-.*: No such file or directory$'
    ((50000000 > $(df --output=avail -k /dev/shm | tail -n 1))) || skip "so much memory"
    TMPDIR=/dev/shm kit_run -1 ch17 100000
    assert_output --regexp "^ch17: no room in /dev/shm/ch17-.* for 100000 photographs, 50.0 GB"
}

@test "ch17: --help tells the parts; what is neither a part nor a number is refused" {
    kit_run -0 ch17 --help
    usage="usage: ./ch17 [N | ways | late | order | bad | half]
N photographs, 16 to 100000; 60 if you do not say"
    assert_output "$usage"
    for arguments in 15 100001 60x -h "60 ways" ''; do
        if [ -n "$arguments" ]; then kit_run -2 ch17 $arguments; else kit_run -2 ch17 ''; fi
        assert_output "$usage"
    done
    SCALE=fast kit_run -2 ch17
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}

@test "ch17: built without libjpeg it names the package and the command, status 77" {
    kit_without ch17 jpeglib.h libjpeg libjpeg-dev
}
