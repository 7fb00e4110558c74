/*
 * queues.c - queues between workers and the program: order, bounds, timeouts, joins; and that a worker which is killed
 * in the middle of a call costs at most the item it had in its hands.
 *
 * Q01 to Q16 are ported. Whether a timeout is kept is only looked at from one side: it is never early. steps.c kills
 * after each single instruction of a put and of a get; here kills come at random, hundreds of them, while items flow.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define MEGABYTE ((size_t)1 << 20)

/* What a task is told: where, and which numbers. */
struct order {
    struct pool_queue *queue;
    long first, count;
};

static struct pool_queue *open_queue(struct pool *pool, size_t capacity, size_t width)
{
    struct pool_queue *queue = pool_queue_open(pool, capacity, width);
    OK(queue ? 0 : -1);
    return queue;
}

static int put_long(struct pool_queue *queue, long item)
{
    return pool_queue_put(queue, &item, PATIENCE);
}

/* The next item; -1 if there is none. */
static long get_long(struct pool_queue *queue, double seconds)
{
    long item = -1;
    return pool_queue_get(queue, &item, seconds) == 0 ? item : -1;
}

static int put_numbers(const void *arg, void *result)
{
    const struct order *order = arg;
    (void)result;
    for (long i = 0; i < order->count; i++)
        if (put_long(order->queue, order->first + i) != 0)
            return pool_fail("%s", pool_error()->text);
    return 0;
}

/* Gets so many, in order, and is done with them. */
static int get_numbers(const void *arg, void *result)
{
    const struct order *order = arg;
    (void)result;
    for (long i = 0; i < order->count; i++) {
        long got = get_long(order->queue, PATIENCE);
        if (got != order->first + i || pool_queue_task_done(order->queue) != 0)
            return pool_fail("got %ld: %s", got, pool_error()->text);
    }
    return 0;
}

static void run_order(struct pool *pool, pool_task *task, struct pool_queue *queue, long first, long count)
{
    struct order order = { queue, first, count };
    OK(pool_apply(pool, task, &order, sizeof order, NULL, 0));
}

/* --- One by one --- */

static void q01_full(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 6, sizeof(long));
    run_order(pool, put_numbers, queue, 0, 3);
    for (long i = 3; i < 6; i++)
        OK(pool_queue_put(queue, &i, 0));
    long more = 6;
    for (int i = 0; i < 3; i++) {
        double before = unit_now(), seconds = 0.03 * i;
        REFUSED(pool_queue_put(queue, &more, seconds), ETIMEDOUT, "full");
        CHECK(unit_now() - before >= seconds);
    }
    REFUSED(pool_queue_put(queue, &more, -1), ETIMEDOUT, "full");
    CHECK_EQ(pool_queue_size(queue), 6);
    for (long i = 0; i < 6; i++)
        CHECK_EQ(get_long(queue, 0), i);
    end_pool(pool);
}

static void q02_empty(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 6, sizeof(long));
    long item = 77;
    for (long round = 0; round < 5; round++) {
        for (long i = 0; i < 4; i++)
            OK(put_long(queue, i));
        run_order(pool, get_numbers, queue, 0, 2);
        CHECK_EQ(get_long(queue, 0), 2);
        CHECK_EQ(get_long(queue, POOL_FOREVER), 3);
        for (int i = 0; i < 3; i++) {
            double before = unit_now(), seconds = 0.02 * i;
            REFUSED(pool_queue_get(queue, &item, seconds), ETIMEDOUT, "empty");
            CHECK(unit_now() - before >= seconds);
        }
    }
    CHECK_EQ(item, 77);
    end_pool(pool);
}

/* A worker's timeout is none too early either, and does not end its task. */
static int wait_in_vain(const void *arg, void *result)
{
    const struct order *order = arg;
    long item = 0;
    double before = unit_now();
    (void)result;
    REFUSED(pool_queue_get(order->queue, &item, 0), ETIMEDOUT, "empty");
    REFUSED(pool_queue_get(order->queue, &item, 0.15), ETIMEDOUT, "empty");
    CHECK(unit_now() - before >= 0.15);
    return 0;
}

static void q03_timeouts(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 1, sizeof(long));
    run_order(pool, wait_in_vain, queue, 0, 0);
    end_pool(pool);
}

static void q04_before_and_after(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .maxtasks = 1 });
    OK(pool ? 0 : -1);
    struct pool_queue *queue = open_queue(pool, 50, sizeof(long));
    pid_t pid, last = 0;
    for (long round = 0; round < 10; round++) {
        OK(put_long(queue, 2 * round));
        run_order(pool, put_numbers, queue, 2 * round + 1, 1);
        OK(pool_apply(pool, task_pid, NULL, 0, &pid, sizeof pid));
        CHECK(pid != last);
        last = pid;
    }
    run_order(pool, get_numbers, queue, 0, 10);
    for (long i = 10; i < 20; i++)
        CHECK_EQ(get_long(queue, 0), i);
    end_pool(pool);
}

static void q05_size(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 2, sizeof(long));
    for (long round = 0; round < 3; round++) {
        CHECK_EQ(pool_queue_size(queue), 0);
        run_order(pool, put_numbers, queue, 0, 1);
        CHECK_EQ(pool_queue_size(queue), 1);
        OK(put_long(queue, 1));
        CHECK_EQ(pool_queue_size(queue), 2);
        run_order(pool, get_numbers, queue, 0, 1);
        CHECK_EQ(pool_queue_size(queue), 1);
        CHECK_EQ(get_long(queue, 0), 1);
    }
    CHECK_EQ(pool_queue_size(queue), 0);
    end_pool(pool);
}

static void q06_join(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 4, sizeof(long));
    OK(pool_queue_join(queue, 0)); /* nothing was put */
    for (long i = 0; i < 4; i++)
        OK(put_long(queue, i));
    REFUSED(pool_queue_join(queue, 0.01), ETIMEDOUT, "0 got and not dealt with, 4 still in it: not done within 0.01 s");
    CHECK_EQ(get_long(queue, 0), 0);
    REFUSED(pool_queue_join(queue, 0.01), ETIMEDOUT, "1 got and not dealt with, 3 still in it");
    run_order(pool, get_numbers, queue, 1, 3);
    REFUSED(pool_queue_join(queue, 0), ETIMEDOUT, "1 got and not dealt with, 0 still in it"); /* the program's own */
    OK(pool_queue_task_done(queue));
    OK(pool_queue_join(queue, POOL_FOREVER));
    REFUSED(pool_queue_task_done(queue), EINVAL, "dealt");
    end_pool(pool);
}

static void q09_close(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 4, sizeof(long));
    long item = 0;
    OK(put_long(queue, 1));
    OK(put_long(queue, 2));
    OK(pool_queue_close(queue));
    OK(pool_queue_close(queue));
    REFUSED(pool_queue_put(queue, &item, 0), ESHUTDOWN, "closed");
    REFUSED(pool_queue_put(queue, &item, POOL_FOREVER), ESHUTDOWN, "closed");
    CHECK_EQ(get_long(queue, 0), 1);
    run_order(pool, get_numbers, queue, 2, 1);
    REFUSED(pool_queue_get(queue, &item, 0), ESHUTDOWN, "closed");
    REFUSED(pool_queue_get(queue, &item, POOL_FOREVER), ESHUTDOWN, "closed");
    end_pool(pool);
}

/* --- Close ends waits --- */

static int get_until_closed(const void *arg, void *result)
{
    const struct order *order = arg;
    (void)result;
    atomic_fetch_add(&shared->arrived, 1);
    while (get_long(order->queue, POOL_FOREVER) >= 0)
        ;
    return errno == ESHUTDOWN ? 0 : pool_fail("%s", pool_error()->text);
}

static int put_until_closed(const void *arg, void *result)
{
    const struct order *order = arg;
    (void)result;
    atomic_fetch_add(&shared->arrived, 1);
    while (pool_queue_put(order->queue, &order->first, POOL_FOREVER) == 0)
        ;
    return errno == ESHUTDOWN ? 0 : pool_fail("%s", pool_error()->text);
}

static void close_on(struct pool *pool, pool_task *task)
{
    struct order order[2] = { { open_queue(pool, 3, sizeof(long)), 0, 0 } };
    order[1] = order[0];
    atomic_store(&shared->arrived, 0);
    struct pool_result *result = pool_map_async(pool, task, order, 2, sizeof *order, 0, NULL);
    OK(result ? 0 : -1);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    unit_sleep(0.01);
    OK(pool_queue_close(order->queue));
    OK(pool_result_get(result, NULL, PATIENCE));
}

static void q10_close_ends_waits(void)
{
    struct pool *pool = open_pool(2);
    close_on(pool, get_until_closed);
    close_on(pool, put_until_closed);
    end_pool(pool);
}

/* --- Width --- */

static int put_megabytes(const void *arg, void *result)
{
    const struct order *order = arg;
    char *item = malloc(MEGABYTE);
    int status = item ? 0 : -1;
    (void)result;
    for (long i = 0; i < order->count && status == 0; i++) {
        memset(item, (int)(order->first + i), MEGABYTE);
        status = pool_queue_put(order->queue, item, PATIENCE);
    }
    free(item);
    return status;
}

static void check_megabyte(struct pool_queue *queue, char *item, char value)
{
    memset(item, 0, MEGABYTE);
    OK(pool_queue_get(queue, item, PATIENCE));
    CHECK(item[0] == value && memcmp(item, item + 1, MEGABYTE - 1) == 0);
}

/* The writer's work is over before anybody reads; then, more than the queue holds. */
static void q11_megabytes(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 2, MEGABYTE);
    struct order more = { queue, 3, 5 };
    char *item = malloc(MEGABYTE);
    run_order(pool, put_megabytes, queue, 1, 2);
    struct pool_result *result = pool_apply_async(pool, put_megabytes, &more, sizeof more, 0, NULL);
    for (char i = 1; i < 8; i++)
        check_megabyte(queue, item, i);
    OK(pool_result_get(result, NULL, PATIENCE));
    free(item);
    end_pool(pool);
}

static void q16_no_width(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 3, 0);
    for (int i = 0; i < 3; i++)
        OK(pool_queue_put(queue, NULL, 0));
    REFUSED(pool_queue_put(queue, NULL, 0), ETIMEDOUT, "full");
    CHECK_EQ(pool_queue_size(queue), 3);
    for (int i = 0; i < 3; i++)
        OK(pool_queue_get(queue, NULL, 0));
    REFUSED(pool_queue_get(queue, NULL, 0), ETIMEDOUT, "empty");
    end_pool(pool);
}

static void q15_odd_widths(void)
{
    struct pool *pool = open_pool(1);
    char in[300], out[300];
    for (size_t width = 1; width < sizeof in; width = width * 3 / 2 + 1) {
        struct pool_queue *queue = open_queue(pool, 5, width);
        for (int i = 0; i < 40; i++) {
            memset(in, i, sizeof in);
            OK(pool_queue_put(queue, in, 0));
            if (i < 4)
                continue;
            memset(out, 99, sizeof out);
            OK(pool_queue_get(queue, out, 0));
            CHECK(out[0] == i - 4 && out[width - 1] == i - 4 && out[width] == 99);
        }
    }
    end_pool(pool);
}

/* --- Nested --- */

static int forward(const void *arg, void *result)
{
    const struct order *order = arg;
    (void)result;
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1 });
    struct pool_queue *inner = pool ? pool_queue_open(pool, 2, sizeof(long)) : NULL;
    struct order below = { inner, order->first, order->count };
    struct pool_result *put = inner ? pool_apply_async(pool, put_numbers, &below, sizeof below, 0, NULL) : NULL;
    int status = put ? 0 : -1;
    for (long i = 0; i < order->count && status == 0; i++)
        status = put_long(order->queue, get_long(inner, PATIENCE));
    if (status == 0)
        status = pool_result_get(put, NULL, PATIENCE);
    pool_free(pool);
    return status;
}

static void q14_nested(void)
{
    struct pool *pool = open_pool(2);
    struct pool_queue *queue = open_queue(pool, 5, sizeof(long));
    struct order order = { queue, 0, 100 };
    struct pool_result *result = pool_apply_async(pool, forward, &order, sizeof order, 0, NULL);
    for (long i = 0; i < 100; i++)
        CHECK_EQ(get_long(queue, PATIENCE), i);
    OK(pool_result_get(result, NULL, PATIENCE));
    end_pool(pool);
}

/* --- Many at once --- */

enum { CROWD = 3, EACH = 5000 };

/* Checks that each producer's numbers come in order. Result: how many came. */
static int collect(const void *arg, void *result)
{
    const struct order *order = arg;
    long last[CROWD] = { -1, -1, -1 }, got, count = 0;
    while ((got = get_long(order->queue, POOL_FOREVER)) >= 0) {
        if (got <= last[got / EACH])
            return pool_fail("%ld came behind %ld", got, last[got / EACH]);
        last[got / EACH] = got;
        atomic_fetch_add(&shared->cell[got], 1);
        pool_queue_task_done(order->queue);
        count++;
    }
    *(long *)result = count;
    return errno == ESHUTDOWN ? 0 : pool_fail("%s", pool_error()->text);
}

static void crowd(size_t capacity)
{
    struct pool *pool = open_pool(2 * CROWD);
    struct pool_queue *queue = open_queue(pool, capacity, sizeof(long));
    struct order orders[CROWD];
    long counts[CROWD], sum = 0;
    for (long i = 0; i < CROWD; i++)
        orders[i] = (struct order){ queue, i * EACH, EACH };
    memset((void *)shared->cell, 0, sizeof shared->cell);
    struct pool_result *getters = pool_map_async(pool, collect, orders, CROWD, sizeof *orders, sizeof *counts,
                                                 &(struct pool_job_options){ .chunk = 1 });
    OK(pool_map(pool, put_numbers, orders, CROWD, sizeof *orders, NULL, 0));
    OK(pool_queue_join(queue, PATIENCE));
    for (long i = 0; i < CROWD * EACH; i++)
        if (atomic_load(&shared->cell[i]) != 1)
            CHECK_EQ(atomic_load(&shared->cell[i]), 1);
    OK(pool_queue_close(queue));
    OK(pool_result_get(getters, counts, PATIENCE));
    for (int i = 0; i < CROWD; i++)
        sum += counts[i];
    CHECK_EQ(sum, CROWD * EACH);
    end_pool(pool);
}

static void q17_crowd(void)
{
    crowd(1);
    crowd(7);
    crowd(1000);
}

/* --- Kills --- */

enum { IDS = 1 << 25, BEGUN = 0x80, WIDE = 8192 };

/* An item as long as the queue's width, with its number at both ends, so that half an item would be seen. */
struct wide {
    long words[WIDE];
};

/* By number: BEGUN, and how often it arrived. */
static atomic_uchar *seen;

/* Gets a number and counts it, if it comes in time. Returns whether it did. */
static bool get_one(const struct order *order, double seconds)
{
    static _Thread_local struct wide item;
    if (pool_queue_get(order->queue, &item, seconds) != 0)
        return false;
    CHECK_EQ(item.words[order->count - 1], item.words[0]);
    atomic_fetch_add(&seen[item.words[0]], 1);
    pool_queue_task_done(order->queue);
    return true;
}

/* Puts numbers that nobody else puts, until the gate opens. */
static int keep_putting(const void *arg, void *result)
{
    static struct wide item;
    const struct order *order = arg;
    (void)result;
    while (!atomic_load(&shared->gate)) {
        long id = atomic_fetch_add(&shared->runs, 1);
        if (id >= IDS)
            return 0;
        atomic_fetch_or(&seen[id], BEGUN);
        item.words[0] = item.words[order->count - 1] = id;
        while (pool_queue_put(order->queue, &item, 0.01) != 0)
            if (errno != ETIMEDOUT)
                return pool_fail("%s", pool_error()->text);
    }
    return 0;
}

static int keep_getting(const void *arg, void *result)
{
    (void)result;
    while (!atomic_load(&shared->gate))
        if (!get_one(arg, 0.01) && errno != ETIMEDOUT)
            return pool_fail("%s", pool_error()->text);
    return 0;
}

static int kill_at_random(const struct order *order, int kills)
{
    pid_t list[64];
    unsigned random = (unsigned)getpid();
    int killed = 0;
    while (killed < kills) {
        int count = workers(list, 64);
        killed += count && kill(list[(unsigned)rand_r(&random) % (unsigned)count], SIGKILL) == 0;
        for (unsigned i = (unsigned)rand_r(&random) % 64; i > 0; i--)
            get_one(order, 0.0005);
    }
    return killed;
}

/* Everything arrives once, but for as many as were killed. */
static void check_arrivals(int kills)
{
    long lost = 0, count = atomic_load(&shared->runs);
    for (long id = 0; id < count && id < IDS; id++) {
        unsigned times = atomic_load(&seen[id]) & ~(unsigned)BEGUN;
        if (times > 1)
            CHECK_EQ(times, 1);
        lost += times == 0 && atomic_load(&seen[id]) & BEGUN;
    }
    CHECK(lost <= kills);
    CHECK(count > kills); /* some did flow */
}

static void kills_with(size_t capacity, long words, int kills)
{
    struct pool *pool = open_pool(4);
    struct pool_queue *queue = open_queue(pool, capacity, (size_t)words * sizeof(long));
    struct order order[2] = { { queue, 0, words }, { queue, 0, words } };
    struct pool_job_options again = { .chunk = 1, .retries = UINT16_MAX };
    atomic_store(&shared->gate, 0);
    atomic_store(&shared->runs, 0);
    memset((void *)seen, 0, IDS);
    struct pool_result *put = pool_map_async(pool, keep_putting, order, 2, sizeof *order, 0, &again);
    struct pool_result *get = pool_map_async(pool, keep_getting, order, 2, sizeof *order, 0, &again);
    kills = kill_at_random(order, kills);
    gate_open();
    for (bool done = false; !done;) { /* writers may wait for room */
        done = pool_result_ready(put) && pool_result_ready(get);
        while (get_one(order, 0.001))
            ;
    }
    OK(pool_result_get(put, NULL, PATIENCE));
    OK(pool_result_get(get, NULL, PATIENCE));
    OK(pool_queue_join(queue, PATIENCE));
    CHECK_EQ(pool_queue_size(queue), 0);
    check_arrivals(kills);
    end_pool(pool);
}

static void q18_kills(void)
{
    seen = mmap(NULL, IDS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(seen != MAP_FAILED);
    kills_with(1, 1, unit_rounds(100));
    kills_with(3, WIDE, unit_rounds(200));
    kills_with(100, 1, unit_rounds(100));
}

/* Gets one, and is not done with it. */
static int get_and_wait(const void *arg, void *result)
{
    const struct order *order = arg;
    if (get_long(order->queue, PATIENCE) != order->first)
        return -1;
    return task_gate(arg, result);
}

static int get_and_leave(const void *arg, void *result)
{
    const struct order *order = arg;
    (void)result;
    return get_long(order->queue, PATIENCE) == order->first ? 0 : -1;
}

static void q19_owner_dies(void)
{
    struct pool *pool = open_pool(1);
    struct order order = { open_queue(pool, 2, sizeof(long)), 5, 0 };
    OK(put_long(order.queue, 5));
    struct pool_result *result = pool_apply_async(pool, get_and_wait, &order, sizeof order, sizeof(pid_t), NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    REFUSED(pool_queue_join(order.queue, 0.01), ETIMEDOUT, "dealt");
    kill(atomic_load(&shared->pid[0]), SIGKILL);
    OK(pool_queue_join(order.queue, PATIENCE));
    FAILED(pool_result_get(result, NULL, PATIENCE), EOWNERDEAD, 0);
    end_pool(pool);
}

/* The same where it retires, and where the pool is closed, so that it has no successor. */
static void q20_owner_retires(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .maxtasks = 1 });
    OK(pool ? 0 : -1);
    struct order order = { open_queue(pool, 2, sizeof(long)), 5, 0 };
    OK(put_long(order.queue, 5));
    OK(pool_apply(pool, get_and_leave, &order, sizeof order, NULL, 0));
    OK(pool_queue_join(order.queue, PATIENCE));
    end_pool(pool);
}

static void q21_owner_has_no_successor(void)
{
    struct pool *pool = open_pool(2);
    struct order order = { open_queue(pool, 2, sizeof(long)), 5, 0 };
    struct pool_result *other;
    OK(put_long(order.queue, 5));
    fill_with_gates(pool, &other, 1);
    OK(pool_apply(pool, get_and_leave, &order, sizeof order, NULL, 0));
    REFUSED(pool_queue_join(order.queue, 0.01), ETIMEDOUT, "dealt");
    pool_close(pool);
    OK(pool_queue_join(order.queue, PATIENCE)); /* the other worker is still at the gate */
    gate_open();
    OK(pool_result_wait(other, PATIENCE));
    end_pool(pool);
}

/* --- The end of waiting --- */

static void *interrupt_soon(void *pool)
{
    unit_sleep(0.02);
    pool_interrupt(pool);
    return NULL;
}

static void *terminate_soon(void *pool)
{
    unit_sleep(0.02);
    pool_terminate(pool);
    return NULL;
}

static void q22_interrupt(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 1, sizeof(long));
    pthread_t thread;
    long item = 0;
    pthread_create(&thread, NULL, interrupt_soon, pool);
    REFUSED(pool_queue_get(queue, &item, POOL_FOREVER), EINTR, "interrupt");
    pthread_join(thread, NULL);
    OK(put_long(queue, 4));
    CHECK_EQ(get_long(queue, 0), 4);
    pthread_create(&thread, NULL, interrupt_soon, pool);
    REFUSED(pool_queue_join(queue, POOL_FOREVER), EINTR, "interrupt");
    pthread_join(thread, NULL);
    end_pool(pool);
}

/* What is in it can still be got, but nobody waits any more; nor do tasks in threads, which cannot be killed. */
static void q23_terminate(void)
{
    struct pool *pool = open_pool(2);
    struct pool_queue *queue = open_queue(pool, 1, sizeof(long)), *other = open_queue(pool, 1, sizeof(long));
    struct order order = { other, 0, 1 };
    pthread_t thread;
    long item = 4;
    struct pool_result *result = pool_apply_async(pool, get_numbers, &order, sizeof order, 0, NULL);
    OK(put_long(queue, 3));
    pthread_create(&thread, NULL, terminate_soon, pool);
    REFUSED(pool_queue_put(queue, &item, POOL_FOREVER), ESHUTDOWN, "over");
    pthread_join(thread, NULL);
    REFUSED(pool_queue_put(queue, &item, PATIENCE), ESHUTDOWN, "over");
    CHECK_EQ(get_long(queue, 0), 3);
    REFUSED(pool_queue_get(queue, &item, POOL_FOREVER), ESHUTDOWN, "over");
    REFUSED_NULL(pool_queue_open(pool, 1, 1), ESHUTDOWN, "terminated");
    CHECK(pool_result_get(result, NULL, PATIENCE) != 0);
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

/* --- Misuse --- */

static void q24_misuse(void)
{
    struct pool *pool = open_pool(1);
    long item = 0;
    REFUSED_NULL(pool_queue_open(NULL, 1, 1), EINVAL, "pool is NULL");
    REFUSED_NULL(pool_queue_open(pool, 0, 8), EINVAL, "capacity is 0");
    REFUSED_NULL(pool_queue_open(pool, SIZE_MAX / 8, 8), EINVAL, "more than any memory");
    REFUSED_NULL(pool_queue_open(pool, 1, SIZE_MAX), EINVAL, "more than any memory");
    REFUSED_NULL(pool_queue_open(pool, SIZE_MAX, 0), EINVAL, "more than any memory");
    REFUSED_NULL(pool_queue_open(pool, (size_t)1 << 40, (size_t)1 << 20), ENOMEM, "do not fit");
    REFUSED(pool_queue_put(NULL, &item, 0), EINVAL, "queue is NULL");
    REFUSED(pool_queue_get(NULL, &item, 0), EINVAL, "queue is NULL");
    REFUSED(pool_queue_join(NULL, 0), EINVAL, "queue is NULL");
    REFUSED(pool_queue_task_done(NULL), EINVAL, "queue is NULL");
    REFUSED(pool_queue_close(NULL), EINVAL, "queue is NULL");
    CHECK_EQ(pool_queue_size(NULL), 0);
    struct pool_queue *queue = open_queue(pool, 1, sizeof item);
    REFUSED(pool_queue_put(queue, NULL, 0), EINVAL, "item is NULL");
    REFUSED(pool_queue_get(queue, NULL, 0), EINVAL, "item is NULL");
    pool_close(pool);
    REFUSED_NULL(pool_queue_open(pool, 1, 1), ESHUTDOWN, "closed");
    end_pool(pool);
}

/* A child of a task is not the worker. */
static int put_in_child(const void *arg, void *result)
{
    const struct order *order = arg;
    (void)result;
    pid_t pid = fork();
    if (pid == 0) {
        long item = 1;
        REFUSED(pool_queue_put(order->queue, &item, 0), EINVAL, "only the pool's workers");
        REFUSED(pool_queue_get(order->queue, &item, POOL_FOREVER), EINVAL, "only the pool's workers");
        REFUSED(pool_queue_task_done(order->queue), EINVAL, "only the pool's workers");
        exit(7);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : pool_fail("status %x", (unsigned)status);
}

static void q25_strangers(void)
{
    struct pool *pool = open_pool(1);
    run_order(pool, put_in_child, open_queue(pool, 1, sizeof(long)), 0, 0);
    end_pool(pool);
}

/* In a callback a call that need not wait is fine. */
static void use_queue(struct pool_result *result, void *queue)
{
    long item = 3;
    (void)result;
    OK(pool_queue_put(queue, &item, POOL_FOREVER));
    REFUSED(pool_queue_put(queue, &item, POOL_FOREVER), EINVAL, "callback");
    REFUSED(pool_queue_put(queue, &item, 0), ETIMEDOUT, "full");
    atomic_fetch_add(&shared->calls, 1);
}

static void q26_callback(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 1, sizeof(long)), *never = open_queue(pool, 1, 0);
    struct pool_job_options options = { .callback = use_queue, .cookie = queue };
    struct pool_result *result = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), &options);
    EVENTUALLY(pool_result_ready(result));
    REFUSED(pool_queue_get(never, NULL, 0.3), ETIMEDOUT, "empty"); /* runs it, when nothing else happens */
    CHECK_EQ(atomic_load(&shared->calls), 1);
    CHECK_EQ(get_long(queue, 0), 3);
    end_pool(pool);
}

/* ---- Ends ---- */

static void left_at_the_join(void)
{
    struct pool *pool = open_pool(2);
    struct pool_queue *queue = open_queue(pool, 3, sizeof(long));
    OK(put_long(queue, 1));
    OK(put_long(queue, 2));
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    CHECK_EQ(get_long(queue, 0), 1);
    CHECK_EQ(get_long(queue, POOL_FOREVER), 2);
    long item;
    REFUSED(pool_queue_get(queue, &item, POOL_FOREVER), ESHUTDOWN, "empty, and the pool is over");
    pool_free(pool);
}

struct put {
    struct pool_queue *queue;
    size_t item;
};

/* The first item's first attempt dies in the middle of its put, because half of what it puts cannot be read. */
static int put_half(const void *arg, void *result)
{
    const struct put *put = arg;
    (void)result;
    char *item = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (item == MAP_FAILED || (put->item == 0 && pool_attempt() == 1 && mprotect(item + 4096, 4096, PROT_NONE) != 0))
        return -1;
    return pool_queue_put(put->queue, item, PATIENCE);
}

static void died_in_its_put(void)
{
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = open_queue(pool, 3, 8192);
    struct put puts[] = { { queue, 0 }, { queue, 1 }, { queue, 2 } };
    struct pool_result *map =
        pool_map_async(pool, put_half, puts, 3, sizeof *puts, 0, &(struct pool_job_options){ .retries = 1 });
    OK(pool_result_get(map, NULL, PATIENCE));
    CHECK_EQ(pool_queue_size(queue), 3);
    end_pool(pool);
}

/* ---- In time ---- */

static int get_within_a_while(const void *arg, void *result)
{
    const struct order *order = arg;
    (void)result;
    atomic_store(&shared->pid[0], getpid());
    atomic_store(&shared->arrived, 1);
    return get_long(order->queue, 0.2) == order->first ? 0 : pool_fail("%s", pool_error()->text);
}

/* The worker is stopped while it waits, the item comes, and when it goes on its time is over. */
static void q27_came_in_time(void)
{
    struct pool *pool = open_pool(1);
    struct order order = { open_queue(pool, 1, sizeof(long)), 5, 0 };
    struct pool_result *result = pool_apply_async(pool, get_within_a_while, &order, sizeof order, 0, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    unit_sleep(0.05); /* so that it waits, mostly */
    kill(atomic_load(&shared->pid[0]), SIGSTOP);
    OK(pool_queue_put(order.queue, &order.first, 0));
    unit_sleep(0.2);
    kill(atomic_load(&shared->pid[0]), SIGCONT);
    OK(pool_result_get(result, NULL, PATIENCE));
    end_pool(pool);
}

static const struct unit_case cases[] = {
    { "G18 what is left in a queue can be got after the join", left_at_the_join, TWINS },
    { "G01 a put that died half-way leaves its place free", died_in_its_put },
    { "Q01 a full queue refuses at once, or at the timeout", q01_full, ALL_KINDS },
    { "Q02 items come in order, an empty queue refuses", q02_empty, ALL_KINDS },
    { "Q03 a timeout in a worker is never early", q03_timeouts, ALL_KINDS },
    { "Q04 items put before and after workers were replaced arrive once", q04_before_and_after },
    { "Q05 the size is 0, 1, 2, 1, 0", q05_size, ALL_KINDS },
    { "Q06 join waits for all that was put; one task_done too many is an error", q06_join, ALL_KINDS },
    { "Q09 a closed queue takes nothing more, and gives what is left", q09_close, ALL_KINDS },
    { "Q10 closing ends the waits of workers, for items and for room", q10_close_ends_waits, TWINS },
    { "Q11 items of a megabyte, whose writer is done long before they are read", q11_megabytes, TWINS },
    { "Q14 a task forwards what a pool of its own gives", q14_nested, TWINS },
    { "Q15 items of any width stay within their bounds", q15_odd_widths },
    { "Q16 a queue of items without width counts", q16_no_width },
    { "Q17 three put and three get: each item once, each writer's in order", q17_crowd, TWINS },
    { "Q18 workers killed while items flow: each arrives at most once, a kill costs at most one", q18_kills },
    { "Q19 join does not wait for an item whose worker died", q19_owner_dies },
    { "Q20 nor for one whose worker retired", q20_owner_retires },
    { "Q21 nor for one whose worker ended with the pool", q21_owner_has_no_successor, TWINS },
    { "Q22 an interrupt ends a wait", q22_interrupt, TWINS },
    { "Q23 when the pool is terminated nobody waits any more", q23_terminate, TWINS },
    { "Q24 misuse is told in words", q24_misuse },
    { "Q25 a child of a task does not pass for its worker", q25_strangers },
    { "Q26 a callback may use a queue, but not wait", q26_callback, TWINS },
    { "Q27 an item that came in time is got, however late who waits for it looks", q27_came_in_time },
    { 0 },
};

const struct unit_suite unit_queues = { "queues", cases };
