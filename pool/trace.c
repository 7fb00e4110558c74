/*
 * trace.c - what a traced pool remembers, and leaves in a file when it is joined.
 *
 * Each slot has a ring of records, which its workers fill; a long run keeps the latest. When they are written no worker
 * is left, so there is nothing to synchronise with. Drawing them is the business of a program, lanes.
 *
 * The file is CSV, and all pools append to it: a line of headings, a record of the pool itself (how many workers, the
 * process that opened it, how many records are missing, when it was opened and joined), its workers' and an empty line.
 */
#define _GNU_SOURCE
#include "inside.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- Keeping ---- */

void trace(struct worker *w, enum trace_kind kind, uint32_t job, uint64_t item, int status)
{
    struct region *region = w->region;
    struct slot *slot = w->slot;
    if (!region->trace)
        return;
    bool death = kind == TRACE_DEATH;
    uint64_t now = now_ns() - region->opened, n = atomic_load(&slot->traced);
    region->trace[w->number * region->trace_size + n % region->trace_size] =
        (struct trace_record){ .start = item == UINT64_MAX ? now : atomic_load(&slot->began),
                               .end = now,
                               .item = item,
                               .job = job,
                               .worker = death ? slot->dead_worker : slot->worker,
                               .pid = death ? atomic_load(&slot->dead_pid) : getpid(),
                               .status = status,
                               .kind = kind };
    note64(&slot->traced, n + 1);
}

/* ---- Leaving them ---- */

static void print(FILE *out, uint32_t slot, const struct trace_record *r)
{
    static const char *const words[] = { "pool", "start", "done", "failed", "died", "end" };
    fprintf(out, "%s,%u,%u,%d,%u,", words[r->kind], slot, r->worker, r->pid, r->job);
    if (r->item != UINT64_MAX)
        fprintf(out, "%" PRIu64, r->item);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%d\n", r->start, r->end, r->status);
}

/* Tasks can write to the memory that the records come from: what makes no sense is left out. */
static bool print_all(FILE *out, const struct region *region)
{
    uint64_t now = now_ns(), size = region->trace_size, missing = 0;
    for (uint32_t slot = 0; slot < region->workers; slot++) {
        uint64_t traced = atomic_load(&region->slots[slot].traced);
        missing += traced > size ? traced - size : 0;
    }
    fputs("kind,slot,worker,pid,job,item,start,end,status\n", out);
    print(out, region->workers,
          &(struct trace_record){ .pid = region->caller, .item = missing, .start = region->opened, .end = now });
    for (uint32_t slot = 0; slot < region->workers; slot++) {
        uint64_t traced = atomic_load(&region->slots[slot].traced);
        for (uint64_t i = 0; i < traced && i < size; i++) {
            struct trace_record record = region->trace[slot * size + i];
            bool timely = record.start <= record.end && record.end <= now - region->opened;
            bool has_item = record.item != UINT64_MAX, known = record.kind > TRACE_NOTHING && record.kind <= TRACE_END;
            if (timely && known && (has_item || (record.kind != TRACE_DONE && record.kind != TRACE_FAILED)))
                print(out, slot, &record);
        }
    }
    return fputc('\n', out) != EOF && !ferror(out);
}

/* Appends all of a pool in one write, so that no other pool's records, of whichever program, get between. What is no
 * file does not block, and beyond the limit for files the write would raise a signal. */
static int append(const char *name, const char *text, size_t size)
{
    struct rlimit limit = { .rlim_cur = RLIM_INFINITY };
    int fd;
    while ((fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666)) < 0)
        if (errno != EINTR)
            return -1;
    off_t end = lseek(fd, 0, SEEK_END);
    getrlimit(RLIMIT_FSIZE, &limit);
    bool fits = limit.rlim_cur == RLIM_INFINITY || end < 0 || (rlim_t)end + size <= limit.rlim_cur;
    ssize_t written = -1;
    while (fits && (written = write(fd, text, size)) < 0 && errno == EINTR)
        ;
    int error = !fits ? EFBIG : written < 0 ? errno : written < (ssize_t)size ? ENOSPC : 0;
    if (close(fd) != 0 && errno != EINTR && !error)
        error = errno;
    errno = error;
    return error ? -1 : 0;
}

int trace_write(const struct region *region, const char *name)
{
    const char *mark = strstr(name, "%p");
    char *text = NULL, full[PATH_MAX + 1]; /* one that is cut off is too long */
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool good = out && print_all(out, region);
    good = out && fclose(out) == 0 && good;
    if (mark)
        snprintf(full, sizeof full, "%.*s%d%s", (int)(mark - name), name, (int)getpid(), mark + 2);
    name = mark ? full : name;
    int status = good ? append(name, text, size) : -1, error = good ? errno : ENOMEM;
    if (status)
        error_set(error, "pool_join: cannot leave the records in %s: %s", name, strerror(error));
    free(text);
    return status;
}
