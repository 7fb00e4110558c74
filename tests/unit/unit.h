/*
 * unit.h - what the library's tests share: checks, scratch memory that all processes of a test see, and looks
 * into /proc that tell which processes, descriptors and mappings there are.
 *
 * Each test body runs in a process of its own (main.c). A check that fails is reported through a pipe, in one
 * write, so it may stand in any process that comes from the test: in the test itself, in a task, in a program
 * under test. No check here looks at a clock; PATIENCE only keeps a hang from being endless.
 *
 * The names: P, D, T, S and a number are cases ported from the test suites of other pools; G and a number are
 * the library's own guarantees; M is misuse.
 */
#ifndef UNIT_H
#define UNIT_H

#include "pool.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

/** @name Cases and suites: one suite for each theme, in a file of its own @{ */

/** The kinds of pools a case runs on, a bit for each. A row that names none runs on processes. */
enum {
    PROCESSES = 1 << POOL_PROCESSES,
    THREADS = 1 << POOL_THREADS,
    INLINE = 1 << POOL_INLINE,
    TWINS = PROCESSES | THREADS,
    ALL_KINDS = TWINS | INLINE,
};

/* So that such a row may simply end there. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct unit_case {
    const char *name; /* "P13 imap gives the serial list, in order"; main.c adds " [threads]", " [inline]" */
    void (*body)(void);
    unsigned kinds;
};

struct unit_suite {
    const char *name;
    const struct unit_case *cases; /* ends with a zeroed one */
};

extern const struct unit_suite unit_maps, unit_results, unit_streams, unit_callbacks, unit_misuse, unit_life, unit_poll,
    unit_cancel, unit_limits, unit_canaries, unit_deaths, unit_signals, unit_host, unit_output, unit_faults,
    unit_queues, unit_slices, unit_nested, unit_spawn, unit_together, unit_traces, unit_leftovers, unit_each,
    unit_leaving, unit_memory;

/** Where failed checks are reported to, and what a process ends with that REQUIRE stopped. For unit.c and run.c. */
extern int unit_report;
enum { UNIT_DONE = 42, UNIT_STOPPED = 43 };

/** The kind the running test is to try: each pool_open() of a test that leaves .kind at 0 opens such a pool. */
extern enum pool_kind unit_kind;

/** Runs one case on one kind, in a process of its own, and tells CUnit of what failed. In run.c, for main.c. */
void unit_run(const struct unit_case *test, enum pool_kind kind);

/** Takes over what a test hands on to new runs of this program (POOL_SPAWN). The first thing in main(). */
void unit_inherit(void);

/** Makes ready for it: once, at the start of the run. */
void unit_prepare(void);

/** @} */
/** @name Checks. A failed one is told and the test goes on; a failed REQUIRE ends the process it stands in @{ */

#define CHECK(condition) unit_check((condition), __FILE__, __LINE__, "%s", #condition)
#define CHECK_EQ(actual, expected) unit_equal((actual), (expected), __FILE__, __LINE__, #actual)
#define CHECK_TEXT(text, words) unit_contains((text), (words), __FILE__, __LINE__)
#define REQUIRE(condition) (CHECK(condition) ? (void)0 : unit_stop())

/** The call succeeds (returns 0); if not, the test ends and tells what the library said. */
#define OK(call) (unit_succeeded((call) == 0, __FILE__, __LINE__, #call) ? (void)0 : unit_stop())

/** The call returns -1 (or NULL), and errno and pool_error() say `code`; the text begins with the call's name. */
#define REFUSED(call, code, words) unit_refused((call) == -1, (code), (words), __FILE__, __LINE__, #call)
#define REFUSED_NULL(call, code, words) unit_refused((call) == NULL, (code), (words), __FILE__, __LINE__, #call)

/** The call returns -1 and pool_error() says that this item failed, with this errno. */
#define FAILED(call, code, which) unit_failed((call) == -1, (code), (which), __FILE__, __LINE__, #call)

/** Waits until the condition holds; it not holding within PATIENCE is a failure. */
#define EVENTUALLY(yes)                                                                                                \
    for (double since = 0; unit_not_yet((yes), &since, __FILE__, __LINE__, #yes);) {                                   \
    }

bool unit_check(bool good, const char *file, int line, const char *format, ...) __attribute__((format(printf, 4, 5)));
bool unit_equal(long long actual, long long expected, const char *file, int line, const char *what);
bool unit_contains(const char *text, const char *words, const char *file, int line);
bool unit_not_yet(bool yes, double *since, const char *file, int line, const char *what);
bool unit_succeeded(bool good, const char *file, int line, const char *call);
bool unit_refused(bool refused, int code, const char *words, const char *file, int line, const char *call);
bool unit_failed(bool failed, int code, size_t item, const char *file, int line, const char *call);
_Noreturn void unit_stop(void);

/** @} */
/** @name Time: only to end hangs @{ */

/** Seconds that whatever must happen may take at most. */
#define PATIENCE unit_patience()

/** Whether UNIT_SLOW is set: the program runs in valgrind or with sanitizers. */
bool unit_slow(void);

/** Whether valgrind runs the program: it lacks some system calls, and needs descriptors of its own. */
bool unit_in_valgrind(void);

double unit_patience(void);
double unit_now(void);
void unit_sleep(double seconds);

/** So many rounds, or a tenth of it when slow. */
int unit_rounds(int rounds);

/** @} */
/** @name Scratch memory, zeroed, shared by all processes of the running test @{ */

#define UNIT_CELLS 16384

struct unit_shared {
    atomic_int gate;             /* 1: tasks that wait at the gate may go on */
    atomic_int arrived;          /* how many tasks came to the gate */
    atomic_int runs;             /* how many tasks, or initializers, ran */
    atomic_int calls;            /* how many callbacks, or calls of a source, there were */
    atomic_int mark;             /* whatever a test likes */
    atomic_int pid[64];          /* who, by arrival */
    atomic_int cell[UNIT_CELLS]; /* how often, by item */
    char text[4096];
    atomic_int no_slices;   /* 1: who waits in the library is not woken but by somebody (slices.c) */
    atomic_int wakes_wait;  /* 1: who has woken somebody goes on only when this is 0 */
    atomic_int fault;       /* which system calls are to fail (faults.c); 0: none */
    atomic_int fault_at;    /* the how-manieth of them, in whichever process */
    atomic_int fault_on;    /* 1: all later ones, too */
    atomic_int fault_count; /* how many there were */
    atomic_int cgroup;      /* which one is to be seen (faults.c); 0: the system's own */
    atomic_int days;        /* that have gone by, for all that asks for the time */
};

extern struct unit_shared *shared;

/** @} */
/** @name Tasks that many tests use @{ */

int task_square(const void *arg, void *result);    /* long to long */
int task_odd_fails(const void *arg, void *result); /* long to long, its square; an odd one fails: "7 is odd" */
int task_pid(const void *arg, void *result);       /* anything, or nothing, to pid_t */
int task_gate(const void *arg, void *result);      /* arrives, waits for the gate, then as task_pid */
int task_forever(const void *arg, void *result);   /* arrives and never ends; in a thread, when the gate opens */
int task_die(const void *arg, void *result);       /* struct death to nothing */

/** Passes the gate when it opens, or when nobody opened it for very long. */
void gate_wait(void);
void gate_open(void);

/** How a task is to die. */
struct death {
    enum { BY_SIGNAL, BY_EXIT, BY_UNDERSCORE_EXIT, BY_ABORT, BY_STACK } how;
    int number;
};

/** Opens a pool of so many workers; the test ends if that fails. */
struct pool *open_pool(int processes);

/** Closes, joins and frees it; all three must succeed. */
void end_pool(struct pool *pool);

/** Terminates a pool that is in the middle of tasks: of processes at once, whereas threads cannot be killed, which is
 * said; the gate lets them go then. */
void terminate_busy_pool(struct pool *pool);

/** Hands over `count` tasks that wait at the gate, and waits until all have arrived. */
void fill_with_gates(struct pool *pool, struct pool_result **results, int count);

/** @} */
/** @name What there is @{ */

/** The children of a process, dead and unreaped ones too. Returns how many. */
int children_of(pid_t pid, pid_t *list, int most);

/** The one child of this process. */
pid_t nursery(void);

/** The living children of the nursery. Returns how many. */
int workers(pid_t *list, int most);

/** How many workers there are, of whichever kind: none for an inline pool. Threads: all but those of the start. */
int worker_count(void);

/** Counts the threads a test starts with; more than one if a sanitizer has some of its own. For run.c. */
void count_threads_at_start(void);

/** How many children of a process are alive. */
int living_children(pid_t pid);

bool is_alive(pid_t pid);

/** Whether it waits for something, and is not stopped. */
bool is_asleep(pid_t pid);

/** The threads of this process but the first one. Returns how many. */
int other_threads(pid_t *list, int most);

/** How many threads of this process sleep. */
int threads_asleep(void);
int thread_count(void);

/** Reaps what can be reaped; true when this process has no child left. */
bool no_children(void);

/** What a library must leave as it was. */
struct host {
    int children, threads, descriptors, shared_mappings, subreaper;
    size_t shared_bytes;
    sigset_t mask;
    struct sigaction handlers[NSIG];
};

void host_look(struct host *host);
#define UNCHANGED(before) host_unchanged((before), __FILE__, __LINE__)
void host_unchanged(const struct host *before, const char *file, int line);

/** Runs a program under test: a child of the test, leader of a process group of its own, that ends in _exit(0). */
pid_t program_start(void (*body)(void));

/** Waits for its end and returns its status as wait() gives it. */
int program_wait(pid_t pid);

/** Makes the test the parent of all its programs leave behind, so that no_children() sees it. */
void adopt_orphans(void);

/** @} */

#endif
