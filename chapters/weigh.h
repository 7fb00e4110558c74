/*
 * weigh.h: what processes take, seen from outside, shown in chapter 14.
 */
#ifndef WEIGH_H
#define WEIGH_H

#include <stdio.h>
#include <sys/types.h>
#include <time.h>

/* [weigh] */
struct weight {
    int counted;     /* so many processes are in it */
    double rss, pss; /* memory, in MiB */
    double cpu;      /* how long they have been on a core so far, in ms */
};

/* Adds a process to the weight, if the kernel tells of it: man 5 proc. */
static inline void weigh(pid_t pid, struct weight *sum)
{
    char path[64];
    long rss, pss;
    clockid_t clock;
    struct timespec t;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    if (fscanf(file, "%*[^\n] Rss: %ld kB Pss: %ld kB", &rss, &pss) == 2 &&
        clock_getcpuclockid(pid, &clock) == 0 &&
        clock_gettime(clock, &t) == 0) {
        sum->counted++;
        sum->rss += (double)rss / 1024;
        sum->pss += (double)pss / 1024;
        sum->cpu += (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
    }
    fclose(file);
}
/* [/weigh] */

#endif
