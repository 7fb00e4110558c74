/*
 * Exercise 4: results.
 *
 * Give settle() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex04 && ./ex04                   4 workers, 2 s, numbers 1 to 8
 *        ./ex04 WORKERS SECONDS NUMBER...      as you like
 *        make grade-04                         the verdict; make hint-04
 *
 * main() hands the numbers over, lets settle() find out what became of each,
 * prints that, and ends the pool, whatever still runs in it.
 */
#include "harness.h"

enum how { NOTHING, DONE, FAILED, LATE };

struct outcome {
    enum how how;
    long value;      /* DONE: the result */
    char words[512]; /* FAILED: what pool_error() says of it */
};

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
 * Finds out what became of n jobs, each of one item whose result is a long.
 *
 * Waits for all of them together `seconds` at most, and no longer than needed.
 * outcomes[i] is then what became of results[i]: DONE, with its value; FAILED,
 * with pool_error()->text in words; or LATE, if it is not done in time. One
 * that failed or is late does no harm to the others: those behind it that are
 * done in time are DONE.
 *
 * Returns 0 if all are DONE, otherwise exactly -1. The handles are not freed,
 * and no job is cancelled. It prints nothing on stdout.
 */
static int settle(struct pool_result **results, size_t n, double seconds,
                  struct outcome *outcomes)
{
    /* ---- your code begins here ---- */
    /* TODO: for each: what is left of the seconds? Wait so long, at most. */
    (void)results, (void)n, (void)seconds, (void)outcomes;
    errno = ENOSYS;
    return -1;
    /* ---- and ends here ---- */
}

static void print_outcome(long number, const struct outcome *outcome)
{
    switch (outcome->how) {
    case DONE:
        printf("%ld: done, %ld\n", number, outcome->value);
        break;
    case FAILED:
        printf("%ld: failed, %.500s\n", number, outcome->words);
        break;
    case LATE:
        printf("%ld: late\n", number);
        break;
    default:
        printf("%ld: nothing is known of it\n", number);
    }
}

int main(int argc, char **argv)
{
    long in[argc + 8];
    size_t n = 0;
    int workers = argc > 1 ? harness_count(argv[1]) : 4;
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 2;
    for (int i = 3; i < argc; i++)
        in[n++] = harness_number(argv[i]);
    while (n == 0 || (argc < 4 && n < 8)) {
        in[n] = (long)n + 1;
        n++;
    }

    struct pool_result *results[n];
    struct outcome *outcomes = calloc(n, sizeof *outcomes);
    struct pool *pool = harness_open(workers);
    for (size_t i = 0; i < n; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof in[i],
                                      sizeof(long), NULL);

    harness_begin();
    int status = settle(results, n, seconds, outcomes);
    bool good = harness_end("settle", status, -1);
    for (size_t i = 0; outcomes && i < n; i++)
        print_outcome(in[i], &outcomes[i]);
    pool_terminate(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    free(outcomes);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
