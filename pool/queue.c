/*
 * queue.c - bounded queues between the workers of a pool and its caller.
 *
 * A ring of cells in job memory. What counts is the word in front of each cell: which lap round the ring it is in, what
 * is being done with it, and by whom. `head` and `tail` are only hints where to look. Whoever puts or gets moves a
 * cell's word on by compare-and-swap, and moves on a hint that lags behind, so nobody ever has to wait for a lock:
 *
 *     lap 0: EMPTY -> WRITING -> FULL -> READING -> lap 1: EMPTY -> ...
 *
 * A worker notes in its slot where it is about to claim a cell. When it is killed, its successor looks at that one cell
 * (queues_heal): a half-written item is to be SKIPped, a half-read one is FULL again, and the head goes back to it.
 * Whatever else the dead one did was complete. Each step may be repeated, by a successor's successor.
 *
 * Order is strict: who finds the oldest item half-written waits for it, and does not take a later one. There is no
 * fairness between those who wait: all are woken, and one is the first.
 */
#include "caller.h"
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define LINE 64
#define MOST (SIZE_MAX / 4) /* bytes: more than any memory */

/* The head is a position, and above it how often it was set back: who saw a place before that cannot pass it after. */
#define POSITION (((uint64_t)1 << 48) - 1)

enum phase { EMPTY, WRITING, FULL, READING, SKIP };

/* A cell lies on cache lines of its own, and its word together with the beginning of the item. */
struct cell {
    _Atomic uint64_t state; /* lap << 19 | owner << 3 | phase */
    char item[];
};

/* Items that somebody got and is not yet done with. */
struct open {
    _Alignas(LINE) _Atomic uint64_t count;
};

struct pool_queue {
    struct region *region;
    struct pool *pool;              /* for the caller only */
    struct pool_queue *next;        /* opened before this one */
    size_t capacity, width, stride; /* the last one from cell to cell */
    char *cells;
    _Alignas(LINE) _Atomic uint64_t tail;
    _Alignas(LINE) _Atomic uint64_t head;
    _Alignas(LINE) _Atomic uint32_t closed;
    _Atomic uint32_t items, room, dealt; /* bells: odd while somebody sleeps on them */
    struct open open[];                  /* one for each slot, the last one the caller's */
};

/* Who makes a call: a worker, which has a slot, or the caller, which has a pool. */
struct party {
    struct pool_queue *queue;
    struct slot *slot;
    struct pool *pool;
    uint32_t number; /* of the slot; the caller comes after all of them */
};

/* ---- Cells ---- */

static uint64_t state_of(uint64_t lap, uint32_t owner, enum phase phase)
{
    return lap << 19 | (uint64_t)owner << 3 | phase;
}

static uint64_t lap_of(uint64_t state)
{
    return state >> 19;
}

static enum phase phase_of(uint64_t state)
{
    return (enum phase)(state & 7);
}

static struct cell *cell_at(const struct pool_queue *queue, uint64_t index)
{
    return (struct cell *)(queue->cells + index * queue->stride);
}

/* Moves a hint on from a place that is taken. */
static void pass(_Atomic uint64_t *hint, uint64_t seen)
{
    atomic_compare_exchange_strong(hint, &seen, seen + 1);
}

/* Wakes all who sleep on a bell; for a dead worker, who may have been about to, in any case. */
static void ring(_Atomic uint32_t *bell, bool in_any_case)
{
    uint32_t word = atomic_load(bell);
    bool asleep = word & 1 && atomic_compare_exchange_strong(bell, &word, word + 1);
    if (asleep || in_any_case)
        futex_wake(bell, INT32_MAX);
}

/* Notes where a worker is about to claim a cell: see queues_heal(). */
static void aim_at_cell(const struct party *me, uint64_t position)
{
    if (me->slot)
        note64(&me->slot->queue_place, position);
}

/* Whether no cell holds an item, half an item included. */
static bool holds_nothing(const struct pool_queue *queue)
{
    for (size_t i = 0; i < queue->capacity; i++) {
        enum phase phase = phase_of(atomic_load(&cell_at(queue, i)->state));
        if (phase != EMPTY && phase != SKIP)
            return false;
    }
    return true;
}

/* ---- One try ---- */

enum outcome { NOT_YET, DONE, CLOSED, FAILED };

static enum outcome fill(const struct party *me, struct cell *cell, uint64_t lap, const void *item)
{
    struct pool_queue *queue = me->queue;
    bool closed = atomic_load(&queue->closed); /* once more: whoever then finds it empty relies on that */
    if (!closed && queue->width)
        memcpy(cell->item, item, queue->width);
    atomic_store(&cell->state, state_of(lap, 0, closed ? SKIP : FULL));
    ring(&queue->items, false);
    return closed ? CLOSED : DONE;
}

static enum outcome try_put(const struct party *me, void *item)
{
    struct pool_queue *queue = me->queue;
    while (!atomic_load(&queue->closed)) {
        uint64_t at = atomic_load(&queue->tail), lap = at / queue->capacity;
        struct cell *cell = cell_at(queue, at % queue->capacity);
        uint64_t state = atomic_load(&cell->state);
        if (lap_of(state) < lap)
            return NOT_YET;
        aim_at_cell(me, at);
        bool mine = state == state_of(lap, 0, EMPTY) &&
                    atomic_compare_exchange_strong(&cell->state, &state, state_of(lap, me->number + 1, WRITING));
        pass(&queue->tail, at);
        if (mine)
            return fill(me, cell, lap, item);
    }
    return CLOSED;
}

/* The item is counted as open before its cell is free, so that a join never misses it. */
static enum outcome empty(const struct party *me, struct cell *cell, uint64_t lap, void *item)
{
    struct pool_queue *queue = me->queue;
    if (queue->width)
        memcpy(item, cell->item, queue->width);
    atomic_fetch_add(&queue->open[me->number].count, 1);
    atomic_store(&cell->state, state_of(lap + 1, 0, EMPTY));
    ring(&queue->room, false);
    if (atomic_load(&queue->closed))
        ring(&queue->items, false);
    return DONE;
}

static enum outcome try_get(const struct party *me, void *item)
{
    struct pool_queue *queue = me->queue;
    bool closed = atomic_load(&queue->closed); /* before the look: what is put later will find out itself */
    for (;;) {
        uint64_t head = atomic_load(&queue->head), at = head & POSITION, lap = at / queue->capacity;
        struct cell *cell = cell_at(queue, at % queue->capacity);
        uint64_t state = atomic_load(&cell->state);
        enum phase phase = phase_of(state);
        if (lap_of(state) < lap || (lap_of(state) == lap && (phase == EMPTY || phase == WRITING)))
            return closed && holds_nothing(queue) ? CLOSED : NOT_YET;
        aim_at_cell(me, at);
        bool mine = state == state_of(lap, 0, FULL) &&
                    atomic_compare_exchange_strong(&cell->state, &state, state_of(lap, me->number + 1, READING));
        if (state == state_of(lap, 0, SKIP) &&
            atomic_compare_exchange_strong(&cell->state, &state, state_of(lap + 1, 0, EMPTY)))
            ring(&queue->room, false);
        pass(&queue->head, head);
        if (mine)
            return empty(me, cell, lap, item);
    }
}

/* How many items were got and are not dealt with. */
static size_t open_items(const struct pool_queue *queue)
{
    size_t count = 0;
    for (uint32_t i = 0; i <= queue->region->workers; i++)
        count += atomic_load(&queue->open[i].count);
    return count;
}

/* Every item that was put before the look is dealt with: none is in a cell, and then nobody has one open. If the tail
 * stands still meanwhile, none of those who had one open has put another. */
static enum outcome try_join(const struct party *me, void *unused)
{
    struct pool_queue *queue = me->queue;
    uint64_t tail = atomic_load(&queue->tail);
    (void)unused;
    if (!holds_nothing(queue) || open_items(queue))
        return NOT_YET;
    return atomic_load(&queue->tail) == tail ? DONE : NOT_YET;
}

/* ---- Waiting ---- */

/* What a call is to do, and where it waits. */
struct call {
    const char *who, *closed, *busy; /* the function, and that it has to wait, for the words of an error */
    enum outcome (*try)(const struct party *me, void *item);
    _Atomic uint32_t *bell;
};

/* Tries again for a while: the other side may be at it on another core. */
static enum outcome spin(const struct party *me, const struct call *call, void *item, uint64_t deadline)
{
    uint64_t end = now_ns() + me->queue->region->spin;
    enum outcome outcome = NOT_YET;
    if (end > deadline)
        end = deadline;
    for (unsigned turn = 1; outcome == NOT_YET; turn++) {
        relax();
        if (turn % 4 == 0)
            outcome = call->try(me, item);
        if (turn % 32 == 0 && now_ns() >= end)
            break;
        if (turn % 32 == 0)
            sched_yield(); /* or on this one */
    }
    return outcome;
}

/* Whether nobody is left who could do what is waited for, or the pool does not want it any more. */
static bool is_over(const struct party *me)
{
    return me->slot ? atomic_load(&me->queue->region->stop) >= STOP_TERMINATED : !look_after(me->pool);
}

/* Waits until it is done. Whether the pool is over it finds out before the last try, not behind it. */
static enum outcome wait_until(const struct party *me, const struct call *call, void *item, double seconds)
{
    struct wait wait = wait_begin(me->pool, call->busy, seconds);
    enum outcome outcome = wait.deadline ? spin(me, call, item, wait.deadline) : NOT_YET;
    while (outcome == NOT_YET) {
        if (wait_goes_on(&wait) != 0)
            return FAILED;
        uint32_t word = atomic_fetch_or(call->bell, 1) | 1;
        bool over = is_over(me);
        outcome = call->try(me, item);
        if (outcome == NOT_YET && over)
            return error_set(ESHUTDOWN, "%s, and the pool is over", call->busy), FAILED;
        if (outcome == NOT_YET)
            wait_on(&wait, call->bell, word);
    }
    return outcome;
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

static int run(struct pool_queue *queue, const struct call *call, void *item, double seconds)
{
    struct party me;
    if (!begin(&me, queue, call->who))
        return -1;
    enum outcome outcome = call->try(&me, item);
    if (outcome == NOT_YET && seconds > 0 && me.pool && !pool_may(me.pool, call->busy, true))
        outcome = FAILED;
    else if (outcome == NOT_YET)
        outcome = wait_until(&me, call, item, seconds);
    if (outcome == CLOSED)
        error_set(ESHUTDOWN, "%s", call->closed);
    end(&me);
    return outcome == DONE ? 0 : -1;
}
int pool_queue_put(struct pool_queue *queue, const void *item, double seconds)
{
    static const char who[] = "pool_queue_put";
    const struct call call = { who, "pool_queue_put: the queue is closed", "pool_queue_put: the queue is full", try_put,
                               queue ? &queue->room : NULL };
    if (queue && queue->width && !item)
        return error_set(EINVAL, "%s: item is NULL, but the queue's items have %zu bytes", who, queue->width);
    return run(queue, &call, (void *)item, seconds); /* which try_put() only reads */
}

int pool_queue_get(struct pool_queue *queue, void *item, double seconds)
{
    static const char who[] = "pool_queue_get";
    const struct call call = { who, "pool_queue_get: the queue is closed, and empty",
                               "pool_queue_get: the queue is empty", try_get, queue ? &queue->items : NULL };
    if (queue && queue->width && !item)
        return error_set(EINVAL, "%s: item is NULL, but the queue's items have %zu bytes", who, queue->width);
    return run(queue, &call, item, seconds);
}

int pool_queue_join(struct pool_queue *queue, double seconds)
{
    const struct call call = { "pool_queue_join", NULL, "pool_queue_join: not all items are dealt with", try_join,
                               queue ? &queue->dealt : NULL };
    int status = run(queue, &call, NULL, seconds);
    if (status != 0 && errno == ETIMEDOUT)
        error_set(ETIMEDOUT, "pool_queue_join: %zu got and not dealt with, %zu still in it: not done within %g s",
                  open_items(queue), pool_queue_size(queue), seconds > 0 ? seconds : 0.0);
    return status;
}

int pool_queue_task_done(struct pool_queue *queue)
{
    struct party me;
    if (!begin(&me, queue, "pool_queue_task_done"))
        return -1;
    _Atomic uint64_t *open = &queue->open[me.number].count;
    uint64_t count = atomic_load(open);
    while (count && !atomic_compare_exchange_weak(open, &count, count - 1))
        ;
    if (count == 1 && (atomic_load(&queue->head) & POSITION) >= atomic_load(&queue->tail))
        ring(&queue->dealt, false); /* else there is more to come, and a join need not look yet */
    end(&me);
    return count ? 0
                 : error_set(EINVAL, "pool_queue_task_done: every item that this %s got is dealt with already",
                             me.slot ? "worker" : "program");
}

size_t pool_queue_size(struct pool_queue *queue)
{
    size_t size = 0;
    uint64_t at = queue ? atomic_load(&queue->head) & POSITION : 0, tail = queue ? atomic_load(&queue->tail) : 0;
    for (; at < tail; at++)
        size += atomic_load(&cell_at(queue, at % queue->capacity)->state) == state_of(at / queue->capacity, 0, FULL);
    return size;
}

int pool_queue_close(struct pool_queue *queue)
{
    struct party me;
    if (!begin(&me, queue, "pool_queue_close"))
        return -1;
    atomic_store(&queue->closed, 1);
    ring(&queue->items, false);
    ring(&queue->room, false);
    end(&me);
    return 0;
}

/* ---- Opening ---- */

static size_t stride_of(size_t width)
{
    return (sizeof(struct cell) + width + LINE - 1) / LINE * LINE;
}

static bool can_open(const struct pool *pool)
{
    if (pool->stop)
        return error_set(ESHUTDOWN, "pool_queue_open: the pool is %s",
                         pool->stop == STOP_CLOSED ? "closed" : "terminated") == 0;
    if (pool->over)
        return error_set(ESHUTDOWN, "pool_queue_open: %s", pool->why) == 0;
    return true;
}

/* Memory may have been used before; of the cells only their words have to be zero. */
static void lay_out(struct pool_queue *queue, struct pool *pool, size_t capacity, size_t width)
{
    uint32_t parties = pool->region->workers + 1;
    memset(queue, 0, sizeof *queue + parties * sizeof *queue->open);
    queue->region = pool->region;
    queue->pool = pool;
    queue->capacity = capacity;
    queue->width = width;
    queue->stride = stride_of(width);
    queue->cells = (char *)&queue->open[parties];
    for (size_t i = 0; i < capacity; i++)
        atomic_store_explicit(&cell_at(queue, i)->state, 0, memory_order_relaxed); /* before anybody knows of it */
}

/* The lock is held. */
static struct pool_queue *make_queue(struct pool *pool, size_t capacity, size_t width)
{
    struct region *region = pool->region;
    size_t front = sizeof(struct pool_queue) + (region->workers + 1) * sizeof(struct open);
    extent extent = job_memory(pool, front + capacity * stride_of(width), "pool_queue_open");
    if (!extent)
        return NULL;
    struct pool_queue *queue = (struct pool_queue *)memory_at(&pool->memory, extent);
    lay_out(queue, pool, capacity, width);
    queue->next = atomic_load(&region->queues);
    atomic_store(&region->queues, queue);
    return queue;
}

struct pool_queue *pool_queue_open(struct pool *pool, size_t capacity, size_t width)
{
    struct pool_queue *queue = NULL;
    if (!pool_may(pool, "pool_queue_open", false))
        return NULL;
    if (!capacity)
        error_set(EINVAL, "pool_queue_open: capacity is 0; it must be 1 or more");
    else if (width > MOST || capacity > MOST / stride_of(width))
        error_set(EINVAL, "pool_queue_open: %zu items of %zu bytes are more than any memory", capacity, width);
    else {
        pthread_mutex_lock(&pool->lock);
        if (can_open(pool))
            queue = make_queue(pool, capacity, width);
        pthread_mutex_unlock(&pool->lock);
    }
    return queue;
}

/* ---- Healing ---- */

/* Lets the next reader look at this place again, if the head has passed it. */
static void set_head_back(struct pool_queue *queue, uint64_t to)
{
    uint64_t head = atomic_load(&queue->head), next;
    do {
        uint64_t at = head & POSITION;
        next = ((head >> 48) + 1) << 48 | (to < at ? to : at);
    } while (!atomic_compare_exchange_weak(&queue->head, &head, next));
}

/* The cell the dead worker was about to claim, or had. */
static void settle_cell(struct pool_queue *queue, uint32_t owner, uint64_t place)
{
    uint64_t lap = place / queue->capacity, full = state_of(lap, 0, FULL);
    uint64_t writing = state_of(lap, owner, WRITING), reading = state_of(lap, owner, READING);
    _Atomic uint64_t *state = &cell_at(queue, place % queue->capacity)->state;
    atomic_compare_exchange_strong(state, &writing, state_of(lap, 0, SKIP));
    atomic_compare_exchange_strong(state, &reading, full);
    if (atomic_load(state) == full)
        set_head_back(queue, place);
}

void queues_heal(struct region *region, uint32_t number)
{
    struct slot *slot = &region->slots[number];
    struct pool_queue *used = (struct pool_queue *)(uintptr_t)atomic_load(&slot->queue);
    if (used)
        settle_cell(used, number + 1, atomic_load(&slot->queue_place));
    for (struct pool_queue *queue = atomic_load(&region->queues); queue; queue = queue->next) {
        bool held = atomic_exchange(&queue->open[number].count, 0) || queue == used;
        ring(&queue->items, held);
        ring(&queue->room, held);
        ring(&queue->dealt, held);
    }
    note64(&slot->queue, 0);
}
