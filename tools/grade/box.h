/*
 * What the two halves of build/box share: box.c runs an answer, witness.c answers its questions, look.c reads
 * in /proc what the kernel knows of its processes.
 */
#ifndef BOX_H
#define BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

enum { MAX_PROCESSES = 4096 }; /* looked at in one go */

double now(void); /* seconds, of the monotonic clock */

/* --- look.c -------------------------------------------------------------------------------------- */

size_t look_children(pid_t parent, pid_t list[MAX_PROCESSES]);
size_t look_below(pid_t root, pid_t list[MAX_PROCESSES]); /* children, their children ... */
char look_state(pid_t pid);                               /* R, S, Z ...; 0: it is gone */
pid_t look_parent(pid_t pid);
bool look_asleep(pid_t pid);      /* all its threads are */
long look_descriptors(pid_t pid); /* how many it has open */
long look_memory(pid_t pid);      /* KiB mapped that are no file's, without heap and stack */
long look_resident(pid_t root);   /* KiB that everything below takes */
void look_name(pid_t pid, char name[32]);

/* --- witness.c ----------------------------------------------------------------------------------- */

/* Reads one rule; false and a message on stderr if it makes no sense. */
bool witness_rule(const char *text);
/* Listens at `path`. What is below `root`, which is box's child, is the box; `walls` tells that bubblewrap is
   between. Returns a descriptor that is readable when there is something to do. */
int witness_open(const char *path, unsigned long long seed, double seconds);
void witness_watch(pid_t root, bool walls);
void witness_do(void);       /* takes what has come, and answers what can be answered */
bool witness_waits(void);    /* something is held back: call witness_do() every 20 ms */
void witness_print(FILE *);  /* the facts, a line each */
void witness_log(FILE *log); /* from now on each event becomes a line there */
/* The answer to a question: "ask 5 7" */
long witness_answer(unsigned long long seed, const char *question);

#endif
