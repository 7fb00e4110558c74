/*
 * thumbnail.h: the task of chapter 17, and its two halves.
 *
 * A photograph is read, and scaled to an eighth of its size. What is wrong with
 * a picture fails its item and no other, and a thumbnail is there whole or not
 * at all. POSIX calls and libjpeg only: it may run in threads and in processes.
 */
#ifndef THUMBNAIL_H
#define THUMBNAIL_H

#include "pool.h"
#include <errno.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 256, MOST = 1 << 20 };

struct job {
    char photo[PATH], thumbnail[PATH];
};

struct picture {
    struct job job;
    size_t size;
    unsigned char jpeg[MOST]; /* the file as it is; so many bytes are used */
};

/* What the parts of the chapter do otherwise than one should. */
static bool librarys_own_exit; /* libjpeg ends the process, as it does itself */
static bool under_its_name;    /* writes where the thumbnail is to be */
static int killed_in_row = -1; /* whoever first comes to it is killed */
static unsigned wait_us;       /* each read waits, as for a slow disk */

/* [jump] */
struct scaling {
    struct jpeg_error_mgr error; /* the functions libjpeg calls in trouble */
    struct jpeg_decompress_struct in;
    struct jpeg_compress_struct out;
    char message[JMSG_LENGTH_MAX];
    jmp_buf back;
};

/* Called by libjpeg, which has no way to go on: this must not return. */
static void give_up(j_common_ptr jpeg)
{
    struct scaling *s = jpeg->client_data;
    s->error.format_message(jpeg, s->message);
    longjmp(s->back, 1);
}

/* Called for a warning, too (below 0): data is missing, the rest is grey. */
static void doubt(j_common_ptr jpeg, int level)
{
    if (level < 0)
        give_up(jpeg);
}
/* [/jump] */

/* libjpeg decodes to an eighth of the size at once: it leaves out what would
   not be seen. What it allocates is its own, until jpeg_destroy. */
static void scale_rows(struct scaling *s)
{
    s->in.scale_denom = 8;
    jpeg_start_decompress(&s->in);
    s->out.image_width = s->in.output_width;
    s->out.image_height = s->in.output_height;
    s->out.input_components = s->in.output_components;
    s->out.in_color_space = s->in.out_color_space;
    jpeg_set_defaults(&s->out);
    jpeg_start_compress(&s->out, TRUE);
    JSAMPARRAY row = s->in.mem->alloc_sarray(
        (j_common_ptr)&s->in, JPOOL_IMAGE,
        s->in.output_width * (JDIMENSION)s->in.output_components, 1);
    for (int y = 0; s->in.output_scanline < s->in.output_height; y++) {
        if (y == killed_in_row && pool_attempt() == 1)
            raise(SIGKILL);
        jpeg_read_scanlines(&s->in, row, 1);
        jpeg_write_scanlines(&s->out, row, 1);
    }
    jpeg_finish_decompress(&s->in);
    jpeg_finish_compress(&s->out);
}

/* [scale] */
static int scale(struct scaling *s, const struct picture *picture, FILE *to)
{
    s->in.err = s->out.err = jpeg_std_error(&s->error);
    s->in.client_data = s->out.client_data = s;
    if (!librarys_own_exit) {
        s->error.error_exit = give_up; /* <- the cure */
        s->error.emit_message = doubt;
    }
    if (setjmp(s->back) != 0) /* longjmp() comes back here */
        return -1;
    jpeg_create_decompress(&s->in);
    jpeg_create_compress(&s->out);
    jpeg_mem_src(&s->in, picture->jpeg, picture->size);
    jpeg_stdio_dest(&s->out, to);
    jpeg_read_header(&s->in, TRUE);
    scale_rows(s);
    return 0;
}
/* [/scale] */

/* [save] */
static int scale_picture(const void *arg, void *unused)
{
    const struct picture *picture = arg;
    const char *path = picture->job.thumbnail, *name = strrchr(path, '/') + 1;
    struct scaling s = { .message = "" };
    char beside[PATH + 8];
    (void)unused;
    snprintf(beside, sizeof beside, under_its_name ? "%s" : "%s.part", path);
    FILE *file = fopen(beside, "wb");
    if (!file)
        return pool_fail("%s: %s", name, strerror(errno));
    int failed = scale(&s, picture, file);
    jpeg_destroy_decompress(&s.in);
    jpeg_destroy_compress(&s.out);
    errno = 0;
    failed |= fclose(file);
    if (!failed && !under_its_name)
        failed = rename(beside, path); /* <- the cure: there, and whole */
    if (!failed)
        return 0;
    pool_fail("%s: %s", name, *s.message ? s.message : strerror(errno));
    unlink(beside);
    return -1;
}
/* [/save] */

static int read_picture(const struct job *job, struct picture *picture)
{
    const char *name = strrchr(job->photo, '/') + 1;
    FILE *file = fopen(job->photo, "rb");
    if (!file)
        return pool_fail("%s: %s", name, strerror(errno));
    usleep(wait_us);
    picture->job = *job;
    picture->size = fread(picture->jpeg, 1, MOST, file);
    int failed = ferror(file);
    fclose(file);
    if (failed || picture->size == MOST)
        return pool_fail("%s: cannot be read, or is too large", name);
    return 0;
}

/* The task: both halves, one after the other. */
static int make_thumbnail(const void *job, void *unused)
{
    struct picture *picture = malloc(sizeof *picture);
    if (!picture)
        return pool_fail("no memory");
    int failed = read_picture(job, picture);
    if (!failed)
        failed = scale_picture(picture, unused);
    free(picture);
    return failed;
}

#endif
