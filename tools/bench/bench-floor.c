/*
 * bench-floor.c - how fast the machine is: what no pool can do much better than.
 *
 * apply: a cache line goes to another core and back; nothing that answers from another core is faster.
 * apply_cold: a sleeper is woken with a futex, and wakes its waker the same way. restart: fork, exit and
 * wait of a process that has next to no memory of its own. cpu: the time of one core, divided by the number
 * of cores. skew: the longest item, or both long ones on a single core. large and large_first: one memcpy of so much,
 * between pages that were used before.
 *
 * The other side is a forked process, so it pays for the same walls between address spaces that a worker
 * pays for. A machine with one core has no floor for apply: there the two take turns (sched_yield), which
 * is another measure.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIPS = 300000, FORKS = 1000 };

static const long quit = LONG_MIN; /* the number that is no question */

/* One cache line. `turn` goes up by one with each question and by one more with its answer. */
static struct line {
    _Alignas(64) _Atomic uint32_t turn;
    long number;
} * line;

static bool sleepy; /* wait in a futex; else: look again and again */

static void wait_while(uint32_t turn)
{
    while (atomic_load_explicit(&line->turn, memory_order_acquire) == turn) {
        if (sleepy) {
            syscall(SYS_futex, &line->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
        } else if (bench_cores() == 1) {
            sched_yield();
        }
    }
}

static void pass_on(uint32_t turn)
{
    atomic_store_explicit(&line->turn, turn, memory_order_release);
    if (sleepy) {
        syscall(SYS_futex, &line->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}

static void answer(pid_t asker)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != asker) {
        _exit(1);
    }
    for (uint32_t turn = 0;; turn += 2) {
        wait_while(turn);
        if (line->number == quit) {
            _exit(0);
        }
        line->number *= line->number;
        pass_on(turn + 2);
    }
}

static long ask(long x)
{
    uint32_t turn = atomic_load_explicit(&line->turn, memory_order_relaxed) + 1;

    line->number = x;
    pass_on(turn);
    wait_while(turn);
    return line->number;
}

static void start_other_side(bool pinned)
{
    line = mmap(NULL, sizeof *line, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (line == MAP_FAILED) {
        bench_die("no shared memory");
    }
    if (pinned) {
        bench_pin(1);
    }
    pid_t me = getpid(), other = fork();
    if (other < 0) {
        bench_die("cannot fork");
    }
    if (other == 0) {
        answer(me);
    }
    if (pinned) {
        bench_pin(0);
    }
}

static void end_other_side(void)
{
    line->number = quit;
    pass_on(atomic_load(&line->turn) + 1);
    wait(NULL);
}

static double apply(void)
{
    start_other_side(true);
    double ns = bench_warm(ask, bench_count(TRIPS));
    end_other_side();
    return ns;
}

static double cold(bool pinned)
{
    sleepy = true;
    start_other_side(pinned);
    double ns = bench_cold(ask);
    end_other_side();
    return ns;
}

static double apply_cold(void)
{
    return cold(true);
}

static double apply_cold_unpinned(void)
{
    return cold(false);
}

static void count_alone(const long *in, long *out, long n)
{
    for (long i = 0; i < n; i++) {
        out[i] = bench_primes(in[i]);
    }
}

static double cpu(void)
{
    return bench_cpu(count_alone) / bench_cores();
}

static double restart(void)
{
    long n = bench_count(FORKS);
    double start = bench_now();

    for (long i = 0; i < n; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            _exit(7);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7) {
            bench_die("fork number %ld failed", i);
        }
    }
    return (bench_now() - start) / (double)n;
}

static void longest_item(const long *in, long *out, long n)
{
    for (long i = n; i-- > 0;) {
        out[i] = i == 0 && bench_cores() > 1 ? in[i] : bench_skewed(in[i]);
    }
}

static double skew(void)
{
    return bench_skew(longest_item);
}

static unsigned char *from, *to;

static double copy(unsigned char byte)
{
    memset(from, byte, bench_large_size());
    double begin = bench_now();
    memcpy(to, from, bench_large_size());
    double took = bench_now() - begin;
    bench_check_large(to, byte);
    return took;
}

static double large(void)
{
    from = malloc(bench_large_size());
    to = malloc(bench_large_size());
    if (!from || !to) {
        bench_die("no memory for two large results");
    }
    double ns = bench_large(copy, false);
    free(from);
    free(to);
    return ns;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        { "apply", apply },
        { "apply_cold", apply_cold },
        { "apply_cold_unpinned", apply_cold_unpinned },
        { "restart", restart },
        { "cpu", cpu },
        { "skew", skew },
        { "large", large },
        { "large_first", large },
        { NULL, NULL },
    };

    return bench_main(argc, argv, "floor", cases);
}
