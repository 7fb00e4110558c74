/*
 * together.c - two threads and one pool: whatever call one of them makes, the other may end the pool meanwhile. The one
 * that comes too late is told so; nothing crashes, nothing hangs.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ITEMS = 100, ROUNDS = 12 };

/* What the threads have in common. */
static struct scene {
    struct pool *pool;
    struct pool_result *map, *busy;
    struct pool_iter *stream;
    struct pool_queue *queue;
    long in[ITEMS], out[ITEMS];
    atomic_bool stop;
} scene;

static int numbers(void *state, void *item)
{
    static _Thread_local long next;
    (void)state;
    *(long *)item = next++;
    return 1;
}

/* ---- Calls that are made again and again ---- */

static void call_get(void)
{
    long out[ITEMS];
    pool_result_get(scene.map, out, PATIENCE);
}

static void call_wait(void)
{
    pool_result_wait(scene.map, 0.01);
}

static void call_read(void)
{
    struct pool_error error;
    pool_result_ready(scene.map);
    pool_result_successful(scene.map);
    pool_result_count(scene.map);
    pool_result_at(scene.map, 3);
    pool_result_reply(scene.map, 3, NULL);
    pool_result_failure(scene.map, 0, &error);
}

static void call_progress(void)
{
    struct pool_progress progress;
    pool_result_progress(scene.map, &progress);
}

static void call_cancel(void)
{
    pool_result_cancel(scene.map);
}

static void call_workers(void)
{
    struct pool_worker workers[2];
    pool_workers(scene.pool, workers, 2);
    pool_processes(scene.pool);
}

static void call_poll(void)
{
    pool_poll(scene.pool);
    pool_descriptor(scene.pool);
}

static void call_close(void)
{
    pool_close(scene.pool);
}

static void call_terminate(void)
{
    pool_terminate(scene.pool);
}

static void call_join(void)
{
    pool_join(scene.pool, 0.01);
}

static void call_interrupt(void)
{
    pool_interrupt(scene.pool);
}

static void call_apply(void)
{
    long x = 3, y = 0;
    pool_apply(scene.pool, task_square, &x, sizeof x, &y, sizeof y);
}

static void call_submit(void)
{
    pool_result_free(pool_map_async(scene.pool, task_square, scene.in, ITEMS, sizeof(long), sizeof(long), NULL));
}

static void call_open_stream(void)
{
    long out;
    struct pool_iter *iter = pool_imap(scene.pool, task_square, numbers, NULL, sizeof(long), sizeof(long), NULL);
    if (iter)
        pool_iter_next(iter, &out, PATIENCE);
    pool_iter_close(iter);
}

static void call_next(void)
{
    long out;
    pool_iter_next(scene.stream, &out, PATIENCE);
}

static void call_queue(void)
{
    long item = 1;
    pool_queue_put(scene.queue, &item, 0.01);
    pool_queue_get(scene.queue, &item, 0.01);
    pool_queue_task_done(scene.queue);
    pool_queue_size(scene.queue);
    pool_queue_join(scene.queue, 0.01);
}

static void call_queue_open(void)
{
    pool_queue_open(scene.pool, 1, 1);
}

/* Those that need the pool alone come first: they are tried on a pool in which nobody holds anything, too. */
static void (*const calls[])(void) = {
    call_workers, call_poll,      call_close, call_terminate,   call_join,       call_apply,
    call_submit,  call_interrupt, call_get,   call_open_stream, call_wait,       call_read,
    call_cancel,  call_progress,  call_next,  call_queue,       call_queue_open,
};

enum { BARE_CALLS = 8, CALLS = sizeof calls / sizeof *calls };

static void *call_on(void *call)
{
    while (!scene.stop)
        (*(void (**)(void))call)();
    return NULL;
}

static void set_scene(bool bare)
{
    scene.stop = false;
    scene.pool = pool_open(&(struct pool_options){ .processes = 2, .descriptor = true, .grace = 0.1 });
    REQUIRE(scene.pool != NULL);
    if (bare)
        return;
    scene.queue = pool_queue_open(scene.pool, 2, sizeof(long));
    scene.stream = pool_imap_unordered(scene.pool, task_square, numbers, NULL, sizeof(long), sizeof(long), NULL);
    scene.map = pool_map_async(scene.pool, task_square, scene.in, ITEMS, sizeof(long), sizeof(long), NULL);
    REQUIRE(scene.queue && scene.stream && scene.map);
}

/* Another thread may be joining already, or have interrupted this one. */
static void join_in_the_end(void)
{
    int status;
    while ((status = pool_join(scene.pool, PATIENCE)) != 0 && (errno == EBUSY || errno == EINTR))
        ;
    CHECK(status == 0 || errno != ETIMEDOUT);
}

static void end_beside(int (*end)(struct pool *pool))
{
    pthread_t thread;
    for (int i = 0; i < CALLS; i++)
        for (int round = 0; round < unit_rounds(ROUNDS); round++) {
            set_scene(i < BARE_CALLS && round % 2);
            REQUIRE(pthread_create(&thread, NULL, call_on, (void *)&calls[i]) == 0);
            end(scene.pool);
            errno = 0;
            join_in_the_end();
            scene.stop = true;
            REQUIRE(pthread_join(thread, NULL) == 0);
            pool_free(scene.pool);
        }
}

static void close_beside(void)
{
    end_beside(pool_close);
}

static void terminate_beside(void)
{
    end_beside(pool_terminate);
}

/* ---- Calls that wait while the pool is freed ---- */

static int wait_for_get(void)
{
    return pool_result_get(scene.busy, NULL, POOL_FOREVER);
}

static int wait_for_apply(void)
{
    return pool_apply(scene.pool, task_forever, NULL, 0, NULL, 0);
}

static int wait_for_next(void)
{
    return pool_iter_next(scene.stream, NULL, POOL_FOREVER);
}

static int wait_for_item(void)
{
    long item;
    return pool_queue_get(scene.queue, &item, POOL_FOREVER);
}

static int wait_for_room(void)
{
    struct pool_result *result;
    while ((result = pool_apply_async(scene.pool, task_square, &(long){ 2 }, sizeof(long), sizeof(long), NULL)))
        ;
    return -1;
}

static int wait_for_join(void)
{
    return pool_join(scene.pool, POOL_FOREVER);
}

static void note_thread(struct pool_result *result, void *cookie)
{
    (void)result;
    *(atomic_bool *)cookie = true;
}

static int (*const waits[])(void) = { wait_for_get,  wait_for_apply, wait_for_next,
                                      wait_for_item, wait_for_room,  wait_for_join };

static void *wait_once(void *wait)
{
    int status = (*(int (**)(void))wait)();
    if (status == -1 && *(int (**)(void))wait != wait_for_join)
        CHECK(errno == ECANCELED || errno == ESHUTDOWN);
    return NULL;
}

/* A call that waits runs the callbacks that are due: so one tells that the call is inside. */
static void free_beside(void)
{
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        atomic_bool inside = false;
        struct pool_job_options tells = { .callback = note_thread, .cookie = &inside };
        pthread_t thread;
        shared->gate = 0;
        scene.pool = pool_open(&(struct pool_options){ .processes = 1, .grace = 0.1 });
        REQUIRE(scene.pool != NULL);
        scene.queue = pool_queue_open(scene.pool, 2, sizeof(long));
        struct pool_result *first = pool_apply_async(scene.pool, task_pid, NULL, 0, sizeof(pid_t), &tells);
        EVENTUALLY(pool_result_ready(first));
        scene.busy = pool_apply_async(scene.pool, task_forever, NULL, 0, 0, NULL);
        scene.stream = pool_imap(scene.pool, task_square, numbers, NULL, sizeof(long), sizeof(long), NULL);
        if (waits[i] == wait_for_join)
            pool_close(scene.pool);
        REQUIRE(pthread_create(&thread, NULL, wait_once, (void *)&waits[i]) == 0);
        EVENTUALLY(inside);
        if (unit_kind == POOL_THREADS) /* they cannot be killed */
            gate_open();
        pool_free(scene.pool);
        REQUIRE(pthread_join(thread, NULL) == 0);
    }
}

/* The handle is freed while another thread waits with it: that one is told, and the record is not used again yet. */
static void *wait_for_freed(void *result)
{
    int status = pool_result_wait(result, POOL_FOREVER);
    CHECK(status == -1 && errno == EINVAL);
    return NULL;
}

static void free_handle_beside(void)
{
    atomic_bool inside = false;
    struct pool_job_options tells = { .callback = note_thread, .cookie = &inside };
    struct pool *pool = open_pool(1);
    pthread_t thread;
    pid_t pid;
    struct pool_result *first = pool_apply_async(pool, task_pid, NULL, 0, sizeof pid, &tells);
    EVENTUALLY(pool_result_ready(first));
    struct pool_result *busy = pool_apply_async(pool, task_gate, NULL, 0, sizeof pid, NULL);
    REQUIRE(pthread_create(&thread, NULL, wait_for_freed, busy) == 0);
    EVENTUALLY(inside);
    pool_result_free(busy);
    gate_open();
    REQUIRE(pthread_join(thread, NULL) == 0);
    end_pool(pool);
}

/* ---- What had ended stays ended ---- */

static int square_then_wait(const void *arg, void *result)
{
    if (*(const long *)arg >= 20)
        return task_forever(arg, result);
    return task_square(arg, result);
}

static void end_in_a_chunk(bool terminated)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .grace = 0.1 });
    struct pool_progress progress;
    long in[ITEMS];
    adopt_orphans();
    for (long i = 0; i < ITEMS; i++)
        in[i] = i;
    struct pool_result *map = pool_map_async(pool, square_then_wait, in, ITEMS, sizeof *in, sizeof *in,
                                             &(struct pool_job_options){ .chunk = ITEMS / 2 });
    EVENTUALLY(pool_result_progress(map, &progress) == 0 && progress.done == 20);
    EVENTUALLY(shared->arrived == 1);
    if (terminated)
        OK(pool_terminate(pool));
    else
        kill(nursery(), SIGKILL);
    OK(pool_result_wait(map, PATIENCE));
    for (size_t i = 0; i < ITEMS; i++) {
        const long *value = pool_result_at(map, i);
        CHECK(i < 20 ? value && *value == (long)(i * i) : !value && errno == ECANCELED);
    }
    pool_free(pool);
    EVENTUALLY(no_children());
}

static void terminated_in_a_chunk(void)
{
    end_in_a_chunk(true);
}

static void bereft_in_a_chunk(void)
{
    end_in_a_chunk(false);
}

static const struct unit_case cases[] = {
    { "G18 each call beside close and join", close_beside, TWINS },
    { "G18 each call beside terminate and join", terminate_beside, TWINS },
    { "G18 calls that wait while the pool is freed", free_beside, TWINS },
    { "G18 a handle is freed while another thread waits with it", free_handle_beside, TWINS },
    { "G04 terminate in the middle of a chunk: what had ended stays ended", terminated_in_a_chunk },
    { "G04 the nursery dies in the middle of a chunk: what had ended stays ended", bereft_in_a_chunk },
    { 0 },
};

const struct unit_suite unit_together = { "together", cases };
