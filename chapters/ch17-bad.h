/*
 * ch17-bad.h: pictures that are none, and workers that are killed.
 */
#ifndef CH17_BAD_H
#define CH17_BAD_H

#include "ch17-jobs.h"

static void put(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    check_file(file && fwrite(bytes, 1, size, file) == size, path);
    check_file(fclose(file) == 0, path);
}

/* Makes the few jobs anew; every other one is a bad one. */
static void spoil(const char *folder)
{
    static const char *const bad[] = { "damaged", "text", "empty", "folder" };
    struct picture *picture = malloc(sizeof *picture);
    write_to(folder);
    check_file(picture && read_picture(&job[0], picture) == 0, job[0].photo);
    for (int i = 1; i < FEW; i += 2) {
        snprintf(job[i].thumbnail, PATH, "%s/%s/%s.jpg", scratch, folder,
                 bad[i / 2]);
        if (i < 7)
            snprintf(job[i].photo, PATH, "%s/%s.jpg", scratch, bad[i / 2]);
    }
    put(job[1].photo, picture->jpeg, picture->size / 2);
    put(job[3].photo, "This is no picture.\n", 20);
    put(job[5].photo, "", 0);
    check_file(mkdir(job[7].thumbnail, 0777) == 0, job[7].thumbnail);
    free(picture);
}

/* Runs the few jobs in a pool; prints what is said of those that fail, and what
   is there in the end. A JPEG's last two bytes are FF D9. */
static void run_few(int processes, int retries)
{
    struct pool_job_options options = { .retries = retries };
    struct pool_error error;
    struct pool *pool = open_kind(POOL_PROCESSES, processes);
    struct pool_result *result = pool_map_async(pool, make_thumbnail, job, FEW,
                                                sizeof *job, 0, &options);
    check(result && pool_result_wait(result, POOL_FOREVER) == 0);
    for (size_t i = 0; pool_result_failure(result, i, &error) == 1;
         i = error.item + 1)
        if (killed_in_row < 0) /* else all say the same */
            printf("  %s\n", error.text);
    finish(pool);

    struct picture *picture = malloc(sizeof *picture);
    int there = 0, whole = 0;
    for (int i = 0; picture && i < FEW; i++) {
        struct job look;
        snprintf(look.photo, PATH, "%s", job[i].thumbnail);
        if (read_picture(&look, picture) != 0)
            continue;
        there++;
        whole += picture->size > 2 &&
                 memcmp(picture->jpeg + picture->size - 2, "\xff\xd9", 2) == 0;
    }
    free(picture);
    printf("  thumbnails: %d, whole: %d\n", there, whole);
}

static void bad_pictures(void)
{
    printf("broken: 4 of 8 pictures are bad, and libjpeg ends the process\n");
    spoil("ends");
    librarys_own_exit = true;
    run_few(1, 0); /* one worker: they come one after the other */
    printf("cured: it comes back into the task\n");
    spoil("returns");
    librarys_own_exit = false;
    run_few(0, 0);
}

static void half_written(void)
{
    killed_in_row = 240; /* of 250 */
    printf("broken: written under their names; the writers are killed\n");
    write_to("direct");
    under_its_name = true;
    run_few(0, 0);
    printf("cured: written beside, and then renamed\n");
    write_to("beside");
    under_its_name = false;
    run_few(0, 0);
    printf("  and tried again\n");
    run_few(0, 1);
    killed_in_row = -1;
}

#endif
