/*
 * Exercise 16: web.
 * Packages: libcurl4-openssl-dev (-lcurl)
 *
 * Write fetch_all(), where TODO stands, and what it needs. Leave all else.
 *
 * Usage: make ex16 && ./ex16          4 workers, and a server to ask
 *        ./ex16 WORKERS SOCKET        as you like: build/server --unix SOCKET
 *        make grade-16                the verdict; make hint-16 if stuck
 *
 * main() prints of each page how many items it has, and their sum.
 */
#include "harness.h"

#if !__has_include(<curl/curl.h>)
int main(void)
{
    fprintf(stderr, "ex16 needs libcurl: apt-get install libcurl4-openssl-dev, "
                    "then make ex16 again\n");
    return 77;
}
#else
#include "web.h"

/*
 * Fetches all items of the server that listens on this Unix socket.
 *
 * First it asks for "/api?page=1&count=1": web_total() finds in the reply how
 * many items there are. Then it asks for "/api?page=P&count=200", each P once:
 * from 1 on, as many pages as it takes (never more than MOST_PAGES), and no
 * page that has no items. `workers` worker processes do that, all of them at
 * once, as far as there are pages. pages[P - 1] is what web_page() finds in the
 * reply.
 *
 * A process asks through a handle that no other process asks through, from
 * curl_easy_init().
 *
 * A page whose reply is not whole, or has another status than 200, leaves its
 * place in pages as it is, all zero; it is not asked for again, and all others
 * are there all the same. If there is no total, no page is asked for.
 *
 * Returns 0 if all pages are there, and also if there are no items; exactly -1
 * if not. By then its processes have ended. It prints nothing on stdout.
 */
static int fetch_all(const char *server, struct page *pages, int workers);

/* ---- your code begins here ---- */
static int fetch_all(const char *server, struct page *pages, int workers)
{
    /* TODO: the total; then a map over the pages. Who makes which handle? */
    (void)server, (void)pages, (void)workers;
    errno = ENOSYS;
    return -1;
}
/* ---- and ends here ---- */

int main(int argc, char **argv)
{
    static struct page pages[MOST_PAGES];
    int workers = argc > 1 ? harness_count(argv[1]) : 4;
    const char *server = argc > 2 ? argv[2] : "ex16.sock";
    if (argc <= 2)
        web_begin(server);

    int before = harness_begin();
    double start = harness_now();
    int status = fetch_all(server, pages, workers);
    double seconds = harness_now() - start;
    bool good = harness_end("fetch_all", status, before);
    for (int i = 0; i < MOST_PAGES; i++)
        if (pages[i].count > 0)
            printf("page %d: %d items, sum %ld\n", i + 1, pages[i].count,
                   pages[i].sum);
    if (argc <= 2)
        fprintf(stderr, "it took %.1f s; one by one, it would be 1.1 s\n",
                seconds);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
