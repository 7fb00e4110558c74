/*
 * loop.c - a timer and a pool in one loop: one thread, and poll() is the only
 * call that waits.
 *
 * usage: loop
 *
 * build: make lib && cc -O2 -Ipool -o loop examples/loop.c build/libpool.a
 *
 * The timer ticks five times a second, and each of eight ticks hands over one
 * more task: to count the primes below a number, the largest first. Nobody
 * waits for the answer. When there is one, the pool's descriptor becomes
 * readable, as a socket does when something has come, and pool_poll() runs the
 * callback that prints it. After the last tick the pool is closed; its
 * descriptor tells of the end of the last worker, too, so that joining it need
 * not wait either. The loop could be libuv's or GLib's: all it has to know is
 * the descriptor.
 *
 * Watch for: the ticks go on, however long the tasks take.
 */
#include "pool.h"
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { TICKS = 8, TICK_NS = 200000000 };

static int count_primes(const void *arg, void *result)
{
    long below = *(const long *)arg, count = 0;
    for (long n = 2; n < below; n++) {
        long d = 2;
        while (d * d <= n && n % d != 0)
            d++;
        count += d * d > n;
    }
    *(long *)result = count;
    return 0;
}

static void print_count(struct pool_result *result, void *cookie)
{
    long below = (long)cookie, count = *(const long *)pool_result_at(result, 0);
    printf("        %ld primes below %ld\n", count, below);
    pool_result_free(result);
}

static void print_failure(struct pool_result *result, void *cookie)
{
    struct pool_error error;
    pool_result_failure(result, 0, &error);
    printf("        no primes below %ld: %s\n", (long)cookie, error.text);
    pool_result_free(result);
}

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "loop: %s: %s\n", what, why);
    exit(1);
}

/* The timer's turn: hands one task over; closes the pool after the last. */
static void tick(int timer, struct pool *pool)
{
    static long ticks;
    uint64_t missed;
    if (read(timer, &missed, sizeof missed) < 0)
        give_up("timer", strerror(errno));
    long below = 250000 * (TICKS - ticks);
    printf("tick %ld\n", ++ticks);
    struct pool_job_options options = { .callback = print_count,
                                        .error_callback = print_failure,
                                        .cookie = (void *)below };
    if (!pool_apply_async(pool, count_primes, &below, sizeof below,
                          sizeof(long), &options))
        give_up("pool", pool_error()->text);
    if (ticks == TICKS) {
        timerfd_settime(timer, 0, &(struct itimerspec){ 0 }, NULL);
        pool_close(pool);
    }
}

/* Whether all is over. A timeout of 0 asks, and does not wait. */
static int is_over(struct pool *pool)
{
    if (pool_join(pool, 0) == 0)
        return 1;
    if (errno != EBUSY && errno != ETIMEDOUT) /* neither open, nor at work */
        give_up("pool", pool_error()->text);
    return 0;
}

int main(void)
{
    struct timespec often = { .tv_nsec = TICK_NS };
    struct itimerspec time = { .it_interval = often, .it_value = often };
    struct pool_options options = { .descriptor = true };
    struct pool *pool = pool_open(&options);
    if (!pool)
        give_up("pool", pool_error()->text);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (timer < 0 || timerfd_settime(timer, 0, &time, NULL) != 0)
        give_up("timer", strerror(errno));
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (!is_over(pool)) {
        struct pollfd fds[] = { { .fd = timer, .events = POLLIN },
                                { .fd = pool_descriptor(pool),
                                  .events = POLLIN } };
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            give_up("poll", strerror(errno));
        if (fds[0].revents)
            tick(timer, pool);
        if (fds[1].revents)
            pool_poll(pool);
    }
    close(timer);
    pool_free(pool);
    return 0;
}
