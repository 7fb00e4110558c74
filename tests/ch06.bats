# Chapter 6, S30: what comes after the fork is not there, neither data nor a function; and text that came before it is
# there twice.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch06
}

expected() {
    cat <<'END'
child : 2 at ADDRESS, 250 of 1000 pages copied
parent: 1 at ADDRESS
broken: the pool, then the prices
  our pool:   [0, 0, 0, 0]
cured: the prices, then the pool
  our pool:   [10, 20, 30, 40]
broken: the pools, then the function
  naive pool: SIGSEGV SIGSEGV SIGSEGV SIGSEGV
  our pool:   item 0: worker PID was killed by SIGSEGV (a bad pointer, or the stack is full)
  our pool:   pool_map: the task's library was loaded after the pool was opened, so no worker has it; load it first
cured: the function, then the pools
  naive pool: 0 1 1.41 1.73
  our pool:   [0, 1, 1.41, 1.73]
broken: text, then fork; the child ends with exit
  loaded 4 prices
  loaded 4 prices
cured: the child ends with _exit
  loaded 4 prices
END
}

# The output without what differs from run to run.
told() { # at least 250 pages are copied, and few for other reasons
    sed -e 's/ at 0x[0-9a-f]*/ at ADDRESS/' -e 's/ 2[5-9][0-9] of 1000/ 250 of 1000/' -e 's/worker [0-9]* was/worker PID was/' <<<"$output"
}

# prints_it N [RUNNER OPTION] COMMAND...: the command prints the line so many times.
prints_it() {
    local times=$1
    shift
    run -0 "$KIT/build/run" -l "$@"
    assert_equal "$(grep -c '^  loaded 4 prices' <<<"$output")" "$times"
    assert_equal "$(wc -l <<<"$output")" "$times"
}

@test "ch06: prints what happens in all parts, ten times the same, and leaves nothing behind" {
    for run in {1..10}; do
        kit_run -0 ch06
        diff -u <(expected) <(told)
    done
}

@test "ch06: child and parent have another number at the same address" {
    kit_run -0 ch06
    addresses=$(sed -n 's/^\(child \|parent\): [12] at \(0x[0-9a-f]*\).*/\2/p' <<<"$output")
    assert_equal "$(wc -l <<<"$addresses")" 2
    assert_equal "$(sort -u <<<"$addresses" | wc -l)" 1
}

# The runner allows no core files, and what it has forbidden stays so: here the program runs without it.
@test "ch06: the crashes leave no core file, even where they are allowed" {
    mkdir "$BATS_TEST_TMPDIR/cores"
    cd "$BATS_TEST_TMPDIR/cores"
    ulimit -c "$(ulimit -H -c)"
    run -0 timeout 20 "$KIT/ch06" 3>&-
    diff -u <(expected) <(told)
    assert_equal "$(ls -A)" ""
}

@test "ch06 exit: the line is printed twice into a pipe or a file, and once on a terminal" {
    prints_it 2 "$KIT/ch06" exit
    prints_it 2 sh -c '"$1" exit >file; cat file; rm file' sh "$KIT/ch06"
    prints_it 1 -p "$KIT/ch06" exit
}

@test "ch06 _exit: the line is printed once everywhere" {
    prints_it 1 "$KIT/ch06" _exit
    prints_it 1 sh -c '"$1" _exit >file; cat file; rm file' sh "$KIT/ch06"
    prints_it 1 -p "$KIT/ch06" _exit
}

@test "ch06: an argument it does not know is refused" {
    kit_run -2 ch06 nonsense
    assert_output "usage: ./ch06 [exit | _exit]"
}
