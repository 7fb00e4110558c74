/*
 * worker.c - a worker at work: take a chunk, have its items run, sleep when there is nothing to take.
 *
 * Whatever a worker holds it writes into its slot first, in the order of its program (note32(), note64()): the job and
 * chunk it aims at before it claims the ticket. heal.c says what that is good for.
 *
 * It starts in its own stripe of a job of many chunks and goes on wherever there is one left, so no worker is idle
 * while another has more than it can do. Of the idle ones at most one spins; the others sleep.
 *
 * It does not know who waits for its results, nor how its life began (life.c).
 */
#define _GNU_SOURCE
#include "inside.h"

#define IDLE ((uint64_t)1000000000) /* nanoseconds after which pages of what was freed are given back */
#define STREAM 16 /* more jobs in a row than these mean that the caller is handing over one after the other */
#define SELDOM 64 /* turns between two looks into the ring, then: some gather, and the caller keeps its cache lines */

/* ---- Taking ---- */

/* Aims at a chunk, then claims it. */
static bool claim(struct worker *w, uint32_t index, struct job *job, uint32_t chunk, _Atomic uint32_t *ticket)
{
    uint32_t seen = atomic_load(ticket);
    while (!(seen & ~TICKET_WAITED)) {
        uint64_t first = chunk ? (uint64_t)chunk * job->chunk : 0; /* a job of one may be gone already */
        note32(&w->slot->failed, 0);
        count_from(w->slot, first);
        note64(&w->slot->at, first << 32);
        note32(&w->slot->chunk, chunk);
        note32(&w->slot->aim, index + 1);
        if (atomic_compare_exchange_strong(ticket, &seen, seen | own(w)))
            return true;
    }
    return false;
}

/* Whether it is the job of several chunks it took from last, and it has looked at each of them. */
static bool is_through(const struct worker *w, uint32_t index)
{
    struct job *job = &w->region->jobs[index];
    return w->job == index && w->seq == atomic_load(&job->seq) && w->looked == atomic_load(&job->chunks);
}

/* Takes a chunk of a job of several, the first that is left of this worker's own stripe, then of the others. What is
 * taken stays so, so it looks at each once. The aim is what keeps the caller from reusing the job under our eyes: it
 * frees a job by making seq even, then looks at aims. */
static bool take_from_many(struct worker *w, uint32_t index, struct job *job)
{
    uint32_t seq = atomic_load(&job->seq);
    if (is_through(w, index))
        return false;
    atomic_store(&w->slot->aim, index + 1);
    if (seq % 2 == 1 && atomic_load(&job->seq) == seq) {
        uint64_t chunks = atomic_load(&job->chunks);
        if (w->job != index || w->seq != seq) {
            w->first = chunks > IN_ORDER ? (uint32_t)(chunks * w->number / w->region->workers) : 0;
            w->looked = 0;
        }
        w->job = index;
        w->seq = seq;
        while (w->looked < chunks) {
            uint64_t chunk = (uint64_t)w->first + w->looked++;
            chunk -= chunk < chunks ? 0 : chunks;
            if (claim(w, index, job, (uint32_t)chunk, job_ticket(job, (uint32_t)chunk)))
                return true;
        }
    }
    aim_at_nothing(w->slot);
    return false;
}

/* Takes a chunk of the job at this worker's place in the ring; moves on if the job has none left. */
static bool take(struct worker *w, uint32_t index)
{
    struct job *job = &w->region->jobs[index];
    if (atomic_load(&job->tickets)) {
        bool taken = take_from_many(w, index, job);
        w->position += !taken;
        return taken;
    }
    w->position++;
    if (claim(w, index, job, 0, &job->one))
        return true;
    aim_at_nothing(w->slot);
    return false;
}

/* Lets submitters know that everything before this worker's place is taken. */
static void move_head(struct worker *w)
{
    struct region *region = w->region;
    uint64_t head = atomic_load(&region->head);
    while (head < w->position && !atomic_compare_exchange_weak(&region->head, &head, w->position))
        ;
    if (atomic_load(&region->room) & 1) {
        atomic_fetch_add(&region->room, 1);
        futex_wake(&region->room, INT32_MAX);
    }
    if (head > w->position)
        w->position = head;
}

enum look { LOOK_NOTHING, LOOK_JOB, LOOK_PASSED };

/* Looks at this worker's place in the ring: nothing there yet, a job, or so far behind that the place is used again. */
static enum look look(const struct worker *w, uint32_t *index)
{
    uint64_t entry = atomic_load(&w->region->ring[w->position % RING_SIZE]);
    uint64_t lap = w->position / RING_SIZE;
    if (!entry || entry >> 32 < lap)
        return LOOK_NOTHING;
    *index = (uint32_t)entry - 1;
    return entry >> 32 == lap ? LOOK_JOB : LOOK_PASSED;
}

/* ---- Idling ---- */

/* After being idle: whoever handed work over may have relied on this worker alone, so it wakes the next one. It looks
 * into the ring, and not at the tail, whose cache line the caller is about to write. */
static void pass_on(struct worker *w)
{
    uint32_t next;
    while (w->idle && look(w, &next) == LOOK_JOB && is_through(w, next))
        w->position++;
    if (w->idle && look(w, &next) != LOOK_NOTHING)
        wake_one_worker(w->region);
    w->idle = false;
}

void worker_relieve(struct region *region, uint32_t number)
{
    struct worker next = { .region = region, .position = atomic_load(&region->head), .idle = true };
    uint32_t me = number + 1;
    atomic_compare_exchange_strong(&region->spinner, &me, 0);
    answer_wake(region);
    pass_on(&next);
}

static bool anything_new(void *worker)
{
    const struct worker *w = worker;
    uint32_t index;
    return look(w, &index) != LOOK_NOTHING || atomic_load(&w->region->stop) || each_is_new(w);
}

/* Spins for a while, if nobody else does. Returns whether there is something to look at. Whoever hands work over before
 * the spinner's place is given up relies on the looks that follow; who does it later wakes somebody. */
static bool spin(struct worker *w, unsigned every)
{
    uint32_t nobody = 0, me = own(w);
    if (!atomic_compare_exchange_strong(&w->region->spinner, &nobody, me))
        return false;
    bool new = spin_until(every, now_ns() + w->region->spin, anything_new, w);
    atomic_compare_exchange_strong(&w->region->spinner, &me, 0);
    return new;
}

/* Sleeps until woken, or for so long; 0: for ever. The bit is set before the last look: whoever hands work over first
 * puts it into the ring and then looks for sleepers, so one of the two sees the other. What others took meanwhile is
 * skipped: records are used again, so an old entry may stand for the newest job, and would make it look as if there
 * were one more. */
static void sleep_a_while(struct worker *w, uint64_t ns)
{
    struct region *region = w->region;
    uint64_t bit = (uint64_t)1 << (w->number % 64);
    uint32_t wake = atomic_load(&region->wake);
    atomic_fetch_or(&region->asleep[w->number / 64], bit);
    if (wake % 2 == 0 && !anything_new(w))
        futex_wait(&region->wake, wake, ns);
    answer_wake(region);
    atomic_fetch_and(&region->asleep[w->number / 64], ~bit);
    uint64_t head = atomic_load(&region->head);
    if (head > w->position)
        w->position = head;
}

/* Gives pages back, if memory was freed some time ago. Returns whether that was so. */
static bool tidy_in_time(struct worker *w, uint64_t now)
{
    uint64_t untidy = atomic_load(&w->region->untidy);
    bool due = untidy && now >= untidy + IDLE;
    if (due)
        tidy(w, anything_new);
    return due;
}

/* Waits for work. Spinning pays while tasks come one upon the other; after a long sleep it would only keep a core from
 * whoever is waiting for the task just done. */
static void rest(struct worker *w)
{
    uint64_t before = now_ns();
    unsigned every = w->position - w->rested > STREAM ? SELDOM : OFTEN;
    w->rested = w->position;
    w->idle = true;
    if (w->slept < 2 * w->region->spin && spin(w, every))
        return;
    if (!tidy_in_time(w, before)) {
        uint64_t untidy = atomic_load(&w->region->untidy);
        sleep_a_while(w, untidy ? untidy + IDLE - before : 0);
    }
    w->slept = now_ns() - before;
}

void work(struct worker *w)
{
    struct region *region = w->region;
    w->position = atomic_load(&region->head);
    for (;;) {
        uint32_t index = 0, stop = atomic_load(&region->stop); /* before the look: what came before a close is seen */
        enum look seen = look(w, &index);
        if (stop >= STOP_TERMINATED)
            return;
        if (each_is_new(w) && w->left)
            catch_up(w);
        if (seen == LOOK_JOB && take(w, index)) {
            pass_on(w);
            if (!run_chunk(w, &region->jobs[index]))
                return;
        }
        if (seen == LOOK_PASSED || (seen == LOOK_JOB && w->position % 256 == 0))
            move_head(w);
        if (seen != LOOK_NOTHING)
            continue;
        uint64_t position = w->position;
        move_head(w);
        if (w->position != position)
            continue;
        if (stop || w->left == 0)
            return;
        rest(w);
    }
}

/* The ring is of no use here, so all that is in it is passed. */
void work_on(struct worker *w, uint32_t job)
{
    while (take(w, job))
        run_chunk(w, &w->region->jobs[job]);
    w->position = atomic_load(&w->region->tail);
    move_head(w);
    if (atomic_load(&w->region->untidy))
        tidy_in_time(w, now_ns());
}
