/*
 * result.c - the caller's side: reading what came back. Nothing in here waits.
 *
 * Most items leave a result of fixed width and nothing else. What more there is to say of one stands in a note, or in a
 * word that stands for one.
 */
#include "caller.h"
#include <errno.h>
#include <string.h>

bool result_ready(struct pool_result *result)
{
    uint32_t undone = atomic_load(&result->undone);
    if (!undone)
        return true;
    struct job *job = job_of(result);
    while (undone && atomic_load(job_ticket(job, undone - 1)) & TICKET_DONE)
        undone--;
    atomic_store_explicit(&result->undone, undone, memory_order_release); /* another thread may read the results */
    return !undone;
}

bool pool_result_ready(struct pool_result *result)
{
    VISIT in = visit_result(result, "pool_result_ready", false);
    return in.pool && result_ready(result);
}

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

size_t chunk_failures(const struct pool_result *result, uint32_t chunk, uint32_t ticket)
{
    const struct job *job = job_of(result);
    return ticket & TICKET_CANCELLED ? job_chunk_end(job, chunk) - (size_t)chunk * job->chunk : ticket & TICKET_FAILED;
}

static bool item_failed(const struct pool_result *result, size_t item)
{
    const struct note *note = result_note(result, item);
    return note && note->kind != NOTE_REPLY;
}

/* So it is in most jobs, and then no item has to be looked at. */
static bool nothing_noted(const struct job *job)
{
    return !atomic_load(&job->noted) && !atomic_load(&job->given_up);
}

/* Only chunks in which something failed are looked at item by item. */
bool result_failure(struct pool_result *result, size_t from, struct pool_error *error)
{
    struct job *job = job_of(result);
    uint32_t failures = 0;
    if (nothing_noted(job))
        return false;
    for (uint32_t chunk = 0; chunk < result->chunks && !result->counted; chunk++)
        failures += (uint32_t)chunk_failures(result, chunk, atomic_load(job_ticket(job, chunk)));
    if (!result->counted)
        result->failures = failures;
    result->counted = true;
    while (result->failures && from < result->count && !item_failed(result, from)) {
        uint32_t chunk = (uint32_t)(from / job->chunk);
        bool any = chunk_failures(result, chunk, atomic_load(job_ticket(job, chunk)));
        from = any ? from + 1 : job_chunk_end(job, chunk);
    }
    if (!result->failures || from >= result->count)
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

/* Returns whether the job of a visit is done, so that it can be read. */
static bool readable(const struct visit *in, const char *who)
{
    if (!in->pool)
        return false;
    bool ready = result_ready(in->result);
    return ready || error_set(EAGAIN, "%s: the job is not done", who) == 0;
}

int pool_result_failure(struct pool_result *result, size_t from, struct pool_error *error)
{
    VISIT in = visit_result(result, "pool_result_failure", false);
    if (!readable(&in, "pool_result_failure"))
        return -1;
    result->looked = true;
    return result_failure(result, from, error);
}

int pool_result_successful(struct pool_result *result)
{
    struct pool_error error;
    VISIT in = visit_result(result, "pool_result_successful", false);
    if (!readable(&in, "pool_result_successful"))
        return -1;
    result->looked = true;
    return !result_failure(result, 0, &error);
}

static const char *result_value(const struct pool_result *result, size_t item)
{
    return job_of(result)->results + item * result_stride(result->pool->region, result->result_width);
}

bool copy_value(const struct pool_result *result, size_t item, char *to)
{
    bool good = !item_failed(result, item);
    if (good && to && result->result_width)
        memcpy(to, result_value(result, item), result->result_width);
    else if (to && result->result_width)
        memset(to, 0, result->result_width);
    return good;
}

void copy_values(const struct pool_result *result, char *to)
{
    size_t width = result->result_width;
    bool all_good = nothing_noted(job_of(result)) && !result->pool->region->check;
    if (all_good && result->count && width)
        memcpy(to, job_of(result)->results, result->count * width);
    for (size_t item = 0; item < result->count && width && !all_good; item++)
        copy_value(result, item, to + item * width);
}

size_t pool_result_count(const struct pool_result *result)
{
    return result->count;
}

/* Returns whether the item can be read. */
static bool item_readable(const struct visit *in, size_t item, const char *who)
{
    if (!readable(in, who))
        return false;
    uint32_t count = in->result->count;
    return item < count || error_set(EINVAL, "%s: there is no item %zu: the job has %u", who, item, count) == 0;
}

const void *pool_result_at(struct pool_result *result, size_t item)
{
    struct pool_error error;
    VISIT in = visit_result(result, "pool_result_at", false);
    if (!item_readable(&in, item, "pool_result_at"))
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
    VISIT in = visit_result(result, "pool_result_reply", false);
    if (!item_readable(&in, item, "pool_result_reply"))
        return NULL;
    const struct note *note = result_note(result, item);
    bool bytes = note && (note->kind == NOTE_REPLY || (note->kind == NOTE_FAILURE && note->size));
    if (size)
        *size = bytes ? note->size : 0;
    return bytes ? note->bytes : NULL;
}
