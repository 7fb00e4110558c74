/*
 * error.c - what went wrong, in words.
 *
 * The last error belongs to the thread that made the call, like errno, so that two threads with one pool do not read
 * each other's. Signals are named by their names, because "signal 9" helps nobody; where a death has usual causes,
 * they are said. It prints nothing.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static _Thread_local struct pool_error last = { .item = POOL_NO_ITEM };

const struct pool_error *pool_error(void)
{
    return &last;
}

int error_put(const struct pool_error *error)
{
    last = *error;
    errno = error->code;
    return -1;
}

void vsay(char *text, size_t size, const char *format, va_list args)
{
    if (vsnprintf(text, size, format, args) < (int)size)
        return;
    size_t end = size - 1, last = end - 1; /* where the last character begins, of whose bytes there may be 4 in UTF-8 */
    while (end - last < 4 && (text[last] & 0xc0) == 0x80)
        last--;
    unsigned char first = (unsigned char)text[last];
    if (end - last < (first < 0xc0 ? 1u : first < 0xe0 ? 2u : first < 0xf0 ? 3u : 4u))
        text[last] = '\0';
}

void say(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsay(text, size, format, args);
    va_end(args);
}

int error_set(int code, const char *format, ...)
{
    struct pool_error error = { .code = code, .item = POOL_NO_ITEM };
    va_list args;
    va_start(args, format);
    vsay(error.text, sizeof error.text, format, args);
    va_end(args);
    return error_put(&error);
}

bool in_range(const char *who, const char *what, long double value, double most)
{
    if (value >= 0 && value <= (long double)most)
        return true;
    bool whole = value < 0x1p63L && value >= -0x1p63L && value == (long double)(long)value;
    error_set(EINVAL,
              whole ? "%s: %s is %.0Lf; it must be 0 (the default) to %.10g"
                    : "%s: %s is %Lg; it must be 0 (the default) to %.10g",
              who, what, value, most);
    return false;
}

static const char *usual_cause(int signal)
{
    switch (signal) {
    case SIGKILL:
        return " (by hand, or by the system because memory ran out)";
    case SIGSEGV:
    case SIGBUS:
        return " (a bad pointer, or the stack is full)";
    case SIGABRT:
        return " (abort: a failed assertion, a corrupted heap, or a C++ exception)";
    case SIGPIPE:
        return " (it wrote to a pipe or socket that nobody reads)";
    default:
        return "";
    }
}

const char *name_signal(char name[SIGNAL_NAME], int signal)
{
    const char *known = NULL;
#ifdef __GLIBC__
    known = sigabbrev_np(signal);
#endif
    if (known)
        say(name, SIGNAL_NAME, "SIG%s", known);
    else
        say(name, SIGNAL_NAME, "signal %d", signal);
    return name;
}

void error_of_death(char *text, size_t size, pid_t pid, int status)
{
    if (WIFSIGNALED(status)) {
        char name[SIGNAL_NAME];
        say(text, size, "worker %d was killed by %s%s", (int)pid, name_signal(name, WTERMSIG(status)),
            usual_cause(WTERMSIG(status)));
    } else if (status == THREAD_ENDED) {
        say(text, size, "a worker thread ended in the middle of it: pthread_exit, or it was cancelled");
    } else {
        say(text, size, "worker %d ended itself with exit code %d in the middle of it", (int)pid, WEXITSTATUS(status));
    }
}

/* Says in `why` what the note says. Returns the errno that goes with it. */
static int describe(char *why, size_t size, const struct note *note, const struct pool *pool)
{
    switch ((enum note_kind)note->kind) {
    case NOTE_DEATH:
        error_of_death(why, size, note->pid, note->status);
        return EOWNERDEAD;
    case NOTE_ABSENT:
        if (note->status == NO_WORKER) {
            int error = pool->region->fork_errno;
            say(why, size, "no new worker could be started to run it: %s%s", strerror(error), cure(error));
            return error;
        }
        say(why, size, "%s",
            note->status == GIVEN_UP_CANCEL   ? "cancelled by pool_result_cancel"
            : note->status == GIVEN_UP_FAILED ? "cancelled, because another item failed"
            : note->status == NO_MEMORY
                ? "it failed, and there was no memory left to say how; open the pool with a larger .memory"
                : pool->why);
        return note->status == NO_MEMORY ? ENOMEM : ECANCELED;
    case NOTE_LIMIT:
        say(why, size, "it ran for longer than its limit of %g s, so worker %d was killed", (double)note->limit,
            (int)note->pid);
        return ETIME;
    default:
        if (note->size)
            say(why, size, "%s", note->bytes);
        else
            say(why, size, "the task returned %d in worker %d", note->status, (int)note->pid);
        return EREMOTEIO;
    }
}

void error_of_item(struct pool_error *error, size_t item, const struct note *note, const struct pool *pool)
{
    char why[sizeof error->text - 32];
    bool died = note->kind == NOTE_DEATH;
    int status = died && WIFEXITED(note->status) ? WEXITSTATUS(note->status) : note->status;
    *error = (struct pool_error){ .item = item, .pid = note->pid, .failures = 1 };
    error->code = describe(why, sizeof why, note, pool);
    error->signal = died && WIFSIGNALED(note->status) ? WTERMSIG(note->status) : 0;
    error->status = error->signal || note->kind == NOTE_ABSENT || note->kind == NOTE_LIMIT ? 0 : status;
    error->signal = error->code == ETIME ? SIGKILL : error->signal;
    say(error->text, sizeof error->text, "item %zu: %s", item, why);
}
