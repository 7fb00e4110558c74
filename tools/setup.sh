#!/bin/sh
# setup.sh - installs what the kit needs, on Debian and its relatives.
#
# usage: sh tools/setup.sh            a compiler and make: enough for the chapters and the exercises' programs
#        sh tools/setup.sh grade      and what the grader needs
#        sh tools/setup.sh tests      and what the tests need: packages of single chapters, and what renders the book
#        sh tools/setup.sh all        and the peers of the bench, valgrind, clang, musl, a compiler for ARM64 and qemu
#        sh tools/setup.sh tests -n   installs nothing; says what is missing, and ends with 77 if anything is
#
# Packages that are there already are left alone; if all are, nothing is asked of the network. It becomes root by
# itself where sudo is to be had. Where it is not, it puts what the grader needs below build/tools, for the grader alone:
# that takes no root; a compiler and make must be there.

set -eu

packages='make gcc libc6-dev'
grade='bats bubblewrap'
tests='bats-assert perl expect libcunit1-dev pkg-config libgmp-dev gnuplot-nox libcurl4-openssl-dev libjpeg-dev
    libhiredis-dev redis-server libxml2-utils pandoc doxygen doxygen-awesome-css'
all='musl-tools python3 libglib2.0-dev libuv1-dev libtbb-dev valgrind clang libclang-rt-14-dev g++ qemu-user'
[ "$(uname -m)" = aarch64 ] || all="$all gcc-aarch64-linux-gnu libc6-dev-arm64-cross"

case ${1-} in
'') ;;
grade) packages="$packages $grade" ;;
tests) packages="$packages $grade $tests" ;;
all) packages="$packages $grade $tests $all" ;;
*)
    echo "setup.sh: '$1' is not known; say nothing, 'grade', 'tests' or 'all'" >&2
    exit 2
    ;;
esac

missing=
[ "${2-}" != -n ] || command -v dpkg-query >/dev/null || exit 0 # not Debian: then the compiler will say it
for package in $packages; do
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) || state=
    [ "$state" = 'install ok installed' ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "${2-}" = -n ]; then
    echo "These packages are missing:$missing. To install them: sh tools/setup.sh $1" >&2
    exit 77
fi

if ! command -v apt-get >/dev/null; then
    echo "setup.sh: there is no apt-get here; install with your own system's tool:$missing" >&2
    exit 1
fi

# Unpacks packages below build/tools. The lists of what there is are our own, too: only root may write the system's.
unpack() {
    tools=$(pwd)/build/tools
    mkdir -p "$tools/lists/partial" "$tools/packages/partial"
    set -- "$@" -o "Dir::State::Lists=$tools/lists" -o "Dir::Cache=$tools" -o Debug::NoLocking=1
    apt-get update -q -o "Dir::State::Lists=$tools/lists" -o "Dir::Cache=$tools" -o Debug::NoLocking=1
    (cd "$tools/packages" && apt-get download -q "$@")
    for package in "$tools"/packages/*.deb; do dpkg -x "$package" "$tools"; done
    rm -rf "$tools/lists" "$tools/packages"
    echo "setup.sh: without root, so they are in build/tools, where the grader finds them"
}

sudo=
if [ "$(id -u)" -ne 0 ]; then
    sudo=sudo
    if ! command -v sudo >/dev/null; then
        PATH=$PATH:build/tools/usr/bin
        rest=$(echo "$missing" | sed 's/ bats//; s/ bubblewrap//')
        if [ "${1-}" = grade ] && [ -z "$rest" ]; then
            command -v bats >/dev/null && command -v bwrap >/dev/null || unpack $missing libcap2
            exit
        fi
        echo "setup.sh: only root can install packages, and there is no sudo. As root: apt-get install$missing" >&2
        exit 1
    fi
fi
$sudo apt-get update -q
# shellcheck disable=SC2086 # a list
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
