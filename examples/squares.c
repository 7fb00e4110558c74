#include "pool.h"
#include <stdio.h>

static int square(const void *arg, void *result)
{
    long x = *(const long *)arg;
    *(long *)result = x * x;
    return 0;
}

int main(void)
{
    long in[] = { 1, 2, 3 }, out[3];
    struct pool *pool = pool_open(NULL);
    if (!pool || pool_map(pool, square, in, 3, sizeof *in, out, sizeof *out) != 0) {
        fprintf(stderr, "%s\n", pool_error()->text);
        return 1;
    }
    printf("[%ld, %ld, %ld]\n", out[0], out[1], out[2]);
    pool_close(pool);
    pool_join(pool, POOL_FOREVER);
    pool_free(pool);
}
