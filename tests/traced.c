/*
 * traced.c - a program with pools, for lanes to run.
 *
 *     traced PART...    in this order:
 *
 *     pool              a pool of two workers runs five items, and is joined
 *     threads           the same in threads
 *     nested            each of two tasks does `pool` in its worker
 *     copy              copies a line from stdin to stdout
 *     ready             prints "ready"
 *     wait              waits for ever
 *     signals           prints each signal that comes, until SIGTERM or SIGQUIT
 *     status=N          ends with this status
 *     signal=N          ends itself by this signal
 */
#include "pool.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int twice(const void *arg, void *result)
{
    *(int *)result = 2 * *(const int *)arg;
    return 0;
}

static int run_pool(int processes, pool_task *task, int count, enum pool_kind kind)
{
    int in[5] = { 0, 1, 2, 3, 4 }, out[5];
    struct pool *pool = pool_open(&(struct pool_options){ .processes = processes, .kind = kind });
    if (!pool || pool_map(pool, task, in, (size_t)count, sizeof *in, out, sizeof *out) != 0 || pool_close(pool) != 0 ||
        pool_join(pool, 60) != 0) {
        fprintf(stderr, "traced: %s\n", pool_error()->text);
        return -1;
    }
    pool_free(pool);
    return 0;
}

static int inner(const void *arg, void *result)
{
    (void)arg;
    *(int *)result = 0;
    return run_pool(2, twice, 5, POOL_PROCESSES);
}

static void print_signals(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, SIGQUIT };
    sigset_t all;
    int number = 0;
    sigemptyset(&all);
    for (int i = 0; i < 6; i++)
        sigaddset(&all, numbers[i]);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (number != SIGTERM && number != SIGQUIT) {
        puts(number ? strsignal(number) : "waiting");
        fflush(stdout);
        sigwait(&all, &number);
    }
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

static int do_part(const char *part)
{
    char line[100];
    if (strcmp(part, "pool") == 0)
        return run_pool(2, twice, 5, POOL_PROCESSES);
    if (strcmp(part, "threads") == 0)
        return run_pool(2, twice, 5, POOL_THREADS);
    if (strcmp(part, "nested") == 0)
        return run_pool(2, inner, 2, POOL_PROCESSES);
    if (strcmp(part, "copy") == 0)
        return fgets(line, sizeof line, stdin) && fputs(line, stdout) >= 0 ? 0 : -1;
    if (strcmp(part, "ready") == 0)
        return puts(part) >= 0 && fflush(stdout) == 0 ? 0 : -1;
    if (strcmp(part, "wait") == 0)
        for (;;)
            pause();
    if (strcmp(part, "signals") == 0)
        print_signals();
    else if (strncmp(part, "status=", 7) == 0)
        exit(atoi(part + 7));
    else if (strncmp(part, "signal=", 7) == 0)
        raise(atoi(part + 7));
    else
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (do_part(argv[i]) != 0)
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
