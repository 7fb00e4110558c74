/*
 * trace.c - what a traced pool remembers, gathered and written when it is joined.
 *
 * Each slot has a ring of records, which its workers fill; a long run keeps the latest. By now no worker is left, so
 * there is nothing to synchronise with. How a trace looks is draw.c's business.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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

/* Copies all records, in the order of their start. NULL: no memory. */
static struct trace_record *gather(const struct region *region, struct trace *trace)
{
    for (uint32_t slot = 0; slot < region->workers; slot++) {
        uint64_t written = atomic_load(&region->slots[slot].traced);
        uint64_t there = written < region->trace_size ? written : region->trace_size;
        trace->count += there;
        trace->dropped += written - there;
    }
    struct trace_record *records = malloc((trace->count + 1) * sizeof *records), *end = records;
    for (uint32_t slot = 0; records && slot < region->workers; slot++) {
        uint64_t written = atomic_load(&region->slots[slot].traced);
        uint64_t there = written < region->trace_size ? written : region->trace_size;
        memcpy(end, &region->trace[slot * region->trace_size], there * sizeof *records);
        end += there;
    }
    if (records)
        qsort(records, trace->count, sizeof *records, by_start);
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

static void draw(FILE *out, const struct trace *trace, const char *name)
{
    struct winsize window = { .ws_col = 80 };
    const char *ending = strrchr(name, '.');
    if (strcmp(name, "-") == 0) {
        int terminal = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col >= 40;
        draw_timeline(out, trace, terminal ? window.ws_col : 80, terminal && !getenv("NO_COLOR"));
    } else if (strcmp(ending, ".svg") == 0) {
        draw_svg(out, trace);
    } else if (strcmp(ending, ".json") == 0) {
        draw_json(out, trace);
    } else {
        draw_csv(out, trace);
    }
}

int trace_write(struct region *region, const char *name)
{
    struct trace trace = { .slots = region->workers, .end = now_ns() - region->opened };
    struct trace_record *records = region->trace ? gather(region, &trace) : NULL;
    char *full = file_name(name);
    int copy = full && strcmp(name, "-") == 0 ? dup(STDERR_FILENO) : -1;
    FILE *out = copy >= 0 ? fdopen(copy, "w") : full ? fopen(full, "we") : NULL;
    int status = -1;
    if (records && out) {
        trace.records = records;
        draw(out, &trace, name);
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
