/*
 * spawn.c - POOL_SPAWN: the nursery is a new run of this very program, whose main() calls pool_freeze_support().
 *
 * A new run has nothing of what a test did but the scratch memory (run.c hands it on). What only other main()s show
 * is in tests/spawn.bats: that main runs again, and how a new run can fail to reach the pool.
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
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#define ITEMS 1000

static const struct pool_options spawn_two = { .processes = 2, .start = POOL_SPAWN };

static struct pool *open_spawn(const struct pool_options *options)
{
    struct pool *pool = pool_open(options);
    OK(pool ? 0 : -1);
    return pool;
}

/* The pool answers, and rightly. */
static void map_squares(struct pool *pool)
{
    long in[ITEMS], out[ITEMS];
    for (long i = 0; i < ITEMS; i++)
        in[i] = i;
    OK(pool_map(pool, task_square, in, ITEMS, sizeof *in, out, sizeof *out));
    for (long i = 0; i < ITEMS; i++)
        if (out[i] != i * i)
            REQUIRE(CHECK_EQ(out[i], i * i));
}

/* --- What works as with a fork --- */

static int multiply(const void *const *args, void *result)
{
    *(long *)result = *(const long *)args[0] * *(const int *)args[1];
    return 0;
}

static int count_up(void *state, void *item)
{
    *(long *)item = (*(long *)state)++;
    return *(long *)item < 5;
}

static void all_calls(void)
{
    struct pool *pool = open_spawn(&spawn_two);
    long left[] = { 1, 2, 3 }, out[3], next = 0, square;
    int right[] = { 7, 8, 9 };
    struct pool_column columns[] = { { left, sizeof *left }, { right, sizeof *right } };
    map_squares(pool);
    OK(pool_starmap(pool, multiply, columns, 2, 3, out, sizeof *out));
    CHECK(out[0] == 7 && out[1] == 16 && out[2] == 27);
    FAILED(pool_map(pool, task_odd_fails, left, 3, sizeof *left, out, sizeof *out), EREMOTEIO, 0);
    CHECK_TEXT(pool_error()->text, "1 is odd");
    struct pool_iter *iter = pool_imap(pool, task_square, count_up, &next, sizeof next, sizeof square, NULL);
    for (long i = 0; i < 5; i++)
        CHECK(pool_iter_next(iter, &square, PATIENCE) == 1 && square == i * i);
    CHECK_EQ(pool_iter_next(iter, &square, PATIENCE), 0);
    pool_iter_close(iter);
    end_pool(pool);
}

static int initialize(void *text)
{
    atomic_fetch_add(&shared->runs, 1);
    return strcmp(text, "forty-two") == 0 ? 0 : pool_fail("it got \"%.20s\"", (char *)text);
}

/* Opens and ends a pool whose initializer needs what initarg pointed to when it was opened. */
static void initialize_with_copy(struct pool_options options)
{
    char text[] = "forty-two";
    int before = atomic_load(&shared->runs);
    options.initializer = initialize;
    options.initarg = text;
    options.initarg_width = sizeof text;
    options.maxtasks = options.kind == POOL_PROCESSES;
    struct pool *pool = open_spawn(&options);
    memset(text, 'x', sizeof text - 1);
    map_squares(pool); /* successors get it, too */
    CHECK(atomic_load(&shared->runs) - before >= (options.maxtasks ? ITEMS : pool_processes(pool)));
    end_pool(pool);
}

static void initarg_is_copied(void)
{
    initialize_with_copy(spawn_two);
    initialize_with_copy((struct pool_options){ .processes = 2 });
    initialize_with_copy((struct pool_options){ .processes = 2, .kind = POOL_THREADS });
    initialize_with_copy((struct pool_options){ .kind = POOL_INLINE });
}

static int refuse(void *unused)
{
    (void)unused;
    return pool_fail("no");
}

static void initializer_fails(void)
{
    struct host before;
    host_look(&before);
    REFUSED_NULL(pool_open(&(struct pool_options){ .processes = 2, .start = POOL_SPAWN, .initializer = refuse }),
                 EREMOTEIO, "no");
    UNCHANGED(&before);
}

static void worker_killed(void)
{
    struct pool *pool = open_spawn(&spawn_two);
    struct pool_result *results[2];
    fill_with_gates(pool, results, 2);
    pid_t victim = atomic_load(&shared->pid[0]);
    CHECK(kill(victim, SIGKILL) == 0);
    EVENTUALLY(worker_count() == 2 && !is_alive(victim));
    gate_open();
    int failed = 0;
    for (int i = 0; i < 2; i++)
        failed += pool_result_get(results[i], NULL, PATIENCE) != 0 && pool_error()->signal == SIGKILL &&
                  pool_error()->pid == victim;
    CHECK_EQ(failed, 1);
    map_squares(pool);
    end_pool(pool);
}

static void terminate(void)
{
    struct host before;
    host_look(&before);
    struct pool *pool = open_spawn(&spawn_two);
    struct pool_result *results[2];
    fill_with_gates(pool, results, 2);
    OK(pool_terminate(pool));
    FAILED(pool_result_get(results[0], NULL, PATIENCE), ECANCELED, 0);
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
    UNCHANGED(&before);
}

/* --- What is different --- */

static long told = 1;

static int tell(const void *arg, void *result)
{
    (void)arg;
    *(long *)result = told;
    return 0;
}

static void globals(void)
{
    long result;
    told = 2;
    struct pool *spawned = open_spawn(&spawn_two), *forked = open_pool(2);
    OK(pool_apply(spawned, tell, NULL, 0, &result, sizeof result));
    CHECK_EQ(result, 1);
    OK(pool_apply(forked, tell, NULL, 0, &result, sizeof result));
    CHECK_EQ(result, 2);
    end_pool(forked);
    end_pool(spawned);
}

static void library_functions(void)
{
    struct pool *pool = open_spawn(&spawn_two);
    void *found = dlsym(RTLD_DEFAULT, "getppid"); /* sanitizers have no function of their own for it */
    pool_task *task;
    pool_star_task *star;
    struct pool_options options = spawn_two;
    char out[2];
    memcpy(&task, &found, sizeof found);
    memcpy(&star, &found, sizeof found);
    memcpy(&options.initializer, &found, sizeof found);
    REFUSED(pool_apply(pool, task, "a", 2, out, 2), EINVAL, "not a function of this program");
    REFUSED(pool_starmap(pool, star, &(struct pool_column){ "a", 1 }, 1, 1, out, 1), EINVAL, "not a function");
    REFUSED_NULL(pool_open(&options), EINVAL, "the initializer is not a function of this program");
    map_squares(pool);
    end_pool(pool);
}

static void bad_options(void)
{
    int seven = 7;
    REFUSED_NULL(pool_open(&(struct pool_options){ .start = POOL_SPAWN, .initarg = &seven }), EINVAL, "initarg_width");
    REFUSED_NULL(pool_open(&(struct pool_options){ .initarg_width = 8 }), EINVAL, "initarg is NULL");
    REFUSED_NULL(pool_open(&(struct pool_options){ .start = POOL_SPAWN, .kind = POOL_THREADS }), EINVAL, "POOL_SPAWN");
    REFUSED_NULL(pool_open(&(struct pool_options){ .start = POOL_SPAWN, .kind = POOL_INLINE }), EINVAL, "POOL_SPAWN");
    REFUSED_NULL(pool_open(&(struct pool_options){ .start = (enum pool_start)7 }), EINVAL, "start is 7");
    REFUSED_NULL(pool_open(&(struct pool_options){ .memory = 1 << 20, .initarg = &seven, .initarg_width = 1 << 30 }),
                 ENOMEM, "initarg");
}

/* --- The region --- */

static void two_at_once(void)
{
    struct pool *one = open_spawn(&spawn_two), *two = open_spawn(&spawn_two);
    map_squares(one);
    map_squares(two);
    end_pool(one);
    map_squares(two);
    end_pool(two);
}

static void hint_is_taken(void)
{
    void *const hints[] = { (void *)0x200000000000, (void *)0x2000000000 };
    for (int i = 0; i < 2; i++)
        REQUIRE(mmap(hints[i], 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == hints[i] ||
                errno == EEXIST); /* by a sanitizer */
    struct pool *pool = open_spawn(&spawn_two);
    map_squares(pool);
    end_pool(pool);
}

static void limits(void)
{
    struct host before;
    struct rlimit was;
    host_look(&before);
    getrlimit(RLIMIT_FSIZE, &was);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 100000, was.rlim_max });
    REFUSED_NULL(pool_open(&spawn_two), EFBIG, "ulimit -f");
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 200 << 20, was.rlim_max });
    struct pool *pool = open_spawn(&spawn_two); /* with less memory */
    map_squares(pool);
    end_pool(pool);
    setrlimit(RLIMIT_FSIZE, &was);
    getrlimit(RLIMIT_NOFILE, &was);
    for (rlim_t most = 0; most < (rlim_t)before.descriptors + 8; most++) {
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){ most, was.rlim_max });
        pool = pool_open(&spawn_two);
        CHECK(pool || errno == EMFILE || errno == EOWNERDEAD);
        pool_free(pool);
    }
    setrlimit(RLIMIT_NOFILE, &was);
    UNCHANGED(&before);
}

static void many_rounds(void)
{
    struct host before;
    host_look(&before);
    for (int i = 0; i < unit_rounds(50); i++) {
        struct pool *pool = open_spawn(&spawn_two);
        map_squares(pool);
        end_pool(pool);
    }
    UNCHANGED(&before);
}

/* --- The program around it --- */

static int count_descriptors(const void *arg, void *result)
{
    (void)arg;
    int *count = result;
    DIR *directory = opendir("/proc/self/fd");
    *count = 0;
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        *count += atoi(entry->d_name) > 2 && !(fcntl(atoi(entry->d_name), F_GETFD) & FD_CLOEXEC);
    closedir(directory);
    return 0;
}

/* Workers hand nothing of the pool's on to programs they start; and a program that has no stdin may use it. */
static void descriptors(void)
{
    int here, there;
    close(STDIN_FILENO);
    struct pool_options options = spawn_two;
    options.descriptor = true;
    struct pool *pool = open_spawn(&options);
    count_descriptors(NULL, &here);
    OK(pool_apply(pool, count_descriptors, NULL, 0, &there, sizeof there));
    CHECK_EQ(there, here);
    CHECK(fcntl(STDIN_FILENO, F_GETFD) == -1);
    end_pool(pool);
}

static int count_blocked(const void *arg, void *result)
{
    sigset_t mask;
    (void)arg;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    *(int *)result = 0;
    for (int number = 1; number < NSIG; number++)
        *(int *)result += sigismember(&mask, number) == 1;
    return 0;
}

static void blocked_and_ignored(void)
{
    sigset_t all;
    int blocked;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct host before;
    host_look(&before);
    struct pool *pool = open_spawn(&spawn_two);
    OK(pool_apply(pool, count_blocked, NULL, 0, &blocked, sizeof blocked));
    CHECK_EQ(blocked, 0);
    end_pool(pool);
    UNCHANGED(&before);
}

static void *open_in_thread(void *unused)
{
    (void)unused;
    return open_spawn(&spawn_two);
}

/* The new run dies with the thread that opens it, but only until it has reached the pool. */
static void opening_thread_ends(void)
{
    pthread_t thread;
    void *pool;
    REQUIRE(pthread_create(&thread, NULL, open_in_thread, NULL) == 0);
    REQUIRE(pthread_join(thread, &pool) == 0);
    EVENTUALLY(thread_count() == 1);
    map_squares(pool);
    end_pool(pool);
}

static atomic_bool enough;

/* Holds every lock of the C library that there is, again and again. */
static void *hammer(void *number)
{
    char name[] = { 'N', *(char *)number, '\0' }, value[32];
    FILE *file = tmpfile();
    for (unsigned i = 0; !enough; i++) {
        time_t now = (time_t)i * 1000;
        snprintf(value, sizeof value, "%u", i);
        setenv(name, value, 1);
        free(malloc(100 + i % 100000));
        localtime_r(&now, &(struct tm){ 0 });
        rewind(file);
        fprintf(file, "%u\n", i);
        fflush(NULL);
    }
    fclose(file);
    return NULL;
}

static void beside_threads(void)
{
    pthread_t threads[4];
    setenv("NA", "0", 1); /* from now on the environment only changes, and does not grow: see pool_open()'s getenv */
    setenv("NB", "0", 1);
    setenv("NC", "0", 1);
    setenv("ND", "0", 1);
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, hammer, &"ABCD"[i]) == 0);
    for (int i = 0; i < unit_rounds(20); i++) {
        struct pool *pool = open_spawn(&spawn_two);
        map_squares(pool);
        end_pool(pool);
    }
    enough = true;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void be_killed(void)
{
    struct pool *pool = open_spawn(&spawn_two);
    struct pool_result *results[2];
    fill_with_gates(pool, results, 2);
    kill(getpid(), SIGKILL);
}

static void caller_killed(void)
{
    adopt_orphans();
    program_wait(program_start(be_killed));
    EVENTUALLY(no_children());
}

static int nested(const void *arg, void *result)
{
    struct pool *pool = pool_open(&spawn_two);
    int status = pool ? pool_apply(pool, task_square, arg, sizeof(long), result, sizeof(long)) : -1;
    pool_free(pool);
    return status ? pool_fail("%s", pool_error()->text) : 0;
}

static void nested_pools(void)
{
    struct pool *pool = open_spawn(&spawn_two);
    long x = 9, result;
    OK(pool_apply(pool, nested, &x, sizeof x, &result, sizeof result));
    CHECK_EQ(result, 81);
    end_pool(pool);
}

static const struct unit_case cases[] = {
    { "S09 map, starmap, failures and imap in spawned workers", all_calls },
    { "G05 initarg is copied, for every kind and start method", initarg_is_copied },
    { "G05 a spawned pool's initializer fails", initializer_fails },
    { "G01 a spawned worker is killed and replaced", worker_killed },
    { "G04 a spawned pool is terminated", terminate },
    { "S09 what main set after the guard is not there in spawned workers", globals },
    { "G15 functions of libraries are refused by a spawned pool", library_functions },
    { "M01 options that do not go together with a start method", bad_options },
    { "S09 two spawned pools at once", two_at_once },
    { "S09 the region's usual addresses are taken", hint_is_taken },
    { "G16 limits on files and descriptors", limits },
    { "G13 fifty spawned pools leave nothing", many_rounds },
    { "G08 a spawned worker's descriptors", descriptors },
    { "H2 every signal is blocked where a pool is spawned", blocked_and_ignored },
    { "S09 the thread that opened a spawned pool ends", opening_thread_ends },
    { "S13 H4 pools are spawned while threads hold the C library's locks", beside_threads },
    { "S04 SIGKILL to the caller of a spawned pool: nothing is left", caller_killed },
    { "G14 a spawned worker spawns a pool", nested_pools },
    { 0 },
};

const struct unit_suite unit_spawn = { "spawn", cases };
