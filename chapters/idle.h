/*
 * idle.h: how many cores are idle, for chapters that measure times; shown in
 * chapter 13.
 */
#ifndef IDLE_H
#define IDLE_H

#include "pool.h"
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static inline double clock_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* [idle] */
/* A task: computes for 20 ms. The result is for which part of this time it
   had a core. */
static inline int spin(const void *unused, void *result)
{
    double start = clock_of(CLOCK_MONOTONIC), time = 0;
    double on_core = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    while (time < 0.02)
        time = clock_of(CLOCK_MONOTONIC) - start;
    on_core = clock_of(CLOCK_PROCESS_CPUTIME_ID) - on_core;
    *(double *)result = on_core / time;
    (void)unused;
    return 0;
}
/* [/idle] */

/* Says how many cores a worker for each would have, one task for each. */
static inline void tell_idle_cores(void)
{
    struct pool *pool = pool_open(NULL);
    int cores = pool ? pool_processes(pool) : 1;
    double share[cores], idle = 0;
    bool good = pool && pool_map(pool, spin, NULL, (size_t)cores, 0, share,
                                 sizeof *share) == 0;
    for (int i = 0; good && i < cores; i++)
        idle += share[i];
    pool_free(pool);
    printf("idle: %.1f of %d cores%s\n", idle, cores,
           idle > 0.9 * cores ? "" : ", so times will not be as in the book");
}
#endif
