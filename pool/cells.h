/**
 * @file cells.h
 * @brief What a queue is made of, for those who use one and for who heals it.
 *
 * Private to the library.
 */
#ifndef POOL_QUEUE_H
#define POOL_QUEUE_H

#include "region.h"

#define LINE 64
#define SHUT ((uint64_t)1 << 63) /* the queue is closed: as many were put as ever will be */

enum want { TO_PUT, TO_GET, TO_JOIN };

/* Items that somebody got and is not yet done with. */
struct open {
    _Alignas(LINE) _Atomic uint64_t count;
};

/* An item's place. Its turn says what it is ready for: 2 * lap to be put for the (lap + 1)th time, one more to be got.
 * It lies beside the item, so that those who wait for it take no other line from those who make it ready. */
struct cell {
    _Atomic uint64_t turn;
    char item[];
};

/* What those who put have in common, or those who get: on a line of its own, so that the two do not meet. */
struct side {
    _Alignas(LINE) _Atomic uint32_t lock; /* 0, or TICKET_OWNER: who holds it; TICKET_WAITED: somebody sleeps on it */
    _Atomic uint64_t count;               /* items that were put, or got, so far; of those put, perhaps SHUT */
};

struct pool_queue {
    struct region *region;
    struct pool *pool;       /* for the caller only */
    struct pool_queue *next; /* opened before this one */
    size_t capacity, width, stride;
    char *cells;
    _Atomic bool shut; /* so those who get need not look at the line of those who put */
    _Alignas(LINE) _Atomic uint32_t bells[TO_JOIN + 1]; /* odd while somebody sleeps on it, who wants that */
    struct side sides[TO_GET + 1];
    struct open open[]; /* one for each slot, the last one the caller's */
};

/* Returns where the item with this number lies, and the turn at which it may be put, or got. */
static inline struct cell *cell_of(const struct pool_queue *queue, enum want want, uint64_t n, uint64_t *turn)
{
    *turn = 2 * (n / queue->capacity) + want;
    return (struct cell *)(queue->cells + n % queue->capacity * queue->stride);
}

static inline void unlock(struct side *side)
{
    if (atomic_exchange(&side->lock, 0) & TICKET_WAITED)
        futex_wake(&side->lock, INT32_MAX);
}

/* Wakes all who sleep on a bell; for a dead worker, who may have been about to, in any case. */
static inline void ring(_Atomic uint32_t *bell, bool in_any_case)
{
    uint32_t word = atomic_load(bell);
    if ((word & 1 && atomic_compare_exchange_strong(bell, &word, word + 1)) || in_any_case)
        futex_wake(bell, INT32_MAX);
}

#endif
