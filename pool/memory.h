/**
 * @file memory.h
 * @brief Job memory: where arguments, results, tickets and notes of larger jobs lie. Only the caller allocates.
 *
 * Private to the library. Not thread-safe: the pool's lock guards it.
 */
#ifndef POOL_MEMORY_H
#define POOL_MEMORY_H

#include "region.h"

#define MEMORY_CLASSES 128

/** A piece of job memory: its offset, a multiple of 64, with its size class in the low bits. 0: none. */
typedef uint64_t extent;

/** The bookkeeping, in the caller's own memory, where no task can scribble on it. */
struct memory {
    char *base;
    size_t size, limit; /* address space, and bytes that may be in use */
    size_t top;         /* all extents so far lie below */
    size_t used, idle;  /* bytes handed out; bytes free that still have their pages */
    struct {
        uint64_t *extents; /* offsets of free ones; + 1: its pages were given back */
        size_t count, room;
    } free[MEMORY_CLASSES];
};

/** Takes an extent of at least `size` bytes. 0 and ENOMEM if the limit is reached. */
extent memory_take(struct memory *memory, size_t size);

/** Returns where it lies. */
char *memory_at(const struct memory *memory, extent extent);

/** Gives it back; 0 is fine. */
void memory_give(struct memory *memory, extent extent);

/** Frees the bookkeeping. */
void memory_forget(struct memory *memory);

#endif
