/*
 * region.c - reserving the shared region, sleeping and waking.
 *
 * The region is address space, not memory: MAP_NORESERVE, and only pages that are touched cost anything. So it can be
 * much larger than what will ever be used, and nothing in it has to grow or move. Where so much address space is not
 * to be had (ulimit -v, strict overcommit), half is asked for, and half of that, until it is given; and then only a
 * quarter of what was given is kept, because the program may want some, too.
 *
 * It does not know what the words in it mean, but for the one that idle workers sleep on.
 */
#define _GNU_SOURCE
#include "region.h"
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define GUARD ((size_t)65536)             /* also what the largest usual page size asks for */
#define LEAST ((size_t)32 << 20)          /* with less than this there is no pool */
#define USUAL ((size_t)32 << 30)          /* what is asked for first */
#define TRACE_RECORDS ((uint64_t)1 << 20) /* of all slots together */

static size_t round_up(size_t size)
{
    return (size + GUARD - 1) / GUARD * GUARD;
}

static void *reserve(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static void *reserve_what_is_given(size_t *size)
{
    size_t wanted = *size;
    void *at = reserve(wanted);
    while (!at && (*size /= 2) >= LEAST)
        at = reserve(*size);
    if (!at || *size == wanted || *size / 4 < LEAST)
        return at;
    munmap(at, *size);
    return reserve(*size /= 4);
}

/* Cuts `size` bytes off the front of what is left, with a guard behind them if there is to be one. */
static char *cut(char **left, size_t size, bool guard)
{
    char *at = *left;
    *left += round_up(size);
    if (guard) {
        mprotect(*left, GUARD, PROT_NONE);
        *left += GUARD;
    }
    return at;
}

static void lay_out(struct region *region, size_t size, size_t memory, size_t trace_bytes)
{
    char *left = (char *)region, *end = left + size;
    cut(&left, sizeof *region, true);
    size_t rest = (size_t)(end - left) - trace_bytes - 8 * GUARD;
    region->job_count = (uint32_t)(rest / 64 / sizeof(struct job));
    region->jobs = (struct job *)cut(&left, region->job_count * sizeof(struct job), false);
    size_t half = (rest - rest / 16) / 2;
    region->memory_size = half;
    region->memory_limit = memory < half ? memory : half;
    region->memory = cut(&left, half, true);
    region->block_count = (uint32_t)(region->memory_limit / (BLOCK_SIZE + sizeof *region->owners));
    region->owners = (_Atomic uint32_t *)cut(&left, region->block_count * sizeof *region->owners, false);
    region->blocks = cut(&left, region->block_count * (size_t)BLOCK_SIZE, true);
    if (trace_bytes)
        region->trace = (struct trace_record *)left;
}

struct region *region_reserve(uint32_t workers, size_t memory, bool traced)
{
    uint64_t records = TRACE_RECORDS / workers;
    size_t trace_bytes = traced ? round_up(workers * records * sizeof(struct trace_record)) : 0;
    size_t size = memory > USUAL / 3 ? memory * 3 : USUAL;
    struct region *region = reserve_what_is_given(&size);
    if (!region)
        return NULL;
    madvise(region, size, MADV_DONTDUMP); /* a core of 32 GiB helps nobody */
    region->size = size;
    region->workers = workers;
    region->trace_size = records;
    region->opened = now_ns();
    lay_out(region, size, memory, trace_bytes <= size / 4 ? trace_bytes : 0);
    return region;
}

void region_release(struct region *region)
{
    munmap(region, region->size);
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t ns)
{
    struct timespec time = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
    syscall(SYS_futex, word, FUTEX_WAIT, value, ns ? &time : NULL, NULL, 0);
}

void futex_wake(_Atomic uint32_t *word, uint32_t count)
{
    syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

static bool anybody_asleep(struct region *region)
{
    for (uint32_t i = 0; i <= (region->workers - 1) / 64; i++)
        if (atomic_load_explicit(&region->asleep[i], memory_order_relaxed))
            return true;
    return false;
}

bool wake_workers(struct region *region, uint32_t count)
{
    if (!anybody_asleep(region))
        return false;
    atomic_fetch_add(&region->wake, 1); /* a worker that is about to sleep will not */
    futex_wake(&region->wake, count);
    return true;
}
