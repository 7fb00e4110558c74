/*
 * machine.c - what this process may use of the machine, and which functions its workers know.
 *
 * Limits stand in the files of its cgroup, version 2 or 1, and of those above it: the least counts. In a container the
 * file system may begin at a group in the middle; so what is not there says nothing.
 *
 * A library loaded with dlopen() after pool_open() is not in the nursery, so calling into it in a worker would be a
 * jump into nothing, or into what lay there before: a module is known by what it is, not by where it lies. The linker
 * counts what it loads and unloads; only then is there anything to look at anew. Workers of POOL_SPAWN, whose libraries
 * lie elsewhere, are sent to functions of the program only.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MUCH ((size_t)1 << 36) /* bytes */

/* ---- Limits ---- */

/* Returns the first (0) or second (1) number of a file, or NAN. */
static double number_in(const char *group, const char *name, int which)
{
    char path[PATH_MAX + 64];
    double numbers[2] = { NAN, NAN };
    snprintf(path, sizeof path, "%s/%s", group, name);
    FILE *file = fopen(path, "re");
    int count = file ? fscanf(file, "%lf %lf", &numbers[0], &numbers[1]) : 0;
    if (file)
        fclose(file);
    return which < count ? numbers[which] : NAN;
}

/* In cores. */
static double cpu_limit(const char *group)
{
    double limit = number_in(group, "cpu.max", 0) / number_in(group, "cpu.max", 1);
    if (isnan(limit))
        limit = number_in(group, "cpu.cfs_quota_us", 0) / number_in(group, "cpu.cfs_period_us", 0);
    return limit > 0 ? limit : NAN;
}

/* In bytes. */
static double memory_limit(const char *group)
{
    double limit = number_in(group, "memory.max", 0);
    if (isnan(limit))
        limit = number_in(group, "memory.limit_in_bytes", 0);
    return limit > 0 ? limit : NAN;
}

/* In processes, so many more. */
static double pids_limit(const char *group)
{
    return number_in(group, "pids.max", 0) - number_in(group, "pids.current", 0);
}

/* Returns the least of `least` and the limits of this process's cgroups and those above them; NAN is none. */
static double least_limit(const char *controller, double (*limit)(const char *group), double least)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX], path[PATH_MAX + 64], *name;
    while (file && fgets(line, sizeof line, file)) {
        char *group = line, *number = strsep(&group, ":"), *names = strsep(&group, ":");
        while (number && group && (name = strsep(&names, ",")))
            if (!*name || strcmp(name, controller) == 0) { /* version 2 has no names */
                int root = snprintf(path, sizeof path, "/sys/fs/cgroup%s%s", *name ? "/" : "", name);
                snprintf(path + root, sizeof path - (size_t)root, "%.*s", (int)strcspn(group, "\n"), group);
                for (char *end = path + strlen(path); end; end = strrchr(path + root, '/')) {
                    *end = '\0';
                    double here = limit(path);
                    least = here < least ? here : least;
                }
            }
    }
    if (file)
        fclose(file);
    return least;
}

int usable_cores(void)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    cores = (int)(least_limit("cpu", cpu_limit, cores) + 0.999);
    return cores > 0 ? cores : 1;
}

size_t usable_memory(void)
{
    return (size_t)least_limit("memory", memory_limit, (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE));
}

static bool is_limited(int what)
{
    struct rlimit limit;
    return getrlimit(what, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/* Which limit keeps memory from this process. One on locked memory only does if all that is mapped is to be locked. */
static const char *memory_cure(void)
{
    bool space = is_limited(RLIMIT_AS), data = is_limited(RLIMIT_DATA);
    if (space || data)
        return !data ? "; see ulimit -v" : !space ? "; see ulimit -d" : "; see ulimit -v and -d";
    void *much = mmap(NULL, MUCH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (much == MAP_FAILED && errno == EAGAIN)
        return "; the program locks its memory: see ulimit -l";
    if (much != MAP_FAILED)
        munmap(much, MUCH);
    return "; see /proc/sys/vm/overcommit_memory";
}

const char *cure(int error)
{
    switch (error) {
    case EMFILE:
        return "; close what you no longer need: pool_close, pool_join";
    case EAGAIN:
        return least_limit("pids", pids_limit, 1) < 1 ? "; too many processes: see pids.max of the cgroup"
                                                      : "; too many processes: see ulimit -u";
    case ENOMEM:
        return memory_cure();
    case EFBIG:
        return "; see ulimit -f";
    case ENOENT:
        return "; is /proc mounted?";
    default:
        return "";
    }
}

/* ---- Known modules ---- */

static bool has_build_id(const char *note, size_t size)
{
    for (size_t length; size >= sizeof(ElfW(Nhdr)); note += length, size -= length) {
        ElfW(Nhdr) head;
        memcpy(&head, note, sizeof head);
        length = sizeof head + round_to(head.n_namesz, 4) + round_to(head.n_descsz, 4);
        if (head.n_type == NT_GNU_BUILD_ID || length > size)
            return length <= size;
    }
    return false;
}

static uint64_t hash(uint64_t so_far, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        so_far = (so_far ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return so_far;
}

/* Returns a number that another module has not, though it may lie at the same place and be called the same: the linker
 * gives each build an id, but for those it was told not to; then the file is asked. */
static uint64_t identity(const struct dl_phdr_info *info)
{
    const ElfW(Phdr) *part = info->dlpi_phdr, *end = part + info->dlpi_phnum;
    struct stat file;
    uint64_t id = hash(0xcbf29ce484222325u, &info->dlpi_addr, sizeof info->dlpi_addr);
    id = hash(hash(id, info->dlpi_name, strlen(info->dlpi_name)), part, info->dlpi_phnum * sizeof *part);
    for (; part < end; part++) {
        const char *at = (const char *)(info->dlpi_addr + part->p_vaddr);
        if (part->p_type == PT_NOTE && has_build_id(at, part->p_memsz))
            return hash(id, at, part->p_memsz);
    }
    if (stat(info->dlpi_name, &file) == 0)
        id = hash(hash(id, &file.st_ino, sizeof file.st_ino), &file.st_mtim, sizeof file.st_mtim);
    return id;
}

static bool is_in(uintptr_t function, const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && function - start < info->dlpi_phdr[i].p_memsz)
            return true;
    }
    return false;
}

/* The first module is the program, whose parts stand in their order. */
static int remember_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct known *known = data;
    uint64_t *modules = realloc(known->modules, (known->count + 1) * sizeof *modules);
    (void)size;
    if (!modules)
        return -1;
    known->modules = modules;
    for (int i = 0; i < info->dlpi_phnum && !known->count; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD)
            known->program_end = info->dlpi_addr + part->p_vaddr + part->p_memsz;
        if (part->p_type == PT_LOAD && !known->program)
            known->program = info->dlpi_addr + part->p_vaddr;
    }
    modules[known->count++] = identity(info);
    return 0;
}

int known_remember(struct known *known, bool program_only)
{
    *known = (struct known){ .program_only = program_only };
    return dl_iterate_phdr(remember_module, known);
}

/* Ends the search with 1 at a module that was there, with -1 at one that was not, if the function is in it. */
static int look_for_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct known *known = data;
    uintptr_t *checked = &known->checked[known->wanted / 16 % 8];
    (void)size;
    if (known->loads != info->dlpi_adds || known->unloads != info->dlpi_subs)
        memset(known->checked, 0, sizeof known->checked);
    known->loads = info->dlpi_adds;
    known->unloads = info->dlpi_subs;
    if (*checked == known->wanted)
        return 1;
    if (!is_in(known->wanted, info))
        return 0;
    uint64_t id = identity(info);
    for (size_t i = 0; i < known->count && *checked != known->wanted; i++)
        if (known->modules[i] == id)
            *checked = known->wanted;
    return *checked == known->wanted ? 1 : -1;
}

bool known_has(struct known *known, uintptr_t function)
{
    if (function >= known->program && function < known->program_end)
        return true;
    known->wanted = function;
    return !known->program_only && dl_iterate_phdr(look_for_module, known) >= 0;
}
