# man.awk - makes a man page of each call in pool.h, and pool.h(3), which tells how they belong together.
#
#     awk -v version=1.0.0 -v out=FOLDER -f tools/book/man.awk pool/pool.h
#
# Doxygen can make man pages too, but it loses blank lines and turns " into ' in programs. The header's comments are
# read as they are written there: Markdown, "@name", "@param" and "@return", and "/**<" behind a member.

# --- Reading ------------------------------------------------------------------------------------------------

# A comment's lines go into comment[1..lines], then what it is about into code[1..codes].
/^\/\*\*/ { lines = codes = 0; inside = 1 }
inside {
    ends = /\*\/$/
    sub(/ *\*\/$/, "")
    sub(/^(\/\*\*| \*)/, "")
    sub(/^ /, "")
    comment[++lines] = $0
    if (ends) {
        inside = 0
        end_of_comment()
    }
    next
}
/^struct [a-z_]*; *\/\*\*</ { handle(); next }
wanted { code[++codes] = $0 }
wanted && (/^#define/ || /^[^ ].*;$/ || /;$/ && code[1] !~ /[{]$/) { wanted = 0; declaration() }

# What it is: the introduction, the head of a group, its end, or about the next declaration.
function end_of_comment(    i) {
    for (i = 1; i <= lines; i++) {
        if (comment[i] ~ /^@file /)
            return introduction()
        if (comment[i] ~ /^@name /)
            return begin_group(i)
        if (comment[i] ~ /^@}/)
            return
    }
    wanted = 1
}

function introduction(    i) {
    for (i = 1; i <= lines; i++)
        if (sub(/^@brief /, "", comment[i]))
            brief["pool.h"] = first_sentence(comment[i])
        else if (comment[i] !~ /^@file/)
            text["pool.h"] = text["pool.h"] comment[i] "\n"
}

function begin_group(i) {
    heading[++groups] = substr(comment[i], 7)
    for (; i <= lines; i++)
        if (comment[i] !~ /^@/)
            intro[groups] = intro[groups] comment[i] "\n"
}

# struct pool; /**< A pool of workers. */
function handle(    name, about) {
    name = about = $0
    sub(/;.*/, "", name)
    sub(/^.*\/\*\*< */, "", about)
    sub(/ *\*\/.*/, "", about)
    member_of[groups, ++size[groups]] = name
    brief[name] = first_sentence(about)
}

function declaration(    name, i, all, part) {
    for (i = 1; i <= codes; i++)
        all = all " " code[i]
    sub(/ *__attribute__.*/, ";", all)
    gsub(/  +/, " ", all)
    sub(/^ /, "", all)
    name = name_of(all)
    if (!(name in synopsis))
        member_of[groups, ++size[groups]] = name
    else { # a struct and a function of one name: one page
        synopsis[name] = synopsis[name] "\n\n"
        text[name] = text[name] "\n"
    }
    synopsis[name] = synopsis[name] (all ~ /[{]/ ? members(name) : wrapped(all))
    part = "text"
    for (i = 1; i <= lines; i++)
        part = take(name, part, comment[i])
    brief[name] = first_sentence(text[name])
}

function name_of(all) {
    if (match(all, /^#define [A-Z_]+/))
        return substr(all, 9, RLENGTH - 8)
    if (match(all, /^(struct|enum) [a-z_]+ [{]/)) {
        all = substr(all, 1, RLENGTH - 2)
        sub(/^.* /, "", all)
        return all
    }
    sub(/\(.*/, "", all)
    sub(/^.*[ *]/, "", all)
    return all
}

# One line of a comment, to where it belongs; returns where the next one does.
function take(name, part, line,    rest) {
    if (match(line, /@return /)) {
        rest = substr(line, RSTART + RLENGTH)
        text[name] = text[name] substr(line, 1, RSTART - 1) "\n"
        returns[name] = rest "\n"
        return "returns"
    }
    if (match(line, /^@param +[a-z_]+(, [a-z_]+)* +/)) {
        rest = substr(line, RLENGTH + 1)
        line = substr(line, 8, RLENGTH - 7)
        gsub(/^ +| +$/, "", line)
        parameters[name] = parameters[name] item(line, "I") rest "\n"
        return "parameters"
    }
    if (part == "returns")
        returns[name] = returns[name] line "\n"
    else if (part == "parameters")
        parameters[name] = parameters[name] line "\n"
    else
        text[name] = text[name] line "\n"
    return part
}

# The tag of an entry, as a line \002FONT TAG that roff() knows.
function item(tag, font) {
    return "\002" font tag "\n"
}

# The members of a struct or an enum: returns them without their comments, which become fields[name].
function members(name,    i, line, about, shown) {
    shown = code[1]
    for (i = 2; i < codes; i++) {
        line = about = code[i]
        if (line ~ /^ +[^ ].*\/\*\*</) {
            sub(/ *\/\*\*<.*/, "", line)
            sub(/^.*\/\*\*< */, "", about)
            shown = shown "\n" line
            gsub(/^ +|[;,]$/, "", line)
            fields[name] = fields[name] item(line, "B")
        }
        gsub(/^ +| *\*\/$/, "", about)
        fields[name] = fields[name] about "\n"
    }
    return shown "\n};"
}

# A prototype in lines that fit a terminal of 80 columns.
function wrapped(all,    part, n, i, line, done, indent) {
    n = split(all, part, /, /)
    indent = sprintf("%" index(all, "(") "s", "")
    line = part[1]
    for (i = 2; i <= n; i++)
        if (length(line part[i]) > 70) {
            done = done line ",\n"
            line = indent part[i]
        } else
            line = line ", " part[i]
    return done line
}

# --- Writing ------------------------------------------------------------------------------------------------

function first_sentence(all) {
    gsub(/\n/, " ", all)
    gsub(/`|[*][*]/, "", all)
    gsub(/  +/, " ", all)
    if (match(all, /[^.]\. [A-Z@]/))
        all = substr(all, 1, RSTART)
    gsub(/^ | $/, "", all)
    if (all ~ /[^.]\.$/)
        sub(/\.$/, "", all)
    return all
}

# What stands between two marks gets the font.
function font(line, regex, width, letter,    done) {
    while (match(line, regex)) {
        done = done substr(line, 1, RSTART - 1) "\\f" letter substr(line, RSTART + width, RLENGTH - 2 * width) "\\fP"
        line = substr(line, RSTART + RLENGTH)
    }
    return done line
}

function escaped(line) {
    gsub(/\\/, "\\e", line)
    gsub(/-/, "\\-", line)
    sub(/^[.']/, "\\\\\\&&", line)
    return line
}

# A line of running text: `code`, **strong**, *stressed*, and pool_map() is a page of its own.
function marked(line,    done, name) {
    line = escaped(line)
    line = font(line, "[*][*][^*]+[*][*]", 2, "B")
    line = font(line, "[*][a-z]+[*]", 1, "I")
    line = font(line, "`[^`]+`", 1, "B")
    while (match(line, /pool_[a-z_]+\(\)/)) {
        name = substr(line, RSTART, RLENGTH - 2)
        done = done substr(line, 1, RSTART - 1) (name in text ? "\\fB" name "\\fP(3)" : name "()")
        line = substr(line, RSTART + RLENGTH)
    }
    return done line
}

# Markdown as a man page has it.
function roff(file, all,    line, n, i, verbatim, blank) {
    n = split(all, line, /\n/)
    for (i = 1; i <= n; i++) {
        if (line[i] ~ /^ *$/)
            blank = 1
        else if (line[i] ~ /^\002/)
            print ".TP\n\\f" substr(line[i], 2, 1) escaped(substr(line[i], 3)) "\\fP" >file
        else {
            if (!verbatim && line[i] ~ /^    / && blank) {
                print ".PP\n.nf\n.RS 2" >file
                verbatim = 1
            } else if (verbatim && line[i] !~ /^    /) {
                print ".RE\n.fi\n.PP" >file
                verbatim = 0
            } else if (blank)
                print verbatim ? "" : ".PP" >file
            blank = 0
            if (!verbatim)
                sub(/^ +/, "", line[i])
            print verbatim ? escaped(substr(line[i], 5)) : marked(line[i]) >file
        }
    }
}

function section(file, title, all) {
    if (all !~ /[^ \n]/)
        return
    print ".SH " title >file
    sub(/^[ \n]+/, "", all)
    roff(file, all)
}

function head(file, name) {
    print ".TH " name " 3 \"\" \"Many Hands " version "\" \"Process pools\"" >file
    print ".ad l\n.nh\n.ss 12 0" >file # neither spread nor hyphenated, one space after a sentence
    print ".SH NAME\n" name " \\- " escaped(brief[name]) >file
    print ".SH SYNOPSIS\n.nf\n#include <pool.h>" >file
    if (name in synopsis)
        print ".PP\n" escaped(synopsis[name]) >file
    print ".fi" >file
}

function write_page(name, g,    file, i, other, list) {
    file = out "/" name ".3"
    head(file, name)
    section(file, "DESCRIPTION", text[name])
    section(file, "MEMBERS", fields[name])
    section(file, "PARAMETERS", parameters[name])
    section(file, "RETURN VALUE", returns[name])
    for (i = 1; i <= size[g]; i++) {
        other = member_of[g, i]
        if (other != name && other ~ /^[a-z_]*$/)
            list = list ",\n.BR " other " (3)"
    }
    print ".SH SEE ALSO\n.BR pool.h (3)" list >file
    close(file)
}

function write_overview(    file, g, i, name) {
    file = out "/pool.h.3"
    head(file, "pool.h")
    section(file, "DESCRIPTION", text["pool.h"])
    print ".SH CALLS" >file
    for (g = 1; g <= groups; g++) {
        print ".SS " heading[g] >file
        roff(file, substr(intro[g], 1, length(intro[g]) - 1))
        for (i = 1; i <= size[g]; i++) {
            name = member_of[g, i]
            print ".TP\n\\fB" name "\\fP" (name ~ /^struct / ? "" : "(3)") "\n" marked(brief[name]) >file
        }
    }
    close(file)
}

END {
    write_overview()
    for (g = 1; g <= groups; g++)
        for (i = 1; i <= size[g]; i++)
            if (member_of[g, i] !~ /^struct /)
                write_page(member_of[g, i], g)
}
