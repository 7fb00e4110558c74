/*
 * poll.c - the caller's side: the descriptor for programs with a loop of their own.
 *
 * The descriptor is an epoll instance of two: an eventfd, which a worker writes at the end of a chunk if it is *armed*,
 * and the socket to the nursery, which hangs up when that is gone. Armed once, written once: a burst of jobs costs one
 * system call. pool_poll() empties it, arms it and then looks, in this order, so nothing that ends is missed.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

int descriptor_add(struct pool *pool, int fd)
{
    struct epoll_event event = { .events = EPOLLIN };
    return epoll_ctl(pool->region->poller, EPOLL_CTL_ADD, fd, &event);
}

int descriptor_open(struct pool *pool)
{
    struct region *region = pool->region;
    region->descriptor = above_stderr(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    region->poller = region->descriptor < 0 ? -1 : above_stderr(epoll_create1(EPOLL_CLOEXEC));
    atomic_store(&region->armed, 1);
    if (region->poller >= 0 && descriptor_add(pool, region->descriptor) == 0)
        return 0;
    int error = errno;
    close(region->descriptor);
    close(region->poller);
    region->poller = -1;
    errno = error;
    return -1;
}

void descriptor_close(struct pool *pool)
{
    if (descriptor_is_ours(pool->region)) {
        close(pool->region->descriptor);
        close(pool->region->poller);
    }
    pool->region->poller = -1;
}

int pool_poll(struct pool *pool)
{
    VISIT in = visit(pool, NULL, "pool_poll", false);
    uint64_t bursts;
    if (!in.pool)
        return -1;
    if (pool->joined)
        return error_set(ESHUTDOWN, "pool_poll: the pool is joined");
    lock_pool(pool); /* another thread may be closing it */
    if (descriptor_is_ours(pool->region) && read(pool->region->descriptor, &bursts, sizeof bursts) != 0)
        atomic_store(&pool->region->armed, 1); /* also if it was quiet */
    unlock_pool(pool);
    await_end(pool, 0);
    bool over = !look_after(pool);
    lock_pool(pool);
    if (over && descriptor_is_ours(pool->region))
        epoll_ctl(pool->region->poller, EPOLL_CTL_DEL, pool->socket, NULL); /* it would stay readable for ever */
    unlock_pool(pool);
    int count = 0;
    for (size_t looked = 0, all = pool->watch_count; looked <= all; looked += AT_ONCE)
        count += run_callbacks(pool, NULL, UINT64_MAX); /* each time it looks at the next ones */
    return count;
}

int pool_descriptor(struct pool *pool)
{
    VISIT in = visit(pool, NULL, "pool_descriptor", false);
    if (!in.pool)
        return -1;
    if (pool->joined || pool->region->poller < 0)
        return error_set(EINVAL, "pool_descriptor: there is none; open the pool with .descriptor = true");
    return pool->region->poller;
}
