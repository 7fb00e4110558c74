/*
 * Chapter 10: a lost worker.
 *
 * The idea: a process can be gone at any moment, and what it had in its hands
 * is gone with it: an item, or a lock. So a pool has to know who has which
 * item, and no worker may hold what the others need.
 *
 * Usage: make ch10 && ./ch10
 *
 * Watch for: how many answers come, who waits for ever, and who lives on.
 */
#include "asleep.h"
#include "kit.h"
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { WORKERS = 4, TEAM = 1 + WORKERS, ITEMS = 10 };

static const int items[ITEMS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

/* [tasks] */
struct board {
    sem_t lock;            /* of the pipe that all workers share */
    atomic_int reader;     /* the worker that came last to its read() */
    atomic_int right;      /* answers */
    atomic_int lost;       /* the item of a dead worker, or -1 */
    atomic_int deaths;     /* so many attempts at item 5 kill their worker */
    atomic_int killed;     /* workers */
    atomic_int begun;      /* processes of endless tasks */
    atomic_int met;        /* workers at a meeting point */
    atomic_int team[TEAM]; /* a naive pool's workers, and its caller */
};

static struct board *board; /* all processes see the same one */

static int square(const void *arg, void *result)
{
    const int *x = arg;
    *(int *)result = *x * *x;
    return 0;
}

/* Item 5 kills its worker, as a crash does, or somebody's kill -9. */
static int deadly(const void *arg, void *result)
{
    if (*(const int *)arg != 5 || pool_attempt() > board->deaths)
        return square(arg, result);
    board->killed++;
    return raise(SIGKILL);
}

/* Starts a process of its own, and neither of the two ever ends. */
static int endless(const void *arg, void *result)
{
    (void)arg, (void)result;
    check(fork() >= 0);
    board->begun++;
    while (pause() < 0)
        continue;
    return 0;
}
/* [/tasks] */

/* [worker] */
static bool shared;     /* one pipe for all workers; or else one to each */
static int to[WORKERS]; /* the caller's end of the pipe to worker i */

static _Noreturn void work(int end, pool_task *task)
{
    int pair[2]; /* an item, and its answer */
    if (task != endless)
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* hangs no longer than its caller */
    for (;;) {
        if (shared)
            sem_wait(&board->lock); /* one reads at a time */
        board->reader = getpid();
        check(read(end, &pair[0], sizeof pair[0]) > 0);
        if (shared)
            sem_post(&board->lock);
        task(&pair[0], &pair[1]);
        check(write(end, pair, sizeof pair) > 0);
    }
}

static void naive_open(pool_task *task)
{
    int end[2]; /* of a pipe: the caller's, and the worker's */
    for (int i = 0; i < WORKERS; i++) {
        if (i == 0 || !shared)
            check(socketpair(AF_UNIX, SOCK_STREAM, 0, end) == 0);
        pid_t pid = fork();
        check(pid >= 0);
        if (pid == 0)
            work(end[1], task);
        to[i] = end[0];
        if (!shared)
            close(end[1]); /* only the worker is to have it */
        board->team[i] = pid;
    }
    board->team[WORKERS] = getpid();
    signal(SIGCHLD, SIG_IGN); /* who dies is gone, and stays no zombie */
}
/* [/worker] */

/* [map] */
/* Waits for an answer; false if nobody is left who could give one. */
static bool answer(int from)
{
    int pair[2];
    if (read(from, pair, sizeof pair) <= 0)
        return false;
    board->right += pair[1] == pair[0] * pair[0];
    return true;
}

/* One pipe: all ten items go in, and whoever is free takes one. */
static void map_shared(void)
{
    check(write(to[0], items, sizeof items) == sizeof items);
    for (int i = 0; i < ITEMS; i++)
        answer(to[0]);
}

/* A pipe to each: an item for each worker, then wait for all, and again. */
static void map_separate(void)
{
    int has[WORKERS], next = 0;
    while (next < ITEMS) {
        for (int i = 0; i < WORKERS; i++) {
            has[i] = -1; /* nothing, also if worker i is dead */
            if (next < ITEMS &&
                send(to[i], &items[next], sizeof *items, MSG_NOSIGNAL) > 0)
                has[i] = next++;
        }
        for (int i = 0; i < WORKERS; i++)
            if (has[i] >= 0 && !answer(to[i]))
                board->lost = has[i]; /* its worker is gone, and so is it */
    }
}
/* [/map] */

/* [naive] */
static void kill_reader(void)
{
    while (board->reader == 0) /* nobody has come to his read() */
        sched_yield();
    pid_t victim = board->reader;
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0); /* until it is gone */
}

/* A caller: it kills an idle worker, unless the task does the killing. */
static void naive_caller(pool_task *task)
{
    naive_open(task);
    if (task == square)
        kill_reader();
    if (shared)
        map_shared();
    else
        map_separate();
}
/* [/naive] */

/* Runs a caller in a copy of this program, in a process group of its own. */
static pid_t start(void (*caller)(pool_task *), pool_task *task)
{
    memset(board, 0, sizeof *board);
    board->lost = -1;
    board->deaths = 1;
    check(sem_init(&board->lock, true, 1) == 0);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* hangs no longer than we live */
        setpgid(0, 0); /* a group: it, and all that it starts */
        caller(task);
        _exit(EXIT_SUCCESS);
    }
    return pid;
}

/* How many processes are left of a naive pool, if all of them hang; else 0. */
static int hang(void)
{
    pid_t left[TEAM];
    int count = 0;
    for (int i = 0; i < TEAM; i++)
        if (kill(board->team[i], 0) == 0) /* it exists */
            left[count++] = board->team[i];
    return all_asleep(left, count) ? count : 0;
}

/* Watches a naive pool, until it ends or hangs. */
static void watch(const char *what, pool_task *task)
{
    int hangs = 0;
    pid_t pid = start(naive_caller, task);
    while (!hangs && waitpid(pid, NULL, WNOHANG) == 0)
        hangs = hang();
    kill(-pid, SIGKILL); /* the group: who is left of it */
    while (wait(NULL) > 0)
        continue;
    printf("  %-25s %d of %d answers", what, board->right, ITEMS);
    if (board->lost >= 0)
        printf(", item %d is lost", board->lost);
    if (hangs)
        printf(", HANGS: all %d asleep", hangs);
    printf("\n");
}

/* [ours] */
static const struct pool_options four = { .processes = WORKERS };

/* Four of these end only together, so four workers are alive. */
static int come_together(const void *arg, void *result)
{
    (void)arg, (void)result;
    meet(&board->met, WORKERS);
    return 0;
}

/* Item 5 kills its worker in so many attempts; 0: an idle one is killed. */
static void our_pool(const char *what, int deaths, int retries)
{
    struct pool_job_options options = { .retries = retries };
    struct pool_worker first;
    struct pool *pool = pool_open(&four);
    int out[ITEMS] = { 0 }, right = 0;
    check(pool != NULL);
    board->deaths = deaths;
    board->killed = board->met = 0;
    if (deaths == 0) {
        pool_workers(pool, &first, 1); /* who is in the first place? */
        kill(first.pid, SIGKILL);
        board->killed++;
    }
    struct pool_result *result = pool_map_async(
        pool, deadly, items, ITEMS, sizeof *items, sizeof *out, &options);
    check(result != NULL);
    int failed = pool_result_get(result, out, POOL_FOREVER);
    for (int i = 0; i < ITEMS; i++)
        right += out[i] == i * i;
    pool_map(pool, come_together, items, WORKERS, sizeof *items, NULL, 0);
    printf("  %-25s %d of %d answers, %d killed, %d workers\n", what, right,
           ITEMS, board->killed, board->met);
    if (failed)
        printf("    %s\n", pool_error()->text);
    pool_free(pool);
}
/* [/ours] */

/* [caller] */
static void our_caller(pool_task *task)
{
    pool_map(pool_open(&four), task, items, ITEMS, sizeof *items, NULL, 0);
}

/* Kills a caller whose workers are busy: which of them do not end? */
static void kill_caller(void (*caller)(pool_task *))
{
    int status, live_on = 0;
    pid_t pid = start(caller, endless);
    wait_until(&board->begun, 2 * WORKERS);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (caller == naive_caller)
        kill(-pid, SIGKILL); /* the group; or we would wait for ever */
    while (wait(&status) > 0)
        live_on += WIFSIGNALED(status);
    printf("  %-25s %d processes live on\n", "the caller is killed:", live_on);
}
/* [/caller] */

static void naive_pool(const char *what, bool one_pipe)
{
    printf("%s\n", what);
    shared = one_pipe;
    watch("a busy worker is killed:", deadly);
    watch("an idle one is killed:", square);
    kill_caller(naive_caller);
}

int main(int argc, char **argv)
{
    begin(argc, argv, "");
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a caller leaves becomes ours */
    board = shared_memory(sizeof *board);
    naive_pool("broken: one pipe for all workers, with a lock", true);
    naive_pool("better: a pipe to each worker", false);
    /* [rows] */
    printf("cured: our pool\n");
    our_pool("a busy worker is killed:", 1, 0);
    our_pool("an idle one is killed:", 0, 0);
    our_pool("a busy one, 2 retries:", 1, 2);
    our_pool("each time, 2 retries:", 3, 2);
    kill_caller(our_caller);
    /* [/rows] */
    return 0;
}
