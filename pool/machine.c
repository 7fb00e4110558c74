/*
 * machine.c - what this process may use of the machine, and which functions it has loaded.
 *
 * A container's limits stand in the files of its cgroup, version 2 or 1; a process outside of any sees no such files,
 * or large numbers in them. A limit set further up in the hierarchy is not looked for.
 *
 * A library loaded with dlopen() after pool_open() is not in the nursery, so calling into it in a worker would be a
 * jump into nothing. The linker counts what it loads and lists modules in that order, new ones last: a function is
 * refused if its module stands behind those that were there. Workers of POOL_SPAWN, whose libraries lie at other
 * addresses, are sent to functions of the program only.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <link.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

/* Reads the first one or two numbers of a file. Returns how many there were. */
static int read_numbers(const char *path, double *first, double *second)
{
    FILE *file = fopen(path, "re");
    int count = file ? fscanf(file, "%lf %lf", first, second) : 0;
    if (file)
        fclose(file);
    return count;
}

int usable_cores(void)
{
    double quota = 0, period = 0;
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (read_numbers("/sys/fs/cgroup/cpu.max", &quota, &period) != 2 &&
        read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &quota, &period) == 1)
        read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period, &period);
    if (quota > 0 && period > 0 && quota / period < cores)
        cores = (int)(quota / period + 0.999);
    return cores > 0 ? cores : 1;
}

size_t usable_memory(void)
{
    double limit = 0, unused;
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (read_numbers("/sys/fs/cgroup/memory.max", &limit, &unused) < 1)
        read_numbers("/sys/fs/cgroup/memory/memory.limit_in_bytes", &limit, &unused);
    return (size_t)(limit > 0 && limit < memory ? limit : memory);
}

static int count_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct known *known = data;
    (void)size;
    known->loads = info->dlpi_adds;
    known->modules++;
    return 0;
}

void known_remember(struct known *known, bool program_only)
{
    *known = (struct known){ .program_only = program_only };
    dl_iterate_phdr(count_module, known);
}

struct search {
    const struct known *known;
    uintptr_t function;
    unsigned passed; /* modules looked at */
};

static bool is_in(uintptr_t function, const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && function - start < info->dlpi_phdr[i].p_memsz)
            return true;
    }
    return false;
}

/* Ends the search at the first module, which is the program. */
static int look_in_program(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    (void)size;
    return is_in(search->function, info) ? 1 : -1;
}

/* Ends the search with 1 at a module that was there, with -1 at one that was not, if the function is in it. */
static int look_for_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    (void)size;
    if (info->dlpi_adds == search->known->loads)
        return 1;
    search->passed++;
    if (!is_in(search->function, info))
        return 0;
    return search->passed <= search->known->modules ? 1 : -1;
}

bool known_has(struct known *known, uintptr_t function)
{
    uintptr_t *checked = &known->checked[function / 16 % 8];
    struct search search = { known, function, 0 };
    if (*checked == function)
        return true;
    if (dl_iterate_phdr(known->program_only ? look_in_program : look_for_module, &search) < 0)
        return false;
    *checked = function;
    return true;
}
