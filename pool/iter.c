/*
 * iter.c - imap: a stream of items in, a stream of results out.
 *
 * Each chunk of items that was read from the source is a job of its own, a *flight*. So many flights are kept under way
 * that each worker has one, and `ahead` items more; the source is asked for the next chunk only when there is room.
 * That bounds the memory, works with endless input, and makes closing half-way nothing special.
 *
 * In order, the oldest flight is waited for. Unordered, any that is done: workers ring a bell at the end of each chunk,
 * on which the caller sleeps. Bells are shared by iterators whose numbers collide; then one of them looks in vain.
 */
#include "caller.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One chunk under way. */
struct flight {
    struct pool_result *result;
    size_t first, given; /* the index of its first item, and how many of its items were given out */
};

struct pool_iter {
    struct pool *pool;
    struct pool_iter *next; /* in the pool's list */
    struct order order;
    struct pool_job_options options; /* for each flight */
    pool_source *source;
    void *state;
    bool ordered, ended, source_failed;
    size_t chunk, window;            /* items in a flight; items under way at most */
    size_t pulled, flying;           /* items read from the source; items handed over and not given out */
    size_t index;                    /* of the item given last */
    struct flight *flights, current; /* the oldest first; the one given from */
    size_t count;
    char *items; /* room for a chunk */
};

/* ---- Opening and closing ---- */

static int check(const struct pool_job_options *options, const char *who, pool_source *source)
{
    if (!source)
        return error_set(EINVAL, "%s: source is NULL", who);
    if (!in_range(who, "chunk", options->chunk, INT32_MAX) || !in_range(who, "ahead", options->ahead, INT32_MAX))
        return -1;
    if (options->callback || options->error_callback)
        return error_set(EINVAL, "%s: a stream has no callbacks", who);
    return 0;
}

static void iter_free(struct pool_iter *iter)
{
    free(iter->flights);
    free(iter->items);
    free(iter);
}

static struct pool_iter *iter_open(struct pool *pool, const struct order *order, pool_source *source, void *state,
                                   bool ordered)
{
    struct pool_job_options options = order->options ? *order->options : (struct pool_job_options){ .chunk = 0 };
    VISIT in = visit(pool, NULL, order->who, false);
    if (!in.pool || check(&options, order->who, source) != 0)
        return NULL;
    size_t workers = (size_t)pool_processes(pool), chunk = options.chunk ? (size_t)options.chunk : 1;
    size_t window = workers * chunk + (options.ahead ? (size_t)options.ahead : workers);
    struct pool_iter *iter = calloc(1, sizeof *iter);
    struct flight *flights = calloc(window / chunk + 1, sizeof *flights);
    char *items = calloc(chunk, order->width + 1);
    if (!iter || !flights || !items) {
        free(iter);
        free(flights);
        free(items);
        error_set(ENOMEM, "%s: no memory for %zu items of %zu bytes", order->who, chunk, order->width);
        return NULL;
    }
    *iter = (struct pool_iter){ .pool = pool,
                                .order = *order,
                                .source = source,
                                .state = state,
                                .ordered = ordered,
                                .chunk = chunk,
                                .window = window,
                                .flights = flights,
                                .items = items };
    iter->options = options; /* for each flight */
    iter->options.chunk = (long)chunk;
    iter->order.options = &iter->options;
    iter->order.bell = ordered ? 0 : 1 + (uint32_t)((uintptr_t)iter / 64 % BELLS);
    lock_pool(pool);
    bool takes = pool_takes(pool, &iter->order);
    iter->next = pool->iters;
    pool->iters = takes ? iter : pool->iters;
    unlock_pool(pool);
    if (takes)
        return iter;
    iter_free(iter);
    return NULL;
}

struct pool_iter *pool_imap(struct pool *pool, pool_task *task, pool_source *source, void *state, size_t width,
                            size_t result_width, const struct pool_job_options *options)
{
    struct order order = { "pool_imap", task, NULL, 0, width, result_width, options, .bell = 0 };
    return iter_open(pool, &order, source, state, true);
}

struct pool_iter *pool_imap_unordered(struct pool *pool, pool_task *task, pool_source *source, void *state,
                                      size_t width, size_t result_width, const struct pool_job_options *options)
{
    struct order order = { "pool_imap_unordered", task, NULL, 0, width, result_width, options, .bell = 0 };
    return iter_open(pool, &order, source, state, false);
}

static void drop(struct pool_result *result)
{
    if (result)
        atomic_store_explicit(&result->looked, true, memory_order_relaxed);
    pool_result_free(result);
}

void pool_iter_close(struct pool_iter *iter)
{
    VISIT in = visit(iter ? iter->pool : NULL, NULL, "pool_iter_close", false);
    struct pool *pool = in.pool;
    if (!pool)
        return;
    drop(iter->current.result);
    for (size_t i = 0; i < iter->count; i++)
        drop(iter->flights[i].result);
    lock_pool(pool);
    struct pool_iter **link = &pool->iters;
    while (*link && *link != iter)
        link = &(*link)->next;
    if (*link)
        *link = iter->next;
    unlock_pool(pool);
    iter_free(iter);
}

void iters_free(struct pool *pool)
{
    while (pool->iters) {
        struct pool_iter *iter = pool->iters;
        pool->iters = iter->next;
        iter_free(iter);
    }
}

/* ---- The input ---- */

/* Reads a chunk of items from the source. Returns how many there were. */
static size_t pull(struct pool_iter *iter)
{
    size_t count = 0;
    while (count < iter->chunk && !iter->ended) {
        int got = iter->source(iter->state, iter->items + count * iter->order.width);
        if (got > 0) {
            count++;
        } else {
            iter->ended = true;
            iter->source_failed = got < 0;
        }
    }
    return count;
}

static bool takes_more(struct pool_iter *iter)
{
    lock_pool(iter->pool);
    bool takes = pool_takes(iter->pool, &iter->order);
    unlock_pool(iter->pool);
    return takes;
}

/* Hands over as many chunks as there is room for. Once the pool is closed, the source is not asked any more. */
static int refill(struct pool_iter *iter)
{
    while (!iter->ended && iter->flying + iter->chunk <= iter->window && takes_more(iter)) {
        struct order order = iter->order;
        order.base = iter->items;
        order.count = pull(iter);
        if (order.count == 0)
            return 0;
        struct pool_result *result = submit(iter->pool, &order);
        if (!result) {
            iter->ended = true; /* these items are lost, so nothing may come behind them */
            return -1;
        }
        iter->flights[iter->count++] = (struct flight){ result, iter->pulled, 0 };
        iter->pulled += order.count;
        iter->flying += order.count;
    }
    return 0;
}

/* ---- The output ---- */

static void land(struct pool_iter *iter, size_t which)
{
    iter->current = iter->flights[which];
    iter->count--;
    memmove(&iter->flights[which], &iter->flights[which + 1], (iter->count - which) * sizeof *iter->flights);
}

static bool land_any(struct pool_iter *iter)
{
    for (size_t i = 0; i < iter->count; i++)
        if (result_ready(iter->flights[i].result)) {
            land(iter, i);
            return true;
        }
    return false;
}

/* Waits until some flight is done. */
static int wait_for_any(const struct wait *wait, struct pool_iter *iter)
{
    while (!land_any(iter)) {
        _Atomic uint32_t *bell = &iter->pool->region->bells[iter->order.bell - 1];
        uint32_t value = atomic_fetch_or(bell, 1) | 1;
        if (land_any(iter))
            break;
        if (wait_goes_on(wait) != 0)
            return -1;
        wait_on(wait, bell, value);
    }
    return 0;
}

static int wait_for_oldest(const struct wait *wait, struct pool_iter *iter)
{
    if (wait_for(wait, iter->flights[0].result) != 0)
        return -1;
    land(iter, 0);
    return 0;
}

static int give(struct pool_iter *iter, void *result)
{
    struct flight *flight = &iter->current;
    struct pool_error error;
    size_t item = flight->given++;
    iter->index = flight->first + item;
    iter->flying--;
    atomic_store_explicit(&flight->result->looked, true, memory_order_relaxed);
    if (copy_value(flight->result, item, result))
        return 1;
    error_of_item(&error, iter->index, result_note(flight->result, item), iter->pool->why);
    return error_put(&error);
}

/* What comes when no item is left. */
static int at_end(struct pool_iter *iter)
{
    if (!iter->ended)
        return takes_more(iter) ? 0 : -1; /* the pool was closed, and the error says so */
    if (!iter->source_failed)
        return 0;
    iter->source_failed = false;
    return error_set(EREMOTEIO, "pool_iter_next: the source failed after %zu items", iter->pulled);
}

int pool_iter_next(struct pool_iter *iter, void *result, double seconds)
{
    if (!iter)
        return error_set(EINVAL, "pool_iter_next: iter is NULL; did pool_imap fail?");
    VISIT in = visit(iter->pool, NULL, "pool_iter_next", true);
    if (!in.pool)
        return -1;
    struct wait wait = wait_begin(iter->pool, "pool_iter_next", seconds);
    if (iter->current.result && iter->current.given == iter->current.result->count) {
        pool_result_free(iter->current.result);
        iter->current.result = NULL;
    }
    if (refill(iter) != 0)
        return -1;
    if (!iter->current.result) {
        if (iter->count == 0)
            return at_end(iter);
        if ((iter->ordered ? wait_for_oldest(&wait, iter) : wait_for_any(&wait, iter)) != 0)
            return -1;
    }
    return give(iter, result);
}

size_t pool_iter_index(const struct pool_iter *iter)
{
    return iter ? iter->index : 0;
}

const void *pool_iter_reply(struct pool_iter *iter, size_t *size)
{
    if (!iter || !iter->current.result || iter->current.given == 0) {
        if (size)
            *size = 0;
        return NULL;
    }
    return pool_result_reply(iter->current.result, iter->current.given - 1, size);
}
