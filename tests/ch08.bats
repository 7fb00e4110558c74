# Chapter 8: S25, what is left of a pool that is not closed, or not joined; and two more ways to end one wrongly.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch08
}

# expected POOLS ZOMBIES: what it prints for so many pools, and twice as many workers.
expected() {
    cat <<END
$1 pools, 2 workers each, 64 descriptors
broken: neither            after 14 pools: 28 asleep, 0 zombies, 58 descriptors
  pool 15: Too many open files
broken: close only         after $1 pools: 0 asleep, $2 zombies, 0 descriptors
cured:  close and join     after $1 pools: 0 asleep, 0 zombies, 0 descriptors
our pool: neither          after 57 pools: 171 asleep, 0 zombies, 57 descriptors
  pool 58: pool_open: cannot start the nursery: Too many open files; close what you no longer need: pool_close, pool_join
broken: join, then close   HANGS: all 3 asleep
broken: two pools at once  HANGS: all 5 asleep
broken: wait for anybody   my own child: No child processes
cured:  wait for my own    my own child: exit status 7
END
}

@test "ch08: neither: asleep until the descriptors end; close only: zombies; both: nothing; and leaves nothing itself" {
    kit_run -0 ch08
    diff -u <(expected 100 200) <(echo "$output")
}

@test "ch08: a thousand pools leave two thousand zombies, or nothing" {
    kit_run -0 ch08 1000
    diff -u <(expected 1000 2000) <(echo "$output")
}

@test "ch08: descriptors that it was born with do not count" {
    run -0 "$KIT/build/run" -l sh -c "exec 3</dev/null 9</dev/null \"$KIT/ch08\""
    diff -u <(expected 100 200) <(echo "$output")
}

@test "ch08: fewer pools than descriptors: nobody complains, and all sleep" {
    kit_run -0 ch08 10
    assert_output --partial "broken: neither            after 10 pools: 20 asleep, 0 zombies, 40 descriptors"
    refute_output --partial "Too many open files"
}

@test "ch08: what is not a number of pools, and a SCALE that is no number, are refused" {
    for pools in 0 many 1e3; do
        kit_run -2 ch08 "$pools"
        assert_output "'$pools': give a number from 1 to 100000"
    done
    kit_run -2 ch08 -1
    assert_output "usage: ./ch08 [POOLS]"
    SCALE=fast kit_run -2 ch08
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}

@test "ch08: nobody outlives it when its output is cut off" {
    kit_cut_off ch08
}
