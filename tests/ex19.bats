# Exercise 19: take_and_do() takes a number out of Redis in such a way that it is lost to nobody, whoever is killed.
#
# Redis is outside the box, its socket is brought in. Whoever is in the box may take, put and note, in "todo", "doing", "done"
# and "failed", and nothing else. The test looks as another user, and the answers come from the witness.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 19
}

# redis [ARG...]: a command, as a user who may do everything; nobody in the box knows the password.
redis() {
    REDISCLI_AUTH=$password timeout 5 redis-cli -s "$socket" --user test "$@"
}

# serve [RIGHT...]: a Redis with these numbers to do, for the next run; a RIGHT such as -sadd is taken from the box.
serve() {
    password=$RANDOM$RANDOM$RANDOM socket=$BATS_TEST_TMPDIR/redis.sock
    beside redis-server --port 0 --unixsocket "$socket" --unixsocketperm 777 --save '' \
        --user test on ">$password" '~*' '&*' +@all \
        --user default on nopass '~todo' '~doing' '~done' '~failed' -@all +@list +@set +multi +exec +ping +hello +client "$@"
    until redis ping >/dev/null 2>&1; do kill -0 "$beside" || return; done
    redis rpush todo "${number[@]}" >/dev/null
    options=(-b "$socket=redis.sock")
}

# work WORKERS: runs it on that Redis, and looks what is in it then.
work() {
    run_answer "$1" redis.sock
    left=$(redis llen todo) doing=$(redis llen doing)
    mapfile -t done < <(redis smembers done | grep . | sort)
    mapfile -t failed < <(redis smembers failed | grep . | sort)
    mapfile -t listed < <({ redis lrange todo 0 -1; redis lrange doing 0 -1; } | grep . | sort)
    no_more_beside
    came_to_an_end
}

# all_done [NUMBER]...: each number is in "done", with its answer, but these are in "failed"; and none is in a list.
all_done() {
    local i one want_done=() want_failed=()
    answers_to "${number[@]/#/ask }"
    for i in "${!number[@]}"; do
        one=${number[i]}
        if [[ " $* " == *" $one "* ]]; then want_failed+=("$one"); else want_done+=("$one=${answer[i]}"); fi
    done
    want still-listed $((left + doing))
    ((left + doing == 0)) || wrong "no number is left in a list" "$left in todo, $doing in doing"
    lost=$((${#number[@]} - ${#done[@]} - ${#failed[@]}))
    want lost "$lost"
    same done "${want_done[@]}"
    same failed "${want_failed[@]}"
}

# same SET MEMBER...: this set has these members.
same() {
    local -n set=$1
    local got wanted
    got=$(printf '%s\n' "${set[@]}" | sort) wanted=$(printf '%s\n' "${@:2}" | sort)
    [[ $got == "$wanted" ]] || wrong "$1: $(diff <(echo "$got") <(echo "$wanted") | grep -m 1 '^[<>]' | sed 's/^< .*/nothing more/; s/^> //')" \
        "$(diff <(echo "$got") <(echo "$wanted") | grep -m 1 '^[<>]' | sed 's/^> .*/it is not there/; s/^< //')"
}

# bats test_tags=points:2
@test "all-done: each number is asked about once, and its answer noted" {
    numbers 12 1 3000000000
    serve
    work 3
    returned 0
    all_done
    asked_once 12
}

# bats test_tags=points:3
@test "killed-while-working: the number is still listed when a worker is killed at it" {
    numbers 9 1 1000000
    rules "kill ${number[0]}" "kill ${number[5]}"
    serve
    work 2
    returned 0
    all_done
}

# bats test_tags=points:2
@test "killed-before-done: it is not out of the list before it is noted" {
    numbers 6 1 1000000
    serve -sadd
    work 2
    returned -1
    lost=$((6 - ${#listed[@]}))
    want lost "$lost"
    ((${#listed[@]} == 6)) || wrong "Redis takes no note: all 6 numbers are still listed" "${#listed[@]}"
}

# bats test_tags=points:2
@test "four-bad: what cannot be answered is noted as failed, and ends nobody" {
    numbers 12 1 1000000
    rules "fail ${number[1]} bad" "fail ${number[3]} bad" "fail ${number[4]} bad" "fail ${number[8]} bad"
    serve
    work 4
    returned 0
    all_done "${number[1]}" "${number[3]}" "${number[4]}" "${number[8]}"
    asked_once 12
}

# bats test_tags=points:2
@test "side-by-side: as many workers work at the same time as there are, each at its own number" {
    numbers 8 1 1000000
    rules "hold ask until 4 inside"
    serve
    work 4
    inside 4
    returned 0
    all_done
    asked_once 8
}

# bats test_tags=points:1
@test "in-order: the number that waits longest is taken first" {
    numbers 5 1 1000000
    serve
    work 1
    returned 0
    local order
    order=$(grep -oE '^w[0-9]+ ask [0-9]+' "$run/log" | cut -d' ' -f3 | tr '\n' ' ')
    [[ $order == "${number[*]} " ]] || want order other
    [[ $order == "${number[*]} " ]] || wrong "they are asked in the order of the list: ${number[*]}" "$order"
    all_done
}

# bats test_tags=points:1
@test "nothing-left: no process, descriptor or memory is left" {
    numbers 6 1 1000000
    serve
    work 3
    returned 0
    nothing_left
}
