/*
 * photos.h: photographs for chapter 17, painted from a number.
 *
 * A sky, a sun, three ranges of hills, and the grain of a film: as large as a
 * camera's, 3000x2000, and nearly as hard to decode. The same number gives the
 * same photograph, so none has to be kept with the course.
 */
#ifndef PHOTOS_H
#define PHOTOS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PHOTO_WIDTH = 3000, PHOTO_HEIGHT = 2000, PHOTO_BYTES = 500000 };
enum {
    PHOTO_PATH = 256,
    PHOTO_MOST = 100000,
    PHOTO_FEW = 60,
    PHOTO_LAYERS = 4,
    PHOTO_GRAIN = 1 << 16
};

/* Writes the path of photograph `number` in a folder; false: it is too long. */
static inline bool photo_path(char path[PHOTO_PATH], const char *folder,
                              int number)
{
    return snprintf(path, PHOTO_PATH, "%s/%06d.jpg", folder, number) <
           PHOTO_PATH;
}

/* Tells whether a folder's disk has room for so many, and a tenth more. */
static inline bool photos_fit(const char *folder, int count)
{
    struct statvfs disk;
    return statvfs(folder, &disk) != 0 ||
           (double)disk.f_bavail * (double)disk.f_frsize >
               1.1 * PHOTO_BYTES * count;
}

#if __has_include(<jpeglib.h>)
#include "../examples/progress.h"
#include <jpeglib.h>

struct photo {
    uint64_t random;
    int sun_x, sun_y, sun_radius;
    int top[PHOTO_LAYERS][PHOTO_WIDTH]; /* where a layer begins; 0: the sky */
    int color[PHOTO_LAYERS][3];
    signed char grain[PHOTO_GRAIN];
    unsigned char row[PHOTO_WIDTH][3];
};

/* A number of at least 0 and less than that. (splitmix64) */
static inline int photo_random(struct photo *p, int less_than)
{
    uint64_t z = p->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (int)((z ^ z >> 31) % (uint64_t)less_than);
}

/* Up and down again like a sine, once for each whole number. */
static inline double photo_wave(double t)
{
    t -= (double)(int)t;
    double u = t < 0.5 ? 4 * t - 1 : 4 * t - 3;
    return t < 0.5 ? 1 - u * u : u * u - 1;
}

static inline void photo_begin(struct photo *p, int number)
{
    p->random = (uint64_t)number;
    p->sun_x = photo_random(p, PHOTO_WIDTH);
    p->sun_y = 100 + photo_random(p, 500);
    p->sun_radius = 60 + photo_random(p, 120);
    for (int i = 0; i < PHOTO_GRAIN; i++)
        p->grain[i] = (signed char)(photo_random(p, 7) + photo_random(p, 7) +
                                    photo_random(p, 7) - 9);
    for (int l = 0; l < PHOTO_LAYERS; l++) {
        double wide = 1900 + photo_random(p, 3700), steep = 10 + 40 * l;
        double from = photo_random(p, 6000);
        for (int x = 0; l > 0 && x < PHOTO_WIDTH; x++) {
            double t = (x + from) / wide;
            double hills = photo_wave(t) + photo_wave(4.7 * t + 0.3) / 3 +
                           photo_wave(31 * t + 0.7) / 9;
            p->top[l][x] = (int)(500 + 330 * l + steep * hills);
        }
        for (int c = 0; c < 3; c++) /* such that no light leaves 0 to 255 */
            p->color[l][c] = (l ? 130 - 25 * l : 80) + photo_random(p, 50) +
                             (l == 0 && c == 2 ? 40 : 0);
    }
}

static inline void photo_paint(struct photo *p, int y)
{
    const signed char *grain = p->grain;
    int shift = photo_random(p, PHOTO_GRAIN - PHOTO_WIDTH), dy = y - p->sun_y;
    int glow = p->sun_radius * p->sun_radius - dy * dy, layer;
    for (int x = 0; x < PHOTO_WIDTH; x++) {
        for (layer = PHOTO_LAYERS - 1; y < p->top[layer][x]; layer--)
            continue;
        int dx = x - p->sun_x, light = grain[shift + x];
        if (layer > 0)
            light += (p->top[layer][x] - y) / 20;
        else
            light += y / 25 + (dx * dx < glow ? 40 : 0);
        for (int c = 0; c < 3; c++)
            p->row[x][c] = (unsigned char)(p->color[layer][c] + light);
    }
}

/* Makes photograph so-and-so: beside its place first, so that nobody ever finds
   half of one there. Returns 0, or -1 with errno. */
static inline int make_photo(const char *folder, int number)
{
    char path[PHOTO_PATH], beside[PHOTO_PATH + 8];
    if (!photo_path(path, folder, number)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(beside, sizeof beside, "%s.part", path);
    struct photo *photo = calloc(1, sizeof *photo);
    FILE *file = photo ? fopen(beside, "wb") : NULL;
    if (!file) {
        free(photo);
        return -1;
    }
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr error;
    c.err = jpeg_std_error(&error);
    jpeg_create_compress(&c);
    jpeg_stdio_dest(&c, file);
    c.image_width = PHOTO_WIDTH;
    c.image_height = PHOTO_HEIGHT;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    c.dct_method = JDCT_IFAST;
    photo_begin(photo, number);
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < PHOTO_HEIGHT; y++) {
        if (y % 2 == 0) /* each row twice: nobody sees it */
            photo_paint(photo, y);
        jpeg_write_scanlines(&c, (JSAMPROW[]){ photo->row[0] }, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(photo);
    int failed = ferror(file);
    failed |= fclose(file);
    return failed ? -1 : rename(beside, path);
}

static const char *photo_folder;

static inline int photo_task(const void *arg, void *result)
{
    const int *number = arg;
    (void)result;
    if (make_photo(photo_folder, *number) == 0)
        return 0;
    return pool_fail("photograph %d in %s: %s", *number, photo_folder,
                     strerror(errno));
}

/* Makes those of the first `count` photographs that are not there. Returns how
   many, or -1 with pool_error(). */
static inline int make_photos(const char *folder, int count)
{
    char path[PHOTO_PATH];
    int missing = 0, *number = malloc((size_t)count * sizeof *number);
    for (int i = 0; number && i < count; i++) {
        photo_path(path, folder, i);
        if (access(path, R_OK) != 0)
            number[missing++] = i;
    }
    photo_folder = folder; /* the workers know it, too */
    struct pool *pool = number ? pool_open(NULL) : NULL;
    struct pool_job_options options = { .chunk = 1, .fail_fast = true };
    struct pool_result *made =
        pool ? pool_map_async(pool, photo_task, number, (size_t)missing,
                              sizeof *number, 0, &options)
             : NULL;
    if (made && missing > PHOTO_FEW)
        progress_wait(made, "photographs"); /* a bar, on a terminal */
    int failed = !made || pool_result_get(made, NULL, POOL_FOREVER) != 0;
    pool_free(pool);
    free(number);
    return failed ? -1 : missing;
}

#endif

#endif
