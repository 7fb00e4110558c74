/*
 * Chapter 5, first program: one pool, four ways.
 *
 * The idea: the same pool does a map, a stream, one task that answers in time
 * and one that does not. It is the document's program, way by way.
 *
 * Usage: make ch05b && ./ch05b
 *
 * Watch for: the list keeps its order, the stream need not. And the last task
 * sleeps for ten seconds, but the program does not wait for it.
 */
#include "kit.h"

static int square(const void *arg, void *result)
{
    const long *x = arg;
    *(long *)result = *x * *x;
    return 0;
}

/* [four] */
/* Gives 0 to 9: the document's range(10). */
static int range(void *state, void *item)
{
    long *next = state;
    *(long *)item = (*next)++;
    return *(long *)item < 10;
}

static int sleeps(const void *seconds, void *unused)
{
    (void)unused;
    document_sleep((double)*(const long *)seconds);
    return 0;
}

/* Prints the result, if it comes within a second. */
static void get(struct pool_result *handle)
{
    long out;
    check(handle != NULL);
    if (pool_result_get(handle, &out, document_second()) == 0)
        printf("%ld\n", out);
    else
        printf("%s\n", pool_error()->text);
}

static void four_ways(struct pool *pool)
{
    long in[10], out[10], next = 0, ten = 10, from = 0;
    while (next < 10 && range(&next, &in[next]))
        continue;
    check(pool_map(pool, square, in, 10, sizeof *in, out, sizeof *out) == 0);
    for (int i = 0; i < 10; i++)
        printf("%s%ld%s", i ? ", " : "[", out[i], i < 9 ? "" : "]\n");

    struct pool_iter *stream = pool_imap_unordered(
        pool, square, range, &from, sizeof from, sizeof *out, NULL);
    check(stream != NULL);
    while (pool_iter_next(stream, out, POOL_FOREVER) == 1)
        printf("%ld\n", *out);

    get(pool_apply_async(pool, square, &ten, sizeof ten, sizeof ten, NULL));
    get(pool_apply_async(pool, sleeps, &ten, sizeof ten, sizeof ten, NULL));
}
/* [/four] */

int main(int argc, char **argv)
{
    begin(argc, argv, "");
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 4 });
    check(pool != NULL);
    four_ways(pool);
    pool_free(pool); /* as leaving "with Pool" does, it ends the sleeper */
    return 0;
}
