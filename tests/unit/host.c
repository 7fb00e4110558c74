/*
 * host.c - the program that uses a pool is left alone: its signals, children, descriptors, threads; and
 * nothing of a pool is left when it has been joined, however many there were.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static void use(struct pool *pool)
{
    long in[20], out[20];
    for (long i = 0; i < 20; i++)
        in[i] = i;
    OK(pool_map(pool, task_square, in, 20, sizeof *in, out, sizeof *out));
    for (long i = 0; i < 20; i++)
        CHECK_EQ(out[i], i * i);
}

static void unexpected(int number)
{
    (void)number;
    atomic_fetch_add(&shared->mark, 1);
}

/* While the pool lives, and while workers die and are replaced, wait() knows of no child and SIGCHLD never comes. */
static void g06_invisible(void)
{
    struct host before;
    struct death death = { BY_SIGNAL, SIGKILL };
    signal(SIGCHLD, unexpected);
    host_look(&before);
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .maxtasks = 3 });
    OK(pool ? 0 : -1);
    for (int i = 0; i < 5; i++) {
        use(pool);
        CHECK(pool_apply(pool, task_die, &death, sizeof death, NULL, 0) == -1);
        CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
        CHECK(wait(NULL) == -1 && errno == ECHILD);
    }
    CHECK_EQ(thread_count(), before.threads);
    end_pool(pool);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
    CHECK_EQ(atomic_load(&shared->mark), 0);
    UNCHANGED(&before);
}

static void while_it_lives(void)
{
    struct host before, during;
    host_look(&before);
    struct pool *pool = open_pool(2);
    use(pool);
    host_look(&during);
    CHECK(memcmp(&before.mask, &during.mask, sizeof before.mask) == 0);
    for (int number = 1; number < NSIG; number++)
        CHECK(before.handlers[number].sa_handler == during.handlers[number].sa_handler);
    CHECK_EQ(during.subreaper, before.subreaper);
    CHECK_EQ(during.threads, before.threads + (unit_kind == POOL_THREADS ? 2 : 0));
    end_pool(pool);
    UNCHANGED(&before);
}

static void end_with_3(void)
{
    _exit(3);
}

static void s11_own_children(void)
{
    pid_t early = program_start(end_with_3);
    struct pool *pool = open_pool(2);
    pid_t late = program_start(end_with_3);
    use(pool);
    CHECK_EQ(WEXITSTATUS(program_wait(late)), 3);
    end_pool(pool);
    int status = 0;
    CHECK_EQ(wait(&status), early);
    CHECK_EQ(WEXITSTATUS(status), 3);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
}

/* A program without descriptors 0 to 2 gets none of the library's there, and programs it runs inherit none. */
static void g06_descriptors(void)
{
    bool old[100];
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    for (int fd = 0; fd < 100; fd++)
        old[fd] = fcntl(fd, F_GETFD) != -1;
    struct pool *pool = open_pool(2);
    use(pool);
    for (int fd = 0; fd < 100; fd++) {
        int flags = fcntl(fd, F_GETFD);
        CHECK(flags == -1 || old[fd] || (fd > 2 && flags & FD_CLOEXEC));
    }
    end_pool(pool);
    for (int fd = 0; fd < 100; fd++)
        CHECK_EQ(fcntl(fd, F_GETFD) != -1, old[fd]);
}

static int write_where_told(const void *arg, void *result)
{
    (void)result;
    return write(*(const int *)arg, "x", 1) == 1 ? 0 : pool_fail("%s", strerror(errno));
}

/* S17: the program's own descriptors are usable in its workers, as after any fork. */
static void s17_own_descriptors(void)
{
    int ends[2];
    char text[11] = "";
    REQUIRE(pipe(ends) == 0);
    struct pool *pool = open_pool(2);
    for (int i = 0; i < 10; i++)
        OK(pool_apply(pool, write_where_told, &ends[1], sizeof ends[1], NULL, 0));
    CHECK_EQ(read(ends[0], text, 10), 10);
    CHECK_TEXT(text, "xxxxxxxxxx");
    end_pool(pool);
    CHECK(fcntl(ends[0], F_GETFL) == O_RDONLY && close(ends[0]) == 0 && close(ends[1]) == 0);
}

/* What took the places of descriptors that were closed: ends of sockets, or eventfds and epoll instances, all of which
 * have one inode. */
static struct taken {
    int fds[24];
    bool sockets;
} taken;

enum { TAKEN = sizeof taken.fds / sizeof *taken.fds };

/* Closes all descriptors from 3 on, as daemons do, and opens others. */
static void take_places(bool sockets)
{
    taken.sockets = sockets;
    for (int fd = 3; fd < 200; fd++)
        if (fd != unit_report)
            close(fd);
    for (int i = 0; i < TAKEN; i += 2)
        if (!sockets || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, &taken.fds[i]) != 0) {
            taken.fds[i] = epoll_create1(0);
            taken.fds[i + 1] = eventfd(0, EFD_NONBLOCK);
        }
}

/* Returns how many of them are as they were: open, and with nothing in them. */
static int untouched(void)
{
    char bytes[8];
    int good = 0;
    for (int i = 0; i < TAKEN; i++)
        if (taken.sockets)
            good += recv(taken.fds[i], bytes, 8, 0) == -1 && errno == EAGAIN;
        else
            good += i % 2 ? read(taken.fds[i], bytes, 8) == -1 && errno == EAGAIN
                          : epoll_wait(taken.fds[i], &(struct epoll_event){ 0 }, 1, 0) == 0;
    return good;
}

static void descriptors_taken(void)
{
    for (int how = 0; how < 6 && !unit_in_valgrind(); how++) {
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .descriptor = true });
        REQUIRE(pool != NULL);
        struct pool_result *result = pool_apply_async(pool, task_forever, NULL, 0, 0, NULL);
        EVENTUALLY(atomic_load(&shared->arrived) == how + 1);
        take_places(how % 2);
        if (how < 2)
            CHECK_EQ(pool_result_cancel(result), 1);
        else if (how < 4)
            OK(pool_terminate(pool));
        pool_poll(pool);
        CHECK(pool_result_get(result, NULL, PATIENCE) == -1 && errno != ETIMEDOUT);
        OK(pool_close(pool));
        pool_join(pool, PATIENCE);
        pool_free(pool);
        CHECK_EQ(untouched(), TAKEN);
    }
}

static int take_places_in_task(const void *arg, void *result)
{
    (void)result;
    take_places(*(const int *)arg);
    return 0;
}

static int count_untouched(const void *arg, void *result)
{
    (void)arg;
    *(int *)result = untouched();
    return 0;
}

static void descriptors_taken_in_worker(void)
{
    for (int sockets = 0; sockets < 2 && !unit_in_valgrind(); sockets++) {
        struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .descriptor = true });
        int good = 0;
        REQUIRE(pool != NULL);
        for (int i = 0; i < 3; i++) {
            pool_poll(pool); /* asks to be told of the end of the next one */
            OK(pool_apply(pool, take_places_in_task, &sockets, sizeof sockets, NULL, 0));
            OK(pool_apply(pool, count_untouched, NULL, 0, &good, sizeof good));
            CHECK_EQ(good, TAKEN);
        }
        end_pool(pool);
    }
}

static int count_descriptors(const void *arg, void *result)
{
    (void)arg;
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    *(int *)result = count;
    return 0;
}

static int count_in_gate(const void *arg, void *result)
{
    atomic_fetch_add(&shared->arrived, 1);
    gate_wait();
    return count_descriptors(arg, result);
}

static void s17_not_more_and_more(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 8, .maxtasks = 1 });
    OK(pool ? 0 : -1);
    struct pool_job_options options = { .chunk = 1 };
    int out[24];
    struct pool_result *result = pool_map_async(pool, count_in_gate, NULL, 24, 0, sizeof *out, &options);
    EVENTUALLY(atomic_load(&shared->arrived) == 8);
    gate_open();
    OK(pool_result_get(result, out, PATIENCE));
    for (int i = 1; i < 24; i++)
        CHECK_EQ(out[i], out[0]);
    end_pool(pool);
}

static int mapping_count(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    int lines = 0, c;
    while (maps && (c = getc(maps)) != EOF)
        lines += c == '\n';
    if (maps)
        fclose(maps);
    return lines;
}

/* One pool in each way it can end. */
static void one_pool(int i)
{
    struct death death = { BY_SIGNAL, SIGKILL };
    struct pool_options options = { .processes = 1 + i % 4 };
    if (unit_kind == POOL_PROCESSES)
        options.maxtasks = i % 5;
    struct pool *pool = pool_open(&options);
    OK(pool ? 0 : -1);
    use(pool);
    if (i % 3 == 0 && unit_kind == POOL_PROCESSES)
        CHECK(pool_apply(pool, task_die, &death, sizeof death, NULL, 0) == -1);
    if (i % 4 == 1)
        OK(pool_terminate(pool));
    else if (i % 4 != 2)
        OK(pool_close(pool));
    if (i % 4 != 2)
        OK(pool_join(pool, PATIENCE));
    pool_free(pool);
}

static int never_starts(void *initarg)
{
    (void)initarg;
    return pool_fail("no");
}

static void g13_many_pools(void)
{
    struct host before;
    struct pool_options bad = { .processes = 2, .initializer = never_starts };
    for (int i = 0; i < 4; i++)
        one_pool(i);
    host_look(&before);
    int mappings = mapping_count();
    for (int i = 0; i < unit_rounds(400); i++) {
        one_pool(i);
        if (i % 10 == 0)
            CHECK(pool_open(&bad) == NULL);
    }
    UNCHANGED(&before);
    CHECK(mapping_count() <= mappings + (unit_slow() ? 50 : 2));
}

static void g13_side_by_side(void)
{
    struct host before;
    struct pool *pools[10];
    host_look(&before);
    for (int i = 0; i < 10; i++)
        pools[i] = open_pool(2);
    for (int i = 0; i < 10; i++)
        use(pools[i]);
    for (int i = 9; i >= 0; i--)
        CHECK_EQ(living_children(getpid()), unit_kind == POOL_PROCESSES ? i + 1 : 0), end_pool(pools[i]);
    UNCHANGED(&before);
}

/* A pool opened later must not keep an earlier one alive, nor the other way round, whatever it inherited. */
static void g13_crossed(void)
{
    struct pool *first = open_pool(1), *second = open_pool(1), *third = open_pool(1);
    end_pool(first);
    use(second), use(third);
    end_pool(third);
    use(second);
    end_pool(second);
}

/* --- Quiet --- */

static long switches_of(pid_t pid)
{
    char path[64], line[256];
    long total = 0, count;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        const char *words = strstr(line, "voluntary_ctxt_switches:"); /* finds nonvoluntary_..., too */
        if (words && sscanf(words, "voluntary_ctxt_switches: %ld", &count) == 1)
            total += count;
    }
    if (file)
        fclose(file);
    return total;
}

/* The nursery and its workers; or the worker threads. */
static int whoever_works(pid_t *list, int most)
{
    if (unit_kind == POOL_THREADS)
        return other_threads(list, most);
    list[0] = nursery();
    return 1 + workers(list + 1, most - 1);
}

static long switches_of_all(const pid_t *list, int count)
{
    long total = 0;
    for (int i = 0; i < count; i++)
        total += switches_of(list[i]);
    return total;
}

/* Waits until none of them was switched to for a quarter of a second. */
static void settle(const pid_t *list, int count)
{
    double limit = unit_now() + PATIENCE;
    long before = -1, now;
    while ((now = switches_of_all(list, count)) != before && unit_now() < limit) {
        before = now;
        unit_sleep(0.25);
    }
}

static void idle_pool(void)
{
    struct pool *pool = open_pool(3);
    pid_t list[4];
    long before[4];
    use(pool);
    int count = whoever_works(list, 4);
    CHECK_EQ(count, unit_kind == POOL_THREADS ? 3 : 4);
    settle(list, count);
    for (int i = 0; i < count; i++)
        before[i] = switches_of(list[i]);
    unit_sleep(2);
    for (int i = 0; i < count; i++) {
        CHECK(before[i] > 0);
        CHECK_EQ(switches_of(list[i]), before[i]);
    }
    end_pool(pool);
}

/* --- Functions loaded later --- */

static const struct library {
    const char *file, *symbol;
} libraries[] = {
    { "libm.so.6", "cbrt" },
    { "libcrypt.so.1", "crypt" },
    { "libresolv.so.2", "__loc_aton" },
    { "libthread_db.so.1", "td_init" },
};

/* A function of a library that is not loaded yet. */
static pool_task *load_later(void)
{
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        if (dlopen(libraries[i].file, RTLD_NOLOAD | RTLD_NOW))
            continue;
        void *handle = dlopen(libraries[i].file, RTLD_NOW), *symbol = NULL;
        if (handle && (symbol = dlsym(handle, libraries[i].symbol))) {
            pool_task *task;
            memcpy(&task, &symbol, sizeof task);
            return task;
        }
    }
    REQUIRE(!"there is a library that is not loaded yet");
    return NULL;
}

static int one_item(void *state, void *item)
{
    *(long *)item = 3;
    return ++*(int *)state == 1;
}

static void g15_loaded_later(void)
{
    struct pool *pool = open_pool(2);
    pool_task *task = load_later();
    pool_star_task *star;
    memcpy(&star, &task, sizeof star);
    long x = 3, out;
    int state = 0;
    struct pool_column column = { &x, sizeof x };
    REFUSED(pool_apply(pool, task, &x, 8, &out, 8), EINVAL, "loaded");
    REFUSED(pool_map(pool, task, &x, 1, 8, &out, 8), EINVAL, "loaded");
    REFUSED(pool_starmap(pool, star, &column, 1, 1, &out, 8), EINVAL, "loaded");
    REFUSED_NULL(pool_apply_async(pool, task, &x, 8, 8, NULL), EINVAL, "loaded");
    REFUSED_NULL(pool_map_async(pool, task, &x, 1, 8, 8, NULL), EINVAL, "loaded");
    REFUSED_NULL(pool_imap(pool, task, one_item, &state, 8, 8, NULL), EINVAL, "loaded");
    REFUSED_NULL(pool_imap_unordered(pool, task, one_item, &state, 8, 8, NULL), EINVAL, "loaded");
    use(pool);
    CHECK_EQ(worker_count(), 2);
    end_pool(pool);
}

/* Threads have whatever the program has. */
static void g15_loaded_later_is_fine(void)
{
    struct pool *pool = open_pool(2);
    void *handle = dlopen("libresolv.so.2", RTLD_NOW);
    void *symbol = handle ? dlsym(handle, "__loc_aton") : NULL;
    REQUIRE(symbol != NULL);
    pool_task *task;
    memcpy(&task, &symbol, sizeof task);
    char place[] = "42 21 54 N 71 06 18 W -24m 30m", out[16];
    FAILED(pool_apply(pool, task, place, sizeof place, out, sizeof out), EREMOTEIO, 0);
    CHECK_EQ(pool_error()->status, 16);
    end_pool(pool);
}

/* What was loaded before is as good as the program's own functions. It returns 16, which counts as failure. */
static void g15_loaded_before(void)
{
    void *handle = dlopen("libresolv.so.2", RTLD_NOW);
    void *symbol = handle ? dlsym(handle, "__loc_aton") : NULL;
    REQUIRE(symbol != NULL);
    pool_task *task;
    memcpy(&task, &symbol, sizeof task);
    struct pool *pool = open_pool(2);
    char place[] = "42 21 54 N 71 06 18 W -24m 30m", out[16];
    FAILED(pool_apply(pool, task, place, sizeof place, out, sizeof out), EREMOTEIO, 0);
    CHECK_EQ(pool_error()->status, 16);
    end_pool(pool);
}

static char plugin[] = "/tmp/unit-plugin-XXXXXX", plugin_file[64];

/* Writes a copy of a library, with another build id, or with none. */
static void write_plugin(const char *name, const char *from, char id, bool has_id)
{
    static char bytes[1 << 20];
    FILE *in = fopen(from, "re");
    size_t size = in ? fread(bytes, 1, sizeof bytes, in) : 0;
    char *note = size ? memmem(bytes, size, "\24\0\0\0\3\0\0\0GNU", 12) : NULL;
    REQUIRE(size > 0 && size < sizeof bytes && note);
    fclose(in);
    note[4] = has_id ? 3 : 77;
    note[12] = id;
    snprintf(plugin_file, sizeof plugin_file, "%s/%s", plugin, name);
    remove(plugin_file); /* it may be mapped */
    FILE *out = fopen(plugin_file, "we");
    REQUIRE(out && fwrite(bytes, 1, size, out) == size && fclose(out) == 0);
}

static pool_task *load_plugin(void **handle)
{
    pool_task *task;
    void *symbol;
    *handle = dlopen(plugin_file, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(*handle && (symbol = dlsym(*handle, "__loc_aton")) != NULL);
    memcpy(&task, &symbol, sizeof task);
    return task;
}

/* Where the C library's own one lies. */
static void find_library(char path[PATH_MAX])
{
    void *handle = dlopen("libresolv.so.2", RTLD_NOW), *symbol = handle ? dlsym(handle, "__loc_aton") : NULL;
    Dl_info info;
    REQUIRE(symbol && dladdr(symbol, &info) && realpath(info.dli_fname, path));
}

/* A library that is closed, and loaded again as another one: mostly it lies where the old one did. */
static void g15_loaded_anew(void)
{
    static const struct {
        const char *name; /* under which it is loaded again, with this id */
        char id;
        bool has_id, known;
    } anew[] = {
        { "a.so", 1, true, true }, { "a.so", 2, true, false }, { "b.so", 1, true, false }, { "a.so", 1, false, false }
    };
    char path[PATH_MAX], place[] = "42 21 54 N 71 06 18 W -24m 30m", out[16];
    find_library(path);
    REQUIRE(mkdtemp(plugin) != NULL);
    for (size_t i = 0; i < sizeof anew / sizeof *anew; i++) {
        void *handle;
        write_plugin("a.so", path, 1, anew[i].has_id);
        pool_task *task = load_plugin(&handle);
        struct pool *pool = open_pool(1);
        FAILED(pool_apply(pool, task, place, sizeof place, out, sizeof out), EREMOTEIO, 0);
        dlclose(handle);
        REQUIRE(!dlopen(plugin_file, RTLD_NOW | RTLD_NOLOAD));
        if (!anew[i].known)
            write_plugin(anew[i].name, path, anew[i].id, anew[i].has_id);
        task = load_plugin(&handle);
        if (anew[i].known)
            FAILED(pool_apply(pool, task, place, sizeof place, out, sizeof out), EREMOTEIO, 0);
        else
            REFUSED(pool_apply(pool, task, place, sizeof place, out, sizeof out), EINVAL, "loaded");
        use(pool);
        dlclose(handle);
        remove(plugin_file);
        end_pool(pool);
    }
    snprintf(plugin_file, sizeof plugin_file, "%s/a.so", plugin);
    remove(plugin_file);
    CHECK_EQ(rmdir(plugin), 0);
}

/* One that stays is known, whatever else comes and goes; also if its file is another one by now. */
static void g15_loaded_beside(void)
{
    char path[PATH_MAX], place[] = "42 21 54 N 71 06 18 W -24m 30m", out[16];
    void *handle, *other;
    find_library(path);
    REQUIRE(mkdtemp(plugin) != NULL);
    write_plugin("b.so", path, 2, true);
    load_plugin(&other);
    write_plugin("a.so", path, 1, true);
    pool_task *task = load_plugin(&handle);
    struct pool *pool = open_pool(1);
    write_plugin("a.so", path, 3, true);
    dlclose(other);
    FAILED(pool_apply(pool, task, place, sizeof place, out, sizeof out), EREMOTEIO, 0);
    remove(plugin_file);
    write_plugin("b.so", path, 2, true);
    pool_task *later = load_plugin(&other);
    CHECK(later != task);
    FAILED(pool_apply(pool, task, place, sizeof place, out, sizeof out), EREMOTEIO, 0);
    remove(plugin_file);
    CHECK_EQ(rmdir(plugin), 0);
    end_pool(pool);
}

/* --- Narrow rooms --- */

static void g16_narrow_address_space(void)
{
    if (unit_slow())
        return; /* valgrind and sanitizers need more than that for themselves */
    REQUIRE(setrlimit(RLIMIT_AS, &(struct rlimit){ 512 << 20, 512 << 20 }) == 0);
    struct pool *pool = open_pool(2);
    use(pool);
    void *more = malloc(64 << 20);
    CHECK(more != NULL); /* the pool has not taken it all */
    free(more);
    end_pool(pool);
}

/* One descriptor more each time, until it is enough; until then a clean error, and nothing left. */
static void g16_few_descriptors(void)
{
    if (unit_in_valgrind())
        return; /* it would be the first to want more */
    struct host before;
    struct pool *pool = NULL;
    struct rlimit old;
    int refused = 0;
    host_look(&before);
    REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
    for (int limit = 3; !pool && limit < 64; limit++) {
        REQUIRE(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ (rlim_t)limit, old.rlim_max }) == 0);
        pool = pool_open(&(struct pool_options){ .processes = 2 });
        int code = errno;
        REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
        if (pool)
            break;
        refused++;
        CHECK_EQ(code, EMFILE);
        CHECK_TEXT(pool_error()->text, "pool_open: ");
        UNCHANGED(&before);
        CHECK(no_children());
    }
    REQUIRE(pool != NULL);
    CHECK(refused > 0);
    use(pool);
    end_pool(pool);
    UNCHANGED(&before);
}

/* --- Flags of descriptors --- */

/* Flags belong to what is open, not to the process that sets them: these reach everybody who shares it. */
static int unblock_all(const void *arg, void *result)
{
    (void)arg, (void)result;
    for (int fd = 0; fd < 100; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags != -1)
            fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
    return 0;
}

static void h08_nonblocking(void)
{
    struct death death = { BY_SIGNAL, SIGKILL };
    int flags[3];
    for (int fd = 0; fd < 3; fd++)
        flags[fd] = fcntl(fd, F_GETFL);
    struct pool *pool = open_pool(2);
    use(pool);
    for (int fd = 0; fd < 3; fd++)
        CHECK_EQ(fcntl(fd, F_GETFL), flags[fd]);
    OK(pool_map(pool, unblock_all, NULL, 10, 0, NULL, 0));
    for (int i = 0; i < 5; i++) {
        FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
        use(pool);
    }
    unblock_all(NULL, NULL); /* the caller's end, too */
    use(pool);
    FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
    EVENTUALLY(worker_count() == 2);
    end_pool(pool);
}

/* --- Threads --- */

static struct pool *the_pool;

static void *use_in_thread(void *cookie)
{
    long base = *(long *)cookie;
    for (long i = 0; i < unit_rounds(500); i++) {
        long x = base + i, out = 0;
        OK(pool_apply(the_pool, task_square, &x, sizeof x, &out, sizeof out));
        REQUIRE(out == x * x);
        if (i % 10 == 0)
            use(the_pool);
        if (i % 7 == 0) {
            long odd = 2 * base + 1;
            FAILED(pool_apply(the_pool, task_odd_fails, &odd, sizeof odd, &out, sizeof out), EREMOTEIO, 0);
            char words[64];
            snprintf(words, sizeof words, "%ld is odd", odd); /* each thread has an error of its own */
            CHECK_TEXT(pool_error()->text, words);
        }
    }
    return NULL;
}

static void run_threads(void)
{
    pthread_t threads[4];
    long bases[4] = { 0, 1000, 2000, 3000 };
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, use_in_thread, &bases[i]) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void threads_after(void)
{
    the_pool = open_pool(3);
    run_threads();
    end_pool(the_pool);
}

static void *open_in_thread(void *cookie)
{
    (void)cookie;
    the_pool = open_pool(2);
    use(the_pool);
    return NULL;
}

/* The end of the thread that opened the pool is not the end of the program. */
static void h09_opener_ends(void)
{
    struct host before;
    struct death death = { BY_SIGNAL, SIGKILL };
    pthread_t thread;
    host_look(&before);
    REQUIRE(pthread_create(&thread, NULL, open_in_thread, NULL) == 0);
    pthread_join(thread, NULL);
    EVENTUALLY(thread_count() == before.threads + (unit_kind == POOL_THREADS ? 2 : 0));
    for (int i = 0; i < 5; i++) {
        use(the_pool);
        if (unit_kind == POOL_PROCESSES)
            FAILED(pool_apply(the_pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
    }
    EVENTUALLY(worker_count() == (unit_kind == POOL_INLINE ? 0 : 2));
    end_pool(the_pool);
    UNCHANGED(&before);
}

/* --- Locks that a fork beside a thread would copy --- */

static FILE *the_void;

/* Takes and lets go of libc's locks: the heap's, a stream's, the time zone's, the environment's. */
static void hammer(void)
{
    time_t now = 1000000000;
    struct tm broken;
    void *volatile memory = malloc(1000);
    free(memory);
    fprintf(the_void, "%s", "text");
    localtime_r(&now, &broken);
    setenv("UNIT_HAMMER", "x", 1);
}

static void *hammer_in_thread(void *cookie)
{
    (void)cookie;
    while (!atomic_load(&shared->gate))
        hammer();
    return NULL;
}

static int hammer_in_task(const void *arg, void *result)
{
    (void)arg, (void)result;
    hammer();
    return 0;
}

static int count_starts(void *initarg)
{
    (void)initarg;
    hammer();
    atomic_fetch_add(&shared->runs, 1);
    return 0;
}

static void s13_hammering_threads(void)
{
    int count = unit_rounds(600);
    pthread_t threads[3];
    setenv("UNIT_HAMMER", "x", 1); /* so that no thread makes the environment larger, and moves it */
    REQUIRE((the_void = fopen("/dev/null", "we")) != NULL);
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 4, .maxtasks = 1, .initializer = count_starts });
    OK(pool ? 0 : -1);
    for (int i = 0; i < 3; i++)
        REQUIRE(pthread_create(&threads[i], NULL, hammer_in_thread, NULL) == 0);
    struct pool_result *result = pool_map_async(pool, hammer_in_task, NULL, (size_t)count, 0, 0, NULL);
    OK(pool_result_get(result, NULL, 2 * PATIENCE));
    CHECK(atomic_load(&shared->runs) >= count);
    gate_open();
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    end_pool(pool);
    fclose(the_void);
}

static void *stay(void *cookie)
{
    (void)cookie;
    gate_wait();
    return NULL;
}

/* Opened beside another thread the pool cannot hide from wait(); but it works and leaves nothing. */
static void threads_before(void)
{
    struct host before;
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, stay, NULL) == 0);
    host_look(&before);
    the_pool = open_pool(3);
    use(the_pool);
    run_threads();
    end_pool(the_pool);
    UNCHANGED(&before);
    gate_open();
    pthread_join(thread, NULL);
    CHECK(no_children());
}

static const struct unit_case cases[] = {
    { "G15 a library loaded anew: known if it is the same, refused if it only lies there", g15_loaded_anew },
    { "G15 a library that stays is known, whatever else comes and goes", g15_loaded_beside },
    { "G06 workers come and go: wait() says ECHILD, no SIGCHLD, no thread", g06_invisible },
    { "G06 mask, handlers and threads are as before while the pool lives", while_it_lives, ALL_KINDS },
    { "S11 the program's own children stay its own", s11_own_children, ALL_KINDS },
    { "G06 descriptors are 3 and above, and close on exec", g06_descriptors, ALL_KINDS },
    { "S17 the program's descriptors are usable in workers", s17_own_descriptors },
    { "G06 closed descriptors, whose numbers the program uses for its own", descriptors_taken },
    { "G06 closed descriptors, whose numbers a task uses for its own", descriptors_taken_in_worker },
    { "S17 later workers have no more descriptors than the first", s17_not_more_and_more },
    { "G13 many pools one after another leave nothing", g13_many_pools, ALL_KINDS },
    { "G13 ten pools side by side", g13_side_by_side, ALL_KINDS },
    { "G13 pools ended in another order than opened", g13_crossed, ALL_KINDS },
    { "G06 an idle pool makes no context switch in two seconds", idle_pool, TWINS },
    { "G15 a function loaded after pool_open is refused", g15_loaded_later },
    { "G15 a function loaded later is fine without processes", g15_loaded_later_is_fine, THREADS | INLINE },
    { "G15 a function loaded before pool_open is fine", g15_loaded_before, ALL_KINDS },
    { "G16 an address space of 512 MiB is enough", g16_narrow_address_space, ALL_KINDS },
    { "G16 too few descriptors: EMFILE, and nothing is left", g16_few_descriptors },
    { "H8 tasks and the caller make every descriptor non-blocking", h08_nonblocking },
    { "H9 the thread that opened the pool ends: the pool goes on", h09_opener_ends, ALL_KINDS },
    { "S13 H4 600 workers start while threads keep libc's locks busy", s13_hammering_threads },
    { "G06 four threads use one pool", threads_after, ALL_KINDS },
    { "G06 a pool opened beside a thread", threads_before, ALL_KINDS },
    { 0 },
};

const struct unit_suite unit_host = { "host", cases };
