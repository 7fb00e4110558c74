#!/bin/sh
# guide.sh - where you are, and what there is.
#
# usage: sh tools/guide.sh next | list | help | doctor     what make shows under these names
#        sh tools/guide.sh read chNN                       remembers that a chapter's program was made
#        sh tools/guide.sh unknown NAME                    what to say of something that make cannot make
#
# What a chapter needs stands in the box at its head in book.md. What was read and how the exercises stand is kept in
# .progress (grade.sh).

set -u
cd "$(dirname "$0")/.." || exit 2
kept=${PROGRESS:-.progress}

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
    state=$(sed -n "s/^ex$1 //p" "$kept" 2>/dev/null)
    [ -e "$(echo exercises/fresh/ex"$1"-*.c)" ] || state=-
    echo "${state:-open}"
}

is_read() {
    grep -qx "read ch$1" "$kept" 2>/dev/null
}

read_() {
    is_read "${1#ch}" || echo "read $1" >>"$kept"
}

# What there is to do, in order, a line each: "read 03" or "do 03".
to_do() {
    boxes | while IFS='	' read -r number slug minutes needs packages; do
        is_read "$number" || echo "read $number"
        case $(state_of "$number") in
        pass | -) ;;
        *) echo "do $number" ;;
        esac
    done
}

# step LABEL "read 03" | "do 03"
step() {
    number=${2#* }
    case $2 in
    '') ;;
    read*) printf '  %-7s  %-36s book.md, "Chapter %s"\n' "$1" "make ch$number && ./ch$number" "${number#0}" ;;
    do*)
        printf '  %-7s  edit %s\n' "$1" "$(echo exercises/fresh/ex"$number"-*.c | sed 's|fresh/||')"
        printf '  %-7s  %-36s stuck: make hint-%s\n' '' "make grade-$number" "$number"
        ;;
    esac
}

next() {
    printf '%-36s %s\n' 'Many Hands: process pools in C' "$(sh tools/grade.sh progress)"
    to_do >"${TMPDIR:-/tmp}/to-do.$$"
    first=$(sed -n 1p "${TMPDIR:-/tmp}/to-do.$$") second=$(sed -n 2p "${TMPDIR:-/tmp}/to-do.$$")
    rm -f "${TMPDIR:-/tmp}/to-do.$$"
    [ -n "$first" ] || printf '  %-7s  %s\n' next 'nothing: you have read all, and every exercise passes'
    step next "$first"
    step then "$second"
    printf '  %-7s  %s\n' more 'make list    make help    make doctor'
}

list() {
    printf '%-7s %-18s %3s  %-6s %-15s %s\n' chapter about min read exercise needs
    boxes | while IFS='	' read -r number slug minutes needs packages; do
        is_read "$number" && seen=read || seen=
        case $packages in - | none) packages=$needs ;; *) packages="$needs $packages" ;; esac
        printf '%-7s %-18s %3s  %-6s %-15.15s %.25s\n' "ch$number" "$slug" "$minutes" "$seen" "$(state_of "$number")" \
            "$packages"
    done
}

# What somebody may have meant.
unknown() {
    number=${1#ch} number=${number#ex} number=${number#0}
    padded=$(printf '%02d' "$number" 2>/dev/null) || padded=
    case $1 in
    ch[0-9] | ch[0-9][0-9] | ex[0-9] | ex[0-9][0-9])
        kind=${1%"${1#??}"}
        if [ -n "$(ls chapters/$kind"$padded"-*.c exercises/$kind"$padded"-*.c 2>/dev/null)" ]; then
            echo "It is written make $kind$padded." >&2
        elif [ "$kind" = ex ]; then
            echo "There is no exercise $number. There is: $(sh tools/grade.sh numbers)." | fold -s -w 80 >&2
        else
            echo "There is no chapter $number yet. make list shows those that there are." >&2
        fi
        ;;
    *) printf "There is no '%s' to make.\n%s\n" "$1" 'make list shows the chapters, make help the commands.' >&2 ;;
    esac
    exit 2
}

help() {
    cat <<'END'
  make                  what is next for you
  make list             the chapters: needs, what you read, how exercises stand
  make ch03 && ./ch03   build and run a chapter's program; the text: book.md
  make photos           photographs for chapter 17, in build/photos; N=6000
  ./lanes ./ch03        draws which worker ran what; ./lanes -h
  make ex01 && ./ex01   build and run your answer to an exercise
  make grade            grade all exercises; make grade-01: one, in detail
  make watch-01         grade it whenever the file has changed
  make hint-01          a hint; again: the next of three; make hints-01: again
  make reset-01         a fresh file; yours is kept in exercises/old
  make solution-01      the course's answer, once yours passes
  make doctor           what this machine has, and what is missing
  make test             all tests (make setup installs what they need)
  make unit             the library's tests; build/unit D05 imap: some of them
  make check-asan       the same, with the address sanitizer and UBSan
  make check-valgrind   the same under valgrind
  make check-tsan       the tests of threads with the thread sanitizer
  make check-arm64      the same built for ARM64, in qemu-user
  make check-clang      the library with the other compiler
  make coverage         which lines of the library its tests execute
  make torture          ten thousand workers killed at random
  make bench            the pool beside Python, GThreadPool, libuv and OpenMP
  make peers            what happens here and in Python's pools when a worker is
                        killed ...; writes README's table
  make verify           grades the grader
  make book-sync        bring listings and transcripts in book.md up to date;
                        make book-check: look only
  make figures          make the book's pictures anew; ONLY=ch09: some of them
  make book             the book as pages, build/book/index.html
  make reference        pool.h as pages, build/reference/index.html, and as man
                        pages: man -l build/man/pool_map.3
  make server           build/server, the slow page server of chapters 16 and 19
  make lib              build/libpool.a, for your own programs (see README.md)
  make install          the library for all programs, in /usr/local;
                        PREFIX=$HOME/.local: in your home; make uninstall
  make clean            remove all that was built
END
}

# have COMMAND WHAT PACKAGE
have() {
    if command -v "$1" >/dev/null; then
        printf '  yes   %s\n' "$2"
    else
        printf '  no    %s\n        package %s\n' "$2" "$3"
    fi
}

# have_header HEADER WHAT PACKAGE
have_header() {
    if echo "#include <$1>" | gcc -E - >/dev/null 2>&1; then
        printf '  yes   %s\n' "$2"
    else
        printf '  no    %s\n        package %s\n' "$2" "$3"
    fi
}

doctor() {
    echo "$(uname -s) $(uname -r), $(uname -m), $(nproc) cores, $(gcc -dumpfullversion 2>/dev/null | sed 's/^/gcc /')"
    have gcc 'compiler: chapters, exercises, library' gcc
    have_header stdio.h 'headers of the C library' libc6-dev
    have bats 'bats: grading and tests' bats
    have bwrap 'bubblewrap: the box that answers are run in' bubblewrap
    have_header CUnit/CUnit.h "CUnit: the library's tests" libcunit1-dev
    have prove 'prove, with bats-assert: make test' 'perl, bats-assert'
    have expect 'expect: tests on a terminal' expect
    have xmllint 'xmllint: pictures in make book-check' libxml2-utils
    have gnuplot 'gnuplot: plots of chapters 13 and 14' gnuplot-nox
    have pandoc 'pandoc: make book, make man' pandoc
    have doxygen 'Doxygen: make reference, make book' 'doxygen, doxygen-awesome-css'
    have_header curl/curl.h 'libcurl: pages in chapters 16 and 19' libcurl4-openssl-dev
    have_header jpeglib.h 'libjpeg-turbo: pictures in chapter 17' libjpeg-dev
    have_header hiredis/hiredis.h 'hiredis: Redis in chapter 19' libhiredis-dev
    have redis-server 'redis-server: chapter 19' redis-server
    have clang 'clang: make check-clang' clang
    have valgrind 'valgrind: make check-valgrind' valgrind
    have python3 'Python: a peer in make bench' python3
    have_header uv.h 'libuv: a peer in make bench' libuv1-dev
    have pkg-config 'pkg-config: tests; GLib in make bench' 'pkg-config, libglib2.0-dev'
    have qemu-aarch64 'qemu: make check-arm64' 'qemu-user, gcc-aarch64-linux-gnu'
    boxes | awk -F '\t' '$5 != "none" && $5 != "-" { printf "  chapter %s needs %s\n", $1, $5 }' | fold -s -w 80
    echo '  sh tools/setup.sh grade brings what the grader needs, tests what the tests'
    echo '  need, make setup all of it'
    [ ! -x build/box ] || echo "protection while grading: $(build/box -q)" | fold -s -w 80
}

PATH=$PATH:$(pwd)/build/tools/usr/bin
case $#:${1-} in
1:next | 1:list | 1:help | 1:doctor) "$1" ;;
2:read) read_ "$2" ;;
2:unknown) unknown "$2" ;;
*)
    echo 'guide.sh: say next, list, help or doctor' >&2
    exit 2
    ;;
esac
