/*
 * Chapter 9: restarts.
 *
 * The idea: with maxtasks = 2 a worker ends after two tasks and a fresh one
 * takes its place. What the old one had hoarded goes with it.
 *
 * Usage: make ch09 && ./ch09       (./lanes ./ch09 draws who ran what)
 *
 * Watch for: ten tasks need five lives, but eight are started. And a leak
 * begins again with each life instead of growing to the end.
 */
#include "kit.h"

enum { TASKS = 10, WORKERS = 4, LIFE = 2 };

_Static_assert(LIFE < 8, "from 8 on lives are not of the same length: pool.h");

static int in[TASKS];

static void print_list(const char *label, const int *number)
{
    printf("%s [", label);
    for (int i = 0; i < TASKS; i++)
        printf("%s%d", i ? ", " : "", number[i]);
    printf("]\n");
}

/* [start] */
struct board {
    bool meeting;      /* tasks wait for each other */
    atomic_int starts; /* workers started so far */
    atomic_int came;   /* tasks begun so far */
};

static struct board *board; /* all processes see the same one */

static int start(void *unused)
{
    (void)unused;
    if (board->meeting)
        printf("Starting %s\n", pool_worker_name());
    board->starts++;
    return 0;
}
/* [/start] */

/* [twice] */
static int twice(const void *arg, void *result)
{
    int came = board->came++, wave = came / WORKERS; /* a task per worker */
    int end = (wave + 1) * WORKERS;
    if (board->meeting) {
        wait_until(&board->came, end < TASKS ? end : TASKS);
        wait_until(&board->starts, WORKERS * (1 + wave / LIFE)); /* refilled */
        document_sleep(0.5); /* long enough for the picture */
    }
    *(int *)result = 2 * *(const int *)arg;
    return 0;
}
/* [/twice] */

/* [map] */
/* Maps the task over the numbers in a pool of its own. */
static void map(const struct pool_options *options, pool_task *task, int *out)
{
    struct pool *pool = pool_open(options);
    check(pool != NULL);
    check(pool_map(pool, task, in, TASKS, sizeof *in, out, sizeof *out) == 0);
    finish(pool);
}
/* [/map] */

/* [puzzle] */
static int count_starts(bool meeting, int *out)
{
    struct pool_options options = { .processes = WORKERS,
                                    .maxtasks = LIFE,
                                    .initializer = start };
    *board = (struct board){ .meeting = meeting };
    map(&options, twice, out);
    return board->starts;
}

static void why_eight(void)
{
    int out[TASKS];
    print_list("Inputs  :", in);
    int starts = count_starts(true, out);
    print_list("Pool    :", out);
    printf("least %d = ceil(%d/%d); here %d: %d lives end together,\n",
           (TASKS + LIFE - 1) / LIFE, TASKS, LIFE, starts, WORKERS);
    printf("the pool refills to its size, whatever is left; most %d\n",
           WORKERS + TASKS / LIFE);
    printf("and on your machine today: %d\n", count_starts(false, out));
}
/* [/puzzle] */

/* [leak] */
/* Keeps one more MiB for good; tells how many this worker has by now. */
static int leak(const void *unused, void *result)
{
    static void *kept[TASKS]; /* each worker has its own */
    static int mib;
    (void)unused;
    kept[mib] = malloc(1 << 20);
    if (!kept[mib])
        return pool_fail("out of memory");
    *(int *)result = ++mib;
    return 0;
}

static void bounded_leak(void)
{
    int mib[TASKS];
    map(&(struct pool_options){ .processes = 1 }, leak, mib);
    print_list("broken, MiB lost:", mib);
    map(&(struct pool_options){ .processes = 1, .maxtasks = LIFE }, leak, mib);
    print_list("cured,  MiB lost:", mib);
}
/* [/leak] */

int main(int argc, char **argv)
{
    begin(argc, argv, "");
    board = shared_memory(sizeof *board);
    for (int i = 0; i < TASKS; i++)
        in[i] = i;
    why_eight();
    bounded_leak();
    return 0;
}
