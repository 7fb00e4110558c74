#!/bin/sh
# grade.sh: tells how the exercises stand.
#
#     tools/grade.sh             all of them, in a table
#     tools/grade.sh 02          one of them, in detail
#     tools/grade.sh hint 02     a hint; asked again, the next one; there are three
#     tools/grade.sh hints 02    those that were given already, again
#     tools/grade.sh watch 02    grades it whenever the file has changed, until it passes
#     tools/grade.sh reset 02    a fresh file; the old one is kept in exercises/old/
#     tools/grade.sh solution 02 the course's answer, once yours passes, or if asked twice
#     tools/grade.sh numbers     which exercises there are
#     tools/grade.sh progress    one line: "you: 1 of 2 exercises, last ex01 (pass)"
#
# Which exercises there are, is the course's list, exercises/fresh/. The answers lie in exercises/; EX=DIR names another
# folder. An answer counts only under its exact name. What is known of the student is kept in .progress (PROGRESS=FILE: in
# another file). How one answer is graded: tools/grade/one.sh.
#
# Exit status: 0 all of it passes; 1 something does not; 2 misuse; 77 bats is missing, or what the exercise asked for needs;
# 125 the grader failed.

cd "$(dirname "$0")/.." || exit 2
folder=${EX:-exercises}
build=${BUILD:-build}
PATH=$PATH:$(pwd)/build/tools/usr/bin # setup.sh puts them there where there is no root
if [ "$folder" = exercises ]; then kept=.progress; else kept=/dev/null; fi
kept=${PROGRESS:-$kept}

die() {
    printf 'grade.sh: %s\n' "$1" | fold -s -w 80 >&2
    exit "${2:-2}"
}

# --- What there is ------------------------------------------------------------------------------------

# The exercises' numbers, in order.
numbers() {
    for file in exercises/fresh/ex[0-9][0-9]-*.c; do
        file=${file##*/ex} && echo "${file%%-*}"
    done
}

# name_of NN: "ex02-one-argument.c"
name_of() {
    set -- exercises/fresh/ex"$1"-*.c
    echo "${1##*/}"
}

# slug_of NN: "one-argument"
slug_of() {
    slug=$(name_of "$1")
    slug=${slug#ex??-}
    echo "${slug%.c}"
}

# number_of TEXT: sets `number` as it is written: 2, 02 and ex02 are the same exercise.
number_of() {
    number=${1#ex}
    case $number in [0-9]) number=0$number ;; esac
    case $number in
    [0-9][0-9]) [ -e "exercises/fresh/$(name_of "$number")" ] && return ;;
    esac
    die "there is no exercise '$1'; there is: $(echo $(numbers))"
}

# ignored [NN]: names files that look like answers and are none.
ignored() {
    for file in "$folder"/ex${1:-[0-9][0-9]}*; do
        name=${file##*/}
        case $name in ex[0-9][0-9] | '') continue ;; esac
        [ -e "exercises/fresh/$name" ] || [ ! -e "$file" ] ||
            printf 'ignored: %s\n' "$name" | tr -c '[:print:]\n' '?' | cut -c1-80
    done
}

# --- What is remembered -------------------------------------------------------------------------------

remembered() {
    [ ! -e "$kept" ] || sed -n "s/^$1 //p" "$kept"
}

# remember KEY VALUE
remember() {
    { [ ! -e "$kept" ] || sed "/^$1 /d" "$kept"; echo "$1 $2"; } >"$work/progress"
    cat "$work/progress" >"$kept" || echo "grade.sh: the result is not kept" >&2
}

progress() {
    all=0 passed=0
    for number in $(numbers); do
        all=$((all + 1))
        [ "$(remembered "ex$number")" != pass ] || passed=$((passed + 1))
    done
    last=$(remembered last)
    echo "you: $passed of $all exercises${last:+, last $last}"
}

# --- Grading ------------------------------------------------------------------------------------------

# grade NN: sets verdict, and leaves in $work/NN what one.sh does.
grade() {
    also=
    [ "$folder" = exercises ] || also=" EX='$folder'"
    REPEAT="make grade-$1 SEED=$SEED$also" sh tools/grade/one.sh "$1" "$folder/$(name_of "$1")" "$work/$1"
    status=$?
    [ $status -le 1 ] || [ $status = 77 ] || die "the grader failed" 125
    verdict=$(cat "$work/$1/verdict")
    [ $status != 77 ] || return 77
    remember "ex$1" "$verdict"
    remember last "ex$1 ($verdict)"
    return $status
}

one() {
    grade "$1"
    status=$?
    cat "$work/$1/report"
    ignored "$1"
    echo "protection: $protection" | fold -s -w 80
    case $status in
    0) echo "next: $(after "$1")" ;;
    77) ;;
    *) fix "$1" ;;
    esac
    return $status
}

fix() {
    echo "next: edit $folder/$(name_of "$1")"
    echo "      then make grade-$1; stuck: make hint-$1"
}

# What comes after exercise NN passed: the first that is not passed.
after() {
    for number in $(numbers); do
        [ "$number" = "$1" ] || [ "$(remembered "ex$number")" = pass ] && continue
        echo "make ch$number && ./ch$number, then exercises/$(name_of "$number")"
        return
    done
    echo "nothing: all exercises pass"
}

# A line for the first failing test of NN.
reason() {
    awk -F '\t' '$2 != "pass" && $2 != "later" {
        print "expected: " $6; print "got: " $7; print "likely: " $8; exit }' "$work/$1/tests.tsv" | cut -c1-76
    [ "$verdict" != 'not graded' ] || cut -c3-76 "$work/$1/middle"
    [ ! -s "$work/$1/errors" ] || sed -n 1p "$work/$1/errors" | cut -c1-76
    sed 's/^/note: /' "$work/$1/notes" | cut -c1-76
}

all() {
    failed=0 next=
    printf '%-24s %s\n' exercise verdict
    for number in $(numbers); do
        grade "$number" || failed=$((failed + 1))
        case $verdict in pass | 'not graded') ;; *) next=${next:-$number} ;; esac
        first=$(awk -F '\t' '$2 != "pass" && $2 != "later" { print ": " $1; exit }' "$work/$number/tests.tsv")
        printf '%-24s %s\n' "$number $(slug_of "$number")" "$verdict$first"
        reason "$number" | sed 's/^/    /'
    done
    ignored
    echo "protection: $protection" | fold -s -w 80
    [ $failed -gt 0 ] || { echo "all pass"; return 0; }
    [ -z "$next" ] || fix "$next"
    return 1
}

# --- Hints --------------------------------------------------------------------------------------------

# tier NN N: the Nth hint.
tier() {
    echo "exercise $1, hint $2 of $tiers"
    awk -v tier="$2" '/^## / { seen++; next } seen == tier' "exercises/hints/$1.md"
}

# given NN: sets `tiers`, how many hints there are, and `tier`, how many were given.
given() {
    [ -r "exercises/hints/$1.md" ] || die "there are no hints for exercise $1" 1
    tiers=$(grep -c '^## ' "exercises/hints/$1.md")
    tier=$(remembered "hint$1" | grep -x '[0-9]*' || echo 0)
}

# hint NN: one tier more than last time.
hint() {
    given "$1"
    [ "$tier" -ge "$tiers" ] || tier=$((tier + 1))
    tier "$1" "$tier"
    [ "$tier" = "$tiers" ] && echo "This was the last hint. Again: make hints-$1" || echo "More: make hint-$1"
    remember "hint$1" "$tier"
}

# hints NN: those that were given.
hints() {
    given "$1"
    [ "$tier" -gt 0 ] || echo "No hint was given yet: make hint-$1"
    for i in 1 2 3; do
        [ "$i" -gt "$tier" ] || tier "$1" "$i"
    done
}

# --- The file -----------------------------------------------------------------------------------------

# watch NN: looks once a second whether the file is another.
watch() {
    file=$folder/$(name_of "$1") before=
    echo "watching $file; Ctrl+C ends it"
    while :; do
        now=$(cksum "$file" 2>&1)
        if [ "$now" != "$before" ]; then
            before=$now
            one "$1"
            case $? in 0 | 77) return ;; esac
        fi
        sleep 1
    done
}

# reset NN
reset() {
    name=$(name_of "$1") count=1
    if [ -e "$folder/$name" ] && ! cmp -s "$folder/$name" "exercises/fresh/$name"; then
        mkdir -p "$folder/old" || die "cannot write to $folder/old" 1
        while [ -e "$folder/old/${name%.c}-$count.c" ]; do count=$((count + 1)); done
        mv "$folder/$name" "$folder/old/${name%.c}-$count.c" || exit 1
        echo "yours is now $folder/old/${name%.c}-$count.c"
    fi
    cp "exercises/fresh/$name" "$folder/$name" || die "cannot write $folder/$name" 1
    echo "$folder/$name is as it was at first"
}

# solution NN: what stands in the hole of the course's answer.
solution() {
    [ -r "solutions/$(name_of "$1")" ] || die "there is no solution here to exercise $1" 1
    if [ "$(remembered "ex$1")" != pass ] && [ "$(remembered "asked$1")" != solution ]; then
        remember "asked$1" solution
        echo "exercise $1 does not pass yet. Stuck: make hint-$1"
        echo "If you want to see the solution all the same, ask again."
        return
    fi
    echo "solutions/$(name_of "$1"):"
    sed -n '/---- your code begins here ----/,/---- and ends here ----/p' "solutions/$(name_of "$1")"
}

# --- The command --------------------------------------------------------------------------------------

mkdir -p "$build" && work=$(mktemp -d "$build/grade.XXXXXX") || die "cannot write to $build/"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

case $#:${1-} in
1:progress) progress && exit ;;
1:numbers) echo $(numbers) && exit ;;
2:hint) number_of "$2" && hint "$number" && exit ;;
2:hints) number_of "$2" && hints "$number" && exit ;;
2:reset) number_of "$2" && reset "$number" && exit ;;
2:solution) number_of "$2" && solution "$number"; exit ;;
esac
command -v bats >/dev/null || die "needs bats and bubblewrap: sh tools/setup.sh grade" 77
SEED=${SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
protection=$("$build/box" -q)
BOX=${BOX:-${protection%%:*}}
export SEED BOX
case $# in
0) all ;;
1) number_of "$1" && one "$number" ;;
2) [ "$1" = watch ] && number_of "$2" && watch "$number" ;;
*) die "usage: grade.sh [NN | hint|hints|watch|reset|solution NN | progress]" ;;
esac
