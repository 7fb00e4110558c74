# make book and make reference: the book and pool.h as pages, pool.h as man pages.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    export PAGES=$BATS_FILE_TMPDIR/build # made once, for all tests that only look
    cd "$KIT"
    ! has_tools || { BUILD=$PAGES VERSION=1.0.0 sh tools/book/book.sh && make -s man BUILD="$PAGES"; } \
        >"$BATS_FILE_TMPDIR/said" 2>&1 3>&- || echo failed >"$BATS_FILE_TMPDIR/failed"
}

setup() {
    cd "$KIT"
    has_tools || skip "package $missing"
    [ ! -e "$BATS_FILE_TMPDIR/failed" ] || {
        cat "$BATS_FILE_TMPDIR/said"
        return 1
    }
}

has_tools() {
    missing=
    command -v pandoc >/dev/null || missing=pandoc
    command -v doxygen >/dev/null || missing=doxygen
    [ -d /usr/share/doxygen-awesome-css ] || missing=doxygen-awesome-css
    [ -z "$missing" ] || return 1
}

# book MARKDOWN: makes a book of that, with a build folder of its own.
book() {
    printf '# A book\n\nSee chapter 1.\n\n## Chapter 1: first\n\n%b\n\n## Glossary\n\n### A word\n' "$1" \
        >"$BATS_TEST_TMPDIR/book.md"
    BUILD=$BATS_TEST_TMPDIR/build sh tools/book/book.sh "$BATS_TEST_TMPDIR/book.md"
}

# reference SED-SCRIPT: makes the reference of a pool.h that was changed so.
reference() {
    sed "$1" pool/pool.h >"$BATS_TEST_TMPDIR/pool.h"
    ! cmp -s pool/pool.h "$BATS_TEST_TMPDIR/pool.h" || { echo "'$1' changes nothing"; return 99; }
    BUILD=$BATS_TEST_TMPDIR/build sh tools/book/reference.sh "$BATS_TEST_TMPDIR/pool.h"
}

# The chapters' pages.
chapters() {
    awk -v pages="$PAGES/book" '/^## Chapter [0-9]+: / { printf "%s/ch%02d-%s.html\n", pages, $3, $4 }' book.md
}

@test "the book has a page for each chapter, and for each part behind them" {
    assert [ -n "$(chapters)" ]
    for file in $(chapters); do
        grep -q '<h1 id="chapter-' "$file"
        grep -qF "href=\"${file##*/}\"" "$PAGES/book/index.html"
    done
    run -0 book 'Text.'
    assert [ -e "$BATS_TEST_TMPDIR/build/book/ch01-first.html" ]
    grep -q '<h2 id="a-word"' "$BATS_TEST_TMPDIR/build/book/glossary.html"
}

@test "no link leads nowhere: in the book, from it into the reference, and back" {
    run -0 awk -f tools/book/links.awk "$PAGES"/book/*.html "$PAGES"/reference/*.html
    grep -q 'href="../reference/group__[a-z_]*.html#[a-z0-9]*"[^>]*><code>pool_map</code>' $(chapters)
    grep -q 'href="../book/index.html"' "$PAGES/reference/index.html"
}

@test "the looking for dead links finds some" {
    cp -r "$PAGES/." "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    rm book/ch01*.html
    sed -i 's/id="how-to-follow"//; s|<head>|<head><script src="https://example.org/x.js"></script>|' book/index.html
    echo '<a href="index.html#how-to-follow">' >book/new.html
    run -1 awk -f "$KIT/tools/book/links.awk" book/*.html reference/*.html
    assert_output --partial "book/index.html: ch01-first-pool.html leads to no file"
    assert_output --partial "book/new.html: index.html#how-to-follow leads to no anchor"
    assert_output --partial "book/index.html: https://example.org/x.js is not beside the page"
}

@test "the search knows each section" {
    run -0 book 'Some text.\n\n### Why\n\nBecause "it" is.\n\n```text\na  \\ picture\n```'
    index=$BATS_TEST_TMPDIR/build/book/search-index.js
    grep -qx '\["ch01-first.html","Chapter 1: first","Some text."\],' "$index"
    grep -qxF '["ch01-first.html#why","Chapter 1: first: Why","Because \"it\" is. a \\ picture"]' "$index"
}

@test "every picture is in" {
    pictures=$(grep -o '](chapters/figures/[^)]*)' book.md | sed 's/.*figures.//; s/)//')
    assert [ -n "$pictures" ]
    for picture in $pictures; do
        cmp "chapters/figures/$picture" "$PAGES/book/figures/$picture"
        grep -qF "<img src=\"figures/$picture\"" $(chapters)
    done
}

@test "no mark of a listing shows, and none of its lines is lost" {
    for file in $(chapters) "$PAGES/book/index.html"; do
        run -1 grep -nE '<!--|&lt;!--' "$file"
    done
    run -0 book '<!-- listing: chapters/meet.h meet -->\n```c\nint meet;\n```\n
<!-- transcript: none -->\n```console\n$ ls <x>\n```\n\nText <!-- unseen -->'
    file=$BATS_TEST_TMPDIR/build/book/ch01-first.html
    line=$(grep -n '\[meet\]' chapters/meet.h | head -1)
    grep -q "href=\"chapters-meet.h.html#line-${line%%:*}\">chapters/meet.h</a>" "$file"
    sed 's/<[^>]*>//g' "$file" | grep -qx 'int meet;'
    grep -q '<b>$ ls &lt;x&gt;</b>' "$file"
}

@test "a function named beside its file leads to its line, a chapter's number to its page" {
    run -0 book 'Read `pool_open()` in [open.c](pool/open.c), see [a word](#a-word).'
    file=$BATS_TEST_TMPDIR/build/book/ch01-first.html
    line=$(grep -n '^struct pool \*pool_open(' pool/open.c)
    grep -q "href=\"pool-open.c.html#line-${line%%:*}\"" "$file"
    grep -q 'href="glossary.html#a-word"' "$file"
    grep -q '<p>See chapter <a href="ch01-first.html">1</a>.</p>' "${file%/*}/index.html"
    grep -q "id=\"line-${line%%:*}\"" "$BATS_TEST_TMPDIR/build/book/pool-open.c.html"
}

@test "make book: a link to nowhere and a missing picture are errors with their lines" {
    run -1 book 'A [link](#nowhere) and\n[another](pool/none.c).\n
![a picture](chapters/figures/none.svg) [x](pool/pool.h#L9999)'
    assert_output --partial "book.md:7: #nowhere leads to no anchor"
    assert_output --partial "book.md:8: pool/none.c leads to no file"
    assert_output --partial "book.md:10: chapters/figures/none.svg leads to no file"
    assert_output --partial "ch01-first.html: pool-pool.h.html#line-9999 leads to no anchor"
    run -1 book 'A picture:\n\n![a picture](chapters/figures/none.svg)'
    assert_output --partial "book.md:9: chapters/figures/none.svg leads to no file"
    assert [ ! -e "$BATS_TEST_TMPDIR/build/book" ]
}

@test "make reference: an undocumented parameter, function or member is an error with its line" {
    run -1 reference 's/@param source, state/@param source/'
    assert_output --regexp 'pool.h:[0-9]+:.*pool_imap.*state'
    run -1 reference 's/^int pool_close/int pool_new(void);\n&/'
    assert_output --regexp 'pool.h:[0-9]+:.*pool_close'
    run -1 reference 's|/\*\*< Items of the job. \*/||'
    assert_output --regexp 'pool.h:[0-9]+:.*count'
    run -1 reference 's/@param options       NULL/@param option       NULL/'
    assert_output --regexp 'pool.h:[0-9]+:.*option'
}

# The pages of the functions that pool.h declares.
calls() {
    sed -n 's/^[a-z].*[ *]\(pool_[a-z_]*\)(.*/\1/p' pool/pool.h
}

# section TITLE PAGE: what it says, as text.
section() {
    sed -n "/^\\.SH $1\$/,/^\\.SH/p" "$PAGES/man/$2.3" |
        sed '/^\.SH/d; /^\.PP/d; s/\\f\[[A-Z]\]//g; s/\\\[dq\]/"/g; s/\\\[rs\]/\\/g'
}

@test "each call has a man page, which says what the header says" {
    for call in $(calls); do
        assert [ -s "$PAGES/man/$call.3" ]
        grep -rq "<td class=\"memname\">.*$call " "$PAGES/reference" || grep -rq ">$call<" "$PAGES/reference"/*.html
        assert_equal "$(section SYNOPSIS "$call" | sed -n 2p)" '#include <pool.h>'
        output=$(section SYNOPSIS "$call" | tr -s '\n ' ' ')
        assert_output --regexp "[ *]$call\(.*\);"
    done
    output=$(section NAME pool_map)
    assert_output --regexp '^pool_map \\- Runs the task once for each'
    output=$(section SYNOPSIS pool_map)
    assert_output --partial 'int pool_map(struct pool *pool, pool_task *task, const void *base,
             size_t count, size_t width, void *results,'
    output=$(section PARAMETERS pool_imap)
    assert_output --regexp '^.TP
pool, task
Where to run, and what\.
'
}

@test "a program in a man page is as it is, with its blank lines" {
    awk '/^ \*     #include/, /^ \*     }$/' pool/pool.h | sed 's/^ \*\( \{5\}\)\{0,1\}//' >"$BATS_TEST_TMPDIR/program"
    section DESCRIPTION pool.h | sed -n '/^#include "pool.h"/,/^}/p' | diff "$BATS_TEST_TMPDIR/program" -
}

@test "what a call's page says of its return value and parameters, its section ERRORS explains, and no more" {
    local with=0
    for call in $(calls); do
        named=$({ section 'RETURN VALUE' "$call"; section PARAMETERS "$call"; } | grep -oE '\bE[A-Z]{3,}\b' | sort -u)
        assert_equal "$(section ERRORS "$call" | grep -xE 'E[A-Z]+' | sort)" "$named"
        [ -z "$named" ] || with=$((with + 1))
    done
    kit_that 'with > 10'
    output=$(section ERRORS pool_open)
    assert_output --regexp 'EOWNERDEAD
an initializer failed, its message in the text'
    output=$(section ERRORS pool_queue_put)
    assert_output --regexp 'EINTR
pool_interrupt\(3\) was called'
    sed 's/with EBUSY,/with EBADF,/' pool/pool.h >"$BATS_TEST_TMPDIR/pool.h"
    run -1 pandoc -f markdown -t plain -L tools/book/man.lua -M header="$BATS_TEST_TMPDIR/pool.h" \
        -M out="$BATS_TEST_TMPDIR" -M version=1 /dev/null
    assert_output 'pool.h: pool_join() may fail with EBADF, which is explained nowhere'
}

@test "the reference is in the order of the header, and has no empty pages" {
    expected=$(sed -n 's/.*@name \(.*[a-z]\) *@{.*/\1/p' pool/pool.h)
    titles=$(sed -n 's/.*\[ "\([^"]*\)", "group__.*/\1/p' "$PAGES/reference/modules.js")
    assert_equal "$titles" "$expected"
    output=$(grep -c '<a href="group__[a-z_]*.html">Open, close, join</a> &middot; ' "$PAGES/reference/index.html")
    assert_output 1
    for file in "$PAGES"/reference/group__*.html; do
        grep -q 'class="memtitle"' "$file"
    done
    assert [ ! -e "$PAGES/reference/annotated.html" ]
    assert [ ! -e "$PAGES/reference/files.html" ]
}

@test "a reference without a book has no link to one" {
    BUILD=$BATS_TEST_TMPDIR/build run -0 sh tools/book/reference.sh
    run -0 awk -f tools/book/links.awk "$BATS_TEST_TMPDIR"/build/reference/*.html
}

@test "without pandoc or doxygen: one line, and status 77" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in sh dirname rm mkdir cp sed mktemp; do ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/bin/"; done
    export PATH=$BATS_TEST_TMPDIR/bin BUILD=$BATS_TEST_TMPDIR/build
    run -77 sh tools/book/book.sh
    assert_output 'make book needs the package pandoc. To install it: sh tools/setup.sh tests'
    run -77 sh tools/book/reference.sh
    assert_output --partial 'make reference needs the packages doxygen and doxygen-awesome-css'
    assert_equal "${#lines[@]}" 1
}
