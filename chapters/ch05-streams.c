/*
 * Chapter 5: streams.
 *
 * The idea: a stream reads its items from a source, a few at a time, and
 * hands results out while the work goes on. They come in order, or at once.
 *
 * Usage: make ch05 && ./ch05            (SCALE=1 ./ch05: at full length)
 *
 * Watch for: in order, a slow first item keeps the others waiting, and in the
 * end the workers too. And how little was read when the first result comes.
 */
#include "kit.h"

enum { WORKERS = 4, ITEMS = 10 };

/* [board] */
struct board {
    bool ordered;     /* the results come in the order of the items */
    atomic_int done;  /* items worked out */
    atomic_int given; /* results that came out of the stream */
};

static struct board *board; /* all processes see the same one */
/* [/board] */

static struct pool *open_pool(bool ordered)
{
    *board = (struct board){ .ordered = ordered };
    struct pool *pool =
        pool_open(&(struct pool_options){ .processes = WORKERS });
    check(pool != NULL);
    return pool;
}

/* Gives 0 to 9. */
static int range(void *state, void *item)
{
    long *next = state;
    *(long *)item = (*next)++;
    return *(long *)item < ITEMS;
}

/* [task] */
static int square(const void *arg, void *result)
{
    const long *x = arg;
    *(long *)result = *x * *x;
    board->done++;
    return 0;
}

/* Item 0 takes long: in order, until seven others are done; otherwise until
   nine others have come out, one by one so that each run is the same. */
static int slow_first(const void *arg, void *result)
{
    const long *x = arg;
    document_sleep(1);
    if (board->ordered)
        wait_until(&board->done, *x == 0 ? 7 : 0);
    else
        wait_until(&board->given, (int)(*x + 9) % ITEMS);
    document_sleep(*x == 0 ? 2 : 0);
    return square(arg, result);
}
/* [/task] */

/* [map] */
static void with_map(void)
{
    long in[ITEMS], out[ITEMS], next = 0;
    struct pool *pool = open_pool(true);
    for (int i = 0; i < ITEMS; i++)
        range(&next, &in[i]);
    check(pool_map(pool, slow_first, in, ITEMS, sizeof *in, out, sizeof *out) ==
          0);
    printf("  map            %2d:", board->done);
    for (int i = 0; i < ITEMS; i++)
        printf(" %ld", out[i]);
    printf("\n");
    finish(pool);
}
/* [/map] */

/* [stream] */
/* Takes the results out of a stream until it ends. */
static void drain(const char *name, struct pool_iter *stream)
{
    long out;
    int more;
    check(stream != NULL);
    while ((more = pool_iter_next(stream, &out, POOL_FOREVER)) == 1) {
        if (board->given == 0)
            printf("  %-14s %2d:", name, board->done);
        printf(" %ld", out);
        board->given++;
    }
    check(more == 0);
    printf("\n");
    pool_iter_close(stream);
}

static void in_order(void)
{
    long next = 0;
    struct pool *pool = open_pool(true);
    drain("imap", pool_imap(pool, slow_first, range, &next, sizeof next,
                            sizeof(long), NULL));
    finish(pool);
}

static void as_they_come(void)
{
    long next = 0;
    struct pool *pool = open_pool(false);
    drain("imap_unordered",
          pool_imap_unordered(pool, slow_first, range, &next, sizeof next,
                              sizeof(long), NULL));
    finish(pool);
}
/* [/stream] */

int main(int argc, char **argv)
{
    begin(argc, argv, "");
    printf("A second lasts %g ms here.\n", 1000 * document_second());
    board = shared_memory(sizeof *board);
    printf("A slow first item. At the first result so many were done:\n");
    with_map();
    in_order();
    as_they_come();
    return 0;
}
