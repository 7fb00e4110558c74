/*
 * main.c - the library's tests: CUnit's registry, and a line of TAP for each test.
 *
 *     build/unit             runs all
 *     build/unit D05 imap    runs those whose name contains one of the words, or whose suite is called so
 *     build/unit threads     runs those that try pools of threads
 *     build/unit imap ^D05   leaves out those that a word behind a ^ names
 *     build/unit -l          lists them
 *
 * UNIT_SLOW=1 in the environment makes deadlines longer and rounds fewer: for valgrind and sanitizers. The
 * last line is "N passed, N failed"; the exit status is 0 if none failed, 1 if some did, 2 if nothing could
 * be run.
 *
 * CUnit keeps the list and the failures; how it prints them is not used, because its text has no line for
 * each failure that a program could read, and its JUnit output is broken. What one test is, and why it gets a
 * process, is in run.c.
 */
#include "unit.h"
#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <stdio.h>
#include <string.h>

static const struct unit_suite *const suites[] = {
    &unit_maps,
    &unit_results,
    &unit_streams,
    &unit_callbacks,
    &unit_misuse,
    &unit_life,
    &unit_poll,
    &unit_cancel,
    &unit_limits,
    &unit_canaries,
    &unit_deaths,
    &unit_each,
    &unit_signals,
    &unit_host,
    &unit_output,
    &unit_faults,
    &unit_queues,
    &unit_slices,
    &unit_nested,
    &unit_spawn,
    &unit_together,
    &unit_traces,
    &unit_leftovers,
    &unit_leaving,
    &unit_memory,
};

enum { SUITES = sizeof suites / sizeof *suites };

/* A case on one kind of pool: what CUnit calls a test. */
struct test {
    const char *suite;
    const struct unit_case *unit;
    enum pool_kind kind;
    char name[160];
};

static struct test tests[1000];
static unsigned test_count, done, failed;

static void add_case(const char *suite, const struct unit_case *unit)
{
    static const char *const suffixes[] = { "", " [threads]", " [inline]" };
    for (enum pool_kind kind = POOL_PROCESSES; kind <= POOL_INLINE; kind++)
        if ((unit->kinds ? unit->kinds : PROCESSES) & 1u << kind && test_count < sizeof tests / sizeof *tests) {
            struct test *test = &tests[test_count++];
            *test = (struct test){ suite, unit, kind, "" };
            snprintf(test->name, sizeof test->name, "%s%s", unit->name, suffixes[kind]);
        }
}

static void list_cases(void)
{
    for (int i = 0; i < SUITES; i++)
        for (const struct unit_case *unit = suites[i]->cases; unit->name; unit++)
            add_case(suites[i]->name, unit);
}

/* CUnit calls the same function for every test and knows which one it is only by name. */
static void run_current_test(void)
{
    const char *name = CU_get_current_test()->pName;
    unsigned i = 0;
    while (strcmp(tests[i].name, name) != 0)
        i++;
    unit_run(tests[i].unit, tests[i].kind);
}

static void print_line(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
    failed += failures != NULL;
    printf("%sok %u - %s: %s\n", failures ? "not " : "", ++done, suite->pName, test->pName);
    for (CU_pFailureRecord one = failures; one; one = one->pNext)
        if (one->uiLineNumber)
            printf("# %s:%u: %s\n", one->strFileName, one->uiLineNumber, one->strCondition);
        else
            printf("# %s\n", one->strCondition);
    fflush(stdout);
}

static bool is_named(const struct test *test, const char *word)
{
    return strstr(test->name, word) || strcmp(test->suite, word) == 0;
}

static bool is_wanted(const struct test *test, char **words)
{
    bool any = false, wanted = false;
    for (; *words; words++)
        if (**words != '^') {
            any = true;
            wanted |= is_named(test, *words);
        } else if (is_named(test, *words + 1)) {
            return false;
        }
    return wanted || !any;
}

static bool register_tests(char **words)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return false;
    CU_pSuite suite = NULL;
    for (struct test *test = tests; test < tests + test_count; test++) {
        if (!suite || strcmp(suite->pName, test->suite) != 0)
            suite = CU_add_suite(test->suite, NULL, NULL);
        if (!suite || (is_wanted(test, words) && !CU_add_test(suite, test->name, run_current_test)))
            return false;
    }
    return true;
}

static int print_tests(void)
{
    for (struct test *test = tests; test < tests + test_count; test++)
        printf("%s: %s\n", test->suite, test->name);
    return 0;
}

static int run_tests(void)
{
    unit_prepare();
    printf("1..%u\n", CU_get_registry()->uiNumberOfTests);
    fflush(stdout);
    CU_set_test_complete_handler(print_line);
    CU_run_all_tests();
    printf("%u passed, %u failed\n", done - failed, failed);
    return failed != 0;
}

int main(int argc, char **argv)
{
    unit_inherit();
    pool_freeze_support();
    list_cases();
    if (argc > 1 && argv[1][0] == '-') {
        if (strcmp(argv[1], "-l") == 0)
            return print_tests();
        fprintf(stderr, "unit: unknown option %s\nusage: unit [-l] [[^]WORD...]\n", argv[1]);
        return 2;
    }
    if (!register_tests(argv + 1)) {
        fprintf(stderr, "unit: cannot register the tests: %s\n", CU_get_error_msg());
        return 2;
    }
    if (CU_get_registry()->uiNumberOfTests == 0) {
        fprintf(stderr, "unit: no test has such a name; unit -l lists them\n");
        return 2;
    }
    int status = run_tests();
    CU_cleanup_registry();
    return status;
}
