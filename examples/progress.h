/*
 * progress.h - a bar that shows how far a job is, for programs to copy.
 *
 *     struct pool_result *result = pool_map_async(...);
 *     if (progress_wait(result, "hashing") != 0) ...
 *
 *     hashing [#####################...................]  53%  530 of 1000
 *
 * It waits as pool_result_wait() does, and meanwhile draws on stderr ten times
 * a second at most, if stderr is a terminal. When the job is done the bar is
 * wiped out, so that the terminal looks as if it had never been there.
 *
 * It is no part of the library, which never prints: pool_result_progress()
 * tells how far a job is, and what to make of it is the program's affair.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "pool.h"
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PROGRESS_BAR = 40 };

/* How many characters fit into a line of the terminal, but for its last. */
static inline int progress_columns(void)
{
    struct winsize size = { .ws_col = 0 };
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 79;
    return size.ws_col - 1;
}

static inline void progress_draw(const struct pool_progress *now,
                                 const char *what)
{
    char bar[PROGRESS_BAR + 1], failed[40] = "", line[300];
    size_t percent = now->count ? 100 * now->done / now->count : 100;
    for (size_t i = 0; i < PROGRESS_BAR; i++)
        bar[i] = 100 * i < PROGRESS_BAR * percent ? '#' : '.';
    bar[PROGRESS_BAR] = '\0';
    if (now->failed)
        snprintf(failed, sizeof failed, ", %zu failed", now->failed);
    snprintf(line, sizeof line, "%s [%s] %3zu%%  %zu of %zu%s", what, bar,
             percent, now->done, now->count, failed);
    fprintf(stderr, "\r%.*s\033[K", progress_columns(), line);
    fflush(stderr);
}

/* Waits for the job, drawing. As pool_result_wait(), which it ends with. */
static inline int progress_wait(struct pool_result *result, const char *what)
{
    struct pool_progress now;
    if (!isatty(STDERR_FILENO))
        return pool_result_wait(result, POOL_FOREVER);
    while (pool_result_progress(result, &now) == 0) {
        progress_draw(&now, what);
        if (pool_result_wait(result, 0.1) == 0 || errno != ETIMEDOUT)
            break;
    }
    fprintf(stderr, "\r\033[K");
    return pool_result_wait(result, POOL_FOREVER);
}

#endif
