/*
 * thread.c - pools that are not of processes: of threads, and inline.
 *
 * A worker thread lives the same life as a worker process (worker.c), in the same region, with the same tickets; there
 * is only nobody to heal it, because a thread cannot die alone. It has no nursery either: the caller starts the
 * threads, and they are gone when `living` is 0, a word that the caller sleeps on. All signals are blocked in them:
 * handlers are the program's, and run in its own threads.
 *
 * An inline pool has one slot and no worker. Whoever hands a job over runs it at once, in the same loop.
 */
#include "caller.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct thread {
    pthread_t id;
    struct region *region;
    uint32_t number; /* of its slot */
};

static void *run_thread(void *arg)
{
    struct thread *thread = arg;
    struct region *region = thread->region;
    struct slot *slot = &region->slots[thread->number];
    if (!worker_thread(region, thread->number)) {
        slot->dead_worker = slot->worker;
        atomic_store(&region->failed, thread->number + 1);
        atomic_store(&region->stop, STOP_BROKEN);
    }
    atomic_fetch_sub(&region->living, 1);
    futex_wake(&region->living, INT32_MAX);
    atomic_fetch_add(&region->news, 1);
    futex_wake(&region->news, INT32_MAX);
    ring_descriptor(region, true);
    return NULL;
}

static int start_thread(struct pool *pool, uint32_t number)
{
    struct slot *slot = &pool->region->slots[number];
    struct thread *thread = &pool->threads[number];
    *thread = (struct thread){ .region = pool->region, .number = number };
    worker_next(pool->region, slot);
    slot->lives = 1;
    atomic_store(&slot->pid, pool->region->caller);
    atomic_fetch_add(&pool->region->living, 1);
    int error = pthread_create(&thread->id, NULL, run_thread, thread);
    if (error)
        atomic_fetch_sub(&pool->region->living, 1);
    else
        pool->thread_count++;
    return error;
}

int threads_start(struct pool *pool)
{
    sigset_t all, before;
    int error = 0;
    pool->threads = calloc(pool->region->workers, sizeof *pool->threads);
    if (!pool->threads)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (uint32_t i = 0; i < pool->region->workers && !error; i++)
        error = start_thread(pool, i);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return error ? -1 : 0;
}

void threads_join(struct pool *pool)
{
    while (pool->thread_count)
        pthread_join(pool->threads[--pool->thread_count].id, NULL);
    free(pool->threads);
    pool->threads = NULL;
}

void inline_run(struct pool *pool)
{
    _Atomic uint32_t *living = &pool->region->living;
    pthread_mutex_lock(&pool->turn);
    atomic_store(living, 1);
    worker_inline(pool->region);
    atomic_store(living, 0);
    futex_wake(living, INT32_MAX);
    pthread_mutex_unlock(&pool->turn);
}
