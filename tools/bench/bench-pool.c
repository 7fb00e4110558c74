/*
 * bench-pool.c - the pool itself.
 *
 * apply_async hands a million tasks over one by one, then fetches and frees a million results; so do async_4
 * and async_16, with that many workers, mostly more than there are cores, async_threads, with worker threads, and
 * reply, where a result of 64 bytes is a reply. map and map_chunk1 copy a million numbers in and a million squares
 * out, in large pieces and in pieces of one. imap asks for the squares one by one, with 64 items on their way, and
 * imap_ahead with 100,000. restart is a pool of one worker that does one task in its life: workers start and end one
 * after another, as in the floor; in death the task kills it, and one more shows that its successor works. large and
 * large_first wait for a result of 256 MiB and read it where the worker has written it; the first time the worker gets
 * its pages one by one from the system, later it finds them in place.
 *
 * queue sends a million numbers through a queue for 20, from a worker to the program, queue_many from 16 workers to 16.
 * open_10 and open_1000 open a pool of so many workers, per worker; idle_worker is the memory that each of 10 takes,
 * in bytes, pages that several share counted in parts. progress asks how far a map of a hundred million items is.
 *
 * Unless the case says otherwise, a pool has the default number of workers, and opening it is not timed.
 * Nothing here is tuned: these are the calls of pool.h as a program would make them.
 */
#define _GNU_SOURCE
#include "bench.h"
#include "pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIPS = 50000, TASKS = 1000000, ITEMS = 1000000, RESTARTS = 1000, POOLS = 50, DEATHS = 300 };
enum { AHEAD = 64, FAR_AHEAD = 100000, REPLY = 64, PARTIES = 16, ASKED = 20 };

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

static double async(bench_batch *batch, const struct pool_options *options)
{
    start(options);
    double ns = bench_squares(batch, bench_count(TASKS));
    stop();
    return ns;
}

static double apply_async(void)
{
    return async(one_by_one, NULL);
}

static double async_4(void)
{
    return async(one_by_one, &(struct pool_options){ .processes = 4 });
}

static double async_16(void)
{
    return async(one_by_one, &(struct pool_options){ .processes = 16 });
}

static double async_threads(void)
{
    return async(one_by_one, &(struct pool_options){ .kind = POOL_THREADS });
}

static int square_in_reply(const void *arg, void *unused)
{
    long *reply = pool_reply(REPLY);

    (void)unused;
    if (!reply) {
        return -1;
    }
    memset(reply, 0, REPLY);
    return square(arg, reply);
}

static void with_replies(const long *in, long *out, long n)
{
    static struct pool_result **results;

    if (!results) {
        results = malloc((size_t)n * sizeof *results);
    }
    for (long i = 0; i < n; i++) {
        results[i] = pool_apply_async(pool, square_in_reply, &in[i], sizeof in[i], 0, NULL);
        expect(results[i] != NULL);
    }
    for (long i = 0; i < n; i++) {
        size_t size = 0;
        expect(pool_result_get(results[i], NULL, POOL_FOREVER) == 0);
        const long *bytes = pool_result_reply(results[i], 0, &size);
        expect(bytes && size == REPLY);
        out[i] = *bytes;
        pool_result_free(results[i]);
    }
}

static double reply(void)
{
    return async(with_replies, NULL);
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
    return async(map_default, NULL);
}

static double map_chunk1(void)
{
    return async(map_singly, NULL);
}

struct numbers {
    const long *next, *end;
};

static int next_number(void *state, void *item)
{
    struct numbers *numbers = state;

    if (numbers->next == numbers->end) {
        return 0;
    }
    *(long *)item = *numbers->next++;
    return 1;
}

static void stream(long ahead, const long *in, long *out, long n)
{
    struct numbers numbers = { in, in + n };
    const struct pool_job_options options = { .ahead = ahead };
    struct pool_iter *iter = pool_imap(pool, square, next_number, &numbers, sizeof *in, sizeof *out, &options);

    expect(iter != NULL);
    for (long i = 0; i < n; i++) {
        expect(pool_iter_next(iter, &out[i], POOL_FOREVER) == 1);
    }
    pool_iter_close(iter);
}

static void stream_near(const long *in, long *out, long n)
{
    stream(AHEAD, in, out, n);
}

static void stream_far(const long *in, long *out, long n)
{
    stream(FAR_AHEAD, in, out, n);
}

static double imap(void)
{
    return async(stream_near, NULL);
}

static double imap_ahead(void)
{
    start(NULL);
    double ns = bench_squares(stream_far, bench_count(2 * FAR_AHEAD));
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

static int die(const void *arg, void *result)
{
    (void)arg;
    (void)result;
    _exit(1);
}

static double death(void)
{
    long n = bench_count(DEATHS);

    start(&(struct pool_options){ .processes = 1 });
    double begin = bench_now();
    for (long i = 0; i < n; i++) {
        if (pool_apply(pool, die, NULL, 0, NULL, 0) == 0 || pool_error()->code != EOWNERDEAD) {
            bench_die("death %ld: %s", i, pool_error()->text);
        }
        if (one(i) != i * i) {
            bench_die("death %ld: wrong square", i);
        }
    }
    double ns = (bench_now() - begin) / (double)n;
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

/* One of those that put their share of the numbers into a queue, or get as many out of it and add them up. */
struct party {
    struct pool_queue *queue;
    long count;
    bool puts;
};

static int take_part(const void *arg, void *result)
{
    const struct party *party = arg;
    long number, *sum = result;

    *sum = 0;
    for (long i = 0; i < party->count; i++) {
        number = i;
        if (party->puts ? pool_queue_put(party->queue, &number, POOL_FOREVER) != 0
                        : pool_queue_get(party->queue, &number, POOL_FOREVER) != 0) {
            return -1;
        }
        *sum += number;
    }
    return 0;
}

/* Half of the workers put, the others get. */
static double queue_many(void)
{
    struct party parties[2 * PARTIES];
    long sums[2 * PARTIES], n = bench_count(ITEMS) / PARTIES, sum = 0;

    start(&(struct pool_options){ .processes = 2 * PARTIES });
    struct pool_queue *queue = pool_queue_open(pool, 20, sizeof(long));
    expect(queue != NULL);
    for (int i = 0; i < 2 * PARTIES; i++) {
        parties[i] = (struct party){ queue, n, i % 2 == 0 };
    }
    double begin = bench_now();
    expect(pool_map(pool, take_part, parties, 2 * PARTIES, sizeof *parties, sums, sizeof *sums) == 0);
    double took = bench_now() - begin;
    for (int i = 0; i < 2 * PARTIES; i++) {
        sum += parties[i].puts ? sums[i] : -sums[i];
    }
    if (sum != 0) {
        bench_die("what was got is not what was put");
    }
    stop();
    return took / (double)(n * PARTIES);
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

static double open_many(int workers, long pools)
{
    double took = 0;

    for (long i = 0; i < pools; i++) {
        double begin = bench_now();
        start(&(struct pool_options){ .processes = workers });
        took += bench_now() - begin;
        stop();
    }
    return took / (double)(pools * workers);
}

static double open_10(void)
{
    return open_many(10, bench_count(POOLS));
}

static double open_1000(void)
{
    return open_many(1000, 1);
}

/* What the system says of a process's memory: each page that n processes share is an n-th of a page. */
static double memory_of(pid_t pid)
{
    char path[64], line[256];
    double kib = 0;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "Pss: %lf", &kib) != 1) {
    }
    if (kib <= 0) {
        bench_die("there is no Pss in %s", path);
    }
    fclose(file);
    return 1024 * kib;
}

static double idle_worker(void)
{
    struct pool_worker workers[10];
    int n = sizeof workers / sizeof *workers;
    double bytes = 0;

    start(&(struct pool_options){ .processes = n });
    expect(pool_workers(pool, workers, n) == n);
    for (int i = 0; i < n; i++) {
        bytes += memory_of(workers[i].pid);
    }
    stop();
    return bytes / n;
}

static int forever(const void *arg, void *result)
{
    (void)arg;
    (void)result;
    while (pause() != 0) { /* which it never does */
    }
    return 0;
}

static double progress(void)
{
    size_t n = (size_t)bench_count(100 * ITEMS);
    struct pool_progress progress;

    start(&(struct pool_options){ .memory = (size_t)2 << 30 });
    struct pool_result *result = pool_map_async(pool, forever, NULL, n, 0, 0, NULL);
    expect(result != NULL);
    double begin = bench_now();
    for (int i = 0; i < ASKED; i++) {
        expect(pool_result_progress(result, &progress) == 0);
    }
    double ns = (bench_now() - begin) / ASKED;
    if (progress.count != n || progress.done != 0) {
        bench_die("wrong progress");
    }
    pool_terminate(pool);
    pool_free(pool);
    return ns;
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
        { "async_threads", async_threads },
        { "reply", reply },
        { "map", map },
        { "map_chunk1", map_chunk1 },
        { "imap", imap },
        { "imap_ahead", imap_ahead },
        { "cpu", cpu },
        { "skew", skew },
        { "large", large },
        { "large_first", large_first },
        { "restart", restart },
        { "death", death },
        { "queue", queue },
        { "queue_many", queue_many },
        { "open_close", open_close },
        { "open_10", open_10 },
        { "open_1000", open_1000 },
        { "idle_worker", idle_worker },
        { "progress", progress },
        { NULL, NULL },
    };

    return bench_main(argc, argv, "pool", cases);
}
