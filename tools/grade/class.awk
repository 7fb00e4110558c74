# class.awk: a class's grades, as a table, a page, CSV, JUnit and Gradescope's JSON.
#
# Reads, for each student: "@ NNN NN" before each exercise, then "verdict WORDS", "test LINE" (of tests.tsv), "note WORDS", "error
# WORDS"; at the end "= NAME". Writes into the folder `grades`, and prints the table.
#
# The first test of an exercise is its entrance: without it there are no points. Else a function that does nothing but fail would have
# those of all tests in which failure is right.

BEGIN {
    FS = "\t"
    csv = grades "/grades.csv"
    xml = grades "/junit.xml"
    page = grades "/index.html"
    print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"Many Hands\">" >xml
    print "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">" \
        "<title>Grades</title>\n<style>\n:root { color-scheme: light dark }\nbody { font: 16px/1.5 sans-serif; margin: 2em; max-width: 75em }\n" \
        "table { border-collapse: collapse }\ntd, th { border: 1px solid #8888; padding: .3em .6em; text-align: left }\n" \
        ".pass { background: #3a63 }\n.bad { background: #c333 }\n.none { opacity: .6 }\ndetails { margin: .3em 0 }\n" \
        "dt { font-weight: bold }\n</style>\n<h1>Grades</h1>" >page
}

/^@ / { split($0, part, " "); student = part[2]; number = part[3]; if (!(number in known)) { known[number] = 1; order[++numbers] = number }; next }
/^verdict / { verdict[number] = substr($0, 9); next }
/^note / { notes[number] = notes[number] substr($0, 6) "\n"; next }
/^error / { error[number] = substr($0, 7); next }
/^test / {
    sub(/^test /, "")
    n = ++tests[number]
    name[number, n] = $1
    result[number, n] = $2
    points[number, n] = $3
    title[number, n] = $4
    if ($2 != "pass") why[number, n] = "ran: " $5 "\nexpected: " $6 "\ngot: " $7 "\nlikely: " $8
    most[number] += $3
    got[number] += $2 == "pass" ? $3 : 0
    next
}
/^= / { finish(substr($0, 3)) }

function finish(who, i, n, all, of) {
    if (!students++) heading()
    line = sprintf("%-20.20s", who)
    row = quoted(who)
    html = "<tr><th>" escaped(who) "</th>"
    print "<testsuite name=\"" escaped(who) "\">" >xml
    detail = ""
    json = ""
    all = of = 0
    for (i = 1; i <= numbers; i++) {
        n = order[i]
        if (result[n, 1] != "pass") got[n] = 0
        all += got[n]
        of += most[n]
        line = line sprintf(" %5s", verdict[n] == "not handed in" ? "-" : got[n] + 0)
        row = row "," (got[n] + 0) "," quoted(verdict[n])
        html = html "<td class=\"" (verdict[n] == "pass" ? "pass" : verdict[n] == "not handed in" ? "none" : "bad") "\">" \
            (got[n] + 0) "/" (most[n] + 0) " " escaped(verdict[n]) "</td>"
        exercise(who, n)
    }
    print line sprintf(" %6s of %s", all, of)
    if (noted != "") printf "%s", noted
    noted = ""
    print row "," all "," of >csv
    table = table html "<td>" all "/" of "</td></tr>\n"
    details = details "<details><summary>" escaped(who) ": " all " of " of "</summary><dl>" detail "</dl></details>\n"
    print "</testsuite>" >xml
    file = grades "/" student "/results.json"
    print "{ \"score\": " all ", \"tests\": [" json "\n] }" >file
    close(file)
    split("", verdict); split("", notes); split("", error); split("", tests); split("", most); split("", got); split("", why); split("", result)
}

# One exercise of one student, in detail.
function exercise(who, n, i, output) {
    detail = detail "<dt>" n ": " escaped(verdict[n]) "</dt>"
    if (error[n] != "") detail = detail "<dd><pre>" escaped(error[n]) "</pre></dd>"
    if (notes[n] != "") {
        detail = detail "<dd>note: " escaped(notes[n]) "</dd>"
        noted = noted sprintf("%-20s note on %s: %s\n", "", n, substr(notes[n], 1, index(notes[n] "\n", "\n") - 1))
    }
    for (i = 1; i <= tests[n]; i++) {
        output = result[n, i] == "pass" ? "" : verdict[n] == "not handed in" || verdict[n] == "does not compile" ? verdict[n] "\n" error[n] : result[n, i] "\n" why[n, i]
        if (output != "" && tests[n] && verdict[n] != "not handed in" && verdict[n] != "does not compile")
            detail = detail "<dd>" escaped(title[n, i]) "<pre>" escaped(output) "</pre></dd>"
        printf "<testcase classname=\"ex%s\" name=\"%s\">", n, escaped(name[n, i]) >xml
        if (output != "") printf "<failure message=\"%s\">%s</failure>", escaped(result[n, i]), escaped(output) >xml
        print "</testcase>" >xml
        json = json (json == "" ? "" : ",") sprintf("\n  { \"name\": %s, \"score\": %d, \"max_score\": %d, \"output\": %s }", \
            string("ex" n " " title[n, i]), result[n, i] == "pass" && result[n, 1] == "pass" ? points[n, i] : 0, points[n, i], string(output notes[n]))
    }
}

function heading(i, head) {
    head = sprintf("%-20s", "student")
    printf "student" >csv
    table = "<table><tr><th>student</th>"
    for (i = 1; i <= numbers; i++) {
        head = head sprintf(" %5s", "ex" order[i])
        printf ",ex%s,ex%s verdict", order[i], order[i] >csv
        table = table "<th>ex" order[i] "</th>"
    }
    print head "  points"
    print ",points,of" >csv
    table = table "<th>points</th></tr>\n"
}

END {
    print "</testsuites>" >xml
    print table "</table>\n<h2>In detail</h2>\n" details "</html>" >page
}

function quoted(text) { gsub(/"/, "\"\"", text); if (text ~ /^[=+@-]/) text = "'" text; return "\"" text "\"" }

function escaped(text) {
    gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); gsub(/"/, "\\&quot;", text)
    gsub(/[\001-\010\013-\037]/, "?", text)
    return text
}

function string(text) {
    gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\n/, "\\n", text); gsub(/\t/, " ", text)
    gsub(/[\001-\037]/, "?", text)
    return "\"" text "\""
}
