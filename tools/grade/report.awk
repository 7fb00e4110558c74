# report.awk: what bats said of an exercise, for people and for programs.
#
#     awk -v tsv=FILE -v repeat='make grade-01 SEED=5' -f report.awk tests/ex01.bats TAP
#
# Prints a line for each test: ok, FAIL or later; below a failed one what it said, at most 80 columns wide. Into
# `tsv` goes a line for each test: name, result, points, title, ran, expected, got, likely; separated by tabs. The result
# is pass, later (not run, for an earlier one failed), or a verdict: fail, timeout, crash (SIGSEGV), overflow, leftovers.

BEGIN { OFS = "\t"; printf "" >tsv }

# The tests file: points and the order.
FILENAME ~ /\.bats$/ && /^# bats test_tags=/ { points_next = match($0, /points:[0-9]+/) ? substr($0, RSTART + 7, RLENGTH - 7) : 1; next }
FILENAME ~ /\.bats$/ && /^@test "/ {
    split($0, part, "\"")
    points[part[2]] = points_next == "" ? 1 : points_next
    points_next = ""
    next
}
FILENAME ~ /\.bats$/ { next }

/^(not )?ok [0-9]+ / {
    flush_test()
    failed = /^not /
    title = $0
    sub(/^(not )?ok [0-9]+ /, "", title)
    skipped = ""
    if (i = index(title, " # skip")) {
        skipped = substr(title, i + 8)
        title = substr(title, 1, i - 1)
    }
    next
}
/^# [a-z]+: / && failed {
    key = $2
    value = $0
    sub(/^# [a-z]+: */, "", value)
    said[++nsaid] = key value
    if (key ~ /^(verdict|ran|expected|got|likely):$/ && !(key in field)) field[key] = value
}
END { flush_test() }

function flush_test(name) {
    if (title == "") return
    name = title
    sub(/:.*/, "", name)
    if (failed) {
        wrap("  FAIL   ", title)
        for (i = 1; i <= nsaid; i++) tell(said[i])
        wrap(indent("repeat:"), repeat)
        result = field["verdict:"] == "" ? "grader failed" : field["verdict:"]
    } else if (skipped != "") {
        wrap("  later  ", name " (" skipped ")")
        result = "later"
    } else {
        wrap("  ok     ", title)
        result = "pass"
    }
    print name, result, (title in points ? points[title] : 1), title, field["ran:"], field["expected:"], field["got:"], field["likely:"] >tsv
    split("", field)
    nsaid = 0
    title = ""
}

function indent(key) { return sprintf("         %-10s", key) }

function tell(text, key) {
    key = substr(text, 1, index(text, ":"))
    if (key == "verdict:") return
    wrap(indent(key), substr(text, length(key) + 1))
}

# Prints a text behind `first`, in lines of at most 80 columns, the later ones as far in.
function wrap(first, text, room, at, rest) {
    room = 80 - length(first)
    for (;;) {
        if (length(text) <= room) { print first text; return }
        for (at = room + 1; at > room / 2 && substr(text, at, 1) != " "; at--);
        if (at <= room / 2) at = room
        rest = substr(text, at + 1)
        print first substr(text, 1, at == room ? room : at - 1)
        if (++lines_told > 200) return
        text = rest
        first = sprintf("%" length(first) "s", "")
    }
}
