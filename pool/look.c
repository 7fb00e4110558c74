/*
 * look.c - the caller's side: how far a job is, and what the workers are doing.
 *
 * Nothing is counted for it while tasks run, but for one addition at the end of a chunk: all of it is read from what is
 * there anyway, tickets and slots. So what it tells is true of some moment a little while ago.
 */
#include "caller.h"
#include <errno.h>

/* What a worker has done of a chunk, how much of that failed, and whether it runs another item of it. */
struct part {
    uint32_t chunk, done, running, failed;
};

/* Notes what each worker has done of the chunk of this job that it holds. */
static void look_at_slots(const struct pool_result *result, struct part *parts)
{
    struct region *region = result->pool->region;
    struct job *job = job_of(result);
    for (uint32_t i = 0; i < region->workers; i++) {
        struct slot *slot = &region->slots[i];
        uint32_t chunk = atomic_load(&slot->chunk), aim = atomic_load(&slot->aim);
        uint64_t at = atomic_load(&slot->at), item = at >> 32, first = (uint64_t)chunk * job->chunk;
        bool mine = aim == job - region->jobs + 1 && item >= first && item <= job_chunk_end(job, chunk);
        uint32_t running = at % 2 && !atomic_load(&slot->dead_pid);
        parts[i] =
            (struct part){ mine ? chunk : UINT32_MAX, (uint32_t)(item - first), running, atomic_load(&slot->failed) };
    }
}

/* Slots first, then tickets: what a slot told of a chunk that has ended meanwhile is not counted. So the sum lies
 * between what was true at the beginning and at the end, and never seems to go back. */
static void look_at_job(const struct pool_result *result, struct pool_progress *progress)
{
    struct job *job = job_of(result);
    struct part parts[POOL_MAX_PROCESSES];
    look_at_slots(result, parts);
    for (uint32_t chunk = 0; chunk < result->chunks; chunk++) {
        uint32_t word = atomic_load(job_ticket(job, chunk)), owner = word & TICKET_OWNER;
        if (word & TICKET_DONE) {
            progress->done += job_chunk_end(job, chunk) - (size_t)chunk * job->chunk;
            progress->failed += chunk_failures(result, chunk, word);
        } else if (owner && parts[owner - 1].chunk == chunk) {
            progress->done += parts[owner - 1].done;
            progress->running += parts[owner - 1].running;
            progress->failed += parts[owner - 1].failed;
        }
    }
}

int pool_result_progress(struct pool_result *result, struct pool_progress *progress)
{
    if (!result || !progress)
        return error_set(EINVAL, "pool_result_progress: %s is NULL", result ? "progress" : "result");
    VISIT in = visit_result(result, "pool_result_progress", false);
    if (!in.pool)
        return -1;
    *progress = (struct pool_progress){ .count = result->count };
    look_at_job(result, progress);
    return 0;
}

int pool_workers(struct pool *pool, struct pool_worker *workers, int most)
{
    VISIT in = visit(pool, NULL, "pool_workers", false);
    if (!in.pool)
        return -1;
    int count = pool_processes(pool);
    for (int i = 0; workers && i < count && i < most; i++) {
        struct slot *slot = &pool->region->slots[i];
        pid_t pid;
        do { /* what runs is told of the worker that runs it */
            pid = atomic_load(&slot->pid);
            uint64_t retry_at = atomic_load(&slot->retry_at), now = pid || !retry_at ? 0 : now_ns();
            workers[i] = (struct pool_worker){ .pid = pid,
                                               .number = slot->worker,
                                               .deaths = slot->deaths,
                                               .finished = atomic_load(&slot->finished),
                                               .running = pid && runs_item(slot),
                                               .retry_in = now && retry_at > now ? (double)(retry_at - now) / 1e9 : 0 };
        } while (atomic_load(&slot->pid) != pid);
    }
    return count;
}
