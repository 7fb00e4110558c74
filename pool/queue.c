/*
 * queue.c - bounded queues between the workers of a pool and its caller.
 *
 * Cells in job memory, how many items were put and got so far, and two locks, for those who put and those who get:
 * words that bear the number of the holder. A worker that is killed cannot keep one, because its successor finds its
 * own number there and opens it (queues_heal()). Nor does it leave anything half done: a put copies the item into a
 * free cell and then counts it, a get copies it out, notes that this worker has it, and then counts it. At whatever
 * instruction it is killed, an item is in the queue or it is not; only the one that is being put can be lost.
 *
 * Who finds a lock held for a whole slice, by somebody who was stopped or whom nobody can heal any more, gives up
 * this try, so that timeouts are kept. There is no fairness: all who wait are woken, and one is the first.
 */
#include "caller.h"
#include "cells.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MOST (SIZE_MAX / 4) /* bytes: more than any memory */

/* Who makes a call: a worker, which has a slot, or the caller, which has a pool. */
struct party {
    struct pool_queue *queue;
    struct side *side; /* whose lock it wants */
    struct slot *slot;
    struct pool *pool;
    uint32_t number; /* of the slot; the caller comes after all of them */
};

/* ---- The lock ---- */

static bool try_lock(void *party)
{
    const struct party *me = party;
    uint32_t word = atomic_load(&me->side->lock);
    return !(word & TICKET_OWNER) && atomic_compare_exchange_strong(&me->side->lock, &word, word | (me->number + 1));
}

/* Returns false if somebody else keeps it for too long. */
static bool lock(struct party *me, struct side *side)
{
    me->side = side;
    if (try_lock(me))
        return true;
    for (uint64_t now = now_ns(), end = now + SLICE; now < end; now = now_ns()) {
        if (spin_until(OFTEN, now + me->queue->region->spin, try_lock, me))
            return true;
        uint32_t word = atomic_load(&side->lock);
        if (word & TICKET_OWNER &&
            (word & TICKET_WAITED || atomic_compare_exchange_strong(&side->lock, &word, word | TICKET_WAITED)))
            futex_wait(&side->lock, word | TICKET_WAITED, SLICE);
    }
    return false;
}

/* ---- One try ---- */

enum outcome { NOT_YET, DONE, CLOSED };

static char *cell_at(const struct pool_queue *queue, uint64_t n)
{
    return queue->cells + n % queue->capacity * queue->width;
}

static uint64_t items_put(const struct pool_queue *queue)
{
    return atomic_load(&queue->put.count) & ~SHUT;
}

/* Each side remembers what it has last seen of the other, and looks again only if that is not enough: else every call
 * would take a cache line from the other core. Only under the side's lock may it be remembered. */
static bool is_full(struct pool_queue *queue, bool locked)
{
    int64_t put = (int64_t)items_put(queue), most = (int64_t)queue->capacity;
    if (put - (int64_t)atomic_load_explicit(&queue->put.other, memory_order_relaxed) < most)
        return false;
    uint64_t got = atomic_load(&queue->got.count);
    if (locked)
        atomic_store_explicit(&queue->put.other, got, memory_order_relaxed);
    return put - (int64_t)got >= most;
}

static bool is_empty(struct pool_queue *queue, bool locked)
{
    int64_t got = (int64_t)atomic_load(&queue->got.count);
    if ((int64_t)atomic_load_explicit(&queue->got.other, memory_order_relaxed) > got)
        return false;
    uint64_t put = items_put(queue);
    if (locked)
        atomic_store_explicit(&queue->got.other, put, memory_order_relaxed);
    return (int64_t)put <= got;
}

/* Whoever is told so has seen the last item. */
static enum outcome nothing_left(const struct pool_queue *queue)
{
    return atomic_load(&queue->put.count) == (SHUT | atomic_load(&queue->got.count)) ? CLOSED : NOT_YET;
}

/* It may be closed up to the moment in which the item counts. */
static enum outcome try_put(struct party *me, void *item)
{
    struct pool_queue *queue = me->queue;
    if (atomic_load(&queue->put.count) & SHUT)
        return CLOSED;
    if (is_full(queue, false) || !lock(me, &queue->put))
        return NOT_YET;
    uint64_t put = atomic_load(&queue->put.count);
    bool room = !(put & SHUT) && !is_full(queue, true);
    if (room && queue->width)
        memcpy(cell_at(queue, put), item, queue->width);
    room = room && atomic_compare_exchange_strong(&queue->put.count, &put, put + 1);
    unlock(&queue->put);
    ring(&queue->items, false);
    return room ? DONE : put & SHUT ? CLOSED : NOT_YET;
}

/* Under the lock: else a join could miss an item between the queue and the hands of who gets it. */
static enum outcome try_get(struct party *me, void *item)
{
    struct pool_queue *queue = me->queue;
    if (is_empty(queue, false))
        return nothing_left(queue);
    if (!lock(me, &queue->got))
        return NOT_YET;
    bool any = !is_empty(queue, true);
    uint64_t got = atomic_load(&queue->got.count);
    if (any && queue->width)
        memcpy(item, cell_at(queue, got), queue->width);
    if (any) {
        _Atomic uint64_t *open = &queue->open[me->number].count;
        if (me->slot) /* a worker is the only one that writes there */
            atomic_store_explicit(open, atomic_load_explicit(open, memory_order_relaxed) + 1, memory_order_relaxed);
        else
            atomic_fetch_add(open, 1);
        atomic_store_explicit(&queue->got.count, got + 1, memory_order_release);
    }
    unlock(&queue->got);
    ring(&queue->room, false);
    return any ? DONE : nothing_left(queue);
}

/* How many items were got and are not dealt with. */
static size_t open_items(const struct pool_queue *queue)
{
    size_t count = 0;
    for (uint32_t i = 0; i <= queue->region->workers; i++)
        count += atomic_load(&queue->open[i].count);
    return count;
}

/* Nothing is got meanwhile. Whoever had an item open may have put another before it was dealt with: that is seen. */
static enum outcome try_join(struct party *me, void *unused)
{
    struct pool_queue *queue = me->queue;
    (void)unused;
    if (!is_empty(queue, false) || !lock(me, &queue->got))
        return NOT_YET;
    bool dealt = open_items(queue) == 0 && is_empty(queue, true);
    unlock(&queue->got);
    return dealt ? DONE : NOT_YET;
}

/* ---- Waiting ---- */

/* What a call is to do, where it waits, and how it stands. */
struct call {
    const char *who, *closed, *busy; /* the function, and that it has to wait, for the words of an error */
    enum outcome (*try)(struct party *me, void *item);
    void *item;
    _Atomic uint32_t *bell;
    struct party me;
    enum outcome outcome;
};

/* Returns whether there is nothing to wait for any more. */
static bool try(void *about)
{
    struct call *call = about;
    call->outcome = call->try(&call->me, call->item);
    return call->outcome != NOT_YET;
}

/* Whether nobody is left who could do what is waited for, or the pool does not want it any more. */
static bool is_over(const struct party *me)
{
    return me->slot ? atomic_load(&me->queue->region->stop) >= STOP_TERMINATED : !look_after(me->pool);
}

/* Waits until it is done. Whether the pool is over it finds out before the last try, not behind it. */
static int wait_until(struct call *call, double seconds)
{
    struct wait wait = wait_begin(call->me.pool, call->busy, seconds);
    uint64_t end = now_ns() + call->me.queue->region->spin;
    if (wait.deadline && spin_until(OFTEN, end < wait.deadline ? end : wait.deadline, try, call))
        return 0;
    for (;;) {
        if (wait_goes_on(&wait) != 0)
            return -1;
        uint32_t word = atomic_fetch_or(call->bell, 1) | 1;
        bool over = is_over(&call->me);
        if (try(call))
            return 0;
        if (over)
            return error_set(ESHUTDOWN, "%s, and the pool is over", call->busy);
        wait_on(&wait, call->bell, word);
    }
}

/* ---- The calls ---- */

/* Finds out who calls, and notes in a worker's slot that it is using this queue. Who is neither the caller nor
 * a worker must not pass for one: nobody would heal what it leaves. */
static bool begin(struct party *me, struct pool_queue *queue, const char *who)
{
    if (!queue)
        return error_set(EINVAL, "%s: queue is NULL; did pool_queue_open fail?", who) == 0;
    struct region *region = queue->region;
    *me = (struct party){ .queue = queue, .slot = worker_slot(region), .number = region->workers };
    if (me->slot) {
        me->number = (uint32_t)(me->slot - region->slots);
        note64(&me->slot->queue, (uintptr_t)queue);
    } else if (region->start == POOL_SPAWN ? getpid() == region->caller : *queue->pool->here) {
        me->pool = queue->pool;
    } else {
        return error_set(EINVAL, "%s: only the pool's workers and the program that opened it can use its queues",
                         who) == 0;
    }
    return true;
}

/* All is done, wake-ups included: a successor need not look at this queue. */
static void end(const struct party *me)
{
    if (me->slot)
        note64(&me->slot->queue, 0);
}

static int run(struct pool_queue *queue, struct call *call, double seconds)
{
    struct party *me = &call->me;
    if (!begin(me, queue, call->who))
        return -1;
    VISIT in = me->pool ? visit(me->pool, NULL, call->who, false) : (struct visit){ .pool = NULL };
    bool waits = !try(call), may = !waits || seconds <= 0 || !me->pool || pool_may(me->pool, call->busy, true);
    int status = !may ? -1 : waits ? wait_until(call, seconds) : 0;
    if (status == 0 && call->outcome == CLOSED)
        status = error_set(ESHUTDOWN, "%s", call->closed);
    end(me);
    return status;
}

int pool_queue_put(struct pool_queue *queue, const void *item, double seconds)
{
    static const char who[] = "pool_queue_put";
    struct call call = { who,
                         "pool_queue_put: the queue is closed",
                         "pool_queue_put: the queue is full",
                         try_put,
                         (void *)item,
                         queue ? &queue->room : NULL,
                         .outcome = NOT_YET }; /* it only reads the item */
    if (queue && queue->width && !item)
        return error_set(EINVAL, "%s: item is NULL, but the queue's items have %zu bytes", who, queue->width);
    return run(queue, &call, seconds);
}

int pool_queue_get(struct pool_queue *queue, void *item, double seconds)
{
    static const char who[] = "pool_queue_get";
    struct call call = { who,
                         "pool_queue_get: the queue is closed, and empty",
                         "pool_queue_get: the queue is empty",
                         try_get,
                         item,
                         queue ? &queue->items : NULL,
                         .outcome = NOT_YET };
    if (queue && queue->width && !item)
        return error_set(EINVAL, "%s: item is NULL, but the queue's items have %zu bytes", who, queue->width);
    return run(queue, &call, seconds);
}

int pool_queue_join(struct pool_queue *queue, double seconds)
{
    struct call call = { "pool_queue_join", NULL, "pool_queue_join: not all items are dealt with",
                         try_join,          NULL, queue ? &queue->dealt : NULL,
                         .outcome = NOT_YET };
    int status = run(queue, &call, seconds);
    if (status != 0 && errno == ETIMEDOUT)
        error_set(ETIMEDOUT, "pool_queue_join: %zu got and not dealt with, %zu still in it: not done within %g s",
                  open_items(queue), pool_queue_size(queue), seconds > 0 ? seconds : 0.0);
    return status;
}

int pool_queue_task_done(struct pool_queue *queue)
{
    struct party me = { .queue = queue };
    if (!begin(&me, queue, "pool_queue_task_done"))
        return -1;
    _Atomic uint64_t *open = &queue->open[me.number].count;
    uint64_t count = atomic_load(open);
    while (count && !atomic_compare_exchange_weak(open, &count, count - 1))
        ;
    if (count == 1 && is_empty(queue, false))
        ring(&queue->dealt, false); /* else there is more to come, and a join need not look yet */
    end(&me);
    return count ? 0
                 : error_set(EINVAL, "pool_queue_task_done: every item that this %s got is dealt with already",
                             me.slot ? "worker" : "program");
}

size_t pool_queue_size(struct pool_queue *queue)
{
    uint64_t got = queue ? atomic_load(&queue->got.count) : 0;
    return queue ? items_put(queue) - got : 0;
}

int pool_queue_close(struct pool_queue *queue)
{
    struct party me;
    if (!begin(&me, queue, "pool_queue_close"))
        return -1;
    atomic_fetch_or(&queue->put.count, SHUT);
    ring(&queue->items, false);
    ring(&queue->room, false);
    end(&me);
    return 0;
}

/* ---- Opening ---- */

static bool can_open(const struct pool *pool)
{
    if (pool->stop)
        return error_set(ESHUTDOWN, "pool_queue_open: the pool is %s",
                         pool->stop == STOP_CLOSED ? "closed" : "terminated") == 0;
    if (pool->over)
        return error_set(ESHUTDOWN, "pool_queue_open: %s", pool->why) == 0;
    return true;
}

/* The lock is held. Memory may have been used before; the cells need not be zero. */
static struct pool_queue *make_queue(struct pool *pool, size_t capacity, size_t width)
{
    struct region *region = pool->region;
    size_t front = sizeof(struct pool_queue) + (region->workers + 1) * sizeof(struct open);
    struct extent extent = job_memory(pool, front + capacity * width, "pool_queue_open");
    if (!extent.units)
        return NULL;
    struct pool_queue *queue = memset(memory_at(&pool->memory, extent), 0, front);
    queue->region = region;
    queue->pool = pool;
    queue->capacity = capacity;
    queue->width = width;
    queue->cells = (char *)queue + front;
    queue->next = atomic_load(&region->queues);
    atomic_store(&region->queues, queue);
    return queue;
}

struct pool_queue *pool_queue_open(struct pool *pool, size_t capacity, size_t width)
{
    struct pool_queue *queue = NULL;
    VISIT in = visit(pool, NULL, "pool_queue_open", false);
    if (!in.pool)
        return NULL;
    if (!capacity)
        error_set(EINVAL, "pool_queue_open: capacity is 0; it must be 1 or more");
    else if (capacity > MOST / (width ? width : 1))
        error_set(EINVAL, "pool_queue_open: %zu items of %zu bytes are more than any memory", capacity, width);
    else {
        lock_pool(pool);
        if (can_open(pool))
            queue = make_queue(pool, capacity, width);
        unlock_pool(pool);
    }
    return queue;
}
