/**
 * @file inside.h
 * @brief The workers' side: notes, a worker's life, the nursery.
 *
 * Private to the library. A note is what an item leaves beside its result of fixed width: a reply, or how it failed.
 * It lies in a run of blocks. The worker writes the run into its slot before it takes it, so that a successor can give
 * back what was not published; publishing is one store into the job's `notes`.
 */
#ifndef POOL_INSIDE_H
#define POOL_INSIDE_H

#include "region.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum note_kind {
    NOTE_REPLY,   /* the item succeeded; these bytes go with its result */
    NOTE_FAILURE, /* the task returned `status`; the bytes are its message */
    NOTE_DEATH,   /* the worker `pid` died in the middle of it; `status` is as from wait() */
    NOTE_ABSENT,  /* nobody wrote one; `status` is an enum give_up */
    NOTE_LIMIT,   /* it ran for longer than its limit, so worker `pid` was killed */
};

struct note {
    uint32_t blocks; /* the length of the run */
    uint32_t kind;
    int32_t pid, status;
    float limit;   /* seconds */
    uint64_t size; /* bytes that follow, without the zero byte behind them */
    _Alignas(64) char bytes[];
};

/** What a worker knows about itself. */
struct worker {
    struct region *region;
    struct slot *slot;
    char *here;        /* a byte that is 0 in what its process forks */
    uint32_t number;   /* of the slot */
    uint64_t position; /* in the ring */
    uint32_t job, seq; /* the job of several chunks it took from last */
    uint32_t first;    /* the chunk it looked at first, */
    uint32_t looked;   /* and at how many */
    long left;         /* tasks until it retires; negative: never */
    uint64_t slept;    /* how long it slept last, in nanoseconds */
    uint64_t rested;   /* its position when it was idle last */
    bool idle;         /* has just been: the first chunk it takes may be worth a wake-up */
    bool in_task;
    bool has_timer; /* for limits */
    timer_t timer;
    const char *name;
};

/* In the place of a status from wait(), which is never like that: a worker thread ended in the middle of a task. */
#define THREAD_ENDED 0xffff

#define MOST_COLUMNS 64

/* An item of a starmap: so far behind its beginning lie its arguments. */
struct row {
    pool_star_task *task; /* as the caller would call it */
    size_t ncolumns, at[];
};

/* Stores into the slot what a successor must know before this worker does anything else. Relaxed: only
 * a process that runs later, on behalf of this one when it is dead, relies on the order. */
static inline void note32(_Atomic uint32_t *field, uint32_t value)
{
    atomic_store_explicit(field, value, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void note64(_Atomic uint64_t *field, uint64_t value)
{
    atomic_store_explicit(field, value, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

/* Nothing it has read of the job may be read after this: the job may become another one now. */
static inline void aim_at_nothing(struct slot *slot)
{
    atomic_store_explicit(&slot->aim, 0, memory_order_release); /* for who then reads 0 and writes a new job */
    atomic_signal_fence(memory_order_seq_cst);
}

/* Counts the items before the one the worker stands at. May be repeated, also by a successor. */
static inline void count_finished(struct slot *slot, uint64_t item)
{
    uint64_t so_far = atomic_load(&slot->tally) + item;
    if (so_far > atomic_load(&slot->finished))
        note64(&slot->finished, so_far); /* nobody else writes it */
}

/* From here on, this item is the first that is not counted. */
static inline void count_from(struct slot *slot, uint64_t item)
{
    note64(&slot->tally, atomic_load(&slot->finished) - item);
}

/* Whether an item runs in this slot: its worker may have died in it, and its successor not yet have healed that. */
static inline bool runs_item(const struct slot *slot)
{
    return atomic_load(&slot->aim) && atomic_load(&slot->at) % 2 && !atomic_load(&slot->dead_pid);
}

static inline uint32_t own(const struct worker *w)
{
    return w->number + 1;
}

/* note.c */

/** Takes a run for a note of `size` bytes and remembers it in the slot, in place of an earlier one. NULL: none free. */
struct note *note_new(struct region *region, struct slot *slot, enum note_kind kind, size_t size);
/** Returns the slot's note that is not published yet, or NULL. */
struct note *note_unpublished(struct region *region, const struct slot *slot);
/** Makes the slot's note the item's. May be repeated by a successor that finds the note half published. */
void note_publish(struct region *region, struct slot *slot, struct job *job, uint64_t item);
/** Gives the slot's note back, if it has one that is not published. May be repeated, also by a successor. */
void note_drop(struct region *region, struct slot *slot);
/** Records how an item ended, if there is more to it than a result of fixed width. */
void settle_item(struct worker *w, struct job *job, uint64_t item, int status);
/** Marks an item as failed without a note. */
void note_absent(struct job *job, uint64_t item, enum give_up why);
/** Marks all items of a chunk from here on so. */
void note_rest(struct slot *slot, struct job *job, uint64_t item, uint64_t end, enum give_up why);
/** Tells whether a word of `notes` stands for failure. */
bool note_says_failed(struct region *region, uint32_t word);
/** Returns the note that a word of `notes` stands for; NULL if there is none. */
struct note *note_at(struct region *region, uint32_t word);
/** Gives back a published note. For the caller, when nobody can see it any more. */
void note_free(struct region *region, uint32_t word);
/** Gives pages back to the system that lie under free memory, until there is something better to do. */
void tidy(struct worker *worker, bool (*enough)(void *worker));

/* self.c */

/** How much this thread has to undo; 0: it is neither a worker nor in the midst of anything. */
extern _Thread_local unsigned depth;

/** Makes this thread the worker, in whose name tasks reply and fail. */
void worker_become(struct worker *worker);

/** Returns the worker that this thread is, or NULL; in a copy of its process nobody is. */
struct worker *worker_self(void);
/** Called in each child that a worker forks: it is no worker, and does not print what that one has printed. */
void worker_resign(void);
/** A copy of the process that comes back from a function of the program's ends: there is to be no second worker. */
static inline void end_copy(const char *here)
{
    if (!*here)
        _exit(EXIT_FAILURE);
}

/** Returns the pool in which this thread runs a task, or NULL. */
struct region *worker_region(void);

/* ticket.c */

/** Ends a chunk and wakes whoever waits for it. Returns whether its worker may take more. */
bool finish_chunk(struct region *region, struct slot *slot, struct job *job, uint32_t how);
/** Repeats what follows the end of a chunk. The job may be another one by now: that is harmless, because all it does is
 * wake sleepers, who look for themselves. */
void announce(struct region *region, _Atomic uint32_t *ticket, bool again, bool waited, uint32_t bell);
/** Tells whether the eventfd and the epoll instance are still the pool's: the program, or a task, may have closed them,
 * and use the numbers for something else; but no other epoll instance has this file. */
bool descriptor_is_ours(const struct region *region);
/** Lets a program that polls the descriptor know, if it has asked to be told, or in any case. */
void ring_descriptor(struct region *region, bool in_any_case);
/** Gives a job up, if nobody has yet. */
void give_up(struct job *job, enum give_up why);

/** What becomes of chunks that workers hold when their job is given up. */
enum taken { TAKEN_FINISH, TAKEN_CONDEMN, TAKEN_END };

/** Gives a job up: ends the tickets that nobody has taken; those that workers hold are left alone (the item that runs
 * is the last), or condemned, or ended, if no worker is left. Returns how many were left alone or condemned. */
uint32_t give_up_tickets(struct region *region, struct job *job, uint32_t chunks, enum give_up why, enum taken taken);
/** Tells whether the worker of this slot holds a ticket whose owner is to be killed. */
bool worker_condemned(const struct region *region, uint32_t number);

/* trace.c */

enum trace_kind {
    TRACE_NOTHING, /* an unused record: zeroed memory is an empty trace; in the file: the pool itself */
    TRACE_START,   /* a worker began its life in this slot: a point in time, start == end */
    TRACE_DONE,    /* a task ran and succeeded */
    TRACE_FAILED,  /* a task ran and returned failure, `status` */
    TRACE_DEATH,   /* the worker died, with an item in the middle of that; `status` is as from wait() */
    TRACE_END,     /* the worker's life ended as planned (maxtasks, close): a point in time */
};

/** What a traced pool remembers; times are in nanoseconds since it was opened. */
struct trace_record {
    uint64_t start, end, item; /* the item's index in its job, or UINT64_MAX: none */
    uint32_t job, worker;      /* 1 for the first job handed over; the N of PoolWorker-N */
    int32_t pid, status;
    enum trace_kind kind;
};

/** Adds a record to the trace, if there is one. */
void trace(struct worker *w, enum trace_kind kind, uint32_t job, uint64_t item, int status);
/** Appends a joined pool's records to the file. 0, or -1 and the error set. */
int trace_write(const struct region *region, const char *name);

/* guard.c */

/** As run_items() in run.c, for jobs with a time limit, and in pools that are traced or checked. */
uint64_t run_guarded(struct worker *w, struct job *job, uint64_t item, uint64_t end);

/* output.c */

/** Gives stdout a larger buffer, unless it leaves by lines or at once. */
void output_widen(void);

/** Writes what an item has printed. Returns its status: failure, if that cannot be written. */
int output_leave(int status);

/* run.c */

/** Tells whether stdout holds something. The call is too much for each item, and needed for wide characters only. */
static inline bool has_printed(void)
{
#ifdef __GLIBC__
    if (stdout->_mode <= 0)
        return stdout->_IO_write_ptr != stdout->_IO_write_base;
#endif
    return __fpending(stdout) != 0;
}

/** Returns what the task returned, when what it has printed has left. */
static inline int run_task(struct worker *w, pool_task *task, const void *arg, void *result)
{
    int status = task(arg, result);
    end_copy(w->here);
    atomic_signal_fence(memory_order_seq_cst);
    return w->region->kind == POOL_PROCESSES && has_printed() ? output_leave(status) : status;
}

/** Runs the chunk the slot holds, from the item it stands at; retires in the middle of it if that is due. Returns
 * whether the worker may take more. */
bool run_chunk(struct worker *w, struct job *job);
/** Ends the chunk the slot holds; the items that are left of it, from this one on, fail. Returns as finish_chunk(). */
bool end_chunk(struct region *region, struct slot *slot, struct job *job, uint64_t item, enum give_up why);
/** The task that runs one row of a starmap. */
int run_row(const void *arg, void *result);

/* once.c */

/** Whether there is a function that is to run once in each worker, and has not in this one. */
static inline bool each_is_new(const struct worker *w)
{
    return atomic_load(&w->region->each) != atomic_load(&w->slot->each);
}

/** Ends the ticket of one run of it. May be repeated. */
void end_once(_Atomic uint32_t *ticket, bool failed);
/** Runs, in order, what is to run before tasks and has not in this life. Returns false if that is the worker's end. */
bool catch_up(struct worker *w);

/* heal.c */

/** Heals the slot: settles the item that was running. Returns the job to go on with, or NULL. */
struct job *heal(struct worker *w);
/** Settles what the worker of a slot held in queues, when it is gone. May be repeated. */
void queues_heal(struct region *region, uint32_t number);
/** Clears up after the last worker of a slot; the trace learns of the item in whose middle it was ended. */
void worker_mourn(struct region *region, uint32_t number);
/** Settles what the dead worker of a slot held, when there will be no successor: those of its items that have not ended
 * fail, for this reason. */
void worker_bury(struct region *region, uint32_t number, enum give_up why);

/* worker.c */

/** Works until the worker has to leave. */
void work(struct worker *w);
/** Works on one job only: an inline pool's worker. */
void work_on(struct worker *w, uint32_t job);

/* life.c */

/** Does, in the nursery, what new workers then need not do: each page that one is the first to touch costs it time. */
void worker_prepare(struct region *region);
/** As worker_bury(), where no worker can be started; if nobody else is there, what is queued fails, too. */
void worker_refuse(struct region *region, uint32_t number, bool all);
/** A worker of this slot that was not ready, or an error of the system, ends the pool. */
void break_pool(struct region *region, uint32_t number, int error);
/** Makes the slot ready for its next worker, which gets its number and its name. */
void worker_next(struct region *region, struct slot *slot);
/** Sees to it that nobody relies on a worker that is stopped or dead: if it was the one that spins, or was woken for
 * all, and had not come to wake the next one, another is woken in its stead. */
void worker_relieve(struct region *region, uint32_t number);

/** Returns the mark of a worker and of all that it starts, by which the nursery knows its orphans: their soft limit of
 * file locks, which Linux hands on at fork and exec and has not looked at since 2.4. 0 is the nursery itself. */
static inline rlim_t worker_mark(pid_t nursery, uint32_t worker)
{
    return (rlim_t)0x4d48 << 48 | (rlim_t)nursery << 26 | worker % (1u << 26);
}

/** Puts it on this process, if its hard limit permits. */
void worker_wear(rlim_t mark);
/** Lives a worker's whole life in this process: heals what its predecessor left, works, ends in _exit. */
_Noreturn void worker_live(struct region *region, uint32_t number, pid_t nursery);
/** Lives a worker's life in this thread. Returns whether the initializer succeeded. */
bool worker_thread(struct region *region, uint32_t number);
/** Makes the worker of an inline pool. */
struct worker worker_inline(struct region *region);
/** Is that worker, in this thread: runs the initializer, unless it has run, and what is left of the job that w->job
 * says. If the initializer fails, so says region->failed. */
void worker_drain(void *w);

/* nursery.c */

/** Makes the two sockets between the caller and the nursery. 0, or -1 and errno. */
int nursery_sockets(int sockets[2]);
/** Starts the nursery by a fork; returns its pid, or -1 and errno. The first socket is the caller's end: a byte makes
 * the nursery look at region->stop, closing it ends the pool. Where the program has one thread, its wait() and SIGCHLD
 * see nothing. */
pid_t nursery_start(struct region *region, const int sockets[2]);
/** Is the nursery, in a process that is nothing else any more. `socket` is its end. */
_Noreturn void nursery_live(struct region *region, int socket);

/* spawn.c */

/** Starts the nursery as a new run of this program, which inherits the file of the region and the socket. Returns its
 * pid, or -1 and errno. */
pid_t spawn_start(struct region *region, int file, int socket);

/* error.c */

/** Prints as much as there is room for, and no half character. */
void say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
void vsay(char *text, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

/** Sets errno and this thread's pool_error() to an error that is not about an item. Returns -1. */
int error_set(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
