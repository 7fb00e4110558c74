#!/bin/sh
# grade.sh: tells how the exercises stand.
#
#     tools/grade.sh             all of them, in a table
#     tools/grade.sh 02          one of them, in detail
#     tools/grade.sh hint 02     a hint; asked again, the next one; there are three
#     tools/grade.sh progress    one line: "you: 1 of 2 exercises, last ex01 (pass)"
#
# The answers lie in exercises/; EX=DIR names another folder. An answer is compiled, then tests/exNN.bats
# puts questions to it, each run under build/run with a deadline. The verdict is one of pass, fail, does not
# compile, timeout, crash. It is kept in .progress (PROGRESS=FILE: in another file).
#
# Exit status: 0 all that was graded passes; 1 something does not; 2 misuse; 77 bats is missing.

cd "$(dirname "$0")/.." || exit 2
folder=${EX:-exercises}
make=${MAKE:-make}
if [ "$folder" = exercises ]; then kept=.progress; else kept=/dev/null; fi
kept=${PROGRESS:-$kept}

die() {
    printf 'grade.sh: %s\n' "$1" >&2
    exit "${2:-2}"
}

# --- What is there ------------------------------------------------------------------------------------

# The exercises' numbers, in order.
numbers() {
    for file in "$folder"/ex[0-9][0-9]-*.c; do
        [ -e "$file" ] && file=${file##*/ex} && echo "${file%%-*}"
    done
}

# source_of NN: the answer's file.
source_of() {
    set -- "$folder/ex$1"-*.c
    echo "$1"
}

# slug_of NN: "first-pool"
slug_of() {
    set -- "$(source_of "$1")" "$1"
    set -- "${1##*/ex"$2"-}"
    echo "${1%.c}"
}

# number_of TEXT: sets `number` as it is written: 2, 02 and ex02 are the same exercise.
number_of() {
    number=${1#ex}
    case $number in [0-9]) number=0$number ;; esac
    case $number in
    [0-9][0-9]) [ -e "$(source_of "$number")" ] && return ;;
    esac
    die "there is no exercise '$1' in $folder; there is: $(numbers | tr '\n' ' ')"
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

# --- Grading one --------------------------------------------------------------------------------------

# grade NN: sets verdict, first (the first failing test) and reason; leaves the details in $work/details.
grade() {
    first='' reason=''
    if ! compile "$1" >"$work/details" 2>&1; then
        verdict="does not compile"
        reason=$(grep -m 1 -E 'error|undefined reference' "$work/details" || tail -n 1 "$work/details")
    elif question "$1" >"$work/tap" 2>&1; then
        verdict=pass
        details <"$work/tap" >"$work/details"
        return 0
    else
        details <"$work/tap" >"$work/details"
        verdict=$(detail verdict)
        first=$(sed -n 's/^FAIL *//p' "$work/details" | head -n 1)
        reason="expected '$(detail expected)', got '$(detail got)'"
        [ -n "$verdict" ] || verdict=fail reason=$(tail -n 1 "$work/tap")
    fi
    return 1
}

compile() {
    $make -s build/run compile SOURCE="$(source_of "$1")" PROGRAM="$work/answer"
}

question() {
    [ "$folder" != exercises ] || export QUESTIONS="$PWD/build"
    ANSWER=$work/answer bats --tap "tests/ex$1.bats" </dev/null
}

# Turns TAP into lines for people: each test with its state, below a failed one what it said.
details() {
    awk '
    /^ok .* # skip/ { sub(/^ok [0-9]+ /, ""); sub(/ # skip.*/, ""); print "later  " $0; next }
    /^ok /          { sub(/^ok [0-9]+ /, ""); print "ok     " $0; next }
    /^not ok /      { sub(/^not ok [0-9]+ /, ""); print "FAIL   " $0; next }
    /^# (verdict|ran|expected|got|likely|repeat): / { sub(/^# /, "       "); print }'
}

# detail NAME: what the failed test said under this name.
detail() {
    sed -n "s/^ *$1: *//p" "$work/details" | head -n 1
}

# Outside its hole an exercise is as its solution; says so if it is not.
check_outside() {
    reference=solutions/${1##*/}
    [ -e "$reference" ] || return 0
    outside "$1" >"$work/this"
    outside "$reference" >"$work/that"
    cmp -s "$work/this" "$work/that" ||
        echo "note: $1 was changed outside the hole too; undo that, or the verdict may mean nothing"
}

outside() {
    sed '/---- your code begins here ----/,/---- and ends here ----/d' "$1"
}

# --- Telling ------------------------------------------------------------------------------------------

one() {
    grade "$1"
    status=$?
    remember "ex$1" "$verdict"
    remember last "ex$1 ($verdict)"
    printf 'exercise %s, %s: %s\n' "$1" "$(slug_of "$1")" "$verdict"
    sed 's/^/  /' "$work/details"
    check_outside "$(source_of "$1")"
    if [ $status = 0 ]; then
        echo "next: $(after)"
    else
        echo "next: edit $(source_of "$1"), then make grade-$1; stuck: make hint-$1"
    fi
    return $status
}

# What comes after a passed exercise: the first that is not passed.
after() {
    for number in $(numbers); do
        [ "$(remembered "ex$number")" = pass ] && continue
        echo "make ch$number && ./ch$number, then $(source_of "$number")"
        return
    done
    echo "nothing: all exercises pass"
}

all() {
    failed=0 next=''
    printf '%-24s %s\n' exercise verdict
    for number in $(numbers); do
        grade "$number" || failed=$((failed + 1)) next=${next:-$number}
        remember "ex$number" "$verdict"
        remember last "ex$number ($verdict)"
        printf '%-24s %s\n' "$number $(slug_of "$number")" "$verdict${first:+: $first}"
        [ -z "$reason" ] || printf '%-24s   %s\n' "" "$reason"
    done
    [ $failed -gt 0 ] || { echo "all pass"; return 0; }
    echo "next: edit $(source_of "$next"), then make grade-$next; stuck: make hint-$next"
    return 1
}

# hint NN: one tier more than last time.
hint() {
    file=exercises/hints/$1.md
    [ -r "$file" ] || die "there are no hints for exercise $1" 1
    tiers=$(grep -c '^## ' "$file")
    tier=$(($(remembered "hint$1" | grep -x '[0-9]*' || echo 0) + 1))
    [ "$tier" -le "$tiers" ] || tier=$tiers
    echo "exercise $1, hint $tier of $tiers"
    awk -v tier="$tier" '/^## / { seen++; next } seen == tier' "$file"
    [ "$tier" = "$tiers" ] && echo "This was the last hint." || echo "More: make hint-$1"
    remember "hint$1" "$tier"
}

# --- The command --------------------------------------------------------------------------------------

mkdir -p build && work=$(mktemp -d build/grade.XXXXXX) || die "cannot write to build/"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

case $#:${1-} in
1:progress) progress && exit ;;
2:hint) number_of "$2" && hint "$number" && exit ;;
esac
command -v bats >/dev/null || die "needs bats: apt-get install bats" 77
case $# in
0) all ;;
1) number_of "$1" && one "$number" ;;
*) die "usage: grade.sh [NN | hint NN | progress]" ;;
esac
