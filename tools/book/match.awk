# match.awk: compares what a program of many processes printed with what it should print.
#
#     awk -f tools/book/match.awk match FILE [OPTION...] <OUTPUT
#
# Exit status: 0 if OUTPUT is what FILE says, else 1, and the first difference is shown; 2 misuse. book.awk
# compares the book's transcripts in the same way.
#
# It compares as a reader would. Numbers before a unit of time (ns us ms s seconds) may differ. So may process
# ids (pid 4711), but what is one process in FILE must be one process in OUTPUT. For the rest:
#
#     <ms>, <time>, <pid>   in FILE: any number
#     <pid:NAME>            a process id, the same wherever it has this name
#     ...                   alone on a line: any number of lines
#     unordered=/REGEX/     option: consecutive lines that match may come in any order, each exactly once
#     numbers=/REGEX/       the numbers within a match may differ
#     pids=/REGEX/          the numbers within a match are process ids
#     like=/REGEX/          a line that matches stands for any line that matches
#
# The lines expected are E[1..ne], the lines got are G[1..ng].

function say(file, n, text) {
    printf "%s:%d: %s\n", file, n, text
    bad = 1
}

function differ(n, what, expected, got) {
    say(book, n, what)
    printf "    expected: %s\n    got:      %s\n", expected, got
    if (verb == "check")
        print "    to do:    make book-sync, then read what changed"
}

function misuse(text) {
    print "usage: " text >"/dev/stderr"
    exit 2
}

# Reads a file's lines into lines[1..]; returns how many, -1 if it cannot be read.
function slurp(file, lines,    n, more) {
    for (n = 0; (more = (getline lines[n + 1] <file)) > 0; n++)
        ;
    close(file)
    return more < 0 ? -1 : n
}

# A hole, where a number goes, is \001NAME\002. NAME is empty, or stands for one process id.
function hole(name,    d) {
    for (d = 0; d < 10; d++)
        gsub(d, substr("abcdefghij", d + 1, 1), name)
    return "\001" name "\002"
}

# Makes holes of the numbers in each match of the regex.
function punch(line, regex, named,    done, rest) {
    while (match(line, regex) && RLENGTH > 0) {
        done = done substr(line, 1, RSTART - 1)
        rest = substr(line, RSTART + RLENGTH)
        line = substr(line, RSTART, RLENGTH)
        while (match(line, NUMBER)) {
            done = done substr(line, 1, RSTART - 1) hole(named ? substr(line, RSTART, RLENGTH) : "")
            line = substr(line, RSTART + RLENGTH)
        }
        done = done line
        line = rest
    }
    return done line
}

function punch_all(line,    i) {
    gsub(/<(ms|time|pid)>/, hole(""), line)
    while (match(line, /<pid:[A-Za-z]+>/))
        line = substr(line, 1, RSTART - 1) "\001=" substr(line, RSTART + 5, RLENGTH - 6) "\002" \
            substr(line, RSTART + RLENGTH)
    for (i = 1; i <= given["numbers"]; i++)
        line = punch(line, option["numbers", i], 0)
    line = punch(line, TIME, 0)
    for (i = 1; i <= given["pids"]; i++)
        line = punch(line, option["pids", i], 1)
    return punch(line, PID, 1)
}

# Notes that NAME is this process id; false if it is another one, or this one has another name.
function bind(name, pid) {
    if (name in pid_of)
        return pid_of[name] == pid
    if (pid in name_of)
        return 0
    pid_of[name] = pid
    name_of[pid] = name
    trail[++bound] = name
    return 1
}

function unbind(down_to) {
    for (; bound > down_to; bound--) {
        delete name_of[pid_of[trail[bound]]]
        delete pid_of[trail[bound]]
    }
}

# Does line g got fit line e expected? In a line with holes blanks do not count: numbers have other widths
# each time.
function fits(e, g,    want, have, text, name, i) {
    for (i = 1; i <= given["like"]; i++)
        if (E[e] ~ option["like", i])
            return G[g] ~ option["like", i]
    want = punched[e]
    have = G[g]
    if (index(want, "\001")) {
        gsub(/ +/, " ", want)
        gsub(/ +/, " ", have)
    }
    while ((i = index(want, "\001")) > 0) {
        text = substr(want, 1, i - 1)
        name = substr(want, i + 1, index(want, "\002") - i - 1)
        want = substr(want, index(want, "\002") + 1)
        sub(/ $/, "", text)
        if (substr(have, 1, length(text)) != text)
            return 0
        have = substr(have, length(text) + 1)
        if (!match(have, "^ ?" NUMBER))
            return 0
        if (name != "" && !bind(name, substr(have, 1, RLENGTH) + 0))
            return 0
        have = substr(have, RLENGTH + 1)
    }
    return want == have
}

# The option `unordered` that line e matches, or 0.
function group(e,    i) {
    for (i = given["unordered"]; i > 0 && E[e] !~ option["unordered", i]; i--)
        ;
    return i
}

# Remembers the failure that came furthest: it is the one to show.
function fail(e, g) {
    if (e > far_e) {
        far_e = e
        far_g = g
    }
    return 0
}

# Do the lines from g on fit those from e on?
function fit(e, g,    last) {
    for (; e <= ne && E[e] != "..." && !group(e); e++) {
        if (g > ng || !fits(e, g))
            return fail(e, g)
        g++
    }
    if (e > ne)
        return g > ng ? 1 : fail(e, g)
    if (E[e] == "...")
        return fit_after_gap(e + 1, g)
    for (last = e; last < ne && group(last + 1) == group(e); last++)
        ;
    return fit_group(e, last, g, g + last - e)
}

function fit_after_gap(e, g,    keep) {
    for (keep = bound; g <= ng + 1; g++) {
        if (fit(e, g))
            return 1
        unbind(keep)
    }
    return 0
}

# Each of the lines e to last takes one of the lines first to end that fits and is not taken; then the rest
# must fit. If it does not, tries other ways, but not so many that one would wait for it.
function fit_group(e, last, first, end,    g, keep, free) {
    if (e > last)
        return fit(e, end + 1)
    keep = bound
    for (g = first; g <= end && g <= ng; g++) {
        if (g in taken || ++tries > 20000)
            continue
        free = free ? free : g
        taken[g] = 1
        if (fits(e, g) && fit_group(e + 1, last, first, end))
            return 1
        delete taken[g]
        unbind(keep)
    }
    return fail(e, free ? free : g)
}

# Compares all; the difference to show is then that of lines far_e and far_g.
function all_fit(    e) {
    unbind(0)
    split("", taken)
    bound = tries = far_e = far_g = 0
    for (e = 1; e <= ne; e++)
        punched[e] = punch_all(E[e])
    return fit(1, 1)
}

# Line e of what was expected is line above + e of the book.
function show_difference(above, what) {
    if (far_e <= ne && group(far_e))
        what = what " (of these lines, in any order)"
    differ(above + far_e, what, far_e > ne ? "(the end)" : E[far_e], far_g > ng ? "(the end)" : G[far_g])
}

# Takes the options off the end of a text, into option[NAME, 1..given[NAME]]; returns what is before them.
function take_options(text,    word, name, value) {
    split("", given)
    while (match(text, /(^| )(status|deadline)=[0-9]+$/) ||
           match(text, /(^| )(unordered|numbers|pids|like)=\/[^\/]+\/$/)) {
        word = substr(text, RSTART)
        text = substr(text, 1, RSTART - 1)
        sub(/^ /, "", word)
        name = substr(word, 1, index(word, "=") - 1)
        value = substr(word, length(name) + 2)
        option[name, ++given[name]] = value ~ /^\// ? substr(value, 2, length(value) - 2) : value
    }
    return text
}

function match_main(    i, text) {
    book = ARGV[2]
    for (i = 3; i < ARGC; i++)
        text = text " " ARGV[i]
    text = take_options(text)
    if (ARGC < 3 || text != "")
        misuse("match FILE [OPTION...]" (text == "" ? "" : "; there is no option" text))
    if ((ne = slurp(book, E)) < 0)
        misuse("cannot read " book)
    ARGC = 1 # no arguments left: so getline reads stdin
    for (ng = 0; (getline G[ng + 1]) > 0; ng++)
        ;
    if (!all_fit())
        show_difference(0, "is not what was printed")
    exit bad
}

BEGIN {
    NUMBER = "[0-9]+(\\.[0-9]+)?"
    TIME = NUMBER " ?(ns|us|\302\265s|ms|s|seconds?)([^A-Za-z0-9_]|$)"
    PID = "[Pp][Ii][Dd]s?[ =:]+[0-9]+"
    if (ARGV[1] == "match")
        match_main()
}
