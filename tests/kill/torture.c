/*
 * torture: kills workers at random while they work, and counts what it costs.
 *
 * Usage: torture [KILLS] [SECONDS]     10000 kills and a deadline of 600 seconds, if not told otherwise
 *
 * A thread kills (SIGKILL) whichever worker comes next by chance, idle, busy or hardly born, while the main
 * thread runs maps of short tasks, in chunks of 1 and of 7, and streams of applies, on pools of 1, 2, 3 and 4
 * workers.
 *
 * What must hold: every item is answered, by its right value or by an error that names it, the worker's pid
 * and SIGKILL; the pid is one that was killed; there are never more errors than kills; nothing hangs; after
 * the kills the pool is full again; and after the join nothing is left. Prints what happened; exit status 0
 * if all held, 1 if not, 2 for wrong arguments.
 *
 * It does not stop at chosen instructions: chance and numbers have to find them.
 */
#define _GNU_SOURCE
#include "pool.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_WORKERS = 4,
    ITEMS = 300,        /* of one map */
    APPLIES = 100,      /* of one stream */
    PAUSE = 600,        /* microseconds between two kills, at most */
    PID_LIMIT = 1 << 22 /* no pid of Linux is larger */
};

/* How long any one wait may take before it counts as a hang. */
static const double patience = 60;

struct counts {
    long kills, errors, items;
};

/* The thread that kills. */
struct killer {
    pid_t nursery;
    long kills, wanted;
    atomic_bool stop;
    unsigned random;
};

static double deadline;
static atomic_uchar *was_killed; /* by pid */

/* --- Ends that are not good --- */

static _Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "torture: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    _exit(1); /* the pool ends with its caller */
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void nap(unsigned microseconds)
{
    nanosleep(&(struct timespec){ 0, (long)microseconds * 1000 }, NULL);
}

/* --- Who there is --- */

/* The children of a process, as the kernel lists them. Returns how many. */
static int children_of(pid_t pid, pid_t *list, int most)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC), count = 0;
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    char *next = text;
    for (long child; count < most && (child = strtol(next, &next, 10)) > 0;)
        list[count++] = (pid_t)child;
    return count;
}

static bool is_alive(pid_t pid)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    const char *state = strrchr(text, ')');
    return state && state[2] != 'Z' && state[2] != 'X';
}

static int worker_count(pid_t nursery)
{
    pid_t list[2 * MOST_WORKERS];
    int count = children_of(nursery, list, 2 * MOST_WORKERS), alive = 0;
    for (int i = 0; i < count; i++)
        alive += is_alive(list[i]);
    return alive;
}

/* --- The killer --- */

static unsigned draw(unsigned *random, unsigned below)
{
    *random = *random * 1664525u + 1013904223u;
    return (unsigned)((uint64_t)*random * below >> 32);
}

static void kill_one(struct killer *killer)
{
    pid_t list[MOST_WORKERS];
    int count = children_of(killer->nursery, list, MOST_WORKERS);
    if (count == 0)
        return;
    pid_t victim = list[draw(&killer->random, (unsigned)count)];
    was_killed[victim] = 1; /* before the kill: who reads of a death must find it here */
    killer->kills += kill(victim, SIGKILL) == 0;
}

static void *kill_at_random(void *cookie)
{
    struct killer *killer = cookie;
    while (killer->kills < killer->wanted && !atomic_load(&killer->stop)) {
        nap(draw(&killer->random, PAUSE));
        kill_one(killer);
    }
    atomic_store(&killer->stop, true);
    return NULL;
}

/* --- The work --- */

/* Squares a number, in about 50 microseconds. */
static int square_slowly(const void *arg, void *result)
{
    long x = *(const long *)arg;
    double end = now() + 50e-6;
    while (now() < end)
        ;
    *(long *)result = x * x;
    return 0;
}

static void check_time(const char *where)
{
    if (now() > deadline)
        die("the deadline is over, in %s", where);
}

/* Checks a finished job whose item i has the value first + i. Returns how many items failed. */
static long check_job(struct pool_result *result, long first, const long *out, const char *what)
{
    long errors = 0, count = (long)pool_result_count(result);
    struct pool_error error;
    for (long i = 0; i < count; i++) {
        int failed = pool_result_failure(result, (size_t)i, &error);
        if (failed < 0)
            die("%s: done and not done", what);
        if (!failed || (long)error.item != i) {
            if (out[i] != (first + i) * (first + i))
                die("%s: item %ld is %ld", what, i, out[i]);
            continue;
        }
        errors++;
        if (error.code != EOWNERDEAD || error.signal != SIGKILL || !was_killed[error.pid])
            die("%s: item %ld failed with nobody's kill: %s (pid %d)", what, i, error.text, (int)error.pid);
    }
    return errors;
}

static void await(struct pool_result *result, long *out, const char *what)
{
    if (!result)
        die("%s: cannot be handed over: %s", what, pool_error()->text);
    if (pool_result_get(result, out, patience) == 0 || errno == EOWNERDEAD)
        return;
    die("%s: %s", errno == ETIMEDOUT ? "HANG" : what, pool_error()->text);
}

static void run_map(struct pool *pool, long first, long chunk, struct counts *counts)
{
    long in[ITEMS], out[ITEMS];
    struct pool_job_options options = { .chunk = chunk };
    for (long i = 0; i < ITEMS; i++)
        in[i] = first + i;
    memset(out, 0xee, sizeof out);
    struct pool_result *result = pool_map_async(pool, square_slowly, in, ITEMS, sizeof *in, sizeof *out, &options);
    await(result, out, "map");
    counts->errors += check_job(result, first, out, "map");
    counts->items += ITEMS;
    pool_result_free(result);
}

static void run_applies(struct pool *pool, long first, struct counts *counts)
{
    struct pool_result *results[APPLIES];
    for (long i = 0; i < APPLIES; i++) {
        long x = first + i;
        results[i] = pool_apply_async(pool, square_slowly, &x, sizeof x, sizeof x, NULL);
    }
    for (long i = 0; i < APPLIES; i++) {
        long out = -1;
        await(results[i], &out, "apply");
        counts->errors += check_job(results[i], first + i, &out, "apply");
        pool_result_free(results[i]);
    }
    counts->items += APPLIES;
}

/* --- One pool --- */

/* Maps, applies, and pauses in which the workers are idle. */
static void work_until(struct pool *pool, const atomic_bool *stop, unsigned *random, struct counts *counts)
{
    for (long round = 0; !atomic_load(stop); round++) {
        check_time("the work");
        run_map(pool, 1000 * round, round % 2 ? 7 : 1, counts);
        run_applies(pool, 1000 * round + 500, counts);
        nap(draw(random, 2 * PAUSE));
    }
}

static void wait_until_full(struct pool *pool, pid_t nursery)
{
    while (worker_count(nursery) != pool_processes(pool)) {
        check_time("waiting until the pool is full again");
        nap(1000);
    }
}

static void end_pool(struct pool *pool)
{
    if (pool_close(pool) != 0 || pool_join(pool, patience) != 0)
        die("the end: %s", pool_error()->text);
    pool_free(pool);
    if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
        die("a process is left");
}

static struct counts torture(int processes, long kills)
{
    struct counts counts = { 0 };
    struct killer killer = { .wanted = kills, .random = (unsigned)getpid() * 31 + (unsigned)processes };
    unsigned random = killer.random + 1;
    pthread_t thread;
    struct pool *pool = pool_open(&(struct pool_options){ .processes = processes });
    if (!pool || children_of(getpid(), &killer.nursery, 1) != 1)
        die("no pool: %s", pool_error()->text);
    if (pthread_create(&thread, NULL, kill_at_random, &killer) != 0)
        die("no thread to kill with");
    work_until(pool, &killer.stop, &random, &counts);
    pthread_join(thread, NULL);
    counts.kills = killer.kills;
    run_map(pool, 7, 1, &counts); /* the last victim may be in it */
    wait_until_full(pool, killer.nursery);
    end_pool(pool);
    return counts;
}

/* --- All --- */

static void print(const char *who, const struct counts *counts, double seconds)
{
    printf("%-10s %6ld kills %6ld errors %8ld items %6.1f s\n", who, counts->kills, counts->errors, counts->items,
           seconds);
    fflush(stdout);
    if (counts->errors > counts->kills)
        die("more errors than kills");
}

static long read_number(int argc, char **argv, int which, long otherwise)
{
    char *end;
    if (argc <= which)
        return otherwise;
    long number = strtol(argv[which], &end, 10);
    if (*end || number <= 0 || argc > 3) {
        fprintf(stderr, "usage: torture [KILLS] [SECONDS], both above 0\n");
        exit(2);
    }
    return number;
}

int main(int argc, char **argv)
{
    struct counts all = { 0 };
    long kills = read_number(argc, argv, 1, 10000), seconds = read_number(argc, argv, 2, 600);
    double start = now();
    char who[32];
    deadline = start + (double)seconds;
    was_killed = calloc(PID_LIMIT, sizeof *was_killed);
    if (!was_killed)
        die("no memory");
    for (int processes = 1; processes <= MOST_WORKERS; processes++) {
        double began = now();
        long share = kills / MOST_WORKERS + (processes <= kills % MOST_WORKERS);
        struct counts counts = torture(processes, share);
        snprintf(who, sizeof who, "%d worker%s", processes, processes > 1 ? "s" : "");
        print(who, &counts, now() - began);
        all.kills += counts.kills, all.errors += counts.errors, all.items += counts.items;
    }
    print("all", &all, now() - start);
    free(was_killed);
    return 0;
}
