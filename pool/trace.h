/**
 * @file trace.h
 * @brief What a traced pool remembers: one record for each task, and for each beginning and end of a worker's life.
 *
 * Private to the library. Workers keep records in the region, pool_join() leaves them in a file (trace.c); lanes, a
 * program of its own, draws them. Times are nanoseconds since the pool was opened.
 */
#ifndef POOL_TRACE_H
#define POOL_TRACE_H

#include <stdint.h>

/** What a record says. */
enum trace_kind {
    TRACE_NOTHING, /**< An unused record: zeroed memory is an empty trace. In the file: the pool itself. */
    TRACE_START,   /**< A worker began its life in this slot: a point in time, start == end. */
    TRACE_DONE,    /**< A task ran and succeeded. */
    TRACE_FAILED,  /**< A task ran and returned failure. */
    TRACE_DEATH,   /**< The worker died; with an item: in the middle of that task. Its status is as from wait(). */
    TRACE_END,     /**< The worker's life ended as planned (maxtasks, close): a point in time. */
};

/** One bar or one mark. */
struct trace_record {
    uint64_t start, end; /**< When. */
    uint64_t item; /**< The item's index in its job, or UINT64_MAX: none (only START, END, DEATH of an idle worker). */
    uint32_t job;  /**< Which job: 1 for the first one handed over. */
    uint32_t worker; /**< The N of PoolWorker-N. */
    int32_t pid;     /**< The worker's process. */
    int32_t status;  /**< DEATH: as from wait(); FAILED: what the task returned. */
    uint32_t slot;   /**< The lane: 0 for the first. */
    enum trace_kind kind;
};

struct region;

/** Appends a joined pool's records to the file. 0, or -1 and the error set. */
int trace_write(struct region *region, const char *name);

#endif
