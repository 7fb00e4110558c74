/*
 * Chapter 16: web.
 *
 * The idea: a task that waits for a server costs no core, so a pool may be
 * larger than the machine. How much faster it gets is for the server to say.
 * And whatever comes over a net may fail: each error names its page.
 *
 * Usage: make ch16 && ./ch16                 (./ch16 FILE.svg: the plot too)
 * Packages: libcurl4-openssl-dev (-lcurl), gnuplot-nox (gnuplot)
 *
 * Watch for: the size from which on nothing gets better; twice, for two
 * reasons.
 */
#include "server.c"
#define CHAPTER "ch16"
#include "fetch.h"
#include "measure.h"
#include "meet.h"

/* [ask] */
static struct server server; /* chapters/server.c: it runs beside us */

struct ask {
    char path[64];
    const char *at; /* which server; NULL: ours */
    long ms;        /* as long may it take; 0: any time */
    int tries;      /* a 503 says "later": so many times in all; 0: 1 */
    bool die;
};

/* The task: fetches a page. */
static int get(const void *arg, void *result)
{
    const struct ask *ask = arg;
    struct page *page = result;
    int name = (int)strcspn(ask->path, "?");
    char url[sizeof server.url + sizeof ask->path];
    snprintf(url, sizeof url, "%s%s", ask->at ? ask->at : server.url,
             ask->path);
    for (int i = 1;; i++) {
        const char *wrong =
            ask->die ? ask_and_die(url, page) : fetch(url, ask->ms, page);
        if (wrong)
            return pool_fail("%.*s: %s", name, ask->path, wrong);
        if (page->status == 200)
            return 0;
        if (page->status != 503 || i >= ask->tries)
            return pool_fail("%.*s: status %ld, try %d of %d", name, ask->path,
                             page->status, i, ask->tries);
        document_sleep(0.1 * i);
    }
}
/* [/ask] */

#include "ch16-ranges.h"
#include "ch16-times.h"

/* [one-handle] */
/* A worker asks for page 1 and is killed; its successor asks for page 2. */
static void two_pages(pool_initializer *initializer)
{
    struct ask one = { .path = "/page/1?latency=1000", .die = true };
    struct ask two = { .path = "/page/2" };
    struct page page = { 0 };
    struct pool *pool = open_pool(1, initializer);
    if (pool_apply(pool, get, &one, sizeof one, &page, sizeof page) != 0)
        printf("  page 1: killed when it had asked\n");
    check(pool_apply(pool, get, &two, sizeof two, &page, sizeof page) == 0);
    printf("  page 2: status %ld, %s", page.status, page.text);
    finish(pool);
}
/* [/one-handle] */

static void one_handle(void)
{
    struct ask zero = { .path = "/page/0" };
    struct page page;
    check(make_handle(NULL) == 0 && get(&zero, &page) == 0);
    printf("broken: a handle with an open connection, then the pool\n");
    two_pages(NULL);
    end_handle();
    printf("cured: each worker makes its own\n");
    two_pages(make_handle);
}

static void errors(void)
{
    static struct page page[8];
    static const struct ask ask[8] = {
        { .path = "/page/1" },
        { .path = "/page/2?status=503", .tries = 3 },
        { .path = "/page/3?latency=600000", .ms = 200 },
        { .path = "/page/4", .at = "http://127.0.0.1:1" },
        { .path = "/page/5?cut=6" },
        { .path = "/page/6?status=404", .tries = 3 },
        { .path = "/page/7?status=503&first=2", .tries = 3 },
        { .path = "/page/8" },
    };
    struct pool *pool = open_pool(4, make_handle);
    struct pool_result *result =
        pool_map_async(pool, get, ask, 8, sizeof *ask, sizeof *page, NULL);
    if (pool_result_get(result, page, POOL_FOREVER) != 0)
        printf("%zu of 8 have failed:\n", pool_error()->failures);
    for (size_t i = 0; i < 8; i++) {
        const char *wrong = pool_result_reply(result, i, NULL);
        printf("  %s", wrong ? wrong : page[i].text);
        if (wrong)
            printf("\n");
    }
    finish(pool);
}

int main(int argc, char **argv)
{
    FILE *file = open_drawing(begin(argc, argv, "FILE.svg"));
    start_curl();
    printf("A second lasts %g ms here.\n", 1000 * document_second());
    server = server_start(&(struct server_options){ .total = 2000 });
    board = shared_memory(sizeof *board);

    printf("broken: nobody looks at the results\n");
    total_workers(16, false);
    printf("cured: a longer line, and the results are looked at\n");
    total_workers(40, true);
    one_handle();
    apply_pages("broken: range(1, 10)", 9, 9.04);
    apply_pages("cured: all of them  ", 10, 10.2);
    one_too_many();
    take_times();
    errors();
    server_stop(&server);
    if (file)
        draw(file, &(struct plot){ .title = "Fetching pages: how many workers?",
                                   .x = "workers",
                                   .y = "seconds",
                                   .print = print_times,
                                   .columns = 1 + COLUMNS,
                                   .level = 1.3,
                                   .dashed = "slowest page" });
    return 0;
}
