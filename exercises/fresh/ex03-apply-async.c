/*
 * Exercise 3: apply_async.
 *
 * Give ask_each() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex03 && ./ex03          4 workers, the numbers 1 to 8
 *        ./ex03 WORKERS NUMBER...     as you like
 *        make grade-03                the verdict; make hint-03 if stuck
 *
 * main() opens the pool and ends it, and prints each answer.
 */
#include "harness.h"

/* The task. Asks the witness about a number; by hand it answers the square. */
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
 * Asks about n numbers, each in a job of its own.
 *
 * Hands over ask() with in[0] to in[n - 1] by pool_apply_async(), all of them
 * before it waits for any. Then it fetches each result: out[i] is the answer to
 * in[i], in whichever order they come. Every handle is freed. n is at least 1.
 *
 * Returns 0 if every number has its answer; exactly -1 if some number could not
 * be handed over, or ask() failed for it: the others have their answers in out
 * all the same. The pool stays open. It prints nothing on stdout.
 */
static int ask_each(struct pool *pool, const long *in, size_t n, long *out)
{
    /* ---- your code begins here ---- */
    /* TODO: hand all numbers over, and keep the handles; then fetch, free. */
    (void)ask, (void)pool, (void)in, (void)n, (void)out;
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

    struct pool *pool = harness_open(workers);
    harness_begin();
    int status = ask_each(pool, in, n, out);
    bool good = harness_end("ask_each", status, -1);
    for (size_t i = 0; i < n; i++)
        printf("%ld -> %ld\n", in[i], out[i]);
    return harness_close(pool) && good ? EXIT_SUCCESS : EXIT_FAILURE;
}
