/*
 * drive.c - see drive.h.
 */
#define _GNU_SOURCE
#include "drive.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

_Noreturn void fail(const char *what, long steps)
{
    printf("NOT CLEAN  after %ld instructions: %s: %s\n", steps, what, pool_error()->text);
    exit(EXIT_FAILURE);
}

pid_t child_of(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%d", &child) != 1)
        child = 0;
    if (file)
        fclose(file);
    return child;
}

char state_of(pid_t pid)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    if (file)
        fclose(file);
    return state;
}

void await_state(pid_t pid, char state, const char *what)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    for (time_t end = time.tv_sec + (time_t)DEADLINE; state_of(pid) != state;) {
        clock_gettime(CLOCK_MONOTONIC, &time);
        if (time.tv_sec > end)
            fail(what, 0);
    }
}

void seize(pid_t pid, long options)
{
    if (ptrace(PTRACE_SEIZE, pid, NULL, options) != 0) {
        printf("skipped, ptrace is not allowed here: ");
        fflush(stdout);
        perror("");
        exit(77);
    }
}

void hold(pid_t pid)
{
    int status;
    seize(pid, 0);
    ptrace(PTRACE_INTERRUPT, pid, NULL, 0);
    waitpid(pid, &status, __WALL);
}

bool one_step(pid_t pid)
{
    int status;
    return ptrace(PTRACE_SINGLESTEP, pid, NULL, 0) == 0 && waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
           WSTOPSIG(status) == SIGTRAP;
}

void end_held(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    waitpid(pid, &status, __WALL);
}

int own_pid(const void *arg, void *result)
{
    (void)arg;
    *(pid_t *)result = getpid();
    return 0;
}

struct pool *open_asleep(const struct pool_options *options, pid_t *workers)
{
    struct pool_worker list[8];
    struct pool *pool = pool_open(options);
    int count = pool ? pool_workers(pool, list, 8) : 0;
    if (count != options->processes)
        fail("cannot open", 0);
    for (int i = 0; i < count; i++) {
        workers[i] = list[i].pid;
        await_state(workers[i], 'S', "a worker does not come to sleep");
    }
    return pool;
}

void end_pool(struct pool *pool, long steps)
{
    pool_terminate(pool);
    if (pool_join(pool, DEADLINE) != 0 && errno != EREMOTEIO) /* items that failed, and nobody looked */
        fail("no join", steps);
    pool_free(pool);
}
