/*
 * Chapter 12: signal masks.
 *
 * The idea: a pool takes things for granted: that its threads are threads,
 * that signals reach its workers, that it learns how its children ended. Who
 * starts it may have changed that, before its first line.
 *
 * Usage: make ch12 && ./ch12
 *        env --block-signal=TERM --ignore-signal=CHLD ./ch12 heir
 *
 * Watch for: nothing crashes. All are asleep, or deaf, or learn nothing.
 */
#include "meet.h"
#include "pool.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>

/* --- First half: who starts us has replaced functions ------------------- */

enum { WORKERS = 4, TEAM = 1 + WORKERS, ITEMS = 10, HELPERS = 2 };

/* [green] */
/* Coroutines: functions that share one thread. Who has it must give way. */
static ucontext_t hub, green[HELPERS];
static void *(*body[HELPERS])(void *);
static bool alive[HELPERS];
static int created, current;

static void enter(void)
{
    body[current](NULL);
}

static int green_create(pthread_t *id, const pthread_attr_t *attr,
                        void *(*f)(void *), void *arg)
{
    static char stack[HELPERS][1 << 16];
    ucontext_t *c = &green[created];
    (void)attr, (void)arg;
    getcontext(c);
    c->uc_stack.ss_sp = stack[created];
    c->uc_stack.ss_size = sizeof stack[created];
    c->uc_link = &hub; /* there it goes when it ends */
    makecontext(c, enter, 0);
    body[created] = f;
    alive[created] = true;
    *id = (pthread_t)created++;
    return 0;
}

/* The hub: gives the thread to each in turn, until one of them has ended. */
static int green_join(pthread_t id, void **result)
{
    (void)result;
    for (current = 0; alive[id]; current = (current + 1) % created)
        if (alive[current]) {
            alive[current] = false; /* unless it gives way */
            swapcontext(&hub, &green[current]);
        }
    return 0;
}

static ssize_t green_read(int fd, void *bytes, size_t size)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    while (poll(&p, 1, 0) == 0) { /* nothing there: give way */
        alive[current] = true;
        swapcontext(&green[current], &hub);
    }
    return read(fd, bytes, size);
}
/* [/green] */

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
static int tasks[2], results[2];
static long answer[ITEMS];
static pid_t *team; /* the caller and its workers */

static void *collect(void *unused)
{
    long r[2];
    for (int k = 0; k < ITEMS; k++)
        if (sys.read(results[0], r, sizeof r) == sizeof r)
            answer[r[0]] = r[1];
    return unused;
}

static void *feed(void *unused)
{
    for (long i = 0; i < ITEMS; i++)
        if (write(tasks[1], &i, sizeof i) < 0)
            break;
    return unused;
}

static _Noreturn void work(void)
{
    long i;
    close(tasks[1]);
    while (read(tasks[0], &i, sizeof i) == sizeof i)
        if (write(results[1], (long[]){ i, i * i }, 2 * sizeof i) < 0)
            break;
    _exit(0);
}

static void toy_pool(void)
{
    pthread_t collector, feeder;
    if (pipe(tasks) != 0 || pipe(results) != 0)
        return;
    team[0] = getpid();
    for (int w = 1; w < TEAM; w++) {
        pid_t pid = fork();
        if (pid == 0)
            work();
        team[w] = pid;
    }
    sys.create(&collector, NULL, collect, NULL);
    sys.create(&feeder, NULL, feed, NULL);
    sys.join(collector, NULL);
    sys.join(feeder, NULL);
    close(tasks[1]); /* the workers' end of file */
    while (wait(NULL) > 0)
        continue;
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
    long in[ITEMS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    struct pool *pool = pool_open(NULL);
    if (!pool || pool_map(pool, square, in, ITEMS, sizeof *in, answer,
                          sizeof *answer) != 0)
        printf("%s\n", pool_error()->text);
    pool_free(pool);
}

/* [look] */
static long number_after(const char *text, const char *name)
{
    const char *found = strstr(text, name);
    return found ? atol(found + strlen(name)) : -1;
}

/* How often the team's processes have left a core so far; -1 if one of them is
   awake, or has more threads than the one we look at. */
static long switches(void)
{
    long sum = 0;
    for (int i = 0; i < TEAM; i++) {
        char text[4096];
        snprintf(text, sizeof text, "/proc/%d/status", (int)team[i]);
        FILE *file = fopen(text, "r");
        if (!file)
            return -1;
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        if (!strstr(text, "State:\tS") || number_after(text, "Threads:") != 1)
            return -1;
        sum += number_after(text, "\nvoluntary_ctxt_switches:");
        sum += number_after(text, "\nnonvoluntary_ctxt_switches:");
    }
    return sum;
}
/* [/look] */

/* [try] */
static void print_answers(void)
{
    printf("answers");
    for (int i = 0; i < ITEMS; i++)
        printf(" %ld", answer[i]);
    printf("\n");
}

/* Waits for the caller's end; true if it hangs: all are asleep, and between
   two looks nobody was awake, so there is nobody who could wake them. */
static bool hangs(pid_t caller)
{
    long now = -1, before;
    do {
        before = now;
        document_sleep(1);
        if (waitpid(caller, NULL, WNOHANG) == caller)
            return false;
        now = switches();
    } while (now < 0 || now != before);
    printf("HANGS: all %d asleep, %ld context switches\n", TEAM, now - before);
    return true;
}

/* Runs a pool in a patched copy of this program; false if it hangs. */
static bool try(const char *name, int which, void (*pool)(void))
{
    printf("%-15s ", name);
    fflush(stdout);
    memset(team, 0, TEAM * sizeof *team);
    pid_t caller = fork();
    if (caller == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        patch(which);
        pool();
        print_answers();
        _exit(0);
    }
    if (!hangs(caller))
        return true;
    kill(-caller, SIGKILL);
    waitpid(caller, NULL, 0);
    return false;
}

static void find_the_patch(void)
{
    static const char *const name[] = { "socket", "ssl", "thread" };
    char all_but[32] = "all, all good";
    int good = ALL;
    try("nothing", 0, toy_pool);
    for (int i = 0; i < 3; i++)
        if (!try(name[i], 1 << i, toy_pool)) {
            good &= ~(1 << i);
            snprintf(all_but, sizeof all_but, "all but %s", name[i]);
        }
    try("all", ALL, toy_pool);
    try(all_but, good, toy_pool);               /* one cure */
    try("all, and read", ALL | READ, toy_pool); /* another */
    try("all: our pool", ALL, our_pool);
}
/* [/try] */

/* --- Second half: who starts us has set signals ------------------------- */

/* [naive] */
static bool *deaf; /* shared: is set by who is still there after SIGTERM */

static int hear_sigterm(const void *arg, void *result)
{
    (void)arg, (void)result;
    *deaf = false;
    raise(SIGTERM); /* the signal that pool_terminate() sends */
    *deaf = true;
    return 0;
}

static void report(const char *who, const char *learnt)
{
    printf("%-21s %-15s %s\n", who, *deaf ? "is still there" : "ends", learnt);
}

static void naive_worker(const char *who, bool empty_mask)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        if (empty_mask) /* <- the worker's cure */
            sigprocmask(SIG_SETMASK, &none, NULL);
        _exit(hear_sigterm(NULL, NULL));
    }
    if (waitpid(pid, &status, 0) < 0)
        report(who, strerror(errno));
    else
        report(who,
               WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "Exited");
}
/* [/naive] */

/* [heir] */
static void pool_worker(const char *who)
{
    struct pool *pool = pool_open(NULL);
    int failed = pool_apply(pool, hear_sigterm, NULL, 0, NULL, 0);
    report(who, failed ? strsignal(pool_error()->signal) : "Exited");
    pool_free(pool);
}

static int heir(const char *word)
{
    sigset_t mask;
    struct sigaction child;
    if (strcmp(word, "heir") != 0) {
        fprintf(stderr, "usage: ./ch12 [heir]\n");
        return 2;
    }
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigaction(SIGCHLD, NULL, &child);
    printf("inherited: SIGTERM %s, SIGCHLD %s\n",
           sigismember(&mask, SIGTERM) ? "blocked" : "not blocked",
           child.sa_handler == SIG_IGN ? "ignored" : "not ignored");

    deaf = shared_memory(sizeof *deaf);
    printf("%-21s %-15s %s\n", "", "at SIGTERM it", "and its caller learns");
    naive_worker("a worker as it is", false);
    naive_worker("its mask emptied", true);
    signal(SIGCHLD, SIG_DFL); /* <- the caller's cure */
    naive_worker("and SIGCHLD as usual", true);
    sigaction(SIGCHLD, &child, NULL); /* as it was */
    pool_worker("our pool's worker");
    our_pool();
    printf("our pool, to the end: ");
    print_answers();
    return 0;
}
/* [/heir] */

/* [main] */
int main(int argc, char **argv)
{
    sigset_t term;
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line leaves as it is printed */
    if (argc > 1)
        return heir(argv[1]);
    team = shared_memory(TEAM * sizeof *team);
    find_the_patch();
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL); /* a mask survives exec, */
    signal(SIGCHLD, SIG_IGN);            /* and so does SIG_IGN */
    execl("/proc/self/exe", argv[0], "heir", NULL);
    perror("ch12: exec");
    return EXIT_FAILURE;
}
/* [/main] */
