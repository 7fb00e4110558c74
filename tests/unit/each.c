/*
 * each.c - pool_each_worker(): what runs once in each worker, now and in later ones.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a worker has of its own: a process all of this, a thread each its own. */
static _Thread_local char log_of_worker[200];

static int note(void *arg)
{
    atomic_fetch_add(&shared->runs, 1);
    strncat(log_of_worker, arg, sizeof log_of_worker - strlen(log_of_worker) - 1);
    return 0;
}

static int note_b(void *arg)
{
    return note(arg);
}

static int note_start(void *arg)
{
    return note(arg ? arg : "start ");
}

static int read_log(const void *arg, void *result)
{
    (void)arg;
    memcpy(result, log_of_worker, sizeof log_of_worker);
    return 0;
}

/* All workers at once, so that each runs one. */
static int read_log_together(const void *arg, void *result)
{
    atomic_fetch_add(&shared->cell[*(const int *)arg], 1);
    for (double limit = unit_now() + PATIENCE; atomic_load(&shared->cell[*(const int *)arg]) < 3 && unit_now() < limit;)
        unit_sleep(0.0005);
    return read_log(NULL, result);
}

static void logs_are(struct pool *pool, const char *expected)
{
    static int round;
    int count = unit_kind == POOL_INLINE ? 1 : 3, in[3];
    char out[3][200];
    round++;
    for (int i = 0; i < 3; i++)
        in[i] = round;
    if (count == 1)
        atomic_store(&shared->cell[round], 3);
    struct pool_result *result = pool_map_async(pool, read_log_together, in, (size_t)count, sizeof *in, sizeof *out,
                                                &(struct pool_job_options){ .chunk = 1 });
    OK(pool_result_get(result, out, PATIENCE));
    for (int i = 0; i < count; i++)
        unit_check(strcmp(out[i], expected) == 0, __FILE__, __LINE__, "the log is \"%s\", not \"%s\"", out[i],
                   expected);
    pool_result_free(result);
}

static struct pool *open_three(enum pool_start start)
{
    struct pool_options options = { .processes = 3, .initializer = note_start, .start = start };
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    return pool;
}

/* Kills all workers, and waits until there are others. */
static void replace_all(struct pool *pool)
{
    struct pool_worker old[3], new[3];
    CHECK_EQ(pool_workers(pool, old, 3), 3);
    for (int i = 0; i < 3; i++)
        CHECK(kill(old[i].pid, SIGKILL) == 0);
    for (int i = 0; i < 3; i++)
        EVENTUALLY((pool_workers(pool, new, 3), new[i].pid &&new[i].pid != old[i].pid));
}

static void once_in_each(void)
{
    struct host before;
    host_look(&before);
    int count = unit_kind == POOL_INLINE ? 1 : 3;
    struct pool *pool = open_three(POOL_FORK);
    char text[] = "one ";
    CHECK_EQ(atomic_load(&shared->runs), count);
    OK(pool_each_worker(pool, note, text, sizeof text, PATIENCE));
    memset(text, 'x', 3); /* it was copied */
    CHECK_EQ(atomic_load(&shared->runs), 2 * count);
    logs_are(pool, "start one ");
    OK(pool_each_worker(pool, note, "again ", 7, PATIENCE));
    OK(pool_each_worker(pool, note_start, NULL, 0, POOL_FOREVER));
    CHECK_EQ(atomic_load(&shared->runs), 4 * count);
    logs_are(pool, "start one again start ");
    end_pool(pool);
    UNCHANGED(&before);
}

static void in_successors(void)
{
    for (int start = POOL_FORK; start <= POOL_SPAWN; start++) {
        struct pool *pool = open_three((enum pool_start)start);
        OK(pool_each_worker(pool, note, "a ", 3, PATIENCE));
        OK(pool_each_worker(pool, note_b, "b ", 3, PATIENCE));
        logs_are(pool, "start a b ");
        replace_all(pool);
        logs_are(pool, "start a b ");
        OK(pool_each_worker(pool, note, "c ", 3, PATIENCE)); /* instead of a, and behind b */
        logs_are(pool, "start a b c ");
        replace_all(pool);
        logs_are(pool, "start b c ");
        end_pool(pool);
    }
}

/* While a chunk is under way: its worker dies, and the successor runs the function before the rest of it. */
static int die_at_2_else_log(const void *arg, void *result)
{
    if (*(const int *)arg == 2)
        raise(SIGKILL);
    return read_log(NULL, result);
}

static void before_the_rest(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .initializer = note_start });
    OK(pool ? 0 : -1);
    int in[5] = { 0, 1, 2, 3, 4 };
    char out[5][200];
    struct pool_job_options options = { .chunk = 5 };
    OK(pool_each_worker(pool, note, "a ", 3, PATIENCE));
    FAILED(pool_result_get(pool_map_async(pool, die_at_2_else_log, in, 5, sizeof *in, sizeof *out, &options), out,
                           PATIENCE),
           EOWNERDEAD, 2);
    CHECK_EQ((long long)pool_error()->failures, 1);
    for (int i = 0; i < 5; i++)
        CHECK(i == 2 || strcmp(out[i], "start a ") == 0);
    end_pool(pool);
}

/* It is no task: none of maxtasks, and not counted as finished. */
static void no_task(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .maxtasks = 2 });
    struct pool_worker before[2], after[2];
    OK(pool ? 0 : -1);
    pool_workers(pool, before, 2);
    for (int i = 0; i < 5; i++)
        OK(pool_each_worker(pool, note, "", 1, PATIENCE));
    pool_workers(pool, after, 2);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(after[i].pid, before[i].pid);
        CHECK_EQ((long long)after[i].finished, 0);
        CHECK(!after[i].running);
    }
    end_pool(pool);
}

/* --- Failing --- */

static int fail_in_second(void *arg)
{
    int number = atomic_fetch_add(&shared->runs, 1);
    return number == 1 || unit_kind == POOL_INLINE ? pool_fail("no table \"%s\"", (char *)arg) : 0;
}

static void returns_failure(void)
{
    struct pool *pool = open_three(POOL_FORK);
    char name[32];
    atomic_store(&shared->runs, 0);
    CHECK(pool_each_worker(pool, fail_in_second, "users", 6, PATIENCE) == -1);
    CHECK_EQ(errno, EREMOTEIO);
    struct pool_error error = *pool_error();
    CHECK_EQ(error.code, EREMOTEIO);
    CHECK_TEXT(error.text, ": no table \"users\"");
    REQUIRE(error.item < 3);
    struct pool_worker list[3];
    pool_workers(pool, list, 3);
    CHECK_EQ(error.pid, list[error.item].pid);
    snprintf(name, sizeof name, unit_kind == POOL_INLINE ? "MainProcess" : "PoolWorker-%u", list[error.item].number);
    CHECK_TEXT(error.text, name);
    int runs = atomic_load(&shared->runs);
    logs_are(pool, "start ");
    if (unit_kind == POOL_PROCESSES) { /* later ones do not run it, and live */
        replace_all(pool);
        logs_are(pool, "start ");
        CHECK_EQ(atomic_load(&shared->runs), runs + 3); /* the initializer */
        CHECK_EQ(pool_workers(pool, list, 3), 3);
    }
    OK(pool_each_worker(pool, note, "well ", 6, PATIENCE));
    logs_are(pool, "start well ");
    end_pool(pool);
}

/* It fails in a successor that has a chunk to go on with: not an item of that. */
static int start_at_gate(void *arg)
{
    (void)arg;
    if (atomic_fetch_add(&shared->runs, 1) > 0)
        gate_wait();
    return 0;
}

static void fails_beside_a_chunk(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .initializer = start_at_gate });
    OK(pool ? 0 : -1);
    int in[5] = { 0, 1, 2, 3, 4 };
    char out[5][200];
    struct pool_job_options options = { .chunk = 5 };
    struct pool_progress progress;
    struct pool_result *result = pool_map_async(pool, die_at_2_else_log, in, 5, sizeof *in, sizeof *out, &options);
    EVENTUALLY(atomic_load(&shared->runs) == 2);
    atomic_store(&shared->runs, 1);
    REFUSED(pool_each_worker(pool, fail_in_second, "users", 6, 0), ETIMEDOUT, "");
    gate_open();
    FAILED(pool_result_get(result, out, PATIENCE), EOWNERDEAD, 2);
    CHECK_EQ((long long)pool_error()->failures, 1);
    OK(pool_result_progress(result, &progress));
    CHECK_EQ((long long)progress.failed, 1);
    CHECK_EQ(atomic_load(&shared->runs), 2);
    end_pool(pool);
}

static int return_5(void *arg)
{
    (void)arg;
    return 5;
}

static void without_words(void)
{
    struct pool *pool = open_three(POOL_FORK);
    CHECK(pool_each_worker(pool, return_5, NULL, 0, PATIENCE) == -1);
    CHECK_TEXT(pool_error()->text, "it returned 5");
    end_pool(pool);
}

/* The mark says how often it kills its worker. */
static int die_so_often(void *arg)
{
    if (atomic_fetch_sub(&shared->mark, 1) > 0)
        raise(SIGSEGV);
    return note(arg);
}

static void dies_once(void)
{
    struct pool *pool = open_three(POOL_FORK);
    atomic_store(&shared->mark, 1);
    CHECK(pool_each_worker(pool, die_so_often, "a ", 3, PATIENCE) == -1);
    CHECK_EQ(errno, EOWNERDEAD);
    CHECK_EQ(pool_error()->signal, SIGSEGV);
    CHECK(pool_error()->item < 3);
    CHECK_EQ((long long)pool_error()->failures, 1);
    CHECK_TEXT(pool_error()->text, "SIGSEGV");
    logs_are(pool, "start a "); /* its successor, too */
    end_pool(pool);
}

/* It exits, as if all were well: a death all the same. */
static int leave(void *arg)
{
    (void)arg;
    _exit(0);
}

static void dies_always(void)
{
    pool_initializer *functions[] = { die_so_often, leave };
    for (int i = 0; i < 2; i++) {
        struct pool *pool = open_three(POOL_FORK);
        struct pool_worker list[3];
        long x = 3, out = 0;
        atomic_store(&shared->mark, 1000);
        CHECK(pool_each_worker(pool, functions[i], "a ", 3, PATIENCE) == -1);
        CHECK_EQ(errno, EOWNERDEAD);
        CHECK_EQ((long long)pool_error()->failures, 3);
        CHECK(pool_error()->pid > 0);
        for (int k = 0; k < 3; k++)
            EVENTUALLY((pool_workers(pool, list, 3), list[k].pid == 0 && list[k].retry_in > 0));
        CHECK(atomic_load(&shared->mark) > 900);
        struct pool_result *result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof out, NULL);
        REFUSED(pool_result_wait(result, 0.05), ETIMEDOUT, "");
        atomic_store(&shared->mark, 0);
        if (i == 1) { /* it will never work: there is only the end */
            OK(pool_terminate(pool));
            pool_free(pool);
            continue;
        }
        OK(pool_result_get(result, &out, PATIENCE));
        CHECK_EQ(out, 9);
        logs_are(pool, "start a ");
        end_pool(pool);
    }
}

/* A function that killed its workers may be handed over again, with a better argument. */
static int die_of(void *arg)
{
    if (strcmp(arg, "good ") != 0)
        raise(SIGABRT);
    return note(arg);
}

static void dies_then_better(void)
{
    struct pool *pool = open_three(POOL_FORK);
    CHECK(pool_each_worker(pool, die_of, "bad", 4, PATIENCE) == -1);
    CHECK_EQ(errno, EOWNERDEAD);
    OK(pool_each_worker(pool, die_of, "good ", 6, PATIENCE));
    logs_are(pool, "start good ");
    end_pool(pool);
}

static int fail_when_marked(void *arg)
{
    (void)arg;
    return atomic_load(&shared->mark) ? pool_fail("the table is gone") : 0;
}

/* It worked in those there were; in later ones it is as good as an initializer. */
static void fails_in_successors(void)
{
    struct pool_options options = { .processes = 1, .give_up_after = 3 };
    long x = 3;
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    struct death death = { BY_SIGNAL, SIGKILL };
    OK(pool_each_worker(pool, fail_when_marked, NULL, 0, PATIENCE));
    atomic_store(&shared->mark, 1);
    CHECK(pool_apply(pool, task_die, &death, sizeof death, NULL, 0) == -1);
    CHECK(pool_apply(pool, task_square, &x, sizeof x, &x, sizeof x) == -1);
    CHECK_TEXT(pool_error()->text, "the table is gone");
    CHECK_TEXT(pool_error()->text, "pool_each_worker");
    pool_free(pool);
}

/* --- Waiting --- */

static void busy_workers(void)
{
    struct pool *pool = open_three(POOL_FORK);
    struct pool_result *gates[2], *queued;
    char out[200];
    int in[3] = { 1, 1, 1 };
    fill_with_gates(pool, gates, 2);
    int arrived = atomic_load(&shared->runs);
    REFUSED(pool_each_worker(pool, note, "a ", 3, 0.1), ETIMEDOUT, "0.1");
    EVENTUALLY(atomic_load(&shared->runs) == arrived + 1); /* in the third one */
    REFUSED(pool_each_worker(pool, note_b, "b ", 3, 0), ETIMEDOUT, "");
    EVENTUALLY(atomic_load(&shared->runs) == arrived + 2);
    queued = pool_map_async(pool, read_log_together, in, 3, sizeof *in, sizeof out,
                            &(struct pool_job_options){ .chunk = 1 });
    gate_open();
    OK(pool_result_wait(queued, PATIENCE));
    for (size_t i = 0; i < 3; i++) /* before the next task, although nobody waits any more */
        CHECK(strcmp(pool_result_at(queued, i), "start a b ") == 0);
    end_pool(pool);
}

/* Between two chunks, in the middle of a job, while there is no end of chunks. */
static void between_chunks(void)
{
    enum { MANY = 100000 };
    static long in[MANY];
    struct pool *pool = open_three(POOL_FORK);
    struct pool_result *result =
        pool_map_async(pool, task_square, in, MANY, sizeof *in, sizeof *in, &(struct pool_job_options){ .chunk = 1 });
    for (int i = 0; i < 20; i++)
        OK(pool_each_worker(pool, note, "", 1, PATIENCE));
    OK(pool_result_get(result, NULL, PATIENCE));
    CHECK_EQ(atomic_load(&shared->runs), 3 + 60);
    end_pool(pool);
}

/* When the third worker, which is idle, has run it, the call waits for the other two. */
static void *interrupt(void *pool)
{
    EVENTUALLY(atomic_load(&shared->runs) == 3 + 1);
    pool_interrupt(pool);
    return NULL;
}

static void ends_of_waiting(void)
{
    struct pool *pool = open_three(POOL_FORK);
    struct pool_result *gates[2];
    pthread_t thread;
    fill_with_gates(pool, gates, 2);
    REQUIRE(pthread_create(&thread, NULL, interrupt, pool) == 0);
    REFUSED(pool_each_worker(pool, note, "a ", 3, PATIENCE), EINTR, "");
    pthread_join(thread, NULL);
    gate_open();
    OK(pool_result_wait(gates[0], PATIENCE));
    OK(pool_each_worker(pool, note_b, "b ", 3, PATIENCE));
    logs_are(pool, "start a b ");
    end_pool(pool);
}

static void *terminate(void *pool)
{
    EVENTUALLY(atomic_load(&shared->runs) == 3 + 1);
    OK(pool_terminate(pool));
    return NULL;
}

static void terminated_meanwhile(void)
{
    struct pool *pool = open_three(POOL_FORK);
    pthread_t thread;
    for (int i = 0; i < 2; i++)
        CHECK(pool_apply_async(pool, task_forever, NULL, 0, 0, NULL) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    REQUIRE(pthread_create(&thread, NULL, terminate, pool) == 0);
    CHECK(pool_each_worker(pool, note, "a ", 3, POOL_FOREVER) == -1);
    CHECK(errno == ECANCELED || errno == ESHUTDOWN); /* the end may come first */
    CHECK_TEXT(pool_error()->text, "terminated");
    pthread_join(thread, NULL);
    pool_free(pool);
}

/* --- Many --- */

/* Arguments that are used no more are given back: a thousand of them are more than the pool's memory. */
static void again_and_again(void)
{
    static char big[1 << 20];
    struct pool_options options = { .processes = 2, .memory = 16 << 20 };
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    for (int i = 0; i < unit_rounds(500); i++) {
        OK(pool_each_worker(pool, note, big, sizeof big, PATIENCE));
        CHECK(pool_each_worker(pool, return_5, big, sizeof big, PATIENCE) == -1 && errno == EREMOTEIO);
    }
    end_pool(pool);
}

#define FUNCTION(n)                                                                                                    \
    static int f##n(void *arg)                                                                                         \
    {                                                                                                                  \
        return atomic_fetch_add(&shared->cell[n], 1), note(arg);                                                       \
    }
#define EIGHT(do, n)                                                                                                   \
    do                                                                                                                 \
    (n##0) do(n##1) do(n##2) do(n##3) do(n##4) do(n##5) do(n##6) do(n##7)
#define NAME(n) f##n,
EIGHT(FUNCTION, 10)
EIGHT(FUNCTION, 11)
EIGHT(FUNCTION, 12)
EIGHT(FUNCTION, 13) EIGHT(FUNCTION, 14) EIGHT(FUNCTION, 15) EIGHT(FUNCTION, 16) EIGHT(FUNCTION, 17)

    static pool_initializer *const functions[] = { EIGHT(NAME, 10) EIGHT(NAME, 11) EIGHT(NAME, 12) EIGHT(NAME, 13)
                                                       EIGHT(NAME, 14) EIGHT(NAME, 15) EIGHT(NAME, 16)
                                                           EIGHT(NAME, 17) };

static void sixty_four(void)
{
    struct pool *pool = open_pool(2);
    for (int i = 0; i < 64; i++)
        OK(pool_each_worker(pool, functions[i], "", 1, PATIENCE));
    REFUSED(pool_each_worker(pool, note, "", 1, PATIENCE), ENOMEM, "64");
    OK(pool_each_worker(pool, functions[7], "", 1, PATIENCE));
    CHECK_EQ(atomic_load(&shared->runs), (unit_kind == POOL_INLINE ? 1 : 2) * 65);
    end_pool(pool);
}

struct caller {
    struct pool *pool;
    pool_initializer *function;
    int good, busy;
};

static void *call_often(void *arg)
{
    struct caller *caller = arg;
    for (int i = 0; i < unit_rounds(200); i++) {
        int status = pool_each_worker(caller->pool, caller->function, "", 1, PATIENCE);
        caller->good += status == 0;
        caller->busy += status != 0 && errno == EBUSY;
    }
    return NULL;
}

/* Four threads, each with a function of its own, or two with one. */
static void by_threads(void)
{
    struct pool *pool = open_pool(3);
    struct caller callers[4];
    pthread_t threads[4];
    int rounds = unit_rounds(200), workers_ = unit_kind == POOL_INLINE ? 1 : 3;
    for (int i = 0; i < 4; i++) {
        callers[i] = (struct caller){ .pool = pool, .function = functions[i < 2 ? 0 : i] };
        REQUIRE(pthread_create(&threads[i], NULL, call_often, &callers[i]) == 0);
    }
    int good = 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(callers[i].good + callers[i].busy, rounds);
        CHECK(i < 2 || callers[i].busy == 0);
        good += callers[i].good;
    }
    CHECK_EQ(atomic_load(&shared->runs), good * workers_);
    end_pool(pool);
}

/* Workers are killed at any moment: whoever runs a task has run the function before, with the newest argument that was
 * handed over when it began, or a newer one. */
static _Atomic int newest;

static int take_number(void *arg)
{
    atomic_store(&newest, *(int *)arg);
    return 0;
}

static int number_is(const void *arg, void *result)
{
    (void)result;
    return atomic_load(&newest) >= *(const int *)arg ? 0 : pool_fail("%d", atomic_load(&newest));
}

static void killed_at_any_moment(void)
{
    struct pool *pool = open_pool(3);
    struct pool_worker list[3];
    unsigned dice = (unsigned)getpid();
    for (int i = 1; i <= unit_rounds(300); i++) {
        dice = dice * 1103515245 + 12345;
        pool_workers(pool, list, 3);
        pid_t pid = list[dice / 65536 % 3].pid;
        if (pid)
            kill(pid, SIGKILL);
        if (pool_each_worker(pool, take_number, &i, sizeof i, PATIENCE) != 0)
            CHECK_EQ(errno, EOWNERDEAD);
        int in[9] = { i, i, i, i, i, i, i, i, i };
        OK(pool_map(pool, number_is, in, 9, sizeof *in, NULL, 0));
    }
    end_pool(pool);
}

/* --- Misuse --- */

static int each_in_task(const void *arg, void *result)
{
    (void)result;
    REFUSED(pool_each_worker(*(struct pool *const *)arg, note, "", 1, 1), EINVAL, "a task cannot use the pool");
    return 0;
}

static void each_in_callback(struct pool_result *result, void *pool)
{
    (void)result;
    REFUSED(pool_each_worker(pool, note, "", 1, 1), EINVAL, "callback");
    atomic_fetch_add(&shared->calls, 1);
}

static void misuse(void)
{
    struct pool *pool = open_three(POOL_FORK);
    struct pool_job_options options = { .callback = each_in_callback, .cookie = pool };
    REFUSED(pool_each_worker(NULL, note, "", 1, 1), EINVAL, "pool is NULL");
    REFUSED(pool_each_worker(pool, NULL, "", 1, 1), EINVAL, "NULL");
    REFUSED(pool_each_worker(pool, note, NULL, 1, 1), EINVAL, "NULL");
    OK(pool_apply(pool, each_in_task, &pool, sizeof pool, NULL, 0));
    OK(pool_result_wait(pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), &options), PATIENCE));
    CHECK_EQ(atomic_load(&shared->calls), 1);
    OK(pool_close(pool));
    REFUSED(pool_each_worker(pool, note, "", 1, 1), ESHUTDOWN, "closed");
    OK(pool_join(pool, PATIENCE));
    REFUSED(pool_each_worker(pool, note, "", 1, 1), ESHUTDOWN, "closed");
    pool_free(pool);
}

static const struct unit_case cases[] = {
    { "E01 once in each worker, with a copy of its argument", once_in_each, ALL_KINDS },
    { "E02 in successors, too, in order; handed over again: with the newest argument only", in_successors },
    { "E03 a successor runs it before the rest of a chunk", before_the_rest },
    { "E04 it counts as no task", no_task },
    { "E05 failure: its message and its worker; nobody runs it any more", returns_failure, ALL_KINDS },
    { "E05 failure beside a chunk that is under way", fails_beside_a_chunk },
    { "E05 failure without words", without_words, ALL_KINDS },
    { "E06 a worker dies in it: said, and the successor tries again", dies_once },
    { "E06 all workers die in it, again and again: their places wait", dies_always },
    { "E06 all workers die in it, until it is handed over with a better argument", dies_then_better },
    { "E07 it fails in successors: as an initializer", fails_in_successors },
    { "E08 busy workers run it later, before their next task", busy_workers, TWINS },
    { "E08 between two chunks of a long job", between_chunks, TWINS },
    { "E09 an interrupt ends the waiting", ends_of_waiting, TWINS },
    { "E09 so does the pool's end", terminated_meanwhile },
    { "E10 again and again, well and badly: its arguments are given back", again_and_again, ALL_KINDS },
    { "E10 64 functions, and no more", sixty_four, ALL_KINDS },
    { "E11 threads call it, each with its function, or with one", by_threads, ALL_KINDS },
    { "E12 workers killed at any moment: no task runs before it", killed_at_any_moment },
    { "E13 misuse is refused", misuse, ALL_KINDS },
    { 0 },
};

const struct unit_suite unit_each = { "each", cases };
