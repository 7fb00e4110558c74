/*
 * calls.c - every system call fails once: at its first, second ... Nth time, in the caller, the nursery and the
 * workers, with each of the errors it can give.
 *
 * usage: build/calls [-v] [STRIDE [SCENE [ROLE [CALL [ERROR [N]]]]]]
 *     STRIDE  every STRIDE-th of the failures only (default 1: all); the rest picks some: forked nursery wait4 EINTR 2
 *     -v      tells of each what came of it
 *
 * A scene (everything.c) is played in a process of its own, which is followed with ptrace, with all that it starts. At
 * first nothing fails, and the calls are counted. Then it is played again for each call and each error: the call is not
 * made, and its caller is told the error. Each time every call of the pool must succeed or fail cleanly, in time, and
 * at the end nothing may be left, also of a program that ended without closing its pool.
 *
 * What cannot fail is not made to fail: calls that only look (getpid), that fail only if they are misused
 * (sigprocmask), and munmap of all that was mapped.
 *
 * Exit status 0; 1 if something was not clean; 77 if ptrace is not allowed here.
 */
#define _GNU_SOURCE
#include "follow.h"
#include "pool.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#define MOST_TIMES 300

/* ---- What can fail, and how ---- */

enum how {
    INSTEAD,   /* the call is not made */
    AFTERWARD, /* it is made, and then reported as failed */
    NOTHING,   /* brk: it does nothing, which is how it fails */
};

struct call {
    long number;
    const char *name;
    int errors[5];
    enum how how;
};

#define CALL(name, ...)                                                                                                \
    {                                                                                                                  \
        SYS_##name, #name, { __VA_ARGS__ }, INSTEAD                                                                    \
    }

static const struct call table[] = {
    { SYS_futex, "futex-wait", { EINTR, EAGAIN }, INSTEAD }, /* wakes cannot fail */
    { SYS_close, "close", { EINTR, EIO }, AFTERWARD },
    { SYS_brk, "brk", { ENOMEM }, NOTHING },
    CALL(read, EINTR, EIO, EAGAIN),
    CALL(write, EINTR, ENOSPC, EAGAIN, EPIPE),
    { SYS_write, "write-eventfd", { EINTR }, INSTEAD }, /* must follow write */
    CALL(pread64, EINTR, EIO),
    CALL(pwrite64, EINTR, ENOSPC, EPERM),
    CALL(openat, EINTR, EMFILE, ENOENT, EACCES, ENOMEM),
    CALL(newfstatat, ENOENT, ENOMEM, EACCES), /* of a name */
    CALL(lseek, ESPIPE),
    CALL(ioctl, ENOTTY),
    CALL(fcntl, EMFILE, EINTR),
    CALL(ftruncate, EINTR, ENOMEM, EFBIG),
    CALL(memfd_create, EMFILE, ENOMEM),
    CALL(eventfd2, EMFILE, ENOMEM),
    CALL(epoll_create1, EMFILE, ENOMEM),
    CALL(epoll_ctl, ENOMEM, ENOSPC), /* that adds something */
    CALL(epoll_pwait, EINTR),
    CALL(socketpair, EMFILE, ENOMEM),
    CALL(shutdown, ENOTCONN),
    CALL(getsockopt, ENOBUFS),
    CALL(sendto, EINTR, EAGAIN, ENOBUFS, EPIPE),
    CALL(recvfrom, EINTR, EAGAIN, ENOMEM),
    CALL(ppoll, EINTR, ENOMEM),
    CALL(pidfd_open, EMFILE, ENOSYS, ENOMEM),
    CALL(mmap, ENOMEM, EAGAIN),
    CALL(mprotect, ENOMEM, EACCES),
    CALL(madvise, ENOMEM, EINVAL, EAGAIN),
    CALL(munlock, ENOMEM),
    CALL(mincore, ENOMEM, EAGAIN),
    CALL(clone, EAGAIN, ENOMEM),
    CALL(clone3, EAGAIN, ENOMEM, ENOSYS),
    CALL(execve, EAGAIN, ENOMEM, ENOENT, EACCES),
    CALL(wait4, EINTR),
    CALL(waitid, EINTR),
    CALL(kill, ESRCH, EPERM),
    CALL(tgkill, EAGAIN),
    CALL(prctl, EINVAL, EPERM),
    CALL(timer_create, EAGAIN, ENOMEM),
    CALL(timer_settime, EINVAL),
    CALL(sched_getaffinity, EINVAL, EPERM),
    CALL(prlimit64, EPERM),
    CALL(getdents64, ENOENT),
    CALL(readlinkat, ENOENT),
    CALL(getrandom, EINTR, ENOSYS),
    CALL(clock_nanosleep, EINTR),
#ifdef SYS_poll /* what newer architectures do not have */
    CALL(poll, EINTR, ENOMEM),
    CALL(fork, EAGAIN, ENOMEM),
    CALL(vfork, EAGAIN, ENOMEM),
    CALL(epoll_wait, EINTR),
    CALL(pause, EINTR),
    CALL(readlink, ENOENT),
    CALL(access, ENOENT),
#endif
};

enum { CALLS = sizeof table / sizeof *table };

/* Calls that cannot fail as they are made here. */
static const long harmless[] = {
    SYS_getpid,       SYS_gettid,          SYS_getppid,         SYS_getuid,
    SYS_geteuid,      SYS_getgid,          SYS_getegid,         SYS_exit,
    SYS_exit_group,   SYS_sched_yield,     SYS_rt_sigaction,    SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_munmap,          SYS_set_tid_address, SYS_set_robust_list,
    SYS_rseq,         SYS_restart_syscall, SYS_sysinfo,         SYS_clock_gettime,
    SYS_fstat,
#ifdef SYS_arch_prctl
    SYS_arch_prctl,
#endif
};

/* One failure. */
struct strike {
    enum role role;
    int call, error, nth;
};

static int times[ROLES][CALLS]; /* how often each call was made */
static struct strike strike;    /* the one that is to come, .nth 0: none */
static bool has_struck;
static long unknown[64]; /* calls that are in none of the lists */

/* ---- A call ---- */

static bool is_eventfd(pid_t tid, int fd)
{
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)tid, fd);
    return readlink(path, name, sizeof name - 1) > 0 && strstr(name, "eventfd");
}

/* Whether a call cannot fail because of what it is asked for: to wake; or something of a descriptor that is there. */
static bool is_harmless(long number, const unsigned long long *args)
{
    if (number == SYS_futex)
        return (args[1] & FUTEX_CMD_MASK) != FUTEX_WAIT && (args[1] & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET;
    return (number == SYS_newfstatat && args[3] & AT_EMPTY_PATH) ||
           (number == SYS_epoll_ctl && args[1] != EPOLL_CTL_ADD);
}

/* Which call it is in the table; -1: none. */
static int find_call(pid_t tid, const struct __ptrace_syscall_info *info)
{
    long number = (long)info->entry.nr;
    unsigned long long args[6];
    memcpy(args, info->entry.args, sizeof args);
    if (is_harmless(number, args))
        return -1;
    for (int i = 0; i < CALLS; i++)
        if (table[i].number == number)
            return i + (number == SYS_write && is_eventfd(tid, (int)info->entry.args[0]));
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (harmless[i] == number)
            return -1;
    for (int i = 0; i < 64; i++)
        if (!unknown[i] || unknown[i] == number) {
            unknown[i] = number;
            break;
        }
    return -1;
}

/* The registers that name the call, its first argument, and its answer. */
struct registers {
    struct user_regs_struct all;
    struct iovec vector;
};

static void get_registers(pid_t tid, struct registers *registers)
{
    registers->vector = (struct iovec){ &registers->all, sizeof registers->all };
    ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &registers->vector);
}

static void set_registers(pid_t tid, struct registers *registers)
{
    ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &registers->vector);
}

#if defined(__x86_64__)
#define ANSWER(registers) (registers).all.rax
#define ARGUMENT(registers) (registers).all.rdi
static void do_not_call(pid_t tid, struct registers *registers)
{
    registers->all.orig_rax = (unsigned long long)-1;
    set_registers(tid, registers);
}
#elif defined(__aarch64__)
#define ANSWER(registers) (registers).all.regs[0]
#define ARGUMENT(registers) (registers).all.regs[0]
static void do_not_call(pid_t tid, struct registers *registers)
{
    int none = -1;
    (void)registers;
    ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &(struct iovec){ &none, sizeof none });
}
#endif

static void enter_call(struct process *process, const struct __ptrace_syscall_info *info)
{
    bool counts = atomic_load(&stage->on) && !(process->role == CALLER && atomic_load(&stage->looks));
    int call = counts ? find_call(process->tid, info) : -1;
    if (call < 0)
        return;
    int nth = ++times[process->role][call];
    if (has_struck || call != strike.call || process->role != strike.role || nth != strike.nth)
        return;
    struct registers registers;
    has_struck = process->marked = true;
    get_registers(process->tid, &registers);
    if (table[call].how == INSTEAD) {
        do_not_call(process->tid, &registers);
    } else if (table[call].how == NOTHING) {
        ARGUMENT(registers) = 0;
        set_registers(process->tid, &registers);
    }
}

static void leave_call(struct process *process)
{
    struct registers registers;
    if (table[strike.call].how == NOTHING)
        return;
    get_registers(process->tid, &registers);
    ANSWER(registers) = (unsigned long long)-(long)strike.error;
    set_registers(process->tid, &registers);
}

static void called(struct process *process, const struct __ptrace_syscall_info *info)
{
    if (process->marked)
        leave_call(process);
    process->marked = false;
    if (info->op == PTRACE_SYSCALL_INFO_ENTRY)
        enter_call(process, info);
    process->goes_on = has_struck && !process->marked ? PTRACE_CONT : PTRACE_SYSCALL;
}

static void born(struct process *process)
{
    process->goes_on = has_struck ? PTRACE_CONT : PTRACE_SYSCALL;
}

/* Whether the nursery cannot know any more whose the processes are that tasks started: there is no /proc, it seems, or
 * they bear no marks. */
static bool leaves(long call)
{
    return (strike.role == NURSERY && call == SYS_openat && strike.error == ENOENT) ||
           (strike.role != CALLER && call == SYS_prlimit64);
}

static const char *play(const struct scene *scene)
{
    memset(stage, 0, sizeof *stage);
    memset(times, 0, sizeof times);
    has_struck = false;
    atomic_store(&stage->may, strike.nth ? strike.error : 0);
    atomic_store(&stage->may_leave, strike.nth && leaves(table[strike.call].number));
    return follow(scene, &(struct follower){ .born = born, .called = called });
}

/* ---- All of them ---- */

/* What was asked for on the command line. */
struct choice {
    bool tells;
    long stride;
    const char *scene, *role, *call, *error;
    int nth;
};

static bool wanted(const char *asked, const char *name)
{
    return !asked || strcmp(asked, name) == 0;
}

static long strikes, reached, errors, faults;

static void strike_once(const struct scene *scene, const struct choice *choice)
{
    const char *fault = play(scene);
    char what[200];
    snprintf(what, sizeof what, "%s %s %s %s %d", scene->name, roles[strike.role], table[strike.call].name,
             strerrorname_np(strike.error), strike.nth);
    strikes++;
    reached += has_struck;
    errors += stage->said[0] != '\0';
    faults += fault != NULL;
    if (fault)
        printf("NOT CLEAN  %s: %s\n", what, fault);
    else if (choice->tells)
        printf("%s: %s\n", what, !has_struck ? "not reached" : stage->said[0] ? stage->said : "fine");
    fflush(stdout);
}

static void strike_all(const struct scene *scene, const struct choice *choice, int counted[ROLES][CALLS])
{
    static long number; /* over all scenes, so that a stride does not hit the same ones in each */
    for (int role = 0; role < ROLES; role++)
        for (int call = 0; call < CALLS; call++)
            for (const int *error = table[call].errors; *error; error++)
                for (int nth = 1; nth <= counted[role][call] && nth <= MOST_TIMES; nth++) {
                    if (!wanted(choice->role, roles[role]) || !wanted(choice->call, table[call].name) ||
                        !wanted(choice->error, strerrorname_np(*error)) || (choice->nth && choice->nth != nth) ||
                        ++number % choice->stride != 0)
                        continue;
                    strike = (struct strike){ (enum role)role, call, *error, nth };
                    strike_once(scene, choice);
                }
}

static void run(const struct scene *scene, const struct choice *choice)
{
    int counted[ROLES][CALLS];
    strikes = reached = errors = 0;
    strike = (struct strike){ .nth = 0 };
    const char *fault = play(scene);
    if (fault || stage->said[0]) {
        printf("NOT CLEAN  %s, with no failure: %s\n", scene->name, fault ? fault : stage->said);
        faults++;
    }
    memcpy(counted, times, sizeof counted);
    for (int role = 0; choice->tells && role < ROLES; role++)
        for (int call = 0; call < CALLS; call++)
            if (counted[role][call])
                printf("%s %s %s: %d times\n", scene->name, roles[role], table[call].name, counted[role][call]);
    strike_all(scene, choice, counted);
    printf("%s: %ld failures, %ld of them came, %ld were told as errors\n", scene->name, strikes, reached, errors);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    pool_freeze_support();
    struct choice choice = { .stride = 1 };
    int next = 1;
    if (argc > next && strcmp(argv[next], "-v") == 0)
        choice.tells = next++;
    const char **names[] = { &choice.scene, &choice.role, &choice.call, &choice.error };
    if (argc > next)
        choice.stride = atol(argv[next++]);
    for (int i = 0; i < 4 && argc > next; i++)
        *names[i] = argv[next++];
    if (argc > next)
        choice.nth = atoi(argv[next]);
    if (choice.stride < 1) {
        fprintf(stderr, "usage: calls [-v] [STRIDE [SCENE [ROLE [CALL [ERROR [N]]]]]]\n");
        return 2;
    }
    follow_prepare();
    for (const struct scene *scene = scenes; scene->name; scene++)
        if (wanted(choice.scene, scene->name))
            run(scene, &choice);
    for (int i = 0; i < 64 && unknown[i]; i++) {
        printf("NOT CLEAN  system call %ld is in no list here\n", unknown[i]);
        faults++;
    }
    printf("%ld not clean\n", faults);
    return faults > 0;
}
