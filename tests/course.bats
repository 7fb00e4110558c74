# The book keeps to its form, and no scenario is missing (course.awk).

bats_require_minimum_version 1.5.0
load kit

# A small house of its own for each test: a book of two chapters, and all that belongs to them.
setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir chapters tests pool
    for file in chapters/ch01-first.c chapters/ch02-second.c tests/ch01.bats tests/ch02.bats pool/pool.h; do
        echo "pool_open .processes" >$file
    done
    printf 'static int take(void)\n{\n    return poll();\n}\n' >pool/worker.c
    book >book.md
}

book() {
    printf '# A book\n\n## How to follow\n\n[1](#chapter-1-first), [2](#chapter-2-second)\n\n'
    chapter 1 first nothing S01 S02
    chapter 2 second 'chapter 1' S02 S03
    printf '## For teachers\n\n'
    card 1 first
    card 2 second
    cat <<'END'
## What multiprocessing calls what

| in Python | here | chapter |
|---|---|---|
| `Pool` | `pool_open` with `.processes` | 1 |

## The map

| id | what it says | chapter |
|---|---|---|
| S01 | one | [1](#chapter-1-first) |
| S02 | two | [1](#chapter-1-first), [2](#chapter-2-second), 3 (to come) |
| S03 | three | [2](#chapter-2-second) |
END
    printf '| S%02d | more | 3 (to come) |\n' {4..44}
    printf '\n## Glossary\n\n* **a word**: one sentence.\n* **Worker**: another one,\n  in two lines.\n'
}

# chapter NUMBER SLUG NEEDS SCENARIO SCENARIO
chapter() {
    cat <<END
## Chapter $1: $2

> **20 minutes**. Needs: $3. System calls: none of your own. Packages: none.

We use \`pool_open\`.

### Predict before you run

### The program

<!-- listing: none for show -->
\`\`\`c
/* 80 columns, some of them three bytes: ─────────────────────────────────────*/
\`\`\`

### The run

### The picture

### Why

### The document says / What is so

| the document says | what is so |
|---|---|
| This. ($4) | So. |
| That. ($5) | So. |

### Remember

**This.**

### One step further, into pool/

Read \`take()\` in [pool/worker.c](pool/worker.c), and what \`poll()\` does there.

END
}

# card NUMBER SLUG
card() {
    cat <<END
### Card $1: $2

* **Ask**: this?
* **They will say**: that.
* **Draw**: a line.
* **They get stuck**: here.
* **45 minutes**: 5 question · 10 this · 15 that ·
  10 more · 5 remember

END
}

course() {
    LC_ALL=C awk -f "$KIT/tools/book/match.awk" -f "$KIT/tools/book/course.awk" "$@"
}

# red SED-SCRIPT TEXT...: the book changed so is refused, and each of these is said; then it is put back.
red() {
    cp book.md original
    sed -i "$1" book.md
    run -1 cmp -s original book.md
    run -1 course
    mv original book.md
    local text
    for text in "${@:2}"; do
        assert_output --partial "$text"
    done
}

line_of() {
    grep -n -m 1 "$1" book.md | cut -d: -f1
}

@test "a book in form is left alone" {
    run -0 course
    refute_output
}

@test "each chapter begins with its box, and needs what comes before" {
    for script in '9s/20/twenty/' 9d '9s/ System.*//' '9s/Packages: none.//' '9s/Needs: nothing. //'; do
        red "$script" "chapter 1 begins with its box, in one line"
    done
    red '/^> .*chapter 1/s/chapter 1/chapters 1 and 3/' "chapter 2 needs chapter 3, which does not come before it"
    red '9s/nothing/chapter 1/' "book.md:9: chapter 1 needs chapter 1"
}

@test "each chapter has its sections, once, in order" {
    for section in "Predict before you run" "The program" "The run" Why "The document says / What is so" Remember; do
        red "0,\\:^### $section\$:s:^### $section\$:### Something else:" "chapter 1 has no section \"$section\""
        red "0,\\:^### $section\$:s:^### $section\$:&\n\n&:" "chapter 1: \"$section\" comes too late, or twice"
    done
    red '0,/^### Why/s/^### Why/### Remember/' 'has no section "Why" before this one' \
        '"Remember" comes too late, or twice'
}

@test "chapters come in order, with a slug, and stand in the contents" {
    red 's/^## Chapter 2/## Chapter 1/' "chapters come in the order of their numbers, each once"
    red 's/^## Chapter 2: second/## Chapter 2/' "write ## Chapter N: slug"
    red '5s/, .*//' '"How to follow" has no link to chapter 2'
}

@test "each chapter has a program and a file of tests, and the other way round" {
    mv chapters/ch02-second.c chapters/ch03-third.c
    run -1 course
    kit_holds "there is no chapters/ch02-second.c" "chapters/ch03-third.c:1: there is no chapter 3"
    mv chapters/ch03-third.c chapters/ch02-second-one.c
    run -1 course
    assert_output --partial "there is no chapters/ch02-second.c"
    mv chapters/ch02-second-one.c chapters/ch02-second.c
    mv tests/ch02.bats tests/ch03.bats
    run -1 course
    kit_holds "there is no tests/ch02.bats" "tests/ch03.bats:1: there is no chapter 3"
}

@test "each chapter has a card, each card a chapter, with all its parts, and 45 minutes" {
    red '/^### Card 2/,/^ /d' "there is no ### Card 2: second"
    red 's/^### Card 2: second/### Card 2: third/' "there is no ### Card 2: second"
    red 's/^### Card 2: second/### Card 3: second/' "there is no ### Card 2: second" \
        "there is no chapter 3 for this card"
    red 's/^### Card 2: second/### Card 1: first/' "write ### Card N: slug, once for each chapter"
    for part in Ask "They will say" Draw "They get stuck" "45 minutes"; do
        red "/Card 2/,\$s/^\* \*\*$part\*\*/* **Else**/" "card 2 has no * **$part**: in its place"
    done
    red '/Card 2/,$s/10 more/9 more/' "the parts of card 2 add up to 44 minutes, not 45"
}

@test "each scenario is in the map, once, and there are no others" {
    for id in S01 S03 S44; do
        red "/^| $id/d" "book.md:$(line_of '^## The map'): $id is not in the map"
        red "s/^| $id.*/&\n&/" "$id is in the map already, in line $(line_of "^| $id")"
    done
    red 's/^| S44/| S45/' "there is no scenario S45" "S44 is not in the map"
}

@test "the map and the chapters' comparisons say the same" {
    red 's/(S01)/(SO1)/' "book.md:$(line_of '^| S01'): chapter 1 does not compare (S01) with the document"
    red 's/(S01)/(S03)/' "book.md:$(line_of '(S01)'): the map does not name chapter 1 for S03"
    red '/^| S03/s/\[2\].*/2 (to come) |/' "chapter 2 is there: it is not to come"
    red '/^| S04/s/ (to come)//' "there is no chapter 3 yet: write 3 (to come)"
    red '/^| S02/s/, .*, /, /' "the map does not name chapter 2 for S02"
    red 's/^### The document says.*/&\n(S44)/' "the map does not name chapter 1 for S44"
}

@test "no line of a listing is wider than 80 columns" {
    red '0,/^.. 80 col.*/s//& /' \
        "book.md:$(line_of '80 columns'): this line of a listing has 81 columns, more than 80"
}

@test "one step further leads to functions that are there" {
    red 's/`take()` in/`took()` in/' "there is no function took() in pool/worker.c"
    red 's/`take()` in/`poll()` in/' "there is no function poll() in pool/worker.c"
    red 's/`poll()` does/`epoll()` does/' "epoll() is in none of the files this step leads to"
    red 's/in \[pool.worker.*worker.c)/in the pool/' "this step leads to no file in pool/"
}

@test "the names in the table are the library's, and the glossary is in order" {
    red 's/pool_open. with/pool_opened` with/' "there is no pool_opened in pool/pool.h"
    red 's/with .\.processes/with `.workers/' "there is no workers in pool/pool.h"
    red 's/^We use.*//' "chapter 1 does not show pool_open or .processes"
    red '/^| `Pool/s/1 |/1, 2 |/; 0,/^We use/!s/^We use.*//' "chapter 2 does not show pool_open or .processes"
    red 's/a word/zero/' '"Worker" comes after "zero": the glossary is in order'
    red 's/a word/worker/' '"Worker" comes after "worker"'
    red 's/a word\*\*:/a word**/' "write * **word**: one plain sentence"
}

@test "misuse: 2, in words" {
    run -2 course nowhere.md
    assert_output --partial "cannot read nowhere.md"
    run -2 course book.md book.md
    assert_output --regexp '^usage:'
}

@test "each chapter, and each of a short route, comes behind those it needs" {
    run -0 awk '
        /^## Chapter [0-9]+: / { chapter = $3 + 0 }
        /^> \*\*[0-9]+ minutes/ && chapter {
            sub(/.*Needs: */, ""); sub(/[.].*/, ""); needs[chapter] = $0
            n = split($0, word, /[^0-9]+/)
            for (i = 1; i <= n; i++) if (word[i] != "" && word[i] + 0 >= chapter) print chapter " needs " word[i]
            chapter = 0
        }
        /^- \*\*Four lessons\*\*: / {
            sub(/[.].*/, ""); n = split($0, route, /[^0-9]+/)
            for (i = 1; i <= n; i++) if (route[i] != "") {
                m = split(needs[route[i] + 0], word, /[^0-9]+/)
                for (k = 1; k <= m; k++) if (word[k] != "" && !(word[k] + 0 in had)) print "the route has " route[i] " without " word[k]
                had[route[i] + 0]; found++
            }
        }
        END { if (found != 4) print found " lessons, not 4" }' "$KIT/book.md"
    refute_output
}

@test "A, B and C are right about equally often" {
    for letter in A B C; do
        often=$(awk -v letter="$letter" '/^## Chapter/ { told = 0 }
            /^\*\*[ABC]\*\* is right/ && !told { told = 1; all++; if (substr($0, 3, 1) == letter) right++ }
            END { print int(100 * right / all) }' "$KIT/book.md")
        kit_that 'often >= 25 && often <= 42'
    done
}

# constant NAME FILE: the number that the library gives to this name.
constant() {
    sed -nE "s/^#define $1 \(*(\(uint64_t\))?([0-9]+).*/\2/p" "$KIT/pool/$2"
}

@test "where the book names a constant of the library's, it is that" {
    run -0 grep -c "look around for $(($(constant SPIN open.c) / 1000)) µs and then fall asleep" "$KIT/book.md"
    run -0 grep -c "it aims at $(constant CHUNKS_EACH job.c) chunks for each" "$KIT/book.md"
}

@test "the book is in form" {
    cd "$KIT"
    course
}
