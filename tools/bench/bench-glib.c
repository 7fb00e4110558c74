/*
 * bench-glib.c - GLib's thread pool, GThreadPool.
 *
 * The tasks of a batch lie in one array, made before the clock starts, and a task writes its own result;
 * the caller learns of the end from a counter that the last task brings to zero. So nothing is allocated,
 * queued or signalled for a task beyond what g_thread_pool_push() does itself: this is GLib at its best,
 * with less to give back than the pool has (no handle, no error, no single result to wait for).
 *
 * apply needs an answer for each task: that comes through a GAsyncQueue, as GLib's own examples do it. The
 * pools are exclusive, which means that their threads exist from the start.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

enum { TRIPS = 5000, TASKS = 1000000, POOLS = 50 };

struct task {
    long in, out;
};

static GThreadPool *pool;
static GAsyncQueue *answers;
static GMutex lock;
static GCond all_done;
static _Atomic long open_tasks;

static void start(GFunc work, int workers)
{
    pool = g_thread_pool_new(work, NULL, workers, TRUE, NULL);
}

static void stop(void)
{
    g_thread_pool_free(pool, FALSE, TRUE);
}

static void square_and_answer(void *data, void *unused)
{
    struct task *task = data;

    (void)unused;
    task->out = task->in * task->in;
    g_async_queue_push(answers, task);
}

static long one(long x)
{
    struct task task = { .in = x };

    g_thread_pool_push(pool, &task, NULL);
    struct task *answer = g_async_queue_pop(answers);
    return answer->out;
}

static double apply(void)
{
    answers = g_async_queue_new();
    start(square_and_answer, bench_cores());
    double ns = bench_warm(one, bench_count(TRIPS));
    stop();
    return ns;
}

static double cold(bool pinned)
{
    answers = g_async_queue_new();
    if (pinned) {
        bench_pin(1);
    }
    start(square_and_answer, bench_cores());
    if (pinned) {
        bench_pin(0);
    }
    double ns = bench_cold(one);
    stop();
    return ns;
}

static double apply_cold(void)
{
    return cold(true);
}

static double apply_cold_unpinned(void)
{
    return cold(false);
}

static void one_is_done(void)
{
    if (atomic_fetch_sub(&open_tasks, 1) == 1) {
        g_mutex_lock(&lock);
        g_cond_signal(&all_done);
        g_mutex_unlock(&lock);
    }
}

static void square(void *data, void *unused)
{
    struct task *task = data;

    (void)unused;
    task->out = task->in * task->in;
    one_is_done();
}

static void primes(void *data, void *unused)
{
    struct task *task = data;

    (void)unused;
    task->out = bench_primes(task->in);
    one_is_done();
}

static void push_all(const long *in, long *out, long n)
{
    static struct task *tasks; /* made in the first pass, which is not timed */

    if (!tasks) {
        tasks = g_new(struct task, n);
    }
    atomic_store(&open_tasks, n);
    for (long i = 0; i < n; i++) {
        tasks[i].in = in[i];
        g_thread_pool_push(pool, &tasks[i], NULL);
    }
    g_mutex_lock(&lock);
    while (atomic_load(&open_tasks) > 0) {
        g_cond_wait(&all_done, &lock);
    }
    g_mutex_unlock(&lock);
    for (long i = 0; i < n; i++) {
        out[i] = tasks[i].out;
    }
}

static double async(int workers)
{
    start(square, workers);
    double ns = bench_squares(push_all, bench_count(TASKS));
    stop();
    return ns;
}

static double apply_async(void)
{
    return async(bench_cores());
}

static double async_4(void)
{
    return async(4);
}

static double async_16(void)
{
    return async(16);
}

static double cpu(void)
{
    start(primes, bench_cores());
    double ns = bench_cpu(push_all);
    stop();
    return ns;
}

static double open_close(void)
{
    long n = bench_count(POOLS);
    double begin = bench_now();

    answers = g_async_queue_new();
    for (long i = 0; i < n; i++) {
        start(square_and_answer, 4);
        if (one(i) != i * i) {
            bench_die("pool %ld: wrong square", i);
        }
        stop();
    }
    return (bench_now() - begin) / (double)n;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        { "apply", apply },
        { "apply_cold", apply_cold },
        { "apply_cold_unpinned", apply_cold_unpinned },
        { "apply_async", apply_async },
        { "async_4", async_4 },
        { "async_16", async_16 },
        { "cpu", cpu },
        { "open_close", open_close },
        { NULL, NULL },
    };
    char system[64];

    snprintf(system, sizeof system, "GLib %u.%u.%u (GThreadPool)", glib_major_version, glib_minor_version,
             glib_micro_version);
    return bench_main(argc, argv, system, cases);
}
