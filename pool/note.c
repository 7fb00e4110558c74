/*
 * note.c - runs of blocks for replies and failure messages, taken by workers, given back by the caller.
 *
 * Each block has an owner word: 0, or 1 + the slot whose worker took it, or HELD once its note is published. A run is
 * taken block by block with compare-and-swap. The invariant that lets a successor clean up: the blocks that bear a
 * slot's number all belong to the one run that stands in that slot. So the run is written there before its first block
 * is taken, and its blocks are HELD before it is wiped out; and to give it back, any number of times, is to free those
 * blocks of it that bear the number. There is no list of free blocks and no lock, which a worker that is killed could
 * leave half-changed. The lowest free blocks are used first, so that few pages are.
 *
 * Stretches of job memory that the caller has marked as free have an owner word, too: a worker with nothing to do
 * takes them, as it takes blocks, to give their pages back to the system.
 */
#define _GNU_SOURCE
#include "inside.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define EACH (STRETCH / BLOCK_SIZE) /* blocks in a stretch */

static uint32_t tag_of(const struct region *region, const struct slot *slot)
{
    return (uint32_t)(slot - region->slots) + 1;
}

static void hint(struct region *region, uint32_t stretch, uint8_t what)
{
    if (!(atomic_load(&region->hints[stretch]) & what))
        atomic_fetch_or(&region->hints[stretch], what);
}

/* Takes the run if all of it is free. Returns how many of its blocks are, up to the first that is not. */
static uint32_t take_run(struct region *region, struct slot *slot, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) /* what is not free is not taken for a moment either: others look, too */
        if (atomic_load(&region->owners[first + i]))
            return i;
    note64(&slot->run, (uint64_t)count << 32 | (first + 1));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t nobody = 0;
        if (!atomic_compare_exchange_strong(&region->owners[first + i], &nobody, tag_of(region, slot))) {
            note_drop(region, slot);
            return i;
        }
    }
    return count;
}

/* Looks for a free run that begins in this stretch, from this place on. Returns whether it got one. */
static bool find_here(struct region *region, struct slot *slot, uint32_t place, uint32_t count)
{
    uint32_t stretch = place / EACH, end = (stretch + 1) * EACH;
    bool full = place % EACH == 0;
    while (place < end && count <= region->block_count - place) {
        uint32_t got = take_run(region, slot, place, count);
        slot->place = place + got;
        for (uint32_t i = stretch; got == count && i <= (place + count - 1) / EACH; i++)
            hint(region, i, HINT_TOUCHED);
        if (got == count)
            return true;
        full = full && !got;
        place += got + 1;
    }
    if (full && place >= end)
        hint(region, stretch, HINT_FULL);
    return false;
}

/* Looks for a free run behind this worker's last one, then in stretches not known to be full, then everywhere. */
static bool find_run(struct region *region, struct slot *slot, uint32_t count)
{
    bool found = slot->place % EACH && find_here(region, slot, slot->place, count);
    for (int known = HINT_FULL; known >= 0 && !found; known -= HINT_FULL)
        for (uint32_t place = 0; place < region->block_count && !found; place += EACH)
            found = !(atomic_load(&region->hints[place / EACH]) & known) && find_here(region, slot, place, count);
    return found;
}

struct cleaner {
    struct region *region;
    uint32_t tag;
};

static bool become_cleaner(void *about)
{
    struct cleaner *self = about;
    return atomic_compare_exchange_strong(&self->region->cleaner, &(uint32_t){ 0 }, self->tag);
}

/* Looks once more while nobody can be giving pages back: what that one has in hand is free, and looks taken. */
static bool find_beside_cleaner(struct region *region, struct slot *slot, uint32_t count)
{
    struct cleaner self = { region, tag_of(region, slot) };
    if (!spin_until(1, now_ns() + TIDYING, become_cleaner, &self))
        return false;
    bool found = find_run(region, slot, count);
    atomic_store(&region->cleaner, 0);
    return found;
}

struct note *note_new(struct region *region, struct slot *slot, enum note_kind kind, size_t size)
{
    note_drop(region, slot);
    uint64_t count = (sizeof(struct note) + size + 1 + BLOCK_SIZE - 1) / BLOCK_SIZE;
    if (size > region->memory_limit || count > region->block_count)
        return NULL;
    if (!find_run(region, slot, (uint32_t)count) && !find_beside_cleaner(region, slot, (uint32_t)count))
        return NULL;
    struct note *note = note_unpublished(region, slot);
    *note = (struct note){ .blocks = (uint32_t)count, .kind = kind, .size = size };
    note->bytes[size] = '\0';
    return note;
}

struct note *note_unpublished(struct region *region, const struct slot *slot)
{
    return note_at(region, (uint32_t)atomic_load(&slot->run));
}

void note_publish(struct region *region, struct slot *slot, struct job *job, uint64_t item)
{
    uint64_t run = atomic_load(&slot->run);
    atomic_store_explicit(&job->noted, 1, memory_order_relaxed);                   /* the ticket's exchange shows it */
    atomic_store_explicit(&job->notes[item], (uint32_t)run, memory_order_release); /* the note is complete */
    atomic_signal_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < (uint32_t)(run >> 32); i++)
        atomic_store_explicit(&region->owners[(uint32_t)run - 1 + i], OWNER_HELD,
                              memory_order_relaxed); /* taken before, too */
    atomic_signal_fence(memory_order_seq_cst);
    note64(&slot->run, 0);
}

void note_absent(struct job *job, uint64_t item, enum give_up why)
{
    atomic_store(&job->noted, 1);
    uint32_t none = 0;
    atomic_compare_exchange_strong(&job->notes[item], &none, ABSENT + why);
}

void note_rest(struct slot *slot, struct job *job, uint64_t item, uint64_t end, enum give_up why)
{
    note32(&slot->failed, atomic_load(&slot->failed) + (uint32_t)(end - item));
    for (; item < end; item++)
        note_absent(job, item, why);
}

void note_drop(struct region *region, struct slot *slot)
{
    uint64_t run = atomic_load(&slot->run);
    for (uint32_t i = 0; i < (uint32_t)(run >> 32); i++)
        atomic_compare_exchange_strong(&region->owners[(uint32_t)run - 1 + i], &(uint32_t){ tag_of(region, slot) }, 0);
    note64(&slot->run, 0);
}

struct note *note_at(struct region *region, uint32_t word)
{
    if (word == 0 || word > region->block_count)
        return NULL;
    return (struct note *)(region->blocks + (size_t)(word - 1) * BLOCK_SIZE);
}

bool note_says_failed(struct region *region, uint32_t word)
{
    const struct note *note = note_at(region, word);
    return word >= ABSENT || (note && note->kind != NOTE_REPLY);
}

void note_free(struct region *region, uint32_t word)
{
    struct note *note = note_at(region, word);
    if (!note)
        return;
    uint32_t first = word - 1, count = note->blocks;
    for (uint32_t i = first; i < first + count && i < region->block_count; i++) {
        atomic_store_explicit(&region->owners[i], 0, memory_order_release); /* nothing of it is read any more */
        if (atomic_load(&region->hints[i / EACH]) & HINT_FULL)
            atomic_fetch_and(&region->hints[i / EACH], (uint8_t)~HINT_FULL);
    }
}

/* ---- Pages ---- */

/* Gives the pages of a stretch back if nothing of it is used: takes all of it, as for a note. */
static void clean(struct worker *w, uint32_t stretch)
{
    struct region *region = w->region;
    bool blocks = stretch < region->memory_stretches;
    uint32_t count = blocks ? EACH : 1;
    uint32_t first = blocks ? stretch * EACH : region->block_count + stretch - region->memory_stretches;
    if (take_run(region, w->slot, first, count) == count) {
        madvise(region->blocks + (size_t)stretch * STRETCH, STRETCH, MADV_REMOVE);
        atomic_fetch_and(&region->hints[stretch], (uint8_t)~HINT_TOUCHED);
        note_drop(region, w->slot);
    }
}

void tidy(struct worker *w, bool (*enough)(void *worker))
{
    struct region *region = w->region;
    uint32_t stretches = atomic_load(&region->stretch_count);
    if (!become_cleaner(&(struct cleaner){ region, own(w) }))
        return;
    atomic_store(&region->untidy, 0);
    for (uint32_t i = 0; i < stretches && !enough(w); i++)
        if (atomic_load(&region->hints[i]) & HINT_TOUCHED)
            clean(w, i);
    if (enough(w))
        atomic_store(&region->untidy, now_ns());
    atomic_store(&region->cleaner, 0);
}

/* ---- Of items ---- */

void settle_item(struct worker *w, struct job *job, uint64_t item, int status)
{
    struct note *note = note_unpublished(w->region, w->slot);
    if (status && (!note || note->kind != NOTE_FAILURE))
        note = note_new(w->region, w->slot, NOTE_FAILURE, 0);
    if (!status && note && (note->kind != NOTE_REPLY || atomic_load(&job->dropped))) {
        note_drop(w->region, w->slot);
        note = NULL;
    }
    if (note) {
        note->status = status;
        note->pid = atomic_load(&w->slot->pid); /* for each reply no system call */
        note_publish(w->region, w->slot, job, item);
    } else if (status) {
        note_absent(job, item, NO_MEMORY);
    }
    if (status)
        note32(&w->slot->failed, atomic_load(&w->slot->failed) + 1);
    if (status && job->fail_fast)
        give_up(job, GIVEN_UP_FAILED);
}

/* ---- What tasks call ---- */

/* Returns the worker that this thread is in the middle of a task; NULL, and the error, if it is not. */
static struct worker *replier(const char *who)
{
    struct worker *self = worker_self();
    if (self && self->in_task)
        return self;
    error_set(EINVAL, "%s: only a task can reply", who);
    return NULL;
}

void *pool_reply(size_t size)
{
    struct worker *self = replier("pool_reply");
    struct note *note = self ? note_new(self->region, self->slot, NOTE_REPLY, size) : NULL;
    if (self && !note)
        error_set(ENOMEM, "pool_reply: no room for %zu bytes; open the pool with a larger .memory", size);
    return note ? note->bytes : NULL;
}

/* Prints into a new note of the right length. Returns whether there was room. */
static bool print_note(struct worker *self, enum note_kind kind, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    struct note *note = length < 0 ? NULL : note_new(self->region, self->slot, kind, (size_t)length);
    return note && vsnprintf(note->bytes, (size_t)length + 1, format, args) >= 0;
}

int pool_reply_text(const char *format, ...)
{
    struct worker *self = replier("pool_reply_text");
    if (!self)
        return -1;
    va_list args;
    va_start(args, format);
    bool printed = print_note(self, NOTE_REPLY, format, args);
    va_end(args);
    return printed ? 0 : error_set(ENOMEM, "pool_reply_text: no room; open the pool with a larger .memory");
}

int pool_fail(const char *format, ...)
{
    struct worker *self = worker_self();
    va_list args;
    va_start(args, format);
    if (self && self->in_task)
        print_note(self, NOTE_FAILURE, format, args);
    else if (self)
        vsay(self->slot->text, sizeof self->slot->text, format, args);
    va_end(args);
    return -1;
}
