/**
 * @file pool.h
 * @brief Process pools: hand tasks to a few worker processes and collect the results.
 *
 * A complete program, `examples/squares.c`: `make lib && gcc -Ipool examples/squares.c build/libpool.a`.
 *
 *     #include "pool.h"
 *     #include <stdio.h>
 *
 *     static int square(const void *arg, void *result)
 *     {
 *         long x = *(const long *)arg;
 *         *(long *)result = x * x;
 *         return 0;
 *     }
 *
 *     int main(void)
 *     {
 *         long in[] = { 1, 2, 3 }, out[3];
 *         struct pool *pool = pool_open(NULL);
 *         if (!pool || pool_map(pool, square, in, 3, sizeof *in, out, sizeof *out) != 0) {
 *             fprintf(stderr, "%s\n", pool_error()->text);
 *             return 1;
 *         }
 *         printf("[%ld, %ld, %ld]\n", out[0], out[1], out[2]);
 *         pool_close(pool);
 *         pool_join(pool, POOL_FOREVER);
 *         pool_free(pool);
 *     }
 *
 * **Names** are those of Python's `multiprocessing.Pool` (the book has a table, "What multiprocessing calls what"),
 * **shapes** those of C's own library: a pool is opened and closed like a FILE; a map takes its items as qsort does
 * (base, count, width); a zeroed member of an options struct means "the default", and NULL "all defaults". What has
 * width 0 has no bytes, and its pointer may be NULL. A job of 0 items is done at once.
 *
 * **Errors.** On failure a function returns -1, or NULL, `errno` says what, and pool_error() says it in words: which
 * item, which worker, what to do. Nothing is ever printed.
 *
 *     EINVAL       misuse: the text says of what             ESHUTDOWN  the pool is closed or terminated
 *     EREMOTEIO    a task returned failure                   EBUSY      too early: close or terminate the pool first
 *     EOWNERDEAD   a worker died in the middle of a task     EAGAIN     not ready, the ring is full (nowait),
 *                                                                       or no process is to be had for a worker
 *     ETIMEDOUT    the time is over, nothing is lost         EINTR      pool_interrupt() was called
 *     ENOMEM       the pool's memory cap is reached          ECANCELED  the item never ran, or not to its end
 *     ETIME        an item took longer than its limit        ENOTSUP    threads, or this start method, cannot do it
 *
 * EINVAL is also said of a handle that is NULL, which only the calls that free take, and of a call where it cannot be:
 * unless it says otherwise, one may be made in any thread of the process that opened the pool, and not in a task, a
 * worker or any other child of the program.
 *
 * **Processes.** pool_open() forks a small process, the *nursery*, which forks the workers. So these know all that the
 * program knew then, and nothing later: pointers into memory allocated afterwards mean nothing, and a function loaded
 * (dlopen) afterwards is refused. Arguments and results travel as bytes. A worker that dies costs the one task it ran,
 * however many die; its successor goes on where it stopped.
 *
 * A task may start processes of its own. What it leaves running, and all that comes from it, is killed when its worker
 * dies, or when the pool ends if the worker retired (`maxtasks`) or the process changed its limit of file locks
 * (`ulimit -x`), by which the nursery knows whose it is. What this user must not kill lives on, and so does everything
 * where /proc is missing or another PID namespace's, where the system knows no subreapers (qemu-user), or when the
 * nursery itself was killed. The pool ends with its program; if that executes another one in its own place, when the
 * last child has ended, too, that it had forked and that did not.
 *
 * **Threads.** Any number of threads may use one pool, its results, streams and queues; while one of them is in a call,
 * another may close, terminate, join or free the pool: then the first is told so. Open it before starting threads: a
 * process forked while another thread holds a lock keeps that lock for ever, and only where there was one thread do
 * wait() and SIGCHLD not see the nursery. Workers have the stack of the thread that opens the pool: not a small one.
 *
 * **Memory.** A pool lies in a shared region, of which costs what is used; mlockall() before pool_open() leaves it out,
 * and afterwards asks for all of it, but for MCL_ONFAULT. What is free can be had again for any size, and about a
 * second later an idle worker gives its pages back (an inline pool: with a later task); bookkeeping remains, 200 bytes
 * for each handle there was at one time. Arguments, results and a source's items are *aligned* to the largest power of
 * two that divides their width, at most 64, as any type may ask for; a reply and the copy of an initarg to 64.
 *
 * **Signals.** The program's own signal mask, handlers, children and descriptors are left alone; if it closes those of
 * the pool, the pool ends. Workers start with default handlers and an empty mask. Ctrl+C does nothing to them, but that
 * a sleep in a task may end early. TERM to the whole process group, as service managers send it, ends workers and costs
 * what they run (see `retries`). A timer that a task leaves running (alarm(), setitimer()) hits a later one.
 */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Handles and constants @{ */

struct pool;        /**< A pool of workers. */
struct pool_result; /**< A job that was handed over: Python's AsyncResult. */
struct pool_iter;   /**< A stream of results: what Python's imap returns. */
struct pool_queue;  /**< A bounded queue between the workers of a pool and the program. */

/** A timeout, in seconds, that never ends, as any from 1e9 on. One of 0 or less, or NaN, does not wait at all. */
#define POOL_FOREVER ((double)__builtin_inff())
/** The item of an error that is not about one item. */
#define POOL_NO_ITEM ((size_t)-1)
/** The most workers a pool can have. */
#define POOL_MAX_PROCESSES 1024

/** @} */
/** @name Functions you write @{
 *
 * A task or initializer that ends its worker process costs the item, and the error says how: exit() (the program's exit
 * handlers do not run), abort(), pthread_exit(), a C++ exception that leaves it (std::terminate). In a thread so does
 * pthread_exit(), or being cancelled (in an initializer it ends the pool); an exception ends the program there. What
 * runs in the program's own threads, a task of an inline pool, a callback or a source, may be left by an exception,
 * pthread_exit() or longjmp(): the call it ran in is over, as is the job that was being handed over, and everything
 * else works. (A longjmp() is found out by the thread's next call, unless that comes from 16 KiB or more further down
 * the stack, or from another stack.) A child that is forked in any of them and returns from it ends there, at once
 * (_exit). Not allowed are longjmp() out of a task in a worker, and a child of vfork() that returns.
 */

/**
 * A task: reads its argument, writes its result, returns 0; anything else is failure (see pool_fail()). `result`
 * arrives zeroed or holding what the item's slot held before: write all of it, and nothing behind it, where the
 * neighbours' results lie (see `check`). Of an item that fails, in whichever way, the result is read as zero bytes.
 *
 * What it prints on stdout leaves when it returns, in one piece up to 64 KiB; a pipe that others write to takes 4 KiB
 * in one piece. More leaves earlier, and lines for a terminal and wide characters leave as the C library likes. If it
 * cannot be written the item fails, and a pipe that nobody reads any more kills the worker (SIGPIPE). Any other stream
 * a task has to flush itself, std::cout after sync_with_stdio(false) too, and the program before pool_open().
 */
typedef int pool_task(const void *arg, void *result);

/** A task of several arguments, for pool_starmap(): args[0] points to the first, args[1] to the second ... */
typedef int pool_star_task(const void *const *args, void *result);

/** Runs once in each new worker before its first task. Failure (pool_fail()) fails pool_open(). */
typedef int pool_initializer(void *initarg);

/** Gives imap its next item: writes it and returns 1, returns 0 at the end, or -1 if there can be no more. */
typedef int pool_source(void *state, void *item);

/** Is told that a job is done, in a thread of the program that waits in a pool call. Calls that wait are refused inside
 * it (EINVAL); submitting and reading results is fine. */
typedef void pool_callback(struct pool_result *result, void *cookie);

/** @} */
/** @name Open, close, join @{ */

/** Where tasks run. */
enum pool_kind {
    POOL_PROCESSES, /**< In worker processes. */
    POOL_THREADS,   /**< In threads of this program: global data is shared, and a task that crashes takes the program
                         along. No maxtasks, time limits or killing: ENOTSUP. */
    POOL_INLINE,    /**< In the call that hands them over, for debugging; `processes` is not looked at. Restrictions as
                         for threads. */
};

/** How worker processes come to be. */
enum pool_start {
    POOL_FORK,  /**< As copies of this program. */
    POOL_SPAWN, /**< As new runs of it: it is executed once more, with what is in argv by then (a program that writes
                   its title there must open before), and main() runs again up to pool_freeze_support() or any
                   pool_open(), which does not return there. Workers have only what main() did again. Tasks must be
                   functions of the program itself, not of a shared library. A program may have threads (none may add to
                   the environment); wait() and SIGCHLD see the nursery. */
};

/** How a pool is to be. A zeroed member means the default. */
struct pool_options {
    int processes;                 /**< Workers. Default: the cores this process may use. */
    pool_initializer *initializer; /**< Runs in each new worker, also in later ones. Default: none. */
    void *initarg;                 /**< Is handed to the initializer as it is. */
    size_t initarg_width;          /**< If set, the initializer gets a copy of so many bytes; POOL_SPAWN needs that. */
    enum pool_kind kind;           /**< Default: POOL_PROCESSES. */
    enum pool_start start;         /**< Default: POOL_FORK. */
    bool descriptor;               /**< There is to be a pool_descriptor(). */
    bool check;                    /**< A canary behind each result: a task that writes past its own fails. Default:
                                        whether $POOL_CHECK is 1. */
    long maxtasks;                 /**< A worker is replaced after so many tasks (items); if they are 8 or more, some of
                                        the first workers after fewer, at least half, lest all go at once. Default:
                                        never. */
    int give_up_after;             /**< The pool is over when so many workers in a row failed, or died, in the
                                        initializer. Default: never; see pool_open(). */
    const int *keep_descriptors;   /**< If set, workers have no descriptors of the program but 0, 1, 2 and these; the
                                        list ends with -1. Default: all that are open at pool_open(), so that a pipe's
                                        reader may wait in vain for its end; POOL_SPAWN: those that an exec leaves. */
    size_t memory;                 /**< The most bytes for arguments and results (of each job rounded up to 64, with 4
                                        for each item of a map), queues and the initarg; and again for replies, with
                                        64 more for each, rounded up to 256, in one piece. Default: a quarter of what
                                        this process, by its cgroups too, may use. Less if ulimit -v or -l is less. */
    double open_timeout;           /**< Seconds pool_open() waits for all initializers. Default: 60. */
    double grace;                  /**< Seconds between TERM and KILL in pool_terminate(). Default: 0.5. */
    const char *trace;             /**< A file, named *.csv, to append a record of each task to when the pool is joined
                                        ("%p": the process id); `lanes` draws it. Default: $POOL_TRACE, if set. */
};

/**
 * Opens a pool and returns when every worker has run its initializer. A program with more rights than its user
 * (set-user-ID) does not look at the environment.
 *
 * A place whose worker is gone gets another one for as long as the pool lives. Where no process is to be had for more
 * than about a second, what the missing workers were at fails (EAGAIN), and if none is left, so does what is queued.
 * Where later workers fail in their initializer, one place at a time is tried again, after 10 ms at first, at last once
 * a second; jobs wait meanwhile; pool_workers() shows it. Once the pool is closed, eight failures in a row end it.
 * @return The pool, which the caller ends with pool_close() or pool_terminate(), pool_join() and pool_free(). NULL with
 *   EINVAL or ENOTSUP (an option makes no sense, or threads cannot do it), EREMOTEIO or EOWNERDEAD (an initializer
 *   failed, its message in the text), ETIMEDOUT (some have not ended), or ENOMEM, EAGAIN or EMFILE (what the system
 *   said to mmap, fork and friends). Nothing is left then.
 */
struct pool *pool_open(const struct pool_options *options);

/** Returns the number of places for workers, some of which may be empty just now (see pool_workers()); 0 once the pool
 * is joined; -1 with EINVAL. Never blocks. */
int pool_processes(const struct pool *pool);

/** The guard of POOL_SPAWN, to be the first line of main(): does nothing, but a program that was started to be a pool's
 * nursery becomes that, and it does not return. */
void pool_freeze_support(void);

/** Takes no more work; what was handed over is still done. Never blocks. Twice is fine. @return 0; -1 with EINVAL. */
int pool_close(struct pool *pool);

/** Ends all work now: TERM to every worker, after `grace` seconds KILL. Every unfinished job fails (ECANCELED).
 * Blocks at most about `grace` seconds, and some five more if the nursery is frozen, or a debugger holds it.
 * Terminating twice, or after pool_close(), is fine.
 * @return 0. -1 with EINVAL, or ETIMEDOUT (threads are still in their tasks): these go on, and pool_join() waits. */
int pool_terminate(struct pool *pool);

/** Waits, at most so long, until the work of a closed or terminated pool is done and every worker is gone; then no
 * process, descriptor or byte of shared memory of the pool is left, but for results that were not freed, queues, and
 * what a call in another thread is using: these remain where they are until pool_free(). Joining twice is fine.
 * @return 0. -1 with EBUSY, EINVAL, ETIMEDOUT or EINTR, and it can be tried again. Or -1 although the pool is joined:
 *   EREMOTEIO (jobs failed and nobody looked: how many, and the first one's text), or ENOENT, EACCES, EISDIR, ENOSPC or
 *   EFBIG (what the system said when `trace` was to be written). */
int pool_join(struct pool *pool, double seconds);

/** Frees the pool and every result and iterator of it. A pool that still runs is terminated first: ending a scope
 * with pool_free() does what leaving Python's `with Pool()` does. Waits until the calls that other threads are in have
 * returned; none may begin any more. NULL is fine. */
void pool_free(struct pool *pool);

/**
 * Makes every call that waits in this pool return -1 with EINTR; if nobody waits, the next call that would. A waiting
 * pool_map(), pool_starmap() or pool_apply() gives up its job: items not yet begun never run.
 * Made for signal handlers: it is async-signal-safe and never blocks. NULL is fine.
 *
 *     static void on_ctrl_c(int number) { (void)number; pool_interrupt(pool); } // pool_map(): -1, errno is EINTR
 */
void pool_interrupt(struct pool *pool);

/** @} */
/** @name Hand over and wait @{ */

/** Runs one task in a worker and waits for it, without a time limit; pool_apply_async() and pool_result_get() have one.
 * The argument, `width` bytes, is copied; the result, `result_width` bytes, goes to `result`, unless that is NULL.
 * @return 0; -1 with EREMOTEIO, EOWNERDEAD, EAGAIN or ECANCELED if the task failed; with EINVAL, ESHUTDOWN, ENOMEM or
 *   EINTR, and `result` as it was, if it was not handed over, or given up. */
int pool_apply(struct pool *pool, pool_task *task, const void *arg, size_t width, void *result, size_t result_width);

/** Runs the task once for each of `count` items and waits for all. `base` is an array of items, each of `width` bytes,
 * `results` one of their results, or NULL.
 * @return 0; -1 with EREMOTEIO, EOWNERDEAD, EAGAIN or ECANCELED if items failed: pool_error() names the first, and the
 *   results of all others are there; with EINVAL, ESHUTDOWN, ENOMEM or EINTR, and `results` as they were, if they
 *   were not handed over, or given up. */
int pool_map(struct pool *pool, pool_task *task, const void *base, size_t count, size_t width, void *results,
             size_t result_width);

/** One argument of a pool_star_task, for all items: an array of its own. */
struct pool_column {
    const void *base; /**< The array; the argument for item 0 comes first. */
    size_t width;     /**< The size of one argument in bytes (`sizeof *base`). */
};

/** As pool_map(), for a task of several arguments: `ncolumns` of them, 1 to 64, each in an array of `count`.
 * @return As pool_map(): 0; -1 with EREMOTEIO, EOWNERDEAD, EAGAIN or ECANCELED, or EINVAL, ESHUTDOWN, ENOMEM or EINTR.
 */
int pool_starmap(struct pool *pool, pool_star_task *task, const struct pool_column *columns, size_t ncolumns,
                 size_t count, void *results, size_t result_width);

/** @} */
/** @name Hand over now, wait later @{ */

/**
 * Runs a function once in every worker: at once, or before the next chunk of one that is busy; and in each later one,
 * after its initializer and before its first task. Several run in the order in which they were handed over; one that is
 * handed over again takes the place of what it was. `arg`, `width` bytes, is copied once; all workers share the copy
 * (NULL if `width` is 0). Waits, at most so long, until all have run it, also for workers that are missing.
 *
 *     if (pool_each_worker(pool, load_settings, "new.conf", sizeof "new.conf", 10) != 0)
 *         fprintf(stderr, "%s\n", pool_error()->text);
 *
 * When it has returned failure in one worker, it runs in no other any more. A worker that dies in it has failed, too,
 * but its successor tries again; in a later worker any failure is one of its initializer: see pool_open().
 * @return 0. -1 with EREMOTEIO or EOWNERDEAD (it failed; pool_error()->item says in which place, as of pool_workers()),
 *   ETIMEDOUT or EINTR (the others will run it later), ECANCELED (the pool ended), EBUSY (another thread waits for the
 *   same function), ENOMEM (or there are 64 others), ESHUTDOWN or EINVAL.
 */
int pool_each_worker(struct pool *pool, pool_initializer *function, const void *arg, size_t width, double seconds);

/** How a job is to be run. A zeroed member means the default. */
struct pool_job_options {
    long chunk;              /**< Items a worker takes at a time. Default: such that each worker gets about 64 chunks;
                                  1 for imap. */
    long ahead;              /**< imap only: items handed over beyond one chunk per worker, before they are
                                  asked for. If they are 32 or more, the source may be asked, where a result is there,
                                  only when a quarter has room. Default: as many as there are workers. */
    bool nowait;             /**< If the ring is full, fail with EAGAIN. Default: wait for a worker to take a job. */
    bool fail_fast;          /**< When an item failed, those not yet begun are cancelled; in a stream, when the failure
                                  is given out, and then the source is not asked any more. Default: all run. */
    int retries;             /**< So many times an item is run again whose worker died, by itself or by `limit`; its
                                  result is zeroed first, and pool_attempt() tells. Default: never. */
    double limit;            /**< Seconds one item may run; then its worker is killed and the item fails (ETIME).
                                  It goes on while the worker is stopped (Ctrl+Z). A task that executes another
                                  program in its own place has none. Default: none. */
    pool_callback *callback; /**< Is told when all items succeeded. */
    pool_callback *error_callback; /**< Is told when an item failed. */
    void *cookie;                  /**< Is handed to the callbacks as it is. */
};

/** Hands one task over and returns at once, unless the ring is full. As pool_apply() otherwise.
 * @return A handle, which belongs to the pool; free it with pool_result_free() or leave it to pool_free(). NULL with
 *   ENOTSUP (a limit, in threads), EAGAIN (`nowait`, and the ring is full), EINTR, EINVAL, ESHUTDOWN or ENOMEM. */
struct pool_result *pool_apply_async(struct pool *pool, pool_task *task, const void *arg, size_t width,
                                     size_t result_width, const struct pool_job_options *options);

/**
 * Hands a map over and returns at once. As pool_map() and pool_apply_async() otherwise.
 *
 *     struct pool_result *result = pool_map_async(pool, square, in, 3, sizeof *in, sizeof *out, NULL);
 *     puts("meanwhile ...");
 *     if (!result || pool_result_get(result, out, 60) != 0)
 *         fprintf(stderr, "%s\n", pool_error()->text);
 *     pool_result_free(result);
 *
 * @return As pool_apply_async(): a handle; NULL with EINVAL, ESHUTDOWN, ENOMEM, ENOTSUP, EAGAIN or EINTR.
 */
struct pool_result *pool_map_async(struct pool *pool, pool_task *task, const void *base, size_t count, size_t width,
                                   size_t result_width, const struct pool_job_options *options);

/** Hands a starmap over and returns at once. As pool_starmap() and pool_apply_async() otherwise.
 * @return As pool_apply_async(): a handle; NULL with EINVAL, ESHUTDOWN, ENOMEM, ENOTSUP, EAGAIN or EINTR. */
struct pool_result *pool_starmap_async(struct pool *pool, pool_star_task *task, const struct pool_column *columns,
                                       size_t ncolumns, size_t count, size_t result_width,
                                       const struct pool_job_options *options);

/** Waits, at most so long, until the job is done, well or badly. @return 0; -1 with ETIMEDOUT, EINTR or EINVAL. */
int pool_result_wait(struct pool_result *result, double seconds);

/** Waits, at most so long, until the job is done, and copies the results of all items to `results`, unless it is NULL.
 * @return 0. -1 with ETIMEDOUT, EINTR or EINVAL, and nothing is copied. -1 with EREMOTEIO, EOWNERDEAD, EAGAIN, ETIME,
 *   ECANCELED, or ENOMEM (there was none for a failure's words), if items failed: the first is named, and the others'
 *   results are copied. May be called again. */
int pool_result_get(struct pool_result *result, void *results, double seconds);

/**
 * Cancels what is left of a job: items not yet begun never run, and workers that are running one of its items are
 * killed, no others. These fail (ECANCELED), but for one that ends in the same moment; pool_result_wait() waits for it.
 *
 *     if (pool_result_wait(result, 0.1) != 0 && errno == ETIMEDOUT && pool_result_cancel(result) == 1)
 *         pool_result_wait(result, POOL_FOREVER); // not for long
 *
 * @return 1; 0 if the job was done already; -1 with EINVAL, or with ENOTSUP (threads are running some of its items:
 *   these go on).
 */
int pool_result_cancel(struct pool_result *result);

/** How far a job, or a worker, is. */
struct pool_progress {
    size_t count;   /**< Items of the job. */
    size_t done;    /**< Of these, how many have ended, well or badly. */
    size_t failed;  /**< Of these, how many badly. */
    size_t running; /**< How many are running at this moment. */
};

/** Tells how far a job is: looks at each of its chunks, not at each item. Never blocks. @return 0; -1 with EINVAL. */
int pool_result_progress(struct pool_result *result, struct pool_progress *progress);

/** Tells whether the job is done; of NULL: no. Never blocks. */
bool pool_result_ready(struct pool_result *result);

/** Tells whether all items succeeded. Never blocks. @return 1 or 0; -1 with EAGAIN (it is not done) or EINVAL. */
int pool_result_successful(struct pool_result *result);

/** Returns the number of items of the job; of NULL: 0. Never blocks. */
size_t pool_result_count(const struct pool_result *result);

/** Reads a result in place, without a copy. @return The result, valid until the handle is freed. NULL with EAGAIN (the
 * job is not done), EINVAL, or if the item failed EREMOTEIO, EOWNERDEAD, EAGAIN, ETIME, ECANCELED or ENOMEM. */
const void *pool_result_at(struct pool_result *result, size_t item);

/** Reads in place what item `item` of a finished job gave with pool_reply(), or the whole message of its failure, and
 * sets `size`, if that is not NULL, to the number of bytes. One zero byte always follows them.
 * @return The bytes, valid until the handle is freed; NULL if there are none, and errno is as it was; NULL with EAGAIN
 *   (the job is not done) or EINVAL. */
const void *pool_result_reply(struct pool_result *result, size_t item, size_t *size);

/** What went wrong. */
struct pool_error {
    int code;        /**< As errno. */
    size_t item;     /**< The index of the item it happened to, or POOL_NO_ITEM. */
    size_t failures; /**< How many items of the job failed. */
    pid_t pid;       /**< The worker it happened in, or 0. */
    int signal;      /**< The signal that killed the worker, or 0. */
    int status;      /**< What the task returned, or the worker's exit code. */
    char text[512];  /**< All of it in words; a longer message is cut (pool_result_reply() has the whole). */
};

/** Finds the first failed item from `from` on in a job that is done, and sets `error`, if that is not NULL, to what
 * happened; to go through all failures, ask again from `error->item + 1`. Never blocks.
 * @return 1; 0 if none failed; -1 with EAGAIN (the job is not done) or EINVAL. */
int pool_result_failure(struct pool_result *result, size_t from, struct pool_error *error);

/** Gives the handle back. A job that is not done goes on; nobody will see its results. NULL is fine. */
void pool_result_free(struct pool_result *result);

/** Returns what went wrong in this thread's last call that failed. Valid until the next one fails; never NULL. */
const struct pool_error *pool_error(void);

/** @} */
/** @name Looking at a pool @{ */

/** What a worker is doing. */
struct pool_worker {
    pid_t pid;       /**< Its process; 0 while there is none. Threads: this program's. */
    unsigned number; /**< The N of its name, PoolWorker-N. */
    unsigned deaths; /**< How many workers in its place died before their time. */
    size_t finished; /**< How many items ended in its place, but for those whose worker died, up to its last chunk. */
    bool running;    /**< It is running an item. */
    double retry_in; /**< While none could be started: seconds to the next try; else 0. */
};

/** Tells in `workers`, unless that is NULL, what the first `most` workers are doing now, by their places. Never
 * blocks. @return How many there are, which may be more than `most`; 0 once the pool is joined; -1 with EINVAL. */
int pool_workers(struct pool *pool, struct pool_worker *workers, int most);

/**
 * Runs the callbacks that are due, in programs that have a loop of their own instead of waiting in pool calls. Never
 * blocks.
 *
 *     struct pool_job_options options = { .callback = told, .error_callback = told, .cookie = &open_jobs };
 *     for (open_jobs = 0; open_jobs < 3; open_jobs++)
 *         pool_apply_async(pool, square, &in[open_jobs], sizeof *in, sizeof *in, &options);
 *     while (open_jobs > 0) {
 *         draw_a_frame();
 *         pool_poll(pool); // calls told(result, &open_jobs), which reads the result and takes 1 off
 *     }
 *
 * @return How many it ran; -1 with ESHUTDOWN (the pool was joined: there are no more) or EINVAL.
 */
int pool_poll(struct pool *pool);

/**
 * Returns a descriptor for poll(), epoll and their like, of a pool opened with `descriptor`. It is readable when a job
 * may be done, or the last worker is gone: then call pool_poll(), which makes it quiet again. It belongs to the pool
 * until pool_join(). Never read it. Never blocks.
 *
 *     struct pollfd ready[] = { { pool_descriptor(pool), POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
 *     while (open_jobs > 0 && poll(ready, 2, -1) > 0) {
 *         if (ready[0].revents)
 *             pool_poll(pool);
 *         if (ready[1].revents)
 *             read_a_key();
 *     }
 *
 * @return The descriptor; -1 with EINVAL (the pool has none, too).
 */
int pool_descriptor(struct pool *pool);

/** @} */
/** @name Streams @{ */

/**
 * Runs the task for each item a source gives, and hands the results out one by one, in the items' order. Only a few
 * items are read ahead (see pool_job_options), so the source may be endless.
 *
 *     struct pool_iter *iter = pool_imap(pool, count_words, next_line, stdin, LINE, sizeof words, NULL);
 *     while ((status = pool_iter_next(iter, &words, POOL_FOREVER)) > 0)
 *         printf("line %zu: %d words\n", pool_iter_index(iter), words);
 *     if (status < 0)
 *         fprintf(stderr, "%s\n", pool_error()->text);
 *     pool_iter_close(iter);
 *
 * @param pool, task    Where to run, and what.
 * @param source, state Is called, in the caller's thread inside pool_iter_next(), for each next item.
 * @param width, result_width  The size of one item, and of one result, in bytes.
 * @param options       NULL means all defaults. No callbacks.
 * @return An iterator, which belongs to the pool; close it with pool_iter_close() or leave it to pool_free(). NULL with
 *   ENOTSUP (a limit, in threads), EINVAL, ESHUTDOWN or ENOMEM.
 */
struct pool_iter *pool_imap(struct pool *pool, pool_task *task, pool_source *source, void *state, size_t width,
                            size_t result_width, const struct pool_job_options *options);

/** As pool_imap(), but results come in the order in which they are ready; pool_iter_index() tells whose they are.
 * @return An iterator; NULL with EINVAL, ESHUTDOWN, ENOTSUP or ENOMEM. */
struct pool_iter *pool_imap_unordered(struct pool *pool, pool_task *task, pool_source *source, void *state,
                                      size_t width, size_t result_width, const struct pool_job_options *options);

/** Waits, at most so long, for the next result, and copies it to `result`, if that is not NULL. Where the ring or the
 * memory has no room it waits, too, as long as room will come by itself. Threads that call it at once take turns.
 * @return 1; 0 at the end, and at every later call. -1 with EREMOTEIO, EOWNERDEAD, EAGAIN, ETIME or ECANCELED and the
 *   item in pool_error(): this item failed, and the next call goes on behind it. -1 without an item: EREMOTEIO (the
 *   source failed; the end follows), ESHUTDOWN (closed before the source's end), EINVAL, or, with nothing lost,
 *   ETIMEDOUT, EINTR, EAGAIN (`nowait`) or ENOMEM (what was read does not fit; results of others must be freed). */
int pool_iter_next(struct pool_iter *iter, void *result, double seconds);

/** Returns the index of the item whose result, or failure, pool_iter_next() gave last; of NULL, or before: 0. */
size_t pool_iter_index(const struct pool_iter *iter);

/** As pool_result_reply(), for the item pool_iter_next() gave last; valid until the next call. Of NULL: NULL. */
const void *pool_iter_reply(struct pool_iter *iter, size_t *size);

/** Closes the iterator, half-way too: items already handed over are done, their results dropped. Another thread's call
 * in it is told so (EINVAL); it is waited for until its source has returned. NULL is fine. */
void pool_iter_close(struct pool_iter *iter);

/** @} */
/** @name Queues @{
 *
 * Between any workers of the pool and the program, in order; the lock that a dead worker leaves is opened by its
 * successor. The handle is an address that means the same in all of them: hand it to a task as an argument. All calls
 * may be made in tasks, but pool_queue_open(). A worker killed in the middle of a call loses at most the item it was
 * putting; one that is killed after it got an item counts as done with it. Other children of the program or of a task
 * must not use it.
 */

/**
 * Opens a queue. Here a task adds up what the program puts:
 *
 *     static int add_up(const void *arg, void *sum)
 *     {
 *         *(long *)sum = 0;
 *         for (long x; pool_queue_get(*(struct pool_queue *const *)arg, &x, POOL_FOREVER) == 0;)
 *             *(long *)sum += x;
 *         return 0; // the queue is closed, and empty
 *     }
 *
 *     struct pool_queue *queue = pool_queue_open(pool, 20, sizeof(long));
 *     struct pool_result *result = pool_apply_async(pool, add_up, &queue, sizeof queue, sizeof(long), NULL);
 *     for (long i = 1; i <= 100; i++)
 *         pool_queue_put(queue, &i, POOL_FOREVER);
 *     pool_queue_close(queue);
 *     pool_result_get(result, &sum, POOL_FOREVER);
 *
 * @param pool      The pool. The queue lives until that is freed; once it is joined, what is left can be got.
 * @param capacity  How many items it can hold; at least 1.
 * @param width     The size of one item in bytes; 0 is fine: then it only counts.
 * @return The queue; NULL with ENOMEM, EINVAL or ESHUTDOWN. Never blocks.
 */
struct pool_queue *pool_queue_open(struct pool *pool, size_t capacity, size_t width);

/** Puts a copy of an item in, waiting for room. @return 0; -1 with ETIMEDOUT (it was full all the time), ESHUTDOWN (it
 * is closed, or the pool ends), EINTR or EINVAL. */
int pool_queue_put(struct pool_queue *queue, const void *item, double seconds);

/** Takes the oldest item out, waiting for one. @return 0; -1 with ETIMEDOUT (it was empty all the time), ESHUTDOWN (it
 * is closed and empty, or the pool ends), EINTR or EINVAL. */
int pool_queue_get(struct pool_queue *queue, void *item, double seconds);

/** Returns about how many items are in the queue; exactly, if nobody is using it. Of NULL: 0. Never blocks. */
size_t pool_queue_size(struct pool_queue *queue);

/** Tells that an item that this worker, or the program, got is dealt with. @return 0; -1 with EINVAL (none was got). */
int pool_queue_task_done(struct pool_queue *queue);

/** Waits until every item that was put is dealt with: pool_queue_task_done(), or its worker died. @return 0; -1 with
 * ESHUTDOWN (the pool ends), ETIMEDOUT, EINTR or EINVAL. */
int pool_queue_join(struct pool_queue *queue, double seconds);

/** Closes it: no more can be put, what is in it can be got. Twice is fine. Never blocks. @return 0; -1 with EINVAL. */
int pool_queue_close(struct pool_queue *queue);

/** @} */
/** @name Inside a task @{ */

/** Gives the item a reply: `size` bytes, which only the task knows, beside its result of fixed width. A second call
 * drops the first reply. If the task fails, the reply is dropped.
 * @return Shared memory to write them into, until the task returns. NULL with ENOMEM, or EINVAL (outside of a task). */
void *pool_reply(size_t size);

/** pool_reply() of a text: `return pool_reply_text("done %s", name);`. @return 0; -1 with ENOMEM or EINVAL. */
int pool_reply_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Gives the item's failure a message: `return pool_fail("cannot open %s", name);`. Returns -1. */
int pool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Returns 1, or more if this item's earlier attempts ended with their workers (`retries`). Outside of tasks: 0. */
int pool_attempt(void);

/** Returns this worker's name, "PoolWorker-3"; workers are numbered as they are started. Elsewhere: "MainProcess". */
const char *pool_worker_name(void);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
