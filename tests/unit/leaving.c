/*
 * leaving.c - tasks, initializers, callbacks and sources that leave in an unusual way: as two, by pthread_exit(),
 * cancelled, by longjmp(), by exit() and its like. What C++ exceptions do is in leaving.bats.
 *
 * In a process it costs the item, and the error says what was done. In a thread and inline it leaves no lock, no flag
 * and nobody who waits: the next call works, and in the end nothing is left.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* All that a pool is for still works, and whoever calls is nobody's worker. */
static void still_good(struct pool *pool)
{
    struct pool_job_options one = { .chunk = 1 };
    long in[100], out[100], x = 7, y = 0;
    for (long i = 0; i < 100; i++)
        in[i] = i;
    CHECK(strcmp(pool_worker_name(), "MainProcess") == 0);
    OK(pool_apply(pool, task_square, &x, sizeof x, &y, sizeof y));
    CHECK_EQ(y, 49);
    struct pool_result *result = pool_map_async(pool, task_square, in, 100, sizeof *in, sizeof *out, &one);
    OK(pool_result_get(result, out, PATIENCE));
    for (long i = 0; i < 100; i++)
        REQUIRE(out[i] == i * i);
    pool_result_free(result);
}

/* The same, called from much deeper than before, over memory that nobody has written. */
static void still_good_below(struct pool *pool)
{
    volatile char unused[3000];
    unused[0] = 0;
    still_good(pool);
    CHECK_EQ(unused[0], 0);
}

/* --- As two --- */

static pid_t by_system_call(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static pid_t fork_as_daemon(void)
{
    return fork() ? 1 : (daemon(1, 1), 0);
}

static pid_t (*const ways[])(void) = { fork, by_system_call, fork_as_daemon };

/* Does what a copy must not: goes on as if it were the worker. Its own child it waits for, else a fast machine would
 * have all of them at once. */
static int return_twice(const void *arg, void *result)
{
    const long *x = arg;
    pid_t pid = ways[*x % 3]();
    if (pid > 1 && *x % 2)
        waitpid(pid, NULL, 0);
    atomic_fetch_add(&shared->cell[*x], pid != 0);
    return task_square(arg, result);
}

static void tasks_return_twice(void)
{
    struct pool *pool = open_pool(2);
    long in[120], out[120];
    for (long i = 0; i < 120; i++)
        in[i] = i;
    for (long chunk = 1; chunk <= 10; chunk += 9) {
        struct pool_job_options options = { .chunk = chunk };
        struct pool_result *result = pool_map_async(pool, return_twice, in, 120, sizeof *in, sizeof *out, &options);
        OK(pool_result_get(result, out, PATIENCE));
        for (int i = 0; i < 120; i++)
            CHECK(out[i] == in[i] * in[i] && atomic_exchange(&shared->cell[i], 0) == 1);
        still_good(pool);
    }
    EVENTUALLY(workers((pid_t[8]){ 0 }, 8) == 2);
    end_pool(pool);
}

static int initialize_twice(void *initarg)
{
    (void)initarg;
    return ways[atomic_fetch_add(&shared->runs, 1) % 3]() ? 0 : 0;
}

static void initializers_return_twice(void)
{
    struct pool *pool =
        pool_open(&(struct pool_options){ .processes = 3, .initializer = initialize_twice, .maxtasks = 20 });
    OK(pool ? 0 : -1);
    for (int i = 0; i < 20; i++)
        still_good(pool);
    end_pool(pool);
}

/* So does what runs once in each. */
static void functions_return_twice(void)
{
    struct pool *pool = open_pool(3);
    OK(pool_each_worker(pool, initialize_twice, NULL, 0, PATIENCE));
    CHECK(atomic_load(&shared->runs) >= 3);
    still_good(pool);
    end_pool(pool);
}

static struct pool *the_pool;
static struct pool_queue *the_queue;

static bool refuses(bool refused)
{
    return refused && errno == EINVAL && pool_error()->code == EINVAL;
}

/* Nothing that a copy calls counts as the worker's. */
static int copy_calls(const void *arg, void *result)
{
    long x = 3;
    pid_t pid = *(const int *)arg ? fork() : by_system_call();
    int status = -1;
    if (pid == 0) {
        bool good = refuses(!pool_reply(10)) && refuses(pool_reply_text("copy") == -1) && pool_attempt() == 0;
        good = good && strcmp(pool_worker_name(), "MainProcess") == 0;
        good =
            good && refuses(pool_queue_put(the_queue, &x, 0) == -1) && refuses(pool_queue_get(the_queue, &x, 0) == -1);
        good = good && refuses(pool_queue_task_done(the_queue) == -1);
        pool_fail("nobody is to see this");
        _exit(good ? 42 : 1);
    }
    waitpid(pid, &status, 0);
    *(int *)result = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return pool_reply_text("worker");
}

static void copies_are_nobody(void)
{
    struct pool *pool = open_pool(1);
    the_queue = pool_queue_open(pool, 4, sizeof(long));
    for (int with_fork = 0; with_fork < 2; with_fork++) {
        int status = 0;
        struct pool_result *result = pool_apply_async(pool, copy_calls, &with_fork, sizeof(int), sizeof status, NULL);
        OK(pool_result_get(result, &status, PATIENCE));
        CHECK_EQ(status, 42);
        CHECK_TEXT(pool_result_reply(result, 0, NULL), "worker");
    }
    CHECK_EQ(pool_queue_size(the_queue), 0);
    end_pool(pool);
}

static int exit_of_the_child;

/* Forks, and returns in both; the parent learns how the child ended. */
static void become_two(void)
{
    pid_t pid = fork();
    int status = 0;
    if (pid > 0 && waitpid(pid, &status, 0) == pid)
        exit_of_the_child = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int task_becomes_two(const void *arg, void *result)
{
    (void)arg, (void)result;
    become_two();
    return 0;
}

static int source_becomes_two(void *state, void *item)
{
    become_two();
    memcpy(item, state, sizeof(long));
    return (*(long *)state)++ < 2;
}

static void callback_becomes_two(struct pool_result *result, void *cookie)
{
    (void)result, (void)cookie;
    atomic_fetch_add(&shared->calls, 1);
    become_two();
}

/* In the program itself, too, no copy of it runs on. */
static void in_the_program(void)
{
    struct pool *pool = open_pool(1);
    long x = 5, y = 0, state = 0;
    if (unit_kind != POOL_PROCESSES) {
        OK(pool_apply(pool, task_becomes_two, NULL, 0, NULL, 0));
        CHECK_EQ(exit_of_the_child, EXIT_FAILURE);
    }
    exit_of_the_child = 0;
    struct pool_job_options options = { .callback = callback_becomes_two };
    OK(pool_result_get(pool_apply_async(pool, task_square, &x, sizeof x, sizeof y, &options), &y, PATIENCE));
    CHECK_EQ(exit_of_the_child, EXIT_FAILURE);
    CHECK_EQ(atomic_load(&shared->calls), 1);
    exit_of_the_child = 0;
    struct pool_iter *iter = pool_imap(pool, task_square, source_becomes_two, &state, sizeof x, sizeof y, NULL);
    while (pool_iter_next(iter, &y, PATIENCE) == 1)
        ;
    CHECK_EQ(exit_of_the_child, EXIT_FAILURE);
    still_good(pool);
    end_pool(pool);
}

/* --- By pthread_exit(), and cancelled --- */

#ifdef __SANITIZE_ADDRESS__ /* it does not see that the frames of a thread that is cancelled are gone */
#define pthread_cancel(thread) pthread_exit(NULL)
#endif

static int task_ends_its_thread(const void *arg, void *result)
{
    long x = *(const long *)arg;
    if (x % 10 == 3 && pool_attempt() == 1)
        pthread_exit(NULL);
    while (x % 10 == 6 && pool_attempt() == 1) {
        pthread_cancel(pthread_self());
        pthread_testcancel();
    }
    return task_square(arg, result);
}

/* Its process has a second thread, which would keep it alive. */
static void *last_long(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static int task_starts_a_thread(const void *arg, void *result)
{
    pthread_t thread;
    (void)arg, (void)result;
    return pthread_create(&thread, NULL, last_long, NULL);
}

static void processes_with_threads(void)
{
    struct pool *pool = open_pool(1);
    long x = 3, y;
    OK(pool_apply(pool, task_starts_a_thread, NULL, 0, NULL, 0));
    FAILED(pool_apply(pool, task_ends_its_thread, &x, sizeof x, &y, sizeof y), EOWNERDEAD, 0);
    CHECK_TEXT(pool_error()->text, "ended itself with exit code 0 in the middle of it");
    still_good(pool);
    end_pool(pool);
}

static void check_ended(struct pool *pool, struct pool_result *result, const char *words)
{
    long out[100] = { 0 };
    struct pool_error error;
    FAILED(pool_result_get(result, out, PATIENCE), EOWNERDEAD, 3);
    CHECK_TEXT(pool_error()->text, words);
    CHECK_EQ(pool_error()->failures, 20);
    for (size_t i = 0; i < 100; i++)
        CHECK(i % 10 == 3 || i % 10 == 6 ? pool_result_failure(result, i, &error) == 1 && error.item == i
                                         : out[i] == (long)(i * i));
    still_good(pool);
}

static void threads_that_end(void)
{
    const char *words = unit_kind == POOL_THREADS ? "a worker thread ended in the middle of it: pthread_exit"
                                                  : "ended itself with exit code 0 in the middle of it";
    struct pool *pool = open_pool(3);
    long in[100], out[100];
    for (long i = 0; i < 100; i++)
        in[i] = i;
    for (long chunk = 1; chunk <= 100; chunk += 33) {
        struct pool_job_options options = { .chunk = chunk }, again = { .chunk = chunk, .retries = 1 };
        check_ended(pool, pool_map_async(pool, task_ends_its_thread, in, 100, sizeof *in, sizeof *out, &options),
                    words);
        struct pool_result *result =
            pool_map_async(pool, task_ends_its_thread, in, 100, sizeof *in, sizeof *out, &again);
        OK(pool_result_get(result, out, PATIENCE));
    }
    struct pool_worker places[3];
    CHECK_EQ(pool_workers(pool, places, 3), 3);
    CHECK_EQ(places[0].deaths + places[1].deaths + places[2].deaths, 4 * 40);
    if (unit_kind == POOL_THREADS)
        CHECK_EQ(worker_count(), 3);
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static int ends_its_thread(void *initarg)
{
    (void)initarg;
    pthread_exit(NULL);
}

static void initializers_that_end(void)
{
    struct pool_options options = { .processes = 2, .initializer = ends_its_thread };
    REFUSED_NULL(pool_open(&options), EOWNERDEAD, unit_kind == POOL_THREADS ? "a worker thread ended" : "exit code 0");
    CHECK(no_children());
}

/* What runs once in each worker is as the initializer is: a pool of threads ends with it. */
static void functions_that_end(void)
{
    struct pool *pool = open_pool(2);
    CHECK(pool_each_worker(pool, ends_its_thread, NULL, 0, PATIENCE) == -1);
    CHECK_EQ(errno, EOWNERDEAD);
    CHECK_TEXT(pool_error()->text, "a worker thread ended");
    CHECK(pool_apply(pool, task_pid, NULL, 0, &(pid_t){ 0 }, sizeof(pid_t)) == -1);
    CHECK_TEXT(pool_error()->text, "a worker thread ended");
    pool_free(pool);
}

/* Ends while its pool ends. */
static int ends_when_let_go(const void *arg, void *result)
{
    task_gate(arg, result);
    pthread_exit(NULL);
}

static void ends_while_terminated(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *results[4];
    for (int i = 0; i < 4; i++)
        results[i] = pool_apply_async(pool, ends_when_let_go, NULL, 0, sizeof(pid_t), NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    REFUSED(pool_terminate(pool), ETIMEDOUT, "cannot be killed");
    gate_open();
    for (int i = 0; i < 4; i++)
        FAILED(pool_result_get(results[i], NULL, PATIENCE), i < 2 ? EOWNERDEAD : ECANCELED, 0);
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static void callback_ends_the_thread(struct pool_result *result, void *cookie)
{
    (void)result, (void)cookie;
    pthread_exit(NULL);
}

static void *apply_and_end(void *how)
{
    long x = 5;
    struct pool_job_options options = { .callback = callback_ends_the_thread };
    if (how)
        pool_result_get(pool_apply_async(the_pool, task_square, &x, sizeof x, sizeof x, &options), &x, PATIENCE);
    else
        pool_apply(the_pool, ends_when_let_go, NULL, 0, &(pid_t){ 0 }, sizeof(pid_t));
    return CHECK(!"the thread has ended") ? NULL : NULL;
}

/* A thread of the program ends in its own inline task, or in a callback: others go on, and the pool can be freed. */
static void threads_of_the_program(void)
{
    the_pool = open_pool(1);
    gate_open();
    for (long callback = unit_kind != POOL_INLINE; callback < 2; callback++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, apply_and_end, (void *)callback) == 0);
        pthread_join(thread, NULL);
        still_good(the_pool);
    }
    end_pool(the_pool);
}

/* --- By longjmp() --- */

static jmp_buf above;

static int task_jumps(const void *arg, void *result)
{
    if (arg && *(const long *)arg == 2 && !pool_reply(10))
        return -1;
    if (!arg || *(const long *)arg == 2)
        longjmp(above, 1);
    return task_square(arg, result);
}

static void callback_jumps(struct pool_result *result, void *cookie)
{
    (void)result, (void)cookie;
    atomic_fetch_add(&shared->calls, 1);
    longjmp(above, 1);
}

static int source_jumps(void *state, void *item)
{
    long n = (*(long *)state)++;
    if (n == 2 || n == 5)
        longjmp(above, 1);
    *(long *)item = n;
    return n < 9;
}

static void out_of_inline_tasks(void (*good)(struct pool *pool))
{
    struct pool *volatile pool = open_pool(1);
    long in[] = { 0, 1, 2, 3 }, out[4];
    struct pool_progress progress;
    if (!setjmp(above))
        pool_apply(pool, task_jumps, NULL, 0, NULL, 0);
    good(pool);
    if (!setjmp(above))
        pool_map(pool, task_jumps, in, 4, sizeof *in, out, sizeof *out);
    good(pool);
    struct pool_result *result = pool_apply_async(pool, task_square, in, sizeof *in, sizeof *in, NULL);
    CHECK(pool_result_reply(result, 0, NULL) == NULL); /* what was left behind is nobody's */
    OK(pool_result_progress(result, &progress));
    CHECK_EQ(progress.done, 1);
    if (!setjmp(above))
        pool_apply(pool, task_jumps, NULL, 0, NULL, 0);
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static void tasks_jump(void)
{
    out_of_inline_tasks(still_good);
    if (!unit_in_valgrind()) /* which sees that a frame is looked at that is gone */
        out_of_inline_tasks(still_good_below);
    struct pool *volatile pool = open_pool(1);
    if (!setjmp(above))
        pool_apply(pool, task_jumps, NULL, 0, NULL, 0);
    pool_free(pool);
}

static int initializer_jumps(void *initarg)
{
    if (!initarg)
        longjmp(above, 1);
    return 0;
}

static void initializers_jump(void)
{
    if (!setjmp(above))
        CHECK(!pool_open(&(struct pool_options){ .processes = 1, .initializer = initializer_jumps }));
    struct pool *volatile pool = open_pool(1);
    still_good(pool);
    for (volatile int i = 0; i < 2; i++)
        if (!setjmp(above))
            CHECK(!pool_each_worker(pool, initializer_jumps, NULL, 0, PATIENCE) && !"it came back");
    still_good(pool);
    OK(pool_each_worker(pool, initializer_jumps, "", 1, PATIENCE));
    still_good(pool);
    end_pool(pool);
}

static void out_of_callbacks(void (*good)(struct pool *pool))
{
    struct pool_job_options options = { .callback = callback_jumps };
    struct pool *volatile pool = open_pool(1);
    long x = 5, y = 0;
    for (volatile int i = 1; i < 3; i++) {
        struct pool_result *volatile result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options);
        if (!setjmp(above))
            OK(pool_result_get(result, &y, PATIENCE));
        CHECK_EQ(atomic_exchange(&shared->calls, 0), 1);
        good(pool);
        OK(pool_result_get(result, &y, 0));
        CHECK_EQ(y, 25);
        pool_result_free(result);
    }
    pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options);
    OK(pool_close(pool));
    for (volatile int i = 0; i < 2; i++)
        if (!setjmp(above))
            OK(pool_join(pool, PATIENCE));
    CHECK_EQ(atomic_exchange(&shared->calls, 0), 1);
    pool_free(pool);
}

static void callbacks_jump(void)
{
    out_of_callbacks(still_good);
    if (!unit_in_valgrind())
        out_of_callbacks(still_good_below);
}

/* Items that were read before it jumped are not lost. */
static void sources_jump(void)
{
    struct pool_job_options options = { .chunk = 4 };
    for (int ordered = 0; ordered < 2; ordered++) {
        struct pool *volatile pool = open_pool(1);
        long state = 0, y;
        struct pool_iter *volatile iter = (ordered ? pool_imap : pool_imap_unordered)(
            pool, task_square, source_jumps, &state, sizeof(long), sizeof(long), &options);
        volatile int jumps = 0, items = 0;
        volatile long sum = 0;
        for (volatile int more = 1; more;) {
            if (setjmp(above)) {
                jumps++;
                still_good(pool);
            } else if ((more = pool_iter_next(iter, &y, PATIENCE)) == 1) {
                items++;
                sum += y;
            }
        }
        CHECK_EQ(jumps, 2);
        CHECK_EQ(items, 7);
        CHECK_EQ(sum, 0 + 1 + 9 + 16 + 36 + 49 + 64);
        pool_iter_close(iter);
        end_pool(pool);
    }
}

/* --- By exit() and its like --- */

static void at_end_of_the_program(void)
{
    atomic_fetch_add(&shared->mark, 1);
}

static int task_exits(const void *arg, void *result)
{
    (void)result;
    switch (*(const int *)arg) {
    case 0:
        exit(7);
    case 1:
        quick_exit(1);
    case 2:
        _exit(7);
    case 3:
        execl("/bin/sh", "sh", "-c", "exit 7", NULL);
        break;
    case 4:
        abort();
    case 5:
        raise(SIGRTMIN + 4);
    }
    return 0;
}

static int initializer_exits(void *initarg)
{
    return task_exits(initarg, NULL);
}

static void exits(void)
{
    static const char *const words[] = { "exit code 7", "exit code 1", "exit code 7",
                                         "exit code 7", "SIGABRT",     "killed by signal " };
    atexit(at_end_of_the_program);
    at_quick_exit(at_end_of_the_program);
    struct pool *pool = open_pool(2);
    for (int how = 0; how < 6; how++) {
        FAILED(pool_apply(pool, task_exits, &how, sizeof how, NULL, 0), EOWNERDEAD, 0);
        CHECK_TEXT(pool_error()->text, words[how]);
        struct pool_options options = { .processes = 2, .initializer = initializer_exits, .initarg = &how };
        REFUSED_NULL(pool_open(&options), EOWNERDEAD, words[how]);
    }
    still_good(pool);
    end_pool(pool);
    CHECK_EQ(atomic_load(&shared->mark), 0);
}

static const struct unit_case cases[] = {
    { "tasks fork and return in both: there is no second worker", tasks_return_twice },
    { "initializers fork and return in both", initializers_return_twice },
    { "functions for each worker fork and return in both", functions_return_twice },
    { "what a copy of a worker calls does not count as the worker's", copies_are_nobody },
    { "whatever forks and returns in both, no copy of the program runs on", in_the_program, ALL_KINDS },
    { "tasks that end their thread", threads_that_end, TWINS },
    { "a task that ends its thread, and another one in the process", processes_with_threads },
    { "initializers that end their thread", initializers_that_end, TWINS },
    { "functions for each worker that end their thread", functions_that_end, THREADS },
    { "tasks that end their thread when the pool is terminated", ends_while_terminated, THREADS },
    { "threads of the program that end in a task or callback", threads_of_the_program, ALL_KINDS },
    { "longjmp out of tasks", tasks_jump, INLINE },
    { "longjmp out of an initializer", initializers_jump, INLINE },
    { "longjmp out of callbacks", callbacks_jump, ALL_KINDS },
    { "longjmp out of sources", sources_jump, ALL_KINDS },
    { "exit and its like, in tasks and initializers", exits },
    { 0 },
};

const struct unit_suite unit_leaving = { "leaving", cases };
