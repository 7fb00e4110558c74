/*
 * steps.c - kills a worker after each single instruction of its work, and its successor after each of its healing.
 *
 * usage: build/steps [STRIDE]     every STRIDE-th instruction only (default 1: all, some minutes)
 *
 * Two runs. In the first the pool's one worker is stopped while it sleeps, is given a map of three items in chunks of
 * two and one apply more, is driven N instructions far with ptrace, and killed. In the second the task itself kills
 * its worker in the middle of a chunk, and the successor is driven N instructions far from its birth, and killed. N
 * grows until the work is done before the kill comes. After each kill everything has to be answered in time, rightly
 * or, for as many items as were killed, with an error; and another task has to run.
 *
 * In two more runs a worker is killed N instructions into a put into a queue, and into a get and the task_done behind
 * it. Whatever was in the queue has to come out of it, in order, but for the one item that was under way.
 *
 * Exit status 0; 1 if the pool failed; 77 if ptrace is not allowed here.
 */
#define _GNU_SOURCE
#include "pool.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE 20.0
#define LETHAL 6 /* the item that kills its worker */

static int square(const void *arg, void *result)
{
    long x = *(const long *)arg;
    if (x == LETHAL)
        raise(SIGKILL);
    *(long *)result = x * x;
    return 0;
}

static int own_pid(const void *arg, void *result)
{
    (void)arg;
    *(pid_t *)result = getpid();
    return 0;
}

static _Noreturn void fail(const char *what, long steps)
{
    fprintf(stderr, "steps: after %ld instructions: %s: %s\n", steps, what, pool_error()->text);
    exit(EXIT_FAILURE);
}

/* The only child of a process. */
static pid_t child_of(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%d", &child) != 1)
        child = 0;
    if (file)
        fclose(file);
    return child;
}

static char state_of(pid_t pid)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    if (file)
        fclose(file);
    return state;
}

static void seize(pid_t pid, long options)
{
    if (ptrace(PTRACE_SEIZE, pid, NULL, options) != 0) {
        printf("steps: skipped, ptrace is not allowed here: ");
        fflush(stdout);
        perror("");
        exit(77);
    }
}

/* Drives a stopped process. Returns false if it was done before the last step: it sleeps, with nothing left to do. */
static bool drive(pid_t pid, long steps, struct pool_result *first, struct pool_result *second)
{
    int status;
    for (long i = 0; i < steps; i++) {
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, 0) != 0)
            return true;
        while (waitpid(pid, &status, __WALL | WNOHANG) == 0)
            if (pool_result_ready(first) && pool_result_ready(second) && state_of(pid) == 'S')
                return false;
        if (!WIFSTOPPED(status))
            return true;
    }
    return true;
}

/* Everything is answered, rightly but for so many items at the most. */
static void check(struct pool *pool, struct pool_result *map, struct pool_result *apply, size_t may_fail, long steps)
{
    static const long expected[] = { 25, LETHAL * LETHAL, 49, 64 };
    struct pool_result *const job[] = { map, map, map, apply };
    struct pool_error error;
    size_t failed = 0;
    pid_t pid;
    if (pool_result_wait(map, DEADLINE) != 0 || pool_result_wait(apply, DEADLINE) != 0)
        fail("not answered", steps);
    for (size_t i = 0; i < 4; i++) {
        const long *value = pool_result_at(job[i], i % 3);
        failed += !value;
        if (value && *value != expected[i])
            fail("a wrong result", steps);
        if (!value && pool_error()->code != EOWNERDEAD)
            fail("a strange error", steps);
    }
    if (failed > may_fail)
        fail("too many items lost", steps);
    pool_result_failure(map, 0, &error);
    if (pool_apply(pool, own_pid, NULL, 0, &pid, sizeof pid) != 0)
        fail("the pool does not go on", steps);
    pool_terminate(pool);
    if (pool_join(pool, DEADLINE) != 0)
        fail("no join", steps);
    pool_free(pool);
}

/* One kill. Returns false when N has become larger than the work. */
static bool kill_after(long steps, bool successor)
{
    long in[] = { 5, successor ? LETHAL : -LETHAL, 7, 8 };
    int status;
    pid_t worker;
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1 });
    if (!pool || pool_apply(pool, own_pid, NULL, 0, &worker, sizeof worker) != 0)
        fail("cannot open", steps);
    pid_t nursery = child_of(getpid());
    while (state_of(worker) != 'S')
        ;
    if (successor) {
        seize(nursery, PTRACE_O_TRACEFORK);
    } else {
        seize(worker, 0);
        ptrace(PTRACE_INTERRUPT, worker, NULL, 0);
        waitpid(worker, &status, __WALL);
    }
    struct pool_result *map =
        pool_map_async(pool, square, in, 3, sizeof *in, sizeof *in, &(struct pool_job_options){ .chunk = 2 });
    struct pool_result *apply = pool_apply_async(pool, square, &in[3], sizeof *in, sizeof *in, NULL);
    if (!map || !apply)
        fail("cannot hand over", steps);
    if (successor) { /* the nursery stops at its fork, the child at its birth */
        unsigned long born = 0;
        while (!born && waitpid(nursery, &status, __WALL) == nursery) {
            if (status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8))
                ptrace(PTRACE_GETEVENTMSG, nursery, NULL, &born);
            else
                ptrace(PTRACE_CONT, nursery, NULL, WIFSTOPPED(status) && status >> 16 == 0 ? WSTOPSIG(status) : 0);
        }
        worker = (pid_t)born;
        waitpid(worker, &status, __WALL);
        ptrace(PTRACE_DETACH, nursery, NULL, 0);
    }
    bool more = drive(worker, steps, map, apply);
    kill(worker, SIGKILL);
    waitpid(worker, &status, __WALL);
    check(pool, map, apply, successor ? 2 : 1, steps);
    return more;
}

/* --- Queues --- */

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

/* Kills the pool's worker so many instructions behind its first stop. Returns whether it had not come to the second. */
static bool kill_in_call(struct pool *pool, pool_task *task, struct pool_queue *queue, long steps)
{
    pid_t worker;
    int status, more = 1;
    if (pool_apply(pool, own_pid, NULL, 0, &worker, sizeof worker) != 0)
        fail("no worker", steps);
    seize(worker, 0);
    struct pool_result *result = pool_apply_async(pool, task, &queue, sizeof queue, sizeof(long), NULL);
    waitpid(worker, &status, __WALL);
    for (long i = 0; i < steps && more; i++) {
        ptrace(PTRACE_SINGLESTEP, worker, NULL, 0);
        waitpid(worker, &status, __WALL);
        more = WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
    }
    kill(worker, SIGKILL);
    waitpid(worker, &status, __WALL);
    if (pool_result_wait(result, DEADLINE) != 0 || pool_apply(pool, own_pid, NULL, 0, &worker, sizeof worker) != 0)
        fail("the pool does not go on", steps);
    pool_result_free(result);
    return more;
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
    fflush(stdout);
    pool_terminate(pool);
    pool_join(pool, DEADLINE);
    pool_free(pool);
}

static void run(const char *what, bool successor, long stride)
{
    long steps = 1 + (long)getpid() % stride, kills = 0;
    for (; kill_after(steps, successor); steps += stride)
        kills++;
    printf("%s: killed %ld times, within %ld instructions: at most the item it ran was lost\n", what, kills, steps);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    long stride = argc > 1 ? atol(argv[1]) : 1;
    if (stride < 1) {
        fprintf(stderr, "usage: steps [STRIDE]\n");
        return 2;
    }
    run("a worker", false, stride);
    run("a successor", true, stride);
    run_queue("a putter", true, 1 + stride / 10); /* there is less of it */
    run_queue("a getter", false, 1 + stride / 10);
    return 0;
}
