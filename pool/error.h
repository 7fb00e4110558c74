/**
 * @file error.h
 * @brief Errors in words.
 *
 * Private to the library.
 */
#ifndef POOL_ERROR_H
#define POOL_ERROR_H

#include "note.h"

/** Sets errno and this thread's pool_error() to an error that is not about an item. Returns -1. */
int error_set(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Sets errno and this thread's pool_error(). Returns -1. */
int error_put(const struct pool_error *error);

/** Describes in `error` how an item failed; `ended` says why the pool cancels what it has not done. */
void error_of_item(struct pool_error *error, size_t item, const struct note *note, const char *ended);

/** Describes, as "worker 123 was killed by SIGKILL ...", how a worker died. */
void error_of_death(char *text, size_t size, pid_t pid, int status);

#endif
