/*
 * Exercise 5: streams.
 *
 * Give first_hit() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex05 && ./ex05              4 workers look for the answer 49
 *        ./ex05 WORKERS WANTED [LAST]     as you like; there are numbers up to
 *                                         LAST, without it they never end
 *        make grade-05                    the verdict; make hint-05 if stuck
 *
 * main() opens the pool and ends it, and prints which number it was.
 */
#include "harness.h"

struct found {
    long number, answer;
};

/* The task. Asks the witness about a number; by hand it answers the square. */
static int look(const void *arg, void *result)
{
    struct found *found = result;
    char question[64];
    found->number = *(const long *)arg;
    snprintf(question, sizeof question, "ask %ld", found->number);
    return witness_ask(question, found->number * found->number, &found->answer);
}

struct numbers {
    long next, last; /* last 0: they never end */
};

/* The source: 1, 2, 3 ... It tells the witness what is taken from it. */
static int next_number(void *state, void *item)
{
    struct numbers *numbers = state;
    char text[64];
    if (numbers->last && numbers->next > numbers->last)
        return 0;
    snprintf(text, sizeof text, "pull %ld", numbers->next);
    witness_tell(text);
    *(long *)item = numbers->next++;
    return 1;
}

/*
 * Looks for the number to which look() answers `wanted`.
 *
 * Takes numbers, each a long, from the source `next` with its `state`, and lets
 * the workers of the pool look() at several of them at once. The source may
 * never end: only a few numbers are taken ahead. The answers count as they
 * come, not in the order of the numbers: a slow one does not hold up another.
 * A number for which look() fails is passed over.
 *
 * Returns the first number whose answer comes and is `wanted`; -1 if the source
 * ended, and none was. The stream is closed then, also half-way; the pool stays
 * open. It prints nothing on stdout.
 */
static long first_hit(struct pool *pool, pool_source *next, void *state,
                      long wanted)
{
    /* ---- your code begins here ---- */
    /* TODO: open a stream, take what comes, stop at the hit, close it. */
    (void)look, (void)pool, (void)next, (void)state, (void)wanted;
    errno = ENOSYS;
    return -1;
    /* ---- and ends here ---- */
}

int main(int argc, char **argv)
{
    int workers = argc > 1 ? harness_count(argv[1]) : 4;
    long wanted = argc > 2 ? harness_number(argv[2]) : 49;
    struct numbers numbers = { 1, argc > 3 ? harness_count(argv[3]) : 0 };

    struct pool *pool = harness_open(workers);
    harness_begin();
    long number = first_hit(pool, next_number, &numbers, wanted);
    if (harness_end("first_hit", number == -1 ? -1 : 0, -1))
        printf("found: %ld\n", number);
    bool good = number != -1;
    return harness_close(pool) && good ? EXIT_SUCCESS : EXIT_FAILURE;
}
