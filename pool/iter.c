/*
 * iter.c - imap: a stream of items in, a stream of results out.
 *
 * Items fly in *flights*, jobs with room for several chunks. Each chunk is handed over as soon as it was read, before
 * the source is asked again, which may take its time; what a job costs is paid once for all of a flight. So many items
 * are kept under way that each worker has a chunk, and `ahead` more. The source is asked when there is room for a whole
 * flight, or else when nothing is left to give out: so memory is bounded, and input may be endless.
 *
 * In order, the oldest chunk is waited for. Unordered, any that is done: the caller sleeps on a bell that workers ring
 * at the end of each chunk. Streams may share a bell; then one of them looks in vain. Chunks begin in their order
 * (IN_ORDER), and at most as many as there are workers have begun and are not done: so if any is done, one of the
 * first is.
 */
#include "caller.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PARTS 4             /* a flight is such a part of what may be under way; */
#define LEAST 8             /* chunks; if there were fewer in a flight, each flies alone */
#define FLIGHT_BYTES 65536u /* of more than one chunk only if it is no larger */

/* A chunk under way. */
struct chunk {
    struct pool_result *flight;
    uint32_t number; /* in the flight */
    size_t first;    /* the index that the flight's first item has in the stream */
};

/* What the program has is a record of a result, which any process may look at. */
struct pool_iter {
    struct pool_result record;
};

struct stream {
    struct stream *next; /* in the pool's list */
    struct pool *pool;
    struct order order;                     /* a flight */
    struct pool_job_options asked, options; /* of the stream, of each flight */
    pool_source *source;
    void *state;
    int said;                 /* what the source returned last: 0: it has ended; -1: it failed, and nobody was told */
    bool failed;              /* an item did, and that ends the stream */
    _Atomic bool busy;        /* a thread has its turn */
    size_t chunk, window;     /* items in a chunk; items under way at most */
    size_t most;              /* chunks in a flight */
    struct pool_result *open; /* the flight that is being filled, or NULL */
    char *read;               /* what was read from the source */
    size_t filled;            /* items of that, not handed over */
    size_t pulled, flying;    /* items handed over; of these, those not given out */
    struct chunk current;     /* the one that is given out, if it has a flight, */
    size_t item;              /* the next item of that flight, */
    _Atomic size_t index;     /* and the index of the last one in the stream */
    size_t begin, count, room;
    struct chunk chunks[]; /* a ring, the oldest first */
};

/* NULL once it is closed. */
static struct stream *stream_of(const struct pool_iter *iter)
{
    return (struct stream *)__atomic_load_n(&iter->record.extent.at, __ATOMIC_SEQ_CST);
}

static struct chunk *chunk_at(struct stream *stream, size_t i)
{
    i += stream->begin; /* no division: this is done for each item */
    return &stream->chunks[i < stream->room ? i : i - stream->room];
}

static _Atomic uint32_t *ticket_of(const struct chunk *chunk)
{
    return job_ticket(job_of(chunk->flight), chunk->number);
}

/* The same; the error says so. */
static struct stream *open_stream(const struct pool_iter *iter, const char *who)
{
    struct stream *stream = stream_of(iter);
    if (!stream)
        error_set(EINVAL, "%s: the stream is closed", who);
    return stream;
}

/* Goes in, so that the stream stays where it is. NULL if it is closed, or not here; the error says so. */
static struct stream *go_in(struct visit *in, const struct pool_iter *iter, const char *who, bool waits)
{
    if (iter)
        *in = visit_result((struct pool_result *)&iter->record, who, waits);
    else
        error_set(EINVAL, "%s: iter is NULL; did pool_imap fail?", who);
    return in->pool ? open_stream(iter, who) : NULL;
}

/* ---- Opening and closing ---- */

/* Once the pool is closed, it takes no stream, and the source is not asked any more; the error says so. */
static bool takes(struct pool *pool, const struct order *order)
{
    lock_pool(pool);
    bool takes = pool_takes(pool, order);
    unlock_pool(pool);
    return takes;
}

/* Makes a stream of a pool. NULL and the error. */
static struct stream *make_stream(struct pool *pool, const struct order *order)
{
    struct pool_job_options options = order->options ? *order->options : (struct pool_job_options){ .chunk = 0 };
    if (options.callback || options.error_callback)
        return error_set(EINVAL, "%s: a stream has no callbacks", order->who), NULL;
    size_t chunk = options.chunk ? (size_t)options.chunk : 1, workers = pool->region->workers;
    size_t window = workers * chunk + (options.ahead ? (size_t)options.ahead : workers), room = window / chunk + 1;
    size_t bytes = order->width / 2 + order->result_width / 2 + 1, most = FLIGHT_BYTES / 2 / bytes / chunk, items;
    size_t front = sizeof(struct stream) + room * sizeof(struct chunk);
    bool fits = !__builtin_mul_overflow(chunk, order->width, &items) && items < SIZE_MAX / 4;
    struct stream *stream = fits ? malloc(round_to(front, 64) + items + 64) : NULL;
    if (!stream)
        return error_set(ENOMEM, "%s: no memory for %zu items of %zu bytes", order->who, chunk, order->width), NULL;
    most = most < room / PARTS ? most : room / PARTS;
    most = most < IN_ORDER ? most : IN_ORDER;
    *stream = (struct stream){ .pool = pool, .order = *order, .asked = options, .chunk = chunk, .window = window };
    stream->said = 1;
    stream->read = (char *)round_to((uintptr_t)stream + front, 64);
    stream->room = room;
    stream->most = most >= LEAST && pool->region->kind != POOL_INLINE ? most : 1;
    options.nowait = true;     /* waiting is done here */
    options.fail_fast = false; /* what lies before the failure in a flight is still wanted */
    options.chunk = (long)chunk;
    stream->options = options;
    stream->order.options = &stream->options;
    stream->order.who = "pool_iter_next";
    return stream;
}

static struct pool_iter *iter_open(struct pool *pool, const struct order *order, pool_source *source, void *state,
                                   bool ordered)
{
    VISIT in = visit(pool, NULL, order->who, false);
    if (in.pool && !source)
        error_set(EINVAL, "%s: source is NULL", order->who);
    struct stream *stream = in.pool && source && takes(pool, order) ? make_stream(pool, order) : NULL;
    if (!stream)
        return NULL;
    stream->source = source;
    stream->state = state;
    stream->order.bell = ordered ? 0 : 1 + (uint32_t)((uintptr_t)stream / 64 % BELLS);
    lock_pool(pool);
    struct pool_result *record = take_record(pool, order->who);
    if (record) {
        pool->calls_out = true;
        *record = (struct pool_result){ .pool = pool, .extent.at = (size_t)stream, .hold = HOLD_MAKER };
        stream->next = pool->streams;
        pool->streams = stream;
    }
    unlock_pool(pool);
    if (!record)
        free(stream);
    return (struct pool_iter *)record;
}

struct pool_iter *pool_imap(struct pool *pool, pool_task *task, pool_source *source, void *state, size_t width,
                            size_t result_width, const struct pool_job_options *options)
{
    struct order order = { "pool_imap", task, NULL, 0, width, result_width, options, .bell = 0 };
    return iter_open(pool, &order, source, state, true);
}

struct pool_iter *pool_imap_unordered(struct pool *pool, pool_task *task, pool_source *source, void *state,
                                      size_t width, size_t result_width, const struct pool_job_options *options)
{
    struct order order = { "pool_imap_unordered", task, NULL, 0, width, result_width, options, .bell = 0 };
    return iter_open(pool, &order, source, state, false);
}

static void drop(struct pool_result *flight)
{
    if (!flight || --flight->kept)
        return;
    atomic_store_explicit(&flight->looked, true, memory_order_relaxed);
    pool_result_free(flight);
}

/* Closes the stream, takes it off the pool's list, and waits until all others have left. NULL: it is closed already, or
 * this is its source. */
static struct stream *end_stream(struct pool *pool, struct pool_iter *iter)
{
    lock_pool(pool);
    struct stream *stream = stream_of(iter), **link = &pool->streams;
    if (stream && visit_has(&stream->busy))
        stream = NULL;
    while (stream && *link != stream)
        link = &(*link)->next;
    if (stream) {
        *link = stream->next;
        __atomic_store_n(&iter->record.extent.at, 0, __ATOMIC_SEQ_CST);
    }
    unlock_pool(pool);
    if (stream)
        visitors_wait(&iter->record.visitors, 0);
    return stream;
}

void pool_iter_close(struct pool_iter *iter)
{
    VISIT in = visit(iter ? iter->record.pool : NULL, NULL, "pool_iter_close", false);
    struct stream *stream = in.pool ? end_stream(in.pool, iter) : NULL;
    if (!stream)
        return;
    drop(stream->open);
    drop(stream->current.flight);
    for (size_t i = 0; i < stream->count; i++)
        drop(chunk_at(stream, i)->flight);
    free(stream);
    lock_pool(in.pool);
    make_free(in.pool, &iter->record);
    unlock_pool(in.pool);
}

void iters_free(struct pool *pool)
{
    while (pool->streams) {
        struct stream *stream = pool->streams;
        pool->streams = stream->next;
        free(stream);
    }
}

/* ---- The input ---- */

/* Reads the rest of a chunk from the source, which may never come back: then the next call goes on. */
static void read_chunk(struct stream *stream)
{
    while (stream->filled < stream->chunk && stream->said > 0) {
        stream->said = stream->source(stream->state, stream->read + stream->filled * stream->order.width);
        end_copy(stream->pool->here);
        stream->filled += stream->said > 0;
    }
}

/* Makes a flight for what was read and as much again as may follow, or else, if there is no memory, for that alone. */
static int open_flight(struct stream *stream)
{
    struct pool *pool = stream->pool;
    struct pool_result *flight = NULL;
    struct order order = stream->order;
    order.count = stream->most * stream->chunk;
    lock_pool(pool);
    if (stream->most > 1 && stream->said > 0)
        flight = job_make(pool, &order);
    order.count = stream->filled;
    if (!flight)
        flight = job_make(pool, &order);
    if (flight) {
        flight->chunks = 0;
        atomic_store_explicit(&flight->undone, 0, memory_order_relaxed);
        flight->hold = HOLD_HANDLE;
        flight->kept = 1;
    }
    unlock_pool(pool);
    stream->open = flight;
    return flight ? 0 : -1;
}

/* Hands over what was read. If there is no room for it, it is kept. */
static int fly(struct stream *stream)
{
    if (!stream->open && open_flight(stream) != 0)
        return -1;
    struct pool_result *flight = stream->open;
    struct job *job = job_of(flight);
    size_t count = stream->filled, first = flight->chunks * stream->chunk, end = first + count;
    struct chunk chunk = { flight, flight->chunks, stream->pulled - first };
    memcpy(job->args + first * job->width, stream->read, count * job->width);
    if (count < stream->chunk)
        atomic_store(&job->count, (uint32_t)end);
    if (hand_over_chunk(stream->pool, &stream->order, flight) != 0)
        return -1;
    bool full = stream->said <= 0 || end == flight->count;
    stream->open = full ? NULL : flight;
    flight->kept += !full;
    *chunk_at(stream, stream->count++) = chunk;
    stream->filled = 0;
    stream->pulled += count;
    stream->flying += count;
    set_going(stream->pool, flight, 1); /* a task that runs inline may never come back */
    return 0;
}

static bool has_room(const struct stream *stream, size_t chunks)
{
    return !stream->failed && (stream->filled || stream->said > 0) &&
           stream->flying + chunks * stream->chunk <= stream->window;
}

static void pull(void *about)
{
    struct stream *stream = about;
    for (bool flies = true; flies && has_room(stream, 1);) {
        read_chunk(stream);
        flies = stream->filled && fly(stream) == 0;
    }
    if (stream->said <= 0 && !stream->filled) {
        drop(stream->open);
        stream->open = NULL;
    }
}

/* Hands over as many chunks as there is room for. Returns -1 if the pool has none; then the items are kept. */
static int refill(struct stream *stream)
{
    if (!has_room(stream, 1) || (!stream->filled && !takes(stream->pool, &stream->order)))
        return 0;
    call_out(&(struct undo){ .pool = stream->pool }, pull, stream);
    return stream->filled ? -1 : 0;
}

/* ---- The output ---- */

/* Takes a chunk that is done off the ring. */
static bool land(void *about)
{
    struct stream *stream = about;
    for (size_t i = 0; i < stream->count && (i == 0 || (stream->order.bell && i <= stream->pool->region->workers)); i++)
        if (atomic_load(ticket_of(chunk_at(stream, i))) & TICKET_DONE) {
            stream->current = *chunk_at(stream, i);
            stream->item = stream->current.number * stream->chunk;
            for (; i; i--)
                *chunk_at(stream, i) = *chunk_at(stream, i - 1);
            stream->begin = stream->begin + 1 < stream->room ? stream->begin + 1 : 0;
            stream->count--;
            return true;
        }
    return false;
}

/* Returns whether there is an item to be given out. What was given out of the chunk before goes. */
static bool has_landed(struct stream *stream)
{
    struct pool_result *flight = stream->current.flight;
    if (flight && stream->item < job_chunk_end(job_of(flight), stream->current.number))
        return true;
    stream->current.flight = NULL;
    if (flight)
        job_forget(flight, stream->current.number * stream->chunk, stream->item);
    drop(flight);
    return land(stream);
}

static int give(struct stream *stream, void *result)
{
    struct pool_result *from = stream->current.flight;
    struct pool_error error;
    size_t item = stream->item++;
    atomic_store_explicit(&stream->index, stream->current.first + item, memory_order_relaxed);
    stream->flying--;
    if (copy_value(from, item, result))
        return 1;
    stream->failed = stream->asked.fail_fast;
    for (size_t i = 0; i < stream->count && stream->failed; i++) {
        struct pool_result *flight = chunk_at(stream, i)->flight;
        give_up_tickets(stream->pool->region, job_of(flight), flight->chunks, GIVEN_UP_FAILED, TAKEN_FINISH);
    }
    error_of_item(&error, stream->index, result_note(from, item), stream->pool);
    return error_put(&error);
}

/* What comes when no item is left. */
static int at_end(struct stream *stream)
{
    if (stream->said > 0 && !stream->failed)
        return takes(stream->pool, &stream->order) ? 0 : -1; /* the pool was closed, and the error says so */
    if (stream->said >= 0)
        return 0;
    stream->said = 0;
    return error_set(EREMOTEIO, "pool_iter_next: the source failed after %zu items", stream->pulled);
}

/* Nothing of the stream is under way, and the pool has no room for a flight. Returns whether it will by itself. */
static bool room_will_come(struct stream *stream, int error)
{
    lock_pool(stream->pool);
    bool come = error == EAGAIN ? !stream->asked.nowait : error == ENOMEM && stream->pool->drop_count;
    unlock_pool(stream->pool);
    return come;
}

/* Returns a word that changes when there may be something to do, after telling that somebody waits for that. */
static _Atomic uint32_t *tell(struct stream *stream, uint32_t *value)
{
    struct region *region = stream->pool->region;
    bool ticket = stream->count && !stream->order.bell;
    _Atomic uint32_t *word = ticket          ? ticket_of(chunk_at(stream, 0))
                             : stream->count ? &region->bells[stream->order.bell - 1]
                                             : &region->room;
    uint32_t bit = ticket ? TICKET_WAITED : 1;
    *value = atomic_fetch_or(word, bit) | bit;
    return word;
}

/* Waits for this thread's turn, as long as the stream is not closed. */
static int take_turn(const struct pool_iter *iter, const struct visit *in, struct stream *stream,
                     const struct wait *wait)
{
    for (uint32_t inside; !visit_alone(in, &stream->busy);) {
        if (visit_has(&stream->busy))
            return error_set(EINVAL, "%s: the source cannot wait for its own stream", wait->who);
        if (wait_goes_on(wait) != 0 || !open_stream(iter, wait->who))
            return -1;
        inside = atomic_load(&iter->record.visitors);
        wait_on(wait, (_Atomic uint32_t *)&iter->record.visitors, inside);
    }
    return 0;
}

/* Between telling that somebody waits and the sleep there is another look. */
static int next(const struct pool_iter *iter, struct stream *stream, const struct wait *wait, void *result)
{
    _Atomic uint32_t *word = NULL;
    uint32_t value = 0;
    for (;;) {
        bool landed = has_landed(stream);
        int status = !landed || has_room(stream, stream->most) ? refill(stream) : 0, error = errno;
        landed = landed || land(stream);
        if (!landed && stream->count && wait->deadline && !chunk_at(stream, 0)->flight->woke) /* as await() does */
            landed = spin_until(OFTEN, now_ns() + stream->pool->region->spin, land, stream);
        if (landed)
            return give(stream, result);
        if (!stream->count && status == 0)
            return at_end(stream);
        if (!stream->count && !room_will_come(stream, error))
            return -1;
        if (word && (wait_goes_on(wait) != 0 || !open_stream(iter, wait->who)))
            return -1;
        if (word)
            wait_on(wait, word, value);
        word = word ? NULL : tell(stream, &value);
    }
}

int pool_iter_next(struct pool_iter *iter, void *result, double seconds)
{
    VISIT in = { .pool = NULL };
    struct stream *stream = go_in(&in, iter, "pool_iter_next", true);
    if (!stream)
        return -1;
    struct wait wait = wait_begin(in.pool, "pool_iter_next", seconds);
    run_callbacks(in.pool, NULL, wait.deadline);
    if (take_turn(iter, &in, stream, &wait) != 0)
        return -1;
    return next(iter, stream, &wait, result);
}

size_t pool_iter_index(const struct pool_iter *iter)
{
    VISIT in = { .pool = NULL };
    struct stream *stream = go_in(&in, iter, "pool_iter_index", false);
    return stream ? stream->index : 0;
}

const void *pool_iter_reply(struct pool_iter *iter, size_t *size)
{
    VISIT in = { .pool = NULL };
    struct stream *stream = go_in(&in, iter, "pool_iter_reply", false);
    bool given = stream && stream->current.flight && stream->item > (size_t)stream->current.number * stream->chunk;
    return reply_of(given ? result_note(stream->current.flight, stream->item - 1) : NULL, size);
}
