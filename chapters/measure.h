/*
 * measure.h: how chapters 13, 14, 16 measure and draw, shown in chapter 13.
 *
 * CHAPTER is the name of the program.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "kit.h"

/* Opens a pool of that size; 0: one worker for each core. */
static inline struct pool *open_pool(int size, pool_initializer *initializer)
{
    struct pool_options options = { .processes = size,
                                    .initializer = initializer };
    struct pool *pool = pool_open(&options);
    check(pool != NULL);
    return pool;
}

/* [stopwatch] */
/* The time in seconds, from some moment on. */
static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Keeps the shorter time. Whatever else a machine does can only make a time
   longer: the shortest of several is nearest to the truth. */
static inline void keep_best(double *best, double time)
{
    if (*best == 0 || time < *best)
        *best = time;
}
/* [/stopwatch] */

/* Opens the file to draw into, if one is named: what would be missing in the
   end is said before anything is measured. */
static inline FILE *open_drawing(const char *name)
{
    if (!name)
        return NULL;
    if (system("command -v gnuplot >/dev/null") != 0) {
        fprintf(stderr, CHAPTER " draws with gnuplot: apt-get install"
                                " gnuplot-nox, then the same again\n");
        exit(77);
    }
    FILE *file = fopen(name, "w");
    if (!file) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    return file;
}

struct plot {
    const char *title, *x, *y; /* what is written above it and at its axes */
    void (*print)(FILE *to);   /* prints the table that is drawn */
    int columns;               /* of the table; the first one is x */
    int ideal;                 /* y cannot be more; 0: not more than x */
    double level;              /* or not less than this, as here ... */
    const char *dashed;        /* ... this line is called */
};

/* Lets gnuplot draw it. The style makes a dark picture on a dark page. */
static inline void draw(FILE *file, const struct plot *plot)
{
    FILE *to = NULL;
    fflush(stdout);
    if (dup2(fileno(file), STDOUT_FILENO) >= 0) /* gnuplot, sed inherit it */
        to = popen("gnuplot | sed 's|<desc>|<style>"
                   "@media(prefers-color-scheme:dark){svg{"
                   "filter:invert(.93) hue-rotate(180deg)}}</style>&|'",
                   "w");
    if (!to) {
        perror(CHAPTER ": gnuplot");
        exit(EXIT_FAILURE);
    }
    fputs("set terminal svg size 760,440 font 'sans-serif,15' noenhanced"
          " background '#ffffff'\n"
          "set logscale x 2; set logscale y; set format '%g'\n"
          "set ytics (0.02,0.05,0.1,0.2,0.5,1,2,5,10,20,50); set tics nomirror"
          "; set datafile missing '-'\nset border 3 lc '#57606a'; set grid lt "
          "1 lc '#d8dee4'\n"
          "set key outside Left reverse spacing 1.3\n"
          "color = '#cf7409 #1f6bb2 #2f8f57 #8250df #c9252d'\n"
          "$table << end\n",
          to);
    plot->print(to);
    fprintf(to, "end\nset title '%s'; set xlabel '%s'; set ylabel '%s'\n",
            plot->title, plot->x, plot->y);
    fprintf(to, "ideal(x) = %d ? %d : %g > 0 ? %g : x\n", plot->ideal,
            plot->ideal, plot->level, plot->level);
    fprintf(to,
            "plot $table using 1:(ideal($1)) with lines dt 2 lw 2"
            " lc '#57606a' title '%s',"
            " '' using 1:(%s) with lines lc '#57606a' notitle,"
            " for [i=2:%d] '' using 1:i with linespoints lw 2.5 pt 7"
            " ps 0.7 lc rgb word(color, i - 1) title columnheader(i)\n",
            plot->dashed ? plot->dashed : "ideal", plot->dashed ? "NaN" : "1",
            plot->columns);
    if (pclose(to) != 0 || lseek(STDOUT_FILENO, 0, SEEK_CUR) == 0) {
        fprintf(stderr, CHAPTER ": gnuplot has drawn nothing\n");
        exit(EXIT_FAILURE);
    }
}

#endif
