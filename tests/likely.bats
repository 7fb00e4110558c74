# The table of symptoms (tools/grade/likely.c): each row shows where it should, and none is without a test here.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build build/likely
}

# shows NAME [FILE=LINES...]: with these files (\n between lines) this symptom is the one that shows.
shows() {
    local name=$1 file dir
    dir=$(mktemp -d "$BATS_TEST_TMPDIR/XXXXXX")
    for file in "${@:2}"; do printf '%b\n' "${file#*=}" >"$dir/${file%%=*}"; done
    run -0 "$KIT/build/likely" -n "$dir"
    assert_output "$name"
    run -0 "$KIT/build/likely" "$dir"
    assert [ "${#output}" -gt 15 ]
    echo "$name" >>"$BATS_FILE_TMPDIR/shown"
}

@test "what sanitizers and libc say" {
    shows stub 'err=errno is 38: it has no body yet, see TODO'
    shows use-after-free 'err===2==ERROR: AddressSanitizer: heap-use-after-free on address'
    shows double-free 'err=free(): double free detected in tcache 2' 'seen=ended signal 6'
    shows bad-free 'err=free(): invalid pointer' 'seen=ended signal 6'
    shows overrun 'err===2==ERROR: AddressSanitizer: heap-buffer-overflow on address'
    shows stack-smashed 'err=*** stack smashing detected ***: terminated' 'seen=ended signal 6'
    shows stack-use 'err===2==ERROR: AddressSanitizer: stack-use-after-scope on'
    shows heap-corrupt 'err=malloc(): corrupted top size' 'seen=ended signal 6'
    shows heap-corrupt 'err=Fatal glibc error: malloc assertion failure in sysmalloc' 'seen=ended signal 6'
    shows leak 'err===2==ERROR: LeakSanitizer: detected memory leaks'
    shows undefined 'err=ex01.c:5:3: runtime error: signed integer overflow'
    assert_output 'C does not define this: signed integer overflow'
    shows assertion 'err=ex01: x.c:3: main: Assertion `n > 0'"'"' failed.' 'seen=ended signal 6'
}

@test "signals" {
    shows null-pointer 'seen=ended signal 11'
    shows aborted 'seen=ended signal 6'
    shows divided 'seen=ended signal 8'
    shows bus 'seen=ended signal 7'
    shows pipe-gone 'seen=ended signal 13'
    shows processor 'seen=ended signal 24'
    shows large-file 'seen=ended signal 25'
    shows killed 'seen=ended signal 9'
    shows other-signal 'seen=ended signal 14'
    assert_output --partial SIGALRM
}

@test "what had to be stopped, or ended early" {
    shows memory 'seen=ended memory'
    shows overflow 'seen=ended overflow'
    shows lock-at-fork 'seen=ended timeout\nasked 0\nbegun 1\nreturned 0\ntimes 1 forked'
    shows lock-at-fork 'wanted=no-fork yes' 'seen=ended exit 0\nasked 3\nbegun 1\nreturned 1\ntimes 1 forked'
    shows hangs-before 'seen=ended timeout\nasked 0\nbegun 1\nreturned 0'
    shows hangs-held 'seen=ended timeout\nasked 1\nbegun 1\nreturned 0\ngave-up hold ask until 4 inside'
    shows hangs-after 'seen=ended timeout\nasked 4\nbegun 1\nreturned 0'
    shows hangs-at-end 'seen=ended timeout\nasked 4\nbegun 1\nreturned 1'
    shows hangs 'seen=ended timeout\nbegun 0'
    shows ended-early 'seen=ended exit 0\nbegun 1\nreturned 0'
    shows asked-at-home 'seen=ended exit 0\nbegun 1\nreturned 1\nhost-asked 3'
}

@test "what was printed" {
    shows printed-more 'wanted=lines 2' 'expected=1 -> 7\n2 -> 8' 'out=opened\n1 -> 7\n2 -> 8'
    assert_output --partial "'opened'"
    dir=$BATS_TEST_TMPDIR/nothing
    mkdir "$dir"
    shows printed-nothing 'wanted=lines 1' 'expected=1 -> 7'
}

@test "what the function returned" {
    shows failed-of-none 'wanted=returns 0\nitems 0' 'out=sums returned -1' 'err=errno is 12: no'
    shows other-status 'wanted=returns -1' 'out=ask_all returned 1'
    shows failure-hidden 'wanted=returns -1' 'out=1 -> 5'
    while read -r name error; do
        shows "$name" 'wanted=returns 0' 'out=f returned -1' "err=errno is $error: these are the words"
    done <<'END'
misuse 22
too-late 108
too-early 16
no-memory 12
no-process 11
worker-died 130
task-failed 121
other-errno 5
END
}

@test "how many were inside" {
    shows none-asked 'wanted=inside 4' 'seen=asked 0\ninside 0'
    shows one-by-one 'wanted=inside 4' 'seen=asked 4\ninside 1\nworkers 4'
    shows one-worker 'wanted=inside 4' 'seen=asked 4\ninside 1\nworkers 1'
    shows fewer 'wanted=inside 4' 'seen=asked 4\ninside 2\nworkers 2'
    shows more-workers 'wanted=inside 4\nworkers 4' 'seen=asked 4\ninside 4\nworkers 7'
    shows other-askers 'wanted=askers 5' 'seen=asked 4\naskers 7'
}

@test "what was read, and by whom" {
    shows read-elsewhere 'wanted=reading-elsewhere 4'
    shows other-readers 'wanted=readers 4\nreading 1'
    shows no-chunk 'wanted=chunk 0\nchunk-least 1\nchunk-most 1'
    shows small-chunk 'wanted=chunk 1\nchunk-least 20\nchunk-most 40'
    shows large-chunk 'wanted=chunk 50\nchunk-least 20\nchunk-most 40'
    shows too-many-workers 'wanted=workers-least 4\nworkers-most 5\nworkers-said 9'
    shows too-few-workers 'wanted=workers-least 4\nworkers-most 5\nworkers-said 2'
    shows long-life 'wanted=fit 3\nmost-asks 4'
    shows short-life 'wanted=lives-most 4\nlives 12'
    shows not-ended 'wanted=not-ended 1'
    shows joined-early 'wanted=joined-early 1'
    shows never-told 'err=errno is 110: pool_queue_join: 1 got and not dealt with, 0 still in it' 'wanted=returns 0'
    shows nowhere 'wanted=lost 2'
    shows still-listed 'wanted=still-listed 1'
    shows other-order 'wanted=order other'
    shows shared-connection 'wanted=connections-short 1'
    shows page-again 'wanted=page-asked 2'
    shows page-too-many 'wanted=pages 3\npages-asked 4'
    shows not-at-once 'wanted=at-once 4\nwere-at-once 1'
    shows held-up 'wanted=overlap yes' 'seen=ended exit 0\ngave-up feed 4.jpg 4.jpg when answered 17'
}

@test "how was waited, and what came of it" {
    shows keeps-thread 'wanted=way yes' 'seen=ended exit 0\ngave-up hold give:1 until asked turn:0'
    shows naps 'wanted=napped yes'
    shows not-returned 'wanted=stuck yes' 'seen=ended exit 1\nbegun 1\nreturned 0'
    shows not-waited 'wanted=way yes\nreturned 0'
    shows not-waited 'wanted=way yes\nreturns 0' 'out=green_read returned -1' 'err=errno is 11: none'
    shows flags-changed 'wanted=flags yes'
    shows other-bytes 'wanted=returned 3 3'
    assert_output --partial "it returned 3 3:"
}

@test "what was tried, and how often" {
    shows tried-again 'wanted=item 17\ntries 1\ntried 2\ninnocent yes'
    assert_output --partial "17 was tried again"
    shows more-tries 'wanted=item 17\ntries 3\ntried 4'
    shows fewer-tries 'wanted=item 17\ntries 3\ntried 2'
    shows tried-early 'wanted=early 17'
    shows hangs-held 'wanted=together 3' 'seen=ended exit 1\ngave-up hold 17 until 9 asked'
}

@test "which answers came" {
    whole='1 -> 4294967299\n2 -> 8589934597\n3 -> 12884901895'
    shows cut "expected=$whole" 'out=1 -> 3\n2 -> 5\n3 -> 7'
    shows ended-by-failure 'wanted=returns -1' "expected=f returned -1\n1 -> 0\n$whole" 'out=f returned -1\n1 -> 0\n1 -> 4294967299\n2 -> 0\n3 -> 0'
    shows last-missing "expected=$whole" 'out=1 -> 4294967299\n2 -> 8589934597\n3 -> 0'
    shows shifted-up "expected=$whole" 'out=1 -> 8589934597\n2 -> 12884901895\n3 -> 0'
    shows shifted-down "expected=$whole" 'out=1 -> 0\n2 -> 4294967299\n3 -> 8589934597'
    shows zeros "expected=$whole" 'out=1 -> 0\n2 -> 0\n3 -> 12884901895'
    shows all-the-same "expected=$whole" 'out=1 -> 12884901895\n2 -> 12884901895\n3 -> 12884901895'
    shows swapped "expected=$whole\n4 -> 21474836489" 'out=1 -> 8589934597\n2 -> 4294967299\n3 -> 21474836489\n4 -> 12884901895'
    shows swapped "expected=$whole\n4 -> 21474836489" 'out=1 -> 21474836489\n2 -> 8589934597\n3 -> 12884901895\n4 -> 0'
    shows asked-twice 'wanted=once yes' 'seen=times 1 ask 7\ntimes 3 ask 8'
    shows strangers 'wanted=strangers 1'
    shows other-items "expected=$whole" 'out=1 -> 4\n2 -> 55\n3 -> 666' 'seen=asked 2'
    shows made-up "expected=$whole" 'out=1 -> 4\n2 -> 55\n3 -> 666' 'seen=asked 3'
}

@test "what was left, and what nobody knows" {
    shows left-zombies 'wanted=nothing-left yes' 'seen=left-zombies 1'
    shows left-alive 'wanted=nothing-left yes' 'seen=left-alive 2\nleft-names ex01 ex01'
    shows left-descriptors 'wanted=nothing-left yes' 'seen=left-descriptors 2'
    shows left-memory 'wanted=nothing-left yes' 'seen=left-memory 900'
    shows unknown 'seen=ended exit 0'
}

@test "no row of the table is without a test" {
    run -0 diff <("$KIT/build/likely" -l | sort) <(sort -u "$BATS_FILE_TMPDIR/shown")
}
