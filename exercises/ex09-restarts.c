/*
 * Exercise 9: restarts.
 *
 * Give open_for_leaky() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex09 && ./ex09                          2 workers, 12 numbers
 *        ./ex09 LEAK LIMIT WORKERS NUMBER...          as you like
 *        make grade-09                                the verdict; make hint-09
 *
 * main() opens the pool by it, and maps a task that leaks over the numbers.
 */
#include "harness.h"

static size_t leak, limit; /* of the task below, in bytes */

/* The task. Each time it is run, it leaks so many bytes: its process never gets
   them back. It fails if its process would then have leaked more than `limit`.
   Otherwise it asks the witness about the number; by hand the answer is the
   square. */
static int leaky(const void *arg, void *result)
{
    static size_t leaked; /* by this process */
    long number = *(const long *)arg, answer = 0;
    char question[64];
    if (leak > limit - leaked)
        return pool_fail("out of memory: this process has leaked %zu bytes",
                         leaked);
    leaked += leak;
    snprintf(question, sizeof question, "ask %ld", number);
    int status = witness_ask(question, number * number, &answer);
    *(long *)result = answer;
    return status;
}

/*
 * Opens a pool for a task that leaks `leak` bytes each time it is run, in a
 * process that can bear `limit` bytes of that.
 *
 * The pool has `workers` workers, 1 or more. Each of them is replaced as soon
 * as the task would not fit into it once more, and not earlier: so no task
 * fails. If the task does not leak (0 bytes), no worker is ever replaced.
 *
 * Returns the pool, which main() ends. If not even one task fits into a
 * process, no pool is opened: NULL, and errno is ENOMEM. It prints nothing on
 * stdout.
 */
static struct pool *open_for_leaky(size_t leak, size_t limit, int workers)
{
    /* ---- your code begins here ---- */
    /* TODO: after how many tasks is a worker to be replaced? */
    (void)leak, (void)limit, (void)workers, (void)leaky;
    errno = ENOSYS;
    return NULL;
    /* ---- and ends here ---- */
}

int main(int argc, char **argv)
{
    long in[argc + 12];
    size_t n = 0;
    leak = argc > 1 ? (size_t)harness_number(argv[1]) : 300;
    limit = argc > 2 ? (size_t)harness_number(argv[2]) : 1000;
    int workers = argc > 3 ? harness_count(argv[3]) : 2;
    for (int i = 4; i < argc; i++)
        in[n++] = harness_number(argv[i]);
    while (n == 0 || (argc < 5 && n < 12)) {
        in[n] = (long)n + 1;
        n++;
    }

    harness_begin();
    struct pool *pool = open_for_leaky(leak, limit, workers);
    if (!harness_end("open_for_leaky", pool ? 0 : -1, -1))
        return EXIT_FAILURE;
    struct pool_job_options one = { .chunk = 1 };
    struct pool_result *job =
        pool_map_async(pool, leaky, in, n, sizeof *in, sizeof(long), &one);
    pool_result_wait(job, POOL_FOREVER);
    for (size_t i = 0; i < n; i++) {
        const long *answer = (const long *)pool_result_at(job, i);
        if (answer)
            printf("%ld -> %ld\n", in[i], *answer);
        else
            printf("%ld -> %s\n", in[i], pool_error()->text);
    }
    return harness_close(pool) ? EXIT_SUCCESS : EXIT_FAILURE;
}
