/*
 * photos.c: makes photographs for chapter 17; `make photos` runs it.
 *
 * usage: photos FOLDER COUNT
 *
 * Those that are in the folder already stay as they are, so an interrupted run
 * goes on where it stopped.
 *
 * Packages: libjpeg-dev (-ljpeg)
 */
#include "photos.h"

#if __has_include(<jpeglib.h>)
#include <sys/stat.h>

int main(int argc, char **argv)
{
    char *end = NULL;
    long count = argc == 3 ? strtol(argv[2], &end, 10) : 0;
    if (count < 1 || count > PHOTO_MOST || *end) {
        fprintf(stderr, "usage: make photos N=60: at least 1, at most %d\n",
                PHOTO_MOST);
        return 2;
    }
    mkdir(argv[1], 0777); /* if it cannot, the first photograph will say so */
    if (!photos_fit(argv[1], (int)count)) {
        fprintf(stderr, "%ld photographs need %.1f GB, which %s has not\n",
                count, 1e-9 * PHOTO_BYTES * (double)count, argv[1]);
        return EXIT_FAILURE;
    }
    int made = make_photos(argv[1], (int)count);
    if (made < 0) {
        fprintf(stderr, "make photos: %s\n", pool_error()->text);
        return EXIT_FAILURE;
    }
    printf("%ld photographs in %s, %d of them new\n", count, argv[1], made);
    return 0;
}

#else
int main(void)
{
    fprintf(stderr, "make photos needs libjpeg: apt-get install libjpeg-dev, "
                    "then make photos again\n");
    return 77;
}
#endif
