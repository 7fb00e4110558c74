/*
 * once.c - what runs once in each worker, before its tasks: the initializer, and the functions on a list in the region.
 *
 * Each of those is the task of a job (each.c) that has an item for each place, which the worker of the place runs. When
 * a later worker runs it, that item is done, and nobody waits: then a failure is the worker's end, as that of an
 * initializer is. The slot says what it is at, so that a successor can tell of a death in it (heal.c).
 */
#include "inside.h"

void end_once(_Atomic uint32_t *ticket, bool failed)
{
    uint32_t word = atomic_load(ticket);
    while (!(word & TICKET_DONE) && !atomic_compare_exchange_weak(ticket, &word, TICKET_DONE | failed))
        ;
    futex_wake(ticket, INT32_MAX);
}

/* If it fails, the slot's text says why. */
static bool make_ready(struct worker *w, pool_initializer *function, void *arg)
{
    struct slot *slot = w->slot;
    if (atomic_load(&slot->ready) == READY_NOT)
        atomic_store(&slot->ready, READY_SOON);
    slot->text[0] = '\0';
    int status = function(arg);
    end_copy(w->here);
    if (w->region->kind == POOL_PROCESSES)
        output_leave(0);
    if (status && !slot->text[0])
        pool_fail("it returned %d", status);
    return status == 0;
}

/* Runs the function, and tells the call that waits for it; if that was told of a predecessor already, returns whether
 * it was good. */
static bool run_once(struct worker *w, struct job *job)
{
    _Atomic uint32_t *ticket = job_ticket(job, w->number);
    uint32_t failed = atomic_load(&w->slot->failed); /* of a chunk that is held */
    if (atomic_load(&job->given_up))
        return true;
    bool good = make_ready(w, (pool_initializer *)(uintptr_t)job->task, job->width ? job->args : NULL);
    bool told = atomic_load(ticket) & TICKET_DONE;
    if (!good && !told) {
        w->in_task = true; /* now the message goes into a note */
        settle_item(w, job, w->number, pool_fail("%s: %s", w->name, w->slot->text));
        w->in_task = false;
        note32(&w->slot->failed, failed);
        give_up_tickets(w->region, job, atomic_load(&job->chunks), GIVEN_UP_FAILED, TAKEN_END);
    }
    end_once(ticket, !good);
    return good || !told;
}

/* The oldest function on the list that this worker has not run; 0: none. */
static uint64_t next_each(const struct worker *w)
{
    uint64_t next = 0;
    for (int i = 0; i < EACH_MOST; i++) {
        uint64_t entry = atomic_load(&w->region->eaches[i]);
        if (entry >> 32 > atomic_load(&w->slot->each) && (!next || entry < next))
            next = entry;
    }
    return next;
}

bool catch_up(struct worker *w)
{
    struct region *region = w->region;
    struct slot *slot = w->slot;
    uint32_t newest = atomic_load(&region->each);
    bool born = atomic_load(&slot->ready) == READY_NOT;
    bool good = !born || !region->initializer || make_ready(w, region->initializer, region->initarg);
    for (uint64_t entry; good && (entry = next_each(w)); note32(&slot->each, (uint32_t)(entry >> 32))) {
        atomic_store(&slot->once, entry); /* the caller takes a job off the list, looks at slots, and reuses it */
        if (next_each(w) != entry)
            continue;
        note64(&slot->once, entry | ONCE_RUNS);
        good = run_once(w, &region->jobs[(uint32_t)entry - 1]);
    }
    atomic_store_explicit(&slot->once, 0, memory_order_release); /* as aim_at_nothing(): it has read all it needs */
    if (newest > atomic_load(&slot->each))                       /* it was taken off the list */
        note32(&slot->each, newest);
    return good;
}
