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
 * Any number of threads may ask for the next result; one at a time asks the source, and hands over what it got.
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
    struct order order;
    struct pool_job_options options; /* for each flight */
    pool_source *source;
    void *state;
    char *items;           /* read from the source and not yet handed over, */
    size_t filled;         /* so many */
    size_t chunk, window;  /* items in a flight; items under way at most */
    bool ordered, nowait;  /* nowait: a full ring is an error */
    pthread_mutex_t lock;  /* guards all below; it is not held while the source runs or a thread waits */
    const void *asker;     /* the thread that asks the source */
    bool ended, closed;    /* the source is not to be asked any more; no thread is to come back */
    bool source_failed;    /* and nobody was told */
    bool failed;           /* an item did, which ends the stream */
    size_t pulled, flying; /* items handed over; and not given out */
    struct flight current; /* the one that is given out, */
    size_t given, index;   /* so many items of it so far; the index of the last */
    size_t first, count, room;
    struct flight flights[]; /* a ring, the oldest first */
};

static struct stream *stream_of(const struct pool_iter *iter)
{
    return (struct stream *)iter->record.extent.at;
}

static struct flight *flight_at(struct stream *stream, size_t i)
{
    return &stream->flights[(stream->first + i) % stream->room];
}

/* Which thread this is. */
static const void *this_thread(void)
{
    return &errno;
}

static struct visit visit_iter(struct pool_iter *iter, const char *who, bool waits)
{
    if (iter)
        return visit_result(&iter->record, who, waits);
    error_set(EINVAL, "%s: iter is NULL; did pool_imap fail?", who);
    return (struct visit){ .pool = NULL };
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
    stream->items = (char *)round_to((uintptr_t)stream + front, 64);
    stream->nowait = options.nowait;
    stream->options.nowait = true; /* waiting is done here */
    stream->options.chunk = (long)chunk;
    stream->order.options = &stream->options;
    stream->order.base = stream->items;
    stream->order.who = "pool_iter_next";
    pthread_mutex_init(&stream->lock, NULL);
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

/* Tells all others to leave, waits until they have, and takes the stream off the pool's list. */
static bool end_stream(struct stream *stream, struct pool_result *record)
{
    pthread_mutex_lock(&stream->lock);
    bool mine = !stream->closed && stream->asker != this_thread();
    stream->closed |= mine;
    pthread_mutex_unlock(&stream->lock);
    if (!mine)
        return false;
    for (uint32_t inside; (inside = atomic_load(&record->visitors)) > 1;)
        futex_wait(&record->visitors, inside, SLICE);
    struct pool *pool = stream->pool;
    lock_pool(pool);
    struct stream **link = &pool->streams;
    while (*link != stream)
        link = &(*link)->next;
    *link = stream->next;
    make_free(pool, record);
    unlock_pool(pool);
    return true;
}

void pool_iter_close(struct pool_iter *iter)
{
    VISIT in = visit_iter(iter, "pool_iter_close", false);
    if (!in.pool || !end_stream(stream_of(iter), &iter->record))
        return;
    struct stream *stream = stream_of(iter);
    drop(stream->current.result);
    for (size_t i = 0; i < stream->count; i++)
        drop(flight_at(stream, i)->result);
    free(stream);
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

/* Reads what the chunk lacks from the source. */
static void pull(void *about)
{
    struct stream *stream = about;
    while (stream->filled < stream->chunk && !stream->ended) {
        int got = stream->source(stream->state, stream->items + stream->filled * stream->order.width);
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

/* Items that have not begun never will. */
static void give_up_flight(struct stream *stream, const struct flight *flight)
{
    give_up_tickets(stream->pool->region, job_of(flight->result), flight->result->chunks, GIVEN_UP_FAILED,
                    TAKEN_FINISH);
}

/* Hands over as many chunks as there is room for. The lock is held, but let go of meanwhile. Returns -1 if the pool
 * does not take one; its items are kept. */
static int refill(struct stream *stream)
{
    int status = 0;
    stream->asker = this_thread();
    while (status == 0 && !stream->failed && stream->flying + stream->chunk <= stream->window &&
           (stream->filled || (!stream->ended && takes_more(stream)))) {
        pthread_mutex_unlock(&stream->lock);
        pull(stream);
        size_t first = stream->pulled;
        stream->order.count = stream->filled;
        stream->pulled += stream->filled;
        stream->filled = 0;
        struct pool_result *result = stream->order.count ? submit(stream->pool, &stream->order) : NULL;
        pthread_mutex_lock(&stream->lock);
        if (result) {
            *flight_at(stream, stream->count++) = (struct flight){ result, first };
            stream->flying += result->count;
        } else {
            status = stream->order.count ? -1 : 0;
            stream->filled = stream->order.count;
            stream->pulled = first;
        }
    }
    stream->asker = NULL;
    return status;
}

/* ---- The output ---- */

/* Takes a flight that is done off the ring. */
static bool land(void *about)
{
    struct stream *stream = about;
    size_t most = stream->ordered ? 1 : stream->pool->region->workers + 1;
    for (size_t i = 0; i < stream->count && i < most; i++)
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
    struct flight *flight = &stream->current;
    struct pool_error error;
    size_t item = stream->given++;
    stream->index = flight->first + item;
    stream->flying--;
    atomic_store_explicit(&flight->result->looked, true, memory_order_relaxed);
    if (copy_value(flight->result, item, result))
        return 1;
    stream->failed = stream->options.fail_fast;
    for (size_t i = 0; i < stream->count && stream->failed; i++)
        give_up_flight(stream, flight_at(stream, i));
    error_of_item(&error, stream->index, result_note(flight->result, item), stream->pool);
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

/* Nothing of the stream is under way. Returns whether the pool, which has refused a flight, will have room by itself.
 */
static bool room_will_come(struct stream *stream, int error)
{
    if (error != ENOMEM)
        return error == EAGAIN && !stream->nowait;
    lock_pool(stream->pool);
    bool come = stream->pool->drop_count;
    unlock_pool(stream->pool);
    return come;
}

/* Returns a word that changes when there may be something to do, after telling that somebody waits for that. */
static _Atomic uint32_t *tell(struct stream *stream, uint32_t *value)
{
    struct region *region = stream->pool->region;
    bool ticket = stream->count && stream->ordered;
    _Atomic uint32_t *word = ticket          ? job_ticket(job_of(flight_at(stream, 0)->result), 0)
                             : stream->count ? &region->bells[stream->order.bell - 1]
                                             : &region->room;
    uint32_t bit = ticket ? TICKET_WAITED : 1;
    *value = atomic_fetch_or(word, bit) | bit;
    return word;
}

/* Sleeps, without the lock. */
static int sleep_on(struct stream *stream, const struct wait *wait, _Atomic uint32_t *word, uint32_t value)
{
    if (wait_goes_on(wait) != 0)
        return -1;
    pthread_mutex_unlock(&stream->lock);
    wait_on(wait, word, value);
    pthread_mutex_lock(&stream->lock);
    return 0;
}

/* The lock is held. Between telling that somebody waits and the sleep there is another look. */
static int next(struct stream *stream, const struct wait *wait, void *result)
{
    _Atomic uint32_t *word = NULL;
    uint32_t value = 0;
    for (;;) {
        if (stream->closed || stream->asker == this_thread())
            return error_set(EINVAL,
                             stream->closed ? "%s: another thread has closed the stream"
                                            : "%s: the source cannot wait for its own stream",
                             wait->who);
        int status = stream->asker ? 0 : refill(stream), error = errno;
        if (has_landed(stream, wait))
            return give(stream, result);
        if (!stream->count && !stream->asker && status == 0)
            return at_end(stream);
        if (!stream->count && !stream->asker && !room_will_come(stream, error))
            return -1;
        if (word && sleep_on(stream, wait, word, value) != 0)
            return -1;
        word = word ? NULL : tell(stream, &value);
    }
}

int pool_iter_next(struct pool_iter *iter, void *result, double seconds)
{
    VISIT in = visit_iter(iter, "pool_iter_next", true);
    if (!in.pool)
        return -1;
    struct stream *stream = stream_of(iter);
    struct wait wait = wait_begin(in.pool, "pool_iter_next", seconds);
    run_callbacks(in.pool, wait.deadline);
    pthread_mutex_lock(&stream->lock);
    int status = next(stream, &wait, result);
    pthread_mutex_unlock(&stream->lock);
    return status;
}

size_t pool_iter_index(const struct pool_iter *iter)
{
    VISIT in = visit_iter((struct pool_iter *)iter, "pool_iter_index", false);
    return in.pool ? stream_of(iter)->index : 0;
}

const void *pool_iter_reply(struct pool_iter *iter, size_t *size)
{
    VISIT in = visit_iter(iter, "pool_iter_reply", false);
    if (size)
        *size = 0;
    if (!in.pool)
        return NULL;
    struct stream *stream = stream_of(iter);
    pthread_mutex_lock(&stream->lock);
    struct pool_result *result = stream->given ? stream->current.result : NULL;
    const void *bytes = result ? pool_result_reply(result, stream->given - 1, size) : NULL;
    pthread_mutex_unlock(&stream->lock);
    return bytes;
}
