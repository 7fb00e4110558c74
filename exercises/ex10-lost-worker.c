/*
 * Exercise 10: a lost worker.
 *
 * Give ask_all_stubborn() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex10 && ./ex10             4 workers, 3 tries, numbers 1 to 10
 *        ./ex10 WORKERS TRIES NUMBER...  as you like
 *        make grade-10                   the verdict; make hint-10 if stuck
 *
 * main() opens the pool and ends it, and prints each answer.
 */
#include "harness.h"
#include <stdatomic.h>
#include <sys/mman.h>

enum { BY_HAND = 10 };

static atomic_int *tried; /* by hand: how often each of the first numbers was */

/* By hand there is no witness, and nobody kills. So 3 takes its worker along
   once, 7 twenty times; and to 5 there is no answer. */
static int mishap(long number)
{
    if (getenv("WITNESS") || number < 1 || number > BY_HAND)
        return 0;
    int before = atomic_fetch_add(&tried[number], 1);
    if (before < (number == 7 ? 20 : number == 3))
        raise(SIGKILL);
    return number == 5 ? pool_fail("nobody knows about 5") : 0;
}

/* The task. Asks the witness about a number; by hand it answers the square. */
static int ask(const void *arg, void *result)
{
    long number = *(const long *)arg, answer;
    char question[64];
    snprintf(question, sizeof question, "ask %ld", number);
    int status = mishap(number);
    if (status == 0)
        status = witness_ask(question, number * number, &answer);
    *(long *)result = status == 0 ? answer : 0;
    return status;
}

/*
 * Asks about n numbers, in rounds.
 *
 * In the first round workers of the pool run ask() for each number, as many at
 * once as there are workers; out[i] is the answer to in[i]. A number is lost if
 * its worker dies in the middle of ask(). Each later round is for those that
 * were lost in the one before, and begins when that is over: for what killed
 * the worker, such as too little memory, may be over then, too. (The option
 * `retries` would try again at once, while others are still at work.) The end
 * comes when nothing was lost, or after `tries` rounds.
 *
 * Nothing else is tried again: not a number that had its answer, and not one
 * for which ask() returned failure, for that is an answer, too. n and tries are
 * at least 1.
 *
 * Returns 0 if every number has its answer; exactly -1 if some have none: these
 * have 0 in out, and the others their answers all the same. The pool stays
 * open. It prints nothing on stdout.
 */
static int ask_all_stubborn(struct pool *pool, const long *in, size_t n,
                            long *out, int tries)
{
    /* ---- your code begins here ---- */
    /* TODO: hand all over, and wait; then those that were lost; and again. */
    (void)ask, (void)pool, (void)in, (void)n, (void)out, (void)tries;
    errno = ENOSYS;
    return -1;
    /* ---- and ends here ---- */
}

static void tell_tries(void)
{
    fprintf(stderr, "tried:");
    for (int number = 1; number <= BY_HAND; number++)
        fprintf(stderr, " %d", tried[number]);
    fprintf(stderr, " times\n");
}

int main(int argc, char **argv)
{
    long in[argc + BY_HAND], out[argc + BY_HAND];
    size_t n = 0;
    int workers = argc > 1 ? harness_count(argv[1]) : 4;
    int tries = argc > 2 ? harness_count(argv[2]) : 3;
    for (int i = 3; i < argc; i++)
        in[n++] = harness_number(argv[i]);
    for (; argc < 4 && n < BY_HAND; n++)
        in[n] = (long)n + 1;
    memset(out, 0, sizeof out);
    tried = mmap(NULL, (BY_HAND + 1) * sizeof *tried, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tried == MAP_FAILED) {
        perror("mmap");
        return EXIT_FAILURE;
    }

    struct pool *pool = harness_open(workers);
    harness_begin();
    int status = ask_all_stubborn(pool, in, n, out, tries);
    bool good = harness_end("ask_all_stubborn", status, -1);
    for (size_t i = 0; i < n; i++)
        printf("%ld -> %ld\n", in[i], out[i]);
    if (!getenv("WITNESS") && argc < 4)
        tell_tries();
    return harness_close(pool) && good ? EXIT_SUCCESS : EXIT_FAILURE;
}
