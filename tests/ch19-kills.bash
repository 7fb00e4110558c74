#!/bin/bash
# Kills chapter 19's program again and again while it works off a list of 300 pages, and counts what is lost.
#
# usage: ch19-kills.bash KIT KILLS [PROGRAM]; ends with 1 if anything is lost. It works in the folder it is started in.

kit=$1 kills=$2 program=$1/${3:-ch19} urls=300
redis() { redis-cli -s redis.sock "$@"; }
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf redis.sock appendonlydir server' EXIT

redis-server --port 0 --unixsocket redis.sock --save '' --appendonly yes >/dev/null &
"$kit/build/server" --port 0 >server &
until [ -s server ] && redis ping >/dev/null 2>&1; do sleep 0.01; done
at=$(sed 's/.*\(http:[^ ]*\).*/\1/' server)
for ((i = 0; i < urls; i++)); do echo "RPUSH urls $at/page/$i"; done | redis >/dev/null

# lost: how many pages are in no list and in no set.
lost() {
    echo $((urls - $({ redis smembers done; redis smembers bad; redis lrange urls 0 -1; redis lrange doing 0 -1; } |
        grep /page/ | sort -u | wc -l)))
}

worst=0
for ((k = 1; k <= kills; k++)); do
    "$program" redis.sock >/dev/null 2>&1 &
    until (($(redis scard done) >= k * 10 + RANDOM % 10)); do :; done
    kill -KILL $!
    wait $! 2>/dev/null
    now=$(lost)
    ((now <= worst)) || worst=$now
done
"$program" redis.sock >/dev/null
echo "$kills kills: $worst lost each time; at the end $(redis scard done) done," \
    "$(($(redis llen urls) + $(redis llen doing))) listed"
((worst == 0))
