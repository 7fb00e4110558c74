/*
 * machine.c - what this process may use of the machine, and which functions its workers know.
 *
 * Limits stand in the files of its cgroup, version 2 or 1, and of those above it: the least counts. In a container the
 * file system may begin at a group in the middle; so what is not there says nothing.
 *
 * A library loaded with dlopen() after pool_open() is not in the nursery, so a worker would jump into nothing, or into
 * what lay there before: a module is known by what it is, not by where it lies. The linker counts what it loads and
 * unloads; only then is there anything to look at anew. Workers of POOL_SPAWN know functions of the program only: its
 * libraries lie elsewhere there.
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Limits ---- */

/* Returns the number that a file begins with, or NAN; divided by the second one, if there are two. */
static double number_in(const char *group, const char *name)
{
    char path[PATH_MAX + 64];
    double number = NAN, by = 1;
    snprintf(path, sizeof path, "%s/%s", group, name);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%lf %lf", &number, &by) < 1)
        number = NAN;
    if (file)
        fclose(file);
    return number / by;
}

/* In cores. */
static double cpu_limit(const char *group, bool version_2)
{
    return version_2 ? number_in(group, "cpu.max")
                     : number_in(group, "cpu.cfs_quota_us") / number_in(group, "cpu.cfs_period_us");
}

/* In bytes. */
static double memory_limit(const char *group, bool version_2)
{
    return number_in(group, version_2 ? "memory.max" : "memory.limit_in_bytes");
}

/* In so many times the processes there are. */
static double pids_limit(const char *group, bool version_2)
{
    (void)version_2;
    return number_in(group, "pids.max") / number_in(group, "pids.current");
}

/* Returns the least of `least` and the limits of this process's cgroups and those above them; NAN and less than 0 are
 * none. */
static double least_limit(const char *controller, double (*limit)(const char *group, bool version_2), double least)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX], path[PATH_MAX + 64], *name;
    while (file && fgets(line, sizeof line, file)) {
        char *group = line, *number = strsep(&group, ":"), *names = strsep(&group, ":");
        while (number && group && (name = strsep(&names, ",")))
            if (!*name || strcmp(name, controller) == 0) { /* version 2 has no names */
                int root = snprintf(path, sizeof path, "/sys/fs/cgroup%s%s", *name ? "/" : "", name);
                int length = group[1] == '\n' ? 0 : (int)strcspn(group, "\n"); /* the root's name is "/" */
                snprintf(path + root, sizeof path - (size_t)root, "%.*s", length, group);
                for (char *end = path + strlen(path); end; end = strrchr(path + root, '/')) {
                    *end = '\0';
                    double here = limit(path, !*name);
                    least = here >= 0 && here < least ? here : least;
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

/* Which limit keeps memory from this process. */
static const char *memory_cure(void)
{
    bool space = is_limited(RLIMIT_AS), data = is_limited(RLIMIT_DATA);
    return space && data ? "; see ulimit -v and -d"
           : space       ? "; see ulimit -v"
           : data        ? "; see ulimit -d"
                         : "; see /proc/sys/vm/overcommit_memory, or, if the program locks its memory, see ulimit -l";
}

const char *cure(int error)
{
    bool group = error == EAGAIN && least_limit("pids", pids_limit, 2) <= 1;
    return group             ? "; too many processes: see pids.max of the cgroup"
           : error == EAGAIN ? "; too many processes: see ulimit -u"
           : error == EMFILE ? "; close what you no longer need: pool_close, pool_join"
           : error == ENOMEM ? memory_cure()
           : error == EFBIG  ? "; see ulimit -f"
           : error == ENOENT ? "; is /proc mounted?"
                             : "";
}

/* ---- Known modules ---- */

static uint64_t hash(uint64_t so_far, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        so_far = (so_far ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return so_far;
}

/* Returns a number that another module has not, though it may lie at the same place and be called the same: the linker
 * gives each build an id, in a note, but for those it was told not to; then the file is asked. */
static uint64_t identity(const struct dl_phdr_info *info)
{
    static const struct {
        ElfW(Word) type;
        char owner[4];
    } build_id = { NT_GNU_BUILD_ID, "GNU" };
    uint64_t id = hash(0xcbf29ce484222325u, &info->dlpi_addr, sizeof info->dlpi_addr);
    bool has_id = false;
    struct stat file;
    for (const ElfW(Phdr) *part = info->dlpi_phdr, *end = part + info->dlpi_phnum; part < end; part++)
        if (part->p_type == PT_NOTE) {
            const void *notes = (const void *)(info->dlpi_addr + part->p_vaddr);
            id = hash(id, notes, part->p_memsz);
            has_id = has_id || memmem(notes, part->p_memsz, &build_id, sizeof build_id);
        }
    if (!has_id && stat(info->dlpi_name, &file) == 0)
        id = hash(hash(id, &file.st_ino, sizeof file.st_ino), &file.st_mtim, sizeof file.st_mtim);
    return hash(id, info->dlpi_name, strlen(info->dlpi_name));
}

/* Tells where a module's parts lie, which stand in their order. */
static struct span span_of(const struct dl_phdr_info *info)
{
    struct span span = { 0, 0 };
    for (int i = info->dlpi_phnum; i--;)
        if (info->dlpi_phdr[i].p_type == PT_LOAD) {
            span.start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            span.end = span.end ? span.end : span.start + info->dlpi_phdr[i].p_memsz;
        }
    return span;
}

/* The first module is the program. */
static int remember_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct known *known = data;
    uint64_t *modules = realloc(known->modules, (known->count + 1) * sizeof *modules);
    (void)size;
    if (!modules)
        return -1;
    if (!known->count)
        known->program = span_of(info);
    known->modules = modules;
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
    struct span span = span_of(info);
    (void)size;
    if (known->changes != info->dlpi_adds + info->dlpi_subs)
        known->checked = 0;
    known->changes = info->dlpi_adds + info->dlpi_subs;
    if (known->checked == known->wanted)
        return 1;
    if (known->wanted < span.start || known->wanted >= span.end)
        return 0;
    uint64_t id = identity(info);
    for (size_t i = 0; i < known->count; i++)
        if (known->modules[i] == id)
            known->checked = known->wanted;
    return known->checked == known->wanted ? 1 : -1;
}

bool known_has(struct known *known, uintptr_t function)
{
    if (function >= known->program.start && function < known->program.end)
        return true;
    known->wanted = function;
    return !known->program_only && dl_iterate_phdr(look_for_module, known) >= 0;
}
