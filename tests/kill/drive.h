/*
 * drive.h - a pool's processes are looked for, stopped, and driven with ptrace.
 */
#ifndef DRIVE_H
#define DRIVE_H

#include "pool.h"
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/types.h>

/** Seconds that anything may take. */
#define DEADLINE 20.0

/** Says what does not hold, after so many instructions, and ends the program. */
_Noreturn void fail(const char *what, long steps);

/** Returns the only child of a process; 0: it has none. */
pid_t child_of(pid_t pid);

/** Returns how a process is, as ps tells it: 'S' if it sleeps; 0 if it is not there. */
char state_of(pid_t pid);

/** Waits until it is so, as long as DEADLINE; else it fails. */
void await_state(pid_t pid, char state, const char *what);

/** Waits in the same way until it is dead, reaped or not. */
void await_end(pid_t pid, const char *what);

/** Seizes a process. If ptrace is not allowed here, ends the program with status 77. */
void seize(pid_t pid, long options);

/** Seizes it and stops it. */
void hold(pid_t pid);

/** Lets it make one instruction. Returns whether it did; else it is dead, or stopped for another reason. */
bool one_step(pid_t pid);

/** Kills and reaps a process that is held. */
void end_held(pid_t pid);

/** Waits until the nursery, which is seized with PTRACE_O_TRACEFORK, starts a worker. Returns that, held at its birth,
 * and lets the nursery go. */
pid_t hold_at_birth(pid_t nursery);

/** A task that tells who runs it. */
int own_pid(const void *arg, void *result);

/** Opens a pool of so many workers, and waits until all of them sleep; these are their processes. */
struct pool *open_asleep(const struct pool_options *options, pid_t *workers);

/** Ends it, whatever it does, and frees it. */
void end_pool(struct pool *pool, long steps);

/** What a program can do, one after the other. */
struct drive_case {
    const char *name;
    void (*run)(long stride);
};

/** Runs those that the command line asks for: [STRIDE [CASE]]. Returns the exit status. */
int drive_cases(int argc, char **argv, const struct drive_case *cases);

#endif
