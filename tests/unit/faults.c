/*
 * faults.c - system calls that fail: the Nth of a kind, N rising until there are not so many.
 *
 * The test program is linked with --wrap, so that the library's calls of fork(), mmap(), malloc() and so on
 * come here first. Which kind is to fail, and the how-manieth call of it, stands in memory that the caller,
 * the nursery and the workers share, so that a failure can hit each of them. Whatever fails: every call of
 * the pool either succeeds with the right values or fails with a code and words, nothing hangs, and in the
 * end nothing is left.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum fault {
    FAULT_NONE,
    FAULT_PROCESS,
    FAULT_MEMORY,
    FAULT_DESCRIPTOR,
    FAULT_SLEEP,
    FAULT_ANSWER,      /* EINTR to a call that is not a sleep */
    FAULT_KILL,        /* ESRCH */
    FAULT_SEND,        /* EAGAIN */
    FAULT_WOKEN_STOPS, /* who is woken is stopped, before it does anything */
    FAULT_WOKEN_DIES,
    FAULT_PROTECTED, /* the process fault_at must not be killed */
    FAULT_NO_LIST,   /* no process can be asked for its children */
};

/* Whether this call is the one that is to fail. */
static bool strikes(enum fault kind)
{
    if (!shared || atomic_load(&shared->fault) != (int)kind)
        return false;
    int number = atomic_fetch_add(&shared->fault_count, 1) + 1, at = atomic_load(&shared->fault_at);
    return number == at || (number > at && atomic_load(&shared->fault_on));
}

static long fail_with(int code)
{
    errno = code;
    return -1;
}

/* --- What the linker puts in front of the C library: __wrap_f is called for f, __real_f is f --- */

pid_t __real_fork(void);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
int __real_socketpair(int domain, int type, int protocol, int ends[2]);
int __real_open(const char *path, int flags, ...);
FILE *__real_fopen(const char *path, const char *mode);
int __real_poll(struct pollfd *list, nfds_t count, int timeout);
long __real_syscall(long number, ...);
int __real_kill(pid_t pid, int signal);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
pid_t __real_waitpid(pid_t pid, int *status, int options);
int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __real_prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old);

pid_t __wrap_fork(void);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_socketpair(int domain, int type, int protocol, int ends[2]);
int __wrap_open(const char *path, int flags, ...);
FILE *__wrap_fopen(const char *path, const char *mode);
int __wrap_poll(struct pollfd *list, nfds_t count, int timeout);
long __wrap_syscall(long number, ...);
int __wrap_kill(pid_t pid, int signal);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __wrap_prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old);

pid_t __wrap_fork(void)
{
    return strikes(FAULT_PROCESS) ? (pid_t)fail_with(EAGAIN) : __real_fork();
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (strikes(FAULT_MEMORY))
        return (void *)fail_with(ENOMEM); /* MAP_FAILED */
    return __real_mmap(at, size, protection, flags, fd, offset);
}

void *__wrap_malloc(size_t size)
{
    return strikes(FAULT_MEMORY) ? (fail_with(ENOMEM), NULL) : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return strikes(FAULT_MEMORY) ? (fail_with(ENOMEM), NULL) : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return strikes(FAULT_MEMORY) ? (fail_with(ENOMEM), NULL) : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return strikes(FAULT_MEMORY) ? (fail_with(ENOMEM), NULL) : __real_strdup(text);
}

int __wrap_socketpair(int domain, int type, int protocol, int ends[2])
{
    return strikes(FAULT_DESCRIPTOR) ? (int)fail_with(EMFILE) : __real_socketpair(domain, type, protocol, ends);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    return strikes(FAULT_DESCRIPTOR) ? (int)fail_with(EMFILE) : __real_open(path, flags, mode);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (shared && atomic_load(&shared->fault) == FAULT_NO_LIST && strstr(path, "/children"))
        return fail_with(ENOENT), NULL;
    return strikes(FAULT_DESCRIPTOR) ? (fail_with(EMFILE), NULL) : __real_fopen(path, mode);
}

int __wrap_poll(struct pollfd *list, nfds_t count, int timeout)
{
    return strikes(FAULT_SLEEP) ? (int)fail_with(EINTR) : __real_poll(list, count, timeout);
}

int __wrap_kill(pid_t pid, int signal)
{
    if (shared && atomic_load(&shared->fault) == FAULT_PROTECTED && pid == atomic_load(&shared->fault_at))
        return (int)fail_with(EPERM);
    return strikes(FAULT_KILL) ? (int)fail_with(ESRCH) : __real_kill(pid, signal);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    if (strikes(FAULT_SEND))
        return fail_with(EAGAIN);
    return strikes(FAULT_ANSWER) ? fail_with(EINTR) : __real_send(fd, bytes, size, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    return strikes(FAULT_ANSWER) ? fail_with(EINTR) : __real_recv(fd, bytes, size, flags);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    return strikes(FAULT_ANSWER) ? (pid_t)fail_with(EINTR) : __real_waitpid(pid, status, options);
}

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    return strikes(FAULT_ANSWER) ? (int)fail_with(EINTR) : __real_waitid(type, id, info, options);
}

int __wrap_prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old)
{
    return strikes(FAULT_ANSWER) ? (int)fail_with(EINTR) : __real_prlimit(pid, resource, new, old);
}

/* It passes on six arguments, as the C library does, whether there were so many or not; so it must not be looked at. */
__attribute__((no_sanitize("address"))) long __wrap_syscall(long number, ...)
{
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_clone && strikes(FAULT_PROCESS))
        return fail_with(EAGAIN);
    if (number == SYS_pidfd_open && strikes(FAULT_DESCRIPTOR))
        return fail_with(EMFILE);
    if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT && strikes(FAULT_SLEEP))
        return fail_with(EINTR);
    long got = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT && got == 0) {
        if (strikes(FAULT_WOKEN_STOPS))
            raise(SIGSTOP);
        if (strikes(FAULT_WOKEN_DIES))
            raise(SIGKILL);
    }
    return got;
}

/* --- The tests --- */

static void arm(enum fault kind, int at, bool later_ones_too)
{
    atomic_store(&shared->fault, FAULT_NONE);
    atomic_store(&shared->fault_count, 0);
    atomic_store(&shared->fault_at, at);
    atomic_store(&shared->fault_on, later_ones_too);
    atomic_store(&shared->fault, (int)kind);
}

/* Returns whether a call was made to fail. */
static bool disarm(void)
{
    atomic_store(&shared->fault, FAULT_NONE);
    return atomic_load(&shared->fault_count) >= atomic_load(&shared->fault_at);
}

static void check_clean(const char *call)
{
    static const int expected[] = { ENOMEM, EAGAIN, EMFILE, EREMOTEIO, EOWNERDEAD, ECANCELED };
    int code = errno;
    bool known = false;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        known |= code == expected[i];
    const struct pool_error *error = pool_error();
    unit_check(known && error->code == code && strlen(error->text) > 10, __FILE__, __LINE__,
               "%s, call %d of kind %d fails: errno %s, pool_error() says %s, \"%s\"", call,
               atomic_load(&shared->fault_at), atomic_load(&shared->fault), strerrorname_np(code),
               strerrorname_np(error->code), error->text);
}

static int reply_or_fail(const void *arg, void *result)
{
    (void)arg, (void)result;
    char *bytes = pool_reply(100000);
    return bytes ? (memset(bytes, 'x', 100000), 0) : pool_fail("no memory for the reply");
}

static void use(struct pool *pool)
{
    long in[300], out[300];
    for (long i = 0; i < 300; i++)
        in[i] = i;
    if (pool_map(pool, task_square, in, 300, sizeof *in, out, sizeof *out) == 0)
        for (long i = 0; i < 300; i++)
            REQUIRE(out[i] == i * i);
    else
        check_clean("pool_map");
    if (pool_apply(pool, reply_or_fail, NULL, 0, NULL, 0) != 0)
        check_clean("pool_apply");
    struct pool_result *kept = pool_map_async(pool, task_square, in, 9, sizeof *in, sizeof *out, NULL);
    if (!kept)
        check_clean("pool_map_async");
    else if (pool_result_get(kept, out, PATIENCE) != 0)
        check_clean("pool_result_get");
    else
        CHECK_EQ(out[8], 64);
}

static int count_to_20(void *state, void *item)
{
    return *(long *)item = *(long *)state, ++*(long *)state <= 20;
}

static void use_stream(struct pool *pool)
{
    long state = 0, out;
    struct pool_iter *iter = pool_imap(pool, task_square, count_to_20, &state, sizeof state, sizeof out, NULL);
    int said = -1, count = 0;
    while (iter && count < 100 && (said = pool_iter_next(iter, &out, PATIENCE)) != 0) {
        if (said == 1)
            CHECK_EQ(out, (long)(pool_iter_index(iter) * pool_iter_index(iter)));
        else
            check_clean("pool_iter_next");
        count++;
    }
    if (!iter)
        check_clean("pool_imap");
    CHECK(!iter || count == 100 || count >= 20);
    pool_iter_close(iter);
}

static void live(void)
{
    struct pool_options options = { .processes = 2, .maxtasks = unit_kind == POOL_PROCESSES ? 50 : 0 };
    struct pool *pool = pool_open(&options);
    if (!pool) {
        check_clean("pool_open");
        return;
    }
    use(pool);
    use_stream(pool);
    OK(pool_close(pool));
    if (pool_join(pool, PATIENCE) != 0)
        check_clean("pool_join");
    pool_free(pool);
}

/* Returns how many calls of this kind a whole life makes. */
static int strike_each(enum fault kind, bool later_ones_too, int most)
{
    struct host before;
    live();
    host_look(&before);
    int at = 1;
    for (bool struck = true; struck && at <= most; at++) {
        arm(kind, at, later_ones_too);
        live();
        struck = disarm();
        UNCHANGED(&before);
        REQUIRE(no_children());
    }
    return at - 2;
}

static void memory_once(void)
{
    CHECK(strike_each(FAULT_MEMORY, false, 500) >= 3);
}

static void memory_for_ever(void)
{
    CHECK(strike_each(FAULT_MEMORY, true, 500) >= 3);
}

static void processes_once(void)
{
    CHECK(strike_each(FAULT_PROCESS, false, 100) >= 3);
}

static void descriptors_once(void)
{
    CHECK(strike_each(FAULT_DESCRIPTOR, false, 200) >= 2);
}

static void descriptors_for_ever(void)
{
    CHECK(strike_each(FAULT_DESCRIPTOR, true, 200) >= 2);
}

/* A sleep that ends at once, with nothing having happened. There are more of them when time is short, so: the first. */
static void sleeps(void)
{
    CHECK(strike_each(FAULT_SLEEP, false, unit_rounds(30)) >= 1);
    arm(FAULT_SLEEP, 1, true);
    live();
    CHECK(disarm());
}

static void open_without_processes(void)
{
    struct host before;
    host_look(&before);
    for (int at = 1; at <= 3; at++) { /* the nursery, the first worker, the second */
        arm(FAULT_PROCESS, at, true);
        REFUSED_NULL(pool_open(&(struct pool_options){ .processes = 2 }), EAGAIN, "");
        CHECK(disarm());
        UNCHANGED(&before);
        CHECK(no_children());
    }
}

/* A successor whose fork fails a few times comes all the same. */
static void fork_fails_for_a_while(void)
{
    struct pool *pool = open_pool(2);
    pid_t list[2];
    for (int i = 0; i < 3; i++) {
        EVENTUALLY(workers(list, 2) == 2);
        arm(FAULT_PROCESS, 1, false);
        CHECK(kill(list[i % 2], SIGKILL) == 0);
        use(pool);
        EVENTUALLY(!is_alive(list[i % 2]));
        EVENTUALLY(worker_count() == 2);
        CHECK(disarm());
    }
    end_pool(pool);
}

/* When it fails for good the pool goes on with fewer workers; with none left, jobs fail instead of waiting. */
static void fork_fails_for_good(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *results[2];
    pid_t pid = 0;
    long x = 3, out = 0;
    fill_with_gates(pool, results, 2);
    arm(FAULT_PROCESS, 1, true);
    CHECK(kill(atomic_load(&shared->pid[0]), SIGKILL) == 0);
    struct pool_error error;
    EVENTUALLY(pool_result_ready(results[0]) || pool_result_ready(results[1]));
    int lost = pool_result_ready(results[0]) ? 0 : 1;
    CHECK_EQ(pool_result_failure(results[lost], 0, &error), 1);
    CHECK_EQ(error.pid, atomic_load(&shared->pid[0]));
    gate_open();
    OK(pool_result_get(results[1 - lost], &pid, PATIENCE));
    OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
    CHECK_EQ(out, 9);
    CHECK(kill(pid, SIGKILL) == 0);
    EVENTUALLY(!is_alive(pid));
    CHECK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out) == -1);
    check_clean("pool_apply");
    CHECK(disarm());
    OK(pool_terminate(pool));
    if (pool_join(pool, PATIENCE) != 0)
        check_clean("pool_join");
    pool_free(pool);
    CHECK(no_children());
}

/* --- Asked once, asked again --- */

static int forever_with_a_child(const void *arg, void *result)
{
    pid_t pid = fork();
    while (pid == 0)
        pause();
    atomic_store(&shared->pid[60], pid);
    return task_forever(arg, result);
}

/* As __wrap_kill() is for the library's sake, a test that kills does so past it. */
static void kill_now(pid_t pid)
{
    CHECK(__real_kill(pid, SIGKILL) == 0);
}

/* Cancels, kills, and leaves something behind, each to its end. */
static void live_hard(void)
{
    struct pool *pool = open_pool(2);
    pid_t list[2], own;
    for (int i = 0; i < 2; i++) {
        int arrived = atomic_load(&shared->arrived);
        struct pool_result *result = pool_apply_async(pool, forever_with_a_child, NULL, 0, 0, NULL);
        EVENTUALLY(atomic_load(&shared->arrived) == arrived + 1);
        pid_t worker = atomic_load(&shared->pid[arrived]), left = atomic_load(&shared->pid[60]);
        if (i == 0)
            CHECK_EQ(pool_result_cancel(result), 1);
        else
            kill_now(worker);
        FAILED(pool_result_get(result, NULL, PATIENCE), i == 0 ? ECANCELED : EOWNERDEAD, 0);
        EVENTUALLY(!is_alive(left));
        EVENTUALLY(workers(list, 2) == 2);
        CHECK(list[0] != worker && list[1] != worker);
    }
    OK(pool_apply(pool, task_pid, NULL, 0, &own, sizeof own));
    CHECK(own == list[0] || own == list[1]);
    end_pool(pool);
}

static void refused_once(enum fault kind, int least)
{
    struct host before;
    live_hard();
    host_look(&before);
    int at = 1;
    for (bool struck = true; struck && at <= unit_rounds(60); at++) {
        atomic_store(&shared->arrived, 0);
        arm(kind, at, false);
        live_hard();
        struck = disarm();
        UNCHANGED(&before);
        REQUIRE(no_children());
    }
    CHECK(at - 2 >= least);
}

static void answers_once(void)
{
    refused_once(FAULT_ANSWER, 3);
}

static void kills_once(void)
{
    refused_once(FAULT_KILL, 2);
}

static void sends_once(void)
{
    refused_once(FAULT_SEND, 2);
}

/* The list of its children cannot be had when a worker has died, but later. */
static void no_descriptor_for_the_list(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *result = pool_apply_async(pool, forever_with_a_child, NULL, 0, 0, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    arm(FAULT_DESCRIPTOR, 1, true);
    kill_now(atomic_load(&shared->pid[0]));
    FAILED(pool_result_get(result, NULL, PATIENCE), EOWNERDEAD, 0);
    EVENTUALLY(disarm());
    EVENTUALLY(!is_alive(atomic_load(&shared->pid[60])));
    end_pool(pool);
}

/* --- What cannot be killed, or not be found --- */

static int leave_a_child(const void *arg, void *result)
{
    pid_t pid = fork();
    while (pid == 0)
        pause();
    *(pid_t *)result = pid;
    (void)arg;
    return pid > 0 ? 0 : -1;
}

/* Ends a pool in each of the ways there are, in whose tasks something was left that is not to be killed. */
static void end_without_it(struct pool *pool, int how, pid_t left)
{
    if (how == 0)
        OK(pool_close(pool));
    else if (how == 1)
        OK(pool_terminate(pool));
    if (how < 2)
        OK(pool_join(pool, PATIENCE));
    pool_free(pool);
    CHECK(is_alive(left));
    disarm();
    kill_now(left);
    EVENTUALLY(no_children());
}

static void protected_leftover(void)
{
    adopt_orphans();
    for (int how = 0; how < 3; how++) {
        struct pool *pool = open_pool(2);
        pid_t left = 0;
        OK(pool_apply(pool, leave_a_child, NULL, 0, &left, sizeof left));
        arm(FAULT_PROTECTED, left, false);
        end_without_it(pool, how, left);
    }
}

static void protected_worker(void)
{
    adopt_orphans();
    for (int how = 1; how < 3; how++) {
        struct pool *pool = open_pool(2);
        atomic_store(&shared->arrived, 0);
        struct pool_result *result = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
        EVENTUALLY(atomic_load(&shared->arrived) == 1);
        pid_t worker = atomic_load(&shared->pid[0]);
        arm(FAULT_PROTECTED, worker, false);
        if (how == 1) {
            OK(pool_terminate(pool));
            FAILED(pool_result_get(result, NULL, 0), ECANCELED, 0);
            OK(pool_join(pool, PATIENCE));
        }
        pool_free(pool);
        disarm();
        EVENTUALLY(no_children()); /* it died with its nursery */
    }
}

static void no_list_of_children(void)
{
    adopt_orphans();
    for (int how = 0; how < 3; how++) {
        arm(FAULT_NO_LIST, 0, false);
        struct pool *pool = open_pool(2);
        pid_t left = 0;
        OK(pool_apply(pool, leave_a_child, NULL, 0, &left, sizeof left));
        end_without_it(pool, how, left);
    }
}

/* --- Whoever is woken, and comes no further --- */

static int initialize_at_the_gate(void *cookie)
{
    (void)cookie;
    if (atomic_fetch_add(&shared->runs, 1) >= 2)
        gate_wait();
    return 0;
}

static int be_marked(const void *arg, void *result)
{
    (void)arg, (void)result;
    atomic_fetch_add(&shared->mark, 1);
    return 0;
}

/* Two workers sleep. One is woken, and comes no further; its successor is long in its initializer. The other one has to
 * come, although the program does not wait in any call. */
static void woken_in_vain(enum fault kind)
{
    struct pool_options options = { .processes = 2, .initializer = initialize_at_the_gate };
    struct pool *pool = pool_open(&options);
    REQUIRE(pool != NULL);
    pid_t list[2];
    EVENTUALLY(workers(list, 2) == 2 && is_asleep(list[0]) && is_asleep(list[1]));
    arm(kind, 1, false);
    CHECK(pool_apply_async(pool, be_marked, NULL, 0, 0, NULL) != NULL);
    EVENTUALLY(atomic_load(&shared->mark) == 1);
    CHECK(disarm());
    for (int i = 0; i < 2; i++)
        __real_kill(list[i], SIGCONT);
    gate_open();
    end_pool(pool);
}

static void woken_and_stopped(void)
{
    woken_in_vain(FAULT_WOKEN_STOPS);
}

static void woken_and_killed(void)
{
    woken_in_vain(FAULT_WOKEN_DIES);
}

static const struct unit_case cases[] = {
    { "G16 the Nth mmap or malloc fails, for every N", memory_once, TWINS },
    { "G16 the Nth mmap or malloc fails, and all later ones", memory_for_ever, TWINS },
    { "G16 the Nth fork or clone fails, for every N", processes_once },
    { "G16 pool_open without processes: EAGAIN, and nothing is left", open_without_processes },
    { "G16 a successor whose fork fails at first comes later", fork_fails_for_a_while },
    { "G16 fork fails for good: fewer workers, then errors, never a hang", fork_fails_for_good },
    { "G16 the Nth socket, file or pidfd fails, for every N", descriptors_once },
    { "G16 the Nth socket, file or pidfd fails, and all later ones", descriptors_for_ever },
    { "G16 sleeps that end at once", sleeps, TWINS },
    { "G16 the Nth send, receive, wait or look is interrupted: cancelling, deaths and the end come through",
      answers_once },
    { "G16 the Nth kill is refused, for every N", kills_once },
    { "G16 the Nth byte to the nursery is refused, for every N", sends_once },
    { "G20 the list of what is left cannot be had, but later", no_descriptor_for_the_list },
    { "G04 something that must not be killed is left: the pool ends in time", protected_leftover },
    { "G04 a worker that must not be killed: the pool ends in time", protected_worker },
    { "G04 no list of what is left: the pool ends in time, without it", no_list_of_children },
    { "G01 the worker that is woken is stopped: another one comes", woken_and_stopped },
    { "G01 the worker that is woken is killed: another one comes", woken_and_killed },
    { 0 },
};

const struct unit_suite unit_faults = { "faults", cases };
