/*
 * streams.c - imap and imap_unordered: order, bounds, errors in the middle, and ends.
 */
#include "unit.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A source of 0, 1, 2 ... */
struct counter {
    long next, end; /* no end: -1 */
    long fails_at;  /* no failure: -1 */
};

static int count_up(void *state, void *item)
{
    struct counter *counter = state;
    atomic_fetch_add(&shared->calls, 1);
    if (counter->next == counter->fails_at)
        return -1;
    if (counter->next == counter->end)
        return 0;
    *(long *)item = counter->next++;
    return 1;
}

typedef struct pool_iter *start_imap(struct pool *, pool_task *, pool_source *, void *, size_t, size_t,
                                     const struct pool_job_options *);

static struct pool_iter *start(start_imap *imap, struct pool *pool, pool_task *task, struct counter *counter,
                               long chunk, long ahead)
{
    struct pool_job_options options = { .chunk = chunk, .ahead = ahead };
    struct pool_iter *iter = imap(pool, task, count_up, counter, sizeof(long), sizeof(long), &options);
    OK(iter ? 0 : -1);
    return iter;
}

static void check_end(struct pool_iter *iter)
{
    long out = 77;
    CHECK_EQ(pool_iter_next(iter, &out, PATIENCE), 0);
    CHECK_EQ(pool_iter_next(iter, &out, 0), 0);
    CHECK_EQ(out, 77);
}

static void check_ordered(struct pool *pool, long count, long chunk, long ahead)
{
    struct counter counter = { 0, count, -1 };
    struct pool_iter *iter = start(pool_imap, pool, task_square, &counter, chunk, ahead);
    for (long i = 0; i < count; i++) {
        long out = -1;
        REQUIRE(pool_iter_next(iter, &out, PATIENCE) == 1);
        REQUIRE(out == i * i && (long)pool_iter_index(iter) == i);
    }
    check_end(iter);
    pool_iter_close(iter);
}

static void p13_ordered(void)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, 10, -1 };
    struct pool_iter *iter = pool_imap(pool, task_square, count_up, &counter, sizeof(long), sizeof(long), NULL);
    for (long i = 0, out; i < 10; i++)
        REQUIRE(pool_iter_next(iter, &out, PATIENCE) == 1 && out == i * i);
    check_end(iter);
    check_ordered(pool, 1000, 100, 0);
    check_ordered(pool, 1000, 1, 50);
    check_ordered(pool, 1000, 7, 1);
    check_ordered(pool, 1000, 7, 200);
    check_ordered(pool, 1000, 3, 1000);
    check_ordered(pool, 3, 100, 1);
    check_ordered(pool, 1, 1, 1);
    end_pool(pool);
}

static void check_unordered(struct pool *pool, long count, long chunk, long ahead)
{
    struct counter counter = { 0, count, -1 };
    char *seen = calloc((size_t)count, 1);
    REQUIRE(seen != NULL);
    struct pool_iter *iter = start(pool_imap_unordered, pool, task_square, &counter, chunk, ahead);
    for (long i = 0; i < count; i++) {
        long out = -1;
        REQUIRE(pool_iter_next(iter, &out, PATIENCE) == 1);
        long item = (long)pool_iter_index(iter);
        REQUIRE(item >= 0 && item < count && out == item * item && !seen[item]);
        seen[item] = 1;
    }
    check_end(iter);
    pool_iter_close(iter);
    free(seen);
}

static void p15_unordered(void)
{
    struct pool *pool = open_pool(3);
    check_unordered(pool, 10, 0, 0);
    check_unordered(pool, 1000, 100, 0);
    check_unordered(pool, 1000, 7, 0);
    check_unordered(pool, 1, 1, 0);
    check_unordered(pool, 1000, 1, 64);
    check_unordered(pool, 1000, 7, 200);
    end_pool(pool);
}

/* Item 0 waits at the gate; whoever is ready is handed out meanwhile. */
static int first_waits(const void *arg, void *result)
{
    if (*(const long *)arg == 0)
        gate_wait();
    return task_square(arg, result);
}

static void ready_first(long ahead)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, 200, -1 };
    struct pool_iter *iter = start(pool_imap_unordered, pool, first_waits, &counter, 1, ahead);
    long out = -1;
    for (int i = 0; i < 199; i++) {
        REQUIRE(pool_iter_next(iter, &out, PATIENCE) == 1);
        CHECK(pool_iter_index(iter) != 0);
    }
    REFUSED(pool_iter_next(iter, &out, 0.01), ETIMEDOUT, "");
    gate_open();
    CHECK_EQ(pool_iter_next(iter, &out, PATIENCE), 1);
    CHECK_EQ((long)pool_iter_index(iter), 0);
    check_end(iter);
    end_pool(pool);
    atomic_store(&shared->gate, 0);
}

static void p15_ready_first(void)
{
    ready_first(0);
    ready_first(64);
}

static void source_fails(start_imap *imap, long chunk)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, -1, 7 };
    struct pool_iter *iter = start(imap, pool, task_square, &counter, chunk, 0);
    bool seen[7] = { false };
    long out;
    int said, good = 0;
    while ((said = pool_iter_next(iter, &out, PATIENCE)) == 1) {
        size_t item = pool_iter_index(iter);
        REQUIRE(item < 7 && !seen[item] && out == (long)(item * item));
        seen[item] = true;
        good++;
    }
    CHECK_EQ(good, 7);
    CHECK(said == -1 && errno == EREMOTEIO);
    CHECK_EQ((ssize_t)pool_error()->item, (ssize_t)POOL_NO_ITEM);
    CHECK_EQ(pool_error()->pid, 0); /* it did not happen in a worker */
    CHECK_TEXT(pool_error()->text, "source");
    check_end(iter);
    CHECK_EQ(atomic_load(&shared->calls), 8);
    end_pool(pool);
}

static void p16_source_fails(void)
{
    source_fails(pool_imap, 1);
}

static void p16_source_fails_in_chunk(void)
{
    source_fails(pool_imap, 5);
}

static void p16_source_fails_unordered(void)
{
    source_fails(pool_imap_unordered, 1);
}

static void p36_bounded(void)
{
    struct pool *pool = open_pool(2);
    for (long chunk = 1; chunk <= 5; chunk += 4)
        for (long ahead = 0; ahead <= 9; ahead += 3) {
            struct counter counter = { 0, -1, -1 };
            atomic_store(&shared->calls, 0);
            struct pool_iter *iter = start(pool_imap, pool, task_square, &counter, chunk, ahead);
            long bound = 2 * chunk + (ahead ? ahead : 2), out;
            CHECK(atomic_load(&shared->calls) <= bound);
            for (long i = 0; i < 1000; i++) {
                REQUIRE(pool_iter_next(iter, &out, PATIENCE) == 1);
                REQUIRE(atomic_load(&shared->calls) <= i + 1 + bound);
            }
            pool_iter_close(iter);
        }
    end_pool(pool);
}

static void p36_unordered_bounded(void)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, -1, -1 };
    struct pool_iter *iter = start(pool_imap_unordered, pool, first_waits, &counter, 1, 3);
    long out;
    int got = 0;
    while (pool_iter_next(iter, &out, 0.3) == 1 && got < 10000)
        got++; /* item 0 never ends: an unordered stream may go on beside it, but not without bound */
    CHECK(atomic_load(&shared->calls) <= got + 2 + 3);
    gate_open();
    pool_iter_close(iter);
    end_pool(pool);
}

static void p36_reads_ahead(void)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, -1, -1 };
    struct pool_iter *iter = start(pool_imap, pool, task_gate, &counter, 1, 0);
    REFUSED(pool_iter_next(iter, NULL, 0), ETIMEDOUT, "");
    EVENTUALLY(atomic_load(&shared->arrived) == 2); /* both workers have work before a result was asked for */
    gate_open();
    pool_iter_close(iter);
    end_pool(pool);
}

static void p44_one_failure(start_imap *imap, long chunk)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, 40, -1 };
    struct pool_iter *iter = start(imap, pool, task_odd_fails, &counter, chunk, 0);
    int good = 0, bad = 0, said;
    long out;
    while ((said = pool_iter_next(iter, &out, PATIENCE)) != 0 && good + bad < 41) {
        long item = (long)pool_iter_index(iter);
        good += said == 1, bad += said == -1;
        if (imap == pool_imap)
            CHECK_EQ(item, good + bad - 1);
        CHECK(said == 1 ? item % 2 == 0 && out == item * item : item % 2 == 1 && errno == EREMOTEIO);
        if (said == -1) {
            CHECK_EQ((long)pool_error()->item, item);
            CHECK_TEXT(pool_error()->text, "is odd");
            CHECK_TEXT(pool_iter_reply(iter, NULL), "is odd");
        }
    }
    CHECK_EQ(good, 20);
    CHECK_EQ(bad, 20);
    end_pool(pool);
}

static void p44_failures(void)
{
    p44_one_failure(pool_imap, 1);
    p44_one_failure(pool_imap, 5);
    p44_one_failure(pool_imap, 100);
}

static void p44_failures_unordered(void)
{
    p44_one_failure(pool_imap_unordered, 1);
    p44_one_failure(pool_imap_unordered, 5);
}

/* An even item replies with its number; 12 kills its worker. */
static int reply_or_die(const void *arg, void *result)
{
    long x = *(const long *)arg;
    *(long *)result = x;
    if (x == 12)
        raise(SIGKILL);
    return x % 2 ? 0 : pool_reply_text("number %ld", x);
}

static void d08_death(start_imap *imap, long chunk)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, 30, -1 };
    struct pool_iter *iter = start(imap, pool, reply_or_die, &counter, chunk, 0);
    int good = 0, bad = 0, said;
    long out;
    while ((said = pool_iter_next(iter, &out, PATIENCE)) != 0 && good + bad < 31) {
        long item = (long)pool_iter_index(iter);
        good += said == 1, bad += said == -1;
        CHECK(imap == pool_imap_unordered || item == good + bad - 1);
        CHECK(said == 1 ? out == item : item == 12 && errno == EOWNERDEAD);
        if (said == -1)
            CHECK_EQ(pool_error()->signal, SIGKILL);
        else if (item % 2 == 0)
            CHECK_TEXT(pool_iter_reply(iter, NULL), "number ");
        else
            CHECK(pool_iter_reply(iter, NULL) == NULL);
    }
    CHECK_EQ(good, 29);
    CHECK_EQ(bad, 1);
    end_pool(pool);
}

static void d08_imap(void)
{
    d08_death(pool_imap, 1);
    d08_death(pool_imap, 5);
}

static void d08_unordered(void)
{
    d08_death(pool_imap_unordered, 1);
    d08_death(pool_imap_unordered, 5);
}

static void next_times_out(void)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, 3, -1 };
    struct pool_iter *iter = start(pool_imap, pool, first_waits, &counter, 1, 0);
    long out = 5;
    double before = unit_now();
    REFUSED(pool_iter_next(iter, &out, 0.05), ETIMEDOUT, "0.05");
    CHECK(unit_now() - before >= 0.05);
    CHECK_EQ(out, 5);
    gate_open();
    for (long i = 0; i < 3; i++)
        CHECK(pool_iter_next(iter, &out, PATIENCE) == 1 && out == i * i);
    check_end(iter);
    end_pool(pool);
}

/* What is half consumed ends: by closing the iterator, by closing the pool, by terminating it. */
static void half_way(void)
{
    for (int how = 0; how < 3; how++) {
        struct pool *pool = open_pool(2);
        struct counter counter = { 0, -1, -1 };
        struct pool_iter *iter = start(pool_imap, pool, task_square, &counter, how + 1, 0);
        for (long i = 0, out; i < 10; i++)
            CHECK(pool_iter_next(iter, &out, PATIENCE) == 1 && out == i * i);
        if (how == 0)
            pool_iter_close(iter);
        OK(how == 2 ? pool_terminate(pool) : pool_close(pool));
        OK(pool_join(pool, PATIENCE));
        pool_free(pool);
    }
}

static void next_after_close(void)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, -1, -1 };
    struct pool_iter *iter = start(pool_imap, pool, task_square, &counter, 1, 0);
    long out = -1;
    CHECK_EQ(pool_iter_next(iter, &out, PATIENCE), 1);
    OK(pool_close(pool));
    int calls = atomic_load(&shared->calls), said, more = 0;
    while ((said = pool_iter_next(iter, &out, PATIENCE)) == 1 && more++ < 100)
        ; /* what was handed over is still done; then the pool says why there is no more */
    CHECK(said == -1 && errno == ESHUTDOWN);
    CHECK_EQ(atomic_load(&shared->calls), calls);
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static void next_after_terminate(void)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, -1, -1 };
    struct pool_iter *iter = start(pool_imap, pool, task_forever, &counter, 1, 0);
    REFUSED(pool_iter_next(iter, NULL, 0), ETIMEDOUT, "");
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    terminate_busy_pool(pool);
    int said, count = 0, ran = unit_kind == POOL_THREADS ? 1 : -1; /* threads go on to their task's end */
    while ((said = pool_iter_next(iter, NULL, PATIENCE)) == (count < 2 ? ran : -1) &&
           (said == 1 || errno == ECANCELED) && count < 100)
        count++;
    CHECK(count >= 2); /* the two that ran */
    CHECK(said == 0 || errno == ESHUTDOWN);
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static void several_streams(void)
{
    struct pool *pool = open_pool(2);
    struct counter counters[3] = { { 0, 100, -1 }, { 0, 100, -1 }, { 0, 100, -1 } };
    struct pool_iter *iters[3];
    for (int k = 0; k < 3; k++)
        iters[k] = start(pool_imap, pool, task_square, &counters[k], k + 1, 0);
    for (long i = 0, out; i < 100; i++)
        for (int k = 0; k < 3; k++)
            REQUIRE(pool_iter_next(iters[k], k == 1 ? NULL : &out, PATIENCE) == 1 && (k == 1 || out == i * i));
    for (int k = 0; k < 3; k++)
        check_end(iters[k]);
    end_pool(pool);
}

/* ---- When there is no room ---- */

enum { MIB = 1 << 20 };

/* Numbers in items of 1 MiB. */
static int large_items(void *state, void *item)
{
    return count_up(state, item);
}

static struct pool_iter *start_large(start_imap *imap, struct pool *pool, struct counter *counter, size_t width,
                                     const struct pool_job_options *options)
{
    struct pool_iter *iter = imap(pool, first_waits, large_items, counter, width, sizeof(long), options);
    OK(iter ? 0 : -1);
    return iter;
}

/* There is memory for three items: nothing is lost, whoever is first. */
static void more_than_memory(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 4, .memory = 4 * MIB });
    OK(pool ? 0 : -1);
    gate_open();
    for (int ordered = 0; ordered < 2; ordered++) {
        struct counter counter = { 0, 40, -1 };
        long out, sum = 0;
        int count = 0;
        struct pool_iter *iter = start_large(ordered ? pool_imap : pool_imap_unordered, pool, &counter, MIB, NULL);
        for (; pool_iter_next(iter, &out, PATIENCE) == 1; count++)
            sum += out;
        CHECK_EQ(count, 40);
        CHECK_EQ(sum, 20540);
        check_end(iter);
        pool_iter_close(iter);
    }
    end_pool(pool);
}

/* There is memory for one item. */
static void one_at_a_time(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = MIB + MIB / 2 });
    long out, sum = 0;
    OK(pool ? 0 : -1);
    gate_open();
    for (int ordered = 0; ordered < 2; ordered++) {
        struct counter counter = { 0, 20, -1 };
        struct pool_iter *iter = start_large(ordered ? pool_imap : pool_imap_unordered, pool, &counter, MIB, NULL);
        while (pool_iter_next(iter, &out, PATIENCE) == 1)
            sum += out;
        check_end(iter);
    }
    CHECK_EQ(sum, 2 * 2470);
    end_pool(pool);
}

/* Others hold the memory: what was read is kept, and handed over when there is room again. */
static void memory_of_others(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 4 * MIB });
    struct counter counter = { 0, 3, -1 };
    long out;
    OK(pool ? 0 : -1);
    gate_open();
    struct pool_result *held = pool_apply_async(pool, task_pid, NULL, 0, 3 * MIB + MIB / 2, NULL);
    OK(held ? 0 : -1);
    struct pool_iter *iter = start_large(pool_imap, pool, &counter, MIB, NULL);
    for (int i = 0; i < 3; i++)
        REFUSED(pool_iter_next(iter, &out, PATIENCE), ENOMEM, "do not fit");
    CHECK_EQ(atomic_load(&shared->calls), 1);
    OK(pool_result_wait(held, PATIENCE));
    pool_result_free(held);
    for (long i = 0; i < 3; i++)
        CHECK(pool_iter_next(iter, &out, PATIENCE) == 1 && out == i * i);
    check_end(iter);
    iter = start_large(pool_imap, pool, &(struct counter){ 0, 3, -1 }, 5 * MIB, NULL); /* it can never fit */
    REFUSED(pool_iter_next(iter, &out, POOL_FOREVER), ENOMEM, "do not fit");
    end_pool(pool);
}

/* What nobody waits for holds the memory, and will give it back. */
static void memory_to_come(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 4 * MIB });
    struct counter counter = { 1, 3, -1 };
    struct pool_result *gate;
    static char arg[3 * MIB + MIB / 2];
    long out;
    OK(pool ? 0 : -1);
    fill_with_gates(pool, &gate, 1);
    pool_result_free(pool_apply_async(pool, task_gate, arg, sizeof arg, sizeof(pid_t), NULL));
    struct pool_iter *iter = start_large(pool_imap, pool, &counter, MIB, NULL);
    REFUSED(pool_iter_next(iter, &out, 0.05), ETIMEDOUT, "0.05");
    gate_open();
    for (long i = 1; i < 3; i++)
        CHECK(pool_iter_next(iter, &out, PATIENCE) == 1 && out == i * i);
    check_end(iter);
    end_pool(pool);
}

/* Fills the ring behind tasks that wait at the gate. */
static void fill_ring(struct pool *pool)
{
    const struct pool_job_options now = { .nowait = true };
    struct pool_result *gates[2];
    int here = unit_kind == POOL_INLINE ? 0 : 2;
    fill_with_gates(pool, gates, here);
    struct pool_result *job;
    while ((job = pool_apply_async(pool, task_square, &(long){ 2 }, sizeof(long), sizeof(long), &now)))
        pool_result_free(job);
    CHECK_EQ(errno, EAGAIN);
}

static void full_ring(void)
{
    struct pool *pool = open_pool(2);
    struct counter counters[2] = { { 1, 4, -1 }, { 1, 4, -1 } };
    long out;
    fill_ring(pool);
    struct pool_iter *waits = start(pool_imap, pool, task_square, &counters[0], 1, 0);
    struct pool_iter *does_not = pool_imap_unordered(pool, task_square, count_up, &counters[1], sizeof(long),
                                                     sizeof(long), &(struct pool_job_options){ .nowait = true });
    for (int i = 0; i < 2; i++) {
        REFUSED(pool_iter_next(waits, &out, 0.02), ETIMEDOUT, "0.02");
        REFUSED(pool_iter_next(does_not, &out, PATIENCE), EAGAIN, "full");
    }
    CHECK_EQ(atomic_load(&shared->calls), 2); /* one item of each is kept */
    gate_open();
    for (long i = 1; i < 4; i++)
        CHECK(pool_iter_next(waits, &out, PATIENCE) == 1 && out == i * i);
    check_end(waits);
    int status, sum = 0;
    while ((status = pool_iter_next(does_not, &out, PATIENCE)) == 1 || (status == -1 && errno == EAGAIN))
        sum += status == 1 ? (int)out : 0;
    CHECK_EQ(sum, 1 + 4 + 9);
    end_pool(pool);
}

/* ---- A failure that ends the stream ---- */

/* 3 fails; 4 has begun, and waits; what is behind it has not begun. */
static int three_fails(const void *arg, void *result)
{
    long x = *(const long *)arg;
    if (x == 4)
        task_gate(arg, &(pid_t){ 0 });
    return x == 3 ? pool_fail("three") : task_square(arg, result);
}

static void fail_fast_stream(start_imap *imap)
{
    struct pool *pool = open_pool(1);
    struct counter counter = { 0, -1, -1 };
    struct pool_job_options options = { .ahead = 20, .fail_fast = true };
    struct pool_iter *iter = imap(pool, three_fails, count_up, &counter, sizeof(long), sizeof(long), &options);
    long out;
    for (long i = 0; i < 3; i++)
        CHECK(pool_iter_next(iter, &out, PATIENCE) == 1 && out == i * i);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    FAILED(pool_iter_next(iter, &out, PATIENCE), EREMOTEIO, 3);
    int calls = atomic_load(&shared->calls), cancelled = 0, good = 0, said;
    gate_open();
    while ((said = pool_iter_next(iter, &out, PATIENCE)) != 0) {
        good += said == 1 && out == 16;
        cancelled += said == -1 && errno == ECANCELED;
        if (said == -1)
            CHECK_TEXT(pool_error()->text, "cancelled, because another item failed");
    }
    CHECK_EQ(good, 1);
    CHECK_EQ(cancelled, calls - 5);
    CHECK(cancelled >= 15);
    check_end(iter);
    CHECK_EQ(atomic_load(&shared->calls), calls);
    end_pool(pool);
    atomic_store(&shared->gate, 0);
    atomic_store(&shared->arrived, 0);
    atomic_store(&shared->calls, 0);
}

static void fail_fast(void)
{
    fail_fast_stream(pool_imap);
    fail_fast_stream(pool_imap_unordered);
}

/* ---- Several threads, and wrong hands ---- */

enum { SHARED_ITEMS = 3000 };

static void *take_some(void *iter)
{
    long out;
    int status;
    while ((status = pool_iter_next(iter, &out, PATIENCE)) == 1)
        atomic_fetch_add(&shared->cell[(long)out], 1);
    OK(status);
    return NULL;
}

static int same(const void *arg, void *result)
{
    *(long *)result = *(const long *)arg;
    return 0;
}

static void three_threads(void)
{
    struct pool *pool = open_pool(2);
    pthread_t threads[3];
    for (int k = 0; k < 4; k++) {
        struct counter counter = { 0, SHARED_ITEMS, -1 };
        struct pool_iter *iter = start(k % 2 ? pool_imap : pool_imap_unordered, pool, same, &counter, k < 2 ? 1 : 7, 9);
        for (int i = 0; i < 3; i++)
            REQUIRE(pthread_create(&threads[i], NULL, take_some, iter) == 0);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        for (int i = 0; i < SHARED_ITEMS; i++)
            REQUIRE(atomic_exchange(&shared->cell[i], 0) == 1);
        pool_iter_close(iter);
    }
    end_pool(pool);
}

static void *wait_for_next(void *iter)
{
    atomic_fetch_add(&shared->mark, 1);
    CHECK(pool_iter_next(iter, NULL, POOL_FOREVER) == -1 && errno == EINVAL);
    CHECK_TEXT(pool_error()->text, "closed");
    return NULL;
}

/* Another thread waits in it, or is about to; both ends come soon, though the item does not. */
static void closed_beside(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *gate;
    fill_with_gates(pool, &gate, 1);
    for (int i = 0; i < 6; i++) {
        struct counter counter = { 0, 3, -1 };
        struct pool_iter *iter = start(i % 2 ? pool_imap : pool_imap_unordered, pool, task_square, &counter, 1, 0);
        pthread_t threads[2];
        int before = atomic_load(&shared->mark);
        for (int k = 0; k < 2; k++)
            REQUIRE(pthread_create(&threads[k], NULL, wait_for_next, iter) == 0);
        EVENTUALLY(atomic_load(&shared->mark) == before + 2 && threads_asleep() >= 2);
        pool_iter_close(iter);
        for (int k = 0; k < 2; k++)
            pthread_join(threads[k], NULL);
    }
    gate_open();
    end_pool(pool);
}

/* A source that asks its own stream, and closes it. */
static struct pool_iter *own;

static int ask_oneself(void *state, void *item)
{
    REFUSED(pool_iter_next(own, NULL, POOL_FOREVER), EINVAL, "own stream");
    pool_iter_close(own);
    return count_up(state, item);
}

static void source_asks_itself(void)
{
    struct pool *pool = open_pool(1);
    struct counter counter = { 0, 3, -1 };
    long out;
    own = pool_imap(pool, task_square, ask_oneself, &counter, sizeof(long), sizeof(long), NULL);
    for (long i = 0; i < 3; i++)
        CHECK(pool_iter_next(own, &out, PATIENCE) == 1 && out == i * i);
    check_end(own);
    pool_iter_close(own);
    end_pool(pool);
}

/* A task that is handed an iterator, which is not for it. */
static int ask_in_task(const void *arg, void *result)
{
    struct pool_iter *iter = *(struct pool_iter *const *)arg;
    size_t size = 9;
    REFUSED(pool_iter_next(iter, NULL, POOL_FOREVER), EINVAL, "");
    REFUSED_NULL(pool_iter_reply(iter, &size), EINVAL, "");
    CHECK_EQ((long long)pool_iter_index(iter), 0);
    CHECK_EQ((long long)size, 0);
    pool_iter_close(iter);
    *(int *)result = 7;
    return 0;
}

static void in_a_task(void)
{
    struct pool *pool = open_pool(1);
    struct counter counter = { 0, 3, -1 };
    struct pool_iter *iter = start(pool_imap, pool, task_square, &counter, 1, 0);
    int out = 0;
    OK(pool_apply(pool, ask_in_task, &iter, sizeof iter, &out, sizeof out));
    CHECK_EQ(out, 7);
    pid_t child = unit_kind == POOL_PROCESSES ? fork() : 0;
    if (child == 0 && unit_kind == POOL_PROCESSES) {
        ask_in_task(&iter, &out);
        _exit(0);
    }
    if (child > 0)
        CHECK_EQ(program_wait(child), 0);
    for (long i = 0, square; i < 3; i++)
        CHECK(pool_iter_next(iter, &square, PATIENCE) == 1 && square == i * i);
    check_end(iter);
    end_pool(pool);
}

static int count_runs(const void *arg, void *result)
{
    atomic_fetch_add(&shared->mark, 1);
    return same(arg, result);
}

/* Gives the next number when the task has run for the one before. */
static int after_the_last(void *state, void *item)
{
    struct counter *counter = state;
    EVENTUALLY(atomic_load(&shared->mark) == counter->next);
    return count_up(state, item);
}

static void source_waits_for_tasks(void)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, 300, -1 };
    struct pool_job_options options = { .ahead = 200 };
    struct pool_iter *iter =
        pool_imap(pool, count_runs, after_the_last, &counter, sizeof(long), sizeof(long), &options);
    for (long i = 0, out; i < 300; i++)
        REQUIRE(pool_iter_next(iter, &out, PATIENCE) == 1 && out == i);
    check_end(iter);
    end_pool(pool);
}

/* As far ahead as there are items: it costs no more for each. */
static void far_ahead(void)
{
    struct pool *pool = open_pool(2);
    long count = unit_rounds(120000);
    for (int k = 0; k < 2; k++) {
        struct counter counter = { 0, count, -1 };
        struct pool_iter *iter = start(k ? pool_imap : pool_imap_unordered, pool, same, &counter, 1, 100000);
        long out, sum = 0;
        double end = unit_now() + PATIENCE;
        while (pool_iter_next(iter, &out, PATIENCE) == 1 && unit_now() < end)
            sum += out;
        CHECK_EQ(sum, count * (count - 1) / 2);
        pool_iter_close(iter);
    }
    end_pool(pool);
}

static const struct unit_case cases[] = {
    { "P36 a stream waits for memory, and loses nothing", more_than_memory, ALL_KINDS },
    { "P36 a stream in memory for one item", one_at_a_time, ALL_KINDS },
    { "P36 a stream keeps what it read while others hold the memory", memory_of_others, ALL_KINDS },
    { "P36 what was read runs before the source is asked again", source_waits_for_tasks, TWINS },
    { "P36 a stream waits for memory that nobody will free by hand", memory_to_come, TWINS },
    { "P36 a stream behind a full ring: its timeout is kept, and nothing is lost", full_ring, TWINS },
    { "P44 fail_fast: a failure ends a stream, and what has not begun never does", fail_fast, TWINS },
    { "G18 three threads share a stream: each item is given once", three_threads, ALL_KINDS },
    { "G18 a stream is closed while two threads wait in it", closed_beside, TWINS },
    { "G19 a source that asks its own stream is told", source_asks_itself, ALL_KINDS },
    { "M04 an iterator in a task or in a child of the program: it is told", in_a_task, ALL_KINDS },
    { "P36 100,000 items ahead", far_ahead, ALL_KINDS },
    { "P13 imap gives the serial list, in order, then the end, and the end again", p13_ordered, ALL_KINDS },
    { "P15 imap_unordered gives each result once", p15_unordered, ALL_KINDS },
    { "P15 imap_unordered gives what is ready first", p15_ready_first, TWINS },
    { "P16 P21 a failing source: all before it, the error, which no worker made, the end", p16_source_fails,
      ALL_KINDS },
    { "P16 a failing source in the middle of a chunk", p16_source_fails_in_chunk, ALL_KINDS },
    { "P16 a failing source, unordered", p16_source_fails_unordered, ALL_KINDS },
    { "P36 imap reads ahead only so far, from an endless source", p36_bounded, ALL_KINDS },
    { "P36 imap_unordered reads ahead only so far", p36_unordered_bounded, TWINS },
    { "P36 imap has work for all workers before it waits", p36_reads_ahead, TWINS },
    { "P44 a failing item costs imap exactly one error, in chunks of any size", p44_failures, ALL_KINDS },
    { "P44 a failing item costs imap_unordered exactly one error", p44_failures_unordered, ALL_KINDS },
    { "D08 a worker killed in imap: an error at that place, and the rest goes on", d08_imap },
    { "D08 a worker killed in imap_unordered: one error, and the rest goes on", d08_unordered },
    { "G10 next with a timeout says ETIMEDOUT and loses nothing", next_times_out, TWINS },
    { "G09 a stream that is half consumed can be ended in three ways", half_way, ALL_KINDS },
    { "G09 after close a stream gives what was handed over, then says ESHUTDOWN", next_after_close, ALL_KINDS },
    { "G04 after terminate a stream says ECANCELED and ends", next_after_terminate, TWINS },
    { "G09 three streams side by side do not mix", several_streams, ALL_KINDS },
    { 0 },
};

const struct unit_suite unit_streams = { "streams", cases };
