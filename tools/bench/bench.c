/*
 * bench.c - the clock, the checks and the loops of the bench's programs.
 *
 * Every system is measured by the same few functions, which get the system's own way of doing one task or
 * one batch as a function. What is timed is only that: opening a pool, filling arrays and looking at
 * results is not. Batches run twice and the second pass counts, so nobody pays for memory that is touched
 * for the first time.
 *
 * A cold round trip is one that begins when everybody sleeps. That is not assumed after some pause but
 * looked up: /proc tells the state of every thread of this program and of all processes below it.
 *
 * The functions return the figure of one round. Medians over many rounds are the business of report.awk;
 * only single trips and single passes, which one interruption of the machine can spoil, are boiled down to
 * their median here.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { COLD_TRIPS = 100, BLOCKS = 1000, BLOCK = 1000, CPU_PASSES = 3, SHORTER = 20 };
enum { SKEWED_ITEMS = 32, LONG_ITEMS = 2, LONG_ITEM_MS = 500, LARGE_MIB = 256, LARGE_PASSES = 10 };

static cpu_set_t cores_at_start;

void bench_die(const char *format, ...)
{
    va_list values;

    fputs("bench: ", stderr);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    exit(1);
}

double bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool is_short(void)
{
    const char *value = getenv("SHORT");

    return value && *value && strcmp(value, "0") != 0;
}

long bench_count(long n)
{
    if (is_short()) {
        n /= SHORTER;
    }
    return n > 0 ? n : 1;
}

int bench_cores(void)
{
    return CPU_COUNT(&cores_at_start);
}

void bench_pin(int which)
{
    cpu_set_t one;
    int chosen = -1;

    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &cores_at_start) && (chosen < 0 || which == 1)) {
            chosen = cpu;
        }
    }
    CPU_ZERO(&one);
    CPU_SET(chosen, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) {
        bench_die("cannot pin to core %d: %s", chosen, strerror(errno));
    }
}

double bench_warm(bench_one *square, long n)
{
    double start = 0;

    for (long i = -n / 10; i < n; i++) { /* below 0: the warm-up */
        if (i == 0) {
            start = bench_now();
        }
        if (square(i) != i * i) {
            bench_die("wrong square of %ld", i);
        }
    }
    return (bench_now() - start) / (double)n;
}

/* The state of a thread as in /proc: 'S' asleep, 'R' running ...; '?' if there is no such thread any more. */
static char state_of(const char *pid, const char *tid)
{
    char path[600], line[512];
    const char *after_name = NULL;

    snprintf(path, sizeof path, "/proc/%s/task/%s/stat", pid, tid);
    FILE *stat = fopen(path, "re");
    if (!stat) {
        return '?';
    }
    if (fgets(line, sizeof line, stat)) {
        after_name = strrchr(line, ')');
    }
    fclose(stat);
    return after_name ? after_name[2] : '?';
}

static bool process_sleeps(const char *pid);

static bool children_sleep(const char *pid, const char *tid)
{
    char path[600], child[32];
    bool all = true;

    snprintf(path, sizeof path, "/proc/%s/task/%s/children", pid, tid);
    FILE *children = fopen(path, "re");
    while (children && all && fscanf(children, "%31s", child) == 1) {
        all = process_sleeps(child);
    }
    if (children) {
        fclose(children);
    }
    return all;
}

/* True if all threads of the process, except the calling one, and all processes below it are asleep. */
static bool process_sleeps(const char *pid)
{
    char path[300], me[32];
    bool all = true;

    snprintf(me, sizeof me, "%d", gettid());
    snprintf(path, sizeof path, "/proc/%s/task", pid);
    DIR *threads = opendir(path);
    for (struct dirent *t; threads && all && (t = readdir(threads));) {
        if (t->d_name[0] != '.') {
            bool sleeps = strcmp(t->d_name, me) == 0 || state_of(pid, t->d_name) == 'S';
            all = sleeps && children_sleep(pid, t->d_name);
        }
    }
    if (threads) {
        closedir(threads);
    }
    return all;
}

static void until_all_sleep(void)
{
    char me[32];

    snprintf(me, sizeof me, "%d", getpid());
    for (int tries = 0; tries < 1000; tries++) {
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        if (process_sleeps(me)) {
            return;
        }
    }
    bench_die("somebody is still awake after a second without work");
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_cold(bench_one *square)
{
    double took[COLD_TRIPS];
    long n = bench_count(COLD_TRIPS);

    for (long i = 0; i < n; i++) {
        until_all_sleep();
        double start = bench_now();
        long result = square(i);
        took[i] = bench_now() - start;
        if (result != i * i) {
            bench_die("wrong square of %ld", i);
        }
    }
    qsort(took, (size_t)n, sizeof *took, by_size);
    return took[n / 2];
}

static long *array(long n)
{
    long *a = malloc((size_t)n * sizeof *a);

    if (!a) {
        bench_die("no memory for %ld items", n);
    }
    return a;
}

/* Runs the batch into a clean `out` and returns how long it took. */
static double one_pass(bench_batch *batch, const long *in, long *out, long n)
{
    memset(out, -1, (size_t)n * sizeof *out);
    double start = bench_now();
    batch(in, out, n);
    return bench_now() - start;
}

double bench_squares(bench_batch *batch, long n)
{
    long *in = array(n), *out = array(n);

    for (long i = 0; i < n; i++) {
        in[i] = i + 1;
    }
    one_pass(batch, in, out, n);
    double took = one_pass(batch, in, out, n);
    for (long i = 0; i < n; i++) {
        if (out[i] != (i + 1) * (i + 1)) {
            bench_die("item %ld: %ld is not the square of %ld", i, out[i], i + 1);
        }
    }
    free(in);
    free(out);
    return took / (double)n;
}

long bench_primes(long block)
{
    long primes = 0;

    for (long x = block * BLOCK; x < (block + 1) * BLOCK; x++) {
        long d = 2;
        while (d * d <= x && x % d != 0) {
            d++;
        }
        primes += x > 1 && d * d > x;
    }
    return primes;
}

/* One pass over n blocks, which have to hold so many primes. */
static double count_primes(bench_batch *batch, const long *in, long *out, long n, long known)
{
    double took = one_pass(batch, in, out, n);
    long primes = 0;

    for (long i = 0; i < n; i++) {
        primes += out[i];
    }
    if (primes != known) {
        bench_die("%ld primes below %ld, but there are %ld", primes, n * BLOCK, known);
    }
    return took;
}

double bench_cpu(bench_batch *batch)
{
    long n = is_short() ? BLOCKS / 10 : BLOCKS, known = is_short() ? 9592 : 78498;
    long *in = array(n), *out = array(n);
    double took[CPU_PASSES];

    for (long i = 0; i < n; i++) {
        in[i] = i;
    }
    for (int pass = 0; pass < CPU_PASSES; pass++) {
        took[pass] = count_primes(batch, in, out, n, known);
    }
    qsort(took, CPU_PASSES, sizeof *took, by_size);
    free(in);
    free(out);
    return took[CPU_PASSES / 2];
}

long bench_skewed(long item)
{
    struct timespec time = { .tv_nsec = 1000000 * bench_count(LONG_ITEM_MS) };

    if (item < LONG_ITEMS) {
        nanosleep(&time, NULL);
    }
    return item;
}

double bench_skew(bench_batch *batch)
{
    long in[SKEWED_ITEMS], out[SKEWED_ITEMS];

    for (long i = 0; i < SKEWED_ITEMS; i++) {
        in[i] = i;
    }
    double took = one_pass(batch, in, out, SKEWED_ITEMS);
    if (memcmp(in, out, sizeof in) != 0) {
        bench_die("some items of 32 are wrong");
    }
    return took;
}

size_t bench_large_size(void)
{
    return (size_t)bench_count(LARGE_MIB) << 20;
}

void bench_check_large(const unsigned char *result, unsigned char byte)
{
    if (result[0] != byte || memcmp(result, result + 1, bench_large_size() - 1) != 0) {
        bench_die("the large result is wrong");
    }
}

double bench_large(double (*get)(unsigned char byte), bool first)
{
    double took[LARGE_PASSES];

    took[0] = get(0);
    if (first) {
        return took[0];
    }
    for (int pass = 1; pass < LARGE_PASSES; pass++) {
        took[pass] = get((unsigned char)pass);
    }
    qsort(took + 1, LARGE_PASSES - 1, sizeof *took, by_size);
    return took[LARGE_PASSES / 2];
}

static int say_cases(const char *system, const struct bench_case *cases)
{
    printf("%s:", system);
    for (; cases->name; cases++) {
        printf(" %s", cases->name);
    }
    putchar('\n');
    return 0;
}

int bench_main(int argc, char **argv, const char *system, const struct bench_case *cases)
{
    if (sched_getaffinity(0, sizeof cores_at_start, &cores_at_start) != 0) {
        bench_die("cannot tell the cores: %s", strerror(errno));
    }
    if (argc < 2) {
        return say_cases(system, cases);
    }
    while (cases->name && strcmp(cases->name, argv[1]) != 0) {
        cases++;
    }
    if (!cases->name) {
        fprintf(stderr, "bench: %s has no case '%s'; without an argument it lists them\n", system, argv[1]);
        return 2;
    }
    printf("%.2f\n", cases->run());
    return 0;
}
