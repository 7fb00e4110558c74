/*
 * Exercise 2: one argument.
 *
 * Give sums() its body, where TODO stands. Nothing else changes.
 *
 * Usage: make ex02 && ./ex02          1 + 2, 3 + 4, 5 + 6
 *        ./ex02 A B A B ...           as you like
 *        ./ex02 - <FILE               pairs from a file, one a line
 *        make grade-02                the verdict; make hint-02 if stuck
 *
 * It prints each sum, and what is left of the pool while the program lives on:
 * nothing, if all goes well.
 */
#include "harness.h"

struct pair {
    long a, b;
};

/* The task. Adds the two numbers of one pair; or rather, it asks the witness
   outside, who knows a sum of its own. By hand there is no witness. */
static int add(const void *arg, void *result)
{
    const struct pair *pair = arg;
    char question[64];
    long sum;
    snprintf(question, sizeof question, "ask %ld %ld", pair->a, pair->b);
    int status = witness_ask(question, pair->a + pair->b, &sum);
    *(long *)result = sum;
    return status;
}

/*
 * Adds a[i] to b[i] in the workers of a pool, for each i below n: out[i] is
 * what add() says of the pair a[i], b[i].
 *
 * Opens one pool of the default size, maps add() over the pairs, each once, and
 * ends the pool. n may be 0: then there is nothing to do, and that is no
 * failure.
 *
 * Returns 0 if every pair has its sum; exactly -1 if there is no memory for the
 * pairs, the pool could not be opened, or add() failed for some pair. When it
 * returns, in either way, nothing is left: no process, no descriptor, no
 * memory, neither the pool's nor that of the pairs. It prints nothing on
 * stdout.
 */
static int sums(const long *a, const long *b, size_t n, long *out)
{
    /* ---- your code begins here ---- */
    /* TODO: put each a[i] and b[i] into a struct pair, then map add(). */
    (void)add, (void)a, (void)b, (void)n, (void)out;
    errno = ENOSYS;
    return -1;
    /* ---- and ends here ---- */
}

enum { MAX_PAIRS = 100000 };

static struct input {
    size_t n;
    long a[MAX_PAIRS], b[MAX_PAIRS], out[MAX_PAIRS];
} input;

static void add_pair(const char *a, const char *b)
{
    if (input.n == MAX_PAIRS) {
        fprintf(stderr, "more than %d pairs\n", MAX_PAIRS);
        exit(2);
    }
    input.a[input.n] = harness_number(a);
    input.b[input.n++] = harness_number(b);
}

static void read_pairs(int argc, char **argv)
{
    char a[32], b[32];
    if (argc == 2 && strcmp(argv[1], "-") == 0) {
        while (scanf("%31s %31s", a, b) == 2)
            add_pair(a, b);
    } else if (argc % 2 == 0) {
        fprintf(stderr, "usage: ex02 [- | A B A B ...]\n");
        exit(2);
    }
    for (int i = 1; i + 1 < argc; i += 2)
        add_pair(argv[i], argv[i + 1]);
}

int main(int argc, char **argv)
{
    char *sample[] = { "", "1", "2", "3", "4", "5", "6" };
    read_pairs(argc > 1 ? argc : 7, argc > 1 ? argv : sample);

    int before = harness_begin();
    int status = sums(input.a, input.b, input.n, input.out);
    if (!harness_end("sums", status, before))
        return EXIT_FAILURE;
    for (size_t i = 0; i < input.n; i++)
        printf("%ld + %ld = %ld\n", input.a[i], input.b[i], input.out[i]);
}
