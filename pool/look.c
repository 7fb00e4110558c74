/*
 * look.c - the caller's side: how far a job is, and what the workers are doing.
 *
 * Nothing is counted for it while tasks run, but for one addition at the end of a chunk: all of it is read from what is
 * there anyway, tickets and slots. So what it tells is true of some moment a little while ago, and a program that wants
 * to draw a bar asks again.
 */
#include "caller.h"
#include <errno.h>

static size_t count_ended(const struct pool_result *result)
{
    struct job *job = job_of(result);
    size_t ended = 0;
    for (uint32_t chunk = 0; chunk < result->chunks; chunk++)
        if (atomic_load(job_ticket(job, chunk)) & TICKET_DONE) /* before its notes */
            ended += job_chunk_end(job, chunk) - (size_t)chunk * job->chunk;
    return ended;
}

static size_t count_failed(const struct pool_result *result)
{
    size_t failed = 0;
    for (size_t item = 0; item < result->count; item++) {
        const struct note *note = result_note(result, item);
        failed += note && note->kind != NOTE_REPLY;
    }
    return failed;
}

/* Adds what the workers have done of chunks that are not done. */
static void add_running(const struct pool_result *result, struct pool_progress *progress)
{
    struct region *region = result->pool->region;
    struct job *job = job_of(result);
    for (uint32_t i = 0; i < region->workers; i++) {
        struct slot *slot = &region->slots[i];
        uint32_t chunk = atomic_load(&slot->chunk);
        uint64_t at = atomic_load(&slot->at), first = (uint64_t)chunk * job->chunk;
        if (atomic_load(&slot->aim) != job - region->jobs + 1 || chunk >= result->chunks)
            continue;
        if ((atomic_load(job_ticket(job, chunk)) & (TICKET_OWNER | TICKET_DONE)) != i + 1)
            continue;
        progress->running += at % 2;
        if (at >> 32 >= first && at >> 32 < job_chunk_end(job, chunk))
            progress->done += (at >> 32) - first;
    }
}

int pool_result_progress(struct pool_result *result, struct pool_progress *progress)
{
    if (!result || !progress)
        return error_set(EINVAL, "pool_result_progress: %s is NULL", result ? "progress" : "result");
    if (!pool_may(result->pool, "pool_result_progress", false))
        return -1;
    *progress = (struct pool_progress){ .count = result->count, .done = result->count };
    pthread_mutex_lock(&result->pool->lock);
    if (!pool_result_ready(result)) {
        progress->done = count_ended(result);
        add_running(result, progress);
    }
    progress->failed = count_failed(result);
    pthread_mutex_unlock(&result->pool->lock);
    return 0;
}

int pool_workers(struct pool *pool, struct pool_worker *workers, int most)
{
    if (!pool_may(pool, "pool_workers", false))
        return -1;
    int count = pool_processes(pool);
    for (int i = 0; i < count && i < most; i++) {
        struct slot *slot = &pool->region->slots[i];
        workers[i] = (struct pool_worker){ .pid = atomic_load(&slot->pid),
                                           .number = slot->worker,
                                           .deaths = slot->deaths,
                                           .finished = atomic_load(&slot->finished),
                                           .running = atomic_load(&slot->aim) && atomic_load(&slot->at) % 2 };
    }
    return count;
}
