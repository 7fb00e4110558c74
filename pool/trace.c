/*
 * trace.c - what a traced pool remembers, and leaves in a file when it is joined.
 *
 * Each slot has a ring of records, which its workers fill; a long run keeps the latest. When they are written no worker
 * is left, so there is nothing to synchronise with. Drawing them is the business of a program, lanes.
 *
 * The file is CSV, and all pools append to it: a line of headings, a record of the pool itself (how many workers, the
 * process that opened it, how many records are missing, and by the machine's clock when it was opened and joined),
 * those of its workers, an empty line.
 */
#define _GNU_SOURCE
#include "inside.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

/* Copies all records that are there, in the order of their start, behind one of the pool itself. Tasks can write to the
 * memory they come from: what makes no sense is left out. NULL: no memory. */
static struct trace_record *gather(const struct region *region, size_t *count)
{
    uint64_t now = now_ns(), missing = 0;
    struct trace_record *records = malloc((1 + region->workers * region->trace_size) * sizeof *records);
    for (uint32_t slot = *count = 0; records && slot < region->workers; slot++) {
        uint64_t written = atomic_load(&region->slots[slot].traced), size = region->trace_size;
        missing += written > size ? written - size : 0;
        for (uint64_t i = 0; i < written && i < size; i++) {
            struct trace_record *r = &records[1 + *count];
            *r = region->trace[slot * size + i];
            r->slot = slot;
            *count +=
                r->kind > TRACE_NOTHING && r->kind <= TRACE_END && r->start <= r->end && r->end <= now - region->opened;
        }
    }
    if (!records)
        return NULL;
    qsort(records + 1, *count, sizeof *records, by_start);
    records[0] = (struct trace_record){
        .slot = region->workers, .pid = region->caller, .item = missing, .start = region->opened, .end = now
    };
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

static char *print(const struct trace_record *records, size_t count, size_t *size)
{
    static const char *const words[] = { "pool", "start", "done", "failed", "died", "end" };
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return NULL;
    fputs("kind,slot,worker,pid,job,item,start,end,status\n", out);
    for (const struct trace_record *r = records; r <= records + count; r++) {
        fprintf(out, "%s,%u,%u,%d,%u,", words[r->kind], r->slot, r->worker, r->pid, r->job);
        if (r->item != UINT64_MAX)
            fprintf(out, "%" PRIu64, r->item);
        fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%d\n", r->start, r->end, r->status);
    }
    fputc('\n', out);
    bool good = !ferror(out);
    if (fclose(out) == 0 && good)
        return text;
    free(text);
    return NULL;
}

/* Appends all of a pool in one write, so that no other pool's records, of whichever program, get between. What is no
 * file does not block, and beyond the limit for files the write would raise a signal. */
static int append(const char *name, const char *text, size_t size)
{
    int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    struct rlimit limit = { .rlim_cur = RLIM_INFINITY };
    off_t end = lseek(fd, 0, SEEK_END);
    getrlimit(RLIMIT_FSIZE, &limit);
    bool fits = limit.rlim_cur == RLIM_INFINITY || end < 0 || (rlim_t)end + size <= limit.rlim_cur;
    ssize_t written = fits ? write(fd, text, size) : -1;
    int error = !fits ? EFBIG : written < 0 ? errno : ENOSPC;
    if (close(fd) == 0 && written == (ssize_t)size)
        return 0;
    errno = error;
    return -1;
}

int trace_write(struct region *region, const char *name)
{
    size_t count, size;
    struct trace_record *records = gather(region, &count);
    char *full = file_name(name), *text = records && full ? print(records, count, &size) : NULL;
    int status = text ? append(full, text, size) : -1, error = text ? errno : ENOMEM;
    if (status)
        error_set(error, "pool_join: cannot leave the records in %s: %s", full ? full : name, strerror(error));
    free(text);
    free(records);
    free(full);
    return status;
}
