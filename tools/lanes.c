/*
 * lanes.c - draws which worker ran what in a program's pools: one lane for each worker, one bar for each task.
 *
 *     make ch09 && ./lanes ./ch09     runs ./ch09, then draws each of its pools on the terminal
 *     ./lanes -o ch09.svg ./ch09      makes a picture of them instead (or .json, for Perfetto; .csv: the records)
 *     ./lanes trace.csv               draws what POOL_TRACE=trace.csv ./ch09 left
 *
 * The library only leaves records, one a line, when a pool is joined (trace.c); all of a picture is made here. survey()
 * finds out what there is: how long, which lanes, which workers lived in them. gather() makes bars of the records.
 * Those too short to be seen share a bar, as high as the worker was busy; so the picture of a million tasks is no
 * larger than that of a thousand.
 *
 * While the program runs, this one only waits: the terminal's signals reach the program anyway, others are handed on,
 * and in the end it leaves as the program did, with the same status or by the same signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* As in the library's inside.h; POOL is the first of each pool: what there is to say of the pool itself. */
enum trace_kind { TRACE_POOL, TRACE_START, TRACE_DONE, TRACE_FAILED, TRACE_DEATH, TRACE_END };

#define NO_ITEM UINT64_MAX

/* Times are nanoseconds since the pool was opened; in a POOL record, on the machine's clock. */
struct trace_record {
    uint64_t start, end, item;
    uint32_t job, worker, slot;
    int32_t pid, status;
    enum trace_kind kind;
};

/* The records of one pool, in the order of their start. */
struct trace {
    struct trace_record pool; /* slot: how many workers; item: how many older records are missing */
    struct trace_record *records;
    size_t count, room;
    uint64_t end; /* of the last one */
};

/* Whatever was read. */
struct traces {
    struct trace *pools;
    size_t count;
    bool many_processes; /* opened them */
};

#define KINDS (TRACE_END + 1)
#define MOST_WORKERS 1024
#define MOST_BARS 1500 /* in one pool's picture, and 8 more for each lane */
#define NAME 64

static const char header[] = "kind,slot,worker,pid,job,item,start,end,status";
static const char *const words[KINDS] = { "pool", "start", "done", "failed", "died", "end" };
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
    uint32_t lane_count;
    uint64_t end; /* of the time axis; never 0 */
    bool items;   /* some job has several; if none has, tasks are told apart by their jobs' numbers */
    int wide;     /* the time axis, in the unit of the picture */
    struct bar *bars;
    size_t bar_count, kinds[KINDS]; /* how many bars, and how many records of each kind in them */
};

/* What this program ends with when it fails; once the program it runs has failed, with what that ended with. */
static int failure = EXIT_FAILURE;

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("lanes: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(failure);
}

static void *checked(void *memory)
{
    if (!memory)
        fail("there is no memory for so many records");
    return memory;
}

/* ---- Bars ---- */

static struct view survey(const struct trace *trace)
{
    struct view view = { .trace = trace, .end = trace->end ? trace->end : 1, .lane_count = trace->pool.slot };
    view.lanes = checked(calloc((size_t)view.lane_count + 1, sizeof *view.lanes));
    for (const struct trace_record *r = trace->records; r < trace->records + trace->count; r++) {
        struct lane *lane = &view.lanes[r->slot];
        lane->first = lane->lives > 0 ? lane->first : r->worker;
        lane->lives += lane->lives == 0 || lane->last != r->worker;
        lane->last = r->worker;
        lane->busy += r->end - r->start;
        view.items |= r->item != 0 && r->item != NO_ITEM;
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
    const struct trace_record *r = view->trace->records, *end = r + view->trace->count;
    for (; view->bar_count < room && r < end; r++) {
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
    view->bars = checked(malloc(room * sizeof *view->bars));
    do {
        view->bar_count = 0;
        for (uint32_t slot = 0; slot < view->lane_count; slot++)
            view->lanes[slot].open = NULL;
        memset(view->kinds, 0, sizeof view->kinds);
        for (int i = 0; i < 4; i++)
            gather_kind(view, order[i], grain, room);
        grain *= 2;
    } while (view->bar_count == room);
}

static void view_free(struct view *view)
{
    free(view->bars);
    free(view->lanes);
}

/* ---- Words ---- */

/* Starts too close to be told apart would only hide the tasks. */
static bool is_visible(const struct bar *bar)
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

/* Names the pool, where there are several; and the process that opened it, where that is not always the same. */
static const char *pool_name(char text[NAME], const struct traces *all, size_t pool)
{
    int n = snprintf(text, NAME, "pool %zu", pool + 1);
    if (all->many_processes)
        snprintf(text + n, NAME - (size_t)n, ", pid %d", all->pools[pool].pool.pid);
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
    if (r->item != NO_ITEM)
        fprintf(out, "item %" PRIu64 " of job %u: ", r->item, r->job);
    fputs(words[r->kind], out);
    if (r->kind == TRACE_FAILED)
        fprintf(out, ", returned %d", r->status);
    else if (r->kind == TRACE_DEATH && WIFSIGNALED(r->status))
        fprintf(out, ", killed by SIG%s", name ? name : "???");
    else if (r->kind == TRACE_DEATH)
        fprintf(out, ", exit code %d", WEXITSTATUS(r->status));
}

/* ---- SVG ---- */

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

/* What makes a long name fit before the lanes. */
static const char *fit(const char *name)
{
    return strlen(name) > 20 ? " textLength='1390' lengthAdjust='spacingAndGlyphs'" : "";
}

static void svg_lane(FILE *out, const struct view *view, uint32_t slot)
{
    int y = TOP + LANE * (int)slot;
    char name[NAME];
    fprintf(out, "<rect class='lane' x='%d' y='%d' width='%d' height='%d' rx='25'/>", LEFT, y, WIDE, HIGH);
    fprintf(out, "<text x='120' y='%d'%s>%s</text>", y + LINE, fit(lane_name(name, view, slot, "PoolWorker-")), name);
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

static int svg_height(const struct trace *trace)
{
    return TOP + LANE * (int)trace->pool.slot + 300;
}

static void svg_pool(FILE *out, const struct traces *all, size_t pool)
{
    struct view view = survey(&all->pools[pool]);
    char name[NAME];
    gather(&view, WIDE, 10);
    if (all->count > 1)
        fprintf(out, "<text x='120' y='240'%s>%s</text>", fit(pool_name(name, all, pool)), name);
    svg_legend(out, &view);
    for (uint32_t slot = 0; slot < view.lane_count; slot++)
        svg_lane(out, &view, slot);
    svg_axis(out, &view, svg_height(view.trace) - 300);
    for (size_t i = 0; i < view.bar_count; i++)
        if (is_visible(&view.bars[i]))
            svg_bar(out, &view.bars[i]);
    view_free(&view);
}

/* One pool below the other. */
static void draw_svg(FILE *out, const struct traces *all)
{
    long high = 0, y = 0;
    for (size_t i = 0; i < all->count; i++)
        high += svg_height(&all->pools[i]);
    fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%ld'", ALL / 10, high / 10);
    fprintf(out, " viewBox='0 0 %d %ld'%s", ALL, high, svg_style);
    for (size_t i = 0; i < all->count; y += svg_height(&all->pools[i++])) {
        fprintf(out, "<g transform='translate(0,%ld)'>\n", y);
        svg_pool(out, all, i);
        fputs("</g>\n", out);
    }
    fputs("</svg>\n", out);
}

/* ---- JSON: trace events, as Perfetto and Chrome read them ---- */

/* `at` is in nanoseconds; trace events have microseconds. */
static void json_event(FILE *out, size_t pool, const struct trace_record *r, char ph, uint64_t at)
{
    uint64_t ns = ph == 'X' ? r->end - r->start : 0;
    fprintf(out, ",\n{\"ph\":\"%c\",\"cat\":\"%s\",\"pid\":%zu,\"tid\":%u,", ph, words[r->kind], pool + 1, r->slot + 1);
    fprintf(out, "\"ts\":%" PRIu64 ".%03u,", at / 1000, (unsigned)(at % 1000));
    fprintf(out, ph == 'X' ? "\"dur\":%" PRIu64 ".%03u," : "\"s\":\"t\",", ns / 1000, (unsigned)(ns % 1000));
    fprintf(out, "\"args\":{\"worker\":\"PoolWorker-%u\",\"pid\":%d},\"name\":\"", r->worker, r->pid);
    tell(out, r);
    fputs("\"}", out);
}

static void json_pool(FILE *out, const struct traces *all, size_t pool, uint64_t zero)
{
    const struct trace *trace = &all->pools[pool];
    struct view view = survey(trace);
    char name[NAME];
    fprintf(out, "%s\n{\"ph\":\"M\",\"pid\":%zu,\"name\":\"process_name\",\"args\":{\"name\":\"%s\"}}", pool ? "," : "",
            pool + 1, pool_name(name, all, pool));
    for (uint32_t slot = 0; slot < view.lane_count; slot++)
        fprintf(out, ",\n{\"ph\":\"M\",\"pid\":%zu,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}",
                pool + 1, slot + 1, lane_name(name, &view, slot, "PoolWorker-"));
    for (const struct trace_record *r = trace->records; r < trace->records + trace->count; r++) {
        if (r->item != NO_ITEM)
            json_event(out, pool, r, 'X', trace->pool.start - zero + r->start);
        if (r->kind != TRACE_DONE && r->kind != TRACE_FAILED)
            json_event(out, pool, r, 'i', trace->pool.start - zero + r->end);
    }
    view_free(&view);
}

/* All pools on one axis, which begins when the first of them was opened. */
static void draw_json(FILE *out, const struct traces *all)
{
    uint64_t zero = UINT64_MAX;
    for (size_t i = 0; i < all->count; i++)
        zero = all->pools[i].pool.start < zero ? all->pools[i].pool.start : zero;
    fputs("{\"traceEvents\":[", out);
    for (size_t i = 0; i < all->count; i++)
        json_pool(out, all, i, zero);
    fputs("\n]}\n", out);
}

/* ---- CSV ---- */

static void csv_record(FILE *out, const struct trace_record *r)
{
    fprintf(out, "%s,%u,%u,%d,%u,", words[r->kind], r->slot, r->worker, r->pid, r->job);
    if (r->item != NO_ITEM)
        fprintf(out, "%" PRIu64, r->item);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%d\n", r->start, r->end, r->status);
}

static void draw_csv(FILE *out, const struct traces *all)
{
    for (const struct trace *trace = all->pools; trace < all->pools + all->count; trace++) {
        fprintf(out, "%s\n", header);
        csv_record(out, &trace->pool);
        for (size_t i = 0; i < trace->count; i++)
            csv_record(out, &trace->records[i]);
        fputc('\n', out);
    }
}

/* ---- The terminal ---- */

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

static void print_lane(FILE *out, const struct view *view, uint32_t slot, bool colour)
{
    static const char *const colours[KINDS] = { "0", "0", "32", "33", "31" };
    enum trace_kind last = TRACE_POOL;
    for (int x = 0; x < view->wide; x++) {
        const struct bar *bar = seen_at(view, slot, x);
        enum trace_kind kind = bar ? bar->first->kind : TRACE_POOL;
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

static void print_pool(FILE *out, const struct trace *trace, int columns, bool colour)
{
    struct view view = survey(trace);
    char text[NAME];
    int gutter = 0, narrow = columns < 60;
    for (uint32_t slot = 0; slot < view.lane_count; slot++) {
        int n = (int)strlen(lane_name(text, &view, slot, "worker "));
        gutter = n > gutter ? n : gutter;
    }
    int wide = columns - gutter - (narrow ? 8 : 13);
    gather(&view, wide > 8 ? wide : 8, 1);
    for (uint32_t slot = 0; slot < view.lane_count; slot++) {
        fprintf(out, "%-*s │", gutter, lane_name(text, &view, slot, "worker "));
        print_lane(out, &view, slot, colour);
        fprintf(out, "│%4d%%%s\n", share(view.lanes[slot].busy, view.end, 100), narrow ? "" : " busy");
    }
    fprintf(out, "%*s0%*s\n", gutter + 2, "", view.wide - 1, span(text, (double)view.end));
    print_legend(out, &view, narrow ? 0 : gutter + 2);
    view_free(&view);
}

/* As wide as $COLUMNS says, or the terminal, or 80. */
static void draw_timeline(FILE *out, const struct traces *all)
{
    struct winsize window = { .ws_col = 0 };
    bool terminal = ioctl(fileno(out), TIOCGWINSZ, &window) == 0;
    const char *wanted = getenv("COLUMNS");
    int columns = wanted ? atoi(wanted) : window.ws_col;
    char name[NAME];
    for (size_t i = 0; i < all->count; i++) {
        if (all->count > 1)
            fprintf(out, "%s%s\n", i ? "\n" : "", pool_name(name, all, i));
        print_pool(out, &all->pools[i], columns >= 40 ? columns : 80, terminal && !getenv("NO_COLOR"));
    }
}

/* ---- Reading ---- */

/* Reads a number that fills the field; what is not one, or too large, is none. */
static bool number(const char *field, int64_t least, uint64_t most, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = least < 0 ? (uint64_t)strtoll(field, &end, 10) : strtoull(field, &end, 10);
    bool fits = least < 0 ? (int64_t)*value >= least && (int64_t)*value <= (int64_t)most : *value <= most;
    return (*field == '-' ? least < 0 : *field >= '0' && *field <= '9') && !*end && errno == 0 && fits;
}

/* Reads a record; false if the line is none, or it makes no sense. */
static bool read_record(char *line, struct trace_record *r)
{
    char *field[9];
    uint64_t slot, worker, pid, job, status;
    for (int i = 0; i < 9; i++)
        field[i] = strsep(&line, ",");
    if (line || !field[8])
        return false;
    for (r->kind = TRACE_END; r->kind > TRACE_POOL && strcmp(field[0], words[r->kind]) != 0; r->kind--)
        ;
    r->item = NO_ITEM;
    if (strcmp(field[0], words[r->kind]) != 0 || !number(field[1], 0, MOST_WORKERS, &slot) ||
        !number(field[2], 0, UINT32_MAX, &worker) || !number(field[3], INT32_MIN, INT32_MAX, &pid) ||
        !number(field[4], 0, UINT32_MAX, &job) || (*field[5] && !number(field[5], 0, UINT64_MAX - 1, &r->item)) ||
        !number(field[6], 0, UINT64_MAX, &r->start) || !number(field[7], 0, UINT64_MAX, &r->end) ||
        !number(field[8], INT32_MIN, INT32_MAX, &status))
        return false;
    r->slot = (uint32_t)slot;
    r->worker = (uint32_t)worker;
    r->pid = (int32_t)pid;
    r->job = (uint32_t)job;
    r->status = (int32_t)status;
    bool wants_item = r->kind == TRACE_DONE || r->kind == TRACE_FAILED;
    return r->start <= r->end && (!wants_item || r->item != NO_ITEM);
}

static struct trace *begin_pool(struct traces *all, const struct trace_record *r)
{
    all->pools = checked(realloc(all->pools, (all->count + 1) * sizeof *all->pools));
    all->many_processes |= all->count && all->pools[0].pool.pid != r->pid;
    all->pools[all->count] = (struct trace){ .pool = *r };
    return &all->pools[all->count++];
}

/* Adds a record to its pool; false if it does not belong there. */
static bool add_record(struct trace *trace, const struct trace_record *r)
{
    if (r->kind == TRACE_POOL || r->slot >= trace->pool.slot || r->end > trace->pool.end - trace->pool.start)
        return false;
    if (trace->count == trace->room) {
        trace->room = 2 * trace->room + 1000;
        trace->records = checked(realloc(trace->records, trace->room * sizeof *trace->records));
    }
    trace->records[trace->count++] = *r;
    trace->end = r->end > trace->end ? r->end : trace->end;
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct trace_record *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* The text may be anything, and terminals obey some bytes. */
static _Noreturn void damaged(const char *name, size_t line, const char *wanted, char *text)
{
    for (char *at = text; *at; at++)
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    fail("%s, line %zu: expected %s, got \"%.60s%s\"; the file is damaged, or not one that POOL_TRACE=FILE.csv left",
         name, line, wanted, text, strlen(text) > 60 ? "..." : "");
}

/* Each pool is a header, a record of the pool itself, those of its workers, and an empty line. */
static void read_pools(FILE *in, const char *name, struct traces *all)
{
    enum { OUTSIDE, BEGUN, INSIDE } where = OUTSIDE;
    static const char *const wanted[] = { header, "the record of a pool", "a record" };
    struct trace *trace = NULL;
    struct trace_record r;
    char *line = NULL, *text = NULL;
    size_t room = 0, n = 1;
    for (ssize_t length; (length = getline(&line, &room, in)) > 0; n++) {
        bool whole = line[length - 1] == '\n' && !memchr(line, '\0', (size_t)length);
        line[strcspn(line, "\r\n")] = '\0';
        free(text);
        text = checked(strdup(line));
        if (whole && where != BEGUN && !*line)
            where = OUTSIDE;
        else if (whole && where == OUTSIDE && strcmp(line, header) == 0)
            where = BEGUN;
        else if (whole && where == BEGUN && read_record(line, &r) && r.kind == TRACE_POOL) {
            trace = begin_pool(all, &r);
            where = INSIDE;
        } else if (!whole || where != INSIDE || !read_record(line, &r) || !add_record(trace, &r))
            damaged(name, n, wanted[where], text);
    }
    if (ferror(in))
        fail("cannot read %s: %s", name, strerror(errno));
    if (where == BEGUN)
        damaged(name, n, wanted[BEGUN], (char[]){ "the end" });
    free(line);
    free(text);
    for (size_t i = 0; i < all->count; i++)
        if (all->pools[i].count) /* qsort wants no NULL */
            qsort(all->pools[i].records, all->pools[i].count, sizeof *all->pools[i].records, by_start);
}

static void read_file(const char *name, struct traces *all)
{
    FILE *in = fopen(name, "re");
    if (!in)
        fail("cannot read %s: %s", name, strerror(errno));
    read_pools(in, name, all);
    fclose(in);
}

/* ---- Drawing ---- */

struct request {
    const char *picture; /* NULL: on the terminal */
    size_t pool;         /* the one that is wanted; 0: all */
};

static bool ends_in(const char *text, const char *ending)
{
    size_t length = strlen(text), width = strlen(ending);
    return length > width && strcmp(text + length - width, ending) == 0;
}

static void draw_into(FILE *out, const char *name, const struct traces *all)
{
    if (!name)
        draw_timeline(out, all);
    else if (ends_in(name, ".svg"))
        draw_svg(out, all);
    else if (ends_in(name, ".json"))
        draw_json(out, all);
    else
        draw_csv(out, all);
}

/* Draws what is wanted of the pools, which are at least one. */
static void draw(const struct traces *all, const struct request *request, FILE *terminal)
{
    struct traces one = { .pools = all->pools, .count = 1 };
    for (size_t i = 0; i < all->count; i++)
        if (all->pools[i].pool.item != NO_ITEM && all->pools[i].pool.item > 0)
            fprintf(stderr, "lanes: of pool %zu the first %" PRIu64 " records are missing; it kept the latest %zu\n",
                    i + 1, all->pools[i].pool.item, all->pools[i].count);
    if (request->pool > all->count)
        fail("there is no pool %zu: the pools are %zu", request->pool, all->count);
    if (request->pool)
        one.pools += request->pool - 1;
    FILE *out = request->picture ? fopen(request->picture, "we") : terminal;
    if (!out)
        fail("cannot write %s: %s", request->picture, strerror(errno));
    draw_into(out, request->picture, request->pool ? &one : all);
    bool bad = ferror(out) || fflush(out) != 0;
    if ((request->picture && fclose(out) != 0) || bad)
        fail("cannot write %s: %s", request->picture ? request->picture : "the picture", strerror(errno));
}

static void traces_free(struct traces *all)
{
    while (all->count > 0)
        free(all->pools[--all->count].records);
    free(all->pools);
}

/* ---- Running ---- */

static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
#define SIGNALS (sizeof signals / sizeof *signals)

static volatile sig_atomic_t program; /* its process; 0 when none runs */

/* What the terminal sends has gone to the program, too; what a process sent has not. */
static void hand_on(int number, siginfo_t *info, void *context)
{
    int error = errno;
    (void)context;
    if (program && info->si_code <= 0)
        kill(program, number);
    errno = error;
}

/* Catches signals from now on; those that are ignored stay so, here and in the program. */
static void catch_signals(void)
{
    struct sigaction action = { .sa_sigaction = hand_on, .sa_flags = SA_SIGINFO | SA_RESTART }, before;
    for (size_t i = 0; i < SIGNALS; i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
}

static void release_signals(void)
{
    struct sigaction now;
    for (size_t i = 0; i < SIGNALS; i++)
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            signal(signals[i], SIG_DFL);
}

/* Says why the command cannot be run; ends as a shell would. */
static _Noreturn void cannot_run(const char *command, int error)
{
    bool path = strchr(command, '/'), here = !path && access(command, X_OK) == 0;
    failure = error == ENOENT ? 127 : 126;
    if (error == ENOENT && here)
        fail("there is no command %s; the program in this folder is ./%s", command, command);
    if (error == ENOENT && path)
        fail("there is no program %s; is it built? (make %s)", command, strrchr(command, '/') + 1);
    if (error == ENOENT)
        fail("there is no command %s", command);
    fail("cannot run %s: %s", command, strerror(error));
}

/* Starts the command with the signals it would have without us. */
static pid_t start(char **command, const char *folder)
{
    extern char **environ;
    posix_spawnattr_t attributes;
    sigset_t all, before;
    pid_t pid = 0;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &before);
    int error = posix_spawnp(&pid, command[0], NULL, &attributes, command, environ);
    program = error ? 0 : pid;
    posix_spawnattr_destroy(&attributes);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (error) {
        rmdir(folder);
        cannot_run(command[0], error);
    }
    return pid;
}

/* Waits for the program's end, and returns its status. While it is stopped, so is this process. */
static int await(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, WUNTRACED) < 0 ? errno == EINTR : WIFSTOPPED(status))
        if (WIFSTOPPED(status)) {
            status = 0;
            raise(SIGSTOP);
            kill(pid, SIGCONT);
        }
    program = 0;
    return status;
}

/* Makes a folder of our own where temporary files go. */
static void make_folder(char folder[PATH_MAX])
{
    const char *where = getenv("TMPDIR") && *getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    char full[PATH_MAX];
    if (!realpath(where, full) || snprintf(folder, PATH_MAX, "%s/lanes-XXXXXX", full) >= PATH_MAX || !mkdtemp(folder))
        fail("cannot make a folder in %s: %s; set TMPDIR to one that can be written to", where, strerror(errno));
}

/* A program that still runs may leave records this very moment. */
static void remove_folder(const char *folder, const char *file)
{
    do
        unlink(file);
    while (rmdir(folder) != 0 && errno == ENOTEMPTY);
}

/* Runs the command with its pools traced, then reads what they left. Returns how it ended, as from wait(). */
static int run(char **command, struct traces *all)
{
    char folder[PATH_MAX], file[PATH_MAX + 16];
    make_folder(folder);
    snprintf(file, sizeof file, "%s/trace.csv", folder);
    setenv("POOL_TRACE", file, 1);
    signal(SIGCHLD, SIG_DFL);
    catch_signals();
    int status = await(start(command, folder));
    FILE *in = fopen(file, "re");
    remove_folder(folder, file);
    release_signals();
    failure = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
    if (in) {
        read_pools(in, "what it left", all);
        fclose(in);
    }
    return status;
}

/* Ends as the program did. */
static int leave_as(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); /* the program has left one, if any is wanted */
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    return 128 + WTERMSIG(status);
}

static int run_and_draw(char **command, const struct request *request)
{
    struct traces all = { .count = 0 };
    int status = run(command, &all);
    if (all.count > 0)
        draw(&all, request, stderr);
    else if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGINT)
        fprintf(stderr, "lanes: %s left no records: a pool leaves its own in pool_join() or pool_free()\n", command[0]);
    traces_free(&all);
    return leave_as(status);
}

static int draw_files(char **files, const struct request *request)
{
    struct traces all = { .count = 0 };
    for (char **file = files; *file; file++)
        read_file(*file, &all);
    if (all.count == 0)
        fail("%s holds no records: no pool was joined", files[0]);
    draw(&all, request, stdout);
    traces_free(&all);
    return EXIT_SUCCESS;
}

/* ---- What is wanted ---- */

static const char help[] =
    "usage: lanes [-o FILE] [-p N] COMMAND [ARGUMENT...]   runs it, then draws its pools\n"
    "       lanes [-o FILE] [-p N] FILE.csv...             draws what POOL_TRACE=FILE.csv left\n"
    "\n"
    "Draws which worker of a pool ran what and when: a lane for each worker, a bar for each task.\n"
    "Without -o it draws on the terminal.\n"
    "\n"
    "  -o FILE.svg    a picture\n"
    "  -o FILE.json   trace events, for https://ui.perfetto.dev\n"
    "  -o FILE.csv    the records themselves\n"
    "  -p N           only the Nth pool, in the order in which they were joined\n"
    "  -h, --help     says this\n";

static _Noreturn void misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void misuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("lanes: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\nlanes --help says how it is used\n", stderr);
    va_end(args);
    exit(2);
}

/* Before the program runs, perhaps for long: could the picture be written? */
static void check_picture(const char *name)
{
    char folder[PATH_MAX];
    if (!ends_in(name, ".svg") && !ends_in(name, ".json") && !ends_in(name, ".csv"))
        misuse("-o %s: the name must end in .svg, .json or .csv", name);
    snprintf(folder, sizeof folder, "%s", name);
    if (access(name, W_OK) != 0 && (errno != ENOENT || access(dirname(folder), W_OK | X_OK) != 0))
        fail("cannot write %s: %s", name, strerror(errno));
}

static void take_option(int option, char **argv, struct request *request)
{
    uint64_t pool = 0;
    switch (option) {
    case 'h':
        fputs(help, stdout);
        exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    case 'o':
        check_picture(request->picture = optarg);
        return;
    case 'p':
        if (!number(optarg, 0, SIZE_MAX, &pool) || pool == 0)
            misuse("-p %s: give the number of a pool, 1 for the first", optarg);
        request->pool = pool;
        return;
    case ':':
        misuse("%s needs %s", argv[optind - 1], optopt == 'o' ? "the name of a file" : "the number of a pool");
    default:
        misuse("there is no option %s", argv[optind - 1]);
    }
}

static void take_options(int argc, char **argv, const char *letters, struct request *request)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, letters, options, NULL)) >= 0)
        take_option(option, argv, request);
}

int main(int argc, char **argv)
{
    struct request request = { .picture = NULL };
    take_options(argc, argv, "+:ho:p:", &request); /* not those of the command */
    if (!argv[optind])
        misuse("what is to be run or drawn?");
    if (!ends_in(argv[optind], ".csv"))
        return run_and_draw(argv + optind, &request);
    take_options(argc, argv, ":ho:p:", &request);
    for (char **rest = argv + optind; *rest; rest++)
        if (!ends_in(*rest, ".csv"))
            misuse("%s is no .csv file; to draw what a program does, name the program first", *rest);
    return draw_files(argv + optind, &request);
}
