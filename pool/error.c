/*
 * error.c - what went wrong, in words.
 *
 * The last error belongs to the thread that made the call, like errno, so that two threads with one pool do not read
 * each other's. Signals are named, because "signal 9" helps nobody; where a death has usual causes, they are said.
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
    size_t end = size - 1, last = end - 1; /* where the last character begins: UTF-8, at most 4 bytes */
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

struct signal_name name_signal(int signal)
{
    struct signal_name name;
    const char *known = NULL;
#ifdef __GLIBC__
    known = sigabbrev_np(signal);
#endif
    if (known)
        say(name.text, sizeof name.text, "SIG%s", known);
    else
        say(name.text, sizeof name.text, "signal %d", signal);
    return name;
}

void error_of_death(char *text, size_t size, pid_t pid, int status)
{
    static const char *const causes[] = {
        [SIGKILL] = " (by hand, or by the system because memory ran out)",
        [SIGSEGV] = " (a bad pointer, or the stack is full)",
        [SIGBUS] = " (a bad pointer, or the stack is full)",
        [SIGABRT] = " (abort: a failed assertion, a corrupted heap, or a C++ exception)",
        [SIGPIPE] = " (it wrote to a pipe or socket that nobody reads)",
        [127] = NULL, /* the most a status can say */
    };
    if (status == THREAD_ENDED)
        say(text, size, "a worker thread ended in the middle of it: pthread_exit, or it was cancelled");
    else if (WIFSIGNALED(status))
        say(text, size, "worker %d was killed by %s%s", (int)pid, name_signal(WTERMSIG(status)).text,
            causes[WTERMSIG(status)] ? causes[WTERMSIG(status)] : "");
    else
        say(text, size, "worker %d ended itself with exit code %d in the middle of it", (int)pid, WEXITSTATUS(status));
}

void error_of_item(struct pool_error *error, size_t item, const struct note *note, const struct pool *pool)
{
    static const char *const absent[8] = {
        /* a task may have written anything into the note */
        [GIVEN_UP_CANCEL] = "cancelled by pool_result_cancel",
        [GIVEN_UP_FAILED] = "cancelled, because another item failed",
        [NO_MEMORY] = "it failed, and there was no memory left to say how; open the pool with a larger .memory",
    };
    *error = (struct pool_error){ .code = EREMOTEIO, .item = item, .pid = note->pid, .failures = 1 };
    char *why = error->text + snprintf(error->text, sizeof error->text, "item %zu: ", item);
    size_t size = (size_t)(error->text + sizeof error->text - why);
    if (note->kind == NOTE_DEATH) {
        error->code = EOWNERDEAD;
        error->signal = WIFSIGNALED(note->status) ? WTERMSIG(note->status) : 0;
        error->status = error->signal ? 0 : WEXITSTATUS(note->status);
        error_of_death(why, size, note->pid, note->status);
    } else if (note->kind == NOTE_LIMIT) {
        error->code = ETIME;
        error->signal = SIGKILL;
        say(why, size, "it ran for longer than its limit of %g s, so worker %d was killed", (double)note->limit,
            (int)note->pid);
    } else if (note->kind == NOTE_ABSENT && note->status == NO_WORKER) {
        error->code = pool->region->fork_errno;
        say(why, size, "no new worker could be started to run it: %s%s", strerror(error->code), cure(error->code));
    } else if (note->kind == NOTE_ABSENT) {
        error->code = note->status == NO_MEMORY ? ENOMEM : ECANCELED;
        say(why, size, "%s", absent[note->status & 7] ? absent[note->status & 7] : pool->why);
    } else {
        error->status = note->status;
        if (note->size)
            say(why, size, "%s", note->bytes);
        else
            say(why, size, "the task returned %d in worker %d", note->status, (int)note->pid);
    }
}
