/*
 * picture.h: JPEGs for exercise 17, through libjpeg. Nothing in here has to be
 * read to solve it.
 *
 * A picture is what stands in a file, not yet decoded. Its thumbnail has an
 * eighth of its width and height: libjpeg can decode to that size at once.
 */
#ifndef PICTURE_H
#define PICTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jerror.h>
#include <jpeglib.h>

enum { PICTURE_BYTES = 16384, PICTURE_WIDTH = 64, PICTURE_HEIGHT = 48 };

struct picture {
    size_t size;
    unsigned char bytes[PICTURE_BYTES];
};

/* Reads a file to its end. Returns 0; -1 and errno if that cannot be. */
static inline int picture_read(const char *file, struct picture *picture)
{
    ssize_t n = 0;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    picture->size = 0;
    while (fd >= 0 && picture->size < PICTURE_BYTES &&
           ((n = read(fd, picture->bytes + picture->size,
                      PICTURE_BYTES - picture->size)) > 0 ||
            (n < 0 && errno == EINTR)))
        picture->size += n > 0 ? (size_t)n : 0;
    if (fd >= 0 && n > 0)
        errno = EFBIG; /* there may be more */
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return fd >= 0 && n == 0 ? 0 : -1;
}

/* What libjpeg calls where it would end the program. */
struct picture_error {
    struct jpeg_error_mgr base;
    jmp_buf back;
};

static inline void picture_leave(j_common_ptr any)
{
    longjmp(((struct picture_error *)any->err)->back, 1);
}

static inline void picture_be_quiet(j_common_ptr any)
{
    (void)any;
}

/* Decodes it to an eighth; returns a number that follows from all its dots. */
static inline long picture_dots(struct jpeg_decompress_struct *jpeg)
{
    unsigned char row[1024];
    uint64_t sum = 14695981039346656037u;
    jpeg_read_header(jpeg, TRUE);
    jpeg->scale_denom = 8;
    jpeg->out_color_space = JCS_RGB;
    jpeg_calc_output_dimensions(jpeg);
    if (jpeg->output_width > sizeof row / 3)
        ERREXIT1(jpeg, JERR_IMAGE_TOO_BIG, (int)sizeof row / 3);
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        jpeg_read_scanlines(jpeg, (unsigned char *[]){ row }, 1);
        for (size_t i = 0; i < jpeg->output_width * 3u; i++)
            sum = (sum ^ row[i]) * 1099511628211u;
    }
    jpeg_finish_decompress(jpeg);
    return (long)(sum >> 16 | 1);
}

/* Makes the thumbnail, and sets `sum` to its number. Returns 0; -1 and words of
   libjpeg's if the picture is damaged: what it only warns of is damage, too. */
static inline int picture_sum(const struct picture *picture, long *sum,
                              char words[JMSG_LENGTH_MAX])
{
    struct jpeg_decompress_struct jpeg;
    struct picture_error error;
    *sum = 0;
    jpeg.err = jpeg_std_error(&error.base);
    error.base.error_exit = picture_leave;
    error.base.output_message = picture_be_quiet;
    jpeg_create_decompress(&jpeg);
    if (setjmp(error.back) == 0) {
        jpeg_mem_src(&jpeg, picture->bytes, picture->size);
        *sum = picture_dots(&jpeg);
    }
    if (error.base.num_warnings > 0)
        *sum = 0;
    if (*sum == 0)
        error.base.format_message((j_common_ptr)&jpeg, words);
    jpeg_destroy_decompress(&jpeg);
    return *sum != 0 ? 0 : -1;
}

/* Makes a small photograph: other seeds, other dots. */
static inline void picture_make(unsigned seed, struct picture *picture)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr error;
    unsigned char row[PICTURE_WIDTH * 3];
    unsigned char *bytes = picture->bytes;
    unsigned long size = PICTURE_BYTES;
    jpeg.err = jpeg_std_error(&error);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size); /* there is room enough */
    jpeg.image_width = PICTURE_WIDTH;
    jpeg.image_height = PICTURE_HEIGHT;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (unsigned y = 0; y < PICTURE_HEIGHT; y++) {
        for (unsigned i = 0; i < sizeof row; i++) {
            seed = seed * 1103515245 + 12345;
            row[i] = (unsigned char)(i + 2 * y + (seed >> 16) % 64);
        }
        jpeg_write_scanlines(&jpeg, (unsigned char *[]){ row }, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    picture->size = size;
}

#endif
