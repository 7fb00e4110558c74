# make install: what lies where, and programs built against it with pkg-config alone. Everything here goes into a
# DESTDIR of its own; nothing on this machine changes.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    export TO=$BATS_FILE_TMPDIR/to PREFIX=$BATS_FILE_TMPDIR/nowhere
    touch "$BATS_FILE_TMPDIR/before"
    kit_build install DESTDIR="$TO" PREFIX="$PREFIX"
}

setup() {
    export LIB=$TO$PREFIX/lib
    export PKG_CONFIG_PATH=$LIB/pkgconfig PKG_CONFIG_SYSROOT_DIR=$TO LD_LIBRARY_PATH=$LIB
    version=$(sed -n 's/^VERSION *= *//p' "$KIT/Makefile")
    soname=libmanyhands.so.${version%%.*}
    cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
    [ -z "${home-}" ] || rm -r "$home"
}

# All files and links below a folder, one a line.
files_in() {
    (cd "$1" && find . ! -type d -printf '%P %l\n' | sed 's/ $//' | LC_ALL=C sort)
}

# build PROGRAM SOURCE FLAG...: with what pkg-config says, and nothing else of ours.
build() {
    local flags
    flags=$(pkg-config --cflags --libs manyhands)
    # shellcheck disable=SC2086 # a list
    ${COMPILER:-gcc} -Wall -Wextra -Wpedantic -Werror -o "$1" "${@:2}" $flags
}

# build_squares FLAG...
build_squares() {
    build squares "$KIT/examples/squares.c" "$@"
    run -0 "$KIT/build/run" -l ./squares
    assert_output "[1, 4, 9]"
}

# The functions pool.h declares.
declared() {
    gcc -E -P "$KIT/pool/pool.h" | grep -v typedef | grep -oE '\bpool_[a-z_]+ *\(' | tr -d ' (' | LC_ALL=C sort
}

# The man pages: one for each function, struct with members, type and constant; and one about all.
pages() {
    {
        declared
        sed -nE 's/^#define (POOL_[A-Z_]+) .*/\1/p; s/^(struct|enum) (pool_[a-z_]+) [{].*/\2/p' "$KIT/pool/pool.h"
        sed -nE 's/^typedef .*[ *](pool_[a-z_]+)\(.*/\1/p; 1s/.*/pool.h/p' "$KIT/pool/pool.h"
    } | LC_ALL=C sort -u | sed 's|.*|share/man/man3/&.3|'
}

# shows NAMES: all of these lines begin with pool_, and all that pool.h declares are there.
shows() {
    run -1 grep -v '^pool_' <<<"$1"
    run -0 comm -23 <(declared) <(LC_ALL=C sort <<<"$1")
    refute_output
    calls=$(declared | wc -l)
    kit_that 'calls > 40'
}

@test "install: both libraries, links, header, pkg-config file, lanes and its man page, and nothing else" {
    assert_equal "$(files_in "$TO$PREFIX")" "$(printf '%s\n' bin/lanes include/manyhands/pool.h lib/libmanyhands.a \
        "lib/libmanyhands.so $soname" "lib/$soname libmanyhands.so.$version" "lib/libmanyhands.so.$version" \
        lib/pkgconfig/manyhands.pc share/man/man1/lanes.1 $(! command -v pandoc >/dev/null || pages))"
}

@test "install: the man pages are found; where nothing can make them one line says so" {
    command -v pandoc >/dev/null || skip "needs pandoc"
    if command -v man >/dev/null; then
        MANPATH=$TO$PREFIX/share/man run -0 man pool_queue_put
        assert_output --partial 'it was full all the time'
    fi
    mkdir bin
    ln -s /usr/bin/* /bin/* bin/ 2>/dev/null || true
    rm bin/pandoc
    PATH=$PWD/bin run -0 make -s -C "$KIT" install DESTDIR="$PWD/to" PREFIX=/usr MAN="$PWD/none"
    assert_line 'The man pages of the calls are left out: there is no pandoc, which makes them.'
    assert [ -z "$(find to -name '*.3')" ]
    assert [ -e to/usr/lib/libmanyhands.a ]
}

@test "install: nothing outside DESTDIR" {
    assert [ ! -e "$PREFIX" ]
    local checkout # may lie in the home directory, and has been built in
    checkout=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    run find /usr /etc /opt "$HOME" -path "$checkout" -prune -o -newer "$BATS_FILE_TMPDIR/before" \
        \( -name '*manyhands*' -o -name ld.so.cache \) -print
    refute_output
}

@test "install: a second time is no different" {
    before=$(files_in "$TO")
    kit_build install DESTDIR="$TO" PREFIX="$PREFIX"
    assert_equal "$(files_in "$TO")" "$before"
}

@test "install: a program with the shared library" {
    build_squares
    run -0 readelf -d squares
    assert_output --partial "[$soname]"
}

@test "install: lanes draws that program, and its man page is one" {
    build_squares
    run -0 "$KIT/build/run" -l "$TO$PREFIX/bin/lanes" ./squares
    assert_line "[1, 4, 9]"
    assert_line --regexp "^worker 1 .*busy$"
    command -v man >/dev/null || skip "there is no man here (package man-db)"
    run -0 man --warnings -l "$TO$PREFIX/share/man/man1/lanes.1"
    assert_line --partial "lanes - draw"
    refute_output --partial warning
}

@test "install: a program that is all static" {
    build_squares -static
    run -0 readelf -d squares
    refute_output --partial manyhands
}

@test "install: a program with the shared library whose workers are new runs of it" {
    build spawn "$KIT/tests/spawn.c"
    run -0 "$KIT/build/run" -l ./spawn guarded "two words"
    assert_output --partial "<two words>"
}

@test "install: a program in C++" {
    command -v g++ >/dev/null || skip "there is no C++ compiler here (package g++)"
    cat >squares.cc <<'END'
#include <pool.h>
#include <iostream>
#include <vector>

static int square(const void *arg, void *result)
{
    long x = *static_cast<const long *>(arg);
    *static_cast<long *>(result) = x * x;
    return 0;
}

int main()
{
    std::vector<long> in = { 1, 2, 3 }, out(3);
    pool_options options = {};
    options.processes = 2;
    pool *workers = pool_open(&options);
    if (!workers || pool_map(workers, square, in.data(), 3, sizeof(long), out.data(), sizeof(long)) != 0) {
        std::cerr << pool_error()->text << '\n';
        return 1;
    }
    std::cout << out[0] << ' ' << out[1] << ' ' << out[2] << '\n';
    pool_close(workers);
    pool_join(workers, POOL_FOREVER);
    pool_free(workers);
}
END
    COMPILER='g++ -std=c++11' build squares squares.cc
    run -0 "$KIT/build/run" -l ./squares
    assert_output "1 4 9"
}

@test "install: the shared library has its soname, and shows the names of pool.h and no others" {
    run -0 readelf -d "$LIB/libmanyhands.so"
    assert_output --partial "soname: [$soname]"
    shows "$(nm -D --defined-only --format=posix "$LIB/libmanyhands.so" | cut -d' ' -f1)"
}

@test "install: the static library shows the names of pool.h and no others" {
    shows "$(nm -g --defined-only --format=posix "$LIB/libmanyhands.a" | sed '/:$/d; s/ .*//')"
}

@test "install: pkg-config tells the version that stands in the Makefile" {
    run -0 pkg-config --modversion manyhands
    assert_output "$version"
}

@test "install: LIBDIR and INCLUDEDIR" {
    other=$BATS_TEST_TMPDIR/to
    kit_build install DESTDIR="$other" PREFIX=/usr LIBDIR=/usr/lib/some INCLUDEDIR=/usr/include/some
    assert [ -f "$other/usr/include/some/manyhands/pool.h" ]
    LIB=$other/usr/lib/some
    PKG_CONFIG_PATH=$LIB/pkgconfig PKG_CONFIG_SYSROOT_DIR=$other LD_LIBRARY_PATH=$LIB build_squares
}

@test "uninstall: takes back what install brought, and nothing of others; twice is fine" {
    other=$BATS_TEST_TMPDIR/to
    mkdir -p "$other/usr/lib/pkgconfig"
    mkdir -p "$other/usr/share/man/man3"
    touch "$other/usr/lib/libother.a" "$other/usr/share/man/man3/pool_new.3"
    kit_build install DESTDIR="$other" PREFIX=/usr
    kit_build uninstall DESTDIR="$other" PREFIX=/usr
    assert_equal "$(files_in "$other")" "usr/lib/libother.a
usr/share/man/man3/pool_new.3"
    assert [ ! -e "$other/usr/include/manyhands" ]
    kit_build uninstall DESTDIR="$other" PREFIX=/usr
}

@test "install: into a home directory, by somebody who is not root, without DESTDIR" {
    home=$(mktemp -d) as= # not in bats' own folders: these are closed to others
    if [ "$(id -u)" -eq 0 ]; then
        as='setpriv --reuid=65534 --clear-groups'
        chown 65534 "$home"
        $as test -r "$KIT/Makefile" || skip "user 65534 cannot read $KIT"
    fi
    $as make -s -C "$KIT" install PREFIX="$home/.local"
    unset PKG_CONFIG_SYSROOT_DIR
    LIB=$home/.local/lib
    PKG_CONFIG_PATH=$LIB/pkgconfig LD_LIBRARY_PATH=$LIB build_squares
    $as make -s -C "$KIT" uninstall PREFIX="$home/.local"
    assert_equal "$(files_in "$home")" ""
}

@test "install: a PREFIX that is no full path, or has a space, is refused with words" {
    # shellcheck disable=SC2088 # that is the case
    for prefix in local '~/.local' '/two words' ''; do
        run -2 make -s -C "$KIT" install DESTDIR="$BATS_TEST_TMPDIR/to" PREFIX="$prefix"
        kit_holds "cannot install to '$prefix" "give a path from / on, without spaces"
        assert [ ! -e "$BATS_TEST_TMPDIR/to" ]
    done
}
