/*
 * nested.c - pools inside the tasks of pools: three levels deep, of every kind in every kind, and with a worker
 * killed at any of the levels.
 *
 * A pool that a task opens belongs to the process, or the thread, that runs the task. What becomes of it when that
 * is killed: it ends as every pool ends whose caller dies, and so does all that is below it.
 */
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends a task's own pool, or fails the task with what went wrong in it. */
static int end_inner(struct pool *pool, int status)
{
    if (status == 0 && (pool_close(pool) != 0 || pool_join(pool, PATIENCE) != 0))
        status = -1;
    struct pool_error error = *pool_error();
    pool_free(pool);
    return status == 0 ? 0 : pool_fail("inside: %s", error.text);
}

/* --- Three levels --- */

struct step {
    int depth; /* how many levels are still to come */
    int path;  /* which way led here: one digit, 1 or 2, for each level */
};

/* Adds up, over both ways down and all levels below, the paths of those that have nothing below them. */
static int descend(const void *arg, void *result)
{
    const struct step *here = arg;
    struct step below[2] = { { here->depth - 1, 10 * here->path + 1 }, { here->depth - 1, 10 * here->path + 2 } };
    long sums[2] = { 0, 0 };
    atomic_fetch_add(&shared->cell[here->depth], 1);
    *(long *)result = here->path;
    if (here->depth == 0)
        return 0;
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2 });
    if (!pool)
        return pool_fail("inside: %s", pool_error()->text);
    int status = pool_map(pool, descend, below, 2, sizeof *below, sums, sizeof *sums);
    *(long *)result = sums[0] + sums[1];
    return end_inner(pool, status);
}

static void r07_three_levels(void)
{
    struct host before;
    struct step top[2] = { { 2, 1 }, { 2, 2 } };
    long out[2] = { 0, 0 };
    host_look(&before);
    struct pool *pool = open_pool(2);
    OK(pool_map(pool, descend, top, 2, sizeof *top, out, sizeof *out));
    CHECK_EQ(out[0], 111 + 112 + 121 + 122);
    CHECK_EQ(out[1], 211 + 212 + 221 + 222);
    CHECK_EQ(atomic_load(&shared->cell[2]), 2);
    CHECK_EQ(atomic_load(&shared->cell[1]), 4);
    CHECK_EQ(atomic_load(&shared->cell[0]), 8);
    end_pool(pool);
    UNCHANGED(&before);
}

/* --- Every kind in every kind --- */

static int use_inner(const void *arg, void *result)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .kind = *(const enum pool_kind *)arg });
    long in[100], out[100], sum = 0;
    if (!pool)
        return pool_fail("inside: %s", pool_error()->text);
    for (long i = 0; i < 100; i++)
        in[i] = i;
    int status = pool_map(pool, task_square, in, 100, sizeof *in, out, sizeof *out);
    for (long i = 0; i < 100; i++)
        sum += out[i];
    *(long *)result = sum;
    return end_inner(pool, status);
}

static void g14_kinds_in_kinds(void)
{
    struct host before;
    static const enum pool_kind inner[6] = { POOL_PROCESSES, POOL_THREADS, POOL_INLINE,
                                             POOL_PROCESSES, POOL_THREADS, POOL_INLINE };
    host_look(&before);
    for (enum pool_kind outer = POOL_PROCESSES; outer <= POOL_INLINE; outer++) {
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .kind = outer });
        long out[6] = { 0 };
        OK(pool ? 0 : -1);
        OK(pool_map(pool, use_inner, inner, 6, sizeof *inner, out, sizeof *out));
        for (int i = 0; i < 6; i++)
            CHECK_EQ(out[i], 328350);
        end_pool(pool);
        UNCHANGED(&before);
        CHECK(no_children());
    }
}

/* --- Deaths --- */

enum { LEVELS = 3 };

/* A chain of workers, each with a pool for the next one; the last never ends. Each notes its pid by its level. */
static int chain(const void *arg, void *result)
{
    int level = *(const int *)arg, next = level + 1;
    (void)result;
    atomic_store(&shared->cell[level], getpid());
    if (next == LEVELS)
        return task_forever(NULL, NULL);
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1 });
    if (!pool)
        return pool_fail("inside: %s", pool_error()->text);
    return end_inner(pool, pool_map(pool, chain, &next, 1, sizeof next, NULL, 0));
}

static int chain_or_square(const void *arg, void *result)
{
    int level = 0;
    return *(const long *)arg < 0 ? chain(&level, NULL) : task_square(arg, result);
}

/* The chain hangs on item 2. */
static void kill_level(int level)
{
    memset(shared, 0, sizeof *shared);
    struct pool *pool = open_pool(2);
    long in[4] = { 5, 6, -1, 7 }, out[4] = { 0 };
    struct pool_job_options options = { .chunk = 1 };
    struct pool_result *result = pool_map_async(pool, chain_or_square, in, 4, sizeof *in, sizeof *out, &options);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK(kill(atomic_load(&shared->cell[level]), SIGKILL) == 0);
    FAILED(pool_result_get(result, out, PATIENCE), level == 0 ? EOWNERDEAD : EREMOTEIO, 2);
    CHECK_EQ((long long)pool_error()->failures, 1);
    CHECK_TEXT(pool_error()->text, "item 2");
    CHECK_TEXT(pool_error()->text, "SIGKILL");
    CHECK(out[0] == 25 && out[1] == 36 && out[3] == 49);
    for (int below = level; below < LEVELS; below++)
        EVENTUALLY(!is_alive(atomic_load(&shared->cell[below])));
    for (int i = 0; i < 4; i++)
        in[i] = i;
    OK(pool_map(pool, chain_or_square, in, 4, sizeof *in, out, sizeof *out));
    EVENTUALLY(worker_count() == 2);
    end_pool(pool);
    CHECK(no_children());
}

static void g14_killed(void)
{
    for (int level = 0; level < LEVELS; level++)
        kill_level(level);
}

static void g14_terminated(void)
{
    struct pool *pool = open_pool(1);
    int level = 0;
    CHECK(pool_apply_async(pool, chain, &level, sizeof level, 0, NULL) != NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    OK(pool_terminate(pool));
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
    for (level = 0; level < LEVELS; level++)
        CHECK(!is_alive(atomic_load(&shared->cell[level])));
    CHECK(no_children());
}

/* --- The pool above --- */

static int use_the_outer(const void *arg, void *result)
{
    struct pool *outer = *(struct pool *const *)arg;
    long x = 3, out;
    (void)result;
    REFUSED(pool_apply(outer, task_square, &x, 8, &out, 8), EINVAL, "");
    REFUSED(pool_map(outer, task_square, &x, 1, 8, &out, 8), EINVAL, "");
    REFUSED_NULL(pool_apply_async(outer, task_square, &x, 8, 8, NULL), EINVAL, "");
    REFUSED(pool_close(outer), EINVAL, "");
    REFUSED(pool_join(outer, 1), EINVAL, "");
    atomic_fetch_add(&shared->mark, 1);
    return 0;
}

static int pass_it_on(const void *arg, void *result)
{
    (void)result;
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1 });
    if (!pool)
        return pool_fail("inside: %s", pool_error()->text);
    return end_inner(pool, pool_apply(pool, use_the_outer, arg, sizeof(struct pool *), NULL, 0));
}

/* Its only worker waits for the task that would wait for it. */
static void m09_outer_pool(void)
{
    struct pool *pool = open_pool(1);
    OK(pool_apply(pool, pass_it_on, &pool, sizeof pool, NULL, 0));
    CHECK_EQ(atomic_load(&shared->mark), 1);
    end_pool(pool);
}

static const struct unit_case cases[] = {
    { "R07 G14 pools three levels deep report in order, and leave nothing", r07_three_levels, ALL_KINDS },
    { "G14 pools of every kind in tasks of every kind", g14_kinds_in_kinds },
    { "G14 a worker killed at each of three levels: the item is named, all below it ends", g14_killed },
    { "G14 terminate ends what is three levels below", g14_terminated },
    { "M09 a task of a nested pool cannot use the pool above it", m09_outer_pool, ALL_KINDS },
    { 0 },
};

const struct unit_suite unit_nested = { "nested", cases };
