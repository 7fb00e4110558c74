/*
 * server: the slow page server of chapters 16 and 19 as a program.
 *
 * It is chapters/server.c with a command line. It serves until Ctrl+C, TERM or HUP; then, or when anybody is killed,
 * nothing of it is left.
 */
#include "../chapters/server.c"

static const char usage[] = "usage: ./build/server --unix PATH | --port N [OPTION VALUE]...\n"
                            "  --unix PATH      listens on a Unix socket\n"
                            "  --port N         listens on a port of 127.0.0.1; 0: one that is free\n"
                            "  --latency MS     all requests can have it at the same time\n"
                            "  --alone MS       one request at a time has it\n"
                            "  --total N        items of the paged API (2000)\n"
                            "  --seed N         they follow from N; 0: they are 0, 1, 2, ...\n"
                            "  --tell N         does not serve, but prints the first N items\n"
                            "  --together K     answers when K requests wait, or for 300 ms no other"
                            " came\n"
                            "  --patience S     a client that is slower is sent away (10)\n"
                            "  --log FILE       for each request: connection, peer's pid, target,"
                            " status,\n"
                            "                   how many were inside\n"
                            "  --when TEXT      a target with TEXT in it is served as if\n"
                            "  --then WISHES    these stood in it, too: status=503&first=2\n"
                            "A target's wishes: ?latency=MS&alone=MS&cut=BYTES&status=CODE&first=N"
                            " (only\n"
                            "so many requests of this page get that status).\n";

static _Noreturn void misuse(void)
{
    fputs(usage, stderr);
    exit(2);
}

static void set_number(const char *name, const char *value, long *number)
{
    char *end;
    *number = strtol(value, &end, 10);
    if (end != value && !*end && *number >= 0 && *number <= 1000000000)
        return;
    fprintf(stderr, "server: %s %s: not a number from 0 on\n", name, value);
    exit(2);
}

int main(int argc, char **argv)
{
    struct server_options options = { .total = 2000 };
    long port = -1, tell = 0;
    const struct {
        const char *name;
        const char **text;
        long *number;
    } option[] = { { "--unix", &options.path, NULL },
                   { "--log", &options.log, NULL },
                   { "--when", &options.when, NULL },
                   { "--then", &options.then, NULL },
                   { "--port", NULL, &port },
                   { "--latency", NULL, &options.latency },
                   { "--alone", NULL, &options.alone },
                   { "--total", NULL, &options.total },
                   { "--seed", NULL, &options.seed },
                   { "--tell", NULL, &tell },
                   { "--together", NULL, &options.together },
                   { "--patience", NULL, &options.patience } };
    const size_t known = sizeof option / sizeof *option;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return printf("%s", usage) < 0;
    for (int i = 1; i < argc; i += 2) {
        size_t o = 0;
        while (o < known && strcmp(argv[i], option[o].name) != 0)
            o++;
        if (o == known || i + 1 == argc)
            misuse();
        if (option[o].text)
            *option[o].text = argv[i + 1];
        else
            set_number(argv[i], argv[i + 1], option[o].number);
    }
    set = options;
    for (long i = 0; i < tell; i++)
        printf("%ld\n", item(i));
    if (tell > 0)
        return EXIT_SUCCESS;
    if ((port < 0) == !options.path || port > 65535)
        misuse();
    options.port = (int)port;

    sigset_t signals;
    int which;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD); /* somebody has killed the server */
    sigprocmask(SIG_BLOCK, &signals, NULL);
    struct server server = server_start(&options);
    printf("%s\n", options.path ? options.path : server.url);
    fflush(stdout);
    sigwait(&signals, &which);
    server_stop(&server);
    return which == SIGCHLD ? EXIT_FAILURE : EXIT_SUCCESS;
}
