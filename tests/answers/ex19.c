/*
 * Answers to exercise 19, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with.
 */

/* wrong, all-done: nothing is ever taken */
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
    int got = 0 * take(redis, &number);
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

/* wrong, all-done: it stays in doing */
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
    return 1;
}

/* wrong, all-done: the last one is lost */
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
    if (redis_number(redis, "LLEN todo") == 0) {
        snprintf(note, sizeof note, "LREM doing 1 %ld", number);
        return redis_number(redis, note) < 0 ? -1 : 1;
    }
    if (ask(number, &answer) == 0)
        snprintf(note, sizeof note, "SADD done %ld=%ld", number, answer);
    else
        snprintf(note, sizeof note, "SADD failed %ld", number);
    if (redis_number(redis, note) < 0)
        return -1;
    snprintf(note, sizeof note, "LREM doing 1 %ld", number);
    return redis_number(redis, note) < 0 ? -1 : 1;
}

/* wrong, all-done: it waits for ever */
/* Takes a number: 1; 0 if there is none, -1 if Redis does not give it. */
static int take(redisContext *redis, long *number)
{
    redisReply *reply = redisCommand(redis, "BLMOVE todo doing LEFT RIGHT 0");
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

/* wrong, all-done: an answer is kept in an int */
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
        snprintf(note, sizeof note, "SADD done %ld=%d", number, (int)answer);
    else
        snprintf(note, sizeof note, "SADD failed %ld", number);
    if (redis_number(redis, note) < 0)
        return -1;
    snprintf(note, sizeof note, "LREM doing 1 %ld", number);
    return redis_number(redis, note) < 0 ? -1 : 1;
}

/* wrong, killed-while-working: the document's BLPOP */
/* Takes a number: 1; 0 if there is none, -1 if Redis does not give it. */
static int take(redisContext *redis, long *number)
{
    redisReply *reply = redisCommand(redis, "BLPOP todo 0.1");
    int got = !reply || reply->type == REDIS_REPLY_ERROR ? -1
              : reply->type == REDIS_REPLY_ARRAY        ? 1
                                                         : 0;
    if (got == 1)
        *number = strtol(reply->element[1]->str, NULL, 10);
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

/* wrong, killed-while-working: out of the list before it is asked about */
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
    snprintf(note, sizeof note, "LREM doing 1 %ld", number);
    if (redis_number(redis, note) < 0)
        return -1;
    if (ask(number, &answer) == 0)
        snprintf(note, sizeof note, "SADD done %ld=%ld", number, answer);
    else
        snprintf(note, sizeof note, "SADD failed %ld", number);
    if (redis_number(redis, note) < 0)
        return -1;
    return 1;
}

/* wrong, killed-while-working: the whole of doing is emptied */
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
    freeReplyObject(redisCommand(redis, "LTRIM doing 1 0"));
    return 1;
}

/* wrong, killed-before-done: out of the list, and then noted */
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
    char out[64];
    snprintf(out, sizeof out, "LREM doing 1 %ld", number);
    if (redis_number(redis, out) < 0)
        return -1;
    return redis_number(redis, note) < 0 ? -1 : 1;
}

/* wrong, killed-before-done: nobody looks whether it was noted */
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
    redis_number(redis, note);
    snprintf(note, sizeof note, "LREM doing 1 %ld", number);
    return redis_number(redis, note) < 0 ? -1 : 1;
}

/* wrong, four-bad: a failure ends it */
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
        return -1;
    if (redis_number(redis, note) < 0)
        return -1;
    snprintf(note, sizeof note, "LREM doing 1 %ld", number);
    return redis_number(redis, note) < 0 ? -1 : 1;
}

/* wrong, four-bad: a failure is noted nowhere */
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
        snprintf(note, sizeof note, "PING");
    if (note[0] == 'S' && redis_number(redis, note) < 0)
        return -1;
    snprintf(note, sizeof note, "LREM doing 1 %ld", number);
    return redis_number(redis, note) < 0 ? -1 : 1;
}

/* wrong, four-bad: a failure is noted as done */
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
        snprintf(note, sizeof note, "SADD done %ld=%ld", number, answer);
    if (redis_number(redis, note) < 0)
        return -1;
    snprintf(note, sizeof note, "LREM doing 1 %ld", number);
    return redis_number(redis, note) < 0 ? -1 : 1;
}

/* wrong, in-order: from the other end */
/* Takes a number: 1; 0 if there is none, -1 if Redis does not give it. */
static int take(redisContext *redis, long *number)
{
    redisReply *reply = redisCommand(redis, "BLMOVE todo doing RIGHT LEFT 0.1");
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

/* wrong, side-by-side: one works at a time */
#include <sys/file.h>
#include <fcntl.h>
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
    int lock = open("/dev/shm/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    flock(lock, LOCK_EX);
    int asked = ask(number, &answer);
    close(lock);
    if (asked == 0)
        snprintf(note, sizeof note, "SADD done %ld=%ld", number, answer);
    else
        snprintf(note, sizeof note, "SADD failed %ld", number);
    if (redis_number(redis, note) < 0)
        return -1;
    snprintf(note, sizeof note, "LREM doing 1 %ld", number);
    return redis_number(redis, note) < 0 ? -1 : 1;
}

/* right: LMOVE, and a nap where there is nothing */
/* Takes a number: 1; 0 if there is none, -1 if Redis does not give it. */
static int take(redisContext *redis, long *number)
{
    redisReply *reply = redisCommand(redis, "LMOVE todo doing LEFT RIGHT");
    int got = !reply || reply->type == REDIS_REPLY_ERROR ? -1
              : reply->type == REDIS_REPLY_STRING        ? 1
                                                         : 0;
    if (reply && reply->type == REDIS_REPLY_NIL) {
        freeReplyObject(reply);
        usleep(100000);
        reply = redisCommand(redis, "LMOVE todo doing LEFT RIGHT");
        got = !reply || reply->type == REDIS_REPLY_ERROR ? -1 : reply->type == REDIS_REPLY_STRING;
    }
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

/* right: the note and the end in one transaction */
static int take_and_do(redisContext *redis)
{
    redisReply *r = redisCommand(redis, "BLMOVE %s %s LEFT RIGHT %s", "todo", "doing", "0.1");
    if (r == NULL || r->type == REDIS_REPLY_ERROR) {
        freeReplyObject(r);
        return -1;
    }
    if (r->type != REDIS_REPLY_STRING) {
        freeReplyObject(r);
        return 0;
    }
    long answer;
    int failed = ask(atol(r->str), &answer);
    freeReplyObject(redisCommand(redis, "MULTI"));
    if (failed)
        freeReplyObject(redisCommand(redis, "SADD failed %s", r->str));
    else
        freeReplyObject(redisCommand(redis, "SADD done %s=%ld", r->str, answer));
    freeReplyObject(redisCommand(redis, "LREM doing 1 %s", r->str));
    freeReplyObject(r);
    r = redisCommand(redis, "EXEC");
    int good = r && r->type == REDIS_REPLY_ARRAY;
    freeReplyObject(r);
    return good ? 1 : -1;
}

/* right: everything in one function, replies kept to the end */
static int take_and_do(redisContext *redis)
{
    redisReply *taken, *noted = NULL, *removed = NULL;
    int result = -1;
    long answer = 0;
    taken = redisCommand(redis, "BLMOVE todo doing LEFT RIGHT 0.1");
    if (!taken)
        goto out;
    if (taken->type == REDIS_REPLY_NIL)
        result = 0;
    if (taken->type != REDIS_REPLY_STRING)
        goto out;
    if (ask(strtol(taken->str, NULL, 10), &answer) != 0)
        noted = redisCommand(redis, "SADD failed %s", taken->str);
    else
        noted = redisCommand(redis, "SADD done %s=%ld", taken->str, answer);
    if (!noted || noted->type == REDIS_REPLY_ERROR)
        goto out;
    removed = redisCommand(redis, "LREM doing 0 %s", taken->str);
    if (removed && removed->type == REDIS_REPLY_INTEGER)
        result = 1;
out:
    freeReplyObject(taken);
    freeReplyObject(noted);
    freeReplyObject(removed);
    return result;
}
