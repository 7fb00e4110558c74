/*
 * Answers to exercise 17, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with.
 */

/* wrong, readers: a serial loop in the program itself */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    static struct picture picture;
    int status = 0;
    (void)readers, (void)scalers;
    for (size_t i = 0; i < n; i++)
        if (read_picture(&file[i], &picture) != 0 || scale(&picture, &thumbnail[i]) != 0)
            status = -1;
    return status;
}

/* wrong, nothing-left: neither pool is ended */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    return status;
}

/* wrong, every-picture: the last file is lost */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n - 1 };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i + 1 < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, lock-at-fork: threads read already when the processes are started */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *reading = pool_open(&threads);
    struct pool_result *read[n], *scaled[n];
    static struct picture picture;
    int status = 0;
    for (size_t i = 0; i < n; i++)
        read[i] = pool_apply_async(reading, read_picture, &file[i], sizeof *file, sizeof picture, NULL);
    struct pool *scaling = pool_open(&processes);
    for (size_t i = 0; i < n; i++) {
        scaled[i] = NULL;
        if (pool_result_get(read[i], &picture, POOL_FOREVER) == 0)
            scaled[i] = pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
    }
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, lock-at-fork: threads of its own, and then the pool */
struct work {
    pthread_mutex_t lock;
    struct files files;
    struct pool *scaling;
    struct pool_result **scaled;
};

static void *reader(void *arg)
{
    struct work *work = arg;
    struct picture *picture = malloc(sizeof *picture);
    for (;;) {
        const char *file;
        pthread_mutex_lock(&work->lock);
        size_t i = work->files.next;
        int more = next_file(&work->files, &file);
        pthread_mutex_unlock(&work->lock);
        if (!picture || !more)
            break;
        if (read_picture(&file, picture) == 0)
            work->scaled[i] = pool_apply_async(work->scaling, scale, picture, sizeof *picture, sizeof(long), NULL);
    }
    free(picture);
    return NULL;
}

static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_result *scaled[n];
    struct work work = { .files = { file, 0, n }, .scaled = scaled };
    struct pool_options options = { .processes = scalers };
    pthread_t thread[readers];
    int status = 0;
    memset(scaled, 0, sizeof scaled);
    pthread_mutex_init(&work.lock, NULL);
    for (int i = 0; i < readers; i++)
        pthread_create(&thread[i], NULL, reader, &work);
    work.scaling = pool_open(&options);
    for (int i = 0; i < readers; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(work.scaling);
    return status;
}

/* wrong, lock-at-fork: threads first, although they wait until the pool is there */
struct work {
    pthread_mutex_t lock;
    struct files files;
    struct pool *scaling;
    struct pool_result **scaled;
};

static void *reader(void *arg)
{
    struct work *work = arg;
    pthread_mutex_lock(&work->lock); /* the program has it until there is a pool */
    pthread_mutex_unlock(&work->lock);
    struct picture *picture = malloc(sizeof *picture);
    for (;;) {
        const char *file;
        pthread_mutex_lock(&work->lock);
        size_t i = work->files.next;
        int more = next_file(&work->files, &file);
        pthread_mutex_unlock(&work->lock);
        if (!picture || !more)
            break;
        if (read_picture(&file, picture) == 0)
            work->scaled[i] = pool_apply_async(work->scaling, scale, picture, sizeof *picture, sizeof(long), NULL);
    }
    free(picture);
    return NULL;
}

static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_result **scaled = calloc(n, sizeof *scaled);
    struct pool_options options = { .processes = scalers };
    struct work work = { .lock = PTHREAD_MUTEX_INITIALIZER, .files = { file, 0, n }, .scaled = scaled };
    pthread_t thread[readers];
    int status = 0;
    pthread_mutex_lock(&work.lock);
    for (int i = 0; i < readers; i++)
        pthread_create(&thread[i], NULL, reader, &work);
    work.scaling = pool_open(&options);
    pthread_mutex_unlock(&work.lock);
    for (int i = 0; i < readers; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < n; i++)
        status |= pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER);
    pool_close(work.scaling);
    pool_join(work.scaling, POOL_FOREVER);
    pool_free(work.scaling);
    free(scaled);
    return status;
}

/* wrong, lock-at-fork: a pool of threads first, which have nothing to do yet */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *reading = pool_open(&threads);
    struct pool *scaling = pool_open(&processes);
    struct pool_result *scaled[n];
    struct picture picture;
    struct files files = { file, 0, n };
    int got, status = 0;
    memset(scaled, 0, sizeof scaled);
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, overlap: all files are read before one is scaled */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct picture *picture = malloc(n * sizeof *picture);
    int status = 0;
    if (pool_map(reading, read_picture, file, n, sizeof *file, picture, sizeof *picture) != 0)
        status = -1;
    if (pool_map(scaling, scale, picture, n, sizeof *picture, thumbnail, sizeof *thumbnail) != 0)
        status = -1;
    free(picture);
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, overlap: reads as many as there are readers, scales these, and so on */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    size_t most = 4 * (size_t)(readers + scalers), some;
    struct picture *picture = malloc(most * sizeof *picture);
    int status = 0;
    for (size_t i = 0; i < n; i += some) {
        some = n - i < most ? n - i : most;
        status |= pool_map(reading, read_picture, file + i, some, sizeof *file, picture, sizeof *picture);
        status |= pool_map(scaling, scale, picture, some, sizeof *picture, thumbnail + i, sizeof *thumbnail);
    }
    free(picture);
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, slow-first: reads come in the order of the files */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, scalers: each picture is waited for before the next */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got != 1 || pool_apply(scaling, scale, &picture, sizeof picture,
                                   &thumbnail[pool_iter_index(iter)], sizeof(long)) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, readers: processes read */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, readers: one reader, whatever was asked for */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = 1 + 0 * readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, readers: a reader for each file */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers > 0 ? (int)n : 0, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, scalers: threads scale */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers, .kind = POOL_THREADS };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, scalers: one scaler more than asked for */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers + 1 };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, bad-picture: the first that cannot be read ends it */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) == 1)
        scaled[pool_iter_index(iter)] = pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, bad-picture: the first that cannot be scaled ends it */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n && status == 0; i++)
        status = pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER);
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, bad-picture: a failure is not told */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER);
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, deadly-picture: whatever killed a scaler is tried again */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[n];
    memset(scaled, 0, sizeof scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_job_options again = { .retries = 2 };
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), &again);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, many: room for sixty-four */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result *scaled[64];
    memset(scaled, 0, sizeof scaled);
    n = n < 64 ? n : 64;
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* wrong, sound: the table of handles is not freed */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *scaling = pool_open(&processes), *reading = pool_open(&threads);
    struct pool_result **scaled = calloc(n, sizeof *scaled);
    struct files files = { file, 0, n };
    struct picture picture;
    int got, status = 0;
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files, sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] =
                pool_apply_async(scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    scaled = NULL;
    return status;
}

/* right: threads of its own, once the pool is there */
struct work {
    pthread_mutex_t lock;
    struct files files;
    struct pool *scaling;
    struct pool_result **scaled;
};

static void *reader(void *arg)
{
    struct work *work = arg;
    struct picture *picture = malloc(sizeof *picture);
    for (;;) {
        const char *file;
        pthread_mutex_lock(&work->lock);
        size_t i = work->files.next;
        int more = next_file(&work->files, &file);
        pthread_mutex_unlock(&work->lock);
        if (!picture || !more)
            break;
        if (read_picture(&file, picture) == 0)
            work->scaled[i] = pool_apply_async(work->scaling, scale, picture, sizeof *picture, sizeof(long), NULL);
    }
    free(picture);
    return NULL;
}

static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_result *scaled[n];
    struct pool_options options = { .processes = scalers };
    struct work work = { .files = { file, 0, n }, .scaling = pool_open(&options), .scaled = scaled };
    pthread_t thread[readers];
    int status = 0;
    memset(scaled, 0, sizeof scaled);
    pthread_mutex_init(&work.lock, NULL);
    for (int i = 0; i < readers; i++)
        if (pthread_create(&thread[i], NULL, reader, &work) != 0)
            abort();
    for (int i = 0; i < readers; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(work.scaling);
    pthread_mutex_destroy(&work.lock);
    return status;
}

/* right: a callback hands over what was read */
struct one {
    struct pool *scaling;
    struct pool_result *read, *scaled;
};

static void hand_over(struct pool_result *result, void *cookie)
{
    struct one *one = cookie;
    const void *picture = pool_result_at(result, 0);
    one->scaled = pool_apply_async(one->scaling, scale, picture, sizeof(struct picture), sizeof(long), NULL);
}

static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options options[2] = { { .processes = scalers }, { .processes = readers, .kind = POOL_THREADS } };
    struct pool *scaling = pool_open(&options[0]), *reading = pool_open(&options[1]);
    struct one one[n];
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        struct pool_job_options job = { .callback = hand_over, .cookie = &one[i] };
        one[i] = (struct one){ .scaling = scaling };
        one[i].read = pool_apply_async(reading, read_picture, &file[i], sizeof *file, sizeof(struct picture), &job);
    }
    for (size_t i = 0; i < n; i++)
        pool_result_wait(one[i].read, POOL_FOREVER);
    for (size_t i = n; i-- > 0;) {
        if (!one[i].scaled || pool_result_get(one[i].scaled, &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
        pool_result_free(one[i].read);
        pool_result_free(one[i].scaled);
    }
    pool_close(reading);
    pool_close(scaling);
    pool_join(reading, POOL_FOREVER);
    pool_join(scaling, POOL_FOREVER);
    pool_free(reading);
    pool_free(scaling);
    return status;
}

/* right: looks by itself what has been read */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool *scaling = pool_open(&processes);
    struct pool_options threads = { .processes = readers, .kind = POOL_THREADS };
    struct pool *reading = scaling ? pool_open(&threads) : NULL;
    struct pool_result **read = calloc(n, sizeof *read), **scaled = calloc(n, sizeof *scaled);
    size_t left = reading && read && scaled ? n : 0;
    int status = left ? 0 : -1;
    for (size_t i = 0; i < left; i++)
        read[i] = pool_apply_async(reading, read_picture, &file[i], sizeof *file, sizeof(struct picture), NULL);
    while (left > 0) {
        for (size_t i = 0; i < n; i++) {
            if (!pool_result_ready(read[i]))
                continue;
            const void *picture = pool_result_at(read[i], 0);
            if (picture)
                scaled[i] = pool_apply_async(scaling, scale, picture, sizeof(struct picture), sizeof(long), NULL);
            pool_result_free(read[i]);
            read[i] = NULL;
            left--;
        }
        usleep(500);
    }
    for (size_t i = 0; scaled && i < n; i++) {
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
        pool_result_free(scaled[i]);
    }
    free(scaled);
    free(read);
    pool_free(reading);
    pool_free(scaling);
    return status;
}
