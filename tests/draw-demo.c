/*
 * draw-demo.c - made-up records of a pool, as POOL_TRACE=FILE.csv leaves them: to look at the pictures of lanes without
 * a pool, and to test them.
 *
 *     draw-demo SCENE >scene.csv && ./lanes scene.csv
 *     draw-demo SCENE SEED          with some bytes changed, others for each SEED
 *
 * SCENE is one of the table below. A scene is the same at every run: the lengths of its tasks come from a fixed
 * sequence, and each task goes to the slot that is free first.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define NONE UINT64_MAX

enum kind { POOL, START, DONE, FAILED, DEATH, END };

struct record {
    uint64_t start, end, item;
    uint32_t job, worker, slot;
    int pid, status;
    enum kind kind;
};

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
    { "hundred", 100, 1000, 40 * MS, 300 * MS, 0, 13, 21 },
    { "thousand", 8, 1000, 4 * MS, 30 * MS, 0, 13, 421 },
    { "million", 4, 1000000, 1000, 50000, 0, 77, 500000 },
    { "million-hundred", 100, 1000000, 1000, 3000000, 1000, 77, 500000 },
    { "million-lives", 4, 500000, 1000, 50000, 1, 77, 500 },
};

static struct record *records;
static size_t count, room;
static uint64_t the_end;
static uint32_t workers;
static uint64_t state = 20; /* of the dice */

static uint64_t dice(uint64_t from, uint64_t to)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return from + (state >> 33) % (to - from + 1);
}

static void *checked(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static void add(struct record record, enum kind kind, uint64_t item, uint64_t start, uint64_t end)
{
    if (count == room) {
        room = room ? room * 2 : 64;
        records = checked(realloc(records, room * sizeof *records));
    }
    record.kind = kind;
    record.item = item;
    record.job = item == NONE ? 0 : 1;
    record.start = start;
    record.end = end;
    record.pid = 4000 + (int)record.worker;
    records[count++] = record;
    the_end = end > the_end ? end : the_end;
}

/* Runs the item in a slot, in a new worker if there is none. Returns when the slot is free again. */
static uint64_t run(const struct scene *scene, uint64_t item, struct record *slot, uint64_t now)
{
    if (slot->worker == 0) {
        slot->worker = ++workers;
        add(*slot, START, NONE, now, now);
        now += scene->longest / 50;
    }
    uint64_t end = now + dice(scene->shortest, scene->longest);
    enum kind bad = item == scene->fails ? FAILED : DEATH;
    enum kind kind = item == scene->fails || item == scene->kills ? bad : DONE;
    slot->status = kind == FAILED ? 1 : kind == DEATH ? SIGSEGV : 0;
    add(*slot, kind, item, now, end);
    slot->job++; /* counts its tasks here; add() writes the real one */
    bool over = scene->lives > 0 && slot->job % scene->lives == 0;
    if (over && kind != DEATH)
        add(*slot, END, NONE, end, end);
    if (over || kind == DEATH)
        slot->worker = 0;
    return end + scene->longest / (over || kind == DEATH ? 9 : 100);
}

static void play(const struct scene *scene)
{
    struct record *slots = checked(calloc(scene->slots + 1, sizeof *slots));
    uint64_t *free_at = checked(calloc(scene->slots + 1, sizeof *free_at));
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
    struct record victim = { .slot = 1, .worker = 2, .status = 3 << 8 };
    struct record successor = { .slot = 1, .worker = ++workers };
    add(victim, DEATH, NONE, the_end, the_end);
    add(successor, START, NONE, the_end + MS, the_end + MS);
    the_end += 100 * MS;
}

static int by_start(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static void print(FILE *out, const struct record *r)
{
    static const char *const words[] = { "pool", "start", "done", "failed", "died", "end" };
    fprintf(out, "%s,%u,%u,%d,%u,", words[r->kind], r->slot, r->worker, r->pid, r->job);
    if (r->item != NONE)
        fprintf(out, "%" PRIu64, r->item);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%d\n", r->start, r->end, r->status);
}

static void make(const struct scene *scene, FILE *out)
{
    play(scene);
    if (strcmp(scene->name, "idle-death") == 0)
        add_idle_death();
    if (count > 0)
        qsort(records, count, sizeof *records, by_start);
    fputs("kind,slot,worker,pid,job,item,start,end,status\n", out);
    print(out, &(struct record){ .kind = POOL, .slot = scene->slots, .pid = 3999, .start = MS, .end = MS + the_end });
    for (size_t i = 0; i < count; i++)
        print(out, &records[i]);
    fputc('\n', out);
    free(records);
}

/* Changes a few bytes, takes some away, or leaves off the end. */
static size_t damage(char *text, size_t size, uint64_t seed)
{
    state += seed;
    for (uint64_t times = dice(1, 3); times > 0; times--) {
        size_t at = dice(0, size - 20), length = dice(1, 19);
        switch (dice(0, 3)) {
        case 0:
            text[at] = (char)dice(0, 255);
            break;
        case 1:
            text[at] = "0123456789,\n-."[dice(0, 13)];
            break;
        case 2:
            memmove(text + at, text + at + length, size - at - length);
            size -= length;
            break;
        default:
            size = dice(40, size);
        }
    }
    return size;
}

int main(int argc, char **argv)
{
    const struct scene *scene = NULL;
    char *text = NULL;
    size_t size = 0;
    for (size_t i = 0; argc > 1 && i < sizeof scenes / sizeof *scenes; i++)
        if (strcmp(argv[1], scenes[i].name) == 0)
            scene = &scenes[i];
    if (!scene) {
        fprintf(stderr, "usage: draw-demo SCENE [SEED]\n");
        return 2;
    }
    FILE *out = checked(open_memstream(&text, &size));
    make(scene, out);
    fclose(out);
    if (argc > 2)
        size = damage(checked(text), size, (uint64_t)atol(argv[2]));
    bool written = fwrite(checked(text), 1, size, stdout) == size && fflush(stdout) == 0;
    free(text);
    if (!written)
        perror("draw-demo: cannot write");
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
