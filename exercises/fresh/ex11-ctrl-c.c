/*
 * Exercise 11: Ctrl+C.
 *
 * Give wait_for() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex11 && ./ex11          5 workers; press Ctrl+C, if you like
 *        ./ex11 NUMBER...             a worker for each, as you like
 *        make grade-11                the verdict; make hint-11 if stuck
 *
 * The pool is a naive one, without the library: a process for each number. It
 * ends when it has the answer. By hand that takes two seconds.
 */
#include "harness.h"
#include <sys/mman.h>

enum { MOST = 64 };

struct naive {
    int n;                      /* places: each has a number and a worker */
    pid_t pid[MOST];            /* the worker; 0: it has ended */
    long number[MOST], *answer; /* 0: there is no answer yet */
    sigset_t signals;           /* SIGINT and SIGCHLD: main() blocked both */
    sigset_t mask;              /* the signal mask before it did so */
};

static volatile sig_atomic_t interrupted;

/* A signal handler, to be used for SIGINT and SIGCHLD. */
static void note_signal(int sig)
{
    if (sig == SIGINT)
        interrupted = 1;
}

/* In a worker: asks the witness about the number of its place, and ends, with
   status 0 if there was an answer. By hand the answer is the square. */
static void work(struct naive *p, int place)
{
    char question[64];
    long number = p->number[place], answer;
    if (!getenv("WITNESS"))
        sleep(2);
    snprintf(question, sizeof question, "ask %ld", number);
    int status = witness_ask(question, number * number, &answer);
    if (status == 0)
        p->answer[place] = answer;
    _exit(status == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Starts a worker for a place. To it all signals are what they usually are. */
static void start(struct naive *p, int place)
{
    p->pid[place] = fork();
    if (p->pid[place] == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGCHLD, SIG_DFL);
        sigprocmask(SIG_SETMASK, &p->mask, NULL);
        work(p, place);
    }
    if (p->pid[place] < 0) {
        perror("fork");
        exit(EXIT_FAILURE);
    }
}

/*
 * Waits for the workers, which are started already.
 *
 * A worker that ends by itself, with whichever status, has done its work. One
 * that is killed has not: another is start()ed in its place. On SIGINT all
 * workers that are left are stopped, and none is started any more. A terminal
 * sends SIGINT to the workers, too: those that die of it are not replaced.
 * Other signals change nothing.
 *
 * Returns 0 when all workers have ended by themselves, exactly 130 after SIGINT
 * has come.
 * When it returns, in either way, no child is left, and no zombie. It prints
 * nothing on stdout.
 */
static int wait_for(struct naive *p)
{
    /* ---- your code begins here ---- */
    /* TODO: handle the two signals; wait; reap, replace; stop all on SIGINT. */
    (void)p, (void)start, (void)note_signal, (void)interrupted;
    errno = ENOSYS;
    return -1;
    /* ---- and ends here ---- */
}

/* SIGWINCH comes when a window gets another size. */
static void do_nothing(int sig)
{
    (void)sig;
}

int main(int argc, char **argv)
{
    struct naive p = { .n = argc > 1 ? argc - 1 : 5 };
    struct sigaction action = { .sa_handler = do_nothing };
    if (p.n > MOST) {
        fprintf(stderr, "at most %d numbers\n", MOST);
        return 2;
    }
    for (int i = 0; i < p.n; i++)
        p.number[i] = argc > 1 ? harness_number(argv[i + 1]) : i + 1;
    p.answer = mmap(NULL, sizeof(long[MOST]), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p.answer == MAP_FAILED) {
        perror("mmap");
        return EXIT_FAILURE;
    }
    sigaction(SIGWINCH, &action, NULL);
    sigemptyset(&p.signals);
    sigaddset(&p.signals, SIGINT);
    sigaddset(&p.signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &p.signals, &p.mask);

    int before = harness_begin();
    for (int i = 0; i < p.n; i++)
        start(&p, i);
    int status = wait_for(&p);
    bool good = harness_end("wait_for", status, before);
    for (int i = 0; i < p.n; i++)
        printf("%ld -> %ld\n", p.number[i], p.answer[i]);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
