/*
 * callback.c - the caller's side: callbacks.
 *
 * There is no thread that could run a callback, and the program is not interrupted for one: callbacks run in calls that
 * wait, in pool_poll() and in pool_join(). A call looks at some of the watched jobs only; the next one goes on there.
 */
#include "caller.h"
#include <errno.h>
#include <stdlib.h>

int watch(struct pool *pool, const struct order *order, struct pool_result *result)
{
    const struct pool_job_options *options = order->options;
    if (pool->watch_count == pool->watch_room) {
        size_t room = pool->watch_room ? 2 * pool->watch_room : 16;
        struct watch *watches = realloc(pool->watches, room * sizeof *watches);
        if (!watches)
            return error_set(ENOMEM, "%s: no memory for one more callback", order->who);
        pool->watches = watches;
        pool->watch_room = room;
    }
    pool->calls_out = true;
    pool->watches[pool->watch_count++] =
        (struct watch){ result, options->callback, options->error_callback, options->cookie };
    result->watch = (uint32_t)pool->watch_count;
    if (result->chunks == 0)
        ring_descriptor(pool->region, true); /* no worker will */
    return 0;
}

/* Takes the watch of this job, or else of any, off the list, if the job is done. */
static bool take(struct pool *pool, const struct pool_result *own, struct watch *due)
{
    bool found = false;
    lock_pool(pool);
    for (size_t looked = 0, most = own ? 1 : AT_ONCE; looked < most && looked < pool->watch_count && !found; looked++) {
        size_t at = own ? own->watch - 1u : pool->watch_next % pool->watch_count;
        struct watch *watch = &pool->watches[at];
        found = at < pool->watch_count && result_ready(watch->result);
        pool->watch_next += !own && !found;
        if (!found)
            continue;
        *due = *watch;
        *watch = pool->watches[--pool->watch_count];
        watch->result->watch = (uint32_t)at + 1;
        due->result->watch = WATCH_RUNS;
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
    struct watch *due = about;
    struct pool_error error;
    if (result_verdict(due->result, &error)) {
        due->good = due->bad;
        due->result->looked |= due->bad != NULL;
    }
    if (due->good)
        due->good(due->result, due->cookie);
    end_copy(due->result->pool->here);
}

/* Returns whether there is one. */
static bool run_callback(struct watch *due)
{
    struct pool_result *result = due->result;
    call_out(&(struct undo){ .end = end_callback, .pool = result->pool, .result = result, .callback = true }, run, due);
    return due->good;
}

int run_callbacks(struct pool *pool, const struct pool_result *own, uint64_t deadline)
{
    struct watch due;
    int count = 0;
    if (!pool->watch_count || in_callback())
        return 0;
    if (own && take(pool, own, &due))
        count += run_callback(&due);
    while (now_ns() < deadline && take(pool, NULL, &due))
        count += run_callback(&due);
    return count;
}
