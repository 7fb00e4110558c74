/*
 * bench-openmp.c - OpenMP: not a pool, but the measure for sharing out a loop among threads.
 *
 * The compiler sees loop and task together and keeps the threads spinning between two loops, so this is
 * about as cheap as handing out work can be, and as far as can be from a pool: no errors, no isolation, no
 * waiting for one task. Tasks (apply_async) may also be run at once by the thread that makes them, and are
 * when it is far ahead. With more threads than cores they fight for one lock; a tenth of the tasks is
 * enough to see that. A single round trip to another thread is nothing OpenMP has: no apply.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <omp.h>
#include <stdio.h>

enum { TASKS = 1000000, MANY_THREADS_TASKS = 100000 };

static void tasks(const long *in, long *out, long n)
{
#pragma omp parallel
#pragma omp single
    for (long i = 0; i < n; i++) {
#pragma omp task firstprivate(i)
        out[i] = in[i] * in[i];
    }
}

static double async(int workers, long n)
{
    omp_set_num_threads(workers);
    return bench_squares(tasks, bench_count(n));
}

static double apply_async(void)
{
    return async(bench_cores(), TASKS);
}

static double async_4(void)
{
    return async(4, MANY_THREADS_TASKS);
}

static double async_16(void)
{
    return async(16, MANY_THREADS_TASKS);
}

static void loop(const long *in, long *out, long n)
{
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        out[i] = in[i] * in[i];
    }
}

static double map(void)
{
    omp_set_num_threads(bench_cores());
    return bench_squares(loop, bench_count(TASKS));
}

static void loop_singly(const long *in, long *out, long n)
{
#pragma omp parallel for schedule(dynamic, 1)
    for (long i = 0; i < n; i++) {
        out[i] = in[i] * in[i];
    }
}

static double map_chunk1(void)
{
    omp_set_num_threads(bench_cores());
    return bench_squares(loop_singly, bench_count(TASKS));
}

static void loop_primes(const long *in, long *out, long n)
{
#pragma omp parallel for schedule(dynamic, 1)
    for (long i = 0; i < n; i++) {
        out[i] = bench_primes(in[i]);
    }
}

static double cpu(void)
{
    omp_set_num_threads(bench_cores());
    return bench_cpu(loop_primes);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        { "apply_async", apply_async }, { "async_4", async_4 }, { "async_16", async_16 }, { "map", map },
        { "map_chunk1", map_chunk1 },   { "cpu", cpu },         { NULL, NULL },
    };
    char system[64];

    snprintf(system, sizeof system, "OpenMP %d", _OPENMP);
    return bench_main(argc, argv, system, cases);
}
