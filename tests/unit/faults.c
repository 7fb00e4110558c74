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
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum fault { FAULT_NONE, FAULT_PROCESS, FAULT_MEMORY, FAULT_DESCRIPTOR, FAULT_SLEEP };

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
    return strikes(FAULT_DESCRIPTOR) ? (fail_with(EMFILE), NULL) : __real_fopen(path, mode);
}

int __wrap_poll(struct pollfd *list, nfds_t count, int timeout)
{
    return strikes(FAULT_SLEEP) ? (int)fail_with(EINTR) : __real_poll(list, count, timeout);
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
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
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
    { 0 },
};

const struct unit_suite unit_faults = { "faults", cases };
