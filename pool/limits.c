/*
 * limits.c - how many cores and how much memory a process may use, not how many the machine has.
 *
 * A container's limits stand in the files of its cgroup, version 2 or 1; a process outside of any sees no such files or
 * large numbers in them. A limit set further up in the hierarchy is not looked for.
 */
#define _GNU_SOURCE
#include "limits.h"
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

/* Reads the first one or two numbers of a file. Returns how many there were. */
static int read_numbers(const char *path, double *first, double *second)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    int count = fscanf(file, "%lf %lf", first, second);
    fclose(file);
    return count > 0 ? count : 0;
}

static double quota(void)
{
    double quota = 0, period = 0, unused;
    if (read_numbers("/sys/fs/cgroup/cpu.max", &quota, &period) == 2)
        return quota / period;
    if (read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &quota, &unused) == 1 && quota > 0 &&
        read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period, &unused) == 1 && period > 0)
        return quota / period;
    return 0;
}

int limits_cores(void)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    double most = quota();
    if (most > 0 && most < cores)
        cores = (int)(most + 0.999);
    return cores > 0 ? cores : 1;
}

size_t limits_memory(void)
{
    double limit = 0, unused;
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (read_numbers("/sys/fs/cgroup/memory.max", &limit, &unused) < 1)
        read_numbers("/sys/fs/cgroup/memory/memory.limit_in_bytes", &limit, &unused);
    return (size_t)(limit > 0 && limit < memory ? limit : memory);
}
