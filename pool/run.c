/*
 * run.c - what a worker does with a chunk it has taken: it runs the items, one after the other.
 *
 * Before an item runs the slot says so, and how it ended is published before the slot goes on to the next: so whatever
 * instruction the worker is killed at, its successor (heal.c) knows the one item that may be lost. The common item
 * costs one store and the call of its task. What few want beside it is in guard.c: pictures, canaries, time limits.
 *
 * It does not know where chunks come from (worker.c).
 */
#define _GNU_SOURCE
#include "inside.h"

int run_row(const void *arg, void *result)
{
    const struct row *row = arg;
    const void *args[MOST_COLUMNS];
    for (size_t i = 0; i < row->ncolumns; i++)
        args[i] = (const char *)row + row->at[i];
    return ((pool_star_task *)((uintptr_t)row->task + worker_self()->region->shift))(args, result);
}

/* Runs items one after the other, as long as anybody wants them. Returns the first one it did not run. */
static uint64_t run_items(struct worker *w, struct job *job, uint64_t item, uint64_t end)
{
    uint64_t deaths = (uint32_t)atomic_load(&w->slot->at); /* of the first item */
    char *arg = job->args + item * job->width, *result = job->results + item * job->result_width;
    for (; item < end && !atomic_load(&job->given_up); item++, deaths = 0) {
        note64(&w->slot->at, item << 32 | deaths | 1);
        int status = run_task(w, job->task, arg, result);
        if (status || atomic_load(&w->slot->run))
            settle_item(w, job, item, status);
        arg += job->width;
        result += job->result_width;
    }
    return item;
}

bool end_chunk(struct region *region, struct slot *slot, struct job *job, uint64_t item, enum give_up why)
{
    bool all = why == atomic_load(&job->given_up) && item == (uint64_t)atomic_load(&slot->chunk) * job->chunk;
    if (!all)
        note_rest(slot, job, item, job_chunk_end(job, atomic_load(&slot->chunk)), why);
    return finish_chunk(region, slot, job, all ? TICKET_DONE | TICKET_CANCELLED : TICKET_DONE);
}

bool run_chunk(struct worker *w, struct job *job)
{
    struct slot *slot = w->slot;
    uint64_t first = atomic_load(&slot->at) >> 32;
    uint64_t end = job_chunk_end(job, atomic_load(&slot->chunk));
    uint64_t last = w->left < 0 || end - first < (uint64_t)w->left ? end : first + (uint64_t)w->left;
    w->in_task = true;
    bool guarded = w->region->trace || w->region->check || job->limit > 0;
    uint64_t item = (guarded ? run_guarded : run_items)(w, job, first, last);
    w->in_task = false;
    w->left -= w->left < 0 ? 0 : (long)(item - first);
    note64(&slot->at, item << 32); /* not running */
    count_finished(slot, item);
    if (item < end && w->left == 0 && !atomic_load(&job->given_up))
        return false;
    bool free = item < end ? end_chunk(w->region, slot, job, item, atomic_load(&job->given_up))
                           : finish_chunk(w->region, slot, job, TICKET_DONE);
    return free && w->left != 0;
}
