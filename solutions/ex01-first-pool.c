/*
 * Exercise 1: the first pool.
 *
 * Give ask_all() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex01 && ./ex01          4 workers, the numbers 1 to 8
 *        ./ex01 WORKERS NUMBER...     as you like
 *        make grade-01                the verdict; make hint-01 if stuck
 *
 * It prints each answer, how many tasks were inside at once, and what is left
 * of the pool while the program lives on: nothing, if all goes well.
 */
#include "harness.h"
#include <string.h>

static struct meeting *meeting; /* where the tasks wait for each other */

/* The task. Answers a number with its square, but not before as many tasks are
   inside as can be: all workers, or all numbers if they are fewer. */
static int ask(const void *arg, void *result)
{
    long number = *(const long *)arg, square;
    meeting_enter(meeting);
    bool overflow = __builtin_mul_overflow(number, number, &square);
    meeting_leave(meeting);
    if (overflow)
        return pool_fail("the square of %ld does not fit into a long", number);
    *(long *)result = square;
    return 0;
}

/*
 * Asks about n numbers, all at once as far as the workers reach.
 *
 * Opens a pool of so many workers, lets them ask() about in[0] to in[n - 1],
 * and ends the pool. out[i] is the answer to in[i]. Returns 0; -1 if the pool
 * could not be opened or a number had no answer. Either way nothing of the
 * pool is left when it returns.
 */
static int ask_all(const long *in, size_t n, long *out, int workers)
{
    /* ---- your code begins here ---- */
    struct pool_options options = { .processes = workers };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
    /* ---- and ends here ---- */
}

static void print_answers(const long *in, size_t n, const long *out)
{
    for (size_t i = 0; i < n; i++)
        printf("%ld -> %ld\n", in[i], out[i]);
}

static void print_inside(int wanted)
{
    int most = atomic_load(&meeting->most);
    if (most >= wanted)
        printf("inside: %d at once\n", wanted);
    else
        printf("inside: %d items were to be inside at once, %d %s\n", wanted,
               most, most == 1 ? "was" : "were");
}

static int run(const long *in, size_t n, long *out, int workers)
{
    int wanted = n < (size_t)workers ? (int)n : workers;
    int descriptors = harness_descriptors();
    meeting = shared_memory(sizeof *meeting);
    meeting->wanted = wanted;

    int status = ask_all(in, n, out, workers);
    if (status) {
        harness_print_failure("ask_all", errno);
    } else {
        print_answers(in, n, out);
        print_inside(wanted);
    }
    harness_print_left(descriptors);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    long in[argc + 8], out[argc + 8];
    size_t n = 0;
    for (int i = 2; i < argc; i++)
        in[n++] = harness_number(argv[i]);
    while (argc == 1 && n < 8) {
        in[n] = (long)n + 1;
        n++;
    }
    memset(out, 0, sizeof out);
    return run(in, n, out, argc > 1 ? harness_count(argv[1]) : 4);
}
