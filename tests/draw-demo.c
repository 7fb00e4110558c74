/*
 * draw-demo.c - made-up traces, to look at the pictures without a pool, and to test them.
 *
 *     draw-demo SCENE svg|json|csv|timeline [COLUMNS [colour]]
 *
 * The picture goes to stdout. SCENE is one of the table below. A scene is the same at every run: the
 * lengths of its tasks come from a fixed sequence, and each task goes to the slot that is free first.
 */
#include "trace.h"
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define NONE UINT64_MAX

struct scene {
    const char *name;
    uint32_t slots;
    uint64_t items, shortest, longest; /* tasks, and how long they are, in ns */
    uint64_t lives;                    /* a worker is replaced after so many tasks; 0: never */
    uint64_t fails, kills;             /* these items go wrong */
};

static const struct scene scenes[] = {
    { "pool", 4, 40, 40 * MS, 300 * MS, 0, NONE, NONE },
    { "trouble", 4, 40, 40 * MS, 300 * MS, 0, 13, 21 },
    { "restarts", 4, 40, 40 * MS, 300 * MS, 5, NONE, NONE },
    { "one-life-each", 4, 200, 4 * MS, 6 * MS, 1, 7, 100 },
    { "microsecond", 2, 2, 900, 900, 0, NONE, NONE },
    { "minute", 1, 5, 1000 * MS, 60000 * MS, 0, NONE, NONE },
    { "empty", 4, 0, 0, 0, 0, NONE, NONE },
    { "nothing", 0, 0, 0, 0, 0, NONE, NONE },
    { "idle-death", 2, 6, 40 * MS, 300 * MS, 0, NONE, NONE },
    { "damage", 3, 30, 10 * MS, 300 * MS, 0, NONE, NONE },
    { "hundred", 100, 1000, 40 * MS, 300 * MS, 0, 13, 21 },
    { "thousand", 8, 1000, 4 * MS, 30 * MS, 0, 13, 421 },
    { "million", 4, 1000000, 1000, 50000, 0, 77, 500000 },
    { "million-hundred", 100, 1000000, 1000, 3000000, 1000, 77, 500000 },
    { "million-lives", 4, 500000, 1000, 50000, 1, 77, 500 },
};

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

static void *checked(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static void add(struct trace_record record, enum trace_kind kind, uint64_t item, uint64_t start, uint64_t end)
{
    if (trace.count == room) {
        room = room ? room * 2 : 64;
        records = checked(realloc(records, room * sizeof *records));
    }
    record.kind = kind;
    record.item = item;
    record.job = item == NONE ? 0 : 1;
    record.start = start;
    record.end = end;
    record.pid = 4000 + (int)record.worker;
    records[trace.count++] = record;
    trace.end = end > trace.end ? end : trace.end;
}

/* Runs the item in a slot, in a new worker if there is none. Returns when the slot is free again. */
static uint64_t run(const struct scene *scene, uint64_t item, struct trace_record *slot, uint64_t now)
{
    if (slot->worker == 0) {
        slot->worker = ++workers;
        add(*slot, TRACE_START, NONE, now, now);
        now += scene->longest / 50;
    }
    uint64_t end = now + dice(scene->shortest, scene->longest);
    enum trace_kind bad = item == scene->fails ? TRACE_FAILED : TRACE_DEATH;
    enum trace_kind kind = item == scene->fails || item == scene->kills ? bad : TRACE_DONE;
    slot->status = kind == TRACE_FAILED ? 1 : kind == TRACE_DEATH ? SIGSEGV : 0;
    add(*slot, kind, item, now, end);
    slot->job++; /* counts its tasks here; add() writes the real one */
    bool over = scene->lives > 0 && slot->job % scene->lives == 0;
    if (over && kind != TRACE_DEATH)
        add(*slot, TRACE_END, NONE, end, end);
    if (over || kind == TRACE_DEATH)
        slot->worker = 0;
    return end + scene->longest / (over || kind == TRACE_DEATH ? 9 : 100);
}

static void play(const struct scene *scene)
{
    struct trace_record *slots = checked(calloc(scene->slots + 1, sizeof *slots));
    uint64_t *free_at = checked(calloc(scene->slots + 1, sizeof *free_at));
    trace.slots = scene->slots;
    for (uint64_t item = 0; item < scene->items; item++) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < scene->slots; i++)
            first = free_at[i] < free_at[first] ? i : first;
        slots[first].slot = first;
        free_at[first] = run(scene, item, &slots[first], free_at[first]);
    }
    free(free_at);
    free(slots);
}

/* A worker dies while it has nothing to do; its successor comes a millisecond later. */
static void add_idle_death(void)
{
    struct trace_record victim = { .slot = 1, .worker = 2, .status = 3 << 8 };
    struct trace_record successor = { .slot = 1, .worker = ++workers };
    add(victim, TRACE_DEATH, NONE, trace.end, trace.end);
    add(successor, TRACE_START, NONE, trace.end + MS, trace.end + MS);
    trace.end += 100 * MS;
}

/* What a task can do that writes past its result: every third record is spoilt. */
static void damage(void)
{
    for (size_t i = 0; i < trace.count * sizeof *records; i += 7)
        if (i / sizeof *records % 3 == 1)
            ((unsigned char *)records)[i] = (unsigned char)dice(0, 255);
}

static int by_start(const void *a, const void *b)
{
    const struct trace_record *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static void make(const struct scene *scene)
{
    play(scene);
    if (strcmp(scene->name, "idle-death") == 0)
        add_idle_death();
    if (trace.count > 0)
        qsort(records, trace.count, sizeof *records, by_start);
    if (strcmp(scene->name, "damage") == 0)
        damage();
    trace.records = records;
}

static bool draw(const char *format, unsigned columns, bool colour)
{
    if (strcmp(format, "svg") == 0)
        draw_svg(stdout, &trace);
    else if (strcmp(format, "json") == 0)
        draw_json(stdout, &trace);
    else if (strcmp(format, "csv") == 0)
        draw_csv(stdout, &trace);
    else if (strcmp(format, "timeline") == 0 && columns >= 40)
        draw_timeline(stdout, &trace, columns, colour);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    bool drawn = false;
    for (size_t i = 0; argc > 2 && i < sizeof scenes / sizeof *scenes; i++)
        if (strcmp(argv[1], scenes[i].name) == 0) {
            make(&scenes[i]);
            drawn = draw(argv[2], argc > 3 ? (unsigned)atoi(argv[3]) : 80, argc > 4);
            free(records);
        }
    if (!drawn)
        fprintf(stderr, "usage: draw-demo SCENE svg|json|csv|timeline [COLUMNS (40 or more) [colour]]\n");
    if (fflush(stdout) != 0 || ferror(stdout))
        perror("draw-demo: cannot write");
    return !drawn ? 2 : ferror(stdout) ? 1 : 0;
}
