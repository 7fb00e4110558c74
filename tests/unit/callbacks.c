/*
 * callbacks.c - who is told, how often, in which thread, and what may be done meanwhile.
 *
 * P38, a callback that raises: there is nothing to raise in C, and a callback returns nothing. What is left of it, that
 * calls which fail inside a callback harm nobody outside, stands in poll.c, as does P41.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <pthread.h>
#include <string.h>

/* What the callbacks of a test saw. */
struct told {
    int good, bad;
    struct pool_result *result;
    pthread_t thread;
    pid_t pid;
    struct pool *pool;
};

static void tell(struct told *told, struct pool_result *result)
{
    told->result = result;
    told->thread = pthread_self();
    told->pid = getpid();
}

static void tell_good(struct pool_result *result, void *cookie)
{
    struct told *told = cookie;
    told->good++;
    tell(told, result);
    CHECK(pool_result_ready(result));
    CHECK_EQ(pool_result_successful(result), 1);
}

static void tell_bad(struct pool_result *result, void *cookie)
{
    struct told *told = cookie;
    struct pool_error error = { 0 };
    told->bad++;
    tell(told, result);
    CHECK_EQ(pool_result_successful(result), 0);
    CHECK_EQ(pool_result_failure(result, 0, &error), 1);
    CHECK_TEXT(error.text, "is odd");
}

static struct pool_result *hand_over(struct pool *pool, const long *in, size_t count, struct told *told)
{
    struct pool_job_options options = { .callback = tell_good, .error_callback = tell_bad, .cookie = told };
    struct pool_result *result = pool_map_async(pool, task_odd_fails, in, count, sizeof *in, sizeof *in, &options);
    OK(result ? 0 : -1);
    return result;
}

static void p06_good(void)
{
    struct pool *pool = open_pool(2);
    struct told told = { 0 };
    long in[10] = { 0, 2, 4, 6, 8, 10, 12, 14, 16, 18 }, out[10];
    struct pool_result *result = hand_over(pool, in, 10, &told);
    OK(pool_result_get(result, out, PATIENCE));
    OK(pool_result_wait(result, PATIENCE));
    CHECK_EQ(told.good, 1);
    CHECK_EQ(told.bad, 0);
    CHECK(told.result == result);
    CHECK(pthread_equal(told.thread, pthread_self()));
    CHECK_EQ(told.pid, getpid());
    end_pool(pool);
    CHECK_EQ(told.good + told.bad, 1);
}

static void p06_one_item(void)
{
    struct pool *pool = open_pool(2);
    struct told told = { 0 };
    long in[2] = { 4, 5 }, out;
    OK(pool_result_get(hand_over(pool, in, 1, &told), &out, PATIENCE));
    CHECK(told.good == 1 && told.bad == 0 && out == 16);
    FAILED(pool_result_get(hand_over(pool, in + 1, 1, &told), &out, PATIENCE), EREMOTEIO, 0);
    CHECK(told.good == 1 && told.bad == 1);
    end_pool(pool);
}

static void p26_error(void)
{
    struct pool *pool = open_pool(2);
    struct told told = { 0 };
    long in[4] = { 2, 4, 7, 9 }, out[4];
    struct pool_result *result = hand_over(pool, in, 4, &told);
    FAILED(pool_result_get(result, out, PATIENCE), EREMOTEIO, 2);
    CHECK_TEXT(pool_error()->text, "7 is odd");
    CHECK_EQ(told.good, 0);
    CHECK_EQ(told.bad, 1);
    CHECK(told.result == result);
    end_pool(pool);
    CHECK_EQ(told.good + told.bad, 1);
}

static void p09_nothing(void)
{
    struct pool *pool = open_pool(1);
    struct told told = { 0 };
    struct pool_result *result = hand_over(pool, NULL, 0, &told);
    OK(pool_result_wait(result, PATIENCE));
    end_pool(pool);
    CHECK_EQ(told.good, 1);
    CHECK_EQ(told.bad, 0);
}

static void not_in_the_middle(void)
{
    struct pool *pool = open_pool(1);
    struct told told = { 0 };
    long two = 2, x;
    struct pool_result *result = hand_over(pool, &two, 1, &told);
    EVENTUALLY(pool_result_ready(result)); /* only asks, never waits */
    unit_sleep(0.01);
    CHECK_EQ(told.good, 0);
    OK(pool_apply(pool, task_square, &two, sizeof two, &x, sizeof x)); /* any call that waits, about another job */
    CHECK_EQ(told.good, 1);
    end_pool(pool);
}

static void rest_in_join(void)
{
    struct pool *pool = open_pool(2);
    struct told told[50] = { 0 };
    long in[50];
    for (long i = 0; i < 50; i++) {
        in[i] = 2 * i;
        hand_over(pool, &in[i], 1, &told[i]);
    }
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    for (int i = 0; i < 50; i++)
        CHECK(told[i].good == 1 && told[i].bad == 0);
    pool_free(pool);
}

static void try_to_wait(struct pool_result *result, void *cookie)
{
    struct told *told = cookie;
    long x = 2, out;
    told->good++;
    REFUSED(pool_apply(told->pool, task_square, &x, sizeof x, &out, sizeof out), EINVAL, "callback");
    REFUSED(pool_map(told->pool, task_square, &x, 1, sizeof x, &out, sizeof out), EINVAL, "callback");
    struct pool_result *other = pool_apply_async(told->pool, task_gate, NULL, 0, sizeof(pid_t), NULL);
    OK(other ? 0 : -1);
    told->result = other;
    REFUSED(pool_result_wait(other, 1), EINVAL, "callback");
    REFUSED(pool_result_get(other, &out, POOL_FOREVER), EINVAL, "callback");
    REFUSED(pool_join(told->pool, 1), EINVAL, "callback");
    OK(pool_result_get(result, &out, 0)); /* its own job is done: nothing to wait for */
    CHECK_EQ(out, 81);
}

static void no_waiting_inside(void)
{
    struct pool *pool = open_pool(1);
    struct told told = { .pool = pool };
    struct pool_job_options options = { .callback = try_to_wait, .cookie = &told };
    long x = 9, out;
    struct pool_result *result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options);
    OK(pool_result_get(result, &out, PATIENCE));
    CHECK_EQ(told.good, 1);
    gate_open();
    OK(pool_result_get(told.result, NULL, PATIENCE));
    end_pool(pool);
}

/* A callback that hands over the next job, twenty times. */
static void next_one(struct pool_result *result, void *cookie)
{
    struct told *told = cookie;
    long value = *(const long *)pool_result_at(result, 0);
    struct pool_job_options options = { .callback = next_one, .cookie = told };
    if (++told->good < 20)
        OK(pool_apply_async(told->pool, task_square, &(long){ value > 1000 ? 2 : value }, sizeof(long), sizeof(long),
                            &options)
               ? 0
               : -1);
}

static void p39_chain(void)
{
    struct pool *pool = open_pool(2);
    struct told told = { .pool = pool };
    struct pool_job_options options = { .callback = next_one, .cookie = &told };
    long x = 2;
    pid_t pid;
    CHECK(pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options) != NULL);
    EVENTUALLY((pool_apply(pool, task_pid, NULL, 0, &pid, sizeof pid), told.good == 20));
    end_pool(pool);
}

static void free_it(struct pool_result *result, void *cookie)
{
    ++*(int *)cookie;
    pool_result_free(result);
}

static void freed_inside(void)
{
    struct pool *pool = open_pool(2);
    int count = 0;
    long in[3] = { 2, 3, 4 };
    struct pool_job_options options = { .callback = free_it, .error_callback = free_it, .cookie = &count };
    for (int i = 0; i < 3; i++)
        CHECK(pool_apply_async(pool, task_odd_fails, &in[i], sizeof *in, sizeof *in, &options) != NULL);
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE)); /* the failure was told, so it is not reported again */
    CHECK_EQ(count, 3);
    pool_free(pool);
}

static void told_of_the_end(struct pool_result *result, void *cookie)
{
    struct pool_error error;
    ++*(int *)cookie;
    CHECK_EQ(pool_result_failure(result, 0, &error), 1);
    CHECK_EQ(error.code, ECANCELED);
}

static void terminated(void)
{
    struct pool *pool = open_pool(1);
    int count = 0;
    struct pool_job_options options = { .error_callback = told_of_the_end, .cookie = &count };
    CHECK(pool_apply_async(pool, task_forever, NULL, 0, 0, &options) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK(pool_apply_async(pool, task_forever, NULL, 0, 0, &options) != NULL);
    terminate_busy_pool(pool);
    OK(pool_join(pool, PATIENCE));
    CHECK_EQ(count, unit_kind == POOL_THREADS ? 1 : 2); /* a thread goes on to its task's end */
    pool_free(pool);
}

/* A hundred handles are freed at once: each job still tells its own callback, with its own result. */
static void check_own(struct pool_result *result, void *cookie)
{
    long *expected = cookie;
    const long *there = pool_result_at(result, 0);
    CHECK(there && *there == *expected);
    *expected = -1;
}

static void freed_before(void)
{
    struct pool *pool = open_pool(2);
    long expected[100], out;
    for (long i = 0; i < 100; i++) {
        struct pool_job_options options = { .callback = check_own, .cookie = &expected[i] };
        expected[i] = i * i;
        pool_result_free(pool_apply_async(pool, task_square, &i, sizeof i, sizeof i, &options));
    }
    for (long i = 0; i < 100; i++)
        OK(pool_apply(pool, task_square, &i, sizeof i, &out, sizeof out));
    end_pool(pool);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(expected[i], -1);
}

/* Only the error callback looks at a failure; a good callback that is not called does not. */
static void unlooked(void)
{
    struct pool *pool = open_pool(1);
    long odd = 1;
    struct pool_job_options options = { .callback = check_own };
    pool_result_free(pool_apply_async(pool, task_odd_fails, &odd, sizeof odd, sizeof odd, &options));
    OK(pool_close(pool));
    REFUSED(pool_join(pool, PATIENCE), EREMOTEIO, "1 job failed");
    pool_free(pool);
}

static const struct unit_case cases[] = {
    { "P06 a good map: callback once, error callback never", p06_good, ALL_KINDS },
    { "P06 one good item, one bad item: each tells its own callback", p06_one_item, ALL_KINDS },
    { "P09 the callback of nothing is called once", p09_nothing, ALL_KINDS },
    { "P26 the error callback gets the error that get gives", p26_error, ALL_KINDS },
    { "P39 a callback hands over the next job", p39_chain, ALL_KINDS },
    { "P38 calls that wait are refused inside a callback", no_waiting_inside, TWINS },
    { "P38 a callback frees its own handle", freed_inside, ALL_KINDS },
    { "P38 a handle freed before its callback", freed_before, ALL_KINDS },
    { "G15 a failure with a good callback only is not looked at", unlooked, ALL_KINDS },
    { "P06 callbacks run in calls that wait, never elsewhere", not_in_the_middle, ALL_KINDS },
    { "P06 join calls the rest of them", rest_in_join, ALL_KINDS },
    { "P06 terminate: the error callback is told ECANCELED", terminated, TWINS },
    { 0 },
};

const struct unit_suite unit_callbacks = { "callbacks", cases };
