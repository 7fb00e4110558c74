/*
 * harness.h: what the exercises have in common. Nothing in here is to be
 * changed, and nothing in here has to be read to solve one.
 *
 * An exercise prints what it saw: the answers, how many tasks were inside at
 * once, what was left of the pool. It does not judge: tests/ does.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "meet.h"
#include "pool.h"
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

/* ---- A meeting that gives up ---- */

/* Tasks come in and wait until so many are inside; but only for 5 seconds, or
   $PATIENCE, so that a wrong answer is told, not waited for. Lies in shared
   memory. */
struct meeting {
    atomic_int wanted; /* 0: nobody waits any more */
    atomic_int inside, most;
};

static inline int meeting_patience(void)
{
    const char *patience = getenv("PATIENCE");
    return patience ? harness_count(patience) : 5;
}

static inline void meeting_enter(struct meeting *m)
{
    int inside = atomic_fetch_add(&m->inside, 1) + 1;
    int most = atomic_load(&m->most);
    time_t end = time(NULL) + meeting_patience();
    while (most < inside &&
           !atomic_compare_exchange_weak(&m->most, &most, inside))
        ;
    while (atomic_load(&m->most) < atomic_load(&m->wanted)) {
        sched_yield();
        if (time(NULL) > end)
            atomic_store(&m->wanted, 0);
    }
}

static inline void meeting_leave(struct meeting *m)
{
    atomic_fetch_sub(&m->inside, 1);
}

/* ---- What is left ---- */

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

/* Prints what is left of the pool while the program lives on. */
static inline void harness_print_left(int descriptors_before)
{
    siginfo_t child;
    int how = WEXITED | WNOHANG | WNOWAIT | __WALL;
    bool children = waitid(P_ALL, 0, &child, how) == 0;
    printf("left: %s, %d descriptors\n",
           children ? "a child process" : "no child process",
           harness_descriptors() - descriptors_before);
}

/* Prints why the function failed. */
static inline void harness_print_failure(const char *function, int error)
{
    printf("%s returned -1: %s\n", function,
           error == ENOSYS ? "it has no body yet, see TODO"
                           : pool_error()->text);
}

#endif
