/*
 * steps.c - kills a worker after each single instruction of its work, and its successor after each of its healing.
 *
 * usage: build/steps [STRIDE [CASE]]     every STRIDE-th instruction only (default 1: all, some minutes)
 *
 * worker       the pool's one worker is stopped while it sleeps, is given a map of three items in chunks of two and one
 *              apply more, is driven N instructions far with ptrace, and killed. One item replies, one fails. N grows
 *              until the work is done before the kill comes.
 * successor    the task itself kills its worker in the middle of a chunk; the successor is driven N instructions far
 *              from its birth, and killed.
 * putter       a worker is killed N instructions into a put into a queue,
 * getter       or into a get and the task_done behind it.
 * waking       the same two, while somebody sleeps who waits for that.
 * closer       a worker is killed N instructions into closing a queue, where somebody sleeps. If it is closed then,
 * that one comes back, and all are told; if it is not, it goes on. lock         a worker is held N instructions into a
 * put, and goes on when somebody waits for the lock that it has, if it has it. opener       it is killed, when somebody
 * waits for the lock that it has, N instructions later. timer        a worker is killed in the call that stops the
 * timer of an item with a limit.
 *
 * After each kill everything has to be answered, rightly or, for as many items as were killed, with an error that names
 * the worker that ran it; another task has to run; no memory is lost. Whatever was in the queue has to come out of it,
 * in order, but for the one item that was under way.
 *
 * The library sleeps in slices of 100 ms, after which it looks for itself, so what is lost then only costs time. Here
 * slices are longer than the deadline: a wake-up that is lost is a failure.
 *
 * Exit status 0; 1 if the pool failed; 77 if ptrace is not allowed here.
 */
#define _GNU_SOURCE
#include "drive.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LETHAL 6 /* the item that kills its worker */
#define MEMORY ((size_t)1 << 20)

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* The library's syscall(): it sleeps for ever, as it were. It passes on six arguments, as the C library does. */
long __wrap_syscall(long number, ...)
{
    static const struct timespec long_slice = { .tv_sec = 2 * (time_t)DEADLINE };
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT && a[3])
        a[3] = (long)&long_slice;
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- Tasks ---- */

static int square(const void *arg, void *result)
{
    long x = *(const long *)arg;
    while (x == LETHAL)
        raise(SIGKILL);
    *(long *)result = x * x;
    return x == 5 ? pool_reply_text("five") : x == 7 ? pool_fail("seven") : 0;
}

/* Replies as much as there is memory for, and tells how much that is. */
static int reply_most(const void *arg, void *result)
{
    size_t least = 0, most = MEMORY;
    (void)arg;
    while (most - least > 1) {
        size_t middle = (least + most) / 2;
        if (pool_reply(middle))
            least = middle;
        else
            most = middle;
    }
    *(size_t *)result = least;
    return 0;
}

static int reply_so_much(const void *arg, void *result)
{
    (void)result;
    return pool_reply(*(const size_t *)arg) ? 0 : -1;
}

/* ---- A worker, and its successor ---- */

/* A kill: whose item failed by it, if one did. */
struct death {
    pid_t first, second; /* who ran the lethal item; who was driven */
    long steps;
};

static void ring(int signal)
{
    (void)signal;
}

/* Drives a stopped process. Returns false if it was done before the last step: it sleeps, with nothing left to do. A
 * bell rings every few milliseconds, so that a wait for one that sleeps has an end. */
static bool drive(pid_t pid, long steps, struct pool_result *first, struct pool_result *second)
{
    const struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { .it_value = { 0, 0 } };
    int status = 0;
    bool more = true;
    sigaction(SIGALRM, &(struct sigaction){ .sa_handler = ring }, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (long i = 0; i < steps && more && ptrace(PTRACE_SINGLESTEP, pid, NULL, 0) == 0; i++)
        while (more && waitpid(pid, &status, __WALL) != pid)
            more = !(pool_result_ready(first) && pool_result_ready(second) && state_of(pid) == 'S');
    setitimer(ITIMER_REAL, &never, NULL);
    return more;
}

/* Looks at an item that is done. Returns whether it was lost. */
static bool check_item(struct pool_result *job, size_t item, long x, const struct death *death)
{
    const long *value = pool_result_at(job, item);
    struct pool_error error = *pool_error();
    const char *reply = pool_result_reply(job, item, NULL);
    pid_t by = x == LETHAL ? death->first : death->second;
    if (!value && error.code == EOWNERDEAD && error.pid == by)
        return true;
    if (x == 7 ? value || error.code != EREMOTEIO || !reply || strcmp(reply, "seven") != 0
               : !value || *value != x * x || (x == 5 && (!reply || strcmp(reply, "five") != 0)))
        fail(x == 7 ? "its failure is not told" : value ? "a wrong result" : "a strange error", death->steps);
    return false;
}

/* Everything is answered, rightly but for so many items at the most, and no more memory is in use than before. */
static void check(struct pool *pool, struct pool_result *map, struct pool_result *apply, const long in[4],
                  const struct death *death, size_t all)
{
    size_t lost = 0;
    pid_t pid;
    if (pool_result_wait(map, DEADLINE) != 0 || pool_result_wait(apply, DEADLINE) != 0)
        fail("not answered", death->steps);
    if (pool_apply(pool, reply_so_much, &all, sizeof all, NULL, 0) == 0)
        fail("memory is given away that is in use", death->steps);
    for (size_t i = 0; i < 4; i++)
        lost += check_item(i < 3 ? map : apply, i % 3, in[i], death);
    if (lost > 1u + (in[1] == LETHAL))
        fail("too many items lost", death->steps);
    if (pool_apply(pool, own_pid, NULL, 0, &pid, sizeof pid) != 0)
        fail("the pool does not go on", death->steps);
    pool_result_free(map);
    pool_result_free(apply);
    if (pool_apply(pool, reply_so_much, &all, sizeof all, NULL, 0) != 0)
        fail("memory is lost", death->steps);
    end_pool(pool, death->steps);
}

/* One kill. Returns false when N has become larger than the work. */
static bool kill_after(long steps, bool successor)
{
    static const size_t some = MEMORY / 8; /* so that what is left is less than one reply may have */
    static size_t all;
    long in[] = { 5, successor ? LETHAL : -LETHAL, 7, 8 };
    struct death death = { .steps = steps };
    struct pool_options options = { .processes = 1, .memory = MEMORY };
    struct pool *pool = open_asleep(&options, &death.first);
    pid_t nursery = child_of(getpid());
    struct pool_result *filler = pool_apply_async(pool, reply_so_much, &some, sizeof some, 0, NULL);
    if (!filler || pool_result_wait(filler, DEADLINE) != 0 ||
        pool_apply(pool, reply_most, NULL, 0, &all, sizeof all) != 0)
        fail("no memory", steps);
    await_state(death.first, 'S', "the worker does not come to sleep");
    death.second = death.first;
    if (successor)
        seize(nursery, PTRACE_O_TRACEFORK);
    else
        hold(death.first);
    struct pool_result *map =
        pool_map_async(pool, square, in, 3, sizeof *in, sizeof *in, &(struct pool_job_options){ .chunk = 2 });
    struct pool_result *apply = pool_apply_async(pool, square, &in[3], sizeof *in, sizeof *in, NULL);
    if (!map || !apply)
        fail("cannot hand over", steps);
    if (successor)
        death.second = hold_at_birth(nursery);
    bool more = drive(death.second, steps, map, apply);
    end_held(death.second);
    check(pool, map, apply, in, &death, all);
    return more;
}

static void run_worker(long stride)
{
    long steps = 1 + (long)getpid() % stride, kills = 0;
    for (; kill_after(steps, false); steps += stride)
        kills++;
    printf("worker: killed %ld times, within %ld instructions: at most the item it ran was lost\n", kills, steps);
}

static void run_successor(long stride)
{
    long steps = 1 + (long)getpid() % stride, kills = 0;
    for (; kill_after(steps, true); steps += stride)
        kills++;
    printf("successor: killed %ld times, within %ld instructions: at most the item it ran was lost\n", kills, steps);
}

/* ---- Queues ---- */

/* Puts 2 into the queue. It stops before that and behind it. */
static int put_two(const void *arg, void *result)
{
    long two = 2;
    (void)result;
    raise(SIGSTOP);
    int status = pool_queue_put(*(struct pool_queue *const *)arg, &two, DEADLINE);
    raise(SIGSTOP);
    return status;
}

/* Gets an item and is done with it, in the same way. */
static int get_one(const void *arg, void *result)
{
    struct pool_queue *queue = *(struct pool_queue *const *)arg;
    raise(SIGSTOP);
    int status = pool_queue_get(queue, result, DEADLINE);
    status |= pool_queue_task_done(queue);
    raise(SIGSTOP);
    return status;
}

/* Closes the queue, in the same way. */
static int close_it(const void *arg, void *result)
{
    (void)result;
    raise(SIGSTOP);
    int status = pool_queue_close(*(struct pool_queue *const *)arg);
    raise(SIGSTOP);
    return status;
}

/* Kills the pool's worker so many instructions behind its first stop. Returns whether it had not come to the second. */
static bool kill_in_call(struct pool *pool, pool_task *task, struct pool_queue *queue, long steps)
{
    pid_t worker;
    int status;
    bool more = true;
    if (pool_apply(pool, own_pid, NULL, 0, &worker, sizeof worker) != 0)
        fail("no worker", steps);
    seize(worker, 0);
    struct pool_result *result = pool_apply_async(pool, task, &queue, sizeof queue, sizeof(long), NULL);
    waitpid(worker, &status, __WALL);
    for (long i = 0; i < steps && more; i++)
        more = one_step(worker);
    end_held(worker);
    if (pool_result_wait(result, DEADLINE) != 0 || pool_apply(pool, own_pid, NULL, 0, &worker, sizeof worker) != 0)
        fail("the pool does not go on", steps);
    pool_result_free(result);
    return more;
}

/* An empty queue takes as many items as it has cells for, and gives them back. */
static void fill_again(struct pool_queue *queue, long steps)
{
    for (long item = 1, got; item <= 6; item++)
        if (item <= 3 ? pool_queue_put(queue, &item, 0) != 0
                      : pool_queue_get(queue, &got, 0) != 0 || pool_queue_task_done(queue) != 0 || got != item - 3)
            fail("the queue cannot be filled again", steps);
}

/* The queue holds 1 to 3 at the end, but for the one that was put or got. */
static bool kill_at_queue(struct pool *pool, bool puts, long steps)
{
    struct pool_queue *queue = pool_queue_open(pool, 3, sizeof(long));
    long item = 1, expected = 1, under_way = puts ? 2 : 1;
    bool more = true;
    for (; item <= 3; item++)
        if (item == 2 && puts)
            more = kill_in_call(pool, put_two, queue, steps);
        else if (pool_queue_put(queue, &item, DEADLINE) != 0)
            fail("cannot put", steps);
    if (!puts)
        more = kill_in_call(pool, get_one, queue, steps);
    for (size_t left = pool_queue_size(queue); left > 0; left--, expected++) {
        if (pool_queue_get(queue, &item, DEADLINE) != 0 || pool_queue_task_done(queue) != 0)
            fail("cannot get", steps);
        expected += item != expected && expected == under_way;
        if (item != expected)
            fail("items out of order", steps);
    }
    if (expected != 4)
        fail("items are lost", steps);
    if (pool_queue_get(queue, &item, 0) == 0 || pool_queue_join(queue, DEADLINE) != 0)
        fail("the queue does not end empty", steps);
    fill_again(queue, steps);
    return more;
}

static void run_queue(const char *what, bool puts, long stride)
{
    long steps = 1 + (long)getpid() % stride, kills = 1;
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1 });
    if (!pool)
        fail("cannot open", steps);
    for (; kill_at_queue(pool, puts, steps); steps += stride)
        kills++;
    printf("%s: killed %ld times, within %ld instructions: at most its item was lost\n", what, kills, steps);
    end_pool(pool, steps);
}

static void run_putter(long stride)
{
    run_queue("putter", true, 1 + stride / 10); /* there is less of it */
}

static void run_getter(long stride)
{
    run_queue("getter", false, 1 + stride / 10);
}

/* ---- Who sleeps at a queue ---- */

/* A thread that puts an item or gets one. */
struct waiter {
    pthread_t thread;
    struct pool_queue *queue;
    bool puts;
    long item;
    time_t end; /* when it has to be back */
    _Atomic pid_t tid;
    atomic_int back; /* 1: it succeeded, 2: it failed */
};

static time_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void *wait_at_queue(void *about)
{
    struct waiter *waiter = about;
    atomic_store(&waiter->tid, gettid());
    int status = waiter->puts ? pool_queue_put(waiter->queue, &waiter->item, POOL_FOREVER)
                              : pool_queue_get(waiter->queue, &waiter->item, POOL_FOREVER);
    atomic_store(&waiter->back, status == 0 ? 1 : 2);
    return NULL;
}

/* Starts it. Returns whether it sleeps; else it is back. */
static bool start_waiter(struct waiter *waiter, struct pool_queue *queue, bool puts)
{
    *waiter = (struct waiter){ .queue = queue, .puts = puts, .item = 5, .end = seconds_now() + (time_t)DEADLINE };
    if (pthread_create(&waiter->thread, NULL, wait_at_queue, waiter) != 0)
        fail("no thread", 0);
    while (!waiter->tid || (state_of(waiter->tid) != 'S' && !waiter->back))
        ;
    return !waiter->back;
}

/* It comes back like that, and did so before a slice was over. */
static void end_waiter(struct waiter *waiter, int back, long steps)
{
    while (!waiter->back && seconds_now() <= waiter->end)
        ;
    if (waiter->back != back || seconds_now() > waiter->end)
        fail("who sleeps is not woken", steps);
    pthread_join(waiter->thread, NULL);
}

/* Somebody waits for what the worker does. Whether it does it or not, it is done after that. */
static bool kill_waker(struct pool *pool, bool puts, long steps)
{
    struct pool_queue *queue = pool_queue_open(pool, 1, sizeof(long));
    struct waiter waiter;
    long item = 1;
    if (!puts)
        pool_queue_put(queue, &item, 0);
    start_waiter(&waiter, queue, !puts);
    bool more = kill_in_call(pool, puts ? put_two : get_one, queue, steps);
    if ((puts ? pool_queue_put(queue, &item, DEADLINE) : pool_queue_get(queue, &item, DEADLINE)) != 0)
        fail("the queue does not go on", steps);
    end_waiter(&waiter, 1, steps);
    return more;
}

static void run_waking(long stride)
{
    long some = 1 + stride / 10, steps = 1, kills = 0;
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1 });
    if (!pool)
        fail("cannot open", steps);
    for (steps = 1 + (long)getpid() % some; kill_waker(pool, true, steps); steps += some)
        kills++;
    for (steps = 1 + (long)getpid() % some; kill_waker(pool, false, steps); steps += some)
        kills++;
    printf("waking: killed %ld times: whoever slept was woken\n", kills);
    end_pool(pool, steps);
}

/* The queue is open, or it is closed: for all, and for good. */
static bool kill_closer(struct pool *pool, long steps)
{
    struct pool_queue *queue = pool_queue_open(pool, 1, sizeof(long));
    struct waiter waiter;
    long item = 5;
    start_waiter(&waiter, queue, false);
    bool more = kill_in_call(pool, close_it, queue, steps);
    bool closed = pool_queue_put(queue, &item, 0) != 0;
    if (closed && errno != ESHUTDOWN)
        fail("half closed: nothing can be put", steps);
    end_waiter(&waiter, closed ? 2 : 1, steps);
    if (closed && (pool_queue_get(queue, &item, 0) == 0 || errno != ESHUTDOWN))
        fail("half closed: nobody is told", steps);
    return more;
}

static void run_closer(long stride)
{
    long some = 1 + stride / 10, steps = 1 + (long)getpid() % some, kills = 0;
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1 });
    if (!pool)
        fail("cannot open", steps);
    for (; kill_closer(pool, steps); steps += some)
        kills++;
    printf("closer: killed %ld times, within %ld instructions: it was closed, or not\n", kills, steps);
    end_pool(pool, steps);
}

/* Drives the pool's worker so many instructions into a put, when it has been seized. */
static bool drive_into_put(pid_t worker, long steps)
{
    int status;
    waitpid(worker, &status, __WALL);
    while (steps > 0 && one_step(worker))
        steps--;
    return steps == 0;
}

/* Tells in `locked` whether the worker had the lock, and in that case kills it `later`, if that is not negative.
 * Returns whether it had not come to the end. */
static bool hold_in_put(long steps, long later, bool *locked)
{
    pid_t worker;
    struct waiter waiter;
    struct pool *pool = open_asleep(&(struct pool_options){ .processes = 1 }, &worker);
    struct pool_queue *queue = pool_queue_open(pool, 8, sizeof(long));
    seize(worker, 0);
    struct pool_result *result = pool_apply_async(pool, put_two, &queue, sizeof queue, sizeof(long), NULL);
    bool more = drive_into_put(worker, steps);
    *locked = start_waiter(&waiter, queue, true);
    for (; more && later > 0 && *locked; later--)
        more = one_step(worker);
    if (*locked && later >= 0)
        end_held(worker);
    else
        ptrace(PTRACE_DETACH, worker, NULL, 0);
    while (!pool_result_ready(result))
        kill(worker, SIGCONT);
    end_waiter(&waiter, 1, steps);
    end_pool(pool, steps);
    return more;
}

static void run_lock(long stride)
{
    long some = 1 + stride / 10, steps = 1 + (long)getpid() % some, times = 1;
    bool locked, ever = false;
    for (; hold_in_put(steps, -1, &locked); steps += some, times++)
        ever |= locked;
    printf("lock: held %ld times, %s the lock: whoever slept was woken\n", times, ever ? "also with" : "never with");
}

static void run_opener(long stride)
{
    long some = 1 + stride / 10, steps = 1, later = (long)getpid() % some;
    bool locked = false;
    for (; !locked; steps++)
        hold_in_put(steps, -1, &locked);
    for (; hold_in_put(steps - 1, later, &locked); later += some)
        ;
    printf("opener: killed up to %ld instructions after it had the lock: whoever slept was woken\n", later);
}

/* ---- A timer ---- */

/* By then the item has ended: it is not to be lost. */
static void run_timer(long stride)
{
    long x = 5, value;
    pid_t worker;
    int status, calls = 0;
    (void)stride;
    struct pool *pool = open_asleep(&(struct pool_options){ .processes = 1 }, &worker);
    seize(worker, PTRACE_O_TRACESYSGOOD);
    ptrace(PTRACE_INTERRUPT, worker, NULL, 0);
    waitpid(worker, &status, __WALL);
    struct pool_result *result =
        pool_apply_async(pool, square, &x, sizeof x, sizeof x, &(struct pool_job_options){ .limit = DEADLINE });
    while (calls < 2) {
        struct __ptrace_syscall_info info = { .op = 0 };
        ptrace(PTRACE_SYSCALL, worker, NULL, 0);
        if (waitpid(worker, &status, __WALL) != worker || !WIFSTOPPED(status))
            fail("the worker is gone", calls);
        ptrace(PTRACE_GET_SYSCALL_INFO, worker, sizeof info, &info);
        calls += info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_timer_settime;
    }
    end_held(worker);
    if (pool_result_get(result, &value, DEADLINE) != 0 || value != 25)
        fail("an item is lost that had ended", calls);
    printf("timer: killed 1 times, as it stopped its timer: no item was lost\n");
    end_pool(pool, calls);
}

int main(int argc, char **argv)
{
    static const struct drive_case cases[] = { { "worker", run_worker }, { "successor", run_successor },
                                               { "putter", run_putter }, { "getter", run_getter },
                                               { "waking", run_waking }, { "closer", run_closer },
                                               { "lock", run_lock },     { "opener", run_opener },
                                               { "timer", run_timer },   { NULL, NULL } };
    return drive_cases(argc, argv, cases);
}
