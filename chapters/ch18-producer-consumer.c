/*
 * Chapter 18: producer and consumer.
 *
 * The idea: a producer puts items into a queue of limited room, consumers take
 * them out. It is easy to say and easy to get wrong: somebody waits, and nobody
 * is left who could wake him. A map, or an imap, has all of it inside.
 *
 * Usage: make ch18 && ./ch18
 *
 * Watch for: nothing crashes and nobody complains. Each time ask who waits, for
 * what, and who was to bring it.
 */
#include "kit.h"

enum { CONSUMERS = 4, URLS = 12, MANY = 60, ROOM = 20, QUIT = 0 };

/* [open] */
struct board {
    struct pool_queue *urls, *pages;
    atomic_int put, got, bad; /* urls */
};

static struct board *board; /* all processes see the same one */
static bool cured;          /* as it is when a pool is opened */

static struct pool *open_pool(int workers)
{
    struct pool_options options = { .processes = workers };
    struct pool *pool = pool_open(&options);
    check(pool != NULL);
    return pool;
}

static struct pool *open_with_queues(int workers)
{
    struct pool *pool = open_pool(workers);
    *board = (struct board){ 0 };
    board->urls = pool_queue_open(pool, ROOM, sizeof(int));
    board->pages = pool_queue_open(pool, ROOM, sizeof(int));
    check(board->urls && board->pages);
    return pool;
}
/* [/open] */

/* [fetch] */
/* A url is a number here, and so is its page. Each fourth url is bad. */
static const int list[URLS] = { 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 };

static int fetch(const void *arg, void *page)
{
    int url = *(const int *)arg;
    *(int *)page = 100 * url;
    return url % 4 ? 0 : pool_fail("url %d is bad", url);
}
/* [/fetch] */

/* [consumer] */
static int consumer(const void *unused, void *nothing)
{
    int url, page;
    (void)unused;
    (void)nothing;
    while (pool_queue_get(board->urls, &url, POOL_FOREVER) == 0) {
        if (url != QUIT && fetch(&url, &page) == 0)
            check(pool_queue_put(board->pages, &page, POOL_FOREVER) == 0);
        if (cured)
            check(pool_queue_task_done(board->urls) == 0); /* <- the cure */
        if (url == QUIT)
            return 0;
    }
    return -1;
}
/* [/consumer] */

/* [producer] */
static void producer(int sentinels)
{
    int quit = QUIT;
    for (int i = 0; i < URLS; i++)
        check(pool_queue_put(board->urls, &list[i], POOL_FOREVER) == 0);
    for (int i = 0; i < sentinels; i++)
        check(pool_queue_put(board->urls, &quit, POOL_FOREVER) == 0);
}

static void tutorial(const char *what, int sentinels)
{
    struct pool_progress now;
    struct pool *pool = open_with_queues(CONSUMERS);
    struct pool_result *consumers =
        pool_map_async(pool, consumer, NULL, CONSUMERS, 0, 0, NULL);
    check(consumers != NULL);
    producer(sentinels);
    do
        check(pool_result_progress(consumers, &now) == 0);
    while (now.done < (size_t)sentinels);
    int joined = pool_queue_join(board->urls, cured ? POOL_FOREVER : 0.1);
    printf("%s: %zu pages; %zu of %d consumers return\n", what,
           pool_queue_size(board->pages), now.done, CONSUMERS);
    printf("  %s\n", joined == 0 ? "joined" : pool_error()->text);
    pool_free(pool); /* whoever still waits is ended */
}
/* [/producer] */

/* [map] */
static void with_map(void)
{
    int page[URLS];
    struct pool *pool = open_pool(CONSUMERS);
    check(pool_map(pool, fetch, list, URLS, sizeof *list, page, sizeof *page) ==
          0);
    finish(pool);
    printf("cured: map: %d pages, from %d to %d\n", URLS, page[0],
           page[URLS - 1]);
}
/* [/map] */

/* [roles] */
static int feeder(void)
{
    for (int url = 1; url <= MANY; url++, board->put++)
        if (pool_queue_put(board->urls, &url, POOL_FOREVER) != 0)
            return -1;
    return pool_queue_close(board->urls); /* one call, for all fetchers */
}

static int fetcher(void)
{
    int url, page;
    while (pool_queue_get(board->urls, &url, POOL_FOREVER) == 0) {
        bool bad = fetch(&url, &page) != 0;
        board->got++;
        board->bad += bad;
        if (bad && !cured)
            return 0; /* the document's "except: pass" */
    }
    return 0;
}

static int process(const void *feeds, void *unused)
{
    (void)unused;
    return *(const int *)feeds ? feeder() : fetcher();
}
/* [/roles] */

/* [hand-out] */
/* Waits until so many roles have returned and, if that is not all of them, the
   queue is full: then nothing can happen any more. */
static void hand_out(const char *what, int workers, long chunk, size_t returns)
{
    int role[] = { 1, 0, 0, 0, 0 };
    struct pool_job_options options = { .chunk = chunk };
    struct pool_progress now;
    struct pool *pool = open_with_queues(workers);
    struct pool_result *roles =
        pool_map_async(pool, process, role, 5, sizeof *role, 0, &options);
    check(roles != NULL);
    do
        check(pool_result_progress(roles, &now) == 0);
    while (now.done < returns ||
           (now.done < now.count && board->put < board->got + ROOM));
    printf("%s: put %d, got %d, %d of them bad; %zu of 5 roles return\n", what,
           board->put, board->got, board->bad, now.done);
    pool_free(pool); /* whoever still waits is ended */
}
/* [/hand-out] */

/* [stream] */
static int next_url(void *last, void *url)
{
    *(int *)url = ++*(int *)last;
    return *(int *)url <= MANY;
}

static void stream(void)
{
    int last = 0, page, more, got = 0, bad = 0, most = 0;
    struct pool *pool = open_pool(1);
    struct pool_iter *pages =
        pool_imap(pool, fetch, next_url, &last, sizeof(int), sizeof(int), NULL);
    check(pages != NULL);
    while ((more = pool_iter_next(pages, &page, POOL_FOREVER)) != 0) {
        most = last - got > most ? last - got : most;
        got++;
        bad += more < 0;
    }
    pool_free(pool);
    printf("cured: imap, a pool of 1: got %d, %d of them bad; "
           "at most %d on the way\n",
           got, bad, most);
}
/* [/stream] */

/* [main] */
int main(int argc, char **argv)
{
    begin(argc, argv, "");
    board = shared_memory(sizeof *board);
    tutorial("broken: no task_done", 4);
    cured = true;
    tutorial("broken: a sentinel too few", 3);
    tutorial("cured: task_done, 4 sentinels", 4);
    with_map();
    cured = false;
    hand_out("broken: except: pass", 5, 1, 4);
    hand_out("broken: and a chunk of 2", 5, 2, 3);
    cured = true;
    hand_out("cured: noted, and on", 5, 1, 5);
    hand_out("broken: a pool of 1", 1, 1, 0);
    stream();
    return 0;
}
/* [/main] */
