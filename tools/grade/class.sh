#!/bin/sh
# class.sh: grades a class.
#
#     make gradebook SUBMISSIONS=DIR [GRADES=DIR]
#     sh tools/grade/class.sh SUBMISSIONS GRADES
#     sh tools/grade/class.sh one GRADES STUDENT NN      one answer; gradebook.c runs this
#
# SUBMISSIONS has a folder for each student, or an archive (.tar, .tar.gz, .tgz, .tar.xz, .zip), with that student's files,
# at its top or one or two folders below. Only files with an exercise's exact name are taken, and of archives only these are
# unpacked. All exercises get all their tests, with the same questions for everybody.
#
# Leaves in GRADES (build/grades): index.html, which opens from the disk; grades.csv; junit.xml; and for each student, who has
# a number there, NNN/name, NNN/results.json (as Gradescope wants it) and NNN/NN/, what one.sh says of exercise NN. What was
# graded already is not graded again while the answer is the same: so one that was ended half-way goes on from there.
#
# Exit status: 0 the class is graded, however well; 2 misuse; 77 bats is missing; 125 the grader failed for some answers.

cd "$(dirname "$0")/../.." || exit 2
PATH=$PATH:$(pwd)/build/tools/usr/bin
build=${BUILD:-build}

die() {
    printf 'gradebook: %s\n' "$1" >&2
    exit "${2:-2}"
}

exercises() {
    for file in exercises/fresh/ex[0-9][0-9]-*.c; do echo "${file##*/}"; done
}

# --- One answer ---------------------------------------------------------------------------------------

# What an answer is known by: the file, and the course's tests for it.
mark_of() {
    cat "$1" "tests/ex$2.bats" exercises/fresh/ex"$2"-*.c 2>/dev/null | cksum
}

if [ "${1-}" = one ]; then
    grades=$2 student=$3 number=$4
    answer=$(echo exercises/fresh/ex"$number"-*.c)
    answer=$grades/$student/answers/${answer##*/}
    rm -f "$grades/$student/$number/done"
    EVERY=1 SEED=$(cat "$grades/seed") REPEAT="make grade-$number SEED=$(cat "$grades/seed")" \
        sh tools/grade/one.sh "$number" "$answer" "$grades/$student/$number"
    status=$?
    rm -f "$grades/$student/$number/answer" "$grades/$student/$number/answer-sanitize"
    [ $status -gt 1 ] || mark_of "$answer" "$number" >"$grades/$student/$number/done"
    exit $status
fi

# --- Who handed in what -------------------------------------------------------------------------------

# take FILE NAME: the file is this student's answer, unless there is one.
take() {
    [ -f "$1" ] && [ ! -h "$1" ] && [ ! -e "$student/answers/$2" ] || return 0
    head -c 1000001 "$1" >"$student/answers/$2"
}

# from_folder DIR
from_folder() {
    for name in $(exercises); do
        take "$1/$name" "$name"
        take "$1/exercises/$name" "$name"
        for below in "$1"/*/; do
            take "$below$name" "$name"
            take "${below}exercises/$name" "$name"
        done
    done
}

# from_archive FILE: the members with an exercise's name, each to stdout, so nothing is ever written where it says.
from_archive() {
    case $1 in
    *.zip)
        command -v unzip >/dev/null || die "$1: needs unzip: apt-get install unzip" 77
        unzip -Z1 "$1" >"$student/members" 2>/dev/null
        ;;
    *) tar -tf "$1" >"$student/members" 2>/dev/null ;;
    esac
    for name in $(exercises); do
        member=$(grep -E "(^|/)$name\$" "$student/members" | head -n 1)
        [ -n "$member" ] || continue
        case $1 in
        *.zip) unzip -p "$1" "$member" 2>/dev/null ;;
        *) tar -xOf "$1" -- "$member" 2>/dev/null ;;
        esac | head -c 1000001 >"$student/answers/$name"
    done
    rm -f "$student/members"
}

# Sets out a folder in GRADES for each student.
collect() {
    count=0
    for given in "$submissions"/*; do
        [ -d "$given" ] || case $given in
        *.tar | *.tar.gz | *.tgz | *.tar.xz | *.zip) ;;
        *) continue ;;
        esac
        count=$((count + 1))
        student=$grades/$(printf %03d $count)
        name=$(printf %s "${given##*/}" | tr -c '[:alnum:] ._@+-' '?')
        [ "$(cat "$student/name" 2>/dev/null)" = "$name" ] || rm -rf "$student"
        rm -rf "$student/answers"
        mkdir -p "$student/answers" || die "cannot write to $student"
        echo "$name" >"$student/name"
        if [ -d "$given" ]; then from_folder "$given"; else from_archive "$given"; fi
    done
    [ $count -gt 0 ] || die "there is no folder and no archive in $submissions"
    for old in "$grades"/[0-9][0-9][0-9]*; do
        [ "${old##*/}" -le $count ] 2>/dev/null || [ "$(printf %s "${old##*/}" | sed 's/^0*//')" -le $count ] || rm -rf "$old"
    done
}

# What is still to be graded, a line each: "GRADES NNN NN".
list() {
    for student in "$grades"/[0-9][0-9][0-9]*; do
        for name in $(exercises); do
            number=${name#ex} number=${number%%-*}
            [ "$(mark_of "$student/answers/$name" "$number")" = "$(cat "$student/$number/done" 2>/dev/null)" ] ||
                echo "${student##*/} $number"
        done
    done
}

# --- The class ----------------------------------------------------------------------------------------

[ $# = 2 ] && [ -n "$1" ] || die "usage: make gradebook SUBMISSIONS=DIR"
[ -d "$1" ] || die "$1 is not a folder"
command -v bats >/dev/null || die "needs bats and bubblewrap: sh tools/setup.sh grade" 77
submissions=$1 grades=$2
mkdir -p "$grades" && grades=$(cd "$grades" && pwd) || die "cannot write to $2"
[ -z "${SEED-}" ] || echo "$SEED" >"$grades/seed"
[ -s "$grades/seed" ] || od -An -N3 -tu4 /dev/urandom | tr -d ' ' >"$grades/seed"
BOX=$("$build/box" -q | sed 's/:.*//')
export BOX BUILD="$build" GRADES="$grades"
collect
list >"$grades/to-do"
missing=$(cut -d' ' -f2 "$grades/to-do" | sort -u | while read -r number; do
    [ -z "$(ls "$grades"/*/answers/ex"$number"-*.c 2>/dev/null)" ] || sh tools/needs.sh missing exercises/fresh/ex"$number"-*.c
done | xargs -n 1 | sort -u | xargs)
[ -z "$missing" ] || die "some answers need packages that are not on this machine: apt-get install $missing" 77
echo "$(grep -c . "$grades/to-do") answers to grade; protection: $("$build/box" -q)" | fold -s -w 80
status=0
"$build/gradebook" 'sh tools/grade/class.sh one "$GRADES"' "$grades/to-do" || status=$?
rm -f "$grades/to-do"
for student in "$grades"/[0-9][0-9][0-9]*; do
    for name in $(exercises); do
        number=${name#ex} number=${number%%-*}
        echo "@ ${student##*/} $number"
        sed 's/^/verdict /' "$student/$number/verdict" 2>/dev/null
        sed 's/^/test /' "$student/$number/tests.tsv" 2>/dev/null
        sed 's/^/note /' "$student/$number/notes" 2>/dev/null
        sed -n '1s/^/error /p' "$student/$number/errors" 2>/dev/null
    done
    echo "= $(cat "$student/name")"
done | awk -v grades="$grades" -f tools/grade/class.awk
echo "the page: $grades/index.html"
exit $status
