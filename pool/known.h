/**
 * @file known.h
 * @brief Which functions the workers know: those of the program and the libraries that were loaded at pool_open().
 *
 * Private to the library. Not thread-safe: the pool's lock guards it.
 */
#ifndef POOL_KNOWN_H
#define POOL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known {
    uintptr_t *modules; /* where their program headers lie: two modules never share that */
    size_t count, room;
    unsigned long long loads; /* how often anything had been loaded */
    uintptr_t checked[8];     /* functions found to be known */
};

/** Remembers what is loaded now. 0, or -1 and ENOMEM. */
int known_remember(struct known *known);

/** Tells whether a function was there at known_remember(). One outside every module (made at run time) passes. */
bool known_has(struct known *known, uintptr_t function);

/** Frees what it remembers. */
void known_forget(struct known *known);

#endif
