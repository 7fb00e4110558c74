/*
 * Chapter 2, beside it: this file does not compile, and must not.
 *
 * The idea: a function of two numbers is not a task, because a task has one
 * argument. Python finds that out when it runs: "TypeError: do_add() takes
 * exactly 2 arguments (1 given)". C's TypeError comes from the compiler, before
 * anything runs. It names the two types, the one wanted and the one given.
 *
 * Usage: gcc -Werror -fsyntax-only -Ipool chapters/ch02b-does-not-compile.c
 *
 * Without -Werror an older compiler only warns, and what it builds is wrong.
 */
#include "pool.h"

/* [do-add] */
static int do_add(int n1, int n2)
{
    return n1 + n2;
}

int main(void)
{
    int pairs[][2] = { { 1, 2 }, { 3, 4 }, { 5, 6 } }, sums[3];
    struct pool *pool = pool_open(NULL);
    pool_map(pool, do_add, pairs, 3, sizeof *pairs, sums, sizeof *sums);
    pool_free(pool);
}
/* [/do-add] */
