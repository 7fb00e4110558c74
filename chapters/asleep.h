/*
 * asleep.h: the proof that processes hang, shown in chapter 12.
 *
 * "No answer for a second" proves nothing on a busy machine. But processes
 * that wait for nobody but each other, and have set no alarm, can never go on
 * once all of them are asleep at the same moment: nobody is left to wake them.
 */
#ifndef ASLEEP_H
#define ASLEEP_H

#include "meet.h"
#include <stdbool.h>

/* How many context switches the processes have had so far; -1 if one of them
   is awake, or has other threads, which may be awake. */
static inline long switches(const pid_t *pid, int count)
{
    long sum = 0;
    for (int i = 0; i < count; i++) {
        long threads = 0, own_will = -1, forced = -1;
        char line[256], state = '?';
        snprintf(line, sizeof line, "/proc/%d/status", (int)pid[i]);
        FILE *file = fopen(line, "r");
        if (!file)
            return -1;
        while (fgets(line, sizeof line, file)) {
            sscanf(line, "State: %c", &state);
            sscanf(line, "Threads: %ld", &threads);
            sscanf(line, "voluntary_ctxt_switches: %ld", &own_will);
            sscanf(line, "nonvoluntary_ctxt_switches: %ld", &forced);
        }
        fclose(file);
        if (state != 'S' || threads != 1 || own_will < 0 || forced < 0)
            return -1;
        sum += own_will + forced;
    }
    return sum;
}

/* [asleep] */
/* Looks twice: true if all were asleep, and nobody was awake in between. */
static inline bool all_asleep(const pid_t *pid, int count)
{
    long before = switches(pid, count);
    document_sleep(1);
    return before >= 0 && switches(pid, count) == before;
}
/* [/asleep] */

#endif
