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
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool socket_is_ours(const struct pool *pool)
{
    struct stat info;
    if (pool->socket < 0 || fstat(pool->socket, &info) != 0)
        return pool->socket >= 0 && errno != EBADF;
    return S_ISSOCK(info.st_mode) && info.st_ino == pool->socket_inode;
}

/* Whether anybody is left who works. */
bool workers_live(const struct pool *pool)
{
    if (pool->region->kind == POOL_THREADS)
        return atomic_load(&pool->region->living) != 0;
    if (pool->region->kind == POOL_INLINE) { /* each thread that hands over, for as long as it does */
        uint32_t stop = atomic_load(&pool->region->stop), living = atomic_load(&pool->region->living);
        return stop == STOP_NOT || living ||
               (stop == STOP_CLOSED && atomic_load(&pool->region->head) < atomic_load(&pool->region->tail));
    }
    siginfo_t info = { .si_pid = 0 };
    pid_t nursery = pool->nursery;
    int status = nursery > 0 ? waitid(P_PID, (id_t)nursery, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) : 1;
    return status == 0 ? info.si_pid == 0 : status < 0 && errno != ECHILD;
}

/* Whether the new run of the program, which is to be the nursery, has yet to reach the pool. */
bool on_its_way(const struct region *region)
{
    return region->start == POOL_SPAWN && !atomic_load(&region->arrived);
}

static void spawn_why(const struct region *region, pid_t pid, char *text, size_t size)
{
    static const char cure[] = "before it reached the pool; call pool_freeze_support() first in main()";
    siginfo_t end = { .si_pid = 0 };
    waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT);
    if (region->failed_errno == EEXIST)
        say(text, size, "the new run of this program has something else where the shared region is to lie");
    else if (region->failed_errno)
        say(text, size, "this program cannot be run again: %s", strerror(region->failed_errno));
    else if (end.si_pid == 0) /* somebody else asked for its status */
        say(text, size, "the new run of this program ended %s", cure);
    else if (end.si_code == CLD_EXITED)
        say(text, size, "the new run of this program ended with exit code %d %s", end.si_status, cure);
    else
        say(text, size, "the new run of this program was killed by %s %s", name_signal(end.si_status).text, cure);
}

void say_why(struct pool *pool)
{
    struct region *region = pool->region;
    uint32_t failed = atomic_load(&region->failed);
    char death[200];
    if (atomic_load(&region->stop) == STOP_TERMINATED) {
        say(pool->why, sizeof pool->why, "cancelled: the pool was terminated");
    } else if (failed && region->failed_errno) {
        say(pool->why, sizeof pool->why, "no worker can be started: %s%s", strerror(region->failed_errno),
            cure(region->failed_errno));
    } else if (failed && region->slots[failed - 1].text[0]) {
        say(pool->why, sizeof pool->why, "the initializer%s failed in PoolWorker-%u: %s",
            atomic_load(&region->each) ? ", or a function of pool_each_worker," : "",
            region->slots[failed - 1].dead_worker, region->slots[failed - 1].text);
    } else if (failed) {
        error_of_death(death, sizeof death, region->slots[failed - 1].dead_pid, region->slots[failed - 1].dead_status);
        say(pool->why, sizeof pool->why, "workers die before they can work: %s", death);
    } else if (on_its_way(region)) {
        spawn_why(region, pool->nursery, pool->why, sizeof pool->why);
    } else if (region->kind != POOL_PROCESSES) {
        say(pool->why, sizeof pool->why, "the pool was closed, and nobody is left to run it");
    } else {
        say(pool->why, sizeof pool->why, "the pool's nursery, process %d, is gone", (int)pool->nursery);
    }
}

/* Gives up every job that is not done; the lock is held. */
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
    for (uint32_t i = 0; i < pool->region->workers && !pool->over && pool->region->kind == POOL_PROCESSES; i++)
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
    if (atomic_load(&pool->region->tail) > atomic_load(&pool->region->head))
        wake_workers(pool->region, pool->region->workers);
    return true;
}

void await_hangup(const struct pool *pool, int ms)
{
    struct pollfd end = { .fd = socket_is_ours(pool) ? pool->socket : -1 };
    if (pool->nursery > 0 && poll(&end, 1, ms) > 0)
        for (int i = 0; i < 1000 && workers_live(pool); i++) /* it is about to be gone, unless a debugger holds it */
            usleep(20);
}
