# Chapter 5: S06 map and imap_unordered over range(10); a slow first item, endless input, bounded read-ahead, closing
# half-way.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch05 ch05b ch05c
}

expected() {
    cat <<'END'
A second lasts 50 ms here.
A slow first item. At the first result so many were done:
  map            10: 0 1 4 9 16 25 36 49 64 81
  imap            8: 0 1 4 9 16 25 36 49 64 81
  imap_unordered  1: 1 4 9 16 25 36 49 64 81 0
END
}

@test "ch05: in order eight are done at the first result, unordered one" {
    kit_run -0 ch05
    diff -u <(expected) <(echo "$output")
}

@test "ch05: prints the same on a busy machine, run after run" {
    kit_busy 3 ch05 < <(expected)
}

# After one result workers + ahead are read; each further result makes room for one. What was handed over is done.
endless() {
    cat <<'END'
broken: a list first: 1000000 read, 0 results, no end
cured: a stream, 4 ahead: 1 result, 8 read; 33 results, 40 read
cured: a stream, 1 ahead: 1 result, 5 read; 33 results, 37 read
closed half-way: 77 items handed over, 77 done
one bad item: 0 1 4 (item 3: three again) 16 25
END
}

four_ways() {
    echo "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]"
    for i in 0 1 2 3 4 5 6 7 8 9; do echo $((i * i)); done
    echo 100
    echo "pool_result_get: not done within 0.05 s"
}

@test "ch05b: the document's program prints what the document prints" {
    kit_run -0 ch05b
    kit_match <(four_ways) unordered='/^[0-9][0-9]?$/'
    kit_busy 3 ch05b unordered='/^[0-9][0-9]?$/' < <(four_ways)
}

@test "ch05c: an endless source is read a few ahead; closed half-way; a bad item costs its own place" {
    kit_run -0 ch05c
    kit_match <(endless)
    kit_busy 3 ch05c < <(endless)
}

@test "ch05: in order, an item that waits for eight others waits for ever: only seven are read beside it" {
    kit_altered ch05 '== 0 ? 7 : 0' '== 0 ? 8 : 0'
    kit_run -124 -t2 build/ch05-altered
    assert_output --partial "  map            10:"
    refute_output --partial "  imap"
}

@test "ch05: a SCALE that is no number of seconds is refused" {
    SCALE=fast kit_run -2 ch05
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}
