# The slow page server (chapters/server.c), as a program of its own: what it serves, what bad clients cannot do to it,
# and that nothing of it is left. Whoever was at once with whom is made so by clients that have sent half of a request.
bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build server
    command -v curl >/dev/null || skip "needs curl"
}

# serve ARG...: starts the server under the runner, in an empty folder; sets $where, the first line that it prints, and
# $server, its pid. Its folder must be empty again in the end.
serve() {
    dir=$BATS_TEST_TMPDIR/dir log=$BATS_TEST_TMPDIR/log
    mkdir -p "$dir"
    : >"$BATS_TEST_TMPDIR/out"
    (cd "$dir" && exec "$KIT/build/run" "${judge:--l}" -t60 -w . "$KIT/build/server" --log "$log" "$@") \
        >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    runner=$!
    until_true '[ -s "$BATS_TEST_TMPDIR/out" ]'
    read -r where <"$BATS_TEST_TMPDIR/out"
    server=$(children "$runner")
}

children() {
    local pids
    pids=$(cat /proc/"$1"/task/"$1"/children 2>/dev/null) && echo ${pids% }
}

# The processes of the connections.
connections() {
    children "$(children "$server")"
}

# until_true COMMAND: within half a minute.
until_true() {
    for ((i = 0; i < 3000; i++)); do
        ! eval "$1" || return 0
        sleep 0.01
    done
    echo "never: $1" >&2
    return 1
}

# ended STATUS: the server has ended with that status, and has left neither a process nor a file.
ended() {
    local status=0
    wait "$runner" || status=$?
    cat "$BATS_TEST_TMPDIR/err" >&2
    assert_equal "$status" "$1"
}

stop() {
    kill -TERM $server
    ended 0
}

teardown() {
    kill -KILL ${server-} 2>/dev/null || true
    [ -z "${runner-}" ] || kill -TERM "$runner" 2>/dev/null || true
}

# get PATH...: over whatever the server listens on.
get() {
    local over=() path
    [[ $where == http* ]] || over=(--unix-socket "$dir/$where")
    for path; do over+=("${base:=$([[ $where == http* ]] && echo "$where" || echo http://localhost)}$path"); done
    curl -sS --max-time 30 "${over[@]}"
}

# call: a connection by hand, to fd $fd. hang_up: closes it.
call() { exec {fd}<>/dev/tcp/127.0.0.1/"${where##*:}"; }
hang_up() { exec {fd}>&-; }

# answer FD: what comes until the server closes the connection.
answer() { timeout 20 cat <&"$1"; }

@test "server: with a seed the items are numbers that follow from it, and --tell tells the same" {
    serve --unix here.sock --total 3 --seed 41
    run -0 "$KIT/build/server" --seed 41 --tell 3
    assert_line -n 2 --regexp '^[0-9]{9,13}$'
    told="[$(paste -sd, <<<"$output")]"
    run -0 get /api
    assert_output "{\"total\":3,\"page\":1,\"count\":200,\"items\":$told}"
    run -0 "$KIT/build/server" --seed 42 --tell 3
    assert_not_equal "[$(paste -sd, <<<"$output")]" "$told"
    stop
}

@test "server: pages and a paged API over a Unix socket, on one connection; the log tells which, and who asked" {
    serve --unix here.sock --total 401
    assert_equal "$where" here.sock
    run -0 get "/api?page=1&count=3" "/api?page=3" "/api?page=4" /page/7
    assert_output - <<'END2'
{"total":401,"page":1,"count":3,"items":[0,1,2]}
{"total":401,"page":3,"count":200,"items":[400]}
{"total":401,"page":4,"count":200,"items":[]}
Page 7 of the slow server.
END2
    curl -sS --unix-socket "$dir/here.sock" http://localhost/page/8 &
    local pid=$!
    wait $pid
    run -0 sed -E 's/^1 [1-9][0-9]* /1 <curl> /' "$log"
    assert_output - <<END2
1 <curl> /api?page=1&count=3 200 1
1 <curl> /api?page=3 200 1
1 <curl> /api?page=4 200 1
1 <curl> /page/7 200 1
2 $pid /page/8 200 1
END2
    stop
}

@test "server: the same over TCP, for this machine only; a port that is taken and a socket that is there are named" {
    serve --port 0
    run -0 echo "$where"
    assert_output --regexp '^http://127\.0\.0\.1:[1-9][0-9]+$'
    run -0 get "/api?page=10&count=200" /page/1
    assert_output --regexp $'^\\{"total":2000,"page":10,"count":200,"items":\\[1800,1801,.*,1999\\]\\}\nPage 1 of'
    grep -q "0100007F:$(printf %04X "${where##*:}") 00000000:0000 0A" /proc/net/tcp # listens at 127.0.0.1
    kit_run -1 build/server --port "${where##*:}"
    assert_output "server: the port: Address already in use"
    stop
    touch "$BATS_TEST_TMPDIR/old"
    kit_run -1 build/server --unix "$BATS_TEST_TMPDIR/old"
    assert_output "server: $BATS_TEST_TMPDIR/old: Address already in use"
    assert [ -e "$BATS_TEST_TMPDIR/old" ]
    long=$(printf %0200d 1)
    kit_run -1 build/server --unix "$long"
    assert_output "server: $long: File name too long"
}

@test "server: another status, for the first requests only, a body that is cut, and what a page is told from outside" {
    serve --port 0 --when page=2 --then 'status=500'
    run -0 get '/page/1?status=503&first=2' '/page/1?status=503&first=2' '/page/1?status=503&first=2'
    assert_output $'503 Service Unavailable\n503 Service Unavailable\nPage 1 of the slow server.'
    run -18 get '/page/1?cut=6'
    assert_line "Page 1"
    assert_line --partial "curl: (18)"
    run -0 get '/api?page=1&count=1' '/api?count=1&page=2' '/api?page=3&count=1'
    assert_output $'{"total":2000,"page":1,"count":1,"items":[0]}\n500 As You Asked\n{"total":2000,"page":3,"count":1,"items":[2]}'
    stop
}

@test "server: what it does not have or does not do is 404, 400 or 405" {
    serve --port 0
    for ask in "404 /" "404 /apia" "404 /page/" "400 /api?page=0" "400 /api?count=0" "400 /api?count=1001" "405 /api -d1"; do
        read -r expected path data <<<"$ask"
        run -0 curl -sS -o /dev/null -w '%{http_code}' --max-time 20 $data "$where$path"
        [ "$output" = "$expected" ] || fail "$ask: $output"
    done
    stop
}

@test "server: requests that come byte by byte, and two at once on one connection, are answered" {
    serve --port 0
    call
    request=$'GET /page/1 HTTP/1.1\r\nHost: here\r\n\r\nGET /page/2 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n'
    for ((i = 0; i < 30; i++)); do
        printf %s "${request:i:1}" >&$fd
        sleep 0.01
    done
    printf %s "${request:30}" >&$fd
    run -0 answer $fd
    assert_output --regexp $'^HTTP/1.1 200 OK.*\nPage 1 of.*HTTP/1.1 200 OK.*Connection: close.*\nPage 2 of'
    hang_up
    stop
}

@test "server: half requests, and clients that say nothing, hinder nobody, and are sent away when their time is over" {
    serve --port 0 --patience 1
    local half=()
    for i in 1 2 3; do
        call
        half+=($fd)
        [ $i = 3 ] || printf 'GET /page/%s HTT' $i >&$fd
    done
    run -0 get /page/9
    assert_output "Page 9 of the slow server."
    for fd in "${half[@]}"; do
        run -0 answer "$fd"
        assert_output ""
        hang_up
    done
    until_true '[ -z "$(connections)" ]'
    call # half a request, and gone
    printf 'GET /' >&$fd
    hang_up
    run -0 get /page/10
    stop
}

@test "server: garbage gets 400, a request that is too long 431, a client that does not listen nothing; it serves on" {
    serve --port 0
    for garbage in 'hello\r\n\r\n' '\r\n\r\n' 'GET\r\n\r\n' 'GET page HTTP/1.1\r\n\r\n' 'GET / HTTP/2\r\n\r\n' '\0\377\1\r\n\r\n' \
        'get /page/1 HTTP/1.1\r\n\r\n' 'GETGETGETGETGETGETGET / HTTP/1.1\r\n\r\n'; do
        call
        printf "$garbage" >&$fd
        run -0 answer $fd
        assert_output --partial "HTTP/1.1 400 Bad Request"
        hang_up
    done
    for long in "GET /$(printf %0100000d 1) HTTP/1.1" "GET / HTTP/1.1"$'\r\n'"X: $(printf %09000d 1)"; do
        call
        printf '%s\r\n\r\n' "$long" >&$fd
        run -0 answer $fd
        assert_output --partial "HTTP/1.1 431 "
        hang_up
    done
    call # asks ten thousand times and reads nothing
    { for ((i = 0; i < 10000; i++)); do printf 'GET /api?count=1000 HTTP/1.1\r\n\r\n' || break; done >&$fd; } 2>/dev/null &
    sender=$!
    run -0 get /page/1
    assert_output "Page 1 of the slow server."
    stop
    hang_up
    wait $sender || true
}

@test "server: 200 connections at once, each with a process; all are answered" {
    serve --port 0
    local all=()
    for ((i = 1; i <= 200; i++)); do
        call
        printf "GET /page/$i HTTP/1.1\r\n" >&$fd
        all+=($fd)
    done
    until_true '[ "$(connections | wc -w)" = 200 ]'
    for fd in "${all[@]}"; do printf 'Connection: close\r\n\r\n' >&$fd; done
    for ((page = 1; page <= 200; page++)); do
        fd=${all[page - 1]}
        run -0 answer "$fd"
        assert_output --partial "Page $page of the slow server."
        hang_up
    done
    assert_equal "$(cut -d' ' -f1,3 "$log" | sort -u | wc -l)" 200
    until_true '[ -z "$(connections)" ]'
    stop
}

@test "server: more connections than it has places for wait outside" {
    ulimit -n 4096 || skip "needs 4096 descriptors"
    serve --port 0
    local all=()
    for ((i = 1; i <= 1100; i++)); do
        call
        all+=($fd)
    done
    until_true '[ "$(connections | wc -w)" = 1024 ]'
    printf 'GET /page/1100 HTTP/1.1\r\nConnection: close\r\n\r\n' >&$fd
    for fd in "${all[@]:0:100}"; do hang_up; done
    run -0 answer "${all[1099]}"
    assert_output --partial "Page 1100 of the slow server."
    for fd in "${all[@]:100}"; do hang_up; done
    stop
}

@test "server: --together answers when so many wait, and tells how many they were; nobody waits for what does not come" {
    serve --port 0 --together 4
    local all=()
    for i in 1 2 3 4 5; do
        call
        printf "GET /page/$i HTTP/1.1\r\n" >&$fd
        all+=($fd)
    done
    until_true '[ "$(connections | wc -w)" = 5 ]'
    for fd in "${all[@]:0:4}"; do printf 'Connection: close\r\n\r\n' >&$fd; done
    for fd in "${all[@]:0:4}"; do
        run -0 answer "$fd"
        assert_output --partial "Page "
    done
    printf 'Connection: close\r\n\r\n' >&"${all[4]}"
    run -0 answer "${all[4]}"
    assert_output --partial "Page 5 "
    for fd in "${all[@]}"; do hang_up; done
    run -0 cut -d' ' -f5 "$log"
    assert_output $'4\n4\n4\n4\n1'
    stop
}

@test "server: one at a time: four turns of 50 ms take no less than 200, and a killed one gives its turn back" {
    serve --port 0 --alone 50
    start=$(date +%s%N)
    curl -sS --max-time 30 -Z "$where/page/[1-4]" >/dev/null 2>&1
    took=$((($(date +%s%N) - start) / 1000000))
    kit_that 'took >= 200'
    get '/page/5?alone=600000' 2>/dev/null &
    local hers=$! its
    until_true 'its=$(connections) && [ -n "$its" ] && grep -qE "POSIX +ADVISORY +WRITE +$its " /proc/locks'
    get /page/6 >"$BATS_TEST_TMPDIR/six" &
    until_true '[ "$(connections | wc -w)" = 2 ] && grep -q -- "-> POSIX" /proc/locks'
    kill -KILL $its
    wait $!
    assert_equal "$(cat "$BATS_TEST_TMPDIR/six")" "Page 6 of the slow server."
    run -52 wait $hers # no reply
    stop
}

@test "server: Ctrl+C, TERM and HUP end it, with requests under way and halves of some; nothing is left" {
    kit_run -0 tests/tty.exp -e http://127 -c -- "$KIT/build/server" --port 0
    kit_run -0 tests/tty.exp -e here.sock -c -- "$KIT/build/server" --unix here.sock
    for signal in INT TERM HUP; do
        serve --unix here.sock
        get '/page/1?latency=600000' >/dev/null 2>&1 &
        get '/page/2?alone=600000' >/dev/null 2>&1 &
        until_true '[ "$(connections | wc -w)" = 2 ]'
        kill -$signal $server
        ended 0
        wait
    done
}

@test "server: kill -9, of the program or of its server: the connections end, nothing is left, not even the socket" {
    for of in program server; do
        judge=-r serve --unix here.sock # only of the living: a killed one waits for nobody
        get '/page/1?latency=600000' >/dev/null 2>&1 &
        until_true '[ "$(connections | wc -w)" = 1 ]'
        if [ $of = program ]; then
            kill -KILL $server
            ended 137
        else
            kill -KILL $(children $server)
            ended 1
        fi
        wait
    done
}

@test "server: a word that is none of its options, or no number, is refused; --help tells them" {
    kit_run -0 build/server --help
    assert_output --partial "usage: ./build/server --unix PATH | --port N"
    for arguments in "" "-h" "--port" "--port 0 --unix s" "--port 65536" "--port 0 --slow 1" "--latency 5"; do
        kit_run -2 build/server $arguments
        assert_output --partial "usage: ./build/server"
    done
    for number in -1 1s "" 1e3 5000000000; do
        kit_run -2 build/server --port 0 --latency "$number"
        assert_output "server: --latency $number: not a number from 0 on"
    done
}
