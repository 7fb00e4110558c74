/*
 * deaths.c - a worker that dies costs the one task it ran, whoever killed it and whenever; the rest goes on.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void d01_killed(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *result;
    char number[32];
    fill_with_gates(pool, &result, 1);
    pid_t pid = atomic_load(&shared->pid[0]);
    CHECK(kill(pid, SIGKILL) == 0);
    FAILED(pool_result_get(result, NULL, PATIENCE), EOWNERDEAD, 0);
    CHECK_EQ(pool_error()->pid, pid);
    CHECK_EQ(pool_error()->signal, SIGKILL);
    CHECK_EQ((long long)pool_error()->failures, 1);
    snprintf(number, sizeof number, "%d", pid);
    CHECK_TEXT(pool_error()->text, number);
    CHECK_TEXT(pool_error()->text, "SIGKILL");
    CHECK_TEXT(pool_error()->text, "item 0");
    CHECK_EQ(pool_result_successful(result), 0);
    still_good(pool, 2); /* D02: the next one is fine */
    end_pool(pool);
}

static void d01_again_and_again(void)
{
    struct pool *pool = open_pool(1);
    struct death death = { BY_SIGNAL, SIGKILL };
    for (int i = 0; i < unit_rounds(200); i++) {
        long x = i, out = 0;
        FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
        OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
        CHECK_EQ(out, x * x);
    }
    end_pool(pool);
}

static void d03_innocent(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *results[2];
    fill_with_gates(pool, results, 2);
    pid_t victim = atomic_load(&shared->pid[0]), other = 0;
    CHECK(kill(victim, SIGKILL) == 0);
    int first = 0;
    EVENTUALLY((first = pool_result_ready(results[0]) ? 0 : 1, pool_result_ready(results[first])));
    FAILED(pool_result_get(results[first], NULL, PATIENCE), EOWNERDEAD, 0);
    CHECK(!pool_result_ready(results[1 - first]));
    gate_open();
    OK(pool_result_get(results[1 - first], &other, PATIENCE));
    CHECK_EQ(other, atomic_load(&shared->pid[1]));
    end_pool(pool);
}

static void check_death(struct pool *pool, struct death death, int signal, int status, const char *words)
{
    FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
    CHECK_EQ(pool_error()->signal, signal);
    if (!signal)
        CHECK_EQ(pool_error()->status, status);
    CHECK(pool_error()->pid > 0);
    CHECK_TEXT(pool_error()->text, words);
    still_good(pool, 2);
}

static void d04_ways_to_die(void)
{
    struct pool *pool = open_pool(2);
    check_death(pool, (struct death){ BY_UNDERSCORE_EXIT, 3 }, 0, 3, "3");
    check_death(pool, (struct death){ BY_EXIT, 4 }, 0, 4, "4");
    check_death(pool, (struct death){ BY_ABORT, 0 }, SIGABRT, 0, "SIGABRT");
    check_death(pool, (struct death){ BY_SIGNAL, SIGSEGV }, SIGSEGV, 0, "SIGSEGV");
    check_death(pool, (struct death){ BY_SIGNAL, SIGPIPE }, SIGPIPE, 0, "SIGPIPE");
    check_death(pool, (struct death){ BY_SIGNAL, SIGTERM }, SIGTERM, 0, "SIGTERM");
    check_death(pool, (struct death){ BY_SIGNAL, SIGUSR1 }, SIGUSR1, 0, "SIGUSR1");
    check_death(pool, (struct death){ BY_STACK, 0 }, SIGSEGV, 0, "SIGSEGV");
    end_pool(pool);
}

static void d15_exit_0(void)
{
    struct pool *pool = open_pool(2);
    check_death(pool, (struct death){ BY_UNDERSCORE_EXIT, 0 }, 0, 0, "exit");
    check_death(pool, (struct death){ BY_EXIT, 0 }, 0, 0, "exit");
    end_pool(pool);
}

static void d05_idle_one_by_one(void)
{
    struct pool *pool = open_pool(3);
    pid_t list[3];
    for (int i = 0; i < 20; i++) {
        EVENTUALLY(workers(list, 3) == 3);
        CHECK(kill(list[i % 3], SIGKILL) == 0);
        long x = i, out = -1;
        OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
        CHECK_EQ(out, (long)i * i);
        EVENTUALLY(!is_alive(list[i % 3]));
    }
    still_good(pool, 3);
    end_pool(pool);
}

static void d05_idle_all_at_once(void)
{
    struct pool *pool = open_pool(3);
    pid_t list[3];
    for (int i = 0; i < 20; i++) {
        EVENTUALLY(workers(list, 3) == 3);
        for (int k = 0; k < 3; k++)
            CHECK(kill(list[k], SIGKILL) == 0);
        still_good(pool, 3);
        EVENTUALLY(!is_alive(list[0]) && !is_alive(list[1]) && !is_alive(list[2]));
    }
    end_pool(pool);
}

/* Deaths while the nursery is stopped: one SIGCHLD stands for all of them. */
static void h06_one_signal_for_many(void)
{
    struct pool *pool = open_pool(8);
    pid_t list[8];
    for (int round = 0; round < 5; round++) {
        EVENTUALLY(workers(list, 8) == 8);
        CHECK(kill(nursery(), SIGSTOP) == 0);
        for (int i = 0; i < 8; i++)
            CHECK(kill(list[i], SIGKILL) == 0);
        for (int i = 0; i < 8; i++)
            EVENTUALLY(!is_alive(list[i]));
        CHECK(kill(nursery(), SIGCONT) == 0);
        EVENTUALLY(children_of(nursery(), list, 8) == 8 && worker_count() == 8); /* and none of them a zombie */
        still_good(pool, 8);
    }
    end_pool(pool);
}

static int die_at_17(const void *arg, void *result)
{
    long x = *(const long *)arg;
    atomic_fetch_add(&shared->cell[x], 1);
    if (x == 17)
        raise(SIGKILL);
    return task_square(arg, result);
}

static void d07_in_map(void)
{
    static const long chunks[] = { 0, 1, 7, 50 };
    long in[50], out[50];
    for (long i = 0; i < 50; i++)
        in[i] = i;
    for (int k = 0; k < 8; k++) {
        struct pool *pool = open_pool(k % 2 ? 1 : 3);
        struct pool_job_options options = { .chunk = chunks[k / 2] };
        memset(shared->cell, 0, sizeof shared->cell);
        struct pool_result *result = pool_map_async(pool, die_at_17, in, 50, sizeof *in, sizeof *out, &options);
        FAILED(pool_result_get(result, out, PATIENCE), EOWNERDEAD, 17);
        CHECK_EQ((long long)pool_error()->failures, 1);
        CHECK_TEXT(pool_error()->text, "item 17");
        for (long i = 0; i < 50; i++) {
            CHECK(i == 17 || out[i] == i * i);
            CHECK_EQ(atomic_load(&shared->cell[i]), 1); /* nothing runs twice */
        }
        end_pool(pool);
    }
}

static int die_if_odd(const void *arg, void *result)
{
    if (*(const long *)arg % 2)
        raise(SIGKILL);
    return task_square(arg, result);
}

static void d07_every_other(void)
{
    struct pool *pool = open_pool(2);
    long in[100], out[100];
    struct pool_error error;
    for (long i = 0; i < 100; i++)
        in[i] = i;
    struct pool_result *result = pool_map_async(pool, die_if_odd, in, 100, sizeof *in, sizeof *out, NULL);
    FAILED(pool_result_get(result, out, PATIENCE), EOWNERDEAD, 1);
    CHECK_EQ((long long)pool_error()->failures, 50);
    for (size_t i = 0; i < 100; i++) {
        int failed = pool_result_failure(result, i, &error) == 1 && error.item == i;
        CHECK_EQ(failed, (int)(i % 2));
        CHECK(failed ? error.signal == SIGKILL && error.pid > 0 : out[i] == (long)(i * i));
        CHECK((pool_result_at(result, i) == NULL) == failed);
    }
    still_good(pool, 2);
    end_pool(pool);
}

/* Replies of tasks that are killed before they return: their memory must come back, or the cap is soon reached. */
static int reply_and_die(const void *arg, void *result)
{
    (void)arg, (void)result;
    char *bytes = pool_reply(1 << 20);
    if (!bytes)
        return pool_fail("no memory");
    memset(bytes, 'x', 1 << 20);
    raise(SIGKILL);
    return 0;
}

static void d07_replies(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 4 << 20 });
    OK(pool ? 0 : -1);
    for (int i = 0; i < unit_rounds(100); i++)
        FAILED(pool_apply(pool, reply_and_die, NULL, 0, NULL, 0), EOWNERDEAD, 0);
    end_pool(pool);
}

/* Half-way through a large argument; that its worker dies leaves the argument as it was. */
static int sum_or_die(const void *arg, void *result)
{
    const unsigned char *bytes = arg;
    long sum = 0;
    for (int i = 0; i < 1 << 20; i++) {
        sum += bytes[i];
        if (i == 1 << 19 && bytes[0] == 1 && atomic_fetch_add(&shared->runs, 1) % 2 == 0)
            raise(SIGKILL);
    }
    *(long *)result = sum;
    return 0;
}

static void d12_half_read(void)
{
    static unsigned char bytes[2][1 << 20];
    struct pool *pool = open_pool(1);
    long out[2] = { 0 };
    memset(bytes, 1, sizeof bytes);
    for (int i = 0; i < 5; i++) {
        atomic_store(&shared->runs, 0);
        FAILED(pool_map(pool, sum_or_die, bytes, 2, sizeof *bytes, out, sizeof *out), EOWNERDEAD, 0);
        CHECK_EQ((long long)pool_error()->failures, 1);
        CHECK_EQ(out[1], 1 << 20);
    }
    end_pool(pool);
}

static int oom_score(pid_t pid)
{
    char path[64];
    int score = -1;
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
    FILE *file = fopen(path, "re");
    CHECK(file && fscanf(file, "%d", &score) == 1);
    if (file)
        fclose(file);
    return score;
}

static int read_oom_score(const void *arg, void *result)
{
    (void)arg;
    *(int *)result = oom_score(getpid());
    return 0;
}

/* Where memory runs out the system sends SIGKILL to whom it finds worth it: a worker rather than the program; and the
 * error names this cause. The killing itself is D01. */
static void d18_out_of_memory(void)
{
    struct pool *pool = open_pool(1);
    struct death death = { BY_SIGNAL, SIGKILL };
    int mine = oom_score(getpid()), theirs = 0;
    EVENTUALLY(oom_score(nursery()) == mine); /* else it would be the next, and all of the pool with it */
    OK(pool_apply(pool, read_oom_score, NULL, 0, &theirs, sizeof theirs));
    CHECK(theirs > mine || theirs == 1000);
    FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
    CHECK_TEXT(pool_error()->text, "memory ran out");
    OK(pool_apply(pool, read_oom_score, NULL, 0, &theirs, sizeof theirs)); /* the successor, too */
    CHECK(theirs > mine || theirs == 1000);
    end_pool(pool);
}

static void d09_close(void)
{
    struct pool *pool = open_pool(2);
    struct death death = { BY_SIGNAL, SIGKILL };
    CHECK(pool_apply(pool, task_die, &death, sizeof death, NULL, 0) == -1);
    end_pool(pool);
    pool = open_pool(2);
    CHECK(pool_apply_async(pool, task_die, &death, sizeof death, 0, NULL) != NULL);
    OK(pool_close(pool));
    REFUSED(pool_join(pool, PATIENCE), EREMOTEIO, "1 job failed");
    CHECK_TEXT(pool_error()->text, "SIGKILL");
    pool_free(pool);
}

static void d10_terminate(void)
{
    struct pool *pool = open_pool(2);
    struct death death = { BY_SIGNAL, SIGKILL };
    CHECK(pool_apply(pool, task_die, &death, sizeof death, NULL, 0) == -1);
    OK(pool_terminate(pool));
    OK(pool_join(pool, PATIENCE));
    CHECK(no_children());
    pool_free(pool);
}

/* Killed while it runs the last tasks of a pool that is closed already: these are still done. */
static void d09_while_closing(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *first, *results[5];
    fill_with_gates(pool, &first, 1);
    for (int i = 0; i < 5; i++)
        results[i] = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL);
    OK(pool_close(pool));
    CHECK(kill(atomic_load(&shared->pid[0]), SIGKILL) == 0);
    REFUSED(pool_join(pool, PATIENCE), EREMOTEIO, "SIGKILL");
    for (int i = 0; i < 5; i++)
        OK(pool_result_get(results[i], NULL, 0));
    pool_free(pool);
}

/* A worker that is stopped is not dead: the others do its neighbours' work, and it goes on when it may. */
static void stopped_worker(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *result;
    fill_with_gates(pool, &result, 1);
    pid_t pid = atomic_load(&shared->pid[0]), out = 0;
    CHECK(kill(pid, SIGSTOP) == 0);
    still_good(pool, 2);
    gate_open();
    CHECK(kill(pid, SIGCONT) == 0);
    OK(pool_result_get(result, &out, PATIENCE));
    CHECK_EQ(out, pid);
    end_pool(pool);
}

static void nursery_killed(void)
{
    adopt_orphans();
    struct pool *pool = open_pool(2);
    struct pool_result *results[2];
    fill_with_gates(pool, results, 2);
    struct pool_result *queued = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL);
    CHECK(kill(nursery(), SIGKILL) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(pool_result_get(results[i], NULL, PATIENCE) == -1 && errno != ETIMEDOUT);
        CHECK_TEXT(pool_error()->text, "nursery");
    }
    CHECK(pool_result_get(queued, NULL, PATIENCE) == -1 && errno != ETIMEDOUT);
    long x = 2;
    CHECK(pool_apply(pool, task_square, &x, sizeof x, &x, sizeof x) == -1);
    CHECK_TEXT(pool_error()->text, "nursery");
    OK(pool_terminate(pool));
    pool_join(pool, PATIENCE);
    pool_free(pool);
    EVENTUALLY(no_children());
    CHECK(!is_alive(atomic_load(&shared->pid[0])) && !is_alive(atomic_load(&shared->pid[1])));
}

/* --- Processes of the tasks' own --- */

static int leave_a_child(const void *arg, void *result)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    *(pid_t *)result = pid;
    (void)arg;
    return pid > 0 ? 0 : -1;
}

static int wait_with_a_child(const void *arg, void *result)
{
    pid_t pid;
    leave_a_child(arg, &pid);
    atomic_store(&shared->mark, pid);
    return task_gate(arg, result);
}

static void children_of_the_killed(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *result = pool_apply_async(pool, wait_with_a_child, NULL, 0, sizeof(pid_t), NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    pid_t child = atomic_load(&shared->mark);
    CHECK(is_alive(child));
    CHECK(kill(atomic_load(&shared->pid[0]), SIGKILL) == 0);
    FAILED(pool_result_get(result, NULL, PATIENCE), EOWNERDEAD, 0);
    EVENTUALLY(!is_alive(child));
    still_good(pool, 1);
    end_pool(pool);
}

static void children_at_the_end(void)
{
    for (int how = 0; how < 3; how++) {
        struct pool *pool = open_pool(2);
        pid_t child = 0;
        OK(pool_apply(pool, leave_a_child, NULL, 0, &child, sizeof child));
        CHECK(is_alive(child));
        if (how < 2) {
            OK(how ? pool_terminate(pool) : pool_close(pool));
            OK(pool_join(pool, PATIENCE));
            CHECK(!is_alive(child));
        }
        pool_free(pool);
        CHECK(!is_alive(child));
    }
}

static int run_a_program(const void *arg, void *result)
{
    (void)arg;
    *(int *)result = system("exit 5");
    return 0;
}

static void children_of_a_task(void)
{
    struct pool *pool = open_pool(2);
    int out[10];
    OK(pool_map(pool, run_a_program, NULL, 10, 0, out, sizeof *out));
    for (int i = 0; i < 10; i++)
        CHECK_EQ(out[i], 5 << 8);
    end_pool(pool);
}

/* --- However many there are --- */

/* What the pool's places have finished, and how many workers died in them. */
static size_t all_finished(struct pool *pool, unsigned *deaths)
{
    struct pool_worker list[8];
    size_t finished = 0;
    int count = pool_workers(pool, list, 8);
    *deaths = 0;
    for (int i = 0; i < count; i++) {
        finished += list[i].finished;
        *deaths += list[i].deaths;
        CHECK_EQ((long long)(list[i].retry_in * 1e9), 0);
    }
    return finished;
}

static int task_nothing(const void *arg, void *result)
{
    (void)arg, (void)result;
    return 0;
}

static int every_tenth_dies(const void *arg, void *result)
{
    if (*(const long *)arg % 10 == 9)
        raise(SIGKILL);
    return task_square(arg, result);
}

static int every_tenth_lives(const void *arg, void *result)
{
    if (*(const long *)arg % 10 != 9)
        _exit(3);
    return task_square(arg, result);
}

/* Of each ten items one does what the others do not; all have their result, or their death, and are counted so. */
static void many_die(struct pool *pool, pool_task *task, long count, long chunk, bool tenth_lives)
{
    long *in = calloc((size_t)count, sizeof *in), *out = calloc((size_t)count, sizeof *out), good = 0, died = 0;
    unsigned deaths, before;
    size_t finished = all_finished(pool, &before);
    struct pool_error error;
    for (long i = 0; i < count; i++)
        in[i] = i;
    struct pool_result *result = pool_map_async(pool, task, in, (size_t)count, sizeof *in, sizeof *out,
                                                &(struct pool_job_options){ .chunk = chunk });
    FAILED(pool_result_get(result, out, 3 * PATIENCE), EOWNERDEAD, tenth_lives ? 0 : 9);
    for (long i = 0; i < count; i++)
        good += (i % 10 == 9) == tenth_lives && out[i] == i * i;
    for (size_t from = 0; pool_result_failure(result, from, &error) == 1; from = error.item + 1)
        died += error.code == EOWNERDEAD;
    CHECK_EQ(good, tenth_lives ? count / 10 : count / 10 * 9);
    CHECK_EQ(died, count - good);
    CHECK_EQ((long long)(all_finished(pool, &deaths) - finished), good);
    CHECK_EQ(deaths - before, died);
    free(in);
    free(out);
}

static void no_number_of_deaths(void)
{
    int rounds = unit_rounds(10);
    struct pool *pool = open_pool(2);
    many_die(pool, every_tenth_dies, 2000 * rounds, 10, false);
    still_good(pool, 2);
    many_die(pool, every_tenth_lives, 200 * rounds, 1, true);
    many_die(pool, every_tenth_lives, 100 * rounds, 0, true);
    still_good(pool, 2);
    end_pool(pool);
    pool = open_pool(1);
    many_die(pool, every_tenth_lives, 100 * rounds, 100 * rounds, true); /* all in one chunk */
    still_good(pool, 1);
    end_pool(pool);
}

static void idle_without_end(void)
{
    struct pool *pool = open_pool(2);
    struct pool_worker list[2];
    unsigned kills = (unsigned)unit_rounds(5000), deaths = 0;
    pid_t last[2] = { 0, 0 };
    for (unsigned killed = 0; killed < kills;)
        for (int i = 0; killed < kills && i < pool_workers(pool, list, 2); i++)
            if (list[i].pid && list[i].pid != last[i] && kill(list[i].pid, SIGKILL) == 0) {
                last[i] = list[i].pid;
                killed++;
            }
    EVENTUALLY((all_finished(pool, &deaths), deaths >= kills));
    CHECK_EQ(deaths, kills);
    still_good(pool, 2);
    end_pool(pool);
}

static int fail_or_die_at_first(const void *arg, void *result)
{
    long x = *(const long *)arg;
    if (x == 3 && pool_attempt() < 3)
        raise(SIGKILL);
    return x == 5 ? pool_fail("five") : task_square(arg, result);
}

/* An item that ended badly has ended; one that was tried three times has ended once; a worker that retires in the
 * middle of a chunk has done its part of it. */
static void counted_once(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .maxtasks = 4 });
    OK(pool ? 0 : -1);
    long in[10], out[10];
    unsigned deaths;
    for (long i = 0; i < 10; i++)
        in[i] = i;
    struct pool_job_options options = { .chunk = 10, .retries = 2 };
    FAILED(pool_result_get(pool_map_async(pool, fail_or_die_at_first, in, 10, sizeof *in, sizeof *out, &options), out,
                           PATIENCE),
           EREMOTEIO, 5);
    CHECK_EQ((long long)all_finished(pool, &deaths), 10);
    CHECK_EQ(deaths, 2);
    still_good(pool, 1);
    CHECK_EQ((long long)all_finished(pool, &deaths), 30);
    end_pool(pool);
}

/* When a map is done nobody runs anything, though the workers still look through a million chunks for one more. */
static void running_is_running(void)
{
    enum { MANY = 200000 };
    static char out[MANY];
    struct pool *pool = open_pool(2);
    struct pool_worker list[2];
    struct pool_job_options options = { .chunk = 1 };
    struct pool_result *result;
    for (int i = 0; i < unit_rounds(30); i++) {
        result = pool_map_async(pool, task_nothing, NULL, MANY, 0, 1, &options);
        OK(pool_result_get(result, out, 3 * PATIENCE));
        for (int look = 0; look < 100; look++) {
            CHECK_EQ(pool_workers(pool, list, 2), 2);
            CHECK(!list[0].running && !list[1].running);
        }
        pool_result_free(result);
    }
    fill_with_gates(pool, &result, 1);
    pool_workers(pool, list, 2);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(list[i].running, list[i].pid == atomic_load(&shared->pid[0]));
    gate_open();
    end_pool(pool);
}

static const struct unit_case cases[] = {
    { "D01 D02 SIGKILL in a task: that task fails, with signal and pid; the next is fine", d01_killed },
    { "D01 killed again and again, in every other task", d01_again_and_again },
    { "D03 the task beside the killed one is fine", d03_innocent },
    { "D04 R01 R03 exit, abort, signals, a stack that overflows: named in the text", d04_ways_to_die },
    { "D05 idle workers killed one by one, 20 times: the pool always answers", d05_idle_one_by_one },
    { "D05 H10 all idle workers killed at once, 20 times: no lock is kept", d05_idle_all_at_once },
    { "H6 eight workers die while the nursery is stopped: all are replaced, none is a zombie",
      h06_one_signal_for_many },
    { "D07 killed in a map: that item fails, the others are there, none runs twice", d07_in_map },
    { "D07 every other item kills its worker", d07_every_other },
    { "D07 the replies of killed tasks are given back", d07_replies },
    { "D09 close and join after a lost task", d09_close },
    { "D09 killed while the pool is closing: what is queued is still done", d09_while_closing },
    { "D10 terminate after a lost task", d10_terminate },
    { "D12 a worker dies half-way through reading an argument of 1 MiB", d12_half_read },
    { "D18 when memory runs out workers go first, and the error names the cause", d18_out_of_memory },
    { "D15 a task that exits with 0 is a death, not a success", d15_exit_0 },
    { "G01 a worker that is stopped holds up only its own task", stopped_worker },
    { "G04 the death of the nursery fails jobs, and leaves nobody", nursery_killed },
    { "G02 what a killed task started is killed", children_of_the_killed },
    { "G02 what tasks left running ends with the pool", children_at_the_end },
    { "G02 a task may run programs and wait for them", children_of_a_task },
    { "G01 thousands of deaths break no pool, and what ended is counted", no_number_of_deaths },
    { "G01 idle workers killed 5000 times", idle_without_end },
    { "an item that ended is counted once, whatever became of its neighbours", counted_once },
    { "only a worker that runs an item is told as running", running_is_running },
    { 0 },
};

const struct unit_suite unit_deaths = { "deaths", cases };
