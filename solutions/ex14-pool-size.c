/*
 * Exercise 14: pool size.
 *
 * Give workers_for() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex14 && ./ex14                            some questions
 *        ./ex14 CPU WAIT ITEMS BYTES_EACH BYTES_FREE ... as you like
 *        make grade-14                                  the verdict; make
 * hint-14
 *
 * main() prints the number of workers for each question.
 */
#define _GNU_SOURCE
#include "harness.h"
#include <sched.h>

/*
 * Says how many workers a pool is to have.
 *
 * There are `items` tasks, at least 1. Each computes for `cpu` seconds, more
 * than 0, and waits for `wait` seconds, 0 or more. A worker needs `bytes_each`
 * bytes of memory, 0 or more, and `bytes_free` bytes are free.
 *
 * 1. There is at least 1 worker, whatever comes out below.
 * 2. All of them together need at most `bytes_free` bytes.
 * 3. There are not more workers than items.
 * 4. As far as these allow, there are as many as keep all cores busy that this
 *    process may use just now: cores * (cpu + wait) / cpu, rounded up or down.
 *    (Not all cores of the machine are its own: a process can be bound to
 *    some of them.)
 */
static int workers_for(double cpu, double wait, size_t items, size_t bytes_each,
                       size_t bytes_free)
{
    /* ---- your code begins here ---- */
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        CPU_ZERO(&mine);
    double workers = CPU_COUNT(&mine) * (cpu + wait) / cpu;
    if (workers > (double)items)
        workers = (double)items;
    if (bytes_each > 0 && workers > (double)(bytes_free / bytes_each))
        workers = (double)(bytes_free / bytes_each);
    return workers < 1 ? 1 : (int)workers;
    /* ---- and ends here ---- */
}

static double number(const char *text, double least)
{
    char *end;
    double value = strtod(text, &end);
    if (end > text && !*end && value >= least && value < 1e15)
        return value;
    fprintf(stderr, "'%s' is no number from %g on\n", text, least);
    exit(2);
}

int main(int argc, char **argv)
{
    static char *some[] = { "1",    "0",    "1000", "1000000", "8000000000",
                            "0.01", "0.99", "1000", "1000000", "8000000000",
                            "0.01", "0.99", "10",   "1000000", "8000000000",
                            "0.01", "0.99", "1000", "1000000", "20000000" };
    int n = argc > 1 ? argc - 1 : 20;
    char **question = argc > 1 ? argv + 1 : some;
    if (n % 5 != 0) {
        fprintf(stderr, "usage: ./ex14 [CPU WAIT ITEMS BYTES_EACH BYTES_FREE]"
                        "...\n");
        return 2;
    }
    for (char **q = question; q < question + n; q += 5) {
        errno = 0;
        int workers = workers_for(
            number(q[0], 1e-9), number(q[1], 0), (size_t)number(q[2], 1),
            (size_t)number(q[3], 0), (size_t)number(q[4], 0));
        printf("%d\n", workers);
        if (errno == ENOSYS)
            fprintf(stderr, "errno is %d: it has no body yet, see TODO\n",
                    errno);
        else if (!getenv("WITNESS"))
            fprintf(stderr,
                    "  computes %s s, waits %s s, %s items, %s of %s "
                    "bytes\n",
                    q[0], q[1], q[2], q[3], q[4]);
    }
    return EXIT_SUCCESS;
}
