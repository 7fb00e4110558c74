# What README.md shows and what lies in examples/.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    mkdir -p "$KIT/build/examples"
    for name in squares pcksum loop collatz; do
        kit_build compile SOURCE="examples/$name.c" PROGRAM="build/examples/$name"
    done
}

@test "README: every listing is the file it says" {
    cd "$KIT"
    run -0 awk -f tools/book/match.awk -f tools/book/book.awk check README.md
}

@test "squares: the shortest program, also at the head of pool.h" {
    kit_run -0 build/examples/squares
    assert_output "[1, 4, 9]"
    grep '^ \*     ' "$KIT/pool/pool.h" | sed 's/^ \*     //' >"$BATS_TEST_TMPDIR/in-the-header"
    grep . "$KIT/examples/squares.c" >"$BATS_TEST_TMPDIR/in-the-file"
    while IFS= read -r line; do
        grep -qxF -- "$line" "$BATS_TEST_TMPDIR/in-the-header" || { echo "not in pool.h: $line" >&2; return 1; }
    done <"$BATS_TEST_TMPDIR/in-the-file"
}

@test "pcksum: the same sums as cksum, in the order of the files" {
    kit_run -0 build/examples/pcksum "$KIT"/pool/*.c /dev/null
    diff <(cksum "$KIT"/pool/*.c /dev/null) - <<<"$output"
}

@test "pcksum: a file that cannot be read costs its own line only" {
    kit_run -1 build/examples/pcksum "$KIT/LICENSE" /no/such/file "$KIT/Makefile"
    assert_line --regexp 'LICENSE$'
    assert_output --partial "/no/such/file: No such file or directory"
    assert_equal "${#lines[@]}" 3
}

# The expected lines: eight ticks, and a count for each.
loop_lines() {
    printf 'tick %d\n' 1 2 3 4 5 6 7 8
    printf '        %d primes below %d\n' 22044 250000 41538 500000 60238 750000 78498 1000000 \
        96469 1250000 114155 1500000 131608 1750000 148933 2000000
}

# loop_is_right: $output is eight ticks in order, and each count once, behind the tick that asked for it.
loop_is_right() {
    diff <(loop_lines | sort) <(sort <<<"$output") || return
    diff <(seq 8) <(awk '/^tick/ { print $2 }' <<<"$output") || return
    awk '/^tick/ { tick = $2 } /primes/ && 9 - $4 / 250000 > tick { exit 1 }' <<<"$output"
}

@test "loop: a timer and a pool in one loop: every tick, every count" {
    kit_run -0 build/examples/loop
    loop_is_right
}

# workers_of PID: what the nursery of that program has for children.
workers_of() {
    local nursery
    read -r nursery <"/proc/$1/task/$1/children"
    cat "/proc/$nursery/task/$nursery/children"
}

# Starts loop, stops its workers after the first tick, and lets them go on after the last.
loop_with_workers_stopped() {
    : >out # grep may look before the program has begun
    "$KIT/build/examples/loop" >>out &
    local program=$! workers
    until grep -q 'tick 1' out; do sleep 0.01; done
    workers=$(workers_of $program)
    kill -STOP $workers
    until grep -q 'tick 8' out; do sleep 0.01; done
    (($(grep -c primes out) < 8)) || return 3
    kill -CONT $workers
    wait $program && cat out
}

@test "loop: it ticks while no worker moves" {
    export KIT
    export -f workers_of loop_with_workers_stopped
    cd "$BATS_TEST_TMPDIR"
    run -0 "$KIT/build/run" -l bash -c loop_with_workers_stopped
    loop_is_right
}

@test "loop: it waits in poll() only, and has one thread" {
    run -1 grep -nE 'pool_(map|starmap|apply|result_get|result_wait|iter_next)\(|pthread' "$KIT/examples/loop.c"
    run -0 grep -n 'pool_join(pool, 0)' "$KIT/examples/loop.c"
}

@test "collatz: the numbers that are known, and no bar where there is no terminal" {
    kit_run -0 build/examples/collatz 1000000
    assert_output "837799: 524 steps"
    kit_run -0 build/examples/collatz 837799
    assert_output "626331: 508 steps"
    kit_run -0 build/examples/collatz 4
    assert_output "3: 7 steps"
}

# a_core: one that this process may use. With a single worker collatz takes a second, on large machines too.
a_core() {
    awk '/^Cpus_allowed_list/ { sub(/[^0-9].*/, "", $2); print $2 }' /proc/self/status
}

# The bar is drawn again and again in the same line, grows, fits, and is gone in the end.
@test "collatz: on a terminal there is a bar" {
    run -0 "$KIT/build/run" -l -p taskset -c "$(a_core)" "$KIT/build/examples/collatz" 5000000
    assert_output --partial $'\r\e[K3732423: 596 steps'
    tr '\r' '\n' <<<"$output" | grep '^collatz' >"$BATS_TEST_TMPDIR/bars"
    awk '{
        sub(/\033\[K$/, "")
        if (!match($0, /^collatz \[#*\.*\] +[0-9]+%  [0-9]+ of 500$/) || length > 79) exit 1
        bar = $2; length_of_bar = gsub(/#/, "", bar)
        percent = $0; sub(/.*\] +/, "", percent)
        if (length($2) != 42 || length_of_bar < last || percent + 0 > 100) exit 2
        last = length_of_bar
    } END { if (NR < 2 || last == 0) exit 3 }' "$BATS_TEST_TMPDIR/bars"
}

# Runs collatz and kills its worker as soon as there is one.
collatz_with_a_death() {
    taskset -c "$(a_core)" "$KIT/build/examples/collatz" 5000000 &
    local program=$! worker
    until worker=$(workers_of $program 2>/dev/null) && [[ $worker ]]; do sleep 0.01; done
    kill -KILL $worker || return 3
    wait $program
}

@test "collatz: a worker that is killed costs nothing" {
    export KIT
    export -f workers_of a_core collatz_with_a_death
    run -0 "$KIT/build/run" -l bash -c collatz_with_a_death
    assert_output "3732423: 596 steps"
}

@test "collatz: a limit that is none is refused" {
    for limit in 0 1 -5 x 10x '' 1e6 1000000001 99999999999999999999; do
        kit_run -2 build/examples/collatz "$limit"
        assert_output "usage: collatz [LIMIT], from 2 to 1000000000"
    done
    kit_run -2 build/examples/collatz 10 20
}
