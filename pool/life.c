/*
 * life.c - a worker's life: its birth as a process or a thread, its initializer, how many tasks it does, its end.
 *
 * A new worker first heals what its predecessor left (heal.c), runs what is to run once (once.c), then works
 * (worker.c). However it ends, what it has printed leaves, and nothing runs that the program registered for its own
 * end.
 *
 * It does not know how it was started (nursery.c, thread.c).
 */
#define _GNU_SOURCE
#undef __EXCEPTIONS /* as in self.c */
#include "inside.h"
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

/* Below a worker lie the frames of main(), which are the caller's: an exception that leaves a task finds no handler
 * there, it ends the worker (std::terminate). Nor does pthread_exit() look for any. */
#if !defined __GCC_HAVE_DWARF2_CFI_ASM
#define END_OF_STACK
#elif defined __x86_64__
#define END_OF_STACK __asm__ volatile(".cfi_undefined 16" ::: "memory")
#elif defined __aarch64__
#define END_OF_STACK __asm__ volatile(".cfi_undefined 30" ::: "memory")
#endif

/* ---- The end ---- */

/* Registered with on_exit: a task that calls exit() must not run what the program registered for its own end. */
_Noreturn static void leave_at_exit(int status, void *region)
{
    output_leave(0);
    region_leave(region);
    _exit(status);
}

/* The same where the status is not told. */
_Noreturn static void leave_quickly(void)
{
    output_leave(0);
    _exit(EXIT_FAILURE);
}

/* With a task that ends its thread all of the worker ends, also if it has others. */
static void leave_with_thread(void *region)
{
    leave_at_exit(EXIT_SUCCESS, region);
}

/* ---- Birth ---- */

/* The nursery gave every signal its default action and blocks them all. */
static void take_signals(void)
{
    sigset_t none;
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool initialize(struct worker *w)
{
    struct region *region = w->region;
    struct slot *slot = w->slot;
    if (!catch_up(w))
        return false;
    atomic_store(&slot->ready, READY_NOW);
    if (atomic_exchange(&slot->unready, 0))
        atomic_store(&region->failures, 0);
    if (!atomic_exchange(&slot->was_ready, 1) && atomic_fetch_add(&region->news, 1) + 1 == region->workers)
        futex_wake(&region->news, INT32_MAX); /* pool_open() waits for the last one */
    return true;
}

/* A first life is shorter by a share that grows with the slot's number, so that not all workers retire at once. */
static long tasks_in_this_life(const struct region *region, uint32_t number)
{
    long most = region->maxtasks ? region->maxtasks : -1;
    if (most >= 8 && region->slots[number].lives == 1)
        most -= (long)((uint64_t)(most / 2) * number / region->workers);
    return most;
}

static struct worker make_worker(struct region *region, uint32_t number)
{
    return (struct worker){
        .region = region, .slot = &region->slots[number], .number = number, .here = region->here + 1, .idle = true
    };
}

/* Takes its name, which is also what the system calls this thread. */
static void begin_life(struct worker *w)
{
    worker_become(w);
    w->name = w->slot->name;
    prctl(PR_SET_NAME, w->name);
    w->left = tasks_in_this_life(w->region, w->number);
}

/* Returns whether the initializer succeeded. */
static bool live(struct worker *w)
{
    struct job *held = heal(w);
    trace(w, TRACE_START, 0, UINT64_MAX, 0);
    if (!initialize(w))
        return false;
    if (!held || run_chunk(w, held))
        work(w);
    trace(w, TRACE_END, 0, UINT64_MAX, 0);
    return true;
}

/* Takes chunk by chunk as a worker would that may do no task any more. */
void worker_refuse(struct region *region, uint32_t number, bool all)
{
    struct worker w = make_worker(region, number); /* with no tasks left */
    uint64_t tail = atomic_load(&region->tail);
    do {
        worker_bury(region, number, NO_WORKER);
        if (all)
            work(&w);
    } while (atomic_load(&w.slot->aim) && w.position <= tail);
    worker_bury(region, number, NO_WORKER);
}

void worker_prepare(struct region *region)
{
    output_widen();
    pthread_atfork(NULL, NULL, worker_resign);
    at_quick_exit(leave_quickly);
#ifdef __GLIBC__
    on_exit(leave_at_exit, region);
#else
    (void)region;
    atexit(leave_quickly);
#endif
}

void break_pool(struct region *region, uint32_t number, int error)
{
    if (error)
        atomic_store(&region->failed_errno, error);
    atomic_store(&region->failed, number + 1);
    atomic_store(&region->stop, STOP_BROKEN);
    atomic_fetch_add(&region->news, 1);
    futex_wake(&region->news, INT32_MAX);
}

void worker_next(struct region *region, struct slot *slot)
{
    slot->worker = atomic_fetch_add(&region->births, 1) + 1;
    snprintf(slot->name, sizeof slot->name, "PoolWorker-%u", slot->worker);
    slot->lives++;
    atomic_store(&slot->ready, READY_NOT);
    atomic_store(&slot->each, 0);
}

void worker_wear(rlim_t mark)
{
    struct rlimit locks;
    if (getrlimit(RLIMIT_LOCKS, &locks) == 0 && (locks.rlim_cur = mark) <= locks.rlim_max)
        setrlimit(RLIMIT_LOCKS, &locks);
}

_Noreturn void worker_live(struct region *region, uint32_t number, pid_t nursery)
{
    struct worker worker = make_worker(region, number);
    END_OF_STACK;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != nursery)
        _exit(EXIT_FAILURE);
    *worker.here = 1;
    worker_wear(worker_mark(nursery, worker.slot->worker));
    atomic_store(&worker.slot->pid, getpid()); /* the nursery does that, too, but perhaps later than this can be seen */
    begin_life(&worker);
    take_signals();
    pthread_cleanup_push(leave_with_thread, region);
    leave_at_exit(live(&worker) ? EXIT_SUCCESS : EXIT_FAILURE, region);
    pthread_cleanup_pop(false);
}

bool worker_thread(struct region *region, uint32_t number)
{
    struct worker worker = make_worker(region, number);
    begin_life(&worker);
    bool good = live(&worker);
    queues_heal(region, number); /* it may have got what it never dealt with */
    return good;
}

struct worker worker_inline(struct region *region)
{
    struct worker worker = make_worker(region, 0);
    worker.name = pool_worker_name();
    worker.left = -1;
    return worker;
}

void worker_drain(void *worker)
{
    struct worker *w = worker;
    if (!atomic_load(&w->slot->was_ready) && !initialize(w))
        atomic_store(&w->region->failed, 1);
    else if (each_is_new(w))
        catch_up(w);
    work_on(w, w->job);
}
