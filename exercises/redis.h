/*
 * redis.h: what exercise 19 has ready: a Redis by hand, and the numbers in it.
 * Nothing in here is to be changed.
 */
#ifndef REDIS_H
#define REDIS_H

#include "harness.h"
#include <hiredis/hiredis.h>
#include <sys/prctl.h>

/* Connects this process to the Redis that listens there, or ends it. */
static inline redisContext *redis_open(const char *server)
{
    redisContext *redis = redisConnectUnix(server);
    if (redis && !redis->err)
        return redis;
    fprintf(stderr, "%s: %s\n", server, redis ? redis->errstr : "no memory");
    _exit(EXIT_FAILURE);
}

/* A command that replies with a number: returns that; of an error, -1. */
static inline long redis_number(redisContext *redis, const char *command)
{
    redisReply *reply = (redisReply *)redisCommand(redis, command);
    bool good = reply && reply->type == REDIS_REPLY_INTEGER;
    long number = good ? (long)reply->integer : -1;
    freeReplyObject(reply);
    return number;
}

/* Puts back at the head of "todo" what stands in "doing": at that time nobody
   may be at work. Returns how many there are to do. */
static inline long redis_put_back(redisContext *redis)
{
    while (redis_number(redis, "LLEN doing") > 0)
        freeReplyObject(redisCommand(redis, "LMOVE doing todo RIGHT LEFT"));
    return redis_number(redis, "LLEN todo");
}

/* By hand: a Redis of its own, with the numbers 1 to 12 to do. What is between
   redis_begin() and the end of the program runs in a child. */
static inline void redis_begin(const char *server)
{
    pid_t serving = fork();
    if (serving == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        freopen("/dev/null", "w", stdout);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
               server, "--save", "", NULL);
        fprintf(stderr, "ex19 needs redis-server: apt-get install "
                        "redis-server, then the same again\n");
        _exit(77);
    }
    int status = 0;
    while (access(server, F_OK) != 0)
        if (waitpid(serving, &status, WNOHANG) != 0)
            exit(WEXITSTATUS(status));
    pid_t program = fork();
    if (program == 0) {
        redisContext *redis = redis_open(server);
        for (int i = 1; i <= 12; i++)
            freeReplyObject(redisCommand(redis, "RPUSH todo %d", i));
        redisFree(redis);
        return;
    }
    signal(SIGINT, SIG_IGN); /* it ends the child */
    waitpid(program, &status, 0);
    kill(serving, SIGKILL);
    waitpid(serving, NULL, 0);
    unlink(server);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

#endif
