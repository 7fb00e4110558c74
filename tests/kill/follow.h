/*
 * follow.h - a scene is played in a process of its own, which is followed with ptrace, with all that it starts.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "everything.h"
#include <sys/ptrace.h>
#include <sys/types.h>

/** What a process, or a thread, is in the scene. */
enum role { CALLER, THREAD, NURSERY, WORKER, BELOW, ROLES };

extern const char *const roles[ROLES];

struct process {
    pid_t tid;
    enum role role;
    int goes_on; /* PTRACE_CONT, PTRACE_SYSCALL or PTRACE_SINGLESTEP */
    bool marked; /* whoever follows has something to do with it */
    bool known;  /* its parent has told of it, so it has a role */
    bool waits;  /* it is stopped until then */
};

/** What whoever follows does when something happens; NULL: nothing. */
struct follower {
    void (*born)(struct process *process);
    void (*cued)(void);                                                                /* the caller gave a cue */
    void (*called)(struct process *process, const struct __ptrace_syscall_info *info); /* enters a call or leaves it */
    void (*stepped)(struct process *process);                                          /* by one instruction */
    bool caller_may_die;
    bool below_may_stay; /* with no nursery nobody can end what tasks started */
};

/** The processes that are there. */
extern struct process processes[];
extern int process_count;

/** Ends this program with status 77 if ptrace is not allowed here; makes the stage. */
void follow_prepare(void);

/** Plays a scene, and follows it until nobody is left. Returns what was not right, NULL if nothing was: a fault that
 * the scene tells, a process that is left, a hang. */
const char *follow(const struct scene *scene, const struct follower *follower);

#endif
