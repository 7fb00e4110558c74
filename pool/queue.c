/*
 * queue.c - bounded queues between the workers of a pool and its caller.
 *
 * Cells in job memory, each with a word that says whose turn it is, how many items were put and got so far, and a lock
 * each for those who put and those who get: the number of its holder. A worker that is killed cannot keep it, because
 * its successor finds its own number there and opens it (queues_heal()). Nor is anything left half done: a put copies
 * the item into a free cell, counts it, and gives the cell away, which the successor does if it did not; a get copies
 * it out, notes that this worker has it, counts it, and gives the cell back. Only the item being put can be lost.
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
#define NOT_OFTEN 8u        /* turns between two looks at a cell: items gather, and the other side keeps its lines */

struct call {
    const char *who, *busy; /* the function, and that it has to wait, for the words of an error */
    struct pool_queue *queue;
    bool (*try)(void *call); /* returns whether there is nothing to wait for any more */
    enum want want;
    void *item;
    struct worker *self; /* NULL: the caller */
    uint32_t number;     /* of its slot; the caller comes after all of them */
    bool refused;
};

/* ---- The lock ---- */

static bool try_lock(void *about)
{
    const struct call *call = about;
    _Atomic uint32_t *lock = &call->queue->sides[call->want].lock;
    return !atomic_load(lock) && atomic_compare_exchange_strong(lock, &(uint32_t){ 0 }, call->number + 1);
}

/* Returns false if somebody else keeps it for too long. */
static bool lock(struct call *call)
{
    _Atomic uint32_t *lock = &call->queue->sides[call->want].lock;
    for (uint64_t now = now_ns(), end = now + SLICE; now < end; now = now_ns()) {
        if (spin_until(OFTEN, now + call->queue->region->spin, try_lock, call))
            return true;
        uint32_t word = atomic_load(lock), waited = word | TICKET_WAITED;
        if (word && (word == waited || atomic_compare_exchange_strong(lock, &word, waited)))
            futex_wait(lock, waited, SLICE);
    }
    return false;
}

/* ---- One try ---- */

/* Copies the item with this number, counts it, unless the queue was closed up to this moment, and gives its cell to the
 * other side. Who gets an item has it open before it counts: a join must not miss it. */
static bool move(const struct call *call, uint64_t n, struct cell *cell)
{
    struct pool_queue *queue = call->queue;
    _Atomic uint64_t *count = &queue->sides[call->want].count, *open = &queue->open[call->number].count;
    uint64_t turn = atomic_load_explicit(&cell->turn, memory_order_relaxed);
    bool gets = call->want == TO_GET;
    if (queue->width)
        memcpy(gets ? call->item : cell->item, gets ? cell->item : call->item, queue->width);
    if (!gets && !atomic_compare_exchange_strong(count, &n, n + 1))
        return false;
    if (gets && call->self) /* a worker is the only one that writes there */
        note64(open, atomic_load_explicit(open, memory_order_relaxed) + 1);
    else if (gets)
        atomic_fetch_add(open, 1);
    if (gets)
        atomic_store_explicit(count, n + 1, memory_order_release);
    atomic_store_explicit(&cell->turn, turn + 1, memory_order_release);
    return true;
}

/* Tells whether nothing can be put any more, or got. */
static bool is_closed(const struct pool_queue *queue, enum want want)
{
    if (!atomic_load(&queue->shut))
        return false;
    uint64_t put = atomic_load(&queue->sides[TO_PUT].count);
    return want == TO_PUT ? put & SHUT : put == (SHUT | atomic_load(&queue->sides[TO_GET].count));
}

/* Puts an item or gets one. */
static bool try_pass(void *about)
{
    struct call *call = about;
    struct pool_queue *queue = call->queue;
    struct side *side = &queue->sides[call->want];
    for (bool moved = false; !moved;) {
        uint64_t n = atomic_load(&side->count), turn;
        struct cell *cell = cell_of(queue, call->want, n & ~SHUT, &turn);
        if (!(n & SHUT) && atomic_load(&cell->turn) == turn) {
            if (!try_lock(call) && !lock(call))
                return false;
            moved = atomic_load(&side->count) == n && move(call, n, cell);
            unlock(side);
        } else if (atomic_load(&side->count) == n) { /* else another was faster */
            return call->refused = is_closed(queue, call->want);
        }
    }
    ring(&queue->bells[!call->want], false);
    return true;
}

size_t pool_queue_size(struct pool_queue *queue)
{
    uint64_t got = queue ? atomic_load(&queue->sides[TO_GET].count) : 0;
    return queue ? (atomic_load(&queue->sides[TO_PUT].count) & ~SHUT) - got : 0;
}

/* How many items were got and are not dealt with. */
static size_t open_items(const struct pool_queue *queue)
{
    size_t count = 0;
    for (uint32_t i = 0; i <= queue->region->workers; i++)
        count += atomic_load(&queue->open[i].count);
    return count;
}

/* If nothing is in it, and no more was put while none was open, none was at the end of that. */
static bool try_join(void *about)
{
    const struct pool_queue *queue = ((struct call *)about)->queue;
    uint64_t put = atomic_load(&queue->sides[TO_PUT].count);
    return (put & ~SHUT) == atomic_load(&queue->sides[TO_GET].count) && !open_items(queue) &&
           put == atomic_load(&queue->sides[TO_PUT].count);
}

static bool try_deal(void *about)
{
    struct call *call = about;
    struct pool_queue *queue = call->queue;
    _Atomic uint64_t *open = &queue->open[call->number].count;
    uint64_t count = atomic_load(open);
    while (count && !atomic_compare_exchange_weak(open, &count, count - 1))
        ;
    if (count == 1 && !pool_queue_size(queue))
        ring(&queue->bells[TO_JOIN], false); /* else there is more to come, and a join need not look yet */
    call->refused = count == 0;
    return true;
}

static bool try_close(void *about)
{
    struct pool_queue *queue = ((struct call *)about)->queue;
    atomic_store(&queue->shut, true); /* first: who is killed before it is closed has only had others look */
    atomic_fetch_or(&queue->sides[TO_PUT].count, SHUT);
    ring(&queue->bells[TO_PUT], false);
    ring(&queue->bells[TO_GET], false);
    return true;
}

/* ---- Waiting ---- */

/* Waits until it is done. Whether the pool is over it finds out before the last try, not behind it; and what was there
 * in time it gets, however late it looks. */
static int wait_until(struct call *call, double seconds)
{
    struct region *region = call->queue->region;
    struct wait wait = wait_begin(call->self ? NULL : call->queue->pool, call->busy, seconds);
    _Atomic uint32_t *bell = &call->queue->bells[call->want];
    uint64_t end = now_ns() + region->spin;
    if (wait.deadline && wait.pool && !pool_may(wait.pool, call->busy, true))
        return -1;
    if (wait.deadline && spin_until(NOT_OFTEN, end < wait.deadline ? end : wait.deadline, call->try, call))
        return 0;
    for (;;) {
        if (wait_goes_on(&wait) != 0)
            return errno == ETIMEDOUT && call->try(call) ? 0 : error_put(pool_error());
        uint32_t word = atomic_fetch_or(bell, 1) | 1;
        bool over = wait.pool ? !look_after(wait.pool) : atomic_load(&region->stop) >= STOP_TERMINATED;
        if (call->try(call))
            return 0;
        if (over)
            return error_set(ESHUTDOWN, "%s, and the pool is over", call->busy);
        wait_on(&wait, bell, word);
    }
}

/* ---- The calls ---- */

/* Finds out who calls. Who is neither the caller nor a worker must not pass for one: nobody would heal what it leaves.
 */
static int begin(struct call *call)
{
    struct pool_queue *queue = call->queue;
    if (!queue)
        return error_set(EINVAL, "%s: queue is NULL; did pool_queue_open fail?", call->who);
    struct region *region = queue->region;
    struct worker *self = depth ? worker_self() : NULL; /* none in the caller, mostly */
    if (self && self->region == region)
        call->self = self;
    else if (!(region->start == POOL_SPAWN ? getpid() == region->caller : *queue->pool->here))
        return error_set(EINVAL, "%s: only the pool's workers and the program that opened it can use its queues",
                         call->who);
    call->number = call->self ? self->number : region->workers;
    return 0;
}

/* While a worker is in a call, its slot names the queue: wake-ups included, all is done behind that. */
static int run(struct call *call, double seconds)
{
    if (begin(call) != 0)
        return -1;
    VISIT in = call->self ? (struct visit){ .pool = NULL } : visit(call->queue->pool, NULL, call->who, false);
    if (!call->self && !in.pool)
        return -1;
    if (call->self)
        note64(&call->self->slot->queue, (uintptr_t)call->queue);
    int status = call->try(call) ? 0 : wait_until(call, seconds);
    if (call->self)
        note64(&call->self->slot->queue, 0);
    return status;
}

/* Puts or gets. */
static int pass(struct call *call, double seconds)
{
    if (call->queue && call->queue->width && !call->item)
        return error_set(EINVAL, "%s: item is NULL, but the queue's items have %zu bytes", call->who,
                         call->queue->width);
    if (run(call, seconds) != 0)
        return -1;
    return call->refused ? error_set(ESHUTDOWN, "%s: the queue is closed", call->who) : 0;
}

int pool_queue_put(struct pool_queue *queue, const void *item, double seconds)
{
    struct call call = { "pool_queue_put", "pool_queue_put: the queue is full", queue, try_pass, .item = (void *)item };
    return pass(&call, seconds); /* it only reads the item */
}

int pool_queue_get(struct pool_queue *queue, void *item, double seconds)
{
    struct call call = {
        "pool_queue_get", "pool_queue_get: the queue is empty", queue, try_pass, TO_GET, .item = item
    };
    return pass(&call, seconds);
}

int pool_queue_join(struct pool_queue *queue, double seconds)
{
    static const char busy[] = "pool_queue_join: not all items are dealt with";
    struct call call = { "pool_queue_join", busy, queue, try_join, .want = TO_JOIN };
    int status = run(&call, seconds);
    if (status != 0 && errno == ETIMEDOUT)
        error_set(ETIMEDOUT, "pool_queue_join: %zu got and not dealt with, %zu still in it: not done within %g s",
                  open_items(queue), pool_queue_size(queue), seconds > 0 ? seconds : 0.0);
    return status;
}

int pool_queue_task_done(struct pool_queue *queue)
{
    struct call call = { .who = "pool_queue_task_done", .queue = queue, .try = try_deal };
    if (run(&call, 0) != 0)
        return -1;
    return !call.refused ? 0
                         : error_set(EINVAL, "pool_queue_task_done: every item that this %s got is dealt with already",
                                     call.self ? "worker" : "program");
}

int pool_queue_close(struct pool_queue *queue)
{
    struct call call = { .who = "pool_queue_close", .queue = queue, .try = try_close };
    return run(&call, 0);
}

/* Memory may have been used before. */
struct pool_queue *pool_queue_open(struct pool *pool, size_t capacity, size_t width)
{
    static const char who[] = "pool_queue_open";
    VISIT in = visit(pool, NULL, who, false);
    if (!in.pool)
        return NULL;
    if (!capacity)
        return error_set(EINVAL, "%s: capacity is 0; it must be 1 or more", who), NULL;
    if (width > MOST || capacity > MOST / (width + 2 * sizeof(struct cell)))
        return error_set(EINVAL, "%s: %zu items of %zu bytes are more than any memory", who, capacity, width), NULL;
    struct region *region = pool->region;
    size_t front = sizeof(struct pool_queue) + (region->workers + 1) * sizeof(struct open);
    size_t stride = sizeof(struct cell) + round_to(width, sizeof(struct cell));
    struct pool_queue *queue = NULL;
    lock_pool(pool);
    struct extent extent = { 0, 0 };
    if (pool_is_open(pool, who))
        extent = job_memory(pool, front + capacity * stride, who);
    if (extent.units) {
        queue = memset(memory_at(&pool->memory, extent), 0, front);
        *queue = (struct pool_queue){ .region = region,
                                      .pool = pool,
                                      .next = atomic_load(&region->queues),
                                      .capacity = capacity,
                                      .width = width,
                                      .stride = stride,
                                      .cells = (char *)queue + front };
        for (size_t i = 0; i < capacity; i++)
            atomic_init(&((struct cell *)(queue->cells + i * stride))->turn, 0);
        atomic_store(&region->queues, queue);
    }
    unlock_pool(pool);
    return queue;
}
