/*
 * Answers to exercise 13, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault.
 */

/* wrong, at-least-one: 0 where there are few items */
    double wanted = 100 * handing / task;
    size_t most = n / (4 * workers);
    return wanted < (double)most ? (size_t)wanted + 1 : most;

/* wrong, one-per-cent: always 1 */
    (void)task, (void)handing, (void)n, (void)workers;
    return 1;

/* wrong, four-chunks-each: one chunk for each worker */
    (void)task, (void)handing;
    size_t chunk = n / workers;
    return chunk > 0 ? chunk : 1;

/* wrong, four-chunks-each: all in one chunk */
    (void)task, (void)handing, (void)workers;
    return n;

/* wrong, four-chunks-each: a hundredth, whatever it takes */
    double wanted = 100 * handing / task;
    size_t chunk = (size_t)wanted + 1;
    (void)workers;
    return chunk < n ? chunk : n;

/* wrong, one-per-cent: a tenth instead of a hundredth */
    double wanted = 10 * handing / task;
    size_t most = n / (4 * workers);
    size_t chunk = wanted < (double)most ? (size_t)wanted + 1 : most;
    return chunk > 0 ? chunk : 1;

/* wrong, one-per-cent: the quotient upside down */
    double wanted = 100 * task / (handing > 0 ? handing : 1);
    size_t most = n / (4 * workers);
    size_t chunk = wanted < (double)most ? (size_t)wanted + 1 : most;
    return chunk > 0 ? chunk : 1;

/* wrong, one-per-cent: divided as whole numbers, rounded down */
    size_t wanted = 100 * (size_t)handing / ((size_t)task > 0 ? (size_t)task : 1);
    size_t most = n / (4 * workers);
    size_t chunk = wanted < most ? wanted : most;
    return chunk > 0 ? chunk : 1;

/* wrong, as-near-as-can-be: 1 where a hundredth cannot be had */
    double wanted = 100 * handing / task;
    size_t most = n / (4 * workers);
    return wanted <= (double)most ? (size_t)wanted + (wanted > (double)(size_t)wanted) + (wanted == 0) : 1;

/* right: as large as may be, always */
    (void)task, (void)handing;
    return n < 4 * workers ? 1 : n / (4 * workers);

/* right: a loop that looks for the smallest */
    size_t most = n / 4 / workers, chunk = 1;
    while (chunk < most && handing > 0.01 * task * (double)chunk)
        chunk++;
    return chunk;

/* right: rounded up with whole numbers */
    unsigned long long picoseconds = (unsigned long long)(1e6 * task + 0.5);
    unsigned long long hundred = (unsigned long long)(1e8 * handing + 0.5);
    unsigned long long wanted = (hundred + picoseconds - 1) / picoseconds;
    unsigned long long most = n / (workers * 4);
    if (wanted > most)
        wanted = most;
    return wanted ? wanted : 1;
