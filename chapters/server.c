/*
 * server.c: the slow page server of chapters 16 and 19, a process for each
 * connection. Each page can have a latency, a part that is served one at a
 * time, another status, or half of its body.
 *
 *     GET /api?page=P&count=C    {"total":N,"page":P,"count":C,"items":[...]}
 *     GET /page/ID               a page of text
 *
 * A chapter includes it, before anything else, and calls server_start() before
 * it opens a pool. As a program: make server && ./build/server --port 0
 *
 * Nothing of it outlives the program. The program asks the server to end; if
 * the program is killed, the kernel does (PR_SET_PDEATHSIG), and the server
 * still clears up. If the server is killed, its connections die with it.
 */
#if defined(_FEATURES_H) && !defined(__USE_GNU)
#error "include server.c before anything else: it needs _GNU_SOURCE"
#endif
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct server_options {
    const char *path; /* a Unix socket; NULL: TCP, this machine only */
    int port;         /* 0: any that is free */
    long latency;     /* in ms: all requests can have it at the same time */
    long alone;       /* in ms: one request at a time has it */
    long total;       /* items of the paged API */
    long seed;        /* they follow from it; 0: they are 0, 1, 2, ... */
    long together;    /* answers wait until so many wait; 0: they do not */
    long patience;    /* s a client has for a request, or to read; 0: 10 */
    const char *log;  /* a line for each request */
    const char *when,
        *then; /* targets with `when` in them: as if with `then` */
};

struct server {
    pid_t pid;
    const char *path;
    char url[64];
};

enum { VISITORS = 1024, LONGEST = 8192, QUIET_MS = 300, PAGES = 1000 };
enum { MOST = 1000000000 }; /* for every number that is asked for */
enum state { AWAY, INSIDE, WAITING };

/* What the server and its connections have in common. It counts nothing that
   a process could leave uncounted: who is inside is seen in the list. */
struct room {
    struct visitor {
        pid_t pid; /* of the connection's process; 0: a free place */
        long number, met;
        _Atomic enum state state;
    } visitor[VISITORS];
    atomic_long last_came;   /* in ms: for those who wait for each other */
    atomic_int asked[PAGES]; /* so many times: for ?first=N */
};

static struct room *room; /* shared memory, a file without a name */
static int room_file, log_file;
static struct server_options set;

static void server_check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "server: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static long clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(double ms)
{
    struct timespec t = { .tv_sec = (time_t)(ms / 1000) };
    t.tv_nsec = (long)((ms - 1000.0 * (double)t.tv_sec) * 1e6);
    while (nanosleep(&t, &t) != 0)
        continue;
}

/* [turn] */
enum turn { SERVING, MEETING };

/* Locks a byte of the file, which only one process can have, or unlocks it.
   The kernel knows who has it, and gives it back for those who are killed. */
static void turn(enum turn byte, short type)
{
    struct flock lock = { .l_type = type, .l_start = byte, .l_len = 1 };
    if (fcntl(room_file, F_SETLKW, &lock) != 0)
        _exit(EXIT_FAILURE);
}
/* [/turn] */

static long count(enum state state)
{
    long n = 0;
    for (int i = 0; i < VISITORS; i++)
        n += room->visitor[i].state >= state;
    return n;
}

/* Waits until so many are here, or nobody has come for a while; then all who
   wait may go, and know how many they were. */
static void meet_others(struct visitor *me)
{
    room->last_came = clock_ms();
    me->state = WAITING;
    while (me->state == WAITING) {
        turn(MEETING, F_WRLCK);
        long here = count(WAITING), quiet = clock_ms() - room->last_came;
        bool go = here >= set.together || quiet >= QUIET_MS;
        for (int i = 0; go && i < VISITORS; i++)
            if (room->visitor[i].state == WAITING) {
                room->visitor[i].met = here;
                room->visitor[i].state = INSIDE;
            }
        turn(MEETING, F_UNLCK);
        sleep_ms(me->state == WAITING);
    }
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } known[] = { { 200, "OK" },
                  { 400, "Bad Request" },
                  { 404, "Not Found" },
                  { 405, "Method Not Allowed" },
                  { 431, "Request Header Fields Too Large" },
                  { 503, "Service Unavailable" },
                  { 0, "As You Asked" } };
    int i = 0;
    while (known[i].status != status && known[i].status != 0)
        i++;
    return known[i].reason;
}

static void send_all(int client, const char *data, size_t size)
{
    alarm((unsigned)set.patience);
    for (ssize_t n; size > 0; data += n, size -= (size_t)n)
        if ((n = send(client, data, size, MSG_NOSIGNAL)) <= 0)
            _exit(0); /* the client is gone */
    alarm(0);
}

/* Sends an answer; the connection ends with it if `last`. A body that is cut
   breaks off after so many bytes, although the head promises more. */
static void respond(int client, int status, const char *body, bool last,
                    long cut)
{
    static char all[65536];
    size_t size = strlen(body), cut_off = 0;
    if (cut >= 0 && (size_t)cut < size)
        cut_off = size - (size_t)cut;
    int n = snprintf(all, sizeof all,
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
                     "Content-Length: %zu\r\n%s\r\n%s",
                     status, reason(status),
                     *body == '{' ? "application/json" : "text/plain", size,
                     last ? "Connection: close\r\n" : "", body);
    send_all(client, all, (size_t)n - cut_off);
    if (!last && !cut_off)
        return;
    shutdown(client, SHUT_WR); /* what he still sends must not undo that */
    for (alarm(1); read(client, all, sizeof all) > 0;)
        continue;
    _exit(0);
}

/* The number behind ?name= or &name= in the target, or else another one. */
static double wish(const char *target, const char *name, double otherwise)
{
    size_t length = strlen(name);
    for (const char *at = target; (at = strpbrk(at, "?&")) != NULL;)
        if (strncmp(++at, name, length) == 0 && at[length] == '=') {
            double n = strtod(at + length + 1, NULL);
            return n > 0 ? n < MOST ? n : MOST : 0;
        }
    return otherwise;
}

/* An item of the paged API. With a seed nobody can know it who does not know
   that: 42 bits, well mixed (splitmix64). */
static long item(long i)
{
    unsigned long long z = ((unsigned long long)set.seed << 32) + (size_t)i;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return set.seed ? (long)((z ^ z >> 31) >> 22) : i;
}

/* Writes the page that the target names; returns the status. */
static int write_page(char *body, size_t size, const char *target)
{
    long page = (long)wish(target, "page", 1);
    long each = (long)wish(target, "count", 200);
    long id, end = each * page < set.total ? each * page : set.total;
    int n;
    if (sscanf(target, "/page/%ld", &id) == 1) {
        snprintf(body, size, "Page %ld of the slow server.\n", id);
        return 200;
    }
    if (strncmp(target, "/api", 4) != 0 || (target[4] && target[4] != '?')) {
        snprintf(body, size, "There are /page/ID and /api?page=P&count=C.\n");
        return 404;
    }
    if (page < 1 || each < 1 || each > 1000) {
        snprintf(body, size, "page: from 1 on; count: 1 to 1000\n");
        return 400;
    }
    n = sprintf(body, "{\"total\":%ld,\"page\":%ld,\"count\":%ld,\"items\":[",
                set.total, page, each);
    for (long i = each * (page - 1); i < end; i++)
        n += sprintf(body + n, "%s%ld", i % each ? "," : "", item(i));
    sprintf(body + n, "]}\n");
    return 200;
}

static void note(const struct visitor *me, pid_t peer, const char *target,
                 int status, long inside)
{
    char line[LONGEST + 100];
    int n = snprintf(line, sizeof line, "%ld %d %s %d %ld\n", me->number,
                     (int)peer, target, status, inside);
    if (log_file >= 0 && write(log_file, line, (size_t)n) != n)
        perror("server: log");
}

/* Serves one request: waits as long as is asked for, and answers. */
static void serve_request(int client, pid_t peer, struct visitor *me,
                          const char *target, bool last)
{
    char body[16384], asked[LONGEST + 100];
    bool as_if = set.when && set.then && strstr(target, set.when);
    snprintf(asked, sizeof asked, "%s%s%.90s", target,
             !as_if                ? ""
             : strchr(target, '?') ? "&"
                                   : "?",
             as_if ? set.then : "");
    me->state = INSIDE;
    long inside = count(INSIDE), id = 0;
    if (set.together > 0) {
        meet_others(me);
        inside = me->met;
    }
    sleep_ms(wish(asked, "latency", (double)set.latency));
    double alone = wish(asked, "alone", (double)set.alone);
    if (alone > 0) {
        turn(SERVING, F_WRLCK);
        sleep_ms(alone);
        turn(SERVING, F_UNLCK);
    }
    int status = write_page(body, sizeof body, target);
    int wanted = (int)wish(asked, "status", status);
    sscanf(target, "/page/%ld", &id);
    id = id > 0 ? id % PAGES : (long)wish(target, "page", 0) % PAGES;
    if (wanted != status && wanted >= 200 && wanted <= 599 &&
        room->asked[id]++ < wish(asked, "first", MOST)) {
        snprintf(body, sizeof body, "%d %s\n", wanted, reason(wanted));
        status = wanted;
    }
    note(me, peer, target, status, inside);
    me->state = AWAY;
    respond(client, status, body, last, (long)wish(asked, "cut", -1));
}

/* Reads until the empty line that ends a request; returns its length, or 0 if
   it is too long. A client that is gone, or too slow, ends the process. */
static size_t read_request(int client, char *in, size_t *have)
{
    char *end;
    alarm((unsigned)set.patience);
    while (!(end = memmem(in, *have, "\r\n\r\n", 4)) && *have < LONGEST) {
        ssize_t n = read(client, in + *have, LONGEST - *have);
        if (n <= 0)
            _exit(0);
        *have += (size_t)n;
    }
    alarm(0);
    return end ? (size_t)(end - in) + 4 : 0;
}

/* Takes the target out of a request; returns 0, or the status that it gets. */
static int parse(const char *head, char *target, bool *last)
{
    char method[16];
    int minor;
    if (sscanf(head, "%15[A-Z] %8191[!-~] HTTP/1.%d\r", method, target,
               &minor) != 3 ||
        *target != '/')
        return 400;
    *last = minor == 0 || strcasestr(head, "\r\nConnection: close");
    return strcmp(method, "GET") == 0 ? 0 : 405;
}

/* The whole life of a connection: one request after the other. */
static _Noreturn void visit(int client, struct visitor *me)
{
    static char in[LONGEST], head[LONGEST + 1], target[LONGEST];
    struct ucred peer = { 0 }; /* who it is: only Unix sockets tell */
    socklen_t size = sizeof peer;
    if (set.path)
        getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    for (size_t have = 0;;) {
        bool last = true;
        size_t length = read_request(client, in, &have);
        memcpy(head, in, length);
        head[length] = '\0';
        int status = length > 0 ? parse(head, target, &last) : 431;
        if (status != 0) {
            note(me, peer.pid, "-", status, count(INSIDE));
            respond(client, status, reason(status), true, -1);
        }
        serve_request(client, peer.pid, me, target, last);
        memmove(in, in + length, have -= length);
    }
}

/* [welcome] */
/* A connection comes: it gets a place in the room, and a process. Returns how
   many connections have come with it: 1, or 0 if there was none after all. */
static int welcome(int listener)
{
    static long connections;
    struct visitor *me = room->visitor;
    pid_t server = getpid();
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return 0; /* it has gone already */
    while (me->pid != 0)
        me++;
    me->number = ++connections;
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != server)
            _exit(0); /* it was killed before we could say so */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        close(listener); /* else it could still be called after the server */
        visit(client, me);
    }
    close(client);
    me->pid = pid > 0 ? pid : 0; /* no more processes: it is sent away */
    return pid > 0;
}
/* [/welcome] */

/* Connections that have ended, however they did, give their places back. */
static int farewell(void)
{
    int gone = 0;
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0; gone++)
        for (int i = 0; i < VISITORS; i++)
            if (room->visitor[i].pid == pid)
                memset(&room->visitor[i], 0, sizeof *room->visitor);
    return gone;
}

static _Noreturn void serve(int listener, pid_t program)
{
    sigset_t signals;
    setpgid(0, 0);            /* Ctrl+C is for the program; it will end us */
    signal(SIGCHLD, SIG_DFL); /* whatever the program does with them */
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_SETMASK, &signals, NULL); /* they are read, as bytes are */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != program)
        raise(SIGTERM);
    struct pollfd from[] = { { .fd = signalfd(-1, &signals, SFD_CLOEXEC),
                               .events = POLLIN },
                             { .fd = listener, .events = POLLIN } };
    for (int here = 0; from[0].fd >= 0;) {
        struct signalfd_siginfo sent = { 0 };
        poll(from, here < VISITORS ? 2 : 1, -1);
        if (here < VISITORS && from[1].revents)
            here += welcome(listener);
        if (from[0].revents && read(from[0].fd, &sent, sizeof sent) < 0)
            continue;
        if (sent.ssi_signo == SIGTERM)
            break;
        here -= farewell();
    }
    for (int i = 0; i < VISITORS; i++)
        if (room->visitor[i].pid > 0)
            kill(room->visitor[i].pid, SIGKILL);
    while (wait(NULL) > 0)
        continue;
    if (set.path)
        unlink(set.path);
    _exit(0);
}

static int listen_at(char *url, size_t size)
{
    struct sockaddr_un here = { .sun_family = AF_UNIX };
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons((in_port_t)set.port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr *at = (struct sockaddr *)(set.path ? (void *)&here : &in);
    socklen_t length = set.path ? sizeof here : sizeof in;
    int one = 1, kind = SOCK_STREAM | SOCK_CLOEXEC;
    int listener = socket(at->sa_family, kind, 0);
    server_check(listener >= 0, "socket");
    if (set.path) {
        errno = ENAMETOOLONG;
        server_check(strlen(set.path) < sizeof here.sun_path, set.path);
        strcpy(here.sun_path, set.path);
    } else
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    server_check(bind(listener, at, length) == 0,
                 set.path ? set.path : "the port");
    server_check(listen(listener, VISITORS) == 0, "listen");
    if (set.path)
        snprintf(url, size, "http://localhost");
    else if (getsockname(listener, at, &length) == 0)
        snprintf(url, size, "http://127.0.0.1:%d", ntohs(in.sin_port));
    return listener;
}

/* Returns when the server can be called. */
static struct server server_start(const struct server_options *options)
{
    struct server server = { .path = options->path };
    pid_t program = getpid();
    set = *options;
    set.patience = set.patience > 0 ? set.patience : 10;
    log_file = -1;
    room_file = memfd_create("room", MFD_CLOEXEC);
    server_check(ftruncate(room_file, sizeof *room) == 0, "memory");
    room = mmap(NULL, sizeof *room, PROT_READ | PROT_WRITE, MAP_SHARED,
                room_file, 0);
    server_check(room != MAP_FAILED, "memory");
    if (set.log) {
        log_file =
            open(set.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        server_check(log_file >= 0, set.log);
    }
    int listener = listen_at(server.url, sizeof server.url);
    server.pid = fork();
    if (server.pid == 0)
        serve(listener, program);
    server_check(server.pid > 0, "fork");
    close(listener);
    close(room_file);
    close(log_file);
    munmap(room, sizeof *room);
    return server;
}

/* Returns when nothing of it is left. */
static void server_stop(const struct server *server)
{
    kill(server->pid, SIGTERM);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (server->path)
        unlink(server->path); /* if the server was killed, it is still there */
}
