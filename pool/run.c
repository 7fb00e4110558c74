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

int run_spread(const void *arg, void *result)
{
    const struct row *row = arg;
    const struct spread *spread = row->spread;
    const void *args[MOST_COLUMNS];
    for (size_t i = 0; i < spread->ncolumns; i++)
        args[i] = (const char *)spread->columns[i].base + row->item * spread->columns[i].width;
    return spread->task(args, result);
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
    for (; item < end && !atomic_load(&job->given_up); item++, arg += width, result += stride, deaths = 0) {
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

/* Items from here to the end of the chunk will not run. Returns how the ticket is to say that. */
static uint32_t cancel_rest(struct slot *slot, struct job *job, uint64_t item, uint64_t end)
{
    note64(&slot->at, item << 32);
    if (item == (uint64_t)atomic_load(&slot->chunk) * job->chunk)
        return TICKET_DONE | TICKET_CANCELLED;
    for (; item < end; item++)
        note_absent(job, item, atomic_load(&job->given_up));
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
    if (item < end && w->left == 0 && !atomic_load(&job->given_up)) {
        note64(&slot->at, item << 32);
        return false;
    }
    uint32_t how = item < end ? cancel_rest(slot, job, item, end) : TICKET_DONE;
    return finish_chunk(w->region, slot, job, how) && w->left != 0;
}
