/*
 * bench-uv.c - libuv's thread pool, uv_queue_work().
 *
 * A request is handed to a thread and its completion comes back through the event loop, which here has
 * nothing else to do. The requests of a batch lie in one array and a request writes its own result, so that
 * nothing is allocated for a task. libuv's pool is one for the whole program, made with the first request
 * and never closed: its size comes from the environment, and there is no case open_close.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { TRIPS = 10000, TASKS = 1000000 };

struct task {
    uv_work_t request;
    long in, out;
};

static struct task *task_of(uv_work_t *request)
{
    return (struct task *)request; /* its first member */
}

static void square(uv_work_t *request)
{
    struct task *task = task_of(request);

    task->out = task->in * task->in;
}

static void primes(uv_work_t *request)
{
    struct task *task = task_of(request);

    task->out = bench_primes(task->in);
}

static void set_size(int workers)
{
    char size[16];

    snprintf(size, sizeof size, "%d", workers);
    setenv("UV_THREADPOOL_SIZE", size, 1);
}

static void done(uv_work_t *request, int status)
{
    (void)request;
    if (status != 0) {
        bench_die("libuv: %s", uv_strerror(status));
    }
}

static long one(long x)
{
    struct task task = { .in = x };

    uv_queue_work(uv_default_loop(), &task.request, square, done);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return task.out;
}

static double apply(void)
{
    set_size(bench_cores());
    return bench_warm(one, bench_count(TRIPS));
}

static double apply_cold(void)
{
    set_size(bench_cores());
    bench_pin(1);
    one(1); /* starts the threads */
    bench_pin(0);
    return bench_cold(one);
}

static double apply_cold_unpinned(void)
{
    set_size(bench_cores());
    return bench_cold(one);
}

static void queue_all(uv_work_cb work, const long *in, long *out, long n)
{
    static struct task *tasks; /* made in the first pass, which is not timed */

    if (!tasks) {
        tasks = calloc((size_t)n, sizeof *tasks);
    }
    for (long i = 0; i < n; i++) {
        tasks[i].in = in[i];
        uv_queue_work(uv_default_loop(), &tasks[i].request, work, done);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    for (long i = 0; i < n; i++) {
        out[i] = tasks[i].out;
    }
}

static void queue_squares(const long *in, long *out, long n)
{
    queue_all(square, in, out, n);
}

static void queue_primes(const long *in, long *out, long n)
{
    queue_all(primes, in, out, n);
}

static double async(int workers)
{
    set_size(workers);
    return bench_squares(queue_squares, bench_count(TASKS));
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
    set_size(bench_cores());
    return bench_cpu(queue_primes);
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
        { NULL, NULL },
    };
    char system[64];

    snprintf(system, sizeof system, "libuv %s", uv_version_string());
    return bench_main(argc, argv, system, cases);
}
