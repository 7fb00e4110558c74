/*
 * Chapter 6: snapshot.
 *
 * The idea: fork copies a process as it is at that moment. A worker knows what
 * its program knew then: data, functions, even text not yet printed.
 *
 * Usage: make ch06 && ./ch06
 *        ./ch06 exit            the last part alone, on your terminal; then
 *        ./ch06 exit | cat      into a pipe; and both with _exit
 *
 * Watch for: what comes later is not there, and often nobody says so.
 */
#define _GNU_SOURCE /* for sigabbrev_np(), the short name of a signal */
#include "kit.h"
#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { PAGES = 1000, ITEMS = 4 };

/* [two] */
/* How often the kernel has had to give this process a page of memory. */
static long pages_given(void)
{
    struct rusage usage;
    check(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_minflt;
}

static void two_processes(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = aligned_alloc(page, PAGES * page);
    check(memory != NULL);
    memset(memory, 1, PAGES * page);
    pid_t child = fork(); /* <- from here on there are two of us */
    check(child >= 0);
    if (child == 0) {
        long before = pages_given();
        for (size_t i = 0; i < PAGES / 4; i++)
            memory[i * page] = 2; /* one byte in each page */
        printf("child : %d at %p, %ld of %d pages copied\n", *memory,
               (void *)memory, pages_given() - before, PAGES);
        _exit(EXIT_SUCCESS);
    }
    waitpid(child, NULL, 0);
    printf("parent: %d at %p\n", *memory, (void *)memory);
    free(memory);
}
/* [/two] */

/* [map] */
static const int item[ITEMS] = { 0, 1, 2, 3 };

/* Maps the task over 0, 1, 2 and 3, and prints what comes of it. */
static void map(struct pool *pool, pool_task *task)
{
    double y[ITEMS];
    check(pool != NULL);
    if (pool_map(pool, task, item, ITEMS, sizeof *item, y, sizeof *y) == 0)
        printf("  our pool:   [%.3g, %.3g, %.3g, %.3g]\n", y[0], y[1], y[2],
               y[3]);
    else
        printf("  our pool:   %s\n", pool_error()->text);
}
/* [/map] */

/* [prices] */
static double price[ITEMS]; /* all 0 until they are loaded */

static void load_prices(void)
{
    for (int i = 0; i < ITEMS; i++)
        price[i] = 10 * (i + 1); /* stands for reading them from a file */
}

static int look_up(const void *arg, void *result)
{
    *(double *)result = price[*(const int *)arg];
    return 0;
}

static void late_prices(void)
{
    printf("broken: the pool, then the prices\n");
    struct pool *pool = pool_open(NULL);
    load_prices();
    map(pool, look_up);
    pool_free(pool);

    memset(price, 0, sizeof price);
    printf("cured: the prices, then the pool\n");
    load_prices();
    pool = pool_open(NULL); /* <- the cure: two lines have changed places */
    map(pool, look_up);
    pool_free(pool);
}
/* [/prices] */

/* [root] */
struct board {
    union { /* one address of a function, to be taken for any of these */
        void *address;
        double (*root)(double);
        pool_task *task;
    };
    atomic_int go;        /* the naive pool's workers wait for it */
    double result[ITEMS]; /* and write here */
};

static struct board *board; /* all processes see the same one */

static void load_root(void)
{
    void *library = dlopen("libm.so.6", RTLD_NOW);
    check(library != NULL);
    board->address = dlsym(library, "sqrt");
    check(board->address != NULL);
}

static int call_root(const void *arg, void *result)
{
    *(double *)result = board->root(*(const int *)arg);
    return 0;
}
/* [/root] */

/* [naive] */
static pid_t worker[ITEMS]; /* a pool with a worker for each item */

static void naive_open(void)
{
    board->go = 0;
    for (int i = 0; i < ITEMS; i++) {
        worker[i] = fork();
        check(worker[i] >= 0);
        if (worker[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends when we end */
            wait_until(&board->go, 1);
            _exit(call_root(&item[i], &board->result[i]));
        }
    }
}

static void naive_map(void)
{
    int status;
    printf("  naive pool:");
    board->go = 1;
    for (int i = 0; i < ITEMS; i++) {
        check(waitpid(worker[i], &status, 0) > 0);
        if (WIFSIGNALED(status))
            printf(" SIG%s", sigabbrev_np(WTERMSIG(status)));
        else
            printf(" %.3g", board->result[i]);
    }
    printf("\n");
}
/* [/naive] */

/* [late-root] */
static void late_root(void)
{
    prctl(PR_SET_DUMPABLE, 0); /* workers will crash: no core files */
    printf("broken: the pools, then the function\n");
    naive_open();
    struct pool *pool = pool_open(NULL);
    load_root();
    naive_map();
    map(pool, call_root);
    map(pool, board->task);
    pool_free(pool);

    printf("cured: the function, then the pools\n");
    naive_open();
    pool = pool_open(NULL);
    naive_map();
    map(pool, call_root);
    pool_free(pool);
}
/* [/late-root] */

/* [text] */
/* Prints a line, then has a child that does nothing but end. */
static void print_and_fork(FILE *out, void (*end)(int))
{
    fprintf(out, "  loaded 4 prices\n");
    pid_t child = fork();
    check(child >= 0);
    if (child == 0)
        end(EXIT_SUCCESS);
    waitpid(child, NULL, 0);
}

static void into_a_pipe(void (*end)(int))
{
    FILE *out = popen("cat", "w"); /* what the shell does for | cat */
    check(out != NULL);
    print_and_fork(out, end);
    pclose(out);
}
/* [/text] */

static int by_hand(const char *end)
{
    int usual = isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF;
    setvbuf(stdout, NULL, usual, BUFSIZ); /* as if begin() had not been here */
    print_and_fork(stdout, *end == '_' ? _exit : exit);
    return 0;
}

int main(int argc, char **argv)
{
    const char *end = begin(argc, argv, "exit | _exit");
    if (end)
        return by_hand(end);
    board = shared_memory(sizeof *board);
    two_processes();
    late_prices();
    late_root();
    printf("broken: text, then fork; the child ends with exit\n");
    into_a_pipe(exit);
    printf("cured: the child ends with _exit\n");
    into_a_pipe(_exit);
    return 0;
}
