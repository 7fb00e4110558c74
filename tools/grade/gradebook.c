/*
 * gradebook: grades the answers of a class, some at once, on the pool itself.
 *
 *     gradebook COMMAND LIST         LIST: a file with arguments of the command, a line for each answer
 *
 * For each line, `COMMAND LINE` is run by the shell. Status 0 or 1 is a verdict; any other means that the grader failed,
 * and 125 is this program's own then. A worker that is killed costs nothing: what it was at is done again, twice at most.
 * Ctrl+C, or being killed, ends all that it started; what is done stays done, for COMMAND leaves it in files.
 */
#include "pool.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 100000, LINE = 256, BAR = 40 };

static char (*lines)[LINE];
static const char *command;

static int grade(const void *arg, void *result)
{
    char whole[4 * LINE];
    (void)result;
    if (snprintf(whole, sizeof whole, "%s %s </dev/null >/dev/null", command, (const char *)arg) >= (int)sizeof whole)
        return pool_fail("the command is too long");
    int status = system(whole);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
        return 0;
    return pool_fail("%s: the grader failed with status %d", (const char *)arg,
                     WIFEXITED(status) ? WEXITSTATUS(status) : status);
}

/* Returns how many there are; -1 if they cannot be read. */
static long read_lines(const char *name)
{
    long n = 0;
    FILE *list = fopen(name, "re");
    lines = list ? calloc(MOST, sizeof *lines) : NULL;
    while (lines && n < MOST && fgets(lines[n], LINE, list)) {
        lines[n][strcspn(lines[n], "\n")] = '\0';
        n++;
    }
    if (list)
        fclose(list);
    return lines ? n : -1;
}

/* On a terminal a bar that grows; elsewhere a line for each tenth. */
static void show(const struct pool_progress *progress, bool terminal)
{
    static size_t shown = (size_t)-1;
    size_t tenths = progress->count ? 10 * progress->done / progress->count : 10;
    int filled = progress->count ? (int)(BAR * progress->done / progress->count) : BAR;
    if (terminal)
        fprintf(stderr, "\r  [%.*s%*s] %zu of %zu", filled, "########################################", BAR - filled, "",
                progress->done, progress->count);
    else if (tenths != shown)
        fprintf(stderr, "  %zu of %zu answers graded\n", progress->done, progress->count);
    shown = tenths;
}

static int wait_for(struct pool_result *result)
{
    bool terminal = isatty(STDERR_FILENO);
    struct pool_progress progress;
    struct pool_error error = { .item = 0 };
    int status = 0;
    do {
        pool_result_wait(result, 0.2);
        pool_result_progress(result, &progress);
        show(&progress, terminal);
    } while (!pool_result_ready(result));
    if (terminal)
        fputc('\n', stderr);
    for (size_t from = 0; pool_result_failure(result, from, &error) == 1; from = error.item + 1) {
        fprintf(stderr, "gradebook: %s\n", error.text);
        status = 125;
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: gradebook COMMAND LIST\n");
        return 2;
    }
    command = argv[1];
    long n = read_lines(argv[2]);
    struct pool *pool = n >= 0 ? pool_open(NULL) : NULL;
    struct pool_job_options options = { .chunk = 1, .retries = 2 };
    struct pool_result *result = pool ? pool_map_async(pool, grade, lines, (size_t)n, LINE, 0, &options) : NULL;
    if (!result) {
        fprintf(stderr, "gradebook: %s\n", n >= 0 ? pool_error()->text : strerror(errno));
        return 125;
    }
    int status = wait_for(result);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    free(lines);
    return status;
}
