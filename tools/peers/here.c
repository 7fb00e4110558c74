/*
 * here: what this library does when something goes wrong.
 *
 * Usage: here SCENE
 *
 * Plays one scene and prints what it saw, fact by fact, so that a scene that hangs has told all that came before: what
 * is missing then is what hung. The same scenes as in peers.py, with the calls a program would make. It runs in a
 * folder of its own with a pipe `ready`, where tasks tell that they have begun; it makes `struck` there at the moment
 * of the event, and `open` to let tasks go that hold on.
 *
 * C has no exceptions, so there is no callback that raises one.
 */
#define _GNU_SOURCE
#include "pool.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 2, OTHERS = 6, NAPS = 6 };

static const double patience = 2; /* seconds, after which an answer is said never to come */
static double until;
static int ready = -1;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void nap_ms(long ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    while (nanosleep(&left, &left) != 0)
        ; /* a signal came */
}

static void die(const char *what)
{
    fprintf(stderr, "here: %s: %s\n", what, pool_error()->text);
    exit(1);
}

/* ---- Tasks ---- */

/* Opened for both ways the pipe never blocks, whether anybody reads or not. */
static void report(const char *word)
{
    int fd = open("ready", O_RDWR | O_CLOEXEC);
    dprintf(fd, "%s %d\n", word, getpid());
    close(fd);
}

static void note(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    dprintf(fd, "x\n");
    close(fd);
}

static int square(const void *arg, void *result)
{
    int x = *(const int *)arg;
    *(int *)result = x * x;
    return 0;
}

static int hold(const void *arg, void *result)
{
    (void)result;
    report(arg);
    while (access("open", F_OK) != 0)
        nap_ms(10);
    return 0;
}

static int nap(const void *arg, void *result)
{
    (void)arg, (void)result;
    report("nap");
    nap_ms(1500);
    note("finished");
    return 0;
}

static int forever(const void *arg, void *result)
{
    (void)arg, (void)result;
    report("forever");
    for (;;)
        nap_ms(1000);
    return 0;
}

static int fail_to_start(void *unused)
{
    (void)unused;
    note("started");
    return pool_fail("no database");
}

/* ---- What a scene is made of ---- */

static void fact(const char *name, const char *value)
{
    printf("%s=%s ", name, value);
    fflush(stdout);
}

/* What has not come when the patience is over from here on never comes. */
static void be_patient(void)
{
    until = now() + patience;
}

/* The event. */
static void strike(void)
{
    note("struck");
    be_patient();
}

/* Waits for the next task to begin; returns its process, and the word it gave, which has at most 15 bytes. */
static pid_t begun(char word[16])
{
    char line[64];
    size_t n = 0;
    int pid;
    while (n < sizeof line - 1 && read(ready, line + n, 1) == 1 && line[n] != '\n')
        n++;
    line[n] = '\0';
    if (sscanf(line, "%15s %d", word, &pid) != 2)
        die("no task begins");
    return pid;
}

static char state(pid_t pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    if (file)
        fclose(file);
    return state;
}

static void kill_worker(pid_t pid)
{
    kill(pid, SIGKILL);
    while (state(pid) != 'Z')
        nap_ms(10);
}

static struct pool *start(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = WORKERS });
    if (!pool)
        die("cannot open a pool");
    return pool;
}

static struct pool_result *hand(struct pool *pool, pool_task *task, const char *word,
                                const struct pool_job_options *options)
{
    char arg[16] = "";
    snprintf(arg, sizeof arg, "%s", word);
    struct pool_result *result = pool_apply_async(pool, task, arg, sizeof arg, sizeof(int), options);
    if (!result)
        die("cannot hand a task over");
    return result;
}

static void hand_others(struct pool *pool, struct pool_result *others[])
{
    for (int i = 0; i < OTHERS; i++)
        others[i] = pool_apply_async(pool, square, &i, sizeof i, sizeof i, NULL);
}

/* What became of a task; NULL, a task that was refused, failed. */
static const char *outcome(struct pool_result *result)
{
    if (result && pool_result_get(result, NULL, until - now()) == 0)
        return "done";
    return result && !pool_result_ready(result) ? "hang" : "fail";
}

static const char *tally(struct pool_result *const others[], int count)
{
    const char *first = outcome(others[0]);
    bool hang = false, same = true;
    for (int i = 0; i < count; i++) {
        const char *what = outcome(others[i]);
        hang |= strcmp(what, "hang") == 0;
        same &= strcmp(what, first) == 0;
    }
    return same ? first : hang ? "some_hang" : "some_fail";
}

static void end(struct pool *pool)
{
    pool_terminate(pool);
    fact("end", pool_join(pool, POOL_FOREVER) == 0 || errno == EREMOTEIO ? "done" : "fail");
    pool_free(pool);
}

static void finish(struct pool *pool)
{
    struct pool_result *others[OTHERS];
    be_patient();
    hand_others(pool, others);
    fact("later", tally(others, OTHERS));
    end(pool);
}

/* ---- Scenes ---- */

/* Whether the last error is this process's death, and says so in words, too. */
static bool names(pid_t pid)
{
    const struct pool_error *error = pool_error();
    char number[16];
    snprintf(number, sizeof number, "%d", pid);
    return error->pid == pid && error->signal == SIGKILL && strstr(error->text, number) &&
           strstr(error->text, "SIGKILL");
}

static void busy(void)
{
    struct pool *pool = start();
    struct pool_result *victim = hand(pool, hold, "victim", NULL);
    struct pool_result *others[OTHERS + 1] = { [OTHERS] = hand(pool, hold, "beside", NULL) };
    char word[16];
    pid_t pid = begun(word), second = begun((char[16]){ "" });
    pid = strcmp(word, "victim") == 0 ? pid : second;
    hand_others(pool, others);
    strike();
    kill_worker(pid);
    note("open");
    const char *what = outcome(victim);
    fact("task", strcmp(what, "fail") == 0 && names(pid) ? "named" : what);
    fact("others", tally(others, OTHERS + 1));
    finish(pool);
}

static void idle(void)
{
    struct pool *pool = start();
    struct pool_result *one = hand(pool, hold, "one", NULL), *two = hand(pool, hold, "two", NULL);
    pid_t pids[WORKERS] = { begun((char[16]){ "" }), begun((char[16]){ "" }) };
    unsigned char chance = 0;
    note("open");
    pool_result_wait(one, POOL_FOREVER);
    pool_result_wait(two, POOL_FOREVER);
    for (int asleep = 0; asleep < 10; nap_ms(10)) /* looks in a row */
        asleep = state(pids[0]) == 'S' && state(pids[1]) == 'S' ? asleep + 1 : 0;
    strike();
    if (getrandom(&chance, 1, 0) != 1)
        die("no randomness");
    kill_worker(pids[chance % WORKERS]);
    finish(pool);
}

static void init(void)
{
    strike();
    struct pool *pool = pool_open(&(struct pool_options){ .processes = WORKERS, .initializer = fail_to_start });
    fact("open", pool ? "done" : "fail");
    if (pool)
        finish(pool);
    else
        fact("why", strstr(pool_error()->text, "no database") ? "error" : "no");
}

static void map(pool_task *task)
{
    struct pool *pool = start();
    int items[NAPS] = { 0 };
    pool_map(pool, task, items, NAPS, sizeof *items, NULL, 0);
    die("the map is over");
}

static void struck_by_others(void)
{
    map(nap);
}

static void orphan(void)
{
    map(forever);
}

static void limit(void)
{
    struct pool *pool = start();
    struct pool_result *endless, *others[OTHERS];
    endless = hand(pool, forever, "", &(struct pool_job_options){ .limit = 0.3 });
    pid_t pid = begun((char[16]){ "" });
    hand_others(pool, others);
    strike();
    const char *what = outcome(endless);
    if (strcmp(what, "fail") == 0 && errno == ETIME && state(pid) == 'Z')
        what = "ended";
    fact("others", tally(others, OTHERS));
    fact("task", what);
    finish(pool);
}

static void raises(void)
{
    strike();
    fact("task", "none");
}

struct attempt {
    struct pool *pool;
    bool returned, refused;
};

static void wait_for_another(struct pool_result *result, void *cookie)
{
    struct attempt *attempt = cookie;
    int x = 2;
    (void)result;
    attempt->refused = pool_apply(attempt->pool, square, &x, sizeof x, &x, sizeof x) != 0 && errno == EINVAL;
    attempt->returned = true;
}

static void waits(void)
{
    struct attempt attempt = { .pool = start() };
    strike();
    const char *what = outcome(hand(attempt.pool, square, "1",
                                    &(struct pool_job_options){ .callback = wait_for_another, .cookie = &attempt }));
    fact("call", attempt.refused ? "refused" : attempt.returned ? "done" : "hang");
    fact("task", what);
    finish(attempt.pool);
}

static void take_long(struct pool_result *result, void *cookie)
{
    (void)result;
    note("open");
    nap_ms(500);
    *(bool *)cookie = true;
}

static void slow(void)
{
    struct pool *pool = start();
    bool over = false;
    struct pool_result *other = hand(pool, hold, "other", NULL);
    begun((char[16]){ "" });
    strike();
    hand(pool, square, "1", &(struct pool_job_options){ .callback = take_long, .cookie = &over });
    pool_result_wait(other, POOL_FOREVER);
    fact("other", over ? "after" : "during");
    end(pool);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*play)(void);
        bool others_read; /* the pipe */
    } scenes[] = {
        { "busy", busy, false },
        { "idle", idle, false },
        { "init", init, false },
        { "group", struck_by_others, true },
        { "alone", struck_by_others, true },
        { "orphan", orphan, true },
        { "limit", limit, false },
        { "raise", raises, false },
        { "wait", waits, false },
        { "slow", slow, false },
    };
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        if (argc != 2 || strcmp(argv[1], scenes[i].name) != 0)
            continue;
        ready = scenes[i].others_read ? -1 : open("ready", O_RDWR | O_CLOEXEC);
        scenes[i].play();
        return 0;
    }
    fprintf(stderr, "usage: here SCENE\n");
    return 2;
}
