/*
 * misuse.c - every misuse is refused at once, and the text says what, where, and what to do instead.
 *
 * REFUSED checks the return value, errno, pool_error()'s code, that the text begins with the name of the
 * call, and that it holds the words given. After each of them the pool must be as good as before.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

static int add_star(const void *const *args, void *result)
{
    *(long *)result = *(const long *)args[0] + *(const long *)args[1];
    return 0;
}

static int one_item(void *state, void *item)
{
    *(long *)item = 3;
    return ++*(int *)state == 1;
}

static void still_good(struct pool *pool)
{
    long x = 7, out = 0;
    OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
    CHECK_EQ(out, 49);
}

static void open_refused(struct pool_options options, const char *words)
{
    REFUSED_NULL(pool_open(&options), EINVAL, words);
    CHECK(no_children());
}

static void p17_options(void)
{
    open_refused((struct pool_options){ .processes = -1 }, "processes is -1");
    open_refused((struct pool_options){ .processes = INT_MIN }, "processes is -2147483648");
    open_refused((struct pool_options){ .processes = POOL_MAX_PROCESSES + 1 }, "1024");
    open_refused((struct pool_options){ .processes = 1, .maxtasks = -1 }, "maxtasks is -1");
    open_refused((struct pool_options){ .processes = 1, .give_up_after = -1 }, "give_up_after is -1");
    if (unit_kind == POOL_PROCESSES)
        open_refused((struct pool_options){ .processes = 1, .keep_descriptors = (int[]){ 1000000, -1 } },
                     "keep_descriptors: 1000000 is not open");
    else
        REFUSED_NULL(pool_open(&(struct pool_options){ .keep_descriptors = (int[]){ -1 } }), ENOTSUP,
                     "keep_descriptors");
    open_refused((struct pool_options){ .processes = 1, .open_timeout = -1 }, "open_timeout");
    open_refused((struct pool_options){ .processes = 1, .open_timeout = NAN }, "open_timeout");
    open_refused((struct pool_options){ .processes = 1, .grace = -0.5 }, "grace");
    open_refused((struct pool_options){ .processes = 1, .grace = NAN }, "grace");
}

/* 0 is "never"; half a task or a text, as elsewhere, no compiler lets through. */
static void p30_maxtasks(void)
{
    open_refused((struct pool_options){ .processes = 1, .maxtasks = -1 }, "maxtasks is -1");
    open_refused((struct pool_options){ .processes = 1, .maxtasks = LONG_MIN }, "maxtasks is -9223372036854775808");
    static const long never[] = { 0, LONG_MAX };
    for (int k = 0; k < 2; k++) {
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .maxtasks = never[k] });
        OK(pool ? 0 : -1);
        pid_t first = 0, last = 0;
        OK(pool_apply(pool, task_pid, NULL, 0, &first, sizeof first));
        for (int i = 0; i < 100; i++)
            OK(pool_apply(pool, task_pid, NULL, 0, &last, sizeof last));
        CHECK_EQ(last, first);
        end_pool(pool);
    }
}

/* Every call that takes a chunk, with a chunk that makes no sense. */
static void chunk_refused(struct pool *pool, long chunk, const char *words)
{
    struct pool_job_options options = { .chunk = chunk };
    struct pool_column columns[] = { { &(long){ 1 }, sizeof(long) }, { &(long){ 2 }, sizeof(long) } };
    long x = 3;
    int state = 0;
    REFUSED_NULL(pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, &options), EINVAL, words);
    REFUSED_NULL(pool_map_async(pool, task_square, &x, 1, sizeof x, sizeof x, &options), EINVAL, words);
    REFUSED_NULL(pool_map_async(pool, task_square, NULL, 0, sizeof x, sizeof x, &options), EINVAL, words);
    REFUSED_NULL(pool_starmap_async(pool, add_star, columns, 2, 1, sizeof x, &options), EINVAL, words);
    REFUSED_NULL(pool_imap(pool, task_square, one_item, &state, sizeof x, sizeof x, &options), EINVAL, words);
    REFUSED_NULL(pool_imap_unordered(pool, task_square, one_item, &state, sizeof x, sizeof x, &options), EINVAL, words);
    CHECK_EQ(state, 0);
}

static void p43_chunks(void)
{
    struct pool *pool = open_pool(2);
    chunk_refused(pool, -1, "chunk is -1");
    chunk_refused(pool, LONG_MIN, "chunk is -9223372036854775808");
    chunk_refused(pool, LONG_MAX, "chunk is 9223372036854775807");
    still_good(pool);
    end_pool(pool);
}

/* Chunk 0 is the default, and runs every item once: not silently none, as elsewhere. */
static int count_item(const void *arg, void *result)
{
    atomic_fetch_add(&shared->cell[*(const long *)arg], 1);
    return task_square(arg, result);
}

static void p43_chunk_0(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options options = { .chunk = 0 };
    long in[1000], out[1000];
    for (long i = 0; i < 1000; i++)
        in[i] = i;
    struct pool_result *result = pool_map_async(pool, count_item, in, 1000, sizeof *in, sizeof *out, &options);
    OK(pool_result_get(result, out, PATIENCE));
    for (long i = 0; i < 1000; i++)
        REQUIRE(out[i] == i * i && atomic_load(&shared->cell[i]) == 1);
    end_pool(pool);
}

static void p36_ahead(void)
{
    struct pool *pool = open_pool(2);
    struct pool_job_options minus = { .ahead = -1 }, many = { .ahead = LONG_MAX };
    int state = 0;
    REFUSED_NULL(pool_imap(pool, task_square, one_item, &state, 8, 8, &minus), EINVAL, "ahead is -1");
    REFUSED_NULL(pool_imap_unordered(pool, task_square, one_item, &state, 8, 8, &minus), EINVAL, "ahead is -1");
    REFUSED_NULL(pool_imap(pool, task_square, one_item, &state, 8, 8, &many), EINVAL, "ahead");
    still_good(pool);
    end_pool(pool);
}

/* Seconds in every call that takes some: what is no number, negative or next to nothing does not wait, and what is more
 * than any time is for ever. */
static void senseless_times(void)
{
    static const double none[] = { -1, 0, -0.0, 4.9e-324, -4.9e-324, 1e-300, -1e300, NAN, -NAN, -INFINITY };
    static const double very_long[] = { 1e9, 1e18, 1e19, 1e300, INFINITY, POOL_FOREVER };
    struct pool *pool = open_pool(1);
    struct pool_queue *queue = pool_queue_open(pool, 1, sizeof(long));
    struct pool_result *results[1];
    long x = 1;
    int state = 0;
    fill_with_gates(pool, results, 1);
    struct pool_iter *iter = pool_imap(pool, task_square, one_item, &state, sizeof x, sizeof x, NULL);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        REFUSED(pool_result_wait(results[0], none[i]), ETIMEDOUT, "within");
        REFUSED(pool_result_get(results[0], NULL, none[i]), ETIMEDOUT, "within");
        REFUSED(pool_iter_next(iter, &x, none[i]), ETIMEDOUT, "within");
        REFUSED(pool_queue_get(queue, &x, none[i]), ETIMEDOUT, "empty");
        OK(pool_queue_put(queue, &x, none[i]));
        REFUSED(pool_queue_put(queue, &x, none[i]), ETIMEDOUT, "full");
        REFUSED(pool_queue_join(queue, none[i]), ETIMEDOUT, "within");
        OK(pool_queue_get(queue, &x, none[i]));
        OK(pool_queue_task_done(queue));
    }
    gate_open();
    OK(pool_result_wait(results[0], very_long[0]));
    CHECK_EQ(pool_iter_next(iter, &x, very_long[1]), 1);
    for (size_t i = 0; i < sizeof very_long / sizeof *very_long; i++) {
        struct pool_result *result = pool_apply_async(pool, task_pid, NULL, 0, sizeof(pid_t), NULL);
        OK(pool_result_get(result, NULL, very_long[i]));
        OK(pool_queue_put(queue, &x, very_long[i]));
        OK(pool_queue_get(queue, &x, very_long[i]));
        OK(pool_queue_task_done(queue));
        OK(pool_queue_join(queue, very_long[i]));
    }
    OK(pool_close(pool));
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (pool_join(pool, none[i]) == 0)
            break;
        else
            CHECK_EQ(errno, ETIMEDOUT);
    OK(pool_join(pool, very_long[3]));
    pool_free(pool);
    for (size_t i = 0; i < sizeof very_long / sizeof *very_long; i++) {
        pool = pool_open(&(struct pool_options){ .processes = 1, .open_timeout = very_long[i] });
        OK(pool ? 0 : -1);
        pool_free(pool);
    }
    struct pool_options most = { .processes = 1, .grace = 1e6 }, more = { .processes = 1, .grace = 1e300 };
    pool = pool_open(&most);
    OK(pool ? 0 : -1);
    pool_free(pool);
    REFUSED_NULL(pool_open(&more), EINVAL, "grace is 1e+300");
}

static void null_base(void)
{
    struct pool *pool = open_pool(2);
    long x = 3, out;
    struct pool_column columns[] = { { &x, sizeof x }, { NULL, sizeof x } };
    int state = 0;
    REFUSED(pool_apply(pool, task_square, NULL, 8, &out, 8), EINVAL, "NULL");
    REFUSED(pool_map(pool, task_square, NULL, 5, 8, &out, 8), EINVAL, "NULL");
    REFUSED_NULL(pool_apply_async(pool, task_square, NULL, 8, 8, NULL), EINVAL, "NULL");
    REFUSED_NULL(pool_map_async(pool, task_square, NULL, 5, 8, 8, NULL), EINVAL, "NULL");
    REFUSED(pool_starmap(pool, add_star, columns, 2, 1, &out, 8), EINVAL, "column 1");
    REFUSED_NULL(pool_starmap_async(pool, add_star, NULL, 2, 1, 8, NULL), EINVAL, "NULL");
    REFUSED_NULL(pool_imap(pool, task_square, NULL, &state, 8, 8, NULL), EINVAL, "source");
    still_good(pool);
    end_pool(pool);
}

static void null_task(void)
{
    struct pool *pool = open_pool(1);
    struct pool_column column = { &(long){ 1 }, sizeof(long) };
    long x = 3, out;
    int state = 0;
    REFUSED(pool_apply(pool, NULL, &x, 8, &out, 8), EINVAL, "task");
    REFUSED(pool_map(pool, NULL, &x, 1, 8, &out, 8), EINVAL, "task");
    REFUSED(pool_starmap(pool, NULL, &column, 1, 1, &out, 8), EINVAL, "task");
    REFUSED_NULL(pool_apply_async(pool, NULL, &x, 8, 8, NULL), EINVAL, "task");
    REFUSED_NULL(pool_map_async(pool, NULL, &x, 1, 8, 8, NULL), EINVAL, "task");
    REFUSED_NULL(pool_starmap_async(pool, NULL, &column, 1, 1, 8, NULL), EINVAL, "task");
    REFUSED_NULL(pool_imap(pool, NULL, one_item, &state, 8, 8, NULL), EINVAL, "task");
    REFUSED_NULL(pool_imap_unordered(pool, NULL, one_item, &state, 8, 8, NULL), EINVAL, "task");
    still_good(pool);
    end_pool(pool);
}

static int star_square(const void *const *args, void *result)
{
    return task_square(args[0], result);
}

static void null_pool(void)
{
    long x = 3, out;
    int state = 0;
    struct pool_column column = { &x, 8 };
    REFUSED(pool_processes(NULL), EINVAL, "NULL");
    REFUSED(pool_apply(NULL, task_square, &x, 8, &out, 8), EINVAL, "NULL");
    REFUSED(pool_map(NULL, task_square, &x, 1, 8, &out, 8), EINVAL, "NULL");
    REFUSED(pool_starmap(NULL, star_square, &column, 1, 1, &out, 8), EINVAL, "NULL");
    REFUSED_NULL(pool_apply_async(NULL, task_square, &x, 8, 8, NULL), EINVAL, "NULL");
    REFUSED_NULL(pool_map_async(NULL, task_square, &x, 1, 8, 8, NULL), EINVAL, "NULL");
    REFUSED_NULL(pool_starmap_async(NULL, star_square, &column, 1, 1, 8, NULL), EINVAL, "NULL");
    REFUSED_NULL(pool_imap(NULL, task_square, one_item, &state, 8, 8, NULL), EINVAL, "NULL");
    REFUSED_NULL(pool_imap_unordered(NULL, task_square, one_item, &state, 8, 8, NULL), EINVAL, "NULL");
    REFUSED_NULL(pool_queue_open(NULL, 1, 8), EINVAL, "NULL");
    REFUSED(pool_close(NULL), EINVAL, "NULL");
    REFUSED(pool_terminate(NULL), EINVAL, "NULL");
    REFUSED(pool_join(NULL, 1), EINVAL, "NULL");
    REFUSED(pool_workers(NULL, NULL, 0), EINVAL, "NULL");
    REFUSED(pool_poll(NULL), EINVAL, "NULL");
    REFUSED(pool_descriptor(NULL), EINVAL, "NULL");
    pool_free(NULL);
    pool_interrupt(NULL);
}

static void null_handles(void)
{
    struct pool_progress progress;
    struct pool_error error;
    size_t size = 7;
    long out;
    REFUSED(pool_result_wait(NULL, 1), EINVAL, "NULL");
    REFUSED(pool_result_get(NULL, &out, 1), EINVAL, "NULL");
    REFUSED(pool_result_cancel(NULL), EINVAL, "NULL");
    REFUSED(pool_result_progress(NULL, &progress), EINVAL, "NULL");
    REFUSED(pool_result_successful(NULL), EINVAL, "NULL");
    REFUSED(pool_result_failure(NULL, 0, &error), EINVAL, "NULL");
    REFUSED_NULL(pool_result_at(NULL, 0), EINVAL, "NULL");
    REFUSED_NULL(pool_result_reply(NULL, 0, &size), EINVAL, "NULL");
    CHECK(!pool_result_ready(NULL) && pool_result_count(NULL) == 0);
    REFUSED(pool_iter_next(NULL, &out, 1), EINVAL, "NULL");
    CHECK(pool_iter_reply(NULL, &size) == NULL && size == 0 && pool_iter_index(NULL) == 0);
    REFUSED(pool_queue_put(NULL, &out, 1), EINVAL, "NULL");
    REFUSED(pool_queue_get(NULL, &out, 1), EINVAL, "NULL");
    REFUSED(pool_queue_join(NULL, 1), EINVAL, "NULL");
    REFUSED(pool_queue_task_done(NULL), EINVAL, "NULL");
    REFUSED(pool_queue_close(NULL), EINVAL, "NULL");
    CHECK_EQ(pool_queue_size(NULL), 0);
    pool_result_free(NULL);
    pool_iter_close(NULL);
}

/* NULL for what a call would fill in. */
static void null_places(void)
{
    long in[] = { 1, 2 };
    int state = 0;
    struct pool *pool = open_pool(2);
    CHECK_EQ(pool_workers(pool, NULL, 5), unit_kind == POOL_INLINE ? 1 : 2);
    OK(pool_apply(pool, task_square, in, 8, NULL, 8));
    OK(pool_map(pool, task_square, in, 2, 8, NULL, 8));
    struct pool_result *result = pool_map_async(pool, task_odd_fails, in, 2, 8, 8, NULL);
    CHECK_EQ(pool_result_get(result, NULL, PATIENCE), -1);
    CHECK_EQ(pool_result_failure(result, 0, NULL), 1);
    CHECK_EQ(pool_result_failure(result, 1, NULL), 0);
    CHECK(pool_result_reply(result, 0, NULL) != NULL);
    REFUSED(pool_result_progress(result, NULL), EINVAL, "progress is NULL");
    errno = 0;
    CHECK(pool_result_reply(result, 1, NULL) == NULL && errno == 0); /* there is none, which is no error */
    struct pool_iter *iter = pool_imap(pool, task_square, one_item, &state, 8, 8, NULL);
    CHECK_EQ(pool_iter_index(iter), 0);
    CHECK(pool_iter_reply(iter, NULL) == NULL);
    CHECK_EQ(pool_iter_next(iter, NULL, PATIENCE), 1);
    CHECK(pool_iter_reply(iter, NULL) == NULL);
    end_pool(pool);
}

static void too_much(void)
{
    static const size_t counts[] = { SIZE_MAX, SIZE_MAX / 8, SIZE_MAX / 8 + 2, (size_t)1 << 61, (size_t)1 << 40 };
    struct pool *pool = open_pool(1);
    long x[2] = { 1, 2 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        CHECK(pool_map(pool, task_square, x, counts[i], 8, x, 8) == -1 && (errno == EINVAL || errno == ENOMEM));
        CHECK_TEXT(pool_error()->text, "pool_map: ");
        CHECK(pool_map(pool, task_square, x, 8, counts[i], x, 8) == -1 && (errno == EINVAL || errno == ENOMEM));
        CHECK(pool_apply(pool, task_square, x, 8, x, counts[i]) == -1 && (errno == EINVAL || errno == ENOMEM));
        CHECK_TEXT(pool_error()->text, "pool_apply: ");
    }
    still_good(pool);
    end_pool(pool);
}

static void t10_join_before_close(void)
{
    struct pool *pool = open_pool(1);
    REFUSED(pool_join(pool, 1), EBUSY, "pool_join: the pool is still open; call pool_close or pool_terminate first");
    REFUSED(pool_join(pool, POOL_FOREVER), EBUSY, "call pool_close or pool_terminate first");
    still_good(pool);
    end_pool(pool);
}

/* The pool takes nothing more; `words` is why. */
static void all_refused(struct pool *pool, const char *words)
{
    struct pool_column column = { &(long){ 1 }, sizeof(long) };
    long x = 3, out = 5;
    int state = 0;
    REFUSED(pool_apply(pool, task_square, &x, 8, &out, 8), ESHUTDOWN, words);
    REFUSED(pool_map(pool, task_square, &x, 1, 8, &out, 8), ESHUTDOWN, words);
    REFUSED(pool_starmap(pool, add_star, &column, 1, 1, &out, 8), ESHUTDOWN, words);
    REFUSED_NULL(pool_apply_async(pool, task_square, &x, 8, 8, NULL), ESHUTDOWN, words);
    REFUSED_NULL(pool_map_async(pool, task_square, &x, 1, 8, 8, NULL), ESHUTDOWN, words);
    REFUSED_NULL(pool_starmap_async(pool, add_star, &column, 1, 1, 8, NULL), ESHUTDOWN, words);
    REFUSED_NULL(pool_imap(pool, task_square, one_item, &state, 8, 8, NULL), ESHUTDOWN, words);
    REFUSED_NULL(pool_imap_unordered(pool, task_square, one_item, &state, 8, 8, NULL), ESHUTDOWN, words);
    CHECK(out == 5 && state == 0);
}

/* Arguments that cannot be read at first: whoever copies them comes into a handler. */
static struct pool *copying_for;
static char *unreadable;
enum { UNREADABLE = 1 << 16 };

static void close_while_copying(int number)
{
    (void)number;
    OK(pool_close(copying_for));
    mprotect(unreadable, UNREADABLE, PROT_READ | PROT_WRITE);
}

static void closed_while_copying(void)
{
    unreadable = mmap(NULL, UNREADABLE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    copying_for = open_pool(1);
    signal(SIGSEGV, close_while_copying);
    REFUSED_NULL(pool_map_async(copying_for, task_square, unreadable, UNREADABLE / sizeof(long), sizeof(long),
                                sizeof(long), NULL),
                 ESHUTDOWN, "closed");
    end_pool(copying_for);
}

static void p19_after_the_end(void)
{
    struct pool *pool = open_pool(1);
    OK(pool_close(pool));
    all_refused(pool, "closed");
    OK(pool_join(pool, PATIENCE));
    all_refused(pool, "closed");
    pool_free(pool);
    pool = open_pool(1);
    OK(pool_terminate(pool));
    all_refused(pool, "terminated");
    OK(pool_join(pool, PATIENCE));
    all_refused(pool, "terminated");
    pool_free(pool);
}

static void p20_joined(void)
{
    struct pool *pool = open_pool(3);
    long x = 3, out = 0;
    struct pool_result *result = pool_apply_async(pool, task_square, &x, 8, 8, NULL);
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    OK(pool_close(pool));
    OK(pool_terminate(pool));
    OK(pool_join(pool, 0));
    pool_interrupt(pool);
    CHECK(pool_result_ready(result));
    OK(pool_result_get(result, &out, 0));
    CHECK_EQ(out, 9);
    pool_free(pool);
}

static void full_ring(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *first;
    struct pool_job_options options = { .nowait = true };
    pid_t pid = 0;
    fill_with_gates(pool, &first, 1);
    int count = 0;
    while (count < 4000000 && pool_apply_async(pool, task_pid, NULL, 0, sizeof pid, &options))
        count++;
    CHECK(count > 1000 && count < 4000000);
    REFUSED_NULL(pool_apply_async(pool, task_pid, NULL, 0, sizeof pid, &options), EAGAIN, "full");
    REFUSED_NULL(pool_map_async(pool, task_pid, NULL, 9, 0, sizeof pid, &options), EAGAIN, "full");
    gate_open();
    OK(pool_apply(pool, task_pid, NULL, 0, &pid, sizeof pid)); /* waits until there is room, and behind all others */
    CHECK(pool_result_ready(first) && pid > 0);
    CHECK(pool_apply_async(pool, task_pid, NULL, 0, sizeof pid, &options) != NULL);
    end_pool(pool);
}

/* In a child of the program the pool is not there, and saying so must not harm it for the parent. */
static struct pool *the_pool;
static struct pool_result *the_result;
static struct pool_iter *the_iter;

static void use_in_child(void)
{
    long x = 3, out;
    int state = 0;
    struct pool_error error;
    const char *words = "did not open the pool";
    REFUSED(pool_apply(the_pool, task_square, &x, 8, &out, 8), EINVAL, words);
    REFUSED(pool_map(the_pool, task_square, &x, 1, 8, &out, 8), EINVAL, words);
    REFUSED_NULL(pool_apply_async(the_pool, task_square, &x, 8, 8, NULL), EINVAL, words);
    REFUSED_NULL(pool_map_async(the_pool, task_square, &x, 1, 8, 8, NULL), EINVAL, words);
    REFUSED_NULL(pool_imap(the_pool, task_square, one_item, &state, 8, 8, NULL), EINVAL, words);
    REFUSED(pool_result_wait(the_result, 1), EINVAL, words);
    REFUSED(pool_result_get(the_result, &out, 1), EINVAL, words);
    REFUSED_NULL(pool_result_at(the_result, 0), EINVAL, words);
    REFUSED_NULL(pool_result_reply(the_result, 0, NULL), EINVAL, words);
    REFUSED(pool_result_failure(the_result, 0, &error), EINVAL, words);
    REFUSED(pool_result_successful(the_result), EINVAL, words);
    REFUSED(pool_iter_next(the_iter, &out, 1), EINVAL, words);
    REFUSED(pool_close(the_pool), EINVAL, words);
    REFUSED(pool_terminate(the_pool), EINVAL, words);
    REFUSED(pool_join(the_pool, 1), EINVAL, words);
    CHECK(!pool_result_ready(the_result));
    CHECK_EQ(state, 0);
    pool_interrupt(the_pool);
    pool_result_free(the_result);
    pool_iter_close(the_iter);
    pool_free(the_pool);
    atomic_store(&shared->mark, 1);
}

static void child_of_the_program(void)
{
    int state = 0;
    long x = 5, out;
    the_pool = open_pool(2);
    the_result = pool_apply_async(the_pool, task_square, &x, sizeof x, sizeof out, NULL);
    the_iter = pool_imap(the_pool, task_square, one_item, &state, 8, 8, NULL);
    CHECK_EQ(program_wait(program_start(use_in_child)), 0);
    CHECK_EQ(atomic_load(&shared->mark), 1);
    OK(pool_result_get(the_result, &out, PATIENCE));
    CHECK_EQ(out, 25);
    CHECK_EQ(pool_iter_next(the_iter, &out, PATIENCE), 1);
    CHECK_EQ(out, 9);
    still_good(the_pool);
    CHECK_EQ(worker_count(), unit_kind == POOL_INLINE ? 0 : 2);
    end_pool(the_pool);
}

static void own_pool(void)
{
    still_good(the_pool = open_pool(2));
    end_pool(the_pool);
}

static void child_with_its_own(void)
{
    struct pool *pool = open_pool(1);
    CHECK_EQ(program_wait(program_start(own_pool)), 0);
    still_good(pool);
    end_pool(pool);
}

/* A task gets the pointer as its argument: it could not know it otherwise. */
static int use_in_task(const void *arg, void *result)
{
    struct pool *pool = *(struct pool *const *)arg;
    long x = 3, out;
    (void)result;
    REFUSED(pool_apply(pool, task_square, &x, 8, &out, 8), EINVAL, "a task cannot use the pool");
    REFUSED(pool_map(pool, task_square, &x, 1, 8, &out, 8), EINVAL, "a task cannot use the pool");
    REFUSED_NULL(pool_apply_async(pool, task_square, &x, 8, 8, NULL), EINVAL, "a task cannot use the pool");
    REFUSED(pool_close(pool), EINVAL, "a task cannot use the pool");
    REFUSED(pool_terminate(pool), EINVAL, "a task cannot use the pool");
    REFUSED(pool_join(pool, 1), EINVAL, "a task cannot use the pool");
    if (unit_kind == POOL_PROCESSES)
        pool_interrupt(pool); /* elsewhere it is the program that calls it, and may */
    pool_free(pool);
    atomic_fetch_add(&shared->mark, 1);
    return 0;
}

static void inside_a_task(void)
{
    struct pool *pool = open_pool(2);
    OK(pool_apply(pool, use_in_task, &pool, sizeof pool, NULL, 0));
    CHECK_EQ(atomic_load(&shared->mark), 1);
    still_good(pool);
    end_pool(pool);
}

static int nested_pool(const void *arg, void *result)
{
    long in[] = { 1, 2, *(const long *)arg }, out[3];
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2 });
    if (!pool || pool_map(pool, task_square, in, 3, sizeof *in, out, sizeof *out) != 0)
        return pool_fail("inside: %s", pool_error()->text);
    *(long *)result = out[0] + out[1] + out[2];
    if (pool_close(pool) != 0 || pool_join(pool, PATIENCE) != 0)
        return pool_fail("inside: %s", pool_error()->text);
    pool_free(pool);
    return 0;
}

static void nested(void)
{
    struct pool *pool = open_pool(2);
    long in[] = { 3, 4, 5, 6 }, out[4];
    OK(pool_map(pool, nested_pool, in, 4, sizeof *in, out, sizeof *out));
    CHECK(out[0] == 14 && out[1] == 21 && out[2] == 30 && out[3] == 41);
    end_pool(pool);
}

static void only_processes_can(void)
{
    struct host before;
    host_look(&before);
    REFUSED_NULL(pool_open(&(struct pool_options){ .processes = 2, .maxtasks = 5 }), ENOTSUP, "maxtasks");
    REFUSED_NULL(pool_open(&(struct pool_options){ .processes = 2, .start = POOL_SPAWN }), EINVAL, "POOL_SPAWN");
    UNCHANGED(&before);
}

static void outside_a_task(void)
{
    errno = 0;
    CHECK(pool_reply(10) == NULL && errno == EINVAL);
    CHECK_TEXT(pool_error()->text, "pool_reply: ");
    CHECK(pool_reply_text("nobody hears %s", "this") == -1);
    CHECK_EQ(pool_fail("nor %s", "that"), -1);
    CHECK_TEXT(pool_worker_name(), "MainProcess");
}

static const struct unit_case cases[] = {
    { "P17 options that make no sense are refused, with words", p17_options, TWINS },
    { "P30 maxtasks: negative is refused, 0 is never, the largest is never", p30_maxtasks },
    { "P43 a chunk that is negative or absurd is refused by every call", p43_chunks, ALL_KINDS },
    { "P43 chunk 0 is the default and runs every item once", p43_chunk_0, ALL_KINDS },
    { "P36 a negative or absurd ahead is refused", p36_ahead, ALL_KINDS },
    { "P07 NULL where there should be items is refused", null_base, ALL_KINDS },
    { "M01 NULL for a task is refused", null_task, ALL_KINDS },
    { "M02 NULL for a pool or a handle is refused, and freed without harm", null_pool, ALL_KINDS },
    { "M02 so is NULL for a result, a stream or a queue; what only asks says no or 0", null_handles },
    { "M02 NULL for what would be filled in is fine", null_places, ALL_KINDS },
    { "M03 sizes that overflow or cannot be are refused", too_much, ALL_KINDS },
    { "T10 join of an open pool is refused with what to do", t10_join_before_close, ALL_KINDS },
    { "P19 a closed, terminated or joined pool takes no more work", p19_after_the_end, ALL_KINDS },
    { "P19 a pool that is closed while a job's arguments are copied takes it no more", closed_while_copying, TWINS },
    { "P20 a joined pool can be closed, terminated and joined again, and its results read", p20_joined, ALL_KINDS },
    { "M04 a full ring says EAGAIN if asked not to wait, else waits", full_ring, TWINS },
    { "M05 a pool used in a child of the program is refused, and unharmed", child_of_the_program, ALL_KINDS },
    { "M06 a child of the program may open a pool of its own", child_with_its_own, ALL_KINDS },
    { "M07 a pool used in its own task is refused, and unharmed", inside_a_task, ALL_KINDS },
    { "G14 a task may open a pool of its own", nested, ALL_KINDS },
    { "M10 what only processes can do is refused to the others", only_processes_can, THREADS | INLINE },
    { "M08 what belongs into a task is refused outside", outside_a_task, ALL_KINDS },
    { "seconds that are no number, negative, next to nothing, or more than any time", senseless_times },
    { 0 },
};

const struct unit_suite unit_misuse = { "misuse", cases };
