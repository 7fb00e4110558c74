# links.awk - finds links that lead nowhere.
#
#     awk [-v source=book.md] -f tools/book/links.awk FILE.html ...
#
# Each link (href, src) must lead to a file, and its #anchor to an id there, if that file is among those given.
# Addresses elsewhere (https: ...) are not followed, but nothing that a page needs may be there: a style, a script, a
# picture. If the pages are made of a source, which has the link as it is, its lines there are told, too.
# Exit status: 0; 1 if anything is wrong.

BEGIN { RS = "<" } # so a record is a tag and the text behind it

function attribute(name,    text) {
    if (!match(tag, "[ \t\n]" name "=\"[^\"]*\""))
        return ""
    text = substr(tag, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
    gsub(/&amp;/, "\\&", text)
    return text
}

function wrong(file, target, what,    line, n, there) {
    RS = "\n"
    while (source != "" && (getline line <source) > 0 && ++n)
        if (index(line, "](" target ")")) {
            print source ":" n ": " target " " what
            there = 1
        }
    close(source)
    if (!there)
        print file ": " target " " what
    bad = 1
    RS = "<"
}

FNR == 1 { given[FILENAME] = 1 }
{
    tag = substr($0, 1, index($0, ">"))
    if ((id = attribute("id")) != "")
        ids[FILENAME, id] = 1
    if ((id = attribute("name")) != "")
        ids[FILENAME, id] = 1
    target = attribute("href")
    if (target == "")
        target = attribute("src")
    if (target ~ /^[a-z]+:/ && target !~ /^javascript:/) {
        if (tag ~ /^(link|script|img)/)
            wrong(FILENAME, target, "is not beside the page")
    } else if (target != "" && target !~ /^javascript:/)
        links[FILENAME, target] = 1
}

# Where a link in a file leads to: book/ch01.html and ../reference/index.html is reference/index.html
function path_of(from, target) {
    sub(/#.*/, "", target)
    if (target == "")
        return from
    sub(/[^\/]*$/, "", from)
    target = from target
    while (sub(/[^\/.]+\/\.\.\//, "", target))
        ;
    return target
}

function exists(path,    line, more) {
    if (!(path in known)) {
        more = (getline line <path)
        close(path)
        known[path] = more >= 0
    }
    return known[path]
}

END {
    for (link in links) {
        split(link, part, SUBSEP)
        path = path_of(part[1], part[2])
        anchor = part[2]
        if (!sub(/^[^#]*#/, "", anchor))
            anchor = ""
        count++
        if (!exists(path))
            wrong(part[1], part[2], "leads to no file")
        else if (anchor != "" && path in given && !((path, anchor) in ids))
            wrong(part[1], part[2], "leads to no anchor")
    }
    if (count == 0)
        wrong("links.awk", "", "found no link at all")
    exit bad
}
