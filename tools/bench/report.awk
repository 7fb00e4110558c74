# report.awk - from the rounds of the bench to its tables: each figure's median, least and most; the ratios of medians
# that the goals are about, met or not.
#
# usage: awk -v csv=FILE -v systems='pool python ...' -v short=0 -f report.awk goals rounds.csv
#
# Reads the goals, then lines `case,system,ns`, one for each round; writes the tables to stdout and the figures to FILE,
# in nanoseconds. A case with a goal in KiB is one of bytes. A system without a figure is a dash, and a goal about it is
# not judged; nor is any goal if short is 1.

BEGIN {
    size["ns"] = 1
    size["us"] = 1e3
    size["ms"] = 1e6
    size["KiB"] = 1024
}

FNR == 1 {
    file++
    FS = ","
}

file == 1 && !/^#/ {
    split($0, goal, " ")
    goals++
    for (i = 1; i <= 5; i++)
        field[goals, i] = goal[i]
    if (goal[3] == "KiB")
        in_bytes[goal[1]] = 1
}

file == 2 && !/^case,/ {
    if (!($1 in seen)) {
        seen[$1] = 1
        name[++cases] = $1
    }
    ns[$1, $2, ++rounds[$1, $2]] = $3 + 0
}

# Sorts the rounds of one case in one system.
function sort(c, s,    i, j, x) {
    for (i = 2; i <= rounds[c, s]; i++) {
        x = ns[c, s, i]
        for (j = i - 1; j >= 1 && ns[c, s, j] > x; j--)
            ns[c, s, j + 1] = ns[c, s, j]
        ns[c, s, j + 1] = x
    }
}

# Three digits of a number.
function digits(x) {
    return sprintf(x < 10 ? "%.2f" : x < 100 ? "%.1f" : "%.0f", x)
}

# What so large a figure of a case is told in.
function unit(c, x) {
    return c in in_bytes ? "KiB" : x < 1000 ? "ns" : x < 1e6 ? "us" : "ms"
}

# Whether a figure was measured, one of the goal's own case or `case:system`; sets its case and system.
function known(c, figure,    part) {
    here["case"] = split(figure, part, ":") == 2 ? part[1] : c
    here["system"] = part[2] != "" ? part[2] : figure
    return figure in size || (here["case"], here["system"]) in rounds
}

function value(c, figure) {
    known(c, figure)
    return figure in size ? size[figure] : middle[here["case"], here["system"]]
}

# "met", "missed", or a dash if that cannot be said.
function verdict(x, relation, limit) {
    if (short)
        return "-"
    judged++
    if (relation == ">=" ? x >= limit : x <= limit) {
        met++
        return "met"
    }
    return "missed"
}

# Two cells: the median, and under it the least and the most.
function sum_up(c, s,    n, in_unit) {
    sort(c, s)
    n = rounds[c, s]
    middle[c, s] = (ns[c, s, int((n + 1) / 2)] + ns[c, s, int(n / 2) + 1]) / 2
    in_unit = unit(c, middle[c, s])
    cell[s] = digits(middle[c, s] / size[in_unit]) " " in_unit
    spread[s] = digits(ns[c, s, 1] / size[in_unit]) ".." digits(ns[c, s, n] / size[in_unit])
    printf "%s,%s,%.2f,%.2f,%.2f\n", c, s, ns[c, s, 1], middle[c, s], ns[c, s, n] >csv
}

function print_figures(    i, k, n, s, line) {
    n = split(systems, s, " ")
    printf "%-20s", "case"
    for (k = 1; k <= n; k++)
        printf "%13s", s[k]
    print ""
    print "case,system,min,median,max" >csv
    for (i = 1; i <= cases; i++) {
        for (k = 1; k <= n; k++) {
            cell[s[k]] = "-"
            spread[s[k]] = ""
            if ((name[i], s[k]) in rounds)
                sum_up(name[i], s[k])
        }
        printf "%-20s", name[i]
        for (k = 1; k <= n; k++)
            printf "%13s", cell[s[k]]
        line = sprintf("%-20s", "")
        for (k = 1; k <= n; k++)
            line = line sprintf("%13s", spread[s[k]])
        sub(/ +$/, "", line)
        print "\n" line
    }
}

function print_goal(g,    c, of, by, is, x, what) {
    c = field[g, 1]
    of = field[g, 2]
    by = field[g, 3]
    is = field[g, 4]
    what = by in size ? of ", " by : of " / " by
    if (!known(c, of) || !known(c, by)) {
        printf "%-20s %-24s %9s  (%s was not measured)\n", c, what, "-", known(c, of) ? by : of
        return
    }
    x = value(c, of) / value(c, by)
    printf "%-20s %-24s %9s  %9s %s\n", c, what, digits(x), is " " field[g, 5], verdict(x, is, field[g, 5])
}

END {
    print_figures()
    printf "\n%-20s %-24s %9s  %9s\n", "case", "", "measured", "goal"
    for (g = 1; g <= goals; g++)
        if (field[g, 1] in seen)
            print_goal(g)
    if (short)
        print "\nA short run: it shows that everything works, its figures mean nothing."
    else
        printf "\n%d of %d goals met.\n", met, judged
}
