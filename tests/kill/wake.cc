// wake.cc - a model of who wakes whom: tries every order in which workers, caller and nursery can take their steps.
//
//     g++ -O2 -o build/wake tests/kill/wake.cc && build/wake WORKERS JOBS DEATHS STOPS [MUTATION]
//
// What it is about: the ring, the word `wake`, the word `spinner` and the bits `asleep`, as worker.c, region.c and
// submit.c use them; deaths and stops at any step, and what the nursery does about them. A step is one access to shared
// memory (or a few that nobody can tell from one), its name is in `step`. Jobs have one chunk, and any of them may run
// for ever. No wait has a time limit here: the slices of 100 ms hide what is lost.
//
// What must hold: when nothing moves any more, no job lies there that nobody took while a worker sleeps that could. It
// prints how many ends break that, and its status is 0 if none does. With a MUTATION, a bit for each step of the code
// that is left out or done at the wrong moment, some end must; `mutations` lists those that show.
//
// What it leaves out: jobs of several chunks, stale cache lines (all accesses are in one order here; the code uses
// sequentially consistent ones for all of these words), and deaths of the nursery, with which the pool is over.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>

enum { MOST_WORKERS = 3, MOST_JOBS = 3 };

enum mutation {
    ANSWERS_FOR_NOBODY = 1, // the nursery does not answer the wake for a worker that is dead or stopped
    LEAVES_SPINNER = 2,     // nor gives up its place as the spinner
    WAKES_NOBODY = 4,       // nor wakes another in its stead
    HEARS_NO_STOPS = 8,     // it does not look at workers that are stopped
    PASSES_NOTHING_ON = 16, // a worker that takes a job after being idle wakes nobody
    LEAVES_WAKE_ODD = 32,   // who wakes one, and finds none asleep, does not answer: shows nothing, because whoever has
                            // its bit set then has yet to look at `wake`, and answers; it is for a futex_wake refused
    BIT_AFTER_LOOK = 64,    // a sleeper sets its bit after the last look
    SLEEPERS_DO_NOT_ANSWER = 128,
    SPINNER_STAYS = 256, // a spinner looks for the last time before it gives up its place
};
static const int mutations[] = { ANSWERS_FOR_NOBODY, LEAVES_SPINNER, WAKES_NOBODY,           HEARS_NO_STOPS,
                                 PASSES_NOTHING_ON,  BIT_AFTER_LOOK, SLEEPERS_DO_NOT_ANSWER, SPINNER_STAYS };

// clang-format off
enum step : unsigned char {
    // work() and what it calls
    LOOK, READ_TICKET, NOTE_AIM, CLAIM, PASS_ON, DROP_AIM, MOVE_HEAD, RUN, RUN_FOR_EVER, FINISH,
    // rest(): spin(), sleep_a_while()
    REST, SPIN, END_SPIN, READ_WAKE, SET_BIT, LAST_LOOK, FUTEX_WAIT, ASLEEP, READ_ANSWER, ANSWER, CLEAR_BIT, SKIP,
    // wake_one_worker(), for whoever calls it
    WAKE_READ, WAKE_ANYBODY, WAKE_SET, WAKE_FUTEX, WAKE_READ_ANSWER, WAKE_ANSWER,
    // a successor: clear_up()
    BIRTH_BIT, BIRTH_AIM, BIRTH_HEAD,
    // the nursery: worker_relieve()
    AWAIT_NEWS, RELIEVE_SPINNER, RELIEVE_READ, RELIEVE_ANSWER, RELIEVE_LOOK, RELIEVED,
    // the caller: publish(), wake_enough()
    PUT, IS_ANY_ASLEEP, IS_ANY_SPINNING, CALLER_ENDS,
};
static const char *const names[] = {
    "look", "read the ticket", "note the aim", "claim", "pass on", "drop the aim", "move the head", "run",
    "RUNS FOR EVER", "finish",
    "rest", "SPINS", "end the spin", "read wake", "set its bit", "last look", "futex_wait", "ASLEEP",
    "read wake to answer", "answer", "clear its bit", "skip to the head",
    "wake one: read", "wake one: anybody?", "wake one: set", "wake one: futex_wake", "wake one: read to answer",
    "wake one: answer",
    "birth: bit", "birth: aim", "birth: head",
    "await news", "relieve: spinner", "relieve: read wake", "relieve: answer", "relieve: look", "relieved",
    "put", "is any asleep?", "is any spinning?", "all put",
};
// clang-format on

enum flag : unsigned char { IDLE = 1, BIT = 2, IN_FUTEX = 4, STOPPED = 8, NEWS = 16, DEAD = 32, SEEN = 64 };

// One process: where it is, what it has read, the job it looks at, its place in the ring, 1 + the job its slot names.
struct process {
    unsigned char at, read, job, position, aim, flags;
};

enum { READY = 0, DONE = 100 }; // a ticket; between them: 1 + its owner

struct state {
    process p[MOST_WORKERS + 2]; // the workers, the caller, the nursery
    unsigned char ticket[MOST_JOBS], ring, head, spinner, wake, deaths, stops;
};

static int workers, jobs, deaths, stops, mutated;
static bool continued; // those that are stopped may go on
#define CALLER workers
#define NURSERY (workers + 1)

static bool anybody_asleep(const state &s)
{
    for (int i = 0; i < workers; i++)
        if (s.p[i].flags & BIT)
            return true;
    return false;
}

// Where a process goes on when it has woken one, or need not.
static void woke(process &p, int who)
{
    p.read = 0;
    if (who == CALLER) {
        p.at = PUT;
    } else if (who == NURSERY) {
        p.at = RELIEVED;
    } else {
        p.flags &= ~IDLE;
        p.at = RUN;
    }
}

// The steps that a process can take now.
class steps
{
    const state &from;
    std::vector<state> &to;
    int who;

    template <class change> void step(unsigned char next, change make)
    {
        state s = from;
        s.p[who].at = next;
        make(s, s.p[who]);
        to.push_back(s);
    }
    void step(unsigned char next)
    {
        step(next, [](state &, process &) {});
    }
    void woken()
    {
        step(0, [this](state &, process &p) { woke(p, who); });
    }

    void work(const process &p)
    {
        unsigned char me = who + 1, ticket = p.job < jobs ? from.ticket[p.job] : 0;
        switch (p.at) {
        case LOOK:
            if (p.position < from.ring)
                step(READ_TICKET, [](state &, process &q) { q.job = q.position++; });
            else
                step(MOVE_HEAD);
            break;
        case READ_TICKET:
            step(ticket == READY ? NOTE_AIM : DROP_AIM);
            break;
        case NOTE_AIM:
            step(CLAIM, [](state &, process &q) { q.aim = q.job + 1; });
            break;
        case CLAIM:
            if (ticket == READY)
                step(PASS_ON, [me](state &s, process &q) { s.ticket[q.job] = me; });
            else
                step(DROP_AIM);
            break;
        case PASS_ON:
            if (p.flags & IDLE && p.position < from.ring && !(mutated & PASSES_NOTHING_ON))
                step(WAKE_READ);
            else
                step(RUN, [](state &, process &q) { q.flags &= ~IDLE; });
            break;
        case DROP_AIM:
            step(LOOK, [](state &, process &q) { q.aim = q.job = 0; });
            break;
        case RUN:
            step(RUN_FOR_EVER);
            step(FINISH);
            break;
        case FINISH:
            step(DROP_AIM, [](state &s, process &q) { s.ticket[q.job] = DONE; });
            break;
        case MOVE_HEAD:
            if (from.head > p.position)
                step(LOOK, [](state &s, process &q) { q.position = s.head; });
            else
                step(REST, [](state &s, process &q) { s.head = q.position; });
            break;
        default:
            rest(p);
        }
    }

    void rest(const process &p)
    {
        unsigned char me = who + 1;
        bool news = p.position < from.ring;
        switch (p.at) {
        case REST:
            step(READ_WAKE, [](state &, process &q) { q.flags |= IDLE; }); // it slept for long, so it does not spin
            if (!from.spinner)
                step(SPIN, [me](state &s, process &q) { s.spinner = me, q.flags |= IDLE; });
            break;
        case SPIN:
            step(END_SPIN, [](state &, process &q) { q.flags &= ~SEEN; });
            if (news)
                step(END_SPIN, [](state &, process &q) { q.flags |= SEEN; });
            break;
        case END_SPIN:
            step(p.flags & SEEN            ? LOOK
                 : mutated & SPINNER_STAYS ? LAST_LOOK
                                           : READ_WAKE,
                 [me](state &s, process &q) {
                     if (s.spinner == me)
                         s.spinner = 0;
                     q.flags &= ~SEEN;
                     if (q.at == LAST_LOOK) // its bit, before it gave up its place: nobody looks again
                         q.flags |= BIT, q.read = s.wake, q.at = FUTEX_WAIT;
                 });
            break;
        case READ_WAKE:
            step(mutated & BIT_AFTER_LOOK ? LAST_LOOK : SET_BIT, [](state &s, process &q) { q.read = s.wake; });
            break;
        case SET_BIT:
            step(mutated & BIT_AFTER_LOOK ? FUTEX_WAIT : LAST_LOOK, [](state &, process &q) { q.flags |= BIT; });
            break;
        case LAST_LOOK:
            step(p.read % 2 || news ? READ_ANSWER : mutated & BIT_AFTER_LOOK ? SET_BIT : FUTEX_WAIT);
            break;
        case FUTEX_WAIT:
            if (from.wake == p.read)
                step(ASLEEP, [](state &, process &q) { q.flags |= IN_FUTEX; });
            else
                step(READ_ANSWER);
            break;
        case ASLEEP:
            if (!(p.flags & IN_FUTEX))
                step(READ_ANSWER);
            break;
        case READ_ANSWER:
            step(from.wake % 2 && !(mutated & SLEEPERS_DO_NOT_ANSWER) ? ANSWER : CLEAR_BIT,
                 [](state &s, process &q) { q.read = s.wake; });
            break;
        case ANSWER:
            step(CLEAR_BIT, [](state &s, process &q) { s.wake += s.wake == q.read; });
            break;
        case CLEAR_BIT:
            step(SKIP, [](state &, process &q) { q.flags &= ~BIT, q.read = 0; });
            break;
        case SKIP:
            step(LOOK, [](state &s, process &q) { q.position = s.head > q.position ? s.head : q.position; });
            break;
        default:
            birth(p);
        }
    }

    void birth(const process &p)
    {
        switch (p.at) {
        case BIRTH_BIT:
            step(BIRTH_AIM, [](state &, process &q) { q.flags &= ~BIT; });
            break;
        case BIRTH_AIM:
            if (p.aim && from.ticket[p.aim - 1] == who + 1)
                step(RUN, [](state &s, process &q) { q.job = q.aim - 1, q.position = s.head; });
            else
                step(BIRTH_HEAD, [](state &, process &q) { q.aim = 0; });
            break;
        case BIRTH_HEAD:
            step(LOOK, [](state &s, process &q) { q.position = s.head; });
            break;
        default:
            wake_one(p);
        }
    }

    void wake_one(const process &p)
    {
        bool any = false;
        switch (p.at) {
        case WAKE_READ:
            step(WAKE_ANYBODY, [](state &s, process &q) { q.read = s.wake; });
            break;
        case WAKE_ANYBODY:
            if (anybody_asleep(from) && p.read % 2 == 0)
                step(WAKE_SET);
            else
                woken();
            break;
        case WAKE_SET:
            if (from.wake == p.read)
                step(WAKE_FUTEX, [](state &s, process &) { s.wake++; });
            else
                woken();
            break;
        case WAKE_FUTEX:
            for (int i = 0; i < workers; i++)
                if (from.p[i].flags & IN_FUTEX) {
                    any = true;
                    step(0, [this, i](state &s, process &q) { s.p[i].flags &= ~IN_FUTEX, woke(q, who); });
                }
            if (!any && mutated & LEAVES_WAKE_ODD)
                woken();
            else if (!any)
                step(WAKE_READ_ANSWER);
            break;
        case WAKE_READ_ANSWER:
            if (from.wake % 2)
                step(WAKE_ANSWER, [](state &s, process &q) { q.read = s.wake; });
            else
                woken();
            break;
        case WAKE_ANSWER:
            step(0, [this](state &s, process &q) { s.wake += s.wake == q.read, woke(q, who); });
            break;
        default:
            others(p);
        }
    }

    // `job` is the worker whom the nursery relieves.
    void others(const process &p)
    {
        switch (p.at) {
        case AWAIT_NEWS:
            for (unsigned char i = 0; i < workers; i++)
                if (from.p[i].flags & NEWS)
                    step(RELIEVE_SPINNER, [i](state &s, process &q) { q.job = i, s.p[i].flags &= ~NEWS; });
            break;
        case RELIEVE_SPINNER:
            step(RELIEVE_READ, [](state &s, process &q) {
                q.position = s.head;
                if (s.spinner == q.job + 1 && !(mutated & LEAVES_SPINNER))
                    s.spinner = 0;
            });
            break;
        case RELIEVE_READ:
            step(from.wake % 2 && !(mutated & ANSWERS_FOR_NOBODY) ? RELIEVE_ANSWER : RELIEVE_LOOK,
                 [](state &s, process &q) { q.read = s.wake; });
            break;
        case RELIEVE_ANSWER:
            step(RELIEVE_LOOK, [](state &s, process &q) { s.wake += s.wake == q.read; });
            break;
        case RELIEVE_LOOK:
            step(p.position < from.ring && !(mutated & WAKES_NOBODY) ? WAKE_READ : RELIEVED);
            break;
        case RELIEVED:
            step(AWAIT_NEWS, [](state &s, process &q) {
                process &w = s.p[q.job];
                if (w.flags & DEAD) // its successor knows no more of it than the slot tells
                    w = { BIRTH_BIT, 0, 0, 0, w.aim, (unsigned char)(IDLE | (w.flags & BIT)) };
                q.job = q.position = q.read = 0;
            });
            break;
        case PUT:
            if (from.ring < jobs)
                step(IS_ANY_ASLEEP, [](state &s, process &) { s.ring++; });
            else
                step(CALLER_ENDS);
            break;
        case IS_ANY_ASLEEP:
            step(anybody_asleep(from) ? IS_ANY_SPINNING : PUT);
            break;
        case IS_ANY_SPINNING:
            step(from.spinner ? PUT : WAKE_READ);
            break;
        default:
            break; // RUN_FOR_EVER, CALLER_ENDS
        }
    }

  public:
    steps(const state &s, int process, std::vector<state> &out) : from(s), to(out), who(process)
    {
        if (!(s.p[process].flags & (STOPPED | DEAD)))
            work(s.p[process]);
    }
};

// Deaths and stops come from outside, at any moment. One that is stopped while it sleeps leaves the futex's queue, and
// waits again when it goes on.
static void from_outside(const state &from, int who, std::vector<state> &to)
{
    const process &p = from.p[who];
    if (p.flags & DEAD)
        return;
    state s = from;
    process &q = s.p[who];
    q.flags &= ~IN_FUTEX;
    if (from.deaths < deaths) {
        q.flags = (q.flags & BIT) | DEAD | NEWS;
        q = { LOOK, 0, 0, 0, q.aim, q.flags };
        s.deaths++;
        to.push_back(s);
    }
    if (from.stops < stops && !(p.flags & STOPPED)) {
        s = from;
        q.flags = (q.flags & ~IN_FUTEX) | STOPPED | (mutated & HEARS_NO_STOPS ? 0 : NEWS);
        q.at = p.at == ASLEEP && p.flags & IN_FUTEX ? +FUTEX_WAIT : p.at;
        s.stops++;
        to.push_back(s);
    }
    if (p.flags & STOPPED && continued) {
        s = from;
        q.flags &= ~STOPPED;
        to.push_back(s);
    }
}

static bool needs_read(const process &p)
{
    return (p.at >= SET_BIT && p.at <= ASLEEP) || p.at == ANSWER || p.at == WAKE_ANYBODY || p.at == WAKE_SET ||
           p.at == WAKE_ANSWER || p.at == RELIEVE_ANSWER;
}

// Wipes what a process will not read any more, so that states are not told apart by it; and of the numbers of wakes
// keeps no more than what matters: which is odd, and whether what a process has read is still so.
static void wipe(state &s)
{
    enum { STALE = 10 };
    for (int i = 0; i < workers + 2; i++) {
        process &p = s.p[i];
        if (p.at == RUN_FOR_EVER || (p.flags & STOPPED && !continued))
            p.read = p.job = p.position = 0, p.flags &= ~(IDLE | SEEN);
        else if (!needs_read(p))
            p.read = 0;
        else
            p.read = p.read == s.wake ? s.wake % 2 : STALE + p.read % 2;
        if (i < workers && (p.at == LOOK || p.at == MOVE_HEAD || (p.at >= REST && p.at <= SKIP)))
            p.job = 0;
    }
    s.wake %= 2;
}

// Hashes of states instead of states: 128 bits, so that a collision does not hide one.
struct seen {
    typedef unsigned long long word;
    std::vector<std::pair<word, word>> table = std::vector<std::pair<word, word>>(1 << 16);
    size_t count = 0;

    static std::pair<word, word> hash(const state &s)
    {
        word a = 1469598103934665603ull, b = 0x9e3779b97f4a7c15ull;
        for (size_t i = 0; i < sizeof s; i++) {
            unsigned char byte = reinterpret_cast<const unsigned char *>(&s)[i];
            a = (a ^ byte) * 1099511628211ull;
            b = (b + byte + 1) * 0xff51afd7ed558ccdull;
            b ^= b >> 32;
        }
        return { a | 1, b };
    }

    bool put(const std::pair<word, word> &key)
    {
        size_t mask = table.size() - 1, i = (key.first ^ key.second >> 7) & mask;
        for (; table[i].first; i = (i + 1) & mask)
            if (table[i] == key)
                return false;
        table[i] = key;
        if (++count > table.size() / 2) {
            std::vector<std::pair<word, word>> old(table.size() * 2);
            old.swap(table);
            count = 0;
            for (const auto &k : old)
                if (k.first)
                    put(k);
        }
        return true;
    }
};

static bool is_lost(const state &s)
{
    bool lies = false, sleeps = false;
    for (int i = 0; i < s.ring; i++)
        lies |= s.ticket[i] == READY;
    for (int i = 0; i < workers; i++)
        sleeps |= s.p[i].at == ASLEEP && !(s.p[i].flags & STOPPED);
    return lies && sleeps;
}

static std::string tell(const state &s)
{
    std::string text = "deaths " + std::to_string(s.deaths);
    for (int i = 0; i < workers; i++) {
        text += std::string(", worker ") + std::to_string(i + 1) + ": " + names[s.p[i].at];
        text += s.p[i].flags & STOPPED ? " (stopped)" : "";
    }
    return text;
}

// Returns how many ends there are in which a job is lost; or 1 as soon as there is one, if that is all one wants.
static long explore(bool first)
{
    state start;
    memset(&start, 0, sizeof start);
    for (int i = 0; i < workers; i++)
        start.p[i].flags = IDLE;
    start.p[CALLER].at = PUT;
    start.p[NURSERY].at = AWAIT_NEWS;
    seen all;
    std::deque<state> next = { start };
    std::map<std::string, long> how;
    long states = 0, ends = 0, lost = 0;
    for (all.put(seen::hash(start)); !next.empty() && !(first && lost); next.pop_front(), states++) {
        std::vector<state> to;
        for (int i = 0; i < workers + 2; i++)
            steps(next.front(), i, to);
        ends += to.empty();
        if (to.empty() && is_lost(next.front()))
            lost++, how[tell(next.front())]++;
        for (int i = 0; i < workers; i++)
            from_outside(next.front(), i, to);
        for (state &s : to) {
            wipe(s);
            if (all.put(seen::hash(s)))
                next.push_back(s);
        }
    }
    printf("%d workers, %d jobs, %d deaths, %d stops, mutation %d: %ld states, %ld ends, %ld in which a job is lost\n",
           workers, jobs, deaths, stops, mutated, states, ends, lost);
    for (const auto &one : how)
        printf("    %5ld %s\n", one.second, one.first.c_str());
    return lost;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: wake WORKERS JOBS DEATHS STOPS [MUTATION | all]\n");
        return 2;
    }
    continued = getenv("CONTINUED") != nullptr;
    workers = atoi(argv[1]), jobs = atoi(argv[2]), deaths = atoi(argv[3]), stops = atoi(argv[4]);
    if (workers < 1 || workers > MOST_WORKERS || jobs < 1 || jobs > MOST_JOBS) {
        fprintf(stderr, "wake: 1 to %d workers, 1 to %d jobs\n", MOST_WORKERS, MOST_JOBS);
        return 2;
    }
    if (argc == 5 || strcmp(argv[5], "all") != 0) {
        mutated = argc > 5 ? atoi(argv[5]) : 0;
        return explore(false) != 0;
    }
    int unseen = 0;
    for (int mutation : mutations) {
        mutated = mutation;
        unseen += explore(true) == 0;
    }
    return unseen != 0;
}
