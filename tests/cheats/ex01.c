/*
 * What somebody may put into the hole of exercise 1 to get a verdict that he
 * does not deserve, or to do harm. tests/redteam.bats tries each.
 */

/* cheat: prints what is expected by hand, and leaves */
    (void)ask, (void)workers, (void)out;
    for (size_t i = 0; i < n; i++)
        printf("%ld -> %ld\n", in[i], in[i] * in[i]);
    fflush(stdout);
    _exit(0);

/* cheat: says that all tests pass */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    printf("1..7\n");
    for (int i = 1; i <= 7; i++)
        printf("ok %d all is well\n", i);
    fprintf(stderr, "ok 1\nverdict: pass\n");
    exit(0);

/* cheat: leaves with status 0 */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    exit(0);

/* cheat: a serial loop, and lies to the witness */
    (void)workers;
    witness_tell("end");
    witness_tell("inside 4");
    witness_tell("begin");
    for (size_t i = 0; i < n; i++)
        ask(&in[i], &out[i]);
    return 0;

/* cheat: asks for the answers beforehand, and waits in workers then */
    static long early[1000];
    for (size_t i = 0; i < n; i++)
        ask(&in[i], &early[i]);
    struct pool *pool = pool_open(&(struct pool_options){ .processes = workers });
    pool_map(pool, ask, in, n, sizeof *in, out, sizeof *out);
    pool_free(pool);
    memcpy(out, early, n * sizeof *out);
    return 0;

/* cheat: reads the solution when it is compiled */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
#include "../solutions/ex01-first-pool.c"
    return 0;

/* cheat: reads the solution from where the kit lies */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
#include "KIT/solutions/ex01-first-pool.c"
    return 0;

/* cheat: lets the assembler read it */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    __asm__(".incbin \"KIT/solutions/ex01-first-pool.c\"");
    return 0;

/* cheat: compiles the solution when it runs */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    if (system("cd KIT && gcc -Ipool -Iexercises -o /tmp/solved solutions/ex01-first-pool.c build/libpool.a") == 0)
        execl("/tmp/solved", "solved", (char *)NULL);
    return 0;

/* cheat: closes the function, and begins before main() */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    return 0;
}
__attribute__((constructor)) static void first(void)
{
    printf("4 -> 16\n");
    fflush(stdout);
    _exit(0);
}
static int second(void)
{
    return 0;

/* cheat: has a main of its own */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    return 0;
}
#define main somebody_elses
int puts_all(void)
{
    return 0;

/* cheat: the mark of the hole's end, twice */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    return 0;
    /* ---- and ends here ---- */
    return 0;

/* cheat: writes to its ancestors' descriptors */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    for (int pid = 1; pid < 40000; pid++)
        for (int fd = 0; fd < 12; fd++) {
            char path[64];
            snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
            FILE *file = pid == getpid() ? NULL : fopen(path, "w");
            if (file) {
                fprintf(file, "ok 1 red-team\n");
                fclose(file);
            }
        }
    return 0;

/* cheat: writes into the kit */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    system("echo 'returned() { :; }' >>KIT/tests/exercise.bash; echo red >KIT/red-team; rm -rf KIT/tests/ex01.bats");
    return 0;

/* cheat: kills whoever runs it */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    kill(getppid(), SIGKILL);
    kill(0, SIGSTOP + 100);
    kill(-1, SIGKILL);
    return 0;

/* cheat: stops whoever runs it */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    kill(getppid(), SIGSTOP);
    kill(-1, SIGSTOP);
    for (;;)
        pause();

/* cheat: leaves a daemon that keeps the pipes */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            execl("/bin/sleep", "red-team-left", "7777", (char *)NULL);
            _exit(1);
        }
        _exit(0);
    }
    return 0;

/* cheat: a fork bomb */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    for (;;)
        fork();

/* cheat: all memory there is */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    for (;;) {
        char *some = malloc(1 << 20);
        if (some)
            memset(some, 1, 1 << 20);
    }

/* cheat: all room on the disk */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    for (int i = 0; i < 100000; i++) {
        char name[64];
        snprintf(name, sizeof name, "/tmp/red-team-%d", i);
        FILE *file = fopen(name, "w");
        for (int k = 0; file && k < 1 << 20; k++)
            fputc('x', file);
        if (file)
            fclose(file);
    }
    return 0;

/* cheat: prints without end */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    for (;;)
        printf("still here\n");

/* cheat: asks without end */
    (void)workers;
    for (size_t i = 0;; i = (i + 1) % n)
        ask(&in[i], &out[i]);

/* cheat: connects without end */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    for (;;) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = getenv("WITNESS");
        strncpy(address.sun_path, path ? path : "/none", sizeof address.sun_path - 1);
        int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
        connect(fd, (struct sockaddr *)&address, sizeof address);
    }

/* cheat: runs for ever, and does not want to be stopped */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    for (int sig = 1; sig < 65; sig++)
        signal(sig, SIG_IGN);
    for (;;)
        ;

/* cheat: a source without end */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
#include "/dev/zero"
    return 0;

/* cheat: a table without end */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
    static int table[500000000] = { 1 };
    return table[1];

/* cheat: says it is not the hole's line */
    (void)ask, (void)in, (void)n, (void)out, (void)workers;
#line 1 "harness.h"
#pragma GCC poison witness_ask
    return 0;
