/*
 * job.c - the caller's side: from an order to a job in the shared region, and back to a free record.
 *
 * A job is a record in the region, and for all but the smallest a piece of job memory behind it:
 *
 *     tickets, one for each chunk | notes, one for each item | arguments | results
 *
 * A job of one item with a small argument and result needs no memory: all of it lies in its record, so handing over
 * a million of them touches 128 MB and allocates nothing.
 *
 * A record is used again once its job is done, its handle is freed, and no worker aims at it any more. Until then a
 * freed handle's record is *dropped*, and looked at again when records or memory run short.
 */
#include "caller.h"
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNKS_EACH 64  /* the default: so many chunks for each worker; they are cheap, and even out long items */
#define ALIGNMENT 64    /* of arrays; see alignment_of() */
#define LOOKS 2         /* dropped records that are looked at whenever one is wanted or dropped */
#define SMALL_COPY 4096 /* up to here, arguments are copied without letting go of the lock */

/* ---- Job records ---- */

static uint32_t number_of(const struct pool *pool, const struct pool_result *result)
{
    return (uint32_t)(result - pool->results) + 1;
}

/* No worker may still look at a job of several chunks when its record is used again; see take_from_many(). */
static bool anybody_aims_at(struct region *region, uint32_t number)
{
    for (uint32_t i = 0; i < region->workers; i++)
        if (atomic_load(&region->slots[i].aim) == number || (uint32_t)atomic_load(&region->slots[i].once) == number)
            return true;
    return false;
}

void make_free(struct pool *pool, struct pool_result *result)
{
    atomic_store_explicit(&result->hold, HOLD_NOBODY, memory_order_relaxed);
    result->next = pool->free;
    pool->free = number_of(pool, result);
}

void job_unmake(struct pool *pool, struct pool_result *result)
{
    memory_give(&pool->memory, result->extent);
    make_free(pool, result);
}

void count_unseen(struct pool *pool, struct pool_result *result)
{
    struct pool_error error;
    if (result->looked || !result_verdict(result, &error) || error.code == ECANCELED)
        return;
    if (pool->unseen++ == 0)
        memcpy(pool->first_unseen, error.text, sizeof error.text);
}

void job_forget(const struct pool_result *result, size_t from, size_t to)
{
    struct job *job = job_of(result);
    for (; from < to && atomic_load(&job->noted); from++)
        note_free(result->pool->region, atomic_exchange(&job->notes[from], 0));
}

enum reuse { REUSE_NOT, REUSE_SOON, REUSE_NOW };

/* Makes the record of a dropped job free, if the job is done and nobody can see it any more. */
static enum reuse reuse(struct pool *pool, struct pool_result *result)
{
    struct job *job = job_of(result);
    if (!result_ready(result) || result->watch || result->visitors)
        return REUSE_NOT;
    if (atomic_load(&job->tickets) || job->each) {
        if (atomic_load(&job->seq) % 2)
            atomic_fetch_add(&job->seq, 1);
        if (anybody_aims_at(pool->region, number_of(pool, result)))
            return REUSE_SOON;
    }
    count_unseen(pool, result);
    job_forget(result, 0, result->count);
    job_unmake(pool, result);
    if ((pool->memory.untidy || atomic_load(&job->noted)) && !atomic_load(&pool->region->untidy)) {
        atomic_store(&pool->region->untidy, now_ns());
        wake_one_worker(pool->region); /* it will see to the pages later, if it has nothing else to do */
    }
    pool->memory.untidy = false;
    return REUSE_NOW;
}

static void append_dropped(struct pool *pool, struct pool_result *result)
{
    struct pool_result *last = pool->drop_count++ ? &pool->results[pool->dropped - 1] : result;
    result->next = last->next;
    last->next = pool->dropped = number_of(pool, result);
}

/* Looks at so many dropped records; those that cannot be used again yet are the last then. Returns whether it is for
 * some a matter of a moment only. */
static bool reuse_dropped(struct pool *pool, uint32_t most)
{
    bool soon = false;
    for (; most && pool->drop_count; most--) {
        struct pool_result *last = &pool->results[pool->dropped - 1], *first = &pool->results[last->next - 1];
        last->next = first->next;
        pool->drop_count--;
        enum reuse how = reuse(pool, first);
        soon |= how == REUSE_SOON;
        if (how != REUSE_NOW)
            append_dropped(pool, first);
    }
    return soon;
}

void job_drop(struct pool *pool, struct pool_result *result)
{
    if (reuse(pool, result) == REUSE_NOW)
        return;
    atomic_store(&job_of(result)->dropped, true);
    result->hold = HOLD_DROPPED;
    append_dropped(pool, result);
}

void pool_result_free(struct pool_result *result)
{
    if (!result || !result->pool || !*result->pool->here)
        return;
    VISIT in = visit(result->pool, NULL, "pool_result_free", false);
    if (!in.pool)
        return;
    lock_pool(in.pool);
    if (result->hold == HOLD_HANDLE) {
        job_drop(in.pool, result);
        if (in.pool->drop_count)
            reuse_dropped(in.pool, LOOKS);
    }
    unlock_pool(in.pool);
}

struct pool_result *take_record(struct pool *pool, const char *who)
{
    struct pool_result *record = &pool->results[pool->fresh];
    if (pool->drop_count)
        reuse_dropped(pool, LOOKS);
    if (!pool->free && pool->fresh < pool->region->job_count &&
        (pool->fresh % GROWTH || mprotect(record, GROWTH * sizeof *record, PROT_READ | PROT_WRITE) == 0)) {
        pool->fresh++;
        return record;
    }
    if (!pool->free)
        reuse_dropped(pool, pool->drop_count);
    if (!pool->free)
        return error_set(ENOMEM, "%s: %u jobs are under way or unfreed; no more fit", who, pool->fresh), NULL;
    record = &pool->results[pool->free - 1];
    pool->free = record->next;
    return record;
}

/* ---- Preparing a job ---- */

/* What a job will need. */
struct plan {
    size_t chunk, chunks;
    size_t notes, args, results, total; /* offsets in its memory; tickets come first */
};

/* Sets offset to the end so far, moves the end by count * width. False if that is more than any memory. */
static bool add(struct plan *plan, size_t *offset, size_t count, size_t width)
{
    size_t bytes;
    *offset = round_to(plan->total, count > 1 ? ALIGNMENT : alignment_of(width));
    return !__builtin_mul_overflow(count, width, &bytes) && bytes < SIZE_MAX / 4 &&
           (plan->total = *offset + bytes) < SIZE_MAX / 4;
}

static int make_plan(const struct order *order, const struct region *region, struct plan *plan)
{
    size_t count = order->count, many = region->workers * CHUNKS_EACH;
    *plan = (struct plan){ count, count, .total = 0 }; /* the commonest counts, 1 and 0, need no division */
    if (count > 1) {
        long asked = order->options ? order->options->chunk : 0;
        plan->chunk = asked ? (size_t)asked : (count + many - 1) / many;
        plan->chunk = plan->chunk < TICKET_FAILED ? plan->chunk : TICKET_FAILED;
        plan->chunks = (count + plan->chunk - 1) / plan->chunk;
    }
    plan->total = plan->chunks > 1 ? plan->chunks * sizeof(uint32_t) : 0;
    if (add(plan, &plan->notes, count > 1 ? count : 0, sizeof(uint32_t)) &&
        add(plan, &plan->args, order->list ? 1 : count, order->width) &&
        add(plan, &plan->results, count, result_stride(region, order->result_width)))
        return 0;
    return error_set(ENOMEM, "%s: %zu items of %zu bytes are more than any memory", order->who, count, order->width);
}

struct extent job_memory(struct pool *pool, size_t size, const char *who)
{
    struct extent extent = memory_take(&pool->memory, size);
    uint64_t end = extent.units ? 0 : now_ns() + SLICE;
    for (bool soon = true; !extent.units && soon && now_ns() < end;) {
        soon = reuse_dropped(pool, pool->drop_count);
        extent = memory_take(&pool->memory, size);
        if (!extent.units && soon)
            sched_yield();
    }
    if (!extent.units)
        error_set(ENOMEM,
                  "%s: %zu bytes do not fit: %zu of %zu are in use; free results, or open the pool "
                  "with a larger .memory",
                  who, size, pool->memory.used, pool->region->memory_limit);
    return extent;
}

/* Gives the job its memory: tickets and notes zeroed, arguments and results as they come. */
static int place(struct pool *pool, const struct plan *plan, const struct order *order, struct pool_result *result)
{
    struct job *job = job_of(result);
    char *at = job->small;
    if (plan->total > JOB_INLINE || order->count > 1 || pool->region->check) {
        result->extent = job_memory(pool, plan->total, order->who);
        if (!result->extent.units)
            return -1;
        at = memory_at(&pool->memory, result->extent);
    }
    job->notes = &job->one_note;
    atomic_store_explicit(&job->one_note, 0, memory_order_relaxed); /* nobody looks before publish() */
    if (order->count > 1) {
        memset(at, 0, plan->notes + order->count * sizeof(uint32_t));
        job->notes = (_Atomic uint32_t *)(at + plan->notes);
    }
    atomic_store_explicit(&job->tickets, plan->chunks > 1 ? (_Atomic uint32_t *)at : NULL, memory_order_relaxed);
    job->args = at + plan->args;
    job->results = at + plan->results;
    return 0;
}

/* Takes a record and describes the job in it. The caller holds the lock. */
static struct pool_result *prepare(struct pool *pool, const struct order *order, const struct plan *plan)
{
    struct pool_result *result = take_record(pool, order->who);
    if (!result)
        return NULL;
    *result = (struct pool_result){ .pool = pool,
                                    .count = (uint32_t)order->count,
                                    .result_width = order->result_width,
                                    .chunks = (uint32_t)plan->chunks,
                                    .undone = (uint32_t)plan->chunks,
                                    .hold = HOLD_MAKER };
    if (place(pool, plan, order, result) != 0) {
        make_free(pool, result);
        return NULL;
    }
    const struct region *region = pool->region;
    const struct pool_job_options *options = order->options;
    struct job *job = job_of(result);
    job->bell = (uint8_t)order->bell;
    job->fail_fast = options && options->fail_fast;
    job->retries = options ? (uint16_t)options->retries : 0;
    job->limit = !options || options->limit <= 0 ? 0 : options->limit < 1e-9 ? 1e-9f : (float)options->limit;
    job->task = order->star ? region->run_row : (pool_task *)((uintptr_t)order->task + region->shift);
    job->each = order->list;
    job->width = order->width;
    job->result_width = order->result_width;
    atomic_store_explicit(&job->count, (uint32_t)order->count, memory_order_relaxed);
    job->chunk = (uint32_t)plan->chunk;
    job->serial = ++pool->serial;
    atomic_store_explicit(&job->noted, 0, memory_order_relaxed);    /* nobody looks before publish() */
    atomic_store_explicit(&job->given_up, 0, memory_order_relaxed); /* nor here */
    atomic_store_explicit(&job->dropped, false, memory_order_relaxed);
    return result;
}

/* A starmap's columns become rows: the layout, and behind it the arguments of one item. */
static void fill_rows(const struct order *order, char *row)
{
    const struct row *layout = order->row;
    for (size_t item = 0; item < order->count; item++, row += order->width) {
        memcpy(row, layout, sizeof *layout + layout->ncolumns * sizeof *layout->at);
        for (size_t i = 0; i < layout->ncolumns; i++) {
            size_t width = order->columns[i].width;
            if (width)
                memcpy(row + layout->at[i], (const char *)order->columns[i].base + item * width, width);
        }
    }
}

struct pool_result *job_make(struct pool *pool, const struct order *order)
{
    struct plan plan;
    struct pool_result *result = make_plan(order, pool->region, &plan) == 0 ? prepare(pool, order, &plan) : NULL;
    if (!result)
        return NULL;
    if (plan.total > SMALL_COPY)
        unlock_pool(pool);
    if (order->star)
        fill_rows(order, job_of(result)->args);
    else if (order->count && order->base)
        memcpy(job_of(result)->args, order->base, (order->list ? 1 : order->count) * order->width);
    if (plan.total > SMALL_COPY)
        lock_pool(pool);
    return result;
}
