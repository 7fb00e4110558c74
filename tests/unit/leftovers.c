/*
 * leftovers.c - what tasks leave running, and how a pool ends whose nursery does not answer.
 *
 * What a task leaves is killed when its worker dies, whatever became of its parents, and nothing that another task has
 * left; all of it is killed when the pool ends. Whoever may be killed here does nothing but wait for it.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* --- Trees --- */

enum { DEPTH = 4, LEFT_BY = UNIT_CELLS / 2 };

/* Starts a process below this one, and one below that, DEPTH of them, whose pids go into cells from `first` on. Of
 * `ends`, a bit for each, those are set whose processes end once they have started the next: then that one is an
 * orphan. */
static void start_tree(int first, unsigned ends)
{
    for (int i = 0; i < DEPTH; i++) {
        pid_t pid = fork();
        if (pid != 0) {
            if (i > 0 && ends & 1u << (i - 1))
                _exit(0);
            while (i > 0)
                pause();
            waitpid(ends & 1 ? pid : -1, NULL, ends & 1 ? 0 : WNOHANG);
            return;
        }
        setsid(); /* neither the group nor the session tells whose it is */
        atomic_store(&shared->cell[first + i], getpid());
    }
    for (;;)
        pause();
}

struct tree {
    int first;
    unsigned ends;
};

static bool tree_is_there(struct tree tree)
{
    bool there = true;
    for (int i = 0; i < DEPTH; i++) {
        pid_t pid = atomic_load(&shared->cell[tree.first + i]);
        there &= pid && is_alive(pid) == !(tree.ends & 1u << i);
    }
    return there;
}

static bool tree_is_gone(struct tree tree)
{
    bool gone = true;
    for (int i = 0; i < DEPTH; i++)
        gone &= !is_alive(atomic_load(&shared->cell[tree.first + i]));
    return gone;
}

static int leave_tree(const void *arg, void *result)
{
    const struct tree *tree = arg;
    atomic_store(&shared->cell[LEFT_BY + tree->first], getpid());
    start_tree(tree->first, tree->ends);
    while (!tree_is_there(*tree))
        unit_sleep(0.001);
    *(pid_t *)result = getpid();
    return 0;
}

static int leave_tree_and_wait(const void *arg, void *result)
{
    leave_tree(arg, result);
    return task_gate(arg, result);
}

static int leave_tree_and_die(const void *arg, void *result)
{
    leave_tree(arg, result);
    abort();
}

/* A tree whose third process is an orphan, one in which all but the last have ended, one in which all live. */
static const unsigned shapes[] = { 0, 2, 7, 5 };

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void whole_tree(void)
{
    struct pool *pool = open_pool(1);
    pid_t worker = 0;
    for (int i = 0; i < SHAPES; i++) {
        struct tree tree = { i * DEPTH, shapes[i] };
        OK(pool_apply(pool, leave_tree, &tree, sizeof tree, &worker, sizeof worker));
        CHECK(tree_is_there(tree)); /* although its task has ended */
        CHECK(kill(worker, SIGKILL) == 0);
        EVENTUALLY(tree_is_gone(tree));
    }
    end_pool(pool);
}

/* However a worker dies, what its task has started dies with it. */
static void each_way_to_die(void)
{
    struct pool *pool = open_pool(1);
    struct tree tree = { 0, 2 };
    FAILED(pool_apply(pool, leave_tree_and_die, &tree, sizeof tree, NULL, sizeof(pid_t)), EOWNERDEAD, 0);
    EVENTUALLY(tree_is_gone(tree));
    memset((void *)shared->cell, 0, sizeof shared->cell[0] * DEPTH);
    struct pool_result *result = pool_apply_async(pool, leave_tree_and_wait, &tree, sizeof tree, sizeof(pid_t), NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK_EQ(pool_result_cancel(result), 1);
    FAILED(pool_result_get(result, NULL, PATIENCE), ECANCELED, 0);
    EVENTUALLY(tree_is_gone(tree));
    memset((void *)shared->cell, 0, sizeof shared->cell[0] * DEPTH);
    struct pool_job_options options = { .limit = 0.3 };
    result = pool_apply_async(pool, leave_tree_and_wait, &tree, sizeof tree, sizeof(pid_t), &options);
    FAILED(pool_result_get(result, NULL, PATIENCE), ETIME, 0);
    EVENTUALLY(tree_is_gone(tree));
    end_pool(pool);
}

static int run_shell(const void *arg, void *result)
{
    (void)arg, (void)result;
    atomic_store(&shared->pid[0], getpid());
    atomic_fetch_add(&shared->arrived, 1);
    return system("sleep 1000 | sleep 1000 | cat");
}

static int below(pid_t pid)
{
    pid_t list[64];
    int count = children_of(pid, list, 64), all = count;
    for (int i = 0; i < count; i++)
        all += below(list[i]);
    return all;
}

/* Whether all workers are there, and nothing else below the nursery. */
static bool only_workers(struct pool *pool, int count)
{
    struct pool_worker list[8];
    bool there = pool_workers(pool, list, 8) == count && below(nursery()) == count;
    for (int i = 0; i < count; i++)
        there &= list[i].pid && is_alive(list[i].pid);
    return there;
}

static void shell(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *result = pool_apply_async(pool, run_shell, NULL, 0, 0, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1 && below(atomic_load(&shared->pid[0])) >= 4);
    CHECK_EQ(pool_result_cancel(result), 1);
    FAILED(pool_result_get(result, NULL, PATIENCE), ECANCELED, 0);
    EVENTUALLY(only_workers(pool, 2));
    end_pool(pool);
}

/* Stopped, deaf, and with no mind to end. */
static int leave_the_deaf(const void *arg, void *result)
{
    (void)arg;
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        atomic_fetch_add(&shared->runs, 1);
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    int status;
    waitpid(pid, &status, WUNTRACED);
    *(pid_t *)result = pid;
    return 0;
}

static void deaf(void)
{
    struct pool *pool = open_pool(1);
    pid_t left = 0, list[1];
    OK(pool_apply(pool, leave_the_deaf, NULL, 0, &left, sizeof left));
    CHECK(is_alive(left));
    CHECK(workers(list, 1) >= 1 && kill(list[0], SIGKILL) == 0);
    EVENTUALLY(!is_alive(left));
    end_pool(pool);
}

/* Each starts the next and ends: there is one at any time, and never the same. */
static int leave_a_chain(const void *arg, void *result)
{
    (void)arg;
    if (fork() == 0)
        for (;;) {
            pid_t next = fork();
            if (next != 0)
                _exit(0);
            atomic_store(&shared->cell[0], getpid());
            atomic_fetch_add(&shared->runs, 1);
            unit_sleep(0.002);
        }
    *(pid_t *)result = getpid();
    return 0;
}

static void chain(void)
{
    struct pool *pool = open_pool(2);
    pid_t worker = 0;
    OK(pool_apply(pool, leave_a_chain, NULL, 0, &worker, sizeof worker));
    EVENTUALLY(atomic_load(&shared->runs) > 3);
    CHECK(kill(worker, SIGKILL) == 0);
    EVENTUALLY(only_workers(pool, 2));
    CHECK(!is_alive(atomic_load(&shared->cell[0])));
    end_pool(pool);
}

/* --- Whose they are --- */

/* The one that is killed leaves a tree, its neighbour in the middle of a task and one that is idle have left theirs. */
static void nobody_elses(void)
{
    struct pool *pool = open_pool(2);
    pid_t worker = 0, list[2];
    struct tree neighbours = { 0, 7 }, own = { 0, 0 };
    struct pool_result *result =
        pool_apply_async(pool, leave_tree_and_wait, &neighbours, sizeof neighbours, sizeof(pid_t), NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    for (int i = 1; i < 4; i++) {
        own = (struct tree){ i * DEPTH, shapes[i] };
        OK(pool_apply(pool, leave_tree, &own, sizeof own, &worker, sizeof worker));
        CHECK(worker != atomic_load(&shared->pid[0]));
        CHECK(kill(worker, SIGKILL) == 0);
        EVENTUALLY(tree_is_gone(own));
        CHECK(tree_is_there(neighbours));
        EVENTUALLY(workers(list, 2) >= 2);
    }
    gate_open();
    OK(pool_result_get(result, NULL, PATIENCE));
    CHECK(tree_is_there(neighbours)); /* its worker lives, so it does */
    end_pool(pool);
    CHECK(tree_is_gone(neighbours));
}

/* What a worker that has retired left belongs to nobody who can die; it lives until the pool ends. */
static void of_the_retired(void)
{
    for (int how = 0; how < 3; how++) {
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .maxtasks = 1 });
        REQUIRE(pool != NULL);
        struct tree first = { 0, 7 }, second = { DEPTH, 2 };
        struct death death = { BY_SIGNAL, SIGSEGV };
        pid_t worker = 0;
        memset((void *)shared->cell, 0, sizeof shared->cell[0] * 2 * DEPTH);
        OK(pool_apply(pool, leave_tree, &first, sizeof first, &worker, sizeof worker));
        OK(pool_apply(pool, leave_tree, &second, sizeof second, &worker, sizeof worker));
        FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
        OK(pool_apply(pool, task_pid, NULL, 0, &worker, sizeof worker));
        CHECK(tree_is_there(first) && tree_is_there(second));
        if (how < 2) {
            OK(how ? pool_terminate(pool) : pool_close(pool));
            OK(pool_join(pool, PATIENCE));
        } else {
            pool_free(pool);
        }
        CHECK(tree_is_gone(first) && tree_is_gone(second));
        if (how < 2)
            pool_free(pool);
    }
}

/* So many workers that their pids do not fit into one page of what the system tells. */
static void many_workers(void)
{
    struct pool *pool = open_pool(unit_slow() ? 64 : 800);
    struct tree trees[3] = { { 0, 0 }, { DEPTH, 7 }, { 2 * DEPTH, 2 } };
    struct pool_result *results[3];
    for (int i = 0; i < 3; i++)
        results[i] = pool_apply_async(pool, leave_tree_and_wait, &trees[i], sizeof *trees, sizeof(pid_t), NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 3);
    CHECK(kill(atomic_load(&shared->cell[LEFT_BY + trees[2].first]), SIGKILL) == 0);
    FAILED(pool_result_get(results[2], NULL, PATIENCE), EOWNERDEAD, 0);
    EVENTUALLY(tree_is_gone(trees[2]));
    CHECK(tree_is_there(trees[0]) && tree_is_there(trees[1]));
    gate_open();
    end_pool(pool);
    CHECK(tree_is_gone(trees[0]) && tree_is_gone(trees[1]));
}

static int leave_a_hundred(const void *arg, void *result)
{
    for (int i = 0; i < 100; i++)
        if (fork() == 0)
            for (;;)
                pause();
    return leave_tree_and_die(arg, result);
}

/* All workers die at once, each of which has left more than a hundred. */
static void many_deaths(void)
{
    int count = unit_slow() ? 2 : 8;
    struct pool *pool = open_pool(count);
    struct tree trees[8];
    for (int i = 0; i < count; i++)
        trees[i] = (struct tree){ i * DEPTH, shapes[i % SHAPES] };
    struct pool_result *result =
        pool_map_async(pool, leave_a_hundred, trees, (size_t)count, sizeof *trees, sizeof(pid_t), NULL);
    FAILED(pool_result_get(result, NULL, PATIENCE), EOWNERDEAD, 0);
    EVENTUALLY(only_workers(pool, count));
    end_pool(pool);
}

/* The mark is the soft limit: the hard one is as it was, and where that is too low for it, nothing is marked: what is
 * left lives until the pool ends, rather than that somebody else's is killed. */
static int read_limit(const void *arg, void *result)
{
    (void)arg;
    return getrlimit(RLIMIT_LOCKS, result);
}

static void low_limit(void)
{
    struct rlimit before, locks = { 5, 1000 }, seen;
    REQUIRE(getrlimit(RLIMIT_LOCKS, &before) == 0);
    struct pool *pool = open_pool(2);
    OK(pool_apply(pool, read_limit, NULL, 0, &seen, sizeof seen));
    CHECK(seen.rlim_max == before.rlim_max);
    CHECK(getrlimit(RLIMIT_LOCKS, &seen) == 0 && seen.rlim_cur == before.rlim_cur);
    end_pool(pool);
    REQUIRE(setrlimit(RLIMIT_LOCKS, &locks) == 0);
    pool = open_pool(2);
    struct tree tree = { 0, 7 };
    pid_t worker = 0, list[8];
    OK(pool_apply(pool, leave_tree, &tree, sizeof tree, &worker, sizeof worker));
    OK(pool_apply(pool, read_limit, NULL, 0, &seen, sizeof seen));
    CHECK(seen.rlim_cur == 5 && seen.rlim_max == 1000);
    CHECK(kill(worker, SIGKILL) == 0);
    EVENTUALLY(!is_alive(worker) && workers(list, 8) == 3);
    CHECK(tree_is_there(tree));
    end_pool(pool);
    CHECK(tree_is_gone(tree));
}

/* --- Pools in tasks --- */

/* Opens a pool and has a tree left in it; then waits in that. */
static int leave_in_a_pool(const void *arg, void *result)
{
    pid_t worker = 0, list[2];
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2 });
    if (!pool || pool_apply(pool, leave_tree, arg, sizeof(struct tree), &worker, sizeof worker) != 0)
        return pool_fail("inside: %s", pool_error()->text);
    children_of(getpid(), list, 2);
    atomic_store(&shared->mark, list[0]); /* the nursery */
    return leave_tree_and_wait(&(struct tree){ DEPTH, 2 }, result);
}

static void nested(void)
{
    for (int which = 0; which < 2; which++) {
        struct pool *pool = open_pool(2);
        struct tree inner = { 0, 7 }, outer = { DEPTH, 2 };
        memset((void *)shared->cell, 0, sizeof shared->cell[0] * 2 * DEPTH);
        int arrived = atomic_load(&shared->arrived);
        struct pool_result *result = pool_apply_async(pool, leave_in_a_pool, &inner, sizeof inner, sizeof(pid_t), NULL);
        EVENTUALLY(atomic_load(&shared->arrived) == arrived + 1);
        CHECK(tree_is_there(inner) && tree_is_there(outer));
        CHECK(kill(which ? atomic_load(&shared->mark) : atomic_load(&shared->pid[arrived]), SIGKILL) == 0);
        EVENTUALLY(tree_is_gone(inner));
        EVENTUALLY(which || tree_is_gone(outer));
        CHECK(!which || tree_is_there(outer)); /* only the pool inside has lost its nursery */
        OK(pool_result_cancel(result) >= 0 ? 0 : -1);
        pool_result_wait(result, PATIENCE);
        EVENTUALLY(only_workers(pool, 2));
        OK(pool_terminate(pool));
        pool_join(pool, PATIENCE);
        pool_free(pool);
    }
}

/* --- A nursery that is stopped, or held --- */

static void stop_nursery(void)
{
    int status;
    pid_t pid = nursery();
    CHECK(kill(pid, SIGSTOP) == 0);
    CHECK(waitpid(pid, &status, WUNTRACED | __WALL) == pid && WIFSTOPPED(status));
}

/* With no end to its grace, the pool would wait for ever for a nursery that does not even begin. */
static void stopped_and_ended(void)
{
    adopt_orphans();
    for (int how = 0; how < 3; how++) {
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .grace = 1e6 });
        REQUIRE(pool != NULL);
        struct pool_result *result = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
        EVENTUALLY(atomic_load(&shared->arrived) == how + 1);
        stop_nursery();
        if (how == 0) {
            OK(pool_terminate(pool));
            FAILED(pool_result_get(result, NULL, 0), ECANCELED, 0);
            OK(pool_join(pool, POOL_FOREVER));
        } else if (how == 1) {
            CHECK_EQ(pool_result_cancel(result), 1);
            FAILED(pool_result_get(result, NULL, POOL_FOREVER), ECANCELED, 0);
            stop_nursery();
            OK(pool_close(pool));
            OK(pool_join(pool, POOL_FOREVER));
        }
        pool_free(pool);
        EVENTUALLY(no_children());
    }
}

/* It is told to go on whenever somebody waits. */
static void stopped_and_waited_for(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *result;
    fill_with_gates(pool, &result, 1);
    stop_nursery();
    CHECK(kill(atomic_load(&shared->pid[0]), SIGKILL) == 0);
    FAILED(pool_result_get(result, NULL, POOL_FOREVER), EOWNERDEAD, 0);
    end_pool(pool);
}

static int stop_the_nursery_and_fail(void *cookie)
{
    (void)cookie;
    kill(getppid(), SIGSTOP);
    return pool_fail("it is stopped");
}

static void stopped_at_the_opening(void)
{
    REFUSED_NULL(pool_open(&(struct pool_options){ .processes = 2, .initializer = stop_the_nursery_and_fail }),
                 EREMOTEIO, "it is stopped");
    CHECK(no_children());
}

/* A debugger holds the nursery: nothing makes it go on. */
static void hold(void)
{
    pid_t pid = atomic_load(&shared->mark);
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
        _exit(1);
    waitpid(pid, NULL, __WALL);
    gate_open();
    for (;;)
        pause();
}

static void held(void)
{
    adopt_orphans();
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .grace = 0.1 });
    REQUIRE(pool != NULL);
    struct pool_result *result = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    atomic_store(&shared->mark, nursery());
    pid_t debugger = program_start(hold);
    EVENTUALLY(atomic_load(&shared->gate) == 1 || !is_alive(debugger));
    if (is_alive(debugger)) { /* else it must not do that here */
        OK(pool_terminate(pool));
        FAILED(pool_result_get(result, NULL, 0), ECANCELED, 0);
        REFUSED(pool_join(pool, 0), ETIMEDOUT, "");
        CHECK(!is_alive(atomic_load(&shared->pid[0])));
    }
    pool_free(pool);
    kill(debugger, SIGKILL);
    program_wait(debugger);
    waitpid(atomic_load(&shared->mark), NULL, __WALL);
    EVENTUALLY(no_children());
}

static const struct unit_case cases[] = {
    { "G20 all generations, whichever of them have ended", whole_tree },
    { "G20 however the worker dies", each_way_to_die },
    { "G20 a shell's pipeline, cancelled", shell },
    { "G20 stopped, with all signals blocked", deaf },
    { "G20 a chain of processes of which each starts the next and ends", chain },
    { "G20 nothing that another worker has left", nobody_elses },
    { "G20 what the retired left lives until the pool ends", of_the_retired },
    { "G20 with 800 workers", many_workers },
    { "G20 eight at once that left more than a hundred each", many_deaths },
    { "G20 the limit that marks them: the hard one is left alone, a low one means no mark", low_limit },
    { "G20 a pool in a task: its leftovers, when the worker outside is killed, or the nursery inside", nested },
    { "G04 the nursery is stopped: terminate, cancel, join and free do what they say", stopped_and_ended },
    { "G04 the nursery is stopped: a worker that dies meanwhile is seen", stopped_and_waited_for },
    { "G04 the nursery is stopped: pool_open fails as it would", stopped_at_the_opening },
    { "G04 a debugger holds the nursery: terminate and free end", held },
    { 0 },
};

const struct unit_suite unit_leftovers = { "leftovers", cases };
