/*
 * guard.c - running items as run.c does, with what some jobs and some pools want beside it: time limits, canaries
 * behind the results, records for a picture.
 */
#define _GNU_SOURCE
#include "inside.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define CANARY_BYTE 0xc5

/* The timer's signal is KILL: a task cannot block it, and it hits this worker and no other. */
static bool have_timer(struct worker *w)
{
    struct sigevent end = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
    w->has_timer = w->has_timer || timer_create(CLOCK_MONOTONIC, &end, &w->timer) == 0;
    return w->has_timer;
}

/* Sets it; one that cannot be set goes, and the next item gets a new one. */
static void set_timer(struct worker *w, uint64_t ns)
{
    struct itimerspec time = { .it_value = timespec_of(ns) };
    if (timer_settime(w->timer, 0, &time, NULL) == 0)
        return;
    w->has_timer = false;
    int error = errno;
    timer_delete(w->timer);
    errno = error;
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

/* The item counts as running before its timer does: else one that is always faster than the start would be tried for
 * ever. Until the timer is off again the slot says when it ends the item, so that a successor knows what happened. */
static void begin_item(struct worker *w, const struct job *job, uint64_t at, char *result)
{
    size_t width = job->result_width;
    if (w->region->check)
        memset(result + width, CANARY_BYTE, result_stride(w->region, width) - width);
    if (w->region->trace)
        note64(&w->slot->began, now_ns() - w->region->opened);
    note64(&w->slot->at, at);
    if (job->limit > 0 && have_timer(w)) {
        uint64_t ns = (uint64_t)((double)job->limit * 1e9) + 1;
        note64(&w->slot->limit_until, now_ns() + ns);
        set_timer(w, ns);
    }
}

/* If the timer is faster, it must not hit an item: by then the slot stands at the next one, not yet running. */
static void end_item(struct worker *w, const struct job *job, uint64_t item, int status)
{
    trace(w, status ? TRACE_FAILED : TRACE_DONE, job->serial, item, status);
    if (w->has_timer && job->limit > 0) {
        note64(&w->slot->at, (item + 1) << 32);
        set_timer(w, 0);
        note64(&w->slot->limit_until, 0);
    }
}

uint64_t run_guarded(struct worker *w, struct job *job, uint64_t item, uint64_t end)
{
    size_t stride = result_stride(w->region, job->result_width);
    uint64_t deaths = (uint32_t)atomic_load(&w->slot->at); /* of the first item */
    for (; item < end && !atomic_load(&job->given_up); item++, deaths = 0) {
        char *result = job->results + item * stride;
        begin_item(w, job, item << 32 | deaths | 1, result);
        int status = job->limit > 0 && !w->has_timer
                         ? pool_fail("there is no timer for its time limit: %s", strerror(errno))
                         : run_task(w, job->task, job->args + item * job->width, result);
        if (w->region->check)
            status = check_canary(w, job, result, status);
        if (status || atomic_load(&w->slot->run))
            settle_item(w, job, item, status);
        end_item(w, job, item, status);
    }
    return item;
}
