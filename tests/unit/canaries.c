/*
 * canaries.c - POOL_CHECK: a task that writes past its result fails, with words, and hurts nobody; and nothing else
 * changes.
 *
 * How far a task may write before it hits its neighbour depends on the width of the result, so all of it is tried with
 * many widths. A slip of a single byte must be seen, and also one that writes a zero, as strcpy does.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <stdlib.h>
#include <string.h>

static const size_t widths[] = {
    0, 1, 2, 3, 5, 7, 8, 9, 13, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 1000, 4097
};
enum { WIDTHS = sizeof widths / sizeof *widths, ITEMS = 24 };

struct item {
    long number;
    size_t width;
    enum { NOT_PAST, FLIPPED_PAST, ZERO_PAST, FAR_PAST } slip;
    int unused; /* where padding would be: what was never set, valgrind sees again in the next result there */
};

static void fill(unsigned char *bytes, const struct item *item)
{
    for (size_t i = 0; i < item->width; i++)
        bytes[i] = (unsigned char)(item->number * 31 + (long)i);
}

/* Writes its result, and what its item says behind it. */
static int scribble(const void *arg, void *result)
{
    const struct item *item = arg;
    unsigned char *past = (unsigned char *)result + item->width;
    fill(result, item);
    if (item->slip == FLIPPED_PAST)
        *past ^= 1;
    else if (item->slip == ZERO_PAST)
        *past = 0;
    else if (item->slip == FAR_PAST)
        memset(past, 0xa5, 16);
    return 0;
}

static int scribble_star(const void *const *args, void *result)
{
    return scribble(args[0], result);
}

/* Every fifth item slips. */
static bool slips(long number)
{
    return number % 5 == 3;
}

static void make_items(struct item *items, size_t width, int slip)
{
    for (long i = 0; i < ITEMS; i++)
        items[i] = (struct item){ i, width, slips(i) ? slip : NOT_PAST, 0 };
}

static bool is_right(const void *there, const struct item *item)
{
    unsigned char expected[4097];
    fill(expected, item);
    return there && memcmp(there, expected, item->width) == 0;
}

static struct pool *open_checking(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .check = true });
    OK(pool ? 0 : -1);
    return pool;
}

/* Reads all items in each way there is. */
static void check_job(struct pool_result *result, const struct item *items)
{
    size_t width = items->width;
    unsigned char *out = calloc(ITEMS, width + 1);
    REQUIRE(result && out);
    FAILED(pool_result_get(result, out, PATIENCE), EREMOTEIO, 3);
    CHECK_TEXT(pool_error()->text, "past the end of its result");
    for (size_t i = 0; i < ITEMS; i++) {
        const void *there = pool_result_at(result, i);
        if (slips((long)i))
            CHECK(!there && errno == EREMOTEIO);
        else
            CHECK(is_right(there, &items[i]) && is_right(out + i * width, &items[i]));
    }
    free(out);
}

static void maps(void)
{
    struct pool *pool = open_checking();
    struct item items[ITEMS];
    for (int k = 0; k < 3 * WIDTHS; k++) {
        size_t width = widths[k / 3];
        struct pool_job_options options = { .chunk = k % 2 ? 5 : 1 };
        make_items(items, width, FLIPPED_PAST + k % 3);
        check_job(pool_map_async(pool, scribble, items, ITEMS, sizeof *items, width, &options), items);
    }
    end_pool(pool);
}

static void starmaps(void)
{
    struct pool *pool = open_checking();
    struct item items[ITEMS];
    struct pool_column column = { items, sizeof *items };
    for (int k = 0; k < 2 * WIDTHS; k++) {
        make_items(items, widths[k / 2], FLIPPED_PAST + k % 2);
        check_job(pool_starmap_async(pool, scribble_star, &column, 1, ITEMS, widths[k / 2], NULL), items);
    }
    end_pool(pool);
}

/* Small arguments and results lie in the job itself, when nothing is checked. */
static void applies(void)
{
    struct pool *pool = open_checking();
    unsigned char out[4097];
    for (int k = 0; k < 4 * WIDTHS; k++) {
        struct item item = { k, widths[k / 4], NOT_PAST + k % 4 };
        if (item.slip == NOT_PAST) {
            OK(pool_apply(pool, scribble, &item, sizeof item, out, item.width));
            CHECK(is_right(out, &item));
        } else {
            FAILED(pool_apply(pool, scribble, &item, sizeof item, out, item.width), EREMOTEIO, 0);
            CHECK_TEXT(pool_error()->text, "past the end of its result");
        }
    }
    end_pool(pool);
}

struct source {
    long next;
    size_t width;
    int slip;
};

static int next_item(void *state, void *item)
{
    struct source *source = state;
    long number = source->next++;
    *(struct item *)item = (struct item){ number, source->width, slips(number) ? source->slip : NOT_PAST, 0 };
    return number < ITEMS;
}

static void check_stream(struct pool_iter *iter, size_t width)
{
    unsigned char out[4097];
    int failed = 0, good = 0;
    for (int got; (got = pool_iter_next(iter, out, PATIENCE)) != 0 && failed + good < ITEMS;) {
        struct item item = { .number = (long)pool_iter_index(iter), .width = width };
        CHECK_EQ(got, slips(item.number) ? -1 : 1);
        if (got == -1)
            CHECK_TEXT(pool_error()->text, "past the end of its result");
        else
            CHECK(is_right(out, &item));
        failed += got == -1;
        good += got == 1;
    }
    CHECK(failed == 5 && good == ITEMS - 5);
    pool_iter_close(iter);
}

static void streams(void)
{
    struct pool *pool = open_checking();
    for (int k = 0; k < 4 * WIDTHS; k++) {
        struct source source = { 0, widths[k / 4], FLIPPED_PAST + k / 2 % 2 };
        struct pool_job_options options = { .chunk = k % 3 ? 4 : 1 };
        check_stream((k % 2 ? pool_imap_unordered : pool_imap)(pool, scribble, next_item, &source, sizeof(struct item),
                                                               source.width, &options),
                     source.width);
    }
    end_pool(pool);
}

/* Results that outlive their pool are laid out anew. */
static void after_join(void)
{
    struct pool *pool = open_checking();
    static struct item items[WIDTHS][ITEMS];
    struct pool_result *results[WIDTHS];
    for (int k = 0; k < WIDTHS; k++) {
        make_items(items[k], widths[k], ZERO_PAST);
        results[k] = pool_map_async(pool, scribble, items[k], ITEMS, sizeof **items, widths[k], NULL);
    }
    for (int k = 0; k < WIDTHS; k++)
        check_job(results[k], items[k]);
    OK(pool_close(pool));
    OK(pool_join(pool, PATIENCE));
    for (int k = 0; k < WIDTHS; k++)
        check_job(results[k], items[k]);
    pool_free(pool);
}

/* No false alarm, also where memory is used again by jobs of other widths. */
static void no_false_alarm(void)
{
    struct pool *pool = open_checking();
    struct item items[ITEMS];
    unsigned char *out = malloc((size_t)ITEMS * 4097);
    for (int k = 0; k < unit_rounds(2000); k++) {
        size_t width = widths[k * 7 % WIDTHS];
        make_items(items, width, NOT_PAST);
        OK(pool_map(pool, scribble, items, ITEMS, sizeof *items, out, width));
        for (size_t i = 0; i < ITEMS; i++)
            REQUIRE(is_right(out + i * width, &items[i]));
    }
    free(out);
    end_pool(pool);
}

/* What a task says about its failure itself, and its reply, give way to what is found behind its result. */
static int scribble_and_say(const void *arg, void *result)
{
    scribble(arg, result);
    return ((const struct item *)arg)->number % 2 ? pool_fail("its own words") : pool_reply_text("a reply");
}

static void words(void)
{
    struct pool *pool = open_checking();
    struct item items[4] = { { 0, 8, NOT_PAST }, { 1, 8, NOT_PAST }, { 2, 8, ZERO_PAST }, { 3, 8, ZERO_PAST } };
    struct pool_result *result = pool_map_async(pool, scribble_and_say, items, 4, sizeof *items, 8, NULL);
    FAILED(pool_result_get(result, NULL, PATIENCE), EREMOTEIO, 1);
    CHECK_TEXT(pool_error()->text, "its own words");
    CHECK_TEXT(pool_result_reply(result, 0, NULL), "a reply");
    CHECK(pool_result_at(result, 2) == NULL);
    CHECK_TEXT(pool_error()->text, "item 2: the task wrote past the end of its result of 8 bytes");
    CHECK(pool_result_at(result, 3) == NULL);
    CHECK_TEXT(pool_error()->text, "past the end");
    end_pool(pool);
}

static int die_then_scribble(const void *arg, void *result)
{
    if (pool_attempt() < 3)
        raise(SIGKILL);
    return scribble(arg, result);
}

static void with_retries(void)
{
    struct pool *pool = open_checking();
    struct pool_job_options options = { .retries = 2, .chunk = 5 };
    struct item items[ITEMS];
    make_items(items, 13, FLIPPED_PAST);
    check_job(pool_map_async(pool, die_then_scribble, items, ITEMS, sizeof *items, 13, &options), items);
    end_pool(pool);
}

/* Whether a pool opened with this in the environment sees a slip. */
static bool checks_with(const char *value)
{
    struct item item = { 1, 8, FLIPPED_PAST };
    char out[64];
    if (value)
        setenv("POOL_CHECK", value, 1);
    else
        unsetenv("POOL_CHECK");
    struct pool *pool = open_pool(1);
    bool seen = pool_apply(pool, scribble, &item, sizeof item, out, 8) != 0;
    end_pool(pool);
    return seen;
}

static void by_environment(void)
{
    CHECK(checks_with("1"));
    CHECK(!checks_with("0"));
    CHECK(!checks_with(""));
    CHECK(!checks_with(NULL));
}

static const struct unit_case cases[] = {
    { "G07 canaries: maps of many widths", maps, ALL_KINDS },
    { "G07 canaries: starmaps", starmaps, ALL_KINDS },
    { "G07 canaries: apply", applies, ALL_KINDS },
    { "G07 canaries: imap, in order and not", streams, ALL_KINDS },
    { "G07 canaries: results read after the join", after_join, ALL_KINDS },
    { "G07 canaries: 2000 maps without a slip", no_false_alarm, TWINS },
    { "G07 canaries: the words, beside a task's own", words, ALL_KINDS },
    { "G07 canaries: with retries", with_retries },
    { "G07 canaries: POOL_CHECK=1", by_environment, ALL_KINDS },
    { 0 },
};

const struct unit_suite unit_canaries = { "canaries", cases };
