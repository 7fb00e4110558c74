#!/bin/sh
# one.sh: grades one answer.
#
#     sh tools/grade/one.sh NN FILE DIR
#
# SEED decides the questions (else drawn), EVERY=1 runs all tests instead of stopping at the first that fails, DEADLINE
# is for each run (10), BOX is what `box -q` begins with (else it is tried). REPEAT is the command to show for repeating it.
#
# Leaves in DIR:
#     verdict     one line: pass, fail, does not compile, timeout, crash (SIGSEGV), overflow, leftovers, not handed in,
#                 not graded
#     report      all of it for people, 80 columns wide
#     tests.tsv   a line for each test: name, result, points, title, ran, expected, got, likely
#     notes       edits outside the hole;  warnings, errors: the compiler's;  seed
#
# Exit status: 0 pass; 1 anything else; 2 misuse; 77 a package is missing here, so nobody is judged; 125 the grader failed.

cd "$(dirname "$0")/../.." || exit 2
number=$1 file=$2 dir=$3
build=${BUILD:-build}
fresh=$(echo exercises/fresh/ex"$number"-*.c)
[ $# = 3 ] && [ -e "$fresh" ] && mkdir -p "$dir" || {
    echo "usage: sh tools/grade/one.sh NN FILE DIR" >&2
    exit 2
}
dir=$(cd "$dir" && pwd)
slug=${fresh##*/ex"$number"-}
slug=${slug%.c}
seed=${SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
repeat=${REPEAT:-make grade-$number SEED=$seed}
rm -f "$dir/answer" "$dir/answer-sanitize" "$dir/errors" "$dir/warnings" "$dir/notes" "$dir/tests.tsv"
: >"$dir/notes"
echo "$seed" >"$dir/seed"

# tell VERDICT [FILE]: writes verdict and report, whose middle is in FILE, and ends.
tell() {
    echo "$1" >"$dir/verdict"
    {
        echo "exercise $number, $slug: $1"
        [ -z "${2-}" ] || cat "$2"
        [ ! -s "$dir/notes" ] || sed 's/^/note: /' "$dir/notes" | fold -s -w 80
        [ ! -s "$dir/warnings" ] || { echo "the compiler warns:"; sed 's/^/  /' "$dir/warnings" | cut -c1-80; }
    } >"$dir/report"
    case $1 in
    pass) exit 0 ;;
    'not graded') exit 77 ;;
    *) exit 1 ;;
    esac
}

# No test was run: a line for each says so.
none_run() {
    sed -n 's/^# bats test_tags=.*points:\([0-9]*\).*/p \1/p; s/^@test "\(.*\)" {/t \1/p' "tests/ex$number.bats" |
        awk -v OFS='\t' '/^p/ { points = $2; next }
            { title = substr($0, 3); name = title; sub(/:.*/, "", name)
              print name, "later", points == "" ? 1 : points, title, "", "", "", ""; points = "" }' >"$dir/tests.tsv"
}

if [ ! -e "$file" ] && [ ! -h "$file" ]; then
    none_run
    tell "not handed in"
fi

missing=$(sh tools/needs.sh missing "$fresh") || {
    none_run
    printf '  needs:   %s\n  to have: apt-get install %s\n' "$missing" "$missing" >"$dir/middle"
    tell "not graded" "$dir/middle"
}

BOX=${BOX:-$("$build/box" -q | sed 's/:.*//')}
export BOX
sh tools/grade/compile.sh "$number" "$file" "$dir"
case $? in
0) ;;
1)
    none_run
    { fold -s -w 78 "$dir/errors" | sed 's/^/  /'; echo "  repeat:  $repeat"; } >"$dir/middle"
    tell "does not compile" "$dir/middle"
    ;;
*) exit 125 ;;
esac

# What bats keeps for itself must not reach the bats that is started here, if this runs in a test.
for name in $(env | sed -n 's/^\(BATS_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
PATH=$(printf %s "$PATH" | sed 's|[^:]*/lib[^:]*/bats-core:||g')
GRADING=$dir SEED=$seed bats --tap "tests/ex$number.bats" </dev/null >"$dir/tap" 2>&1
awk -v tsv="$dir/tests.tsv" -v repeat="$repeat" -f tools/grade/report.awk "tests/ex$number.bats" "$dir/tap" >"$dir/middle"
verdict=$(awk -F '\t' '$2 != "pass" && $2 != "later" { print $2; exit }' "$dir/tests.tsv")
if [ "$verdict" = "grader failed" ] || ! grep -q . "$dir/tests.tsv"; then
    cat "$dir/tap" >&2
    exit 125
fi
tell "${verdict:-pass}" "$dir/middle"
