/*
 * Made-up traces, to look at the pictures without a pool and to test them.
 *
 *     draw-demo SCENE FORMAT [COLUMNS] [colour]
 *
 * SCENE is one of those at the bottom; FORMAT is svg, json, csv or timeline. The picture goes to stdout. The traces are
 * the same at every run: the dice are a fixed sequence.
 */
#include "trace.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define NONE UINT64_MAX

static struct trace_record *records;
static struct trace trace;
static size_t room;
static uint32_t workers;

static uint64_t dice(uint64_t from, uint64_t to)
{
    static uint64_t state = 20;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return from + (state >> 33) % (to - from + 1);
}

static void add(enum trace_kind kind, uint32_t slot, uint32_t worker, uint64_t item, uint64_t start, uint64_t end,
                int status)
{
    if (trace.count == room) {
        room = room ? room * 2 : 64;
        records = realloc(records, room * sizeof *records);
        if (!records)
            abort();
    }
    records[trace.count++] = (struct trace_record){
        .kind = kind,   .slot = slot, .worker = worker,           .item = item,    .start = start,
        .end = end,     .job = item == NONE ? 0 : 1, .pid = 4000 + (int)worker, .status = status,
    };
    trace.end = end > trace.end ? end : trace.end;
}

/* A pool at work: each item goes to the slot that is free first. Items `fails` and `kills` go wrong. */
static void work(uint32_t slots, uint64_t items, uint64_t shortest, uint64_t longest, uint64_t lives, uint64_t fails,
                 uint64_t kills)
{
    uint64_t *free_at = calloc(slots, sizeof *free_at), *done = calloc(slots, sizeof *done);
    uint32_t *worker = calloc(slots, sizeof *worker);
    if (!free_at || !done || !worker)
        abort();
    trace.slots = slots;
    for (uint64_t item = 0; item < items; item++) {
        uint32_t s = 0;
        for (uint32_t i = 1; i < slots; i++)
            s = free_at[i] < free_at[s] ? i : s;
        if (!worker[s]) {
            worker[s] = ++workers;
            add(TRACE_START, s, worker[s], NONE, free_at[s], free_at[s], 0);
            free_at[s] += longest / 50;
        }
        uint64_t start = free_at[s], end = start + dice(shortest, longest);
        enum trace_kind kind = item == fails ? TRACE_FAILED : item == kills ? TRACE_DEATH : TRACE_DONE;
        add(kind, s, worker[s], item, start, end, kind == TRACE_FAILED ? 1 : kind == TRACE_DEATH ? SIGSEGV : 0);
        free_at[s] = end + longest / 100;
        done[s]++;
        if (kind == TRACE_DEATH || (lives && done[s] % lives == 0)) {
            if (kind != TRACE_DEATH)
                add(TRACE_END, s, worker[s], NONE, free_at[s], free_at[s], 0);
            worker[s] = 0;
            free_at[s] += longest / 10;
        }
    }
    free(free_at);
    free(done);
    free(worker);
}

static int by_start(const void *a, const void *b)
{
    const struct trace_record *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static void damage(void)
{
    work(3, 30, 10 * MS, 300 * MS, 0, NONE, NONE);
    for (size_t i = 0; i < trace.count * sizeof *records; i += 7)
        if (i / sizeof *records % 3 == 1)
            ((unsigned char *)records)[i] = (unsigned char)dice(0, 255);
}

static int make(const char *scene)
{
    if (!strcmp(scene, "pool"))
        work(4, 40, 40 * MS, 300 * MS, 0, NONE, NONE);
    else if (!strcmp(scene, "trouble"))
        work(4, 40, 40 * MS, 300 * MS, 0, 13, 21);
    else if (!strcmp(scene, "restarts"))
        work(4, 40, 40 * MS, 300 * MS, 5, NONE, NONE);
    else if (!strcmp(scene, "one-life-each"))
        work(4, 200, 4 * MS, 6 * MS, 1, 7, 100);
    else if (!strcmp(scene, "microsecond"))
        work(2, 2, 900, 900, 0, NONE, NONE);
    else if (!strcmp(scene, "empty"))
        trace.slots = 4;
    else if (!strcmp(scene, "nothing"))
        trace.slots = 0;
    else if (!strcmp(scene, "alone"))
        work(1, 5, 1000 * MS, 60000 * MS, 0, NONE, NONE);
    else if (!strcmp(scene, "idle-death")) {
        work(2, 6, 40 * MS, 300 * MS, 0, NONE, NONE);
        add(TRACE_DEATH, 1, workers, NONE, trace.end, trace.end, 3 << 8);
        add(TRACE_START, 1, ++workers, NONE, trace.end + MS, trace.end + MS, 0);
        trace.end += 100 * MS;
    } else if (!strcmp(scene, "hundred"))
        work(100, 1000, 40 * MS, 300 * MS, 0, 13, 21);
    else if (!strcmp(scene, "thousand"))
        work(8, 1000, 4 * MS, 30 * MS, 0, 13, 421);
    else if (!strcmp(scene, "million"))
        work(4, 1000000, 1000, 50000, 0, 77, 500000);
    else if (!strcmp(scene, "million-hundred"))
        work(100, 1000000, 1000, 3000000, 1000, 77, 500000);
    else if (!strcmp(scene, "million-lives"))
        work(4, 500000, 1000, 50000, 1, 77, 500);
    else if (!strcmp(scene, "damage"))
        damage();
    else
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3 || make(argv[1]) != 0) {
        fprintf(stderr, "usage: draw-demo SCENE svg|json|csv|timeline [COLUMNS] [colour]\n");
        return 2;
    }
    if (strcmp(argv[1], "damage") != 0)
        qsort(records, trace.count, sizeof *records, by_start);
    trace.records = records;
    if (!strcmp(argv[2], "svg"))
        draw_svg(stdout, &trace);
    else if (!strcmp(argv[2], "json"))
        draw_json(stdout, &trace);
    else if (!strcmp(argv[2], "csv"))
        draw_csv(stdout, &trace);
    else
        draw_timeline(stdout, &trace, argc > 3 ? (unsigned)atoi(argv[3]) : 80, argc > 4);
    free(records);
    return ferror(stdout) != 0;
}
