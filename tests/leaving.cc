/*
 * leaving: C++ exceptions, and pthread_exit() with destructors, that leave a task, initializer, callback or source.
 *
 *     build/leaving process|spawn|thread|inline|callback|source
 *
 * It prints what is not as it should be, and what a caller is told; `thread` ends by std::terminate().
 */
#include "pool.h"
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

static pid_t caller;
static std::atomic<int> *elsewhere; // handlers and destructors of main's that ran in another process

static void check(bool good, const char *what)
{
    if (!good)
        std::printf("not so: %s (%s)\n", what, pool_error()->text);
}
#define CHECK(condition) check((condition), #condition)

struct output_file { // a program would remove the unfinished file
    ~output_file() { *elsewhere += getpid() != caller; }
};

static int fine(const void *arg, void *result)
{
    *static_cast<long *>(result) = 2 * *static_cast<const long *>(arg);
    return 0;
}

static void still_good(struct pool *pool)
{
    long in[100], out[100];
    for (long i = 0; i < 100; i++)
        in[i] = i;
    CHECK(pool_map(pool, fine, in, 100, sizeof *in, out, sizeof *out) == 0);
    for (long i = 0; i < 100; i++)
        CHECK(out[i] == 2 * i);
    CHECK(std::strcmp(pool_worker_name(), "MainProcess") == 0);
}

static void end(struct pool *pool)
{
    CHECK(pool_close(pool) == 0);
    CHECK(pool_join(pool, 60) == 0);
    pool_free(pool);
}

static int throws_at_3(const void *arg, void *result)
{
    if (*static_cast<const long *>(arg) == 3)
        throw std::runtime_error("bad record");
    return fine(arg, result);
}

static int throws(void *)
{
    throw std::runtime_error("bad beginning");
}

static int ends(const void *, void *)
{
    pthread_exit(nullptr);
}

static struct pool *open_pool(pool_kind kind, pool_start start, pool_initializer *initializer)
{
    struct pool_options options = {};
    options.processes = 2;
    options.kind = kind;
    options.start = start;
    options.initializer = initializer;
    return pool_open(&options);
}

static void processes(pool_start start)
{
    output_file file;
    try {
        long in[] = { 1, 2, 3, 4 }, out[4] = {};
        CHECK(!open_pool(POOL_PROCESSES, start, throws));
        std::printf("%.90s\n", std::strstr(pool_error()->text, "was killed"));
        struct pool *pool = open_pool(POOL_PROCESSES, start, nullptr);
        CHECK(pool_map(pool, throws_at_3, in, 4, sizeof *in, out, sizeof *out) == -1);
        std::printf("%.90s\n", std::strstr(pool_error()->text, "was killed"));
        CHECK(pool_error()->item == 2 && pool_error()->failures == 1 && out[3] == 8);
        CHECK(pool_apply(pool, ends, nullptr, 0, nullptr, 0) == -1);
        std::printf("%s\n", std::strstr(pool_error()->text, "ended itself"));
        still_good(pool);
        end(pool);
    } catch (...) {
        ++*elsewhere;
        throw;
    }
}

// Calls it, and returns whether it was left by an exception.
template <class Call> static bool thrown(Call call)
{
    try {
        call();
    } catch (const std::runtime_error &) {
        return true;
    }
    return false;
}

static int one_to_4(void *state, void *item)
{
    return (*static_cast<long *>(item) = ++*static_cast<long *>(state)) <= 4;
}

static void inline_tasks()
{
    struct pool_job_options options = {};
    struct pool *pool = open_pool(POOL_INLINE, POOL_FORK, nullptr);
    long in[] = { 1, 2, 3, 4 }, out[4], state = 0;
    options.chunk = 2;
    CHECK(thrown([&] { pool_apply(pool, throws_at_3, &in[2], sizeof *in, out, sizeof *out); }));
    still_good(pool);
    CHECK(thrown([&] { pool_map(pool, throws_at_3, in, 4, sizeof *in, out, sizeof *out); }));
    still_good(pool);
    CHECK(thrown([&] { pool_map_async(pool, throws_at_3, in, 4, sizeof *in, sizeof *out, &options); }));
    still_good(pool);
    struct pool_iter *iter = pool_imap(pool, throws_at_3, one_to_4, &state, sizeof *in, sizeof *out, nullptr);
    long sum = 0, last = 0;
    int got = 1, exceptions = 0;
    while (got)
        exceptions += thrown([&] {
            if ((got = pool_iter_next(iter, out, 60)) == 1)
                sum += *out, last = (long)pool_iter_index(iter);
        });
    CHECK(exceptions == 1 && last == 3 && sum == 2 + 4 + 8);
    pool_iter_close(iter);
    // Another thread need not wait for one that has caught its exception and goes on with something else.
    CHECK(thrown([&] { pool_apply(pool, throws_at_3, &in[2], sizeof *in, out, sizeof *out); }));
    std::thread(still_good, pool).join();
    CHECK(thrown([&] { open_pool(POOL_INLINE, POOL_FORK, throws); }));
    still_good(pool);
    end(pool);
}

static void callback_throws(struct pool_result *, void *)
{
    throw std::runtime_error("callback");
}

static struct pool_result *hand_over(struct pool *pool, size_t width)
{
    static char many[1 << 18];
    struct pool_job_options options = {};
    options.callback = callback_throws;
    return pool_map_async(pool, fine, many, width / sizeof(long), sizeof(long), sizeof(long), &options);
}

static void callbacks()
{
    struct pool_options small = {};
    small.processes = 2;
    small.memory = 8 << 20;
    struct pool *pool = pool_open(&small);
    for (int i = 0; i < 50; i++) { // what they take comes back
        struct pool_result *result = hand_over(pool, 1 << 18);
        CHECK(thrown([&] { pool_result_get(result, nullptr, 60); }));
        CHECK(pool_result_get(result, nullptr, 0) == 0);
        pool_result_free(result);
    }
    still_good(pool);
    struct pool_result *first = hand_over(pool, 80), *second = hand_over(pool, 80);
    while (!pool_result_ready(first) || !pool_result_ready(second))
        usleep(100);
    CHECK(thrown([&] { pool_poll(pool); }) && thrown([&] { pool_poll(pool); }) && pool_poll(pool) == 0);
    for (int i = 0; i < 2; i++)
        hand_over(pool, 80);
    CHECK(pool_close(pool) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(thrown([&] { pool_join(pool, 60); }));
    CHECK(pool_join(pool, 60) == 0);
    pool_free(pool);
    pool = pool_open(&small);
    first = hand_over(pool, 80);
    while (!pool_result_ready(first))
        usleep(100);
    CHECK(thrown([&] { pool_free(pool); }));
    pool_free(pool);
}

static int throws_at_7(void *state, void *item)
{
    long n = (*static_cast<long *>(state))++;
    if (n == 7)
        throw std::runtime_error("source");
    return (*static_cast<long *>(item) = n) < 20;
}

static void sources()
{
    struct pool_job_options options = {};
    options.chunk = 5;
    struct pool *pool = open_pool(POOL_PROCESSES, POOL_FORK, nullptr);
    long state = 0, out = 0, sum = 0;
    struct pool_iter *iter = pool_imap(pool, fine, throws_at_7, &state, sizeof state, sizeof out, &options);
    int got = 1, exceptions = 0;
    while (got)
        exceptions += thrown([&] { sum += (got = pool_iter_next(iter, &out, 60)) == 1 ? out : 0; });
    CHECK(exceptions == 1 && sum == 2 * (19 * 20 / 2 - 7));
    pool_iter_close(iter);
    still_good(pool);
    end(pool);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const struct rlimit none = {};
    setrlimit(RLIMIT_CORE, &none);
    caller = getpid();
    elsewhere = new (mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<int>;
    try {
        output_file file;
        pool_freeze_support(); // whose workers have these frames below them
        if (!std::strcmp(what, "process"))
            processes(POOL_FORK);
        else if (!std::strcmp(what, "spawn"))
            processes(POOL_SPAWN);
        else if (!std::strcmp(what, "thread"))
            pool_apply(open_pool(POOL_THREADS, POOL_FORK, nullptr), throws_at_3, &(const long &)3L, sizeof(long),
                       new long, sizeof(long));
        else if (!std::strcmp(what, "inline"))
            inline_tasks();
        else if (!std::strcmp(what, "callback"))
            callbacks();
        else if (!std::strcmp(what, "source"))
            sources();
    } catch (...) {
        std::printf("main() has caught it, in the %s\n", getpid() == caller ? "caller" : "wrong process");
    }
    std::printf("handlers and destructors elsewhere: %d\n", elsewhere->load());
}
