/*
 * traces.c - the records a traced pool leaves when it is joined: all of them, one pool's in one piece, behind those of
 * other pools; and what pool_join() says when they cannot be written.
 *
 * Each test works in a folder of its own, which it removes. What lanes makes of the records is tested in trace.bats.
 */
#define _GNU_SOURCE
#include "../../pool/inside.h"
#include "unit.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { ITEMS = 40 };

static char folder[] = "/tmp/unit-traces-XXXXXX", name[64];

/* Makes the folder, and a name in it. */
static void begin(const char *file)
{
    if (!strchr(name, '/'))
        REQUIRE(mkdtemp(folder) != NULL);
    snprintf(name, sizeof name, "%s/%s", folder, file);
}

static void end(void)
{
    remove(name);
    CHECK_EQ(rmdir(folder), 0);
}

static struct pool *open_traced(void)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 3, .trace = name });
    OK(pool ? 0 : -1);
    return pool;
}

static void square_all(struct pool *pool, int count)
{
    long *in = calloc((size_t)count, sizeof *in), *out = calloc((size_t)count, sizeof *out);
    REQUIRE(in && out);
    OK(pool_map(pool, task_square, in, (size_t)count, sizeof *in, out, sizeof *out));
    free(in);
    free(out);
}

/* What stands in the file, to be freed. */
static char *content(void)
{
    char *text = NULL;
    size_t room = 0;
    FILE *in = fopen(name, "re");
    REQUIRE(in && getdelim(&text, &room, '\0', in) > 0);
    fclose(in);
    return text;
}

/* How many lines begin so. */
static int lines(const char *text, const char *begin)
{
    int n = strncmp(text, begin, strlen(begin)) == 0;
    for (const char *at = text; (at = strchr(at, '\n')) && *++at;)
        n += strncmp(at, begin, strlen(begin)) == 0;
    return n;
}

/* The file holds so many pools, one behind the other, each with this many items done, and nothing is torn. */
static void check_pools(int pools, int items)
{
    char *text = content(), *next = text, *block;
    int seen = 0;
    for (; *next; seen++) {
        char *gap = strstr(block = next, "\n\n");
        REQUIRE(gap != NULL);
        gap[1] = '\0';
        next = gap + 2;
        CHECK(strncmp(block, "kind,slot,worker,pid,job,item,start,end,status\npool,", 52) == 0);
        CHECK_EQ(lines(block, "pool,"), 1);
        CHECK_EQ(lines(block, "done,"), items);
        CHECK(lines(block, "start,") > 0 || unit_kind == POOL_INLINE); /* it starts none */
        CHECK(lines(block, "start,") >= lines(block, "end,") + lines(block, "died,")); /* an idle one may be ended */
    }
    CHECK_EQ(seen, pools);
    free(text);
}

static void a_record_for_each_item(void)
{
    begin("all.csv");
    for (int i = 0; i < 2; i++) {
        struct pool *pool = open_traced();
        square_all(pool, ITEMS);
        CHECK_EQ(access(name, F_OK), i - 1);
        end_pool(pool);
    }
    check_pools(2, ITEMS);
    end();
}

static void the_environment_names_the_file(void)
{
    begin("%p.csv");
    setenv("POOL_TRACE", name, 1);
    struct pool *pool = open_pool(1);
    square_all(pool, 1);
    pool_free(pool);
    unsetenv("POOL_TRACE");
    snprintf(name, sizeof name, "%s/%d.csv", folder, (int)getpid());
    check_pools(1, 1);
    end();
}

/* Programs that join their pools in the same moment, each with more to write than a pipe or a buffer holds. */
static void pools_of_programs_at_once(void)
{
    enum { PROGRAMS = 6, MANY = 4000 };
    begin("once.csv");
    for (int i = 0; i < PROGRAMS; i++)
        if (fork() == 0) {
            struct pool *pool = open_traced();
            square_all(pool, MANY);
            pool_close(pool);
            atomic_fetch_add(&shared->arrived, 1);
            gate_wait();
            OK(pool_join(pool, PATIENCE));
            pool_free(pool);
            _exit(0);
        }
    EVENTUALLY(atomic_load(&shared->arrived) == PROGRAMS);
    gate_open();
    for (int i = 0; i < PROGRAMS; i++)
        wait(NULL);
    check_pools(PROGRAMS, MANY);
    end();
}

/* --- What cannot be written --- */

/* The pool is joined all the same. */
static void join_fails(int code)
{
    struct pool *pool = open_traced();
    square_all(pool, ITEMS);
    OK(pool_close(pool));
    REFUSED(pool_join(pool, PATIENCE), code, "pool_join: cannot leave the records in");
    CHECK_TEXT(pool_error()->text, strerror(code));
    OK(pool_join(pool, PATIENCE));
    CHECK_EQ(pool_processes(pool), 0);
    pool_free(pool);
}

static void join_says_what_the_system_said(void)
{
    begin("no/x.csv");
    join_fails(ENOENT);
    begin("x.csv");
    REQUIRE(mkdir(name, 0700) == 0);
    join_fails(EISDIR);
    REQUIRE(rmdir(name) == 0 && symlink("/dev/full", name) == 0);
    join_fails(ENOSPC);
    REQUIRE(remove(name) == 0 && mkfifo(name, 0600) == 0);
    join_fails(ENXIO);
    end();
}

/* Beyond the limit, a write would raise SIGXFSZ. */
static void a_limit_for_files_kills_nobody(void)
{
    begin("x.csv");
    struct rlimit limit = { 500, RLIM_INFINITY };
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    join_fails(EFBIG);
    CHECK_EQ(truncate(name, 0), 0);
    end();
}

static void failed_jobs_are_told_first(void)
{
    begin("no/x.csv");
    struct pool *pool = open_traced();
    pool_result_free(pool_apply_async(pool, task_odd_fails, &(long){ 1 }, sizeof(long), sizeof(long), NULL));
    OK(pool_close(pool));
    REFUSED(pool_join(pool, PATIENCE), EREMOTEIO, "pool_join: 1 job failed");
    pool_free(pool);
    end();
}

static void other_names_are_refused(void)
{
    static const char *const names[] = { "x.svg", "x.json", "-", "csv", "x.csv.old", "x.CSV" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct pool_options options = { .trace = names[i] };
        REFUSED_NULL(pool_open(&options), EINVAL, "pool_open: trace is \"");
        CHECK_TEXT(pool_error()->text, "it must end in .csv");
        CHECK_TEXT(pool_error()->text, "lanes");
        setenv("POOL_TRACE", names[i], 1);
        REFUSED_NULL(pool_open(NULL), EINVAL, "pool_open: trace is \"");
        unsetenv("POOL_TRACE");
    }
    setenv("POOL_TRACE", "x.svg", 1);
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .trace = "" });
    OK(pool ? 0 : -1);
    end_pool(pool);
}

/* --- Records spoilt by a task --- */

/* The region begins where the mapping does in which a small argument lies. */
static struct region *region_of(const void *arg)
{
    uintptr_t from = 0, to, at = (uintptr_t)arg;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx", &from, &to) == 2 && at >= from && at < to)
            break;
    fclose(maps);
    return (struct region *)from;
}

static int spoil(const void *arg, void *result)
{
    struct trace_record *record = region_of(arg)->trace;
    *(long *)result = 0;
    record[1].kind = (enum trace_kind)77;
    record[2].end = UINT64_MAX;
    record[3].start = record[3].end + 1;
    record[4].kind = TRACE_NOTHING;
    record[5].item = UINT64_MAX;
    return 0;
}

static void what_makes_no_sense_is_left_out(void)
{
    begin("x.csv");
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 1, .trace = name });
    OK(pool ? 0 : -1);
    long out;
    square_all(pool, 6); /* records 1 to 6, behind the worker's start */
    OK(pool_apply(pool, spoil, &(long){ 0 }, sizeof(long), &out, sizeof out));
    end_pool(pool);
    check_pools(1, 6 - 5 + 1);
    end();
}

static const struct unit_case cases[] = {
    { "a joined pool leaves a record for each item, behind those of the pool before", a_record_for_each_item,
      ALL_KINDS },
    { "POOL_TRACE names the file; %p is the process; pool_free leaves the records, too",
      the_environment_names_the_file },
    { "pools of several programs, joined at once, leave theirs in one piece each", pools_of_programs_at_once },
    { "where the records cannot be written, pool_join says why, and the pool is joined", join_says_what_the_system_said,
      ALL_KINDS },
    { "a limit for the size of files is an error, not a signal", a_limit_for_files_kills_nobody },
    { "jobs that failed unseen come before records that cannot be written", failed_jobs_are_told_first, ALL_KINDS },
    { "a trace with another name is refused, and the words name lanes", other_names_are_refused },
    { "a record that a task spoilt is left out", what_makes_no_sense_is_left_out },
    { NULL },
};

const struct unit_suite unit_traces = { "traces", cases };
