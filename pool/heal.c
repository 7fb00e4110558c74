/*
 * heal.c - what becomes of the work of a worker that died.
 *
 * A worker can be killed between any two instructions, so whatever it holds it first notes in its slot. A dead
 * process's own stores are a prefix of its program, so its successor, which starts by reading the slot, is never told
 * too little:
 *
 *     the ticket bears the slot's number   the noted item failed with its worker; go on with the next one
 *     the ticket is DONE                   the wake-up that follows may be missing: repeat it
 *     anything else                        nothing was held
 *
 * Every step may be repeated, so a successor that is killed while it heals is healed in its turn. Nothing is put back
 * into a queue, and nobody else has to do anything.
 */
#include "cells.h"
#include "inside.h"
#include <string.h>
#include <sys/wait.h>

/* Says in a note how the item failed in whose middle the worker died, unless how it ended was already published. */
static void fail_item(struct region *region, struct slot *slot, struct job *job, uint64_t item)
{
    uint32_t word = atomic_load(&job->notes[item]);
    if (word && word == (uint32_t)atomic_load(&slot->run))
        note_publish(region, slot, job, item);
    if (word)
        return;
    uint64_t until = atomic_load(&slot->limit_until);
    bool limit = until && slot->dead_at >= until && WIFSIGNALED(slot->dead_status);
    struct note *note = note_new(region, slot, limit ? NOTE_LIMIT : NOTE_DEATH, 0);
    if (note) {
        note->pid = atomic_load(&slot->dead_pid);
        note->status = slot->dead_status;
        note->limit = limit ? job->limit : 0;
        note_publish(region, slot, job, item);
    } else {
        note_absent(job, item, NO_MEMORY);
    }
    if (job->fail_fast)
        give_up(job, GIVEN_UP_FAILED);
}

/* The item in whose middle the worker died: unless how it ended was already published, it failed, or is to run again;
 * one that was cancelled will be dealt with as one that has not begun. Returns where to go on. */
static uint64_t settle_death(struct region *region, struct slot *slot, struct job *job)
{
    uint64_t at = atomic_load(&slot->at), item = at >> 32;
    uint32_t word = atomic_load(&job->notes[item]);
    if (!word && (atomic_load(&job->given_up) == GIVEN_UP_CANCEL || (uint32_t)at >> 1 < job->retries)) {
        note_drop(region, slot);
        memset(job->results + item * result_stride(region, job->result_width), 0, job->result_width);
        return at + 1; /* one more death, not running */
    }
    if (word)
        count_finished(slot, item + 1);
    count_from(slot, item + 1);
    fail_item(region, slot, job, item);
    return (item + 1) << 32;
}

/* Settles the chunk that the dead worker held, if somebody is to know of its death, and counts what failed in it.
 * Returns where to go on. */
static uint64_t settle_chunk(struct region *region, struct slot *slot, struct job *job, bool tell)
{
    uint64_t at = atomic_load(&slot->at), item = (uint64_t)atomic_load(&slot->chunk) * job->chunk;
    uint32_t failed = 0;
    if (at % 2 && tell)
        at = settle_death(region, slot, job);
    note64(&slot->at, at);
    for (; atomic_load(&job->noted) && item < at >> 32; item++)
        failed += note_says_failed(region, atomic_load(&job->notes[item]));
    note32(&slot->failed, failed);
    return at;
}

/* Opens a lock if the dead worker of a slot held it. It may have counted an item and not given its cell away; and it
 * may have been about to wake whoever sleeps there. */
static void open_lock(struct pool_queue *queue, enum want want, uint32_t number)
{
    struct side *side = &queue->sides[want];
    uint64_t count = atomic_load(&side->count) & ~SHUT, turn;
    if ((atomic_load(&side->lock) & TICKET_OWNER) == number + 1) {
        struct cell *last = cell_of(queue, want, count - 1, &turn);
        if (count)
            atomic_compare_exchange_strong(&last->turn, &turn, turn + 1);
        unlock(side);
    }
    futex_wake(&side->lock, INT32_MAX);
}

/* Opens the locks that the dead worker of a slot held, and puts an end to what it had not dealt with. */
void queues_heal(struct region *region, uint32_t number)
{
    struct slot *slot = &region->slots[number];
    struct pool_queue *used = (struct pool_queue *)(uintptr_t)atomic_load(&slot->queue);
    for (enum want want = TO_PUT; used && want <= TO_GET; want++)
        open_lock(used, want, number);
    for (struct pool_queue *queue = atomic_load(&region->queues); queue; queue = queue->next) {
        bool held = atomic_exchange(&queue->open[number].count, 0) || queue == used;
        for (enum want want = TO_PUT; want <= TO_JOIN; want++)
            ring(&queue->bells[want], held);
    }
    note64(&slot->queue, 0);
}

/* If it died in a function that is to run once in each worker, whoever waits for that learns so. */
static void settle_once(struct region *region, struct slot *slot, uint32_t number)
{
    uint64_t once = atomic_load(&slot->once);
    if (once & ONCE_RUNS) {
        struct job *job = &region->jobs[(uint32_t)once - 1];
        if (!(atomic_load(job_ticket(job, number)) & TICKET_DONE))
            fail_item(region, slot, job, number);
        end_once(job_ticket(job, number), true);
    }
    atomic_store_explicit(&slot->once, 0, memory_order_release);
}

/* Clears up what the dead worker held. Returns the job whose chunk is still held, or NULL if there is none. */
static struct job *clear_up(struct region *region, uint32_t number)
{
    struct slot *slot = &region->slots[number];
    uint32_t aim = atomic_load(&slot->aim), last = aim ? aim : atomic_load(&slot->ended);
    atomic_fetch_and(&region->asleep[number / 64], ~((uint64_t)1 << (number % 64)));
    queues_heal(region, number);
    settle_once(region, slot, number);
    if (!aim)
        note_drop(region, slot); /* it may have been giving pages back */
    atomic_compare_exchange_strong(&region->cleaner, &(uint32_t){ number + 1 }, 0);
    uint32_t chunk = atomic_load(&slot->chunk); /* of an earlier job, if it was killed before it chose one of this */
    struct job *job = last ? &region->jobs[last - 1] : NULL;
    _Atomic uint32_t *ticket = job && chunk < atomic_load(&job->chunks) ? job_ticket(job, chunk) : NULL;
    uint32_t word = ticket ? atomic_load(ticket) : 0;
    if (aim && (word & (TICKET_OWNER | TICKET_DONE)) == number + 1) { /* else it may be another job by now */
        count_finished(slot, atomic_load(&slot->at) >> 32);
        return job;
    }
    if (word & TICKET_DONE)
        announce(region, ticket, true, true, job->bell);
    aim_at_nothing(slot);
    return NULL;
}

struct job *heal(struct worker *w)
{
    struct slot *slot = w->slot;
    struct job *job = clear_up(w->region, w->number);
    uint64_t at = atomic_load(&slot->at);
    bool running = job && at % 2;
    if (atomic_load(&slot->dead_pid))
        trace(w, TRACE_DEATH, running ? job->serial : 0, running ? at >> 32 : UINT64_MAX, slot->dead_status);
    if (job)
        at = settle_chunk(w->region, slot, job, true);
    note64(&slot->limit_until, 0);
    atomic_store(&slot->dead_pid, 0);
    if (!job)
        return NULL;
    uint32_t chunk = atomic_load(&slot->chunk);
    atomic_fetch_and(job_ticket(job, chunk), ~TICKET_CONDEMNED);
    uint8_t given_up = atomic_load(&job->given_up);
    if (at >> 32 < job_chunk_end(job, chunk) && !given_up)
        return job;
    end_chunk(w->region, slot, job, at >> 32, given_up); /* now: to get ready may take long */
    return NULL;
}

void worker_mourn(struct region *region, uint32_t number)
{
    struct worker dead = { .region = region, .slot = &region->slots[number], .number = number };
    struct job *job = clear_up(region, number);
    uint64_t at = atomic_load(&dead.slot->at);
    if (job && at % 2)
        trace(&dead, TRACE_DEATH, job->serial, at >> 32, dead.slot->dead_status);
}

void worker_bury(struct region *region, uint32_t number, enum give_up why)
{
    struct slot *slot = &region->slots[number];
    struct job *job = clear_up(region, number);
    if (!job)
        return;
    uint64_t item = settle_chunk(region, slot, job, why == NO_WORKER) >> 32;
    uint8_t given_up = atomic_load(&job->given_up);
    end_chunk(region, slot, job, item, given_up ? given_up : why);
}
