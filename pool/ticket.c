/*
 * ticket.c - the life of a ticket, the word that says how it stands with a chunk: whoever changes it but to claim it or
 * to sleep on it does so here.
 *
 *     READY -> a worker's number -> DONE                 claimed (worker.c), and run to its end
 *     READY -> DONE | CANCELLED                          given up before anybody took it
 *     a worker's number -> CONDEMNED -> DONE | ...       given up while it runs: the nursery kills the worker
 *     WAITED                                             is added by who goes to sleep on it, and tells who ends it
 *
 * A word changes by compare-and-swap or exchange only, so a dead process cannot keep it.
 */
#include "inside.h"
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

bool descriptor_is_ours(const struct region *region)
{
    struct epoll_event event = { .events = EPOLLIN };
    return region->poller >= 0 && (epoll_ctl(region->poller, EPOLL_CTL_MOD, region->descriptor, &event) == 0 ||
                                   errno == ENOMEM || errno == ENOSPC);
}

void ring_descriptor(struct region *region, bool in_any_case)
{
    uint64_t one = 1;
    if (region->poller >= 0 && (in_any_case || atomic_exchange(&region->armed, 0)) && descriptor_is_ours(region))
        while (write(region->descriptor, &one, sizeof one) < 0 && errno == EINTR)
            ;
}

void announce(struct region *region, _Atomic uint32_t *ticket, bool again, bool waited, uint32_t bell)
{
    if (waited || again)
        futex_wake(ticket, INT32_MAX);
    if (bell && atomic_fetch_add(&region->bells[bell - 1], 2) & 1)
        futex_wake(&region->bells[bell - 1], INT32_MAX);
    ring_descriptor(region, again);
}

bool finish_chunk(struct region *region, struct slot *slot, struct job *job, uint32_t how)
{
    _Atomic uint32_t *ticket = job_ticket(job, atomic_load(&slot->chunk));
    uint32_t bell = job->bell, failed = how & TICKET_CANCELLED ? 0 : atomic_load(&slot->failed);
    note32(&slot->ended, atomic_load(&slot->aim));
    uint32_t was = atomic_exchange(ticket, how | failed);
    aim_at_nothing(slot); /* before the wake-up: who is woken may take this worker's core, and wants the job's memory */
    announce(region, ticket, false, was & TICKET_WAITED, bell);
    return !(was & TICKET_CONDEMNED);
}

void give_up(struct job *job, enum give_up why)
{
    uint8_t wanted = WANTED;
    atomic_compare_exchange_strong(&job->given_up, &wanted, why);
}

uint32_t give_up_tickets(struct region *region, struct job *job, uint32_t chunks, enum give_up why, enum taken taken)
{
    uint32_t held = 0;
    give_up(job, why);
    for (uint32_t chunk = 0; chunk < chunks; chunk++) {
        _Atomic uint32_t *ticket = job_ticket(job, chunk);
        uint32_t word = atomic_load(ticket), next;
        do {
            bool ends = taken == TAKEN_END || !(word & TICKET_OWNER);
            next = ends ? TICKET_DONE | TICKET_CANCELLED : taken == TAKEN_CONDEMN ? word | TICKET_CONDEMNED : word;
        } while (!(word & TICKET_DONE) && !atomic_compare_exchange_weak(ticket, &word, next));
        if (word & TICKET_DONE)
            continue;
        held += !(next & TICKET_DONE);
        if (next & TICKET_DONE && word & TICKET_WAITED)
            futex_wake(ticket, INT32_MAX);
    }
    ring_descriptor(region, true); /* no worker will */
    return held;
}

bool worker_condemned(const struct region *region, uint32_t number)
{
    const struct slot *slot = &region->slots[number];
    uint32_t aim = atomic_load(&slot->aim), chunk = atomic_load(&slot->chunk);
    struct job *job = aim ? &region->jobs[aim - 1] : NULL;
    if (!job || chunk >= atomic_load(&job->chunks))
        return false;
    uint32_t word = atomic_load(job_ticket(job, chunk)), mask = TICKET_OWNER | TICKET_CONDEMNED | TICKET_DONE;
    return (word & mask) == (TICKET_CONDEMNED | (number + 1));
}
