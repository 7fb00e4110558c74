/*
 * Exercise 19: redis.
 * Packages: libhiredis-dev (-lhiredis), redis-server
 *
 * Write take_and_do(), where TODO stands, and what it needs. Leave all else.
 *
 * Usage: make ex19 && ./ex19          3 workers, and a Redis of its own
 *        ./ex19 WORKERS SOCKET        as you like
 *        make grade-19                the verdict; make hint-19 if stuck
 *
 * Several workers call it again and again, until nothing is left to do. When
 * all of them are gone, main() puts what still stands in "doing" back, and
 * starts new ones.
 */
#include "harness.h"

#if !__has_include(<hiredis/hiredis.h>)
int main(void)
{
    fprintf(stderr, "ex19 needs hiredis: apt-get install libhiredis-dev, "
                    "then make ex19 again\n");
    return 77;
}
#else
#include "redis.h"

/* Asks the witness about a number. Returns 0, or failure. By hand the answer is
   the square, and 7 fails. */
static inline int ask(long number, long *answer)
{
    char question[64];
    *answer = 0;
    snprintf(question, sizeof question, "ask %ld", number);
    if (number == 7 && !getenv("WITNESS"))
        return pool_fail("nobody knows 7");
    return witness_ask(question, number * number, answer);
}

/*
 * Takes one number out of Redis, asks about it, and notes what came of it.
 *
 * In Redis are the lists "todo" and "doing" and the sets "done" and "failed".
 * The number at the head of "todo" (the left end) is taken. ask() is called for
 * it, once. Then "done" has the member NUMBER=ANSWER, as in 3=9; or, if ask()
 * failed, "failed" has the member NUMBER. At last the number is in no list.
 * Commands on these lists and sets are allowed, and MULTI and EXEC; no others.
 *
 * The process may be killed at any moment, also in ask(): and at each moment
 * the number is in "todo", "doing", "done" or "failed". Other processes do the
 * same at the same time: what they have in "doing" stays there.
 *
 * Returns 1 if a number was dealt with, also if ask() failed; 0 if "todo" was
 * empty, and still was a tenth of a second later; -1 if Redis refused to take
 * or to note it: a number that was taken then still stands in "doing". It
 * prints nothing.
 */
static int take_and_do(redisContext *redis);

/* ---- your code begins here ---- */
/* Takes a number: 1; 0 if there is none, -1 if Redis does not give it. */
static int take(redisContext *redis, long *number)
{
    redisReply *reply = redisCommand(redis, "BLMOVE todo doing LEFT RIGHT 0.1");
    int got = !reply || reply->type == REDIS_REPLY_ERROR ? -1
              : reply->type == REDIS_REPLY_STRING        ? 1
                                                         : 0;
    if (got == 1)
        *number = strtol(reply->str, NULL, 10);
    freeReplyObject(reply);
    return got;
}

static int take_and_do(redisContext *redis)
{
    char note[64];
    long number, answer;
    int got = take(redis, &number);
    if (got != 1)
        return got;
    if (ask(number, &answer) == 0)
        snprintf(note, sizeof note, "SADD done %ld=%ld", number, answer);
    else
        snprintf(note, sizeof note, "SADD failed %ld", number);
    if (redis_number(redis, note) < 0)
        return -1;
    snprintf(note, sizeof note, "LREM doing 1 %ld", number);
    return redis_number(redis, note) < 0 ? -1 : 1;
}
/* ---- and ends here ---- */

/* What a worker does: as long as there is something to do, it does it. */
static int work(const void *server, void *unused)
{
    int got;
    redisContext *redis = redis_open((const char *)server);
    (void)unused;
    while ((got = take_and_do(redis)) == 1)
        continue;
    redisFree(redis);
    if (got != 0 && errno == ENOSYS)
        return ENOSYS; /* nobody has written it yet */
    return got == 0 ? 0 : pool_fail("take_and_do returned %d", got);
}

/* A round: new workers, until all of them have ended. One that was killed has a
   successor, which goes on. */
static int one_round(const char *server, int workers)
{
    size_t width = strlen(server) + 1;
    struct pool *pool = harness_open(workers);
    struct pool_job_options options = { .retries = 20 };
    struct pool_result *job[workers];
    int status = 0;
    for (int i = 0; i < workers; i++)
        job[i] = pool_apply_async(pool, work, server, width, 0, &options);
    for (int i = 0; i < workers; i++)
        if (pool_result_get(job[i], NULL, POOL_FOREVER) != 0)
            status = -1;
    errno = status != 0 && pool_error()->status == ENOSYS ? ENOSYS : errno;
    pool_free(pool);
    return status;
}

int main(int argc, char **argv)
{
    int workers = argc > 1 ? harness_count(argv[1]) : 3, status = 0;
    const char *server = argc > 2 ? argv[2] : "ex19.sock";
    if (argc <= 2)
        redis_begin(server);

    redisContext *redis = redis_open(server);
    int before = harness_begin();
    for (int i = 0; i < 4 && status == 0 && redis_put_back(redis) > 0; i++)
        status = one_round(server, workers);
    bool good = harness_end("take_and_do", status, before);
    if (argc <= 2)
        printf("to do %ld, doing %ld, done %ld, failed %ld\n",
               redis_number(redis, "LLEN todo"),
               redis_number(redis, "LLEN doing"),
               redis_number(redis, "SCARD done"),
               redis_number(redis, "SCARD failed"));
    redisFree(redis);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
