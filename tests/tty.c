/*
 * tty: runs a program on a terminal of its own, and presses keys there. `run`, which starts it, ends it too.
 *
 *     run -l tty [-t SECONDS] [STEP]... -- PROGRAM [ARG]...
 *
 *     -e TEXT   wait until TEXT has come since the last key      -c   press Ctrl+C
 *     -s        send SIGINT to the program alone: no key         -q   press Ctrl+\
 *
 * Ctrl+C is the byte 3, written to the terminal: the kernel makes SIGINT of it, for every process in the
 * foreground. What the program prints is copied to stdout. tty leads the session, and at the end takes the
 * foreground back as a shell does: else the terminal would hang up on what the program left running, and
 * `run -l` would not see it.
 *
 * Status: the program's (128 + N if signal N killed it); 124 if the time is over (-t, 20 s); 125 if the
 * program ended before the last step, could not be run, or tty itself failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static struct {
    int what; /* 'e', 'c', 's' or 'q' */
    const char *text;
} step[64];

static int steps, at;      /* how many, and the next one */
static char seen[1 << 20]; /* what came since the last key */
static size_t length;      /* of it */
static int master, slave;  /* the two ends of the terminal */
static pid_t program;

static _Noreturn void die(int status, const char *what, const char *detail)
{
    fprintf(stderr, "tty: %s: %s\n", what, detail);
    if (program > 0 && kill(-program, SIGKILL) == 0)
        waitpid(program, NULL, 0);
    _exit(status);
}

static void open_terminal(void)
{
    struct termios mode;
    if (setsid() < 0 && getsid(0) != getpid())
        die(125, "cannot lead a session", "start it with `run` or `setsid -w`");
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        die(125, "no terminal", strerror(errno));
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) != 0 || tcgetattr(slave, &mode) != 0)
        die(125, "no controlling terminal", strerror(errno));
    mode.c_oflag &= ~(tcflag_t)OPOST; /* lines end as they do in a pipe */
    mode.c_lflag |= NOFLSH;           /* a key does not drop what was printed before it */
    tcsetattr(slave, TCSANOW, &mode);
}

/* Turns this process into the program: in a group of its own, in the foreground, with default signals. */
static _Noreturn void become(char **argv)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    tcsetpgrp(slave, getpid());
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    for (int fd = 0; fd < 3; fd++)
        dup2(slave, fd);
    execvp(argv[0], argv);
    die(125, argv[0], strerror(errno));
}

/* Starts the program, and returns when it runs: the pipe is closed by its exec. */
static void start(char **argv)
{
    int running[2];
    signal(SIGTTOU, SIG_IGN); /* which would stop whoever takes the foreground */
    if (pipe2(running, O_CLOEXEC) != 0 || (program = fork()) < 0)
        die(125, "cannot start the program", strerror(errno));
    if (program == 0)
        become(argv);
    close(running[1]);
    while (read(running[0], seen, 1) < 0 && errno == EINTR)
        continue;
}

/* Does every step that can be done now. */
static void go_on(void)
{
    for (; at < steps; at++) {
        if (step[at].what == 'e' && !memmem(seen, length, step[at].text, strlen(step[at].text)))
            return;
        if (step[at].what == 'e')
            continue;
        length = 0;
        if (step[at].what == 's')
            kill(program, SIGINT);
        else if (write(master, step[at].what == 'c' ? "\003" : "\034", 1) != 1)
            die(125, "cannot press a key", strerror(errno));
    }
}

/* Copies what the program has printed; returns 0 when no more can come. */
static int copy(void)
{
    ssize_t n = read(master, seen + length, sizeof seen - length);
    if (length == sizeof seen || (n > 0 && write(STDOUT_FILENO, seen + length, (size_t)n) != n))
        die(125, "more output than can be taken", at < steps ? step[at].text : "at the end");
    length += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Copies and presses until the program has ended; then takes the foreground back and copies the rest. */
static void watch(double end)
{
    struct pollfd it[] = { { master, POLLIN, 0 }, { (int)syscall(SYS_pidfd_open, program, 0), POLLIN, 0 } };
    if (it[1].fd < 0)
        die(125, "cannot watch the program", strerror(errno));
    for (go_on(); !it[1].revents || it[0].revents; go_on()) {
        if (now() > end)
            die(124, "the time is over while waiting for", at < steps ? step[at].text : "the end");
        if (poll(it, 2, (int)((end - now()) * 1000) + 1) > 0 && it[0].revents)
            copy();
    }
    tcsetpgrp(slave, getpid());
    close(slave);
    while (poll(it, 1, 100) > 0 && copy())
        continue;
}

static double read_steps(int argc, char **argv)
{
    double seconds = 20;
    char *end = "";
    for (int what; (what = getopt(argc, argv, "+t:e:csq")) != -1;) {
        if (what == 't')
            seconds = strtod(optarg, &end);
        else if (what != '?' && (size_t)steps < sizeof step / sizeof *step)
            step[steps].what = what, step[steps++].text = what == 'e' ? optarg : "a key";
        else
            die(125, "usage", "tty [-t SECONDS] [-e TEXT | -c | -s | -q]... -- PROGRAM [ARG]...");
    }
    if (optind == argc || *end || !(seconds > 0 && seconds < 1e6))
        die(125, "wrong use", optind == argc ? "no program is named" : "-t needs a number of seconds");
    return seconds;
}

int main(int argc, char **argv)
{
    int status;
    double seconds = read_steps(argc, argv);
    open_terminal();
    start(argv + optind);
    watch(now() + seconds);
    waitpid(program, &status, 0);
    if (at < steps)
        die(125, "the program ended before this came", step[at].text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
