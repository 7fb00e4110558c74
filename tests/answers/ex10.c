/*
 * Answers to exercise 10, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with.
 */

/* wrong, every-answer: a serial loop in the program itself */
    int status = 0;
    (void)pool, (void)tries;
    for (size_t i = 0; i < n; i++)
        if (ask(&in[i], &out[i]) != 0)
            status = -1;
    return status;

/* wrong, every-answer: never waits */
    (void)out, (void)tries;
    for (size_t i = 0; i < n; i++)
        pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    return 0;

/* wrong, every-answer: the last number is lost */
    struct pool_result *result[n];
    int error[n], status = 0;
    for (size_t i = 0; i < n; i++)
        error[i] = EOWNERDEAD;
    for (int try = 0; try < tries; try++) {
        for (size_t i = 0; i + 1 < n; i++)
            if (error[i] == EOWNERDEAD)
                result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
        for (size_t i = 0; i + 1 < n; i++)
            if (error[i] == EOWNERDEAD) {
                error[i] = pool_result_get(result[i], &out[i], POOL_FOREVER) ? pool_error()->code : 0;
                pool_result_free(result[i]);
            }
    }
    for (size_t i = 0; i + 1 < n; i++)
        status |= -(error[i] != 0);
    return status;

/* wrong, at-once: one number after the other */
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        int failed = -1;
        for (int try = 0; failed && try < tries; try++) {
            failed = pool_apply(pool, ask, &in[i], sizeof *in, &out[i], sizeof *out);
            if (failed && pool_error()->code != EOWNERDEAD)
                break;
        }
        status |= failed;
    }
    return status;

/* wrong, second-try: a plain map, nothing is tried again */
    (void)tries;
    return pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);

/* wrong, innocents-once: the whole map once more */
    int status = -1;
    for (int try = 0; status && try < tries; try++) {
        status = pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
        if (status && pool_error()->code != EOWNERDEAD)
            break;
    }
    return status;

/* wrong, innocents-once: those behind the lost one, too */
    size_t from = 0;
    int status = -1;
    for (int try = 0; status && try < tries * (int)n; try++) {
        status = pool_map(pool, ask, in + from, n - from, sizeof *in, out + from, sizeof *out);
        if (status && pool_error()->code != EOWNERDEAD)
            break;
        if (status)
            from += pool_error()->item;
    }
    return status;

/* wrong, failure-is-an-answer: whatever has no answer is tried again */
    int status = 0;
    struct pool_result *result[n];
    for (size_t i = 0; i < n; i++)
        out[i] = 0;
    for (int try = 0; try < tries; try++) {
        for (size_t i = 0; i < n; i++)
            result[i] = out[i] ? NULL : pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
        for (size_t i = 0; i < n; i++)
            if (result[i])
                pool_result_get(result[i], &out[i], POOL_FOREVER);
    }
    for (size_t i = 0; i < n; i++)
        status |= out[i] ? 0 : -1;
    return status;

/* wrong, failure-is-an-answer: a failure is no failure */
    struct pool_result *result[n];
    bool lost[n];
    int left = (int)n;
    memset(lost, true, sizeof lost);
    for (int try = 0; try < tries; try++) {
        for (size_t i = 0; i < n; i++)
            if (lost[i])
                result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
        left = 0;
        for (size_t i = 0; i < n; i++)
            if (lost[i]) {
                lost[i] = pool_result_get(result[i], &out[i], POOL_FOREVER) && errno == EOWNERDEAD;
                left += lost[i];
            }
    }
    return left ? -1 : 0;

/* wrong, failure-is-an-answer: the others are given up when one fails */
    struct pool_result *result[n];
    bool lost[n];
    memset(lost, true, sizeof lost);
    for (int try = 0; try < tries; try++) {
        for (size_t i = 0; i < n; i++)
            if (lost[i])
                result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
        for (size_t i = 0; i < n; i++)
            if (lost[i]) {
                lost[i] = pool_result_get(result[i], &out[i], POOL_FOREVER) != 0;
                if (lost[i] && errno != EOWNERDEAD)
                    return -1;
            }
    }
    for (size_t i = 0; i < n; i++)
        if (lost[i])
            return -1;
    return 0;

/* wrong, poison-three-times: as long as somebody is lost */
    struct pool_result *result[n];
    int error[n], status = 0, left = 1;
    (void)tries;
    for (size_t i = 0; i < n; i++)
        error[i] = EOWNERDEAD;
    while (left) {
        for (size_t i = 0; i < n; i++)
            if (error[i] == EOWNERDEAD)
                result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
        left = 0;
        for (size_t i = 0; i < n; i++)
            if (error[i] == EOWNERDEAD) {
                error[i] = pool_result_get(result[i], &out[i], POOL_FOREVER) ? pool_error()->code : 0;
                left |= error[i] == EOWNERDEAD;
                pool_result_free(result[i]);
            }
    }
    for (size_t i = 0; i < n; i++)
        status |= -(error[i] != 0);
    return status;

/* wrong, poison-three-times: one try more than there are */
    struct pool_result *result[n];
    int error[n], status = 0;
    for (size_t i = 0; i < n; i++)
        error[i] = EOWNERDEAD;
    for (int try = 0; try <= tries; try++) {
        for (size_t i = 0; i < n; i++)
            if (error[i] == EOWNERDEAD)
                result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
        for (size_t i = 0; i < n; i++)
            if (error[i] == EOWNERDEAD) {
                error[i] = pool_result_get(result[i], &out[i], POOL_FOREVER) ? pool_error()->code : 0;
                pool_result_free(result[i]);
            }
    }
    for (size_t i = 0; i < n; i++)
        status |= -(error[i] != 0);
    return status;

/* wrong, poison-three-times: two tries, whatever was asked for */
    struct pool_result *result[n];
    int error[n], status = 0;
    (void)tries;
    for (size_t i = 0; i < n; i++)
        error[i] = EOWNERDEAD;
    for (int try = 0; try < 2; try++) {
        for (size_t i = 0; i < n; i++)
            if (error[i] == EOWNERDEAD)
                result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
        for (size_t i = 0; i < n; i++)
            if (error[i] == EOWNERDEAD)
                error[i] = pool_result_get(result[i], &out[i], POOL_FOREVER) ? pool_error()->code : 0;
    }
    for (size_t i = 0; i < n; i++)
        status |= -(error[i] != 0);
    return status;

/* wrong, poison-three-times: so many tries for all together, not for each */
    struct pool_result *result[n];
    int error[n], status = 0, spent = 0;
    for (size_t i = 0; i < n; i++)
        error[i] = EOWNERDEAD;
    for (int left = 1; left;) {
        for (size_t i = 0; i < n; i++)
            if (error[i] == EOWNERDEAD)
                result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
        left = 0;
        for (size_t i = 0; i < n; i++)
            if (error[i] == EOWNERDEAD) {
                error[i] = pool_result_get(result[i], &out[i], POOL_FOREVER) ? pool_error()->code : 0;
                left |= error[i] == EOWNERDEAD && ++spent <= tries;
            }
    }
    for (size_t i = 0; i < n; i++)
        status |= -(error[i] != 0);
    return status;

/* wrong, in-rounds: the pool tries again, and does so at once */
    struct pool_job_options options = { .retries = tries - 1 };
    struct pool_result *result = pool_map_async(pool, ask, in, n, sizeof *in, sizeof *out, &options);
    int status = pool_result_get(result, out, POOL_FOREVER);
    pool_result_free(result);
    return status;

/* wrong, in-rounds: what is lost is handed over again at once, behind all others */
    struct pool_result **result = calloc(n, sizeof *result);
    int *had = calloc(n, sizeof *had), status = 0;
    if (!result || !had)
        return -1;
    for (size_t i = 0; i < n; i++)
        result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    for (size_t left = n; left > 0;)
        for (size_t i = 0; i < n; i++) {
            if (!result[i] || pool_result_wait(result[i], 0.001) != 0)
                continue;
            int failed = pool_result_get(result[i], &out[i], 0), code = failed ? errno : 0;
            pool_result_free(result[i]);
            result[i] = NULL;
            if (code == EOWNERDEAD && ++had[i] < tries)
                result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
            else
                left--, status = failed ? -1 : status;
        }
    free(result);
    free(had);
    return status;

/* wrong, again-at-once: the first tries together, the others one by one */
    struct pool_result *result[n];
    int error[n], status = 0;
    for (size_t i = 0; i < n; i++)
        result[i] = pool_apply_async(pool, ask, &in[i], sizeof *in, sizeof *out, NULL);
    for (size_t i = 0; i < n; i++) {
        error[i] = pool_result_get(result[i], &out[i], POOL_FOREVER) ? pool_error()->code : 0;
        pool_result_free(result[i]);
    }
    for (size_t i = 0; i < n; i++) {
        for (int try = 1; error[i] == EOWNERDEAD && try < tries; try++)
            error[i] = pool_apply(pool, ask, &in[i], sizeof *in, &out[i], sizeof *out) ? pool_error()->code : 0;
        status |= -(error[i] != 0);
    }
    return status;

/* right: a map for each round, and its failures one by one */
    size_t *index = malloc(n * sizeof *index), lost = n;
    long *number = malloc(n * sizeof *number);
    int status = 0;
    for (size_t i = 0; i < n; i++)
        index[i] = i;
    for (int try = 0; lost > 0 && try < tries; try++) {
        struct pool_error error = { .item = 0 };
        for (size_t k = 0; k < lost; k++)
            number[k] = in[index[k]];
        struct pool_result *round = pool_map_async(pool, ask, number, lost, sizeof *number, sizeof *out, NULL);
        pool_result_wait(round, POOL_FOREVER);
        size_t still = 0;
        for (size_t k = 0; k < lost; k++) {
            const long *answer = pool_result_at(round, k);
            if (answer)
                out[index[k]] = *answer;
            else if (pool_result_failure(round, k, &error) == 1 && error.code == EOWNERDEAD)
                index[still++] = index[k];
            else
                status = -1;
        }
        pool_result_free(round);
        lost = still;
    }
    free(index);
    free(number);
    return lost > 0 ? -1 : status;

/* right: looks again and again whether all of a round are ready */
    enum { WAITS, LOST, DONE };
    int state[n], status = 0;
    struct pool_result *result[n];
    for (size_t i = 0; i < n; i++)
        state[i] = LOST;
again:
    for (size_t i = 0; i < n; i++) {
        if (state[i] != LOST)
            continue;
        result[i] = pool_apply_async(pool, ask, in + i, sizeof(long), sizeof(long), NULL);
        state[i] = WAITS;
    }
    for (size_t ready = 0; ready < n; usleep(300)) {
        ready = 0;
        for (size_t i = 0; i < n; i++)
            ready += state[i] != WAITS || pool_result_ready(result[i]);
    }
    tries--;
    bool more = false;
    for (size_t i = 0; i < n; i++) {
        struct pool_error why;
        if (state[i] != WAITS)
            continue;
        state[i] = DONE;
        if (pool_result_successful(result[i])) {
            out[i] = *(const long *)pool_result_at(result[i], 0);
        } else if (pool_result_failure(result[i], 0, &why) == 1 && why.pid != 0 && why.code != EREMOTEIO && tries > 0) {
            state[i] = LOST;
            more = true;
        } else {
            status = -1;
        }
        pool_result_free(result[i]);
    }
    if (more)
        goto again;
    return status;

/* right: maps of those that are left, each with its place beside it */
    struct {
        long number;
        size_t place;
    } left[n];
    int lost = (int)n, failed = 0;
    for (size_t i = 0; i < n; i++) {
        left[i].number = in[i];
        left[i].place = i;
    }
    while (lost > 0 && tries-- > 0) {
        long answer[n];
        struct pool_error error;
        int again = 0;
        const struct pool_job_options one_each = { .chunk = 1 };
        struct pool_result *all =
            pool_map_async(pool, ask, left, (size_t)lost, sizeof *left, sizeof *answer, &one_each);
        if (!all)
            return -1;
        int status = pool_result_get(all, answer, POOL_FOREVER);
        for (int k = 0; k < lost; k++) {
            bool bad = status != 0 && pool_result_failure(all, (size_t)k, &error) == 1 && error.item == (size_t)k;
            out[left[k].place] = bad ? 0 : answer[k];
            if (bad && error.signal == SIGKILL)
                left[again++] = left[k];
            else
                failed += bad;
        }
        pool_result_free(all);
        lost = again;
    }
    return lost + failed > 0 ? -1 : 0;
