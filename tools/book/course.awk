# course.awk: holds the book to its form, so that no chapter lacks a part and no scenario is missing.
#
#     awk -f tools/book/match.awk -f tools/book/course.awk [BOOK]      says what is wrong
#
# To be run in the repository's root. Exit status: 0; 1 if anything is wrong; 2 misuse.
#
# A chapter has a box, its sections in order, a place in the contents, a program, a file of tests, and a card for
# the teacher. The documents' scenarios, S01 to S44, each stand in the map once, with the chapters that treat them,
# and in these chapters' comparisons with the document. Functions named are there, listings fit a projector, and the
# glossary is in order. Whether links lead somewhere is seen when the pages are made (links.awk).

# Takes the first match of the regex off the text; returns it, "" if there is none.
function bite(regex,    found) {
    if (!match(rest, regex))
        return ""
    found = substr(rest, RSTART, RLENGTH)
    rest = substr(rest, RSTART + RLENGTH)
    return found
}

function number(text) {
    gsub(/[^0-9]/, "", text)
    return text + 0
}

# --- Chapters -------------------------------------------------------------------------------------------

function chapter(n, title) {
    if (title !~ /^Chapter [1-9][0-9]*: [a-z0-9-]+$/)
        return say(book, n, "write ## Chapter N: slug")
    if (number(substr(title, 1, index(title, ":"))) <= now)
        say(book, n, "chapters come in the order of their numbers, each once")
    now = number(substr(title, 1, index(title, ":")))
    at[now] = n
    slug[now] = substr(title, index(title, ":") + 2)
    wants_box = 1
    section = 0
}

function check_box(n, line) {
    wants_box = 0
    if (line !~ /^> \*\*[0-9]+ minutes\*\*\. Needs: .+\. System calls: .+\. Packages: .+\.$/)
        return say(book, n, "chapter " now " begins with its box, in one line: > **N minutes**. Needs: chapter X. " \
                            "System calls: a, b. Packages: none.")
    rest = substr(line, 1, index(line, ". System calls"))
    sub(/^.*Needs/, "", rest)
    while ((line = bite("[0-9]+")) != "")
        if (!(line + 0 in at) || line + 0 >= now)
            say(book, n, "chapter " now " needs chapter " line ", which does not come before it")
}

# The sections up to this one, which is number i; at the chapter's end the one after the last.
function reach(n, i) {
    if (i <= section)
        return say(book, n, "chapter " now ": \"" SECTION[i] "\" comes too late, or twice")
    while (++section < i)
        say(book, n, "chapter " now " has no section \"" SECTION[section] "\"" (i > SECTIONS ? "" : " before this one"))
}

function end_chapter(n) {
    if (now)
        reach(n, SECTIONS + 1)
}

# Makes numbers of the names of chapters' files: file[N], and their slugs' names of[N].
function list_files(pattern, file, of,    command, name, n) {
    command = "ls " pattern " 2>/dev/null"
    while ((command | getline name) > 0) {
        n = name
        sub(/^.*\/ch/, "", n)
        file[n + 0] = name
        sub(/\.[a-z]+$/, "", n)
        of[n + 0] = substr(n, 4)
    }
    close(command)
}

function check_files(    n, program, named, tests, none) {
    list_files("chapters/ch[0-9][0-9]-*.c", program, named)
    list_files("tests/ch[0-9][0-9].bats", tests, none)
    for (n = 1; n <= MOST; n++) {
        if (!(n in at))
            continue
        if (!(n in program) || named[n] != slug[n])
            say(book, at[n], sprintf("there is no chapters/ch%02d-%s.c", n, slug[n]))
        if (!(n in tests))
            say(book, at[n], sprintf("there is no tests/ch%02d.bats", n))
        if (!(("#" anchor_of[at[n]]) in contents))
            say(book, at[n], "\"How to follow\" has no link to chapter " n)
    }
    for (n = 1; n <= MOST; n++) {
        if (n in program && !(n in at))
            say(program[n], 1, "there is no chapter " n " in " book)
        if (n in tests && !(n in at))
            say(tests[n], 1, "there is no chapter " n " in " book)
    }
}

# --- Scenarios ------------------------------------------------------------------------------------------

# The scenarios of a line of a chapter's comparison.
function compare(n, line,    id) {
    for (rest = line; (id = bite("S[0-9][0-9]")) != "";)
        told[now, id] = n
}

# A row of the map: | S06 | what the document says | [4](#chapter-4-results), 16 (to come) |
function map(n, line,    cell, cells, id, to_come, one) {
    cells = split(line, cell, "|")
    id = cell[2]
    gsub(/ /, "", id)
    if (id in mapped)
        say(book, n, id " is in the map already, in line " mapped[id])
    if (number(id) < 1 || number(id) > SCENARIOS)
        say(book, n, "there is no scenario " id)
    mapped[id] = n
    cells = split(cell[cells - 1], cell, ",")
    for (one = 1; one <= cells; one++) {
        to_come = cell[one] ~ /\(to come\)/
        sub(/\]\(.*/, "", cell[one]) # what a link says is enough
        treats[id, number(cell[one])] = to_come ? -n : n
    }
}

# Does the map name chapter c for this scenario, and does the chapter compare it?
function check_place(id, c,    row) {
    if (!((id, c) in treats)) {
        if ((c, id) in told)
            say(book, told[c, id], "the map does not name chapter " c " for " id)
        return
    }
    row = treats[id, c] > 0 ? treats[id, c] : -treats[id, c]
    if (c in at && treats[id, c] < 0)
        say(book, row, "chapter " c " is there: it is not to come")
    if (!(c in at) && treats[id, c] > 0)
        say(book, row, "there is no chapter " c " yet: write " c " (to come)")
    if (c in at && !((c, id) in told))
        say(book, row, "chapter " c " does not compare (" id ") with the document")
}

function check_map(    i, c, id) {
    for (i = 1; i <= SCENARIOS; i++) {
        id = sprintf("S%02d", i)
        if (!(id in mapped))
            say(book, map_line + 0, id " is not in the map")
        for (c = 1; c <= MOST; c++)
            check_place(id, c)
    }
}

# --- Cards ----------------------------------------------------------------------------------------------

function card(n, title) {
    on_card = number(substr(title, 1, index(title, ":")))
    if (title !~ /^Card [1-9][0-9]*: [a-z0-9-]+$/ || on_card in card_at)
        say(book, n, "write ### Card N: slug, once for each chapter")
    card_at[on_card] = n
    card_slug[on_card] = substr(title, index(title, ":") + 2)
}

function check_cards(    n, i, last) {
    for (n = 1; n <= MOST; n++) {
        if (n in at && (!(n in card_at) || card_slug[n] != slug[n]))
            say(book, at[n], "there is no ### Card " n ": " slug[n])
        if (!(n in card_at))
            continue
        if (!(n in at))
            say(book, card_at[n], "there is no chapter " n " for this card")
        last = 0
        for (i = 1; i <= BULLETS; i++) {
            if (index(card_text[n], "* **" BULLET[i] "**: ") <= last)
                say(book, card_at[n], "card " n " has no * **" BULLET[i] "**: in its place")
            last = index(card_text[n], "* **" BULLET[i] "**: ")
        }
        check_minutes(n, substr(card_text[n], last + length("* **" BULLET[BULLETS] "**: ")))
    }
}

# A card's parts must fill the lesson: 5 question and show of hands · 10 the program · ...
function check_minutes(n, text,    part, parts, i, sum) {
    parts = split(text, part, " · ")
    for (i = 1; i <= parts; i++)
        sum += part[i]
    if (sum != 45)
        say(book, card_at[n], "the parts of card " n " add up to " sum + 0 " minutes, not 45")
}

# --- Contents and functions -----------------------------------------------------------------------------

# As GitHub makes it: letters, digits and - of the title, in small letters; the second of a name gets -1.
function anchor(n, title) {
    title = tolower(title)
    gsub(/[^a-z0-9 _-]/, "", title)
    gsub(/ /, "-", title)
    anchor_of[n] = title (seen[title] ? "-" seen[title] : "")
    seen[title]++
}

# A line of the contents, which lead to each chapter.
function lead(line,    target) {
    for (rest = line; (target = bite("\\]\\(#[^)]*\\)")) != "";)
        contents[substr(target, 3, length(target) - 3)]
}

# Does the file have the function: called anywhere, or, if asked, defined?
function has(path, name, defined,    line, found) {
    while (!found && (getline line <path) > 0)
        if (match(line, "(^|[^A-Za-z0-9_])" name "\\("))
            found = !defined || line ~ /^[a-z]/
    close(path)
    return found
}

# The functions in "One step further": `name()` in [file](file) is defined there, and `name()` elsewhere stands
# at least somewhere in the files the section links to.
function check_step(n,    i, name, path, paths, count, found) {
    rest = step[n]
    while ((path = bite("\\]\\(pool/[^)]*\\)")) != "")
        paths[++count] = substr(path, 3, length(path) - 3)
    if (!count)
        say(book, step_line[n], "this step leads to no file in pool/")
    for (rest = step[n]; (name = bite("`[a-z_0-9]+\\(\\)`")) != "";) {
        name = substr(name, 2, length(name) - 4)
        found = 0
        if (match(rest, /^ in \[[^]]*\]\(pool\/[^)]*\)/)) {
            path = substr(rest, 1, RLENGTH - 1)
            sub(/^.*\(/, "", path)
            if (!has(path, name, 1))
                say(book, step_line[n], "there is no function " name "() in " path)
            continue
        }
        for (i = 1; i <= count && !found; i++)
            found = has(paths[i], name, 0)
        if (!found)
            say(book, step_line[n], name "() is in none of the files this step leads to")
    }
}

# A row of the table of names, | `Pool.map` | `pool_map` | 1, 2 |: the names must be in pool.h, and each of the
# chapters must show one of them.
function names(n, line,    name, cell, in_chapter, chapters, i, all, shows) {
    split(line, cell, "|")
    chapters = split(cell[4], in_chapter, ",")
    for (rest = cell[3]; (name = bite("(pool|POOL)_[A-Za-z_]+|\\.[a-z_]+")) != "";) {
        for (i = 1; i <= chapters; i++)
            shows[i] += number(in_chapter[i]) in body ? index(body[number(in_chapter[i])], name) > 0 : 1
        all = all (all == "" ? "" : " or ") name
        sub(/^\./, "", name)
        if (!(name in declared))
            say(book, n, "there is no " name " in pool/pool.h")
    }
    for (i = 1; i <= chapters && all != ""; i++)
        if (!shows[i])
            say(book, n, "chapter " number(in_chapter[i]) " does not show " all)
}

function read_header(    line) {
    while ((getline line <"pool/pool.h") > 0)
        for (rest = line; (line = bite("[A-Za-z_]+")) != "";)
            declared[line]
    close("pool/pool.h")
}

# --- The book -------------------------------------------------------------------------------------------

# A word of the glossary: * **word**: one plain sentence
function word(n, line,    name) {
    if (line !~ /^\* \*\*[^*]+\*\*: [^ ]/)
        return say(book, n, "write * **word**: one plain sentence")
    name = substr(line, 5, index(line, "**:") - 5)
    if (tolower(name) <= tolower(last_word))
        say(book, n, "\"" name "\" comes after \"" last_word "\": the glossary is in order, each word once")
    last_word = name
}

function heading(n, line,    title, i) {
    title = line
    sub(/^#+ +/, "", title)
    anchor(n, title)
    if (line ~ /^## /) {
        end_chapter(n)
        part = title
        below = ""
        now = title ~ /^Chapter/ ? now : "" # the back part
        if (title ~ /^Chapter/)
            chapter(n, title)
        if (title == "The map")
            map_line = n
    } else if (line ~ /^### /) {
        below = title
        for (i = 1; i <= SECTIONS && now; i++)
            if (SECTION[i] == title)
                reach(n, i)
        if (title ~ /^One step/ && now)
            step_line[now] = n
        if (title ~ /^Card/)
            card(n, title)
    }
}

# A line outside of blocks.
function prose(n, line) {
    if (line ~ /^#+ /)
        return heading(n, line)
    if (wants_box && line != "")
        check_box(n, line)
    if (now && below ~ /^The document says/)
        compare(n, line)
    else if (now && below ~ /^One step/)
        step[now] = step[now] " " line
    else if (below ~ /^Card/)
        card_text[on_card] = card_text[on_card] " " line
    else if (part == "The map" && line ~ /^\| *S[0-9]+ *\|/)
        map(n, line)
    else if (part == "What multiprocessing calls what" && line ~ /^\| `/)
        names(n, line)
    else if (part == "Glossary" && line ~ /^\*/)
        word(n, line)
    if (part == "How to follow")
        lead(line)
}

# A line of a listing must fit a projector.
function check_width(n, line) {
    gsub(/[\200-\277]/, "", line) # so that each character counts as one
    if (length(line) > 80)
        say(book, n, "this line of a listing has " length(line) " columns, more than 80")
}

function read_book(    n, fence, language) {
    for (n = 1; n <= total; n++) {
        if (now)
            body[now] = body[now] lines[n] "\n"
        if (match(lines[n], /^```+/) && (fence == "" || (RLENGTH >= fence && lines[n] ~ /^`+ *$/))) {
            language = substr(lines[n], RLENGTH + 1)
            fence = fence == "" ? RLENGTH : ""
        } else if (fence == "")
            prose(n, lines[n])
        else if (language == "c")
            check_width(n, lines[n])
    }
    end_chapter(total)
}

BEGIN {
    SECTIONS = split("Predict before you run|The program|The run|Why|The document says / What is so|Remember",
                     SECTION, "|")
    BULLETS = split("Ask|They will say|Draw|They get stuck|45 minutes", BULLET, "|")
    SCENARIOS = 44
    MOST = 99 # chapters: their numbers have two digits
    book = ARGC > 1 ? ARGV[1] : "book.md"
    if (ARGC > 2)
        misuse("awk -f tools/book/match.awk -f tools/book/course.awk [BOOK]")
    if ((total = slurp(book, lines)) < 0)
        misuse("cannot read " book)
    read_header()
    read_book()
    check_files()
    check_map()
    check_cards()
    for (n = 1; n <= MOST; n++)
        if (n in step)
            check_step(n)
    exit bad
}
