#!/bin/sh
# handout.sh: makes the archive that students get.
#
#     make handout                    build/many-hands.tar.gz
#
# It works by itself: chapters, exercises, grader, book. It has fresh exercises, and not: solutions, the answers and tests that
# grade the grader, the book's part for teachers, the history.

set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
name=many-hands
out=$build/$name
rm -rf "$out" "$out.tar.gz"
mkdir -p "$out/tests"
for one in .devcontainer LICENSE Makefile README.md chapters compile_flags.txt examples exercises pool tools .gitignore; do
    [ ! -e "$one" ] || cp -R "$one" "$out/"
done
rm -rf "$out/exercises/old"
for each in exercises/ex[0-9][0-9]*; do rm -f "$out/$each"; done
cp exercises/fresh/* "$out/exercises/"
cp tests/ex[0-9][0-9].bats tests/exercise.bash tests/kit.bash tests/check.mk "$out/tests/"
awk '/^## / { skip = $0 == "## For teachers" } !skip' book.md >"$out/book.md"
tar -C "$build" -czf "$out.tar.gz" "$name"
rm -rf "$out"
echo "$out.tar.gz: $(wc -c <"$out.tar.gz") bytes"
