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
#include "meet.h"
#include "pool.h"
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { WORKERS = 4, TEAM = 1 + WORKERS, ITEMS = 10 };

static const int items[ITEMS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "ch10: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* [tasks] */
struct board {
    sem_t lock;            /* of the pipe that all workers share */
    atomic_int reader;     /* the worker that came last to its read() */
    atomic_int right;      /* answers */
    atomic_int lost;       /* the item of a dead worker, or -1 */
    atomic_int deadly;     /* so many attempts at item 5 kill */
    atomic_int kills;      /* workers killed */
    atomic_int victim;     /* the last of them, or -1 */
    atomic_int begun;      /* processes of endless tasks */
    atomic_int team[TEAM]; /* a caller and its workers */
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
    if (*(const int *)arg != 5 || pool_attempt() > board->deadly)
        return square(arg, result);
    board->victim = getpid();
    board->kills++;
    return raise(SIGKILL);
}

/* Starts a process of its own, and neither of the two ever ends. */
static int endless(const void *arg, void *result)
{
    (void)arg, (void)result;
    check(fork() >= 0, "fork");
    board->begun++;
    while (pause() < 0)
        continue;
    return 0;
}
/* [/tasks] */

/* [worker] */
static bool shared; /* one pipe for all workers; or else one to each of them */

/* The ends of the pipe to worker i: the caller's, and the worker's. */
static int *pipe_to(int i)
{
    static int ends[WORKERS][2];
    return ends[shared ? 0 : i % WORKERS];
}

static _Noreturn void work(int end, pool_task *task)
{
    int pair[2]; /* an item, and its answer */
    if (task != endless)
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* hangs no longer than its caller */
    for (;;) {
        if (shared)
            sem_wait(&board->lock); /* one reads at a time */
        board->reader = getpid();
        check(read(end, &pair[0], sizeof pair[0]) > 0, "read");
        if (shared)
            sem_post(&board->lock);
        task(&pair[0], &pair[1]);
        check(write(end, pair, sizeof pair) > 0, "write");
    }
}

static void naive_open(pool_task *task)
{
    for (int i = 0; i < WORKERS; i++) {
        int *end = pipe_to(i);
        if (i == 0 || !shared) /* a pipe for both directions */
            check(socketpair(AF_UNIX, SOCK_STREAM, 0, end) == 0, "socketpair");
        pid_t pid = fork();
        check(pid >= 0, "fork");
        if (pid == 0)
            work(end[1], task);
        if (i == WORKERS - 1 || !shared)
            close(end[1]); /* only the worker is to have it */
        board->team[i] = pid;
    }
    board->team[WORKERS] = getpid();
}
/* [/worker] */

/* [map] */
/* Hands out all items at once, if they share a pipe, else one to each worker;
   waits for the answers, and begins again. */
static void naive_map(void)
{
    int has[ITEMS], pair[2], most = shared ? ITEMS : WORKERS, next = 0;
    while (next < ITEMS) {
        for (int i = 0; i < most; i++) {
            int to = pipe_to(i)[0];
            has[i] = -1; /* nothing, also if the worker is dead */
            if (next < ITEMS && send(to, &next, sizeof next, MSG_NOSIGNAL) > 0)
                has[i] = next++;
        }
        for (int i = 0; i < most; i++)
            if (has[i] >= 0 && read(pipe_to(i)[0], pair, sizeof pair) > 0)
                board->right += pair[1] == pair[0] * pair[0];
            else if (has[i] >= 0) /* its worker is gone, and so is the item */
                board->lost = has[i];
    }
}
/* [/map] */

/* [naive] */
static void busy_worker(void)
{
    naive_open(deadly);
    naive_map();
}

static void idle_worker(void)
{
    naive_open(square);
    wait_until(&board->reader, 1);
    board->victim = board->reader;
    kill(board->victim, SIGKILL);
    waitpid(board->victim, NULL, 0);
    naive_map();
}

static void naive_caller(void)
{
    naive_open(endless);
    naive_map();
}
/* [/naive] */

/* [watch] */
/* Runs a program in a copy of this one, in a process group of its own. */
static pid_t start(void (*program)(void))
{
    memset(board, 0, sizeof *board);
    board->lost = board->victim = -1;
    check(sem_init(&board->lock, true, 1) == 0, "sem_init");
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* hangs no longer than we live */
        setpgid(0, 0); /* a group: it, and all that it starts */
        program();
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
        if (board->team[i] != board->victim)
            left[count++] = board->team[i];
    return all_asleep(left, count) ? count : 0;
}

/* Watches a naive pool, until it ends or hangs. */
static void watch(const char *what, void (*program)(void))
{
    int hangs = 0;
    pid_t pid = start(program);
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
/* [/watch] */

/* [ours] */
static struct pool *open_pool(void)
{
    struct pool_options options = { .processes = WORKERS };
    struct pool *pool = pool_open(&options);
    check(pool != NULL, "pool_open");
    return pool;
}

/* Waits until all the deaths are known and each place is taken again. */
static int count_workers(struct pool *pool)
{
    struct pool_worker place[WORKERS];
    int dead, alive;
    do {
        pool_workers(pool, place, WORKERS);
        dead = alive = 0;
        for (int i = 0; i < WORKERS; i++) {
            dead += (int)place[i].deaths;
            alive += place[i].pid && kill(place[i].pid, 0) == 0;
        }
    } while (dead < board->kills || alive < WORKERS);
    return alive;
}

/* Maps the task after an idle worker was killed, or with so many busy ones. */
static void our_pool(const char *what, int busy, int retries)
{
    struct pool_job_options options = { .retries = retries };
    struct pool_worker first;
    struct pool *pool = open_pool();
    int out[ITEMS], right = 0;
    board->kills = !busy;
    board->deadly = busy;
    pool_workers(pool, &first, 1);
    if (!busy)
        kill(first.pid, SIGKILL);
    struct pool_result *result = pool_map_async(
        pool, deadly, items, ITEMS, sizeof *items, sizeof *out, &options);
    check(result != NULL, "pool_map_async");
    int failed = pool_result_get(result, out, POOL_FOREVER);
    for (size_t i = 0; i < ITEMS; i++)
        right += pool_result_at(result, i) && out[i] == items[i] * items[i];
    printf("  %-25s %d of %d answers, %d killed, %d workers\n", what, right,
           ITEMS, board->kills, count_workers(pool));
    if (failed)
        printf("    %s\n", pool_error()->text);
    check(pool_close(pool) == 0, "pool_close");
    check(pool_join(pool, POOL_FOREVER) == 0, "pool_join");
    pool_free(pool);
}
/* [/ours] */

/* [caller] */
static void our_caller(void)
{
    pool_map(open_pool(), endless, items, ITEMS, sizeof *items, NULL, 0);
}

/* Kills a caller with busy workers; who does not end by himself? */
static void kill_caller(void (*caller)(void), bool naive)
{
    int status, live_on = 0;
    pid_t pid = start(caller);
    wait_until(&board->begun, 2 * WORKERS);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (naive)
        kill(-pid, SIGKILL); /* or we would wait for ever */
    while (wait(&status) > 0)
        live_on += WIFSIGNALED(status);
    printf("  %-25s %d processes live on\n", "the caller is killed:", live_on);
}
/* [/caller] */

static void naive_pool(const char *what, bool one_pipe)
{
    printf("%s\n", what);
    shared = one_pipe;
    watch("a busy worker is killed:", busy_worker);
    watch("an idle one is killed:", idle_worker);
    kill_caller(naive_caller, true);
}

int main(void)
{
    document_second(); /* complains of a wrong SCALE before anything runs */
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line leaves as it is printed */
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a caller leaves becomes ours */
    board = shared_memory(sizeof *board);
    naive_pool("broken: one pipe for all workers, with a lock", true);
    naive_pool("better: a pipe to each worker", false);
    printf("cured: our pool\n");
    our_pool("a busy worker is killed:", 1, 0);
    our_pool("an idle one is killed:", 0, 0);
    our_pool("a busy one, 2 retries:", 1, 2);
    our_pool("each time, 2 retries:", 3, 2);
    kill_caller(our_caller, false);
    return 0;
}
