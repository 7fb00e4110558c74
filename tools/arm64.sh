#!/bin/sh
# arm64.sh - builds the library and its tests for ARM64 and runs them, on any machine.
#
# usage: sh tools/arm64.sh BUILD [WORD...]      with words: only these tests, as for build/unit
#
# On ARM64 they simply run. Elsewhere a cross compiler builds them and qemu-user runs them; CUnit for ARM64 is fetched
# into BUILD/arm64, and nothing is installed. This shows that the library compiles there and that its instructions and
# system calls do what they should. It does not show that its memory orders suffice: on x86-64 qemu's memory is as
# strict as the machine's. For that they are argued, each where it stands, and a real machine is needed.
#
# The exit status is 77 if something that is needed is missing.

set -eu
cd "$(dirname "$0")/.."
build=$1/arm64
shift
mkdir -p "$build"

if [ "$(uname -m)" = aarch64 ]; then
    make BUILD="$build" "$build/unit"
    exec "$build/unit" "$@"
fi

# What cannot be seen with qemu-user: a suite, or words in a test's name, and why.
cannot_run() {
    cat <<'END'
spawn : it cannot execute a program by its descriptor (ENOEXEC)
S07 all signals handled : its clone() is a fork(), whose end sends SIGCHLD whatever was asked for
host : its own threads, descriptors and mappings are in what these tests count
faults : its own calls fail, too
SIGINT to the : it refuses PR_SET_CHILD_SUBREAPER, so nobody sees what a program leaves
SIGTERM to the caller : the same
S04 : the same
S08 H11 : the same
P31 : the same
G04 the de : the same
G02 : the same, in the nursery
with a child of its own : the same, in the nursery
nested : the same, in the nursery
telling of it : it refuses PR_SET_SECCOMP
M05 : it refuses MADV_WIPEONFORK, so a child does not know that the pool is not its own
polling where there is no pool : the same
Q25 : the same, of a worker
M06 : a child of a program with threads cannot start threads
whatever it died of : it prints something when a program crashes
D04 : the same
64 workers : too slow for its deadline
maxtasks is exact : the same
every task gets a new worker : the same
last worker is gone : the same
END
}

missing() {
    echo "make check-arm64: $1. To install what it needs: make setup" >&2
    exit 77
}

fetch_cunit() {
    state="-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::status=/dev/null
        -o Dir::State::Lists=$build/apt -o Dir::Cache=$build/apt -o Debug::NoLocking=1 -o APT::Sandbox::User="
    command -v apt-get >/dev/null || missing "there is no apt-get to fetch CUnit for ARM64 with"
    mkdir -p "$build/apt/partial" "$build/apt/archives/partial"
    # shellcheck disable=SC2086 # a list
    { apt-get $state -qq update && (cd "$build" && apt-get $state -qq download libcunit1-dev:arm64); } ||
        missing "CUnit for ARM64, libcunit1-dev:arm64, could not be fetched"
    dpkg -x "$build"/libcunit1-dev_*_arm64.deb "$build/cunit"
    rm -r "$build/apt" "$build/cunit"/usr/lib/*/libcunit.so # the static one is enough
}

command -v aarch64-linux-gnu-gcc >/dev/null || missing "there is no aarch64-linux-gnu-gcc"
command -v qemu-aarch64 >/dev/null || missing "there is no qemu-aarch64"
build=$(cd "$build" && pwd)
[ -d "$build/cunit" ] || fetch_cunit
make CROSS=aarch64-linux-gnu- BUILD="$build" "$build/unit" \
    EXTRA="-idirafter $build/cunit/usr/include -L$build/cunit/usr/lib/aarch64-linux-gnu"

words=$(cannot_run | sed 's/ *:.*//')
echo 'not run, for lack of something in qemu-user:'
cannot_run | sed 's/^/  /'
IFS='
'
set -f
# shellcheck disable=SC2046 # one word a line
set -- "$@" $(echo "$words" | sed 's/^/^/')
QEMU_LD_PREFIX=/usr/aarch64-linux-gnu UNIT_SLOW=1 exec qemu-aarch64 "$build/unit" "$@"
