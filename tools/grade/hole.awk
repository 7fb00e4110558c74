# hole.awk: the course's text around the student's hole.
#
#     awk -v name=exercises/ex01-first-pool.c -v notes=FILE -f hole.awk FRESH ANSWER
#
# Only what stands between the two marks is taken from the answer; all the rest is the course's own, so nothing
# outside the hole can change what is graded. #line keeps the student's line numbers. An edit outside is noted, with
# the first line that differs. Exit status 1: a mark is missing, and `notes` says which.

BEGIN {
    begin = "---- your code begins here ----"
    end = "---- and ends here ----"
}

{ sub(/\r$/, "") }

FNR == 1 { files++ }

files == 1 { fresh[++nfresh] = $0; if (index($0, begin)) from = FNR; if (index($0, end)) to = FNR }

files == 2 {
    answer[++nanswer] = $0
    if (!begins && index($0, begin)) begins = FNR
    if (begins && !ends && index($0, end)) ends = FNR
}

# Says at which line of the answer something outside differs, if it does.
function note_edits(i, other, line) {
    for (i = 1; i <= nfresh; i++) {
        if (i > from && i < to) continue
        other = i <= from ? i - from + begins : i - to + ends
        line = other >= 1 ? answer[other] : ""
        if (bare(line) != bare(fresh[i])) return note_line(other < 1 ? 1 : other)
    }
    if (begins != from) return note_line(1)
    if (nanswer - ends != nfresh - to) return note_line(nanswer)
}

function bare(line) { gsub(/[ \t]+/, " ", line); sub(/ $/, "", line); return line }

function note_line(n) {
    print "line " n ", outside the hole, was changed; the course's own text counts" >notes
}

END {
    if (!begins || !ends) {
        print "the line \"" (begins ? end : begin) "\" is missing" >notes
        exit 1
    }
    note_edits()
    for (i = 1; i <= from; i++) print fresh[i]
    printf "#line %d \"%s\"\n", begins + 1, name
    for (i = begins + 1; i < ends; i++) print answer[i]
    printf "#line %d \"%s\"\n", ends, name
    for (i = to; i <= nfresh; i++) print fresh[i]
}
