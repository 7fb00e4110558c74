# lanes: the pictures, of made-up records (draw-demo), of tests/traced.c and of a real run (chapter 9); what it says when
# something is wrong; and that the program it runs does not notice. What the library leaves: tests/unit/traces.c.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build lanes build/draw-demo build/traced ch04 ch09
    export LC_ALL=C.UTF-8
}

setup() {
    export TMPDIR=$BATS_TEST_TMPDIR/tmp # lanes may leave nothing there
    mkdir "$TMPDIR"
    cd "$BATS_TEST_TMPDIR" || return
    unset COLUMNS
}

teardown() {
    assert_equal "$(ls -A "$TMPDIR")" ""
}

# lanes [-N] ARG...: under the runner, which complains of what is left.
lanes() {
    local expect=-0
    [[ $1 != -[0-9]* ]] || { expect=$1; shift; }
    run "$expect" "$KIT/build/run" -l "$KIT/lanes" "$@"
}

# has TEXT...: $output does, in whatever order.
has() {
    local text
    for text; do assert_output --partial "$text"; done
}

# count WANTED PATTERN: so many lines of $output have it.
count() {
    assert_equal "$(grep -c -- "$2" <<<"$output") lines with $2" "$1 lines with $2"
}

# scene NAME [SEED]: draws what draw-demo makes up, with the arguments in $as.
scene() {
    "$KIT/build/draw-demo" "$@" >scene.csv
    # shellcheck disable=SC2086 # a list
    lanes scene.csv ${as-}
}

# --- Made-up records -------------------------------------------------------------------------------------------------

@test "timeline: never wider than asked, in all scenes" {
    for scene in pool trouble restarts hundred million empty nothing idle-death; do
        for columns in 40 59 80 200; do
            COLUMNS=$columns scene "$scene"
            for line in "${lines[@]}"; do
                wide=${#line}
                kit_that 'wide <= columns' || fail "$scene: $line"
            done
        done
    done
}

@test "timeline: failures, deaths and new workers are marked where there are any" {
    scene trouble
    has "! failed" "× died" "| new worker"
    scene pool
    refute_output --partial "!"
    refute_output --partial "×"
    refute_output --partial "|"
}

@test "timeline: coloured on a terminal, but for NO_COLOR" {
    "$KIT/build/draw-demo" trouble >trouble.csv
    run -0 "$KIT/build/run" -l -p "$KIT/lanes" trouble.csv
    has $'\033[31m' $'\033[0m'
    NO_COLOR=1 run -0 "$KIT/build/run" -l -p "$KIT/lanes" trouble.csv
    refute_output --partial $'\033'
}

@test "SVG: well-formed, and small even for a million tasks" {
    for scene in pool trouble empty nothing idle-death million million-hundred; do
        as='-o x.svg' scene "$scene"
        refute_output
        xmllint --noout x.svg
        size=$(wc -c <x.svg)
        kit_that 'size < 300000'
    done
}

@test "JSON: parses, and has an event for each task" {
    for scene in trouble restarts empty nothing idle-death; do
        as='-o x.json' scene "$scene"
        run -0 perl -MJSON::PP -0777 -ne '
            print scalar grep { $_->{ph} eq "X" } @{ decode_json($_)->{traceEvents} }' x.json
        assert_output "$(grep -cE '^(done|failed),|^died,[0-9]+,[0-9]+,[0-9]+,[0-9]+,[0-9]' scene.csv)"
    done
}

@test "CSV: what was read is written again, also over itself" {
    scene restarts
    cp scene.csv before.csv
    lanes scene.csv -o scene.csv
    cmp before.csv scene.csv
}

@test "several files, several pools: all are drawn; -p chooses one" {
    "$KIT/build/draw-demo" pool >a.csv
    "$KIT/build/draw-demo" trouble >b.csv
    "$KIT/build/draw-demo" idle-death >>b.csv
    lanes a.csv b.csv
    has "pool 1" "pool 2" "pool 3"
    count 3 '^pool'
    lanes -p 3 a.csv b.csv
    has "× died" "550 ms"
    refute_output --partial pool
    lanes -o x.svg a.csv b.csv
    xmllint --noout x.svg
    assert_equal "$(grep -c '<g transform=.translate(0,' x.svg)" 3
    lanes -o one.svg -p 2 a.csv b.csv
    one=$(wc -c <one.svg) all=$(wc -c <x.svg)
    kit_that 'one < all'
    lanes -o x.json a.csv b.csv
    run -0 perl -MJSON::PP -0777 -ne 'my %pools; $pools{$_->{pid}}++ for @{ decode_json($_)->{traceEvents} };
        print join " ", sort keys %pools' x.json
    assert_output "1 2 3"
    lanes -1 -p 4 a.csv b.csv
    has "lanes: there is no pool 4: the pools are 3"
}

@test "records that are missing because the run was long are mentioned" {
    "$KIT/build/draw-demo" pool | sed '2s/,0,0,/,0,1234,/' >long.csv
    lanes long.csv
    has "lanes: of pool 1 the first 1234 records are missing; it kept the latest 44"
}

# --- Wrong input -----------------------------------------------------------------------------------------------------

@test "a damaged file is drawn or refused, and the words name the line" {
    for seed in {1..150}; do
        "$KIT/build/draw-demo" trouble "$seed" >damaged.csv
        run "$KIT/lanes" damaged.csv -o x.svg
        if ((status == 0)); then
            xmllint --noout x.svg
        else
            assert_failure 1
            has "lanes: damaged.csv, line " "the file is damaged"
        fi
    done
}

# refused LINE SED-SCRIPT: a good file changed in this way is refused because of that line.
refused() {
    "$KIT/build/draw-demo" trouble | sed -e "$2" >damaged.csv
    lanes -1 damaged.csv
    has "lanes: damaged.csv, line $1: expected "
}

@test "a damaged file: the line that is named is the right one" {
    refused 1 1d                          # no header
    refused 1 '1s/^/x/'                   # another header
    refused 2 2d                          # no record of the pool
    refused 2 '2s/^pool,4/pool,1025/'     # too many workers
    refused 5 '5s/^[a-z]*/sleep/'         # no such kind
    refused 5 '5s/,/,,/'                  # ten fields
    refused 5 '5s/,[^,]*$//'              # eight
    refused 5 '5s/,[0-9]*$/,x/'           # no number
    refused 5 '5s/,[0-9]*$/,99999999999/' # too large
    refused 5 '5s/,[0-9]*,/,4,/'          # no such slot
    refused 5 '5s/^[a-z]*,\([^,]*,[^,]*,[^,]*,[^,]*\),.*/done,\1,,1,2,0/' # a task without an item
    refused 5 '5s/[0-9]*,[0-9]*,[0-9]*$/7,6,0/'                           # ends before it begins
    refused 5 '5s/[0-9]*,[0-9]*$/999999999999,0/'                         # after the pool's end
    refused 6 '6s/^/pool,4,0,1,0,,1,2,0\n/'                               # a second pool in the first
    refused 49 '$a\something else'
    "$KIT/build/draw-demo" trouble | head -c -3 >damaged.csv # torn
    lanes -1 damaged.csv
    has "lanes: damaged.csv, line 47: expected "
    printf 'kind,slot,worker,pid,job,item,start,end,status\n' >damaged.csv
    lanes -1 damaged.csv
    has "lanes: damaged.csv, line 2: expected the record of a pool, got \"the end\""
}

@test "a file from Windows, one without the last empty line, and two joined by cat are fine" {
    "$KIT/build/draw-demo" pool >a.csv
    lanes a.csv
    right=$output
    sed 's/$/\r/' a.csv >b.csv
    lanes b.csv
    assert_output "$right"
    sed '$d' a.csv >b.csv
    lanes b.csv
    assert_output "$right"
    cat a.csv a.csv >b.csv
    lanes b.csv -p 2
    assert_output "$right"
}

@test "what cannot be read or written: status 1, which file, and why" {
    lanes -1 no.csv
    assert_output "lanes: cannot read no.csv: No such file or directory"
    mkdir folder.csv folder.svg
    lanes -1 folder.csv
    assert_output "lanes: cannot read folder.csv: Is a directory"
    : >empty.csv
    lanes -1 empty.csv
    assert_output "lanes: empty.csv holds no records: no pool was joined"
    head -c 5000 /dev/urandom | sed 1i- >noise.csv
    lanes -1 noise.csv
    has "lanes: noise.csv, line 1: expected kind,slot"
    printf 'a\033[31m\377b\n' >noise.csv
    lanes -1 noise.csv
    has 'got "a?[31m?b";'
    "$KIT/build/draw-demo" pool >a.csv
    lanes -1 a.csv -o folder.svg
    assert_output "lanes: cannot write folder.svg: Is a directory"
    ln -s /dev/full full.svg
    lanes -1 a.csv -o full.svg
    assert_output "lanes: cannot write full.svg: No space left on device"
}

@test "misuse: status 2 and what is wrong" {
    for line in ": what is to be run or drawn?" "-o: -o needs the name of a file" "-p: -p needs the number of a pool" \
        "-x: there is no option -x" "--no: there is no option --no" \
        "-o x.png true: -o x.png: the name must end in .svg, .json or .csv" \
        "-p 0 true: -p 0: give the number of a pool, 1 for the first" \
        "-p -1 true: -p -1: give the number of a pool, 1 for the first" \
        "-p 1x true: -p 1x: give the number of a pool, 1 for the first" \
        "a.csv x: x is no .csv file; to draw what a program does, name the program first"; do
        read -ra arguments <<<"${line%%: *}"
        lanes -2 "${arguments[@]}"
        assert_output "lanes: ${line#*: }"$'\n'"lanes --help says how it is used"
    done
}

@test "--help" {
    for option in -h --help; do
        lanes "$option"
        has "usage: lanes" ".svg" ".json" ".csv"
    done
}

# --- A program that is run -------------------------------------------------------------------------------------------

@test "a run: the timeline comes on stderr, nothing else changes" {
    run -0 "$KIT/build/run" -l bash -c "'$KIT/ch09' >before; '$KIT/lanes' '$KIT/ch09' 2>picture >after"
    diff <(sed 's/[0-9]*//g' before | sort) <(sed 's/[0-9]*//g' after | sort)
    grep -q '% busy' picture
}

@test "a run: the CSV of the first pool has ten tasks in five or six lives" {
    lanes -o trace.csv "$KIT/ch09"
    sed '/^$/q' trace.csv >first.csv
    assert_equal "$(head -n1 first.csv)" kind,slot,worker,pid,job,item,start,end,status
    assert_equal "$(grep -c ^done, first.csv)" 10
    starts=$(grep -c ^start, first.csv)
    kit_that 'starts > 4'
}

@test "a run: the SVG names every task" {
    lanes -p 1 -o trace.svg "$KIT/ch09"
    xmllint --noout trace.svg
    output=$(<trace.svg)
    has " done 10&#160;"
    for item in 0 1 2 3 4 5 6 7 8 9; do # on a busy machine the run is so long that some of them share a bar
        assert_output --regexp "item $item of job 1|<title>[0-9]+ done"
    done
}

@test "a run: what was cut by freeing the pool is in its picture" {
    lanes "$KIT/ch04"
    count 3 '^worker [1-5] .*×'
}

@test "a run: all pools are drawn, also those in threads and in workers, each named by its process" {
    lanes "$KIT/build/traced" pool threads
    count 2 '^pool [12]$'
    lanes "$KIT/build/traced" pool nested
    count 4 '^pool [1-4], pid [0-9]*$'
    assert_equal "$(grep -o 'pid.*' <<<"$output" | sort -u | wc -l)" 3
    lanes -o x.svg "$KIT/build/traced" nested
    xmllint --noout x.svg
    lanes -o x.csv "$KIT/build/traced" nested
    assert_equal "$(grep -c ^pool, x.csv)" 3
}

@test "two programs at once append to one file" {
    for _ in 1 2; do
        for _ in 1 2 3; do POOL_TRACE=x.csv "$KIT/build/run" "$KIT/build/traced" pool pool & done
        wait
    done
    lanes x.csv
    count 12 '^pool'
}

@test "a run: stdin, arguments and the exit status are the program's" {
    run -7 "$KIT/build/run" -l -i "$KIT/lanes" "$KIT/build/traced" copy pool status=7 <<<"two words"
    has "two words" "% busy"
    lanes -7 "$KIT/build/traced" status=7 # whether or not there is anything to draw
    lanes sh -c '[ "$1" = -o ] && [ "$2" = "a b" ]' sh -o "a b"
    lanes -3 -o x.svg "$KIT/build/traced" pool status=3
    xmllint --noout x.svg
}

@test "a run: a program that a signal ends ends lanes in the same way" {
    run -0 bash -c "'$KIT/lanes' '$KIT/build/traced' pool signal=6 2>picture; ended=\$?; echo \$ended; kill -l \$ended"
    assert_line 134
    assert_line ABRT
    grep -q '% busy' picture
    lanes -143 "$KIT/build/traced" signal=15
}

@test "a run: Ctrl+C ends a program that does not handle it, and what was joined is drawn" {
    run -130 "$KIT/build/run" -l "$KIT/tests/tty.exp" -e ready -c -- "$KIT/lanes" "$KIT/build/traced" pool ready wait
    has "% busy"
}

@test "a run: Ctrl+C that comes before a pool was joined leaves no noise" {
    run -130 "$KIT/build/run" -l "$KIT/tests/tty.exp" -e ready -c -- "$KIT/lanes" "$KIT/build/traced" ready wait
    assert_equal "${output//[$'\r\n']/}" "ready^C"
}

@test "a run: Ctrl+C reaches a program that handles it, once, and both go on; so does a signal to lanes alone" {
    run -0 "$KIT/build/run" -l "$KIT/tests/tty.exp" -e waiting -c -e Interrupt -s -e Interrupt -q -- \
        "$KIT/lanes" "$KIT/build/traced" signals pool
    count 2 Interrupt
    has "% busy"
}

# Runs lanes with `traced signals pool` behind us; sets runner, lanes and program, their processes.
begin_signals() {
    "$KIT/build/run" "$KIT/lanes" "$KIT/build/traced" signals pool >out 2>err 3>&- &
    runner=$!
    eventually grep -q waiting out
    read -r lanes <"/proc/$runner/task/$runner/children" || [ "$lanes" ] # the line has no end
    read -r program <"/proc/$lanes/task/$lanes/children" || [ "$program" ]
}

# eventually COMMAND...: until it succeeds; the runner's deadline ends what hangs, and then this.
eventually() {
    until "$@"; do
        sleep 0.02
        kill -0 "$runner" || return
    done
}

has_come() { (($(wc -l <out) == $1)); }

is_stopped() { grep -q 'State:.T' "/proc/$1/status"; }

is_running() { ! is_stopped "$1"; }

@test "a run: a signal sent to lanes is handed on" {
    begin_signals
    for signal in USR1 INT HUP USR2; do
        kill -s "$signal" "$lanes"
        eventually has_come $((++seen + 1))
    done
    kill "$lanes"
    wait "$runner"
    diff out - <<'END'
waiting
User defined signal 1
Interrupt
Hangup
User defined signal 2
END
    grep -q '% busy' err
}

@test "a run: signals that are ignored stay so in the program" {
    run -0 "$KIT/build/run" -l sh -c "trap '' INT HUP; exec '$KIT/lanes' sh -c 'kill -INT \$\$; kill -HUP \$\$; echo alive'"
    has alive
}

@test "a run: while the program is stopped, so is lanes; continued, both go on" {
    begin_signals
    kill -STOP "$program"
    eventually is_stopped "$lanes"
    kill -CONT "$lanes"
    eventually is_running "$program"
    kill "$lanes"
    wait "$runner"
}

@test "a run: a program that cannot be run: 127 or 126, and why" {
    lanes -127 no-such-command
    assert_output "lanes: there is no command no-such-command"
    lanes -127 ./ch42
    assert_output "lanes: there is no program ./ch42; is it built? (make ch42)"
    cp "$KIT/build/traced" here
    lanes -127 here
    assert_output "lanes: there is no command here; the program in this folder is ./here"
    echo 'int main(void);' >here.c
    lanes -126 ./here.c
    assert_output "lanes: cannot run ./here.c: Permission denied"
    chmod +x here.c
    lanes -126 ./here.c
    assert_output "lanes: cannot run ./here.c: Exec format error"
}

@test "a run: no pool, no picture: that is said" {
    lanes -o x.svg true
    assert_output "lanes: true left no records: a pool leaves its own in pool_join() or pool_free()"
    assert_equal "$(echo x.svg*)" 'x.svg*'
}

@test "a run: a picture that cannot be written is refused before the program begins" {
    lanes -1 -o no/x.svg sh -c 'echo begun'
    assert_output "lanes: cannot write no/x.svg: No such file or directory"
    mkdir closed && chmod 500 closed
    if [ "$(id -u)" -ne 0 ]; then
        lanes -1 -o closed/x.svg sh -c 'echo begun'
        assert_output "lanes: cannot write closed/x.svg: Permission denied"
    fi
}

@test "a run: a TMPDIR that is not there is said, one that is relative serves" {
    TMPDIR=$BATS_TEST_TMPDIR/no lanes -1 true
    has "lanes: cannot make a folder in $BATS_TEST_TMPDIR/no: No such file or directory; set TMPDIR to one that can be"
    TMPDIR=tmp lanes sh -c "cd / && exec '$KIT/build/traced' pool"
    has "% busy"
}

@test "make: a chapter, and an exercise, bring lanes" {
    run -0 make -n -C "$KIT" -W tools/lanes.c ch09
    has "-o lanes"
    run -0 make -n -C "$KIT" -W tools/lanes.c ex01
    has "-o lanes"
}
