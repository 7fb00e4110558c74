# POOL_TRACE: the pictures, of made-up traces (draw-demo) and of a real run (chapter 9).

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build build/draw-demo ch04 ch09
    export LC_ALL=C.UTF-8
}

# well_formed: every tag of the SVG or XML in $output is closed, in order.
well_formed() {
    grep -o '<[^>]*>' <<<"$output" | awk '
        /^<[!?]/ || /\/>$/ { next }
        /^<\// { name = substr($0, 3, length($0) - 3); if (open[n--] != name) exit 1; next }
        { name = substr($0, 2); sub(/[ >].*/, "", name); open[++n] = name }
        END { exit n != 0 }'
}

@test "timeline: never wider than asked, in all scenes" {
    for scene in pool trouble restarts hundred million damage empty nothing; do
        for columns in 40 59 80 200; do
            run -0 "$KIT/build/draw-demo" "$scene" timeline "$columns"
            for line in "${lines[@]}"; do
                ((${#line} <= columns)) || { echo "$scene: ${#line} columns: $line" >&2; return 1; }
            done
        done
    done
}

@test "timeline: failures, deaths and new workers are marked where there are any" {
    run -0 "$KIT/build/draw-demo" trouble timeline 80
    [[ $output == *"! failed"* && $output == *"× died"* && $output == *"| new worker"* ]]
    run -0 "$KIT/build/draw-demo" pool timeline 80
    [[ $output != *"!"* && $output != *"×"* && $output != *"|"* ]]
}

@test "SVG: well-formed, and small even for a million tasks" {
    for scene in pool trouble damage empty nothing million million-hundred; do
        run -0 "$KIT/build/draw-demo" "$scene" svg
        well_formed
        ((${#output} < 300000))
    done
}

# trace ENDING: chapter 9's last pool leaves its trace in trace.ENDING; sets output to it.
trace() {
    local scratch=$BATS_TEST_TMPDIR/scratch
    POOL_TRACE=trace.$1 kit_run ch09
    ((status == 98)) # a new file
    [[ $output == *"trace.$1"* ]]
    output=$(<"$scratch/trace.$1")
}

@test "a real run: CSV has ten tasks in six lives" {
    trace csv
    [[ $output == kind,slot,worker,pid,job,item,start,end,status* ]]
    (($(grep -c ^done, <<<"$output") == 10))
    (($(grep -c ^start, <<<"$output") == 6 || $(grep -c ^start, <<<"$output") == 5))
}

@test "a real run: SVG names every task" {
    trace svg
    well_formed
    [[ $output == *" done 10&#160;"* ]]
    for item in 0 1 2 3 4 5 6 7 8 9; do # on a busy machine the run is so long that some of them share a bar
        [[ $output == *"item $item of job 1"* || $output =~ \<title\>[0-9]+\ done ]]
    done
}

@test "a real run: JSON has an event for every task" {
    trace json
    [[ $output == "{"* && $output == *"}" ]]
    (($(grep -o '"ph":"X"' <<<"$output" | wc -l) == 10))
}

@test "a real run: the timeline comes on stderr, nothing else changes" {
    cd "$BATS_TEST_TMPDIR"
    run -0 "$KIT/build/run" -l bash -c "POOL_TRACE=- '$KIT/ch09' 2>picture"
    [[ $output != *busy* ]]
    grep -q '% busy' picture
}

@test "a real run: what was cut by freeing the pool is in its picture" {
    POOL_TRACE=- kit_run -0 ch04
    (($(grep -c '^worker [1-5] .*×' <<<"$output") == 3))
}

@test "a name that cannot be drawn is refused with words" {
    POOL_TRACE=trace.png kit_run ch09
    ((status != 0))
    [[ $output == *'trace is "trace.png"; it must end in .svg, .json or .csv, or be "-"'* ]]
}
