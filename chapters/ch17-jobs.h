/*
 * ch17-jobs.h: what all parts of chapter 17 work on.
 */
#ifndef CH17_JOBS_H
#define CH17_JOBS_H

#include "measure.h"
#include "photos.h"
#include "scratch.h"
#include "thumbnail.h"

enum { FEW = 8, SOME = 16, DEFAULT = 60 };

static int count = DEFAULT; /* photographs */
static char photos[128];    /* the folder they are in */
static struct job *job;     /* one for each */

/* Makes a folder for thumbnails; all jobs are to write there. */
static void write_to(const char *name)
{
    char folder[sizeof scratch + 20];
    snprintf(folder, sizeof folder, "%s/%s", scratch, name);
    check_file(mkdir(folder, 0777) == 0 || errno == EEXIST, folder);
    for (int i = 0; i < count; i++)
        check_file(photo_path(job[i].photo, photos, i) &&
                       photo_path(job[i].thumbnail, folder, i),
                   folder);
}

/* Photographs that `make photos` has left; or else new ones, in scratch. */
static void find_photos(void)
{
    char path[PATH];
    int there = 0;
    while (there < count && photo_path(path, "build/photos", there) &&
           access(path, R_OK) == 0)
        there++;
    bool ready = there == count;
    snprintf(photos, sizeof photos, "%s", ready ? "build/photos" : scratch);
    if (!ready && !photos_fit(photos, count)) {
        fprintf(stderr, CHAPTER ": no room in %s for %d photographs, %.1f GB\n",
                photos, count, 1e-9 * PHOTO_BYTES * count);
        exit(EXIT_FAILURE);
    }
    double start = now();
    check(ready || make_photos(photos, count) == count);
    printf("%d photographs of %dx%d, ", count, PHOTO_WIDTH, PHOTO_HEIGHT);
    if (ready)
        printf("from build/photos\n");
    else
        printf("made in %.1f s\n", now() - start);
    job = calloc((size_t)count, sizeof *job);
    check_file(job != NULL, "memory");
}

static struct pool *open_kind(enum pool_kind kind, int size)
{
    struct pool_options options = { .processes = size, .kind = kind };
    struct pool *pool = pool_open(&options);
    check(pool != NULL);
    return pool;
}

#endif
