/*
 * submit.c - the caller's side: handing work over. Begin to read here.
 *
 * The walk of one task, from here to a worker and back:
 *
 *   pool_apply() takes a free job record in the shared region (region.h) and copies the argument beside it (job.c);
 *   it sets the ticket to READY and puts the record's number into the ring.                    publish(), here
 *   If no idle worker spins, it wakes one that sleeps.                                    wake_one_worker(), region.c
 *   A worker sees the number, notes in its slot that it aims at the job, and claims the ticket by compare-and-swap;
 *   it notes the item, runs the function,                                     take(), worker.c; run_chunk(), run.c
 *   and exchanges the ticket for DONE, which also tells it whether anybody sleeps on that word.
 *                                                                                       finish_chunk(), ticket.c
 *   The caller has meanwhile marked the ticket WAITED and sleeps on that very word. It wakes up, copies the result
 *   out and puts the record back.                                                  await(), wait.c; reuse(), job.c
 *
 * If the worker is killed on the way, the nursery forks a successor (nursery.c), which reads the slot: it marks the
 * item as failed and ends the ticket as its predecessor would have (heal(), heal.c). The caller sees no difference.
 *
 * A map is one job with a ticket for each chunk. Only this side allocates job memory (memory.c), and all it has to
 * remember lies in its own memory, behind one lock, which no worker ever sees.
 *
 * An hour's reading, in this order: region.h, ticket.c, this file, worker.c, run.c, heal.c, wait.c. A second hour:
 * nursery.c, life.c, open.c, job.c, result.c, alive.c, note.c. The others are rooms that one may leave out: queue.c,
 * iter.c, star.c, each.c with once.c, callback.c, poll.c and look.c are what a program can have beside maps; thread.c,
 * inline.c and spawn.c the other kinds and start methods; guard.c time limits and canaries, output.c what tasks print,
 * trace.c the records that lanes draws; and the ground: region.c, machine.c, memory.c, error.c, self.c. FLOORS in the
 * Makefile has all of them from there up: nobody calls a function of a file behind its own.
 */
#include "caller.h"
#include <errno.h>

bool pool_is_open(const struct pool *pool, const char *who)
{
    if (!pool->stop && !pool->over)
        return true;
    error_set(ESHUTDOWN, "%s: %s", who,
              pool->stop == STOP_CLOSED ? "the pool is closed"
              : pool->stop              ? "the pool is terminated"
                                        : pool->why);
    return false;
}

static bool check_options(const struct pool *pool, const char *who, const struct pool_job_options *options)
{
    if (!in_range(who, "retries", options->retries, UINT16_MAX) || !in_range(who, "limit", options->limit, 1e9) ||
        !in_range(who, "chunk", options->chunk, INT32_MAX) || !in_range(who, "ahead", options->ahead, INT32_MAX))
        return false;
    return options->limit <= 0 || pool->region->kind == POOL_PROCESSES ||
           error_set(ENOTSUP, "%s: a task can have a time limit in a process only, which can be killed", who) == 0;
}

bool pool_takes(struct pool *pool, const struct order *order)
{
    const char *who = order->who;
    if (!order->task && !order->star)
        error_set(EINVAL, "%s: task is NULL", who);
    else if (!pool_is_open(pool, who))
        return false;
    else if (order->task && order->count && order->width && !order->base)
        error_set(EINVAL, "%s: base is NULL, but there are %zu items", who, order->count);
    else if (order->count >= UINT32_MAX)
        error_set(EINVAL, "%s: %zu items; a job can have %u", who, order->count, UINT32_MAX - 1);
    else if (pool->region->kind == POOL_PROCESSES &&
             !known_has(&pool->known, order->star ? (uintptr_t)order->star : (uintptr_t)order->task))
        error_set(EINVAL,
                  pool->known.program_only
                      ? "%s: the task is not a function of this program itself, which is all that workers of "
                        "POOL_SPAWN can find; call it from one"
                      : "%s: the task's library was loaded after the pool was opened, so no worker has it; "
                        "load it first",
                  who);
    else
        return !order->options || check_options(pool, who, order->options);
    return false;
}

/* ---- Into the ring ---- */

static bool ring_is_full(struct pool *pool)
{
    uint64_t tail = atomic_load(&pool->region->tail);
    if (tail - pool->head >= RING_SIZE - 1)
        pool->head = atomic_load(&pool->region->head);
    return tail - pool->head >= RING_SIZE - 1;
}

/* Waits, without the lock, until the ring has room and the pool is still open. */
static int wait_for_room(struct pool *pool, const struct order *order)
{
    struct wait wait = wait_begin(pool, order->who, POOL_FOREVER);
    for (bool over = false; !over && pool_is_open(pool, order->who);) {
        uint32_t room = atomic_fetch_or(&pool->region->room, 1) | 1;
        if (!ring_is_full(pool))
            return 0;
        if (order->options && order->options->nowait)
            return error_set(EAGAIN, "%s: the ring is full; no worker has taken a job yet", order->who);
        unlock_pool(pool);
        over = !pool_may(pool, order->who, true) || wait_goes_on(&wait) != 0;
        if (!over)
            wait_on(&wait, &pool->region->room, room);
        lock_pool(pool);
    }
    return -1;
}

/* The tickets become READY, then the job's number stands in the ring. */
static void publish(struct pool *pool, struct job *job, uint32_t chunks)
{
    struct region *region = pool->region;
    uint64_t tail = atomic_load(&region->tail);
    atomic_store_explicit(&job->chunks, chunks, memory_order_release); /* who reads it sees where the tickets lie */
    if (!atomic_load_explicit(&job->tickets, memory_order_relaxed)) {
        atomic_store_explicit(&job->one, TICKET_READY, memory_order_release); /* who claims it sees the whole job */
    } else if (atomic_load_explicit(&job->seq, memory_order_relaxed) % 2 == 0) {
        atomic_store_explicit(&job->one, TICKET_DONE, memory_order_relaxed); /* only never READY */
        atomic_fetch_add(&job->seq, 1);
    }
    uint64_t entry = tail / RING_SIZE << 32 | (uint64_t)(job - region->jobs + 1);
    atomic_store(&region->ring[tail % RING_SIZE], entry); /* in one order with the looks for sleepers that follow */
    atomic_store_explicit(&region->tail, tail + 1, memory_order_release); /* the entry is there */
}

/* Wakes as many as can help. An idle worker that spins needs no waking, and wakes the next one if there is more. */
static bool wake_enough(struct region *region, uint32_t chunks)
{
    if (chunks > 1)
        return wake_workers(region, chunks < region->workers ? chunks : region->workers);
    return anybody_asleep(region) && !atomic_load(&region->spinner) && wake_one_worker(region);
}

/* Puts a prepared job into the ring. The caller holds the lock. */
static int enqueue(struct pool *pool, const struct order *order, struct pool_result *result)
{
    if (!pool_is_open(pool, order->who)) /* it ended while the lock was let go of */
        return -1;
    if (order->list)
        return order->list(pool, order, result);
    const struct pool_job_options *options = order->options;
    if ((ring_is_full(pool) && wait_for_room(pool, order) != 0) ||
        (options && (options->callback || options->error_callback) && watch(pool, order, result) != 0))
        return -1;
    atomic_store_explicit(&result->hold, HOLD_HANDLE, memory_order_relaxed);
    if (result->chunks)
        publish(pool, job_of(result), result->chunks);
    return 0;
}

void set_going(struct pool *pool, struct pool_result *result, uint32_t chunks)
{
    result->woke = wake_enough(pool->region, chunks);
    if (pool->region->kind == POOL_INLINE)
        inline_run(pool, result);
}

int hand_over_chunk(struct pool *pool, const struct order *order, struct pool_result *result)
{
    lock_pool(pool);
    result->chunks++;
    int status = enqueue(pool, order, result);
    result->chunks -= status != 0;
    atomic_store_explicit(&result->undone, result->chunks, memory_order_relaxed);
    unlock_pool(pool);
    return status;
}

struct pool_result *submit(struct pool *pool, const struct order *order)
{
    struct pool_result *result = NULL;
    VISIT in = visit(pool, NULL, order->who, false);
    if (!in.pool)
        return NULL;
    lock_pool(pool);
    if (pool_takes(pool, order))
        result = job_make(pool, order);
    if (result && enqueue(pool, order, result) != 0) {
        job_unmake(pool, result);
        result = NULL;
    }
    unlock_pool(pool);
    if (result && result->chunks)
        set_going(pool, result, result->chunks);
    return result;
}

/* ---- The calls ---- */

int pool_processes(const struct pool *pool)
{
    VISIT in = visit((struct pool *)pool, NULL, "pool_processes", false);
    return !in.pool ? -1 : pool->joined ? 0 : (int)pool->region->workers;
}

/* Hands over, waits, frees: what the calls without a handle do. */
int submit_and_wait(struct pool *pool, const struct order *order, void *results)
{
    VISIT in = visit(pool, NULL, order->who, true);
    if (!in.pool)
        return -1;
    struct pool_result *result = submit(pool, order);
    if (!result)
        return -1;
    int status = result_get(result, order->who, results, POOL_FOREVER);
    if (status != 0 && errno == EINTR)
        give_up_tickets(pool->region, job_of(result), result->chunks, GIVEN_UP_END, TAKEN_FINISH);
    atomic_store_explicit(&result->looked, true, memory_order_relaxed);
    int error = errno;
    pool_result_free(result);
    errno = error;
    return status;
}

int pool_apply(struct pool *pool, pool_task *task, const void *arg, size_t width, void *result, size_t result_width)
{
    return submit_and_wait(pool, &(struct order){ "pool_apply", task, arg, 1, width, result_width, .bell = 0 }, result);
}

int pool_map(struct pool *pool, pool_task *task, const void *base, size_t count, size_t width, void *results,
             size_t result_width)
{
    return submit_and_wait(pool, &(struct order){ "pool_map", task, base, count, width, result_width, .bell = 0 },
                           results);
}

struct pool_result *pool_apply_async(struct pool *pool, pool_task *task, const void *arg, size_t width,
                                     size_t result_width, const struct pool_job_options *options)
{
    return submit(pool, &(struct order){ "pool_apply_async", task, arg, 1, width, result_width, options, .bell = 0 });
}

struct pool_result *pool_map_async(struct pool *pool, pool_task *task, const void *base, size_t count, size_t width,
                                   size_t result_width, const struct pool_job_options *options)
{
    return submit(pool,
                  &(struct order){ "pool_map_async", task, base, count, width, result_width, options, .bell = 0 });
}
