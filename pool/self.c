/*
 * self.c - who this thread is: a worker of some pool, somebody inside a callback, or neither; and what it may call
 * then.
 */
#include "caller.h"
#include <errno.h>

/* Tasks call pool_reply() and pool_fail() without being handed anything. */
static _Thread_local struct worker *self;

/* This thread is inside a callback. */
static _Thread_local bool in_callback;

struct worker *worker_self(void)
{
    return self;
}

bool enter_callback(bool enter)
{
    bool before = in_callback;
    in_callback = enter;
    return before;
}

struct worker *worker_become(struct worker *worker)
{
    struct worker *before = self;
    self = worker;
    return before;
}

void worker_resign(void)
{
    worker_become(NULL);
}

bool worker_here(const struct region *region)
{
    const struct region *here = self ? self->region : NULL;
    while (here && here != region)
        here = here->above;
    return here != NULL;
}

struct region *worker_region(void)
{
    return self ? self->region : NULL;
}

struct slot *worker_slot(const struct region *region)
{
    return self && self->region == region ? self->slot : NULL;
}

const char *pool_worker_name(void)
{
    return self ? self->name : "MainProcess";
}

int pool_attempt(void)
{
    if (!self || !self->in_task)
        return 0;
    return 1 + (int)((uint32_t)atomic_load(&self->slot->at) >> 1);
}

/* ---- Calls inside a pool ---- */

bool pool_may(const struct pool *pool, const char *who, bool waits)
{
    if (!pool)
        error_set(EINVAL, "%s: pool is NULL; did pool_open fail%s?", who,
                  worker_region() ? ", or is this a task of that pool" : "");
    else if (!pool->gone && worker_here(pool->region))
        error_set(EINVAL, "%s: a task cannot use the pool it runs in; it may open one of its own", who);
    else if (!*pool->here)
        error_set(EINVAL, "%s: this process did not open the pool; open one here", who);
    else if (waits && in_callback)
        error_set(EINVAL, "%s: a callback must not wait", who);
    else
        return true;
    return false;
}

/* Returns what the counter was. As long as there is one thread, it costs no more than an addition. */
static uint32_t count(_Atomic uint32_t *visitors, uint32_t by)
{
    if (!__libc_single_threaded)
        return atomic_fetch_add(visitors, by);
    uint32_t were = atomic_load_explicit(visitors, memory_order_relaxed);
    atomic_store_explicit(visitors, were + by, memory_order_relaxed);
    return were;
}

struct visit visit(struct pool *pool, struct pool_result *result, const char *who, bool waits)
{
    if (!pool_may(pool, who, waits))
        return (struct visit){ .pool = NULL };
    count(&pool->visitors, 1);
    if (result)
        count(&result->visitors, 1);
    return (struct visit){ pool, result };
}

struct visit visit_result(struct pool_result *result, const char *who, bool waits)
{
    if (result && result->pool)
        return visit(result->pool, result, who, waits);
    error_set(EINVAL,
              result ? "%s: this process did not hand that job over; a task has no handles"
                     : "%s: result is NULL; did handing it over fail?",
              who);
    return (struct visit){ .pool = NULL };
}

/* Once it is out, the pool may be freed; the address is all that the wake-up needs. */
void visit_end(struct visit *visit)
{
    int error = errno;
    if (visit->result)
        count(&visit->result->visitors, UINT32_MAX);
    if (visit->pool && count(&visit->pool->visitors, UINT32_MAX) & VISITORS_LAST)
        futex_wake(&visit->pool->visitors, 1);
    errno = error;
}
