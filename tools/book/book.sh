#!/bin/sh
# book.sh - makes the book as pages, in $BUILD/book: one for each chapter, to be read from the disk, without a network.
#
# usage: BUILD=build VERSION=1.0.0 sh tools/book/book.sh [BOOK]
#
# The reference is made first: the pages link to it, and it links to them.
#
# Exit status: 0; 1 if a link leads nowhere or a picture is missing, each with its line; 77 if a package is missing.

set -eu
cd "$(dirname "$0")/../.."

BUILD=${BUILD:-build}
out=$BUILD/book

if ! command -v pandoc >/dev/null; then
    echo 'make book needs the package pandoc. To install it: sh tools/setup.sh tests' >&2
    exit 77
fi

rm -rf "$out"
mkdir -p "$out/figures"
sh tools/book/reference.sh
cp tools/book/book.css tools/book/search.js "$out"
book=${1:-book.md}
if ! pandoc -f gfm -t plain -o /dev/null -M out="$out" -L tools/book/pages.lua "$book" ||
    ! awk -v source="$book" -f tools/book/links.awk "$out"/*.html "$BUILD"/reference/*.html >&2; then
    rm -rf "$out"
    exit 1
fi
echo "the book: $out/index.html"
