/*
 * run: starts a command and sees to it that nothing of it is left.
 *
 * A program of many processes that goes wrong hangs, or ends and leaves processes behind. A test must survive
 * both and say which it was. So the runner is a *subreaper*: what loses its parent somewhere below the
 * command becomes a child of the runner, in whichever session or process group it hides. To be rid of
 * everything is then one loop: kill all children, whose children become ours, until there are none.
 *
 * What was left behind is judged when the command ends. A child that is dead already and was never waited for
 * counts, unless a signal killed the command, which then could not wait. What still lives has a second of
 * grace to end by itself, as a pool's nursery does when its caller is gone. Orphans that end before the
 * command does are reaped and not mentioned, as init would.
 *
 * It needs Linux, and no rights. It is no box: a program that wants to can kill the runner.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: run [-t SECONDS] [-l | -r] [-i] [-p] [-w DIR] COMMAND [ARG...]\n"
    "  -t SECONDS  the deadline (20)\n"
    "  -l          complain of processes left behind: never waited for, or alive a second after the end\n"
    "  -r          complain only of the living (for a command that means to end in the middle of its work)\n"
    "  -i          keep stdin (else /dev/null)\n"
    "  -p          on a terminal of its own, which is copied to stdout; with -i, stdin is its keyboard, and\n"
    "              Ctrl+C is a signal\n"
    "  -w DIR      complain of new files in DIR and in /dev/shm\n"
    "The command leads its own session, with descriptors 0 to 2, default signals and no core file.\n"
    "exit status: the command's own, 128+N for signal N; 124 deadline; 99 left behind; 98 new files;\n"
    "126 the command cannot be run, 127 not there; 125 the runner failed, 128+N signal N to it\n";

enum { NEW_FILES = 98, LEFT_BEHIND = 99, DEADLINE = 124, FAILED = 125, NOT_RUN = 126, NOT_FOUND = 127 };
enum { MAX_LIST = 4096 }; /* orphans seen at a time; more are seen the next time */

static const double grace = 1.0;      /* seconds */
static volatile sig_atomic_t stopped; /* the signal that asked the runner to stop */

struct run {
    double seconds;
    bool judge, unreaped_too, keep_stdin, terminal;
    const char *dir;
    pid_t command;
    int screen, keyboard; /* the other side of the terminal, and what to type there; -1: none */
};

static void die(const char *what)
{
    fprintf(stderr, "run: %s: %s\n", what, strerror(errno));
    exit(FAILED);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- Files --------------------------------------------------------------------------------------- */

struct listing {
    const char *dir;
    struct dirent **entry;
    int count; /* -1: there is no such directory */
};

static struct listing list_files(const char *dir)
{
    struct listing list = { .dir = dir };
    list.count = scandir(dir, &list.entry, NULL, alphasort);
    return list;
}

static bool contains(const struct listing *list, const char *name)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->entry[i]->d_name, name) == 0)
            return true;
    return false;
}

/* Names what is new since `before`, other users' files aside: /dev/shm is everybody's. */
static bool report_new_files(const struct listing *before)
{
    struct listing after = list_files(before->dir);
    bool any = false;
    for (int i = 0; i < after.count; i++) {
        char path[PATH_MAX];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", after.dir, after.entry[i]->d_name);
        if (contains(before, after.entry[i]->d_name) || lstat(path, &st) != 0 || st.st_uid != geteuid())
            continue;
        fprintf(stderr, "run: new file: %s\n", path);
        any = true;
    }
    return any;
}

/* --- Start --------------------------------------------------------------------------------------- */

static void note(int sig)
{
    if (sig != SIGCHLD)
        stopped = sig;
}

/* From here on signals arrive only inside wait_event(), so that none is lost between a look and a wait. */
static void catch_signals(void)
{
    const int signals[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    struct sigaction action = { .sa_handler = note, .sa_flags = SA_NOCLDSTOP };
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Opens a terminal of 80 columns that leaves line ends as they are; returns the command's side of it. */
static int open_terminal(struct run *run)
{
    struct termios mode;
    run->screen = posix_openpt(O_RDWR | O_NOCTTY);
    run->keyboard = run->keep_stdin ? STDIN_FILENO : -1;
    if (run->screen < 0 || grantpt(run->screen) != 0 || unlockpt(run->screen) != 0)
        die("cannot open a terminal");
    int side = open(ptsname(run->screen), O_RDWR | O_NOCTTY);
    if (side < 0 || tcgetattr(side, &mode) != 0)
        die("cannot open a terminal");
    mode.c_oflag &= ~(tcflag_t)OPOST;
    tcsetattr(side, TCSANOW, &mode);
    ioctl(side, TIOCSWINSZ, &(struct winsize){ .ws_row = 24, .ws_col = 80 });
    return side;
}

static void close_above_2(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
        return;
#endif
    for (int fd = 3; fd < sysconf(_SC_OPEN_MAX) && fd < 1 << 20; fd++)
        close(fd);
}

/* Turns this new process into the command; `side` is its side of the terminal or -1. */
static _Noreturn void become(char **argv, bool keep_stdin, int side)
{
    sigset_t none;
    sigemptyset(&none);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
    setsid();
    if (side >= 0 && keep_stdin)
        ioctl(side, TIOCSCTTY, 0); /* then the end of the command hangs up on those it leaves behind */
    if (side < 0 && !keep_stdin)
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    for (int fd = 0; fd <= 2 && side >= 0; fd++)
        dup2(side, fd);
    close_above_2();
    execvp(argv[0], argv);
    int error = errno;
    fprintf(stderr, "run: cannot run %s: %s\n", argv[0], strerror(error));
    _exit(error == ENOENT ? NOT_FOUND : NOT_RUN);
}

static void start(struct run *run, char **argv)
{
    int side = run->terminal ? open_terminal(run) : -1;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        die("cannot become a subreaper");
    catch_signals();
    run->command = fork();
    if (run->command < 0)
        die("cannot fork");
    if (run->command == 0)
        become(argv, run->keep_stdin, side);
    if (side >= 0)
        close(side);
}

/* --- Wait ---------------------------------------------------------------------------------------- */

/* Copies what is there; at the end, or when nobody takes it, closes and forgets `from`. */
static void copy(int *from, int to)
{
    char bytes[4096];
    ssize_t n = read(*from, bytes, sizeof bytes), done = 0, w = 0;
    while (done < n && (w = write(to, bytes + done, (size_t)(n - done))) > 0)
        done += w;
    if (n > 0 && w > 0)
        return;
    close(*from);
    *from = -1;
}

/* Sleeps until a signal arrives or the terminal has something; false if it is time to stop. */
static bool wait_event(struct run *run, double until)
{
    struct pollfd fds[] = { { run->screen, POLLIN, 0 }, { run->keyboard, POLLIN, 0 } };
    double left = until - now();
    if (left <= 0)
        return false;
    struct timespec t = { (time_t)left, (long)((left - (double)(time_t)left) * 1e9) };
    sigset_t none;
    sigemptyset(&none);
    if (ppoll(fds, 2, &t, &none) > 0) {
        if (fds[0].revents)
            copy(&run->screen, STDOUT_FILENO);
        if (fds[1].revents)
            copy(&run->keyboard, run->screen);
    }
    return !stopped;
}

/* Lists the runner's children other than the command: what lost its parent. Returns how many. */
static size_t orphans(const struct run *run, pid_t list[MAX_LIST])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    FILE *file = fopen(path, "re");
    if (!file)
        die("cannot list child processes: a kernel without CONFIG_PROC_CHILDREN?");
    size_t n = 0;
    while (n < MAX_LIST && fscanf(file, "%d", &list[n]) == 1)
        n += list[n] != run->command;
    fclose(file);
    return n;
}

/* Tells whether a child has ended, and how. It stays a zombie, so its number goes on to mean it. */
static bool has_ended(pid_t pid, siginfo_t *how)
{
    how->si_pid = 0;
    return waitid(P_PID, (id_t)pid, how, WEXITED | WNOHANG | WNOWAIT) == 0 && how->si_pid == pid;
}

/* Waits for the command's end; false if it must be killed. What is an orphan before the command's end is not
 * a child the command failed to wait for: so first the list, then the look whether it still runs. */
static bool wait_command(struct run *run, siginfo_t *how)
{
    double until = now() + run->seconds;
    pid_t list[MAX_LIST];
    for (;;) {
        size_t n = orphans(run, list);
        if (has_ended(run->command, how))
            return true;
        while (n > 0)
            waitpid(list[--n], NULL, WNOHANG);
        if (!wait_event(run, until))
            return !stopped && has_ended(run->command, how);
    }
}

/* Gives what still lives its time to end. */
static void wait_orphans(struct run *run)
{
    double until = now() + grace;
    pid_t list[MAX_LIST];
    size_t alive;
    do {
        alive = 0;
        for (size_t n = orphans(run, list); n > 0; n--)
            alive += waitpid(list[n - 1], NULL, WNOHANG) == 0;
    } while (alive > 0 && wait_event(run, until));
}

/* --- End ----------------------------------------------------------------------------------------- */

static void report_process(pid_t pid, const char *state)
{
    char path[64], name[32] = "?";
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
    fprintf(stderr, "run: left behind: %d %s%s\n", pid, name, state);
}

/* Names what the command, which has just ended, should have waited for. */
static bool report_unreaped(const struct run *run)
{
    pid_t list[MAX_LIST];
    siginfo_t how;
    bool any = false;
    for (size_t n = orphans(run, list); n > 0; n--) {
        if (!has_ended(list[n - 1], &how))
            continue;
        report_process(list[n - 1], " (zombie)");
        any = true;
    }
    return any;
}

/* Kills the command and all below: its process group in one stroke, which no fork outruns, then the others,
 * round by round as they become ours. Tells whether there was anything but the command. */
static bool kill_all(struct run *run, bool report)
{
    pid_t list[MAX_LIST];
    bool any = false;
    kill(-run->command, SIGKILL);
    kill(run->command, SIGKILL);
    waitpid(run->command, NULL, 0);
    run->command = 0;
    for (size_t n; (n = orphans(run, list)) > 0; any = true) {
        for (size_t i = 0; i < n; i++) {
            if (report)
                report_process(list[i], "");
            if (kill(list[i], SIGKILL) != 0)
                die("cannot kill a process left behind");
        }
        while (n > 0)
            waitpid(list[--n], NULL, 0);
    }
    return any;
}

/* Ends everything, then judges: returns the exit status. */
static int finish(struct run *run, bool ended, const siginfo_t *how, const struct listing before[2])
{
    bool judge = ended && run->judge, left = false, files = false;
    if (judge && run->unreaped_too && how->si_code == CLD_EXITED)
        left = report_unreaped(run);
    if (judge)
        wait_orphans(run);
    left |= kill_all(run, judge) && judge;
    while (run->screen >= 0)
        copy(&run->screen, STDOUT_FILENO);
    if (stopped)
        return 128 + stopped;
    if (!ended) {
        fprintf(stderr, "run: the deadline of %g s is over: killed\n", run->seconds);
        return DEADLINE;
    }
    for (int i = 0; i < 2 && run->dir; i++)
        files |= report_new_files(&before[i]);
    int status = how->si_code == CLD_EXITED ? how->si_status : 128 + how->si_status;
    if ((left || files) && status != 0)
        fprintf(stderr, "run: the command itself ended with status %d\n", status);
    return left ? LEFT_BEHIND : files ? NEW_FILES : status;
}

/* --- The command line ---------------------------------------------------------------------------- */

static double to_seconds(const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end != text && *end == '\0' && seconds > 0 && seconds <= 1e6)
        return seconds;
    fprintf(stderr, "run: -t %s: not a number of seconds\n", text);
    exit(FAILED);
}

static _Noreturn void help(FILE *out, int status)
{
    fputs(usage, out);
    exit(status);
}

/* Returns the index of the command in argv. */
static int read_options(struct run *run, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "+t:lripw:h")) != -1;) {
        if (option == 't')
            run->seconds = to_seconds(optarg);
        else if (option == 'l' || option == 'r')
            run->judge = true, run->unreaped_too = option == 'l';
        else if (option == 'i')
            run->keep_stdin = true;
        else if (option == 'p')
            run->terminal = true;
        else if (option == 'w')
            run->dir = optarg;
        else
            help(option == 'h' ? stdout : stderr, option == 'h' ? 0 : FAILED);
    }
    if (optind == argc)
        help(stderr, FAILED);
    return optind;
}

int main(int argc, char **argv)
{
    struct run run = { .seconds = 20, .screen = -1, .keyboard = -1 };
    int command = read_options(&run, argc, argv);
    struct listing before[2] = { list_files(run.dir ? run.dir : "."), list_files("/dev/shm") };
    if (run.dir && before[0].count < 0)
        die(run.dir);
    start(&run, argv + command);
    siginfo_t how;
    bool ended = wait_command(&run, &how);
    return finish(&run, ended, &how, before);
}
