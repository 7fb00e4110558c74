/*
 * each.c - the caller's side: what runs once in each worker.
 *
 * It is a job with an item for each place, so it is waited for and told of as any job is. But it does not stand in the
 * ring: it stands on a list in the region, and stays there when it is done, because a worker that begins its life runs
 * all that is on the list (once.c).
 *
 * The same function handed over again takes the place of what it was: later workers of a program that reads its
 * settings anew every minute need not read all the old ones first.
 */
#include "caller.h"
#include <errno.h>

/* Where the function stands on the list; else a place that is free; NULL: there is none. */
static _Atomic uint64_t *place_of(struct region *region, const struct job *job)
{
    _Atomic uint64_t *place = NULL;
    for (_Atomic uint64_t *at = region->eaches; at < region->eaches + EACH_MOST; at++) {
        uint64_t entry = atomic_load(at);
        if (entry && region->jobs[(uint32_t)entry - 1].task == job->task)
            return at;
        place = place || entry ? place : at;
    }
    return place;
}

/* Puts the job on the list; what it takes the place of runs in no further worker. No ticket is READY: an old entry of
 * the ring may stand for this record, too. The lock is held. */
static int enrol(struct pool *pool, const struct order *order, struct pool_result *result)
{
    struct region *region = pool->region;
    struct job *job = job_of(result);
    _Atomic uint64_t *place = place_of(region, job);
    uint64_t entry = place ? atomic_load(place) : 0, number = atomic_load(&region->each) + 1;
    struct pool_result *old = entry ? &pool->results[(uint32_t)entry - 1] : NULL;
    if (!place)
        return error_set(ENOMEM, "%s: each worker runs %d functions already", order->who, EACH_MOST);
    if (old && old->hold != HOLD_POOL)
        return error_set(EBUSY, "%s: another thread is waiting for the same function", order->who);
    result->hold = HOLD_HANDLE;
    atomic_store(&job->chunks, result->chunks);
    for (uint32_t i = 0; i < result->chunks; i++)
        atomic_store(job_ticket(job, i), TICKET_OWNER);
    atomic_store(place, number << 32 | (uint64_t)(job - region->jobs + 1));
    atomic_store(&region->each, (uint32_t)number);
    if (old) {
        give_up_tickets(region, job_of(old), old->chunks, GIVEN_UP_CANCEL, TAKEN_END);
        job_drop(pool, old);
    }
    return 0;
}

/* The call is over. A function that failed is taken off the list. */
static void leave(struct pool *pool, struct pool_result *result)
{
    int error = errno;
    bool failed = atomic_load(&job_of(result)->given_up);
    lock_pool(pool);
    result->looked = true;
    result->hold = HOLD_POOL;
    if (failed) {
        atomic_store(place_of(pool->region, job_of(result)), 0);
        job_drop(pool, result);
    }
    unlock_pool(pool);
    errno = error;
}

int pool_each_worker(struct pool *pool, pool_initializer *function, const void *arg, size_t width, double seconds)
{
    static const char who[] = "pool_each_worker";
    static const struct pool_job_options one_each = { .chunk = 1 };
    struct order order = { who, (pool_task *)(uintptr_t)function, arg, 0, width, 0, &one_each, .list = enrol };
    VISIT in = visit(pool, NULL, who, true);
    if (!in.pool)
        return -1;
    order.count = (size_t)pool_processes(pool);
    struct pool_result *result = submit(pool, &order);
    if (!result)
        return -1;
    int status = result_get(result, who, NULL, seconds);
    leave(pool, result);
    return status;
}
