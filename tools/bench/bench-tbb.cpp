/*
 * bench-tbb.cpp - oneTBB, Intel's Threading Building Blocks.
 *
 * A task of a group may be run by any thread of the arena, also by the one that made it, as soon as that waits; a loop
 * is split by its partitioner. As in OpenMP there are no errors, no isolation, and no single result to wait for.
 * apply_async and map leave the splitting to the library; map_chunk1 and cpu hand out single items.
 */
#include "bench.h"

#include <cstdio>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_group.h>
#include <tbb/version.h>

using range = tbb::blocked_range<long>;

enum { TASKS = 1000000 };

static void tasks(const long *in, long *out, long n)
{
    tbb::task_group group;

    for (long i = 0; i < n; i++) {
        group.run([=] { out[i] = in[i] * in[i]; });
    }
    group.wait();
}

static void loop(const long *in, long *out, long n)
{
    tbb::parallel_for(range(0, n), [=](const range &part) {
        for (long i = part.begin(); i < part.end(); i++) {
            out[i] = in[i] * in[i];
        }
    });
}

static void loop_singly(const long *in, long *out, long n)
{
    tbb::parallel_for(
        range(0, n, 1), [=](const range &part) { out[part.begin()] = in[part.begin()] * in[part.begin()]; },
        tbb::simple_partitioner());
}

static void loop_primes(const long *in, long *out, long n)
{
    tbb::parallel_for(
        range(0, n, 1), [=](const range &part) { out[part.begin()] = bench_primes(in[part.begin()]); },
        tbb::simple_partitioner());
}

static double apply_async()
{
    return bench_squares(tasks, bench_count(TASKS));
}

static double map()
{
    return bench_squares(loop, bench_count(TASKS));
}

static double map_chunk1()
{
    return bench_squares(loop_singly, bench_count(TASKS));
}

static double cpu()
{
    return bench_cpu(loop_primes);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        { "apply_async", apply_async }, { "map", map }, { "map_chunk1", map_chunk1 }, { "cpu", cpu }, { NULL, NULL },
    };
    char system[64];

    snprintf(system, sizeof system, "oneTBB %s", TBB_runtime_version());
    return bench_main(argc, argv, system, cases);
}
