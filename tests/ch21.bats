# Chapter 21: S12 and S13, the plumbing of a pool of one's own: what each step cures, and what it does not.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch21
    more >"$BATS_FILE_TMPDIR/more.c"
    kit_build compile SOURCE="$BATS_FILE_TMPDIR/more.c" PROGRAM="$BATS_FILE_TMPDIR/more"
}

# What the steps 1 to 5 print, those asked for.
expected() {
    cat <<'END' | awk -v steps="$1" '/^[1-5]/ { wanted = index(steps, substr($0, 1, 1)) } wanted'
1  a process for each item; its exit status is the answer
   broken: unflushed text  hi hi hi hi hi hi hi 6 workers: 0 1 4 9 16 25
   broken: large answers   6 workers: 0 1 16 81 0 113
2  two workers, each has every second item
   cured:  unflushed text  hi 2 workers: 0 1 4 9 16 25
   cured:  large answers   2 workers: 0 1 16 81 256 625
   broken: a slow item     HANGS: 3 of 6 answers, caller and 1 worker asleep
3  two workers, and one pipe from which both take items
   cured:  a slow item     2 workers: 0 1 4 9 16 25
   broken: a deadly item   HANGS: 5 of 6 answers, caller and 1 worker asleep
4  two pipes for each worker, and poll()
   cured:  a deadly item   3 workers: lost 1 4 9 16 25, item 0: Killed
   broken: wide answers    HANGS: 0 of 6 answers, caller and 2 workers asleep
   broken: a signal        poll: Interrupted system call
   broken: a quiet day     HANGS: 6 of 6 answers, caller and 2 workers asleep
5  the same, but it reads, writes, waits and closes with care
   cured:  unflushed text  hi 2 workers: 0 1 4 9 16 25
   cured:  large answers   2 workers: 0 1 16 81 256 625
   cured:  a slow item     2 workers: 0 1 4 9 16 25
   cured:  a deadly item   3 workers: lost 1 4 9 16 25, item 0: Killed
   cured:  wide answers    2 workers: 0 1 4 9 16 25
   cured:  a signal        2 workers: 0 1 4 9 16 25
   cured:  a quiet day     2 workers: 0 1 4 9 16 25
   10000 squares, on your machine today:
   step 5                   2.71 us each
   our pool, one by one     0.13 us each
   our pool, in chunks      0.07 us each
END
}

@test "ch21: each step cures what broke the one before, and the last one all of it" {
    kit_run -0 ch21
    expected 12345 | kit_match -
}

@test "ch21: one step alone" {
    for step in 1 2 3 4 5; do
        kit_run -0 ch21 $step
        expected $step | kit_match -
    done
}

@test "ch21: prints the same on a busy machine, run after run" {
    kit_busy 3 ch21 < <(expected 12345)
}

@test "ch21: a step it does not know, and a SCALE that is no number, are refused" {
    for step in 0 6 12 "" nonsense "1 2"; do
        kit_run -2 ch21 "$step"
        assert_output "usage: ./ch21 [1 | 2 | 3 | 4 | 5]"
    done
    kit_run -2 ch21 1 2
    SCALE=fast kit_run -2 ch21
    assert_output --partial "SCALE=fast: how many seconds shall a second last?"
}

@test "ch21: step 4 hangs if the second worker dies instead of the first" {
    kit_altered ch21 'static int deadly(const void *arg, void *result)' \
        'static int deadly(const void *arg, void *result) { if (*(const long *)arg == 1) raise(SIGKILL);
        return square(arg, result); } __attribute__((unused)) static int first(const void *arg, void *result)'
    kit_run -0 build/ch21-altered 4
    assert_output --partial "a deadly item   HANGS: 5 of 6 answers, caller and 2 workers asleep"
}

# more ARG...: the program below, under the runner.
run_more() {
    run -0 "$KIT/build/run" -l "$BATS_FILE_TMPDIR/more" "$@"
}

@test "ch21: step 5 in a rain of signals, while workers are killed: each item once, right or lost" {
    for run in 1 2 3; do
        run_more rain
        assert_output "0 wrong, some lost, 200 answered or lost"
    done
}

@test "ch21: step 3 hangs with more items than two pipes hold, step 5 does not" {
    run_more 3 15000
    assert_output ends
    run_more 3 30000
    assert_output hangs
    run_more 5 30000
    assert_output ends
}

@test "ch21: step 5 does not learn of the death of a worker whose item left a process behind" {
    run_more 5 6 orphan
    assert_output hangs
}

more() {
    cat <<'END'
/* The steps at what the chapter's text says of them. usage: more STEP ITEMS [orphan]; or more rain */
#define _GNU_SOURCE
#include "asleep.h"
#include "ch21-steps.h"
#include <sys/time.h>

enum { WIDE = 100000, RAINY = 200 };

static void (*const steps[])(struct job *) = { step1, step2, step3, step4, step5 };
static pid_t caller;

static int square(const void *arg, void *result)
{
    long x = *(const long *)arg;
    *(long *)result = x * x;
    return 0;
}

/* Item 0, which worker 1 has, leaves a process behind and kills its worker. The list then has that process. */
static int orphan(const void *arg, void *result)
{
    if (*(const long *)arg == 0) {
        pid_t left = fork();
        if (left == 0)
            for (;;)
                pause();
        board->pid[1] = left;
        raise(SIGKILL);
    }
    return square(arg, result);
}

/* In the caller each twentieth signal kills a worker. */
static void on_alarm(int number)
{
    static unsigned count;
    (void)number;
    pid_t pid = ++count % 20 ? 0 : team[count / 20 % WORKERS].pid;
    if (getpid() == caller && pid > 0)
        kill(pid, SIGKILL);
}

static void rain(void)
{
    struct itimerval often = { { 0, 200 }, { 0, 200 } };
    check(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

static int wet(const void *arg, void *result)
{
    board->processes = 1; /* else the list would be too short */
    rain();
    if (*(const long *)arg == 0)
        raise(SIGKILL); /* one is lost in any case */
    memset(result, (int)*(const long *)arg, WIDE);
    return 0;
}

static struct job make_job(pool_task *task, int n, size_t width)
{
    long *in = calloc((size_t)n, sizeof *in);
    int *death = calloc((size_t)n, sizeof *death);
    struct job job = { task, in, n, calloc((size_t)n, width), width, death };
    check(in && death && job.out);
    for (int i = 0; i < n; i++) {
        in[i] = i;
        death[i] = -1;
    }
    return job;
}

static int in_rain(void)
{
    struct job job = make_job(wet, RAINY, WIDE);
    int wrong = 0, lost = 0;
    caller = getpid();
    rain();
    step5(&job);
    for (int i = 0; i < RAINY; i++) {
        const char *answer = place(&job, i);
        bool same = memcmp(answer, answer + 1, WIDE - 1) == 0;
        if (job.death[i] < 0)
            wrong += *answer != (char)i || !same;
        else
            wrong += job.death[i] != SIGKILL; /* it must have been one of ours */
        lost += job.death[i] >= 0;
    }
    printf("%d wrong, %s lost, %d answered or lost\n", wrong, lost ? "some" : "none", board->answers + lost);
    return 0;
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_alarm };
    check(argc > 1 && sigaction(SIGALRM, &action, NULL) == 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    board = shared_memory(sizeof *board);
    board->processes = 1;
    if (argc == 2)
        return in_rain();
    struct job job = make_job(argc > 3 ? orphan : square, atoi(argv[2]), sizeof(long));
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        steps[atoi(argv[1]) - 1](&job);
        _exit(EXIT_SUCCESS);
    }
    board->pid[0] = pid;
    bool asleep = false;
    while (!asleep && waitpid(pid, NULL, WNOHANG) == 0)
        asleep = board->processes == 1 + WORKERS && all_asleep(board->pid, 1 + WORKERS);
    printf("%s\n", asleep ? "hangs" : "ends");
    for (int i = 0; asleep && i <= WORKERS; i++)
        kill(board->pid[i], SIGKILL);
    while (wait(NULL) > 0)
        continue;
    return 0;
}
END
}
