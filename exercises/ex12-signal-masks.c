/*
 * Exercise 12: signal masks.
 *
 * Give green_read() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex12 && ./ex12                    two readers, byte by byte
 *        ./ex12 TURNS PIECE SIZE NUMBER...      as you like
 *        make grade-12                          the verdict; make hint-12 if
 *                                               stuck
 *
 * For each number there is a pipe. A process writes the answer into it, PIECE
 * bytes at a time, and a coroutine reads it, up to SIZE bytes at a time. All
 * coroutines share one thread, as under the patch "all". One more of them looks
 * on: it tells the witness when nothing has come for TURNS of its turns.
 */
#define _GNU_SOURCE
#include "harness.h"
#include "turns.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* There is more than one way to look: these are at hand. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/uio.h>

/*
 * Reads from a pipe as read() does, but gives way while nothing is there.
 *
 * As long as neither bytes nor the end of the file are there it calls
 * give_way(), again and again: each call lets all other coroutines have a turn.
 * It does not wait or sleep itself, not even for a moment: for so long nobody
 * else would have a turn.
 *
 * Returns what read() returns: as many bytes as are there, but at most `size`,
 * which is at least 1; 0 at the end, when nothing is there and nobody is left
 * who could write; -1 with errno if read() fails, as it does if fd is not open.
 *
 * Another process has the same end of the pipe, and with it the same flags:
 * these are not changed, not even for a moment. Several coroutines may be in
 * green_read() at once, each with a pipe of its own. It leaves no descriptor
 * open, and no process. It prints nothing on stdout.
 */
static ssize_t green_read(int fd, void *bytes, size_t size)
{
    /* ---- your code begins here ---- */
    /* TODO: is there something to read? If not, give way, and look again. */
    (void)give_way, (void)fd, (void)bytes, (void)size;
    errno = ENOSYS;
    return -1;
    /* ---- and ends here ---- */
}

enum { READERS = COROUTINES - 1, NOT_OPEN = 50, LATE = 100000, LOOKS = 200 };

static struct reader {
    long number; /* 0: there is no pipe, and fd is not open */
    int fd;
    pid_t writer; /* 0: there is none, or it has ended */
    size_t got;
    char bytes[sizeof(long)];
    ssize_t last; /* what green_read() returned last, and errno */
    int error;
    bool done;
} reader[READERS];

static struct board {
    atomic_size_t written[READERS];
    atomic_long had;    /* turns of the one that looks on */
    atomic_int changed; /* the flags of a descriptor were other ones */
} *board;                /* all processes see the same one */

static int readers, turns = 20;
static size_t piece = 1, size = sizeof(long);
static long received; /* bytes */

static void tell(const char *what, long number)
{
    char text[64];
    snprintf(text, sizeof text, "%s %ld", what, number);
    witness_tell(text);
}

/* ---- The writers: processes ---- */

/* While somebody waits in green_read(): do the flags stay as they were? Looks
   at twenty moments, between which there were turns, if there are any. */
static void look_at_flags(int fd, int flags)
{
    long before = -1;
    for (int i = 0, moments = 0; i < LOOKS && moments < 20; i++) {
        if (fcntl(fd, F_GETFL) != flags && !atomic_exchange(&board->changed, 1))
            tell("changed", fd);
        moments += board->had != before;
        before = board->had;
        usleep(50);
    }
}

/* By hand the answer is the square, and a tenth of a second lies between two
   pieces. */
static _Noreturn void write_answer(int place, int out, int flags)
{
    char question[64];
    long number = reader[place].number, answer, count = 0;
    snprintf(question, sizeof question, "ask %ld", number);
    if (witness_ask(question, number * number, &answer) != 0)
        _exit(EXIT_FAILURE);
    for (size_t at = 0, n; at < sizeof answer; at += n) {
        n = sizeof answer - at < piece ? sizeof answer - at : piece;
        if (!getenv("WITNESS"))
            usleep(100000);
        tell("give", place * 100 + ++count);
        look_at_flags(reader[place].fd, flags);
        if (write(out, (char *)&answer + at, n) != (ssize_t)n)
            _exit(EXIT_FAILURE);
        board->written[place] += n;
    }
    _exit(EXIT_SUCCESS);
}

static void start_writer(int place)
{
    int ends[2];
    reader[place].fd = NOT_OPEN;
    if (reader[place].number == 0)
        return;
    if (pipe(ends) != 0) {
        perror("pipe");
        exit(EXIT_FAILURE);
    }
    reader[place].fd = ends[0];
    int flags = fcntl(ends[0], F_GETFL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        write_answer(place, ends[1], flags);
    }
    if (pid < 0) {
        perror("fork");
        exit(EXIT_FAILURE);
    }
    reader[place].writer = pid;
    close(ends[1]);
}

static void end_writer(int place)
{
    struct reader *r = &reader[place];
    if (r->writer > 0) {
        kill(r->writer, SIGKILL);
        waitpid(r->writer, NULL, 0);
    }
    if (r->fd != NOT_OPEN)
        close(r->fd);
}

/* ---- The coroutines ---- */

static void read_answer(void *arg)
{
    struct reader *r = arg;
    while (r->got < sizeof r->bytes) {
        size_t room = sizeof r->bytes - r->got;
        size_t most = size < room ? size : room;
        r->last = green_read(r->fd, r->bytes + r->got, most);
        r->error = errno;
        tell("got", r->last);
        if (r->last <= 0 || (size_t)r->last > most)
            break;
        r->got += (size_t)r->last;
        received += r->last;
    }
    r->done = true;
}

/* Whether something is there for a reader: then green_read() has to return. */
static bool is_due(int place)
{
    struct reader *r = &reader[place];
    if (r->writer > 0 && waitpid(r->writer, NULL, WNOHANG) > 0)
        r->writer = 0; /* that is the end of the file */
    return !r->done && (!r->writer || board->written[place] > r->got);
}

static bool any_is_due(void)
{
    bool due = false;
    for (int place = 0; place < readers; place++)
        due |= is_due(place);
    return due;
}

static long sleeps(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

/* Something is there, and was not returned in so many turns. */
static void be_patient(int late)
{
    if (late % 1000 == 999)
        usleep(1000); /* whoever else takes part has time for it */
    if (late < LATE)
        return;
    fprintf(stderr, "for %d turns there was something, or the end, and "
                    "green_read() did not return\n", late);
    witness_tell("stuck");
    exit(EXIT_FAILURE);
}

/* The last coroutine. It has a turn whenever all others had one. */
static void look_on(void *arg)
{
    long at = -1, before = 0;
    int late = 0, quiet = 0;
    for ((void)arg;; give_way(), board->had++) {
        late = any_is_due() ? late + 1 : 0;
        be_patient(late);
        if (received != at) {
            at = received;
            before = sleeps();
            quiet = 0;
        } else if (++quiet == turns) {
            if (sleeps() - before > turns / 2)
                tell("slept", sleeps() - before);
            tell("turn", at);
        }
    }
}

/* ---- The program ---- */

static void make_board(void)
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) {
        perror("mmap");
        exit(EXIT_FAILURE);
    }
}

static void read_arguments(int argc, char **argv)
{
    const char *by_hand[] = { "3", "4" };
    char **number = argc > 4 ? argv + 4 : (char **)by_hand;
    readers = argc > 4 ? argc - 4 : 2;
    if (readers > READERS) {
        fprintf(stderr, "at most %d numbers\n", READERS);
        exit(2);
    }
    if (argc > 1)
        turns = harness_count(argv[1]);
    if (argc > 2)
        piece = (size_t)harness_count(argv[2]);
    if (argc > 3)
        size = (size_t)harness_count(argv[3]);
    for (int i = 0; i < readers; i++)
        reader[i].number = harness_number(number[i]);
}

static void print_answer(const struct reader *r)
{
    long answer = 0;
    if (r->got == sizeof answer)
        memcpy(&answer, r->bytes, sizeof answer);
    printf("%ld -> %ld\n", r->number, answer);
}

int main(int argc, char **argv)
{
    int status = 0, error = 0;
    read_arguments(argc, argv);
    make_board();
    int before = harness_begin();
    for (int i = 0; i < readers; i++) {
        start_writer(i);
        coroutine_add(read_answer, &reader[i]);
    }
    coroutine_add(look_on, NULL);
    take_turns(readers);
    for (int i = 0; i < readers; i++) {
        end_writer(i);
        if (reader[i].last < 0) {
            status = -1;
            error = reader[i].error;
        }
    }
    errno = error;
    bool good = harness_end("green_read", status, before);
    for (int i = 0; i < readers; i++)
        print_answer(&reader[i]);
    if (!getenv("WITNESS"))
        fprintf(stderr, "the one that looks on had %ld turns%s\n", board->had,
                board->changed ? "; the flags of a pipe were changed" : "");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
