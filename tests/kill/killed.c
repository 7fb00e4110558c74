/*
 * killed.c - in a scene, the caller, the nursery or a worker is killed after single instructions of a step.
 *
 * usage: build/killed [KILLS [SCENE [STEP [ROLE [N]]]]]
 *     KILLS  so many in each step and role (default 20); 0: after each instruction, which takes days
 *     the rest picks some: forked cancel nursery
 *
 * A scene (everything.c) is played in a process of its own, and followed with ptrace. When the step begins, the first
 * process of the role is driven N instructions far, or from its birth if it is not there yet, and killed. How many
 * instructions there are before the next step begins is counted at first. What must hold then:
 *
 *     the caller    nothing is left of its pool, busy or not
 *     the nursery   every job fails or has its right values, no call hangs, the pool says so and can be ended
 *     a worker      one item at most is lost, by its death; everything else is answered
 *
 * steps.c knows more exactly what the death of a worker may cost.
 *
 * Exit status 0; 1 if something did not hold; 77 if ptrace is not allowed here.
 */
#define _GNU_SOURCE
#include "follow.h"
#include "pool.h"
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- One kill ---- */

static enum role role;
static int cue;           /* the step's */
static long after, steps; /* so many instructions; those that were made */
static enum { BEFORE, FOUND, KILLED, OVER } stand;

static void found(struct process *process)
{
    stand = FOUND;
    process->marked = true;
    process->goes_on = PTRACE_SINGLESTEP;
}

static bool is_on(void)
{
    return atomic_load(&stage->cues) == cue;
}

static void born(struct process *process)
{
    if (is_on() && stand == BEFORE && process->role == role)
        found(process);
}

static void cued(void)
{
    for (int i = 0; i < process_count; i++)
        if (is_on() && stand == BEFORE && processes[i].role == role && processes[i].known) {
            found(&processes[i]);
            if (role != CALLER)
                ptrace(PTRACE_INTERRUPT, processes[i].tid, NULL, 0);
        }
    if (!is_on() && stand < KILLED)
        stand = OVER;
}

static void stepped(struct process *process)
{
    if (stand == FOUND && process->marked && ++steps == after) {
        stand = KILLED;
        stage_kill(process->tid);
    }
    if (!process->marked || stand != FOUND)
        process->goes_on = PTRACE_CONT;
}

static const char *play(const struct scene *scene, int only)
{
    memset(stage, 0, sizeof *stage);
    atomic_store(&stage->cue, cue);
    atomic_store(&stage->only, only);
    atomic_store(&stage->counts, role == WORKER);
    atomic_store(&stage->may_leave, role == NURSERY);
    stand = BEFORE;
    steps = 0;
    return follow(scene, &(struct follower){ .born = born,
                                             .cued = cued,
                                             .stepped = stepped,
                                             .caller_may_die = role == CALLER,
                                             .below_may_stay = role == NURSERY });
}

/* ---- All of them ---- */

/* The steps in which something may be killed: `only` of the scene's own, which is the cue after that of pool_open. */
struct phase {
    const char *scene, *step;
    int only, cue;
    const char *roles; /* by their first letters */
    bool heavy;        /* very many instructions: a tenth of the kills, and none if that is less than one */
};

static const struct phase phases[] = {
    { "forked", "open", 1, 1, "cnw", true },
    { "forked", "squares", 1, 2, "cnw", false },
    { "forked", "notes", 2, 2, "cnw", false },
    { "forked", "output", 3, 2, "w", false },
    { "forked", "deaths", 4, 2, "cnw", false },
    { "forked", "limits", 5, 2, "nw", false },
    { "forked", "cancel", 6, 2, "cnw", false },
    { "forked", "leftovers", 7, 2, "nw", false },
    { "forked", "queues", 8, 2, "cnw", false },
    { "forked", "streams", 9, 2, "cnw", true },
    { "forked", "callbacks", 10, 2, "cnw", false },
    { "forked", "interrupt", 11, 2, "cnw", false },
    { "forked", "close", 1, 3, "cnw", false },
    { "forked", "join", 1, 4, "cnw", false },
    { "forked", "free", 1, 5, "c", false },
    { "traced", "join", 2, 4, "c", true },
    { "spawned", "open", 1, 1, "cn", true },
    { "spawned", "deaths", 2, 2, "nw", false },
    { "threads", "open", 1, 1, "c", true },
    { "threads", "squares", 1, 2, "c", false },
    { "threads", "join", 1, 4, "c", false },
    { "nested", "nested", 1, 2, "nwb", true },
    { "terminated", "terminate", 0, 3, "cnw", false },
    { "forsaken", "busy", 0, 2, "cnw", false },
};

static bool wanted(const char *asked, const char *name)
{
    return !asked || strcmp(asked, name) == 0;
}

static const struct scene *scene_called(const char *name)
{
    const struct scene *scene = scenes;
    while (strcmp(scene->name, name) != 0)
        scene++;
    return scene;
}

static long kills, bad; /* of a phase; of all */

/* One kill. Returns whether it came to it. */
static bool kill_after(const struct phase *phase, long instructions)
{
    after = instructions;
    const char *fault = play(scene_called(phase->scene), phase->only);
    kills += stand == KILLED;
    bad += fault != NULL;
    if (fault)
        printf("NOT CLEAN  %s %s %s %ld: %s\n", phase->scene, phase->step, roles[role], after, fault);
    fflush(stdout);
    return stand == KILLED;
}

/* Evenly spread, and each time somewhere else. */
static void kill_some(const struct phase *phase, long wanted, long length)
{
    static unsigned long number;
    for (long i = 0; i < wanted; i++)
        kill_after(phase, 1 + length * i / wanted + (long)(number++ * 7919 % (unsigned long)(length / wanted + 1)));
}

static void run(const struct phase *phase, long wanted, long nth)
{
    long n = 1;
    cue = phase->cue;
    kills = 0;
    long some = phase->heavy ? wanted / 10 : wanted;
    if (nth) {
        kill_after(phase, nth);
    } else if (wanted && !some) {
        return;
    } else if (wanted) {
        kill_after(phase, LONG_MAX);
        kill_some(phase, some, steps);
    } else {
        while (kill_after(phase, n))
            n++;
    }
    printf("%s, %s: the %s killed %ld times\n", phase->scene, phase->step, roles[role], kills);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    pool_freeze_support();
    const char *asked[3] = { argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL, argc > 4 ? argv[4] : NULL };
    long wanted_kills = argc > 1 ? atol(argv[1]) : 20, nth = argc > 5 ? atol(argv[5]) : 0;
    if (wanted_kills < 0 || argc > 6) {
        fprintf(stderr, "usage: killed [KILLS [SCENE [STEP [ROLE [N]]]]]\n");
        return 2;
    }
    follow_prepare();
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        for (role = 0; role < ROLES; role++)
            if (strchr(phases[i].roles, roles[role][0]) && wanted(asked[0], phases[i].scene) &&
                wanted(asked[1], phases[i].step) && wanted(asked[2], roles[role]))
                run(&phases[i], wanted_kills, nth);
    printf("%ld not clean\n", bad);
    return bad > 0;
}
