/*
 * ch16-ranges.h: the first part of chapter 16. 50 ranges, a worker for each,
 * and an error that nobody sees.
 */
#ifndef CH16_RANGES_H
#define CH16_RANGES_H

enum { RANGES = 50, WORKLOAD = 200 };

struct board {
    atomic_int starting, finish;
};

static struct board *board; /* all processes see the same one */

struct range {
    int id, since, end;
    size_t room; /* for the line that it prints */
};

static int fronter(const void *arg, void *none)
{
    const struct range *range = arg;
    struct ask ask = { .path = "/" };
    struct page page;
    char line[40];
    (void)none;
    meet(&board->starting, RANGES); /* "[%d] Starting ..." */
    snprintf(ask.path, sizeof ask.path, "/page/%d", range->id);
    if (get(&ask, &page) != 0)
        return -1;
    /* [line] */
    if ((size_t)snprintf(line, range->room, "[%d] Finish with %ld", range->id,
                         page.status) >= range->room)
        return pool_fail("more than %zu bytes", range->room);
    /* [/line] */
    board->finish++;
    return 0;
}

static void total_workers(size_t room, bool look)
{
    struct pool_result *result[RANGES];
    struct pool *pool = open_pool(RANGES, make_handle);
    board->starting = board->finish = 0;
    for (int i = 0; i < RANGES; i++) {
        int last = i == RANGES - 1;
        struct range range = { i, i * WORKLOAD, (i + 1) * WORKLOAD - !last,
                               room };
        result[i] =
            pool_apply_async(pool, fronter, &range, sizeof range, 0, NULL);
        if (last)
            printf("  range %d: %d to %d, %d items\n", range.id, range.since,
                   range.end, range.end - range.since + 1);
    }
    for (int i = 0; look && i < RANGES; i++)
        check(pool_result_get(result[i], NULL, POOL_FOREVER) == 0);
    pool_close(pool);
    int joined = pool_join(pool, POOL_FOREVER);
    printf("  %d \"Starting\", %d \"Finish\"\n", board->starting,
           board->finish);
    printf("  [+] Total workers: %d\n", RANGES);
    if (joined != 0)
        printf("  not read: %s\n", pool_error()->text);
    pool_free(pool);
}

#endif
