/*
 * machine.c - what this process may use of the machine, and which functions its workers know.
 *
 * Limits stand in the files of its cgroup, version 2 or 1, and of those above it: the least counts. In a container the
 * file system may begin at a group in the middle; so what is not there says nothing.
 *
 * A library loaded with dlopen() after pool_open() is not in the nursery, so calling into it in a worker would be a
 * jump into nothing, or into what lay there before: so a module is known by what it is, not by where it lies. The
 * linker counts what it loads and unloads, and only then is there anything to look at anew. The program itself always
 * stays; workers of POOL_SPAWN, whose libraries lie elsewhere, are sent to functions of the program only.
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

/* Reads the first one or two numbers of a file. Returns how many there were. */
static int read_numbers(const char *directory, const char *name, double *first, double *second)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    int count = file ? fscanf(file, "%lf %lf", first, second) : 0;
    if (file)
        fclose(file);
    return count;
}

/* In cores. */
static double cpu_limit(const char *group)
{
    double quota = 0, period = 0;
    if (read_numbers(group, "cpu.max", &quota, &period) < 2 &&
        read_numbers(group, "cpu.cfs_quota_us", &quota, &period) == 1)
        read_numbers(group, "cpu.cfs_period_us", &period, &period);
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* In bytes. */
static double memory_limit(const char *group)
{
    double limit = 0, unused;
    if (read_numbers(group, "memory.max", &limit, &unused) < 1)
        read_numbers(group, "memory.limit_in_bytes", &limit, &unused);
    return limit > 0 ? limit : INFINITY;
}

/* Returns the least of `least` and the limits of this process's cgroups and those above them. */
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

/* How many more processes there can be. */
static double pids_left(const char *group)
{
    double most, now, unused;
    bool known =
        read_numbers(group, "pids.max", &most, &unused) == 1 && read_numbers(group, "pids.current", &now, &unused) == 1;
    return known ? most - now : INFINITY;
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
        return least_limit("pids", pids_left, 1) < 1 ? "; too many processes: see pids.max of the cgroup"
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
    const ElfW(Phdr) *part = info->dlpi_phdr;
    struct stat file;
    bool has_id = false;
    uint64_t id = hash(0xcbf29ce484222325u, &info->dlpi_addr, sizeof info->dlpi_addr);
    id = hash(hash(id, info->dlpi_name, strlen(info->dlpi_name)), part, info->dlpi_phnum * sizeof *part);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const char *at = (const char *)(info->dlpi_addr + part[i].p_vaddr);
        if (part[i].p_type != PT_NOTE || !has_build_id(at, part[i].p_memsz))
            continue;
        has_id = true;
        id = hash(id, at, part[i].p_memsz);
    }
    if (!has_id && stat(info->dlpi_name, &file) == 0)
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
    for (int i = 0; i < info->dlpi_phnum && !known->count; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD) {
            uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            known->program = known->program ? known->program : start;
            known->program_end = start + info->dlpi_phdr[i].p_memsz;
        }
    modules[known->count++] = identity(info);
    return 0;
}

int known_remember(struct known *known, bool program_only)
{
    *known = (struct known){ .program_only = program_only };
    return dl_iterate_phdr(remember_module, known);
}

struct search {
    struct known *known;
    uintptr_t function, *checked;
};

/* Ends the search with 1 at a module that was there, with -1 at one that was not, if the function is in it. */
static int look_for_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    struct known *known = search->known;
    (void)size;
    if (known->loads != info->dlpi_adds || known->unloads != info->dlpi_subs)
        memset(known->checked, 0, sizeof known->checked);
    known->loads = info->dlpi_adds;
    known->unloads = info->dlpi_subs;
    if (*search->checked == search->function)
        return 1;
    if (!is_in(search->function, info))
        return 0;
    uint64_t id = identity(info);
    for (size_t i = 0; i < known->count; i++)
        if (known->modules[i] == id) {
            *search->checked = search->function;
            return 1;
        }
    return -1;
}

bool known_has(struct known *known, uintptr_t function)
{
    struct search search = { known, function, &known->checked[function / 16 % 8] };
    if (function >= known->program && function < known->program_end)
        return true;
    return !known->program_only && dl_iterate_phdr(look_for_module, &search) >= 0;
}
