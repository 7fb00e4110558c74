/*
 * life.c - opening with initializers, worker counts, maxtasks, closing, terminating, joining, freeing.
 *
 * P25, a warning when a pool is dropped without being closed: C tells nobody that a pointer is gone. What there is to
 * see stands in P19 (pool_free() ends it) and P31 (the program's end does).
 * P35, a pool used through the handle of another process: not offered; M05 is the refusal.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* --- Sizes --- */

static void p17_sizes(void)
{
    for (int size = 1; size <= 5; size += 2) {
        struct pool *pool = open_pool(size);
        CHECK_EQ(pool_processes(pool), size);
        CHECK_EQ(worker_count(), size);
        end_pool(pool);
    }
}

static void p17_default(void)
{
    cpu_set_t all, one;
    REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
    struct pool *pool = pool_open(NULL);
    OK(pool ? 0 : -1);
    CHECK(pool_processes(pool) >= 1 && pool_processes(pool) <= CPU_COUNT(&all));
    CHECK_EQ(worker_count(), pool_processes(pool));
    end_pool(pool);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    pool = pool_open(NULL);
    OK(pool ? 0 : -1);
    CHECK_EQ(pool_processes(pool), 1);
    end_pool(pool);
}

/* 64 workers, all inside a task at once. */
static void p17_many(void)
{
    struct pool *pool = open_pool(64);
    struct pool_result *results[64];
    fill_with_gates(pool, results, 64);
    CHECK_EQ(worker_count(), 64);
    gate_open();
    end_pool(pool);
}

/* --- Initializers --- */

static int count_start(void *initarg)
{
    atomic_fetch_add(&shared->runs, 1);
    atomic_fetch_add((atomic_long *)initarg, 1);
    return 0;
}

static atomic_long started_with;

static int read_started(const void *arg, void *result)
{
    (void)arg;
    *(long *)result = atomic_load(&started_with);
    return 0;
}

static void p32_initializer(void)
{
    struct pool_options options = { .processes = 3, .initializer = count_start, .initarg = &started_with };
    long out[10], starts = unit_kind == POOL_INLINE ? 1 : 3;
    started_with = 41;
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    CHECK_EQ(atomic_load(&shared->runs), starts); /* all have run when pool_open returns */
    OK(pool_map(pool, read_started, NULL, 10, 0, out, sizeof *out));
    for (int i = 0; i < 10; i++)
        CHECK_EQ(out[i], unit_kind == POOL_PROCESSES ? 42 : 41 + starts); /* a process has a copy of its own */
    CHECK_EQ(started_with, unit_kind == POOL_PROCESSES ? 41 : 41 + starts);
    CHECK_EQ(atomic_load(&shared->runs), starts);
    end_pool(pool);
}

static void p32_in_successors(void)
{
    struct pool_options options = {
        .processes = 1, .maxtasks = 2, .initializer = count_start, .initarg = &started_with
    };
    long out[6];
    started_with = 1;
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    OK(pool_map(pool, read_started, NULL, 6, 0, out, sizeof *out));
    for (int i = 0; i < 6; i++)
        CHECK_EQ(out[i], 2);
    CHECK(atomic_load(&shared->runs) == 3 || atomic_load(&shared->runs) == 4); /* the fourth need not have begun */
    end_pool(pool);
}

static int start_badly(void *initarg)
{
    atomic_fetch_add(&shared->runs, 1);
    return pool_fail("no table \"%s\" on shard %d", (const char *)initarg, 7);
}

static int one_starts_badly(void *initarg)
{
    (void)initarg;
    return atomic_fetch_add(&shared->runs, 1) == 1 ? pool_fail("the second of us fails") : 0;
}

static int start_and_return_5(void *initarg)
{
    (void)initarg;
    return 5;
}

static int start_and_die(void *initarg)
{
    atomic_fetch_add(&shared->runs, 1);
    const struct death *death = initarg;
    return task_die(death, NULL);
}

static int start_never(void *initarg)
{
    (void)initarg;
    return task_forever(NULL, NULL);
}

static void check_open_fails(struct pool_options options, int code, const char *words)
{
    struct host before;
    host_look(&before);
    REFUSED_NULL(pool_open(&options), code, words);
    UNCHANGED(&before);
    CHECK(no_children());
}

static void g05_failing(void)
{
    struct pool_options options = { .processes = 3, .initializer = start_badly, .initarg = "users" };
    check_open_fails(options, EREMOTEIO, "no table \"users\" on shard 7");
    CHECK(atomic_load(&shared->runs) >= 1 && atomic_load(&shared->runs) <= 3);
    options.initializer = start_and_return_5;
    check_open_fails(options, EREMOTEIO, "5");
    atomic_store(&shared->runs, unit_kind == POOL_INLINE); /* which has no second one */
    options.initializer = one_starts_badly;
    check_open_fails(options, EREMOTEIO, "the second of us fails");
}

static void g05_killed(void)
{
    struct death death = { BY_SIGNAL, SIGKILL };
    struct pool_options options = { .processes = 3, .initializer = start_and_die, .initarg = &death };
    check_open_fails(options, EOWNERDEAD, "SIGKILL");
    CHECK_EQ(pool_error()->signal, SIGKILL);
    CHECK(pool_error()->pid > 0);
    death = (struct death){ BY_EXIT, 3 };
    check_open_fails(options, EOWNERDEAD, "3");
    CHECK_EQ(pool_error()->signal, 0);
    CHECK_EQ(pool_error()->status, 3);
    death = (struct death){ BY_UNDERSCORE_EXIT, 0 };
    check_open_fails(options, EOWNERDEAD, "0");
    CHECK(atomic_load(&shared->runs) <= 3 * 3); /* not one after another for ever */
}

static void g05_timeout(void)
{
    struct pool_options options = { .processes = 2, .initializer = start_never, .open_timeout = 0.3 };
    check_open_fails(options, ETIMEDOUT, "0.3");
    CHECK(atomic_load(&shared->arrived) <= 2);
}

/* --- Later initializers that fail --- */

/* While the mark stands the initializer fails, in one of these ways. */
enum { WELL, BY_RETURN, BY_END, BY_CRASH };

static int start_as_marked(void *initarg)
{
    (void)initarg;
    atomic_fetch_add(&shared->runs, 1);
    switch (atomic_load(&shared->mark)) {
    case BY_RETURN:
        return pool_fail("the licence server is gone");
    case BY_END:
        _exit(7);
    case BY_CRASH:
        raise(SIGSEGV);
        return 0;
    default:
        return 0;
    }
}

/* Whether so many places have no worker and are told when they will be tried again. */
static bool waiting(struct pool *pool, int count)
{
    struct pool_worker list[2];
    int waits = 0;
    for (int i = 0; i < pool_workers(pool, list, 2); i++) {
        waits += list[i].pid == 0 && list[i].retry_in > 0 && list[i].deaths > 1;
        CHECK(list[i].retry_in >= 0 && list[i].retry_in <= 1);
    }
    return waits == count;
}

/* Opens a pool of two, kills both, and waits until their places are known to wait. */
static struct pool *open_crash_loop(int how, int give_up_after)
{
    struct pool_options options = { .processes = 2, .initializer = start_as_marked, .give_up_after = give_up_after };
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    pid_t list[2];
    EVENTUALLY(workers(list, 2) == 2);
    atomic_store(&shared->mark, how);
    for (int i = 0; i < 2; i++)
        CHECK(kill(list[i], SIGKILL) == 0);
    if (!give_up_after)
        EVENTUALLY(waiting(pool, 2));
    return pool;
}

static void d14_later_initializers(void)
{
    for (int how = BY_RETURN; how <= BY_CRASH; how++) {
        long x = 3, out = 0;
        double began = unit_now();
        atomic_store(&shared->mark, WELL);
        atomic_store(&shared->runs, 0);
        struct pool *pool = open_crash_loop(how, 0);
        struct pool_result *result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof out, NULL);
        REFUSED(pool_result_wait(result, 0.1), ETIMEDOUT, "");
        EVENTUALLY(atomic_load(&shared->runs) >= (how == BY_RETURN ? 2 + 8 : 2 + 3));
        CHECK(atomic_load(&shared->runs) <= 2 + 10 + 4 * (unit_now() - began)); /* at most some a second */
        CHECK(how != BY_RETURN || unit_now() - began >= 1);
        CHECK_EQ(pool_processes(pool), 2);
        CHECK(!pool_result_ready(result));
        atomic_store(&shared->mark, WELL);
        OK(pool_result_get(result, &out, PATIENCE));
        CHECK_EQ(out, 9);
        EVENTUALLY(worker_count() == 2);
        EVENTUALLY(waiting(pool, 0));
        end_pool(pool);
    }
}

/* Whatever ends the waiting jobs or their pool does so without waiting for an initializer that works. */
static void d14_end_of_waiting(void)
{
    for (int how = 0; how < 4; how++) {
        long x = 3;
        atomic_store(&shared->mark, WELL);
        atomic_store(&shared->runs, 0);
        struct pool *pool = open_crash_loop(BY_RETURN, 0);
        struct pool_result *result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, NULL);
        if (how == 0)
            CHECK_EQ(pool_result_cancel(result), 1);
        else if (how == 1)
            OK(pool_terminate(pool));
        else if (how == 2)
            OK(pool_close(pool));
        if (how < 3) {
            FAILED(pool_result_get(result, NULL, PATIENCE), ECANCELED, 0);
            CHECK_TEXT(pool_error()->text, how == 0   ? "cancelled"
                                           : how == 1 ? "terminated"
                                                      : "the licence server is gone");
        }
        if (how == 0)
            OK(pool_close(pool));
        if (how < 3)
            OK(pool_join(pool, PATIENCE));
        pool_free(pool);
        CHECK(no_children());
    }
}

/* A worker dies in the first item of a chunk, and its successors do not start: the rest waits, too; cancelling ends it.
 */
static int die_at_0(const void *arg, void *result)
{
    if (*(const long *)arg == 0) {
        atomic_store(&shared->mark, BY_RETURN);
        raise(SIGKILL);
    }
    return task_square(arg, result);
}

static void d14_chunk_waits(void)
{
    for (int cancel = 0; cancel < 2; cancel++) {
        struct pool_options options = { .processes = 1, .initializer = start_as_marked };
        struct pool_job_options chunk = { .chunk = 3 };
        struct pool_error error;
        long in[3] = { 0, 1, 2 }, out[3];
        atomic_store(&shared->mark, WELL);
        struct pool *pool = pool_open(&options);
        OK(pool ? 0 : -1);
        struct pool_result *result = pool_map_async(pool, die_at_0, in, 3, sizeof *in, sizeof *out, &chunk);
        EVENTUALLY(waiting(pool, 1));
        REFUSED(pool_result_wait(result, 0.1), ETIMEDOUT, "");
        if (cancel)
            CHECK_EQ(pool_result_cancel(result), 1);
        else
            atomic_store(&shared->mark, WELL);
        FAILED(pool_result_get(result, out, PATIENCE), EOWNERDEAD, 0);
        CHECK_EQ((long long)pool_error()->failures, cancel ? 3 : 1);
        CHECK_EQ(pool_result_failure(result, 1, &error), cancel);
        CHECK(cancel ? error.code == ECANCELED : out[1] == 1 && out[2] == 4);
        OK(pool_terminate(pool));
        OK(pool_join(pool, PATIENCE));
        pool_free(pool);
    }
}

/* A successor that has a chunk to go on with, and does not come to an end with its initializer. */
static int start_once(void *initarg)
{
    (void)initarg;
    return atomic_fetch_add(&shared->runs, 1) == 0 ? 0 : task_forever(NULL, NULL);
}

static void d14_cancelled_before_start(void)
{
    struct pool_options options = { .processes = 1, .initializer = start_once };
    struct pool_job_options chunk = { .chunk = 3 };
    long in[3] = { 0, 1, 2 };
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    struct pool_result *result = pool_map_async(pool, die_at_0, in, 3, sizeof *in, sizeof *in, &chunk);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK_EQ(pool_result_cancel(result), 1);
    FAILED(pool_result_get(result, NULL, PATIENCE), EOWNERDEAD, 0);
    CHECK_EQ((long long)pool_error()->failures, 3);
    OK(pool_terminate(pool));
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static void d14_give_up_after(void)
{
    for (int how = BY_RETURN; how <= BY_CRASH; how++) {
        long x = 3;
        atomic_store(&shared->mark, WELL);
        atomic_store(&shared->runs, 0);
        struct pool *pool = open_crash_loop(how, 3);
        const char *words[] = { NULL, "the licence server is gone", "exit code 7", "SIGSEGV" };
        EVENTUALLY(pool_apply(pool, task_square, &x, sizeof x, &x, sizeof x) == -1);
        CHECK(errno == ESHUTDOWN || errno == ECANCELED);
        CHECK_TEXT(pool_error()->text, words[how]);
        int runs = atomic_load(&shared->runs);
        CHECK(runs == 2 + 3 || runs == 2 + 3 + 1); /* the other place may be in the middle of a try */
        pool_free(pool);
        CHECK(no_children());
    }
}

/* Only so many in a row count: one that starts well wipes out what was. */
static int fail_once_when_marked(void *initarg)
{
    (void)initarg;
    return atomic_exchange(&shared->mark, 0) ? pool_fail("not now") : 0;
}

static void d14_not_in_a_row(void)
{
    struct pool_options options = { .processes = 1, .initializer = fail_once_when_marked, .give_up_after = 2 };
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    for (int i = 0; i < 5; i++) {
        pid_t pid;
        long x = 3, out = 0;
        EVENTUALLY(workers(&pid, 1) == 1);
        atomic_store(&shared->mark, 1);
        CHECK(kill(pid, SIGKILL) == 0);
        EVENTUALLY(atomic_load(&shared->mark) == 0);
        OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
        CHECK_EQ(out, 9);
    }
    end_pool(pool);
}

/* --- Descriptors --- */

static int write_there(const void *arg, void *result)
{
    (void)result;
    return write(*(const int *)arg, "x", 1) == 1 ? 0 : pool_fail("%s", strerror(errno));
}

/* Of two pipes the workers have one, and no other descriptor of the program's: so the other one ends with the program's
 * own end of it, although they live. */
static void keep(enum pool_start start, bool other_too)
{
    int kept[2], other[2];
    char bytes[2];
    REQUIRE(pipe2(kept, start == POOL_SPAWN ? O_CLOEXEC : 0) == 0 && pipe(other) == 0);
    int list[] = { unit_report, kept[1], atoi(getenv("UNIT_SHARED")), other_too ? other[1] : -1, -1 };
    struct pool_options options = { .processes = 2, .start = start, .keep_descriptors = list, .descriptor = true };
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    OK(pool_apply(pool, write_there, &kept[1], sizeof *kept, NULL, 0));
    CHECK_EQ(read(kept[0], bytes, 2), 1);
    struct death death = { BY_SIGNAL, SIGKILL };
    CHECK(pool_apply(pool, task_die, &death, sizeof death, NULL, 0) == -1);
    OK(pool_apply(pool, write_there, &kept[1], sizeof *kept, NULL, 0)); /* successors, too */
    struct pollfd poller = { .fd = pool_descriptor(pool), .events = POLLIN };
    EVENTUALLY((pool_poll(pool), poll(&poller, 1, 0) == 0));
    CHECK(pool_apply_async(pool, write_there, &kept[1], sizeof *kept, 0, NULL) != NULL);
    CHECK_EQ(poll(&poller, 1, (int)PATIENCE * 1000), 1); /* the pool has its own */
    if (other_too)
        OK(pool_apply(pool, write_there, &other[1], sizeof *other, NULL, 0));
    else
        FAILED(pool_apply(pool, write_there, &other[1], sizeof *other, NULL, 0), EREMOTEIO, 0);
    close(other[1]);
    fcntl(other[0], F_SETFL, O_NONBLOCK);
    CHECK_EQ(read(other[0], bytes, 1), other_too); /* else it has ended */
    if (other_too)
        CHECK(read(other[0], bytes, 1) == -1 && errno == EAGAIN); /* it has not */
    CHECK(worker_count() == 2);
    end_pool(pool);
    close(kept[0]), close(kept[1]), close(other[0]);
}

static void keep_descriptors(void)
{
    for (int start = POOL_FORK; start <= POOL_SPAWN; start++) {
        keep((enum pool_start)start, false);
        keep((enum pool_start)start, true);
    }
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .keep_descriptors = (int[]){ -1 } });
    long x = 3, out = 0;
    OK(pool ? 0 : -1);
    OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
    CHECK_EQ(out, 9);
    end_pool(pool);
}

/* --- maxtasks --- */

struct count {
    pid_t pid;
    long tasks;
};

/* How many tasks each worker ran, in the order in which they first appear. Returns how many workers. */
static int count_by_worker(const pid_t *ran, long count, struct count *by, int most)
{
    int workers = 0;
    for (long i = 0; i < count; i++) {
        int w = 0;
        while (w < workers && by[w].pid != ran[i])
            w++;
        REQUIRE(w < most);
        if (w == workers)
            by[workers++] = (struct count){ ran[i], 0 };
        by[w].tasks++;
    }
    return workers;
}

static void check_exact(long maxtasks, long chunk, int processes)
{
    enum { COUNT = 120 };
    struct pool *pool = pool_open(&(struct pool_options){ .processes = processes, .maxtasks = maxtasks });
    OK(pool ? 0 : -1);
    pid_t ran[COUNT];
    struct count by[COUNT];
    struct pool_job_options options = { .chunk = chunk };
    struct pool_result *result = pool_map_async(pool, task_pid, NULL, COUNT, 0, sizeof *ran, &options);
    OK(pool_result_get(result, ran, PATIENCE));
    int lives = count_by_worker(ran, COUNT, by, COUNT), short_of = 0;
    for (int i = 0; i < lives; i++) {
        CHECK(by[i].tasks <= maxtasks);
        short_of += by[i].tasks < maxtasks;
    }
    CHECK(short_of <= processes); /* those that live when the map ends; all others did exactly so many */
    EVENTUALLY(worker_count() == processes);
    end_pool(pool);
}

static void g08_exact(void)
{
    for (long maxtasks = 1; maxtasks <= 7; maxtasks += 2) {
        check_exact(maxtasks, 1, 1);
        check_exact(maxtasks, 1, 3);
        check_exact(maxtasks, 0, 2);
    }
}

static void g08_in_chunks(void)
{
    check_exact(2, 120, 1);
    check_exact(5, 120, 1);
    check_exact(3, 50, 2);
    check_exact(1, 30, 3);
    check_exact(7, 10, 1);
}

/* All four workers do one task, then all the next one: so they would all reach their limit at the same time. */
struct round {
    int number;
};

static int in_step(const void *arg, void *result)
{
    int number = ((const struct round *)arg)->number;
    atomic_fetch_add(&shared->cell[number], 1);
    double limit = unit_now() + PATIENCE;
    while (atomic_load(&shared->cell[number]) < 4 && unit_now() < limit)
        unit_sleep(0.0002);
    return task_pid(NULL, result);
}

static void g08_staggered(void)
{
    enum { LIMIT = 16, ROUNDS = 64 };
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 4, .maxtasks = LIMIT });
    OK(pool ? 0 : -1);
    struct round rounds[4 * ROUNDS];
    pid_t ran[4 * ROUNDS];
    struct count by[4 * ROUNDS];
    for (int i = 0; i < 4 * ROUNDS; i++)
        rounds[i].number = i / 4;
    for (int i = 0; i < ROUNDS; i++)
        OK(pool_result_get(pool_map_async(pool, in_step, rounds + 4 * i, 4, sizeof *rounds, sizeof *ran,
                                          &(struct pool_job_options){ .chunk = 1 }),
                           ran + 4 * i, PATIENCE));
    int lives = count_by_worker(ran, 4 * ROUNDS, by, 4 * ROUNDS), short_lives = 0;
    for (int i = 0; i < lives; i++) {
        CHECK(by[i].tasks <= LIMIT);
        short_lives += by[i].tasks < LIMIT;
    }
    int same = 0;
    for (int i = 1; i < 4; i++)
        same += by[i].tasks == by[0].tasks;
    CHECK(same < 3);             /* the first four do not all end in the same round */
    CHECK(short_lives <= 3 + 4); /* shortened once for each slot, and what lives at the end */
    end_pool(pool);
}

static void p28_lifetime(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 3, .maxtasks = 10 });
    OK(pool ? 0 : -1);
    long in[100], out[100];
    pid_t before[3], after[3];
    EVENTUALLY(workers(before, 3) == 3);
    for (long i = 0; i < 100; i++)
        in[i] = i;
    struct pool_result *results[100];
    for (int i = 0; i < 100; i++)
        results[i] = pool_apply_async(pool, task_square, &in[i], sizeof *in, sizeof *out, NULL);
    for (int i = 0; i < 100; i++) {
        OK(pool_result_get(results[i], &out[i], PATIENCE));
        CHECK_EQ(out[i], (long)i * i);
    }
    EVENTUALLY(workers(after, 3) == 3);
    CHECK(memcmp(before, after, sizeof before) != 0);
    end_pool(pool);
}

static void p29_early_close(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 3, .maxtasks = 1 });
    OK(pool ? 0 : -1);
    struct pool_result *results[6];
    fill_with_gates(pool, results, 3);
    for (int i = 3; i < 6; i++)
        results[i] = pool_apply_async(pool, task_gate, NULL, 0, sizeof(pid_t), NULL);
    OK(pool_close(pool));
    gate_open();
    OK(pool_join(pool, PATIENCE));
    pid_t ran[6];
    struct count by[6];
    for (int i = 0; i < 6; i++)
        OK(pool_result_get(results[i], &ran[i], 0));
    CHECK_EQ(count_by_worker(ran, 6, by, 6), 6);
    pool_free(pool);
}

/* --- The end --- */

static void p18_terminate_many(void)
{
    enum { MANY = 10000 };
    struct pool *pool = open_pool(3);
    static struct pool_result *results[MANY];
    for (int i = 0; i < MANY; i++)
        results[i] = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 3);
    terminate_busy_pool(pool);
    OK(pool_join(pool, PATIENCE));
    CHECK_EQ(atomic_load(&shared->arrived), 3);
    for (int i = unit_kind == POOL_THREADS ? 3 : 0; i < MANY; i++) /* threads go on to their tasks' end */
        REQUIRE(pool_result_get(results[i], NULL, 0) == -1 && errno == ECANCELED);
    pool_free(pool);
    CHECK(no_children());
}

static void p19_scope(void)
{
    struct host before;
    host_look(&before);
    struct pool *pool = open_pool(2);
    for (int i = 0; i < 10; i++)
        CHECK(pool_apply_async(pool, task_forever, NULL, 0, 0, NULL) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    if (unit_kind == POOL_THREADS)
        gate_open(); /* threads are waited for */
    pool_free(pool);
    UNCHANGED(&before);
    CHECK(no_children());
}

static void t09_join_times_out(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *result;
    fill_with_gates(pool, &result, 1);
    OK(pool_close(pool));
    double before = unit_now();
    REFUSED(pool_join(pool, 0.05), ETIMEDOUT, "0.05");
    CHECK(unit_now() - before >= 0.05);
    REFUSED(pool_join(pool, 0), ETIMEDOUT, "");
    REFUSED(pool_join(pool, -5), ETIMEDOUT, "");
    terminate_busy_pool(pool);
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static void t09_join_again(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *result;
    pid_t pid = 0;
    fill_with_gates(pool, &result, 1);
    OK(pool_close(pool));
    REFUSED(pool_join(pool, 0.01), ETIMEDOUT, "");
    gate_open();
    OK(pool_join(pool, PATIENCE));
    OK(pool_result_get(result, &pid, 0));
    CHECK(pid > 0);
    pool_free(pool);
}

static void t11_twice(void)
{
    struct pool *pool = open_pool(2);
    OK(pool_close(pool));
    OK(pool_close(pool));
    OK(pool_terminate(pool));
    OK(pool_terminate(pool));
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
    pool = open_pool(2);
    OK(pool_terminate(pool));
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static void t12_get_after_terminate(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *running, *queued, *map;
    long in[100] = { 0 }, out[100];
    running = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    queued = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    map = pool_map_async(pool, task_square, in, 100, sizeof *in, sizeof *out, NULL);
    terminate_busy_pool(pool);
    FAILED(pool_result_get(queued, NULL, PATIENCE), ECANCELED, 0);
    if (unit_kind == POOL_THREADS)
        OK(pool_result_get(running, NULL, PATIENCE)); /* it went on to its end */
    else
        FAILED(pool_result_get(running, NULL, PATIENCE), ECANCELED, 0);
    FAILED(pool_result_get(map, out, PATIENCE), ECANCELED, 0);
    CHECK_EQ((long long)pool_error()->failures, 100);
    CHECK_TEXT(pool_error()->text, "terminated");
    CHECK(pool_result_at(map, 50) == NULL && errno == ECANCELED);
    OK(pool_join(pool, PATIENCE));
    FAILED(pool_result_get(queued, NULL, 0), ECANCELED, 0);
    pool_free(pool);
}

/* What was done before stays done. */
static void t12_done_stays(void)
{
    struct pool *pool = open_pool(1);
    long in[3] = { 2, 3, 4 }, out[3] = { 0 };
    struct pool_result *done = pool_map_async(pool, task_square, in, 3, sizeof *in, sizeof *out, NULL);
    OK(pool_result_wait(done, PATIENCE));
    CHECK(pool_apply_async(pool, task_forever, NULL, 0, 0, NULL) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    terminate_busy_pool(pool);
    OK(pool_result_get(done, out, 0));
    CHECK_EQ(out[0] + out[1] + out[2], 29);
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static int ignore_term(const void *arg, void *result)
{
    signal(SIGTERM, SIG_IGN);
    return task_forever(arg, result);
}

static int stop_myself(const void *arg, void *result)
{
    atomic_fetch_add(&shared->arrived, 1);
    raise(SIGSTOP);
    return task_forever(arg, result);
}

static void t02_grace(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .grace = 0.05 });
    OK(pool ? 0 : -1);
    CHECK(pool_apply_async(pool, ignore_term, NULL, 0, 0, NULL) != NULL);
    CHECK(pool_apply_async(pool, stop_myself, NULL, 0, 0, NULL) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    OK(pool_terminate(pool));
    OK(pool_join(pool, PATIENCE));
    CHECK(no_children());
    pool_free(pool);
}

static void on_term(int number)
{
    (void)number;
    atomic_fetch_add(&shared->mark, 1);
    _exit(0);
}

static int handle_term(const void *arg, void *result)
{
    signal(SIGTERM, on_term);
    return task_forever(arg, result);
}

static void t02_term_first(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .grace = 2 * PATIENCE });
    OK(pool ? 0 : -1);
    struct pool_result *result = pool_apply_async(pool, handle_term, NULL, 0, 0, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    OK(pool_terminate(pool));
    OK(pool_join(pool, PATIENCE)); /* and not after the whole grace */
    CHECK_EQ(atomic_load(&shared->mark), 1);
    FAILED(pool_result_get(result, NULL, 0), ECANCELED, 0);
    pool_free(pool);
}

static void t14_nothing_left(void)
{
    struct host before;
    host_look(&before);
    struct pool *pool = open_pool(3);
    long in[100] = { 0 }, out[100];
    OK(pool_map(pool, task_square, in, 100, sizeof *in, out, sizeof *out));
    CHECK_EQ(thread_count(), before.threads + (unit_kind == POOL_THREADS ? 3 : 0));
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    UNCHANGED(&before); /* already now, not only when it is freed */
    CHECK(no_children());
    pool_free(pool);
    UNCHANGED(&before);
}

/* A pool nobody ends: the program still ends as it wanted to, and the pool with it. */
static struct pool *volatile global; /* volatile: kept, although nobody reads it */

static void exit_with_idle_pool(void)
{
    global = open_pool(2);
    exit(0);
}

static void exit_with_busy_pool(void)
{
    global = open_pool(2);
    CHECK(pool_apply_async(global, task_forever, NULL, 0, 0, NULL) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    exit(7);
}

static void p31_exit(void)
{
    adopt_orphans();
    CHECK_EQ(program_wait(program_start(exit_with_idle_pool)), 0);
    EVENTUALLY(no_children());
    CHECK_EQ(WEXITSTATUS(program_wait(program_start(exit_with_busy_pool))), 7);
    EVENTUALLY(no_children());
}

/* --- In a child of the program, whose stdin is odd --- */

static void work_in_child(void)
{
    int stdin_flags = fcntl(STDIN_FILENO, F_GETFL);
    struct pool *pool = open_pool(2);
    CHECK_EQ(fcntl(STDIN_FILENO, F_GETFL), stdin_flags); /* the pool has not put anything of its own there */
    long x = 9, out = 0;
    OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
    CHECK_EQ(out, 81);
    end_pool(pool);
    atomic_fetch_add(&shared->mark, 1);
}

static void without_stdin(void)
{
    close(STDIN_FILENO);
    work_in_child();
}

static void with_odd_stdin(const char *path, int flags)
{
    int fd = open(path, flags);
    REQUIRE(fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO && close(fd) == 0);
    work_in_child();
}

static void with_directory_as_stdin(void)
{
    with_odd_stdin("/", O_RDONLY);
}

static void with_stdin_for_writing(void)
{
    with_odd_stdin("/dev/null", O_WRONLY);
}

static void p34_odd_stdin(void)
{
    void (*const programs[])(void) = { without_stdin, with_directory_as_stdin, with_stdin_for_writing };
    for (int i = 0; i < 3; i++)
        CHECK_EQ(program_wait(program_start(programs[i])), 0);
    CHECK_EQ(atomic_load(&shared->mark), 3);
}

static const struct unit_case cases[] = {
    { "P17 a pool of 1, 3, 5 has so many workers", p17_sizes, TWINS },
    { "P17 the default is the processors one may use", p17_default, TWINS },
    { "P17 64 workers, all inside a task at once", p17_many, TWINS },
    { "P32 the initializer runs once in each worker, before pool_open returns", p32_initializer, ALL_KINDS },
    { "P32 the initializer runs in later workers, too", p32_in_successors },
    { "G05 a failing initializer fails pool_open with its message", g05_failing, ALL_KINDS },
    { "G05 D14 an initializer that is killed or exits fails pool_open, without a fork storm", g05_killed },
    { "G05 an initializer that does not end: ETIMEDOUT", g05_timeout },
    { "D14 later initializers fail, in three ways: jobs wait until one works, without a fork storm",
      d14_later_initializers },
    { "D14 cancel, terminate, close and free end the waiting", d14_end_of_waiting },
    { "D14 the rest of a chunk waits for a successor that starts, and can be cancelled", d14_chunk_waits },
    { "D14 the rest of a chunk is cancelled while its successor is in its initializer", d14_cancelled_before_start },
    { "D14 give_up_after: so many in a row end the pool, and say why", d14_give_up_after },
    { "D14 give_up_after: one that starts well wipes out what was", d14_not_in_a_row },
    { "keep_descriptors: workers have these and no other", keep_descriptors },
    { "G08 maxtasks is exact", g08_exact },
    { "G08 maxtasks is exact inside big chunks, too", g08_in_chunks },
    { "G08 large limits do not all come due at once", g08_staggered },
    { "P28 100 tasks on 3 workers with a limit of 10: all right, and refilled", p28_lifetime },
    { "P29 limit 1 and an early close: all six are done", p29_early_close },
    { "P18 terminate with 10000 tasks queued", p18_terminate_many, TWINS },
    { "P19 pool_free ends a pool that still runs", p19_scope, TWINS },
    { "T02 terminate kills who ignores TERM and who is stopped", t02_grace },
    { "T02 terminate gives a task the time to handle TERM", t02_term_first },
    { "T09 R02 join times out; then terminate and join work", t09_join_times_out, TWINS },
    { "T09 join times out; then it may be called again", t09_join_again, TWINS },
    { "T11 closing, terminating, joining twice is fine", t11_twice, ALL_KINDS },
    { "T12 get on a job of a terminated pool says ECANCELED at once", t12_get_after_terminate, TWINS },
    { "T12 what was done before terminate stays done", t12_done_stays, TWINS },
    { "T14 after join nothing is left", t14_nothing_left, ALL_KINDS },
    { "P34 a pool in a child of the program whose stdin is closed, a directory, not for reading", p34_odd_stdin,
      ALL_KINDS },
    { "P31 a program may end without ending its pool", p31_exit, TWINS },
    { 0 },
};

const struct unit_suite unit_life = { "life", cases };
