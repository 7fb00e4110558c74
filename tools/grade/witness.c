/*
 * witness.c: who is asked inside the box and knows the answers outside it.
 *
 * A ready-made task asks the witness and passes the answer on. The answer is a number that nobody inside can
 * know: it follows from the question and from this run's seed. The kernel stamps each question with the process
 * that asked, as it is called out here. So the witness can hold answers back until four *different* processes
 * have asked, answer in any order, let a task fail, kill an asker, see each one's end, and look into /proc at
 * what the host has left. What it saw is printed as facts, a line each; the test judges them, not the witness.
 *
 * Rules, one a line; the first that fits a question decides, without one it is answered at once:
 *
 *     hold WHICH until WHAT        hold ask until 4 inside         hold 17 until answered 18
 *     fail WHICH WORDS             fail 17 no such number
 *     never WHICH
 *     kill WHICH [TIMES|always]    kill 17
 *     value WHICH NUMBER           value * 5
 *     signal NAME host|group|all when WHAT        signal INT host when 5 inside
 *     feed FIFO FILE [when WHAT]                  feed 5.jpg /tmp/5.jpg when answered 17
 *
 * WHICH: a name (ask), a number (of an ask: its first), NAME:NUMBER (pull:3), or *.
 * WHAT:  N inside (different processes wait at once), N open (questions do), N asked (in all), asked WHICH,
 *        answered WHICH, ended WHICH (the process that asked it is gone); with +MS behind it, so much later.
 *
 * A rule that holds can hold for ever, if an answer is wrong. When everybody in the box has slept for half a
 * second, nothing more will come: the witness gives up, notes at which rule, and from then on holds nothing. So
 * no slow machine makes a right answer wrong, and a wrong one costs little.
 *
 * A file that is fed is a FIFO beside the program's files: whoever reads it waits until WHAT has come, and then gets
 * the bytes of FILE, once. That is held as an answer is.
 *
 * More than ten thousand questions get no reply, and a process without one ends: so an answer that asks for ever
 * costs little.
 *
 * The questions "begin" and "end" come from the exercise's own main() and say that the student's function is
 * about to be called, and has returned: then is looked at what is left, but not at "end open", for there is the pool
 * that main() opened. Any other name is only counted.
 */
#define _GNU_SOURCE
#include "box.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_RULES = 256, MAX_QUESTION = 200, NAME = 32, MAX_NUMBERS = 4, MAX_QUESTIONS = 10000 };

static const double quiet_needed = 0.5; /* seconds asleep until nothing more is expected */
static const double left_patience = 0.5; /* seconds in which what ends may end */

struct which {
    char name[NAME]; /* "*": any */
    bool numbered;
    long number;
};

struct what {
    enum { INSIDE, OPEN, ASKED_N, ASKED, ANSWERED, ENDED } kind;
    size_t count;
    struct which which;
    double later, since; /* since: when it came true; 0: not yet */
};

struct rule {
    enum { HOLD, FAIL, NEVER, KILL, VALUE, SIGNAL, FEED } kind;
    struct which which;
    struct what what;
    char words[MAX_QUESTION], text[MAX_QUESTION + 64];
    long number; /* times, value, signal */
    enum { HOST, GROUP, ALL } target;
    long used;
    int from, to; /* feed: the file; the FIFO, -1 until somebody reads it */
    char *fifo;
};

struct question {
    int fd; /* -1: it is answered, or the asker is gone */
    struct asker *asker;
    char text[MAX_QUESTION], name[NAME];
    long number[MAX_NUMBERS];
    int numbers;
    double since;
    bool answered;
};

struct asker {
    struct asker *next;
    pid_t pid;
    int watch; /* pidfd */
    int order; /* the first is 1 */
    long asks;
    bool ended, host, counted;
};

struct remains {
    long alive, zombies, descriptors, memory;
    char names[128];
};

static struct witness {
    unsigned long long seed;
    int socket, events;
    double patience;
    pid_t root, host;
    bool walls;
    struct rule rule[MAX_RULES];
    size_t nrules;
    struct question **question;
    size_t nquestions, first_open;
    struct asker *askers;
    int naskers;
    double quiet_since, last_event;
    bool gave_up;
    char gave_up_at[MAX_QUESTION + 128];
    long asked, inside, open, host_asked, task_askers, crowd, killed, returned;
    bool begun;
    struct remains before, left;
    FILE *log;
} me = { .socket = -1, .events = -1 };

/* --- Answers ------------------------------------------------------------------------------------- */

static unsigned long long mix(unsigned long long x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

/* Always more than 32 bits, and never negative. */
long witness_answer(unsigned long long seed, const char *question)
{
    unsigned long long x = mix(seed);
    for (; *question; question++)
        x = mix(x ^ (unsigned char)*question);
    return (long)(x >> 24 | 1ULL << 34);
}

/* --- Rules --------------------------------------------------------------------------------------- */

static bool read_which(const char *text, struct which *which)
{
    char *end, *colon = strchr(text, ':');
    *which = (struct which){ .name = "ask" };
    which->number = strtol(colon ? colon + 1 : text, &end, 10);
    which->numbered = end != text && !*end && end != colon + 1;
    if (colon || !which->numbered)
        snprintf(which->name, sizeof which->name, "%.*s", (int)(colon ? colon - text : NAME - 1), text);
    return which->numbered || !colon;
}

static bool read_what(const char *text, struct what *what)
{
    char word[2][64] = { "", "" };
    const char *plus = strrchr(text, '+');
    what->later = plus ? strtod(plus + 1, NULL) / 1000 : 0;
    if (sscanf(text, "%63[^ +] %63[^ +]", word[0], word[1]) != 2)
        return false;
    what->count = strtoul(word[0], NULL, 10);
    if (what->count > 0) {
        what->kind = word[1][0] == 'i' ? INSIDE : word[1][0] == 'o' ? OPEN : ASKED_N;
        return strcmp(word[1], "inside") == 0 || strcmp(word[1], "open") == 0 || strcmp(word[1], "asked") == 0;
    }
    what->kind = strcmp(word[0], "asked") == 0 ? ASKED : strcmp(word[0], "answered") == 0 ? ANSWERED : ENDED;
    return (what->kind != ENDED || strcmp(word[0], "ended") == 0) && read_which(word[1], &what->which);
}

static long signal_number(const char *name)
{
    for (int sig = 1; sig < NSIG; sig++) {
        const char *is = sigabbrev_np(sig);
        if (is && strcmp(is, name) == 0)
            return sig;
    }
    return 0;
}

/* Understands what stands behind the verb and WHICH. */
static bool read_rest(struct rule *rule, const char *verb, const char *rest)
{
    rule->number = strcmp(rest, "always") == 0 ? 1L << 30 : *rest ? strtol(rest, NULL, 10) : 1;
    snprintf(rule->words, sizeof rule->words, "%.*s", MAX_QUESTION - 1, rest);
    if (strcmp(verb, "hold") == 0)
        return rule->kind = HOLD, strncmp(rest, "until ", 6) == 0 && read_what(rest + 6, &rule->what);
    if (strcmp(verb, "never") == 0)
        return rule->kind = NEVER, !*rest;
    const char *verbs[] = { [FAIL] = "fail", [KILL] = "kill", [VALUE] = "value" };
    for (size_t kind = FAIL; kind <= VALUE; kind++)
        if (verbs[kind] && strcmp(verb, verbs[kind]) == 0)
            return rule->kind = (int)kind, *rest || kind == KILL;
    return false;
}

static bool read_signal(struct rule *rule, const char *name, const char *rest)
{
    const char *targets[] = { "host when ", "group when ", "all when " };
    rule->kind = SIGNAL;
    rule->number = signal_number(name);
    for (int i = 0; i < 3; i++)
        if (strncmp(rest, targets[i], strlen(targets[i])) == 0) {
            rule->target = i;
            return rule->number && read_what(rest + strlen(targets[i]), &rule->what);
        }
    return false;
}

static bool read_feed(struct rule *rule, const char *name, const char *rest)
{
    char file[4096];
    const char *when = strstr(rest, " when ");
    snprintf(file, sizeof file, "%.*s", (int)(when ? when - rest : (long)strlen(rest)), rest);
    rule->kind = FEED;
    rule->fifo = strdup(name);
    rule->from = open(file, O_RDONLY | O_CLOEXEC);
    rule->to = -1;
    rule->what.since = when ? 0 : 1; /* without: it came long ago */
    return rule->fifo && !strchr(name, '/') && rule->from >= 0 && (!when || read_what(when + 6, &rule->what));
}

bool witness_rule(const char *text)
{
    struct rule *rule = &me.rule[me.nrules];
    char verb[16] = "", second[64] = "";
    int behind = 0;
    sscanf(text, "%15s %63s %n", verb, second, &behind);
    bool good = behind > 0 && me.nrules < MAX_RULES;
    if (good && strcmp(verb, "signal") == 0)
        good = read_signal(rule, second, text + behind);
    else if (good && strcmp(verb, "feed") == 0)
        good = read_feed(rule, second, text + behind);
    else if (good)
        good = read_which(second, &rule->which) && read_rest(rule, verb, text + behind);
    if (!good) {
        fprintf(stderr, "box: the witness does not understand the rule '%s'\n", text);
        return false;
    }
    snprintf(rule->text, sizeof rule->text, "%s", text);
    me.nrules++;
    return true;
}

static bool fits(const struct which *which, const struct question *q)
{
    if (strcmp(which->name, "*") != 0 && strcmp(which->name, q->name) != 0)
        return false;
    return !which->numbered || (q->numbers > 0 && q->number[0] == which->number);
}

/* --- What has happened --------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    va_list args;
    me.last_event = now();
    if (!me.log)
        return;
    va_start(args, format);
    vfprintf(me.log, format, args);
    va_end(args);
    fputc('\n', me.log);
}

static void raise_to(long *most, long value)
{
    if (value > *most)
        *most = value;
}

static bool is_open_ask(const struct question *q)
{
    return q->fd >= 0 && !q->asker->host && strcmp(q->name, "ask") == 0;
}

/* How many different processes wait for an answer; or how many questions, which threads may have put. */
static size_t count_inside(bool processes)
{
    size_t inside = 0;
    for (struct asker *a = me.askers; a; a = a->next)
        a->counted = false;
    for (size_t i = me.first_open; i < me.nquestions; i++) {
        struct question *q = me.question[i];
        if (!is_open_ask(q) || (processes && q->asker->counted))
            continue;
        q->asker->counted = true;
        inside++;
    }
    return inside;
}

static bool is_true(const struct what *what)
{
    if (what->kind == INSIDE || what->kind == OPEN)
        return count_inside(what->kind == INSIDE) >= what->count;
    if (what->kind == ASKED_N)
        return (size_t)me.asked >= what->count;
    for (size_t i = 0; i < me.nquestions; i++) {
        const struct question *q = me.question[i];
        if (fits(&what->which, q) && (what->kind == ASKED || (what->kind == ANSWERED && q->answered) ||
                                      (what->kind == ENDED && q->asker->ended)))
            return true;
    }
    return false;
}

/* Once true, it stays so. */
static bool has_come(struct what *what)
{
    if (what->since == 0 && is_true(what))
        what->since = now();
    return what->since != 0 && now() >= what->since + what->later;
}

/* How many processes of the box have no child: these are workers, for a nursery has some. */
static long count_crowd(void)
{
    pid_t list[MAX_PROCESSES], children[MAX_PROCESSES];
    long crowd = 0;
    for (size_t n = me.host ? look_below(me.host, list) : 0; n > 0; n--)
        crowd += look_state(list[n - 1]) != 'Z' && look_children(list[n - 1], children) == 0;
    return crowd;
}

/* --- Remains ------------------------------------------------------------------------------------- */

/* Everything in the box but the host, and but bubblewrap's own two. A dead child of the outermost one's is being
   reaped in this very moment. */
static struct remains look_remains(void)
{
    struct remains r = { 0 };
    pid_t list[MAX_PROCESSES], outer = 0;
    size_t n = look_below(me.root, list);
    if (me.walls)
        outer = n > 0 ? list[0] : 0;
    for (size_t i = 0; i < n; i++) {
        char state = look_state(list[i]), name[32];
        if (list[i] == me.host || list[i] == outer || !state)
            continue;
        if (state == 'Z' && look_parent(list[i]) != me.host)
            continue;
        look_name(list[i], name);
        r.alive += state != 'Z';
        r.zombies += state == 'Z';
        size_t used = strlen(r.names);
        snprintf(r.names + used, sizeof r.names - used, "%s%s", used ? " " : "", name);
    }
    r.descriptors = look_descriptors(me.host);
    r.memory = look_memory(me.host);
    return r;
}

static bool look_again(const struct question *q)
{
    if (strcmp(q->text, "end") != 0) { /* the pool is main()'s own, and still open */
        me.returned++;
        return false;
    }
    struct remains r = look_remains();
    if ((r.alive || r.zombies) && now() < q->since + left_patience)
        return true;
    r.descriptors -= me.before.descriptors;
    r.memory -= me.before.memory;
    if (r.alive + r.zombies > me.left.alive + me.left.zombies)
        me.left.alive = r.alive, me.left.zombies = r.zombies, strcpy(me.left.names, r.names);
    raise_to(&me.left.descriptors, r.descriptors);
    raise_to(&me.left.memory, r.memory);
    me.returned++;
    note("looked: %ld alive, %ld zombies, %ld descriptors, %ld KiB", r.alive, r.zombies, r.descriptors, r.memory);
    return false;
}

/* --- Answering ----------------------------------------------------------------------------------- */

static void let_go(struct question *q)
{
    if (q->fd >= 0)
        close(q->fd);
    q->fd = -1;
}

static void reply(struct question *q, const char *text)
{
    q->answered = send(q->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
    note("answer %s %s", q->text, text);
    let_go(q);
}

static void reply_number(struct question *q, long number)
{
    char text[32];
    snprintf(text, sizeof text, "= %ld", number);
    reply(q, text);
}

static void reply_failure(struct question *q, const char *words)
{
    char text[MAX_QUESTION + 8];
    snprintf(text, sizeof text, "! %s", words);
    reply(q, text);
}

/* The first rule about the question that still means something; NULL: none. */
static struct rule *rule_of(const struct question *q)
{
    for (size_t i = 0; i < me.nrules; i++) {
        struct rule *rule = &me.rule[i];
        if (rule->kind >= SIGNAL || !fits(&rule->which, q))
            continue;
        if (rule->kind == HOLD && (me.gave_up || has_come(&rule->what)))
            continue;
        if (rule->kind == KILL && rule->used >= rule->number)
            continue;
        return rule;
    }
    return NULL;
}

static void kill_asker(struct question *q, struct rule *rule)
{
    rule->used++;
    me.killed++;
    kill(q->asker->pid, SIGKILL);
    note("kill w%d %s", q->asker->order, q->text);
    let_go(q);
}

/* Answers an open question if that is to be; tells whether anything happened. */
static bool settle(struct question *q)
{
    struct rule *rule = rule_of(q);
    if (strcmp(q->name, "begin") == 0 && me.root)
        me.before = look_remains(), me.begun = true;
    if (q->asker->host && strcmp(q->name, "end") == 0 && look_again(q))
        return false;
    if (!rule)
        reply_number(q, witness_answer(me.seed, q->text));
    else if (rule->kind == FAIL)
        reply_failure(q, rule->words);
    else if (rule->kind == KILL)
        kill_asker(q, rule);
    else if (rule->kind == VALUE)
        reply_number(q, rule->number);
    else
        return false;
    return true;
}

static void send_signal(struct rule *rule)
{
    pid_t list[MAX_PROCESSES];
    rule->used = 1;
    note("%s", rule->text);
    if (rule->target != GROUP && me.host > 0)
        kill(me.host, (int)rule->number); /* first, as if all got it at once: it may act on the others' ends */
    if (rule->target == GROUP && me.host > 0)
        kill(-getpgid(me.host), (int)rule->number);
    for (size_t n = rule->target == ALL ? look_below(me.root, list) : 0; n > (me.walls ? 1 : 0); n--)
        if (list[n - 1] != me.host)
            kill(list[n - 1], (int)rule->number);
}

/* Gives a reader of the FIFO as much as there is room for, and at last the end of file. */
static void feed(struct rule *rule)
{
    char bytes[4096];
    ssize_t n = 0;
    if (rule->to < 0)
        rule->to = open(rule->fifo, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (rule->to < 0)
        return; /* nobody reads it yet */
    while ((n = pread(rule->from, bytes, sizeof bytes, rule->number)) > 0 &&
           (n = write(rule->to, bytes, (size_t)n)) > 0)
        rule->number += n;
    if (n < 0 && errno == EAGAIN)
        return;
    close(rule->to);
    rule->used = 1;
    note("%s", rule->text);
}

static void feed_all(void)
{
    for (size_t i = 0; i < me.nrules; i++)
        if (me.rule[i].kind == FEED && !me.rule[i].used && (has_come(&me.rule[i].what) || me.gave_up))
            feed(&me.rule[i]);
}

/* An answer may make others due, so until nothing changes. */
static void settle_all(void)
{
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < me.nrules; i++)
            if ((me.rule[i].kind == HOLD || me.rule[i].kind == FEED) && me.rule[i].what.since == 0 &&
                is_true(&me.rule[i].what)) {
                me.rule[i].what.since = now();
                raise_to(&me.crowd, count_crowd());
            } else if (me.rule[i].kind == SIGNAL && !me.rule[i].used && has_come(&me.rule[i].what)) {
                send_signal(&me.rule[i]);
            }
        for (size_t i = me.first_open; i < me.nquestions; i++)
            if (me.question[i]->fd >= 0)
                again |= settle(me.question[i]);
        while (me.first_open < me.nquestions && me.question[me.first_open]->fd < 0)
            me.first_open++;
    }
}

/* --- Giving up ----------------------------------------------------------------------------------- */

static const struct rule *held_by(void)
{
    for (size_t i = me.first_open; i < me.nquestions; i++) {
        const struct rule *rule = me.question[i]->fd >= 0 ? rule_of(me.question[i]) : NULL;
        if (rule && rule->kind == HOLD && rule->what.since == 0)
            return rule;
    }
    for (size_t i = 0; i < me.nrules && me.begun; i++)
        if (me.rule[i].kind == FEED && !me.rule[i].used && me.rule[i].what.since == 0)
            return &me.rule[i];
    return NULL;
}

static bool everybody_sleeps(void)
{
    pid_t list[MAX_PROCESSES];
    for (size_t n = look_below(me.root, list); n > 0; n--)
        if (!look_asleep(list[n - 1]))
            return false;
    return true;
}

static void give_up_perhaps(void)
{
    const struct rule *rule = me.gave_up ? NULL : held_by();
    double t = now();
    if (!rule || !everybody_sleeps() || me.quiet_since < me.last_event)
        me.quiet_since = t;
    if (!rule || (t < me.quiet_since + quiet_needed && t < me.last_event + me.patience))
        return;
    me.gave_up = true;
    raise_to(&me.crowd, count_crowd());
    snprintf(me.gave_up_at, sizeof me.gave_up_at, "%s", rule->text);
    note("gave up: %s", rule->text);
}

/* --- Questions ----------------------------------------------------------------------------------- */

static struct asker *asker_of(pid_t pid)
{
    struct asker **a = &me.askers;
    for (; *a; a = &(*a)->next)
        if ((*a)->pid == pid && !(*a)->ended)
            return *a;
    *a = calloc(1, sizeof **a);
    if (!*a)
        exit(125);
    **a = (struct asker){ .pid = pid, .order = ++me.naskers, .host = pid == me.host };
    (*a)->watch = (int)syscall(SYS_pidfd_open, pid, 0);
    (*a)->ended = (*a)->watch < 0 && errno == ESRCH;
    if ((*a)->watch >= 0)
        epoll_ctl(me.events, EPOLL_CTL_ADD, (*a)->watch, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = *a });
    return *a;
}

static void find_host(void)
{
    pid_t list[MAX_PROCESSES];
    size_t n = me.host ? 0 : look_below(me.root, list);
    if (n > (me.walls ? 1 : 0))
        me.host = list[me.walls ? 1 : 0];
}

static void read_numbers(struct question *q)
{
    char *at = q->text + strcspn(q->text, " "), *end;
    snprintf(q->name, sizeof q->name, "%.*s", (int)(at - q->text), q->text);
    for (; q->numbers < MAX_NUMBERS; q->numbers++, at = end) {
        q->number[q->numbers] = strtol(at, &end, 10);
        if (end == at)
            break;
    }
}

static void add_question(struct question *q, pid_t pid)
{
    find_host();
    read_numbers(q);
    q->asker = asker_of(pid);
    q->since = now();
    struct question **more = realloc(me.question, (me.nquestions + 1) * sizeof *more);
    if (!more)
        exit(125);
    me.question = more;
    me.question[me.nquestions++] = q;
    if (me.nquestions > MAX_QUESTIONS) { /* no reply: this ends who asks without an end */
        me.nquestions--;
        let_go(q);
        free(q);
        return;
    }
    note("w%d %s", q->asker->order, q->text);
    if (strcmp(q->name, "ask") != 0)
        return;
    me.asked++;
    me.host_asked += q->asker->host;
    me.task_askers += q->asker->asks++ == 0 && !q->asker->host;
    raise_to(&me.inside, (long)count_inside(true));
    raise_to(&me.open, (long)count_inside(false));
}

/* Takes the question of one connection, stamped by the kernel with its sender. */
static void take_question(struct question *q)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec text = { q->text, sizeof q->text - 1 };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control,
                              .msg_controllen = sizeof control };
    ssize_t n = recvmsg(q->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *stamp = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (n < 0 && errno == EAGAIN)
        return;
    epoll_ctl(me.events, EPOLL_CTL_DEL, q->fd, NULL);
    if (!stamp || stamp->cmsg_type != SCM_CREDENTIALS) {
        close(q->fd);
        free(q);
        return;
    }
    struct ucred who;
    memcpy(&who, CMSG_DATA(stamp), sizeof who);
    q->text[n] = '\0';
    add_question(q, who.pid);
}

/* --- The socket ---------------------------------------------------------------------------------- */

/* Beside the socket. It is read by another user. */
static bool make_fifo(struct rule *rule, const char *socket)
{
    char *name = rule->fifo;
    bool made = asprintf(&rule->fifo, "%.*s%s", (int)(strrchr(socket, '/') + 1 - socket), socket, name) > 0 &&
                mkfifo(rule->fifo, 0644) == 0 && chmod(rule->fifo, 0644) == 0;
    free(name);
    return made;
}

int witness_open(const char *path, unsigned long long seed, double seconds)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int on = 1;
    me.seed = seed;
    me.patience = seconds * 0.6;
    me.socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    me.events = epoll_create1(EPOLL_CLOEXEC);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (me.socket < 0 || me.events < 0 || bind(me.socket, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(me.socket, 1024) != 0 || chmod(path, 0777) != 0)
        return -1;
    for (size_t i = 0; i < me.nrules; i++)
        if (me.rule[i].kind == FEED && !make_fifo(&me.rule[i], path))
            return -1;
    setsockopt(me.socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    epoll_ctl(me.events, EPOLL_CTL_ADD, me.socket, &(struct epoll_event){ .events = EPOLLIN });
    return me.events;
}

void witness_watch(pid_t root, bool walls)
{
    me.root = root;
    me.walls = walls;
    me.last_event = me.quiet_since = now();
}

void witness_log(FILE *log)
{
    me.log = log;
}

static void accept_all(void)
{
    int on = 1;
    for (int fd; (fd = accept4(me.socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
        struct question *q = calloc(1, sizeof *q);
        if (!q)
            exit(125);
        q->fd = fd;
        setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
        epoll_ctl(me.events, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN | EPOLLRDHUP, .data.ptr = q });
    }
}

static bool is_asker(const void *pointer)
{
    for (const struct asker *a = me.askers; a; a = a->next)
        if (a == pointer)
            return true;
    return false;
}

/* The questions of the dead are not answered any more, and do not count as inside. */
static void see_end(struct asker *a)
{
    a->ended = true;
    epoll_ctl(me.events, EPOLL_CTL_DEL, a->watch, NULL);
    close(a->watch);
    note("w%d ends", a->order);
    for (size_t i = me.first_open; i < me.nquestions; i++)
        if (me.question[i]->asker == a)
            let_go(me.question[i]);
}

void witness_do(void)
{
    struct epoll_event event[64];
    for (int n; (n = epoll_wait(me.events, event, 64, 0)) > 0;) {
        for (int i = 0; i < n; i++) {
            if (!event[i].data.ptr)
                accept_all();
            else if (is_asker(event[i].data.ptr))
                see_end(event[i].data.ptr);
            else
                take_question(event[i].data.ptr);
        }
        settle_all();
    }
    feed_all();
    if (me.events >= 0 && witness_waits()) {
        give_up_perhaps();
        settle_all();
    }
}

bool witness_waits(void)
{
    for (size_t i = 0; i < me.nrules; i++)
        if (me.rule[i].kind == FEED && !me.rule[i].used)
            return true;
    return me.first_open < me.nquestions;
}

/* --- Facts --------------------------------------------------------------------------------------- */

static long most_asks(void)
{
    long most = 0;
    for (const struct asker *a = me.askers; a; a = a->next)
        most = a->asks > most && !a->host ? a->asks : most;
    return most;
}

static long count_gone(void)
{
    long ended = 0;
    for (const struct asker *a = me.askers; a; a = a->next)
        ended += a->ended && !a->host;
    return ended;
}

/* Questions by their text, most of them once: "times 2 ask 17". */
static int by_text(const void *a, const void *b)
{
    return strcmp((*(struct question *const *)a)->text, (*(struct question *const *)b)->text);
}

static void print_times(FILE *out)
{
    qsort(me.question, me.nquestions, sizeof *me.question, by_text);
    for (size_t i = 0, same; i < me.nquestions; i += same) {
        for (same = 1; i + same < me.nquestions && by_text(&me.question[i], &me.question[i + same]) == 0; same++)
            ;
        fprintf(out, "times %zu %s\n", same, me.question[i]->text);
    }
}

void witness_print(FILE *out)
{
    fprintf(out, "asked %ld\ninside %ld\nopen %ld\naskers %ld\nhost-asked %ld\nmost-asks %ld\n", me.asked, me.inside, me.open,
            me.task_askers, me.host_asked, most_asks());
    fprintf(out, "workers %ld\nkilled %ld\ngone %ld\nbegun %d\nreturned %ld\n", me.crowd, me.killed, count_gone(),
            me.begun, me.returned);
    if (me.gave_up)
        fprintf(out, "gave-up %s\n", me.gave_up_at);
    fprintf(out, "left-alive %ld\nleft-zombies %ld\nleft-descriptors %ld\nleft-memory %ld\nleft-names %s\n",
            me.left.alive, me.left.zombies, me.left.descriptors, me.left.memory, me.left.names);
    print_times(out);
}
