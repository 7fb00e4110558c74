# report.awk - from the rounds of the bench to its table: medians, the ratios the goals are about, met or not.
#
# usage: awk -v csv=FILE -v systems='pool python ...' -v short=0 -f report.awk goals rounds.csv
#
# Reads the goals, then lines `case,system,ns`, one for each round; writes the tables to stdout and the
# medians to FILE. A system without a figure is a dash, and a goal about it is not judged; nor is any goal
# if short is 1.

FNR == 1 {
    file++
    FS = ","
}

file == 1 && !/^#/ {
    split($0, goal, " ")
    goals++
    for (i = 1; i <= 5; i++)
        field[goals, i] = goal[i]
}

file == 2 && !/^case,/ {
    if (!($1 in seen)) {
        seen[$1] = 1
        name[++cases] = $1
    }
    ns[$1, $2, ++rounds[$1, $2]] = $3 + 0
}

# The median of one case in one system; sorts its rounds.
function median(c, s,    n, i, j, x) {
    n = rounds[c, s]
    for (i = 2; i <= n; i++) {
        x = ns[c, s, i]
        for (j = i - 1; j >= 1 && ns[c, s, j] > x; j--)
            ns[c, s, j + 1] = ns[c, s, j]
        ns[c, s, j + 1] = x
    }
    return (ns[c, s, int((n + 1) / 2)] + ns[c, s, int(n / 2) + 1]) / 2
}

# Three digits of a number.
function digits(x) {
    return sprintf(x < 10 ? "%.2f" : x < 100 ? "%.1f" : "%.0f", x)
}

function duration(x) {
    return x < 1000 ? digits(x) " ns" : x < 1e6 ? digits(x / 1e3) " us" : digits(x / 1e6) " ms"
}

function known(c, s) {
    return s == "ns" || (c, s) in rounds
}

function value(c, s) {
    return s == "ns" ? 1 : middle[c, s]
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

function print_medians(    i, k, n, s) {
    n = split(systems, s, " ")
    printf "%-20s", "case"
    for (k = 1; k <= n; k++)
        printf "%11s", s[k]
    print ""
    print "case,system,ns" >csv
    for (i = 1; i <= cases; i++) {
        printf "%-20s", name[i]
        for (k = 1; k <= n; k++) {
            if (known(name[i], s[k])) {
                middle[name[i], s[k]] = median(name[i], s[k])
                printf "%s,%s,%.2f\n", name[i], s[k], middle[name[i], s[k]] >csv
            }
            printf "%11s", known(name[i], s[k]) ? duration(middle[name[i], s[k]]) : "-"
        }
        print ""
    }
}

function print_goal(g,    c, of, by, is, x, what) {
    c = field[g, 1]
    of = field[g, 2]
    by = field[g, 3]
    is = field[g, 4]
    what = by == "ns" ? of ", ns" : of " / " by
    if (!known(c, of) || !known(c, by)) {
        printf "%-20s %-16s %9s  (%s was not measured)\n", c, what, "-", known(c, of) ? by : of
        return
    }
    x = value(c, of) / value(c, by)
    printf "%-20s %-16s %9s  %9s %s\n", c, what, digits(x), is " " field[g, 5], verdict(x, is, field[g, 5])
}

END {
    print_medians()
    printf "\n%-20s %-16s %9s  %9s\n", "case", "", "measured", "goal"
    for (g = 1; g <= goals; g++)
        if (field[g, 1] in seen)
            print_goal(g)
    if (short)
        print "\nA short run: it shows that everything works, its figures mean nothing."
    else
        printf "\n%d of %d goals met.\n", met, judged
}
