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

/* [item] */
struct board { /* what the hand that presses Ctrl+C must know */
    atomic_int begun, idle, died, sixes;
};

static struct board *board; /* all processes see the same one */
static bool by_hand;        /* the numbers are printed for a hand only */
static volatile sig_atomic_t interrupted;

/* The document's task: prints its number every second, and has no end. */
static int endless(const void *arg, void *result)
{
    const int *item = arg;
    board->begun++;
    while (!interrupted) {
        if (by_hand)
            printf("%d\n", *item);
        board->sixes += *item == 6;
        document_sleep(1);
    }
    *(int *)result = *item; /* the document's "except: return n1" */
    return 0;
}
/* [/item] */

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
