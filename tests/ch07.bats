# Chapter 7, S09: without a guard windows multiply and questions are asked again; and what spawn knows.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch07
}

expected() {
    cat <<'END'
broken: a naive pool, the guard nowhere
  the squares of 2 and 3: 0 and 0
  windows: 1 + 2 + 4 + 8
broken: the guard where the pool is opened
  the squares of 2 and 3: 4 and 9
  windows: 1 + 2
cured: the guard first in main
  the squares of 2 and 3: 4 and 9
  windows: 1
broken: our pool, no guard first in main
  a window opens
  how many workers?
  a window opens
  how many workers?
  no answer
  pool_open: the new run of this program ended with exit code 2 before it reached the pool; call pool_freeze_support() first in main()
cured: our pool, its guard first in main
  a window opens
  how many workers?
  the squares of 1, 2 and 3: 1, 4 and 9
what the workers know, and what it costs
  this program        price 10, tell() at 0xADDRESS
  fork                price 10, tell() at 0xADDRESS, opened in <ms> ms
  spawn               price  0, tell() at 0xADDRESS, opened in <ms> ms
  spawn, initializer  price 10, tell() at 0xADDRESS, opened in <ms> ms
END
}

# address WHO: where the last run says that tell() lies for that one.
address() {
    sed -n "s/^  $1  *price.* at \(0x[0-9a-f]*\).*/\1/p" <<<"$output"
}

# typed PART LINE...: runs the part on a terminal on which these lines are typed, and nothing after them.
typed() {
    run "$KIT/build/run" -l -p -i -t "${limit:-20}" "$KIT/ch07" "$1" \
        < <(exec 3>&-; printf '%s\n' "${@:2}"; exec sleep 2)
}

@test "ch07: prints what happens in all parts, five times the same, and leaves nothing behind" {
    for run in {1..5}; do
        kit_run -0 ch07
        output=$(sed 's/ at 0x[0-9a-f]*/ at 0xADDRESS/' <<<"$output")
        expected | kit_match -
    done
}

@test "ch07: a forked worker has tell() where the program has it, a spawned one elsewhere, moved by whole pages" {
    kit_run -0 ch07
    local here spawned random type
    here=$(address "this program") spawned=$(address spawn)
    assert_equal "$(address fork)" "$here"
    assert_equal "${spawned: -3}" "${here: -3}"
    random=$(cat /proc/sys/kernel/randomize_va_space) type=$(od -An -tu2 -j16 -N2 "$KIT/ch07")
    moved=$((16#${spawned#0x} != 16#${here#0x}))
    kit_that 'random == 0 || type == 2 || moved' # type 2: linked for fixed addresses
}

@test "ch07: the naive pool opens 15 windows with its guard nowhere, 3 with it in open, 1 with it first" {
    for guard in nowhere:15 open:3 first:1; do
        kit_run -0 ch07 "${guard%:*}"
        assert_equal "$(grep -c '^a window opens' <<<"$output")" "${guard#*:}"
        assert_equal "$(grep -c '^the squares of 2 and 3' <<<"$output")" 1
    done
}

@test "ch07 guarded: on a terminal one answer is enough" {
    typed guarded 3
    assert_success
    assert_equal "$(grep -c 'how many workers?' <<<"$output")" 1
    assert_output --partial "the squares of 1, 2 and 3: 1, 4 and 9"
}

@test "ch07 unguarded: on a terminal it wants two answers, and hangs with one" {
    typed unguarded 3 3
    assert_success
    assert_equal "$(grep -c 'how many workers?' <<<"$output")" 2
    assert_output --partial "the squares of 1, 2 and 3: 1, 4 and 9"
    limit=1 typed unguarded 3
    assert_failure 124
}

@test "ch07: the pool opens one window more without the guard, however many workers it has" {
    for workers in 1 3 8; do
        typed unguarded "$workers" "$workers"
        assert_success
        assert_equal "$(grep -c 'a window opens' <<<"$output")" 2
    done
}

@test "ch07: an argument it does not know is refused" {
    kit_run -2 ch07 nonsense
    assert_output "usage: ./ch07 [unguarded | guarded]"
}
