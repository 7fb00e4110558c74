/*
 * Exercise 13: timing.
 *
 * Give chunk_for() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex13 && ./ex13                       some questions
 *        ./ex13 TASK HANDING N WORKERS ...         as you like, four by four
 *        make grade-13                             the verdict; make hint-13
 *
 * main() prints the chunk for each question; by hand also what it costs.
 */
#include "harness.h"

/*
 * Says how many items a worker is to take at a time.
 *
 * One item takes `task` microseconds, more than 0; to hand one chunk over takes
 * `handing` microseconds, 0 or more. There are n items, at least 1, and so many
 * workers, at least 1.
 *
 * The chunk is a number from 1 to n, for which three things hold:
 * 1. It is at least 1, whatever comes out below.
 * 2. It is at most n / (4 * workers), rounded down: so that there are four full
 *    chunks for each worker, and one that is done early can take another.
 * 3. Handing it over takes at most a hundredth of the time that its items take.
 * The first counts more than the second, the second more than the third: where
 * the third cannot be had, the chunk is as large as the others allow. Whatever
 * satisfies all three is right.
 */
static size_t chunk_for(double task, double handing, size_t n, size_t workers)
{
    /* ---- your code begins here ---- */
    /* TODO: as large as a hundredth needs it, but no larger than four each */
    (void)task, (void)handing, (void)n, (void)workers;
    errno = ENOSYS;
    return 0;
    /* ---- and ends here ---- */
}

/* A time in microseconds; what is none ends the program. */
static double microseconds(const char *text, double least)
{
    char *end;
    double time = strtod(text, &end);
    if (end > text && !*end && time >= least && time < 1e12)
        return time;
    fprintf(stderr, "'%s' is no time in microseconds\n", text);
    exit(2);
}

static void answer(char **question)
{
    double task = microseconds(question[0], 1e-6);
    double handing = microseconds(question[1], 0);
    size_t n = (size_t)harness_count(question[2]);
    size_t workers = (size_t)harness_count(question[3]);
    errno = 0;
    size_t chunk = chunk_for(task, handing, n, workers);
    printf("%zu\n", chunk);
    if (errno == ENOSYS)
        fprintf(stderr, "errno is %d: it has no body yet, see TODO\n", errno);
    if (!getenv("WITNESS") && chunk > 0)
        fprintf(stderr,
                "  %s us, handing over %s us, %zu items, %zu workers: "
                "%zu chunks, handing over is %.2f %%\n",
                question[0], question[1], n, workers, (n + chunk - 1) / chunk,
                100 * handing / (task * (double)chunk));
}

int main(int argc, char **argv)
{
    static char *some[] = { "1",    "0.04", "10000", "2", "50", "0.15",
                            "1000", "4",    "0.5",   "5", "3",  "2",
                            "300",  "2",    "100",   "8" };
    int n = argc > 1 ? argc - 1 : 16;
    if (n % 4 != 0) {
        fprintf(stderr, "usage: ./ex13 [TASK HANDING N WORKERS]...\n");
        return 2;
    }
    for (int i = 0; i < n; i += 4)
        answer(argc > 1 ? argv + 1 + i : some + i);
    return EXIT_SUCCESS;
}
