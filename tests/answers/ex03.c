/*
 * Answers to exercise 3, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with.
 */

/* wrong, all-started: a serial loop in the program itself */
    int status = 0;
    (void)pool;
    for (size_t i = 0; i < n; i++)
        if (ask(&in[i], &out[i]) != 0)
            status = -1;
    return status;

/* wrong, every-result: never waits */
    for (size_t i = 0; i < n; i++)
        pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    (void)out;
    return 0;

/* wrong, every-result: the last number is lost */
    struct pool_result *results[n];
    int status = 0;
    for (size_t i = 0; i + 1 < n; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    for (size_t i = 0; i + 1 < n; i++) {
        status |= pool_result_get(results[i], &out[i], POOL_FOREVER);
        pool_result_free(results[i]);
    }
    return status;

/* wrong, all-started: waits for each right after it is handed over */
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        struct pool_result *result = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
        if (pool_result_get(result, &out[i], POOL_FOREVER) != 0)
            status = -1;
        pool_result_free(result);
    }
    return status;

/* wrong, all-started: apply in a loop */
    int status = 0;
    for (size_t i = 0; i < n; i++)
        if (pool_apply(pool, ask, &in[i], sizeof *in, &out[i], sizeof *out) != 0)
            status = -1;
    return status;

/* wrong, all-started: two at a time */
    int status = 0;
    for (size_t i = 0; i < n; i += 2) {
        struct pool_result *two[2] = { NULL, NULL };
        for (size_t k = 0; k < 2 && i + k < n; k++)
            two[k] = pool_apply_async(pool, ask, &in[i + k], sizeof *in, sizeof *out, NULL);
        for (size_t k = 0; k < 2 && i + k < n; k++) {
            if (pool_result_get(two[k], &out[i + k], POOL_FOREVER) != 0)
                status = -1;
            pool_result_free(two[k]);
        }
    }
    return status;

/* wrong, every-result: waits for the last handle only */
    struct pool_result *results[n];
    int status = 0;
    for (size_t i = 0; i < n; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    pool_result_wait(results[n - 1], POOL_FOREVER);
    for (size_t i = 0; i < n; i++) {
        if (pool_result_get(results[i], &out[i], 0) != 0)
            status = -1;
        pool_result_free(results[i]);
    }
    return status;

/* wrong, in-order: stores the answers as they come */
    struct pool_result *results[n];
    size_t come = 0;
    int status = 0;
    for (size_t i = 0; i < n; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    while (come < n) {
        for (size_t i = 0; i < n; i++) {
            if (!results[i] || pool_result_wait(results[i], 0.001) != 0)
                continue;
            if (pool_result_get(results[i], &out[come++], 0) != 0)
                status = -1;
            pool_result_free(results[i]);
            results[i] = NULL;
        }
    }
    return status;

/* wrong, in-order: each answer is kept in an int */
    struct pool_result *results[n];
    int status = 0;
    for (size_t i = 0; i < n; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    for (size_t i = 0; i < n; i++) {
        long answer = 0;
        if (pool_result_get(results[i], &answer, POOL_FOREVER) != 0)
            status = -1;
        out[n - 1 - i] = answer;
        pool_result_free(results[i]);
    }
    return status;

/* wrong, neighbours: stops at the first failure */
    struct pool_result *results[n];
    for (size_t i = 0; i < n; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(results[i], &out[i], POOL_FOREVER) != 0)
            return -1;
    for (size_t i = 0; i < n; i++)
        pool_result_free(results[i]);
    return 0;

/* wrong, neighbours: a failure is not told */
    struct pool_result *results[n];
    for (size_t i = 0; i < n; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    for (size_t i = 0; i < n; i++) {
        pool_result_get(results[i], &out[i], POOL_FOREVER);
        pool_result_free(results[i]);
    }
    return 0;

/* wrong, many: room for sixty-four handles */
    struct pool_result *results[64];
    int status = 0;
    size_t some = n < 64 ? n : 64;
    for (size_t i = 0; i < some; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    for (size_t i = 0; i < some; i++) {
        if (pool_result_get(results[i], &out[i], POOL_FOREVER) != 0)
            status = -1;
        pool_result_free(results[i]);
    }
    return status;

/* wrong, sound: the table of handles is not freed */
    struct pool_result **results = malloc(n * sizeof *results);
    int status = 0;
    for (size_t i = 0; i < n; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    for (size_t i = 0; i < n; i++) {
        if (pool_result_get(results[i], &out[i], POOL_FOREVER) != 0)
            status = -1;
        pool_result_free(results[i]);
    }
    results = NULL;
    return status;

/* right: handles from malloc, each checked */
    struct pool_result **results = malloc(n * sizeof *results);
    int status = 0;
    if (!results)
        return -1;
    for (size_t i = 0; i < n; i++) {
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof in[i], sizeof out[i], NULL);
        if (!results[i])
            status = -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (results[i] && pool_result_get(results[i], &out[i], POOL_FOREVER) != 0)
            status = -1;
        pool_result_free(results[i]);
    }
    free(results);
    return status;

/* right: waits for all first, then reads where the worker wrote */
    struct pool_result *results[n];
    int status = 0;
    for (size_t i = 0; i < n; i++)
        results[i] = pool_apply_async(pool, ask, in + i, sizeof(long), sizeof(long), NULL);
    for (size_t i = 0; i < n; i++)
        pool_result_wait(results[i], POOL_FOREVER);
    for (size_t i = 0; i < n; i++) {
        const long *value = pool_result_at(results[i], 0);
        if (value)
            out[i] = *value;
        else
            status = -1;
        pool_result_free(results[i]);
    }
    return status;

/* right: fetches from the last to the first, frees at the end */
    struct pool_result *results[n];
    int bad = 0;
    size_t i;
    for (i = 0; i < n; i++)
        results[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    while (i-- > 0)
        bad += pool_result_get(results[i], &out[i], POOL_FOREVER) != 0;
    for (i = 0; i < n; i++)
        pool_result_free(results[i]);
    return bad ? -1 : 0;
