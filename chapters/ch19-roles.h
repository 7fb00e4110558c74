/*
 * ch19-roles.h: the feeder and the fetchers of chapter 19.
 *
 * The document's consumer() consumes from Redis, and produces for the queue:
 * so here it is called the feeder. Its worker() is a fetcher.
 */
#ifndef CH19_ROLES_H
#define CH19_ROLES_H

#include "fetch.h"
#include "own-redis.h"

enum { FETCHERS = 4, IN_QUEUE = 20, URL = 128 };

struct board {
    struct pool_queue *queue;
    atomic_int taken, put;     /* URLs, by the feeder */
    atomic_int got, done, bad; /* by the fetchers */
    atomic_int program;        /* who may be killed */
};

static struct board *board; /* all processes see the same one */
static bool careful;        /* as it is when the pool is opened */

/* [feeder] */
/* Takes the next URL; false if the list stays empty for a while. */
static bool take(char *url)
{
    redisReply *reply =
        ask(careful ? "BLMOVE urls doing LEFT RIGHT 0.1" : "BLPOP urls 0.1");
    redisReply *value = reply; /* BLPOP's reply is two: the list, the value */
    if (reply->type == REDIS_REPLY_ARRAY)
        value = reply->element[1];
    bool took = value->type == REDIS_REPLY_STRING;
    if (took)
        snprintf(url, URL, "%s", value->str);
    freeReplyObject(reply);
    return took;
}

static int feeder(void)
{
    char url[URL] = "";
    while (take(url)) {
        board->taken++;
        if (pool_queue_put(board->queue, url, POOL_FOREVER) != 0)
            return -1; /* the pool ends */
        board->put++;
    }
    return pool_queue_close(board->queue); /* the document's has no end */
}
/* [/feeder] */

/* [fetcher] */
static int fetcher(void)
{
    char url[URL];
    struct page page;
    while (pool_queue_get(board->queue, url, POOL_FOREVER) == 0) {
        board->got++;
        bool good = fetch(url, 0, &page) == NULL && page.status == 200;
        if (!good && !careful) {
            board->bad++;
            return 0; /* the document's "except: pass" */
        }
        ask_number(good ? "SADD done %s" : "SADD bad %s", url);
        board->done++;
        if (careful)
            ask_number("LREM doing 1 %s", url);
    }
    return 0;
}
/* [/fetcher] */

/* [crawl] */
static int role(const void *is_feeder, void *unused)
{
    (void)unused;
    return *(const int *)is_feeder ? feeder() : fetcher();
}

/* The document's main(). */
static void crawl(void)
{
    static const int roles[1 + FETCHERS] = { 1, 0, 0, 0, 0 };
    struct pool_options options = { .processes = 1 + FETCHERS,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    check(pool != NULL);
    board->queue = pool_queue_open(pool, IN_QUEUE, URL);
    check(board->queue != NULL);
    check(pool_map(pool, role, roles, 1 + FETCHERS, sizeof *roles, NULL, 0) ==
          0);
    finish(pool);
}

/* The cure: what a killed program was doing goes back to the head of the
   list, in its old order; then the work goes on, until nothing is left. */
static void crawl_carefully(void)
{
    do {
        while (ask_number("LLEN doing", NULL) > 0)
            freeReplyObject(ask("LMOVE doing urls RIGHT LEFT"));
        crawl();
    } while (ask_number("LLEN urls", NULL) + ask_number("LLEN doing", NULL));
}
/* [/crawl] */

#endif
