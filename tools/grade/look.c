/*
 * look.c: what the kernel tells of processes, read in /proc, from outside the box. So no program in it can lie
 * about itself. A process that ends in the middle of a look counts as gone, and no error is made of it.
 */
#define _GNU_SOURCE
#include "box.h"
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((format(printf, 1, 2))) static FILE *open_proc(const char *format, ...)
{
    char path[128];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return fopen(path, "re");
}

/* Calls `each` with the number of each thread of a process, until it returns false. */
static bool each_thread(pid_t pid, bool each(pid_t pid, pid_t thread, void *state), void *state)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *dir = opendir(path);
    bool all = true;
    for (struct dirent *entry; dir && all && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            all = each(pid, atoi(entry->d_name), state);
    if (dir)
        closedir(dir);
    return all;
}

/* --- Which processes ----------------------------------------------------------------------------- */

struct list {
    pid_t *pid;
    size_t n;
};

static bool add_children(pid_t pid, pid_t thread, void *state)
{
    struct list *list = state;
    FILE *file = open_proc("/proc/%d/task/%d/children", pid, thread);
    while (file && list->n < MAX_PROCESSES && fscanf(file, "%d", &list->pid[list->n]) == 1)
        list->n++;
    if (file)
        fclose(file);
    return true;
}

size_t look_children(pid_t parent, pid_t list[MAX_PROCESSES])
{
    struct list children = { .pid = list };
    each_thread(parent, add_children, &children);
    return children.n;
}

size_t look_below(pid_t root, pid_t list[MAX_PROCESSES])
{
    struct list all = { .pid = list };
    each_thread(root, add_children, &all);
    for (size_t i = 0; i < all.n; i++)
        each_thread(list[i], add_children, &all);
    return all.n;
}

/* --- What one is --------------------------------------------------------------------------------- */

/* Reads state and parent, which stand behind the name, which may hold anything. */
static bool read_stat(FILE *file, char *state, pid_t *parent)
{
    char line[512];
    size_t n = file ? fread(line, 1, sizeof line - 1, file) : 0;
    line[n] = '\0';
    char *behind = strrchr(line, ')');
    bool read = behind && sscanf(behind, ") %c %d", state, parent) == 2;
    if (file)
        fclose(file);
    return read;
}

char look_state(pid_t pid)
{
    char state = 0;
    pid_t parent;
    return read_stat(open_proc("/proc/%d/stat", pid), &state, &parent) ? state : 0;
}

pid_t look_parent(pid_t pid)
{
    char state;
    pid_t parent = 0;
    return read_stat(open_proc("/proc/%d/stat", pid), &state, &parent) ? parent : 0;
}

static bool thread_asleep(pid_t pid, pid_t thread, void *state)
{
    char now_is = 'S';
    pid_t parent;
    (void)state;
    read_stat(open_proc("/proc/%d/task/%d/stat", pid, thread), &now_is, &parent);
    return now_is != 'R' && now_is != 'D';
}

bool look_asleep(pid_t pid)
{
    return each_thread(pid, thread_asleep, NULL);
}

long look_descriptors(pid_t pid)
{
    char path[64];
    long count = -2; /* . and .. */
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count < 0 ? 0 : count;
}

/* Shared anonymous memory is a file of the kernel's own, /dev/zero (deleted). */
long look_memory(pid_t pid)
{
    FILE *file = open_proc("/proc/%d/maps", pid);
    char line[512], path[256];
    unsigned long from, to, bytes = 0;
    while (file && fgets(line, sizeof line, file)) {
        path[0] = '\0';
        if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %255s", &from, &to, path) >= 2 &&
            (!path[0] || strcmp(path, "/dev/zero") == 0 || strncmp(path, "/memfd:", 7) == 0))
            bytes += to - from;
    }
    if (file)
        fclose(file);
    return (long)(bytes / 1024);
}

/* Pages that several have in common are counted once: as many as the process has that has most of them. */
long look_resident(pid_t root)
{
    pid_t list[MAX_PROCESSES];
    long own = 0, common = 0, size, resident, shared;
    for (size_t n = look_below(root, list); n > 0; n--) {
        FILE *file = open_proc("/proc/%d/statm", list[n - 1]);
        if (file && fscanf(file, "%ld %ld %ld", &size, &resident, &shared) == 3) {
            own += resident - shared;
            common = shared > common ? shared : common;
        }
        if (file)
            fclose(file);
    }
    return (own + common) * (sysconf(_SC_PAGESIZE) / 1024);
}

void look_name(pid_t pid, char name[32])
{
    FILE *file = open_proc("/proc/%d/comm", pid);
    strcpy(name, "?");
    if (file && fgets(name, 32, file))
        name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
}
