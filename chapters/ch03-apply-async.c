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
#include "kit.h"
#include <sys/prctl.h>
#include <sys/wait.h>

enum { TASKS = 10, WORKERS = 4 };

/* [hello] */
struct board {
    atomic_int go;     /* hello() waits at its first line until this is 1 */
    atomic_int ran;    /* hellos that came to their last line */
    atomic_int inside; /* visitors */
    atomic_int came;   /* their meeting point */
};

static struct board *board; /* all processes see the same one */

static int hello(const void *arg, void *unused)
{
    int i = *(const int *)arg;
    (void)unused; /* a text has no fixed width: it is a reply instead */
    wait_until(&board->go, 1);
    for (int k = 0; k < 3; k++) {
        printf("hello %d\n", i);
        document_sleep(1);
    }
    board->ran++;
    return pool_reply_text("done hello %d", i);
}
/* [/hello] */

/* [hand-over] */
static struct pool *open_pool(void)
{
    struct pool *pool =
        pool_open(&(struct pool_options){ .processes = WORKERS });
    check(pool != NULL);
    return pool;
}

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
    int status;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* whatever it leaves becomes ours */
    pid_t program = fork();
    if (program < 0) {
        perror("ch03: fork");
        exit(EXIT_FAILURE);
    }
    if (program == 0) { /* a program that forgets to join */
        hand_over(open_pool(), result);
        _exit(EXIT_SUCCESS);
    }
    waitpid(program, &status, 0);
    while (wait(NULL) > 0) /* its workers end with it: wait for the last */
        continue;
    printf("broken: no join: %d tasks handed over, %d ran, exit status %d\n",
           TASKS, board->ran, WEXITSTATUS(status));
}
/* [/lost] */

/* [kept] */
static void with_join(void)
{
    struct pool_result *result[TASKS];
    double start = document_time();
    board->go = 1;
    struct pool *pool = open_pool();
    hand_over(pool, result);
    check(pool_close(pool) == 0);
    check(pool_join(pool, POOL_FOREVER) == 0);
    for (int i = 0; i < TASKS; i++) {
        check(pool_result_get(result[i], NULL, 0) == 0);
        printf("%s\n", (const char *)pool_result_reply(result[i], 0, NULL));
    }
    pool_free(pool);
    printf("Sub-process(es) done.\n");
    printf("cured: join: %d tasks handed over, %d ran, in %.1f seconds\n",
           TASKS, board->ran, document_time() - start);
}
/* [/kept] */

/* [visit] */
/* Comes in, tells how many are in now, and leaves when so many have come. */
static int visit(const void *wanted, void *unused)
{
    (void)unused;
    printf("  process %d comes: %d inside\n", getpid(), ++board->inside);
    meet(&board->came, *(const int *)wanted);
    document_sleep(1); /* long enough for the picture */
    board->inside--;
    return 0;
}

static void apply_or_async(void)
{
    struct pool *pool = open_pool();
    int one = 1, all = WORKERS;
    printf("apply:\n");
    for (int i = 0; i < WORKERS; i++)
        check(pool_apply(pool, visit, &one, sizeof one, NULL, 0) == 0);

    printf("apply_async:\n");
    board->came = 0;
    for (int i = 0; i < WORKERS; i++)
        check(pool_apply_async(pool, visit, &all, sizeof all, 0, NULL));
    finish(pool);
}
/* [/visit] */

int main(int argc, char **argv)
{
    begin(argc, argv, "");
    printf("A second lasts %g ms here.\n", 1000 * document_second());
    board = shared_memory(sizeof *board);
    without_join();
    with_join();
    apply_or_async();
    return 0;
}
