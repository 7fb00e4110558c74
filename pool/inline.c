/*
 * inline.c - the caller's side: pools that run each task in the call that hands it over, for a debugger.
 *
 * Such a pool has one slot and no worker: whoever hands a job over is the worker for as long as that takes, one thread
 * at a time. A task that never comes back, because it threw an exception or called longjmp(), ends its job (self.c).
 */
#include "caller.h"

/* If a task never came back, its job ends; nobody has a handle of it. */
static void end_turn(struct undo *undo)
{
    struct pool *pool = undo->pool;
    struct region *region = pool->region;
    if (!result_ready(undo->result)) {
        struct slot *slot = &region->slots[0];
        give_up_tickets(region, job_of(undo->result), undo->result->chunks, GIVEN_UP_END, TAKEN_END);
        note_drop(region, slot);
        note64(&slot->at, 0);
        aim_at_nothing(slot);
        undo->result->looked = true;
        if (atomic_exchange(&slot->once, 0)) /* it stays on the list, and there is passed */
            undo->result->hold = HOLD_POOL;
        else
            pool_result_free(undo->result);
    }
    atomic_store(&region->living, 0);
    futex_wake(&region->living, INT32_MAX);
    pthread_mutex_unlock(&pool->turn);
}

void inline_run(struct pool *pool, struct pool_result *result)
{
    pthread_mutex_lock(&pool->turn);
    atomic_store(&pool->region->living, 1);
    pool->worker = worker_inline(pool->region);
    pool->worker.job = (uint32_t)(result - pool->results);
    call_out(&(struct undo){ .end = end_turn, .pool = pool, .result = result, .worker = &pool->worker }, worker_drain,
             &pool->worker);
}
