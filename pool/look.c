/*
 * look.c - the caller's side: how far a job is, and what the workers are doing.
 *
 * Nothing is counted for it while tasks run, but for one addition at the end of a chunk: all of it is read from what is
 * there anyway, tickets and slots. So what it tells is true of some moment a little while ago.
 */
#include "caller.h"
#include <errno.h>

/* What a slot tells is true of a chunk that it still holds afterwards. Each chunk only goes on, so their sum never
 * seems to go back; and what runs is looked for last, so that no item both runs and has ended. */
static void look_at_job(const struct pool_result *result, struct pool_progress *progress)
{
    struct region *region = result->pool->region;
    struct job *job = job_of(result);
    for (uint32_t chunk = 0; chunk < result->chunks; chunk++) {
        _Atomic uint32_t *ticket = job_ticket(job, chunk);
        uint32_t word = atomic_load(ticket), owner = word & TICKET_OWNER;
        size_t first = (size_t)chunk * job->chunk, end = job_chunk_end(job, chunk);
        if (!(word & TICKET_DONE) && owner) {
            struct slot *slot = &region->slots[owner - 1];
            size_t failed = atomic_load(&slot->failed), item = atomic_load(&slot->at) >> 32;
            word = atomic_load(ticket);
            progress->done += word & TICKET_DONE ? 0 : item - first;
            progress->failed += word & TICKET_DONE ? 0 : failed;
        }
        if (word & TICKET_DONE) {
            progress->done += end - first;
            progress->failed += chunk_failures(result, chunk, word);
        }
    }
    for (struct slot *slot = region->slots; slot < region->slots + region->workers; slot++)
        progress->running += atomic_load(&slot->aim) == job - region->jobs + 1 && runs_item(slot);
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
