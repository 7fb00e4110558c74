/*
 * Chapter 13: timing.
 *
 * The idea: one stopwatch around everything cannot tell what took the time.
 * Three can: to open and join, to hand over, and with the work. Then one sees
 * what a task must cost so that a pool pays.
 *
 * Usage: make ch13 && ./ch13                 (./ch13 FILE.svg: the plot too)
 * Packages: libgmp-dev (-lgmp), gnuplot-nox (gnuplot)
 *
 * Watch for: which of the three is the long one.
 */
#define CHAPTER "ch13"
#include "factorial.h"
#include "idle.h"
#include "measure.h"
#include <string.h>

enum { ITEMS = 100, ROUNDS = 25 };

/* [compute] */
static struct item {
    int number, times;
} item[ITEMS];

static char answer[ITEMS][WIDTH], right[ITEMS][WIDTH];

/* The factorial of a number, worked out so many times; 0: an empty task. */
static int compute(const void *arg, void *result)
{
    const struct item *it = arg;
    for (int k = 0; k < it->times; k++)
        factorial(&it->number, result);
    return 0;
}
/* [/compute] */

/* [ways] */
static void loop(struct pool *unused)
{
    (void)unused;
    for (int i = 0; i < ITEMS; i++)
        compute(&item[i], answer[i]);
}

static void apply(struct pool *pool)
{
    for (int i = 0; i < ITEMS; i++)
        check(pool_apply(pool, compute, &item[i], sizeof *item, answer[i],
                         WIDTH) == 0);
}

static void apply_async(struct pool *pool)
{
    struct pool_result *result[ITEMS];
    for (int i = 0; i < ITEMS; i++)
        result[i] = pool_apply_async(pool, compute, &item[i], sizeof *item,
                                     WIDTH, NULL);
    for (int i = 0; i < ITEMS; i++) {
        check(pool_result_get(result[i], answer[i], POOL_FOREVER) == 0);
        pool_result_free(result[i]);
    }
}

static void map(struct pool *pool) /* so few items go out one by one */
{
    check(pool_map(pool, compute, item, ITEMS, sizeof *item, answer, WIDTH) ==
          0);
}

static void in_chunks(struct pool *pool) /* map_async: four for each worker */
{
    int chunks = 4 * pool_processes(pool);
    struct pool_job_options options = { .chunk = (ITEMS - 1) / chunks + 1 };
    struct pool_result *result = pool_map_async(pool, compute, item, ITEMS,
                                                sizeof *item, WIDTH, &options);
    check(pool_result_get(result, answer, POOL_FOREVER) == 0);
    pool_result_free(result);
}
/* [/ways] */

/* [own-pool] */
static int used; /* so many workers had the last own_pool() */

/* So begin the document's functions, whatever they are given: pool = Pool() */
static void own_pool(struct pool *pool)
{
    pool = open_pool(0, NULL);
    used = pool_processes(pool);
    apply_async(pool);
    finish(pool);
}

static void open_and_join(struct pool *pool) /* another one of that size */
{
    finish(open_pool(pool_processes(pool), NULL));
}
/* [/own-pool] */

/* [best] */
/* Keeps the best time, in ms, if each item is worked out so many times; it is
   tried again and again for 2 ms. */
static void measure(double *best, void (*way)(struct pool *), struct pool *pool,
                    int times)
{
    for (int i = 0; i < ITEMS; i++)
        item[i].times = times;
    for (double end = now() + 0.002; now() < end;) {
        memset(answer, 0, sizeof answer);
        double start = now();
        way(pool);
        keep_best(best, 1e3 * (now() - start));
        if (times > 0 && memcmp(answer, right, sizeof right) != 0) {
            fprintf(stderr, CHAPTER ": a factorial is wrong\n");
            exit(EXIT_FAILURE);
        }
    }
}
/* [/best] */

/* [tables] */
enum { LOOP, APPLY, APPLY_ASYNC, MAP, IN_CHUNKS, OWN_POOL, WAYS };

static const struct {
    const char *name;
    void (*run)(struct pool *pool);
} ways[WAYS] = { { "loop", loop },
                 { "apply", apply },
                 { "apply_async", apply_async },
                 { "map", map },
                 { "in_chunks", in_chunks },
                 { "own_pool", own_pool } };

static void one_stopwatch(int size, int document)
{
    struct pool *pool = open_pool(size, NULL);
    double all = 0;
    for (int r = 0; r < ROUNDS; r++)
        measure(&all, own_pool, pool, 1);
    printf("  handed a pool of %2d, it uses %d workers: %.3f ms (%d ms)\n",
           size, used, all, document);
    finish(pool);
}

static void three_stopwatches(int way, int size, int document)
{
    struct pool *pool = open_pool(size, NULL);
    double open_join = 0, empty = 0, full = 0;
    for (int r = 0; r < ROUNDS; r++) {
        measure(&open_join, open_and_join, pool, 0);
        measure(&empty, ways[way].run, pool, 0);
        measure(&full, ways[way].run, pool, 1);
    }
    printf("%-12s%12d%12.3f%12.3f%12.3f%12d\n", ways[way].name,
           pool_processes(pool), open_join, empty, full, document);
    finish(pool);
}

static void tables(void)
{
    double alone = 0;
    measure(&alone, loop, NULL, 1);
    printf("broken: one stopwatch; in brackets the document's figures\n");
    one_stopwatch(50, 165);
    one_stopwatch(1, 152);
    printf("cured: three stopwatches, in ms\n");
    printf("%-12s%12s%12s%12s%12s%12s\n", "100 tasks by", "workers",
           "open, join", "hand over", "with work", "document");
    printf("%-12s%12s%12s%12s%12.3f%12.3f\n", "loop", "-", "-", "-", alone,
           0.594);
    three_stopwatches(APPLY, 0, 130);
    three_stopwatches(APPLY_ASYNC, 0, 156);
    three_stopwatches(MAP, 0, 166);
    three_stopwatches(IN_CHUNKS, 0, 144);
    three_stopwatches(APPLY_ASYNC, 50, 165);
    three_stopwatches(APPLY_ASYNC, 1, 152);
}
/* [/tables] */

/* [pays] */
enum { COSTS = 9 };
static const double WORTH_IT = 1.1; /* times as fast; less may be chance */
static double ms[COSTS][WAYS];

static void print_gains(FILE *to)
{
    fprintf(to, "%12s", "us_per_task");
    for (int w = APPLY; w < WAYS; w++)
        fprintf(to, "%12s", ways[w].name);
    for (int c = 0; c < COSTS; c++) {
        fprintf(to, "\n%12.2f", 1e3 * ms[c][LOOP] / ITEMS);
        for (int w = APPLY; w < WAYS; w++)
            fprintf(to, "%12.2f", ms[c][LOOP] / ms[c][w]);
    }
    fprintf(to, "\n");
}

static void when_it_pays(struct pool *pool)
{
    for (int r = 0; r < ROUNDS; r++)
        for (int c = 0; c < COSTS; c++)
            for (int w = LOOP; w < WAYS; w++)
                measure(&ms[c][w], ways[w].run, pool, 1 << c);
    printf("when does a pool of %d pay? times as fast as the loop:\n",
           pool_processes(pool));
    print_gains(stdout);
    printf("%12s", "pays from");
    for (int w = APPLY; w < WAYS; w++) {
        int c = COSTS; /* the first row from which on all rows pay */
        while (c > 0 && ms[c - 1][LOOP] >= WORTH_IT * ms[c - 1][w])
            c--;
        if (c < COSTS)
            printf("%12.2f", 1e3 * ms[c][LOOP] / ITEMS);
        else
            printf("%12s", "never");
    }
    printf("\n");
}
/* [/pays] */

int main(int argc, char **argv)
{
    FILE *file = open_drawing(begin(argc, argv, "FILE.svg"));
    double start = 0;
    for (int i = 0; i < ITEMS; i++) {
        item[i].number = i + 1;
        start = now();
        factorial(&item[i].number, right[i]);
    }
    printf("100! = %.20s..., %zu digits: %.2f us (29.1 us)\n", right[ITEMS - 1],
           strlen(right[ITEMS - 1]), 1e6 * (now() - start));
    tell_idle_cores();
    tables();
    struct pool *pool = open_pool(0, NULL);
    when_it_pays(pool);
    if (file)
        draw(file, &(struct plot){ .title = "100 tasks: when does a pool pay?",
                                   .x = "what one task costs, in microseconds",
                                   .y = "times as fast as the loop",
                                   .print = print_gains,
                                   .columns = WAYS,
                                   .ideal = pool_processes(pool) });
    finish(pool);
    return 0;
}
