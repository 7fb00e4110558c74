/*
 * queue.c - bounded queues between the workers of a pool and its caller.
 *
 * Cells in job memory, each with a word that says whose turn it is, how many items were put and got so far, and two
 * locks, for those who put and those who get: words that bear the number of the holder. A worker that is killed cannot
 * keep one, because its successor finds its own number there and opens it (queues_heal()). Nor does it leave anything
 * half done: a put copies the item into a free cell, counts it, and then gives the cell away, which the successor does
 * if it did not; a get copies it out, notes that this worker has it, counts it, and gives the cell back. So only the
 * item that is being put can be lost.
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
#define NOT_OFTEN 16u /* turns between two looks at a cell: some items gather, and the other side keeps its lines */

enum outcome { NOT_YET, DONE, CLOSED };

/* A worker makes a call, which has a slot, or the caller, which has a pool. */
struct call {
    const char *who, *busy; /* the function, and that it has to wait, for the words of an error */
    struct pool_queue *queue;
    struct slot *slot;
    struct pool *pool;
    uint32_t number; /* of the slot; the caller comes after all of them */
    enum outcome (*try)(struct call *call);
    void *item;
    struct side *side; /* whose lock it wants */
    _Atomic uint32_t *bell;
    enum outcome outcome;
};

/* ---- The lock ---- */

static bool try_lock(void *about)
{
    const struct call *call = about;
    uint32_t word = atomic_load(&call->side->lock);
    return !(word & TICKET_OWNER) &&
           atomic_compare_exchange_strong(&call->side->lock, &word, word | (call->number + 1));
}

/* Returns false if somebody else keeps it for too long. */
static bool lock(struct call *call)
{
    _Atomic uint32_t *lock = &call->side->lock;
    if (try_lock(call))
        return true;
    for (uint64_t now = now_ns(), end = now + SLICE; now < end; now = now_ns()) {
        if (spin_until(OFTEN, now + call->queue->region->spin, try_lock, call))
            return true;
        uint32_t word = atomic_load(lock), waited = word | TICKET_WAITED;
        if (word & TICKET_OWNER && (word == waited || atomic_compare_exchange_strong(lock, &word, waited)))
            futex_wait(lock, waited, SLICE);
    }
    return false;
}

/* ---- One try ---- */

/* Copies the item with this number, counts it, unless the queue was closed up to this moment, and gives its cell to the
 * other side. Who gets an item has it open under the lock, and so does a join look. */
static bool move(const struct call *call, uint64_t n, struct cell *cell)
{
    struct side *side = call->side;
    size_t width = call->queue->width;
    _Atomic uint64_t *open = &call->queue->open[call->number].count;
    uint64_t turn = atomic_load_explicit(&cell->turn, memory_order_relaxed);
    if (width)
        memcpy(side->gets ? call->item : cell->item, side->gets ? cell->item : call->item, width);
    if (!side->gets && !atomic_compare_exchange_strong(&side->count, &n, n + 1))
        return false;
    if (side->gets && call->slot) /* a worker is the only one that writes there */
        note64(open, atomic_load_explicit(open, memory_order_relaxed) + 1);
    else if (side->gets)
        atomic_fetch_add(open, 1);
    if (side->gets)
        atomic_store_explicit(&side->count, n + 1, memory_order_release);
    atomic_store_explicit(&cell->turn, turn + 1, memory_order_release);
    return true;
}

/* Tells whether the queue is closed, and for those who get, whether they have seen the last item, too. */
static enum outcome not_now(const struct call *call)
{
    if (!atomic_load(&call->queue->shut))
        return NOT_YET;
    uint64_t put = atomic_load(&call->queue->put.count);
    bool last = call->side == &call->queue->put || put == (SHUT | atomic_load(&call->queue->got.count));
    return put & SHUT && last ? CLOSED : NOT_YET;
}

/* Puts an item or gets one. */
static enum outcome try_pass(struct call *call)
{
    struct pool_queue *queue = call->queue;
    struct side *side = call->side;
    for (;;) {
        uint64_t n = atomic_load(&side->count), turn;
        struct cell *cell = cell_of(queue, side, n & ~SHUT, &turn);
        if (n & SHUT || atomic_load(&cell->turn) != turn)
            return not_now(call);
        if (!lock(call))
            return NOT_YET;
        bool moved = atomic_load(&side->count) == n && move(call, n, cell);
        unlock(side);
        if (!moved)
            continue; /* another was faster */
        ring(side->gets ? &queue->room : &queue->items, false);
        return DONE;
    }
}

size_t pool_queue_size(struct pool_queue *queue)
{
    uint64_t got = queue ? atomic_load(&queue->got.count) : 0;
    return queue ? (atomic_load(&queue->put.count) & ~SHUT) - got : 0;
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
static enum outcome try_join(struct call *call)
{
    struct pool_queue *queue = call->queue;
    if (pool_queue_size(queue) || !lock(call))
        return NOT_YET;
    bool dealt = open_items(queue) == 0 && !pool_queue_size(queue);
    unlock(&queue->got);
    return dealt ? DONE : NOT_YET;
}

/* ---- Waiting ---- */

/* Returns whether there is nothing to wait for any more. */
static bool try(void *about)
{
    struct call *call = about;
    call->outcome = call->try(call);
    return call->outcome != NOT_YET;
}

/* Whether nobody is left who could do what is waited for, or the pool does not want it any more. */
static bool is_over(const struct call *call)
{
    return call->slot ? atomic_load(&call->queue->region->stop) >= STOP_TERMINATED : !look_after(call->pool);
}

/* Waits until it is done. Whether the pool is over it finds out before the last try, not behind it. */
static int wait_until(struct call *call, double seconds)
{
    struct wait wait = wait_begin(call->pool, call->busy, seconds);
    uint64_t end = now_ns() + call->queue->region->spin;
    if (wait.deadline && call->pool && !pool_may(call->pool, call->busy, true))
        return -1;
    if (wait.deadline && spin_until(NOT_OFTEN, end < wait.deadline ? end : wait.deadline, try, call))
        return 0;
    for (;;) {
        if (wait_goes_on(&wait) != 0)
            return -1;
        uint32_t word = atomic_fetch_or(call->bell, 1) | 1;
        bool over = is_over(call);
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
static bool begin(struct call *call)
{
    struct pool_queue *queue = call->queue;
    if (!queue)
        return error_set(EINVAL, "%s: queue is NULL; did pool_queue_open fail?", call->who) == 0;
    struct region *region = queue->region;
    struct worker *self = depth ? worker_self() : NULL; /* none in the caller, mostly */
    call->slot = self && self->region == region ? self->slot : NULL;
    call->number = call->slot ? (uint32_t)(call->slot - region->slots) : region->workers;
    if (call->slot)
        note64(&call->slot->queue, (uintptr_t)queue);
    else if (region->start == POOL_SPAWN ? getpid() == region->caller : *queue->pool->here)
        call->pool = queue->pool;
    else
        return error_set(EINVAL, "%s: only the pool's workers and the program that opened it can use its queues",
                         call->who) == 0;
    return true;
}

/* All is done, wake-ups included: a successor need not look at this queue. */
static void end(const struct call *call)
{
    if (call->slot)
        note64(&call->slot->queue, 0);
}

static int run(struct call *call, double seconds)
{
    VISIT in = call->pool ? visit(call->pool, NULL, call->who, false) : (struct visit){ .pool = NULL };
    int status = try(call) ? 0 : wait_until(call, seconds);
    if (status == 0 && call->outcome == CLOSED)
        status = error_set(ESHUTDOWN, "%s: the queue is closed%s", call->who,
                           call->side == &call->queue->put ? "" : ", and empty");
    end(call);
    return status;
}

/* Puts or gets. */
static int pass(struct call *call, bool puts, double seconds)
{
    struct pool_queue *queue = call->queue;
    if (queue && queue->width && !call->item)
        return error_set(EINVAL, "%s: item is NULL, but the queue's items have %zu bytes", call->who, queue->width);
    if (!begin(call))
        return -1;
    call->try = try_pass;
    call->side = puts ? &queue->put : &queue->got;
    call->bell = puts ? &queue->room : &queue->items;
    __builtin_prefetch(&call->side->lock, 1);
    return run(call, seconds);
}

int pool_queue_put(struct pool_queue *queue, const void *item, double seconds)
{
    struct call call = { "pool_queue_put", "pool_queue_put: the queue is full", queue, .item = (void *)item };
    return pass(&call, true, seconds); /* it only reads the item */
}

int pool_queue_get(struct pool_queue *queue, void *item, double seconds)
{
    struct call call = { "pool_queue_get", "pool_queue_get: the queue is empty", queue, .item = item };
    return pass(&call, false, seconds);
}

int pool_queue_join(struct pool_queue *queue, double seconds)
{
    static const char busy[] = "pool_queue_join: not all items are dealt with";
    struct call call = { "pool_queue_join", busy, queue, .try = try_join };
    if (!begin(&call))
        return -1;
    call.side = &queue->got;
    call.bell = &queue->dealt;
    int status = run(&call, seconds);
    if (status != 0 && errno == ETIMEDOUT)
        error_set(ETIMEDOUT, "pool_queue_join: %zu got and not dealt with, %zu still in it: not done within %g s",
                  open_items(queue), pool_queue_size(queue), seconds > 0 ? seconds : 0.0);
    return status;
}

int pool_queue_task_done(struct pool_queue *queue)
{
    struct call call = { .who = "pool_queue_task_done", .queue = queue };
    if (!begin(&call))
        return -1;
    _Atomic uint64_t *open = &queue->open[call.number].count;
    uint64_t count = atomic_load(open);
    while (count && !atomic_compare_exchange_weak(open, &count, count - 1))
        ;
    if (count == 1 && !pool_queue_size(queue))
        ring(&queue->dealt, false); /* else there is more to come, and a join need not look yet */
    end(&call);
    return count ? 0
                 : error_set(EINVAL, "pool_queue_task_done: every item that this %s got is dealt with already",
                             call.slot ? "worker" : "program");
}

int pool_queue_close(struct pool_queue *queue)
{
    struct call call = { .who = "pool_queue_close", .queue = queue };
    if (!begin(&call))
        return -1;
    atomic_fetch_or(&queue->put.count, SHUT);
    atomic_store(&queue->shut, true);
    ring(&queue->items, false);
    ring(&queue->room, false);
    end(&call);
    return 0;
}

/* ---- Opening ---- */

/* The lock is held. Memory may have been used before. */
static struct pool_queue *make_queue(struct pool *pool, size_t capacity, size_t width)
{
    struct region *region = pool->region;
    size_t front = sizeof(struct pool_queue) + (region->workers + 1) * sizeof(struct open);
    size_t stride = sizeof(struct cell) + round_to(width, sizeof(struct cell));
    struct extent extent = job_memory(pool, front + capacity * stride, "pool_queue_open");
    if (!extent.units)
        return NULL;
    struct pool_queue *queue = memset(memory_at(&pool->memory, extent), 0, front);
    queue->region = region;
    queue->pool = pool;
    queue->capacity = capacity;
    queue->width = width;
    queue->stride = stride;
    queue->cells = (char *)queue + front;
    for (size_t i = 0; i < capacity; i++)
        atomic_store_explicit(&((struct cell *)(queue->cells + i * stride))->turn, 0, memory_order_relaxed);
    queue->next = atomic_load(&region->queues);
    queue->got.gets = 1;
    atomic_store(&region->queues, queue);
    return queue;
}

struct pool_queue *pool_queue_open(struct pool *pool, size_t capacity, size_t width)
{
    VISIT in = visit(pool, NULL, "pool_queue_open", false);
    if (!in.pool)
        return NULL;
    if (!capacity)
        return error_set(EINVAL, "pool_queue_open: capacity is 0; it must be 1 or more"), NULL;
    if (width > MOST || capacity > MOST / (width + 2 * sizeof(struct cell)))
        return error_set(EINVAL, "pool_queue_open: %zu items of %zu bytes are more than any memory", capacity, width),
               NULL;
    lock_pool(pool);
    struct pool_queue *queue = pool_is_open(pool, "pool_queue_open") ? make_queue(pool, capacity, width) : NULL;
    unlock_pool(pool);
    return queue;
}
