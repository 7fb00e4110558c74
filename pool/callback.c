/*
 * callback.c - the caller's side: callbacks.
 *
 * There is no thread that could run a callback, and the program is not interrupted for one: callbacks run in calls that
 * wait, in pool_poll() and in pool_join(). A call looks at some of the watched jobs only and goes on there the next
 * time, so that a program with very many of them does not look at all whenever it waits.
 */
#include "caller.h"
#include <errno.h>
#include <stdlib.h>

static bool wants_callback(const struct order *order)
{
    return order->options && (order->options->callback || order->options->error_callback);
}

int watch_room(struct pool *pool, const struct order *order)
{
    if (!wants_callback(order) || pool->watch_count < pool->watch_room)
        return 0;
    size_t room = pool->watch_room ? 2 * pool->watch_room : 16;
    struct watch *watches = realloc(pool->watches, room * sizeof *watches);
    if (!watches)
        return error_set(ENOMEM, "%s: no memory for one more callback", order->who);
    pool->watches = watches;
    pool->watch_room = room;
    return 0;
}

void watch(struct pool *pool, const struct order *order, struct pool_result *result)
{
    const struct pool_job_options *options = order->options;
    if (!wants_callback(order))
        return;
    pool->calls_out = true;
    pool->watches[pool->watch_count++] =
        (struct watch){ result, options->callback, options->error_callback, options->cookie };
    result->watch = (uint32_t)pool->watch_count;
    if (result->chunks == 0)
        ring_descriptor(pool->region, true); /* no worker will */
}

/* Takes a watch off the list if its job is done. The lock is held. */
static bool take_at(struct pool *pool, size_t at, struct watch *due)
{
    struct watch *watch = &pool->watches[at];
    if (!result_ready(watch->result))
        return false;
    *due = *watch;
    *watch = pool->watches[--pool->watch_count];
    watch->result->watch = (uint32_t)at + 1;
    due->result->watch = WATCH_RUNS;
    return true;
}

/* Takes the watch of any job that is done. */
static bool take_any(struct pool *pool, struct watch *due)
{
    bool found = false;
    lock_pool(pool);
    for (size_t looked = 0; looked < AT_ONCE && looked < pool->watch_count && !found; looked++) {
        size_t at = pool->watch_next++ % pool->watch_count;
        found = take_at(pool, at, due);
        pool->watch_next -= found;
    }
    unlock_pool(pool);
    return found;
}

static void end_callback(struct undo *undo)
{
    undo->result->watch = 0;
}

static void run(void *about)
{
    const struct watch *due = about;
    due->good(due->result, due->cookie);
    end_copy(due->result->pool->here);
}

/* Returns whether there is one. */
static bool run_callback(struct watch *due)
{
    struct pool_error error;
    struct undo undo = { .end = end_callback, .pool = due->result->pool, .result = due->result, .callback = true };
    bool bad = result_verdict(due->result, &error);
    if (bad)
        due->good = due->bad;
    due->result->looked |= bad && due->good;
    if (due->good)
        call_out(&undo, run, due);
    else
        end_callback(&undo);
    return due->good;
}

int run_callbacks(struct pool *pool, uint64_t deadline)
{
    struct watch due;
    int count = 0;
    while (pool->watch_count && !in_callback() && now_ns() < deadline && take_any(pool, &due))
        count += run_callback(&due);
    return count;
}

void run_own_callback(struct pool_result *result)
{
    struct pool *pool = result->pool;
    struct watch due;
    if (!result->watch || in_callback())
        return;
    lock_pool(pool);
    bool found = result->watch && result->watch != WATCH_RUNS && take_at(pool, result->watch - 1, &due);
    unlock_pool(pool);
    if (found)
        run_callback(&due);
}
