/*
 * poll.c - a pool in a loop of the program's own: pool_poll(), pool_descriptor(), and how far everything is.
 *
 * The descriptor promises two things: what is due makes it readable, and while nothing is due it is quiet. The
 * tests wait in poll() or epoll only, never in a call of the library; a callback that does not come within PATIENCE is
 * lost.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct pool *open_pollable(int processes)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = processes, .descriptor = true });
    OK(pool ? 0 : -1);
    CHECK(pool_descriptor(pool) > 2);
    return pool;
}

/* Whether the pool's descriptor becomes readable within so many seconds. */
static bool readable(struct pool *pool, double seconds)
{
    struct pollfd fd = { .fd = pool_descriptor(pool), .events = POLLIN };
    int got = poll(&fd, 1, (int)(seconds * 1000));
    CHECK(got == 0 || (got == 1 && fd.revents == POLLIN));
    return got == 1;
}

/* Runs the program's loop until so many callbacks have run in it. Returns how often it went round. */
static int loop_until(struct pool *pool, const int *count, int expected)
{
    int rounds = 0;
    while (*count < expected) {
        if (!CHECK(readable(pool, PATIENCE)))
            break; /* those that are missing are lost */
        int before = *count, told = pool_poll(pool);
        CHECK_EQ(told, *count - before);
        rounds++;
    }
    return rounds;
}

static void count_it(struct pool_result *result, void *cookie)
{
    CHECK(pool_result_ready(result));
    ++*(int *)cookie;
}

static struct pool_result *hand_over(struct pool *pool, pool_task *task, long x, int *count)
{
    struct pool_job_options options = { .callback = count_it, .error_callback = count_it, .cookie = count };
    struct pool_result *result = pool_apply_async(pool, task, &x, sizeof x, sizeof x, count ? &options : NULL);
    OK(result ? 0 : -1);
    return result;
}

/* Closes the pool and joins it from the loop: no call waits. Returns how often the loop went round. */
static int end_in_loop(struct pool *pool)
{
    int rounds = 0;
    OK(pool_close(pool));
    for (; pool_join(pool, 0) != 0; rounds++) {
        CHECK_EQ(errno, ETIMEDOUT);
        if (!CHECK(readable(pool, PATIENCE)))
            break;
        CHECK(pool_poll(pool) >= 0);
    }
    pool_free(pool);
    return rounds;
}

/* --- pool_poll --- */

static void poll_runs_callbacks(void)
{
    struct pool *pool = open_pool(2);
    int count = 0, told = 0;
    CHECK_EQ(pool_poll(pool), 0);
    for (long i = 0; i < 100; i++)
        hand_over(pool, task_odd_fails, i, &count);
    EVENTUALLY((told += pool_poll(pool), told == 100));
    CHECK_EQ(count, 100);
    CHECK_EQ(pool_poll(pool), 0);
    hand_over(pool, task_square, 1, NULL); /* no callback, nothing to count */
    unit_sleep(0.01);
    CHECK_EQ(pool_poll(pool), 0);
    OK(pool_close(pool));
    CHECK_EQ(pool_poll(pool), 0);
    OK(pool_join(pool, PATIENCE));
    REFUSED(pool_poll(pool), ESHUTDOWN, "joined");
    pool_free(pool);
}

/* A good callback that is not there is not run, and not counted. */
static void poll_counts_what_ran(void)
{
    struct pool *pool = open_pool(1);
    int count = 0, told = 0;
    struct pool_job_options options = { .error_callback = count_it, .cookie = &count };
    for (long i = 0; i < 10; i++)
        CHECK(pool_apply_async(pool, task_odd_fails, &i, sizeof i, sizeof i, &options) != NULL);
    EVENTUALLY((told += pool_poll(pool), told == 5));
    CHECK_EQ(count, 5);
    end_pool(pool);
}

static void poll_again(struct pool_result *result, void *cookie)
{
    struct pool *pool = *(struct pool **)cookie;
    (void)result;
    CHECK_EQ(pool_poll(pool), 0); /* never one callback inside another */
    atomic_fetch_add(&shared->calls, 1);
}

static void poll_inside_a_callback(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .callback = poll_again, .cookie = &pool };
    for (int i = 0; i < 10; i++)
        CHECK(pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), &options) != NULL);
    EVENTUALLY((pool_poll(pool), atomic_load(&shared->calls) == 10));
    end_pool(pool);
}

static int poll_inside(const void *arg, void *result)
{
    struct pool *pool = *(struct pool *const *)arg;
    (void)result;
    REFUSED(pool_poll(pool), EINVAL, "task");
    REFUSED(pool_descriptor(pool), EINVAL, "task");
    REFUSED(pool_workers(pool, NULL, 0), EINVAL, "task");
    return 0;
}

static void poll_refused(void)
{
    struct pool *pool = open_pool(1);
    REFUSED(pool_poll(NULL), EINVAL, "NULL");
    REFUSED(pool_descriptor(NULL), EINVAL, "NULL");
    REFUSED(pool_descriptor(pool), EINVAL, ".descriptor");
    REFUSED(pool_workers(NULL, NULL, 0), EINVAL, "NULL");
    OK(pool_apply(pool, poll_inside, &pool, sizeof pool, NULL, 0));
    pid_t child = fork();
    if (child == 0) {
        REFUSED(pool_poll(pool), EINVAL, "process");
        REFUSED(pool_descriptor(pool), EINVAL, "process");
        _exit(0);
    }
    CHECK_EQ(program_wait(child), 0);
    end_pool(pool);
}

/* --- The descriptor --- */

static void quiet_then_readable(void)
{
    struct pool *pool = open_pollable(2);
    struct pool_result *results[2];
    CHECK(fcntl(pool_descriptor(pool), F_GETFD) & FD_CLOEXEC);
    pool_poll(pool);
    CHECK(!readable(pool, 0.05)); /* nothing happens */
    fill_with_gates(pool, results, 2);
    CHECK(!readable(pool, 0.05)); /* tasks run */
    gate_open();
    CHECK(readable(pool, PATIENCE)); /* also for jobs that have no callback */
    EVENTUALLY(pool_result_ready(results[0]) && pool_result_ready(results[1]));
    CHECK(readable(pool, 0)); /* until the poll */
    CHECK_EQ(pool_poll(pool), 0);
    CHECK(!readable(pool, 0.05));
    CHECK(!readable(pool, 0.05));
    end_in_loop(pool);
}

/* Quiet does not mean deaf: what ends right before, during or after a pool_poll() makes it readable again. */
static void few_at_a_time(void)
{
    struct pool *pool = open_pollable(2);
    int count = 0, total = 0;
    for (int i = 0; i < unit_rounds(5000); i++) {
        for (int k = 0; k <= i % 4; k++, total++)
            hand_over(pool, task_square, i, &count);
        loop_until(pool, &count, total);
    }
    CHECK_EQ(count, total);
    end_in_loop(pool);
}

static void two_hundred(void)
{
    struct pool *pool = open_pollable(2);
    int count = 0;
    for (long i = 0; i < 200; i++)
        hand_over(pool, task_odd_fails, i, &count);
    int rounds = loop_until(pool, &count, 200);
    CHECK(rounds <= 500); /* woken for something, mostly */
    CHECK_EQ(count, 200);
    end_in_loop(pool);
    CHECK_EQ(count, 200);
}

static void a_thousand_at_once(void)
{
    struct pool *pool = open_pollable(2);
    struct pool_result *last = NULL;
    int count = 0;
    for (long i = 0; i < 1000; i++)
        last = hand_over(pool, task_square, i, &count);
    EVENTUALLY(pool_result_ready(last));
    loop_until(pool, &count, 1000);
    CHECK_EQ(count, 1000);
    end_in_loop(pool);
}

/* Many callbacks that are not due do not keep the loop awake. */
static void many_not_due(void)
{
    struct pool *pool = open_pollable(1);
    struct pool_result *gate;
    int count = 0;
    fill_with_gates(pool, &gate, 1);
    for (long i = 0; i < 1000; i++)
        hand_over(pool, task_square, i, &count);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(pool_poll(pool), 0);
    CHECK(!readable(pool, 0.05));
    gate_open();
    loop_until(pool, &count, 1000);
    end_in_loop(pool);
}

/* One is due behind many that are not, more than a look takes in: the loop is told to look again. */
static void one_of_many(void)
{
    struct pool *pool = open_pollable(1);
    struct pool_result *gate, *last = NULL;
    int never = 0, count = 0;
    fill_with_gates(pool, &gate, 1);
    for (long i = 0; i < 150; i++)
        hand_over(pool, task_square, i, &never);
    last = hand_over(pool, task_square, 1, &count);
    for (long i = 0; i < 150; i++)
        hand_over(pool, task_square, i, &never);
    CHECK_EQ(pool_result_cancel(last), 1);
    CHECK(loop_until(pool, &count, 1) < 20);
    CHECK_EQ(never, 0);
    gate_open();
    loop_until(pool, &never, 300);
    end_in_loop(pool);
}

/* Each callback hands the next job over; the loop is the only thing that keeps it going. */
struct chain {
    struct pool *pool;
    int count;
};

static void next_link(struct pool_result *result, void *cookie)
{
    struct chain *chain = cookie;
    struct pool_job_options options = { .callback = next_link, .cookie = chain };
    long value = *(const long *)pool_result_at(result, 0) % 100;
    pool_result_free(result);
    if (++chain->count < 200)
        OK(pool_apply_async(chain->pool, task_square, &value, sizeof value, sizeof value, &options) ? 0 : -1);
}

static void chain_in_loop(void)
{
    struct chain chain = { open_pollable(1), 0 };
    struct pool_job_options options = { .callback = next_link, .cookie = &chain };
    long x = 3;
    OK(pool_apply_async(chain.pool, task_square, &x, sizeof x, sizeof x, &options) ? 0 : -1);
    loop_until(chain.pool, &chain.count, 200);
    CHECK_EQ(chain.count, 200);
    end_in_loop(chain.pool);
}

static void in_epoll(void)
{
    struct pool *pools[2] = { open_pollable(1), open_pollable(1) };
    int epoll = epoll_create1(EPOLL_CLOEXEC), counts[2] = { 0, 0 };
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
        REQUIRE(epoll_ctl(epoll, EPOLL_CTL_ADD, pool_descriptor(pools[i]), &event) == 0);
    }
    for (long i = 0; i < 200; i++)
        hand_over(pools[i % 2], task_square, i, &counts[i % 2]);
    while (counts[0] + counts[1] < 200) {
        struct epoll_event event;
        if (!CHECK(epoll_wait(epoll, &event, 1, (int)(PATIENCE * 1000)) == 1))
            break;
        CHECK(pool_poll(pools[event.data.u32]) >= 0);
    }
    CHECK(counts[0] == 100 && counts[1] == 100);
    close(epoll);
    end_in_loop(pools[0]);
    end_in_loop(pools[1]);
}

/* A map tells once, when all of it is done. A map of nothing is done at once, and nobody but the caller knows. */
static void maps_in_loop(void)
{
    struct pool *pool = open_pollable(2);
    static long in[1000];
    int count = 0;
    struct pool_job_options options = { .callback = count_it, .error_callback = count_it, .cookie = &count };
    CHECK(pool_map_async(pool, task_square, in, 1000, sizeof *in, sizeof *in, &options) != NULL);
    loop_until(pool, &count, 1);
    CHECK(pool_map_async(pool, task_square, NULL, 0, sizeof *in, sizeof *in, &options) != NULL);
    loop_until(pool, &count, 2);
    CHECK(pool_map_async(pool, task_odd_fails, &(long){ 3 }, 1, sizeof *in, sizeof *in, &options) != NULL);
    loop_until(pool, &count, 3);
    CHECK_EQ(count, 3);
    end_in_loop(pool);
}

static void cancelled_in_loop(void)
{
    struct pool *pool = open_pollable(1);
    int count = 0;
    struct pool_result *running = hand_over(pool, task_forever, 0, &count);
    struct pool_result *queued = hand_over(pool, task_square, 0, &count);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK_EQ(pool_result_cancel(queued), 1);
    loop_until(pool, &count, 1);
    CHECK_EQ(pool_result_cancel(running), 1);
    loop_until(pool, &count, 2);
    CHECK_EQ(count, 2);
    end_in_loop(pool);
}

static void last_worker(void)
{
    for (int i = 0; i < 20; i++) {
        struct pool *pool = open_pollable(2);
        hand_over(pool, task_square, i, NULL);
        CHECK(end_in_loop(pool) < 20); /* readable when the end has come, not for long before */
    }
    struct pool *pool = open_pollable(1);
    struct pool_result *result;
    fill_with_gates(pool, &result, 1);
    OK(pool_close(pool));
    pool_poll(pool);
    CHECK(!readable(pool, 0.05)); /* closed, but there is work */
    gate_open();
    CHECK(end_in_loop(pool) < 20);
}

static void leaves_nothing(void)
{
    struct host before;
    host_look(&before);
    for (int i = 0; i < 5; i++) {
        struct pool *pool = open_pollable(2);
        hand_over(pool, task_square, 1, NULL);
        if (i % 2)
            end_in_loop(pool);
        else
            pool_free(pool);
        UNCHANGED(&before);
    }
    struct pool *pool = open_pollable(1);
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    CHECK(pool_descriptor(pool) == -1);
    CHECK_TEXT(pool_error()->text, "pool_descriptor: ");
    UNCHANGED(&before);
    pool_free(pool);
}

static void nursery_killed(void)
{
    adopt_orphans();
    struct pool *pool = open_pollable(2);
    int count = 0;
    for (int i = 0; i < 5; i++)
        hand_over(pool, task_forever, i, &count);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    pool_poll(pool);
    CHECK(!readable(pool, 0.05));
    CHECK(kill(nursery(), SIGKILL) == 0);
    loop_until(pool, &count, 5);
    CHECK_EQ(count, 5);
    pool_poll(pool);
    CHECK(!readable(pool, 0.05)); /* a loop that can do nothing about it must not spin */
    OK(pool_terminate(pool));
    pool_join(pool, PATIENCE);
    pool_free(pool);
    EVENTUALLY(no_children());
}

static int compute_a_little(const void *arg, void *result)
{
    double end = unit_now() + 3e-4;
    while (unit_now() < end)
        ;
    return task_square(arg, result);
}

static void kill_one(unsigned *seed)
{
    pid_t list[3];
    int count = workers(list, 3);
    if (count)
        kill(list[rand_r(seed) % count], SIGKILL);
}

/* Workers are killed whatever they do, also between the end of a chunk and telling of it. */
static void workers_killed(void)
{
    struct pool *pool = open_pollable(3);
    int count = 0, total = unit_rounds(600);
    unsigned seed = 5;
    for (int i = 0; i < total; i++)
        hand_over(pool, compute_a_little, i, &count);
    for (int kills = 0; count < total; kills++) {
        if (!CHECK(readable(pool, PATIENCE)))
            break;
        CHECK(pool_poll(pool) >= 0);
        if (kills % 2 == 0)
            kill_one(&seed);
    }
    CHECK_EQ(count, total);
    end_in_loop(pool);
}

/* From now on this process dies of any write: so does a worker that has ended its chunk and is about to tell of it. */
static int die_of_telling(const void *arg, void *result)
{
    struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 1),
                                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
    struct sock_fprog filter = { sizeof code / sizeof *code, code };
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    return task_square(arg, result);
}

static void killed_before_telling(void)
{
    struct pool *pool = open_pollable(2);
    struct pool_worker list[2];
    int count = 0;
    for (int i = 0; i < 20; i++) {
        struct pool_result *result = hand_over(pool, die_of_telling, i, &count);
        loop_until(pool, &count, i + 1);
        OK(pool_result_get(result, NULL, 0)); /* it was done, and is */
    }
    EVENTUALLY((pool_workers(pool, list, 2), list[0].deaths + list[1].deaths == 20));
    end_in_loop(pool);
}

/* One job at a time, and its worker killed at a random moment around its end: the callback comes, whoever died. */
static void killed_at_the_end(void)
{
    struct pool *pool = open_pollable(1);
    int count = 0, total = unit_rounds(500);
    unsigned seed = 7;
    for (int i = 0; i < total; i++) {
        double moment = unit_now() + 1e-6 * (rand_r(&seed) % 800);
        hand_over(pool, compute_a_little, i, &count);
        while (unit_now() < moment)
            ;
        kill_one(&seed);
        loop_until(pool, &count, i + 1);
    }
    CHECK_EQ(count, total);
    end_in_loop(pool);
}

/* --- Progress --- */

static struct pool_progress progress_of(struct pool_result *result)
{
    struct pool_progress progress = { 77, 77, 77, 77 };
    OK(pool_result_progress(result, &progress));
    return progress;
}

#define PROGRESS(result, count, done, failed, running)                                                                 \
    check_progress((result), (struct pool_progress){ (count), (done), (failed), (running) }, __LINE__)

static void check_progress(struct pool_result *result, struct pool_progress expected, int line)
{
    struct pool_progress is = progress_of(result);
    unit_equal((long long)is.count, (long long)expected.count, __FILE__, line, "count");
    unit_equal((long long)is.done, (long long)expected.done, __FILE__, line, "done");
    unit_equal((long long)is.failed, (long long)expected.failed, __FILE__, line, "failed");
    unit_equal((long long)is.running, (long long)expected.running, __FILE__, line, "running");
}

/* Items 3 and 8 fail, item 5 waits at the gate. */
static int five_waits(const void *arg, void *result)
{
    long x = *(const long *)arg;
    if (x == 5)
        return task_gate(arg, result);
    return x == 3 || x == 8 ? pool_fail("no") : task_square(arg, result);
}

static void progress_in_a_chunk(void)
{
    static const long chunks[] = { 1, 4, 10 };
    for (int k = 0; k < 3; k++) {
        memset(shared, 0, sizeof *shared);
        struct pool *pool = open_pool(1);
        struct pool_job_options options = { .chunk = chunks[k] };
        struct pool_result *before;
        long in[10] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
        fill_with_gates(pool, &before, 1);
        struct pool_result *result = pool_map_async(pool, five_waits, in, 10, sizeof *in, sizeof *in, &options);
        PROGRESS(before, 1, 0, 0, 1);
        PROGRESS(result, 10, 0, 0, 0);
        gate_open();
        OK(pool_result_wait(before, PATIENCE));
        OK(pool_result_wait(result, PATIENCE));
        atomic_store(&shared->gate, 0);
        result = pool_map_async(pool, five_waits, in, 10, sizeof *in, sizeof *in, &options);
        EVENTUALLY(atomic_load(&shared->arrived) == 3);
        PROGRESS(result, 10, 5, 1, 1);
        gate_open();
        OK(pool_result_wait(result, PATIENCE));
        PROGRESS(result, 10, 10, 2, 0);
        pool_close(pool);
        pool_join(pool, PATIENCE);
        PROGRESS(result, 10, 10, 2, 0); /* also when the pool is gone */
        pool_free(pool);
    }
}

static void progress_of_many(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *gates[2];
    fill_with_gates(pool, gates, 2);
    PROGRESS(gates[0], 1, 0, 0, 1);
    PROGRESS(gates[1], 1, 0, 0, 1);
    static long in[5000];
    struct pool_result *map = pool_map_async(pool, compute_a_little, in, 5000, sizeof *in, sizeof *in, NULL);
    struct pool_result *nothing = pool_map_async(pool, task_square, NULL, 0, sizeof *in, sizeof *in, NULL);
    PROGRESS(nothing, 0, 0, 0, 0);
    PROGRESS(map, 5000, 0, 0, 0);
    gate_open();
    size_t last = 0, steps = 0;
    while (!pool_result_ready(map)) {
        struct pool_progress now = progress_of(map);
        CHECK(now.done >= last && now.done + now.running <= 5000 && now.running <= 2 && now.failed == 0);
        steps += now.done > last;
        last = now.done;
    }
    CHECK(steps > 20); /* it can be seen to go on */
    PROGRESS(map, 5000, 5000, 0, 0);
    end_pool(pool);
}

static void progress_of_the_dead(void)
{
    struct pool *pool = open_pool(2);
    struct death death = { BY_SIGNAL, SIGKILL };
    struct pool_result *dead = pool_apply_async(pool, task_die, &death, sizeof death, 0, NULL);
    OK(pool_result_wait(dead, PATIENCE));
    PROGRESS(dead, 1, 1, 1, 0);
    struct pool_result *running = hand_over(pool, task_forever, 1, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    PROGRESS(running, 1, 0, 0, 1);
    CHECK_EQ(pool_result_cancel(running), 1);
    OK(pool_result_wait(running, PATIENCE));
    PROGRESS(running, 1, 1, 1, 0);
    CHECK(pool_result_failure(dead, 0, &(struct pool_error){ 0 }) == 1);
    end_pool(pool);
}

/* By its item: succeeds with a reply or without, fails with words or without, or dies. */
static int any_end(const void *arg, void *result)
{
    long x = *(const long *)arg;
    if (x % 191 == 7 && unit_kind == POOL_PROCESSES)
        x % 2 ? raise(SIGKILL) : (_exit(3), 0);
    return x % 7 == 1 ? pool_fail("%ld", x) : x % 11 == 2 ? 5 : x % 3 ? task_square(arg, result) : pool_reply_text("x");
}

static bool fails(long x)
{
    return (x % 191 == 7 && unit_kind == POOL_PROCESSES) || x % 7 == 1 || x % 11 == 2;
}

/* Goes through the failures one by one. */
static size_t count_failures(struct pool_result *result)
{
    struct pool_error error;
    size_t count = 0, from = 0, failures = 0;
    for (; pool_result_failure(result, from, &error) == 1; from = error.item + 1, count++)
        failures = error.failures;
    CHECK_EQ((long long)failures, (long long)count);
    return count;
}

enum { ENDS = 1000 };

/* However they fail, in chunks of any size, and whatever dies meanwhile: each is counted once, and none is uncounted.
 */
static void progress_counts_failures(void)
{
    static const long chunks[] = { 0, 1, 7, ENDS };
    static long in[ENDS];
    size_t expected = 0;
    for (long i = 0; i < ENDS; i++)
        expected += fails(in[i] = i);
    for (int k = 0; k < 8; k++) {
        struct pool *pool = pool_open(&(struct pool_options){
            .processes = 2, .maxtasks = k >= 4 && unit_kind == POOL_PROCESSES ? 13 : 0, .check = k % 2 });
        OK(pool ? 0 : -1);
        struct pool_job_options options = { .chunk = chunks[k % 4] };
        struct pool_result *map = pool_map_async(pool, any_end, in, ENDS, sizeof *in, sizeof *in, &options);
        for (size_t last = 0; !pool_result_ready(map);) {
            struct pool_progress now = progress_of(map);
            CHECK(now.failed <= now.done + 2 && now.failed <= expected && now.failed >= last);
            last = now.failed;
        }
        PROGRESS(map, ENDS, ENDS, expected, 0);
        CHECK_EQ((long long)count_failures(map), (long long)expected);
        end_pool(pool);
    }
}

/* The same of what was cancelled, and of what other workers, killed from outside, ran. */
static void progress_counts_the_rest(void)
{
    enum { ITEMS = 600 };
    static long in[ITEMS];
    pid_t list[2];
    for (int k = 0; k < 6; k++) {
        struct pool *pool = open_pool(2);
        struct pool_job_options options = { .chunk = 1 + k * 30, .fail_fast = k % 3 == 1 };
        struct pool_result *map = pool_map_async(pool, compute_a_little, in, ITEMS, sizeof *in, sizeof *in, &options);
        while (progress_of(map).done < 50 + 50 * (size_t)k && !pool_result_ready(map))
            if (unit_kind == POOL_PROCESSES && workers(list, 2) == 2)
                kill(list[k % 2], SIGKILL);
        if (k % 3 == 2)
            CHECK(pool_result_cancel(map) >= -1);
        OK(pool_result_wait(map, PATIENCE));
        struct pool_progress now = progress_of(map);
        CHECK(now.done == ITEMS && now.running == 0);
        CHECK_EQ((long long)now.failed, (long long)count_failures(map));
        end_pool(pool);
    }
}

static void progress_refused(void)
{
    struct pool *pool = open_pool(1);
    struct pool_progress progress;
    struct pool_result *result = hand_over(pool, task_square, 1, NULL);
    REFUSED(pool_result_progress(NULL, &progress), EINVAL, "NULL");
    REFUSED(pool_result_progress(result, NULL), EINVAL, "NULL");
    end_pool(pool);
}

/* --- Workers --- */

static void workers_told(void)
{
    struct pool *pool = open_pool(3);
    struct pool_worker list[4] = { [3] = { .pid = -77 } };
    struct pool_result *results[2];
    pid_t pids[3];
    EVENTUALLY(pool_workers(pool, list, 4) == 3 && list[0].pid && list[1].pid && list[2].pid);
    CHECK_EQ(list[3].pid, -77);
    CHECK_EQ(workers(pids, 3), 3);
    unsigned numbers = 0;
    for (int i = 0; i < 3; i++) {
        CHECK(list[i].pid == pids[0] || list[i].pid == pids[1] || list[i].pid == pids[2]);
        CHECK(list[i].deaths == 0 && list[i].finished == 0 && !list[i].running);
        numbers |= 1u << list[i].number;
    }
    CHECK_EQ(numbers, 1 << 1 | 1 << 2 | 1 << 3);
    fill_with_gates(pool, results, 2);
    CHECK_EQ(pool_workers(pool, list, 3), 3);
    int running = 0;
    for (int i = 0; i < 3; i++) {
        bool at_the_gate = list[i].pid == shared->pid[0] || list[i].pid == shared->pid[1];
        CHECK_EQ(list[i].running, at_the_gate);
        running += list[i].running;
    }
    CHECK_EQ(running, 2);
    gate_open();
    end_pool(pool);
}

static void workers_counted(void)
{
    struct pool *pool = open_pool(2);
    struct pool_worker list[2];
    struct death death = { BY_SIGNAL, SIGKILL };
    static long in[1000], out[1000];
    OK(pool_map(pool, task_square, in, 1000, sizeof *in, out, sizeof *out));
    EVENTUALLY((pool_workers(pool, list, 2), list[0].finished + list[1].finished == 1000));
    for (int i = 0; i < 3; i++)
        CHECK(pool_apply(pool, task_die, &death, sizeof death, NULL, 0) == -1);
    EVENTUALLY(pool_workers(pool, list, 2) == 2 && list[0].pid && list[1].pid);
    CHECK_EQ(list[0].deaths + list[1].deaths, 3);
    CHECK(list[0].number + list[1].number >= 1 + 4 && list[0].number <= 5 && list[1].number <= 5);
    pid_t pid = list[0].pid;
    CHECK(kill(pid, SIGKILL) == 0); /* idle */
    EVENTUALLY((pool_workers(pool, list, 2), list[0].pid && list[0].pid != pid));
    CHECK_EQ(list[0].deaths + list[1].deaths, 4);
    memset(list, 0x55, sizeof list);
    CHECK_EQ(pool_workers(pool, list, 1), 2); /* room for one only */
    CHECK(list[0].pid != 0x55555555 && list[1].pid == 0x55555555);
    CHECK_EQ(pool_workers(pool, NULL, 0), 2);
    end_pool(pool);
}

/* A worker that retires has not died. */
static void workers_retire(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .maxtasks = 2 });
    struct pool_worker worker;
    pid_t pid;
    for (int i = 0; i < 6; i++)
        OK(pool_apply(pool, task_pid, NULL, 0, &pid, sizeof pid));
    EVENTUALLY(pool_workers(pool, &worker, 1) == 1 && worker.number == 4 && worker.pid);
    CHECK_EQ(worker.deaths, 0);
    CHECK_EQ((long long)worker.finished, 6);
    end_pool(pool);
}

static void workers_of_kinds(void)
{
    for (int kind = POOL_THREADS; kind <= POOL_INLINE; kind++) {
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .kind = (enum pool_kind)kind });
        struct pool_worker list[2] = { { 0 } };
        long in[10] = { 0 }, out[10];
        OK(pool ? 0 : -1);
        OK(pool_map(pool, task_square, in, 10, sizeof *in, out, sizeof *out));
        CHECK_EQ(pool_workers(pool, list, 2), kind == POOL_THREADS ? 2 : 1);
        EVENTUALLY((pool_workers(pool, list, 2), list[0].finished + list[1].finished == 10));
        CHECK_EQ(list[0].pid, getpid());
        end_pool(pool);
    }
}

/* --- What callbacks may do, and what not --- */

static void shut_down(struct pool_result *result, void *cookie)
{
    struct pool *pool = *(struct pool **)cookie;
    atomic_fetch_add(&shared->calls, 1);
    REFUSED(pool_terminate(pool), EINVAL, "callback");
    REFUSED(pool_join(pool, 0), EINVAL, "callback");
    pool_free(pool); /* refused as well; it cannot say so but by pool_error() */
    CHECK_TEXT(pool_error()->text, "pool_free: a callback");
    OK(pool_close(pool));
    CHECK(pool_result_ready(result));
}

static void p41_close_inside(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .callback = shut_down, .cookie = &pool };
    long x = 3;
    struct pool_result *result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options);
    struct pool_result *behind = pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, NULL);
    OK(pool_result_get(result, NULL, PATIENCE));
    CHECK_EQ(atomic_load(&shared->calls), 1);
    REFUSED(pool_apply(pool, task_square, &x, sizeof x, &x, sizeof x), ESHUTDOWN, "closed");
    OK(pool_join(pool, PATIENCE));
    OK(pool_result_get(behind, NULL, 0));
    pool_free(pool);
}

/* A callback that takes its time: it goes on when 50 tasks have run meanwhile, so these do not wait for it. */
static void wait_for_fifty(struct pool_result *result, void *cookie)
{
    (void)result, (void)cookie;
    EVENTUALLY(atomic_load(&shared->runs) == 50);
    atomic_fetch_add(&shared->calls, 1);
}

static int count_run(const void *arg, void *result)
{
    atomic_fetch_add(&shared->runs, 1);
    return task_square(arg, result);
}

static void p38_slow(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .callback = wait_for_fifty };
    long x = 3;
    int count = 0;
    struct pool_result *result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options);
    for (int i = 0; i < 50; i++)
        hand_over(pool, count_run, i, &count);
    OK(pool_result_get(result, &x, PATIENCE));
    CHECK_EQ(x, 9);
    CHECK_EQ(atomic_load(&shared->calls), 1);
    end_pool(pool);
    CHECK_EQ(count, 50);
}

/* What a callback does wrong is its own affair: the call in which it ran tells the truth about its own job. */
static void do_wrong(struct pool_result *result, void *cookie)
{
    struct pool *pool = *(struct pool **)cookie;
    atomic_fetch_add(&shared->calls, 1);
    CHECK(pool_apply_async(pool, NULL, NULL, 1, 1, NULL) == NULL);
    CHECK(pool_result_at(result, 99) == NULL);
    CHECK(pool_result_get(NULL, NULL, 0) == -1);
    errno = EDOM;
}

static void p38_wrong(void)
{
    struct pool *pool = open_pool(1);
    struct pool_job_options options = { .callback = do_wrong, .error_callback = do_wrong, .cookie = &pool };
    for (long i = 0; i < 20; i++) {
        long out = -1;
        struct pool_result *result = pool_apply_async(pool, task_odd_fails, &i, sizeof i, sizeof i, &options);
        if (i % 2) {
            FAILED(pool_result_get(result, &out, PATIENCE), EREMOTEIO, 0);
            CHECK_TEXT(pool_error()->text, "is odd");
        } else {
            OK(pool_result_get(result, &out, PATIENCE));
            CHECK_EQ(out, i * i);
        }
        CHECK_EQ(atomic_load(&shared->calls), i + 1);
    }
    end_pool(pool);
}

/* An error callback that looks at its job gets what get would: by whichever way the job went wrong. */
static void tell_code(struct pool_result *result, void *cookie)
{
    CHECK(pool_result_get(result, NULL, 0) == -1);
    *(int *)cookie = pool_error()->code;
}

static void each_way(void)
{
    struct pool *pool = open_pool(2);
    struct death death = { BY_SIGNAL, SIGKILL };
    int codes[4] = { 0 };
    struct pool_job_options options[4];
    for (int i = 0; i < 4; i++)
        options[i] = (struct pool_job_options){ .error_callback = tell_code, .cookie = &codes[i] };
    options[2].limit = 0.05;
    long odd = 3;
    CHECK(pool_apply_async(pool, task_odd_fails, &odd, sizeof odd, sizeof odd, &options[0]) != NULL);
    CHECK(pool_apply_async(pool, task_die, &death, sizeof death, 0, &options[1]) != NULL);
    CHECK(pool_apply_async(pool, task_forever, NULL, 0, 0, &options[2]) != NULL);
    EVENTUALLY((pool_poll(pool), codes[0] && codes[1] && codes[2]));
    struct pool_result *running = pool_apply_async(pool, task_forever, NULL, 0, 0, &options[3]);
    CHECK_EQ(pool_result_cancel(running), 1);
    EVENTUALLY((pool_poll(pool), codes[3] != 0));
    CHECK(codes[0] == EREMOTEIO && codes[1] == EOWNERDEAD && codes[2] == ETIME && codes[3] == ECANCELED);
    end_pool(pool);
}

/* Several threads wait, or poll: each callback runs once, in one of them. */
static void mark_own(struct pool_result *result, void *cookie)
{
    (void)result;
    atomic_fetch_add((atomic_int *)cookie, 1);
}

static void *poll_and_wait(void *cookie)
{
    struct pool *pool = cookie;
    long x = 2, out;
    for (int i = 0; i < 200; i++)
        if (i % 2)
            OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
        else
            CHECK(pool_poll(pool) >= 0);
    return NULL;
}

static void once_in_some_thread(void)
{
    struct pool *pool = open_pool(2);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, poll_and_wait, pool) == 0);
    for (long i = 0; i < 2000; i++) {
        struct pool_job_options options = { .callback = mark_own, .cookie = &shared->cell[i] };
        OK(pool_apply_async(pool, task_square, &i, sizeof i, sizeof i, &options) ? 0 : -1);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    end_pool(pool);
    for (int i = 0; i < 2000; i++)
        REQUIRE(atomic_load(&shared->cell[i]) == 1);
}

static const struct unit_case cases[] = {
    { "pool_poll runs the callbacks that are due", poll_runs_callbacks, ALL_KINDS },
    { "pool_poll counts those that ran", poll_counts_what_ran, ALL_KINDS },
    { "pool_poll inside a callback runs none", poll_inside_a_callback, ALL_KINDS },
    { "polling where there is no pool or no descriptor", poll_refused, ALL_KINDS },
    { "the descriptor is quiet, then readable, then quiet", quiet_then_readable, TWINS },
    { "the descriptor: 12,500 jobs, a few at a time", few_at_a_time, ALL_KINDS },
    { "the descriptor: 200 callbacks in a loop of poll()", two_hundred, ALL_KINDS },
    { "the descriptor: 1000 callbacks due at once", a_thousand_at_once, ALL_KINDS },
    { "the descriptor: quiet with 1000 callbacks that are not due", many_not_due, TWINS },
    { "the descriptor: one callback due among 300 that are not", one_of_many, TWINS },
    { "P39 the descriptor: callbacks hand over the next job, 200 times", chain_in_loop, ALL_KINDS },
    { "R06 the descriptors of two pools in one epoll", in_epoll, ALL_KINDS },
    { "the descriptor: maps, and a map of nothing", maps_in_loop, ALL_KINDS },
    { "T05 T06 the descriptor: cancelled jobs", cancelled_in_loop },
    { "R04 the descriptor: readable when the last worker is gone", last_worker, TWINS },
    { "G13 a pool with a descriptor leaves nothing", leaves_nothing, ALL_KINDS },
    { "G04 the descriptor: the nursery is killed", nursery_killed },
    { "G01 the descriptor: workers killed at random, no callback is lost", workers_killed },
    { "G01 the descriptor: killed around the end of 500 jobs", killed_at_the_end },
    { "G01 the descriptor: killed between the end of a chunk and telling of it", killed_before_telling },
    { "progress, item by item in a chunk", progress_in_a_chunk, TWINS },
    { "progress only goes on", progress_of_many, TWINS },
    { "progress: killed and cancelled items have failed", progress_of_the_dead },
    { "G10 progress counts each failure once, whatever dies meanwhile", progress_counts_failures, ALL_KINDS },
    { "G10 progress counts what was cancelled or killed", progress_counts_the_rest, TWINS },
    { "progress refused", progress_refused, ALL_KINDS },
    { "pool_workers: who, and what they do", workers_told },
    { "pool_workers: what they did, and how they died", workers_counted },
    { "pool_workers: who retires has not died", workers_retire },
    { "pool_workers of other kinds", workers_of_kinds },
    { "P41 a callback closes the pool; it cannot end it", p41_close_inside, TWINS },
    { "P38 a slow callback holds up no task", p38_slow, TWINS },
    { "P38 what a callback does wrong is its own affair", p38_wrong, ALL_KINDS },
    { "P26 an error callback is told how: failed, died, too slow, cancelled", each_way },
    { "P06 several threads wait and poll: each callback once", once_in_some_thread, ALL_KINDS },
    { 0 },
};

const struct unit_suite unit_poll = { "poll", cases };
