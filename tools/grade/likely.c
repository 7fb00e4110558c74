/*
 * likely: names the likely cause of a wrong answer, from what was seen of it.
 *
 * The table at the end is all there is: a symptom, how it shows, and the sentence for the student. The first that
 * shows is printed. A test of an exercise does not bring sentences of its own: it says what it wanted, and the
 * same mistake gets the same words in every exercise.
 *
 * It reads in a directory what box left (seen, out, err), and what the test adds: `expected`, the lines stdout should
 * have had; `wanted`, facts that are not kept, "inside 4", "items 8", "returns -1". Missing files are empty.
 *
 *     likely DIR      the sentence
 *     likely -l       the names of all symptoms
 *     likely -n DIR   the name of the one that shows
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINES = 4096 };

struct text {
    char *line[MAX_LINES];
    size_t n;
};

static struct text seen, wanted, expected, out, err;
static char detail[200]; /* for the %s of a sentence */

static void read_text(const char *dir, const char *name, struct text *text)
{
    char path[4096], *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "re");
    while (file && text->n < MAX_LINES && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        text->line[text->n++] = strdup(line);
    }
    free(line);
    if (file)
        fclose(file);
}

/* --- Facts ----------------------------------------------------------------------------------------- */

/* What stands behind a name in a text of facts; NULL: it is not there. */
static const char *words(const struct text *text, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < text->n; i++)
        if (strncmp(text->line[i], name, length) == 0 && text->line[i][length] == ' ')
            return text->line[i] + length + 1;
    return NULL;
}

static long fact(const char *name)
{
    const char *text = words(&seen, name);
    return text ? strtol(text, NULL, 10) : 0;
}

static long want(const char *name)
{
    const char *text = words(&wanted, name);
    return text ? strtol(text, NULL, 10) : -1;
}

static bool is_wanted(const char *name)
{
    return words(&wanted, name) != NULL;
}

/* The last line of stderr that holds the text is the detail. */
static bool said(const char *text)
{
    for (size_t i = err.n; i > 0; i--)
        if (strstr(err.line[i - 1], text)) {
            snprintf(detail, sizeof detail, "%.150s", err.line[i - 1]);
            return true;
        }
    return false;
}

static bool ended(const char *how)
{
    const char *text = words(&seen, "ended");
    return text && strncmp(text, how, strlen(how)) == 0;
}

static bool ended_by(int sig)
{
    const char *text = words(&seen, "ended");
    return text && strncmp(text, "signal ", 7) == 0 && (!sig || atoi(text + 7) == sig);
}

/* --- Lines ----------------------------------------------------------------------------------------- */

/* The number at the end of a line: an answer. */
static bool number_in(const char *line, long *number)
{
    char *end;
    const char *space = strrchr(line, ' ');
    *number = strtol(space ? space + 1 : line, &end, 10);
    return *line && !*end;
}

static bool value(const struct text *text, size_t i, long *number)
{
    return i < text->n && number_in(text->line[i], number);
}

/* As many lines are there as were expected, and all are answers. */
static bool all_values(void)
{
    long number;
    for (size_t i = 0; i < expected.n; i++)
        if (!value(&expected, i, &number) || !value(&out, i, &number))
            return false;
    return expected.n > 0 && expected.n == out.n;
}

static bool line_right(size_t i)
{
    return i < out.n && i < expected.n && strcmp(out.line[i], expected.line[i]) == 0;
}

/* In all lines but the right ones, what is there is `as` makes it of what is expected; in some of them it is not
   what is expected. */
static bool wrong_lines_are(bool as(size_t i, long is))
{
    bool any = false;
    long is;
    for (size_t i = 0; all_values() && i < expected.n; i++) {
        if (line_right(i))
            continue;
        if (!value(&out, i, &is) || !as(i, is))
            return false;
        any = true;
    }
    return any;
}

static bool is_low_half(size_t i, long is)
{
    long whole = 0;
    value(&expected, i, &whole);
    return is == (long)(int)whole || is == (whole & 0xffffffff);
}

static bool is_next(size_t i, long is)
{
    long other = 0;
    return i + 1 == expected.n || (value(&expected, i + 1, &other) && is == other);
}

static bool is_previous(size_t i, long is)
{
    long other = 0;
    return i == 0 || (value(&expected, i - 1, &other) && is == other);
}

static bool is_same_as_first_wrong(size_t i, long is)
{
    static long first;
    for (size_t k = 0; k <= i; k++)
        if (!line_right(k) && value(&out, k, &first))
            break;
    return is == first;
}

static bool is_zero(size_t i, long is)
{
    (void)i;
    return is == 0;
}

/* Or 0: what went elsewhere is missing here. */
static bool is_another(size_t i, long is)
{
    long other;
    (void)i;
    for (size_t k = 0; k < expected.n; k++)
        if (value(&expected, k, &other) && is == other)
            return true;
    return is == 0;
}

static bool several_wrong(void)
{
    size_t wrong = 0;
    for (size_t i = 0; i < expected.n; i++)
        wrong += !line_right(i);
    return wrong > 1;
}

/* --- How symptoms show ----------------------------------------------------------------------------- */

static bool stub(void) { return said("it has no body yet"); }

static bool use_after_free(void) { return said("heap-use-after-free"); }
static bool double_free(void) { return said("attempting double-free") || said("double free"); }
static bool bad_free(void) { return said("attempting free on address") || said("free(): invalid pointer"); }
static bool overrun(void) { return said("buffer-overflow") || said("overflow on address"); }
static bool stack_smashed(void) { return said("stack smashing detected"); }
static bool heap_corrupt(void)
{
    return said("malloc(): ") || said("free(): ") || said("realloc(): ") || said("corrupted ") || said("munmap_chunk") ||
           said("malloc assertion failure");
}
static bool stack_use(void) { return said("stack-use-after"); }
static bool leak(void) { return said("LeakSanitizer: detected memory leaks"); }
static bool undefined(void)
{
    if (!said("runtime error: "))
        return false;
    const char *at = strstr(detail, "runtime error: ") + strlen("runtime error: ");
    return memmove(detail, at, strlen(at) + 1) != NULL;
}
static bool assertion(void) { return ended_by(SIGABRT) && said("Assertion "); }

static bool null_pointer(void) { return ended_by(SIGSEGV) || said("AddressSanitizer: SEGV"); }
static bool aborted(void) { return ended_by(SIGABRT); }
static bool divided(void) { return ended_by(SIGFPE); }
static bool bus(void) { return ended_by(SIGBUS); }
static bool pipe_gone(void) { return ended_by(SIGPIPE); }
static bool processor(void) { return ended_by(SIGXCPU); }
static bool large_file(void) { return ended_by(SIGXFSZ); }
static bool killed(void) { return ended_by(SIGKILL); }
static bool other_signal(void)
{
    const char *text = words(&seen, "ended");
    if (!ended_by(0))
        return false;
    const char *name = sigabbrev_np(atoi(text + 7));
    snprintf(detail, sizeof detail, "SIG%s", name ? name : "?");
    return true;
}

static bool memory(void) { return ended("memory"); }
static bool overflow(void) { return ended("overflow"); }

/* The witness was told of a fork() of a process that had threads: see exercise 17. */
static bool lock_at_fork(void)
{
    bool matters = ended("timeout") || is_wanted("no-fork");
    for (size_t i = 0; matters && i < seen.n; i++)
        if (strncmp(seen.line[i], "times ", 6) == 0 && strstr(seen.line[i], " forked"))
            return true;
    return false;
}
static bool hangs_before(void) { return ended("timeout") && !fact("asked") && fact("begun") && !fact("returned"); }
static bool hangs_held(void) { return (ended("timeout") || is_wanted("together")) && words(&seen, "gave-up"); }
static bool hangs_after(void) { return ended("timeout") && fact("asked") && !fact("returned"); }
static bool hangs_at_end(void) { return ended("timeout") && fact("returned"); }
static bool hangs(void) { return ended("timeout"); }

static bool ended_early(void) { return ended("exit") && fact("begun") && !fact("returned"); }

static bool asked_at_home(void) { return fact("host-asked") > 0; }

/* All that was expected, in its order, and more. */
static bool printed_more(void)
{
    size_t right = 0, extra = out.n;
    for (size_t i = 0; i < out.n; i++)
        if (right < expected.n && strcmp(out.line[i], expected.line[right]) == 0)
            right++;
        else if (extra == out.n)
            extra = i;
    if (!is_wanted("lines") || right < expected.n || out.n <= expected.n)
        return false;
    snprintf(detail, sizeof detail, "%.40s", out.line[extra]);
    return true;
}

static bool printed_nothing(void) { return is_wanted("lines") && expected.n > 0 && out.n == 0; }

/* --- What the function returned */

static bool printed_status(long *status)
{
    const char *at = out.n > 0 ? strstr(out.line[0], " returned ") : NULL;
    *status = at ? strtol(at + strlen(" returned "), NULL, 10) : 0;
    return at != NULL;
}

static bool failed_with(int error)
{
    char text[64];
    long status;
    snprintf(text, sizeof text, "errno is %d: ", error);
    if (!printed_status(&status) || want("returns") == -1 || !said(text))
        return false;
    memmove(detail, strchr(detail, ':') + 2, strlen(strchr(detail, ':') + 2) + 1);
    return true;
}

static bool failed_of_none(void)
{
    long status;
    return printed_status(&status) && want("items") == 0 && want("returns") != -1;
}
static bool other_status(void)
{
    long status;
    if (!printed_status(&status) || !is_wanted("returns") || status == want("returns"))
        return false;
    snprintf(detail, sizeof detail, "%ld", status);
    return want("returns") == -1;
}
static bool failure_hidden(void)
{
    long status;
    return is_wanted("returns") && want("returns") == -1 && !printed_status(&status);
}
static bool misuse(void) { return failed_with(EINVAL); }
static bool too_late(void) { return failed_with(ESHUTDOWN); }
static bool too_early(void) { return failed_with(EBUSY); }
static bool no_memory(void) { return failed_with(ENOMEM); }
static bool no_process(void) { return failed_with(EAGAIN); }
static bool worker_died(void) { return failed_with(EOWNERDEAD); }
static bool task_failed(void) { return failed_with(EREMOTEIO); }
static bool other_errno(void)
{
    long status;
    if (!printed_status(&status) || want("returns") == -1 || !said("errno is "))
        return false;
    return memmove(detail, detail + strlen("errno is "), strlen(detail + strlen("errno is ")) + 1) != NULL;
}

/* --- How many were inside */

static bool too_few(void) { return want("inside") > 0 && fact("inside") < want("inside"); }
static bool one_by_one(void) { return too_few() && fact("inside") == 1 && fact("workers") > 1; }
static bool one_worker(void) { return too_few() && fact("inside") == 1; }
static bool fewer(void)
{
    snprintf(detail, sizeof detail, "%ld", fact("inside"));
    return too_few() && fact("inside") > 1;
}
static bool none_asked(void) { return too_few() && fact("asked") == 0; }
static bool more_workers(void)
{
    long most = fact("inside") > fact("workers") ? fact("inside") : fact("workers");
    snprintf(detail, sizeof detail, "%ld", most);
    return want("workers") > 0 && most > want("workers");
}
static bool other_askers(void)
{
    snprintf(detail, sizeof detail, "%ld", fact("askers"));
    return want("askers") > 0 && fact("askers") != want("askers");
}

/* --- What was read */

static bool read_elsewhere(void) { return want("reading-elsewhere") > 0; }
static bool shared_connection(void) { return want("connections-short") > 0; }
static bool page_again(void) { return want("page-asked") > 1; }
static bool page_too_many(void) { return want("pages-asked") > want("pages"); }
static bool not_at_once(void)
{
    snprintf(detail, sizeof detail, "%ld", want("were-at-once"));
    return want("were-at-once") < want("at-once");
}
static bool nowhere(void)
{
    snprintf(detail, sizeof detail, "%ld", want("lost"));
    return want("lost") > 0;
}
static bool still_listed(void) { return want("still-listed") > 0; }
static bool other_order(void) { return is_wanted("order"); }
static bool no_chunk(void) { return want("chunk-most") > 0 && want("chunk") == 0; }
static bool small_chunk(void) { return want("chunk") < want("chunk-least"); }
static bool large_chunk(void) { return want("chunk") > want("chunk-most"); }
static bool too_many_workers(void) { return want("workers-said") > want("workers-most"); }
static bool too_few_workers(void) { return want("workers-said") < want("workers-least"); }
static bool long_life(void) { return want("fit") > 0 && want("most-asks") > want("fit"); }
static bool short_life(void) { return want("lives") > want("lives-most"); }
static bool joined_early(void) { return want("joined-early") > 0; }
static bool not_ended(void) { return want("not-ended") > 0; }
static bool never_told(void) { return said("got and not dealt with"); }
static bool other_readers(void)
{
    snprintf(detail, sizeof detail, "%ld", want("reading"));
    return want("readers") > 0 && want("reading") != want("readers");
}
static bool held_up(void) { return is_wanted("overlap") && words(&seen, "gave-up"); }

static bool keeps_thread(void) { return is_wanted("way") && words(&seen, "gave-up"); }
static bool naps(void) { return is_wanted("napped"); }
static bool not_returned(void) { return is_wanted("stuck"); }
static bool not_waited(void) { return is_wanted("way") && (want("returned") == 0 || failed_with(EAGAIN)); }
static bool flags_changed(void) { return is_wanted("flags"); }
static bool other_bytes(void)
{
    const char *is = words(&wanted, "returned");
    snprintf(detail, sizeof detail, "%.100s", is ? is : "");
    return is != NULL;
}

/* --- What was tried, and how often */

static bool tried_otherwise(void)
{
    const char *item = words(&wanted, "item");
    snprintf(detail, sizeof detail, "%.100s", item ? item : "");
    return is_wanted("tries") && want("tried") != want("tries");
}
static bool tried_again(void) { return tried_otherwise() && is_wanted("innocent") && want("tried") > want("tries"); }
static bool more_tries(void) { return tried_otherwise() && want("tried") > want("tries"); }
static bool fewer_tries(void) { return tried_otherwise() && want("tried") < want("tries"); }
static bool tried_early(void)
{
    const char *item = words(&wanted, "early");
    snprintf(detail, sizeof detail, "%.100s", item ? item : "");
    return item != NULL;
}

/* --- Which answers came */

static bool cut(void) { return wrong_lines_are(is_low_half); }
static bool shifted_up(void) { return several_wrong() && wrong_lines_are(is_next); }
static bool shifted_down(void) { return several_wrong() && wrong_lines_are(is_previous); }
static bool ended_by_failure(void)
{
    return is_wanted("returns") && want("returns") == -1 && wrong_lines_are(is_zero);
}
static bool last_missing(void)
{
    for (size_t i = 0; i + 1 < expected.n; i++)
        if (!line_right(i))
            return false;
    return expected.n > 0 && !line_right(expected.n - 1) && (out.n < expected.n || wrong_lines_are(is_zero));
}
static bool all_the_same(void) { return several_wrong() && wrong_lines_are(is_same_as_first_wrong); }
static bool zeros(void) { return wrong_lines_are(is_zero); }
static bool swapped(void) { return several_wrong() && wrong_lines_are(is_another); }
static bool asked_twice(void)
{
    for (size_t i = 0; i < seen.n; i++)
        if (strncmp(seen.line[i], "times ", 6) == 0 && atoi(seen.line[i] + 6) > 1 && strstr(seen.line[i], " ask ")) {
            snprintf(detail, sizeof detail, "%.100s", strstr(seen.line[i], " ask ") + 5);
            return is_wanted("once");
        }
    return false;
}
static bool strangers(void) { return is_wanted("strangers"); }
static bool other_items(void) { return all_values() && (long)expected.n > fact("asked"); }
static bool made_up(void) { return all_values(); }

/* --- What was left */

static bool left(const char *name) { return is_wanted("nothing-left") && fact(name) > 0; }
static bool left_zombies(void) { return left("left-zombies"); }
static bool left_alive(void)
{
    const char *names = words(&seen, "left-names");
    snprintf(detail, sizeof detail, "%.100s", names ? names : "");
    return left("left-alive");
}
static bool left_descriptors(void)
{
    snprintf(detail, sizeof detail, "%ld", fact("left-descriptors"));
    return left("left-descriptors");
}
static bool left_memory(void)
{
    snprintf(detail, sizeof detail, "%ld", fact("left-memory"));
    return left("left-memory");
}

static bool always(void) { return true; }

/* --- The table ------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool (*shows)(void);
    const char *sentence;
} symptom[] = {
    { "stub", stub, "the body is still to be written: look for TODO" },

    { "use-after-free", use_after_free, "something is used after it was freed: pool_free comes last" },
    { "double-free", double_free, "something is freed twice" },
    { "bad-free", bad_free, "free() gets something that malloc did not return, or a pointer that moved" },
    { "overrun", overrun, "something is written or read behind the end of an array: are count and width right?" },
    { "stack-smashed", stack_smashed, "a local array is too short for what is written into it" },
    { "stack-use", stack_use, "a pointer to a local variable is used after its function returned" },
    { "heap-corrupt", heap_corrupt, "memory was written behind its end, or freed wrongly: are count and width right?" },
    { "leak", leak, "memory from malloc is never freed: free it on every way out" },
    { "undefined", undefined, "C does not define this: %s" },
    { "assertion", assertion, "an assertion does not hold: %s" },

    { "null-pointer", null_pointer, "a pointer that is NULL or was freed: what does pool_open return if it fails?" },
    { "aborted", aborted, "abort() was called" },
    { "divided", divided, "a division by zero" },
    { "bus", bus, "memory that is not there was used: a mapping shorter than thought" },
    { "pipe-gone", pipe_gone, "it wrote to a pipe that nobody reads any more" },
    { "processor", processor, "a loop without an end that does not even wait" },
    { "large-file", large_file, "a file grows without an end" },
    { "killed", killed, "it sent itself SIGKILL: a kill() with a wrong process id, -1 or 0?" },
    { "other-signal", other_signal, "it was ended by %s: a kill() or raise() in it, or a timer" },

    { "memory", memory, "memory is taken again and again: malloc or pool_open in a loop without an end?" },
    { "overflow", overflow, "a loop that prints has no end" },
    { "lock-at-fork", lock_at_fork,
      "a fork() while there are threads: what they have locked stays locked in the child. Processes first" },
    { "hangs-before", hangs_before, "it waits before any task has run: a loop without an end, or a pool without work" },
    { "hangs-held", hangs_held, "items are waited for one by one, which can only be answered together" },
    { "hangs-after", hangs_after, "the tasks were asked, but the function does not return: what does it wait for?" },
    { "hangs-at-end", hangs_at_end, "the function has returned, but something keeps the program from ending" },
    { "hangs", hangs, "a loop without an end, or a wait for something that never happens" },

    { "not-returned", not_returned, "something is there and is not returned: the end is something, as bytes are" },
    { "ended-early", ended_early, "exit() or _exit() in the middle: the function has to return" },
    { "asked-at-home", asked_at_home, "the task ran in the program itself: hand it to the pool instead of calling it" },
    { "printed-more", printed_more, "a printf is left in: '%s' is not an answer" },
    { "printed-nothing", printed_nothing, "nothing was printed: did it end early?" },

    { "failed-of-none", failed_of_none, "0 items are no failure: malloc(0) may return NULL without having failed" },
    { "other-status", other_status, "it returned %s: -1 is promised for every failure" },
    { "failure-hidden", failure_hidden, "what pool_map returns is what the function has to return" },
    { "misuse", misuse, "a call of the pool was misused: %s" },
    { "too-late", too_late, "a task came after pool_close: %s" },
    { "too-early", too_early, "pool_join before pool_close: %s" },
    { "no-memory", no_memory, "there was no memory: is a size or a count much too large?" },
    { "not-waited", not_waited, "it returns although nothing is there: give way, and look again, until there is" },
    { "no-process", no_process, "there was no process to be had: is a pool opened in a loop?" },
    { "worker-died", worker_died, "a worker died in the middle of a task: %s" },
    { "never-told", never_told, "%s: task_done once for each item that was got, on every way" },
    { "task-failed", task_failed, "a task failed: %s" },
    { "other-errno", other_errno, "it failed, errno %s" },

    { "strangers", strangers, "an item was read across two of the array: the width is the step, sizeof of one item" },
    { "none-asked", none_asked, "no task was ever run: is it handed to the pool?" },
    { "one-by-one", one_by_one, "each item is waited for before the next is handed over: one call can hand over all" },
    { "one-worker", one_worker, "one worker does all the work: what says how many there are?" },
    { "fewer", fewer, "only %s were ever inside at once: does the pool have as many workers as it should?" },
    { "more-workers", more_workers, "there were %s workers: exactly as many as asked for, and only one pool" },
    { "other-askers", other_askers, "%s different processes did the work" },

    { "read-elsewhere", read_elsewhere, "threads of this process are to read: a pool of them has .kind = POOL_THREADS" },
    { "other-readers", other_readers, "%s read at once: exactly as many threads as there are readers" },
    { "held-up", held_up, "what is ready waits for what is not: hand each on as soon as it is there, in any order" },

    { "shared-connection", shared_connection, "two processes use one connection: a handle that is made before pool_open() is "
      "copied, open connection and all" },
    { "page-again", page_again, "a page is asked for again: one try is all that each has" },
    { "page-too-many", page_too_many, "a page without items is asked for: total / 200, but rounded up, are the pages" },
    { "not-at-once", not_at_once, "only %s pages were asked for at once: as many as there are workers" },

    { "nowhere", nowhere, "%s are lost: from being taken to being noted, each has to stand in a list" },
    { "still-listed", still_listed, "what is noted is still in a list: take out what is done, and nothing else" },
    { "other-order", other_order, "a list has two ends: the head is the left one" },

    { "no-chunk", no_chunk, "a chunk of 0 items: n / (4 * workers) is 0 where there are few" },
    { "small-chunk", small_chunk, "the chunk is too small: handing it over takes more than a hundredth of its time" },
    { "large-chunk", large_chunk, "the chunk is too large: there are not four of them for each worker" },

    { "too-many-workers", too_many_workers, "a limit is forgotten: cores that may be used, items, room in memory; the lowest counts" },
    { "too-few-workers", too_few_workers, "that is too few: one at least, and more than one for each core if they wait" },

    { "long-life", long_life, "a worker did more tasks than fit into it: limit / leak, rounded down, is how many" },
    { "short-life", short_life, "workers are replaced too early: each can do limit / leak tasks" },
    { "not-ended", not_ended, "a sentinel is got once: whoever gets it has to pass it on to the others, and end" },
    { "joined-early", joined_early, "task_done says that the work is done: after it, not before" },

    { "keeps-thread", keeps_thread, "it waits and keeps the thread: look whether something is there, else give way" },
    { "naps", naps, "it sleeps, and nobody else has the thread meanwhile: only look, and give way at once" },
    { "flags-changed", flags_changed, "the flags belong to all who have this end of the pipe: look in another way" },
    { "other-bytes", other_bytes, "it returned %s: as much as is there, up to `size`, is what read() gives" },

    { "tried-again", tried_again, "%s was tried again, but no worker had died of it: only that is being lost" },
    { "more-tries", more_tries, "%s was tried too often: the first try is one of them, too, and the last is the end" },
    { "fewer-tries", fewer_tries, "%s was given up too early: after a lost try comes another, up to the last" },
    { "tried-early", tried_early, "%s was tried again while others were at work: wait for the whole round first" },

    { "cut", cut, "answers are cut to 32 bits: a result is a long, what is its width?" },
    { "ended-by-failure", ended_by_failure, "one failure ended it all: what comes behind it is to be done all the same" },
    { "last-missing", last_missing, "the last item is missing: n items have the indices 0 to n - 1" },
    { "shifted-up", shifted_up, "each answer stands one place too early" },
    { "shifted-down", shifted_down, "each answer stands one place too late" },
    { "zeros", zeros, "some places were never written: 0 stands there" },
    { "all-the-same", all_the_same, "all items share one argument: each needs one of its own" },
    { "swapped", swapped, "the answers are there, at wrong places: item i belongs to place i" },
    { "asked-twice", asked_twice, "item %s was asked more than once" },
    { "other-items", other_items, "fewer tasks ran than there are items" },
    { "made-up", made_up, "a task got another argument than the item's: a width is the step to the next item" },

    { "left-zombies", left_zombies, "a child ended and nobody waited for it: on every way out, wait for what was started" },
    { "left-alive", left_alive, "still running: %s. On every way out: pool_close, pool_join, pool_free" },
    { "left-descriptors", left_descriptors, "%s descriptors are still open: close, or pool_free, on every way out" },
    { "left-memory", left_memory, "%s KiB are still mapped: pool_free and free, on every way out" },

    { "unknown", always, "no known symptom: read the contract above the function once more" },
};

enum { SYMPTOMS = sizeof symptom / sizeof *symptom };

static void print_sentence(size_t i)
{
    const char *at = strstr(symptom[i].sentence, "%s");
    if (at)
        printf("%.*s%s%s\n", (int)(at - symptom[i].sentence), symptom[i].sentence, detail, at + 2);
    else
        printf("%s\n", symptom[i].sentence);
}

int main(int argc, char **argv)
{
    bool name = argc == 3 && strcmp(argv[1], "-n") == 0;
    if (argc == 2 && strcmp(argv[1], "-l") == 0) {
        for (size_t i = 0; i < SYMPTOMS; i++)
            puts(symptom[i].name);
        return 0;
    }
    if (argc != 2 && !name) {
        fprintf(stderr, "usage: likely [-n] DIR | -l\n");
        return 2;
    }
    const char *dir = argv[argc - 1];
    read_text(dir, "seen", &seen);
    read_text(dir, "wanted", &wanted);
    read_text(dir, "expected", &expected);
    read_text(dir, "out", &out);
    read_text(dir, "err", &err);
    size_t i = 0;
    while (detail[0] = '\0', !symptom[i].shows())
        i++;
    if (name)
        puts(symptom[i].name);
    else
        print_sentence(i);
}
