/*
 * killed.c - in a scene, the caller, the nursery or a worker is killed after each single instruction of a step.
 *
 * usage: build/killed [STRIDE [SCENE [STEP [ROLE [N]]]]]
 *     STRIDE  every STRIDE-th instruction only (default 1: all, some hours); the rest picks some: forked cancel nursery
 *
 * A scene (everything.c) is played in a process of its own, and followed with ptrace. When the step begins, the first
 * process of the role is driven N instructions far, or from its birth if it is not there yet, and killed. N grows until
 * the next step begins before the kill comes. What must hold then:
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
    long stride;       /* where there are very many instructions */
};

static const struct phase phases[] = {
    { "forked", "open", 1, 1, "cnw", 5 },
    { "forked", "squares", 1, 2, "cnw", 1 },
    { "forked", "notes", 2, 2, "cnw", 1 },
    { "forked", "output", 3, 2, "w", 1 },
    { "forked", "deaths", 4, 2, "cnw", 1 },
    { "forked", "limits", 5, 2, "nw", 1 },
    { "forked", "cancel", 6, 2, "cnw", 1 },
    { "forked", "leftovers", 7, 2, "nw", 1 },
    { "forked", "queues", 8, 2, "cnw", 1 },
    { "forked", "streams", 9, 2, "cnw", 20 },
    { "forked", "callbacks", 10, 2, "cnw", 1 },
    { "forked", "interrupt", 11, 2, "cnw", 1 },
    { "forked", "close", 1, 3, "cnw", 1 },
    { "forked", "join", 1, 4, "cnw", 1 },
    { "forked", "free", 1, 5, "c", 1 },
    { "traced", "join", 2, 4, "c", 1 },
    { "spawned", "open", 1, 1, "cn", 50 },
    { "spawned", "deaths", 2, 2, "nw", 1 },
    { "threads", "open", 1, 1, "c", 5 },
    { "threads", "squares", 1, 2, "c", 1 },
    { "threads", "join", 1, 4, "c", 1 },
    { "nested", "nested", 1, 2, "nwb", 20 },
    { "terminated", "terminate", 0, 3, "cnw", 1 },
    { "forsaken", "busy", 0, 2, "cnw", 1 },
};

static bool wanted(const char *asked, const char *name)
{
    return !asked || strcmp(asked, name) == 0;
}

/* Kills one after every stride-th instruction of a phase. Returns how often something did not hold. */
static int run(const struct phase *phase, long stride, long nth)
{
    static long offset; /* so that not each phase begins at the same one */
    const struct scene *scene = scenes;
    long kills = 0, bad = 0;
    while (strcmp(scene->name, phase->scene) != 0)
        scene++;
    cue = phase->cue;
    after = nth ? nth : 1 + offset++ % stride;
    do {
        const char *fault = play(scene, phase->only);
        kills += stand == KILLED;
        bad += fault != NULL;
        if (fault)
            printf("NOT CLEAN  %s %s %s %ld: %s\n", phase->scene, phase->step, roles[role], after, fault);
        fflush(stdout);
        after += stride;
    } while (stand == KILLED && !nth && bad < 10);
    printf("%s, %s: the %s killed %ld times, within %ld instructions\n", phase->scene, phase->step, roles[role], kills,
           after - stride);
    fflush(stdout);
    return (int)bad;
}

int main(int argc, char **argv)
{
    pool_freeze_support();
    const char *asked[3] = { argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL, argc > 4 ? argv[4] : NULL };
    long stride = argc > 1 ? atol(argv[1]) : 1, nth = argc > 5 ? atol(argv[5]) : 0, bad = 0;
    if (stride < 1 || argc > 6) {
        fprintf(stderr, "usage: killed [STRIDE [SCENE [STEP [ROLE [N]]]]]\n");
        return 2;
    }
    follow_prepare();
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        for (role = 0; role < ROLES; role++)
            if (strchr(phases[i].roles, roles[role][0]) && wanted(asked[0], phases[i].scene) &&
                wanted(asked[1], phases[i].step) && wanted(asked[2], roles[role]))
                bad += run(&phases[i], stride * phases[i].stride, nth);
    printf("%ld not clean\n", bad);
    return bad > 0;
}
