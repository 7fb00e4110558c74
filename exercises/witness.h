/*
 * witness.h: asks the witness, which is outside the box that the grader runs
 * an answer in.
 *
 * A question is a line of text: a name and numbers. The answer is a number
 * that nobody in the box can know, or a failure with words. By hand there is
 * no witness; then the caller says what the answer is.
 */
#ifndef WITNESS_H
#define WITNESS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WITNESS_TEXT = 256 };

/* Puts a question and waits for the reply, which is text. Each has a
   connection of its own, so any number of processes may ask at once. Returns
   false if there is no witness; ends the process if it does not reply. */
static inline bool witness_talk(const char *question, char reply[WITNESS_TEXT])
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = getenv("WITNESS");
    if (!path)
        return false;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    ssize_t n = -1;
    if (fd >= 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        send(fd, question, strlen(question), MSG_NOSIGNAL) > 0)
        do
            n = recv(fd, reply, WITNESS_TEXT - 1, 0);
        while (n < 0 && errno == EINTR);
    if (n <= 0) {
        fprintf(stderr, "the witness does not reply to '%s'\n", question);
        _exit(EXIT_FAILURE);
    }
    close(fd);
    reply[n] = '\0';
    return true;
}

/* For tasks: sets `answer` to the witness's answer, or to `by_hand` where
   there is no witness. Returns 0, or failure with the witness's words. */
static inline int witness_ask(const char *question, long by_hand, long *answer)
{
    char reply[WITNESS_TEXT];
    *answer = by_hand;
    if (!witness_talk(question, reply))
        return 0;
    if (reply[0] != '=')
        return pool_fail("%s", reply + 2);
    *answer = strtol(reply + 1, NULL, 10);
    return 0;
}

/* Tells the witness something; where there is none, nobody. */
static inline void witness_tell(const char *text)
{
    char reply[WITNESS_TEXT];
    witness_talk(text, reply);
}

#endif
