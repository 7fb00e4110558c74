/*
 * Answers to exercise 9, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault.
 */

/* wrong, nobody-out-of-memory: nobody is ever replaced */
    if (leak > limit) {
        errno = ENOMEM;
        return NULL;
    }
    struct pool_options options = { .processes = workers };
    return pool_open(&options);

/* wrong, nobody-out-of-memory: one task too many */
    if (leak > limit) {
        errno = ENOMEM;
        return NULL;
    }
    struct pool_options options = { .processes = workers };
    if (leak > 0)
        options.maxtasks = (long)(limit / leak) + 1;
    return pool_open(&options);

/* wrong, nobody-out-of-memory: rounded to the nearest */
    if (leak > limit) {
        errno = ENOMEM;
        return NULL;
    }
    struct pool_options options = { .processes = workers };
    if (leak > 0)
        options.maxtasks = (long)((limit + leak / 2) / leak);
    return pool_open(&options);

/* wrong, no-needless-restarts: a new worker for each task */
    if (leak > limit) {
        errno = ENOMEM;
        return NULL;
    }
    struct pool_options options = { .processes = workers };
    if (leak > 0)
        options.maxtasks = 1;
    return pool_open(&options);

/* wrong, no-needless-restarts: one task too few */
    if (leak > limit) {
        errno = ENOMEM;
        return NULL;
    }
    struct pool_options options = { .processes = workers };
    if (leak > 0)
        options.maxtasks = limit / leak > 1 ? (long)(limit / leak) - 1 : 1;
    return pool_open(&options);

/* wrong, all-workers: one worker */
    if (leak > limit) {
        errno = ENOMEM;
        return NULL;
    }
    struct pool_options options = { .processes = workers > 1 ? 1 : 1 };
    if (leak > 0)
        options.maxtasks = (long)(limit / leak);
    return pool_open(&options);

/* wrong, no-leak: 0 bytes are taken for one */
    if (leak > limit) {
        errno = ENOMEM;
        return NULL;
    }
    struct pool_options options = { .processes = workers };
    options.maxtasks = (long)(limit / (leak ? leak : limit / 2 + 1));
    return pool_open(&options);

/* wrong, no-leak: a division by 0 */
    if (leak > limit) {
        errno = ENOMEM;
        return NULL;
    }
    struct pool_options options = { .processes = workers };
    options.maxtasks = (long)(limit / leak);
    return pool_open(&options);

/* wrong, no-room: 1 where not even one fits */
    struct pool_options options = { .processes = workers };
    if (leak > 0)
        options.maxtasks = limit / leak ? (long)(limit / leak) : 1;
    return pool_open(&options);

/* wrong, no-room: NULL, but no errno */
    if (leak > limit) {
        errno = 0;
        return NULL;
    }
    struct pool_options options = { .processes = workers };
    if (leak > 0)
        options.maxtasks = (long)(limit / leak);
    return pool_open(&options);

/* right: counted, not divided */
    long fit = 0;
    if (leak == 0)
        return pool_open(&(struct pool_options){ .processes = workers });
    for (size_t left = limit; left >= leak; left -= leak)
        fit++;
    if (fit == 0) {
        errno = ENOMEM;
        return NULL;
    }
    return pool_open(&(struct pool_options){ .processes = workers, .maxtasks = fit });

/* right: with more workers' options, and one way out */
    struct pool *pool = NULL;
    struct pool_options options = { 0 };
    options.processes = workers;
    options.maxtasks = leak ? (long)(limit / leak) : 0;
    if (leak == 0 || options.maxtasks >= 1)
        pool = pool_open(&options);
    else
        errno = ENOMEM;
    return pool;

/* right: a very large number instead of never */
    if (leak > limit)
        return errno = ENOMEM, NULL;
    long most = leak ? (long)(limit / leak) : 1000000000;
    struct pool_options options = { .maxtasks = most, .processes = workers };
    return pool_open(&options);
