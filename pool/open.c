/*
 * open.c - the caller's side: a pool's life, from pool_open() to pool_free().
 *
 * Opening: reserve the region, fork the nursery, wait until every worker has run its initializer. Ending: set
 * region->stop, wake whoever sleeps, wait for the nursery, which ends when the last worker has (alive.c).
 *
 * At the join the region goes, or, if somebody still holds a result, which lies in it, when the pool is freed.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Nanoseconds that an idle worker or a waiting caller looks before it sleeps. More than it takes to wake somebody on
 * another core: else two who work by turns, and once both slept, always come when the other has just fallen asleep. */
#define SPIN ((uint64_t)50000)

/* Waits until nobody is left who works. */
static int wait_for_workers(const struct wait *wait)
{
    struct pool *pool = wait->pool;
    while (look_after(pool)) {
        if (wait_goes_on(wait) != 0)
            return -1;
        uint64_t now = now_ns(), left = wait->deadline > now ? wait->deadline - now : 0;
        await_end(pool, left < SLICE ? left : SLICE);
        run_callbacks(pool, NULL, wait->deadline);
    }
    return 0;
}

/* Stops the pool at least so far, and wakes everybody who has to know. */
static void stop(struct pool *pool, enum stop how)
{
    lock_pool(pool);
    pool->stop = pool->stop < how ? how : pool->stop;
    uint32_t so_far = atomic_load(&pool->region->stop);
    while (so_far < how && !atomic_compare_exchange_weak(&pool->region->stop, &so_far, how))
        ;
    wake_workers(pool->region, pool->region->workers);
    call_nursery(pool);
    if (how == STOP_TERMINATED && pool->region->kind != POOL_PROCESSES)
        give_up_all(pool, TAKEN_FINISH); /* threads end when their items do; processes are killed */
    unlock_pool(pool);
}

/* ---- Ending what runs ---- */

/* Closes the socket, which calls in other threads may have used so far, and gives the region back if it may. */
static void release(struct pool *pool, bool held)
{
    lock_pool(pool);
    if (socket_is_ours(pool))
        close(pool->socket);
    pool->socket = -1;
    unlock_pool(pool);
    if (held || pool->gone || !pool->region)
        return;
    memory_forget(&pool->memory);
    region_release(pool->region);
    pool->gone = true;
}

/* Gives back everything but processes. */
static void forget(struct pool *pool)
{
    release(pool, false);
    if (pool->results)
        munmap(pool->results, pool->results_size);
    if (pool->here)
        munmap(pool->here, 4096);
    iters_free(pool);
    free(pool->watches);
    free(pool->known.modules);
    free(pool->trace);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    free(pool);
}

/* Parts with the nursery, or with the threads, which have ended. */
static void leave(struct pool *pool)
{
    threads_join(pool);
    lock_pool(pool); /* nobody must write to it any more */
    while (pool->nursery > 0 && waitpid(pool->nursery, NULL, __WALL | WNOHANG) < 0 && errno == EINTR)
        ;
    pool->nursery = 0;
    if (pool->region)
        descriptor_close(pool);
    unlock_pool(pool);
}

/* Ends all that runs. Threads may be waited for `seconds`; the nursery needs the grace and a moment. */
static int end_work(struct pool *pool, double seconds)
{
    struct region *region = pool->region;
    bool processes = region->kind == POOL_PROCESSES;
    stop(pool, STOP_TERMINATED);
    if (on_its_way(region)) /* it would not listen */
        signal_nursery(pool, SIGKILL);
    struct wait wait = wait_begin(pool, "pool_terminate", processes ? region->grace + 5 : seconds);
    int status;
    while ((status = wait_for_workers(&wait)) != 0 && errno == EINTR)
        wait.answered = atomic_load(&pool->interrupts);
    if (status != 0 && !processes)
        return error_set(ETIMEDOUT,
                         "pool_terminate: tasks are still running in %u of the threads, which cannot be killed; "
                         "pool_join waits for them",
                         atomic_load(&region->living));
    if (status != 0) { /* a debugger holds it, or it is frozen: its workers end with it */
        signal_nursery(pool, SIGKILL);
        await_end(pool, 10 * SLICE);
    }
    pool_is_over(pool);
    return 0;
}

/* ---- Opening ---- */

static int check_options(const struct pool_options *options)
{
    static const char who[] = "pool_open";
    bool processes = options->kind == POOL_PROCESSES, spawn = options->start == POOL_SPAWN;
    if (!in_range(who, "processes", options->processes, POOL_MAX_PROCESSES) ||
        !in_range(who, "maxtasks", options->maxtasks, (double)LONG_MAX) ||
        !in_range(who, "give_up_after", options->give_up_after, INT_MAX) ||
        !in_range(who, "open_timeout", options->open_timeout, INFINITY) ||
        !in_range(who, "grace", options->grace, 1e6) || !in_range(who, "kind", (int)options->kind, POOL_INLINE) ||
        !in_range(who, "start", (int)options->start, POOL_SPAWN))
        return -1;
    if (!processes && (options->maxtasks || options->keep_descriptors))
        return error_set(ENOTSUP, "pool_open: only worker processes can be replaced after maxtasks tasks, or have "
                                  "keep_descriptors of their own");
    for (const int *fd = options->keep_descriptors; fd && *fd >= 0; fd++)
        if (fcntl(*fd, F_GETFD) < 0)
            return error_set(EINVAL, "pool_open: keep_descriptors: %d is not open", *fd);
    if (!options->initarg && options->initarg_width)
        return error_set(EINVAL, "pool_open: initarg is NULL, but initarg_width is %zu", options->initarg_width);
    if (options->trace && fnmatch("*.csv", options->trace, 0) != 0)
        return error_set(EINVAL,
                         "pool_open: trace is \"%s\"; it must end in .csv: a pool leaves records, which lanes draws "
                         "(./lanes -o picture.svg ./program)",
                         options->trace);
    if (spawn && !processes)
        return error_set(EINVAL, "pool_open: only processes can be started by POOL_SPAWN");
    if (spawn && options->initarg && !options->initarg_width)
        return error_set(EINVAL, "pool_open: POOL_SPAWN needs initarg_width: the workers do not have what initarg "
                                 "points to, only a copy");
    return 0;
}

static int describe_pool(struct pool *pool, const struct pool_options *options, int cores)
{
    struct region *region = pool->region;
    bool spawn = options->start == POOL_SPAWN;
    const char *preload = getenv("LD_PRELOAD");
    region->maxtasks = options->maxtasks;
    region->run_row = run_row;
    region->give_up_after = (uint32_t)options->give_up_after;
    region->keep = options->keep_descriptors;
    region->caller = getpid();
    region->here = pool->here;
    pool->calls_out = options->kind == POOL_INLINE;
    region->kind = options->kind;
    region->above = spawn ? NULL : worker_region(); /* a new run does not have it */
    region->start = options->start;
    region->check = options->check;
    region->valgrind = preload && strstr(preload, "vgpreload");
    region->spin = cores > 1 ? SPIN : 0;
    /* Address space for the handles: a worker that is given one finds nothing there, as it has no pool. */
    pool->results_size = (region->job_count + GROWTH) * sizeof *pool->results;
    pool->results = map_private(pool->results_size, PROT_READ, MAP_PRIVATE);
    if (!pool->results || (options->trace && !(pool->trace = strdup(options->trace))) ||
        memory_open(&pool->memory, region) != 0)
        return -1;
    return known_remember(&pool->known, spawn);
}

static int describe_initializer(struct pool *pool, const struct pool_options *options)
{
    struct region *region = pool->region;
    region->initializer = options->initializer;
    region->initarg = options->initarg;
    if (options->initializer && !known_has(&pool->known, (uintptr_t)options->initializer))
        return error_set(EINVAL, "pool_open: the initializer is not a function of this program itself, which is all "
                                 "that workers of POOL_SPAWN can find; call it from one");
    if (!options->initarg_width)
        return 0;
    struct extent copy = memory_take(&pool->memory, options->initarg_width);
    if (!copy.units)
        return error_set(ENOMEM, "pool_open: initarg's %zu bytes do not fit into the pool's memory of %zu",
                         options->initarg_width, region->memory_limit);
    region->initarg = memcpy(memory_at(&pool->memory, copy), options->initarg, options->initarg_width);
    return 0;
}

/* Says why the pool could not be opened. */
static int opening_failed(struct pool *pool)
{
    const struct region *region = pool->region;
    uint32_t failed = atomic_load(&region->failed);
    const struct slot *slot = &region->slots[failed ? failed - 1 : 0];
    struct pool_error error = { .item = POOL_NO_ITEM, .pid = atomic_load(&slot->dead_pid) };
    int status = error.pid ? slot->dead_status : 0;
    say_why(pool);
    say(error.text, sizeof error.text, "pool_open: %s", pool->why);
    error.code = region->failed_errno ? region->failed_errno : failed && slot->text[0] ? EREMOTEIO : EOWNERDEAD;
    error.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    error.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return error_put(&error);
}

/* Waits until each worker has run its initializer. */
static int wait_until_ready(struct pool *pool, double seconds)
{
    struct region *region = pool->region;
    struct wait wait = wait_begin(pool, "pool_open", seconds > 0 ? seconds : 60);
    for (;;) {
        uint32_t ready = atomic_load(&region->news); /* a failure counts, too, but is told of before */
        if (atomic_load(&region->failed) || pool->over)
            return opening_failed(pool);
        if (ready == region->workers)
            return 0;
        if (now_ns() >= wait.deadline && on_its_way(region))
            return error_set(ETIMEDOUT,
                             "pool_open: after %g s the new run of this program has not reached the pool; "
                             "call pool_freeze_support() first in main()",
                             wait.seconds);
        if (now_ns() >= wait.deadline)
            return error_set(ETIMEDOUT, "pool_open: after %g s %u of %u workers are still in their initializer%s%s",
                             wait.seconds, region->workers - ready, region->workers,
                             region->fork_errno ? ", or cannot be started: " : "",
                             region->fork_errno ? strerror(region->fork_errno) : "");
        wait_on(&wait, &region->news, ready);
    }
}

static int fail_open(const char *what)
{
    int error = errno;
    return error_set(error, "pool_open: %s: %s%s", what, strerror(error), cure(error));
}

static int start_nursery(struct pool *pool)
{
    struct region *region = pool->region;
    struct stat info = { .st_ino = 0 };
    int sockets[2] = { -1, -1 };
    if (nursery_sockets(sockets) == 0 && fstat(sockets[0], &info) == 0)
        pool->nursery = pool->file < 0 ? nursery_start(region, sockets) : spawn_start(region, pool->file, sockets[1]);
    int error = errno;
    close(sockets[1]);
    errno = error;
    pool->socket = sockets[0];
    pool->socket_inode = info.st_ino;
    return pool->nursery <= 0 || (region->poller >= 0 && descriptor_add(pool, pool->socket) != 0) ? -1 : 0;
}

/* If the initializer of an inline pool never came back, neither does pool_open(). */
static void end_opening(struct undo *undo)
{
    if (!atomic_load(&undo->pool->region->failed) && !atomic_load(&undo->pool->region->news))
        forget(undo->pool);
}

static int start_workers(struct pool *pool)
{
    struct region *region = pool->region;
    if (region->kind == POOL_THREADS)
        return threads_start(pool) == 0 ? 0 : fail_open("cannot start a thread");
    if (region->kind == POOL_PROCESSES)
        return start_nursery(pool) == 0 ? 0 : fail_open("cannot start the nursery");
    region->slots[0].worker = 1;
    atomic_store(&region->slots[0].pid, region->caller);
    pool->worker = worker_inline(region);
    call_out(&(struct undo){ .end = end_opening, .pool = pool, .worker = &pool->worker }, worker_drain, &pool->worker);
    return 0;
}

static int open_pool(struct pool *pool, const struct pool_options *options)
{
    int cores = usable_cores(), asked = options->kind == POOL_INLINE ? 1 : options->processes;
    int workers = asked ? asked : cores < POOL_MAX_PROCESSES ? cores : POOL_MAX_PROCESSES;
    size_t memory = options->memory ? options->memory : usable_memory() / 4;
    if (!(pool->here = map_here()))
        return fail_open("mmap");
    if (options->start == POOL_SPAWN && (pool->file = above_stderr(memfd_create("pool", MFD_CLOEXEC))) < 0)
        return fail_open("memfd_create");
    if (!(pool->region = region_reserve((uint32_t)workers, memory, options->trace, pool->file)))
        return fail_open("no address space for the shared region");
    if (describe_pool(pool, options, cores) != 0)
        return fail_open("out of memory");
    if (describe_initializer(pool, options) != 0)
        return -1;
    if (options->descriptor && descriptor_open(pool) != 0)
        return fail_open("no descriptor");
    if (start_workers(pool) != 0)
        return -1;
    madvise(pool->region, pool->region->size, MADV_DONTFORK);
    if (wait_until_ready(pool, options->open_timeout) != 0)
        return -1;
    pool->region->grace = options->grace > 0 ? options->grace : 0.5; /* so far, nothing would have been waited for */
    return 0;
}

/* Ends what has begun. Threads that are still in their initializers cannot be ended, so their pool stays where it is.
 */
static void give_up_opening(struct pool *pool)
{
    struct pool_error error = *pool_error();
    if (!pool->region || end_work(pool, error.code == ETIMEDOUT ? 0 : POOL_FOREVER) == 0) {
        leave(pool);
        forget(pool);
    }
    error_put(&error);
}

struct pool *pool_open(const struct pool_options *asked)
{
    struct pool_options options = asked ? *asked : (struct pool_options){ .processes = 0 };
    const char *check = secure_getenv("POOL_CHECK");
    if (!options.trace)
        options.trace = secure_getenv("POOL_TRACE");
    if (options.trace && !*options.trace)
        options.trace = NULL;
    options.check |= check && strcmp(check, "1") == 0;
    pool_freeze_support();
    if (check_options(&options) != 0)
        return NULL;
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return fail_open("out of memory"), NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_mutex_init(&pool->turn, NULL);
    pool->socket = pool->file = -1;
    int status = open_pool(pool, &options);
    if (pool->file >= 0)
        close(pool->file);
    if (status == 0)
        return pool;
    give_up_opening(pool);
    return NULL;
}

/* ---- Ending ---- */

void pool_interrupt(struct pool *pool)
{
    if (pool)
        atomic_fetch_add(&pool->interrupts, 1);
}

int pool_close(struct pool *pool)
{
    VISIT in = visit(pool, NULL, "pool_close", false);
    if (!in.pool)
        return -1;
    if (!pool->joined)
        stop(pool, STOP_CLOSED);
    return 0;
}

int pool_terminate(struct pool *pool)
{
    VISIT in = visit(pool, NULL, "pool_terminate", true);
    if (!in.pool || pool->joined)
        return in.pool ? 0 : -1;
    return end_work(pool, pool->region->grace);
}

/* What is left to do once the nursery is gone. */
static int settle(struct pool *pool)
{
    bool held = pool->region->queues;
    run_callbacks(pool, NULL, UINT64_MAX);
    lock_pool(pool);
    for (uint32_t i = 0; i < pool->fresh; i++) {
        held |= pool->results[i].hold == HOLD_HANDLE || pool->results[i].visitors;
        if (pool->results[i].hold >= HOLD_HANDLE)
            count_unseen(pool, &pool->results[i]);
    }
    unlock_pool(pool);
    leave(pool);
    int status = pool->trace ? trace_write(pool->region, pool->trace) : 0;
    pool->joined = true;
    bool alone = pool->visitors <= 1; /* whoever comes in now, sees that it is joined */
    if (alone)
        release(pool, held);
    if (pool->unseen)
        status = error_set(EREMOTEIO, "pool_join: %zu job%s failed and nobody looked; the first: %s", pool->unseen,
                           pool->unseen == 1 ? "" : "s", pool->first_unseen);
    return status;
}

int pool_join(struct pool *pool, double seconds)
{
    VISIT in = visit_warily(pool, NULL, "pool_join", true);
    if (!in.pool)
        return -1;
    if (pool->joined)
        return 0;
    if (atomic_load(&pool->region->stop) == STOP_NOT && !pool->over)
        return error_set(EBUSY, "pool_join: the pool is still open; call pool_close or pool_terminate first");
    if (!visit_alone(&in, &pool->joining))
        return error_set(EBUSY, "pool_join: another thread is joining the pool");
    struct wait wait = wait_begin(pool, "pool_join", seconds);
    int status = wait_for_workers(&wait);
    return status == 0 ? settle(pool) : status;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    VISIT in = visit_warily(pool, NULL, "pool_free", true);
    if (!in.pool)
        return;
    if (!pool->joined)
        end_work(pool, POOL_FOREVER);
    visitors_wait(&pool->visitors, 1);
    for (uint32_t i = 0; i < pool->fresh; i++) /* behind the pool: while they are in a result, they may come in again */
        if (pool->results[i].visitors)
            visitors_wait(&pool->results[i].visitors, 0);
    if (!pool->joined)
        settle(pool);
    visit_end(&in);
    forget(pool);
}
