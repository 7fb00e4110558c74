/*
 * box: runs a program that nobody trusts, and tells what became of it.
 *
 * In the box a program finds /usr, copies of the files it was given, and two small RAM disks; no network, no
 * processes but its own, nothing of the caller's environment, and another user. bubblewrap builds these walls.
 * Where it cannot (some containers, some kernels forbid it), the same limits hold without walls: a program can
 * then read what its user can, but not run on: the box is a subreaper, and kills what is below it until nothing
 * is. `box -q` says in a line which of the two it will be, and a report passes that on.
 *
 * Limits: wall clock, processor, memory of each process and of all together, processes, files, output. Output is
 * taken through pipes and cut here: so endless output costs as much as its limit, and a daemon that keeps the
 * pipe is no reason to wait. Root becomes a user of the box's own first, for limits do not hold for root.
 *
 * With rules the box opens a witness, whose socket the program finds in $WITNESS: see witness.c.
 *
 * What was seen goes to files in a directory: out, err, seen (facts, a line each: "ended exit 0"), log.
 */
#define _GNU_SOURCE
#include "box.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: box [OPTION...] DIR COMMAND [ARG...]     runs the command, and leaves out, err, seen and log in DIR\n"
    "       box -q                                   says which protection there is\n"
    "       box -a SEED                              answers questions, a line each, as the witness would\n"
    "  -f FILE[=NAME]   the command finds a copy of the file in its current directory, called NAME\n"
    "  -b PATH=NAME     the socket or FIFO there is in its current directory, called NAME; others may use it, too\n"
    "  -i FILE          its stdin (else /dev/null)\n"
    "  -e NAME=VALUE    in its environment\n"
    "  -w RULE          a rule for the witness; '-' for none, if it shall only look\n"
    "  -s SEED          what the witness's answers follow from (0)\n"
    "  -t SECONDS       the deadline (10)\n"
    "  -m MIB           memory of all processes together (256), and address space of each (the same)\n"
    "  -A               do not limit the address space: sanitizers need much of it\n"
    "  -p NUMBER        processes (40)\n"
    "  -d MIB           size of a file, and of each RAM disk (8, 16)\n"
    "  -o KIB           output (1024)\n"
    "  -l               without walls, as if there were no bubblewrap; $BOX=limits says so, too\n"
    "exit status: 0 the command was run, whatever became of it; 125 it was not\n"
    "seen: ended exit N | signal N | timeout | overflow | memory, then the facts of the witness\n";

enum { MAX_FILES = 64, MAX_ARGS = 8192, MAX_CORES = 8, FAILED = 125 };
enum walls { UNKNOWN, LIMITS, BWRAP, BWRAP_BY_ROOT };

static struct box {
    double seconds;
    long memory, processes, disk, output;
    bool any_address_space, has_witness;
    unsigned long long seed;
    const char *dir, *input;
    const char *file[MAX_FILES], *bound[MAX_FILES], *setting[MAX_FILES];
    size_t nfiles, nbound, nsettings;
    enum walls walls;
    char stage[64]; /* the copies lie here, and the witness's socket */
    pid_t program;
    int pipe[2]; /* its stdout, its stderr: our ends */
    FILE *taken[2];
    long taken_bytes;
    const char *why; /* it was stopped */
} box = { .seconds = 10, .memory = 256, .processes = 40, .disk = 8, .output = 1024, .pipe = { -1, -1 } };

static volatile sig_atomic_t stopped; /* the signal that asked the box to stop */

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void end_all(void);

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "box: %s: %s\n", what, strerror(errno));
    end_all();
    exit(FAILED);
}

/* --- The stage: a directory of copies -------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    ssize_t n;
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (in < 0 || fstat(in, &st) != 0 || !S_ISREG(st.st_mode))
        die(from);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    while (out >= 0 && (n = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)n) != n)
            die(to);
    if (out < 0 || fchmod(out, st.st_mode & 0111 ? 0555 : 0444) != 0)
        die(to);
    close(in);
    close(out);
}

/* Copies FILE or FILE=NAME. */
static void stage_file(const char *file)
{
    char from[PATH_MAX], to[PATH_MAX];
    const char *equals = strchr(file, '='), *slash = strrchr(file, '/');
    const char *name = equals ? equals + 1 : slash ? slash + 1 : file;
    snprintf(from, sizeof from, "%.*s", (int)(equals ? equals - file : PATH_MAX - 1), file);
    snprintf(to, sizeof to, "%s/%s", box.stage, name);
    for (char *at = to + strlen(box.stage) + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = '\0';
        if (mkdir(to, 0755) != 0 && errno != EEXIST)
            die(to);
    }
    copy_file(from, to);
}

/* A second name for PATH=NAME: so it is reached by another user, and behind the walls, whoever may see PATH. */
static void stage_bound(const char *bound)
{
    char from[PATH_MAX], to[PATH_MAX];
    const char *equals = strchr(bound, '=');
    struct stat st;
    snprintf(from, sizeof from, "%.*s", (int)(equals - bound), bound);
    snprintf(to, sizeof to, "%s/%s", box.stage, equals + 1);
    if (stat(from, &st) != 0)
        die(from);
    errno = EINVAL;
    if ((!S_ISSOCK(st.st_mode) && !S_ISFIFO(st.st_mode)) || link(from, to) != 0) /* EXDEV: not on the disk of /tmp */
        die(from);
}

static void set_stage(void)
{
    const char *places[] = { "/tmp", "/var/tmp", "/dev/shm" };
    umask(022);
    for (size_t i = 0; i < 3 && !box.stage[0]; i++) {
        snprintf(box.stage, sizeof box.stage, "%s/box.XXXXXX", places[i]);
        if (!mkdtemp(box.stage))
            box.stage[0] = '\0';
    }
    char tmp[80];
    snprintf(tmp, sizeof tmp, "%s/tmp", box.stage); /* what /tmp is where there are no walls */
    if (!box.stage[0] || chmod(box.stage, 0755) != 0 || mkdir(tmp, 0700) != 0 || chmod(tmp, 01777) != 0)
        die("there is no place for the box in /tmp");
    for (size_t i = 0; i < box.nfiles; i++)
        stage_file(box.file[i]);
    for (size_t i = 0; i < box.nbound; i++)
        stage_bound(box.bound[i]);
}

static void remove_below(const char *path)
{
    char command[PATH_MAX];
    snprintf(command, sizeof command, "%s", path);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", "--", command, (char *)NULL);
        _exit(FAILED);
    }
    waitpid(pid, NULL, 0);
}

/* --- In the new process ---------------------------------------------------------------------------- */

static void limit(int resource, long value)
{
    setrlimit(resource, &(struct rlimit){ (rlim_t)value, (rlim_t)value });
}

/* The limit of processes counts all of one user, so those that run already come on top. */
static long processes_of_mine(void)
{
    pid_t list[MAX_PROCESSES];
    struct stat st;
    char path[32];
    long mine = 0;
    for (size_t n = look_below(1, list); n > 0; n--) {
        snprintf(path, sizeof path, "/proc/%d", list[n - 1]);
        mine += stat(path, &st) == 0 && st.st_uid == getuid();
    }
    return mine;
}

static void set_limits(void)
{
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, (long)box.seconds + 2);
    limit(RLIMIT_FSIZE, box.disk << 20);
    limit(RLIMIT_NOFILE, 64);
    if (!box.any_address_space)
        limit(RLIMIT_AS, box.memory << 20);
    if (box.walls == LIMITS)
        limit(RLIMIT_NPROC, box.processes + processes_of_mine());
}

/* Numbers that no user has (systemd keeps them for services), another one for each box. In a container without root such
   a number means nothing (EINVAL), and its root has no more rights than who started it. */
static void drop_root(void)
{
    uid_t id = 61184 + (uid_t)getppid() % 4096;
    if (geteuid() != 0)
        return;
    if (setgroups(0, NULL) != 0 && errno != EPERM)
        _exit(FAILED);
    if ((setresgid(id, id, id) != 0 && errno != EINVAL) || (setresuid(id, id, id) != 0 && errno != EINVAL)) {
        fprintf(stderr, "box: cannot become another user: %s\n", strerror(errno));
        _exit(FAILED);
    }
}

/* A pool of the default size has as many workers as cores; on a large machine these are more than the limit. */
static void limit_cores(int most)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return;
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &cores) && --most < 0)
            CPU_CLR(core, &cores);
    sched_setaffinity(0, sizeof cores, &cores);
}

struct words {
    char *word[MAX_ARGS];
    size_t n;
};

static void add(struct words *words, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (words->n + 1 >= MAX_ARGS || vasprintf(&words->word[words->n], format, args) < 0)
        _exit(FAILED);
    words->n++;
    va_end(args);
}

static void add_line(struct words *words, const char *line)
{
    char copy[1024], *rest = copy;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word; (word = strsep(&rest, " "));)
        add(words, "%s", word);
}

/* Directories of the root that are links on one system and directories on another. */
static void add_root(struct words *words)
{
    const char *names[] = { "bin", "lib", "lib32", "lib64", "sbin" };
    char path[16], target[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "/%s", names[i]);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n > 0)
            add(words, "--symlink"), add(words, "%.*s", (int)n, target), add(words, "%s", path);
        else
            add(words, "--ro-bind-try"), add(words, "%s", path), add(words, "%s", path);
    }
}

/* The walls. Everything that can be written to is a RAM disk with a size. */
static void add_walls(struct words *words, enum walls walls)
{
    long size = box.disk << 21;
    add_line(words, "bwrap --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try --hostname box");
    add_line(words, "--die-with-parent --new-session --clearenv --setenv PATH /usr/bin:/bin --setenv HOME /tmp");
    add_line(words, "--setenv LANG C --ro-bind /usr /usr --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache");
    add_line(words, "--ro-bind-try /etc/alternatives /etc/alternatives --proc /proc --dev /dev");
    if (walls == BWRAP)
        add_line(words, "--unshare-user --uid 1000 --gid 1000 --cap-drop ALL");
    add_root(words);
    add(words, "--size"), add(words, "%ld", size), add_line(words, "--perms 1777 --tmpfs /dev/shm --remount-ro /dev");
    add(words, "--size"), add(words, "%ld", size), add_line(words, "--perms 1777 --tmpfs /tmp");
    if (box.stage[0])
        add(words, "--ro-bind"), add(words, "%s", box.stage), add_line(words, "/box --chdir /box");
    if (box.has_witness)
        add_line(words, "--setenv WITNESS /box/witness");
    for (size_t i = 0; i < box.nsettings; i++) {
        const char *equals = strchr(box.setting[i], '=');
        add(words, "--setenv"), add(words, "%.*s", (int)(equals - box.setting[i]), box.setting[i]);
        add(words, "%s", equals + 1);
    }
    add_line(words, "--remount-ro / --");
    if (walls == BWRAP_BY_ROOT) { /* there are no other users inside, so bubblewrap itself has to be root */
        int id = 61184 + getppid() % 4096;
        add(words, "setpriv"), add(words, "--reuid=%d", id), add(words, "--regid=%d", id);
        add_line(words, "--clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all --");
    }
    add(words, "prlimit"), add(words, "--nproc=%ld", box.processes), add(words, "--");
}

/* Without walls: a clean environment, the stage as current directory. */
static void set_environment(struct words *words)
{
    char witness[PATH_MAX];
    clearenv();
    putenv("PATH=/usr/bin:/bin");
    putenv("LANG=C");
    snprintf(witness, sizeof witness, "%s/tmp", box.stage);
    setenv("HOME", witness, 1);
    setenv("TMPDIR", witness, 1);
    snprintf(witness, sizeof witness, "%s/witness", box.stage);
    if (box.has_witness)
        setenv("WITNESS", witness, 1);
    for (size_t i = 0; i < box.nsettings; i++)
        putenv((char *)box.setting[i]);
    if (box.stage[0] && chdir(box.stage) != 0)
        _exit(FAILED);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    words->n = 0;
}

static void take_descriptors(const int pipes[2])
{
    int in = open(box.input ? box.input : "/dev/null", O_RDONLY);
    dup2(in, 0);
    dup2(pipes[0], 1);
    dup2(pipes[1], 2);
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
}

/* Turns this new process into the command, behind walls or not. */
__attribute__((noreturn)) static void become(char **command, enum walls walls, const int pipes[2])
{
    static struct words words;
    sigset_t none;
    sigemptyset(&none);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    take_descriptors(pipes);
    setsid();
    limit_cores(MAX_CORES);
    if (walls != BWRAP_BY_ROOT)
        drop_root();
    set_limits();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (walls == LIMITS)
        set_environment(&words);
    else
        add_walls(&words, walls);
    for (; *command; command++)
        add(&words, "%s", *command);
    words.word[words.n] = NULL;
    execvp(words.word[0], words.word);
    fprintf(stderr, "box: cannot run %s: %s\n", words.word[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static pid_t start(char **command, enum walls walls, int ours[2])
{
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
        die("pipe");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        become(command, walls, (int[2]){ out[1], err[1] });
    close(out[1]);
    close(err[1]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    ours[0] = out[0];
    ours[1] = err[0];
    return pid;
}

/* --- Which walls ----------------------------------------------------------------------------------- */

/* Tries to start something behind these walls; else `why` is what was said. */
static bool can_start(enum walls walls, char why[160])
{
    char *command[] = { "true", NULL };
    int ours[2], status = -1;
    pid_t pid = start(command, walls, ours);
    waitpid(pid, &status, 0);
    ssize_t n = read(ours[1], why, 159);
    why[n > 0 ? n : 0] = '\0';
    why[strcspn(why, "\n")] = '\0';
    close(ours[0]);
    close(ours[1]);
    return status == 0;
}

static enum walls find_walls(char why[160])
{
    const char *said = getenv("BOX");
    strcpy(why, "$BOX says so");
    if (box.walls != UNKNOWN)
        return box.walls;
    if (said && strcmp(said, "limits") == 0)
        return LIMITS;
    if (said && strcmp(said, "walls") == 0)
        return BWRAP; /* somebody has tried already */
    if (said && strcmp(said, "root-walls") == 0)
        return BWRAP_BY_ROOT;
    if (can_start(BWRAP, why))
        return BWRAP;
    char second[160];
    return geteuid() == 0 && can_start(BWRAP_BY_ROOT, second) ? BWRAP_BY_ROOT : LIMITS;
}

static int say_walls(void)
{
    char why[160];
    enum walls walls = find_walls(why);
    if (walls == LIMITS)
        printf("limits: no walls, an answer can read your files (%.60s)\n", why);
    else
        printf("%s: a box without files, network or other processes\n", walls == BWRAP ? "walls" : "root-walls");
    return 0;
}

/* --- While it runs --------------------------------------------------------------------------------- */

static void note_signal(int sig)
{
    if (sig != SIGCHLD)
        stopped = sig;
}

/* Signals arrive only in ppoll(), so none is lost between a look and a wait. */
static void catch_signals(void)
{
    const int signals[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    struct sigaction action = { .sa_handler = note_signal };
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        die("cannot become a subreaper");
}

/* Kills everything below, round by round as it becomes ours, until there is nothing. */
static void end_all(void)
{
    pid_t list[MAX_PROCESSES];
    for (size_t n; (n = look_children(getpid(), list)) > 0;) {
        for (size_t i = 0; i < n; i++)
            kill(list[i], SIGKILL);
        while (n > 0)
            waitpid(list[--n], NULL, 0);
    }
    if (box.stage[0])
        remove_below(box.stage);
    box.stage[0] = '\0';
}

/* Takes what there is of stdout or stderr; false once there is too much of it. */
static bool take_output(int i)
{
    char bytes[16384];
    ssize_t n;
    while (box.pipe[i] >= 0 && (n = read(box.pipe[i], bytes, sizeof bytes)) != -1) {
        long room = (box.output << 10) - box.taken_bytes;
        fwrite(bytes, 1, (size_t)(n < room ? n : room), box.taken[i]);
        box.taken_bytes += n < room ? n : room;
        if (n > room)
            return false;
        if (n == 0) {
            close(box.pipe[i]);
            box.pipe[i] = -1;
        }
    }
    return true;
}

/* Tells whether the program has ended, and reaps others that have: orphans. */
static bool has_ended(siginfo_t *how)
{
    while (how->si_pid = 0, waitid(P_ALL, 0, how, WEXITED | WNOHANG | WNOWAIT) == 0 && how->si_pid != 0) {
        if (how->si_pid == box.program)
            return true;
        waitpid(how->si_pid, NULL, 0);
    }
    return false;
}

/* Why the program has to be stopped now; NULL: it has not. Memory is looked at ten times a second. */
static const char *reason_to_stop(double until)
{
    static double looked;
    double t = now();
    if (stopped)
        return "stopped";
    if (t >= until)
        return "timeout";
    if (t < looked + 0.1)
        return NULL;
    looked = t;
    return look_resident(getpid()) > box.memory << 10 ? "memory" : NULL;
}

static void wait_event(int witness, double until)
{
    struct pollfd fds[] = { { box.pipe[0], POLLIN, 0 }, { box.pipe[1], POLLIN, 0 }, { witness, POLLIN, 0 } };
    double left = until - now(), most = witness >= 0 && witness_waits() ? 0.02 : 0.1;
    sigset_t none;
    sigemptyset(&none);
    left = left < 0 ? 0 : left < most ? left : most;
    ppoll(fds, 3, &(struct timespec){ 0, (long)(left * 1e9) }, &none);
}

/* Runs until the program has ended, or must be stopped. */
static void attend(int witness, siginfo_t *how)
{
    double until = now() + box.seconds;
    while (!box.why && !has_ended(how)) {
        wait_event(witness, until);
        if (!take_output(0) || !take_output(1))
            box.why = "overflow";
        if (witness >= 0)
            witness_do();
        if (!box.why)
            box.why = reason_to_stop(until);
    }
}

/* --- What became of it ----------------------------------------------------------------------------- */

static FILE *create(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", box.dir, name);
    FILE *file = fopen(path, "we");
    if (!file)
        die(path);
    return file;
}

/* bubblewrap passes a signal on as 128 and its number, as a shell does. */
static void print_end(FILE *seen, const siginfo_t *how)
{
    int status = how->si_code == CLD_EXITED ? how->si_status : 128 + how->si_status;
    if (box.why)
        fprintf(seen, "ended %s\n", box.why);
    else if (status > 128 && status < 128 + NSIG)
        fprintf(seen, "ended signal %d\n", status - 128);
    else
        fprintf(seen, "ended exit %d\n", status);
}

static int run(char **command)
{
    char why[160], path[PATH_MAX];
    siginfo_t how;
    int witness = -1;
    if (box.input && access(box.input, R_OK) != 0)
        die(box.input);
    catch_signals();
    box.walls = find_walls(why);
    box.taken[0] = create("out");
    box.taken[1] = create("err");
    FILE *seen = create("seen"), *log = create("log");
    set_stage();
    snprintf(path, sizeof path, "%s/witness", box.stage);
    if (box.has_witness && (witness = witness_open(path, box.seed, box.seconds)) < 0)
        die(path);
    witness_log(log);
    box.program = start(command, box.walls, box.pipe);
    witness_watch(box.walls == LIMITS ? getpid() : box.program, box.walls != LIMITS);
    attend(witness, &how);
    end_all();
    take_output(0);
    take_output(1);
    print_end(seen, &how);
    if (witness >= 0)
        witness_print(seen);
    bool written = fclose(seen) == 0 && fclose(log) == 0 && fclose(box.taken[0]) == 0 && fclose(box.taken[1]) == 0;
    return stopped ? 128 + stopped : written ? 0 : FAILED;
}

/* --- The command line ------------------------------------------------------------------------------ */

static long number(const char *text, long least)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end != text && !*end && value >= least && value <= 1000000)
        return value;
    fprintf(stderr, "box: '%s' is no such number\n", text);
    exit(FAILED);
}

static double seconds(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end != text && !*end && value > 0 && value <= 1e6)
        return value;
    fprintf(stderr, "box: '%s' is no number of seconds\n", text);
    exit(FAILED);
}

static int answer(unsigned long long seed)
{
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        printf("%ld\n", witness_answer(seed, line));
    }
    return 0;
}

static void add_to(const char **list, size_t *n, const char *text, bool good)
{
    if (*n == MAX_FILES || !good) {
        fprintf(stderr, "box: '%s': too many, or not as it should be\n", text);
        exit(FAILED);
    }
    list[(*n)++] = text;
}

static void take_option(int option)
{
    switch (option) {
    case 'f': add_to(box.file, &box.nfiles, optarg, true); break;
    case 'b': add_to(box.bound, &box.nbound, optarg, strchr(optarg, '=') && !strchr(strchr(optarg, '='), '/')); break;
    case 'e': add_to(box.setting, &box.nsettings, optarg, strchr(optarg, '=')); break;
    case 'i': box.input = optarg; break;
    case 's': box.seed = strtoull(optarg, NULL, 10); break;
    case 't': box.seconds = seconds(optarg); break;
    case 'm': box.memory = number(optarg, 1); break;
    case 'A': box.any_address_space = true; break;
    case 'p': box.processes = number(optarg, 1); break;
    case 'd': box.disk = number(optarg, 1); break;
    case 'o': box.output = number(optarg, 1); break;
    case 'l': box.walls = LIMITS; break;
    case 'q': exit(say_walls());
    case 'a': exit(answer(strtoull(optarg, NULL, 10)));
    case 'h': fputs(usage, stdout); exit(0);
    case 'w':
        box.has_witness = true;
        if (strcmp(optarg, "-") == 0 || witness_rule(optarg))
            break;
        exit(FAILED);
    default: fputs(usage, stderr); exit(FAILED);
    }
}

int main(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "+f:b:i:e:w:s:t:m:Ap:d:o:lqa:h")) != -1;)
        take_option(option);
    if (argc - optind < 2)
        take_option('?');
    box.dir = argv[optind];
    return run(argv + optind + 1);
}
