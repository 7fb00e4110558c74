/**
 * @file bench.h
 * @brief What the bench's programs share: clock, checks, and the loop around what each system does.
 *
 * `make bench` compares the pool with its peers. There is one small program for each system; called with
 * the name of a case it measures one round of it and prints nanoseconds per operation (idle_worker: bytes),
 * called without it says which cases it has. Here is what all of them have in common, so that they differ only in how a
 * system is asked to do the work: how long a warm-up is, what is timed, that every result is looked at.
 * bench.sh runs them in turn and report.awk writes the table.
 *
 * A measurement that cannot be made, and any wrong result, ends the program with a message and status 1.
 * SHORT=1 in the environment makes all counts small: then the figures mean nothing, only that everything
 * works.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One case: its name, and the function that measures one round and returns its figure. */
struct bench_case {
    const char *name;
    double (*run)(void);
};

/** Squares one number in another process or thread, waits for it and returns the square. */
typedef long bench_one(long x);

/** Fills out[i] from in[i] for all n, each item a task (or a part of a map), and returns when all are there.
 */
typedef void bench_batch(const long *in, long *out, long n);

/** Says `system: case case ...` if there is no argument, else measures the case. Returns what main() returns.
 */
int bench_main(int argc, char **argv, const char *system, const struct bench_case *cases);

/** Prints a message and ends the program with status 1. */
void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/** The monotonic clock, in nanoseconds. */
double bench_now(void);

/** n; a twentieth of it, but at least 1, if the run is to be short. */
long bench_count(long n);

/** The cores this program could use when it started. */
int bench_cores(void);

/** Ties the calling thread, and what it starts from now on, to the first (0) or the last (1) of these cores.
 */
void bench_pin(int which);

/** Measures round trips, one after another without a pause. */
double bench_warm(bench_one *square, long n);

/** Measures single round trips, each begun when every other thread and process of this program is asleep. */
double bench_cold(bench_one *square);

/** Measures a batch of n squares: one pass that is not timed, then one that is, into memory that was used
 * before. */
double bench_squares(bench_batch *batch, long n);

/** Measures how long counting primes takes; `batch` is to call bench_primes() for each item. */
double bench_cpu(bench_batch *batch);

/** Counts the primes of one block of numbers by trial division: work that needs a core and no memory. */
long bench_primes(long block);

/** Measures how long 32 items take that do nothing, except for the first two; `batch` is to call bench_skewed() for
 * each. */
double bench_skew(bench_batch *batch);

/** Takes half a second for the items 0 and 1, and no time for any other, and returns its number. It sleeps, so that
 * the figure says who got which items, and nothing about the cores. */
long bench_skewed(long item);

/** The size of a large result: 256 MiB. */
size_t bench_large_size(void);

/** Measures getting a large result several times: `get` has it written, all bytes the same, and says how long it took
 * until it could be read. Returns what the first time took, when no page of it had been touched, or the median of
 * the later ones. */
double bench_large(double (*get)(unsigned char byte), bool first);

/** Looks at a large result. */
void bench_check_large(const unsigned char *result, unsigned char byte);

#ifdef __cplusplus
}
#endif

#endif
