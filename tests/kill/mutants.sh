#!/bin/sh
# mutants.sh - makes small mistakes in copies of the library, one at a time, and looks whether a test notices each.
#
# usage: sh tests/kill/mutants.sh BUILD [NAME...]     names as in tests/kill/mutants: 07 12
#
# For each one it says what noticed it: at first it tries what is known to, then the library's tests, all of them, then
# short forms of the programs beside this one. Exit status 0; 1 if nothing did, or if something notices what cannot be
# noticed; 2 if a mistake cannot be made, because the code has changed.

set -u
cd "$(dirname "$0")/../.." || exit 2
list=$PWD/tests/kill/mutants
all='unit;steps 149;held 149;killed 1;calls 41;torture 500'
mkdir -p "$1/mutants" && tree=$(cd "$1/mutants" && pwd) || exit 2
shift
cp -Rp Makefile pool tests tools "$tree" && cd "$tree" || exit 2
mkdir -p chapters
programs='build/unit build/steps build/held build/killed build/calls build/torture build/wake'

# entry NAME WHAT: the lines of an entry that begin so, without it.
entry() {
    awk -v name="$1" -v what="$2" '
        /^= / { on = $2 == name }
        on && index($0, what " ") == 1 { print substr($0, length(what) + 2) }' "$list"
}

# mutate NAME: changes the copy. Each piece must stand in its file once.
mutate() {
    awk -v name="$1" '
        function change(    text, line, at) {
            if (!file) return
            while ((getline line <("pool/" file)) > 0) text = text line "\n"
            close("pool/" file)
            at = index(text, old)
            if (!at || index(substr(text, at + 1), old)) { print name ": not there, or twice, in " file ":\n" old; failed = 1; exit }
            printf "%s%s%s", substr(text, 1, at - 1), new, substr(text, at + length(old)) >("pool/" file)
            close("pool/" file)
            file = old = new = ""
        }
        function piece(text) { return text "\n" }
        /^= / { if (on) change(); on = $2 == name; file = "" }
        on && /^@ / { change(); file = $2; next }
        on && file && /^[- ]/ { old = old piece(substr($0, 2)) }
        on && file && /^[+ ]/ { new = new piece(substr($0, 2)) }
        END { if (on && !failed) change(); exit failed }' "$list"
}

# notices COMMAND...: whether this test fails.
notices() {
    if [ "$1" = wake ]; then
        ! timeout 600 build/wake "$2"
    elif [ "$1" = unit ]; then
        shift
        ! timeout 1200 build/unit "$@"
    else
        program=$1
        shift
        timeout 1200 "build/$program" "$@"
        status=$?
        [ $status != 0 ] && [ $status != 77 ]
    fi >"log.$name" 2>&1
}

# try COMMANDS: tells which of them, with semicolons between them, notices; 1 if none does.
try() {
    rest=$1
    while [ "$rest" ]; do
        # shellcheck disable=SC2086 # words
        notices ${rest%%;*} && echo "${rest%%;*}" && return
        case $rest in *\;*) rest=${rest#*;} ;; *) rest= ;; esac
    done
    return 1
}

bad=0
for name in ${*:-$(sed -n 's/^= \([^ ]*\).*/\1/p' "$list")}; do
    what=$(sed -n "s/^= $name //p" "$list")
    unseen=$(entry "$name" unseen)
    first=$(entry "$name" by | paste -sd ';' -)
    for file in "$OLDPWD"/pool/*; do # as new as now, where it differs: what was made of the mistake before is made again
        cmp -s "$file" "pool/${file##*/}" || cp "$file" pool
    done
    if ! mutate "$name" || ! make -s $programs >log.make 2>&1; then
        cat log.make
        printf '%-70s %s\n' "$name $what" "CANNOT BE MADE" && bad=2
    elif by=$(try "${first:+$first;}$all"); then
        printf '%-70s %s\n' "$name $what" "$by"
        [ -z "$unseen" ] || bad=1
    else
        printf '%-70s %s\n' "$name $what" "$([ "$unseen" ] && echo "nothing can: $unseen" || echo NOTHING)"
        [ "$unseen" ] || bad=1
    fi
done
exit $bad
