/*
 * known.c - refusing functions that no worker has.
 *
 * A library loaded with dlopen() after pool_open() is not in the nursery, so calling into it in a worker would be
 * a jump into nothing. The linker counts what it loads, so while nothing was loaded since, every function is known;
 * otherwise the function's module is looked up among those remembered. Functions already found are remembered too,
 * because a program hands over the same few a million times.
 */
#define _GNU_SOURCE
#include "known.h"
#include <errno.h>
#include <link.h>
#include <stdlib.h>

static int remember_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct known *known = data;
    (void)size;
    if (known->count == known->room) {
        size_t room = known->room ? 2 * known->room : 16;
        uintptr_t *modules = realloc(known->modules, room * sizeof *modules);
        if (!modules)
            return -1;
        known->modules = modules;
        known->room = room;
    }
    known->modules[known->count++] = (uintptr_t)info->dlpi_phdr;
    known->loads = info->dlpi_adds;
    return 0;
}

int known_remember(struct known *known)
{
    if (dl_iterate_phdr(remember_module, known) == 0)
        return 0;
    errno = ENOMEM;
    return -1;
}

struct search {
    const struct known *known;
    uintptr_t function;
    bool unknown;
};

static bool holds(const struct dl_phdr_info *info, uintptr_t function)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && function - start < info->dlpi_phdr[i].p_memsz)
            return true;
    }
    return false;
}

static int look_for_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    (void)size;
    if (info->dlpi_adds == search->known->loads)
        return 1;
    if (!holds(info, search->function))
        return 0;
    search->unknown = true;
    for (size_t i = 0; i < search->known->count; i++)
        if (search->known->modules[i] == (uintptr_t)info->dlpi_phdr)
            search->unknown = false;
    return 1;
}

bool known_has(struct known *known, uintptr_t function)
{
    uintptr_t *checked = &known->checked[function / 16 % 8];
    if (*checked == function)
        return true;
    struct search search = { known, function, false };
    dl_iterate_phdr(look_for_module, &search);
    if (!search.unknown)
        *checked = function;
    return !search.unknown;
}

void known_forget(struct known *known)
{
    free(known->modules);
}
