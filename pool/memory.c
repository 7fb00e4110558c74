/*
 * memory.c - job memory: buddies. Only the caller allocates, and what it knows of it lies in its own memory.
 *
 * Free memory is kept as blocks of 2^k units, each at a multiple of its size; two that make up a block are one. So what
 * is free can be used again for any size. Of the smallest blocks that will do the lowest is taken, and what is too much
 * of it stays free. The free blocks of an order are a set of bits, with a bit above each 64 of them that says whether
 * any is set, and so on: the lowest is found in a few steps, and to give memory back takes none.
 *
 * Jobs come in few sizes, again and again: the last small piece that was given back is kept at hand.
 *
 * A stretch of which nothing is used is marked, and idle workers give its pages back (tidy(), note.c), unless it is
 * taken again first.
 */
#define _GNU_SOURCE
#include "caller.h"
#include <sched.h>
#include <sys/mman.h>

#define UNIT ((size_t)64)
#define STRETCH_ORDER 10u /* so large a block is a stretch */
#define STRETCH_UNITS ((size_t)1 << STRETCH_ORDER)
#define NONE SIZE_MAX

/* ---- Sets of free blocks ---- */

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
    return madvise(memory->free[0][0], memory->map_size, MADV_DONTFORK);
}

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

/* ---- Stretches ---- */

static void mark(struct memory *memory, size_t n)
{
    struct region *region = memory->region;
    atomic_store(&region->owners[region->block_count + n], 0);
    atomic_fetch_or(&region->hints[region->memory_stretches + n], HINT_TOUCHED);
    memory->untidy = true;
}

/* Makes units the caller's own. False if a worker that is giving their pages back comes to no end. */
static bool claim(struct memory *memory, size_t from, size_t to)
{
    for (size_t stretch = from / STRETCH_UNITS; stretch * STRETCH_UNITS < to; stretch++) {
        _Atomic uint32_t *owner = &memory->region->owners[memory->region->block_count + stretch];
        uint32_t was = 0;
        for (int i = 0; !atomic_compare_exchange_strong(owner, &was, OWNER_HELD) && was != OWNER_HELD; i++, was = 0) {
            if (i == YIELDS)
                return false;
            sched_yield();
        }
    }
    return true;
}

/* ---- Units ---- */

/* Makes units free: cuts them into blocks, and joins these with their neighbours. */
static void put(struct memory *memory, size_t from, size_t to)
{
    while (from < to) {
        unsigned order = 63 - (unsigned)__builtin_clzll(to - from);
        if (from && (unsigned)__builtin_ctzll(from) < order)
            order = (unsigned)__builtin_ctzll(from);
        size_t n = from >> order;
        from += (size_t)1 << order;
        for (; is_free(memory, order, n ^ 1); n /= 2) {
            flip(memory, order, n ^ 1);
            if (++order == STRETCH_ORDER)
                mark(memory, n / 2);
        }
        flip(memory, order, n);
    }
}

/* Takes units behind all that were ever used. */
static size_t cut_new(struct memory *memory, size_t units)
{
    size_t top = memory->top, end = top + units, new = (top + STRETCH_UNITS - 1) / STRETCH_UNITS *STRETCH_UNITS;
    if (memory->region->memory_size / UNIT < end || !claim(memory, new, end))
        return NONE;
    memory->top = end;
    atomic_store_explicit(&memory->region->stretch_count,
                          memory->region->memory_stretches + (uint32_t)(end / STRETCH_UNITS) + 1, memory_order_relaxed);
    return top;
}

/* Returns the order of the free block that begins here; ORDERS: none does. */
static unsigned order_at(const struct memory *memory, size_t at)
{
    unsigned order = 0;
    while (order < ORDERS && (at >> order << order != at || !is_free(memory, order, at >> order)))
        order++;
    return order;
}

/* Takes units from where a free block begins, if as many are free there. Returns the place, or NONE. */
static size_t take_from(struct memory *memory, size_t at, size_t units)
{
    size_t end = at;
    for (unsigned order; end < at + units && (order = order_at(memory, end)) < ORDERS;)
        end += (size_t)1 << order;
    if (end < at + units || !claim(memory, at, at + units))
        return NONE;
    for (size_t block = at; block < end;) {
        unsigned order = order_at(memory, block);
        flip(memory, order, block >> order);
        block += (size_t)1 << order;
    }
    put(memory, at + units, end);
    return at;
}

/* Returns where there were so many free units in one piece, or NONE. It looks at the lowest of the smallest blocks that
 * are half as long at least, behind which there may be more, and of those that are long enough. */
static size_t cut(struct memory *memory, size_t units)
{
    unsigned half = 63 - (unsigned)__builtin_clzll(units);
    size_t at = NONE;
    for (unsigned least = half; least <= half + 1 && at == NONE; least++) {
        uint64_t enough = memory->orders >> least << least;
        unsigned order = enough ? (unsigned)__builtin_ctzll(enough) : 0;
        if (enough)
            at = take_from(memory, lowest(memory, order) << order, units);
    }
    return at == NONE ? cut_new(memory, units) : at;
}

/* ---- Extents ---- */

struct extent memory_take(struct memory *memory, size_t size)
{
    size_t units = size ? (size + UNIT - 1) / UNIT : 1, limit = memory->region->memory_limit;
    struct extent got = memory->spare;
    if (size > limit || memory->used > limit - size)
        return (struct extent){ 0, 0 };
    if (got.units == units)
        memory->spare.units = 0;
    else if ((got.at = cut(memory, units)) == NONE)
        return (struct extent){ 0, 0 };
    memory->used += units * UNIT;
    return (struct extent){ got.at, units };
}

char *memory_at(const struct memory *memory, struct extent extent)
{
    return memory->region->memory + extent.at * UNIT;
}

void memory_give(struct memory *memory, struct extent extent)
{
    if (!extent.units)
        return;
    memory->used -= extent.units * UNIT;
    if (extent.units < STRETCH_UNITS / 16) {
        struct extent before = memory->spare;
        memory->spare = extent;
        extent = before;
    }
    size_t end = extent.at + extent.units;
    put(memory, extent.at, end);
    for (size_t i = (extent.at + STRETCH_UNITS - 1) / STRETCH_UNITS; i < end / STRETCH_UNITS; i++)
        mark(memory, i);
}

void memory_forget(struct memory *memory)
{
    if (memory->free[0][0])
        munmap(memory->free[0][0], memory->map_size);
    memory->free[0][0] = NULL;
}
