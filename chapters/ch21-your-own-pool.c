/*
 * Chapter 21: your own pool.
 *
 * The idea: build a pool in five steps. Each is good until a day comes that
 * its author had not thought of; the next step is made for that day.
 *
 * Usage: make ch21 && ./ch21    all five steps, one after the other
 *        ./ch21 STEP            one of them: 1 2 3 4 5
 *
 * Watch for: no broken pool crashes. It hangs, or says what is not so.
 *
 * The pools stand in ch21-steps.h. Here are the days, and who looks on.
 */
#define _GNU_SOURCE /* pipe2 */
#include "asleep.h"
#include "ch21-steps.h"

enum { WIDE = 100000, MANY = 10000 };

/* [tasks] */
static int square(const void *arg, void *result)
{
    long x = *(const long *)arg;
    *(long *)result = x * x;
    return 0;
}

static int fourth(const void *arg, void *result)
{
    square(arg, result);
    return square(result, result);
}

static int door[2]; /* a pipe */

static int slow(const void *arg, void *result)
{
    long x = *(const long *)arg;
    char key = 0;
    if (x == 0) /* lasts until item 2 is done */
        check(read(door[0], &key, 1) == 1);
    if (x == 2)
        check(write(door[1], &key, 1) == 1);
    return square(arg, result);
}

static int deadly(const void *arg, void *result)
{
    if (*(const long *)arg == 0)
        raise(SIGKILL);
    return square(arg, result);
}

static int wide(const void *arg, void *result)
{
    memset(result, '.', WIDE);
    return square(arg, (char *)result + WIDE - sizeof(long));
}
/* [/tasks] */

static bool is_dead(pid_t pid)
{
    char path[64], state = 'X';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return true;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X'; /* it has gone meanwhile */
    fclose(file);
    return state == 'X' || state == 'Z';
}

/* The pool's processes that live, but for one. */
static int living(pid_t *pid, pid_t but)
{
    int n = 0;
    for (int i = 0; i < board->processes; i++)
        if (board->pid[i] != but && !is_dead(board->pid[i]))
            pid[n++] = board->pid[i];
    return n;
}

/* How many live, if all of them are asleep; else 0. */
static int hang(void)
{
    pid_t pid[MOST];
    int n = living(pid, 0);
    return n && switches(pid, n) >= 0 && all_asleep(pid, n) ? n : 0;
}

/* [ring] */
static void on_signal(int number)
{
    (void)number;
    board->signals++;
}

/* Item 0 waits until all others sleep, and sends them a signal. */
static int ring(const void *arg, void *result)
{
    pid_t pid[MOST];
    int n = 0;
    if (*(const long *)arg == 0)
        while (n = living(pid, getpid()), !all_asleep(pid, n))
            continue;
    for (int i = 0; i < n; i++)
        kill(pid[i], SIGUSR1);
    wait_until(&board->signals, n);
    return square(arg, result);
}
/* [/ring] */

/* [days] */
static const struct day {
    const char *name;
    int cured; /* in this step; the one before is broken */
    pool_task *task;
    size_t width;
    const char *text; /* printed before, and not flushed */
} days[] = {
    { "unflushed text", 2, square, sizeof(long), "hi " },
    { "large answers", 2, fourth, sizeof(long), "" },
    { "a slow item", 3, slow, sizeof(long), "" },
    { "a deadly item", 4, deadly, sizeof(long), "" },
    { "wide answers", 5, wide, WIDE, "" },
    { "a signal", 5, ring, sizeof(long), "" },
    { "a quiet day", 5, square, sizeof(long), "" },
};

static const struct step {
    const char *text;
    void (*run)(struct job *);
} steps[] = {
    { "a process for each item; its exit status is the answer", step1 },
    { "two workers, each has every second item", step2 },
    { "two workers, and one pipe from which both take items", step3 },
    { "two pipes for each worker, and poll()", step4 },
    { "the same, but it reads, writes, waits and closes with care", step5 },
};
/* [/days] */

static void print(const struct job *job)
{
    long number;
    printf("%d workers:", board->processes - 1);
    for (int i = 0; i < job->n; i++) {
        memcpy(&number, (char *)place(job, i + 1) - sizeof number,
               sizeof number); /* the last bytes of the answer */
        if (job->death[i] < 0)
            printf(" %ld", number);
        else
            printf(" lost");
    }
    for (int i = 0; i < job->n; i++)
        if (job->death[i] >= 0)
            printf(", item %d: %s", i, strsignal(WTERMSIG(job->death[i])));
    printf("\n");
}

static _Noreturn void caller(const struct step *step, const struct day *day)
{
    static const long in[ITEMS] = { 0, 1, 2, 3, 4, 5 };
    int death[ITEMS] = { -1, -1, -1, -1, -1, -1 };
    struct job job = { day->task,  in,   ITEMS, calloc(ITEMS, day->width),
                       day->width, death };
    struct sigaction action = { .sa_handler = on_signal };
    check(job.out != NULL);
    check(sigaction(SIGUSR1, &action, NULL) == 0);
    check(pipe(door) == 0);
    board->pid[0] = getpid();
    printf("%s", day->text);
    step->run(&job);
    print(&job);
    _exit(EXIT_SUCCESS);
}

/* Runs the step on that day, in a process that can be killed if it hangs. */
static void try(const struct step *step, const struct day *day, bool cured)
{
    int asleep = 0;
    printf("   %-7s %-15s ", cured ? "cured:" : "broken:", day->name);
    fflush(stdout);
    *board = (struct board){ .processes = 1 };
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0)
        caller(step, day);
    while (!asleep && waitpid(pid, NULL, WNOHANG) == 0) {
        document_sleep(0.02);
        asleep = board->pid[0] ? hang() : 0;
    }
    if (asleep) {
        printf("HANGS: %d of %d answers, caller and %d worker%s asleep\n",
               board->answers, ITEMS, asleep - 1, asleep == 2 ? "" : "s");
        kill(pid, SIGKILL);
    }
    while (wait(NULL) > 0) /* its workers end with it, and are ours now */
        continue;
}

static double us_each(double start)
{
    return (document_time() - start) * document_second() * 1e6 / MANY;
}

static void time_our_pool(const long *in, long *out, long chunk)
{
    struct pool *pool =
        pool_open(&(struct pool_options){ .processes = WORKERS });
    double start = document_time();
    struct pool_result *result =
        pool_map_async(pool, square, in, MANY, sizeof *in, sizeof *out,
                       &(struct pool_job_options){ .chunk = chunk });
    if (pool_result_get(result, out, POOL_FOREVER) != 0)
        printf("   %s\n", pool_error()->text);
    else
        printf("   our pool, %-12s %6.2f us each\n",
               chunk ? "one by one" : "in chunks", us_each(start));
    pool_free(pool);
}

static void compare(void)
{
    static long in[MANY], out[MANY];
    static int death[MANY];
    *board = (struct board){ .processes = 1 };
    memset(death, -1, sizeof death);
    for (int i = 0; i < MANY; i++)
        in[i] = i;
    printf("   %d squares, on your machine today:\n", MANY);
    double start = document_time();
    step5(&(struct job){ square, in, MANY, (char *)out, sizeof *out, death });
    printf("   step 5 %22.2f us each\n", us_each(start));
    time_our_pool(in, out, 1);
    time_our_pool(in, out, 0);
}

/* A step on the days it cures, and on those it does not; the last on all. */
static void show(int number)
{
    const int last = sizeof steps / sizeof *steps;
    const int count = sizeof days / sizeof *days;
    printf("%d  %s\n", number, steps[number - 1].text);
    for (const struct day *day = days; day < days + count; day++)
        if (number == day->cured - 1)
            try(&steps[number - 1], day, false);
        else if (number == day->cured || number == last)
            try(&steps[number - 1], day, true);
    if (number == last)
        compare();
}

int main(int argc, char **argv)
{
    const char *which = begin(argc, argv, "1 | 2 | 3 | 4 | 5");
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a try leaves becomes ours */
    board = shared_memory(sizeof *board);
    for (which = which ? which : "12345"; *which; which++)
        show(*which - '0');
    return 0;
}
