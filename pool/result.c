/*
 * result.c - the caller's side: waiting, and reading what came back.
 *
 * A waiting thread marks the ticket it waits for WAITED and sleeps on that very word, so the worker that ends the
 * chunk knows whether a wake-up is due, and nobody is woken for nothing. It sleeps in slices of 100 ms; after each it
 * looks whether the nursery lives and repeats the wake-up of the workers, so that a lost one costs a slice, not
 * the program. A map waits for its last ticket first: mostly all others are done by then.
 *
 * Signals do not end a wait; pool_interrupt() does. A call takes part in the interrupts that were not answered when it
 * began, so one interrupt ends every call that waits, or else the next one that would.
 */
#include "caller.h"
#include <errno.h>
#include <string.h>

/* ---- Waiting ---- */

struct wait wait_begin(struct pool *pool, const char *who, double seconds)
{
    struct wait wait = { pool, who, seconds, UINT64_MAX, pool ? atomic_load(&pool->answered) : 0 };
    if (!(seconds > 0))
        wait.deadline = 0;
    else if (seconds < 1e9)
        wait.deadline = now_ns() + (uint64_t)(seconds * 1e9);
    return wait;
}

int wait_goes_on(const struct wait *wait)
{
    uint32_t interrupts = wait->pool ? atomic_load(&wait->pool->interrupts) : 0;
    if (interrupts != wait->answered) {
        atomic_store(&wait->pool->answered, interrupts);
        return error_set(EINTR, "%s: interrupted by pool_interrupt", wait->who);
    }
    if (now_ns() >= wait->deadline)
        return error_set(ETIMEDOUT, "%s: not done within %g s", wait->who, wait->seconds > 0 ? wait->seconds : 0.0);
    return 0;
}

void wait_on(const struct wait *wait, _Atomic uint32_t *word, uint32_t value)
{
    uint64_t now = now_ns(), left = wait->deadline > now ? wait->deadline - now : 1;
    futex_wait(word, value, left < SLICE ? left : SLICE);
    if (atomic_load(word) != value || !wait->pool)
        return;
    look_after(wait->pool);
    run_callbacks(wait->pool);
}

static bool is_done(void *ticket)
{
    return atomic_load((_Atomic uint32_t *)ticket) & TICKET_DONE;
}

static int wait_for_ticket(const struct wait *wait, _Atomic uint32_t *ticket)
{
    for (;;) {
        uint32_t word = atomic_load(ticket);
        if (word & TICKET_DONE)
            return 0;
        if (wait_goes_on(wait) != 0)
            return -1;
        if (word & TICKET_WAITED || atomic_compare_exchange_strong(ticket, &word, word | TICKET_WAITED))
            wait_on(wait, ticket, word | TICKET_WAITED);
    }
}

bool pool_result_ready(struct pool_result *result)
{
    uint32_t undone = atomic_load(&result->undone);
    if (!result->pool || !undone || !*result->pool->here) /* in a task, the handle is not there */
        return result->pool && !undone && *result->pool->here;
    struct job *job = job_of(result);
    while (undone && atomic_load(job_ticket(job, undone - 1)) & TICKET_DONE)
        undone--;
    atomic_store_explicit(&result->undone, undone, memory_order_release); /* another thread may read the results */
    return !undone;
}

int wait_for(const struct wait *wait, struct pool_result *result)
{
    bool may_spin = !result->woke && wait->deadline; /* if the worker that will end it is awake on another core */
    while (!pool_result_ready(result)) {
        struct job *job = job_of(result);
        uint32_t undone = atomic_load(&result->undone);
        if (!undone) /* another thread has seen the end meanwhile */
            continue;
        _Atomic uint32_t *ticket = job_ticket(job, undone - 1);
        if (may_spin && spin_until(now_ns() + wait->pool->region->spin, is_done, ticket))
            continue;
        may_spin = false;
        if (wait_for_ticket(wait, ticket) != 0)
            return -1;
    }
    if (result->pool->watch_count)
        run_callbacks(result->pool);
    return 0;
}

uint32_t result_give_up(struct pool_result *result, enum give_up why, enum taken taken)
{
    struct job *job = job_of(result);
    uint8_t wanted = WANTED;
    uint32_t held = 0;
    atomic_compare_exchange_strong(&job->given_up, &wanted, why);
    for (uint32_t chunk = 0; chunk < result->chunks; chunk++) {
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
    ring_descriptor(result->pool->region, true); /* no worker will */
    return held;
}

static int await(struct pool_result *result, const char *who, double seconds)
{
    if (!result)
        return error_set(EINVAL, "%s: result is NULL; did handing it over fail?", who);
    bool ready = pool_result_ready(result);
    if (ready && !result->pool->watch_count)
        return 0;
    if (!pool_may(result->pool, who, !ready))
        return -1;
    struct wait wait = wait_begin(result->pool, who, seconds);
    return wait_for(&wait, result);
}

int pool_result_wait(struct pool_result *result, double seconds)
{
    return await(result, "pool_result_wait", seconds);
}

int pool_result_cancel(struct pool_result *result)
{
    if (!result)
        return error_set(EINVAL, "pool_result_cancel: result is NULL; did handing it over fail?");
    struct pool *pool = result->pool;
    if (!pool_may(pool, "pool_result_cancel", false))
        return -1;
    pthread_mutex_lock(&pool->lock);
    bool processes = pool->region->kind == POOL_PROCESSES, ready = pool_result_ready(result);
    uint32_t held = ready ? 0 : result_give_up(result, GIVEN_UP_CANCEL, processes ? TAKEN_CONDEMN : TAKEN_FINISH);
    pthread_mutex_unlock(&pool->lock);
    if (held && !processes)
        return error_set(ENOTSUP, "pool_result_cancel: threads are in %u of its chunks, and cannot be killed", held);
    if (held)
        call_nursery(pool);
    return !ready;
}

/* ---- Reading ---- */

/* Notes that nobody wrote: a word, or nothing, stands for them. */
#define NOBODY_WROTE(why)                                                                                              \
    {                                                                                                                  \
        .kind = NOTE_ABSENT, .status = (why)                                                                           \
    }
static const struct note ended = NOBODY_WROTE(GIVEN_UP_END), cancelled = NOBODY_WROTE(GIVEN_UP_CANCEL),
                         another_failed = NOBODY_WROTE(GIVEN_UP_FAILED), no_memory = NOBODY_WROTE(NO_MEMORY),
                         no_worker = NOBODY_WROTE(NO_WORKER);
static const struct note *const absent[] = { NULL, &ended, &cancelled, &another_failed, &no_memory, &no_worker };

const struct note *result_note(const struct pool_result *result, size_t item)
{
    struct job *job = job_of(result);
    uint8_t given_up = atomic_load(&job->given_up);
    if (!given_up && !atomic_load(&job->noted))
        return NULL;
    uint32_t word = atomic_load(&job->notes[item]);
    if (!word && atomic_load(job_ticket(job, (uint32_t)(item / job->chunk))) & TICKET_CANCELLED)
        word = ABSENT + given_up;
    return word >= ABSENT ? absent[(word - ABSENT) % 6] : note_at(result->pool->region, word);
}

/* Most jobs have no note at all, and then no item has to be looked at. */
static bool nothing_noted(const struct pool_result *result)
{
    const struct job *job = job_of(result);
    return !atomic_load(&job->noted) && !atomic_load(&job->given_up);
}

bool item_failed(const struct pool_result *result, size_t item)
{
    const struct note *note = result_note(result, item);
    return note && note->kind != NOTE_REPLY;
}

bool result_failure(struct pool_result *result, size_t from, struct pool_error *error)
{
    uint32_t failures = 0;
    if (nothing_noted(result))
        return false;
    for (size_t i = 0; i < result->count && !result->counted; i++)
        failures += item_failed(result, i);
    if (!result->counted)
        result->failures = failures;
    result->counted = true;
    while (from < result->count && !item_failed(result, from))
        from++;
    if (from >= result->count)
        return false;
    error_of_item(error, from, result_note(result, from), result->pool->why);
    error->failures = result->failures;
    return true;
}

bool result_verdict(struct pool_result *result, struct pool_error *error)
{
    if (!result_failure(result, 0, error))
        return false;
    for (size_t item = error->item + 1; error->code == ECANCELED && item < result->count; item++) {
        const struct note *note = result_note(result, item);
        if (note && note->kind != NOTE_REPLY && (note->kind != NOTE_ABSENT || note->status > GIVEN_UP_FAILED)) {
            error_of_item(error, item, note, result->pool->why);
            error->failures = result->failures;
        }
    }
    return true;
}

/* Returns whether the job is done, so that it can be read. */
static bool readable(struct pool_result *result, const char *who)
{
    if (!result)
        error_set(EINVAL, "%s: result is NULL; did handing it over fail?", who);
    else if (pool_result_ready(result))
        return true;
    else if (pool_may(result->pool, who, false))
        error_set(EAGAIN, "%s: the job is not done", who);
    return false;
}

int pool_result_failure(struct pool_result *result, size_t from, struct pool_error *error)
{
    if (!readable(result, "pool_result_failure"))
        return -1;
    result->looked = true;
    return result_failure(result, from, error);
}

int pool_result_successful(struct pool_result *result)
{
    struct pool_error error;
    if (!readable(result, "pool_result_successful"))
        return -1;
    result->looked = true;
    return !result_failure(result, 0, &error);
}

const char *result_value(const struct pool_result *result, size_t item)
{
    return job_of(result)->results + item * result_stride(result->pool->region, result->result_width);
}

static void copy_values(const struct pool_result *result, char *to)
{
    size_t width = result->result_width;
    if (!result->count || !width)
        return;
    if (!result->pool->region->check)
        memcpy(to, job_of(result)->results, result->count * width);
    for (size_t item = 0; item < result->count && result->pool->region->check; item++)
        memcpy(to + item * width, result_value(result, item), width);
}

int result_get(struct pool_result *result, const char *who, void *results, double seconds)
{
    struct pool_error error;
    if (await(result, who, seconds) != 0)
        return -1;
    if (results)
        copy_values(result, results);
    result->looked = true;
    return result_verdict(result, &error) ? error_put(&error) : 0;
}

int pool_result_get(struct pool_result *result, void *results, double seconds)
{
    return result_get(result, "pool_result_get", results, seconds);
}

size_t pool_result_count(const struct pool_result *result)
{
    return result->count;
}

/* Returns whether the item can be read. */
static bool item_readable(struct pool_result *result, size_t item, const char *who)
{
    if (!readable(result, who))
        return false;
    if (item >= result->count)
        error_set(EINVAL, "%s: there is no item %zu: the job has %u", who, item, result->count);
    return item < result->count;
}

const void *pool_result_at(struct pool_result *result, size_t item)
{
    struct pool_error error;
    if (!item_readable(result, item, "pool_result_at"))
        return NULL;
    const struct note *note = result_note(result, item);
    if (!note || note->kind == NOTE_REPLY)
        return result_value(result, item);
    result->looked = true;
    error_of_item(&error, item, note, result->pool->why);
    error_put(&error);
    return NULL;
}

const void *pool_result_reply(struct pool_result *result, size_t item, size_t *size)
{
    if (!item_readable(result, item, "pool_result_reply"))
        return NULL;
    const struct note *note = result_note(result, item);
    bool bytes = note && (note->kind == NOTE_REPLY || (note->kind == NOTE_FAILURE && note->size));
    if (size)
        *size = bytes ? note->size : 0;
    return bytes ? note->bytes : NULL;
}
