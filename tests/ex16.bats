# Exercise 16: fetch_all() has all pages of a server fetched at once, each page once.
#
# The server is the slow page server (chapters/server.c), outside the box; its Unix socket is brought in. Its items follow
# from the seed, so nobody in the box knows them. Its log has a line for each request: connection, peer, target, status,
# and how many were inside.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 16
}

# serve TOTAL [OPTION...]: a server with so many items, for the next run.
serve() {
    socket=$BATS_TEST_TMPDIR/web.sock log=$BATS_TEST_TMPDIR/log total=$1
    rm -f "$socket" "$log"
    beside server --unix "$socket" --total "$1" --seed "$SEED" --log "$log" "${@:2}"
    until [[ -S $socket ]]; do kill -0 "$beside" || return; done
    chmod 777 "$socket" # nobody in the box is its owner
    options=(-b "$socket=web.sock")
}

# fetch WORKERS: runs it on that server, which ends then.
fetch() {
    run_answer "$1" web.sock
    no_more_beside
    came_to_an_end
}

# pages [P]...: each page is there, with its own items, but these.
pages() {
    local p line=()
    mapfile -t line < <(ours server --tell "$total" --seed "$SEED" | grep -oE '[0-9]+' |
        awk '{ sum += $1; n++ } n == 200 { printf form, ++p, n, sum; n = sum = 0 } END { if (n) printf form, ++p, n, sum }' \
            form='page %d: %d items, sum %.0f\n')
    for p; do unset "line[p - 1]"; done
    (($# == 0)) || line=("fetch_all returned -1" "${line[@]}")
    printed "${line[@]}"
}

# requests: the targets that pages were asked for by, a line each.
requests() {
    [[ ! -e $log ]] || awk '$3 !~ /count=1$/ { print $3 }' "$log"
}

# each_once N: pages 1 to N are asked for, each once, and no other.
each_once() {
    local p times
    for ((p = 1; p <= $1; p++)); do
        times=$(requests | grep -cxF "/api?page=$p&count=200" || true)
        ((times == 1)) || want page-asked "$times"
        ((times == 1)) || wrong "page $p is asked for once" "$times times"
    done
    times=$(requests | grep -vxE "/api\?page=([1-9]|[1-9][0-9]+)&count=200" | head -n 1)
    [[ -z $times ]] || wrong "only pages of 200 are asked for" "$times"
    times=$(requests | wc -l)
    want pages "$1"
    want pages-asked "$times"
    ((times == $1)) || wrong "$1 pages are asked for" "$times, the last of them without items"
}

# bats test_tags=points:2
@test "own-connection: each process asks through a connection of its own" {
    local processes connections
    serve 450
    fetch 1
    processes=$(grep -E '^w[0-9]+ asks ' "$run/log" | cut -d' ' -f1 | sort -u | wc -l)
    connections=$(cut -d' ' -f1 "$log" 2>/dev/null | sort -u | wc -l)
    want connections-short $((processes - connections))
    ((connections >= processes)) || wrong "$processes processes ask through as many connections" "$connections"
    returned 0
}

# bats test_tags=points:2
@test "every-page-once: all pages are there, the first and the last" {
    local some
    random some 2 9
    for total in $((some * 200 - 1)) $((some * 200 + 1)) 7; do
        serve "$total"
        fetch 3
        returned 0
        pages
        each_once $(((total + 199) / 200))
    done
}

# bats test_tags=points:2
@test "no-page-too-many: where the last page is full, no page without items is asked for" {
    local some
    random some 2 9
    for total in $((some * 200)) 200 0; do
        serve "$total"
        fetch 2
        returned 0
        pages
        each_once $((total / 200))
    done
}

# bats test_tags=points:2
@test "at-once: as many pages are asked for at once as there are workers, and not more" {
    local most processes workers
    for workers in 4 3; do
        serve $((workers * 400)) --together "$workers"
        fetch "$workers"
        most=$(awk '$3 !~ /count=1$/ && $5 > most { most = $5 } END { print most + 0 }' "$log")
        want at-once "$workers"
        want were-at-once "$most"
        ((most >= workers)) || wrong "$workers pages are asked for at once" "$most"
        processes=$(grep -E '^w[0-9]+ asks .*count=200$' "$run/log" | cut -d' ' -f1 | sort -u | wc -l)
        want workers "$workers"
        ((processes == workers)) || wrong "$workers processes ask for pages" "$processes"
        returned 0
        pages
    done
}

# bats test_tags=points:2
@test "status: a page with another status, or cut off, is not taken for one, and is no harm to the others" {
    for what in 'page=3& status=503' 'page=1&count=200 status=404' 'page=6& cut=60'; do
        serve 1100 --when "${what% *}" --then "${what##* }"
        fetch 3
        returned -1
        p=${what#page=}
        pages "${p%%&*}"
        each_once 6
    done
}

# bats test_tags=points:1
@test "no-total: where the total cannot be had, no page is asked for" {
    serve 900 --when 'count=1' --then status=500
    fetch 2
    returned -1
    printed "fetch_all returned -1"
    each_once 0
}

# bats test_tags=points:2
@test "nothing-left: no process, descriptor or memory is left" {
    serve 900
    fetch 3
    returned 0
    nothing_left 1024 # curl keeps some for the next time
}
