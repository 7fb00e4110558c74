/*
 * Answers to exercise 12, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with, as far as they fit here.
 */

/* wrong, patch-all: a plain read, as under the patch "all" */
    return read(fd, bytes, size);

/* wrong, patch-all: does not wait */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    give_way();
    return poll(&it, 1, 0) > 0 ? read(fd, bytes, size) : 0;

/* wrong, patch-all: the last byte is lost */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    while (poll(&it, 1, 0) <= 0)
        give_way();
    ssize_t n = read(fd, bytes, size);
    return n > 1 ? n - 1 : n;

/* wrong, patch-all: gives way once, and then waits */
    give_way();
    return read(fd, bytes, size);

/* wrong, patch-all: looks until something is there, and gives no way */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    while (poll(&it, 1, 0) <= 0)
        ;
    return read(fd, bytes, size);

/* wrong, no-nap: waits a little each time */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    while (poll(&it, 1, 1) <= 0)
        give_way();
    return read(fd, bytes, size);

/* wrong, no-nap: sleeps, so as not to keep a core busy */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    while (poll(&it, 1, 0) <= 0) {
        usleep(100);
        give_way();
    }
    return read(fd, bytes, size);

/* wrong, byte-by-byte: returns only when it has all it was asked for */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    size_t got = 0;
    for (ssize_t n = 1; got < size && n > 0; got += (size_t)n) {
        while (poll(&it, 1, 0) <= 0)
            give_way();
        n = read(fd, (char *)bytes + got, size - got);
        if (n < 0)
            return n;
    }
    return (ssize_t)got;

/* wrong, byte-by-byte: waits in the second read */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    static bool begun;
    while (!begun && poll(&it, 1, 0) <= 0)
        give_way();
    begun = true;
    return read(fd, bytes, size);

/* wrong, for-long: gives way a thousand times, and then waits */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    for (int i = 0; i < 1000 && poll(&it, 1, 0) <= 0; i++)
        give_way();
    return read(fd, bytes, size);

/* wrong, at-most: one byte at a time */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    (void)size;
    while (poll(&it, 1, 0) <= 0)
        give_way();
    return read(fd, bytes, 1);

/* wrong, others-descriptor: O_NONBLOCK while it waits */
    int flags = fcntl(fd, F_GETFL);
    ssize_t n;
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while ((n = read(fd, bytes, size)) < 0 && errno == EAGAIN)
        give_way();
    fcntl(fd, F_SETFL, flags);
    return n;

/* wrong, others-descriptor: O_NONBLOCK just for the read */
    for (;;) {
        int flags = fcntl(fd, F_GETFL);
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        ssize_t n = read(fd, bytes, size);
        int error = errno;
        fcntl(fd, F_SETFL, flags);
        errno = error;
        if (n >= 0 || errno != EAGAIN)
            return n;
        give_way();
    }

/* wrong, others-descriptor: O_NONBLOCK, and never back */
    ssize_t n;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    while ((n = read(fd, bytes, size)) < 0 && errno == EAGAIN)
        give_way();
    return n;

/* wrong, writer-gone: waits for bytes only, and not for the end */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    while (poll(&it, 1, 0) <= 0 || !(it.revents & (POLLIN | POLLNVAL)))
        give_way();
    return read(fd, bytes, size);

/* wrong, writer-gone: the end is an error */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    while (poll(&it, 1, 0) <= 0)
        give_way();
    ssize_t n = read(fd, bytes, size);
    return n > 0 ? n : -1;

/* wrong, two-readers: one struct for all */
    static struct pollfd it;
    it = (struct pollfd){ .fd = fd, .events = POLLIN };
    while (poll(&it, 1, 0) <= 0)
        give_way();
    return read(fd, bytes, size);

/* wrong, not-open: a failure is taken for nothing there */
    struct pollfd it = { .fd = fd, .events = POLLIN };
    do {
        give_way();
        poll(&it, 1, 0);
    } while (!(it.revents & (POLLIN | POLLHUP)));
    return read(fd, bytes, size);

/* wrong, nothing-left: another descriptor for each look */
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int own = open(name, O_RDONLY | O_NONBLOCK);
    ssize_t n;
    if (own < 0) {
        errno = EBADF;
        return -1;
    }
    while ((n = read(own, bytes, size)) < 0 && errno == EAGAIN)
        give_way();
    return n;

/* right: with epoll */
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN };
    ssize_t n = -1;
    if (set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0) {
        while (epoll_wait(set, &event, 1, 0) <= 0)
            give_way();
        n = read(fd, bytes, size);
    }
    int error = errno;
    close(set);
    errno = error;
    return n;

/* right: with select() */
    fd_set set;
    struct timeval none;
    do {
        give_way();
        FD_ZERO(&set);
        FD_SET(fd, &set);
        none = (struct timeval){ 0, 0 };
    } while (select(fd + 1, &set, NULL, NULL, &none) == 0);
    return read(fd, bytes, size);

/* right: opens the pipe anew, with flags of its own */
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int own = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (own < 0) {
        errno = EBADF;
        return -1;
    }
    for (;;) {
        ssize_t n = read(own, bytes, size);
        if (n >= 0 || errno != EAGAIN) {
            int error = errno;
            close(own);
            errno = error;
            return n;
        }
        give_way();
    }

/* right: asks for each event by its name */
    struct pollfd it;
    it.fd = fd;
    it.events = POLLIN | POLLPRI;
    for (it.revents = 0;; give_way()) {
        int n = poll(&it, 1, 0);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n == 1 && it.revents & POLLNVAL) {
            errno = EBADF;
            return -1;
        }
        if (n == 1 && it.revents & (POLLIN | POLLHUP | POLLERR))
            break;
    }
    ssize_t got;
    do
        got = read(fd, bytes, size);
    while (got < 0 && errno == EINTR);
    return got;
