/*
 * Chapter 15: threads.
 *
 * The idea: with one word, POOL_THREADS, the same tasks run in threads of this
 * program. In C they are as fast as processes. So the question is not how fast
 * they are but what they share: everything.
 *
 * Usage: make ch15 && ./ch15
 *
 * Watch for: the wrong counts, the same in all 600 runs, although the two tasks
 * never do anything at the same time. Then, who survives a crash.
 */
#include "idle.h"
#include "kit.h"
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { WORKERS = 2, PIECES = 8, RUNS = 600, ITEMS = 4 };

/* [word] */
static struct pool *open_pool(enum pool_kind kind)
{
    struct pool_options options = { .processes = WORKERS, .kind = kind };
    struct pool *pool = pool_open(&options);
    check(pool != NULL);
    return pool;
}
/* [/word] */

/* [work] */
/* Computes: counts the primes in one eighth of the first million numbers. */
static int count_primes(const void *arg, void *result)
{
    long share = 1000000 / PIECES, first = share * *(const int *)arg, d;
    int primes = 0;
    for (long n = first; n < first + share; n++) {
        for (d = 2; d * d <= n && n % d != 0; d++)
            continue;
        primes += n > 1 && d * d > n;
    }
    *(int *)result = primes;
    return 0;
}

/* Waits, as for a server or a disk. */
static int wait_once(const void *unused, void *result)
{
    (void)unused;
    usleep(50000);
    *(int *)result = 1;
    return 0;
}
/* [/work] */

/* [measure] */
static void measure(pool_task *task, const char *what, enum pool_kind kind,
                    const char *who)
{
    int piece[PIECES] = { 7, 6, 5, 4, 3, 2, 1, 0 }; /* the longest first */
    int result[PIECES], sum = 0;
    struct pool *pool = open_pool(kind);
    double start = document_time();
    clock_t on_core = clock(); /* goes on only while we are on a core */
    check(pool_map(pool, task, piece, PIECES, sizeof *piece, result,
                   sizeof *result) == 0);
    on_core = clock() - on_core;
    double time = (document_time() - start) * document_second();
    pool_free(pool);

    for (int i = 0; i < PIECES; i++)
        sum += result[i];
    printf("%-11s %5d %s in %.2f s", who, sum, what, time);
    if (kind == POOL_INLINE)
        printf(", on a core for %.0f %% of it",
               100 * (double)on_core / CLOCKS_PER_SEC / time);
    printf("\n");
}

static void three_ways(pool_task *task, const char *what)
{
    measure(task, what, POOL_INLINE, "a loop"); /* in the call of pool_map */
    measure(task, what, POOL_THREADS, "2 threads");
    measure(task, what, POOL_PROCESSES, "2 processes");
}
/* [/measure] */

/* [turns] */
struct board {
    sem_t turn[2];       /* a task waits here for its turn to take a word */
    atomic_int ended;    /* one of these two has no more words */
    atomic_int answered; /* items of the last part */
};

static struct board *board; /* all processes and threads see the same one */
static bool cured;

/* Waits for its turn, takes a word, and gives the turn to the other task. */
static char *next_word(int me, char *text, char **place)
{
    if (!board->ended)
        sem_wait(&board->turn[me]);
    char *word = cured ? strtok_r(text, " ", place) /* <- the cure */
                       : strtok(text, " ");
    if (!word)
        board->ended = 1;
    sem_post(&board->turn[1 - me]);
    return word;
}
/* [/turns] */

/* [words] */
static int count_words(const void *arg, void *result)
{
    static char text[2][32]; /* strtok writes into the text it takes apart */
    int me = *(const int *)arg, words = 0;
    char *mine; /* strtok_r's note */
    strcpy(text[me], me == 0 ? "to be or not to be" : "that is the question");
    char *word = next_word(me, text[me], &mine);
    for (; word; word = next_word(me, NULL, &mine))
        words++;
    *(int *)result = words;
    return 0;
}

static void count_often(const char *how, enum pool_kind kind)
{
    int first[2], count[2], task[2] = { 0, 1 }, alike = 0;
    struct pool *pool = open_pool(kind);
    for (int run = 0; run < RUNS; run++) {
        board->ended = 0;
        sem_init(&board->turn[0], true, 1); /* task 0 begins */
        sem_init(&board->turn[1], true, 0);
        check(pool_map(pool, count_words, task, 2, sizeof *task, count,
                       sizeof *count) == 0);
        if (run == 0)
            memcpy(first, count, sizeof first);
        alike += memcmp(first, count, sizeof first) == 0;
    }
    pool_free(pool);
    printf("%-24s %d and %d words, in %d of %d runs\n", how, first[0], first[1],
           alike, RUNS);
}
/* [/words] */

/* [crash] */
/* Item 1 writes to nowhere when all the others have answered. */
static int square(const void *arg, void *result)
{
    int *volatile nowhere = NULL; /* volatile: or the write may be dropped */
    int i = *(const int *)arg;
    if (i == 1) {
        wait_until(&board->answered, ITEMS - 1);
        *nowhere = i;
    }
    *(int *)result = i * i;
    board->answered++;
    return 0;
}
/* [/crash] */

/* [copy] */
static void ask(enum pool_kind kind)
{
    int item[ITEMS] = { 0, 1, 2, 3 }, answer[ITEMS];
    struct pool *pool = open_pool(kind);
    if (pool_map(pool, square, item, ITEMS, sizeof *item, answer,
                 sizeof *answer) != 0)
        printf("  %s\n", pool_error()->text);
    pool_free(pool);
    printf("  the answers: %d, %d, %d\n", answer[0], answer[2], answer[3]);
}

/* Asks in a copy of this program, and tells what became of it. */
static void ask_in_a_copy(const char *who, enum pool_kind kind)
{
    int status;
    printf("%s: item 1 crashes when %d have answered\n", who, ITEMS - 1);
    board->answered = 0;
    pid_t pid = fork();
    if (pid == 0) {
        ask(kind);
        _exit(EXIT_SUCCESS);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        perror("ch15");
        exit(EXIT_FAILURE);
    }
    if (WIFSIGNALED(status))
        printf("  the whole program is gone: %s\n",
               strsignal(WTERMSIG(status)));
}
/* [/copy] */

/* [main] */
int main(int argc, char **argv)
{
    begin(argc, argv, "");
    board = shared_memory(sizeof *board);
    tell_idle_cores();
    three_ways(count_primes, "primes");
    three_ways(wait_once, "waits");
    count_often("processes, strtok:", POOL_PROCESSES);
    count_often("broken: threads, strtok:", POOL_THREADS);
    cured = true;
    count_often("cured: strtok_r:", POOL_THREADS);
    prctl(PR_SET_DUMPABLE, 0); /* tasks will crash: no core files */
    ask_in_a_copy("broken: threads", POOL_THREADS);
    ask_in_a_copy("cured: processes", POOL_PROCESSES);
    return 0;
}
/* [/main] */
