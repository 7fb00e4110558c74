/*
 * Chapter 8: leftovers.
 *
 * The idea: a pool is ended in two steps. Close its descriptors, and the
 * workers end; wait for the workers, and they are gone.
 *
 * Usage: make ch08 && ./ch08       (./ch08 1000: 1000 pools instead of 100)
 *
 * Watch for: every pool answers, up to the one that cannot be opened. And who
 * is left asleep is no zombie, and zombies hold no descriptors.
 */
#include "asleep.h"
#include "kit.h"
#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { WORKERS = 2, LIMIT = 64, SPARE = 3 };

/* [naive] */
struct naive {
    int tasks[2], answers[2]; /* pipes: read from [0], write to [1] */
    pid_t worker[WORKERS];
};

static _Noreturn void work(struct naive *pool)
{
    long x;
    close(pool->tasks[1]); /* or it would wait for tasks from itself */
    while (read(pool->tasks[0], &x, sizeof x) > 0) {
        x *= x;
        check(write(pool->answers[1], &x, sizeof x) > 0);
    }
    _exit(EXIT_SUCCESS); /* end of file: nobody is left who could write */
}

static int naive_open(struct naive *pool)
{
    if (pipe(pool->tasks) < 0 || pipe(pool->answers) < 0)
        return -1;
    for (int i = 0; i < WORKERS; i++) {
        pool->worker[i] = fork();
        check(pool->worker[i] >= 0);
        if (pool->worker[i] == 0)
            work(pool);
    }
    return 0;
}
/* [/naive] */

/* [end] */
static void naive_close(struct naive *pool) /* and the workers end */
{
    for (int i = 0; i < 2; i++) {
        close(pool->tasks[i]);
        close(pool->answers[i]);
    }
}

static void naive_join(struct naive *pool) /* and they are gone */
{
    for (int i = 0; i < WORKERS; i++)
        while (waitpid(pool->worker[i], NULL, 0) < 0 && errno == EINTR)
            continue; /* a signal came, the worker has not ended yet */
}
/* [/end] */

/* [live] */
enum { CLOSE = 1, JOIN = 2, OURS = 4 };

/* A pool lives, and ends by these steps. Returns what is wrong, or NULL. */
static const char *live(int steps)
{
    struct naive pool;
    long x = 7;
    if (steps & OURS) {
        struct pool_options two = { .processes = WORKERS };
        return pool_open(&two) ? NULL : pool_error()->text;
    }
    if (naive_open(&pool) < 0)
        return strerror(errno);
    check(write(pool.tasks[1], &x, sizeof x) > 0);
    check(read(pool.answers[0], &x, sizeof x) > 0 && x == 49);
    if (steps & CLOSE)
        naive_close(&pool);
    if (steps & JOIN)
        naive_join(&pool);
    return NULL;
}
/* [/live] */

/* [count] */
/* Counts all processes below this one, each by the letter of its state. */
static void count_below(int pid, int count[128])
{
    char path[64], state;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *children = fopen(path, "r");
    check(children != NULL);
    while (fscanf(children, "%d", &pid) == 1) {
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *stat = fopen(path, "r");
        check(stat && fscanf(stat, "%*d (%*[^)]) %c", &state) == 1);
        fclose(stat);
        count[(int)state]++;
        count_below(pid, count);
    }
    fclose(children);
}

static int count_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    check(dir != NULL);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}
/* [/count] */

/* [many] */
static int most;

/* A program that opens pool after pool, and then looks at what is left. */
static void many_pools(int steps)
{
    int spare[SPARE], count[128], pools = 0, before = count_descriptors();
    const char *wrong = NULL;
    for (int i = 0; i < SPARE; i++) /* to be able to look at all */
        check((spare[i] = dup(STDOUT_FILENO)) >= 0);
    while (pools < most && !(wrong = live(steps)))
        pools++;
    for (int i = 0; i < SPARE; i++)
        close(spare[i]);
    do {
        memset(count, 0, sizeof count);
        count_below(getpid(), count);
    } while (count['R'] || count['D']); /* somebody is still busy */
    printf("after %d pools: %d asleep, %d zombies, %d descriptors\n", pools,
           count['S'], count['Z'], count_descriptors() - before);
    if (wrong)
        printf("  pool %d: %s\n", pools + 1, wrong);
}
/* [/many] */

/* [host] */
/* Shared memory: a caller and its workers, who may wait for each other. */
static struct team {
    pid_t pid[1 + 2 * WORKERS];
    int size;
} * team;

static void open_noted(struct naive *pool)
{
    check(naive_open(pool) == 0);
    memcpy(team->pid + team->size, pool->worker, sizeof pool->worker);
    team->size += WORKERS;
}

enum { JOIN_FIRST, TWO_POOLS, WAIT_FOR_ANYBODY, WAIT_FOR_OWN };

static void end_pool(struct naive *pool, int way)
{
    struct naive second;
    switch (way) {
    case JOIN_FIRST:
        naive_join(pool);
        naive_close(pool);
        break;
    case TWO_POOLS:
        open_noted(&second);
        naive_close(pool);
        naive_join(pool);
        break;
    case WAIT_FOR_ANYBODY:
        naive_close(pool);
        while (wait(NULL) > 0)
            continue;
        break;
    case WAIT_FOR_OWN:
        naive_close(pool);
        naive_join(pool);
    }
}

/* A program that has a child of its own, and a pool. */
static void host(int way)
{
    struct naive pool;
    int status;
    *team = (struct team){ .pid = { getpid() }, .size = 1 };
    pid_t mine = fork();
    check(mine >= 0);
    if (mine == 0)
        _exit(7);
    open_noted(&pool);
    end_pool(&pool, way);
    if (waitpid(mine, &status, 0) < 0)
        printf("my own child: %s\n", strerror(errno));
    else
        printf("my own child: exit status %d\n", WEXITSTATUS(status));
}
/* [/host] */

/* [run] */
static int failed;

/* Runs a program, a copy of this one, until it ends or hangs. */
static void run(const char *name, void (*program)(int), int how)
{
    int status = 0;
    printf("%-26s ", name);
    fflush(stdout);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* lives no longer than we */
        program(how);
        _exit(EXIT_SUCCESS);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) { /* it has not ended */
        int size = team->size;
        if (all_asleep(team->pid, size) && size > 0) {
            printf("HANGS: all %d asleep\n", size);
            kill(pid, SIGKILL);
            break;
        }
    }
    while (wait(NULL) > 0) /* for all that it left: it is ours now */
        continue;
    failed |= status;
}
/* [/run] */

int main(int argc, char **argv)
{
    most = read_number(begin(argc, argv, "POOLS"), 100, 1, 100000);
    team = shared_memory(sizeof *team);
    /* [main] */
    prctl(PR_SET_CHILD_SUBREAPER, 1);  /* what a program leaves becomes ours */
    for (int fd = 3; fd < LIMIT; fd++) /* what a terminal may have left us */
        close(fd);
    check(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ LIMIT, LIMIT }) == 0);
    printf("%d pools, %d workers each, %d descriptors\n", most, WORKERS, LIMIT);
    run("broken: neither", many_pools, 0);
    run("broken: close only", many_pools, CLOSE);
    run("cured:  close and join", many_pools, CLOSE | JOIN);
    run("our pool: neither", many_pools, OURS);
    run("broken: join, then close", host, JOIN_FIRST);
    run("broken: two pools at once", host, TWO_POOLS);
    run("broken: wait for anybody", host, WAIT_FOR_ANYBODY);
    run("cured:  wait for my own", host, WAIT_FOR_OWN);
    /* [/main] */
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
