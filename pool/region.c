/*
 * region.c - reserving the shared region, sleeping and waking.
 *
 * The region is address space, not memory: MAP_NORESERVE, and only pages that are touched cost anything. So it has room
 * for all that may ever be in use, several times over, and nothing in it has to grow or move. Where so much address
 * space is not to be had (ulimit -v, strict overcommit), it is laid out for half the memory, and half of that, until it
 * is given; and then once more for a quarter, because the program may want some, too.
 *
 * It does not know what the words in it mean, but for the one that idle workers sleep on.
 */
#define _GNU_SOURCE
#include "region.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GUARD ((size_t)65536)              /* also what the largest usual page size asks for */
#define LEAST ((size_t)1 << 20)            /* bytes for jobs; with less there is no pool */
#define MOST ((size_t)1 << 39)             /* with more, block numbers would not fit their words */
#define ROOM 4                             /* address space for so many times the bytes that may be in use */
#define LEAST_JOBS (2 * (size_t)RING_SIZE) /* job records */
#define TRACE_RECORDS ((uint64_t)1 << 20)  /* of all slots together */

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Where everything lies: offsets from the region's start. */
struct plan {
    uint32_t job_count, block_count;
    size_t jobs, owners, trace, memory, blocks, guards[GUARDS], size;
};

/* Sets a part aside. Returns where it begins. */
static size_t set_aside(struct plan *plan, size_t size)
{
    size_t at = plan->size;
    plan->size += (size + GUARD - 1) / GUARD * GUARD;
    return at;
}

static struct plan make_plan(size_t memory, bool traced)
{
    struct plan plan = { .job_count = (uint32_t)(LEAST_JOBS + memory / 16 / sizeof(struct job)) };
    plan.block_count = (uint32_t)(memory / BLOCK_SIZE);
    set_aside(&plan, sizeof(struct region));
    plan.jobs = set_aside(&plan, plan.job_count * sizeof(struct job));
    plan.owners = set_aside(&plan, plan.block_count * sizeof(_Atomic uint32_t));
    plan.trace = set_aside(&plan, traced ? TRACE_RECORDS * sizeof(struct trace_record) : 0);
    plan.guards[0] = set_aside(&plan, GUARD); /* no more of them: each costs every fork two mappings */
    plan.memory = set_aside(&plan, ROOM * memory);
    plan.guards[1] = set_aside(&plan, GUARD);
    plan.blocks = set_aside(&plan, plan.block_count * (size_t)BLOCK_SIZE);
    plan.guards[2] = set_aside(&plan, GUARD);
    return plan;
}

/* Maps the file at this address and no other. */
static void *map_at(int file, void *at, size_t size)
{
    void *got = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, file, 0);
    if (got == at)
        return at;
    if (got != MAP_FAILED) { /* by a kernel that does not know the flag */
        munmap(got, size);
        errno = EEXIST;
    }
    return NULL;
}

/* Maps a file where another run of this program will hardly have anything: the system puts nothing there by itself. */
static void *reserve_file(int file, size_t size)
{
    static const uintptr_t hints[] = { 0x200000000000, 0x2000000000 }; /* the second for addresses of 39 bits */
    struct rlimit limit;
    void *at = NULL;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur) { /* ftruncate() would raise a signal */
        errno = EFBIG;
        return NULL;
    }
    if (ftruncate(file, (off_t)size) != 0)
        return NULL;
    for (unsigned i = 0; i < 16 && !at; i++)
        at = map_at(file, (void *)(hints[i / 8] + i % 8 * (hints[i / 8] / 8)), size);
    if (!at)
        errno = ENOMEM;
    return at;
}

static void *reserve(int file, size_t size)
{
    if (file >= 0)
        return reserve_file(file, size);
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* Reserves a region for as much of the memory as is given. */
static char *reserve_what_is_given(size_t *memory, struct plan *plan, bool traced, int file)
{
    size_t wanted = *memory;
    char *at = reserve(file, (*plan = make_plan(*memory, traced)).size);
    while (!at && (*memory /= 2) >= LEAST)
        at = reserve(file, (*plan = make_plan(*memory, traced)).size);
    if (!at || *memory == wanted || *memory / 4 < LEAST)
        return at;
    munmap(at, plan->size);
    return reserve(file, (*plan = make_plan(*memory /= 4, traced)).size);
}

/* What each process has to say of its own mapping. */
static void shield(struct region *region)
{
    madvise(region, region->size, MADV_DONTDUMP); /* a core of all that helps nobody */
    for (int i = 0; i < GUARDS; i++)
        mprotect((char *)region + region->guards[i], GUARD, PROT_NONE);
}

struct region *region_attach(int file, void *at, size_t size)
{
    struct region *region = map_at(file, at, size);
    if (region)
        shield(region);
    return region;
}

struct region *region_reserve(uint32_t workers, size_t memory, bool traced, int file)
{
    size_t given = memory < LEAST ? LEAST : memory > MOST ? MOST : memory;
    struct plan plan;
    char *at = reserve_what_is_given(&given, &plan, traced, file);
    struct region *region = (struct region *)at;
    if (!region)
        return NULL;
    memcpy(region->guards, plan.guards, sizeof plan.guards);
    region->size = plan.size;
    shield(region);
    region->workers = workers;
    region->descriptor = region->poller = -1;
    region->job_count = plan.job_count;
    region->jobs = (struct job *)(at + plan.jobs);
    region->memory = at + plan.memory;
    region->memory_size = ROOM * given;
    region->memory_limit = memory < given ? memory : given;
    region->owners = (_Atomic uint32_t *)(at + plan.owners);
    region->blocks = at + plan.blocks;
    region->block_count = plan.block_count;
    region->trace = traced ? (struct trace_record *)(at + plan.trace) : NULL;
    region->trace_size = TRACE_RECORDS / workers;
    region->opened = now_ns();
    return region;
}

void region_release(struct region *region)
{
    munmap(region, region->size);
}

/* Tells the processor that this is a waiting loop. */
static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

bool spin_until(uint64_t end, bool (*there)(void *about), void *about)
{
    for (unsigned turn = 1;; turn++) {
        relax();
        if (turn % 4 == 0 && there(about))
            return true;
        if (turn % 32 == 0 && now_ns() >= end)
            return false;
        if (turn % 32 == 0)
            sched_yield();
    }
}

void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t ns)
{
    struct timespec time = timespec_of(ns);
    syscall(SYS_futex, word, FUTEX_WAIT, value, ns ? &time : NULL, NULL, 0);
}

bool futex_wake(_Atomic uint32_t *word, uint32_t count)
{
    return syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0) > 0;
}

static bool anybody_asleep(struct region *region)
{
    for (uint32_t i = 0; i <= (region->workers - 1) / 64; i++)
        if (atomic_load(&region->asleep[i])) /* in one order with what the sleeper looks at before it sleeps */
            return true;
    return false;
}

void answer_wake(struct region *region)
{
    uint32_t wake = atomic_load(&region->wake);
    if (wake % 2)
        atomic_compare_exchange_strong(&region->wake, &wake, wake + 1);
}

bool wake_workers(struct region *region, uint32_t count)
{
    if (!anybody_asleep(region))
        return false;
    atomic_fetch_add(&region->wake, 2); /* a worker that is about to sleep will not */
    futex_wake(&region->wake, count);
    return true;
}

bool wake_one_worker(struct region *region)
{
    uint32_t wake = atomic_load(&region->wake);
    if (!anybody_asleep(region))
        return false;
    if (wake % 2 == 0 && atomic_compare_exchange_strong(&region->wake, &wake, wake + 1) &&
        !futex_wake(&region->wake, 1))
        answer_wake(region);
    return true;
}

int above_stderr(int fd)
{
    if (fd < 0 || fd > 2)
        return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return above;
}
