/*
 * drive.c - see drive.h.
 */
#define _GNU_SOURCE
#include "drive.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Waits for one of the states. */
static void await_any(pid_t pid, char state, char other, const char *what)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time_t end = time.tv_sec + (time_t)DEADLINE;
    for (char is = state_of(pid); is != state && is != other; is = state_of(pid)) {
        clock_gettime(CLOCK_MONOTONIC, &time);
        if (time.tv_sec > end)
            fail(what, 0);
    }
}

void await_state(pid_t pid, char state, const char *what)
{
    await_any(pid, state, state, what);
}

void await_end(pid_t pid, const char *what)
{
    await_any(pid, 'Z', 0, what);
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

pid_t hold_at_birth(pid_t nursery)
{
    unsigned long born = 0;
    int status;
    while (!born && waitpid(nursery, &status, __WALL) == nursery) {
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8))
            ptrace(PTRACE_GETEVENTMSG, nursery, NULL, &born);
        else
            ptrace(PTRACE_CONT, nursery, NULL, WIFSTOPPED(status) && status >> 16 == 0 ? WSTOPSIG(status) : 0);
    }
    waitpid((pid_t)born, &status, __WALL);
    ptrace(PTRACE_DETACH, nursery, NULL, 0);
    return (pid_t)born;
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

int drive_cases(int argc, char **argv, const struct drive_case *cases)
{
    long stride = argc > 1 ? atol(argv[1]) : 1;
    bool any = false;
    for (const struct drive_case *one = cases; one->name && stride > 0; one++)
        if (argc < 3 || strcmp(argv[2], one->name) == 0) {
            any = true;
            one->run(stride);
            fflush(stdout);
        }
    if (any)
        return 0;
    fprintf(stderr, "usage: %s [STRIDE [CASE]]; cases:", argv[0]);
    for (; cases->name; cases++)
        fprintf(stderr, " %s", cases->name);
    fprintf(stderr, "\n");
    return 2;
}
