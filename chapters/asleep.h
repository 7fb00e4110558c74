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
#include <string.h>

/* [asleep] */
/* How often the processes have left a core so far; -1 if one of them is awake,
   or has other threads, which may be awake. */
static inline long switches(const pid_t *pid, int count)
{
    long own_will, forced, sum = 0;
    for (int i = 0; i < count; i++) {
        char text[4096];
        snprintf(text, sizeof text, "/proc/%d/status", (int)pid[i]);
        FILE *file = fopen(text, "r");
        if (!file)
            return -1;
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        const char *numbers = strstr(text, "voluntary_ctxt_switches:");
        if (!strstr(text, "State:\tS") || !strstr(text, "Threads:\t1\n") ||
            !numbers ||
            sscanf(numbers, "%*s %ld %*s %ld", &own_will, &forced) != 2)
            return -1;
        sum += own_will + forced;
    }
    return sum;
}

/* Looks twice: true if all were asleep, and nobody was awake in between. */
static inline bool all_asleep(const pid_t *pid, int count)
{
    long before = switches(pid, count);
    document_sleep(1);
    return before >= 0 && switches(pid, count) == before;
}
/* [/asleep] */

#endif
