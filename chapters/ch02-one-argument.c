/*
 * Chapter 2: one argument.
 *
 * The idea: map hands a task exactly one argument, one item of the list. Two
 * numbers are one argument if they are one struct.
 *
 * Usage: make ch02 && ./ch02
 *
 * Watch for: two lists are wrong, and nobody says so. A width is the step from
 * one item to the next; a pointer is an address in one process. Only you know
 * either. The file that does not compile is ch02b-does-not-compile.c.
 */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>

static void print_sums(const char *label, const int *sum)
{
    printf("%-33s [%d, %d, %d]\n", label, sum[0], sum[1], sum[2]);
}

/* [add] */
struct pair {
    int a, b;
};

static const struct pair pairs[] = { { 1, 2 }, { 3, 4 }, { 5, 6 } };

static int add(const void *arg, void *result) /* one argument: a pair */
{
    const struct pair *pair = arg;
    *(int *)result = pair->a + pair->b;
    return 0;
}

static int add_two(const void *const *args, void *result) /* two arguments */
{
    const int *a = args[0], *b = args[1];
    *(int *)result = *a + *b;
    return 0;
}
/* [/add] */

/* [wrong] */
static void wrong_width(struct pool *pool)
{
    int sum[3];
    struct pool_column columns[] = {
        { &pairs[0].a, sizeof(int) }, /* "it is an array of int": */
        { &pairs[0].b, sizeof(int) }, /* no, the next a is a pair away */
    };
    check(pool_starmap(pool, add_two, columns, 2, 3, sum, sizeof *sum) == 0);
    print_sums("broken: starmap, sizeof(int)", sum);
}
/* [/wrong] */

/* [right] */
static void one_struct(struct pool *pool)
{
    int sum[3];
    check(pool_map(pool, add, pairs, 3, sizeof *pairs, sum, sizeof *sum) == 0);
    print_sums("cured: map, sizeof *pairs", sum);
}
/* [/right] */

/* [async] */
static void several_arguments_async(struct pool *pool)
{
    int a[] = { 1, 3, 5 }, b[] = { 2, 4, 6 }, sum[3];
    struct pool_column columns[] = { { a, sizeof *a }, { b, sizeof *b } };
    struct pool_result *one =
        pool_map_async(pool, add, pairs, 3, sizeof *pairs, sizeof *sum, NULL);
    check(one != NULL);
    struct pool_result *two =
        pool_starmap_async(pool, add_two, columns, 2, 3, sizeof *sum, NULL);
    check(two != NULL);
    check(pool_result_get(one, sum, POOL_FOREVER) == 0);
    print_sums("map_async, one struct", sum);
    check(pool_result_get(two, sum, POOL_FOREVER) == 0);
    print_sums("starmap_async, two arrays", sum);
}
/* [/async] */

/* [names] */
struct request {
    long id;
    int page, count; /* zero means the default: page 1, 200 posts */
};

static int posts_asked_for(const void *arg, void *result)
{
    const struct request *r = arg;
    int page = r->page ? r->page : 1, count = r->count ? r->count : 200;
    int first = (page - 1) * count + 1, last = page * count;
    (void)result; /* of unknown size, so it is a reply instead */
    return pool_reply_text("id %ld: posts %d to %d", r->id, first, last);
}
/* [/names] */

/* [call] */
static void arguments_by_name(struct pool *pool)
{
    struct request requests[] = {
        { .id = 7 },
        { .id = 7, .page = 3 },
        { .page = 3, .count = 20, .id = 7 }, /* in any order */
    };
    struct pool_result *r = pool_map_async(pool, posts_asked_for, requests, 3,
                                           sizeof *requests, 0, NULL);
    check(r != NULL && pool_result_get(r, NULL, POOL_FOREVER) == 0);
    for (size_t i = 0; i < 3; i++)
        printf("%s\n", (const char *)pool_result_reply(r, i, NULL));
}
/* [/call] */

/* [strings] */
static char late[2][16]; /* empty when the pool is opened */

static int length_there(const void *arg, void *result) /* an item: an address */
{
    const char *const *name = arg;
    *(size_t *)result = strlen(*name);
    return 0;
}

struct file {
    char name[16];
};

static int length_here(const void *arg, void *result) /* an item: the text */
{
    const struct file *file = arg;
    *(size_t *)result = strlen(file->name);
    return 0;
}
/* [/strings] */

/* [pointers] */
static void texts(struct pool *pool)
{
    const char *given[] = { "book.md", "README" }, *names[2];
    struct file files[2];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        names[i] = strcpy(late[i], given[i]);
        strcpy(files[i].name, given[i]);
    }
    check(pool_map(pool, length_there, names, 2, sizeof *names, n,
                   sizeof *n) == 0);
    printf("%-33s [%zu, %zu]\n", "broken: char *, made later", n[0], n[1]);
    check(pool_map(pool, length_here, files, 2, sizeof *files, n,
                   sizeof *n) == 0);
    printf("%-33s [%zu, %zu]\n", "cured: char[16] in a struct", n[0], n[1]);
}
/* [/pointers] */

int main(int argc, char **argv)
{
    begin(argc, argv, "");
    struct pool *pool = pool_open(NULL);
    check(pool != NULL);
    wrong_width(pool);
    one_struct(pool);
    several_arguments_async(pool);
    arguments_by_name(pool);
    texts(pool);
    finish(pool);
    return 0;
}
