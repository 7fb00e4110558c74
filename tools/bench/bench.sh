#!/bin/sh
# bench.sh - measures the pool and its peers side by side, prints a table, writes build/bench.csv.
#
# usage: make bench [ROUNDS=9] [CASES="apply map"] [SHORT=1]
#
#   ROUNDS  How many rounds; the figures are medians over them. In a round every case is measured once in
#           every system, one right after the other, so that a slow minute of the machine is slow for all.
#   CASES   Only these cases.
#   SHORT   1: one round of next to nothing, to see that everything works.
#
# A peer that is not installed is left out and named. A program that fails, gives a wrong result or takes
# longer than a minute ends the bench with status 1; a goal that is missed does not.

set -u
export LC_ALL=C

here=$(dirname "$0")
build=${BUILD:-build}
pool=$here/../../pool
CC=${CC:-cc}
CXX=${CXX:-g++}
CFLAGS=${CFLAGS:--std=gnu11 -O2 -Wall -Wextra}
SHORT=${SHORT:-0}
export SHORT
CASES=${CASES:-}
rounds=${ROUNDS:-}
all_cases='apply apply_cold apply_cold_unpinned apply_async async_4 async_16 async_threads reply'
all_cases="$all_cases map map_chunk1 imap imap_ahead cpu restart death queue queue_many"
all_cases="$all_cases open_close open_10 open_1000 idle_worker progress skew large large_first"
systems='' # those that are here
absent=''

die() {
    echo "bench: $*" >&2
    exit 1
}

misuse() {
    echo "bench: $*" >&2
    exit 2
}

check_options() {
    case $SHORT in
    0) rounds=${rounds:-9} ;;
    1) rounds=${rounds:-1} ;;
    *) misuse "SHORT is '$SHORT', it has to be 1 or 0" ;;
    esac
    case $rounds in
    *[!0-9]* | 0*) misuse "ROUNDS is '$rounds', it has to be a number from 1 on" ;;
    esac
    for one in $CASES; do
        case " $all_cases " in
        *" $one "*) ;;
        *) misuse "there is no case '$one', only: $all_cases" ;;
        esac
    done
}

# compile SYSTEM SOURCE FLAG...
compile() {
    program=$build/bench-$1
    source=$here/$2
    shift 2
    # shellcheck disable=SC2086 # CFLAGS is a list
    $CC $CFLAGS -o "$program" "$source" "$here/bench.c" "$@" || die "cannot compile $source"
}

# can_compile HEADER FLAG...: is this library here? For C++, as $compiler.
can_compile() {
    printf '#include <%s>\nint main(void) { return 0; }\n' "$1" >"$build/bench-probe.c"
    shift
    ${compiler:-$CC} -o "$build/bench-probe" "$build/bench-probe.c" "$@" 2>/dev/null
}

add_pool() {
    [ -f "$build/libpool.a" ] || die "there is no $build/libpool.a; make bench builds it first"
    compile pool bench-pool.c -I"$pool" "$build/libpool.a" -lpthread
    systems='pool'
}

add_python() {
    if python3 -c 'import multiprocessing.pool' 2>/dev/null; then
        systems="$systems python"
    else
        absent="$absent, python (package python3)"
    fi
}

add_glib() {
    flags=$(pkg-config --cflags --libs glib-2.0 2>/dev/null)
    # shellcheck disable=SC2086 # flags is a list
    if can_compile glib.h $flags; then
        compile glib bench-glib.c $flags
        systems="$systems glib"
    else
        absent="$absent, glib (packages libglib2.0-dev, pkg-config)"
    fi
}

add_libuv() {
    if can_compile uv.h -luv; then
        compile libuv bench-uv.c -luv
        systems="$systems libuv"
    else
        absent="$absent, libuv (package libuv1-dev)"
    fi
}

add_openmp() {
    if can_compile omp.h -fopenmp; then
        compile openmp bench-openmp.c -fopenmp
        systems="$systems openmp"
    else
        absent="$absent, openmp (part of gcc; for clang, package libomp-dev)"
    fi
}

# The only one in C++.
add_tbb() {
    if compiler=$CXX can_compile tbb/version.h -ltbb; then
        # shellcheck disable=SC2086 # CFLAGS is a list
        { $CC $CFLAGS -c -o "$build/bench-loops.o" "$here/bench.c" &&
            $CXX -O2 -Wall -Wextra -o "$build/bench-tbb" "$here/bench-tbb.cpp" "$build/bench-loops.o" -ltbb; } ||
            die "cannot compile $here/bench-tbb.cpp"
        systems="$systems tbb"
    else
        absent="$absent, tbb (packages libtbb-dev, g++)"
    fi
}

add_floor() {
    compile floor bench-floor.c
    systems="$systems floor"
}

# call SYSTEM [CASE]: its program says which cases it has, or measures one round of one.
call() {
    case $1 in
    python) set -- python3 "$here/bench.py" ${2+"$2"} ;;
    *) set -- "$build/bench-$1" ${2+"$2"} ;;
    esac
    timeout --foreground -k 5 60 "$@"
}

# Says who takes part, and notes in bench-cases which cases each system has.
introduce() {
    echo "$(nproc) cores, $(uname -sr), $($CC --version | head -n 1)"
    : >"$build/bench-cases"
    for system in $systems; do
        line=$(call "$system") || die "$system does not start"
        echo "    $system: ${line%%:*}"
        for one in ${line#*:}; do
            echo "$system $one" >>"$build/bench-cases"
        done
    done
    if [ -n "$absent" ]; then
        echo "    not installed, left out: ${absent#, }; \`make setup\` brings them"
    fi
}

# What the machine's cores did since it started, in ticks: idle, all.
ticks() {
    awk '/^cpu / { print $5 + $6, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' /proc/stat
}

# Others at work spoil the figures. Looks for a second how much of the machine is idle.
warn_if_busy() {
    before=$(ticks)
    sleep 1
    idle=$(echo "$before $(ticks)" | awk '{ print int(100 * ($3 - $1) / ($4 - $2)) }')
    if [ "$idle" -lt 90 ]; then
        echo "    The machine is busy: only $idle % of it is idle. Do not trust these figures."
    fi
}

# measure CASE SYSTEM
measure() {
    grep -qx "$2 $1" "$build/bench-cases" || return 0
    ns=$(call "$2" "$1")
    status=$?
    [ "$status" -ne 124 ] || die "$2 took more than a minute for one round of $1"
    [ "$status" -eq 0 ] || die "$2 failed in the case $1 (status $status)"
    echo "$1,$2,$ns" >>"$build/bench-rounds.csv"
}

# Some cases take long; every second round has to do for them.
run_rounds() {
    echo 'case,system,ns' >"$build/bench-rounds.csv"
    round=0
    while [ "$round" -lt "$rounds" ]; do
        round=$((round + 1))
        echo "bench: round $round of $rounds" >&2
        for case in ${CASES:-$all_cases}; do
            case $((round % 2)):$case in
            0:*async* | 0:reply | 0:skew | 0:large* | 0:open_1000) continue ;;
            esac
            for system in $systems; do
                measure "$case" "$system"
            done
        done
    done
}

check_options
mkdir -p "$build"
add_pool
add_python
add_glib
add_libuv
add_openmp
add_tbb
add_floor
introduce
[ "$SHORT" = 1 ] || warn_if_busy
run_rounds
echo "
Time per operation, medians of $rounds rounds (async, reply, skew, large and open_1000: of $(((rounds + 1) / 2))), and under each the
shortest and the longest. One operation is a task, an item, a restart, a death, a pool, in open_10 and open_1000 a
worker; in cpu and skew it is all of the work; idle_worker is memory. Python gets fewer items in the async cases,
map_chunk1, imap, restart and the queues. What floor is: bench-floor.c.
"
awk -v csv="$build/bench.csv" -v systems="$systems" -v short="$SHORT" \
    -f "$here/report.awk" "$here/goals" "$build/bench-rounds.csv"
