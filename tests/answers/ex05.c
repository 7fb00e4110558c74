/*
 * Answers to exercise 5, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with.
 */

/* wrong, hit: a serial loop in the program itself */
    struct found found;
    long number;
    (void)pool;
    while (next(state, &number) == 1)
        if (look(&number, &found) == 0 && found.answer == wanted)
            return number;
    return -1;

/* wrong, half-way-close: the stream is left open */
    struct found found;
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof found, NULL);
    for (int got; (got = pool_iter_next(iter, &found, POOL_FOREVER)) != 0;)
        if (got == 1 && found.answer == wanted)
            return found.number;
    return -1;

/* wrong, hit: the last item is lost */
    struct found found, before = { -1, 0 };
    long hit = -1;
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof found, NULL);
    for (int got, first = 1; hit < 0 && (got = pool_iter_next(iter, &found, POOL_FOREVER)) != 0;) {
        if (got == 1 && !first && before.answer == wanted)
            hit = before.number;
        if (got == 1) {
            before = found;
            first = 0;
        }
    }
    pool_iter_close(iter);
    return hit;

/* wrong, endless-input: reads all numbers first */
    long *numbers = NULL, hit = -1;
    size_t n = 0;
    for (;;) {
        numbers = realloc(numbers, (n + 1) * sizeof *numbers);
        if (!numbers || next(state, &numbers[n]) != 1)
            break;
        n++;
    }
    struct found *found = calloc(n, sizeof *found);
    pool_map(pool, look, numbers, n, sizeof *numbers, found, sizeof *found);
    for (size_t i = 0; i < n && hit < 0; i++)
        if (found[i].answer == wanted)
            hit = found[i].number;
    free(found);
    free(numbers);
    return hit;

/* wrong, endless-input: takes a thousand ahead */
    struct pool_job_options options = { .ahead = 1000 };
    struct found found;
    long hit = -1;
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof found, &options);
    for (int got; hit < 0 && (got = pool_iter_next(iter, &found, POOL_FOREVER)) != 0;)
        if (got == 1 && found.answer == wanted)
            hit = found.number;
    pool_iter_close(iter);
    return hit;

/* wrong, slow-first-item: in the order of the numbers */
    struct found found;
    long hit = -1;
    struct pool_iter *iter = pool_imap(pool, look, next, state, sizeof(long), sizeof found, NULL);
    for (int got; hit < 0 && (got = pool_iter_next(iter, &found, POOL_FOREVER)) != 0;)
        if (got == 1 && found.answer == wanted)
            hit = found.number;
    pool_iter_close(iter);
    return hit;

/* wrong, bad-number: one that fails ends the search */
    struct found found;
    long hit = -1;
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof found, NULL);
    while (hit < 0 && pool_iter_next(iter, &found, POOL_FOREVER) == 1)
        if (found.answer == wanted)
            hit = found.number;
    pool_iter_close(iter);
    return hit;

/* wrong, no-hit: 0 if there is none */
    struct found found;
    long hit = 0;
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof found, NULL);
    for (int got; hit == 0 && (got = pool_iter_next(iter, &found, POOL_FOREVER)) != 0;)
        if (got == 1 && found.answer == wanted)
            hit = found.number;
    pool_iter_close(iter);
    return hit;

/* wrong, hit: the answer instead of the number */
    struct found found;
    long hit = -1;
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof found, NULL);
    for (int got; hit < 0 && (got = pool_iter_next(iter, &found, POOL_FOREVER)) != 0;)
        if (got == 1 && found.answer == wanted)
            hit = found.answer;
    pool_iter_close(iter);
    return hit;

/* wrong, hit: compares no more than 32 bits */
    struct found found;
    long hit = -1;
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof found, NULL);
    for (int got; hit < 0 && (got = pool_iter_next(iter, &found, POOL_FOREVER)) != 0;)
        if (got == 1 && (int)found.answer == wanted)
            hit = found.number;
    pool_iter_close(iter);
    return hit;

/* wrong, sound: the place for the result is not freed */
    struct found *found = malloc(sizeof *found);
    long hit = -1;
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof *found, NULL);
    for (int got; hit < 0 && (got = pool_iter_next(iter, found, POOL_FOREVER)) != 0;)
        if (got == 1 && found->answer == wanted)
            hit = found->number;
    pool_iter_close(iter);
    found = NULL;
    return hit;

/* right: the loop without end, left in the middle */
    static struct found found;
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof found, NULL);
    if (!iter)
        return -1;
    for (;;) {
        int got = pool_iter_next(iter, &found, POOL_FOREVER);
        if (got == 0)
            found.number = -1;
        if (got == 0 || (got > 0 && found.answer == wanted))
            break;
    }
    pool_iter_close(iter);
    return found.number;

/* right: a few more ahead, and chunks of one said */
    const struct pool_job_options options = { .chunk = 1, .ahead = 8 };
    struct pool_iter *iter = pool_imap_unordered(pool, look, next, state, sizeof(long), sizeof(struct found), &options);
    struct found found = { -1, 0 };
    long hit = -1;
    int got = iter ? 1 : 0;
    while (got != 0 && hit == -1) {
        got = pool_iter_next(iter, &found, 60);
        hit = got == 1 && found.answer == wanted ? found.number : -1;
    }
    if (iter)
        pool_iter_close(iter);
    return hit;

/* right: by hand, with a handle for each of six */
    enum { SIX = 6 };
    struct pool_result *under_way[SIX] = { NULL };
    long number[SIX], hit = -1;
    int more = 1, some = 1;
    while (hit < 0 && some) {
        some = 0;
        for (int i = 0; i < SIX; i++) {
            struct found found;
            if (under_way[i] && pool_result_ready(under_way[i])) {
                if (pool_result_get(under_way[i], &found, 0) == 0 && found.answer == wanted && hit < 0)
                    hit = found.number;
                pool_result_free(under_way[i]);
                under_way[i] = NULL;
            }
            if (!under_way[i] && more && hit < 0 && (more = next(state, &number[i]) == 1))
                under_way[i] = pool_apply_async(pool, look, &number[i], sizeof(long), sizeof found, NULL);
            some |= under_way[i] != NULL;
        }
        usleep(100);
    }
    for (int i = 0; i < SIX; i++) {
        pool_result_cancel(under_way[i]);
        pool_result_free(under_way[i]);
    }
    return hit;
