/*
 * wait.c - the caller's side: waiting.
 *
 * A waiting thread marks the ticket it waits for WAITED and sleeps on that very word, so the worker that ends the
 * chunk knows whether a wake-up is due, and nobody is woken for nothing. It sleeps in slices of 100 ms; after each it
 * looks whether the nursery lives and repeats the wake-up of the workers, so that a lost one costs a slice, not
 * the program. A map waits for its last ticket first: mostly all others are done by then.
 *
 * Signals do not end a wait; pool_interrupt() does. A call takes part in the interrupts that were not answered when it
 * began, so one interrupt ends every call that waits, or else the next one that would.
 */
#include "caller.h"
#include <errno.h>
#include <string.h>

struct wait wait_begin(struct pool *pool, const char *who, double seconds)
{
    struct wait wait = { pool, who, seconds, UINT64_MAX, pool ? atomic_load(&pool->answered) : 0 };
    if (!(seconds > 0))
        wait.deadline = 0;
    else if (seconds < 1e9)
        wait.deadline = now_ns() + (uint64_t)(seconds * 1e9);
    return wait;
}

int wait_goes_on(const struct wait *wait)
{
    uint32_t interrupts = wait->pool ? atomic_load(&wait->pool->interrupts) : 0;
    if (interrupts != wait->answered) {
        atomic_store(&wait->pool->answered, interrupts);
        return error_set(EINTR, "%s: interrupted by pool_interrupt", wait->who);
    }
    if (now_ns() >= wait->deadline)
        return error_set(ETIMEDOUT, "%s: not done within %g s", wait->who, wait->seconds > 0 ? wait->seconds : 0.0);
    return 0;
}

void wait_on(const struct wait *wait, _Atomic uint32_t *word, uint32_t value)
{
    uint64_t now = now_ns(), left = wait->deadline > now ? wait->deadline - now : 1;
    futex_wait(word, value, left < SLICE ? left : SLICE);
    if (atomic_load(word) != value || !wait->pool)
        return;
    look_after(wait->pool);
    run_callbacks(wait->pool, NULL, wait->deadline);
}

/* ---- For a job ---- */

static bool is_done(void *ticket)
{
    return atomic_load((_Atomic uint32_t *)ticket) & TICKET_DONE;
}

static int await(const struct visit *in, const char *who, double seconds)
{
    struct pool_result *result = in->result;
    if (!in->pool || (!result_ready(result) && !pool_may(in->pool, who, true)))
        return -1;
    struct wait wait = wait_begin(in->pool, who, seconds);
    bool may_spin = !result->woke && wait.deadline; /* if the worker that will end it is awake on another core */
    for (_Atomic uint32_t *ticket; (ticket = last_undone(result));) {
        if (may_spin && spin_until(OFTEN, now_ns() + in->pool->region->spin, is_done, ticket))
            continue;
        may_spin = false;
        if (wait_goes_on(&wait) != 0)
            return -1;
        uint32_t word = atomic_load(ticket), waited = word | TICKET_WAITED;
        if (!(word & TICKET_DONE) && (word == waited || atomic_compare_exchange_strong(ticket, &word, waited)))
            wait_on(&wait, ticket, waited);
    }
    run_callbacks(in->pool, result, wait.deadline);
    if (result->hold == HOLD_HANDLE)
        return 0;
    return error_set(EINVAL, "%s: another thread has freed the result meanwhile", who);
}

int pool_result_wait(struct pool_result *result, double seconds)
{
    VISIT in = visit_result(result, "pool_result_wait", false);
    return await(&in, "pool_result_wait", seconds);
}

int pool_result_cancel(struct pool_result *result)
{
    VISIT in = visit_result(result, "pool_result_cancel", false);
    struct pool *pool = in.pool;
    if (!pool)
        return -1;
    lock_pool(pool);
    bool processes = pool->region->kind == POOL_PROCESSES, ready = result_ready(result);
    enum taken taken = processes ? TAKEN_CONDEMN : TAKEN_FINISH;
    uint32_t held = 0;
    if (!ready)
        held = give_up_tickets(pool->region, job_of(result), result->chunks, GIVEN_UP_CANCEL, taken);
    if (held && processes)
        call_nursery(pool);
    unlock_pool(pool);
    if (held && !processes)
        return error_set(ENOTSUP, "pool_result_cancel: threads are in %u of its chunks, and cannot be killed", held);
    return !ready;
}

int result_get(struct pool_result *result, const char *who, void *results, double seconds)
{
    struct pool_error error;
    VISIT in = visit_result(result, who, false);
    if (await(&in, who, seconds) != 0)
        return -1;
    if (results)
        copy_values(result, results);
    atomic_store_explicit(&result->looked, true, memory_order_relaxed);
    return result_verdict(result, &error) ? error_put(&error) : 0;
}

int pool_result_get(struct pool_result *result, void *results, double seconds)
{
    return result_get(result, "pool_result_get", results, seconds);
}
