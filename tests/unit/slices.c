/*
 * slices.c - nobody relies on being looked after.
 *
 * Whoever waits for something in the library sleeps in slices of 100 ms, and looks for itself after each, so a wake-up
 * that is lost costs time, and nothing else. No test would notice. Here slices have no end.
 */
#include "unit.h"
#include <pthread.h>
#include <stdlib.h>

/* A thread that makes one call, and what that came to. */
struct caller {
    pthread_t thread;
    void *about; /* the result, the queue ... */
    int status, code;
    atomic_bool back;
};

static void start(struct caller *caller, void *(*call)(void *caller), void *about)
{
    *caller = (struct caller){ .about = about };
    REQUIRE(pthread_create(&caller->thread, NULL, call, caller) == 0);
}

static void *back(struct caller *caller, int status)
{
    caller->status = status;
    caller->code = pool_error()->code;
    atomic_store(&caller->back, true);
    return NULL;
}

/* The thread is sleeping, and so is everybody but this one. */
static void await_sleep(int threads)
{
    EVENTUALLY(threads_asleep() == threads);
}

static void await_back(struct caller *caller)
{
    EVENTUALLY(atomic_load(&caller->back));
    REQUIRE(atomic_load(&caller->back));
    pthread_join(caller->thread, NULL);
}

static struct pool *open_for_ever(int processes)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = processes });
    REQUIRE(pool != NULL);
    atomic_store(&shared->no_slices, 1);
    return pool;
}

/* ---- For room in the ring ---- */

static void *hand_over(void *about)
{
    struct caller *caller = about;
    struct pool_result *result = pool_apply_async(caller->about, task_pid, NULL, 0, sizeof(pid_t), NULL);
    return back(caller, result ? 0 : -1);
}

static void room(void)
{
    struct caller caller;
    struct pool *pool = open_for_ever(1);
    struct pool_result *gate;
    fill_with_gates(pool, &gate, 1);
    while (pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), &(struct pool_job_options){ .nowait = true }))
        ;
    CHECK_EQ(pool_error()->code, EAGAIN);
    start(&caller, hand_over, pool);
    await_sleep(1);
    gate_open();
    await_back(&caller);
    CHECK_EQ(caller.status, 0);
    end_pool(pool);
}

/* ---- For a job ---- */

static void *get(void *about)
{
    struct caller *caller = about;
    int status = pool_result_get(caller->about, NULL, POOL_FOREVER);
    back(caller, status);
    atomic_store(&shared->wakes_wait, 0);
    return NULL;
}

/* A thread waits for a job that nobody has begun; it is cancelled. If it `sees` that, it comes back before the one that
 * cancels goes on behind its wake-up. */
static void cancel_waited_for(bool sees)
{
    struct caller caller;
    struct pool *pool = open_for_ever(1);
    struct pool_result *gate;
    fill_with_gates(pool, &gate, 1);
    struct pool_result *result = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL);
    start(&caller, get, result);
    await_sleep(1);
    atomic_store(&shared->wakes_wait, sees);
    CHECK_EQ(pool_result_cancel(result), 1);
    await_back(&caller);
    CHECK_EQ(caller.status, -1);
    CHECK_EQ(caller.code, ECANCELED);
    gate_open();
    end_pool(pool);
}

static void cancelled(void)
{
    cancel_waited_for(false);
}

static void cancelled_and_seen(void)
{
    cancel_waited_for(true);
}

/* ---- For a queue ---- */

static void *join_queue(void *about)
{
    struct caller *caller = about;
    return back(caller, pool_queue_join(caller->about, POOL_FOREVER));
}

static int get_behind_gate(const void *arg, void *result)
{
    struct pool_queue *queue = *(struct pool_queue *const *)arg;
    int status = pool_queue_get(queue, result, POOL_FOREVER);
    atomic_fetch_add(&shared->arrived, 1);
    gate_wait();
    return status | pool_queue_task_done(queue);
}

static void dealt(void)
{
    struct caller caller;
    struct pool *pool = open_for_ever(1);
    struct pool_queue *queue = pool_queue_open(pool, 1, sizeof(int));
    int item = 7;
    OK(pool_queue_put(queue, &item, 0));
    struct pool_result *result = pool_apply_async(pool, get_behind_gate, &queue, sizeof queue, sizeof(int), NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    start(&caller, join_queue, queue);
    await_sleep(1);
    gate_open();
    await_back(&caller);
    CHECK_EQ(caller.status, 0);
    OK(pool_result_get(result, &item, POOL_FOREVER));
    end_pool(pool);
}

/* ---- For a pool ---- */

static void *free_pool(void *about)
{
    struct caller *caller = about;
    pool_free(caller->about);
    return back(caller, 0);
}

/* Keeps its call inside the pool until another thread waits for that. */
static void stay(struct pool_result *result, void *about)
{
    struct caller *other = about;
    start(other, free_pool, other->about);
    (void)result;
    await_sleep(1);
}

static void last_visitor(void)
{
    struct pool *pool = open_for_ever(1);
    struct caller other = { .about = pool };
    struct pool_job_options options = { .callback = stay, .cookie = &other };
    OK(pool_result_wait(pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), &options), POOL_FOREVER));
    await_back(&other);
}

const struct unit_suite unit_slices = {
    "slices",
    (const struct unit_case[]){
        { "a submission that waits for room goes on when there is", room },
        { "who waits for a job that is cancelled comes back", cancelled },
        { "who waits for a job that is cancelled learns so", cancelled_and_seen },
        { "a join of a queue ends with the last item dealt with", dealt },
        { "pool_free waits for the last call, and no longer", last_visitor },
        { NULL },
    },
};
