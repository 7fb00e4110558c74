/*
 * Answers to exercise 2, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with.
 */

/* wrong, in-workers: a serial loop in the program itself */
    for (size_t i = 0; i < n; i++) {
        struct pair pair = { a[i], b[i] };
        if (add(&pair, &out[i]) != 0)
            return -1;
    }
    return 0;

/* wrong, no-pairs: neither close nor join nor free */
    struct pair *pairs = calloc(n + 1, sizeof *pairs);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    int status = pool_map(pool_open(NULL), add, pairs, n, sizeof *pairs, out, sizeof *out);
    free(pairs);
    return status;

/* wrong, last-pair: the last pair is lost */
    struct pair pairs[n + 1];
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    int status = pool_map(pool, add, pairs, n > 0 ? n - 1 : 0, sizeof *pairs, out, sizeof *out);
    pool_free(pool);
    return status;

/* wrong, last-pair: the last pair is mapped, but was not packed */
    struct pair *pairs = calloc(n + 1, sizeof *pairs);
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i + 1 < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    int status = pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out);
    pool_free(pool);
    free(pairs);
    return status;

/* wrong, pairs-stay-together: the width of one long */
    struct pair *pairs = calloc(n + 1, sizeof *pairs);
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    int status = pool_map(pool, add, pairs, n, sizeof(long), out, sizeof *out);
    pool_free(pool);
    free(pairs);
    return status;

/* wrong, own-argument: one pair for all items */
    static struct pair pair;
    struct pool *pool = pool_open(NULL);
    struct pair *pairs = calloc(n + 1, sizeof *pairs);
    for (size_t i = 0; i < n; i++)
        pair = (struct pair){ a[i], b[i] };
    for (size_t i = 0; i < n; i++)
        pairs[i] = pair;
    int status = pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out);
    pool_free(pool);
    free(pairs);
    return status;

/* wrong, no-pairs: nothing to do is a failure */
    struct pair *pairs = n ? malloc(n * sizeof *pairs) : NULL;
    if (!pairs)
        return -1;
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    int status = pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out);
    pool_free(pool);
    free(pairs);
    return status;

/* wrong, sound: the pairs are never freed */
    struct pair *pairs = malloc(n * sizeof *pairs + 1);
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    int status = pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out);
    pool_free(pool);
    return status;

/* wrong, no-pairs: joined, but never freed */
    struct pair pairs[n + 1];
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    int status = pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    return status;

/* wrong, nothing-left: joined, but freed only where there was nothing to do */
    struct pair pairs[n + 1];
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    int status = pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    if (n == 0)
        pool_free(pool);
    return status;

/* wrong, in-workers: a pool for each pair */
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        struct pair pair = { a[i], b[i] };
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 1 });
        status |= pool_map(pool, add, &pair, 1, sizeof pair, &out[i], sizeof *out);
        pool_free(pool);
    }
    return status;

/* wrong, bad-pair: 1 instead of -1 */
    struct pair *pairs = malloc(n * sizeof *pairs + 1);
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    int status = pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out);
    pool_free(pool);
    free(pairs);
    return status != 0;

/* wrong, bad-pair: a failure is not told */
    struct pair *pairs = malloc(n * sizeof *pairs + 1);
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out);
    pool_free(pool);
    free(pairs);
    return 0;

/* wrong, bad-pair: gives up without ending the pool */
    struct pair *pairs = malloc(n * sizeof *pairs + 1);
    struct pool *pool = pool_open(NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ a[i], b[i] };
    if (pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out) != 0)
        return -1;
    pool_free(pool);
    free(pairs);
    return 0;

/* right: an array on the stack, and only pool_free */
    struct pair pairs[n + 1];
    for (size_t i = 0; i < n; i++) {
        pairs[i].a = a[i];
        pairs[i].b = b[i];
    }
    struct pool *pool = pool_open(NULL);
    int status = pool_map(pool, add, pairs, n, sizeof pairs[0], out, sizeof(long));
    pool_free(pool);
    return status;

/* right: apply_async for each, with no array of pairs at all */
    static struct pool_result *handle[100000];
    struct pool *pool = pool_open(NULL);
    int status = pool ? 0 : -1;
    for (size_t i = 0; i < n && pool; i++) {
        struct pair pair = { .b = b[i], .a = a[i] };
        handle[i] = pool_apply_async(pool, add, &pair, sizeof pair, sizeof(long), NULL);
    }
    for (size_t i = 0; i < n && pool; i++)
        if (pool_result_get(handle[i], &out[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(pool);
    return status;

/* right: nothing is opened for nothing, and more checks than needed */
    if (n == 0)
        return 0;
    struct pair *pairs = calloc(n, sizeof *pairs);
    if (pairs == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct pair){ .a = a[i], .b = b[i] };
    struct pool *pool = pool_open(NULL);
    if (pool == NULL) {
        free(pairs);
        return -1;
    }
    int status = pool_map(pool, add, pairs, n, sizeof *pairs, out, sizeof *out);
    if (pool_close(pool) != 0)
        pool_terminate(pool);
    if (pool_join(pool, 30) != 0)
        status = status == 0 ? 0 : -1;
    pool_free(pool);
    free(pairs);
    return status;

/* right: the pairs lie in memory of their own, mapped and unmapped */
    size_t size = (n + 1) * sizeof(struct pair);
    struct pool *pool = pool_open(NULL);
    struct pair *pairs = realloc(NULL, size);
    for (size_t i = n; i-- > 0;)
        pairs[i] = (struct pair){ a[i], b[i] };
    struct pool_result *job = pool_map_async(pool, add, pairs, n, sizeof *pairs, sizeof *out, NULL);
    int status = pool_result_get(job, out, POOL_FOREVER);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    free(pairs);
    return status;
