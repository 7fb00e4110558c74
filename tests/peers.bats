# The table in the README of what happens when something goes wrong (make peers): our own column is true, and the
# words for the others come from what was seen. Python is not needed here.

bats_require_minimum_version 1.5.0
load kit

setup_file() { kit_build lib; }

# words LINE...: the column of `here` for these rounds of the scenes `task` and `end`, whose words are few.
words() {
    cat >scenes <<'END_SCENES'
row|kill|1|task lines end|a worker is killed
say|*|task|done|it is done
say|*|task|hang|it never ends
say|*|lines|0|prints nothing
say|*|lines|#|prints # lines
say|*|end|done|-
say|*|end|hang|the end hangs
END_SCENES
    printf 'kill here 1 %s\n' "$@" >rounds
    run awk -v only=here -f "$KIT/tools/peers/peers.awk" scenes rounds
}

setup() { cd "$BATS_TEST_TMPDIR"; }

@test "what the README says of this pool is what it does" {
    cd "$KIT"
    BUILD=$KIT/build run -0 "$KIT/build/run" -t 60 sh tools/peers/peers.sh check
}

@test "a README that says something else is found" {
    cd "$KIT"
    sed '/^| a worker is killed/s/[^|]*|$/ all is lost |/' README.md >"$BATS_TEST_TMPDIR/README"
    README=$BATS_TEST_TMPDIR/README BUILD=$KIT/build run -1 "$KIT/build/run" -t 60 sh tools/peers/peers.sh check
    assert_output --partial -- "-all is lost"
}

@test "rounds that are alike make one sentence, numbers a range" {
    words 'task=done lines=20 end=done status=0' 'task=done lines=3 end=done status=0'
    assert_output 'it is done, prints 3 to 20 lines'
}

@test "rounds that differ are counted, the most frequent first" {
    words 'task=hang lines=0 end=done status=0' 'task=done lines=0 status=0' 'task=done lines=0 status=0'
    assert_output '2 of 3: it is done, prints nothing; 1 of 3: it never ends, prints nothing'
}

@test "the first fact that is missing at the deadline is what hangs" {
    words 'task=hang lines=7 status=124'
    assert_output 'it never ends, prints 7 lines, the end hangs'
    words 'lines=7 status=124'
    assert_output 'it never ends'
}

@test "what there are no words for, or nothing to say of, is an error" {
    words 'task=odd status=0'
    assert_failure 1
    assert_output --partial "no words for task=odd in the scene kill"
    words 'status=0'
    assert_failure 1
    assert_output --partial "nothing to say of here"
}

@test "without Python it says so, ends with 77, and the README stays" {
    mkdir bin
    ln -s "$(command -v dirname)" bin/dirname
    cp "$KIT/README.md" README
    PATH=$PWD/bin BUILD=$KIT/build README=README run -77 /bin/sh "$KIT/tools/peers/peers.sh"
    assert_output 'peers: there is no Python 3 to compare with. To install it: sh tools/setup.sh all'
    cmp README "$KIT/README.md"
}

@test "misuse is 2 and says what was wrong" {
    ROUNDS=0 BUILD=$KIT/build run -2 sh "$KIT/tools/peers/peers.sh"
    assert_output --partial "ROUNDS is '0'"
    BUILD=$KIT/build run -2 sh "$KIT/tools/peers/peers.sh" chekc
    assert_output --regexp '^usage:'
}
