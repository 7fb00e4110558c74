/**
 * @file caller.h
 * @brief The caller's side: what a pool and its results are in the process that opened it.
 *
 * Private to the library. All of it is the caller's own memory, where no task can scribble on it. A function that
 * returns an int, and says no more, returns 0, or -1 and errno; it sets the error, too, if it is told `who` called, or
 * the order. So does one that then returns NULL, false or no units.
 */
#ifndef POOL_CALLER_H
#define POOL_CALLER_H

#include "inside.h"
#include <pthread.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#else
#define __libc_single_threaded 0
#endif

/** No sleep is longer without a look at whether the nursery lives: 100 ms. */
#define SLICE ((uint64_t)100000000)

/** A piece of job memory, in units of 64 bytes. No units: none. */
struct extent {
    size_t at, units;
};

#define ORDERS 40 /* blocks of 1, 2, 4 ... units */
#define LEVELS 7  /* of a tree of 64 branches for each unit there may be */

/** Where arguments, results, tickets and notes of larger jobs lie. */
struct memory {
    struct region *region;
    size_t used;     /* bytes handed out */
    uint64_t orders; /* a bit for each order of which a block is free */
    uint64_t *free[ORDERS][LEVELS];
    struct extent spare; /* the last small one that was given back */
    bool untidy;         /* a stretch became free */
    size_t map_size;
};

/** Which functions the workers know: those of the program and of the modules that were there at pool_open(). */
struct known {
    struct span {
        uintptr_t start, end;
    } program;
    uint64_t *modules; /* what identifies each */
    size_t count;
    unsigned long long changes; /* loads and unloads at the last look */
    uintptr_t wanted, checked;  /* the function that is looked for, and one that was known then */
    bool program_only;          /* those of the program are all */
};

/** Who holds a job's record. */
enum hold {
    HOLD_NOBODY,
    HOLD_MAKER, /* a submission that is not through yet: nothing in the record can be relied upon */
    HOLD_HANDLE,
    HOLD_DROPPED, /* the handle was freed before the record can be used again */
    HOLD_POOL,    /* nobody outside; later workers are to run it */
};

struct pool_result {
    struct pool *pool;
    struct extent extent;
    size_t result_width;
    uint32_t count, chunks;
    _Atomic uint32_t counted;  /* 1 + its failures, once they are counted */
    _Atomic uint32_t undone;   /* all chunks from this one on are done */
    uint32_t next;             /* free or dropped: 1 + the record behind it in its list */
    _Atomic uint32_t visitors; /* calls that are using the handle */
    _Atomic uint32_t watch;    /* 1 + the index of its watch; WATCH_RUNS; 0: no callback, or it has run */
    _Atomic uint8_t hold;      /* enum hold */
    uint8_t kept;              /* chunks that a stream has not given out; see iter.c */
    bool woke;                 /* handing it over had to wake somebody: no use to spin for it */
    _Atomic bool looked;       /* somebody knows whether it failed */
};

_Static_assert(sizeof(struct pool_result) <= 64, "at most a cache line: there may be a million handles");

#define GROWTH 16384 /* handles that become writable at a time: what is writable counts against ulimit -d */

/** A job whose callback has not run yet. */
struct watch {
    struct pool_result *result;
    pool_callback *good, *bad;
    void *cookie;
};

struct pool {
    char *here;                            /* [0] is 1 in the process that opened the pool, and 0 in what that forks */
    _Atomic uint32_t visitors;             /* calls that are inside, and VISITORS_LAST */
    _Atomic uint32_t interrupts, answered; /* calls of pool_interrupt(), and those that waiting calls returned for */
    struct region *region;
    _Atomic pid_t nursery; /* a pool of processes has one, and a socket to it */
    _Atomic int socket;
    ino_t socket_inode;
    int file;               /* while it opens: the file the region lies in; -1: none */
    struct thread *threads; /* a pool of threads has these */
    uint32_t thread_count;
    struct worker worker;   /* of an inline pool */
    pthread_mutex_t turn;   /* one thread at a time runs an inline pool's tasks */
    _Atomic bool calls_out; /* has callbacks, sources, or tasks that run inline */
    _Atomic bool joining, joined;
    _Atomic bool gone; /* and the region is, in which nobody held anything */
    char *trace;
    size_t results_size;
    pthread_mutex_t lock; /* guards all below */
    bool locked;          /* its holder took it: there was another thread that could want it */

    struct pool_result *results; /* one for each job record, at the same index */
    uint32_t free;               /* list of the records that can be used again: 1 + the first */
    uint32_t dropped;            /* ring of those that soon can: 1 + the last, which knows the first */
    uint32_t drop_count;         /* how many these are */
    uint32_t fresh;              /* records from here on were never used */
    uint32_t serial;             /* jobs handed over so far */
    uint64_t head;               /* of the ring, as last seen */
    struct memory memory;
    struct known known;
    struct watch *watches; /* jobs whose callback has not run yet */
    _Atomic size_t watch_count;
    size_t watch_room, watch_next;
    struct stream *streams;
    bool untold;       /* there is news that the nursery could not be told of */
    enum stop stop;    /* as far as the caller stopped it */
    _Atomic bool over; /* the nursery is gone, and what was not done has failed */
    char why[480];     /* why it failed */
    size_t unseen;     /* failed jobs whose handle was freed unlooked at */
    char first_unseen[512];
};

static inline struct job *job_of(const struct pool_result *result)
{
    return &result->pool->region->jobs[result - result->pool->results];
}

/** Takes the pool's lock; as long as the program has one thread, nobody else could want it. */
static inline void lock_pool(struct pool *pool)
{
    if (!__libc_single_threaded) {
        pthread_mutex_lock(&pool->lock);
        pool->locked = true;
    }
}

static inline void unlock_pool(struct pool *pool)
{
    if (pool->locked) {
        pool->locked = false;
        pthread_mutex_unlock(&pool->lock);
    }
}

/** Rounds up to a multiple of the unit, a power of two. */
static inline size_t round_to(size_t size, size_t unit)
{
    return (size + unit - 1) & -unit;
}

/** What is handed over. */
struct order {
    const char *who; /* the function, for the words of an error */
    pool_task *task;
    const void *base;
    size_t count, width, result_width;
    const struct pool_job_options *options;
    uint32_t bell;        /* 0, or 1 + the bell that is rung when a chunk is done */
    pool_star_task *star; /* a starmap: instead of task and base, the columns and the layout of a row */
    const struct pool_column *columns;
    const struct row *row;
    int (*list)(struct pool *pool, const struct order *order, struct pool_result *result); /* each.c: instead of the
                    ring; all items share one argument, and the task is an initializer */
};

struct wait {
    struct pool *pool;
    const char *who;
    double seconds;
    uint64_t deadline;
    uint32_t answered;
};

/* submit.c; the first two with the lock held */

bool pool_is_open(const struct pool *pool, const char *who);
/** Tells whether the task can be handed over as ordered, and is known to workers. */
bool pool_takes(struct pool *pool, const struct order *order);
struct pool_result *submit(struct pool *pool, const struct order *order);
/** Puts one more chunk of a job into the ring. */
int hand_over_chunk(struct pool *pool, const struct order *order, struct pool_result *result);
/** Sees to it that what was put there is run; in an inline pool, runs it. */
void set_going(struct pool *pool, struct pool_result *result, uint32_t chunks);
int submit_and_wait(struct pool *pool, const struct order *order, void *results);

/* self.c */

/** A call that is inside a pool: until it is out again, its pool, its result and the region stay where they are. */
struct visit {
    struct pool *pool; /* NULL: this process, or this thread, must not make the call; the error says why */
    struct pool_result *result;
    unsigned place; /* 1 + its index in what this thread has to undo; 0: the function returns for sure */
};

#define VISITORS_LAST 0x80000000u /* pool_free() waits for all others to be out */

/** Tells whether this process and thread may make the call, which may wait, if `waits`. */
bool pool_may(const struct pool *pool, const char *who, bool waits);
/** Waits until no call but so many of this thread's own are inside. */
void visitors_wait(_Atomic uint32_t *visitors, uint32_t own);
/** Wakes the call that waits for that; leaves errno alone. */
void visitors_wake(_Atomic uint32_t *visitors);

/** Adds to a counter of visitors and returns what it was; while there is one thread, as cheaply as that can be. */
static inline uint32_t visitors_add(_Atomic uint32_t *visitors, uint32_t by)
{
    if (!__libc_single_threaded)
        return atomic_fetch_add(visitors, by);
    uint32_t were = atomic_load_explicit(visitors, memory_order_relaxed);
    atomic_store_explicit(visitors, were + by, memory_order_relaxed);
    return were;
}

static inline _Atomic uint32_t *visitors_of(struct pool *pool, struct pool_result *result)
{
    return result ? &result->visitors : &pool->visitors;
}

/** As visit(), where functions of the program's may run: they may never come back. */
struct visit visit_warily(struct pool *pool, struct pool_result *result, const char *who, bool waits);

/** Goes in. `result` may be NULL; `waits`: the call may wait, which a callback must not. */
static inline struct visit visit(struct pool *pool, struct pool_result *result, const char *who, bool waits)
{
    if (!pool || !*pool->here || depth || atomic_load_explicit(&pool->calls_out, memory_order_relaxed))
        return visit_warily(pool, result, who, waits);
    visitors_add(visitors_of(pool, result), 1);
    return (struct visit){ pool, result, 0 };
}

struct visit visit_result(struct pool_result *result, const char *who, bool waits);

/** Undoes what this thread has to undo, from a place on, the last first. */
void undo_from(unsigned place);

/** Goes out. Once it is out, the pool may be freed; the address is all that the wake-up needs. */
static inline void visit_end(struct visit *visit)
{
    if (visit->place)
        undo_from(visit->place - 1);
    else if (visit->pool && visitors_add(visitors_of(visit->pool, visit->result), UINT32_MAX) & VISITORS_LAST)
        visitors_wake(visitors_of(visit->pool, visit->result));
}

/** A visit that ends with the function, whichever way that returns. */
#define VISIT __attribute__((unused, cleanup(visit_end))) struct visit

/** Claims something for a wary visit alone, until it ends. False: another has it. */
bool visit_alone(const struct visit *visit, _Atomic bool *busy);
/** Tells whether a visit of this thread's has it. */
bool visit_has(const _Atomic bool *busy);

/** What is to be undone when a call ends, in whichever way. */
struct undo {
    void (*end)(struct undo *undo);
    struct pool *pool;
    struct pool_result *result;
    _Atomic bool *busy;
    struct worker *worker; /* that this thread is meanwhile */
    bool callback;         /* runs meanwhile */
    const char *frame_end; /* of calls that run functions of the program's */
};

bool in_callback(void);
/** Makes a call that runs functions of the program's. */
void call_out(const struct undo *undo, void (*what)(void *), void *about);

/* callback.c, poll.c */

#define AT_ONCE 64 /* watches looked at in one go */
#define WATCH_RUNS UINT32_MAX

/** Watches a result for the order's callbacks. The lock is held. */
int watch(struct pool *pool, const struct order *order, struct pool_result *result);
/** Runs the callback of this one job, unless it is NULL; then those of others that are done, but begins none of these
 * after the deadline. Returns how many. */
int run_callbacks(struct pool *pool, const struct pool_result *own, uint64_t deadline);
int descriptor_open(struct pool *pool);
/** Makes it readable, too, when `fd` is. */
int descriptor_add(struct pool *pool, int fd);
void descriptor_close(struct pool *pool);

/* inline.c, thread.c, iter.c */

/** Runs in this thread what was handed over to an inline pool. */
void inline_run(struct pool *pool, struct pool_result *result);
int threads_start(struct pool *pool);
void threads_join(struct pool *pool);
/** Frees all iterators; their jobs go with the pool. */
void iters_free(struct pool *pool);

/* job.c; all with the lock held */

/** Makes a job of an order, not yet in the ring. The lock is let go of while much is copied. */
struct pool_result *job_make(struct pool *pool, const struct order *order);
/** Takes back what job_make() made. */
void job_unmake(struct pool *pool, struct pool_result *result);
/** Makes the record of a job free, now or as soon as it can be. */
void job_drop(struct pool *pool, struct pool_result *result);
/** Counts a job that is done, if it failed and nobody knows. Cancelled ones do not count: somebody wanted that. */
void count_unseen(struct pool *pool, struct pool_result *result);
/** Gives back the notes of some items, which nobody will read. */
void job_forget(const struct pool_result *result, size_t from, size_t to);
/** Takes a record that can be used. */
struct pool_result *take_record(struct pool *pool, const char *who);
/** Gives one back that nobody uses. */
void make_free(struct pool *pool, struct pool_result *result);
struct extent job_memory(struct pool *pool, size_t size, const char *who);

/* wait.c */

/** Begins a wait; `pool` is NULL in a worker. */
struct wait wait_begin(struct pool *pool, const char *who, double seconds);
/** Tells, when what is waited for has not come, whether to go on: 0; or -1 with ETIMEDOUT or EINTR. */
int wait_goes_on(const struct wait *wait);
/** Sleeps on the word for a slice of the wait; then looks after the pool, and runs callbacks. */
void wait_on(const struct wait *wait, _Atomic uint32_t *word, uint32_t value);
/** pool_result_get() on behalf of another call. */
int result_get(struct pool_result *result, const char *who, void *results, double seconds);

/* result.c; what is said of a job's items holds when it is done */

/** Returns a ticket that is not done, the last one of those, if the job is not. */
_Atomic uint32_t *last_undone(struct pool_result *result);

static inline bool result_ready(struct pool_result *result)
{
    return !last_undone(result);
}

/** Copies the results of all items; of one that failed, zeros. */
void copy_values(struct pool_result *result, char *to);
/** The same for one; `to` may be NULL. Returns whether it succeeded. */
bool copy_value(const struct pool_result *result, size_t item, char *to);
/** Returns an item's note: its reply or how it failed, or NULL. */
const struct note *result_note(const struct pool_result *result, size_t item);
/** Reads the bytes of a note, which may be NULL: those of a reply, or of a message. NULL if there are none. */
const void *reply_of(const struct note *note, size_t *size);
/** Returns how many items of a chunk failed. */
size_t chunk_failures(const struct pool_result *result, uint32_t chunk, uint32_t ticket);
/** Describes the first failure, but rather one that made others be cancelled than one of these. False: there is none.
 */
bool result_verdict(struct pool_result *result, struct pool_error *error);

/* alive.c */

/** Tells whether the socket is still the pool's: the program may have closed it, and use the number. */
bool socket_is_ours(const struct pool *pool);
/** Tells whether the new run of the program, which is to be the nursery, has yet to reach the pool. */
bool on_its_way(const struct region *region);
/** Finds out why the pool is over, or will be. */
void say_why(struct pool *pool);
/** Gives up every job that is not done. The lock is held. */
void give_up_all(struct pool *pool, enum taken taken);
/** Nobody is left who works: what is not done fails. */
void pool_is_over(struct pool *pool);
void signal_nursery(const struct pool *pool, int signal);
/** Has the nursery look what has changed; if it cannot be told now, look_after() tells it. The lock is held. */
void call_nursery(struct pool *pool);
/** Looks whether anybody is left who works; if not, fails everything unfinished. Returns whether anybody is. */
bool look_after(struct pool *pool);
/** Waits at most so many nanoseconds for the nursery, or the last thread, to be gone. */
void await_end(const struct pool *pool, uint64_t ns);

/* memory.c: job memory; the pool's lock guards it */

int memory_open(struct memory *memory, struct region *region);
/** Takes an extent of at least `size` bytes. None if the limit is reached. */
struct extent memory_take(struct memory *memory, size_t size);
char *memory_at(const struct memory *memory, struct extent extent);
/** Gives it back; none is fine. */
void memory_give(struct memory *memory, struct extent extent);
void memory_forget(struct memory *memory);

/* machine.c */

/** Returns how many cores this process may use: by its affinity, and by its cgroup's quota. At least 1. */
int usable_cores(void);
/** Returns how many bytes of memory this process may use: the machine's, or its cgroup's limit. */
size_t usable_memory(void);
/** What to do about an error of the system, to be put behind its name. */
const char *cure(int error);
/** Remembers what is loaded now. 0, or -1: there is no memory for it. */
int known_remember(struct known *known, bool program_only);
/** Tells whether a function was there at known_remember(). One outside every module (made at run time) passes. */
bool known_has(struct known *known, uintptr_t function);

/* error.c */

/** Tells whether a setting is 0 to `most`. */
bool in_range(const char *who, const char *what, long double value, double most);
/** Sets errno and this thread's pool_error(). Returns -1. */
int error_put(const struct pool_error *error);
/** Describes in `error` how an item failed. */
void error_of_item(struct pool_error *error, size_t item, const struct note *note, const struct pool *pool);
struct signal_name {
    char text[16];
};
/** Returns a signal's name, "SIGKILL" or "signal 40". */
struct signal_name name_signal(int signal);
/** Describes, as "worker 123 was killed by SIGKILL ...", how a worker died. */
void error_of_death(char *text, size_t size, pid_t pid, int status);

#endif
