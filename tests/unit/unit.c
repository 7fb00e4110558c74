/*
 * unit.c - the checks, the common tasks, and the looks into /proc.
 *
 * A failed check is one write of one line, "file:line<TAB>text", into the report pipe that main's side reads:
 * short enough (PIPE_BUF) to be whole whoever writes it. So CUnit's own assertions are not used in test
 * bodies: in a forked child they are lost, and the fatal ones jump back into a copy of the runner.
 *
 * What exists is read from /proc and not counted along: it is the kernel's word against the library's.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct unit_shared *shared;

enum pool_kind unit_kind;

/* --- Checks --- */

static void report(const char *file, int line, const char *text)
{
    char message[2048];
    int length = snprintf(message, sizeof message - 1, "%s:%d\t%s", file, line, text);
    if (length > (int)sizeof message - 2)
        length = sizeof message - 2;
    for (char *p = message; *p; p++)
        if (*p == '\n')
            *p = ' ';
    message[length++] = '\n';
    if (write(unit_report, message, (size_t)length) != length)
        abort();
}

bool unit_check(bool good, const char *file, int line, const char *format, ...)
{
    if (good)
        return true;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report(file, line, text);
    return false;
}

bool unit_equal(long long actual, long long expected, const char *file, int line, const char *what)
{
    return unit_check(actual == expected, file, line, "%s is %lld, not %lld", what, actual, expected);
}

bool unit_contains(const char *text, const char *words, const char *file, int line)
{
    return unit_check(text && strstr(text, words), file, line, "\"%s\" is not in \"%s\"", words, text);
}

bool unit_succeeded(bool good, const char *file, int line, const char *call)
{
    int code = errno;
    return unit_check(good, file, line, "%s failed: %s: %s", call, strerrorname_np(code), pool_error()->text);
}

/* errno and pool_error() agree on what it was. */
static bool is_code(int said, int code, const char *file, int line, const char *call)
{
    const struct pool_error *error = pool_error();
    return unit_check(said == code && error->code == code, file, line, "%s: errno %s, pool_error() %s (\"%s\"), not %s",
                      call, strerrorname_np(said), strerrorname_np(error->code), error->text, strerrorname_np(code));
}

/* A text says where: it begins with the name of the function that was called. */
static bool names_call(const char *text, const char *call)
{
    size_t length = strcspn(call, "(");
    return strncmp(text, call, length) == 0 && strncmp(text + length, ": ", 2) == 0;
}

bool unit_refused(bool refused, int code, const char *words, const char *file, int line, const char *call)
{
    int said = errno;
    const struct pool_error *error = pool_error();
    return unit_check(refused, file, line, "%s was not refused", call) && is_code(said, code, file, line, call) &&
           unit_check(names_call(error->text, call), file, line, "\"%s\" does not begin with the name of the call, %s",
                      error->text, call) &&
           unit_contains(error->text, words, file, line) &&
           unit_check(error->item == POOL_NO_ITEM, file, line, "%s: speaks of item %zu", call, error->item);
}

bool unit_failed(bool failed, int code, size_t item, const char *file, int line, const char *call)
{
    int said = errno;
    const struct pool_error *error = pool_error();
    return unit_check(failed, file, line, "%s did not fail", call) && is_code(said, code, file, line, call) &&
           unit_check(error->item == item, file, line, "%s: item %zd, not %zd (\"%s\")", call, (ssize_t)error->item,
                      (ssize_t)item, error->text);
}

bool unit_not_yet(bool yes, double *since, const char *file, int line, const char *what)
{
    if (yes)
        return false;
    if (*since == 0)
        *since = unit_now();
    if (!unit_check(unit_now() < *since + PATIENCE, file, line, "still not so: %s", what))
        return false;
    unit_sleep(0.001);
    return true;
}

void unit_stop(void)
{
    _exit(UNIT_STOPPED);
}

/* --- Time --- */

bool unit_slow(void)
{
    const char *slow = getenv("UNIT_SLOW");
    return slow && *slow;
}

bool unit_in_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

double unit_patience(void)
{
    return unit_slow() ? 100 : 10;
}

double unit_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void unit_sleep(double seconds)
{
    struct timespec left = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

int unit_rounds(int rounds)
{
    return unit_slow() && rounds > 10 ? rounds / 10 : rounds;
}

/* --- Tasks --- */

int task_square(const void *arg, void *result)
{
    long x = *(const long *)arg;
    *(long *)result = x * x;
    return 0;
}

int task_odd_fails(const void *arg, void *result)
{
    long x = *(const long *)arg;
    return x % 2 ? pool_fail("%ld is odd", x) : task_square(arg, result);
}

int task_pid(const void *arg, void *result)
{
    (void)arg;
    *(pid_t *)result = getpid();
    return 0;
}

static void arrive(void)
{
    int place = atomic_fetch_add(&shared->arrived, 1);
    if (place < 64)
        atomic_store(&shared->pid[place], getpid());
}

int task_gate(const void *arg, void *result)
{
    arrive();
    gate_wait();
    return task_pid(arg, result);
}

int task_forever(const void *arg, void *result)
{
    (void)arg, (void)result;
    arrive();
    if (unit_kind != POOL_PROCESSES)
        gate_wait(); /* nobody can kill it */
    while (unit_kind == POOL_PROCESSES)
        pause();
    return 0;
}

static int use_up_the_stack(volatile char *above)
{
    volatile char page[4096];
    page[0] = above ? *above : 0;
    return page[0] ? 0 : use_up_the_stack(page) + page[0];
}

int task_die(const void *arg, void *result)
{
    const struct death *death = arg;
    (void)result;
    setrlimit(RLIMIT_STACK, &(struct rlimit){ 1 << 20, 1 << 20 });
    switch (death->how) {
    case BY_SIGNAL:
        raise(death->number);
        break;
    case BY_EXIT:
        exit(death->number);
    case BY_UNDERSCORE_EXIT:
        _exit(death->number);
    case BY_ABORT:
        abort();
    case BY_STACK:
        use_up_the_stack(NULL);
    }
    return 0;
}

void gate_wait(void)
{
    double limit = unit_now() + 6 * PATIENCE;
    while (!atomic_load(&shared->gate) && unit_now() < limit)
        unit_sleep(0.0005);
}

void gate_open(void)
{
    atomic_store(&shared->gate, 1);
}

struct pool *open_pool(int processes)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = processes });
    OK(pool ? 0 : -1);
    return pool;
}

void end_pool(struct pool *pool)
{
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

void terminate_busy_pool(struct pool *pool)
{
    if (unit_kind == POOL_THREADS)
        REFUSED(pool_terminate(pool), ETIMEDOUT, "cannot be killed");
    else
        OK(pool_terminate(pool));
    gate_open();
}

void fill_with_gates(struct pool *pool, struct pool_result **results, int count)
{
    int before = atomic_load(&shared->arrived);
    for (int i = 0; i < count; i++) {
        results[i] = pool_apply_async(pool, task_gate, NULL, 0, sizeof(pid_t), NULL);
        OK(results[i] ? 0 : -1);
    }
    EVENTUALLY(atomic_load(&shared->arrived) == before + count);
}

/* --- What there is --- */

static int read_numbers(const char *path, pid_t *list, int count, int most)
{
    FILE *file = fopen(path, "re");
    int number;
    while (file && count < most && fscanf(file, "%d", &number) == 1)
        list[count++] = number;
    if (file)
        fclose(file);
    return count;
}

int children_of(pid_t pid, pid_t *list, int most)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    int count = 0;
    for (struct dirent *entry; threads && (entry = readdir(threads));) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", pid, entry->d_name);
        if (entry->d_name[0] != '.')
            count = read_numbers(path, list, count, most);
    }
    if (threads)
        closedir(threads);
    return count;
}

pid_t nursery(void)
{
    pid_t list[2] = { 0 };
    REQUIRE(children_of(getpid(), list, 2) == 1);
    return list[0];
}

int workers(pid_t *list, int most)
{
    int count = children_of(nursery(), list, most), alive = 0;
    for (int i = 0; i < count; i++)
        if (is_alive(list[i]))
            list[alive++] = list[i];
    return alive;
}


/* The letter that stands for the state behind the last ')' of a stat file; 'X', dead, if there is none. */
static char state_of(const char *path)
{
    char text[512] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 'X';
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    const char *state = got > 0 ? strrchr(text, ')') : NULL;
    return state ? state[2] : 'X';
}

bool is_alive(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    char state = state_of(path);
    return state != 'Z' && state != 'X';
}

bool is_asleep(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    return state_of(path) == 'S';
}

int living_children(pid_t pid)
{
    pid_t list[64];
    int count = children_of(pid, list, 64), alive = 0;
    for (int i = 0; i < count; i++)
        alive += is_alive(list[i]);
    return alive;
}

static int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    int count = -2; /* "." and ".." */
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

int other_threads(pid_t *list, int most)
{
    DIR *threads = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *entry; threads && count < most && (entry = readdir(threads));)
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != getpid())
            list[count++] = atoi(entry->d_name);
    if (threads)
        closedir(threads);
    return count;
}

int threads_asleep(void)
{
    char path[300];
    int count = 0;
    DIR *threads = opendir("/proc/self/task");
    for (struct dirent *entry; threads && (entry = readdir(threads));) {
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", entry->d_name);
        count += state_of(path) == 'S';
    }
    if (threads)
        closedir(threads);
    return count;
}

int thread_count(void)
{
    return count_entries("/proc/self/task");
}

static int threads_at_start;

#ifdef __SANITIZE_THREAD__
static void *end_at_once(void *cookie)
{
    return cookie;
}
#endif

void count_threads_at_start(void)
{
#ifdef __SANITIZE_THREAD__ /* its own thread comes with the first one of ours */
    pthread_t first;
    if (pthread_create(&first, NULL, end_at_once, NULL) == 0)
        pthread_join(first, NULL);
    unit_sleep(0.01);
#endif
    threads_at_start = thread_count();
}

int worker_count(void)
{
    pid_t list[64];
    switch (unit_kind) {
    case POOL_THREADS:
        return thread_count() - threads_at_start;
    case POOL_INLINE:
        return 0;
    default:
        return workers(list, 64);
    }
}

bool no_children(void)
{
    pid_t got;
    while ((got = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
        ;
    return got == -1 && errno == ECHILD;
}

static void look_at_mappings(struct host *host)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[1024], mode[5];
    unsigned long from, to;
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || mode[3] != 's')
            continue;
        host->shared_mappings++;
        host->shared_bytes += to - from;
    }
    if (maps)
        fclose(maps);
}

void host_look(struct host *host)
{
    pid_t list[256];
    memset(host, 0, sizeof *host);
    host->children = children_of(getpid(), list, 256);
    host->threads = thread_count();
    host->descriptors = count_entries("/proc/self/fd");
    look_at_mappings(host);
    sigprocmask(SIG_SETMASK, NULL, &host->mask);
    for (int number = 1; number < NSIG; number++)
        sigaction(number, NULL, &host->handlers[number]);
    prctl(PR_GET_CHILD_SUBREAPER, &host->subreaper);
}

void host_unchanged(const struct host *before, const char *file, int line)
{
    struct host now;
    host_look(&now);
    unit_equal(now.children, before->children, file, line, "the number of children");
    unit_equal(now.threads, before->threads, file, line, "the number of threads");
    unit_equal(now.descriptors, before->descriptors, file, line, "the number of descriptors");
    unit_equal(now.shared_mappings, before->shared_mappings, file, line, "the number of shared mappings");
    unit_equal((long long)now.shared_bytes, (long long)before->shared_bytes, file, line, "shared memory");
    unit_equal(now.subreaper, before->subreaper, file, line, "being a subreaper");
    for (int number = 1; number < NSIG; number++) {
        unit_check(sigismember(&now.mask, number) == sigismember(&before->mask, number), file, line,
                   "signal %d in the mask has changed", number);
        unit_check(now.handlers[number].sa_handler == before->handlers[number].sa_handler &&
                       now.handlers[number].sa_flags == before->handlers[number].sa_flags,
                   file, line, "the handler of signal %d has changed", number);
    }
}

pid_t program_start(void (*body)(void))
{
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid > 0)
        return pid;
    setpgid(0, 0);
    body();
    _exit(0);
}

int program_wait(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

void adopt_orphans(void)
{
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}
