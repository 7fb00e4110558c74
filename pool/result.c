/*
 * result.c - the caller's side: reading what came back. Nothing in here waits.
 *
 * Most items leave a result of fixed width and nothing else. What more there is to say of one stands in a note, or in a
 * word that stands for one.
 */
#include "caller.h"
#include <errno.h>
#include <string.h>

_Atomic uint32_t *last_undone(struct pool_result *result)
{
    uint32_t undone = atomic_load(&result->undone);
    if (!undone)
        return NULL;
    struct job *job = job_of(result);
    while (undone && atomic_load(job_ticket(job, undone - 1)) & TICKET_DONE)
        undone--;
    atomic_store_explicit(&result->undone, undone, memory_order_release); /* another thread may read the results */
    return undone ? job_ticket(job, undone - 1) : NULL;
}

bool pool_result_ready(struct pool_result *result)
{
    VISIT in = visit_result(result, "pool_result_ready", false);
    return in.pool && result_ready(result);
}

/* Notes that nobody wrote: a word, or nothing, stands for them. */
static const struct note *const absent[] = {
    NULL,
    &(const struct note){ .kind = NOTE_ABSENT, .status = GIVEN_UP_END },
    &(const struct note){ .kind = NOTE_ABSENT, .status = GIVEN_UP_CANCEL },
    &(const struct note){ .kind = NOTE_ABSENT, .status = GIVEN_UP_FAILED },
    &(const struct note){ .kind = NOTE_ABSENT, .status = NO_MEMORY },
    &(const struct note){ .kind = NOTE_ABSENT, .status = NO_WORKER },
};

static uint32_t ticket_of(const struct pool_result *result, uint32_t chunk)
{
    return atomic_load(job_ticket(job_of(result), chunk));
}

const struct note *result_note(const struct pool_result *result, size_t item)
{
    struct job *job = job_of(result);
    uint8_t given_up = atomic_load(&job->given_up);
    if (!given_up && !atomic_load(&job->noted))
        return NULL;
    uint32_t word = atomic_load(&job->notes[item]);
    if (!word && ticket_of(result, (uint32_t)(item / job->chunk)) & TICKET_CANCELLED)
        word = ABSENT + given_up;
    return word >= ABSENT ? absent[(word - ABSENT) % 6] : note_at(result->pool->region, word);
}

size_t chunk_failures(const struct pool_result *result, uint32_t chunk, uint32_t ticket)
{
    const struct job *job = job_of(result);
    return ticket & TICKET_CANCELLED ? job_chunk_end(job, chunk) - (size_t)chunk * job->chunk : ticket & TICKET_FAILED;
}

/* Whether the item failed; or only if not because another did or nobody wanted it. */
static bool item_failed(const struct pool_result *result, size_t item, bool by_itself)
{
    const struct note *note = result_note(result, item);
    return note && note->kind != NOTE_REPLY &&
           (!by_itself || note->kind != NOTE_ABSENT || note->status > GIVEN_UP_FAILED);
}

/* Returns how many items failed, when the job is done. */
static uint32_t count_failures(struct pool_result *result)
{
    const struct job *job = job_of(result);
    uint32_t failures = 0;
    if (!atomic_load(&job->noted) && !atomic_load(&job->given_up)) /* as in most jobs */
        return 0;
    if (result->counted)
        return result->counted - 1;
    for (uint32_t chunk = 0; chunk < result->chunks; chunk++)
        failures += (uint32_t)chunk_failures(result, chunk, ticket_of(result, chunk));
    result->counted = failures + 1;
    return failures;
}

/* Describes the first failure from an item on. Only chunks in which something failed are looked at item by item. */
static bool find_failure(struct pool_result *result, size_t from, bool by_itself, struct pool_error *error)
{
    const struct job *job = job_of(result);
    uint32_t failures = count_failures(result);
    while (failures && from < result->count && !item_failed(result, from, by_itself)) {
        uint32_t chunk = (uint32_t)(from / job->chunk);
        from = chunk_failures(result, chunk, ticket_of(result, chunk)) ? from + 1 : job_chunk_end(job, chunk);
    }
    if (!failures || from >= result->count)
        return false;
    error_of_item(error, from, result_note(result, from), result->pool);
    error->failures = failures;
    return true;
}

bool result_verdict(struct pool_result *result, struct pool_error *error)
{
    return count_failures(result) && (find_failure(result, 0, true, error) || find_failure(result, 0, false, error));
}

/* Returns whether the job of a visit is done, so that it can be read. */
static bool readable(const struct visit *in, const char *who)
{
    if (!in->pool)
        return false;
    bool ready = result_ready(in->result);
    return ready || error_set(EAGAIN, "%s: the job is not done", who) == 0;
}

static int look_for_failure(struct pool_result *result, const char *who, size_t from, struct pool_error *error)
{
    struct pool_error unwanted;
    VISIT in = visit_result(result, who, false);
    if (!readable(&in, who))
        return -1;
    result->looked = true;
    return find_failure(result, from, false, error ? error : &unwanted);
}

int pool_result_failure(struct pool_result *result, size_t from, struct pool_error *error)
{
    return look_for_failure(result, "pool_result_failure", from, error);
}

int pool_result_successful(struct pool_result *result)
{
    int failed = look_for_failure(result, "pool_result_successful", 0, NULL);
    return failed < 0 ? -1 : !failed;
}

static const char *result_value(const struct pool_result *result, size_t item)
{
    return job_of(result)->results + item * result_stride(result->pool->region, result->result_width);
}

bool copy_value(const struct pool_result *result, size_t item, char *to)
{
    bool good = !item_failed(result, item, false);
    if (good && to && result->result_width)
        memcpy(to, result_value(result, item), result->result_width);
    else if (to && result->result_width)
        memset(to, 0, result->result_width);
    return good;
}

void copy_values(struct pool_result *result, char *to)
{
    size_t width = result->result_width;
    bool all_good = count_failures(result) == 0 && !result->pool->region->check;
    if (all_good && result->count && width)
        memcpy(to, job_of(result)->results, result->count * width);
    for (size_t item = 0; item < result->count && width && !all_good; item++)
        copy_value(result, item, to + item * width);
}

size_t pool_result_count(const struct pool_result *result)
{
    return result ? result->count : 0;
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
    if (!item_failed(result, item, false))
        return result_value(result, item);
    result->looked = true;
    error_of_item(&error, item, result_note(result, item), result->pool);
    error_put(&error);
    return NULL;
}

const void *reply_of(const struct note *note, size_t *size)
{
    bool bytes = note && (note->kind == NOTE_REPLY || (note->kind == NOTE_FAILURE && note->size));
    if (size)
        *size = bytes ? note->size : 0;
    return bytes ? note->bytes : NULL;
}

const void *pool_result_reply(struct pool_result *result, size_t item, size_t *size)
{
    VISIT in = visit_result(result, "pool_result_reply", false);
    return item_readable(&in, item, "pool_result_reply") ? reply_of(result_note(result, item), size) : NULL;
}
