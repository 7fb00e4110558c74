/*
 * memory.c - job memory: buddies. Only the caller allocates, and what it knows of it lies in its own memory.
 *
 * Memory is handed out in blocks of 2^k units, each at a multiple of its size; two free ones that make up a block are
 * one. What a block is longer than was asked for is address space, of which there is plenty. Of the smallest blocks
 * that will do the lowest is taken. The free blocks of an order are a set of bits, with a bit above each 64 of them
 * that says whether any is set, and so on: the lowest is found in a few steps, and to give memory back takes none.
 *
 * Jobs come in few sizes, again and again: the last small block that was given back is kept at hand.
 *
 * A stretch of which nothing is used is marked, and idle workers give its pages back (tidy(), note.c), unless it is
 * taken again first.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <sys/mman.h>

#define UNIT ((size_t)64)
#define STRETCH_ORDER 10u /* so large a block is a stretch */
#define STRETCH_UNITS ((size_t)1 << STRETCH_ORDER)

/* ---- Sets of free blocks ---- */

/* Puts a block into its set, or takes it out. */
static void flip(struct memory *memory, unsigned order, size_t n)
{
    for (int level = 0; level < LEVELS; level++, n /= 64) {
        uint64_t *word = &memory->free[order][level][n / 64], before = *word;
        *word ^= (uint64_t)1 << n % 64;
        if (before && *word)
            return;
    }
    memory->orders ^= (uint64_t)1 << order;
}

static bool is_free(const struct memory *memory, unsigned order, size_t n)
{
    return memory->free[order][0][n / 64] >> n % 64 & 1;
}

static size_t lowest(const struct memory *memory, unsigned order)
{
    size_t n = 0;
    for (int level = LEVELS; level--;)
        n = n * 64 + (size_t)__builtin_ctzll(memory->free[order][level][n]);
    return n;
}

/* Returns the order of the blocks in which so many units fit. */
static unsigned order_of(size_t units)
{
    return units > 1 ? 64 - (unsigned)__builtin_clzll(units - 1) : 0;
}

int memory_open(struct memory *memory, struct region *region)
{
    size_t units = region->memory_size / UNIT, words = units / 31 + ORDERS * LEVELS; /* as many as the loops ask for */
    uint64_t *at = map_private(words * sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED);
    if (!at)
        return -1;
    memory->region = region;
    memory->map_size = words * sizeof *at;
    for (unsigned order = 0; order < ORDERS; order++)
        for (unsigned level = 0; level < LEVELS; level++) {
            memory->free[order][level] = at;
            at += (units >> order >> 6 * (level + 1)) + 1;
        }
    for (unsigned order = 0; order < ORDERS; order++)
        if (units >> order & 1)
            flip(memory, order, (units >> order) - 1);
    return madvise(memory->free[0][0], memory->map_size, MADV_DONTFORK);
}

/* ---- Stretches ---- */

static bool claim_stretch(void *owner)
{
    uint32_t was = 0;
    return atomic_compare_exchange_strong((_Atomic uint32_t *)owner, &was, OWNER_HELD) || was == OWNER_HELD;
}

/* Makes an extent the caller's own. False if a worker that is giving pages of it back comes to no end. */
static bool claim(struct region *region, struct extent extent)
{
    size_t end = (extent.at + extent.units - 1) / STRETCH_UNITS + 1, most = region->memory_stretches + end;
    for (size_t stretch = extent.at / STRETCH_UNITS; stretch < end; stretch++) {
        _Atomic uint32_t *owner = &region->owners[region->block_count + stretch];
        if (!claim_stretch(owner) && !spin_until(1, now_ns() + TIDYING, claim_stretch, owner))
            return false;
    }
    if (most > atomic_load_explicit(&region->stretch_count, memory_order_relaxed))
        atomic_store_explicit(&region->stretch_count, (uint32_t)most, memory_order_relaxed);
    return true;
}

/* Marks the stretches of an extent as free. */
static void mark(struct memory *memory, struct extent extent)
{
    struct region *region = memory->region;
    for (size_t i = extent.at / STRETCH_UNITS; i * STRETCH_UNITS < extent.at + extent.units; i++) {
        atomic_store(&region->owners[region->block_count + i], 0);
        atomic_fetch_or(&region->hints[region->memory_stretches + i], HINT_TOUCHED);
    }
    memory->untidy = true;
}

/* ---- Extents ---- */

/* Takes a block for the extent: what is too much of a larger one stays free. False: there is none. */
static bool cut(struct memory *memory, unsigned order, struct extent *extent)
{
    uint64_t enough = memory->orders >> order << order;
    unsigned from = enough ? (unsigned)__builtin_ctzll(enough) : 0;
    extent->at = enough ? lowest(memory, from) << from : 0;
    if (!enough || !claim(memory->region, *extent))
        return false;
    flip(memory, from, extent->at >> from);
    while (from-- > order)
        flip(memory, from, (extent->at >> from) + 1);
    return true;
}

/* Makes the block of an extent free, and joins it with its neighbours. */
static void put(struct memory *memory, struct extent extent)
{
    unsigned order = order_of(extent.units);
    size_t n = extent.at >> order;
    for (; is_free(memory, order, n ^ 1); n /= 2, order++)
        flip(memory, order, n ^ 1);
    flip(memory, order, n);
    if (order >= STRETCH_ORDER)
        mark(memory, extent);
}

struct extent memory_take(struct memory *memory, size_t size)
{
    size_t units = size ? (size + UNIT - 1) / UNIT : 1, limit = memory->region->memory_limit;
    struct extent got = { memory->spare.at, units };
    bool fits = size <= limit && memory->used <= limit - size;
    if (fits && memory->spare.units && order_of(memory->spare.units) == order_of(units))
        memory->spare.units = 0;
    else if (!fits || !cut(memory, order_of(units), &got))
        return (struct extent){ 0, 0 };
    memory->used += units * UNIT;
    return got;
}

char *memory_at(const struct memory *memory, struct extent extent)
{
    return memory->region->memory + extent.at * UNIT;
}

void memory_give(struct memory *memory, struct extent extent)
{
    struct extent before = memory->spare;
    bool small = extent.units && extent.units < STRETCH_UNITS / 16;
    memory->used -= extent.units * UNIT;
    if (small)
        memory->spare = extent;
    if (small)
        extent = before;
    if (extent.units)
        put(memory, extent);
}

void memory_forget(struct memory *memory)
{
    if (memory->free[0][0])
        munmap(memory->free[0][0], memory->map_size);
    memory->free[0][0] = NULL;
}
