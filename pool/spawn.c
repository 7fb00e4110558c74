/*
 * spawn.c - POOL_SPAWN: the nursery as a new run of this program.
 *
 * Between fork and exec nothing happens that could want a lock: no atfork handler runs, nothing is allocated, so it is
 * safe whatever the program's other threads are doing. The environment is read there too, from the copy, which nobody
 * changes any more. The new program finds one more variable in it, which tells what it is to take over:
 *
 *     POOL_NURSERY=<pid> <socket> <file> <address> <size>
 *
 * The region is a file without a name, mapped at the same address in both programs, so what pool.h says of pointers
 * into it holds here, too. Functions lie elsewhere, because the system loads every run at an address of its own; but
 * the program is the same, so all of its functions are shifted by one number. Libraries are shifted by others.
 *
 * Until the new program has reached the pool it dies with the thread that opens it, so none is left behind.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARKER "POOL_NURSERY"

/* The main program is the first module. */
static int take_base(struct dl_phdr_info *info, size_t size, void *base)
{
    (void)size;
    *(uintptr_t *)base = info->dlpi_addr;
    return 1;
}

static uintptr_t base_of_program(void)
{
    uintptr_t base = 0;
    dl_iterate_phdr(take_base, &base);
    return base;
}

/* ---- In the caller ---- */

/* What this program was started with; the C library tells it to functions that run before main(). */
static char **arguments;

__attribute__((constructor)) static void note_arguments(int argc, char **argv)
{
    arguments = argv;
#ifndef __GLIBC__ /* then they are looked for: they lie before the environment, behind their number */
    arguments = environ - 1;
    for (argc = 0; arguments[-1] != (char *)(intptr_t)argc; argc++)
        arguments--;
#endif
    (void)argc;
}

/* A new run of this program, made ready. */
struct run {
    char marker[128]; /* the variable */
    char program[32]; /* by its descriptor: under valgrind, /proc/self/exe executes valgrind */
    int fd;           /* of the program */
    int kept[4];      /* descriptors it is to have: the socket, the file, the two behind pool_descriptor() or -1 */
    sigset_t mask;
};

static int prepare(struct run *run)
{
    run->fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    snprintf(run->program, sizeof run->program, "/proc/self/fd/%d", run->fd);
    return run->fd < 0 ? -1 : 0;
}

/* The environment with the marker in front. NULL and errno. */
static char **mark_environment(struct run *run)
{
    size_t count = 0;
    while (environ && environ[count])
        count++;
    char **marked =
        mmap(NULL, (count + 2) * sizeof *marked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (marked == MAP_FAILED)
        return NULL;
    marked[0] = run->marker;
    for (size_t i = 0; i < count; i++)
        marked[1 + i] = environ[i];
    return marked;
}

/* A handler must not run here, where half of the program is missing. What is ignored stays ignored. */
static void drop_handlers(void)
{
    struct sigaction action;
    for (int s = 1; s < NSIG; s++)
        if (sigaction(s, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            signal(s, SIG_DFL);
}

/* The child's way from fork to exec. What stops it is told through the region, which it still has. */
static _Noreturn void execute(struct run *run, struct region *region)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t parent = getppid(); /* 0 if this is another PID namespace, as after unshare -p */
    char **environment = parent == region->caller || parent == 0 ? mark_environment(run) : NULL;
    if (environment) {
        if (region->keep)
            keep_only(region->keep, run->kept, true);
        for (const int *fd = region->keep; fd && *fd >= 0; fd++)
            fcntl(*fd, F_SETFD, 0);
        for (int i = 0; i < 4; i++)
            fcntl(run->kept[i], F_SETFD, 0);
        snprintf(run->marker, sizeof run->marker, MARKER "=%d %d %d %p %zu", (int)getpid(), run->kept[0], run->kept[1],
                 (const void *)region, region->size);
        drop_handlers();
        sigprocmask(SIG_SETMASK, &run->mask, NULL);
        execve(run->program, arguments, environment);
    }
    region->failed_errno = errno;
    _exit(EXIT_FAILURE);
}

pid_t spawn_start(struct region *region, int file, int socket)
{
    struct run run = { .kept = { socket, file, region->descriptor, region->poller } };
    sigset_t all;
    pid_t pid = -1;
    region->base = base_of_program();
    if (prepare(&run) == 0) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &run.mask);
        pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL); /* fork(), without its handlers and locks */
        if (pid == 0)
            execute(&run, region);
        pthread_sigmask(SIG_SETMASK, &run.mask, NULL);
    }
    int error = errno;
    if (run.fd >= 0)
        close(run.fd);
    errno = error;
    return pid;
}

/* ---- In the new program ---- */

/* What the marker says. */
struct heritage {
    int socket, file;
    void *address;
    size_t size;
};

/* Reads the marker and removes it. One that was not meant for this process means nothing: a program that was started
 * on the way to the pool inherits it. Nor does one in a program with more rights than whoever started it. */
static bool read_marker(struct heritage *heritage)
{
    const char *text = secure_getenv(MARKER);
    int pid, found = text ? sscanf(text, "%d %d %d %p %zu", &pid, &heritage->socket, &heritage->file,
                                   &heritage->address, &heritage->size)
                          : 0;
    if (getenv(MARKER))
        unsetenv(MARKER);
    return found == 5 && pid == getpid();
}

/* Tells the caller, through the file, that the region cannot be mapped. */
static _Noreturn void cannot_attach(const struct heritage *heritage, int32_t error)
{
    _exit(pwrite(heritage->file, &error, sizeof error, offsetof(struct region, failed_errno)) < 0 ? 2 : 1);
}

/* Replaces the functions that workers will call by those of this process. */
static void move_functions(struct region *region)
{
    region->shift = base_of_program() - region->base;
    region->run_row = run_row;
    if (region->initializer)
        region->initializer = (pool_initializer *)((uintptr_t)region->initializer + region->shift);
}

void pool_freeze_support(void)
{
    struct heritage heritage;
    if (!read_marker(&heritage))
        return;
    struct stat file;
    struct ucred peer;
    if (fstat(heritage.file, &file) != 0 || file.st_size != (off_t)heritage.size ||
        getsockopt(heritage.socket, SOL_SOCKET, SO_PEERCRED, &peer, &(socklen_t){ sizeof peer }) != 0 ||
        peer.pid != getppid()) /* 0 both, in a PID namespace of its own */
        _exit(EXIT_FAILURE);   /* main() has closed them, and perhaps uses the numbers */
    struct region *region = region_attach(heritage.file, heritage.address, heritage.size);
    if (!region || !(region->here = map_here()))
        cannot_attach(&heritage, errno);
    close(heritage.file);
    fcntl(heritage.socket, F_SETFD, FD_CLOEXEC);
    if (descriptor_is_ours(region)) {
        fcntl(region->descriptor, F_SETFD, FD_CLOEXEC);
        fcntl(region->poller, F_SETFD, FD_CLOEXEC);
    }
    move_functions(region);
    atomic_store(&region->arrived, 1);
    fflush(stdout);
    nursery_live(region, heritage.socket);
}
