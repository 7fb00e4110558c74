/*
 * lanes.c - draws who ran what in a program's pools: one lane for each worker, one bar for each task.
 *
 *     make lanes && ./lanes ./ch09             runs ./ch09, then draws its pools on the terminal
 *     ./lanes -o visits.svg ./ch03             leaves a picture of the pool that was joined last
 *     ./lanes trace.csv                        draws what POOL_TRACE=trace.csv ./ch09 left
 *
 * survey() finds out what there is: how long, which lanes, who lived in them. gather() makes bars of the records.
 * Those too short to be seen share a bar, as high as the worker was busy; so the picture of a million tasks is no
 * larger than that of a thousand. The rest is printing.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum trace_kind { TRACE_NOTHING, TRACE_START, TRACE_DONE, TRACE_FAILED, TRACE_DEATH, TRACE_END };

struct trace_record {
    uint64_t start, end, item; /* UINT64_MAX: it is not about an item */
    uint32_t job, worker, slot;
    int32_t pid, status;
    enum trace_kind kind;
};

struct trace {
    struct trace_record *records;
    size_t count, room;
    uint32_t slots;
    uint64_t end;
};

#define KINDS (TRACE_END + 1)
#define MOST_BARS 1500 /* in one picture, and 8 more for each lane */
#define NAME 64

static const char *const words[KINDS] = { "nothing", "start", "done", "failed", "died", "end" };
/* The order of painting. */
static const enum trace_kind order[] = { TRACE_DONE, TRACE_FAILED, TRACE_START, TRACE_DEATH };

/* One record, or several of a kind that are too short to be seen alone. */
struct bar {
    const struct trace_record *first, *last;
    size_t count;
    uint64_t busy;
    uint64_t number; /* is written in it */
    unsigned nth;    /* in its lane: neighbours differ in shade */
    int from, to;    /* in the unit of the picture */
};

/* What one slot saw: how many workers, the numbers of the first and the last, how long they were busy. */
struct lane {
    uint32_t lives, first, last;
    uint64_t busy;
    unsigned bars;
    struct bar *open; /* the next record may join it */
};

struct view {
    const struct trace *trace;
    struct lane *lanes;
    uint32_t lane_count; /* 0 if there is no memory */
    uint64_t end;        /* of the time axis; never 0 */
    int items;           /* some job has several; if none has, tasks are told apart by their jobs' numbers */
    int wide;            /* the time axis, in the unit of the picture */
    struct bar *bars;
    size_t bar_count, kinds[KINDS]; /* how many bars, and how many records of each kind in them */
};

/* Returns the next record that makes sense; NULL after the last. */
static const struct trace_record *next(const struct view *view, size_t *at)
{
    while (*at < view->trace->count) {
        const struct trace_record *r = &view->trace->records[(*at)++];
        if (r->kind > TRACE_NOTHING && r->kind < KINDS && r->slot < view->lane_count && r->start <= r->end)
            return r;
    }
    return NULL;
}

static struct view survey(const struct trace *trace)
{
    struct view view = { .trace = trace, .end = trace->end ? trace->end : 1 };
    view.lanes = calloc((size_t)trace->slots + 1, sizeof *view.lanes);
    view.lane_count = view.lanes ? trace->slots : 0;
    const struct trace_record *r;
    for (size_t at = 0; (r = next(&view, &at));) {
        struct lane *lane = &view.lanes[r->slot];
        lane->first = lane->lives > 0 ? lane->first : r->worker;
        lane->lives += lane->lives == 0 || lane->last != r->worker;
        lane->last = r->worker;
        lane->busy += r->end - r->start;
        view.items |= r->item != 0 && r->item != UINT64_MAX;
        view.end = r->end > view.end ? r->end : view.end;
    }
    return view;
}

static int share(uint64_t part, uint64_t all, int whole)
{
    return part < all ? (int)((double)part / (double)all * whole + 0.5) : whole;
}

static void extend(struct bar *bar, const struct view *view, const struct trace_record *r)
{
    bar->last = r;
    bar->count++;
    bar->busy += r->end - r->start;
    bar->to = share(r->end, view->end, view->wide);
    bar->to += bar->to <= bar->from;
}

/* Adds the bars of one kind. The start of a lane's first worker is no news. */
static void gather_kind(struct view *view, enum trace_kind kind, double grain, size_t room)
{
    const struct trace_record *r;
    for (size_t at = 0; view->bar_count < room && (r = next(view, &at));) {
        struct lane *lane = &view->lanes[r->slot];
        if (r->kind != kind || (kind == TRACE_START && r->worker == lane->first))
            continue;
        if (!lane->open || lane->open->first->kind != kind ||
            (double)r->end - (double)lane->open->first->start >= grain) {
            lane->open = &view->bars[view->bar_count++];
            *lane->open = (struct bar){ .first = r, .nth = lane->bars++ };
            lane->open->number = view->items ? r->item : r->job;
            lane->open->from = share(r->start, view->end, view->wide);
            lane->open->from -= lane->open->from == view->wide;
        }
        extend(lane->open, view, r);
        view->kinds[kind]++;
    }
}

/* What fits into `unit` shares a bar; if those are too many bars, what fits into twice as much. */
static void gather(struct view *view, int wide, int unit)
{
    size_t room = MOST_BARS + 8 * (size_t)view->lane_count;
    double grain = (double)view->end / wide * unit;
    view->wide = wide;
    view->bars = malloc(room * sizeof *view->bars);
    do {
        view->bar_count = 0;
        for (uint32_t slot = 0; slot < view->lane_count; slot++)
            view->lanes[slot].open = NULL;
        memset(view->kinds, 0, sizeof view->kinds);
        for (int i = 0; view->bars && i < 4; i++)
            gather_kind(view, order[i], grain, room);
        grain *= 2;
    } while (view->bar_count == room);
}

/* Starts too close to be told apart would only hide the tasks. */
static int is_visible(const struct bar *bar)
{
    return bar->first->kind != TRACE_START || bar->count == 1;
}

static const char *span(char text[NAME], double ns)
{
    static const char *const units[] = { "ns", "us", "ms", "s" };
    int unit = 0;
    for (; unit < 3 && ns >= 999.5; ns /= 1000)
        unit++;
    snprintf(text, NAME, ns < 999.5 ? "%.3g %s" : "%.0f %s", ns, units[unit]);
    return text;
}

/* A lane is named after the workers that lived in it. */
static const char *lane_name(char text[NAME], const struct view *view, uint32_t slot, const char *worker)
{
    const struct lane *lane = &view->lanes[slot];
    if (lane->lives == 0)
        snprintf(text, NAME, "slot %u", slot + 1);
    else if (lane->lives == 1)
        snprintf(text, NAME, "%s%u", worker, lane->first);
    else
        snprintf(text, NAME, "%s%u%s%u", worker, lane->first, lane->lives > 2 ? " .. " : ", ", lane->last);
    return text;
}

/* Says what happened. */
static void tell(FILE *out, const struct trace_record *r)
{
    const char *name = sigabbrev_np(WTERMSIG(r->status));
    if (r->item != UINT64_MAX)
        fprintf(out, "item %" PRIu64 " of job %u: ", r->item, r->job);
    fputs(words[r->kind], out);
    if (r->kind == TRACE_FAILED)
        fprintf(out, ", returned %d", r->status);
    else if (r->kind == TRACE_DEATH && WIFSIGNALED(r->status))
        fprintf(out, ", killed by SIG%s", name ? name : "???");
    else if (r->kind == TRACE_DEATH)
        fprintf(out, ", exit code %d", WEXITSTATUS(r->status));
}

/* Measures of the SVG picture, in tenths of a pixel. The time axis begins at LEFT and is WIDE. */
enum { LEFT = 1550, WIDE = 6950, ALL = 9000, TOP = 420, LANE = 300, HIGH = 220, LINE = 158, DIGIT = 75 };

static const char svg_style[] =
    " font-family='system-ui,sans-serif' font-size='130'>\n"
    "<style>svg{background:#fff}text{fill:#57606a}.lane{fill:#f3f5f8}.grid{stroke:#d8dee4;stroke-width:8}"
    ".item{fill:#fff;text-anchor:middle}.time{text-anchor:middle}.busy{text-anchor:end}"
    ".done{fill:#1f6bb2}.odd{fill:#468fd3}.failed{fill:#cf7409}.died{fill:#c9252d}.start{fill:#24292f}"
    ".cross{stroke:#fff;stroke-width:25;stroke-linecap:round}\n"
    "@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#a9b4c0}.lane{fill:#181e26}"
    ".grid{stroke:#2d343d}.start{fill:#e6edf3}}</style>\n";

static void svg_title(FILE *out, const struct bar *bar)
{
    const struct trace_record *r = bar->first;
    char at[NAME], took[NAME];
    if (bar->count > 1) {
        fprintf(out, "<title>%zu %s\n", bar->count, words[r->kind]);
    } else {
        fputs("<title>", out);
        tell(out, r);
        fprintf(out, "\nPoolWorker-%u, pid %d\n", r->worker, r->pid);
    }
    fprintf(out, "at %s", span(at, (double)r->start));
    fprintf(out, ", for %s</title>", span(took, (double)(bar->last->end - r->start)));
}

static void svg_bar(FILE *out, const struct bar *bar)
{
    const struct trace_record *r = bar->first;
    int many = bar->count > 1, tick = r->kind == TRACE_START;
    int x = LEFT + bar->from, wide = bar->to - bar->from, top = TOP + LANE * (int)r->slot;
    int high = tick ? LANE : share(bar->busy, bar->last->end - r->start, HIGH);
    int y = tick ? top - (LANE - HIGH) / 2 : r->kind == TRACE_DONE ? top + HIGH - high : top;
    const char *class = r->kind == TRACE_DONE && !many && bar->nth % 2 ? "odd" : words[r->kind];
    int drawn = many || wide < 15 ? wide + 10 : wide > 60 ? wide - 10 : wide;
    fprintf(out, "<rect class='%s' x='%d' y='%d' width='%d' height='%d'%s>", class, x, y, drawn, high,
            many ? "" : " rx='25'");
    svg_title(out, bar);
    fputs("</rect>\n", out);
    int digits = snprintf(NULL, 0, "%" PRIu64, bar->number), middle = x + wide / 2;
    if (!many && wide > DIGIT * (digits + 1))
        fprintf(out, "<text class='item' x='%d' y='%d'>%" PRIu64 "</text>\n", middle, top + LINE, bar->number);
    if (r->kind == TRACE_DEATH)
        fprintf(out,
                "<g transform='translate(%d,%d)'><circle class='died' r='85'/>"
                "<path class='cross' d='M-35-35l70 70m0-70l-70 70'/></g>\n",
                x + wide, top + HIGH / 2);
}

/* Its steps are 1, 2 or 5 times a power of ten, so large that there are at most 8. */
static void svg_axis(FILE *out, const struct view *view, int bottom)
{
    uint64_t step = 1;
    char text[NAME];
    for (int i = 0; view->end / step > 8; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    for (uint64_t i = 0; i <= view->end / step; i++) {
        int x = LEFT + share(i * step, view->end, WIDE);
        fprintf(out, "<path class='grid' d='M%d %dV%d'/>", x, TOP - 60, bottom);
        fprintf(out, "<text class='time' x='%d' y='%d'>", x, bottom + LINE);
        fprintf(out, "%s</text>\n", i ? span(text, (double)(i * step)) : "0");
    }
}

static void svg_lane(FILE *out, const struct view *view, uint32_t slot)
{
    int y = TOP + LANE * (int)slot;
    char name[NAME];
    const char *fit = strlen(lane_name(name, view, slot, "PoolWorker-")) > 20
                          ? " textLength='1390' lengthAdjust='spacingAndGlyphs'"
                          : "";
    fprintf(out, "<rect class='lane' x='%d' y='%d' width='%d' height='%d' rx='25'/>", LEFT, y, WIDE, HIGH);
    fprintf(out, "<text x='120' y='%d'%s>%s</text>", y + LINE, fit, name);
    fprintf(out, "<text class='busy' x='%d' y='%d'>", ALL - 80, y + LINE);
    fprintf(out, "%d%%</text>\n", share(view->lanes[slot].busy, view->end, 100));
}

static void svg_legend(FILE *out, const struct view *view)
{
    fprintf(out, "<text x='%d' y='240'>", LEFT);
    for (int i = 0; i < 4; i++)
        if (view->kinds[order[i]] > 0)
            fprintf(out, "<tspan class='%s'>■</tspan> %s %zu&#160;&#160; ", words[order[i]],
                    order[i] == TRACE_START ? "new worker" : words[order[i]], view->kinds[order[i]]);
    fputs("</text>\n", out);
}

static void draw_svg(FILE *out, const struct trace *trace)
{
    struct view view = survey(trace);
    int bottom = TOP + LANE * (int)view.lane_count, all = bottom + 300;
    gather(&view, WIDE, 10);
    fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d'", ALL / 10, all / 10);
    fprintf(out, " viewBox='0 0 %d %d'%s", ALL, all, svg_style);
    svg_legend(out, &view);
    for (uint32_t slot = 0; slot < view.lane_count; slot++)
        svg_lane(out, &view, slot);
    svg_axis(out, &view, bottom);
    for (size_t i = 0; i < view.bar_count; i++)
        if (is_visible(&view.bars[i]))
            svg_bar(out, &view.bars[i]);
    fputs("</svg>\n", out);
    free(view.bars);
    free(view.lanes);
}

/* Prints column x of a bar. */
static void print_column(FILE *out, const struct bar *bar, int x)
{
    static const char *const heights[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    char item[NAME];
    enum trace_kind kind = bar->first->kind;
    int wide = bar->to - bar->from, n = snprintf(item, NAME, "%" PRIu64, bar->number);
    int digit = x - bar->from - (wide - n) / 2;
    if (kind == TRACE_START)
        fputs("|", out);
    else if (kind != TRACE_DONE && x == bar->to - 1)
        fputs(kind == TRACE_FAILED ? "!" : "×", out);
    else if (wide >= n + 2 && digit >= 0 && digit < n)
        fputc(item[digit], out);
    else if (kind != TRACE_DONE)
        fputs("░", out);
    else if (bar->count > 1)
        fputs(heights[share(bar->busy, bar->last->end - bar->first->start, 7)], out);
    else
        fputs(bar->nth % 2 ? "▓" : "█", out);
}

/* Where bars meet in a column, the one painted last is seen. */
static const struct bar *seen_at(const struct view *view, uint32_t slot, int x)
{
    for (size_t i = view->bar_count; i-- > 0;) {
        const struct bar *bar = &view->bars[i];
        if (bar->first->slot == slot && bar->from <= x && x < bar->to && is_visible(bar))
            return bar;
    }
    return NULL;
}

static void print_lane(FILE *out, const struct view *view, uint32_t slot, int colour)
{
    static const char *const colours[KINDS] = { "0", "0", "32", "33", "31" };
    enum trace_kind last = TRACE_NOTHING;
    for (int x = 0; x < view->wide; x++) {
        const struct bar *bar = seen_at(view, slot, x);
        enum trace_kind kind = bar ? bar->first->kind : TRACE_NOTHING;
        if (colour && kind != last)
            fprintf(out, "\033[%sm", colours[last = kind]);
        if (bar)
            print_column(out, bar, x);
        else
            fputc(' ', out);
    }
    fputs(colour ? "\033[0m" : "", out);
}

static void print_legend(FILE *out, const struct view *view, int indent)
{
    static const char *const marks[KINDS] = { [TRACE_START] = "| new worker", "", "! failed", "× died" };
    int any = 0;
    for (int i = 1; i < 4; i++)
        if (view->kinds[order[i]] > 0)
            fprintf(out, "%*s%s", any++ ? 3 : indent, "", marks[order[i]]);
    fputs(any ? "\n" : "", out);
}

static void draw_timeline(FILE *out, const struct trace *trace, unsigned columns, int colour)
{
    struct view view = survey(trace);
    char text[NAME];
    int gutter = 0, narrow = columns < 60;
    for (uint32_t slot = 0; slot < view.lane_count; slot++) {
        int n = (int)strlen(lane_name(text, &view, slot, "worker "));
        gutter = n > gutter ? n : gutter;
    }
    gather(&view, (int)columns - gutter - (narrow ? 8 : 13), 1);
    for (uint32_t slot = 0; slot < view.lane_count; slot++) {
        fprintf(out, "%-*s │", gutter, lane_name(text, &view, slot, "worker "));
        print_lane(out, &view, slot, colour);
        fprintf(out, "│%4d%%%s\n", share(view.lanes[slot].busy, view.end, 100), narrow ? "" : " busy");
    }
    fprintf(out, "%*s0%*s\n", gutter + 2, "", view.wide - 1, span(text, (double)view.end));
    print_legend(out, &view, narrow ? 0 : gutter + 2);
    free(view.bars);
    free(view.lanes);
}

/* ---- Reading ---- */

/* Reads one line; returns whether it is a record. */
static int read_record(const char *line, struct trace_record *r)
{
    char kind[16], item[24];
    if (sscanf(line, "%15[^,],%u,%u,%d,%u,%23[^,],%" SCNu64 ",%" SCNu64 ",%d", kind, &r->slot, &r->worker, &r->pid,
               &r->job, item, &r->start, &r->end, &r->status) == 9)
        r->item = strtoull(item, NULL, 10);
    else if (sscanf(line, "%15[^,],%u,%u,%d,%u,,%" SCNu64 ",%" SCNu64 ",%d", kind, &r->slot, &r->worker, &r->pid,
                    &r->job, &r->start, &r->end, &r->status) == 8)
        r->item = UINT64_MAX;
    else
        return 0;
    for (r->kind = TRACE_END; r->kind > TRACE_NOTHING && strcmp(kind, words[r->kind]) != 0; r->kind--)
        ;
    return r->kind != TRACE_NOTHING;
}

static void add_record(struct trace *trace, const struct trace_record *r)
{
    if (trace->count == trace->room) {
        trace->room = 2 * trace->room + 1000;
        trace->records = realloc(trace->records, trace->room * sizeof *trace->records);
        if (!trace->records) {
            perror("lanes");
            exit(EXIT_FAILURE);
        }
    }
    trace->records[trace->count++] = *r;
    trace->slots = r->slot >= trace->slots ? r->slot + 1 : trace->slots;
    trace->end = r->end > trace->end ? r->end : trace->end;
}

/* Reads one pool's records, up to an empty line or the end. */
static int read_pool(FILE *in, struct trace *trace)
{
    char line[256];
    struct trace_record r;
    trace->count = trace->slots = trace->end = 0;
    while (fgets(line, sizeof line, in) && line[0] != '\n')
        if (read_record(line, &r))
            add_record(trace, &r);
    return trace->count > 0;
}

static void draw_all(FILE *in, const char *picture)
{
    struct trace trace = { .room = 0 };
    struct winsize window = { .ws_col = 80 };
    int terminal = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col >= 40;
    while (read_pool(in, &trace)) {
        FILE *out = picture ? fopen(picture, "we") : stderr;
        if (!out) {
            perror(picture);
            exit(EXIT_FAILURE);
        }
        if (picture)
            draw_svg(out, &trace);
        else
            draw_timeline(out, &trace, terminal ? window.ws_col : 80, terminal && !getenv("NO_COLOR"));
        if (picture)
            fclose(out);
    }
    free(trace.records);
}

/* Runs the command with its pools traced. Returns its exit status. */
static int run(char **argv, const char *picture)
{
    char name[] = "/tmp/lanes-XXXXXX.csv";
    int fd = mkstemps(name, 4), status = 0;
    pid_t pid = fd < 0 ? -1 : fork();
    if (pid == 0) {
        setenv("POOL_TRACE", name, 1);
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("lanes");
        return EXIT_FAILURE;
    }
    unlink(name);
    FILE *in = fdopen(fd, "r");
    draw_all(in, picture);
    fclose(in);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    const char *picture = argc > 3 && strcmp(argv[1], "-o") == 0 ? argv[2] : NULL;
    char **rest = argv + (picture ? 3 : 1);
    size_t length = *rest ? strlen(*rest) : 0;
    if (length < 5 || strcmp(*rest + length - 4, ".csv") != 0)
        return *rest ? run(rest, picture) : (fprintf(stderr, "usage: lanes [-o FILE.svg] COMMAND... | FILE.csv\n"), 2);
    FILE *in = fopen(*rest, "re");
    if (!in) {
        perror(*rest);
        return EXIT_FAILURE;
    }
    draw_all(in, picture);
    fclose(in);
    return EXIT_SUCCESS;
}
