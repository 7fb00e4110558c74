/*
 * poll.c - the caller's side: callbacks, and the descriptor for programs with a loop of their own.
 *
 * There is no thread that could run a callback, and the program is not interrupted for one: callbacks run in calls that
 * wait, in pool_poll() and in pool_join(). A call looks at some of the watched jobs only and goes on there the next
 * time, so that a program with very many of them does not look at all whenever it waits.
 *
 * The descriptor is an epoll instance of two: an eventfd, which a worker writes at the end of a chunk if it is *armed*,
 * and the socket to the nursery, which hangs up when that is gone. Armed once, written once: a burst of jobs costs one
 * system call. pool_poll() empties it, arms it and then looks, in this order, so nothing that ends is missed.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define AT_ONCE 64 /* watches looked at in one go */

/* This thread is inside a callback. */
static _Thread_local bool in_callback;

bool callback_here(void)
{
    return in_callback;
}

/* ---- Callbacks ---- */

static bool wants_callback(const struct order *order)
{
    return order->options && (order->options->callback || order->options->error_callback);
}

int watch_room(struct pool *pool, const struct order *order)
{
    if (!wants_callback(order) || pool->watch_count < pool->watch_room)
        return 0;
    size_t room = pool->watch_room ? 2 * pool->watch_room : 16;
    struct watch *watches = realloc(pool->watches, room * sizeof *watches);
    if (!watches)
        return error_set(ENOMEM, "%s: no memory for one more callback", order->who);
    pool->watches = watches;
    pool->watch_room = room;
    return 0;
}

void watch(struct pool *pool, const struct order *order, struct pool_result *result)
{
    const struct pool_job_options *options = order->options;
    result->watched = wants_callback(order);
    if (!result->watched)
        return;
    pool->watches[pool->watch_count++] =
        (struct watch){ result, options->callback, options->error_callback, options->cookie };
    if (result->chunks == 0)
        ring_descriptor(pool->region, true); /* no worker will */
}

/* Takes a watch whose job is done off the list. */
static bool take_watch(struct pool *pool, struct watch *due)
{
    bool found = false;
    pthread_mutex_lock(&pool->lock);
    for (size_t looked = 0; looked < AT_ONCE && looked < pool->watch_count && !found; looked++) {
        struct watch *watch = &pool->watches[pool->watch_next++ % pool->watch_count];
        found = pool_result_ready(watch->result);
        if (found) {
            *due = *watch;
            *watch = pool->watches[--pool->watch_count];
            pool->watch_next--;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

int run_callbacks(struct pool *pool)
{
    struct watch due;
    struct pool_error error;
    int count = 0;
    while (!in_callback && take_watch(pool, &due)) {
        bool bad = result_verdict(due.result, &error);
        pool_callback *callback = bad ? due.bad : due.good;
        due.result->looked |= bad && callback;
        in_callback = true;
        if (callback)
            callback(due.result, due.cookie);
        in_callback = false;
        due.result->watched = false;
        count += callback != NULL;
    }
    return count;
}

/* ---- The descriptor ---- */

int descriptor_add(struct pool *pool, int fd)
{
    struct epoll_event event = { .events = EPOLLIN };
    return epoll_ctl(pool->descriptor, EPOLL_CTL_ADD, fd, &event);
}

int descriptor_open(struct pool *pool)
{
    pool->region->descriptor = above_stderr(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    pool->descriptor = above_stderr(epoll_create1(EPOLL_CLOEXEC));
    atomic_store(&pool->region->armed, 1);
    if (pool->region->descriptor < 0 || pool->descriptor < 0)
        return -1;
    return descriptor_add(pool, pool->region->descriptor);
}

void descriptor_close(struct pool *pool)
{
    if (pool->region->descriptor >= 0)
        close(pool->region->descriptor);
    if (pool->descriptor >= 0)
        close(pool->descriptor);
    pool->region->descriptor = pool->descriptor = -1;
}

static void arm(struct pool *pool)
{
    uint64_t count;
    if (read(pool->region->descriptor, &count, sizeof count) < 0)
        count = 0; /* it was quiet */
    atomic_store(&pool->region->armed, 1);
}

int pool_poll(struct pool *pool)
{
    if (!pool_may(pool, "pool_poll", false))
        return -1;
    if (pool->joined)
        return error_set(ESHUTDOWN, "pool_poll: the pool is joined");
    if (pool->descriptor >= 0)
        arm(pool);
    await_hangup(pool, 0);
    if (!look_after(pool) && pool->descriptor >= 0 && pool->region->kind == POOL_PROCESSES)
        epoll_ctl(pool->descriptor, EPOLL_CTL_DEL, pool->socket, NULL); /* it would stay readable for ever */
    int count = 0;
    for (size_t looked = 0, all = pool->watch_count; looked <= all; looked += AT_ONCE)
        count += run_callbacks(pool); /* each time it looks at the next ones */
    return count;
}

int pool_descriptor(struct pool *pool)
{
    if (!pool_may(pool, "pool_descriptor", false))
        return -1;
    if (pool->descriptor < 0)
        return error_set(EINVAL, "pool_descriptor: there is none; open the pool with .descriptor = true");
    return pool->descriptor;
}
