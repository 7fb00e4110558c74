/*
 * nursery.c - the small process that forks the workers and reaps them, and that is nearly all.
 *
 * Why a process of its own: it has one thread for ever, so forking from it is safe whatever the program does; it is
 * as it was at pool_open(), so every successor starts from the same state; its children are not the program's, whose
 * wait() and SIGCHLD stay its own; and it outlives the program just long enough to end what the program left.
 *
 * It sleeps until a worker ends or is stopped (SIGCHLD), the caller sends a byte (look at region->stop, and whom to
 * kill), or the caller is gone. That it learns in two ways: its socket ends, also at an exec, unless some other child
 * of the program holds a copy; and the pidfd of the caller becomes readable. What the system refuses it tries again.
 *
 * It is a subreaper: what tasks leave becomes its child when its own parent ends, and wears the mark of its worker.
 *
 * A place without a worker gets one for as long as the pool lives. If fork fails, all places that lack one wait; if
 * a worker ended before it was ready (its initializer failed), its place waits until it is its turn: of such places one
 * is tried at a time. Each failure in a row doubles the pause, up to a second.
 *
 * It does not know what a job is. What a dead worker held is its successor's business (worker.c).
 */
#define _GNU_SOURCE
#include "inside.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 8                     /* with 10 ms, 20 ms, 40 ms ... between them: about a second and a quarter */
#define AGAIN ((uint64_t)100000000) /* ns after which to try again what the system refused */
#define TIMES 10                    /* and how often: a second */

struct nursery {
    struct region *region;
    int caller[2]; /* the socket and the pidfd; -1 where there is none: then it looks whose child it is */
    int oom_file;  /* its own oom_score_adj, which a child inherits, */
    int oom_score; /* and what stands there while it forks nobody */
    pid_t parent;
    sigset_t sigchld_open; /* what to block while waiting */
    uint32_t alive;        /* workers */
    bool called;           /* some worker may hold a condemned ticket */
    int looks;             /* so often it looks for what dead workers left, if the system refuses to let it: */
    uint32_t marks;        /* these are their marks */
    rlim_t *mark;          /* so many as there can be workers */
    unsigned tries;        /* forks in a row that failed */
    uint64_t fork_at;      /* not before that is the next fork, */
    uint64_t try_at;       /* nor the next one for a place whose last worker was not ready before its end */
    uint32_t unready;      /* the last place of which that is so */
    uint64_t kill_at;      /* after TERM: when to send KILL; 0: not yet sent TERM */
};

/* ---- Starting ---- */

static bool is_wanted(const struct region *region, const struct slot *slot)
{
    uint32_t stop = atomic_load(&region->stop);
    bool work = atomic_load(&slot->aim) || atomic_load(&region->head) < atomic_load(&region->tail);
    return stop == STOP_NOT || (stop == STOP_CLOSED && work);
}

static bool is_missing(const struct region *region, uint32_t number)
{
    return !atomic_load(&region->slots[number].pid) && is_wanted(region, &region->slots[number]);
}

/* When to try again after so many failures in a row. */
static uint64_t after(unsigned failures)
{
    return now_ns() + (failures < TRIES ? (uint64_t)5000000 << failures : 1000000000);
}

/* After a fork that failed. What the missing workers held waits for a while, then it fails; if nobody is left, what is
 * queued fails, too. */
static void fork_failed(struct nursery *n, int error)
{
    struct region *region = n->region;
    bool opening = false;
    n->tries += n->tries < TRIES;
    n->fork_at = after(n->tries);
    region->fork_errno = error;
    for (uint32_t i = 0; i < region->workers && n->tries == TRIES; i++) {
        opening |= !atomic_load(&region->slots[i].was_ready);
        if (is_missing(region, i))
            worker_refuse(region, i, n->alive == 0);
    }
    if (opening)
        break_pool(region, 0, error);
}

/* When memory runs out, workers are to go before the nursery and the caller. */
static void set_oom_score(const struct nursery *n, int score)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%d", score < 1000 ? score : 1000);
    if (n->oom_file >= 0 && pwrite(n->oom_file, text, (size_t)length, 0) < 0)
        length = 0; /* then not */
}

static bool start_worker(struct nursery *n, uint32_t number)
{
    struct region *region = n->region;
    struct slot *slot = &region->slots[number];
    pid_t nursery = getpid();
    worker_next(region, slot);
    set_oom_score(n, n->oom_score + 300); /* far dearer for the worker: its own /proc is new */
    pid_t pid = fork();
    if (pid == 0) {
        close(n->caller[0]);
        close(n->caller[1]);
        close(n->oom_file);
        worker_live(region, number, nursery);
    }
    set_oom_score(n, n->oom_score);
    if (pid < 0) {
        atomic_fetch_sub(&region->births, 1);
        slot->lives--;
        fork_failed(n, errno);
        return false;
    }
    n->alive++;
    n->tries = 0;
    atomic_store(&slot->pid, pid);
    return true;
}

/* Starts a worker where one is missing, if it is time. Returns when that is, 0 if there is one now. */
static uint64_t fill(struct nursery *n, uint32_t number)
{
    struct slot *slot = &n->region->slots[number];
    bool unready = atomic_load(&slot->unready);
    uint64_t at = unready && n->try_at > n->fork_at ? n->try_at : n->fork_at;
    if (at <= now_ns())
        at = start_worker(n, number) ? 0 : n->fork_at;
    if (!at && unready)
        n->try_at = after(atomic_load(&n->region->failures));
    if (at && worker_condemned(n->region, number))
        worker_bury(n->region, number, NO_WORKER);
    atomic_store(&slot->retry_at, at);
    return at;
}

/* Starts a worker wherever one is missing and it is time. Returns when to try again, 0 if all are there. */
static uint64_t start_missing(struct nursery *n)
{
    uint64_t until = 0;
    for (uint32_t i = 1; i <= n->region->workers; i++) {
        uint32_t number = (n->unready + i) % n->region->workers; /* each in its turn */
        uint64_t at = is_missing(n->region, number) ? fill(n, number) : 0;
        until = at && (!until || at < until) ? at : until;
    }
    return until;
}

/* ---- Ending ---- */

/* Sends a signal to all workers, or to those that hold a condemned ticket: they cannot have gone on to another, so no
 * other task is hit. Returns whether there are any. */
static bool signal_workers(struct nursery *n, int signal, bool condemned)
{
    bool any = false;
    for (uint32_t i = 0; i < n->region->workers; i++) {
        pid_t pid = atomic_load(&n->region->slots[i].pid);
        if (pid && (!condemned || worker_condemned(n->region, i))) {
            kill(pid, signal);
            any = true;
        }
    }
    return any;
}

/* Tells whether a child was left by a worker that is dead. The mark of another nursery means a pool that was opened in
 * a task: that nursery is gone, or this one would not have become the parent. */
static bool is_condemned(const struct nursery *n, pid_t child, bool *refused)
{
    struct rlimit locks = { .rlim_cur = RLIM_INFINITY };
    *refused |= prlimit(child, RLIMIT_LOCKS, NULL, &locks) != 0;
    rlim_t apart = locks.rlim_cur ^ worker_mark(getpid(), 0);
    bool found = apart >> 48 == 0 && apart >> 26 != 0;
    for (uint32_t i = 0; i < n->marks && i < POOL_MAX_PROCESSES && !found; i++)
        found = n->mark[i] == locks.rlim_cur;
    return found;
}

/* The /proc of another PID namespace lists other numbers. */
static bool has_child(idtype_t type, pid_t pid)
{
    siginfo_t info;
    return waitid(type, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
}

/* Kills all children, or those that dead workers left; what comes from one of them becomes a child when that ends, and
 * wears the same mark. While this reads, children are added at the end of the list, and none is reaped, so it misses
 * none. Returns how many it killed. */
static uint32_t kill_children(struct nursery *n, bool all)
{
    bool any = has_child(P_ALL, 0);
    FILE *children = any ? fopen("/proc/thread-self/children", "re") : NULL;
    uint32_t killed = 0;
    bool refused = any && !children;
    for (int pid; children && fscanf(children, "%d", &pid) == 1;)
        if (has_child(P_PID, pid) && (all || is_condemned(n, pid, &refused))) {
            bool done = kill(pid, SIGKILL) == 0;
            killed += done;
            refused |= !done;
        }
    refused |= children && ferror(children);
    if (children)
        fclose(children);
    n->looks = refused && n->looks ? n->looks - 1 : 0;
    n->marks = refused || killed ? n->marks : 0;
    return killed;
}

/* ---- Reaping ---- */

/* If the worker was not ready before its end, its place will be tried again; but not while the pool opens, nor if that
 * is enough. One that was killed is no proof of a bad start, unless a function of the user's had begun. */
static void count_failure(struct nursery *n, uint32_t number, int status)
{
    struct region *region = n->region;
    struct slot *slot = &region->slots[number];
    bool killed = WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
    bool opening = !atomic_load(&slot->was_ready);
    uint32_t ready = atomic_load(&slot->ready);
    if (ready == READY_NOW || (ready == READY_NOT && killed && !opening))
        return;
    uint32_t failures = atomic_fetch_add(&region->failures, 1) + 1;
    atomic_store(&slot->unready, 1);
    n->unready = number;
    n->try_at = after(failures);
    if (opening || failures == region->give_up_after)
        break_pool(region, number, 0);
}

static void bury(struct nursery *n, uint32_t number, int status)
{
    struct region *region = n->region;
    struct slot *slot = &region->slots[number];
    bool asked_for = worker_condemned(region, number) || atomic_load(&region->stop) >= STOP_TERMINATED;
    bool planned = WIFEXITED(status) && WEXITSTATUS(status) == 0 && atomic_load(&slot->ready) == READY_NOW &&
                   !runs_item(slot) && !atomic_load(&slot->once);
    slot->deaths += !planned;
    if (!planned) {
        n->mark[n->marks++ % POOL_MAX_PROCESSES] = worker_mark(getpid(), slot->worker);
        n->looks = TIMES;
    }
    if (!planned && !atomic_load(&slot->dead_pid)) {
        slot->dead_at = now_ns();
        slot->dead_status = status;
        slot->dead_worker = slot->worker;
        atomic_store(&slot->dead_pid, atomic_load(&slot->pid));
    }
    atomic_store(&slot->pid, 0);
    n->alive--;
    worker_relieve(region, number);
    if (!asked_for)
        count_failure(n, number, status);
    if (!is_wanted(region, slot))
        worker_mourn(region, number);
}

static void reap(struct nursery *n)
{
    struct region *region = n->region;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0 || (pid < 0 && errno == EINTR);) {
        uint32_t i = 0;
        while (i < region->workers && atomic_load(&region->slots[i].pid) != pid)
            i++;
        if (i == region->workers)
            n->looks = TIMES; /* it may have left something */
        else if (WIFSTOPPED(status))
            worker_relieve(region, i);
        else
            bury(n, i, status);
    }
}

/* ---- The loop ---- */

/* Kills everything below it, generation by generation, and ends. What does not die, or must not be killed, goes to init
 * then: it waits for what is about to die, as long as workers do. */
static _Noreturn void end(struct nursery *n)
{
    const struct timespec time = timespec_of(AGAIN);
    uint64_t until = now_ns() + TIMES * AGAIN;
    if (atomic_load(&n->region->stop) < STOP_TERMINATED)
        atomic_store(&n->region->stop, STOP_BROKEN);
    signal_workers(n, SIGKILL, false);
    while ((kill_children(n, true) || n->alive) && now_ns() < until) {
        uint32_t alive = n->alive;
        ppoll(NULL, 0, &time, &n->sigchld_open);
        reap(n);
        until = n->alive < alive ? now_ns() + TIMES * AGAIN : until;
    }
    region_leave(n->region);
    _exit(EXIT_SUCCESS);
}

/* TERM at first, KILL when the grace is over. Returns when that is. */
static uint64_t terminate(struct nursery *n)
{
    if (!n->kill_at) {
        n->kill_at = now_ns() + (uint64_t)(n->region->grace * 1e9);
        signal_workers(n, SIGTERM, false);
        signal_workers(n, SIGCONT, false);
    } else if (now_ns() >= n->kill_at) {
        end(n);
    }
    return n->kill_at;
}

/* Sleeps until something happens or `until` has come. */
static void wait_for_news(struct nursery *n, uint64_t until)
{
    struct pollfd fds[2] = { { .fd = n->caller[0], .events = POLLIN }, { .fd = n->caller[1], .events = POLLIN } };
    uint64_t now = now_ns(), left = until > now ? until - now : 0;
    struct timespec time = timespec_of(left);
    char bytes[64];
    if (ppoll(fds, 2, until ? &time : NULL, &n->sigchld_open) <= 0)
        return;
    if (fds[1].revents || (fds[0].revents && recv(n->caller[0], bytes, sizeof bytes, MSG_DONTWAIT) == 0))
        end(n);
    n->called |= fds[0].revents != 0;
}

/* Nobody is left and nobody is wanted; or none who is wanted can start, though the pool is to come to its end. */
static bool done(struct nursery *n, uint64_t until)
{
    uint32_t stop = atomic_load(&n->region->stop);
    if (stop == STOP_CLOSED && until && n->alive == 0 && atomic_load(&n->region->failures) >= TRIES)
        break_pool(n->region, n->unready, 0);
    return atomic_load(&n->region->stop) == STOP_BROKEN || (stop != STOP_NOT && n->alive == 0 && !until);
}

static void find_oom_score(struct nursery *n)
{
    char text[16] = "";
    n->oom_file = above_stderr(open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC));
    if (n->oom_file >= 0 && read(n->oom_file, text, sizeof text - 1) > 0)
        n->oom_score = atoi(text);
}

static _Noreturn void keep_workers(struct nursery *n)
{
    worker_prepare(n->region);
    find_oom_score(n);
    for (;;) {
        reap(n);
        if (n->looks)
            kill_children(n, false);
        if (n->called)
            n->called = signal_workers(n, SIGKILL, true);
        bool terminated = atomic_load(&n->region->stop) == STOP_TERMINATED;
        uint64_t until = terminated ? terminate(n) : start_missing(n);
        uint64_t again = n->looks || n->called || n->caller[1] < 0 ? now_ns() + AGAIN : until;
        if (done(n, terminated ? 0 : until) || getppid() != n->parent)
            end(n);
        wait_for_news(n, until && until < again ? until : again);
    }
}

/* ---- Birth ---- */

static void take_no_notice(int signal)
{
    (void)signal;
}

/* Every signal gets its default action, for the workers' sake, and is blocked here. Exceptions: a hang-up that is
 * ignored stays ignored (nohup), and Ctrl+C does nothing to a worker, because the pool ends when its caller ends;
 * a handler, not "ignore", because programs that a task starts would inherit that. */
static void take_signals(struct nursery *n)
{
    sigset_t all;
    sigfillset(&all);
    n->sigchld_open = all;
    sigdelset(&n->sigchld_open, SIGCHLD);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int s = 1; s < NSIG; s++) {
        struct sigaction action;
        if (s != SIGHUP || sigaction(s, NULL, &action) != 0 || action.sa_handler != SIG_IGN)
            signal(s, SIG_DFL);
    }
    struct sigaction action = { .sa_handler = take_no_notice, .sa_flags = SA_RESTART };
    sigaction(SIGINT, &action, NULL);
    action.sa_flags = 0;
    sigaction(SIGCHLD, &action, NULL);
}

_Noreturn void nursery_live(struct region *region, int socket)
{
    rlim_t marks[POOL_MAX_PROCESSES];
    struct nursery n = {
        .mark = marks, .region = region, .caller = { socket, -1 }, .parent = getppid(), .unready = region->workers - 1
    };
    int known;
    take_signals(&n);
    prctl(PR_SET_NAME, "nursery");
    worker_wear(worker_mark(getpid(), 0));
    n.caller[1] = above_stderr((int)syscall(SYS_pidfd_open, region->caller, 0));
    prctl(PR_SET_PDEATHSIG, 0); /* a spawned one died, so far, with the thread that opens the pool */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 && prctl(PR_GET_CHILD_SUBREAPER, &known, 0, 0, 0) == 0)
        break_pool(region, 0, errno); /* an emulator may know nothing of it: then leftovers are what it costs */
    keep_workers(&n);
}

/* Where there is no /proc: the system refuses that to a process of several threads. */
static bool one_thread(void)
{
    struct stat tasks;
    return stat("/proc/self/task", &tasks) == 0 ? tasks.st_nlink == 3 : unshare(CLONE_THREAD) == 0;
}

/* With no exit signal the child is none of the program's wait(). The C library has to be told the new thread's id,
 * which fork() would do: the kernel is asked where it keeps it. */
static pid_t fork_unseen(void)
{
    int *tid = NULL;
    if (!one_thread() || prctl(PR_GET_TID_ADDRESS, &tid) != 0 || !tid)
        return fork();
    return (pid_t)syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, NULL, NULL, tid, tid);
}

pid_t nursery_start(struct region *region, const int sockets[2])
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork_unseen();
    if (pid == 0) {
        close(sockets[0]);
        if (region->keep)
            keep_only(region->keep, (int[4]){ sockets[1], region->descriptor, region->poller, -1 }, false);
        __fpurge(stdout); /* what the program has buffered, the program will print */
        __fpurge(stderr);
        nursery_live(region, sockets[1]);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

int nursery_sockets(int sockets[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return -1;
    sockets[0] = above_stderr(sockets[0]);
    sockets[1] = above_stderr(sockets[1]);
    return sockets[0] < 0 || sockets[1] < 0 ? -1 : 0;
}
