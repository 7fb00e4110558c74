/*
 * collatz.c - which number below a limit takes the most steps to come to 1, if
 * one halves what is even and makes 3n + 1 of what is odd; with a bar.
 *
 * usage: collatz [LIMIT]
 *
 * build: make lib
 *        cc -O2 -Ipool -o collatz examples/collatz.c build/libpool.a
 *
 * An item is ten thousand numbers: enough that handing it over costs nothing
 * beside it, and few enough that the bar moves. The bar is progress.h, made to
 * be copied. It appears on a terminal only; `collatz 2>log` has none.
 *
 * Watch for: kill a worker while it runs. Its item is run again, and the bar
 * goes on.
 */
#include "progress.h"
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>

enum { BLOCK = 10000, MOST = 1000000000 };

struct block {
    uint64_t first, end;
};

struct best {
    uint64_t number;
    unsigned steps;
};

static unsigned steps_of(uint64_t n)
{
    unsigned steps = 0;
    for (; n != 1; steps++)
        n = n % 2 ? 3 * n + 1 : n / 2;
    return steps;
}

static int search(const void *arg, void *result)
{
    const struct block *block = arg;
    struct best best = { 0, 0 };
    for (uint64_t n = block->first; n < block->end; n++) {
        unsigned steps = steps_of(n);
        if (steps > best.steps || best.number == 0)
            best = (struct best){ n, steps };
    }
    *(struct best *)result = best;
    return 0;
}

static struct pool_result *hand_over(struct pool *pool, uint64_t limit)
{
    size_t count = (limit + BLOCK - 1) / BLOCK;
    struct block *blocks = malloc(count * sizeof *blocks);
    for (size_t i = 0; blocks && i < count; i++) {
        uint64_t first = i * BLOCK, end = first + BLOCK;
        blocks[i].first = first ? first : 1;
        blocks[i].end = end < limit ? end : limit;
    }
    struct pool_job_options options = { .retries = 3 };
    struct pool_result *result =
        pool_map_async(pool, search, blocks, count, sizeof *blocks,
                       sizeof(struct best), &options);
    free(blocks); /* the items were copied */
    return result;
}

/* Searches, with a bar. Returns whether it came to an end. */
static int search_below(struct pool *pool, uint64_t limit, struct best *best)
{
    struct pool_result *result = hand_over(pool, limit);
    if (!result || progress_wait(result, "collatz") != 0 ||
        pool_result_get(result, NULL, 0) != 0)
        return 0;
    *best = *(const struct best *)pool_result_at(result, 0);
    for (size_t i = 1; i < pool_result_count(result); i++) {
        const struct best *one = pool_result_at(result, i);
        *best = one->steps > best->steps ? *one : *best;
    }
    return 1;
}

/* Reads the limit; 0 if it is none. */
static uint64_t read_limit(const char *text)
{
    char *end;
    errno = 0;
    long long limit = strtoll(text, &end, 10);
    return errno || end == text || *end || limit < 2 || limit > MOST
               ? 0
               : (uint64_t)limit;
}

int main(int argc, char **argv)
{
    uint64_t limit = argc > 1 ? read_limit(argv[1]) : 10000000;
    if (argc > 2 || limit == 0) {
        fprintf(stderr, "usage: collatz [LIMIT], from 2 to %d\n", MOST);
        return 2;
    }
    struct best best;
    struct pool *pool = pool_open(NULL);
    int found = pool && search_below(pool, limit, &best);
    if (found)
        printf("%" PRIu64 ": %u steps\n", best.number, best.steps);
    else
        fprintf(stderr, "collatz: %s\n", pool_error()->text);
    pool_free(pool);
    return !found;
}
