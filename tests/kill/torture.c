/*
 * torture.c - processes of a busy pool are killed at random: workers and what is below them, many times, and at last
 * perhaps the nursery or the program itself.
 *
 * usage: build/torture [KILLS [SEED]]     10000 kills, if not told otherwise; the seed is printed
 *
 * Each round is a process that plays a scene (everything.c) on a pool of 1 to 4 workers: maps, streams, queues,
 * cancelling, limits, retries, maxtasks, output, callbacks, pools in tasks, over and over. Meanwhile whichever of its
 * workers comes next by chance is killed, idle, busy or hardly born, or something below a worker. Then the round is
 * told to end, or its nursery or the program is killed. What must hold:
 *
 *     workers killed      every item has its right value, or failed by a kill of this program; no more items than kills
 *     the nursery killed  every job fails or has its right values, the pool says so and can be ended
 *     the program killed  nothing is left
 *
 * and nothing hangs, ever. It does not stop at chosen instructions, as steps and killed do: chance and numbers have to
 * find them. So a seed repeats who is killed, but not at which moment.
 *
 * Exit status 0; 1 if something did not hold.
 */
#define _GNU_SOURCE
#include "everything.h"
#include "pool.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUND = 60,      /* kills of one round, at most */
    PAUSE = 4000,    /* microseconds between two kills, at most */
    DEADLINE = 60,   /* seconds for what must happen */
    PROCESSES = 100, /* below one round, at most */
};

static unsigned seed;

/* A number from 0 to below. */
static int draw(int below)
{
    return rand_r(&seed) % below;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- Who there is ---- */

/* Adds the children of a process to the list, those that are dead and not reaped, too. Returns how many there are. */
static int add_children(pid_t pid, pid_t *list, int count)
{
    char path[64];
    int child;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    while (file && count < PROCESSES && fscanf(file, "%d", &child) == 1)
        list[count++] = child;
    if (file)
        fclose(file);
    return count;
}

/* Kills a worker, or now and then something below one. */
static void kill_one(pid_t nursery)
{
    pid_t list[PROCESSES];
    int count = add_children(nursery, list, 0), at = count ? draw(count) : 0;
    while (count && draw(4) == 0) {
        count = add_children(list[at], list, 0);
        at = count ? draw(count) : 0;
    }
    if (count && stage->killed < MOST_KILLS)
        stage_kill(list[at]);
}

/* ---- A round ---- */

static enum end { BY_ITSELF, NURSERY_KILLED, CALLER_KILLED } end;

static _Noreturn void fail(const char *what)
{
    static const char *const ends[] = { "", ", its nursery killed", ", itself killed" };
    printf("NOT CLEAN  %d workers, %d killed%s, at \"%s\": %s\n", stage->workers, stage->killed, ends[end],
           atomic_load(&stage->step), what);
    exit(1);
}

static pid_t start(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int null = open("/dev/null", O_WRONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(null, STDOUT_FILENO);
    close(null);
    scene_play(&loaded);
}

/* Ends the round: it is told, or the nursery is killed, or the program. */
static void finish(pid_t player, pid_t nursery)
{
    atomic_store(&stage->enough, 1);
    if (end == BY_ITSELF)
        return;
    atomic_store(&stage->counts, 0);
    atomic_store(&stage->may_leave, 1);
    kill(end == NURSERY_KILLED ? nursery : player, SIGKILL);
}

/* Waits until the program is gone and all that it started, which is this one's by then. With no nursery nobody can end
 * what tasks started. */
static void await_end(pid_t player)
{
    int status, how = -1;
    pid_t list[PROCESSES];
    double deadline = now() + DEADLINE, afterwards = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | __WALL)) >= 0 || errno != ECHILD;) {
        if (pid == player) {
            how = status;
            afterwards = now() + 5;
        }
        if (pid == 0)
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        if (now() > deadline)
            fail("it hangs");
        if (afterwards == 0 || now() < afterwards)
            continue;
        if (end != NURSERY_KILLED)
            fail("a process is left");
        for (int count = add_children(getpid(), list, 0); count > 0; count--)
            kill(list[count - 1], SIGKILL);
    }
    if (stage->faults)
        fail(stage->fault);
    if (how != 0 && !(end == CALLER_KILLED && WIFSIGNALED(how)))
        fail("the program ended badly");
}

/* Returns how many it killed. */
static int play(int kills)
{
    pid_t nursery[PROCESSES];
    double deadline = now() + DEADLINE;
    memset(stage, 0, sizeof *stage);
    stage->workers = 1 + draw(4);
    atomic_store(&stage->counts, 1);
    atomic_store(&stage->step, "nothing");
    end = (enum end)draw(3);
    pid_t player = start();
    while (add_children(player, nursery, 0) == 0)
        if (now() > deadline)
            fail("there is no nursery");
    while (stage->killed < kills && now() < deadline && add_children(player, nursery, 0) > 0) {
        nanosleep(&(struct timespec){ .tv_nsec = 1000L * draw(PAUSE) }, NULL);
        kill_one(nursery[0]);
    } /* it may end before: no pool can be opened whose workers are killed then */
    finish(player, nursery[0]);
    await_end(player);
    return stage->killed;
}

int main(int argc, char **argv)
{
    pool_freeze_support();
    long kills = argc > 1 ? atol(argv[1]) : 10000, killed = 0;
    int rounds[3] = { 0 };
    seed = argc > 2 ? (unsigned)atol(argv[2]) : (unsigned)getpid() * 31u + (unsigned)time(NULL);
    if (kills < 1 || argc > 3) {
        fprintf(stderr, "usage: torture [KILLS [SEED]]\n");
        return 2;
    }
    printf("seed %u\n", seed);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    stage_make();
    while (killed < kills) {
        killed += play(1 + draw(ROUND));
        rounds[end]++;
    }
    printf("%ld kills, %d programs: %d ended by themselves, %d with their nursery killed, %d killed\n", killed,
           rounds[0] + rounds[1] + rounds[2], rounds[0], rounds[1], rounds[2]);
    return 0;
}
