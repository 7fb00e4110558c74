/*
 * memory.c - job memory: an allocator of size classes, four to each power of two. Only the caller allocates.
 *
 * A pool's jobs come in few sizes, again and again: streams of small ones, maps of the same array. So a freed extent
 * goes onto the stack of its class and the next job of that size takes it from there, warm; extents are never cut or
 * joined. When the address space is used up, a larger class serves a smaller one. Pages of large extents go back to the
 * system once half the limit lies idle.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <stdlib.h>
#include <sys/mman.h>

#define LARGE ((size_t)1 << 20) /* from here on pages may be given back */

/* Class 0 is 64 bytes, 1 is 80, 2 is 96, 3 is 112, 4 is 128 and so on. */
static size_t size_of(unsigned class)
{
    return (size_t)(64 + 16 * (class % 4)) << class / 4;
}

static unsigned class_of(size_t size)
{
    unsigned class = 0;
    if (size > 64)
        class = 4 * (unsigned)(57 - __builtin_clzll(size - 1)); /* the power of two at or below size - 1 */
    while (size_of(class) < size)
        class ++;
    return class;
}

static bool pop(struct memory *memory, unsigned class, uint64_t *at)
{
    if (memory->free[class].count == 0)
        return false;
    *at = memory->free[class].offsets[--memory->free[class].count];
    if (!(*at & 1))
        memory->idle -= size_of(class);
    *at &= ~(uint64_t)1;
    return true;
}

static bool carve(struct memory *memory, unsigned class, uint64_t *at)
{
    size_t size = (size_of(class) + 63) / 64 * 64;
    if (memory->size - memory->top < size)
        return false;
    *at = memory->top;
    memory->top += size;
    return true;
}

extent memory_take(struct memory *memory, size_t size)
{
    uint64_t at = 0;
    unsigned class = size <= memory->limit ? class_of(size) : 0;
    if (size > memory->limit || memory->limit - memory->used < size_of(class))
        return 0;
    bool got = pop(memory, class, &at) || carve(memory, class, &at);
    while (!got && ++class < MEMORY_CLASSES)
        got = pop(memory, class, &at);
    if (!got)
        return 0;
    memory->used += size_of(class);
    return at << 1 | (class + 1);
}

static uint64_t offset_of(extent extent)
{
    return extent >> 1 & ~(uint64_t)63;
}

char *memory_at(const struct memory *memory, extent extent)
{
    return memory->base + offset_of(extent);
}

void memory_give(struct memory *memory, extent extent)
{
    if (!extent)
        return;
    unsigned class = (unsigned)(extent % 128) - 1;
    uint64_t at = offset_of(extent), *offsets = memory->free[class].offsets;
    size_t size = size_of(class), count = memory->free[class].count;
    memory->used -= size;
    if (count == memory->free[class].room) {
        offsets = realloc(offsets, (2 * count + 16) * sizeof *offsets);
        if (!offsets)
            return; /* this extent is lost until the pool is joined */
        memory->free[class].offsets = offsets;
        memory->free[class].room = 2 * count + 16;
    }
    bool empty = size >= LARGE && memory->idle + size > memory->limit / 2 &&
                 madvise(memory->base + at, size & ~(size_t)4095, MADV_REMOVE) == 0;
    if (!empty)
        memory->idle += size;
    offsets[memory->free[class].count++] = at | empty;
}

void memory_forget(struct memory *memory)
{
    for (unsigned class = 0; class < MEMORY_CLASSES; class ++)
        free(memory->free[class].offsets);
}
