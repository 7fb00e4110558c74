/*
 * Chapter 7: start methods.
 *
 * The idea: a worker can also be a new run of the program. It knows nothing,
 * and it begins where every program begins, with the first line of main().
 *
 * Usage: make ch07 && ./ch07
 *        ./ch07 unguarded       a program that asks: answer by hand
 *        ./ch07 guarded         the same, cured
 *
 * Watch for: how often a window opens, and how often somebody is asked.
 */
#include "kit.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 2, DEEPEST = 3, ROUNDS = 20 };

/* [spawn] */
/* Starts a new run of this program, which is to be a worker for one item. */
static pid_t spawn(const char *guard, int level, int item)
{
    char level_text[12], item_text[12];
    pid_t pid = fork();
    check(pid >= 0);
    if (pid > 0)
        return pid;
    snprintf(level_text, sizeof level_text, "%d", level);
    snprintf(item_text, sizeof item_text, "%d", item);
    execl("/proc/self/exe", "ch07", guard, level_text, item_text, NULL);
    perror("exec"); /* we come here only if there is no new run */
    _exit(127);
}

/* The guard: a run that is to be a worker becomes one, and does not return. */
static void serve_if_worker(int item)
{
    if (item > 0)
        _exit(item * item); /* the answer is its exit status */
}
/* [/spawn] */

/* [naive] */
/* The main() of a program with a naive pool, which has its guard somewhere. */
static int naive_main(const char *guard, int level, int item)
{
    int status[WORKERS];
    pid_t worker[WORKERS];
    if (strcmp(guard, "first") == 0)
        serve_if_worker(item); /* <- the cure */
    printf("a window opens, level %d\n", level);
    if (strcmp(guard, "open") == 0)
        serve_if_worker(item);
    if (level == DEEPEST)
        return 0; /* we end it here; nothing else would */
    for (int i = 0; i < WORKERS; i++)
        worker[i] = spawn(guard, level + 1, i + 2);
    for (int i = 0; i < WORKERS; i++)
        check(waitpid(worker[i], &status[i], 0) > 0);
    if (level == 0)
        printf("the squares of 2 and 3: %d and %d\n", WEXITSTATUS(status[0]),
               WEXITSTATUS(status[1]));
    return 0;
}
/* [/naive] */

/* [count] */
/* Runs a part of this program as the shell does. */
static FILE *run(const char *part, const char *mode)
{
    char command[64];
    snprintf(command, sizeof command, "exec /proc/%d/exe %s", (int)getpid(),
             part);
    FILE *stream = popen(command, mode);
    check(stream != NULL);
    return stream;
}

static void count_windows(const char *guard)
{
    int level, windows[DEEPEST + 1] = { 0 };
    char line[80];
    FILE *screen = run(guard, "r");
    while (fgets(line, sizeof line, screen))
        if (sscanf(line, "a window opens, level %d", &level) == 1)
            windows[level]++;
        else
            printf("  %s", line);
    pclose(screen);
    printf("  windows: %d", windows[0]);
    for (level = 1; level <= DEEPEST && windows[level] > 0; level++)
        printf(" + %d", windows[level]);
    printf("\n");
}
/* [/count] */

/* [ask] */
static int square(const void *arg, void *result)
{
    int x = *(const int *)arg;
    *(int *)result = x * x;
    return 0;
}

/* A program that asks somebody something before it opens its pool. */
static int ask(void)
{
    int workers, x[] = { 1, 2, 3 }, y[3];
    printf("  a window opens\n  how many workers?\n");
    if (scanf("%d", &workers) != 1) {
        printf("  no answer\n");
        return 2;
    }
    struct pool *pool = pool_open(&(struct pool_options){
        .processes = workers, .start = POOL_SPAWN, .open_timeout = 20 });
    if (!pool || pool_map(pool, square, x, 3, sizeof *x, y, sizeof *y) != 0) {
        printf("  %s\n", pool_error()->text);
        return 1;
    }
    printf("  the squares of 1, 2 and 3: %d, %d and %d\n", y[0], y[1], y[2]);
    pool_free(pool);
    return 0;
}

/* Types one answer, and is gone. */
static void answer_once(const char *part)
{
    FILE *keyboard = run(part, "w");
    fprintf(keyboard, "3\n");
    pclose(keyboard);
}
/* [/ask] */

/* [know] */
/* What a process knows. */
struct known {
    long price;
    uintptr_t address; /* where tell() lies */
};

static long price; /* 0 until it is loaded */

static int load_price(void *unused)
{
    (void)unused;
    price = 10; /* stands for reading it from a file */
    return 0;
}

static int tell(const void *unused, void *result)
{
    (void)unused;
    *(struct known *)result = (struct known){ price, (uintptr_t)tell };
    return 0;
}
/* [/know] */

static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + (double)t.tv_nsec / 1e6;
}

static void show(const char *name, const struct known *known)
{
    printf("  %-18s  price %2ld, tell() at %#" PRIxPTR, name, known->price,
           known->address);
}

/* Opens such a pool several times: what does a worker know, and how long did
   it take when it was fastest? */
static void try(const char *name, const struct pool_options *options)
{
    double best = 1e9;
    struct known known;
    for (int i = 0; i < ROUNDS; i++) {
        double start = milliseconds();
        struct pool *pool = pool_open(options);
        double took = milliseconds() - start;
        check(pool != NULL);
        best = took < best ? took : best;
        check(!pool_apply(pool, tell, NULL, 0, &known, sizeof known));
        pool_free(pool);
    }
    show(name, &known);
    printf(", opened in %.2f ms\n", best);
}

/* [compare] */
static void compare(void)
{
    struct known here;
    load_price(NULL);
    tell(NULL, &here);
    show("this program", &here);
    printf("\n");
    try("fork", &(struct pool_options){ .processes = WORKERS });
    try("spawn",
        &(struct pool_options){ .processes = WORKERS, .start = POOL_SPAWN });
    try("spawn, initializer",
        &(struct pool_options){ .processes = WORKERS,
                                .start = POOL_SPAWN,
                                .initializer = load_price });
}
/* [/compare] */

/* [main] */
int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line leaves as it is printed */
    if (strcmp(part, "nowhere") == 0 || strcmp(part, "open") == 0 ||
        strcmp(part, "first") == 0)
        return naive_main(part, argc > 3 ? atoi(argv[2]) : 0,
                          argc > 3 ? atoi(argv[3]) : 0);
    if (strcmp(part, "unguarded") == 0)
        return ask();
    pool_freeze_support(); /* <- the cure */
    if (strcmp(part, "guarded") == 0)
        return ask();
    begin(argc, argv, "unguarded | guarded");
    printf("broken: a naive pool, the guard nowhere\n");
    count_windows("nowhere");
    printf("broken: the guard where the pool is opened\n");
    count_windows("open");
    printf("cured: the guard first in main\n");
    count_windows("first");
    printf("broken: our pool, no guard first in main\n");
    answer_once("unguarded");
    printf("cured: our pool, its guard first in main\n");
    answer_once("guarded");
    printf("what the workers know, and what it costs\n");
    compare();
    return 0;
}
/* [/main] */
