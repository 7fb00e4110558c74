/*
 * held.c - holds a worker, or the nursery, at one instruction while everybody else goes on, and lets it go on then.
 *
 * usage: build/held [STRIDE [CASE]]     every STRIDE-th instruction only (default 1: all, some minutes)
 *
 * record       a worker is driven N instructions into taking from a map and held. The other one does the map, whose
 *              handle is freed; a new map is made, and while its arguments are copied the held one goes on. It must not
 *              take the new job for the old one, nor take from it before it is handed over.
 * putter       a worker is held N instructions into a put. Meanwhile all that is in the queue is got, and it is closed.
 *              If somebody found the queue closed and empty, the put must be refused.
 * getter       a worker is held N instructions into a get. Meanwhile as much is put as there is room. It gets the right
 *              item.
 * rival        a worker is held N instructions into a put or a get that must not wait. Meanwhile the program is faster,
 * and leaves room, or an item. The worker must not be told that there is none. joiner       a worker is held N
 * instructions into a join of a queue. Meanwhile the one item in it is got, and not dealt with. So the join must not
 * succeed. innocent     a worker is held while it has the lock of a queue, and one that waits for the lock is killed.
 * Whoever heals that one must not open the lock. woken        the one worker that was woken for all is held by a
 * debugger, which the nursery does not see, N instructions behind its sleep. A call that waits sees to it that the
 * other one does the work. condemned    the nursery is held in front of the kill of a worker whose item was cancelled,
 * and ends meanwhile. What comes next must not be hit. orphan       a worker is held at its birth, and the nursery
 * killed. The worker must not stay.
 *
 * Exit status 0; 1 if the pool failed; 77 if ptrace is not allowed here.
 */
#define _GNU_SOURCE
#include "drive.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITEMS 8

static int square(const void *arg, void *result)
{
    long x = *(const long *)arg;
    *(long *)result = x * x;
    return 0;
}

static void let_go(pid_t pid)
{
    ptrace(PTRACE_DETACH, pid, NULL, 0);
}

/* ---- The record of a job ---- */

static pid_t held;    /* who is to go on */
static long *unready; /* a page of arguments that cannot be read */

/* Whoever copies from the page comes here, in the middle of handing a map over. */
static void while_copying(int signal)
{
    (void)signal;
    let_go(held);
    await_state(held, 'S', "the held worker does not come to sleep");
    mprotect(unready, 4096, PROT_READ | PROT_WRITE);
}

static struct pool_result *hand_over(struct pool *pool, const long *in)
{
    struct pool_result *map =
        pool_map_async(pool, square, in, ITEMS, sizeof *in, sizeof *in, &(struct pool_job_options){ .chunk = 1 });
    if (!map)
        fail("cannot hand over", 0);
    return map;
}

static void check_squares(struct pool_result *map, long first, long steps)
{
    long out[ITEMS];
    if (pool_result_get(map, out, DEADLINE) != 0)
        fail("not answered", steps);
    for (long i = 0; i < ITEMS; i++)
        if (out[i] != (first + i) * (first + i))
            fail("a wrong result", steps);
    pool_result_free(map);
}

/* Returns whether the worker had not yet come to its sleep. */
static bool hold_in_record(long steps)
{
    pid_t workers[2], other;
    long in[ITEMS], made = 0;
    struct pool *pool = open_asleep(&(struct pool_options){ .processes = 2 }, workers);
    for (long i = 0; i < ITEMS; i++)
        in[i] = i;
    hold(workers[0]);
    hold(workers[1]);
    struct pool_result *map = hand_over(pool, in);
    while (made < steps && one_step(workers[0]) && !pool_result_ready(map))
        made++;
    let_go(workers[1]);
    if (pool_apply(pool, own_pid, NULL, 0, &other, sizeof other) != 0 || other != workers[1])
        fail("the other worker does not go on", steps);
    held = workers[0];
    if (!pool_result_ready(map)) { /* it holds one of the chunks */
        let_go(held);
        check_squares(map, 0, steps);
    } else {
        check_squares(map, 0, steps);
        mprotect(unready, 4096, PROT_READ | PROT_WRITE);
        for (long i = 0; i < ITEMS; i++)
            unready[i] = 100 + i;
        mprotect(unready, 4096, PROT_NONE);
        check_squares(hand_over(pool, unready), 100, steps);
    }
    end_pool(pool, steps);
    return made == steps;
}

static void run_record(long stride)
{
    long steps = 1 + (long)getpid() % stride, times = 1;
    unready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaction(SIGSEGV, &(struct sigaction){ .sa_handler = while_copying }, NULL);
    for (; hold_in_record(steps); steps += stride)
        times++;
    printf("record: held %ld times, within %ld instructions\n", times, steps);
}

/* ---- Queues ---- */

/* Puts 4. It stops before that and behind it. */
static int put_four(const void *arg, void *result)
{
    long four = 4;
    raise(SIGSTOP);
    *(int *)result = pool_queue_put(*(struct pool_queue *const *)arg, &four, 0) == 0 ? 0 : pool_error()->code;
    raise(SIGSTOP);
    return 0;
}

/* Gets an item, in the same way. */
static int get_one(const void *arg, void *result)
{
    raise(SIGSTOP);
    int status = pool_queue_get(*(struct pool_queue *const *)arg, result, DEADLINE);
    raise(SIGSTOP);
    return status;
}

/* Gets an item if there is one, in the same way. */
static int get_now(const void *arg, void *result)
{
    long item;
    raise(SIGSTOP);
    *(int *)result = pool_queue_get(*(struct pool_queue *const *)arg, &item, 0) == 0 ? 0 : pool_error()->code;
    raise(SIGSTOP);
    return 0;
}

/* Joins the queue, in the same way. */
static int join_queue(const void *arg, void *result)
{
    raise(SIGSTOP);
    *(int *)result = pool_queue_join(*(struct pool_queue *const *)arg, 0) == 0 ? 0 : pool_error()->code;
    raise(SIGSTOP);
    return 0;
}

/* Has the worker begin the task, drives it so many instructions behind its first stop. Returns whether it had not come
 * to the second one. */
static bool hold_in_call(pid_t worker, long steps)
{
    int status;
    long made = 0;
    while (waitpid(worker, &status, __WALL) == worker && WSTOPSIG(status) != SIGSTOP)
        ptrace(PTRACE_CONT, worker, NULL, 0);
    while (made < steps && one_step(worker))
        made++;
    return made == steps;
}

/* Lets it go on from there, past its stops. */
static void finish(pid_t worker, struct pool_result *result, void *out, long steps)
{
    let_go(worker);
    while (!pool_result_ready(result))
        kill(worker, SIGCONT);
    if (pool_result_get(result, out, 0) != 0)
        fail("the task failed", steps);
    pool_result_free(result);
}

/* The worker puts 4 behind 1 and 2. Returns whether it had not yet come to the end. */
static bool hold_in_put(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps)
{
    static const long items[] = { 1, 2, 4 };
    long item = 0;
    int got = 0, refused;
    for (int i = 0; i < 2; i++)
        if (pool_queue_put(queue, &items[i], 0) != 0)
            fail("cannot put", steps);
    struct pool_result *task = pool_apply_async(pool, put_four, &queue, sizeof queue, sizeof refused, NULL);
    bool more = hold_in_call(worker, steps);
    for (; pool_queue_get(queue, &item, 0) == 0; got++)
        if (got == 3 || item != items[got])
            fail("a wrong item", steps);
    pool_queue_close(queue);
    bool told = pool_queue_get(queue, &item, 0) != 0 && errno == ESHUTDOWN;
    finish(worker, task, &refused, steps);
    while (pool_queue_get(queue, &item, 0) == 0)
        got += item == items[2] && !told ? 1 : 2;
    if (errno != ESHUTDOWN || refused != (got == 2 ? ESHUTDOWN : 0) || got < 2 || got > 3)
        fail("it was closed, and empty, and an item came after that", steps);
    return more;
}

/* The worker gets 1, of 1 to 3. */
static bool hold_in_get(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps)
{
    long item = 1, result, expected = 2;
    while (item <= 3 && pool_queue_put(queue, &item, 0) == 0)
        item++;
    struct pool_result *task = pool_apply_async(pool, get_one, &queue, sizeof queue, sizeof result, NULL);
    bool more = hold_in_call(worker, steps);
    while (pool_queue_put(queue, &item, 0) == 0)
        item++;
    finish(worker, task, &result, steps);
    if (result != 1)
        fail("a wrong item", steps);
    for (long next; pool_queue_get(queue, &next, 0) == 0; expected++)
        if (next != expected)
            fail("a wrong item", steps);
    if (expected != item)
        fail("items are lost", steps);
    return more;
}

/* The queue has room for 3: there is always an item that is not the first one, and room behind the next one. */
static bool hold_beside_rival(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps, bool puts)
{
    int code;
    for (long item = 1; item <= (puts ? 1 : 3); item++)
        if (pool_queue_put(queue, &item, 0) != 0)
            fail("cannot put", steps);
    struct pool_result *task =
        pool_apply_async(pool, puts ? put_four : get_now, &queue, sizeof queue, sizeof code, NULL);
    bool more = hold_in_call(worker, steps);
    long item = 2;
    if ((puts ? pool_queue_put(queue, &item, 0) : pool_queue_get(queue, &item, 0)) != 0 && errno != ETIMEDOUT)
        fail("the program is refused", steps); /* but for the time that the lock is held */
    finish(worker, task, &code, steps);
    if (code != 0)
        fail(puts ? "it was full, though there was room" : "it was empty, though an item was there", steps);
    return more;
}

static bool hold_in_rivals_put(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps)
{
    return hold_beside_rival(pool, queue, worker, steps, true);
}

static bool hold_in_rivals_get(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps)
{
    return hold_beside_rival(pool, queue, worker, steps, false);
}

/* Nobody deals with the item that is got. */
static bool hold_in_join(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps, bool open)
{
    long item = 1;
    int code;
    pool_queue_put(queue, &item, 0);
    if (open)
        pool_queue_get(queue, &item, 0);
    struct pool_result *task = pool_apply_async(pool, join_queue, &queue, sizeof queue, sizeof code, NULL);
    bool more = hold_in_call(worker, steps);
    if (open ? pool_queue_put(queue, &item, 0) != 0 || pool_queue_task_done(queue) != 0
             : pool_queue_get(queue, &item, 0) != 0)
        fail("a join is in the way", steps);
    finish(worker, task, &code, steps);
    if (code != ETIMEDOUT)
        fail("a join ended before all was dealt with", steps);
    return more;
}

static bool hold_in_join_of_one(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps)
{
    return hold_in_join(pool, queue, worker, steps, false);
}

static bool hold_in_join_of_open(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps)
{
    return hold_in_join(pool, queue, worker, steps, true);
}

static bool hold_in_get_of_one(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps)
{
    long item = 1;
    pool_queue_put(queue, &item, 0);
    struct pool_result *task = pool_apply_async(pool, get_one, &queue, sizeof queue, sizeof item, NULL);
    bool more = hold_in_call(worker, steps);
    if (pool_queue_join(queue, 0) == 0)
        fail("a join ended before all was dealt with", steps);
    finish(worker, task, &item, steps);
    return more;
}

#define ENOUGH 600 /* instructions: then a call is through, and says what became of it */

static void run_queue(const char *what, long stride,
                      bool (*hold_in)(struct pool *pool, struct pool_queue *queue, pid_t worker, long steps))
{
    long steps = 1 + (long)getpid() % stride, times = 0;
    for (bool more = true; more && steps < ENOUGH; steps += stride, times++) {
        pid_t worker;
        struct pool *pool = open_asleep(&(struct pool_options){ .processes = 1 }, &worker);
        struct pool_queue *queue = pool_queue_open(pool, 3, sizeof(long));
        seize(worker, 0);
        more = hold_in(pool, queue, worker, steps);
        end_pool(pool, steps);
    }
    printf("%s: held %ld times, within %ld instructions\n", what, times, steps - stride);
}

static void run_putter(long stride)
{
    run_queue("putter", 1 + stride / 10, hold_in_put); /* there is less of it */
}

static void run_getter(long stride)
{
    run_queue("getter", 1 + stride / 10, hold_in_get);
}

static void run_rival(long stride)
{
    run_queue("rival", 1 + stride / 10, hold_in_rivals_put);
    run_queue("rival", 1 + stride / 10, hold_in_rivals_get);
}

static void run_joiner(long stride)
{
    run_queue("joiner", 1 + stride / 10, hold_in_join_of_one);
    run_queue("joiner", 1 + stride / 10, hold_in_join_of_open);
    run_queue("joiner", 1 + stride / 10, hold_in_get_of_one);
}

/* ---- A lock, and the death of one that waits for it ---- */

/* What tasks and program have in common. */
struct gates {
    atomic_int begun[2], go_on[2];
};

static struct gates *gates;

static void make_gates(void)
{
    gates = mmap(NULL, sizeof *gates, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static int put_five(const void *arg, void *result)
{
    long five = 5;
    (void)result;
    atomic_store(&gates->begun[0], 1);
    return pool_queue_put(*(struct pool_queue *const *)arg, &five, DEADLINE);
}

/* Returns which of two seized workers has begun the task, in which it stops. */
static int which_stops(const pid_t workers[2])
{
    int which = 0;
    while (state_of(workers[which]) != 't')
        which = !which;
    return which;
}

/* Returns whether the worker has the lock after so many instructions; it looks by trying to put something. */
static bool hold_with_lock(long steps)
{
    pid_t workers[2];
    long item = 1, got, none;
    int refused;
    struct pool *pool = open_asleep(&(struct pool_options){ .processes = 2 }, workers);
    struct pool_queue *queue = pool_queue_open(pool, 8, sizeof(long));
    seize(workers[0], 0);
    seize(workers[1], 0);
    struct pool_result *first = pool_apply_async(pool, put_four, &queue, sizeof queue, sizeof refused, NULL);
    int which = which_stops(workers);
    ptrace(PTRACE_INTERRUPT, workers[!which], NULL, 0);
    waitpid(workers[!which], NULL, __WALL);
    let_go(workers[!which]);
    hold_in_call(workers[which], steps);
    bool locked = pool_queue_put(queue, &item, 0) != 0;
    if (locked) {
        struct pool_result *second = pool_apply_async(pool, put_five, &queue, sizeof queue, 0, NULL);
        while (!atomic_load(&gates->begun[0]))
            ;
        await_state(workers[!which], 'S', "a worker does not wait for the lock");
        kill(workers[!which], SIGKILL);
        if (pool_result_wait(second, DEADLINE) != 0)
            fail("not answered", steps);
        if (pool_queue_put(queue, &item, 0) == 0)
            fail("a lock was opened that somebody has", steps);
        pool_result_free(second);
    }
    finish(workers[which], first, &refused, steps);
    if (locked && (pool_queue_get(queue, &got, 0) != 0 || got != 4 || pool_queue_get(queue, &none, 0) == 0))
        fail("a wrong item", steps);
    end_pool(pool, steps);
    return locked;
}

static void run_innocent(long stride)
{
    long steps = 1;
    (void)stride;
    make_gates();
    while (!hold_with_lock(steps))
        steps++;
    printf("innocent: the lock stayed with the one that has it, after %ld instructions\n", steps);
}

/* ---- Who was woken ---- */

/* Goes on to the next call that it enters or leaves. */
static void to_next_call(pid_t pid)
{
    int status;
    do
        ptrace(PTRACE_SYSCALL, pid, NULL, 0);
    while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) && WSTOPSIG(status) != (SIGTRAP | 0x80));
}

/* Lets a worker that is stopped in its sleep sleep on, so that it stops when it is woken. */
static void sleep_on(pid_t pid)
{
    int status;
    char state = 't';
    while (state == 't') {
        ptrace(PTRACE_SYSCALL, pid, NULL, 0);
        while ((state = state_of(pid)) == 'R')
            ;
        if (state == 't')
            waitpid(pid, &status, __WALL);
    }
}

/* Puts a sleeper behind the other one: it is woken later. */
static void to_the_end(pid_t pid)
{
    hold(pid);
    let_go(pid);
    await_state(pid, 'S', "a worker does not sleep on");
}

static bool hold_the_woken(long steps)
{
    pid_t workers[2], who;
    long made = 0;
    int status;
    struct pool *pool = open_asleep(&(struct pool_options){ .processes = 2 }, workers);
    seize(workers[0], PTRACE_O_TRACESYSGOOD);
    ptrace(PTRACE_INTERRUPT, workers[0], NULL, 0);
    waitpid(workers[0], &status, __WALL);
    sleep_on(workers[0]);
    to_the_end(workers[1]);
    struct pool_result *first = pool_apply_async(pool, own_pid, NULL, 0, sizeof who, NULL);
    waitpid(workers[0], &status, __WALL); /* it is awake */
    while (made < steps && one_step(workers[0]) && !pool_result_ready(first))
        made++;
    struct pool_result *second = pool_apply_async(pool, own_pid, NULL, 0, sizeof who, NULL);
    if (pool_result_get(second, &who, DEADLINE) != 0 || who != workers[1])
        fail("nobody does the work of the one that is held", steps);
    let_go(workers[0]);
    if (pool_result_get(first, &who, DEADLINE) != 0)
        fail("not answered", steps);
    end_pool(pool, steps);
    return made == steps;
}

static void run_woken(long stride)
{
    long steps = 1 + (long)getpid() % stride, times = 1;
    for (; hold_the_woken(steps); steps += stride)
        times++;
    printf("woken: held %ld times, within %ld instructions\n", times, steps);
}

/* ---- A kill that comes late ---- */

/* Waits at a gate. */
static int wait_at_gate(const void *arg, void *result)
{
    int which = *(const int *)arg;
    (void)result;
    atomic_store(&gates->begun[which], 1);
    while (!atomic_load(&gates->go_on[which]))
        usleep(100);
    return 0;
}

static void run_condemned(long stride)
{
    pid_t worker, nursery = 0;
    int which[] = { 0, 1 }, status;
    struct __ptrace_syscall_info info = { .op = 0 };
    (void)stride;
    make_gates();
    struct pool *pool = open_asleep(&(struct pool_options){ .processes = 1 }, &worker);
    struct pool_result *first = pool_apply_async(pool, wait_at_gate, &which[0], sizeof(int), 0, NULL);
    struct pool_result *second = pool_apply_async(pool, wait_at_gate, &which[1], sizeof(int), 0, NULL);
    while (!atomic_load(&gates->begun[0]))
        usleep(100);
    seize(nursery = child_of(getpid()), PTRACE_O_TRACESYSGOOD);
    ptrace(PTRACE_INTERRUPT, nursery, NULL, 0);
    waitpid(nursery, &status, __WALL);
    pool_result_cancel(first);
    while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_kill) {
        to_next_call(nursery);
        ptrace(PTRACE_GET_SYSCALL_INFO, nursery, sizeof info, &info);
    }
    atomic_store(&gates->go_on[0], 1);
    while (state_of(worker) != 'Z' && !atomic_load(&gates->begun[1]))
        usleep(100);
    let_go(nursery);
    await_end(worker, "a worker does not end that was condemned");
    atomic_store(&gates->go_on[1], 1);
    if (pool_result_get(second, NULL, DEADLINE) != 0)
        fail("an innocent task was hit", 0);
    printf("condemned: the kill came late, and hit nobody\n");
    end_pool(pool, 0);
}

/* ---- An orphan ---- */

static void run_orphan(long stride)
{
    pid_t worker, successor, nursery;
    (void)stride;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* to be the orphan's parent, and reap it */
    struct pool *pool = open_asleep(&(struct pool_options){ .processes = 1 }, &worker);
    seize(nursery = child_of(getpid()), PTRACE_O_TRACEFORK);
    kill(worker, SIGKILL);
    successor = hold_at_birth(nursery);
    kill(nursery, SIGKILL);
    await_state(nursery, 'Z', "the nursery does not end");
    let_go(successor);
    await_end(successor, "a worker lives on whose nursery was gone at its birth");
    waitpid(successor, NULL, __WALL);
    printf("orphan: it did not stay\n");
    end_pool(pool, 0);
}

int main(int argc, char **argv)
{
    static const struct drive_case cases[] = { { "record", run_record }, { "putter", run_putter },
                                               { "getter", run_getter }, { "rival", run_rival },
                                               { "joiner", run_joiner }, { "innocent", run_innocent },
                                               { "woken", run_woken },   { "condemned", run_condemned },
                                               { "orphan", run_orphan }, { NULL, NULL } };
    return drive_cases(argc, argv, cases);
}
