/*
 * Chapter 5, third program: input without end.
 *
 * The idea: a stream reads a few items ahead and no more. So its source need
 * not end, and the stream can be closed when you have what you wanted.
 *
 * Usage: make ch05c && ./ch05c
 *
 * Watch for: how many numbers were read, and what one bad item costs.
 */
#include "kit.h"

enum { WORKERS = 4, MILLION = 1000000 };

static atomic_int *done; /* items; all processes see the same number */

/* Gives 0, 1, 2, 3 ... and has no end. */
static int naturals(void *state, void *item)
{
    long *next = state;
    *(long *)item = (*next)++;
    return 1;
}

static int square(const void *arg, void *result)
{
    const long *x = arg;
    *(long *)result = *x * *x;
    (*done)++;
    return 0;
}

static void list_first(void)
{
    static long list[MILLION];
    long next = 0;
    while (next < MILLION && naturals(&next, &list[next]) == 1)
        continue;
    printf("broken: a list first: %ld read, 0 results, no end\n", next);
}

/* [half] */
/* Squares until one is above 1000; returns how many numbers were read. */
static long half_way(struct pool *pool, long ahead)
{
    long next = 0, out = 0, results = 0;
    struct pool_job_options options = { .ahead = ahead };
    struct pool_iter *stream = pool_imap(pool, square, naturals, &next,
                                         sizeof next, sizeof out, &options);
    check(stream != NULL);
    printf("cured: a stream, %ld ahead:", ahead);
    while (out <= 1000) {
        check(pool_iter_next(stream, &out, POOL_FOREVER) == 1);
        if (++results == 1)
            printf(" %ld result, %ld read;", results, next);
    }
    printf(" %ld results, %ld read\n", results, next);
    pool_iter_close(stream);
    return next;
}

static void two_halves(struct pool *pool)
{
    long handed_over = half_way(pool, WORKERS); /* the default */
    handed_over += half_way(pool, 1);
    wait_until(done, (int)handed_over);
    printf("closed half-way: %ld items handed over, %d done\n", handed_over,
           *done);
}
/* [/half] */

/* [bad] */
static int square_but_3(const void *arg, void *result)
{
    if (*(const long *)arg == 3)
        return pool_fail("three again");
    return square(arg, result);
}

static void one_is_bad(struct pool *pool)
{
    long next = 0, out = 0;
    struct pool_iter *stream = pool_imap(pool, square_but_3, naturals, &next,
                                         sizeof next, sizeof out, NULL);
    check(stream != NULL);
    printf("one bad item:");
    for (int i = 0; i < 6; i++) {
        if (pool_iter_next(stream, &out, POOL_FOREVER) == 1)
            printf(" %ld", out);
        else
            printf(" (%s)", pool_error()->text);
    }
    printf("\n");
    pool_iter_close(stream);
}
/* [/bad] */

int main(int argc, char **argv)
{
    begin(argc, argv, "");
    done = shared_memory(sizeof *done);
    list_first();
    struct pool *pool =
        pool_open(&(struct pool_options){ .processes = WORKERS });
    check(pool != NULL);
    two_halves(pool);
    one_is_bad(pool);
    finish(pool);
    return 0;
}
