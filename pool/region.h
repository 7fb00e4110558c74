/**
 * @file region.h
 * @brief The shared region: everything that the caller, the nursery and the workers of one pool have in common.
 *
 * Private to the library. One range of shared memory, reserved by pool_open() before it forks, so it lies at the same
 * address in every process of the pool and a pointer into it means the same thing everywhere:
 *
 *     struct region | jobs | owners | hints | trace records | guard | blocks | guard | job memory | guard
 *
 * Zeroed memory is a valid empty state of every part: nothing is initialised, untouched pages cost nothing.
 * Fields are grouped by who writes them. A word that several processes write is only ever changed by compare-and-swap
 * or exchange, never under a lock: a lock could be kept for ever by a process that was killed.
 */
#ifndef POOL_REGION_H
#define POOL_REGION_H

#if !__LP64__
#error "Many Hands needs a 64-bit processor: the shared region is larger than what others can address"
#endif

#include "pool.h"
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

/* A ticket: one word for each chunk of a job. The low bits name its owner, a worker's slot number + 1; when it is done,
 * they say how many of its items failed. */
#define TICKET_READY 0u              /* nobody has it yet */
#define TICKET_OWNER 0xffffu         /* mask */
#define TICKET_FAILED 0xfffffffu     /* mask, with DONE; also the most items a chunk can have */
#define TICKET_DONE 0x80000000u      /* the chunk is finished */
#define TICKET_WAITED 0x40000000u    /* somebody sleeps on this word */
#define TICKET_CANCELLED 0x20000000u /* with DONE: finished without being run to its end; all its items failed */
#define TICKET_CONDEMNED 0x10000000u /* its owner is to be killed, and takes nothing more */

/* What stands in the place of an item's note that failed without one: so much, and an enum give_up. */
#define ABSENT (UINT32_MAX - 15)

#define OWNER_HELD UINT32_MAX /* of a block whose note is published, or of a stretch that the caller uses */

/* What a stretch is like, as far as anybody knows. */
#define HINT_FULL 1u    /* no block of it is free */
#define HINT_TOUCHED 2u /* it has pages */

#define RING_SIZE 65536u   /* jobs that can be queued before a submitter has to wait */
#define BLOCK_SIZE 256u    /* what replies and failure messages are stored in */
#define TIDYING 1000000000 /* nanoseconds: far longer than giving the pages of a stretch back takes */
#define STRETCH 65536u     /* bytes whose pages are given back together; the largest usual page */
#define BELLS 64u          /* words on which unordered iterators sleep */
#define EACH_MOST 64       /* functions that run once in each worker */
#define ONCE_RUNS ((uint64_t)1 << 63)
#define GUARDS 3
#define CANARY 16u     /* bytes behind each result, if they are to be checked */
#define IN_ORDER 64u   /* a job of at most so many chunks is begun in their order */
#define JOB_INLINE 32u /* an argument and a result that together are so small live in the job itself */

/** Why nobody wants the rest of a job any more; or why one item of it failed without a note. */
enum give_up {
    WANTED,
    GIVEN_UP_END,    /* the pool ended, or the call that waited for it */
    GIVEN_UP_CANCEL, /* pool_result_cancel() */
    GIVEN_UP_FAILED, /* an item failed, and the job is to fail fast */
    NO_MEMORY,       /* there was no block left to write a note */
    NO_WORKER,       /* no successor could be started to run the item */
};

/** One job: a function and its items. Written by the caller before it is published, then only read, but for the
 * atomics. */
struct job {
    _Alignas(64) _Atomic uint32_t one; /* the ticket of a job of one chunk */
    _Atomic uint32_t seq;              /* odd while a job of several chunks may be claimed from */
    _Atomic uint32_t chunks;           /* those that may be claimed; it grows in a flight of a stream (iter.c) */
    uint8_t bell;                      /* 0, or 1 + the bell to ring when a chunk is done */
    bool fail_fast;                    /* one failed item is enough to give it up */
    uint16_t retries;                  /* so often an item is run again whose worker died */
    pool_task *task;
    char *args, *results;
    _Atomic uint32_t *_Atomic tickets; /* one for each chunk; NULL: `one` is all there is */
    _Atomic uint32_t *notes;           /* one for each item: 0, or 1 + the first block of its reply or failure */
    uint32_t serial;                   /* 1 for the first job handed over */
    _Atomic uint8_t noted;             /* some item has a note */
    _Atomic uint8_t given_up;          /* enum give_up */
    _Atomic bool dropped;              /* its handle was freed: nobody will read its replies */
    bool each;                         /* its items run once in each worker, and it is not in the ring */
    size_t width, result_width;
    _Atomic uint32_t count; /* it shrinks where a stream ends within a chunk */
    uint32_t chunk;
    _Atomic uint32_t one_note; /* the note of a job of one item */
    float limit;               /* seconds one item may run; 0: no limit */
    char small[JOB_INLINE];    /* its argument and result, if they are small */
};
_Static_assert(sizeof(struct job) == 128, "two cache lines: a million jobs are 128 MB");
_Static_assert(offsetof(struct job, small) % JOB_INLINE == 0, "aligned for whatever fits into it");

/** How far a worker is. */
enum ready {
    READY_NOT,
    READY_SOON,
    READY_NOW
}; /* SOON: a function of the user's has begun that runs before tasks do */

/** What a worker is doing, for its successor to read when it dies. */
struct slot {
    /* The worker's own; its stores reach the successor in program order. */
    _Alignas(64) _Atomic uint32_t aim; /* 0, or 1 + the index of the job it aims at or works on */
    _Atomic uint32_t chunk;            /* which chunk of it */
    _Atomic uint32_t failed;           /* how many of its items failed so far */
    _Atomic uint32_t ended;            /* 0, or 1 + the index of the job of which it ended a chunk last */
    _Atomic uint64_t at;               /* item << 32 | how often its worker died << 1 | 1 while it runs */
    _Atomic uint64_t run;              /* blocks not yet published: first + 1, and their number << 32 */
    _Atomic uint64_t began;            /* traced pools: when the item began */
    _Atomic uint64_t limit_until;      /* when the timer ends the item; 0: no timer runs */
    _Atomic uint64_t finished;         /* items, without those of the chunk it works on */
    _Atomic uint64_t tally;            /* added to the item it stands at: items, with those */
    _Atomic uint32_t ready;            /* enum ready: how far this life is */
    _Atomic uint32_t was_ready;        /* some life's initializer has run */
    _Atomic uint32_t each;             /* of the functions to run once, which one this life ran last */
    uint32_t place;                    /* a hint: where to look for the next blocks */
    _Atomic uint64_t once;             /* 0, or the entry of `eaches` it aims at, and ONCE_RUNS */
    _Atomic uint64_t traced;           /* trace records written */
    _Atomic uint64_t queue;            /* the address of the queue it is using, or 0 */
    char text[464];                    /* why the initializer failed */
    /* The nursery's. */
    _Atomic int32_t pid;       /* the worker, 0 while there is none */
    _Atomic uint32_t unready;  /* the last worker was not ready before its end; the next one that is wipes it out */
    _Atomic uint64_t retry_at; /* while there is no worker: when to start one; 0: at once */
    uint32_t worker;           /* the N of PoolWorker-N */
    char name[24];             /* all of that */
    uint32_t lives;            /* how many workers this slot has had */
    _Atomic int32_t dead_pid;  /* the worker whose death is not healed yet */
    int32_t dead_status;       /* its status, as from wait() */
    uint64_t dead_at;          /* when that was noticed */
    uint32_t deaths;           /* workers that died before their time */
    uint32_t dead_worker;      /* and its N */
};

/** How far the pool's life is. It only grows. */
enum stop { STOP_NOT, STOP_CLOSED, STOP_TERMINATED, STOP_BROKEN };

struct region {
    /* Set by pool_open() before it forks, read-only from then on. */
    uint32_t workers;
    enum pool_kind kind;
    const struct region *above; /* that of the task in which this pool was opened */
    enum pool_start start;
    bool check;         /* a canary behind each result */
    bool valgrind;      /* which at an end would look through all of the region for leaks */
    _Atomic int poller; /* an epoll instance with it: what pool_descriptor() returns */
    int descriptor;     /* an eventfd that is written when a chunk is done; -1: none */
    uint64_t spin;      /* nanoseconds; 0 where there is one CPU */
    long maxtasks;
    uint32_t give_up_after; /* so many failures end the pool; 0: none do */
    pool_initializer *initializer;
    void *initarg;
    double grace;
    const int
        *keep; /* descriptors the nursery keeps, in the caller's memory: what lies behind it ends with -1; or NULL */
    pid_t caller;
    char *here;  /* a page that is zero in what a process forks; [1] is 1 where tasks run */
    size_t size; /* of the whole region */
    struct job *jobs;
    uint32_t job_count;
    char *memory;
    size_t memory_size;             /* address space */
    _Atomic uint32_t stretch_count; /* behind these nothing was ever used */
    size_t memory_limit;            /* bytes of it that may be in use */
    _Atomic uint32_t *owners;       /* one for each block, and behind them for each stretch of job memory: 0,
                                       OWNER_HELD, or 1 + the slot of the worker that took it */
    _Atomic uint8_t *hints;         /* for each stretch from the first block on: HINT_FULL, HINT_TOUCHED */
    uint32_t memory_stretches;      /* so many stretches from there job memory begins */
    char *blocks;
    uint32_t block_count;
    struct trace_record *trace; /* NULL: not traced */
    uint64_t trace_size;        /* records for each slot */
    uint64_t opened;            /* nanoseconds, the trace's zero */
    size_t guards[GUARDS];      /* where there are pages that nobody may touch */
    pool_task *run_row;         /* what runs the items of a starmap, as workers call it */
    uintptr_t base;             /* POOL_SPAWN: where the program lies in the caller */

    /* The caller's. */
    _Alignas(64) _Atomic uint64_t tail;  /* jobs put into the ring */
    _Atomic(struct pool_queue *) queues; /* the one opened last; each knows the one before */
    _Atomic uint64_t eaches[EACH_MOST]; /* what is to run once in each worker: its number << 32 | 1 + job index; or 0 */
    _Alignas(64) _Atomic uint32_t stop; /* enum stop; the nursery writes BROKEN */
    _Atomic uint32_t each;              /* the number of the newest of them */

    /* The workers'. */
    _Alignas(64) _Atomic uint64_t head;               /* a hint: all jobs before it are taken */
    _Atomic uint32_t room;                            /* odd: a submitter waits for head to move */
    _Alignas(64) _Atomic uint32_t wake;               /* idle workers sleep on it; odd: one of them is on its way */
    _Atomic uint64_t asleep[POOL_MAX_PROCESSES / 64]; /* a bit for each slot */
    _Alignas(64) _Atomic uint32_t spinner;            /* 0, or 1 + the slot of the one idle worker that spins */
    _Alignas(64) _Atomic uint32_t bells[BELLS];       /* odd: an iterator sleeps on it */
    _Atomic uint32_t armed;                           /* the descriptor is to be written */
    _Atomic uint64_t untidy;                          /* since then there may be pages under free memory; 0: none */
    _Atomic uint32_t cleaner;                         /* 0, or 1 + the slot of the worker that gives them back */
    _Atomic uint32_t living;                          /* worker threads */

    /* The nursery's. */
    _Alignas(64) _Atomic uint32_t news; /* slots that became ready, and failures: pool_open() sleeps on it */
    _Atomic uint32_t births;            /* workers started so far */
    _Atomic uint32_t failures;          /* workers in a row that were not ready before their end */
    _Atomic uint32_t failed;            /* 0, or 1 + the slot that broke the pool */
    _Atomic int32_t failed_errno;       /* what fork said, if that broke it */
    int32_t fork_errno;                 /* what fork said when it failed last */
    _Atomic uint32_t arrived;           /* POOL_SPAWN: the new run of the program has reached the pool */
    uintptr_t shift;                    /* POOL_SPAWN: so far from the caller's functions lie its own */

    struct slot slots[POOL_MAX_PROCESSES];
    _Atomic uint64_t ring[RING_SIZE]; /* lap << 32 | 1 + job index */
};

/** Reserves address space for this process alone, or for its children, too, by the flags of mmap(). NULL and errno. */
void *map_private(size_t size, int protection, int flags);
/** Reserves a region for so many workers, with about `memory` bytes for jobs and as many for replies. `file`: what it
 * is to be a mapping of, or -1. NULL and errno. */
struct region *region_reserve(uint32_t workers, size_t memory, bool traced, int file);
/** Maps a region that lies in a file, in another program, where it was reserved. NULL and errno. */
struct region *region_attach(int file, void *at, size_t size);
/** Gives it back. */
void region_release(struct region *region);
/** Gives it back if that is not as well done by the system, in a process that ends. */
void region_leave(struct region *region);
/** Maps a page that is zero in every process forked from this one. NULL and errno. */
char *map_here(void);
/** Returns the time in nanoseconds, on a clock that only goes forward. */
uint64_t now_ns(void);

#define OFTEN 4u /* turns */

/** Looks for a while, until `end` at the latest, whether something is there. Only once in so many turns, because
 * looking takes a cache line away from whoever is about to write it. */
bool spin_until(unsigned every, uint64_t end, bool (*there)(void *about), void *about);

/** Nanoseconds as the system wants them. */
static inline struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
}

/** Sleeps while *word == value, at most `ns` nanoseconds; 0 means for ever. Returns early for any reason. */
void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t ns);
/** Wakes up to `count` sleepers. Returns whether there was one. */
bool futex_wake(_Atomic uint32_t *word, uint32_t count);
/** Tells whether any worker sleeps. */
bool anybody_asleep(struct region *region);
/** Wakes up to `count` idle workers. Returns whether any may have slept. */
bool wake_workers(struct region *region, uint32_t count);

/**
 * Wakes one idle worker, unless one is on its way already: that one looks into the ring when it comes, finds what was
 * put there before this call, and wakes the next if there is more. So a burst of tasks is not a burst of system calls.
 */
bool wake_one_worker(struct region *region);
/** Whoever was woken is there, or will never be: the next task wakes somebody again. To be done before looking into the
 * ring. */
void answer_wake(struct region *region);
/** Moves a descriptor out of the way of stdin, stdout and stderr, which the program may have closed. */
int above_stderr(int fd);
/** Closes all descriptors from 3 on, now or at an exec, but those in `keep`, which ends with -1, and in `own`. */
void keep_only(const int *keep, const int own[4], bool at_exec);

/** Returns the ticket of a chunk. */
static inline _Atomic uint32_t *job_ticket(struct job *job, uint32_t chunk)
{
    _Atomic uint32_t *tickets = atomic_load(&job->tickets);
    return tickets ? &tickets[chunk] : &job->one;
}

/** Returns how a type of this width may want to be aligned: to the largest power of two that divides it, at most 64. */
static inline size_t alignment_of(size_t width)
{
    return width % 64 ? width & -width : width ? 64 : 1;
}

/** Returns how far apart results lie. */
static inline size_t result_stride(const struct region *region, size_t width)
{
    size_t unit = alignment_of(width);
    return region->check ? (width + CANARY + unit - 1) / unit * unit : width;
}

/** Returns the item after the last one of a chunk. */
static inline uint64_t job_chunk_end(const struct job *job, uint32_t chunk)
{
    uint64_t end = ((uint64_t)chunk + 1) * job->chunk;
    return end < job->count ? end : job->count;
}

#endif
