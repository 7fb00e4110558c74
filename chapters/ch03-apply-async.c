/*
 * Chapter 3: apply_async.
 *
 * The idea: apply_async hands one task over and does not wait. So the tasks
 * run at once, and somebody must wait for them in the end: join does.
 *
 * Usage: make ch03 && ./ch03            (SCALE=1 ./ch03: at full length)
 *
 * Watch for: without join the work is lost, and the exit status is 0. With it
 * each task says hello three times, in any order; the results keep theirs.
 */
#include "meet.h"
#include "pool.h"
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { TASKS = 10, WORKERS = 4 };

/* [board] */
struct board {
    atomic_int held;   /* hello() waits at its first line until this is 0 */
    atomic_int ran;    /* tasks that came to their last line */
    atomic_int inside; /* visitors */
    atomic_int came;   /* their meeting point */
};

static struct board *board; /* all processes see the same one */
/* [/board] */

/* Ends the program with the pool's own words if a call has failed. */
static void check(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "ch03: %s\n", pool_error()->text);
    exit(EXIT_FAILURE);
}

/* [open] */
static struct pool *open_pool(void)
{
    struct pool_options options = { .processes = WORKERS };
    struct pool *pool = pool_open(&options);
    check(pool != NULL);
    return pool;
}
/* [/open] */

/* [hello] */
static int hello(const void *arg, void *result)
{
    int i = *(const int *)arg;
    (void)result; /* a text has no fixed width: it is a reply instead */
    while (atomic_load(&board->held))
        sched_yield();
    for (int k = 0; k < 3; k++) {
        printf("hello %d\n", i);
        document_sleep(1);
    }
    atomic_fetch_add(&board->ran, 1);
    return pool_reply_text("done hello %d", i);
}
/* [/hello] */

/* [hand-over] */
static void hand_over(struct pool *pool, struct pool_result **result)
{
    for (int i = 0; i < TASKS; i++) {
        result[i] = pool_apply_async(pool, hello, &i, sizeof i, 0, NULL);
        check(result[i] != NULL);
    }
}
/* [/hand-over] */

/* [lost] */
static void without_join(void)
{
    struct pool_result *result[TASKS];
    int status = 0;
    atomic_store(&board->held, 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* whatever it leaves becomes ours */
    fflush(stdout);
    pid_t program = fork();
    switch (program) {
    case -1:
        perror("fork");
        exit(EXIT_FAILURE);
    case 0: /* a program that forgets to join */
        hand_over(open_pool(), result);
        _exit(EXIT_SUCCESS);
    }
    waitpid(program, &status, 0);
    while (wait(NULL) > 0) /* its workers end with it: wait for the last */
        ;
    atomic_store(&board->held, 0); /* now they may, but nobody is there */
    printf("broken: no join: %d tasks handed over, %d ran, exit status %d\n",
           TASKS, atomic_load(&board->ran),
           WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}
/* [/lost] */

/* [kept] */
static void with_join(void)
{
    struct pool_result *result[TASKS];
    double start = document_time();
    struct pool *pool = open_pool();
    hand_over(pool, result);
    check(pool_close(pool) == 0);
    check(pool_join(pool, POOL_FOREVER) == 0);
    double seconds = document_time() - start;
    for (int i = 0; i < TASKS; i++) {
        check(pool_result_get(result[i], NULL, 0) == 0);
        printf("%s\n", (const char *)pool_result_reply(result[i], 0, NULL));
    }
    pool_free(pool);
    printf("Sub-process(es) done.\n");
    printf("cured: join: %d tasks handed over, %d ran, in %.1f seconds\n",
           TASKS, atomic_load(&board->ran), seconds);
}
/* [/kept] */

/* [visit] */
/* Comes in, waits until so many have come, leaves. Tells how many were in. */
static int visit(const void *wanted, void *result)
{
    *(int *)result = atomic_fetch_add(&board->inside, 1) + 1;
    meet(&board->came, *(const int *)wanted);
    atomic_fetch_sub(&board->inside, 1);
    return 0;
}
/* [/visit] */

static void print_most(const char *label, const int *inside)
{
    int most = 0;
    for (int i = 0; i < WORKERS; i++)
        most = inside[i] > most ? inside[i] : most;
    printf("%s: %d tasks, at most %d inside at once\n", label, WORKERS, most);
}

/* [both] */
static void apply_or_async(void)
{
    struct pool *pool = open_pool();
    struct pool_result *result[WORKERS];
    int inside[WORKERS], one = 1, all = WORKERS;
    for (int i = 0; i < WORKERS; i++)
        check(pool_apply(pool, visit, &one, sizeof one, &inside[i],
                         sizeof inside[i]) == 0);
    print_most("apply", inside);

    atomic_store(&board->came, 0);
    for (int i = 0; i < WORKERS; i++) {
        result[i] = pool_apply_async(pool, visit, &all, sizeof all,
                                     sizeof inside[i], NULL);
        check(result[i] != NULL);
    }
    for (int i = 0; i < WORKERS; i++)
        check(pool_result_get(result[i], &inside[i], POOL_FOREVER) == 0);
    print_most("apply_async", inside);
    check(pool_close(pool) == 0);
    check(pool_join(pool, POOL_FOREVER) == 0);
    pool_free(pool);
}
/* [/both] */

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line leaves as it is printed */
    printf("A second lasts %g ms here.\n", 1000 * document_second());
    board = shared_memory(sizeof *board);
    without_join();
    with_join();
    apply_or_async();
    return 0;
}
