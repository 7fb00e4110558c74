/*
 * wake.c - a model of who wakes whom: every order in which workers, caller and nursery can take their steps is tried.
 *
 * usage: build/wake [-l | VARIANT | WORKERS JOBS DEATHS STOPS GO-ON]     -l: larger ones, as make model does
 *
 * What it is about: the ring, the word `wake`, the word `spinner` and the bits `asleep`, as submit.c, region.c and
 * worker.c use them, with deaths and stops of workers at any step, and what the nursery does about them. A step is one
 * access to shared memory, or a few that nobody can tell from one. Jobs have one chunk, and any of them may run for
 * ever. No wait has a time limit here: the slices of 100 ms hide what is lost.
 *
 * What must hold: when nothing moves any more, no job that nobody took lies there while a worker sleeps that could. In
 * each VARIANT a step of the code is left out, or done at the wrong moment; there it must not hold, or else the model
 * does not see what it is for. So without arguments it runs itself, and all variants.
 *
 * What it leaves out: jobs of several chunks, for which all are woken; stale cache lines (all accesses are in one order
 * here, as sequentially consistent ones are, and the code has no others for these words); the nursery's death, with
 * which the pool is over.
 *
 * Exit status 0; 1 if a job is lost, or none is in a variant.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORKERS = 3, MOST_JOBS = 3 };

/* ---- What there is ---- */

/* The steps; those of the code bear the names of what they are in it. */
#define STEPS(step)                                                                                                    \
    /* work() */                                                                                                       \
    step(LOOK) step(READ_TICKET) step(NOTE_AIM) step(CLAIM) step(PASS_ON) step(DROP_AIM) step(MOVE_HEAD) step(RUN)     \
        step(RUN_FOR_EVER) step(FINISH) /* rest(): spin(), sleep_a_while() */                                          \
        step(REST) step(SPIN) step(END_SPIN) step(READ_WAKE) step(SET_BIT) step(LAST_LOOK) step(FUTEX_WAIT)            \
            step(ASLEEP) step(READ_ANSWER) step(ANSWER) step(CLEAR_BIT)                                                \
                step(SKIP) /* wake_one_worker(), whoever calls it */                                                   \
        step(WAKE_READ) step(WAKE_ANYBODY) step(WAKE_SET) step(WAKE_FUTEX) step(WAKE_READ_ANSWER)                      \
            step(WAKE_ANSWER)                            /* a successor: clear_up() */                                 \
        step(BIRTH_BIT) step(BIRTH_AIM) step(BIRTH_HEAD) /* the nursery: worker_relieve() */                           \
        step(AWAIT_NEWS) step(RELIEVE_SPINNER) step(RELIEVE_READ) step(RELIEVE_ANSWER) step(RELIEVE_LOOK)              \
            step(RELIEVED) /* the caller: publish(), wake_enough() */                                                  \
        step(PUT) step(IS_ANY_ASLEEP) step(IS_ANY_SPINNING) step(ALL_PUT)

#define NUMBER(name) name,
#define NAME(name) #name,
enum step { STEPS(NUMBER) };
static const char *const names[] = { STEPS(NAME) };

enum flag { IDLE = 1, BIT = 2, IN_FUTEX = 4, STOPPED = 8, NEWS = 16, DEAD = 32, SEEN = 64 };

/* One process: its step, what it has read, the job it looks at, its place in the ring, 1 + the job its slot names. The
 * nursery's job is the worker that it relieves. */
struct process {
    uint8_t at, read, job, position, aim, flags;
};

enum { READY = 0, DONE = 100 }; /* a ticket; between them: 1 + its owner */

struct state {
    _Alignas(uint64_t) struct process p[MOST_WORKERS + 2]; /* the workers, the caller, the nursery */
    uint8_t ticket[MOST_JOBS], ring, head, spinner, wake, deaths, stops;
};

struct size {
    uint8_t workers, jobs, deaths, stops, goes_on; /* 1: who is stopped may go on, and who sleeps may wake */
};

static struct size size;

#define CALLER size.workers
#define NURSERY (size.workers + 1)

/* ---- What may be wrong with it ---- */

enum variant {
    NONE,
    PASSES_NOTHING_ON,      /* a worker that takes a job after being idle wakes nobody */
    BIT_AFTER_LOOK,         /* a sleeper sets its bit after the last look */
    SLEEPERS_DO_NOT_ANSWER, /* a sleeper does not answer the wake */
    SPINNER_STAYS,          /* a spinner looks for the last time before it gives up its place */
    ANSWERS_FOR_NOBODY,     /* the nursery does not answer the wake for a worker that is dead or stopped, */
    LEAVES_SPINNER,         /* nor gives up its place as the spinner, */
    WAKES_NOBODY,           /* nor wakes another in its stead */
    HEARS_NO_STOPS,         /* it does not look at workers that are stopped */
    ALL
};

static const struct {
    const char *name;
    struct size least; /* in which it shows */
} variants[ALL] = {
    [PASSES_NOTHING_ON] = { "passes-nothing-on", { 2, 2, 0, 0 } },
    [BIT_AFTER_LOOK] = { "bit-after-look", { 1, 1, 0, 0 } },
    [SLEEPERS_DO_NOT_ANSWER] = { "sleepers-do-not-answer", { 2, 2, 0, 0 } },
    [SPINNER_STAYS] = { "spinner-stays", { 1, 1, 0, 0 } },
    [ANSWERS_FOR_NOBODY] = { "answers-for-nobody", { 2, 2, 1, 0 } },
    [LEAVES_SPINNER] = { "leaves-spinner", { 2, 2, 1, 0 } },
    [WAKES_NOBODY] = { "wakes-nobody", { 2, 2, 1, 0 } },
    [HEARS_NO_STOPS] = { "hears-no-stops", { 2, 2, 0, 1 } },
};

static enum variant variant;

/* ---- The steps ---- */

static struct state now;      /* the state that is looked at, */
static struct state next[64]; /* those that can follow, */
static int next_count;        /* so many, */
static struct state *then;    /* and the last one of them */

/* One more that can follow: the process has come to a step. Returns the process in it. */
static struct process *go(int who, enum step at)
{
    then = &next[next_count++];
    *then = now;
    then->p[who].at = (uint8_t)at;
    return &then->p[who];
}

static bool anybody_asleep(void)
{
    for (int i = 0; i < size.workers; i++)
        if (now.p[i].flags & BIT)
            return true;
    return false;
}

/* Answers the wake that it has read, unless somebody has. */
static void answer(struct process *p)
{
    then->wake += then->wake == p->read;
}

static void keep(struct process *p)
{
    p->read = now.wake;
}

/* It has woken one, or need not: where it goes on. */
static struct process *go_on(int who)
{
    struct process *p = go(who, who == CALLER ? PUT : who == NURSERY ? RELIEVED : RUN);
    p->flags &= (uint8_t)~IDLE;
    return p;
}

static void wake_one(int who, const struct process *p)
{
    int before = next_count;
    switch (p->at) {
    case WAKE_READ:
        keep(go(who, WAKE_ANYBODY));
        break;
    case WAKE_ANYBODY:
        anybody_asleep() && p->read % 2 == 0 ? go(who, WAKE_SET) : go_on(who);
        break;
    case WAKE_SET:
        if (now.wake != p->read) {
            go_on(who);
            break;
        }
        go(who, WAKE_FUTEX);
        then->wake++;
        break;
    case WAKE_FUTEX: /* wakes any that is in it */
        for (int i = 0; i < size.workers; i++)
            if (now.p[i].flags & IN_FUTEX) {
                go_on(who);
                then->p[i].flags &= (uint8_t)~IN_FUTEX;
            }
        if (next_count == before)
            go(who, WAKE_READ_ANSWER);
        break;
    case WAKE_READ_ANSWER:
        if (now.wake % 2)
            keep(go(who, WAKE_ANSWER));
        else
            go_on(who);
        break;
    case WAKE_ANSWER:
        answer(go_on(who));
        break;
    }
}

static void work(int who, const struct process *p)
{
    uint8_t me = (uint8_t)(who + 1), ticket = now.ticket[p->job];
    struct process *q;
    switch (p->at) {
    case LOOK:
        q = go(who, p->position < now.ring ? READ_TICKET : MOVE_HEAD);
        if (q->at == READ_TICKET)
            q->job = q->position++;
        break;
    case READ_TICKET:
        go(who, ticket == READY ? NOTE_AIM : DROP_AIM);
        break;
    case NOTE_AIM:
        go(who, CLAIM)->aim = p->job + 1;
        break;
    case CLAIM:
        go(who, ticket == READY ? PASS_ON : DROP_AIM);
        if (ticket == READY)
            then->ticket[p->job] = me;
        break;
    case PASS_ON:
        if (p->flags & IDLE && p->position < now.ring && variant != PASSES_NOTHING_ON)
            go(who, WAKE_READ);
        else
            go_on(who);
        break;
    case DROP_AIM:
        q = go(who, LOOK);
        q->aim = q->job = 0;
        break;
    case RUN:
        go(who, RUN_FOR_EVER);
        go(who, FINISH);
        break;
    case FINISH:
        go(who, DROP_AIM);
        then->ticket[p->job] = DONE;
        break;
    case MOVE_HEAD:
        q = go(who, now.head > p->position ? LOOK : REST);
        q->position = then->head = now.head > p->position ? now.head : p->position;
        break;
    }
}

static void spin(int who, const struct process *p)
{
    uint8_t me = (uint8_t)(who + 1);
    struct process *q;
    switch (p->at) {
    case REST:
        go(who, READ_WAKE)->flags |= IDLE; /* it slept for long, so it does not spin */
        if (now.spinner)
            break;
        go(who, SPIN)->flags |= IDLE;
        then->spinner = me;
        break;
    case SPIN: /* until there is something, or for long enough */
        go(who, END_SPIN)->flags &= (uint8_t)~SEEN;
        if (p->position < now.ring)
            go(who, END_SPIN)->flags |= SEEN;
        break;
    case END_SPIN:
        q = go(who, p->flags & SEEN ? LOOK : READ_WAKE);
        q->flags &= (uint8_t)~SEEN;
        if (now.spinner == me)
            then->spinner = 0;
        if (variant == SPINNER_STAYS && q->at == READ_WAKE) { /* all that falls to a sleeper it has done before */
            q->at = FUTEX_WAIT;
            q->flags |= BIT;
            keep(q);
        }
        break;
    }
}

/* Where a sleeper goes that has made sure that there is nothing. */
static void sleeps(int who, const struct process *p, bool late)
{
    if (p->read % 2 || p->position < now.ring)
        go(who, READ_ANSWER);
    else
        go(who, late ? SET_BIT : FUTEX_WAIT);
}

static void rest(int who, const struct process *p)
{
    bool late = variant == BIT_AFTER_LOOK;
    struct process *q;
    switch (p->at) {
    case READ_WAKE:
        keep(go(who, late ? LAST_LOOK : SET_BIT));
        break;
    case SET_BIT:
        go(who, late ? FUTEX_WAIT : LAST_LOOK)->flags |= BIT;
        break;
    case LAST_LOOK:
        sleeps(who, p, late);
        break;
    case FUTEX_WAIT:
        if (now.wake == p->read)
            go(who, ASLEEP)->flags |= IN_FUTEX;
        else
            go(who, READ_ANSWER);
        break;
    case ASLEEP:
        if (!(p->flags & IN_FUTEX))
            go(who, READ_ANSWER);
        break;
    case READ_ANSWER:
        keep(go(who, now.wake % 2 && variant != SLEEPERS_DO_NOT_ANSWER ? ANSWER : CLEAR_BIT));
        break;
    case ANSWER:
        answer(go(who, CLEAR_BIT));
        break;
    case CLEAR_BIT:
        go(who, SKIP)->flags &= (uint8_t)~BIT;
        break;
    case SKIP:
        q = go(who, LOOK);
        q->position = now.head > p->position ? now.head : p->position;
        break;
    }
}

static void birth(int who, const struct process *p)
{
    struct process *q;
    switch (p->at) {
    case BIRTH_BIT:
        go(who, BIRTH_AIM)->flags &= (uint8_t)~BIT;
        break;
    case BIRTH_AIM:
        q = go(who, p->aim && now.ticket[p->aim - 1] == who + 1 ? RUN : BIRTH_HEAD);
        q->job = q->at == RUN ? p->aim - 1 : 0;
        q->aim = q->at == RUN ? p->aim : 0;
        q->position = now.head;
        break;
    case BIRTH_HEAD:
        go(who, LOOK)->position = now.head;
        break;
    }
}

/* A dead worker's successor knows no more of it than its slot tells. */
static void start_successor(struct process *worker)
{
    uint8_t flags = (uint8_t)(IDLE | (worker->flags & BIT));
    *worker = (struct process){ .at = BIRTH_BIT, .aim = worker->aim, .flags = flags };
}

static void relieve(int who, const struct process *p)
{
    struct process *q;
    switch (p->at) {
    case AWAIT_NEWS:
        for (uint8_t i = 0; i < size.workers; i++)
            if (now.p[i].flags & NEWS) {
                go(who, RELIEVE_SPINNER)->job = i;
                then->p[i].flags &= (uint8_t)~NEWS;
            }
        break;
    case RELIEVE_SPINNER:
        go(who, RELIEVE_READ)->position = now.head;
        if (now.spinner == p->job + 1 && variant != LEAVES_SPINNER)
            then->spinner = 0;
        break;
    case RELIEVE_READ:
        keep(go(who, now.wake % 2 && variant != ANSWERS_FOR_NOBODY ? RELIEVE_ANSWER : RELIEVE_LOOK));
        break;
    case RELIEVE_ANSWER:
        answer(go(who, RELIEVE_LOOK));
        break;
    case RELIEVE_LOOK:
        go(who, p->position < now.ring && variant != WAKES_NOBODY ? WAKE_READ : RELIEVED);
        break;
    case RELIEVED:
        q = go(who, AWAIT_NEWS);
        if (now.p[p->job].flags & DEAD && !(now.p[p->job].flags & NEWS)) /* it has been told of its death, too */
            start_successor(&then->p[p->job]);
        q->job = q->position = 0;
        break;
    }
}

static void hand_over(int who, const struct process *p)
{
    switch (p->at) {
    case PUT:
        go(who, now.ring < size.jobs ? IS_ANY_ASLEEP : ALL_PUT);
        then->ring += now.ring < size.jobs;
        break;
    case IS_ANY_ASLEEP:
        go(who, anybody_asleep() ? IS_ANY_SPINNING : PUT);
        break;
    case IS_ANY_SPINNING:
        go(who, now.spinner ? PUT : WAKE_READ);
        break;
    }
}

/* What a process can do now. */
static void step(int who)
{
    const struct process *p = &now.p[who];
    if (p->flags & (STOPPED | DEAD))
        return;
    work(who, p);
    spin(who, p);
    rest(who, p);
    wake_one(who, p);
    birth(who, p);
    relieve(who, p);
    hand_over(who, p);
}

/* What comes from outside, at any moment: deaths, and stops; one that is stopped while it sleeps leaves the futex, and
 * waits again when it goes on. And an idle worker does not always sleep for ever. */
static void from_outside(int who)
{
    const struct process *p = &now.p[who];
    if (p->flags & DEAD)
        return;
    if (now.deaths < size.deaths) {
        struct process *q = go(who, LOOK);
        *q = (struct process){ .at = LOOK, .aim = p->aim, .flags = (uint8_t)((p->flags & BIT) | DEAD | NEWS) };
        then->deaths++;
    }
    if (now.stops < size.stops && !(p->flags & STOPPED)) {
        struct process *q = go(who, p->at == ASLEEP && p->flags & IN_FUTEX ? FUTEX_WAIT : (enum step)p->at);
        q->flags &= (uint8_t)~IN_FUTEX;
        q->flags |= (uint8_t)(STOPPED | (variant == HEARS_NO_STOPS ? 0 : NEWS));
        then->stops++;
    }
    if (p->flags & STOPPED && size.goes_on)
        go(who, (enum step)p->at)->flags &= (uint8_t)~STOPPED;
    else if (p->flags & IN_FUTEX && size.goes_on)
        go(who, (enum step)p->at)->flags &= (uint8_t)~IN_FUTEX;
}

/* ---- All states ---- */

static bool needs_read(const struct process *p)
{
    return (p->at >= SET_BIT && p->at <= ASLEEP) || p->at == ANSWER || p->at == WAKE_ANYBODY || p->at == WAKE_SET ||
           p->at == WAKE_ANSWER || p->at == RELIEVE_ANSWER;
}

/* Wipes what a process will not read any more, so that states are not told apart by it; and of the number of wakes
 * keeps no more than what matters: whether it is odd, and whether what a process has read is still so. */
static void wipe(struct state *s)
{
    enum { STALE = 10 };
    for (int i = 0; i < size.workers + 2; i++) {
        struct process *p = &s->p[i];
        if (p->at == RUN_FOR_EVER || (p->flags & STOPPED && !size.goes_on))
            p->read = p->job = p->position = 0, p->flags &= (uint8_t) ~(IDLE | SEEN);
        else if (!needs_read(p))
            p->read = 0;
        else
            p->read = p->read == s->wake ? s->wake % 2 : STALE + p->read % 2;
        if (i < size.workers && (p->at == LOOK || p->at == MOVE_HEAD || (p->at >= REST && p->at <= SKIP)))
            p->job = 0;
    }
    s->wake %= 2;
}

/* States are told apart by 128 bits of hash. */
struct hash {
    uint64_t a, b;
};

static struct hash hash_of(const struct state *s)
{
    struct hash hash = { 1469598103934665603u, 0x9e3779b97f4a7c15u };
    uint64_t words[sizeof *s / sizeof(uint64_t)];
    memcpy(words, s, sizeof *s);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        hash.a = (hash.a ^ words[i]) * 0x9e3779b97f4a7c15u;
        hash.a ^= hash.a >> 29;
        hash.b = (hash.b + words[i] + 1) * 0xff51afd7ed558ccdu;
        hash.b ^= hash.b >> 32;
    }
    hash.a |= 1;
    return hash;
}

static struct hash *known; /* a table of those that were seen, at most half full */
static size_t known_room, known_count;

static void *room(void *old, size_t bytes)
{
    void *at = realloc(old, bytes);
    if (!at) {
        perror("wake");
        exit(2);
    }
    return at;
}

static bool is_new(struct hash hash)
{
    size_t i = (hash.a ^ hash.b >> 7) & (known_room - 1);
    for (; known[i].a; i = (i + 1) & (known_room - 1))
        if (known[i].a == hash.a && known[i].b == hash.b)
            return false;
    known[i] = hash;
    known_count++;
    return true;
}

static void begin_table(size_t size_of_it)
{
    known_room = size_of_it;
    known_count = 0;
    known = memset(room(NULL, known_room * sizeof *known), 0, known_room * sizeof *known);
}

static void widen_table(void)
{
    struct hash *old = known;
    size_t count = known_room;
    if (known_count <= known_room / 2)
        return;
    begin_table(2 * count);
    for (size_t i = 0; i < count; i++)
        if (old[i].a)
            is_new(old[i]);
    free(old);
}

static struct state *queue; /* a stack of those that are to be looked at */
static size_t queue_room, queue_count;

static void add(struct state *s)
{
    wipe(s);
    widen_table();
    if (!is_new(hash_of(s)))
        return;
    if (queue_count == queue_room)
        queue = room(queue, (queue_room = 2 * queue_room + 1000) * sizeof *queue);
    queue[queue_count++] = *s;
}

static bool is_lost(void)
{
    bool lies = false, sleeps_well = false;
    for (int i = 0; i < now.ring; i++)
        lies |= now.ticket[i] == READY;
    for (int i = 0; i < size.workers; i++)
        sleeps_well |= now.p[i].at == ASLEEP && !(now.p[i].flags & STOPPED);
    return lies && sleeps_well;
}

static void tell(void)
{
    printf("    deaths %d", now.deaths);
    for (int i = 0; i < size.workers; i++)
        printf(", worker %d: %s%s", i + 1, names[now.p[i].at], now.p[i].flags & STOPPED ? " (stopped)" : "");
    printf("\n");
}

/* Looks at all that can follow. Returns whether nothing can any more, of itself. */
static bool look_at_next(void)
{
    next_count = 0;
    for (int i = 0; i < size.workers + 2; i++)
        step(i);
    bool end = next_count == 0;
    for (int i = 0; i < size.workers; i++)
        from_outside(i);
    for (int i = 0; i < next_count; i++)
        add(&next[i]);
    return end;
}

/* Returns in how many ends a job is lost; in a variant one is enough. */
static long explore(struct size how_large, enum variant which)
{
    long states = 0, ends = 0, lost = 0;
    struct state start = { .ring = 0 };
    size = how_large;
    variant = which;
    for (int i = 0; i < size.workers; i++)
        start.p[i].flags = IDLE;
    start.p[CALLER].at = PUT;
    start.p[NURSERY].at = AWAIT_NEWS;
    begin_table(1 << 16);
    for (add(&start); queue_count > 0 && !(variant && lost); states++) {
        now = queue[--queue_count];
        if (!look_at_next())
            continue;
        ends++;
        if (is_lost() && lost++ < 10)
            tell();
    }
    printf("%d workers, %d jobs, %d deaths, %d stops%s, %s: %ld states, %ld ends, %s\n", size.workers, size.jobs,
           size.deaths, size.stops, size.goes_on ? " that may end" : "", variant ? variants[variant].name : "as it is",
           states, ends, lost ? "a job is lost" : "no job is lost");
    fflush(stdout);
    free(known);
    queue_count = 0;
    return lost;
}

/* As it is, no job may be lost; in each of the variants one must be. */
static int run_all(const struct size *sizes, int count)
{
    int bad = 0;
    for (int i = 0; i < count; i++)
        bad += explore(sizes[i], NONE) != 0;
    for (enum variant v = NONE + 1; v < ALL; v++)
        bad += explore(variants[v].least, v) == 0;
    return bad > 0;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: wake [-l | VARIANT | WORKERS JOBS DEATHS STOPS GO-ON], at most %d workers and %d jobs; variants:\n",
            MOST_WORKERS, MOST_JOBS);
    for (enum variant v = NONE + 1; v < ALL; v++)
        fprintf(stderr, "    %s\n", variants[v].name);
    return 2;
}

static int run_variant(const char *name)
{
    for (enum variant v = NONE + 1; v < ALL; v++)
        if (strcmp(variants[v].name, name) == 0)
            return explore(variants[v].least, v) != 0;
    return usage();
}

int main(int argc, char **argv)
{
    static const struct size small[] = { { 1, 2, 1, 1, 1 }, { 2, 2, 1, 0, 0 }, { 2, 2, 0, 1, 0 } };
    static const struct size large[] = {
        { 2, 2, 0, 1, 1 }, { 2, 2, 1, 1, 0 }, { 2, 2, 2, 0, 1 },
        { 2, 3, 1, 0, 1 }, { 2, 3, 0, 1, 0 }, { 3, 2, 0, 0, 1 },
    };
    if (argc == 1)
        return run_all(small, sizeof small / sizeof *small);
    if (argc == 2)
        return strcmp(argv[1], "-l") == 0 ? run_all(large, sizeof large / sizeof *large) : run_variant(argv[1]);
    if (argc != 6)
        return usage();
    struct size asked = { (uint8_t)atoi(argv[1]), (uint8_t)atoi(argv[2]), (uint8_t)atoi(argv[3]),
                          (uint8_t)atoi(argv[4]), (uint8_t)atoi(argv[5]) };
    if (asked.workers < 1 || asked.workers > MOST_WORKERS || asked.jobs < 1 || asked.jobs > MOST_JOBS)
        return usage();
    return explore(asked, NONE) != 0;
}
