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
    result->watched = wants_callback(order);
    if (!result->watched)
        return;
    pool->watches[pool->watch_count++] =
        (struct watch){ result, options->callback, options->error_callback, options->cookie };
    if (result->chunks == 0)
        ring_descriptor(pool->region, true); /* no worker will */
}

/* Takes a watch whose job is done off the list. */
static bool take_watch(struct pool *pool, struct watch *due)
{
    bool found = false;
    pthread_mutex_lock(&pool->lock);
    for (size_t looked = 0; looked < AT_ONCE && looked < pool->watch_count && !found; looked++) {
        struct watch *watch = &pool->watches[pool->watch_next++ % pool->watch_count];
        found = pool_result_ready(watch->result);
        if (found) {
            *due = *watch;
            *watch = pool->watches[--pool->watch_count];
            pool->watch_next--;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

int run_callbacks(struct pool *pool)
{
    struct watch due;
    struct pool_error error;
    int count = 0;
    if (enter_callback(true)) /* it is inside one already */
        return 0;
    while (take_watch(pool, &due)) {
        bool bad = result_verdict(due.result, &error);
        pool_callback *callback = bad ? due.bad : due.good;
        due.result->looked |= bad && callback;
        if (callback)
            callback(due.result, due.cookie);
        due.result->watched = false;
        count += callback != NULL;
    }
    enter_callback(false);
    return count;
}
