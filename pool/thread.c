/*
 * thread.c - pools of threads.
 *
 * A worker thread lives the same life as a worker process (worker.c), in the same region, with the same tickets; and
 * if it ends in the middle of a task, it has a successor, too. There is no nursery: the caller starts the threads, each
 * starts its successor, and all are gone when `living` is 0, a word that the caller sleeps on. All signals are blocked
 * in them: handlers are the program's, and run in its own threads.
 */
#undef __EXCEPTIONS /* as in self.c */
#include "caller.h"
#include <errno.h>
#include <signal.h>

struct thread {
    pthread_t id, before; /* the one it succeeds, if it is not the first in its place */
    struct region *region;
    uint32_t number; /* of its slot */
};

static void *run_thread(void *arg);

/* Starts the next thread of a slot. Returns 0, or what keeps it from starting. */
static int start_thread(struct thread *thread)
{
    struct slot *slot = &thread->region->slots[thread->number];
    sigset_t all, before;
    worker_next(thread->region, slot);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread->id, NULL, run_thread, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* A slot has no thread any more; if it failed, so did the pool. */
static void leave_slot(struct thread *thread, bool failed, int error)
{
    struct region *region = thread->region;
    if (failed)
        break_pool(region, thread->number, error);
    atomic_fetch_sub(&region->living, 1);
    futex_wake(&region->living, INT32_MAX);
    ring_descriptor(region, true);
}

/* When a thread ends in a task, by pthread_exit() or because it is cancelled, all is as if a process had died there. */
static void succeed(void *arg)
{
    struct thread *thread = arg;
    struct slot *slot = &thread->region->slots[thread->number];
    slot->deaths++;
    slot->dead_worker = slot->worker;
    slot->dead_status = THREAD_ENDED;
    atomic_store(&slot->dead_pid, thread->region->caller);
    thread->before = pthread_self();
    bool good = atomic_load(&slot->ready) == READY_NOW && !atomic_load(&slot->once);
    worker_relieve(thread->region, thread->number);
    int error = good ? start_thread(thread) : 0;
    if (!good || error) {
        worker_bury(thread->region, thread->number, NO_WORKER);
        leave_slot(thread, true, error);
    }
}

static void *run_thread(void *arg)
{
    struct thread *thread = arg;
    struct slot *slot = &thread->region->slots[thread->number];
    bool good;
    if (slot->lives > 1)
        pthread_join(thread->before, NULL);
    pthread_cleanup_push(succeed, thread);
    good = worker_thread(thread->region, thread->number);
    pthread_cleanup_pop(false);
    leave_slot(thread, !good, 0);
    return NULL;
}

int threads_start(struct pool *pool)
{
    struct region *region = pool->region;
    pool->threads = calloc(region->workers, sizeof *pool->threads);
    int error = pool->threads ? 0 : ENOMEM;
    for (uint32_t i = 0; i < region->workers && !error; i++) {
        pool->threads[i] = (struct thread){ .region = region, .number = i };
        atomic_store(&region->slots[i].pid, region->caller);
        atomic_fetch_add(&region->living, 1);
        error = start_thread(&pool->threads[i]);
        atomic_fetch_sub(&region->living, error != 0);
        pool->thread_count += error == 0;
    }
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
