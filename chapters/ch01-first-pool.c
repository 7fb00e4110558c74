/*
 * Chapter 1: the first pool.
 *
 * The idea: a pool is a few worker processes. You hand them a list, each item
 * is worked out in one of them, and the results come back in the list's order.
 *
 * Usage: make ch01 && ./ch01
 *
 * Watch for: the lists are the same whichever worker did the work. Each worker
 * starts exactly once, in any order. The process ids tell which one worked.
 */
#include "kit.h"

static void print_list(const char *label, const long *number, size_t count)
{
    printf("%s[", label);
    for (size_t i = 0; i < count; i++)
        printf("%s%ld", i ? ", " : "", number[i]);
    printf("]\n");
}

/* [square] */
static int square(const void *arg, void *result)
{
    const long *x = arg;
    *(long *)result = *x * *x;
    return 0;
}
/* [/square] */

/* [smallest] */
static void smallest_pool(void)
{
    long in[] = { 1, 2, 3 }, out[3];
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 5 });
    check(pool != NULL);
    check(pool_map(pool, square, in, 3, sizeof *in, out, sizeof *out) == 0);
    finish(pool);
    print_list("Squares  : ", out, 3);
}
/* [/smallest] */

/* [start] */
static int say_start(void *unused)
{
    (void)unused;
    printf("Starting %s\n", pool_worker_name());
    return 0;
}
/* [/start] */

/* [twice] */
static int twice(const void *arg, void *result)
{
    *(long *)result = 2 * *(const long *)arg;
    return 0;
}

static void loop_and_pool(int workers)
{
    long in[10], out[10];
    for (int i = 0; i < 10; i++)
        in[i] = i;
    print_list("Inputs   : ", in, 10);

    for (int i = 0; i < 10; i++)
        twice(&in[i], &out[i]);
    print_list("Loop     : ", out, 10);

    struct pool_options options = { .processes = workers,
                                    .initializer = say_start };
    struct pool *pool = pool_open(&options);
    check(pool != NULL);
    check(pool_map(pool, twice, in, 10, sizeof *in, out, sizeof *out) == 0);
    finish(pool);
    print_list("Pool     : ", out, 10);
}
/* [/twice] */

/* [who] */
static atomic_int *begun; /* items; all processes see the same number */

static int who(const void *unused, void *result)
{
    (void)unused;
    *(long *)result = getpid();
    return 0;
}

static int who_together(const void *arg, void *result)
{
    meet(begun, 5); /* goes on when five have come */
    return who(arg, result);
}

static void who_works(void)
{
    long in[5] = { 0 }, out[5];
    printf("Own pid  : %d\n", (int)getpid());
    for (int i = 0; i < 5; i++)
        who(&in[i], &out[i]);
    print_list("Loop pids: ", out, 5);

    begun = shared_memory(sizeof *begun);
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 5 });
    check(pool != NULL);
    check(pool_map(pool, who_together, in, 5, sizeof *in, out, sizeof *out) ==
          0);
    finish(pool);
    print_list("Pool pids: ", out, 5);
}
/* [/who] */

/* [main] */
int main(int argc, char **argv)
{
    begin(argc, argv, "");
    smallest_pool();

    struct pool *pool = pool_open(NULL);
    check(pool != NULL);
    int cores = pool_processes(pool);
    printf("Default  : %d, the cores this program may use\n", cores);
    finish(pool);
    loop_and_pool(2 * cores);
    who_works();
    return 0;
}
/* [/main] */
