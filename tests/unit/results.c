/*
 * results.c - what comes back beside the result of fixed width: replies of any size, failures and their
 * messages; and who waits for it.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20 };

/* Byte i of a reply that was given for a seed. */
static char letter(size_t seed, size_t i)
{
    return (char)(seed * 31 + i * 7 + i / 251);
}

static int reply_of_size(const void *arg, void *result)
{
    size_t size = *(const size_t *)arg;
    char *bytes = pool_reply(size);
    if (!bytes)
        return pool_fail("no memory for a reply of %zu bytes", size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = letter(size, i);
    *(size_t *)result = size;
    return 0;
}

static void check_reply(struct pool_result *result, size_t item, size_t size)
{
    size_t got = (size_t)-1;
    const char *bytes = pool_result_reply(result, item, &got);
    REQUIRE(bytes != NULL);
    CHECK_EQ((long long)got, (long long)size);
    for (size_t i = 0; i < size; i++)
        REQUIRE(bytes[i] == letter(size, i));
    CHECK_EQ(bytes[size], 0);
}

static void reply_sizes(void)
{
    static const size_t sizes[] = { 0, 1, 5000, 3 * MIB, 255, 256, 4095, 4096, 1, 0 };
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct pool *pool = open_pool(2);
    size_t out[COUNT];
    struct pool_job_options each = { .chunk = 1 }, all = { .chunk = COUNT };
    struct pool_job_options *options[] = { NULL, &each, &all };
    for (int k = 0; k < 3; k++) {
        struct pool_result *result =
            pool_map_async(pool, reply_of_size, sizes, COUNT, sizeof *sizes, sizeof *out, options[k]);
        OK(pool_result_get(result, out, PATIENCE));
        for (size_t i = 0; i < COUNT; i++)
            check_reply(result, i, sizes[i]);
        CHECK(pool_result_reply(result, 3, NULL) != NULL); /* the size may be left out */
        CHECK(pool_result_reply(result, COUNT, NULL) == NULL);
    }
    end_pool(pool);
}

/* As after apply: one item, whose reply is gone only with the handle. */
static void reply_of_one(void)
{
    struct pool *pool = open_pool(1);
    size_t size = 5000, out = 0, got = 7;
    struct pool_result *result = pool_apply_async(pool, reply_of_size, &size, sizeof size, sizeof out, NULL);
    OK(pool_result_get(result, &out, PATIENCE));
    check_reply(result, 0, size);
    long x = 2;
    struct pool_result *plain = pool_apply_async(pool, task_square, &x, sizeof x, sizeof x, NULL);
    OK(pool_result_get(plain, &x, PATIENCE));
    CHECK(pool_result_reply(plain, 0, &got) == NULL);
    check_reply(result, 0, size);
    end_pool(pool);
}

static int reply_twice(const void *arg, void *result)
{
    (void)arg, (void)result;
    char *first = pool_reply(100000);
    if (!first)
        return -1;
    memset(first, 'x', 100000);
    return pool_reply_text("%s and %d", "second", 2);
}

static int reply_then_fail(const void *arg, void *result)
{
    (void)arg, (void)result;
    if (!pool_reply(100000))
        return pool_fail("no memory");
    return pool_fail("changed its mind");
}

static int reply_then_return_7(const void *arg, void *result)
{
    (void)arg, (void)result;
    return pool_reply_text("a reply") == 0 ? 7 : -1;
}

static void reply_dropped(void)
{
    struct pool *pool = open_pool(1);
    struct pool_error error;
    size_t size = 0;
    struct pool_result *twice = pool_apply_async(pool, reply_twice, NULL, 0, 0, NULL);
    OK(pool_result_get(twice, NULL, PATIENCE));
    CHECK_TEXT(pool_result_reply(twice, 0, &size), "second and 2");
    CHECK_EQ((long long)size, (long long)strlen("second and 2"));
    struct pool_result *failed = pool_apply_async(pool, reply_then_fail, NULL, 0, 0, NULL);
    FAILED(pool_result_get(failed, NULL, PATIENCE), EREMOTEIO, 0);
    CHECK_TEXT(pool_result_reply(failed, 0, &size), "changed its mind");
    CHECK_EQ((long long)size, (long long)strlen("changed its mind"));
    failed = pool_apply_async(pool, reply_then_return_7, NULL, 0, 0, NULL);
    FAILED(pool_result_get(failed, NULL, PATIENCE), EREMOTEIO, 0);
    CHECK(pool_result_reply(failed, 0, &size) == NULL || size == 0);
    CHECK_EQ(pool_result_failure(failed, 0, &error), 1);
    CHECK_EQ(error.status, 7);
    CHECK_TEXT(error.text, "7");
    end_pool(pool);
}

/* Under a small cap a thousand dropped replies only fit if each drop gives the memory back. */
static void replies_given_back(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 4 * MIB });
    OK(pool ? 0 : -1);
    size_t size = MIB, out;
    for (int i = 0; i < unit_rounds(300); i++) {
        struct pool_result *result = pool_apply_async(pool, reply_of_size, &size, sizeof size, sizeof out, NULL);
        OK(pool_result_get(result, &out, PATIENCE));
        pool_result_free(result);
        OK(pool_apply(pool, reply_twice, NULL, 0, NULL, 0));
        FAILED(pool_apply(pool, reply_then_fail, NULL, 0, NULL, 0), EREMOTEIO, 0);
    }
    end_pool(pool);
}

static void reply_without_memory(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .memory = MIB });
    OK(pool ? 0 : -1);
    size_t sizes[] = { 64 * (size_t)MIB, SIZE_MAX, SIZE_MAX / 2, 1000 }, out[4];
    FAILED(pool_map(pool, reply_of_size, sizes, 4, sizeof *sizes, out, sizeof *out), EREMOTEIO, 0);
    CHECK_EQ((long long)pool_error()->failures, 3);
    CHECK_TEXT(pool_error()->text, "no memory for a reply of 67108864 bytes");
    CHECK_EQ((long long)out[3], 1000);
    end_pool(pool);
}

static void arguments_without_memory(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .memory = MIB });
    OK(pool ? 0 : -1);
    static char big[16 * MIB];
    long x = 6, out = 0;
    REFUSED(pool_apply(pool, task_pid, big, sizeof big, &out, sizeof out), ENOMEM, "memory");
    REFUSED(pool_map(pool, task_pid, big, 16 * MIB, 1, NULL, 0), ENOMEM, "memory");
    REFUSED_NULL(pool_apply_async(pool, task_pid, NULL, 0, (size_t)1 << 40, NULL), ENOMEM, "memory");
    OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
    CHECK_EQ(out, 36);
    end_pool(pool);
}

static int fail_at_length(const void *arg, void *result)
{
    (void)result;
    size_t size = *(const size_t *)arg;
    char *text = malloc(size + 1);
    if (!text)
        return -1;
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 26);
    text[size] = '\0';
    int code = pool_fail("%s", text);
    free(text);
    return code;
}

static void long_message(void)
{
    struct pool *pool = open_pool(1);
    size_t size = MIB, got = 0;
    struct pool_result *result = pool_apply_async(pool, fail_at_length, &size, sizeof size, 0, NULL);
    FAILED(pool_result_get(result, NULL, PATIENCE), EREMOTEIO, 0);
    CHECK(memchr(pool_error()->text, '\0', sizeof pool_error()->text) != NULL);
    CHECK_TEXT(pool_error()->text, "abcdefghijklmnopqrstuvwxyzabc");
    CHECK(strlen(pool_error()->text) >= 400);
    const char *whole = pool_result_reply(result, 0, &got);
    REQUIRE(whole != NULL);
    CHECK_EQ((long long)got, MIB);
    for (size_t i = 0; i < got; i++)
        REQUIRE(whole[i] == (char)('a' + i % 26));
    CHECK_EQ(whole[got], 0);
    end_pool(pool);
}

static int arrive_and_fail_at_length(const void *arg, void *result)
{
    atomic_fetch_add(&shared->arrived, 1);
    while (atomic_load(&shared->arrived) < 2 && !atomic_load(&shared->gate))
        unit_sleep(0.0005);
    return fail_at_length(arg, result);
}

static void p23_two_long_messages(void)
{
    struct pool *pool = open_pool(2);
    size_t sizes[2] = { MIB, MIB };
    struct pool_job_options options = { .chunk = 1 };
    struct pool_result *result = pool_map_async(pool, arrive_and_fail_at_length, sizes, 2, sizeof *sizes, 0, &options);
    OK(pool_close(pool));
    FAILED(pool_join(pool, PATIENCE), EREMOTEIO, POOL_NO_ITEM);
    CHECK_EQ(atomic_load(&shared->arrived), 2);
    for (size_t i = 0; i < 2; i++) {
        size_t got = 0;
        CHECK(pool_result_reply(result, i, &got) != NULL);
        CHECK_EQ((long long)got, MIB);
    }
    pool_free(pool);
}

static void p21_message(void)
{
    struct pool *pool = open_pool(1);
    long x = 7, out;
    FAILED(pool_apply(pool, task_odd_fails, &x, sizeof x, &out, sizeof out), EREMOTEIO, 0);
    CHECK_TEXT(pool_error()->text, "7 is odd");
    CHECK_EQ(pool_error()->status, -1);
    CHECK_EQ(pool_error()->signal, 0);
    CHECK_EQ((long long)pool_error()->failures, 1);
    end_pool(pool);
}

/* On every kind the error is the same, word for word, and nothing is wrapped around it. */
static void p22_same_error(void)
{
    struct pool *pool = open_pool(1);
    struct pool_error error;
    long in[2] = { 2, 9 }, out[2];
    struct pool_result *result = pool_map_async(pool, task_odd_fails, in, 2, sizeof *in, sizeof *out, NULL);
    FAILED(pool_result_get(result, out, PATIENCE), EREMOTEIO, 1);
    CHECK_EQ(pool_result_failure(result, 0, &error), 1);
    CHECK_EQ(strcmp(error.text, "item 1: 9 is odd"), 0);
    CHECK_EQ(strcmp(pool_error()->text, error.text), 0);
    CHECK_EQ(strcmp(pool_result_reply(result, 1, NULL), "9 is odd"), 0);
    CHECK((error.pid == getpid()) == (unit_kind != POOL_PROCESSES));
    end_pool(pool);
}

/* A reply that cannot be is the task's failure, with its reason, and costs no worker; the next one is fine. */
static void p27_impossible_replies(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 4 * MIB });
    OK(pool ? 0 : -1);
    pid_t before[2], after[2];
    size_t large = 64 * (size_t)MIB, small = 1000, out = 0;
    if (unit_kind == POOL_PROCESSES)
        EVENTUALLY(workers(before, 2) == 2);
    for (int i = 0; i < 20; i++) {
        FAILED(pool_apply(pool, reply_of_size, &large, sizeof large, &out, sizeof out), EREMOTEIO, 0);
        CHECK_TEXT(pool_error()->text, "no memory for a reply of 67108864 bytes");
        OK(pool_apply(pool, reply_of_size, &small, sizeof small, &out, sizeof out));
        CHECK_EQ((long long)out, 1000);
    }
    if (unit_kind == POOL_PROCESSES)
        CHECK(workers(after, 2) == 2 && memcmp(before, after, sizeof before) == 0);
    end_pool(pool);
}

static void p45_item_named(void)
{
    static const long chunks[] = { 0, 1, 7, 50 };
    struct pool *pool = open_pool(2);
    long in[50], out[50];
    for (size_t k = 0; k < 4; k++) {
        for (long i = 0; i < 50; i++)
            in[i] = i == 17 || i == 18 || i == 49 ? 2 * i + 1 : 2 * i, out[i] = -1;
        struct pool_job_options options = { .chunk = chunks[k] };
        struct pool_result *result = pool_map_async(pool, task_odd_fails, in, 50, sizeof *in, sizeof *out, &options);
        FAILED(pool_result_get(result, out, PATIENCE), EREMOTEIO, 17);
        CHECK_TEXT(pool_error()->text, "17");
        CHECK_TEXT(pool_error()->text, "35 is odd");
        CHECK_EQ((long long)pool_error()->failures, 3);
        for (long i = 0; i < 50; i++)
            if (in[i] % 2 == 0)
                CHECK_EQ(out[i], in[i] * in[i]);
    }
    FAILED(pool_map(pool, task_odd_fails, in, 50, sizeof *in, out, sizeof *out), EREMOTEIO, 17);
    end_pool(pool);
}

static void failures_one_by_one(void)
{
    struct pool *pool = open_pool(2);
    struct pool_error error = { 0 };
    long in[10] = { 0, 2, 3, 4, 5, 6, 8, 10, 12, 13 };
    struct pool_result *result = pool_map_async(pool, task_odd_fails, in, 10, sizeof *in, sizeof *in, NULL);
    OK(pool_result_wait(result, PATIENCE)); /* done, well or badly */
    CHECK_EQ(pool_result_successful(result), 0);
    size_t from = 0, found[10], count = 0;
    while (count < 10 && pool_result_failure(result, from, &error) == 1) {
        found[count++] = error.item;
        from = error.item + 1;
        CHECK_EQ(error.code, EREMOTEIO);
        CHECK_EQ((long long)error.failures, 3);
        CHECK_TEXT(error.text, "is odd");
    }
    CHECK(count == 3 && found[0] == 2 && found[1] == 4 && found[2] == 9);
    CHECK_EQ(pool_result_failure(result, 10, &error), 0);
    CHECK_EQ(pool_result_failure(result, POOL_NO_ITEM, &error), 0);
    REFUSED_NULL(pool_result_at(result, 10), EINVAL, "10");
    CHECK(pool_result_at(result, 4) == NULL && errno == EREMOTEIO);
    CHECK_EQ(*(const long *)pool_result_at(result, 3), 16);
    end_pool(pool);
}

static void early_questions(void)
{
    struct pool *pool = open_pool(1);
    struct pool_result *result;
    struct pool_error error;
    fill_with_gates(pool, &result, 1);
    REFUSED(pool_result_successful(result), EAGAIN, "not done");
    REFUSED(pool_result_failure(result, 0, &error), EAGAIN, "not done");
    REFUSED_NULL(pool_result_at(result, 0), EAGAIN, "not done");
    CHECK(pool_result_reply(result, 0, NULL) == NULL);
    CHECK_EQ((long long)pool_result_count(result), 1);
    gate_open();
    OK(pool_result_wait(result, POOL_FOREVER));
    CHECK_EQ(pool_result_failure(result, 0, &error), 0);
    CHECK(pool_result_at(result, 0) != NULL);
    end_pool(pool);
}

/* --- Many who wait for one handle --- */

enum { WAITED_ITEMS = 20, WAITED_JOBS = 1000 };

/* Gets the result of one job after the other. */
static void *get_all(void *cookie)
{
    struct pool_result **results = cookie;
    for (int k = 0; k < WAITED_JOBS; k++) {
        long out[WAITED_ITEMS] = { 0 };
        OK(pool_result_get(results[k], out, PATIENCE));
        for (long i = 0; i < WAITED_ITEMS; i++)
            REQUIRE(out[i] == (k + i) * (k + i));
    }
    return NULL;
}

static void wait_together(struct pool *pool, int count)
{
    struct pool_job_options options = { .chunk = 1 };
    struct pool_result *results[WAITED_JOBS];
    pthread_t threads[3];
    long in[WAITED_JOBS + WAITED_ITEMS];
    struct pool_result *gates[2];
    atomic_store(&shared->gate, 0);
    fill_with_gates(pool, gates, 2); /* so that nothing is done before they wait */
    for (long i = 0; i < WAITED_JOBS + WAITED_ITEMS; i++)
        in[i] = i;
    for (int k = 0; k < WAITED_JOBS; k++) {
        results[k] = pool_map_async(pool, task_square, in + k, WAITED_ITEMS, sizeof *in, sizeof *in, &options);
        OK(results[k] ? 0 : -1);
    }
    for (int i = 0; i < count; i++)
        REQUIRE(pthread_create(&threads[i], NULL, get_all, results) == 0);
    gate_open();
    for (int i = 0; i < 2; i++)
        OK(pool_result_get(gates[i], NULL, PATIENCE));
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    for (int k = 0; k < WAITED_JOBS; k++)
        pool_result_free(results[k]);
}

/* A small pool, so that a ticket that is none lies outside of it. */
static void several_wait(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 16 * MIB });
    OK(pool ? 0 : -1);
    for (int round = 0; round < unit_rounds(50); round++)
        wait_together(pool, 2 + round % 2);
    end_pool(pool);
}

/* Nobody asked for the first job's failures; the second's were read. */
static void unseen_failures(void)
{
    struct pool *pool = open_pool(2);
    long in[4] = { 1, 2, 3, 4 }, out[4];
    CHECK(pool_map_async(pool, task_odd_fails, in, 4, sizeof *in, sizeof *out, NULL) != NULL);
    CHECK(pool_map_async(pool, task_odd_fails, in, 1, sizeof *in, sizeof *out, NULL) != NULL);
    FAILED(pool_map(pool, task_odd_fails, in, 4, sizeof *in, out, sizeof *out), EREMOTEIO, 0);
    OK(pool_close(pool));
    REFUSED(pool_join(pool, PATIENCE), EREMOTEIO, "2 jobs failed");
    CHECK_TEXT(pool_error()->text, "1 is odd");
    CHECK(no_children()); /* it is joined all the same */
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static void unseen_failures_of_freed(void)
{
    struct pool *pool = open_pool(1);
    long x = 9;
    pool_result_free(pool_apply_async(pool, task_odd_fails, &x, sizeof x, sizeof x, NULL));
    OK(pool_close(pool));
    REFUSED(pool_join(pool, PATIENCE), EREMOTEIO, "9 is odd");
    pool_free(pool);
}

static void readable_after_join(void)
{
    struct pool *pool = open_pool(2);
    long in[3] = { 2, 3, 4 }, out[3] = { 0 };
    size_t size = 3 * MIB;
    struct pool_result *map = pool_map_async(pool, task_odd_fails, in, 3, sizeof *in, sizeof *out, NULL);
    struct pool_result *one = pool_apply_async(pool, task_square, in, sizeof *in, sizeof *out, NULL);
    struct pool_result *reply = pool_apply_async(pool, reply_of_size, &size, sizeof size, sizeof size, NULL);
    OK(pool_close(pool));
    FAILED(pool_join(pool, PATIENCE), EREMOTEIO, POOL_NO_ITEM);
    FAILED(pool_result_get(map, out, 0), EREMOTEIO, 1);
    CHECK_TEXT(pool_error()->text, "3 is odd");
    CHECK_TEXT(pool_result_reply(map, 1, NULL), "3 is odd");
    CHECK_EQ(out[0] + out[2], 20);
    CHECK_EQ(*(const long *)pool_result_at(map, 2), 16);
    OK(pool_result_get(one, out, 0));
    CHECK_EQ(out[0], 4);
    check_reply(reply, 0, size);
    pool_result_free(reply);
    pool_free(pool);
}

static int name_worker(const void *arg, void *result)
{
    (void)arg;
    snprintf(result, 64, "%s", pool_worker_name());
    return 0;
}

static void worker_names(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .maxtasks = 1 });
    OK(pool ? 0 : -1);
    char names[3][64];
    OK(pool_map(pool, name_worker, NULL, 3, 0, names, sizeof *names));
    CHECK_TEXT(names[0], "PoolWorker-1");
    CHECK_TEXT(names[1], "PoolWorker-2");
    CHECK_TEXT(names[2], "PoolWorker-3");
    CHECK_TEXT(pool_worker_name(), "MainProcess");
    end_pool(pool);
}

static int name_worker_in_gate(const void *arg, void *result)
{
    task_gate(arg, &(pid_t){ 0 });
    return name_worker(arg, result);
}

/* Three workers at once have the first three names, each its own, whether processes or threads. */
static void worker_names_at_once(void)
{
    struct pool *pool = open_pool(3);
    char names[3][64] = { "" };
    int seen = 0;
    struct pool_job_options options = { .chunk = 1 };
    struct pool_result *result = pool_map_async(pool, name_worker_in_gate, NULL, 3, 0, sizeof *names, &options);
    EVENTUALLY(atomic_load(&shared->arrived) == 3);
    gate_open();
    OK(pool_result_get(result, names, PATIENCE));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(strncmp(names[i], "PoolWorker-", 11), 0);
        seen |= 1 << atoi(names[i] + 11);
    }
    CHECK_EQ(seen, 1 << 1 | 1 << 2 | 1 << 3);
    CHECK_TEXT(pool_worker_name(), "MainProcess");
    end_pool(pool);
}

static int reply_or_fail(const void *arg, void *result)
{
    (void)arg, (void)result;
    return pool_reply(100) ? 0 : -1;
}

/* Replies that use up the memory for words, and then items that fail. */
static void failure_without_memory(void)
{
    struct pool_error error;
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .memory = 1 << 20 });
    OK(pool ? 0 : -1);
    struct pool_result *result = pool_map_async(pool, reply_or_fail, NULL, 20000, 0, 0, NULL);
    CHECK_EQ(pool_result_get(result, NULL, PATIENCE), -1);
    CHECK_EQ(errno, ENOMEM);
    CHECK_TEXT(pool_error()->text, "there was no memory left to say how");
    REQUIRE(pool_result_failure(result, 0, &error) == 1);
    CHECK(pool_result_at(result, error.item) == NULL && errno == ENOMEM);
    CHECK(pool_result_reply(result, error.item, NULL) == NULL);
    end_pool(pool);
}

/* --- What is left of a result whose item failed --- */

enum how { WELL, WITH_REPLY, RETURNS, DIES, IS_SLOW, WAITS };
enum { WIDE = 24 };

/* Writes all of its result, then ends as asked. */
static int write_and_end(const void *arg, void *result)
{
    memset(result, 0xab, WIDE);
    switch (*(const enum how *)arg) {
    case WELL:
        return 0;
    case WITH_REPLY:
        return pool_reply_text("a reply");
    case DIES:
        _exit(3);
    case IS_SLOW:
    case WAITS:
        return task_forever(arg, NULL);
    default:
        return -1;
    }
}

/* The bytes are all what a good item leaves, or all zeros. */
static void check_bytes(const unsigned char *bytes, bool good)
{
    int right = 0;
    for (int i = 0; i < WIDE; i++)
        right += bytes[i] == (good ? 0xab : 0);
    CHECK_EQ(right, WIDE);
}

static void check_results(const enum how *items, int count, const unsigned char *out)
{
    for (int i = 0; i < count; i++)
        check_bytes(out + i * WIDE, items[i] <= WITH_REPLY);
}

static struct pool *open_for_zeros(bool check)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .check = check });
    OK(pool ? 0 : -1);
    return pool;
}

static void zeros(bool check, const enum how *items, int count)
{
    unsigned char out[16 * WIDE];
    struct pool *pool = open_for_zeros(check);
    for (long chunk = 1; chunk <= count; chunk++) {
        struct pool_job_options options = { .chunk = chunk, .limit = items[1] == IS_SLOW ? 0.01 : 0 };
        struct pool_result *result =
            pool_map_async(pool, write_and_end, items, (size_t)count, sizeof *items, WIDE, &options);
        memset(out, 0xee, sizeof out);
        CHECK_EQ(pool_result_get(result, out, PATIENCE), -1);
        check_results(items, count, out);
        pool_result_free(result);
    }
    if (items[1] == IS_SLOW) { /* one more, to read in place */
        struct pool_job_options options = { .limit = 0.01 };
        struct pool_result *result = pool_apply_async(pool, write_and_end, &items[1], sizeof *items, WIDE, &options);
        OK(pool_result_wait(result, PATIENCE));
        CHECK(pool_result_at(result, 0) == NULL && errno == ETIME);
    }
    for (int i = 0; i < count && items[1] != IS_SLOW; i++) {
        memset(out, 0xee, sizeof out);
        CHECK_EQ(pool_apply(pool, write_and_end, &items[i], sizeof *items, out, WIDE), items[i] <= WITH_REPLY ? 0 : -1);
        check_results(&items[i], 1, out);
    }
    end_pool(pool);
}

static void zeros_where_tasks_fail(void)
{
    static const enum how items[] = { WELL, RETURNS, WITH_REPLY, RETURNS, WELL };
    zeros(false, items, 5);
    zeros(true, items, 5);
}

static void zeros_where_workers_die(void)
{
    static const enum how items[] = { WELL, DIES, WITH_REPLY, DIES, WELL, RETURNS }, slow[] = { WELL, IS_SLOW, WELL };
    zeros(false, items, 6);
    zeros(true, items, 6);
    zeros(false, slow, 3);
}

static int next_how(void *state, void *item)
{
    const enum how **next = state;
    *(enum how *)item = *(*next)++;
    return *(enum how *)item != WAITS;
}

static void zeros_in_streams(void)
{
    static const enum how items[] = { WELL, RETURNS, WITH_REPLY, WELL, RETURNS, WAITS };
    const enum how *next = items;
    unsigned char out[WIDE];
    struct pool *pool = open_for_zeros(false);
    struct pool_iter *iter = pool_imap(pool, write_and_end, next_how, &next, sizeof *items, WIDE, NULL);
    for (int i = 0; i < 5; i++) {
        memset(out, 0xee, sizeof out);
        CHECK_EQ(pool_iter_next(iter, out, PATIENCE), items[i] <= WITH_REPLY ? 1 : -1);
        check_results(&items[i], 1, out);
    }
    pool_iter_close(iter);
    end_pool(pool);
}

/* Two items that run and write, and one that never begins. */
static void zeros_where_cancelled(void)
{
    static const enum how items[] = { WAITS, WAITS, WELL };
    unsigned char out[3 * WIDE];
    struct pool *pool = open_for_zeros(false);
    struct pool_result *result =
        pool_map_async(pool, write_and_end, items, 3, sizeof *items, WIDE, &(struct pool_job_options){ .chunk = 1 });
    EVENTUALLY(atomic_load(&shared->arrived) == 2);
    CHECK_EQ(pool_result_cancel(result), 1);
    memset(out, 0xee, sizeof out);
    CHECK_EQ(pool_result_get(result, out, PATIENCE), -1);
    for (int i = 0; i < 3; i++)
        check_bytes(out + i * WIDE, false);
    end_pool(pool);
}

/* Nothing is written where nothing was fetched: not in time, or not handed over. */
static void untouched_where_not_fetched(void)
{
    static const enum how wait = WAITS;
    unsigned char out[WIDE], before[WIDE];
    struct pool *pool = open_for_zeros(false);
    struct pool_result *result = pool_apply_async(pool, write_and_end, &wait, sizeof wait, WIDE, NULL);
    EVENTUALLY(atomic_load(&shared->arrived) == 1);
    memset(out, 0xee, sizeof out);
    memcpy(before, out, sizeof out);
    REFUSED(pool_result_get(result, out, 0), ETIMEDOUT, "pool_result_get");
    CHECK_EQ(memcmp(out, before, sizeof out), 0);
    pool_interrupt(pool);
    REFUSED(pool_map(pool, write_and_end, &wait, 1, sizeof wait, out, WIDE), EINTR, "pool_map");
    CHECK_EQ(memcmp(out, before, sizeof out), 0);
    OK(pool_close(pool));
    REFUSED(pool_apply(pool, write_and_end, &wait, sizeof wait, out, WIDE), ESHUTDOWN, "pool_apply");
    CHECK_EQ(memcmp(out, before, sizeof out), 0);
    terminate_busy_pool(pool);
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

/* So many bytes of ASCII, then characters of 2, 3 or 4 bytes, and more of them than any text can hold. */
static char *long_text(int before, int bytes)
{
    static const char *const letters[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };
    static char text[2000];
    memset(text, 'x', (size_t)before);
    text[before] = '\0';
    while (strlen(text) < 1900)
        strcat(text, letters[bytes - 2]);
    return text;
}

static int fails_at_length(const void *arg, void *result)
{
    const int *how = arg;
    (void)result;
    return pool_fail("%s", long_text(how[0], how[1]));
}

static int initializer_fails_at_length(void *initarg)
{
    return fails_at_length(initarg, NULL);
}

/* The text is nearly full, and its last character is whole. */
static void check_whole(const char *text, int bytes, size_t least)
{
    size_t length = strlen(text);
    CHECK(length >= least && length < sizeof pool_error()->text);
    char *all = long_text(0, bytes);
    CHECK(memcmp(text + length - (size_t)bytes, all, (size_t)bytes) == 0);
}

static void texts_are_cut(void)
{
    struct pool *pool = open_pool(1);
    for (int bytes = 2; bytes <= 4; bytes++)
        for (int before = 0; before < 4; before++) {
            int how[] = { before, bytes };
            struct pool_error error;
            FAILED(pool_apply(pool, fails_at_length, how, sizeof how, NULL, 0), EREMOTEIO, 0);
            check_whole(pool_error()->text, bytes, 470);
            struct pool_result *result = pool_apply_async(pool, fails_at_length, how, sizeof how, 0, NULL);
            OK(pool_result_wait(result, PATIENCE));
            CHECK_EQ(pool_result_failure(result, 0, &error), 1);
            check_whole(error.text, bytes, 470);
            struct pool_options options = { .processes = 1, .initializer = initializer_fails_at_length };
            options.initarg = how;
            REFUSED_NULL(pool_open(&options), EREMOTEIO, "initializer failed");
            check_whole(pool_error()->text, bytes, 400);
        }
    pool_result_free(pool_apply_async(pool, fails_at_length, (int[]){ 2, 4 }, 2 * sizeof(int), 0, NULL));
    OK(pool_close(pool));
    REFUSED(pool_join(pool, PATIENCE), EREMOTEIO, "1 job failed");
    check_whole(pool_error()->text, 4, 500);
    pool_free(pool);
}

static const struct unit_case cases[] = {
    { "G02 replies of 0, 1, 5000 bytes and 3 MiB, in chunks of any size", reply_sizes, ALL_KINDS },
    { "G02 a reply stays as long as its handle, and an item without one has none", reply_of_one, ALL_KINDS },
    { "G02 a reply is dropped by a second call and by failure", reply_dropped, ALL_KINDS },
    { "G02 dropped and freed replies give their memory back", replies_given_back, ALL_KINDS },
    { "G02 a reply that does not fit is NULL, and the task can say so", reply_without_memory, ALL_KINDS },
    { "G02 arguments that do not fit are refused with ENOMEM", arguments_without_memory, ALL_KINDS },
    { "G02 a message of 1 MiB can be read whole", long_message, ALL_KINDS },
    { "P21 the error carries the task's own message", p21_message, ALL_KINDS },
    { "P22 the error is the same on every kind, word for word", p22_same_error, ALL_KINDS },
    { "P27 replies that cannot be: the reason each time, and the pool keeps its workers", p27_impossible_replies,
      ALL_KINDS },
    { "P23 two workers fail with 1 MiB each: close and join do not wait for ever", p23_two_long_messages, TWINS },
    { "P45 a map's error names the first failed item, and the others are there", p45_item_named, ALL_KINDS },
    { "P45 failures can be gone through one by one", failures_one_by_one, ALL_KINDS },
    { "G10 two and three threads wait for one handle while its job ends", several_wait, TWINS },
    { "G10 questions asked too early are answered EAGAIN", early_questions, TWINS },
    { "G15 join reports failures nobody looked at", unseen_failures, ALL_KINDS },
    { "G15 join reports the failure of a job whose handle was freed", unseen_failures_of_freed, ALL_KINDS },
    { "G15 results stay readable after join", readable_after_join, ALL_KINDS },
    { "G02 an item that fails where there is no memory for words: ENOMEM", failure_without_memory, ALL_KINDS },
    { "a failed task's result is all zeros, whatever it had written", zeros_where_tasks_fail, ALL_KINDS },
    { "so is that of a task whose worker died, or whose time was over", zeros_where_workers_die },
    { "so it is in a stream", zeros_in_streams, ALL_KINDS },
    { "so is that of a cancelled one", zeros_where_cancelled },
    { "what is not fetched is not written", untouched_where_not_fetched, TWINS },
    { "G15 workers are numbered as they are started", worker_names },
    { "G15 three workers at once have the first three names", worker_names_at_once, TWINS },
    { "texts that are cut end with a whole character", texts_are_cut, TWINS },
    { 0 },
};

const struct unit_suite unit_results = { "results", cases };
