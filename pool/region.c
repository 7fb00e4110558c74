/*
 * region.c - reserving the shared region, sleeping and waking.
 *
 * The region is address space, not memory: MAP_NORESERVE, and only pages that are touched cost anything. So it has room
 * for all that may ever be in use, many times over, and nothing in it has to grow or move. Where so much address space
 * is not to be had (ulimit -v and -l, strict overcommit), it asks for half of it, and half of that, until it is given;
 * and then once more for a quarter, because the program may want some, too.
 *
 * It does not know what the words in it mean, but for the one that idle workers sleep on.
 */
#define _GNU_SOURCE
#include "inside.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FUTEX_WAIT 0 /* as in linux/futex.h, which musl does not bring */
#define FUTEX_WAKE 1

#define LEAST ((size_t)1 << 20) /* bytes for jobs; with less there is no pool */
#define MOST ((size_t)1 << 39)  /* with more, block numbers would not fit their words */
#define ROOM 32                 /* address space for so many times the bytes in use: what is free fits somewhere then */
#define LEAST_ROOM 4
#define LEAST_JOBS (2 * (size_t)RING_SIZE) /* job records */
#define TRACE_RECORDS ((uint64_t)1 << 20)  /* of all slots together */

char *map_here(void)
{
    char *here = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (here == MAP_FAILED)
        return NULL;
    here[0] = here[1] = 1;
    madvise(here, 4096, MADV_WIPEONFORK);
    return here;
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Where everything lies: offsets from the region's start. */
struct plan {
    size_t given, room; /* bytes that may be in use, and address space for them */
    uint32_t job_count, block_count;
    size_t jobs, owners, hints, trace, blocks, memory, guards[GUARDS], size;
};

/* Sets a part aside. Returns where it begins. */
static size_t set_aside(struct plan *plan, size_t size)
{
    size_t at = plan->size;
    plan->size += (size + STRETCH - 1) / STRETCH * STRETCH;
    return at;
}

static struct plan make_plan(size_t memory, size_t room, bool traced)
{
    struct plan plan = { .given = memory, .room = memory * room };
    plan.job_count = (uint32_t)(LEAST_JOBS + memory / 16 / sizeof(struct job));
    size_t block_stretches = memory / STRETCH + 1, stretches = block_stretches + 1 + plan.room / STRETCH + 1;
    plan.block_count = (uint32_t)(block_stretches * (STRETCH / BLOCK_SIZE));
    set_aside(&plan, sizeof(struct region));
    plan.jobs = set_aside(&plan, plan.job_count * sizeof(struct job));
    plan.owners = set_aside(&plan, (plan.block_count + stretches) * sizeof(_Atomic uint32_t));
    plan.hints = set_aside(&plan, stretches);
    plan.trace = set_aside(&plan, traced ? TRACE_RECORDS * sizeof(struct trace_record) : 0);
    plan.guards[0] = set_aside(&plan, STRETCH); /* no more of them: each costs every fork two mappings */
    plan.blocks = set_aside(&plan, block_stretches * STRETCH);
    plan.guards[1] = set_aside(&plan, STRETCH);
    plan.memory = set_aside(&plan, plan.room);
    plan.guards[2] = set_aside(&plan, STRETCH);
    return plan;
}

/* Tells whether this program locks all its memory (mlockall): then a new page is there at once. */
static bool locks_all(void)
{
    unsigned char there = 1;
    void *page = mmap(NULL, STRETCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return true;
    if (mincore(page, 1, &there) != 0)
        there = 1;
    munmap(page, STRETCH);
    return there & 1;
}

/* Maps what costs nothing until it is used. Where all memory is locked it is nobody's to touch at first, so that
 * mapping it takes no page, and then it is told not to be locked. NULL and errno. */
static void *map(void *at, size_t size, int protection, int flags, int file)
{
    bool locked = locks_all();
    void *got = mmap(at, size, locked ? PROT_NONE : protection, flags | MAP_NORESERVE, file, 0);
    if (got == MAP_FAILED) {
        errno = errno == EAGAIN ? ENOMEM : errno; /* more than may be locked */
        return NULL;
    }
    if (locked)
        munlock(got, size);
    if ((!at || got == at) && (!locked || mprotect(got, size, protection) == 0))
        return got;
    int error = at && got != at ? EEXIST : errno; /* by a kernel that does not know MAP_FIXED_NOREPLACE */
    munmap(got, size);
    errno = error;
    return NULL;
}

void *map_private(size_t size, int protection, int flags)
{
    return map(NULL, size, protection, flags | MAP_ANONYMOUS, -1);
}

/* Maps the file at this address and no other. */
static void *map_at(int file, void *at, size_t size)
{
    return map(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file);
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
    errno = at ? errno : ENOMEM;
    return at;
}

/* Reserves a region, if there is address space for it. */
static char *try(struct plan *plan, size_t memory, size_t room, bool traced, int file)
{
    *plan = make_plan(memory, room, traced);
    return file < 0 ? map_private(plan->size, PROT_READ | PROT_WRITE, MAP_SHARED) : reserve_file(file, plan->size);
}

/* Asks for about half as much address space. Returns whether that is still a pool. */
static bool ask_for_less(size_t *memory, size_t *room)
{
    *(*room > LEAST_ROOM ? room : memory) /= 2;
    return *memory >= LEAST;
}

/* Reserves a region for as much of the memory as is given. */
static char *reserve_what_is_given(struct plan *plan, size_t memory, bool traced, int file)
{
    size_t room = ROOM;
    char *at = try(plan, memory, room, traced, file);
    if (at)
        return at;
    while (!at && ask_for_less(&memory, &room))
        at = try(plan, memory, room, traced, file);
    if (!at || memory < 4 * LEAST)
        return at;
    munmap(at, plan->size);
    ask_for_less(&memory, &room);
    ask_for_less(&memory, &room);
    return try(plan, memory, room, traced, file);
}

/* What each process has to say of its own mapping. */
static void shield(struct region *region)
{
    madvise(region, region->size, MADV_DONTDUMP); /* a core of all that helps nobody */
    for (int i = 0; i < GUARDS; i++)
        mprotect((char *)region + region->guards[i], STRETCH, PROT_NONE);
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
    struct plan plan;
    char *at = reserve_what_is_given(&plan, memory < LEAST ? LEAST : memory > MOST ? MOST : memory, traced, file);
    struct region *region = (struct region *)at;
    if (!region)
        return NULL;
    memcpy(region->guards, plan.guards, sizeof plan.guards);
    region->size = plan.size;
    shield(region);
    region->workers = workers;
    region->descriptor = -1;
    region->poller = -1;
    region->job_count = plan.job_count;
    region->jobs = (struct job *)(at + plan.jobs);
    region->memory = at + plan.memory;
    region->memory_size = plan.room;
    region->memory_limit = memory < plan.given ? memory : plan.given;
    region->owners = (_Atomic uint32_t *)(at + plan.owners);
    region->memory_stretches = (uint32_t)((plan.memory - plan.blocks) / STRETCH);
    region->stretch_count = region->memory_stretches;
    region->hints = (_Atomic uint8_t *)(at + plan.hints);
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

void region_leave(struct region *region)
{
    if (region->valgrind)
        region_release(region);
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

bool spin_until(unsigned every, uint64_t end, bool (*there)(void *about), void *about)
{
    for (unsigned turn = 1;; turn++) {
        relax();
        if (turn % 32 == 0 && now_ns() >= end)
            return false;
        if (turn % 32 == 0)
            sched_yield(); /* to whoever makes it be there: so look behind that */
        if (turn % every == 0 && there(about))
            return true;
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

bool anybody_asleep(struct region *region)
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

static void close_between(unsigned from, unsigned to, bool at_exec)
{
    struct rlimit limit = { .rlim_cur = 0 };
    if (from > to || syscall(SYS_close_range, from, to, at_exec ? 4 : 0) == 0) /* CLOSE_RANGE_CLOEXEC */
        return;
    getrlimit(RLIMIT_NOFILE, &limit); /* by an old kernel */
    for (unsigned fd = from; fd <= to && fd < limit.rlim_cur; fd++)
        (void)(at_exec ? fcntl((int)fd, F_SETFD, FD_CLOEXEC) : close((int)fd));
}

void keep_only(const int *keep, const int own[4], bool at_exec)
{
    for (int last = 2, next = 2; next < INT_MAX; last = next) {
        next = INT_MAX;
        for (int i = 0; i < 4; i++)
            next = own[i] > last && own[i] < next ? own[i] : next;
        for (const int *fd = keep; *fd >= 0; fd++)
            next = *fd > last && *fd < next ? *fd : next;
        close_between((unsigned)last + 1, (unsigned)next - 1, at_exec);
    }
}

int above_stderr(int fd)
{
    if (fd < 0 || fd > 2)
        return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return above;
}
