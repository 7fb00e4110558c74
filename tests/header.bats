# The examples in pool.h: each is cut out, built into a program as it stands there, and run.

bats_require_minimum_version 1.5.0
load kit

setup_file() { kit_build lib; }

setup() { cd "$BATS_TEST_TMPDIR" || return; }

# example CALL: the example in the comment of a call goes to statements.c, what is a function of it to functions.c; that
# in the comment of the file, pool.h, is a whole program.
example() {
    awk -v call="$1" '
        /^\/\*\*/ { code = ""; ended = file = 0 }
        /^ \* @file/ { file = 1 }
        code && /^ \* [^ ]/ { ended = 1 }
        !ended && (/^ \*     / || code && /^ \*$/) { code = code substr($0, 8) "\n" }
        call == "pool.h" && file && ended { exit }
        /^[a-z]/ && match($0, "[ *]" call "[(]") { exit }
        END { sub(/\n+$/, "\n", code); printf "%s", code }' "$KIT/pool/pool.h" >example.c
    assert [ -s example.c ]
    grep -q '^static' example.c && sed '/^}/q' example.c >functions.c || : >functions.c
    if [ -s functions.c ]; then sed '1,/^}/d' example.c; else cat example.c; fi | sed 's/^/    /' >statements.c
}

# program <PROGRAM: a program that includes these two, built and run. It begins with what most want.
program() {
    {
        cat <<'END'
#include "pool.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int square(const void *arg, void *result)
{
    *(long *)result = *(const long *)arg * *(const long *)arg;
    return 0;
}

static int sleep_long(const void *arg, void *result)
{
    (void)arg, (void)result;
    return (int)sleep(60);
}

static int interrupt(const void *pid, void *result)
{
    kill(*(const pid_t *)pid, SIGINT);
    return sleep_long(pid, result);
}

static void told(struct pool_result *result, void *cookie)
{
    long square;
    if (pool_result_get(result, &square, 0) == 0)
        printf("%ld\n", square);
    pool_result_free(result);
    --*(int *)cookie;
}

static void end(struct pool *pool)
{
    pool_terminate(pool);
    pool_join(pool, 10);
    pool_free(pool);
    (void)square, (void)sleep_long, (void)interrupt, (void)told;
}

END
        cat
    } >program.c
    kit_build compile SOURCE="$PWD/program.c" PROGRAM="$PWD/program" || { cat functions.c statements.c; return 1; }
    run -0 "$KIT/build/run" -l ./program
}

@test "pool.h begins with examples/squares.c" {
    example pool.h
    diff example.c "$KIT/examples/squares.c"
}

@test "an example: pool_map_async" {
    example pool_map_async
    program <<'END'
int main(void)
{
    long in[] = { 1, 2, 3 }, out[3];
    struct pool *pool = pool_open(NULL);
#include "statements.c"
    printf("%ld %ld %ld\n", out[0], out[1], out[2]);
    end(pool);
}
END
    assert_output 'meanwhile ...
1 4 9'
}

@test "an example: pool_interrupt" {
    example pool_interrupt
    program <<'END'
static struct pool *pool;
#include "functions.c"
int main(void)
{
    pid_t me = getpid();
    signal(SIGINT, on_ctrl_c);
    pool = pool_open(NULL);
    if (pool_map(pool, interrupt, &me, 1, sizeof me, NULL, 0) == -1 && errno == EINTR)
        puts("interrupted");
    end(pool);
}
END
    assert_output interrupted
}

@test "an example: pool_each_worker" {
    example pool_each_worker
    program <<'END'
static int load_settings(void *name)
{
    return strcmp(name, "new.conf") == 0 ? 0 : pool_fail("it has %s", (char *)name);
}

static int use_settings(const void *arg, void *result)
{
    (void)arg, (void)result;
    return 0;
}

int main(void)
{
    struct pool *pool = pool_open(NULL);
#include "statements.c"
    if (pool_apply(pool, use_settings, NULL, 0, NULL, 0) == 0)
        puts("loaded");
    end(pool);
}
END
    assert_output loaded
}

@test "an example: pool_result_cancel" {
    example pool_result_cancel
    program <<'END'
int main(void)
{
    struct pool *pool = pool_open(NULL);
    struct pool_result *result = pool_apply_async(pool, sleep_long, NULL, 0, 0, NULL);
#include "statements.c"
    if (pool_result_get(result, NULL, 0) == -1 && errno == ECANCELED)
        puts("cancelled");
    end(pool);
}
END
    assert_output cancelled
}

@test "an example: pool_poll" {
    example pool_poll
    program <<'END'
static void draw_a_frame(void)
{
    usleep(1000);
}

int main(void)
{
    long in[] = { 1, 2, 3 };
    int open_jobs;
    struct pool *pool = pool_open(NULL);
#include "statements.c"
    end(pool);
}
END
    assert_equal "$(sort <<<"$output")" '1
4
9'
}

@test "an example: pool_descriptor" {
    example pool_descriptor
    program <<'END'
static void read_a_key(void)
{
}

int main(void)
{
    long in = 3;
    int open_jobs = 1;
    struct pool *pool = pool_open(&(struct pool_options){ .descriptor = true });
    struct pool_job_options options = { .callback = told, .cookie = &open_jobs };
    pool_apply_async(pool, square, &in, sizeof in, sizeof in, &options);
#include "statements.c"
    end(pool);
}
END
    assert_output 9
}

@test "an example: pool_imap" {
    example pool_imap
    program <<'END'
enum { LINE = 100 };

static int next_line(void *file, void *item)
{
    static int lines;
    (void)file;
    strcpy(item, lines % 2 ? "three words here" : "one");
    return lines++ < 3;
}

static int count_words(const void *arg, void *result)
{
    int words = 1;
    for (const char *at = arg; (at = strchr(at, ' ')); at++)
        words++;
    *(int *)result = words;
    return 0;
}

int main(void)
{
    int status, words;
    struct pool *pool = pool_open(NULL);
#include "statements.c"
    end(pool);
}
END
    assert_output 'line 0: 1 words
line 1: 3 words
line 2: 1 words'
}

@test "an example: pool_queue_open" {
    example pool_queue_open
    program <<'END'
#include "functions.c"
int main(void)
{
    long sum;
    struct pool *pool = pool_open(NULL);
#include "statements.c"
    printf("%ld\n", sum);
    end(pool);
}
END
    assert_output 5050
}

@test "no other call has an example that is not tried here" {
    run -0 awk '/^\/\*\*/ { code = 0 }
        /^ \*     / { code = 1 }
        code && /^[a-z].*[ *]pool_[a-z_]*\(/ { match($0, /pool_[a-z_]*\(/); print substr($0, RSTART, RLENGTH - 1); code = 0 }
        ' "$KIT/pool/pool.h"
    for call in $output; do grep -q "example $call\$" "$BATS_TEST_FILENAME" || fail "$call"; done
}
