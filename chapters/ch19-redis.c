/*
 * Chapter 19: redis.
 *
 * The idea: a list in Redis feeds the pool. Whoever takes an item out of the
 * list owes it to somebody: it must stand somewhere else until it is done, or
 * it dies with the program.
 *
 * Usage: make ch19 && ./ch19
 *        ./ch19 PATH.sock     works off the list "urls" of a Redis of yours
 * Packages: libcurl4-openssl-dev (-lcurl), libhiredis-dev (-lhiredis),
 *           redis-server
 *
 * Watch for: pushed = done + bad + still listed + lost.
 */
#define CHAPTER "ch19"
#if !__has_include(<hiredis/hiredis.h>) || !__has_include(<curl/curl.h>)
#include <stdio.h>
int main(void)
{
    fprintf(stderr, CHAPTER " needs libcurl and hiredis: apt-get install "
                            "libcurl4-openssl-dev libhiredis-dev redis-server, "
                            "then make " CHAPTER " again\n");
    return 77;
}
#else
#include "server.c" /* first: it wants all that Linux has */

#include "ch19-list.h"
#include "ch19-roles.h"
#include "scratch.h"

enum { MOMENTS = 8 };

/* Runs a program, a copy of this one, that may be killed. The process that is
   returned ends when nothing is left of it. */
static pid_t start(void (*its_main)(void))
{
    pid_t keeper = fork();
    check(keeper >= 0);
    if (keeper > 0)
        return keeper;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what it leaves becomes ours */
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        board->program = getpid();
        its_main();
        _exit(EXIT_SUCCESS);
    }
    while (wait(NULL) > 0)
        continue;
    _exit(EXIT_SUCCESS);
}

/* Kills it when the count has come so far, unless it has ended by then. */
static void kill_at(pid_t keeper, atomic_int *count, int wanted)
{
    while (*count < wanted && waitpid(keeper, NULL, WNOHANG) == 0)
        sched_yield();
    if (*count >= wanted)
        kill(board->program, SIGKILL);
    waitpid(keeper, NULL, 0);
}

/* [broken] */
static void document(void)
{
    printf("the document's program, while nothing fails\n");
    push(0, "");
    crawl();
    look("at the end");

    printf("broken: each fourth URL is bad\n");
    push(4, "");
    pid_t keeper = start(crawl);
    wait_until(&board->bad, FETCHERS);
    wait_until(&board->taken, 37);
    printf("  put %d, got %d, %d of them bad: the queue is full for ever\n",
           board->put, board->got, board->bad);
    kill_at(keeper, &board->taken, 37);

    printf("broken: BLPOP takes, and the program is killed\n");
    push(0, "?latency=600000"); /* so all that can be under way is */
    keeper = start(crawl);
    wait_until(&board->got, FETCHERS);
    kill_at(keeper, &board->taken, FETCHERS + IN_QUEUE + 1);
    look("then");
}
/* [/broken] */

/* [cured] */
static void cured(void)
{
    printf("cured: BLMOVE, LREM when done; killed %d times\n", MOMENTS);
    careful = true;
    push(4, "");
    for (int i = 0; i < MOMENTS; i++) {
        board->done = 0;
        pid_t keeper = start(crawl_carefully);
        kill_at(keeper, &board->done, 1 + i);
    }
    look("then");
    crawl_carefully();
    look("at the end");

    printf("cured: Redis is killed, and is back after a second\n");
    push(4, "");
    pid_t keeper = start(crawl_carefully);
    wait_until(&board->done, 10);
    redis_stop(SIGKILL);
    document_sleep(1);
    redis_start();
    waitpid(keeper, NULL, 0);
    look("at the end");
}
/* [/cured] */

static void all_parts(void)
{
    check(chdir(scratch) == 0);
    redis_start();
    server = server_start(&(struct server_options){ .total = 0 });
    document();
    cured();
    server_stop(&server);
    redis_stop(SIGTERM);
}

int main(int argc, char **argv)
{
    const char *given = begin(argc, argv, "PATH.sock");
    start_curl();
    board = shared_memory(sizeof *board);
    if (!given)
        return with_scratch(all_parts);
    careful = true;
    redis_socket = given;
    crawl_carefully();
    printf("%d URLs worked off\n", board->done);
    return 0;
}
#endif
