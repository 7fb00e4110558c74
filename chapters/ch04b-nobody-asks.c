/*
 * Chapter 4, second program: nobody asks.
 *
 * The idea: an error that nobody asks for is an error that nobody hears of.
 * The document's task fails each time, and its program ends with status 0.
 *
 * Usage: make ch04b && ./ch04b      (./ch04b 50: as many as in the document)
 *
 * Watch for: each task says Starting, none says Finish, and nobody complains.
 */
#include "kit.h"

/* [fronter] */
static atomic_int *finished; /* all processes see the same number */

/* The document's fronter(): opens a page, and prints what it got. */
static int fronter(const void *arg, void *unused)
{
    int id = *(const int *)arg;
    (void)unused;
    printf("[%d] Starting ...\n", id);
    FILE *page = fopen("https://github.com", "r");
    if (!page)
        return pool_fail("%s", strerror(errno));
    printf("[%d] Finish with %d\n", id, fclose(page));
    (*finished)++;
    return 0;
}

/* The document's main(): returns the program's exit status. */
static int total_workers(int tasks, bool look)
{
    struct pool *pool = pool_open(&(struct pool_options){ .processes = tasks });
    check(pool != NULL);
    for (int i = 0; i < tasks; i++)
        check(pool_apply_async(pool, fronter, &i, sizeof i, 0, NULL));
    pool_close(pool);
    bool failed = pool_join(pool, POOL_FOREVER) != 0;
    if (look && failed)
        printf("%s\n", pool_error()->text);
    pool_free(pool);
    printf("[+] Total workers: %d\n", tasks);
    return look && failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
/* [/fronter] */

int main(int argc, char **argv)
{
    int tasks = read_number(begin(argc, argv, "TASKS"), 5, 1, 1000), status;
    finished = shared_memory(sizeof *finished);
    printf("broken: nobody looks\n");
    status = total_workers(tasks, false);
    printf("  %d of %d finished, exit status %d\n", *finished, tasks, status);
    printf("cured: the join is asked\n");
    status = total_workers(tasks, true);
    printf("  %d of %d finished, exit status %d\n", *finished, tasks, status);
    return 0;
}
