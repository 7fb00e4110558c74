/*
 * Answers to exercise 14, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault.
 */

/* wrong, waiting-work: the cores, however long it waits */
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        CPU_ZERO(&mine);
    double workers = CPU_COUNT(&mine) * (cpu + 0 * wait) / cpu;
    if (workers > (double)items)
        workers = (double)items;
    if (bytes_each > 0 && workers > (double)(bytes_free / bytes_each))
        workers = (double)(bytes_free / bytes_each);
    return workers < 1 ? 1 : (int)workers;

/* wrong, computing: wait / cpu, without the computing */
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        CPU_ZERO(&mine);
    double workers = CPU_COUNT(&mine) * wait / cpu;
    if (workers > (double)items)
        workers = (double)items;
    if (bytes_each > 0 && workers > (double)(bytes_free / bytes_each))
        workers = (double)(bytes_free / bytes_each);
    return workers < 1 ? 1 : (int)workers;

/* wrong, hundred-for-ten: the items are forgotten */
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        CPU_ZERO(&mine);
    double workers = CPU_COUNT(&mine) * (cpu + wait) / cpu;
    (void)items;
    if (bytes_each > 0 && workers > (double)(bytes_free / bytes_each))
        workers = (double)(bytes_free / bytes_each);
    return workers < 1 ? 1 : (int)workers;

/* wrong, memory: the memory is forgotten */
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        CPU_ZERO(&mine);
    double workers = CPU_COUNT(&mine) * (cpu + wait) / cpu;
    if (workers > (double)items)
        workers = (double)items;
    (void)bytes_each, (void)bytes_free;
    return workers < 1 ? 1 : (int)workers;

/* wrong, memory: one worker more than there is room for */
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        CPU_ZERO(&mine);
    double workers = CPU_COUNT(&mine) * (cpu + wait) / cpu;
    if (workers > (double)items)
        workers = (double)items;
    if (bytes_each > 0 && workers > (double)(bytes_free / bytes_each))
        workers = (double)(bytes_free / bytes_each + 1);
    return workers < 1 ? 1 : (int)workers;

/* wrong, memory: a division by 0 */
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        CPU_ZERO(&mine);
    double workers = CPU_COUNT(&mine) * (cpu + wait) / cpu;
    if (workers > (double)items)
        workers = (double)items;
    if (workers > (double)(bytes_free / bytes_each))
        workers = (double)(bytes_free / bytes_each);
    return workers < 1 ? 1 : (int)workers;

/* wrong, at-least-one: 0 where there is too little memory */
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        CPU_ZERO(&mine);
    double workers = CPU_COUNT(&mine) * (cpu + wait) / cpu;
    if (workers > (double)items)
        workers = (double)items;
    if (bytes_each > 0 && workers > (double)(bytes_free / bytes_each))
        workers = (double)(bytes_free / bytes_each);
    return (int)workers;

/* wrong, one-core: all cores that the machine has */
    double workers = (double)sysconf(_SC_NPROCESSORS_ONLN) * (cpu + wait) / cpu;
    if (workers > (double)items)
        workers = (double)items;
    if (bytes_each > 0 && workers > (double)(bytes_free / bytes_each))
        workers = (double)(bytes_free / bytes_each);
    return workers < 1 ? 1 : (int)workers;

/* right: a pool says how many cores there are */
    struct pool *pool = pool_open(NULL);
    int cores = pool_processes(pool);
    pool_free(pool);
    double workers = cores * (cpu + wait) / cpu;
    if (workers > (double)items)
        workers = (double)items;
    if (bytes_each > 0 && workers > (double)(bytes_free / bytes_each))
        workers = (double)(bytes_free / bytes_each);
    return workers < 1 ? 1 : (int)workers;

/* right: rounded up, and the limits as whole numbers */
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(getpid(), sizeof set, &set);
    int cores = 0;
    for (int i = 0; i < CPU_SETSIZE; i++)
        cores += CPU_ISSET(i, &set) != 0;
    double wanted = cores * (1 + wait / cpu);
    size_t most = bytes_each ? bytes_free / bytes_each : items;
    if (most > items)
        most = items;
    if (most == 0)
        return 1;
    if (wanted > (double)most)
        return (int)most;
    return (int)wanted + (wanted > (int)wanted);

/* right: counted up, one worker after the other */
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    size_t workers = 1;
    while ((double)(workers + 1) * cpu <= CPU_COUNT(&set) * (cpu + wait) * (1 + 1e-12) && workers < items &&
           (workers + 1) * bytes_each <= bytes_free)
        workers++;
    return (int)workers;
