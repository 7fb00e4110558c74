/*
 * meet.h: what several chapters need, shown in chapter 3.
 *
 * Memory that processes share, tasks that wait for each other, and one clock
 * for all chapters. "These four run at once" is proved by four tasks that can
 * only end together, never by a sleep that hopes: so a program prints the same
 * on every run and on every machine.
 */
#ifndef MEET_H
#define MEET_H

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* [shared] */
/* Memory, all zero, that this process and all it starts later have in common:
   so call it before pool_open(). It goes when the last of them is gone. */
static inline void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(EXIT_FAILURE);
    }
    return memory;
}
/* [/shared] */

/* [meet] */
/* Waits until the count has reached `wanted`. */
static inline void wait_until(atomic_int *count, int wanted)
{
    while (atomic_load(count) < wanted)
        sched_yield(); /* let somebody else run, and look again */
}

/* Comes to the meeting point, and leaves it when `wanted` have come. */
static inline void meet(atomic_int *point, int wanted)
{
    atomic_fetch_add(point, 1);
    wait_until(point, wanted);
}
/* [/meet] */

/* [clock] */
/* How long a second of the documents is here: 50 ms, or $SCALE seconds. */
static inline double document_second(void)
{
    const char *scale = getenv("SCALE");
    char *end = NULL;
    double second = scale ? strtod(scale, &end) : 0.05;
    if (!scale || (end > scale && !*end && second > 0 && second <= 10))
        return second;
    fprintf(stderr, "SCALE=%s: how many seconds shall a second last?", scale);
    fprintf(stderr, " More than 0, at most 10; 1 is the full length.\n");
    exit(2);
}

/* Sleeps for so many seconds of the documents. */
static inline void document_sleep(double seconds)
{
    usleep((useconds_t)(seconds * document_second() * 1e6));
}

/* The time, in seconds of the documents, from some moment on. */
static inline double document_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return ((double)t.tv_sec + (double)t.tv_nsec / 1e9) / document_second();
}
/* [/clock] */

#endif
