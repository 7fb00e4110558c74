/**
 * @file nursery.h
 * @brief The nursery: the process that forks the workers and reaps them.
 *
 * Private to the library.
 */
#ifndef POOL_NURSERY_H
#define POOL_NURSERY_H

#include "region.h"

/**
 * Forks the nursery. Where the program has one thread, its wait() and SIGCHLD do not see it.
 * @param socket  Is set to the caller's end: a byte makes the nursery look at region->stop, closing it ends the pool.
 * @return The nursery's pid, or -1 and errno.
 */
pid_t nursery_start(struct region *region, int *socket);

#endif
