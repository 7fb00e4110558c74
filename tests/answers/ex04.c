/*
 * Answers to exercise 4, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault.
 */

/* wrong, waits: does not wait at all */
    int status = 0;
    (void)seconds;
    for (size_t i = 0; i < n; i++) {
        if (pool_result_get(results[i], &outcomes[i].value, 0) == 0) {
            outcomes[i].how = DONE;
            continue;
        }
        status = -1;
        outcomes[i].how = pool_error()->code == ETIMEDOUT ? LATE : FAILED;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
    }
    return status;

/* wrong, waits: the last one is lost */
    double end = harness_now() + seconds;
    int status = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        double left = end - harness_now();
        if (pool_result_get(results[i], &outcomes[i].value, left > 0 ? left : 0) == 0) {
            outcomes[i].how = DONE;
            continue;
        }
        status = -1;
        outcomes[i].how = pool_error()->code == ETIMEDOUT ? LATE : FAILED;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
    }
    return status;

/* wrong, waits: each value is kept in an int */
    double end = harness_now() + seconds;
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        double left = end - harness_now();
        long value = 0;
        if (pool_result_get(results[i], &value, left > 0 ? left : 0) == 0) {
            outcomes[i].how = DONE;
            outcomes[i].value = (int)value;
            continue;
        }
        status = -1;
        outcomes[i].how = pool_error()->code == ETIMEDOUT ? LATE : FAILED;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
    }
    return status;

/* wrong, kinds: whatever is not done has failed */
    double end = harness_now() + seconds;
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        double left = end - harness_now();
        if (pool_result_get(results[i], &outcomes[i].value, left > 0 ? left : 0) == 0) {
            outcomes[i].how = DONE;
            continue;
        }
        status = -1;
        outcomes[i].how = FAILED;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
    }
    return status;

/* wrong, kinds: whatever is not done is late */
    double end = harness_now() + seconds;
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        double left = end - harness_now();
        outcomes[i].how = DONE;
        if (pool_result_get(results[i], &outcomes[i].value, left > 0 ? left : 0) == 0)
            continue;
        status = -1;
        outcomes[i].how = LATE;
    }
    return status;

/* wrong, kinds: no words */
    double end = harness_now() + seconds;
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        double left = end - harness_now();
        outcomes[i].how = DONE;
        if (pool_result_get(results[i], &outcomes[i].value, left > 0 ? left : 0) == 0)
            continue;
        status = -1;
        outcomes[i].how = pool_error()->code == ETIMEDOUT ? LATE : FAILED;
    }
    return status;

/* wrong, kinds: not told in the status */
    double end = harness_now() + seconds;
    for (size_t i = 0; i < n; i++) {
        double left = end - harness_now();
        outcomes[i].how = DONE;
        if (pool_result_get(results[i], &outcomes[i].value, left > 0 ? left : 0) == 0)
            continue;
        outcomes[i].how = pool_error()->code == ETIMEDOUT ? LATE : FAILED;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
    }
    return 0;

/* wrong, neighbours: stops at the first failure */
    double end = harness_now() + seconds;
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        double left = end - harness_now();
        outcomes[i].how = DONE;
        if (pool_result_get(results[i], &outcomes[i].value, left > 0 ? left : 0) == 0)
            continue;
        status = -1;
        outcomes[i].how = pool_error()->code == ETIMEDOUT ? LATE : FAILED;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
        if (outcomes[i].how == FAILED)
            break;
    }
    return status;

/* wrong, slow-first: behind one that is late all are late */
    double end = harness_now() + seconds;
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        double left = end - harness_now();
        outcomes[i].how = DONE;
        if (left > 0 && pool_result_get(results[i], &outcomes[i].value, left) == 0)
            continue;
        status = -1;
        outcomes[i].how = left <= 0 || pool_error()->code == ETIMEDOUT ? LATE : FAILED;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
    }
    return status;

/* wrong, one-budget: the seconds anew for each */
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        outcomes[i].how = DONE;
        if (pool_result_get(results[i], &outcomes[i].value, seconds) == 0)
            continue;
        status = -1;
        outcomes[i].how = pool_error()->code == ETIMEDOUT ? LATE : FAILED;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
    }
    return status;

/* wrong, lost-worker: only what the task itself says is a failure */
    double end = harness_now() + seconds;
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        double left = end - harness_now();
        outcomes[i].how = DONE;
        if (pool_result_get(results[i], &outcomes[i].value, left > 0 ? left : 0) == 0)
            continue;
        status = -1;
        outcomes[i].how = pool_error()->code == EREMOTEIO ? FAILED : LATE;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
    }
    return status;

/* wrong, sound: a list is not freed */
    double end = harness_now() + seconds, *left = malloc(n * sizeof *left);
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        left[i] = end - harness_now();
        outcomes[i].how = DONE;
        if (pool_result_get(results[i], &outcomes[i].value, left[i] > 0 ? left[i] : 0) == 0)
            continue;
        status = -1;
        outcomes[i].how = pool_error()->code == ETIMEDOUT ? LATE : FAILED;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
    }
    left = NULL;
    return status;

/* right: waits for all first, then looks at each */
    double end = harness_now() + seconds;
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        double left = end - harness_now();
        pool_result_wait(results[i], left > 0 ? left : 0);
    }
    for (size_t i = 0; i < n; i++) {
        struct pool_error error;
        const long *value;
        if (!pool_result_ready(results[i])) {
            outcomes[i].how = LATE;
        } else if ((value = pool_result_at(results[i], 0))) {
            outcomes[i] = (struct outcome){ .how = DONE, .value = *value };
        } else {
            pool_result_failure(results[i], 0, &error);
            outcomes[i].how = FAILED;
            snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", error.text);
        }
        if (outcomes[i].how != DONE)
            status = -1;
    }
    return status;

/* right: counts the seconds down */
    double before = harness_now();
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        struct outcome o = { .how = DONE };
        if (pool_result_get(results[i], &o.value, seconds) != 0) {
            o.how = errno == ETIMEDOUT ? LATE : FAILED;
            strcpy(o.words, pool_error()->text);
        }
        good += o.how == DONE;
        outcomes[i] = o;
        double now = harness_now();
        seconds = seconds - (now - before) > 0 ? seconds - (now - before) : 0;
        before = now;
    }
    return good == n ? 0 : -1;

/* right: looks often, rather than waiting */
    double end = harness_now() + seconds;
    size_t open = n;
    int status = 0;
    while (open > 0) {
        int last = harness_now() >= end;
        open = 0;
        for (size_t i = 0; i < n; i++) {
            if (outcomes[i].how != NOTHING)
                continue;
            if (!pool_result_ready(results[i])) {
                outcomes[i].how = last ? LATE : NOTHING;
                open += !last;
                continue;
            }
            outcomes[i].how = pool_result_get(results[i], &outcomes[i].value, 0) == 0 ? DONE : FAILED;
            if (outcomes[i].how == FAILED)
                snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", pool_error()->text);
        }
        usleep(1000);
    }
    for (size_t i = 0; i < n; i++)
        if (outcomes[i].how != DONE)
            status = -1;
    return status;
