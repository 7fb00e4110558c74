/*
 * limits.c - a time limit for each item, and items run again whose worker died.
 *
 * A limit that is passed costs the item and its worker, and nothing else: not the items before and behind it in the
 * same chunk, and not the task the worker would have run next. The last is the hard part, so some tests let tasks
 * run for just about their limit, thousands of times, with innocent tasks right behind them. These have no limit, so
 * nothing that happens to them is an accident of a busy machine.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define SHORT 0.05 /* a limit that is meant to be passed */

static void still_good(struct pool *pool, int size)
{
    long in[20], out[20];
    for (long i = 0; i < 20; i++)
        in[i] = i;
    OK(pool_map(pool, task_square, in, 20, sizeof *in, out, sizeof *out));
    for (long i = 0; i < 20; i++)
        CHECK_EQ(out[i], i * i);
    EVENTUALLY(worker_count() == size);
}

/* Hands over the numbers from 0 on. */
static struct pool_result *hand_over(struct pool *pool, pool_task *task, size_t count,
                                     const struct pool_job_options *options)
{
    static long in[10000];
    for (long i = 0; i < 10000; i++)
        in[i] = i;
    struct pool_result *result = pool_map_async(pool, task, in, count, sizeof *in, sizeof *in, options);
    OK(result ? 0 : -1);
    return result;
}

static struct pool_result *apply_limited(struct pool *pool, pool_task *task, double limit)
{
    struct pool_job_options options = { .limit = limit };
    struct pool_result *result = pool_apply_async(pool, task, NULL, 0, sizeof(pid_t), &options);
    OK(result ? 0 : -1);
    return result;
}

/* --- Limits --- */

/* A death that came later than the limit of an item before it. */
static void over_with_its_item(void)
{
    struct death death = { BY_SIGNAL, SIGKILL };
    struct pool *pool = open_pool(1);
    FAILED(pool_result_get(apply_limited(pool, task_forever, SHORT), NULL, PATIENCE), ETIME, 0);
    FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
    end_pool(pool);
}

static void t01_passed(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *neighbour;
    pid_t pid = 0, gone;
    char number[32];
    fill_with_gates(pool, &neighbour, 1);
    struct pool_result *result = apply_limited(pool, task_forever, SHORT);
    FAILED(pool_result_get(result, NULL, PATIENCE), ETIME, 0);
    gone = atomic_load(&shared->pid[1]);
    snprintf(number, sizeof number, "%d", gone);
    CHECK_EQ(pool_error()->pid, gone);
    CHECK_TEXT(pool_error()->text, "item 0");
    CHECK_TEXT(pool_error()->text, "0.05 s");
    CHECK_TEXT(pool_error()->text, number);
    CHECK(!is_alive(gone));
    CHECK(!pool_result_ready(neighbour));
    OK(pool_apply(pool, task_pid, NULL, 0, &pid, sizeof pid));
    CHECK(pid != gone && pid != atomic_load(&shared->pid[0]));
    gate_open();
    OK(pool_result_get(neighbour, &pid, PATIENCE));
    CHECK_EQ(pid, atomic_load(&shared->pid[0]));
    still_good(pool, 2);
    end_pool(pool);
}

static int deaf(const void *arg, void *result)
{
    sigset_t all;
    sigfillset(&all);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    sigprocmask(SIG_SETMASK, &all, NULL);
    return task_forever(arg, result);
}

static int stop_itself(const void *arg, void *result)
{
    (void)arg, (void)result;
    return raise(SIGSTOP);
}

static int compute_forever(const void *arg, void *result)
{
    (void)arg, (void)result;
    while (!atomic_load(&shared->gate))
        ;
    return 0;
}

/* Has a timer of its own, and takes away the one that others may have set with alarm(). */
static int set_timers(const void *arg, void *result)
{
    struct itimerval none = { .it_value = { 0, 0 } };
    alarm(0);
    setitimer(ITIMER_REAL, &none, NULL);
    setitimer(ITIMER_VIRTUAL, &none, NULL);
    return task_forever(arg, result);
}

static int wait_with_a_child(const void *arg, void *result)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    atomic_store(&shared->mark, pid);
    return task_forever(arg, result);
}

static void t02_stubborn(void)
{
    static pool_task *const tasks[] = { deaf, stop_itself, compute_forever, set_timers, wait_with_a_child };
    struct pool *pool = open_pool(1);
    for (int i = 0; i < 5; i++) {
        FAILED(pool_result_get(apply_limited(pool, tasks[i], SHORT), NULL, PATIENCE), ETIME, 0);
        still_good(pool, 1);
    }
    EVENTUALLY(!is_alive(atomic_load(&shared->mark))); /* the task's own child */
    end_pool(pool);
}

static void t03_two_at_once(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *results[2];
    pid_t pids[2];
    for (int i = 0; i < 2; i++)
        results[i] = apply_limited(pool, task_forever, 4 * SHORT);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    for (int i = 0; i < 2; i++) {
        FAILED(pool_result_get(results[i], NULL, PATIENCE), ETIME, 0);
        pids[i] = pool_error()->pid;
    }
    CHECK(pids[0] != pids[1]);
    still_good(pool, 2);
    end_pool(pool);
}

/* Items 3 and 7 never end. */
static int some_forever(const void *arg, void *result)
{
    long x = *(const long *)arg;
    atomic_fetch_add(&shared->cell[x], 1);
    if (x == 3 || x == 7)
        task_forever(arg, result);
    return task_square(arg, result);
}

static void in_a_chunk(void)
{
    static const long chunks[] = { 1, 4, 12 };
    for (int k = 0; k < 6; k++) {
        memset(shared, 0, sizeof *shared);
        struct pool *pool = open_pool(1 + k % 2);
        struct pool_job_options options = { .chunk = chunks[k / 2], .limit = SHORT };
        long out[12] = { 0 };
        FAILED(pool_result_get(hand_over(pool, some_forever, 12, &options), out, PATIENCE), ETIME, 3);
        CHECK_EQ((long long)pool_error()->failures, 2);
        for (long i = 0; i < 12; i++) {
            CHECK(i == 3 || i == 7 || out[i] == i * i);
            CHECK_EQ(atomic_load(&shared->cell[i]), 1);
        }
        end_pool(pool);
    }
}

static int nap(const void *arg, void *result)
{
    unit_sleep(0.02);
    return task_square(arg, result);
}

/* Fifty naps in one chunk together take longer than the limit, which is each item's own. */
static void not_for_the_chunk(void)
{
    struct pool *pool = open_pool(1);
    struct pool_job_options options = { .chunk = 50, .limit = 0.9 };
    double begin = unit_now();
    OK(pool_result_get(hand_over(pool, nap, 50, &options), NULL, PATIENCE));
    CHECK(unit_now() - begin > 0.9); /* else nothing was tested */
    end_pool(pool);
}

static void not_reached(void)
{
    struct pool *pool = open_pool(2);
    pid_t before[2], now[2];
    struct pool_job_options options = { .limit = PATIENCE };
    long out[10000];
    CHECK_EQ(workers(before, 2), 2);
    OK(pool_result_get(hand_over(pool, task_square, 10000, &options), out, PATIENCE));
    for (long i = 0; i < 10000; i++)
        REQUIRE(out[i] == i * i);
    struct pool_result *result = NULL;
    for (long i = 0; i < 10000; i++) {
        pool_result_free(result);
        result = pool_apply_async(pool, task_square, &i, sizeof i, sizeof i, &options);
    }
    OK(pool_result_wait(result, PATIENCE));
    CHECK_EQ(workers(now, 2), 2);
    CHECK(before[0] == now[0] && before[1] == now[1]);
    end_pool(pool);
}

/* A limit ends with its item: what comes behind may take as long as it likes, also when the worker sleeps meanwhile. */
static int sleep_long(const void *arg, void *result)
{
    unit_sleep(5 * SHORT);
    return task_pid(arg, result);
}

static void ends_with_its_item(void)
{
    struct pool *pool = open_pool(1);
    pid_t first = 0, second = 0, third = 0;
    OK(pool_result_get(apply_limited(pool, task_pid, SHORT), &first, PATIENCE));
    unit_sleep(3 * SHORT); /* idle */
    OK(pool_apply(pool, sleep_long, NULL, 0, &second, sizeof second));
    struct pool_result *result = apply_limited(pool, task_pid, SHORT);
    OK(pool_apply(pool, sleep_long, NULL, 0, &third, sizeof third));
    OK(pool_result_get(result, NULL, PATIENCE));
    CHECK(first == second && second == third);
    end_pool(pool);
}

/* --- Exactly the item that is meant --- */

static void compute_for(double seconds)
{
    double end = unit_now() + seconds;
    while (unit_now() < end)
        ;
}

/* Takes between a half and one and a half milliseconds. */
static int compute_about_1_ms(const void *arg, void *result)
{
    long x = *(const long *)arg;
    atomic_fetch_add(&shared->cell[x], 1);
    compute_for(1e-3 * (0.5 + (double)(x * 7919 % 1000) / 1000));
    return task_square(arg, result);
}

/* An item has its result, or was too slow; one that ended was run once, one that did not may not have come so far. */
static bool check_result_or_time(struct pool_result *result, size_t item, long number)
{
    const long *there = pool_result_at(result, item);
    int runs = atomic_load(&shared->cell[number]);
    REQUIRE(there ? *there == number * number && runs == 1 : errno == ETIME && runs <= 1);
    return there;
}

static void close_to_it(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .chunk = 10, .limit = 1e-3 };
    int count = unit_rounds(3000), slow = 0;
    struct pool_result *result = hand_over(pool, compute_about_1_ms, (size_t)count, &options);
    OK(pool_result_wait(result, 6 * PATIENCE));
    for (int i = 0; i < count; i++)
        slow += !check_result_or_time(result, (size_t)i, i);
    CHECK(slow > 0 && (unit_slow() || slow < count));
    still_good(pool, 2);
    end_pool(pool);
}

static void innocent_behind_it(void)
{
    struct pool *pool = open_pool(1);
    struct pool_job_options limited = { .limit = 1e-3 };
    enum { MOST = 1500 };
    struct pool_result *limit[MOST], *innocent[MOST];
    int count = unit_rounds(MOST), slow = 0;
    for (long i = 0; i < count; i++) {
        limit[i] = pool_apply_async(pool, compute_about_1_ms, &i, sizeof i, sizeof i, &limited);
        innocent[i] = pool_apply_async(pool, task_square, &i, sizeof i, sizeof i, NULL);
    }
    for (int i = 0; i < count; i++) {
        OK(pool_result_wait(limit[i], PATIENCE));
        slow += !check_result_or_time(limit[i], 0, i);
        OK(pool_result_get(innocent[i], NULL, PATIENCE));
    }
    CHECK(slow > 0 && (unit_slow() || slow < count));
    end_pool(pool);
}

/* A pool all of whose items are too slow is not a pool whose workers cannot live. */
static void all_too_slow(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .limit = 1e-4 };
    int count = unit_rounds(1200);
    FAILED(pool_result_get(hand_over(pool, compute_forever, (size_t)count, &options), NULL, 6 * PATIENCE), ETIME, 0);
    CHECK_EQ((long long)pool_error()->failures, count);
    still_good(pool, 2);
    end_pool(pool);
}

/* --- In every call that takes it --- */

static int forever_star(const void *const *args, void *result)
{
    return some_forever(args[0], result);
}

static int count_up(void *state, void *item)
{
    long *next = state;
    *(long *)item = *next;
    return (*next)++ < 10;
}

static void in_starmap(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .limit = SHORT };
    long in[10] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, out[10];
    struct pool_column column = { in, sizeof *in };
    struct pool_result *result = pool_starmap_async(pool, forever_star, &column, 1, 10, sizeof *out, &options);
    FAILED(pool_result_get(result, out, PATIENCE), ETIME, 3);
    for (long i = 0; i < 10; i++)
        CHECK(i == 3 || i == 7 || out[i] == i * i);
    end_pool(pool);
}

static void in_imap(void)
{
    for (int k = 0; k < 4; k++) {
        struct pool *pool = open_pool(2);
        struct pool_job_options options = { .limit = SHORT, .chunk = k < 2 ? 1 : 4 };
        long next = 0, out, seen = 0, slow = 0;
        struct pool_iter *iter =
            (k % 2 ? pool_imap_unordered : pool_imap)(pool, some_forever, count_up, &next, sizeof next, 8, &options);
        for (int got; (got = pool_iter_next(iter, &out, PATIENCE)) != 0 && seen + slow < 10;) {
            long i = (long)pool_iter_index(iter);
            bool forever = i == 3 || i == 7;
            REQUIRE(got == 1 || errno == ETIME);
            CHECK(got == 1 ? !forever && out == i * i : forever && (long)pool_error()->item == i);
            seen += got == 1;
            slow += got != 1;
        }
        CHECK(seen == 8 && slow == 2);
        pool_iter_close(iter);
        end_pool(pool);
    }
}

/* --- Retries --- */

/* Dies in its first attempts; `mark` says in how many. */
static int die_at_first(const void *arg, void *result)
{
    long x = *(const long *)arg;
    atomic_fetch_add(&shared->cell[x], 1);
    CHECK_EQ(pool_attempt(), atomic_load(&shared->cell[x]));
    if (pool_attempt() <= atomic_load(&shared->mark))
        raise(SIGKILL);
    return task_square(arg, result);
}

static void d19_in_the_end(void)
{
    static const long chunks[] = { 1, 5, 50 };
    struct pool *pool = open_pool(2);
    for (int k = 0; k < 3; k++) {
        struct pool_job_options options = { .chunk = chunks[k], .retries = 2 };
        long out[50] = { 0 };
        memset(shared->cell, 0, sizeof shared->cell);
        atomic_store(&shared->mark, 2);
        OK(pool_result_get(hand_over(pool, die_at_first, 50, &options), out, PATIENCE));
        for (long i = 0; i < 50; i++) {
            CHECK_EQ(out[i], i * i);
            CHECK_EQ(atomic_load(&shared->cell[i]), 3);
        }
    }
    still_good(pool, 2);
    end_pool(pool);
}

static void d19_never(void)
{
    struct pool *pool = open_pool(1);
    struct pool_job_options options = { .retries = 2, .chunk = 3 };
    atomic_store(&shared->mark, INT_MAX);
    FAILED(pool_result_get(hand_over(pool, die_at_first, 3, &options), NULL, PATIENCE), EOWNERDEAD, 0);
    CHECK_EQ(pool_error()->signal, SIGKILL);
    CHECK(pool_error()->pid > 0);
    CHECK_EQ((long long)pool_error()->failures, 3);
    CHECK_TEXT(pool_error()->text, "SIGKILL");
    for (int i = 0; i < 3; i++)
        CHECK_EQ(atomic_load(&shared->cell[i]), 3);
    still_good(pool, 1);
    end_pool(pool);
}

/* Ends its process in another way each time, then succeeds. */
static int die_variously(const void *arg, void *result)
{
    static const struct death deaths[] = {
        { BY_EXIT, 0 }, { BY_UNDERSCORE_EXIT, 7 }, { BY_ABORT, 0 }, { BY_SIGNAL, SIGTERM }, { BY_STACK, 0 }
    };
    *(int *)result = pool_attempt();
    return pool_attempt() <= 5 ? task_die(&deaths[pool_attempt() - 1], NULL) : 0 * (arg != NULL);
}

static void d19_any_death(void)
{
    struct pool *pool = open_pool(1);
    struct pool_job_options options = { .retries = 5 };
    int out = 0;
    OK(pool_result_get(pool_apply_async(pool, die_variously, NULL, 0, sizeof out, &options), &out, PATIENCE));
    CHECK_EQ(out, 6);
    end_pool(pool);
}

static int return_failure(const void *arg, void *result)
{
    atomic_fetch_add(&shared->runs, 1);
    (void)arg, (void)result;
    return pool_fail("no");
}

static void failures_are_not_retried(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .retries = 5 };
    FAILED(pool_result_get(hand_over(pool, return_failure, 20, &options), NULL, PATIENCE), EREMOTEIO, 0);
    CHECK_EQ((long long)pool_error()->failures, 20);
    CHECK_EQ(atomic_load(&shared->runs), 20);
    end_pool(pool);
}

/* Item 2 soils its result, replies and dies, twice; finds its result clean both times, and does not reply the third
 * time. Its neighbours' results are left as they are. */
enum { WIDE = 100 };

static int soil_and_die(const void *arg, void *result)
{
    static const char clean[WIDE];
    CHECK(pool_attempt() == 1 || memcmp(result, clean, WIDE) == 0);
    memset(result, (int)*(const long *)arg + 1, WIDE);
    if (pool_attempt() < 3)
        CHECK(pool_reply(1000) != NULL);
    if (*(const long *)arg == 2 && pool_attempt() < 3)
        raise(SIGKILL);
    return 0;
}

static void result_zeroed(void)
{
    struct pool *pool = open_pool(1);
    long in[5] = { 0, 1, 2, 3, 4 };
    unsigned char out[5][WIDE];
    for (int k = 0; k < 20; k++) {
        struct pool_job_options options = { .retries = 2, .chunk = 5 };
        struct pool_result *result = pool_map_async(pool, soil_and_die, in, 5, sizeof *in, WIDE, &options);
        OK(pool_result_get(result, out, PATIENCE));
        for (int i = 0; i < 5; i++) {
            CHECK(out[i][0] == i + 1 && memcmp(out[i], out[i] + 1, WIDE - 1) == 0);
            CHECK((pool_result_reply(result, (size_t)i, NULL) == NULL) == (i == 2));
        }
        pool_result_free(result);
    }
    end_pool(pool);
}

static int forever_at_first(const void *arg, void *result)
{
    atomic_fetch_add(&shared->runs, 1);
    if (pool_attempt() <= atomic_load(&shared->mark))
        task_forever(arg, result);
    return task_pid(arg, result);
}

static void with_a_limit(void)
{
    struct pool *pool = open_pool(1);
    struct pool_job_options options = { .retries = 2, .limit = SHORT };
    atomic_store(&shared->mark, 1);
    OK(pool_result_get(hand_over(pool, forever_at_first, 1, &options), NULL, PATIENCE));
    CHECK_EQ(atomic_load(&shared->runs), 2);
    atomic_store(&shared->runs, 0);
    atomic_store(&shared->mark, INT_MAX);
    FAILED(pool_result_get(hand_over(pool, forever_at_first, 1, &options), NULL, PATIENCE), ETIME, 0);
    CHECK_EQ(atomic_load(&shared->runs), 3);
    still_good(pool, 1);
    end_pool(pool);
}

static void cancelled_is_not_retried(void)
{
    struct pool *pool = open_pool(1);
    struct pool_job_options options = { .retries = 100 };
    struct pool_result *result = hand_over(pool, task_forever, 1, &options);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK_EQ(pool_result_cancel(result), 1);
    FAILED(pool_result_get(result, NULL, PATIENCE), ECANCELED, 0);
    still_good(pool, 1);
    end_pool(pool);
    CHECK_EQ(atomic_load(&shared->arrived), 1);
}

/* An item that is run again and succeeds has not failed, so the rest is not given up. */
static void with_fail_fast(void)
{
    struct pool *pool = open_pool(1);
    struct pool_job_options options = { .retries = 1, .fail_fast = true };
    atomic_store(&shared->mark, 1);
    OK(pool_result_get(hand_over(pool, die_at_first, 20, &options), NULL, PATIENCE));
    memset(shared->cell, 0, sizeof shared->cell);
    atomic_store(&shared->mark, 2);
    FAILED(pool_result_get(hand_over(pool, die_at_first, 20, &options), NULL, PATIENCE), EOWNERDEAD, 0);
    CHECK_EQ(atomic_load(&shared->cell[0]), 2);
    CHECK_EQ(atomic_load(&shared->cell[1]), 0);
    options.limit = SHORT;
    FAILED(pool_result_get(hand_over(pool, forever_at_first, 20, &options), NULL, PATIENCE), ETIME, 0);
    CHECK_EQ(atomic_load(&shared->runs), 2);
    end_pool(pool);
}

static void in_imap_retried(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .retries = 1, .chunk = 2 };
    long next = 0, out;
    atomic_store(&shared->mark, 1);
    struct pool_iter *iter = pool_imap(pool, die_at_first, count_up, &next, sizeof next, sizeof out, &options);
    for (long i = 0; i < 10; i++) {
        CHECK_EQ(pool_iter_next(iter, &out, PATIENCE), 1);
        CHECK_EQ(out, i * i);
    }
    CHECK_EQ(pool_iter_next(iter, &out, PATIENCE), 0);
    pool_iter_close(iter);
    end_pool(pool);
}

static int compute_a_little(const void *arg, void *result)
{
    compute_for(2e-4);
    return task_square(arg, result);
}

/* Workers killed from outside, whatever they are just doing: with retries no item is lost. */
static void killed_at_random(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .retries = 1000, .chunk = 7 };
    unsigned seed = 3;
    long out[4000];
    struct pool_result *result = hand_over(pool, compute_a_little, 4000, &options);
    for (int i = 0; i < unit_rounds(200) && !pool_result_ready(result); i++) {
        pid_t list[2];
        compute_for(1e-6 * (rand_r(&seed) % 2000));
        int count = workers(list, 2);
        if (count)
            kill(list[rand_r(&seed) % count], SIGKILL);
    }
    OK(pool_result_get(result, out, 6 * PATIENCE));
    for (long i = 0; i < 4000; i++)
        REQUIRE(out[i] == i * i);
    end_pool(pool);
}

static int ask_initially(void *initarg)
{
    atomic_store(&shared->calls, pool_attempt() + 100);
    return initarg != NULL;
}

static void ask_in_callback(struct pool_result *result, void *cookie)
{
    (void)result;
    *(int *)cookie = pool_attempt();
}

static int ask(const void *arg, void *result)
{
    (void)arg;
    *(int *)result = pool_attempt();
    return 0;
}

static void attempt_elsewhere(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .initializer = ask_initially });
    OK(pool ? 0 : -1);
    int told = -1, out = -1;
    struct pool_job_options options = { .callback = ask_in_callback, .cookie = &told };
    CHECK_EQ(pool_attempt(), 0);
    CHECK_EQ(atomic_load(&shared->calls), 100);
    OK(pool_result_get(pool_apply_async(pool, ask, NULL, 0, sizeof out, &options), &out, PATIENCE));
    CHECK_EQ(out, 1);
    CHECK_EQ(told, 0);
    end_pool(pool);
    for (int kind = POOL_THREADS; kind <= POOL_INLINE; kind++) {
        pool = pool_open(&(struct pool_options){ .processes = 1, .kind = (enum pool_kind)kind });
        OK(pool_apply(pool, ask, NULL, 0, &out, sizeof out));
        CHECK_EQ(out, 1);
        CHECK_EQ(pool_attempt(), 0);
        end_pool(pool);
    }
}

/* --- What makes no sense --- */

static int square_star(const void *const *args, void *result)
{
    return task_square(args[0], result);
}

/* Every call that takes the options. */
static void all_refuse(struct pool *pool, struct pool_job_options options, int code, const char *words)
{
    long x = 3, next = 0;
    struct pool_column column = { &x, sizeof x };
    REFUSED_NULL(pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options), code, words);
    REFUSED_NULL(pool_map_async(pool, task_square, &x, 1, sizeof x, sizeof x, &options), code, words);
    REFUSED_NULL(pool_map_async(pool, task_square, NULL, 0, sizeof x, sizeof x, &options), code, words);
    REFUSED_NULL(pool_starmap_async(pool, square_star, &column, 1, 1, sizeof x, &options), code, words);
    REFUSED_NULL(pool_imap(pool, task_square, count_up, &next, sizeof x, sizeof x, &options), code, words);
    REFUSED_NULL(pool_imap_unordered(pool, task_square, count_up, &next, sizeof x, sizeof x, &options), code, words);
    CHECK_EQ(next, 0);
}

static void senseless(void)
{
    struct pool *pool = open_pool(1);
    all_refuse(pool, (struct pool_job_options){ .limit = -1 }, EINVAL, "limit is -1");
    all_refuse(pool, (struct pool_job_options){ .limit = -0.001 }, EINVAL, "limit is -0.001");
    all_refuse(pool, (struct pool_job_options){ .limit = NAN }, EINVAL, "limit is");
    all_refuse(pool, (struct pool_job_options){ .limit = -INFINITY }, EINVAL, "limit is -inf");
    all_refuse(pool, (struct pool_job_options){ .retries = -1 }, EINVAL, "retries is -1");
    all_refuse(pool, (struct pool_job_options){ .retries = INT_MIN }, EINVAL, "retries is -2147483648");
    all_refuse(pool, (struct pool_job_options){ .retries = INT_MAX }, EINVAL, "retries is 2147483647");
    still_good(pool, 1);
    end_pool(pool);
}

/* The longest and the shortest that mean something: no overflow makes of either the other. */
static void extremes(void)
{
    static const double long_ones[] = { 1e-9 + 3600, 1e6, 1e9, 1e12, 1e30, 1e300, INFINITY };
    struct pool *pool = open_pool(1);
    long x = 3, out = 0;
    for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++) {
        struct pool_job_options options = { .limit = long_ones[i] };
        struct pool_result *result = pool_apply_async(pool, nap, &x, sizeof x, sizeof x, &options);
        CHECK(result || errno == EINVAL); /* taken, or said to be too much */
        if (result)
            OK(pool_result_get(result, &out, PATIENCE));
    }
    FAILED(pool_result_get(apply_limited(pool, task_forever, 1e-9), NULL, PATIENCE), ETIME, 0);
    FAILED(pool_result_get(apply_limited(pool, task_forever, 1e-300), NULL, PATIENCE), ETIME, 0);
    still_good(pool, 1);
    end_pool(pool);
}

/* Ends as if its timer had ended it, after very long. */
static int take_a_month(const void *arg, void *result)
{
    (void)arg, (void)result;
    atomic_store(&shared->days, 31);
    return raise(SIGKILL);
}

static void in_words(void)
{
    struct pool *pool = open_pool(1);
    FAILED(pool_result_get(apply_limited(pool, take_a_month, 30 * 86400.0), NULL, POOL_FOREVER), ETIME, 0);
    CHECK_TEXT(pool_error()->text, "its limit of 2.592e+06 s,");
    FAILED(pool_result_get(apply_limited(pool, task_forever, 0.0001), NULL, PATIENCE), ETIME, 0);
    CHECK_TEXT(pool_error()->text, "its limit of 0.0001 s,");
    end_pool(pool);
}

static void not_on_threads(void)
{
    for (int kind = POOL_THREADS; kind <= POOL_INLINE; kind++) {
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .kind = (enum pool_kind)kind });
        OK(pool ? 0 : -1);
        all_refuse(pool, (struct pool_job_options){ .limit = 1 }, ENOTSUP, "limit");
        long x = 3, out = 0;
        struct pool_job_options options = { .retries = 3 }; /* harmless: nothing there is survived */
        OK(pool_result_get(pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options), &out, PATIENCE));
        CHECK_EQ(out, 9);
        end_pool(pool);
    }
}

static const struct unit_case cases[] = {
    { "T01 a limit passed: that item, that worker, nobody else", t01_passed },
    { "T02 deaf, stopped, computing, with a child of its own: killed all the same", t02_stubborn },
    { "T03 two limits passed on two workers at once", t03_two_at_once },
    { "T01 a limit passed in a chunk: its neighbours are there, none runs twice", in_a_chunk },
    { "T01 the limit is each item's, not the chunk's", not_for_the_chunk },
    { "T01 20,000 tasks that do not reach their limit", not_reached },
    { "T01 a limit ends with its item", ends_with_its_item },
    { "T01 whoever dies when a limit is long over did not pass it", over_with_its_item },
    { "G11 3000 items close to their limit: a result or ETIME", close_to_it },
    { "G11 1500 tasks close to their limit, and innocent ones right behind", innocent_behind_it },
    { "G11 1200 items too slow in a row: the pool is not broken", all_too_slow },
    { "T01 starmap with a limit", in_starmap },
    { "T01 imap with a limit: one item fails, the rest comes", in_imap },
    { "D19 retries: killed twice, there in the end", d19_in_the_end },
    { "D19 retries: killed each time, fails with its last death", d19_never },
    { "D19 retries: whatever it died of", d19_any_death },
    { "D19 a failure that was returned is not retried", failures_are_not_retried },
    { "D19 each attempt begins with a zeroed result and no reply", result_zeroed },
    { "D19 retries with a limit", with_a_limit },
    { "D19 a cancelled item is not retried", cancelled_is_not_retried },
    { "D19 retries with fail_fast", with_fail_fast },
    { "D19 imap with retries", in_imap_retried },
    { "D19 workers killed at 200 random moments: with retries nothing is lost", killed_at_random },
    { "D19 pool_attempt outside of tasks is 0", attempt_elsewhere },
    { "G10 a limit or retries that make no sense", senseless },
    { "G10 the longest and the shortest limit", extremes },
    { "a limit of a month and one of a tenth of a millisecond, in words", in_words },
    { "T01 no limit on threads, none inline", not_on_threads },
    { 0 },
};

const struct unit_suite unit_limits = { "limits", cases };
