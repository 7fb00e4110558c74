/*
 * maps.c - apply, map and starmap, waited for or not: the right values, in the right order, for every chunk.
 */
#include "unit.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    long a, b;
};

static int add_pair(const void *arg, void *result)
{
    const struct pair *pair = arg;
    *(long *)result = pair->a + pair->b;
    return 0;
}

static void fill(long *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        in[i] = (long)i;
}

static void check_squares(const long *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!CHECK_EQ(out[i], (long)(i * i)))
            return;
}

static void p01_apply(void)
{
    struct pool *pool = open_pool(2);
    long x = 5, out = 0;
    struct pair pair = { 20, 22 };
    OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
    CHECK_EQ(out, 25);
    OK(pool_apply(pool, add_pair, &pair, sizeof pair, &out, sizeof out));
    CHECK_EQ(out, 42);
    end_pool(pool);
}

static int count_run(const void *arg, void *result)
{
    (void)arg, (void)result;
    atomic_fetch_add(&shared->runs, 1);
    return 0;
}

static void p01_nothing(void)
{
    struct pool *pool = open_pool(2);
    pid_t pid = 0;
    OK(pool_apply(pool, task_pid, NULL, 0, &pid, sizeof pid));
    CHECK(pid > 0 && (pid == getpid()) == (unit_kind != POOL_PROCESSES));
    OK(pool_apply(pool, count_run, NULL, 0, NULL, 0));
    OK(pool_map(pool, count_run, NULL, 10, 0, NULL, 0));
    CHECK_EQ(atomic_load(&shared->runs), 11);
    end_pool(pool);
}

static void p02_map(void)
{
    static const long chunks[] = { 0, 1, 3, 7, 20, 99, 100, 101, 1000 };
    struct pool *pool = open_pool(3);
    long in[100], out[100];
    fill(in, 100);
    OK(pool_map(pool, task_square, in, 10, sizeof *in, out, sizeof *out));
    check_squares(out, 10);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct pool_job_options options = { .chunk = chunks[i] };
        struct pool_result *result = pool_map_async(pool, task_square, in, 100, sizeof *in, sizeof *out, &options);
        OK(result ? 0 : -1);
        memset(out, 0xee, sizeof out);
        OK(pool_result_get(result, out, PATIENCE));
        check_squares(out, 100);
    }
    end_pool(pool);
}

/* An argument that the compiler would not align for a long: the task copies it out. */
static int sum_bytes(const void *arg, void *result)
{
    const unsigned char *bytes = arg;
    unsigned char *out = result;
    out[0] = bytes[0] + bytes[1] + bytes[2];
    out[1] = 1;
    out[2] = bytes[2];
    out[3] = out[4] = 4;
    return 0;
}

static void p02_odd_widths(void)
{
    struct pool *pool = open_pool(2);
    unsigned char in[1001][3], out[1001][5];
    for (int i = 0; i < 1001; i++)
        in[i][0] = (unsigned char)i, in[i][1] = 1, in[i][2] = (unsigned char)(i / 256);
    OK(pool_map(pool, sum_bytes, in, 1001, sizeof *in, out, sizeof *out));
    for (int i = 0; i < 1001; i++)
        REQUIRE(out[i][0] == (unsigned char)(i + 1 + i / 256) && out[i][2] == i / 256 && out[i][4] == 4);
    end_pool(pool);
}

static void p02_large(void)
{
    size_t count = (size_t)unit_rounds(1000000);
    long *in = malloc(count * sizeof *in), *out = malloc(count * sizeof *out);
    REQUIRE(in && out);
    fill(in, count);
    struct pool *pool = open_pool(2);
    OK(pool_map(pool, task_square, in, count, sizeof *in, out, sizeof *out));
    check_squares(out, count);
    end_pool(pool);
    free(in);
    free(out);
}

/* An argument and a result lie as their type wants it, for every type whose width says it could want so much. */
struct wide {
    _Alignas(16) long values[2];
};

static int check_alignment(const void *arg, void *result)
{
    return (uintptr_t)arg % 8 || (uintptr_t)result % 16 ? pool_fail("%p and %p", arg, result) : 0;
}

static int check_alignment_16(const void *arg, void *result)
{
    return (uintptr_t)arg % 16 || (uintptr_t)result % 8 ? pool_fail("%p and %p", arg, result) : 0;
}

static void p01_alignment(void)
{
    struct pool *pool = open_pool(2);
    long narrow[7] = { 0 };
    struct wide wide[7] = { { { 0 } } };
    for (size_t count = 1; count <= 7; count++) {
        OK(pool_map(pool, check_alignment, narrow, count, sizeof *narrow, wide, sizeof *wide));
        OK(pool_map(pool, check_alignment_16, wide, count, sizeof *wide, narrow, sizeof *narrow));
    }
    OK(pool_apply(pool, check_alignment, narrow, sizeof *narrow, wide, sizeof *wide));
    OK(pool_apply(pool, check_alignment_16, wide, sizeof *wide, narrow, sizeof *narrow));
    OK(pool_apply(pool, check_alignment, narrow, 3 * sizeof *narrow, wide, sizeof *wide));
    end_pool(pool);
}

/* The chunk is the unit that is handed out: two tasks of one chunk cannot run side by side, of two chunks they can. */
static int meet_other(const void *arg, void *result)
{
    (void)arg, (void)result;
    atomic_fetch_add(&shared->arrived, 1);
    while (atomic_load(&shared->arrived) < 2 && !atomic_load(&shared->gate))
        unit_sleep(0.0005);
    return atomic_load(&shared->arrived) < 2;
}

static void p02_chunks_are_units(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options one = { .chunk = 1 }, two = { .chunk = 2 };
    struct pool_result *result = pool_map_async(pool, meet_other, NULL, 2, 0, 0, &one);
    OK(pool_result_get(result, NULL, PATIENCE));
    atomic_store(&shared->arrived, 0);
    result = pool_map_async(pool, meet_other, NULL, 2, 0, 0, &two);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    CHECK(pool_result_wait(result, 0.1) == -1 && errno == ETIMEDOUT);
    gate_open();
    FAILED(pool_result_get(result, NULL, PATIENCE), EREMOTEIO, 0);
    end_pool(pool);
}

static int add_star(const void *const *args, void *result)
{
    *(long *)result = *(const long *)args[0] + *(const long *)args[1];
    return 0;
}

static void p03_starmap(void)
{
    struct pool *pool = open_pool(2);
    long a[100], b[100], out[100];
    for (long i = 0; i < 100; i++)
        a[i] = i, b[i] = 1000 * i;
    struct pool_column columns[] = { { a, sizeof *a }, { b, sizeof *b } };
    OK(pool_starmap(pool, add_star, columns, 2, 100, out, sizeof *out));
    for (long i = 0; i < 100; i++)
        CHECK_EQ(out[i], 1001 * i);
    end_pool(pool);
}

static void p04_starmap_async(void)
{
    static const long chunks[] = { 0, 1, 20, 100, 1000 };
    struct pool *pool = open_pool(2);
    long a[100], b[100], out[100];
    struct pool_column columns[] = { { a, sizeof *a }, { b, sizeof *b } };
    for (long i = 0; i < 100; i++)
        a[i] = i, b[i] = -2 * i;
    for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
        struct pool_job_options options = { .chunk = chunks[k] };
        struct pool_result *result = pool_starmap_async(pool, add_star, columns, 2, 100, sizeof *out, &options);
        OK(result ? 0 : -1);
        OK(pool_result_get(result, out, PATIENCE));
        for (long i = 0; i < 100; i++)
            CHECK_EQ(out[i], -i);
    }
    end_pool(pool);
}

struct record {
    char letter;
    int32_t number;
    int64_t big;
};

/* Reads each argument as what it is, and fails where it does not lie as that wants it. */
static int join_columns(const void *const *args, void *result)
{
    uintptr_t number = (uintptr_t)args[1], big = (uintptr_t)args[2];
    if (number % _Alignof(int32_t) || big % _Alignof(int64_t))
        return pool_fail("a column is not aligned");
    *(struct record *)result =
        (struct record){ *(const char *)args[0], *(const int32_t *)args[1], *(const int64_t *)args[2] };
    return 0;
}

static void p03_three_widths(void)
{
    struct pool *pool = open_pool(3);
    char letters[37];
    int32_t numbers[37];
    int64_t bigs[37];
    struct record out[37];
    for (int i = 0; i < 37; i++)
        letters[i] = (char)('A' + i), numbers[i] = -i, bigs[i] = INT64_MAX - i;
    struct pool_column columns[] = { { letters, 1 }, { numbers, 4 }, { bigs, 8 } };
    OK(pool_starmap(pool, join_columns, columns, 3, 37, out, sizeof *out));
    for (int i = 0; i < 37; i++)
        CHECK(out[i].letter == 'A' + i && out[i].number == -i && out[i].big == INT64_MAX - i);
    end_pool(pool);
}

static void p05_map_async(void)
{
    struct pool *pool = open_pool(2);
    long in[100], out[100] = { 0 };
    fill(in, 100);
    struct pool_result *result = pool_map_async(pool, task_square, in, 100, sizeof *in, sizeof *out, NULL);
    OK(result ? 0 : -1);
    memset(in, 0, sizeof in); /* what was handed over is copied */
    CHECK_EQ((long)pool_result_count(result), 100);
    OK(pool_result_wait(result, PATIENCE));
    CHECK(pool_result_ready(result));
    CHECK_EQ(pool_result_successful(result), 1);
    OK(pool_result_get(result, NULL, 0));
    OK(pool_result_get(result, out, 0));
    check_squares(out, 100);
    for (size_t i = 0; i < 100; i++) {
        const long *there = pool_result_at(result, i);
        CHECK(there && *there == (long)(i * i));
    }
    pool_result_free(result);
    end_pool(pool);
}

static void p08_nothing(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .chunk = 1 };
    struct pool_result *result = pool_map_async(pool, task_square, NULL, 0, sizeof(long), sizeof(long), &options);
    OK(result ? 0 : -1);
    CHECK(pool_result_ready(result));
    CHECK_EQ(pool_result_successful(result), 1);
    CHECK_EQ((long)pool_result_count(result), 0);
    end_pool(pool);
}

static int no_items(void *state, void *item)
{
    (void)state, (void)item;
    return 0;
}

static void p09_nothing(void)
{
    struct pool *pool = open_pool(2);
    long in = 1, out = 7;
    OK(pool_map(pool, task_square, &in, 0, sizeof in, &out, sizeof out));
    OK(pool_starmap(pool, add_star, (struct pool_column[]){ { &in, 8 }, { &in, 8 } }, 2, 0, &out, sizeof out));
    struct pool_result *result = pool_map_async(pool, task_square, NULL, 0, sizeof in, sizeof out, NULL);
    OK(pool_result_get(result, &out, PATIENCE));
    struct pool_iter *iter = pool_imap(pool, task_square, no_items, NULL, sizeof in, sizeof out, NULL);
    CHECK_EQ(pool_iter_next(iter, &out, PATIENCE), 0);
    iter = pool_imap_unordered(pool, task_square, no_items, NULL, sizeof in, sizeof out, NULL);
    CHECK_EQ(pool_iter_next(iter, &out, PATIENCE), 0);
    CHECK_EQ(pool_iter_next(iter, &out, PATIENCE), 0);
    CHECK_EQ(out, 7);
    end_pool(pool);
}

static void p11_get_waits(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *result;
    pid_t pid = 0;
    fill_with_gates(pool, &result, 1);
    CHECK(!pool_result_ready(result));
    REFUSED(pool_result_successful(result), EAGAIN, "not done");
    gate_open();
    OK(pool_result_get(result, &pid, PATIENCE));
    CHECK_EQ(pid, atomic_load(&shared->pid[0]));
    end_pool(pool);
}

static void p12_timeout(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *result;
    fill_with_gates(pool, &result, 1);
    double before = unit_now();
    REFUSED(pool_result_get(result, NULL, 0.05), ETIMEDOUT, "0.05");
    CHECK(unit_now() - before >= 0.05); /* never early; how late is nobody's business */
    REFUSED(pool_result_wait(result, 0.01), ETIMEDOUT, "");
    REFUSED(pool_result_get(result, NULL, 0), ETIMEDOUT, "");
    REFUSED(pool_result_get(result, NULL, -1), ETIMEDOUT, "");
    REFUSED(pool_result_wait(result, -POOL_FOREVER), ETIMEDOUT, "");
    terminate_busy_pool(pool);
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

/* With a cap of 16 MiB a thousand maps of 1 MiB only fit if each gives back what it took. */
static void p24_memory(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = (size_t)16 << 20 });
    OK(pool ? 0 : -1);
    static long in[65536], out[65536];
    fill(in, 65536);
    for (int i = 0; i < unit_rounds(1000); i++) {
        OK(pool_map(pool, task_square, in, 65536, sizeof *in, out, sizeof *out));
        struct pool_result *result = pool_map_async(pool, task_square, in, 65536, sizeof *in, sizeof *out, NULL);
        OK(result ? 0 : -1);
        pool_result_free(result); /* before it is done: its memory comes back later */
    }
    check_squares(out, 65536);
    end_pool(pool);
}

static void p24_bookkeeping(void)
{
    struct pool *pool = open_pool(2);
    long x = 3, out;
    size_t before = 0;
    for (int i = 0; i < unit_rounds(30000); i++) {
        struct pool_result *result = pool_apply_async(pool, task_square, &x, sizeof x, sizeof out, NULL);
        OK(pool_result_get(result, &out, PATIENCE));
        pool_result_free(result);
        if (i == 2)
            before = mallinfo2().uordblks;
    }
    CHECK(mallinfo2().uordblks <= before + 4096);
    end_pool(pool);
}

static const struct unit_case cases[] = {
    { "P01 apply gives the task's result", p01_apply, ALL_KINDS },
    { "P01 apply without argument, without result, with neither", p01_nothing, ALL_KINDS },
    { "P01 arguments and results are aligned for their types", p01_alignment, ALL_KINDS },
    { "P02 map equals the serial result, in order, for every chunk", p02_map, ALL_KINDS },
    { "P02 map of items and results of 3 and 5 bytes", p02_odd_widths, ALL_KINDS },
    { "P02 map of a million items", p02_large, ALL_KINDS },
    { "P02 items of one chunk share a worker, chunks run side by side", p02_chunks_are_units, TWINS },
    { "P03 starmap of two columns", p03_starmap, ALL_KINDS },
    { "P03 starmap of three columns of 1, 4 and 8 bytes, each aligned", p03_three_widths, ALL_KINDS },
    { "P04 starmap_async, for every chunk", p04_starmap_async, ALL_KINDS },
    { "P05 map_async copies its items, and its results can be read twice and in place", p05_map_async, ALL_KINDS },
    { "P08 map_async of nothing is ready at once", p08_nothing, ALL_KINDS },
    { "P09 nothing in gives nothing out, in every call", p09_nothing, ALL_KINDS },
    { "P11 get waits for its task", p11_get_waits, TWINS },
    { "P12 get and wait say ETIMEDOUT, not earlier; then terminate and join work", p12_timeout, TWINS },
    { "P24 arguments and results are given back", p24_memory, ALL_KINDS },
    { "P24 handles are given back", p24_bookkeeping, ALL_KINDS },
    { 0 },
};

const struct unit_suite unit_maps = { "maps", cases };
