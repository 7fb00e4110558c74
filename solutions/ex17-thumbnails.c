/*
 * Exercise 17: thumbnails.
 * Packages: libjpeg-dev (-ljpeg)
 *
 * Write pipeline(), where TODO stands, and what it needs. Nothing else changes.
 *
 * Usage: make ex17 && ./ex17                 4 readers, 2 scalers, 12 pictures
 *        ./ex17 READERS SCALERS FILE...      as you like: small JPEGs
 *        make grade-17                       the verdict; make hint-17 if stuck
 *
 * main() prints the number of each thumbnail, which follows from its dots.
 */
#define _GNU_SOURCE
#include "harness.h"

#if !__has_include(<jpeglib.h>)
int main(void)
{
    fprintf(stderr, "ex17 needs libjpeg: apt-get install libjpeg-dev, "
                    "then make ex17 again\n");
    return 77;
}
#else
#include "picture.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Prepares what both tasks use: once in each process, by whichever thread comes
   first; the others wait. Many a library does so. By hand it takes 0.1 s. */
static void prepare(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool prepared;
    pthread_mutex_lock(&lock);
    if (!prepared && !getenv("WITNESS"))
        usleep(100000);
    if (!prepared)
        witness_tell("prepare");
    prepared = true;
    pthread_mutex_unlock(&lock);
}

/* The first task, for threads. Reads a picture from a file, `arg` points to its
   name; the file may keep it waiting for long, by hand for 0.1 s. */
static int read_picture(const void *arg, void *result)
{
    const char *file = *(const char *const *)arg;
    char question[64];
    prepare();
    snprintf(question, sizeof question, "read %s", file);
    witness_tell(question);
    if (!getenv("WITNESS"))
        usleep(100000);
    if (picture_read(file, (struct picture *)result) == 0)
        return 0;
    return pool_fail("%s: %s", file, strerror(errno));
}

/* The second task, for processes. Makes the thumbnail of a struct picture, and
   asks the witness about its number; by hand that is the answer. */
static int scale(const void *arg, void *result)
{
    char question[64], words[JMSG_LENGTH_MAX];
    long sum, answer = 0;
    prepare();
    if (picture_sum((const struct picture *)arg, &sum, words) != 0)
        return pool_fail("%s", words);
    snprintf(question, sizeof question, "ask %ld", sum);
    int status = witness_ask(question, sum, &answer);
    *(long *)result = status == 0 ? answer : 0;
    return status;
}

/* A source of file names, if you want one: for a stream. */
struct files {
    const char **file;
    size_t next, n;
};

static inline int next_file(void *state, void *item)
{
    struct files *files = (struct files *)state;
    if (files->next == files->n)
        return 0;
    *(const char **)item = files->file[files->next++];
    return 1;
}

/*
 * Makes a thumbnail of each of n files: threads read, processes scale.
 *
 * In this process `readers` threads call read_picture() for each file, once:
 * so many at once, if there are as many files, and not more. `scalers` other
 * processes call scale() with what was read, once; so many at once, not more.
 * A file that keeps its reader waiting holds up nobody else: each picture that
 * was read is scaled at once, whichever come later. thumbnail[i] is what
 * scale() gave for file[i]. n is at least 1.
 *
 * No process is started by a fork() of this one while it has other threads: a
 * lock that one of them holds would stay locked there for ever.
 *
 * A file that cannot be read, and a picture that cannot be scaled or kills its
 * scaler, has thumbnail 0; all others are made all the same.
 *
 * Returns 0 if every file has its thumbnail; exactly -1 if not. By then all its
 * threads and processes have ended. It prints nothing on stdout.
 */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail);

/* ---- your code begins here ---- */
static int pipeline(const char **file, size_t n, int readers, int scalers,
                    long *thumbnail)
{
    struct pool_options processes = { .processes = scalers };
    struct pool_options threads = { .processes = readers,
                                    .kind = POOL_THREADS };
    struct pool *scaling =
        pool_open(&processes); /* first: nobody can hold a lock yet */
    struct pool *reading = scaling ? pool_open(&threads) : NULL;
    struct pool_result *scaled[n];
    struct picture picture;
    struct files files = { file, 0, n };
    int got, status = 0;
    memset(scaled, 0, sizeof scaled);
    struct pool_iter *iter =
        pool_imap_unordered(reading, read_picture, next_file, &files,
                            sizeof *file, sizeof picture, NULL);
    while ((got = pool_iter_next(iter, &picture, POOL_FOREVER)) != 0)
        if (got == 1)
            scaled[pool_iter_index(iter)] = pool_apply_async(
                scaling, scale, &picture, sizeof picture, sizeof(long), NULL);
        else if (pool_error()->item == POOL_NO_ITEM)
            break;
    for (size_t i = 0; i < n; i++)
        if (pool_result_get(scaled[i], &thumbnail[i], POOL_FOREVER) != 0)
            status = -1;
    pool_free(reading);
    pool_free(scaling);
    return status;
}
/* ---- and ends here ---- */

/* The witness is told of each fork() while there are threads: so it can see to
   it that one of them is just in prepare(). By hand there is time for that. */
static pid_t host;

static bool has_threads(void)
{
    struct stat tasks;
    return getpid() == host && stat("/proc/self/task", &tasks) == 0 &&
           tasks.st_nlink > 3;
}

static void before_fork(void)
{
    if (has_threads() && !getenv("WITNESS"))
        usleep(50000);
    if (has_threads())
        witness_tell("fork");
}

static void after_fork(void)
{
    if (has_threads() && !getenv("WITNESS"))
        fprintf(stderr, "a fork() while there are threads: what one of them "
                        "has locked stays locked in the child\n");
    if (has_threads())
        witness_tell("forked");
}

/* Makes twelve files that have a number, but no name that could be left. */
static int make_files(const char **file)
{
    static struct picture picture;
    static char name[12][32];
    for (int i = 0; i < 12; i++) {
        picture_make((unsigned)i, &picture);
        int fd = memfd_create("picture", MFD_CLOEXEC);
        if (write(fd, picture.bytes, picture.size) != (ssize_t)picture.size) {
            perror("memfd_create");
            exit(EXIT_FAILURE);
        }
        snprintf(name[i], sizeof name[i], "/proc/self/fd/%d", fd);
        file[i] = name[i];
    }
    return 12;
}

int main(int argc, char **argv)
{
    const char *made[12], **file = made;
    int readers = argc > 1 ? harness_count(argv[1]) : 4;
    int scalers = argc > 2 ? harness_count(argv[2]) : 2;
    int n = argc > 3 ? argc - 3 : make_files(made);
    long thumbnail[n];
    if (argc > 3)
        file = (const char **)argv + 3;
    memset(thumbnail, 0, sizeof thumbnail);
    host = getpid();
    pthread_atfork(before_fork, after_fork, NULL);
    if (argc <= 3 && !getenv("WITNESS"))
        alarm(20); /* by hand it ends, whatever it waits for */

    int before = harness_begin();
    double start = harness_now();
    int status = pipeline(file, (size_t)n, readers, scalers, thumbnail);
    double seconds = harness_now() - start;
    bool good = harness_end("pipeline", status, before);
    for (int i = 0; i < n; i++)
        printf("%d -> %ld\n", i, thumbnail[i]);
    if (!getenv("WITNESS"))
        fprintf(stderr, "it took %.1f s; one by one, it would be %.1f s\n",
                seconds, 0.1 + 0.1 * n);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
