#!/bin/sh
# reference.sh - makes the reference of pool/pool.h as pages, in $BUILD/reference.
#
# usage: BUILD=build VERSION=1.0.0 sh tools/book/reference.sh [HEADER]
#
# What the header begins with becomes the front page, each of its "@name" sections a page. The pages are Doxygen's. If
# there is a book beside it, in $BUILD/book, each page links to that.
#
# Exit status: 0; 1 if a comment is wrong: each mistake with its line; 77 if a package is missing.

set -eu
cd "$(dirname "$0")/../.."

header=${1:-pool/pool.h}
out=${BUILD:-build}/reference
theme=/usr/share/doxygen-awesome-css # in the package of that name

if ! command -v doxygen >/dev/null || [ ! -d $theme ]; then
    echo 'make reference needs the packages doxygen and doxygen-awesome-css.' \
        'To install them: sh tools/setup.sh tests' >&2
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$out"
mkdir -p "$out"

# The header as Doxygen is to read it, line by line: "@name Open, close @{" begins a group that has a page; a struct that
# is only declared gets a body, without which the comment behind it would be dropped.
cat >"$work/filter.sed" <<'END'
s/@file pool.h/@mainpage pool.h: process pools in C/
s/@brief //
/@name /{
  h
  s/.*@name \(.*[a-z]\) *@{.*/\1/
  s/[^A-Za-z]\{1,\}/_/g
  y/ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz/
  G
  s/\(.*\)\n\(.*@\)name \(.*[a-z]\) *@{/\2defgroup \1 \3\
@{/
}
s|^struct \([a-z_]*\); */\*\*<\(.*\)\*/|/**\2*/ struct \1 {};|
END

cp tools/book/layout.xml tools/book/reference.html "$work"
[ -d "$out/../book" ] || sed -i '/book\/index.html/d' "$work/layout.xml" "$work/reference.html"

# run SETTING...: Doxygen with these settings beside those of the Doxyfile.
run() {
    {
        cat tools/book/Doxyfile
        printf '%s\n' "INPUT = $header" "$@"
    } >"$work/Doxyfile"
    doxygen "$work/Doxyfile" 2>"$work/said" || {
        sed "s|^$PWD/||" "$work/said" >&2
        rm -rf "$out"
        exit 1
    }
}

# First it only looks for mistakes, without groups and "@file": with them it overlooks members that have no comment.
run "OUTPUT_DIRECTORY = $work" 'GENERATE_HTML = NO' 'GENERATE_XML = YES' \
    'INPUT_FILTER = "sed -e s/@file.*// -e s/@name[^@]*// -e s/@[{}]//"'
run "OUTPUT_DIRECTORY = $out" "GENERATE_TAGFILE = $out/pool.tag" "PROJECT_NUMBER = ${VERSION-}" \
    "INPUT_FILTER = \"sed -f $work/filter.sed\"" "LAYOUT_FILE = $work/layout.xml" "HTML_FOOTER = $work/reference.html" \
    "HTML_EXTRA_STYLESHEET = $theme/doxygen-awesome.css $theme/doxygen-awesome-sidebar-only.css" \
    'HTML_EXTRA_STYLESHEET += tools/book/reference.css'

# A parameter called pool is not the struct of that name, one heading is Doxygen's own, and nobody asks for the page of
# a folder.
sed -i 's|\*<a class="el" [^>]*>pool</a>|*pool|g; s|Data Structure Documentation</h2>|Structs in full</h2>|' \
    "$out"/group__*.html
rm -f "$out"/dir_*

# The front page begins with the way to the calls.
ways=$(sed -n 's|.*\[ "\(.*\)", "\(group__.*html\)".*|<a href="\2">\1</a>|p' "$out/modules.js" | paste -sd ';')
sed -i "s|<div class=\"textblock\">|&<p>$ways</p>|; s|</a>;|</a> \&middot; |g" "$out/index.html"
