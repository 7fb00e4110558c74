/*
 * streams.c - imap and imap_unordered: order, bounds, errors in the middle, and ends.
 */
#include "unit.h"
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
    check_ordered(pool, 3, 100, 1);
    check_ordered(pool, 1, 1, 1);
    end_pool(pool);
}

static void check_unordered(struct pool *pool, long count, long chunk)
{
    struct counter counter = { 0, count, -1 };
    char *seen = calloc((size_t)count, 1);
    REQUIRE(seen != NULL);
    struct pool_iter *iter = start(pool_imap_unordered, pool, task_square, &counter, chunk, 0);
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
    check_unordered(pool, 10, 0);
    check_unordered(pool, 1000, 100);
    check_unordered(pool, 1000, 7);
    check_unordered(pool, 1, 1);
    end_pool(pool);
}

/* Item 0 waits at the gate; whoever is ready is handed out meanwhile. */
static int first_waits(const void *arg, void *result)
{
    if (*(const long *)arg == 0)
        gate_wait();
    return task_square(arg, result);
}

static void p15_ready_first(void)
{
    struct pool *pool = open_pool(2);
    struct counter counter = { 0, 20, -1 };
    struct pool_iter *iter = start(pool_imap_unordered, pool, first_waits, &counter, 1, 0);
    long out = -1;
    for (int i = 0; i < 19; i++) {
        REQUIRE(pool_iter_next(iter, &out, PATIENCE) == 1);
        CHECK(pool_iter_index(iter) != 0);
    }
    REFUSED(pool_iter_next(iter, &out, 0.01), ETIMEDOUT, "");
    gate_open();
    CHECK_EQ(pool_iter_next(iter, &out, PATIENCE), 1);
    CHECK_EQ((long)pool_iter_index(iter), 0);
    check_end(iter);
    end_pool(pool);
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

static const struct unit_case cases[] = {
    { "P13 imap gives the serial list, in order, then the end, and the end again", p13_ordered, ALL_KINDS },
    { "P15 imap_unordered gives each result once", p15_unordered, ALL_KINDS },
    { "P15 imap_unordered gives what is ready first", p15_ready_first, TWINS },
    { "P16 P21 a failing source: all before it, the error, which no worker made, the end", p16_source_fails, ALL_KINDS },
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
