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
#include <time.h>

enum fault {
    FAULT_NONE,
    FAULT_PROCESS,
    FAULT_MEMORY,
    FAULT_DESCRIPTOR,
    FAULT_SLEEP,
    FAULT_CLOSE,       /* ENOSYS: close_range() is not there */
    FAULT_ANSWER,      /* EINTR to a call that is not a sleep */
    FAULT_KILL,        /* ESRCH */
    FAULT_SEND,        /* EAGAIN */
    FAULT_WOKEN_STOPS, /* who is woken is stopped, before it does anything */
    FAULT_WOKEN_DIES,
    FAULT_PROTECTED, /* the process fault_at must not be killed */
    FAULT_TIMER,     /* EINVAL to setting one */
    FAULT_NO_LIST,   /* no process can be asked for its children */
    FAULT_CLEANER,   /* who gives pages back dies */
    FAULT_SLOW,      /* who gives pages back takes long */
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
int __real_madvise(void *at, size_t size, int advice);
int __real_prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old);
int __real_timer_settime(timer_t timer, int flags, const struct itimerspec *to, struct itimerspec *before);
int __real_clock_gettime(clockid_t clock, struct timespec *time);

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
int __wrap_madvise(void *at, size_t size, int advice);
int __wrap_prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old);
int __wrap_timer_settime(timer_t timer, int flags, const struct itimerspec *to, struct itimerspec *before);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

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

/* A cgroup two levels deep; as `cgroup` says, that of the upper one, or none, is full; or the upper or the lower one
 * has little memory and one core, in version 1 and 2, and in a container that shows version 1 from the lower one on. */
enum { NO_CGROUP, ROOMY, FULL_1, FULL_2, SMALL_1, SMALL_2, SMALL_3, CGROUPS };

static FILE *fake(const char *path, int which)
{
    static const struct {
        const char *path, *text[CGROUPS];
    } files[] = {
        { "/proc/self/cgroup",
          { NULL, "9:cpu,cpuacct:/x\n8:pids:/a/b\n", "8:pids:/a/b\n0::/\n", "0::/c/d\n",
            "4:cpuacct,cpu:/a/b\n3:memory:/a/b\n0::/\n", "0::/c/d\n",
            "4:cpu,cpuacct:/docker/1\n3:memory:/docker/1\n" } },
        { "/sys/fs/cgroup/pids/a/b/pids.max", { NULL, "max\n", "max\n", NULL } },
        { "/sys/fs/cgroup/pids/a/b/pids.current", { NULL, "7\n", "7\n", NULL } },
        { "/sys/fs/cgroup/pids/a/pids.max", { NULL, "9\n", "7\n", "1\n" } },
        { "/sys/fs/cgroup/pids/a/pids.current", { NULL, "7\n", "7\n", "7\n" } },
        { "/sys/fs/cgroup/c/d/pids.max", { NULL, "7\n", "7\n", "6\n" } },
        { "/sys/fs/cgroup/c/d/pids.current", { NULL, "7\n", "7\n", "6\n" } },
        { "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", { [SMALL_1] = "9223372036854771712\n" } },
        { "/sys/fs/cgroup/memory/a/memory.limit_in_bytes", { [SMALL_1] = "67108864\n" } },
        { "/sys/fs/cgroup/memory/memory.limit_in_bytes", { [SMALL_1] = "67108866\n", [SMALL_3] = "67108864\n" } },
        { "/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", { [SMALL_1] = "100000\n" } },
        { "/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", { [SMALL_1] = "100000\n" } },
        { "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", { [SMALL_1] = "-1\n" } },
        { "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", { [SMALL_3] = "90000\n" } },
        { "/sys/fs/cgroup/cpu/cpu.cfs_period_us", { [SMALL_3] = "100000\n" } },
        { "/sys/fs/cgroup/c/d/memory.max", { [SMALL_2] = "67108864\n" } },
        { "/sys/fs/cgroup/c/memory.max", { [SMALL_2] = "max\n" } },
        { "/sys/fs/cgroup/c/d/cpu.max", { [SMALL_2] = "max 100000\n" } },
        { "/sys/fs/cgroup/c/cpu.max", { [SMALL_2] = "50000 100000\n" } },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(path, files[i].path) == 0 && files[i].text[which])
            return fmemopen((void *)files[i].text[which], strlen(files[i].text[which]), "r");
    return fail_with(ENOENT), NULL;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (shared && atomic_load(&shared->fault) == FAULT_NO_LIST && strstr(path, "/children"))
        return fail_with(ENOENT), NULL;
    if (shared && atomic_load(&shared->cgroup) && strstr(path, "/cgroup"))
        return fake(path, atomic_load(&shared->cgroup));
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

int __wrap_madvise(void *at, size_t size, int advice)
{
    if (advice == MADV_REMOVE && strikes(FAULT_CLEANER))
        raise(SIGKILL);
    if (advice == MADV_REMOVE && strikes(FAULT_SLOW))
        usleep(400000); /* as if others had the core all the time */
    return __real_madvise(at, size, advice);
}

int __wrap_prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old)
{
    return strikes(FAULT_ANSWER) ? (int)fail_with(EINTR) : __real_prlimit(pid, resource, new, old);
}

int __wrap_timer_settime(timer_t timer, int flags, const struct itimerspec *to, struct itimerspec *before)
{
    return strikes(FAULT_TIMER) ? (int)fail_with(EINVAL) : __real_timer_settime(timer, flags, to, before);
}

/* It never fails, but days may have gone by. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    int status = __real_clock_gettime(clock, time);
    time->tv_sec += shared ? 86400 * atomic_load(&shared->days) : 0;
    return status;
}

/* Whether who wakes somebody is to wait until that one has gone on (slices.c). */
static bool is_wake(long number, const long *a)
{
    return number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAKE && shared && atomic_load(&shared->wakes_wait);
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
    if (number == SYS_close_range && strikes(FAULT_CLOSE))
        return fail_with(ENOSYS);
    if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT && strikes(FAULT_SLEEP))
        return fail_with(EINTR);
    if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT && shared && atomic_load(&shared->no_slices))
        a[3] = 0;
    long got = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT && got == 0) {
        if (strikes(FAULT_WOKEN_STOPS))
            raise(SIGSTOP);
        if (strikes(FAULT_WOKEN_DIES))
            raise(SIGKILL);
    }
    for (double end = unit_now() + PATIENCE; got > 0 && is_wake(number, a) && unit_now() < end;)
        unit_sleep(0.001);
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

/* The item whose timer cannot be set fails, and says so; the next has its limit, and then none of that one's. */
static void timers(void)
{
    struct pool_job_options options = { .limit = 0.5 };
    for (int at = 1; at <= 4; at++) { /* on and off, of one item and the next */
        struct pool *pool = open_pool(1);
        long x = 3, out = 0;
        arm(FAULT_TIMER, at, false);
        for (int i = 0; i < 2; i++) {
            struct pool_result *result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options);
            if (pool_result_get(result, &out, PATIENCE) == 0)
                CHECK_EQ(out, 9);
            else
                check_clean("pool_result_get");
            CHECK(at != 2 * i + 1 || strstr(pool_error()->text, "no timer for its time limit: Invalid argument"));
        }
        CHECK(disarm());
        struct pool_result *result = pool_apply_async(pool, task_forever, NULL, 0, 0, &options);
        FAILED(pool_result_get(result, NULL, PATIENCE), ETIME, 0);
        end_pool(pool);
    }
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

/* pool_open() waits for processes as long as a job would. */
static void wait_and_disarm(void)
{
    while (atomic_load(&shared->fault_count) < 5)
        unit_sleep(0.001);
    disarm();
}

static void fork_fails_at_opening(void)
{
    pid_t friend = program_start(wait_and_disarm);
    arm(FAULT_PROCESS, 2, true); /* the nursery comes to be */
    struct pool *pool = open_pool(2);
    CHECK_EQ(program_wait(friend), 0);
    use(pool);
    CHECK_EQ(worker_count(), 2);
    end_pool(pool);
}

/* Whether the pool tells of just so many workers that they are there, and of the others when they will be tried. */
static bool tells_of(struct pool *pool, int count)
{
    struct pool_worker list[2];
    int there = 0, waiting = 0;
    CHECK_EQ(pool_workers(pool, list, 2), 2);
    CHECK_EQ(pool_processes(pool), 2);
    for (int i = 0; i < 2; i++) {
        there += list[i].pid && is_alive(list[i].pid);
        waiting += !list[i].pid && list[i].retry_in > 0 && list[i].retry_in <= 1 && !list[i].running;
    }
    return there == count && waiting == 2 - count;
}

static int die_or_square(const void *arg, void *result)
{
    return *(const long *)arg == 1 ? raise(SIGKILL) : task_square(arg, result);
}

/* What the dead worker held fails with the reason; the other goes on; with none left, what is queued fails, too, and
 * not for ever: when there are processes again, the pool is full again. */
static void fork_fails_for_long(void)
{
    struct pool *pool = open_pool(2);
    struct pool_result *gate, *map;
    struct pool_error error;
    long in[] = { 0, 1, 2, 3 }, out[4], x = 3, squared = 0;
    for (int round = 0; round < 2; round++) {
        atomic_store(&shared->gate, 0);
        int arrived = atomic_load(&shared->arrived);
        fill_with_gates(pool, &gate, 1);
        arm(FAULT_PROCESS, 1, true);
        map = pool_map_async(pool, die_or_square, in, 4, sizeof *in, sizeof *out,
                             &(struct pool_job_options){ .chunk = 4 });
        EVENTUALLY(tells_of(pool, 1));
        struct pool_progress progress;
        OK(pool_result_progress(map, &progress));
        CHECK_EQ((long long)progress.running, 0); /* a dead worker runs nothing */
        FAILED(pool_result_get(map, out, PATIENCE), EOWNERDEAD, 1);
        CHECK_EQ((long long)pool_error()->failures, 3);
        CHECK_EQ(pool_result_failure(map, 2, &error), 1);
        CHECK_EQ(error.code, EAGAIN);
        CHECK_EQ(error.status, 0);
        CHECK_TEXT(error.text, "item 2: no new worker could be started to run it: Resource temporarily unavailable");
        CHECK_TEXT(error.text, "ulimit -u");
        EVENTUALLY(tells_of(pool, 1));
        gate_open();
        OK(pool_result_get(gate, NULL, PATIENCE));
        OK(pool_apply(pool, task_square, &x, sizeof x, &squared, sizeof squared));
        CHECK_EQ(squared, 9);
        pid_t last = atomic_load(&shared->pid[arrived]);
        CHECK(kill(last, SIGKILL) == 0);
        EVENTUALLY(!is_alive(last));
        for (int i = 0; i < 2; i++)
            FAILED(pool_map(pool, task_square, in, 4, sizeof *in, out, sizeof *out), EAGAIN, 0);
        CHECK_EQ((long long)pool_error()->failures, 4);
        EVENTUALLY(tells_of(pool, 0));
        CHECK(disarm());
        EVENTUALLY(tells_of(pool, 2));
        use(pool);
    }
    end_pool(pool);
}

/* The reason says which limit it is. */
static void which_limit(void)
{
    for (int mark = ROOMY; mark <= FULL_2; mark++) {
        struct pool *pool = open_pool(1);
        struct pool_error error;
        long in[] = { 1, 2 };
        const char *limit = mark == ROOMY ? "ulimit -u" : "pids.max of the cgroup";
        atomic_store(&shared->cgroup, mark);
        arm(FAULT_PROCESS, 1, true);
        struct pool_result *map = pool_map_async(pool, die_or_square, in, 2, sizeof *in, sizeof *in,
                                                 &(struct pool_job_options){ .chunk = 2 });
        OK(pool_result_wait(map, PATIENCE));
        CHECK(disarm());
        CHECK_EQ(pool_result_failure(map, 1, &error), 1);
        CHECK_TEXT(error.text, limit);
        CHECK(pool_result_at(map, 1) == NULL && errno == EAGAIN);
        end_pool(pool);
        arm(FAULT_PROCESS, 1, true);
        REFUSED_NULL(pool_open(NULL), EAGAIN, limit);
        CHECK(disarm());
    }
    atomic_store(&shared->cgroup, NO_CGROUP);
}

static int reply_of(const void *arg, void *result)
{
    (void)result;
    char *bytes = pool_reply(*(const size_t *)arg);
    return bytes ? (memset(bytes, 'x', *(const size_t *)arg), 0) : -1;
}

/* What the dead one was about to give back, of arguments and results or of replies, can be had. */
static void cleaner_dies(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 4 << 20 });
    size_t size = 4 << 20;
    OK(pool ? 0 : -1);
    for (int at = 1; at <= 120; at += 40) {
        char *bytes = calloc(1, size);
        OK(pool_apply(pool, reply_of, &size, sizeof size, NULL, 0));
        arm(FAULT_CLEANER, at, false);
        REQUIRE(bytes != NULL);
        CHECK(pool_apply(pool, reply_of, bytes, size, NULL, 0) == 0); /* a reply of no bytes */
        EVENTUALLY(atomic_load(&shared->fault_count) >= at);
        OK(pool_apply(pool, reply_of, &size, sizeof size, NULL, 0));
        OK(pool_apply(pool, reply_of, bytes, size, NULL, 0));
        CHECK(disarm());
        free(bytes);
    }
    end_pool(pool);
}

static int nothing(const void *arg, void *result)
{
    (void)arg, (void)result;
    return 0;
}

/* Replies over and over with all the memory there is: the last one counts. */
static int insist(const void *arg, void *result)
{
    (void)result;
    const size_t *size = arg;
    for (int i = 0; i < 20; i++)
        if (!pool_reply(*size))
            return -1;
    return 0;
}

/* What a worker with nothing to do gives back at this moment is as good as free. It does so as soon as the memory has
 * not been used for a day. */
static void beside_the_cleaner(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 4 << 20 });
    size_t size = 4 << 20;
    OK(pool ? 0 : -1);
    for (int round = 0; round < 40; round++) {
        OK(pool_apply(pool, reply_of, &size, sizeof size, NULL, 0));
        atomic_fetch_add(&shared->days, 1);
        struct pool_result *other = pool_apply_async(pool, nothing, NULL, 0, 0, NULL);
        OK(pool_apply(pool, insist, &size, sizeof size, NULL, 0));
        OK(pool_result_get(other, NULL, PATIENCE));
        pool_result_free(other);
    }
    end_pool(pool);
}

/* However long it takes: another has the core. */
static void slow_cleaner(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 4 << 20 });
    size_t size = 4 << 20;
    char *bytes = calloc(1, size);
    OK(pool ? 0 : -1);
    REQUIRE(bytes != NULL);
    for (int argument = 0; argument <= 1; argument++) {
        OK(argument ? pool_apply(pool, nothing, bytes, size, NULL, 0)
                    : pool_apply(pool, reply_of, &size, sizeof size, NULL, 0));
        arm(FAULT_SLOW, 1, false);
        atomic_fetch_add(&shared->days, 1);
        OK(pool_apply(pool, nothing, NULL, 0, NULL, 0));
        EVENTUALLY(atomic_load(&shared->fault_count) >= 1);
        OK(argument ? pool_apply(pool, nothing, bytes, size, NULL, 0)
                    : pool_apply(pool, insist, &size, sizeof size, NULL, 0));
        CHECK(disarm());
    }
    free(bytes);
    end_pool(pool);
}

/* Asks for more than there is in one piece until the other has done. */
static int ask_too_much(const void *arg, void *result)
{
    (void)arg, (void)result;
    atomic_fetch_add(&shared->arrived, 1);
    while (!atomic_load(&shared->gate))
        if (pool_reply(3 << 20))
            return -1;
    return 0;
}

static int ask_for_enough(const void *arg, void *result)
{
    const size_t *size = arg;
    int failures = 0;
    while (!atomic_load(&shared->arrived))
        ;
    for (int i = 0; i < 1000; i++)
        failures += !pool_reply(*size);
    atomic_store(&shared->gate, 1);
    *(int *)result = failures;
    return 0;
}

/* A worker that finds no room has not had in hand, meanwhile, what another finds room in. A reply that stays keeps two
 * pieces apart, of 2.5 MiB and of less than 2 MiB. */
static void beside_who_fails(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 4 << 20 });
    size_t sizes[] = { 5 << 19, 1, 2 << 20 };
    int failures = -1;
    OK(pool ? 0 : -1);
    struct pool_result *before[2];
    for (int i = 0; i < 2; i++) {
        before[i] = pool_apply_async(pool, reply_of, &sizes[i], sizeof *sizes, 0, NULL);
        OK(pool_result_get(before[i], NULL, PATIENCE));
    }
    pool_result_free(before[0]);
    struct pool_result *other = pool_apply_async(pool, ask_too_much, NULL, 0, 0, NULL);
    OK(pool_apply(pool, ask_for_enough, &sizes[2], sizeof *sizes, &failures, sizeof failures));
    CHECK_EQ(failures, 0);
    OK(pool_result_get(other, NULL, PATIENCE));
    end_pool(pool);
}

/* A quarter of 64 MiB is 16. */
static void small_cgroup(void)
{
    for (int mark = SMALL_1; mark <= SMALL_3; mark++) {
        atomic_store(&shared->cgroup, mark);
        struct pool *pool = pool_open(NULL);
        OK(pool ? 0 : -1);
        CHECK_EQ(pool_processes(pool), 1);
        OK(pool_apply(pool, nothing, NULL, 0, NULL, 0));
        struct pool_result *whole = pool_apply_async(pool, nothing, NULL, 0, 16 << 20, NULL);
        CHECK(whole != NULL);
        CHECK(!pool_apply_async(pool, nothing, NULL, 0, 1 << 10, NULL) && errno == ENOMEM);
        pool_result_free(whole);
        end_pool(pool);
    }
    atomic_store(&shared->cgroup, NO_CGROUP);
}

/* A pool that is closed then, or terminated, comes to its end. */
static void fork_fails_to_the_end(void)
{
    for (int how = 0; how < 3; how++) {
        struct pool *pool = open_pool(1);
        struct pool_result *results[2];
        atomic_store(&shared->gate, 0);
        atomic_int *pid = &shared->pid[atomic_load(&shared->arrived)];
        fill_with_gates(pool, results, 1);
        results[1] = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL);
        arm(FAULT_PROCESS, 1, true);
        CHECK(kill(*pid, SIGKILL) == 0);
        EVENTUALLY(atomic_load(&shared->fault_count) > 0); /* the fork of its successor */
        if (how < 2)
            OK(how ? pool_terminate(pool) : pool_close(pool));
        if (how < 2)
            OK(pool_result_wait(results[1], PATIENCE));
        if (how == 0)
            FAILED(pool_result_get(results[0], NULL, PATIENCE), EOWNERDEAD, 0);
        if (how == 0)
            FAILED(pool_result_get(results[1], NULL, PATIENCE), EAGAIN, 0);
        if (how < 2 && pool_join(pool, PATIENCE) != 0)
            CHECK(errno == EREMOTEIO);
        pool_free(pool);
        CHECK(no_children());
        CHECK(disarm() || how > 0); /* else it may have been quicker than a fork */
    }
}

/* An old kernel, which has no close_range(). */
static void closes_one_by_one(void)
{
    int ends[2];
    char byte;
    for (int start = POOL_FORK; start <= POOL_SPAWN; start++) {
        int list[] = { unit_report, atoi(getenv("UNIT_SHARED")), -1 };
        struct pool_options options = { .processes = 1, .start = (enum pool_start)start, .keep_descriptors = list };
        REQUIRE(pipe(ends) == 0);
        arm(FAULT_CLOSE, 1, true);
        struct pool *pool = pool_open(&options);
        OK(pool ? 0 : -1);
        CHECK(disarm());
        close(ends[1]);
        CHECK_EQ(read(ends[0], &byte, 1), 0);
        use(pool);
        end_pool(pool);
        close(ends[0]);
    }
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
    { "a timer for a limit that cannot be set", timers },
    { "G16 the Nth mmap or malloc fails, for every N", memory_once, TWINS },
    { "G16 the Nth mmap or malloc fails, and all later ones", memory_for_ever, TWINS },
    { "G16 the Nth fork or clone fails, for every N", processes_once },
    { "G16 pool_open without processes: EAGAIN, and nothing is left", open_without_processes },
    { "G16 a successor whose fork fails at first comes later", fork_fails_for_a_while },
    { "G16 fork fails while the pool opens: it waits", fork_fails_at_opening },
    { "G16 fork fails for long: fewer workers, then errors with the reason, then all is well again",
      fork_fails_for_long },
    { "G16 fork fails: which limit it is", which_limit },
    { "G21 a worker dies while it gives pages back", cleaner_dies },
    { "G21 a worker takes what another is about to give back", beside_the_cleaner },
    { "G21 worker and caller take what another gives back, however slowly", slow_cleaner },
    { "G21 a worker that finds no room keeps none from another", beside_who_fails },
    { "G16 the cgroup's limits on memory and cores, own and from above", small_cgroup },
    { "G16 fork fails for long: the pool can be ended", fork_fails_to_the_end },
    { "G16 no close_range: descriptors are closed one by one", closes_one_by_one },
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
