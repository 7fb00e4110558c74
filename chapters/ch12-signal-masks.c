/*
 * Chapter 12: signal masks.
 *
 * The idea: a pool takes things for granted: that its threads are threads,
 * that signals reach its workers, that it learns how its children ended. Who
 * starts it may have changed that, before its first line.
 *
 * Usage: make ch12 && ./ch12 [patches | heir]
 *        env --block-signal=TERM --ignore-signal=CHLD ./ch12 heir
 *
 * Watch for: nothing crashes. All are asleep, or deaf, or learn nothing.
 */
#define _GNU_SOURCE /* for RTLD_NEXT */
#include "asleep.h"
#include "green.h"
#include "kit.h"
#include <dlfcn.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { WORKERS = 4, TEAM = 1 + WORKERS, ITEMS = 10 };

static pid_t *team; /* in shared memory: the caller and its workers */
static bool *deaf;  /* in shared memory: somebody outlived a SIGTERM */

/* --- First half: who starts us has replaced functions ------------------- */

/* [patch] */
/* The functions a program calls; a patch puts others in their place. */
static struct {
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                  void *);
    int (*join)(pthread_t, void **);
    ssize_t (*recv)(int, void *, size_t);
    ssize_t (*ssl_read)(int, void *, size_t);
    ssize_t (*read)(int, void *, size_t);
} sys = { pthread_create, pthread_join, read, read, read };

enum { SOCKET = 1, SSL = 2, THREAD = 4, ALL = 7, READ = 8 };

static void patch(int which)
{
    if (which & SOCKET)
        sys.recv = green_read;
    if (which & SSL)
        sys.ssl_read = green_read;
    if (which & THREAD) {
        sys.create = green_create;
        sys.join = green_join;
    }
    if (which & READ) /* gevent has no such patch */
        sys.read = green_read;
}
/* [/patch] */

/* [toy] */
static int tasks[2], results[2]; /* pipes */
static const long item[ITEMS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static long answer[ITEMS];

static void *feed(void *unused)
{
    check(write(tasks[1], item, sizeof item) == sizeof item);
    return unused;
}

static void *collect(void *unused)
{
    long r[2];
    for (int k = 0; k < ITEMS; k++) {
        check(sys.read(results[0], r, sizeof r) > 0);
        answer[r[0]] = r[1];
    }
    return unused;
}

static _Noreturn void work(void)
{
    long i;
    close(tasks[1]); /* so that the caller's end is the end of file */
    while (read(tasks[0], &i, sizeof i) > 0)
        check(write(results[1], (long[]){ i, i * i }, 2 * sizeof i) > 0);
    _exit(EXIT_SUCCESS);
}

static void toy_pool(void)
{
    pthread_t collector, feeder;
    check(pipe(tasks) == 0 && pipe(results) == 0);
    team[0] = getpid();
    for (int i = 1; i < TEAM; i++) {
        pid_t pid = fork();
        check(pid >= 0);
        if (pid == 0)
            work();
        team[i] = pid;
    }
    check(sys.create(&collector, NULL, collect, NULL) == 0);
    check(sys.create(&feeder, NULL, feed, NULL) == 0);
    sys.join(collector, NULL);
    sys.join(feeder, NULL);
}
/* [/toy] */

static int square(const void *arg, void *result)
{
    const long *x = arg;
    *(long *)result = *x * *x;
    return 0;
}

static void our_pool(void)
{
    struct pool *pool = pool_open(NULL);
    if (pool_map(pool, square, item, ITEMS, sizeof *item, answer,
                 sizeof *answer))
        printf("%s\n", pool_error()->text);
    pool_free(pool);
}

/* [count] */
static int threads; /* that were started in this process */

/* Stands before the C library's: whoever starts a thread comes by here. */
int pthread_create(pthread_t *thread, const pthread_attr_t *how,
                   void *(*run)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    threads++;
    return real(thread, how, run, arg);
}
/* [/count] */

/* [try] */
/* Runs a pool in a patched copy of this program. */
static void try(const char *name, int which, void (*pool)(void))
{
    printf("%-15s ", name);
    fflush(stdout);
    pid_t caller = fork();
    check(caller >= 0);
    if (caller == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* hangs no longer than we live */
        patch(which);
        pool();
        printf("answers");
        for (int i = 0; i < ITEMS; i++)
            printf(" %ld", answer[i]);
        printf(" (%d threads)\n", threads);
        _exit(EXIT_SUCCESS);
    }
    while (waitpid(caller, NULL, WNOHANG) == 0)
        if (all_asleep(team, TEAM)) {
            printf("HANGS: all %d asleep, 0 context switches\n", TEAM);
            kill(caller, SIGKILL);
            break;
        }
    while (wait(NULL) > 0) /* for it, and for its workers, which end with it */
        continue;
}

static void find_the_patch(void)
{
    try("nothing", 0, toy_pool);
    try("socket", SOCKET, toy_pool);
    try("thread", THREAD, toy_pool);
    try("all", ALL, toy_pool);
    try("all but thread", ALL & ~THREAD, toy_pool); /* <- a cure */
    try("all, and read", ALL | READ, toy_pool);     /* <- another one */
    try("all: our pool", ALL, our_pool);
}
/* [/try] */

/* --- Second half: who starts us has set signals ------------------------- */

/* [naive] */
static int hear_sigterm(const void *arg, void *result)
{
    (void)arg, (void)result;
    *deaf = false;
    raise(SIGTERM); /* the polite request to end */
    *deaf = true;
    return 0;
}

static void report(const char *who, const char *learnt)
{
    printf("%-21s %-15s %s\n", who, *deaf ? "still there" : "gone", learnt);
}

static void naive_worker(const char *who, bool empty_mask)
{
    sigset_t none;
    int status;
    sigemptyset(&none);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        if (empty_mask) /* <- cure 1 */
            sigprocmask(SIG_SETMASK, &none, NULL);
        _exit(hear_sigterm(NULL, NULL));
    }
    if (waitpid(pid, &status, 0) < 0)
        report(who, strerror(errno));
    else if (WIFSIGNALED(status))
        report(who, strsignal(WTERMSIG(status)));
    else
        report(who, "Exited");
}

static void pool_worker(const char *who)
{
    struct pool *pool = pool_open(NULL);
    int failed = pool_apply(pool, hear_sigterm, NULL, 0, NULL, 0);
    report(who, failed ? strsignal(pool_error()->signal) : "Exited");
    pool_free(pool);
}

/* The program that inherits: what becomes of its workers? */
static int heir(void)
{
    printf("%-21s %-15s %s\n", "", "after SIGTERM", "its caller is told");
    naive_worker("a naive worker", false);
    naive_worker("with cure 1", true);
    void (*inherited)(int) = signal(SIGCHLD, SIG_DFL); /* <- cure 2 */
    naive_worker("with cures 1 and 2", true);
    signal(SIGCHLD, inherited);
    pool_worker("our pool's worker");
    return 0;
}
/* [/naive] */

/* [host] */
/* Blocks one signal, ignores another, and becomes this program anew. */
static void bad_host(void)
{
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    signal(SIGCHLD, SIG_IGN);
    execl("/proc/self/exe", "./ch12", "heir", NULL);
    check(false);
}
/* [/host] */

int main(int argc, char **argv)
{
    const char *half = begin(argc, argv, "patches | heir");
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a caller leaves becomes ours */
    team = shared_memory(TEAM * sizeof *team);
    deaf = shared_memory(sizeof *deaf);
    if (half && strcmp(half, "heir") == 0)
        return heir();
    find_the_patch();
    if (half)
        return 0;
    printf("once more, with SIGTERM blocked and SIGCHLD ignored:\n");
    bad_host();
}
