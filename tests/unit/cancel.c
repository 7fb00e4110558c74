/*
 * cancel.c - pool_result_cancel() and fail_fast: what is given up never runs or is killed, and nobody else is hurt.
 *
 * The hard part is that a kill is exact. A worker that is about to be killed may end its task at that very moment
 * and take the next one; then the kill would hit an innocent. So one test cancels five hundred times, at random
 * moments, between tasks that must all succeed.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct pool_result *hand_over(struct pool *pool, pool_task *task, size_t count, long chunk, bool fail_fast)
{
    static long in[1000];
    struct pool_job_options options = { .chunk = chunk, .fail_fast = fail_fast };
    for (long i = 0; i < 1000; i++)
        in[i] = i;
    struct pool_result *result = pool_map_async(pool, task, in, count, sizeof *in, sizeof *in, &options);
    OK(result ? 0 : -1);
    return result;
}

static void still_good(struct pool *pool, int size)
{
    long out[20];
    OK(pool_result_get(hand_over(pool, task_square, 20, 0, false), out, PATIENCE));
    for (long i = 0; i < 20; i++)
        CHECK_EQ(out[i], i * i);
    if (size)
        EVENTUALLY(worker_count() == size);
}

/* long to long, its square; counts each run, and marks what came to its end. */
static int count_run(const void *arg, void *result)
{
    atomic_fetch_add(&shared->runs, 1);
    atomic_store(&shared->cell[*(const long *)arg], 1);
    return task_square(arg, result);
}

/* The first `mark` runs are as above, the later ones never end. */
static int some_end(const void *arg, void *result)
{
    if (atomic_fetch_add(&shared->runs, 1) >= atomic_load(&shared->mark))
        task_forever(arg, result);
    atomic_store(&shared->cell[*(const long *)arg], 1);
    return task_square(arg, result);
}

/* --- Cancelling --- */

static void t05_queued(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *running;
    fill_with_gates(pool, &running, 1);
    struct pool_result *one = hand_over(pool, count_run, 1, 0, false), *many = hand_over(pool, count_run, 50, 1, false);
    CHECK_EQ(pool_result_cancel(many), 1);
    CHECK_EQ(pool_result_cancel(one), 1);
    FAILED(pool_result_get(one, NULL, PATIENCE), ECANCELED, 0); /* although the worker is still busy */
    CHECK_TEXT(pool_error()->text, "cancel");
    FAILED(pool_result_get(many, NULL, PATIENCE), ECANCELED, 0);
    CHECK_EQ((long long)pool_error()->failures, 50);
    CHECK(!pool_result_ready(running));
    gate_open();
    OK(pool_result_get(running, NULL, PATIENCE));
    still_good(pool, 1);
    end_pool(pool);
    CHECK_EQ(atomic_load(&shared->runs), 0);
}

static void t06_running(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *neighbour;
    pid_t other = 0;
    fill_with_gates(pool, &neighbour, 1);
    struct pool_result *result = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    CHECK_EQ(pool_result_cancel(result), 1);
    FAILED(pool_result_get(result, NULL, PATIENCE), ECANCELED, 0);
    CHECK_TEXT(pool_error()->text, "cancel");
    EVENTUALLY(!is_alive(atomic_load(&shared->pid[1])));
    CHECK(!pool_result_ready(neighbour));
    still_good(pool, 2);
    gate_open();
    OK(pool_result_get(neighbour, &other, PATIENCE));
    CHECK_EQ(other, atomic_load(&shared->pid[0]));
    end_pool(pool);
}

/* The successor is not condemned for what its predecessor did. */
static void costs_one_worker(void)
{
    struct pool_worker worker;
    struct pool *pool = open_pool(1);
    struct pool_result *result = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    EVENTUALLY(shared->arrived == 1);
    CHECK_EQ(pool_result_cancel(result), 1);
    FAILED(pool_result_get(result, NULL, PATIENCE), ECANCELED, 0);
    for (int i = 0; i < 3; i++)
        still_good(pool, 1);
    CHECK_EQ(pool_workers(pool, &worker, 1), 1);
    CHECK_EQ(worker.number, 2);
    end_pool(pool);
}

static void t06_those_behind(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *running = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL), *behind[10];
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    for (int i = 0; i < 10; i++)
        behind[i] = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL);
    CHECK_EQ(pool_result_cancel(running), 1);
    for (int i = 0; i < 10; i++) {
        pid_t pid = 0;
        OK(pool_result_get(behind[i], &pid, PATIENCE));
        CHECK(pid != atomic_load(&shared->pid[0]));
    }
    FAILED(pool_result_get(running, NULL, 0), ECANCELED, 0);
    end_pool(pool);
}

static int block_everything(const void *arg, void *result)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    return task_forever(arg, result);
}

static int stop_itself(const void *arg, void *result)
{
    (void)arg, (void)result;
    atomic_fetch_add(&shared->arrived, 1);
    return raise(SIGSTOP);
}

static int compute_forever(const void *arg, void *result)
{
    (void)arg, (void)result;
    atomic_fetch_add(&shared->arrived, 1);
    while (!atomic_load(&shared->gate))
        ;
    return 0;
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

static void t06_stubborn(void)
{
    static pool_task *const tasks[] = { block_everything, stop_itself, compute_forever, wait_with_a_child };
    struct pool *pool = open_pool(1);
    for (int i = 0; i < 4; i++) {
        struct pool_result *result = pool_apply_async(pool, tasks[i], NULL, 0, 0, NULL);
        EVENTUALLY(atomic_load(&shared->arrived) == i + 1);
        CHECK_EQ(pool_result_cancel(result), 1);
        FAILED(pool_result_get(result, NULL, PATIENCE), ECANCELED, 0);
        still_good(pool, 1);
    }
    EVENTUALLY(!is_alive(atomic_load(&shared->mark))); /* the task's own child */
    end_pool(pool);
}

static void t07_done(void)
{
    struct pool *pool = open_pool(1);
    long x = 3, out = 0;
    struct pool_result *result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, NULL);
    OK(pool_result_wait(result, PATIENCE));
    CHECK_EQ(pool_result_cancel(result), 0);
    OK(pool_result_get(result, &out, 0));
    CHECK_EQ(out, 9);
    struct pool_result *nothing = hand_over(pool, task_square, 0, 0, false);
    CHECK_EQ(pool_result_cancel(nothing), 0);
    OK(pool_result_get(nothing, NULL, 0));
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    CHECK_EQ(pool_result_cancel(result), 0);
    pool_free(pool);
}

static void twice(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *result = hand_over(pool, some_end, 50, 1, false);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    CHECK_EQ(pool_result_cancel(result), 1);
    CHECK(pool_result_cancel(result) >= 0); /* the workers may be dead by now, or not */
    OK(pool_result_wait(result, PATIENCE));
    CHECK_EQ(pool_result_cancel(result), 0);
    FAILED(pool_result_get(result, NULL, 0), ECANCELED, 0);
    CHECK_EQ((long long)pool_error()->failures, 50);
    still_good(pool, 2);
    end_pool(pool);
}

/* Six items come to their end, two never do, the rest waits. Chunks of 1, and chunks with both kinds in them. */
static void half_done(void)
{
    static const long chunks[] = { 1, 10, 20 };
    for (int k = 0; k < 3; k++) {
        memset(shared, 0, sizeof *shared);
        atomic_store(&shared->mark, 6);
        struct pool *pool = open_pool(2);
        struct pool_result *result = hand_over(pool, some_end, 20, chunks[k], false);
        EVENTUALLY(atomic_load(&shared->arrived) == (chunks[k] == 20 ? 1 : 2));
        CHECK_EQ(pool_result_cancel(result), 1);
        OK(pool_result_wait(result, PATIENCE));
        for (long i = 0; i < 20; i++) {
            const long *there = pool_result_at(result, (size_t)i);
            if (atomic_load(&shared->cell[i]))
                CHECK(there && *there == i * i);
            else
                CHECK(!there && errno == ECANCELED);
        }
        CHECK_EQ(pool_result_get(result, NULL, 0), -1);
        CHECK_EQ(pool_error()->code, ECANCELED);
        CHECK_EQ((long long)pool_error()->failures, 14);
        still_good(pool, 2);
        end_pool(pool);
    }
}

/* --- Exactly the one that is meant --- */

/* Runs for so many microseconds. */
static int compute(const void *arg, void *result)
{
    double end = unit_now() + (double)*(const long *)arg * 1e-6;
    while (unit_now() < end)
        ;
    *(long *)result = *(const long *)arg;
    return 0;
}

static int compute_and_tell(const void *arg, void *result)
{
    atomic_fetch_add(&shared->mark, 1);
    return compute(arg, result);
}

enum { VICTIM = 2 };

/* A task that is cancelled sometime between innocent ones, on the same workers: while it is queued, or around its
 * beginning and its end. Tells whether it was in time. It may still end while it is being killed; then it has its
 * result. */
static bool cancel_at_random(struct pool *pool, unsigned *seed)
{
    struct pool_result *job[7], *map = hand_over(pool, task_square, 50, 1, false);
    long moment = rand_r(seed) % 300, run = rand_r(seed) % 200, out = -1;
    atomic_store(&shared->mark, rand_r(seed) % 3 == 0); /* 1: do not wait until it has begun */
    for (int i = 0; i < 7; i++)
        job[i] = pool_apply_async(pool, i == VICTIM ? compute_and_tell : compute, &run, sizeof run, sizeof run, NULL);
    while (!atomic_load(&shared->mark) && !pool_result_ready(job[VICTIM]))
        ;
    compute(&moment, &moment);
    int cancelled = pool_result_cancel(job[VICTIM]), got = pool_result_get(job[VICTIM], &out, PATIENCE);
    CHECK(got == 0 ? out == run : cancelled == 1 && pool_error()->code == ECANCELED);
    OK(pool_result_get(map, NULL, PATIENCE));
    for (int i = 0; i < 7; i++)
        if (i != VICTIM)
            OK(pool_result_get(job[i], &out, PATIENCE));
    return got != 0;
}

static void exact(void)
{
    unsigned seed = 1;
    for (int workers = 1; workers <= 2; workers++) {
        struct pool *pool = open_pool(workers);
        int rounds = unit_rounds(500), cancelled = 0;
        for (int i = 0; i < rounds; i++)
            cancelled += cancel_at_random(pool, &seed);
        CHECK(cancelled > 0 && (unit_slow() || cancelled < rounds));
        still_good(pool, workers);
        end_pool(pool);
    }
}

/* Whoever cancels is not a pool whose workers cannot live. */
static void again_and_again(void)
{
    struct pool *pool = open_pool(2);
    for (int i = 0; i < unit_rounds(1200); i++) {
        struct pool_result *result = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
        REQUIRE(result);
        EVENTUALLY(atomic_load(&shared->arrived) == i + 1);
        REQUIRE(pool_result_cancel(result) == 1);
        FAILED(pool_result_get(result, NULL, PATIENCE), ECANCELED, 0);
        pool_result_free(result);
    }
    still_good(pool, 2);
    end_pool(pool);
}

/* --- Beside other calls --- */

static void *wait_for_it(void *result)
{
    FAILED(pool_result_get(result, NULL, PATIENCE), ECANCELED, 0);
    return NULL;
}

static void while_another_waits(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *running = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    struct pool_result *queued = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL);
    pthread_t threads[2];
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    REQUIRE(pthread_create(&threads[0], NULL, wait_for_it, running) == 0);
    REQUIRE(pthread_create(&threads[1], NULL, wait_for_it, queued) == 0);
    EVENTUALLY(threads_asleep() == 2);
    CHECK_EQ(pool_result_cancel(queued), 1);
    CHECK_EQ(pool_result_cancel(running), 1);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    still_good(pool, 1);
    end_pool(pool);
}

static void count_call(struct pool_result *result, void *cookie)
{
    struct pool_error error;
    ++*(int *)cookie;
    CHECK_EQ(pool_result_failure(result, 0, &error), 1);
    CHECK_EQ(error.code, ECANCELED);
}

static void tells_its_callback(void)
{
    struct pool *pool = open_pool(1);
    int good = 0, bad = 0;
    struct pool_job_options options = { .error_callback = count_call, .cookie = &bad }, never = { .cookie = &good };
    never.callback = count_call;
    struct pool_result *running = pool_apply_async(pool, task_forever, NULL, 0, 0, &options);
    struct pool_result *queued = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), &options);
    struct pool_result *other = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), &never);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK(pool_result_cancel(queued) == 1 && pool_result_cancel(other) == 1 && pool_result_cancel(running) == 1);
    OK(pool_result_wait(running, PATIENCE));
    end_pool(pool);
    CHECK_EQ(bad, 2);
    CHECK_EQ(good, 0);
}

/* Who cancels a job knows of it: join has nothing to report, whether the handle is kept or given back. */
static void not_reported(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *running = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    struct pool_result *queued = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK(pool_result_cancel(running) == 1 && pool_result_cancel(queued) == 1);
    pool_result_free(queued);
    end_pool(pool);
}

/* A handle that was given back is gone; its job goes on, and others can be cancelled as before. */
static void while_closing(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *running = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    struct pool_result *behind = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    OK(pool_close(pool));
    CHECK_EQ(pool_result_cancel(running), 1);
    OK(pool_join(pool, PATIENCE));
    OK(pool_result_get(behind, NULL, 0));
    FAILED(pool_result_get(running, NULL, 0), ECANCELED, 0);
    CHECK_EQ(pool_result_cancel(running), 0);
    pool_free(pool);
}

static int cancel_inside(const void *arg, void *result)
{
    (void)result;
    REFUSED(pool_result_cancel(*(struct pool_result *const *)arg), EINVAL, "task");
    return 0;
}

static void refused(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *running;
    REFUSED(pool_result_cancel(NULL), EINVAL, "NULL");
    fill_with_gates(pool, &running, 1);
    OK(pool_apply(pool, cancel_inside, &running, sizeof running, NULL, 0));
    gate_open();
    OK(pool_result_get(running, NULL, PATIENCE));
    end_pool(pool);
}

/* --- Threads, and the call itself --- */

static int first_at_the_gate(const void *arg, void *result)
{
    if (*(const long *)arg == 0) {
        atomic_fetch_add(&shared->arrived, 1);
        gate_wait();
    }
    return count_run(arg, result);
}

static void threads_go_on(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .kind = POOL_THREADS });
    OK(pool ? 0 : -1);
    struct pool_result *running = hand_over(pool, first_at_the_gate, 5, 1, false);
    struct pool_result *queued = hand_over(pool, count_run, 5, 1, false);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK_EQ(pool_result_cancel(queued), 1);
    REFUSED(pool_result_cancel(running), ENOTSUP, "thread");
    gate_open();
    FAILED(pool_result_get(running, NULL, PATIENCE), ECANCELED, 1);
    CHECK(pool_result_at(running, 0) != NULL);
    FAILED(pool_result_get(queued, NULL, PATIENCE), ECANCELED, 0);
    CHECK_EQ(pool_result_cancel(running), 0);
    still_good(pool, 0);
    end_pool(pool);
    CHECK_EQ(atomic_load(&shared->runs), 1);
}

static void inline_is_done(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .kind = POOL_INLINE });
    OK(pool ? 0 : -1);
    struct pool_result *result = hand_over(pool, count_run, 5, 1, false);
    CHECK_EQ(pool_result_cancel(result), 0);
    OK(pool_result_get(result, NULL, 0));
    end_pool(pool);
    CHECK_EQ(atomic_load(&shared->runs), 5);
}

/* --- fail_fast --- */

static int ten_fails(const void *arg, void *result)
{
    count_run(arg, result);
    return *(const long *)arg == 10 ? pool_fail("ten fails") : 0;
}

static void p46_one_worker(void)
{
    static const long chunks[] = { 1, 7, 100 };
    struct pool *pool = open_pool(1);
    for (int k = 0; k < 3; k++) {
        long out[100] = { 0 };
        atomic_store(&shared->runs, 0);
        struct pool_result *result = hand_over(pool, ten_fails, 100, chunks[k], true);
        FAILED(pool_result_get(result, out, PATIENCE), EREMOTEIO, 10);
        CHECK_TEXT(pool_error()->text, "ten fails");
        CHECK_EQ((long long)pool_error()->failures, 90);
        CHECK_EQ(atomic_load(&shared->runs), 11);
        for (long i = 0; i < 10; i++)
            CHECK_EQ(out[i], i * i);
        CHECK(pool_result_at(result, 11) == NULL && errno == ECANCELED);
        CHECK_TEXT(pool_error()->text, "item 11");
        CHECK(pool_result_at(result, 99) == NULL && errno == ECANCELED);
    }
    still_good(pool, 1);
    end_pool(pool);
}

/* The lower half waits at the gate, the upper half fails when it does: with two workers these are items 0 and 50. */
static int upper_half_fails(const void *arg, void *result)
{
    long x = *(const long *)arg;
    atomic_fetch_add(&shared->runs, 1);
    if (x < 50) {
        atomic_fetch_add(&shared->arrived, 1);
        gate_wait();
        return task_square(arg, result);
    }
    EVENTUALLY(atomic_load(&shared->arrived) > 0);
    if (atomic_load(&shared->calls) == 1)
        _exit(3);
    return pool_fail("%ld is too much", x);
}

/* Items 1 to 49 are cancelled; still it is item 50 that went wrong, and the error names it, not one of those. What runs
 * at that moment comes to its end. */
static void p46_names_the_culprit(void)
{
    for (int dies = 0; dies < 2; dies++) {
        memset(shared, 0, sizeof *shared);
        atomic_store(&shared->calls, dies);
        struct pool *pool = open_pool(2);
        struct pool_result *result = hand_over(pool, upper_half_fails, 100, 1, true);
        struct pool_progress progress = { 0 };
        EVENTUALLY(pool_result_progress(result, &progress) == 0 && progress.failed > 0);
        gate_open();
        FAILED(pool_result_get(result, NULL, PATIENCE), dies ? EOWNERDEAD : EREMOTEIO, 50);
        CHECK_TEXT(pool_error()->text, dies ? "exit code 3" : "50 is too much");
        CHECK_EQ((long long)pool_error()->failures, 99);
        CHECK(pool_result_at(result, 0) != NULL);
        CHECK(pool_result_at(result, 1) == NULL && errno == ECANCELED);
        still_good(pool, 2);
        end_pool(pool);
        CHECK_EQ(atomic_load(&shared->runs), 2);
    }
}

static void p46_unseen(void)
{
    struct pool *pool = open_pool(1);
    hand_over(pool, ten_fails, 100, 1, true);
    OK(pool_close(pool));
    REFUSED(pool_join(pool, PATIENCE), EREMOTEIO, "1 job failed");
    CHECK_TEXT(pool_error()->text, "ten fails");
    pool_free(pool);
}

static void p46_others_unharmed(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *jobs[60];
    for (int i = 0; i < 60; i++)
        jobs[i] = hand_over(pool, i % 3 ? task_square : ten_fails, 100, 1, true);
    for (int i = 0; i < 60; i++)
        if (i % 3)
            OK(pool_result_get(jobs[i], NULL, PATIENCE));
        else
            FAILED(pool_result_get(jobs[i], NULL, PATIENCE), EREMOTEIO, 10);
    end_pool(pool);
}

static void p46_good(void)
{
    struct pool *pool = open_pool(2);
    long out[1000];
    OK(pool_result_get(hand_over(pool, count_run, 1000, 0, true), out, PATIENCE));
    for (long i = 0; i < 1000; i++)
        REQUIRE(out[i] == i * i);
    CHECK_EQ(atomic_load(&shared->runs), 1000);
    end_pool(pool);
}

static void p46_kinds(void)
{
    for (int kind = POOL_THREADS; kind <= POOL_INLINE; kind++) {
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .kind = (enum pool_kind)kind });
        OK(pool ? 0 : -1);
        atomic_store(&shared->runs, 0);
        FAILED(pool_result_get(hand_over(pool, ten_fails, 100, 4, true), NULL, PATIENCE), EREMOTEIO, 10);
        CHECK_EQ((long long)pool_error()->failures, 90);
        CHECK_EQ(atomic_load(&shared->runs), 11);
        end_pool(pool);
    }
}

static const struct unit_case cases[] = {
    { "T05 cancelled in the queue: never runs", t05_queued },
    { "T06 cancelled while it runs: its worker is replaced, the neighbour is fine", t06_running },
    { "T06 a task that is cancelled costs one worker", costs_one_worker },
    { "T06 the tasks behind a cancelled one are done by a new worker", t06_those_behind },
    { "T06 deaf, stopped, computing, with a child of its own: cancelled all the same", t06_stubborn },
    { "T07 what is done cannot be cancelled, and keeps its result", t07_done },
    { "T07 cancelled twice", twice },
    { "T06 a map half done: what is done stays, the rest fails", half_done },
    { "G11 cancelled at 1000 random moments: no innocent task is hit", exact },
    { "G11 1200 running tasks cancelled in a row: the pool is not broken", again_and_again },
    { "T06 cancelled while another thread waits for it", while_another_waits },
    { "T06 a cancelled job tells its error callback, once", tells_its_callback },
    { "T06 join does not report what was cancelled", not_reported },
    { "T06 cancelled while the pool closes", while_closing },
    { "G11 cancel: NULL, or in a task", refused },
    { "T06 threads cannot be killed: what is queued is cancelled, what runs goes on", threads_go_on },
    { "T07 an inline job is always done", inline_is_done },
    { "P46 fail_fast: nothing more is begun", p46_one_worker },
    { "P46 fail_fast: the error names who failed, not who was cancelled", p46_names_the_culprit },
    { "P46 fail_fast: join reports who failed", p46_unseen },
    { "P46 fail_fast: other jobs are unharmed", p46_others_unharmed },
    { "P46 fail_fast: without a failure all run", p46_good },
    { "P46 fail_fast on threads and inline", p46_kinds },
    { 0 },
};

const struct unit_suite unit_cancel = { "cancel", cases };
