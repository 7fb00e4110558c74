# Chapter 16: S07 an error that nobody sees, S14 a list of pages in pools of several sizes, S28 and S29 a paged API that
# serves one request at a time; one handle before a fork; pages that fail. What is measured is not judged; but sleeps
# never end early, so that some times have a lower bound.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch16
}

setup() {
    [[ $BATS_TEST_DESCRIPTION == *"without libcurl"* ]] || echo '#include <curl/curl.h>' | gcc -E - >/dev/null 2>&1 ||
        skip "needs libcurl4-openssl-dev"
}

# The table has a row for each size, with numbers where there is something.
expected() {
    cat <<'END2'
A second lasts 50 ms here.
broken: nobody looks at the results
  range 49: 9800 to 10000, 201 items
  50 "Starting", 0 "Finish"
  [+] Total workers: 50
  not read: pool_join: 50 jobs failed and nobody looked; the first: item 0: more than 16 bytes
cured: a longer line, and the results are looked at
  range 49: 9800 to 10000, 201 items
  50 "Starting", 50 "Finish"
  [+] Total workers: 50
broken: a handle with an open connection, then the pool
  page 1: killed when it had asked
  page 2: status 200, Page 1 of the slow server.
cured: each worker makes its own
  page 1: killed when it had asked
  page 2: status 200, Page 2 of the slow server.
broken: range(1, 10)  9 pages, 1800 of 2000 items: <ms> (9.04)
cured: all of them   10 pages, 2000 of 2000 items: <ms> (10.20)
broken: 2000 / 200 + 1 = 11 pages; page 11 has 0 items
cured: (2000 + 199) / 200 = 10 pages
  workers        list    its_list       paged   its_paged
        1       <ms>           -       <ms>       10.30
        2        <ms>           -           -           -
        4        <ms>        3.10        <ms>        7.64
        8        <ms>        1.40           -           -
       10        <ms>           -        <ms>        7.64
       13        <ms>        1.30           -           -
      100        <ms>           -        <ms>        8.24
   a loop       <ms>       14.40       <ms>       10.20
5 of 8 have failed:
  Page 1 of the slow server.
  /page/2: status 503, try 3 of 3
  /page/3: no answer in time
  /page/4: nobody listens there
  /page/5: the body is cut off
  /page/6: status 404, try 1 of 3
  Page 7 of the slow server.
  Page 8 of the slow server.
END2
}

@test "ch16: ranges, handles, pages and failures: all as the book says; the plot is drawn" {
    local plot=$BATS_TEST_TMPDIR/plot.svg
    if command -v gnuplot; then
        kit_run -0 -t60 ch16 "$plot"
        for word in list its_list paged its_paged 'slowest page' prefers-color-scheme '</svg>'; do
            grep -q "$word" "$plot"
        done
    else
        kit_run -0 -t60 ch16
    fi
    kit_match - < <(expected)
    # two rounds, two latencies and ten turns: no pool takes less
    awk '/^broken: range/ { least($(NF - 1), 9.29) } /^cured: all/ { least($(NF - 1), 10.22) }
         /^ +[0-9]+ +[0-9]/ { least($2, $1 == 1 ? 10.89 : $1 == 2 ? 5.44 : $1 == 4 ? 2.79 : 1.29)
                        if ($4 != "-") least($4, $1 == 1 ? 10.22 : 7.61) }
         /^ +a loop/ { least($3, 10.89); least($5, 10.22); found = 1 }
         function least(is, bound) { if (is + 0 < bound) { print is " < " bound; exit bad = 1 } }
         END { exit bad || !found }' <<<"$output"
}

@test "ch16: prints the same on a busy machine, run after run" {
    kit_busy 3 ch16 < <(expected)
}

@test "ch16: a page that is served at the fourth try fails with three" {
    kit_altered ch16 'status=503&first=2' 'status=503&first=3'
    kit_run -0 -t60 build/ch16-altered
    kit_holds "6 of 8 have failed" "/page/7: status 503, try 3 of 3"
}

@test "ch16: where the environment names a proxy, it is not asked" {
    export http_proxy=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1
    kit_run -0 -t60 ch16
    kit_match - < <(expected)
}

@test "ch16: Ctrl+C ends it, and its server; kill -9 of the program does" {
    mkdir -p "$BATS_TEST_TMPDIR/scratch" && cd "$BATS_TEST_TMPDIR/scratch"
    run -130 "$KIT/build/run" -r -w . "$KIT/tests/tty.exp" -e 'cured: all' -c -- "$KIT/ch16"
    run -137 "$KIT/build/run" -r -w . bash -c '"$1" >"$2" & until grep -q "cured: all" "$2"; do sleep 0.01; done
        kill -KILL $!; wait $!' - "$KIT/ch16" "$BATS_TEST_TMPDIR/out"
}

@test "ch16: an argument that is no file's name, and a SCALE that is no number, are refused" {
    for arguments in "-x" "plot" "a.svg b.svg"; do
        kit_run -2 ch16 $arguments
        assert_output "usage: ./ch16 [FILE.svg]"
    done
    kit_run -0 ch16 --help
    assert_output "usage: ./ch16 [FILE.svg]"
    SCALE=fast kit_run -2 ch16
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}

@test "ch16: built without libcurl it names the package and the command, status 77" {
    kit_without ch16 curl/curl.h libcurl libcurl4-openssl-dev
}
