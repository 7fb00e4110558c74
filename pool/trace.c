/*
 * trace.c - what a traced pool remembers, gathered and written when it is joined.
 *
 * Each slot has a ring of records, which its workers fill; a long run keeps the latest. By now no worker is left, so
 * there is nothing to synchronise with. How a trace looks is draw.c's business.
 */
#define _GNU_SOURCE
#include "inside.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Keeping ---- */

static void add_record(struct worker *w, enum trace_kind kind, uint32_t job, uint64_t item, int status)
{
    struct region *region = w->region;
    uint64_t now = now_ns() - region->opened, began = atomic_load(&w->slot->began);
    uint64_t n = atomic_load(&w->slot->traced);
    struct trace_record *record = &region->trace[w->number * region->trace_size + n % region->trace_size];
    *record = (struct trace_record){ .start = item == UINT64_MAX ? now : began,
                                     .end = now,
                                     .item = item,
                                     .job = job,
                                     .worker = w->slot->worker,
                                     .pid = getpid(),
                                     .status = status,
                                     .slot = w->number,
                                     .kind = kind };
    if (kind == TRACE_DEATH) {
        record->worker = w->slot->dead_worker;
        record->pid = atomic_load(&w->slot->dead_pid);
    }
    note64(&w->slot->traced, n + 1);
}

void trace(struct worker *w, enum trace_kind kind, uint32_t job, uint64_t item, int status)
{
    if (w->region->trace)
        add_record(w, kind, job, item, status);
}

/* ---- Writing ---- */

static int by_start(const void *a, const void *b)
{
    const struct trace_record *x = a, *y = b;
    return x->start != y->start ? (x->start > y->start) - (x->start < y->start)
                                : (x->slot > y->slot) - (x->slot < y->slot);
}

/* Copies all records that are there, in the order of their start. NULL: no memory. */
static struct trace_record *gather(const struct region *region, size_t *count)
{
    struct trace_record *records = malloc(region->workers * region->trace_size * sizeof *records);
    for (uint32_t slot = 0; records && slot < region->workers; slot++) {
        uint64_t written = atomic_load(&region->slots[slot].traced);
        uint64_t there = written < region->trace_size ? written : region->trace_size;
        memcpy(records + *count, &region->trace[slot * region->trace_size], there * sizeof *records);
        *count += there;
    }
    if (records)
        qsort(records, *count, sizeof *records, by_start);
    return records;
}

/* The name with the process id in the place of the first %p. */
static char *file_name(const char *name)
{
    char *full = NULL;
    const char *mark = strstr(name, "%p");
    if (!mark)
        return strdup(name);
    if (asprintf(&full, "%.*s%d%s", (int)(mark - name), name, (int)getpid(), mark + 2) < 0)
        return NULL;
    return full;
}

/* One line for each record; tasks can write to the memory these come from, so what makes no sense is left out. */
static void write_records(FILE *out, const struct trace_record *records, size_t count)
{
    static const char *const words[] = { "nothing", "start", "done", "failed", "died", "end" };
    fputs("kind,slot,worker,pid,job,item,start,end,status\n", out);
    for (const struct trace_record *r = records; r < records + count; r++) {
        if (r->kind <= TRACE_NOTHING || r->kind > TRACE_END || r->start > r->end)
            continue;
        fprintf(out, "%s,%u,%u,%d,%u,", words[r->kind], r->slot, r->worker, r->pid, r->job);
        if (r->item != UINT64_MAX)
            fprintf(out, "%" PRIu64, r->item);
        fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%d\n", r->start, r->end, r->status);
    }
}

int trace_write(struct region *region, const char *name)
{
    size_t count = 0;
    struct trace_record *records = gather(region, &count);
    char *full = file_name(name);
    FILE *out = full ? fopen(full, "ae") : NULL; /* the next pool's records follow behind an empty line */
    int status = records && out ? 0 : -1;
    if (status == 0) {
        write_records(out, records, count);
        fputc('\n', out);
        status = ferror(out);
    }
    if (out && fclose(out) != 0)
        status = -1;
    if (status)
        status = error_set(errno ? errno : ENOMEM, "pool_join: cannot write the trace %s: %s", name, strerror(errno));
    free(records);
    free(full);
    return status;
}
