/*
 * Answers to exercise 18, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with.
 */

/* wrong, side-by-side: one asks at a time */
#include <sys/file.h>
#include <fcntl.h>
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
            pool_queue_put(queue, &item, POOL_FOREVER); /* for the others */
        } else {
            int lock = open("/dev/shm/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0666);
            flock(lock, LOCK_EX);
            bool failed = ask(item.number, &answer) != 0;
            close(lock);
            report(item.place, failed, failed ? 0 : answer);
        }
        pool_queue_task_done(queue);
        if (quit)
            return;
    }
}

/* wrong, every-item: it tells of nothing */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
            pool_queue_put(queue, &item, POOL_FOREVER); /* for the others */
        } else {
            bool failed = ask(item.number, &answer) != 0;
            report(item.place, failed, failed ? 0 : answer);
        }
        if (quit)
            return;
    }
}

/* wrong, every-item: one item, and no more */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
            pool_queue_put(queue, &item, POOL_FOREVER); /* for the others */
        } else {
            bool failed = ask(item.number, &answer) != 0;
            report(item.place, failed, failed ? 0 : answer);
        }
        pool_queue_task_done(queue);
        return;
    }
}

/* wrong, every-item: the answer is kept in an int */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
            pool_queue_put(queue, &item, POOL_FOREVER); /* for the others */
        } else {
            bool failed = ask(item.number, &answer) != 0;
            report(item.place, failed, failed ? 0 : (int)answer);
        }
        pool_queue_task_done(queue);
        if (quit)
            return;
    }
}

/* wrong, failing-item: no task_done for an item that fails */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
            pool_queue_put(queue, &item, POOL_FOREVER); /* for the others */
        } else {
            bool failed = ask(item.number, &answer) != 0;
            report(item.place, failed, failed ? 0 : answer);
            if (failed)
                continue;
        }
        pool_queue_task_done(queue);
        if (quit)
            return;
    }
}

/* wrong, failing-item: a failure ends the consumer */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
            pool_queue_put(queue, &item, POOL_FOREVER); /* for the others */
        } else {
            bool failed = ask(item.number, &answer) != 0;
            report(item.place, failed, failed ? 0 : answer);
            if (failed) {
                pool_queue_task_done(queue);
                return;
            }
        }
        pool_queue_task_done(queue);
        if (quit)
            return;
    }
}

/* wrong, failing-item: a failure is not reported */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
            pool_queue_put(queue, &item, POOL_FOREVER); /* for the others */
        } else {
            bool failed = ask(item.number, &answer) != 0;
            if (!failed)
                report(item.place, failed, answer);
        }
        pool_queue_task_done(queue);
        if (quit)
            return;
    }
}

/* wrong, join-means-done: task_done before the work */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        pool_queue_task_done(queue);
        if (quit) {
            pool_queue_put(queue, &item, POOL_FOREVER); /* for the others */
        } else {
            bool failed = ask(item.number, &answer) != 0;
            report(item.place, failed, failed ? 0 : answer);
        }
        if (quit)
            return;
    }
}

/* wrong, all-end: the sentinel is not passed on */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
        } else {
            bool failed = ask(item.number, &answer) != 0;
            report(item.place, failed, failed ? 0 : answer);
        }
        pool_queue_task_done(queue);
        if (quit)
            return;
    }
}

/* wrong, all-end: nobody ends at it */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
            pool_queue_put(queue, &item, POOL_FOREVER); /* for the others */
        } else {
            bool failed = ask(item.number, &answer) != 0;
            report(item.place, failed, failed ? 0 : answer);
        }
        pool_queue_task_done(queue);
    }
}

/* right: two functions, and recursion */
static void deal(const struct item *item)
{
    long answer;
    if (ask(item->number, &answer) == 0)
        report(item->place, false, answer);
    else
        report(item->place, true, 0);
}

static void consumer(struct pool_queue *queue)
{
    struct item item;
    if (pool_queue_get(queue, &item, POOL_FOREVER) != 0)
        return;
    if (item.place == QUIT) {
        pool_queue_put(queue, &item, POOL_FOREVER);
        pool_queue_task_done(queue);
        return;
    }
    deal(&item);
    pool_queue_task_done(queue);
    consumer(queue);
}

/* right: it closes the queue, so that the others see the end */
static void consumer(struct pool_queue *queue)
{
    struct item item;
    long answer;
    while (pool_queue_get(queue, &item, POOL_FOREVER) == 0) {
        bool quit = item.place == QUIT;
        if (quit) {
            pool_queue_close(queue);
        } else {
            bool failed = ask(item.number, &answer) != 0;
            report(item.place, failed, failed ? 0 : answer);
        }
        pool_queue_task_done(queue);
        if (quit)
            return;
    }
}

/* right: looks with a timeout, tells before it passes the sentinel on */
static void consumer(struct pool_queue *queue)
{
    for (;;) {
        struct item item;
        if (pool_queue_get(queue, &item, 0.05) != 0) {
            if (errno == ETIMEDOUT)
                continue;
            break;
        }
        if (item.place < 0) {
            pool_queue_task_done(queue);
            pool_queue_put(queue, &item, 1);
            break;
        }
        long answer = 0;
        int failed = ask(item.number, &answer);
        report(item.place, failed != 0, answer);
        if (pool_queue_task_done(queue) != 0)
            perror("task_done");
    }
}
