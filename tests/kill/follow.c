/*
 * follow.c - see follow.h.
 *
 * A child is seen before or after its parent tells of it: until both have happened it is held. Roles go by descent: the
 * caller's child is the nursery, that one's is a worker, and what is below is below.
 */
#define _GNU_SOURCE
#include "follow.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE 60  /* seconds for a scene */
#define AFTERWARDS 5 /* and for what it left to be gone */

enum { MOST = 256 };

const char *const roles[ROLES] = { "caller", "thread", "nursery", "worker", "below" };

struct process processes[MOST];
int process_count;

static const struct follower *follower;
static volatile sig_atomic_t rang; /* the alarm */

static void ring(int signal)
{
    (void)signal;
    rang = 1;
}

static _Noreturn void give_up(const char *what, int status)
{
    perror(what);
    exit(status);
}

void follow_prepare(void)
{
    sigaction(SIGALRM, &(struct sigaction){ .sa_handler = ring }, NULL); /* ends a wait */
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* a dead program's nursery becomes a child of this one, which reaps it */
    stage_make();
}

/* ---- Who there is ---- */

static struct process *process_of(pid_t tid)
{
    for (int i = 0; i < process_count; i++)
        if (processes[i].tid == tid)
            return &processes[i];
    if (process_count == MOST) {
        errno = E2BIG;
        give_up("follow: too many processes", 1);
    }
    processes[process_count] = (struct process){ .tid = tid, .goes_on = PTRACE_CONT };
    return &processes[process_count++];
}

static void forget(pid_t tid)
{
    *process_of(tid) = processes[process_count - 1];
    process_count--;
}

static bool is_thread(pid_t tid)
{
    char path[64], line[128];
    int group = tid;
    snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Tgid: %d", &group) == 1)
            break;
    if (file)
        fclose(file);
    return group != tid;
}

static enum role role_of_child(enum role parent, pid_t tid)
{
    if (is_thread(tid))
        return parent == CALLER ? THREAD : parent;
    return parent <= THREAD ? NURSERY : parent < BELOW ? parent + 1 : BELOW;
}

static void clear(void)
{
    for (int i = 0; i < process_count; i++)
        kill(processes[i].tid, SIGKILL);
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
    process_count = 0;
}

/* ---- What happens to them ---- */

static void go_on(const struct process *process, int signal)
{
    ptrace(process->goes_on, process->tid, NULL, (long)signal);
}

static void birth(enum role parent, pid_t tid)
{
    struct process *child = process_of(tid);
    child->role = role_of_child(parent, tid);
    child->known = true;
    if (follower->born)
        follower->born(child);
    if (child->waits)
        go_on(child, 0);
    child->waits = false;
}

static void called(struct process *process)
{
    struct __ptrace_syscall_info info;
    ptrace(PTRACE_GET_SYSCALL_INFO, process->tid, sizeof info, &info);
    if (follower->called)
        follower->called(process, &info);
}

/* A stop that ptrace made: at a birth, at an exec, or because the process itself was stopped. */
static void at_event(struct process *process, int event, int signal)
{
    unsigned long child = 0;
    enum role role = process->role;
    pid_t tid = process->tid;
    if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
        ptrace(PTRACE_LISTEN, tid, NULL, 0);
        return;
    }
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
        ptrace(PTRACE_GETEVENTMSG, tid, NULL, &child);
        birth(role, (pid_t)child);
    }
    go_on(process_of(tid), 0); /* the table may have grown */
}

static void stopped(struct process *process, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;
    if (!process->known) {
        process->waits = true;
    } else if (event) {
        at_event(process, event, signal);
    } else if (signal == (SIGTRAP | 0x80)) {
        called(process);
        go_on(process, 0);
    } else if (signal == SIGTRAP && process->goes_on == PTRACE_SINGLESTEP) {
        if (follower->stepped)
            follower->stepped(process);
        go_on(process, 0);
    } else if (signal == SIGUSR1 && process->role == CALLER) {
        if (follower->cued)
            follower->cued();
        go_on(process, 0);
    } else {
        go_on(process, signal);
    }
}

/* ---- A scene ---- */

static char text[500]; /* what was not right */

static const char *what_the_scene_tells(void)
{
    return atomic_load(&stage->faults) ? stage->fault : NULL;
}

/* Whether there is nobody left but those that may stay. */
static bool rest_may_stay(void)
{
    bool all_below = follower->below_may_stay;
    for (int i = 0; i < process_count; i++)
        all_below &= processes[i].role == BELOW;
    return all_below;
}

static const char *not_in_time(bool over)
{
    int length = snprintf(text, sizeof text, over ? "left:" : "it hangs, at \"%s\":", atomic_load(&stage->step));
    for (int i = 0; i < process_count && length < 400; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, " %s", roles[processes[i].role]);
    clear();
    return text;
}

static const char *bad_end(int status)
{
    snprintf(text, sizeof text, "the program ended with status %#x, at \"%s\"", (unsigned)status,
             atomic_load(&stage->step));
    clear();
    return text;
}

static const char *until_all_are_gone(pid_t root)
{
    bool over = false;
    int status;
    rang = 0;
    alarm(DEADLINE);
    while (process_count > 0) {
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && rang)
            return not_in_time(over);
        if (tid >= 0 && WIFSTOPPED(status))
            stopped(process_of(tid), status);
        else if (tid >= 0)
            forget(tid);
        if (tid == root && !WIFSTOPPED(status)) {
            over = true;
            alarm(AFTERWARDS);
            if (status != 0 && !(follower->caller_may_die && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
                return bad_end(status);
        }
        if (over && rest_may_stay())
            clear();
    }
    alarm(0);
    while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
        ; /* those that died while they were somebody else's children are this one's for a second time */
    return what_the_scene_tells();
}

/* The program that is followed: it plays when the pipe is closed. */
static _Noreturn void become_player(const struct scene *scene, const int gate[2])
{
    char byte;
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    close(null);
    signal(SIGALRM, SIG_DFL);
    close(gate[1]);
    if (read(gate[0], &byte, 1) != 0)
        _exit(2);
    close(gate[0]);
    scene_play(scene);
}

const char *follow(const struct scene *scene, const struct follower *who)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                         PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    int gate[2];
    follower = who;
    if (pipe(gate) != 0)
        give_up("follow: pipe", 1);
    pid_t root = fork();
    if (root == 0)
        become_player(scene, gate);
    if (root < 0 || ptrace(PTRACE_SEIZE, root, NULL, options) != 0) {
        close(gate[1]);
        give_up("skipped: ptrace is not allowed here", 77);
    }
    struct process *caller = process_of(root);
    caller->role = CALLER;
    caller->known = true;
    if (follower->born)
        follower->born(caller);
    ptrace(PTRACE_INTERRUPT, root, NULL, 0);
    close(gate[0]);
    close(gate[1]);
    return until_all_are_gone(root);
}
