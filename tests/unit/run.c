/*
 * run.c - runs one test in a process of its own, and judges it from outside.
 *
 * A pool that goes wrong hangs, crashes, or leaves processes behind; each of these is to cost one test and
 * not the run. So the body of a test runs in a child that leads a session of its own, and ends in
 * _exit(UNIT_DONE) at the end of its body and nowhere else: whatever other end it comes to is a failure. The
 * parent listens to two pipes: one for failed checks, one that is the test's stdout and stderr. Nothing may
 * be printed there, because the library never prints.
 *
 * The parent is a subreaper: whoever below the test loses its parent becomes a child of ours. So "is anything
 * left?" is "have we any child?", and to be rid of it all, in whichever session or group it hides, is to kill
 * our children until there are none. A process that a good test leaves, even a dead one, fails it.
 *
 * It does not run tests side by side: many of them look at what processes there are.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What comes through a pipe, as far as there is room for it. */
struct listener {
    int fd;
    size_t length;
    char text[65536];
};

static struct listener failures, output;

int unit_report = -1;

/* In a sanitized program: whether memory is lost. Looked at here because the sanitizer itself looks at exit() only. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* --- In the child --- */

static void map_shared(int file)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    REQUIRE(shared != MAP_FAILED);
    count_threads_at_start();
}

/* Makes the scratch memory; a new run of this program is to have it, too, and the report pipe. */
static void share(void)
{
    char text[32];
    int file = memfd_create("unit", 0);
    REQUIRE(file >= 0 && ftruncate(file, sizeof *shared) == 0);
    map_shared(file);
    fcntl(unit_report, F_SETFD, 0);
    snprintf(text, sizeof text, "%d %d", file, unit_report);
    setenv("UNIT_SHARED", text, 1);
}

void unit_inherit(void)
{
    const char *text = getenv("UNIT_SHARED");
    int file;
    if (text && sscanf(text, "%d %d", &file, &unit_report) == 2)
        map_shared(file);
}

static void prepare_child(int report, int print)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL); /* whoever started us in the background had us ignore SIGINT */
    sigprocmask(SIG_SETMASK, &(sigset_t){ 0 }, NULL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    dup2(print, STDOUT_FILENO);
    dup2(print, STDERR_FILENO);
    close(print);
    unit_report = report;
    share();
}

/* What the linker puts in front of pool_open(), in the tests only: the pool is of the kind the test runs on. */
struct pool *__real_pool_open(const struct pool_options *options);
struct pool *__wrap_pool_open(const struct pool_options *options);

struct pool *__wrap_pool_open(const struct pool_options *options)
{
    struct pool_options mine = options ? *options : (struct pool_options){ 0 };
    if (unit_kind == POOL_PROCESSES || mine.kind != POOL_PROCESSES)
        return __real_pool_open(options);
    mine.kind = unit_kind;
    return __real_pool_open(&mine);
}

static _Noreturn void be_the_test(const struct unit_case *test, int report, int print)
{
    prepare_child(report, print);
    test->body();
    if (__lsan_do_recoverable_leak_check)
        CHECK(__lsan_do_recoverable_leak_check() == 0);
    _exit(UNIT_DONE);
}

/* --- In the parent --- */

static void fail(const char *file, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void fail(const char *file, unsigned line, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    CU_assertImplementation(CU_FALSE, line, text, file, "", CU_FALSE);
}

static void listen_to(struct listener *listener, int pipe_ends[2])
{
    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        abort();
    fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK);
    listener->fd = pipe_ends[0];
    listener->length = 0;
}

/* Takes what there is; what does not fit is dropped, so that nobody has to wait for us. */
static void hear(struct listener *listener)
{
    char rest[4096];
    for (;;) {
        size_t room = sizeof listener->text - 1 - listener->length;
        ssize_t got =
            room ? read(listener->fd, listener->text + listener->length, room) : read(listener->fd, rest, sizeof rest);
        if (got <= 0)
            break;
        if (room)
            listener->length += (size_t)got;
    }
    listener->text[listener->length] = '\0';
}

/* Sleeps until something was said or a child ended, or a tenth of a second is over. SIGCHLD is let in only here. */
static void sleep_a_little(void)
{
    struct pollfd ends[] = { { .fd = failures.fd, .events = POLLIN }, { .fd = output.fd, .events = POLLIN } };
    sigset_t none;
    sigemptyset(&none);
    ppoll(ends, 2, &(struct timespec){ .tv_nsec = 100000000 }, &none);
    hear(&failures);
    hear(&output);
}

static void describe(pid_t pid, char *text, size_t size)
{
    char path[64], stat[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    const char *end = file && fgets(stat, sizeof stat, file) ? strrchr(stat, ')') : NULL;
    if (file)
        fclose(file);
    pid_t below[32];
    snprintf(text, size, "%d%s%.2s with %d children", pid, end && end[2] == 'Z' ? " (dead)" : "", end ? end + 1 : " ?",
             children_of(pid, below, 32));
}

static void kill_what_is_left(void)
{
    pid_t list[256];
    while (!no_children()) {
        int count = children_of(getpid(), list, 256);
        for (int i = 0; i < count; i++)
            kill(list[i], SIGKILL);
        unit_sleep(0.001);
    }
}

/* Waits for the test's end and returns its status; -1 when the deadline is over. */
static int await(pid_t child, double limit)
{
    int status;
    pid_t got;
    while ((got = waitpid(child, &status, WNOHANG)) == 0 && unit_now() < limit)
        sleep_a_little();
    return got == child ? status : -1;
}

static void judge_end(const struct unit_case *test, pid_t child, int status, double seconds)
{
    char who[128];
    describe(child, who, sizeof who);
    if (status == -1)
        fail(test->name, 0, "hung: did not end within %.0f s (process %s)", seconds, who);
    else if (WIFSIGNALED(status))
        fail(test->name, 0, "was killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != UNIT_DONE && WEXITSTATUS(status) != UNIT_STOPPED)
        fail(test->name, 0, "ended in the middle, with status %d", WEXITSTATUS(status));
}

/* A test that came to its end has ended its pools as well. One that was stopped half-way has not, and need not. */
static void judge_processes(const struct unit_case *test, int status)
{
    pid_t list[64];
    char who[128];
    int count = children_of(getpid(), list, 64);
    for (int i = 0; i < count && WIFEXITED(status) && WEXITSTATUS(status) == UNIT_DONE; i++) {
        describe(list[i], who, sizeof who);
        fail(test->name, 0, "left a process behind: %s", who);
    }
}

static void judge_words(const struct unit_case *test)
{
    for (char *line = failures.text, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        next += *next ? (*next = '\0', 1) : 0;
        char *colon = strchr(line, ':'), *tab = strchr(line, '\t');
        if (!colon || !tab)
            continue;
        *colon = '\0';
        fail(line, (unsigned)atoi(colon + 1), "%s", tab + 1);
    }
    if (output.length)
        fail(test->name, 0, "something was printed: %.900s", output.text);
}

static void take_note(int number)
{
    (void)number; /* that the signal came is all: it ends ppoll() */
}

void unit_prepare(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    signal(SIGCHLD, take_note);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        perror("unit: cannot become a subreaper, so what tests leave behind will not be seen");
}

void unit_run(const struct unit_case *test, enum pool_kind kind)
{
    int report[2], print[2];
    listen_to(&failures, report);
    listen_to(&output, print);
    unit_kind = kind;
    double seconds = 3 * PATIENCE;
    pid_t child = fork();
    if (child == 0)
        be_the_test(test, report[1], print[1]);
    close(report[1]);
    close(print[1]);
    int status = await(child, unit_now() + seconds);
    judge_end(test, child, status, seconds);
    judge_processes(test, status);
    kill_what_is_left();
    hear(&failures);
    hear(&output);
    judge_words(test);
    close(failures.fd);
    close(output.fd);
}
