/*
 * self.c - who this thread is: a worker of some pool, somebody inside a callback, or neither; and what it may call
 * then.
 */
#include "caller.h"
#include <errno.h>

_Thread_local struct worker *self;
_Thread_local bool in_callback;

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

void visitors_wake(_Atomic uint32_t *visitors)
{
    int error = errno;
    futex_wake(visitors, 1);
    errno = error;
}

void visitors_wait(_Atomic uint32_t *visitors, uint32_t own)
{
    uint32_t inside = atomic_fetch_or(visitors, VISITORS_LAST) | VISITORS_LAST;
    for (; inside != (VISITORS_LAST | own); inside = atomic_load(visitors))
        futex_wait(visitors, inside, SLICE);
}
