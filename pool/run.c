/*
 * run.c - what a worker does with a chunk it has taken: it runs the items, one after the other.
 *
 * Before an item runs the slot says so, and how it ended is published before the slot goes on to the next: so whatever
 * instruction the worker is killed at, its successor (heal.c) knows the one item that may be lost. The common item
 * costs one store and the call of its task. All else is for few: failures and replies, pictures, canaries, time limits.
 *
 * It does not know where chunks come from (worker.c).
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CANARY_BYTE 0xc5

/* The worker that this thread is. Tasks call pool_reply() and pool_fail() without being handed anything. */
static _Thread_local struct worker *self;

struct worker *worker_become(struct worker *worker)
{
    struct worker *before = self;
    self = worker;
    return before;
}

void worker_resign(void)
{
    worker_become(NULL);
}

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

struct slot *worker_slot(const struct region *region)
{
    return self && self->region == region ? self->slot : NULL;
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

void trace(struct worker *w, enum trace_kind kind, uint32_t job, uint64_t item, int status)
{
    if (w->region->trace)
        add_record(w, kind, job, item, status);
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
    struct itimerspec time = { .it_value = timespec_of(ns) };
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

void give_up(struct job *job, enum give_up why)
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
        note_absent(job, item, NO_MEMORY);
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
        note_absent(job, item, given_up(job));
    return TICKET_DONE;
}

bool run_chunk(struct worker *w, struct job *job)
{
    struct slot *slot = w->slot;
    uint64_t first = atomic_load(&slot->at) >> 32;
    uint64_t end = job_chunk_end(job, atomic_load(&slot->chunk));
    uint64_t last = w->left < 0 || end - first < (uint64_t)w->left ? end : first + (uint64_t)w->left;
    w->in_task = true;
    uint64_t item = run_items(w, job, first, last);
    w->in_task = false;
    w->left -= w->left < 0 ? 0 : (long)(item - first);
    note64(&slot->finished, atomic_load(&slot->finished) + item - first); /* nobody else writes it */
    if (item < end && w->left == 0 && !given_up(job)) {
        note64(&slot->at, item << 32);
        return false;
    }
    uint32_t how = item < end ? cancel_rest(slot, job, item, end) : TICKET_DONE;
    return finish_chunk(w->region, slot, job, how) && w->left != 0;
}
