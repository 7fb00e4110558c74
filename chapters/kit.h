/*
 * kit.h: what every chapter begins with, shown in chapter 1.
 */
#ifndef KIT_H
#define KIT_H

#include "meet.h"
#include "pool.h"
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* [check] */
/* Ends the program if a call has failed: says where, which, and why. */
#define check(call) check_that((call), #call, __FILE__, __LINE__)

static pid_t program; /* this one, not a copy of it that fork made */

static inline void check_that(bool ok, const char *call, const char *file,
                              int line)
{
    int error = errno; /* of the call, before anything else can change it */
    if (ok)
        return;
    bool of_the_pool = error && pool_error()->code == error;
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, call,
            of_the_pool ? pool_error()->text : strerror(error));
    if (getpid() != program)
        _exit(EXIT_FAILURE); /* a child says nothing twice: chapter 6 */
    exit(EXIT_FAILURE);
}
/* [/check] */

/* Tells whether the word is this mode. One in capitals stands for any word but
   an option, FILE.svg for one that ends so. */
static inline bool is_mode(const char *word, const char *mode, size_t length)
{
    size_t letters = strlen(word), end = length - strcspn(mode, ". |");
    if (!isupper((unsigned char)*mode))
        return letters == length && strncmp(word, mode, length) == 0;
    return *word != '-' && letters > end &&
           strncmp(word + letters - end, mode + length - end, end) == 0;
}

/* Tells whether the word is one of the modes, "one | another". */
static inline bool is_one_of(const char *word, const char *modes)
{
    while (*modes) {
        size_t length = strcspn(modes, " |");
        if (is_mode(word, modes, length))
            return true;
        modes += length;
        modes += strspn(modes, " |");
    }
    return false;
}

/* The first line of a chapter's main(). Each line that is printed leaves at
   once, and a wrong $SCALE is told before anything runs. Returns the mode that
   the program was given, or NULL; it tells its modes when asked with --help,
   and refuses anything else. */
static inline const char *begin(int argc, char **argv, const char *modes)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    bool help = argc == 2 && (!strcmp(word, "--help") || !strcmp(word, "-h"));
    program = getpid();
    setvbuf(stdout, NULL, _IOLBF, 0);
    document_second();
    if (!word || (argc == 2 && !help && is_one_of(word, modes)))
        return word;
    const char *name = strrchr(argv[0], '/');
    fprintf(help ? stdout : stderr,
            *modes ? "usage: ./%s [%s]\n" : "usage: ./%s\n",
            name ? name + 1 : argv[0], modes);
    exit(help ? EXIT_SUCCESS : 2);
}

/* A number that the program was given, or its default. */
static inline int read_number(const char *word, int otherwise, int least,
                              int most)
{
    char *end;
    long given = word ? strtol(word, &end, 10) : otherwise;
    if (!word || (end > word && !*end && given >= least && given <= most))
        return (int)given;
    fprintf(stderr, "'%s': give a number from %d to %d\n", word, least, most);
    exit(2);
}

/* [finish] */
/* Waits until a pool's work is done, and ends it. */
static inline void finish(struct pool *pool)
{
    check(pool_close(pool) == 0);              /* no more work comes */
    check(pool_join(pool, POOL_FOREVER) == 0); /* it is done, all are gone */
    pool_free(pool);
}
/* [/finish] */

#endif
