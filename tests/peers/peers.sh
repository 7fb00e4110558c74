#!/bin/sh
# peers.sh - plays what can go wrong with a pool, in Python's two and here, and writes the table in the README.
#
# usage: make peers [ROUNDS=5]
#        sh tests/peers/peers.sh check    plays our own column once, and compares it with the README's
#
# A scene is a program of its own (peers.py, here.c) in a folder of its own under build/peers/, under build/run with a
# deadline. What it prints, and what the runner saw, are the facts of a round; scenes says how they are put in words.
# Nothing in the table comes from anywhere else. Exit status 77: there is no Python; 1: something could not be played,
# and the README is as it was.

set -u
export LC_ALL=C
deadline=5 # seconds; what hangs is told after 2

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
    case $status:$(cat finished 2>/dev/null | wc -l) in
    124:*) caller=hang ;;
    *:0) caller=at_once ;;
    *:6) caller=all ;;
    *) caller=running ;;
    esac
    [ "$status" -eq 124 ] || echo "left=$(grep -c '^run: left behind' err)"
    echo "caller=$caller lines=$(grep -vc '^run: ' err)"
} 

# play SYSTEM...: all rounds of all scenes, as many side by side as there are cores.
play() {
    rm -rf "$out/rounds.facts"
    scenes | while read -r scene rounds; do
        round=0
        while [ "$round" -lt "$((rounds * ROUNDS / 5))" ]; do
            round=$((round + 1))
            printf "$scene %s $round\n" "$@"
        done
    done >"$out/jobs"
    echo "peers: $(wc -l <"$out/jobs") rounds" >&2
    xargs -P "$(nproc)" -n 3 sh "$self" one <"$out/jobs" >>"$out/rounds.facts" || die 'not all could be played'
}

build() {
    rm -rf "$out"
    mkdir -p "$out" || exit 1
    # shellcheck disable=SC2086 # CFLAGS is a list
    $CC $CFLAGS -I"$here/../../pool" -o "$out/here" "$here/here.c" "$BUILD/libpool.a" -lpthread || die 'cannot compile here.c'
}
