/*
 * everything.h - scenes in which a program does everything that a pool can do, and says what was not right.
 *
 * A scene is played while something is made to fail around it. So each call of the pool may fail; then it has to say
 * so cleanly. What may never be: a wrong value, a call that does not return, an error without words or with the wrong
 * code, or anything left behind.
 */
#ifndef EVERYTHING_H
#define EVERYTHING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MOST_KILLS 1000

/** What the program and whoever watches it have in common: shared memory. */
struct stage {
    atomic_int on;              /* a scene is being played: what happens now is the library's business, */
    atomic_int looks;           /* but not what the caller does, which only looks around */
    atomic_int may;             /* an error number that is clean, because it was injected; 0: none */
    atomic_int cue, cues;       /* when this one is given, whoever watches begins; 0: none. So many were given */
    atomic_int only;            /* only this step is taken, of those that a scene has; 0: all */
    atomic_int counts;          /* nothing may fail but as many items as */
    atomic_int killed, lost;    /* so many processes were killed; so many items failed by that */
    pid_t victims[MOST_KILLS];  /* these */
    atomic_int may_leave;       /* nobody can end what tasks started */
    atomic_int enough;          /* `loaded` may end */
    int workers;                /* of `loaded` */
    _Atomic(const char *) step; /* what the program is about to do */
    atomic_int faults;          /* what was not right: how often, */
    char fault[400];            /* and the first of it */
    char said[200];             /* the first error that a call of the pool gave */
};

extern struct stage *stage;

struct scene {
    const char *name;
    void (*play)(void);
};

/** All scenes; the last one has no name. */
extern const struct scene scenes[];

/** One more, which goes on until it is told that it is enough. */
extern const struct scene loaded;

/** Makes the stage, before any scene is played. */
void stage_make(void);

/** Kills a worker, or what is below one, at most MOST_KILLS times: an item may fail by that. Returns whether it was
 * there. */
bool stage_kill(pid_t pid);

/** Plays a scene in this process, whose end it is: exit status 0; what was not right is said on the stage. */
_Noreturn void scene_play(const struct scene *scene);

#endif
