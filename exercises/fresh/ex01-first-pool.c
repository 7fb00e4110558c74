/*
 * Exercise 1: the first pool.
 *
 * Give ask_all() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex01 && ./ex01          4 workers, the numbers 1 to 8
 *        ./ex01 WORKERS NUMBER...     as you like
 *        make grade-01                the verdict; make hint-01 if stuck
 *
 * It prints each answer, and what is left of the pool while the program lives
 * on: nothing, if all goes well.
 */
#include "harness.h"

/* The task. Asks somebody outside, the witness, about a number, and waits for
   the answer. By hand there is no witness: then the answer is the square. */
static int ask(const void *arg, void *result)
{
    long number = *(const long *)arg, answer;
    char question[64];
    snprintf(question, sizeof question, "ask %ld", number);
    int status = witness_ask(question, number * number, &answer);
    *(long *)result = answer;
    return status;
}

/*
 * Asks about n numbers, in the workers of a pool.
 *
 * Opens a pool of exactly `workers` workers, lets them ask() about in[0] to
 * in[n - 1], as many at once as there are workers, and each number once; and
 * ends the pool. out[i] is the answer to in[i]. n is at least 1.
 *
 * Returns 0 if every number has its answer; exactly -1 if the pool could not be
 * opened, or if ask() failed for some number. When it returns, in either way,
 * nothing of the pool is left: no process, no descriptor, no memory. It prints
 * nothing on stdout.
 */
static int ask_all(const long *in, size_t n, long *out, int workers)
{
    /* ---- your code begins here ---- */
    /* TODO: open a pool, map ask() over the numbers, close, join, free. */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    errno = ENOSYS;
    return -1;
    /* ---- and ends here ---- */
}

int main(int argc, char **argv)
{
    long in[argc + 8], out[argc + 8];
    size_t n = 0;
    int workers = argc > 1 ? harness_count(argv[1]) : 4;
    for (int i = 2; i < argc; i++)
        in[n++] = harness_number(argv[i]);
    while (n == 0 || (argc < 3 && n < 8)) {
        in[n] = (long)n + 1;
        n++;
    }
    memset(out, 0, sizeof out);

    int before = harness_begin();
    int status = ask_all(in, n, out, workers);
    if (!harness_end("ask_all", status, before))
        return EXIT_FAILURE;
    for (size_t i = 0; i < n; i++)
        printf("%ld -> %ld\n", in[i], out[i]);
}
