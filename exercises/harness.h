/*
 * harness.h: what the exercises have in common. Nothing in here is to be
 * changed, and nothing in here has to be read to solve one.
 *
 * An exercise prints its answers, and by hand also what was left of the pool.
 * It does not judge: the grader does, from outside.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "pool.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "witness.h"

/* ---- Input ---- */

/* Returns the number a text says; if it is none, ends the program. */
static inline long harness_number(const char *text)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end > text && !*end && !errno)
        return number;
    fprintf(stderr, "'%s' is not a number, or does not fit into a long\n",
            text);
    exit(2);
}

/* The same, for a number of things. */
static inline int harness_count(const char *text)
{
    long count = harness_number(text);
    if (count >= 1 && count <= 1000000)
        return (int)count;
    fprintf(stderr, "%ld is not a number from 1 to 1000000\n", count);
    exit(2);
}

/* Seconds, on a clock that only goes forward. */
static inline double harness_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- The pool, where main() opens it ---- */

static inline struct pool *harness_open(int workers)
{
    struct pool_options options = { .processes = workers };
    struct pool *pool = pool_open(&options);
    if (pool)
        return pool;
    fprintf(stderr, "%s\n", pool_error()->text);
    exit(EXIT_FAILURE);
}

/* Ends it. Returns whether all that was handed over went well, or somebody
   looked at it. */
static inline bool harness_close(struct pool *pool)
{
    pool_close(pool);
    bool good = pool_join(pool, POOL_FOREVER) == 0;
    if (!good)
        printf("%s\n", pool_error()->text);
    pool_free(pool);
    return good;
}

/* ---- Before and after the function that you write ---- */

static inline int harness_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

/* To be called directly before; returns what harness_end() wants. */
static inline int harness_begin(void)
{
    fflush(NULL);
    witness_tell("begin");
    errno = 0;
    return harness_descriptors();
}

/* To be called directly after, with what the function returned. Tells why it
   failed; by hand also what is left of the pool, unless main() ends that:
   then `before` is -1. Returns whether it worked. */
static inline bool harness_end(const char *function, int status, int before)
{
    int error = errno;
    siginfo_t child;
    int how = WEXITED | WNOHANG | WNOWAIT | __WALL;
    witness_tell(before < 0 ? "end open" : "end");
    if (status != 0) {
        printf("%s returned %d\n", function, status);
        fprintf(stderr, "errno is %d: %s\n", error,
                error == ENOSYS ? "it has no body yet, see TODO"
                : pool_error()->code == error ? pool_error()->text
                                              : strerror(error));
    }
    if (!getenv("WITNESS") && before >= 0)
        fprintf(stderr, "left behind: %s, %d descriptors\n",
                waitid(P_ALL, 0, &child, how) == 0 ? "a child process"
                                                   : "no child process",
                harness_descriptors() - before);
    return status == 0;
}

#endif
