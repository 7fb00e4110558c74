/*
 * worker.c - a worker's life: heal, take a chunk, run its items, sleep when there is nothing to take.
 *
 * A worker can be killed between any two instructions, so whatever it holds it writes down first, in its slot: the job
 * and chunk it aims at before it claims the ticket, the item before it runs it. A dead process's own stores are
 * a prefix of its program, so its successor, which starts by reading the slot, is never told too little:
 *
 *     the ticket bears the slot's number   the noted item failed with its worker; go on with the next one
 *     the ticket is DONE                   the wake-up that follows may be missing: repeat it
 *     anything else                        nothing was held
 *
 * Every step of healing may be repeated, so a successor that is killed while it heals is healed in its turn. Nothing
 * is put back into a queue, and nobody else has to do anything. Compiler fences keep the order of the slot's stores;
 * the processor keeps it by itself, because only a process that runs later, on behalf of the dead one, relies on it.
 *
 * It does not know who waits for its results, nor how it was started.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CANARY_BYTE 0xc5

/* What a worker knows about itself. */
struct worker {
    struct region *region;
    struct slot *slot;
    uint32_t number;   /* of the slot */
    uint64_t position; /* in the ring */
    uint32_t job, seq; /* the job of several chunks it took from last */
    uint32_t cursor;   /* and where it looks for the next one */
    long left;         /* tasks until it retires; negative: never */
    uint64_t slept;    /* how long it slept last, in nanoseconds */
    bool idle;         /* has just been: the first chunk it takes may be worth a wake-up */
    bool in_task;
    bool has_timer; /* for limits */
    timer_t timer;
    char name[24];
};

/* The worker that this thread is. Tasks call pool_reply() and pool_fail() without being handed anything. */
static _Thread_local struct worker *self;

bool worker_here(const struct region *region)
{
    const struct region *here = self ? self->region : NULL;
    while (here && here != region)
        here = here->above;
    return here != NULL;
}

struct region *worker_region(void)
{
    return self ? self->region : NULL;
}

const char *pool_worker_name(void)
{
    return self ? self->name : "MainProcess";
}

int pool_attempt(void)
{
    if (!self || !self->in_task)
        return 0;
    return 1 + (int)((uint32_t)atomic_load(&self->slot->at) >> 1);
}

/* Stores into the slot what a successor must know before this worker does anything else. Relaxed: see above. */
static void note32(_Atomic uint32_t *field, uint32_t value)
{
    atomic_store_explicit(field, value, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

static void note64(_Atomic uint64_t *field, uint64_t value)
{
    atomic_store_explicit(field, value, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

/* Nothing it has read of the job may be read after this: the job may become another one now. */
static void aim_at_nothing(struct slot *slot)
{
    atomic_store_explicit(&slot->aim, 0, memory_order_release); /* for who then reads 0 and writes a new job */
    atomic_signal_fence(memory_order_seq_cst);
}

static uint32_t own(const struct worker *w)
{
    return w->number + 1;
}

/* ---- Replies and failures ---- */

void *pool_reply(size_t size)
{
    if (!self || !self->in_task) {
        error_set(EINVAL, "pool_reply: only a task can reply");
        return NULL;
    }
    struct note *note = note_new(self->region, self->slot, NOTE_REPLY, size);
    if (!note)
        error_set(ENOMEM, "pool_reply: no room for %zu bytes; open the pool with a larger .memory", size);
    return note ? note->bytes : NULL;
}

/* Prints into a new note of the right length, or, outside of tasks, into the slot. Returns whether there was room. */
static bool print_note(enum note_kind kind, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (!self || length < 0)
        return false;
    if (!self->in_task)
        return vsnprintf(self->slot->text, sizeof self->slot->text, format, args) >= 0;
    struct note *note = note_new(self->region, self->slot, kind, (size_t)length);
    return note && vsnprintf(note->bytes, (size_t)length + 1, format, args) >= 0;
}

int pool_reply_text(const char *format, ...)
{
    if (!self || !self->in_task)
        return error_set(EINVAL, "pool_reply_text: only a task can reply");
    va_list args;
    va_start(args, format);
    bool printed = print_note(NOTE_REPLY, format, args);
    va_end(args);
    return printed ? 0 : error_set(ENOMEM, "pool_reply_text: no room; open the pool with a larger .memory");
}

int pool_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_note(NOTE_FAILURE, format, args);
    va_end(args);
    return -1;
}

/* ---- The trace ---- */

static void add_record(struct worker *w, enum trace_kind kind, uint32_t job, uint64_t item, int status)
{
    struct region *region = w->region;
    uint64_t now = now_ns() - region->opened, began = atomic_load(&w->slot->began);
    uint64_t n = atomic_load(&w->slot->traced);
    struct trace_record *record = &region->trace[w->number * region->trace_size + n % region->trace_size];
    *record = (struct trace_record){ .start = item == UINT64_MAX ? now : began,
                                     .end = now,
                                     .item = item,
                                     .job = job,
                                     .worker = w->slot->worker,
                                     .pid = getpid(),
                                     .status = status,
                                     .slot = w->number,
                                     .kind = kind };
    if (kind == TRACE_DEATH) {
        record->worker = w->slot->dead_worker;
        record->pid = atomic_load(&w->slot->dead_pid);
    }
    note64(&w->slot->traced, n + 1);
}

static void trace(struct worker *w, enum trace_kind kind, uint32_t job, uint64_t item, int status)
{
    if (w->region->trace)
        add_record(w, kind, job, item, status);
}

/* ---- The end ---- */

/* Registered with on_exit: a task that calls exit() must not run what the program registered for its own end. */
static void leave_at_exit(int status, void *unused)
{
    (void)unused;
    fflush(stdout);
    region_release(self->region);
    _exit(status);
}

/* ---- Time limits ---- */

/* The timer's signal is KILL: a task cannot block it, and it hits this worker and no other. */
static bool have_timer(struct worker *w)
{
    struct sigevent end = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
    w->has_timer = w->has_timer || timer_create(CLOCK_MONOTONIC, &end, &w->timer) == 0;
    return w->has_timer;
}

/* Until the timer is off again the slot says when it ends the item, so that a successor knows what happened. */
static void start_timer(struct worker *w, double seconds)
{
    uint64_t ns = (uint64_t)(seconds * 1e9) + 1;
    struct itimerspec time = { .it_value = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) } };
    note64(&w->slot->limit_until, now_ns() + ns);
    timer_settime(w->timer, 0, &time, NULL);
}

/* If the timer is faster, it must not hit an item: by now the slot stands at the next one, not yet running. */
static void stop_timer(struct worker *w, uint64_t item)
{
    struct itimerspec never = { .it_value = { 0, 0 } };
    note64(&w->slot->at, (item + 1) << 32);
    timer_settime(w->timer, 0, &never, NULL);
    note64(&w->slot->limit_until, 0);
}

/* Stands in for a task that is to have a limit, where there is no timer. */
static int cannot_limit(const void *arg, void *result)
{
    (void)arg;
    (void)result;
    return pool_fail("there is no timer for its time limit: %s", strerror(errno));
}

/* ---- Running ---- */

static void give_up(struct job *job, enum give_up why)
{
    uint8_t wanted = WANTED;
    atomic_compare_exchange_strong(&job->given_up, &wanted, why);
}

static enum give_up given_up(struct job *job)
{
    return atomic_load(&job->given_up); /* a hint to stop early */
}

/* Records how an item ended, if there is more to it than a result of fixed width. */
static void settle_item(struct worker *w, struct job *job, uint64_t item, int status)
{
    struct note *note = note_unpublished(w->region, w->slot);
    enum note_kind kind = status ? NOTE_FAILURE : NOTE_REPLY;
    if (note && note->kind != kind) {
        note_drop(w->region, w->slot);
        note = NULL;
    }
    if (!note && status)
        note = note_new(w->region, w->slot, NOTE_FAILURE, 0);
    if (note) {
        note->status = status;
        note->pid = getpid();
        note_publish(w->region, w->slot, job, item);
    } else if (status) {
        note_absent(job, item, ABSENT_MEMORY);
    }
    if (status && job->fail_fast)
        give_up(job, GIVEN_UP_FAILED);
}

/* As __fpending(stdout), but without a call for each item: whether a task has printed anything. */
static inline bool has_printed(void)
{
    return stdout->_IO_write_ptr != stdout->_IO_write_base;
}

/* Returns the status of an item whose task returned `status`: failure, if it wrote past its result. */
static int check_canary(struct worker *w, const struct job *job, const char *result, int status)
{
    size_t stride = result_stride(w->region, job->result_width);
    for (size_t i = job->result_width; i < stride; i++)
        if ((unsigned char)result[i] != CANARY_BYTE)
            return pool_fail("the task wrote past the end of its result of %zu bytes", job->result_width);
    return status;
}

/* What some jobs, and some pools, want to have done before an item runs, and behind it. The item counts as running
 * before its timer does: else one that is always faster than the start would be tried for ever. */
static void begin_item(struct worker *w, const struct job *job, uint64_t at, char *result)
{
    size_t width = job->result_width;
    if (w->region->check)
        memset(result + width, CANARY_BYTE, result_stride(w->region, width) - width);
    if (w->region->trace)
        note64(&w->slot->began, now_ns() - w->region->opened);
    note64(&w->slot->at, at);
    if (w->has_timer && job->limit > 0)
        start_timer(w, (double)job->limit);
}

static void end_item(struct worker *w, const struct job *job, uint64_t item, int status)
{
    trace(w, status ? TRACE_FAILED : TRACE_DONE, job->serial, item, status);
    if (w->has_timer && job->limit > 0)
        stop_timer(w, item);
}

/* Runs items one after the other, as long as anybody wants them. Returns the first one it did not run. */
static uint64_t run_items(struct worker *w, struct job *job, uint64_t item, uint64_t end)
{
    struct region *region = w->region;
    pool_task *task = job->limit > 0 && !have_timer(w) ? cannot_limit : job->task;
    size_t width = job->width, stride = result_stride(region, job->result_width);
    char *arg = job->args + item * width, *result = job->results + item * stride;
    uint64_t deaths = (uint32_t)atomic_load(&w->slot->at); /* of the first item */
    bool special = region->trace || region->check || job->limit > 0, flushes = region->kind == POOL_PROCESSES;
    for (; item < end && !given_up(job); item++, arg += width, result += stride, deaths = 0) {
        if (special)
            begin_item(w, job, item << 32 | deaths | 1, result);
        note64(&w->slot->at, item << 32 | deaths | 1);
        int status = task(arg, result);
        atomic_signal_fence(memory_order_seq_cst);
        if (flushes && has_printed())
            fflush(stdout);
        if (region->check)
            status = check_canary(w, job, result, status);
        if (status || atomic_load(&w->slot->run))
            settle_item(w, job, item, status);
        if (special)
            end_item(w, job, item, status);
    }
    return item;
}

void ring_descriptor(struct region *region, bool in_any_case)
{
    uint64_t one = 1;
    if (region->descriptor >= 0 && (in_any_case || atomic_exchange(&region->armed, 0)))
        while (write(region->descriptor, &one, sizeof one) < 0 && errno == EINTR)
            ;
}

/* Repeats, or does for the first time, what follows the end of a chunk. The job may be another one by now: that is
 * harmless, because all it does is wake sleepers, who look for themselves. */
static void announce(struct region *region, _Atomic uint32_t *ticket, bool again, bool waited, uint32_t bell)
{
    if (waited || again)
        futex_wake(ticket, INT32_MAX);
    if (bell && atomic_fetch_add(&region->bells[bell - 1], 2) & 1)
        futex_wake(&region->bells[bell - 1], INT32_MAX);
    ring_descriptor(region, again);
}

/* Returns whether its owner may take more. */
static bool finish_chunk(struct region *region, struct slot *slot, struct job *job, uint32_t how)
{
    _Atomic uint32_t *ticket = job_ticket(job, atomic_load(&slot->chunk));
    uint32_t bell = job->bell;
    uint32_t was = atomic_exchange(ticket, how);
    announce(region, ticket, false, was & TICKET_WAITED, bell);
    aim_at_nothing(slot);
    return !(was & TICKET_CONDEMNED);
}

/* Items from here to the end of the chunk will not run. Returns how the ticket is to say that. */
static uint32_t cancel_rest(struct slot *slot, struct job *job, uint64_t item, uint64_t end)
{
    note64(&slot->at, item << 32);
    if (item == (uint64_t)atomic_load(&slot->chunk) * job->chunk)
        return TICKET_DONE | TICKET_CANCELLED;
    for (; item < end; item++)
        note_absent(job, item, ABSENT_CANCELLED);
    return TICKET_DONE;
}

/* Runs the chunk the slot holds, from the item it stands at; retires in the middle of it if that is due. Returns
 * whether the worker may take more. */
static bool run_chunk(struct worker *w, struct job *job)
{
    struct slot *slot = w->slot;
    uint64_t first = atomic_load(&slot->at) >> 32;
    uint64_t end = job_chunk_end(job, atomic_load(&slot->chunk));
    uint64_t last = w->left < 0 || end - first < (uint64_t)w->left ? end : first + (uint64_t)w->left;
    w->in_task = true;
    uint64_t item = run_items(w, job, first, last);
    w->in_task = false;
    w->left -= w->left < 0 ? 0 : (long)(item - first);
    atomic_fetch_add_explicit(&slot->finished, item - first, memory_order_relaxed); /* only a figure */
    if (item < end && w->left == 0 && !given_up(job)) {
        note64(&slot->at, item << 32);
        return false;
    }
    uint32_t how = item < end ? cancel_rest(slot, job, item, end) : TICKET_DONE;
    return finish_chunk(w->region, slot, job, how) && w->left != 0;
}

/* ---- Taking ---- */

/* Aims at a chunk, then claims it. */
static bool claim(struct worker *w, uint32_t index, struct job *job, uint32_t chunk, _Atomic uint32_t *ticket)
{
    uint32_t seen = atomic_load(ticket);
    while (!(seen & ~TICKET_WAITED)) {
        note64(&w->slot->at, chunk ? (uint64_t)chunk * job->chunk << 32 : 0); /* a job of one may be gone already */
        note32(&w->slot->chunk, chunk);
        note32(&w->slot->aim, index + 1);
        if (atomic_compare_exchange_strong(ticket, &seen, seen | own(w)))
            return true;
    }
    return false;
}

/* Takes a chunk of a job of several, first from this worker's own stripe, then wherever there is one left. The aim is
 * what keeps the caller from reusing the job under our eyes: it frees a job by making seq even, then looks at aims. */
static bool take_from_many(struct worker *w, uint32_t index, struct job *job)
{
    uint32_t seq = atomic_load(&job->seq);
    atomic_store(&w->slot->aim, index + 1);
    if (seq % 2 == 1 && atomic_load(&job->seq) == seq) {
        uint32_t chunks = atomic_load(&job->chunks);
        if (w->job != index || w->seq != seq)
            w->cursor = (uint32_t)((uint64_t)chunks * w->number / w->region->workers);
        w->job = index;
        w->seq = seq;
        for (uint32_t i = 0; i < chunks; i++) {
            uint32_t chunk = w->cursor;
            w->cursor = chunk + 1 < chunks ? chunk + 1 : 0;
            if (claim(w, index, job, chunk, &job->tickets[chunk]))
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
    if (atomic_load(&job->chunks) != 1) {
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

static void stop_spinning(struct worker *w)
{
    uint32_t me = own(w);
    atomic_compare_exchange_strong(&w->region->spinner, &me, 0);
}

/* After being idle: whoever handed work over may have relied on this worker alone, so it wakes the next one. */
static void pass_on(struct worker *w)
{
    if (!w->idle)
        return;
    w->idle = false;
    stop_spinning(w);
    if (atomic_load(&w->region->tail) > w->position)
        wake_workers(w->region, 1);
}

static bool anything_new(const struct worker *w)
{
    uint32_t index;
    return look(w, &index) != LOOK_NOTHING || atomic_load(&w->region->stop);
}

/* Spins for a while, if nobody else does. Returns whether there is something to look at. It looks at every fourth turn
 * only, because looking takes the ring's cache line away from the caller that is about to write it. */
static bool spin(struct worker *w)
{
    uint32_t nobody = 0;
    if (!atomic_compare_exchange_strong(&w->region->spinner, &nobody, own(w)) && nobody != own(w))
        return false;
    uint64_t end = now_ns() + w->region->spin;
    for (unsigned turn = 1;; turn++) {
        relax();
        if (turn % 4 == 0 && anything_new(w))
            return true;
        if (turn % 32 == 0 && now_ns() >= end)
            return false;
        if (turn % 32 == 0)
            sched_yield();
    }
}

/* Sleeps until woken. The bit is set and the spinner's place given up before the last look: whoever hands work over
 * first puts it into the ring and then looks for sleepers, so one of the two sees the other. */
static void sleep_a_while(struct worker *w)
{
    struct region *region = w->region;
    uint64_t bit = (uint64_t)1 << (w->number % 64);
    uint32_t wake = atomic_load(&region->wake);
    atomic_fetch_or(&region->asleep[w->number / 64], bit);
    stop_spinning(w);
    if (atomic_load(&region->tail) <= w->position && !atomic_load(&region->stop))
        futex_wait(&region->wake, wake, 0);
    atomic_fetch_and(&region->asleep[w->number / 64], ~bit);
}

/* Waits for work. Spinning pays while tasks come one upon the other; after a long sleep it would only keep a core from
 * whoever is waiting for the task just done. */
static void rest(struct worker *w)
{
    uint64_t before = now_ns();
    w->idle = true;
    if (w->slept >= 2 * w->region->spin || !spin(w)) {
        sleep_a_while(w);
        w->slept = now_ns() - before;
    }
}

/* Returns when the worker has to leave. In an inline pool it has to when the ring is empty. */
static void work(struct worker *w)
{
    struct region *region = w->region;
    w->position = atomic_load(&region->head);
    for (;;) {
        uint32_t index = 0;
        enum look seen = look(w, &index);
        if (atomic_load(&region->stop) >= STOP_TERMINATED)
            return;
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
        if (atomic_load(&region->stop) || region->kind == POOL_INLINE)
            return;
        rest(w);
    }
}

/* ---- Healing ---- */

/* Says in a note how the item failed in whose middle the worker died. */
static void fail_item(struct region *region, struct slot *slot, struct job *job, uint64_t item)
{
    uint64_t until = atomic_load(&slot->limit_until);
    bool limit = until && slot->dead_at >= until && WIFSIGNALED(slot->dead_status);
    struct note *note = note_new(region, slot, limit ? NOTE_LIMIT : NOTE_DEATH, 0);
    if (note) {
        note->pid = atomic_load(&slot->dead_pid);
        note->status = limit ? (int32_t)(job->limit * 1000) : slot->dead_status;
        note_publish(region, slot, job, item);
    } else {
        note_absent(job, item, ABSENT_MEMORY);
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
    if (word && word == (uint32_t)atomic_load(&slot->run))
        note_publish(region, slot, job, item);
    if (!word && (given_up(job) == GIVEN_UP_CANCEL || (uint32_t)at >> 1 < job->retries)) {
        note_drop(region, slot);
        memset(job->results + item * result_stride(region, job->result_width), 0, job->result_width);
        return at + 1; /* one more death, not running */
    }
    if (!word)
        fail_item(region, slot, job, item);
    return (item + 1) << 32;
}

/* Clears up what the dead worker held. Returns the job whose chunk is still held, or NULL if there is none. */
static struct job *clear_up(struct region *region, uint32_t number)
{
    struct slot *slot = &region->slots[number];
    uint32_t me = number + 1, aim = atomic_load(&slot->aim);
    atomic_fetch_and(&region->asleep[number / 64], ~((uint64_t)1 << (number % 64)));
    atomic_compare_exchange_strong(&region->spinner, &me, 0);
    if (!aim)
        return NULL;
    struct job *job = &region->jobs[aim - 1];
    uint32_t chunk = atomic_load(&slot->chunk); /* of an earlier job, if it was killed before it chose one of this */
    if (chunk < atomic_load(&job->chunks)) {
        _Atomic uint32_t *ticket = job_ticket(job, chunk);
        uint32_t word = atomic_load(ticket);
        if ((word & (TICKET_OWNER | TICKET_DONE)) == number + 1)
            return job;
        if (word & TICKET_DONE)
            announce(region, ticket, true, true, job->bell);
    }
    aim_at_nothing(slot);
    return NULL;
}

/* Heals the slot: settles the item that was running. Returns the job to go on with, or NULL. */
static struct job *heal(struct worker *w)
{
    struct slot *slot = w->slot;
    struct job *job = clear_up(w->region, w->number);
    uint64_t at = atomic_load(&slot->at);
    bool running = job && at % 2;
    if (atomic_load(&slot->dead_pid))
        trace(w, TRACE_DEATH, running ? job->serial : 0, running ? at >> 32 : UINT64_MAX, slot->dead_status);
    if (running)
        note64(&slot->at, settle_death(w->region, slot, job));
    note64(&slot->limit_until, 0);
    atomic_store(&slot->dead_pid, 0);
    if (!job)
        return NULL;
    uint32_t chunk = atomic_load(&slot->chunk);
    atomic_fetch_and(job_ticket(job, chunk), ~TICKET_CONDEMNED);
    if (atomic_load(&slot->at) >> 32 < job_chunk_end(job, chunk))
        return job;
    finish_chunk(w->region, slot, job, TICKET_DONE);
    return NULL;
}

void worker_bury(struct region *region, uint32_t number)
{
    struct slot *slot = &region->slots[number];
    struct job *job = clear_up(region, number);
    if (!job)
        return;
    uint64_t at = atomic_load(&slot->at), end = job_chunk_end(job, atomic_load(&slot->chunk));
    uint64_t item = (at % 2 ? settle_death(region, slot, job) : at) >> 32;
    for (; item < end; item++)
        note_absent(job, item, ABSENT_WORKER);
    finish_chunk(region, slot, job, TICKET_DONE);
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

/* ---- Birth ---- */

/* The nursery gave every signal its default action and blocks them all. */
static void take_signals(void)
{
    sigset_t none;
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool initialize(struct worker *w)
{
    struct region *region = w->region;
    w->slot->text[0] = '\0';
    int status = region->initializer ? region->initializer(region->initarg) : 0;
    if (region->kind == POOL_PROCESSES)
        fflush(stdout);
    if (status && !w->slot->text[0])
        pool_fail("it returned %d", status);
    if (status)
        return false;
    atomic_store(&w->slot->ready, 1);
    atomic_store(&w->slot->was_ready, 1);
    atomic_fetch_add(&region->news, 1);
    futex_wake(&region->news, INT32_MAX);
    return true;
}

/* A first life is shorter by a share that grows with the slot's number, so that not all workers retire at once. */
static long tasks_in_this_life(const struct region *region, uint32_t number)
{
    long most = region->maxtasks ? region->maxtasks : -1;
    if (most >= 8 && region->slots[number].lives == 1)
        most -= (long)((uint64_t)(most / 2) * number / region->workers);
    return most;
}

static struct worker make_worker(struct region *region, uint32_t number)
{
    return (struct worker){ .region = region, .slot = &region->slots[number], .number = number, .idle = true };
}

/* Takes its name, which is also what the system calls this thread. */
static void begin_life(struct worker *w)
{
    self = w;
    snprintf(w->name, sizeof w->name, "PoolWorker-%u", w->slot->worker);
    prctl(PR_SET_NAME, w->name);
    w->left = tasks_in_this_life(w->region, w->number);
}

/* Returns whether the initializer succeeded. */
static bool live(struct worker *w)
{
    struct job *held = heal(w);
    trace(w, TRACE_START, 0, UINT64_MAX, 0);
    if (!initialize(w))
        return false;
    if (!held || run_chunk(w, held))
        work(w);
    trace(w, TRACE_END, 0, UINT64_MAX, 0);
    return true;
}

_Noreturn void worker_live(struct region *region, uint32_t number, pid_t nursery)
{
    struct worker worker = make_worker(region, number);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != nursery)
        _exit(EXIT_FAILURE);
    begin_life(&worker);
    on_exit(leave_at_exit, NULL);
    take_signals();
    bool good = live(&worker);
    fflush(stdout);
    region_release(region); /* else valgrind would look through all of it for leaks */
    _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

bool worker_thread(struct region *region, uint32_t number)
{
    struct worker worker = make_worker(region, number);
    begin_life(&worker);
    return live(&worker);
}

/* In an inline pool the caller is the worker, whenever it hands something over. */
static void with_self(struct region *region, void (*what)(struct worker *w))
{
    struct worker worker = make_worker(region, 0), *outer = self;
    snprintf(worker.name, sizeof worker.name, "%s", pool_worker_name());
    worker.left = -1;
    self = &worker;
    what(&worker);
    self = outer;
}

static void try_initialize(struct worker *w)
{
    if (!initialize(w))
        atomic_store(&w->region->failed, 1);
}

void worker_initialize(struct region *region)
{
    with_self(region, try_initialize);
}

void worker_drain(struct region *region)
{
    with_self(region, work);
}
