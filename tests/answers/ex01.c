/*
 * Answers to exercise 1, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with.
 */

/* wrong, four-at-once: a serial loop in the program itself */
    (void)workers;
    for (size_t i = 0; i < n; i++)
        if (ask(&in[i], &out[i]) != 0)
            return -1;
    return 0;

/* wrong, nothing-left: neither close nor join nor free */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    return pool ? pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out) : -1;

/* wrong, big-numbers: the last item is lost */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n - 1, sizeof *in, out, sizeof *out);
    pool_free(pool);
    return status;

/* wrong, four-at-once: apply in a loop */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    int status = 0;
    for (size_t i = 0; i < n; i++)
        status |= pool_apply(pool, ask, &in[i], sizeof *in, &out[i], sizeof *out);
    pool_free(pool);
    return status;

/* wrong, big-numbers: the result has the width of an int */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    int *small = calloc(n, sizeof *small);
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof(int));
    pool_free(pool);
    free(small);
    return status;

/* wrong, big-numbers: each answer is kept in an int */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = (int)out[i];
    pool_free(pool);
    return status;

/* wrong, nothing-left: closed and joined, but never freed */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    return status;

/* wrong, sound: freed first, closed and joined then */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    return status;

/* wrong, bad-number: 1 instead of -1 */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    return status != 0;

/* wrong, no-pool: 1 instead of -1 if there is no pool */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return 1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    return status;

/* wrong, no-more-workers: three more than asked for */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers + 3 });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    return status;

/* wrong, no-more-workers: always six, however many are asked for */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers > 999 ? workers : 6 });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    return status;

/* wrong, no-more-workers: a second pool that does nothing */
    struct pool *idle = pool_open(&(struct pool_options){ .processes = workers });
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    pool_free(idle);
    return status;

/* wrong, four-at-once: always two */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers > 999 ? workers : 2 });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    return status;

/* wrong, bad-number: gives up without ending the pool */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    if (status != 0)
        return -1;
    pool_free(pool);
    return 0;

/* wrong, no-pool: no pool is no failure */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return 0;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    return status;

/* wrong, big-numbers: a printf is left in */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    printf("opened\n");
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    return status;

/* wrong, big-numbers: ends the program instead of returning */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    exit(0);

/* wrong, sound: looks behind the end of its array */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    long *copy = malloc(n * sizeof *copy);
    memcpy(copy, in, n * sizeof *copy);
    volatile long last = copy[n];
    (void)last;
    int status = pool_map(pool, ask, copy, n, sizeof *copy, out, sizeof *out);
    pool_free(pool);
    free(copy);
    return status;

/* right: only pool_free, which ends a pool that still runs */
    struct pool_options options = { .processes = workers };
    struct pool *pool = pool_open(&options);
    if (!pool)
        return -1;
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    return status;

/* right: apply_async for each, in a static buffer */
    static struct pool_result *handle[100000];
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (pool == NULL)
        return -1;
    int status = 0;
    for (size_t i = 0; i < n; i++)
        handle[i] = pool_apply_async(pool, ask, in + i, sizeof(long), sizeof(long), NULL);
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(handle[i], out + i, POOL_FOREVER) != 0)
            status = -1;
    pool_terminate(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return status;

/* right: no check for NULL, which the library refuses itself */
    int unused = 7;
    struct pool_options options = { 0 };
    options.processes = workers;
    struct pool *pool = pool_open(&options);
    int status = pool_map(pool, ask, in, n, sizeof(long), out, sizeof(long));
    pool_close(pool);
    pool_join(pool, 60.0);
    pool_free(pool);
    return status;

/* right: recursion, halves of the list at once */
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    if (!pool)
        return -1;
    struct pool_result *job[2] = { NULL, NULL };
    size_t half = n / 2, status = 0;
    job[0] = pool_map_async(pool, ask, in, half, sizeof *in, sizeof *out, NULL);
    job[1] = pool_map_async(pool, ask, in + half, n - half, sizeof *in, sizeof *out, NULL);
    if (!job[0] || pool_result_get(job[0], out, POOL_FOREVER) != 0)
        status = 1;
    if (!job[1] || pool_result_get(job[1], out + half, POOL_FOREVER) != 0)
        status = 1;
    pool_result_free(job[0]);
    pool_result_free(job[1]);
    if (pool_close(pool) != 0 || pool_join(pool, POOL_FOREVER) != 0)
        status = status ? status : 0;
    pool_free(pool);
    return status ? -1 : 0;

/* right: a stream, and lines on stderr */
    fprintf(stderr, "hello from the answer\n");
    struct pool_options options = { .processes = workers, .check = true };
    struct pool *pool = pool_open(&options);
    if (!pool) {
        perror("pool_open");
        return -1;
    }
    int status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_close(pool);
    while (pool_join(pool, 0.01) != 0 && errno == ETIMEDOUT)
        ;
    pool_free(pool);
    return status;
