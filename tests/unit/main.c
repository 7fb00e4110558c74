/*
 * main.c - the library's tests: CUnit's registry, and a line of TAP for each test.
 *
 *     build/unit             runs all
 *     build/unit D05 imap    runs those whose name contains one of the words, or whose suite is called so
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
    &unit_maps,   &unit_results, &unit_streams, &unit_callbacks, &unit_misuse, &unit_life,
    &unit_deaths, &unit_signals, &unit_host,    &unit_output,    &unit_faults,
};

enum { SUITES = sizeof suites / sizeof *suites };

static unsigned done, failed;

/* CUnit calls the same function for every test and knows which one it is only by name. */
static void run_current_test(void)
{
    const char *name = CU_get_current_test()->pName;
    for (int i = 0; i < SUITES; i++)
        for (const struct unit_case *test = suites[i]->cases; test->name; test++)
            if (strcmp(test->name, name) == 0) {
                unit_run(test);
                return;
            }
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

static bool is_wanted(const char *suite, const char *name, char **words)
{
    bool wanted = !*words;
    for (; *words && !wanted; words++)
        wanted = strstr(name, *words) || strcmp(suite, *words) == 0;
    return wanted;
}

static bool register_tests(char **words)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return false;
    for (int i = 0; i < SUITES; i++) {
        CU_pSuite suite = CU_add_suite(suites[i]->name, NULL, NULL);
        for (const struct unit_case *test = suites[i]->cases; suite && test->name; test++)
            if (is_wanted(suites[i]->name, test->name, words) && !CU_add_test(suite, test->name, run_current_test))
                suite = NULL;
        if (!suite)
            return false;
    }
    return true;
}

static int list_tests(void)
{
    for (int i = 0; i < SUITES; i++)
        for (const struct unit_case *test = suites[i]->cases; test->name; test++)
            printf("%s: %s\n", suites[i]->name, test->name);
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
    if (argc > 1 && argv[1][0] == '-') {
        if (strcmp(argv[1], "-l") == 0)
            return list_tests();
        fprintf(stderr, "unit: unknown option %s\nusage: unit [-l] [WORD...]\n", argv[1]);
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
