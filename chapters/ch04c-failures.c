/*
 * Chapter 4, third program: a map of which some items fail.
 *
 * The idea: a failure costs its own item, no other. The handle knows all of
 * them; a callback hears of them at once; and you can give up when you like.
 *
 * Usage: make ch04c && ./ch04c
 *
 * Watch for: how many items were done, each time, and who was told.
 */
#include "kit.h"

enum { ITEMS = 10, WORKERS = 1 }; /* one, so that each run is the same */

/* [root] */
static const int items[ITEMS] = { 4, 9, -1, 16, 25, -4, 36, 49, 64, -9 };

static int root(const void *arg, void *result)
{
    int x = *(const int *)arg, y = 0;
    if (x < 0)
        return pool_fail("%d has no root", x);
    while (y * y < x)
        y++;
    *(int *)result = y;
    return 0;
}

/* Prints each result, and in its place each failure, in its own words. */
static void print(struct pool_result *job)
{
    struct pool_error error;
    for (size_t i = 0; i < pool_result_count(job); i++) {
        const int *y = pool_result_at(job, i);
        printf("%s%s", i ? " " : "  ", y ? "" : "-");
        if (y)
            printf("%d", *y);
    }
    printf("\n");
    for (size_t i = 0; pool_result_failure(job, i, &error) == 1;
         i = error.item + 1)
        printf("  %s\n", error.text);
}
/* [/root] */

/* [options] */
static void told(struct pool_result *job, void *cookie)
{
    struct pool_progress so_far;
    pool_result_progress(job, &so_far);
    printf("%s: %zu of %zu items are done, %zu of them failed\n",
           (const char *)cookie, so_far.done, so_far.count, so_far.failed);
}

static struct pool_result *hand_over(struct pool *pool, pool_task *task,
                                     struct pool_job_options options)
{
    options.chunk = 1; /* one item at a time, so that nothing is hidden */
    options.callback = options.error_callback = told;
    struct pool_result *job = pool_map_async(
        pool, task, items, ITEMS, sizeof *items, sizeof(int), &options);
    check(job != NULL);
    return job;
}
/* [/options] */

/* [three] */
static atomic_int *begun;

static int hang(const void *unused, void *nothing)
{
    (void)unused, (void)nothing;
    (*begun)++;
    while (pause() < 0)
        continue;
    return 0;
}

static void three_maps(struct pool *pool)
{
    struct pool_job_options all = { .cookie = "all of them" };
    struct pool_result *job = hand_over(pool, root, all);
    pool_result_wait(job, POOL_FOREVER);
    print(job);

    struct pool_job_options fast = { .cookie = "fail_fast", .fail_fast = true };
    job = hand_over(pool, root, fast);
    pool_result_wait(job, POOL_FOREVER);

    struct pool_job_options late = { .cookie = "cancelled" };
    job = hand_over(pool, hang, late);
    wait_until(begun, WORKERS); /* the worker hangs */
    check(pool_result_cancel(job) == 1);
    pool_result_wait(job, POOL_FOREVER);
    check(pool_map(pool, root, items, 2, sizeof *items, NULL, 0) == 0);
}
/* [/three] */

int main(int argc, char **argv)
{
    begin(argc, argv, "");
    begun = shared_memory(sizeof *begun);
    struct pool *pool =
        pool_open(&(struct pool_options){ .processes = WORKERS });
    check(pool != NULL);
    three_maps(pool);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return 0;
}
