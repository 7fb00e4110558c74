#!/bin/sh
# floors.sh - nobody in pool/ calls upwards.
#
# usage: sh tools/floors.sh OBJECT...     from the ground floor up, as the Makefile lists them
#
# Exit status: 0; 1 if an object uses a name that one above it defines: each is told.

for object; do
    nm -g "$object" | sed "s|^|${object##*/} |"
done | awk '
NF == 4 { at[$4] = $1 }                     # defined here
NF == 3 { wants[++n] = $1; name[n] = $3 }   # used here
!($1 in floor) { floor[$1] = ++floors }
END {
    for (i = 1; i <= n; i++)
        if (name[i] in at && floor[at[name[i]]] > floor[wants[i]]) {
            print wants[i] " calls up: " name[i] "() is in " at[name[i]]
            bad = 1
        }
    exit bad
}'
