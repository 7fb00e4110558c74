# peers.awk - makes the table of the README from what the scenes showed.
#
#   awk -v caption=TEXT -f peers.awk scenes FACTS            prints the table
#   awk -v only=here -f peers.awk scenes FACTS               prints that column alone, a cell a line
#
# A line of FACTS is one round: SCENE SYSTEM ROUND FACT=VALUE... Each round becomes a sentence; a cell is the sentence
# all rounds share, or each with the number of its rounds before it. Rounds that differ in numbers alone share one, with
# the range. What was not played, or has no words in `scenes`, ends it all with status 1.

function fail(text) {
    print "peers: " text >"/dev/stderr"
    failed = 1
    exit 1
}

# The words for a fact: of this scene or of any, of this value or of any number.
function words(scene, name, value,    key) {
    key = (scene, name, value) in say ? scene SUBSEP name SUBSEP value : "*" SUBSEP name SUBSEP value
    if (key in say)
        return say[key]
    if (value ~ /^[0-9]+$/)
        return words(scene, name, "#")
    fail("no words for " name "=" value " in the scene " scene)
}

function note_number(key, number) {
    if (!(key in low) || number + 0 < low[key])
        low[key] = number + 0
    if (!(key in high) || number + 0 > high[key])
        high[key] = number + 0
}

# Adds this round to its cell. A "#" in the sentence stands for the range of all numbers there.
function add(scene, who,    cell, names, n, i, hangs, text, sentence, numbers, key) {
    cell = scene SUBSEP who
    n = split(facts[scene], names, " ")
    for (i = 1; i <= n; i++) {
        hangs = !(names[i] in value) && value["status"] == 124
        if (hangs)
            value[names[i]] = "hang"
        if (!(names[i] in value))
            continue
        text = words(scene, names[i], value[names[i]])
        if (text != "-")
            sentence = sentence (sentence == "" ? "" : ", ") text
        if (text ~ /#/)
            numbers = numbers " " value[names[i]]
        if (hangs)
            break # what would have come after it nobody knows
    }
    if (sentence == "")
        fail("nothing to say of " who " in the scene " scene)
    rounds[cell]++
    key = cell SUBSEP sentence
    if (!count[key]++)
        sentences[cell] = sentences[cell] (sentences[cell] == "" ? "" : "|") sentence
    n = split(numbers, names, " ")
    for (i = 1; i <= n; i++)
        note_number(key SUBSEP i, names[i])
}

function with_numbers(key, sentence,    i, range) {
    for (i = 1; sentence ~ /#/; i++) {
        range = low[key, i] == high[key, i] ? low[key, i] : low[key, i] " to " high[key, i]
        sub(/#/, range, sentence)
    }
    return sentence
}

# The sentences of a cell, the most frequent first.
function cell_text(scene, who,    cell, list, n, i, best, text, part) {
    cell = scene SUBSEP who
    if (!(cell in rounds))
        fail("the scene " scene " was not played for " who)
    n = split(sentences[cell], list, "|")
    if (n == 1)
        return with_numbers(cell SUBSEP list[1], list[1])
    while (n > 0) {
        best = 1
        for (i = 2; i <= n; i++)
            if (count[cell, list[i]] > count[cell, list[best]])
                best = i
        part = count[cell, list[best]] " of " rounds[cell] ": " with_numbers(cell SUBSEP list[best], list[best])
        text = text (text == "" ? "" : "; ") part
        list[best] = list[n--]
    }
    return text
}

BEGIN {
    FS = "|"
}

FILENAME == ARGV[1] {
    if ($1 == "row") {
        order[++scenes] = $2
        facts[$2] = $4
        title[$2] = $5
    } else if ($1 == "say")
        say[$2, $3, $4] = $5
    next
}

{
    split("", value)
    n = split($0, word, " ")
    for (i = 4; i <= n; i++) {
        at = index(word[i], "=")
        value[substr(word[i], 1, at - 1)] = substr(word[i], at + 1)
    }
    add(word[1], word[2])
}

END {
    if (failed)
        exit 1
    if (!only) {
        print "| ... | `multiprocessing.Pool` | `ProcessPoolExecutor` | Many Hands |"
        print "|---|---|---|---|"
    }
    for (i = 1; i <= scenes; i++) {
        scene = order[i]
        if (only)
            print cell_text(scene, only)
        else
            print "| " title[scene] " | " cell_text(scene, "pool") " | " cell_text(scene, "executor") " | " \
                cell_text(scene, "here") " |"
    }
    if (!only)
        print "\n" caption
}
