#!/bin/sh
# peers.sh - plays what can go wrong with a pool, in Python's two and here, and writes the table in the README.
#
# usage: make peers [ROUNDS=5]
#        sh tools/peers/peers.sh check    plays our own column once, and compares it with the README's
#
# A scene is a program of its own (peers.py, here.c) in a folder of its own under build/peers/, under build/run with a
# deadline. What it prints, and what the runner saw, are the facts of a round; scenes says how they are put in words.
# Nothing in the table comes from anywhere else. Exit status 77: there is no Python; 1: something could not be played,
# and the README is as it was.

set -u
export LC_ALL=C
deadline=7 # seconds; what hangs is told after 2

die() {
    echo "peers: $*" >&2
    exit 1
}

scenes() {
    awk -F '|' '$1 == "row" { print $2, $3 }' "$here/scenes"
}

# one SCENE SYSTEM ROUND: plays it and prints its line of facts; what xargs runs.
one() {
    scene=$1 dir=$out/$1-$2-$3
    { mkdir "$dir" && mkfifo "$dir/ready" && cd "$dir"; } || exit 1
    echo "$*" >line
    case $2 in
    here) set -- "$out/here" "$scene" ;;
    *) set -- "$PYTHON" "$here/peers.py" "$2" "$scene" ;;
    esac
    case $scene in
    group) set -- -r sh "$here/strike.sh" INT group "$@" ;;
    alone) set -- -r sh "$here/strike.sh" INT alone "$@" ;;
    orphan) set -- -r sh "$here/strike.sh" KILL alone "$@" ;;
    esac
    "$BUILD/run" -t "$deadline" "$@" >facts 2>err
    status=$?
    [ -e struck ] || die "$(cat line) did not get as far as the event (status $status): see $dir/err"
    case $scene:$status in
    group:* | alone:* | orphan:* | *:0 | *:124) ;;
    *) die "$(cat line) ended with status $status: see $dir/err" ;;
    esac
    echo "$(cat line facts | tr '\n' ' ')$(what_the_runner_saw) status=$status"
}

# How the caller ended, how much it and its workers complained, and what was left a second later.
what_the_runner_saw() {
    case $status:$(grep -cs x finished) in
    124:*) caller=hang ;;
    *:) caller=at_once ;;
    *:6) caller=all ;;
    *) caller=running ;;
    esac
    [ "$status" -eq 124 ] || printf 'left=%d ' "$(grep -c '^run: left behind' err)"
    echo "caller=$caller lines=$(grep -vc '^run: ' err)"
}

# play SYSTEM...: all rounds of all scenes, as many side by side as there are cores.
play() {
    rm -rf "$out/rounds.facts"
    scenes | while read -r scene times; do
        round=0
        while [ "$round" -lt "$((times * ROUNDS))" ]; do
            round=$((round + 1))
            printf "$scene %s $round\n" "$@"
        done
    done >"$out/jobs"
    echo "peers: $(wc -l <"$out/jobs") rounds" >&2
    export OUT="$out"
    xargs -P "$(nproc)" -n 3 sh "$self" one <"$out/jobs" >>"$out/rounds.facts" || die 'not all could be played'
}

build() {
    for file in "$BUILD/run" "$BUILD/libpool.a"; do
        [ -f "$file" ] || die "there is no $file; make peers builds it first"
    done
    rm -rf "$out"
    mkdir -p "$out" || exit 1
    # shellcheck disable=SC2086 # CFLAGS is a list
    $CC $CFLAGS -I"$here/../../pool" -o "$out/here" "$here/here.c" "$BUILD/libpool.a" -lpthread ||
        die 'cannot compile here.c'
}

# Our own column, and what the README has there; ranges of numbers aside, there is nothing in it that varies.
check() {
    out=$BUILD/peers-check
    build
    ROUNDS=1
    play here
    awk -v only=here -f "$here/peers.awk" "$here/scenes" "$out/rounds.facts" >"$out/now" || exit 1
    awk -F ' [|] ' '/^<!-- peers -->/ { inside = 1 } /^<!-- \/peers -->/ { inside = 0 }
        inside && /^[|] / && ++line > 1 { sub(/ [|]$/, ""); print $NF }' "$README" >"$out/said"
    diff -u "$out/said" "$out/now" || die "what the README says of the pool is not what it does (- said, + does)"
}

# Puts the file between the marks, and nothing else elsewhere.
write_readme() {
    awk -v table="$1" '
        /^<!-- \/peers -->/ { inside = 0 }
        !inside { print }
        /^<!-- peers -->/ {
            inside = 1
            while ((getline line <table) > 0)
                print line
        }' "$README" >"$out/readme" && cat "$out/readme" >"$README"
}

measure() {
    PYTHON=$(python3 -c 'import concurrent.futures, multiprocessing.pool, sys; print(sys.executable)' 2>/dev/null) || {
        echo 'peers: there is no Python 3 to compare with. To install it: sh tools/setup.sh all' >&2
        exit 77
    }
    export PYTHON
    for mark in '<!-- peers -->' '<!-- /peers -->'; do
        grep -qx "$mark" "$README" || die "$README has no line '$mark': the table stands between two marks"
    done
    build
    play pool executor here
    version=$("$PYTHON" "$here/peers.py" version) || die 'which version of Python is this?'
    caption="Measured by \`make peers\` with $version, and two workers; rounds: $ROUNDS of each line, $((2 * ROUNDS)) of the second
and the fourth. Where they differ, the cell says how many went which way. *Never* is: not in two seconds; *hangs*: not in
$deadline. Python turns SIGINT into an exception; in C it ends a program that does not handle it."
    awk -v caption="$caption" -f "$here/peers.awk" "$here/scenes" "$out/rounds.facts" >"$out/table.md" || exit 1
    write_readme "$out/table.md"
    cat "$out/table.md"
}

here=$(cd "$(dirname "$0")" && pwd) || exit 1
self=$here/peers.sh
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
CC=${CC:-cc}
CFLAGS=${CFLAGS:--std=gnu11 -O2 -Wall -Wextra}
ROUNDS=${ROUNDS:-5}
README=${README:-README.md}
out=${OUT:-$BUILD/peers}
export BUILD

case $ROUNDS in
*[!0-9]* | 0* | '')
    echo "peers: ROUNDS is '$ROUNDS', it has to be a number from 1 on" >&2
    exit 2
    ;;
esac
case ${1-}:$# in
:0) measure ;;
check:1) check ;;
one:4)
    shift
    one "$@"
    ;;
*)
    echo 'usage: sh tools/peers/peers.sh [check]' >&2
    exit 2
    ;;
esac
