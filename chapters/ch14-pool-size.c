/*
 * Chapter 14: pool-size.
 *
 * The idea: how many workers? That depends on what a task does: it computes,
 * or it waits, or it waits for its turn. So try, and look where it ends.
 *
 * Usage: make ch14 && ./ch14                 (./ch14 FILE.svg: the plot too)
 * Packages: libgmp-dev (-lgmp), gnuplot-nox (gnuplot)
 *
 * Watch for: the size from which on nothing gets better.
 */
#define CHAPTER "ch14"
#include "factorial.h"
#include "idle.h"
#include "measure.h"
#include "meet.h"
#include "weigh.h"
#include <semaphore.h>
#include <sys/wait.h>

enum { TASKS = 1000, WORKERS = 4, SIZES = 7, MOST = 100 };

/* [board] */
static int number[TASKS]; /* from 1 to 100, and again */

struct board {
    atomic_int processes, taken; /* for the first part */
    char answer[TASKS][WIDTH];
    atomic_int came, served; /* for the last ones */
    int most_served;
    sem_t turn; /* one at a time has it */
};

static struct board *board; /* all processes see the same one */
/* [/board] */

/* [process-per-task] */
static void process_per_task(long at_once)
{
    for (int i = 0; i < TASKS; i++) {
        if (i >= at_once)
            wait(NULL);
        pid_t pid = fork();
        if (pid < 0) {
            perror(CHAPTER ": fork");
            exit(EXIT_FAILURE);
        }
        if (pid == 0) {
            board->processes++;
            _exit(factorial(&number[i], board->answer[i]));
        }
    }
    while (wait(NULL) > 0)
        continue;
}
/* [/process-per-task] */

/* [pool] */
static int count_process(void *unused)
{
    (void)unused;
    board->processes++;
    return 0;
}

static void pool_of_chunks(long chunk)
{
    struct pool_job_options options = { .chunk = chunk };
    struct pool *pool = open_pool(WORKERS, count_process);
    struct pool_result *result = pool_map_async(
        pool, factorial, number, TASKS, sizeof *number, WIDTH, &options);
    check(pool_result_get(result, board->answer, POOL_FOREVER) == 0);
    finish(pool);
}
/* [/pool] */

/* [loops] */
/* The document's idea: this task ends when there is nothing left to do. */
static int take_tasks(const void *unused, void *none)
{
    int i;
    (void)unused, (void)none;
    while ((i = board->taken++) < TASKS)
        factorial(&number[i], board->answer[i]);
    return 0;
}

static void long_lived_loops(long loops)
{
    struct pool *pool = open_pool(WORKERS, count_process);
    check(pool_map(pool, take_tasks, NULL, (size_t)loops, 0, NULL, 0) == 0);
    finish(pool);
}
/* [/loops] */

/* [side-by-side] */
static void side_by_side(const char *name, void (*way)(long), long how)
{
    char digits[WIDTH];
    double best = 0;
    int right = 0;
    for (int r = 0; r < 5; r++) {
        memset(board, 0, sizeof *board);
        double start = now();
        way(how);
        keep_best(&best, 1e6 * (now() - start) / TASKS);
    }
    for (int i = 0; i < TASKS; i++) {
        factorial(&number[i], digits);
        right += memcmp(board->answer[i], digits, WIDTH) == 0;
    }
    printf("%-30s %8d %10d %8.2f us\n", name, right, board->processes, best);
}
/* [/side-by-side] */

/* [memory] */
static char inherited[1 << 20]; /* 1 MiB that every worker has from us */

static int write_it(void *unused)
{
    memset(inherited, 2, sizeof inherited);
    return unused != NULL;
}

/* The weight of so many workers that do nothing for a document's second. */
static struct weight weight_of(int size, pool_initializer *initializer)
{
    struct pool_worker worker[MOST];
    struct weight before = { 0 }, after = { 0 };
    struct pool *pool = open_pool(size, initializer);
    pool_workers(pool, worker, MOST);
    for (int i = 0; i < size; i++)
        weigh(worker[i].pid, &before);
    document_sleep(1);
    for (int i = 0; i < size; i++)
        weigh(worker[i].pid, &after);
    after.cpu -= before.cpu;
    finish(pool);
    return after;
}

static void memory(int size)
{
    struct weight idle = weight_of(size, NULL);
    struct weight wrote = weight_of(size, write_it);
    if (idle.counted + wrote.counted < 2 * size)
        printf("%22d  /proc/PID/smaps_rollup cannot be read here\n", size);
    else
        printf("%22d %8d %6.1f %6.1f %8.1f %7.1f\n", size, idle.counted,
               idle.rss, idle.pss, wrote.pss, idle.cpu);
}
/* [/memory] */

/* [request] */
struct load {
    double latency, turn; /* in seconds of the document */
    int factorials;
    int together; /* so many begin together */
};

static int request(const void *arg, void *none)
{
    const struct load *load = arg;
    char digits[WIDTH];
    (void)none;
    meet(&board->came, load->together);
    if (load->latency > 0)
        document_sleep(load->latency); /* all of them at the same time */
    if (load->turn > 0) {
        if (sem_wait(&board->turn) != 0) /* only one of them goes on */
            return pool_fail("sem_wait failed");
        if (++board->served > board->most_served)
            board->most_served = board->served;
        document_sleep(load->turn);
        board->served--;
        sem_post(&board->turn);
    }
    for (int i = 0; i < load->factorials; i++)
        factorial(&number[99], digits);
    return 0;
}

/* How long so many requests take, in seconds of the document. */
static double requests(struct load load, int count, int size)
{
    struct load item[MOST];
    struct pool *pool = open_pool(size, NULL);
    load.together = size < count ? size : count;
    for (int i = 0; i < count; i++)
        item[i] = load;
    memset(board, 0, sizeof *board);
    if (sem_init(&board->turn, 1, 1) != 0) {
        perror(CHAPTER ": sem_init");
        exit(EXIT_FAILURE);
    }
    double start = document_time();
    check(pool_map(pool, request, item, (size_t)count, sizeof *item, NULL, 0) ==
          0);
    double time = document_time() - start;
    finish(pool);
    return time;
}
/* [/request] */

/* [document] */
/* The document asks how many pages there are, then for ten pages. */
static void ten_pages(int size, double document)
{
    struct load page = { .latency = 0.29, .turn = 0.64 };
    double time = requests(page, 1, 1) + requests(page, 10, size);
    printf("%17d %9d %15d %7.2f %9.2f\n", size, size < 10 ? size : 10,
           board->most_served, time, document);
}
/* [/document] */

/* [try] */
enum { KINDS = 3 };
static const struct load kind[KINDS] = { { .latency = 0.1 },
                                         { .latency = 0.015, .turn = 0.035 },
                                         { .factorials = 2000 } };
static double gain[SIZES][KINDS];

static void print_gains(FILE *to)
{
    fprintf(to, "  workers    waits  in_turn computes\n");
    for (int s = 0; s < SIZES; s++) {
        fprintf(to, "%9d", 1 << s);
        for (int k = 0; k < KINDS; k++)
            fprintf(to, "%9.2f", gain[s][k]);
        fprintf(to, "\n");
    }
}

/* The smallest size that is nearly as good as the best. */
static int enough(int k)
{
    double most = 1;
    int s = 0;
    for (int i = 0; i < SIZES; i++)
        most = gain[i][k] > most ? gain[i][k] : most;
    while (gain[s][k] < 0.85 * most)
        s++;
    return 1 << s;
}

static void try_sizes(void)
{
    double best[SIZES][KINDS] = { 0 };
    for (int r = 0; r < 4; r++)
        for (int s = 0; s < SIZES; s++)
            for (int k = 0; k < KINDS; k++) {
                keep_best(&best[s][k], requests(kind[k], 32, 1 << s));
                gain[s][k] = best[0][k] / best[s][k];
            }
    print_gains(stdout);
    printf("   enough %8d %8d %8d\n", enough(0), enough(1), enough(2));
}
/* [/try] */

int main(int argc, char **argv)
{
    FILE *file = open_drawing(begin(argc, argv, "FILE.svg"));
    board = shared_memory(sizeof *board);
    for (int i = 0; i < TASKS; i++)
        number[i] = 1 + i % 100;
    factorial(&number[0], board->answer[0]); /* complains if there is no GMP */

    tell_idle_cores();
    printf("%d factorials                  right  processes  each takes\n",
           TASKS);
    side_by_side("slow: a process per task", process_per_task, WORKERS);
    side_by_side("cured: a pool, chunks of 1", pool_of_chunks, 1);
    side_by_side("cured: a pool, chunks of 50", pool_of_chunks, 50);
    side_by_side("cured: long-lived loops", long_lived_loops, WORKERS);

    printf("memory in MiB: workers  counted    RSS    PSS  written  CPU ms\n");
    memset(inherited, 1, sizeof inherited);
    memory(1);
    memory(4);
    memory(50);
    memory(MOST);

    printf("10 pages: workers  together  served at once   takes  document\n");
    ten_pages(1, 10.3);
    ten_pages(4, 7.64);
    ten_pages(10, 7.64);
    ten_pages(100, 8.24);

    printf("32 tasks, how much faster than with one worker?\n");
    try_sizes();
    if (file)
        draw(file, &(struct plot){ .title = "32 tasks: how many workers?",
                                   .x = "workers",
                                   .y = "times as fast as one worker",
                                   .print = print_gains,
                                   .columns = 1 + KINDS });
    return 0;
}
