#!/bin/sh
# verify.sh: the grader graded.
#
#     sh tools/grade/verify.sh [NN]
#
# For each exercise: the stub fails with its TODO; the solution is the stub outside the hole, and passes built by gcc, by clang
# and with sanitizers; each wrong answer of tests/answers/exNN.c fails, and the test that it names is the first to do so; each
# other right one passes. Prints a table of what was killed by what, and ends with 1 if anything is not so.
#
# tests/answers/exNN.c: texts for the hole, each below a line /* wrong, TEST: what is wrong */ or /* right: how */.
# It also makes an answer's file: verify.sh make NN NUMBER >FILE; NUMBER counts them from 1.

cd "$(dirname "$0")/../.." || exit 2
build=${BUILD:-build}

# titles NN: "wrong, four-at-once: a serial loop", a line each.
titles() {
    sed -n 's|^/\* \(wrong, [^:]*: .*\) \*/$|\1|p; s|^/\* \(right: .*\) \*/$|\1|p' "tests/answers/ex$1.c"
}

# make_answer NN NUMBER: the exercise with this text in its hole.
make_answer() {
    awk -v number="$2" '
    FNR == 1 { files++ }
    files == 1 && /^\/\* (wrong, [^:]*|right): .*\*\/$/ { count++; next }
    files == 1 { if (count == number) hole = hole $0 "\n"; next }
    /---- and ends here ----/ { printf "%s", hole; inside = 0 }
    !inside { print }
    /---- your code begins here ----/ { inside = 1 }
    END { if (hole == "") exit 1 }' "tests/answers/ex$1.c" exercises/fresh/ex"$1"-*.c
}

if [ "${1-}" = make ]; then
    make_answer "$2" "$3"
    exit
fi

mkdir -p "$build" && work=$(mktemp -d "$build/verify.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
BOX=$("$build/box" -q | sed 's/:.*//')
export BOX
bad=0

# line STATE WHAT NOTE: a line of the table. STATE is ok or WRONG.
line() {
    [ "$1" = ok ] || bad=$((bad + 1))
    printf '  %-6s %-40.40s %s\n' "$1" "$2" "$3"
}

# graded NN FILE: sets `verdict` and `killer`, the first test that failed.
graded() {
    sh tools/grade/one.sh "$1" "$2" "$work/one"
    verdict=$(cat "$work/one/verdict" 2>/dev/null) || verdict='grader failed'
    killer=$(awk -F '\t' '$2 != "pass" && $2 != "later" { print $1; exit }' "$work/one/tests.tsv")
}

check_stub() {
    graded "$1" exercises/fresh/ex"$1"-*.c
    if [ "$verdict" = fail ] && grep -q 'look for TODO' "$work/one/report"; then
        line ok "the stub fails, and says so" "$killer"
    else
        line WRONG "the stub" "$verdict"
    fi
    awk -v name=x -v notes="$work/notes" -f tools/grade/hole.awk exercises/fresh/ex"$1"-*.c solutions/ex"$1"-*.c >/dev/null
    if [ -s "$work/notes" ]; then line WRONG "the solution outside the hole" "$(cat "$work/notes")"; fi
    : >"$work/notes"
    [ "$(grep -c '^## ' "exercises/hints/$1.md")" = 3 ] || line WRONG "hints in three tiers" ""
}

check_solution() {
    for compiler in gcc clang; do
        command -v $compiler >/dev/null || continue
        CC=$compiler graded "$1" solutions/ex"$1"-*.c
        warned=$(grep -c warning "$work/one/warnings")
        if [ "$verdict$warned" = pass0 ]; then line ok "the solution, $compiler and sanitizers" "passes"; else
            line WRONG "the solution, $compiler" "$verdict $killer"
            cat "$work/one/report"
        fi
    done
}

check_answers() {
    count=0 wrong=0 right=0
    titles "$1" >"$work/titles"
    while IFS= read -r title <&3; do
        count=$((count + 1))
        make_answer "$1" $count >"$work/answer.c"
        graded "$1" "$work/answer.c"
        what=${title#*: } named=${title#wrong, }
        named=${named%%:*}
        case $title:$verdict:$killer in
        right:*:pass:) right=$((right + 1)) && line ok "right: $what" "passes" ;;
        wrong*:"$named") wrong=$((wrong + 1)) && line ok "$what" "$killer ($verdict)" ;;
        *) line WRONG "$what" "$verdict ${killer:-no test}, not ${named#right: *}" && sed 's/^/         /' "$work/one/report" ;;
        esac
    done 3<"$work/titles"
    [ $wrong -ge 6 ] || line WRONG "six wrong answers and more" "$wrong"
    [ $right -ge 3 ] || line WRONG "three other right answers and more" "$right"
}

for fresh in exercises/fresh/ex*.c; do
    number=${fresh#exercises/fresh/ex}
    number=${number%%-*}
    case ${1-$number} in "$number" | "${number#0}") ;; *) continue ;; esac
    echo "exercise $number"
    missing=$(sh tools/needs.sh missing "$fresh") || { line WRONG "the exercise" "needs $missing" && continue; }
    check_stub "$number"
    check_solution "$number"
    check_answers "$number"
done
if [ $bad -gt 0 ]; then echo "$bad are not as they should be"; else echo "all as it should be"; fi
[ $bad = 0 ]
