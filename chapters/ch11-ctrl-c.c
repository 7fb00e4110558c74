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
#include "meet.h"
#include "pool.h"
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { WORKERS = 5, ITEMS = 6 };

static enum { BROKEN, CAUGHT, CURED, POOL, PARTS } part;
static const char *const parts[PARTS][2] = {
    { "broken", "the caller catches SIGINT, and waits on" },
    { "caught", "the document's cure: the workers catch it" },
    { "cured", "the caller looks at its flag" },
    { "pool", "our pool, with pool_interrupt() in the handler" },
};

struct seen { /* what the hand must know that presses Ctrl+C */
    atomic_int ready, idle, died, sixes;
};

static struct seen *seen;        /* all processes see the same one */
static int chat = STDOUT_FILENO; /* where the numbers are printed */

static volatile sig_atomic_t interrupted;

/* [item] */
/* The document's task: prints its number every second, and has no end. */
static int endless(const void *arg, void *result)
{
    const int *item = arg;
    for (int times = 0; !interrupted; times++) {
        dprintf(chat, "%d\n", *item);
        seen->sixes += *item == 6;
        seen->ready += times == 0;
        document_sleep(1);
    }
    *(int *)result = *item; /* the document's "except: return n1" */
    return 0;
}
/* [/item] */

/* Forks a child that does not outlive its parent. */
static pid_t fork_child(void)
{
    pid_t pid = fork();
    if (pid < 0) {
        perror("ch11: fork");
        exit(EXIT_FAILURE);
    }
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

/* [handler] */
static pid_t worker[WORKERS];

static void stop_workers(void)
{
    for (int i = 0; i < WORKERS; i++)
        kill(worker[i], SIGKILL);
}

static void on_sigint(int sig)
{
    interrupted = sig; /* "so that I can clean up when the loop is over" */
    if (part == CURED)
        stop_workers(); /* so that wait() returns, whoever got the signal */
}
/* [/handler] */

/* [worker] */
/* A worker does one item; if none is left it waits, as a pool's workers do. */
static _Noreturn void work(int item)
{
    bool catches = part == CAUGHT && item <= ITEMS;
    interrupted = 0;
    signal(SIGINT, catches ? on_sigint : SIG_DFL);
    if (item <= ITEMS)
        _exit(endless(&item, &item));
    dprintf(chat, "nothing to do\n");
    seen->idle++;
    seen->ready++;
    for (;;)
        pause();
}

/* Starts a worker in place of the one that is gone; 0: of none, at first. */
static void replace(pid_t gone)
{
    static int item;
    for (int i = 0; i < WORKERS; i++) {
        if (worker[i] != gone)
            continue;
        item++;
        if ((worker[i] = fork_child()) == 0)
            work(item);
    }
}
/* [/worker] */

/* [naive] */
static int naive_pool(void)
{
    int done = 0, status;
    replace(0);
    signal(SIGINT, on_sigint); /* after it wait() goes on: SA_RESTART */
    seen->ready++;
    dprintf(chat, "the caller waits for %d answers\n", ITEMS);

    while (done < ITEMS) {
        pid_t gone = wait(&status);
        if (part == CURED && interrupted) /* <- the cure */
            break;
        done += status == 0;
        seen->died += status != 0;
        if (done < ITEMS)
            replace(gone); /* a pool is kept full */
    }
    stop_workers();
    while (wait(NULL) > 0)
        continue;
    printf("the loop is over, %d of %d items answered\n", done, ITEMS);
    return done < ITEMS ? 128 + SIGINT : 0;
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
    seen->ready++;
    dprintf(chat, "the caller waits for %d answers\n", ITEMS);
    int failed = pool_map(pool, endless, items, ITEMS, sizeof *items, answers,
                          sizeof *answers);
    printf("%s\n", failed ? pool_error()->text : "all answered");
    pool_free(pool);
    return failed ? 128 + SIGINT : 0;
}
/* [/pool] */

static int run_part(void)
{
    alarm(60); /* ends what nothing else has ended */
    return part == POOL ? our_pool() : naive_pool();
}

/* [hand] */
/* Waits until so many are ready; false if the caller ends before. */
static bool wait_ready(pid_t caller, int wanted)
{
    siginfo_t end = { .si_pid = 0 };
    while (seen->ready < wanted && end.si_pid == 0)
        waitid(P_PID, (id_t)caller, &end, WEXITED | WNOHANG | WNOWAIT);
    return end.si_pid == 0;
}

/* Presses Ctrl+C as the terminal does: the whole group gets the signal. */
static bool press(pid_t caller, int times)
{
    printf("  Ctrl+C %d: ", times);
    fflush(stdout);
    memset(seen, 0, sizeof *seen);
    kill(-caller, SIGINT);
    if (!wait_ready(caller, WORKERS))
        return false; /* the caller has said its last words */
    bool busy = seen->idle < WORKERS;
    if (busy)
        wait_until(&seen->sixes, 3);
    printf("%d workers died, %d answered; of %d new ones %s\n", seen->died,
           WORKERS - seen->died, seen->ready,
           busy ? "one prints 6 6 6 ..." : "none finds an item");
    return true;
}

/* Runs the part in a process group of its own; three presses must do. */
static void show_part(void)
{
    int status, times = 0;
    memset(seen, 0, sizeof *seen);
    pid_t caller = fork_child();
    if (caller == 0) {
        setpgid(0, 0);
        _exit(run_part());
    }
    bool runs = wait_ready(caller, WORKERS + 1);
    while (runs && times < 3)
        runs = press(caller, ++times);
    kill(-caller, SIGKILL);
    waitpid(caller, &status, 0);
    bool left = waitpid(-1, NULL, WNOHANG) >= 0;
    if (runs)
        printf("  still running, and ended with kill -9\n");
    else
        printf("  exit status %d, %s left\n", WEXITSTATUS(status),
               left ? "processes are" : "nothing is");
    while (wait(NULL) > 0)
        continue;
}
/* [/hand] */

static int by_hand(const char *name)
{
    while (part < PARTS && strcmp(name, parts[part][0]) != 0)
        part++;
    if (part == PARTS) {
        fprintf(stderr, "usage: ./ch11 [broken | caught | cured | pool]\n");
        return 2;
    }
    setenv("SCALE", "1", 0); /* a hand is slow */
    printf("%s: press Ctrl+C. Ctrl+\\ ends it, and after 60 s it ends by"
           " itself.\n",
           name);
    return run_part();
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line leaves as it is printed */
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a part leaves becomes ours */
    seen = shared_memory(sizeof *seen);
    if (argc > 1)
        return by_hand(argv[1]);
    chat = open("/dev/null", O_WRONLY);
    printf("%d items that never end, %d workers; a second is %g ms here\n",
           ITEMS, WORKERS, document_second() * 1000);
    for (; part < PARTS; part++) {
        printf("%s: %s\n", parts[part][0], parts[part][1]);
        show_part();
    }
    return 0;
}
