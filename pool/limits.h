/**
 * @file limits.h
 * @brief What this process may use of the machine.
 *
 * Private to the library.
 */
#ifndef POOL_LIMITS_H
#define POOL_LIMITS_H

#include <stddef.h>

/** Returns how many cores this process may use: by its affinity, and by its cgroup's quota. At least 1. */
int limits_cores(void);

/** Returns how many bytes of memory this process may use: the machine's, or its cgroup's limit. */
size_t limits_memory(void);

#endif
