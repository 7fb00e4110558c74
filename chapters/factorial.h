/*
 * factorial.h: the task of chapters 13 and 14, shown in chapter 13.
 *
 * GMP computes with numbers of any length. Where it is missing, the first
 * factorial says so and ends the program with status 77: cannot run here.
 * CHAPTER is the name of the program.
 */
#ifndef FACTORIAL_H
#define FACTORIAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 160 }; /* 100! has 158 digits; a zero byte ends them */

#if __has_include(<gmp.h>)
#include <gmp.h>

/* [factorial] */
/* The document's task: the factorial of a number of at most 100, in digits. */
static int factorial(const void *arg, void *result)
{
    const int *number = arg;
    mpz_t product; /* it holds a pointer, so what travels is its digits */
    mpz_init(product);
    mpz_fac_ui(product, (unsigned long)*number);
    int digits = gmp_snprintf(result, WIDTH, "%Zd", product);
    memset((char *)result + digits, 0, WIDTH - (size_t)digits);
    mpz_clear(product);
    return 0;
}
/* [/factorial] */

#else
static int factorial(const void *arg, void *result)
{
    (void)arg, (void)result;
    fprintf(stderr,
            CHAPTER " needs GMP: apt-get install libgmp-dev, then make " CHAPTER
                    " again\n");
    exit(77);
}
#endif

#endif
