/*
 * ch16-times.h: how chapter 16 takes the time that two lists of pages need, in
 * a loop and in pools of several sizes. Seconds are the document's.
 */
#ifndef CH16_TIMES_H
#define CH16_TIMES_H

enum { LIST = 13, PAGED = 10, COUNT = 200 };

/* How long the pages of the list take, each by itself. */
static const double list[LIST] = { 1.3, 0.7, 0.7, 1.3, 0.7, 0.7, 1.3,
                                   0.7, 0.7, 0.7, 0.7, 0.7, 0.7 };

static const double LATENCY = 0.29, ALONE = 0.64; /* chapter 14 found them */

static double ms(double seconds)
{
    return 1000 * seconds * document_second();
}

static struct ask list_page(int i)
{
    struct ask ask = { .ms = 0 };
    snprintf(ask.path, sizeof ask.path, "/page/%d?latency=%.1f", i,
             ms(list[i]));
    return ask;
}

static struct ask api_page(int page) /* the first one is page 1 */
{
    struct ask ask = { .ms = 0 };
    snprintf(ask.path, sizeof ask.path,
             "/api?page=%d&count=%d&latency=%.1f&alone=%.1f", page, COUNT,
             ms(LATENCY), ms(ALONE));
    return ask;
}

/* How many items there are in all, and how many are on this page. */
static int total_of(const struct page *page)
{
    int total = -1;
    sscanf(page->text, "{\"total\":%d", &total);
    return total;
}

static int items_of(const struct page *page)
{
    const char *at = strchr(page->text, '[');
    int items = at && at[1] != ']';
    while (at && (at = strchr(at, ',')) != NULL)
        at++, items++;
    return items;
}

static void apply_pages(const char *name, int pages, double document)
{
    struct page page;
    struct ask ask = api_page(1); /* how many items are there? */
    int items = 0;
    double start = document_time();
    struct pool *pool = open_pool(4, make_handle);
    check(pool_apply(pool, get, &ask, sizeof ask, &page, sizeof page) == 0);
    for (int i = 1; i <= pages; i++) {
        ask = api_page(i);
        check(pool_apply(pool, get, &ask, sizeof ask, &page, sizeof page) == 0);
        items += items_of(&page);
    }
    finish(pool);
    printf("%s %2d pages, %d of %d items: %.2f (%.2f)\n", name, pages, items,
           total_of(&page), document_time() - start, document);
}

static void one_too_many(void)
{
    struct ask ask = { .path = "/api?page=11&count=200" };
    struct page page;
    check(make_handle(NULL) == 0 && get(&ask, &page) == 0);
    end_handle();
    int total = total_of(&page);
    printf("broken: %d / %d + 1 = %d pages; page 11 has %d items\n", total,
           COUNT, total / COUNT + 1, items_of(&page));
    printf("cured: (%d + %d) / %d = %d pages\n", total, COUNT - 1, COUNT,
           (total + COUNT - 1) / COUNT);
}

/* Fetches these pages, in a pool of that size or, if it is 0, in a loop. If
   they are `paged` asks first how many items there are. Returns how long it
   takes from before the pool is opened until it has ended. */
static double fetch_all(const struct ask *ask, int count, bool paged, int size)
{
    static struct page page[LIST], first;
    int items = 0, wanted = count;
    double start = document_time();
    if (size == 0) {
        check(make_handle(NULL) == 0);
        check(!paged || get(ask, &first) == 0);
        for (int i = 0; i < count; i++)
            check(get(&ask[i], &page[i]) == 0);
        end_handle();
    } else {
        struct pool *pool = open_pool(size, make_handle);
        check(!paged || pool_apply(pool, get, ask, sizeof *ask, &first,
                                   sizeof first) == 0);
        check(pool_map(pool, get, ask, (size_t)count, sizeof *ask, page,
                       sizeof *page) == 0);
        finish(pool);
    }
    double time = document_time() - start;
    for (int i = 0; i < count; i++)
        items += paged ? items_of(&page[i]) : page[i].size > 0;
    if (paged)
        wanted = total_of(&first);
    if (items == wanted)
        return time;
    fprintf(stderr, CHAPTER ": %d items of %d\n", items, wanted);
    exit(EXIT_FAILURE);
}

enum { OUR_LIST, ITS_LIST, OUR_PAGED, ITS_PAGED, COLUMNS };

static struct row {
    int workers; /* 0: a loop */
    double time[COLUMNS];
} row[] = { { 0, { 0, 14.4, 0, 10.2 } },
            { 1, { 0, 0, 0, 10.3 } },
            { 2, { 0 } },
            { 4, { 0, 3.1, 0, 7.64 } },
            { 8, { 0, 1.4 } },
            { 10, { 0, 0, 0, 7.64 } },
            { 13, { 0, 1.3 } },
            { 100, { 0, 0, 0, 8.24 } } };

enum { ROWS = sizeof row / sizeof *row };

static void print_row(FILE *to, const struct row *r)
{
    for (int c = 0; c < COLUMNS; c++)
        if (r->time[c] > 0)
            fprintf(to, "%12.2f", r->time[c]);
        else
            fprintf(to, "%12s", "-");
    fprintf(to, "\n");
}

static void print_times(FILE *to) /* what is drawn: without the loop */
{
    fprintf(to, "%9s%12s%12s%12s%12s\n", "workers", "list", "its_list", "paged",
            "its_paged");
    for (int r = 1; r < ROWS; r++) {
        fprintf(to, "%9d", row[r].workers);
        print_row(to, &row[r]);
    }
}

static void take_times(void)
{
    struct ask page[LIST], api[PAGED];
    for (int i = 0; i < LIST; i++)
        page[i] = list_page(i);
    for (int i = 0; i < PAGED; i++)
        api[i] = api_page(i + 1);
    for (int r = 0; r < ROWS; r++) {
        row[r].time[OUR_LIST] = fetch_all(page, LIST, false, row[r].workers);
        if (row[r].time[ITS_PAGED] > 0) /* where it has measured, so do we */
            row[r].time[OUR_PAGED] =
                fetch_all(api, PAGED, true, row[r].workers);
    }
    print_times(stdout);
    printf("   a loop");
    print_row(stdout, &row[0]);
}

#endif
