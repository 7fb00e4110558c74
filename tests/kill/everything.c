/*
 * everything.c - the scenes. See everything.h.
 *
 * Each step makes some calls and looks at what they say: the right values, or an error that is clean. The steps do not
 * depend on each other, so that one that failed leaves the others to be tried.
 */
#define _GNU_SOURCE
#include "everything.h"
#include "pool.h"
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 5.0
#define COUNT 40
#define MANY 300
#define REPLY 10000

struct stage *stage;

void stage_make(void)
{
    stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* ---- Saying what was not right ---- */

static void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void wrong(const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (atomic_fetch_add(&stage->faults, 1) == 0)
        snprintf(stage->fault, sizeof stage->fault, "%s: %s", atomic_load(&stage->step), text);
}

static bool is_clean(const struct pool_error *error)
{
    static const int codes[] = { ENOMEM, EAGAIN, EMFILE, EREMOTEIO, EOWNERDEAD, ECANCELED, ESHUTDOWN };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (error->code == codes[i])
            return true;
    return error->code == atomic_load(&stage->may) && strstr(error->text, strerror(error->code));
}

/* Whether it says of a process that it is gone, and there it is. */
static bool is_untrue(const char *text)
{
    const char *process = strstr(text, "nursery, process ");
    char path[64], state = 'X';
    int pid = 0;
    if (!process || sscanf(process, "nursery, process %d, is gone", &pid) != 1)
        return false;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    atomic_store(&stage->looks, 1);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X';
    if (file)
        fclose(file);
    atomic_store(&stage->looks, 0);
    return state != 'X' && state != 'Z';
}

bool stage_kill(pid_t pid)
{
    stage->victims[stage->killed] = pid; /* before the kill: whoever reads of the death must find it here */
    atomic_fetch_add(&stage->killed, 1);
    return kill(pid, SIGKILL) == 0;
}

/* Whether it is the death of one that was killed. A task with a pool of its own tells what became of that. */
static bool is_kill(const struct pool_error *error)
{
    int killed = atomic_load(&stage->killed), i = 0;
    if (error->code == EREMOTEIO)
        return strstr(error->text, "of its own");
    while (i < killed && stage->victims[i] != error->pid)
        i++;
    return i < killed && error->code == EOWNERDEAD && error->signal == SIGKILL;
}

/* What the pool says of a call, or of an item, that failed. */
static void look_at_error(const struct pool_error *error)
{
    if (!stage->said[0])
        snprintf(stage->said, sizeof stage->said, "%s: %.150s", strerrorname_np(error->code), error->text);
    if (atomic_load(&stage->counts) && (!is_kill(error) || atomic_fetch_add(&stage->lost, 1) >= stage->killed))
        wrong("by nobody's kill: %s: %s", strerrorname_np(error->code), error->text);
    else if (!is_clean(error))
        wrong("%s: %s", strerrorname_np(error->code), error->text);
    else if (strlen(error->text) < 10 || strstr(error->text, "Success") || strstr(error->text, "Unknown error"))
        wrong("no words: \"%s\"", error->text);
    else if (is_untrue(error->text))
        wrong("untrue: %s", error->text);
}

/* Returns whether the call succeeded; if not, how it failed has to be clean. `expected` is how it should fail, if it
 * should. */
static bool went(bool good, int expected)
{
    int code = errno;
    const struct pool_error *error = pool_error();
    if (good || code == expected)
        return good;
    if (error->code != code)
        wrong("errno says %s, pool_error() %s: %s", strerrorname_np(code), strerrorname_np(error->code), error->text);
    look_at_error(error);
    return false;
}

/* What must fail, and by this error. */
static void failed(bool good, int expected)
{
    if (went(good, expected))
        wrong("it did not fail");
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Waits, by turns with others, until it is so. */
#define EVENTUALLY(condition)                                                                                          \
    do {                                                                                                               \
        double give_up = now() + PATIENCE;                                                                             \
        bool so = false;                                                                                               \
        atomic_store(&stage->looks, 1);                                                                                \
        while (!(so = (condition)) && now() < give_up)                                                                 \
            sched_yield();                                                                                             \
        if (!so)                                                                                                       \
            wrong("not so after %g s: %s", PATIENCE, #condition);                                                      \
        atomic_store(&stage->looks, 0);                                                                                \
    } while (0)

/* ---- Tasks ---- */

static int square(const void *arg, void *result)
{
    long x = *(const long *)arg;
    *(long *)result = x * x;
    return 0;
}

static int square_of(const void *const *args, void *result)
{
    return square(args[0], result);
}

static int reply(const void *arg, void *result)
{
    (void)arg, (void)result;
    char *bytes = pool_reply(REPLY);
    return bytes ? memset(bytes, 'x', REPLY) == NULL : -1;
}

static int fail(const void *arg, void *result)
{
    (void)result;
    return pool_fail("%ld is not to be squared", *(const long *)arg);
}

static int die_once(const void *arg, void *result)
{
    while (pool_attempt() == 1)
        raise(SIGKILL);
    return square(arg, result);
}

static _Noreturn int sleep_for_ever(const void *arg, void *result)
{
    (void)arg, (void)result;
    signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}

static int print(const void *arg, void *result)
{
    (void)result;
    return printf("%ld\n", *(const long *)arg) < 0;
}

/* Leaves a child behind, says which, and dies. */
static int leave_child(const void *arg, void *result)
{
    (void)result;
    pid_t child = fork();
    while (child == 0)
        pause();
    pool_queue_put(*(struct pool_queue *const *)arg, &child, PATIENCE);
    while (child > 0)
        raise(SIGKILL);
    return pool_fail("no child");
}

static int put_five(const void *arg, void *result)
{
    (void)result;
    for (pid_t i = 1; i <= 5; i++)
        if (pool_queue_put(*(struct pool_queue *const *)arg, &i, PATIENCE) != 0)
            return pool_fail("%s", pool_error()->text);
    return 0;
}

static int nest(const void *arg, void *result)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .memory = 1 << 20 });
    if (!pool || pool_apply(pool, square, arg, sizeof(long), result, sizeof(long)) != 0)
        return pool_fail("the pool of its own: %s", pool_error()->text);
    pool_free(pool);
    return 0;
}

/* ---- Steps ---- */

static void squares(struct pool *pool)
{
    long in[COUNT], out[COUNT];
    struct pool_column column = { in, sizeof *in };
    for (long i = 0; i < COUNT; i++)
        in[i] = i;
    if (went(pool_map(pool, square, in, COUNT, sizeof *in, out, sizeof *out) == 0, 0))
        for (long i = 0; i < COUNT; i++)
            if (out[i] != i * i)
                wrong("item %ld is %ld", i, out[i]);
    if (went(pool_starmap(pool, square_of, &column, 1, COUNT, out, sizeof *out) == 0, 0) && out[7] != 49)
        wrong("item 7 is %ld", out[7]);
    if (went(pool_apply(pool, square, &in[6], sizeof *in, out, sizeof *out) == 0, 0) && *out != 36)
        wrong("6 times 6 is %ld", *out);
}

/* Squares a number, in about 50 microseconds. */
static int square_slowly(const void *arg, void *result)
{
    for (double end = now() + 50e-6; now() < end;)
        ;
    return square(arg, result);
}

/* Each item has its right value, or failed as it may. */
static void check_items(struct pool_result *result, const long *in, const long *out)
{
    struct pool_error error;
    for (size_t i = 0; i < pool_result_count(result); i++)
        if (pool_result_failure(result, i, &error) == 1 && error.item == i)
            look_at_error(&error);
        else if (out[i] != in[i] * in[i])
            wrong("item %zu is %ld", i, out[i]);
}

/* A map in chunks of 1 or 7, and beside it jobs of one item. */
static void many(struct pool *pool)
{
    static long in[MANY], chunk = 1;
    long out[MANY], one;
    struct pool_result *results[MANY / 3];
    for (long i = 0; i < MANY; i++)
        in[i] = i;
    chunk = 8 - chunk;
    struct pool_result *map = pool_map_async(pool, square_slowly, in, MANY, sizeof *in, sizeof *out,
                                             &(struct pool_job_options){ .chunk = chunk });
    for (long i = 0; i < MANY / 3; i++)
        results[i] = pool_apply_async(pool, square_slowly, &in[i], sizeof *in, sizeof *out, NULL);
    if (went(map, 0) && (pool_result_get(map, out, 4 * PATIENCE) == 0 || pool_error()->item != POOL_NO_ITEM))
        check_items(map, in, out);
    else if (map)
        look_at_error(pool_error());
    for (long i = 0; i < MANY / 3; i++)
        if (results[i] && went(pool_result_get(results[i], &one, 4 * PATIENCE) == 0, 0) && one != i * i)
            wrong("%ld times itself is %ld", i, one);
    pool_result_free(map);
    for (long i = 0; i < MANY / 3; i++)
        pool_result_free(results[i]);
}

/* Hands one task over. NULL if that failed, cleanly. */
static struct pool_result *hand_over(struct pool *pool, pool_task *task, long arg, struct pool_job_options options)
{
    struct pool_result *result = pool_apply_async(pool, task, &arg, sizeof arg, sizeof arg, &options);
    return went(result, 0) ? result : NULL;
}

/* Waits for it. Returns whether it succeeded; if not, and not by the error expected, then by a clean one. */
static bool get(struct pool_result *result, long *out, int expected)
{
    bool good = result && went(pool_result_get(result, out, PATIENCE) == 0, expected);
    if (!good)
        *out = -1;
    return good;
}

static void notes(struct pool *pool)
{
    long out;
    size_t size;
    struct pool_result *replied = hand_over(pool, reply, 0, (struct pool_job_options){ .chunk = 0 });
    struct pool_result *not = hand_over(pool, fail, 13, (struct pool_job_options){ .chunk = 0 });
    if (get(replied, &out, 0)) {
        const char *bytes = pool_result_reply(replied, 0, &size);
        if (!bytes || size != REPLY || bytes[REPLY - 1] != 'x')
            wrong("not that reply");
    }
    if (not )
        failed(pool_result_get(not, &out, PATIENCE) == 0, EREMOTEIO);
    pool_result_free(replied);
    pool_result_free(not );
}

static void output(struct pool *pool)
{
    long in[4] = { 1, 2, 3, 4 };
    went(pool_map(pool, print, in, 4, sizeof *in, NULL, 0) == 0, 0);
}

static void deaths(struct pool *pool)
{
    long out = 0;
    struct pool_result *dies = hand_over(pool, die_once, 5, (struct pool_job_options){ .retries = 0 });
    struct pool_result *retried = hand_over(pool, die_once, 5, (struct pool_job_options){ .retries = 1 });
    if (dies)
        failed(pool_result_get(dies, &out, PATIENCE) == 0, EOWNERDEAD);
    if (get(retried, &out, 0) && out != 25)
        wrong("5 times 5 is %ld", out);
    pool_result_free(dies);
    pool_result_free(retried);
}

static void limits(struct pool *pool)
{
    long out;
    struct pool_result *late = hand_over(pool, sleep_for_ever, 0, (struct pool_job_options){ .limit = 0.01 });
    struct pool_result *early = hand_over(pool, square, 4, (struct pool_job_options){ .limit = PATIENCE });
    if (late)
        failed(pool_result_get(late, &out, PATIENCE) == 0, ETIME);
    if (get(early, &out, 0) && out != 16)
        wrong("4 times 4 is %ld", out);
    pool_result_free(late);
    pool_result_free(early);
}

static bool runs(struct pool_result *result)
{
    struct pool_progress progress;
    pool_result_wait(result, 0.001); /* looks whether anybody is left */
    return pool_result_progress(result, &progress) != 0 || progress.running || progress.done;
}

static void cancel(struct pool *pool)
{
    long out;
    struct pool_result *result = hand_over(pool, sleep_for_ever, 0, (struct pool_job_options){ .chunk = 0 });
    if (result) {
        EVENTUALLY(runs(result));
        went(pool_result_cancel(result) >= 0, 0);
        failed(pool_result_get(result, &out, PATIENCE) == 0, ECANCELED);
    }
    pool_result_free(result);
}

static void leftovers(struct pool *pool)
{
    pid_t child;
    struct pool_queue *queue = pool_queue_open(pool, 5, sizeof child);
    if (!went(queue, 0))
        return;
    struct pool_result *result = pool_apply_async(pool, leave_child, &queue, sizeof queue, 0, NULL);
    if (went(result, 0)) {
        failed(pool_result_get(result, NULL, PATIENCE) == 0, EOWNERDEAD);
        if (pool_queue_get(queue, &child, 0) == 0 && child > 0)
            EVENTUALLY((kill(child, 0) != 0 && errno == ESRCH) || atomic_load(&stage->may_leave));
    }
    pool_result_free(result);
}

/* Gets what the task puts into the queue, unless the task ends before. */
static bool get_from(struct pool_queue *queue, struct pool_result *task, pid_t *got)
{
    double give_up = now() + PATIENCE;
    for (bool last = false; pool_queue_get(queue, got, last ? 0 : 0.1) != 0;) {
        if (errno != ETIMEDOUT || now() > give_up)
            return went(false, 0);
        if (last)
            return false;
        last = pool_result_ready(task);
    }
    return true;
}

static void queues(struct pool *pool)
{
    pid_t got, sum = 0;
    struct pool_queue *queue = pool_queue_open(pool, 2, sizeof got);
    if (!went(queue, 0))
        return;
    struct pool_result *result = pool_apply_async(pool, put_five, &queue, sizeof queue, 0, NULL);
    if (went(result, 0)) {
        for (int i = 0; i < 5 && get_from(queue, result, &got); i++)
            sum += got + 0 * pool_queue_task_done(queue);
        if (went(pool_result_get(result, NULL, PATIENCE) == 0, 0) && sum != 15)
            wrong("1 to 5 are %d", sum);
        if (sum == 15)
            went(pool_queue_join(queue, PATIENCE) == 0, 0);
    }
    pool_queue_close(queue);
    pool_result_free(result);
}

static int count_to_20(void *state, void *item)
{
    long *count = state;
    *(long *)item = *count;
    return ++*count <= 20;
}

static void stream(struct pool *pool, bool ordered)
{
    long count = 0, out = 0, given = 0;
    int said;
    struct pool_iter *iter =
        (ordered ? pool_imap : pool_imap_unordered)(pool, square, count_to_20, &count, sizeof count, sizeof out, NULL);
    if (!went(iter, 0))
        return;
    for (; (said = pool_iter_next(iter, &out, PATIENCE)) != 0 && given < 50; given++)
        if (went(said > 0, 0) && out != (long)(pool_iter_index(iter) * pool_iter_index(iter)))
            wrong("item %zu is %ld", pool_iter_index(iter), out);
        else if (said < 0 && pool_error()->item == POOL_NO_ITEM)
            break;
    if (said == 0 && given != 20)
        wrong("%ld items came out of 20", given);
    pool_iter_close(iter);
}

static void streams(struct pool *pool)
{
    stream(pool, true);
    stream(pool, false);
}

static void count_call(struct pool_result *result, void *cookie)
{
    (void)result;
    ++*(int *)cookie;
}

static void callbacks(struct pool *pool)
{
    int calls = 0, fd = pool_descriptor(pool);
    long x = 3;
    struct pool_job_options options = { .callback = count_call, .error_callback = count_call, .cookie = &calls };
    struct pool_result *result = pool_apply_async(pool, square, &x, sizeof x, sizeof x, &options);
    double give_up = now() + PATIENCE;
    if (!went(result, 0))
        return;
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    pool_poll(pool);
    while (!calls && now() < give_up) {
        if (fd >= 0 && poll(&ready, 1, (int)(1000 * PATIENCE)) == 0 && !calls)
            wrong("the descriptor says nothing");
        if (!went(pool_poll(pool) >= 0, 0))
            break;
    }
    if (calls != 1)
        wrong("%d calls", calls);
    pool_result_free(result);
}

static void interrupt(struct pool *pool)
{
    struct pool_result *result = hand_over(pool, sleep_for_ever, 0, (struct pool_job_options){ .chunk = 0 });
    long out;
    if (!result)
        return;
    pool_interrupt(pool);
    failed(pool_result_get(result, &out, PATIENCE) == 0, EINTR);
    bool interrupted = pool_error()->code == EINTR;
    went(pool_result_cancel(result) >= 0, 0);
    failed(pool_result_get(result, &out, PATIENCE) == 0, ECANCELED);
    pool_result_free(result);
    struct pool_queue *queue = interrupted ? NULL : pool_queue_open(pool, 1, 0); /* else the next wait would be */
    if (queue)
        failed(pool_queue_get(queue, NULL, PATIENCE) == 0, EINTR);
}

static void looks(struct pool *pool)
{
    struct pool_worker workers[8];
    int count = pool_workers(pool, workers, 8);
    if (count != pool_processes(pool))
        wrong("%d workers", count);
}

static void nested(struct pool *pool)
{
    long out = 0;
    struct pool_result *result = hand_over(pool, nest, 8, (struct pool_job_options){ .chunk = 0 });
    if (get(result, &out, 0) && out != 64)
        wrong("8 times 8 is %ld", out);
    pool_result_free(result);
}

/* ---- Scenes ---- */

struct step {
    const char *name;
    void (*take)(struct pool *pool);
};

/* Says what comes next, and gives the cue, if somebody waits for it: the signal never arrives. */
static void announce(const char *name)
{
    int cue = atomic_load(&stage->cue);
    atomic_store(&stage->step, name);
    if (cue && atomic_fetch_add(&stage->cues, 1) + 1 >= cue)
        raise(SIGUSR1);
}

static void take(const struct step *steps, struct pool *pool)
{
    for (int i = 0; steps[i].name; i++)
        if (!stage->only || stage->only == i + 1) {
            announce(steps[i].name);
            steps[i].take(pool);
        }
}

static struct pool *begin(const struct pool_options *options)
{
    announce("pool_open");
    struct pool *pool = pool_open(options);
    went(pool, 0);
    return pool;
}

static void end(struct pool *pool)
{
    announce("pool_close");
    went(pool_close(pool) == 0, 0);
    announce("pool_join");
    if (!went(pool_join(pool, PATIENCE) == 0, 0) && pool_error()->code == ETIMEDOUT)
        return;
    announce("pool_free");
    pool_free(pool);
}

static int greet(void *number)
{
    return *(long *)number == 42 ? 0 : pool_fail("not 42");
}

static const struct step killable[] = {
    { "squares", squares }, { "notes", notes },         { "output", output },       { "deaths", deaths },
    { "limits", limits },   { "cancel", cancel },       { "leftovers", leftovers }, { "queues", queues },
    { "streams", streams }, { "callbacks", callbacks }, { "interrupt", interrupt }, { "looks", looks },
    { NULL, NULL },
};

static const struct step common[] = {
    { "squares", squares }, { "notes", notes },         { "output", output }, { "queues", queues },
    { "streams", streams }, { "callbacks", callbacks }, { "looks", looks },   { NULL, NULL },
};

static const struct step few[] = { { "squares", squares }, { "deaths", deaths }, { NULL, NULL } };

static const struct step nests[] = { { "nested", nested }, { NULL, NULL } };

static struct pool *begin_with(struct pool_options options)
{
    static long number = 42;
    options.processes = options.processes ? options.processes : 2;
    options.memory = 4 << 20;
    options.initializer = greet;
    options.initarg = &number;
    options.initarg_width = sizeof number;
    return begin(&options);
}

static void play(const struct step *steps, struct pool_options options)
{
    struct pool *pool = begin_with(options);
    if (!pool)
        return;
    take(steps, pool);
    end(pool);
}

static void play_forked(void)
{
    play(killable, (struct pool_options){ .descriptor = true, .maxtasks = 30 });
}

static void play_traced(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/everything-%d.csv", (int)getpid());
    play(few, (struct pool_options){ .trace = path, .check = true });
    atomic_store(&stage->on, 0);
    unlink(path);
}

static void play_spawned(void)
{
    play(few, (struct pool_options){ .start = POOL_SPAWN, .descriptor = true });
}

static void play_threads(void)
{
    play(common, (struct pool_options){ .kind = POOL_THREADS, .descriptor = true });
}

static void play_nested(void)
{
    play(nests, (struct pool_options){ .maxtasks = 0 });
}

static void play_loaded(void)
{
    static const struct step most[] = {
        { "many", many },     { "squares", squares }, { "notes", notes },         { "output", output },
        { "deaths", deaths }, { "limits", limits },   { "cancel", cancel },       { "leftovers", leftovers },
        { "queues", queues }, { "streams", streams }, { "callbacks", callbacks }, { "interrupt", interrupt },
        { "nested", nested }, { NULL, NULL },
    };
    struct pool_options options = { .processes = stage->workers, .descriptor = true, .maxtasks = 300 };
    struct pool *pool = begin_with(options);
    while (pool && !atomic_load(&stage->enough))
        take(most, pool);
    if (pool)
        end(pool);
}

const struct scene loaded = { "loaded", play_loaded };

/* A pool full of work that does not end by itself. Tells how many workers are busy. */
static struct pool *begin_busy(int *busy)
{
    struct pool *pool = begin(&(struct pool_options){ .processes = 2, .memory = 4 << 20, .grace = 0.01 });
    if (!pool)
        return NULL;
    announce("handing over");
    for (int i = *busy = 0; i < 2; i++) {
        struct pool_result *result = hand_over(pool, sleep_for_ever, 0, (struct pool_job_options){ .chunk = 0 });
        *busy += result != NULL;
        if (result)
            EVENTUALLY(runs(result));
    }
    return pool;
}

static void play_terminated(void)
{
    int busy;
    struct pool *pool = begin_busy(&busy);
    if (!pool)
        return;
    struct pool_result *queued = hand_over(pool, square, 2, (struct pool_job_options){ .chunk = 0 });
    long out;
    announce("pool_terminate");
    went(pool_terminate(pool) == 0, 0);
    if (queued && pool_result_get(queued, &out, 0) == 0 && out != 4)
        wrong("2 times 2 is %ld", out);
    end(pool);
}

/* The program ends and leaves its pool as it is: whoever watches sees whether anything is left. */
static void play_forsaken(void)
{
    int busy;
    begin_busy(&busy);
    _exit(0);
}

/* The nursery is killed: every job fails, nothing hangs. */
static void play_orphaned(void)
{
    char path[64];
    int nursery = 0, busy;
    struct pool *pool = begin_busy(&busy);
    if (!pool)
        return;
    atomic_store(&stage->looks, 1);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%d", &nursery) == 1)
        kill(nursery, SIGKILL);
    if (file)
        fclose(file);
    atomic_store(&stage->looks, 0);
    announce("with no nursery");
    struct pool_result *result = nursery ? hand_over(pool, square, 2, (struct pool_job_options){ .chunk = 0 }) : NULL;
    long out;
    bool good = result && went(pool_result_get(result, &out, PATIENCE) == 0, ECANCELED);
    if (good && busy == 2) /* else one may have been left to do it, for a moment */
        wrong("it did not fail");
    end(pool);
}

const struct scene scenes[] = {
    { "forked", play_forked },     { "traced", play_traced },     { "spawned", play_spawned },
    { "threads", play_threads },   { "nested", play_nested },     { "terminated", play_terminated },
    { "forsaken", play_forsaken }, { "orphaned", play_orphaned }, { NULL, NULL },
};

/* ---- What a scene leaves ---- */

static int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static int count_shared_mappings(void)
{
    char line[512];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps))
        count += strncmp(strchr(line, ' ') + 4, "s ", 2) == 0;
    if (maps)
        fclose(maps);
    return count;
}

struct belongings {
    int descriptors, threads, mappings;
};

static struct belongings look(void)
{
    return (struct belongings){ count_entries("/proc/self/fd"), count_entries("/proc/self/task"),
                                count_shared_mappings() };
}

_Noreturn void scene_play(const struct scene *scene)
{
    struct belongings before = look();
    atomic_store(&stage->on, 1);
    scene->play();
    atomic_store(&stage->on, 0);
    announce("at the end");
    struct belongings after = look();
    for (double end = now() + PATIENCE; after.threads > before.threads && now() < end; after = look())
        sched_yield(); /* a thread that was joined is not quite gone yet */
    if (memcmp(&before, &after, sizeof before) != 0)
        wrong("left: %d descriptors, %d threads, %d shared mappings", after.descriptors - before.descriptors,
              after.threads - before.threads, after.mappings - before.mappings);
    if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
        wrong("a child is left");
    _exit(0);
}
