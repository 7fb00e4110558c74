/*
 * pictures: makes the pictures that exercise 17 is asked about.
 *
 *     pictures DIR SEED...     DIR/0.jpg and so on, one for each; prints the
 *                              sum of each one's thumbnail
 */
#include "picture.h"

int main(int argc, char **argv)
{
    static struct picture picture;
    char name[4096], words[JMSG_LENGTH_MAX];
    for (int i = 2; i < argc; i++) {
        long sum;
        picture_make((unsigned)strtoul(argv[i], NULL, 10), &picture);
        snprintf(name, sizeof name, "%s/%d.jpg", argv[1], i - 2);
        FILE *file = fopen(name, "we");
        if (!file || picture_sum(&picture, &sum, words) != 0 ||
            fwrite(picture.bytes, picture.size, 1, file) != 1 ||
            fclose(file) != 0)
            return EXIT_FAILURE;
        printf("%ld\n", sum);
    }
    return argc > 2 ? EXIT_SUCCESS : 2;
}
