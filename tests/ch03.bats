# Chapter 3: S41 work without join is lost, S20 apply_async and its results, S24 apply against apply_async.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch03
}

@test "lost without join; with it three hellos from each of ten, results in order; one inside, four inside" {
    kit_run -0 ch03
    {
        echo "A second lasts 50 ms here."
        echo "broken: no join: 10 tasks handed over, 0 ran, exit status 0"
        for i in {0..9}; do printf 'hello %d\n' "$i" "$i" "$i"; done
        printf 'done hello %d\n' {0..9}
        echo "Sub-process(es) done."
        echo "cured: join: 10 tasks handed over, 10 ran, in <time> seconds"
        echo "apply:"
        printf '  process <ms> comes: %d inside\n' 1 1 1 1
        echo "apply_async:"
        printf '  process <ms> comes: %d inside\n' 1 2 3 4
    } | kit_match - 'unordered=/^hello/' 'unordered=/inside/'
}

@test "four workers take at least three turns of three seconds, whatever a second is" {
    export SCALE=0.01
    kit_run -0 ch03
    assert_line -n 0 'A second lasts 10 ms here.'
    seconds=$(sed -n 's/^cured.* in \([0-9]*\)\.[0-9] seconds$/\1/p' <<<"$output")
    kit_that 'seconds >= 9'
}

@test "a SCALE that is no number of seconds is refused" {
    question="how many seconds shall a second last? More than 0, at most 10; 1 is the full length."
    for SCALE in x 0 -1 11 1s nan ''; do
        export SCALE
        kit_run -2 ch03
        assert_output "SCALE=$SCALE: $question"
    done
}
