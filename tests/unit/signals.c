/*
 * signals.c - Ctrl+C, the caller's end in every form, inherited masks, and pool_interrupt().
 *
 * What happens to a program whose caller dies is seen from outside: the program is a child of the test,
 * leader of a process group of its own, and the test adopts what it leaves. "Nothing left" is then: the test
 * has no child.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

/* --- Programs under test --- */

static struct pool *the_pool;

static int count_start(void *initarg)
{
    (void)initarg;
    atomic_fetch_add(&shared->runs, 1);
    return 0;
}

static struct pool *open_counting(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .initializer = count_start });
    OK(pool ? 0 : -1);
    return pool;
}

static void run_busy(void)
{
    char out[4];
    the_pool = open_counting();
    pool_map(the_pool, task_forever, NULL, 4, 0, out, 1);
    CHECK(!"the map has ended");
}

static void run_idle(void)
{
    the_pool = open_counting();
    atomic_store(&shared->arrived, 2);
    for (;;)
        pause();
}

static void on_signal(int number)
{
    (void)number;
    pool_interrupt(the_pool);
}

static void run_and_handle(void)
{
    char out[4];
    the_pool = open_counting();
    signal(SIGINT, on_signal);
    REFUSED(pool_map(the_pool, task_forever, NULL, 4, 0, out, 1), EINTR, "interrupt");
    OK(pool_terminate(the_pool));
    OK(pool_join(the_pool, PATIENCE));
    pool_free(the_pool);
    CHECK(no_children());
}

/* Starts the program and waits until its two workers are where they should be. */
static pid_t start(void (*body)(void))
{
    memset(shared, 0, sizeof *shared);
    pid_t pid = program_start(body);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    return pid;
}

static void check_nothing_left(void)
{
    EVENTUALLY(no_children());
    CHECK_EQ(atomic_load(&shared->runs), 2); /* and nobody was started after the end */
}

static void s01_s02(void (*body)(void), bool group, int rounds)
{
    adopt_orphans();
    for (int i = 0; i < rounds; i++) {
        pid_t pid = start(body);
        CHECK(kill(group ? -pid : pid, SIGINT) == 0);
        int status = program_wait(pid);
        if (body == run_and_handle)
            CHECK_EQ(status, 0);
        else
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
        check_nothing_left();
    }
}

static void s01_group(void)
{
    s01_s02(run_busy, true, unit_rounds(50));
}

static void s01_group_handled(void)
{
    s01_s02(run_and_handle, true, unit_rounds(50));
}

static void s02_caller(void)
{
    s01_s02(run_busy, false, unit_rounds(50));
}

static void s02_caller_handled(void)
{
    s01_s02(run_and_handle, false, unit_rounds(50));
}

/* Workers take no notice of it: a Ctrl+C that the program ignores stops nothing. */
static void s01_ignored(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *results[2];
    pid_t pid;
    fill_with_gates(pool, results, 2);
    signal(SIGINT, SIG_IGN);
    CHECK(kill(0, SIGINT) == 0); /* the whole group, as the terminal does */
    signal(SIGINT, SIG_DFL);
    gate_open();
    for (int i = 0; i < 2; i++)
        OK(pool_result_get(results[i], &pid, PATIENCE));
    CHECK_EQ(worker_count(), 2);
    end_pool(pool);
}

static void end_by(int number, void (*body)(void))
{
    adopt_orphans();
    for (int i = 0; i < unit_rounds(20); i++) {
        pid_t pid = start(body);
        CHECK(kill(pid, number) == 0);
        int status = program_wait(pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == number);
        check_nothing_left();
    }
}

static void s03_term(void)
{
    end_by(SIGTERM, run_busy);
    end_by(SIGTERM, run_idle);
}

static void s04_kill(void)
{
    end_by(SIGKILL, run_busy);
    end_by(SIGKILL, run_idle);
}

/* A child of the program's own holds every descriptor that the pool opened, and lives on. */
static void run_with_a_child(void)
{
    the_pool = open_counting();
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    atomic_store(&shared->mark, pid);
    CHECK(pool_map_async(the_pool, task_forever, NULL, 2, 0, 0, &(struct pool_job_options){ .chunk = 1 }) != NULL);
    for (;;)
        pause();
}

static bool only_child_is(pid_t pid)
{
    pid_t list[8];
    while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
        ;
    return children_of(getpid(), list, 8) == 1 && list[0] == pid;
}

static void s04_with_a_child(void)
{
    adopt_orphans();
    pid_t pid = start(run_with_a_child), child = atomic_load(&shared->mark);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(WIFSIGNALED(program_wait(pid)));
    EVENTUALLY(only_child_is(child));
    CHECK(kill(child, SIGKILL) == 0);
    check_nothing_left();
}

static void run_then_exec(void)
{
    the_pool = open_counting();
    CHECK(pool_map_async(the_pool, task_forever, NULL, 2, 0, 0, &(struct pool_job_options){ .chunk = 1 }) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    pid_t below[64];
    atomic_store(&shared->mark, children_of(nursery(), below, 64));
    execl("/bin/sleep", "sleep", "1000", (char *)NULL);
    CHECK(!"sleep cannot be run");
}

static void s04_exec(void)
{
    adopt_orphans();
    pid_t pid = start(run_then_exec);
    EVENTUALLY(atomic_load(&shared->mark) == 2 && living_children(pid) == 0);
    CHECK(kill(pid, SIGKILL) == 0);
    program_wait(pid);
    check_nothing_left();
}

/* A child holds a copy of what would tell the nursery of the exec: it learns of that when the child has ended, too. */
static void run_with_a_child_then_exec(void)
{
    the_pool = open_counting();
    pid_t pid = fork();
    while (pid == 0)
        pause();
    atomic_store(&shared->mark, pid);
    CHECK(pool_map_async(the_pool, task_forever, NULL, 2, 0, 0, &(struct pool_job_options){ .chunk = 1 }) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    execl("/bin/sleep", "sleep", "1000", (char *)NULL);
    CHECK(!"sleep cannot be run");
}

static void s04_exec_with_a_child(void)
{
    adopt_orphans();
    pid_t pid = start(run_with_a_child_then_exec);
    CHECK(kill(atomic_load(&shared->mark), SIGKILL) == 0);
    EVENTUALLY(living_children(pid) == 0);
    CHECK(kill(pid, SIGKILL) == 0);
    program_wait(pid);
    check_nothing_left();
}

static int leave_a_child(const void *arg, void *result)
{
    if (fork() == 0)
        for (;;)
            pause();
    return task_forever(arg, result);
}

static void run_with_grandchildren(void)
{
    the_pool = open_counting();
    CHECK(pool_map_async(the_pool, leave_a_child, NULL, 2, 0, 0, &(struct pool_job_options){ .chunk = 1 }) != NULL);
    for (;;)
        pause();
}

static void s04_grandchildren(void)
{
    adopt_orphans();
    for (int i = 0; i < unit_rounds(20); i++) {
        pid_t pid = start(run_with_grandchildren);
        CHECK(kill(pid, SIGKILL) == 0);
        program_wait(pid);
        check_nothing_left();
    }
}

static void run_and_crash(void)
{
    the_pool = open_counting();
    CHECK(pool_map_async(the_pool, task_forever, NULL, 2, 0, 0, &(struct pool_job_options){ .chunk = 1 }) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void s04_crash(void)
{
    adopt_orphans();
    pid_t pid = start(run_and_crash);
    CHECK(WTERMSIG(program_wait(pid)) == SIGSEGV);
    check_nothing_left();
}

/* --- Inherited state --- */

struct state {
    sigset_t mask;
    sighandler_t handlers[NSIG];
};

static int read_state(const void *arg, void *result)
{
    struct state *state = result;
    (void)arg;
    sigprocmask(SIG_SETMASK, NULL, &state->mask);
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action = { 0 };
        sigaction(number, NULL, &action);
        state->handlers[number] = action.sa_handler;
    }
    return 0;
}

static void check_worker_state(struct pool *pool)
{
    static const int usual[] = { SIGTERM, SIGCHLD, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGQUIT };
    struct state state;
    OK(pool_apply(pool, read_state, NULL, 0, &state, sizeof state));
    for (int number = 1; number < NSIG; number++)
        unit_check(sigismember(&state.mask, number) != 1, __FILE__, __LINE__, "signal %d is blocked in a worker",
                   number);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        unit_check(state.handlers[usual[i]] == SIG_DFL, __FILE__, __LINE__, "SIG%s is not default in a worker",
                   sigabbrev_np(usual[i]));
}

/* The pool's whole life under whatever the caller inherited; the caller's own state must not change. */
static void live_a_life(void)
{
    struct host before;
    struct death death = { BY_SIGNAL, SIGKILL };
    long x = 4, out = 0;
    host_look(&before);
    struct pool *pool = open_pool(2);
    check_worker_state(pool);
    FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
    CHECK_EQ(pool_error()->signal, SIGKILL); /* the status is not lost, as it would be with SIGCHLD ignored */
    OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
    check_worker_state(pool);
    struct pool_result *result = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    OK(pool_terminate(pool)); /* TERM must get through */
    OK(pool_join(pool, PATIENCE));
    FAILED(pool_result_get(result, NULL, 0), ECANCELED, 0);
    pool_free(pool);
    UNCHANGED(&before);
}

/* What a program that a task runs has inherited: the line of /proc/self/status that begins so. Without a shell between,
 * which would change it. */
static int read_status_line(const void *arg, void *result)
{
    int ends[2], status = -1;
    char line[64] = "";
    if (pipe(ends) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp("grep", "grep", (const char *)arg, "/proc/self/status", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    waitpid(pid, &status, 0);
    return got > 0 && status == 0 && sscanf(line, "%*s %lx", (unsigned long *)result) == 1 ? 0 : pool_fail("%s", line);
}

static void check_programs_of_tasks(void)
{
    struct pool *pool = open_pool(2);
    unsigned long blocked = 1, ignored = 1;
    OK(pool_apply(pool, read_status_line, "SigBlk", 7, &blocked, sizeof blocked));
    OK(pool_apply(pool, read_status_line, "SigIgn", 7, &ignored, sizeof ignored));
    CHECK_EQ(blocked, 0);
    CHECK_EQ(ignored & 0x7ffffffe, 0); /* bit 0 is SIGHUP: whoever ignores that wants it inherited, as nohup does */
    end_pool(pool);
}

static void h02_programs(void)
{
    sigset_t all;
    check_programs_of_tasks();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    check_programs_of_tasks();
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    check_programs_of_tasks();
}

/* --- Threads of the library's --- */

static int read_mask(const void *arg, void *result)
{
    pthread_sigmask(SIG_SETMASK, NULL, result);
    return task_gate(arg, &(pid_t){ 0 });
}

static void count_where(int number)
{
    (void)number;
    atomic_fetch_add(&shared->calls, 1);
    if (gettid() != getpid())
        atomic_fetch_add(&shared->mark, 1);
}

/* Handlers run in the program's own thread; which would take every other signal if the library's could, too. */
static void h03_right_thread(void)
{
    struct pool *pool = open_pool(3);
    struct pool_result *results[3];
    sigset_t mask;
    for (int i = 0; i < 3; i++)
        results[i] = pool_apply_async(pool, read_mask, NULL, 0, sizeof mask, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 3);
    signal(SIGUSR1, count_where);
    for (int i = 0; i < 300; i++) {
        CHECK(kill(getpid(), SIGUSR1) == 0);
        EVENTUALLY(atomic_load(&shared->calls) == i + 1);
    }
    CHECK_EQ(atomic_load(&shared->mark), 0);
    gate_open();
    for (int i = 0; i < 3; i++) {
        OK(pool_result_get(results[i], &mask, PATIENCE));
        for (int number = 1; number < 32; number++)
            CHECK(sigismember(&mask, number) || number == SIGKILL || number == SIGSTOP);
    }
    end_pool(pool);
}

static void s07_blocked(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    live_a_life();
}

static void s07_ignored(void)
{
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN); /* KILL, STOP and libc's own refuse */
    live_a_life();
}

static void unexpected(int number)
{
    atomic_fetch_add(&shared->mark, number);
}

static void s07_handled(void)
{
    for (int number = 1; number < NSIG; number++)
        if (number != SIGSEGV && number != SIGBUS && number != SIGILL && number != SIGFPE)
            signal(number, unexpected);
    live_a_life();
    CHECK_EQ(atomic_load(&shared->mark), 0); /* no signal ever reached the program */
}

static void s07_no_cldwait(void)
{
    sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT }, NULL);
    live_a_life();
}

/* All that the pool consists of dies; the caller, with SIGPIPE at its default, lives and is told. */
static void s08_sigpipe(void)
{
    adopt_orphans();
    struct pool *pool = open_pool(2);
    pid_t list[2], old = nursery();
    long x = 3, out;
    EVENTUALLY(workers(list, 2) == 2);
    kill(old, SIGKILL);
    for (int i = 0; i < 2; i++)
        kill(list[i], SIGKILL);
    for (int i = 0; i < 5; i++)
        CHECK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out) == -1);
    OK(pool_terminate(pool));
    pool_join(pool, PATIENCE);
    pool_free(pool);
    EVENTUALLY(no_children());
}

static void nothing(int number)
{
    (void)number;
}

/* A timer signal every few hundred microseconds, without SA_RESTART: waits go on, timeouts are not cut short. */
static void g10_storm(void)
{
    struct itimerval every = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
    sigaction(SIGALRM, &(struct sigaction){ .sa_handler = nothing }, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    struct pool *pool = open_pool(2);
    static long in[20000], out[20000];
    for (long i = 0; i < 20000; i++)
        in[i] = i;
    for (int i = 0; i < unit_rounds(100); i++) {
        OK(pool_map(pool, task_square, in, 200, sizeof *in, out, sizeof *out));
        OK(pool_apply(pool, task_square, in + 7, sizeof *in, out, sizeof *out));
    }
    struct pool_result *result;
    fill_with_gates(pool, &result, 1);
    double before = unit_now();
    REFUSED(pool_result_wait(result, 0.1), ETIMEDOUT, "");
    CHECK(unit_now() - before >= 0.1);
    gate_open();
    end_pool(pool);
    setitimer(ITIMER_REAL, &never, NULL);
}

/* --- pool_interrupt --- */

static pid_t the_caller;

/* Sends the program the signal whose handler interrupts the pool. Whether it waits already does not matter. */
static int signal_the_caller(const void *arg, void *result)
{
    (void)arg, (void)result;
    atomic_fetch_add(&shared->runs, 1);
    kill(the_caller, SIGUSR1);
    gate_wait();
    return 0;
}

static struct pool *open_interruptible(int processes)
{
    the_caller = getpid();
    the_pool = open_pool(processes);
    signal(SIGUSR1, on_signal);
    return the_pool;
}

static void check_usable(struct pool *pool)
{
    long x = 5, out = 0;
    OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
    CHECK_EQ(out, 25);
}

static void interrupt_map(void)
{
    struct pool *pool = open_interruptible(1);
    char out[100];
    REFUSED(pool_map(pool, signal_the_caller, NULL, 100, 0, out, 1), EINTR, "interrupt");
    gate_open();
    check_usable(pool);
    end_pool(pool);
    CHECK_EQ(atomic_load(&shared->runs), 1); /* all the others had not begun */
}

static int signal_star(const void *const *args, void *result)
{
    (void)args;
    return signal_the_caller(NULL, result);
}

static void interrupt_starmap_apply(void)
{
    struct pool *pool = open_interruptible(1);
    char in[100], out[100];
    REFUSED(pool_starmap(pool, signal_star, &(struct pool_column){ in, 1 }, 1, 100, out, 1), EINTR, "interrupt");
    gate_open();
    check_usable(pool);
    atomic_store(&shared->gate, 0);
    REFUSED(pool_apply(pool, signal_the_caller, NULL, 0, NULL, 0), EINTR, "interrupt");
    gate_open();
    check_usable(pool);
    end_pool(pool);
    CHECK_EQ(atomic_load(&shared->runs), 2);
}

static void interrupt_get(void)
{
    struct pool *pool = open_interruptible(1);
    struct pool_result *result = pool_map_async(pool, signal_the_caller, NULL, 5, 0, 0, NULL);
    REFUSED(pool_result_get(result, NULL, POOL_FOREVER), EINTR, "interrupt");
    pool_interrupt(pool);
    REFUSED(pool_result_wait(result, POOL_FOREVER), EINTR, "interrupt");
    gate_open();
    for (int tries = 0; pool_result_get(result, NULL, PATIENCE) != 0 && tries < 10; tries++)
        CHECK(errno == EINTR); /* the job itself goes on, and each of its tasks interrupts us once */
    CHECK_EQ(pool_result_successful(result), 1);
    CHECK_EQ(atomic_load(&shared->runs), 5);
    while (pool_close(pool), pool_join(pool, PATIENCE) == -1 && errno == EINTR)
        ;
    pool_free(pool);
}

static int endless(void *state, void *item)
{
    (void)state, (void)item;
    return 1;
}

static void interrupt_next_join(void)
{
    struct pool *pool = open_interruptible(1);
    struct pool_iter *iter = pool_imap(pool, signal_the_caller, endless, NULL, 0, 0, NULL);
    REFUSED(pool_iter_next(iter, NULL, POOL_FOREVER), EINTR, "interrupt");
    signal(SIGUSR1, SIG_IGN);
    OK(pool_close(pool));
    pool_interrupt(pool);
    REFUSED(pool_join(pool, POOL_FOREVER), EINTR, "interrupt");
    gate_open();
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static void interrupt_nobody(void)
{
    struct pool *pool = open_interruptible(1);
    struct pool_result *result;
    pid_t pid;
    pool_interrupt(pool);
    REFUSED(pool_apply(pool, task_gate, NULL, 0, &pid, sizeof pid), EINTR, "interrupt");
    gate_open();
    check_usable(pool);
    atomic_store(&shared->gate, 0);
    fill_with_gates(pool, &result, 1); /* handing over does not wait, so it is not interrupted */
    pool_interrupt(pool);
    CHECK(!pool_result_ready(result)); /* nor is asking */
    REFUSED(pool_result_get(result, &pid, POOL_FOREVER), EINTR, "interrupt");
    gate_open();
    OK(pool_result_get(result, &pid, PATIENCE));
    end_pool(pool);
}

/* Several threads wait; one call of pool_interrupt ends all their waits. */
static void *wait_in_thread(void *cookie)
{
    atomic_fetch_add(&shared->calls, 1);
    REFUSED(pool_result_wait(cookie, POOL_FOREVER), EINTR, "interrupt");
    return NULL;
}

static void interrupt_threads(void)
{
    struct pool *pool = open_interruptible(1);
    struct pool_result *result;
    pthread_t threads[4];
    fill_with_gates(pool, &result, 1);
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, wait_in_thread, result) == 0);
    EVENTUALLY(atomic_load(&shared->calls) == 4 && threads_asleep() == 4 + (unit_kind == POOL_THREADS));
    pool_interrupt(pool);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    gate_open();
    end_pool(pool);
}

static void interrupt_full_ring(void)
{
    struct pool *pool = open_interruptible(1);
    struct pool_result *result;
    struct pool_job_options options = { .nowait = true };
    fill_with_gates(pool, &result, 1);
    while (pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), &options))
        ;
    pool_interrupt(pool);
    REFUSED_NULL(pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL), EINTR, "interrupt");
    gate_open();
    check_usable(pool);
    end_pool(pool);
}

static const struct unit_case cases[] = {
    { "S01 SIGINT to the group: the program ends, nothing is left, nobody is started", s01_group },
    { "S01 SIGINT to the group, handled with pool_interrupt: the map says EINTR", s01_group_handled },
    { "S01 SIGINT that the program ignores stops no worker", s01_ignored },
    { "S02 SIGINT to the caller only", s02_caller },
    { "S02 SIGINT to the caller only, handled", s02_caller_handled },
    { "S03 SIGTERM to the caller, busy and idle: nothing is left", s03_term },
    { "S04 SIGKILL to the caller, busy and idle: nothing is left", s04_kill },
    { "S04 H5 SIGKILL, while a child of the program's own holds all descriptors", s04_with_a_child },
    { "S04 the caller becomes another program by exec", s04_exec },
    { "S04 the same, and a child of its own that does not ends later", s04_exec_with_a_child },
    { "S04 SIGKILL, and the tasks have children of their own", s04_grandchildren },
    { "S04 the caller crashes", s04_crash },
    { "S07 H2 all signals blocked at start: workers' masks are empty, the caller's stays", s07_blocked },
    { "S07 H1 all signals ignored at start", s07_ignored },
    { "S07 all signals handled: none is delivered", s07_handled },
    { "H2 programs that tasks run: nothing is blocked, nothing but SIGHUP ignored", h02_programs },
    { "H3 handlers run in the program's thread: the library's have all signals blocked", h03_right_thread, THREADS },
    { "S07 H1 SA_NOCLDWAIT at start", s07_no_cldwait },
    { "S08 H11 workers and nursery dead, SIGPIPE default: the caller lives", s08_sigpipe },
    { "G10 H7 a storm of signals cuts no wait short", g10_storm, TWINS },
    { "G03 pool_interrupt: map says EINTR, items not begun never run, the pool is usable", interrupt_map, TWINS },
    { "G03 pool_interrupt: starmap and apply", interrupt_starmap_apply, TWINS },
    { "G03 pool_interrupt: get and wait say EINTR, the job goes on", interrupt_get, TWINS },
    { "G03 pool_interrupt: next and join", interrupt_next_join, TWINS },
    { "G03 pool_interrupt while nobody waits: the next call that would", interrupt_nobody, TWINS },
    { "G03 pool_interrupt ends the waits of several threads", interrupt_threads, TWINS },
    { "G03 pool_interrupt: a submitter that waits for room", interrupt_full_ring, TWINS },
    { 0 },
};

const struct unit_suite unit_signals = { "signals", cases };
