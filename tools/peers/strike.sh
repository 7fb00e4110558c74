#!/bin/sh
# strike.sh SIGNAL group|alone COMMAND...: becomes COMMAND, and sends it a signal once two tasks have begun.
#
# It is the leader of a session of its own (build/run), so "group" is what a terminal does for Ctrl+C: the signal goes
# to the caller and all workers. Whoever strikes ignores SIGINT, as everything a script starts with & does.

signal=$1
case $2 in
group) target=-$$ ;;
*) target=$$ ;;
esac
shift 2
exec 3<>ready # before the command starts: a pipe nobody has open forgets what was written
{
    read -r _ <&3
    read -r _ <&3
    sleep "0.$(($$ % 6))" # as people press Ctrl+C: at any moment
    [ -e finished ] || : >struck # too late is as good as never
    kill -s "$signal" -- "$target"
} &
exec "$@" 3<&-
