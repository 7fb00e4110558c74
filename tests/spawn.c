/*
 * spawn: what main() does, and how often, in a program that opens a pool with POOL_SPAWN.
 *
 *     build/spawn guarded|bare|exit|abort|loop|taken|orphan|closed [ARGUMENT...]
 *
 * `guarded` begins with pool_freeze_support(), the others do not. In the new run, which knows itself by a variable that
 * the first one sets, main() ends with 3, aborts, sleeps for ever, puts something of its own where the pool's memory is
 * to lie, kills the program that waits for it, or closes all descriptors and opens a file (ARGUMENT) in their place.
 */
#define _GNU_SOURCE
#include "pool.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char **arguments;

static int count_arguments(const void *arg, void *result)
{
    int *count = result;
    (void)arg;
    for (*count = 0; arguments && arguments[*count]; ++*count)
        printf("<%s>", arguments[*count]);
    puts("");
    return 0;
}

/* Takes the addresses from 16 TiB to 64 TiB, as far as they are free. */
static void take_addresses(void)
{
    for (size_t at = (size_t)1 << 44; at < (size_t)1 << 46; at += (size_t)1 << 40)
        mmap((void *)at, (size_t)1 << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
             -1, 0);
}

/* Whether some signal is blocked, as it must be only between fork and exec. */
static bool is_deaf(void)
{
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    return !sigisemptyset(&mask);
}

static void go_astray(const char *how)
{
    if (strcmp(how, "exit") == 0)
        exit(3);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "taken") == 0)
        take_addresses();
    if (strcmp(how, "closed") == 0) {
        closefrom(3);
        for (int i = 0; i < 20; i++)
            open(arguments[2], O_RDWR | O_CREAT, 0600);
    }
    if (strcmp(how, "orphan") == 0)
        kill(getppid(), SIGKILL);
    if (strcmp(how, "orphan") == 0 || strcmp(how, "loop") == 0)
        for (;;)
            pause();
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    int count;
    arguments = argv;
    if (strcmp(how, "guarded") == 0)
        pool_freeze_support();
    printf("main runs%s\n", is_deaf() ? ", and hears no signal" : "");
    if (getenv("SPAWN_AGAIN"))
        go_astray(how);
    setenv("SPAWN_AGAIN", "yes", 1);
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .start = POOL_SPAWN, .open_timeout = 3 });
    if (!pool || pool_apply(pool, count_arguments, NULL, 0, &count, sizeof count) != 0) {
        printf("%s\n", pool_error()->text);
        return 1;
    }
    printf("%d arguments\n", count);
    pool_free(pool);
    return 0;
}
