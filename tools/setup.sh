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
# itself where sudo is to be had.

set -eu

packages='make gcc libc6-dev'
grade='bats bubblewrap'
tests='bats-assert perl expect libcunit1-dev pkg-config libgmp-dev gnuplot-nox libxml2-utils pandoc doxygen
    doxygen-awesome-css'
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
sudo=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup.sh: only root can install packages, and there is no sudo. As root: apt-get install$missing" >&2
        exit 1
    fi
    sudo=sudo
fi
$sudo apt-get update -q
# shellcheck disable=SC2086 # a list
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
