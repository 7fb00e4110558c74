/*
 * pcksum.c - the POSIX checksums of many files, as cksum prints them, computed on all cores.
 *
 * usage: pcksum FILE...
 *
 * build: make lib && cc -O2 -Ipool -o pcksum examples/pcksum.c build/libpool.a
 *
 * Watch for: the items are pointers into argv. That works because argv was there when the pool was opened, so every
 * worker has it, too. A file that cannot be read costs its own line, no other.
 */
#include "pool.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct sum {
    uint32_t crc;
    uint64_t size;
};

static uint32_t crc_of(uint32_t crc, unsigned char byte)
{
    crc ^= (uint32_t)byte << 24;
    for (int bit = 0; bit < 8; bit++)
        crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
    return crc;
}

static int sum_file(const void *arg, void *result)
{
    const char *name = *(char *const *)arg;
    struct sum *sum = result;
    unsigned char buffer[65536];
    FILE *file = fopen(name, "rb");
    if (!file)
        return pool_fail("%s: %s", name, strerror(errno));
    *sum = (struct sum){ 0, 0 };
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, file)) > 0; sum->size += got)
        for (size_t i = 0; i < got; i++)
            sum->crc = crc_of(sum->crc, buffer[i]);
    int failed = ferror(file) ? pool_fail("%s: %s", name, strerror(errno)) : 0;
    fclose(file);
    for (uint64_t size = sum->size; size > 0; size >>= 8)
        sum->crc = crc_of(sum->crc, size & 0xff);
    sum->crc = ~sum->crc;
    return failed;
}

int main(int argc, char **argv)
{
    size_t files = (size_t)argc - 1;
    struct pool_error error;
    struct pool *pool = pool_open(NULL);
    struct pool_result *sums = NULL;
    if (pool)
        sums = pool_map_async(pool, sum_file, argv + 1, files, sizeof *argv, sizeof(struct sum),
                              &(struct pool_job_options){ .chunk = 1 });
    if (!sums || (pool_result_get(sums, NULL, POOL_FOREVER) != 0 && !pool_result_ready(sums))) {
        fprintf(stderr, "pcksum: %s\n", pool_error()->text);
        return 1;
    }
    for (size_t i = 0; i < files; i++) {
        const struct sum *sum = pool_result_at(sums, i);
        if (sum)
            printf("%u %llu %s\n", sum->crc, (unsigned long long)sum->size, argv[i + 1]);
        else
            fprintf(stderr, "pcksum: %s\n", pool_error()->text);
    }
    int failed = pool_result_failure(sums, 0, &error);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
    return failed;
}
