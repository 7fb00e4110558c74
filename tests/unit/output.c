/*
 * output.c - what is printed appears once and whole: text of before the pool, text of the tasks, text of its
 * end.
 *
 * The standard streams of a test are pipes that must stay empty, so each program here gets a pipe of its own.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <wchar.h>

enum { TASKS = 100 };

/* What one program printed, to the end. */
static char printed[1 << 21];

static int the_pipe[2];

/* Runs the program with its stdout in a pipe, which makes it fully buffered, and reads all that comes. */
static void collect(void (*body)(void), int status)
{
    REQUIRE(pipe2(the_pipe, O_CLOEXEC) == 0);
    pid_t pid = program_start(body);
    close(the_pipe[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(the_pipe[0], printed + length, sizeof printed - 1 - length)) > 0)
        length += (size_t)got;
    printed[length] = '\0';
    close(the_pipe[0]);
    CHECK_EQ(program_wait(pid), status);
}

static void use_pipe_as_stdout(void)
{
    REQUIRE(dup2(the_pipe[1], STDOUT_FILENO) == STDOUT_FILENO);
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
}

static int count_of(const char *words)
{
    int count = 0;
    for (const char *at = printed; (at = strstr(at, words)); at += strlen(words))
        count++;
    return count;
}

static int print_parts(const void *arg, void *result)
{
    (void)result;
    int i = *(const int *)arg;
    printf("<task %d ", i);
    for (int k = 0; k < 10; k++)
        printf("part %d ", k);
    printf("end %d>\n", i);
    return 0;
}

static void map_print(struct pool *pool)
{
    int in[TASKS];
    for (int i = 0; i < TASKS; i++)
        in[i] = i;
    OK(pool_map(pool, print_parts, in, TASKS, sizeof *in, NULL, 0));
}

/* Threads print into one buffer, so only processes and inline pools keep what a task prints together. */
static void check_tasks(void)
{
    char line[256];
    for (int i = 0; i < TASKS && unit_kind != POOL_THREADS; i++) {
        snprintf(line, sizeof line,
                 "<task %d part 0 part 1 part 2 part 3 part 4 part 5 part 6 part 7 part 8 part 9 end %d>\n", i, i);
        CHECK_EQ(count_of(line), 1);
    }
    CHECK_EQ(count_of("<task"), TASKS);
}

static void print_and_close(void)
{
    use_pipe_as_stdout();
    printf("[before]");
    struct pool *pool = open_pool(2);
    map_print(pool);
    end_pool(pool);
    printf("[after]");
    exit(0);
}

static void s15_once(void)
{
    collect(print_and_close, 0);
    CHECK_EQ(count_of("[before]"), 1);
    CHECK_EQ(count_of("[after]"), 1);
    check_tasks();
}

static void print_with_restarts(void)
{
    use_pipe_as_stdout();
    printf("[before]");
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .maxtasks = 1 });
    OK(pool ? 0 : -1);
    printf("[between]");
    map_print(pool);
    end_pool(pool);
    exit(0);
}

static void s15_restarts(void)
{
    collect(print_with_restarts, 0);
    CHECK_EQ(count_of("[before]"), 1);
    CHECK_EQ(count_of("[between]"), 1);
    check_tasks();
}

/* The end of the pool by terminate: what finished tasks printed is there all the same. */
static void print_and_terminate(void)
{
    use_pipe_as_stdout();
    printf("[before]");
    struct pool *pool = open_pool(2);
    map_print(pool);
    OK(pool_terminate(pool));
    OK(pool_join(pool, PATIENCE));
    pool_free(pool);
    exit(0);
}

static void s15_terminate(void)
{
    collect(print_and_terminate, 0);
    CHECK_EQ(count_of("[before]"), 1);
    check_tasks();
}

/* A worker that is killed in a later task takes nothing of the earlier ones with it. */
static void print_and_kill(void)
{
    use_pipe_as_stdout();
    printf("[before]");
    struct pool *pool = open_pool(1);
    struct death death = { BY_SIGNAL, SIGKILL };
    map_print(pool);
    CHECK(pool_apply(pool, task_die, &death, sizeof death, NULL, 0) == -1);
    end_pool(pool);
    exit(0);
}

static void s15_killed(void)
{
    collect(print_and_kill, 0);
    CHECK_EQ(count_of("[before]"), 1);
    check_tasks();
}

static int print_initializer(void *initarg)
{
    (void)initarg;
    printf("[%s]\n", pool_worker_name());
    return 0;
}

static void print_when_starting(void)
{
    use_pipe_as_stdout();
    printf("[before]");
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 3, .initializer = print_initializer });
    OK(pool ? 0 : -1);
    end_pool(pool);
    exit(0);
}

static void s15_initializer(void)
{
    collect(print_when_starting, 0);
    CHECK_EQ(count_of("[before]"), 1);
    CHECK_EQ(count_of("[PoolWorker-1]"), 1);
    CHECK_EQ(count_of("[PoolWorker-2]"), 1);
    CHECK_EQ(count_of("[PoolWorker-3]"), 1);
}

/* Other streams than stdout. One has text in its buffer when the pool is opened: workers must not print that
 * again. In the other tasks write; that it is empty at pool_open(), and flushed by them, is their own
 * business. */
static FILE *the_log, *the_rest;

static int log_parts(const void *arg, void *result)
{
    (void)result;
    fprintf(the_log, "<task %d>\n", *(const int *)arg);
    return fflush(the_log);
}

static void print_to_a_log(void)
{
    int in[10] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    the_log = fdopen(dup(the_pipe[1]), "w");
    the_rest = fdopen(dup(the_pipe[1]), "w");
    REQUIRE(the_log && the_rest);
    fprintf(the_rest, "[before]");
    struct pool *pool = open_pool(2);
    OK(pool_map(pool, log_parts, in, 10, sizeof *in, NULL, 0));
    end_pool(pool);
    fprintf(the_rest, "[rest]");
    fprintf(the_log, "[after]");
    exit(0);
}

static void s15_other_stream(void)
{
    if (unit_in_valgrind())
        return; /* it flushes all streams at the end of every process */
    collect(print_to_a_log, 0);
    CHECK_EQ(count_of("[before]"), 1);
    CHECK_EQ(count_of("[rest]"), 1);
    CHECK_EQ(count_of("[after]"), 1);
    CHECK_EQ(count_of("<task "), 10);
}

static void at_exit_of_the_program(void)
{
    atomic_fetch_add(&shared->mark, 1);
}

/* Tasks that call exit(), and workers that end: neither prints the program's text nor runs its exit handlers. */
static void exit_in_tasks(void)
{
    use_pipe_as_stdout();
    atexit(at_exit_of_the_program);
    printf("[before]");
    struct pool *pool = pool_open(&(struct pool_options){ .processes = 2, .maxtasks = 3 });
    OK(pool ? 0 : -1);
    struct death death = { BY_EXIT, 0 };
    for (int i = 0; i < 5; i++)
        FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
    map_print(pool);
    end_pool(pool);
    CHECK_EQ(atomic_load(&shared->mark), 0);
    exit(5);
}

static void s15_exit(void)
{
    collect(exit_in_tasks, 5 << 8);
    CHECK_EQ(count_of("[before]"), 1);
    CHECK_EQ(atomic_load(&shared->mark), 1);
    check_tasks();
}

/* --- Much, wide, and what cannot be written --- */

enum { PIECE = 65500, PIECES = 20 };

/* As stdout was before anybody printed to it: else it takes no wide characters. */
static void use_pipe_as_new_stdout(void)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", the_pipe[1]);
    REQUIRE(freopen(path, "a", stdout) && setlocale(LC_ALL, "C.UTF-8"));
}

/* Wide characters go into another buffer of the stream. */
static int print_wide(const void *arg, void *result)
{
    (void)result;
    wprintf(L"<wide %d \u00e4>", *(const int *)arg);
    return 0;
}

static void print_wide_and_kill(void)
{
    use_pipe_as_new_stdout();
    struct pool *pool = open_pool(1);
    struct death death = { BY_SIGNAL, SIGKILL };
    for (int i = 0; i < 3; i++)
        OK(pool_apply(pool, print_wide, &i, sizeof i, NULL, 0));
    FAILED(pool_apply(pool, task_die, &death, sizeof death, NULL, 0), EOWNERDEAD, 0);
    end_pool(pool);
    exit(0);
}

static void wide_characters(void)
{
    collect(print_wide_and_kill, 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(count_of((const char *[]){ "<wide 0 \xc3\xa4>", "<wide 1 \xc3\xa4>", "<wide 2 \xc3\xa4>" }[i]), 1);
}

/* In many calls, so many of the item's own letter. */
static int print_much(const void *arg, void *result)
{
    (void)result;
    for (int i = 0; i < PIECE; i += 100)
        printf("%c%99c", *(const int *)arg, *(const int *)arg);
    return 0;
}

static void print_much_to_a_file(void)
{
    use_pipe_as_stdout();
    struct pool *pool = open_pool(4);
    int in[PIECES];
    for (int i = 0; i < PIECES; i++)
        in[i] = 'A' + i;
    struct pool_job_options options = { .chunk = 1 };
    OK(pool_result_get(pool_map_async(pool, print_much, in, PIECES, sizeof *in, 0, &options), NULL, PATIENCE));
    end_pool(pool);
    exit(0);
}

/* Four workers at once, and no piece has another's letters in it. */
static void whole(void)
{
    FILE *file = tmpfile();
    REQUIRE(file != NULL);
    the_pipe[1] = fileno(file);
    CHECK_EQ(program_wait(program_start(print_much_to_a_file)), 0);
    rewind(file);
    CHECK_EQ(fread(printed, 1, sizeof printed, file), PIECES * PIECE);
    for (int i = 0; i < PIECES * PIECE; i++)
        REQUIRE(printed[i] == (i % 100 == 0 || i % 100 == 99 ? printed[i / PIECE * PIECE] : ' '));
    fclose(file);
}

/* Nobody reads until the pipe is full, and whoever writes to it is not to wait. */
static void print_without_waiting(void)
{
    use_pipe_as_stdout();
    REQUIRE(fcntl(STDOUT_FILENO, F_SETFL, O_WRONLY | O_NONBLOCK) == 0);
    struct pool *pool = open_pool(2);
    int in[] = { 'A', 'B', 'C', 'D' };
    OK(pool_map(pool, print_much, in, 4, sizeof *in, NULL, 0));
    end_pool(pool);
    _exit(0);
}

static void full_pipe(void)
{
    REQUIRE(pipe2(the_pipe, O_CLOEXEC) == 0);
    pid_t pid = program_start(print_without_waiting);
    close(the_pipe[1]);
    int there = 0;
    EVENTUALLY(ioctl(the_pipe[0], FIONREAD, &there) == 0 && there >= PIECE);
    size_t length = 0;
    for (ssize_t got; (got = read(the_pipe[0], printed + length, sizeof printed - length)) > 0;)
        length += (size_t)got;
    CHECK_EQ(length, 4 * PIECE);
    CHECK_EQ(program_wait(pid), 0);
    close(the_pipe[0]);
}

static void print_to_nowhere(void)
{
    int full = open("/dev/full", O_WRONLY), i = 1;
    REQUIRE(full >= 0 && dup2(full, STDOUT_FILENO) == STDOUT_FILENO);
    struct pool *pool = open_pool(1);
    for (int k = 0; k < 3; k++) {
        FAILED(pool_apply(pool, print_parts, &i, sizeof i, NULL, 0), EREMOTEIO, 0);
        CHECK_TEXT(pool_error()->text, "what it printed could not be written: No space left on device");
        OK(pool_apply(pool, task_pid, NULL, 0, &(pid_t){ 0 }, sizeof(pid_t)));
    }
    end_pool(pool);
    close(STDOUT_FILENO); /* and if there is no stdout, nobody misses anything */
    pool = open_pool(1);
    OK(pool_apply(pool, print_parts, &i, sizeof i, NULL, 0));
    end_pool(pool);
    _exit(0);
}

static void nowhere(void)
{
    CHECK_EQ(program_wait(program_start(print_to_nowhere)), 0);
}

/* A copy of a worker prints what it has to say itself, and nothing of the worker's. */
static int print_in_a_copy(const void *arg, void *result)
{
    (void)arg, (void)result;
    printf("<worker>");
    pid_t pid = fork();
    if (pid == 0) {
        printf("<copy>");
        exit(0);
    }
    if (fork() == 0)
        return 0;
    waitpid(pid, NULL, 0);
    return 0;
}

static void print_in_copies(void)
{
    use_pipe_as_stdout();
    struct pool *pool = open_pool(1);
    for (int i = 0; i < 5; i++)
        OK(pool_apply(pool, print_in_a_copy, NULL, 0, NULL, 0));
    end_pool(pool);
    exit(0);
}

static void copies(void)
{
    collect(print_in_copies, 0);
    CHECK_EQ(count_of("<worker>"), 5);
    CHECK_EQ(count_of("<copy>"), 5);
}

static const struct unit_case cases[] = {
    { "S15 H12 text of before appears once, each task's text whole and once", s15_once, ALL_KINDS },
    { "S15 the same when every task gets a new worker", s15_restarts },
    { "S15 the same when the pool is terminated", s15_terminate, ALL_KINDS },
    { "S15 the same when the worker is killed in a later task", s15_killed },
    { "S15 what initializers print appears once for each worker", s15_initializer, TWINS },
    { "S15 streams that are not stdout", s15_other_stream },
    { "S15 exit() in a task prints nothing of the program's and runs no exit handler of its", s15_exit },
    { "wide characters leave when their task returns", wide_characters },
    { "up to 64 KiB leave in one piece", whole },
    { "a full pipe that does not wait", full_pipe },
    { "what cannot be written makes the item fail", nowhere },
    { "copies of a worker print what is theirs", copies },
    { 0 },
};

const struct unit_suite unit_output = { "output", cases };
