/*
 * bench-pool.c - the pool itself.
 *
 * apply_async hands a million tasks over one by one, then fetches and frees a million results; so do async_4
 * and async_16, with that many workers, mostly more than there are cores. map and map_chunk1 copy a million
 * numbers in and a million squares out, in large pieces and in pieces of one. restart is a pool of one worker
 * who does one task in its life: workers start and end one after another, as in the floor. large and large_first
 * wait for a result of 256 MiB and read it where the worker has written it; the first time the worker gets its pages
 * one by one from the system, later it finds them in place.
 *
 * queue sends a million numbers through a queue for 20, from a worker to the program.
 *
 * Unless the case says otherwise, a pool has the default number of workers, and opening it is not timed.
 * Nothing here is tuned: these are the calls of pool.h as a program would make them.
 */
#define _GNU_SOURCE
#include "bench.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

enum { TRIPS = 50000, TASKS = 1000000, ITEMS = 1000000, RESTARTS = 1000, POOLS = 50 };

static struct pool *pool;

static int square(const void *arg, void *result)
{
    long x = *(const long *)arg;

    *(long *)result = x * x;
    return 0;
}

static int primes(const void *arg, void *result)
{
    *(long *)result = bench_primes(*(const long *)arg);
    return 0;
}

static int skewed(const void *arg, void *result)
{
    *(long *)result = bench_skewed(*(const long *)arg);
    return 0;
}

static int fill(const void *arg, void *result)
{
    memset(result, *(const unsigned char *)arg, bench_large_size());
    return 0;
}

static int to_last_core(void *unused)
{
    (void)unused;
    bench_pin(1);
    return 0;
}

static void expect(bool good)
{
    if (!good) {
        bench_die("%s", pool_error()->text);
    }
}

static void start(const struct pool_options *options)
{
    pool = pool_open(options);
    expect(pool != NULL);
}

static void stop(void)
{
    pool_close(pool);
    expect(pool_join(pool, POOL_FOREVER) == 0);
    pool_free(pool);
}

static long one(long x)
{
    long result = 0;

    expect(pool_apply(pool, square, &x, sizeof x, &result, sizeof result) == 0);
    return result;
}

static double apply(void)
{
    start(NULL);
    double ns = bench_warm(one, bench_count(TRIPS));
    stop();
    return ns;
}

static double apply_cold(void)
{
    start(&(struct pool_options){ .initializer = to_last_core });
    bench_pin(0);
    double ns = bench_cold(one);
    stop();
    return ns;
}

static double apply_cold_unpinned(void)
{
    start(NULL);
    double ns = bench_cold(one);
    stop();
    return ns;
}

static void one_by_one(const long *in, long *out, long n)
{
    static struct pool_result **results; /* made in the first pass, which is not timed */

    if (!results) {
        results = malloc((size_t)n * sizeof *results);
    }
    for (long i = 0; i < n; i++) {
        results[i] = pool_apply_async(pool, square, &in[i], sizeof in[i], sizeof out[i], NULL);
        expect(results[i] != NULL);
    }
    for (long i = 0; i < n; i++) {
        expect(pool_result_get(results[i], &out[i], POOL_FOREVER) == 0);
        pool_result_free(results[i]);
    }
}

static double async(int workers)
{
    start(&(struct pool_options){ .processes = workers });
    double ns = bench_squares(one_by_one, bench_count(TASKS));
    stop();
    return ns;
}

static double apply_async(void)
{
    return async(0);
}

static double async_4(void)
{
    return async(4);
}

static double async_16(void)
{
    return async(16);
}

static void map_default(const long *in, long *out, long n)
{
    expect(pool_map(pool, square, in, (size_t)n, sizeof *in, out, sizeof *out) == 0);
}

static void map_singly(const long *in, long *out, long n)
{
    static const struct pool_job_options singly = { .chunk = 1 };
    struct pool_result *result;

    result = pool_map_async(pool, square, in, (size_t)n, sizeof *in, sizeof *out, &singly);
    expect(result && pool_result_get(result, out, POOL_FOREVER) == 0);
    pool_result_free(result);
}

static double map(void)
{
    start(NULL);
    double ns = bench_squares(map_default, bench_count(TASKS));
    stop();
    return ns;
}

static double map_chunk1(void)
{
    start(NULL);
    double ns = bench_squares(map_singly, bench_count(TASKS));
    stop();
    return ns;
}

static double restart(void)
{
    start(&(struct pool_options){ .processes = 1, .maxtasks = 1 });
    double ns = bench_squares(map_singly, bench_count(RESTARTS));
    stop();
    return ns;
}

static void map_primes(const long *in, long *out, long n)
{
    expect(pool_map(pool, primes, in, (size_t)n, sizeof *in, out, sizeof *out) == 0);
}

static double cpu(void)
{
    start(NULL);
    double ns = bench_cpu(map_primes);
    stop();
    return ns;
}

static void map_skewed(const long *in, long *out, long n)
{
    expect(pool_map(pool, skewed, in, (size_t)n, sizeof *in, out, sizeof *out) == 0);
}

static double skew(void)
{
    start(NULL);
    double ns = bench_skew(map_skewed);
    stop();
    return ns;
}

static double get_large(unsigned char byte)
{
    double begin = bench_now();
    struct pool_result *result = pool_apply_async(pool, fill, &byte, 1, bench_large_size(), NULL);

    expect(result && pool_result_wait(result, POOL_FOREVER) == 0);
    const void *bytes = pool_result_at(result, 0);
    double took = bench_now() - begin;
    expect(bytes != NULL);
    bench_check_large(bytes, byte);
    pool_result_free(result);
    return took;
}

static double large(void)
{
    start(NULL);
    double ns = bench_large(get_large, false);
    stop();
    return ns;
}

static double large_first(void)
{
    start(NULL);
    double ns = bench_large(get_large, true);
    stop();
    return ns;
}

/* Puts the numbers from 0 on, one after another. */
static int fill_queue(const void *arg, void *result)
{
    struct pool_queue *queue = *(struct pool_queue *const *)arg;

    (void)result;
    for (long i = 0; i < bench_count(ITEMS); i++) {
        if (pool_queue_put(queue, &i, POOL_FOREVER) != 0) {
            return -1;
        }
    }
    return 0;
}

/* A worker puts, the program gets. */
static double queue(void)
{
    long n = bench_count(ITEMS), got = 0;
    double begin = 0;

    start(&(struct pool_options){ .processes = 1 });
    struct pool_queue *queue = pool_queue_open(pool, 20, sizeof got);
    expect(queue != NULL);
    for (int pass = 0; pass < 2; pass++) {
        begin = bench_now();
        struct pool_result *result = pool_apply_async(pool, fill_queue, &queue, sizeof queue, 0, NULL);
        expect(result != NULL);
        for (long i = 0; i < n; i++) {
            expect(pool_queue_get(queue, &got, POOL_FOREVER) == 0);
            if (got != i) {
                bench_die("item %ld: got %ld", i, got);
            }
        }
        expect(pool_result_get(result, NULL, POOL_FOREVER) == 0);
    }
    double ns = (bench_now() - begin) / (double)n;
    stop();
    return ns;
}

static double open_close(void)
{
    long n = bench_count(POOLS);
    double begin = bench_now();

    for (long i = 0; i < n; i++) {
        start(&(struct pool_options){ .processes = 4 });
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
        { "map", map },
        { "map_chunk1", map_chunk1 },
        { "cpu", cpu },
        { "skew", skew },
        { "large", large },
        { "large_first", large_first },
        { "restart", restart },
        { "queue", queue },
        { "open_close", open_close },
        { NULL, NULL },
    };

    return bench_main(argc, argv, "pool", cases);
}
