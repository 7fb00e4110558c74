/*
 * alive.c - the caller's side: whether anybody is left who works, and what becomes of the work if not.
 *
 * The nursery's end is seen by asking for its status without taking it, which works with any kernel and costs nothing
 * but a system call each 100 ms of waiting. Once it is gone nobody will end a ticket any more, so the caller ends what
 * is left.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

bool socket_is_ours(const struct pool *pool)
{
    struct stat info;
    if (pool->socket < 0 || fstat(pool->socket, &info) != 0)
        return pool->socket >= 0 && errno != EBADF;
    return S_ISSOCK(info.st_mode) && info.st_ino == pool->socket_inode;
}

static bool work_is_left(const struct region *region)
{
    return atomic_load(&region->tail) > atomic_load(&region->head);
}

static bool workers_live(const struct pool *pool)
{
    const struct region *region = pool->region;
    uint32_t stop = atomic_load(&region->stop);
    if (region->kind != POOL_PROCESSES && atomic_load(&region->living))
        return true;
    if (region->kind !=
        POOL_PROCESSES) /* whoever hands over to an inline pool is its worker for as long as that takes */
        return region->kind == POOL_INLINE && (stop == STOP_NOT || (stop == STOP_CLOSED && work_is_left(region)));
    siginfo_t info = { .si_pid = 0 };
    pid_t nursery = pool->nursery;
    int status = nursery > 0 ? waitid(P_PID, (id_t)nursery, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) : 1;
    return status == 0 ? info.si_pid == 0 : status < 0 && errno != ECHILD;
}

bool on_its_way(const struct region *region)
{
    return region->start == POOL_SPAWN && !atomic_load(&region->arrived);
}

/* Why it did not arrive. If somebody else has asked for its status, only that it ended is known. */
static void spawn_why(const struct region *region, pid_t pid, char *why, size_t size)
{
    siginfo_t end = { .si_pid = 0 };
    char how[64] = "ended";
    waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT);
    if (end.si_pid && end.si_code == CLD_EXITED)
        say(how, sizeof how, "ended with exit code %d", end.si_status);
    else if (end.si_pid)
        say(how, sizeof how, "was killed by %s", name_signal(end.si_status).text);
    if (region->failed_errno == EEXIST)
        say(why, size, "the new run of this program has something else where the shared region is to lie");
    else if (region->failed_errno)
        say(why, size, "this program cannot be run again: %s", strerror(region->failed_errno));
    else
        say(why, size,
            "the new run of this program %s before it reached the pool; call pool_freeze_support() first in main()",
            how);
}

void say_why(struct pool *pool)
{
    struct region *region = pool->region;
    uint32_t failed = atomic_load(&region->failed);
    const struct slot *slot = &region->slots[failed ? failed - 1 : 0];
    int error = region->failed_errno;
    char *why = pool->why, death[200];
    const size_t size = sizeof pool->why;
    if (atomic_load(&region->stop) == STOP_TERMINATED) {
        say(why, size, "cancelled: the pool was terminated");
    } else if (failed && error) {
        say(why, size, "no worker can be started: %s%s", strerror(error), cure(error));
    } else if (failed && slot->text[0]) {
        say(why, size, "the initializer%s failed in PoolWorker-%u: %s",
            atomic_load(&region->each) ? ", or a function of pool_each_worker," : "", slot->worker, slot->text);
    } else if (failed) {
        error_of_death(death, sizeof death, slot->dead_pid, slot->dead_status);
        say(why, size, "workers die before they can work: %s", death);
    } else if (on_its_way(region)) {
        spawn_why(region, pool->nursery, why, size);
    } else if (region->kind != POOL_PROCESSES) {
        say(why, size, "the pool was closed, and nobody is left to run it");
    } else {
        say(why, size, "the pool's nursery, process %d, is gone", (int)pool->nursery);
    }
}

void give_up_all(struct pool *pool, enum taken taken)
{
    if (!pool->why[0])
        say_why(pool);
    for (uint32_t i = 0; i < pool->fresh; i++)
        if (pool->results[i].hold > HOLD_MAKER && !result_ready(&pool->results[i]))
            give_up_tickets(pool->region, job_of(&pool->results[i]), pool->results[i].chunks, GIVEN_UP_END, taken);
}

void pool_is_over(struct pool *pool)
{
    lock_pool(pool);
    for (uint32_t i = 0; i < pool->region->workers && !pool->over; i++)
        worker_bury(pool->region, i, GIVEN_UP_END); /* what has ended stays ended, also in the chunks they held */
    if (!pool->over)
        give_up_all(pool, TAKEN_END);
    pool->over = true;
    unlock_pool(pool);
}

void signal_nursery(const struct pool *pool, int signal)
{
    pid_t nursery = pool->nursery; /* another thread may part with it */
    if (nursery > 0)
        kill(nursery, signal);
}

void call_nursery(struct pool *pool)
{
    pool->untold = !socket_is_ours(pool) || send(pool->socket, "!", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
    signal_nursery(pool, SIGCONT); /* somebody may have stopped it */
}

bool look_after(struct pool *pool)
{
    if (!workers_live(pool)) {
        pool_is_over(pool);
        return false;
    }
    lock_pool(pool);
    if (pool->untold)
        call_nursery(pool);
    unlock_pool(pool);
    if (!on_its_way(pool->region))
        signal_nursery(pool, SIGCONT);
    if (work_is_left(pool->region))
        wake_workers(pool->region, pool->region->workers);
    return true;
}

void await_end(const struct pool *pool, uint64_t ns)
{
    struct pollfd end = { .fd = socket_is_ours(pool) ? pool->socket : -1 };
    uint32_t living = atomic_load(&pool->region->living);
    if (living)
        futex_wait(&pool->region->living, living, ns + 1);
    else if (poll(&end, 1, (int)((ns + 999999) / 1000000)) > 0)
        for (int i = 0; i < 2000 && workers_live(pool); i++) /* it is about to be gone, unless a debugger holds it */
            i < 1000 ? sched_yield() : usleep(20);
}
