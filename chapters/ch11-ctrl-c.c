/*
 * Chapter 11: Ctrl+C.
 *
 * The idea: Ctrl+C sends SIGINT to every process in the foreground of the
 * terminal, and plain C dies of it. One has to work for a pool that does not:
 * a handler "to clean up", and a wait that simply goes on after it.
 *
 * Usage: make ch11 && ./ch11   all four parts; it presses Ctrl+C itself
 *        ./ch11 PART           one, for your hand: broken caught cured pool
 *
 * Watch for: in the broken part the workers do die, at every press.
 */
#include "kit.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { WORKERS = 5, ITEMS = 6 };

static enum { BROKEN, CAUGHT, CURED, POOL, PARTS } part;
static bool by_hand; /* only then the numbers are printed */

struct board {
    atomic_int taken, begun, answered; /* items */
    atomic_int replaced, idle;         /* workers */
};

static struct board *board; /* all processes see the same one */

/* Starts a process that runs the function, and ends with its parent. */
static pid_t start(int (*run)(void))
{
    pid_t pid = fork();
    if (pid < 0) {
        perror("ch11: fork");
        exit(EXIT_FAILURE);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(run());
    }
    return pid;
}

/* [item] */
static volatile sig_atomic_t interrupted;

static void on_sigint(int sig)
{
    interrupted = sig; /* "so that I can clean up when the loop is over" */
}

/* The document's task: prints its number every second, and has no end. */
static int endless(const void *arg, void *result)
{
    const int *item = arg;
    board->begun++;
    while (!interrupted) {
        if (by_hand)
            printf("%d\n", *item);
        document_sleep(1);
    }
    *(int *)result = *item; /* the document's "except: return n1" */
    return 0;
}
/* [/item] */

/* [worker] */
/* A worker does one item; if none is left it waits, as a pool's workers do. */
static int work(void)
{
    signal(SIGINT, part == CAUGHT ? on_sigint : SIG_DFL);
    interrupted = 0; /* it may have been set when we were forked */
    int item = ++board->taken;
    if (item <= ITEMS)
        return endless(&item, &item);
    board->idle++;
    for (;;)
        pause();
}
/* [/worker] */

/* [naive] */
static pid_t worker[WORKERS];

/* Starts a worker in place of the one that is gone; 0: of none, at first. */
static void replace(pid_t gone)
{
    for (int i = 0; i < WORKERS; i++)
        if (worker[i] == gone)
            worker[i] = start(work);
}

static int naive_pool(void)
{
    int status;
    signal(SIGINT, on_sigint); /* after it wait() goes on: SA_RESTART */
    replace(0);
    while (board->answered < ITEMS) {
        pid_t gone = wait(&status);
        if (part == CURED && interrupted) /* <- the cure */
            break;
        board->answered += status == 0;
        board->replaced++;
        replace(gone); /* a pool is kept full */
    }
    for (int i = 0; i < WORKERS; i++)
        kill(worker[i], SIGKILL);
    while (wait(NULL) > 0)
        continue;
    return board->answered < ITEMS ? 128 + SIGINT : 0;
}
/* [/naive] */

/* [pool] */
static struct pool *pool;

static void on_ctrl_c(int sig)
{
    (void)sig;
    pool_interrupt(pool);
}

static int our_pool(void)
{
    int items[ITEMS] = { 1, 2, 3, 4, 5, 6 }, answers[ITEMS];
    pool = pool_open(&(struct pool_options){ .processes = WORKERS });
    signal(SIGINT, on_ctrl_c);
    int failed = pool_map(pool, endless, items, ITEMS, sizeof *items, answers,
                          sizeof *answers);
    if (failed)
        printf("  %s\n", pool_error()->text);
    pool_free(pool);
    return failed ? 128 + SIGINT : 0;
}
/* [/pool] */

static const struct {
    const char *name, *text;
    int (*run)(void);
} parts[PARTS] = {
    { "broken", "the caller catches SIGINT, and waits on", naive_pool },
    { "caught", "the document's cure: the workers catch it", naive_pool },
    { "cured", "the caller looks at its flag", naive_pool },
    { "pool", "our pool, with pool_interrupt() in the handler", our_pool },
};

/* [hand] */
static int caller(void)
{
    setpgid(0, 0); /* its own process group, as the shell would give it */
    return parts[part].run();
}

/* Presses Ctrl+C as the terminal does: the whole group gets the signal. */
static void show_part(void)
{
    bool runs = true;
    memset(board, 0, sizeof *board);
    pid_t pid = start(caller);
    for (int k = 0; runs && k <= 3; k++) {
        while (runs && board->begun + board->idle < (k + 1) * WORKERS)
            runs = waitpid(pid, NULL, WNOHANG) == 0;
        printf("  after %d Ctrl+C: %d items begun, %d answered,"
               " %d new workers\n",
               k, board->begun, board->answered, board->replaced);
        if (runs)
            kill(-pid, k < 3 ? SIGINT : SIGKILL);
    }
    if (runs)
        printf("  it still runs, and kill -9 ends it\n");
    else if (wait(NULL) < 0)
        printf("  it has ended, and nothing is left\n");
    while (wait(NULL) > 0)
        continue;
}
/* [/hand] */

static int run_by_hand(const char *name)
{
    while (strcmp(name, parts[part].name) != 0)
        part++;
    printf("press Ctrl+C. Ctrl+\\ ends it, and after 60 s it ends itself\n");
    by_hand = true;
    setenv("SCALE", "1", 0); /* a hand is slow */
    alarm(60);
    return parts[part].run();
}

int main(int argc, char **argv)
{
    const char *hand = begin(argc, argv, "broken | caught | cured | pool");
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a part leaves becomes ours */
    board = shared_memory(sizeof *board);
    if (hand)
        return run_by_hand(hand);
    printf("%d items that never end, %d workers; a second is %g ms here\n",
           ITEMS, WORKERS, 1000 * document_second());
    for (; part < PARTS; part++) {
        printf("%s: %s\n", parts[part].name, parts[part].text);
        show_part();
    }
    return 0;
}
