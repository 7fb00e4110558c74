/*
 * ch21-steps.h: a pool in five steps, for chapter 21.
 *
 * Each step is a whole pool: it starts workers, has a job done, and ends them.
 * What the steps are put through stands in ch21-your-own-pool.c.
 */
#ifndef CH21_STEPS_H
#define CH21_STEPS_H

#include "kit.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { ITEMS = 6, WORKERS = 2, MOST = 16 };

/* [job] */
/* What is to be done, and what becomes of it. */
struct job {
    pool_task *task;
    const long *in;
    int n;
    char *out;    /* n answers, */
    size_t width; /* each so wide */
    int *death;   /* -1; for an item that is lost, its worker's wait status */
};

static void *place(const struct job *job, int item)
{
    return job->out + (size_t)item * job->width;
}
/* [/job] */

/* [start] */
struct board {
    atomic_int answers;   /* that have come so far */
    atomic_int processes; /* the caller, and all it has started */
    pid_t pid[MOST];
    atomic_int signals; /* that have been seen */
};

static struct board *board; /* all processes see the same one */

/* A fork that writes down whom it has started. */
static pid_t start(void)
{
    check(board->processes < MOST);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* what hangs ends with its caller */
    else
        board->pid[board->processes++] = pid;
    return pid;
}
/* [/start] */

/* [step1] */
static void step1(struct job *job)
{
    pid_t pid[ITEMS];
    long answer;
    int status;
    for (int i = 0; i < job->n; i++)
        if ((pid[i] = start()) == 0) {
            job->task(&job->in[i], &answer);
            exit((int)answer);
        }
    for (int i = 0; i < job->n; i++) {
        check(waitpid(pid[i], &status, 0) == pid[i]);
        *(long *)place(job, i) = WEXITSTATUS(status);
        board->answers++;
    }
}
/* [/step1] */

/* [message] */
struct message {
    int item;
    long answer;
};

static void do_item(const struct job *job, int item, int fd)
{
    struct message message = { .item = item };
    job->task(&job->in[item], &message.answer);
    check(write(fd, &message, sizeof message) > 0);
}

static void collect(struct job *job, int fd)
{
    struct message message;
    while (board->answers < job->n) {
        check(read(fd, &message, sizeof message) > 0);
        *(long *)place(job, message.item) = message.answer;
        board->answers++;
    }
}
/* [/message] */

/* [step2] */
static void step2(struct job *job)
{
    int answers[2];
    check(pipe(answers) == 0);
    for (int w = 0; w < WORKERS; w++)
        if (start() == 0) {
            for (int i = w; i < job->n; i += WORKERS) /* its share */
                do_item(job, i, answers[1]);
            _exit(EXIT_SUCCESS);
        }
    collect(job, answers[0]);
    while (wait(NULL) > 0)
        continue;
}
/* [/step2] */

/* [step3] */
static void step3(struct job *job)
{
    int answers[2], items[2], item;
    check(pipe(answers) == 0 && pipe(items) == 0);
    for (int w = 0; w < WORKERS; w++)
        if (start() == 0) {
            close(items[1]); /* or it would wait for itself in the end */
            while (read(items[0], &item, sizeof item) > 0)
                do_item(job, item, answers[1]);
            _exit(EXIT_SUCCESS);
        }
    for (int i = 0; i < job->n; i++)
        check(write(items[1], &i, sizeof i) > 0);
    collect(job, answers[0]);
    close(items[1]); /* the end of file: the workers leave */
    while (wait(NULL) > 0)
        continue;
}
/* [/step3] */

/* [calls] */
struct calls {
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*write)(int, const void *, size_t);
    int (*poll)(struct pollfd *, nfds_t, int);
    pid_t (*waitpid)(pid_t, int *, int);
    void (*after_fork)(void); /* in the child */
};

/* Those of step 4. Step 5 is step 4 with others. */
static const struct calls plain = { read, write, poll, waitpid, NULL };

static const struct calls *sys; /* in use */
/* [/calls] */

/* [worker-loop] */
static void worker_loop(const struct job *job, int in, int out)
{
    ssize_t width = (ssize_t)job->width;
    char *answer = malloc(job->width);
    int item;
    check(answer != NULL);
    while (sys->read(in, &item, sizeof item) == sizeof item) {
        job->task(&job->in[item], answer);
        if (sys->write(out, answer, job->width) != width)
            break; /* nobody will read it */
    }
    _exit(EXIT_SUCCESS);
}
/* [/worker-loop] */

/* [hire] */
struct worker {
    pid_t pid;    /* 0: there is none; or it is this process itself */
    int to, from; /* the caller's ends of its two pipes */
    int item;     /* what it has; -1: nothing */
};

static struct worker team[WORKERS];

static void hire(const struct job *job, struct worker *w)
{
    int to[2], from[2];
    check(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    w->pid = start();
    if (w->pid == 0) { /* the worker: in its own entry there is a 0 */
        close(to[1]);
        close(from[0]);
        if (sys->after_fork)
            sys->after_fork();
        worker_loop(job, to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    w->to = to[1];
    w->from = from[0];
}

/* Waits for its end, which is near: it is dead, or has nothing more to do. */
static void dismiss(struct worker *w, int *status)
{
    close(w->to);
    check(sys->waitpid(w->pid, status, 0) == w->pid);
    close(w->from);
    w->pid = 0;
}
/* [/hire] */

/* [give-take] */
static void give(const struct job *job, struct worker *w, int *next)
{
    w->item = *next < job->n ? (*next)++ : -1;
    if (w->item >= 0)
        sys->write(w->to, &w->item, sizeof w->item); /* if not, poll tells */
}

/* Takes the answer. If there is none, the worker is dead. */
static void take(struct job *job, struct worker *w)
{
    ssize_t width = (ssize_t)job->width;
    if (sys->read(w->from, place(job, w->item), job->width) == width) {
        board->answers++;
        return;
    }
    dismiss(w, &job->death[w->item]);
    hire(job, w);
}
/* [/give-take] */

/* [polled] */
static void wait_for_any(struct pollfd *fds)
{
    for (int w = 0; w < WORKERS; w++) {
        fds[w].fd = team[w].item < 0 ? -1 : team[w].from; /* -1: not asked */
        fds[w].events = POLLIN;
    }
    if (sys->poll(fds, WORKERS, -1) < 0) {
        printf("poll: %s\n", strerror(errno));
        _exit(EXIT_FAILURE);
    }
}

static void polled(struct job *job)
{
    struct pollfd fds[WORKERS];
    int next = 0, status;
    for (int w = 0; w < WORKERS; w++) {
        hire(job, &team[w]);
        give(job, &team[w], &next);
    }
    for (int settled = 0; settled < job->n;) {
        wait_for_any(fds);
        for (int w = 0; w < WORKERS; w++)
            if (fds[w].revents) {
                take(job, &team[w]);
                give(job, &team[w], &next);
                settled++;
            }
    }
    for (int w = 0; w < WORKERS; w++)
        dismiss(&team[w], &status);
}
/* [/polled] */

/* [step4] */
static void step4(struct job *job)
{
    sys = &plain;
    polled(job);
}
/* [/step4] */

/* [read-all] */
/* Reads all of it: less only at the end of file, or at an error. */
static ssize_t read_all(int fd, void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, (char *)bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}
/* [/read-all] */

/* Writes all of it: less only at an error, as when nobody will read it. */
static ssize_t write_all(int fd, const void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(fd, (const char *)bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* [poll-again] */
static int poll_again(struct pollfd *fds, nfds_t count, int ms)
{
    int n;
    while ((n = poll(fds, count, ms)) < 0 && errno == EINTR)
        continue;
    return n;
}
/* [/poll-again] */

static pid_t waitpid_again(pid_t pid, int *status, int options)
{
    pid_t ended;
    while ((ended = waitpid(pid, status, options)) < 0 && errno == EINTR)
        continue;
    return ended;
}

/* [step5] */
static void close_siblings(void)
{
    for (int w = 0; w < WORKERS; w++)
        if (team[w].pid) { /* not 0: so it spares itself */
            close(team[w].to);
            close(team[w].from);
        }
}

static void step5(struct job *job)
{
    static const struct calls careful = { read_all, write_all, poll_again,
                                          waitpid_again, close_siblings };
    void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* an error will do */
    sys = &careful;
    polled(job);
    signal(SIGPIPE, before);
}
/* [/step5] */

#endif
