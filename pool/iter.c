/*
 * iter.c - imap: a stream of items in, a stream of results out.
 *
 * Each chunk of items that was read from the source is a job of its own, a *flight*. So many flights are kept under way
 * that each worker has one, and `ahead` items more; the source is asked for the next chunk only when there is room.
 * That bounds the memory, works with endless input, and makes closing half-way nothing special.
 *
 * In order, the oldest flight is waited for. Unordered, any that is done: workers ring a bell at the end of each chunk,
 * on which the caller sleeps. Bells are shared by streams whose numbers collide; then one of them looks in vain.
 * Flights begin in their order, and no more of them than there are workers have begun and are not done: so if any is
 * done, then one of the first is.
 *
 * Any number of threads may ask for the next result; they take turns.
 */
#include "caller.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One chunk under way. */
struct flight {
    struct pool_result *result;
    size_t first; /* the index of its first item */
};

/* What the program has is one of the records of results, which any process may look at. */
struct pool_iter {
    struct pool_result record;
};

struct stream {
    struct stream *next; /* in the pool's list */
    struct pool *pool;
    struct order order;              /* a flight; what is read from the source for the next lies at its base */
    struct pool_job_options options; /* of each flight */
    pool_source *source;
    void *state;
    bool ordered, nowait;      /* nowait: a full ring is an error */
    bool ended, source_failed; /* the source is not to be asked any more; it failed, and nobody was told */
    bool failed;               /* an item did, and that ends the stream */
    _Atomic bool busy;         /* a thread has its turn */
    size_t chunk, window;      /* items in a flight; items under way at most */
    size_t filled;             /* items read from the source and not handed over */
    size_t pulled, flying;     /* items handed over; of these, those not given out */
    struct flight current;     /* the one that is given out, */
    size_t given;              /* so many items of it so far; */
    _Atomic size_t index;      /* the index of the last */
    size_t first, count, room;
    struct flight flights[]; /* a ring, the oldest first */
};

/* NULL once it is closed. */
static struct stream *stream_of(const struct pool_iter *iter)
{
    return (struct stream *)__atomic_load_n(&iter->record.extent.at, __ATOMIC_SEQ_CST);
}

static struct flight *flight_at(struct stream *stream, size_t i)
{
    return &stream->flights[(stream->first + i) % stream->room];
}

static bool is_open(const struct pool_iter *iter, const char *who)
{
    return stream_of(iter) || error_set(EINVAL, "%s: the stream is closed", who) == 0;
}

/* Goes in, so that the stream stays where it is. NULL if it is closed, or not here; the error says so. */
static struct stream *go_in(struct visit *in, const struct pool_iter *iter, const char *who, bool waits)
{
    *in = (struct visit){ .pool = NULL };
    if (!iter)
        error_set(EINVAL, "%s: iter is NULL; did pool_imap fail?", who);
    else
        *in = visit_result((struct pool_result *)&iter->record, who, waits);
    struct stream *stream = in->pool ? stream_of(iter) : NULL;
    return stream || !in->pool || is_open(iter, who) ? stream : NULL;
}

/* ---- Opening and closing ---- */

static int check(const struct pool_job_options *options, const char *who, pool_source *source)
{
    if (!source)
        return error_set(EINVAL, "%s: source is NULL", who);
    if (!options)
        return 0;
    if (!in_range(who, "chunk", options->chunk, INT32_MAX) || !in_range(who, "ahead", options->ahead, INT32_MAX))
        return -1;
    if (options->callback || options->error_callback)
        return error_set(EINVAL, "%s: a stream has no callbacks", who);
    return 0;
}

/* Makes a stream for so many workers. NULL if there is no memory. */
static struct stream *make_stream(const struct order *order, size_t workers)
{
    struct pool_job_options options = order->options ? *order->options : (struct pool_job_options){ .chunk = 0 };
    size_t chunk = options.chunk ? (size_t)options.chunk : 1, window = workers * chunk, items;
    window += options.ahead ? (size_t)options.ahead : workers;
    size_t room = window / chunk + 1, front = sizeof(struct stream) + room * sizeof(struct flight);
    bool fits = !__builtin_mul_overflow(chunk, order->width, &items) && items < SIZE_MAX / 4;
    struct stream *stream = fits ? malloc(round_to(front, 64) + items + 64) : NULL;
    if (!stream)
        return error_set(ENOMEM, "%s: no memory for %zu items of %zu bytes", order->who, chunk, order->width), NULL;
    *stream = (struct stream){ .order = *order, .options = options, .chunk = chunk, .window = window, .room = room };
    stream->order.base = (char *)round_to((uintptr_t)stream + front, 64);
    stream->nowait = options.nowait;
    stream->options.nowait = true; /* waiting is done here */
    stream->options.chunk = (long)chunk;
    stream->order.options = &stream->options;
    stream->order.who = "pool_iter_next";
    return stream;
}

static struct pool_iter *iter_open(struct pool *pool, const struct order *order, pool_source *source, void *state,
                                   bool ordered)
{
    VISIT in = visit(pool, NULL, order->who, false);
    if (!in.pool || check(order->options, order->who, source) != 0)
        return NULL;
    struct stream *stream = make_stream(order, (size_t)pool_processes(pool));
    if (!stream)
        return NULL;
    stream->pool = pool;
    stream->source = source;
    stream->state = state;
    stream->ordered = ordered;
    stream->order.bell = ordered ? 0 : 1 + (uint32_t)((uintptr_t)stream / 64 % BELLS);
    lock_pool(pool);
    struct pool_result *record = pool_takes(pool, order) ? take_record(pool, order->who) : NULL;
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

static void drop(struct pool_result *result)
{
    if (result)
        atomic_store_explicit(&result->looked, true, memory_order_relaxed);
    pool_result_free(result);
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
    drop(stream->current.result);
    for (size_t i = 0; i < stream->count; i++)
        drop(flight_at(stream, i)->result);
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

/* Reads what the next flight lacks from the source, which may never come back: then the next call goes on. */
static void pull(void *about)
{
    struct stream *stream = about;
    while (stream->filled < stream->chunk && !stream->ended) {
        int got = stream->source(stream->state, (char *)stream->order.base + stream->filled * stream->order.width);
        end_copy(stream->pool->here);
        stream->filled += got > 0;
        stream->ended = got <= 0;
        stream->source_failed = got < 0;
    }
}

/* Once the pool is closed, the source is not asked any more; the error says so. */
static bool takes_more(struct stream *stream)
{
    lock_pool(stream->pool);
    bool takes = pool_takes(stream->pool, &stream->order);
    unlock_pool(stream->pool);
    return takes;
}

/* Hands over as many flights as there is room for. Returns -1 if the pool has none; then the items are kept. */
static int refill(struct stream *stream)
{
    while (!stream->failed && stream->flying + stream->chunk <= stream->window &&
           (stream->filled || (!stream->ended && takes_more(stream)))) {
        call_out(&(struct undo){ .pool = stream->pool }, pull, stream);
        size_t count = stream->order.count = stream->filled;
        stream->pulled += count;
        stream->filled = 0;
        struct pool_result *result = count ? submit(stream->pool, &stream->order) : NULL;
        if (result) {
            *flight_at(stream, stream->count++) = (struct flight){ result, stream->pulled - count };
            stream->flying += count;
        } else if (count) {
            stream->pulled -= count;
            stream->filled = count;
            return -1;
        }
    }
    return 0;
}

/* ---- The output ---- */

/* Takes a flight that is done off the ring. */
static bool land(void *about)
{
    struct stream *stream = about;
    for (size_t i = 0; i < stream->count && (i == 0 || (!stream->ordered && i <= stream->pool->region->workers)); i++)
        if (result_ready(flight_at(stream, i)->result)) {
            stream->current = *flight_at(stream, i);
            stream->given = 0;
            for (; i; i--)
                *flight_at(stream, i) = *flight_at(stream, i - 1);
            stream->first = (stream->first + 1) % stream->room;
            stream->count--;
            return true;
        }
    return false;
}

/* Returns whether there is an item to be given out. */
static bool has_landed(struct stream *stream, const struct wait *wait)
{
    if (stream->current.result && stream->given < stream->current.result->count)
        return true;
    pool_result_free(stream->current.result);
    stream->current.result = NULL;
    if (land(stream))
        return true;
    bool may_spin = stream->count && wait->deadline && !flight_at(stream, 0)->result->woke; /* as in wait_for() */
    return may_spin && spin_until(OFTEN, now_ns() + stream->pool->region->spin, land, stream);
}

static int give(struct stream *stream, void *result)
{
    struct pool_result *from = stream->current.result;
    struct pool_error error;
    size_t item = stream->given++;
    stream->index = stream->current.first + item;
    stream->flying--;
    atomic_store_explicit(&from->looked, true, memory_order_relaxed);
    if (copy_value(from, item, result))
        return 1;
    stream->failed = stream->options.fail_fast;
    for (size_t i = 0; i < stream->count && stream->failed; i++)
        give_up_tickets(stream->pool->region, job_of(flight_at(stream, i)->result), 1, GIVEN_UP_FAILED, TAKEN_FINISH);
    error_of_item(&error, stream->index, result_note(from, item), stream->pool);
    return error_put(&error);
}

/* What comes when no item is left. */
static int at_end(struct stream *stream)
{
    if (!stream->ended && !stream->failed)
        return takes_more(stream) ? 0 : -1; /* the pool was closed, and the error says so */
    if (!stream->source_failed)
        return 0;
    stream->source_failed = false;
    return error_set(EREMOTEIO, "pool_iter_next: the source failed after %zu items", stream->pulled);
}

/* Nothing of the stream is under way, and the pool has no room for a flight. Returns whether it will by itself. */
static bool room_will_come(struct stream *stream, int error)
{
    lock_pool(stream->pool);
    bool come = error == EAGAIN ? !stream->nowait : error == ENOMEM && stream->pool->drop_count;
    unlock_pool(stream->pool);
    return come;
}

/* Returns a word that changes when there may be something to do, after telling that somebody waits for that. */
static _Atomic uint32_t *tell(struct stream *stream, uint32_t *value)
{
    struct region *region = stream->pool->region;
    bool ticket = stream->count && stream->ordered;
    _Atomic uint32_t *word = ticket          ? &job_of(flight_at(stream, 0)->result)->one
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
        if (wait_goes_on(wait) != 0 || !is_open(iter, wait->who))
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
        int status = refill(stream), error = errno;
        if (has_landed(stream, wait))
            return give(stream, result);
        if (!stream->count && status == 0)
            return at_end(stream);
        if (!stream->count && !room_will_come(stream, error))
            return -1;
        if (word && (wait_goes_on(wait) != 0 || !is_open(iter, wait->who)))
            return -1;
        if (word)
            wait_on(wait, word, value);
        word = word ? NULL : tell(stream, &value);
    }
}

int pool_iter_next(struct pool_iter *iter, void *result, double seconds)
{
    VISIT in;
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
    VISIT in;
    struct stream *stream = go_in(&in, iter, "pool_iter_index", false);
    return stream ? stream->index : 0;
}

const void *pool_iter_reply(struct pool_iter *iter, size_t *size)
{
    VISIT in;
    struct stream *stream = go_in(&in, iter, "pool_iter_reply", false);
    if (stream && stream->given && stream->current.result)
        return pool_result_reply(stream->current.result, stream->given - 1, size);
    if (size)
        *size = 0;
    return NULL;
}
