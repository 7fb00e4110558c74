#!/bin/sh
# compile.sh: makes a program of an answer, in the box.
#
#     sh tools/grade/compile.sh NN FILE DIR [sanitize]
#
# Leaves in DIR: answer (with `sanitize`: answer-sanitize), source.c (the course's text around the student's hole), errors
# (the first error alone, in the student's lines), warnings, notes (edits outside the hole).
#
# Exit status: 0 there is a program; 1 there is none, and errors says why; 2 misuse; 125 the box failed.
#
# The compiler runs in the box, too: an #include of a solution finds nothing there, one of a pipe ends with the
# deadline, and a table without end is no harm. Warnings are shown, but do not stop anybody who is learning.

number=$1 file=$2 dir=$3 how=${4-}
build=${BUILD:-build}
fresh=$(echo exercises/fresh/ex"$number"-*.c)
[ $# -ge 3 ] && [ -e "$fresh" ] && mkdir -p "$dir/compile" || exit 2
name=exercises/${fresh##*/}
program=answer library=$build/libpool.a
set -- -std=gnu11 -O1 -g -Wall -Wextra
if [ "$how" = sanitize ]; then
    program=answer-sanitize library=$build/sanitize/libpool.a
    set -- "$@" -fsanitize=address,undefined -fno-sanitize-recover=undefined
fi

# fail WORDS: there is no program.
fail() {
    echo "$1" >"$dir/errors"
    exit 1
}

# The hole, within the course's text.
splice() {
    if [ -h "$file" ] || [ ! -f "$file" ] || [ ! -r "$file" ]; then
        fail "$name is not a plain file that can be read"
    fi
    [ "$(head -c 1000001 "$file" | wc -c)" -le 1000000 ] || fail "$name is larger than 1 MB"
    : >"$dir/notes"
    tr -d '\000' <"$file" >"$dir/given.c"
    awk -v name="$name" -v notes="$dir/notes" -f tools/grade/hole.awk "$fresh" "$dir/given.c" >"$dir/source.c" ||
        fail "$(cat "$dir/notes"); make reset-$number gives a fresh file"
}

# The first error, without what is said around it.
first_error() {
    awk '
    /^[^ :]+:[0-9]+(:[0-9]+)?: (fatal )?error: / { if (seen++) exit; print; more = 1; next }
    /undefined reference|multiple definition/    { if (seen++) exit; sub(/^\/usr\/bin\/[^ ]*ld: /, ""); sub(/^\/[^ ]*\.o: /, "")
                                                   print; exit }
    more && /^ / { print; next }
    { if (seen) exit }' "$dir/compile/err"
}

# Warnings about the student's lines, with the line itself.
warnings() {
    grep -A 2 -E "^$name:[0-9]+:[0-9]+: warning: " "$dir/compile/err" | grep -v '^--$'
}

case $(${CC:-gcc} --version 2>/dev/null) in
*clang*) set -- "$@" -ferror-limit=1 -fno-caret-diagnostics ;;
*) set -- "$@" -fmax-errors=1 -fno-diagnostics-show-option ;;
esac
[ "$how" = sanitize ] || splice
for header in pool/pool.h exercises/*.h chapters/meet.h; do
    headers="${headers-} -f $header=include/${header##*/}"
done
libraries=$(sh tools/needs.sh libraries "$fresh")
# shellcheck disable=SC2086 # lists, of the course's own names
"$build/box" -t 10 -m 1024 -d 32 -o 32768 $headers -f "$dir/source.c=$name" -f "$library=libpool.a" "$dir/compile" \
    sh -c '"$@" -o "$HOME/answer" && exec cat "$HOME/answer"' sh \
    "${CC:-gcc}" "$@" -Iinclude "$name" libpool.a $libraries 2>"$dir/box" || { cat "$dir/box" >&2; exit 125; }
how=$(sed -n 's/^ended //p' "$dir/compile/seen")
case $how in
'exit 0')
    mv "$dir/compile/out" "$dir/$program" && chmod 755 "$dir/$program" || exit 125
    [ "$program" != answer ] || warnings >"$dir/warnings" || true
    : >"$dir/errors"
    ;;
timeout) fail "the compiler did not end within 10 s" ;;
memory) fail "the compiler took more than 1 GiB" ;;
overflow) fail "the program would be larger than 32 MiB" ;;
*)
    first_error >"$dir/errors"
    [ -s "$dir/errors" ] || sed -n '1,2p' "$dir/compile/err" >"$dir/errors"
    exit 1
    ;;
esac
