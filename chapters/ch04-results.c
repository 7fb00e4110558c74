/*
 * Chapter 4: results.
 *
 * The idea: ask a handle, and it says one of three things: DONE, LATE or
 * FAILED. So ask each of them, and give all of them together one limit of time.
 *
 * Usage: make ch04 && ./ch04            (SCALE=1 ./ch04: at full length)
 *
 * Watch for: LATE is not the end of a task, it is the end of your patience.
 */
#include "kit.h"

enum { PAGES = 10 };

struct board {
    atomic_int begun, finished; /* slow pages */
};

static struct board *board; /* all processes see the same one */

/* [page] */
/* What a task has to know. What one does not name is zero. */
struct page {
    int page;
    int count; /* posts on a page; 0: as many as possible, 200 */
    bool slow; /* takes ten seconds */
};

static int get_page(const void *arg, void *posts)
{
    const struct page *p = arg;
    if (p->page > PAGES)
        return pool_fail("there is no page %d", p->page);
    if (p->slow) {
        board->begun++;
        sleep(10); /* real seconds: nobody will wait for them */
        board->finished++;
    }
    *(int *)posts = p->count ? p->count : 200;
    return 0;
}

static struct pool_result *hand_over(struct pool *pool, struct page page)
{
    struct pool_result *handle =
        pool_apply_async(pool, get_page, &page, sizeof page, sizeof(int), NULL);
    check(handle != NULL);
    return handle;
}
/* [/page] */

/* [collect] */
static int sum(struct pool_result **handle, int count)
{
    int posts, all = 0;
    for (int i = 0; i < count; i++) {
        check(pool_result_get(handle[i], &posts, POOL_FOREVER) == 0);
        all += posts;
    }
    return all;
}

static void ten_pages(struct pool *pool)
{
    struct pool_result *handle[PAGES];
    for (int i = 0; i < PAGES; i++)
        handle[i] = hand_over(pool, (struct page){ .page = i + 1 });
    printf("broken: a loop over no handles: %d posts\n", sum(handle, 0));
    printf("cured: a loop over all of them: %d posts\n", sum(handle, PAGES));
}
/* [/collect] */

/* [ask] */
static void ask(struct pool_result *handle, double seconds)
{
    int posts;
    printf("  %s ", seconds > 0 ? "waits:" : "looks:");
    if (pool_result_get(handle, &posts, seconds) == 0)
        printf("DONE, %d posts\n", posts);
    else if (errno == ETIMEDOUT)
        printf("LATE\n");
    else
        printf("FAILED, %s\n", pool_error()->text);
}

/* Each handle has one second, or all of them have it together. */
static void ask_all(struct pool_result **handle, int count, bool together)
{
    double start = document_time();
    for (int i = 0; i < count; i++) {
        double left = together ? start + 1 - document_time() : 1;
        ask(handle[i], left * document_second());
    }
    printf("  in %.1f seconds\n", document_time() - start);
}
/* [/ask] */

/* [five] */
static void five_pages(struct pool *pool)
{
    struct pool_result *handle[] = {
        hand_over(pool, (struct page){ .page = 1, .slow = true }),
        hand_over(pool, (struct page){ .page = 2, .count = 50 }),
        hand_over(pool, (struct page){ .page = 3, .slow = true }),
        hand_over(pool, (struct page){ .page = 11 }),
        hand_over(pool, (struct page){ .page = 4, .slow = true }),
    };
    wait_until(&board->begun, 3); /* from here on every run is the same */
    check(pool_result_wait(handle[1], POOL_FOREVER) == 0);
    check(pool_result_wait(handle[3], POOL_FOREVER) == 0);

    printf("broken: a second for each handle\n");
    ask_all(handle, 5, false);
    printf("cured: a second for all of them\n");
    ask_all(handle, 5, true);
}
/* [/five] */

int main(int argc, char **argv)
{
    begin(argc, argv, "");
    printf("A second lasts %g ms here.\n", 1000 * document_second());
    board = shared_memory(sizeof *board);
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 5 });
    check(pool != NULL);
    ten_pages(pool);
    five_pages(pool);
    pool_free(pool);
    printf("freed: %d slow pages begun, %d finished\n", board->begun,
           board->finished);
    return 0;
}
