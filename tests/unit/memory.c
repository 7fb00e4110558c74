/*
 * memory.c - the pool's memory: what is free can be had, for any size; what is not used any more goes back to the
 * system; arguments, results and replies are aligned for any type; limits on memory are kept to.
 *
 * How much a pool uses is not asked of the pool: the pages of its region are counted, whoever touched them.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { KIB = 1 << 10, MIB = 1 << 20, MOST = 8192 };

static struct pool_result *held[MOST];

static struct pool *open_small(int processes, size_t memory)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = processes, .memory = memory });
    OK(pool ? 0 : -1);
    return pool;
}

/* ---- What is free can be had ---- */

static int touch(const void *arg, void *result)
{
    (void)arg;
    *(char *)result = 1;
    return 0;
}

/* Holds as many results of this size as there is memory for. Returns how many. */
static int fill(struct pool *pool, size_t size)
{
    int count = 0;
    while (count < MOST && (held[count] = pool_apply_async(pool, touch, NULL, 0, size, NULL)))
        count++;
    CHECK(count == MOST || errno == ENOMEM);
    return count;
}

static void let_go(int i)
{
    if (held[i])
        OK(pool_result_wait(held[i], PATIENCE));
    pool_result_free(held[i]);
    held[i] = NULL;
}

/* Sizes that change from load to load; each load takes all of the memory. */
static void changing_sizes(void)
{
    struct pool *pool = open_small(1, 16 * MIB);
    for (int round = 0; round < 2; round++)
        for (size_t size = 4000; size <= 16 * MIB; size += size / 3) {
            size_t each = (size + 63) / 64 * 64;
            int count = fill(pool, size);
            CHECK_EQ(count, (long long)((16 * MIB + each - size) / each));
            for (int i = 0; i < count; i++)
                let_go(i);
        }
    end_pool(pool);
}

/* Whatever was taken and given back before: what fits into what is free can be had. */
static void any_size(void)
{
    struct pool *pool = open_small(1, 4 * MIB);
    size_t sizes[64] = { 0 }, used = 0;
    for (int i = 0; i < unit_rounds(20000); i++) {
        int which = rand() % 64;
        size_t size = 1 + (size_t)rand() % ((size_t)1 << (6 + rand() % 16));
        size_t whole = (size + 63) / 64 * 64;
        if (sizes[which] || used + whole > 4 * MIB) {
            let_go(which);
            used -= sizes[which];
            sizes[which] = 0;
            continue;
        }
        held[which] = pool_apply_async(pool, touch, NULL, 0, size, NULL);
        REQUIRE(held[which] || size <= 32); /* the smallest take none */
        sizes[which] = size <= 32 ? 0 : whole;
        used += sizes[which];
        if (size <= 32)
            let_go(which);
    }
    for (int i = 0; i < 64; i++)
        let_go(i);
    end_pool(pool);
}

/* Every sixteenth small one stays where it is. */
static void between_small_ones(void)
{
    struct pool *pool = open_small(1, 4 * MIB);
    int count = fill(pool, 1000);
    CHECK_EQ(count, 4096);
    for (int i = 0; i < count; i++)
        if (i % 16)
            let_go(i);
    held[1] = pool_apply_async(pool, touch, NULL, 0, 3 * MIB + 700 * KIB, NULL);
    CHECK(held[1] != NULL);
    for (int i = 0; i < count; i++)
        let_go(i);
    end_pool(pool);
}

static int reply_of(const void *arg, void *result)
{
    (void)result;
    char *bytes = pool_reply(*(const size_t *)arg);
    return bytes ? (memset(bytes, 'r', *(const size_t *)arg), 0) : pool_fail("%s", pool_error()->text);
}

static int compare_ends(const void *arg, void *result)
{
    const char *bytes = arg;
    (void)result;
    return bytes[0] == bytes[3 * MIB - 1] ? 0 : -1;
}

/* All of .memory in one piece: as an argument, as results, as a reply; again and again. */
static void all_of_it(void)
{
    struct pool *pool = open_small(2, 3 * MIB);
    char *bytes = calloc(1, 3 * MIB);
    size_t size = 3 * MIB, more = size + 1;
    REQUIRE(bytes != NULL);
    for (int i = 0; i < unit_rounds(20); i++) {
        OK(pool_apply(pool, touch, NULL, 0, bytes, size));
        bytes[0] = bytes[size - 1] = (char)i;
        OK(pool_apply(pool, compare_ends, bytes, size, NULL, 0));
        OK(pool_apply(pool, reply_of, &size, sizeof size, NULL, 0));
        FAILED(pool_apply(pool, reply_of, &more, sizeof more, NULL, 0), EREMOTEIO, 0);
        CHECK_TEXT(pool_error()->text, "no room for 3145729 bytes");
        REFUSED(pool_apply(pool, touch, NULL, 0, NULL, more), ENOMEM, "do not fit");
    }
    free(bytes);
    end_pool(pool);
}

/* ---- What is not used goes back ---- */

/* The bytes of all shared mappings that have pages, whichever process touched them. */
static size_t resident(void)
{
    static unsigned char pages[1 << 20];
    char line[1024], mode[5];
    unsigned long from, to;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    REQUIRE(maps != NULL);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) == 3 && mode[3] == 's' && mode[1] == 'w')
            for (size_t size = sizeof pages * page; from < to; from += size) {
                size = to - from < size ? to - from : size;
                REQUIRE(mincore((void *)from, size, pages) == 0);
                for (size_t i = 0; i < size / page; i++)
                    count += pages[i] & 1;
            }
    fclose(maps);
    return count * page;
}

/* A large argument to a large result, a large reply, or a failure's message. */
static int use_much(const void *arg, void *result)
{
    long n = *(const long *)arg;
    memset(result, 'x', 64 * KIB);
    return n % 3 == 0 ? reply_of(&(size_t){ 64 * KIB }, NULL) : n % 3 == 1 ? pool_fail("%65536ld", n) : 0;
}

static void hold_much(struct pool *pool, int count)
{
    for (long i = 0; i < count; i++) {
        held[i] = pool_apply_async(pool, use_much, &i, sizeof i, 64 * KIB, NULL);
        OK(held[i] ? 0 : -1);
    }
    for (int i = 0; i < count; i++)
        OK(pool_result_wait(held[i], PATIENCE));
}

static void look_and_free(int count)
{
    struct pool_error error;
    for (int i = 0; i < count; i++) {
        CHECK_EQ(pool_result_failure(held[i], 0, &error), i % 3 == 1);
        pool_result_free(held[i]);
        held[i] = NULL;
    }
}

static int use_12_mib(const void *arg, void *result)
{
    (void)arg;
    memset(result, 1, 12 * MIB);
    return 0;
}

/* A size that comes again and again finds the pages of what was freed: three quarters of a power of two, that is more
 * than one block. */
static void again(void)
{
    enum { SIZE = 12 * MIB };
    struct pool *pool = open_small(1, 64 * MIB);
    size_t before = resident();
    for (int i = 0; i < 10; i++) {
        held[0] = pool_apply_async(pool, use_12_mib, NULL, 0, SIZE, NULL);
        let_go(0);
        OK(pool_apply(pool, touch, NULL, 0, &(char){ 0 }, 1)); /* the worker is done with the other */
    }
    CHECK(resident() < before + SIZE + 4 * MIB);
    end_pool(pool);
}

/* A queue and a result stay. Without any further call the pages go back. */
static void idle(void)
{
    struct pool *pool = open_small(2, 64 * MIB);
    struct pool_queue *queue = pool_queue_open(pool, 10, 100);
    struct pool_result *kept = pool_apply_async(pool, touch, NULL, 0, 1000, NULL);
    size_t before = resident();
    for (int round = 0; round < 2; round++) {
        hold_much(pool, 400);
        CHECK(resident() > before + 20 * MIB);
        look_and_free(400);
        EVENTUALLY(resident() < before + 2 * MIB);
    }
    OK(pool_result_get(kept, NULL, PATIENCE));
    char item[100] = "it";
    OK(pool_queue_put(queue, item, 0));
    OK(pool_queue_get(queue, item, 0));
    CHECK_TEXT(item, "it");
    hold_much(pool, 400); /* what was given back can be used again */
    look_and_free(400);
    end_pool(pool);
}

/* A pool that has a little to do all the time gives back, too. */
static void hardly_busy(void)
{
    struct pool *pool = open_small(2, 64 * MIB);
    long x = 3, out;
    size_t before = resident();
    hold_much(pool, 400);
    look_and_free(400);
    for (double end = unit_now() + PATIENCE; resident() > before + 2 * MIB && unit_now() < end;)
        OK(pool_apply(pool, task_square, &x, sizeof x, &out, sizeof out));
    CHECK(resident() < before + 2 * MIB);
    end_pool(pool);
}

/* A worker is killed while it gives pages back, or whenever: the others go on, and nothing of it is lost. */
static void killed_while_idle(void)
{
    struct pool *pool = open_small(2, 64 * MIB);
    pid_t list[2];
    size_t before = resident(), size = 32 * MIB;
    for (int round = 0; round < unit_rounds(10); round++) {
        hold_much(pool, 300);
        look_and_free(300);
        unit_sleep(0.95);
        for (int i = 0; i < 40; i++) {
            unit_sleep(0.005);
            if (workers(list, 2) == 2)
                kill(list[i % 2], SIGKILL);
        }
        OK(pool_apply(pool, touch, NULL, 0, NULL, 64 * MIB));
        OK(pool_apply(pool, reply_of, &size, sizeof size, NULL, 0));
    }
    hold_much(pool, 1);
    look_and_free(1);
    EVENTUALLY(resident() < before + 2 * MIB);
    end_pool(pool);
}

static int reply_shortly(const void *arg, void *result)
{
    (void)result;
    long n = *(const long *)arg;
    return n % 2 ? pool_reply_text("done %ld", n) : pool_fail("not %ld", n);
}

/* One handle at a time: a few pages, however many there are in the course of time. */
static void replies_stay_low(void)
{
    struct pool *pool = open_pool(2);
    size_t before = 0;
    for (long i = 0; i < unit_rounds(50000); i++) {
        struct pool_result *result = pool_apply_async(pool, reply_shortly, &i, sizeof i, 0, NULL);
        CHECK_EQ(pool_result_get(result, NULL, PATIENCE), i % 2 - 1);
        pool_result_free(result);
        if (i == 1000)
            before = resident();
    }
    CHECK(resident() < before + MIB);
    end_pool(pool);
}

/* Replies that are held at random do not make room that nobody finds. */
static void replies_at_random(void)
{
    struct pool *pool = open_small(2, 2 * MIB);
    size_t size = 700;
    for (int i = 0; i < unit_rounds(60000); i++) {
        int which = rand() % 2000; /* of 3 blocks: three quarters of all */
        let_go(which);
        held[which] = pool_apply_async(pool, reply_of, &size, sizeof size, 0, NULL);
        if (i % 16 == 0)
            OK(pool_result_get(held[which], NULL, PATIENCE));
    }
    for (int i = 0; i < 2000; i++)
        let_go(i);
    size = 2 * MIB;
    OK(pool_apply(pool, reply_of, &size, sizeof size, NULL, 0));
    end_pool(pool);
}

/* ---- What nobody will read ---- */

static int gate_then_reply(const void *arg, void *result)
{
    gate_wait();
    return reply_of(arg, result);
}

/* Nobody wants the replies, all together ten times as much as there is memory. */
static void dropped(void)
{
    struct pool *pool = open_small(2, 16 * MIB);
    size_t size = 256 * KIB;
    for (int i = 0; i < 700; i++)
        pool_result_free(pool_apply_async(pool, gate_then_reply, &size, sizeof size, 0, NULL));
    gate_open();
    for (int i = 0; i < 700; i++)
        pool_result_free(pool_apply_async(pool, reply_of, &size, sizeof size, 0, NULL));
    for (int i = 0; i < 5; i++)
        OK(pool_apply(pool, reply_of, &size, sizeof size, NULL, 0));
    end_pool(pool); /* none failed */
}

static int same_size(void *state, void *item)
{
    *(size_t *)item = *(size_t *)state;
    return 1;
}

static void dropped_streams(void)
{
    struct pool *pool = open_small(2, 16 * MIB);
    size_t size = 256 * KIB;
    for (int i = 0; i < 100; i++) {
        struct pool_iter *iter = pool_imap(pool, reply_of, same_size, &size, sizeof size, 0, NULL);
        CHECK_EQ(pool_iter_next(iter, NULL, PATIENCE), 1);
        pool_iter_close(iter);
    }
    for (int i = 0; i < 5; i++)
        OK(pool_apply(pool, reply_of, &size, sizeof size, NULL, 0));
    end_pool(pool);
}

/* Their arguments and results come back one by one, without anybody running short of memory. */
static void dropped_jobs(void)
{
    struct pool *pool = open_small(2, 256 * MIB);
    static char arg[100 * KIB];
    size_t before = resident();
    for (int i = 0; i < 4000; i++) {
        pool_result_free(pool_apply_async(pool, touch, arg, sizeof arg, 1000, NULL));
        if (i % 20 == 0)
            OK(pool_apply(pool, touch, NULL, 0, NULL, 1));
    }
    CHECK(resident() < before + 64 * MIB);
    end_pool(pool);
}

/* ---- Alignment ---- */

static int alignment_of(size_t width)
{
    int power = 1;
    while (width && power < 64 && width % (2 * (size_t)power) == 0)
        power *= 2;
    return power;
}

/* cell[0] and cell[1] say to what the argument and the result are to be aligned; cell[2] counts those that are not. */
static int check_places(const void *arg, void *result)
{
    bool good = (uintptr_t)arg % (unsigned)shared->cell[0] == 0 && (uintptr_t)result % (unsigned)shared->cell[1] == 0 &&
                (uintptr_t)pool_reply(9) % 64 == 0;
    atomic_fetch_add(&shared->cell[good ? 3 : 2], 1);
    return 0;
}

static int check_columns(const void *const *args, void *result)
{
    return check_places(args[1], result);
}

static int check_item(void *state, void *item)
{
    if ((uintptr_t)item % (unsigned)shared->cell[0])
        atomic_fetch_add(&shared->cell[2], 1);
    memset(item, 1, *(size_t *)state);
    return atomic_fetch_add(&shared->cell[4], 1) % 10 < 9;
}

static int check_initarg(void *initarg)
{
    return (uintptr_t)initarg % 64 || *(char *)initarg != 7 ? pool_fail("the initarg lies at %p", initarg) : 0;
}

static const size_t widths[] = { 0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 100, 128, 192, 256, 4096 };
enum { WIDTHS = sizeof widths / sizeof *widths };

/* In every call that takes arguments and gives results. */
static void check_alignment(struct pool *pool, size_t width, size_t result_width)
{
    static char in[20 * 4096], out[20 * 4096];
    static const size_t counts[] = { 1, 2, 20 };
    shared->cell[0] = alignment_of(width);
    shared->cell[1] = alignment_of(result_width);
    OK(pool_apply(pool, check_places, in, width, out, result_width));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct pool_column columns[] = { { in, 1 }, { in, width } };
        struct pool_result *map = pool_map_async(pool, check_places, in, counts[i], width, result_width, NULL);
        OK(pool_result_get(map, NULL, PATIENCE));
        for (size_t item = 0; item < counts[i]; item++) {
            CHECK((uintptr_t)pool_result_at(map, item) % (unsigned)shared->cell[1] == 0);
            CHECK((uintptr_t)pool_result_reply(map, item, NULL) % 64 == 0);
        }
        pool_result_free(map);
        OK(pool_starmap(pool, check_columns, columns, 2, counts[i], out, result_width));
    }
    struct pool_iter *iter = pool_imap(pool, check_places, check_item, &width, width, result_width,
                                       &(struct pool_job_options){ .chunk = 3 });
    while (pool_iter_next(iter, out, PATIENCE) == 1)
        ;
    pool_iter_close(iter);
}

static void alignment(void)
{
    for (int check = 0; check < 2; check++) {
        _Alignas(64) static char initarg[100] = { 7 };
        struct pool_options options = { .processes = 2,
                                        .check = check,
                                        .initializer = check_initarg,
                                        .initarg = initarg,
                                        .initarg_width = sizeof initarg };
        struct pool *pool = pool_open(&options);
        OK(pool ? 0 : -1);
        for (size_t i = 0; i < WIDTHS; i++)
            for (size_t k = 0; k < WIDTHS; k++)
                check_alignment(pool, widths[i], widths[k]);
        end_pool(pool);
    }
    CHECK_EQ(shared->cell[2], 0);
    CHECK_EQ(shared->cell[3], 2 * WIDTHS * WIDTHS * (1 + 2 * 23 + 9));
}

/* ---- Limits ---- */

static long status_kib(const char *name)
{
    char line[200], format[40];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "re");
    snprintf(format, sizeof format, "%s: %%ld", name);
    while (file && kib < 0 && fgets(line, sizeof line, file))
        if (sscanf(line, format, &kib) != 1)
            kib = -1;
    if (file)
        fclose(file);
    return kib;
}

static void limit_to(int what, long bytes)
{
    CHECK(setrlimit(what, &(struct rlimit){ (rlim_t)bytes, (rlim_t)bytes }) == 0);
}

static void open_and_use(void)
{
    long in[1000], out[1000];
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2 });
    OK(pool ? 0 : -1);
    for (long i = 0; i < 1000; i++)
        in[i] = i;
    OK(pool_map(pool, task_square, in, 1000, sizeof *in, out, sizeof *out));
    CHECK_EQ(out[999], 999 * 999);
    end_pool(pool);
}

/* With the default of .memory, on a machine however large. */
static void little_data(void)
{
    if (unit_slow())
        return; /* valgrind and sanitizers need more for themselves */
    limit_to(RLIMIT_DATA, status_kib("VmData") * KIB + 64 * MIB);
    open_and_use();
}

static void no_data(void)
{
    if (unit_slow())
        return;
    limit_to(RLIMIT_DATA, 0);
    REFUSED_NULL(pool_open(NULL), ENOMEM, "see ulimit -d");
}

static void little_space(void)
{
    if (unit_slow())
        return;
    limit_to(RLIMIT_AS, status_kib("VmSize") * KIB + 256 * MIB);
    open_and_use();
}

static void no_space(void)
{
    if (unit_slow())
        return;
    limit_to(RLIMIT_AS, status_kib("VmSize") * KIB + MIB);
    REFUSED_NULL(pool_open(NULL), ENOMEM, "see ulimit -v");
}

/* A program that locks its memory, as those that must not wait do: the pool is not part of that. */
static void locked(void)
{
    if (unit_slow())
        return;
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return; /* it may not */
    long before = status_kib("VmRSS");
    struct pool *pool = open_small(2, 256 * MIB);
    CHECK(status_kib("VmRSS") < before + 64 * KIB); /* KiB; threads have their stacks */
    OK(pool_apply(pool, touch, NULL, 0, NULL, 200 * MIB));
    CHECK(status_kib("VmRSS") < before + 64 * KIB);
    end_pool(pool);
}

static void locked_little(void)
{
    if (unit_slow())
        return;
    limit_to(RLIMIT_MEMLOCK, MIB);
    if (getuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
        return;
    if (mlockall(MCL_FUTURE) == 0)
        REFUSED_NULL(pool_open(NULL), ENOMEM, "see ulimit -l");
}

/* What one call gave back the next one can have, however far the workers are with the job before. */
static void map_after_map(void)
{
    enum { COUNT = 2000 };
    static long in[COUNT], out[COUNT];
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 4, .memory = 3 * COUNT * 2 * sizeof *in / 2 });
    OK(pool ? 0 : -1);
    for (long i = 0; i < unit_rounds(2000); i++)
        REQUIRE(pool_map(pool, task_square, in, COUNT, sizeof *in, out, sizeof *out) == 0);
    end_pool(pool);
}

static const struct unit_case cases[] = {
    { "G21 a map in the memory that the last one had", map_after_map, ALL_KINDS },
    { "G21 sizes that change: each time all of the memory can be had", changing_sizes, ALL_KINDS },
    { "G21 any size fits that is free", any_size, ALL_KINDS },
    { "G21 small ones that stay do not keep a large one out", between_small_ones, ALL_KINDS },
    { "G21 all of .memory in one piece", all_of_it, ALL_KINDS },
    { "G21 a size that comes again finds the pages it had", again, ALL_KINDS },
    { "G21 an idle pool gives its pages back", idle, TWINS },
    { "G21 a pool with little to do gives its pages back", hardly_busy, ALL_KINDS },
    { "G21 workers killed while pages are given back: nothing is lost", killed_while_idle },
    { "G21 replies and messages stay in a few pages", replies_stay_low, ALL_KINDS },
    { "G21 replies freed at random can be used again", replies_at_random, ALL_KINDS },
    { "G21 replies of dropped handles do not fill the memory", dropped, TWINS },
    { "G21 replies of streams closed half-way do not fill the memory", dropped_streams, ALL_KINDS },
    { "G21 dropped jobs give their memory back", dropped_jobs, ALL_KINDS },
    { "P01 arguments, results and replies are aligned for any type, in every call", alignment, ALL_KINDS },
    { "G16 ulimit -d: as much as is given", little_data, ALL_KINDS },
    { "G16 ulimit -d: too little is told so", no_data, ALL_KINDS },
    { "G16 ulimit -v: as much as is given", little_space, ALL_KINDS },
    { "G16 ulimit -v: too little is told so", no_space, ALL_KINDS },
    { "G16 mlockall: the pool takes no memory but what it uses", locked, ALL_KINDS },
    { "G16 ulimit -l: too little is told so", locked_little, ALL_KINDS },
    { 0 },
};

const struct unit_suite unit_memory = { "memory", cases };
