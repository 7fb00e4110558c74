/*
 * green.h: coroutines, shown in chapter 12.
 *
 * Functions that take turns on one thread: who has it keeps it until he gives
 * way. green_create() and green_join() have the shapes of pthread_create() and
 * pthread_join(), so that they can be put in their place. It is as small as it
 * can be: the hub looks round and round instead of sleeping.
 */
#ifndef GREEN_H
#define GREEN_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <ucontext.h>
#include <unistd.h>

/* [hub] */
enum { GREEN_MOST = 2 };

static struct green {
    ucontext_t state; /* where it goes on when it has the thread again */
    void *(*body)(void *);
    void *arg;
    bool alive;
    char stack[1 << 16];
} green[GREEN_MOST], *current;

static int greens;     /* how many there are */
static ucontext_t hub; /* where the hub goes on when one gives way */

static inline ssize_t green_read(int fd, void *bytes, size_t size)
{
    struct pollfd it = { .fd = fd, .events = POLLIN };
    while (poll(&it, 1, 0) == 0) /* nothing there: give way */
        swapcontext(&current->state, &hub);
    return read(fd, bytes, size);
}

/* The hub: gives the thread to each in turn, until this one has ended. */
static inline int green_join(pthread_t id, void **unused)
{
    (void)unused;
    for (int i = 0; green[id].alive; i = (i + 1) % greens) {
        current = &green[i];
        if (current->alive)
            swapcontext(&hub, &current->state);
    }
    return 0;
}
/* [/hub] */

/* The first thing that runs on a coroutine's stack, and the last. */
static inline void green_enter(void)
{
    current->body(current->arg);
    current->alive = false;
}

static inline int green_create(pthread_t *id, const pthread_attr_t *unused,
                               void *(*body)(void *), void *arg)
{
    struct green *g = &green[greens];
    (void)unused;
    if (greens == GREEN_MOST)
        return EAGAIN;
    g->body = body;
    g->arg = arg;
    g->alive = true;
    getcontext(&g->state);
    g->state.uc_stack.ss_sp = g->stack;
    g->state.uc_stack.ss_size = sizeof g->stack;
    g->state.uc_link = &hub; /* there the thread goes after green_enter() */
    makecontext(&g->state, green_enter, 0); /* where it goes on at first */
    *id = (pthread_t)greens++;
    return 0;
}

#endif
