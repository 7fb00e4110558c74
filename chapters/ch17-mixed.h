/*
 * ch17-mixed.h: threads read, processes scale. Is it faster, and does it hang?
 */
#ifndef CH17_MIXED_H
#define CH17_MIXED_H

#include "asleep.h"
#include "ch17-jobs.h"
#include <pthread.h>

static int pictures; /* so many are to be read and scaled */
static bool hung;    /* nobody can go on any more */

static int next_job(void *state, void *item)
{
    int *next = state;
    if (*next == pictures)
        return 0;
    memcpy(item, &job[(*next)++], sizeof *job);
    return 1;
}

/* The next result of a stream; those that failed are named, and passed over. */
static int next_good(struct pool_iter *stream, void *result, double seconds)
{
    int more;
    while ((more = pool_iter_next(stream, result, seconds)) < 0 &&
           pool_error()->item != POOL_NO_ITEM)
        fprintf(stderr, CHAPTER ": %s\n", pool_error()->text);
    return more;
}

/* A thread's task. Its result is an address: all threads have this memory. */
static int read_one(const void *job, void *result)
{
    struct picture **picture = result;
    *picture = malloc(sizeof **picture);
    if (*picture && read_picture(job, *picture) == 0)
        return 0;
    free(*picture);
    return -1;
}

/* [read] */
/* The source of what the processes get: what the threads have read, as bytes,
   and only as many as there are. */
static int next_picture(void *read, void *item)
{
    struct picture *picture;
    int more = next_good(read, &picture, POOL_FOREVER);
    if (more == 1) {
        memcpy(item, picture, offsetof(struct picture, jpeg) + picture->size);
        free(picture);
    }
    return more;
}
/* [/read] */

/* True if all workers are in a task, asleep, and nobody is there to wake them:
   other threads of ours do not know of their locks. */
static bool all_wait(struct pool *pool)
{
    struct pool_worker worker[FEW];
    pid_t pid[FEW];
    int size = pool_workers(pool, worker, FEW);
    if (size > FEW)
        return false; /* it is not asked for more */
    for (int i = 0; i < size; i++) {
        pid[i] = worker[i].pid;
        if (pid[i] == 0 || !worker[i].running)
            return false;
    }
    return all_asleep(pid, size);
}

/* Returns how many thumbnails were made. */
static int both(struct pool *readers, struct pool *scalers, pool_task *scaling)
{
    int next = 0, made = 0, more;
    struct pool_iter *read, *scaled;
    read = pool_imap_unordered(readers, read_one, next_job, &next, sizeof *job,
                               sizeof(struct picture *), NULL);
    scaled = pool_imap_unordered(scalers, scaling, next_picture, read,
                                 sizeof(struct picture), 0, NULL);
    check(read && scaled);
    hung = false;
    while (!hung && (more = next_good(scaled, NULL, 0.1)) != 0) {
        check(more == 1 || errno == ETIMEDOUT);
        made += more == 1;
        hung = more < 0 && all_wait(scalers);
    }
    for (struct picture *left; next_good(read, &left, POOL_FOREVER) == 1;)
        free(left);
    return made;
}

/* --- Is it faster? ------------------------------------------------------ */

/* Seconds; without readers each process reads its pictures itself. Scalers: 0
   becomes one for each core. */
static double timed(int readers, int *scalers)
{
    struct pool *first = open_kind(POOL_PROCESSES, *scalers), *second = NULL;
    *scalers = pool_processes(first);
    if (readers)
        second = open_kind(POOL_THREADS, readers);
    double start = now();
    if (readers)
        check(both(second, first, scale_picture) == pictures);
    else
        check(pool_map(first, make_thumbnail, job, (size_t)pictures,
                       sizeof *job, NULL, 0) == 0);
    double seconds = now() - start;
    if (readers)
        finish(second);
    finish(first);
    return seconds;
}

static void late_reads(void)
{
    int cores = 0;
    write_to("late");
    pictures = SOME;
    printf("%d pictures              at once    each read waits 20 ms\n", SOME);
    for (int row = 0; row < 3; row++) {
        int readers = row == 1 ? 4 * cores : 0;
        int scalers = row == 2 ? 4 * cores : cores;
        wait_us = 0;
        double at_once = timed(readers, &scalers);
        wait_us = 20000;
        double late = timed(readers, &scalers);
        if (readers)
            printf("%2d threads, ", readers);
        else
            printf("%-12s", "map,");
        printf("%2d processes %6.2f s   %6.2f s\n", scalers, at_once, late);
        if (row == 0)
            cores = scalers;
    }
    wait_us = 0;
}

/* --- Does it hang? ------------------------------------------------------ */

/* [lock] */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of some notes */
static atomic_int holding, let_go;

/* A reader that keeps the lock as long as we like. */
static int hold(const void *unused, void *nothing)
{
    (void)unused, (void)nothing;
    pthread_mutex_lock(&lock);
    holding = 1;
    wait_until(&let_go, 1);
    return pthread_mutex_unlock(&lock);
}

static int note_and_scale(const void *picture, void *nothing)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    return scale_picture(picture, nothing);
}

static void in_order(const char *who, bool processes_first,
                     const struct pool_options *options)
{
    struct pool *scalers = processes_first ? pool_open(options) : NULL;
    struct pool *readers = open_kind(POOL_THREADS, 2);
    holding = let_go = 0;
    check(pool_apply_async(readers, hold, NULL, 0, 0, NULL) != NULL);
    wait_until(&holding, 1);
    if (!processes_first)
        scalers = pool_open(options);
    check(scalers != NULL);
    int made = both(readers, scalers, note_and_scale);
    printf("%-37s %d of %d%s\n", who, made, pictures,
           hung ? ", and all are asleep" : "");
    let_go = 1;
    pool_free(scalers); /* ends them, asleep or not */
    finish(readers);
}
/* [/lock] */

static void four_orders(void)
{
    write_to("order");
    pictures = FEW;
    printf("A reader holds a lock all the time. Two processes scale:\n");
    in_order("broken: threads, then processes", false,
             &(struct pool_options){ .processes = 2 });
    in_order("cured: processes, then threads", true,
             &(struct pool_options){ .processes = 2 });
    in_order("  and a new process for each picture", true,
             &(struct pool_options){ .processes = 2, .maxtasks = 1 });
    in_order("cured: threads, then new runs (spawn)", false,
             &(struct pool_options){ .processes = 2, .start = POOL_SPAWN });
}

#endif
