#!/bin/sh
# needs.sh: what a program needs besides the C library.
#
#     sh tools/needs.sh libraries FILE     "-lcurl -lhiredis": those of its libraries that the linker finds here
#     sh tools/needs.sh missing FILE       its packages that are not here; ends with 77 if there are any
#
# A chapter or exercise names its packages in its opening comment, each with its library or its command; a line that
# ends with a comma goes on in the next:
#
#      * Packages: libcurl4-openssl-dev (-lcurl), gnuplot-nox (gnuplot), redis-server
#
# Without brackets the command is called as the package is.

[ $# = 2 ] && [ -r "$2" ] || { echo "usage: needs.sh libraries|missing FILE" >&2; exit 2; }

# is_here -lNAME|COMMAND
is_here() {
    case $1 in
    -l*) echo 'int main(void) { return 0; }' | ${CC:-gcc} -xc - -o /dev/null "$1" 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

libraries= missing=
for need in $(awk '/\*\// { exit } sub(/^ \* Packages: /, "") { on = 1 } on { sub(/^ \* */, ""); print; on = /,$/ }' "$2" |
    sed 's/ *(/=/g; s/)//g; s/,/ /g'); do
    package=${need%%=*} thing=${need#*=}
    if ! is_here "$thing"; then
        missing="$missing $package"
    else
        case $thing in -l*) libraries="$libraries $thing" ;; esac
    fi
done
case $1 in
libraries) echo "${libraries# }" ;;
missing)
    [ -z "$missing" ] || { echo "${missing# }"; exit 77; }
    ;;
*) exit 2 ;;
esac
