#!/bin/sh
# guide.sh - where you are, and what there is.
#
# usage: sh tools/guide.sh next | list | help | doctor
#
# What a chapter needs stands in the box at its head in book.md, how the exercises stand in .progress (grade.sh).

set -u
cd "$(dirname "$0")/.." || exit 2

# The chapters' boxes as lines: number, slug, minutes, needs, packages; tab-separated.
boxes() {
    awk -v OFS='\t' '
    /^## Chapter [0-9]+: / { number = $3; sub(/:/, "", number); slug = $4 }
    /^> \*\*[0-9]+ minutes\*\*/ && slug {
        gsub(/[>*]/, "")
        n = split($0, part, /\. */)
        needs = packages = "-"
        for (i = 1; i <= n; i++) {
            if (sub(/^ *Needs:? */, "", part[i])) needs = part[i]
            if (sub(/^ *Packages:? */, "", part[i])) packages = part[i]
        }
        print sprintf("%02d", number), slug, $1, needs, packages
        slug = ""
    }' book.md
}

state_of() {
    state=$(sed -n "s/^ex$1 //p" .progress 2>/dev/null)
    [ -e "$(echo exercises/ex"$1"-*.c)" ] || state=-
    echo "${state:-open}"
}

next() {
    for file in exercises/ex[0-9][0-9]-*.c; do
        number=${file#exercises/ex}
        number=${number%%-*}
        [ "$(state_of "$number")" = pass ] || break
        number=
    done
    printf '%-46s %s\n' 'Many Hands: process pools in C' "$(sh tools/grade.sh progress)"
    if [ -n "$number" ]; then
        printf '  next     %-36s book.md, "Chapter %s"\n' "make ch$number && ./ch$number" "${number#0}"
        printf '  then     %-36s make grade-%s    stuck: make hint-%s\n' "edit $file" "$number" "$number"
    else
        printf '  next     %-36s every exercise passes; all chapters: make list\n' 'the chapter you like'
    fi
    echo '  more     make list    make help    make doctor'
}

list() {
    printf '%-8s %-18s %7s   %-22s %-12s %s\n' chapter about minutes needs packages exercise
    boxes | while IFS='	' read -r number slug minutes needs packages; do
        printf '%-8s %-18s %7s   %-22s %-12s %s\n' "ch$number" "$slug" "$minutes" "$needs" "$packages" \
            "$(state_of "$number")"
    done
}

help() {
    cat <<'END'
  make                  what is next for you
  make list             the chapters: what each needs, and how its exercise stands
  make ch03 && ./ch03   build and run a chapter's program; its text is in book.md
  ./lanes ./ch03        draws which worker ran what; ./lanes -h
  make ex01 && ./ex01   build and run your answer to an exercise
  make grade            grade all exercises; make grade-01: one of them, in detail
  make hint-01          a hint; again: the next of three; make hints-01: those again
  make verify           grades the grader: wrong and other right answers; ONLY=01: one exercise's
  make doctor           what this machine has, and what is missing
  make test             all tests (make setup installs what they need)
  make unit             the library's tests; build/unit D05 imap: some of them
  make check-asan       the same with the address and undefined-behaviour sanitizers
  make check-valgrind   the same under valgrind
  make check-tsan       the tests of threads with the thread sanitizer
  make check-arm64      the same built for ARM64, in qemu-user
  make check-clang      the library with the other compiler
  make coverage         which lines of the library its tests execute
  make torture          ten thousand workers killed at random
  make bench            the pool beside Python, GThreadPool, libuv and OpenMP
  make peers            what happens here and in Python's pools when a worker is killed ...; writes README's table
  make book-sync        bring the listings and transcripts in book.md up to date; make book-check: look only
  make figures          make the book's pictures anew, from real runs; ONLY=ch09: some of them
  make book             the book as pages, build/book/index.html
  make reference        pool.h as pages, build/reference/index.html, and as man pages: man -l build/man/pool_map.3
  make lib              build/libpool.a, for your own programs (see README.md)
  make install          the library for all programs, in /usr/local; PREFIX=$HOME/.local: in your home;
                        make uninstall takes it away
  make clean            remove all that was built
END
}

# have COMMAND WHAT PACKAGE
have() {
    if command -v "$1" >/dev/null; then
        printf '  yes   %s\n' "$2"
    else
        printf '  no    %-44s package %s\n' "$2" "$3"
    fi
}

# have_header HEADER WHAT PACKAGE
have_header() {
    if echo "#include <$1>" | gcc -E - >/dev/null 2>&1; then
        printf '  yes   %s\n' "$2"
    else
        printf '  no    %-44s package %s\n' "$2" "$3"
    fi
}

doctor() {
    echo "$(uname -s) $(uname -r), $(uname -m), $(nproc) cores, $(gcc -dumpfullversion 2>/dev/null | sed 's/^/gcc /')"
    have gcc 'compiler: chapters, exercises, library' gcc
    have_header stdio.h 'headers of the C library' libc6-dev
    have bats 'bats: grading and tests' bats
    have bwrap 'bubblewrap: the box that answers are graded in' bubblewrap
    have_header CUnit/CUnit.h "CUnit: the library's tests" libcunit1-dev
    have prove 'prove, with bats-assert: make test' 'perl, bats-assert'
    have expect 'expect: tests on a terminal' expect
    have xmllint 'xmllint: pictures in make book-check' libxml2-utils
    have gnuplot 'gnuplot: plots of chapters 13 and 14' gnuplot-nox
    have pandoc 'pandoc: make book, make man' pandoc
    have doxygen 'Doxygen: make reference, make book' 'doxygen, doxygen-awesome-css'
    have clang 'clang: make check-clang' clang
    have valgrind 'valgrind: make check-valgrind' valgrind
    have python3 'Python: a peer in make bench' python3
    have_header uv.h 'libuv: a peer in make bench' libuv1-dev
    have pkg-config 'pkg-config: tests; GLib in make bench' 'pkg-config, libglib2.0-dev'
    have qemu-aarch64 'qemu: make check-arm64' 'qemu-user, gcc-aarch64-linux-gnu'
    boxes | awk -F '\t' '$5 != "none" && $5 != "-" { printf "  chapter %s needs the packages %s\n", $1, $5 }'
    echo '  sh tools/setup.sh grade brings what the grader needs, tests what the tests need, make setup all of it'
    [ ! -x build/box ] || echo "protection while grading: $(build/box -q)" | fold -s -w 80
}

case ${1-} in
next | list | help | doctor) "$1" ;;
*)
    echo 'guide.sh: say next, list, help or doctor' >&2
    exit 2
    ;;
esac
