/*
 * Exercise 18: producer-consumer.
 *
 * Write consumer(), where TODO stands, and what it needs. Leave all else.
 *
 * Usage: make ex18 && ./ex18                  3 consumers, numbers 1 to 12
 *        ./ex18 CONSUMERS NUMBER...           as you like
 *        make grade-18                        the verdict; make hint-18
 *
 * main() puts the numbers into a queue, waits until all of them are dealt with,
 * and only then puts the sentinel: one, for all consumers together.
 */
#include "harness.h"
#include "meet.h"

enum { ROOM = 5, MOST = 200, QUIT = -1 };

struct item {
    int place; /* from 0 on; QUIT: it is the sentinel */
    long number;
};

static struct board {
    struct pool_queue *queue;
    struct answer {
        bool there, failed;
        long number;
    } answer[MOST];
} * board; /* all processes see the same one */

/* Asks the witness about a number. Returns 0, or failure. By hand the answer is
   the square, and 7 fails. */
static inline int ask(long number, long *answer)
{
    char question[64];
    *answer = 0;
    snprintf(question, sizeof question, "ask %ld", number);
    if (number == 7 && !getenv("WITNESS"))
        return pool_fail("nobody knows 7");
    return witness_ask(question, number * number, answer);
}

/* Reports what came of the item at this place. */
static inline void report(int place, bool failed, long answer)
{
    board->answer[place] = (struct answer){ true, failed, answer };
}

/*
 * One of several consumers that get items from the same queue, each in a worker
 * of its own.
 *
 * Gets one item after the other, and calls ask() for its number, once. Then it
 * reports: report(place, false, answer), or if ask() failed report(place, true,
 * 0); that is no reason to end.
 *
 * For each item it got, the sentinel too, it tells the queue once that it is
 * dealt with, pool_queue_task_done(): after the report, not before.
 *
 * There is one sentinel for all consumers. Whichever gets it sees to it that
 * the others get it, too, and returns. That is the only end.
 */
static void consumer(struct pool_queue *queue);

/* ---- your code begins here ---- */
static void consumer(struct pool_queue *queue)
{
    /* TODO: get, ask, report, tell; and what if it is the sentinel? */
    (void)queue, (void)ask, (void)report;
    errno = ENOSYS;
}
/* ---- and ends here ---- */

static int work(const void *unused, void *nothing)
{
    (void)unused, (void)nothing;
    errno = 0;
    consumer(board->queue);
    return errno == ENOSYS ? ENOSYS : 0;
}

/* Puts the numbers, and waits until all are dealt with. Returns 0, or -1: then
   somebody would wait for ever. */
static int produce(const long *in, int n)
{
    for (int i = 0; i < n; i++) {
        struct item item = { i, in[i] };
        if (pool_queue_put(board->queue, &item, 5) != 0)
            return -1;
    }
    if (pool_queue_join(board->queue, 5) != 0)
        return -1;
    witness_tell("joined");
    return 0;
}

/* Puts the sentinel. Returns whether all consumers have ended. */
static bool end(struct pool_result *consumers)
{
    struct item quit = { .place = QUIT };
    return pool_queue_put(board->queue, &quit, 5) == 0 &&
           pool_result_wait(consumers, 5) == 0;
}

int main(int argc, char **argv)
{
    long in[MOST];
    int workers = argc > 1 ? harness_count(argv[1]) : 3, n = 0;
    for (int i = 2; i < argc && n < MOST; i++)
        in[n++] = harness_number(argv[i]);
    while (n == 0 || (argc < 3 && n < 12)) {
        in[n] = n + 1;
        n++;
    }
    board = shared_memory(sizeof *board);

    harness_begin();
    struct pool *pool = harness_open(workers);
    board->queue = pool_queue_open(pool, ROOM, sizeof(struct item));
    struct pool_result *consumers =
        pool_map_async(pool, work, NULL, (size_t)workers, 0, 0, NULL);
    int status = produce(in, n);
    if (status != 0 && pool_result_ready(consumers) &&
        pool_result_get(consumers, NULL, 0) != 0)
        errno = pool_error()->status == ENOSYS ? ENOSYS : pool_error()->code;
    bool good = harness_end("consumers", status, -1);
    bool ended = !good || end(consumers);
    pool_free(pool);
    for (int i = 0; i < n; i++) {
        if (board->answer[i].failed)
            printf("%ld -> failed\n", in[i]);
        else if (board->answer[i].there)
            printf("%ld -> %ld\n", in[i], board->answer[i].number);
    }
    if (!ended)
        printf("not all consumers have ended\n");
    return good && ended ? EXIT_SUCCESS : EXIT_FAILURE;
}
