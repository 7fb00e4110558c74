/*
 * Chapter 17: thumbnails.
 *
 * The idea: scaling pictures computes, so a pool takes as many times less as
 * there are cores. Threads may read what processes scale, if the processes are
 * there first. And what is wrong with one picture is nobody else's affair.
 *
 * Usage: make ch17 && ./ch17        60 photographs
 *        ./ch17 6000                the document's number; first, if you like:
 *        make photos N=6000         they stay in build/photos, 2.7 GB
 *
 * Packages: libjpeg-dev (-ljpeg)
 *
 * Watch for: who waits for whom, and what stands under a thumbnail's name.
 */
#define _GNU_SOURCE /* for nftw() */
#define CHAPTER "ch17"
#include <stdio.h>

#if !__has_include(<jpeglib.h>)
int main(void)
{
    fprintf(stderr, CHAPTER " needs libjpeg: apt-get install libjpeg-dev, then "
                            "make " CHAPTER " again\n");
    return 77;
}
#else

#include "ch17-bad.h"
#include "ch17-jobs.h"
#include "ch17-mixed.h"

/* How many thumbnails in this folder are the loop's, byte by byte. */
static int as_in_loop(const char *folder)
{
    struct picture *picture = malloc(2 * sizeof *picture);
    int same = 0;
    for (int i = 0; picture && i < count; i++) {
        const char *const of[2] = { "loop", folder };
        bool there = true;
        for (int k = 0; k < 2; k++) {
            char path[sizeof scratch + 20];
            struct job look;
            snprintf(path, sizeof path, "%s/%s", scratch, of[k]);
            there &= photo_path(look.photo, path, i) &&
                     read_picture(&look, &picture[k]) == 0;
        }
        same += there && picture[0].size == picture[1].size &&
                memcmp(picture[0].jpeg, picture[1].jpeg, picture->size) == 0;
    }
    free(picture);
    return same;
}

/* [map] */
/* Makes all thumbnails in a pool of that kind; the loop took `alone`. */
static void by_map(enum pool_kind kind, const char *name, double alone)
{
    write_to(name);
    struct pool *pool = open_kind(kind, 0);
    double start = now();
    struct pool_result *result = pool_map_async(
        pool, make_thumbnail, job, (size_t)count, sizeof *job, 0, NULL);
    check(result != NULL);
    if (count > DEFAULT)
        progress_wait(result, name); /* a bar, if this is a terminal */
    check(pool_result_get(result, NULL, POOL_FOREVER) == 0);
    double seconds = now() - start;
    printf("map, %d %-9s %7.2f s, %.2f times as fast", pool_processes(pool),
           name, seconds, alone / seconds);
    finish(pool);
    printf("; %d are the same\n", as_in_loop(name));
}
/* [/map] */

static void three_ways(void)
{
    write_to("loop");
    double start = now();
    for (int i = 0; i < count; i++)
        if (make_thumbnail(&job[i], NULL) != 0) {
            fprintf(stderr, CHAPTER ": %s is damaged\n", job[i].photo);
            exit(EXIT_FAILURE);
        }
    double alone = now() - start;
    printf("a loop           %7.2f s\n", alone);
    by_map(POOL_PROCESSES, "processes", alone);
    by_map(POOL_THREADS, "threads", alone);
}

static const struct part {
    const char *name;
    void (*run)(void);
} parts[] = { { "ways", three_ways },
              { "late", late_reads },
              { "order", four_orders },
              { "bad", bad_pictures },
              { "half", half_written } };

enum { PARTS = sizeof parts / sizeof *parts };

static int part = PARTS; /* the one that is asked for; or else all */

static void run_parts(void)
{
    find_photos();
    for (int i = 0; i < PARTS; i++)
        if (part == i || part == PARTS)
            parts[i].run();
}

/* A part, or how many photographs; false: neither. */
static bool read_argument(const char *text)
{
    char *end;
    for (part = 0; part < PARTS; part++)
        if (strcmp(text, parts[part].name) == 0)
            return true;
    long number = strtol(text, &end, 10);
    count = number >= SOME && number <= PHOTO_MOST ? (int)number : 0;
    return count > 0 && *end == '\0';
}

int main(int argc, char **argv)
{
    pool_freeze_support(); /* a new run is a worker, and goes no further */
    if (argc > 2 || (argc == 2 && !read_argument(argv[1]))) {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fprintf(help ? stdout : stderr,
                "usage: ./" CHAPTER " [N | ways | late | order | bad | half]\n"
                "N photographs, %d to %d; %d if you do not say\n",
                SOME, PHOTO_MOST, DEFAULT);
        return help ? 0 : 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line leaves as it is printed */
    document_second();                /* a wrong $SCALE is told at once */
    return with_scratch(run_parts);
}
#endif
