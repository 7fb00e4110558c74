/**
 * @file worker.h
 * @brief A worker's life.
 *
 * Private to the library.
 */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include "region.h"

/** Lives a worker's whole life in this process: heals what its predecessor left, works, ends in _exit. */
_Noreturn void worker_live(struct region *region, uint32_t number, pid_t nursery);

/** Settles what the dead worker of a slot held, when there will be no successor: the items fail (ABSENT_WORKER). */
void worker_bury(struct region *region, uint32_t number);

/** Tells whether this thread is inside a task or an initializer. */
bool worker_here(void);

#endif
