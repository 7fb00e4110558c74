# Exercise 14: workers_for() says how many workers a pool is to have.

bats_require_minimum_version 1.5.0
load exercise

setup_file() {
    exercise 14
}

# The cores that this test may use, and so the answer: the box binds nobody.
cores() {
    nproc
}

# judge CPU WAIT ITEMS BYTES_EACH BYTES_FREE: asks, and looks at the answer: rounded up or down, both are right.
judge() {
    local least most
    ask "$@"
    read -r least most < <(awk -v cores="$(cores)" -v cpu="$1" -v wait="$2" -v items="$3" -v each="$4" -v free="$5" 'BEGIN {
        wanted = cores * (cpu + wait) / cpu
        least = int(wanted)
        if (wait > 0 && wanted - least < 1e-9 * wanted) least-- # as a computer divides
        most = int(wanted + 1e-9 * wanted)
        most += most < wanted
        limit = items
        if (each > 0 && int(free / each) < limit) limit = int(free / each)
        if (limit < 1) limit = 1
        if (most > limit) most = limit
        if (least > limit) least = limit
        printf "%.0f %.0f\n", least, most
    }')
    [[ ${lines[0]-} =~ ^-?[0-9]+$ && ${lines[0]} -ge $least && ${lines[0]} -le $most ]] && return
    want workers-least "$least"
    want workers-most "$most"
    [[ ! ${lines[0]-} =~ ^-?[0-9]+$ ]] || want workers-said "${lines[0]}"
    ((least < most)) && least="$least or $most"
    wrong "$least workers, with $(cores) cores" "${lines[0]-nothing}"
}

# bats test_tags=points:1
@test "computing: who only computes needs a worker for each core" {
    judge 0.4 0 5000 1000 1000000000
    judge 12 0 800 1 1000000000
}

# bats test_tags=points:3
@test "waiting-work: who also waits needs more" {
    random wait 2 40
    judge 1 "$wait" 100000 1000 1000000000
    judge 0.003 0.3 100000 1000 1000000000
    judge 0.5 0.25 100000 1000 1000000000
}

# bats test_tags=points:2
@test "hundred-for-ten: there are not more workers than items" {
    random items 1 12
    judge 0.001 5 "$items" 1000 1000000000
    judge 5 0 1 1000 1000000000
}

# bats test_tags=points:2
@test "memory: all of them find room" {
    random room 2 30
    judge 0.001 5 100000 1000000 $((room * 1000000 + 999999))
    judge 0.001 5 100000 4096 $((room * 4096))
    judge 0.01 1 300 0 0
}

# bats test_tags=points:1
@test "at-least-one: there is one worker, also where there is room for none" {
    judge 0.5 0.5 10 1000000 999999
    judge 0.5 0.5 10 1 0
}

# bats test_tags=points:3
@test "one-core: what counts are the cores that this process may use" {
    local first
    first=$(taskset -pc $BASHPID | sed 's/.*: *//; s/[-,].*//')
    taskset -pc "$first" $BASHPID >/dev/null
    random wait 2 40
    judge 1 0 5000 1 1000000000
    judge 1 "$wait" 5000 1 1000000000
}
