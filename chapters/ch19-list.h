/*
 * ch19-list.h: what chapter 19 pushes, and how it finds out what became of it.
 */
#ifndef CH19_LIST_H
#define CH19_LIST_H

#include "ch19-roles.h"

enum { URLS = 60 };

static struct server server; /* chapters/server.c: it runs beside us */

/* [push] */
/* A new list of URLs; each so many-th is bad, and all have this query. */
static void push(int bad, const char *query)
{
    char url[URL];
    *board = (struct board){ 0 };
    ask_number("FLUSHALL", NULL);
    for (int i = 1; i <= URLS; i++) {
        bool is_bad = bad && i % bad == 0;
        snprintf(url, sizeof url, "%s/page/%d%s", server.url, i,
                 is_bad ? "?status=404" : query);
        ask_number("RPUSH urls %s", url);
    }
}

/* Where is each URL that was pushed? The first place that has it counts. */
static void look(const char *when)
{
    static const char *const place[] = { "SMEMBERS done", "SMEMBERS bad",
                                         "LRANGE urls 0 -1",
                                         "LRANGE doing 0 -1" };
    bool seen[URLS + 1] = { false };
    int found[4] = { 0 }, lost = URLS;
    for (int p = 0; p < 4; p++) {
        redisReply *reply = ask(place[p]);
        for (size_t i = 0; i < reply->elements; i++) {
            int number = atoi(strstr(reply->element[i]->str, "/page/") + 6);
            found[p] += !seen[number];
            seen[number] = true;
        }
        freeReplyObject(reply);
        lost -= found[p];
    }
    printf("  %s: %d pushed = %d done + %d bad + %d still listed + %d lost\n",
           when, URLS, found[0], found[1], found[2] + found[3], lost);
}
/* [/push] */

#endif
