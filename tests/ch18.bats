# Chapter 18: S12 the tutorial, S13 the same with map, S17 no task_done, S35 "except: pass", S36 roles by map.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch18
}

expected() {
    cat <<'END'
broken: no task_done: 12 pages; 4 of 4 consumers return
  pool_queue_join: 16 got and not dealt with, 0 still in it: not done within <time> s
broken: a sentinel too few: 12 pages; 3 of 4 consumers return
  joined
cured: task_done, 4 sentinels: 12 pages; 4 of 4 consumers return
  joined
cured: map: 12 pages, from 100 to 2300
broken: except: pass: put 36, got 16, 4 of them bad; 4 of 5 roles return
broken: and a chunk of 2: put 32, got 12, 3 of them bad; 3 of 5 roles return
cured: noted, and on: put 60, got 60, 15 of them bad; 5 of 5 roles return
broken: a pool of 1: put 20, got 0, 0 of them bad; 0 of 5 roles return
cured: imap, a pool of 1: got 60, 15 of them bad; at most 2 on the way
END
}

# region NAME: the lines of the program between its marks.
region() {
    sed -n "/\[$1\]/,/\[\/$1\]/p" "$KIT"/chapters/ch18-*.c | sed '1d;$d'
}

@test "ch18: stands still where the document does, and the cures do not; nothing is left" {
    kit_run -0 ch18
    expected | kit_match -
}

@test "ch18: prints the same on a busy machine, run after run" {
    kit_busy 6 ch18 < <(expected)
}

@test "ch18: a fetcher that returns failure instead of saying nothing does not help" {
    kit_altered ch18 'return 0; /* the document' 'return pool_fail("a bad url"); /* not the document'
    kit_run -0 build/ch18-altered
    expected | kit_match -
}

@test "ch18: sentinels are items: if they alone are not told of, join waits for four" {
    kit_altered ch18 'if (cured)' 'if (cured && url != QUIT)' 'cured ? POOL_FOREVER : 0.1' 0.1
    kit_run -0 build/ch18-altered
    assert_output --partial "cured: task_done, 4 sentinels: 12 pages; 4 of 4 consumers return
  pool_queue_join: 4 got and not dealt with, 0 still in it: "
}

@test "ch18: a consumer that a bad url ends leaves one item open and one sentinel in the queue" {
    kit_altered ch18 '{ 1, 3, 5' '{ 1, 4, 5' 'if (cured)' 'if (url == 4) { return 0; } if (cured)' 'cured ? POOL_FOREVER : 0.1' 0.1
    kit_run -1 -r build/ch18-altered # it ends in the middle of its work
    assert_output --partial "cured: task_done, 4 sentinels: 11 pages; 4 of 4 consumers return
  pool_queue_join: 1 got and not dealt with, 1 still in it: "
}

@test "ch18: with a sentinel too few the fourth consumer never returns" {
    kit_altered ch18 'now.done < (size_t)sentinels' 'now.done < CONSUMERS'
    kit_run -124 -t1 build/ch18-altered
}

@test "ch18: if hand_out() is told of more roles than return, it never ends" {
    kit_altered ch18 '"broken: except: pass", 5, 1, 4' '"broken: except: pass", 5, 1, 5'
    kit_run -124 -t1 build/ch18-altered
}

@test "ch18: with more room the feeder gets further and the fetchers do not" {
    kit_altered ch18 'ROOM = 20' 'ROOM = 30'
    kit_run -0 build/ch18-altered
    assert_output --partial "except: pass: put 46, got 16, 4 of them bad"
    assert_output --partial "a chunk of 2: put 42, got 12, 3 of them bad"
    assert_output --partial "a pool of 1: put 30, got 0"
}

@test "ch18: the tutorial takes some 40 lines of code, the map three calls" {
    local code calls
    code=$(cat <(region consumer) <(region producer) | grep -cv '^$')
    echo "$code lines"
    kit_that 'code >= 40 && code < 50'
    calls=$(region map | grep -oE '((open_)?pool(_[a-z]+)?|finish)\(' | tr -d '\n')
    assert_equal "$calls" "open_pool(pool_map(finish("
}
