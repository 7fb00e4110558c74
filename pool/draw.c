/*
 * Draws a trace: as SVG, as a timeline for the terminal, as JSON for Perfetto, as CSV.
 *
 * survey() finds out what there is: how long, which lanes, who lived in them. gather() makes bars of the records, in
 * the order in which they are painted. Records too short to be seen share a bar, whose height tells how busy the
 * worker was; so a million tasks make no larger a picture than a thousand do.
 *
 * Tasks can write to the memory the records come from: next() skips what makes no sense, and nothing trusts their
 * order. If memory is short, less is drawn. Lengths in SVG are whole numbers (tenths of a pixel) and so are times in
 * JSON, because the program may have set a locale with decimal commas.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define KINDS (TRACE_END + 1)
enum { TEXT = 64, BARS = 1600 };
enum { LEFT = 1550, WIDE = 6950, RIGHT = 500, TOP = 420, LANE = 300, HIGH = 220, DIGIT = 75 }; /* SVG */

static const char *const words[KINDS] = { "nothing", "start", "done", "failed", "death", "end" };
static const char *const legend[KINDS] = { "", "| new worker", "■ done", "! failed", "× died", "" };

/* One record, or several of a kind that are too short to be seen. */
struct bar {
    const struct trace_record *first, *last;
    size_t count;
    uint64_t busy;
    unsigned nth; /* In its lane: neighbours differ in shade. */
};

/* What one slot saw. */
struct lane {
    uint32_t lives, first, last; /* How many workers, and the numbers of the first and the last. */
    uint64_t busy;
    unsigned bars;
    struct bar *open; /* The bar that the next record may join. */
};

struct view {
    const struct trace *trace;
    struct lane *lanes;
    uint32_t lane_count; /* 0 if there is no memory. */
    size_t kinds[KINDS]; /* How many of each; of TRACE_START, those that follow another worker. */
    uint64_t end;        /* Where the time axis ends; never 0 ... */
    int wide;            /* ... and its length in the picture's unit. */
    struct bar *bars;
    size_t bar_count;
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

static struct view survey(const struct trace *trace, int wide)
{
    struct view view = { .trace = trace, .end = trace->end ? trace->end : 1, .wide = wide };
    view.lanes = calloc((size_t)trace->slots + 1, sizeof *view.lanes);
    view.lane_count = view.lanes ? trace->slots : 0;
    const struct trace_record *r;
    for (size_t at = 0; (r = next(&view, &at));) {
        struct lane *lane = &view.lanes[r->slot];
        if (lane->lives == 0)
            lane->first = r->worker;
        if (lane->lives == 0 || r->worker != lane->last)
            view.kinds[TRACE_START] += lane->lives++ > 0;
        lane->last = r->worker;
        lane->busy += r->end - r->start;
        view.kinds[r->kind] += r->kind != TRACE_START;
        view.end = r->end > view.end ? r->end : view.end;
    }
    return view;
}

/* Adds the bars of one kind. A first worker's start makes none: every lane begins with it. */
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
    }
}

/* What fits into `unit` becomes one bar; into twice as much, if those are too many bars for one picture. */
static void gather(struct view *view, int unit)
{
    static const enum trace_kind order[] = { TRACE_DONE, TRACE_FAILED, TRACE_START, TRACE_DEATH };
    double grain = (double)view->end / view->wide * unit;
    size_t room = BARS + 8 * (size_t)view->lane_count;
    view->bars = malloc(room * sizeof *view->bars);
    for (view->bar_count = room; view->bars && view->bar_count == room; grain *= 2) {
        view->bar_count = 0;
        for (int i = 0; i < 4; i++)
            gather_kind(view, order[i], grain, room);
    }
    view->bar_count = view->bars ? view->bar_count : 0;
}

static void dispose(struct view *view)
{
    free(view->bars);
    free(view->lanes);
}

static int share(double part, double all, int whole)
{
    return part < all ? (int)(part / all * whole + 0.5) : whole;
}

/* How high a bar is: one that stands for many is as high as the worker was busy meanwhile. */
static int height(const struct bar *bar, int whole)
{
    return bar->count > 1 ? share((double)bar->busy, (double)(bar->last->end - bar->first->start), whole) : whole;
}

static const char *span(char text[TEXT], double ns)
{
    static const char *const units[] = { "ns", "us", "ms", "s" };
    int unit = 0;
    for (; unit < 3 && ns >= 999.5; ns /= 1000)
        unit++;
    snprintf(text, TEXT, ns < 999.5 ? "%.3g %s" : "%.0f %s", ns, units[unit]);
    return text;
}

/* A lane is named after the workers that lived in it. */
static const char *lane_name(char text[TEXT], const struct view *view, uint32_t slot, const char *worker)
{
    const struct lane *lane = &view->lanes[slot];
    if (lane->lives == 0)
        snprintf(text, TEXT, "slot %u", slot + 1);
    else if (lane->lives == 1)
        snprintf(text, TEXT, "%s%u", worker, lane->first);
    else
        snprintf(text, TEXT, "%s%u%s%u", worker, lane->first, lane->lives == 2 ? ", " : " .. ", lane->last);
    return text;
}

/* What happened, in words. */
static const char *outcome(char text[TEXT], const struct trace_record *r)
{
    int signal = WTERMSIG(r->status);
    const char *name = sigabbrev_np(signal);
    if (r->kind == TRACE_FAILED)
        snprintf(text, TEXT, "failed, returned %d", r->status);
    else if (r->kind != TRACE_DEATH)
        snprintf(text, TEXT, "%s", words[r->kind]);
    else if (WIFSIGNALED(r->status))
        snprintf(text, TEXT, "killed by signal %d (%s)", signal, name ? name : "?");
    else
        snprintf(text, TEXT, "died, exited with status %d", WEXITSTATUS(r->status));
    return text;
}

void draw_csv(FILE *out, const struct trace *trace)
{
    const struct view view = { .trace = trace, .lane_count = trace->slots };
    const struct trace_record *r;
    fputs("kind,slot,worker,pid,job,item,start_ns,end_ns,status\n", out);
    for (size_t at = 0; (r = next(&view, &at));) {
        fprintf(out, "%s,%u,%u,%d,%u,", words[r->kind], r->slot, r->worker, r->pid, r->job);
        if (r->item != UINT64_MAX)
            fprintf(out, "%" PRIu64, r->item);
        fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%d\n", r->start, r->end, r->status);
    }
}

static void json_event(FILE *out, const struct trace_record *r, char phase, uint64_t from, uint64_t ns)
{
    char how[TEXT], item[TEXT] = "";
    if (r->item != UINT64_MAX)
        snprintf(item, TEXT, "item %" PRIu64 " of job %u: ", r->item, r->job);
    fprintf(out, ",\n{\"ph\":\"%c\",\"s\":\"t\",\"pid\":1,\"tid\":%u,\"ts\":%" PRIu64 ".%03u,\"dur\":%" PRIu64 ".%03u,",
            phase, r->slot + 1, from / 1000, (unsigned)(from % 1000), ns / 1000, (unsigned)(ns % 1000));
    fprintf(out, "\"cat\":\"%s\",\"name\":\"%s%s\",\"args\":{\"worker\":\"PoolWorker-%u\",\"pid\":%d}}", words[r->kind],
            item, outcome(how, r), r->worker, r->pid);
}

void draw_json(FILE *out, const struct trace *trace)
{
    struct view view = survey(trace, 1);
    const struct trace_record *r;
    char name[TEXT];
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
    dispose(&view);
}

static const char svg_style[] =
    "<style>svg{background:#fff}text{fill:#57606a}.lane{fill:#f3f5f8}.grid{stroke:#d8dee4;stroke-width:8}"
    ".item{fill:#fff;text-anchor:middle}.time{text-anchor:middle}.busy{text-anchor:end}"
    ".done{fill:#2a78c2}.odd.done{fill:#559cdb}.failed{fill:#d97b0b}.death{fill:#c9252d}.start{fill:#24292f}"
    ".cross{stroke:#fff;stroke-width:25;stroke-linecap:round}\n"
    "@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#a9b4c0}.lane{fill:#181e26}"
    ".grid{stroke:#2d343d}.start{fill:#e6edf3}}</style>\n";

static int svg_x(const struct view *view, uint64_t ns)
{
    return LEFT + share((double)ns, (double)view->end, view->wide);
}

static void svg_title(FILE *out, const struct bar *bar)
{
    const struct trace_record *r = bar->first;
    char a[TEXT], b[TEXT];
    if (bar->count > 1)
        fprintf(out, "<title>%s: %zu\n", legend[r->kind], bar->count);
    else if (r->item == UINT64_MAX)
        fprintf(out, "<title>PoolWorker-%u, pid %d: %s\n", r->worker, r->pid, outcome(a, r));
    else
        fprintf(out, "<title>item %" PRIu64 " of job %u: %s\nPoolWorker-%u, pid %d\n", r->item, r->job, outcome(a, r),
                r->worker, r->pid);
    fprintf(out, "at %s, for %s</title>", span(a, (double)r->start), span(b, (double)(bar->last->end - r->start)));
}

static void svg_bar(FILE *out, const struct view *view, const struct bar *bar)
{
    const struct trace_record *r = bar->first;
    int x = svg_x(view, r->start), end = svg_x(view, bar->last->end), wide = end - x, high = height(bar, HIGH);
    int y = TOP + LANE * (int)r->slot + (r->kind == TRACE_DONE ? HIGH - high : 0);
    fprintf(out, "<rect class='%s%s' x='%d' y='%d' width='%d' height='%d' rx='%d'>", bar->nth % 2 ? "odd " : "",
            words[r->kind], x, y, wide < 15 || r->kind == TRACE_START ? 15 : wide > 60 ? wide - 10 : wide, high,
            bar->count > 1 ? 0 : 25);
    svg_title(out, bar);
    fputs("</rect>\n", out);
    if (bar->count == 1 && wide > DIGIT + DIGIT * snprintf(NULL, 0, "%" PRIu64, r->item))
        fprintf(out, "<text class='item' x='%d' y='%d'>%" PRIu64 "</text>\n", x + wide / 2, y + 158, r->item);
    if (r->kind == TRACE_DEATH)
        fprintf(out, "<circle class='death' cx='%d' cy='%d' r='85'/><path class='cross' d='M%d %dl70 70m0-70l-70 70'/>\n",
                end, y + HIGH / 2, end - 35, y + HIGH / 2 - 35);
}

/* Steps of 1, 2 or 5 times a power of ten, at most 8 of them. */
static void svg_axis(FILE *out, const struct view *view, int bottom)
{
    uint64_t step = 1;
    char text[TEXT];
    for (int i = 0; view->end / step > 8; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    for (uint64_t i = 0; i <= view->end / step; i++) {
        int x = svg_x(view, i * step);
        fprintf(out, "<path class='grid' d='M%d %dV%d'/>", x, TOP - 60, bottom);
        fprintf(out, "<text class='time' x='%d' y='%d'>%s</text>\n", x, bottom + 170, span(text, (double)(i * step)));
    }
}

static void svg_legend(FILE *out, const struct view *view)
{
    fprintf(out, "<text x='%d' y='240'>", LEFT);
    for (int kind = TRACE_START; kind <= TRACE_DEATH; kind++)
        if (view->kinds[kind] > 0)
            fprintf(out, "<tspan class='%s'>■</tspan>%s %zu&#160;&#160; ", words[kind], strchr(legend[kind], ' '),
                    view->kinds[kind]);
    if (view->trace->dropped > 0)
        fprintf(out, "%zu older records are missing", view->trace->dropped);
    fputs("</text>\n", out);
}

static void svg_lane(FILE *out, const struct view *view, uint32_t slot)
{
    int y = TOP + LANE * (int)slot, busy = share((double)view->lanes[slot].busy, (double)view->end, 100);
    char name[TEXT];
    fprintf(out, "<rect class='lane' x='%d' y='%d' width='%d' height='%d' rx='25'/>", LEFT, y, WIDE, HIGH);
    fprintf(out, "<text x='120' y='%d'>%s</text>", y + 158, lane_name(name, view, slot, "PoolWorker-"));
    fprintf(out, "<text class='busy' x='%d' y='%d'>%d%%</text>\n", LEFT + WIDE + RIGHT - 80, y + 158, busy);
}

void draw_svg(FILE *out, const struct trace *trace)
{
    struct view view = survey(trace, WIDE);
    int bottom = TOP + LANE * (int)view.lane_count;
    gather(&view, 10);
    fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d'",
            (LEFT + WIDE + RIGHT) / 10, bottom / 10 + 30, LEFT + WIDE + RIGHT, bottom + 300);
    fprintf(out, " font-family='system-ui,sans-serif' font-size='130'>\n%s", svg_style);
    svg_legend(out, &view);
    for (uint32_t slot = 0; slot < view.lane_count; slot++)
        svg_lane(out, &view, slot);
    svg_axis(out, &view, bottom);
    for (size_t i = 0; i < view.bar_count; i++)
        svg_bar(out, &view, &view.bars[i]);
    fputs("</svg>\n", out);
    dispose(&view);
}

/* A column of a lane. */
struct cell {
    const char *glyph; /* NULL: nothing happened. */
    enum trace_kind kind;
};

static void paint(struct cell *row, const struct view *view, const struct bar *bar)
{
    static const char *const heights[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char *const fills[2][KINDS] = { { "", "|", "█", "░", "░" }, { "", "|", "▓", "░", "░" } };
    static const char digits[][2] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
    const struct trace_record *r = bar->first;
    char item[TEXT];
    int from = share((double)r->start, (double)view->end, view->wide), n = snprintf(item, TEXT, "%" PRIu64, r->item);
    int to = share((double)bar->last->end, (double)view->end, view->wide);
    from = from < view->wide ? from : view->wide - 1;
    to = to > from ? to : from + 1;
    for (int x = from; x < to; x++)
        row[x] = (struct cell){ bar->count > 1 && r->kind == TRACE_DONE ? heights[height(bar, 7)] : fills[bar->nth % 2][r->kind], r->kind };
    for (int i = 0; i < n && to - from >= n + 2; i++)
        row[from + (to - from - n) / 2 + i].glyph = digits[item[i] - '0'];
    if (r->kind == TRACE_FAILED || r->kind == TRACE_DEATH)
        row[to - 1].glyph = r->kind == TRACE_DEATH ? "×" : "!";
}

static void timeline_lane(FILE *out, const struct view *view, uint32_t slot, int colour)
{
    static const char *const colours[KINDS] = { "0", "0", "34", "33", "31" };
    struct cell *row = calloc((size_t)view->wide, sizeof *row);
    enum trace_kind kind = TRACE_NOTHING;
    for (size_t i = 0; row && i < view->bar_count; i++)
        if (view->bars[i].first->slot == slot)
            paint(row, view, &view->bars[i]);
    for (int x = 0; row && x < view->wide; x++) {
        if (colour && row[x].kind != kind)
            fprintf(out, "\033[%sm", colours[kind = row[x].kind]);
        fputs(row[x].glyph ? row[x].glyph : " ", out);
    }
    fputs(kind ? "\033[0m" : "", out);
    free(row);
}

void draw_timeline(FILE *out, const struct trace *trace, unsigned columns, int colour)
{
    struct view view = survey(trace, (int)columns);
    char name[TEXT];
    int gutter = 0, tail = columns < 60 ? 5 : 10;
    for (uint32_t slot = 0; slot < view.lane_count; slot++) {
        int n = (int)strlen(lane_name(name, &view, slot, "worker "));
        gutter = n > gutter ? n : gutter;
    }
    view.wide = (int)columns - gutter - tail - 3;
    gather(&view, 1);
    for (uint32_t slot = 0; slot < view.lane_count; slot++) {
        fprintf(out, "%-*s │", gutter, lane_name(name, &view, slot, "worker "));
        timeline_lane(out, &view, slot, colour);
        fprintf(out, "│%4d%%%s\n", share((double)view.lanes[slot].busy, (double)view.end, 100), tail == 5 ? "" : " busy");
    }
    fprintf(out, "%*s0%*s\n", gutter + 2, "", view.wide - 1, span(name, (double)view.end));
    for (int kind = TRACE_START; kind <= TRACE_DEATH; kind++)
        if (kind != TRACE_DONE && view.kinds[kind] > 0)
            fprintf(out, "%s  ", legend[kind]);
    fputs("\n", out);
    dispose(&view);
}
