# make test: no test is lost, whatever a file of tests does.

bats_require_minimum_version 1.5.0
load kit

# verdict STATUS TEXT LINE...: a file of these lines, run as `make test` runs them, beside one that is right.
verdict() {
    cd "$BATS_TEST_TMPDIR"
    printf '#!/bin/sh\necho 1..1\necho ok 1\n' >right
    printf '%s\n' "${@:3}" >"file${suffix-.bats}"
    chmod +x right file*
    PATH=${PATH//"$BATS_LIBEXEC:"/} run "-$1" prove -j2 --failures --comments -e "bash $KIT/tests/tap.bash" ./right \
        "./file${suffix-.bats}"
    assert_line --regexp '^\./right \.+ ok$'
    assert_output --partial "$2"
}

@test "files of which each test is right or left out" {
    verdict 0 'Files=2, Tests=3' '@test "one" { true; }' '@test "two" { skip "no such tool"; }'
}

@test "a test that fails is shown with what it said" {
    verdict 1 '# it should be 4' '@test "one" { echo "it should be 4"; false; }' '@test "two" { true; }'
    assert_output --partial 'not ok 1 one'
    assert_output --partial 'Failed 1/2 subtests'
}

@test "a bats file that breaks off, in a test or before all, or is no bats file" {
    verdict 1 'You planned 2 tests but ran 1' '@test "one" { kill -KILL $PPID; sleep 1; }' '@test "two" { true; }'
    verdict 1 'not ok 1 setup_file failed' 'setup_file() { false; }' '@test "one" { true; }'
    verdict 1 'Failed 1/1 subtests' '@test "one" { true' # no end
}

@test "a file without a test" {
    verdict 1 'there is no test in it' 'exit 1'
    suffix='' verdict 1 'there is no test in it' '#!/bin/sh' 'echo 1..0'
    suffix='' verdict 1 'No plan found' '#!/bin/sh'
}

@test "a program that crashes, ends early, or ends well with a bad status" {
    export suffix=
    verdict 1 'Failed 1/2 subtests' '#!/bin/sh' 'echo 1..2; echo ok 1; kill -SEGV $$'
    verdict 1 'You planned 2 tests but ran 1' '#!/bin/sh' 'echo 1..2; echo ok 1'
    verdict 1 'exited 3' '#!/bin/sh' 'echo 1..1; echo ok 1; exit 3'
}

@test "a file that is not there, and no file at all" {
    run -1 prove -e "bash $KIT/tests/tap.bash" ./none.bats
    cd "$BATS_TEST_TMPDIR"
    run -2 prove -e "bash $KIT/tests/tap.bash"
}

@test "what a test expects, it says: no bare [[ ]], (( )) or [ ]" {
    run -1 grep -nE '^ +(\[\[? .* \]\]?|\(\(.*\)\))( +#.*)?$' "$KIT"/tests/*.bats
}
