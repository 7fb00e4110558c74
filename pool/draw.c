/*
 * Draws a trace: as SVG, as a timeline for the terminal, as JSON for Perfetto, as CSV.
 *
 * survey() finds out what there is: how long, which lanes, who lived in them. gather() makes bars of the records. Those
 * too short to be seen share a bar, as high as the worker was busy; so a million tasks make no larger a picture than a
 * thousand. Tasks can write to the memory the records come from: next() skips what makes no sense, and nothing trusts
 * their order. If memory is short, less is drawn. Lengths in SVG (tenths of a pixel) and times in JSON are whole
 * numbers, because the program may have set a locale with decimal commas.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define KINDS (TRACE_END + 1)
enum { NAME = 64, BARS = 1500 };
enum { LEFT = 1550, WIDE = 6950, ALL = 9000, TOP = 420, LANE = 300, HIGH = 220, LINE = 158, DIGIT = 75 }; /* SVG */

static const char *const words[KINDS] = { "nothing", "start", "done", "failed", "died", "end" };
static const enum trace_kind order[] = { TRACE_DONE, TRACE_FAILED, TRACE_START, TRACE_DEATH }; /* Later ones hide others. */

/* One record, or several of a kind that are too short to be seen alone. */
struct bar {
    const struct trace_record *first, *last;
    size_t count;
    uint64_t busy;
    unsigned nth; /* In its lane: neighbours differ in shade. */
};

/* What one slot saw: how many workers, the numbers of the first and the last, the time they were busy ... */
struct lane {
    uint32_t lives, first, last;
    uint64_t busy;
    unsigned bars;
    struct bar *open; /* The bar that the next record may join. */
};

struct view {
    const struct trace *trace;
    struct lane *lanes;
    uint32_t lane_count; /* 0 if there is no memory. */
    uint64_t end;        /* Where the time axis ends; never 0 ... */
    int wide;            /* ... and its length in the unit of the picture. */
    struct bar *bars;    /* In the order of painting ... */
    size_t bar_count;
    size_t kinds[KINDS]; /* ... and how many records of each kind are in them. */
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
        view.end = r->end > view.end ? r->end : view.end;
    }
    return view;
}

/* Adds the bars of one kind. The start of a lane's first worker is no news. */
static void gather_kind(struct view *view, enum trace_kind kind, double grain, size_t room)
{
    const struct trace_record *r;
    for (uint32_t slot = 0; slot < view->lane_count; slot++)
        view->lanes[slot].open = NULL;
    for (size_t at = 0; view->bar_count < room && (r = next(view, &at));) {
        struct lane *lane = &view->lanes[r->slot];
        if (r->kind != kind || (kind == TRACE_START && r->worker == lane->first))
            continue;
        if (!lane->open || (double)r->end - (double)lane->open->first->start >= grain) {
            lane->open = &view->bars[view->bar_count++];
            *lane->open = (struct bar){ .first = r, .nth = lane->bars++ };
        }
        lane->open->last = r;
        lane->open->count++;
        lane->open->busy += r->end - r->start;
        view->kinds[kind]++;
    }
}

/* What fits into `grain` becomes one bar; into more, if the picture would get too large. */
static void gather(struct view *view, double grain)
{
    size_t room = BARS + 8 * (size_t)view->lane_count;
    view->bars = malloc(room * sizeof *view->bars);
    do {
        view->bar_count = 0;
        memset(view->kinds, 0, sizeof view->kinds);
        for (int i = 0; view->bars && i < 4; i++)
            gather_kind(view, order[i], grain, room);
        grain *= 2;
    } while (view->bar_count == room);
}

/* Where workers follow each other too fast to be told apart, marks would hide their tasks. */
static int is_hidden(const struct bar *bar)
{
    return bar->first->kind == TRACE_START && bar->count > 1;
}

static int share(uint64_t part, uint64_t all, int whole)
{
    return part < all ? (int)((double)part / (double)all * whole + 0.5) : whole;
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
        snprintf(text, NAME, "%s%u%s%u", worker, lane->first, lane->lives == 2 ? ", " : " .. ", lane->last);
    return text;
}

/* Says in words what happened. */
static void tell(FILE *out, const struct trace_record *r)
{
    int code = WIFSIGNALED(r->status) ? WTERMSIG(r->status) : WEXITSTATUS(r->status);
    const char *name = WIFSIGNALED(r->status) ? sigabbrev_np(code) : NULL;
    if (r->item != UINT64_MAX)
        fprintf(out, "item %" PRIu64 " of job %u: ", r->item, r->job);
    fprintf(out, "%s", words[r->kind]);
    if (r->kind == TRACE_FAILED)
        fprintf(out, " (returned %d)", r->status);
    else if (r->kind == TRACE_DEATH)
        fprintf(out, " (%s %d%s%s)", WIFSIGNALED(r->status) ? "signal" : "exit status", code, name ? ", SIG" : "",
                name ? name : "");
}

void draw_csv(FILE *out, const struct trace *trace)
{
    const struct view view = { .trace = trace, .lane_count = trace->slots };
    const struct trace_record *r;
    fputs("kind,slot,worker,pid,job,item,start,end,status\n", out);
    for (size_t at = 0; (r = next(&view, &at));)
        fprintf(out, "%s,%u,%u,%d,%u,%" PRId64 ",%" PRIu64 ",%" PRIu64 ",%d\n", words[r->kind], r->slot, r->worker,
                r->pid, r->job, (int64_t)r->item, r->start, r->end, r->status);
}

static void json_event(FILE *out, const struct trace_record *r, char phase, uint64_t at, uint64_t ns)
{
    fprintf(out, ",\n{\"ph\":\"%c\",\"s\":\"t\",\"pid\":1,\"tid\":%u,\"ts\":%" PRIu64 ".%03u,\"dur\":%" PRIu64 ".%03u,",
            phase, r->slot + 1, at / 1000, (unsigned)(at % 1000), ns / 1000, (unsigned)(ns % 1000));
    fprintf(out, "\"cat\":\"%s\",\"args\":{\"worker\":\"PoolWorker-%u\",\"pid\":%d},\"name\":\"", words[r->kind],
            r->worker, r->pid);
    tell(out, r);
    fputs("\"}", out);
}

void draw_json(FILE *out, const struct trace *trace)
{
    struct view view = survey(trace);
    const struct trace_record *r;
    char name[NAME];
    fprintf(out, "{\"otherData\":{\"dropped\":\"%zu\"},\"traceEvents\":[\n", trace->dropped);
    fputs("{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"pool\"}}", out);
    for (uint32_t slot = 0; slot < view.lane_count; slot++)
        fprintf(out, ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}",
                slot + 1, lane_name(name, &view, slot, "PoolWorker-"));
    for (size_t at = 0; (r = next(&view, &at));) {
        if (r->item != UINT64_MAX)
            json_event(out, r, 'X', r->start, r->end - r->start);
        if (r->kind != TRACE_DONE && r->kind != TRACE_FAILED)
            json_event(out, r, 'i', r->end, 0);
    }
    fputs("\n]}\n", out);
    free(view.lanes);
}

static const char svg_style[] =
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
    fputs("<title>", out);
    if (bar->count > 1)
        fprintf(out, "%zu %s", bar->count, words[r->kind]);
    else {
        tell(out, r);
        fprintf(out, "\nPoolWorker-%u, pid %d", r->worker, r->pid);
    }
    fprintf(out, "\nat %s, for %s</title>", span(at, (double)r->start), span(took, (double)(bar->last->end - r->start)));
}

static void svg_bar(FILE *out, const struct view *view, const struct bar *bar)
{
    const struct trace_record *r = bar->first;
    int x = LEFT + share(r->start, view->end, WIDE), end = LEFT + share(bar->last->end, view->end, WIDE);
    int high = share(bar->busy, bar->last->end - r->start, HIGH), wide = end - x;
    int y = TOP + LANE * (int)r->slot, line = y + LINE, start = r->kind == TRACE_START;
    y += start ? (HIGH - LANE) / 2 : r->kind == TRACE_DONE ? HIGH - high : 0;
    fprintf(out, "<rect class='%s' x='%d' y='%d' width='%d' height='%d' rx='%d'>",
            r->kind == TRACE_DONE && bar->count == 1 && bar->nth % 2 ? "odd" : words[r->kind], x, y,
            wide > 60 ? wide - 10 : wide > 15 ? wide : 15, start ? LANE : high, bar->count > 1 ? 0 : 25);
    svg_title(out, bar);
    fputs("</rect>\n", out);
    if (bar->count == 1 && wide > DIGIT + DIGIT * snprintf(NULL, 0, "%" PRIu64, r->item))
        fprintf(out, "<text class='item' x='%d' y='%d'>%" PRIu64 "</text>\n", x + wide / 2, line, r->item);
    if (r->kind == TRACE_DEATH)
        fprintf(out, "<circle class='died' cx='%d' cy='%d' r='85'/><path class='cross' d='M%d %dl70 70m0-70l-70 70'/>\n",
                end, line - 48, end - 35, line - 83);
}

/* Steps of 1, 2 or 5 times a power of ten, at most 8 of them. */
static void svg_axis(FILE *out, const struct view *view, int bottom)
{
    uint64_t step = 1;
    char text[NAME];
    for (int i = 0; view->end / step > 8; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    for (uint64_t at = 0; at <= view->end; at += step) {
        int x = LEFT + share(at, view->end, WIDE);
        fprintf(out, "<path class='grid' d='M%d %dV%d'/>", x, TOP - 60, bottom);
        fprintf(out, "<text class='time' x='%d' y='%d'>%s</text>\n", x, bottom + LINE, at ? span(text, (double)at) : "0");
    }
}

static void svg_lane(FILE *out, const struct view *view, uint32_t slot)
{
    int y = TOP + LANE * (int)slot, percent = share(view->lanes[slot].busy, view->end, 100);
    char name[NAME];
    fprintf(out, "<rect class='lane' x='%d' y='%d' width='%d' height='%d' rx='25'/>", LEFT, y, WIDE, HIGH);
    fprintf(out, "<text x='120' y='%d'>%s</text>", y + LINE, lane_name(name, view, slot, "PoolWorker-"));
    fprintf(out, "<text class='busy' x='%d' y='%d'>%d%%</text>\n", ALL - 80, y + LINE, percent);
}

static void svg_legend(FILE *out, const struct view *view)
{
    fprintf(out, "<text x='%d' y='240'>", LEFT);
    for (int i = 0; i < 4; i++)
        if (view->kinds[order[i]] > 0)
            fprintf(out, "<tspan class='%s'>■</tspan> %s %zu&#160;&#160; ", words[order[i]],
                    order[i] == TRACE_START ? "new worker" : words[order[i]], view->kinds[order[i]]);
    if (view->trace->dropped > 0)
        fprintf(out, "%zu older records are missing", view->trace->dropped);
    fputs("</text>\n", out);
}

void draw_svg(FILE *out, const struct trace *trace)
{
    struct view view = survey(trace);
    int bottom = TOP + LANE * (int)view.lane_count, all = bottom + 300;
    gather(&view, (double)view.end / WIDE * 10);
    fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d'", ALL / 10, all / 10, ALL, all);
    fprintf(out, " font-family='system-ui,sans-serif' font-size='130'>\n%s", svg_style);
    svg_legend(out, &view);
    for (uint32_t slot = 0; slot < view.lane_count; slot++)
        svg_lane(out, &view, slot);
    svg_axis(out, &view, bottom);
    for (size_t i = 0; i < view.bar_count; i++)
        if (!is_hidden(&view.bars[i]))
            svg_bar(out, &view, &view.bars[i]);
    fputs("</svg>\n", out);
    free(view.bars);
    free(view.lanes);
}

/* Returns the bar that was painted last in column x of a lane, and which columns it fills; or NULL. */
static const struct bar *bar_at(const struct view *view, uint32_t slot, int x, int *from, int *to)
{
    for (size_t i = view->bar_count; i-- > 0;) {
        const struct bar *bar = &view->bars[i];
        if (bar->first->slot != slot || is_hidden(bar))
            continue;
        *from = share(bar->first->start, view->end, view->wide);
        *to = share(bar->last->end, view->end, view->wide);
        *from -= *from == view->wide;
        *to += *to <= *from;
        if (*from <= x && x < *to)
            return bar;
    }
    return NULL;
}

/* Prints column x of the `wide` ones that a bar fills. */
static void print_column(FILE *out, const struct bar *bar, int x, int wide)
{
    static const char *const heights[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    enum trace_kind kind = bar->first->kind;
    char item[NAME];
    int n = snprintf(item, NAME, "%" PRIu64, bar->first->item), digit = x - (wide - n) / 2;
    if (kind == TRACE_START)
        fputs("|", out);
    else if (kind != TRACE_DONE && x == wide - 1)
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

static void timeline_lane(FILE *out, const struct view *view, uint32_t slot, int colour)
{
    static const char *const colours[KINDS] = { [TRACE_START] = "0", "34", "33", "31" };
    for (int x = 0; x < view->wide; x++) {
        int from, to;
        const struct bar *bar = bar_at(view, slot, x, &from, &to);
        if (bar && colour)
            fprintf(out, "\033[%sm", colours[bar->first->kind]);
        if (bar)
            print_column(out, bar, x - from, to - from);
        fputs(!bar ? " " : colour ? "\033[0m" : "", out);
    }
}

static void timeline_legend(FILE *out, const struct view *view, int indent)
{
    static const char *const marks[KINDS] = { [TRACE_START] = "| new worker", "", "! failed", "× died" };
    int any = 0;
    for (int i = 1; i < 4; i++)
        if (view->kinds[order[i]] > 0)
            fprintf(out, "%*s%s", any++ ? 3 : indent, "", marks[order[i]]);
    fputs(any ? "\n" : "", out);
    if (view->trace->dropped > 0)
        fprintf(out, "%*s%zu older records are missing\n", indent, "", view->trace->dropped);
}

void draw_timeline(FILE *out, const struct trace *trace, unsigned columns, int colour)
{
    struct view view = survey(trace);
    char name[NAME];
    int gutter = 0, tail = columns < 60 ? 5 : 10;
    for (uint32_t slot = 0; slot < view.lane_count; slot++) {
        int n = (int)strlen(lane_name(name, &view, slot, "worker "));
        gutter = n > gutter ? n : gutter;
    }
    view.wide = (int)columns - gutter - tail - 3;
    gather(&view, (double)view.end / view.wide);
    for (uint32_t slot = 0; slot < view.lane_count; slot++) {
        fprintf(out, "%-*s │", gutter, lane_name(name, &view, slot, "worker "));
        timeline_lane(out, &view, slot, colour);
        fprintf(out, "│%4d%%%s\n", share(view.lanes[slot].busy, view.end, 100), tail == 5 ? "" : " busy");
    }
    fprintf(out, "%*s0%*s\n", gutter + 2, "", view.wide - 1, span(name, (double)view.end));
    timeline_legend(out, &view, columns < 60 ? 0 : gutter + 2);
    free(view.bars);
    free(view.lanes);
}
