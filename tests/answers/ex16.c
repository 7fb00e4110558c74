/*
 * Answers to exercise 16, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with.
 */

/* wrong, at-once: a loop in the program itself */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    (void)workers;
    int status = make_handle(NULL);
    for (size_t i = 0; i < n && status == 0; i++)
        if (get_page(&number[i], &pages[i]) != 0)
            status = -1;
    curl_easy_cleanup(handle);
    return status;
}

/* wrong, nothing-left: the pool is not ended */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    return status;
}

/* wrong, every-page-once: the last page is lost */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n - 1, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* wrong, every-page-once: total / 200 pages */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)total / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* wrong, no-page-too-many: total / 200 + 1 pages */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)total / PER_PAGE + 1 : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* wrong, own-connection: one handle for all, made before the pool and used */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static inline int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = handle = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* wrong, status: whatever comes is a page */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status < 0)
        return -1;
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* wrong, status: what is wrong is not told */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    (void)status;
    return 0;
}

/* wrong, status: a page that fails is asked for again */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* wrong, status: the first that fails ends all */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = 0;
    struct pool_result *job[MOST_PAGES];
    for (size_t i = 0; i < n; i++)
        job[i] = pool_apply_async(pool, get_page, &number[i], sizeof *number, sizeof *pages, NULL);
    for (size_t i = 0; i < n && status == 0; i++)
        status = pool_result_get(job[i], &pages[i], POOL_FOREVER);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* wrong, at-once: four workers, however many there are to be */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = 4 + 0 * workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* wrong, no-total: what is no total is one page */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : 1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* wrong, every-page-once: the total is not asked for: page after page, until one has no items */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES], status = 0;
    if (get_total(server) < 0)
        return -1;
    server_of = server;
    struct pool_options options = { .processes = workers, .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    for (int i = 0; i < MOST_PAGES; i += workers) {
        for (int k = 0; k < workers; k++)
            number[k] = i + k + 1;
        if (pool_map(pool, get_page, number, (size_t)workers, sizeof *number, &pages[i], sizeof *pages) != 0)
            status = -1;
        if (pages[i + workers - 1].count == 0)
            break;
    }
    pool_free(pool);
    return status;
}

/* right: apply_async for each, and only pool_free */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    CURL *own = curl_easy_init();
    int status = own ? web_get(own, server, "/api?page=1&count=1", body) : -1;
    curl_easy_cleanup(own);
    return status == 200 ? web_total(body) : -1;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = 0;
    struct pool_result *job[MOST_PAGES];
    for (size_t i = 0; i < n; i++)
        job[i] = pool_apply_async(pool, get_page, &number[i], sizeof *number, sizeof *pages, NULL);
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(job[i], &pages[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(pool);
    return status;
}

/* right: a stream, in any order; the server's name is part of the item */
struct item {
    char server[64];
    int number;
};

struct source {
    struct item item;
    long pages;
};

static int next_page(void *state, void *item)
{
    struct source *source = state;
    if (source->item.number == source->pages)
        return 0;
    source->item.number++;
    *(struct item *)item = source->item;
    return 1;
}

static int fetch(const void *arg, void *result)
{
    static CURL *mine;
    const struct item *item = arg;
    char target[64];
    char *body = malloc(BODY);
    if (!mine)
        mine = curl_easy_init();
    sprintf(target, "/api?page=%d&count=200", item->number);
    int status = web_get(mine, item->server, target, body);
    if (status == 200)
        *(struct page *)result = web_page(body);
    free(body);
    return status == 200 ? 0 : pool_fail("no page %d", item->number);
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    char body[BODY];
    CURL *first = curl_easy_init();
    int got = web_get(first, server, "/api?page=1&count=1", body), status = 0;
    curl_easy_cleanup(first);
    if (got != 200)
        return -1;
    struct source source = { .pages = (web_total(body) + 199) / 200 };
    strcpy(source.item.server, server);
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    struct pool_iter *iter =
        pool_imap_unordered(pool, fetch, next_page, &source, sizeof(struct item), sizeof(struct page), NULL);
    struct page page;
    for (int more; (more = pool_iter_next(iter, &page, POOL_FOREVER)) != 0;)
        if (more == 1)
            pages[pool_iter_index(iter)] = page;
        else
            status = -1;
    pool_iter_close(iter);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}

/* right: forks of its own, each with every so many-th page, over pipes */
static void serve(const char *server, long from, long pages, int step, int to)
{
    CURL *mine = curl_easy_init();
    char target[64], body[BODY];
    for (long p = from; p <= pages; p += step) {
        struct { long p; struct page page; int good; } got = { .p = p };
        snprintf(target, sizeof target, "/api?page=%ld&count=200", p);
        got.good = web_get(mine, server, target, body) == 200;
        if (got.good)
            got.page = web_page(body);
        if (write(to, &got, sizeof got) < 0)
            break;
    }
    _exit(0);
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    struct { long p; struct page page; int good; } got;
    char body[BODY];
    CURL *mine = curl_easy_init();
    int status = web_get(mine, server, "/api?page=1&count=1", body);
    long total = web_total(body), most = (total + 199) / 200;
    curl_easy_cleanup(mine);
    if (status != 200)
        return -1;
    int end[2];
    pid_t pid[workers];
    if (pipe(end) != 0)
        return -1;
    for (int w = 0; w < workers; w++)
        if ((pid[w] = fork()) == 0)
            serve(server, w + 1, most, workers, end[1]);
    close(end[1]);
    status = 0;
    while (read(end[0], &got, sizeof got) == sizeof got)
        if (got.good)
            pages[got.p - 1] = got.page;
        else
            status = -1;
    close(end[0]);
    for (int w = 0; w < workers; w++)
        waitpid(pid[w], NULL, 0);
    return status;
}

/* right: a worker asks for the total, too */
static const char *server_of; /* as it is when the pool is opened */
static CURL *handle;          /* each process has its own */

static int make_handle(void *unused)
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}

static int get_page(const void *arg, void *result)
{
    char target[64], body[BODY];
    snprintf(target, sizeof target, "/api?page=%d&count=%d", *(const int *)arg,
             PER_PAGE);
    int status = web_get(handle, server_of, target, body);
    if (status != 200)
        return status < 0 ? -1 : pool_fail("%s: status %d", target, status);
    *(struct page *)result = web_page(body);
    return 0;
}

static int get_total_there(const void *unused, void *total)
{
    char body[BODY];
    (void)unused;
    int status = web_get(handle, server_of, "/api?page=1&count=1", body);
    *(long *)total = web_total(body);
    return status == 200 ? 0 : pool_fail("status %d", status);
}

/* How many items the server has; -1 if it does not say. */
static long get_total(const char *server)
{
    char body[BODY];
    (void)body;
    server_of = server;
    struct pool_options one = { .processes = 1, .initializer = make_handle };
    struct pool *pool = pool_open(&one);
    long total = -1;
    if (pool_apply(pool, get_total_there, NULL, 0, &total, sizeof total) != 0)
        total = -1;
    pool_free(pool);
    return total;
}

static int fetch_all(const char *server, struct page *pages, int workers)
{
    int number[MOST_PAGES];
    long total = get_total(server);
    size_t n = total > 0 ? (size_t)(total + PER_PAGE - 1) / PER_PAGE : 0;
    if (n == 0)
        return total < 0 ? -1 : 0;
    for (size_t i = 0; i < n; i++)
        number[i] = (int)i + 1;

    server_of = server;
    struct pool_options options = { .processes = workers,
                                    .initializer = make_handle };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, get_page, number, n, sizeof *number, pages,
                          sizeof *pages);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;
}
