# book.awk: keeps book.md and the programs it shows in agreement.
#
#     awk -f tools/book/match.awk -f tools/book/book.awk check [BOOK]    says where they differ; changes nothing
#     awk -f tools/book/match.awk -f tools/book/book.awk sync [BOOK]     rewrites what differs
#     awk -f tools/book/match.awk -f tools/book/book.awk list [BOOK]     what is shown where
#     awk -f tools/book/match.awk -f tools/book/book.awk figures BOOK [NAME...]    makes the pictures anew; NAME: only
#                                                              those whose names begin so
#
# To be run in the repository's root. Exit status: 0; 1 if anything is wrong or differs; 2 misuse.
#
# A comment right above a fenced block says where the block comes from:
#
#     <!-- listing: FILE -->            the whole file
#     <!-- listing: FILE REGION -->     its lines between the lines /* [REGION] */ and /* [/REGION] */; or
#                                       with // or # instead. Such lines themselves are never shown
#     <!-- listing: none REASON -->     written by hand: what must not compile, say
#     <!-- transcript: COMMAND [OPTION...] -->    the first line is "$ " and something that ends in COMMAND,
#                                       the others are what COMMAND prints on a terminal
#     <!-- transcript: none REASON -->
#
# The options, and what may differ in a transcript, are told in match.awk; and two more: status=N, the exit
# status (0), and deadline=SECONDS for the run (30).
#
# A picture is a line with a comment right above it:
#
#     <!-- figure: COMMAND [deadline=SECONDS] -->
#     ![what one sees](chapters/figures/NAME.svg)
#
# COMMAND leaves the picture in the file whose name it finds in the environment, in FIGURE. The old picture stays
# until there is a good one; exit status 77 says that a package is missing, and leaves the picture out. Pictures
# are of real runs and differ each time, so `check` does not make them: it wants them to be there, and shown.
#
# Every ```c block needs a listing, every ```console block a transcript; other blocks may have a listing. A
# region in chapters/, exercises/, solutions/ or in a file the book lists must be used by a listing.

# --- Listings: a fenced block's lines are B[1..nb], below line n of the book ----------------------------

# Reads a file once: source[FILE, REGION, 1..size[FILE, REGION]] and marked[FILE, REGION], the line where it
# begins. The region "" is the whole file.
function load(file,    lines, n, i, name, open, o) {
    if (file in loaded)
        return loaded[file]
    n = slurp(file, lines)
    loaded[file] = n > 0
    for (i = 1; i <= n; i++) {
        name = lines[i]
        if (name ~ MARK)
            load_mark(file, i, name, open)
        else
            source[file, "", ++size[file, ""]] = name
        for (o in open)
            if (name !~ MARK)
                source[file, o, ++size[file, o]] = name
    }
    for (o in open)
        say(file, open[o], "region [" o "] has no end: add a line with [/" o "]")
    return loaded[file]
}

function load_mark(file, n, name, open) {
    sub(/^[^[]*\[/, "", name)
    sub(/\][^]]*$/, "", name)
    if (name !~ /^\/?[a-z][a-z0-9-]*$/)
        say(file, n, "mark [" name "]: a region's name has small letters, digits and -")
    else if (name ~ /^\// && !(substr(name, 2) in open))
        say(file, n, "mark [" name "] ends a region that was not begun")
    else if (name ~ /^\//)
        delete open[substr(name, 2)]
    else if ((file, name) in marked)
        say(file, n, "region [" name "] is there already, in line " marked[file, name])
    else
        open[name] = marked[file, name] = n
}

function is_empty(file, region,    i) {
    for (i = size[file, region]; i > 0 && source[file, region, i] ~ /^[ \t]*$/; i--)
        ;
    return i < 1
}

function listing(n, file, region,    i, count, name) {
    name = file (region == "" ? "" : " [" region "]")
    if (!load(file))
        return say(book, n - 1, "there is no file " file ", or nothing in it")
    if (region != "" && !((file, region) in marked))
        return say(book, n - 1, "there is no " name)
    used[file, region] = 1
    if (is_empty(file, region))
        return say(book, n - 1, name " is empty")
    count = size[file, region]
    for (i = 1; i <= count && i <= nb && B[i] == source[file, region, i]; i++)
        ;
    if (i > count && i > nb)
        return
    if (verb == "check")
        return differ(n + i, "is not what " name " says",
                      i > count ? "(the end)" : source[file, region, i], i > nb ? "(the end)" : B[i])
    for (nb = 0; nb < count; nb++)
        B[nb + 1] = source[file, region, nb + 1]
    changed++
}

# Every region and picture must be shown somewhere in the book; another text may show what it likes.
function check_used(    command, file, key, part) {
    if (book ~ /README/)
        return
    command = "ls chapters/*.[ch] exercises/*.[ch] solutions/*.[ch] 2>/dev/null"
    while ((command | getline file) > 0)
        load(file)
    close(command)
    command = "ls chapters/figures/* 2>/dev/null"
    while ((command | getline file) > 0)
        if (!(file in shown))
            say(file, 1, "this picture is nowhere in " book)
    close(command)
    for (key in marked) {
        split(key, part, SUBSEP)
        if (!(key in used))
            say(part[1], marked[key], "region [" part[2] "] is in no listing of " book)
    }
}

# --- Transcripts ----------------------------------------------------------------------------------------

# Builds ./ch03 or ./ex03 before its first run; one make at a time, as in kit.bash.
function build(command,    target) {
    if (!match(command, /\.\/(ch|ex)[0-9][0-9]/))
        return 1
    target = substr(command, RSTART + 2, 4)
    if (!(target in built))
        built[target] = system("flock build make -s " target " >&2") == 0
    return built[target]
}

function quote(text) {
    gsub(/'/, "'\\''", text)
    return "'" text "'"
}

# Runs the command; puts what it prints into G[1..ng], and returns its exit status.
function run(command,    seconds, status, i) {
    seconds = given["deadline"] ? option["deadline", 1] : 30
    command = "TERM=dumb build/run -l -p -t " seconds " sh -c " quote(command)
    command = "{ " command "; printf '\\034%d\\n' $?; } 2>&1"
    for (ng = 0; (command | getline G[ng + 1]) > 0; ng++)
        ;
    close(command)
    i = index(G[ng], "\034")
    status = substr(G[ng], i + 1)
    G[ng] = substr(G[ng], 1, i - 1)
    if (i == 1)
        ng--
    return status
}

function transcript(n, command,    status, wanted) {
    wanted = given["status"] ? option["status", 1] : 0
    if (nb == 0 && verb == "sync")
        B[nb = 1] = "$ " command
    if (nb == 0 || B[1] !~ /^\$ / || substr(B[1], length(B[1]) - length(command)) != " " command)
        return say(book, n + 1, "the transcript must begin with \"$ " command "\" or \"$ ... " command "\"")
    if (!build(command))
        return say(book, n - 1, "cannot build " command)
    status = run(command)
    if (status != wanted)
        return show_status(n - 1, command " ended with exit status " status ", expected " wanted)
    for (ne = 0; ne < nb - 1; ne++)
        E[ne + 1] = B[ne + 2]
    if (all_fit())
        return
    if (verb == "check")
        return show_difference(n + 1, "is not what " command " prints")
    for (nb = 1; nb <= ng; nb++)
        B[nb + 1] = G[nb]
    changed++
}

function show_status(n, what,    i) {
    say(book, n, what (ng ? "; it printed last:" : ""))
    for (i = ng > 5 ? ng - 4 : 1; i <= ng; i++)
        print "    " G[i]
}

# --- Pictures -------------------------------------------------------------------------------------------

# Returns what is wrong with a picture, "" if nothing: it must be XML, an <svg>.
function fault(file,    command, said, none) {
    if (slurp(file, none) < 1)
        return "there is no file " file ", or nothing in it"
    command = "xmllint --nonet --xpath 'local-name(/*)' " quote(file) " 2>&1"
    command | getline said
    close(command)
    return said == "svg" ? "" : file " is no SVG: " said
}

# Makes a picture anew.
function draw(n, file, command,    new, status, wrong) {
    new = "build" substr(file, length("chapters") + 1)
    if (!build(command))
        return say(book, n - 1, "cannot build " command)
    if (system("mkdir -p build/figures && rm -f " new) != 0)
        misuse("cannot write " new)
    status = run("FIGURE=" new "; export FIGURE; " command)
    if (status == 77)
        return show_picture(file, "left out: " G[1])
    if (status != 0)
        return show_status(n - 1, command " ended with exit status " status ", expected 0")
    if ((wrong = fault(new)) != "")
        return say(book, n - 1, command ": " wrong)
    if (system("mkdir -p chapters/figures && mv " new " " file) != 0)
        misuse("cannot write " file)
    show_picture(file, "made anew")
}

function show_picture(file, what) {
    printf "%-40s %s\n", file, what
}

# Is the picture among those asked for? If none is named, all are.
function is_wanted(file,    name, wanted) {
    for (name in asked)
        if (index(file, "chapters/figures/" name) == 1)
            wanted = met[name] = 1
    return wanted || ARGC <= 3
}

# The picture in line n; `comment` is the mark above it or "".
function picture(n, line, comment,    file, wrong) {
    if (comment !~ /^figure: /)
        return say(book, n, "a picture needs a comment right above it: <!-- figure: COMMAND -->")
    if (line !~ /^!\[[^]]*\]\(chapters\/figures\/[a-z0-9-]+\.svg\)$/)
        return say(book, n, "write ![what one sees](chapters/figures/NAME.svg), alone on its line")
    if (line ~ /^!\[[ \t]*\]/)
        return say(book, n, "the picture needs words for who cannot see it: ![what one sees](...)")
    file = line
    gsub(/^.*\(|\)$/, "", file)
    if (file in shown)
        return say(book, n, file " is shown already, in line " shown[file])
    shown[file] = n
    comment = take_options(substr(comment, length("figure: ") + 1))
    if (verb == "list")
        entry(n - 1, "figure", file " " comment)
    else if (verb != "figures" && (wrong = fault(file)) != "")
        say(book, n, wrong)
    else if (verb == "figures" && is_wanted(file))
        draw(n, file, comment)
}

# --- The book -------------------------------------------------------------------------------------------

function entry(n, kind, text) {
    printf "%s:%d: %s: %s\n", book, n, kind, text
}

# A block of a language, below line n; `comment` is the mark above it or "".
function block(n, language, comment,    kind, text, part, parts) {
    kind = substr(comment, 1, index(comment, ":") - 1)
    text = substr(comment, index(comment, ":") + 2)
    if (kind == "" && language ~ /^(c|console)$/)
        return say(book, n, "a ```" language " block needs a comment right above it: <!-- " \
                            (language == "c" ? "listing: FILE REGION" : "transcript: COMMAND") " -->")
    if (kind == "" || verb == "figures")
        return
    if (kind == "figure")
        return say(book, n - 1, "there is no picture right below this comment")
    if ((kind == "transcript") != (language == "console"))
        return say(book, n, "a " kind " cannot be a \"" language "\" block: only transcripts are console")
    if (verb == "list")
        return entry(n, kind, text)
    parts = split(text, part, " ")
    if (part[1] == "none")
        return parts > 1 ? 0 : say(book, n - 1, "none needs a reason: <!-- " kind ": none REASON -->")
    if (kind == "transcript")
        return transcript(n, take_options(text))
    if (parts > 2)
        return say(book, n - 1, "a listing is of FILE or FILE REGION, not of \"" text "\"")
    listing(n, part[1], parts == 2 ? part[2] : "")
}

# Takes the block that begins in line n into B; returns the line of its end, 0 if it has none.
function take_block(n,    fence, line) {
    match(lines[n], /```+/)
    fence = RLENGTH
    for (nb = 0; n + nb < total; nb++) {
        line = lines[n + nb + 1]
        if (line ~ /^```+[ \t]*$/ && match(line, /`+/) && RLENGTH >= fence)
            return n + nb + 1
        B[nb + 1] = line
    }
    return 0
}

# Returns what a line marks, "" if nothing.
function mark(n, line) {
    if (line ~ /^<!-- (listing|transcript|figure): [^ ].* -->$/)
        return substr(line, 6, length(line) - 9)
    if (line ~ /<!-- *(listing|transcript|figure)/)
        say(book, n, "write <!-- listing: FILE REGION -->, <!-- transcript: COMMAND --> or <!-- figure: COMMAND -->," \
                     " alone on its line")
    return ""
}

# A line outside of blocks; `comment` is the mark above it or "". Returns what it marks itself.
function prose(n, line, comment) {
    gsub(/`[^`]*`/, "", line)
    if (line ~ /!\[|<img/) {
        picture(n, lines[n], comment)
        return ""
    }
    if (comment != "")
        say(book, n - 1, "there is no " (comment ~ /^figure/ ? "picture" : "block") " right below this comment")
    return mark(n, lines[n])
}

# Goes through the book; page[1..pages] becomes the book as it should be.
function walk(    n, i, end, comment, language) {
    for (n = 1; n <= total; n++) {
        page[++pages] = lines[n]
        if (lines[n] !~ /^[ \t]*```/) {
            comment = prose(n, lines[n], comment)
            continue
        }
        language = tolower(lines[n])
        sub(/^[ \t`{.]+/, "", language)
        sub(/[^a-z0-9+].*$/, "", language)
        if (lines[n] ~ /^[ \t]/)
            say(book, n, "a block must begin in the first column")
        if (!(end = take_block(n))) {
            say(book, n, "this block has no end")
            exit 1
        }
        block(n, language, comment)
        for (i = 1; i <= nb; i++)
            page[++pages] = B[i]
        page[++pages] = lines[n = end]
        comment = ""
    }
    if (comment != "")
        say(book, total, "there is nothing right below this comment")
}

function write_book(    i, new) {
    new = book ".new"
    for (i = 1; i <= pages; i++)
        print page[i] >new
    close(new)
    if (system("cat " quote(new) " >" quote(book) " && rm " quote(new)) != 0)
        misuse("cannot write " book)
}

BEGIN {
    MARK = "^[ \t]*(/[*]|//|#)[ \t]*\\[ *[/]?[A-Za-z][A-Za-z0-9_ -]*\\][ \t]*([*]/)?[ \t]*$"
    verb = ARGV[1]
    if (verb !~ /^(check|sync|list|figures)$/ || (ARGC > 3 && verb != "figures"))
        misuse("check, sync or list [BOOK]; figures BOOK [NAME...]; or match FILE [OPTION...]")
    book = ARGC > 2 ? ARGV[2] : "book.md"
    for (n = 3; n < ARGC; n++)
        asked[ARGV[n]]
    if ((total = slurp(book, lines)) < 0)
        misuse("cannot read " book)
    walk()
    if (verb ~ /^(check|sync)$/)
        check_used()
    if (verb == "sync" && changed)
        write_book()
    if (verb == "sync")
        printf "%s: %d blocks rewritten\n", book, changed
    for (name in asked)
        if (!(name in met))
            say(book, 1, "there is no picture chapters/figures/" name "...")
    exit bad
}
