/*
 * scratch.h: a folder of one's own, for chapter 17, which is gone in the end.
 *
 * Whoever tidies up must not be whoever may be killed. So the work is done in a
 * child; its parent only waits, until nobody is left who could write there.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char scratch[128]; /* the folder */
static pid_t who_works;

/* Ends the program if something went wrong with a file. */
static inline void check_file(bool ok, const char *path)
{
    if (ok)
        return;
    fprintf(stderr, CHAPTER ": %s: %s\n", path, strerror(errno));
    exit(EXIT_FAILURE);
}

static inline void pass_on(int sig)
{
    kill(who_works, sig);
}

static inline int remove_one(const char *path, const struct stat *about,
                             int what, struct FTW *where)
{
    (void)about, (void)what, (void)where;
    return remove(path);
}

/* Does the work in a child. Returns the program's exit status. */
static inline int with_scratch(void (*work)(void))
{
    const char *tmp = getenv("TMPDIR");
    int length = snprintf(scratch, sizeof scratch, "%s/" CHAPTER "-XXXXXX",
                          tmp ? tmp : "/tmp");
    errno = ENAMETOOLONG;
    check_file(length < (int)sizeof scratch && mkdtemp(scratch), scratch);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* its pools' processes become ours */
    who_works = fork();
    check_file(who_works >= 0, "fork");
    if (who_works == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        work();
        exit(EXIT_SUCCESS);
    }
    int status;
    signal(SIGINT, pass_on);
    signal(SIGTERM, pass_on);
    waitpid(who_works, &status, 0);
    while (wait(NULL) > 0)
        continue;
    nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
