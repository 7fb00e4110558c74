/*
 * own-redis.h: a Redis of chapter 19's own, and how a process talks to it.
 *
 * It listens on a Unix socket in the scratch folder, which is the working
 * folder, and on no port: so it meets nobody else's. It writes down each
 * command before it replies (appendfsync always), so it may be killed, too.
 */
#ifndef OWN_REDIS_H
#define OWN_REDIS_H

#include "kit.h"
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const char *redis_socket = "redis.sock";
static pid_t redis_server;

/* [ask] */
/* Sends a command and returns the reply, to be freed. Each process has a
   connection of its own. If Redis has gone away, it is asked again for ten
   seconds: so a command may be done twice, and must do no harm then. */
static redisReply *ask(const char *command, ...)
{
    static redisContext *redis;
    static pid_t owner;
    for (int tries = 0; tries < 1000; tries++) {
        if (!redis || redis->err || owner != getpid()) {
            redisFree(redis); /* closes it in this process, and nowhere else */
            redis = redisConnectUnix(redis_socket);
            owner = getpid();
            signal(SIGPIPE, SIG_IGN); /* a Redis that is gone is an error */
        }
        va_list arguments;
        va_start(arguments, command);
        redisReply *reply = redis && !redis->err
                                ? redisvCommand(redis, command, arguments)
                                : NULL;
        va_end(arguments);
        if (reply && reply->type != REDIS_REPLY_ERROR)
            return reply;
        if (reply && strncmp(reply->str, "LOADING", 7) != 0) {
            fprintf(stderr, "%s: %s: %s\n", redis_socket, command, reply->str);
            _exit(EXIT_FAILURE);
        }
        freeReplyObject(reply);
        usleep(10000);
    }
    fprintf(stderr, "%s: Redis does not answer\n", redis_socket);
    _exit(EXIT_FAILURE);
}
/* [/ask] */

/* For commands that reply with a number, or of which only the effect counts. */
static long ask_number(const char *command, const char *argument)
{
    redisReply *reply = ask(command, argument);
    long number = (long)reply->integer;
    freeReplyObject(reply);
    return number;
}

static void redis_start(void)
{
    redis_server = fork();
    check(redis_server >= 0);
    if (redis_server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
               redis_socket, "--save", "", "--appendonly", "yes",
               "--appendfsync", "always", NULL);
        _exit(127);
    }
    redisContext *there = NULL;
    while (!there || there->err) { /* until it listens, or is no more */
        int status;
        redisFree(there);
        if (waitpid(redis_server, &status, WNOHANG) != 0) {
            fprintf(stderr, CHAPTER " needs redis-server: apt-get install "
                                    "redis-server, then the same again\n");
            exit(WEXITSTATUS(status) == 127 ? 77 : EXIT_FAILURE);
        }
        usleep(1000);
        there = redisConnectUnix(redis_socket);
    }
    redisFree(there);
}

static void redis_stop(int sig)
{
    kill(redis_server, sig);
    waitpid(redis_server, NULL, 0);
}

#endif
