/*
 * self.c - who this thread is: a worker of some pool, somebody inside a callback, or neither; and what it may call
 * then.
 *
 * A call that runs a function of the program's may never get it back: it throws an exception, calls pthread_exit() or
 * longjmp(). What is to be undone then stands in a list of this thread's, the last first. An exception and
 * pthread_exit() undo it on their way; longjmp() tells nobody. So such a call notes where its frame ends, which has
 * room to spare: a later call that begins above that end, as one from where the lost one was made does, finds it gone.
 */
#undef __EXCEPTIONS /* in programs in C it is the C library that knows a cleanup handler, not the unwinder */
#include "caller.h"
#include <errno.h>

#define MOST 64 /* calls within each other */
#define ROOM (16 << 10)

static _Thread_local struct undo undos[MOST];
_Thread_local unsigned depth;

/* ---- What is to be undone ---- */

/* In a copy of the process nothing is to be undone. */
void undo_from(unsigned first)
{
    int error = errno;
    while (depth > first) {
        struct undo *undo = &undos[--depth];
        if (undo->end && *undo->pool->here)
            undo->end(undo);
    }
    errno = error;
}

static void undo_what_was_left(void)
{
    for (unsigned i = 0, first = 0; i < depth; i++) {
        if (undos[i].frame_end && (char *)__builtin_frame_address(0) >= undos[i].frame_end)
            undo_from(first);
        else if (undos[i].frame_end)
            first = i + 1;
    }
}

static void undo_after(void *before)
{
    undo_from(*(unsigned *)before);
}

/* Its frame is part of no other. */
__attribute__((noinline, no_sanitize_address)) void call_out(const struct undo *undo, void (*what)(void *), void *about)
{
    char room[ROOM];
    unsigned before __attribute__((cleanup(undo_after))) = depth;
    undos[before] = *undo;
    undos[before].frame_end = room;
    depth++;
    pthread_cleanup_push(undo_after, &(unsigned){ 0 });
    what(about);
    pthread_cleanup_pop(false);
}

/* ---- Who this thread is ---- */

struct worker *worker_self(void)
{
    if (!depth)
        return NULL;
    undo_what_was_left();
    for (unsigned i = depth; i--;)
        if (undos[i].worker)
            return *undos[i].worker->here ? undos[i].worker : NULL;
    return NULL;
}

void worker_become(struct worker *worker)
{
    undos[0] = (struct undo){ .worker = worker }; /* of what was under way where the nursery was forked nothing is */
    depth = 1;
}

void worker_resign(void)
{
    struct worker *self = worker_self();
    if (self)
        *self->here = 0; /* by itself only where the system knows how */
    __fpurge(stdout);
}

bool in_callback(void)
{
    for (unsigned i = depth; i--;)
        if (undos[i].callback)
            return true;
    return false;
}

struct region *worker_region(void)
{
    struct worker *self = worker_self();
    return self ? self->region : NULL;
}

/* Whether this thread runs a task or an initializer of the pool, or of one that was opened in such a task. */
static bool worker_here(const struct region *region)
{
    const struct region *here = worker_region();
    while (here && here != region)
        here = here->above;
    return here != NULL;
}

const char *pool_worker_name(void)
{
    struct worker *self = worker_self();
    return self ? self->name : "MainProcess";
}

int pool_attempt(void)
{
    struct worker *self = worker_self();
    return self && self->in_task ? 1 + (int)((uint32_t)atomic_load(&self->slot->at) >> 1) : 0;
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
    else if (waits && in_callback())
        error_set(EINVAL, "%s: a callback must not wait", who);
    else if (depth > MOST - 4)
        error_set(EINVAL, "%s: too many inline pools, each in a task of the other", who);
    else
        return true;
    return false;
}

static void leave(struct undo *visit)
{
    if (visit->busy)
        atomic_store_explicit(visit->busy, false, memory_order_release);
    visit_end(&(struct visit){ visit->pool, visit->result, 0 });
}

struct visit visit_warily(struct pool *pool, struct pool_result *result, const char *who, bool waits)
{
    if (!pool_may(pool, who, waits))
        return (struct visit){ .pool = NULL };
    visitors_add(visitors_of(pool, result), 1);
    undos[depth++] = (struct undo){ .end = leave, .pool = pool, .result = result };
    return (struct visit){ pool, result, depth };
}

bool visit_alone(const struct visit *visit, _Atomic bool *busy)
{
    bool alone = __libc_single_threaded ? !atomic_load(busy) : !atomic_exchange(busy, true);
    if (alone)
        atomic_store_explicit(busy, true, memory_order_relaxed);
    undos[visit->place - 1].busy = alone ? busy : NULL;
    return alone;
}

bool visit_has(const _Atomic bool *busy)
{
    for (unsigned i = depth; i--;)
        if (undos[i].busy == busy)
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
