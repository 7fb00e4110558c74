/*
 * turns.h: coroutines, as in chapters/green.h, for exercise 12. Nothing in here
 * is to be changed.
 *
 * Coroutines are functions that take turns on one thread. The one that has it
 * keeps it until it calls give_way(), or ends.
 */
#ifndef TURNS_H
#define TURNS_H

#include <stdbool.h>
#include <ucontext.h>

enum { COROUTINES = 9 };

static struct coroutine {
    ucontext_t state; /* where it goes on at its next turn */
    void (*body)(void *);
    void *arg;
    bool alive;
    char stack[1 << 18];
} coroutine[COROUTINES], *current;

static int coroutines; /* how many there are */
static ucontext_t hub; /* where the hub goes on when one gives way */

/* Lets all others have a turn. */
static inline void give_way(void)
{
    swapcontext(&current->state, &hub);
}

/* The first thing that runs on a coroutine's stack, and the last. */
static inline void coroutine_enter(void)
{
    current->body(current->arg);
    current->alive = false;
}

/* Makes one more, whose first turn is to come: at most COROUTINES in all. */
static inline void coroutine_add(void (*body)(void *), void *arg)
{
    struct coroutine *one = &coroutine[coroutines++];
    one->body = body;
    one->arg = arg;
    one->alive = true;
    getcontext(&one->state);
    one->state.uc_stack.ss_sp = one->stack;
    one->state.uc_stack.ss_size = sizeof one->stack;
    one->state.uc_link = &hub; /* there the thread goes after the last turn */
    makecontext(&one->state, coroutine_enter, 0);
}

/* Gives the thread to each in turn, until the first `count` have ended. */
static inline void take_turns(int count)
{
    for (int alive = count; alive > 0;) {
        alive = 0;
        for (int i = 0; i < coroutines; i++) {
            current = &coroutine[i];
            if (current->alive)
                swapcontext(&hub, &current->state);
            alive += i < count && current->alive;
        }
    }
}

#endif
